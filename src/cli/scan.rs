//! `keyfence scan`.

use std::fs::{self, File};
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use keyfence::detect::Scanner;
use keyfence::finding::Finding;
use keyfence::report::{Counts, FindMasks, Options, Redactor, Report, Sites, Skipped, Summary};
use keyfence::scan::{self, Ledger, Progress};

use super::args::{Global, Scan};
use super::config::{Config, Output};
use super::{Exit, output, usage};

/// A progress bar appears when a scan has taken this long.
const PATIENCE: Duration = Duration::from_millis(700);

/// So many files, each so large at most, are read without a thread of their own.
const FEW: usize = 4;
const SMALL: u64 = 1 << 20;

pub(super) fn run(global: &Global, args: &Scan) -> anyhow::Result<Exit> {
    if args.paths.is_empty() && is_piped() {
        return Err(usage(
            "there is a pipe on standard input: `keyfence stream` watches a live log, `keyfence scan -` reads it to its end, `keyfence scan .` does not read it",
        ));
    }
    let config = Config::new(global, args)?;
    let scanner = config.scanner(args.cards);
    let find = |bytes: &[u8]| output::masks(&scanner, bytes);
    let mut run = Run::start(global, &config, &find)?;
    let mut ledger = Ledger::default();
    if !config.paths.is_empty() {
        let (findings, files) = scan_paths(&scanner, &config, global)?;
        findings.iter().try_for_each(|finding| run.finding(finding))?;
        ledger = files;
    }
    if config.stdin {
        let mut result = Ok(());
        let mut found = |finding: Finding| {
            if result.is_ok() {
                result = run.finding(&finding);
            } else {
                run.note(&finding);
            }
        };
        ledger.absorb(scan::stream(&scanner, &mut io::stdin().lock(), config.name.clone(), &config.settings, &mut found));
        result?;
    }
    run.finish(&scanner, &ledger)
}

/// A run: what it reports, and how it ends.
pub(super) struct Run<'a> {
    config: &'a Config,
    reports: Reports<'a>,
    started: Instant,
    counts: Counts,
    blocked: bool,
}

impl<'a> Run<'a> {
    /// Opens the reports.
    pub(super) fn start(global: &Global, config: &'a Config, find: FindMasks<'a>) -> anyhow::Result<Self> {
        let options = Options {
            redactor: Redactor::new(find),
            fingerprints: config.settings.fingerprints.is_printable(),
            quiet: global.quiet,
            width: output::width(),
        };
        let reports = Reports::start(&config.outputs, global, options)?;
        Ok(Self { config, reports, started: Instant::now(), counts: Counts::default(), blocked: false })
    }

    /// Reports a finding, if it is to be shown.
    pub(super) fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.note(finding);
        if self.config.shown.shows(finding) {
            self.counts.add(finding.severity);
            self.reports.each(|report| report.finding(finding))?;
        }
        Ok(())
    }

    /// What is not shown blocks, too.
    fn note(&mut self, finding: &Finding) {
        self.blocked |= self.config.gate.blocks(finding);
    }

    /// Reports what was read and what was not.
    pub(super) fn finish(mut self, scanner: &Scanner, ledger: &Ledger) -> anyhow::Result<Exit> {
        let unresolved = ledger.place_unknown + ledger.credential_unknown + ledger.conflicting > 0;
        self.blocked |= self.config.gate.blocks_unresolved() && unresolved;
        warn(scanner, ledger);
        report_rest(&mut self.reports, scanner, ledger, (self.counts, self.started.elapsed()))?;
        Ok(match () {
            () if self.blocked => Exit::Findings(self.config.exit_code),
            () if !ledger.is_complete() && !self.config.allow_incomplete => Exit::Incomplete,
            () => Exit::Clean,
        })
    }
}

fn scan_paths(scanner: &Scanner, config: &Config, global: &Global) -> anyhow::Result<(Vec<Finding>, Ledger)> {
    let scan = |progress: &Progress| {
        let result = scan::paths(scanner, &config.paths, &config.settings, progress);
        result.map_err(|error| usage(format!("--exclude: {error}")))
    };
    if global.threads.is_none() && are_few(&config.paths) {
        let here = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
        return here.build().context("no threads to scan with")?.install(|| scan(&Progress::default()));
    }
    on_every_core(global, &scan)
}

/// Whether it takes longer to start a thread than to read these.
fn are_few(paths: &[PathBuf]) -> bool {
    let is_small = |path: &PathBuf| fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() <= SMALL);
    paths.len() < FEW && paths.iter().all(is_small)
}

/// Does the work on as many threads as were asked for, and says on a terminal how far it is.
pub(super) fn on_every_core<T: Send>(
    global: &Global,
    work: &(dyn Fn(&Progress) -> anyhow::Result<T> + Sync),
) -> anyhow::Result<T> {
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = global.threads {
        pool = pool.num_threads(usize::from(threads));
    }
    let pool = pool.build().context("no threads to scan with")?;
    let progress = Progress::default();
    let done = AtomicBool::new(false);
    thread::scope(|threads| {
        let wanted = !global.quiet && io::stderr().is_terminal();
        let shown = wanted.then(|| threads.spawn(|| show(&progress, &done)));
        let result = pool.install(|| work(&progress));
        done.store(true, Ordering::Relaxed);
        if let Some(shown) = shown {
            shown.thread().unpark();
        }
        result
    })
}

/// A line on the terminal that says how far a long scan is.
fn show(progress: &Progress, done: &AtomicBool) {
    let started = Instant::now();
    let mut bar: Option<ProgressBar> = None;
    while !done.load(Ordering::Relaxed) {
        thread::park_timeout(Duration::from_millis(40));
        if started.elapsed() < PATIENCE {
            continue;
        }
        let bar = bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} scanning: {msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        let (files, bytes) = (progress.files.load(Ordering::Relaxed), progress.bytes.load(Ordering::Relaxed));
        bar.set_message(format!("{files} files, {}", indicatif::HumanBytes(bytes)));
        bar.tick();
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

/// Every report of the run.
struct Reports<'a>(Vec<Box<dyn Report + 'a>>);

impl<'a> Reports<'a> {
    fn start(outputs: &[Output], global: &Global, options: Options<'a>) -> anyhow::Result<Self> {
        let start = |output: &Output| {
            let writer = match &output.path {
                None => output::stdout(global.color),
                Some(path) => {
                    let file = File::create(path);
                    output::file(file.map_err(|error| usage(format!("{}: {error}", path.display())))?)
                }
            };
            Ok((output.format.start)(writer, options))
        };
        Ok(Self(outputs.iter().map(start).collect::<anyhow::Result<_>>()?))
    }

    fn each(&mut self, mut act: impl FnMut(&mut dyn Report) -> io::Result<()>) -> io::Result<()> {
        self.0.iter_mut().try_for_each(|report| act(&mut **report))
    }
}

/// What could not be read, and the summary.
fn report_rest(reports: &mut Reports<'_>, scanner: &Scanner, ledger: &Ledger, result: (Counts, Duration)) -> io::Result<()> {
    for error in &ledger.skipped {
        let skipped = Skipped { origin: error.origin.clone(), why: error.why.clone() };
        reports.each(|report| report.skipped(&skipped))?;
    }
    let summary = Summary {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        rules: scanner.rules().digest().to_owned(),
        files: ledger.files,
        bytes: ledger.bytes,
        members: ledger.members,
        unpacked: ledger.unpacked,
        excluded: ledger.excluded,
        skipped: ledger.skipped.len() as u64,
        findings: result.0,
        suppressed: ledger.suppressed,
        sites: Sites {
            resolved: ledger.resolved,
            place_unknown: ledger.place_unknown,
            credential_unknown: ledger.credential_unknown,
            conflicting: ledger.conflicting,
        },
        complete: ledger.is_complete(),
        elapsed: Some(result.1),
    };
    reports.each(|report| report.finish(&summary))
}

fn warn(scanner: &Scanner, ledger: &Ledger) {
    for warning in &ledger.warnings {
        let text = format!("warning: {}:{}: {}", warning.origin, warning.line, warning.why);
        output::complain(&output::masked(scanner, &text));
    }
}

/// Whether standard input is a pipe that somebody means to be read.
fn is_piped() -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        fs::metadata("/dev/stdin").is_ok_and(|metadata| metadata.file_type().is_fifo())
    }
    #[cfg(not(unix))]
    {
        false
    }
}
