//! cut == whole, one road == another, and no input makes the scanner panic.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use keyfence::credential::{Credential, FingerprintKey};
use keyfence::detect::{REACH, Scanner, Scope};
use keyfence::finding::{Finding, Sighting};
use keyfence::policy::Date;
use keyfence::rule::examples::Random;
use keyfence::rule::{MAX_LENGTH, Rule, RuleSet};
use keyfence::rule_check::{CONTEXTS, draw, fill, marker_of, slot_of};
use keyfence::scan::{self, Progress, Settings};
use keyfence::source::WalkOptions;
use keyfence::span::Span;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;

use crate::plant::Tree;

pub(crate) static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::new(RuleSet::builtin().into()));

fn rules() -> &'static [Arc<Rule>] {
    SCANNER.rules().rules()
}

/// How a key is written.
#[derive(Clone, Copy, Debug)]
enum Writing {
    Plain,
    /// Percent signs for what is no letter or digit, this many times over.
    Percent(usize),
    /// Percent signs for every byte.
    Percents,
    /// `\u005f` for what is no letter or digit, with this many levels of backslashes.
    Json(usize),
    Octal,
    /// A colour inside.
    Colour,
}

impl Writing {
    fn write(self, text: &str) -> String {
        let others = |escape: &dyn Fn(u8) -> String| {
            let bytes = text.bytes();
            bytes.map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { escape(byte) }).collect()
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Percent(levels) => others(&|byte| format!("%{}{byte:02X}", "25".repeat(levels - 1))),
            Self::Percents => text.bytes().fold(String::new(), |written, byte| written + &format!("%{byte:02x}")),
            Self::Json(levels) => others(&|byte| format!("{}u{byte:04x}", "\\".repeat(1 << (levels - 1)))),
            Self::Octal => others(&|byte| format!("\\{byte:03o}")),
            Self::Colour => {
                let (head, tail) = text.split_at(text.len() / 2);
                format!("{head}\u{1b}[01;31m\u{1b}[K{tail}")
            }
        }
    }
}

/// A part of a text. It prints what it is made from, never a key.
#[derive(Clone)]
enum Part {
    /// A key of the rule at this index, in one of the contexts of `rule_check`.
    Slot(usize, u32, usize),
    /// A key of the rule at this index by itself.
    Key(usize, u32, Writing),
    Text(&'static str),
    Run(&'static str, usize),
    Bytes(Vec<u8>),
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slot(rule, seed, context) => write!(f, "{} of {seed} in {}", rules()[*rule].id, CONTEXTS[*context].0),
            Self::Key(rule, seed, writing) => write!(f, "{} of {seed} {writing:?}", rules()[*rule].id),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Run(text, times) => write!(f, "{times} {text:?}"),
            Self::Bytes(bytes) => write!(f, "{:?}", bytes.escape_ascii().to_string()),
        }
    }
}

impl Part {
    fn write(&self, out: &mut Vec<u8>) {
        let key = |rule: usize, seed: u32| draw(&rules()[rule], &mut Random::new(&seed.to_string())).unwrap_or_default();
        match self {
            Self::Slot(rule, seed, context) => {
                let (slot, marker) = (slot_of(&rules()[*rule]), marker_of(&rules()[*rule]));
                out.extend(fill(CONTEXTS[*context].1, &slot, &marker, &key(*rule, *seed)).bytes());
            }
            Self::Key(rule, seed, writing) => {
                let key = key(*rule, *seed);
                // Nothing is promised of a key that takes more than `MAX_LENGTH` bytes where it stands.
                let writing = if key.len() > MAX_LENGTH / 4 { Writing::Plain } else { *writing };
                out.extend(writing.write(&key).bytes());
            }
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Run(text, times) => out.extend(text.repeat(*times).bytes()),
            Self::Bytes(bytes) => out.extend_from_slice(bytes),
        }
    }
}

fn bytes_of(parts: &[Part]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        part.write(&mut out);
    }
    out
}

/// What stands about keys: names, markers, hosts, mode flags, quotes, escapes and halves of them.
const TEXTS: &[&str] = &[
    " ",
    "\n",
    "\n\n",
    "\"",
    "'",
    "=",
    ": ",
    "\": \"",
    ",",
    ";",
    "&",
    "x",
    "_",
    "%",
    "\\",
    "\\\\",
    "\\\"",
    "\\n",
    "\\u00",
    "\\u005f",
    "\\x5f",
    "\\/",
    "%5F",
    "%25",
    "%255F",
    "%3D",
    "%0A",
    "\u{1b}",
    "\u{1b}[",
    "\u{1b}[32m",
    "\u{1b}[0m",
    "é",
    "本番",
    "…",
    "api_key",
    "client_secret=",
    "\"x-api-key\": \"",
    "secret",
    "token: ",
    "password=",
    "x%2Dclient%2Dsecret%3D",
    "Bearer ",
    "STRIPE_SECRET_KEY=",
    "PAYCA_SANDBOX_CLIENT_SECRET=",
    "PAYPAL_MODE=sandbox\n",
    "stripe",
    "paypal",
    "Adyen ",
    "payca",
    "https://api.stripe.com/v1/charges ",
    "https://api-m.sandbox.paypal.com/ ",
    "https://checkout-test.adyen.com/",
    "sk_live_",
    "pk_test_",
    "-----BEGIN PRIVATE KEY-----",
    "{\"level\":\"info\",\"msg\":\"",
    "\"}\n",
    "...",
    "***",
];

fn part() -> impl Strategy<Value = Part> {
    let any_rule = || 0..rules().len();
    let writing = select(
        &[
            Writing::Plain,
            Writing::Percent(1),
            Writing::Percent(2),
            Writing::Percents,
            Writing::Json(1),
            Writing::Json(2),
            Writing::Octal,
            Writing::Colour,
        ][..],
    );
    prop_oneof![
        3 => (any_rule(), any::<u32>(), 0..CONTEXTS.len()).prop_map(|(rule, seed, context)| Part::Slot(rule, seed, context)),
        4 => (any_rule(), any::<u32>(), writing).prop_map(|(rule, seed, writing)| Part::Key(rule, seed, writing)),
        10 => select(TEXTS).prop_map(Part::Text),
        1 => (select(&["\\", "%25", " ", "\n", "=", "a", "\u{1b}[1m", "\\u0020"][..]), 1..80_usize).prop_map(|(text, times)| Part::Run(text, times)),
        1 => vec(any::<u8>(), 0..20).prop_map(Part::Bytes),
    ]
}

/// A text that is longer than what a decision may look at, with something in most of its places.
fn text() -> impl Strategy<Value = Vec<u8>> {
    vec(part(), 300..1200).prop_map(|parts| bytes_of(&parts))
}

/// The same cases every time, or those of the seed in `PROPTEST_RNG_SEED`. No file keeps a failure:
/// it would hold keys.
fn config(cases: u32) -> ProptestConfig {
    let config = ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::default() };
    let seed = if config.rng_seed == RngSeed::Random { RngSeed::Fixed(1) } else { config.rng_seed };
    ProptestConfig { rng_seed: seed, ..config }
}

/// What must not depend on how the bytes came.
fn row(found: &Credential, offset: usize) -> String {
    let span = found.span.shifted(offset);
    let provider = found.provider.as_ref().map_or("", |provider| provider.as_str());
    let (environment, view) = (found.environment.name(), found.view.name());
    format!("{}..{} {} {provider:?} {} {environment} {view}", span.start, span.end, found.rule, found.class)
}

fn rows(sightings: &[Sighting], offset: usize) -> Vec<String> {
    let credentials = sightings.iter().filter_map(|sighting| match sighting {
        Sighting::Credential(found) => Some(row(found, offset)),
        _ => None,
    });
    credentials.collect()
}

/// Scans one core, with as many bytes about it as a decision may look at and no more.
fn cut(bytes: &[u8], core: std::ops::Range<usize>) -> Vec<String> {
    let start = core.start.saturating_sub(REACH);
    let end = (core.end + REACH).min(bytes.len());
    let scope = Scope { core: core.start - start..core.end - start, names: true };
    rows(&SCANNER.scan_within(&bytes[start..end], &scope), start)
}

/// The first difference of two lists.
fn difference(one: &[String], other: &[String]) -> Option<String> {
    let longest = one.len().max(other.len());
    let at = (0..longest).find(|&at| one.get(at) != other.get(at))?;
    let show = |rows: &[String]| rows.get(at).cloned().unwrap_or_else(|| "nothing more".to_owned());
    Some(format!("{} instead of {}", show(one), show(other)))
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn cut_is_whole(bytes in text(), cuts in vec(any::<Index>(), 1..5)) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len())).chain([0, bytes.len()]).collect();
        cuts.sort_unstable();
        let parts: Vec<_> = cuts.windows(2).flat_map(|pair| cut(&bytes, pair[0]..pair[1])).collect();
        let whole = rows(&SCANNER.scan(&bytes), 0);
        prop_assert_eq!(difference(&parts, &whole), None, "cut at {:?}", cuts);
    }

    #[test]
    fn sightings_are_in_order_and_apart(parts in vec(part(), 0..60)) {
        let bytes = bytes_of(&parts);
        prop_assert!(is_orderly(&SCANNER.scan(&bytes), &(0..bytes.len())));
    }
}

/// Every cut through keys and escapes, one byte after the other.
#[test]
fn no_cut_is_special() {
    for writing in [Writing::Plain, Writing::Percents, Writing::Percent(2), Writing::Json(2), Writing::Colour] {
        let rule = rules().iter().position(|rule| rule.id.as_str() == "stripe-secret-key").unwrap();
        let middle = [Part::Text("\nSTRIPE_SECRET_KEY=\""), Part::Key(rule, 1, writing), Part::Text("\"\n")];
        let middle = bytes_of(&middle);
        let around = b"the quick brown fox\\n %20 ".repeat(REACH / 16);
        let bytes = [&around[..], &middle, &around].concat();
        let whole = rows(&SCANNER.scan(&bytes), 0);
        assert_eq!(whole.len(), 1, "{writing:?}");
        for at in (around.len()..around.len() + middle.len()).step_by(3) {
            let parts = [cut(&bytes, 0..at), cut(&bytes, at..bytes.len())].concat();
            assert_eq!(difference(&parts, &whole), None, "{writing:?} cut at {at}");
        }
    }
}

fn is_orderly(sightings: &[Sighting], core: &std::ops::Range<usize>) -> bool {
    let spans: Vec<Span> = sightings
        .iter()
        .filter_map(|sighting| match sighting {
            Sighting::Credential(found) => Some(found.span),
            _ => None,
        })
        .collect();
    spans.windows(2).all(|pair| pair[0].end <= pair[1].start)
        && spans.iter().all(|span| span.start < span.end && core.contains(&span.start))
}

/// Gives its bytes in reads of these sizes, over and over.
struct Drip<'a> {
    bytes: &'a [u8],
    sizes: std::iter::Cycle<std::slice::Iter<'a, usize>>,
}

impl<'a> Drip<'a> {
    fn new(bytes: &'a [u8], sizes: &'a [usize]) -> Self {
        Self { bytes, sizes: sizes.iter().cycle() }
    }
}

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes.next().copied().unwrap_or(1).min(buffer.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(size);
        buffer[..size].copy_from_slice(now);
        self.bytes = later;
        Ok(size)
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        walk: WalkOptions::default(),
        place: None,
        // They count in files and never in streams.
        inline_allow: false,
        keep_allowed: false,
        today: Date::parse("2026-03-12").unwrap(),
        fingerprints: FingerprintKey::kept(b"a key for tests"),
        depth: scan::DEPTH,
        map: keyfence::source::MapChoice::Auto,
        context: Arc::default(),
    }
}

/// A finding without the name of its input.
fn told(finding: &Finding) -> String {
    let lines = finding.location.lines.map(|(begin, end)| (begin.line, begin.column, end.line, end.column));
    let provider = finding.provider.as_ref().map_or("", |provider| provider.as_str());
    let (span, severity, view) = (finding.location.span, finding.severity, finding.view.name());
    let (environment, kind) = (finding.environment.name(), finding.kind.id());
    format!(
        "{}..{} {lines:?} {} {provider:?} {} {environment} {view} {kind} {severity}",
        span.start,
        span.end,
        finding.rule,
        finding.class.map_or("", keyfence::credential::Class::name)
    )
}

fn streamed(name: &str, reader: &mut dyn Read) -> (Vec<String>, u64) {
    let mut found = Vec::new();
    let ledger =
        scan::stream(&SCANNER, reader, Some(PathBuf::from(name)), &settings(), &mut |finding| found.push(told(&finding)));
    (found, ledger.bytes)
}

proptest! {
    #![proptest_config(config(40))]

    /// However the bytes of a stream arrive; and as the file of that name.
    #[test]
    fn one_road_is_another(
        bytes in text(),
        sizes in vec(1..9000_usize, 1..8),
        name in select(&["app.log", "config/app.yaml", "src/main.rs"][..]),
    ) {
        let tree = Tree::new();
        let path = tree.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &bytes).unwrap();
        let name = path.to_str().unwrap();
        let (whole, read) = streamed(name, &mut &bytes[..]);
        prop_assert_eq!(read, bytes.len() as u64);
        for sizes in [&[1][..], &sizes] {
            let (dripped, read) = streamed(name, &mut Drip::new(&bytes, sizes));
            prop_assert_eq!(difference(&dripped, &whole), None, "reads of {:?}", sizes);
            prop_assert_eq!(read, bytes.len() as u64);
        }
        let (findings, ledger) = scan::paths(&SCANNER, std::slice::from_ref(&path), &settings(), &Progress::default()).unwrap();
        prop_assert_eq!(ledger.bytes, bytes.len() as u64);
        // The name of the file is looked at only where there is a file.
        let filed: Vec<_> = findings.iter().filter(|finding| finding.location.lines.is_some()).map(told).collect();
        prop_assert_eq!(difference(&filed, &whole), None, "as a file");
    }
}

/// Nothing that is printed here is a key.
const HOSTILE: &[&[u8]] = &[
    b"\\",
    b"\\\\",
    b"\\\\\\\\\\\\\\\\",
    b"%",
    b"%25",
    b"%2",
    b"%5F",
    b"%%",
    b"\x1b",
    b"\x1b[",
    b"\x1b[0m",
    b"[",
    b"m",
    b"\\u",
    b"\\u005",
    b"\\u005f",
    b"\\ud83d",
    b"\\x",
    b"\\x5f",
    b"\\7",
    b"\\777",
    b"#012",
    b"\0",
    b"\xff",
    b"\xe2\x80",
    b"\xe2\x80\xa6",
    b"***",
    b"...",
    b"\"",
    b"'",
    b"`",
    b"=",
    b":",
    b"=>",
    b"->",
    b"--",
    b"-",
    b"_",
    b".",
    b",",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b"<",
    b">",
    b" ",
    b"\t",
    b"\n",
    b"\r\n",
    b"key",
    b"secret",
    b"token",
    b"auth",
    b"\"value\":",
    b"name",
    b"client_id",
    b"Bearer ",
    b"sk_live_",
    b"sk_",
    b"pk_test_",
    b"whsec_",
    b"EAAA",
    b"AQE",
    b"hmf",
    b"-----BEGIN PRIVATE KEY-----",
    b"-----END ",
    b"access_token$sandbox$",
    b"0",
    b"Z",
    b"aaaaaaaa",
    b"q7Zp2LxW9vKc",
    b"4TgR8sYb",
    b"f00dface",
    b"api.stripe.com",
    b"paypal",
    b"mode=live",
    b"&quot;",
    b"&#34;",
];

/// Xorshift64*: a hundred thousand inputs are drawn in no time.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap_or(0) % limit
    }

    fn hostile(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..self.below(24) {
            match self.below(12) {
                0 => bytes.push(u8::try_from(self.below(256)).unwrap()),
                1 => {
                    let piece = HOSTILE[self.below(HOSTILE.len())];
                    bytes.extend(piece.repeat(self.below(40)));
                }
                _ => bytes.extend(HOSTILE[self.below(HOSTILE.len())]),
            }
        }
        bytes
    }
}

#[test]
fn no_input_panics() {
    let mut random = Xorshift(1);
    for number in 0..100_000 {
        let bytes = random.hostile();
        let (one, other) = (random.below(bytes.len() + 1), random.below(bytes.len() + 1));
        let core = one.min(other)..one.max(other);
        let scope = Scope { core: core.clone(), names: random.below(4) > 0 };
        let scan =
            || is_orderly(&SCANNER.scan(&bytes), &(0..bytes.len())) && is_orderly(&SCANNER.scan_within(&bytes, &scope), &core);
        let orderly = catch_unwind(AssertUnwindSafe(scan));
        assert!(matches!(orderly, Ok(true)), "input {number}, core {core:?}: {}", bytes.escape_ascii());
    }
}
