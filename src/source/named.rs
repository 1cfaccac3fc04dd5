//! What the user named: files, folders and pipes to read, told apart once and without repeats.

use std::collections::HashSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::SourceError;

/// Something that the user named and that can be read.
#[derive(Debug)]
pub(super) enum Named {
    /// A file as typed, and with links resolved.
    File(PathBuf, PathBuf),
    /// A folder as typed, and with links resolved.
    Folder(PathBuf, PathBuf),
    /// A pipe as typed.
    Pipe(PathBuf),
}

/// Where the named files and folders are.
#[derive(Debug, Default)]
pub(super) struct Roots {
    /// Files and folders, links resolved.
    all: HashSet<PathBuf>,
    /// The folders they are in.
    parents: HashSet<PathBuf>,
}

impl Roots {
    /// Sorts out the arguments; each file, folder and pipe is named once.
    pub(super) fn of(arguments: &[PathBuf]) -> (Self, Vec<Named>, Vec<SourceError>) {
        let (mut roots, mut named, mut missing) = (Self::default(), Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for argument in arguments {
            match look(&tidy(argument)) {
                Ok((key, found)) => {
                    if !seen.insert(key) {
                        continue;
                    }
                    if let Named::File(_, real) | Named::Folder(_, real) = &found {
                        roots.parents.extend(real.parent().map(Path::to_owned));
                        roots.all.insert(real.clone());
                    }
                    named.push(found);
                }
                Err(error) => missing.push(error),
            }
        }
        missing.sort();
        missing.dedup();
        (roots, named, missing)
    }

    /// Whether something in the folder was named.
    pub(super) fn any_in(&self, folder: &Path) -> bool {
        // A single one is not met again: asked for every folder, so worth the shortcut.
        self.all.len() > 1 && self.parents.contains(folder)
    }

    /// Whether this very file or folder was named.
    pub(super) fn is_named(&self, real: &Path) -> bool {
        self.all.contains(real)
    }

    /// Whether this was named, or is below a folder that was.
    pub(super) fn hold(&self, real: &Path) -> bool {
        real.ancestors().any(|path| self.all.contains(path))
    }
}

/// The argument without `.` and doubled slashes; the folder `.` itself becomes empty, so that what
/// is joined to it does not begin with `./`.
fn tidy(argument: &Path) -> PathBuf {
    if argument.components().all(|part| part == Component::CurDir) && !argument.as_os_str().is_empty() {
        return PathBuf::new();
    }
    argument.components().collect()
}

/// How to open a path whose folder may be the current one.
pub(super) fn openable(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// What stands at a path, and one key for all the names it may have.
fn look(typed: &Path) -> Result<(PathBuf, Named), SourceError> {
    let path = openable(typed);
    let failed = |error: std::io::Error| SourceError::io(crate::finding::Origin::File(path.to_owned()), &error);
    let about = fs::metadata(path).map_err(failed)?;
    let resolved = || fs::canonicalize(path).map_err(failed);
    if about.is_dir() {
        let real = resolved()?;
        return Ok((real.clone(), Named::Folder(typed.to_owned(), real)));
    }
    // What is behind an open descriptor has no path of its own to resolve.
    if let Some(number) = descriptor(path) {
        // The system opens no socket by its path; number 0 can be read without opening it.
        return if number != 0 && sort(about.file_type()) == Sort::Other("a socket") {
            Err(SourceError::new(path.to_owned(), "a socket"))
        } else {
            Ok((PathBuf::from(format!("/dev/fd/{number}")), Named::Pipe(typed.to_owned())))
        };
    }
    match sort(about.file_type()) {
        Sort::File => resolved().map(|real| (real.clone(), Named::File(typed.to_owned(), real))),
        Sort::Fifo => resolved().map(|real| (real, Named::Pipe(typed.to_owned()))),
        Sort::Other(what) => Err(SourceError::new(path.to_owned(), what)),
    }
}

/// The number in `/dev/fd/N` and its other names.
fn descriptor(path: &Path) -> Option<u32> {
    let path = path.to_str()?;
    if path == "/dev/stdin" {
        return Some(0);
    }
    let number = path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/"))?;
    number.parse().ok()
}

/// What is no folder.
#[derive(PartialEq, Eq)]
enum Sort {
    File,
    #[cfg_attr(not(unix), expect(dead_code, reason = "FIFOs have no file type elsewhere"))]
    Fifo,
    Other(&'static str),
}

#[cfg(unix)]
fn sort(kind: fs::FileType) -> Sort {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_file() {
        Sort::File
    } else if kind.is_fifo() {
        Sort::Fifo
    } else if kind.is_socket() {
        Sort::Other("a socket")
    } else {
        Sort::Other("a device")
    }
}

#[cfg(not(unix))]
fn sort(kind: fs::FileType) -> Sort {
    if kind.is_file() { Sort::File } else { Sort::Other("not a file") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_keep_the_users_spelling() {
        for (argument, tidied) in
            [(".", ""), ("./", ""), ("./.", ""), ("./a", "./a"), ("a/", "a"), ("a//b/.", "a/b"), ("../a", "../a"), ("", "")]
        {
            assert_eq!(tidy(Path::new(argument)), Path::new(tidied), "{argument}");
        }
    }

    #[test]
    fn names_of_descriptors() {
        for (path, number) in [
            ("/dev/stdin", Some(0)),
            ("/dev/fd/63", Some(63)),
            ("/proc/self/fd/3", Some(3)),
            ("/dev/fd/x", None),
            ("/dev/null", None),
        ] {
            assert_eq!(descriptor(Path::new(path)), number, "{path}");
        }
    }
}
