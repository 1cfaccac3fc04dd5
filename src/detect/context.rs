//! Values that are credentials because of the name of their slot: they have no prefix of their own.

use std::cell::LazyCell;
use std::cmp::Reverse;
use std::sync::Arc;

use super::address;
use super::call::{self, CALLS, Call};
use super::confirm::{Judge, is_another};
use super::holder;
use super::index::Known;
use super::literal;
use super::near::{Around, Near};
use super::printed;
use super::resolve::{Found, Rank};
use super::slot::{self, Slot};
use crate::credential::{Environment, Evidence};
use crate::rule::name::normalise;
use crate::rule::{Edge, Fit, Matched, NamePattern, Outline, ProviderFacts, Rule, RuleSet};
use crate::span::Span;

/// Parts of names that are looked for. Vendors and common words are not among them: they are read
/// from the name once one of these was seen.
const STEMS: &[&str] = &[
    "key",
    "token",
    "secret",
    "passw",
    "passph",
    "passc",
    "pwd",
    "auth",
    "cred",
    "bearer",
    "salt",
    "hmac",
    "client_id",
    "client-id",
    "clientid",
];

/// Of wallets, and the names that some providers have for what is secret. All are so rare that it costs less to
/// look for them than to learn whether a rule has one.
const RARE: &[&str] = &[
    "mnemonic",
    "phrase",
    "wif",
    "accounts: [",
    "accounts:[",
    "private-merchant-id",
    "private_merchant_id",
    "privatemerchantid",
    "verif-hash",
    "verif_hash",
    "p24_crc",
    "shoppass",
    "shop_pass",
    "sitepass",
    "site_pass",
    "wallet(\"",
    "wallet('",
    "walletprovider",
    "converge_pin",
    "ssl_pin",
    "pass=",
    "pass =",
    "pass:",
    "pass'",
    "pass\"",
    "<pass ",
    "<pass>",
    "requirepass",
    "masterauth",
    "bindpw",
    "psk=",
    "psk =",
    "psk\"",
    "erlang_cookie",
    "identified by",
    "securestring",
    "rocommunity",
    "rwcommunity",
    "lithic",
    "sshpass",
    "docker login",
    "podman login",
    "registry login",
    "oc login",
    "az login",
    "mongo -u",
    "mongosh -u",
    "mongodump",
    "mongorestore",
    "cqlsh",
    "ipmitool",
    "redis-cli",
    "ldapsearch",
    "sqlcmd",
    "osql -",
    "openssl enc",
    "signtool sign",
    "smbclient",
    "lftp -u",
    "net use",
    "sqlplus",
    "htpasswd -",
    "wandb login",
    "storepass",
    "keypass",
    "sonar.login",
    "auth.user.info",
    "core.windows.net\"",
    "core.windows.net'",
    "core.windows.net=",
    "core.windows.net<",
    printed::EXPLAINED,
    "mysql -h",
    "mysql -u",
    "mysqldump -h",
    "mysqldump -u",
    "pin: ",
    "pin\"",
    "pin'",
    "pin =",
    "crc\"",
    "crc'",
    "crc: ",
    "icesecret",
    "security_code",
    "security-code",
    "securitycode",
    "acct1.signature",
    "api_signature",
    "apisignature",
    "&signature=",
    "paypal_signature",
    "paypal-signature",
    "paypalsignature",
    "signature: '",
    "signature: \"",
    "signature' => '",
    "signature = '",
    "signature = \"",
    "pepper =",
    "pepper:",
    "psk \"",
    "_pass \"",
    "_pw =",
    "_pw:",
    "_pw=",
    "_pw\"",
    "_pw'",
    address::CHPASSWD,
];

/// The longest name of a slot that the name of its block is asked for, and the shortest value.
const LEAF: usize = 24;
const HELD: usize = 8;

/// Options of commands behind which an id and its secret stand: `curl -u id:secret`.
const USER_OPTIONS: &[&str] = &[" -u ", "--user "];

/// The scheme of a header that holds an id and its secret, how long the id may be, and what its
/// secret would be called.
const BASIC: &[u8] = b"basic ";
const MAX_ID: usize = 128;
const BASIC_SECRET: &[u8] = b"client_secret";
/// And what the id would be called where there is no second part.
const BASIC_KEY: &[u8] = b"api_key";
/// Names whose value is an id and its secret with a colon between them.
const PAIRS: &[&[u8]] = &[
    b"basic.auth.user.info",
    b"schema.registry.basic.auth.user.info",
    b"CURLOPT_USERPWD",
    b"CURLOPT_PROXYUSERPWD",
    b"npmAuthIdent",
];
/// And how the names of others end, in any case: `WEBHOOK_BASIC_AUTH`.
const PAIRED: &[u8] = b"basic_auth";
/// The check that words pass if they are long.
const LENIENT: &str = "long-or-drawn";
/// How long the call is that encodes them.
const CALL: usize = 64;
/// How far back the address of a badge is looked for.
const BADGE: usize = 256;

/// The stems that are worth looking for: none, if no rule finds values by their names.
pub(super) fn stems(set: &RuleSet) -> Vec<&'static str> {
    let all = STEMS.iter().chain(RARE).chain(USER_OPTIONS);
    let is_asked = set.rules().iter().any(|rule| rule.is_named());
    all.filter(|_| is_asked).copied().collect()
}

/// The calls that are worth looking for: the same.
pub(super) fn calls(set: &RuleSet) -> impl Iterator<Item = &'static Call> {
    let is_asked = set.rules().iter().any(|rule| rule.is_named());
    CALLS.iter().filter(move |_| is_asked)
}

/// The length of the shortest value of any rule that has names.
pub(super) fn shortest(set: &RuleSet) -> usize {
    set.rules().iter().filter_map(|rule| rule.shortest_named()).min().unwrap_or(0)
}

/// Whether a normalised stem stands in a name, stars left out.
fn holds(pattern: &NamePattern, stem: &str) -> bool {
    let name = pattern.normal();
    if pattern.is_open() { name.replace('*', "").contains(stem) } else { name.contains(stem) }
}

/// Whether a name with this pattern can be found at all: it must hold one of the stems.
pub(crate) fn can_be_found(pattern: &NamePattern) -> bool {
    let mut stems = STEMS.iter().chain(RARE).map(|stem| normalise(stem.as_bytes())).filter(|stem| !stem.is_empty());
    stems.any(|stem| holds(pattern, &stem))
}

/// A value that a rule with this name has read.
struct Reading<'a> {
    rule: &'a Arc<Rule>,
    matched: Matched<'a>,
    known: Known,
}

/// How a rule came to a value.
struct Claim<'a> {
    rule: &'a Arc<Rule>,
    fit: Fit,
    /// What the value says of its environment.
    text: Option<&'a str>,
    /// The rule's own name for it, not one that needs a marker.
    own: bool,
    /// A route that only this kind of key is sent to.
    route: Option<Evidence>,
    specificity: usize,
    because: Vec<Evidence>,
}

/// The values of the slot whose name holds the stem, if a rule knows the name: one, or those of a list.
pub(super) fn values_at(set: &RuleSet, around: &Around<'_>, slot: Slot, shortest: usize) -> Vec<Found> {
    let first = value_at(set, around, slot, shortest);
    let mut next = first.as_ref().and_then(|found| slot::next_in_list(around.bytes, slot, found.span.end));
    let mut values: Vec<_> = first.into_iter().collect();
    while let Some(slot) = next {
        let value = value_at(set, around, slot, shortest);
        next = value.as_ref().and_then(|found| slot::next_in_list(around.bytes, slot, found.span.end));
        values.extend(value);
    }
    values
}

/// The value of the slot whose name holds the stem, if a rule knows the name; with its environment, if an argument beside
/// it says that.
fn value_at<'a>(set: &'a RuleSet, around: &Around<'a>, slot: Slot, shortest: usize) -> Option<Found> {
    let mut found = value_in(set, around, slot, shortest)?;
    if found.environment == Environment::Unknown
        && !found.rule.provider.is_general()
        && let Some((environment, span)) = call::environment_beside(around.bytes, found.span.start)
    {
        let fact = format!("given with {}", String::from_utf8_lossy(&around.bytes[span.range()]));
        found.environment = environment;
        found.because.push(Evidence { fact, weight: Some(100), span: Some(span) });
    }
    Some(found)
}

fn value_in<'a>(set: &'a RuleSet, around: &Around<'a>, slot: Slot, shortest: usize) -> Option<Found> {
    let bytes = around.bytes;
    let pair = basic_secret(bytes, slot);
    let slot = pair.unwrap_or(slot);
    let is_value = |byte: &&u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'`');
    let run = bytes[slot.value..].iter().take(shortest).take_while(is_value).count();
    if run < shortest && !goes_on(bytes, slot, run) {
        return None;
    }
    let is_settled = |found: &Found| !found.rule.provider.is_general();
    let known = around.rules_named(if pair.is_some() { BASIC_SECRET } else { &bytes[slot.name.range()] });
    let mut found = read(set, around, slot, (&known, pair.is_some()));
    // A user without a password is a key.
    if pair.is_some_and(|pair| is_user_alone(bytes, pair.value)) && !found.as_ref().is_some_and(is_settled) {
        found = read(set, around, slot, (&around.rules_named(BASIC_KEY), true)).or(found);
    }
    if pair.is_some() || slot.listed || found.as_ref().is_some_and(is_settled) {
        return found;
    }
    held_at(set, around, slot).or(found)
}

/// The value of a slot such as `key` in a block that is called after a provider: `wise: {token: …}` is `wise_token`.
fn held_at<'a>(set: &'a RuleSet, around: &Around<'a>, slot: Slot) -> Option<Found> {
    let bytes = around.bytes;
    let is_value = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.+/=".contains(byte);
    if slot.name.len() > LEAF
        || !around.is_leaf(&bytes[slot.name.range()])
        || bytes[slot.value..].iter().take(HELD).take_while(is_value).count() < HELD
    {
        return None;
    }
    let holder = holder::owner_of(bytes, slot.name.start)?;
    let name = [&bytes[holder.range()], b"_", &bytes[slot.name.range()]].concat();
    let known = around.rules_named(&name);
    // `jwt: {key: …}` and `crypt: {key: …}` say more than `key`, and are nobody's.
    let block = &bytes[holder.range()];
    let signs = block.get(..3).is_some_and(|head| head.eq_ignore_ascii_case(b"jwt"))
        || matches!(block, b"crypt" | b"encrypt" | b"encryption");
    let knows = |rule: usize| signs || !set.rules()[rule].provider.is_general();
    let own = |known: &&Known| known.own.is_some() && knows(known.rule);
    let known: Vec<Known> = known.iter().filter(own).copied().collect();
    let mut found = read(set, around, slot, (&known, false))?;
    // The block says whose it is; a shape says more.
    if !found.rule.provider.is_general() {
        found.rank = Rank::General;
    }
    found.because.push(in_block(bytes, holder));
    literal::is_literal(bytes, slot, found.span.end).then_some(found)
}

fn in_block(bytes: &[u8], name: Span) -> Evidence {
    let fact = format!("in the block {}", String::from_utf8_lossy(&bytes[name.range()]));
    Evidence { fact, weight: None, span: Some(name) }
}

/// The value that a traceback tells of a name in the code above.
pub(super) fn explained(set: &RuleSet, around: &Around<'_>, at: usize) -> Option<Found> {
    let slot = printed::explained(around.bytes, at)?;
    read(set, around, slot, (&around.rules_named(&around.bytes[slot.name.range()]), true))
}

/// The value of a slot, as the best of the rules that know its name reads it. `decoded`: it stood in a header, in
/// no quotes.
pub(super) fn read<'a>(set: &'a RuleSet, around: &Around<'a>, slot: Slot, (known, decoded): (&[Known], bool)) -> Option<Found> {
    let bytes = around.bytes;
    if known.is_empty() {
        return None;
    }
    let strangers = LazyCell::new(|| around.owners_of_slot(&bytes[slot.name.range()]));
    let stranger = |rule: &Rule| rule.names.is_empty() && is_another(around, &rule.provider, &strangers);
    let there = Outline::of(&bytes[slot.value..]);
    let known = known.iter().filter(|known| around.index.may_begin(known.rule, &there));
    let known = known.map(|&known| (&set.rules()[known.rule], known));
    // Most formats differ in their first letters, and nothing more is asked of them.
    let known = known.filter(|(rule, _)| rule.format.may_begin(&bytes[slot.value..]));
    // In a list, the neighbour of a name is its value only if it looks like one.
    // What passes for being long may be the next name.
    let telling = |rule: &Rule| rule.checks.iter().any(|check| check.name != LENIENT);
    let structured = |rule: &Rule| telling(rule) || rule.format.min_length() == rule.format.max_length();
    let known = known.filter(|(rule, _)| !slot.listed || structured(rule) && !rule.needs_literal);
    let matching: Vec<_> = known.filter(|(rule, _)| rule.provider.is_general() || !stranger(rule)).collect();
    if matching.is_empty() || is_reference(bytes, slot.value) {
        return None;
    }
    let delimited = matching.iter().any(|(rule, _)| rule.edge == Edge::Delimiter);
    let opened_by = if delimited { slot::opener(bytes, slot.value) } else { None };
    let read = |(rule, known): (&'a Arc<Rule>, Known)| {
        let matched = rule.format.match_at(&bytes[slot.value..], rule.edge, opened_by)?;
        Some(Reading { rule, matched, known })
    };
    let mut fits: Vec<_> = matching.into_iter().filter_map(read).collect();
    let longest = fits.iter().map(|reading| reading.matched.fit.length).max()?;
    // The first of a list leads to the others.
    let leads = || bytes[slot.name.end.min(slot.value)..slot.value].contains(&b'[');
    if !around.is_new(Span::new(slot.name.start.min(slot.value), slot.value + longest)) && !leads() {
        return None;
    }
    let mut judge = Judge::new(set, &bytes[slot.value..]);
    fits.retain(|Reading { rule, matched: Matched { fit, .. }, .. }| {
        let public = head_of(&bytes[slot.value..][..fit.length]);
        // What a header decodes to stands in no quotes, and is no expression either.
        let quoted = || slot.value.checked_sub(1).is_some_and(|before| b"\"'`".contains(&bytes[before]));
        let stands = !rule.needs_literal || decoded || literal::is_literal(bytes, slot, slot.value + fit.length);
        let stands = stands && (!rule.needs_quotes || quoted()) && !(rule.is_generic() && is_of_badge(bytes, slot));
        stands && judge.is_genuine(rule, *fit, public)
    });
    choose(&fits, around, slot)
}

/// Whether a short run is only the beginning of the value: the first word of a phrase, the first of many numbers.
fn goes_on(bytes: &[u8], slot: Slot, run: usize) -> bool {
    let end = slot.value + run;
    let phrase = || {
        let name = bytes[slot.name.range()].to_ascii_lowercase();
        [&b"phrase"[..], b"mnemonic", b"walletprovider"].iter().any(|word| memchr::memmem::find(&name, word).is_some())
    };
    let numbers = || matches!(bytes[slot.value..end], [b'0'..=b'9', .., b',']);
    bytes.get(end).is_some_and(u8::is_ascii_whitespace) && (numbers() || phrase())
}

/// The secret of `Authorization: Basic id:secret`, which is what the header decodes to, of `curl -u id:secret`: the
/// second part, or the first if there is no second; of `auth=('id', 'secret')`.
fn basic_secret(bytes: &[u8], slot: Slot) -> Option<Slot> {
    if let Some(second) = paired_secret(bytes, slot) {
        return Some(second);
    }
    if let Some(value) = encoded_by_code(bytes, slot.value) {
        return second_of(bytes, Slot { value, ..slot });
    }
    let scheme = &bytes[slot.value.saturating_sub(BASIC.len())..slot.value];
    let name = &bytes[slot.name.range()];
    let paired =
        || PAIRS.contains(&name) || name.len() >= PAIRED.len() && name[name.len() - PAIRED.len()..].eq_ignore_ascii_case(PAIRED);
    if !scheme.eq_ignore_ascii_case(BASIC) && !slot::is_user_option(name) && !paired() {
        return None;
    }
    second_of(bytes, slot)
}

/// Whether what begins here has a colon behind it, and nothing more.
fn is_user_alone(bytes: &[u8], value: usize) -> bool {
    let is_id = |byte: &&u8| byte.is_ascii_graphic() && !b":\"'`".contains(byte);
    let colon = value + bytes[value..].iter().take(MAX_ID).take_while(is_id).count();
    bytes.get(colon) == Some(&b':') && bytes.get(colon + 1).is_none_or(|next| !next.is_ascii_graphic() || b"\"'`".contains(next))
}

/// The second of an id and its secret with a colon between them; the first if there is no second.
fn second_of(bytes: &[u8], slot: Slot) -> Option<Slot> {
    let is_id = |byte: &&u8| byte.is_ascii_graphic() && !b":\"'`".contains(byte);
    let colon = slot.value + bytes[slot.value..].iter().take(MAX_ID).take_while(is_id).count();
    // Some tools encode `Authorization: Basic id secret` themselves.
    let parted =
        || bytes[..slot.value].ends_with(b"Basic ") && bytes.get(colon) == Some(&b' ') && slot::is_token(&bytes[colon + 1..]);
    if bytes.get(colon) != Some(&b':') && !parted() {
        return None;
    }
    let is_over = |byte: &u8| !byte.is_ascii_graphic() || b"\"'`".contains(byte);
    let value = if bytes.get(colon + 1).is_none_or(is_over) { slot.value } else { colon + 1 };
    Some(Slot { value, ..slot })
}

/// Where the text begins that code encodes for a header: `'Basic ' + btoa('id:secret')`, `` `Basic ${btoa('id:')}` ``.
fn encoded_by_code(bytes: &[u8], value: usize) -> Option<usize> {
    let before = &bytes[value.saturating_sub(CALL)..value];
    let scheme = before.trim_ascii_end();
    let scheme = scheme.strip_suffix(b"\"").or_else(|| scheme.strip_suffix(b"'")).unwrap_or(scheme).trim_ascii_end();
    let head = &bytes[value..(value + CALL).min(bytes.len())];
    if !matches!(head.first(), Some(b'+' | b'.' | b'$' | b'#' | b'<')) || scheme.len() < 5 {
        return None;
    }
    if !scheme[scheme.len() - 5..].eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let is_code = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+.$#<{}() _:\\".contains(byte);
    let length = head.iter().take_while(is_code).count();
    let opens = matches!(head.get(length), Some(b'"' | b'\'' | b'`'));
    let call = head[..length].iter().rposition(|byte| *byte == b'(')?;
    // `b"…"` of Python.
    (opens && length - call <= 2).then_some(value + length + 1)
}

/// The second of two texts in brackets, of a name that everybody uses for an id and its secret.
fn paired_secret(bytes: &[u8], slot: Slot) -> Option<Slot> {
    let name = bytes[slot.name.range()].rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    if !name.eq_ignore_ascii_case(b"auth") || !bytes[slot.name.end..slot.value].contains(&b'(') {
        return None;
    }
    let quote = bytes[..slot.value].last().copied().filter(|byte| b"\"'".contains(byte))?;
    let is_id = |byte: &&u8| byte.is_ascii_graphic() && **byte != quote && **byte != b'\\';
    let id = bytes[slot.value..].iter().take(MAX_ID).take_while(is_id).count();
    // In a notebook, the quotes are those of JSON.
    let bare = |rest: &'_ [u8]| rest.len() - rest.strip_prefix(b"\\").unwrap_or(rest).len();
    let rest = &bytes[slot.value + id..];
    let rest = rest[bare(rest)..].strip_prefix(&[quote, b','])?.trim_ascii_start();
    let behind = rest[bare(rest)..].strip_prefix(&[quote])?;
    Some(Slot { value: bytes.len() - behind.len(), ..slot })
}

/// What code fetches values from, by the end of its name.
const ROOTS: &[&str] = &[
    "app",
    "args",
    "build",
    "cfg",
    "conf",
    "config",
    "configuration",
    "context",
    "creds",
    "credentials",
    "ctx",
    "data",
    "env",
    "environ",
    "environment",
    "form",
    "import",
    "input",
    "inputs",
    "local",
    "meta",
    "module",
    "options",
    "opts",
    "os",
    "params",
    "process",
    "properties",
    "props",
    "rails",
    "req",
    "request",
    "runtime",
    "secrets",
    "self",
    "session",
    "settings",
    "state",
    "system",
    "this",
    "values",
    "var",
    "vars",
    "vault",
];

/// Whether a value without quotes is code that fetches one: `settings.PWD`, `os.environ["PWD"]`.
fn is_reference(bytes: &[u8], value: usize) -> bool {
    let quoted = value.checked_sub(1).is_some_and(|before| b"\"'`".contains(&bytes[before]));
    let is_path = |byte: &&u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b'$' | b'?');
    let path = &bytes[value..][..bytes[value..].iter().take(MAX_ID).take_while(is_path).count()];
    if quoted || !path.contains(&b'.') {
        return false;
    }
    // A random password may begin like code; it does not end like it.
    let ends = match bytes.get(value + path.len()..).unwrap_or_default() {
        [b'[' | b'(', next, ..] => b"\"'`)".contains(next),
        // In minified code, the next thing follows at once.
        [b',' | b';' | b')' | b'}', next, ..] => next.is_ascii_whitespace() || b"\"'`)]};".contains(next),
        [next, _, ..] => next.is_ascii_whitespace(),
        _ => true,
    };
    let root = path.split(|byte| b".?".contains(byte)).next().unwrap_or_default().to_ascii_lowercase();
    ends && ROOTS.iter().any(|known| root.ends_with(known.as_bytes()))
}

/// Whether a value is a parameter of the address of a badge, which is made to be shown: `build.svg?style=flat&token=v`.
fn is_of_badge(bytes: &[u8], slot: Slot) -> bool {
    let head = &bytes[slot.name.start.saturating_sub(BADGE)..slot.name.start];
    if !matches!(head.last(), Some(b'?' | b'&')) {
        return false;
    }
    let address = &head[head.iter().rposition(|byte| !byte.is_ascii_graphic()).map_or(0, |blank| blank + 1)..];
    memchr::memmem::rfind(address, b"?").is_some_and(|query| address[..query].ends_with(b".svg"))
}

/// Length of a head such as `pk_test_` or `test-`, which is no part of the secret.
fn head_of(value: &[u8]) -> usize {
    let modes: [&[u8]; 4] = [b"live", b"test", b"sandbox", b"prod"];
    let mode = modes.iter().find(|mode| value.len() > mode.len() && value[..mode.len()].eq_ignore_ascii_case(mode));
    if let Some(mode) = mode.filter(|mode| matches!(value[mode.len()], b'_' | b'-')) {
        return mode.len() + 1;
    }
    let mut parts = value.splitn(3, |&byte| byte == b'_');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(kind), Some(mode @ (b"live" | b"test" | b"sandbox" | b"prod")), Some(_)) if kind.len() <= 8 => {
            kind.len() + mode.len() + 2
        }
        _ => 0,
    }
}

/// A rule's own name goes before one that needs a marker, a route before none, a longer pattern
/// before a shorter one, a provider before the general pack.
fn choose(fits: &[Reading<'_>], around: &Around<'_>, slot: Slot) -> Option<Found> {
    let bytes = around.bytes;
    let longest = fits.iter().map(|reading| reading.matched.fit.length).max()?;
    let near = Near::new(around, Span::new(slot.value, slot.value + longest));
    let mut claims: Vec<_> = fits.iter().filter_map(|reading| claim(reading, &near)).collect();
    // Of two that are as good, one that says it is public does not hide one that says it is secret.
    let secret = |claim: &Claim<'_>| !claim.rule.class.is_public();
    let weight = |claim: &Claim<'_>| {
        let knows = (!claim.rule.provider.is_general(), !claim.rule.is_generic());
        (knows, claim.own, claim.route.is_some(), claim.specificity, secret(claim))
    };
    claims.sort_by_key(|claim| Reverse(weight(claim)));
    let best = claims.first()?;
    let span = Span::new(slot.value, slot.value + best.fit.length);
    let mut found = Found::new(best.rule, &bytes[span.range()], span, best.text);
    found.name = Some(slot.name);
    found.own_name = best.own;
    let named = String::from_utf8_lossy(&bytes[slot.name.range()]);
    found.because.push(Evidence { fact: format!("named {named}"), weight: None, span: Some(slot.name) });
    found.because.extend(best.because.iter().cloned());
    if best.rule.provider.is_general() {
        let others = fits.iter().filter(|other| other.matched.fit == best.fit && !other.rule.provider.is_general());
        found.alternatives = others.clone().map(|other| other.rule.id.clone()).collect();
        found.candidates =
            others.filter_map(|other| other.rule.attributed()).chain(best.rule.shared_with.iter().cloned()).collect();
    }
    let spoken_of = best.rule.provider.is_general().then(|| spoken_of(around, slot)).flatten();
    found.because.extend(spoken_of.iter().filter(|(_, name)| *name != slot.name).map(|&(_, name)| in_block(bytes, name)));
    let provider = spoken_of.map_or(&best.rule.provider, |(provider, _)| provider);
    found.provider = (!provider.is_general()).then(|| provider.id.clone());
    found.strong = !best.fit.too_long && !best.rule.provider.is_general();
    found.rank = match () {
        () if best.rule.is_generic() => Rank::Generic,
        () if best.rule.provider.is_general() => Rank::General,
        () => Rank::Name,
    };
    found.note_value(found.environment);
    found.listen(around, Some(slot.name), provider);
    Some(found)
}

/// The payment provider that the name of a slot or its block speaks of, for a value in a shape that no rule of it knows,
/// and that name.
fn spoken_of<'a>(around: &Around<'a>, slot: Slot) -> Option<(&'a Arc<ProviderFacts>, Span)> {
    let named = |name: Span| Some((around.index.spoken_of(&around.bytes[name.range()])?, name));
    named(slot.name).or_else(|| holder::owner_of(around.bytes, slot.name.start).and_then(named))
}

fn claim<'a>(reading: &Reading<'a>, near: &Near<'_>) -> Option<Claim<'a>> {
    let Reading { rule, matched: Matched { fit, environment: text }, known } = *reading;
    let marker = || near.mention(&rule.provider).map(|mention| mention.evidence);
    if let Some(specificity) = known.own.filter(|_| !rule.needs_marker) {
        return Some(Claim { rule, fit, text, own: true, route: None, specificity, because: Vec::new() });
    }
    let specificity = known.near.or(known.own)?;
    let evidence = marker()?;
    let route = near.route(&rule.paths);
    if !rule.paths.is_empty() && route.is_none() {
        return None;
    }
    let because = [evidence].into_iter().chain(route.clone()).collect();
    Some(Claim { rule, fit, text, own: false, route, specificity, because })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_fetches_a_value_is_none() {
        for code in [
            "this.password,\"Content\"",
            "settings.PWD\n",
            "os.environ[\"PWD\"]",
            "config.secret}]",
            "this.a.token})",
            "cfg.key();",
        ] {
            assert!(is_reference(code.as_bytes(), 0), "{code}");
        }
        for value in ["this.q7Zp2LxW9v\n", "\"this.password\"", "correct.horse\n", "this.pass,word\n"] {
            let start = usize::from(value.starts_with('"'));
            assert!(!is_reference(value.as_bytes(), start), "{value}");
        }
    }

    #[test]
    fn what_a_badge_is_given_is_made_to_be_shown() {
        let is_of_badge = |text: &str| {
            let name = text.find("token").unwrap();
            is_of_badge(text.as_bytes(), Slot { name: Span::new(name, name + 5), value: text.len(), listed: false })
        };
        assert!(is_of_badge("[![x](https://ci.example/a/b.svg?style=svg&token="));
        assert!(is_of_badge("https://ci.example/badge.svg?token="));
        assert!(!is_of_badge("https://ci.example/badge?token=") && !is_of_badge("a.svg? b?token=") && !is_of_badge("token="));
    }

    #[test]
    fn stems_are_looked_for_if_rules_have_names() {
        assert!(stems(&RuleSet::builtin()).contains(&"secret"));
        assert!(stems(&RuleSet::builtin().filtered(|_| false)).is_empty());
    }
}
