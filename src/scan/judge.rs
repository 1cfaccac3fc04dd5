//! From sightings to findings: asks where each is, what that means, and shows the lines.

use std::sync::Arc;

use super::{Input, Job, Look, REACH, Window, excerpt_of, line_around};
use crate::assess::{self, Exposed, Outcome, Shared, Side, Subject};
use crate::credential::{Credential, Environment, Evidence, RuleId, Secret, View};
use crate::environment::{self, Run, Seen, Survey, declared::Declared};
use crate::finding::{
    Correlation, Exception, ExceptionBy, Fact, FactKind, Finding, Location, Mask, Place, PlaceKind, Related, Tracked, Trust,
};
use crate::policy::Policy;
use crate::record::Meaning;
use crate::source::Folders;
use crate::span::Span;

/// What a team has said, and what is known of folders.
#[derive(Debug, Default)]
pub struct Context {
    /// Facts about places.
    pub declared: Declared,
    /// What is reported and what is allowed.
    pub policy: Policy,
    /// What stands around files.
    pub folders: Folders,
    /// Whether what stands outside of a work tree counts as committed; unknown if nobody says.
    pub tracked: Option<bool>,
}

/// Something that may be shared with another place, as a finding that it would be.
pub(super) enum Note {
    /// A value on a side.
    Value(Exposed, Option<Side>, Finding),
    /// The name of a variable that is published.
    Name(String, Finding),
    /// The name of a variable whose secret value is published.
    Exposed(String),
}

impl Note {
    pub(super) fn finding(&mut self) -> Option<&mut Finding> {
        match self {
            Self::Value(_, _, finding) | Self::Name(_, finding) => Some(finding),
            Self::Exposed(_) => None,
        }
    }

    /// Tells what all files have in common.
    pub(super) fn tell(self, shared: &mut Shared) {
        match self {
            Self::Value(as_what, side, finding) => shared.note(finding.fingerprint, &as_what, side, finding),
            Self::Name(name, finding) => shared.name(name, finding),
            Self::Exposed(name) => shared.expose([name]),
        }
    }
}

/// What was seen in a window, and what must be masked in it.
pub(super) struct Seeing<'a> {
    pub(super) seen: Seen<'a>,
    masks: Vec<(Span, Mask)>,
}

impl<'a> Seeing<'a> {
    pub(super) fn new(credentials: &'a [Credential], facts: &'a [Fact]) -> Self {
        let mut masks: Vec<(Span, Mask)> =
            credentials.iter().map(|credential| (credential.span, Mask::of(&credential.secret))).collect();
        // Test cards move nothing, and a card number is never shown whole.
        let cards = facts.iter().filter(|fact| fact.kind == FactKind::TestCard);
        let apart = |fact: &&Fact| !credentials.iter().any(|credential| credential.span.overlaps(fact.span));
        masks.extend(cards.filter(apart).map(|fact| (fact.span, Mask::plain(&fact.text))));
        masks.sort_by_key(|(span, _)| *span);
        Self { seen: Seen { credentials, facts }, masks }
    }

    /// What must be masked.
    pub(super) fn masks(&self) -> &[(Span, Mask)] {
        &self.masks
    }
}

impl Job<'_> {
    /// Judges everything that begins in the core of a window.
    pub(super) fn judge(&mut self, input: &Input, window: &Window<'_>, seeing: &Seeing<'_>) {
        let Look { kind, bundler, .. } = window.look;
        let seen = !seeing.seen.credentials.is_empty() || !seeing.seen.facts.is_empty();
        let wanted = seen || bundler || self.stock.is_some();
        // Most files hold nothing to be judged, and need not be surveyed.
        if !wanted && kind != PlaceKind::Log {
            return;
        }
        let context = Arc::clone(&self.settings.context);
        let scanner = self.scanner;
        let told = matches!(kind, PlaceKind::Log | PlaceKind::Rules | PlaceKind::Ciphertext);
        let kind = self.settings.place.or(told.then_some(kind));
        let around = input.path.as_deref().map(|path| context.folders.around(path)).unwrap_or_default();
        let run = Run { declared: &context.declared, rules: scanner.rules() };
        let whole = window.offset == 0 && window.core == (0..window.bytes.len());
        let survey = Survey::new(
            run,
            environment::Input { path: input.path.as_deref(), bytes: window.bytes, kind, around, whole, banner: self.banner },
        );
        if wanted {
            self.take_stock(input, window, seeing, &survey);
            let tracked = self.tracked(input);
            let mut judgement = assess::judge(&survey, seeing.seen, scanner.rules(), tracked);
            self.count_sites(window, seeing, &judgement);
            let mut outcomes = std::mem::take(&mut judgement.outcomes);
            outcomes.sort_by_key(|outcome| (subject_span(&outcome.subject, seeing), outcome.kind));
            for outcome in outcomes {
                let span = subject_span(&outcome.subject, seeing);
                if !window.core.contains(&span.start) {
                    continue;
                }
                let name = if let Subject::Name(name, _) = &outcome.subject { Some(name.clone()) } else { None };
                let finding = self.finding(input, window, seeing, (outcome, &survey));
                if let Some(exception) = self.inline_allow(input, &finding, span, window) {
                    self.set_aside(finding, exception);
                    continue;
                }
                match name {
                    Some(name) => self.notes.push(Note::Name(name, finding)),
                    None => self.push(finding),
                }
            }
            for trace in &judgement.traces {
                let span = subject_span(&trace.subject, seeing);
                if !window.core.contains(&span.start) {
                    continue;
                }
                let shared = assess::shared_outcome(&survey, seeing.seen, scanner.rules(), (&judgement, trace));
                let Some(outcome) = shared else { continue };
                let finding = self.finding(input, window, seeing, (outcome, &survey));
                if self.inline_allow(input, &finding, span, window).is_none() {
                    self.notes.push(Note::Value(trace.as_what.clone(), trace.side, finding));
                }
            }
            self.notes.extend(judgement.exposed.into_iter().map(Note::Exposed));
        }
        if window.look.kind == PlaceKind::Log {
            // What the next window does not see itself.
            self.banner = survey.banner_before(window.core.end.saturating_sub(REACH));
        }
    }

    /// Whether git tracks an input, as the user wants it to be judged.
    pub(super) fn tracked(&self, input: &Input) -> Tracked {
        match (input.tracked, self.settings.context.tracked) {
            (Tracked::Unknown, Some(true)) => Tracked::Yes,
            (Tracked::Unknown, Some(false)) => Tracked::No,
            (tracked, _) => tracked,
        }
    }

    fn count_sites(&mut self, window: &Window<'_>, seeing: &Seeing<'_>, judgement: &assess::Judgement) {
        for site in judgement.sites.iter().filter(|_| self.settings.context.policy.report_unresolved) {
            let credential = &seeing.seen.credentials[site.credential];
            if !window.core.contains(&credential.span.start) {
                continue;
            }
            let counter = match () {
                () if site.reading.environment == Environment::Unknown => &mut self.ledger.credential_unknown,
                () if site.situation.answer.conflict.is_some() && !site.situation.is_known() => &mut self.ledger.conflicting,
                () if site.situation.place.confidence == Trust::None => &mut self.ledger.place_unknown,
                () => &mut self.ledger.resolved,
            };
            *counter += 1;
        }
    }

    /// Reports a finding, unless a decision of the team says otherwise or it was just reported.
    pub(super) fn push(&mut self, finding: Finding) {
        let context = &self.settings.context;
        if context.policy.is_off(&finding) {
            self.ledger.suppressed += 1;
            return;
        }
        let path = finding.location.origin.to_string();
        let path = context.declared.relative(std::path::Path::new(&path));
        if let Some(allow) = context.policy.allows(&finding, &path, self.settings.today) {
            let exception = Exception { by: ExceptionBy::Config, reason: allow.reason.clone() };
            self.set_aside(finding, exception);
            return;
        }
        let line = |finding: &Finding| finding.location.lines.map(|(start, _)| start.line);
        let mut before = self
            .findings
            .iter()
            .rev()
            .take_while(|other| other.location.origin == finding.location.origin && line(other) == line(&finding));
        if !before
            .any(|other| other.kind == finding.kind && other.rule == finding.rule && other.fingerprint == finding.fingerprint)
        {
            self.findings.push(finding);
        }
    }

    pub(super) fn finding(
        &self,
        input: &Input,
        window: &Window<'_>,
        seeing: &Seeing<'_>,
        (outcome, survey): (Outcome, &Survey<'_>),
    ) -> Finding {
        let span = subject_span(&outcome.subject, seeing);
        let credential = match outcome.subject {
            Subject::Credential(number) => Some(&seeing.seen.credentials[number]),
            _ => None,
        };
        let (mask, fingerprint) = match (credential, &outcome.subject) {
            (Some(credential), _) => (Mask::of(&credential.secret), self.settings.fingerprints.fingerprint(&credential.secret)),
            (None, subject) => {
                let text = fact_text(subject, seeing);
                let said = Secret::new(format!("{}\0{text}", outcome.kind.id()).as_bytes(), 0);
                (Mask::plain(text), self.settings.fingerprints.fingerprint(&said))
            }
        };
        let line = |at: usize| window.position(at);
        let mut because: Vec<(Evidence, Option<u64>)> = Vec::new();
        for evidence in outcome.because {
            let at = evidence.span.map(|span| line(span.start).line);
            if !because.iter().any(|(other, _)| *other == evidence) {
                because.push((evidence, at));
            }
        }
        let related = outcome.related.into_iter().map(|(span, why)| Related {
            origin: input.origin.clone(),
            line: Some(line(span.start).line),
            why,
        });
        Finding {
            kind: outcome.kind,
            severity: outcome.severity,
            confidence: outcome.confidence,
            rule: credential.map_or_else(|| RuleId::from(outcome.kind.id()), |credential| credential.rule.clone()),
            title: outcome.title.to_string(),
            provider: outcome.provider,
            candidates: credential.map_or(Vec::new(), |credential| credential.candidates.clone()),
            class: outcome.class,
            environment: outcome.environment,
            moves_funds: credential.is_some_and(|credential| credential.moves_funds),
            excerpt: excerpt_of(window.bytes, (span, &mask), &seeing.masks),
            mask,
            fingerprint,
            related: related.collect(),
            location: Location {
                origin: input.origin.clone(),
                tracked: input.tracked,
                lines: Some((line(span.start), line(span.end))),
                span: span.shifted(window.offset),
            },
            view: credential.map_or(View::Plain, |credential| credential.view),
            place: outcome.place,
            because,
            correlation: correlation(survey, span),
            remediation: outcome.remediation.to_string(),
        }
    }

    /// A credential in the name of a file. A name has no place of its own.
    pub(super) fn judge_name(&mut self, input: &Input, name: &[u8], credential: &Credential) {
        let Some(rule) = self.scanner.rules().get(credential.rule.as_str()).map(Arc::clone) else { return };
        match credential.environment {
            _ if credential.class.is_public() => {}
            Environment::Unknown => self.ledger.credential_unknown += 1,
            _ => self.ledger.place_unknown += 1,
        }
        let base = assess::base_kind(credential, credential.environment, &rule, PlaceKind::Source, input.tracked);
        let Some((kind, severity)) = base else { return };
        let mask = Mask::of(&credential.secret);
        let masks = [(credential.span, mask.clone())];
        self.push(Finding {
            kind,
            severity: severity.min(rule.ceiling.unwrap_or(severity)),
            confidence: credential.confidence,
            rule: credential.rule.clone(),
            title: rule.title_for(credential.environment),
            provider: credential.provider.clone(),
            candidates: credential.candidates.clone(),
            class: Some(credential.class),
            environment: credential.environment,
            moves_funds: credential.moves_funds,
            excerpt: excerpt_of(name, (credential.span, &mask), &masks),
            mask,
            fingerprint: self.settings.fingerprints.fingerprint(&credential.secret),
            location: Location { origin: input.origin.clone(), tracked: input.tracked, lines: None, span: credential.span },
            view: credential.view,
            place: Place::unknown(PlaceKind::Source),
            because: credential.because.iter().map(|evidence| (evidence.clone(), None)).collect(),
            related: Vec::new(),
            correlation: Correlation::default(),
            remediation: rule.remediation.to_string(),
        });
    }
}

/// The text of what is no credential.
fn fact_text<'t>(subject: &'t Subject, seeing: &'t Seeing<'_>) -> &'t str {
    match subject {
        Subject::Name(name, _) => name,
        Subject::Fact(number) => &seeing.seen.facts[*number].text,
        Subject::Credential(_) => "",
    }
}

fn subject_span(subject: &Subject, seeing: &Seeing<'_>) -> Span {
    match subject {
        Subject::Credential(number) => seeing.seen.credentials[*number].span,
        Subject::Fact(number) => seeing.seen.facts[*number].span,
        Subject::Name(_, span) => *span,
    }
}

/// What ties a record to others.
fn correlation(survey: &Survey<'_>, span: Span) -> Correlation {
    if survey.kind() != PlaceKind::Log {
        return Correlation::default();
    }
    let fields = survey.fields(span);
    let first = |meaning: Meaning| fields.iter().find(|field| field.meaning == meaning).map(|field| field.value.clone());
    Correlation {
        request_id: first(Meaning::Request),
        trace_id: first(Meaning::Trace),
        service: first(Meaning::Service),
        time: first(Meaning::Time),
    }
}

/// Whether an allow on the line of a finding may count: who writes a log could write it.
pub(super) fn may_allow(window: &Window<'_>, input: &Input) -> bool {
    window.look.kind != PlaceKind::Log && !input.live
}

/// The line of a finding and the one above it, as far as allows are looked for.
pub(super) fn allow_lines<'w>(window: &Window<'w>, span: Span, reach: usize) -> (&'w [u8], &'w [u8]) {
    let line = line_around(window.bytes, span, reach);
    let end = line.start.saturating_sub(1);
    let is_end = line.start > 0 && window.bytes[end] == b'\n';
    let above = if is_end { line_around(window.bytes, Span::new(end, end), reach) } else { Span::new(0, 0) };
    (&window.bytes[line.range()], &window.bytes[above.start..end.max(above.start)])
}
