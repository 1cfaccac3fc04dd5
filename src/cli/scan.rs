//! `keyfence scan`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use keyfence::detect::Scanner;
use keyfence::finding::{Exception, Finding};
use keyfence::policy::Reach;
use keyfence::report::{Counts, FindMasks, Fingerprints, Options, Redactor, Report, Sites, Skipped, Summary};
use keyfence::scan::{self, Ledger, Progress};

use super::args::{Global, Scan};
use super::config::{Config, Output};
use super::descriptors::{Open, Standard};
use super::output::{Held, Replacement};
use super::{Exit, baseline, output, usage};

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
    let find = |bytes: &[u8]| output::masks(scanner, bytes);
    let mut run = Run::start(global, &config, &find)?;
    let mut ledger = Ledger::default();
    if !config.paths.is_empty() {
        let (findings, files) = scan_paths(scanner, &config, global)?;
        ledger = files;
        let read = baseline::Read { config: &config, folders: Some(&config.paths), skipped: &ledger.skipped.clone() };
        let findings = run.accept(findings, &mut ledger, Reach::Files(&|path| read.has_looked_at(path)));
        findings.iter().try_for_each(|finding| run.finding(finding))?;
    }
    if config.stdin {
        if let Some(threads) = global.threads {
            // By default, they are not started before a stream is long.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads));
            pool.build_global().context("no threads to scan with")?;
        }
        let mut result = Ok(());
        let mut found = |finding: Finding| {
            if result.is_ok() {
                result = run.finding(&finding);
            } else {
                run.note(&finding);
            }
        };
        let mut input = Open(Standard::Input, io::stdin().lock());
        ledger.absorb(scan::stream(scanner, &mut input, config.name.clone(), &config.settings, &mut found));
        result?;
    }
    run.finish(scanner, &ledger)
}

/// A run: what it reports, and how it ends.
pub(super) struct Run<'a> {
    config: &'a Config,
    reports: Reports<'a>,
    allowed: Vec<(Finding, Exception)>,
    started: Instant,
    counts: Counts,
    blocked: bool,
}

impl<'a> Run<'a> {
    /// Opens the reports.
    pub(super) fn start(global: &Global, config: &'a Config, find: FindMasks<'a>) -> anyhow::Result<Self> {
        let options = Options {
            redactor: Redactor::new(find),
            fingerprints: Fingerprints::of(&config.settings.fingerprints),
            root: config.settings.context.declared.root.as_deref(),
            quiet: global.quiet,
            width: output::width(),
        };
        let reports = Reports::start(&config.outputs, global, options)?;
        let (allowed, counts) = (Vec::new(), Counts::default());
        Ok(Self { config, reports, allowed, started: Instant::now(), counts, blocked: false })
    }

    /// Takes out what the baseline accepts.
    pub(super) fn accept(&mut self, findings: Vec<Finding>, ledger: &mut Ledger, reach: Reach<'_>) -> Vec<Finding> {
        let Some(baseline) = &self.config.baseline else { return findings };
        let path = |finding: &Finding| baseline::path_of(self.config, &finding.location.origin);
        let matched = baseline.matched(findings, &path, reach, self.config.settings.today);
        ledger.suppressed += matched.accepted.len() as u64;
        self.allowed.extend(matched.accepted);
        matched.new
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
        let exit = match () {
            () if self.blocked => Exit::Findings(self.config.exit_code),
            () if !ledger.is_complete() && !self.config.allow_incomplete => Exit::Incomplete,
            () => Exit::Clean,
        };
        self.allowed.extend(ledger.allowed.iter().cloned());
        report_allowed(&mut self.reports, self.allowed)?;
        report_rest(&mut self.reports, scanner, ledger, (self.counts, self.started.elapsed(), exit))?;
        self.reports.close()?;
        Ok(exit)
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
struct Reports<'a> {
    all: Vec<Box<dyn Report + 'a>>,
    /// Those that are written in one piece, at the end.
    held: Vec<(Held, Place)>,
}

/// Where a report goes that is written in one piece.
enum Place {
    Stdout(super::args::Color),
    File(Replacement),
    /// A file that others write to as well.
    End(File),
}

impl<'a> Reports<'a> {
    fn start(outputs: &[Output], global: &Global, options: Options<'a>) -> anyhow::Result<Self> {
        let mut reports = Self { all: Vec::new(), held: Vec::new() };
        for output in outputs {
            let failed = |error| usage(format!("{}: {error}", output.path.as_deref().unwrap_or("-".as_ref()).display()));
            let place = match &output.path {
                None if output.format.whole => Some(Place::Stdout(global.color)),
                Some(path) if output.append => {
                    Some(Place::End(OpenOptions::new().create(true).append(true).open(path).map_err(failed)?))
                }
                Some(path) if output.format.whole => Some(Place::File(Replacement::start(path).map_err(failed)?)),
                _ => None,
            };
            let writer = match (place, &output.path) {
                (Some(place), _) => {
                    let held = Held::default();
                    reports.held.push((held.clone(), place));
                    Box::new(held)
                }
                (None, Some(path)) => output::file(File::create(path).map_err(failed)?),
                (None, None) => output::stdout(global.color),
            };
            reports.all.push((output.format.start)(writer, options));
        }
        Ok(reports)
    }

    fn each(&mut self, mut act: impl FnMut(&mut dyn Report) -> io::Result<()>) -> io::Result<()> {
        self.all.iter_mut().try_for_each(|report| act(&mut **report))
    }

    /// Writes what was held.
    fn close(self) -> io::Result<()> {
        drop(self.all);
        for (held, place) in self.held {
            let bytes = held.take();
            match place {
                Place::Stdout(color) => output::print(color, &String::from_utf8_lossy(&bytes))?,
                Place::File(file) => file.finish(&bytes)?,
                Place::End(mut file) => file.write_all(&bytes)?,
            }
        }
        Ok(())
    }
}

/// What is allowed, each once: of many versions of a file the first.
fn report_allowed(reports: &mut Reports<'_>, mut allowed: Vec<(Finding, Exception)>) -> io::Result<()> {
    let key = |(finding, _): &(Finding, Exception)| {
        (finding.location.origin.to_string(), finding.location.span, finding.kind, finding.fingerprint)
    };
    allowed.sort_by_cached_key(|one| (key(one), one.1.clone()));
    allowed.dedup_by_key(|one| key(one));
    allowed.iter().try_for_each(|(finding, exception)| reports.each(|report| report.allowed(finding, exception)))
}

/// What could not be read, and the summary.
fn report_rest(
    reports: &mut Reports<'_>,
    scanner: &Scanner,
    ledger: &Ledger,
    (counts, elapsed, exit): (Counts, Duration, Exit),
) -> io::Result<()> {
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
        findings: counts,
        suppressed: ledger.suppressed,
        sites: Sites {
            resolved: ledger.resolved,
            place_unknown: ledger.place_unknown,
            credential_unknown: ledger.credential_unknown,
            conflicting: ledger.conflicting,
        },
        complete: ledger.is_complete(),
        elapsed: Some(elapsed),
        exit: Some(exit.code()),
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
