//! Files that are half written, minified, cyclic or mixed up: judging them never fails, gives what is
//! certain, and costs twice as much for twice as much.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use keyfence::assess::{self, Judgement};
use keyfence::detect::Scanner;
use keyfence::environment::declared::Declared;
use keyfence::environment::path::Surroundings;
use keyfence::environment::{Input, Run, Seen, Survey};
use keyfence::finding::{Kind, Sighting, Tracked};
use keyfence::rule::RuleSet;

use crate::plant::{Tree, expand};

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::new(RuleSet::builtin().into()));

/// What a file gives, and how long judging it took.
fn judge(path: &str, bytes: &[u8]) -> (Judgement, Duration) {
    let (mut credentials, mut facts) = (Vec::new(), Vec::new());
    for sighting in SCANNER.scan(bytes) {
        match sighting {
            Sighting::Credential(credential) => credentials.push(credential),
            Sighting::Fact(fact) => facts.push(fact),
            _ => {}
        }
    }
    let declared = Declared::default();
    let started = Instant::now();
    let input =
        Input { path: Some(Path::new(path)), bytes, kind: None, around: Surroundings::default(), whole: true, banner: None };
    let survey = Survey::new(Run { declared: &declared, rules: SCANNER.rules() }, input);
    let seen = Seen { credentials: &credentials, facts: &facts };
    let judgement = assess::judge(&survey, seen, SCANNER.rules(), Tracked::Yes);
    (judgement, started.elapsed())
}

fn kinds(path: &str, text: &str) -> Vec<&'static str> {
    let mut kinds: Vec<_> = judge(path, text.as_bytes()).0.outcomes.iter().map(|outcome| outcome.kind.id()).collect();
    kinds.sort_unstable();
    kinds
}

/// What breaks off, or mixes notations, says what it said before it broke.
#[test]
fn what_is_certain_is_found_in_broken_files() {
    let live = expand("sk_live_{base62:24}", "live");
    let test = expand("sk_test_{base62:24}", "test");
    let (wrong, lower, source) = ("sandbox-key-in-production", "live-key-in-nonproduction", "live-key-in-source-control");
    for (path, text, expected) in [
        ("config/a.yml", format!("production:\n  key: {test}\n  list: [a, b\n  other: \"open"), wrong),
        ("config/a.yml", format!("production:\r\n  key: {test}\r\n"), wrong),
        ("config/a.yml", format!("\u{feff}production:\n  key: {test}\n"), wrong),
        ("config/a.yml", format!("staging:\n\tkey: {live}\n"), lower),
        ("config/a.yml", format!("staging:\n    stripe:\n\t  key: {live}\n"), lower),
        ("config/a.yml", format!("a: &a\n  b: *b\nb: &b\n  a: *a\nstaging:\n  <<: *a\n  key: {live}\n"), lower),
        ("config/a.json", format!("// made by hand\n{{\n  \"production\": {{ /* now */ \"key\": \"{test}\", }},\n}}\n"), wrong),
        ("config/a.json", format!("\u{feff}{{\r\n  \"staging\": {{\r\n    \"key\": \"{live}\"\r\n  }}\r\n}}\r\n"), lower),
        ("config/a.json", format!("{{\"staging\": {{\"key\": \"{live}\", \"open\": [1, 2"), source),
        ("config/a.toml", format!("[staging\nkey = \"{live}\"\n"), source),
        ("config/a.toml", format!("[staging]\r\nkey = \"{live}\"\r\n"), lower),
        (".env.production", format!("\u{feff}STRIPE_SECRET_KEY={test}\r\nOPEN=\"\r\n"), wrong),
        ("server/a.js", format!("if (isProd) {{\n  use('{test}')\n"), "sandbox-key-in-source"),
    ] {
        let found = kinds(path, &text);
        assert!(found.contains(&expected), "{path}: {found:?}\n{text}");
    }
}

/// Name, path, head, unit, tail.
type Shape<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

/// A unit that is repeated, between what stands before and behind all of them.
const SHAPES: [Shape<'static>; 9] = [
    (
        "half-written YAML",
        "deploy/values.yml",
        "",
        "shop{n}:\n  production:\n    key: {key}\n    list: [a, {b: \"\n  host: https://api.sandbox.payca.io\n",
        "",
    ),
    (
        "JSON with comments",
        "config/a.json",
        "{\n",
        "// {n}\n\"staging\": { /* a */ \"key\": \"{key}\", \"url\": \"https://api.sandbox.payca.io\", },\n",
        "}\n",
    ),
    (
        "a minified bundle",
        "src/app.js",
        "!function(){var e={",
        "a{n}:{production:!1,key:\"{key}\",u:\"https://api.sandbox.payca.io/v1\",f:function(e){return e?\"a\":\"b\"}},",
        "}}();",
    ),
    (
        "one block of many keys",
        "src/pay.js",
        "const all = {\n",
        "  key{n}: '{key}', host{n}: 'https://api.sandbox.payca.io', mode: 'live',\n",
        "};\n",
    ),
    (
        "anchors in a circle",
        "config/a.yml",
        "a: &a\n  <<: *b\nb: &b\n  <<: *a\n",
        "c{n}: &c{n}\n  <<: *a\n  key: {key}\n  next: *c{n}\n",
        "",
    ),
    (
        "mixed line ends and indentation",
        "config/b.yml",
        "\u{feff}",
        "staging{n}:\r\n\tstripe:\n  \t  key: {key}\r\n \tnetwork: base-sepolia\r\n",
        "",
    ),
    (
        "a dotenv without blank lines",
        ".env.staging",
        "",
        "STRIPE_KEY_{n}={key}\nPAYCA_BASE_URL_{n}=https://api.sandbox.payca.io\nPAYPAL_MODE=sandbox\n",
        "",
    ),
    ("ternaries", "src/keys.ts", "", "export const k{n} = isProd ? '{key}' : process.env.X ?? 'y' ? 'a' : 'b'\n", ""),
    ("arms in lines", "app/Keys.kt", "val k = when (env) {\n", "\"prod{n}\" -> \"{key}\"\nelse -> \"x\"\n", "}\n"),
];

fn repeated((_, _, head, unit, tail): &Shape<'_>, bytes: usize) -> Vec<u8> {
    let mut text = String::from(*head);
    for number in 0_usize.. {
        if text.len() >= bytes {
            break;
        }
        let key = if number.is_multiple_of(8) { expand("sk_test_{base62:24}", &number.to_string()) } else { "none".into() };
        let _ = write!(text, "{}", unit.replace("{n}", &number.to_string()).replace("{key}", &key));
    }
    text.push_str(tail);
    text.into_bytes()
}

/// Twice the input costs about twice as much; what costs four times as much is quadratic. What else runs
/// on the machine only ever adds time, hence the best of three runs, and of as many more as a busy machine
/// needs; fresh pages of memory cost what they cost, hence the slack.
#[test]
fn twice_the_input_costs_twice() {
    const BYTES: usize = 160 << 10;
    const TRIES: usize = 20;
    const SLACK: f64 = 0.015;
    for shape in &SHAPES {
        let (once, twice) = (repeated(shape, BYTES), repeated(shape, 2 * BYTES));
        let best = |bytes: &[u8]| (0..3).map(|_| judge(shape.1, bytes).1).min().unwrap_or_default().as_secs_f64();
        let mut costs = (best(&once), best(&twice));
        for _ in 0..TRIES {
            if costs.1 <= 2.5 * costs.0 + SLACK {
                break;
            }
            costs = (costs.0.min(best(&once)), costs.1.min(best(&twice)));
        }
        let fine = costs.1 <= 2.5 * costs.0 + SLACK;
        assert!(fine, "{}: {costs:?} seconds for {BYTES} bytes and twice as many", shape.0);
    }
}

/// A bundle as large as they come, in one line, with ten thousand facts.
#[test]
fn a_bundle_of_ten_megabytes_is_judged() {
    let tree = Tree::new();
    let (name, path, head, unit, tail) = SHAPES[2];
    let code = "function(t,n){for(var r=0;r<t.length;r++)n=n*31+t.charCodeAt(r)|0;return n},".repeat(12);
    let unit = format!("{unit}b{{n}}:{code}");
    let bundle = repeated(&(name, path, head, &unit, tail), 10 << 20);
    std::fs::create_dir(tree.path().join("dist")).unwrap();
    std::fs::write(tree.path().join("dist/app.js"), bundle).unwrap();
    let output = tree.keyfence(&["scan", "-q", "-f", "jsonl", "dist"]);
    // Sandbox keys warn and do not block.
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(Kind::SecretKeyExposedToClient.id()));
}
