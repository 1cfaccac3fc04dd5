//! Decoded views of the bytes, which map back to raw spans.
//!
//! Only the neighbourhood of an escape is decoded, and views nest to a bounded depth, so that no
//! input makes its bytes much dearer than plain ones. What a view decodes at one place depends on
//! the bytes near it alone: the result is the same wherever a window begins.

mod ansi;
mod json;
mod percent;

use crate::credential;
use crate::span::Span;

/// Bytes decoded to the left of an escape: room for the name of a slot.
const BEFORE: usize = 192;
/// Bytes decoded to the right of an escape: room for a value.
const BEHIND: usize = 512;
/// A region is decoded in pieces of at most this many bytes …
const PIECE: usize = 64 * 1024;
/// … which overlap by this many on either side.
const OVERLAP: usize = 9 * 1024;

/// A way to decode.
pub(super) struct View {
    /// Its name in reports.
    pub(super) name: credential::View,
    /// How often it is applied in a row.
    rounds: usize,
    /// The byte that begins an escape.
    introducer: u8,
    /// The escape at the start of the bytes.
    decode: fn(&[u8]) -> Option<Escape>,
    /// Whether an escape can hide a key. The others (`\"`, `\n`) are understood without decoding.
    hides: fn(&[u8]) -> bool,
}

/// Every view, in the order of application.
pub(super) const VIEWS: &[View] = &[percent::VIEW, json::VIEW, ansi::VIEW];

/// What an escape stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Escape {
    /// How many bytes it takes.
    length: usize,
    /// The bytes it stands for; none for a colour.
    bytes: [u8; 4],
    /// How many of them.
    count: usize,
}

impl Escape {
    fn byte(length: usize, byte: u8) -> Self {
        Self { length, bytes: [byte, 0, 0, 0], count: 1 }
    }

    fn char(length: usize, c: char) -> Self {
        let mut bytes = [0; 4];
        let count = c.encode_utf8(&mut bytes).len();
        Self { length, bytes, count }
    }

    fn nothing(length: usize) -> Self {
        Self { length, bytes: [0; 4], count: 0 }
    }
}

/// A decoded piece.
pub(super) struct Decoded {
    /// The bytes.
    pub(super) bytes: Vec<u8>,
    /// The part to look for values in; the rest is context that another piece covers.
    pub(super) core: Span,
    /// Where the piece begins in what it was decoded from.
    start: usize,
    escapes: Vec<Place>,
    /// Whether nothing follows it.
    is_last: bool,
}

/// Where an escape stood and where its bytes went.
struct Place {
    from: usize,
    from_length: usize,
    to: usize,
    to_length: usize,
}

impl Decoded {
    /// The span in what this was decoded from.
    pub(super) fn origin(&self, span: Span) -> Span {
        Span::new(self.start_of(span.start), self.end_of(span.end - 1))
    }

    /// Whether the bytes of the span were written by an escape, or one stood between them.
    pub(super) fn has_escape(&self, span: Span) -> bool {
        let from = self.escapes.partition_point(|place| place.to + place.to_length.max(1) <= span.start);
        self.escapes.get(from).is_some_and(|place| place.to < span.end)
    }

    /// Whether the span ends where the piece does, and the input does not.
    pub(super) fn cuts(&self, span: Span) -> bool {
        span.end == self.bytes.len() && !self.is_last
    }

    /// The escape that wrote the byte or was the last to be written before it.
    fn last_escape(&self, at: usize) -> Option<&Place> {
        let behind = self.escapes.partition_point(|place| place.to <= at);
        behind.checked_sub(1).map(|last| &self.escapes[last])
    }

    fn start_of(&self, at: usize) -> usize {
        match self.last_escape(at) {
            Some(place) if at < place.to + place.to_length => self.start + place.from,
            Some(place) => self.start + place.from + place.from_length + (at - place.to - place.to_length),
            None => self.start + at,
        }
    }

    /// The end of what the byte was decoded from.
    fn end_of(&self, at: usize) -> usize {
        match self.last_escape(at) {
            Some(place) if at < place.to + place.to_length => self.start + place.from + place.from_length,
            _ => self.start_of(at) + 1,
        }
    }
}

/// The views applied so far, so that each is applied its number of rounds and views nest three deep.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Depth {
    rounds: [usize; 3],
}

impl Depth {
    const NESTED: usize = 3;

    /// The depth below this one, if the view at this index may still be applied.
    pub(super) fn below(self, view: usize) -> Option<Self> {
        let total: usize = self.rounds.iter().sum();
        let mut rounds = self.rounds;
        rounds[view] += 1;
        (total < Self::NESTED && rounds[view] <= VIEWS[view].rounds).then_some(Self { rounds })
    }
}

impl View {
    /// Decodes the neighbourhood of every escape that can hide a key, piece by piece.
    pub(super) fn pieces<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Decoded> + 'a {
        let mut hidden = memchr::memchr_iter(self.introducer, bytes).filter(|&at| (self.hides)(&bytes[at..])).peekable();
        let regions = std::iter::from_fn(move || {
            let first = hidden.next()?;
            let mut last = first;
            while let Some(next) = hidden.next_if(|&next| next < last + BEFORE + BEHIND) {
                last = next;
            }
            Some(Span::new(first.saturating_sub(BEFORE), (last + BEHIND).min(bytes.len())))
        });
        regions.flat_map(move |region| {
            let starts = (region.start..region.end).step_by(PIECE);
            starts.map(move |start| self.decode_piece(bytes, Span::new(start, (start + PIECE).min(region.end)), region))
        })
    }

    fn decode_piece(&self, bytes: &[u8], core: Span, region: Span) -> Decoded {
        let start = core.start.saturating_sub(OVERLAP).max(region.start);
        let start = self.aligned(bytes, start);
        let end = (core.end + OVERLAP).min(region.end);
        let mut out = Decoded {
            bytes: Vec::with_capacity(end - start),
            core: Span::new(0, 0),
            start,
            escapes: Vec::new(),
            is_last: end == bytes.len(),
        };
        let mut at = start;
        while at < end {
            let next = memchr::memchr(self.introducer, &bytes[at..end]).map_or(end, |found| at + found);
            out.bytes.extend_from_slice(&bytes[at..next]);
            at = next;
            if at < end {
                at = self.decode_one(bytes, at, &mut out);
            }
        }
        let decoded = |raw: usize| {
            let at = out.escapes.partition_point(|place| start + place.from < raw);
            match at.checked_sub(1).map(|last| &out.escapes[last]) {
                Some(place) => {
                    (place.to + place.to_length + raw.saturating_sub(start + place.from + place.from_length)).min(out.bytes.len())
                }
                None => (raw - start).min(out.bytes.len()),
            }
        };
        out.core =
            Span::new(decoded(core.start.max(start)), if core.end == region.end { out.bytes.len() } else { decoded(core.end) });
        out
    }

    fn decode_one(&self, bytes: &[u8], at: usize, out: &mut Decoded) -> usize {
        let Some(escape) = (self.decode)(&bytes[at..]) else {
            out.bytes.push(bytes[at]);
            return at + 1;
        };
        let to = out.bytes.len();
        out.bytes.extend_from_slice(&escape.bytes[..escape.count]);
        out.escapes.push(Place { from: at - out.start, from_length: escape.length, to, to_length: escape.count });
        at + escape.length
    }

    /// Moves the start of a piece out of a run of backslashes, whose meaning depends on where the
    /// run begins.
    fn aligned(&self, bytes: &[u8], start: usize) -> usize {
        if self.introducer != b'\\' {
            return start;
        }
        let run = bytes[..start].iter().rev().take(64).take_while(|&&byte| byte == b'\\').count();
        start - run
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(view: &View, text: &str) -> Decoded {
        let mut pieces: Vec<_> = view.pieces(text.as_bytes()).collect();
        assert_eq!(pieces.len(), 1, "{text}");
        pieces.remove(0)
    }

    #[test]
    fn spans_map_back() {
        let text = "key=a%5Fb%2Dc;";
        let decoded = only(&percent::VIEW, text);
        assert_eq!(decoded.bytes, b"key=a_b-c;");
        let origin = decoded.origin(Span::new(4, 9));
        assert_eq!(&text[origin.range()], "a%5Fb%2Dc");
        let origin = decoded.origin(Span::new(5, 6));
        assert_eq!(&text[origin.range()], "%5F");
    }

    #[test]
    fn a_colour_at_either_end_is_not_part_of_the_value() {
        let text = "t \u{1b}[1mab\u{1b}[mcd\u{1b}[K.";
        let decoded = only(&ansi::VIEW, text);
        assert_eq!(decoded.bytes, b"t abcd.");
        let origin = decoded.origin(Span::new(2, 6));
        assert_eq!(&text[origin.range()], "ab\u{1b}[mcd");
    }

    #[test]
    fn pieces_of_a_long_region_agree_with_the_whole() {
        let text = "a%5Fb".repeat(60_000);
        let pieces: Vec<_> = percent::VIEW.pieces(text.as_bytes()).collect();
        assert!(pieces.len() > 3);
        let joined: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes[piece.core.range()].iter().copied()).collect();
        assert_eq!(joined, "a_b".repeat(60_000).as_bytes());
        for piece in &pieces {
            let at = piece.core.start + 7;
            let origin = piece.origin(Span::new(at, at + 1));
            let expected = piece.bytes[at];
            assert_eq!(if origin.len() == 3 { b'_' } else { text.as_bytes()[origin.start] }, expected);
        }
    }

    #[test]
    fn plain_text_is_not_decoded() {
        for view in VIEWS {
            assert_eq!(view.pieces(b"a plain \\n line, 100% \\\"ok\\\" \x1b").count(), 0);
        }
    }

    #[test]
    fn depth_is_bounded() {
        let depth = Depth::default().below(1).unwrap().below(1).unwrap().below(1).unwrap();
        assert!(depth.below(0).is_none() && depth.below(1).is_none());
        assert!(Depth::default().below(0).unwrap().below(0).unwrap().below(0).is_none());
    }
}
