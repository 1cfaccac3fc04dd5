//! Something that is looked for in all that a repository ever held: every object is read once, and of those that
//! hold it, every commit that brought them is told.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::MEMORY;
use crate::finding::Origin;
use crate::source::SourceError;
use crate::source::git::history::{Interesting, Made, Walk, message_of};
use crate::source::git::pack::{CONTENT, Content, Object, Wanted};
use crate::source::git::{GitError, Id, Repository, path_of};

/// What was found in an object.
#[derive(Debug)]
pub struct Held<T> {
    /// What was found.
    pub found: T,
    /// Where and when the object was brought, each time; nowhere, if no commit has it.
    pub brought: Vec<Brought>,
}

/// A commit that brought an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// The path, with the commit.
    pub place: String,
    /// When the commit was made.
    pub time: SystemTime,
}

/// What was seen of the objects.
struct Seen<T> {
    found: HashMap<Id, T>,
    heads: Vec<(Id, Vec<u8>)>,
    failed: Vec<String>,
}

/// Reads every object of a repository, and says where those were brought in which `look` found something, and what
/// could not be read.
pub fn search<T: Send>(
    repository: &Repository,
    look: &(dyn Fn(&mut dyn Read) -> Option<T> + Sync),
) -> Result<(Vec<Held<T>>, Vec<SourceError>), GitError> {
    let objects = repository.objects()?;
    let Seen { found, heads, failed } = read(repository, look);
    let skip = |why| SourceError { origin: Origin::File(repository.common().to_owned()), why };
    let mut skipped: Vec<SourceError> = failed.into_iter().map(skip).collect();
    skipped.extend(repository.missing().into_iter().map(|(path, why)| SourceError { origin: Origin::File(path), why }));
    let commits = repository.ordered(&objects, heads)?;
    let mut held: HashMap<Id, Held<T>> = found.into_iter().map(|(id, found)| (id, Held { found, brought: Vec::new() })).collect();
    if !held.is_empty() {
        let mut walk = Walk::new(&objects, Interesting::default());
        for made in &commits {
            let brought =
                |what: String| Brought { place: format!("{what} in commit {}", made.id.to_hex_with_len(12)), time: time(made) };
            if let Some(message) = held.get_mut(&made.id) {
                message.brought.push(brought("the message".to_owned()));
            }
            walk.changed_in(made, &mut |one| {
                if let Some(here) = held.get_mut(&one.id) {
                    here.brought.push(brought(path_of(one.path).display().to_string()));
                }
            })?;
        }
        skipped.extend(walk.missing.iter().map(|id| skip(format!("tree {id} is missing or damaged"))));
    }
    Ok((held.into_values().collect(), skipped))
}

fn read<T: Send>(repository: &Repository, look: &(dyn Fn(&mut dyn Read) -> Option<T> + Sync)) -> Seen<T> {
    let all = Mutex::new(Seen { found: HashMap::new(), heads: Vec::new(), failed: Vec::new() });
    let visit = |(): &mut (), object: Object<'_>| {
        let id = object.id;
        let mut head = None;
        let found = match (object.kind.as_bytes(), object.content) {
            (_, Content::Failed(why)) => Err(format!("object {id}: {why}")),
            (kind @ (b"commit" | b"tag"), Content::Held(bytes)) => {
                let message = message_of(bytes);
                head = (kind == b"commit").then(|| bytes[..bytes.len() - message.len()].to_vec());
                Ok(look(&mut Cursor::new(message)))
            }
            (_, Content::Held(bytes)) => Ok(look(&mut Cursor::new(bytes))),
            (_, Content::Stream(stream)) => Ok(look(stream)),
        };
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.heads.extend(head.map(|head| (id, head)));
        match found {
            Ok(found) => all.found.extend(found.map(|found| (id, found))),
            Err(why) => all.failed.push(why),
        }
    };
    let failures = repository.each_object(Wanted { kinds: CONTENT, memory: MEMORY }, &|| (), &visit);
    let mut seen = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    seen.failed.extend(failures.into_iter().map(|error| error.to_string()));
    seen
}

/// When a commit was made.
fn time(made: &Made) -> SystemTime {
    let since = Duration::from_secs(made.time().unsigned_abs());
    if made.time() < 0 { UNIX_EPOCH } else { UNIX_EPOCH + since }
}
