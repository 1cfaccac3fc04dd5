//! What was typed.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use super::baseline::BaselineCommand;
use super::history::History;
use super::hook::Hook;
use super::migrate::Migrate;
use super::staged::Staged;

/// keyfence finds payment keys in files and logs, and tells live from sandbox.
#[derive(Debug, Parser)]
#[command(
    name = "keyfence",
    version,
    args_conflicts_with_subcommands = false,
    after_help = "Exit codes: 0 clean and complete, 1 findings that block, 2 usage or rule error, \
                  3 something could not be read.\nWithout a command, keyfence scans the current folder."
)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// Flags of every command.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Global {
    /// How to report: text, jsonl, sarif, github or markdown; NAME:PATH writes to a file. Repeatable.
    #[arg(short, long, global = true, value_name = "NAME[:PATH]")]
    pub(super) format: Vec<String>,
    /// Write the report to a file instead of standard output.
    #[arg(short, long, global = true, value_name = "PATH")]
    pub(super) output: Option<PathBuf>,
    /// Colours.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(super) color: Color,
    /// One line for each finding, no progress.
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Threads, 512 at most; all cores by default.
    #[arg(short = 'j', long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(super) threads: Option<u16>,
    /// The configuration; else .keyfence.toml in the folder or above it, up to the root of the repository.
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// A file whose bytes key the fingerprints; without it none are printed.
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) fp_key_file: Option<PathBuf>,
}

/// When to print colours.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Scan files and folders; `-` is standard input.
    #[command(alias = "dir")]
    Scan(Box<Scan>),
    /// Watch a live log on standard input, and take its secrets out.
    #[cfg(unix)]
    Stream(Box<Stream>),
    /// Run a command and take the secrets out of what it prints.
    #[cfg(unix)]
    Run(Box<Run>),
    /// Keep fingerprints of the team's own keys, so that they are found with certainty.
    #[cfg(unix)]
    #[command(subcommand)]
    Known(Known),
    /// Prove that a key that was replaced is used no more.
    #[cfg(unix)]
    #[command(subcommand)]
    Rotation(Rotation),
    /// Scan what is staged: the commit that you are about to make.
    Staged(Box<Staged>),
    /// Scan everything that a repository ever held, or a part of its history.
    #[command(alias = "git")]
    History(Box<History>),
    /// Explain which environment a file or a line belongs to, or take stock of all: env report.
    Env(Box<Env>),
    /// Accept what is there, by fingerprints that survive edits and moves.
    #[command(subcommand)]
    Baseline(BaselineCommand),
    /// Take over what was accepted with gitleaks: .gitleaksignore and JSON reports.
    Migrate(Box<Migrate>),
    /// Print the JSON Schema of `--format jsonl`.
    Schema,
    /// Install, prove and remove git hooks.
    #[command(subcommand)]
    Hook(Hook),
    /// List the rules, or test a rule file.
    #[command(subcommand)]
    Rules(Rules),
    /// Explain a rule or a kind of finding.
    Explain(Explain),
}

impl Default for Command {
    fn default() -> Self {
        Self::Scan(Box::default())
    }
}

/// What to scan, and how.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Scan {
    /// Files and folders; `-` is standard input. The current folder if there are none.
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) rules: RuleChoice,
    #[command(flatten)]
    pub(super) walk: Walk,
    #[command(flatten)]
    pub(super) gate: Gate,
    #[command(flatten)]
    pub(super) environments: Environments,
    /// What sort of place everything is: log, test, doc, template, dotenv, config, source …
    #[arg(long = "as", value_name = "KIND")]
    pub(super) place: Option<String>,
    /// The file name that standard input goes by.
    #[arg(long, value_name = "PATH", alias = "stdin-filename")]
    pub(super) name: Option<PathBuf>,
    /// Find card data, too; published test cards are left out.
    #[arg(long)]
    pub(super) cards: bool,
    #[command(flatten)]
    pub(super) exceptions: Exceptions,
}

/// Which exceptions count.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Exceptions {
    /// Report findings that a comment on their line allows, too.
    #[arg(long)]
    pub(super) no_inline_allow: bool,
    /// Findings that are accepted [default: .keyfence-baseline at the root of the repository].
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Report findings that the baseline accepts, too.
    #[arg(long, conflicts_with = "baseline")]
    pub(super) no_baseline: bool,
}

/// What a scan of a repository takes as well.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Common {
    #[command(flatten)]
    pub(super) rules: RuleChoice,
    #[command(flatten)]
    pub(super) gate: Gate,
    #[command(flatten)]
    pub(super) environments: Environments,
    /// Find card data, too; published test cards are left out.
    #[arg(long)]
    pub(super) cards: bool,
    #[command(flatten)]
    pub(super) exceptions: Exceptions,
}

impl Common {
    /// The same as a scan of the folder whose configuration counts.
    pub(super) fn scan(&self, folder: &Path) -> Scan {
        Scan {
            paths: vec![folder.to_owned()],
            rules: self.rules.clone(),
            gate: self.gate.clone(),
            environments: self.environments.clone(),
            cards: self.cards,
            exceptions: self.exceptions.clone(),
            ..Scan::default()
        }
    }
}

/// Which rules.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct RuleChoice {
    /// Add the rules of a file to the built-in ones. Repeatable.
    #[arg(long, value_name = "FILE")]
    pub(super) rules: Vec<PathBuf>,
    /// Use only this rule. Repeatable.
    #[arg(long, value_name = "ID")]
    pub(super) rule: Vec<String>,
    /// Do without this rule. Repeatable.
    #[arg(long, value_name = "ID")]
    pub(super) exclude_rule: Vec<String>,
}

/// Which files.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Walk {
    /// Scan what git ignores, too.
    #[arg(long)]
    pub(super) no_ignore: bool,
    /// Leave out what matches, in the syntax of .gitignore. Repeatable.
    #[arg(long, value_name = "GLOB")]
    pub(super) exclude: Vec<String>,
    /// How many archives and compressed files, one inside of the other, are opened; 0 opens none [default: 8].
    #[arg(long, value_name = "N")]
    pub(super) max_archive_depth: Option<usize>,
    /// Read large files as memory: auto, always, never [default: auto].
    #[arg(long, value_name = "WHEN")]
    pub(super) mmap: Option<String>,
}

/// Where code runs that reads what is scanned.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Environments {
    /// The environment of what does not say: production, staging, test, ci, dev, preview, local, sandbox.
    #[arg(long, value_name = "ENV")]
    pub(super) env: Option<String>,
    /// The environment of everything, whatever it says.
    #[arg(long, value_name = "ENV")]
    pub(super) force_env: Option<String>,
    /// The environment of the paths that match. Repeatable.
    #[arg(long, value_name = "GLOB=ENV")]
    pub(super) env_map: Vec<String>,
    /// The git branch [default: the one that is checked out].
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    /// Whether files outside of a repository count as committed: auto, all, none [default: auto].
    #[arg(long, value_name = "WHICH")]
    pub(super) tracked: Option<String>,
}

/// What is shown and what blocks.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Gate {
    /// Hide findings below this severity: critical, high, medium, low, notice.
    #[arg(long, value_name = "LEVEL")]
    pub(super) min_severity: Option<String>,
    /// Hide findings below this confidence: weak, strong.
    #[arg(long, value_name = "LEVEL")]
    pub(super) min_confidence: Option<String>,
    /// The lowest severity that makes the exit code 1 [default: high].
    #[arg(long, value_name = "LEVEL")]
    pub(super) fail_on: Option<String>,
    /// Exit 0 although something could not be read.
    #[arg(long)]
    pub(super) allow_incomplete: bool,
    /// The exit code for findings that block, instead of 1.
    #[arg(long, value_name = "N")]
    pub(super) exit_code: Option<u8>,
}

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub(super) enum Rules {
    /// Every rule with its class and environments, or those that a word names.
    List {
        /// Only rules with this in their id, title, provider or class: `paypal`, `payout`, `webhook`.
        #[arg(value_name = "WORD")]
        word: Option<String>,
        /// Add the rules of a file. Repeatable.
        #[arg(long, value_name = "FILE")]
        rules: Vec<PathBuf>,
    },
    /// Test rule files: their shape, their examples, and random values of every format.
    Test {
        /// The files.
        #[arg(required = true, value_name = "FILE", action = ArgAction::Append)]
        files: Vec<PathBuf>,
    },
}

/// What is explained, or listed side by side.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Env {
    #[command(subcommand)]
    pub(super) report: Option<EnvReport>,
    /// A file, and a line of it.
    #[arg(value_name = "PATH[:LINE]", required = true)]
    pub(super) place: Option<PathBuf>,
    #[command(flatten)]
    pub(super) rules: RuleChoice,
    #[command(flatten)]
    pub(super) environments: Environments,
    /// What sort of place it is: log, test, doc, template, dotenv, config, source …
    #[arg(long = "as", value_name = "KIND")]
    pub(super) kind: Option<String>,
}

/// The inventory.
#[derive(Debug, Subcommand)]
pub(super) enum EnvReport {
    /// List slots, hosts, webhook URLs and chains of every provider, environment beside environment.
    Report(Report),
}

/// What is listed.
#[derive(Debug, clap::Args)]
pub(super) struct Report {
    /// Files and folders. The current folder if there are none.
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// What the columns are: place (production, staging …) or money (live, sandbox).
    #[arg(long, value_name = "WHAT", default_value = "place")]
    pub(super) by: String,
    #[command(flatten)]
    pub(super) rules: RuleChoice,
    #[command(flatten)]
    pub(super) walk: Walk,
    #[command(flatten)]
    pub(super) environments: Environments,
}

/// What to explain.
#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// The id of a rule or of a kind, as in a finding, or a provider.
    #[arg(value_name = "ID")]
    pub(super) id: String,
    /// Know the rules of a file, too. Repeatable.
    #[arg(long, value_name = "FILE")]
    pub(super) rules: Vec<PathBuf>,
}

/// How a live log is read.
#[cfg(unix)]
#[derive(Debug, clap::Args)]
pub(super) struct Stream {
    /// Pass the input on, byte for byte but for its secrets. Without it only alerts are written.
    #[arg(long)]
    pub(super) redact: bool,
    /// What wraps a record: lines, json, docker-json, cri, syslog, rsyslog-mm, rsyslog-omprog.
    #[arg(long, value_name = "NAME", default_value = "lines")]
    pub(super) protocol: String,
    /// Read a named stream instead of standard input. Repeatable.
    #[arg(long, value_name = "NAME=PATH|fd:N")]
    pub(super) input: Vec<String>,
    #[command(flatten)]
    pub(super) options: StreamOptions,
}

/// What a command prints.
#[cfg(unix)]
#[derive(Debug, clap::Args)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) options: StreamOptions,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(super) command: Vec<std::ffi::OsString>,
}

/// What is done with a live log.
#[cfg(unix)]
#[derive(Debug, clap::Args)]
pub(super) struct StreamOptions {
    /// What stands for a secret: label, same-length, hash.
    #[arg(long, value_name = "STYLE", default_value = "label")]
    pub(super) mask: String,
    /// Where alerts go: a file, fd:N, stderr, stdout, none [default: stderr; none for rsyslog-mm].
    #[arg(long, value_name = "WHERE")]
    pub(super) alerts: Option<String>,
    /// A record that cannot be scanned: block ends the stream, quarantine writes a stub, pass lets it through.
    #[arg(long, value_name = "WAY", default_value = "quarantine")]
    pub(super) on_error: String,
    /// Where such records are kept, readable by the owner only.
    #[arg(long, value_name = "PATH")]
    pub(super) quarantine_file: Option<PathBuf>,
    /// How long the beginning of what may be a secret is held while its line is unfinished.
    #[arg(long, value_name = "TIME", default_value = "2s")]
    pub(super) hold: String,
    /// Longer lines are scanned in overlapping parts.
    #[arg(long, value_name = "SIZE", default_value = "1MiB")]
    pub(super) max_line: String,
    /// Write counters there every 15 seconds, for the textfile collector of Prometheus.
    #[arg(long, value_name = "PATH")]
    pub(super) metrics_file: Option<PathBuf>,
    /// Exit 1 if a finding of this severity was seen: critical, high, medium, low, notice.
    #[arg(long, value_name = "LEVEL")]
    pub(super) fail_on: Option<String>,
    /// The fingerprints of the team's own keys; wants --fp-key-file.
    #[arg(long, value_name = "FILE")]
    pub(super) known: Option<PathBuf>,
    /// Every line is written at once anyway.
    #[arg(long, hide = true)]
    pub(super) line_buffered: bool,
    #[command(flatten)]
    pub(super) rules: RuleChoice,
    #[command(flatten)]
    pub(super) environments: Environments,
}

/// What to do with known keys.
#[cfg(unix)]
#[derive(Debug, Subcommand)]
pub(super) enum Known {
    /// Add the key that stands on standard input. The key itself is not kept.
    Add(KnownAdd),
    /// Every known key: label, environment, class, fingerprint.
    List {
        /// The list.
        #[arg(long, value_name = "FILE")]
        known: PathBuf,
    },
}

/// A key to know.
#[cfg(unix)]
#[derive(Debug, clap::Args)]
pub(super) struct KnownAdd {
    /// The list; made if it is not there.
    #[arg(long, value_name = "FILE")]
    pub(super) known: PathBuf,
    /// What you call the key: one word.
    #[arg(long, value_name = "WORD")]
    pub(super) label: String,
    /// Which money it touches: live, sandbox, unknown.
    #[arg(long, value_name = "ENVIRONMENT")]
    pub(super) environment: String,
    /// What it opens: standard-api-key, payout-key, webhook-secret, client-secret …
    #[arg(long, value_name = "CLASS", default_value = "general")]
    pub(super) class: String,
    /// Make a new key for the fingerprints and keep it there, instead of --fp-key-file.
    #[arg(long, value_name = "PATH")]
    pub(super) new_key: Option<PathBuf>,
}

/// What to do about a rotation.
#[cfg(unix)]
#[derive(Debug, Subcommand)]
pub(super) enum Rotation {
    /// Search logs for a known key; exit 1 if it was seen since a time.
    Verify(RotationVerify),
}

/// Which key, since when, and where.
#[cfg(unix)]
#[derive(Debug, clap::Args)]
pub(super) struct RotationVerify {
    /// The list of known keys.
    #[arg(long, value_name = "FILE")]
    pub(super) known: PathBuf,
    /// The label of the key that was replaced.
    #[arg(long, value_name = "LABEL")]
    pub(super) old: String,
    /// When it was replaced: 2026-11-22 or 2026-11-22T06:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(super) since: String,
    /// Also everything that the repositories around the paths ever held.
    #[arg(long)]
    pub(super) history: bool,
    /// Logs, files and folders.
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
}
