//! The prefilter finds what an automaton finds; and how often each literal is met in ordinary logs and source
//! code: every meeting costs time, and one that costs too much is named, so that its rule can be given a
//! rarer one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Bytes;
use super::aho::Aho;
use super::simd::Level;
use super::{Candidate, LITERALS, Prefilter, Windows};
use crate::detect::{Literal, Scanner};
use crate::rule::{Pack, RuleSet};

#[path = "../../../benches/corpus.rs"]
#[expect(dead_code, reason = "the benches use the rest")]
#[expect(clippy::duplicate_mod, reason = "rule_check counts in it, too, and stands above this room")]
pub(super) mod corpus;

const BYTES: usize = 2 << 20;

/// Places in a million bytes where literals are met; several that begin at one place cost one look.
struct Count {
    all: f64,
    /// With the beginnings of payment keys.
    payments: f64,
    /// The most frequent literals, for whoever reads a failure.
    worst: String,
}

fn count(scanner: &Scanner, bytes: &[u8]) -> Count {
    let mut found: Vec<Candidate> = Vec::new();
    scanner.prefilter.candidates(bytes, 0..bytes.len(), &mut found);
    let mut by_literal: BTreeMap<usize, usize> = BTreeMap::new();
    for candidate in &found {
        *by_literal.entry(candidate.literal).or_default() += 1;
    }
    let rules = scanner.rules.rules();
    let is_payment = |literal: &Literal| {
        literal.rules.iter().any(|&rule| rules[rule].provider.pack == Pack::Payments && !rules[rule].provider.is_general())
    };
    #[expect(clippy::cast_precision_loss, reason = "counts of a few thousand")]
    let rate = |count: usize| count as f64 * 1e6 / bytes.len() as f64;
    let places = |wanted: &dyn Fn(&Literal) -> bool| {
        let places = found.iter().filter(|candidate| wanted(&scanner.literals[candidate.literal])).map(|candidate| candidate.at);
        places.collect::<BTreeSet<_>>().len()
    };
    let (all, payments) = (places(&|_| true), places(&is_payment));
    let mut worst: Vec<(usize, usize)> = by_literal.into_iter().map(|(literal, count)| (count, literal)).collect();
    worst.sort_unstable_by(|a, b| b.cmp(a));
    let line = |&(count, literal): &(usize, usize)| {
        let Literal { bytes, rules, stem, facts, call } = &scanner.literals[literal];
        format!("{:7.1} {} {} rules, stem {stem}, {facts:?}, {call:?}\n", rate(count), bytes.escape_ascii(), rules.len())
    };
    Count { all: rate(all), payments: rate(payments), worst: worst.iter().take(30).map(line).collect() }
}

/// So many beginnings of payment keys, and so many places in all.
const BUDGETS: [(&str, f64, f64); 2] = [("log", 500.0, 4_000.0), ("source", 1_500.0, 4_000.0)];

#[test]
fn literals_are_rare_in_logs_and_in_source() {
    let scanner = Scanner::new(Arc::new(RuleSet::builtin()));
    let texts = [corpus::log(BYTES, corpus::Density::Never, 1), corpus::source(BYTES, corpus::Density::Never, 1)];
    for ((name, payments, all), text) in BUDGETS.into_iter().zip(texts) {
        let count = count(&scanner, &text.bytes);
        assert!(count.payments <= payments, "{name}: {:.0} beginnings of payment keys in a MB\n{}", count.payments, count.worst);
        assert!(count.all <= all, "{name}: {:.0} literals in a MB\n{}", count.all, count.worst);
    }
}

/// Xorshift64*.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % limit
    }

    /// Bytes that are near to literals: wholes, beginnings, ends, other cases, a bit changed, glued together or
    /// apart, between bytes of every value.
    fn input(&mut self, literals: &[Bytes]) -> Vec<u8> {
        // Now and then over the edge of a step.
        let ahead = if self.below(16) == 0 { 4060 + self.below(60) } else { self.below(70) };
        let mut bytes = vec![b'.'; ahead];
        for _ in 0..self.below(12) {
            let literal = &literals[self.below(literals.len())];
            let mut part = literal.to_vec();
            match self.below(8) {
                0 => part.truncate(self.below(part.len() + 1)),
                1 => drop(part.drain(..self.below(literal.len()))),
                2 => part.make_ascii_uppercase(),
                3 => {
                    let at = self.below(part.len());
                    part[at] ^= 1 << self.below(8);
                }
                4 => part = (0..self.below(40)).map(|_| u8::try_from(self.below(256)).unwrap()).collect(),
                5 => part = vec![u8::try_from(128 + self.below(128)).unwrap(); self.below(9)],
                _ => {}
            }
            bytes.append(&mut part);
        }
        bytes
    }
}

/// The prefilter and the automaton on so many inputs, from any byte on and in any pieces.
fn compare(cases: usize, seed: u64) {
    let scanner = Scanner::new(Arc::new(RuleSet::builtin()));
    let mut literals: Vec<Bytes> = scanner.literals.iter().map(|literal| literal.bytes.clone()).collect();
    literals.extend([&b"ab"[..], b"q", b"xyz"].map(Into::into));
    let aho = Aho::new(&literals).unwrap();
    // Those with chosen windows, and as if no window was chosen.
    let levels = Level::all().flat_map(|level| [(level, LITERALS), (level, &[])]);
    let all: Vec<Windows> = levels.map(|(level, chosen)| Windows::at_level(literals.clone(), chosen, level)).collect();
    let mut random = Random(seed);
    for _ in 0..cases {
        let bytes = random.input(&literals);
        let mut expected = Vec::new();
        let start = random.below(bytes.len() + 1);
        let range = start..start + random.below(bytes.len() - start + 1);
        aho.candidates(&bytes, range.clone(), &mut expected);
        expected.sort_unstable();
        for windows in &all {
            let (mut whole, mut pieces) = (Vec::new(), Vec::new());
            windows.candidates(&bytes, range.clone(), &mut whole);
            let mut at = range.start;
            while at < range.end {
                let end = (at + 1 + random.below(64)).min(range.end);
                windows.candidates(&bytes, at..end, &mut pieces);
                at = end;
            }
            whole.sort_unstable();
            pieces.sort_unstable();
            assert_eq!(whole, expected, "{}", bytes.escape_ascii());
            assert_eq!(pieces, expected, "in pieces: {}", bytes.escape_ascii());
        }
    }
}

#[test]
fn every_literal_is_found_from_any_byte_on_and_in_any_pieces() {
    compare(20_000, 1);
}

#[test]
#[ignore = "takes a minute"]
fn every_literal_is_found_in_a_million_inputs() {
    compare(1_000_000, 2);
}
