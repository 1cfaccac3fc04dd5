//! Findings as bytes for people and programs: one file per format, and `redact.rs`, through which
//! every string goes that a report did not make itself.

mod alert;
mod explanation;
mod github;
mod inventory;
mod jsonl;
mod layout;
mod markdown;
mod redact;
mod sarif;
mod schema;
mod terminal;
#[cfg(test)]
mod testing;

pub use explanation::{explanation_line, explanation_text};
pub use inventory::{By, Stocked, inventory_lines, inventory_text};
pub use schema::schema;

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::credential::{Class, FingerprintKey};
use crate::finding::{Exception, Finding, Origin, Severity};

pub use alert::Alert;
pub use redact::{FindMasks, Redactor};

/// Writes findings as they come, then the summary.
///
/// Findings are expected in the order of path and offset; each is written and flushed before the
/// call returns, so that a stream's findings are seen at once.
pub trait Report {
    /// Reports a finding.
    fn finding(&mut self, finding: &Finding) -> io::Result<()>;

    /// Reports a finding that does not count, because a team has accepted it. Most formats only count it.
    fn allowed(&mut self, _finding: &Finding, _exception: &Exception) -> io::Result<()> {
        Ok(())
    }

    /// Reports something that was wanted and could not be scanned.
    fn skipped(&mut self, skipped: &Skipped) -> io::Result<()>;

    /// Reports what was found and read in all. The last call.
    fn finish(&mut self, summary: &Summary) -> io::Result<()>;
}

/// What a format may be told.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Masks and cleans every string.
    pub redactor: Redactor<'a>,
    /// Which fingerprints may be printed.
    pub fingerprints: Fingerprints,
    /// The root of the repository, for formats that want paths from there.
    pub root: Option<&'a Path>,
    /// For a person: one line a finding, and the verdict.
    pub quiet: bool,
    /// For a person: columns of the terminal.
    pub width: usize,
}

impl<'a> Options<'a> {
    /// No fingerprints, not quiet, 80 columns.
    pub fn new(redactor: Redactor<'a>) -> Self {
        Self { redactor, fingerprints: Fingerprints::None, root: None, quiet: false, width: 80 }
    }

    /// Where something is, from the root of the repository, with `/` on every system. Not fit to print yet.
    fn path(&self, origin: &Origin) -> String {
        if let Origin::Member { container, name } = origin {
            return format!("{}!{}", self.path(container), Origin::File(name.clone()));
        }
        let below = self.root.and_then(|root| {
            let whole = std::path::absolute(origin.path()?).ok()?;
            Some(Origin::File(whole.strip_prefix(root).ok()?.to_owned()).to_string())
        });
        let text = below.unwrap_or_else(|| origin.to_string());
        text.strip_prefix("./").map_or(text.clone(), ToOwned::to_owned)
    }

    /// The fingerprint of a finding, if it may be printed.
    fn fingerprint(&self, finding: &Finding) -> Option<String> {
        self.fingerprints.may_show(finding.class).then(|| finding.fingerprint.to_string())
    }
}

/// Which fingerprints may be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fingerprints {
    /// None: they mean nothing to anybody else.
    None,
    /// Those of values that nobody could guess: whoever reads the report may have the key.
    OfRandom,
    /// All.
    All,
}

impl Fingerprints {
    /// Whether that of a value of the class may be printed.
    pub(crate) fn may_show(self, class: Option<Class>) -> bool {
        match self {
            Self::None => false,
            Self::OfRandom => !class.is_some_and(Class::is_guessable),
            Self::All => true,
        }
    }

    /// What a key allows.
    pub fn of(key: &FingerprintKey) -> Self {
        match () {
            () if key.is_apart() => Self::All,
            () if key.is_printable() => Self::OfRandom,
            () => Self::None,
        }
    }
}

/// Starts a report on a writer.
pub type Start = for<'a> fn(Box<dyn Write + 'a>, Options<'a>) -> Box<dyn Report + 'a>;

/// A way to write findings.
#[derive(Clone, Copy)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// Whom it is for, as a phrase.
    pub about: &'static str,
    /// Whether it is one document, written when everything is known, that also has what is allowed.
    pub whole: bool,
    /// Starts a report.
    pub start: Start,
}

impl Format {
    /// The format of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Format({})", self.name)
    }
}

/// Every format; the first is the default.
pub const FORMATS: &[Format] = &[
    Format { name: "text", about: "for a person", whole: false, start: |out, options| terminal::start(out, options) },
    Format {
        name: "jsonl",
        about: "for a program: one JSON object a line",
        whole: false,
        start: |out, options| jsonl::start(out, options),
    },
    Format {
        name: "sarif",
        about: "for code scanning: SARIF 2.1.0",
        whole: true,
        start: |out, options| sarif::start(out, options),
    },
    Format {
        name: "github",
        about: "annotations of a GitHub workflow; its job summary as well",
        whole: true,
        start: |out, options| github::start(out, options),
    },
    Format {
        name: "markdown",
        about: "a table for a person who reads it on the web",
        whole: true,
        start: |out, options| markdown::start(out, options),
    },
];

/// Something that was wanted and could not be scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// What.
    pub origin: Origin,
    /// Why, as a phrase: `unreadable: permission denied`.
    pub why: String,
}

/// What a run found, what it read and what it did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The program's version.
    pub version: String,
    /// A digest of the rules.
    pub rules: String,
    /// Files and streams read.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Members of archives read.
    pub members: u64,
    /// Bytes that came out of archives and compressed files.
    pub unpacked: u64,
    /// Files that nobody asked for: ignored by git, devices, links out of the tree.
    pub excluded: u64,
    /// Files that were wanted and could not be scanned.
    pub skipped: u64,
    /// Reported findings.
    pub findings: Counts,
    /// Findings that were allowed or are in the baseline.
    pub suppressed: u64,
    /// How far environments are known.
    pub sites: Sites,
    /// Whether everything wanted was scanned: nothing skipped, nothing cut short.
    pub complete: bool,
    /// How long it took; told to people only, so that a report for programs can be compared.
    pub elapsed: Option<Duration>,
    /// The exit code that follows from it.
    pub exit: Option<u8>,
}

/// Findings by severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Critical ones.
    pub critical: u64,
    /// High ones.
    pub high: u64,
    /// Medium ones.
    pub medium: u64,
    /// Low ones.
    pub low: u64,
    /// Notices.
    pub notice: u64,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, severity: Severity) {
        let count = match severity {
            Severity::Critical => &mut self.critical,
            Severity::High => &mut self.high,
            Severity::Medium => &mut self.medium,
            Severity::Low => &mut self.low,
            Severity::Notice => &mut self.notice,
        };
        *count += 1;
    }

    /// How many of that severity.
    pub const fn of(&self, severity: Severity) -> u64 {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Notice => self.notice,
        }
    }

    /// How many in all.
    pub fn total(&self) -> u64 {
        Severity::ALL.iter().map(|&severity| self.of(severity)).sum()
    }

    /// The worst severity that was counted.
    pub fn worst(&self) -> Option<Severity> {
        Severity::ALL.into_iter().find(|&severity| self.of(severity) > 0)
    }
}

/// Places where a credential stands, by what is known of their environments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sites {
    /// Both are known: the credential's and the place's.
    pub resolved: u64,
    /// The place's is not.
    pub place_unknown: u64,
    /// The credential's is not.
    pub credential_unknown: u64,
    /// Facts contradict each other.
    pub conflicting: u64,
}

impl Sites {
    /// How many in all.
    pub const fn total(&self) -> u64 {
        self.resolved + self.place_unknown + self.credential_unknown + self.conflicting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_found_by_name() {
        assert!(FORMATS.iter().all(|format| Format::named(format.name).is_some_and(|found| found.name == format.name)));
        assert!(Format::named("no such format").is_none());
    }

    #[test]
    fn counts_know_each_severity() {
        let mut counts = Counts::default();
        assert_eq!(counts.worst(), None);
        for (times, severity) in Severity::ALL.into_iter().enumerate() {
            (0..=times).for_each(|_| counts.add(severity));
        }
        assert_eq!(Severity::ALL.map(|severity| counts.of(severity)), [1, 2, 3, 4, 5]);
        assert_eq!((counts.total(), counts.worst()), (15, Some(Severity::Critical)));
    }
}
