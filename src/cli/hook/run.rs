//! What the hooks do: before a commit what is staged, before a push the commits that the other side
//! does not have.

use std::io::Read;

use anyhow::Context;
use keyfence::source::git::{Repository, Selection};

use super::{Name, RunHook};
use crate::cli::args::Global;
use crate::cli::staged::{self, Staged};
use crate::cli::{Exit, history, repository};

/// What git writes where there is no commit.
fn is_none(id: &str) -> bool {
    id.is_empty() || id.bytes().all(|byte| byte == b'0')
}

pub(super) fn run(global: &Global, args: &RunHook) -> anyhow::Result<Exit> {
    if args.hook == Name::PreCommit {
        return staged::run(global, &Staged { common: args.common.clone(), ..Staged::default() });
    }
    let repository = repository::find(None)?;
    let updates = updates(args.hook)?;
    let mut selection = Selection::default();
    for update in &updates {
        if is_none(&update.new) {
            continue;
        }
        // Tags of files and folders lead to no commit.
        let is_commit = repository.has_commit(&update.new).map_err(repository::failed)?;
        let named = if is_commit { &mut selection.revisions } else { &mut selection.contents };
        named.push(update.new.clone());
        // What the other side had may not be here: then everything that is known to be there counts.
        if !is_none(&update.old) && repository.has_commit(&update.old).map_err(repository::failed)? {
            selection.revisions.push(format!("^{}", update.old));
        }
    }
    if selection.revisions.is_empty() && selection.contents.is_empty() {
        return Ok(Exit::Clean);
    }
    for known in there(&repository, args) {
        selection.revisions.push(format!("^{known}"));
    }
    history::scan(global, &repository, &args.common, (&selection, keyfence::scan::MEMORY))
}

/// A reference that changes.
struct Update {
    old: String,
    new: String,
}

/// What is pushed: from standard input, or as the pre-commit framework tells it.
fn updates(hook: Name) -> anyhow::Result<Vec<Update>> {
    let told = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if hook == Name::PrePush
        && let Some(new) = told("PRE_COMMIT_TO_REF")
    {
        return Ok(vec![Update { old: told("PRE_COMMIT_FROM_REF").unwrap_or_default(), new }]);
    }
    // A push of a whole history has no beginning that it could name.
    if hook == Name::PrePush
        && let Some(new) = told("PRE_COMMIT_LOCAL_BRANCH").filter(|_| told("PRE_COMMIT").is_some())
    {
        return Ok(vec![Update { old: String::new(), new }]);
    }
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).context("standard input")?;
    let update = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (hook, &words[..]) {
            (Name::PrePush, [_, new, _, old]) | (Name::PreReceive, [old, new, _]) => {
                Ok(Update { old: (*old).to_owned(), new: (*new).to_owned() })
            }
            _ => Err(crate::cli::usage(format!("standard input: {line:?} is not what git tells {}", hook.file()))),
        }
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(update).collect()
}

/// Commits that the other side is known to have.
fn there(repository: &Repository, args: &RunHook) -> Vec<String> {
    if args.hook == Name::PreReceive {
        // Before the references move, every one of them is something that was let in.
        return repository.tips("");
    }
    let told = args.told.first().cloned().or_else(|| std::env::var("PRE_COMMIT_REMOTE_NAME").ok());
    // Whoever pushes to an address may have a name for it.
    let remote = told.as_deref().and_then(|told| repository.remote(told));
    remote.map_or(Vec::new(), |remote| repository.tips(&format!("refs/remotes/{remote}/")))
}
