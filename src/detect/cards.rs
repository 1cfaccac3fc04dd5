//! Card data: numbers, what stands on the magnetic stripe, and security codes beside a number. A scanner of
//! its own, off unless it is asked for, because digits have no prefix that could be looked for.

use std::sync::Arc;

use super::near::{find_folded, find_word};
use super::resolve::{Found, Rank};
use super::{edge, slot};
use crate::check;
use crate::credential::{Evidence, Secret};
use crate::rule::{Detector, Rule, RuleSet, name};
use crate::span::Span;

/// How many digits of a number may be shown.
const SHOWN: usize = 6;
/// How far on its line words about cards count, and how far from its number a security code may stand.
const AROUND: usize = 48;
const BESIDE: usize = 200;
/// The longest track.
const TRACK: usize = 80;

/// How numbers are printed in groups.
const GROUPS: &[&[usize]] = &[&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4]];

/// Words in the name of a slot, or on the line, that speak of cards.
const CARD_NAMES: &[&str] =
    &["pan", "card", "cardnumber", "cardno", "ccnumber", "ccnum", "cc", "creditcard", "debitcard", "de2", "track"];
const CARD_WORDS: &[&str] =
    &["pan", "card", "cards", "visa", "mastercard", "amex", "cvv", "cvc", "cvv2", "exp_month", "expiry", "cardholder"];

/// Words in the name of a slot that speak of something else.
const OTHER_NAMES: &[&str] = &[
    "account",
    "amount",
    "barcode",
    "block",
    "build",
    "bytes",
    "count",
    "customer",
    "digest",
    "ean",
    "event",
    "gtin",
    "hash",
    "iban",
    "id",
    "iccid",
    "ids",
    "imei",
    "imsi",
    "invoice",
    "isbn",
    "key",
    "lsn",
    "merchant",
    "mobile",
    "msisdn",
    "nonce",
    "offset",
    "order",
    "phone",
    "pid",
    "ref",
    "reference",
    "request",
    "rrn",
    "seq",
    "sequence",
    "serial",
    "session",
    "size",
    "sku",
    "span",
    "tel",
    "tid",
    "time",
    "timestamp",
    "token",
    "trace",
    "tracking",
    "transaction",
    "ts",
    "txn",
    "uid",
    "upc",
    "user",
    "uuid",
    "version",
];

/// Names of security codes.
const CODES: &[&str] =
    &["cvv", "cvc", "cvv2", "cvc2", "csc", "cvn", "securitycode", "verificationvalue", "cardcode", "cardverificationvalue"];

/// The rules whose values are found here.
#[derive(Debug)]
pub(super) struct Cards {
    number: Option<Arc<Rule>>,
    track: Option<Arc<Rule>>,
    code: Option<Arc<Rule>>,
}

/// A card number as it stands.
struct Number {
    span: Span,
    digits: Vec<u8>,
    grouped: bool,
    network: &'static str,
}

/// What the surroundings say of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Context {
    Card(Evidence),
    Other,
    Nothing,
}

impl Cards {
    pub(super) fn new(set: &RuleSet) -> Self {
        let find = |detector| set.rules().iter().find(|rule| rule.detector == Some(detector)).cloned();
        Self { number: find(Detector::CardNumber), track: find(Detector::CardTrack), code: find(Detector::CardCode) }
    }

    /// Card data that begins in the range.
    pub(super) fn look(&self, bytes: &[u8], range: std::ops::Range<usize>, found: &mut Vec<Found>) {
        let begins = |at: usize| bytes[at].is_ascii_digit() && (at == 0 || !bytes[at - 1].is_ascii_digit());
        for at in range.filter(|&at| begins(at)) {
            let Some(number) = number_at(bytes, at) else { continue };
            let known = found.len();
            if let Some(track) = track_around(bytes, &number) {
                found.extend(self.track.as_ref().map(|rule| card(rule, &number, track)));
            } else if is_free(bytes, number.span) {
                found.extend(self.number.as_ref().and_then(|rule| in_context(rule, bytes, &number)));
            }
            if found.len() > known
                && let Some(rule) = &self.code
            {
                codes_beside(rule, bytes, number.span, found);
            }
        }
    }
}

/// The number that begins with this digit: in groups of equal distance, or without any.
fn number_at(bytes: &[u8], at: usize) -> Option<Number> {
    let run = |at: usize| bytes[at..].iter().take(20).take_while(|byte| byte.is_ascii_digit()).count();
    let first = run(at);
    let grouped = first == 4 && matches!(bytes.get(at + 4), Some(b' ' | b'-'));
    let end = if grouped { GROUPS.iter().find_map(|sizes| end_of_groups(bytes, at, sizes))? } else { at + first };
    let digits: Vec<u8> = bytes[at..end].iter().copied().filter(u8::is_ascii_digit).collect();
    let network = check::network(&digits)?;
    (!check::is_published_test_card(&digits)).then_some(Number { span: Span::new(at, end), digits, grouped, network })
}

fn end_of_groups(bytes: &[u8], at: usize, sizes: &[usize]) -> Option<usize> {
    let separator = *bytes.get(at + sizes[0])?;
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = at;
    for (place, &size) in sizes.iter().enumerate() {
        if place > 0 {
            end += usize::from(bytes.get(end) == Some(&separator));
        }
        if !(end..end + size).all(digit) || place > 0 && bytes[end - 1] != separator {
            return None;
        }
        end += size;
    }
    // A row of numbers, or a table of them, goes on.
    let before = at >= 2 && bytes[at - 1] == separator && bytes[at - 2].is_ascii_digit();
    let behind = digit(end) || bytes.get(end) == Some(&separator) && digit(end + 1);
    (!before && !behind).then_some(end)
}

/// Whether no letter, digit or point shows that the number is part of something longer.
fn is_free(bytes: &[u8], span: Span) -> bool {
    let before = span.start.checked_sub(1).map(|at| bytes[at]);
    let left = edge::is_left_edge(bytes, span.start) && !matches!(before, Some(b'.' | b'-' | b'+' | b'$' | b'#'));
    let right = match bytes.get(span.end..).unwrap_or_default() {
        [next, ..] if next.is_ascii_alphanumeric() || matches!(next, b'_' | b'@') => false,
        [b'-' | b'.' | b'+' | b':', next, ..] => !next.is_ascii_alphanumeric(),
        _ => true,
    };
    left && right
}

/// The track that the number stands in: `%B…^NAME^…?`, `;…=…?`, or the same in the hex digits of a chip.
fn track_around(bytes: &[u8], number: &Number) -> Option<Span> {
    let Span { start, end } = number.span;
    let rest = &bytes[end..bytes.len().min(end + TRACK)];
    let digits = |rest: &[u8]| rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if rest.first() == Some(&b'^') && bytes[..start].ends_with(b"%B") {
        let name = memchr::memchr(b'^', &rest[1..]).filter(|length| (2..=26).contains(length))?;
        let close = memchr::memchr(b'?', rest)?;
        return (digits(&rest[name + 2..]) >= 7 && close > name).then(|| Span::new(start - 2, end + close + 1));
    }
    let (begin, mark) = match rest.first()? {
        b'=' if bytes[..start].ends_with(b";") => (start - 1, b'?'),
        b'D' if edge::is_left_edge(bytes, start) => (start, b'F'),
        _ => return None,
    };
    let more = digits(&rest[1..]);
    let close = usize::from(rest.get(1 + more) == Some(&mark));
    (7..=24).contains(&more).then(|| Span::new(begin, end + 1 + more + close))
}

/// The number, where its surroundings do not speak against it.
fn in_context(rule: &Arc<Rule>, bytes: &[u8], number: &Number) -> Option<Found> {
    let context = context_of(bytes, number.span);
    let usual = matches!(number.digits.len(), 15 | 16);
    if context == Context::Other && !number.grouped || context == Context::Nothing && !number.grouped && !usual {
        return None;
    }
    let mut found = card(rule, number, number.span);
    found.strong = number.grouped || matches!(context, Context::Card(_));
    if let Context::Card(evidence) = context {
        found.because.push(evidence);
    }
    Some(found)
}

fn card(rule: &Arc<Rule>, number: &Number, span: Span) -> Found {
    let mut found = Found::new(rule, &number.digits, span, None);
    found.secret = Secret::new(&number.digits, SHOWN);
    found.strong = true;
    found.rank = Rank::General;
    found.note_value(found.environment);
    let fact = format!("a {} number with a right check digit", number.network);
    found.because.push(Evidence { fact, weight: None, span: Some(span) });
    found
}

fn context_of(bytes: &[u8], span: Span) -> Context {
    if let Some(slot) = slot::name_of(bytes, span.start) {
        let name = &bytes[slot.name.range()];
        let words = name::words(name);
        let has = |all: &[&str]| words.iter().any(|word| all.contains(&word.as_str()));
        let id = words.last().is_some_and(|word| matches!(word.as_str(), "id" | "ids" | "token" | "ref" | "hash" | "key"));
        if has(CARD_NAMES) && !id {
            let fact = format!("named {}", String::from_utf8_lossy(name));
            return Context::Card(Evidence { fact, weight: None, span: Some(slot.name) });
        }
        if has(OTHER_NAMES) {
            return Context::Other;
        }
    }
    let line = |byte: &u8| *byte == b'\n';
    let floor = span.start.saturating_sub(AROUND);
    let start = bytes[floor..span.start].iter().rposition(line).map_or(floor, |at| floor + at + 1);
    let ceiling = (span.end + AROUND).min(bytes.len());
    let end = bytes[span.end..ceiling].iter().position(line).map_or(ceiling, |at| span.end + at);
    let near = CARD_WORDS.iter().find_map(|word| Some((word, find_word(&bytes[start..end], word)?)));
    near.map_or(Context::Nothing, |(word, at)| {
        let span = Some(Span::new(start + at, start + at + word.len()));
        Context::Card(Evidence { fact: format!("{word} nearby"), weight: None, span })
    })
}

/// Security codes in slots of that name.
fn codes_beside(rule: &Arc<Rule>, bytes: &[u8], number: Span, found: &mut Vec<Found>) {
    let window = Span::new(number.start.saturating_sub(BESIDE), (number.end + BESIDE).min(bytes.len()));
    for stem in ["cv", "csc", "code", "value"] {
        for at in find_folded(&bytes[window.range()], stem.as_bytes()).map(|at| window.start + at) {
            let Some(slot) = slot::value_of(bytes, Span::new(at, at + stem.len())) else { continue };
            let words = name::words(&bytes[slot.name.range()]);
            let named = (0..words.len()).any(|from| CODES.contains(&words[from..].concat().as_str()));
            let length = bytes[slot.value..].iter().take(5).take_while(|byte| byte.is_ascii_digit()).count();
            let span = Span::new(slot.value, slot.value + length);
            if named && matches!(length, 3 | 4) && is_free(bytes, span) && !number.overlaps(span) {
                let mut code = Found::new(rule, &bytes[span.range()], span, None);
                code.strong = true;
                code.rank = Rank::General;
                code.because.push(Evidence { fact: "beside a card number".to_owned(), weight: None, span: Some(number) });
                found.push(code);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::credential::{Confidence, Credential};
    use crate::detect::Scanner;
    use crate::finding::Sighting;
    use crate::rule::examples::{Random, expand};

    static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::new(RuleSet::builtin().into()).with_cards());

    fn credentials(bytes: &[u8]) -> Vec<Credential> {
        let sightings = SCANNER.scan(bytes).into_iter();
        let credentials = sightings.filter_map(|sighting| match sighting {
            Sighting::Credential(found) => Some(found),
            _ => None,
        });
        credentials.collect()
    }

    /// Rule, text and confidence of all card data in the expanded template.
    fn found(template: &str) -> Vec<(String, String, bool)> {
        let text = expand(template, "cards").unwrap();
        let cards = credentials(text.as_bytes()).into_iter().filter(|found| found.rule.as_str().starts_with("general-card-"));
        let cards = cards.map(|found| {
            let strong = found.confidence == Confidence::Strong;
            (found.rule.as_str()[13..].to_owned(), text[found.span.range()].to_owned(), strong)
        });
        cards.collect()
    }

    fn rules(template: &str) -> Vec<String> {
        found(template).into_iter().map(|(rule, ..)| rule).collect()
    }

    #[test]
    fn numbers_in_every_notation() {
        for template in [
            "card_number={valid:luhn:4{digit:15}}",
            "{{\"pan\":\"{valid:luhn:53{digit:14}}\"}}",
            "<CardNumber>{valid:luhn:37{digit:13}}</CardNumber>",
            "charged {valid:luhn:4{digit:3} {digit:4} {digit:4} {digit:4}} today",
            "{valid:luhn:37{digit:2}-{digit:6}-{digit:5}}",
            "msg=\"visa {valid:luhn:4{digit:15}} 12/29\"",
            "cc: {valid:luhn:62{digit:17}}",
            "GET /cards/{valid:luhn:4{digit:15}}/charge",
            "a={valid:luhn:4{digit:15}}|12|29",
            "card%3D{valid:luhn:4{digit:15}}%26x",
        ] {
            assert_eq!(rules(template), ["number"], "{template}");
        }
        assert!(found("paid {valid:luhn:4{digit:15}}").iter().all(|(.., strong)| !strong), "nothing speaks of a card");
        assert!(found("pan={valid:luhn:4{digit:15}}")[0].2);
    }

    #[test]
    fn tracks_and_codes() {
        assert_eq!(rules("%B{valid:luhn:4{digit:15}}^DOE/JOHN^29122010000?"), ["track"]);
        assert_eq!(rules(";{valid:luhn:53{digit:14}}=29122010000?"), ["track"]);
        assert_eq!(rules("57=13 {valid:luhn:4{digit:15}}D29122010000F"), ["track"]);
        assert_eq!(rules("{{\"number\":\"{valid:luhn:4{digit:15}}\",\"cvc\":\"{digit:3}\"}}"), ["number", "code"]);
        assert_eq!(rules("card_security_code: 4071\npan: {valid:luhn:37{digit:13}}"), ["code", "number"]);
        assert_eq!(rules("card={valid:luhn:4{digit:15}} code=123 status_code=200"), ["number"]);
        assert_eq!(rules("cvv=123 card=4242424242424242"), Vec::<String>::new(), "a test card");
    }

    #[test]
    fn what_is_no_card() {
        for template in [
            "card_number=4242424242424242",
            "order_id={valid:luhn:4{digit:15}}",
            "{{\"trace_id\":{valid:luhn:4{digit:15}}}}",
            "card_id={valid:luhn:4{digit:15}}",
            "0.{valid:luhn:4{digit:15}}",
            "{valid:luhn:4{digit:15}}.5",
            "+{valid:luhn:4{digit:15}}",
            "x{valid:luhn:4{digit:15}}",
            "{valid:luhn:4{digit:15}}a7",
            "{digit:4} {valid:luhn:4{digit:3} {digit:4} {digit:4} {digit:4}} {digit:4}",
            "card {digit:8}-{digit:4}-4{digit:3}-8{digit:3}-{valid:luhn:4{digit:15}}",
            "card_number=4000000000000002",
        ] {
            assert_eq!(rules(template), Vec::<String>::new(), "{template}");
        }
    }

    /// Timestamps, phone numbers, UUIDs, hex and decimals: none. Bare numbers of a card's length: only as
    /// many as range and Luhn digit let through, and none of them is believed.
    #[test]
    fn digit_noise() {
        let mut random = Random::new("noise");
        let mut digits =
            |count: usize| -> String { (0..count).map(|_| char::from(b'0' + u8::try_from(random.below(10)).unwrap())).collect() };
        let noise: Vec<String> = (0..2000)
            .map(|at| {
                let (long, uuid) =
                    (digits(16), [digits(8), digits(4), format!("4{}", digits(3)), format!("8{}", digits(3)), digits(12)]);
                let lines = [
                    format!("ts=17{}123 id={long} +49{} {} 0x{long}ab {at}.{long}", digits(8), digits(10), uuid.join("-")),
                    format!(
                        "user_id={long}, request {long}f order:{} 2026-07-0{}T10:00:00.{}Z",
                        digits(16),
                        1 + at % 9,
                        digits(6)
                    ),
                ];
                lines.join("\n")
            })
            .collect();
        let noise = noise.join("\n");
        let text = noise.as_bytes();
        assert!(credentials(text).iter().all(|found| !found.rule.as_str().starts_with("general-card-")));
        let bare: Vec<String> = (0..2000).map(|_| format!("seen {}", digits(16))).collect();
        let weak = credentials(bare.join("\n").as_bytes());
        let strong = |found: &&Credential| found.confidence == Confidence::Strong;
        assert!(weak.len() < 80 && weak.iter().filter(strong).count() == 0, "{}", weak.len());
    }
}
