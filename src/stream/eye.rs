//! What looks at the bytes: the scanner, the team's own keys, and a net under both, so that a mistake
//! in a rule costs one record and not the stream.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::credential::{Class, Confidence, Credential};
use crate::detect::known::Known;
use crate::detect::{Scanner, Scope};
use crate::finding::{Fact, Mask, Sighting};
use crate::rule::{Alphabet, RuleSet};
use crate::span::Span;

/// The rule of a key that is known by its fingerprint and by nothing else.
pub const KNOWN: &str = "known-key";

/// Work that a look may take for each byte of the longest line. Logs take a hundredth, the worst line that we know
/// takes six tenths: more is a mistake in the rules, or an attack that nobody thought of.
const WORK: usize = 8;

/// Why bytes could not be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A rule gave up on them.
    Panic,
    /// It would have taken too much work.
    Work,
}

/// A credential, and the name that the team gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The credential.
    pub credential: Credential,
    /// What the team calls it.
    pub label: Option<Arc<str>>,
}

/// Everything that was seen, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Credentials, public ones included.
    pub seen: Vec<Seen>,
    /// What is no secret and says something of environments.
    pub facts: Vec<Fact>,
}

/// Finds credentials.
#[derive(Debug)]
pub struct Eye {
    scanner: Scanner,
    known: Option<Known>,
    /// The work that a look may take.
    work: usize,
}

impl Eye {
    /// Looks with these rules, and for these keys.
    pub fn new(rules: Arc<RuleSet>, known: Option<Known>) -> Self {
        Self { scanner: Scanner::new(rules), known, work: usize::MAX }
    }

    /// Gives up on what takes more work than any honest line of at most so many bytes.
    #[must_use]
    pub fn bounded(self, line: usize) -> Self {
        Self { work: WORK * line, ..self }
    }

    /// The rules.
    pub fn rules(&self) -> &Arc<RuleSet> {
        self.scanner.rules()
    }

    /// Everything that begins in the core.
    pub fn look(&self, bytes: &[u8], core: Range<usize>) -> Result<Sight, Fault> {
        // Nothing that the scanner holds changes while it looks, so nothing is left half changed.
        catch_unwind(AssertUnwindSafe(|| self.find(bytes, core))).map_err(|_| Fault::Panic)?.ok_or(Fault::Work)
    }

    fn find(&self, bytes: &[u8], core: Range<usize>) -> Option<Sight> {
        #[cfg(test)]
        assert!(memchr::memmem::find(&bytes[core.clone()], b"a rule that panics").is_none(), "as asked");
        let sightings = self.scanner.scan_for(bytes, &Scope { core: core.clone(), names: true }, self.work)?;
        let (mut seen, mut facts) = (Vec::new(), Vec::new());
        for sighting in sightings {
            match sighting {
                Sighting::Credential(credential) => seen.push(Seen { credential, label: None }),
                Sighting::Fact(fact) => facts.push(fact),
            }
        }
        if let Some(known) = &self.known {
            // Also where it stands encoded.
            for seen in &mut seen {
                if let Some((label, environment)) = known.label_of(&seen.credential.secret) {
                    seen.credential.environment = environment;
                    seen.label = Some(label);
                }
            }
            for hit in known.find(bytes, core) {
                note(&mut seen, known.credential(&hit, bytes, KNOWN), hit.label());
            }
            seen.sort_by_key(|seen| seen.credential.span);
        }
        Some(Sight { seen, facts })
    }

    /// Where the last word may be the beginning of a key that the team knows, what goes on with it, and what it opens.
    pub(super) fn open_at_end(&self, bytes: &[u8], floor: usize) -> Option<(usize, Alphabet, Class)> {
        let (start, letters, class) = self.known.as_ref()?.open_at_end(bytes, floor)?;
        let mut alphabet = Alphabet::default();
        (0..=u8::MAX).filter(|&byte| letters.holds(byte)).for_each(|byte| alphabet.insert(byte, byte));
        Some((start, alphabet, class))
    }

    /// What to print instead of the credentials in a string.
    pub fn masks(&self, bytes: &[u8]) -> Vec<(Span, Mask)> {
        match self.look(bytes, 0..bytes.len()) {
            Ok(sight) => sight.seen.iter().map(|seen| (seen.credential.span, Mask::of(&seen.credential.secret))).collect(),
            // What cannot be looked at is not printed.
            Err(_) => vec![(Span::new(0, bytes.len()), Mask { prefix: String::new(), length: bytes.len() })],
        }
    }
}

/// A key that the team knows goes before any other reading of the same bytes.
fn note(seen: &mut Vec<Seen>, known: Credential, label: Arc<str>) {
    if let Some(same) = seen.iter_mut().find(|seen| seen.credential.span == known.span) {
        same.credential.environment = known.environment;
        same.credential.confidence = Confidence::Strong;
        same.credential.because.extend(known.because);
        same.label = Some(label);
        return;
    }
    seen.retain(|seen| !seen.credential.span.overlaps(known.span) || seen.credential.span.len() > known.span.len());
    if !seen.iter().any(|seen| seen.credential.span.overlaps(known.span)) {
        seen.push(Seen { credential: known, label: Some(label) });
    }
}
