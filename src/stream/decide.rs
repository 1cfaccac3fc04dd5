//! What of some lines is secret. A line is judged by itself and by what stands up to eight lines and two
//! kibibytes before it, never by what comes later: so nothing depends on how the bytes arrive.

use std::ops::Range;
use std::sync::Arc;

use super::eye::{Eye, Fault, Seen, Sight};
use super::pem::Pem;
use crate::credential::{Class, Credential, Environment, View};
use crate::detect::is_public_anywhere;
use crate::finding::{Fact, FactKind};
use crate::span::Span;

/// Lines of context.
const LINES: usize = 8;
/// Bytes of context.
const CONTEXT: usize = 2 * 1024;
/// Fewer bytes than this are looked at line by line at once.
const FEW: usize = 4 * 1024;
/// So many digits of base64 stand for three bytes.
const QUAD: usize = 4;
/// A run of this many letters at the end of a line may go on in the next.
const FOLD: usize = 16;

/// Where a line stands in its stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Lines before it.
    pub(super) lines: u64,
    /// Bytes before it.
    pub(super) offset: u64,
}

/// Something secret on a line.
#[derive(Debug, PartialEq)]
pub(super) struct Hit {
    /// What to redact; may be empty at the end of a private key.
    pub(super) span: Span,
    /// What it opens.
    pub(super) class: Class,
    /// The credential; none for the further lines of a private key.
    pub(super) credential: Option<Box<Credential>>,
    /// What the team calls it.
    pub(super) label: Option<Arc<str>>,
    /// Whether the end of it was not seen.
    pub(super) truncated: bool,
    /// Where it began, if not on this line.
    pub(super) began: Option<Mark>,
}

/// What was decided, in order.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// Something secret.
    Hit(Hit),
    /// A line that could not be looked at, and why.
    Failed(Span, Fault),
}

/// What was decided of some bytes, in order.
#[derive(Debug, Default)]
pub(super) struct Decided {
    /// Secrets, and what could not be looked at.
    pub(super) outcomes: Vec<Outcome>,
    /// What lines say of environments, each by itself. It never changes what goes out.
    pub(super) facts: Vec<Fact>,
}

impl Decided {
    pub(super) fn shifted(self, by: usize) -> Self {
        let facts = self.facts.into_iter().map(|fact| moved(fact, |span| span.shifted(by)));
        let outcomes = self.outcomes.into_iter().map(|outcome| outcome.shifted(by));
        Self { facts: facts.collect(), outcomes: outcomes.collect() }
    }
}

/// The same fact where its spans are counted from somewhere else.
pub(super) fn moved(fact: Fact, to: impl Fn(Span) -> Span) -> Fact {
    Fact { span: to(fact.span), beside: fact.beside.map(to), ..fact }
}

impl Outcome {
    pub(super) fn span(&self) -> Span {
        match self {
            Self::Hit(hit) => hit.span,
            Self::Failed(span, _) => *span,
        }
    }

    pub(super) fn shifted(self, by: usize) -> Self {
        match self {
            Self::Hit(hit) => Self::Hit(hit.shifted(by)),
            Self::Failed(span, fault) => Self::Failed(span.shifted(by), fault),
        }
    }
}

impl Hit {
    pub(super) fn of(seen: Seen) -> Self {
        Self {
            span: seen.credential.span,
            class: seen.credential.class,
            label: seen.label,
            credential: Some(Box::new(seen.credential)),
            truncated: false,
            began: None,
        }
    }

    /// A part of a private key that goes over lines.
    pub(super) fn key_part(span: Span) -> Self {
        Self { span, class: Class::PrivateKey, credential: None, label: None, truncated: false, began: None }
    }

    pub(super) fn shifted(mut self, by: usize) -> Self {
        self.span = self.span.shifted(by);
        if let Some(credential) = &mut self.credential {
            credential.span = credential.span.shifted(by);
        }
        self
    }
}

/// Decides one stream, line after line.
#[derive(Debug, Default)]
pub(super) struct Decider {
    pem: Option<Pem>,
    /// What is to be added to the number of lines and bytes that the decider counts itself.
    mark: Mark,
}

/// Where the context of what begins at `at` begins.
pub(super) fn context_of(bytes: &[u8], at: usize) -> usize {
    let floor = at.saturating_sub(CONTEXT);
    let mut ends = memchr::memrchr_iter(b'\n', &bytes[floor..at]);
    ends.nth(LINES).map_or(floor, |end| floor + end + 1)
}

impl Decider {
    /// Whether a private key has begun and not ended.
    pub(super) fn in_key(&self) -> bool {
        self.pem.is_some()
    }

    /// Decides whole lines: those from `from` on. What stands before is context.
    ///
    /// Secrets are overwritten with stars: as context they say nothing that their names do not say,
    /// and would be looked at again with each of the next lines.
    pub(super) fn lines(&mut self, eye: &Eye, bytes: &mut [u8], from: usize) -> Decided {
        let mut decided = Decided::default();
        let fresh = &bytes[from..];
        let many = fresh.len() > FEW && self.pem.is_none() && !super::pem::is_near(fresh);
        let suspects = if many { suspects(eye, bytes, from).ok() } else { None };
        if let Some(Suspects { lines, telling }) = suspects {
            for line in telling {
                decided.facts.extend(facts_of(eye, bytes, line));
            }
            for line in lines {
                let before = decided.outcomes.len();
                look(eye, bytes, line, &mut decided.outcomes);
                wipe(bytes, &decided.outcomes[before..]);
            }
            self.count(&bytes[from..]);
        } else {
            let mut start = from;
            loop {
                let Some(line) = lines_of(bytes, start).next() else { break };
                let before = decided.outcomes.len();
                if self.line(eye, bytes, line.clone(), &mut decided.outcomes) {
                    decided.facts.extend(facts_of(eye, bytes, line.clone()));
                }
                self.count(&bytes[line.clone()]);
                wipe(bytes, &decided.outcomes[before..]);
                start = line.end;
            }
        }
        decided
    }

    /// Decides a part of a long line: the core, between as many bytes as a decision may need.
    pub(super) fn window(&mut self, eye: &Eye, bytes: &mut [u8], core: Range<usize>) -> Decided {
        // A line that long is no part of a key that goes over lines.
        let mut outcomes: Vec<Outcome> =
            self.pem.take().and_then(|pem| pem.close(eye, core.start, true)).map(Outcome::Hit).into_iter().collect();
        let mut facts = Vec::new();
        match eye.look(bytes, core.clone()) {
            Ok(sight) => {
                outcomes.extend(hits(sight.seen, bytes, 0));
                facts = sight.facts;
            }
            Err(fault) => outcomes.push(Outcome::Failed(Span::new(core.start, core.end), fault)),
        }
        self.count(&bytes[core]);
        wipe(bytes, &outcomes);
        Decided { outcomes, facts }
    }

    /// Looks at an unfinished line as if it ended here; changes nothing.
    pub(super) fn peek(&self, eye: &Eye, bytes: &[u8], from: usize) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        match &self.pem {
            Some(pem) => {
                let body = pem.peek(&bytes[from..]).map(|span| span.shifted(from));
                outcomes.extend(body.map(|span| Outcome::Hit(Hit::key_part(span))));
            }
            None => {
                look(eye, bytes, from..bytes.len(), &mut outcomes);
            }
        }
        outcomes
    }

    /// The stream ends: so does a private key that has begun.
    pub(super) fn finish(&mut self, eye: &Eye, at: usize) -> Option<Outcome> {
        self.pem.take().and_then(|pem| pem.close(eye, at, true)).map(Outcome::Hit)
    }

    /// Counts bytes that go by without a look.
    pub(super) fn count(&mut self, bytes: &[u8]) {
        self.mark.offset += bytes.len() as u64;
        self.mark.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
    }

    /// Where the next line stands.
    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    /// One whole line; says whether its facts are wanted.
    fn line(&mut self, eye: &Eye, bytes: &[u8], line: Range<usize>, outcomes: &mut Vec<Outcome>) -> bool {
        if let Some(mut pem) = self.pem.take() {
            match pem.line(&bytes[line.clone()]) {
                super::pem::Step::Body(span) => {
                    outcomes.push(Outcome::Hit(Hit::key_part(span.shifted(line.start))));
                    self.pem = Some(pem);
                    return false;
                }
                super::pem::Step::Head => self.pem = Some(pem),
                super::pem::Step::End(span) => {
                    outcomes.push(Outcome::Hit(Hit::key_part(span.shifted(line.start))));
                    outcomes.extend(pem.close(eye, line.start + span.end, false).map(Outcome::Hit));
                    return false;
                }
                super::pem::Step::Broken => {
                    let truncated = pem.wants_end();
                    outcomes.extend(pem.close(eye, line.start, truncated).map(Outcome::Hit));
                }
            }
        }
        let before = outcomes.len();
        let facts = look(eye, bytes, line.clone(), outcomes);
        if let Some((pem, span)) = Pem::begin(&bytes[line.clone()], self.mark) {
            let span = span.shifted(line.start);
            let taken = outcomes[before..].iter().any(|outcome| outcome.span().overlaps(span));
            if !span.is_empty() && !taken {
                outcomes.push(Outcome::Hit(Hit::key_part(span)));
            }
            self.pem = Some(pem);
        } else if let Some((pem, goes_on, span)) = Pem::begin_keystore(&bytes[line.clone()], self.mark) {
            let span = span.shifted(line.start);
            if !outcomes[before..].iter().any(|outcome| outcome.span().overlaps(span)) {
                outcomes.push(Outcome::Hit(Hit::key_part(span)));
            }
            if goes_on {
                self.pem = Some(pem);
            } else {
                outcomes.extend(pem.close(eye, span.end, false).map(Outcome::Hit));
            }
        }
        facts.iter().any(is_telling) || !facts.is_empty() && outcomes.len() > before
    }
}

/// One line with its context and nothing else; gives the facts that it may hold.
fn look(eye: &Eye, bytes: &[u8], line: Range<usize>, outcomes: &mut Vec<Outcome>) -> Vec<Fact> {
    let start = context_of(bytes, line.start);
    let slice = &bytes[start..line.end];
    match eye.look(slice, line.start - start..slice.len()) {
        Ok(Sight { seen, facts }) => {
            outcomes.extend(hits(seen, slice, start));
            facts
        }
        Err(fault) => {
            outcomes.push(Outcome::Failed(Span::new(line.start, line.end), fault));
            Vec::new()
        }
    }
}

/// The facts of a line, which nothing else has a part in: so it does not matter what came with it.
fn facts_of(eye: &Eye, bytes: &[u8], line: Range<usize>) -> impl Iterator<Item = Fact> {
    let start = line.start;
    let slice = &bytes[line];
    let facts = eye.look(slice, 0..slice.len()).map_or(Vec::new(), |sight| sight.facts);
    facts.into_iter().map(move |fact| moved(fact, |span| span.shifted(start)))
}

/// Whether a fact may be a finding by itself, where a log says whose it is.
fn is_telling(fact: &Fact) -> bool {
    match fact.kind {
        FactKind::Event | FactKind::TestCard | FactKind::SandboxPath => true,
        FactKind::Host => fact.environment == Environment::Sandbox,
        _ => false,
    }
}

/// The secrets among what was seen; what we have written ourselves is none.
fn hits(seen: Vec<Seen>, bytes: &[u8], by: usize) -> impl Iterator<Item = Outcome> {
    let secret = |seen: &Seen| !seen.credential.class.is_public() && !super::mask::is_ours(bytes, seen.credential.span);
    let seen: Vec<Seen> = seen.into_iter().filter(secret).collect();
    let hit = move |seen: Seen| {
        let rest = rest_of_base64(bytes, &seen.credential);
        let mut hit = Hit::of(seen);
        hit.span.end += rest;
        Outcome::Hit(hit.shifted(by))
    };
    seen.into_iter().map(hit)
}

/// How many digits, and signs that pad them, are left of a run of base64 that a secret was read from: a colon or a line
/// end behind it is no reason to show the end of the run.
fn rest_of_base64(bytes: &[u8], credential: &Credential) -> usize {
    if credential.view != View::Base64 {
        return 0;
    }
    let is_digit = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    let rest = bytes[credential.span.end..].iter().take(QUAD + 1).take_while(is_digit).count();
    if rest <= QUAD { rest } else { 0 }
}

/// Overwrites what is secret; the zeros of wide characters stay, so that they can be told.
fn wipe(bytes: &mut [u8], outcomes: &[Outcome]) {
    for outcome in outcomes {
        if let Outcome::Hit(hit) = outcome {
            bytes[hit.span.range()].iter_mut().filter(|byte| **byte != 0).for_each(|byte| *byte = b'*');
        }
    }
}

/// The lines from `from` on.
fn lines_of(bytes: &[u8], from: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = from;
    std::iter::from_fn(move || {
        let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let end = memchr::memchr(b'\n', rest).map_or(bytes.len(), |at| start + at + 1);
        Some(std::mem::replace(&mut start, end)..end)
    })
}

/// Lines that are worth a look each.
struct Suspects {
    /// Those that may hold a secret.
    lines: Vec<Range<usize>>,
    /// Those whose facts are wanted.
    telling: Vec<Range<usize>>,
}

/// The lines that may hold something: those where a look at all of them together sees something, and
/// those that go on in the next, where the two could be read as one.
///
/// A look at all sees at least what a look at each would see, because more context never takes a
/// credential or a fact away; what it makes of them is not used.
fn suspects(eye: &Eye, bytes: &[u8], from: usize) -> Result<Suspects, Fault> {
    let start = context_of(bytes, from);
    let slice = &bytes[start..];
    let Sight { seen, facts } = eye.look(slice, from - start..slice.len())?;
    let mut lines: Vec<Range<usize>> = Vec::new();
    // Public ones too: what comes later may be why they are, unless they say so themselves.
    for seen in seen.iter().filter(|seen| !is_public_anywhere(eye.rules(), &seen.credential)) {
        let span = seen.credential.span.shifted(start);
        if lines.last().is_some_and(|line: &Range<usize>| line.start <= span.start && span.end <= line.end) {
            continue;
        }
        let first = line_start(bytes, from, span.start);
        let last = memchr::memchr(b'\n', &bytes[span.end.max(span.start + 1) - 1..]).map_or(bytes.len(), |at| span.end + at);
        lines.extend(lines_of(&bytes[..last.min(bytes.len())], first));
    }
    let folded = memchr::memchr_iter(b'\n', &bytes[from..]).map(|at| from + at).filter(|&at| is_folded(bytes, at));
    for at in folded {
        let first = line_start(bytes, from, at);
        let end = memchr::memchr(b'\n', &bytes[at + 1..]).map_or(bytes.len(), |more| at + 1 + more + 1);
        lines.extend(lines_of(&bytes[..end], first));
    }
    lines.sort_by_key(|line| (line.start, line.end));
    lines.dedup();
    let mut telling: Vec<Range<usize>> = Vec::new();
    let mut passed = from..from;
    for fact in &facts {
        let at = fact.span.start + start;
        // A line may be long and hold a great many.
        if telling.last().is_some_and(|line| line.contains(&at)) {
            continue;
        }
        if !passed.contains(&at) {
            let first = line_start(bytes, from, at);
            passed = lines_of(bytes, first).next().unwrap_or(at..at);
        }
        let suspect = || lines.binary_search_by_key(&passed.start, |line| line.start).is_ok();
        if is_telling(fact) || suspect() {
            telling.push(passed.clone());
        }
    }
    Ok(Suspects { lines, telling })
}

fn line_start(bytes: &[u8], from: usize, at: usize) -> usize {
    memchr::memrchr(b'\n', &bytes[from..at]).map_or(from, |end| from + end + 1)
}

/// Whether what stands before a line end may go on behind it: a folded base64 or hex text, a soft line
/// break.
fn is_folded(bytes: &[u8], newline: usize) -> bool {
    let end = if newline > 0 && bytes[newline - 1] == b'\r' { newline - 1 } else { newline };
    let Some(last) = end.checked_sub(1).map(|last| bytes[last]) else { return false };
    if matches!(last, b'=' | b'\\') {
        return true;
    }
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    let behind = bytes[newline + 1..].iter().skip_while(|byte| matches!(byte, b' ' | b'\t'));
    letter(last)
        && behind.take(FOLD).take_while(|byte| letter(**byte)).count() == FOLD
        && bytes[..end].iter().rev().take(FOLD).take_while(|byte| letter(**byte)).count() == FOLD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_is_eight_lines_and_two_kibibytes() {
        let text = (0..30).map(|line| format!("{line:02}\n")).collect::<Vec<_>>().concat();
        let at = text.find("20").unwrap();
        assert!(text[context_of(text.as_bytes(), at)..].starts_with("12\n"));
        let long = "x".repeat(10_000);
        assert_eq!(context_of(long.as_bytes(), 9_000), 9_000 - CONTEXT);
        assert_eq!(context_of(b"", 0), 0);
    }

    #[test]
    fn lines_with_and_without_an_end() {
        let text = b"ab\nc\n\nd";
        let lines: Vec<_> = lines_of(text, 0).map(|line| &text[line]).collect();
        assert_eq!(lines, [&b"ab\n"[..], b"c\n", b"\n", b"d"]);
        assert_eq!(lines_of(text, 7).count(), 0);
    }
}
