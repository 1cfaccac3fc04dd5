//! Values drawn from every rule: whose they are with and without their provider around, and what looks
//! almost like them and is none.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use keyfence::credential::Credential;
use keyfence::detect::Scanner;
use keyfence::finding::Sighting;
use keyfence::rule::examples::Random;
use keyfence::rule::{Edge, Rule, RuleSet, Text};
use keyfence::rule_check::{CONTEXTS, draw, fill, marker_of, slot_of};

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::new(Arc::new(RuleSet::builtin())));

/// Further apart than a provider is heard.
const APART: &str = "\n\n\n\n\n\n\n\n\n\n";

/// Values drawn of each rule.
const VALUES: usize = 5;

/// A text, and what is found in it.
struct Scanned {
    text: String,
    found: Vec<Credential>,
}

/// All texts in one scan.
fn scan(texts: Vec<String>) -> Vec<Scanned> {
    let sightings = SCANNER.scan(texts.join(APART).as_bytes());
    let found: Vec<Credential> = sightings
        .into_iter()
        .filter_map(|sighting| match sighting {
            Sighting::Credential(credential) => Some(credential),
            _ => None,
        })
        .collect();
    let mut start = 0;
    let place = |text: String| {
        let here: Range<usize> = start..start + text.len();
        start = here.end + APART.len();
        Scanned { text, found: found.iter().filter(|credential| here.contains(&credential.span.start)).cloned().collect() }
    };
    texts.into_iter().map(place).collect()
}

fn rules() -> impl Iterator<Item = &'static Arc<Rule>> {
    SCANNER.rules().rules().iter().filter(|rule| rule.detector.is_none())
}

fn drawn(rule: &Rule, seed: &str) -> Vec<String> {
    let mut random = Random::new(&format!("{}/{seed}", rule.id));
    (0..VALUES).map(|_| draw(rule, &mut random).unwrap_or_else(|| panic!("{}: nothing to draw", rule.id))).collect()
}

fn names(found: &[Credential]) -> String {
    let name = |credential: &Credential| {
        let provider = credential.provider.as_ref().map_or("nobody", |provider| provider.as_str());
        format!("{} of {provider}", credential.rule)
    };
    found.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// A name is wrong if it is somebody else's, and the rule's own provider is no candidate.
fn is_wrong(rule: &Rule, credential: &Credential) -> bool {
    let own = &rule.provider.id;
    let general = rule.provider.is_general();
    credential.provider.as_ref().is_some_and(|named| named != own && !general && !credential.candidates.contains(own))
}

fn assert_none(failures: &[String]) {
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn without_context_no_value_gets_a_wrong_name() {
    let mut failures = Vec::new();
    for rule in rules() {
        let by_shape = rule.has_literal() && !rule.needs_marker;
        let values = drawn(rule, "alone");
        let bare = values.iter().map(|value| format!("see `{value}` below")).collect();
        let named = values.iter().map(|value| format!("gateway_api_key = \"{value}\"")).collect();
        for scanned in [scan(bare), scan(named)].into_iter().flatten() {
            let wrong = scanned.found.iter().any(|credential| is_wrong(rule, credential));
            let missed = by_shape && scanned.found.is_empty();
            if wrong || missed {
                failures.push(format!("{}: {}", rule.id, names(&scanned.found)));
                break;
            }
        }
    }
    assert_none(&failures);
}

/// What names a rule's provider beside a value: its word, each of its hosts, and a slot.
fn neighbours(rule: &Rule) -> Vec<String> {
    let provider = &rule.provider;
    let hosts = provider.live_hosts.iter().chain(&provider.sandbox_hosts).chain(&provider.neutral_hosts);
    let url = |host: &Text| format!("https://{}/v1", host.replace("*.", "tenant."));
    let route = rule.paths.first().map_or("", Text::as_str);
    hosts
        .map(url)
        .chain(provider.markers.iter().map(ToString::to_string))
        .map(|near| format!("{near} {route}").trim().to_owned())
        .collect()
}

#[test]
fn beside_its_provider_every_value_gets_the_right_name() {
    let mut failures = Vec::new();
    for rule in rules().filter(|rule| !rule.provider.is_general()) {
        let slot = slot_of(rule);
        let by_near = rule.names.is_empty() && !rule.near.is_empty();
        let values = drawn(rule, "named");
        let text = |near: String, value: &String| {
            if rule.has_literal() {
                format!("# {near}\nvalue: \"{value}\"\n")
            } else {
                fill("# MARKER\nSLOT=VALUE\n", &slot, &near, value)
            }
        };
        let texts = neighbours(rule).into_iter().zip(values.iter().cycle()).map(|(near, value)| text(near, value));
        let texts: Vec<String> = texts.collect();
        assert!(!texts.is_empty() || !by_near, "{}: nothing names its provider", rule.id);
        for scanned in scan(texts) {
            let right = |credential: &Credential| credential.rule == rule.id && credential.provider == rule.attributed();
            if !scanned.found.iter().any(right) {
                let near = scanned.text.lines().next().unwrap_or_default().to_owned();
                failures.push(format!("{} beside {near}: {}", rule.id, names(&scanned.found)));
            }
        }
    }
    assert_none(&failures);
}

/// What is found of the values of many rules.
#[derive(Debug, Default)]
struct Tally {
    drawn: usize,
    right: usize,
    wrong: usize,
}

impl Tally {
    /// Whether at least so many of a hundred are right, and none is somebody else's.
    fn holds(&self, percent: usize) -> bool {
        self.drawn > 0 && self.right * 100 >= self.drawn * percent && self.wrong == 0
    }
}

/// Whether a value says by itself what it is.
fn is_distinctive(rule: &Rule) -> bool {
    rule.has_literal() && !rule.needs_marker
}

/// The figures that the pack is judged by, over all rules at once. What is found of a rule is right if it has
/// the rule's name and class, and no environment that its value denies.
#[test]
fn ten_contexts_hold_and_without_context_nothing_does() {
    let (mut distinctive, mut bound, mut alone) = (Tally::default(), Tally::default(), Tally::default());
    for rule in rules().filter(|rule| !rule.provider.is_general()) {
        let (slot, marker) = (slot_of(rule), marker_of(rule));
        let tally = if is_distinctive(rule) { &mut distinctive } else { &mut bound };
        let quoted = |context: &str| context.contains("\"VALUE\"") || context.contains("'VALUE'");
        for (_, context) in CONTEXTS.iter().filter(|(_, context)| !rule.needs_literal || quoted(context)) {
            let texts = drawn(rule, context).iter().map(|value| fill(context, &slot, &marker, value)).collect();
            for scanned in scan(texts) {
                let is_right = |found: &Credential| {
                    found.rule == rule.id
                        && found.class == rule.class
                        && found.provider.as_ref().is_none_or(|id| *id == rule.provider.id)
                };
                tally.drawn += 1;
                tally.right += usize::from(scanned.found.iter().any(is_right));
                tally.wrong += usize::from(scanned.found.iter().any(|found| is_wrong(rule, found)));
            }
        }
        if !is_distinctive(rule) {
            // A URL that holds the provider's host brings its context along.
            let names_itself =
                |value: &String| rule.provider.markers.iter().any(|marker| value.to_lowercase().contains(marker.as_str()));
            let values = drawn(rule, "bare").into_iter().filter(|value| !names_itself(value));
            for scanned in scan(values.map(|value| format!("see {value} below\n")).collect()) {
                alone.drawn += 1;
                // What the value may be all the same has no name of a provider.
                alone.wrong += usize::from(scanned.found.iter().any(|found| found.rule == rule.id));
            }
        }
    }
    let holds = distinctive.holds(99) && bound.holds(95) && alone.drawn > 0 && alone.wrong == 0;
    assert!(holds, "distinctive: {distinctive:?}\nbound to a context: {bound:?}\nwithout their context: {alone:?}");
}

/// How many bytes of a value are the same in all.
fn prefix(rule: &Rule, value: &str) -> usize {
    let text = rule.format.match_at(value.as_bytes(), rule.edge, None).and_then(|matched| matched.environment);
    rule.format.public_prefix(text).min(value.len())
}

/// What is almost a value of the rule, each with what is wrong.
fn near_misses(rule: &Rule, value: &str) -> Vec<(&'static str, String)> {
    let at = prefix(rule, value);
    let (head, body) = value.split_at(at);
    let mut all = Vec::new();
    let (min, max) = (rule.format.min_length(), rule.format.max_length());
    // A range of lengths behind a long literal takes what is longer for a doubtful one.
    if min == max && rule.edge == Edge::Alphabet && body.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        all.push(("one byte too long", format!("{value}{}", &value[value.len() - 1..])));
    }
    if value.len() == min && value.len() > at + 1 {
        all.push(("one byte too short", value[..value.len() - 1].to_owned()));
    }
    // A value with two beginnings has one left.
    if body.len() > 1 && (at > 0 || !rule.has_literal()) {
        all.push(("a byte of no alphabet", format!("{head}{}é{}", &body[..1], &body[2..])));
    }
    // Of a value of parts, one part decides; what stands in the others is no placeholder. And `%4example`
    // is no example, but an escape.
    let is_whole = rule.body_of(value.as_bytes(), at).len() == body.len() && !value.contains('%');
    if body.len() >= 8 {
        if is_whole {
            all.push(("an example", format!("{}example{}", &value[..value.len() - 8], &value[value.len() - 1..])));
        }
        all.push(("eight equal bytes", format!("{head}{}", "x".repeat(body.len()))));
        all.push(("a template", format!("{head}<{}>", "your-key")));
        all.push(("words", format!("{head}your_api_key_here")));
        all.push(("stars", format!("{head}{}****", &body[..2])));
        all.push(("stars in the middle", format!("{head}****{}", &body[body.len() - 4..])));
        all.push(("an ellipsis", format!("{head}{}…", &body[..4])));
        all.push(("three dots", format!("{head}{}...", &body[..4])));
    }
    all.extend(wrong_digits(rule, value, at).map(|value| ("a wrong check digit", value)));
    all
}

/// Values that fit the format and fail a check, by one letter or digit.
fn wrong_digits<'a>(rule: &'a Rule, value: &'a str, from: usize) -> impl Iterator<Item = String> + 'a {
    let places = (from..value.len()).rev().filter(|&at| value.as_bytes()[at].is_ascii_alphanumeric());
    let changed = places.flat_map(move |at| {
        "a2b3C7"
            .chars()
            .filter(move |&c| c != char::from(value.as_bytes()[at]))
            .map(move |c| format!("{}{c}{}", &value[..at], &value[at + 1..]))
    });
    // A check that looks at the head only fails for few of them.
    let changed = changed.take(if rule.checks.is_empty() { 0 } else { 120 });
    let fits = |text: &String| rule.format.match_at(text.as_bytes(), rule.edge, None).is_some_and(|m| m.fit.length == text.len());
    let fails = |text: &String| rule.checks.iter().any(|check| !(check.test)(text.as_bytes()));
    changed.filter(move |text| fits(text) && fails(text)).take(3)
}

/// What a near miss of one rule may be all the same: the value of another rule of the same provider, or of
/// the general pack, which knows fewer things about more values.
fn is_something_else(rule: &Rule, credential: &Credential) -> bool {
    let other = SCANNER.rules().get(credential.rule.as_str()).unwrap();
    other.id != rule.id && (other.provider.is_general() || other.provider.id == rule.provider.id)
}

#[test]
fn what_is_almost_a_value_is_none() {
    let mut failures = Vec::new();
    for rule in rules() {
        let (slot, marker) = (slot_of(rule), marker_of(rule));
        let misses: Vec<_> = drawn(rule, "misses").iter().flat_map(|value| near_misses(rule, value)).collect();
        let texts = misses.iter().map(|(_, value)| fill("# MARKER\nSLOT=\"VALUE\"\n", &slot, &marker, value)).collect();
        for ((why, _), scanned) in misses.iter().zip(scan(texts)) {
            let taken: Vec<_> = scanned.found.into_iter().filter(|credential| !is_something_else(rule, credential)).collect();
            if !taken.is_empty() {
                failures.push(format!("{}: {why}: {}", rule.id, names(&taken)));
            }
        }
    }
    failures.dedup();
    assert_none(&failures);
}
