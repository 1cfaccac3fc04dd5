//! What stands in each environment, side by side: slots, hosts, webhook URLs and chains of every provider,
//! what one side lacks, and what both have in common.

use std::collections::BTreeMap;

use super::reading::{Form, Index, Reading, Seen, Source};
use super::slots::{Filling, Slot};
use super::survey::Survey;
use crate::credential::{Class, Credential, Environment, Fingerprint, FingerprintKey, Provider};
use crate::finding::{Fact, FactKind, Mask, Origin, PlaceKind, Stage, Trust};
use crate::rule::name::normalise;
use crate::span::Span;

/// What sort of thing stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// A variable or a key of configuration.
    Slot,
    /// A host of a provider.
    Host,
    /// A URL that webhooks are sent to.
    Webhook,
    /// The id of a chain.
    Network,
    /// A route that exists in the sandbox only.
    Path,
}

impl What {
    /// Every sort.
    pub const ALL: [Self; 5] = [Self::Slot, Self::Host, Self::Webhook, Self::Network, Self::Path];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slot => "slot",
            Self::Host => "host",
            Self::Webhook => "webhook",
            Self::Network => "network",
            Self::Path => "sandbox-path",
        }
    }
}

/// What it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A credential.
    Credential {
        /// Which money it touches.
        environment: Environment,
        /// What it opens.
        class: Class,
        /// What a report prints for it.
        mask: Mask,
        /// Tells it from others.
        fingerprint: Fingerprint,
    },
    /// No credential that a rule knows.
    Filled(Filling),
    /// What it is, is no secret: a host, a chain, a URL.
    Plain(String),
}

/// One thing in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What sort.
    pub what: What,
    /// Whose.
    pub provider: Option<Provider>,
    /// The name of the slot; the thing itself where it has none.
    pub name: String,
    /// What it holds.
    pub holds: Holds,
    /// Where code runs that reads it.
    pub stage: Stage,
    /// Which money it is about: by what it says itself, else by its place.
    pub side: Environment,
    /// The file.
    pub origin: Origin,
    /// The line.
    pub line: u64,
}

/// A credential whose environment or whose place cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The file.
    pub origin: Origin,
    /// The line.
    pub line: u64,
    /// What cannot be told, and why.
    pub why: String,
    /// What would settle it.
    pub declare: String,
}

/// Everything that was collected.
#[derive(Debug, Default)]
pub struct Inventory {
    items: Vec<Item>,
    unresolved: Vec<Unresolved>,
}

/// The same thing in every environment.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// What sort.
    pub what: What,
    /// Whose.
    pub provider: Option<&'a Provider>,
    /// The shortest of its names.
    pub name: &'a str,
    /// Where it stands, by environment, file and line.
    pub items: Vec<&'a Item>,
    /// The one side that has it, where the provider has something on both.
    pub only: Option<Environment>,
}

/// One value on both sides.
#[derive(Clone, Debug)]
pub struct Same<'a> {
    /// Where it stands.
    pub items: Vec<&'a Item>,
}

impl Item {
    /// Whether something is there that can work.
    pub const fn is_filled(&self) -> bool {
        !matches!(self.holds, Holds::Filled(Filling::Empty | Filling::Placeholder))
    }

    /// What a value is compared by.
    fn identity(&self) -> Option<String> {
        match &self.holds {
            Holds::Credential { class: Class::ClientId, .. } | Holds::Filled(_) => None,
            Holds::Credential { fingerprint, .. } => Some(fingerprint.to_string()),
            Holds::Plain(url) => (self.what == What::Webhook).then(|| url.clone()),
        }
    }

    fn key(&self) -> (Option<&Provider>, What, String) {
        let normal = if matches!(self.what, What::Slot | What::Webhook | What::Network) {
            super::words::Words::default().stem_of_slot(self.name.as_bytes())
        } else {
            normalise(self.name.as_bytes())
        };
        (self.provider.as_ref(), self.what, if normal.is_empty() { self.name.clone() } else { normal })
    }
}

/// Whether one of two places is production's and the other a lower one's.
fn is_across(one: &Item, other: &Item) -> bool {
    one.stage == Stage::Production && other.stage.is_lower()
        || one.side == Environment::Live && other.side == Environment::Sandbox
}

impl Inventory {
    /// Adds what stands in a file.
    pub fn add(&mut self, items: Vec<Item>, unresolved: Vec<Unresolved>) {
        self.items.extend(items);
        self.unresolved.extend(unresolved);
    }

    /// Takes over what another thread has collected.
    pub fn absorb(&mut self, other: Self) {
        self.add(other.items, other.unresolved);
    }

    /// Brings everything into the order of reports.
    pub fn sort(&mut self) {
        let order = |item: &Item| (item.stage, item.origin.to_string(), item.line, item.what, item.name.clone());
        self.items.sort_by_cached_key(order);
        self.items.dedup();
        self.unresolved.sort_by_cached_key(|site| (site.origin.to_string(), site.line, site.why.clone()));
        self.unresolved.dedup();
    }

    /// Everything, in order.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// What cannot be told, in order.
    pub fn unresolved(&self) -> &[Unresolved] {
        &self.unresolved
    }

    /// The same things together, by provider.
    pub fn rows(&self) -> Vec<Row<'_>> {
        let mut groups: BTreeMap<_, Vec<&Item>> = BTreeMap::new();
        for item in &self.items {
            groups.entry(item.key()).or_default().push(item);
        }
        let rows = groups.into_iter().map(|((provider, what, _), items)| {
            let name = items.iter().map(|item| item.name.as_str()).min_by_key(|name| (name.len(), *name)).unwrap_or_default();
            let only = matches!(what, What::Slot | What::Webhook).then(|| self.only(provider, &items)).flatten();
            Row { what, provider, name, items, only }
        });
        rows.collect()
    }

    /// The one side that has something, if the provider has something on both.
    fn only(&self, provider: Option<&Provider>, items: &[&Item]) -> Option<Environment> {
        let sides = |items: &mut dyn Iterator<Item = &Item>| {
            let mut sides: Vec<Environment> = items.map(|item| item.side).collect();
            sides.sort_unstable();
            sides.dedup();
            sides
        };
        let of_provider = |item: &&Item| item.provider.as_ref() == provider && matches!(item.what, What::Slot | What::Webhook);
        let all = sides(&mut self.items.iter().filter(of_provider));
        let both = all.contains(&Environment::Live) && all.contains(&Environment::Sandbox);
        match sides(&mut items.iter().copied().filter(|item| item.is_filled()))[..] {
            [side] if both && side != Environment::Unknown => Some(side),
            _ => None,
        }
    }

    /// Values that stand on both sides.
    pub fn same(&self) -> Vec<Same<'_>> {
        let mut groups: BTreeMap<String, Vec<&Item>> = BTreeMap::new();
        for item in &self.items {
            if let Some(identity) = item.identity() {
                groups.entry(identity).or_default().push(item);
            }
        }
        let across = |items: &Vec<&Item>| items.iter().any(|one| items.iter().any(|other| is_across(one, other)));
        let mut same: Vec<Same<'_>> = groups.into_values().filter(across).map(|items| Same { items }).collect();
        // Fingerprints differ from run to run: places do not.
        same.sort_by_cached_key(|same| same.items.iter().map(|item| (item.origin.to_string(), item.line)).collect::<Vec<_>>());
        same
    }
}

/// Collects what stands in one file.
struct Stock<'s, 'a> {
    survey: &'s Survey<'a>,
    origin: &'s Origin,
    line: &'s dyn Fn(usize) -> u64,
}

impl Survey<'_> {
    /// What stands in the file, and what cannot be told of it. Tests, documentation, examples and logs
    /// configure nothing.
    pub fn stock(
        &self,
        seen: Seen<'_>,
        fingerprints: &FingerprintKey,
        origin: &Origin,
        line: &dyn Fn(usize) -> u64,
    ) -> (Vec<Item>, Vec<Unresolved>) {
        let stock = Stock { survey: self, origin, line };
        let mut items: Vec<Item> = Vec::new();
        let mut unresolved = Vec::new();
        let slots = self.slots();
        let index = Index::new(self, seen);
        for (number, credential) in seen.credentials.iter().enumerate() {
            if is_muted(self.kind_at(credential.span.start)) {
                continue;
            }
            let reading = self.reading(number, &index);
            if reading.form != Form::Commented {
                items.push(stock.credential(credential, &reading, fingerprints));
                unresolved.extend(stock.unresolved(credential, &reading, &slots));
            }
        }
        let facts = seen.facts.iter().filter(|fact| !is_muted(self.kind_at(fact.span.start)) && !self.is_commented(fact.span));
        let told: Vec<(Span, Item)> = facts.filter_map(|fact| Some((fact.span, stock.fact(fact, &slots)?))).collect();
        for slot in &slots {
            let holds = seen.credentials.iter().any(|credential| slot.span.overlaps(credential.span));
            let known = told.iter().any(|(span, _)| slot.span.overlaps(*span));
            if !holds && !known {
                // A provider's URL on a host that no rule knows.
                items.push(stock.own_host(slot).unwrap_or_else(|| stock.slot(slot)));
            }
        }
        items.extend(told.into_iter().map(|(_, item)| item));
        (items, unresolved)
    }
}

impl Stock<'_, '_> {
    fn item(&self, what: What, name: &str, holds: Holds, span: Span) -> Item {
        let stage = self.survey.situation(span).place.environment;
        Item {
            what,
            provider: None,
            name: name.to_owned(),
            holds,
            stage,
            side: side_of_stage(stage),
            origin: self.origin.clone(),
            line: (self.line)(span.start),
        }
    }

    fn credential(&self, credential: &Credential, reading: &Reading, fingerprints: &FingerprintKey) -> Item {
        let holds = Holds::Credential {
            environment: reading.environment,
            class: credential.class,
            mask: Mask::of(&credential.secret),
            fingerprint: fingerprints.fingerprint(&credential.secret),
        };
        let name = reading.slot.clone().unwrap_or_else(|| credential.class.name().replace('-', " "));
        let item = self.item(What::Slot, &name, holds, credential.span);
        let said = reading.source > Source::Network && reading.environment != Environment::Unknown;
        let side = if said { reading.environment } else { item.side };
        Item { provider: credential.provider.clone(), side, ..item }
    }

    fn slot(&self, slot: &Slot) -> Item {
        let item = self.item(What::Slot, &slot.name, Holds::Filled(slot.filling), slot.span);
        let side = self.survey.side_of_name(slot.name.as_bytes()).unwrap_or(item.side);
        Item { provider: slot.provider.clone(), side, ..item }
    }

    fn own_host(&self, slot: &Slot) -> Option<Item> {
        let host = slot.host.as_ref()?;
        let item = self.item(What::Host, host, Holds::Plain(host.clone()), slot.span);
        Some(Item { provider: slot.provider.clone(), ..item })
    }

    /// A fact, if it configures something: links to a provider's pages do not.
    fn fact(&self, fact: &Fact, slots: &[Slot]) -> Option<Item> {
        let settings = matches!(self.survey.kind(), PlaceKind::Config | PlaceKind::Dotenv | PlaceKind::Ci);
        let slot = slots.iter().find(|slot| slot.span.overlaps(fact.span));
        let provider = fact.provider.clone().or_else(|| slot.and_then(|slot| slot.provider.clone()));
        let pays = provider.as_ref().is_some_and(|id| self.survey.is_payment_provider(id));
        let counts = match fact.kind {
            FactKind::Host => pays && (fact.environment != Environment::Unknown || settings && !fact.name.is_empty()),
            FactKind::Network => settings || fact.text.contains('-'),
            FactKind::WebhookUrl => settings || provider.is_some(),
            _ => true,
        };
        let what = match fact.kind {
            FactKind::Host => What::Host,
            FactKind::WebhookUrl => What::Webhook,
            FactKind::Network => What::Network,
            FactKind::SandboxPath => What::Path,
            FactKind::TestCard | FactKind::Reference | FactKind::PublicName | FactKind::Event => return None,
        };
        let plain = if what == What::Webhook { without_query(&fact.text) } else { fact.text.clone() };
        let named = matches!(what, What::Webhook | What::Network) && !fact.name.is_empty();
        let name = if named { fact.name.clone() } else { plain.clone() };
        let item = self.item(what, &name, Holds::Plain(plain), fact.span);
        let side = if fact.environment == Environment::Unknown { item.side } else { fact.environment };
        counts.then_some(Item { provider, side, ..item })
    }

    /// What cannot be told of a credential, and the one thing that would settle it.
    fn unresolved(&self, credential: &Credential, reading: &Reading, slots: &[Slot]) -> Option<Unresolved> {
        if credential.class.is_public() {
            return None;
        }
        let situation = self.survey.situation(credential.span);
        let site = |why: String, declare: String| {
            Some(Unresolved { origin: self.origin.clone(), line: (self.line)(credential.span.start), why, declare })
        };
        let mask = Mask::of(&credential.secret);
        if reading.environment == Environment::Unknown {
            let host = slots.iter().find(|slot| slot.provider == credential.provider && slot.host.is_some());
            let declare = match (host.and_then(|slot| slot.host.as_ref()), &credential.provider) {
                (Some(host), Some(provider)) => {
                    format!("[[environment.host]] host = \"{host}\" provider = \"{provider}\" env = \"live\" # or sandbox")
                }
                _ => "a word for the environment in the name of its slot, or the provider's mode beside it".to_owned(),
            };
            return site(format!("nothing says which money {mask} touches"), declare);
        }
        let declare = format!("[[environment.place]] glob = \"{}\" env = \"production\" # or staging, dev …", self.survey.path());
        match &situation.answer.conflict {
            Some((one, other)) if situation.place.confidence == Trust::None => {
                site(format!("{} ({}) against {} ({})", one.fact, one.stage, other.fact, other.stage), declare)
            }
            _ if situation.place.confidence == Trust::None => site("nothing says where this runs".to_owned(), declare),
            _ => None,
        }
    }
}

const fn is_muted(kind: PlaceKind) -> bool {
    matches!(
        kind,
        PlaceKind::Test | PlaceKind::Doc | PlaceKind::Template | PlaceKind::Rules | PlaceKind::Ciphertext | PlaceKind::Log
    )
}

const fn side_of_stage(stage: Stage) -> Environment {
    match stage {
        Stage::Production => Environment::Live,
        Stage::Unknown => Environment::Unknown,
        _ => Environment::Sandbox,
    }
}

/// A URL without what may hold a secret: its user and its query.
fn without_query(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
            format!("{scheme}://{}{path}", authority.rsplit('@').next().unwrap_or_default())
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, stage: Stage, holds: Holds) -> Item {
        Item {
            what: What::Slot,
            provider: Some(Provider::from("acme")),
            name: name.to_owned(),
            holds,
            stage,
            side: side_of_stage(stage),
            origin: Origin::File(format!("{stage}.env").into()),
            line: 1,
        }
    }

    fn value() -> Holds {
        Holds::Filled(Filling::Value)
    }

    #[test]
    fn a_row_says_which_side_lacks_it() {
        let mut inventory = Inventory::default();
        let empty = Holds::Filled(Filling::Empty);
        inventory.add(
            vec![
                item("ACME_SECRET_KEY", Stage::Production, Holds::Filled(Filling::Reference("Vault"))),
                item("ACME_SECRET_KEY", Stage::Staging, value()),
                item("ACME_HOOK_SECRET", Stage::Staging, value()),
                item("ACME_HOOK_SECRET", Stage::Production, empty),
                item("ACME_LIVE_ID", Stage::Production, value()),
                item("ACME_ID", Stage::Unknown, value()),
            ],
            Vec::new(),
        );
        inventory.sort();
        let rows: Vec<_> = inventory.rows().iter().map(|row| (row.name.to_owned(), row.items.len(), row.only)).collect();
        assert_eq!(
            rows,
            [
                ("ACME_HOOK_SECRET".to_owned(), 2, Some(Environment::Sandbox)),
                ("ACME_ID".to_owned(), 2, None),
                ("ACME_SECRET_KEY".to_owned(), 2, None),
            ]
        );
    }

    #[test]
    fn one_side_alone_lacks_nothing() {
        let mut inventory = Inventory::default();
        inventory.add(vec![item("ACME_KEY", Stage::Staging, value()), item("ACME_ID", Stage::Dev, value())], Vec::new());
        assert!(inventory.rows().iter().all(|row| row.only.is_none()));
        assert!(inventory.same().is_empty());
    }

    #[test]
    fn urls_are_told_without_what_may_be_secret() {
        for (url, told) in [
            ("https://shop.example/hooks?token=x", "https://shop.example/hooks"),
            ("https://user:pass@shop.example", "https://shop.example"),
            ("shop.example/hooks#x", "shop.example/hooks"),
        ] {
            assert_eq!(without_query(url), told);
        }
    }
}
