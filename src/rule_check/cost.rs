//! What the literals of rules cost: each place of an ordinary log or program where one stands is a look in vain.

use std::collections::HashMap;

use crate::detect::Scanner;
use crate::rule::Rule;

#[path = "../../benches/corpus.rs"]
#[expect(dead_code, reason = "the benches use the rest")]
mod corpus;

/// How much of each is looked at.
const BYTES: usize = 1_000_000;

/// How often one literal may stand in a megabyte: a fifth of what all beginnings of payment keys together may.
const BUDGETS: [(&str, usize); 2] = [("logs", 100), ("source code", 300)];

/// How often literals stand in a megabyte of ordinary text.
#[derive(Debug)]
pub(super) struct Cost<'a> {
    /// In logs and in source code, as in `BUDGETS`.
    meetings: [HashMap<&'a [u8], usize>; 2],
}

impl<'a> Cost<'a> {
    /// Counts every literal of the scanner.
    pub(super) fn new(scanner: &'a Scanner) -> Self {
        let texts = [corpus::log(BYTES, corpus::Density::Never, 1), corpus::source(BYTES, corpus::Density::Never, 1)];
        Self { meetings: texts.map(|text| scanner.meetings(&text.bytes)) }
    }

    /// The literal of the rule that stands in too many places, and in how many of what.
    pub(super) fn too_common(&self, rule: &Rule) -> Option<String> {
        let literals = rule.format.literals();
        let cases = self
            .meetings
            .iter()
            .zip(BUDGETS)
            .flat_map(|(meetings, budget)| literals.iter().map(move |one| (meetings, budget, one)));
        let (count, (what, budget), literal) = cases
            .filter_map(|(meetings, budget, literal)| Some((*meetings.get(&literal.to_ascii_lowercase()[..])?, budget, literal)))
            .filter(|(count, (_, budget), _)| count > budget)
            .max_by_key(|(count, ..)| *count)?;
        let literal = literal.escape_ascii();
        Some(format!(
            "\"{literal}\" stands {count} times in a megabyte of ordinary {what}, {budget} at most: find the value by a rarer beginning, or by its name"
        ))
    }
}
