//! Private keys that go over lines: from the line that opens one to the line that closes it, or to one
//! that is no part of it.

use zeroize::Zeroize;

use super::decide::{Hit, Mark};
use super::eye::Eye;
use crate::credential::{Class, Confidence, Credential, Environment, Secret, View};
use crate::span::Span;

/// More of a key than this is redacted, not kept.
const KEPT: usize = 8 * 1024;
/// A first line of base64 that is shorter is a placeholder.
const SHORTEST: usize = 16;
/// Headers and blank lines that may stand between the opening line and the key.
const HEADERS: usize = 6;
/// A keystore is no shorter.
const KEYSTORE: usize = 40;
/// How the base64 of a keystore begins: JKS, JCEKS, and in PKCS #12 what follows the six bytes of its length.
const KEYSTORES: [&[u8]; 3] = [b"/u3+7QAAAA", b"zs7OzgAAAA", b"IBAzCC"];
/// The rule that names what no other rule knows.
const RULE: &str = "general-private-key";

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
    memchr::memmem::find(bytes, b"PRIVATE KEY").is_some()
        || KEYSTORES.iter().any(|head| memchr::memmem::find(bytes, head).is_some())
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
        Self { text: Zeroed::default(), began, lines: 0, bodies: 0, width: 0, short: false, shortest }
    }

    /// What the next line is.
    pub(super) fn line(&mut self, line: &[u8]) -> Step {
        self.lines += 1;
        if let Some(end) = memchr::memmem::find(line, b"-----END ") {
            let span = body_of(&line[..end]).unwrap_or(Span::new(end, end));
            self.keep(&line[span.range()]);
            self.keep(b"\n");
            let name = line[end..].iter().take(60).take_while(|byte| !byte.is_ascii_control()).count();
            self.keep(&line[end..end + name]);
            return Step::End(span);
        }
        if self.bodies == 0 && self.lines <= HEADERS && is_head(line) {
            return Step::Head;
        }
        let fits = |span: &Span| match self.bodies {
            0 => span.len() >= SHORTEST,
            _ => !self.short && (self.width == 0 && span.len() >= self.shortest || (1..=self.width).contains(&span.len())),
        };
        match body_of(line).filter(fits) {
            Some(span) => {
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
pub(super) fn body_of(line: &[u8]) -> Option<Span> {
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

/// `Proc-Type: 4,ENCRYPTED`, a blank line.
fn is_head(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let heads: [&[u8]; 5] = [b"Proc-Type:", b"DEK-Info:", b"Version:", b"Comment:", b"Charset:"];
    line.is_empty() || heads.iter().any(|head| line.starts_with(head))
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
