//! What is reported: kinds, severities, places, and a finding with everything a report may print.

mod excerpt;
mod kind;
mod origin;
mod place;

use serde::Serialize;

use crate::credential::{Class, Confidence, Credential, Environment, Evidence, Fingerprint, Provider, RuleId, View};
use crate::span::{Position, Span};

pub use excerpt::{Excerpt, Mask, Piece};
pub use kind::{Kind, Severity};
pub use origin::{Commit, Kept, KeptAs, Origin};
pub use place::{Place, PlaceKind, Stage, Tracked, Trust};

/// What `detect` saw.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sighting {
    /// A credential that passed every check.
    Credential(Credential),
    /// Something that is no secret and says something of environments.
    Fact(Fact),
}

impl Sighting {
    /// Where it stands, in raw bytes.
    pub fn span(&self) -> Span {
        match self {
            Self::Credential(credential) => credential.span,
            Self::Fact(fact) => fact.span,
        }
    }
}

/// Something that is no secret and says something of environments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What sort of thing.
    pub kind: FactKind,
    /// Whose it is, where that is known.
    pub provider: Option<Provider>,
    /// Which money it touches, where that is known.
    pub environment: Environment,
    /// The thing itself, fit to compare: a host, a normalised URL, a network id. Of a card number
    /// only its ends.
    pub text: String,
    /// The name it is assigned to; empty where it has none.
    pub name: String,
    /// Where it stands, in raw bytes.
    pub span: Span,
    /// Where its provider is named, if that is somewhere else.
    pub beside: Option<Span>,
}

/// What sort of thing a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKind {
    /// A host of a provider.
    Host,
    /// The id of a chain.
    Network,
    /// A URL that webhooks are sent to.
    WebhookUrl,
    /// A route that exists in the sandbox only.
    SandboxPath,
    /// A published test card number.
    TestCard,
    /// A reference to a secret manager.
    Reference,
    /// The name of a secret with a prefix that bundlers publish.
    PublicName,
    /// A provider's event that says its own mode.
    Event,
}

impl FactKind {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Network => "network",
            Self::WebhookUrl => "webhook URL",
            Self::SandboxPath => "sandbox path",
            Self::TestCard => "test card",
            Self::Reference => "reference",
            Self::PublicName => "public name",
            Self::Event => "event",
        }
    }
}

/// Where a finding is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file or stream.
    pub origin: Origin,
    /// Whether git tracks it.
    pub tracked: Tracked,
    /// First byte and the byte behind the last, as lines and columns; absent for a file name.
    pub lines: Option<(Position, Position)>,
    /// In raw bytes, from the start of the file or stream.
    pub span: Span,
}

/// Something else that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Related {
    /// The file or stream.
    pub origin: Origin,
    /// The line; absent for a file name.
    pub line: Option<u64>,
    /// What stands there, as a phrase: `the sandbox side`.
    pub why: String,
}

/// What ties a finding in a log to what else happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Correlation {
    /// The request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// Who wrote the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

impl Correlation {
    /// Whether nothing is known.
    pub const fn is_empty(&self) -> bool {
        self.request_id.is_none() && self.trace_id.is_none() && self.service.is_none() && self.time.is_none()
    }
}

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// The rule that recognised the credential; the id of the kind where there is none.
    pub rule: RuleId,
    /// What was found, in words: `Stripe live secret key`.
    pub title: String,
    /// Whose it is.
    pub provider: Option<Provider>,
    /// Who else gives out credentials of this shape.
    pub candidates: Vec<Provider>,
    /// What it opens; absent where the finding is about a fact and no credential.
    pub class: Option<Class>,
    /// Which money it touches.
    pub environment: Environment,
    /// Whether it can move money.
    pub moves_funds: bool,
    /// What a report prints for it.
    pub mask: Mask,
    /// Tells it from other secrets.
    pub fingerprint: Fingerprint,
    /// Where it is.
    pub location: Location,
    /// How its bytes were read.
    pub view: View,
    /// What sort of place it stands in.
    pub place: Place,
    /// What says so.
    pub because: Vec<(Evidence, Option<u64>)>,
    /// What else it is about.
    pub related: Vec<Related>,
    /// What ties it to other records.
    pub correlation: Correlation,
    /// The line around it.
    pub excerpt: Excerpt,
    /// What to do.
    pub remediation: String,
}

/// Why a finding does not count: a team has accepted it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exception {
    /// Where it says so.
    pub by: ExceptionBy,
    /// Why.
    pub reason: String,
}

/// Where an exception stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExceptionBy {
    /// On the line itself.
    Inline,
    /// In the configuration.
    Config,
    /// In the baseline.
    Baseline,
}
