//! Where are we? What a path says of a place, and what a whole file says of a credential.

mod branch;
mod declare;
pub mod declared;
mod entry;
pub mod path;
mod reading;
pub mod resolve;
mod structure;
pub mod survey;
pub mod words;

pub use reading::{Form, Index, Reading, Seen, Source, Witness, is_payment_word};
pub use survey::{Input, Run, Situation, Survey};

use std::path::Path;

use crate::credential::{Credential, Evidence};
use crate::detect::find_word;
use crate::rule::{Rule, RuleSet};

/// Gives a credential whose provider is open the one that its path or its file names, if that is
/// one provider only. Never adds or drops a credential.
pub fn narrow(credential: &mut Credential, rules: &RuleSet, path: Option<&Path>, bytes: &[u8]) {
    let named: Vec<(&Rule, Evidence)> = credential
        .alternatives
        .iter()
        .filter_map(|id| rules.get(id.as_str()))
        .filter_map(|rule| Some((&**rule, mention(rule, path, bytes)?)))
        .collect();
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
fn mention(rule: &Rule, path: Option<&Path>, bytes: &[u8]) -> Option<Evidence> {
    let text = path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let markers = &rule.provider.markers;
    let in_path = markers.iter().find(|marker| find_word(text.as_bytes(), marker).is_some());
    if let Some(marker) = in_path {
        return Some(Evidence { fact: format!("path names {marker}"), weight: None, span: None });
    }
    markers.iter().find_map(|marker| {
        let at = find_word(bytes, marker)?;
        let span = crate::span::Span::new(at, at + marker.len());
        Some(Evidence { fact: format!("file names {marker}"), weight: None, span: Some(span) })
    })
}
