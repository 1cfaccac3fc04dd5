//! A literal was seen: is it the beginning of a credential, and whose?

use std::sync::Arc;

use super::holder;
use super::near::{Around, Near};
use super::resolve::{Found, Rank};
use super::slot;
use crate::check;
use crate::credential::{Credential, Environment, Evidence, Provider, View};
use crate::rule::name::{normalise, words};
use crate::rule::{Edge, Fit, Outline, ProviderFacts, Rule, RuleSet};
use crate::span::Span;

/// A run this short, with an ellipsis or stars behind it, is what is left of a masked key.
const MASKED: usize = 24;

/// One rule's reading of a value.
struct Reading<'a> {
    rule: &'a Arc<Rule>,
    fit: Fit,
    text: Option<&'a str>,
    environment: Environment,
    /// What names the rule's provider, and how loudly.
    naming: Option<Evidence>,
    closeness: u8,
}

/// The value that begins at `at`, as the best of the rules reads it.
pub(super) fn value_at<'a>(set: &'a RuleSet, rules: &[usize], around: &Around<'a>, at: usize) -> Option<Found> {
    let bytes = around.bytes;
    let rest = &bytes[at..];
    let there = Outline::of(rest);
    let rules = rules.iter().filter(|&&rule| around.index.may_begin(rule, &there)).map(|&rule| &set.rules()[rule]);
    let delimited = rules.clone().any(|rule| rule.edge == Edge::Delimiter);
    let opened_by = if delimited { slot::opener(bytes, at) } else { None };
    let mut judge = Judge::new(set, rest);
    let read = |rule: &'a Arc<Rule>| {
        let matched = rule.format.match_at(rest, rule.edge, opened_by)?;
        let environment = rule.tell.read(matched.environment);
        Some(Reading { rule, fit: matched.fit, text: matched.environment, environment, naming: None, closeness: 0 })
    };
    let settles =
        |reading: &Reading<'_>| !reading.fit.too_long && is_settled(reading.rule, |test| test(&rest[..reading.fit.length]));
    let mut genuine =
        |reading: &Reading<'_>| judge.is_genuine(reading.rule, reading.fit, reading.rule.format.public_prefix(reading.text));
    // What is settled asks nothing of the other rules.
    let public = rules.clone().filter(|rule| rule.class.is_public() && !rule.supports.is_empty());
    let settled = public.filter_map(read).find(settles).filter(&mut genuine);
    let is_certain = settled.is_some();
    let mut readings: Vec<Reading<'_>> = match settled {
        Some(settled) => vec![settled],
        None => rules.filter_map(read).collect(),
    };
    let longest = |readings: &[Reading<'_>]| readings.iter().map(|reading| reading.fit.length).max();
    if !around.is_new(Span::new(at, at + longest(&readings)?)) {
        return None;
    }
    readings.retain(genuine);
    let longest = longest(&readings)?;
    let slot = slot::name_of(bytes, at);
    let near = Near::new(around, Span::new(at, at + longest));
    let named = slot.map(|slot| named_by(around, slot.name)).unwrap_or_default();
    let context = Context { around, slot, near, named };
    if !is_certain {
        for reading in &mut readings {
            context.listen(reading);
        }
    }
    let (readings, unmarked) = readings.into_iter().partition(|reading| !reading.rule.needs_marker || reading.closeness > 0);
    context.decide(readings, &unmarked, at)
}

/// Whether a value is public whatever stands near: its rule asks for no marker, and the value shows by itself that it
/// is of this provider.
fn is_settled(rule: &Rule, passes: impl Fn(fn(&[u8]) -> bool) -> bool) -> bool {
    rule.class.is_public() && !rule.needs_marker && rule.supports.iter().any(|check| passes(check.test))
}

/// Whether a credential that was found is public, and would be with less around it.
pub(crate) fn is_public_anywhere(rules: &RuleSet, credential: &Credential) -> bool {
    let secret = &credential.secret;
    credential.view == View::Plain
        && credential.class.is_public()
        && rules
            .get(credential.rule.as_str())
            .is_some_and(|rule| secret.len() <= rule.format.max_length() && is_settled(rule, |test| secret.check(test)))
}

/// Says whether values that begin at one place can be secrets. Many rules may read the same value:
/// what does not depend on the rule is asked once.
pub(super) struct Judge<'a> {
    set: &'a RuleSet,
    rest: &'a [u8],
    /// Bodies and the sizes of their alphabets.
    plausible: Vec<(&'a [u8], usize, bool)>,
    published: Vec<(usize, bool)>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(set: &'a RuleSet, rest: &'a [u8]) -> Self {
        Self { set, rest, plausible: Vec::new(), published: Vec::new() }
    }

    /// Whether the value of a rule can be a secret at all: plausible behind its public prefix, passing
    /// the rule's checks, not masked, not published.
    pub(super) fn is_genuine(&mut self, rule: &Rule, fit: Fit, public: usize) -> bool {
        let value = &self.rest[..fit.length];
        let body = rule.body_of(value, public);
        self.is_plausible(body, rule.format.alphabet_size())
            && rule.checks.iter().all(|check| (check.test)(value))
            && !is_masked(body, &self.rest[fit.length..])
            && !self.is_published(fit.length)
    }

    fn is_plausible(&mut self, body: &'a [u8], alphabet: usize) -> bool {
        let same = |known: &&(&[u8], usize, bool)| std::ptr::eq(known.0, body) && known.1 == alphabet;
        if let Some(known) = self.plausible.iter().find(same) {
            return known.2;
        }
        let answer = check::is_plausible(body, alphabet);
        self.plausible.push((body, alphabet, answer));
        answer
    }

    fn is_published(&mut self, length: usize) -> bool {
        if let Some(known) = self.published.iter().find(|known| known.0 == length) {
            return known.1;
        }
        let answer = self.set.is_published(&self.rest[..length]);
        self.published.push((length, answer));
        answer
    }
}

/// `sk_live_51Hx…`, `sk_live_51Hx****abcd`: the key was cut by somebody who knew it is one.
fn is_masked(body: &[u8], behind: &[u8]) -> bool {
    body.len() < MASKED && [&b"..."[..], "…".as_bytes(), b"***", "•••".as_bytes()].iter().any(|mask| behind.starts_with(mask))
}

/// What stands around a value.
struct Context<'a> {
    around: &'a Around<'a>,
    slot: Option<slot::Slot>,
    near: Near<'a>,
    /// The providers that the name of the slot means.
    named: Arc<[usize]>,
}

impl Context<'_> {
    /// What the name of the slot says, if it means the provider.
    fn named(&self, provider: &ProviderFacts) -> Option<Evidence> {
        let number = self.around.index.number(provider)?;
        let name = self.slot.filter(|_| self.named.contains(&number))?.name;
        let fact = format!("named {}", String::from_utf8_lossy(&self.around.bytes[name.range()]));
        Some(Evidence { fact, weight: None, span: Some(name) })
    }

    /// How loudly the provider of a reading is named: 3 by the slot, 2 on the line, 1 in the window.
    fn listen(&self, reading: &mut Reading<'_>) {
        let provider = &reading.rule.provider;
        if provider.is_general() {
            return;
        }
        let heard = match self.named(provider) {
            Some(evidence) => Some((3, evidence)),
            None => self.near.mention(provider).map(|mention| (if mention.on_line { 2 } else { 1 }, mention.evidence)),
        };
        if let Some((closeness, evidence)) = heard {
            reading.closeness = closeness;
            reading.naming = Some(evidence);
        }
    }

    /// The best reading gives the name; the others of the same shape become candidates, also those
    /// whose provider is not named here: the path or the rest of the file may name it.
    fn decide(&self, mut readings: Vec<Reading<'_>>, unmarked: &[Reading<'_>], at: usize) -> Option<Found> {
        let weight = |reading: &Reading<'_>| {
            let own = !reading.rule.provider.is_general();
            (!reading.fit.too_long, own, reading.closeness, reading.rule.default_for, reading.fit.length)
        };
        readings.sort_by_key(|reading| std::cmp::Reverse(weight(reading)));
        self.prefer_secret(&mut readings, at);
        self.prefer_unbroken(&mut readings, at);
        let best = readings.first()?;
        let rivals = || readings[1..].iter().filter(|rival| rival.fit == best.fit && !rival.rule.provider.is_general());
        let value = &self.around.bytes[at..at + best.fit.length];
        let certain = best.rule.supports.iter().any(|check| (check.test)(value));
        let disputed = !certain && self.is_disputed(best, rivals());
        let mut candidates: Vec<Provider> = rivals().filter_map(|rival| rival.rule.attributed()).collect();
        candidates.extend(best.rule.shared_with.iter().cloned());
        if disputed {
            candidates.extend(best.rule.attributed());
        }
        let alone = rivals().all(|rival| rival.closeness < best.closeness);
        let open = best.closeness == 0 || !alone || disputed;
        let unmarked = unmarked.iter().filter(|rival| open && rival.fit == best.fit);
        candidates.extend(unmarked.clone().filter_map(|rival| rival.rule.attributed()));
        if !open {
            candidates.clear();
        }
        candidates.sort();
        candidates.dedup();
        let span = Span::new(at, at + best.fit.length);
        let mut found = Found::new(best.rule, value, span, best.text);
        found.environment = best.environment;
        found.provider = if disputed { None } else { best.rule.attributed() };
        found.candidates = candidates;
        found.alternatives = unmarked.map(|rival| rival.rule.id.clone()).collect();
        found.strong = !best.fit.too_long && (best.rule.fact.is_firm() || best.closeness == 3);
        found.rank = match () {
            () if best.fit.too_long => Rank::TooLong,
            () if best.rule.provider.is_general() => Rank::General,
            () if disputed => Rank::Disputed,
            () if best.rule.needs_marker => Rank::Marked,
            () => Rank::Shape,
        };
        found.note_value(best.environment);
        found.because.extend(best.naming.clone());
        found.listen(self.around, self.slot.map(|slot| slot.name), &best.rule.provider);
        Some(found)
    }

    /// What is public at one provider and secret at another, with both named near, is secret; not where the name
    /// before the value says whose it is, or that it is public.
    fn prefer_secret(&self, readings: &mut [Reading<'_>], at: usize) {
        let is_rival = |reading: &Reading<'_>| {
            !reading.rule.class.is_public()
                && !reading.fit.too_long
                && reading.closeness > 0
                && !reading.rule.provider.is_general()
        };
        let Some(best) = readings.first().filter(|best| best.rule.class.is_public() && best.closeness < 3) else { return };
        let Some(rival) = readings.iter().position(is_rival) else { return };
        let bytes = self.around.bytes;
        let certain = || best.rule.supports.iter().any(|check| (check.test)(&bytes[at..at + best.fit.length]));
        // `Stripe('pk_…')`
        let called = |name: Span| name.end <= at && bytes[name.end..at].iter().all(|byte| b"(['\"` \\".contains(byte));
        let by_whom = || best.naming.as_ref().and_then(|naming| naming.span).is_some_and(called);
        let says_public =
            || self.slot.is_some_and(|slot| words(&bytes[slot.name.range()]).iter().any(|word| word.starts_with("publi")));
        if !(certain() || by_whom() || says_public()) {
            readings[..=rival].rotate_right(1);
        }
    }

    /// `+` and `=` do not follow a value: a reading that goes on over them is the right one.
    fn prefer_unbroken(&self, readings: &mut [Reading<'_>], at: usize) {
        let end = |reading: &Reading<'_>| at + reading.fit.length;
        let Some(first) = readings.first().map(end).filter(|&end| matches!(self.around.bytes.get(end), Some(b'+' | b'='))) else {
            return;
        };
        if let Some(longer) = readings.iter().position(|reading| end(reading) > first && !reading.fit.too_long) {
            readings[..=longer].rotate_right(1);
        }
    }

    /// Whether the provider's name is in doubt: another reading has as good a claim, or the slot
    /// names somebody else.
    fn is_disputed<'a>(&self, best: &Reading<'_>, mut rivals: impl Iterator<Item = &'a Reading<'a>>) -> bool {
        if best.closeness == 3 {
            return false;
        }
        let equal = |rival: &Reading<'_>| {
            rival.closeness >= best.closeness && !best.rule.default_for && rival.rule.provider.id != best.rule.provider.id
        };
        let shared = !best.rule.shared_with.is_empty() || best.rule.default_for;
        rivals.any(equal) || shared && self.names_somebody_else(&best.rule.provider)
    }

    fn names_somebody_else(&self, provider: &ProviderFacts) -> bool {
        let owners = self.slot.map(|slot| self.around.owners_of_slot(&self.around.bytes[slot.name.range()]));
        is_another(self.around, provider, &owners.unwrap_or_default())
    }
}

/// The providers that the name of a slot means: by itself, else with that of the block that it stands in.
fn named_by(around: &Around<'_>, name: Span) -> Arc<[usize]> {
    let own = around.providers_named(&around.bytes[name.range()]);
    if !own.is_empty() {
        return own;
    }
    let of_block = |block: Span| {
        let joined = [&around.bytes[block.range()], b"_", &around.bytes[name.range()]].concat();
        let owners = around.providers_named(&joined);
        (!owners.is_empty()).then_some(owners)
    };
    holder::names_of(around.bytes, name.start).into_iter().find_map(of_block).unwrap_or_default()
}

/// Whether somebody else is among the owners of a slot. Headers are left out: several providers
/// share `x-api-key`.
pub(super) fn is_another(around: &Around<'_>, provider: &ProviderFacts, owners: &[usize]) -> bool {
    owners.iter().any(|&owner| around.index.provider(owner).id != provider.id)
}

/// Whether the name of a slot names the provider.
pub(super) fn names_provider(provider: &ProviderFacts, name: &[u8]) -> bool {
    let normal = normalise(name);
    provider.slots.iter().chain(&provider.headers).any(|pattern| pattern.matches(&normal))
        || provider.markers.iter().any(|marker| super::near::find_word(name, marker).is_some())
}
