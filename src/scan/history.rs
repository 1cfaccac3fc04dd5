//! The history of a repository: every object is looked at once; where something was seen, its paths
//! are found, and each is judged where it stood.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::{Input, Job, Ledger, Progress, Raw, Settings, range};
use crate::credential::Fingerprint;
use crate::detect::{Scanner, Scope};
use crate::finding::{Commit, Finding, Kept, KeptAs, Kind, Origin, Sighting, Tracked};
use crate::source::SourceError;
use crate::source::git::history::{Brought, Interesting, Made, Walk, message_of, staged_paths, told};
use crate::source::git::pack::{CONTENT, Content, Object, Wanted};
use crate::source::git::{GitError, Id, Objects, Repository, Selection, path_of};

/// How much memory a scan of a history may use if nobody says otherwise.
pub const MEMORY: u64 = 512 * 1024 * 1024;

/// What a scan gives.
type Batch = (Vec<Finding>, Ledger);

/// Scans the history of a repository, or a part of it. Of a secret that stands in many versions of a
/// file, the first is reported. Findings come back sorted by path and offset.
pub fn history(
    scanner: &Scanner,
    repository: &Repository,
    settings: &Settings,
    what: (&Selection, u64),
    progress: &Progress,
) -> Result<Batch, GitError> {
    let (selection, memory) = what;
    let objects = repository.objects()?;
    let past = Past { scanner, repository, settings, progress, memory };
    let (findings, mut ledger) =
        if selection.is_everything() { past.everything(&objects)? } else { past.part(&objects, selection)? };
    ledger.skipped.sort();
    ledger.skipped.dedup();
    ledger.warnings.sort();
    Ok((findings, ledger))
}

/// What the first pass over all objects has seen.
#[derive(Default)]
struct Seen {
    /// Blobs that hold a credential, or something that cannot be read.
    blobs: HashSet<Id>,
    commits: Vec<(Id, Vec<u8>)>,
    /// Commits and tags whose messages hold a credential.
    messages: Vec<(Id, KeptAs, Vec<u8>)>,
    ledger: Ledger,
}

impl Seen {
    fn absorb(&mut self, other: Self) {
        self.blobs.extend(other.blobs);
        self.commits.extend(other.commits);
        self.messages.extend(other.messages);
        self.ledger.absorb(other.ledger);
    }
}

/// What one thread has seen; it adds that to what all have when it ends.
struct Part<'a, 'p> {
    past: &'a Past<'p>,
    all: &'a Mutex<Seen>,
    seen: Seen,
}

impl Drop for Part<'_, '_> {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).absorb(mem::take(&mut self.seen));
    }
}

/// Where a content stood: its path, and the commit that brought it there.
#[derive(Clone)]
struct Stood {
    as_what: KeptAs,
    /// Its place in the order of commits.
    at: Option<usize>,
    in_head: bool,
    unreachable: bool,
}

/// A history that is scanned.
pub(super) struct Past<'a> {
    scanner: &'a Scanner,
    repository: &'a Repository,
    settings: &'a Settings,
    progress: &'a Progress,
    memory: u64,
}

impl Past<'_> {
    /// Every object that the repository holds, whether something leads to it or not.
    fn everything(&self, objects: &Objects) -> Result<Batch, GitError> {
        let (mut seen, failures) = self.look_at_all();
        for error in failures {
            seen.ledger.skipped.push(failure(error));
        }
        seen.ledger.skipped.extend(self.not_here());
        let commits = self.repository.ordered(objects, mem::take(&mut seen.commits))?;
        let is_odd = |name: &[u8]| self.holds_credential(name);
        let interesting = self.repository.interesting(&seen.blobs, &is_odd, self.memory)?;
        let mut walk = Walk::new(objects, interesting);
        let mut places = Places::new(&is_odd, Some(&seen.blobs));
        for (at, made) in commits.iter().enumerate() {
            let unreachable = !made.reachable;
            walk.new_in(made, &mut |brought| places.add(&brought, at, unreachable))?;
        }
        if let Some(tree) = self.repository.head_tree(objects)? {
            walk.all_in(tree, &mut |brought| places.mark_head(&brought))?;
        }
        let missing = mem::take(&mut walk.missing);
        seen.ledger.skipped.extend(missing.into_iter().map(|id| self.lost(&id)));
        places.add_lost(&seen.blobs, self.repository);
        let messages = mem::take(&mut seen.messages);
        let (mut findings, ledger) = self.judge(objects, &places, &commits)?;
        seen.ledger.absorb(ledger);
        for (id, as_what, bytes) in messages {
            let (found, ledger) = self.message(objects, (&id, &as_what), &bytes, &commits)?;
            findings.extend(found);
            seen.ledger.absorb(ledger);
        }
        Ok((merged(findings, &commits), seen.ledger))
    }

    /// What the selected commits change, and their messages.
    fn part(&self, objects: &Objects, selection: &Selection) -> Result<Batch, GitError> {
        let commits = self.repository.selected(objects, selection)?;
        let is_odd = |name: &[u8]| self.holds_credential(name);
        let mut walk = Walk::new(objects, Interesting::default());
        let mut places = Places::new(&is_odd, None);
        let (mut findings, mut ledger) = Batch::default();
        let mut buffer = Vec::new();
        for (at, made) in commits.iter().enumerate() {
            walk.changed_in(made, &mut |brought| places.add(&brought, at, false))?;
            objects.find(&made.id, &mut buffer)?;
            if self.holds_credential(message_of(&buffer)) {
                let (found, part) = self.message(objects, (&made.id, &KeptAs::CommitMessage), &buffer, &commits)?;
                findings.extend(found);
                ledger.absorb(part);
            }
        }
        for (id, bytes) in self.repository.named_tags(objects, selection)? {
            if self.holds_credential(message_of(&bytes)) {
                let (found, part) = self.message(objects, (&id, &KeptAs::TagMessage), &bytes, &commits)?;
                findings.extend(found);
                ledger.absorb(part);
            }
        }
        places.add_named(&selection.named_contents(objects)?);
        ledger.skipped.extend(walk.missing.iter().map(|id| self.lost(id)));
        if let Some(tree) = self.repository.head_tree(objects)? {
            walk.all_in(tree, &mut |brought| places.mark_head(&brought))?;
        }
        ledger.files += places.blobs.len() as u64;
        let (found, part) = self.judge(objects, &places, &commits)?;
        ledger.bytes += part.bytes;
        ledger.absorb(Ledger { bytes: 0, ..part });
        findings.extend(found);
        // What these commits stand on may be missing; what stands behind that is not asked about.
        if !ledger.skipped.is_empty() || self.repository.lacks_parents(objects, &commits)? {
            ledger.skipped.extend(self.not_here());
        }
        Ok((range::brought(self, objects, &commits, merged(findings, &commits))?, ledger))
    }

    /// What a shallow or partial clone has left out.
    fn not_here(&self) -> impl Iterator<Item = SourceError> {
        let missing = self.repository.missing().into_iter();
        missing.map(|(path, why)| SourceError { origin: Origin::File(path), why })
    }

    fn lost(&self, id: &Id) -> SourceError {
        SourceError { origin: Origin::File(self.repository.common().to_owned()), why: format!("tree {id} is missing or damaged") }
    }

    /// Inflates each object once and asks whether it holds a credential.
    fn look_at_all(&self) -> (Seen, Vec<GitError>) {
        let all = Mutex::new(Seen::default());
        let wanted = Wanted { kinds: CONTENT, memory: self.memory };
        let state = || Part { past: self, all: &all, seen: Seen::default() };
        let failures = self.repository.each_object(wanted, &state, &Part::object);
        (all.into_inner().unwrap_or_else(PoisonError::into_inner), failures)
    }

    fn holds_credential(&self, bytes: &[u8]) -> bool {
        let scope = Scope { core: 0..bytes.len(), names: true };
        let sightings = self.scanner.scan_within(bytes, &scope);
        sightings.iter().any(|sighting| matches!(sighting, Sighting::Credential(_)))
    }

    /// Judges every content at every path where it stood, on every core.
    fn judge(&self, objects: &Objects, places: &Places<'_>, commits: &[Made]) -> Result<Batch, GitError> {
        let told = Self::told(objects, places, commits)?;
        let shared = Mutex::new(objects.clone());
        let own = || shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let blobs: Vec<(&Id, &Vec<Stood>)> = places.blobs.iter().collect();
        let judge = |objects: &mut Objects, (id, stood): &(&Id, &Vec<Stood>)| self.blob(objects, id, stood, &told);
        let parts = blobs.par_iter().map_init(own, judge);
        let (mut findings, mut ledger) = parts.reduce(Batch::default, |mut all, part| {
            all.0.extend(part.0);
            all.1.absorb(part.1);
            all
        });
        for (id, stood) in &places.names {
            let mut job = Job::new(self.scanner, self.settings, self.progress);
            job.name(&Self::input(id, stood, &told));
            findings.append(&mut job.findings);
            ledger.absorb(job.ledger);
        }
        Ok((findings, ledger))
    }

    /// The commits that are to be named, each read once.
    fn told(objects: &Objects, places: &Places<'_>, commits: &[Made]) -> Result<HashMap<usize, Commit>, GitError> {
        let stood = places.blobs.values().flatten().chain(places.names.iter().map(|(_, stood)| stood));
        let mut all = HashMap::new();
        for at in stood.filter_map(|stood| stood.at) {
            if let std::collections::hash_map::Entry::Vacant(entry) = all.entry(at) {
                entry.insert(told(objects, &commits[at].id)?);
            }
        }
        Ok(all)
    }

    fn input(id: &Id, stood: &Stood, told: &HashMap<usize, Commit>) -> Input {
        let commit = stood.at.and_then(|at| told.get(&at).cloned());
        let (in_head, unreachable) = (stood.in_head, stood.unreachable);
        let kept = Kept { what: stood.as_what.clone(), object: id.to_string(), commit, in_head, unreachable };
        Input::new(Origin::Kept(Box::new(kept)), Tracked::Yes, false)
    }

    fn blob(&self, objects: &Objects, id: &Id, stood: &[Stood], told: &HashMap<usize, Commit>) -> Batch {
        let mut batch = Batch::default();
        let bytes = match objects.blob(id) {
            Ok(bytes) => bytes,
            Err(error) => {
                batch.1.skipped.push(failure(error));
                return batch;
            }
        };
        for (at, stood) in stood.iter().enumerate() {
            let mut job = Job::new(self.scanner, self.settings, self.progress);
            job.read(&Self::input(id, stood, told), &mut Raw::Held(&bytes), &mut |_| {});
            batch.0.append(&mut job.findings);
            let ledger =
                Ledger { files: 0, bytes: if at == 0 { job.ledger.bytes } else { 0 }, members: 0, unpacked: 0, ..job.ledger };
            batch.1.absorb(ledger);
        }
        batch
    }

    /// The findings in a file as it was once.
    pub(super) fn in_file(&self, path: &Path, id: &Id, bytes: &[u8]) -> Vec<Finding> {
        let stood = Stood { as_what: KeptAs::File(path.to_owned()), at: None, in_head: false, unreachable: false };
        let mut job = Job::new(self.scanner, self.settings, self.progress);
        job.read(&Self::input(id, &stood, &HashMap::new()), &mut Raw::Held(bytes), &mut |_| {});
        job.findings
    }

    fn message(
        &self,
        objects: &Objects,
        (id, as_what): (&Id, &KeptAs),
        bytes: &[u8],
        commits: &[Made],
    ) -> Result<Batch, GitError> {
        let made = commits.iter().find(|made| made.id == *id);
        let commit = made.map(|made| told(objects, &made.id)).transpose()?;
        let kept = Kept {
            what: as_what.clone(),
            object: id.to_string(),
            commit,
            in_head: made.is_some_and(|made| made.in_head),
            unreachable: made.is_some_and(|made| !made.reachable),
        };
        let input = Input::new(Origin::Kept(Box::new(kept)), Tracked::Yes, false);
        let mut job = Job::new(self.scanner, self.settings, self.progress);
        job.read(&input, &mut Raw::Held(message_of(bytes)), &mut |_| {});
        Ok((job.findings, Ledger { files: 0, bytes: 0, members: 0, unpacked: 0, ..job.ledger }))
    }
}

impl Part<'_, '_> {
    fn object(&mut self, object: Object<'_>) {
        match (object.kind.as_bytes(), object.content) {
            (_, Content::Failed(why)) => {
                let origin = Origin::File(PathBuf::from(format!("object {}", object.id)));
                self.seen.ledger.skipped.push(SourceError { origin, why });
            }
            (b"commit", Content::Held(bytes)) => {
                let head = &bytes[..bytes.len() - message_of(bytes).len()];
                self.seen.commits.push((object.id, head.to_vec()));
                self.message(object.id, KeptAs::CommitMessage, bytes);
            }
            (b"tag", Content::Held(bytes)) => self.message(object.id, KeptAs::TagMessage, bytes),
            (_, Content::Held(bytes)) => self.blob(object.id, Raw::Held(bytes)),
            (_, Content::Stream(stream)) => self.blob(object.id, Raw::Stream(stream)),
        }
    }

    fn message(&mut self, id: Id, as_what: KeptAs, bytes: &[u8]) {
        if self.past.holds_credential(message_of(bytes)) {
            self.seen.messages.push((id, as_what, bytes.to_vec()));
        }
    }

    fn blob(&mut self, id: Id, mut raw: Raw<'_>) {
        let mut job = Job::new(self.past.scanner, self.past.settings, self.past.progress);
        job.probing = true;
        let input = Input::new(Origin::Stdin(None), Tracked::Yes, false);
        job.read(&input, &mut raw, &mut |_| {});
        // What cannot be read is told with its path.
        if job.sighted || !job.ledger.skipped.is_empty() {
            self.seen.blobs.insert(id);
        }
        let Ledger { bytes, members, unpacked, .. } = job.ledger;
        self.seen.ledger.absorb(Ledger { files: 1, bytes, members, unpacked, ..Ledger::default() });
    }
}

/// Where contents stood, and names that are credentials themselves.
struct Places<'a> {
    is_odd: &'a dyn Fn(&[u8]) -> bool,
    /// The only ones that are wanted.
    wanted: Option<&'a HashSet<Id>>,
    blobs: HashMap<Id, Vec<Stood>>,
    names: Vec<(Id, Stood)>,
    /// By path and content, where it stands in `blobs`.
    known: HashMap<(Vec<u8>, Id), usize>,
    odd: HashMap<Vec<u8>, Option<usize>>,
}

impl<'a> Places<'a> {
    fn new(is_odd: &'a dyn Fn(&[u8]) -> bool, wanted: Option<&'a HashSet<Id>>) -> Self {
        let (blobs, names, known, odd) = Default::default();
        Self { is_odd, wanted, blobs, names, known, odd }
    }

    fn add(&mut self, brought: &Brought<'_>, at: usize, unreachable: bool) {
        let stood = || Stood { as_what: KeptAs::File(path_of(brought.path)), at: Some(at), in_head: false, unreachable };
        let name = brought.path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        if name.len() >= 12 && !self.odd.contains_key(brought.path) {
            let place = (self.is_odd)(name).then(|| {
                self.names.push((brought.id, stood()));
                self.names.len() - 1
            });
            self.odd.insert(brought.path.to_vec(), place);
        }
        if brought.is_tree || self.wanted.is_some_and(|wanted| !wanted.contains(&brought.id)) {
            return;
        }
        let key = (brought.path.to_vec(), brought.id);
        if !self.known.contains_key(&key) {
            let all = self.blobs.entry(brought.id).or_default();
            self.known.insert(key, all.len());
            all.push(stood());
        }
    }

    fn mark_head(&mut self, brought: &Brought<'_>) {
        if let Some(&Some(at)) = self.odd.get(brought.path) {
            self.names[at].1.in_head = true;
        }
        if let Some(&at) = self.known.get(&(brought.path.to_vec(), brought.id))
            && let Some(stood) = self.blobs.get_mut(&brought.id)
        {
            stood[at].in_head = true;
        }
    }

    /// Contents that tags name, without a commit.
    fn add_named(&mut self, ids: &[Id]) {
        for id in ids {
            let stood = Stood { as_what: KeptAs::Blob, at: None, in_head: false, unreachable: false };
            self.blobs.entry(*id).or_insert_with(|| vec![stood]);
        }
    }

    /// Contents that no commit has: staged, or left over.
    fn add_lost(&mut self, seen: &HashSet<Id>, repository: &Repository) {
        let lost: Vec<Id> = seen.iter().filter(|id| !self.blobs.contains_key(*id)).copied().collect();
        if lost.is_empty() {
            return;
        }
        let staged = staged_paths(repository);
        for id in lost {
            let path = staged.get(&id);
            let as_what = path.map_or(KeptAs::Blob, |path| KeptAs::File(path.clone()));
            self.blobs.insert(id, vec![Stood { as_what, at: None, in_head: false, unreachable: path.is_none() }]);
        }
    }
}

fn failure(error: GitError) -> SourceError {
    match error {
        GitError::Damaged { path, why } => SourceError { origin: Origin::File(path), why },
        other => SourceError { origin: Origin::File(PathBuf::new()), why: other.to_string() },
    }
}

/// One finding for each secret, kind and path: of many versions of a file the first.
///
/// What is no credential was a mistake of its time, and is none any more.
fn merged(mut findings: Vec<Finding>, commits: &[Made]) -> Vec<Finding> {
    findings.retain(|finding| finding.class.is_some());
    let commit = |finding: &Finding| finding.location.origin.kept()?.commit.as_ref().map(|commit| commit.id.clone());
    let named: HashSet<String> = findings.iter().filter_map(commit).collect();
    let places = commits.iter().enumerate().map(|(at, made)| (made.id.to_string(), at));
    let places: HashMap<String, usize> = places.filter(|(id, _)| named.contains(id)).collect();
    // Commits are in order: what a branch leads to before what nothing does, then the oldest.
    let age = |finding: &Finding| {
        let place = commit(finding).and_then(|id| places.get(&id).copied()).unwrap_or(usize::MAX);
        (place, finding.location.origin.clone(), finding.location.span)
    };
    findings.sort_by_cached_key(age);
    let mut first: BTreeMap<(String, Kind, String, Fingerprint), usize> = BTreeMap::new();
    let mut kept: Vec<Finding> = Vec::new();
    for finding in findings {
        let path = match &finding.location.origin {
            // What has no path is told apart by its content.
            origin if origin.path() == Some(Path::new("")) => String::new(),
            origin => origin.to_string(),
        };
        let id = (path, finding.kind, finding.rule.as_str().to_owned(), finding.fingerprint);
        if let Some(&at) = first.get(&id) {
            let here = finding.location.origin.kept().is_some_and(|kept| kept.in_head);
            if let Some(earlier) = kept[at].location.origin.kept_mut() {
                earlier.in_head |= here;
            }
        } else {
            first.insert(id, kept.len());
            kept.push(finding);
        }
    }
    kept.sort_by_cached_key(super::key);
    kept.iter_mut().for_each(advise);
    kept
}

/// What is in a history cannot be taken back by a later commit.
fn advise(finding: &mut Finding) {
    let Some(kept) = finding.location.origin.kept() else { return };
    let commit = kept.commit.as_ref();
    let by = commit.map_or(String::new(), |commit| {
        let day = commit.time.get(..10).unwrap_or_default();
        format!(" in commit {} ({}, {day})", commit.short(), commit.author)
    });
    let who = match (kept.unreachable, commit.is_some()) {
        (true, _) => format!(
            "Rotate it: no branch or tag leads to it any more, but the repository still keeps it{by}, and so may every clone."
        ),
        (false, true) => {
            format!("Rotate it: history keeps it since it came{by}, and every clone has it; deleting the line does not help.")
        }
        (false, false) if kept.what == KeptAs::Blob => {
            "Rotate it: a tag keeps it, and so does every clone; deleting a file does not help.".to_owned()
        }
        (false, false) if kept.what == KeptAs::TagMessage => {
            "Rotate it: the message of the tag keeps it, and so does every clone that has the tag.".to_owned()
        }
        (false, false) => "It is staged, in no commit yet: take it out before you commit.".to_owned(),
    };
    // The same for a file that is checked out, in fewer words.
    let rest = finding.remediation.trim_start_matches("Every clone has it, and history keeps it. ");
    finding.remediation = format!("{who} {rest}");
}
