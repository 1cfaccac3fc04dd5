//! A part of a history: what its commits bring, told apart from what stood there before them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::history::Past;
use super::staged::{Identity, alike, identity};
use crate::finding::{Finding, KeptAs, Severity};
use crate::source::git::history::{Made, removed_by};
use crate::source::git::{GitError, Id, Objects, path_of};

/// So many removed files are looked at to see whether a new one was one of them.
const CANDIDATES: usize = 4096;

/// What is known of a file: each finding in it, and how bad it is.
type Known = Rc<BTreeMap<Identity, Severity>>;

/// Takes out the findings of which a commit outside of the part is to blame: they stood in the same
/// file, or in the one that it was renamed from, before a commit of the part touched it.
pub(super) fn brought(
    past: &Past<'_>,
    objects: &Objects,
    commits: &[Made],
    findings: Vec<Finding>,
) -> Result<Vec<Finding>, GitError> {
    let selected: HashSet<Id> = commits.iter().map(|made| made.id).collect();
    if commits.iter().flat_map(Made::parents).all(|parent| selected.contains(parent)) {
        return Ok(findings);
    }
    let order: HashMap<String, usize> = commits.iter().enumerate().map(|(at, made)| (made.id.to_string(), at)).collect();
    let place = |finding: &Finding| {
        let kept = finding.location.origin.kept()?;
        let KeptAs::File(path) = &kept.what else { return None };
        Some((*order.get(&kept.commit.as_ref()?.id)?, path.clone()))
    };
    // Parents first: what they bring is known when their children are asked about.
    let mut asked: Vec<_> = findings.iter().enumerate().filter_map(|(at, finding)| Some((place(finding)?, at))).collect();
    asked.sort();
    let mut before = Before { past, objects, known: HashMap::new(), removed: HashMap::new() };
    let (mut new, mut old) = (HashSet::new(), HashSet::new());
    for ((commit, path), at) in asked {
        if before.has(&commits[commit], &path, &findings[at], &new)? {
            old.insert(at);
        } else {
            new.insert((path, identity(&findings[at])));
        }
    }
    let kept = findings.into_iter().enumerate().filter(|(at, _)| !old.contains(at));
    Ok(kept.map(|(_, finding)| finding).collect())
}

/// The files of the commits that others follow.
struct Before<'a> {
    past: &'a Past<'a>,
    objects: &'a Objects,
    known: HashMap<(PathBuf, Id), Known>,
    removed: HashMap<Id, Rc<[(PathBuf, Id)]>>,
}

impl Before<'_> {
    /// Whether a finding stood there before a commit that touches its file. `new` is what the commits
    /// before it have brought.
    fn has(&mut self, made: &Made, path: &Path, finding: &Finding, new: &HashSet<(PathBuf, Identity)>) -> Result<bool, GitError> {
        let id = identity(finding);
        let is_name = finding.location.lines.is_none();
        let mut is_here = false;
        for parent in made.parents() {
            let Some(file) = self.objects.in_commit(parent, path)? else { continue };
            is_here = true;
            let was = self.known(path, file).get(&id).copied();
            if is_name || was.is_some_and(|was| was >= finding.severity) {
                return Ok(true);
            }
        }
        if is_here {
            return Ok(false);
        }
        let Some((from, file)) = self.source(made, finding)? else { return Ok(false) };
        // What the part itself brought is told at its new place, too.
        let was = self.known(&from, file).get(&id).copied();
        Ok(was.is_some_and(|was| was >= finding.severity) && !new.contains(&(from, id)))
    }

    /// The file that this one was before it was renamed.
    fn source(&mut self, made: &Made, finding: &Finding) -> Result<Option<(PathBuf, Id)>, GitError> {
        let removed = if let Some(removed) = self.removed.get(&made.id) {
            Rc::clone(removed)
        } else {
            let removed: Rc<[_]> = removed_by(self.objects, made)?.into_iter().map(|(path, id)| (path_of(&path), id)).collect();
            self.removed.insert(made.id, Rc::clone(&removed));
            removed
        };
        let Some(id) = finding.location.origin.kept().and_then(|kept| Id::from_hex(kept.object.as_bytes()).ok()) else {
            return Ok(None);
        };
        if let Some(same) = removed.iter().find(|(_, other)| *other == id) {
            return Ok(Some(same.clone()));
        }
        if removed.is_empty() {
            return Ok(None);
        }
        let bytes = self.objects.blob(&id)?;
        let likeness = |(path, id): &(PathBuf, Id)| {
            let other = self.objects.blob(id).ok()?;
            Some((alike(&bytes, &other), path.clone(), *id))
        };
        let best = removed.iter().take(CANDIDATES).filter_map(likeness).max_by(|a, b| a.0.total_cmp(&b.0));
        Ok(best.filter(|(share, ..)| *share >= 0.5).map(|(_, path, id)| (path, id)))
    }

    /// The findings in a file of a commit that is not asked about.
    fn known(&mut self, path: &Path, file: Id) -> Known {
        let key = (path.to_owned(), file);
        if let Some(known) = self.known.get(&key) {
            return Rc::clone(known);
        }
        let mut known = BTreeMap::new();
        // What a partial clone does not hold is not known.
        for finding in self.objects.blob(&file).map_or_else(|_| Vec::new(), |bytes| self.past.in_file(path, &file, &bytes)) {
            let worst = known.entry(identity(&finding)).or_insert(finding.severity);
            *worst = (*worst).max(finding.severity);
        }
        let known = Rc::new(known);
        self.known.insert(key, Rc::clone(&known));
        known
    }
}
