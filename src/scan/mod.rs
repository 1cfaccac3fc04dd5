//! The batch conveyor: paths and streams in, findings out. It owns the threads and the buffers.
//!
//! A file of up to [`WHOLE`] bytes is judged as a whole; anything longer goes through windows that
//! overlap by [`REACH`], so that memory stays bounded and no credential is cut.

mod ahead;
mod explain;
mod history;
mod inventory;
mod judge;
mod large;
mod range;
mod search;
mod staged;
mod unpack;

use std::cell::{Cell, OnceCell, RefCell};
use std::fs::File;
use std::io::{self, Read};
use std::mem;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::assess::Shared;
use crate::credential::{Credential, FingerprintKey, View};
use crate::detect::{Form, REACH, Scanner, Scope};
use crate::environment::{self, inventory::Inventory};
use crate::finding::{Exception, ExceptionBy, Excerpt, Fact, Finding, Kind, Mask, Origin, PlaceKind, Sighting, Stage, Tracked};
use crate::policy::{Date, allows_on, peers_allow};
use crate::record;
use crate::rule::MAX_LENGTH;
use crate::source::archive::Container;
use crate::source::{self, GlobError, Haystack, HaystackKind, MapChoice, Met, SourceError, WalkOptions};
use crate::span::{LineIndex, Lines, Position, Span};
pub use explain::{ExplainError, explain};
pub use history::{MEMORY, history};
pub use inventory::inventory;
pub use judge::Context;
use judge::{Note, Seeing, allow_lines, may_allow};
pub use search::{Brought, Held, search};
pub use staged::staged;
use unpack::Meter;

/// Up to this size an input is held and judged as a whole.
pub const WHOLE: usize = 8 * 1024 * 1024;
/// How many containers, one inside of the other, are opened if nobody says otherwise.
pub const DEPTH: usize = 8;
/// What a window adds to what it has read before.
const WINDOW: usize = 1024 * 1024;
/// So many windows of a stream are scanned at once, at most: memory is bounded.
const AT_ONCE: usize = 8;
/// A NUL byte in this much of the beginning makes a file binary: its bytes have no names.
const BINARY: usize = 8 * 1024;
/// A step back over more bytes than this is looked up.
const FAR: usize = 4 * 1024;
/// How much of a line an excerpt holds on either side of a finding.
const AROUND: usize = 240;
/// How far from its finding an inline allow may stand on the same line: within the overlap of windows,
/// so that their edges do not matter, and a long line with many findings is not read anew for each.
const ALLOW: usize = 4 * 1024;

/// What is asked of a scan.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What a walk leaves out.
    pub walk: WalkOptions,
    /// Says what sort of place everything is, whatever the paths say.
    pub place: Option<PlaceKind>,
    /// Whether inline allows count.
    pub inline_allow: bool,
    /// Whether findings that are allowed are kept for the report, and not only counted.
    pub keep_allowed: bool,
    /// What day it is, for allows that end.
    pub today: Date,
    /// The key of the fingerprints.
    pub fingerprints: FingerprintKey,
    /// How many containers, one inside of the other, are opened.
    pub depth: usize,
    /// Whether large files are read as memory.
    pub map: MapChoice,
    /// What a team has said of places, and what it has decided.
    pub context: Arc<Context>,
}

/// What was read, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Files read to the end.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Members of archives read to the end.
    pub members: u64,
    /// Bytes that came out of archives and compressed files.
    pub unpacked: u64,
    /// Entries left out on purpose.
    pub excluded: u64,
    /// Secrets whose environment is known, in places whose environment is known.
    pub resolved: u64,
    /// Secrets in places about which facts contradict each other.
    pub conflicting: u64,
    /// Secrets whose environment is known, in places whose environment is not.
    pub place_unknown: u64,
    /// Secrets whose environment is not known.
    pub credential_unknown: u64,
    /// How many findings do not count: allowed, or off.
    pub suppressed: u64,
    /// Those that are allowed, if they are wanted.
    pub allowed: Vec<(Finding, Exception)>,
    /// What was wanted and could not be read.
    pub skipped: Vec<SourceError>,
    /// Inline allows that do not count, and where they stand.
    pub warnings: Vec<Warning>,
}

/// Something in the input that is not as its author believes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The file.
    pub origin: Origin,
    /// The line.
    pub line: u64,
    /// What is wrong.
    pub why: String,
}

/// What a scan says while it runs.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files read so far.
    pub files: AtomicU64,
    /// Bytes read so far.
    pub bytes: AtomicU64,
}

/// Scans paths. Findings come back sorted by path and offset.
pub fn paths(
    scanner: &Scanner,
    roots: &[PathBuf],
    settings: &Settings,
    progress: &Progress,
) -> Result<(Vec<Finding>, Ledger), GlobError> {
    let collected = Mutex::new((Vec::new(), Ledger::default(), Shared::default()));
    source::walk(roots, &settings.walk, &|met| {
        let mut job = Job::new(scanner, settings, progress);
        match met {
            Met::File(haystack) => job.haystack(&haystack),
            Met::Excluded => job.ledger.excluded += 1,
            Met::Skipped(error) => job.ledger.skipped.push(error),
        }
        let mut all = collected.lock().unwrap_or_else(PoisonError::into_inner);
        all.0.append(&mut job.findings);
        all.1.absorb(job.ledger);
        all.2.absorb(job.shared);
    })?;
    let (mut findings, mut ledger, shared) = collected.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut job = Job::new(scanner, settings, progress);
    shared.findings().into_iter().for_each(|finding| job.push(finding));
    findings.append(&mut job.findings);
    ledger.absorb(job.ledger);
    findings.sort_by_cached_key(key);
    ledger.skipped.sort();
    ledger.warnings.sort();
    Ok((findings, ledger))
}

fn key(finding: &Finding) -> (String, bool, Span, Kind) {
    (finding.location.origin.to_string(), finding.location.lines.is_some(), finding.location.span, finding.kind)
}

/// Scans a stream; each finding goes to `found` as soon as nothing that follows can change it.
pub fn stream(
    scanner: &Scanner,
    reader: &mut dyn Read,
    name: Option<PathBuf>,
    settings: &Settings,
    found: &mut dyn FnMut(Finding),
) -> Ledger {
    let progress = Progress::default();
    let mut job = Job::new(scanner, settings, &progress);
    let input = Input::new(Origin::Stdin(name), Tracked::Unknown, true);
    job.read(&input, &mut Raw::Stream(reader), &mut |job| job.findings.drain(..).for_each(&mut *found));
    let shared = mem::take(&mut job.shared);
    shared.findings().into_iter().for_each(|finding| job.push(finding));
    job.findings.drain(..).for_each(found);
    job.ledger
}

impl Ledger {
    /// Whether everything that was wanted was read.
    pub fn is_complete(&self) -> bool {
        self.skipped.is_empty()
    }

    /// Adds the entries of another ledger.
    pub fn absorb(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.members += other.members;
        self.unpacked += other.unpacked;
        self.excluded += other.excluded;
        self.resolved += other.resolved;
        self.conflicting += other.conflicting;
        self.place_unknown += other.place_unknown;
        self.credential_unknown += other.credential_unknown;
        self.suppressed += other.suppressed;
        self.allowed.extend(other.allowed);
        self.skipped.extend(other.skipped);
        self.warnings.extend(other.warnings);
    }
}

/// What is read, and under which name.
#[derive(Clone)]
struct Input {
    origin: Origin,
    /// The path that rules about paths look at: a container is a folder there.
    path: Option<PathBuf>,
    tracked: Tracked,
    live: bool,
    /// How many containers it is inside of.
    depth: usize,
}

impl Input {
    fn new(origin: Origin, tracked: Tracked, live: bool) -> Self {
        let path = origin.path().map(Path::to_owned);
        Self { origin, path, tracked, live, depth: 0 }
    }
}

/// Where the bytes of an input come from.
enum Raw<'a> {
    File(&'a File),
    Stream(&'a mut dyn Read),
    /// In memory: what is left of it.
    Held(&'a [u8]),
}

impl Read for Raw<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Stream(stream) => stream.read(buffer),
            Self::Held(bytes) => bytes.read(buffer),
        }
    }
}

thread_local! {
    /// One buffer for each thread, grown once and used for every file.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The scan of one input.
struct Job<'a> {
    scanner: &'a Scanner,
    settings: &'a Settings,
    progress: &'a Progress,
    findings: Vec<Finding>,
    ledger: Ledger,
    /// What may be shared with other places: of the window that is looked at, and of what was before it.
    notes: Vec<Note>,
    shared: Shared,
    /// What stands where, if somebody asks for it.
    stock: Option<Inventory>,
    /// What the last start-up banner of the log said.
    banner: Option<Stage>,
    meter: Rc<Meter>,
    /// What ended the input that is being read, before its end.
    failure: Option<io::Error>,
    /// Whether it is only asked if there is any credential.
    probing: bool,
    /// Whether there was one.
    sighted: bool,
}

/// Is called when nothing that follows can change what was found.
type Flush<'f, 'a> = dyn FnMut(&mut Job<'a>) + 'f;

/// A buffer of an input, and where it stands in it.
struct Window<'a> {
    bytes: &'a [u8],
    core: Range<usize>,
    offset: usize,
    /// How far it has counted: findings ascend, so that each line is counted once.
    lines: Cell<Lines>,
    /// Where it began to count.
    first: Lines,
    /// Made for the first step far back.
    index: OnceCell<LineIndex>,
    look: Look,
}

impl<'a> Window<'a> {
    fn new(bytes: &'a [u8], core: Range<usize>, offset: usize, (lines, look): (Lines, Look)) -> Self {
        Self { bytes, core, offset, lines: Cell::new(lines), first: lines, index: OnceCell::new(), look }
    }

    /// Whether it holds all of its file.
    fn is_whole(&self) -> bool {
        self.offset == 0 && self.core == (0..self.bytes.len())
    }
}

/// How an input is looked at, decided on its beginning.
#[derive(Clone, Copy)]
struct Look {
    kind: PlaceKind,
    names: bool,
    /// Whether it is what a bundler is told, where names of variables are judged, too.
    bundler: bool,
}

impl Window<'_> {
    /// A step back to what a finding rests on must not count all lines anew.
    fn position(&self, at: usize) -> Position {
        let mut lines = self.lines.get();
        if lines.offset() > at + FAR {
            let mut first = self.first;
            let index = self.index.get_or_init(|| LineIndex::new(self.bytes, first.position(self.bytes, 0)));
            return index.position(at);
        }
        let position = lines.position(self.bytes, at);
        self.lines.set(lines);
        position
    }
}

impl<'a> Job<'a> {
    fn new(scanner: &'a Scanner, settings: &'a Settings, progress: &'a Progress) -> Self {
        Self {
            scanner,
            settings,
            progress,
            findings: Vec::new(),
            ledger: Ledger::default(),
            notes: Vec::new(),
            shared: Shared::default(),
            stock: None,
            banner: None,
            meter: Rc::default(),
            failure: None,
            probing: false,
            sighted: false,
        }
    }

    fn haystack(&mut self, haystack: &Haystack) {
        if haystack.tracked == Tracked::Ignored
            && !self.settings.walk.no_ignore
            && !self.settings.context.policy.ignored_env_files
        {
            self.ledger.excluded += 1;
            return;
        }
        let pipe = haystack.kind == HaystackKind::Pipe;
        let input = Input::new(haystack.origin.clone(), haystack.tracked, pipe);
        self.name(&input);
        if pipe && is_stdin(haystack.path()) {
            return self.read(&input, &mut Raw::Stream(&mut io::stdin().lock()), &mut |_| {});
        }
        match File::open(haystack.path()) {
            Ok(mut file) if pipe => self.read(&input, &mut Raw::Stream(&mut file), &mut |_| {}),
            Ok(file) => self.read(&input, &mut Raw::File(&file), &mut |_| {}),
            Err(error) => self.skip(&input, &error),
        }
    }

    fn skip(&mut self, input: &Input, error: &io::Error) {
        self.ledger.skipped.push(SourceError::io(input.origin.clone(), error));
    }

    /// A file may be named like a key.
    fn name(&mut self, input: &Input) {
        let name = match &input.origin {
            Origin::Member { name, .. } => name.to_string_lossy().into_owned(),
            origin => origin.to_string(),
        };
        let scope = Scope { core: 0..name.len(), names: false };
        let found = self.scanner.scan_within(name.as_bytes(), &scope);
        for sighting in found {
            let Sighting::Credential(mut credential) = sighting else { continue };
            credential.view = View::Path;
            self.judge_name(input, name.as_bytes(), &credential);
        }
    }

    /// Reads an input to its end, and what is inside of it. `flush` runs behind each part.
    fn read(&mut self, input: &Input, raw: &mut Raw<'_>, flush: &mut Flush<'_, 'a>) {
        let result = BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            let result = self.read_into(input, raw, buffer, flush);
            let inside = result.map(|container| container.map(|container| (container, mem::take(buffer))));
            // One large file must not hold its memory for the rest of the scan.
            buffer.shrink_to(2 * WINDOW);
            inside
        });
        let result = self.failure.take().map_or(result, Err);
        match result.and_then(|inside| inside.map_or(Ok(()), |inside| self.unpack(input, inside, raw, flush))) {
            Err(error) => self.skip(input, &error),
            Ok(()) if input.depth == 0 => {
                self.ledger.files += 1;
                self.progress.files.fetch_add(1, Ordering::Relaxed);
            }
            Ok(()) => {}
        }
        if input.depth == 0 {
            self.ledger.bytes += self.meter.reset();
        }
        flush(self);
    }

    /// Scans the bytes as they stand: as a whole if they fit, else in windows. Where they begin or end
    /// a container, that is what comes back, and the buffer holds what was read of it.
    fn read_into(
        &mut self,
        input: &Input,
        raw: &mut Raw<'_>,
        buffer: &mut Vec<u8>,
        flush: &mut Flush<'_, 'a>,
    ) -> io::Result<Option<Container>> {
        let mut ended = self.fill(input, raw, buffer, record::HEAD);
        if let Some(container) = self.container(input, buffer) {
            return Ok(Some(container));
        }
        let look = self.look(input, buffer);
        let hold = if look.kind == PlaceKind::Log && input.live { record::HEAD } else { WHOLE };
        while !ended && buffer.len() < hold {
            let more = if input.live { hold } else { (buffer.len() * 2).min(hold) };
            ended = self.fill(input, raw, buffer, more);
        }
        if let Raw::File(file) = raw
            && !ended
            && file.metadata()?.len() > buffer.len() as u64
        {
            return self.large(input, file, buffer, look);
        }
        let (mut start, mut offset, mut lines) = (0, 0, Lines::default());
        loop {
            let end = if ended { buffer.len() } else { buffer.len().saturating_sub(REACH).max(start) };
            let keep = end.saturating_sub(REACH);
            // Lines are counted for what is read next alone.
            let next = if offset > 0 && end - start > WINDOW + REACH {
                let begin = lines.position(buffer, 0);
                Some(self.at_once((input, look), buffer, (start, end), (offset, begin)))
            } else {
                let window = Window::new(buffer, start..end, offset, (lines, look));
                self.scan(input, &window);
                self.settle();
                (!ended).then(|| window.position(keep))
            };
            flush(self);
            let Some(position) = next.filter(|_| !ended) else {
                return Ok(self.container_behind(input, buffer, offset > 0));
            };
            lines = Lines::starting_at(position.line, position.column);
            buffer.drain(..keep);
            (start, offset) = (end - keep, offset + keep);
            ended = self.fill(input, raw, buffer, start + REACH + self.step(input, offset + buffer.len()));
        }
    }

    /// How much is read next of an input of which so much was read. What has brought much will bring more: the longer the
    /// step, the less is looked at twice, and then there is work for every core.
    fn step(&self, input: &Input, read: usize) -> usize {
        let is_alone = input.depth == 0 && !self.probing && self.stock.is_none();
        match () {
            () if !input.live => WINDOW,
            () if read < WHOLE || !is_alone => read.clamp(record::HEAD, WINDOW),
            () => rayon::current_num_threads().clamp(1, AT_ONCE) * WINDOW,
        }
    }

    /// Reads until the buffer holds `size` bytes; says whether the input has ended. What came before an
    /// error is scanned like everything else.
    fn fill(&mut self, input: &Input, raw: &mut Raw<'_>, buffer: &mut Vec<u8>, size: usize) -> bool {
        let wanted = size.saturating_sub(buffer.len());
        let before = buffer.len();
        // Each reads into the room that there is, without zeros before.
        let result = match raw {
            Raw::Held(bytes) => {
                let (next, rest) = bytes.split_at(wanted.min(bytes.len()));
                buffer.extend_from_slice(next);
                *bytes = rest;
                Ok(next.len())
            }
            Raw::File(file) => file.take(wanted as u64).read_to_end(buffer),
            Raw::Stream(stream) => stream.take(wanted as u64).read_to_end(buffer),
        };
        let read = buffer.len() - before;
        self.count(input, read as u64);
        self.failure = result.err();
        self.failure.is_some() || read < wanted
    }

    /// Counts bytes that were read.
    fn count(&mut self, input: &Input, bytes: u64) {
        if input.depth == 0 {
            self.meter.add_raw(bytes);
        } else {
            self.ledger.unpacked += bytes;
        }
        self.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How the input is looked at, by its path and its beginning.
    fn look(&self, input: &Input, head: &[u8]) -> Look {
        let names = memchr::memchr(0, &head[..head.len().min(BINARY)]).is_none();
        // What sort of place it is changes no answer to whether it holds a credential.
        if self.probing {
            return Look { kind: PlaceKind::Source, names, bundler: false };
        }
        let declared = &self.settings.context.declared;
        let path = input.path.as_deref().map(|path| declared.relative(path));
        let by_path = path.as_deref().map_or(PlaceKind::Source, |path| environment::path::kind_of(path, declared));
        let bundler = path.is_some_and(|path| environment::is_bundler_config(&path));
        Look { kind: self.kind(by_path, head), names, bundler }
    }

    /// What sort of place the input is. A log tells itself by its records, whatever its name.
    fn kind(&self, by_path: PlaceKind, head: &[u8]) -> PlaceKind {
        let open = matches!(by_path, PlaceKind::Source | PlaceKind::Config);
        self.settings.place.unwrap_or_else(|| match by_path {
            _ if open && record::looks_like_log(head) => PlaceKind::Log,
            _ if open && environment::path::holds_rules(head) => PlaceKind::Rules,
            _ => environment::path::ciphertext(head).unwrap_or(by_path),
        })
    }

    fn scan(&mut self, input: &Input, window: &Window<'_>) {
        // Excerpts reach over the edges of the core: what stands there must be known to be masked.
        let core = window.core.start.saturating_sub(MAX_LENGTH)..(window.core.end + MAX_LENGTH).min(window.bytes.len());
        let sightings = self.sightings(input, window, core);
        if self.probing {
            let any = sightings.iter().any(|sighting| matches!(sighting, Sighting::Credential(_)));
            // Contents are probed before their names are known.
            self.sighted |= any || window.is_whole() && window.look.names && self.scanner.holds_form(window.bytes);
            return;
        }
        let (credentials, facts) = self.named(input, window, sightings);
        self.judge(input, window, &Seeing::new(&credentials, &facts));
    }

    /// Everything in a range of a window, and what the name of the file says of its bytes.
    fn sightings(&self, input: &Input, window: &Window<'_>, core: Range<usize>) -> Vec<Sighting> {
        let mut sightings = self.scanner.scan_within(window.bytes, &Scope { core, names: window.look.names });
        let path = input.path.as_deref().filter(|_| window.is_whole() && window.look.names);
        if let Some(form) = path.and_then(|path| Form::of(&path.to_string_lossy())) {
            let filed = self.scanner.scan_form(form, window.bytes, &sightings);
            sightings.extend(filed);
            sightings.sort_by_key(Sighting::span);
        }
        sightings
    }

    /// Credentials, with the provider that their path or file names, apart from facts.
    fn named(&self, input: &Input, window: &Window<'_>, sightings: Vec<Sighting>) -> (Vec<Credential>, Vec<Fact>) {
        let (mut credentials, mut facts): (Vec<Credential>, Vec<Fact>) = (Vec::new(), Vec::new());
        for sighting in sightings {
            match sighting {
                Sighting::Credential(credential) => credentials.push(credential),
                Sighting::Fact(fact) => facts.push(fact),
            }
        }
        // The records of a log are of many services: what one names is no other's provider.
        let file = if window.look.kind == PlaceKind::Log { &[] } else { window.bytes };
        let naming = environment::Naming::new(self.scanner, input.path.as_deref(), file);
        for credential in &mut credentials {
            naming.narrow(credential);
        }
        (credentials, facts)
    }

    /// Tells the run what was noted in a window whose lines are counted.
    fn settle(&mut self) {
        for note in mem::take(&mut self.notes) {
            note.tell(&mut self.shared);
        }
    }

    /// Inline allows never count in logs and streams: whoever writes the log could write them.
    fn inline_allow(&mut self, input: &Input, finding: &Finding, span: Span, window: &Window<'_>) -> Option<Exception> {
        if !self.settings.inline_allow || !may_allow(window, input) {
            return None;
        }
        let (line, above) = allow_lines(window, span, ALLOW);
        let inline = |reason: String| Some(Exception { by: ExceptionBy::Inline, reason });
        if let Some(mark) = peers_allow(line, above) {
            return inline(mark.to_owned());
        }
        for allow in allows_on(line, self.settings.today) {
            match allow {
                Ok(allow) if allow.covers(finding.rule.as_str(), finding.kind.id()) => return inline(allow.reason),
                Ok(_) => {}
                Err(error) => {
                    let line = finding.location.lines.map_or(0, |(begin, _)| begin.line);
                    let warning = Warning { origin: input.origin.clone(), line, why: error.to_string() };
                    if !self.ledger.warnings.contains(&warning) {
                        self.ledger.warnings.push(warning);
                    }
                }
            }
        }
        None
    }

    /// Counts a finding that is allowed.
    fn set_aside(&mut self, finding: Finding, exception: Exception) {
        self.ledger.suppressed += 1;
        if self.settings.keep_allowed {
            self.ledger.allowed.push((finding, exception));
        }
    }
}

fn is_stdin(path: &Path) -> bool {
    matches!(path.to_str(), Some("/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0"))
}

/// The line that holds a span, without its end, at most `around` bytes on either side.
fn line_around(bytes: &[u8], span: Span, around: usize) -> Span {
    let floor = span.start.saturating_sub(around);
    let ceiling = span.end.saturating_add(around).min(bytes.len());
    let start = memchr::memrchr(b'\n', &bytes[floor..span.start]).map_or(floor, |at| floor + at + 1);
    let end = memchr::memchr(b'\n', &bytes[span.end..ceiling]).map_or(ceiling, |at| span.end + at);
    Span::new(start, end)
}

/// The line around what a finding is about, with every credential in it to be masked.
fn excerpt_of(bytes: &[u8], (span, mask): (Span, &Mask), all: &[(Span, Mask)]) -> Excerpt {
    let mut line = line_around(bytes, span, AROUND);
    // No half of a character at the cuts.
    let continues = |at: usize| bytes.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    line.start = (line.start..span.start).take(4).find(|&at| !continues(at)).unwrap_or(line.start);
    line.end = (span.end..=line.end).rev().take(4).find(|&at| !continues(at)).unwrap_or(line.end);
    // A credential that the cut would split is left out, or its rest would be shown.
    let near = all.partition_point(|(other, _)| other.start + MAX_LENGTH < line.start);
    let overlapping = || all[near..].iter().take_while(|(other, _)| other.start < line.end);
    let mut masks: Vec<(Span, &Mask)> = Vec::new();
    let (mut start, mut end) = (line.start, line.end);
    for (other, mask) in overlapping().filter(|(other, _)| other.overlaps(line)) {
        if other.start < line.start {
            start = start.max(other.end);
        } else if other.end > line.end {
            end = end.min(other.start);
        } else {
            masks.push((*other, mask));
        }
    }
    line = Span::new(start, end.max(start));
    // A fact is shown as it is, unless a credential stands in it.
    if !masks.iter().any(|(other, _)| other.overlaps(span)) && span.start >= line.start && span.end <= line.end {
        masks.push((span, mask));
        masks.sort_by_key(|(span, _)| *span);
    }
    masks.retain(|(other, _)| other.start >= line.start && other.end <= line.end);
    let focus = masks.iter().position(|(other, _)| *other == span).unwrap_or(usize::MAX);
    let masks =
        masks.into_iter().map(|(other, mask)| (Span::new(other.start - line.start, other.end - line.start), mask.clone()));
    Excerpt::new(&bytes[line.range()], masks.collect(), focus)
}
