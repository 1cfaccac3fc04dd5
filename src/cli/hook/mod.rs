//! `keyfence hook`: puts keyfence in front of commits and pushes, tells whether it is there, and proves
//! that it blocks.

mod install;
mod places;
mod run;
mod verify;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::{Subcommand, ValueEnum};

use super::args::{Color, Common, Global};
use super::{Exit, output, usage};

/// What to do with git's hooks.
#[derive(Debug, Subcommand)]
pub(super) enum Hook {
    /// Run keyfence before each commit, or another hook. A hook that is there stays and runs after it.
    Install(Where),
    /// Take keyfence out of the hooks again.
    Uninstall(Where),
    /// Tell where keyfence is installed.
    Status(Where),
    /// Plant a generated key beside what is staged here, in an index of its own, and prove that the hook blocks it.
    Verify(Where),
    /// Do what a hook does; git's arguments and standard input are expected.
    Run(Box<RunHook>),
}

/// Which hook of which repository.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Where {
    /// The repository, instead of the one around the current folder.
    #[arg(short = 'C', value_name = "DIR")]
    pub(super) repository: Option<PathBuf>,
    /// Which hook: pre-commit if nobody says otherwise; status and verify look at all.
    #[arg(long, value_name = "NAME")]
    pub(super) hook: Option<Name>,
}

/// A hook that is run.
#[derive(Debug, clap::Args)]
pub(super) struct RunHook {
    /// Which one.
    pub(super) hook: Name,
    /// What git tells the hook: of pre-push the remote and its URL.
    #[arg(last = true)]
    pub(super) told: Vec<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// A hook of git.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(clippy::enum_variant_names, reason = "git names them")]
pub(super) enum Name {
    /// Before a commit: what is staged.
    PreCommit,
    /// Before a push: the commits that the remote does not have.
    PrePush,
    /// On the server, before a push is accepted: the commits that it does not have.
    PreReceive,
}

impl Name {
    const ALL: [Self; 3] = [Self::PreCommit, Self::PrePush, Self::PreReceive];

    const fn file(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PrePush => "pre-push",
            Self::PreReceive => "pre-receive",
        }
    }
}

pub(super) fn run(global: &Global, hook: &Hook) -> anyhow::Result<Exit> {
    match hook {
        Hook::Install(whose) => install::install(whose),
        Hook::Uninstall(whose) => install::uninstall(whose),
        Hook::Status(whose) => install::status(whose),
        Hook::Verify(whose) => verify::verify(whose),
        Hook::Run(run) => run::run(global, run),
    }
}

/// Tells what was done.
fn say(text: &str) -> std::io::Result<()> {
    output::print(Color::Auto, text)
}

/// What git says, without the line end.
fn git(folder: &Path, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(args).output().context("git")?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(usage(format!("git {}: {}", args[0], why.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned())
}
