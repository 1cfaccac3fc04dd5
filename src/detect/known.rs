//! The team's own keys, known by keyed fingerprint: found with certainty whatever their shape, and never
//! held in clear.
//!
//! Length and alphabet pick the runs that may be one, sixteen keyed bits drop all but one in 65,536 of
//! those, and the fingerprint decides. So a stream pays for an HMAC only where a key is.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::credential::{Class, Confidence, Credential, Environment, Evidence, FingerprintKey, Secret, View};
use crate::span::Span;

/// The first line of a list.
const HEAD: &str = "# keyfence known keys 1: label, environment, class, length, alphabet, filter, fingerprint, added";
/// Shorter values would be found in words.
pub const SHORTEST: usize = 12;
/// Longer ones are no token.
pub const LONGEST: usize = 1024;

/// Fewer bytes of a key say nothing of the others.
const GLIMPSE: usize = 8;
/// No word is longer.
const LONG_WORD: usize = 20;

/// What a value is written with. The narrowest that holds it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Letters {
    /// Hex digits and dashes: also a UUID.
    Hex,
    /// Letters and digits.
    Base62,
    /// Those, `_` and `-`.
    Url,
    /// Those and `+`, `/`, `=`, `.`.
    Base64,
    /// Printable ASCII without white space, quotes and backslash.
    Print,
}

impl Letters {
    const ALL: [Self; 5] = [Self::Hex, Self::Base62, Self::Url, Self::Base64, Self::Print];

    const fn name(self) -> &'static str {
        match self {
            Self::Hex => "hex",
            Self::Base62 => "base62",
            Self::Url => "base64url",
            Self::Base64 => "base64",
            Self::Print => "print",
        }
    }

    /// Whether the byte is one of them.
    pub const fn holds(self, byte: u8) -> bool {
        match self {
            Self::Hex => byte.is_ascii_hexdigit() || byte == b'-',
            Self::Base62 => byte.is_ascii_alphanumeric(),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=' | b'.'),
            Self::Print => byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'`' | b'\\'),
        }
    }

    fn of(value: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|letters| value.iter().all(|&byte| letters.holds(byte)))
    }

    /// Whether the value stands in a run of its own. With punctuation in the alphabet it cannot be told
    /// from what stands around it, so every place is tried.
    const fn has_edges(self) -> bool {
        matches!(self, Self::Hex | Self::Base62 | Self::Url)
    }
}

/// Why a list or a value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownError(String);

impl fmt::Display for KnownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for KnownError {}

/// What is said of a key when it is added.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Which money it touches.
    pub environment: Environment,
    /// What it opens.
    pub class: Class,
    /// The day.
    pub added: &'a str,
}

/// One key, without the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What the team calls it.
    pub label: String,
    /// Which money it touches.
    pub environment: Environment,
    /// What it opens.
    pub class: Class,
    /// The day it was added, as typed into the list.
    pub added: String,
    length: usize,
    letters: Letters,
    filter: u16,
    fingerprint: String,
}

/// The keys that are looked for, and the key of their fingerprints.
#[derive(Clone, Debug)]
pub struct Known {
    entries: Vec<Entry>,
    labels: Vec<Arc<str>>,
    by_shape: BTreeMap<(Letters, usize), Vec<usize>>,
    key: FingerprintKey,
    seed: [u64; 2],
}

/// A key that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Where.
    pub span: Span,
    entry: usize,
    label: Arc<str>,
}

impl Hit {
    /// What the team calls it.
    pub fn label(&self) -> Arc<str> {
        Arc::clone(&self.label)
    }
}

impl Known {
    /// No key yet.
    pub fn empty(key: FingerprintKey) -> Self {
        // Sixteen bits of a keyed hash stand in the list; a seed from the key keeps them meaningless without it.
        let seed = ["keyfence known filter a", "keyfence known filter b"].map(|text| {
            let print = key.fingerprint(&Secret::new(text.as_bytes(), 0)).to_string();
            u64::from_str_radix(&print[4..20], 16).unwrap_or_default() | 1
        });
        Self { entries: Vec::new(), labels: Vec::new(), by_shape: BTreeMap::new(), key, seed }
    }

    /// Reads a list.
    pub fn parse(text: &str, key: FingerprintKey) -> Result<Self, KnownError> {
        let mut known = Self::empty(key);
        let mut lines = text.lines().enumerate();
        if lines.next().map(|(_, line)| line) != Some(HEAD) {
            return Err(KnownError("not a list of known keys, or one of another version".to_owned()));
        }
        for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#')) {
            let entry = Entry::parse(line).ok_or_else(|| KnownError(format!("line {}: no known key can be read", at + 1)))?;
            known.push(entry).map_err(|error| KnownError(format!("line {}: {error}", at + 1)))?;
        }
        Ok(known)
    }

    /// Adds a value under a label; the value itself is not kept.
    pub fn add(&mut self, label: &str, about: About<'_>, value: &Secret) -> Result<&Entry, KnownError> {
        let About { environment, class, added } = about;
        let refuse = |why: &str| Err(KnownError(why.to_owned()));
        if label.is_empty() || label.contains(char::is_whitespace) || label.starts_with('#') {
            return refuse("a label is one word");
        }
        if !(SHORTEST..=LONGEST).contains(&value.len()) {
            return Err(KnownError(format!("a known key has {SHORTEST} to {LONGEST} bytes, this has {}", value.len())));
        }
        let mut letters = None;
        value.check(|bytes| {
            letters = Letters::of(bytes);
            true
        });
        let Some(letters) = letters else {
            return refuse("a known key has no blanks, quotes, backslashes or bytes beyond ASCII");
        };
        let mut filter = 0;
        value.check(|bytes| {
            filter = self.filter(bytes);
            true
        });
        let fingerprint = self.key.fingerprint(value).to_string();
        if let Some(same) = self.entries.iter().find(|entry| entry.fingerprint == fingerprint) {
            return Err(KnownError(format!("this key is known already, as {}", same.label)));
        }
        let added = added.to_owned();
        let entry =
            Entry { label: label.to_owned(), environment, class, added, length: value.len(), letters, filter, fingerprint };
        self.push(entry)?;
        Ok(&self.entries[self.entries.len() - 1])
    }

    fn push(&mut self, entry: Entry) -> Result<(), KnownError> {
        if self.entries.iter().any(|other| other.label == entry.label) {
            return Err(KnownError(format!("the label {} is taken", entry.label)));
        }
        self.by_shape.entry((entry.letters, entry.length)).or_default().push(self.entries.len());
        self.labels.push(entry.label.as_str().into());
        self.entries.push(entry);
        Ok(())
    }

    /// Every key.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Only the key of that label.
    #[must_use]
    pub fn only(&self, label: &str) -> Option<Self> {
        let entry = self.entries.iter().find(|entry| entry.label == label)?.clone();
        let mut one = Self::empty(self.key.clone());
        one.push(entry).ok()?;
        Some(one)
    }

    /// The list as it stands in a file.
    pub fn to_text(&self) -> String {
        let rows = self.entries.iter().map(Entry::row);
        std::iter::once(format!("{HEAD}\n")).chain(rows).collect()
    }

    /// Every known key that begins in the core, in order.
    pub fn find(&self, bytes: &[u8], core: Range<usize>) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        let shapes: Vec<(Letters, usize, &[usize])> =
            self.by_shape.iter().map(|(&(letters, length), entries)| (letters, length, entries.as_slice())).collect();
        // The bytes are read once for each alphabet, however many keys of however many lengths it has.
        for alike in shapes.chunk_by(|one, other| one.0 == other.0) {
            let (letters, shortest, _) = alike[0];
            runs(bytes, core.clone(), letters, |run| {
                // Nearly every run is shorter.
                if run.len() < shortest {
                    return;
                }
                for &(_, length, entries) in alike.iter().take_while(|(_, length, _)| *length <= run.len()) {
                    let starts = run.start.max(core.start)..(run.end + 1 - length).min(core.end);
                    let stands = |at: &usize| !letters.has_edges() || is_edge(bytes, run, *at) && is_end(bytes, run, at + length);
                    hits.extend(starts.filter(stands).filter_map(|at| self.entry_at(bytes, at, length, entries)));
                }
            });
        }
        hits.sort_by_key(|hit| hit.span);
        hits
    }

    /// The key of so many bytes that begins at a place, if one of these does.
    fn entry_at(&self, bytes: &[u8], at: usize, length: usize, entries: &[usize]) -> Option<Hit> {
        let span = Span::new(at, at + length);
        let value = bytes.get(span.range())?;
        let filter = self.filter(value);
        let mut near = entries.iter().copied().filter(|&entry| self.entries[entry].filter == filter).peekable();
        near.peek()?;
        let print = self.key.fingerprint(&Secret::new(value, 0)).to_string();
        let entry = near.find(|&entry| self.entries[entry].fingerprint == print)?;
        Some(Hit { span, entry, label: Arc::clone(&self.labels[entry]) })
    }

    /// Where the last word may be the beginning of one of the keys, what would go on with it, and what it opens.
    /// No beginning of a key is kept, so all that can be asked is whether its letters would do.
    pub fn open_at_end(&self, bytes: &[u8], floor: usize) -> Option<(usize, Letters, Class)> {
        let (end, text) = (bytes.len(), &bytes[floor.min(bytes.len())..]);
        let tails = self.by_shape.iter().filter_map(|(&(letters, length), entries)| {
            let run = text.iter().rev().take_while(|&&byte| letters.holds(byte)).count();
            let run = Span::new(end - run, end);
            let first = run.start.max(end.saturating_sub(length));
            let stands = |at: &usize| !letters.has_edges() || is_edge(bytes, run, *at);
            let start = (first..end).find(stands)?;
            let word = &bytes[start..];
            let assigned = start.checked_sub(1).is_some_and(|before| b"=:\"'".contains(&bytes[before]));
            let open = word.len() >= GLIMPSE && (assigned || letters == Letters::Hex || !is_wordy(word));
            open.then(|| (start, letters, self.entries[entries[0]].class))
        });
        // The widest of the alphabets reaches furthest.
        tails.min_by_key(|&(start, letters, _)| (start, Reverse(letters)))
    }

    /// What the team calls a secret that was found in another way, and its environment.
    pub fn label_of(&self, secret: &Secret) -> Option<(Arc<str>, Environment)> {
        let at = self.entries.iter().position(|entry| entry.length == secret.len())?;
        let print = self.key.fingerprint(secret).to_string();
        let entry = self.entries[at..].iter().position(|entry| entry.fingerprint == print)? + at;
        Some((Arc::clone(&self.labels[entry]), self.entries[entry].environment))
    }

    /// A hit as a credential of the rule `rule`.
    pub fn credential(&self, hit: &Hit, bytes: &[u8], rule: &str) -> Credential {
        let entry = &self.entries[hit.entry];
        let fact = format!("known key {}", entry.label);
        Credential {
            rule: rule.into(),
            provider: None,
            candidates: Vec::new(),
            alternatives: Vec::new(),
            class: entry.class,
            environment: entry.environment,
            moves_funds: entry.class.pays_out(),
            confidence: Confidence::Strong,
            secret: Secret::new(&bytes[hit.span.range()], 0),
            span: hit.span,
            view: View::Plain,
            because: vec![Evidence { fact, weight: Some(100), span: Some(hit.span) }],
        }
    }

    /// Sixteen keyed bits of a value.
    fn filter(&self, value: &[u8]) -> u16 {
        let mut state = self.seed[0];
        for chunk in value.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            state = (state ^ u64::from_le_bytes(word)).wrapping_mul(self.seed[1]);
            state ^= state >> 29;
        }
        u16::try_from((state ^ state >> 32) & 0xFFFF).unwrap_or_default()
    }
}

impl Entry {
    fn row(&self) -> String {
        let Self { label, environment, class, added, length, letters, filter, fingerprint } = self;
        format!("{label}\t{environment}\t{class}\t{length}\t{}\t{filter:04x}\t{fingerprint}\t{added}\n", letters.name())
    }

    fn parse(line: &str) -> Option<Self> {
        let parts: Vec<&str> = line.split('\t').collect();
        let [label, environment, class, length, letters, filter, fingerprint, added] = parts[..] else { return None };
        let environments = [Environment::Live, Environment::Sandbox, Environment::Unknown];
        let print = fingerprint.strip_prefix("kf1:")?;
        let length = length.parse().ok().filter(|length| (SHORTEST..=LONGEST).contains(length))?;
        (print.len() == 32 && print.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(())?;
        Some(Self {
            label: label.to_owned(),
            environment: environments.into_iter().find(|known| known.name() == environment)?,
            class: Class::ALL.into_iter().find(|known| known.name() == class)?,
            added: added.to_owned(),
            length,
            letters: Letters::ALL.into_iter().find(|known| known.name() == letters)?,
            filter: u16::from_str_radix(filter, 16).ok()?,
            fingerprint: fingerprint.to_owned(),
        })
    }

    /// The fingerprint, as in a report.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// Whether a run reads like words, numbers or a path, as not one of three hundred random values of eight does.
fn is_wordy(run: &[u8]) -> bool {
    let is_word = |word: &[u8]| {
        let tail = word.get(1..).unwrap_or_default();
        let upper = word.iter().all(u8::is_ascii_uppercase);
        let lower = tail.iter().all(u8::is_ascii_lowercase) && word.iter().all(u8::is_ascii_alphabetic);
        word.iter().all(u8::is_ascii_digit) || upper || lower
    };
    run.split(|byte| !byte.is_ascii_alphanumeric()).all(|word| word.len() <= LONG_WORD && is_word(word))
}

/// Whether a value may begin here in a run: at its start, behind a dash, behind an escape.
fn is_edge(bytes: &[u8], run: Span, at: usize) -> bool {
    let before = &bytes[run.start.saturating_sub(1)..run.start];
    at == run.start
        || matches!(bytes[at - 1], b'-' | b'_')
        || before == b"%" && at == run.start + 2
        || before == b"\\" && at == run.start + 1
}

fn is_end(bytes: &[u8], run: Span, end: usize) -> bool {
    end == run.end || matches!(bytes[end], b'-' | b'_')
}

/// Every run of the letters that overlaps the core.
fn runs(bytes: &[u8], core: Range<usize>, letters: Letters, mut found: impl FnMut(Span)) {
    let mut at = core.start;
    while at > 0 && core.start - at < LONGEST && letters.holds(bytes[at - 1]) {
        at -= 1;
    }
    let mut begin = None;
    while at <= bytes.len() {
        let holds = bytes.get(at).is_some_and(|&byte| letters.holds(byte));
        match begin {
            None if holds && at < core.end => begin = Some(at),
            None if at >= core.end => return,
            Some(from) if !holds => {
                found(Span::new(from, at));
                begin = None;
            }
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::examples::expand;

    const ABOUT: About<'_> = About { environment: Environment::Live, class: Class::PayoutKey, added: "2026-11-22" };

    fn known(templates: &[(&str, &str)]) -> (Known, Vec<String>) {
        let mut known = Known::empty(FingerprintKey::kept(b"sixteen bytes or more"));
        let values: Vec<String> = templates.iter().map(|(label, template)| expand(template, label).unwrap()).collect();
        for ((label, _), value) in templates.iter().zip(&values) {
            let value = Secret::new(value.as_bytes(), 0);
            known.add(label, ABOUT, &value).unwrap();
        }
        (known, values)
    }

    #[test]
    fn opaque_and_uuid_shaped_keys_are_found_wherever_they_stand() {
        let (known, values) = known(&[("payout-eu", "{base62:44}"), ("payca", "{uuid4}"), ("adyen", "a{print:20}z")]);
        let text = format!("a={} b \"{}\" c {}; {}x {}", values[0], values[1], values[2], values[0], &values[1][1..]);
        let hits = known.find(text.as_bytes(), 0..text.len());
        let seen: Vec<_> = hits.iter().map(|hit| (&*hit.label, &text[hit.span.range()])).collect();
        assert_eq!(seen, [("payout-eu", &*values[0]), ("payca", &*values[1]), ("adyen", &*values[2])]);
    }

    #[test]
    fn a_thousand_keys_of_many_lengths_are_each_found() {
        let labels: Vec<(String, String)> = (0..1000)
            .map(|n| (format!("k{n}"), format!("{{{}:{}}}", ["base62", "hex", "base64url"][n % 3], 20 + n % 41)))
            .collect();
        let templates: Vec<(&str, &str)> = labels.iter().map(|(label, template)| (label.as_str(), template.as_str())).collect();
        let (known, values) = known(&templates);
        let text: String = values.iter().flat_map(|value| ["id=", value, " "]).collect();
        let hits = known.find(text.as_bytes(), 0..text.len());
        let seen: Vec<&str> = hits.iter().map(|hit| &*hit.label).collect();
        assert_eq!(seen, templates.iter().map(|(label, _)| *label).collect::<Vec<_>>());
    }

    #[test]
    fn a_word_that_may_begin_a_key_is_open() {
        let (known, values) = known(&[("payout-eu", "{base62:44}"), ("payca", "{uuid4}")]);
        let open = |text: &str| known.open_at_end(text.as_bytes(), 0).map(|(start, ..)| start);
        for value in &values {
            for cut in 8..value.len() {
                assert_eq!(open(&format!("an id {}", &value[..cut])), Some(6), "{cut} of {}", value.len());
            }
            assert_eq!(open(&format!("an id {}", &value[..7])), None);
            assert_eq!(open(&format!("an id {value} ")), None);
        }
        for text in ["Downloading", "still waiting for payments", "at /var/log/payments", "RETRYING", ""] {
            assert_eq!(open(text), None, "{text}");
        }
        assert_eq!(open("token=abcdefghij"), Some(6));
        assert_eq!(open(&"a1B2c3D4".repeat(12)), None, "longer than any of them");
    }

    #[test]
    fn a_list_survives_its_file_and_holds_no_key() {
        let (known, values) = known(&[("payout-eu", "{base62:44}"), ("payca", "{uuid4}")]);
        let text = known.to_text();
        assert!(values.iter().all(|value| !text.contains(&value[..8])));
        let key = || FingerprintKey::kept(b"sixteen bytes or more");
        let again = Known::parse(&text, key()).unwrap();
        assert_eq!(again.entries(), known.entries());
        assert!(Known::parse("x", key()).is_err());
        assert!(Known::parse(&format!("{HEAD}\npayout\tlive"), key()).is_err());
        let line = text.lines().nth(1).unwrap();
        assert!(Known::parse(&format!("{HEAD}\n{line}\n{line}\n"), key()).is_err());
    }

    #[test]
    fn what_cannot_be_found_is_refused() {
        let mut known = Known::empty(FingerprintKey::kept(b"sixteen bytes or more"));
        let mut add = |label: &str, value: &[u8]| known.add(label, ABOUT, &Secret::new(value, 0)).map(|_| ());
        assert!(add("short", b"abc").is_err());
        assert!(add("two words", b"abcdefghijklmnop").is_err());
        assert!(add("blank", b"abcdefgh ijklmnop").is_err());
        assert!(add("one", b"abcdefghijklmnop").is_ok());
        assert!(add("one", b"abcdefghijklmnoq").is_err());
        assert!(add("two", b"abcdefghijklmnop").is_err());
    }
}
