//! Expands templates and plants them in a temporary tree, in which the program and git can be run.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// The text of a template: the library's own expansion, so that tests and rule files agree.
pub(crate) fn expand(template: &str, seed: &str) -> String {
    keyfence::rule::examples::expand(template, seed)
        .unwrap_or_else(|error| panic!("the template of {seed:?} cannot be expanded: {error}"))
}

/// A directory to be scanned, and beside it a home without any settings.
pub(crate) struct Tree {
    work: PathBuf,
    home: PathBuf,
    // Removes both when the tree is dropped.
    _root: TempDir,
}

impl Tree {
    /// An empty tree.
    pub(crate) fn new() -> Self {
        let root = TempDir::new().expect("a temporary directory");
        // Without links, so that paths in reports can be compared.
        let base = root.path().canonicalize().expect("the temporary directory has a real path");
        let (work, home) = (base.join("work"), base.join("home"));
        for directory in [&work, &home] {
            fs::create_dir(directory).expect("a directory in the temporary directory");
        }
        Self { work, home, _root: root }
    }

    /// The root of the tree.
    pub(crate) fn path(&self) -> &Path {
        &self.work
    }

    /// Writes the expanded template to `path`, whose text is the seed: the same template in two files
    /// gives two keys.
    pub(crate) fn file(&self, path: &str, template: &str) -> PathBuf {
        self.write(path, &expand(template, path))
    }

    /// Writes a text that is expanded already.
    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let full = self.work.join(path);
        let parent = full.parent().expect("a file stands in a directory");
        fs::create_dir_all(parent).expect("the directories of a planted file");
        fs::write(&full, text).expect("a planted file");
        full
    }

    /// Runs the program in the tree.
    pub(crate) fn keyfence(&self, args: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_keyfence")).args(args).output().expect("keyfence starts")
    }

    /// Starts the program in the tree with this standard input; what it prints is kept.
    pub(crate) fn start(&self, args: &[&str], stdin: Stdio) -> Child {
        let mut command = self.command(env!("CARGO_BIN_EXE_keyfence"));
        command.args(args).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("keyfence starts")
    }

    /// Runs git in the tree and gives what it printed. A command that fails fails the test.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = self.command("git").args(args).output().expect("git starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {}: {stderr}", args.join(" "));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A command that sees nothing of the settings of whoever runs the tests.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.work);
        for inherited in ["NO_COLOR", "KEYFENCE_CONFIG", "XDG_CONFIG_HOME"] {
            command.env_remove(inherited);
        }
        // A hook that runs these tests sets GIT_DIR and others; they would lead git out of the tree.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"GIT_") {
                command.env_remove(name);
            }
        }
        command
            .env("HOME", &self.home)
            // What a killed program leaves behind goes with the tree.
            .env("TMPDIR", &self.home)
            .env("USERPROFILE", &self.home)
            .env("GIT_CEILING_DIRECTORIES", &self.home)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "A Tester")
            .env("GIT_AUTHOR_EMAIL", "tester@acme.example")
            .env("GIT_AUTHOR_DATE", "2026-03-12T09:11:07Z")
            .env("GIT_COMMITTER_NAME", "A Tester")
            .env("GIT_COMMITTER_EMAIL", "tester@acme.example")
            .env("GIT_COMMITTER_DATE", "2026-03-12T09:11:07Z");
        command
    }
}
