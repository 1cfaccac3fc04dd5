//! What of a record leads to the event: request id, trace id, service, time.

use super::clock;
use crate::finding::Correlation;
use crate::span::Span;

/// Names that records use, in any case, and what the report calls them.
const NAMES: &[(&str, &str)] = &[
    ("request_id", "request_id"),
    ("x-request-id", "request_id"),
    ("requestid", "request_id"),
    ("req_id", "request_id"),
    ("correlation_id", "request_id"),
    ("traceparent", "trace_id"),
    ("trace_id", "trace_id"),
    ("traceid", "trace_id"),
    ("x-amzn-trace-id", "trace_id"),
    ("service.name", "service"),
    ("service", "service"),
    ("app", "service"),
];
/// A longer value leads nowhere.
const LONGEST: usize = 128;
/// How much of a long record is read for names, around the secret.
const AROUND: usize = 8 * 1024;

/// The names and values of a record, each name once; what overlaps a secret is left out.
pub(super) fn correlation(record: &[u8], secrets: &[Span], near: usize) -> Correlation {
    let by = near.saturating_sub(AROUND).min(record.len());
    let part = &record[by..(near + AROUND).min(record.len())];
    let free = |span: &Span| !secrets.iter().any(|secret| secret.overlaps(span.shifted(by)));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let value = |wanted: &str| {
        NAMES.iter().filter(|(_, called)| *called == wanted).find_map(|(name, _)| {
            let span = places(part, name).find_map(|at| value_at(part, at + name.len())).filter(free)?;
            Some(text(&part[span.range()]))
        })
    };
    Correlation {
        request_id: value("request_id"),
        trace_id: value("trace_id"),
        service: value("service"),
        time: clock::of_record(record).map(|(_, time)| text(time)),
    }
}

/// Where a name stands as a whole word, in any case.
fn places<'a>(bytes: &'a [u8], name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let first = name.as_bytes()[0];
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), bytes).filter(move |&at| {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        // `dd.trace_id`, `X-Request-Id`; but not `my_service`.
        let left = before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-'));
        left && bytes.len() - at >= name.len() && bytes[at..at + name.len()].eq_ignore_ascii_case(name.as_bytes())
    })
}

/// The value behind a name: `name=v`, `"name":"v"`, `name: v`.
fn value_at(bytes: &[u8], end: usize) -> Option<Span> {
    let rest = &bytes[end..];
    let glue = |byte: u8| matches!(byte, b' ' | b':' | b'=' | b'"' | b'\'' | b'\\' | b'>' | b'[');
    let skip = rest.iter().take(8).take_while(|&&byte| glue(byte)).count();
    let assigned = rest[..skip].iter().any(|byte| matches!(byte, b':' | b'='));
    let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/' | b'=' | b';');
    let length = rest[skip..].iter().take(LONGEST + 1).take_while(|&&byte| part(byte)).count();
    (assigned && (1..=LONGEST).contains(&length)).then(|| Span::new(end + skip, end + skip + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(record: &str) -> [Option<String>; 4] {
        let Correlation { request_id, trace_id, service, time } = correlation(record.as_bytes(), &[], 0);
        [request_id, trace_id, service, time]
    }

    #[test]
    fn ids_in_json_logfmt_and_headers() {
        let some = |text: &str| Some(text.to_owned());
        let json = of(r#"{"ts":"2026-03-12T09:11:07Z","service":"payouts","req":{"requestId":"r-1"},"dd.trace_id":"77"}"#);
        assert_eq!(json, [some("r-1"), some("77"), some("payouts"), some("2026-03-12T09:11:07Z")]);
        assert_eq!(of("msg=x request_id=abc-1 my_service=y"), [some("abc-1"), None, None, None]);
        assert_eq!(of("> X-Request-Id: 8f1c"), [some("8f1c"), None, None, None]);
        assert_eq!(of("no service here"), [None, None, None, None]);
    }

    #[test]
    fn a_secret_is_no_id() {
        let record = b"request_id=abcdefgh-12345678 x";
        assert!(correlation(record, &[Span::new(11, 28)], 11).is_empty());
    }
}
