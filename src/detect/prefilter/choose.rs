//! Chooses the windows of the built-in rules and puts them into buckets, so that buckets let as few places of sample
//! text through as can be: counted, not estimated. Writes `chosen.rs`.
//!
//! `KEYFENCE_SAMPLES=a.log:b.js cargo test --lib chooses -- --ignored` takes the text of the benches and these files, and
//! names the most frequent windows in a file `keyfence-frequent-windows` for temporary files: their rules may have a
//! rarer literal. The present choice was made with 24 MB of server logs and 24 MB of JavaScript, Python and JSON of packages.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;
use std::{array, env, fs};

use super::Bytes;
use super::buckets::{BUCKETS, Buckets, PLACES, SYMBOLS, symbol};
use super::chosen;
use super::simd::Level;
use super::tests::{Random, corpus};
use super::windows::{Choices, Chosen, WINDOW};
use crate::detect::Scanner;
use crate::rule::RuleSet;

/// As many places of a million bytes of ordinary text may pass the buckets.
const PASSING: f64 = 30_000.0;
/// What one more window costs, in places of a million bytes.
const ONE_MORE: f64 = 30.0;
/// The windows of text that are looked at: those of nearly all places.
const GRAMS: usize = 150_000;
/// How often every window may move.
const SWEEPS: usize = 6;

type Gram = [u8; WINDOW];

fn gram(window: &[u8]) -> Gram {
    array::from_fn(|at| u8::try_from(symbol(window[at])).unwrap())
}

/// How often each window stands in a million bytes, a sample as heavy as another.
struct Sample(HashMap<Gram, f64>);

impl Sample {
    fn new(texts: &[Vec<u8>]) -> Self {
        let mut counts: HashMap<Gram, f64> = HashMap::new();
        for text in texts {
            #[expect(clippy::cast_precision_loss, reason = "a rate")]
            let weight = 1e6 / (text.len() * texts.len()) as f64;
            for window in text.windows(WINDOW) {
                *counts.entry(gram(window)).or_default() += weight;
            }
        }
        Self(counts)
    }

    fn rate(&self, window: Gram) -> f64 {
        self.0.get(&window).copied().unwrap_or(0.0)
    }

    fn most_frequent(&self) -> Grams {
        let mut all: Vec<_> = self.0.iter().map(|(&gram, &rate)| (gram, rate)).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(GRAMS);
        let with = |position: usize, symbol| all.iter().filter(|(gram, _)| gram[position] == symbol).copied().collect();
        let by_symbol = array::from_fn(|position| (0_u8..).take(SYMBOLS).map(|symbol| with(position, symbol)).collect());
        Grams { all, by_symbol }
    }
}

/// The most frequent windows of the samples.
struct Grams {
    all: Vec<(Gram, f64)>,
    /// Those with a symbol at a position.
    by_symbol: [Vec<Vec<(Gram, f64)>>; WINDOW],
}

/// A window for each literal: a rare one, or one that another literal has too.
fn windows(literals: &[Bytes], sample: &Sample) -> BTreeSet<[u8; WINDOW]> {
    let long: Vec<&[u8]> = literals.iter().map(|literal| &**literal).filter(|literal| literal.len() >= WINDOW).collect();
    let mut uses: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut mine: Vec<Option<&[u8]>> = vec![None; long.len()];
    for _ in 0..10 {
        for (literal, mine) in long.iter().zip(&mut mine) {
            if let Some(old) = mine.take() {
                *uses.get_mut(old).unwrap() -= 1;
            }
            let cost = |window: &[u8]| match uses.get(window).copied().unwrap_or(0) {
                0 => ONE_MORE + sample.rate(gram(window)),
                #[expect(clippy::cast_precision_loss, reason = "a few literals")]
                others => -(others as f64) / 100.0,
            };
            let best = literal.windows(WINDOW).min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap();
            *uses.entry(best).or_default() += 1;
            *mine = Some(best);
        }
    }
    let three = literals.iter().filter_map(|literal| <[u8; 3]>::try_from(&**literal).ok()).map(|[a, b, c]| [a, b, c, 0]);
    mine.into_iter().flatten().map(|window| window.try_into().unwrap()).chain(three).collect()
}

/// How many windows of a bucket have a symbol at a position.
#[derive(Clone)]
struct Bucket([[u16; SYMBOLS]; WINDOW]);

impl Bucket {
    /// Puts a window in, or takes it out.
    fn change(&mut self, window: [u8; WINDOW], is_in: bool) {
        for (position, &byte) in window.iter().enumerate() {
            let symbols = if byte == 0 { 0..SYMBOLS } else { symbol(byte)..symbol(byte) + 1 };
            for count in &mut self.0[position][symbols] {
                *count = if is_in { *count + 1 } else { *count - 1 };
            }
        }
    }

    fn allows(&self, position: usize, gram: Gram) -> bool {
        self.0[position][usize::from(gram[position])] > 0
    }

    fn cost(&self, grams: &Grams) -> f64 {
        let passing = grams.all.iter().filter(|(gram, _)| (0..WINDOW).all(|at| self.allows(at, *gram)));
        passing.map(|&(_, rate)| rate).sum()
    }

    /// How much more it would cost with a window: what has a symbol that the window brings, and passes with it.
    fn cost_of(&self, window: [u8; WINDOW], grams: &Grams) -> f64 {
        let mut with = self.clone();
        with.change(window, true);
        if window.contains(&0) {
            return with.cost(grams) - self.cost(grams);
        }
        let brought: Vec<usize> = (0..WINDOW).filter(|&at| self.0[at][symbol(window[at])] == 0).collect();
        let mut cost = 0.0;
        for (before, &at) in brought.iter().enumerate() {
            let counted = |gram: &Gram| brought[..before].iter().any(|&at| usize::from(gram[at]) == symbol(window[at]));
            let passing = |gram: &Gram| (0..WINDOW).all(|at| with.allows(at, *gram));
            let here = grams.by_symbol[at][symbol(window[at])].iter().filter(|(gram, _)| passing(gram) && !counted(gram));
            cost += here.map(|&(_, rate)| rate).sum::<f64>();
        }
        cost
    }

    fn with(&self, other: &Self) -> Self {
        Self(array::from_fn(|at| array::from_fn(|symbol| self.0[at][symbol] + other.0[at][symbol])))
    }
}

/// Windows in buckets: one after the other moves to where it costs least.
fn buckets(windows: &[[u8; WINDOW]], grams: &Grams) -> Vec<usize> {
    let mut order: Vec<usize> = (0..windows.len()).collect();
    order.sort_by_key(|&at| windows[at].map(|byte| byte.to_ascii_lowercase()).into_iter().rev().collect::<Vec<_>>());
    let mut mine = vec![0; windows.len()];
    let mut all = vec![Bucket([[0; SYMBOLS]; WINDOW]); BUCKETS];
    for (rank, &at) in order.iter().enumerate() {
        mine[at] = rank * BUCKETS / windows.len();
        all[mine[at]].change(windows[at], true);
    }
    let mut random = Random(88_172_645_463_325_252);
    for _ in 0..SWEEPS * windows.len() {
        let at = random.below(windows.len());
        all[mine[at]].change(windows[at], false);
        let costs: Vec<f64> = all.iter().map(|bucket| bucket.cost_of(windows[at], grams)).collect();
        let best =
            (0..BUCKETS).min_by(|&a, &b| costs[a].total_cmp(&costs[b]).then_with(|| (b == mine[at]).cmp(&(a == mine[at]))));
        mine[at] = best.unwrap();
        all[mine[at]].change(windows[at], true);
    }
    let numbers = pairs(&all, grams);
    mine.into_iter().map(|bucket| numbers[bucket]).collect()
}

/// New numbers: those that come together in half as many buckets are the cheapest pairs.
fn pairs(all: &[Bucket], grams: &Grams) -> Vec<usize> {
    let (mut numbers, mut left) = (vec![0; BUCKETS], (0..BUCKETS).collect::<Vec<_>>());
    for pair in 0..BUCKETS / 2 {
        let first = left.pop().unwrap();
        let cost = |&other: &usize| all[first].with(&all[other]).cost(grams) - all[other].cost(grams);
        let costs: Vec<f64> = left.iter().map(cost).collect();
        let best = (0..left.len()).min_by(|&a, &b| costs[a].total_cmp(&costs[b])).unwrap();
        numbers[first] = pair;
        numbers[left.remove(best)] = pair + BUCKETS / 2;
    }
    numbers
}

/// What it is called, which windows were chosen for it, and its literals.
type Set = (&'static str, &'static Chosen, Vec<Bytes>);

/// The literals that are looked for in all bytes, and the words that are looked for near to a name.
fn sets() -> [Set; 2] {
    let scanner = Scanner::new(Arc::new(RuleSet::builtin()));
    let literals = scanner.literals.iter().map(|literal| literal.bytes.clone()).collect();
    [("LITERALS", chosen::LITERALS, literals), ("WORDS", chosen::WORDS, scanner.index.literals())]
}

fn texts() -> Vec<Vec<u8>> {
    let bytes = 2 << 20;
    vec![corpus::log(bytes, corpus::Density::Never, 1).bytes, corpus::source(bytes, corpus::Density::Never, 1).bytes]
}

#[test]
fn every_literal_has_a_chosen_window_and_few_places_pass_the_buckets() {
    for (name, chosen, literals) in sets() {
        let choices = Choices::new(chosen);
        let missing = literals.iter().find(|literal| literal.len() >= 3 && choices.find(literal).is_none());
        let again = "the choice must be made again: see prefilter/choose.rs";
        assert!(missing.is_none(), "{name}: {again}: {}", missing.unwrap().escape_ascii());
        let windows = chosen.iter().map(|&(window, bucket)| (window, usize::from(bucket)));
        let any = windows.flat_map(|(window, bucket)| {
            let last = if window[3] == 0 { 0x20..=0x5F } else { window[3]..=window[3] };
            last.map(move |last| ([window[0], window[1], window[2], last], bucket))
        });
        let buckets = Buckets::new(any, Level::Plain);
        for text in texts() {
            let mut marks = vec![0; (text.len() - WINDOW) / PLACES];
            buckets.mark(&text, &mut marks);
            #[expect(clippy::cast_precision_loss, reason = "a rate")]
            let passing = f64::from(marks.iter().map(|mark| mark.count_ones()).sum::<u32>()) * 1e6 / text.len() as f64;
            assert!(passing <= PASSING, "{name}: {passing:.0} places of a million: {again}");
        }
    }
}

#[test]
#[ignore = "writes chosen.rs, in minutes"]
fn chooses() {
    let mut texts = texts();
    let named = env::var("KEYFENCE_SAMPLES").unwrap_or_default();
    texts.extend(named.split(':').filter(|path| !path.is_empty()).map(|path| fs::read(path).expect(path)));
    let sample = Sample::new(&texts);
    let grams = sample.most_frequent();
    let mut frequent = String::new();
    let mut text = String::from(
        "//! Which window of which literals is in which bucket. Written by a test, see `choose.rs`.\n\nuse super::windows::Chosen;\n",
    );
    for ((name, _, literals), what) in sets().into_iter().zip(["Literals of the rules", "Words that stand near to values"]) {
        let windows: Vec<[u8; WINDOW]> = windows(&literals, &sample).into_iter().collect();
        let mut all: Vec<(usize, [u8; WINDOW])> = buckets(&windows, &grams).into_iter().zip(windows).collect();
        all.sort_unstable();
        let mut worst: Vec<_> = all.iter().map(|&(_, window)| (sample.rate(gram(&window)), window)).collect();
        worst.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (rate, window) in worst.into_iter().take(20) {
            writeln!(frequent, "{name}: {} stands {rate:.0} times in a million bytes", window.escape_ascii()).unwrap();
        }
        write!(text, "\n/// {what}.\n#[rustfmt::skip]\npub(in crate::detect) const {name}: &Chosen = &[").unwrap();
        for bucket in all.chunk_by(|a, b| a.0 == b.0) {
            text.push_str("\n   ");
            for (number, window) in bucket {
                write!(text, " (*b\"{}\", {number}),", window.escape_ascii()).unwrap();
            }
        }
        text.push_str("\n];\n");
    }
    fs::write("src/detect/prefilter/chosen.rs", text).unwrap();
    fs::write(env::temp_dir().join("keyfence-frequent-windows"), frequent).unwrap();
}
