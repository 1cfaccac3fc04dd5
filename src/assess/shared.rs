//! What is on both sides: one secret, one endpoint or one credential of live and sandbox, one key for
//! collecting and paying out. Compared by keyed fingerprints, in bounded memory, whatever the order in
//! which files come.

use std::collections::BTreeMap;

use crate::credential::Fingerprint;
use crate::finding::{Finding, Kind, Related};

/// How something is shared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exposed {
    /// A secret that signs webhooks.
    Webhook,
    /// Any other credential whose own bytes do not say the environment.
    Credential,
    /// A URL that webhooks are sent to.
    Url(String),
    /// A key in a slot for payouts.
    Payout,
    /// A key in any other slot.
    Standard,
}

/// A side of the fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Real money.
    Live,
    /// Play money.
    Sandbox,
}

/// The most different values that are compared. Of more, those with the smallest fingerprints are: the
/// choice does not depend on the order in which they come.
const VALUES: usize = 16 * 1024;
/// The most places of one value on one side.
const PLACES: usize = 8;

/// Values and where they stand.
#[derive(Debug, Default)]
pub struct Shared {
    values: BTreeMap<(Fingerprint, Kind), Sides>,
    /// Names of variables that were published, each with its first place; and those whose value was seen.
    names: BTreeMap<String, Finding>,
    exposed: Vec<String>,
}

/// The places of a value, the first few of each side.
#[derive(Debug, Default)]
struct Sides {
    one: Vec<Finding>,
    other: Vec<Finding>,
}

/// The order of places: by name, then by offset.
fn order(finding: &Finding) -> (String, usize) {
    (finding.location.origin.to_string(), finding.location.span.start)
}

fn insert(places: &mut Vec<Finding>, finding: Finding) {
    let at = places.partition_point(|other| order(other) < order(&finding));
    if at < PLACES && places.get(at).is_none_or(|other| order(other) != order(&finding)) {
        places.insert(at, finding);
        places.truncate(PLACES);
    }
}

impl Shared {
    /// Notes a value at a place. `finding` is what it would be if it is shared.
    pub fn note(&mut self, fingerprint: Fingerprint, as_what: &Exposed, side: Option<Side>, finding: Finding) {
        let sides = self.values.entry((fingerprint, finding.kind)).or_default();
        match (as_what, side) {
            (Exposed::Standard, _) | (Exposed::Webhook | Exposed::Credential | Exposed::Url(_), Some(Side::Live)) => {
                insert(&mut sides.one, finding);
            }
            (Exposed::Payout, _) | (_, Some(Side::Sandbox)) => insert(&mut sides.other, finding),
            (_, None) => {}
        }
        if self.values.len() > VALUES {
            self.values.pop_last();
        }
    }

    /// Whether nothing was noted that another file could share.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.names.is_empty()
    }

    /// Notes the name of a variable that was published without a value.
    pub fn name(&mut self, name: String, finding: Finding) {
        match self.names.get(&name) {
            Some(known) if order(known) <= order(&finding) => {}
            _ => {
                self.names.insert(name, finding);
            }
        }
    }

    /// Notes names whose secret values were seen published.
    pub fn expose(&mut self, names: impl IntoIterator<Item = String>) {
        self.exposed.extend(names);
    }

    /// Takes over what another thread has noted.
    pub fn absorb(&mut self, other: Self) {
        for ((fingerprint, _), sides) in other.values {
            for finding in sides.one {
                let as_what = if finding.kind == Kind::PayoutKeyReused { Exposed::Standard } else { Exposed::Credential };
                self.note(fingerprint, &as_what, Some(Side::Live), finding);
            }
            for finding in sides.other {
                let as_what = if finding.kind == Kind::PayoutKeyReused { Exposed::Payout } else { Exposed::Credential };
                self.note(fingerprint, &as_what, Some(Side::Sandbox), finding);
            }
        }
        for (name, finding) in other.names {
            self.name(name, finding);
        }
        self.exposed.extend(other.exposed);
    }

    /// The findings that follow, in no order: one for each value, at its first place on the live side.
    pub fn findings(self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for ((_, kind), sides) in self.values {
            let Sides { one, other } = sides;
            // The same provider has given it out for both.
            let others: Vec<_> =
                other.into_iter().filter(|place| one.iter().any(|here| here.provider == place.provider)).collect();
            let mut one = one.into_iter();
            let (Some(first), false) = (one.next(), others.is_empty()) else { continue };
            let mut finding = first;
            let (own, theirs) = match kind {
                Kind::PayoutKeyReused => ("also in a standard slot", "in a slot for payouts"),
                _ => ("also on the live side", "on the sandbox side"),
            };
            let related = |why: &str, place: &Finding| Related {
                origin: place.location.origin.clone(),
                line: place.location.lines.map(|(start, _)| start.line),
                why: format!("{why}{}", stage_of(place, why)),
            };
            finding.related =
                one.map(|place| related(own, &place)).chain(others.iter().map(|place| related(theirs, place))).collect();
            findings.push(finding);
        }
        let exposed = self.exposed;
        findings.extend(self.names.into_iter().filter(|(name, _)| !exposed.contains(name)).map(|(_, finding)| finding));
        findings
    }
}

/// ` (staging)`, unless the side says as much.
fn stage_of(place: &Finding, side: &str) -> String {
    match place.place.environment {
        crate::finding::Stage::Unknown => String::new(),
        stage if side.contains(&stage.to_string()) => String::new(),
        stage => format!(" ({stage})"),
    }
}
