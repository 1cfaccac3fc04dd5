//! What is written instead of a secret: inert in JSON, logfmt, CSV, XML and a shell, and known again when
//! it comes back as input.

use crate::credential::{Class, Fingerprint, FingerprintKey};
use crate::span::Span;

/// How a redaction begins.
const OPEN: &str = "[REDACTED:";
/// How the stub of a record that could not be scanned begins.
const STUB: &str = "[QUARANTINED:";

/// How a secret is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mask {
    /// `[REDACTED:standard-api-key]`.
    #[default]
    Label,
    /// As many bytes as the secret had.
    SameLength,
    /// The whole fingerprint, to tell one key from another in what the shipper stores.
    Hash,
}

impl Mask {
    /// Every style.
    pub const ALL: [Self; 3] = [Self::Label, Self::SameLength, Self::Hash];

    /// The name of the flag.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::SameLength => "same-length",
            Self::Hash => "hash",
        }
    }

    /// Appends what stands for the bytes at `raw`.
    pub(super) fn write(self, class: Class, print: Option<Fingerprint>, raw: &[u8], out: &mut Vec<u8>) {
        let digits = print.map(|print| print.to_string()[4..].to_owned());
        let text = match (self, digits) {
            (Self::SameLength, _) => same_length(class, letters(raw)),
            (Self::Hash, Some(digits)) => format!("{OPEN}{class}:{digits}]"),
            (Self::Label, Some(digits)) => format!("{OPEN}{class}:{}]", &digits[..8]),
            (Self::Label | Self::Hash, None) => format!("{OPEN}{class}]"),
        };
        push(&text, raw, out);
    }
}

/// The stub of a record that could not be scanned: its length, and which it was.
pub(super) fn stub(record: &[u8], key: &FingerprintKey, out: &mut Vec<u8>) {
    let print = key.is_printable().then(|| key.fingerprint(&crate::credential::Secret::new(record, 0)));
    let digits = print.map(|print| format!(":{}", &print.to_string()[4..12])).unwrap_or_default();
    out.extend_from_slice(format!("{STUB}{}{digits}]", record.len()).as_bytes());
}

fn same_length(class: Class, length: usize) -> String {
    let mut text = format!("{OPEN}{class}");
    text.truncate(length.saturating_sub(1));
    while text.len() + 1 < length {
        text.push('.');
    }
    text.push(']');
    text
}

/// How many letters wide characters write.
fn letters(raw: &[u8]) -> usize {
    if stride(raw) == 1 { raw.len() } else { raw.iter().filter(|&&byte| byte != 0).count() }
}

/// Bytes for each letter: two and four in UTF-16 and UTF-32.
fn stride(raw: &[u8]) -> usize {
    let mut places = raw.iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, _)| at);
    match (places.next(), places.next(), places.next()) {
        (Some(first), Some(second), Some(third)) if second - first == third - second && matches!(second - first, 2 | 4) => {
            second - first
        }
        _ => 1,
    }
}

/// Appends text in the width of what it stands for.
fn push(text: &str, raw: &[u8], out: &mut Vec<u8>) {
    let stride = stride(raw);
    if stride == 1 {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let zeros = |count: usize| std::iter::repeat_n(0, count);
    let lead = raw.iter().take_while(|&&byte| byte == 0).count();
    let tail = raw.iter().rev().take_while(|&&byte| byte == 0).count();
    out.extend(zeros(lead));
    for (at, byte) in text.bytes().enumerate() {
        out.extend(zeros(if at == 0 { 0 } else { stride - 1 }));
        out.push(byte);
    }
    out.extend(zeros(tail));
}

/// Whether a value is the fingerprint in a redaction of ours.
pub(super) fn is_ours(bytes: &[u8], value: Span) -> bool {
    let digits = &bytes[value.range()];
    let hex = matches!(digits.len(), 8 | 32) && digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let before = &bytes[value.start.saturating_sub(48)..value.start];
    hex && bytes.get(value.end) == Some(&b']')
        && Class::ALL.iter().any(|class| before.ends_with(format!("{OPEN}{class}:").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Secret;

    fn written(mask: Mask, raw: &[u8], print: bool) -> String {
        let key = FingerprintKey::kept(b"sixteen bytes or more");
        let mut out = Vec::new();
        mask.write(Class::StandardApiKey, print.then(|| key.fingerprint(&Secret::new(raw, 0))), raw, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn masks_are_inert() {
        for mask in Mask::ALL {
            for print in [true, false] {
                let text = written(mask, b"some secret of thirty bytes 30", print);
                let inert = |byte: u8| byte.is_ascii_alphanumeric() || b"_:.-[]".contains(&byte);
                assert!(text.bytes().all(inert), "{text}");
                assert_eq!(mask == Mask::SameLength, text.len() == 30, "{text}");
            }
        }
    }

    #[test]
    fn a_mask_of_the_same_length_for_any_length() {
        for length in 1..80 {
            assert_eq!(written(Mask::SameLength, &vec![b'x'; length], false).len(), length);
        }
    }

    #[test]
    fn wide_text_stays_wide() {
        let wide: Vec<u8> = "some secret".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let text = written(Mask::Label, &wide, false);
        assert_eq!(text.replace('\0', ""), "[REDACTED:standard-api-key]");
        assert_eq!(text.len(), 2 * 27);
        assert_eq!(written(Mask::Label, &wide[..wide.len() - 1], false).len(), 2 * 27 - 1);
        assert_eq!(written(Mask::SameLength, &wide, false).len(), wide.len());
    }

    #[test]
    fn a_fingerprint_of_ours_is_known_again() {
        let text = written(Mask::Hash, b"some secret", true);
        let start = text.rfind(':').unwrap() + 1;
        assert!(is_ours(text.as_bytes(), Span::new(start, text.len() - 1)));
        assert!(!is_ours(text.as_bytes(), Span::new(start + 1, text.len() - 1)));
        assert!(!is_ours(&text.as_bytes()[1..], Span::new(start - 1, text.len() - 2)));
    }
}
