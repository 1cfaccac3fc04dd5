//! References: what branches, tags and stashes name, and what a revision on the command line means.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gix_object::Kind;

use super::objects::Head;
use super::reftable::{Tables, Target};
use super::{GitError, Id, Objects, Repository};

/// How many references may lead to one another.
const NESTED: usize = 8;

/// Every reference and what it names.
#[derive(Debug)]
pub(super) struct Refs<'a> {
    repository: &'a Repository,
    packed: BTreeMap<String, Id>,
    /// Where they are kept in tables: those of all work trees, and those of this one.
    tables: Option<(Tables, Tables)>,
}

impl<'a> Refs<'a> {
    pub(super) fn new(repository: &'a Repository) -> Result<Self, GitError> {
        if repository.has_tables {
            let shared = Tables::read(&repository.common.join("reftable"))?;
            let is_linked = repository.own != repository.common;
            let own = if is_linked { Tables::read(&repository.own.join("reftable"))? } else { shared.clone() };
            return Ok(Self { repository, packed: BTreeMap::new(), tables: Some((shared, own)) });
        }
        let text = fs::read(repository.common.join("packed-refs")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().filter(|line| !line.starts_with(['#', '^']));
        let packed = lines.filter_map(|line| {
            let (id, name) = line.split_once(' ')?;
            Some((name.trim_end().to_owned(), Id::from_hex(id.as_bytes()).ok()?))
        });
        Ok(Self { repository, packed: packed.collect(), tables: None })
    }

    /// What a reference names; nothing where there is none, or a branch without a commit.
    pub(super) fn get(&self, name: &str) -> Option<Id> {
        let mut name = name.to_owned();
        for _ in 0..NESTED {
            if name.split('/').any(|part| part == "..") || name.starts_with('/') {
                return None;
            }
            // HEAD and its like are a work tree's own.
            let shared = name.starts_with("refs/") && !name.starts_with("refs/worktree/") && !name.starts_with("refs/bisect/");
            if let Some((all, own)) = &self.tables {
                match (if shared { all } else { own }).references.get(&name)? {
                    Target::Object(id) => return Some(*id),
                    Target::Name(target) => target.clone_into(&mut name),
                }
                continue;
            }
            let folder = if shared { &self.repository.common } else { &self.repository.own };
            let loose = fs::read_to_string(folder.join(&name)).ok();
            match loose.as_deref().map(str::trim) {
                Some(text) => match text.strip_prefix("ref:") {
                    Some(target) => target.trim().clone_into(&mut name),
                    None => return text.split_whitespace().next().and_then(|id| Id::from_hex(id.as_bytes()).ok()),
                },
                None => return self.packed.get(&name).copied(),
            }
        }
        None
    }

    /// What references name whose names begin so.
    pub(super) fn named_so(&self, beginning: &str) -> Vec<Id> {
        let packed = self.packed.iter().filter(|(name, _)| name.starts_with(beginning));
        let mut ids: Vec<Id> = packed.map(|(_, id)| *id).collect();
        ids.extend(self.in_tables(beginning));
        let folder = if beginning.is_empty() { "refs" } else { beginning };
        ids.extend(below(&self.repository.common.join(folder)));
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Everything that keeps commits: branches, tags, remotes, notes, the heads of every work tree,
    /// and all stashes.
    pub(super) fn all(&self) -> Vec<Id> {
        let mut ids: Vec<Id> = self.packed.values().copied().collect();
        ids.extend(self.in_tables(""));
        ids.extend(self.tables.iter().flat_map(|(shared, _)| &shared.stashes));
        let common = &self.repository.common;
        ids.extend(below(&common.join("refs")));
        ids.extend(self.get("HEAD"));
        ids.extend(self.other_heads());
        ids.extend(stashes(&common.join("logs/refs/stash")));
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// What references name that are kept in tables, and whose names begin so.
    fn in_tables(&self, beginning: &str) -> impl Iterator<Item = Id> {
        let all = self.tables.iter().flat_map(|(shared, _)| &shared.references);
        all.filter(move |(name, _)| name.starts_with(beginning)).filter_map(|(_, target)| match target {
            Target::Object(id) => Some(*id),
            Target::Name(_) => None,
        })
    }

    /// The heads of the main work tree and of all linked ones.
    fn other_heads(&self) -> Vec<Id> {
        let common = &self.repository.common;
        let linked = fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten().map(|entry| entry.path());
        if self.tables.is_some() {
            let heads = linked.filter_map(|folder| Tables::read(&folder.join("reftable")).ok()?.references.remove("HEAD"));
            let ids = heads.filter_map(|head| match head {
                Target::Object(id) => Some(id),
                Target::Name(name) => self.get(&name),
            });
            return ids.collect();
        }
        let folders = linked.chain([common.clone()]);
        let heads = folders.filter_map(|folder| {
            let text = fs::read_to_string(folder.join("HEAD")).ok()?;
            match text.trim().strip_prefix("ref:") {
                Some(name) => self.get(name.trim()),
                None => Id::from_hex(text.trim().as_bytes()).ok(),
            }
        });
        heads.collect()
    }

    /// The commits that are being merged into this one.
    pub(super) fn merged(&self) -> Vec<Id> {
        let text = fs::read_to_string(self.repository.own.join("MERGE_HEAD")).unwrap_or_default();
        text.lines().filter_map(|line| Id::from_hex(line.trim().as_bytes()).ok()).collect()
    }

    /// The commit that a revision names.
    pub(super) fn commit(&self, objects: &Objects, revision: &str) -> Result<Id, GitError> {
        let wrong = |why: &str| GitError::Revision { revision: revision.to_owned(), why: why.to_owned() };
        let base = [revision.find(['^', '~']), revision.find("@{")].into_iter().flatten().min().unwrap_or(revision.len());
        let (name, mut steps) = revision.split_at(base);
        let id = if name == "@" { self.get("HEAD") } else { self.named(objects, name).map_err(wrong)? };
        let id = id.ok_or_else(|| wrong("no such revision"))?;
        let mut id = commit_of(objects, id)?.ok_or_else(|| wrong("names no commit"))?;
        while !steps.is_empty() {
            let (sign, rest) = steps.split_at(1);
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let count: usize = if digits == 0 { 1 } else { rest[..digits].parse().map_err(|_| wrong("not a number"))? };
            steps = &rest[digits..];
            let peel = ["{commit}", "{}"].iter().find_map(|peel| steps.strip_prefix(peel));
            match (sign, peel) {
                ("^", Some(behind)) if digits == 0 => steps = behind,
                ("^", None) => id = parent(objects, id, count)?.ok_or_else(|| wrong("no such parent"))?,
                ("~", None) => {
                    for _ in 0..if digits == 0 { 1 } else { count } {
                        id = parent(objects, id, 1)?.ok_or_else(|| wrong("no such parent"))?;
                    }
                }
                _ => return Err(wrong("this form of a revision is not supported; a name, ^N and ~N are")),
            }
        }
        Ok(id)
    }

    /// What a plain name means: a reference, or the beginning of an object's name.
    pub(super) fn named(&self, objects: &Objects, name: &str) -> Result<Option<Id>, &'static str> {
        let forms = ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];
        let at_top = |form: &str| form.is_empty() && !name.starts_with("refs/") && !name.ends_with("HEAD");
        let found = forms.iter().filter(|form| !at_top(form)).find_map(|form| self.get(&format!("{form}{name}")));
        if let Some(id) = found.or_else(|| self.get(&format!("refs/remotes/{name}/HEAD"))) {
            return Ok(Some(id));
        }
        if name.len() < 4 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        match objects.by_prefix(name) {
            Some(Err(())) => Err("several objects have names that begin so"),
            Some(Ok(id)) => Ok(Some(id)),
            None => Ok(None),
        }
    }
}

/// The commits of the stash; all but the newest are in its log only.
fn stashes(log: &Path) -> Vec<Id> {
    let text = fs::read(log).unwrap_or_default();
    let new = |line: &str| Id::from_hex(line.split(' ').nth(1)?.as_bytes()).ok();
    String::from_utf8_lossy(&text).lines().filter_map(new).collect()
}

/// The commit that a name leads to, through tags.
pub(super) fn commit_of(objects: &Objects, id: Id) -> Result<Option<Id>, GitError> {
    Ok(objects.peeled(id)?.filter(|(_, kind)| *kind == Kind::Commit).map(|(id, _)| id))
}

fn parent(objects: &Objects, id: Id, number: usize) -> Result<Option<Id>, GitError> {
    if number == 0 {
        return Ok(Some(id));
    }
    let mut buffer = Vec::new();
    let found = objects.find(&id, &mut buffer)?;
    let head = found.filter(|kind| *kind == Kind::Commit).and_then(|_| Head::read(&buffer));
    Ok(head.and_then(|head| head.parents.get(number - 1).copied()))
}
/// What the files in a folder and below it name.
fn below(folder: &Path) -> Vec<Id> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            ids.extend(below(&path));
        } else if let Ok(text) = fs::read_to_string(&path) {
            ids.extend(Id::from_hex(text.trim().as_bytes()).ok());
        }
    }
    ids
}
