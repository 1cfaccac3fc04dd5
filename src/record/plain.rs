//! Lines that are no JSON: prefixes that tools put in front, pairs of names and values, channels.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem::Finder;

use super::fields::{Field, Meaning, meaning_of, text};
use crate::span::Span;

/// Levels of the loggers that name a channel before them.
const LEVELS: &[&str] = &["DEBUG", "INFO", "NOTICE", "WARNING", "WARN", "ERROR", "CRITICAL", "ALERT", "EMERGENCY", "FATAL"];

/// A longer line is no banner.
pub const BANNER: usize = 300;

/// How far behind the name of a field its value may stand.
const NAME: usize = 48;

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'@')
}

/// The prefix of docker compose, the header of syslog, the channel of a logger, the time.
pub(super) fn prefixes(record: &[u8], offset: usize, found: &mut Vec<Field>) {
    let line = &record[..memchr::memchr(b'\n', record).unwrap_or(record.len())];
    let field = |meaning, name: &str, span: Span| Field {
        meaning,
        name: name.to_owned(),
        value: text(&line[span.range()]).into_owned(),
        span: span.shifted(offset),
    };
    if let Some(bar) = memchr::memmem::find(&line[..line.len().min(80)], b" | ") {
        let name = line[..bar].trim_ascii();
        if !name.is_empty() && name.iter().all(|&byte| is_name(byte)) {
            found.push(field(Meaning::Host, "compose prefix", Span::new(0, name.len())));
        }
    }
    let words = spans(line);
    if let Some(host) = syslog_host(line, &words) {
        found.push(field(Meaning::Host, "syslog host", host));
    }
    if let Some(first) = words.first().filter(|first| is_time(&line[first.range()])) {
        found.push(field(Meaning::Time, "time", *first));
    }
    for word in words.iter().take(8) {
        let part = &line[word.range()];
        // `[ERR] [Production]` of a template that prints the environment.
        let inner = part.strip_prefix(b"[").and_then(|part| part.strip_suffix(b"]")).unwrap_or_default();
        if [&b"production"[..], b"staging"].iter().any(|stage| inner.eq_ignore_ascii_case(stage)) {
            found.push(field(Meaning::Channel, "channel", Span::new(word.start + 1, word.end - 1)));
        }
        let Some(dot) = memchr::memchr(b'.', part) else { continue };
        let level = text(&part[dot + 1..]);
        if LEVELS.contains(&level.trim_end_matches(':')) && part[..dot].iter().all(u8::is_ascii_alphabetic) && dot > 0 {
            found.push(field(Meaning::Channel, "channel", Span::new(word.start, word.start + dot)));
        }
    }
}

/// The words of a line.
fn spans(line: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut at = 0;
    for word in line.split(u8::is_ascii_whitespace).take(12) {
        if !word.is_empty() {
            spans.push(Span::new(at, at + word.len()));
        }
        at += word.len() + 1;
    }
    spans
}

/// `<14>Mar 12 09:11:07 host app[1]:`, `<165>1 2026-03-12T09:11:07Z host app - -`.
fn syslog_host(line: &[u8], words: &[Span]) -> Option<Span> {
    const MONTHS: [&[u8]; 12] = [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let word = |at: usize| words.get(at).map(|span| &line[span.range()]);
    let first = word(0)?;
    let priority = first.first() == Some(&b'<');
    let month = first.rsplit(|&byte| byte == b'>').next().is_some_and(|month| MONTHS.contains(&month));
    let is_clock = |word: &[u8]| word.len() >= 8 && word[2] == b':' && word[5] == b':';
    let behind = if month && word(2).is_some_and(is_clock) {
        3
    } else if priority && first.ends_with(b">1") && word(1).is_some_and(is_time) {
        2
    } else {
        return None;
    };
    let host = words.get(behind)?;
    line[host.range()].iter().all(|&byte| is_name(byte)).then_some(*host)
}

/// `2026-03-12T09:11:07Z`, in brackets too.
fn is_time(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"[").unwrap_or(word);
    matches!(word, [a, b, c, d, b'-', _, _, b'-', ..] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()))
}

/// `env=prod`, `environment="production"`, `[env=prod, x=1]`, `"env": "prod"` in a plain line.
pub(super) fn pairs(record: &[u8], offset: usize, more: &[String], found: &mut Vec<Field>) {
    for equal in memchr::memchr_iter(b'=', record) {
        let length = record[..equal].iter().rev().take(NAME).take_while(|&&byte| is_name(byte)).count();
        let name = &record[equal - length..equal];
        // A parameter of a URL is somebody's business.
        let before = (equal - length).checked_sub(1).map(|at| record[at]);
        if name.is_empty() || matches!(before, Some(b'?' | b'&' | b'/')) {
            continue;
        }
        let value = &record[equal + 1..];
        let value = match value.first() {
            Some(b'"') => &value[1..][..memchr::memchr(b'"', &value[1..]).unwrap_or(0)],
            _ => {
                &value[..value
                    .iter()
                    .take(NAME * 2)
                    .take_while(|byte| byte.is_ascii_graphic() && !b",;]})\"".contains(byte))
                    .count()]
            }
        };
        let name = text(name);
        let span = Span::new(offset + equal - length, offset + equal + 1 + value.len());
        let value = text(value);
        if matches!(&*name, "ddtags" | "tags" | "dd.tags") {
            let tag = value
                .split([',', ' '])
                .find_map(|tag| tag.split_once(':').filter(|(key, _)| matches!(*key, "env" | "environment")));
            found.extend(tag.map(|(_, said)| Field {
                meaning: Meaning::Tag,
                name: "tag env".to_owned(),
                value: said.to_owned(),
                span,
            }));
        } else if let Some(meaning) = meaning_of(&name, more).filter(|_| !value.is_empty()) {
            found.push(Field { meaning, name: name.into_owned(), value: value.into_owned(), span });
        }
    }
}

/// The word behind a start-up banner that says the environment, in a plain line.
pub fn banner(line: &[u8]) -> Option<&[u8]> {
    if line.len() > BANNER || line.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let lower = line.to_ascii_lowercase();
    let word_at = |at: usize| {
        let rest = &line[at.min(line.len())..];
        let glue = rest.iter().take(6).take_while(|byte| b" :=\"'".contains(byte)).count();
        // `profile is active: profile=prod`
        let named =
            [&b"profile="[..], b"profiles="].into_iter().find(|name| lower[at.min(line.len()) + glue..].starts_with(name));
        let start = glue + named.map_or(0, <[u8]>::len);
        let length = rest[start..].iter().take(NAME).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
        (glue > 0 && length > 0).then(|| &rest[start..start + length])
    };
    let behind = |phrase: &Finder<'_>| {
        let (at, phrase) = (phrase.find(&lower)?, phrase.needle());
        // A pair within a record is a field, not a banner.
        let starts =
            line[..at].iter().all(|byte| !b"=:{[\"".contains(byte)) || phrase.contains(&b' ') || at > 0 && line[at - 1] == b' ';
        starts.then(|| word_at(at + phrase.len())).flatten()
    };
    let groups = PHRASES.iter().filter(|group| group.part.as_ref().is_none_or(|part| part.find(&lower).is_some()));
    groups.flat_map(|group| &group.phrases).find_map(behind)
}

/// Phrases that have a part in common: where that does not stand, none of them needs to be looked for.
struct Phrases {
    part: Option<Finder<'static>>,
    phrases: Vec<Finder<'static>>,
}

/// What stands before the environment of a banner: the first that stands in it counts. Made once, because a searcher takes
/// longer to build than most lines are to read.
static PHRASES: LazyLock<[Phrases; 5]> = LazyLock::new(|| {
    let group = |part: Option<&'static [u8]>, phrases: &[&'static [u8]]| Phrases {
        part: part.map(Finder::new),
        phrases: phrases.iter().map(|phrase| Finder::new(*phrase)).collect(),
    };
    [
        group(Some(b"environment"), &[b"hosting environment", b"environment"]),
        group(
            Some(b"active"),
            &[
                b"profiles are active",
                b"profile is active",
                b"active profiles",
                b"active profile",
                b"profiles active",
                b"profile active",
            ],
        ),
        group(None, &[b"profile"]),
        group(Some(b"_env"), &[b"node_env", b"rails_env", b"app_env"]),
        group(None, &[b"starting in"]),
    ]
});

/// What stands in every banner, one of them.
static BANNERS: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(["nvironment", "rofile", "_ENV=", "tarting in "]));

/// A few texts that are looked for in one pass.
#[derive(Debug)]
pub(crate) struct AnyOf(AhoCorasick);

impl AnyOf {
    /// The first of them that matches will do, which lets vectors look for all at once.
    pub(crate) fn new<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self(AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(texts).expect("a few texts"))
    }

    /// Whether one stands in the bytes.
    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        self.0.is_match(bytes)
    }

    /// Where they stand.
    fn places(&self, bytes: &[u8]) -> impl Iterator<Item = usize> {
        self.0.find_iter(bytes).map(|found| found.start())
    }
}

/// Where lines stand that may be banners.
pub fn banners(bytes: &[u8]) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    let mut note = |at: usize| {
        // No further than a banner is long, so that a long line of nothing but these costs no more than others.
        let (floor, ceiling) = (at.saturating_sub(BANNER + 1), bytes.len().min(at + BANNER + 1));
        let start = memchr::memrchr(b'\n', &bytes[floor..at]).map_or(floor, |at| floor + at + 1);
        let end = memchr::memchr(b'\n', &bytes[at..ceiling]).map_or(ceiling, |end| at + end);
        if end - start <= BANNER && found.last().is_none_or(|last| last.start != start) {
            found.push(Span::new(start, end));
        }
    };
    BANNERS.places(bytes).for_each(&mut note);
    found
}
