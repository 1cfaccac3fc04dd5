//! Values that are credentials because of the name of their slot: they have no prefix of their own.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::near::Near;
use super::resolve::{Found, Rank};
use super::slot::{self, Slot};
use crate::check;
use crate::credential::Evidence;
use crate::rule::name::{normalise, words};
use crate::rule::{Edge, Fit, Matched, NamePattern, Rule, RuleSet};
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

/// The scheme of a header that holds an id and its secret, how long the id may be, and what its
/// secret would be called.
const BASIC: &[u8] = b"basic ";
const MAX_ID: usize = 128;
const BASIC_SECRET: &[u8] = b"client_secret";

/// Words that say which environment a slot is for: not part of what it is.
const ENVIRONMENT_WORDS: &[&str] = &[
    "live",
    "prod",
    "production",
    "prd",
    "test",
    "testing",
    "sandbox",
    "sbx",
    "staging",
    "stage",
    "stg",
    "dev",
    "development",
    "demo",
    "local",
    "uat",
    "qa",
];

/// The names that rules ask for, so that the slots of a log cost little.
#[derive(Debug)]
pub(super) struct Names {
    stems: Vec<&'static str>,
    /// The shortest value of any named rule.
    shortest: usize,
    /// Rules by a name without `*`.
    exact: HashMap<String, Vec<usize>>,
    /// Patterns with a `*`, by the first letter of their names; those that begin with `*` last.
    open: Vec<Vec<(NamePattern, usize)>>,
}

/// The place of patterns that begin with `*`.
const ANY_LETTER: usize = 256;

impl Names {
    /// The named rules of a set, and the stems that their names hold.
    pub(super) fn new(set: &RuleSet) -> Self {
        let named = |rule: &Arc<Rule>| rule.is_named();
        let rules: Vec<_> = set.rules().iter().enumerate().filter(|(_, rule)| named(rule)).map(|(at, _)| at).collect();
        let patterns: Vec<_> = rules.iter().flat_map(|&at| set.rules()[at].names.iter().chain(&set.rules()[at].near)).collect();
        let used = |stem: &&&str| patterns.iter().any(|pattern| holds(pattern, stem));
        let stems = STEMS.iter().filter(used).copied().collect();
        let shortest = rules.iter().map(|&at| set.rules()[at].format.min_length()).min().unwrap_or(0);
        let mut exact: HashMap<String, Vec<usize>> = HashMap::new();
        let mut open = vec![Vec::new(); ANY_LETTER + 1];
        for &at in &rules {
            for pattern in set.rules()[at].names.iter().chain(&set.rules()[at].near) {
                if pattern.is_open() {
                    let letter = pattern.head().bytes().next().map_or(ANY_LETTER, usize::from);
                    open[letter].push((pattern.clone(), at));
                } else {
                    exact.entry(pattern.head().to_owned()).or_default().push(at);
                }
            }
        }
        Self { stems, shortest, exact, open }
    }

    /// Rules that may know one of the keys, each once.
    fn rules_for(&self, keys: &Keys) -> Vec<usize> {
        let mut rules = Vec::new();
        let mut look = |letter: usize, key: &String| {
            let open = self.open[letter].iter().filter(|(pattern, _)| pattern.matches(key));
            rules.extend(open.map(|(_, at)| *at));
        };
        // What begins with anything fits the longest key if it fits any.
        for key in keys.inner.iter().take(1).chain(&keys.whole) {
            look(ANY_LETTER, key);
        }
        for key in keys.inner.iter().chain(&keys.whole).filter(|key| !key.is_empty()) {
            look(usize::from(key.as_bytes()[0]), key);
        }
        let exact = keys.inner.iter().chain(&keys.whole).filter_map(|key| self.exact.get(key));
        rules.extend(exact.flatten());
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    pub(super) fn stems(&self) -> &[&'static str] {
        &self.stems
    }
}

fn holds(pattern: &NamePattern, stem: &str) -> bool {
    normalise(pattern.source().as_bytes()).contains(&normalise(stem.as_bytes()))
}

/// Whether a name with this pattern can be found at all: it must hold one of the stems.
pub(crate) fn can_be_found(pattern: &NamePattern) -> bool {
    STEMS.iter().any(|stem| holds(pattern, stem))
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

/// The value of the slot whose name holds the stem, if a rule knows the name.
pub(super) fn value_at(set: &RuleSet, names: &Names, bytes: &[u8], stem: Span) -> Option<Found> {
    let slot = slot::value_of(bytes, stem)?;
    let pair = basic_secret(bytes, slot);
    let slot = pair.unwrap_or(slot);
    let is_value = |byte: &&u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'`');
    if bytes[slot.value..].iter().take(names.shortest).take_while(is_value).count() < names.shortest {
        return None;
    }
    let keys = Keys::of(if pair.is_some() { BASIC_SECRET } else { &bytes[slot.name.range()] });
    let stranger =
        |rule: &Rule| rule.names.is_empty() && super::confirm::names_another(set, &rule.provider, &bytes[slot.name.range()]);
    let known = names.rules_for(&keys).into_iter().map(|at| &set.rules()[at]).filter(|rule| knows(rule, &keys));
    // In a list, the neighbour of a name is its value only if it looks like one.
    let structured = |rule: &Rule| !rule.checks.is_empty() || rule.format.min_length() == rule.format.max_length();
    let known = known.filter(|rule| !slot.listed || structured(rule) && !rule.needs_literal);
    let matching: Vec<_> = known.filter(|rule| rule.provider.is_general() || !stranger(rule)).collect();
    if matching.is_empty() || is_reference(bytes, slot.value) {
        return None;
    }
    let delimited = matching.iter().any(|rule| rule.edge == Edge::Delimiter);
    let opened_by = if delimited { slot::opener(bytes, slot.value) } else { None };
    let fits: Vec<_> = matching
        .into_iter()
        .filter_map(|rule| {
            let matched = rule.format.match_at(&bytes[slot.value..], rule.edge, opened_by)?;
            let fit = matched.fit;
            let stands = !rule.needs_literal || slot::is_literal(bytes, slot, slot.value + fit.length);
            (stands && is_genuine(set, rule, &bytes[slot.value..], fit)).then_some((rule, matched))
        })
        .collect();
    choose(&fits, &keys, bytes, slot)
}

/// The second part of `Authorization: Basic id:secret`, which is what the header decodes to.
fn basic_secret(bytes: &[u8], slot: Slot) -> Option<Slot> {
    let scheme = &bytes[slot.value.saturating_sub(BASIC.len())..slot.value];
    let id =
        bytes[slot.value..].iter().take(MAX_ID).take_while(|byte| byte.is_ascii_graphic() && !b":\"'`".contains(byte)).count();
    let colon = slot.value + id;
    (scheme.eq_ignore_ascii_case(BASIC) && id > 0 && bytes.get(colon) == Some(&b':')).then_some(Slot { value: colon + 1, ..slot })
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
    // A random password may begin like code; it does not end like it.
    let ends = match bytes.get(value + path.len()..).unwrap_or_default() {
        [b'[' | b'(', next, ..] => b"\"'`)".contains(next),
        [b',' | b';' | b')' | b'}', next, ..] => next.is_ascii_whitespace(),
        [next, _, ..] => next.is_ascii_whitespace(),
        _ => true,
    };
    let root = path.split(|byte| b".?".contains(byte)).next().unwrap_or_default().to_ascii_lowercase();
    !quoted && ends && path.contains(&b'.') && ROOTS.iter().any(|known| root.ends_with(known.as_bytes()))
}

fn is_genuine(set: &RuleSet, rule: &Rule, rest: &[u8], fit: Fit) -> bool {
    let value = &rest[..fit.length];
    let body = rule.body_of(value, head_of(value));
    check::is_plausible(body, rule.format.alphabet_size())
        && rule.checks.iter().all(|check| (check.test)(value))
        && !super::confirm::is_masked(body, &rest[fit.length..])
        && !set.is_published(value)
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

fn knows(rule: &Rule, keys: &Keys) -> bool {
    let named = specificity(&rule.names, &keys.inner).is_some() || specificity(&rule.near, &keys.whole).is_some();
    named && specificity(&rule.except, &keys.inner).is_none()
}

fn specificity(patterns: &[NamePattern], keys: &[String]) -> Option<usize> {
    let fits = |pattern: &&NamePattern| keys.iter().any(|key| pattern.matches(key));
    patterns.iter().filter(fits).map(NamePattern::specificity).max()
}

/// A rule's own name goes before one that needs a marker, a route before none, a longer pattern
/// before a shorter one, a provider before the general pack.
fn choose(fits: &[(&Arc<Rule>, Matched<'_>)], keys: &Keys, bytes: &[u8], slot: Slot) -> Option<Found> {
    let longest = fits.iter().map(|(_, matched)| matched.fit.length).max()?;
    let near = Near::new(bytes, Span::new(slot.value, slot.value + longest));
    let mut claims: Vec<_> = fits.iter().filter_map(|&(rule, matched)| claim(rule, matched, keys, &near)).collect();
    let weight = |claim: &Claim<'_>| (!claim.rule.provider.is_general(), claim.own, claim.route.is_some(), claim.specificity);
    claims.sort_by_key(|claim| Reverse(weight(claim)));
    let best = claims.first()?;
    let span = Span::new(slot.value, slot.value + best.fit.length);
    let mut found = Found::new(best.rule, &bytes[span.range()], span, best.text);
    found.name = Some(slot.name);
    let named = String::from_utf8_lossy(&bytes[slot.name.range()]);
    found.because.push(Evidence { fact: format!("named {named}"), weight: None, span: Some(slot.name) });
    found.because.extend(best.because.iter().cloned());
    if best.rule.provider.is_general() {
        let others = fits.iter().filter(|(rule, matched)| matched.fit == best.fit && !rule.provider.is_general());
        found.alternatives = others.clone().map(|(rule, _)| rule.id.clone()).collect();
        found.candidates =
            others.filter_map(|(rule, _)| rule.attributed()).chain(best.rule.shared_with.iter().cloned()).collect();
    }
    found.provider = best.rule.attributed();
    found.strong = !best.fit.too_long && !best.rule.provider.is_general();
    found.rank = match () {
        () if best.rule.is_generic() => Rank::Generic,
        () if best.rule.provider.is_general() => Rank::General,
        () => Rank::Name,
    };
    found.note_value(found.environment);
    found.listen(bytes, Some(slot.name), best.rule);
    Some(found)
}

fn claim<'a>(rule: &'a Arc<Rule>, matched: Matched<'a>, keys: &Keys, near: &Near<'_>) -> Option<Claim<'a>> {
    let Matched { fit, environment: text } = matched;
    let marker = || near.mention(&rule.provider).map(|mention| mention.evidence);
    if let Some(specificity) = specificity(&rule.names, &keys.inner).filter(|_| !rule.needs_marker) {
        return Some(Claim { rule, fit, text, own: true, route: None, specificity, because: Vec::new() });
    }
    let specificity = specificity(&rule.near, &keys.whole).or_else(|| specificity(&rule.names, &keys.inner))?;
    let evidence = marker()?;
    let route = near.route(&rule.paths);
    if !rule.paths.is_empty() && route.is_none() {
        return None;
    }
    let because = [evidence].into_iter().chain(route.clone()).collect();
    Some(Claim { rule, fit, text, own: false, route, specificity, because })
}

/// A name as rules may know it: without words for environments and trailing numbers.
#[derive(Debug)]
struct Keys {
    /// From each of its words on: applications put their own words in front.
    inner: Vec<String>,
    /// Whole, and from each dot on: for names that mean something only beside a marker.
    whole: Vec<String>,
}

impl Keys {
    fn of(name: &[u8]) -> Self {
        let words = kept_words(name);
        let dots = memchr::memchr_iter(b'.', name).map(|dot| dot + 1);
        let whole = std::iter::once(0).chain(dots).map(|from| kept_words(&name[from..]).concat());
        Self { inner: (0..words.len().min(8)).map(|from| words[from..].concat()).collect(), whole: whole.collect() }
    }
}

fn kept_words(name: &[u8]) -> Vec<String> {
    let mut words = words(name);
    words.retain(|word| !ENVIRONMENT_WORDS.contains(&word.as_str()));
    while words.last().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit())) {
        words.pop();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_leave_out_environments_and_what_stands_in_front() {
        assert_eq!(Keys::of(b"MY_PAYCA_SANDBOX_CLIENT_SECRET_2").inner[1], "paycaclientsecret");
        assert_eq!(Keys::of(b"config.payca.clientSecret").inner.last().unwrap(), "secret");
        assert_eq!(Keys::of(b"http.request.X-Client-Secret").whole.last().unwrap(), "xclientsecret");
        assert_eq!(Keys::of(b"MY_CLIENT_SECRET").whole, ["myclientsecret"]);
        assert_eq!(Keys::of(b"live").inner.len(), 0);
    }

    #[test]
    fn code_that_fetches_a_value_is_none() {
        for code in ["settings.PWD\n", "os.environ['X']", "process.env.PWD,", "config?.payflow.password;", "System.getenv(\"A\")"]
        {
            assert!(is_reference(code.as_bytes(), 0), "{code}");
        }
        for value in ["SG.aB1.cD2", "correct-horse", "\"a.b\"", "abc.de/f=", ".env", "word"] {
            assert!(!is_reference(value.as_bytes(), 0), "{value}");
        }
        assert!(!is_reference(b"\"pass.word\"", 1), "quoted");
    }

    #[test]
    fn only_stems_that_rules_use_are_looked_for() {
        let names = Names::new(&RuleSet::builtin());
        assert!(names.stems().contains(&"secret"));
        assert!(names.stems().iter().all(|stem| STEMS.contains(stem)));
    }
}
