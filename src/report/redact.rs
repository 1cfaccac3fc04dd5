//! What a report may print: credentials masked, hostile characters made visible. Every string that
//! comes from outside the program passes here on its way to a report.

use std::fmt;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::finding::{Excerpt, Mask, Piece};
use crate::span::Span;

/// Finds the credentials in any bytes, and what to print instead of them.
pub type FindMasks<'a> = &'a (dyn Fn(&[u8]) -> Vec<(Span, Mask)> + Sync);

/// Makes strings fit to print.
///
/// What comes out has no credential that the function it was given can find, and is one line
/// without control characters (but tabs), without characters that reorder text and without
/// invisible ones. Ordinary text is not changed.
#[derive(Clone, Copy)]
pub struct Redactor<'a> {
    find: FindMasks<'a>,
}

impl<'a> Redactor<'a> {
    /// A redactor that masks what `find` finds.
    pub fn new(find: FindMasks<'a>) -> Self {
        Self { find }
    }

    /// A string, fit to print.
    pub fn text(&self, text: &str) -> String {
        let mut line = Line::default();
        self.push(&mut line, text.as_bytes());
        line.text
    }

    /// Prose, fit to print: white space, line ends included, becomes single spaces.
    pub(super) fn prose(&self, text: &str) -> String {
        self.text(&text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// All of an excerpt but the line end, fit to print.
    pub(super) fn line(&self, excerpt: &Excerpt) -> String {
        let mut line = Line::default();
        for piece in pieces(excerpt) {
            match piece {
                Piece::Text(bytes) => self.push(&mut line, bytes),
                Piece::Masked(mask) => line.push_mask(mask),
            }
        }
        line.text
    }

    /// The line of an excerpt that holds its credential number `around`, cut to fit around it;
    /// without such a credential, the beginning of the excerpt.
    pub(super) fn cut(&self, excerpt: &Excerpt, around: Option<usize>, room: Room) -> Cut {
        let mut cut = Cut::default();
        let (mut before, mut after) = (Line::default(), Line::default());
        let mut masks = 0;
        for piece in pieces(excerpt) {
            let behind = around.is_none_or(|around| masks > around);
            match piece {
                Piece::Masked(mask) => {
                    match around {
                        Some(around) if masks == around => cut.mark = masked(mask),
                        _ if behind => after.push_mask(mask),
                        _ => before.push_mask(mask),
                    }
                    masks += 1;
                }
                Piece::Text(bytes) if behind => {
                    let Some(end) = memchr::memchr(b'\n', bytes) else {
                        self.push(&mut after, bytes);
                        continue;
                    };
                    self.push(&mut after, without_line_end(&bytes[..=end]));
                    break;
                }
                Piece::Text(bytes) => {
                    let start = memchr::memrchr(b'\n', bytes).map(|newline| newline + 1);
                    if start.is_some() {
                        before = Line::default();
                    }
                    self.push(&mut before, &bytes[start.unwrap_or(0)..]);
                }
            }
        }
        let (left, right) = room.share(columns(&cut.mark), columns(before.text.trim_start()), columns(after.text.trim_end()));
        cut.before = before.tail(left);
        cut.after = after.head(right);
        cut
    }

    /// Appends bytes: credentials masked, the rest made visible.
    fn push(&self, line: &mut Line, bytes: &[u8]) {
        let mut masks = (self.find)(bytes);
        masks.sort_by_key(|(span, _)| (span.start, span.end));
        for piece in Excerpt::new(bytes, masks, usize::MAX).pieces() {
            match piece {
                Piece::Text(bytes) => line.push_visible(bytes),
                Piece::Masked(mask) => line.push_mask(mask),
            }
        }
    }
}

impl fmt::Debug for Redactor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

/// A mask, fit to print.
pub(super) fn masked(mask: &Mask) -> String {
    let mut line = Line::default();
    line.push_mask(mask);
    line.text
}

/// A line in three parts. Tabs are single spaces, so that columns can be counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    /// Before the credential, `…` first where more stands before it.
    pub(super) before: String,
    /// The credential, masked.
    pub(super) mark: String,
    /// Behind it, `…` last where more follows.
    pub(super) after: String,
}

/// Printable text, and where it may be cut without breaking an escape, a mask or an accented letter.
#[derive(Debug, Default)]
struct Line {
    text: String,
    stops: Vec<usize>,
}

impl Line {
    fn push_mask(&mut self, mask: &Mask) {
        self.stops.push(self.text.len());
        // One unit, whatever stops stand in it.
        let stops = self.stops.len();
        self.push_visible(mask.to_string().as_bytes());
        self.stops.truncate(stops);
    }

    fn push_visible(&mut self, bytes: &[u8]) {
        self.text.reserve(bytes.len());
        self.stops.reserve(bytes.len());
        for chunk in bytes.utf8_chunks() {
            for char in chunk.valid().chars() {
                if is_plain(char) {
                    self.stops.push(self.text.len());
                    self.text.push(char);
                    continue;
                }
                if char.width() != Some(0) {
                    self.stops.push(self.text.len());
                }
                push_visible_char(&mut self.text, char);
            }
            for &byte in chunk.invalid() {
                self.stops.push(self.text.len());
                push_escape(&mut self.text, byte);
            }
        }
    }

    /// The end of the line in at most `width` columns, without indentation.
    fn tail(&self, width: usize) -> String {
        let text = self.text.trim_start();
        if columns(text) <= width {
            return text.replace('\t', " ");
        }
        let (mut start, mut room) = (self.text.len(), width.saturating_sub(1));
        for &stop in self.stops.iter().rev() {
            let Some(left) = room.checked_sub(columns(&self.text[stop..start])) else { break };
            (start, room) = (stop, left);
        }
        format!("…{}", &self.text[start..]).replace('\t', " ")
    }

    /// The beginning of the line in at most `width` columns.
    fn head(&self, width: usize) -> String {
        let text = self.text.trim_end();
        if columns(text) <= width {
            return text.replace('\t', " ");
        }
        let (mut end, mut room) = (0, width.saturating_sub(1));
        for &stop in self.stops.iter().skip(1) {
            let Some(left) = room.checked_sub(columns(&self.text[end..stop])) else { break };
            (end, room) = (stop, left);
        }
        format!("{}…", &self.text[..end]).replace('\t', " ")
    }
}

/// How many columns a line may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// In all.
    pub(super) width: usize,
    /// Behind the beginning of the credential, for a remark below; a wish.
    pub(super) remark: usize,
}

impl Room {
    /// What stands directly before a credential (its name) says the most: that much of it stays
    /// whatever the remark wishes.
    const NAME: usize = 24;

    /// Shares the columns beside a credential between what stands before it and what follows it.
    fn share(self, mark: usize, before: usize, after: usize) -> (usize, usize) {
        let room = self.width.saturating_sub(mark);
        if before + after <= room {
            return (before, after);
        }
        let most = room.saturating_sub(after).max(room * 2 / 3);
        let beside_remark = self.width.saturating_sub(self.remark);
        let most = if beside_remark >= Self::NAME { most.min(beside_remark) } else { most };
        let before = before.min(most);
        (before, room - before)
    }
}

/// The pieces of an excerpt without the line end behind the last.
fn pieces(excerpt: &Excerpt) -> Vec<Piece<'_>> {
    let mut pieces: Vec<_> = excerpt.pieces().collect();
    if let Some(Piece::Text(bytes)) = pieces.last_mut() {
        *bytes = without_line_end(bytes);
    }
    pieces
}

fn without_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// How many columns a text takes. Most have nothing but plain characters, and their tables need not be asked.
pub(super) fn columns(text: &str) -> usize {
    if text.bytes().all(|byte| is_plain(char::from(byte))) { text.len() } else { text.width() }
}

/// Whether a character is a visible one of ASCII, or a blank.
fn is_plain(char: char) -> bool {
    matches!(char, ' '..='~')
}

fn push_visible_char(text: &mut String, char: char) {
    match u8::try_from(char) {
        Ok(b'\t') => text.push('\t'),
        Ok(byte) if byte.is_ascii_control() => push_escape(text, byte),
        _ if misleads(char) => text.extend(char.escape_unicode()),
        _ => text.push(char),
    }
}

fn push_escape(text: &mut String, byte: u8) {
    text.extend(std::ascii::escape_default(byte).map(char::from));
}

/// Whether a character beyond ASCII commands the terminal, reorders text or cannot be seen.
fn misleads(char: char) -> bool {
    matches!(char,
        '\u{80}'..='\u{9f}' // C1 controls
        | '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{feff}' // soft hyphen, joiners, byte order mark
        | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' // marks and embeddings of direction, zero width
        | '\u{2028}' | '\u{2029}' // line and paragraph separator
        | '\u{2060}'..='\u{206f}' // word joiner, invisible operators, isolates, deprecated formatting
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}' // letters without a glyph
        | '\u{fff9}'..='\u{fffb}' // annotations
        | '\u{e0000}'..='\u{e0fff}' // tags and further variation selectors
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{PREFIX, excerpt, find, redactor, secret};
    use super::*;

    fn wide(width: usize) -> Room {
        Room { width, remark: 0 }
    }

    /// Whether eight bytes in a row of the secret's body stand in `text`.
    fn gives_away(text: &str, secret: &str) -> bool {
        let body = &secret.as_bytes()[PREFIX.len()..];
        body.windows(8).any(|part| text.as_bytes().windows(8).any(|window| window == part))
    }

    #[test]
    fn ordinary_text_is_not_changed() {
        for text in ["", "a = \"b\\c\";\t// d", "Zürich, Łódź, e\u{301}", "日本語のキー", "✔️ 👍🏽", "sk_test_…(24)", "\u{a0}"]
        {
            assert_eq!(redactor().text(text), text);
        }
    }

    #[test]
    fn hostile_characters_become_visible() {
        let cases = [
            ("\u{1b}[2J\u{7}", "\\x1b[2J\\x07"),
            ("a\r\nb\0", "a\\r\\nb\\x00"),
            ("\u{7f}\u{9b}31m\u{85}", "\\x7f\\u{9b}31m\\u{85}"),
            ("\u{202e}txt.\u{2066}exe\u{2069}", "\\u{202e}txt.\\u{2066}exe\\u{2069}"),
            ("\u{200e}\u{200f}\u{61c}", "\\u{200e}\\u{200f}\\u{61c}"),
            ("pay\u{200b}pal\u{feff}\u{2060}", "pay\\u{200b}pal\\u{feff}\\u{2060}"),
            ("a\u{2028}b\u{2029}c", "a\\u{2028}b\\u{2029}c"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
        ];
        for (hostile, visible) in cases {
            assert_eq!(redactor().text(hostile), visible);
            assert_eq!(redactor().text(visible), visible, "a second pass changes nothing");
        }
    }

    #[test]
    fn no_character_passes_that_commands_or_reorders() {
        for char in '\0'..=char::MAX {
            let mut text = String::new();
            push_visible_char(&mut text, char);
            let same = text.chars().eq([char]);
            assert!(same || text.starts_with('\\') && text.bytes().all(|byte| byte.is_ascii_graphic()), "{char:?}");
            assert!(!same || !char.is_control() || char == '\t', "{char:?}");
        }
    }

    #[test]
    fn credentials_are_masked_wherever_they_stand() {
        let (one, two) = (secret(1, 32), secret(2, 40));
        let text = format!("dump/{one}/{two}.csv");
        assert_eq!(redactor().text(&text), "dump/acme_…(32)/acme_…(40).csv");
        assert_eq!(redactor().text(&one), "acme_…(32)");
        assert_eq!(redactor().prose(&format!(" cannot open\n\t{one} ")), "cannot open acme_…(32)");
    }

    #[test]
    fn masks_may_come_in_any_order_and_overlap() {
        let mask = |length| Mask { prefix: "k_".into(), length };
        let found = |_: &[u8]| vec![(Span::new(9, 12), mask(3)), (Span::new(4, 8), mask(4)), (Span::new(2, 7), mask(5))];
        assert_eq!(Redactor::new(&found).text("abcdefghijklmn"), "abk_…(5)k_…(4)ik_…(3)mn");
    }

    #[test]
    fn an_excerpt_masks_what_its_maker_found_and_what_the_redactor_finds() {
        let (one, allowed) = (secret(1, 32), secret(2, 32));
        let text = format!("{one} {allowed}\r\n");
        let nothing = |_: &[u8]| Vec::new();
        let blind = Redactor::new(&nothing).line(&excerpt(&text));
        let careful = redactor().line(&Excerpt::new(text.as_bytes(), Vec::new(), 0));
        assert_eq!([blind, careful], ["acme_…(32) acme_…(32)", "acme_…(32) acme_…(32)"]);
    }

    #[test]
    fn invalid_utf8_shows_its_bytes() {
        let mut bytes = b"\xff\xc3(\x80 key=".to_vec();
        bytes.extend_from_slice(secret(3, 20).as_bytes());
        bytes.extend_from_slice(b"\xf0\x9f\x91");
        let shown = "\\xff\\xc3(\\x80 key=acme_…(20)\\xf0\\x9f\\x91";
        assert_eq!(redactor().line(&excerpt(&bytes)), shown);
        let cut = redactor().cut(&excerpt(&bytes), Some(0), wide(80));
        assert_eq!(format!("{}{}{}", cut.before, cut.mark, cut.after), shown);
    }

    #[test]
    fn a_cut_keeps_to_the_line_of_the_credential() {
        let text = format!("first\n\tname:\t{}\t;\r\nlast", secret(1, 20));
        let cut = redactor().cut(&excerpt(&text), Some(0), wide(60));
        assert_eq!(cut, Cut { before: "name: ".into(), mark: "acme_…(20)".into(), after: " ;".into() });
        assert_eq!(redactor().line(&excerpt(&text)), "first\\n\tname:\tacme_…(20)\t;\\r\\nlast");
    }

    #[test]
    fn without_a_credential_a_cut_shows_the_beginning() {
        let cut = redactor().cut(&excerpt("the beginning of a long line"), None, wide(12));
        assert_eq!(cut, Cut { after: "the beginni…".into(), ..Cut::default() });
    }

    #[test]
    fn a_cut_fits_and_breaks_no_character_escape_or_mask() {
        let (one, two) = (secret(1, 32), secret(2, 24));
        let beside = format!("日本 e\u{301}e\u{301} \u{202e} \u{1b}[31m {two} ünï—").repeat(6);
        let text = format!("{beside}={one}; {beside}");
        let excerpt = excerpt(&text);
        let masks = find(text.as_bytes());
        let around = masks.iter().position(|(_, mask)| mask.length == 32);
        // Either side must be an end of the whole line: nothing in it was broken.
        let whole = redactor().line(&excerpt);
        for width in 20..160 {
            for remark in [0, 30, 90] {
                let cut = redactor().cut(&excerpt, around, Room { width, remark });
                let shown = format!("{}{}{}", cut.before, cut.mark, cut.after);
                assert!(shown.width() <= width, "{} columns in {width}: {shown}", shown.width());
                assert!(!gives_away(&shown, &one) && !gives_away(&shown, &two), "{shown}");
                let (before, after) = (cut.before.trim_start_matches('…'), cut.after.trim_end_matches('…'));
                assert!(whole.contains(&format!("{before}{}{after}", cut.mark)), "{shown}");
                let broken = ["(24)", "24)", "4)", ")", "u{202e}", "202e}", "e}", "}", "\u{301}", "x1b", "1b["];
                assert!(!broken.iter().any(|end| before.starts_with(end)), "{shown}");
                assert!(!["acme_", "acme_…(", "\\", "\\x1", "\\u{"].iter().any(|end| after.ends_with(end)), "{shown}");
            }
        }
    }

    #[test]
    fn a_cut_leaves_room_for_the_remark_but_not_at_the_cost_of_the_name() {
        let text = format!("{} SECRET_KEY={};{}", "x".repeat(90), secret(1, 32), "y".repeat(90));
        let cut = |remark| redactor().cut(&excerpt(&text), Some(0), Room { width: 70, remark });
        assert_eq!(cut(40).before.width(), 30);
        assert_eq!(cut(60).before.width(), 40, "two thirds of what the mask leaves");
        assert!(cut(60).before.ends_with(" SECRET_KEY="));
    }

    #[test]
    fn a_huge_line_is_cut_at_once() {
        let text = format!("{}{}{}", "a\u{1b}".repeat(500_000), secret(1, 32), "b".repeat(1_000_000));
        let cut = redactor().cut(&excerpt(&text), Some(0), wide(40));
        assert_eq!((cut.before.width(), cut.after.width()), (20, 10));
    }
}
