//! Bytes in, sightings out: pure, and the same wherever the bytes come from.
//!
//! [`Scanner::scan`] runs one prefilter over the bytes, confirms each candidate by its rule
//! (`confirm`), reads values by the names of their slots (`context`), looks again at what was
//! escaped (`view`), and decides between overlapping readings (`resolve`).
//!
//! Every decision depends on the bytes within [`REACH`] of the credential alone. That is what makes
//! a scan in windows equal to a scan of the whole.

mod address;
mod by_environment;
mod call;
mod cards;
mod columns;
mod command;
mod confirm;
mod context;
mod edge;
mod fact;
mod fallback;
mod filed;
mod holder;
mod index;
pub mod known;
mod literal;
mod memory;
mod near;
mod notation;
mod prefilter;
mod printed;
mod resolve;
mod slot;
mod view;

#[cfg(test)]
mod oracle;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

pub(crate) use confirm::is_public_anywhere;
pub(crate) use context::can_be_found;
pub(crate) use fact::{PUBLIC as PUBLIC_PREFIXES, is_payout_block, is_payout_name, is_secret_name};
pub use filed::Form;

use crate::finding::{Fact, Sighting};
use crate::rule::{MAX_LENGTH, RuleSet};
use crate::span::Span;
use call::Call;
use cards::Cards;
use fact::{Facts, Stem};
use index::Index;
use memory::{Memories, Memory};
use near::Around;
use prefilter::{Bytes, Candidate, LITERALS, Prefilter, Windows};
use resolve::Found;

/// How far a decision may look in either direction.
pub const REACH: usize = 2 * MAX_LENGTH;

/// Candidates are collected for this many bytes at a time, while those are in cache.
const BLOCK: usize = 64 * 1024;

/// So many decoded bytes are as much work as a literal that is met.
const STRETCH: usize = 64;

/// What to look at.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Only credentials that begin in this range are reported; the bytes around it are context.
    pub core: Range<usize>,
    /// Whether values are also found by the names of their slots. Not so in binary files, whose
    /// bytes have no names.
    pub names: bool,
}

/// Finds credentials.
#[derive(Debug)]
pub struct Scanner {
    rules: Arc<RuleSet>,
    prefilter: Box<dyn Prefilter>,
    literals: Vec<Literal>,
    /// The length of the shortest value that is found by its name.
    shortest: usize,
    facts: Facts,
    /// Card data, if it is asked for.
    cards: Option<Cards>,
    index: Index,
    memories: Memories,
}

/// What a literal of the prefilter is for.
#[derive(Debug, Default)]
struct Literal {
    bytes: Bytes,
    /// Rules whose values begin with it.
    rules: Vec<usize>,
    /// Whether it is part of the name of a slot.
    stem: bool,
    /// What facts it may tell.
    facts: Vec<Stem>,
    /// The call that it is the head of.
    call: Option<&'static Call>,
}

/// One of the things that a literal is for.
enum Use {
    Rule(usize),
    Stem,
    Fact(Stem),
    Call(&'static Call),
}

/// What a pass over the bytes has seen.
struct Seen {
    values: Vec<Found>,
    /// What may still be spent: literals that were met, rules that were tried, stretches that were decoded.
    work: usize,
    /// Nothing, if they are not asked for.
    facts: Option<Vec<Fact>>,
}

/// Bytes and how they came about: by how many passes of decoding, and how their spans map back to
/// raw bytes.
#[derive(Clone, Copy)]
struct Layer<'a> {
    bytes: &'a [u8],
    /// The part to look for values in.
    core: Span,
    depth: usize,
    /// The same bytes, with where what they were decoded from stood, if they were.
    decoded: Option<&'a view::Decoded>,
    names: bool,
    /// Whether the input ends where the bytes do.
    is_last: bool,
    lift: &'a dyn Fn(Span) -> Span,
}

/// What is looked for in all bytes, in order.
fn literals(rules: &RuleSet, facts: &Facts) -> Vec<Literal> {
    let mut all: Vec<(Bytes, Use)> = Vec::with_capacity(4 * 1024);
    for (at, rule) in rules.rules().iter().enumerate() {
        all.extend(rule.literals().iter().map(|literal| (literal.clone(), Use::Rule(at))));
    }
    all.extend(context::stems(rules).into_iter().map(|stem| (stem.as_bytes().into(), Use::Stem)));
    all.extend(context::calls(rules).map(|call| (call.head.as_bytes().into(), Use::Call(call))));
    all.extend(facts.literals().into_iter().map(|(literal, stem)| (literal, Use::Fact(stem))));
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    let one = |same: &[(Bytes, Use)]| {
        let mut literal = Literal { bytes: same[0].0.clone(), ..Literal::default() };
        for (_, what) in same {
            match *what {
                Use::Rule(rule) => literal.rules.push(rule),
                Use::Stem => literal.stem = true,
                Use::Fact(stem) => literal.facts.push(stem),
                Use::Call(call) => literal.call = Some(call),
            }
        }
        literal
    };
    all.chunk_by(|(one, _), (other, _)| one == other).map(one).collect()
}

impl Scanner {
    /// A scanner for these rules.
    pub fn new(rules: Arc<RuleSet>) -> Self {
        let facts = Facts::new(&rules);
        let literals = literals(&rules, &facts);
        let prefilter = Box::new(Windows::new(literals.iter().map(|literal| literal.bytes.clone()).collect(), LITERALS));
        let index = Index::new(&rules);
        let (shortest, memories) = (context::shortest(&rules), Memories::new(Memory::default));
        Self { prefilter, literals, shortest, facts, cards: None, index, memories, rules }
    }

    /// The same scanner, which also finds card data.
    #[must_use]
    pub fn with_cards(self) -> Self {
        let cards = Some(Cards::new(&self.rules));
        Self { cards, ..self }
    }

    /// The rules.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// How often each literal is met in the bytes.
    pub(crate) fn meetings(&self, bytes: &[u8]) -> HashMap<&[u8], usize> {
        let mut found: Vec<Candidate> = Vec::new();
        self.prefilter.candidates(bytes, 0..bytes.len(), &mut found);
        let mut counts: HashMap<&[u8], usize> = HashMap::new();
        for candidate in found {
            *counts.entry(&self.literals[candidate.literal].bytes).or_default() += 1;
        }
        counts
    }

    /// Where each marker of a provider first stands in the bytes, as a whole word.
    pub(crate) fn first_markers(&self, bytes: &[u8]) -> HashMap<&[u8], usize> {
        self.index.first_markers(bytes)
    }

    /// Every credential in the bytes, none overlapping another, and every fact, in order.
    pub fn scan(&self, bytes: &[u8]) -> Vec<Sighting> {
        self.scan_within(bytes, &Scope { core: 0..bytes.len(), names: true })
    }

    /// The credentials of a file whose name says what it is: those that none of `others` overlaps, in order.
    pub fn scan_form(&self, form: Form, bytes: &[u8], others: &[Sighting]) -> Vec<Sighting> {
        if bytes.len() > filed::LONGEST {
            return Vec::new();
        }
        let memory = self.memories.get();
        let mut found = form.values(&self.rules, &Around::new(bytes, &self.index, &memory));
        found.retain(|found| !others.iter().any(|other| other.span().overlaps(found.span)));
        resolve::Readings { bytes }.sightings(found, &(0..bytes.len()))
    }

    /// Whether a file with these bytes would hold a credential under any name that says what it is.
    pub(crate) fn holds_form(&self, bytes: &[u8]) -> bool {
        Form::all().any(|form| !self.scan_form(form, bytes, &[]).is_empty())
    }

    /// Every credential that begins in the core of the scope, none overlapping another, and every
    /// fact, in order.
    pub fn scan_within(&self, bytes: &[u8], scope: &Scope) -> Vec<Sighting> {
        self.scan_for(bytes, scope, usize::MAX).unwrap_or_default()
    }

    /// The same, unless it takes more than so much work: nothing is said then. The work is that of every part of the
    /// bytes together, so that what is too much for a line is too much for what holds it.
    pub(crate) fn scan_for(&self, bytes: &[u8], scope: &Scope, work: usize) -> Option<Vec<Sighting>> {
        // What overlaps a credential of the core may begin outside of it, and may win.
        let margin = scope.core.start.saturating_sub(MAX_LENGTH)..(scope.core.end + MAX_LENGTH).min(bytes.len());
        let memory = self.memories.get();
        let mut seen = Seen { values: Vec::new(), work, facts: scope.names.then(Vec::new) };
        self.look(&Around::new(bytes, &self.index, &memory), margin, scope.names, &mut seen);
        let Seen { values: mut found, mut work, facts } = seen;
        let window = scope.core.start.saturating_sub(REACH)..(scope.core.end + REACH).min(bytes.len());
        let start = window.start;
        let lift = |span: Span| span.shifted(start);
        let is_last = window.end == bytes.len();
        let core = Span::new(0, window.len());
        let layer = Layer { bytes: &bytes[window], core, depth: 0, decoded: None, names: scope.names, is_last, lift: &lift };
        self.look_decoded(layer, &memory, &mut work, &mut found);
        if work == 0 {
            return None;
        }
        let readings = resolve::Readings { bytes };
        let mut sightings = readings.sightings(found, &scope.core);
        if let Some(mut facts) = facts {
            facts.retain(|fact| scope.core.contains(&fact.span.start));
            sightings.extend(facts.into_iter().map(Sighting::Fact));
            sightings.sort_by_key(Sighting::span);
            // Two literals may lead to one fact.
            sightings.dedup();
        }
        Some(sightings)
    }

    /// Values as they stand in these bytes, and facts, if the seen are asked for them.
    fn look(&self, around: &Around<'_>, range: Range<usize>, names: bool, seen: &mut Seen) {
        let bytes = around.bytes;
        if let Some(cards) = &self.cards {
            cards.look(bytes, range.clone(), &mut seen.values);
        }
        if names {
            seen.values.extend(address::passwords(&self.rules, around, range.clone()));
        }
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut start = range.start;
        while start < range.end {
            let end = (start + BLOCK).min(range.end);
            candidates.clear();
            self.prefilter.candidates(bytes, start..end, &mut candidates);
            candidates.sort_unstable();
            for here in candidates.chunk_by(|a, b| a.at == b.at) {
                self.look_at(around, here, names, seen);
                if seen.work == 0 {
                    return;
                }
            }
            start = end;
        }
    }

    /// Every reading of the literals that were seen at one place.
    fn look_at(&self, around: &Around<'_>, here: &[Candidate], names: bool, seen: &mut Seen) {
        let (bytes, at) = (around.bytes, here[0].at);
        let literals = || here.iter().map(|candidate| &self.literals[candidate.literal]);
        let begins = literals().any(|literal| !literal.rules.is_empty()) && edge::is_left_edge(bytes, at);
        let rules = if begins { rules_of(literals().map(|literal| &literal.rules[..])) } else { Cow::default() };
        for literal in literals() {
            let span = Span::new(at, at + literal.bytes.len());
            if names && *literal.bytes == *address::CHPASSWD.as_bytes() {
                seen.values.extend(address::piped_password(&self.rules, around, at));
            } else if names && *literal.bytes == *printed::EXPLAINED.as_bytes() {
                seen.values.extend(context::explained(&self.rules, around, at));
            } else if literal.stem && names {
                let slot = slot::value_of(bytes, span);
                // The name of a column has others beside it, or a line end.
                let between = |slot: slot::Slot| &bytes[slot.name.end.min(slot.value)..slot.value];
                if slot.is_none_or(|slot| slot.listed || between(slot).iter().any(|byte| b"|\n".contains(byte))) {
                    seen.values.extend(columns::values_below(&self.rules, around, span));
                }
                // So has a name with a block behind it: values for each environment.
                if let Some(slot) = slot.filter(|slot| opens_block(bytes, *slot)) {
                    seen.values.extend(by_environment::values_below(&self.rules, around, slot.name));
                }
                seen.values
                    .extend(slot.into_iter().flat_map(|slot| context::values_at(&self.rules, around, slot, self.shortest)));
            }
            if let Some(call) = literal.call.filter(|_| names) {
                seen.values.extend(call.values(&self.rules, around, span));
            }
            if let Some(facts) = &mut seen.facts {
                facts.extend(literal.facts.iter().filter_map(|&stem| self.facts.at(around, span, stem)));
            }
        }
        seen.work = seen.work.saturating_sub(here.len() + rules.len());
        if !rules.is_empty() {
            seen.values.extend(confirm::value_at(&self.rules, &rules, around, at));
        }
    }

    /// Values that stand in what is encoded, nested to a bounded depth.
    fn look_decoded(&self, layer: Layer<'_>, memory: &Memory, work: &mut usize, found: &mut Vec<Found>) {
        if layer.depth == view::DEPTH {
            return;
        }
        for piece in view::pieces(layer.bytes, layer.core, layer.is_last, layer.decoded) {
            let origin = |span: Span| (layer.lift)(piece.origin(span));
            let names = layer.names || piece.is_wide();
            let (bytes, core, is_last) = (&piece.bytes[..], piece.core, piece.is_last);
            let mut inside = Seen { values: Vec::new(), work: work.saturating_sub(bytes.len() / STRETCH), facts: None };
            self.look(&Around::decoded(&piece, &self.index, memory), core.range(), names, &mut inside);
            *work = inside.work;
            if *work == 0 {
                return;
            }
            let mut inside = inside.values;
            // What runs into the end of the piece may go on.
            inside.retain(|value| !piece.cuts(value.span) && piece.origin(value.span).len() <= MAX_LENGTH);
            // What holds nothing encoded stands as well in the bytes that this was decoded from, with
            // edges that are real.
            found.extend(inside.into_iter().filter_map(|value| {
                let view = piece.view_of(value.span).or_else(|| piece.view_of(value.told_by()))?;
                Some(value.lifted(view, &origin))
            }));
            let depth = layer.depth + 1;
            let layer = Layer { bytes, core, depth, decoded: Some(&piece), names, is_last, lift: &origin };
            self.look_decoded(layer, memory, work, found);
        }
    }
}

/// Where a byte of what was decoded stands.
type Origin<'a> = &'a dyn Fn(usize) -> usize;

/// The rules of some literals at one place, each once: one literal may begin another, and both be of the same rule.
fn rules_of<'a>(mut literals: impl Iterator<Item = &'a [usize]>) -> Cow<'a, [usize]> {
    let mut all = Cow::Borrowed(literals.next().unwrap_or_default());
    for rules in literals.filter(|rules| !rules.is_empty()) {
        if all.is_empty() {
            all = Cow::Borrowed(rules);
            continue;
        }
        let new: Vec<usize> = rules.iter().copied().filter(|rule| !all.contains(rule)).collect();
        all.to_mut().extend(new);
    }
    all
}

/// What the bytes decode to where that reaches to their end, level by level: each text, and where its bytes stand.
pub(crate) fn decoded_ends(bytes: &[u8], tell: &mut dyn FnMut(&[u8], Origin<'_>)) {
    ends((bytes, None), 0, &|at| at, tell);
}

fn ends(
    (bytes, decoded): (&[u8], Option<&view::Decoded>),
    depth: usize,
    lift: Origin<'_>,
    tell: &mut dyn FnMut(&[u8], Origin<'_>),
) {
    if depth == view::DEPTH {
        return;
    }
    for piece in view::pieces(bytes, Span::new(0, bytes.len()), true, decoded).filter(|piece| piece.is_last) {
        let origin = |at: usize| lift(piece.origin(Span::new(at, at + 1)).start);
        tell(&piece.bytes, &origin);
        ends((&piece.bytes, Some(&piece)), depth + 1, &origin, tell);
    }
}

/// The name of the slot that a value which begins at `at` is assigned to, or what it is given to.
pub(crate) fn slot_name(bytes: &[u8], at: usize) -> Option<Span> {
    call::callee_of(bytes, at).or_else(|| slot::name_of(bytes, at).map(|slot| slot.name))
}

/// Whether what stands behind a name is a block rather than a value.
fn opens_block(bytes: &[u8], slot: slot::Slot) -> bool {
    let between = &bytes[slot.name.end.min(slot.value)..slot.value];
    between.iter().any(|byte| matches!(byte, b'{' | b'[' | b'\n')) || matches!(bytes.get(slot.value), Some(b'{' | b'[' | b'\n'))
}
