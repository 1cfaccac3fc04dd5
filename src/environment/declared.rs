//! What somebody said on purpose: of paths, branches, words, log fields and hosts, and of what is client
//! or back end.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use regex_automata::meta::Regex;

use super::words::Words;
use crate::finding::{PlaceKind, Stage};

/// Globs over paths with `/`.
#[derive(Clone, Debug, Default)]
pub struct Globs(GlobSet);

impl Globs {
    /// Reads globs: `**` goes over folders, `*` does not. The error names the glob.
    pub fn new<T: AsRef<str>>(globs: &[T]) -> Result<Self, String> {
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            let glob = glob.as_ref().strip_prefix("./").unwrap_or(glob.as_ref());
            let built = GlobBuilder::new(glob).literal_separator(true).build();
            set.add(built.map_err(|error| format!("{glob:?}: {}", error.kind()))?);
        }
        Ok(Self(set.build().map_err(|error| error.to_string())?))
    }

    /// Whether one of them fits.
    pub fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

/// What is said of the places whose path fits.
#[derive(Clone, Debug)]
pub struct DeclaredPlace {
    /// Which paths.
    pub globs: Globs,
    /// The globs as they were written.
    pub source: String,
    /// The environment.
    pub stage: Option<Stage>,
    /// What sort of place.
    pub kind: Option<PlaceKind>,
    /// A back end that is trusted, whatever its path looks like.
    pub backend: bool,
    /// Whether it beats blocks and records inside.
    pub lock: bool,
}

/// Everything that was said.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// The root of the repository: paths count from there.
    pub root: Option<PathBuf>,
    /// The dictionary of environment words.
    pub words: Words,
    /// Of paths; the first that fits counts.
    pub places: Vec<DeclaredPlace>,
    /// Overrides everything.
    pub forced: Option<Stage>,
    /// For what does not say.
    pub default: Option<Stage>,
    /// The branch, and what was said of it.
    pub branch: Option<(String, Option<Stage>)>,
    /// Further fields of log records that mean the environment.
    pub log_fields: Vec<String>,
    /// Hosts in log records.
    pub log_hosts: Vec<(Regex, Stage)>,
    /// Further prefixes that bundlers publish.
    pub public_prefixes: Vec<String>,
    /// What clients are given.
    pub client: Globs,
    /// What is a back end.
    pub backend: Globs,
}

impl Declared {
    /// A path as globs and evidence see it: from the root of the repository, with `/`, archive members
    /// as files in folders.
    pub fn relative(&self, path: &Path) -> String {
        let below = self.root.as_ref().and_then(|root| {
            let whole = std::path::absolute(path).ok()?;
            whole.strip_prefix(root).ok().map(Path::to_owned)
        });
        let text = below.as_deref().unwrap_or(path).to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        let text = text.trim_start_matches("./").replace('!', "/");
        text.trim_start_matches('/').to_owned()
    }

    /// Whether somebody said that clients are given it.
    pub fn is_client(&self, path: &str) -> bool {
        self.client.matches(path) || self.place(path).is_some_and(|place| place.kind == Some(PlaceKind::Client))
    }

    /// What was said of a path.
    pub fn place(&self, path: &str) -> Option<&DeclaredPlace> {
        self.places.iter().find(|place| place.globs.matches(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_go_over_folders_where_they_say_so() {
        let globs = Globs::new(&["clusters/eu*/**", "./apps/*/deploy/prod/**", "*.pem"]).unwrap();
        for path in ["clusters/eu1/a/b.yml", "apps/shop/deploy/prod/x", "key.pem"] {
            assert!(globs.matches(path), "{path}");
        }
        for path in ["clusters/us/a", "apps/a/b/deploy/prod/x", "certs/key.pem"] {
            assert!(!globs.matches(path), "{path}");
        }
        assert!(Globs::new(&["a[".to_owned()]).unwrap_err().starts_with("\"a[\""));
    }

    #[test]
    fn paths_count_from_the_root() {
        let declared = Declared { root: Some(PathBuf::from("/srv/prod/shop")), ..Declared::default() };
        assert_eq!(declared.relative(Path::new("/srv/prod/shop/deploy/x.yml")), "deploy/x.yml");
        assert_eq!(Declared::default().relative(Path::new("./deploy/x.yml")), "deploy/x.yml");
        assert_eq!(Declared::default().relative(Path::new("backup.zip!etc/x.yml")), "backup.zip/etc/x.yml");
    }
}
