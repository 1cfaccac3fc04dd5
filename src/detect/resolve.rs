//! From readings to sightings: what the surroundings say of the environment, and which of two
//! overlapping readings stays.

use std::ops::Range;
use std::sync::Arc;

use super::near::{self, Around, Near};
use crate::credential::{Confidence, Credential, Environment, Evidence, Provider, RuleId, Secret, View};
use crate::finding::Sighting;
use crate::rule::{ProviderFacts, Rule, name};
use crate::span::Span;

/// How good a reading is; of two that overlap the better one stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Nothing but the name of the slot, whoever's it is.
    Generic,
    /// A run longer than the format allows.
    TooLong,
    /// A rule of the general pack.
    General,
    /// A shape whose owner is in doubt.
    Disputed,
    /// A shape that counts only where its provider is named: a slot that says more goes before it.
    Marked,
    /// The name of the slot.
    Name,
    /// The shape of a provider.
    Shape,
}

/// A value that a rule has read.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) rule: Arc<Rule>,
    pub(super) secret: Secret,
    pub(super) span: Span,
    /// The name of the slot, where that tells what the value is.
    pub(super) name: Option<Span>,
    /// Whether that name is used by one provider only: no other word has to say whose it is.
    pub(super) own_name: bool,
    pub(super) view: View,
    pub(super) environment: Environment,
    pub(super) provider: Option<Provider>,
    pub(super) candidates: Vec<Provider>,
    pub(super) alternatives: Vec<RuleId>,
    pub(super) strong: bool,
    pub(super) rank: Rank,
    pub(super) because: Vec<Evidence>,
}

impl Found {
    /// A value of `rule`; `text` is the text of its `env` group.
    pub(super) fn new(rule: &Arc<Rule>, value: &[u8], span: Span, text: Option<&str>) -> Self {
        let public = if rule.has_literal() { rule.format.public_prefix(text) } else { 0 };
        Self {
            rule: Arc::clone(rule),
            secret: Secret::new(value, public),
            span,
            name: None,
            own_name: false,
            view: View::Plain,
            environment: rule.tell.read(text),
            provider: None,
            candidates: Vec::new(),
            alternatives: Vec::new(),
            strong: false,
            rank: Rank::Shape,
            because: Vec::new(),
        }
    }

    /// Evidence in the value itself: a part of it says the environment, or that it has no such part.
    pub(super) fn note_value(&mut self, environment: Environment) {
        let prefix = String::from_utf8_lossy(self.secret.public_prefix()).into_owned();
        let weight = (environment != Environment::Unknown).then_some(100);
        if !prefix.is_empty() {
            self.because.insert(0, Evidence { fact: format!("value prefix {prefix}"), weight, span: Some(self.span) });
        } else if weight.is_some() {
            self.because.insert(0, Evidence { fact: format!("value says {environment}"), weight, span: Some(self.span) });
        }
        for check in &self.rule.supports {
            if self.secret.check(check.test) {
                // The shape of one provider alone: nobody else is in question.
                self.strong = true;
                self.candidates.clear();
                self.because.push(Evidence { fact: check.shows.to_owned(), weight: None, span: Some(self.span) });
            }
        }
    }

    /// Where the value does not say: its slot, else a mode flag of the provider, else its hosts;
    /// nothing where those disagree.
    pub(super) fn listen(&mut self, around: &Around<'_>, slot: Option<Span>, provider: &ProviderFacts) {
        if self.environment != Environment::Unknown {
            return;
        }
        if let Some((environment, evidence)) = slot.and_then(|slot| slot_environment(around.bytes, slot)) {
            self.environment = environment;
            self.because.push(evidence);
            return;
        }
        let near = Near::new(around, self.span);
        for says in [near.mode_flags(provider), near.hosts(provider)] {
            if let Some(environment) = agreed(says.iter().map(|(environment, _)| *environment)) {
                self.environment = environment;
                self.because.extend(says.into_iter().map(|(_, evidence)| evidence).take(1));
                return;
            }
            if !says.is_empty() {
                return;
            }
        }
    }

    /// The bytes that tell what it is: the value, and the name if it has no shape of its own.
    pub(super) fn told_by(&self) -> Span {
        let start = self.name.map_or(self.span.start, |name| name.start.min(self.span.start));
        Span::new(start, self.span.end)
    }

    /// The same value in the bytes that a view was decoded from.
    pub(super) fn lifted(mut self, view: View, origin: &dyn Fn(Span) -> Span) -> Self {
        self.span = origin(self.span);
        for evidence in &mut self.because {
            evidence.span = evidence.span.filter(|span| !span.is_empty()).map(origin);
        }
        if self.view == View::Plain {
            self.view = view;
        }
        self
    }

    /// The better of two overlapping readings is the greater.
    fn merit(&self) -> impl Ord {
        (self.rank, self.span.len(), self.view == View::Plain, std::cmp::Reverse((self.span.start, self.rule.id.clone())))
    }

    /// Whether a name that everybody uses calls it public, because of a provider that is mentioned near, while it has
    /// the shape of another's secret.
    fn is_hearsay(&self, other: &Self) -> bool {
        let named = self.rule.class.is_public() && self.name.is_some() && !self.own_name;
        let shaped = !other.rule.class.is_public() && other.rule.has_literal();
        named && shaped && self.rule.provider.id != other.rule.provider.id
    }

    /// A name says more than a shape that several providers share, unless both say the same; but no hearsay
    /// makes a secret public.
    fn beats(&self, other: &Self) -> bool {
        if self.is_hearsay(other) || other.is_hearsay(self) {
            return other.is_hearsay(self);
        }
        let same = self.span == other.span && self.provider == other.provider && self.rule.class == other.rule.class;
        match (self.rank, other.rank) {
            (Rank::Marked, Rank::Name) if same => true,
            (Rank::Name, Rank::Marked) if same => false,
            _ => self.merit() >= other.merit(),
        }
    }

    /// A key that is told by its name takes the environment from another reading of the same value, and
    /// what says so: the value itself goes before everything around it.
    fn learn(&mut self, other: &Self) {
        if self.span != other.span {
            return;
        }
        let of_value = |found: &Self| found.because.iter().find(|fact| fact.weight == Some(100)).cloned();
        if let (None, Some(evidence)) = (of_value(self), of_value(other)) {
            self.environment = other.environment;
            self.because.insert(0, evidence);
        } else if self.environment == Environment::Unknown {
            self.environment = other.environment;
        }
    }
}

/// The environment that the words of a slot's name say.
fn slot_environment(bytes: &[u8], slot: Span) -> Option<(Environment, Evidence)> {
    let name = &bytes[slot.range()];
    let words = name::words(name);
    let says = |all: &[&str]| words.iter().any(|word| all.contains(&word.as_str()));
    let live = says(&["live", "prod", "production", "prd"]);
    let sandbox = says(&["test", "sandbox", "sbx", "sbox", "testing", "demo"]);
    let environment = match (live, sandbox) {
        (true, false) => Environment::Live,
        (false, true) => Environment::Sandbox,
        _ => return None,
    };
    let fact = format!("slot {}", String::from_utf8_lossy(name));
    Some((environment, Evidence { fact, weight: Some(80), span: Some(slot) }))
}

/// The one environment that all say, if they say one.
fn agreed(mut all: impl Iterator<Item = Environment>) -> Option<Environment> {
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// What the readings of a scan have in common.
pub(super) struct Readings<'a> {
    pub(super) bytes: &'a [u8],
}

impl Readings<'_> {
    /// The readings that stay, as sightings in order.
    pub(super) fn sightings(&self, mut found: Vec<Found>, core: &Range<usize>) -> Vec<Sighting> {
        found.sort_by(|a, b| a.span.cmp(&b.span).then_with(|| b.merit().cmp(&a.merit())));
        let mut kept = without_losers(found);
        self.ask_siblings(&mut kept);
        kept.retain(|value| core.contains(&value.span.start));
        kept.into_iter().map(Found::into_sighting).collect()
    }

    /// A public identifier of the same provider tells the environment of the secrets beside it.
    fn ask_siblings(&self, found: &mut [Found]) {
        let told: Vec<(Span, Provider, Environment, String)> = found
            .iter()
            .filter(|value| value.rule.class.is_public() && value.environment != Environment::Unknown)
            .filter_map(|value| {
                let prefix = String::from_utf8_lossy(value.secret.public_prefix()).into_owned();
                Some((value.span, value.provider.clone()?, value.environment, prefix))
            })
            .collect();
        if told.is_empty() {
            return;
        }
        for value in found.iter_mut().filter(|value| value.environment == Environment::Unknown) {
            let window = near::window(self.bytes, value.span);
            let siblings =
                || told.iter().filter(|(span, provider, ..)| value.provider.as_ref() == Some(provider) && window.overlaps(*span));
            if let (Some(environment), Some((span, _, _, prefix))) = (agreed(siblings().map(|told| told.2)), siblings().next()) {
                value.environment = environment;
                value.because.push(Evidence { fact: format!("beside {prefix}…"), weight: Some(70), span: Some(*span) });
            }
        }
    }
}

/// Drops every reading that overlaps a better one. Looking at direct neighbours only keeps the
/// decision local: it does not depend on where a window begins.
fn without_losers(mut found: Vec<Found>) -> Vec<Found> {
    let mut lost = vec![false; found.len()];
    for at in 0..found.len() {
        for other in at + 1..found.len() {
            if found[other].span.start >= found[at].span.end {
                break;
            }
            let (winner, loser) = if found[at].beats(&found[other]) { (at, other) } else { (other, at) };
            lost[loser] = true;
            let (head, tail) = found.split_at_mut(other);
            let (a, b) = (&mut head[at], &mut tail[0]);
            if winner == at { a.learn(b) } else { b.learn(a) }
        }
    }
    let mut lost = lost.into_iter();
    found.retain(|_| !lost.next().unwrap_or(false));
    found
}

impl Found {
    fn into_sighting(self) -> Sighting {
        // One fact is one line: what names the provider may also tell the environment.
        let mut because = self.because;
        let weighty: Vec<Option<Span>> = because.iter().filter(|fact| fact.weight.is_some()).map(|fact| fact.span).collect();
        because.retain(|fact| fact.weight.is_some() || !weighty.contains(&fact.span) || fact.span == Some(self.span));
        let mut candidates = self.candidates;
        candidates.sort();
        candidates.dedup();
        candidates.retain(|candidate| Some(candidate) != self.provider.as_ref());
        Sighting::Credential(Credential {
            rule: self.rule.id.clone(),
            provider: self.provider,
            candidates,
            alternatives: self.alternatives,
            class: self.rule.class,
            environment: self.environment,
            moves_funds: self.rule.moves_funds,
            confidence: if self.strong { Confidence::Strong } else { Confidence::Weak },
            secret: self.secret,
            span: self.span,
            view: self.view,
            because,
        })
    }
}
