//! What it costs to say where everything is: judging a tree whose files are all full of facts, beside
//! scanning it, in time and, where `valgrind` is at hand, in instructions, which nothing else on the
//! machine disturbs. The number of findings is asserted: a judge that looks away is no fast judge.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use keyfence::assess;
use keyfence::credential::Credential;
use keyfence::detect::Scanner;
use keyfence::environment::declared::Declared;
use keyfence::environment::path::Surroundings;
use keyfence::environment::{Input, Run, Seen, Survey};
use keyfence::finding::{Fact, Sighting, Tracked};
use keyfence::rule::RuleSet;
use keyfence::rule::examples::expand;

/// Scanning and judging costs at most so many times what scanning alone costs.
const DEAREST: f64 = 1.2;
/// Set to `scan 3 10` or `judge 3 10`, the bench only does that ten times, with the files of `SORTS[3]`.
const ONLY: &str = "KEYFENCE_BENCH_ONLY";
/// Files of each sort.
const FILES: usize = 100;

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::new(RuleSet::builtin().into()));
static TREE: LazyLock<Vec<File>> = LazyLock::new(tree);

/// A file, and how many findings it gives.
struct File {
    path: PathBuf,
    bytes: Vec<u8>,
    findings: usize,
}

/// Files as services have them: every second paragraph is about a provider, none is secret-free.
const SORTS: [(&str, &str, &str, usize); 4] = [
    (
        "deploy/{n}/values-prod.yaml",
        "replicaCount: 3\nimage:\n  repository: registry.shop.example/pay\n  tag: 1.18.{n}\n",
        "{provider}{n}:\n  stripe:\n    secretKey: sk_test_{base62:24}\n    webhook:\n      url: https://pay.shop.example/hooks/{n}\n  payca:\n    baseUrl: https://api.sandbox.payca.io\n    network: base-sepolia\n  resources:\n    limits: {{ cpu: 500m, memory: 512Mi }}\n",
        30,
    ),
    (
        "services/{n}/.env.staging",
        "APP_NAME=shop\nLOG_LEVEL=info\n",
        "\n# Payments {n}\nSTRIPE_SECRET_KEY_{n}=sk_live_{base62:24}\nSTRIPE_WEBHOOK_URL_{n}=https://pay-staging.shop.example/hooks/{n}\nPAYPAL_MODE=sandbox\nPAYCA_BASE_URL=https://api.sandbox.payca.io\nREDIS_URL=redis://cache:6379/{n}\nFEATURE_CHECKOUT_{n}=true\n",
        30,
    ),
    (
        "config/{n}/production.json",
        "{{\n  \"service\": \"shop\",\n  \"port\": 8080",
        ",\n  \"stripe{n}\": {{\n    \"secretKey\": \"sk_test_{base62:24}\",\n    \"host\": \"https://api.stripe.com\",\n    \"webhook\": {{ \"url\": \"https://pay.shop.example/hooks/{n}\" }},\n    \"retries\": 3,\n    \"timeout\": {{ \"connect\": 500, \"read\": 3000 }}\n  }}",
        30,
    ),
    (
        "server/{n}/pay.js",
        "const env = process.env.APP_ENV;\nconst clients = new Map();\n",
        "\nif (env === 'production') {{\n  clients.set('a{n}', stripe('sk_live_{base62:24}'));\n}} else {{\n  clients.set('a{n}', stripe('sk_live_{base62:24}'));\n}}\nexport async function pay{n}(order) {{\n  const reply = await fetch('https://api.sandbox.payca.io/v1/cards', {{ method: 'POST', body: JSON.stringify(order) }});\n  return reply.ok ? reply.json() : null;\n}}\n",
        15,
    ),
];

fn tree() -> Vec<File> {
    let mut files = Vec::new();
    for (path, head, part, parts) in SORTS {
        for number in 0..FILES {
            let mut text = expand(&head.replace("{n}", &number.to_string()), path).expect("a template");
            for at in 0..parts {
                let template = part.replace("{n}", &at.to_string()).replace("{provider}", "payments");
                text.push_str(&expand(&template, &format!("{path} {number} {at}")).expect("a template"));
            }
            if path.rsplit('.').next() == Some("json") {
                text.push_str("\n}\n");
            }
            files.push(File { path: path.replace("{n}", &number.to_string()).into(), bytes: text.into_bytes(), findings: parts });
        }
    }
    files
}

fn main() {
    if let Ok(wanted) = env::var(ONLY) {
        only(&wanted);
        return;
    }
    divan::main();
    compare();
}

/// The files of a sort; behind the last sort all.
fn sort(number: usize) -> &'static [File] {
    TREE.chunks(FILES).nth(number).unwrap_or(&TREE)
}

fn only(wanted: &str) {
    let mut parts = wanted.split(' ');
    let judges = parts.next() == Some("judge");
    let mut number = || parts.next().and_then(|part| part.parse().ok()).expect("a number");
    let (files, rounds): (_, usize) = (sort(number()), number());
    let declared = Declared::default();
    for _ in 0..rounds {
        let count = |file: &File| if judges { judged(&declared, file) } else { scanned(file).len() };
        black_box(files.iter().map(count).sum::<usize>());
    }
}

/// How many instructions one round takes: what two rounds take more than one.
fn instructions(what: &str, number: usize) -> Option<u64> {
    let notes = env::temp_dir().join(format!("keyfence-judge-{}", std::process::id()));
    let of = |rounds: usize| {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=cachegrind", "--cache-sim=no"]).arg(format!("--cachegrind-out-file={}", notes.display()));
        let output = valgrind.arg(env::current_exe().ok()?).env(ONLY, format!("{what} {number} {rounds}")).output().ok()?;
        let report = String::from_utf8_lossy(&output.stderr).replace(',', "");
        let line = report.lines().find(|line| line.contains("refs:"))?;
        line.rsplit(' ').next()?.parse::<u64>().ok()
    };
    let more = of(2).zip(of(1)).and_then(|(two, one)| two.checked_sub(one));
    let _ = std::fs::remove_file(notes);
    more
}

fn scanned(file: &File) -> Vec<Sighting> {
    SCANNER.scan(black_box(&file.bytes))
}

/// Scans and judges a file; says how many findings there are.
fn judged(declared: &Declared, file: &File) -> usize {
    let (mut credentials, mut facts): (Vec<Credential>, Vec<Fact>) = (Vec::new(), Vec::new());
    for sighting in scanned(file) {
        match sighting {
            Sighting::Credential(credential) => credentials.push(credential),
            Sighting::Fact(fact) => facts.push(fact),
            _ => {}
        }
    }
    let run = Run { declared, rules: SCANNER.rules() };
    let path: &Path = &file.path;
    let input =
        Input { path: Some(path), bytes: &file.bytes, kind: None, around: Surroundings::default(), whole: true, banner: None };
    let survey = Survey::new(run, input);
    let seen = Seen { credentials: &credentials, facts: &facts };
    let judgement = assess::judge(&survey, seen, SCANNER.rules(), Tracked::Yes);
    let findings = judgement.outcomes.len();
    assert!(findings >= file.findings, "{}: {findings} findings", file.path.display());
    findings
}

fn bytes() -> BytesCount {
    BytesCount::new(TREE.iter().map(|file| file.bytes.len()).sum::<usize>())
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn scan(bencher: Bencher<'_, '_>) {
    bencher.counter(bytes()).bench(|| TREE.iter().map(|file| scanned(file).len()).sum::<usize>());
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn scan_and_judge(bencher: Bencher<'_, '_>) {
    let declared = Declared::default();
    bencher.counter(bytes()).bench(|| TREE.iter().map(|file| judged(&declared, file)).sum::<usize>());
}

/// The best of some runs: what else runs on the machine only ever adds time.
fn best(mut run: impl FnMut() -> usize) -> Duration {
    let times = (0..9).map(|_| {
        let start = Instant::now();
        black_box(run());
        start.elapsed()
    });
    times.min().unwrap_or(Duration::ZERO)
}

#[expect(clippy::print_stdout, reason = "a bench says what it measured")]
fn compare() {
    // `cargo test --benches` asks whether it runs, not how fast.
    if !env::args().any(|argument| argument == "--bench") {
        return;
    }
    let declared = Declared::default();
    for number in 0..=SORTS.len() {
        let files = sort(number);
        let scan = best(|| files.iter().map(|file| scanned(file).len()).sum());
        let both = best(|| files.iter().map(|file| judged(&declared, file)).sum());
        let ratio = both.as_secs_f64() / scan.as_secs_f64();
        let all = number == SORTS.len();
        let name = if all { "all".into() } else { files[0].path.display().to_string() };
        print!("{name}: scan {scan:?}, scan and judge {both:?}: {ratio:.2}x");
        match (instructions("scan", number), instructions("judge", number)) {
            (Some(scan), Some(both)) => {
                let thousandths = both * 1000 / scan;
                println!(", {}.{:03}x in instructions ({scan}, {both})", thousandths / 1000, thousandths % 1000);
            }
            _ => println!(),
        }
        assert!(!all || ratio <= DEAREST, "judging makes it {ratio:.2} times as dear, at most {DEAREST}");
    }
}
