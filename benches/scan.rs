//! Bytes per second by hit density, with every built-in rule, and what a hostile line costs.
//! Each case asserts what it finds: a scan that skips is no fast scan.

#[path = "corpus.rs"]
mod corpus;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use keyfence::detect::Scanner;
use keyfence::finding::Sighting;
use keyfence::rule::RuleSet;

use corpus::{Corpus, Density};

/// More than fits a cache, and of more than one block of the scanner.
const BYTES: usize = 8 << 20;
/// A hostile byte costs at most this many benign ones.
const DEAREST: f64 = 20.0;

const DENSITIES: [Density; 3] = [Density::Never, Density::Rare, Density::Common];

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::new(RuleSet::builtin().into()));

fn main() {
    divan::main();
    compare();
}

/// Credentials that are secrets.
fn secrets(bytes: &[u8]) -> usize {
    let sightings = SCANNER.scan(black_box(bytes));
    sightings.iter().filter(|sighting| matches!(sighting, Sighting::Credential(found) if !found.class.is_public())).count()
}

fn scan(bencher: Bencher<'_, '_>, corpus: &Corpus) {
    bencher.counter(BytesCount::of_slice(&corpus.bytes)).bench(|| assert_eq!(secrets(&corpus.bytes), corpus.keys));
}

#[divan::bench(args = DENSITIES, sample_count = 10, sample_size = 1)]
fn log(bencher: Bencher<'_, '_>, density: Density) {
    scan(bencher, &corpus::log(BYTES, density, 2));
}

#[divan::bench(args = DENSITIES, sample_count = 10, sample_size = 1)]
fn source(bencher: Bencher<'_, '_>, density: Density) {
    scan(bencher, &corpus::source(BYTES, density, 2));
}

/// What fits into one call with many small files.
#[divan::bench(args = DENSITIES, sample_count = 100)]
fn small_file(bencher: Bencher<'_, '_>, density: Density) {
    scan(bencher, &corpus::source(4 << 10, density, 2));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn adversarial(bencher: Bencher<'_, '_>) {
    scan(bencher, &corpus::adversarial(BYTES));
}

#[divan::bench(sample_count = 10)]
fn start() -> Scanner {
    Scanner::new(RuleSet::builtin().into())
}

/// The best of some runs, per byte: what else runs on the machine only ever adds time.
fn nanoseconds_per_byte(corpus: &Corpus) -> f64 {
    let best = (0..5).map(|_| {
        let start = Instant::now();
        assert_eq!(secrets(&corpus.bytes), corpus.keys);
        start.elapsed()
    });
    let best = best.min().unwrap_or(Duration::ZERO);
    #[expect(clippy::cast_precision_loss, reason = "a corpus is smaller than 2^52 bytes")]
    let bytes = corpus.bytes.len() as f64;
    best.as_secs_f64() * 1e9 / bytes
}

/// A hostile line beside a benign one of the same length.
#[expect(clippy::print_stdout, reason = "a bench says what it measured")]
fn compare() {
    // `cargo test --benches` asks whether it runs, not how fast.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let mut benign = corpus::log(BYTES, Density::Never, 2);
    benign.bytes.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
    let (benign, hostile) = (nanoseconds_per_byte(&benign), nanoseconds_per_byte(&corpus::adversarial(BYTES)));
    let ratio = hostile / benign;
    println!("adversarial {hostile:.2} ns/byte, benign {benign:.2} ns/byte: {ratio:.1}x (at most {DEAREST}x)");
    assert!(ratio <= DEAREST, "a hostile line is {ratio:.1} times as dear as a benign one");
}
