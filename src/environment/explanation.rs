//! Why a place is where it is: every piece of evidence, what became of it, what was set aside, and what
//! that means for the credentials on a line.

use std::borrow::Borrow;
use std::rc::Rc;

use super::path;
use super::reading::Form;
use super::resolve::{Answer, Clue, Level, Opinion, Scope};
use super::survey::Survey;
use crate::credential::{Class, Confidence, Environment, Provider};
use crate::finding::{Excerpt, Kind, Mask, Origin, Place, PlaceKind, Severity, Stage, Tracked, Trust};
use crate::span::Position;

/// What became of a piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It decides.
    Decides,
    /// It says the same as what decides.
    Agrees,
    /// Something stronger in its scope says otherwise.
    Outweighed,
    /// It and something as strong contradict each other.
    Contradicted,
    /// It weighs too little to decide.
    TooWeak,
    /// An inner scope has decided.
    NotAsked,
}

impl Fate {
    /// Every fate.
    pub const ALL: [Self; 6] = [Self::Decides, Self::Agrees, Self::Outweighed, Self::Contradicted, Self::TooWeak, Self::NotAsked];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decides => "decides",
            Self::Agrees => "agrees",
            Self::Outweighed => "outweighed",
            Self::Contradicted => "contradicted",
            Self::TooWeak => "too weak",
            Self::NotAsked => "not asked",
        }
    }
}

/// A clue and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldClue {
    /// Which of the rules of evidence it follows.
    pub id: &'static str,
    /// The environment that it speaks for.
    pub stage: Stage,
    /// From 0 to 100; nothing where somebody said so on purpose.
    pub weight: Option<u8>,
    /// The fact.
    pub fact: String,
    /// Where it stands.
    pub line: Option<u64>,
    /// What became of it.
    pub fate: Fate,
}

/// A scope and what is known in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldScope {
    /// How far it reaches.
    pub level: Level,
    /// What it is.
    pub name: String,
    /// Its clues.
    pub clues: Vec<ToldClue>,
}

/// Evidence that does not count, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// Which of the rules of evidence it would follow.
    pub id: &'static str,
    /// The environment that it would speak for.
    pub stage: Stage,
    /// The fact.
    pub fact: String,
    /// Why it does not count.
    pub why: &'static str,
}

/// One fact about a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldWitness {
    /// Which of the rules of evidence it follows.
    pub id: &'static str,
    /// Which money it speaks of.
    pub environment: Environment,
    /// What it weighs.
    pub weight: u8,
    /// The fact.
    pub fact: String,
    /// Where it stands.
    pub line: Option<u64>,
    /// What became of it.
    pub fate: Fate,
}

/// A finding about a credential, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it is.
    pub kind: Kind,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// Whether it makes the exit code 1.
    pub blocks: bool,
    /// Why it is not reported.
    pub suppressed: Option<String>,
}

/// What is known of a credential.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Account {
    /// Where it begins.
    pub at: Position,
    /// What a report prints for it.
    pub mask: Mask,
    /// What it is, in words.
    pub title: String,
    /// Whose it is.
    pub provider: Option<Provider>,
    /// Who else gives out credentials of this shape.
    pub candidates: Vec<Provider>,
    /// What it opens.
    pub class: Class,
    /// How sure it is recognised.
    pub confidence: Confidence,
    /// Whether it can move money.
    pub moves_funds: bool,
    /// Which money it touches.
    pub environment: Environment,
    /// Everything that speaks of it, the best first.
    pub witnesses: Vec<ToldWitness>,
    /// The name of its slot.
    pub slot: Option<String>,
    /// How it is written.
    pub form: Form,
    /// Whether it only waits in a slot of its own.
    pub parked: bool,
    /// Whether its slot is published.
    pub public_slot: bool,
    /// Where it is.
    pub place: Place,
    /// The row of the table that applies.
    pub row: Option<String>,
    /// Why none does.
    pub quiet: Option<&'static str>,
    /// What is said of it.
    pub verdicts: Vec<Verdict>,
    /// The line around it.
    pub excerpt: Excerpt,
}

/// Everything that is known of a place.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The file.
    pub origin: Origin,
    /// Its path, from the root of the repository.
    pub path: String,
    /// What git says of it.
    pub tracked: Tracked,
    /// The line that was asked for.
    pub line: Option<u64>,
    /// Where it is.
    pub place: Place,
    /// All evidence, from inside out.
    pub scopes: Vec<ToldScope>,
    /// The first two facts that contradicted each other.
    pub conflict: Option<(String, String)>,
    /// What does not count.
    pub aside: Vec<Aside>,
    /// The credentials on the line, or in the file.
    pub credentials: Vec<Account>,
    /// What the slots of the line hold where no credential stands: a name, and what.
    pub slots: Vec<(String, String)>,
}

/// What became of each clue of each scope.
pub fn fates<S: Borrow<Scope>>(scopes: &[S], answer: &Answer) -> Vec<Vec<Fate>> {
    let told = scopes.iter().map(Borrow::borrow).enumerate().map(|(at, scope)| match answer.decided {
        Some(decided) if at > decided => vec![Fate::NotAsked; scope.clues.len()],
        _ => of_scope(scope),
    });
    told.collect()
}

fn of_scope(scope: &Scope) -> Vec<Fate> {
    let enough = |clue: &Clue| clue.declared || clue.weight >= super::resolve::THRESHOLD;
    let opinion = scope.opinion();
    let fate = |clue: &Clue| match &opinion {
        _ if !enough(clue) => Fate::TooWeak,
        Opinion::None => Fate::TooWeak,
        Opinion::Mixed(one, other) if std::ptr::eq(*one, clue) || std::ptr::eq(*other, clue) => Fate::Contradicted,
        Opinion::One(winner) if std::ptr::eq(*winner, clue) => Fate::Decides,
        Opinion::One(winner) if winner.stage == clue.stage => Fate::Agrees,
        Opinion::Mixed(..) | Opinion::One(_) => Fate::Outweighed,
    };
    scope.clues.iter().map(fate).collect()
}

impl Survey<'_> {
    /// The scopes of a place as they are told, `line` counting the lines.
    pub fn told(&self, scopes: &[Rc<Scope>], answer: &Answer, line: &dyn Fn(usize) -> u64) -> Vec<ToldScope> {
        let all = scopes.iter().zip(fates(scopes, answer));
        let told = all.filter(|(scope, _)| !scope.clues.is_empty()).map(|(scope, fates)| ToldScope {
            level: scope.level,
            name: scope.name.clone(),
            clues: scope
                .clues
                .iter()
                .zip(fates)
                .map(|(clue, fate)| ToldClue {
                    id: clue.id,
                    stage: clue.stage,
                    weight: (!clue.declared).then_some(clue.weight),
                    fact: clue.fact.clone(),
                    line: clue.span.map(|span| line(span.start)),
                    fate,
                })
                .collect(),
        });
        told.collect()
    }

    /// What the path would say if nothing stood against it.
    pub fn aside(&self) -> Vec<Aside> {
        let (declared, around) = (self.run.declared, self.input.around);
        let own = path::clues(self.path(), self.kind(), declared, around);
        let mut aside: Vec<Aside> = Vec::new();
        let mut push = |clue: Clue, why: &'static str| {
            let known = own.iter().any(|other| other.fact == clue.fact) || aside.iter().any(|other| other.fact == clue.fact);
            if !known {
                aside.push(Aside { id: clue.id, stage: clue.stage, fact: clue.fact, why });
            }
        };
        let muted = match self.kind() {
            PlaceKind::Test => Some("G7: tests run nowhere but in tests"),
            PlaceKind::Doc => Some("G6: documentation runs nowhere"),
            PlaceKind::Template => Some("G5: an example to copy runs nowhere"),
            _ => None,
        };
        if let Some(why) = muted {
            for clue in path::clues(self.path(), PlaceKind::Config, declared, around) {
                push(clue, why);
            }
        }
        // Each folder less shows the one above it.
        let parts: Vec<&str> = self.path().split('/').collect();
        let (file, folders) = parts.split_last().map_or(("", &[][..]), |(file, folders)| (*file, folders));
        for count in (1..folders.len()).rev() {
            let shorter = format!("{}/{file}", folders[..count].join("/"));
            let clues = path::clues(&shorter, PlaceKind::Config, declared, around);
            for clue in clues.into_iter().filter(|clue| clue.fact.contains("folder \"")) {
                push(clue, muted.unwrap_or("a nearer folder is named after an environment"));
            }
        }
        aside
    }
}

impl Explanation {
    /// What a kind of place means for what stands in it.
    pub const fn meaning(kind: PlaceKind) -> &'static str {
        match kind {
            PlaceKind::Log => "each record says where it comes from",
            PlaceKind::Client => "browsers and apps are given it",
            PlaceKind::Test => "sandbox keys belong here; live ones never do (G7)",
            PlaceKind::Ci => "a pipeline, whose jobs say where they deploy",
            PlaceKind::Doc => "its name says nothing of an environment; only real live keys count (G6)",
            PlaceKind::Template => "its name says nothing of an environment; only real live keys count (G5)",
            PlaceKind::Dotenv => "variables of one environment",
            PlaceKind::Config => "configuration",
            PlaceKind::Source => "source code",
            PlaceKind::Ciphertext => "encrypted: nothing is reported (G1)",
            PlaceKind::Rules => "rules of scanners: nothing is reported (G4)",
        }
    }

    /// Whether where it is can be told.
    pub fn is_known(&self) -> bool {
        self.place.confidence != Trust::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::resolve::resolve;
    use Stage::{Dev, Production, Staging};

    fn scope(level: Level, clues: &[(Stage, u8)]) -> Scope {
        let clues = clues.iter().map(|&(stage, weight)| Clue::new("P30", stage, weight, "fact")).collect();
        Scope { clues, ..Scope::new(level, "x") }
    }

    #[test]
    fn every_clue_has_its_fate() {
        for (scopes, expected) in [
            (
                vec![
                    scope(Level::Block, &[(Staging, 20)]),
                    scope(Level::File, &[(Production, 90), (Production, 45), (Dev, 60), (Production, 10)]),
                    scope(Level::Run, &[(Dev, 20)]),
                ],
                vec![
                    vec![Fate::TooWeak],
                    vec![Fate::Decides, Fate::Agrees, Fate::Outweighed, Fate::TooWeak],
                    vec![Fate::NotAsked],
                ],
            ),
            (
                vec![scope(Level::File, &[(Staging, 90), (Production, 85), (Dev, 60)])],
                vec![vec![Fate::Contradicted, Fate::Contradicted, Fate::Outweighed]],
            ),
        ] {
            assert_eq!(fates(&scopes, &resolve(&scopes)), expected);
        }
        let declared = Scope {
            clues: vec![Clue::new("P30", Staging, 90, "x"), Clue::declared("P02", Production, "y")],
            ..scope(Level::File, &[])
        };
        let scopes = [declared];
        assert_eq!(fates(&scopes, &resolve(&scopes)), [[Fate::Outweighed, Fate::Decides]]);
    }
}
