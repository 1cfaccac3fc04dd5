//! What stands near a value: markers, hosts, routes and mode flags of a provider, within eight lines
//! and two kibibytes.
//!
//! However many providers there are and however many values ask, the bytes around them are read once
//! ([`Around`]): what is found there is kept until the scan has passed.

use std::cell::{LazyCell, OnceCell, RefCell};
use std::ops::Range;
use std::sync::Arc;

use super::index::{Index, Known, Meaning};
use super::memory::Memory;
use super::prefilter::Candidate;
use super::view::Decoded;
use crate::credential::{Environment, Evidence};
use crate::rule::name::{normalise, words};
use crate::rule::{ProviderFacts, Text};
use crate::span::Span;

/// Lines on either side.
const LINES: usize = 8;
/// Bytes on either side.
const BYTES: usize = 2 * 1024;
/// How far a variable may reach on either side of the word that tells it.
const NAME: usize = 96;

/// Bytes, and what was seen in them so far.
#[derive(Debug)]
pub(super) struct Around<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) index: &'a Index,
    memory: &'a Memory,
    words: RefCell<Kept<Candidate>>,
    /// What tells an event of a provider.
    events: RefCell<Kept<Span>>,
    /// What the bytes were decoded from, if they were.
    piece: Option<&'a Decoded>,
}

impl<'a> Around<'a> {
    pub(super) fn new(bytes: &'a [u8], index: &'a Index, memory: &'a Memory) -> Self {
        Self { bytes, index, memory, words: RefCell::default(), events: RefCell::default(), piece: None }
    }

    /// The same, as if the bytes ended there: what follows is no part of a value.
    pub(super) fn until(&self, end: usize) -> Self {
        Self { piece: self.piece, ..Self::new(&self.bytes[..end], self.index, self.memory) }
    }

    /// The same for decoded bytes.
    pub(super) fn decoded(piece: &'a Decoded, index: &'a Index, memory: &'a Memory) -> Self {
        Self { piece: Some(piece), ..Self::new(&piece.bytes, index, memory) }
    }

    /// Whether something in the span was decoded: where nothing was, it stands as well in the bytes that these were
    /// decoded from, and is read there.
    pub(super) fn is_new(&self, span: Span) -> bool {
        self.piece.is_none_or(|piece| piece.view_of(span).is_some())
    }

    /// The rules that know a name, in order.
    pub(super) fn rules_named(&self, name: &[u8]) -> Arc<[Known]> {
        self.memory.rules.of(name, || self.index.rules(name).into())
    }

    /// The providers that a name of a slot means, in order, each once.
    pub(super) fn providers_named(&self, name: &[u8]) -> Arc<[usize]> {
        self.memory.named.of(name, || self.index.providers_named(name).into())
    }

    /// Whether a provider has a name of its own that ends with this one: `token` of `wise_token`. Most have no such end,
    /// and the block that they stand in need not be looked for.
    pub(super) fn is_leaf(&self, name: &[u8]) -> bool {
        self.memory.leaves.of(name, || self.index.is_leaf(name))
    }

    /// The provider of a host, by its number, and the environment that the host is of.
    pub(super) fn host(&self, host: &[u8], find: impl FnOnce() -> Option<(usize, Environment)>) -> Option<(usize, Environment)> {
        self.memory.hosts.of(host, find)
    }

    /// Whether something that tells an event stands in the window. `find` adds what begins in a range, in order.
    pub(super) fn is_of_event(&self, window: Span, find: impl FnOnce(Range<usize>, &mut Vec<Span>)) -> bool {
        let mut events = self.events.borrow_mut();
        events.within(window, |event| event.start, find).iter().any(|event| event.end <= window.end)
    }

    /// The providers one of whose slots has this name.
    pub(super) fn owners_of_slot(&self, name: &[u8]) -> Arc<[usize]> {
        self.memory.owners.of(name, || self.index.owners_of_slot(name).into())
    }
}

/// What begins in a range that grows as the scan goes on.
#[derive(Debug)]
struct Kept<T> {
    range: Range<usize>,
    found: Vec<T>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { range: 0..0, found: Vec::new() }
    }
}

impl<T> Kept<T> {
    /// What begins in the window. `find` adds what begins in a range, in order.
    fn within(&mut self, window: Span, begin: impl Fn(&T) -> usize, find: impl FnOnce(Range<usize>, &mut Vec<T>)) -> &[T] {
        if window.start < self.range.start || window.start > self.range.end {
            self.found.clear();
            self.range = window.start..window.start;
        }
        if window.end > self.range.end {
            find(self.range.end..window.end, &mut self.found);
            self.range.end = window.end;
        }
        let first = self.found.partition_point(|one| begin(one) < window.start);
        let behind = self.found.partition_point(|one| begin(one) < window.end);
        &self.found[first..behind]
    }
}

/// The window around a value: eight lines and two kibibytes.
pub(super) fn window(bytes: &[u8], span: Span) -> Span {
    lines(bytes, span).0
}

/// The window, and the line of the value.
fn lines(bytes: &[u8], span: Span) -> (Span, Span) {
    let floor = span.start.saturating_sub(BYTES);
    let ceiling = (span.end + BYTES).min(bytes.len());
    let mut before = memchr::memrchr_iter(b'\n', &bytes[floor..span.start]).map(|at| floor + at + 1);
    let mut behind = memchr::memchr_iter(b'\n', &bytes[span.end..ceiling]).map(|at| span.end + at);
    let line = Span::new(before.next().unwrap_or(floor), behind.next().unwrap_or(ceiling));
    let start = before.nth(LINES - 1).unwrap_or(floor);
    let end = behind.nth(LINES - 1).unwrap_or(ceiling);
    (Span::new(start, end), line)
}

/// The bytes around a value.
#[derive(Clone, Debug)]
pub(super) struct Near<'a> {
    around: &'a Around<'a>,
    window: Span,
    line: Span,
    words: OnceCell<Vec<Word>>,
}

/// A word that stands in a window and means a provider.
#[derive(Clone, Copy, Debug)]
struct Word {
    /// Hosts before markers before headers, each by their place in the list of the provider.
    meaning: Meaning,
    span: Span,
}

impl<'a> Near<'a> {
    /// The neighbourhood of `span`.
    pub(super) fn new(around: &'a Around<'a>, span: Span) -> Self {
        let (window, line) = lines(around.bytes, span);
        Self { around, window, line, words: OnceCell::new() }
    }

    /// The mention of a provider that is closest by: on the line, else in the window.
    pub(super) fn mention(&self, provider: &ProviderFacts) -> Option<Mention> {
        let words = self.words_of(provider);
        let telling = || words.clone().filter(|word| !matches!(word.meaning, Meaning::Header { .. }));
        let best = |within: Span| {
            let inside = telling().filter(|word| word.span.start >= within.start && word.span.end <= within.end);
            inside.min_by_key(|word| (word.meaning, word.span.start))
        };
        let (word, on_line) = match best(self.line) {
            Some(word) => (word, true),
            None => (best(self.window)?, false),
        };
        let what = if matches!(word.meaning, Meaning::Host { .. }) { "host" } else { "marker" };
        let fact = format!("{what} {} nearby", self.text(word.span));
        Some(Mention { evidence: Evidence { fact, weight: None, span: Some(word.span) }, on_line })
    }

    /// Where a host, a header or a variable of the provider stands in the window.
    pub(super) fn credentials_of(&self, provider: &ProviderFacts) -> Option<Span> {
        let telling = self.words_of(provider).filter(|word| !matches!(word.meaning, Meaning::Marker { .. }));
        let best = telling.min_by_key(|word| (word.meaning, word.span.start)).map(|word| word.span);
        best.or_else(|| self.variable_of(provider))
    }

    /// What the provider's hosts say of the environment: one answer, or two that contradict. Those on the line of the
    /// value go before those above and below.
    pub(super) fn hosts(&self, provider: &ProviderFacts) -> Vec<(Environment, Evidence)> {
        let on_line = self.hosts_within(provider, self.line);
        if on_line.is_empty() { self.hosts_within(provider, self.window) } else { on_line }
    }

    fn hosts_within(&self, provider: &ProviderFacts, within: Span) -> Vec<(Environment, Evidence)> {
        let words = self.words_of(provider).filter(|word| word.span.start >= within.start && word.span.end <= within.end);
        let telling = provider.hosts().enumerate().filter(|(_, (_, environment))| *environment != Environment::Unknown);
        let found = telling.filter_map(|(at, (_, environment))| {
            let same = |word: &Word| matches!(word.meaning, Meaning::Host { rank, .. } if rank == at);
            let span = words.clone().filter(same).map(|word| word.span).min()?;
            let fact = format!("host {}", self.text(span));
            Some((environment, Evidence { fact, weight: Some(70), span: Some(span) }))
        });
        found.collect()
    }

    /// What variables such as `ACME_ENVIRONMENT=sandbox` say.
    pub(super) fn mode_flags(&self, provider: &ProviderFacts) -> Vec<(Environment, Evidence)> {
        let bytes = &self.around.bytes[self.window.range()];
        let index = self.around.index;
        let stems = |flag| self.seen(|word| index.meanings(word).contains(&flag).then_some(word.at - self.window.start));
        let stems = [(Meaning::Environment, b"env".len()), (Meaning::Mode, b"mode".len())]
            .into_iter()
            .flat_map(|(flag, length)| stems(flag).into_iter().filter(move |stem| stem + length <= bytes.len()));
        let flags = stems.filter_map(|stem| {
            let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
            let at = stem - bytes[..stem].iter().rev().take(48).take_while(|byte| part(byte)).count();
            let length = bytes[at..].iter().take(96).take_while(|byte| part(byte)).count();
            let name = &bytes[at..at + length];
            let behind = &bytes[at + length..];
            let glue = behind.iter().take(12).take_while(|byte| b" \t=:\"'`>,\\".contains(byte)).count();
            let value = behind[glue..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            let value = &behind[glue..glue + value];
            let environment = match value.to_ascii_lowercase().as_slice() {
                b"live" | b"prod" | b"production" => Environment::Live,
                b"test" | b"sandbox" => Environment::Sandbox,
                _ => return None,
            };
            let is_flag = words(name).iter().any(|word| matches!(word.as_str(), "env" | "environment" | "mode"));
            if !is_flag || !super::confirm::names_provider(provider, name) {
                return None;
            }
            let fact = format!("mode flag {}={}", String::from_utf8_lossy(name), String::from_utf8_lossy(value));
            let span = Span::new(self.window.start + at, self.window.start + at + length);
            (glue > 0).then_some((environment, Evidence { fact, weight: Some(70), span: Some(span) }))
        });
        flags.collect()
    }

    /// Whether one of the routes is called in the window.
    pub(super) fn route(&self, paths: &[Text]) -> Option<Evidence> {
        paths.iter().find_map(|path| {
            let at = memchr::memmem::find(&self.around.bytes[self.window.range()], path.as_bytes())?;
            let span = Span::new(self.window.start + at, self.window.start + at + path.len());
            Some(Evidence { fact: format!("route {path}"), weight: None, span: Some(span) })
        })
    }

    fn text(&self, span: Span) -> String {
        String::from_utf8_lossy(&self.around.bytes[span.range()]).into_owned()
    }

    /// Something of the words that begin in the window, in order.
    fn seen<T>(&self, tell: impl FnMut(Candidate) -> Option<T>) -> Vec<T> {
        let Around { bytes, index, words, .. } = self.around;
        let mut words = words.borrow_mut();
        let words = words.within(self.window, |word| word.at, |range, found| index.words(bytes, range, found));
        words.iter().copied().filter_map(tell).collect()
    }

    /// The words in the window that mean this provider.
    fn words_of(&self, provider: &ProviderFacts) -> impl Iterator<Item = Word> + Clone + '_ {
        let number = self.around.index.number(provider);
        let words = self.words.get_or_init(|| self.all_words()).iter();
        words.filter(move |word| number.is_some() && word.meaning.provider() == number).copied()
    }

    /// The words in the window that mean any provider.
    fn all_words(&self) -> Vec<Word> {
        let Around { bytes, index, .. } = self.around;
        let words = self.seen(|word| {
            let length = index.length(word);
            if word.at + length > self.window.end {
                return None;
            }
            let is_whole = LazyCell::new(move || is_word(bytes, word.at, length));
            let stands = move |meaning: &&Meaning| match **meaning {
                Meaning::Host { below, .. } => is_host(bytes, word.at, length, below),
                Meaning::Marker { .. } | Meaning::Header { .. } => *is_whole,
                Meaning::Variable { .. } | Meaning::Environment | Meaning::Mode => false,
            };
            let span = Span::new(word.at, word.at + length);
            Some(index.meanings(word).iter().filter(stands).map(move |&meaning| Word { meaning, span }))
        });
        words.into_iter().flatten().collect()
    }

    /// The first variable of the provider in the window.
    fn variable_of(&self, provider: &ProviderFacts) -> Option<Span> {
        let Around { bytes, index, .. } = self.around;
        let wanted = Meaning::Variable { provider: index.number(provider)? };
        let words = self.seen(|word| index.meanings(word).contains(&wanted).then_some(word.at));
        let names = words.into_iter().map(|at| name_around(bytes, at));
        let fits = |name: &Span| {
            let normal = normalise(&bytes[name.range()]);
            provider.slots.iter().any(|pattern| pattern.matches(&normal))
        };
        names.filter(|name| name.start >= self.window.start && name.end <= self.window.end).find(fits)
    }
}

/// The name that a place stands in.
fn name_around(bytes: &[u8], at: usize) -> Span {
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let before = bytes[at.saturating_sub(NAME)..at].iter().rev().take_while(is_name).count();
    let behind = bytes[at..].iter().take(NAME).take_while(is_name).count();
    Span::new(at - before, at + behind)
}

/// Whether the bytes that begin at `at` are a host, or with `below` the end of one.
fn is_host(bytes: &[u8], at: usize, length: usize, below: bool) -> bool {
    let before = at.checked_sub(1).map(|before| bytes[before]);
    let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let left = match before {
        Some(b'.') => below,
        // `sandbox-api.acme.io` is another host.
        Some(b'-') => false,
        Some(byte) if part(byte) => !below && super::edge::is_left_edge(bytes, at),
        _ => !below,
    };
    let right = match bytes.get(at + length..).unwrap_or_default() {
        [b'.', next, ..] => !next.is_ascii_alphanumeric(),
        [next, ..] => !part(*next),
        [] => true,
    };
    left && right
}

/// Where a provider is named.
#[derive(Clone, Debug)]
pub(super) struct Mention {
    /// By what.
    pub(super) evidence: Evidence,
    /// On the line of the value.
    pub(super) on_line: bool,
}

/// Where a lower-case marker stands as a whole word in any case; a hump of camel case is an edge.
pub(super) fn find_word(bytes: &[u8], marker: &str) -> Option<usize> {
    find_folded(bytes, marker.as_bytes()).find(|&at| is_word(bytes, at, marker.len()))
}

/// Whether the bytes that begin at `at` are a whole word; a hump of camel case is an edge.
pub(super) fn is_word(bytes: &[u8], at: usize, length: usize) -> bool {
    let end = at + length;
    let before = at.checked_sub(1).map(|before| bytes[before]);
    let left = before
        .is_none_or(|byte| !byte.is_ascii_alphanumeric() || byte.is_ascii_lowercase() && bytes[at].is_ascii_uppercase())
        || super::edge::is_left_edge(bytes, at);
    let right = bytes
        .get(end)
        .is_none_or(|&next| !next.is_ascii_alphanumeric() || next.is_ascii_uppercase() && bytes[end - 1].is_ascii_lowercase());
    left && right
}

/// Where a lower-case text stands in any case.
pub(super) fn find_folded<'a>(bytes: &'a [u8], text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let first = text.first().copied().unwrap_or_default();
    let starts = memchr::memchr2_iter(first, first.to_ascii_uppercase(), bytes);
    starts.filter(move |&at| bytes.len() - at >= text.len() && bytes[at..at + text.len()].eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_eight_lines_and_two_kibibytes() {
        let lines: Vec<String> = (0..30).map(|line| format!("{line:02}\n")).collect();
        let text = lines.concat();
        let at = text.find("15").unwrap();
        let (window, line) = super::lines(text.as_bytes(), Span::new(at, at + 2));
        assert!(text[window.range()].starts_with("07\n"));
        assert!(text[window.range()].ends_with("\n23"));
        assert_eq!(&text[line.range()], "15");
        let long = "x".repeat(10_000);
        assert_eq!(super::window(long.as_bytes(), Span::new(5_000, 5_010)), Span::new(5_000 - BYTES, 5_010 + BYTES));
    }

    #[test]
    fn words_and_hosts_have_edges() {
        assert_eq!(find_word(b"x payca_client", "payca"), Some(2));
        assert_eq!(find_word(b"newPaycaClient", "payca"), Some(3));
        assert_eq!(find_word(b"spaycab payca", "payca"), Some(8));
        assert_eq!(find_word(b"paycard", "payca"), None);
        let host = |text: &str, host: &str| {
            let (name, below) = host.strip_prefix("*.").map_or((host, false), |name| (name, true));
            text.match_indices(name).any(|(at, _)| is_host(text.as_bytes(), at, name.len(), below))
        };
        let text = "https://api.acme.io/v1 x.api.acme.io.evil sub.pay.acme.dev";
        assert!(host(text, "api.acme.io") && host(text, "*.pay.acme.dev"));
        assert!(!host(text, "acme.io") && !host(text, "pay.acme.dev"));
        assert!(!host("https://sandbox-api.acme.io/v1", "api.acme.io") && !host("x.api.acme.io.evil", "api.acme.io"));
    }

    #[test]
    fn what_was_seen_is_kept_while_the_scan_goes_on() {
        let mut kept: Kept<usize> = Kept::default();
        let mut reads = Vec::new();
        let mut tens = |start, end| {
            let find = |range: Range<usize>, found: &mut Vec<usize>| {
                reads.push(range.clone());
                found.extend(range.filter(|at| at % 10 == 0));
            };
            kept.within(Span::new(start, end), |at| *at, find).to_vec()
        };
        assert_eq!(tens(5, 25), [10, 20]);
        assert_eq!(tens(15, 31), [20, 30]);
        assert_eq!(tens(16, 29), [20]);
        assert_eq!(tens(95, 111), [100, 110]);
        assert_eq!(tens(10, 11), [10]);
        assert_eq!(reads, [5..25, 25..31, 95..111, 10..11]);
    }
}
