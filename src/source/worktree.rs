//! Where a folder stands in its work tree: what git tracks and ignores there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use crate::finding::Tracked;

use super::SourceError;
use super::ignored::{Global, Rules, is_dotenv};
use super::tracked::{Below, DotGit, GitDir, Index};

/// What may be visited in a folder besides what its own entries say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// What no rule ignores.
    Ordinary,
    /// Git ignores the folder, but tracks files in it: those only.
    TrackedOnly,
    /// Git ignores the folder, but the user named it: what no rule ignores within it.
    Named,
}

/// A folder in a work tree.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    /// From the top of the work tree; empty, or with a slash at its end.
    place: Vec<u8>,
    below: Below,
    /// `None` also where rules are off.
    rules: Option<Arc<Rules>>,
    mode: Mode,
    /// The rule above the folder which the user named that ignores everything in it, such as
    /// `build/**`, and the length of that folder's place. It speaks of the folder, so it does not
    /// keep the user out.
    about_named: Option<(usize, Arc<str>)>,
}

/// What the rules say of an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Free,
    Ignored,
    /// Ignored because the folder that the user named is.
    IgnoredWithNamed,
}

impl Standing {
    /// What git says of a file that the walk meets; `None` to leave it out.
    pub(super) fn file(&self, name: &[u8]) -> Option<Tracked> {
        match self.below.state(name) {
            Tracked::No => {}
            known => return Some(known),
        }
        if self.mode == Mode::TrackedOnly {
            return None;
        }
        match self.verdict(name, false) {
            Verdict::Free if self.mode == Mode::Named => Some(Tracked::Ignored),
            Verdict::Free => Some(Tracked::No),
            Verdict::Ignored if !is_dotenv(name) => None,
            Verdict::Ignored | Verdict::IgnoredWithNamed => Some(Tracked::Ignored),
        }
    }

    /// What git says of a file that the user named.
    pub(super) fn named_file(&self, name: &[u8]) -> Tracked {
        match self.below.state(name) {
            Tracked::No if self.mode != Mode::Ordinary => Tracked::Ignored,
            Tracked::No if self.verdict(name, false) != Verdict::Free => Tracked::Ignored,
            known => known,
        }
    }

    /// A folder that the walk meets; `None` to leave it out.
    pub(super) fn folder(&self, name: &[u8]) -> Option<Self> {
        let below = self.below.enter(name);
        // A submodule is tracked; git does not look further.
        let submodule = self.below.state(name) != Tracked::No;
        let mode = if submodule {
            Mode::Ordinary
        } else if self.mode == Mode::TrackedOnly {
            Mode::TrackedOnly
        } else {
            match self.verdict(name, true) {
                Verdict::Free => self.mode,
                Verdict::IgnoredWithNamed => Mode::Named,
                Verdict::Ignored => Mode::TrackedOnly,
            }
        };
        (mode != Mode::TrackedOnly || !below.is_empty()).then(|| self.entered(name, below, mode))
    }

    /// A folder that the user named, or one above it.
    fn named_folder(&self, name: &[u8]) -> Self {
        let ignored = self.mode != Mode::Ordinary || self.verdict(name, true) != Verdict::Free;
        let mode = if ignored { Mode::Named } else { Mode::Ordinary };
        self.entered(name, self.below.enter(name), mode)
    }

    fn entered(&self, name: &[u8], below: Below, mode: Mode) -> Self {
        let mut place = self.path(name);
        place.push(b'/');
        Self { place, below, rules: self.rules.clone(), mode, about_named: self.about_named.clone() }
    }

    fn path(&self, name: &[u8]) -> Vec<u8> {
        let mut path = Vec::with_capacity(self.place.len() + name.len() + 1);
        path.extend_from_slice(&self.place);
        path.extend_from_slice(name);
        path
    }

    fn verdict(&self, name: &[u8], is_dir: bool) -> Verdict {
        let Some(rules) = &self.rules else { return Verdict::Free };
        match (rules.ignoring(&self.path(name), is_dir), &self.about_named) {
            (None, _) => Verdict::Free,
            (Some(rule), Some((named, text))) if rule.base < *named && rule.text == &**text => Verdict::IgnoredWithNamed,
            (Some(_), _) => Verdict::Ignored,
        }
    }

    /// Finds the rule that ignores everything in this folder, which the user named.
    fn find_rule_about_named(&mut self) {
        // A name that only a rule for every name matches.
        let anything = self.path(b"\x01keyfence\x01");
        let rule = self.rules.as_ref().and_then(|rules| rules.ignoring(&anything, false));
        self.about_named = rule.map(|rule| (self.place.len(), rule.text.into()));
    }
}

/// The repositories that a walk meets, each opened once.
pub(super) struct Repositories<'a> {
    /// Whether ignore rules count.
    honour: bool,
    /// The user's own rules for every repository.
    /// Read when the first repository is met: it takes a tenth of a start.
    global: LazyLock<Option<Arc<Rules>>, Global>,
    opened: Mutex<BTreeMap<PathBuf, Top>>,
    around: Mutex<BTreeMap<PathBuf, Option<Standing>>>,
    report: &'a (dyn Fn(SourceError) + Sync),
}

/// What the top of a work tree turned out to be.
#[derive(Clone, Debug)]
pub(super) enum Top {
    /// No work tree of its own.
    None,
    /// A work tree whose index cannot be had: nothing is known, so nothing is ignored.
    Unknown,
    /// A work tree.
    Tree(Standing),
}

impl<'a> Repositories<'a> {
    pub(super) fn new(honour: bool, global: Global, report: &'a (dyn Fn(SourceError) + Sync)) -> Self {
        Self { honour, global: LazyLock::new(global), opened: Mutex::default(), around: Mutex::default(), report }
    }

    /// The work tree whose top is `real`, which the user would call `shown`.
    pub(super) fn top(&self, real: &Path, shown: &Path) -> Top {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(top) = opened.get(real) {
            return top.clone();
        }
        let top = self.open(shown);
        opened.insert(real.to_owned(), top.clone());
        top
    }

    fn open(&self, shown: &Path) -> Top {
        let git = match GitDir::of(shown) {
            DotGit::None => return Top::None,
            DotGit::Astray => return Top::Unknown,
            DotGit::Found(git) => git,
        };
        match Index::read(&git.index()) {
            Err(why) => {
                (self.report)(SourceError::new(git.index(), why));
                Top::Unknown
            }
            Ok(index) => Top::Tree(Standing {
                place: Vec::new(),
                below: Below::top(Arc::new(index)),
                rules: if self.honour { Rules::read(&git.exclude(), 0, (*self.global).clone()) } else { None },
                mode: Mode::Ordinary,
                about_named: None,
            }),
        }
    }

    /// Adds the rules that stand in the folder itself, whose path is `folder`.
    pub(super) fn add_rules(&self, standing: &mut Standing, folder: &Path) {
        let file = folder.join(".gitignore");
        // Git does not follow a link here.
        let regular = || fs::symlink_metadata(&file).is_ok_and(|about| about.is_file());
        if self.honour && standing.mode != Mode::TrackedOnly && regular() {
            standing.rules = Rules::read(&file, standing.place.len(), standing.rules.take());
        }
    }

    /// The standing of a folder that the user named; its own rules are not added yet.
    pub(super) fn named(&self, real: &Path, shown: &Path) -> Option<Standing> {
        match self.top(real, shown) {
            Top::Unknown => None,
            Top::Tree(standing) => Some(standing),
            Top::None => {
                let mut standing = self.around(real.parent()?)?.named_folder(real.file_name()?.as_encoded_bytes());
                standing.find_rule_about_named();
                Some(standing)
            }
        }
    }

    /// The standing of a folder in which something was named, with its own rules.
    pub(super) fn around(&self, real: &Path) -> Option<Standing> {
        let known = || self.around.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(standing) = known().get(real) {
            return standing.clone();
        }
        let mut standing = match self.top(real, &from_here(real)) {
            Top::Unknown => None,
            Top::Tree(standing) => Some(standing),
            Top::None => real
                .parent()
                .zip(real.file_name())
                .and_then(|(parent, name)| self.around(parent).map(|standing| standing.named_folder(name.as_encoded_bytes()))),
        };
        if let Some(standing) = &mut standing {
            self.add_rules(standing, real);
        }
        known().insert(real.to_owned(), standing.clone());
        standing
    }
}

/// A path as one would type it in the folder where the program runs.
fn from_here(real: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    real.strip_prefix(here).unwrap_or(real).to_owned()
}
