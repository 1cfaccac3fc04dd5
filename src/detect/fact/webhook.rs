//! URLs that a provider calls: next to the name of a webhook, or in its block.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::{ALIGNED, Facts, REACH, URL, back};
use crate::credential::Environment;
use crate::detect::near::Around;
use crate::detect::slot;
use crate::finding::{Fact, FactKind};
use crate::rule::name::words;
use crate::span::Span;

/// Parts of the names of webhook URLs that are rare enough to be looked for.
pub(super) const WEBHOOK: &[&str] = &[
    "webhook",
    "callback_u",
    "callback-u",
    "callbacku",
    "callback_e",
    "callbacke",
    "callback-e",
    "callback_a",
    "callbacka",
    "notify_u",
    "notify-u",
    "notifyu",
    "notification_u",
    "notification-u",
    "notificationu",
    "notification_e",
    "notificatione",
    "ipn_u",
    "ipn-u",
    "ipnu",
    "hook_u",
    "hook-u",
    "hooku",
    "hook_e",
    "hooke",
];
const HOOK_WORDS: &[&str] =
    &["webhook", "webhooks", "hook", "hooks", "callback", "callbacks", "notify", "notification", "notifications", "ipn"];
/// Made once: a searcher takes longer than to read a line.
static SCHEME_END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("://"));
const URL_WORDS: &[&str] = &["url", "urls", "uri", "endpoint", "endpoints", "address"];
/// Whose webhooks are no payments.
const STRANGERS: &[&str] = &[
    "slack",
    "discord",
    "teams",
    "github",
    "gitlab",
    "zapier",
    "alert",
    "alerts",
    "alertmanager",
    "uptime",
    "pagerduty",
    "sentry",
    "telegram",
];
/// How far behind the key of a block its URL may stand, in bytes and lines.
const BLOCK: (usize, usize) = (512, 8);

/// Whether words name one of them; words end where digits begin, those of n8n too.
fn is_stranger(words: &[String]) -> bool {
    words.iter().any(|word| STRANGERS.contains(&word.as_str())) || words.windows(3).any(|three| three == ["n", "8", "n"])
}

impl Facts {
    pub(super) fn webhook(&self, around: &Around<'_>, part: Span) -> Option<Fact> {
        let bytes = around.bytes;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let start = back(bytes, part.start, is_name);
        let end = part.end + bytes[part.end..].iter().take(REACH).take_while(|&&byte| is_name(byte)).count();
        let name = &bytes[start..end];
        // Most names stand far from any URL.
        SCHEME_END.find(&bytes[end..(end + BLOCK.0 + ALIGNED).min(bytes.len())])?;
        let all = words(name);
        // One name may hold several of the parts.
        let first = all.iter().any(|word| HOOK_WORDS.contains(&word.as_str())) && is_first(name, part.start - start);
        if !first || is_stranger(&all) {
            return None;
        }
        let in_url = bytes[..start].ends_with(b"/");
        let is_whole = all.iter().any(|word| URL_WORDS.contains(&word.as_str())) && !in_url;
        let begin = if is_whole {
            slot::value_of(bytes, Span::new(part.start, end)).map(|slot| slot.value).filter(|&at| begins_url(bytes, at))
        } else {
            None
        };
        let begin = begin.or_else(|| url_below(bytes, end, in_url))?;
        let url = url_at(bytes, begin)?;
        let text = normalised(&String::from_utf8_lossy(&bytes[url.range()]))?;
        if is_stranger(&words(text.as_bytes())) {
            return None;
        }
        let floor = start.saturating_sub(URL);
        let line = memchr::memrchr(b'\n', &bytes[floor..start]).map_or(floor, |at| floor + at + 1);
        let mut evidence = name.to_vec();
        evidence.extend_from_slice(b" ");
        evidence.extend_from_slice(text.as_bytes());
        if in_url {
            evidence.extend_from_slice(&bytes[line..start]);
        }
        let owner = self.named_in(&evidence);
        Some(Fact {
            kind: FactKind::WebhookUrl,
            provider: owner.map(|provider| provider.id.clone()),
            environment: Environment::Unknown,
            text,
            name: String::from_utf8_lossy(name).into_owned(),
            span: url,
            beside: Some(Span::new(start, end)),
        })
    }
}

/// Whether no other part of a webhook's name stands before `at`.
fn is_first(name: &[u8], at: usize) -> bool {
    let before = name[..at].to_ascii_lowercase();
    let begins = |rest: &[u8]| WEBHOOK.iter().any(|part| rest.starts_with(part.as_bytes()));
    !(0..before.len()).any(|at| matches!(before[at], b'w' | b'c' | b'n' | b'i' | b'h') && begins(&before[at..]))
}

fn begins_url(bytes: &[u8], at: usize) -> bool {
    let rest = &bytes[at.min(bytes.len())..];
    [&b"https://"[..], b"http://"]
        .iter()
        .any(|scheme| rest.len() > scheme.len() && rest[..scheme.len()].eq_ignore_ascii_case(scheme))
}

/// A `url` in the block, or in the body of the call, that follows a key such as `webhook`.
fn url_below(bytes: &[u8], from: usize, in_url: bool) -> Option<usize> {
    let rest = &bytes[from..(from + BLOCK.0).min(bytes.len())];
    let lines = memchr::memchr_iter(b'\n', rest).nth(BLOCK.1).unwrap_or(rest.len());
    let rest = &rest[..lines];
    let opens = rest.iter().take(64).find(|byte| b":={(".contains(byte)).is_some();
    if !(opens || in_url) {
        return None;
    }
    let lower = rest.to_ascii_lowercase();
    let mut found = URL_WORDS.iter().filter_map(|word| {
        memchr::memmem::find_iter(&lower, word.as_bytes()).find_map(|at| {
            // `"Url":` is all of a key; the end of `BASE_URL` is that of another variable.
            let part =
                |byte: u8| byte.is_ascii_alphanumeric() || rest[at].is_ascii_uppercase() && matches!(byte, b'_' | b'-' | b'.');
            let left = at.checked_sub(1).is_none_or(|before| !part(rest[before]));
            let behind = &rest[at + word.len()..];
            let glue = behind.iter().take(ALIGNED).take_while(|byte| b"\"'\\ =:>".contains(byte)).count();
            let value = from + at + word.len() + glue;
            (left && glue > 0 && begins_url(bytes, value)).then_some(value)
        })
    });
    let first = found.next()?;
    let first = found.fold(first, usize::min);
    // A block that ends before its URL is another block.
    let between = &bytes[from..first];
    let blank = memchr::memmem::find(between, b"\n\n").is_some();
    (!blank && !between.contains(&b'}')).then_some(first)
}

/// The URL that begins here; none that is put together when the program runs.
fn url_at(bytes: &[u8], at: usize) -> Option<Span> {
    let is_part = |byte: u8| byte.is_ascii_graphic() && !b"\"'`<>\\,;)]}|".contains(&byte) || byte >= 0x80;
    let length = bytes[at..].iter().take(URL).take_while(|&&byte| is_part(byte)).count();
    let url = &bytes[at..at + length];
    (!url.iter().any(|byte| b"${%".contains(byte)) && length > 10).then(|| Span::new(at, at + length))
}

/// Scheme and host in lower case, no default port, no slash at the end, no fragment; the query stays.
fn normalised(url: &str) -> Option<String> {
    let url = url.split('#').next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, tail) = rest.split_at(end);
    let host = host.rsplit('@').next().unwrap_or(host).to_ascii_lowercase();
    let port = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(port).unwrap_or(&host);
    (!host.is_empty()).then(|| format!("{scheme}://{host}{}", tail.strip_suffix('/').unwrap_or(tail)))
}
