//! Evidence of a record of a log: its fields, and what was said when the program started.

use std::collections::HashSet;

use super::declare;
use super::resolve::{Clue, Level, Scope};
use super::survey::Survey;
use super::words::{Counts, Words};
use crate::finding::Stage;
use crate::record::{self, Field, Meaning};
use crate::span::Span;

/// Fields of one record that say where it comes from: one that says it more often says no more.
const SAID: usize = 32;

impl Survey<'_> {
    /// P10 to P17: what the record that holds the place says.
    pub(super) fn record(&self, span: Span) -> Scope {
        let bytes = self.input.bytes;
        let record = record::record_around(bytes, span.start);
        let mut scope = Scope::new(Level::Record, "record");
        // Each finding of the record tells them all, but none twice.
        let (fields, mut said) = (self.fields(span), HashSet::new());
        let fresh = fields.iter().filter(|field| said.insert((&field.name, &field.value)));
        scope.clues.extend(fresh.filter_map(|field| self.field(field)).take(SAID));
        let banners = self.banners.get_or_init(|| banners(bytes, self.dictionary()));
        let before = banners.partition_point(|(at, _)| *at <= record.start);
        let last = before.checked_sub(1).map(|last| banners[last]).map(|(at, stage)| (Some(at), stage));
        if let Some((at, stage)) = last.or(self.input.banner.map(|stage| (None, stage))) {
            let clue = Clue::new("P17", stage, 45, format!("start-up banner says {stage}"));
            scope.clues.push(Clue { span: at.map(|at| Span::new(at, at + 1)), ..clue });
        }
        scope
    }

    /// The fields of the record that holds a place.
    pub fn fields(&self, span: Span) -> Vec<Field> {
        let record = record::record_around(self.input.bytes, span.start);
        record::fields(self.input.bytes, record, span.start, &self.run.declared.log_fields)
    }

    /// What the last start-up banner says whose line begins before a place.
    pub fn banner_before(&self, at: usize) -> Option<Stage> {
        let before = self.start_ups().partition_point(|(begin, _)| *begin < at);
        before.checked_sub(1).map(|last| self.start_ups()[last].1).or(self.input.banner)
    }

    /// What start-up banners in these bytes say, and where their lines begin.
    pub fn start_ups(&self) -> &[(usize, Stage)] {
        self.banners.get_or_init(|| banners(self.input.bytes, self.dictionary()))
    }

    fn field(&self, field: &Field) -> Option<Clue> {
        let (words, value) = (self.dictionary(), field.value.as_bytes());
        let loose = |text: &[u8]| words.loose(text, Counts::KEY);
        let (id, stage, weight) = match field.meaning {
            Meaning::Environment => {
                ("P10", words.exact(value, Counts::KEY).or_else(|| loose(value).filter(|_| value.len() <= 40))?, 90)
            }
            Meaning::MaybeEnvironment => ("P10", words.exact(value, Counts::KEY)?, 90),
            Meaning::Tag => ("P12", loose(value)?, 80),
            Meaning::Channel => ("P11", words.exact(value, Counts::KEY)?, 85),
            Meaning::Namespace => ("P13", loose(value)?, 70),
            Meaning::Group => ("P14", loose(value)?, 60),
            Meaning::Host => {
                let said = self.run.declared.log_hosts.iter().find(|(pattern, _)| pattern.is_match(value));
                match said {
                    Some((_, stage)) => ("P15", *stage, 80),
                    None => (
                        "P15",
                        declare::host_stage(words, value).or_else(|| loose(value).filter(|_| !value.contains(&b'.')))?,
                        55,
                    ),
                }
            }
            Meaning::Service => ("P16", loose(value)?, 50),
            Meaning::Request | Meaning::Trace | Meaning::Time => return None,
        };
        Some(Clue::new(id, stage, weight, format!("{}={}", field.name, field.value)).at(field.span))
    }
}

fn banners(bytes: &[u8], words: &Words) -> Vec<(usize, Stage)> {
    let lines = record::banners(bytes).into_iter();
    lines
        .filter_map(|line| {
            let word = record::banner(&bytes[line.range()])?;
            Some((line.start, words.exact(word, Counts::KEY)?))
        })
        .collect()
}
