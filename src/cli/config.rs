//! What the arguments mean.

use std::cmp::Reverse;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use keyfence::credential::{Confidence, FingerprintKey};
use keyfence::detect::Scanner;
use keyfence::finding::{Finding, Origin, PlaceKind, Severity};
use keyfence::policy::{Baseline, Date, Gate, distance};
use keyfence::report::Format;
use keyfence::rule::{Addition, RuleError, RuleSet};
use keyfence::scan::Settings;
use keyfence::source::{MapChoice, SourceError, WalkOptions};

use super::args::{Global, RuleChoice, Scan};
use super::{baseline, context, usage};

/// A scan, decided.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) rules: Arc<RuleSet>,
    pub(super) paths: Vec<PathBuf>,
    pub(super) stdin: bool,
    pub(super) name: Option<PathBuf>,
    pub(super) settings: Settings,
    /// What is accepted.
    pub(super) baseline: Option<Baseline>,
    pub(super) outputs: Vec<Output>,
    pub(super) gate: Gate,
    pub(super) shown: Shown,
    pub(super) allow_incomplete: bool,
    pub(super) exit_code: u8,
}

/// A report and where it goes.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) format: &'static Format,
    pub(super) path: Option<PathBuf>,
    /// Whether what the file holds already stays.
    pub(super) append: bool,
}

/// Which findings are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    severity: Severity,
    confidence: Confidence,
}

impl Shown {
    pub(super) fn shows(self, finding: &Finding) -> bool {
        finding.severity >= self.severity && finding.confidence >= self.confidence
    }
}

impl Config {
    pub(super) fn new(global: &Global, scan: &Scan) -> anyhow::Result<Self> {
        let stdin = scan.paths.iter().any(|path| path == Path::new("-"));
        let mut paths: Vec<_> = scan.paths.iter().filter(|path| *path != Path::new("-")).cloned().collect();
        if scan.paths.is_empty() {
            paths.push(PathBuf::from("."));
        }
        let gate = &scan.gate;
        let (context, additions) = context::context(global, &scan.environments, &paths)?;
        let baseline = baseline::read(context.declared.root.as_deref(), &scan.exceptions)?;
        let fingerprints = fingerprints(global, baseline.as_ref())?;
        let outputs = outputs(global)?;
        let fail_on = gate.fail_on.as_deref().map(|name| level("--fail-on", Some(name), Severity::High)).transpose()?;
        let blocks = context.policy.gate(fail_on);
        Ok(Self {
            rules: chosen(&scan.rules, &additions)?.into(),
            paths,
            stdin,
            name: scan.name.clone(),
            settings: Settings {
                walk: WalkOptions { no_ignore: scan.walk.no_ignore, exclude: scan.walk.exclude.clone() },
                place: scan.place.as_deref().map(|name| one_of("--as", name, &PlaceKind::ALL, PlaceKind::name)).transpose()?,
                inline_allow: !scan.exceptions.no_inline_allow,
                keep_allowed: outputs.iter().any(|output| output.format.whole),
                today: Date::today(),
                fingerprints,
                depth: scan.walk.max_archive_depth.unwrap_or(keyfence::scan::DEPTH),
                map: match scan.walk.mmap.as_deref() {
                    Some(name) => one_of("--mmap", name, &MapChoice::ALL, MapChoice::name)?,
                    None => MapChoice::Auto,
                },
                context: Arc::new(context),
            },
            baseline: baseline.map(|(_, baseline)| baseline),
            outputs,
            gate: blocks,
            shown: Shown {
                severity: level("--min-severity", gate.min_severity.as_deref(), Severity::Notice)?,
                confidence: match gate.min_confidence.as_deref() {
                    Some(name) => one_of("--min-confidence", name, &[Confidence::Weak, Confidence::Strong], Confidence::name)?,
                    None => Confidence::Weak,
                },
            },
            allow_incomplete: gate.allow_incomplete,
            exit_code: gate.exit_code.unwrap_or(1),
        })
    }
}

impl Config {
    /// The scanner for these rules. It stays until the process ends: to give thousands of small pieces back then is work
    /// for nothing.
    pub(super) fn scanner(&self, cards: bool) -> &'static Scanner {
        let scanner = Scanner::new(self.rules.clone());
        Box::leak(Box::new(if cards { scanner.with_cards() } else { scanner }))
    }
}

fn level(flag: &str, name: Option<&str>, otherwise: Severity) -> anyhow::Result<Severity> {
    name.map_or(Ok(otherwise), |name| one_of(flag, name, &Severity::ALL, Severity::name))
}

/// The value of that name; a mistake lists the names.
pub(super) fn one_of<T: Copy>(flag: &str, name: &str, all: &[T], name_of: fn(T) -> &'static str) -> anyhow::Result<T> {
    let names = || all.iter().map(|&value| name_of(value)).collect::<Vec<_>>().join(", ");
    let found = all.iter().copied().find(|&value| name_of(value) == name);
    found.ok_or_else(|| usage(format!("{flag}: {name:?} is none of {}", names())))
}

/// The key of the fingerprints: the user's own, else that of the baseline, else one for this run.
fn fingerprints(global: &Global, baseline: Option<&(PathBuf, Baseline)>) -> anyhow::Result<FingerprintKey> {
    let own = global.fp_key_file.as_deref().map(key_file).transpose()?.map(|bytes| FingerprintKey::kept(&bytes));
    match baseline {
        Some((path, baseline)) => match baseline::key(baseline, own) {
            Ok(Some(key)) => Ok(key),
            Ok(None) => FingerprintKey::for_this_run().context("no random bytes for the fingerprints"),
            Err(why) => Err(usage(format!("{}: {why}", path.display()))),
        },
        None => own.map_or_else(FingerprintKey::for_this_run, Ok).context("no random bytes for the fingerprints"),
    }
}

fn key_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = fs::read(path).map_err(|error| usage(format!("--fp-key-file: {}", unreadable(path, &error))))?;
    if bytes.len() < 16 {
        return Err(usage(format!("--fp-key-file: {}: {} bytes, a key has at least 16", path.display(), bytes.len())));
    }
    Ok(bytes)
}

/// The key of fingerprints that are kept: refused where everybody can read it.
#[cfg(unix)]
pub(super) fn secret_key_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    use std::os::unix::fs::PermissionsExt;
    let bytes = key_file(path)?;
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o004 != 0 {
        return Err(usage(format!("--fp-key-file: {}: everybody can read it: chmod 600", path.display())));
    }
    Ok(bytes)
}

fn outputs(global: &Global) -> anyhow::Result<Vec<Output>> {
    let mut outputs = Vec::new();
    for format in &global.format {
        let (name, path) =
            format.split_once(':').map_or((format.as_str(), None), |(name, path)| (name, Some(PathBuf::from(path))));
        if path.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            return Err(usage(format!("--format: {format:?} has no path behind the colon")));
        }
        let names = || keyfence::report::FORMATS.iter().map(|format| format.name).collect::<Vec<_>>().join(", ");
        let format = Format::named(name).ok_or_else(|| usage(format!("--format: {name:?} is none of {}", names())))?;
        outputs.push(Output { format, path, append: false });
    }
    if outputs.is_empty() {
        outputs.push(Output { format: &keyfence::report::FORMATS[0], path: None, append: false });
    }
    if let Some(path) = &global.output {
        match &mut outputs[..] {
            [only] if only.path.is_none() => only.path = Some(path.clone()),
            _ => return Err(usage("-o goes with one format; write each with its own file: -f jsonl:out.jsonl")),
        }
    }
    let twice = |(at, output): (usize, &Output)| outputs[..at].iter().any(|other| other.path == output.path);
    if outputs.iter().enumerate().any(twice) {
        return Err(usage("two formats cannot both go to one place: -f text -f jsonl:out.jsonl"));
    }
    outputs.extend(job_summary(&outputs));
    Ok(outputs)
}

/// With the annotations of a workflow goes the summary of its job.
fn job_summary(outputs: &[Output]) -> Option<Output> {
    let path = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty())?;
    let format = Format::named("markdown")?;
    let wanted = outputs.iter().any(|output| output.format.name == "github");
    wanted.then(|| Output { format, path: Some(path.into()), append: true })
}

/// The built-in rules and those of the files.
pub(super) fn rules(files: &[PathBuf]) -> anyhow::Result<RuleSet> {
    RuleSet::builtin().with(&read(files)?).map_err(|errors| usage(listed(&errors)))
}

/// Rule files by name and text.
pub(super) fn read(files: &[PathBuf]) -> anyhow::Result<Vec<(String, String)>> {
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).map_err(|error| usage(unreadable(path, &error)))?;
        // A built-in file under its own name stands for itself, however it was typed.
        Ok((path.strip_prefix(".").unwrap_or(path).display().to_string(), text))
    };
    files.iter().map(read).collect()
}

/// Errors, one on a line.
pub(super) fn listed(errors: &[RuleError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

pub(super) fn chosen(choice: &RuleChoice, additions: &[Addition]) -> anyhow::Result<RuleSet> {
    let mut set = rules(&choice.rules)?;
    for addition in additions {
        let mut ids = set.providers().iter().map(|facts| facts.id.as_str());
        if !ids.clone().any(|id| id == addition.provider) {
            let near = keyfence::policy::nearest(&addition.provider, &mut ids);
            let near = near.map_or(String::new(), |near| format!("; did you mean {near:?}?"));
            return Err(usage(format!("{}: no provider is called {:?}{near}", keyfence::policy::CONFIG, addition.provider)));
        }
    }
    set.add(additions).map_err(|why| usage(format!("{}: {why}", keyfence::policy::CONFIG)))?;
    for id in choice.rule.iter().chain(&choice.exclude_rule) {
        if set.get(id).is_none() {
            return Err(usage(format!("no rule is named {id:?}; {}", nearest(id, rule_ids(&set)))));
        }
    }
    if choice.rule.is_empty() && choice.exclude_rule.is_empty() {
        return Ok(set);
    }
    let only = |id: &str| choice.rule.is_empty() || choice.rule.iter().any(|other| other == id);
    let without = |id: &str| choice.exclude_rule.iter().any(|other| other == id);
    Ok(set.filtered(|rule| only(rule.id.as_str()) && !without(rule.id.as_str())))
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> String {
    SourceError::io(Origin::File(path.to_owned()), error).to_string()
}

pub(super) fn rule_ids(set: &RuleSet) -> impl Iterator<Item = &str> {
    set.rules().iter().map(|rule| rule.id.as_str())
}

/// `did you mean stripe-secret-key?`: most words in common, then the fewest letters to change.
pub(super) fn nearest<'a>(id: &str, names: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = id.split('-').collect();
    let shared = |other: &str| words.iter().filter(|word| other.split('-').any(|part| part == **word)).count();
    let near = names.min_by_key(|other| (Reverse(shared(other)), distance(id, other)));
    match near.filter(|other| shared(other) > 0 || distance(id, other) <= 2.min(id.len() / 3)) {
        Some(near) => format!("did you mean {near}?"),
        None => "`keyfence rules list` names them all".to_owned(),
    }
}
