//! The commit that is about to be made: each changed file is judged as a whole, because the
//! context of a line decides what it is, and what a changed line takes part in is reported.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::{Input, Job, Ledger, Progress, Raw, Settings, key};
use crate::assess::Shared;
use crate::credential::Fingerprint;
use crate::detect::Scanner;
use crate::environment;
use crate::finding::{Finding, Kind, Origin, PlaceKind, Severity, Tracked};
use crate::source::git::staged::{Index, Staged};
use crate::source::git::{Change, GitError, Objects, Repository};
use crate::source::{self, Haystack, HaystackKind, Met, SourceError};

/// Fewer files are not worth a second thread.
const FEW: usize = 4;
/// So many pairs of new and removed files are looked at to see whether one was renamed.
const PAIRS: usize = 4096;

/// Scans what is staged, and with `uncommitted` the files that are not staged, too. Paths are from
/// the top of the work tree, which is the current folder; findings come back sorted by path and offset.
pub fn staged(
    scanner: &Scanner,
    repository: &Repository,
    settings: &Settings,
    uncommitted: bool,
) -> Result<(Vec<Finding>, Ledger), GitError> {
    let objects = repository.objects()?;
    let staged = repository.staged(&objects)?;
    let progress = Progress::default();
    let commit = Commit { scanner, settings, progress: &progress, removed: &staged.removed };
    let mut all = commit.judge(&staged.changes, &objects);
    for path in &staged.conflicts {
        let why = "its conflicts are not resolved: nothing of it is staged".to_owned();
        all.ledger.skipped.push(SourceError { origin: Origin::File(path.clone()), why });
    }
    all.ledger.excluded += staged.submodules as u64;
    if uncommitted {
        all.absorb(commit.uncommitted(repository, &objects, &staged)?);
    }
    commit.relate(&mut all, repository, &objects)?;
    let Part { mut findings, mut ledger, .. } = all;
    findings.sort_by_cached_key(key);
    findings.dedup_by(|a, b| identity(a) == identity(b) && a.location == b.location);
    ledger.skipped.sort();
    ledger.warnings.sort();
    Ok((findings, ledger))
}

/// What was found in some files.
#[derive(Default)]
struct Part {
    findings: Vec<Finding>,
    ledger: Ledger,
    shared: Shared,
    /// The changed lines of each changed file.
    changed: BTreeMap<Origin, Vec<bool>>,
}

impl Part {
    fn absorb(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.ledger.absorb(other.ledger);
        self.shared.absorb(other.shared);
        for (origin, lines) in other.changed {
            let all = self.changed.entry(origin).or_default();
            all.resize(all.len().max(lines.len()), false);
            all.iter_mut().zip(lines).for_each(|(all, line)| *all |= line);
        }
    }

    fn joined(mut self, other: Self) -> Self {
        self.absorb(other);
        self
    }

    fn skipped(error: SourceError) -> Self {
        Self { ledger: Ledger { skipped: vec![error], ..Ledger::default() }, ..Self::default() }
    }
}

/// What makes two findings the same wherever in a file they stand.
pub(super) type Identity = (Kind, String, Option<Fingerprint>);

pub(super) fn identity(finding: &Finding) -> Identity {
    let member = match &finding.location.origin {
        Origin::Member { name, .. } => name.to_string_lossy().into_owned(),
        _ => String::new(),
    };
    (finding.kind, member + "!" + finding.rule.as_str(), Some(finding.fingerprint))
}

/// A file before the commit.
struct Before {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// The commit that is about to be made.
struct Commit<'a> {
    scanner: &'a Scanner,
    settings: &'a Settings,
    progress: &'a Progress,
    removed: &'a [(PathBuf, source::git::Id)],
}

impl Commit<'_> {
    fn judge(&self, changes: &[Change], objects: &Objects) -> Part {
        if changes.len() < FEW {
            return changes.iter().map(|change| self.change(change, objects)).fold(Part::default(), Part::joined);
        }
        let shared = Mutex::new(objects.clone());
        let own = || shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let parts = changes.par_iter().map_init(own, |objects, change| self.change(change, objects));
        parts.reduce(Part::default, Part::joined)
    }

    fn change(&self, change: &Change, objects: &Objects) -> Part {
        let input = Input::new(Origin::File(change.path.clone()), Tracked::Yes, false);
        match objects.blob(&change.id) {
            Err(error) => Part::skipped(SourceError { origin: input.origin, why: error.to_string() }),
            Ok(bytes) => self.compared(&input, &bytes, &|| self.before(change, &bytes, objects)),
        }
    }

    /// The findings of a file that its change takes part in. What was before is read only if there are any.
    fn compared(&self, input: &Input, bytes: &[u8], before: &dyn Fn() -> Vec<Before>) -> Part {
        let mut part = self.scan(input, bytes);
        if part.findings.is_empty() && part.shared.is_empty() && part.ledger.allowed.is_empty() {
            return part;
        }
        let before = before();
        let changed = changed_lines(bytes, &before);
        if !before.is_empty() {
            part.ledger.allowed.retain(|(finding, _)| touches(finding, &changed));
            let mut old: Vec<BTreeMap<Identity, Severity>> = Vec::new();
            part.findings.retain(|finding| {
                if touches(finding, &changed) {
                    return true;
                }
                if old.is_empty() {
                    old = before.iter().map(|before| self.known(input, before)).collect();
                }
                // What one parent has is nothing new.
                let id = identity(finding);
                old.iter().all(|known| known.get(&id).is_none_or(|&severity| severity < finding.severity))
            });
        }
        part.changed.insert(input.origin.clone(), changed);
        part
    }

    fn scan(&self, input: &Input, bytes: &[u8]) -> Part {
        let mut job = Job::new(self.scanner, self.settings, self.progress);
        job.name(input);
        job.read(input, &mut Raw::Held(bytes), &mut |_| {});
        Part { findings: job.findings, ledger: job.ledger, shared: job.shared, ..Part::default() }
    }

    /// What a changed line shares with another file of the commit, or with configuration that does
    /// not change.
    fn relate(&self, all: &mut Part, repository: &Repository, objects: &Objects) -> Result<(), GitError> {
        if all.shared.is_empty() {
            return Ok(());
        }
        let declared = &self.settings.context.declared;
        for (path, id) in repository.index()?.iter().flat_map(Index::files) {
            let origin = Origin::File(path);
            let Some(path) = origin.path() else { continue };
            let kind = environment::path::kind_of(&declared.relative(path), declared);
            let is_configuration = matches!(kind, PlaceKind::Config | PlaceKind::Dotenv | PlaceKind::Ci | PlaceKind::Template);
            if is_configuration && !all.changed.contains_key(&origin) {
                let input = Input::new(origin.clone(), Tracked::Yes, false);
                let bytes = objects.blob(&id).unwrap_or_default();
                all.shared.absorb(self.scan(&input, &bytes).shared);
            }
        }
        let mut job = Job::new(self.scanner, self.settings, self.progress);
        for finding in std::mem::take(&mut all.shared).findings() {
            let here = std::iter::once((&finding.location.origin, finding.location.lines.map(|(start, _)| start.line)));
            let mut places = here.chain(finding.related.iter().map(|related| (&related.origin, related.line)));
            let is_changed = |lines: &Vec<bool>, line: Option<u64>| {
                let at = line.and_then(|line| usize::try_from(line).ok()).map_or(0, |line| line.wrapping_sub(1));
                lines.get(at) == Some(&true)
            };
            if places.any(|(origin, line)| all.changed.get(origin).is_some_and(|lines| is_changed(lines, line))) {
                job.push(finding);
            }
        }
        all.findings.append(&mut job.findings);
        all.ledger.absorb(job.ledger);
        Ok(())
    }

    /// What was found in a file before.
    fn known(&self, input: &Input, before: &Before) -> BTreeMap<Identity, Severity> {
        let old = Input::new(Origin::File(before.path.clone()), input.tracked, false);
        let mut known = BTreeMap::new();
        for finding in self.scan(&old, &before.bytes).findings {
            let worst = known.entry(identity(&finding)).or_insert(finding.severity);
            *worst = (*worst).max(finding.severity);
        }
        known
    }

    /// What a file was in each parent. A new file may be an old one that was renamed.
    fn before(&self, change: &Change, bytes: &[u8], objects: &Objects) -> Vec<Before> {
        let read = |path: &Path, id| objects.blob(id).ok().map(|bytes| Before { path: path.to_owned(), bytes });
        if !change.before.is_empty() {
            return change.before.iter().filter_map(|id| read(&change.path, id)).collect();
        }
        if let Some((path, id)) = self.removed.iter().find(|(_, id)| *id == change.id) {
            return read(path, id).into_iter().collect();
        }
        let candidates = self.removed.iter().take(PAIRS).filter_map(|(path, id)| read(path, id));
        let scored = candidates.map(|before| (alike(bytes, &before.bytes), before));
        let best = scored.max_by(|(a, _), (b, _)| a.total_cmp(b));
        best.filter(|(score, _)| *score >= 0.5).map(|(_, before)| before).into_iter().collect()
    }

    /// What is in files and not staged: changes of tracked files against what is staged, and files
    /// that git does not track.
    fn uncommitted(&self, repository: &Repository, objects: &Objects, staged: &Staged) -> Result<Part, GitError> {
        let top = repository.top()?;
        let index = repository.index()?;
        let shared = Mutex::new(objects.clone());
        let collected = Mutex::new(Part::default());
        let visit = |met: Met| {
            let part = match met {
                Met::File(haystack) => {
                    let objects = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    self.file(&haystack, top, (index.as_ref(), &objects), staged)
                }
                Met::Excluded => Part { ledger: Ledger { excluded: 1, ..Ledger::default() }, ..Part::default() },
                Met::Skipped(error) => Part::skipped(error),
            };
            collected.lock().unwrap_or_else(PoisonError::into_inner).absorb(part);
        };
        source::walk(&[top.to_owned()], &self.settings.walk, &visit)
            .map_err(|error| GitError::Damaged { path: top.to_owned(), why: error.to_string() })?;
        Ok(collected.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn file(&self, haystack: &Haystack, top: &Path, (index, objects): (Option<&Index>, &Objects), staged: &Staged) -> Part {
        let path = haystack.path().strip_prefix(top).unwrap_or(haystack.path());
        let input = Input::new(Origin::File(path.to_owned()), haystack.tracked, false);
        let ignored = haystack.tracked == Tracked::Ignored && !self.settings.context.policy.ignored_env_files;
        // The settings of the repository are no part of a commit.
        if haystack.kind == HaystackKind::Pipe || path.starts_with(".git") || ignored {
            return Part::default();
        }
        let failed = |error| Part::skipped(SourceError::io(input.origin.clone(), &error));
        let about = match fs::metadata(haystack.path()) {
            Ok(about) => about,
            Err(error) => return failed(error),
        };
        let known = index.and_then(|index| index.file(path, &about));
        if known.is_some_and(|(_, same)| same) || known.is_none() && staged.conflicts.iter().any(|conflict| conflict == path) {
            return Part::default();
        }
        let bytes = match fs::read(haystack.path()) {
            Ok(bytes) => bytes,
            Err(error) => return failed(error),
        };
        let blob = known.and_then(|(id, _)| objects.blob(&id).ok());
        if blob.as_ref().is_some_and(|blob| *blob == bytes) {
            return Part::default();
        }
        let before = || blob.iter().map(|blob| Before { path: path.to_owned(), bytes: blob.clone() }).collect();
        self.compared(&input, &bytes, &before)
    }
}

/// Whether a changed line holds the finding, or something that speaks for it.
fn touches(finding: &Finding, changed: &[bool]) -> bool {
    let is_changed = |line: u64| usize::try_from(line).is_ok_and(|line| changed.get(line.wrapping_sub(1)) == Some(&true));
    let Origin::File(_) = finding.location.origin else { return false };
    let Some((first, last)) = finding.location.lines else { return false };
    let here = finding.related.iter().filter(|related| related.origin == finding.location.origin);
    (first.line..=last.line).any(is_changed)
        || finding.because.iter().filter_map(|(_, line)| *line).any(is_changed)
        || here.filter_map(|related| related.line).any(is_changed)
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn counted(bytes: &[u8]) -> HashMap<&[u8], usize> {
    let mut counts = HashMap::new();
    lines(bytes).for_each(|line| *counts.entry(line).or_default() += 1);
    counts
}

/// The lines that stand in a file more often than in any of its earlier versions; moved ones are not changed.
fn changed_lines(bytes: &[u8], before: &[Before]) -> Vec<bool> {
    let mut known: Vec<_> = before.iter().map(|before| counted(&before.bytes)).collect();
    let is_new = |line: &[u8]| {
        let take = |known: &mut HashMap<&[u8], usize>| match known.get_mut(line) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        };
        // Each version counts for itself: all are asked.
        known.iter_mut().map(take).filter(|new| !new).count() == 0
    };
    lines(bytes).map(is_new).collect()
}

/// What part of the larger of two files stands in both, by whole lines.
pub(super) fn alike(a: &[u8], b: &[u8]) -> f64 {
    let mut left = counted(b);
    let shared: usize = lines(a)
        .map(|line| match left.get_mut(line) {
            Some(count) if *count > 0 => {
                *count -= 1;
                line.len() + 1
            }
            _ => 0,
        })
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more")]
    let share = shared as f64 / (a.len().max(b.len()) + 1) as f64;
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(text: &str) -> Before {
        Before { path: PathBuf::new(), bytes: text.as_bytes().to_vec() }
    }

    #[test]
    fn a_line_is_changed_if_no_version_has_it() {
        assert_eq!(changed_lines(b"a\nb\nc", &[before("a\r\nc")]), [false, true, false]);
        // A second copy is new, a moved one is not.
        assert_eq!(changed_lines(b"a\na", &[before("a")]), [false, true]);
        assert_eq!(changed_lines(b"b\na", &[before("a\nb")]), [false, false]);
        // What one of two parents has is not this commit's.
        assert_eq!(changed_lines(b"a\nb\nc", &[before("a"), before("b")]), [false, false, true]);
        assert_eq!(changed_lines(b"a\na", &[before("a"), before("a\na")]), [false, false]);
    }

    #[test]
    fn renamed_files_are_alike() {
        assert!(alike(b"one\ntwo\nthree\nfour\n", b"one\ntwo\n3\nfour\n") > 0.5);
        assert!(alike(b"one\ntwo\n", b"three\nfour\n") < 0.5);
        assert!(alike(b"", b"") <= 1.0);
    }
}
