//! What events of providers say of their mode.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::host::{classify, is_host, registrable};
use super::{ALIGNED, Facts, REACH, URL};
use crate::credential::{Environment, Provider};
use crate::detect::near::Around;
use crate::finding::{Fact, FactKind};
use crate::span::Span;

/// What tells an event: of Stripe, of Adyen, and the certificate of a transmission of `PayPal`.
pub(super) const EVENTS: [&str; 4] = ["livemode", "notificationitems", "paypal-cert-url", "paypal_cert_url"];
/// How far around an event its type may stand.
const EVENT: usize = 4 * 1024;
/// What is looked for around each word. A searcher is made once: it takes longer than to read a line.
static EVENT_ID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("evt_"));
static OBJECT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("object"));

impl Facts {
    /// The host of the certificate that a transmission of `PayPal` is signed with says which mode it is of.
    pub(super) fn transmission(&self, bytes: &[u8], name: Span) -> Option<Fact> {
        let behind = &bytes[name.end..(name.end + URL).min(bytes.len())];
        let glue = behind.iter().take(ALIGNED).take_while(|byte| b"\"'\\ =:>[".contains(byte)).count();
        let rest = behind[glue..].strip_prefix(b"https://")?;
        let length = rest.iter().take(REACH).take_while(|&&byte| is_host(byte)).count();
        let host = String::from_utf8_lossy(&rest[..length]).to_ascii_lowercase();
        let provider = self.rules.providers().iter().find(|provider| provider.id.as_str() == "paypal")?;
        let owned = provider.hosts().any(|(known, _)| registrable(known) == registrable(&host));
        let environment = classify(provider, &host).1;
        (owned && environment != Environment::Unknown).then(|| Fact {
            kind: FactKind::Event,
            provider: Some(provider.id.clone()),
            environment,
            text: format!("a certificate of {host}"),
            name: String::new(),
            span: name,
            beside: None,
        })
    }
}

/// The mode that a provider's event says of itself.
pub(super) fn event(around: &Around<'_>, word: Span) -> Option<Fact> {
    let bytes = around.bytes;
    let livemode = word.len() == b"livemode".len();
    let window = Span::new(word.start.saturating_sub(EVENT), (word.end + EVENT).min(bytes.len()));
    let (provider, value) = if livemode {
        let is_event = around.is_of_event(window, |range, found| events(bytes, range, found));
        (Provider::from("stripe"), is_event.then_some(word.end)?)
    } else {
        let (start, around) = (window.start, &bytes[window.range()]);
        let find = |part: &[u8]| memchr::memmem::find(part, b"\"live").or_else(|| memchr::memmem::find(part, b"live\\\""));
        // What its own line says goes before what others say.
        let line = memchr::memrchr(b'\n', &bytes[start..word.start]).map_or(start, |end| start + end + 1);
        let end =
            memchr::memchr(b'\n', &bytes[word.end..start + around.len()]).map_or(start + around.len(), |end| word.end + end);
        let live = find(&bytes[line..end]).map(|at| line + at).or_else(|| find(around).map(|at| start + at))?;
        (Provider::from("adyen"), live + 5)
    };
    let behind = &bytes[value.min(bytes.len())..];
    let glue = behind.iter().take(12).take_while(|byte| b"\\\": =>".contains(byte)).count();
    let environment = match &behind[glue..] {
        rest if rest.starts_with(b"true") => Environment::Live,
        rest if rest.starts_with(b"false") => Environment::Sandbox,
        _ => return None,
    };
    let text = if livemode { "livemode" } else { "live" };
    let said = if environment == Environment::Live { "true" } else { "false" };
    Some(Fact {
        kind: FactKind::Event,
        provider: Some(provider),
        environment,
        text: format!("{text}={said}"),
        name: String::new(),
        span: word,
        beside: None,
    })
}

/// What tells an event of Stripe and begins in a range, in order: its id, or `"object": "event"`, however it is escaped.
fn events(bytes: &[u8], range: Range<usize>, found: &mut Vec<Span>) {
    let new = found.len();
    let within = |finder: &Finder<'_>| range.start..bytes.len().min(range.end + finder.needle().len() - 1);
    for at in EVENT_ID.find_iter(&bytes[within(&EVENT_ID)]) {
        found.push(Span::new(range.start + at, range.start + at + EVENT_ID.needle().len()));
    }
    for at in OBJECT.find_iter(&bytes[within(&OBJECT)]) {
        let object = range.start + at;
        let behind = &bytes[object + OBJECT.needle().len()..];
        let glue = behind.iter().take(12).take_while(|byte| b"\\\": =>".contains(byte)).count();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        if behind[glue..].starts_with(b"event") && !behind.get(glue + 5).is_some_and(is_part) {
            found.push(Span::new(object, object + OBJECT.needle().len() + glue + b"event".len()));
        }
    }
    found[new..].sort_unstable();
}
