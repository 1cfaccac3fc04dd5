//! Findings to report in tests. Their secrets are made up here, of no provider's shape.

use std::path::PathBuf;

use super::{FindMasks, Format, Options, Redactor, Report};
use crate::credential::{Class, Confidence, Environment, Evidence, FingerprintKey, Secret, View};
use crate::finding::{Correlation, Excerpt, Finding, Kind, Location, Mask, Origin, Place, PlaceKind, Severity, Tracked};
use crate::span::{Position, Span};

/// What begins every secret of these tests.
pub(super) const PREFIX: &str = "acme_";

/// A secret of `length` bytes, prefix included; each `seed` gives another.
pub(super) fn secret(seed: usize, length: usize) -> String {
    let body = (0..length - PREFIX.len()).map(|at| char::from(b'A' + u8::try_from((seed * 7 + at * 11) % 26).unwrap()));
    PREFIX.chars().chain(body).collect()
}

/// Finds every secret that [`secret`] makes.
pub(super) fn find(bytes: &[u8]) -> Vec<(Span, Mask)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at + PREFIX.len() <= bytes.len() {
        if bytes[at..].starts_with(PREFIX.as_bytes()) {
            let body = bytes[at + PREFIX.len()..].iter().take_while(|byte| byte.is_ascii_uppercase()).count();
            if body >= 8 {
                let span = Span::new(at, at + PREFIX.len() + body);
                found.push((span, Mask { prefix: PREFIX.into(), length: span.len() }));
                at = span.end;
                continue;
            }
        }
        at += 1;
    }
    found
}

/// A redactor over [`find`].
pub(super) fn redactor() -> Redactor<'static> {
    Redactor::new(&find as FindMasks<'static>)
}

/// An excerpt whose secrets are those that [`find`] finds.
pub(super) fn excerpt(text: impl AsRef<[u8]>) -> Excerpt {
    Excerpt::new(text.as_ref(), find(text.as_ref()), 0)
}

/// A live key in `src/pay.ts`, at its place in `text`, which is line 14.
pub(super) fn finding(text: impl AsRef<[u8]>) -> Finding {
    let text = text.as_ref();
    let (span, mask) = find(text).swap_remove(0);
    let position = |offset: usize| Position { line: 14, column: offset as u64 + 1 };
    Finding {
        kind: Kind::HardcodedSecret,
        severity: Severity::Critical,
        confidence: Confidence::Strong,
        rule: "acme-secret-key".into(),
        title: "Acme live secret key".into(),
        provider: Some("acme".into()),
        candidates: Vec::new(),
        class: Some(Class::StandardApiKey),
        environment: Environment::Live,
        moves_funds: true,
        mask,
        fingerprint: FingerprintKey::kept(b"a key").fingerprint(&Secret::new(b"made up", 0)),
        location: Location {
            origin: Origin::File(PathBuf::from("src/pay.ts")),
            tracked: Tracked::Yes,
            lines: Some((position(span.start), position(span.end))),
            span: span.shifted(400),
        },
        view: View::Plain,
        place: Place::unknown(PlaceKind::Source),
        because: vec![
            (Evidence { fact: "value prefix acme_".into(), weight: None, span: Some(span) }, Some(14)),
            (Evidence { fact: "host api.acme.example".into(), weight: Some(90), span: None }, Some(9)),
        ],
        related: Vec::new(),
        correlation: Correlation::default(),
        excerpt: excerpt(text),
        remediation: "Roll the key in the dashboard (Developers, API keys), then read the new one from your \
                      secret manager."
            .into(),
    }
}

/// What a format writes.
pub(super) fn written(format: &str, options: Options<'_>, steps: impl FnOnce(&mut dyn Report)) -> String {
    let mut out = Vec::new();
    steps(&mut *(Format::named(format).unwrap().start)(Box::new(&mut out), options));
    String::from_utf8(out).unwrap()
}
