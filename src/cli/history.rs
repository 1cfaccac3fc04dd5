//! `keyfence history`, and `keyfence git` for those who come from gitleaks.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use keyfence::policy::Reach;
use keyfence::scan::{self, MEMORY, Progress};
use keyfence::source::git::{Repository, Selection};

use super::args::{Common, Global};
use super::config::Config;
use super::scan::{Run, on_every_core};
use super::staged::{self, Staged};
use super::{Exit, output, repository, usage};

/// Everything that a repository ever held.
#[derive(Debug, Default, clap::Args)]
pub(super) struct History {
    /// The repository, if the first is a folder; then revisions and ranges: main, v1.0..HEAD, ^main.
    /// Without any, everything that the repository holds, branches or not.
    #[arg(value_name = "REPO|REV")]
    pub(super) words: Vec<PathBuf>,
    /// The repository, instead of the one around the current folder.
    #[arg(short = 'C', value_name = "DIR")]
    pub(super) repository: Option<PathBuf>,
    /// Only commits made since then: 2026-01-31, 2026-01-31T12:00:00Z, "2 weeks ago".
    #[arg(long, value_name = "TIME", alias = "after")]
    pub(super) since: Option<String>,
    /// Only commits made until then.
    #[arg(long, value_name = "TIME", alias = "before")]
    pub(super) until: Option<String>,
    /// Every branch, tag and stash.
    #[arg(long)]
    pub(super) all: bool,
    /// Only the newest commits.
    #[arg(long, value_name = "N")]
    pub(super) max_count: Option<usize>,
    /// The same in one string, as gitleaks has it: revisions, --all, --since, --until, --max-count.
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    pub(super) log_opts: Option<String>,
    /// How much memory may be used: 512MiB [default], 2GiB.
    #[arg(long, value_name = "SIZE")]
    pub(super) memory: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    pub(super) as_gitleaks: AsGitleaks,
}

/// What a hook line that was written for gitleaks says; keyfence does all of it anyway.
#[derive(Debug, Default, clap::Args)]
pub(super) struct AsGitleaks {
    /// Scan what is staged.
    #[arg(long, hide = true)]
    pub(super) staged: bool,
    /// Scan what is not staged as well.
    #[arg(long, hide = true)]
    pub(super) pre_commit: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "100")]
    redact: Option<String>,
    #[arg(short, long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    verbose: Option<bool>,
    #[arg(long, hide = true, num_args = 0)]
    no_banner: Option<bool>,
}

pub(super) fn run(global: &Global, args: &History) -> anyhow::Result<Exit> {
    let (folder, words) = repository_of(args);
    if args.as_gitleaks.staged || args.as_gitleaks.pre_commit {
        let staged = Staged {
            repository: folder,
            // `--pre-commit` alone is what gitleaks calls the difference to the index.
            uncommitted: !args.as_gitleaks.staged,
            common: args.common.clone(),
        };
        return staged::run(global, &staged);
    }
    let repository = repository::find(folder.as_deref())?;
    let selection = selection(args, words)?;
    let memory = args.memory.as_deref().map_or(Ok(MEMORY), size)?;
    scan(global, &repository, &args.common, (&selection, memory))
}

/// Scans what was selected and reports it.
pub(super) fn scan(
    global: &Global,
    repository: &Repository,
    common: &Common,
    (selection, memory): (&Selection, u64),
) -> anyhow::Result<Exit> {
    let top = repository.top().unwrap_or_else(|_| repository.common());
    let config = Config::new(global, &common.scan(top))?;
    let scanner = config.scanner(common.cards);
    let find = |bytes: &[u8]| output::masks(scanner, bytes);
    let mut run = Run::start(global, &config, &find)?;
    repository::enter(repository)?;
    let work = |progress: &Progress| {
        let what = (selection, memory);
        scan::history(scanner, repository, &config.settings, what, progress).map_err(repository::failed)
    };
    let (findings, mut ledger) = on_every_core(global, &work)?;
    let findings = run.accept(findings, &mut ledger, Reach::Past);
    findings.iter().try_for_each(|finding| run.finding(finding))?;
    run.finish(scanner, &ledger)
}

/// The repository that was named, and the other words.
fn repository_of(args: &History) -> (Option<PathBuf>, &[PathBuf]) {
    match (&args.repository, args.words.split_first()) {
        (Some(named), _) => (Some(named.clone()), &args.words),
        (None, Some((first, rest))) if first.is_dir() => (Some(first.clone()), rest),
        _ => (None, &args.words),
    }
}

/// What was asked for, in whichever way.
#[derive(Default)]
struct Asked {
    selection: Selection,
    all: bool,
}

fn selection(args: &History, words: &[PathBuf]) -> anyhow::Result<Selection> {
    let mut asked = Asked { all: args.all, ..Asked::default() };
    asked.selection.max_count = args.max_count;
    for (flag, time) in [("--since", &args.since), ("--until", &args.until)] {
        if let Some(time) = time {
            asked.option(flag, Some(time))?;
        }
    }
    for word in words {
        asked.word(&word.to_string_lossy())?;
    }
    if let Some(options) = &args.log_opts {
        let mut options = options.split_whitespace();
        while let Some(option) = options.next() {
            let (name, value) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
            if !name.starts_with('-') {
                asked.word(option)?;
            } else if matches!(name, "--all" | "--full-history" | "--no-merges" | "--reverse") {
                asked.option(name, value)?;
            } else {
                let alone = value.is_some() || name[1..].starts_with(|c: char| c.is_ascii_digit());
                let alone = alone || name.len() > 2 && !name.starts_with("--");
                let value = value.or_else(|| if alone { None } else { options.next() });
                asked.option(name, value)?;
            }
        }
    }
    if asked.all {
        // Everything, but what was excluded.
        let excluded = |word: String| match word.split_once("..") {
            Some((from, to)) if !to.starts_with('.') => Some(format!("^{from}")),
            _ => word.starts_with('^').then_some(word),
        };
        asked.selection.revisions = asked.selection.revisions.into_iter().filter_map(excluded).collect();
    }
    Ok(asked.selection)
}

impl Asked {
    fn word(&mut self, word: &str) -> anyhow::Result<()> {
        if word.is_empty() || word.starts_with('-') {
            return Err(usage(format!("{word:?} is no revision")));
        }
        self.selection.revisions.push(word.to_owned());
        Ok(())
    }

    fn option(&mut self, name: &str, value: Option<&str>) -> anyhow::Result<()> {
        let wanted = || value.ok_or_else(|| usage(format!("{name} wants a value")));
        match name {
            "--all" => self.all = true,
            // More than was asked for is no harm.
            "--full-history" | "--no-merges" | "--reverse" => {}
            "--since" | "--after" => self.selection.since = Some(time(name, wanted()?)?),
            "--until" | "--before" => self.selection.until = Some(time(name, wanted()?)?),
            "-n" | "--max-count" => {
                let count = wanted()?;
                self.selection.max_count = Some(count.parse().map_err(|_| usage(format!("{name}: {count:?} is no number")))?);
            }
            _ => match name.strip_prefix('-').and_then(|digits| digits.trim_start_matches('n').parse().ok()) {
                Some(count) => self.selection.max_count = Some(count),
                None => {
                    return Err(usage(format!(
                        "--log-opts: {name} does not say which commits; revisions, --all, --since, --until and --max-count do"
                    )));
                }
            },
        }
        Ok(())
    }
}

/// A time in seconds: a date, an RFC 3339 time, `@` and seconds, or so many days ago.
fn time(flag: &str, text: &str) -> anyhow::Result<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed());
    let words: Vec<&str> = text.trim().split([' ', '.', '_']).filter(|word| !word.is_empty()).collect();
    let ago = match words[..] {
        [count, unit] | [count, unit, "ago"] => seconds_of(unit).zip(count.parse::<i64>().ok()),
        ["yesterday"] => Some((86_400, 1)),
        _ => None,
    };
    let parsed = text.strip_prefix('@').and_then(|seconds| seconds.parse().ok());
    let parsed = parsed.or_else(|| ago.map(|(seconds, count)| now - seconds * count)).or_else(|| stamp(text));
    parsed.ok_or_else(|| usage(format!("{flag}: {text:?} is no time; 2026-01-31, 2026-01-31T12:00:00Z or \"2 weeks ago\" is")))
}

fn seconds_of(unit: &str) -> Option<i64> {
    Some(match unit.trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        "week" => 7 * 86_400,
        "month" => 30 * 86_400,
        "year" => 365 * 86_400,
        _ => return None,
    })
}

/// `2026-01-31`, `2026-01-31T12:00:00`, with `Z` or `+01:00` behind it.
fn stamp(text: &str) -> Option<i64> {
    let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let mut parts = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    let (clock, zone) = match clock.find(['Z', '+', '-']) {
        Some(at) => (&clock[..at], &clock[at..]),
        None => (clock, ""),
    };
    let mut parts = clock.trim().split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    let offset = match zone.split_at_checked(1) {
        Some(("+" | "-", digits)) => {
            let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
            let number: i64 = digits.parse().ok()?;
            let minutes = number / 100 * 60 + number % 100;
            if zone.starts_with('-') { -minutes } else { minutes }
        }
        _ => 0,
    };
    let date = jiff::civil::Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let midnight = jiff::tz::Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?.as_second();
    Some(midnight + hour * 3600 + minute * 60 + second - offset * 60)
}

/// `512MiB`, `2G`, a number of bytes.
fn size(text: &str) -> anyhow::Result<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[digits..].trim().to_ascii_lowercase().trim_end_matches("ib").trim_end_matches('b') {
        "" => Some(1),
        "k" => Some(1u64 << 10),
        "m" => Some(1 << 20),
        "g" => Some(1 << 30),
        _ => None,
    };
    let size = text[..digits].parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    let size = size.ok_or_else(|| usage(format!("--memory: {text:?} is no size; 512MiB is")))?;
    if size < 64 << 20 {
        return Err(usage("--memory: at least 64MiB are needed"));
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_people_write() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("2026-03-12T09:11:07Z", 1_773_306_667),
            ("2026-03-12T10:11:07+01:00", 1_773_306_667),
            ("2026-03-12 03:41:07 -0530", 1_773_306_667),
            ("2000-02-29", 951_782_400),
            ("@12", 12),
        ] {
            assert_eq!(time("--since", text).unwrap(), seconds, "{text}");
        }
        let now = time("--since", "0 days ago").unwrap();
        assert!((now - time("--since", "2 weeks ago").unwrap() - 14 * 86_400).abs() <= 1);
        assert!((now - time("--since", "3.hours").unwrap() - 3 * 3600).abs() <= 1);
        for none in ["soon", "2026", "2026-13-01", "12", ""] {
            assert!(time("--since", none).is_err(), "{none}");
        }
    }

    #[test]
    fn sizes_that_people_write() {
        for (text, bytes) in [("512MiB", 512 << 20), ("2G", 2 << 30), ("70000000", 70_000_000), ("100 mb", 100 << 20)] {
            assert_eq!(size(text).unwrap(), bytes, "{text}");
        }
        for none in ["1k", "much", "", "-1", "99999999999G"] {
            assert!(size(none).is_err(), "{none}");
        }
    }

    #[test]
    fn options_of_git_log_that_choose_commits() {
        let chosen = |options: &str| {
            let args = History { log_opts: Some(options.to_owned()), ..History::default() };
            selection(&args, &[]).map_err(|error| error.to_string())
        };
        assert_eq!(chosen("--all").unwrap(), Selection::default());
        assert_eq!(chosen("--all a..b").unwrap().revisions, ["^a"]);
        assert_eq!(
            chosen("a..b -n 3").unwrap(),
            Selection { revisions: vec!["a..b".to_owned()], max_count: Some(3), ..Selection::default() }
        );
        assert_eq!(chosen("-5 --since=@9").unwrap(), Selection { since: Some(9), max_count: Some(5), ..Selection::default() });
        for wrong in ["--output=x", "-p", "--ext-diff", "--since", "--exec x"] {
            assert!(chosen(wrong).is_err(), "{wrong}");
        }
    }
}
