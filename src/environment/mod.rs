//! Where are we? What a path says of a place, and what a whole file says of a credential.

mod block;
mod branch;
mod build;
mod bundler;
mod declare;
pub mod declared;
mod entry;
pub mod explanation;
mod flags;
pub mod inventory;
mod lexicon;
mod names;
pub mod path;
mod reading;
mod records;
pub mod resolve;
mod slots;
mod structure;
pub mod survey;
pub mod words;

pub use bundler::is_bundler_config;
pub use names::is_payment_word;
pub use reading::{Form, Index, Reading, Seen, Source, Witness};
pub use slots::{Filling, Slot};
pub use survey::{Input, Run, Situation, Survey};

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::Path;

use crate::credential::{Credential, Evidence};
use crate::detect::Scanner;
use crate::rule::Rule;
use crate::span::Span;

/// Gives credentials whose provider is open the one that their path or their file names. The bytes are
/// searched once for all names, however many credentials ask.
#[derive(Debug)]
pub struct Naming<'a> {
    scanner: &'a Scanner,
    path: String,
    bytes: &'a [u8],
    in_path: OnceCell<Markers<'a>>,
    in_bytes: OnceCell<Markers<'a>>,
}

/// Where each marker stands first.
type Markers<'a> = HashMap<&'a [u8], usize>;

impl<'a> Naming<'a> {
    /// For credentials of these bytes.
    pub fn new(scanner: &'a Scanner, path: Option<&Path>, bytes: &'a [u8]) -> Self {
        let path = path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        Self { scanner, path, bytes, in_path: OnceCell::new(), in_bytes: OnceCell::new() }
    }

    /// Names the provider of a credential, if one provider only is named. Never adds or drops a credential.
    pub fn narrow(&self, credential: &mut Credential) {
        let alternatives = credential.alternatives.iter().filter_map(|id| self.scanner.rules().get(id.as_str()));
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
        let in_path = self.in_path.get_or_init(|| self.scanner.first_markers(self.path.as_bytes()));
        if let Some(marker) = markers.iter().find(|marker| in_path.contains_key(marker.as_bytes())) {
            return Some(Evidence { fact: format!("path names {marker}"), weight: None, span: None });
        }
        let in_bytes = self.in_bytes.get_or_init(|| self.scanner.first_markers(self.bytes));
        markers.iter().find_map(|marker| {
            let at = *in_bytes.get(marker.as_bytes())?;
            let span = Span::new(at, at + marker.len());
            Some(Evidence { fact: format!("file names {marker}"), weight: None, span: Some(span) })
        })
    }
}
