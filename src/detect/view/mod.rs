//! Decoded views of the bytes, which map back to raw spans.
//!
//! A pass undoes every escape and every encoded run at once, wherever one can hide a key, and its
//! result is passed over again, to a bounded depth. Only the neighbourhood of what is encoded is
//! decoded. So no input, however it is nested, makes its bytes much dearer than plain ones; and what
//! is decoded at one place depends on the bytes near it alone: the result is the same wherever a
//! window begins.

mod ansi;
mod base64;
mod hex;
mod html;
mod json;
mod percent;
mod quoted;
mod run;
mod stretch;
#[cfg(test)]
mod tests;
mod wide;

use std::array;
use std::ops::Range;

use crate::credential;
use crate::span::Span;
use run::BASE64;
use stretch::Stretch;

/// How often bytes are decoded in a row.
pub(super) const DEPTH: usize = 3;

/// Bytes decoded to the left of an escape: room for the name of a slot.
const BEFORE: usize = 192;
/// Bytes decoded to the right of an escape, at most: room for a value.
const BEHIND: usize = 512;
/// The widest gap between the name of a slot and its value.
const GAP: usize = 24;
/// Bytes decoded behind the last word that may belong to an escape.
const MARGIN: usize = 64;
/// A region is decoded in pieces of at most this many bytes …
const PIECE: usize = 64 * 1024;
/// … which overlap by this many on either side.
const OVERLAP: usize = 9 * 1024;
/// The longest run of base64 or hex that is decoded.
const LONGEST: usize = 8 * 1024;

/// A way to decode.
pub(super) struct View {
    /// Its name in reports.
    name: credential::View,
    form: Form,
}

/// What is decoded.
enum Form {
    Escape(Escapes),
    Run(Runs),
}

/// A few bytes that stand for one.
struct Escapes {
    /// The byte that begins an escape.
    introducer: u8,
    /// The escape at a place.
    decode: fn(&[u8], usize) -> Option<Escape>,
    /// Whether an escape can hide a key. The others (`\"`, `\n`) are understood without decoding.
    hides: fn(&Escape) -> bool,
}

/// Many bytes that stand for many.
struct Runs {
    /// Every run worth decoding of the first in a range that has any; says where to go on. The range lies in the
    /// stretch. A run may begin before it, but not before the floor.
    find: fn(&Stretch<'_>, Range<usize>, floor: usize, &mut Vec<Span>) -> usize,
    /// Decodes a run, and what continues it as long as that begins in the range; says where it ends.
    write: fn(&[u8], Span, usize, &mut Writer<'_>) -> usize,
}

/// Every view. Where two see something at the same place, the first goes before.
pub(super) const VIEWS: &[View] =
    &[percent::VIEW, json::VIEW, ansi::VIEW, html::VIEW, quoted::VIEW, wide::UTF_32, wide::UTF_16, hex::VIEW, base64::VIEW];

/// How many of them are runs.
const RUNS: usize = {
    let (mut runs, mut at) = (0, 0);
    while at < VIEWS.len() {
        runs += matches!(VIEWS[at].form, Form::Run(_)) as usize;
        at += 1;
    }
    runs
};

/// What an escape stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Escape {
    /// How many bytes it takes.
    length: usize,
    /// The bytes it stands for; none for a colour.
    bytes: [u8; 4],
    /// How many of them.
    count: usize,
}

impl Escape {
    fn byte(length: usize, byte: u8) -> Self {
        Self { length, bytes: [byte, 0, 0, 0], count: 1 }
    }

    fn char(length: usize, c: char) -> Self {
        let mut bytes = [0; 4];
        let count = c.encode_utf8(&mut bytes).len();
        Self { length, bytes, count }
    }

    fn nothing(length: usize) -> Self {
        Self { length, bytes: [0; 4], count: 0 }
    }

    fn written(&self) -> &[u8] {
        &self.bytes[..self.count]
    }
}

/// A decoded piece.
#[derive(Debug)]
pub(super) struct Decoded {
    /// The bytes.
    pub(super) bytes: Vec<u8>,
    /// The part to look for values in; the rest is context that another piece covers.
    pub(super) core: Span,
    /// Where the piece begins in what it was decoded from.
    start: usize,
    places: Vec<Place>,
    /// Whether nothing follows it.
    pub(super) is_last: bool,
}

/// Where something encoded stood and where its bytes went.
#[derive(Clone, Copy, Debug)]
struct Place {
    view: credential::View,
    from: usize,
    from_length: usize,
    to: usize,
    to_length: usize,
    grain: Grain,
}

/// Which raw bytes stand for which decoded ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grain {
    /// All for all.
    Whole,
    /// Each digit carries six bits.
    Base64,
    /// Each digit carries four bits.
    Hex,
    /// One in so many; those between them are zero.
    Every(usize),
}

impl Grain {
    /// The raw bytes of one decoded byte.
    fn raw(self, at: usize, length: usize) -> Range<usize> {
        match self {
            Self::Whole => 0..length,
            Self::Base64 => at * 4 / 3..(at * 8 + 7) / 6 + 1,
            Self::Hex => at * 2..at * 2 + 2,
            Self::Every(stride) => at * stride..at * stride + 1,
        }
    }

    /// How many decoded bytes begin before a raw offset.
    fn begun(self, offset: usize) -> usize {
        match self {
            Self::Whole => usize::MAX,
            Self::Base64 => (offset * 3).div_ceil(4),
            Self::Hex => offset.div_ceil(2),
            Self::Every(stride) => offset.div_ceil(stride),
        }
    }
}

impl Place {
    fn end(&self) -> usize {
        self.to + self.to_length
    }
}

impl Decoded {
    /// The span in what this was decoded from.
    pub(super) fn origin(&self, span: Span) -> Span {
        Span::new(self.raw(span.start).start, self.raw(span.end - 1).end)
    }

    /// The view that wrote bytes of the span, or removed something between them.
    pub(super) fn view_of(&self, span: Span) -> Option<credential::View> {
        let from = self.places.partition_point(|place| place.to + place.to_length.max(1) <= span.start);
        self.places.get(from).filter(|place| place.to < span.end).map(|place| place.view)
    }

    /// Whether the span ends where the piece does, and the input does not.
    pub(super) fn cuts(&self, span: Span) -> bool {
        span.end == self.bytes.len() && !self.is_last
    }

    /// Whether most of it was text in wide characters: the zeros between them do not make it binary.
    pub(super) fn is_wide(&self) -> bool {
        let wide = self.places.iter().filter(|place| matches!(place.grain, Grain::Every(_)));
        wide.map(|place| place.to_length).sum::<usize>() * 2 > self.bytes.len()
    }

    /// The raw bytes that a byte was decoded from.
    fn raw(&self, at: usize) -> Range<usize> {
        let behind = self.places.partition_point(|place| place.to <= at);
        let Some(place) = behind.checked_sub(1).map(|last| &self.places[last]) else {
            return self.start + at..self.start + at + 1;
        };
        let from = self.start + place.from;
        if at < place.end() {
            let raw = place.grain.raw(at - place.to, place.from_length);
            return from + raw.start..from + raw.end;
        }
        let plain = from + place.from_length + (at - place.end());
        plain..plain + 1
    }

    /// How many decoded bytes begin before a raw offset.
    fn begun(&self, raw: usize) -> usize {
        let at = self.places.partition_point(|place| self.start + place.from < raw);
        let Some(place) = at.checked_sub(1).map(|last| &self.places[last]) else {
            return (raw - self.start).min(self.bytes.len());
        };
        let offset = raw - self.start - place.from;
        let plain = offset.saturating_sub(place.from_length);
        (place.to + place.grain.begun(offset).min(place.to_length) + plain).min(self.bytes.len())
    }
}

/// Writes what a run stands for.
struct Writer<'a> {
    out: &'a mut Decoded,
    view: credential::View,
}

impl Writer<'_> {
    /// Raw bytes that stand for the bytes that `write` adds.
    fn place(&mut self, from: Span, grain: Grain, write: impl FnOnce(&mut Vec<u8>)) {
        let to = self.out.bytes.len();
        write(&mut self.out.bytes);
        let to_length = self.out.bytes.len() - to;
        let (view, start) = (self.view, self.out.start);
        self.out.places.push(Place { view, from: from.start - start, from_length: from.len(), to, to_length, grain });
    }
}

/// Something encoded.
#[derive(Clone, Copy)]
struct Event {
    span: Span,
    view: &'static View,
}

/// Finds what is encoded, from left to right, if it begins before `end`.
struct Scout<'a> {
    end: usize,
    /// Whether only what hides keys is asked for.
    hiding: bool,
    /// Where every view looks before any goes on.
    stretch: Stretch<'a>,
    runs: [RunStream; RUNS],
    /// The next of each, until they are passed.
    escape: Option<Event>,
    run: Option<Event>,
    /// Where no escape begins before.
    looked: usize,
    /// Whether there is no run from here to the end of the stretch.
    no_run: bool,
}

struct RunStream {
    view: &'static View,
    form: &'static Runs,
    found: Vec<Span>,
    looked: usize,
}

impl<'a> Scout<'a> {
    fn new(bytes: &'a [u8], hiding: bool) -> Self {
        let mut runs = VIEWS.iter().filter_map(|view| match &view.form {
            Form::Escape(_) => None,
            Form::Run(form) => Some(RunStream { view, form, found: Vec::new(), looked: 0 }),
        });
        let runs = array::from_fn(|_| runs.next().expect("they are counted"));
        let stretch = Stretch::new(bytes, hiding);
        Self { end: 0, hiding, stretch, runs, escape: None, run: None, looked: 0, no_run: false }
    }

    /// Goes on to another range, behind the one before.
    fn go_to(&mut self, range: Range<usize>) {
        self.stretch.go_to(range.start, range.end);
        for stream in &mut self.runs {
            stream.found.clear();
            stream.looked = range.start;
        }
        (self.escape, self.run, self.no_run) = (None, None, false);
        (self.looked, self.end) = (range.start, range.end);
    }

    /// The first event that begins at or behind `from`, which never goes back.
    fn next(&mut self, from: usize) -> Option<Event> {
        // Where escapes stand in a row, and no run before them, there is nothing to look for.
        if (self.no_run || self.run.is_some_and(|run| run.span.start > from))
            && from < self.stretch.end().min(self.end)
            && let Some(event) = event(self.stretch.bytes, from, self.hiding)
        {
            self.escape = Some(event);
            self.looked = from + 1;
            return Some(event);
        }
        loop {
            let end = self.stretch.end();
            let event = self.next_here(from, end.min(self.end));
            // A part of a run may stand behind the stretch, and something else before it.
            if end >= self.end || event.is_some_and(|event| event.span.start < end) {
                return event;
            }
            self.stretch.go_to(end.max(from), self.end);
            (self.run, self.no_run) = (None, false);
        }
    }

    /// The first that was found up to the end of the stretch.
    fn next_here(&mut self, from: usize, end: usize) -> Option<Event> {
        if self.escape.is_none_or(|event| event.span.start < from) {
            let from = self.looked.max(from);
            self.escape = if from < end { first_escape(&self.stretch, from..end, self.hiding) } else { None };
            self.looked = self.escape.map_or(from.max(end), |event| event.span.start + 1);
        }
        if !self.no_run && self.run.is_none_or(|event| event.span.start < from) {
            let stretch = &self.stretch;
            let runs = self.runs.iter_mut().filter_map(|stream| stream.next(stretch, from, end));
            self.run = runs.min_by_key(|event| event.span.start);
            self.no_run = self.run.is_none();
        }
        match (self.escape, self.run) {
            (Some(escape), Some(run)) if run.span.start <= escape.span.start => Some(run),
            (escape, run) => escape.or(run),
        }
    }
}

fn first_escape(stretch: &Stretch<'_>, range: Range<usize>, hiding: bool) -> Option<Event> {
    let bytes = stretch.bytes;
    // Where escapes stand in a row, there is nothing to look for.
    event(bytes, range.start, hiding).or_else(|| {
        stretch.blocks(stretch.promising.escapes, range.clone(), 0).find_map(|(block, wanted)| {
            let mut places = block.introducers(hiding) & wanted;
            while places != 0 {
                let at = block.base + places.trailing_zeros() as usize;
                places &= places - 1;
                if let Some(event) = event(bytes, at, hiding) {
                    return Some(event);
                }
            }
            None
        })
    })
}

/// The escape at a place.
fn event(bytes: &[u8], at: usize, hiding: bool) -> Option<Event> {
    let (view, form) = escape_view(bytes[at])?;
    let escape = (form.decode)(bytes, at).filter(|escape| !hiding || (form.hides)(escape))?;
    Some(Event { span: Span::new(at, at + escape.length), view })
}

impl RunStream {
    fn next(&mut self, stretch: &Stretch<'_>, from: usize, end: usize) -> Option<Event> {
        self.found.retain(|span| span.start >= from);
        while self.found.is_empty() && self.looked.max(from) < end {
            self.looked = (self.form.find)(stretch, self.looked.max(from)..end, from, &mut self.found);
        }
        self.found.first().map(|&span| Event { span, view: self.view })
    }
}

fn escape_view(introducer: u8) -> Option<(&'static View, &'static Escapes)> {
    /// Where the view of an introducer stands.
    static PLACES: [u8; 256] = {
        let mut places = [u8::MAX; 256];
        let mut at = 0;
        while at < VIEWS.len() {
            if let Form::Escape(form) = &VIEWS[at].form {
                #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 256 views")]
                let place = at as u8;
                places[form.introducer as usize] = place;
            }
            at += 1;
        }
        places
    };
    let view = VIEWS.get(usize::from(PLACES[usize::from(introducer)]))?;
    match &view.form {
        Form::Escape(form) => Some((view, form)),
        Form::Run(_) => None,
    }
}

/// Decodes the neighbourhood of everything encoded that can hide a key of the core, piece by piece.
/// `is_last` says whether the input ends where the bytes do; `decoded`, whether a pass before wrote them.
pub(super) fn pieces<'a>(
    bytes: &'a [u8],
    core: Span,
    is_last: bool,
    decoded: Option<&Decoded>,
) -> impl Iterator<Item = Decoded> + use<'a> {
    let (mut stretches, mut scout) = (stretches(bytes, decoded).into_iter(), Scout::new(bytes, true));
    let mut next_behind = move |at: usize| {
        loop {
            match scout.next(at) {
                None => scout.go_to(stretches.next()?.range()),
                event => return event,
            }
        }
    };
    let mut next = next_behind(0);
    let regions = std::iter::from_fn(move || {
        let first = next?.span;
        let mut end = first.end;
        next = next_behind(end);
        // What ends further behind reaches no less far, so that only the last is asked how far that is.
        let near = |event: &Event, end: usize| event.span.start < end + BEFORE || event.span.start < reach(bytes, end) + BEFORE;
        while let Some(event) = next.filter(|event| near(event, end)) {
            end = event.span.end;
            next = next_behind(end);
        }
        Some(Span::new(first.start.saturating_sub(BEFORE), reach(bytes, end)))
    });
    regions.flat_map(move |region| {
        let starts = (region.start..region.end).step_by(PIECE);
        let parts = starts.map(move |start| Span::new(start, (start + PIECE).min(region.end)));
        parts.filter_map(move |part| {
            let (start, end) = (part.start.max(core.start), part.end.min(core.end));
            (start < end).then(|| decode_piece(bytes, Span::new(start, end), region, is_last))
        })
    })
}

/// Where something may be encoded. In decoded bytes that is only where something was decoded, and in the runs and escapes
/// that this is a part of: everything else was seen by the pass that decoded it.
fn stretches(bytes: &[u8], decoded: Option<&Decoded>) -> Vec<Span> {
    /// The longest escape.
    const ESCAPE: usize = 40;
    let Some(decoded) = decoded else { return vec![Span::new(0, bytes.len())] };
    let mut stretches: Vec<Span> = Vec::new();
    // Where the last run of digits ends: each is counted once, however many places it holds.
    let mut run_end = 0;
    for place in &decoded.places {
        let floor = stretches.last().map_or(0, |last| last.end);
        let run_start = |at: usize| at - bytes[floor..at].iter().rev().take_while(|&&byte| BASE64.holds(byte)).count();
        if place.end() >= run_end {
            run_end = place.end() + BASE64.count(&bytes[place.end()..]);
        }
        let end = (run_end + ESCAPE).min(bytes.len());
        if place.to <= floor {
            match stretches.last_mut() {
                Some(last) => last.end = end.max(floor),
                None => stretches.push(Span::new(0, end)),
            }
            continue;
        }
        let start = run_start(run_start(place.to).saturating_sub(ESCAPE).max(floor));
        match stretches.last_mut() {
            Some(last) if start <= last.end => last.end = end,
            _ => stretches.push(Span::new(start, end)),
        }
    }
    stretches
}

/// What ends a word.
const ENDS: [bool; 256] = {
    let (ends, mut is_end, mut at) = (b" \t\r\n\"'`<>", [false; 256], 0);
    while at < ends.len() {
        is_end[ends[at] as usize] = true;
        at += 1;
    }
    is_end
};

/// How far what ends here may go on: to the end of the word, which may be a name, and of the word behind it, which may
/// be its value.
fn reach(bytes: &[u8], end: usize) -> usize {
    let rest = &bytes[end..bytes.len().min(end + BEHIND)];
    let word =
        |from: usize| rest[from..].iter().position(|&byte| ENDS[usize::from(byte)]).map_or(rest.len(), |length| from + length);
    let name = word(0);
    let gap = rest[name..].iter().take(GAP).take_while(|byte| !byte.is_ascii_alphanumeric()).count();
    end + (word(name + gap) + MARGIN).min(rest.len())
}

fn decode_piece(bytes: &[u8], core: Span, region: Span, is_last: bool) -> Decoded {
    let start = aligned(bytes, core.start.saturating_sub(OVERLAP).max(region.start));
    let end = (core.end + OVERLAP).min(region.end);
    // A run that goes on for longer than this is none: the finders need not see more.
    let bytes = &bytes[..bytes.len().min(end + LONGEST + 1)];
    let is_last = is_last && end == bytes.len();
    let (core_start, places) = (core.start.max(start), Vec::new());
    let mut out = Decoded { bytes: Vec::with_capacity(end - start), core: Span::new(0, 0), start, places, is_last };
    let mut scout = Scout::new(bytes, false);
    scout.go_to(start..end);
    let mut at = start;
    while let Some(event) = scout.next(at) {
        let from = event.span.start;
        out.bytes.extend_from_slice(&bytes[at..from]);
        let continued = out.places.last().is_some_and(|last| start + last.from + last.from_length == from)
            && (out.bytes.last().is_some_and(|&byte| BASE64.holds(byte))
                || out.places.last().is_some_and(|last| last.to_length == 0));
        at = decode_event(bytes, event, continued, end, &mut out);
    }
    out.bytes.extend_from_slice(&bytes[at.min(end)..end]);
    let decoded_end = if core.end == end { out.bytes.len() } else { out.begun(core.end) };
    out.core = Span::new(out.begun(core_start), decoded_end);
    out
}

/// Writes what is encoded; says where it ends.
fn decode_event(bytes: &[u8], event: Event, continued: bool, end: usize, out: &mut Decoded) -> usize {
    let mut writer = Writer { out, view: event.view.name };
    match &event.view.form {
        Form::Run(_) if continued || is_continued(bytes, event.span.end) => {
            // A part of it is escaped: it is whole one pass later.
            writer.out.bytes.extend_from_slice(&bytes[event.span.range()]);
            event.span.end
        }
        Form::Run(form) => (form.write)(bytes, event.span, end, &mut writer),
        Form::Escape(form) => {
            let escape = (form.decode)(bytes, event.span.start).unwrap_or(Escape::nothing(event.span.len()));
            writer.place(event.span, Grain::Whole, |out| out.extend_from_slice(escape.written()));
            event.span.end
        }
    }
}

/// Whether an escape follows that stands for one more digit of a run, or for nothing.
fn is_continued(bytes: &[u8], end: usize) -> bool {
    let escape = bytes.get(end).and_then(|&byte| (escape_view(byte)?.1.decode)(bytes, end));
    escape.is_some_and(|escape| escape.written().iter().all(|&byte| BASE64.holds(byte)))
}

/// Moves the start of a piece out of a run whose meaning depends on where it begins: of backslashes,
/// of digits.
fn aligned(bytes: &[u8], start: usize) -> usize {
    let back = |at: usize, limit: usize, inside: &dyn Fn(u8) -> bool| {
        at - bytes[..at].iter().rev().take(limit).take_while(|&&byte| inside(byte)).count()
    };
    let start = back(start, LONGEST, &|byte| BASE64.holds(byte));
    back(start, 64, &|byte| byte == b'\\')
}
