//! The command line: what was typed (`args`), what it means (`config`), and one file per command.

mod args;
mod baseline;
mod config;
mod context;
mod descriptors;
mod env;
mod explain;
mod history;
mod hook;
#[cfg(unix)]
mod known;
mod migrate;
mod output;
mod page;
mod repository;
#[cfg(unix)]
mod rotation;
mod rules;
#[cfg(unix)]
mod run;
mod scan;
#[cfg(unix)]
mod signals;
mod staged;
#[cfg(unix)]
mod stream;

use std::fmt;
use std::process::ExitCode;

use clap::Parser;
use keyfence::detect::Scanner;
use keyfence::rule::RuleSet;

use args::{Args, Command};

/// How every command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// Clean and complete.
    Clean,
    /// Findings at or above the gate, under the number that the user chose.
    Findings(u8),
    /// A mistake on the command line, in the configuration or in a rule, before any byte is read.
    Usage,
    /// Something wanted could not be read, written or scanned.
    Incomplete,
    /// As the command ended that was run.
    Status(u8),
}

impl Exit {
    const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings(code) | Self::Status(code) => code,
            Self::Usage => 2,
            Self::Incomplete => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A mistake of the user's: exit 2.
#[derive(Debug)]
struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

fn usage(why: impl Into<String>) -> anyhow::Error {
    UsageError(why.into()).into()
}

/// The contract of JSON Lines, for whoever reads them with a program.
fn schema(global: &args::Global) -> anyhow::Result<Exit> {
    output::print(global.color, &format!("{:#}\n", keyfence::report::schema()))?;
    Ok(Exit::Clean)
}

pub(crate) fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return parse_error(&error).into(),
    };
    let exit = match args.command.unwrap_or_default() {
        Command::Scan(scan) => scan::run(&args.global, &scan),
        #[cfg(unix)]
        Command::Stream(stream) => stream::run(&args.global, &stream),
        #[cfg(unix)]
        Command::Run(run) => run::run(&args.global, &run),
        #[cfg(unix)]
        Command::Known(command) => known::run(&args.global, &command),
        #[cfg(unix)]
        Command::Rotation(command) => rotation::run(&args.global, &command),
        Command::Env(env) => env::run(&args.global, &env),
        Command::Baseline(command) => baseline::run(&args.global, &command),
        Command::Migrate(migrate) => migrate::run(&args.global, &migrate),
        Command::Schema => schema(&args.global),
        Command::Hook(hook) => hook::run(&args.global, &hook),
        Command::Rules(command) => rules::run(&args.global, &command),
        Command::Explain(explain) => explain::run(&args.global, &explain),
        Command::Staged(staged) => staged::run(&args.global, &staged),
        Command::History(history) => history::run(&args.global, &history),
    };
    exit.unwrap_or_else(|error| failure(&error)).into()
}

/// Help and version go to standard output; a mistake is printed without the key that may be in it.
fn parse_error(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => Exit::Clean,
            Err(error) => failure(&error.into()),
        };
    }
    let scanner = Scanner::new(RuleSet::builtin().into());
    let text = error.render().to_string();
    let lines: Vec<_> = text.trim_end().lines().map(|line| output::masked(&scanner, line)).collect();
    output::complain(&lines.join("\n"));
    Exit::Usage
}

fn failure(error: &anyhow::Error) -> Exit {
    if output::is_closed_pipe(error) {
        output::die_of_closed_pipe();
    }
    let scanner = Scanner::new(RuleSet::builtin().into());
    let text = format!("{error:#}");
    let lines: Vec<_> = text.lines().map(|line| output::masked(&scanner, line)).collect();
    output::complain(&format!("error: {}", lines.join("\n")));
    if error.is::<UsageError>() { Exit::Usage } else { Exit::Incomplete }
}
