//! The program as a process: what goes in by arguments, files and pipes, what comes out on two
//! streams, and the exit code.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::plant::{Tree, expand};

/// A critical finding wherever it stands but in rules.
const LIVE: &str = "sk_live_{base62:24}";
/// A low one, in source code.
const SANDBOX: &str = "sk_test_{base62:24}";
/// A high one: its environment is not known.
const HOOK: &str = "whsec_{base62:32}";

/// How the program ended and what it said.
#[derive(Debug)]
struct Run {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Run {
    fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Every line of `--format jsonl`, by the contract.
    fn lines(&self) -> Vec<Line> {
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(read).collect()
    }

    fn findings(&self) -> Vec<FindingLine> {
        let finding = |line| if let Line::Finding(finding) = line { Some(*finding) } else { None };
        self.lines().into_iter().filter_map(finding).collect()
    }

    fn summary(&self) -> SummaryLine {
        match self.lines().pop() {
            Some(Line::Summary(summary)) => summary,
            other => panic!("the last line is no summary: {other:?}, {self:?}"),
        }
    }

    fn skipped(&self) -> Vec<(String, String)> {
        let skipped = |line| if let Line::Skipped(skipped) = line { Some((skipped.path, skipped.why)) } else { None };
        self.lines().into_iter().filter_map(skipped).collect()
    }

    /// Panics where eight bytes of the key's body were printed.
    fn keeps(&self, key: &str) {
        let body = &key.as_bytes()[key.rfind('_').map_or(0, |at| at + 1)..];
        for eight in body.windows(8) {
            let eight = std::str::from_utf8(eight).unwrap();
            assert!(!self.stdout.contains(eight) && !self.stderr.contains(eight), "{eight} of a key: {self:?}");
        }
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        let run = Self { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!run.stderr.contains("panicked"), "{run:?}");
        run
    }
}

// The contract of ARCHITECTURE.md §3 as a consumer would write it down.

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line {
    Finding(Box<FindingLine>),
    Skipped(SkippedLine),
    Summary(SummaryLine),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that they are there is the test")]
struct FindingLine {
    kind: String,
    severity: String,
    confidence: String,
    rule: String,
    provider: Option<String>,
    candidates: Option<Vec<String>>,
    class: Option<String>,
    environment: String,
    moves_funds: bool,
    masked: String,
    fingerprint: Option<String>,
    path: String,
    line: Option<u64>,
    column: Option<u64>,
    end_line: Option<u64>,
    end_column: Option<u64>,
    offset: usize,
    length: usize,
    view: String,
    tracked: Option<bool>,
    place: PlacePart,
    because: Vec<BecausePart>,
    #[serde(default)]
    related: Vec<RelatedPart>,
    correlation: Option<std::collections::BTreeMap<String, String>>,
    excerpt: String,
    remediation: String,
    checklist: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that they are there is the test")]
struct RelatedPart {
    path: String,
    line: Option<u64>,
    why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that they are there is the test")]
struct PlacePart {
    environment: String,
    kind: String,
    confidence: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that they are there is the test")]
struct BecausePart {
    fact: String,
    line: Option<u64>,
    weight: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SkippedLine {
    path: String,
    why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SummaryLine {
    schema: u32,
    version: String,
    rules: String,
    files: u64,
    bytes: u64,
    #[expect(dead_code, reason = "that nothing else is there is the test")]
    members: Option<u64>,
    #[expect(dead_code, reason = "that nothing else is there is the test")]
    unpacked: Option<u64>,
    excluded: u64,
    skipped: u64,
    findings: CountsPart,
    suppressed: u64,
    sites: SitesPart,
    complete: bool,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct CountsPart {
    critical: u64,
    high: u64,
    medium: u64,
    low: u64,
    notice: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SitesPart {
    resolved: u64,
    place_unknown: u64,
    credential_unknown: u64,
    conflicting: u64,
}

/// The keys of one line, in the order in which they stand.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Keys;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// The program, to be run in the tree without the settings of whoever runs the tests.
fn program(tree: &Tree) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyfence"));
    command.current_dir(tree.path()).stdin(Stdio::null());
    for inherited in ["NO_COLOR", "CLICOLOR_FORCE", "KEYFENCE_CONFIG", "XDG_CONFIG_HOME"] {
        command.env_remove(inherited);
    }
    command.env("HOME", tree.path().with_file_name("home"));
    command
}

fn run(tree: &Tree, args: &[&str]) -> Run {
    program(tree).args(args).output().expect("keyfence starts").into()
}

/// Runs with chunks on standard input, each written by itself.
fn run_with(tree: &Tree, args: &[&str], chunks: &[&[u8]]) -> Run {
    let mut command = program(tree);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("keyfence starts");
    let mut stdin = child.stdin.take().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || chunks.iter().try_for_each(|chunk| stdin.write_all(chunk)));
        child.wait_with_output().unwrap().into()
    })
}

fn jsonl(tree: &Tree, args: &[&str]) -> Run {
    run(tree, &[&["scan", "-f", "jsonl"], args].concat())
}

/// A tree of two files: one without a key, one with a live key.
fn leaky() -> (Tree, String) {
    let tree = Tree::new();
    tree.file("README.md", "nothing here\n");
    tree.file("src/pay.py", LIVE);
    let key = expand(LIVE, "src/pay.py");
    (tree, key)
}

/// What is typed in a tree of four files and an empty folder, and how it ends.
const EXITS: &[(&str, i32)] = &[
    ("scan clean.txt", 0),
    ("scan critical.py", 1),
    ("scan high.py", 1),
    ("scan low.py", 0),
    ("scan", 1),
    ("dir low.py", 0),
    ("", 1),
    ("scan empty", 0),
    // The gate.
    ("scan --fail-on low low.py", 1),
    ("scan --fail-on critical high.py", 0),
    ("scan --exit-code 42 critical.py", 42),
    ("scan --exit-code 42 clean.txt", 0),
    ("scan --exit-code 0 critical.py", 0),
    ("scan --min-severity critical high.py", 1),
    ("scan --min-confidence strong high.py", 1),
    // What cannot be read.
    ("scan nowhere", 3),
    ("scan nowhere clean.txt", 3),
    ("scan nowhere critical.py", 1),
    ("scan nowhere low.py", 3),
    ("scan nowhere --allow-incomplete", 0),
    ("scan nowhere --allow-incomplete critical.py", 1),
    ("scan nowhere --exit-code 42", 3),
    // Mistakes.
    ("scan --nope", 2),
    ("nope", 2),
    ("scan -f nope clean.txt", 2),
    ("scan -f jsonl -f text clean.txt", 2),
    ("scan -f text:a -f jsonl:b -o c clean.txt", 2),
    ("scan --fail-on worse clean.txt", 2),
    ("scan --min-severity worse clean.txt", 2),
    ("scan --min-confidence some clean.txt", 2),
    ("scan --as cellar clean.txt", 2),
    ("scan --exclude [a clean.txt", 2),
    ("scan -j 0 clean.txt", 2),
    ("scan --exit-code 256 clean.txt", 2),
    ("scan -j 512 clean.txt", 0),
    // So many threads would be started before anything is read.
    ("scan -j 513 clean.txt", 2),
    ("scan --rule nope clean.txt", 2),
    ("scan --exclude-rule nope clean.txt", 2),
    ("scan --rules nowhere.toml clean.txt", 2),
    ("scan --fp-key-file nowhere clean.txt", 2),
    ("scan -o empty/none/report clean.txt", 2),
    ("rules", 2),
    ("rules test nowhere.toml", 2),
    ("explain nope", 2),
    // Help.
    ("--help", 0),
    ("scan -h", 0),
    ("--version", 0),
    ("rules list", 0),
    ("explain stripe-secret-key", 0),
    ("explain hardcoded-secret", 0),
];

#[test]
fn every_kind_of_exit_has_its_code() {
    let tree = Tree::new();
    fs::create_dir(tree.path().join("empty")).unwrap();
    tree.file("clean.txt", "nothing here\n");
    for (path, template) in [("critical.py", LIVE), ("high.py", HOOK), ("low.py", SANDBOX)] {
        tree.file(path, template);
    }
    for &(command, code) in EXITS {
        let args: Vec<&str> = command.split_whitespace().collect();
        let run = run(&tree, &args);
        assert_eq!(run.code(), Some(code), "keyfence {command}: {run:?}");
        assert_eq!(
            run.stderr.is_empty(),
            code != 2,
            "keyfence {command}: a mistake, and nothing else, is complained of: {run:?}"
        );
        assert!(code != 2 || run.stdout.is_empty(), "keyfence {command}: {run:?}");
    }
}

/// Full: a report that cannot be written is not a clean scan.
#[test]
#[cfg(target_os = "linux")]
fn a_report_that_cannot_be_written_is_no_success() {
    let (tree, _) = leaky();
    let run = run(&tree, &["scan", "README.md", "-o", "/dev/full"]);
    assert_eq!(run.code(), Some(3), "{run:?}");
    assert!(run.stderr.starts_with("error: "), "{run:?}");
}

#[test]
fn the_summary_counts_exactly() {
    let tree = Tree::new();
    tree.git(&["init", "-q"]);
    tree.file(".gitignore", "ignored.txt\n/build/\n.env\n");
    tree.file("a.txt", "12345");
    tree.file("empty.txt", "");
    tree.file("src/pay.py", LIVE);
    tree.file("src/hook.py", &format!("{HOOK}\n"));
    tree.file("src/allowed.py", &format!("{LIVE} # keyfence:allow[hardcoded-secret] reason=\"a drill\"\n"));
    tree.file("ignored.txt", LIVE);
    tree.file("build/a", LIVE);
    tree.file("build/b/c", LIVE);
    tree.file(".env", LIVE);
    let read = [".gitignore", "a.txt", "empty.txt", "src/pay.py", "src/hook.py", "src/allowed.py", ".env", ".git/config"];
    let bytes = read.iter().map(|path| fs::metadata(tree.path().join(path)).unwrap().len()).sum();
    let run = jsonl(&tree, &[".", "nowhere"]);
    let summary = run.summary();
    assert_eq!((summary.files, summary.bytes), (8, bytes), "{run:?}");
    // `.git`, `ignored.txt` and `build`, which counts once.
    assert_eq!((summary.excluded, summary.skipped, summary.suppressed, summary.complete), (3, 1, 1, false), "{run:?}");
    assert_eq!(summary.findings, CountsPart { critical: 1, high: 1, ..CountsPart::default() });
    assert_eq!(run.skipped(), [("nowhere".to_owned(), "missing".to_owned())]);
    assert_eq!((summary.schema, summary.version.as_str()), (1, env!("CARGO_PKG_VERSION")));
    assert!(summary.rules.len() >= 8, "{summary:?}");
    // The allowed key counts too; the ignored one is a secret in its place.
    let SitesPart { resolved, place_unknown, credential_unknown, conflicting } = summary.sites;
    assert_eq!((resolved, place_unknown, credential_unknown, conflicting), (0, 3, 1, 0), "{run:?}");
}

#[test]
fn json_lines_keep_the_order_of_the_contract() {
    let order = "type kind severity confidence rule provider candidates class environment moves_funds masked fingerprint path \
                 line column end_line end_column offset length view tracked commit author_time in_head place because related \
                 correlation excerpt remediation checklist why schema version rules files bytes excluded skipped findings \
                 suppressed sites complete";
    let order: Vec<_> = order.split_whitespace().collect();
    let (tree, _) = leaky();
    tree.git(&["init", "-q"]);
    tree.file("keyfile", "{hex:64}");
    let run = jsonl(&tree, &[".", "nowhere", "--fp-key-file", "keyfile"]);
    for line in run.stdout.lines() {
        let Keys(keys) = serde_json::from_str(line).unwrap();
        let places: Vec<_> = keys.iter().map(|key| order.iter().position(|name| name == key).unwrap()).collect();
        assert!(places.is_sorted(), "{keys:?}");
        assert!(!line.contains("null"), "absent rather than null: {line}");
    }
    let finding = &run.findings()[0];
    assert!(finding.fingerprint.as_ref().is_some_and(|print| print.starts_with("kf1:")), "{finding:?}");
    assert_eq!(finding.path, "src/pay.py");
    assert_eq!((finding.line, finding.column, finding.end_line, finding.end_column), (Some(1), Some(1), Some(1), Some(33)));
    assert_eq!((finding.offset, finding.length, finding.tracked), (0, 32, Some(false)));
    assert_eq!((finding.masked.as_str(), finding.excerpt.as_str()), ("sk_live_…(32)", "sk_live_…(32)"));
}

#[test]
fn a_fingerprint_without_a_key_file_is_not_printed() {
    let (tree, _) = leaky();
    assert_eq!(jsonl(&tree, &[]).findings()[0].fingerprint, None);
}

/// What git says of a file decides whether a secret in it is a leak.
#[test]
fn tracked_ignored_and_named_files() {
    let tree = Tree::new();
    tree.git(&["init", "-q"]);
    tree.file(".gitignore", "*.txt\n.env*\n*.log\n/out/\n");
    for path in ["tracked.txt", "ignored.txt", ".env", "committed/.env", "app.log", "out/a.py", "out/.env"] {
        tree.file(path, LIVE);
    }
    tree.git(&["add", "-f", "tracked.txt", "committed/.env"]);
    let paths = |args: &[&str]| jsonl(&tree, args).findings().into_iter().map(|finding| finding.path).collect::<Vec<_>>();
    assert_eq!(paths(&[]), ["committed/.env", "tracked.txt"]);
    // Read, and judged as what git keeps out.
    let ledger = jsonl(&tree, &[".env"]).summary();
    assert_eq!((ledger.files, ledger.findings), (1, CountsPart::default()));
    // A log is a log; where it is named it is read.
    assert_eq!(paths(&["app.log"]), ["app.log"]);
    assert_eq!(jsonl(&tree, &["ignored.txt"]).summary().files, 1);
    assert_eq!(jsonl(&tree, &["out"]).summary().files, 2);
    let all = paths(&["--no-ignore"]);
    assert!(all.contains(&"out/a.py".to_owned()) && all.contains(&"ignored.txt".to_owned()), "{all:?}");
    assert_eq!(paths(&["--exclude", "*.txt"]), ["committed/.env"]);
    for path in ["tracked.txt", "committed/.env"] {
        let run = jsonl(&tree, &[path]);
        assert_eq!((run.code(), run.findings()[0].tracked), (Some(1), Some(true)), "{run:?}");
    }
}

#[test]
fn a_named_path_is_reported_as_it_was_typed() {
    let (tree, _) = leaky();
    let absolute = tree.path().join("src/pay.py");
    for (typed, shown) in [
        ("src/pay.py", "src/pay.py"),
        ("src", "src/pay.py"),
        ("src/", "src/pay.py"),
        ("./src", "./src/pay.py"),
        (".", "src/pay.py"),
        ("./", "src/pay.py"),
        ("src/../src", "src/../src/pay.py"),
        (absolute.to_str().unwrap(), absolute.to_str().unwrap()),
    ] {
        assert_eq!(jsonl(&tree, &[typed]).findings()[0].path, shown, "{typed}");
    }
    assert_eq!(jsonl(&tree, &["src", "src/pay.py", "."]).findings().len(), 1, "each file is read once");
}

#[test]
fn findings_are_in_order_whatever_the_threads() {
    let tree = Tree::new();
    for folder in 0..12 {
        for file in 0..30 {
            tree.file(&format!("d{folder}/f{file}.py"), &format!("{LIVE} {SANDBOX}\n\n{HOOK}\n"));
        }
    }
    let one = jsonl(&tree, &["-j", "1"]);
    let four = jsonl(&tree, &["-j", "4"]);
    // Three secrets, and that live and sandbox are mixed.
    assert_eq!(one.findings().len(), 4 * 360);
    assert_eq!(one.stdout, four.stdout);
    let keys: Vec<_> = one.findings().into_iter().map(|finding| (finding.path, finding.offset)).collect();
    assert!(keys.is_sorted());
}

#[test]
fn many_keys_in_a_large_file_are_each_found_once() {
    let tree = Tree::new();
    let filler = "the quick brown fox jumps over the lazy dog, again and again and again, until the page is full\n";
    let mut text = String::new();
    let mut expected = Vec::new();
    for number in 0..20_000 {
        let indent = number % 90;
        text.push_str(&filler.repeat(10));
        text.push_str(&" ".repeat(indent));
        expected.push((text.len(), (11 * (number + 1)) as u64, indent as u64 + 1));
        text.push_str(&expand(LIVE, &number.to_string()));
        text.push('\n');
    }
    assert!(text.len() > 19 << 20);
    fs::write(tree.path().join("large.py"), &text).unwrap();
    let found = jsonl(&tree, &["large.py"]).findings();
    let found: Vec<_> = found.iter().map(|one| (one.offset, one.line.unwrap(), one.column.unwrap())).collect();
    assert_eq!(found.len(), expected.len());
    assert_eq!(found, expected);
}

/// Where windows begin and end must not matter, nor how long a line is.
#[test]
#[cfg(target_os = "linux")]
fn one_line_of_64_mib_is_scanned_in_bounded_memory() {
    const MIB: usize = 1 << 20;
    let tree = Tree::new();
    let mut line = b"x, ".repeat(64 * MIB / 3 + 1);
    let mut expected = Vec::new();
    // A window is judged up to 16 KiB before its end, the first ends at 8 MiB, each further one 1 MiB on.
    for window in 0..56 {
        for (edge, shift) in [(8 * MIB - 16 * 1024 + window * MIB, window), (8 * MIB + window * MIB, window)] {
            let key = expand(LIVE, &edge.to_string());
            let at = edge + 8 - shift;
            line[at - 1] = b' ';
            line[at..at + key.len()].copy_from_slice(key.as_bytes());
            line[at + key.len()] = b' ';
            expected.push(at);
        }
    }
    expected.sort_unstable();
    fs::write(tree.path().join("line.py"), &line).unwrap();
    let mut command = program(&tree);
    command.args(["scan", "-f", "jsonl:out.jsonl", "-j", "1", "line.py"]);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let now = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = now.unwrap_or(0).max(peak);
        thread::sleep(Duration::from_millis(2));
    }
    let stdout = fs::read_to_string(tree.path().join("out.jsonl")).unwrap();
    let run = Run { status: child.wait().unwrap(), stdout, stderr: String::new() };
    let found: Vec<_> = run.findings().iter().map(|finding| finding.offset).collect();
    assert_eq!(found, expected);
    assert!(run.findings().iter().all(|finding| finding.line == Some(1) && finding.column == Some(finding.offset as u64 + 1)));
    assert!((1..48 * 1024).contains(&peak), "{peak} KiB at most");
}

#[test]
#[cfg(unix)]
fn links_are_not_followed_and_loops_end() {
    let (tree, _) = leaky();
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, tree.path().join(name)).unwrap();
    link(".", "src/loop");
    link("../src", "src/up");
    link("b", "a");
    link("a", "b");
    link("/etc", "outside");
    link("src/pay.py", "again.py");
    let run = jsonl(&tree, &[]);
    assert_eq!((run.code(), run.findings().len()), (Some(1), 1), "{run:?}");
    // Both halves of the loop and the link out of the tree; the others lead to what is read anyway.
    assert_eq!(run.summary().excluded, 3, "{run:?}");
    let named = jsonl(&tree, &["a", "again.py"]);
    assert_eq!(named.skipped().len(), 1, "{named:?}");
    assert_eq!(named.findings()[0].path, "again.py");
    assert_eq!(jsonl(&tree, &["src/up"]).findings()[0].path, "src/up/pay.py");
}

#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_read_is_listed_and_the_rest_is_scanned() {
    use std::os::unix::fs::PermissionsExt;
    let (tree, _) = leaky();
    // Opens, but gives an error for every read, also to root.
    let run = jsonl(&tree, &["/proc/self/mem", "src"]);
    assert_eq!((run.code(), run.findings().len(), run.skipped().len()), (Some(1), 1, 1), "{run:?}");
    assert!(run.skipped()[0].1.starts_with("unreadable: "), "{run:?}");
    assert_eq!(jsonl(&tree, &["/proc/self/mem", "README.md"]).code(), Some(3));
    tree.file("sealed/file", LIVE);
    let paths = [tree.file("locked.txt", LIVE), tree.path().join("sealed")];
    let allow = |mode| paths.iter().for_each(|path| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap());
    allow(0);
    // Root reads everything, unless it gives up the right to.
    let mut command = program(&tree);
    if fs::read(&paths[0]).is_ok() {
        command = Command::new("setpriv");
        let weaker = "--bounding-set=-dac_override,-dac_read_search";
        command.args([weaker, env!("CARGO_BIN_EXE_keyfence")]).current_dir(tree.path());
    }
    let output = command.args(["scan", "-f", "jsonl", "."]).output();
    allow(0o700);
    let Ok(output) = output else { return };
    let run = Run::from(output);
    let denied = |path: &str| (path.to_owned(), "unreadable: permission denied".to_owned());
    assert_eq!((run.code(), run.skipped()), (Some(1), vec![denied("locked.txt"), denied("sealed")]), "{run:?}");
    assert_eq!((run.findings().len(), run.summary().complete), (1, false), "{run:?}");
}

#[test]
#[cfg(unix)]
fn pipes_and_sockets() {
    let (tree, key) = leaky();
    let socket = tree.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let fifo = tree.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    // Met on the way they are passed by, and nothing waits.
    let met = jsonl(&tree, &[]);
    assert_eq!((met.findings().len(), met.summary().excluded, met.summary().complete), (1, 2, true), "{met:?}");
    // Named, a socket cannot be read and a FIFO is read like standard input.
    assert_eq!(jsonl(&tree, &["socket"]).skipped(), [("socket".to_owned(), "a socket".to_owned())]);
    assert_eq!(jsonl(&tree, &["socket", "/dev/null"]).code(), Some(3));
    let writer = thread::spawn(move || fs::write(fifo, format!("token = {key}\n")));
    let read = jsonl(&tree, &["fifo"]);
    writer.join().unwrap().unwrap();
    assert_eq!((read.code(), read.findings()[0].offset), (Some(1), 8), "{read:?}");
    let stdin = run_with(&tree, &["scan", "-f", "jsonl", "/dev/stdin"], &[expand(LIVE, "x").as_bytes()]);
    assert_eq!((stdin.code(), stdin.findings().len()), (Some(1), 1), "{stdin:?}");
}

/// Files and folders that come and go are skipped or not, but never a crash.
#[test]
fn a_tree_that_changes_under_the_scan() {
    let (tree, _) = leaky();
    let stop = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        let (tree, stop) = (&tree, &stop);
        scope.spawn(move || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                for number in 0..40 {
                    let _ = fs::create_dir_all(tree.path().join(format!("gone/{number}/deep")));
                    let _ = fs::write(tree.path().join(format!("gone/{number}/deep/file")), "text");
                }
                let _ = fs::remove_dir_all(tree.path().join("gone"));
            }
        });
        for _ in 0..12 {
            let run = jsonl(tree, &["."]);
            assert_eq!((run.code(), run.findings().len()), (Some(1), 1), "{run:?}");
            assert!(run.skipped().iter().all(|(path, _)| path.starts_with("gone")), "{run:?}");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
#[cfg(target_os = "linux")]
fn names_and_content_that_are_no_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let tree = Tree::new();
    let key = expand(LIVE, "x");
    let content = [b"\xff\xfe\xc3( ", key.as_bytes(), b"\xff \x80\n"].concat();
    let name = std::ffi::OsStr::from_bytes(b"bad\xff\x1b[31mname.py");
    fs::write(tree.path().join(name), content).unwrap();
    for format in ["text", "jsonl"] {
        let run = run(&tree, &["scan", "-f", format]);
        assert_eq!(run.code(), Some(1), "{run:?}");
        assert!(!run.stdout.contains('\u{1b}') && run.stdout.contains("sk_live_…(32)"), "{run:?}");
        run.keeps(&key);
    }
    let finding = &jsonl(&tree, &[]).findings()[0];
    assert_eq!((finding.offset, finding.column), (5, Some(6)), "{finding:?}");
}

#[test]
fn a_file_named_like_a_key_is_a_finding() {
    let tree = Tree::new();
    let key = expand(LIVE, "x");
    tree.file(&format!("dump/{key}.txt"), "nothing here\n");
    for format in ["text", "jsonl"] {
        let run = run(&tree, &["scan", "-f", format]);
        assert_eq!(run.code(), Some(1), "{run:?}");
        run.keeps(&key);
    }
    let run = jsonl(&tree, &[]);
    let finding = &run.findings()[0];
    assert_eq!((finding.view.as_str(), finding.line, finding.path.as_str()), ("path", None, "dump/sk_live_…(32).txt"), "{run:?}");
}

#[test]
fn a_key_on_the_command_line_is_not_repeated() {
    let tree = Tree::new();
    tree.file("clean.txt", "nothing here\n");
    let key = expand(LIVE, "x");
    let flag = format!("--{key}");
    let (output, format) = (format!("none/{key}"), format!("jsonl:none/{key}"));
    run(&tree, &["scan", &format!("--api-key={key}")]).keeps(&key);
    for args in [
        &[key.as_str()][..],
        &["scan", &flag],
        &["scan", &key],
        &["scan", &key, "-q"],
        &["scan", &key, "-f", "jsonl"],
        &["scan", "-f", &key],
        &["scan", "-f", &format],
        &["scan", "-o", &output],
        &["scan", "--fail-on", &key],
        &["scan", "--color", &key],
        &["scan", "-j", &key],
        &["scan", "--as", &key],
        &["scan", "--rule", &key],
        &["scan", "--rules", &key],
        &["scan", "--exclude", &format!("[{key}")],
        &["scan", "--fp-key-file", &key],
        &["rules", "test", &key],
        &["rules", &key],
        &["explain", &key],
    ] {
        let run = run(&tree, args);
        assert!(matches!(run.code(), Some(2 | 3)), "{args:?}: {run:?}");
        assert!(run.stdout.contains("sk_live_…") || run.stderr.contains("sk_live_…"), "{args:?}: {run:?}");
        run.keeps(&key);
    }
}

#[test]
fn an_allow_covers_what_it_names_and_hides_no_other() {
    let tree = Tree::new();
    let allow = "keyfence:allow[stripe-secret-key] reason=\"a drill\"";
    tree.file("two.py", &format!("a = '{LIVE}'; b = '{HOOK}' # {allow}\n"));
    let text = fs::read_to_string(tree.path().join("two.py")).unwrap();
    let keys: Vec<_> = text.split('\'').filter(|part| part.len() > 20 && !part.contains(' ')).collect();
    let found = jsonl(&tree, &[]);
    assert_eq!(found.findings().len(), 1, "{found:?}");
    assert_eq!((found.findings()[0].rule.as_str(), found.summary().suppressed), ("stripe-webhook-secret", 1), "{found:?}");
    for args in [&["scan"][..], &["scan", "-f", "jsonl"], &["scan", "-q"]] {
        let run = run(&tree, args);
        for key in &keys {
            run.keeps(key);
        }
    }
    assert_eq!(jsonl(&tree, &["--no-inline-allow"]).findings().len(), 2);
}

#[test]
fn an_allow_that_does_not_count_is_a_warning_and_a_finding() {
    let reason = "reason=\"a drill\"";
    for (allow, why) in [
        ("keyfence:allow".to_owned(), "names its rule or kind"),
        (format!("keyfence:allow[] {reason}"), "names its rule or kind"),
        ("keyfence:allow[hardcoded-secret]".to_owned(), "gives a reason"),
        (format!("keyfence:allow[hardcoded-secret] {reason} until=soon"), "wants a date"),
        (format!("keyfence:allow[hardcoded-secret] {reason} until=2001-02-03"), "ended on 2001-02-03"),
    ] {
        let tree = Tree::new();
        tree.file("a.py", &format!("\n{LIVE} # {allow}\n"));
        let run = jsonl(&tree, &[]);
        assert_eq!((run.code(), run.findings().len(), run.summary().suppressed), (Some(1), 1, 0), "{allow}: {run:?}");
        assert!(run.stderr.starts_with("warning: a.py:2: ") && run.stderr.contains(why), "{allow}: {run:?}");
    }
}

/// Whoever writes a log could write an allow into it.
#[test]
fn no_allow_counts_in_logs_and_streams() {
    let tree = Tree::new();
    let line = format!("{LIVE} # keyfence:allow[stripe-secret-key] reason=\"a drill\"\n");
    tree.file("app.log", &line);
    tree.file("fine.py", &line);
    let run = jsonl(&tree, &[]);
    assert_eq!(run.findings().iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(), ["app.log"], "{run:?}");
    let stdin = run_with(&tree, &["scan", "-", "-f", "jsonl", "--name", "fine.py"], &[expand(&line, "x").as_bytes()]);
    assert_eq!((stdin.code(), stdin.findings().len()), (Some(1), 1), "{stdin:?}");
}

/// A rule file of a team of its own.
const ACME: &str = r#"
[provider]
id = "acme"
name = "Acme"

[[rule]]
id = "acme-key"
title = "Acme key"
class = "standard-api-key"
environment = { live = "live", sandbox = "demo" }
format = 'acme_(?<env>live|demo)_[0-9A-Za-z]{32}'
remediation = "Ask Acme."
examples = [ { text = 'K=acme_live_{base62:32}' }, { text = 'K=acme_demo_{base62:32}' } ]
counter_examples = [ { text = 'K=acme_live_{base62:31}', because = "short" }, { text = 'K=acme_{base62:32}', because = "none" } ]
"#;

#[test]
fn rules_of_a_file_are_added() {
    let (tree, _) = leaky();
    fs::write(tree.path().join("acme.rules"), ACME).unwrap();
    tree.file("acme.py", "acme_live_{base62:32}\n");
    let rules = |args: &[&str]| jsonl(&tree, args).findings().into_iter().map(|finding| finding.rule).collect::<Vec<_>>();
    assert_eq!(rules(&[]), ["stripe-secret-key"]);
    assert_eq!(rules(&["--rules", "acme.rules"]), ["acme-key", "stripe-secret-key"]);
    assert_eq!(rules(&["--rules", "acme.rules", "--rule", "acme-key"]), ["acme-key"]);
    assert_eq!(rules(&["--rules", "acme.rules", "--exclude-rule", "acme-key"]), ["stripe-secret-key"]);
    let explained = run(&tree, &["explain", "acme-key", "--rules", "acme.rules"]);
    assert!(explained.stdout.starts_with("acme-key: Acme key\n"), "{explained:?}");
    let listed = run(&tree, &["rules", "list", "--rules", "acme.rules"]);
    assert!(listed.stdout.contains("\n    acme-key "), "{listed:?}");
}

#[test]
fn a_rule_file_with_a_mistake_stops_everything() {
    let (tree, _) = leaky();
    for (right, wrong, why) in [
        ("remediation", "checks = [\"lunh\"]\nremediation", "acme.rules: acme-key: checks: "),
        ("{32}'", "+'", "acme.rules: acme-key: format: "),
        ("title", "titel", "unknown field `titel`"),
        ("\"acme-key\"", "\"other-key\"", "acme.rules: other-key: id: "),
        ("\"acme", "\"stripe-secret", "acme.rules: stripe-secret-key: id: another rule has the same id"),
        ("[provider]", "[provider", "acme.rules"),
    ] {
        fs::write(tree.path().join("acme.rules"), ACME.replace(right, wrong)).unwrap();
        let run = jsonl(&tree, &["--rules", "acme.rules"]);
        assert_eq!((run.code(), run.stdout.as_str()), (Some(2), ""), "{wrong}: {run:?}");
        assert!(run.stderr.starts_with("error: ") && run.stderr.contains(why), "{wrong}: {run:?}");
    }
}

#[test]
fn an_unknown_rule_gets_a_suggestion() {
    let (tree, _) = leaky();
    for flag in ["--rule", "--exclude-rule"] {
        let run = run(&tree, &["scan", flag, "stripe-secret"]);
        assert_eq!((run.code(), run.stdout.as_str()), (Some(2), ""), "{run:?}");
        assert!(run.stderr.contains("did you mean stripe-secret-key?"), "{run:?}");
    }
}

#[test]
fn several_reports_of_one_scan() {
    let (tree, _) = leaky();
    let both = run(&tree, &["scan", "src", "-f", "text", "-f", "jsonl:out.jsonl"]);
    assert!(both.stdout.contains("src/pay.py:1:1"), "{both:?}");
    let written = fs::read_to_string(tree.path().join("out.jsonl")).unwrap();
    fs::remove_file(tree.path().join("out.jsonl")).unwrap();
    assert_eq!(written, jsonl(&tree, &["src"]).stdout);
    let only = run(&tree, &["scan", "src", "-f", "jsonl", "-o", "o.jsonl"]);
    assert_eq!((only.code(), only.stdout.as_str()), (Some(1), ""));
    assert_eq!(fs::read_to_string(tree.path().join("o.jsonl")).unwrap(), written);
}

#[test]
fn colours_only_where_they_are_wanted() {
    let (tree, _) = leaky();
    let escapes = |args: &[&str], variable: Option<(&str, &str)>| {
        let mut command = program(&tree);
        let run: Run = command.args(["scan"]).args(args).envs(variable).output().unwrap().into();
        run.stdout.contains('\u{1b}') || run.stderr.contains('\u{1b}')
    };
    assert!(!escapes(&[], None), "a pipe");
    assert!(!escapes(&["--nope"], None), "a mistake, into a pipe");
    assert!(escapes(&["--color", "always"], None));
    assert!(escapes(&["--color", "always"], Some(("NO_COLOR", "1"))), "a flag is nearer than a variable");
    assert!(!escapes(&["--color", "never"], Some(("CLICOLOR_FORCE", "1"))));
    assert!(!escapes(&["-f", "jsonl", "--color", "always"], None), "a report for programs");
    run(&tree, &["scan", "--color", "always", "-o", "report.txt"]);
    assert!(!fs::read(tree.path().join("report.txt")).unwrap().contains(&0x1b), "a file");
}

#[test]
#[cfg(unix)]
fn a_closed_pipe_ends_the_program_as_sigpipe() {
    use std::os::unix::process::ExitStatusExt;
    let (tree, _) = leaky();
    for args in [
        &["scan"][..],
        &["scan", "-q"],
        &["scan", "-f", "jsonl"],
        &["rules", "list"],
        &["explain", "hardcoded-secret"],
        &["--help"],
    ] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let run = Run::from(program(&tree).args(args).stdout(writer).output().unwrap());
        assert_eq!((run.status.signal(), run.stderr.as_str()), (Some(13), ""), "{args:?}: {run:?}");
    }
    let script = format!("'{}' scan -f jsonl | head -n 1", env!("CARGO_BIN_EXE_keyfence"));
    let output = Command::new("sh").args(["-c", &script]).current_dir(tree.path()).stdin(Stdio::null()).output().unwrap();
    let run = Run::from(output);
    assert_eq!((run.code(), run.stdout.lines().count(), run.stderr.as_str()), (Some(0), 1, ""), "{run:?}");
}

#[test]
fn hidden_findings_still_block() {
    let tree = Tree::new();
    tree.file("low.py", SANDBOX);
    let hidden = jsonl(&tree, &["--min-severity", "high", "--fail-on", "low"]);
    assert_eq!((hidden.code(), hidden.findings().len()), (Some(1), 0), "{hidden:?}");
    let shown = jsonl(&tree, &[]);
    assert_eq!((shown.code(), shown.summary().findings), (Some(0), CountsPart { low: 1, ..CountsPart::default() }), "{shown:?}");
}

#[test]
fn quiet_is_one_line_for_each_finding() {
    let (tree, key) = leaky();
    let run = run(&tree, &["scan", "-q"]);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert!(lines[0].starts_with("src/pay.py:1:1: critical: "), "{run:?}");
    assert_eq!((lines.len(), run.stderr.as_str()), (2, ""), "{run:?}");
    run.keeps(&key);
}

#[test]
fn standard_input_is_a_log_or_a_file() {
    let tree = Tree::new();
    let records = "2026-03-12T09:11:07Z INFO all is well\n".repeat(40);
    let leak = format!("2026-03-12T09:12:00Z DEBUG authorization: Bearer {LIVE}");
    let log = expand(&format!("{records}{leak}\n{records}"), "x");
    let args = ["scan", "-", "-f", "jsonl"];
    let kinds = |chunks: &[&[u8]], more: &[&str]| {
        let run = run_with(&tree, &[&args, more].concat(), chunks);
        run.findings().into_iter().map(|finding| (finding.kind, finding.line.unwrap(), finding.path)).collect::<Vec<_>>()
    };
    let at = |kind: &str, line, path: &str| vec![(kind.to_owned(), line, path.to_owned())];
    assert_eq!(kinds(&[log.as_bytes()], &[]), at("live-key-in-log", 41, "-"));
    let text = expand(&format!("import pay\npay.key = '{LIVE}'"), "x");
    assert_eq!(kinds(&[text.as_bytes()], &[]), at("hardcoded-secret", 2, "-"), "no newline at the end");
    assert_eq!(kinds(&[text.as_bytes()], &["--name", "a/b.log"]), at("live-key-in-log", 2, "a/b.log"));
    assert_eq!(kinds(&[text.as_bytes()], &["--as", "log"]), at("live-key-in-log", 2, "-"));
    let bytes: Vec<_> = text.as_bytes().chunks(1).collect();
    assert_eq!(kinds(&bytes, &[]), at("hardcoded-secret", 2, "-"), "a byte a write");
    assert_eq!(kinds(&[], &[]), []);
    // A folder as standard input cannot be read.
    let folder = program(&tree).args(args).stdin(fs::File::open(tree.path()).unwrap()).output().unwrap();
    assert_eq!(Run::from(folder).code(), Some(3));
}

/// Bytes of a program have no names: what stands behind one is chance.
#[test]
fn binary_input_is_searched_for_prefixes_only() {
    let tree = Tree::new();
    let text = expand(&format!("\nPAYCA_CLIENT_SECRET={{uuid4}}\n{LIVE}\n"), "x");
    let rules = |head: &[u8]| {
        let run = run_with(&tree, &["scan", "-f", "jsonl", "-"], &[head, text.as_bytes()]);
        run.findings().into_iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    assert_eq!(rules(b"text"), ["payca-client-secret", "stripe-secret-key"]);
    assert_eq!(rules(b"\x7fELF\0\0\0"), ["stripe-secret-key"]);
}

#[test]
#[cfg(unix)]
fn a_pipe_without_a_command_is_a_mistake() {
    let tree = Tree::new();
    for args in [&[][..], &["scan"]] {
        let run = run_with(&tree, args, &[b"text\n"]);
        assert_eq!((run.code(), run.stdout.as_str()), (Some(2), ""), "{run:?}");
        assert!(run.stderr.contains("`keyfence scan -`"), "{run:?}");
    }
    assert_eq!(run_with(&tree, &["rules", "list"], &[b""]).code(), Some(0));
    assert_eq!(run_with(&tree, &["scan", "."], &[b""]).code(), Some(0));
}

/// The same bytes under the same name, by two roads.
#[test]
fn a_file_and_a_stream_of_its_name_agree() {
    let tree = Tree::new();
    let long = "filler, filler, filler\n".repeat(20_000);
    for (path, template) in [
        ("src/pay.py", format!("a = '{LIVE}'\nb = \"{HOOK}\"\r\n\tc = {SANDBOX}")),
        (
            "config/app.yaml",
            format!("stripe:\n  key: {LIVE}\npayca:\n  client_secret: {{uuid4}}\n  url: https://api.sandbox.payca.io\n"),
        ),
        ("app.log", format!("2026-03-12T09:11:00Z INFO x\n2026-03-12T09:11:00Z INFO {LIVE}\n{long}{SANDBOX}\n")),
        ("long.txt", format!("{long}{LIVE}\n{long}{HOOK}")),
        ("bytes.bin", format!("\0\u{1}{LIVE}\0")),
        ("huge.txt", format!("{}{LIVE}\n{HOOK}\n", long.repeat(20))),
        ("empty", String::new()),
    ] {
        let file = fs::read(tree.file(path, &template)).unwrap();
        let whole = jsonl(&tree, &[path]);
        let chunks: Vec<_> = file.chunks(4096).collect();
        let piped = run_with(&tree, &["scan", "-f", "jsonl", "-", "--name", path], &chunks);
        assert_eq!(whole.stdout, piped.stdout, "{path}");
        assert_eq!(whole.code(), piped.code(), "{path}");
        assert_eq!(whole.findings().is_empty(), path == "empty", "{path}");
    }
}

#[test]
fn paths_and_standard_input_together() {
    let (tree, _) = leaky();
    let run = run_with(&tree, &["scan", "-f", "jsonl", "src", "-"], &[expand(LIVE, "x").as_bytes()]);
    let paths: BTreeSet<_> = run.findings().into_iter().map(|finding| finding.path).collect();
    assert_eq!(paths, ["-", "src/pay.py"].map(str::to_owned).into());
    assert_eq!(run.summary().files, 2);
}

/// Cases that are files: what is printed, word for word.
#[test]
fn cases() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}

#[test]
fn nothing_is_read_after_a_mistake() {
    let tree = Tree::new();
    let mut child = program(&tree).args(["scan", "-", "--nope"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    let written = stdin.write_all(b"text");
    assert_eq!(written.map_err(|error| error.kind()), Err(io::ErrorKind::BrokenPipe));
}
