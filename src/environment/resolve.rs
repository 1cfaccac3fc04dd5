//! From evidence to an answer: scopes from inside out, the strongest fact of each side, and unknown
//! where facts contradict each other.

use std::borrow::Borrow;

use crate::credential::Evidence;
use crate::finding::{Stage, Trust};
use crate::span::Span;

/// Below this weight a scope has no opinion.
pub(super) const THRESHOLD: u8 = 40;
/// Two sides that are closer than this contradict each other.
const MARGIN: u8 = 20;
/// From this weight on an answer is strong.
const STRONG: u8 = 60;

/// How far a piece of evidence reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// One record of a log, or what a pragma governs.
    Record,
    /// One arm of a branch.
    Branch,
    /// A block, an item, a paragraph.
    Block,
    /// A document or a section.
    Document,
    /// The file.
    File,
    /// The run.
    Run,
}

impl Level {
    /// Every level, from inside out.
    pub const ALL: [Self; 6] = [Self::Record, Self::Branch, Self::Block, Self::Document, Self::File, Self::Run];

    /// The name in explanations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Branch => "branch",
            Self::Block => "block",
            Self::Document => "document",
            Self::File => "file",
            Self::Run => "run",
        }
    }
}

/// One fact about a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clue {
    /// Which of the rules of evidence it follows.
    pub id: &'static str,
    /// The environment that it speaks for.
    pub stage: Stage,
    /// From 0 to 100.
    pub weight: u8,
    /// Whether somebody said so on purpose.
    pub declared: bool,
    /// The fact, as a phrase.
    pub fact: String,
    /// Where it stands, in the bytes of the file.
    pub span: Option<Span>,
}

impl Clue {
    /// A fact with its weight.
    pub fn new(id: &'static str, stage: Stage, weight: u8, fact: impl Into<String>) -> Self {
        Self { id, stage, weight, declared: false, fact: fact.into(), span: None }
    }

    /// What somebody said on purpose.
    pub fn declared(id: &'static str, stage: Stage, fact: impl Into<String>) -> Self {
        Self { declared: true, ..Self::new(id, stage, 100, fact) }
    }

    /// The same fact with its place in the file.
    #[must_use]
    pub fn at(self, span: Span) -> Self {
        Self { span: Some(span), ..self }
    }

    /// As evidence of a finding.
    pub fn evidence(&self) -> Evidence {
        let weight = (!self.declared && self.weight > 0).then_some(self.weight);
        Evidence { fact: self.fact.clone(), weight, span: self.span }
    }
}

/// What is known in one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// How far it reaches.
    pub level: Level,
    /// What it is, as a phrase: `block staging:`.
    pub name: String,
    /// Its facts.
    pub clues: Vec<Clue>,
}

impl Scope {
    /// A scope without facts.
    pub fn new(level: Level, name: impl Into<String>) -> Self {
        Self { level, name: name.into(), clues: Vec::new() }
    }
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The environment.
    pub stage: Stage,
    /// How sure.
    pub trust: Trust,
    /// The fact that decided, and those of the same side in its scope.
    pub because: Vec<Clue>,
    /// The first two facts that contradicted each other.
    pub conflict: Option<(Clue, Clue)>,
    /// The number of the scope that decided.
    pub decided: Option<usize>,
}

/// What a scope says.
pub(super) enum Opinion<'a> {
    /// Nothing.
    None,
    /// Two things.
    Mixed(&'a Clue, &'a Clue),
    /// One thing.
    One(&'a Clue),
}

impl Scope {
    pub(super) fn opinion(&self) -> Opinion<'_> {
        if let Some(clue) = self.clues.iter().find(|clue| clue.declared) {
            return Opinion::One(clue);
        }
        let strongest = |lower: bool| {
            let side = self.clues.iter().filter(|clue| clue.stage != Stage::Unknown && clue.stage.is_lower() == lower);
            // Of equals the first: it is the more specific.
            side.reduce(|best, clue| if clue.weight > best.weight { clue } else { best })
        };
        let (production, lower) = (strongest(false), strongest(true));
        let weight = |clue: Option<&Clue>| clue.map_or(0, |clue| clue.weight);
        let (p, n) = (weight(production), weight(lower));
        match (production, lower) {
            _ if p.max(n) < THRESHOLD => Opinion::None,
            (Some(one), Some(other)) if p >= THRESHOLD && n >= THRESHOLD && p.abs_diff(n) < MARGIN => Opinion::Mixed(one, other),
            (Some(one), _) if p >= n => Opinion::One(one),
            (_, Some(other)) => Opinion::One(other),
            _ => Opinion::None,
        }
    }
}

/// The first scope with an opinion decides, from inside out.
pub fn resolve<S: Borrow<Scope>>(scopes: &[S]) -> Answer {
    let mut conflict = None;
    for (at, scope) in scopes.iter().map(Borrow::borrow).enumerate() {
        match scope.opinion() {
            Opinion::None => {}
            Opinion::Mixed(one, other) => {
                conflict.get_or_insert_with(|| (one.clone(), other.clone()));
            }
            Opinion::One(winner) => {
                let same = |clue: &&Clue| !std::ptr::eq(*clue, winner) && clue.stage == winner.stage && clue.weight >= THRESHOLD;
                let others = scope.clues.iter().filter(same).cloned();
                let trust = match () {
                    () if conflict.is_some() => Trust::Weak,
                    () if winner.declared => Trust::Declared,
                    () if winner.weight >= STRONG => Trust::Strong,
                    () => Trust::Weak,
                };
                let because = std::iter::once(winner.clone()).chain(others).collect();
                return Answer { stage: winner.stage, trust, because, conflict, decided: Some(at) };
            }
        }
    }
    Answer { conflict, ..Answer::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Stage::{Dev, Production, Staging, Unknown};

    fn scope(clues: &[(Stage, u8)]) -> Scope {
        let clues = clues.iter().map(|&(stage, weight)| Clue::new("P30", stage, weight, "fact")).collect();
        Scope { level: Level::File, name: "file".into(), clues }
    }

    fn answer(scopes: &[Scope]) -> (Stage, Trust, bool) {
        let answer = resolve(scopes);
        (answer.stage, answer.trust, answer.conflict.is_some())
    }

    #[test]
    fn weights_thresholds_and_margins() {
        for (clues, expected) in [
            (&[][..], (Unknown, Trust::None, false)),
            (&[(Production, 39)], (Unknown, Trust::None, false)),
            (&[(Production, 40)], (Production, Trust::Weak, false)),
            (&[(Production, 59)], (Production, Trust::Weak, false)),
            (&[(Production, 60)], (Production, Trust::Strong, false)),
            (&[(Staging, 90), (Production, 45)], (Staging, Trust::Strong, false)),
            (&[(Staging, 90), (Production, 85)], (Unknown, Trust::None, true)),
            (&[(Staging, 60), (Production, 80)], (Production, Trust::Strong, false)),
            (&[(Staging, 61), (Production, 80)], (Unknown, Trust::None, true)),
            (&[(Staging, 39), (Production, 40)], (Production, Trust::Weak, false)),
            (&[(Staging, 60), (Dev, 90)], (Dev, Trust::Strong, false)),
            (&[(Staging, 90), (Dev, 90)], (Staging, Trust::Strong, false)),
        ] {
            assert_eq!(answer(&[scope(clues)]), expected, "{clues:?}");
        }
    }

    #[test]
    fn the_inner_scope_goes_first() {
        assert_eq!(answer(&[scope(&[(Staging, 85)]), scope(&[(Production, 90)])]), (Staging, Trust::Strong, false));
        assert_eq!(answer(&[scope(&[(Staging, 20)]), scope(&[(Production, 90)])]), (Production, Trust::Strong, false));
        assert_eq!(
            answer(&[scope(&[(Staging, 80), (Production, 85)]), scope(&[(Production, 90)])]),
            (Production, Trust::Weak, true)
        );
        let declared =
            Scope { clues: vec![Clue::new("P30", Staging, 90, "x"), Clue::declared("P02", Production, "y")], ..scope(&[]) };
        assert_eq!(answer(std::slice::from_ref(&declared)), (Production, Trust::Declared, false));
        assert_eq!(answer(&[scope(&[(Staging, 80), (Production, 85)]), declared]).1, Trust::Weak);
    }
}
