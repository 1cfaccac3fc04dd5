//! `keyfence baseline`: findings that a team accepts, and how scans use them.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use keyfence::credential::{Class, FingerprintKey};
use keyfence::detect::Scanner;
use keyfence::finding::{Finding, Origin};
use keyfence::policy::{BASELINE, Baseline, BaselineKey, Config as File, Date, Entry, Matched, Reach};
use keyfence::scan::{self, Ledger, MEMORY, Progress};
use keyfence::source::SourceError;
use keyfence::source::git::{Repository, Selection};

use super::args::{Exceptions, Global, Scan};
use super::config::Config;
use super::output::Replacement;
use super::scan::on_every_core;
use super::{Exit, output, repository, usage};

/// What to do with the baseline.
#[derive(Debug, clap::Subcommand)]
pub(super) enum BaselineCommand {
    /// Accept everything that is found now.
    Create(Accept),
    /// Follow files that moved, drop what is gone; with --reason accept what is new.
    Update(Accept),
    /// Exit 1 if an entry is not used or has ended.
    Check(Look),
}

/// What is accepted, and why.
#[derive(Debug, clap::Args)]
pub(super) struct Accept {
    #[command(flatten)]
    look: Look,
    /// Why these findings are accepted.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The last day on which they are: 2027-01-31.
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
}

/// What is looked at.
#[derive(Debug, clap::Args)]
pub(super) struct Look {
    /// A folder of the repository, instead of the current one.
    #[arg(short = 'C', value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The baseline [default: .keyfence-baseline at the root of the repository].
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Look at the history as well.
    #[arg(long)]
    history: bool,
}

/// The baseline that counts for a scan, and its file.
pub(super) fn read(root: Option<&Path>, exceptions: &Exceptions) -> anyhow::Result<Option<(PathBuf, Baseline)>> {
    if exceptions.no_baseline {
        return Ok(None);
    }
    let path = match (&exceptions.baseline, root) {
        (Some(path), _) => path.clone(),
        (None, Some(root)) if root.join(BASELINE).is_file() => root.join(BASELINE),
        (None, _) => return Ok(None),
    };
    Ok(Some((path.clone(), parse(&path)?)))
}

fn parse(path: &Path) -> anyhow::Result<Baseline> {
    let text = fs::read_to_string(path).map_err(|error| usage(super::config::unreadable(path, &error)))?;
    Baseline::parse(&text).map_err(|error| usage(format!("{}: {error}", path.display())))
}

/// The key under which the fingerprints of a baseline mean something; nothing if any would do.
pub(super) fn key(baseline: &Baseline, own: Option<FingerprintKey>) -> Result<Option<FingerprintKey>, &'static str> {
    match (&baseline.key, own) {
        (None, own) => Ok(own),
        (Some(BaselineKey::Own(bytes)), None) => Ok(Some(FingerprintKey::kept_beside(bytes))),
        (Some(BaselineKey::Own(_)), Some(_)) => {
            Err("it holds its own key: leave out --fp-key-file, or the baseline with --no-baseline")
        }
        (Some(BaselineKey::Apart(_)), None) => {
            Err("it was made under a key file: name it with --fp-key-file, or leave the baseline out with --no-baseline")
        }
        (Some(print), Some(own)) if *print == BaselineKey::apart(&own) => Ok(Some(own)),
        (Some(_), Some(_)) => Err("it was made under another key file than --fp-key-file names"),
    }
}

/// The path of a finding as baselines have it.
pub(super) fn path_of(config: &Config, origin: &Origin) -> String {
    config.settings.context.declared.relative(Path::new(&origin.to_string()))
}

/// What a run has read.
pub(super) struct Read<'a> {
    pub(super) config: &'a Config,
    /// The files and folders that were walked; nothing if only changes were looked at.
    pub(super) folders: Option<&'a [PathBuf]>,
    pub(super) skipped: &'a [SourceError],
}

impl Read<'_> {
    /// Whether a path, from the root of the repository, was read or is gone: an entry there that has no
    /// finding has none any more.
    pub(super) fn has_looked_at(&self, path: &str) -> bool {
        let declared = &self.config.settings.context.declared;
        let root = declared.root.clone().unwrap_or_default();
        // What is inside of an archive is gone with the archive.
        let below = Path::new(path).ancestors().filter(|above| !above.as_os_str().is_empty());
        let is_here = root.join(path).exists() || below.skip(1).any(|above| root.join(above).is_file());
        if !is_here {
            return true;
        }
        let relative = |path: &Path| declared.relative(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
        let is_below = |folder: &PathBuf| {
            let folder = relative(folder);
            folder.is_empty() || path.strip_prefix(&folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let was_skipped = || self.skipped.iter().any(|skipped| path.starts_with(&path_of(self.config, &skipped.origin)));
        self.folders.is_some_and(|folders| folders.iter().any(is_below)) && !was_skipped()
    }
}

pub(super) fn run(global: &Global, command: &BaselineCommand) -> anyhow::Result<Exit> {
    match command {
        BaselineCommand::Create(accept) => create(global, accept),
        BaselineCommand::Update(accept) => update(global, accept),
        BaselineCommand::Check(look) => check(global, look),
    }
}

/// A repository as it is looked at for its baseline.
pub(super) struct Desk {
    pub(super) config: Config,
    pub(super) scanner: &'static Scanner,
    /// The file of the baseline.
    pub(super) path: PathBuf,
    pub(super) baseline: Baseline,
}

/// What was found now, what was found in the past, and what was read.
struct Found {
    now: Vec<Finding>,
    past: Vec<Finding>,
    ledger: Ledger,
}

impl Desk {
    /// Goes to the root of the repository around a folder and reads its baseline; with `fresh`, begins
    /// one where there is none.
    pub(super) fn open(global: &Global, folder: Option<&Path>, named: Option<&Path>, fresh: bool) -> anyhow::Result<Self> {
        let folder = folder.unwrap_or(Path::new("."));
        let root = File::root(folder).unwrap_or_else(|| folder.to_owned());
        let named = named.map(std::path::absolute).transpose().context("there is no current folder")?;
        let key_file =
            global.fp_key_file.as_deref().map(std::path::absolute).transpose().context("there is no current folder")?;
        let here = env::set_current_dir(&root);
        here.map_err(|error| usage(format!("{}: {error}", root.display())))?;
        let path = named.unwrap_or_else(|| PathBuf::from(BASELINE));
        let mut baseline = match path.exists() {
            true => parse(&path)?,
            false if fresh => Baseline::default(),
            false => {
                return Err(usage(format!("{}: there is no baseline; `keyfence baseline create` makes one", path.display())));
            }
        };
        let exceptions = Exceptions { no_baseline: true, ..Exceptions::default() };
        let global = Global { fp_key_file: key_file, ..global.clone() };
        let mut config = Config::new(&global, &Scan { paths: vec![PathBuf::from(".")], exceptions, ..Scan::default() })?;
        let own = global.fp_key_file.is_some().then(|| config.settings.fingerprints.clone());
        let key = key(&baseline, own).map_err(|why| usage(format!("{}: {why}", path.display())))?;
        config.settings.fingerprints = if let Some(key) = key {
            key
        } else {
            let bytes = FingerprintKey::random_bytes().context("no random bytes for a key")?;
            baseline.key = Some(BaselineKey::Own(bytes.to_vec()));
            FingerprintKey::kept_beside(&bytes)
        };
        if baseline.key.is_none() {
            baseline.key = Some(BaselineKey::apart(&config.settings.fingerprints));
        }
        let scanner = config.scanner(false);
        Ok(Self { config, scanner, path, baseline })
    }

    /// Scans the files, and the history if it is wanted.
    fn look(&self, global: &Global, history: bool) -> anyhow::Result<Found> {
        let (settings, folders) = (&self.config.settings, &self.config.paths);
        let now = |progress: &Progress| {
            scan::paths(self.scanner, folders, settings, progress).map_err(|error| usage(error.to_string()))
        };
        let (findings_now, mut ledger) = on_every_core(global, &now)?;
        let mut past = Vec::new();
        if history {
            let repository = repository::find(Some(Path::new(".")))?;
            let work = |progress: &Progress| {
                let what = (&Selection::default(), MEMORY);
                scan::history(self.scanner, &repository, settings, what, progress).map_err(repository::failed)
            };
            let (findings, part) = on_every_core(global, &work)?;
            past = findings;
            ledger.absorb(part);
        }
        Ok(Found { now: findings_now, past, ledger })
    }

    /// What of it is accepted: now, and in the past.
    fn matched(&self, found: &Found) -> (Matched, Matched) {
        let read = Read { config: &self.config, folders: Some(&self.config.paths), skipped: &found.ledger.skipped };
        let path = |finding: &Finding| path_of(&self.config, &finding.location.origin);
        let looked_at = |path: &str| read.has_looked_at(path);
        let today = self.config.settings.today;
        let now = self.baseline.matched(found.now.clone(), &path, Reach::Files(&looked_at), today);
        (now, self.baseline.matched(found.past.clone(), &path, Reach::Past, today))
    }

    /// Whether a finding may have a fingerprint that is kept in a file.
    pub(super) fn may_keep(&self, finding: &Finding) -> bool {
        self.config.settings.fingerprints.is_apart() || !finding.class.is_some_and(Class::is_guessable)
    }

    /// The entry that accepts a finding.
    pub(super) fn entry(&self, finding: &Finding, reason: &str, until: Option<Date>) -> Entry {
        Entry::of(finding, &path_of(&self.config, &finding.location.origin), reason, until)
    }

    /// Adds findings; those that may not be kept come back as lines.
    fn accept(&mut self, new: Vec<Finding>, past: bool, (reason, until): (&str, Option<Date>)) -> Vec<String> {
        let mut refused = Vec::new();
        for finding in new {
            if self.may_keep(&finding) {
                let entry = Entry { past, ..self.entry(&finding, reason, until) };
                self.baseline.entries.push(entry);
            } else {
                refused.push(self.line(&finding));
            }
        }
        refused
    }

    /// `path:line: kind: mask`
    pub(super) fn line(&self, finding: &Finding) -> String {
        let line = finding.location.lines.map_or(String::new(), |(start, _)| format!(":{}", start.line));
        let path = output::masked(self.scanner, &finding.location.origin.to_string());
        format!("{path}{line}: {}: {}", finding.kind.title(), finding.mask)
    }

    /// Tells git to keep the entries of both sides of a merge, unless it has been told what to do with the
    /// baseline; true if that was written. Two entries that stand side by side would be a conflict.
    pub(super) fn make_mergeable(&self) -> anyhow::Result<bool> {
        const ATTRIBUTES: &str = ".gitattributes";
        let Ok(repository) = repository::find(Some(Path::new("."))) else { return Ok(false) };
        let is_at_top = repository.top().is_ok_and(|top| fs::canonicalize(top).ok() == env::current_dir().ok());
        if !is_at_top || self.path != Path::new(BASELINE) {
            return Ok(false);
        }
        let mut text = match fs::read(ATTRIBUTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).context(ATTRIBUTES),
        };
        if String::from_utf8_lossy(&text).lines().any(|line| line.trim_start().trim_start_matches('/').starts_with(BASELINE)) {
            return Ok(false);
        }
        if text.last().is_some_and(|&last| last != b'\n') {
            text.push(b'\n');
        }
        text.extend_from_slice(format!("{BASELINE} merge=union\n").as_bytes());
        let written = Replacement::start_in(Path::new(ATTRIBUTES), Some(repository.common()));
        written.and_then(|file| file.finish(&text)).context(ATTRIBUTES)?;
        Ok(true)
    }

    /// Replaces the file in one step.
    pub(super) fn write(&mut self) -> io::Result<()> {
        self.baseline.settle();
        // A part of it would be one more file of the project, if we are stopped.
        let repository = repository::find(Some(Path::new("."))).ok();
        let folder = repository.as_ref().map(Repository::common);
        Replacement::start_in(&self.path, folder)?.finish(self.baseline.to_text().as_bytes())
    }
}

fn decided(accept: &Accept) -> anyhow::Result<(Option<&str>, Option<Date>)> {
    let reason = accept.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    let until = accept
        .until
        .as_deref()
        .map(|text| Date::parse(text).ok_or_else(|| usage(format!("--until: {text:?} is no date such as 2027-01-31"))));
    Ok((reason, until.transpose()?))
}

fn create(global: &Global, args: &Accept) -> anyhow::Result<Exit> {
    let (reason, until) = decided(args)?;
    let reason = reason.ok_or_else(|| usage("say why these findings are accepted: --reason \"…\""))?;
    let mut desk = Desk::open(global, args.look.folder.as_deref(), args.look.baseline.as_deref(), true)?;
    if desk.path.exists() {
        let path = desk.path.display();
        return Err(usage(format!("{path}: it is there already; `keyfence baseline update --reason \"…\"` adds to it")));
    }
    let found = desk.look(global, args.look.history)?;
    let (now, past) = (found.now.clone(), found.past.clone());
    let mut refused = desk.accept(now, false, (reason, until));
    // What is accepted now is accepted in its past as well.
    let past: Vec<Finding> = past.into_iter().filter(|finding| !desk.knows(finding)).collect();
    refused.extend(desk.accept(past, true, (reason, until)));
    refused.dedup();
    let attributes = desk.make_mergeable()?;
    desk.write()?;
    let mut text = format!("{}: {} accepted\n", desk.path.display(), entries(desk.baseline.entries.len()));
    if attributes {
        text += "and .gitattributes: both sides of a merge stay; commit it, too\n";
    }
    text += &listed("not accepted: could be guessed from its fingerprint, unless --fp-key-file keeps the key apart", &refused);
    say(global, &desk, &text, &found.ledger, !refused.is_empty())
}

fn update(global: &Global, args: &Accept) -> anyhow::Result<Exit> {
    let (reason, until) = decided(args)?;
    let mut desk = Desk::open(global, args.look.folder.as_deref(), args.look.baseline.as_deref(), false)?;
    let found = desk.look(global, args.look.history)?;
    let (now, past) = desk.matched(&found);
    let (today, complete) = (desk.config.settings.today, found.ledger.is_complete());
    let mut dropped = Vec::new();
    let mut moved = 0;
    let entries_before = std::mem::take(&mut desk.baseline.entries);
    for (at, mut entry) in entries_before.into_iter().enumerate() {
        let was_looked_for = complete && (!entry.past || args.look.history);
        match now.paths.get(&at) {
            Some(path) => {
                moved += usize::from(*path != entry.path);
                entry.path.clone_from(path);
            }
            None if past.paths.contains_key(&at) && !entry.past => entry.past = true,
            None if past.paths.contains_key(&at) => {}
            None if entry.has_ended(today) || was_looked_for => {
                dropped.push(about(desk.scanner, &entry));
                continue;
            }
            None => {}
        }
        desk.baseline.entries.push(entry);
    }
    let mut left = Vec::new();
    let kept = desk.baseline.entries.len();
    match reason {
        Some(reason) => {
            left.extend(desk.accept(now.new, false, (reason, until)));
            let past: Vec<Finding> = past.new.into_iter().filter(|finding| !desk.knows(finding)).collect();
            left.extend(desk.accept(past, true, (reason, until)));
        }
        None => left.extend(now.new.iter().chain(&past.new).map(|finding| desk.line(finding))),
    }
    let added = desk.baseline.entries.len() - kept;
    desk.write()?;
    let mut text = format!("{}: {} kept, {moved} moved, {added} added, {} dropped\n", desk.path.display(), kept, dropped.len());
    text += &listed("dropped: its finding is gone, or its day has passed", &dropped);
    text += &listed("not accepted", &left);
    say(global, &desk, &text, &found.ledger, !left.is_empty())
}

fn check(global: &Global, args: &Look) -> anyhow::Result<Exit> {
    let desk = Desk::open(global, args.folder.as_deref(), args.baseline.as_deref(), false)?;
    let found = desk.look(global, args.history)?;
    let (now, past) = desk.matched(&found);
    let (mut unused, mut ended) = (Vec::new(), Vec::new());
    for (at, entry) in desk.baseline.entries.iter().enumerate() {
        if entry.has_ended(desk.config.settings.today) {
            ended.push(about(desk.scanner, entry));
        } else if !now.paths.contains_key(&at) && !past.paths.contains_key(&at) && (!entry.past || args.history) {
            unused.push(about(desk.scanner, entry));
        }
    }
    let (path, count) = (desk.path.display(), entries(desk.baseline.entries.len()));
    let mut text = format!("{path}: {count}, {} not used, {} ended\n", unused.len(), ended.len());
    text += &listed("not used: its finding is gone", &unused);
    text += &listed("ended", &ended);
    say(global, &desk, &text, &found.ledger, !unused.is_empty() || !ended.is_empty())
}

impl Desk {
    /// Whether an entry is about this value and kind, wherever it stands.
    fn knows(&self, finding: &Finding) -> bool {
        let print = finding.fingerprint.to_string();
        self.baseline.entries.iter().any(|entry| entry.fingerprint == print && entry.kind == finding.kind)
    }
}

fn about(scanner: &Scanner, entry: &Entry) -> String {
    output::masked(scanner, &format!("{}: {}: {} ({})", entry.path, entry.kind.title(), entry.fingerprint, entry.reason))
}

/// `1 entry`, `2 entries`
fn entries(count: usize) -> String {
    format!("{count} {}", if count == 1 { "entry" } else { "entries" })
}

/// A heading and indented lines; nothing without lines.
pub(super) fn listed(heading: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    format!("{heading}:\n  {}\n", lines.join("\n  "))
}

/// Prints what was done, and what could not be read.
fn say(global: &Global, desk: &Desk, text: &str, ledger: &Ledger, open: bool) -> anyhow::Result<Exit> {
    let skipped: Vec<String> = ledger.skipped.iter().map(|error| output::masked(desk.scanner, &error.to_string())).collect();
    output::print(global.color, &format!("{text}{}", listed("skipped", &skipped)))?;
    Ok(match () {
        () if open => Exit::Findings(1),
        () if !ledger.is_complete() => Exit::Incomplete,
        () => Exit::Clean,
    })
}
