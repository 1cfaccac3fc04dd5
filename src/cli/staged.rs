//! `keyfence staged`.

use std::path::PathBuf;

use keyfence::policy::Reach;
use keyfence::scan;

use super::args::{Common, Global};
use super::config::Config;
use super::scan::{Run, on_every_core};
use super::{Exit, baseline, output, repository};

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
    pub(super) common: Common,
}

pub(super) fn run(global: &Global, args: &Staged) -> anyhow::Result<Exit> {
    let repository = repository::find(args.repository.as_deref())?;
    let top = repository.top().map_err(repository::failed)?;
    let config = Config::new(global, &args.common.scan(top))?;
    let scanner = config.scanner(args.common.cards);
    let find = |bytes: &[u8]| output::masks(scanner, bytes);
    let mut run = Run::start(global, &config, &find)?;
    repository::enter(&repository)?;
    let work =
        |_: &scan::Progress| scan::staged(scanner, &repository, &config.settings, args.uncommitted).map_err(repository::failed);
    // A few files are not worth a thread.
    let (findings, ledger) =
        if global.threads.is_some() { on_every_core(global, &work)? } else { work(&scan::Progress::default())? };
    let mut ledger = ledger;
    let read = baseline::Read { config: &config, folders: None, skipped: &[] };
    let findings = run.accept(findings, &mut ledger, Reach::Files(&|path| read.has_looked_at(path)));
    findings.iter().try_for_each(|finding| run.finding(finding))?;
    run.finish(scanner, &ledger)
}
