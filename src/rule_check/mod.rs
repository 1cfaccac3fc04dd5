//! A rule file against the real [`Scanner`]: its examples, its counter-examples, and strings drawn
//! at random from its formats. The test suite and `keyfence rules test` both call it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassBytes, Hir, HirKind};

use crate::check;
use crate::credential::{Credential, Environment};
use crate::detect::{Scanner, can_be_found};
use crate::finding::Sighting;
use crate::rule::examples::{Random, expand};
use crate::rule::{Detector, Edge, Rule, RuleError, RuleSet, Text};

mod cost;
use cost::Cost;

/// The contexts in which a drawn value must be found. `SLOT`, `slot` and `Slot-Name` are spellings
/// of the slot's name; `MARKER` names the provider.
pub const CONTEXTS: [(&str, &str); 10] = [
    ("env file", "# MARKER\nSLOT=VALUE\n"),
    ("YAML", "MARKER:\n  slot: \"VALUE\"\n  timeout: 30s\n"),
    ("JSON", "{\"MARKER\": {\"slot\": \"VALUE\", \"retries\": 3}}"),
    ("JavaScript", "const MARKER = new Client();\nconst slot = 'VALUE';\n"),
    ("Python dict", "MARKER = {'slot': 'VALUE', 'timeout': 30}\n"),
    ("shell export", "# MARKER\nexport SLOT=\"VALUE\"\n"),
    ("curl header", "curl -s https://MARKER.invalid/v1 -H 'Slot-Name: VALUE' -d amount=100\n"),
    ("query string", "GET /MARKER/callback?slot=VALUE&page=2 HTTP/1.1\n"),
    ("JSON in JSON", "{\"msg\":\"MARKER said {\\\"slot\\\":\\\"VALUE\\\",\\\"code\\\":401}\"}\n"),
    ("log line", "2026-03-12T09:11:07Z WARN MARKER [slot: VALUE] rejected\n"),
];

/// How many values are drawn from a format for each context, and how many bodies for the checks
/// that drop what is not random.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Values for each context.
    pub values: usize,
    /// Bodies for the checks.
    pub bodies: usize,
}

impl Effort {
    /// What the promise asks for.
    pub const FULL: Self = Self { values: 20, bodies: 100_000 };
}

/// Beginnings that programs and logs are full of.
const COMMON: &[&str] = &[
    "api-", "api_", "apikey", "auth", "auth_", "bearer", "data", "http", "https", "key-", "key_", "keys", "live", "live-",
    "live_", "name", "pass", "password", "private", "prod", "prod_", "pub_", "public", "secret", "secret_", "test", "test-",
    "test_", "token", "token_", "user", "user_",
];

/// Fewer bodies are drawn from very long formats, so that a check takes seconds.
const BODY_BYTES: usize = 16 * 1024 * 1024;

/// Stands between texts that are scanned together: more than the lines within which a provider is
/// heard.
const APART: &str = "\n\n\n\n\n\n\n\n\n\n";

/// One body in this many may be lost to the checks that drop what is not random.
const LOSS: usize = 10_000;

/// Checks the files together with the built-in rules; all failures at once.
pub fn check<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)], effort: Effort) -> Vec<RuleError> {
    let builtin = crate::rule::BUILTIN_FILES.iter().map(|&(name, text)| (name, text));
    let file_name = |path: &str| Path::new(path).file_name().map(ToOwned::to_owned);
    let own = |name: &str| files.iter().any(|(file, _)| file_name(file.as_ref()) == file_name(name));
    let all: Vec<(&str, &str)> =
        builtin.filter(|(name, _)| !own(name)).chain(files.iter().map(|(name, text)| (name.as_ref(), text.as_ref()))).collect();
    let set = match RuleSet::load(&all) {
        Ok(set) => Arc::new(set),
        Err(errors) => return errors,
    };
    let scanner = Scanner::new(Arc::clone(&set)).with_cards();
    let cost = Cost::new(&scanner);
    let mut jobs: Vec<(&str, &Arc<Rule>)> = Vec::new();
    for (name, text) in files {
        // Loaded once more by itself to learn which rules are the file's own.
        let Ok(own) = RuleSet::load(&[(name.as_ref(), text.as_ref())]) else { continue };
        jobs.extend(own.rules().iter().filter_map(|rule| Some((name.as_ref(), set.get(rule.id.as_str())?))));
    }
    let test = |&(file, rule): &(&str, &Arc<Rule>)| {
        let mut test = Test { file, rule, scanner: &scanner, errors: Vec::new() };
        test.lint();
        test.errors.extend(cost.too_common(rule).map(|why| failure(file, rule, "format", why)));
        test.precedence(effort.values);
        test.namesakes(effort.values);
        test.examples();
        test.counter_examples();
        if rule.detector.is_none_or(|detector| detector == Detector::CardNumber) {
            test.contexts(effort.values);
        }
        test.errors
    };
    let mut errors: Vec<RuleError> = jobs.par_iter().flat_map_iter(test).collect();
    // Rules whose bodies are drawn alike lose alike: one of them is drawn for all.
    let mut alike: BTreeMap<String, Vec<(&str, &Arc<Rule>)>> = BTreeMap::new();
    for &(file, rule) in jobs.iter().filter(|(_, rule)| rule.detector.is_none()) {
        alike.entry(body_source(rule)).or_default().push((file, rule));
    }
    let alike: Vec<_> = alike.into_values().collect();
    errors.par_extend(alike.par_iter().flat_map_iter(|rules| {
        let why = losses(rules[0].1, effort.bodies);
        let error = |&(file, rule): &(&str, &Arc<Rule>), why| failure(file, rule, "format", why);
        why.into_iter().flat_map(move |why| rules.iter().map(move |rule| error(rule, why.clone())))
    }));
    errors
}

fn failure(file: &str, rule: &Rule, field: &'static str, why: String) -> RuleError {
    RuleError { file: file.to_owned(), rule: Some(rule.id.to_string()), field: Some(field), why }
}

/// The check of one rule.
struct Test<'a> {
    file: &'a str,
    rule: &'a Arc<Rule>,
    scanner: &'a Scanner,
    errors: Vec<RuleError>,
}

impl Test<'_> {
    fn fail(&mut self, field: &'static str, why: String) {
        self.errors.push(failure(self.file, self.rule, field, why));
    }

    fn scan(&self, text: &str) -> Vec<Credential> {
        let sightings = self.scanner.scan(text.as_bytes());
        let credentials = sightings.into_iter().filter_map(|sighting| match sighting {
            Sighting::Credential(credential) => Some(credential),
            Sighting::Fact(_) => None,
        });
        credentials.collect()
    }

    fn lint(&mut self) {
        for pattern in self.rule.names.iter().chain(&self.rule.near) {
            if !can_be_found(pattern) {
                self.fail("names", format!("{:?} holds none of the stems that are looked for", pattern.source()));
            }
        }
        let common = |literal: &[u8]| COMMON.iter().any(|word| literal.eq_ignore_ascii_case(word.as_bytes()));
        if let Some(literal) = self.rule.format.literals().iter().find(|literal| common(literal) && !self.rule.needs_marker) {
            let literal = String::from_utf8_lossy(literal);
            self.fail("format", format!("{literal:?} stands everywhere: find it by name, or where the provider is named"));
        }
        let named = |rule: &Rule| !rule.provider.markers.is_empty() || !rule.provider.slots.is_empty();
        if (self.rule.needs_marker || !self.rule.near.is_empty()) && !named(self.rule) {
            self.fail("needs", "the provider has no markers and no slots".to_owned());
        }
        for (field, count) in [("examples", self.rule.examples.len()), ("counter_examples", self.rule.counter_examples.len())] {
            if count < 2 {
                self.fail(field, format!("{count}, two are needed"));
            }
        }
    }

    /// A value that two rules read as their own, where nothing around it decides, needs a rule of
    /// precedence: one of them is the default, or asks for its marker, or says that the shape is shared.
    fn precedence(&mut self, values: usize) {
        if !self.rule.has_literal() || self.rule.needs_marker {
            return;
        }
        let mut random = Random::new(&format!("{}/precedence", self.rule.id));
        let mut rivals: Vec<Arc<Rule>> = Vec::new();
        for value in (0..values).filter_map(|_| draw(self.rule, &mut random)) {
            let others = self.scanner.rules().rules().iter();
            rivals.extend(others.filter(|other| is_rival(self.rule, other) && claims(other, value.as_bytes())).cloned());
        }
        rivals.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
        rivals.dedup_by(|a, b| a.id == b.id);
        for rival in rivals {
            let why = format!(
                "{} reads the same values, and nothing says which goes first: default_for, needs = \"marker\" or shared_with",
                rival.id
            );
            self.fail("format", why);
        }
    }

    /// Of two providers with a rule for the same name, the values must say whose it is.
    fn namesakes(&mut self, values: usize) {
        let mut random = Random::new(&format!("{}/namesakes", self.rule.id));
        let named = |rule: &Rule| -> Vec<String> { rule.names.iter().map(|name| name.normal().to_owned()).collect() };
        let own = named(self.rule);
        let drawn: Vec<String> = (0..values).filter_map(|_| draw(self.rule, &mut random)).collect();
        for other in self.scanner.rules().rules() {
            let apart =
                other.provider.id == self.rule.provider.id || other.provider.is_general() || self.rule.provider.is_general();
            let Some(name) = named(other).into_iter().find(|name| !apart && own.contains(name)) else { continue };
            if !self.rule.needs_marker && !other.needs_marker && drawn.iter().any(|value| claims(other, value.as_bytes())) {
                self.fail("names", format!("{} reads the same values under the same name, {name}", other.id));
            }
        }
    }

    fn examples(&mut self) {
        for (at, example) in self.rule.examples.iter().enumerate() {
            let text = match expand(&example.text, self.rule.id.as_str()) {
                Ok(text) => text,
                Err(error) => {
                    self.fail("examples", format!("{}: {error}", at + 1));
                    continue;
                }
            };
            let class = example.class.unwrap_or(self.rule.class);
            let found = self.scan(&text);
            // A security code is found beside a card number only.
            let mut found = found;
            if self.rule.detector == Some(Detector::CardCode) {
                found.retain(|credential| credential.rule == self.rule.id);
            }
            let [only] = &found[..] else {
                self.fail("examples", format!("{}: {} credentials instead of one: {}", at + 1, found.len(), names(&found)));
                continue;
            };
            if only.rule != self.rule.id || only.class != class {
                self.fail("examples", format!("{}: read as {} {}", at + 1, only.rule, only.class));
            }
            let expected = example.environment.or(match self.rule.tell {
                crate::rule::Tell::Fixed(environment) => Some(environment),
                crate::rule::Tell::ByGroup { .. } => None,
            });
            if expected.is_some_and(|expected| expected != only.environment) {
                self.fail("examples", format!("{}: environment {}", at + 1, only.environment));
            }
        }
    }

    fn counter_examples(&mut self) {
        for (at, example) in self.rule.counter_examples.iter().enumerate() {
            match expand(&example.text, self.rule.id.as_str()) {
                Ok(text) if self.scan(&text).iter().any(|credential| credential.rule == self.rule.id) => {
                    self.fail("counter_examples", format!("{}: found, although: {}", at + 1, example.because));
                }
                Ok(_) => {}
                Err(error) => self.fail("counter_examples", format!("{}: {error}", at + 1)),
            }
        }
    }

    /// Values drawn from the format must be found in every context, as what they are: rule, class,
    /// provider, and the environment that the value says.
    fn contexts(&mut self, values: usize) {
        let mut random = Random::new(&format!("{}/contexts", self.rule.id));
        let slot = slot_of(self.rule);
        let marker = marker_of(self.rule);
        let sampler = Sampler::new(self.rule.format.source());
        let literal = |context: &str| !self.rule.needs_literal || holds_literal(context, self.rule.needs_quotes);
        for (name, context) in CONTEXTS.iter().filter(|(_, context)| literal(context)) {
            let drawn: Vec<String> = (0..values).filter_map(|_| draw_with(&sampler, self.rule, &mut random)).collect();
            if drawn.len() < values {
                self.fail("checks", "no value that passes them can be drawn from the format".to_owned());
                return;
            }
            let texts: Vec<String> = drawn.iter().map(|value| fill(context, &slot, &marker, value)).collect();
            // All in one scan, too far apart to hear each other.
            let found = self.scan(&texts.join(APART));
            let mut start = 0;
            let mut misses = Vec::new();
            for (value, text) in drawn.iter().zip(&texts) {
                let here = start..start + text.len();
                start = here.end + APART.len();
                let found: Vec<_> = found.iter().filter(|credential| here.contains(&credential.span.start)).collect();
                if !found.iter().any(|credential| self.is_read_right(credential, value)) {
                    misses.push(names(found));
                }
            }
            if let Some(first) = misses.first() {
                let why = format!("{name}: {} of {values} drawn values are not found as such ({first})", misses.len());
                self.fail("format", why);
            }
        }
    }

    fn is_read_right(&self, credential: &Credential, value: &str) -> bool {
        // The general pack yields to a provider whose shape the value happens to have.
        if self.rule.provider.is_general() && credential.class == self.rule.class {
            return true;
        }
        let environment = environment_of(self.rule, value);
        credential.rule == self.rule.id
            && credential.class == self.rule.class
            && (credential.provider.is_none() || credential.provider == self.rule.attributed())
            && (environment == Environment::Unknown || credential.environment == environment)
            && credential.secret.check(|bytes| bytes == value.as_bytes())
    }
}

/// Whether two rules that read the same value would both want it.
fn is_rival(rule: &Rule, other: &Rule) -> bool {
    let shares = |rule: &Rule, other: &Rule| rule.shared_with.contains(&other.provider.id);
    let settled = rule.default_for != other.default_for
        || other.needs_marker
        || rule.provider.is_general() != other.provider.is_general()
        || shares(rule, other)
        || shares(other, rule);
    rule.id != other.id && other.has_literal() && !settled
}

/// Whether a rule reads all of the bytes as a value of its own.
fn claims(rule: &Rule, value: &[u8]) -> bool {
    let whole = |fit: crate::rule::Fit| fit.length == value.len() && !fit.too_long;
    rule.format.match_at(value, rule.edge, None).is_some_and(|matched| whole(matched.fit))
        && rule.checks.iter().all(|check| (check.test)(value))
}

/// Whether the value of a context is all of a quoted text or line.
fn holds_literal(context: &str, quoted: bool) -> bool {
    let quotes = ["\"VALUE\\\"", "\"VALUE\"", "'VALUE'"].iter().any(|literal| context.contains(literal));
    quotes || !quoted && context.contains("\nSLOT=VALUE\n")
}

/// What decides how a body is drawn and judged.
fn body_source(rule: &Rule) -> String {
    let part = rule.checks.iter().find(|check| check.random_part.is_some()).map(|check| check.name);
    let format = if rule.has_literal() { rule.format.body_source() } else { rule.format.source().to_owned() };
    format!("{format} {part:?}")
}

/// How many bytes of every value are no part of the body.
fn public_of(rule: &Rule) -> usize {
    let texts = rule.format.environments();
    let public = texts.iter().map(|text| rule.format.public_prefix(Some(text))).max();
    let public = public.unwrap_or_else(|| rule.format.public_prefix(None));
    if rule.has_literal() { public } else { 0 }
}

/// The checks that drop what is not random may lose one real body in ten thousand.
fn losses(rule: &Rule, bodies: usize) -> Option<String> {
    let bodies = bodies.min(BODY_BYTES / rule.format.max_length());
    let mut random = Random::new(&format!("{}/losses", rule.id));
    let sampler = Sampler::new(rule.format.source());
    let (public, size) = (public_of(rule), rule.format.alphabet_size());
    let mut value = Vec::new();
    let lost = (0..bodies).filter(|_| {
        value.clear();
        sampler.draw(&mut random, &mut value);
        !check::is_plausible(rule.body_of(&value, public), size)
    });
    let lost = lost.count();
    (lost > (bodies / LOSS).max(1)).then(|| format!("{lost} of {bodies} random values are dropped as placeholders"))
}

fn names<'a>(found: impl IntoIterator<Item = &'a Credential>) -> String {
    let names: Vec<_> = found.into_iter().map(|credential| credential.rule.as_str()).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// A value of the rule that passes its checks.
pub fn draw(rule: &Rule, random: &mut Random) -> Option<String> {
    draw_with(&Sampler::new(rule.format.source()), rule, random)
}

fn draw_with(sampler: &Sampler, rule: &Rule, random: &mut Random) -> Option<String> {
    (0..1000).find_map(|_| {
        let mend = |value: Vec<u8>, check: &&check::Check| match check.mend {
            Some(mend) if !(check.test)(&value) => mend(value),
            _ => value,
        };
        let mut value = Vec::new();
        sampler.draw(random, &mut value);
        let value = rule.checks.iter().fold(value, mend);
        let fits = rule.format.match_at(&value, rule.edge, None).is_some_and(|matched| matched.fit.length == value.len());
        // Where punctuation is part of a value, one that holds a delimiter has no certain end.
        let certain = rule.edge == Edge::Alphabet || !value.iter().any(|byte| b"\"'`\\&<>[](){};,|".contains(byte));
        let passes = certain && fits && rule.checks.iter().all(|check| (check.test)(&value));
        passes.then(|| String::from_utf8(value).ok())?
    })
}

/// A name that the rule's value may stand under, as words: `payca client secret`.
pub fn slot_of(rule: &Rule) -> Vec<String> {
    let pattern = rule.names.first().or(rule.near.first());
    let source = match pattern {
        Some(pattern) => pattern.source().replace('*', "_").replace('+', "acme_"),
        None if rule.needs_marker => {
            rule.provider.slots.first().map_or_else(String::new, |slot| slot.source().replace('*', "_API_KEY"))
        }
        None => "gateway_credential".to_owned(),
    };
    crate::rule::name::words(source.as_bytes())
}

/// A word that names the rule's provider, where the rule wants one.
pub fn marker_of(rule: &Rule) -> String {
    let wants = rule.needs_marker || rule.names.is_empty() && !rule.near.is_empty();
    let marker = rule.provider.markers.first().filter(|_| wants);
    marker.map_or_else(
        || "gateway".to_owned(),
        |marker| format!("{marker} {}", rule.paths.first().map_or("", Text::as_str)).trim().to_owned(),
    )
}

/// Puts slot, marker and value into a context.
pub fn fill(context: &str, slot: &[String], marker: &str, value: &str) -> String {
    let header: Vec<String> = slot.iter().map(|word| word[..1].to_uppercase() + &word[1..]).collect();
    context
        .replace("MARKER", marker)
        .replace("SLOT", &slot.join("_").to_uppercase())
        .replace("Slot-Name", &header.join("-"))
        .replace("slot", &slot.join("_"))
        .replace("VALUE", value)
}

/// Draws values from a format.
#[derive(Debug)]
enum Sampler {
    Literal(Box<[u8]>),
    Class(Vec<u8>),
    Repetition(Box<Self>, usize, usize),
    All(Vec<Self>),
    OneOf(Vec<Self>),
}

impl Sampler {
    fn new(format: &str) -> Self {
        let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(format);
        Self::of(&hir.expect("the format was parsed when it was loaded"))
    }

    fn of(hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Self::All(Vec::new()),
            HirKind::Literal(literal) => Self::Literal(literal.0.clone()),
            HirKind::Class(class) => {
                let bytes = match class {
                    Class::Bytes(class) => Some(class.clone()),
                    Class::Unicode(class) => class.to_byte_class(),
                };
                let ranges = bytes.iter().flat_map(ClassBytes::ranges);
                Self::Class(ranges.flat_map(|range| range.start()..=range.end()).collect())
            }
            HirKind::Repetition(repetition) => {
                let max = repetition.max.unwrap_or(repetition.min);
                Self::Repetition(Box::new(Self::of(&repetition.sub)), repetition.min as usize, max as usize)
            }
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Concat(parts) => Self::All(parts.iter().map(Self::of).collect()),
            HirKind::Alternation(parts) => Self::OneOf(parts.iter().map(Self::of).collect()),
        }
    }

    /// Adds a value to `out`.
    fn draw(&self, random: &mut Random, out: &mut Vec<u8>) {
        match self {
            Self::Literal(bytes) => out.extend_from_slice(bytes),
            Self::Class(bytes) => out.push(bytes[random.below(bytes.len())]),
            Self::Repetition(part, min, max) => {
                let count = min + random.below(max - min + 1);
                (0..count).for_each(|_| part.draw(random, out));
            }
            Self::All(parts) => parts.iter().for_each(|part| part.draw(random, out)),
            Self::OneOf(parts) => parts[random.below(parts.len())].draw(random, out),
        }
    }
}

/// The environment that a drawn value says by itself.
fn environment_of(rule: &Rule, value: &str) -> Environment {
    let text = rule.format.match_at(value.as_bytes(), rule.edge, None).and_then(|matched| matched.environment);
    rule.tell.read(text)
}
