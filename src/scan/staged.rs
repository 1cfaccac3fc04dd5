//! The commit that is about to be made: each changed file is judged as a whole, because the
//! context of a line decides what it is, and what a changed line takes part in is reported.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::{Input, Job, Ledger, Progress, Raw, Settings, key};
use crate::credential::Fingerprint;
use crate::detect::Scanner;
use crate::finding::{Finding, Kind, Origin, Severity, Tracked};
use crate::source::git::staged::{Index, Staged};
use crate::source::git::{Change, GitError, Objects, Repository};
use crate::source::{self, Haystack, HaystackKind, Met, SourceError};

/// Fewer files are not worth a second thread.
const FEW: usize = 4;
/// So many pairs of new and removed files are looked at to see whether one was renamed.
const PAIRS: usize = 4096;

/// Scans what is staged, and with `uncommitted` the files that are not staged, too. Paths are from
/// the top of the work tree; findings come back sorted by path and offset.
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
        all.1.skipped.push(SourceError { origin: Origin::File(path.clone()), why });
    }
    all.1.excluded += staged.submodules as u64;
    if uncommitted {
        let (mut findings, ledger) = commit.uncommitted(repository, &objects, &staged)?;
        all.0.append(&mut findings);
        all.1.absorb(ledger);
    }
    let (mut findings, mut ledger) = all;
    findings.sort_by_cached_key(key);
    findings.dedup_by(|a, b| identity(a) == identity(b) && a.location == b.location);
    ledger.skipped.sort();
    ledger.warnings.sort();
    Ok((findings, ledger))
}

/// What makes two findings the same wherever in a file they stand.
type Identity = (Kind, String, Option<Fingerprint>);

fn identity(finding: &Finding) -> Identity {
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
    fn judge(&self, changes: &[Change], objects: &Objects) -> (Vec<Finding>, Ledger) {
        if changes.len() < FEW {
            let parts = changes.iter().map(|change| self.change(change, objects));
            return parts.fold(Default::default(), joined);
        }
        let shared = Mutex::new(objects.clone());
        let own = || shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let parts = changes.par_iter().map_init(own, |objects, change| self.change(change, objects));
        parts.reduce(Default::default, joined)
    }

    fn change(&self, change: &Change, objects: &Objects) -> (Vec<Finding>, Ledger) {
        let input = Input::new(Origin::File(change.path.clone()), Tracked::Yes, false);
        match objects.blob(&change.id) {
            Err(error) => {
                let skipped = SourceError { origin: input.origin, why: error.to_string() };
                (Vec::new(), Ledger { skipped: vec![skipped], ..Ledger::default() })
            }
            Ok(bytes) => self.compared(&input, &bytes, &|| self.before(change, &bytes, objects)),
        }
    }

    /// The findings of a file that its change takes part in. What was before is read only if there are any.
    fn compared(&self, input: &Input, bytes: &[u8], before: &dyn Fn() -> Vec<Before>) -> (Vec<Finding>, Ledger) {
        let (mut findings, ledger) = self.scan(input, bytes);
        if findings.is_empty() {
            return (findings, ledger);
        }
        let before = before();
        if before.is_empty() {
            return (findings, ledger);
        }
        let changed = changed_lines(bytes, &before);
        let mut old: Vec<BTreeMap<Identity, Severity>> = Vec::new();
        findings.retain(|finding| {
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
        (findings, ledger)
    }

    fn scan(&self, input: &Input, bytes: &[u8]) -> (Vec<Finding>, Ledger) {
        let mut job = Job::new(self.scanner, self.settings, self.progress);
        job.name(input);
        job.read(input, &mut Raw::Stream(&mut Cursor::new(bytes)), &mut |_| {});
        (job.findings, job.ledger)
    }

    /// What was found in a file before.
    fn known(&self, input: &Input, before: &Before) -> BTreeMap<Identity, Severity> {
        let old = Input::new(Origin::File(before.path.clone()), input.tracked, false);
        let mut known = BTreeMap::new();
        for finding in self.scan(&old, &before.bytes).0 {
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
    fn uncommitted(
        &self,
        repository: &Repository,
        objects: &Objects,
        staged: &Staged,
    ) -> Result<(Vec<Finding>, Ledger), GitError> {
        let top = repository.top()?;
        let index = repository.index()?;
        let shared = Mutex::new(objects.clone());
        let collected = Mutex::new((Vec::new(), Ledger::default()));
        let visit = |met: Met| {
            let part = match met {
                Met::File(haystack) => {
                    let objects = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    self.file(&haystack, top, (index.as_ref(), &objects), staged)
                }
                Met::Excluded => (Vec::new(), Ledger { excluded: 1, ..Ledger::default() }),
                Met::Skipped(error) => (Vec::new(), Ledger { skipped: vec![error], ..Ledger::default() }),
            };
            let mut all = collected.lock().unwrap_or_else(PoisonError::into_inner);
            let before = std::mem::take(&mut *all);
            *all = joined(before, part);
        };
        source::walk(&[top.to_owned()], &self.settings.walk, &visit).map_err(|error| GitError::Damaged {
            path: top.to_owned(),
            why: error.to_string(),
        })?;
        Ok(collected.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn file(
        &self,
        haystack: &Haystack,
        top: &Path,
        (index, objects): (Option<&Index>, &Objects),
        staged: &Staged,
    ) -> (Vec<Finding>, Ledger) {
        let path = haystack.path().strip_prefix(top).unwrap_or(haystack.path());
        let input = Input::new(Origin::File(path.to_owned()), haystack.tracked, false);
        let failed = |error| {
            let skipped = SourceError::io(input.origin.clone(), &error);
            (Vec::new(), Ledger { skipped: vec![skipped], ..Ledger::default() })
        };
        // The settings of the repository are no part of a commit.
        if haystack.kind == HaystackKind::Pipe || path.starts_with(".git") {
            return Default::default();
        }
        let about = match fs::metadata(haystack.path()) {
            Ok(about) => about,
            Err(error) => return failed(error),
        };
        let known = index.and_then(|index| index.file(path, &about));
        if known.is_some_and(|(_, same)| same) || known.is_none() && staged.conflicts.iter().any(|conflict| conflict == path) {
            return Default::default();
        }
        let bytes = match fs::read(haystack.path()) {
            Ok(bytes) => bytes,
            Err(error) => return failed(error),
        };
        let blob = known.and_then(|(id, _)| objects.blob(&id).ok());
        if blob.as_ref().is_some_and(|blob| *blob == bytes) {
            return Default::default();
        }
        let before = || blob.iter().map(|blob| Before { path: path.to_owned(), bytes: blob.clone() }).collect();
        self.compared(&input, &bytes, &before)
    }
}

fn joined(mut all: (Vec<Finding>, Ledger), part: (Vec<Finding>, Ledger)) -> (Vec<Finding>, Ledger) {
    all.0.extend(part.0);
    all.1.absorb(part.1);
    all
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
        // Each version counts for itself.
        known.iter_mut().map(take).fold(true, |all, new| all && new)
    };
    lines(bytes).map(is_new).collect()
}

/// What part of the larger of two files stands in both, by whole lines.
fn alike(a: &[u8], b: &[u8]) -> f64 {
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
