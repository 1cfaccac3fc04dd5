//! Records of containers and system loggers: the pieces of a line are put together, judged as one line,
//! and redacted each in its own record.
//!
//! Every record is judged twice: as the line that it is, and as a piece of the line that it carries. It
//! goes out when its line is complete, in the order in which it came in.

mod close;
mod tell;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::decide::{Decided, Decider, Hit, Mark, Outcome, context_of, moved};
use super::filter::Filter;
use super::hub::{Blocked, Hub};
use crate::credential::Class;
use crate::detect::REACH;
use crate::finding::{Fact, Stage};
use crate::record::framing::{Framing, Part};
use crate::rule::Alphabet;
use crate::span::Span;

/// Streams whose context is remembered.
const STREAMS: usize = 256;
/// How much of a line is taken for the record of a secret in it.
const RECORD: usize = 8 * 1024;
/// How often, in bytes of the stream, it is asked whether a line keeps too much waiting. Always at the same
/// records, however the bytes arrive.
const STEP: u64 = 64 * 1024;

/// A stream of wrapped records.
#[derive(Debug)]
pub struct Framed {
    name: String,
    framing: Framing,
    /// Raw records: context, then those that are not taken apart yet.
    buffer: Vec<u8>,
    at: usize,
    raw: Decider,
    queue: VecDeque<Record>,
    /// The number of the first record in the queue.
    first: u64,
    texts: HashMap<Vec<u8>, Text>,
    turn: u64,
    /// Inside a record that is too long to be one.
    overlong: bool,
    /// What the last start-up banner outside of wrapped lines said.
    banner: Option<Stage>,
    /// The record whose coming let out the last one that went out.
    closed: u64,
    /// What is to be told, in the order in which it would be told if every record came alone.
    pending: Vec<Pending>,
}

/// Something to tell: when, and with what.
#[derive(Debug)]
struct Pending {
    /// The record whose coming decided it; then secrets of joined lines, then what records say by themselves.
    turn: (u64, u8),
    /// The secret; none if it is about the facts.
    hit: Option<Hit>,
    stream: String,
    record: Vec<u8>,
    span: Span,
    line: u64,
    offset: u64,
    column: u64,
    facts: Vec<Fact>,
    banner: Option<Stage>,
    /// All secrets of the record.
    all: Vec<Span>,
}

/// A record that waits for its line to be complete.
#[derive(Debug)]
struct Record {
    bytes: Vec<u8>,
    mark: Mark,
    /// What is redacted, and whether it was told with its line.
    hits: Vec<(Hit, bool)>,
    failed: bool,
    /// Whether its line is not decided yet.
    open: bool,
    /// The record whose coming decided it.
    closed: u64,
    /// What it says of environments.
    facts: Vec<Fact>,
    banner: Option<Stage>,
}

impl Record {
    fn new(bytes: Vec<u8>, mark: Mark) -> Self {
        Self { bytes, mark, hits: Vec::new(), failed: false, open: false, closed: 0, facts: Vec::new(), banner: None }
    }

    /// One that could not be looked at.
    fn failed(bytes: Vec<u8>, mark: Mark) -> Self {
        Self { failed: true, ..Self::new(bytes, mark) }
    }
}

/// The line of a stream inside the records, as far as it has come.
#[derive(Debug, Default)]
struct Text {
    /// What keeps its pieces apart from those of others.
    key: Vec<u8>,
    buffer: Vec<u8>,
    at: usize,
    pieces: VecDeque<Piece>,
    decider: Decider,
    long: bool,
    swallow: Option<Alphabet>,
    turn: u64,
    /// Since when it waits for the rest of a line.
    since: Option<Instant>,
    /// Secrets of the open line that were told when its first records went out.
    told: Vec<Span>,
    /// What the last start-up banner said.
    banner: Option<Stage>,
}

/// Where a piece of a line stands.
#[derive(Clone, Copy, Debug)]
struct Piece {
    record: u64,
    /// In the text of the stream.
    start: usize,
    length: usize,
    /// In the record.
    raw: usize,
    /// Whether its line ends with it.
    last: bool,
}

impl Framed {
    /// A stream of that name.
    pub fn new(name: &str, framing: Framing) -> Self {
        Self {
            name: name.to_owned(),
            framing,
            buffer: Vec::new(),
            at: 0,
            raw: Decider::default(),
            queue: VecDeque::new(),
            first: 0,
            texts: HashMap::new(),
            turn: 0,
            overlong: false,
            banner: None,
            closed: 0,
            pending: Vec::new(),
        }
    }

    /// Takes whole records, those up to `end`.
    fn take(&mut self, end: usize, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        while self.at < end {
            let until_asked = usize::try_from(STEP - self.raw.mark().offset % STEP).unwrap_or(usize::MAX);
            if end - self.at < until_asked {
                return self.records(end, hub, out);
            }
            let asked = self.at + until_asked - 1;
            let stop = memchr::memchr(b'\n', &self.buffer[asked..end]).map_or(end, |at| asked + at + 1);
            self.records(stop, hub, out)?;
            self.relieve(hub, out)?;
        }
        Ok(())
    }

    /// A line whose rest does not come must not keep all others waiting, nor the memory growing: it is taken
    /// as it is.
    fn relieve(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        let most = 4 * (hub.settings.max_line + REACH) as u64;
        let now = self.raw.mark().offset;
        while self.queue.front().is_some_and(|record| record.open && now - record.mark.offset >= most) {
            let first = self.first;
            self.let_go(hub, |text| text.pieces.iter().any(|piece| piece.record == first));
            self.release(hub, out)?;
            debug_assert_ne!(self.first, first, "the oldest record went out");
            if self.first == first {
                break;
            }
        }
        Ok(())
    }

    /// Takes whole records apart, those up to `end`.
    fn records(&mut self, end: usize, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        let mut mark = self.raw.mark();
        let eye = hub.eye.clone();
        let fresh = self.buffer[self.at..end].to_vec();
        let banners = hub.banners(&fresh, self.banner);
        self.banner = banners.last();
        let Decided { outcomes, facts } = self.raw.lines(&eye, &mut self.buffer[..end], self.at);
        let (mut outcomes, mut facts) = (outcomes.into_iter().peekable(), facts.into_iter().peekable());
        hub.counters.lines += self.raw.mark().lines - mark.lines;
        let mut touched: Vec<Vec<u8>> = Vec::new();
        let mut start = self.at;
        while start < end {
            let stop = memchr::memchr(b'\n', &self.buffer[start..end]).map_or(end, |at| start + at + 1);
            let mut record = Record::new(fresh[start - self.at..stop - self.at].to_vec(), mark);
            record.closed = self.first + self.queue.len() as u64;
            record.banner = banners.at(start - self.at);
            while let Some(fact) = facts.next_if(|fact| fact.span.start < stop) {
                record
                    .facts
                    .push(moved(fact, |span| Span::new(span.start.saturating_sub(start), span.end.saturating_sub(start))));
            }
            while let Some(outcome) = outcomes.next_if(|outcome| outcome.span().start < stop) {
                match outcome {
                    Outcome::Failed(_, fault) => {
                        record.failed = true;
                        hub.overworked(fault);
                    }
                    Outcome::Hit(hit) => record.hits.push((back(hit, start), false)),
                }
            }
            if let Some(part) = self.framing.part(&record.bytes) {
                record.open = true;
                // A private key over lines is told of by the text: there it is one.
                record.hits.retain(|(hit, _)| hit.began.is_none());
                let waited = self.piece(&mut record, &part, &mut touched);
                if let Some(since) = waited {
                    hub.counters.hold(since.elapsed());
                }
            }
            self.queue.push_back(record);
            mark.lines += 1;
            mark.offset += (stop - start) as u64;
            start = stop;
        }
        self.at = end;
        for key in touched {
            self.decide(&key, hub);
        }
        self.forget_streams();
        self.release(hub, out)
    }

    /// Adds the piece of a line that a record carries; says since when it was waited for.
    fn piece(&mut self, record: &mut Record, part: &Part, touched: &mut Vec<Vec<u8>>) -> Option<Instant> {
        let key = record.bytes[part.stream.clone()].to_vec();
        self.turn += 1;
        let text = self.texts.entry(key.clone()).or_default();
        text.turn = self.turn;
        text.key.clone_from(&key);
        let bytes = &record.bytes[part.text.clone()];
        if let Some(letters) = text.swallow {
            let run = letters.run(bytes, usize::MAX);
            let span = Span::new(part.text.start, part.text.start + run);
            if run > 0 {
                record.hits.push((Hit { class: Class::General, ..Hit::key_part(span) }, true));
            }
            if run < bytes.len() || !part.partial {
                text.swallow = None;
            }
        }
        let number = self.first + self.queue.len() as u64;
        let (start, raw, last) = (text.buffer.len(), part.text.start, !part.partial);
        text.pieces.push_back(Piece { record: number, start, length: bytes.len(), raw, last });
        text.buffer.extend_from_slice(bytes);
        // Each piece is waited for by itself: others of other streams must not make it wait for ever.
        let waited = std::mem::replace(&mut text.since, part.partial.then(Instant::now));
        if last {
            text.buffer.push(b'\n');
        }
        if !touched.contains(&key) {
            touched.push(key);
        }
        waited
    }

    /// Decides the lines of a stream that are complete, and windows of one that is too long to wait for.
    fn decide(&mut self, key: &[u8], hub: &mut Hub) {
        let Some(mut text) = self.texts.remove(key) else { return };
        let limit = hub.settings.max_line + REACH;
        loop {
            let fresh = &text.buffer[text.at..];
            let end = if text.long { memchr::memchr(b'\n', fresh) } else { memchr::memrchr(b'\n', fresh) };
            match end.map(|end| text.at + end + 1) {
                Some(end) if !text.long => {
                    let outcomes = self.lines(&mut text, end, hub);
                    self.apply(&mut text, outcomes, end, hub);
                }
                Some(end) if end - text.at < limit => {
                    let size = end - text.at;
                    self.window(&mut text, size, hub);
                    text.long = false;
                }
                _ if text.buffer.len() - text.at >= limit => {
                    text.long = true;
                    hub.counters.unjoined += 1;
                    self.window(&mut text, hub.settings.max_line, hub);
                }
                _ => break,
            }
        }
        text.forget();
        self.texts.insert(key.to_vec(), text);
    }

    /// Decides lines of a text; what they say of environments is told of their records.
    fn lines(&mut self, text: &mut Text, end: usize, hub: &mut Hub) -> Vec<Outcome> {
        let banners = hub.banners(&text.buffer[text.at..end], text.banner);
        for piece in text.pieces.iter().filter(|piece| piece.start < end) {
            let banner = banners.at(piece.start.saturating_sub(text.at));
            if let Some(record) = self.record(piece.record) {
                record.banner = banner;
            }
        }
        text.banner = banners.last();
        text.decider.lines(&hub.eye.clone(), &mut text.buffer[..end], text.at).outcomes
    }

    fn window(&mut self, text: &mut Text, size: usize, hub: &mut Hub) {
        let floor = text.at.saturating_sub(REACH);
        let visible = (text.at + size + REACH).min(text.buffer.len());
        let core = text.at - floor..text.at + size - floor;
        let decided = text.decider.window(&hub.eye.clone(), &mut text.buffer[floor..visible], core).shifted(floor);
        hub.counters.windows += 1;
        self.apply(text, decided.outcomes, text.at + size, hub);
    }

    /// Puts what was decided of a text, up to `end`, on its records, and tells of it.
    fn apply(&mut self, text: &mut Text, outcomes: Vec<Outcome>, end: usize, hub: &mut Hub) {
        self.put_all(text, outcomes, hub);
        let done = text.pieces.iter().take_while(|piece| piece.start + piece.length <= end).count();
        let mut joined = 0;
        for at in 0..done {
            let piece = text.pieces[at];
            let closed = self.closing(text, piece.start, hub);
            joined += u64::from(piece.start > text.at);
            if let Some(record) = self.record(piece.record) {
                (record.open, record.closed) = (false, closed);
            }
        }
        text.pieces.drain(..done);
        text.told.retain(|span| span.end > end);
        hub.counters.joined += joined;
        text.at = end;
    }

    fn put_all(&mut self, text: &Text, outcomes: Vec<Outcome>, hub: &mut Hub) {
        let spans: Vec<Span> = outcomes.iter().map(Outcome::span).collect();
        for outcome in outcomes.into_iter().map(without_mark) {
            match outcome {
                Outcome::Failed(span, fault) => {
                    hub.overworked(fault);
                    for piece in text.pieces_in(span) {
                        if let Some(record) = self.record(piece.record) {
                            record.failed = true;
                        }
                    }
                }
                Outcome::Hit(hit) => self.put(text, hit, &spans, hub),
            }
        }
    }

    /// The record whose coming decided what stands at a place of a text: the one that ends the line, or makes
    /// it too long to wait for.
    fn closing(&self, text: &Text, at: usize, hub: &Hub) -> u64 {
        let limit = hub.settings.max_line + REACH;
        let decides = |piece: &&Piece| piece.last || piece.start + piece.length - text.at.min(piece.start) >= limit;
        let from = text.pieces.iter().skip_while(|piece| piece.start + piece.length < at);
        let newest = (self.first + self.queue.len() as u64).saturating_sub(1);
        from.into_iter().find(decides).map_or(newest, |piece| piece.record)
    }

    /// A secret of a text: redacted in every record that holds a part of it, told once.
    fn put(&mut self, text: &Text, mut hit: Hit, spans: &[Span], hub: &mut Hub) {
        let pieces = text.pieces_in(hit.span);
        let Some(&first) = pieces.first() else {
            // The end of a private key that was redacted before.
            self.tell(text, &hit, spans, hub);
            return;
        };
        let told = text.told.contains(&hit.span);
        let told = told
            || self.record(first.record).is_some_and(|record| {
                let span = first.raw_span(hit.span);
                record.hits.iter().any(|(other, told)| *told && other.credential.is_some() && other.span.overlaps(span))
            });
        if !told {
            self.tell(text, &hit, spans, hub);
        }
        // What is told already is not told again when the record goes out.
        for piece in pieces {
            let span = piece.raw_span(hit.span);
            let credential = if piece.record == first.record { hit.credential.take() } else { None };
            let class = hit.class;
            if let Some(record) = self.record(piece.record) {
                record.hits.push((Hit { class, credential, ..Hit::key_part(span) }, true));
            }
        }
    }

    fn record(&mut self, number: u64) -> Option<&mut Record> {
        self.queue.get_mut(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// Puts out what is decided, from the oldest record on.
    fn release(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        while self.queue.front().is_some_and(|record| !record.open) {
            let Some(mut record) = self.queue.pop_front() else { break };
            self.first += 1;
            self.emit(&mut record, hub, out)?;
        }
        self.tell_pending(hub);
        Ok(())
    }

    fn emit(&mut self, record: &mut Record, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        let redact = hub.settings.redact;
        self.closed = self.closed.max(record.closed);
        if record.failed {
            return if redact { hub.fail(&record.bytes, out) } else { hub.fail(&record.bytes, &mut Vec::new()) };
        }
        record.hits.sort_by_key(|(hit, told)| (hit.span, !told));
        let spans: Vec<Span> = record.hits.iter().map(|(hit, _)| hit.span).collect();
        let mut done = 0;
        for (at, (hit, told)) in record.hits.iter().enumerate() {
            let same = |(other, told): &(Hit, bool)| *told && other.credential.is_some() && other.span.overlaps(hit.span);
            if !told && !record.hits.iter().any(same) {
                let hit = Hit { credential: hit.credential.clone(), label: hit.label.clone(), ..*hit };
                self.pending.push(self.pending_of(record, Some(hit), &spans));
            }
            // Two readings of one place are one redaction, as wide as both.
            if !redact || hit.span.start < done || hit.span.is_empty() {
                continue;
            }
            let wide = spans[at..].iter().take_while(|other| other.start < hit.span.end);
            let end = wide.map(|other| other.end).max().unwrap_or(hit.span.end);
            out.extend_from_slice(&record.bytes[done..hit.span.start]);
            hub.redact(hit, &record.bytes[hit.span.start..end], out);
            done = end;
        }
        if redact {
            out.extend_from_slice(&record.bytes[done..]);
        }
        if !record.facts.is_empty() {
            self.pending.push(self.pending_of(record, None, &spans));
        }
        Ok(())
    }
}

impl Piece {
    /// Whether all of a span stands in this piece.
    fn holds(self, span: Span) -> bool {
        self.start <= span.start && span.end <= self.start + self.length
    }

    /// The part of a span of the text that stands in this piece, in the record.
    fn raw_span(self, span: Span) -> Span {
        let inside = |at: usize| at.clamp(self.start, self.start + self.length) - self.start + self.raw;
        Span::new(inside(span.start), inside(span.end))
    }
}

impl Text {
    /// The pieces that hold a byte of the span.
    fn pieces_in(&self, span: Span) -> Vec<Piece> {
        let holds = |piece: &&Piece| span.start < piece.start + piece.length && piece.start < span.end;
        self.pieces.iter().filter(holds).copied().collect()
    }

    /// The line around a secret, where the secret and all of the spans stand in it.
    fn record_of(&self, hit: Span, spans: &[Span]) -> (Vec<u8>, Span, Vec<Fact>, Vec<Span>) {
        let floor = hit.start.saturating_sub(RECORD);
        let start = memchr::memrchr(b'\n', &self.buffer[floor..hit.start]).map_or(floor, |at| floor + at + 1);
        let ceiling = (hit.end + RECORD).min(self.buffer.len());
        let end = memchr::memchr(b'\n', &self.buffer[hit.end..ceiling]).map_or(ceiling, |at| hit.end + at);
        let back = |span: &Span| Span::new(span.start.saturating_sub(start), span.end.saturating_sub(start));
        let near = spans.iter().filter(|span| span.end > start && span.start < end);
        (self.buffer[start..end].to_vec(), back(&hit), Vec::new(), near.map(back).collect())
    }

    /// Drops what is context no more.
    fn forget(&mut self) {
        let floor = if self.long { self.at.saturating_sub(REACH) } else { context_of(&self.buffer, self.at) };
        let floor = self.pieces.front().map_or(floor, |piece| floor.min(piece.start));
        self.buffer.drain(..floor);
        self.at -= floor;
        for piece in &mut self.pieces {
            piece.start -= floor;
        }
        for span in &mut self.told {
            *span = Span::new(span.start - floor, span.end - floor);
        }
    }

    /// It waits no more.
    fn waited(&mut self, hub: &mut Hub) {
        if let Some(since) = self.since.take() {
            hub.counters.hold(since.elapsed());
        }
    }
}

/// Marks of a text are not those of the stream.
fn without_mark(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Hit(hit) => Outcome::Hit(Hit { began: None, ..hit }),
        failed @ Outcome::Failed(..) => failed,
    }
}

fn back(mut hit: Hit, by: usize) -> Hit {
    hit.span = Span::new(hit.span.start - by, hit.span.end - by);
    hit
}

impl Filter for Framed {
    fn push(&mut self, bytes: &[u8], hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        self.buffer.extend_from_slice(bytes);
        self.take_or_refuse(hub, out)?;
        let floor = context_of(&self.buffer, self.at);
        self.buffer.drain(..floor);
        self.at -= floor;
        Ok(())
    }

    fn idle(&mut self, _hub: &mut Hub, _out: &mut Vec<u8>) {}

    fn deadline(&self, hold: Duration) -> Option<Instant> {
        self.texts.values().filter_map(|text| text.since).min().map(|since| since + hold)
    }

    fn expire(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        let (now, hold) = (Instant::now(), hub.settings.hold);
        let due = |text: &Text| text.since.is_some_and(|since| since + hold <= now);
        self.let_go(hub, due);
        // Nothing is held of a line whose windows have gone out.
        self.texts.values_mut().filter(|text| due(text)).for_each(|text| text.since = None);
        self.release(hub, out)
    }

    fn finish(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        if self.at < self.buffer.len() {
            self.take_rest(hub, out)?;
            hub.counters.lines += 1;
        }
        self.close_lines(hub);
        self.release(hub, out)?;
        self.close_keys(hub);
        Ok(())
    }

    fn abandon(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        if self.at < self.buffer.len() {
            self.take_rest(hub, out)?;
        }
        self.let_go(hub, |_| true);
        self.release(hub, out)?;
        self.close_keys(hub);
        Ok(())
    }
}
