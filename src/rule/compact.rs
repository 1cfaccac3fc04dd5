//! The built-in rules as they are once they were read: file by file, as postcard writes them, by a test, so that
//! no program has to read hundreds of rule files before its first byte.
//!
//! Left out is what only checks of rules ask for: examples and counter-examples.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Late, ProviderFacts, Rule, RuleNames, RuleSet};
use crate::check::{self, Check};

/// A file: the digest of its text, and what it says.
#[derive(Serialize, Deserialize)]
struct File<D, P, R> {
    digest: D,
    provider: P,
    rules: Vec<R>,
}

/// A rule without its provider.
#[derive(Serialize, Deserialize)]
struct Head<I, L, N> {
    id: I,
    literals: Vec<L>,
    named: Option<usize>,
    rest: N,
}

/// File by file.
pub(super) fn write<'a>(set: &'a RuleSet) -> Result<Vec<u8>, postcard::Error> {
    let mut bytes = Vec::new();
    let files = set.rules().chunk_by(|a, b| Arc::ptr_eq(&a.provider, &b.provider));
    for (rules, digest) in files.zip(digests(&set.digests)) {
        let head = |rule: &'a Arc<Rule>| {
            let Rule { id, literals, named, rest, .. } = &**rule;
            Head { id, literals: literals.iter().collect(), named: *named, rest }
        };
        let file = File { digest, provider: &*rules[0].provider, rules: rules.iter().map(head).collect() };
        bytes.extend(postcard::to_stdvec(&file)?);
    }
    Ok(bytes)
}

/// Reads what [`write()`] wrote: the rules, and the digests of the files one after the other.
pub(super) fn read(mut bytes: &'static [u8]) -> Result<(Vec<Arc<Rule>>, String), postcard::Error> {
    let (mut all, mut digests) = (Vec::with_capacity(1024), String::with_capacity(8 * 1024));
    while !bytes.is_empty() {
        let (file, rest) = postcard::take_from_bytes::<File<&str, ProviderFacts, Head<&str, &[u8], Late<RuleNames>>>>(bytes)?;
        let provider = Arc::new(file.provider);
        all.extend(file.rules.into_iter().map(|Head { id, literals, named, rest }| {
            let literals = literals.into_iter().map(Cow::Borrowed).collect();
            Arc::new(Rule { id: id.into(), provider: Arc::clone(&provider), literals, named, rest })
        }));
        digests.push_str(file.digest);
        bytes = rest;
    }
    Ok((all, digests))
}

/// Letters of the digest of a file.
pub(super) const DIGEST: usize = 16;

fn digests(all: &str) -> impl Iterator<Item = &str> {
    (0..all.len() / DIGEST).map(|at| &all[at * DIGEST..(at + 1) * DIGEST])
}

/// Checks by their names.
pub(super) mod checks {
    use super::{Check, Deserialize, Deserializer, Serialize, Serializer, check};

    pub(in crate::rule) fn serialize<S: Serializer>(checks: &[&Check], to: S) -> Result<S::Ok, S::Error> {
        checks.iter().map(|check| check.name).collect::<Vec<_>>().serialize(to)
    }

    pub(in crate::rule) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<&'static Check>, D::Error> {
        let names = Vec::<&str>::deserialize(from)?;
        let find = |name: &str| check::named(name).ok_or_else(|| serde::de::Error::custom("no such check"));
        names.into_iter().map(find).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::BUILTIN_FILES;

    /// Nothing is lost but the examples.
    #[test]
    fn what_is_built_in_is_what_the_files_say() {
        let files = RuleSet::load(BUILTIN_FILES).unwrap();
        let builtin = RuleSet::builtin();
        assert_eq!(builtin.digest(), files.digest());
        assert_eq!(builtin.rules().len(), files.rules().len());
        for (compact, full) in builtin.rules().iter().zip(files.rules()) {
            let text = format!("{full:?}");
            let (before, examples) = text.split_once(", examples: [").unwrap();
            assert!(!examples.is_empty());
            assert_eq!(format!("{compact:?}"), format!("{before}, examples: [], counter_examples: [] }} }} }}"));
        }
    }
}
