//! The line around a finding, with every credential in it masked.

use std::fmt;

use crate::credential::Secret;
use crate::span::Span;

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

#[cfg(test)]
mod tests {
    use super::*;

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
