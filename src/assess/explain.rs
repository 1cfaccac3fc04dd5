//! What the table makes of each credential, and where no row applies, why none does.

use std::rc::Rc;

use super::judge::{Bench, Desk, Outcome, Subject, judge};
use super::table::{Case, Role};
use crate::credential::Environment;
use crate::environment::{Form, Index, Reading, Seen, Situation, Survey};
use crate::finding::{PlaceKind, Stage, Tracked};
use crate::rule::RuleSet;

/// A credential with everything that was asked of it.
#[derive(Debug)]
pub struct Explained {
    /// Its number.
    pub credential: usize,
    /// What is known of it.
    pub reading: Reading,
    /// What is known of its place.
    pub situation: Rc<Situation>,
    /// The row of the table that applies.
    pub row: Option<String>,
    /// Why none does.
    pub quiet: Option<&'static str>,
    /// What is said of it.
    pub outcomes: Vec<Outcome>,
}

/// Explains every credential that was seen.
pub fn explain(survey: &Survey<'_>, seen: Seen<'_>, rules: &RuleSet, tracked: Tracked) -> Vec<Explained> {
    let desk = Desk::default();
    let bench = Bench::new(&desk, survey, seen, rules, tracked);
    let index = Index::new(survey, seen);
    let outcomes = judge(survey, seen, rules, tracked).outcomes;
    let explained = (0..seen.credentials.len()).filter_map(|number| {
        let known = bench.known(number, &index)?;
        let case = bench.case(&known);
        let row = case.row().map(|row| format!("{row:?}"));
        let quiet = if row.is_none() { Some(case.quiet()) } else { None };
        let outcomes = outcomes.iter().filter(|outcome| outcome.subject == Subject::Credential(number)).cloned().collect();
        Some(Explained {
            credential: number,
            reading: known.reading.into_owned(),
            situation: known.situation,
            row,
            quiet,
            outcomes,
        })
    });
    explained.collect()
}

impl Case {
    /// Why no row of the table applies, where none does.
    fn quiet(self) -> &'static str {
        let sandbox = self.environment == Environment::Sandbox && !self.assumed;
        match self.role {
            _ if self.kind == PlaceKind::Rules => "G4: rules of scanners hold patterns, not keys",
            _ if self.kind == PlaceKind::Ciphertext => "G1: it is encrypted",
            Role::Identifier => "an identifier opens nothing; it only tells the environment of its secret",
            Role::Card => "card numbers have kinds of their own",
            Role::Publishable if !sandbox => "a publishable key is made to be seen, and nothing contradicts its place",
            _ if self.environment == Environment::Unknown || self.assumed => {
                "which money it touches is unknown, so nothing is said of its place"
            }
            _ if self.kind == PlaceKind::Log => "a sandbox key in a log that is not production's",
            _ if !sandbox => "live, not tracked by git, and not in a lower environment: that is how servers run",
            _ => self.quiet_sandbox(),
        }
    }

    fn quiet_sandbox(self) -> &'static str {
        match self.kind {
            _ if self.stage == Stage::Unknown => "a sandbox key, and nothing says that this is production",
            _ if self.stage.is_lower() => "a sandbox key in a lower environment, where it belongs",
            PlaceKind::Template => "G5: an example to copy",
            PlaceKind::Doc => "G6: documentation",
            PlaceKind::Test => "G7: a test",
            _ if self.parked => "parked: it waits in a slot of its own, the live one stands beside it",
            _ if self.form == Form::Commented => "it stands in a comment",
            _ => "a sandbox key where no code runs that pays",
        }
    }
}
