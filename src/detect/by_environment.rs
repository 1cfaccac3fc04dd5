//! One value for each environment, below a name that says what they are: `plaid_secrets = {"sandbox": "v", "production":
//! "v"}`. The names of the values say which environment each is for, and nothing else.

use super::context;
use super::near::Around;
use super::resolve::Found;
use super::slot::Slot;
use crate::rule::RuleSet;
use crate::span::Span;

/// What the values are called.
const ENVIRONMENTS: &[&str] =
    &["live", "production", "prod", "sandbox", "test", "testing", "staging", "stage", "development", "dev", "default"];
/// The most values that are read, and the longest.
const VALUES: usize = 8;
const LONGEST: usize = 512;
/// How many blanks may stand between two parts.
const BLANKS: usize = 64;

/// The values below a name, if they are called after environments.
pub(super) fn values_below(set: &RuleSet, around: &Around<'_>, name: Span) -> Vec<Found> {
    let bytes = around.bytes;
    let Some(inside) = opened(bytes, name.end) else { return Vec::new() };
    let places = places(bytes, inside);
    if places.is_empty() {
        return Vec::new();
    }
    let name = if matches!(bytes[name.end - 1], b's' | b'S') { Span::new(name.start, name.end - 1) } else { name };
    let known = around.rules_named(&bytes[name.range()]);
    let read = |place: Span| {
        let slot = Slot { name, value: place.start, listed: false };
        context::read(set, around, slot, (&known, true)).filter(|found| found.span.end == place.end)
    };
    places.into_iter().filter_map(read).collect()
}

/// Where the values begin behind the name: in braces or brackets, or on the next line.
fn opened(bytes: &[u8], end: usize) -> Option<usize> {
    let rest = &bytes[end..(end + BLANKS).min(bytes.len())];
    let text = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest).trim_ascii_start();
    let text = [&b"=>"[..], b":=", b"=", b":"].iter().find_map(|operator| text.strip_prefix(*operator))?;
    let inside = text.trim_ascii_start();
    let begins = |text: &[u8]| end + rest.len() - text.len();
    match inside.first()? {
        b'{' | b'[' => Some(begins(inside) + 1),
        _ => text[..text.len() - inside.len()].contains(&b'\n').then(|| begins(inside)),
    }
}

/// Where the values stand: each behind a word for an environment.
fn places(bytes: &[u8], inside: usize) -> Vec<Span> {
    let mut places = Vec::new();
    let mut at = inside;
    while places.len() < VALUES {
        let Some(place) = place_at(bytes, at) else { break };
        at = place.end;
        places.push(place);
    }
    places
}

/// The next value, if it is called after an environment.
fn place_at(bytes: &[u8], from: usize) -> Option<Span> {
    let rest = bytes.get(from..(from + 3 * BLANKS + LONGEST).min(bytes.len()))?;
    let blank = |byte: &&u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b'"' | b'\'' | b':');
    let text = &rest[rest.iter().take(BLANKS).take_while(blank).count()..];
    let length = text.iter().take(BLANKS).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, text) = text.split_at(length);
    if !ENVIRONMENTS.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes())) {
        return None;
    }
    let text = text.strip_prefix(b"\"").or_else(|| text.strip_prefix(b"'")).unwrap_or(text);
    let text = text.trim_ascii_start();
    let text = [&b"=>"[..], b"=", b":"].iter().find_map(|operator| text.strip_prefix(*operator))?;
    let bare = text.strip_prefix(b" ").unwrap_or(text);
    let text = text.trim_ascii_start();
    // What is left always ends where the rest ends.
    let start = |text: &[u8]| from + rest.len() - text.len();
    let quote = *text.first()?;
    if matches!(quote, b'"' | b'\'' | b'`') {
        let length = memchr::memchr(quote, &text[1..])?;
        return Some(Span::new(start(text) + 1, start(text) + 1 + length));
    }
    // All of a line, as in YAML.
    let length = bare.iter().take_while(|byte| byte.is_ascii_graphic()).count();
    let ends = matches!(bare.get(length), None | Some(b'\n' | b'\r'));
    (ends && length > 0 && !matches!(quote, b'{' | b'[')).then(|| Span::new(start(bare), start(bare) + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<&str> {
        let end = text.find("secrets").unwrap() + "secrets".len();
        let inside = opened(text.as_bytes(), end);
        inside
            .map_or(Vec::new(), |inside| places(text.as_bytes(), inside))
            .into_iter()
            .map(|place| &text[place.range()])
            .collect()
    }

    #[test]
    fn one_value_for_each_environment_in_every_notation() {
        for text in [
            "secrets: { sandbox: \"aa\", production: \"bb\" }",
            "SECRETS = 1\nsecrets = {\n    'sandbox': 'aa',\n    'production': 'bb',\n}",
            "'secrets' => ['sandbox' => 'aa', 'production' => 'bb']",
            "secrets:\n  sandbox: aa\n  production: bb\n",
            "secrets = { :sandbox => 'aa', :production => 'bb' }",
        ] {
            assert_eq!(values(text), ["aa", "bb"], "{text}");
        }
    }

    #[test]
    fn other_blocks_hold_none() {
        for text in ["secrets: { key: 'aa' }", "secrets: sandbox", "secrets(sandbox: 'aa')", "secrets:\n  sandbox: {a: b}\n"] {
            assert!(values(text).is_empty(), "{text}");
        }
    }
}
