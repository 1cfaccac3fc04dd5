//! What was typed.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

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
#[derive(Debug, clap::Args)]
pub(super) struct Global {
    /// How to report: text or jsonl; NAME:PATH writes to a file. Repeatable.
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
    /// Threads; all cores by default.
    #[arg(short = 'j', long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) threads: Option<u16>,
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
    /// Print the JSON Schema of `--format jsonl`.
    Schema,
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
    /// What sort of place everything is: log, test, doc, template, dotenv, config, source …
    #[arg(long = "as", value_name = "KIND")]
    pub(super) place: Option<String>,
    /// The file name that standard input goes by.
    #[arg(long, value_name = "PATH", alias = "stdin-filename")]
    pub(super) name: Option<PathBuf>,
    /// Report findings that an inline keyfence:allow suppresses, too.
    #[arg(long)]
    pub(super) no_inline_allow: bool,
}

/// Which rules.
#[derive(Debug, Default, clap::Args)]
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
#[derive(Debug, Default, clap::Args)]
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

/// What is shown and what blocks.
#[derive(Debug, Default, clap::Args)]
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
    /// Every rule with its class and environments.
    List {
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

/// What to explain.
#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// The id of a rule, as in a finding, or of a kind.
    #[arg(value_name = "ID")]
    pub(super) id: String,
    /// Know the rules of a file, too. Repeatable.
    #[arg(long, value_name = "FILE")]
    pub(super) rules: Vec<PathBuf>,
}
