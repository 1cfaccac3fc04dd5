//! Every form in which keys appear in logs: found, replaced as a whole, and nothing else touched.

use std::ops::Range;

use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use serde::Deserialize;

use super::{Ran, ran, settings, stream};
use crate::plant::expand;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    form: Vec<Form>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    id: String,
    #[serde(default = "first")]
    tier: u8,
    #[serde(default = "detect")]
    expect: String,
    #[serde(default = "lines")]
    protocol: String,
    encoding: Option<String>,
    text: String,
}

fn first() -> u8 {
    1
}

fn detect() -> String {
    "detect".to_owned()
}

fn lines() -> String {
    "lines".to_owned()
}

/// A form with its keys: the bytes, and where the keys stand.
pub(super) struct Planted {
    id: String,
    tier: u8,
    silent: bool,
    either: bool,
    protocol: String,
    bytes: Vec<u8>,
    keys: Vec<Range<usize>>,
}

impl Form {
    fn planted(&self) -> Planted {
        let text = expand(&self.text, &self.id);
        let (mut bytes, mut keys, mut start) = (Vec::new(), Vec::new(), 0);
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '«' => start = bytes.len(),
                '»' => keys.push(start..bytes.len()),
                '␛' => bytes.push(0x1B),
                '␀' => bytes.push(0),
                '␍' => bytes.push(b'\r'),
                '⇥' => bytes.push(b'\t'),
                '⍰' => bytes.push(0xFF),
                '⟦' => {
                    let length: String = chars.by_ref().take_while(|&c| c != '⟧').collect();
                    bytes.extend("lorem48 ".bytes().cycle().take(length.parse().unwrap()));
                }
                c => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
            }
        }
        if self.encoding.as_deref() == Some("utf-16le") {
            bytes = b"\xff\xfe".iter().copied().chain(bytes.iter().flat_map(|&byte| [byte, 0])).collect();
            keys = keys.iter().map(|key| 2 * key.start + 2..2 * key.end + 2).collect();
        }
        let (silent, either) = (self.expect == "silent", self.expect == "either");
        Planted { id: self.id.clone(), tier: self.tier, silent, either, protocol: self.protocol.clone(), bytes, keys }
    }
}

pub(super) fn forms() -> Vec<Planted> {
    let file: File = toml::from_str(include_str!("forms.toml")).unwrap();
    file.form.iter().map(Form::planted).collect()
}

impl Planted {
    fn run(&self) -> Ran {
        ran(&self.protocol, settings(), [&self.bytes[..]])
    }

    /// What is wrong with an output: something else was touched, or a key is still there.
    fn wrong(&self, out: &[u8]) -> Option<String> {
        let mut pattern = String::from("(?s-u)^");
        let mut at = 0;
        for key in &self.keys {
            pattern.push_str(&escaped(&self.bytes[at..key.start]));
            pattern.push_str("(.{1,500}?)");
            at = key.end;
        }
        pattern.push_str(&escaped(&self.bytes[at..]));
        pattern.push('$');
        let pattern = regex::bytes::RegexBuilder::new(&pattern).size_limit(1 << 26).build().unwrap();
        let Some(found) = pattern.captures(out) else { return Some("something else was touched".to_owned()) };
        for (key, part) in self.keys.iter().zip(found.iter().skip(1).flatten()) {
            let part: Vec<u8> = part.as_bytes().iter().copied().filter(|&byte| byte != 0).collect();
            let body: Vec<u8> = self.bytes[key.clone()].iter().copied().filter(|&byte| byte != 0).collect();
            let shown = body[body.len().min(9)..].windows(8).any(|run| memchr::memmem::find(&part, run).is_some());
            if memchr::memmem::find(&part, b"[REDACTED:").is_none() || shown {
                return Some("a key is still there".to_owned());
            }
        }
        None
    }
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<Vec<_>>().concat()
}

/// Forms of a tier that are not as they should be.
fn score(tier: u8) -> (usize, Vec<String>) {
    let forms: Vec<Planted> = forms().into_iter().filter(|form| form.tier == tier).collect();
    let mut wrong = Vec::new();
    for form in &forms {
        let ran = form.run();
        if form.silent && !(ran.alerts.is_empty() && ran.out == form.bytes) {
            wrong.push(format!("{}: not silent: {}", form.id, ran.text()));
        } else if form.either {
            // A finding is tolerated; what is touched must be the value.
            let wrong_bytes = form.wrong(&ran.out).is_some() && ran.out != form.bytes;
            wrong.extend(wrong_bytes.then(|| format!("{}: {}", form.id, ran.text())));
        } else if !form.silent {
            let why = form.wrong(&ran.out);
            let why = why.or_else(|| ran.alerts.is_empty().then(|| "redacted, and nobody was told".to_owned()));
            wrong.extend(why.map(|why| format!("{}: {why}: {}", form.id, ran.text().chars().take(300).collect::<String>())));
        }
    }
    (forms.len(), wrong)
}

#[test]
fn case_14_forms_of_tier_1() {
    let (all, wrong) = score(1);
    assert!(all > 60, "{all} forms");
    assert!(wrong.is_empty(), "{} of {all}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn case_15_forms_of_tier_2() {
    let (all, wrong) = score(2);
    assert!(all >= 13, "{all} forms");
    assert!(wrong.len() * 20 <= all, "{} of {all}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn case_16_forms_of_tier_3_touch_nothing_else() {
    let tier = forms().into_iter().filter(|form| form.tier == 3);
    for form in tier {
        let ran = form.run();
        let touched = form.wrong(&ran.out).is_some_and(|why| why.starts_with("something else"));
        assert!(!touched, "{}: {}", form.id, ran.text());
    }
}

/// F62: the secret of a pair stands in the middle of its base64.
#[test]
fn case_15_an_opaque_secret_in_basic_authorisation() {
    let template = "> POST /oauth/token HTTP/1.1\n> Host: api.payca.vc\n> authorization: Basic {base64of:{uuid4}:{base62:40}}\n";
    let text = expand(template, "F62");
    let out = ran("lines", settings(), [text.as_bytes()]);
    assert_eq!((out.alerts.len(), out.redactions()), (1, 1), "{}", out.text());
    let shown = out.text();
    let (lines, before): (Vec<&str>, Vec<&str>) = (shown.lines().collect(), text.lines().collect());
    assert_eq!(lines[..2], before[..2]);
    // The secret ends the token: no eight letters of its last forty are left.
    let token = before[2].rsplit(' ').next().unwrap();
    for run in token.as_bytes()[token.len() - 50..].windows(8) {
        assert!(memchr::memmem::find(shown.as_bytes(), run).is_none(), "{shown}");
    }
    assert!(lines[2].starts_with("> authorization: Basic "), "{shown}");
}

/// F88: one alert, its count, and every line redacted.
#[test]
fn case_14_the_same_key_two_hundred_times() {
    let key = expand("sk_live_{hex:40}", "F88");
    let line = |n: usize, value: &str| format!("2026-04-01T20:18:14.{n:03}Z INFO attempt={n} key={value} 401\n");
    let log: String = (0..200).map(|n| line(n, &key)).collect();
    let out = ran("lines", settings(), [log.as_bytes()]);
    let mask = out.text().split("key=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    assert_eq!(out.text(), (0..200).map(|n| line(n, &mask)).collect::<String>());
    let counts: Vec<u64> = out.alerts.iter().map(|alert| alert["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 10, 100, 200], "first, then how often");
}

/// F56: what is compressed as a whole is for `scan`.
#[test]
fn case_15_a_compressed_log() {
    let tree = crate::plant::Tree::new();
    let log = expand("2026-03-12T09:11:07Z INFO k=sk_live_{base62:24}\n", "F56");
    let packed = ruzstd::encoding::compress_to_vec(log.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    std::fs::write(tree.path().join("a.log.zst"), packed).unwrap();
    let run = tree.keyfence(&["scan", "-f", "jsonl", "a.log.zst"]);
    let text = String::from_utf8(run.stdout).unwrap();
    assert_eq!(text.lines().filter(|line| line.contains("\"type\":\"finding\"")).count(), 1, "{text}");
}

/// All forms of the plain protocol in one log.
fn log() -> Planted {
    let mut all = Planted {
        id: "log".to_owned(),
        tier: 1,
        silent: false,
        either: false,
        protocol: "lines".to_owned(),
        bytes: Vec::new(),
        keys: Vec::new(),
    };
    for form in forms().iter().filter(|form| form.protocol == "lines" && form.tier < 3 && !form.either) {
        let by = all.bytes.len();
        all.bytes.extend(&form.bytes);
        all.keys.extend(form.keys.iter().map(|key| key.start + by..key.end + by));
        // Ordinary lines between them, so that the context of one is not that of the next.
        all.bytes.extend(b"\nINFO ordinary line".repeat(12));
        all.bytes.push(b'\n');
    }
    all
}

#[test]
fn case_17_all_forms_in_one_log() {
    let log = log();
    let run = stream(&["stream", "--redact", "--alerts", "none"], log.bytes.clone());
    assert_eq!((run.code(), run.stderr.as_str()), (Some(0), ""));
    let wrong = log.wrong(&run.stdout);
    assert_eq!(wrong, None, "{}", run.out());
}

#[test]
fn case_22_redacted_logs_come_back_unchanged() {
    for form in forms() {
        let once = form.run();
        let twice = ran(&form.protocol, settings(), [&once.out[..]]);
        assert_eq!((twice.text(), twice.alerts.len()), (once.text(), 0), "{}", form.id);
    }
}

/// Cuts bytes at the given places, in any order.
fn cut<'a>(bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place % (bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

#[test]
fn case_30_one_byte_at_a_time() {
    for form in forms().iter().filter(|form| form.bytes.len() < 20_000) {
        let pieces: Vec<&[u8]> = form.bytes.chunks(1).collect();
        assert_eq!(ran(&form.protocol, settings(), pieces), form.run(), "{}", form.id);
    }
}

#[test]
fn case_32_a_key_across_the_edge_of_a_buffer() {
    let key = expand("sk_live_{stripe99}", "edge");
    // Every place in the key, and its neighbours; of longer lines, which take their time, some.
    for (edge, step) in [(4096, 1), (16_384, 1), (65_536, 1), (256 * 1024, 13), (1024 * 1024, 37)] {
        for back in (0..=key.len() + 4).step_by(step) {
            let line = format!("{} k={key} z\n", "y".repeat(edge - back));
            let whole = ran("lines", settings(), [line.as_bytes()]);
            let expected = format!("{} k=[REDACTED:", "y".repeat(edge - back));
            assert!(whole.text().starts_with(&expected) && whole.text().ends_with("] z\n"), "{edge} {back}");
            assert_eq!(ran("lines", settings(), cut(line.as_bytes(), &[edge])), whole, "{edge} {back}");
        }
    }
}

/// Many lines are first looked at together, to see which are worth a look by themselves. That must miss
/// nothing that a look at each would see.
#[test]
fn lines_together_and_one_by_one() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases");
    let mut texts = Vec::new();
    for file in ["shapes", "lefts", "followers", "encoded", "silent"] {
        let text = std::fs::read_to_string(folder.join(file).with_extension("toml")).unwrap();
        let table: toml::Table = toml::from_str(&text).unwrap();
        for case in table["case"].as_array().unwrap() {
            let text = |key: &str| case.get(key).and_then(toml::Value::as_str);
            if text("encoding").is_none() {
                texts.push(expand(text("text").unwrap(), text("name").unwrap()));
            }
        }
    }
    assert!(texts.len() > 600, "{} texts", texts.len());
    // Each alone, and each close to its neighbours.
    for group in texts.chunks(7) {
        let log = group.concat();
        let pieces = log.split_inclusive('\n').map(str::as_bytes);
        let (whole, alone) = (ran("lines", settings(), [log.as_bytes()]), ran("lines", settings(), pieces));
        assert_eq!((whole.text(), whole.alerts), (alone.text(), alone.alerts));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn case_31_any_split_gives_the_same(at in any::<usize>(), places in proptest::collection::vec(any::<usize>(), 1..24)) {
        // All tiers, and what must not be found: each some thirteen times.
        let forms = forms();
        let form = &forms[at % forms.len()];
        let pieces = cut(&form.bytes, &places);
        prop_assert_eq!(ran(&form.protocol, settings(), pieces), form.run(), "{}", form.id);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn case_31_any_split_of_the_whole_log(places in proptest::collection::vec(any::<usize>(), 1..200)) {
        // So many different keys at once meet the rate limit of alerts, which has a clock.
        let log = log();
        let whole = log.run();
        let cut = ran("lines", settings(), cut(&log.bytes, &places));
        prop_assert_eq!((cut.text(), cut.told()), (whole.text(), whole.told()));
    }

    /// Neither a panic nor a lost byte, whatever comes in.
    #[test]
    fn case_12_any_bytes_go_through(bytes in proptest::collection::vec(any::<u8>(), 0..4000), places in proptest::collection::vec(any::<usize>(), 0..8)) {
        let whole = ran("lines", settings(), [&bytes[..]]);
        prop_assert_eq!(&ran("lines", settings(), cut(&bytes, &places)), &whole);
        if whole.redactions() == 0 {
            prop_assert_eq!(&whole.out, &bytes);
        }
        for protocol in ["docker-json", "cri", "syslog"] {
            prop_assert_eq!(ran(protocol, settings(), cut(&bytes, &places)).out.len() >= bytes.len(), true);
        }
    }
}
