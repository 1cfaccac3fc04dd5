//! One place, explained: reads a file as a scan does, and tells everything that was asked on the way.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Mutex;

use super::judge::{Seeing, may_allow};
use super::{Input, Job, Progress, Settings, WHOLE, Window, excerpt_of, line_around};
use crate::assess::{self, Explained, Outcome};
use crate::credential::Credential;
use crate::detect::Scanner;
use crate::environment::explanation::{Account, Explanation, Fate, ToldWitness, Verdict};
use crate::environment::{self, Filling, Run, Situation, Slot, Survey};
use crate::finding::{Fact, Mask, Origin, PlaceKind};
use crate::policy::{Gate, allows_on};
use crate::record;
use crate::source::{self, Haystack, Met, SourceError, WalkOptions};
use crate::span::{Lines, Span};

/// Explains a file, or a line of it. Of a file of more than [`WHOLE`] bytes that much is read around the
/// line; what a log said of its environment long before is not known there.
pub fn explain(
    scanner: &Scanner,
    path: &Path,
    line: Option<u64>,
    settings: &Settings,
    gate: &Gate,
) -> Result<Explanation, ExplainError> {
    let progress = Progress::default();
    let job = Job::new(scanner, settings, &progress);
    let haystack = found(path)?;
    let skipped = |error: &std::io::Error| SourceError::io(haystack.origin.clone(), error);
    let file = File::open(haystack.path()).map_err(|error| skipped(&error))?;
    let part = Part::read(file, line).map_err(|error| skipped(&error))?;
    if line.is_some_and(|line| line == 0 || line > part.last) {
        return Err(ExplainError::Line { origin: haystack.origin.clone(), last: part.last });
    }
    let input = Input::new(haystack.origin.clone(), haystack.tracked, false);
    let head = &part.bytes[..part.bytes.len().min(record::HEAD)];
    let look = job.look(&input, head);
    let window = Window::new(&part.bytes, 0..part.bytes.len(), part.offset, (part.first, look));
    let (credentials, facts) = job.sighted_in(&input, &window);
    let seeing = Seeing::new(&credentials, &facts);
    let around = settings.context.folders.around(haystack.path());
    let run = Run { declared: &settings.context.declared, rules: scanner.rules() };
    let told = matches!(look.kind, PlaceKind::Log | PlaceKind::Rules | PlaceKind::Ciphertext);
    let kind = settings.place.or(told.then_some(look.kind));
    let whole = part.offset == 0 && !part.is_cut;
    let survey = Survey::new(
        run,
        environment::Input { path: input.path.as_deref(), bytes: window.bytes, kind, around, whole, banner: None },
    );
    let within = line.map(|line| part.line(line));
    let telling = Telling { job: &job, input: &input, window: &window, seeing: &seeing, survey: &survey, gate };
    Ok(telling.tell(&haystack, line, within))
}

/// Why nothing can be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExplainError {
    /// The file cannot be read.
    Source(SourceError),
    /// There is no such line.
    Line {
        /// The file.
        origin: Origin,
        /// Its last line.
        last: u64,
    },
}

impl fmt::Display for ExplainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => error.fmt(f),
            Self::Line { origin, last } => write!(f, "{origin} has lines 1 to {last}"),
        }
    }
}

impl std::error::Error for ExplainError {}

impl From<SourceError> for ExplainError {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

/// The file as a scan would meet it, with what git says of it.
fn found(path: &Path) -> Result<Haystack, SourceError> {
    let origin = Origin::File(path.to_owned());
    let error = |why: &str| SourceError { origin: origin.clone(), why: why.to_owned() };
    let met = Mutex::new(None);
    let keep = |found: Met| {
        met.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(found);
    };
    source::walk(&[path.to_owned()], &WalkOptions::default(), &keep).map_err(|glob| error(&glob.to_string()))?;
    match met.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some(Met::File(haystack)) => Ok(haystack),
        Some(Met::Skipped(why)) => Err(why),
        Some(Met::Excluded) | None => Err(error("no file that can be read twice")),
    }
}

/// What is read of a file.
struct Part {
    bytes: Vec<u8>,
    offset: usize,
    first: Lines,
    /// Whether there is more of it.
    is_cut: bool,
    /// The number of the last line.
    last: u64,
}

impl Part {
    /// All of a file, or as much around a line.
    fn read(mut file: File, line: Option<u64>) -> std::io::Result<Self> {
        use std::io::{Read, Seek, SeekFrom};
        let length = file.metadata()?.len();
        let whole = length <= WHOLE as u64;
        let (mut start, mut number) = (0, 1);
        if let Some(line) = line.filter(|_| !whole) {
            (start, number) = line_start(&mut file, line)?;
            file.seek(SeekFrom::Start(start))?;
        }
        let mut bytes = Vec::new();
        (&mut file).take(WHOLE as u64).read_to_end(&mut bytes)?;
        let inside = memchr::memchr_iter(b'\n', bytes.strip_suffix(b"\n").unwrap_or(&bytes)).count() as u64;
        let is_cut = start > 0 || (bytes.len() as u64) < length;
        let first = Lines::starting_at(number, 1);
        Ok(Self { offset: usize::try_from(start).unwrap_or(usize::MAX), first, is_cut, last: number + inside, bytes })
    }

    /// A line without its end.
    fn line(&self, number: u64) -> Span {
        let mut lines = self.first;
        let skipped = number - lines.position(&self.bytes, 0).line;
        let mut ends = memchr::memchr_iter(b'\n', &self.bytes);
        let start = match skipped.checked_sub(1) {
            Some(skipped) => ends.nth(usize::try_from(skipped).unwrap_or(usize::MAX)).map_or(self.bytes.len(), |at| at + 1),
            None => 0,
        };
        Span::new(start, memchr::memchr(b'\n', &self.bytes[start..]).map_or(self.bytes.len(), |at| start + at))
    }
}

/// The beginning of a line at least half a mebibyte and a line before the one that is wanted, and its number.
fn line_start(file: &mut File, wanted: u64) -> std::io::Result<(u64, u64)> {
    use std::io::{BufRead, BufReader};
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let (mut at, mut number) = (0u64, 1u64);
    let mut starts = std::collections::VecDeque::from([(0u64, 1u64)]);
    let mut line = Vec::new();
    while number < wanted {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            break;
        }
        (at, number) = (at + read, number + 1);
        starts.push_back((at, number));
        while starts.len() > 1 && starts[1].0 + (1 << 19) < at {
            starts.pop_front();
        }
    }
    Ok(starts.front().copied().unwrap_or((0, 1)))
}

impl Job<'_> {
    /// Everything in a window, as a scan sees it.
    fn sighted_in(&self, input: &Input, window: &Window<'_>) -> (Vec<Credential>, Vec<Fact>) {
        let sightings = self.sightings(input, window, 0..window.bytes.len());
        self.named(input, window, sightings)
    }
}

/// A file with everything that is known of it.
struct Telling<'t, 'a> {
    job: &'t Job<'a>,
    input: &'t Input,
    window: &'t Window<'t>,
    seeing: &'t Seeing<'t>,
    survey: &'t Survey<'t>,
    gate: &'t Gate,
}

impl Telling<'_, '_> {
    fn line_at(&self, at: usize) -> u64 {
        self.window.position(at).line
    }

    fn tell(&self, haystack: &Haystack, line: Option<u64>, within: Option<Span>) -> Explanation {
        let tracked = self.job.tracked(self.input);
        let explained = assess::explain(self.survey, self.seeing.seen, self.job.scanner.rules(), tracked);
        let here = |explained: &&Explained| {
            let span = self.seeing.seen.credentials[explained.credential].span;
            within.is_none_or(|line| span.start >= line.start && span.start <= line.end)
        };
        let here: Vec<&Explained> = explained.iter().filter(here).collect();
        let situation = self.situation(within, &here);
        let line_of = |at: usize| self.line_at(at);
        let conflict = situation.answer.conflict.as_ref();
        Explanation {
            origin: haystack.origin.clone(),
            path: self.survey.path().to_owned(),
            tracked,
            line,
            place: situation.place.clone(),
            scopes: self.survey.told(&situation.scopes, &situation.answer, &line_of),
            conflict: conflict.map(|(one, other)| (one.fact.clone(), other.fact.clone())),
            aside: self.survey.aside(),
            credentials: here.iter().map(|explained| self.account(explained)).collect(),
            slots: within.filter(|_| here.is_empty()).map_or(Vec::new(), |line| self.slots(line)),
        }
    }

    /// Where the first credential of the line is; without one, the first word of it; without a line, the
    /// file.
    fn situation(&self, within: Option<Span>, here: &[&Explained]) -> Situation {
        let Some(line) = within else { return self.survey.whole() };
        let first = here.first().map(|explained| self.seeing.seen.credentials[explained.credential].span);
        let bytes = &self.window.bytes[line.range()];
        let indent = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let span = first.unwrap_or_else(|| Span::new(line.start + indent.min(bytes.len()), line.end));
        (*self.survey.situation(span)).clone()
    }

    /// What the slots of a line hold.
    fn slots(&self, line: Span) -> Vec<(String, String)> {
        let holds = |slot: &Slot| match slot.filling {
            Filling::Reference(store) => format!("a reference ({store}), no credential (G2)"),
            Filling::Ciphertext => "ciphertext (G1)".to_owned(),
            Filling::Placeholder => "a placeholder or words (G3)".to_owned(),
            Filling::Empty => "nothing".to_owned(),
            Filling::Value => "a value that no rule recognises".to_owned(),
        };
        self.survey.filled(line).iter().map(|slot| (slot.name.clone(), holds(slot))).collect()
    }

    fn account(&self, explained: &Explained) -> Account {
        let credential = &self.seeing.seen.credentials[explained.credential];
        let reading = &explained.reading;
        let rule = self.job.scanner.rules().get(credential.rule.as_str());
        let mask = Mask::of(&credential.secret);
        let witnesses = reading.witnesses.iter().map(|witness| ToldWitness {
            id: witness.source.id(),
            environment: witness.environment,
            weight: witness.source.weight(),
            fact: witness.evidence.fact.clone(),
            line: witness.evidence.span.map(|span| self.line_at(span.start)),
            fate: match () {
                () if witness.environment != reading.environment => Fate::Outweighed,
                () if witness.source == reading.source => Fate::Decides,
                () => Fate::Agrees,
            },
        });
        Account {
            at: self.window.position(credential.span.start),
            title: rule.map_or_else(String::new, |rule| rule.title_for(reading.environment)),
            provider: credential.provider.clone(),
            candidates: credential.candidates.clone(),
            class: credential.class,
            confidence: credential.confidence,
            moves_funds: credential.moves_funds,
            environment: reading.environment,
            witnesses: witnesses.collect(),
            slot: reading.slot.clone(),
            form: reading.form,
            parked: reading.parked,
            public_slot: reading.public_slot,
            place: explained.situation.place.clone(),
            row: explained.row.clone(),
            quiet: explained.quiet,
            verdicts: explained.outcomes.iter().map(|outcome| self.verdict(credential, outcome)).collect(),
            excerpt: excerpt_of(self.window.bytes, (credential.span, &mask), self.seeing.masks()),
            mask,
        }
    }

    fn verdict(&self, credential: &Credential, outcome: &Outcome) -> Verdict {
        let finding = self.job.finding(self.input, self.window, self.seeing, (outcome.clone(), self.survey));
        let settings = self.job.settings;
        let inline = settings.inline_allow && may_allow(self.window, self.input);
        let line = line_around(self.window.bytes, credential.span, super::ALLOW);
        let allows = allows_on(&self.window.bytes[line.range()], settings.today).into_iter().flatten();
        let allow = allows.filter(|_| inline).find(|allow| allow.covers(finding.rule.as_str(), finding.kind.id()));
        let by_line = allow.map(|allow| format!("keyfence:allow on its line: {}", allow.reason));
        let policy = &settings.context.policy;
        Verdict {
            kind: outcome.kind,
            severity: outcome.severity,
            confidence: outcome.confidence,
            blocks: self.gate.blocks(&finding),
            suppressed: by_line.or_else(|| policy.why_suppressed(&finding, self.survey.path(), settings.today)),
        }
    }
}
