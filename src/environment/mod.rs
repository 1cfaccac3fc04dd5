//! Where are we? What a path says of a place, and what a whole file says of a credential.

mod branch;
mod declare;
pub mod declared;
mod entry;
pub mod explanation;
pub mod inventory;
pub mod path;
mod reading;
pub mod resolve;
mod slots;
mod structure;
pub mod survey;
pub mod words;

pub use reading::{Form, Index, Reading, Seen, Source, Witness, is_payment_word};
pub use slots::{Filling, Slot};
pub use survey::{Input, Run, Situation, Survey};

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;

use crate::credential::{Credential, Evidence};
use crate::detect::find_word;
use crate::rule::{Rule, RuleSet};
use crate::span::Span;

/// Gives credentials whose provider is open the one that their path or their file names. The bytes are
/// searched once for each name, however many credentials ask.
#[derive(Debug)]
pub struct Naming<'a> {
    rules: &'a RuleSet,
    path: String,
    bytes: &'a [u8],
    seen: RefCell<HashMap<String, Option<usize>>>,
}

impl<'a> Naming<'a> {
    /// For credentials of these bytes.
    pub fn new(rules: &'a RuleSet, path: Option<&Path>, bytes: &'a [u8]) -> Self {
        let path = path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        Self { rules, path, bytes, seen: RefCell::default() }
    }

    /// Names the provider of a credential, if one provider only is named. Never adds or drops a credential.
    pub fn narrow(&self, credential: &mut Credential) {
        let alternatives = credential.alternatives.iter().filter_map(|id| self.rules.get(id.as_str()));
        let named: Vec<(&Rule, Evidence)> = alternatives.filter_map(|rule| Some((&**rule, self.mention(rule)?))).collect();
        let [(rule, _), ..] = &named[..] else { return };
        if named.iter().any(|(other, _)| other.provider.id != rule.provider.id) {
            return;
        }
        credential.rule = rule.id.clone();
        credential.provider = rule.attributed();
        credential.candidates.clear();
        credential.alternatives.clear();
        credential.class = rule.class;
        credential.moves_funds = rule.moves_funds;
        credential.confidence = crate::credential::Confidence::Strong;
        credential.because.extend(named.into_iter().take(1).map(|(_, evidence)| evidence));
    }

    /// Where the path or the bytes name the provider of a rule.
    fn mention(&self, rule: &Rule) -> Option<Evidence> {
        let markers = &rule.provider.markers;
        let in_path = markers.iter().find(|marker| find_word(self.path.as_bytes(), marker).is_some());
        if let Some(marker) = in_path {
            return Some(Evidence { fact: format!("path names {marker}"), weight: None, span: None });
        }
        markers.iter().find_map(|marker| {
            let at = self.in_bytes(marker)?;
            let span = Span::new(at, at + marker.len());
            Some(Evidence { fact: format!("file names {marker}"), weight: None, span: Some(span) })
        })
    }

    fn in_bytes(&self, marker: &str) -> Option<usize> {
        *self.seen.borrow_mut().entry(marker.to_owned()).or_insert_with(|| find_word(self.bytes, marker))
    }
}
