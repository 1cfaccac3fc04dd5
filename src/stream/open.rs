//! How much of an unfinished line may be shown while its rest is awaited: nothing that may turn out to be,
//! or to begin, a secret, whatever follows.

use crate::rule::{Alphabet, Rule, RuleSet};
use crate::span::Span;

/// What names of slots hold. A superset of what the scanner looks for.
const STEMS: &[&[u8]] =
    &[b"key", b"token", b"secret", b"pass", b"pwd", b"auth", b"cred", b"bearer", b"salt", b"hmac", b"client", b"sig"];
/// A word this long may be a secret, whatever is in it.
const LONG: usize = 12;
/// A name may stand this far before its value.
const BEFORE: usize = 256;
/// What stands before an encoded id and its secret.
const BASIC: &[u8] = b"basic ";
/// The rule that names what no other rule knows.
const OPAQUE: &str = "general-named-secret";
/// Pairs of hex digits in a row that may be a dump.
const PAIRS: usize = 3;

/// What secrets begin with.
#[derive(Debug)]
pub(super) struct Heads {
    heads: Vec<Head>,
}

#[derive(Debug)]
struct Head {
    literal: Box<[u8]>,
    letters: Alphabet,
    rule: usize,
}

/// A secret whose end has not come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    /// Where it begins.
    pub(super) start: usize,
    /// What it goes on with.
    pub(super) letters: Alphabet,
    /// The rule whose values begin like it, by its place in the set.
    pub(super) rule: usize,
}

impl Heads {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let secret = |(_, rule): &(usize, &std::sync::Arc<Rule>)| !rule.class.is_public();
        let heads = rules.rules().iter().enumerate().filter(secret).flat_map(|(at, rule)| {
            let letters = rule.format.letters();
            let head = move |literal| Head { literal, letters, rule: at };
            rule.format.literals().into_iter().map(head)
        });
        let mut heads: Vec<Head> = heads.collect();
        heads.sort_by(|a, b| b.literal.len().cmp(&a.literal.len()).then_with(|| a.literal.cmp(&b.literal)));
        Self { heads }
    }

    /// Up to where an unfinished line may be shown: from `from`, which was shown before, on. `line` is the
    /// start of the line; what stands before is context.
    pub(super) fn safe(&self, bytes: &[u8], line: usize, from: usize) -> usize {
        let named = holds_stem(&bytes[line.saturating_sub(BEFORE)..line]);
        let mut named = named || holds_stem(&bytes[line..from]);
        let mut at = from;
        let mut pairs = 0;
        // A word that was cut by the last look is looked at as a whole.
        while at > line && !bytes[at - 1].is_ascii_whitespace() {
            at -= 1;
        }
        while at < bytes.len() {
            let word = bytes[at..].iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
            let text = &bytes[at..at + word];
            let ended = at + word < bytes.len();
            pairs = if word == 2 && text.iter().all(u8::is_ascii_hexdigit) { pairs + 1 } else { 0 };
            if word > 0 && (named || word >= LONG || pairs >= PAIRS || self.may_begin(text, ended)) {
                return at.saturating_sub(3 * pairs.saturating_sub(1)).max(from);
            }
            named |= holds_stem(text);
            at += word;
            at += bytes[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        }
        bytes.len()
    }

    /// Whether a short word may be the beginning of something.
    fn may_begin(&self, word: &[u8], ended: bool) -> bool {
        if memchr::memmem::find(word, b"-----").is_some() || word.contains(&0) || word.contains(&0x1B) {
            return true;
        }
        let begins = |head: &Head| head.literal.len() >= word.len() && head.literal[..word.len()].eq_ignore_ascii_case(word);
        if ended {
            return false;
        }
        // A prompt ends in punctuation and waits.
        let waits = word.last().is_some_and(|last| b":?>$#%])".contains(last));
        !waits || self.heads.iter().any(begins)
    }

    /// The secret that an unfinished line ends in, as far as it came.
    pub(super) fn tail(&self, bytes: &[u8], line: usize) -> Option<Tail> {
        let floor = line.max(bytes.len().saturating_sub(crate::rule::MAX_LENGTH));
        let begins = |head: &Head| {
            let at = floor + memchr::memmem::rfind(&bytes[floor..], &head.literal)?;
            let body = &bytes[at + head.literal.len()..];
            let open = body.iter().all(|&byte| head.letters.contains(byte));
            let left =
                at == line || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_') || is_escape(&bytes[line..at]);
            // What ends in a quote is a name, and shows nothing; its value is what is secret.
            let start = if head.literal.ends_with(b"\"") { at + head.literal.len() } else { at };
            (open && left && start < bytes.len()).then_some(Tail { start, letters: head.letters, rule: head.rule })
        };
        self.heads.iter().find_map(begins)
    }
}

/// Where an encoded secret begins that an unfinished line ends in, and the rule of those that begin like it.
pub(super) fn encoded_tail(heads: &Heads, rules: &RuleSet, bytes: &[u8], line: usize) -> Option<(usize, usize)> {
    let line = line.max(bytes.len().saturating_sub(2 * crate::rule::MAX_LENGTH)).min(bytes.len());
    let text = &bytes[line..];
    let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    let run = text.len() - text.iter().rev().take_while(is_base64).count();
    let scheme = &text[run.saturating_sub(BASIC.len())..run];
    if scheme.eq_ignore_ascii_case(BASIC) && run < text.len() {
        return Some((line + run, numbered(rules, OPAQUE)?));
    }
    let mut found: Option<(usize, usize)> = None;
    crate::detect::decoded_ends(text, &mut |decoded, origin| {
        let tail = heads.tail(decoded, 0).map(|tail| (tail.start, tail.rule));
        let tail = tail.or_else(|| open_key(rules, decoded, 0)).map(|(at, rule)| (line + origin(at), rule));
        found = [found, tail].into_iter().flatten().min();
    });
    found
}

/// Where a private key begins on an unfinished line that does not end on it, and the rule of such keys.
pub(super) fn open_key(rules: &RuleSet, bytes: &[u8], line: usize) -> Option<(usize, usize)> {
    let line = line.min(bytes.len());
    let at = line + memchr::memmem::rfind(&bytes[line..], b"-----BEGIN ")?;
    let label = &bytes[at + 11..];
    let end = memchr::memmem::find(&label[..label.len().min(48)], b"-----")?;
    let private = label[..end].ends_with(b"PRIVATE KEY") || label[..end].ends_with(b"PRIVATE KEY BLOCK");
    let ended = |at: usize| memchr::memmem::find(&label[at + 9..], b"-----").is_some();
    let closed = memchr::memmem::find(label, b"-----END ").is_some_and(ended);
    Some((at, numbered(rules, super::pem::RULE).filter(|_| private && !closed)?))
}

fn numbered(rules: &RuleSet, id: &str) -> Option<usize> {
    rules.rules().iter().position(|rule| rule.id.as_str() == id)
}

/// Whether the bytes may end in an escape; too much is redacted rather than too little.
fn is_escape(before: &[u8]) -> bool {
    before.iter().rev().take(6).any(|byte| matches!(byte, b'\\' | b'%' | b'=' | b'#' | 0x1B | b'['))
}

/// The opaque value that an unfinished line ends in, if a slot before it says that it is a secret.
pub(super) fn named_tail(rules: &RuleSet, bytes: &[u8], line: usize) -> Option<(Span, usize)> {
    let line = &bytes[line.min(bytes.len())..];
    let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'/' | b'.');
    let value = line.len() - line.iter().rev().take_while(|&&byte| part(byte)).count();
    let glue = |byte: u8| matches!(byte, b' ' | b'\t' | b':' | b'=' | b'"' | b'\'' | b'\\' | b'>');
    let name_end = value - line[..value].iter().rev().take(12).take_while(|&&byte| glue(byte)).count();
    let assigned = line[name_end..value].iter().any(|byte| matches!(byte, b':' | b'=' | b'>'));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let start = name_end - line[..name_end].iter().rev().take(64).take_while(|&&byte| is_name(byte)).count();
    let name = crate::rule::name::normalise(&line[start..name_end]);
    if !assigned || value == line.len() || name.is_empty() {
        return None;
    }
    let named = |rule: &std::sync::Arc<Rule>| !rule.class.is_public() && rule.names.iter().any(|pattern| pattern.matches(&name));
    let rule = rules.rules().iter().position(named)?;
    let by = bytes.len() - line.len();
    Some((Span::new(value, line.len()).shifted(by), rule))
}

fn holds_stem(text: &[u8]) -> bool {
    STEMS.iter().any(|stem| {
        let first = [stem[0], stem[0].to_ascii_uppercase()];
        memchr::memchr2_iter(first[0], first[1], text)
            .any(|at| text.len() - at >= stem.len() && text[at..at + stem.len()].eq_ignore_ascii_case(stem))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::examples::expand;

    fn shown(template: &str) -> String {
        let heads = Heads::new(&RuleSet::builtin());
        let text = expand(template, "open").unwrap();
        text[..heads.safe(text.as_bytes(), 0, 0)].to_owned()
    }

    #[test]
    fn prompts_and_progress_are_shown_at_once() {
        for text in ["login: ", "login:", "Password: ", "Continue? [y/N] ", "$ ", "loading 45% [==>   ] ", "a b c "] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn what_may_be_a_secret_waits() {
        assert_eq!(shown("at 9:11 x=sk_live_{base62:4}"), "at 9:11 ");
        assert_eq!(shown("at 9:11 sk_l"), "at 9:11 ");
        assert_eq!(shown("the key is abc"), "the key ");
        assert_eq!(shown("see {base62:12} "), "see ");
        assert_eq!(shown("-----BEGIN "), "");
        assert_eq!(shown("0010 2d 61 70 69"), "0010 ");
    }

    #[test]
    fn tails_are_known_prefixes_with_an_open_end() {
        let heads = Heads::new(&RuleSet::builtin());
        let start = |template: &str| {
            let text = expand(template, "open").unwrap();
            heads.tail(text.as_bytes(), 0).map(|tail| tail.start)
        };
        assert_eq!(start("key=sk_live_{base62:9}"), Some(4));
        assert_eq!(start("key=sk_live_{base62:9} "), None);
        assert_eq!(start("disk_live_{base62:9}"), None);
        assert_eq!(start("%3Dsk_live_{base62:9}"), Some(3));
        assert_eq!(start("{{\"a\":1,\"k\":\""), None);
        assert_eq!(start("{{\"a\":1,\"k\":\"{base62:9}"), Some(12));
        let rules = RuleSet::builtin();
        let key = |text: &str| open_key(&rules, text.as_bytes(), 0).map(|tail| tail.0);
        assert_eq!(key("{\"k\":\"-----BEGIN EC PRIVATE KEY-----\\nMHc"), Some(6));
        assert_eq!(key("-----BEGIN PRIVATE KEY-----\\nMHc\\n-----END PRIVATE KEY-----"), None);
        assert_eq!(key("-----BEGIN PUBLIC KEY-----\\nMHc"), None);
        let encoded = |template: &str| {
            let text = expand(template, "open").unwrap();
            encoded_tail(&heads, &rules, text.as_bytes(), 0).map(|tail| tail.0)
        };
        assert_eq!(encoded("a k=sk%5Flive%5F{base62:9}"), Some(4));
        assert_eq!(encoded("a k=\"sk\\u005flive\\u005f{base62:9}"), Some(5));
        assert_eq!(encoded("authorization: Basic {base64url:9}"), Some(21));
        assert_eq!(encoded("a k=sk%5Flive%5F{base62:9} b"), None);
        assert_eq!(encoded("trace {hex:32}"), None);
        let text = b"x-client-secret: \"0a1b2c";
        assert_eq!(named_tail(&rules, text, 0).map(|(span, _)| span), Some(Span::new(18, 24)));
        assert!(named_tail(&rules, b"x-request-id: 0a1b2c", 0).is_none());
        assert!(named_tail(&rules, b"x-client-secret: ", 0).is_none());
    }
}
