//! Which paths git ignores: rule files, from the folder of a file up to the user's own.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder, Glob};

use super::{GlobError, path_from_bytes};

/// A larger rule file is not read: more is scanned then, never less.
const LARGEST: u64 = 1 << 20;

/// The rules of one file, and behind them those that weigh less.
#[derive(Debug)]
pub(super) struct Rules {
    matcher: Gitignore,
    /// Length of the path of the folder that the rules are relative to, from the top of the work
    /// tree, with the slash at its end.
    base: usize,
    outer: Option<Arc<Self>>,
}

/// The rule that decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule<'a> {
    /// Length of the path of the folder that the rule is relative to.
    pub(super) base: usize,
    /// The rule as it is written.
    pub(super) text: &'a str,
}

impl Rules {
    /// Puts the rules of `file`, if it has any, before `outer`.
    pub(super) fn read(file: &Path, base: usize, outer: Option<Arc<Self>>) -> Option<Arc<Self>> {
        let matcher = matcher(file);
        if matcher.is_empty() { outer } else { Some(Arc::new(Self { matcher, base, outer })) }
    }

    /// The user's own rules for every repository.
    pub(super) fn global() -> Option<Arc<Self>> {
        Self::read(&ignore::gitignore::gitconfig_excludes_path()?, 0, None)
    }

    /// The rule that ignores `path`, which is relative to the top of the work tree. Says nothing of
    /// the folders above it.
    pub(super) fn ignoring(&self, path: &[u8], is_dir: bool) -> Option<Rule<'_>> {
        let mut rules = Some(self);
        while let Some(Self { matcher, base, outer }) = rules {
            match matcher.matched(path_from_bytes(&path[*base..]), is_dir) {
                Match::None => rules = outer.as_deref(),
                Match::Ignore(glob) => return Some(Rule { base: *base, text: Glob::original(glob) }),
                Match::Whitelist(_) => return None,
            }
        }
        None
    }
}

/// Reads the user's own rules.
pub(super) type Global = Box<dyn FnOnce() -> Option<Arc<Rules>> + Send>;

/// Reads one rule file; one that is missing, is no regular file or is too large has no rules.
fn matcher(file: &Path) -> Gitignore {
    let mut bytes = Vec::new();
    // Asked first, because opening a FIFO would wait for ever.
    let regular = fs::metadata(file).is_ok_and(|about| about.is_file() && about.len() <= LARGEST);
    if !regular || fs::File::open(file).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)).is_err() {
        return Gitignore::empty();
    }
    parse(&bytes)
}

/// Line by line, because `GitignoreBuilder::add` stops at the first line that is not UTF-8.
fn parse(bytes: &[u8]) -> Gitignore {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut builder = GitignoreBuilder::new("");
    for line in bytes.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // A line that is no glob is none for git either: it matches nothing.
        let _ = builder.add_line(None, &String::from_utf8_lossy(line));
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

/// The globs of `--exclude`.
#[derive(Debug)]
pub(super) struct Excludes(Gitignore);

impl Excludes {
    pub(super) fn new(globs: &[String]) -> Result<Self, GlobError> {
        let mut builder = GitignoreBuilder::new("");
        builder.allow_unclosed_class(false);
        for glob in globs {
            let error = |error| GlobError { glob: glob.clone(), why: cause(error) };
            // What begins a comment in a file is a name on a command line.
            let line = if glob.starts_with('#') { format!("\\{glob}") } else { glob.clone() };
            builder.add_line(None, &line).map_err(error)?;
        }
        let all = |error| GlobError { glob: globs.join(" "), why: cause(error) };
        builder.build().map(Self).map_err(all)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a glob matches the path as typed, or the path below the named folder.
    pub(super) fn matches(&self, typed: &Path, below: &Path, is_dir: bool) -> bool {
        let typed = typed.strip_prefix("/").unwrap_or(typed);
        match self.0.matched(typed, is_dir) {
            Match::None => self.0.matched(below, is_dir).is_ignore(),
            decided => decided.is_ignore(),
        }
    }
}

fn cause(error: ignore::Error) -> String {
    match error {
        ignore::Error::Glob { err, .. } => err,
        other => other.to_string(),
    }
}

/// Whether a file of that name is read even where git ignores it: it is made to hold secrets.
pub(super) fn is_dotenv(name: &[u8]) -> bool {
    name.starts_with(b".env") || name.ends_with(b".env") || name == b".dev.vars"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &[u8], base: usize, outer: Option<Arc<Rules>>) -> Arc<Rules> {
        Arc::new(Rules { matcher: parse(text), base, outer })
    }

    #[test]
    fn inner_rules_weigh_more_than_outer_ones() {
        let outer = rules(b"*.log\n/top\n", 0, None);
        let inner = rules(b"!keep.log\n/top\n", 4, Some(outer));
        assert!(inner.ignoring(b"sub/a.log", false).is_some());
        assert!(inner.ignoring(b"sub/keep.log", false).is_none());
        assert!(inner.ignoring(b"sub/top", false).is_some());
        assert!(inner.ignoring(b"sub/x/top", false).is_none());
        assert_eq!(inner.ignoring(b"sub/a.log", false).unwrap().base, 0);
    }

    #[test]
    fn a_line_that_is_no_text_or_no_glob_spoils_no_other() {
        let rules = rules(b"\xef\xbb\xbffirst\r\n\xff\xfe\n{a\nlast", 0, None);
        assert!(rules.ignoring(b"first", false).is_some());
        assert!(rules.ignoring(b"x/last", false).is_some());
        assert!(rules.ignoring(b"other", false).is_none());
    }

    #[test]
    fn dotenv_names() {
        for name in [".env", ".env.local", ".envrc", "prod.env", ".dev.vars"] {
            assert!(is_dotenv(name.as_bytes()), "{name}");
        }
        for name in ["env", "environment", ".dev.vars.x", "a.env.js"] {
            assert!(!is_dotenv(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_bad_glob_is_named() {
        let error = Excludes::new(&["fine".into(), "[a".into()]).unwrap_err();
        assert_eq!(error.to_string(), "[a: unclosed character class; missing ']'");
    }
}
