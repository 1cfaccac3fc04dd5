//! `keyfence staged`.

use std::path::PathBuf;

use keyfence::detect::Scanner;
use keyfence::scan;

use super::args::{Environments, Gate, Global, RuleChoice, Scan};
use super::config::Config;
use super::scan::{Run, on_every_core};
use super::{Exit, output, repository};

/// The commit that is about to be made.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Staged {
    /// The repository, instead of the one around the current folder.
    #[arg(short = 'C', value_name = "DIR")]
    pub(super) repository: Option<PathBuf>,
    /// Scan what is not staged yet as well: changed files and untracked ones.
    #[arg(long)]
    pub(super) uncommitted: bool,
    #[command(flatten)]
    pub(super) rules: RuleChoice,
    #[command(flatten)]
    pub(super) gate: Gate,
    #[command(flatten)]
    pub(super) environments: Environments,
    /// Report findings that an inline keyfence:allow suppresses, too.
    #[arg(long)]
    pub(super) no_inline_allow: bool,
}

pub(super) fn run(global: &Global, args: &Staged) -> anyhow::Result<Exit> {
    let repository = repository::find(args.repository.as_deref())?;
    let top = repository.top().map_err(repository::failed)?;
    let scan = Scan {
        paths: vec![top.to_owned()],
        rules: args.rules.clone(),
        gate: args.gate.clone(),
        environments: args.environments.clone(),
        no_inline_allow: args.no_inline_allow,
        ..Scan::default()
    };
    let config = Config::new(global, &scan)?;
    let scanner = Scanner::new(config.rules.clone());
    let find = |bytes: &[u8]| output::masks(&scanner, bytes);
    let mut run = Run::start(global, &config, &find)?;
    repository::enter(&repository)?;
    let work = |_: &scan::Progress| {
        scan::staged(&scanner, &repository, &config.settings, args.uncommitted).map_err(repository::failed)
    };
    // A few files are not worth a thread.
    let (findings, ledger) =
        if global.threads.is_some() { on_every_core(global, &work)? } else { work(&scan::Progress::default())? };
    findings.iter().try_for_each(|finding| run.finding(finding))?;
    run.finish(&scanner, ledger)
}
