//! One file or window: every sighting in its place, judged.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::relations;
use super::shared::{Exposed, Side};
use super::table::{Adjust, Case, Role, Row, base_kind};
use crate::credential::{Class, Confidence, Credential, Environment, Evidence, Provider, RuleId};
use crate::environment::{Index, Reading, Seen, Situation, Source, Survey};
use crate::finding::{Fact, FactKind, Kind, Place, PlaceKind, Severity, Stage, Tracked, Trust};
use crate::rule::{Rule, RuleSet};
use crate::span::Span;

/// What an outcome is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The credential of that number.
    Credential(usize),
    /// The fact of that number.
    Fact(usize),
    /// A name at a place.
    Name(String, Span),
}

/// What something in its place is, and how bad.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What it is about.
    pub subject: Subject,
    /// What it is.
    pub kind: Kind,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// What was found, in words.
    pub title: Arc<str>,
    /// Whose it is.
    pub provider: Option<Provider>,
    /// What it opens.
    pub class: Option<Class>,
    /// Which money it touches.
    pub environment: Environment,
    /// Where it is.
    pub place: Place,
    /// What says so.
    pub because: Vec<Evidence>,
    /// What else it is about, in the same file.
    pub related: Vec<(Span, String)>,
    /// What to do.
    pub remediation: Arc<str>,
}

/// Something that may be shared with other places: [`shared_outcome`] says what it would be, on the live
/// side or as the standard key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// How it is shared.
    pub as_what: Exposed,
    /// The side that it stands on.
    pub side: Option<Side>,
    /// What it is about: a credential of [`Judgement::sites`], or a fact.
    pub subject: Subject,
    /// What it would be.
    pub kind: Kind,
}

/// A credential in its place, for the counts and the inventory.
#[derive(Clone, Debug)]
pub struct Site {
    /// The number of the credential.
    pub credential: usize,
    /// What is known of it.
    pub reading: Reading,
    /// What is known of its place.
    pub situation: Rc<Situation>,
}

/// Everything that follows from a file.
#[derive(Debug, Default)]
pub struct Judgement {
    /// Findings.
    pub outcomes: Vec<Outcome>,
    /// What may be shared with other places.
    pub traces: Vec<Trace>,
    /// Every credential that is no public one.
    pub sites: Vec<Site>,
    /// Names of variables whose secret value was seen exposed.
    pub exposed: Vec<String>,
}

/// As many texts as are kept; of more rules in one file some are made again.
const TEXTS: usize = 64;

/// A text that is made once for all findings that it stands in.
type Texts<K> = RefCell<Vec<(K, Arc<str>)>>;

/// The text of a key, made if it is not yet there.
fn text_of<K: PartialEq>(texts: &Texts<K>, key: K, make: impl FnOnce() -> String) -> Arc<str> {
    if let Some((_, text)) = texts.borrow().iter().rev().find(|(known, _)| *known == key) {
        return Arc::clone(text);
    }
    let text: Arc<str> = make().into();
    let mut texts = texts.borrow_mut();
    if texts.len() < TEXTS {
        texts.push((key, Arc::clone(&text)));
    }
    text
}

/// What the findings of a file have in common. A rule is one and the same object for all of its
/// credentials, and known by its address.
#[derive(Debug, Default)]
pub(super) struct Desk {
    titles: Texts<(*const Rule, Environment)>,
    remedies: Texts<(Kind, *const Rule)>,
}

/// What is judged, and with what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bench<'a, 's> {
    desk: &'a Desk,
    pub(super) survey: &'a Survey<'s>,
    pub(super) seen: Seen<'a>,
    pub(super) rules: &'a RuleSet,
    pub(super) tracked: Tracked,
}

/// A credential with everything that is known of it.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) number: usize,
    pub(super) credential: &'a Credential,
    pub(super) rule: &'a Rule,
    pub(super) role: Role,
    pub(super) reading: Cow<'a, Reading>,
    pub(super) situation: Rc<Situation>,
    pub(super) row: Option<Row>,
}

/// Judges what was seen in a file or a window. `credentials` and `facts` of `seen` are in order.
pub fn judge(survey: &Survey<'_>, seen: Seen<'_>, rules: &RuleSet, tracked: Tracked) -> Judgement {
    let bench = Bench { desk: &Desk::default(), survey, seen, rules, tracked };
    let mut judgement = Judgement::default();
    let index = Index::new(survey, seen);
    let mut known: Vec<Known<'_>> = (0..seen.credentials.len()).filter_map(|number| bench.known(number, &index)).collect();
    for known in &mut known {
        bench.locate(known, &mut judgement);
    }
    fold_vectors(&known, &mut judgement.outcomes);
    relations::within(bench, &known, &mut judgement);
    for known in known {
        if !known.credential.class.is_public() {
            let reading = known.reading.into_owned();
            judgement.sites.push(Site { credential: known.number, reading, situation: known.situation });
        }
    }
    judgement
}

/// What something is if it is shared with other places. Few things are, so nobody says it before.
pub fn shared_outcome(
    survey: &Survey<'_>,
    seen: Seen<'_>,
    rules: &RuleSet,
    (judgement, trace): (&Judgement, &Trace),
) -> Option<Outcome> {
    let bench = Bench { desk: &Desk::default(), survey, seen, rules, tracked: Tracked::Unknown };
    match trace.subject {
        Subject::Credential(number) => {
            let at = judgement.sites.binary_search_by_key(&number, |site| site.credential).ok()?;
            let site = &judgement.sites[at];
            let (reading, situation) = (Cow::Borrowed(&site.reading), Rc::clone(&site.situation));
            let known = bench.with(number, reading, situation)?;
            Some(bench.outcome(&known, (trace.kind, Severity::High), site.situation.place.clone()))
        }
        Subject::Fact(number) => {
            let situation = survey.situation(seen.facts[number].span);
            Some(bench.about(number, (trace.kind, Severity::Medium), &situation.place))
        }
        Subject::Name(..) => None,
    }
}

/// As many values of one general rule in a test or a document are a table of test vectors.
const VECTORS: usize = 8;

/// A table of test vectors is one finding, which says how many there are: all values of general rules in it, what the
/// keys agree on with the keys.
fn fold_vectors(known: &[Known<'_>], outcomes: &mut Vec<Outcome>) {
    let rule_of = |outcome: &Outcome| {
        let Subject::Credential(number) = outcome.subject else { return None };
        let rule = known.get(known.binary_search_by_key(&number, |known| known.number).ok()?)?.rule;
        let is_shown = matches!(outcome.place.kind, PlaceKind::Test | PlaceKind::Doc | PlaceKind::Template);
        (is_shown && rule.provider.is_general() && outcome.kind == Kind::HardcodedSecret).then(|| rule.id.clone())
    };
    let mut counts: BTreeMap<RuleId, usize> = BTreeMap::new();
    let rules: Vec<Option<RuleId>> = outcomes.iter().map(rule_of).collect();
    for rule in rules.iter().flatten() {
        *counts.entry(rule.clone()).or_default() += 1;
    }
    if counts.values().all(|&count| count <= VECTORS) {
        return;
    }
    let mut count: usize = counts.values().sum();
    let mut rules = rules.into_iter();
    outcomes.retain_mut(|outcome| {
        if rules.next().flatten().is_none() {
            return true;
        }
        let first = count > 0;
        if first {
            let fact = format!("the first of {count} such values in this file, which look like test vectors");
            outcome.because.push(Evidence { fact, weight: None, span: None });
        }
        count = 0;
        first
    });
}

impl<'a, 's> Bench<'a, 's> {
    /// What is judged, and with what.
    pub(super) const fn new(
        desk: &'a Desk,
        survey: &'a Survey<'s>,
        seen: Seen<'a>,
        rules: &'a RuleSet,
        tracked: Tracked,
    ) -> Self {
        Self { desk, survey, seen, rules, tracked }
    }

    pub(super) fn known(self, number: usize, index: &Index<'_>) -> Option<Known<'a>> {
        let reading = Cow::Owned(self.survey.reading(number, index));
        self.with(number, reading, self.survey.situation(self.seen.credentials[number].span))
    }

    fn with(self, number: usize, reading: Cow<'a, Reading>, situation: Rc<Situation>) -> Option<Known<'a>> {
        let credential = &self.seen.credentials[number];
        let rule = self.rules.get(credential.rule.as_str())?;
        let role = Role::of(credential.class, reading.payout_slot);
        Some(Known { number, credential, rule, role, reading, situation, row: None })
    }

    /// The row of the table, or the kind for what has none.
    fn locate(self, known: &mut Known<'_>, judgement: &mut Judgement) {
        let case = self.case(known);
        known.row = case.row();
        let taken_over = if matches!(known.row, None | Some(Row::D24)) { self.inherited(known, case) } else { None };
        if let Some((row, outcome)) = taken_over {
            known.row = Some(row);
            judgement.outcomes.push(outcome);
        } else if let Some(row) = known.row {
            let outcome = self.of_row(known, case, row);
            if matches!(row, Row::D01 | Row::D02) {
                judgement.exposed.extend(known.reading.slot.clone());
            }
            judgement.outcomes.push(outcome);
        } else if let Some((kind, severity)) =
            base_kind(known.credential, known.reading.environment, known.rule, known.situation.place.kind, self.tracked)
        {
            let severity = severity.min(known.rule.ceiling.unwrap_or(Severity::Critical));
            judgement.outcomes.push(self.outcome(known, (kind, severity), known.situation.place.clone()));
        }
    }

    pub(super) fn case(self, known: &Known<'_>) -> Case {
        let place = &known.situation.place;
        Case {
            role: known.role,
            environment: known.reading.environment,
            assumed: known.reading.source <= Source::Place,
            stage: place.environment,
            kind: place.kind,
            tracked: self.tracked,
            form: known.reading.form,
            parked: known.reading.parked,
            public_slot: known.reading.public_slot,
        }
    }

    fn of_row(self, known: &Known<'_>, case: Case, row: Row) -> Outcome {
        let place = &known.situation.place;
        let test_mode =
            known.reading.witness(Source::Flag).filter(|flag| flag.environment == Environment::Sandbox && row == Row::D30);
        let more = Adjust {
            moves_funds: known.credential.moves_funds,
            weak_place: place.confidence == Trust::Weak,
            test_mode: test_mode.is_some(),
        };
        let severity = case.severity(row, more).min(known.rule.ceiling.unwrap_or(Severity::Critical));
        let mut outcome = self.outcome(known, (row.kind(), severity), place.clone());
        if row.needs_place() {
            outcome.confidence = weaker(outcome.confidence, place.confidence);
        }
        if let Some(flag) = test_mode {
            let fact = format!("deliberate test mode: {}", flag.evidence.fact);
            outcome.because.push(Evidence { fact, ..flag.evidence.clone() });
        }
        outcome
    }

    /// A sandbox credential that a production block takes over by an alias, or a live one that a lower block does.
    fn inherited(self, known: &Known<'_>, case: Case) -> Option<(Row, Outcome)> {
        if known.reading.environment == Environment::Unknown {
            return None;
        }
        self.survey.heirs(known.credential.span).into_iter().find_map(|heir| {
            let situation = self.survey.situation(heir);
            let case = Case { stage: situation.place.environment, ..case };
            let row = case.row().filter(|row| matches!(row, Row::D23 | Row::D30))?;
            let more = Adjust { weak_place: situation.place.confidence == Trust::Weak, ..Adjust::default() };
            let mut outcome = self.outcome(known, (row.kind(), case.severity(row, more)), situation.place.clone());
            outcome.confidence = weaker(outcome.confidence, situation.place.confidence);
            outcome.related.push((heir, "takes it over by an alias".to_owned()));
            Some((row, outcome))
        })
    }

    /// A finding about a credential.
    pub(super) fn outcome(self, known: &Known<'_>, (kind, severity): (Kind, Severity), place: Place) -> Outcome {
        let credential = known.credential;
        let class = if known.role == Role::Payout && !credential.class.pays_out() { Class::PayoutKey } else { credential.class };
        let mut because: Vec<Evidence> =
            credential.because.iter().filter(|fact| fact.weight.is_none_or(|weight| weight == 100)).cloned().collect();
        for witness in known
            .reading
            .witnesses
            .iter()
            .filter(|witness| witness.source == known.reading.source && witness.source != Source::Value)
        {
            // What names the slot and what it says are one fact.
            because.retain(|fact| fact.span.is_none() || fact.span != witness.evidence.span || fact.weight == Some(100));
            because.push(witness.evidence.clone());
        }
        because.extend(place.because.iter().cloned());
        Outcome {
            subject: Subject::Credential(known.number),
            kind,
            severity,
            confidence: credential.confidence,
            title: self.title_of(known.rule, known.reading.environment),
            provider: credential.provider.clone(),
            class: Some(class),
            environment: known.reading.environment,
            place,
            because,
            related: Vec::new(),
            remediation: text_of(&self.desk.remedies, (kind, std::ptr::from_ref(known.rule)), || remediation(kind, known.rule)),
        }
    }

    /// What a credential of a rule is called.
    pub(super) fn title_of(self, rule: &Rule, environment: Environment) -> Arc<str> {
        text_of(&self.desk.titles, (std::ptr::from_ref(rule), environment), || rule.title_for(environment))
    }

    /// What to do about what is no credential.
    pub(super) fn remedy_of(self, kind: Kind) -> Arc<str> {
        let make = || format!("{} {}", kind.consequence(), kind.remedy()).trim().to_owned();
        text_of(&self.desk.remedies, (kind, std::ptr::null()), make)
    }

    /// A finding about a fact.
    pub(super) fn about(self, number: usize, (kind, severity): (Kind, Severity), place: &Place) -> Outcome {
        let fact = &self.seen.facts[number];
        Outcome {
            subject: Subject::Fact(number),
            kind,
            severity,
            confidence: Confidence::Strong,
            title: self.title(fact).into(),
            provider: fact.provider.clone(),
            class: None,
            environment: fact.environment,
            place: place.clone(),
            because: place.because.to_vec(),
            related: Vec::new(),
            remediation: self.remedy_of(kind),
        }
    }

    fn title(self, fact: &Fact) -> String {
        let provider = fact.provider.as_ref().and_then(|id| self.rules.provider(id.as_str()));
        let (owner, blank) = provider.map_or(("", ""), |provider| (&*provider.name, " "));
        let side = match fact.environment {
            Environment::Unknown => "",
            Environment::Live => "live ",
            Environment::Sandbox => "sandbox ",
        };
        match fact.kind {
            FactKind::TestCard => format!("published test card {}", fact.text),
            FactKind::Event => format!("{owner}{blank}event with {}", fact.text),
            FactKind::SandboxPath => format!("{owner}{blank}sandbox-only path {}", fact.text),
            FactKind::WebhookUrl => format!("{owner}{blank}webhook URL"),
            FactKind::PublicName => format!("{} is named like a secret and published", fact.text),
            kind => [owner, blank, side, kind.name(), " ", &fact.text].concat(),
        }
    }
}

/// The weaker of recognition and place.
pub(super) fn weaker(recognition: Confidence, place: Trust) -> Confidence {
    if place >= Trust::Strong { recognition } else { Confidence::Weak }
}

/// What follows, what to do, and how to rotate what is out.
fn remediation(kind: Kind, rule: &Rule) -> String {
    let rotates = !matches!(
        kind,
        Kind::SandboxKeyInProduction
            | Kind::LiveKeyWithSandboxHost
            | Kind::SandboxKeyWithLiveHost
            | Kind::NetworkEnvironmentMismatch
            | Kind::MixedEnvironmentsInFile
            | Kind::SandboxKeyInProductionLog
    );
    let own = if rotates { rule.remediation.as_str() } else { "" };
    [kind.consequence(), kind.remedy(), own].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether a place of this kind holds examples and tests, whose facts say nothing of what runs.
pub(super) const fn is_muted(kind: PlaceKind) -> bool {
    matches!(kind, PlaceKind::Test | PlaceKind::Doc | PlaceKind::Template | PlaceKind::Rules | PlaceKind::Ciphertext)
}

/// The side of a credential: what it says itself, else where it stands.
pub(super) fn side_of(known: &Known<'_>) -> Option<Side> {
    match (known.reading.environment, known.reading.source > Source::Network) {
        (Environment::Live, true) => Some(Side::Live),
        (Environment::Sandbox, true) => Some(Side::Sandbox),
        _ => side_of_place(known.situation.place.environment),
    }
}

/// The side of a place; an unknown one is on none.
pub(super) const fn side_of_place(stage: Stage) -> Option<Side> {
    match stage {
        Stage::Production => Some(Side::Live),
        Stage::Unknown => None,
        _ => Some(Side::Sandbox),
    }
}
