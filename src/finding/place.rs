//! Where something stands: in which environment and in what sort of place, and how sure that is.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::credential::Evidence;

/// Whether a file is in the index of its repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tracked {
    /// It is.
    Yes,
    /// It is not, and no rule ignores it.
    No,
    /// It is not, and git ignores it.
    Ignored,
    /// There is no repository.
    Unknown,
}

/// What sort of place a credential stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceKind {
    /// A log.
    Log,
    /// What browsers and apps are given.
    Client,
    /// Tests and fixtures.
    Test,
    /// The configuration of a pipeline.
    Ci,
    /// Documentation.
    Doc,
    /// An example to copy.
    Template,
    /// A dotenv file.
    Dotenv,
    /// Configuration.
    Config,
    /// Source code, and everything else.
    Source,
    /// Encrypted content.
    Ciphertext,
    /// Rules and baselines of secret scanners.
    Rules,
}

impl PlaceKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Log,
        Self::Client,
        Self::Test,
        Self::Ci,
        Self::Doc,
        Self::Template,
        Self::Dotenv,
        Self::Config,
        Self::Source,
        Self::Ciphertext,
        Self::Rules,
    ];

    /// The name in reports and flags.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Client => "client",
            Self::Test => "test",
            Self::Ci => "ci",
            Self::Doc => "doc",
            Self::Template => "template",
            Self::Dotenv => "dotenv",
            Self::Config => "config",
            Self::Source => "source",
            Self::Ciphertext => "ciphertext",
            Self::Rules => "rules",
        }
    }
}

/// Where code runs that reads a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Where customers pay.
    Production,
    /// Before production, like it.
    Staging,
    /// Automatic tests.
    Test,
    /// A pipeline.
    Ci,
    /// Shared development.
    Dev,
    /// Somebody's own machine.
    Local,
    /// One change, for review.
    Preview,
    /// A place to try things.
    Sandbox,
    /// Nothing says, or the facts contradict each other.
    #[default]
    Unknown,
}

impl Stage {
    /// Every environment of a place.
    pub const ALL: [Self; 9] = [
        Self::Production,
        Self::Staging,
        Self::Test,
        Self::Ci,
        Self::Dev,
        Self::Local,
        Self::Preview,
        Self::Sandbox,
        Self::Unknown,
    ];

    /// The name in reports, flags and configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Test => "test",
            Self::Ci => "ci",
            Self::Dev => "dev",
            Self::Local => "local",
            Self::Preview => "preview",
            Self::Sandbox => "sandbox",
            Self::Unknown => "unknown",
        }
    }

    /// The environment of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// Whether it is known to be none where customers pay.
    pub const fn is_lower(self) -> bool {
        !matches!(self, Self::Production | Self::Unknown)
    }

    /// Somebody's own machine, or nearly.
    pub const fn is_workstation(self) -> bool {
        matches!(self, Self::Dev | Self::Local)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How sure the environment of a place is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Nothing says.
    #[default]
    None,
    /// A hint.
    Weak,
    /// It stands there.
    Strong,
    /// Somebody said so on purpose.
    Declared,
}

impl Trust {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Weak => "weak",
            Self::Strong => "strong",
            Self::Declared => "declared",
        }
    }
}

/// Where something stands, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where code runs that reads it.
    pub environment: Stage,
    /// What sort of place.
    pub kind: PlaceKind,
    /// How sure the environment is.
    pub confidence: Trust,
    /// What says so; everything in one block shares it.
    pub because: Arc<[Evidence]>,
}

impl Place {
    /// A place of which only the kind is known.
    pub fn unknown(kind: PlaceKind) -> Self {
        Self { environment: Stage::Unknown, kind, confidence: Trust::None, because: Arc::default() }
    }
}
