//! The history of a repository: which commits there are, in what order they were made, and which
//! paths each of them brought.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use gix_object::Kind;

use super::objects::{EntryKind, Head, author, entries, message};
use super::pack::{Content, Files, Object, Wanted};
use super::refs::{Refs, commit_of};
use super::{GitError, Id, Objects, Repository};
use crate::finding::Commit;

/// Names that are shorter are no keys.
const SHORTEST: usize = 12;

/// Which part of a history is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Revisions, ranges (`A..B`, `A...B`), and what to leave out (`^A`).
    pub revisions: Vec<String>,
    /// Commits made at this time or later, in seconds.
    pub since: Option<i64>,
    /// Commits made at this time or earlier, in seconds.
    pub until: Option<i64>,
    /// The newest so many.
    pub max_count: Option<usize>,
    /// Names of objects that are no commits: what tags of files and folders name.
    pub contents: Vec<String>,
}

impl Selection {
    /// Whether everything that the repository holds is asked for.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// The contents that a selection names besides commits.
    pub(crate) fn named_contents(&self, objects: &Objects) -> Result<Vec<Id>, GitError> {
        let mut found = Vec::new();
        for name in &self.contents {
            let id = Id::from_hex(name.as_bytes()).ok();
            match id.map(|id| objects.peeled(id)).transpose()?.flatten() {
                Some((id, Kind::Blob)) => found.push(id),
                Some((id, Kind::Tree)) => found.extend(super::staged::files(objects, id, b"")?.into_values()),
                Some(_) => {}
                None => return Err(GitError::Revision { revision: name.clone(), why: "no such object".to_owned() }),
            }
        }
        Ok(found)
    }
}

/// A commit and where it stands among the others.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) id: Id,
    tree: Id,
    parents: Vec<Id>,
    time: i64,
    /// Whether a branch, a tag or a stash leads to it.
    pub(crate) reachable: bool,
    /// Whether it is the commit that is checked out, or leads to it.
    pub(crate) in_head: bool,
}

impl Made {
    /// When it was made, in seconds.
    pub(crate) fn time(&self) -> i64 {
        self.time
    }

    /// The commits that it follows.
    pub(crate) fn parents(&self) -> &[Id] {
        &self.parents
    }
}

/// The objects that hold something, and what else is needed to find their paths.
#[derive(Debug, Default)]
pub(crate) struct Interesting {
    /// Trees that lead to something; all of them where that is not known.
    trees: Option<Few>,
    /// Trees that cannot be read.
    damaged: BTreeSet<Id>,
}

/// Beginnings of objects' names. One too many costs time and nothing else.
type Few = HashSet<u64, BuildHasherDefault<Plain>>;

/// Hashes what is a hash already.
#[derive(Debug, Default)]
struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, &byte| hash.rotate_left(8) ^ u64::from(byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

fn beginning(id: &[u8]) -> u64 {
    id.first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

/// Names that may hold something, each asked about once.
struct Odd<'a> {
    is_odd: &'a (dyn Fn(&[u8]) -> bool + Sync),
    known: Mutex<HashMap<Box<[u8]>, bool>>,
}

impl Odd<'_> {
    /// `names` is what the thread knows already.
    fn is(&self, names: &mut HashMap<Box<[u8]>, bool>, name: &[u8]) -> bool {
        if name.len() < SHORTEST {
            return false;
        }
        if let Some(&known) = names.get(name) {
            return known;
        }
        let shared = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied();
        let answer = shared.unwrap_or_else(|| (self.is_odd)(name));
        names.insert(name.into(), answer);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), answer);
        answer
    }
}

impl Repository {
    /// Looks at every object of the wanted kinds, on every core, each once.
    pub(crate) fn each_object<S>(
        &self,
        wanted: Wanted<'_>,
        state: &(dyn Fn() -> S + Sync),
        visit: &(dyn Fn(&mut S, Object<'_>) + Sync),
    ) -> Vec<GitError> {
        let mut failures = Vec::new();
        let mut folders = Vec::new();
        let here = std::env::current_dir().unwrap_or_default();
        for folder in &self.object_directories {
            folders.push(folder.clone());
            match gix_odb::alternate::resolve(folder.clone(), &here) {
                Ok(others) => folders.extend(others),
                Err(error) => failures.push(GitError::damaged(folder, error.to_string())),
            }
        }
        for folder in &folders {
            if !folder.is_dir() {
                failures.push(GitError::damaged(folder, "missing"));
            }
        }
        let mut seen = BTreeSet::new();
        folders.retain(|folder| seen.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())));
        let files = Files::list(&folders, self.hash, &mut |error| failures.push(error));
        failures.extend(files.each(wanted, state, visit));
        failures
    }

    /// The trees that lead to one of these blobs, or to a name that `is_odd`.
    pub(crate) fn interesting(
        &self,
        blobs: &HashSet<Id>,
        is_odd: &(dyn Fn(&[u8]) -> bool + Sync),
        memory: u64,
    ) -> Result<Interesting, GitError> {
        let few: Few = blobs.iter().map(|id| beginning(id.as_slice())).collect();
        let graph: Mutex<Vec<(u64, Box<[u64]>)>> = Mutex::default();
        let odd = Odd { is_odd, known: Mutex::default() };
        let found: Mutex<Few> = Mutex::default();
        let edges = AtomicU64::new(0);
        let hash = self.hash;
        let damaged: Mutex<BTreeSet<Id>> = Mutex::default();
        let visit = |names: &mut HashMap<Box<[u8]>, bool>, object: Object<'_>| {
            let Content::Held(bytes) = object.content else {
                damaged.lock().unwrap_or_else(PoisonError::into_inner).insert(object.id);
                return;
            };
            let (mut children, mut holds) = (Vec::new(), false);
            for entry in entries(bytes, hash) {
                match entry.kind {
                    EntryKind::Tree => children.push(beginning(entry.id)),
                    EntryKind::Blob => holds |= few.contains(&beginning(entry.id)),
                    EntryKind::Submodule => {}
                }
                holds |= odd.is(names, entry.name);
            }
            let this = beginning(object.id.as_slice());
            if holds {
                found.lock().unwrap_or_else(PoisonError::into_inner).insert(this);
            }
            let count = edges.fetch_add(children.len() as u64 + 4, Ordering::Relaxed);
            if !children.is_empty() && count * 8 < memory / 4 {
                graph.lock().unwrap_or_else(PoisonError::into_inner).push((this, children.into()));
            }
        };
        self.each_object(Wanted { kinds: &[Kind::Tree], memory }, &HashMap::new, &visit);
        let damaged = damaged.into_inner().unwrap_or_else(PoisonError::into_inner);
        if edges.into_inner() * 8 >= memory / 4 {
            return Ok(Interesting { trees: None, damaged });
        }
        let graph = graph.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut trees = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        loop {
            let before = trees.len();
            for (tree, children) in &graph {
                if !trees.contains(tree) && children.iter().any(|child| trees.contains(child)) {
                    trees.insert(*tree);
                }
            }
            if trees.len() == before {
                return Ok(Interesting { trees: Some(trees), damaged });
            }
        }
    }

    /// All commits of which the heads were seen, parents before children; what no reference leads to, last.
    pub(crate) fn ordered(&self, objects: &Objects, heads: Vec<(Id, Vec<u8>)>) -> Result<Vec<Made>, GitError> {
        let refs = Refs::new(self)?;
        let mut made: HashMap<Id, Made> = HashMap::new();
        for (id, bytes) in heads {
            if let Some(Head { tree, parents, time }) = Head::read(&bytes) {
                made.insert(id, Made { id, tree, parents, time, reachable: false, in_head: false });
            }
        }
        let mut tips = Vec::new();
        for id in refs.all() {
            // What a shallow or partial clone does not hold is told elsewhere.
            tips.extend(commit_of(objects, id)?);
        }
        if !self.is_shallow() && !self.promised {
            let missing = made.values().flat_map(|made| &made.parents).find(|parent| !made.contains_key(*parent));
            if let Some(id) = missing {
                return Err(GitError::damaged(&self.common, format!("commit {id} is missing")));
            }
        }
        mark(&mut made, tips, |made| std::mem::replace(&mut made.reachable, true));
        mark(&mut made, refs.get("HEAD").into_iter().collect(), |made| std::mem::replace(&mut made.in_head, true));
        Ok(in_order(made))
    }

    /// The commits that are asked for, parents before children.
    pub(crate) fn selected(&self, objects: &Objects, selection: &Selection) -> Result<Vec<Made>, GitError> {
        let refs = Refs::new(self)?;
        let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
        for revision in &selection.revisions {
            if let Some((from, to)) = revision.split_once("...") {
                let (from, to) = (Self::end(&refs, objects, from)?, Self::end(&refs, objects, to)?);
                let (mine, theirs) = (self.ancestors(objects, vec![from])?, self.ancestors(objects, vec![to])?);
                unwanted.extend(mine.keys().filter(|id| theirs.contains_key(*id)).copied());
                wanted.extend([from, to]);
            } else if let Some((from, to)) = revision.split_once("..") {
                unwanted.push(Self::end(&refs, objects, from)?);
                wanted.push(Self::end(&refs, objects, to)?);
            } else if let Some(not) = revision.strip_prefix('^') {
                unwanted.push(refs.commit(objects, not)?);
            } else {
                wanted.push(refs.commit(objects, revision)?);
            }
        }
        if wanted.is_empty() && selection.contents.is_empty() {
            for id in refs.all() {
                wanted.extend(commit_of(objects, id)?);
            }
        }
        let mut made = self.ancestors(objects, wanted)?;
        if !unwanted.is_empty() {
            let unwanted = self.ancestors(objects, unwanted)?;
            made.retain(|id, _| !unwanted.contains_key(id));
        }
        let head: Vec<Id> = refs.get("HEAD").into_iter().collect();
        let in_head = self.ancestors(objects, head)?;
        let mut order = in_order(made);
        for made in &mut order {
            (made.reachable, made.in_head) = (true, in_head.contains_key(&made.id));
        }
        order.retain(|made| selection.since.is_none_or(|since| made.time >= since));
        order.retain(|made| selection.until.is_none_or(|until| made.time <= until));
        if let Some(most) = selection.max_count {
            order.drain(..order.len().saturating_sub(most));
        }
        Ok(order)
    }

    /// The tags that a selection names, with what stands in them.
    pub(crate) fn named_tags(&self, objects: &Objects, selection: &Selection) -> Result<Vec<(Id, Vec<u8>)>, GitError> {
        let refs = Refs::new(self)?;
        let ends = selection.revisions.iter().filter(|revision| !revision.starts_with('^'));
        let ends = ends.flat_map(|revision| match revision.split_once("...") {
            Some((one, other)) => vec![one, other],
            None => vec![revision.rsplit("..").next().unwrap_or_default()],
        });
        let mut tags = Vec::new();
        for name in ends.chain(selection.contents.iter().map(String::as_str)) {
            if let Ok(Some(id)) = refs.named(objects, name) {
                tags.extend(objects.tags(id)?);
            }
        }
        Ok(tags)
    }

    /// Whether a parent of these commits is not here.
    pub(crate) fn lacks_parents(&self, objects: &Objects, commits: &[Made]) -> Result<bool, GitError> {
        if !self.is_shallow() && !self.promised {
            return Ok(false);
        }
        let here: HashSet<Id> = commits.iter().map(|made| made.id).collect();
        let mut buffer = Vec::new();
        for parent in commits.iter().flat_map(|made| &made.parents).filter(|parent| !here.contains(*parent)) {
            if objects.find(parent, &mut buffer)?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a commit of this name is here.
    pub fn has_commit(&self, name: &str) -> Result<bool, GitError> {
        let Ok(id) = Id::from_hex(name.as_bytes()) else { return Ok(true) };
        Ok(commit_of(&self.objects()?, id)?.is_some())
    }

    /// The commits that references name whose names begin so.
    pub fn tips(&self, beginning: &str) -> Vec<String> {
        Refs::new(self).map_or_else(|_| Vec::new(), |refs| refs.named_so(beginning)).iter().map(ToString::to_string).collect()
    }

    /// One end of a range; without a name, what is checked out.
    fn end(refs: &Refs<'_>, objects: &Objects, name: &str) -> Result<Id, GitError> {
        refs.commit(objects, if name.is_empty() { "HEAD" } else { name })
    }

    /// Everything that these commits follow, themselves included. What a shallow clone leaves out ends it.
    fn ancestors(&self, objects: &Objects, mut tips: Vec<Id>) -> Result<HashMap<Id, Made>, GitError> {
        let (mut made, mut buffer) = (HashMap::new(), Vec::new());
        while let Some(id) = tips.pop() {
            if made.contains_key(&id) {
                continue;
            }
            if objects.find(&id, &mut buffer)? != Some(Kind::Commit) {
                if self.is_shallow() || self.promised {
                    continue;
                }
                return Err(GitError::damaged(&self.common, format!("commit {id} is missing")));
            }
            let head = Head::read(&buffer).ok_or_else(|| GitError::damaged(&self.common, format!("commit {id} is damaged")))?;
            let Head { tree, parents, time } = head;
            tips.extend(parents.iter().filter(|parent| !made.contains_key(*parent)));
            made.insert(id, Made { id, tree, parents, time, reachable: false, in_head: false });
        }
        Ok(made)
    }

    /// The tree that is checked out.
    pub(crate) fn head_tree(&self, objects: &Objects) -> Result<Option<Id>, GitError> {
        let Some(id) = Refs::new(self)?.get("HEAD") else { return Ok(None) };
        let mut buffer = Vec::new();
        let kind = objects.find(&id, &mut buffer)?;
        Ok(kind.filter(|kind| *kind == Kind::Commit).and_then(|_| Head::read(&buffer)).map(|head| head.tree))
    }
}

/// Marks what these commits follow, themselves included.
fn mark(made: &mut HashMap<Id, Made>, mut tips: Vec<Id>, set: impl Fn(&mut Made) -> bool) {
    while let Some(id) = tips.pop() {
        let Some(commit) = made.get_mut(&id) else { continue };
        if !set(commit) {
            tips.extend_from_slice(&commit.parents);
        }
    }
}

/// Parents before children, else the older before the younger; what no reference leads to, last.
#[expect(clippy::iter_over_hash_type, reason = "the heap puts them into order")]
fn in_order(mut made: HashMap<Id, Made>) -> Vec<Made> {
    let mut waiting: HashMap<Id, usize> = HashMap::new();
    let mut children: HashMap<Id, Vec<Id>> = HashMap::new();
    let mut ready = BinaryHeap::new();
    let rank = |made: &Made| Reverse((!made.reachable, made.time, made.id));
    for commit in made.values() {
        let parents: BTreeSet<&Id> = commit.parents.iter().filter(|parent| made.contains_key(*parent)).collect();
        for parent in &parents {
            children.entry(**parent).or_default().push(commit.id);
        }
        waiting.insert(commit.id, parents.len());
        if parents.is_empty() {
            ready.push(rank(commit));
        }
    }
    let mut order = Vec::with_capacity(made.len());
    while let Some(Reverse((_, _, id))) = ready.pop() {
        for child in children.remove(&id).unwrap_or_default() {
            if let (Some(count), Some(child)) = (waiting.get_mut(&child), made.get(&child)) {
                *count -= 1;
                if *count == 0 {
                    ready.push(rank(child));
                }
            }
        }
        order.extend(made.remove(&id));
    }
    order
}

/// What is to be told of a commit.
pub(crate) fn told(objects: &Objects, id: &Id) -> Result<Commit, GitError> {
    let mut buffer = Vec::new();
    objects.find(id, &mut buffer)?;
    let (author, time) = author(&buffer);
    Ok(Commit { id: id.to_string(), author, time })
}

/// The message of a commit or tag.
pub(crate) fn message_of(bytes: &[u8]) -> &[u8] {
    &bytes[message(bytes)..]
}

/// An entry that a commit brings: its path from the top, and its content.
pub(crate) struct Brought<'a> {
    pub(crate) path: &'a [u8],
    pub(crate) id: Id,
    pub(crate) is_tree: bool,
}

/// Finds what commits bring, one after the other.
pub(crate) struct Walk<'a> {
    objects: &'a Objects,
    interesting: Interesting,
    /// Folders by path, and the trees that were seen there.
    seen: HashMap<Vec<u8>, HashSet<Id>>,
    /// Trees that are not here, or cannot be read.
    pub(crate) missing: BTreeSet<Id>,
}

/// A path that is longer is an attack.
const LONGEST: usize = 16 * 1024;

impl<'a> Walk<'a> {
    pub(crate) fn new(objects: &'a Objects, interesting: Interesting) -> Self {
        let missing = interesting.damaged.clone();
        Self { objects, interesting, seen: HashMap::new(), missing }
    }

    /// What the tree of a commit holds that no commit shown before did.
    pub(crate) fn new_in(&mut self, made: &Made, found: &mut dyn FnMut(Brought<'_>)) -> Result<(), GitError> {
        self.tree(made.tree, &mut Vec::new(), found)
    }

    /// All that a tree holds.
    pub(crate) fn all_in(&mut self, tree: Id, found: &mut dyn FnMut(Brought<'_>)) -> Result<(), GitError> {
        let seen = std::mem::take(&mut self.seen);
        let result = self.tree(tree, &mut Vec::new(), found);
        self.seen = seen;
        result
    }

    fn tree(&mut self, tree: Id, path: &mut Vec<u8>, found: &mut dyn FnMut(Brought<'_>)) -> Result<(), GitError> {
        let leads = self.interesting.trees.as_ref().is_none_or(|trees| trees.contains(&beginning(tree.as_slice())));
        if !leads || self.seen.get(path).is_some_and(|seen| seen.contains(&tree)) {
            return Ok(());
        }
        self.seen.entry(path.clone()).or_default().insert(tree);
        let mut bytes = Vec::new();
        if path.len() > LONGEST || self.objects.find(&tree, &mut bytes)? != Some(Kind::Tree) {
            self.missing.insert(tree);
            return Ok(());
        }
        let hash = self.objects.hash;
        for entry in entries(&bytes, hash) {
            let before = path.len();
            path.extend_from_slice(entry.name);
            let is_tree = entry.kind == EntryKind::Tree;
            if entry.kind != EntryKind::Submodule {
                found(Brought { path, id: entry.id(), is_tree });
            }
            if is_tree {
                path.push(b'/');
                self.tree(entry.id(), path, found)?;
            }
            path.truncate(before);
        }
        Ok(())
    }

    /// What a commit changes against its parents: what none of them has at its path.
    pub(crate) fn changed_in(&mut self, made: &Made, found: &mut dyn FnMut(Brought<'_>)) -> Result<(), GitError> {
        let (mut before, mut buffer) = (Vec::new(), Vec::new());
        for parent in &made.parents {
            if self.objects.find(parent, &mut buffer)? == Some(Kind::Commit) {
                before.extend(Head::read(&buffer).map(|head| head.tree));
            }
        }
        self.against(made.tree, &before, &mut Vec::new(), found)
    }

    fn against(
        &mut self,
        tree: Id,
        before: &[Id],
        path: &mut Vec<u8>,
        found: &mut dyn FnMut(Brought<'_>),
    ) -> Result<(), GitError> {
        let mut bytes = Vec::new();
        if before.contains(&tree) {
            return Ok(());
        }
        if path.len() > LONGEST || self.objects.find(&tree, &mut bytes)? != Some(Kind::Tree) {
            self.missing.insert(tree);
            return Ok(());
        }
        let mut old: HashMap<Vec<u8>, Vec<Id>> = HashMap::new();
        let mut buffer = Vec::new();
        for tree in before {
            if self.objects.find(tree, &mut buffer)? == Some(Kind::Tree) {
                for entry in entries(&buffer, self.objects.hash) {
                    old.entry(entry.name.to_vec()).or_default().push(entry.id());
                }
            }
        }
        for entry in entries(&bytes, self.objects.hash) {
            let old = old.get(entry.name).map_or(&[][..], Vec::as_slice);
            if entry.kind == EntryKind::Submodule || old.contains(&entry.id()) {
                continue;
            }
            let length = path.len();
            path.extend_from_slice(entry.name);
            let is_tree = entry.kind == EntryKind::Tree;
            found(Brought { path, id: entry.id(), is_tree });
            if is_tree {
                path.push(b'/');
                self.against(entry.id(), old, path, found)?;
            }
            path.truncate(length);
        }
        Ok(())
    }
}

/// The files of the first parent that a commit does not have at their paths any more.
pub(crate) fn removed_by(objects: &Objects, made: &Made) -> Result<Vec<(Vec<u8>, Id)>, GitError> {
    let mut buffer = Vec::new();
    let Some(parent) = made.parents.first() else { return Ok(Vec::new()) };
    let kind = objects.find(parent, &mut buffer)?;
    let Some(before) = kind.filter(|kind| *kind == Kind::Commit).and_then(|_| Head::read(&buffer)) else { return Ok(Vec::new()) };
    let mut removed = Vec::new();
    let mut folders = vec![(before.tree, Some(made.tree), Vec::new())];
    while let Some((old, new, place)) = folders.pop() {
        if Some(old) == new {
            continue;
        }
        // What a partial clone does not hold was not renamed here.
        let (Ok(old), Ok(new)) = (objects.tree(&old), new.map_or(Ok(Vec::new()), |new| objects.tree(&new))) else { continue };
        let new: HashMap<&[u8], (EntryKind, Id)> =
            entries(&new, objects.hash).map(|entry| (entry.name, (entry.kind, entry.id()))).collect();
        for entry in entries(&old, objects.hash) {
            let path = [&place[..], entry.name].concat();
            let now = new.get(entry.name).filter(|(kind, _)| *kind == entry.kind).map(|(_, id)| *id);
            match entry.kind {
                EntryKind::Tree => folders.push((entry.id(), now, [&path[..], b"/"].concat())),
                EntryKind::Blob if now.is_none() => removed.push((path, entry.id())),
                EntryKind::Blob | EntryKind::Submodule => {}
            }
        }
    }
    Ok(removed)
}

/// The staged files by their content.
pub(crate) fn staged_paths(repository: &Repository) -> HashMap<Id, PathBuf> {
    repository.index().ok().flatten().map(|index| index.files().map(|(path, id)| (id, path)).collect()).unwrap_or_default()
}
