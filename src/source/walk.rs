//! The walk itself: lists folders on every thread and hands out what is in them.

use std::ffi::{OsStr, OsString};
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::Scope;

use crate::finding::{Origin, Tracked};

use super::ignored::{Excludes, Global, Rules};
use super::named::{Named, Roots, openable};
use super::worktree::{Repositories, Standing, Top};
use super::{GlobError, Haystack, HaystackKind, Met, SourceError, WalkOptions};

/// Files of one folder that one task visits: a folder with more is shared between threads.
const TOGETHER: usize = 64;

/// Meets everything below `roots`, each file once.
///
/// `visit` is called from all threads of the rayon pool that the walk is called in, in no order;
/// what it is called with depends on the tree alone. It may take its time, but must not wait for
/// other work of the same pool: the walk would go on inside of it.
pub fn walk(roots: &[PathBuf], options: &WalkOptions, visit: &(dyn Fn(Met) + Sync)) -> Result<(), GlobError> {
    walk_with(Box::new(Rules::global), roots, options, visit)
}

/// A walk with the user's own rules for every repository as an argument.
pub(super) fn walk_with(
    global: Global,
    roots: &[PathBuf],
    options: &WalkOptions,
    visit: &(dyn Fn(Met) + Sync),
) -> Result<(), GlobError> {
    let excludes = Excludes::new(&options.exclude)?;
    let report = |error| visit(Met::Skipped(error));
    let (roots, named, missing) = Roots::of(roots);
    missing.into_iter().for_each(report);
    let repositories = Repositories::new(!options.no_ignore, global, &report);
    let walk = Walk { roots, repositories, excludes, visit };
    let named = walk.named(named);
    rayon::scope(|scope| {
        for start in named {
            let walk = &walk;
            scope.spawn(move |scope| match start {
                Start::Folder(folder) => walk.folder(scope, folder),
                Start::Files(files) => files.into_iter().for_each(|file| visit(Met::File(file))),
            });
        }
    });
    Ok(())
}

struct Walk<'a> {
    roots: Roots,
    repositories: Repositories<'a>,
    excludes: Excludes,
    visit: &'a (dyn Fn(Met) + Sync),
}

/// What a task begins with.
enum Start {
    Folder(Folder),
    Files(Vec<Haystack>),
}

/// A folder to list.
struct Folder {
    /// As the user would type it; empty for the current one.
    shown: PathBuf,
    /// With links resolved.
    real: PathBuf,
    /// From the folder that the user named.
    below: PathBuf,
    /// Absent where nothing is known of git.
    standing: Option<Standing>,
}

impl Folder {
    fn child(&self, name: &OsStr, standing: Option<Standing>) -> Self {
        Self { shown: join(&self.shown, name), real: join(&self.real, name), below: join(&self.below, name), standing }
    }
}

/// `Path::join` with one allocation: it is called for every file.
fn join(folder: &Path, name: &OsStr) -> PathBuf {
    let mut path = PathBuf::with_capacity(folder.as_os_str().len() + 1 + name.len());
    path.push(folder);
    path.push(name);
    path
}

/// What is in a folder.
#[derive(Default)]
struct Listing {
    folders: Vec<OsString>,
    files: Vec<OsString>,
    links: Vec<OsString>,
    /// Devices, sockets, FIFOs.
    others: Vec<OsString>,
    /// Whether `.git` is there, and whether it is a folder.
    git: Option<bool>,
    /// Whether a rule file is there. A link is none: git does not follow it.
    rules: bool,
}

impl Listing {
    fn add(&mut self, name: OsString, kind: FileType) {
        if name == ".git" {
            self.git = Some(kind.is_dir());
        } else if kind.is_file() {
            self.rules |= name == ".gitignore";
            self.files.push(name);
        } else if kind.is_dir() {
            self.folders.push(name);
        } else if kind.is_symlink() {
            self.links.push(name);
        } else {
            self.others.push(name);
        }
    }

    fn forget(&mut self, unwanted: impl Fn(&OsStr, bool) -> bool) -> usize {
        let count = |listing: &Self| listing.folders.len() + listing.files.len() + listing.links.len() + listing.others.len();
        let before = count(self);
        self.folders.retain(|name| !unwanted(name, true));
        for names in [&mut self.files, &mut self.links, &mut self.others] {
            names.retain(|name| !unwanted(name, false));
        }
        before - count(self)
    }
}

impl Walk<'_> {
    /// Finds out where the named things stand.
    fn named(&self, named: Vec<Named>) -> Vec<Start> {
        let mut starts = Vec::new();
        let mut files = Vec::new();
        for one in named {
            match one {
                Named::Folder(shown, real) => {
                    let standing = self.repositories.named(&real, openable(&shown));
                    starts.push(Start::Folder(Folder { shown, real, below: PathBuf::new(), standing }));
                }
                // Alone, because it may keep its thread waiting.
                Named::Pipe(shown) => {
                    starts.push(Start::Files(vec![Haystack::new(shown, Tracked::Unknown, HaystackKind::Pipe)]));
                }
                Named::File(shown, real) => {
                    let standing = real.parent().and_then(|parent| self.repositories.around(parent));
                    let name = real.file_name().unwrap_or_default().as_encoded_bytes();
                    let tracked = standing.map_or(Tracked::Unknown, |standing| standing.named_file(name));
                    files.push(Haystack::new(shown, tracked, HaystackKind::File));
                }
            }
        }
        starts.extend(files.chunks(TOGETHER).map(|chunk| Start::Files(chunk.to_vec())));
        starts
    }

    fn folder<'s>(&'s self, scope: &Scope<'s>, mut folder: Folder) {
        let Some(mut listing) = self.list(&folder.shown) else { return };
        if self.roots.any_in(&folder.real) {
            listing.forget(|name, _| self.roots.is_named(&folder.real.join(name)));
            if self.roots.is_named(&folder.real.join(".git")) {
                listing.git = None;
            }
        }
        if !self.excludes.is_empty() {
            let excluded = listing.forget(|name, is_dir| self.is_excluded(&folder, name, is_dir));
            self.exclude(excluded);
        }
        if let Some(is_dir) = listing.git {
            self.dot_git(&mut folder, is_dir);
        }
        if listing.rules
            && let Some(standing) = &mut folder.standing
        {
            self.repositories.add_rules(standing, &folder.shown);
        }
        // Folders first, so that other threads find work while this one reads files.
        for name in listing.folders {
            self.subfolder(scope, &folder, &name);
        }
        let inside = listing.links.iter().filter(|link| self.leads_inside(&folder.shown.join(link))).count();
        self.exclude(listing.links.len() - inside + listing.others.len());
        self.files(scope, folder, listing.files);
    }

    fn list(&self, shown: &Path) -> Option<Listing> {
        let shown = openable(shown);
        let skip = |path: &Path, error: &io::Error| {
            (self.visit)(Met::Skipped(SourceError::io(Origin::File(path.to_owned()), error)));
        };
        let entries = fs::read_dir(shown).map_err(|error| skip(shown, &error)).ok()?;
        let mut listing = Listing::default();
        for entry in entries {
            match entry {
                Ok(entry) => match entry.file_type() {
                    Ok(kind) => listing.add(entry.file_name(), kind),
                    Err(error) => skip(&entry.path(), &error),
                },
                Err(error) => skip(shown, &error),
            }
        }
        Some(listing)
    }

    /// Counts `.git`, reads its `config`, and learns from it if it makes a work tree.
    fn dot_git(&self, folder: &mut Folder, is_dir: bool) {
        self.exclude(1);
        match self.repositories.top(&folder.real, openable(&folder.shown)) {
            Top::None => {}
            Top::Unknown => folder.standing = None,
            Top::Tree(standing) => folder.standing = Some(standing),
        }
        if !is_dir {
            return;
        }
        let config = folder.shown.join(".git/config");
        let named = self.roots.is_named(&folder.real.join(".git/config"));
        let regular = fs::symlink_metadata(&config).is_ok_and(|about| about.is_file());
        if !named && regular && !self.is_excluded(folder, OsStr::new(".git/config"), false) {
            (self.visit)(Met::File(Haystack::new(config, Tracked::No, HaystackKind::File)));
        }
    }

    fn subfolder<'s>(&'s self, scope: &Scope<'s>, folder: &Folder, name: &OsStr) {
        let standing = match &folder.standing {
            None => None,
            Some(standing) => match standing.folder(name.as_encoded_bytes()) {
                None => return self.exclude(1),
                inner => inner,
            },
        };
        let child = folder.child(name, standing);
        scope.spawn(move |scope| self.folder(scope, child));
    }

    fn files<'s>(&'s self, scope: &Scope<'s>, folder: Folder, mut names: Vec<OsString>) {
        let folder = Arc::new(folder);
        while names.len() > TOGETHER {
            let some = names.split_off(names.len() - TOGETHER);
            let folder = Arc::clone(&folder);
            scope.spawn(move |_| self.some_files(&folder, &some));
        }
        self.some_files(&folder, &names);
    }

    fn some_files(&self, folder: &Folder, names: &[OsString]) {
        for name in names {
            let tracked = match &folder.standing {
                None => Some(Tracked::Unknown),
                Some(standing) => standing.file(name.as_encoded_bytes()),
            };
            match tracked {
                None => self.exclude(1),
                Some(tracked) => {
                    (self.visit)(Met::File(Haystack::new(join(&folder.shown, name), tracked, HaystackKind::File)));
                }
            }
        }
    }

    /// Whether a link leads to what the walk meets anyway, and not out of it or nowhere.
    fn leads_inside(&self, link: &Path) -> bool {
        fs::canonicalize(link).is_ok_and(|target| self.roots.hold(&target))
    }

    fn is_excluded(&self, folder: &Folder, name: &OsStr, is_dir: bool) -> bool {
        self.excludes.matches(&folder.shown.join(name), &folder.below.join(name), is_dir)
    }

    fn exclude(&self, count: usize) {
        (0..count).for_each(|_| (self.visit)(Met::Excluded));
    }
}
