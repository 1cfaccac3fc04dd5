//! Which repository a command is about, and what its errors mean to whoever typed it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Context;
use keyfence::source::git::{GitError, Repository, Variables};

use super::usage;

/// The repository around a folder that the user named; else the one that git's variables name, as
/// they do in hooks, or the one around the current folder.
pub(super) fn find(named: Option<&Path>) -> anyhow::Result<Repository> {
    let found = if let Some(folder) = named {
        let folder = std::path::absolute(folder).context("there is no current folder")?;
        Repository::find(&folder, &Variables::default())
    } else {
        let here = env::current_dir().context("there is no current folder")?;
        Repository::find(&here, &variables())
    };
    found.map_err(failed)
}

/// Goes to the top of the work tree, as git does before it runs a hook: paths count from there, whether
/// they are of today or of the past.
pub(super) fn enter(repository: &Repository) -> anyhow::Result<()> {
    let Ok(top) = repository.top() else { return Ok(()) };
    env::set_current_dir(top).with_context(|| top.display().to_string())
}

/// An error with the exit code that it deserves.
pub(super) fn failed(error: GitError) -> anyhow::Error {
    if error.is_mistake() { usage(error.to_string()) } else { error.into() }
}

fn variables() -> Variables {
    let path = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let alternates = env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
    Variables {
        git_dir: path("GIT_DIR"),
        common_dir: path("GIT_COMMON_DIR"),
        work_tree: path("GIT_WORK_TREE"),
        index_file: path("GIT_INDEX_FILE"),
        object_directory: path("GIT_OBJECT_DIRECTORY"),
        alternates: env::split_paths(&alternates).filter(|path| !path.as_os_str().is_empty()).collect(),
    }
}
