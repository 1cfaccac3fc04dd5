//! `keyfence migrate`: takes what a team has accepted with gitleaks over into the baseline. A position
//! in a file becomes the fingerprint of the value that stands there; what stands nowhere is listed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use keyfence::credential::Secret;
use keyfence::finding::{Finding, Kind};
use keyfence::policy::Entry;
use keyfence::scan::{self, MEMORY, Progress};
use keyfence::source::git::Selection;
use serde_json::Value;

use super::args::Global;
use super::baseline::{Desk, listed, path_of};
use super::scan::on_every_core;
use super::{Exit, output, repository, usage};

/// What is looked for at the root of a repository.
const FILES: &[&str] = &[".gitleaksignore", ".betterleaksignore"];

/// What to take over.
#[derive(Debug, clap::Args)]
pub(super) struct Migrate {
    /// Ignore files and JSON reports of gitleaks [default: .gitleaksignore at the root of the repository].
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A folder of the repository, instead of the current one.
    #[arg(short = 'C', value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The baseline [default: .keyfence-baseline at the root of the repository].
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Why they are accepted [default: accepted with gitleaks].
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Something that was accepted with gitleaks.
struct Old {
    /// The file that says so, and where in it.
    from: String,
    /// The commit that it is about; none for a file as it is now.
    commit: Option<String>,
    path: String,
    rule: String,
    lines: (u64, u64),
    /// The value, where a report tells it.
    secret: Option<Secret>,
}

impl Old {
    /// `commit:path:rule:line`, or without the commit.
    fn parse(from: String, line: &str) -> Option<Self> {
        let mut parts = line.rsplitn(3, ':');
        let (number, rule, place) = (parts.next()?.trim().parse().ok()?, parts.next()?, parts.next()?);
        let is_commit = |text: &str| matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (commit, path) = match place.split_once(':').filter(|(commit, _)| is_commit(commit)) {
            Some((commit, path)) => (Some(commit.to_owned()), path),
            None => (None, place),
        };
        let lines = (number, number);
        (!path.is_empty()).then(|| Self { from, commit, path: path.to_owned(), rule: rule.to_owned(), lines, secret: None })
    }

    /// An element of a report.
    fn of_report(from: String, value: &Value) -> Option<Self> {
        let text = |key: &str| value[key].as_str().filter(|text| !text.is_empty()).map(ToOwned::to_owned);
        let first = value["StartLine"].as_u64()?;
        // A report that was redacted tells no value.
        let secret = text("Secret").filter(|secret| !secret.contains("REDACTED") && !secret.ends_with("..."));
        Some(Self {
            from,
            commit: text("Commit"),
            path: text("File")?,
            rule: text("RuleID")?,
            lines: (first, value["EndLine"].as_u64().unwrap_or(first).max(first)),
            secret: secret.map(|secret| Secret::new(secret.as_bytes(), 0)),
        })
    }

    /// As gitleaks writes it.
    fn name(&self) -> String {
        let commit = self.commit.as_ref().map_or(String::new(), |commit| format!("{commit}:"));
        format!("{commit}{}:{}:{}", self.path, self.rule, self.lines.0)
    }

    /// The file; of what is inside of an archive, the archive.
    fn file(&self) -> PathBuf {
        PathBuf::from(self.path.split('!').next().unwrap_or_default())
    }

    /// The path as baselines have it.
    fn place(&self) -> String {
        self.path.trim_start_matches("./").replace('!', "/")
    }
}

/// What is there, by the commit; without one, as it is now.
type There = BTreeMap<Option<String>, Result<Vec<Finding>, String>>;

pub(super) fn run(global: &Global, args: &Migrate) -> anyhow::Result<Exit> {
    let files: Vec<PathBuf> =
        args.files.iter().map(std::path::absolute).collect::<Result<_, _>>().context("there is no current folder")?;
    let mut desk = Desk::open(global, args.folder.as_deref(), args.baseline.as_deref(), true)?;
    let files = if files.is_empty() { FILES.iter().map(PathBuf::from).filter(|path| path.is_file()).collect() } else { files };
    if files.is_empty() {
        return Err(usage(format!("there is no {} here; name the file, or a JSON report of gitleaks", FILES[0])));
    }
    let (mut all, mut left) = (Vec::new(), Vec::new());
    for file in &files {
        read(file, &mut all, &mut left)?;
    }
    let there = look(global, &desk, &all)?;
    let before = desk.baseline.entries.len();
    for old in &all {
        let reason = args.reason.clone().unwrap_or_else(|| format!("accepted with gitleaks as {}", old.rule));
        match taken_over(&desk, old, &there, &reason) {
            Ok(entries) => desk.baseline.entries.extend(entries),
            Err(why) => left.push(output::masked(desk.scanner, &format!("{}: {}: {why}", old.from, old.name()))),
        }
    }
    if !desk.path.exists() {
        desk.make_mergeable()?;
    }
    desk.write()?;
    let (path, added) = (desk.path.display(), desk.baseline.entries.len() - before);
    let text = format!("{path}: {added} added from {} accepted with gitleaks\n", all.len());
    output::print(global.color, &(text + &listed("not taken over", &left)))?;
    Ok(if left.is_empty() { Exit::Clean } else { Exit::Findings(1) })
}

/// Reads an ignore file or a report. What cannot be understood is left.
fn read(file: &Path, all: &mut Vec<Old>, left: &mut Vec<String>) -> anyhow::Result<()> {
    let text = fs::read_to_string(file).map_err(|error| usage(super::config::unreadable(file, &error)))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    if text.trim_start().starts_with('[') {
        let values: Vec<Value> =
            serde_json::from_str(&text).map_err(|error| usage(format!("{}: no report of gitleaks: {error}", file.display())))?;
        for (at, value) in values.iter().enumerate() {
            let from = format!("{name}[{at}]");
            match Old::of_report(from.clone(), value) {
                Some(old) => all.push(old),
                None => left.push(format!("{from}: no finding of gitleaks")),
            }
        }
        return Ok(());
    }
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let from = format!("{name}:{}", at + 1);
        match Old::parse(from.clone(), line) {
            Some(old) => all.push(old),
            None => left.push(format!("{from}: neither file:rule:line nor commit:file:rule:line")),
        }
    }
    Ok(())
}

/// Scans the files and the commits that are named.
fn look(global: &Global, desk: &Desk, all: &[Old]) -> anyhow::Result<There> {
    let settings = &desk.config.settings;
    let mut there = There::new();
    let mut files: Vec<PathBuf> =
        all.iter().filter(|old| old.commit.is_none()).map(Old::file).filter(|path| path.exists()).collect();
    files.sort();
    files.dedup();
    if !files.is_empty() {
        let work =
            |progress: &Progress| scan::paths(desk.scanner, &files, settings, progress).map_err(|error| usage(error.to_string()));
        there.insert(None, Ok(on_every_core(global, &work)?.0));
    }
    for old in all {
        let Some(commit) = &old.commit else { continue };
        if there.contains_key(&old.commit) {
            continue;
        }
        let repository = repository::find(Some(Path::new(".")))?;
        let selection = Selection { revisions: vec![commit.clone()], max_count: Some(1), ..Selection::default() };
        let work = |progress: &Progress| {
            let what = (&selection, MEMORY);
            Ok(scan::history(desk.scanner, &repository, settings, what, progress).map_err(|error| error.to_string()))
        };
        let found = on_every_core(global, &work)?.map(|(findings, _)| {
            let of_it = |finding: &Finding| {
                let by = finding.location.origin.kept().and_then(|kept| kept.commit.as_ref());
                by.is_some_and(|by| by.id == *commit)
            };
            findings.into_iter().filter(of_it).collect()
        });
        there.insert(old.commit.clone(), found);
    }
    Ok(there)
}

/// The entries that say the same, or why there are none.
fn taken_over(desk: &Desk, old: &Old, there: &There, reason: &str) -> Result<Vec<Entry>, String> {
    let findings = match there.get(&old.commit) {
        Some(Ok(findings)) if old.commit.is_some() || old.file().exists() => findings,
        Some(Err(why)) => return Err(why.clone()),
        _ => return Err("there is no such file".to_owned()),
    };
    let place = old.place();
    let in_file = |finding: &&Finding| path_of(&desk.config, &finding.location.origin) == place;
    let on_line = |finding: &&Finding| {
        finding.location.lines.is_some_and(|(start, end)| start.line <= old.lines.1 && old.lines.0 <= end.line)
    };
    let print = old.secret.as_ref().map(|secret| desk.config.settings.fingerprints.fingerprint(secret));
    let is_it = |finding: &&Finding| print.map_or_else(|| on_line(finding), |print| finding.fingerprint == print);
    let of_secrets = || findings.iter().filter(in_file).filter(|finding| is_of_a_secret(finding));
    let found: Vec<&Finding> = of_secrets().filter(is_it).collect();
    if found.is_empty() {
        return Err(match old.secret {
            Some(_) if of_secrets().any(|finding| on_line(&finding)) => {
                "what keyfence finds on that line is another value than the report has".to_owned()
            }
            _ => "keyfence finds nothing there: nothing to accept".to_owned(),
        });
    }
    if found.iter().any(|finding| !desk.may_keep(finding)) {
        return Err("it could be guessed from its fingerprint, unless --fp-key-file keeps the key apart".to_owned());
    }
    let entry = |finding: &&Finding| Entry { past: old.commit.is_some(), ..desk.entry(finding, reason, None) };
    Ok(found.iter().map(entry).collect())
}

/// Whether a finding is about a secret that stands somewhere. What gitleaks has never looked at, such as
/// one webhook secret for live and sandbox, nobody has accepted with it.
fn is_of_a_secret(finding: &Finding) -> bool {
    let relation = [
        Kind::LiveKeyWithSandboxHost,
        Kind::SandboxKeyWithLiveHost,
        Kind::CredentialModeMismatch,
        Kind::NetworkEnvironmentMismatch,
        Kind::MixedEnvironmentsInFile,
        Kind::SharedWebhookSecret,
        Kind::SharedWebhookEndpoint,
        Kind::SharedCredential,
        Kind::PayoutKeyReused,
    ];
    finding.class.is_some() && !relation.contains(&finding.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_an_ignore_file() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let old =
            |line: &str| Old::parse(String::new(), line).map(|old| (old.commit.clone(), old.place(), old.rule, old.lines.0));
        let of =
            |commit: Option<&str>, path: &str| Some((commit.map(ToOwned::to_owned), path.to_owned(), "a-rule".to_owned(), 7));
        assert_eq!(old("src/a.py:a-rule:7"), of(None, "src/a.py"));
        assert_eq!(old("./C:/x:y.py:a-rule:7"), of(None, "C:/x:y.py"));
        assert_eq!(old(&format!("{commit}:a.zip!b/c:a-rule:7")), of(Some(commit), "a.zip/b/c"));
        for wrong in ["src/a.py:7", "src/a.py:a-rule:seven", ":a-rule:7", ""] {
            assert!(old(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn values_of_a_report_that_are_none() {
        let of = |secret: &str| {
            let value = serde_json::json!({ "RuleID": "r", "File": "f", "StartLine": 3, "Commit": "", "Secret": secret });
            Old::of_report(String::new(), &value).unwrap()
        };
        assert!(of("REDACTED").secret.is_none() && of("abc...").secret.is_none() && of("").secret.is_none());
        assert!(of("a value").secret.is_some() && of("x").commit.is_none());
        assert!(Old::of_report(String::new(), &serde_json::json!({ "File": "f" })).is_none());
    }
}
