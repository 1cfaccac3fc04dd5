//! What stands near a value: markers, hosts and routes of a provider, within eight lines and two
//! kibibytes.

use crate::credential::{Environment, Evidence};
use crate::rule::ProviderFacts;
use crate::rule::name::words;
use crate::span::Span;

/// Lines on either side.
const LINES: usize = 8;
/// Bytes on either side.
const BYTES: usize = 2 * 1024;

/// The bytes around a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Near<'a> {
    bytes: &'a [u8],
    window: Span,
    line: Span,
}

impl<'a> Near<'a> {
    /// The neighbourhood of `span`.
    pub(super) fn new(bytes: &'a [u8], span: Span) -> Self {
        let floor = span.start.saturating_sub(BYTES);
        let ceiling = (span.end + BYTES).min(bytes.len());
        let mut before = memchr::memrchr_iter(b'\n', &bytes[floor..span.start]).map(|at| floor + at + 1);
        let mut behind = memchr::memchr_iter(b'\n', &bytes[span.end..ceiling]).map(|at| span.end + at);
        let line = Span::new(before.next().unwrap_or(floor), behind.next().unwrap_or(ceiling));
        let start = before.nth(LINES - 1).unwrap_or(floor);
        let end = behind.nth(LINES - 1).unwrap_or(ceiling);
        Self { bytes, window: Span::new(start, end), line }
    }

    /// The window itself.
    pub(super) fn window(&self) -> Span {
        self.window
    }

    /// The mention of a provider that is closest by: on the line, else in the window.
    pub(super) fn mention(&self, provider: &ProviderFacts) -> Option<Mention> {
        let on_line = self.mention_in(provider, self.line).map(|evidence| Mention { evidence, on_line: true });
        on_line.or_else(|| Some(Mention { evidence: self.mention_in(provider, self.window)?, on_line: false }))
    }

    fn mention_in(&self, provider: &ProviderFacts, span: Span) -> Option<Evidence> {
        let hosts = provider.live_hosts.iter().chain(&provider.sandbox_hosts).chain(&provider.neutral_hosts);
        let host = || hosts.map(|host| (host, "host")).find_map(|(host, what)| Some((what, self.host(host, span)?)));
        let marker = || provider.markers.iter().find_map(|marker| Some(("marker", self.word(marker, span)?)));
        let (what, span) = host().or_else(marker)?;
        let text = String::from_utf8_lossy(&self.bytes[span.range()]);
        Some(Evidence { fact: format!("{what} {text} nearby"), weight: None, span: Some(span) })
    }

    /// Where a host, a header or a variable of the provider stands in the window.
    pub(super) fn credentials_of(&self, provider: &ProviderFacts) -> Option<Span> {
        let hosts = provider.live_hosts.iter().chain(&provider.sandbox_hosts).chain(&provider.neutral_hosts);
        let header = |pattern: &crate::rule::NamePattern| {
            (!pattern.is_open()).then(|| self.word(&pattern.source().to_ascii_lowercase(), self.window))
        };
        let named = || {
            let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            let mut at = self.window.start;
            self.bytes[self.window.range()].split(|byte| !is_name(byte)).find_map(|word| {
                let span = Span::new(at, at + word.len());
                at = span.end + 1;
                let normal = crate::rule::name::normalise(word);
                (word.len() >= 5 && provider.slots.iter().any(|slot| slot.matches(&normal))).then_some(span)
            })
        };
        let host = hosts.into_iter().find_map(|host| self.host(host, self.window));
        host.or_else(|| provider.headers.iter().find_map(|pattern| header(pattern).flatten())).or_else(named)
    }

    /// What the provider's hosts say of the environment: one answer, or two that contradict.
    pub(super) fn hosts(&self, provider: &ProviderFacts) -> Vec<(Environment, Evidence)> {
        let live = provider.live_hosts.iter().map(|host| (host, Environment::Live));
        let sandbox = provider.sandbox_hosts.iter().map(|host| (host, Environment::Sandbox));
        let found = live.chain(sandbox).filter_map(|(host, environment)| {
            let span = self.host(host, self.window)?;
            let text = String::from_utf8_lossy(&self.bytes[span.range()]);
            Some((environment, Evidence { fact: format!("host {text}"), weight: Some(70), span: Some(span) }))
        });
        found.collect()
    }

    /// What variables such as `ACME_ENVIRONMENT=sandbox` say.
    pub(super) fn mode_flags(&self, provider: &ProviderFacts) -> Vec<(Environment, Evidence)> {
        let bytes = &self.bytes[self.window.range()];
        let stems = find_folded(bytes, b"env").chain(find_folded(bytes, b"mode"));
        let flags = stems.filter_map(|stem| {
            let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
            let at = stem - bytes[..stem].iter().rev().take(48).take_while(|byte| part(byte)).count();
            let length = bytes[at..].iter().take(96).take_while(|byte| part(byte)).count();
            let name = &bytes[at..at + length];

            let is_flag = words(name).iter().any(|word| matches!(word.as_str(), "env" | "environment" | "mode"));
            if !is_flag || !super::confirm::names_provider(provider, name) {
                return None;
            }
            let behind = &bytes[at + length..];
            let glue = behind.iter().take(12).take_while(|byte| b" \t=:\"'`>,\\".contains(byte)).count();
            let value = behind[glue..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            let value = &behind[glue..glue + value];
            let environment = match value.to_ascii_lowercase().as_slice() {
                b"live" | b"prod" | b"production" => Environment::Live,
                b"test" | b"sandbox" => Environment::Sandbox,
                _ => return None,
            };
            let fact = format!("mode flag {}={}", String::from_utf8_lossy(name), String::from_utf8_lossy(value));
            let span = Span::new(self.window.start + at, self.window.start + at + length);
            (glue > 0).then_some((environment, Evidence { fact, weight: Some(70), span: Some(span) }))
        });
        flags.collect()
    }

    /// Whether one of the routes is called in the window.
    pub(super) fn route(&self, paths: &[String]) -> Option<Evidence> {
        paths.iter().find_map(|path| {
            let at = memchr::memmem::find(&self.bytes[self.window.range()], path.as_bytes())?;
            let span = Span::new(self.window.start + at, self.window.start + at + path.len());
            Some(Evidence { fact: format!("route {path}"), weight: None, span: Some(span) })
        })
    }

    /// An exact host, or with `*.` a sub-domain of it.
    fn host(&self, host: &str, within: Span) -> Option<Span> {
        let (name, below) = host.strip_prefix("*.").map_or((host, false), |name| (name, true));
        find_folded(&self.bytes[within.range()], name.as_bytes()).map(|at| within.start + at).find_map(|at| {
            let before = at.checked_sub(1).map(|before| self.bytes[before]);
            let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            let left = match before {
                Some(b'.') => below,
                // `sandbox-api.acme.io` is another host.
                Some(b'-') => false,
                Some(byte) if part(byte) => !below && super::edge::is_left_edge(self.bytes, at),
                _ => !below,
            };
            let end = at + name.len();
            let right = match self.bytes.get(end..).unwrap_or_default() {
                [b'.', next, ..] => !next.is_ascii_alphanumeric(),
                [next, ..] => !part(*next),
                [] => true,
            };
            (left && right).then(|| Span::new(at, end))
        })
    }

    /// A marker as a whole word.
    fn word(&self, marker: &str, within: Span) -> Option<Span> {
        let at = find_word(&self.bytes[within.range()], marker)?;
        Some(Span::new(within.start + at, within.start + at + marker.len()))
    }
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
pub(crate) fn find_word(bytes: &[u8], marker: &str) -> Option<usize> {
    find_folded(bytes, marker.as_bytes()).find(|&at| {
        let end = at + marker.len();
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let left = before
            .is_none_or(|byte| !byte.is_ascii_alphanumeric() || byte.is_ascii_lowercase() && bytes[at].is_ascii_uppercase())
            || super::edge::is_left_edge(bytes, at);
        let right = bytes.get(end).is_none_or(|&next| {
            !next.is_ascii_alphanumeric() || next.is_ascii_uppercase() && bytes[end - 1].is_ascii_lowercase()
        });
        left && right
    })
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
        let near = Near::new(text.as_bytes(), Span::new(at, at + 2));
        assert!(text[near.window.range()].starts_with("07\n"));
        assert!(text[near.window.range()].ends_with("\n23"));
        assert_eq!(&text[near.line.range()], "15");
        let long = "x".repeat(10_000);
        let near = Near::new(long.as_bytes(), Span::new(5_000, 5_010));
        assert_eq!(near.window, Span::new(5_000 - BYTES, 5_010 + BYTES));
    }

    #[test]
    fn words_and_hosts_have_edges() {
        assert_eq!(find_word(b"x payca_client", "payca"), Some(2));
        assert_eq!(find_word(b"newPaycaClient", "payca"), Some(3));
        assert_eq!(find_word(b"spaycab payca", "payca"), Some(8));
        assert_eq!(find_word(b"paycard", "payca"), None);
        let sandbox = b"https://sandbox-api.acme.io/v1";
        assert_eq!(Near::new(sandbox, Span::new(22, 23)).host("api.acme.io", Span::new(0, 30)), None);
        let text = b"https://api.acme.io/v1 x.api.acme.io.evil sub.pay.acme.dev";
        let near = Near::new(text, Span::new(22, 23));
        assert_eq!(near.host("api.acme.io", near.window), Some(Span::new(8, 19)));
        assert_eq!(near.host("acme.io", near.window), None);
        assert_eq!(near.host("*.pay.acme.dev", near.window), Some(Span::new(46, 58)));
        assert_eq!(near.host("pay.acme.dev", near.window), None);
    }
}
