//! What all streams of a run share: the rules, the settings, the counters, the alerts.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::clock;
use super::correlate;
use super::decide::Hit;
use super::desk::{Desk, First, Key, Say};
use super::eye::{Eye, Fault};
use super::mask::{self, Mask};
use super::metrics::Counters;
use super::open::Heads;
use super::sink::Sink;
use crate::assess::{self, Outcome, Role, Subject};
use crate::credential::{Credential, Environment, FingerprintKey, RuleId, Secret, View};
use crate::environment::declared::Declared;
use crate::environment::{Input, Run, Seen, Survey};
use crate::finding::{
    self, Excerpt, Fact, FactKind, Finding, Kind, Location, Origin, Place, PlaceKind, Severity, Stage, Tracked,
};
use crate::report::{Alert, Fingerprints, Options, Redactor};
use crate::span::{Position, Span};

/// How much of a record an alert shows on either side of a secret.
const AROUND: usize = 80;

/// What becomes of a record that could not be scanned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// The stream ends before it.
    Block,
    /// A stub takes its place.
    #[default]
    Quarantine,
    /// It goes on as it is, and is counted.
    Pass,
}

impl OnError {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Block, Self::Quarantine, Self::Pass];

    /// The name of the flag.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Quarantine => "quarantine",
            Self::Pass => "pass",
        }
    }
}

/// What is asked of a stream.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether the input goes to the output, with its secrets replaced.
    pub redact: bool,
    /// What a secret is replaced with.
    pub mask: Mask,
    /// What becomes of a record that could not be scanned.
    pub on_error: OnError,
    /// Longer lines are looked at in parts.
    pub max_line: usize,
    /// How long the beginning of what may be a secret is held.
    pub hold: Duration,
    /// The key of the fingerprints.
    pub fingerprints: FingerprintKey,
    /// Whether alerts are JSON, not text.
    pub json: bool,
    /// What was said of places.
    pub declared: Declared,
}

/// Where a secret stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    /// The name of the stream.
    pub(super) stream: &'a str,
    /// Its record, or as much of it as there is.
    pub(super) record: &'a [u8],
    /// The secret in the record.
    pub(super) span: Span,
    /// Lines before it and bytes before it, in the stream.
    pub(super) line: u64,
    pub(super) offset: u64,
    pub(super) column: u64,
    /// What the record says of environments.
    pub(super) facts: &'a [Fact],
    /// What the last start-up banner said.
    pub(super) banner: Option<Stage>,
}

impl At<'_> {
    /// Something else in the same record.
    fn moved(self, span: Span) -> Self {
        let by = |at: u64| (at + span.start as u64).saturating_sub(self.span.start as u64);
        Self { span, offset: by(self.offset), column: by(self.column), ..self }
    }
}

/// What start-up banners say, by where their lines begin.
#[derive(Clone, Debug, Default)]
pub(super) struct Banners {
    before: Option<Stage>,
    found: Vec<(usize, Stage)>,
}

impl Banners {
    /// What holds until the next one.
    pub(super) fn of(before: Option<Stage>) -> Self {
        Self { before, found: Vec::new() }
    }

    /// What holds at a place.
    pub(super) fn at(&self, at: usize) -> Option<Stage> {
        self.found.iter().rev().find(|(start, _)| *start <= at).map(|(_, stage)| *stage).or(self.before)
    }

    /// What holds from here on.
    pub(super) fn last(&self) -> Option<Stage> {
        self.at(usize::MAX)
    }
}

/// The run stops here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocked;

/// What all streams of a run share.
pub struct Hub {
    pub(super) settings: Settings,
    pub(super) eye: Arc<Eye>,
    pub(super) heads: Arc<Heads>,
    /// What was counted.
    pub counters: Counters,
    desk: Desk,
    sink: Option<Sink>,
    quarantine: Option<Box<dyn Write + Send>>,
    worst: Option<Severity>,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hub({:?})", self.settings)
    }
}

impl Hub {
    /// A run with these settings.
    pub fn new(settings: Settings, eye: Arc<Eye>, sink: Option<Sink>, quarantine: Option<Box<dyn Write + Send>>) -> Self {
        let heads = Arc::new(Heads::new(eye.rules()));
        let desk = Desk::new(Instant::now());
        Self { settings, eye, heads, counters: Counters::default(), desk, sink, quarantine, worst: None }
    }

    /// Takes new rules, or keeps the old ones.
    pub fn reload(&mut self, fresh: Option<Arc<Eye>>) {
        self.counters.reloads[usize::from(fresh.is_none())] += 1;
        if let Some(eye) = fresh {
            self.heads = Arc::new(Heads::new(eye.rules()));
            self.eye = eye;
        }
    }

    /// Opens the sink of alerts again.
    pub fn reopen(&mut self) {
        if let Some(sink) = &mut self.sink {
            sink.reopen();
        }
    }

    /// The worst severity that was seen.
    pub fn worst(&self) -> Option<Severity> {
        self.worst
    }

    /// The metrics as a file for Prometheus.
    pub fn metrics(&self) -> String {
        let drops = self.sink.as_ref().map_or((0, 0), |sink| (sink.dropped(), sink.errors()));
        let mut counters = self.counters.clone();
        counters.evicted = self.desk.evicted;
        counters.to_prometheus(self.eye.rules().digest(), drops)
    }

    /// Writes the replacement of a secret.
    pub(super) fn redact(&mut self, hit: &Hit, raw: &[u8], out: &mut Vec<u8>) {
        if hit.span.is_empty() {
            return;
        }
        let key = &self.settings.fingerprints;
        let print = hit.credential.as_ref().filter(|_| key.is_printable()).map(|found| key.fingerprint(&found.secret));
        self.settings.mask.write(hit.class, print, raw, out);
        self.counters.redactions += 1;
    }

    /// Counts what would have taken too much work.
    pub(super) fn overworked(&mut self, fault: Fault) {
        self.counters.overworked += u64::from(fault == Fault::Work);
    }

    /// A record could not be scanned.
    pub(super) fn fail(&mut self, record: &[u8], out: &mut Vec<u8>) -> Result<(), Blocked> {
        self.counters.unscanned_bytes += record.len() as u64;
        let text = &record[..record.len() - line_end(record)];
        match self.settings.on_error {
            OnError::Block => Err(Blocked),
            OnError::Pass => {
                self.counters.passed += 1;
                out.extend_from_slice(record);
                Ok(())
            }
            OnError::Quarantine => {
                self.counters.quarantined += 1;
                mask::stub(text, &self.settings.fingerprints, out);
                out.extend_from_slice(&record[text.len()..]);
                // A quarantine that is full must not let the record out.
                if let Some(file) = &mut self.quarantine
                    && file.write_all(text).and_then(|()| file.write_all(b"\n")).and_then(|()| file.flush()).is_err()
                {
                    self.quarantine = None;
                }
                Ok(())
            }
        }
    }

    /// What start-up banners in whole lines say, after one that said `before`.
    pub(super) fn banners(&self, lines: &[u8], before: Option<Stage>) -> Banners {
        let survey = Survey::new(Run { declared: &self.settings.declared, rules: self.eye.rules() }, Input::log(lines, None));
        Banners { before, found: survey.start_ups().to_vec() }
    }

    /// Says that a secret was seen, if that is worth saying; and what it says together with its record.
    pub(super) fn alert(&mut self, hit: &Hit, at: At<'_>, all: &[Span]) {
        let Some(credential) = &hit.credential else { return };
        let outcomes = judged(&self.eye, &self.settings.declared, credential, &at);
        self.counters.truncated += u64::from(hit.truncated && !outcomes.is_empty());
        let eye = Arc::clone(&self.eye);
        for (number, outcome) in outcomes.into_iter().enumerate() {
            // What stands beside a secret is told once for each of the two.
            let name = if number == 0 { credential.class.name() } else { outcome.kind.id() };
            self.tell(Case { eye: &eye, subject: About::Secret(hit, credential), at: &at, all, name }, &outcome, 1);
        }
    }

    /// Says what a record says of environments, if that is worth saying. Nothing of it is redacted.
    pub(super) fn facts(&mut self, at: At<'_>, all: &[Span]) {
        let eye = Arc::clone(&self.eye);
        let run = Run { declared: &self.settings.declared, rules: eye.rules() };
        let survey = Survey::new(run, Input::log(at.record, at.banner));
        let (facts, times) = alike(at);
        let seen = Seen { credentials: &[], facts: &facts };
        let outcomes = assess::judge(&survey, seen, eye.rules(), Tracked::Unknown).outcomes;
        for outcome in outcomes {
            let Subject::Fact(number) = outcome.subject else { continue };
            let fact = &facts[number];
            let (at, name) = (at.moved(fact.span), outcome.kind.id());
            self.tell(Case { eye: &eye, subject: About::Fact(fact), at: &at, all, name }, &outcome, times[number]);
        }
    }

    /// Tells of what was seen so many times.
    fn tell(&mut self, case: Case<'_>, outcome: &Outcome, times: u64) {
        let row = (case.name, outcome.severity, outcome.environment);
        *self.counters.findings.entry(row).or_default() += times;
        self.worst = self.worst.max(Some(outcome.severity));
        if self.sink.is_none() {
            return;
        }
        let secret = case.secret(outcome.kind);
        let key: Key = (case.at.stream.to_owned(), case.name, self.settings.fingerprints.fingerprint(&secret));
        let settings = &self.settings;
        let (hit, is_fact) = (case.hit(), matches!(case.subject, About::Fact(_)));
        let first = || First {
            finding: Box::new(case.finding(outcome.clone(), settings)),
            label: hit.and_then(|hit| hit.label.as_deref()).map(str::to_owned),
            redacted: settings.redact && !is_fact,
            truncated: hit.is_some_and(|hit| hit.truncated),
        };
        for _ in 0..times {
            match self.desk.count(&key, Instant::now(), first) {
                Say::Now => {
                    if let Some(line) = self.desk.get(&key).map(|told| write(&self.eye, &self.settings, told)) {
                        put(&mut self.sink, &mut self.counters, line);
                    }
                }
                Say::Counted => self.counters.deduplicated += 1,
                Say::Limited => self.counters.limited += 1,
            }
        }
    }

    /// Says what is due: how often secrets were seen again, how many were not told.
    pub fn tick(&mut self, end: bool) {
        let now = Instant::now();
        let due: Vec<Vec<u8>> = self.desk.due(now, end).into_iter().map(|told| write(&self.eye, &self.settings, told)).collect();
        for line in due {
            put(&mut self.sink, &mut self.counters, line);
        }
        if let Some(limited) = self.desk.summary(now, end) {
            let line = limited_line(&limited, self.settings.json);
            put(&mut self.sink, &mut self.counters, line);
        }
    }

    /// The last words: counts of everything that was seen again, and the sink closed.
    pub fn finish(&mut self) {
        self.tick(true);
        if let Some(sink) = &mut self.sink {
            sink.close();
        }
    }
}

/// Length of the line end.
pub(super) fn line_end(record: &[u8]) -> usize {
    match record {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    }
}

/// What a secret is in its record, and what the two say together; nothing for what is no leak.
fn judged(eye: &Eye, declared: &Declared, credential: &Credential, at: &At<'_>) -> Vec<Outcome> {
    if eye.rules().get(credential.rule.as_str()).is_none() {
        return vec![known_key(credential)];
    }
    let here = [Credential { span: at.span, ..credential.clone() }];
    let run = Run { declared, rules: eye.rules() };
    let seen = Seen { credentials: &here, facts: at.facts };
    let judgement = assess::judge(&Survey::new(run, Input::log(at.record, at.banner)), seen, eye.rules(), Tracked::Unknown);
    judgement.outcomes.into_iter().filter(|outcome| outcome.subject == Subject::Credential(0)).collect()
}

/// A key that only the team knows: no rule says anything of it.
fn known_key(credential: &Credential) -> Outcome {
    let pays_out = Role::of(credential.class, false) == Role::Payout;
    let (kind, severity) = match credential.environment {
        Environment::Sandbox if pays_out => (Kind::PayoutKeyInLog, Severity::High),
        _ if pays_out => (Kind::PayoutKeyInLog, Severity::Critical),
        Environment::Live => (Kind::LiveKeyInLog, Severity::Critical),
        Environment::Sandbox => (Kind::SandboxKeyInLog, Severity::Low),
        Environment::Unknown => (Kind::SecretInLog, Severity::High),
    };
    Outcome {
        subject: Subject::Credential(0),
        kind,
        severity,
        confidence: credential.confidence,
        title: "known key".into(),
        provider: credential.provider.clone(),
        class: Some(credential.class),
        environment: credential.environment,
        place: Place::unknown(PlaceKind::Log),
        because: credential.because.clone(),
        related: Vec::new(),
        remediation: "".into(),
    }
}

/// What is told of.
#[derive(Clone, Copy)]
enum About<'a> {
    Secret(&'a Hit, &'a Credential),
    Fact(&'a Fact),
}

/// What is told of, and all that is known of it.
#[derive(Clone, Copy)]
struct Case<'a> {
    eye: &'a Eye,
    subject: About<'a>,
    at: &'a At<'a>,
    all: &'a [Span],
    /// The class of a secret, or what sort of finding it is.
    name: &'static str,
}

impl<'a> Case<'a> {
    fn hit(&self) -> Option<&'a Hit> {
        match self.subject {
            About::Secret(hit, _) => Some(hit),
            About::Fact(_) => None,
        }
    }

    fn credential(&self) -> Option<&'a Credential> {
        match self.subject {
            About::Secret(_, credential) => Some(credential),
            About::Fact(_) => None,
        }
    }

    /// What its fingerprint is made of.
    fn secret(&self, kind: Kind) -> Secret {
        match self.subject {
            About::Secret(_, credential) => credential.secret.clone(),
            About::Fact(fact) => Secret::new(format!("{}\0{}", kind.id(), fact.text).as_bytes(), 0),
        }
    }

    fn mask(&self) -> finding::Mask {
        match self.subject {
            About::Secret(_, credential) => finding::Mask::of(&credential.secret),
            About::Fact(fact) => finding::Mask::plain(&fact.text),
        }
    }

    fn finding(&self, outcome: Outcome, settings: &Settings) -> Finding {
        let (at, credential) = (self.at, self.credential());
        let rule = credential.and_then(|credential| self.eye.rules().get(credential.rule.as_str()));
        // What a value says of itself goes before what its record says.
        let own = credential.map(|credential| credential.environment).filter(|own| *own != Environment::Unknown);
        let environment = own.unwrap_or(outcome.environment);
        Finding {
            kind: outcome.kind,
            severity: outcome.severity,
            confidence: outcome.confidence,
            rule: credential.map_or_else(|| RuleId::from(outcome.kind.id()), |credential| credential.rule.clone()),
            title: rule.map_or_else(|| outcome.title.to_string(), |rule| rule.title_for(environment)),
            provider: outcome.provider,
            candidates: credential.map_or(Vec::new(), |credential| credential.candidates.clone()),
            class: credential.map(|credential| credential.class),
            environment,
            moves_funds: credential.is_some_and(|credential| credential.moves_funds),
            mask: self.mask(),
            fingerprint: settings.fingerprints.fingerprint(&self.secret(outcome.kind)),
            location: self.location(),
            view: credential.map_or(View::Plain, |credential| credential.view),
            place: outcome.place,
            because: outcome.because.iter().take(6).map(|evidence| (evidence.clone(), Some(self.begin().line))).collect(),
            related: Vec::new(),
            correlation: correlate::correlation(at.record, self.all, at.span.start),
            excerpt: self.excerpt(),
            remediation: outcome.remediation.to_string(),
        }
    }

    fn begin(&self) -> Position {
        let begin = Position { line: self.at.line + 1, column: self.at.column + 1 };
        let mark = self.hit().and_then(|hit| hit.began);
        mark.map_or(begin, |mark| Position { line: mark.lines + 1, column: 1 })
    }

    fn location(&self) -> Location {
        let at = self.at;
        let end = Position { line: at.line + 1, column: at.column + 1 + at.span.len() as u64 };
        let began = self.hit().and_then(|hit| hit.began);
        let offset = usize::try_from(began.map_or(at.offset, |mark| mark.offset)).unwrap_or(usize::MAX);
        Location {
            origin: Origin::Stdin((at.stream != "-").then(|| at.stream.into())),
            tracked: Tracked::Unknown,
            lines: Some((self.begin(), end)),
            span: Span::new(offset, offset + at.span.len()),
        }
    }

    /// The record around it, every secret in it masked, and every test card: no card number is shown whole.
    fn excerpt(&self) -> Excerpt {
        let Self { at, all, .. } = self;
        let record = &at.record[..at.record.len() - line_end(at.record)];
        let cards = at.facts.iter().filter(|fact| fact.kind == FactKind::TestCard);
        let cards: Vec<(Span, finding::Mask)> = cards.map(|fact| (fact.span, finding::Mask::plain(&fact.text))).collect();
        let hidden = |span: Span| all.iter().any(|other| other.overlaps(span));
        let mask = |other: &Span| finding::Mask { prefix: String::new(), length: other.len() };
        let others = all.iter().filter(|other| **other != at.span && !other.is_empty()).map(|other| (*other, mask(other)));
        let cards = cards.into_iter().filter(|(span, _)| !hidden(*span) && *span != at.span);
        // A fact within a secret is not shown.
        let own = (self.credential().is_some() || !hidden(at.span)).then(|| (at.span, self.mask()));
        let mut masks: Vec<(Span, finding::Mask)> = others.chain(cards).chain(own).collect();
        masks.sort_by_key(|(span, _)| *span);
        let mut shown = Span::new(at.span.start.saturating_sub(AROUND), (at.span.end + AROUND).min(record.len()));
        shown.start = shown.start.min(record.len());
        // Half of a secret is not shown.
        for (other, _) in masks.iter().filter(|(other, _)| *other != at.span) {
            if other.overlaps(shown) && other.start < shown.start {
                shown.start = other.end.min(at.span.start);
            }
            if other.overlaps(shown) && other.end > shown.end {
                shown.end = other.start.max(at.span.end);
            }
        }
        if shown.end < shown.start {
            return Excerpt::new(b"", Vec::new(), usize::MAX);
        }
        masks.retain(|(other, _)| other.start >= shown.start && other.end <= shown.end && !other.is_empty());
        let focus = masks.iter().position(|(span, _)| *span == at.span).unwrap_or(usize::MAX);
        let masks = masks.into_iter().map(|(span, mask)| (Span::new(span.start - shown.start, span.end - shown.start), mask));
        Excerpt::new(&record[shown.range()], masks.collect(), focus)
    }
}

fn write(eye: &Eye, settings: &Settings, told: &super::desk::Told) -> Vec<u8> {
    let find = |bytes: &[u8]| eye.masks(bytes);
    let mut options = Options::new(Redactor::new(&find));
    options.fingerprints = Fingerprints::of(&settings.fingerprints);
    let ts = clock::rfc3339(SystemTime::now());
    let alert = Alert {
        finding: &told.finding,
        ts: &ts,
        stream: &told.stream,
        count: told.count,
        redacted: told.redacted,
        truncated: told.truncated,
        label: told.label.as_deref(),
    };
    if settings.json { alert.to_json(&options) } else { alert.to_text(&options) }
}

fn put(sink: &mut Option<Sink>, counters: &mut Counters, line: Vec<u8>) {
    if let Some(sink) = sink {
        counters.alerts += 1;
        sink.send(line);
    }
}

/// The facts of a record, of those that say the same the first, and how often each is said. In a record with objects it
/// matters where they stand.
fn alike(at: At<'_>) -> (Vec<Fact>, Vec<u64>) {
    if !crate::record::is_plain(at.record) {
        return (at.facts.to_vec(), vec![1; at.facts.len()]);
    }
    let (mut places, mut facts, mut times) = (HashMap::new(), Vec::new(), Vec::new());
    for fact in at.facts {
        let says = (fact.kind, &fact.provider, fact.environment, &fact.text, &fact.name);
        let place = *places.entry(says).or_insert(facts.len());
        if place == facts.len() {
            facts.push(fact.clone());
            times.push(0);
        }
        times[place] += 1;
    }
    (facts, times)
}

/// How many alerts the rate limit held back, by class.
fn limited_line(limited: &BTreeMap<&'static str, u64>, json: bool) -> Vec<u8> {
    let ts = clock::rfc3339(SystemTime::now());
    let row = |(class, count): (&&str, &u64)| if json { format!("\"{class}\":{count}") } else { format!("{count} {class}") };
    let rows: Vec<String> = limited.iter().map(row).collect();
    let text = if json {
        format!("{{\"type\":\"alerts-limited\",\"ts\":\"{ts}\",\"counts\":{{{}}}}}\n", rows.join(","))
    } else {
        format!("{ts} more alerts than can be written: {}\n", rows.join(", "))
    };
    text.into_bytes()
}
