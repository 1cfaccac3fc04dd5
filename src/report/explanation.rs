//! Why a place is where it is, for a person and for a program.

use anstyle::Style;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::Options;
use super::jsonl::PlacePart;
use super::layout::{Cell, Sheet};
use super::redact::{Room, masked};
use super::terminal::{DOUBT, FAINT, GOOD, STRONG, style};
use crate::credential::{Class, Confidence, Environment};
use crate::environment::Form;
use crate::environment::explanation::{Account, Explanation, Fate, ToldClue, ToldWitness, Verdict};
use crate::finding::{PlaceKind, Severity, Stage, Tracked, Trust};

/// More credentials than this are only counted, where nobody asked for a line.
const LISTED: usize = 40;

/// An explanation for a person.
pub fn explanation_text(explanation: &Explanation, options: &Options<'_>) -> String {
    let mut page = Page { options: *options, sheet: Sheet::new(options.width) };
    page.place(explanation);
    page.evidence(explanation);
    page.aside(explanation);
    match explanation.line {
        Some(line) => page.line(explanation, line),
        None => page.credentials(explanation),
    }
    page.sheet.finish()
}

/// An explanation as a line of JSON.
pub fn explanation_line(explanation: &Explanation, options: &Options<'_>) -> String {
    let line = Whole::new(explanation, options);
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}

struct Page<'a> {
    options: Options<'a>,
    sheet: Sheet,
}

impl Page<'_> {
    fn text(&self, text: &str) -> String {
        self.options.redactor.prose(text)
    }

    fn place(&mut self, explanation: &Explanation) {
        let path = self.options.redactor.text(&explanation.origin.to_string());
        let line = explanation.line.map_or(String::new(), |line| format!(":{line}"));
        self.sheet.line(&format!("{STRONG}{path}{STRONG:#}{FAINT}{line}{FAINT:#}\n"));
        let place = &explanation.place;
        let colour = colour_of(place.environment);
        let how = match place.confidence {
            Trust::None => String::new(),
            trust => format!(", {}", trust.name()),
        };
        let stage = place.environment;
        self.sheet.say("place", &format!("{colour}{stage}{colour:#}{how}"));
        if let (Some((one, other)), false) = (&explanation.conflict, explanation.is_known()) {
            let (one, other) = (self.text(one), self.text(other));
            self.sheet.say("", &format!("{one} and {other} contradict each other"));
        }
        self.sheet.say("kind", &format!("{}: {}", place.kind.name(), Explanation::meaning(place.kind)));
        self.sheet.say("git", tracked(explanation.tracked));
        let runs = !matches!(place.kind, PlaceKind::Test | PlaceKind::Doc | PlaceKind::Template | PlaceKind::Log);
        if !explanation.is_known() && runs {
            let glob = self.text(&explanation.path);
            self.sheet.say("declare", &format!("[[environment.place]] glob = \"{glob}\" env = \"…\""));
        }
    }

    fn evidence(&mut self, explanation: &Explanation) {
        if explanation.scopes.is_empty() {
            self.sheet.heading("Evidence", "none: no name, block, record or declaration says");
            return;
        }
        self.sheet.heading("Evidence", "inside out: the first scope with an opinion decides");
        for scope in &explanation.scopes {
            let name = self.text(&scope.name);
            let level = scope.level.name();
            let name = if name.starts_with(level) { name } else { format!("{level}: {name}") };
            self.sheet.line(&format!("  {name}"));
            for clue in &scope.clues {
                self.clue(clue);
            }
        }
    }

    fn clue(&mut self, clue: &ToldClue) {
        let weight = clue.weight.map_or("said".to_owned(), |weight| format!("{weight:>4}"));
        let line = clue.line.map_or(String::new(), |line| format!(" (line\u{a0}{line})"));
        let fact = format!("{}{line}", self.text(&clue.fact));
        let row = Row { id: clue.id, side: clue.stage.name(), colour: colour_of(clue.stage), weight: &weight };
        self.told(row, &fact, (clue.fate == Fate::Decides, clue.fate.name()));
    }

    /// A piece of evidence: what it says, where, and what became of it.
    fn told(&mut self, row: Row<'_>, fact: &str, (decides, fate): (bool, &str)) {
        let faded = if decides { Style::new() } else { FAINT };
        let mark = if decides { "→" } else { "" };
        let side = if decides { row.colour.bold() } else { faded };
        let cells = [
            Cell::styled(mark, 1, GOOD),
            Cell::styled(row.id, 3, faded),
            Cell::styled(row.side, 10, side),
            Cell::styled(row.weight, 4, faded),
        ];
        let cells_width = 2 + cells.iter().map(|cell| cell.width + 2).sum::<usize>();
        let room = self.sheet.width().saturating_sub(cells_width + 14).max(20);
        let mut lines = super::layout::wrap(fact, room).into_iter();
        let first = lines.next().unwrap_or_default();
        let pad = " ".repeat(room.saturating_sub(first.width()) + 2);
        let mut line = " ".repeat(2);
        for cell in cells {
            let (style, text) = (cell.style, cell.text);
            let pad = " ".repeat(cell.width.saturating_sub(text.width()) + 2);
            line = format!("{line}{style}{text}{style:#}{pad}");
        }
        self.sheet.line(&format!("{line}{faded}{first}{faded:#}{pad}{faded}{fate}{faded:#}"));
        for more in lines {
            self.sheet.line(&format!("{:cells_width$}{faded}{more}{faded:#}", ""));
        }
    }

    fn aside(&mut self, explanation: &Explanation) {
        if explanation.aside.is_empty() {
            return;
        }
        self.sheet.heading("Set aside", "");
        for aside in &explanation.aside {
            let cells = [Cell::plain("", 1), Cell::styled(aside.id, 3, FAINT), Cell::styled(aside.stage.name(), 10, FAINT)];
            let fact = format!("{}: {}", self.text(&aside.fact), aside.why);
            self.sheet.row(2, &cells, &fact);
        }
    }

    /// Every credential of a file, one on a line.
    fn credentials(&mut self, explanation: &Explanation) {
        let path = self.options.redactor.text(&explanation.origin.to_string());
        if explanation.credentials.is_empty() {
            self.sheet.heading("Credentials", "none");
            return;
        }
        self.sheet.heading("Credentials", &format!("`keyfence env {path}:LINE` tells the whole of one"));
        let widest = |of: fn(&Account) -> String| explanation.credentials.iter().map(|one| of(one).width()).max().unwrap_or(0);
        let mask = widest(|account| masked(&account.mask)).clamp(8, 24);
        for account in explanation.credentials.iter().take(LISTED) {
            let (line, name) = (format!("{:>5}", account.at.line), masked(&account.mask));
            let stage = format!("in {}", account.place.environment);
            let cells = [
                Cell::styled(&line, 5, FAINT),
                Cell::styled(&name, mask, STRONG),
                Cell::styled(account.environment.name(), 7, colour_of_money(account.environment)),
                Cell::styled(&stage, 13, colour_of(account.place.environment)),
            ];
            let verdict = match &account.verdicts[..] {
                [] => format!("{FAINT}nothing{FAINT:#}"),
                all => all.iter().map(verdict_in_short).collect::<Vec<_>>().join(", "),
            };
            self.sheet.row(0, &cells, &verdict);
        }
        if explanation.credentials.len() > LISTED {
            self.sheet.line(&format!("       and {} more", explanation.credentials.len() - LISTED));
        }
    }

    fn line(&mut self, explanation: &Explanation, line: u64) {
        if explanation.credentials.is_empty() {
            self.sheet.heading(&format!("Line {line}"), "no credential");
            for (name, holds) in &explanation.slots {
                let name = self.text(name);
                self.sheet.say("slot", &format!("{name} holds {holds}"));
            }
        }
        for account in &explanation.credentials {
            self.account(account, line);
        }
    }

    fn account(&mut self, account: &Account, line: u64) {
        let title = self.text(&account.title);
        self.sheet.heading(&format!("Line {line}"), &title);
        let width = self.sheet.width().saturating_sub(9);
        let mask = masked(&account.mask);
        let room = Room { width, remark: mask.width() };
        let cut = self.options.redactor.cut(&account.excerpt, account.excerpt.focus(), room);
        let colour = colour_of_money(account.environment);
        let (before, mark, after) = (cut.before, cut.mark, cut.after);
        self.sheet.line(&format!("{FAINT}{line:>6} |{FAINT:#} {before}{colour}{mark}{colour:#}{after}"));
        self.sheet.line("");
        let environment = account.environment;
        let funds = if account.moves_funds && environment != Environment::Sandbox { ", can move funds" } else { "" };
        self.sheet.say("money", &format!("{colour}{environment}{colour:#}{funds}"));
        for witness in &account.witnesses {
            self.witness(witness);
        }
        if account.witnesses.is_empty() {
            self.sheet.say("", "neither its value, its slot, a mode flag, a host nor a block says");
        }
        let mut whose = account.provider.as_ref().map_or("unknown".to_owned(), ToString::to_string);
        if !account.candidates.is_empty() {
            let others: Vec<_> = account.candidates.iter().map(ToString::to_string).collect();
            whose = format!("{whose} (or {})", others.join(", "));
        }
        let weak = if account.confidence == Confidence::Weak { ", weak" } else { "" };
        self.sheet.say("what", &format!("{} of {whose}{weak}", account.class.name()));
        let written = self.written(account);
        self.sheet.say("written", &written);
        self.verdicts(account);
    }

    fn witness(&mut self, witness: &ToldWitness) {
        let weight = format!("{:>4}", witness.weight);
        let line = witness.line.map_or(String::new(), |line| format!(" (line\u{a0}{line})"));
        let fact = format!("{}{line}", self.text(&witness.fact));
        let colour = colour_of_money(witness.environment);
        let row = Row { id: witness.id, side: witness.environment.name(), colour, weight: &weight };
        self.told(row, &fact, (witness.fate == Fate::Decides, witness.fate.name()));
    }

    /// `in the slot STRIPE_KEY, as a default, published`.
    fn written(&self, account: &Account) -> String {
        let slot = account.slot.as_deref().map_or("in no slot".to_owned(), |slot| format!("in the slot {}", self.text(slot)));
        let form = match account.form {
            Form::Literal => "",
            Form::Default => ", as a default",
            Form::Commented => ", in a comment",
        };
        let parked = if account.parked { ", parked" } else { "" };
        let public = if account.public_slot { ", which is published" } else { "" };
        format!("{slot}{form}{public}{parked}")
    }

    fn verdicts(&mut self, account: &Account) {
        match (&account.row, account.quiet) {
            (Some(row), _) => self.sheet.say("row", &format!("{row} of the table")),
            (None, Some(quiet)) => self.sheet.say("row", &format!("none: {quiet}")),
            (None, None) => {}
        }
        if account.verdicts.is_empty() {
            self.sheet.say("verdict", &format!("{GOOD}no finding{GOOD:#}"));
        }
        for verdict in &account.verdicts {
            let level = style(verdict.severity);
            let (severity, kind) = (verdict.severity, verdict.kind.id());
            let blocks = match (&verdict.suppressed, verdict.blocks) {
                (Some(why), _) => format!(", not reported: {}", self.text(why)),
                (None, true) => ", blocks".to_owned(),
                (None, false) => ", does not block".to_owned(),
            };
            let sure = verdict.confidence.name();
            self.sheet.say("verdict", &format!("{level}{severity}{level:#} {STRONG}{kind}{STRONG:#}, {sure}{blocks}"));
            if !verdict.kind.consequence().is_empty() {
                self.sheet.say("", verdict.kind.consequence());
            }
        }
    }
}

/// The columns of a piece of evidence.
#[derive(Clone, Copy)]
struct Row<'r> {
    id: &'r str,
    side: &'r str,
    colour: Style,
    weight: &'r str,
}

/// `high sandbox-key-in-production`.
fn verdict_in_short(verdict: &Verdict) -> String {
    let level = style(verdict.severity);
    let allowed = if verdict.suppressed.is_some() { " (allowed)" } else { "" };
    format!("{level}{}{level:#} {}{allowed}", verdict.severity, verdict.kind.id())
}

const fn tracked(tracked: Tracked) -> &'static str {
    match tracked {
        Tracked::Yes => "tracked",
        Tracked::No => "not tracked, not ignored",
        Tracked::Ignored => "ignored",
        Tracked::Unknown => "no repository",
    }
}

/// Production stands out; what cannot be told does, too.
pub(super) const fn colour_of(stage: Stage) -> Style {
    match stage {
        Stage::Production => style(Severity::High),
        Stage::Unknown => DOUBT,
        _ => style(Severity::Low),
    }
}

/// The same for money.
pub(super) const fn colour_of_money(environment: Environment) -> Style {
    match environment {
        Environment::Live => style(Severity::High),
        Environment::Unknown => DOUBT,
        Environment::Sandbox => style(Severity::Low),
    }
}

// The order of fields below is the order of keys.

#[derive(Serialize)]
struct Whole<'a> {
    r#type: &'static str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracked: Option<bool>,
    place: PlacePart,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conflict: Vec<String>,
    scopes: Vec<ScopePart>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aside: Vec<AsidePart>,
    credentials: Vec<CredentialPart<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    slots: Vec<SlotPart>,
}

#[derive(Serialize)]
struct ScopePart {
    level: &'static str,
    name: String,
    clues: Vec<CluePart>,
}

#[derive(Serialize)]
struct CluePart {
    id: &'static str,
    environment: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u8>,
    fact: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    fate: &'static str,
}

#[derive(Serialize)]
struct AsidePart {
    id: &'static str,
    environment: &'static str,
    fact: String,
    why: &'static str,
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct CredentialPart<'a> {
    line: u64,
    column: u64,
    masked: String,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidates: Vec<&'a str>,
    class: Class,
    confidence: Confidence,
    moves_funds: bool,
    environment: Environment,
    evidence: Vec<WitnessPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slot: Option<String>,
    form: &'static str,
    parked: bool,
    published: bool,
    place: PlacePart,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quiet: Option<&'static str>,
    findings: Vec<VerdictPart>,
}

#[derive(Serialize)]
struct WitnessPart {
    id: &'static str,
    environment: Environment,
    weight: u8,
    fact: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    fate: &'static str,
}

#[derive(Serialize)]
struct VerdictPart {
    kind: &'static str,
    severity: Severity,
    confidence: Confidence,
    blocks: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<String>,
}

#[derive(Serialize)]
struct SlotPart {
    name: String,
    holds: String,
}

impl<'a> Whole<'a> {
    fn new(explanation: &'a Explanation, options: &Options<'_>) -> Self {
        let text = |text: &str| options.redactor.text(text);
        let clue = |clue: &ToldClue| CluePart {
            id: clue.id,
            environment: clue.stage.name(),
            weight: clue.weight,
            fact: text(&clue.fact),
            line: clue.line,
            fate: clue.fate.name(),
        };
        let scopes = explanation.scopes.iter().map(|scope| ScopePart {
            level: scope.level.name(),
            name: text(&scope.name),
            clues: scope.clues.iter().map(clue).collect(),
        });
        let aside = explanation.aside.iter().map(|aside| AsidePart {
            id: aside.id,
            environment: aside.stage.name(),
            fact: text(&aside.fact),
            why: aside.why,
        });
        Self {
            r#type: "explanation",
            path: text(&explanation.origin.to_string()),
            line: explanation.line,
            tracked: match explanation.tracked {
                Tracked::Yes => Some(true),
                Tracked::No | Tracked::Ignored => Some(false),
                Tracked::Unknown => None,
            },
            place: PlacePart::new(&explanation.place),
            conflict: explanation.conflict.iter().flat_map(|(one, other)| [text(one), text(other)]).collect(),
            scopes: scopes.collect(),
            aside: aside.collect(),
            credentials: explanation.credentials.iter().map(|account| CredentialPart::new(account, options)).collect(),
            slots: explanation.slots.iter().map(|(name, holds)| SlotPart { name: text(name), holds: holds.clone() }).collect(),
        }
    }
}

impl<'a> CredentialPart<'a> {
    fn new(account: &'a Account, options: &Options<'_>) -> Self {
        let text = |text: &str| options.redactor.text(text);
        let evidence = account.witnesses.iter().map(|witness| WitnessPart {
            id: witness.id,
            environment: witness.environment,
            weight: witness.weight,
            fact: text(&witness.fact),
            line: witness.line,
            fate: witness.fate.name(),
        });
        let findings = account.verdicts.iter().map(|verdict| VerdictPart {
            kind: verdict.kind.id(),
            severity: verdict.severity,
            confidence: verdict.confidence,
            blocks: verdict.blocks && verdict.suppressed.is_none(),
            suppressed: verdict.suppressed.as_deref().map(text),
        });
        Self {
            line: account.at.line,
            column: account.at.column,
            masked: masked(&account.mask),
            title: text(&account.title),
            provider: account.provider.as_ref().map(crate::credential::Provider::as_str),
            candidates: account.candidates.iter().map(crate::credential::Provider::as_str).collect(),
            class: account.class,
            confidence: account.confidence,
            moves_funds: account.moves_funds,
            environment: account.environment,
            evidence: evidence.collect(),
            slot: account.slot.as_deref().map(text),
            form: match account.form {
                Form::Literal => "literal",
                Form::Default => "default",
                Form::Commented => "commented",
            },
            parked: account.parked,
            published: account.public_slot,
            place: PlacePart::new(&account.place),
            row: account.row.as_deref(),
            quiet: account.quiet,
            findings: findings.collect(),
        }
    }
}
