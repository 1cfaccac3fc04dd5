//! The environment benchmark: whole trees and logs, and the full set of findings that each must give.
//!
//! The cases stand in `environments/*.toml`, one file for each family. Every label was written from the
//! environment model before any code that judges environments was run on it. A case:
//!
//! ```toml
//! [[case]]
//! name = "test key in a committed .env.production"
//! why = "P30, D30"                     # the row or evidence of the model that it exercises
//! git = false                          # no repository around it; otherwise there is one
//! args = ["--env", "production"]       # further arguments of `keyfence scan`
//! values = { a = "whsec_{base62:32}" } # drawn once for the case, written {@a} in its texts
//! config = '''…'''                     # .keyfence.toml
//! expect = [ { line = 3, kind = "sandbox-key-in-production", severity = "high" } ]
//! [[case.files]]
//! path = ".env.production"
//! tracked = "ignored"                  # or true (the default in a repository) or false
//! text = '''…'''                       # a template: rules/README.md, "Examples"
//! ```
//!
//! `expect` is complete: whatever else is reported is a false alarm. `path` may be left out where there
//! is one file. `line` is a number, or several that are equally right; `elsewhere` names right places
//! in other files. `severity`, `confidence`, `environment`, `place`, `provider` and `related` are
//! compared where they are given. `may = true` stands where the model can be read both ways: such a
//! finding counts neither as a hit nor as a false alarm.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use keyfence::detect::Scanner;
use keyfence::finding::{Severity, Sighting};
use keyfence::rule::RuleSet;
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use crate::plant::{Tree, expand};

/// The share of the expected findings that must be made, and of those made that must be expected.
const FLOOR: f64 = 0.97;

/// The kinds that need an environment, and those about two sides of one thing: the rows D01 to D52 of
/// the model, without D14, which is a base kind. `true` where the finding stands at a credential.
const KINDS: [(&str, bool); 29] = [
    ("payout-key-exposed-to-client", true),
    ("secret-key-exposed-to-client", true),
    ("secret-variable-made-public", false),
    ("payout-key-in-log", true),
    ("live-key-in-nonproduction-log", true),
    ("live-key-in-log", true),
    ("sandbox-key-in-production-log", true),
    ("sandbox-event-in-production-log", false),
    ("live-event-in-nonproduction-log", false),
    ("sandbox-endpoint-in-production-log", false),
    ("test-card-in-production-log", false),
    ("live-key-in-test", true),
    ("live-key-in-ci", true),
    ("live-key-in-committed-env", true),
    ("live-key-in-nonproduction", true),
    ("live-key-in-source-control", true),
    ("sandbox-key-in-production", true),
    ("live-key-with-sandbox-host", true),
    ("sandbox-key-with-live-host", true),
    ("credential-mode-mismatch", true),
    ("network-environment-mismatch", true),
    ("mixed-environments-in-file", true),
    ("shared-webhook-secret", true),
    ("shared-webhook-endpoint", false),
    ("shared-credential-across-environments", true),
    ("payout-key-reused-as-standard", true),
    ("insecure-webhook-endpoint", false),
    ("sandbox-endpoint-in-production", false),
    ("test-card-in-production", false),
];

/// The kinds for what no row of the model names, all at a credential.
const BASE_KINDS: [&str; 4] = ["hardcoded-secret", "sandbox-key-in-source", "secret-in-log", "sandbox-key-in-log"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    why: String,
    #[serde(default = "yes")]
    git: bool,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    values: BTreeMap<String, String>,
    config: Option<String>,
    expect: Vec<Expected>,
    files: Vec<Planted>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Planted {
    path: String,
    tracked: Option<Tracked>,
    text: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Tracked {
    Plain(bool),
    Word(Word),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Ignored,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Lines {
    One(usize),
    Any(Vec<usize>),
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
struct At {
    path: String,
    line: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    path: Option<String>,
    line: Lines,
    #[serde(default)]
    elsewhere: Vec<At>,
    kind: String,
    severity: Option<String>,
    confidence: Option<String>,
    environment: Option<String>,
    place: Option<String>,
    provider: Option<String>,
    #[serde(default)]
    related: Vec<At>,
    #[serde(default)]
    may: bool,
}

fn yes() -> bool {
    true
}

impl Expected {
    /// Where the finding may stand, the first place that is named first.
    fn places<'a>(&'a self, case: &'a Case) -> Vec<(&'a str, usize)> {
        let path = self.path.as_deref().unwrap_or(&case.files[0].path);
        let lines = match &self.line {
            Lines::One(line) => std::slice::from_ref(line),
            Lines::Any(lines) => lines,
        };
        let here = lines.iter().map(|&line| (path, line));
        here.chain(self.elsewhere.iter().map(|at| (at.path.as_str(), at.line))).collect()
    }

    fn is_base(&self) -> bool {
        BASE_KINDS.contains(&self.kind.as_str())
    }

    fn stands_at_a_credential(&self) -> bool {
        self.is_base() || KINDS.iter().any(|&(kind, credential)| credential && kind == self.kind)
    }

    /// Which labels the finding contradicts.
    fn wrong_labels(&self, found: &Found) -> Vec<String> {
        let labels = [
            ("severity", &self.severity, "/severity"),
            ("confidence", &self.confidence, "/confidence"),
            ("environment", &self.environment, "/environment"),
            ("place", &self.place, "/place/environment"),
            ("provider", &self.provider, "/provider"),
        ];
        let mut wrong: Vec<_> = labels
            .into_iter()
            .filter_map(|(name, label, pointer)| {
                let label = label.as_deref()?;
                let found = found.row.pointer(pointer).and_then(Value::as_str).unwrap_or("absent");
                (label != found).then(|| format!("{name} is {found}, not {label}"))
            })
            .collect();
        let related = found.related();
        let missing = self.related.iter().filter(|at| !related.contains(at));
        wrong.extend(missing.map(|at| format!("{}:{} is not among the related places", at.path, at.line)));
        wrong
    }
}

impl Case {
    /// The text of a file with the case's values and everything else drawn.
    fn text(&self, file: &Planted) -> String {
        let mut template = file.text.clone();
        for (name, value) in &self.values {
            let drawn = expand(value, &format!("{} {name}", self.name));
            template = template.replace(&format!("{{@{name}}}"), &drawn.replace('{', "{{").replace('}', "}}"));
        }
        expand(&template, &format!("{} {}", self.name, file.path))
    }

    fn plant(&self) -> Tree {
        let tree = Tree::new();
        for file in &self.files {
            tree.write(&file.path, &self.text(file));
        }
        if let Some(config) = &self.config {
            tree.write(".keyfence.toml", &expand(config, &self.name));
        }
        if self.git {
            let (mut add, mut ignore) = (vec!["add", "-f", "--"], String::new());
            for file in &self.files {
                match file.tracked {
                    None | Some(Tracked::Plain(true)) => add.push(&file.path),
                    Some(Tracked::Plain(false)) => {}
                    Some(Tracked::Word(Word::Ignored)) => writeln!(ignore, "/{}", file.path).unwrap(),
                }
            }
            tree.git(&["init", "--quiet"]);
            if !ignore.is_empty() {
                tree.write(".gitignore", &ignore);
            }
            if add.len() > 3 {
                tree.git(&add);
            }
        }
        tree
    }

    /// What the program says of the tree, or why it says nothing.
    fn run(&self) -> Result<Vec<Found>, String> {
        let tree = self.plant();
        let mut args = vec!["scan", ".", "--format", "jsonl"];
        args.extend(self.args.iter().map(String::as_str));
        let output = tree.keyfence(&args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        if !matches!(output.status.code(), Some(0 | 1)) {
            return Err(format!("exit {:?}: {}", output.status.code(), stderr.trim()));
        }
        let stdout = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
        let rows = stdout.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>();
        let rows = rows.map_err(|error| error.to_string())?.into_iter();
        Ok(rows.filter(|row| row["type"] == "finding").map(|row| Found { row }).collect())
    }
}

/// A finding as the program printed it.
struct Found {
    row: Value,
}

impl Found {
    fn kind(&self) -> &str {
        self.row["kind"].as_str().unwrap_or_default()
    }

    fn is_base(&self) -> bool {
        BASE_KINDS.contains(&self.kind())
    }

    fn at(row: &Value) -> At {
        let path = row["path"].as_str().unwrap_or_default();
        let line = row["line"].as_u64().and_then(|line| usize::try_from(line).ok());
        At { path: path.strip_prefix("./").unwrap_or(path).to_owned(), line: line.unwrap_or(0) }
    }

    fn related(&self) -> BTreeSet<At> {
        self.row["related"].as_array().into_iter().flatten().map(Self::at).collect()
    }

    /// Why the program thinks so, for whoever reads the differences.
    fn because(&self) -> String {
        let facts = self.row["because"].as_array().into_iter().flatten().filter_map(|fact| fact["fact"].as_str());
        let place = self.row.pointer("/place/environment").and_then(Value::as_str).unwrap_or("no place");
        format!("{place}; {}", facts.collect::<Vec<_>>().join(", "))
    }
}

/// How the findings agree with the labels.
#[derive(Clone, Copy, Default)]
struct Score {
    expected: usize,
    found: usize,
    hits: usize,
    labelled: usize,
    labels_right: usize,
}

impl Score {
    fn add(&mut self, other: Self) {
        self.expected += other.expected;
        self.found += other.found;
        self.hits += other.hits;
        self.labelled += other.labelled;
        self.labels_right += other.labels_right;
    }

    fn precision(self) -> f64 {
        share(self.hits, self.found)
    }

    fn recall(self) -> f64 {
        share(self.hits, self.expected)
    }

    /// Of the hits, those whose severity, place and other labels are right.
    fn labels(self) -> f64 {
        share(self.labels_right, self.labelled)
    }

    fn row(self, name: &str) -> String {
        let (precision, recall, labels) = (self.precision(), self.recall(), self.labels());
        let Self { expected, found, hits, .. } = self;
        format!("{name:<14} {expected:>5} {found:>6} {hits:>5}   {precision:.3}   {recall:.3}   {labels:.3}")
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred findings")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// One case judged: the environment kinds, the base kinds, and what differs.
#[derive(Default)]
struct Verdict {
    environment: Score,
    base: Score,
    differences: Vec<String>,
}

/// Compares what was found with what is expected, each finding with one label at most.
fn compare(case: &Case, found: &[Found]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut open: Vec<&Found> = found.iter().collect();
    for expected in &case.expect {
        let places = expected.places(case);
        let fits = |found: &&Found| {
            let At { path, line } = Found::at(&found.row);
            found.kind() == expected.kind && places.contains(&(path.as_str(), line))
        };
        let exact = open.iter().position(|found| fits(found) && expected.wrong_labels(found).is_empty());
        let hit = exact.or_else(|| open.iter().position(fits)).map(|at| open.remove(at));
        if expected.may {
            continue;
        }
        let score = if expected.is_base() { &mut verdict.base } else { &mut verdict.environment };
        score.expected += 1;
        let Some(hit) = hit else {
            let (path, line) = places[0];
            verdict.differences.push(format!("missing  {path}:{line} {}", expected.kind));
            continue;
        };
        let wrong = expected.wrong_labels(hit);
        score.found += 1;
        score.hits += 1;
        score.labelled += 1;
        score.labels_right += usize::from(wrong.is_empty());
        if !wrong.is_empty() {
            let At { path, line } = Found::at(&hit.row);
            verdict.differences.push(format!("label    {path}:{line} {}: {}", expected.kind, wrong.join("; ")));
        }
    }
    for extra in open {
        let score = if extra.is_base() { &mut verdict.base } else { &mut verdict.environment };
        score.found += 1;
        let At { path, line } = Found::at(&extra.row);
        verdict.differences.push(format!("alarm    {path}:{line} {} ({})", extra.kind(), extra.because()));
    }
    verdict
}

/// A case that did not run: everything expected is missing.
fn broken(case: &Case, why: &str) -> Verdict {
    let mut verdict = compare(case, &[]);
    verdict.differences = vec![format!("broken   {why}")];
    verdict
}

/// The families and their cases, in the order of their names.
fn families() -> Vec<(String, Vec<Case>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/environments");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let file: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.file_stem().unwrap().to_string_lossy().into_owned(), file.case)
    };
    paths.iter().map(read).collect()
}

/// What is wrong with a case itself, whatever the program says of it.
fn mistakes(case: &Case, scanner: &Scanner) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut paths = BTreeSet::new();
    for file in &case.files {
        if !paths.insert(&file.path) || file.path.starts_with('/') {
            wrong.push(format!("{} is planted twice or absolute", file.path));
        }
        if !case.git && file.tracked.is_some() {
            wrong.push(format!("{} is tracked or not, outside a repository", file.path));
        }
    }
    for name in case.values.keys() {
        if !case.files.iter().any(|file| file.text.contains(&format!("{{@{name}}}"))) {
            wrong.push(format!("the value {name} is never planted"));
        }
    }
    if case.expect.iter().any(|expected| expected.path.is_none()) && case.files.len() > 1 {
        wrong.push("an expectation names no path, and there are several files".to_owned());
    }
    if let Some(config) = &case.config
        && let Err(error) = toml::from_str::<toml::Table>(&expand(config, &case.name))
    {
        wrong.push(format!("its configuration: {error}"));
    }
    wrong.extend(case.expect.iter().flat_map(|expected| misplaced(case, expected, scanner)));
    wrong
}

/// What is wrong with one expectation: an unknown word, a line that is not there, or a key that no rule
/// sees, so that the benchmark would blame the environments for it.
fn misplaced(case: &Case, expected: &Expected, scanner: &Scanner) -> Vec<String> {
    let mut wrong = Vec::new();
    let known = expected.is_base() || KINDS.iter().any(|(kind, _)| *kind == expected.kind);
    let levels = Severity::ALL.map(Severity::name);
    if !known || expected.severity.as_deref().is_some_and(|level| !levels.contains(&level)) {
        wrong.push(format!("{} or its severity is unknown", expected.kind));
    }
    let related = expected.related.iter().map(|at| (at.path.as_str(), at.line));
    for (path, line) in expected.places(case).into_iter().chain(related) {
        match case.files.iter().find(|file| file.path == path).map(|file| case.text(file)) {
            None => wrong.push(format!("there is no {path}")),
            Some(text) if line == 0 || line > text.lines().count() => wrong.push(format!("{path} has no line {line}")),
            Some(_) => {}
        }
    }
    if wrong.is_empty() && expected.stands_at_a_credential() {
        let mut seen = expected.places(case).into_iter().flat_map(|(path, line)| providers(case, path, line, scanner));
        if !seen.any(|seen| expected.provider.as_ref().is_none_or(|provider| *provider == seen)) {
            wrong.push(format!("no rule sees the key of {:?}", expected.places(case)));
        }
    }
    wrong
}

/// The providers of the credentials that the scanner sees on a line.
fn providers(case: &Case, path: &str, line: usize, scanner: &Scanner) -> Vec<String> {
    let file = case.files.iter().find(|file| file.path == path).unwrap();
    let text = case.text(file);
    let sightings = scanner.scan(text.as_bytes()).into_iter();
    let here = sightings.filter_map(|sighting| match sighting {
        Sighting::Credential(credential) => {
            let before = &text.as_bytes()[..credential.span.start];
            let at = 1 + memchr::memchr_iter(b'\n', before).count();
            (at == line).then(|| credential.provider.map_or_else(String::new, |provider| provider.as_str().to_owned()))
        }
        _ => None,
    });
    here.collect()
}

#[test]
fn cases_are_well_formed() {
    let scanner = Scanner::new(RuleSet::builtin().into());
    let families = families();
    let cases: Vec<_> = families.iter().flat_map(|(family, cases)| cases.iter().map(move |case| (family, case))).collect();
    let mut names = BTreeSet::new();
    let twice = cases.iter().filter(|(_, case)| !names.insert(&case.name)).map(|(_, case)| &case.name);
    let twice: Vec<_> = twice.collect();
    assert!(twice.is_empty(), "names that are used twice: {twice:?}");
    let wrong: Vec<_> = cases
        .par_iter()
        .flat_map_iter(|(family, case)| {
            mistakes(case, &scanner).into_iter().map(move |mistake| format!("{family}: {}: {mistake}", case.name))
        })
        .collect();
    assert!(wrong.is_empty(), "{} mistakes:\n{}", wrong.len(), wrong.join("\n"));
}

/// Every row of the model is expected somewhere, and silence is expected as often as it matters.
#[test]
fn cases_cover_the_model() {
    let families = families();
    let cases: Vec<&Case> = families.iter().flat_map(|(_, cases)| cases).collect();
    for (kind, _) in KINDS {
        let rows = cases.iter().filter(|case| case.expect.iter().any(|row| row.kind == kind && !row.may)).count();
        assert!(rows >= 3, "{kind} is expected by {rows} cases");
    }
    let silent = cases.iter().filter(|case| case.expect.iter().all(Expected::is_base)).count();
    assert!(silent * 4 >= cases.len(), "{silent} of {} cases expect no environment kind", cases.len());
    assert!(cases.iter().all(|case| !case.why.is_empty()));
}

#[test]
fn environments_are_told_apart() {
    let (mut report, mut differences) = (String::new(), Vec::new());
    let (mut environment, mut base) = (Score::default(), Score::default());
    for (family, cases) in families() {
        let judge = |case: &Case| case.run().map_or_else(|why| broken(case, &why), |found| compare(case, &found));
        let verdicts: Vec<_> = cases.par_iter().map(judge).collect();
        let mut score = Score::default();
        for (case, verdict) in cases.iter().zip(verdicts) {
            score.add(verdict.environment);
            base.add(verdict.base);
            let told = verdict.differences.into_iter().map(|told| format!("{family}: {} [{}]\n    {told}", case.name, case.why));
            differences.extend(told);
        }
        writeln!(report, "{}", score.row(&family)).unwrap();
        environment.add(score);
    }
    let head = "family       expected  found  hits   prec.   recall  labels";
    let total = [environment.row("all"), base.row("base kinds")].join("\n");
    let told = format!("{}\n\n{head}\n{report}{total}", differences.join("\n"));
    for (score, what) in [(environment, "environment kinds"), (base, "base kinds")] {
        assert!(score.precision() >= FLOOR && score.recall() >= FLOOR && score.labels() >= FLOOR, "{what}:\n{told}");
    }
    eprintln!("{told}");
}
