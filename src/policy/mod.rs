//! What a team has decided: which findings block, and which are allowed where they stand.

mod allow;
mod baseline;
mod config;

pub use allow::{Allow, AllowError, Date, allows_on, peers_allow};
pub use baseline::{BASELINE, Baseline, BaselineError, BaselineKey, Entry, Matched, Reach};
pub use config::{CONFIG, Config, ConfigError, distance, nearest};

use crate::credential::Confidence;
use crate::environment::declared::Globs;
use crate::finding::{Finding, Kind, Severity};

/// What a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Findings of a severity.
    Severity(Severity),
    /// Findings of a kind.
    Kind(Kind),
}

/// An exception that stands in the configuration.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Of what kind.
    pub kind: Option<Kind>,
    /// Where; everywhere without globs.
    pub paths: Option<Globs>,
    /// Of which credential.
    pub fingerprint: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it counts.
    pub until: Date,
}

/// What a team has decided.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What blocks.
    pub block: Vec<Target>,
    /// What warns, whatever blocks.
    pub warn: Vec<Target>,
    /// What is not reported.
    pub off: Vec<Target>,
    /// Exceptions.
    pub allows: Vec<Standing>,
    /// Findings below this are not reported.
    pub min_confidence: Confidence,
    /// Whether what cannot be told is counted.
    pub report_unresolved: bool,
    /// Whether what cannot be told blocks.
    pub fail_unresolved: bool,
    /// Whether git-ignored dotenv files are read.
    pub ignored_env_files: bool,
}

impl Default for Policy {
    /// Critical and high block; medium warns; low and notice are shown.
    fn default() -> Self {
        Self {
            block: vec![Target::Severity(Severity::Critical), Target::Severity(Severity::High)],
            warn: Vec::new(),
            off: Vec::new(),
            allows: Vec::new(),
            min_confidence: Confidence::Weak,
            report_unresolved: true,
            fail_unresolved: false,
            ignored_env_files: true,
        }
    }
}

impl Policy {
    /// What allows a finding until a day that has not passed. `path` counts from the root of the repository.
    pub fn allows(&self, finding: &Finding, path: &str, today: Date) -> Option<&Standing> {
        self.allows.iter().find(|allow| allow.until >= today && allow.covers(finding, path))
    }

    /// Why a finding goes no further, if it does not.
    pub fn why_suppressed(&self, finding: &Finding, path: &str, today: Date) -> Option<String> {
        if self.is_off(finding) {
            return Some("off by [environment.policy]".to_owned());
        }
        let allow = self.allows(finding, path, today)?;
        Some(format!("[[environment.allow]] until {}: {}", allow.until, allow.reason))
    }

    /// Whether a finding goes no further because its kind, its severity or its confidence is off.
    pub fn is_off(&self, finding: &Finding) -> bool {
        // The advice about names of references is for those who ask.
        let asked = Self::names(&self.block, finding.kind) || Self::names(&self.warn, finding.kind);
        let quiet = finding.kind == Kind::ReferenceEnvironmentMismatch && !asked;
        let severity = self.off.contains(&Target::Severity(finding.severity)) && !asked;
        quiet || severity || Self::names(&self.off, finding.kind) || finding.confidence < self.min_confidence
    }

    fn names(targets: &[Target], kind: Kind) -> bool {
        targets.contains(&Target::Kind(kind))
    }

    /// What blocks; `fail_on` replaces what is decided about severities.
    pub fn gate(&self, fail_on: Option<Severity>) -> Gate {
        let kinds = |targets: &[Target]| {
            let kinds = targets.iter().filter_map(|target| match target {
                Target::Kind(kind) => Some(*kind),
                Target::Severity(_) => None,
            });
            kinds.collect::<Vec<_>>()
        };
        let has = |targets: &[Target], severity| targets.contains(&Target::Severity(severity));
        let blocks = |severity: &Severity| match fail_on {
            Some(level) => *severity >= level,
            None => has(&self.block, *severity) && !has(&self.warn, *severity),
        };
        Gate {
            severities: Severity::ALL.into_iter().filter(blocks).collect(),
            block: kinds(&self.block),
            warn: kinds(&self.warn),
            unresolved: self.fail_unresolved,
        }
    }

    /// Exceptions that have ended: their kind and their day.
    pub fn ended(&self, today: Date) -> impl Iterator<Item = &Standing> {
        self.allows.iter().filter(move |allow| allow.until < today)
    }
}

impl Standing {
    fn covers(&self, finding: &Finding, path: &str) -> bool {
        self.kind.is_none_or(|kind| kind == finding.kind)
            && self.paths.as_ref().is_none_or(|paths| paths.matches(path))
            && self.fingerprint.as_ref().is_none_or(|print| *print == finding.fingerprint.to_string())
    }
}

/// Which findings block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    severities: Vec<Severity>,
    block: Vec<Kind>,
    warn: Vec<Kind>,
    unresolved: bool,
}

impl Default for Gate {
    /// Critical and high block.
    fn default() -> Self {
        Policy::default().gate(None)
    }
}

impl Gate {
    /// Whether a finding blocks: a kind goes before a severity.
    pub fn blocks(&self, finding: &Finding) -> bool {
        if self.block.contains(&finding.kind) {
            return true;
        }
        self.severities.contains(&finding.severity) && !self.warn.contains(&finding.kind)
    }

    /// Whether credentials and places that cannot be told block.
    pub fn blocks_unresolved(&self) -> bool {
        self.unresolved
    }
}
