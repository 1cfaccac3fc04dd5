//! Private keys that go over lines: from the line that opens one to the line that closes it, or to one
//! that is no part of it.

use std::sync::LazyLock;

use zeroize::Zeroize;

use super::decide::{Hit, Mark};
use super::eye::Eye;
use crate::credential::{Class, Confidence, Credential, Environment, Secret, View};
use crate::record::AnyOf;
use crate::span::Span;

/// More of a key than this is redacted, not kept.
const KEPT: usize = 8 * 1024;
/// A first line of base64 that is shorter is a placeholder.
const SHORTEST: usize = 16;
/// Bytes before the base64 by which the lines of one key are known.
const SLOT: usize = 10;
/// Headers and blank lines that may stand between the opening line and the key.
const HEADERS: usize = 6;
/// A keystore is no shorter.
const KEYSTORE: usize = 40;
/// How the base64 of a keystore begins: JKS, JCEKS, and in PKCS #12 what follows the six bytes of its length.
const KEYSTORES: [&[u8]; 3] = [b"/u3+7QAAAA", b"zs7OzgAAAA", b"IBAzCC"];
/// The rule that names what no other rule knows.
pub(super) const RULE: &str = "general-private-key";

/// A private key that has begun.
#[derive(Debug)]
pub(super) struct Pem {
    text: Zeroed,
    began: Mark,
    lines: usize,
    bodies: usize,
    /// How long its first line is, and whether a shorter one, which is the last, was seen.
    width: usize,
    short: bool,
    /// The shortest line that continues it.
    shortest: usize,
    /// Whether a header stood before its first line.
    headed: bool,
    /// Where its lines stand in theirs.
    slot: Option<Slot>,
}

/// What stands around the base64 of a line: the prefix of a logger, the field of a record.
#[derive(Debug, PartialEq, Eq)]
struct Slot {
    before: Vec<u8>,
    behind: Vec<u8>,
}

/// Bytes of a key, wiped when dropped.
#[derive(Default)]
struct Zeroed(Vec<u8>);

impl Drop for Zeroed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Zeroed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// What a line is to a key that has begun.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A part of it.
    Body(Span),
    /// A header or a blank line before it.
    Head,
    /// Its end, with what of it stands before.
    End(Span),
    /// No part of it.
    Broken,
}

/// Whether a private key may begin or end in the bytes.
pub(super) fn is_near(bytes: &[u8]) -> bool {
    static HEADS: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(KEYSTORES.into_iter().chain([&b"PRIVATE KEY"[..]])));
    HEADS.is_in(bytes)
}

/// The base64 of a keystore on a line.
fn keystore(line: &[u8]) -> Option<Span> {
    KEYSTORES.iter().find_map(|head| {
        let at = memchr::memmem::find(line, head)?;
        let start =
            if *head == KEYSTORES[2] { at.checked_sub(6).filter(|&start| line[start..].starts_with(b"MII"))? } else { at };
        let alone = start.checked_sub(1).is_none_or(|before| !is_base64(line[before]) || line[before] == b'=');
        let length = line[start..].iter().take_while(|&&byte| is_base64(byte)).count();
        (alone && length >= KEYSTORE).then(|| Span::new(start, start + length))
    })
}

impl Pem {
    /// The key that a line opens and does not close, and what of it stands on the line already.
    pub(super) fn begin(line: &[u8], began: Mark) -> Option<(Self, Span)> {
        let open = memchr::memmem::rfind(line, b"-----BEGIN ")?;
        let label = &line[open + 11..];
        let close = memchr::memmem::find(label, b"-----")?;
        let name = &label[..close];
        let private = name.ends_with(b"PRIVATE KEY") || name.ends_with(b"PRIVATE KEY BLOCK");
        let body = open + 11 + close + 5;
        if !private || name.len() > 40 || memchr::memmem::find(&line[body..], b"-----END ").is_some() {
            return None;
        }
        let mut pem = Self::new(began, 1);
        pem.keep(&line[open..body]);
        pem.keep(b"\n");
        let rest = line[body..].iter().take_while(|&&byte| is_base64(byte) || matches!(byte, b'\\')).count();
        let span = Span::new(body, body + rest);
        // `\n` alone is no key.
        let span = if rest < SHORTEST { Span::new(body, body) } else { span };
        if !span.is_empty() {
            pem.keep(&line[span.range()]);
            pem.bodies += 1;
        }
        Some((pem, span))
    }

    /// The keystore that a line opens, whether it may go on in the next, and what of it stands on the line.
    pub(super) fn begin_keystore(line: &[u8], began: Mark) -> Option<(Self, bool, Span)> {
        let span = keystore(line)?;
        let mut pem = Self::new(began, KEYSTORE);
        pem.keep(&line[span.range()]);
        pem.bodies = 1;
        let behind = &line[span.end..];
        let goes_on = behind.iter().all(|byte| byte.is_ascii_whitespace() || *byte == b'\\') && line[span.end - 1] != b'=';
        Some((pem, goes_on, span))
    }

    fn new(began: Mark, shortest: usize) -> Self {
        let text = Zeroed::default();
        Self { text, began, lines: 0, bodies: 0, width: 0, short: false, shortest, headed: false, slot: None }
    }

    /// What the next line is.
    pub(super) fn line(&mut self, line: &[u8]) -> Step {
        self.lines += 1;
        if let Some(end) = memchr::memmem::find(line, b"-----END ") {
            let span = body_of(&line[..end]).or_else(|| self.in_slot(&line[..end])).unwrap_or(Span::new(end, end));
            self.keep(&line[span.range()]);
            self.keep(b"\n");
            let name = line[end..].iter().take(60).take_while(|byte| !byte.is_ascii_control()).count();
            self.keep(&line[end..end + name]);
            return Step::End(span);
        }
        if self.bodies == 0 && self.lines <= HEADERS && (is_head(line) || self.headed && body_of(line).is_none()) {
            self.headed |= !line.trim_ascii().is_empty();
            return Step::Head;
        }
        let fits = |span: &Span| match self.bodies {
            0 => span.len() >= SHORTEST,
            _ => !self.short && (self.width == 0 && span.len() >= self.shortest || (1..=self.width).contains(&span.len())),
        };
        // Its last line may be too short to be known by itself: it stands where the others stood.
        match body_of(line).or_else(|| quoted(line)).filter(fits).or_else(|| self.in_slot(line).filter(fits)) {
            Some(span) => {
                self.slot.get_or_insert_with(|| Slot::around(line, span));
                self.short = self.width > span.len();
                self.width = self.width.max(span.len());
                self.bodies += 1;
                self.keep(&line[span.range()]);
                self.keep(b"\n");
                Step::Body(span)
            }
            None => Step::Broken,
        }
    }

    /// What of a line whose end has not come may be a part of it.
    pub(super) fn peek(&self, line: &[u8]) -> Option<Span> {
        body_of(line).or_else(|| quoted(line)).or_else(|| {
            let length = line.iter().rev().take_while(|&&byte| is_base64(byte)).count();
            let span = Span::new(line.len() - length, line.len());
            let slot = self.slot.as_ref().filter(|slot| slot.before == Slot::around(line, span).before);
            slot.filter(|_| length > 0).map(|_| span)
        })
    }

    /// The base64 that stands in a line where it stood in the first.
    fn in_slot(&self, line: &[u8]) -> Option<Span> {
        let slot = self.slot.as_ref().filter(|slot| !slot.before.is_empty())?;
        let mut at = 0;
        while at < line.len() {
            let length = line[at..].iter().take_while(|&&byte| is_base64(byte)).count();
            let span = Span::new(at, at + length);
            // Base64 of whole bytes; an escape at its end is none of it.
            if length > 0 && length.is_multiple_of(4) && Slot::around(line, span) == *slot {
                return Some(span);
            }
            at += length.max(1);
        }
        None
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = KEPT.saturating_sub(self.text.0.len());
        self.text.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Whether a line says where it ends.
    pub(super) fn wants_end(&self) -> bool {
        self.shortest < KEYSTORE
    }

    /// The credential that ended at `at`; none if there was no key behind the opening line.
    pub(super) fn close(self, eye: &Eye, at: usize, truncated: bool) -> Option<Hit> {
        if self.bodies == 0 {
            return None;
        }
        let sight = eye.look(&self.text.0, 0..self.text.0.len()).unwrap_or_default();
        let known = sight.seen.into_iter().find(|seen| seen.credential.class == Class::PrivateKey);
        let span = Span::new(at, at);
        let (credential, label) = match known {
            Some(seen) => (Credential { span, because: Vec::new(), ..seen.credential }, seen.label),
            None => (unknown(&self.text.0, span), None),
        };
        let credential = Some(Box::new(credential));
        Some(Hit { span, class: Class::PrivateKey, credential, label, truncated, began: Some(self.began) })
    }
}

impl Slot {
    /// A few bytes before, where any number is like any other, and two behind.
    fn around(line: &[u8], span: Span) -> Self {
        let mut before: Vec<u8> = Vec::with_capacity(SLOT);
        for &byte in line[..span.start].iter().rev() {
            let byte = if byte.is_ascii_digit() { b'0' } else { byte };
            if byte == b'0' && before.last() == Some(&b'0') {
                continue;
            }
            if before.len() == SLOT {
                break;
            }
            before.push(byte);
        }
        Self { before, behind: line[span.end..].trim_ascii_end().iter().take(2).copied().collect() }
    }
}

/// A private key that no rule reads.
fn unknown(text: &[u8], span: Span) -> Credential {
    Credential {
        rule: RULE.into(),
        provider: None,
        candidates: Vec::new(),
        alternatives: Vec::new(),
        class: Class::PrivateKey,
        environment: Environment::Unknown,
        moves_funds: false,
        confidence: Confidence::Weak,
        secret: Secret::new(text, 0),
        span,
        view: View::Plain,
        because: Vec::new(),
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// The base64 at the end of a line: all of it, or what stands behind the prefix of a logger.
fn body_of(line: &[u8]) -> Option<Span> {
    let glue = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b',' | b'\\' | b'|');
    let mut end = line.len();
    while end > 0 && glue(line[end - 1]) {
        end -= 1;
    }
    // `\n` before a quote: the letter is no part of the key.
    let escape = end > 1 && line.get(end - 2) == Some(&b'\\') && matches!(line[end - 1], b'n' | b'r') && end < line.len();
    if escape {
        end -= 2;
        if end > 1 && line[end - 2] == b'\\' && line[end - 1] == b'r' {
            end -= 2;
        }
    }
    let start = end - line[..end].iter().rev().take_while(|&&byte| is_base64(byte)).count();
    let whole = line[..start].iter().all(|&byte| glue(byte) || byte == b'>');
    let length = end - start;
    let behind_prefix = length >= 2 * SHORTEST && start > 0 && !line[start - 1].is_ascii_alphanumeric();
    (length > 0 && (whole || behind_prefix)).then_some(Span::new(start, end))
}

/// The base64 that fills a string of a record in which other fields may follow.
fn quoted(line: &[u8]) -> Option<Span> {
    let mut at = 0;
    loop {
        at += memchr::memchr(b'"', &line[at..])? + 1;
        let length = line[at..].iter().take_while(|&&byte| is_base64(byte)).count();
        if length >= KEYSTORE && matches!(line.get(at + length), Some(b'"' | b'\\')) {
            return Some(Span::new(at, at + length));
        }
        at += length;
    }
}

/// `Proc-Type: 4,ENCRYPTED`, a blank line.
fn is_head(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let heads: [&[u8]; 5] = [b"Proc-Type:", b"DEK-Info:", b"Version:", b"Comment:", b"Charset:"];
    line.is_empty()
        || heads.iter().any(|head| line.starts_with(head))
        || heads[..2].iter().any(|head| memchr::memmem::find(line, head).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::examples::expand;

    fn text(template: &str) -> String {
        expand(template, "pem").unwrap()
    }

    #[test]
    fn a_body_stands_alone_or_behind_a_prefix() {
        let line = text("{base64:64}\n");
        assert_eq!(body_of(line.as_bytes()), Some(Span::new(0, 64)));
        let line = text("    \"{base64:63}A\\n\",\n");
        assert_eq!(body_of(line.as_bytes()), Some(Span::new(5, 69)));
        let line = text("2026-03-12T09:11:07Z stdout F {base64:64}\n");
        assert_eq!(body_of(line.as_bytes()), Some(Span::new(30, 94)));
        for none in ["", "\n", "connection closed.\n", "a b\n", "2026-03-12 INFO ok\n"] {
            assert_eq!(body_of(none.as_bytes()), None, "{none:?}");
        }
    }

    #[test]
    fn the_last_line_stands_where_the_others_stood() {
        for (before, behind) in [
            ("2026-03-12T09:11:07.491Z INFO [main] ", ""),
            ("{\"MESSAGE\":\"", "\",\"_PID\":\"17\"}"),
            ("<14>Mar 12 09:11:07 node2 pay[1956]: ", "\\r"),
            ("| ", " |"),
        ] {
            let mut pem = Pem::begin(b"-----BEGIN EC PRIVATE KEY-----\n", Mark::default()).unwrap().0;
            for (body, number) in [("{base64:64}", 1), ("{base64:64}", 22), ("{base64:22}==", 303)] {
                let before = before.replace("07", &format!("0{number}"));
                let body = text(body);
                let line = format!("{before}{body}{behind}\n");
                let span = Span::new(before.len(), before.len() + body.len());
                assert_eq!(pem.peek(&line.as_bytes()[..span.end]), Some(span), "{line}");
                assert_eq!(pem.line(line.as_bytes()), Step::Body(span), "{line}");
            }
            let next = format!("{before}done{behind}\n");
            assert_eq!(pem.line(next.as_bytes()), Step::Broken, "nothing follows a short line: {next}");
        }
        // Words where base64 stood, and base64 where words stand.
        let mut pem = Pem::begin(b"-----BEGIN PRIVATE KEY-----\n", Mark::default()).unwrap().0;
        let line = text("2026-03-12T09:11:07Z {base64:64}\n");
        assert!(matches!(pem.line(line.as_bytes()), Step::Body(_)));
        for line in ["2026-03-12T09:11:07Z connection closed.\n", "2026-03-12T09:11:07Z closed\n", "done {base64:8}\n"] {
            assert_eq!(pem.line(text(line).as_bytes()), Step::Broken, "{line}");
        }
    }

    #[test]
    fn headers_stand_behind_prefixes_too() {
        let mut pem = Pem::begin(b"x: -----BEGIN RSA PRIVATE KEY-----\n", Mark::default()).unwrap().0;
        for line in ["x: Proc-Type: 4,ENCRYPTED\n", "x: DEK-Info: AES-128-CBC,{HEX:32}\n", "x: \n"] {
            assert_eq!(pem.line(text(line).as_bytes()), Step::Head, "{line}");
        }
        assert!(matches!(pem.line(text("x: {base64:64}\n").as_bytes()), Step::Body(_)));
    }

    #[test]
    fn keystores_open_by_their_first_bytes() {
        for (head, rest) in
            [("/u3+7QAAAAIAAAAB", "{base64:60}"), ("MIIJ", "aQIBAzCC{base64:60}"), ("zs7OzgAAAAIAAAAB", "{base64:60}")]
        {
            let line = text(&format!("keystore: {head}{rest}\n"));
            let (_, goes_on, span) = Pem::begin_keystore(line.as_bytes(), Mark::default()).unwrap();
            assert_eq!((goes_on, span), (true, Span::new(10, line.len() - 1)), "{head}");
            let quoted = line.replace(head, &format!("\"{head}")).replace('\n', "\",\n");
            assert!(!Pem::begin_keystore(quoted.as_bytes(), Mark::default()).unwrap().1, "closed by its quote");
        }
        for none in ["/u3+7QAAAAIAAAAB\n", "x/u3+7QAAAAI{base64:60}\n", "{base64:30}IBAzCC{base64:60}\n"] {
            assert!(Pem::begin_keystore(text(none).as_bytes(), Mark::default()).is_none(), "{none}");
        }
    }

    #[test]
    fn only_private_keys_open_and_only_without_their_end() {
        let begins = |line: &str| Pem::begin(line.as_bytes(), Mark::default()).is_some();
        assert!(begins("-----BEGIN RSA PRIVATE KEY-----\n"));
        assert!(begins("x: \"-----BEGIN PGP PRIVATE KEY BLOCK-----\n"));
        assert!(!begins("-----BEGIN CERTIFICATE-----\n"));
        assert!(!begins("-----BEGIN PUBLIC KEY-----\n"));
        assert!(!begins(&text("-----BEGIN PRIVATE KEY-----\\n{base64:64}\\n-----END PRIVATE KEY-----\n")));
        assert!(!begins("PRIVATE KEY\n"));
    }
}
