//! What is reported: kinds, severities, places, and a finding with everything a report may print.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::credential::{Class, Confidence, Credential, Environment, Evidence, Fingerprint, Provider, RuleId, Secret, View};
use crate::span::{Position, Span};

/// What `detect` saw.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sighting {
    /// A credential that passed every check.
    Credential(Credential),
}

/// Where bytes come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A file, named as the user would type it.
    File(PathBuf),
    /// Standard input, under the name the user gave it.
    Stdin(Option<PathBuf>),
}

impl Origin {
    /// The path that rules about paths look at; standard input without a name has none.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Stdin(name) => name.as_deref(),
        }
    }
}

impl fmt::Display for Origin {
    /// With `/` on every system. Not fit for a terminal: the path may be hostile.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
    /// Tests and fixtures.
    Test,
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
    pub const ALL: [Self; 9] = [
        Self::Log,
        Self::Test,
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
            Self::Test => "test",
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

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Declares the kinds of findings: id, title, checklist ids.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $id:literal, $title:literal, [$($item:literal),*];)*) => {
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
        }
    };
}

kinds! {
    /// A key that pays out, in any log.
    PayoutKeyInLog = "payout-key-in-log", "payout key in a log", ["PC-S6", "PC-S3", "PC-SMOKE11"];
    /// A live secret in a log.
    LiveKeyInLog = "live-key-in-log", "live key in a log", ["PC-S6", "PC-M1", "PC-SMOKE11"];
    /// A secret of unknown environment in a log.
    SecretInLog = "secret-in-log", "secret in a log", ["PC-S6", "PC-M1", "PC-SMOKE11"];
    /// A sandbox key in a log that is not known to be production's.
    SandboxKeyInLog = "sandbox-key-in-log", "sandbox key in a log", ["PC-S6"];
    /// A live, unknown or general secret where secrets do not belong.
    HardcodedSecret = "hardcoded-secret", "secret written into a file", ["PC-S1", "CA-1.2"];
    /// Card data in a log.
    CardNumberInLog = "card-number-in-log", "card data in a log", ["PC-S6"];
    /// Card data in a file.
    CardNumberInSource = "card-number-in-source", "card data written into a file", ["PC-S6"];
    /// A sandbox key in code or configuration.
    SandboxKeyInSource = "sandbox-key-in-source", "sandbox key written into a file", ["CA-1.2"];
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
    /// Length of the whole credential, in bytes.
    pub length: usize,
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…({})", self.prefix, self.length)
    }
}

impl Mask {
    /// The mask of a secret: its public prefix, an ellipsis, its length.
    pub fn of(secret: &Secret) -> Self {
        Self { prefix: String::from_utf8_lossy(secret.public_prefix()).into_owned(), length: secret.len() }
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

/// Where a finding's credential stands, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// What sort of place.
    pub kind: PlaceKind,
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
    /// The rule that recognised the credential.
    pub rule: RuleId,
    /// What the credential is, in words: `Stripe live secret key`.
    pub title: String,
    /// Whose it is.
    pub provider: Option<Provider>,
    /// Who else gives out credentials of this shape.
    pub candidates: Vec<Provider>,
    /// What it opens.
    pub class: Class,
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
    /// The line around it.
    pub excerpt: Excerpt,
    /// What to do.
    pub remediation: String,
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
