//! What is reported: kinds, severities, places, and a finding with everything a report may print.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::credential::{Class, Confidence, Credential, Environment, Evidence, Fingerprint, Provider, RuleId, Secret, View};
use crate::span::{Position, Span};

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

/// Where bytes come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A file, named as the user would type it.
    File(PathBuf),
    /// Standard input, under the name the user gave it.
    Stdin(Option<PathBuf>),
    /// A member of an archive.
    Member {
        /// The archive.
        container: Box<Self>,
        /// The name that the archive gives it.
        name: PathBuf,
    },
    /// Something that a repository keeps.
    Kept(Box<Kept>),
}

/// Something that a repository keeps in its history, or in no history any more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// What it is.
    pub what: KeptAs,
    /// The object, in hex digits.
    pub object: String,
    /// The first commit that holds it; unknown where no commit does.
    pub commit: Option<Commit>,
    /// Whether it is in the commit that is checked out.
    pub in_head: bool,
    /// Whether no branch, tag or stash leads to it.
    pub unreachable: bool,
}

/// As what a repository keeps something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptAs {
    /// A file, by its path from the top.
    File(PathBuf),
    /// The message of a commit.
    CommitMessage,
    /// The message of a tag.
    TagMessage,
    /// Content that has lost its path.
    Blob,
}

/// A commit, as far as it is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Commit {
    /// Its name, in hex digits.
    pub id: String,
    /// Who wrote it, without the address.
    pub author: String,
    /// When it was written, as in RFC 3339.
    pub time: String,
}

impl Commit {
    /// The beginning of its name, as people write it.
    pub fn short(&self) -> &str {
        short(&self.id)
    }
}

/// The first digits of an object's name.
fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

impl Origin {
    /// What a repository keeps and it is, or is inside of.
    pub fn kept(&self) -> Option<&Kept> {
        match self {
            Self::File(_) | Self::Stdin(_) => None,
            Self::Member { container, .. } => container.kept(),
            Self::Kept(kept) => Some(kept),
        }
    }

    /// The same, to be changed.
    pub fn kept_mut(&mut self) -> Option<&mut Kept> {
        match self {
            Self::File(_) | Self::Stdin(_) => None,
            Self::Member { container, .. } => container.kept_mut(),
            Self::Kept(kept) => Some(kept),
        }
    }

    /// The path as it was named; standard input without a name has none.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Stdin(name) => name.as_deref(),
            Self::Member { name, .. } => Some(name),
            Self::Kept(kept) => match &kept.what {
                KeptAs::File(path) => Some(path),
                KeptAs::CommitMessage | KeptAs::TagMessage | KeptAs::Blob => None,
            },
        }
    }
}

impl fmt::Display for Origin {
    /// With `/` on every system. Not fit for a terminal: the path may be hostile.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Member { container, .. } = self {
            write!(f, "{container}!")?;
        }
        if let Self::Kept(kept) = self {
            let object = short(&kept.object);
            match &kept.what {
                KeptAs::File(_) => {}
                KeptAs::CommitMessage => return write!(f, "{object} (commit message)"),
                KeptAs::TagMessage => return write!(f, "{object} (tag message)"),
                KeptAs::Blob => return write!(f, "{object} (content without a path)"),
            }
        }
        match self.path() {
            None => f.write_str("-"),
            Some(path) if std::path::MAIN_SEPARATOR == '/' => write!(f, "{}", path.display()),
            Some(path) => f.write_str(&path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")),
        }
    }
}

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

/// How bad it is. The order is the order of the levels: the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Notice,
    /// Shown, never blocks.
    Low,
    /// Warns.
    Medium,
    /// Blocks.
    High,
    /// Blocks, and money can move.
    Critical,
}

impl Severity {
    /// Every level, the worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Notice];

    /// The name in reports and flags.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Notice => "notice",
        }
    }
}

impl Severity {
    /// One level worse; the worst stays.
    #[must_use]
    pub const fn raised(self) -> Self {
        match self {
            Self::Notice => Self::Low,
            Self::Low => Self::Medium,
            Self::Medium => Self::High,
            Self::High | Self::Critical => Self::Critical,
        }
    }

    /// One level better; a notice stays one.
    #[must_use]
    pub const fn lowered(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium => Self::Low,
            Self::Low | Self::Notice => Self::Notice,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Declares the kinds of findings: id, title, checklist ids, what follows from it, what to do.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $id:literal, $title:literal, [$($item:literal),*], $follows:literal, $do:literal;)*) => {
        /// What a finding is. The ids are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The stable id.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$kind => $id,)* }
            }

            /// What happened, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }

            /// The lines of the go-live checklists that it falsifies.
            pub const fn checklist(self) -> &'static [&'static str] {
                match self { $(Self::$kind => &[$($item),*],)* }
            }

            /// What follows from it; empty where the title says it all.
            pub const fn consequence(self) -> &'static str {
                match self { $(Self::$kind => $follows,)* }
            }

            /// What to do; empty where only the rule of the credential knows.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$kind => $do,)* }
            }
        }
    };
}

kinds! {
    /// A key that pays out, in code that customers are given.
    PayoutKeyExposedToClient = "payout-key-exposed-to-client", "payout key exposed to clients", ["PC-S3", "PC-S5"],
        "Whoever opens the page or unpacks the app can pay money out.",
        "Revoke it in the dashboard, create a new payout key with a narrow policy, and call it from a back end only.";
    /// Another secret there.
    SecretKeyExposedToClient = "secret-key-exposed-to-client", "secret key exposed to clients", ["PC-S1", "CA-1.2"],
        "Whoever opens the page or unpacks the app can act as you.",
        "Rotate it and move the call behind a route of your server.";
    /// A secret's name that bundlers publish.
    SecretVariableMadePublic = "secret-variable-made-public", "secret variable made public", ["PC-S1", "PC-S3"],
        "Bundlers inline a name like this wherever client code refers to it: a use on the server still works today and is one import away from publication.",
        "Rename it without the public prefix, rebuild, check what was deployed, and rotate it if it was ever built with a value.";
    /// A key that pays out, in any log.
    PayoutKeyInLog = "payout-key-in-log", "payout key in a log", ["PC-S6", "PC-S3", "PC-SMOKE11"],
        "Whoever reads the log can pay money out.",
        "Revoke it now, purge the log store, and redact at the source.";
    /// A live secret in a log of a lower environment.
    LiveKeyInNonproductionLog = "live-key-in-nonproduction-log", "live key in a log of a lower environment", ["PC-S6", "PC-A2"],
        "It is leaked, and a lower environment holds live money.",
        "Rotate it, give the lower environment a sandbox key, and redact at the source.";
    /// A live secret in a log.
    LiveKeyInLog = "live-key-in-log", "live key in a log", ["PC-S6", "PC-M1", "PC-SMOKE11"],
        "",
        "Rotate it, redact at the source, and purge the log store.";
    /// A sandbox credential in a production record.
    SandboxKeyInProductionLog = "sandbox-key-in-production-log", "sandbox key in a production log", ["PC-A4", "PC-S6"],
        "Production is wired to the sandbox: its payments do not settle.",
        "Give the deployment its live key, then redact at the source.";
    /// A secret of unknown environment in a log.
    SecretInLog = "secret-in-log", "secret in a log", ["PC-S6", "PC-M1", "PC-SMOKE11"],
        "",
        "Rotate it and redact at the source; declare its host in .keyfence.toml [[environment.host]] to learn the environment.";
    /// A sandbox key in a log that is not known to be production's.
    SandboxKeyInLog = "sandbox-key-in-log", "sandbox key in a log", ["PC-S6"], "", "";
    /// A test event in a production record.
    SandboxEventInProductionLog = "sandbox-event-in-production-log", "sandbox event in a production log", ["PC-W2", "PC-A2"],
        "A webhook of the sandbox is registered with the production endpoint.",
        "Correct the registration of the endpoint in the provider's dashboard.";
    /// A live event in a record of a lower environment.
    LiveEventInNonproductionLog = "live-event-in-nonproduction-log", "live event in a log of a lower environment",
        ["PC-W2", "PC-A2"],
        "A live webhook is registered with the endpoint of a lower environment, which may have acted on real money.",
        "Correct the registration of the endpoint, and check what the lower environment did with it.";
    /// A sandbox host or route in a production record.
    SandboxEndpointInProductionLog = "sandbox-endpoint-in-production-log", "sandbox endpoint in a production log",
        ["PC-A3", "CA-4.4", "CA-8.3"],
        "Production calls the sandbox.",
        "Switch the base URL and disable sandbox automation.";
    /// A published test card in a production record.
    TestCardInProductionLog = "test-card-in-production-log", "test card in a production log", ["PC-A2", "CA-4.3"],
        "A smoke test, a card tester or a forgotten fixture reaches production, and card numbers are logged.",
        "Find the caller and stop logging card numbers; a planned smoke test is a dated [[environment.allow]].";
    /// A live secret in tests.
    LiveKeyInTest = "live-key-in-test", "live key in a test", ["PC-A5", "PC-S1"],
        "Everybody who runs the tests touches real money.",
        "Rotate it and record again with a sandbox key.";
    /// A live secret in a pipeline's configuration.
    LiveKeyInCi = "live-key-in-ci", "live key in a pipeline", ["PC-S1", "CA-1.4"],
        "Every job of the pipeline, and everybody who can change it, has it.",
        "Rotate it and move it to the secret store of the pipeline, bound to a protected environment.";
    /// A live secret in a dotenv file that git tracks.
    LiveKeyInCommittedEnv = "live-key-in-committed-env", "live key in a committed dotenv file", ["PC-A5", "CA-1.2"],
        "Every clone has it, and history keeps it.",
        "Rotate it, `git rm --cached` the file, ignore it, and read the key from a secret manager.";
    /// A live credential in a lower environment.
    LiveKeyInNonproduction = "live-key-in-nonproduction", "live key in a lower environment", ["PC-A2", "PC-A5"],
        "Tests and mistakes there move real money.",
        "Replace it by the sandbox key, and rotate it if others could read it.";
    /// A live secret that git tracks, where it belongs but not in a secret manager.
    LiveKeyInSourceControl = "live-key-in-source-control", "live key in source control", ["PC-S1", "CA-1.2"],
        "Every clone has it, and history keeps it.",
        "Rotate it and refer to a secret manager.";
    /// A sandbox credential in a production place.
    SandboxKeyInProduction = "sandbox-key-in-production", "sandbox key in production", ["PC-A4", "CA-1.4", "CA-8.1"],
        "Payments made by this deployment will not settle.",
        "Replace it by a reference to the live key in your secret manager; if this place is not production, declare it in .keyfence.toml [[environment.place]].";
    /// A live key beside a sandbox host.
    LiveKeyWithSandboxHost = "live-key-with-sandbox-host", "live key with a sandbox host", ["PC-A3"],
        "Calls fail, and the sandbox is sent a live key.",
        "Take host and key from one profile.";
    /// A sandbox key beside a live host.
    SandboxKeyWithLiveHost = "sandbox-key-with-live-host", "sandbox key with a live host", ["PC-A3"],
        "Calls fail.",
        "Take host and key from one profile.";
    /// A slot or a flag that contradicts the value.
    CredentialModeMismatch = "credential-mode-mismatch", "key of the wrong mode", ["PC-A2"],
        "Somebody believes this is the other environment.",
        "Swap or refill the slot; a live key in a test slot must be rotated.";
    /// A key and a chain of different environments.
    NetworkEnvironmentMismatch = "network-environment-mismatch", "network of the wrong environment", ["PC-P2"],
        "Transfers go to the wrong chain or fail.",
        "Swap the network ids together with the keys.";
    /// Live and sandbox literals of one provider side by side.
    MixedEnvironmentsInFile = "mixed-environments-in-file", "live and sandbox mixed in one file", ["PC-A2", "CA-8.1"],
        "Which of them runs cannot be seen.",
        "Keep one profile for each environment.";
    /// One webhook secret on both sides.
    SharedWebhookSecret = "shared-webhook-secret", "webhook secret shared by live and sandbox", ["PC-W2", "PC-A2", "CA-1.1"],
        "Whoever has the sandbox's secret can forge live events.",
        "Issue a secret for each environment.";
    /// One endpoint on both sides.
    SharedWebhookEndpoint = "shared-webhook-endpoint", "webhook endpoint shared by live and sandbox", ["PC-W2", "CA-3.4"],
        "Test events arrive where real money is booked.",
        "Register one endpoint for each mode.";
    /// One credential on both sides.
    SharedCredential = "shared-credential-across-environments", "credential shared by live and sandbox",
        ["PC-W2", "PC-A2", "CA-1.1"],
        "One of the two environments uses the other's money, and a leak of either is a leak of both.",
        "Issue a credential for each environment.";
    /// One key for collecting and for paying out.
    PayoutKeyReused = "payout-key-reused-as-standard", "payout key reused as standard key", ["PC-S2", "PC-S3"],
        "Every service that only collects can also pay out.",
        "Issue a standard key for collection and keep the payout key apart.";
    /// A payment webhook without TLS.
    InsecureWebhookEndpoint = "insecure-webhook-endpoint", "payment webhook over plain http", ["PC-W1", "CA-2.1"],
        "Events can be read and changed on their way.",
        "Use https with TLS 1.2 or later.";
    /// A sandbox host or route in a production place.
    SandboxEndpointInProduction = "sandbox-endpoint-in-production", "sandbox endpoint in production",
        ["PC-A3", "CA-4.4", "CA-8.3"],
        "Production talks to the sandbox.",
        "Switch the host and remove sandbox automation; a connector that is not live yet is a dated [[environment.allow]].";
    /// A published test card in a production place.
    TestCardInProduction = "test-card-in-production", "test card in production", ["PC-A2", "CA-4.3"],
        "",
        "Remove it, or use a card that the operator controls.";
    /// A reference whose name contradicts its place.
    ReferenceEnvironmentMismatch = "reference-environment-mismatch", "reference of the wrong environment", ["CA-1.4"],
        "",
        "Refer to the secret of this environment, or rename it.";
    /// A credential or a place that cannot be told.
    EnvironmentUnresolved = "environment-unresolved", "environment unknown", [], "", "Declare it in .keyfence.toml.";
    /// A live, unknown or general secret where secrets do not belong.
    HardcodedSecret = "hardcoded-secret", "secret written into a file", ["PC-S1", "CA-1.2"], "", "";
    /// Card data in a log.
    CardNumberInLog = "card-number-in-log", "card data in a log", ["PC-S6"],
        "Card data in the open is an incident under PCI DSS.",
        "Stop logging it, purge the log store, and tell whoever is responsible for PCI DSS.";
    /// Card data in a file.
    CardNumberInSource = "card-number-in-source", "card data written into a file", ["PC-S6"],
        "Card data in the open is an incident under PCI DSS.",
        "";
    /// A sandbox key in code or configuration.
    SandboxKeyInSource = "sandbox-key-in-source", "sandbox key written into a file", ["CA-1.2"], "", "";
}

impl Kind {
    /// The kind of that id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.id() == id)
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

/// The line around a finding. It holds every credential's span, also of those that are allowed
/// or below a gate, so that a report can mask them all.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt {
    bytes: Box<[u8]>,
    masked: Vec<(Span, Mask)>,
    focus: usize,
}

/// What a report prints instead of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// The rule's public prefix.
    pub prefix: String,
    /// Length of the whole credential, in bytes; 0 for what is no secret and shown as it is.
    pub length: usize,
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() { f.write_str(&self.prefix) } else { write!(f, "{}…({})", self.prefix, self.length) }
    }
}

impl Mask {
    /// The mask of a secret: its public prefix, an ellipsis, its length.
    pub fn of(secret: &Secret) -> Self {
        Self { prefix: String::from_utf8_lossy(secret.public_prefix()).into_owned(), length: secret.len() }
    }

    /// Shows what is no secret.
    pub fn plain(text: &str) -> Self {
        Self { prefix: text.to_owned(), length: 0 }
    }

    /// Whether nothing is hidden.
    pub const fn is_plain(&self) -> bool {
        self.length == 0
    }
}

impl Excerpt {
    /// Keeps `bytes` and the spans within them that must be masked, in order; the finding is about
    /// the one at `focus`.
    pub fn new(bytes: &[u8], masked: Vec<(Span, Mask)>, focus: usize) -> Self {
        Self { bytes: bytes.into(), masked, focus }
    }

    /// Which of its credentials the finding is about; none of them for a file name.
    pub fn focus(&self) -> Option<usize> {
        (self.focus < self.masked.len()).then_some(self.focus)
    }

    /// The bytes between credentials and the masks that stand for them, in order.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let mut at = 0;
        let mut pieces = Vec::with_capacity(2 * self.masked.len() + 1);
        for (span, mask) in &self.masked {
            if span.start > at {
                pieces.push(Piece::Text(&self.bytes[at..span.start]));
            }
            pieces.push(Piece::Masked(mask));
            at = at.max(span.end);
        }
        if at < self.bytes.len() {
            pieces.push(Piece::Text(&self.bytes[at..]));
        }
        pieces.into_iter()
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Excerpt({} bytes, {} masked)", self.bytes.len(), self.masked.len())
    }
}

/// A part of an excerpt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes that belong to no credential. They may be hostile to a terminal.
    Text(&'a [u8]),
    /// A credential.
    Masked(&'a Mask),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_distinct_kebab_case_ids() {
        let mut ids: Vec<_> = Kind::ALL.iter().map(|kind| kind.id()).collect();
        assert!(ids.iter().all(|id| id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Kind::ALL.len());
    }

    #[test]
    fn an_excerpt_never_gives_out_masked_bytes() {
        let mask = Mask { prefix: "k_".into(), length: 8 };
        let excerpt =
            Excerpt::new(b"a=hiddenXX; b=hiddenYY", vec![(Span::new(2, 10), mask.clone()), (Span::new(14, 22), mask)], 1);
        let shown: String = excerpt
            .pieces()
            .map(|piece| match piece {
                Piece::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Piece::Masked(mask) => mask.to_string(),
            })
            .collect();
        assert_eq!(shown, "a=k_…(8); b=k_…(8)");
        assert!(!format!("{excerpt:?}").contains("hidden"));
    }
}
