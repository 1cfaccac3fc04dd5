//! What all streams of a run share: the rules, the settings, the counters, the alerts.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::clock;
use super::correlate;
use super::decide::Hit;
use super::desk::{Desk, First, Key, Say};
use super::eye::Eye;
use super::mask::{self, Mask};
use super::metrics::Counters;
use super::open::Heads;
use super::sink::Sink;
use crate::assess::{self, Outcome, Role, Subject};
use crate::credential::{Class, Credential, Environment, Evidence, FingerprintKey};
use crate::environment::declared::Declared;
use crate::environment::{Input, Run, Seen, Survey, path};
use crate::finding::{self, Excerpt, Finding, Kind, Location, Origin, Place, PlaceKind, Severity, Tracked};
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

    /// Says that a secret was seen, if that is worth saying.
    pub(super) fn alert(&mut self, hit: &Hit, at: At<'_>, all: &[Span]) {
        let Some(credential) = &hit.credential else { return };
        let Some(verdict) = judged(&self.eye, &self.settings.declared, credential, &at) else { return };
        self.counters.truncated += u64::from(hit.truncated);
        let row = (credential.class, verdict.severity, credential.environment);
        *self.counters.findings.entry(row).or_default() += 1;
        self.worst = self.worst.max(Some(verdict.severity));
        if self.sink.is_none() {
            return;
        }
        let print = self.settings.fingerprints.fingerprint(&credential.secret);
        let key: Key = (at.stream.to_owned(), credential.class, print);
        let redacted = self.settings.redact;
        let (eye, settings) = (Arc::clone(&self.eye), &self.settings);
        let first = || First {
            finding: Box::new(Case { eye: &eye, hit, credential, at: &at, all }.finding(verdict, settings)),
            label: hit.label.as_deref().map(str::to_owned),
            redacted,
            truncated: hit.truncated,
        };
        match self.desk.count(&key, Instant::now(), first) {
            Say::Now => self.say(&key),
            Say::Counted => self.counters.deduplicated += 1,
            Say::Limited => self.counters.limited += 1,
        }
    }

    fn say(&mut self, key: &Key) {
        let Some(line) = self.desk.get(key).map(|told| write(&self.eye, &self.settings, told)) else { return };
        self.put(line);
    }

    fn put(&mut self, line: Vec<u8>) {
        if let Some(sink) = &mut self.sink {
            self.counters.alerts += 1;
            sink.send(line);
        }
    }

    /// Says what is due: how often secrets were seen again, how many were not told.
    pub fn tick(&mut self, end: bool) {
        let now = Instant::now();
        let due: Vec<Vec<u8>> = self.desk.due(now, end).into_iter().map(|told| write(&self.eye, &self.settings, told)).collect();
        for line in due {
            self.put(line);
        }
        if let Some(limited) = self.desk.summary(now, end) {
            let line = limited_line(&limited, self.settings.json);
            self.put(line);
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

/// What a secret is here, how bad, and where here is.
struct Verdict {
    kind: Kind,
    severity: Severity,
    place: Place,
    because: Vec<Evidence>,
    remediation: String,
}

/// What a secret is in its record; nothing for what is no leak.
fn judged(eye: &Eye, declared: &Declared, credential: &Credential, at: &At<'_>) -> Option<Verdict> {
    if eye.rules().get(credential.rule.as_str()).is_none() {
        return Some(known_key(credential));
    }
    let here = [Credential { span: at.span, ..credential.clone() }];
    let run = Run { declared, rules: eye.rules() };
    let kind = Some(PlaceKind::Log);
    let input = Input { path: None, bytes: at.record, kind, around: path::Surroundings::default(), whole: true, banner: None };
    let seen = Seen { credentials: &here, facts: &[] };
    let judgement = assess::judge(&Survey::new(run, input), seen, eye.rules(), Tracked::Unknown);
    let outcome = judgement.outcomes.into_iter().find(|outcome| outcome.subject == Subject::Credential(0))?;
    let Outcome { kind, severity, place, because, remediation, .. } = outcome;
    Some(Verdict { kind, severity, place, because, remediation })
}

/// A key that only the team knows: no rule says anything of it.
fn known_key(credential: &Credential) -> Verdict {
    let pays_out = Role::of(credential.class, false) == Role::Payout;
    let (kind, severity) = match credential.environment {
        Environment::Sandbox if pays_out => (Kind::PayoutKeyInLog, Severity::High),
        _ if pays_out => (Kind::PayoutKeyInLog, Severity::Critical),
        Environment::Live => (Kind::LiveKeyInLog, Severity::Critical),
        Environment::Sandbox => (Kind::SandboxKeyInLog, Severity::Low),
        Environment::Unknown => (Kind::SecretInLog, Severity::High),
    };
    let (place, because) = (Place::unknown(PlaceKind::Log), credential.because.clone());
    Verdict { kind, severity, place, because, remediation: String::new() }
}

/// A secret and all that is known of it.
struct Case<'a> {
    eye: &'a Eye,
    hit: &'a Hit,
    credential: &'a Credential,
    at: &'a At<'a>,
    all: &'a [Span],
}

impl Case<'_> {
    fn finding(&self, verdict: Verdict, settings: &Settings) -> Finding {
        let Self { eye, hit, credential, at, all } = self;
        let rule = eye.rules().get(credential.rule.as_str());
        let title = rule.map_or_else(|| "known key".to_owned(), |rule| rule.title_for(credential.environment));
        let begin = Position { line: at.line + 1, column: at.column + 1 };
        let end = Position { line: begin.line, column: begin.column + at.span.len() as u64 };
        let begin = hit.began.map_or(begin, |mark| Position { line: mark.lines + 1, column: 1 });
        let offset = usize::try_from(hit.began.map_or(at.offset, |mark| mark.offset)).unwrap_or(usize::MAX);
        Finding {
            kind: verdict.kind,
            severity: verdict.severity,
            confidence: credential.confidence,
            rule: credential.rule.clone(),
            title,
            provider: credential.provider.clone(),
            candidates: credential.candidates.clone(),
            class: Some(credential.class),
            environment: credential.environment,
            moves_funds: credential.moves_funds,
            mask: finding::Mask::of(&credential.secret),
            fingerprint: settings.fingerprints.fingerprint(&credential.secret),
            location: Location {
                origin: Origin::Stdin((at.stream != "-").then(|| at.stream.into())),
                tracked: Tracked::Unknown,
                lines: Some((begin, end)),
                span: Span::new(offset, offset + at.span.len()),
            },
            view: credential.view,
            place: verdict.place,
            because: verdict.because.iter().take(6).map(|evidence| (evidence.clone(), Some(begin.line))).collect(),
            related: Vec::new(),
            correlation: correlate::correlation(at.record, all, at.span.start),
            excerpt: excerpt(at, credential, all),
            remediation: verdict.remediation,
        }
    }
}

/// The record around a secret, every secret in it masked.
fn excerpt(at: &At<'_>, credential: &Credential, all: &[Span]) -> Excerpt {
    let record = &at.record[..at.record.len() - line_end(at.record)];
    let mut shown = Span::new(at.span.start.saturating_sub(AROUND), (at.span.end + AROUND).min(record.len()));
    shown.start = shown.start.min(record.len());
    // Half of a secret is not shown.
    for other in all {
        if !other.overlaps(shown) || *other == at.span {
            continue;
        }
        if other.start < shown.start {
            shown.start = other.end.min(at.span.start);
        }
        if other.end > shown.end {
            shown.end = other.start.max(at.span.end);
        }
    }
    let masks = all.iter().filter(|other| other.start >= shown.start && other.end <= shown.end && !other.is_empty());
    let masks = masks.map(|other| {
        let mask = if *other == at.span {
            finding::Mask::of(&credential.secret)
        } else {
            finding::Mask { prefix: String::new(), length: other.len() }
        };
        (Span::new(other.start - shown.start, other.end - shown.start), mask)
    });
    let masks: Vec<_> = masks.collect();
    let focus = masks.iter().position(|(span, _)| span.start + shown.start == at.span.start).unwrap_or(usize::MAX);
    if shown.end < shown.start {
        return Excerpt::new(b"", Vec::new(), usize::MAX);
    }
    Excerpt::new(&record[shown.range()], masks, focus)
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

/// How many alerts the rate limit held back, by class.
fn limited_line(limited: &BTreeMap<Class, u64>, json: bool) -> Vec<u8> {
    let ts = clock::rfc3339(SystemTime::now());
    let row = |(class, count): (&Class, &u64)| if json { format!("\"{class}\":{count}") } else { format!("{count} {class}") };
    let rows: Vec<String> = limited.iter().map(row).collect();
    let text = if json {
        format!("{{\"type\":\"alerts-limited\",\"ts\":\"{ts}\",\"counts\":{{{}}}}}\n", rows.join(","))
    } else {
        format!("{ts} more alerts than can be written: {}\n", rows.join(", "))
    };
    text.into_bytes()
}
