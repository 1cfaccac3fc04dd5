//! Names of variables, keys and headers, compared without case and separators.

use serde::{Deserialize, Serialize};

use super::late::Text;

/// A name as it is compared: letters and digits only, lower case.
pub fn normalise(name: &[u8]) -> String {
    kept(name, |byte| byte.is_ascii_alphanumeric())
}

/// The bytes that are kept, in lower case: all of them are ASCII.
fn kept(name: &[u8], is_kept: impl Fn(u8) -> bool) -> String {
    let mut kept = vec![0; name.len()];
    let mut length = 0;
    // No branch depends on the bytes.
    for &byte in name {
        kept[length] = byte.to_ascii_lowercase();
        length += usize::from(is_kept(byte));
    }
    kept.truncate(length);
    String::from_utf8(kept).unwrap_or_default()
}

/// The words of a name, lower case: split where letters, digits and separators meet and at the
/// humps of camel case.
pub fn words(name: &[u8]) -> Vec<String> {
    let mut words = Vec::new();
    each_word(name, |_, word| words.push(word.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect()));
    words
}

/// Every word of a name as it stands, and what separates it from the one before.
pub fn each_word<'a>(name: &'a [u8], mut act: impl FnMut(&'a [u8], &'a [u8])) {
    let mut behind = 0;
    let mut at = 0;
    while at < name.len() {
        if !name[at].is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        let start = at;
        at += 1;
        while at < name.len() && name[at].is_ascii_alphanumeric() && !is_hump(name, at) {
            at += 1;
        }
        act(&name[behind..start], &name[start..at]);
        behind = at;
    }
}

/// The words of a name, lower case: what [`words`] gives, without the heap for names of ordinary length.
#[derive(Clone, Debug)]
pub struct NameWords {
    /// The words, one directly behind the other: the normal form of the name.
    text: [u8; SHORT],
    /// Where each word ends.
    ends: [u8; SHORT],
    count: usize,
    /// The same for names that are longer.
    long: Option<Box<(Vec<u8>, Vec<usize>)>>,
}

/// The longest name that needs no heap.
const SHORT: usize = 64;

/// What a byte is in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Other,
    Lower,
    Upper,
    Digit,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0u8;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'a'..=b'z' => Class::Lower,
            b'A'..=b'Z' => Class::Upper,
            b'0'..=b'9' => Class::Digit,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

impl NameWords {
    /// The words of a name.
    pub fn of(name: &[u8]) -> Self {
        let mut all = Self { text: [0; SHORT], ends: [0; SHORT], count: 0, long: None };
        if name.len() > SHORT {
            let (mut text, mut ends) = (Vec::new(), Vec::new());
            each_word(name, |_, word| {
                text.extend(word.iter().map(u8::to_ascii_lowercase));
                ends.push(text.len());
            });
            all.count = ends.len();
            all.long = Some(Box::new((text, ends)));
            return all;
        }
        let (mut end, mut last) = (0, Class::Other);
        for (at, &byte) in name.iter().enumerate() {
            let class = CLASSES[usize::from(byte)];
            if class != Class::Other {
                let next = || name.get(at + 1).is_some_and(u8::is_ascii_lowercase);
                let begins = match (last, class) {
                    (Class::Other, _) | (Class::Lower, Class::Upper) => true,
                    (Class::Upper, Class::Upper) => next(),
                    (last, class) => (last == Class::Digit) != (class == Class::Digit),
                };
                if begins && end > 0 {
                    all.ends[all.count] = end;
                    all.count += 1;
                }
                all.text[usize::from(end)] = byte.to_ascii_lowercase();
                end += 1;
            }
            last = class;
        }
        if end > 0 {
            all.ends[all.count] = end;
            all.count += 1;
        }
        all
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn end(&self, at: usize) -> usize {
        self.long.as_ref().map_or_else(|| usize::from(self.ends[at]), |long| long.1[at])
    }

    fn text(&self) -> &[u8] {
        self.long.as_ref().map_or(&self.text[..], |long| &long.0)
    }

    /// Words one directly behind the other.
    pub fn joined(&self, words: std::ops::Range<usize>) -> &[u8] {
        let start = if words.start == 0 { 0 } else { self.end(words.start - 1) };
        let end = if words.end == 0 { 0 } else { self.end(words.end - 1) };
        self.text().get(start..end).unwrap_or_default()
    }

    /// The word of that number.
    pub fn get(&self, at: usize) -> Option<&[u8]> {
        (at < self.count).then(|| self.joined(at..at + 1))
    }

    /// The last word.
    pub fn last(&self) -> Option<&[u8]> {
        self.get(self.count.checked_sub(1)?)
    }

    /// Every word.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let (text, mut start) = (self.text(), 0);
        (0..self.count).map(move |at| {
            let end = self.end(at);
            &text[std::mem::replace(&mut start, end)..end]
        })
    }

    /// Whether one of the words is one of those.
    pub fn has(&self, wanted: &[&str]) -> bool {
        self.iter().any(|word| is_one_of(word, wanted))
    }

    /// The name as it is compared: what [`normalise`] gives.
    pub fn normal(&self) -> &[u8] {
        self.joined(0..self.count)
    }

    /// The words but one.
    #[must_use]
    pub fn without(&self, at: usize) -> Self {
        let kept: Vec<&[u8]> = self.iter().enumerate().filter(|(number, _)| *number != at).map(|(_, word)| word).collect();
        Self::of(&kept.join(&b'_'))
    }
}

/// Whether a word is one of those.
pub fn is_one_of(word: &[u8], wanted: &[&str]) -> bool {
    wanted.iter().any(|wanted| wanted.as_bytes() == word)
}

/// Whether another word begins between two letters or digits.
fn is_hump(name: &[u8], at: usize) -> bool {
    let (last, byte) = (name[at - 1], name[at]);
    let next_is_lower = name.get(at + 1).is_some_and(u8::is_ascii_lowercase);
    byte.is_ascii_uppercase() && (last.is_ascii_lowercase() || last.is_ascii_uppercase() && next_is_lower)
        || last.is_ascii_digit() != byte.is_ascii_digit()
}

/// A name with `*` for anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct NamePattern {
    source: Text,
    /// The pattern as it is compared: what stands between the stars is normalised.
    normal: Text,
}

impl NamePattern {
    /// Reads a pattern; it needs at least three letters or digits. A `*` stands for anything, a `+` in front for
    /// something.
    pub fn parse(source: &str) -> Result<Self, String> {
        let open = source.strip_prefix('+').map(|rest| format!("*{rest}"));
        let open = open.as_deref().unwrap_or(source);
        let normal = kept(open.as_bytes(), |byte| byte.is_ascii_alphanumeric() || byte == b'*');
        let pattern = Self { source: source.to_owned().into(), normal: normal.into() };
        if pattern.specificity() < 3 {
            return Err(format!("{source:?} has fewer than three letters or digits"));
        }
        Ok(pattern)
    }

    /// The pattern as it was written.
    pub fn source(&self) -> &Text {
        &self.source
    }

    /// The pattern as it is compared, with its stars.
    pub fn normal(&self) -> &str {
        &self.normal
    }

    /// Whether it holds a `*`.
    pub fn is_open(&self) -> bool {
        self.normal.contains('*')
    }

    /// How many letters and digits it asks for: the more, the better it knows what it names.
    pub fn specificity(&self) -> usize {
        self.normal.bytes().filter(|&byte| byte != b'*').count()
    }

    /// Whether a normalised name fits.
    pub fn matches(&self, name: &str) -> bool {
        let Some((first, rest)) = self.normal.split_once('*') else { return *self.normal == *name };
        if self.source.starts_with('+') && name.len() <= self.specificity() {
            return false;
        }
        let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        // The last byte decides most of the time, and costs no call.
        if name.as_bytes().last() != last.as_bytes().last() && !last.is_empty() {
            return false;
        }
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        for part in middle.split('*').filter(|part| !part.is_empty()) {
            // A searcher would cost more than these few bytes.
            let Some(at) = rest.as_bytes().windows(part.len()).position(|there| there == part.as_bytes()) else {
                return false;
            };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_without_case_and_separators() {
        assert_eq!(normalise(b"X-Client_Secret"), "xclientsecret");
        assert_eq!(words(b"payCA_clientSecretV2"), ["pay", "ca", "client", "secret", "v", "2"]);
        assert_eq!(words(b"STRIPE_LIVE_SECRET_KEY"), ["stripe", "live", "secret", "key"]);
        assert_eq!(words(b"APIKeyLive"), ["api", "key", "live"]);
    }

    #[test]
    fn words_without_the_heap_are_the_same_words() {
        let long = "STRIPE_LIVE_secretKey2_".repeat(9);
        for name in [
            "",
            "--",
            "payCA_clientSecretV2",
            "STRIPE_LIVE_SECRET_KEY",
            "APIKeyLive",
            "a.b.c",
            "HTMLParser2Go",
            "x9Y",
            "9aB",
            "A",
            "--Ab-",
            "\u{e9}t\u{e9}",
            &long,
        ] {
            let (all, expected) = (NameWords::of(name.as_bytes()), words(name.as_bytes()));
            assert_eq!(all.iter().collect::<Vec<_>>(), expected.iter().map(String::as_bytes).collect::<Vec<_>>(), "{name}");
            assert_eq!(all.normal(), normalise(name.as_bytes()).as_bytes(), "{name}");
            assert_eq!(all.last(), expected.last().map(String::as_bytes), "{name}");
            assert_eq!(all.is_empty(), expected.is_empty(), "{name}");
            if let [first, second, ..] = &expected[..] {
                assert_eq!(all.joined(0..2), format!("{first}{second}").as_bytes());
                assert_eq!(all.without(0).iter().next(), Some(second.as_bytes()));
            }
        }
        assert!(NameWords::of(b"live_key").has(&["live"]) && !NameWords::of(b"alive").has(&["live"]));
    }

    #[test]
    fn patterns() {
        let matches = |pattern: &str, name: &str| NamePattern::parse(pattern).unwrap().matches(&normalise(name.as_bytes()));
        assert!(matches("PAYCA_CLIENT_SECRET", "payca.client-secret"));
        assert!(!matches("PAYCA_CLIENT_SECRET", "MY_PAYCA_CLIENT_SECRET"));
        assert!(matches("*_CLIENT_SECRET", "MY_PAYCA_CLIENT_SECRET"));
        assert!(matches("*_CLIENT_SECRET", "clientSecret"));
        assert!(matches("+key", "HUNTER_KEY") && matches("+key", "xkey") && !matches("+key", "key") && !matches("+key", "keys"));
        assert!(matches("paychain*payout*key", "PAYCHAIN_HQ_PAYOUT_API_KEY"));
        assert!(!matches("paychain*payout*key", "PAYCHAIN_API_KEY"));
        assert!(matches("STRIPE_*", "stripe_key"));
        assert!(!matches("ab*ba", "aba"), "the ends do not share a letter");
        assert!(NamePattern::parse("k*").is_err());
    }
}
