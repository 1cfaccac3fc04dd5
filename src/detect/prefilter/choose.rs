//! Chooses the windows of the built-in rules and puts them into buckets, so that buckets let as few places of sample
//! text through as can be: counted, not estimated. Writes `chosen.rs`.
//!
//! `KEYFENCE_SAMPLES=a.log:b.js cargo test --lib chooses -- --ignored` takes the text of the benches and these files, and
//! names the most frequent windows in a file `keyfence-frequent-windows` for temporary files: their rules may have a
//! rarer literal. Choosing goes on from the choice there is, so that to choose twice is better than once. The present choice
//! was made with 24 MB of server logs and 24 MB of JavaScript, Python and JSON of packages.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;
use std::{array, env, fs};

use super::Bytes;
use super::buckets::{BUCKETS, Buckets, KIND_COUNT, PLACES, SYMBOLS, symbol};
use super::chosen;
use super::simd::Level;
use super::tests::{Random, corpus};
use super::windows::{Choices, Chosen, WINDOW};
use crate::detect::Scanner;
use crate::rule::RuleSet;

/// As many places of a million bytes of ordinary text may pass the buckets.
const PASSING: f64 = 30_000.0;
/// The same where there are half as many buckets, and symbols are told apart by kind.
const PASSING_HALF: f64 = 70_000.0;
/// What one more window costs, in places of a million bytes.
const ONE_MORE: f64 = 30.0;
/// So many places of text are looked at. Taken evenly, not the most frequent windows: what stands in ids is rare one by one,
/// and much of a log together.
const SAMPLED: usize = 200_000;
/// How much more a place costs where a window stands.
const HIT: f64 = 5.0;
/// So many literals may share a window at no cost: each is compared where the window stands.
const SHARED: usize = 8;
/// How often every window may move.
const SWEEPS: usize = 6;

type Gram = [u8; WINDOW];

fn gram(window: &[u8]) -> Gram {
    array::from_fn(|at| u8::try_from(symbol(window[at])).unwrap())
}

/// The kind of each symbol.
type Kinds = [u8; SYMBOLS];

/// Every symbol is told from every other.
fn each_its_own() -> Kinds {
    array::from_fn(|symbol| u8::try_from(symbol).unwrap())
}

/// How often windows stand in a million bytes, a text as heavy as another.
struct Sample {
    rates: HashMap<Gram, f64>,
    /// The same of places that were taken evenly.
    some: BTreeMap<Gram, f64>,
}

impl Sample {
    fn new(texts: &[Vec<u8>]) -> Self {
        let (mut rates, mut some) = (HashMap::new(), BTreeMap::new());
        for text in texts {
            let step = text.len() * texts.len() / SAMPLED + 1;
            #[expect(clippy::cast_precision_loss, reason = "a rate")]
            let weight = 1e6 / (text.len() * texts.len()) as f64;
            #[expect(clippy::cast_precision_loss, reason = "a rate")]
            let heavier = weight * step as f64;
            text.windows(WINDOW).for_each(|window| *rates.entry(gram(window)).or_default() += weight);
            text.windows(WINDOW).step_by(step).for_each(|window| *some.entry(gram(window)).or_default() += heavier);
        }
        Self { rates, some }
    }

    fn rate(&self, window: Gram) -> f64 {
        self.rates.get(&window).copied().unwrap_or(0.0)
    }

    /// The places by the kinds of their symbols.
    fn grams(&self, kinds: &Kinds) -> Grams {
        let mut rates: BTreeMap<Gram, f64> = BTreeMap::new();
        for (gram, rate) in &self.some {
            *rates.entry(gram.map(|symbol| kinds[usize::from(symbol)])).or_default() += rate;
        }
        let all: Vec<_> = rates.into_iter().collect();
        let with = |position: usize, kind| all.iter().filter(|(gram, _)| gram[position] == kind).copied().collect();
        let by_kind = array::from_fn(|position| (0_u8..).take(SYMBOLS).map(|kind| with(position, kind)).collect());
        Grams { kinds: *kinds, all, by_kind }
    }
}

/// Windows of the samples.
struct Grams {
    kinds: Kinds,
    all: Vec<(Gram, f64)>,
    /// Those with a kind at a position.
    by_kind: [Vec<Vec<(Gram, f64)>>; WINDOW],
}

impl Grams {
    fn kind(&self, byte: u8) -> usize {
        self.kinds[symbol(byte)].into()
    }
}

type Window = [u8; WINDOW];

/// The windows of a literal.
fn windows_of(literal: &[u8]) -> Vec<Window> {
    match *literal {
        [a, b, c] => vec![[a, b, c, 0]],
        _ => literal.windows(WINDOW).map(|window| window.try_into().unwrap()).collect(),
    }
}

/// A window for each literal that has some: a rare one, or one that another literal has too.
fn rare(literals: &[Vec<Window>], sample: &Sample) -> Vec<Window> {
    let mut uses: BTreeMap<Window, usize> = BTreeMap::new();
    let mut mine: Vec<Option<Window>> = vec![None; literals.len()];
    for _ in 0..10 {
        for (windows, mine) in literals.iter().zip(&mut mine) {
            if let Some(old) = mine.take() {
                *uses.get_mut(&old).unwrap() -= 1;
            }
            let cost = |window: &Window| match uses.get(window).copied().unwrap_or(0) {
                0 => ONE_MORE + sample.rate(gram(window)),
                #[expect(clippy::cast_precision_loss, reason = "a few literals")]
                others if others < SHARED => -(others as f64) / 100.0,
                _ => sample.rate(gram(window)),
            };
            let best = *windows.iter().min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap();
            *uses.entry(best).or_default() += 1;
            *mine = Some(best);
        }
    }
    mine.into_iter().flatten().collect()
}

/// How many windows of a bucket have a kind at a position.
#[derive(Clone)]
struct Bucket([[u16; SYMBOLS]; WINDOW]);

impl Bucket {
    /// Puts a window in, or takes it out.
    fn change(&mut self, window: Window, is_in: bool, grams: &Grams) {
        for (position, &byte) in window.iter().enumerate() {
            let kinds = if byte == 0 { 0..SYMBOLS } else { grams.kind(byte)..grams.kind(byte) + 1 };
            for count in &mut self.0[position][kinds] {
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

    /// How much more it would cost with a window: what has a kind that the window brings, and passes with it.
    fn cost_of(&self, window: Window, grams: &Grams) -> f64 {
        let mut with = self.clone();
        with.change(window, true, grams);
        if window.contains(&0) {
            return with.cost(grams) - self.cost(grams);
        }
        let kinds = window.map(|byte| grams.kind(byte));
        let brought: Vec<usize> = (0..WINDOW).filter(|&at| self.0[at][kinds[at]] == 0).collect();
        let mut cost = 0.0;
        for (before, &at) in brought.iter().enumerate() {
            let counted = |gram: &Gram| brought[..before].iter().any(|&at| usize::from(gram[at]) == kinds[at]);
            let passing = |gram: &Gram| (0..WINDOW).all(|at| with.allows(at, *gram));
            let here = grams.by_kind[at][kinds[at]].iter().filter(|(gram, _)| passing(gram) && !counted(gram));
            cost += here.map(|&(_, rate)| rate).sum::<f64>();
        }
        cost
    }
}

/// What was chosen before, in one of the numbers of buckets: choosing goes on from there.
type Before = BTreeMap<Window, usize>;

/// Windows of literals in so many buckets.
struct Sorted<'a> {
    literals: &'a [Vec<Window>],
    sample: &'a Sample,
    grams: &'a Grams,
    /// The window of each literal.
    mine: Vec<Window>,
    /// The bucket of each window, and how many literals have it.
    placed: BTreeMap<Window, (usize, usize)>,
    buckets: Vec<Bucket>,
}

impl<'a> Sorted<'a> {
    /// Each window in the bucket that it was in before, others where they cost least: together in one bucket they would
    /// let everything pass there, and no other bucket could be cheaper.
    fn new(
        literals: &'a [Vec<Window>],
        mine: Vec<Window>,
        (count, before): (usize, &Before),
        (sample, grams): (&'a Sample, &'a Grams),
    ) -> Self {
        let buckets = vec![Bucket([[0; SYMBOLS]; WINDOW]); count];
        let mut sorted = Self { literals, sample, grams, mine: Vec::new(), placed: BTreeMap::new(), buckets };
        let (known, new): (Vec<Window>, Vec<Window>) = mine.iter().partition(|window| before.contains_key(*window));
        for window in known.into_iter().chain(new) {
            if !sorted.placed.contains_key(&window) {
                let bucket = before.get(&window).copied().unwrap_or_else(|| sorted.cheapest(window, None).1);
                sorted.buckets[bucket].change(window, true, grams);
                sorted.placed.insert(window, (bucket, 0));
            }
            sorted.placed.entry(window).and_modify(|(_, uses)| *uses += 1);
        }
        Self { mine, ..sorted }
    }

    /// One literal after the other takes the window, and one window after the other the bucket, that costs least.
    fn settle(mut self, may_change_windows: bool) -> Self {
        let mut random = Random(88_172_645_463_325_252);
        for _ in 0..SWEEPS * self.mine.len() {
            let at = random.below(self.mine.len());
            let window = self.mine[at];
            self.place(window);
            if may_change_windows {
                self.choose(at);
            }
        }
        self
    }

    /// Puts a window where it costs least.
    fn place(&mut self, window: Window) {
        let (old, uses) = self.placed[&window];
        self.buckets[old].change(window, false, self.grams);
        let best = self.cheapest(window, Some(old)).1;
        self.buckets[best].change(window, true, self.grams);
        self.placed.insert(window, (best, uses));
    }

    /// The bucket where a window costs least, and how much; where it is already, if that is no worse.
    fn cheapest(&self, window: Window, old: Option<usize>) -> (f64, usize) {
        let costs = self.buckets.iter().enumerate().map(|(at, bucket)| (bucket.cost_of(window, self.grams), at));
        costs.min_by(|a, b| a.0.total_cmp(&b.0).then((Some(a.1) != old).cmp(&(Some(b.1) != old)))).unwrap()
    }

    /// Gives a literal the window that costs least: nothing, if a few other literals have it.
    fn choose(&mut self, at: usize) {
        if self.literals[at].len() == 1 {
            return;
        }
        let old = self.mine[at];
        let (bucket, uses) = self.placed.remove(&old).unwrap();
        if uses == 1 {
            self.buckets[bucket].change(old, false, self.grams);
        } else {
            self.placed.insert(old, (bucket, uses - 1));
        }
        let cost = |&window: &Window| {
            if let Some(&(bucket, uses)) = self.placed.get(&window) {
                return (if uses < SHARED { -1.0 } else { self.sample.rate(gram(&window)) }, bucket);
            }
            let (cost, bucket) = self.cheapest(window, None);
            (cost + ONE_MORE + HIT * self.sample.rate(gram(&window)), bucket)
        };
        let costs = self.literals[at].iter().map(|window| (cost(window), *window));
        let ((_, bucket), best) = costs.min_by(|a, b| a.0.0.total_cmp(&b.0.0)).unwrap();
        if !self.placed.contains_key(&best) {
            self.buckets[bucket].change(best, true, self.grams);
        }
        self.placed.entry(best).or_insert((bucket, 0)).1 += 1;
        self.mine[at] = best;
    }
}

/// The kinds of symbols: from those that there are, one symbol after the other takes the kind that lets the fewest places
/// pass, until none moves.
fn kinds(sets: &[BTreeMap<Window, (usize, usize)>], sample: &Sample) -> Kinds {
    let mut kinds: Kinds = chosen::KINDS;
    let grams = sample.grams(&each_its_own());
    let texts: Vec<_> = grams.all.iter().step_by(3).copied().collect();
    let cost = |kinds: &Kinds| -> f64 {
        let passing = |windows: &BTreeMap<Window, (usize, usize)>| {
            let mut allowed = [[0_u32; SYMBOLS]; WINDOW];
            for (window, (bucket, _)) in windows {
                for (allowed, &byte) in allowed.iter_mut().zip(window) {
                    let kind = usize::from(kinds[symbol(byte)]);
                    let some = if byte == 0 { 0..SYMBOLS } else { kind..kind + 1 };
                    allowed[some].iter_mut().for_each(|allowed| *allowed |= 1 << bucket);
                }
            }
            let kind = |symbol: u8| usize::from(kinds[usize::from(symbol)]);
            let passes = |gram: &Gram| (0..WINDOW).fold(u32::MAX, |all, at| all & allowed[at][kind(gram[at])]) != 0;
            texts.iter().filter(|(gram, _)| passes(gram)).map(|&(_, rate)| rate).sum::<f64>()
        };
        sets.iter().map(passing).sum()
    };
    let mut least = cost(&kinds);
    loop {
        let before = least;
        for symbol in 0..SYMBOLS {
            for kind in (0_u8..).take(KIND_COUNT) {
                let mut moved = kinds;
                moved[symbol] = kind;
                let cost = cost(&moved);
                if cost < least {
                    (kinds, least) = (moved, cost);
                }
            }
        }
        if least > before * 0.995 {
            return kinds;
        }
    }
}

/// What it is called, which windows were chosen for it, and its literals.
type Set = (&'static str, &'static Chosen, Vec<Bytes>);

/// The literals that are looked for in all bytes, and the words that are looked for near to a name.
fn sets() -> [Set; 2] {
    let scanner = Scanner::new(Arc::new(RuleSet::builtin()));
    let literals = scanner.literals.iter().map(|literal| literal.bytes.clone()).collect();
    [("LITERALS", chosen::LITERALS, literals), ("WORDS", chosen::WORDS, scanner.index.literals())]
}

fn texts() -> [Vec<u8>; 2] {
    let bytes = 2 << 20;
    [corpus::log(bytes, corpus::Density::Never, 1).bytes, corpus::source(bytes, corpus::Density::Never, 1).bytes]
}

#[test]
fn every_literal_has_a_chosen_window_and_few_places_pass_the_buckets() {
    for (name, chosen, literals) in sets() {
        let choices = Choices::new(chosen);
        let missing = literals.iter().find(|literal| literal.len() >= 3 && choices.find(literal).is_none());
        let again = "the choice must be made again: see prefilter/choose.rs";
        assert!(missing.is_none(), "{name}: {again}: {}", missing.unwrap().escape_ascii());
        let windows = chosen.iter().map(|&(window, bucket, few)| (window, [bucket, few].map(usize::from)));
        let any = windows.flat_map(|(window, bucket)| {
            let last = if window[3] == 0 { 0x20..=0x5F } else { window[3]..=window[3] };
            last.map(move |last| ([window[0], window[1], window[2], last], bucket))
        });
        for (level, text) in Level::all().flat_map(|level| texts().map(|text| (level, text))) {
            let buckets = Buckets::new(any.clone(), level);
            let count = (text.len() - WINDOW) / PLACES;
            let mut marks = vec![0; count];
            buckets.mark(&text[..count * PLACES + WINDOW - 1], &mut marks);
            #[expect(clippy::cast_precision_loss, reason = "a rate")]
            let passing = f64::from(marks.iter().map(|mark| mark.count_ones()).sum::<u32>()) * 1e6 / text.len() as f64;
            let limit = if matches!(level, Level::Plain) { PASSING } else { PASSING_HALF };
            assert!(passing <= limit, "{name}, {level:?}: {passing:.0} places of a million: {again}");
        }
    }
}

/// Where choosing begins: the windows of each literal, the one that it has, and the buckets of those that were chosen.
struct Start {
    literals: Vec<Vec<Window>>,
    mine: Vec<Window>,
    of_all: Before,
    of_few: Before,
}

impl Start {
    fn new((_, chosen, literals): &Set, sample: &Sample) -> Self {
        let before = |which: fn(&(Window, u8, u8)) -> u8| -> Before {
            chosen.iter().map(|one| (one.0.map(|byte| byte.to_ascii_lowercase()), usize::from(which(one)))).collect()
        };
        let (of_all, of_few) = (before(|one| one.1), before(|one| one.2));
        let long = literals.iter().filter(|literal| literal.len() >= WINDOW - 1);
        let literals: Vec<Vec<Window>> = long.map(|literal| windows_of(literal)).collect();
        let known = |windows: &Vec<Window>| windows.iter().copied().find(|window| of_few.contains_key(window));
        let mine = literals.iter().zip(rare(&literals, sample)).map(|(windows, rare)| known(windows).unwrap_or(rare)).collect();
        Self { literals, mine, of_all, of_few }
    }

    /// Windows and buckets where there are few.
    fn few<'a>(&'a self, sample: &'a Sample, by_kind: &'a Grams) -> Sorted<'a> {
        Sorted::new(&self.literals, self.mine.clone(), (BUCKETS / 2, &self.of_few), (sample, by_kind)).settle(true)
    }

    /// The buckets of the same windows where there are all.
    fn all<'a>(&'a self, windows: Vec<Window>, sample: &'a Sample, by_symbol: &'a Grams) -> Sorted<'a> {
        Sorted::new(&self.literals, windows, (BUCKETS, &self.of_all), (sample, by_symbol)).settle(false)
    }
}

/// The table of kinds as it is written.
fn told_kinds(kinds: &Kinds) -> String {
    let row = |kinds: &[u8]| format!("    {},\n", kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    let rows: String = kinds.chunks(16).map(row).collect();
    format!(
        "\n/// The kind of each symbol.\n#[cfg(any(test, target_arch = \"x86_64\"))]\n#[rustfmt::skip]\npub(super) const KINDS: [u8; {SYMBOLS}] = [\n{rows}];\n"
    )
}

/// Windows and their buckets as they are written, a line for each bucket of all.
fn told_windows(name: &str, what: &str, few: &Sorted<'_>, all: &Sorted<'_>) -> String {
    let mut text = format!("\n/// {what}.\n#[rustfmt::skip]\npub(in crate::detect) const {name}: &Chosen = &[");
    let mut windows: Vec<_> = all.placed.iter().map(|(window, (number, _))| (number, few.placed[window].0, window)).collect();
    windows.sort_unstable();
    for bucket in windows.chunk_by(|a, b| a.0 == b.0) {
        text.push_str("\n   ");
        for (number, few, window) in bucket {
            write!(text, " (*b\"{}\", {number}, {few}),", window.escape_ascii()).unwrap();
        }
    }
    text + "\n];\n"
}

#[test]
#[ignore = "writes chosen.rs, in minutes"]
fn chooses() {
    let mut texts = texts().to_vec();
    let named = env::var("KEYFENCE_SAMPLES").unwrap_or_default();
    texts.extend(named.split(':').filter(|path| !path.is_empty()).map(|path| fs::read(path).expect(path)));
    let sample = Sample::new(&texts);
    let sets = sets();
    let starts = sets.each_ref().map(|set| Start::new(set, &sample));
    let by_old_kind = sample.grams(&chosen::KINDS);
    let kinds = kinds(&starts.each_ref().map(|start| start.few(&sample, &by_old_kind).placed), &sample);
    let (by_kind, by_symbol) = (sample.grams(&kinds), sample.grams(&each_its_own()));
    let mut frequent = String::new();
    let mut text = String::from(
        "//! Which window of which literals is in which bucket. Written by a test, see `choose.rs`.\n\nuse super::windows::Chosen;\n",
    );
    text += &told_kinds(&kinds);
    let what = ["Literals of the rules", "Words that stand near to values"];
    for (((name, ..), what), start) in sets.iter().zip(what).zip(&starts) {
        let few = start.few(&sample, &by_kind);
        let all = start.all(few.mine.clone(), &sample, &by_symbol);
        let mut worst: Vec<_> = all.placed.keys().map(|window| (sample.rate(gram(window)), *window)).collect();
        worst.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (rate, window) in worst.into_iter().take(20) {
            writeln!(frequent, "{name}: {} stands {rate:.0} times in a million bytes", window.escape_ascii()).unwrap();
        }
        text += &told_windows(name, what, &few, &all);
    }
    fs::write("src/detect/prefilter/chosen.rs", text).unwrap();
    fs::write(env::temp_dir().join("keyfence-frequent-windows"), frequent).unwrap();
}
