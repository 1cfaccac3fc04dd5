//! The program in real repositories, made by real git.

mod baseline;
mod daily;
mod history;
mod hooks;
mod kills;
mod pushes;
mod staged;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::plant::{Tree, expand};

/// A critical finding wherever it stands.
pub(crate) const LIVE: &str = "sk_live_{base62:24}";

/// A key in its own words, different for each seed.
pub(crate) fn key(seed: &str) -> String {
    expand(LIVE, seed)
}

/// How the program ended and what it said.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) code: Option<i32>,
    pub(crate) lines: Vec<Value>,
    pub(crate) stderr: String,
}

impl Report {
    pub(crate) fn new(output: &Output) -> Self {
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!stderr.contains("panicked"), "{stderr}");
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { code: output.status.code(), lines: stdout.lines().map(read).collect(), stderr: stderr.into_owned() }
    }

    fn of_type(&self, wanted: &str) -> impl Iterator<Item = &Value> {
        self.lines.iter().filter(move |line| line["type"] == wanted)
    }

    pub(crate) fn findings(&self) -> Vec<&Value> {
        self.of_type("finding").collect()
    }

    pub(crate) fn skipped(&self) -> Vec<&Value> {
        self.of_type("skipped").collect()
    }

    pub(crate) fn summary(&self) -> &Value {
        self.of_type("summary").next().unwrap_or_else(|| panic!("no summary: {self:?}"))
    }

    /// `path:line` of each finding.
    pub(crate) fn places(&self) -> Vec<String> {
        let place = |finding: &&Value| {
            let path = finding["path"].as_str().unwrap();
            finding["line"].as_u64().map_or_else(|| path.to_owned(), |line| format!("{path}:{line}"))
        };
        self.findings().iter().map(place).collect()
    }
}

/// A repository with its first commit.
pub(crate) struct Repo {
    pub(crate) tree: Tree,
}

impl Repo {
    /// A repository without a commit.
    pub(crate) fn empty() -> Self {
        let tree = Tree::new();
        tree.git(&["init", "-q", "-b", "main"]);
        Self { tree }
    }

    /// A repository with a commit of one harmless file.
    pub(crate) fn new() -> Self {
        let repo = Self::empty();
        repo.write("README.md", "nothing here\n");
        repo.commit("first");
        repo
    }

    pub(crate) fn path(&self) -> &Path {
        self.tree.path()
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.tree.git(args)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        self.tree.write(path, text);
    }

    pub(crate) fn bytes(&self, path: impl AsRef<OsStr>, bytes: &[u8]) {
        let path = self.path().join(path.as_ref());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Writes and stages.
    pub(crate) fn stage(&self, path: &str, text: &str) {
        self.write(path, text);
        self.git(&["add", "-f", "--", path]);
    }

    /// Commits everything.
    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
    }

    /// Commits everything so many minutes after the first.
    pub(crate) fn commit_at(&self, minute: u64, message: &str) -> String {
        self.git(&["add", "-A"]);
        let time = format!("@{} +0000", 1_773_306_667 + 60 * minute);
        let mut command = self.tree.command("git");
        command.env("GIT_AUTHOR_DATE", &time).env("GIT_COMMITTER_DATE", &time);
        let output = command.args(["commit", "-q", "--allow-empty", "-m", message]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Runs the program in the repository.
    pub(crate) fn run(&self, args: &[&str]) -> Report {
        self.run_in("", args)
    }

    /// Runs the program in a folder of it.
    pub(crate) fn run_in(&self, folder: &str, args: &[&str]) -> Report {
        let mut command = self.tree.command(env!("CARGO_BIN_EXE_keyfence"));
        command.current_dir(self.path().join(folder));
        Report::new(&command.args(args).args(["-f", "jsonl"]).output().unwrap())
    }

    /// What `keyfence staged` finds.
    pub(crate) fn staged(&self) -> Report {
        self.run(&["staged"])
    }
}
