//! A stream of lines: what comes in goes out byte for byte but for the secrets, as soon as nothing that
//! follows can change what it is.

use std::time::{Duration, Instant};

use super::decide::{Decided, Decider, Hit, Mark, Outcome, context_of, moved};
use super::hub::{At, Banners, Blocked, Hub};
use crate::credential::{Confidence, Credential, Environment, Secret, View};
use crate::detect::REACH;
use crate::finding::{Fact, Stage};
use crate::rule::{Alphabet, RuleSet};
use crate::span::Span;

/// How much of a long line is taken for the record of a secret in it.
const RECORD: usize = 8 * 1024;

/// One stream of lines.
#[derive(Debug)]
pub struct Lines {
    name: String,
    buffer: Vec<u8>,
    /// Where the unfinished line begins, or the part of a long line that is not decided yet.
    at: usize,
    /// How much of it went out before it was decided.
    released: usize,
    /// How far line ends were looked for.
    searched: usize,
    /// Whether `at` is inside a line.
    long: bool,
    /// Where the line of `at` begins in the stream.
    line: u64,
    decider: Decider,
    /// What the last start-up banner said.
    banner: Option<Stage>,
    /// What continues a secret that was redacted before its end came.
    swallow: Option<Alphabet>,
    /// Secrets of the unfinished line that were told, counted from its beginning.
    told: Vec<Span>,
    /// Since when bytes are held.
    waiting: Option<Instant>,
}

impl Lines {
    /// A stream of that name.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            buffer: Vec::new(),
            at: 0,
            released: 0,
            searched: 0,
            long: false,
            line: 0,
            decider: Decider::default(),
            banner: None,
            swallow: None,
            told: Vec::new(),
            waiting: None,
        }
    }

    /// Takes bytes in and puts out what is decided.
    pub fn push(&mut self, bytes: &[u8], hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        self.buffer.extend_from_slice(bytes);
        if let Some(since) = self.waiting.take() {
            hub.counters.hold(since.elapsed());
        }
        self.swallow();
        self.work(hub, out)
    }

    /// Drops what continues a secret that was redacted already.
    fn swallow(&mut self) {
        if let Some(letters) = self.swallow {
            let run = letters.run(&self.buffer[self.released..], usize::MAX);
            self.released += run;
            if self.released < self.buffer.len() {
                self.swallow = None;
            }
        }
    }

    fn work(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        let limit = hub.settings.max_line + REACH;
        loop {
            self.searched = self.searched.max(self.at);
            let end = memchr::memchr(b'\n', &self.buffer[self.searched..]).map(|at| self.searched + at + 1);
            match end {
                Some(end) if !self.long && end - self.at < limit => {
                    let end = self.short_lines(end, limit);
                    self.lines(end, hub, out)?;
                }
                Some(end) => {
                    self.searched = end - 1;
                    self.window(Some(end), hub, out)?;
                }
                None => {
                    self.searched = self.buffer.len();
                    if self.buffer.len() - self.at < limit {
                        break;
                    }
                    self.window(None, hub, out)?;
                }
            }
        }
        self.forget();
        Ok(())
    }

    /// The end of the last of the whole lines in a row that are not long; the first ends at `end`.
    fn short_lines(&self, end: usize, limit: usize) -> usize {
        let last = memchr::memrchr(b'\n', &self.buffer[end..]).map_or(end, |at| end + at + 1);
        if last - self.at < limit {
            return last;
        }
        let mut start = end;
        for newline in memchr::memchr_iter(b'\n', &self.buffer[end..last]).map(|at| end + at + 1) {
            if newline - start >= limit {
                break;
            }
            start = newline;
        }
        start
    }

    /// Whole lines, up to `end`.
    fn lines(&mut self, end: usize, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        let mark = self.decider.mark();
        let banners = hub.banners(&self.buffer[self.at..end], self.banner);
        let decided = self.decider.lines(&hub.eye.clone(), &mut self.buffer[..end], self.at);
        self.put(Part { decided: &decided, banners: &banners, end, mark }, hub, out)?;
        self.banner = banners.last();
        hub.counters.lines += self.decider.mark().lines - mark.lines;
        self.next(end, false);
        Ok(())
    }

    /// The next part of a long line; `end` is the end of the line, if that has come.
    fn window(&mut self, end: Option<usize>, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        let mark = self.decider.mark();
        let size = hub.settings.max_line;
        let visible = self.at + size + REACH;
        let last = end.filter(|&end| end < visible);
        let core = self.at..last.unwrap_or(self.at + size);
        let floor = if self.long { self.at.saturating_sub(REACH) } else { context_of(&self.buffer, self.at) };
        let slice = &mut self.buffer[floor..last.unwrap_or(visible)];
        let decided = self.decider.window(&hub.eye.clone(), slice, core.start - floor..core.end - floor).shifted(floor);
        hub.counters.windows += 1;
        let banners = Banners::of(self.banner);
        self.put(Part { decided: &decided, banners: &banners, end: core.end, mark }, hub, out)?;
        hub.counters.lines += u64::from(last.is_some());
        self.next(core.end, last.is_none());
        Ok(())
    }

    /// What follows `end` is next; `long` says whether it is the same line.
    fn next(&mut self, end: usize, long: bool) {
        self.at = end;
        self.released = self.released.max(end);
        self.long = long;
        if !long {
            self.line = self.decider.mark().offset;
            self.told.clear();
        }
    }

    /// Drops what is context no more.
    fn forget(&mut self) {
        let floor = if self.long { self.at.saturating_sub(REACH) } else { context_of(&self.buffer, self.at) };
        self.buffer.drain(..floor);
        self.at -= floor;
        self.released -= floor;
        self.searched = self.searched.saturating_sub(floor);
        // A long line must not hold its memory for the rest of the stream.
        if self.buffer.capacity() > 4 * (self.buffer.len() + 64 * 1024) {
            self.buffer.shrink_to(2 * self.buffer.len() + 128 * 1024);
        }
    }

    /// Puts out what is decided, from `at` to `end`, and tells of its secrets.
    fn put(&mut self, part: Part<'_>, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        let Part { decided: Decided { outcomes, .. }, end, mark, .. } = part;
        let mut place = Place { mark, lines: mark.lines, counted: self.at, facts: 0 };
        let redact = hub.settings.redact;
        let spans: Vec<Span> = outcomes.iter().map(Outcome::span).collect();
        let telling = Telling { part, spans: &spans };
        let mut done = self.released.max(self.at);
        for (index, outcome) in outcomes.iter().enumerate() {
            let span = outcome.span();
            if redact && span.start > done {
                out.extend_from_slice(&self.buffer[done..span.start]);
                done = span.start;
            }
            match outcome {
                Outcome::Failed(_, fault) => {
                    hub.overworked(*fault);
                    // What went out of it already cannot be taken back.
                    let rest = &self.buffer[done.min(span.end)..span.end];
                    if redact {
                        hub.fail(rest, out)?;
                    } else {
                        hub.fail(rest, &mut Vec::new())?;
                    }
                }
                Outcome::Hit(hit) => {
                    let rest = &self.buffer[done.clamp(span.start, span.end)..span.end];
                    if redact && (!rest.is_empty() || hit.span.is_empty()) {
                        hub.redact(hit, rest, out);
                    }
                    self.tell_facts(telling, self.line_start(span.start), &mut place, hub);
                    self.tell(hit, (index, telling), &mut place, hub);
                }
            }
            done = done.max(span.end);
        }
        self.tell_facts(telling, end, &mut place, hub);
        if redact && end > done {
            out.extend_from_slice(&self.buffer[done..end]);
        }
        self.released = done.max(end);
        Ok(())
    }

    fn tell(&self, hit: &Hit, (index, telling): (usize, Telling<'_>), place: &mut Place, hub: &mut Hub) {
        let span = hit.span;
        let told = Span::new(span.start.saturating_sub(self.at), span.end - self.at);
        if hit.credential.is_none() || span.start >= self.at && self.told.contains(&told) {
            return;
        }
        let record = self.record_around(span);
        let facts = telling.facts_in(record);
        let all = telling.spans_in(index, record);
        hub.alert(hit, self.at(span, record, &facts, (telling, place)), &all);
    }

    /// Tells what lines before `end` say of environments.
    fn tell_facts(&self, telling: Telling<'_>, end: usize, place: &mut Place, hub: &mut Hub) {
        let facts = &telling.part.decided.facts;
        while let Some(fact) = facts.get(place.facts).filter(|fact| fact.span.start < end) {
            let record = self.record_around(fact.span);
            let first = place.facts;
            place.facts += facts[first..].iter().take_while(|fact| fact.span.end <= record.end).count().max(1);
            let here: Vec<Fact> =
                facts[first..place.facts].iter().cloned().map(|fact| moved(fact, |span| within(span, record.start))).collect();
            let index = telling.spans.partition_point(|span| span.start < record.start);
            let all = telling.spans_in(index, record);
            hub.facts(self.at(fact.span, record, &here, (telling, place)), &all);
        }
    }

    /// The line that holds a span, or as much of it as is taken for its record.
    fn record_around(&self, span: Span) -> Span {
        let floor = span.start.saturating_sub(RECORD);
        let start = memchr::memrchr(b'\n', &self.buffer[floor..span.start]).map_or(floor, |at| floor + at + 1);
        let ceiling = (span.end + RECORD).min(self.buffer.len());
        let end = memchr::memchr(b'\n', &self.buffer[span.end..ceiling]).map_or(ceiling, |at| span.end + at);
        Span::new(start, end)
    }

    /// Where a span stands, in its record and in the stream.
    fn at<'a>(&'a self, span: Span, record: Span, facts: &'a [Fact], (telling, place): (Telling<'_>, &mut Place)) -> At<'a> {
        if span.start >= place.counted {
            place.lines += memchr::memchr_iter(b'\n', &self.buffer[place.counted..span.start]).count() as u64;
            place.counted = span.start;
        }
        let offset = place.mark.offset + (span.start - self.at) as u64;
        let first = memchr::memrchr(b'\n', &self.buffer[self.at..span.start]).map(|at| self.at + at + 1);
        At {
            stream: &self.name,
            record: &self.buffer[record.range()],
            span: within(span, record.start),
            line: place.lines,
            offset,
            column: first.map_or(offset - self.line, |first| (span.start - first) as u64),
            facts,
            banner: telling.part.banners.at(span.start - self.at),
        }
    }

    fn line_start(&self, at: usize) -> usize {
        memchr::memrchr(b'\n', &self.buffer[self.at..at.max(self.at)]).map_or(self.at, |end| self.at + end + 1)
    }

    /// Nothing more is waiting: shows what of an unfinished line can be no secret.
    pub fn idle(&mut self, hub: &mut Hub, out: &mut Vec<u8>) {
        if !hub.settings.redact || self.released == self.buffer.len() {
            return;
        }
        if !self.long && !self.decider.in_key() && self.swallow.is_none() {
            let safe = hub.heads.safe(&self.buffer, self.at, self.released);
            out.extend_from_slice(&self.buffer[self.released..safe]);
            self.released = safe;
        }
        if self.released < self.buffer.len() {
            self.waiting.get_or_insert_with(Instant::now);
        }
    }

    /// When what is held must go out.
    pub fn deadline(&self, hold: Duration) -> Option<Instant> {
        self.waiting.map(|since| since + hold)
    }

    /// What is held goes out: what is or begins a secret redacted, with all that continues it.
    pub fn expire(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        if let Some(since) = self.waiting.take() {
            hub.counters.hold(since.elapsed());
        }
        if !hub.settings.redact || self.released == self.buffer.len() {
            return Ok(());
        }
        let end = self.buffer.len();
        let floor = if self.long { self.at.saturating_sub(REACH) } else { context_of(&self.buffer, self.at) };
        let outcomes = self.decider.peek(&hub.eye.clone(), &self.buffer[floor..], self.at - floor);
        let mut outcomes: Vec<Outcome> = outcomes.into_iter().map(|outcome| outcome.shifted(floor)).collect();
        self.swallow = close_tail(&self.buffer, self.at, &mut outcomes, hub);
        let mark = self.decider.mark();
        let decided = Decided { outcomes, facts: Vec::new() };
        let banners = Banners::of(self.banner);
        self.put(Part { decided: &decided, banners: &banners, end, mark }, hub, out)?;
        let seen = decided.outcomes.iter().map(Outcome::span).filter(|span| span.start >= self.at);
        self.told = seen.map(|span| Span::new(span.start - self.at, span.end - self.at)).collect();
        Ok(())
    }

    /// The input has ended.
    pub fn finish(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        if self.at < self.buffer.len() {
            if self.long {
                let end = self.buffer.len();
                self.window(Some(end), hub, out)?;
            } else {
                self.lines(self.buffer.len(), hub, out)?;
                hub.counters.lines += 1;
            }
        }
        self.last_key(hub, out)
    }

    /// The run ends although the input has not: what is held goes out as if its time were up.
    pub fn abandon(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        self.expire(hub, out)?;
        self.last_key(hub, out)
    }

    fn last_key(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        let mark = self.decider.mark();
        let end = self.buffer.len();
        match self.decider.finish(&hub.eye.clone(), self.at.min(end)) {
            Some(outcome) => {
                let decided = Decided { outcomes: vec![outcome], facts: Vec::new() };
                let banners = Banners::of(self.banner);
                self.put(Part { decided: &decided, banners: &banners, end: self.at, mark }, hub, out)
            }
            None => Ok(()),
        }
    }

    /// Whether a part of an unfinished line went out.
    pub fn is_mid_line(&self) -> bool {
        self.long || self.released > self.at
    }
}

/// What was decided, from `at` to `end`, and where that begins in the stream.
#[derive(Clone, Copy)]
struct Part<'a> {
    decided: &'a Decided,
    /// What start-up banners say, counted from `at`.
    banners: &'a Banners,
    end: usize,
    mark: Mark,
}

/// What is told of, and the secrets that are not shown with it.
#[derive(Clone, Copy)]
struct Telling<'a> {
    part: Part<'a>,
    spans: &'a [Span],
}

impl Telling<'_> {
    /// The facts of a record, counted from its beginning.
    fn facts_in(&self, record: Span) -> Vec<Fact> {
        let facts = &self.part.decided.facts;
        let first = facts.partition_point(|fact| fact.span.start < record.start);
        let inside = facts[first..].iter().take_while(|fact| fact.span.start < record.end);
        inside
            .filter(|fact| fact.span.end <= record.end)
            .cloned()
            .map(|fact| moved(fact, |span| within(span, record.start)))
            .collect()
    }

    /// The secrets of a record, counted from its beginning; one near it is that of the number.
    fn spans_in(&self, index: usize, record: Span) -> Vec<Span> {
        // Sorted by their starts: only the neighbours can stand in the same record.
        let before = self.spans[..index].iter().rev().take_while(|other| other.end > record.start);
        let behind = self.spans[index..].iter().take_while(|other| other.start < record.end);
        let mut all: Vec<Span> = before.chain(behind).map(|other| within(*other, record.start)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// How far lines were counted, and facts told.
struct Place {
    mark: Mark,
    lines: u64,
    counted: usize,
    facts: usize,
}

fn within(span: Span, start: usize) -> Span {
    Span::new(span.start.saturating_sub(start), span.end.saturating_sub(start))
}

/// What an opaque value goes on with.
fn open_letters() -> Alphabet {
    let mut letters = Alphabet::ALPHANUMERIC;
    for byte in [b'-', b'_', b'+', b'/', b'='] {
        letters.insert(byte, byte);
    }
    letters
}

/// What a private key on one line goes on with: its line ends are escapes or blanks.
fn key_letters() -> Alphabet {
    let mut letters = open_letters();
    for byte in [b'\\', b' '] {
        letters.insert(byte, byte);
    }
    letters
}

/// Adds the secret that an unfinished line ends in to what was decided; says what would continue it. The line
/// begins at `line`.
pub(super) fn close_tail(bytes: &[u8], line: usize, outcomes: &mut Vec<Outcome>, hub: &Hub) -> Option<Alphabet> {
    let end = bytes.len();
    let rules = hub.eye.rules();
    if let Some(Outcome::Hit(hit)) = outcomes.last_mut().filter(|last| last.span().end == end) {
        hit.truncated = true;
        let rule = hit.credential.as_ref().and_then(|found| rules.get(found.rule.as_str()));
        return Some(rule.map_or_else(open_letters, |rule| rule.format.letters()));
    }
    let (start, letters, rule) = if let Some(tail) = hub.heads.tail(bytes, line) {
        (tail.start, tail.letters, tail.rule)
    } else if let Some((start, rule)) = super::open::open_key(rules, bytes, line) {
        (start, key_letters(), rule)
    } else if let Some((span, rule)) = super::open::named_tail(rules, bytes, line) {
        (span.start, open_letters(), rule)
    } else if let Some((start, rule)) = super::open::encoded_tail(&hub.heads, rules, bytes, line) {
        (start, open_letters(), rule)
    } else {
        let (hit, letters) = open_known(bytes, line, hub)?;
        outcomes.retain(|outcome| outcome.span().end <= hit.span.start);
        outcomes.push(Outcome::Hit(hit));
        return Some(letters);
    };
    // What stands before it was decided without it.
    outcomes.retain(|outcome| outcome.span().end <= start);
    let span = Span::new(start, end);
    outcomes.push(Outcome::Hit(truncated(rules, rule, &bytes[span.range()], span)));
    Some(letters)
}

/// What may be the beginning of a key that only the team knows, and what would continue it. Nothing is told of it:
/// nearly always it is none, and once its line is whole, a key is found as such.
pub(super) fn open_known(bytes: &[u8], line: usize, hub: &Hub) -> Option<(Hit, Alphabet)> {
    let (start, letters, class) = hub.eye.open_at_end(bytes, line)?;
    Some((Hit { class, truncated: true, ..Hit::key_part(Span::new(start, bytes.len())) }, letters))
}

/// A secret whose end has not come.
pub(super) fn truncated(rules: &RuleSet, rule: usize, bytes: &[u8], span: Span) -> Hit {
    let rule = &rules.rules()[rule];
    let literal =
        rule.format.literals().into_iter().filter(|literal| bytes.starts_with(literal)).map(|literal| literal.len()).max();
    let credential = Credential {
        rule: rule.id.clone(),
        provider: rule.attributed(),
        candidates: Vec::new(),
        alternatives: Vec::new(),
        class: rule.class,
        environment: Environment::Unknown,
        moves_funds: rule.moves_funds,
        confidence: Confidence::Weak,
        secret: Secret::new(bytes, literal.unwrap_or(0)),
        span,
        view: View::Plain,
        because: Vec::new(),
    };
    Hit { span, class: rule.class, credential: Some(Box::new(credential)), label: None, truncated: true, began: None }
}
