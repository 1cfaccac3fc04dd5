//! What is known about providers and their credentials, loaded from `rules/*.toml`.
//!
//! Rules are data: a [`RuleSet`] is read from files, checked, and never changes. The files of this
//! repository are part of the program ([`RuleSet::builtin`]); a user's files are added to them.

mod alphabet;
mod builtin;
mod compact;
pub mod examples;
mod file;
mod format;
mod late;
pub mod name;
mod outline;
mod provider_names;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use alphabet::Alphabet;
pub use builtin::FILES as BUILTIN_FILES;
pub use file::{CounterExample, Example, RuleError};
pub use format::{Edge, Fit, Format, FormatError, MAX_LENGTH, Matched};
pub use late::{Late, Text};
pub use name::NamePattern;
pub use outline::Outline;
use provider_names::ProviderNames;

use crate::check::Check;
use crate::credential::{Class, Environment, Provider, RuleId};
use crate::finding::Severity;

/// The pack whose rules name no provider.
pub const GENERAL: &str = "general";

/// What the facts of a rule rest on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// Inferred.
    Guess,
    /// General knowledge.
    Recall,
    /// Recalled from the provider's documentation.
    Rec,
    /// Seen in public code.
    #[default]
    Code,
    /// Another scanner's rule.
    Rule,
    /// Computed from published values.
    Calc,
    /// The provider's own library.
    Sdk,
    /// The provider's documentation.
    Doc,
}

impl Fact {
    /// Whether a rule may be sure of itself by shape alone.
    pub fn is_firm(self) -> bool {
        self > Self::Rec
    }
}

/// How the environment is told from a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tell {
    /// Always the same.
    Fixed(Environment),
    /// By the text of the group named `env`.
    ByGroup {
        /// Texts that mean live.
        live: Vec<String>,
        /// Texts that mean sandbox.
        sandbox: Vec<String>,
    },
}

impl Tell {
    /// The environment of a value whose `env` group reads `text`.
    pub fn read(&self, text: Option<&str>) -> Environment {
        let is = |texts: &[String]| text.is_some_and(|text| texts.iter().any(|other| other == text));
        match self {
            Self::Fixed(environment) => *environment,
            Self::ByGroup { live, .. } if is(live) => Environment::Live,
            Self::ByGroup { sandbox, .. } if is(sandbox) => Environment::Sandbox,
            Self::ByGroup { .. } => Environment::Unknown,
        }
    }
}

/// What a team adds to what is known about a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addition {
    /// The provider.
    pub provider: String,
    /// Hosts that serve live traffic.
    pub live_hosts: Vec<String>,
    /// Hosts that serve sandbox traffic.
    pub sandbox_hosts: Vec<String>,
    /// Slots that hold a key that pays out.
    pub payout_slots: Vec<String>,
    /// Chain ids and what they are.
    pub networks: BTreeMap<String, Environment>,
}

/// What a provider is to a payments team.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pack {
    /// It moves, holds or checks money.
    #[default]
    Payments,
    /// Its keys stand beside those that do.
    General,
}

/// What finds the values of a rule, where that is neither their shape nor the name of their slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detector {
    /// Runs of digits that are card numbers.
    CardNumber,
    /// What is written on a card's magnetic stripe.
    CardTrack,
    /// The security code beside a card number.
    CardCode,
}

/// The parts of the world that the built-in providers are sorted into.
pub const AREAS: [&str; 10] = [
    "global",
    "Africa",
    "East Asia",
    "Europe",
    "Latin America",
    "Middle East and Turkey",
    "North America",
    "Oceania",
    "South Asia",
    "South-East Asia",
];

/// Everything that can be named about a provider, in lower case where case does not count: what is looked for in all
/// bytes, and the rest, which is read when something of it is first asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct ProviderFacts {
    /// Its id.
    pub id: Provider,
    /// Hosts that serve live traffic.
    pub live_hosts: Vec<Text>,
    /// Hosts that serve sandbox traffic.
    pub sandbox_hosts: Vec<Text>,
    /// Hosts that serve both.
    pub neutral_hosts: Vec<Text>,
    /// Routes that exist in the sandbox only.
    pub sandbox_paths: Vec<Text>,
    /// Chain ids and what they are.
    pub networks: BTreeMap<Text, Environment>,
    rest: Late<AboutProvider>,
}

/// What is asked of few providers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct AboutProvider {
    /// Its name as people write it.
    pub name: Text,
    /// Where it is used: one of [`AREAS`], and which part of it behind a colon.
    pub region: Text,
    /// What it is to a payments team.
    pub pack: Pack,
    /// Words that name it.
    pub markers: Vec<Text>,
    /// Variable and key names that name it.
    pub slots: Vec<NamePattern>,
    /// Headers its credentials travel in.
    pub headers: Vec<NamePattern>,
    /// SHA-256 of values that it prints in its own documentation.
    pub published: Vec<[u8; 32]>,
    /// Where the facts come from.
    pub references: Vec<Text>,
}

impl Deref for ProviderFacts {
    type Target = AboutProvider;

    fn deref(&self) -> &AboutProvider {
        &self.rest
    }
}

impl ProviderFacts {
    /// The part of the world that it is used in, without the country: `Europe` of `Europe: Poland`.
    #[must_use]
    pub fn area(&self) -> &str {
        let area = self.region.split(':').next().unwrap_or_default().trim();
        if area.is_empty() { AREAS[0] } else { area }
    }

    fn with(mut self, addition: &Addition) -> Self {
        let lower = |hosts: &[String]| hosts.iter().map(|host| host.to_ascii_lowercase().into()).collect::<Vec<Text>>();
        let (live, sandbox) = (lower(&addition.live_hosts), lower(&addition.sandbox_hosts));
        // What a team says of a host goes before what is written here.
        for known in [&mut self.live_hosts, &mut self.sandbox_hosts, &mut self.neutral_hosts] {
            known.retain(|host| !live.contains(host) && !sandbox.contains(host));
        }
        self.live_hosts.extend(live);
        self.sandbox_hosts.extend(sandbox);
        self.networks.extend(addition.networks.iter().map(|(id, &environment)| (id.clone().into(), environment)));
        self
    }

    /// Every host and what it serves: live ones, sandbox ones, those that serve both.
    pub fn hosts(&self) -> impl Iterator<Item = (&Text, Environment)> + Clone {
        let live = self.live_hosts.iter().map(|host| (host, Environment::Live));
        let sandbox = self.sandbox_hosts.iter().map(|host| (host, Environment::Sandbox));
        let neutral = self.neutral_hosts.iter().map(|host| (host, Environment::Unknown));
        live.chain(sandbox).chain(neutral)
    }

    /// Whether this is the pack whose rules name no provider.
    pub fn is_general(&self) -> bool {
        self.id.as_str() == GENERAL
    }
}

/// How to recognise one kind of credential of one provider: what must be known before the first byte is scanned, and the
/// rest, which is read when something of it is first asked for.
#[derive(Debug)]
pub struct Rule {
    /// Kebab-case, begins with the provider, never reused.
    pub id: RuleId,
    /// Whose credential it is.
    pub provider: Arc<ProviderFacts>,
    /// What its values begin with, in lower case.
    literals: Vec<Cow<'static, [u8]>>,
    /// The length of its shortest value, if they are found by the names of their slots.
    named: Option<usize>,
    rest: Late<RuleNames>,
}

/// Under which names the values of a rule stand.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct RuleNames {
    /// Slots that say by themselves what a value is.
    pub names: Vec<NamePattern>,
    /// Slots that say so beside a marker of the provider.
    pub near: Vec<NamePattern>,
    /// Slots that hold something else, although their names fit.
    pub except: Vec<NamePattern>,
    rest: Late<AboutRule>,
}

/// What is asked of a rule once a value may be one of its.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of a rule file")]
pub struct AboutRule {
    /// What a person calls it.
    pub title: Text,
    /// What it opens.
    pub class: Class,
    /// Other roles of the same value.
    pub also: Vec<Class>,
    /// Whether it can move money.
    pub moves_funds: bool,
    /// How its environment is told from the value.
    pub tell: Tell,
    /// What it looks like.
    pub format: Format,
    /// What its facts rest on.
    pub fact: Fact,
    /// Routes that only this kind of key is sent to.
    pub paths: Vec<Text>,
    /// Whether the shape counts only beside a marker of the provider.
    pub needs_marker: bool,
    /// Whether the value must be all of a quoted text, or of a line behind its name.
    pub needs_literal: bool,
    /// Whether nothing but a quoted text will do: what holds brackets and blanks ends nowhere else.
    pub needs_quotes: bool,
    /// What finds its values, where that is a scanner of its own: only when it is asked for.
    pub detector: Option<Detector>,
    /// How the last run ends.
    pub edge: Edge,
    /// Whether it gives the name where several rules share a shape and nothing decides.
    pub default_for: bool,
    /// Providers without a rule of their own that use the same shape.
    pub shared_with: Vec<Provider>,
    /// Tests that a value must pass.
    #[serde(with = "compact::checks")]
    pub checks: Vec<&'static Check>,
    /// Tests that make a value more credible.
    #[serde(with = "compact::checks")]
    pub supports: Vec<&'static Check>,
    /// The highest severity of a finding.
    pub ceiling: Option<Severity>,
    /// What to do.
    pub remediation: Text,
    /// Where the facts come from, beyond the provider's.
    pub references: Vec<Text>,
    /// Texts that it finds. Known of rules that were read from their files, not of the built-in ones.
    #[serde(skip)]
    pub examples: Vec<Example>,
    /// Texts that it does not. Known as the examples are.
    #[serde(skip)]
    pub counter_examples: Vec<CounterExample>,
}

impl Deref for Rule {
    type Target = RuleNames;

    fn deref(&self) -> &RuleNames {
        &self.rest
    }
}

impl DerefMut for Rule {
    fn deref_mut(&mut self) -> &mut RuleNames {
        &mut self.rest
    }
}

impl Deref for RuleNames {
    type Target = AboutRule;

    fn deref(&self) -> &AboutRule {
        &self.rest
    }
}

impl Rule {
    fn new(id: RuleId, provider: Arc<ProviderFacts>, names: [Vec<NamePattern>; 3], about: AboutRule) -> Self {
        let [names, near, except] = names;
        let mut literals: Vec<_> = about.format.literals().iter().map(|literal| literal.to_ascii_lowercase().into()).collect();
        literals.sort();
        literals.dedup();
        let named = (!names.is_empty() || !near.is_empty()).then(|| about.format.min_length());
        let rest = Late::new(RuleNames { names, near, except, rest: Late::new(about) });
        Self { id, provider, literals, named, rest }
    }

    /// What its values begin with, in lower case, in order; empty if no literal is long enough.
    pub fn literals(&self) -> &[Cow<'static, [u8]>] {
        &self.literals
    }

    /// Whether it finds values by shape; the others are found by name only.
    pub fn has_literal(&self) -> bool {
        !self.literals.is_empty()
    }

    /// Whether it knows nothing of a value but the name of its slot: whoever knows more goes before it.
    pub fn is_generic(&self) -> bool {
        self.class == Class::General && self.provider.is_general()
    }

    /// The part of a value that must look random: what a check says, else all behind the first
    /// `public` bytes.
    pub fn body_of<'a>(&self, value: &'a [u8], public: usize) -> &'a [u8] {
        let part = self.checks.iter().find_map(|check| check.random_part);
        part.map_or_else(|| &value[public.min(value.len())..], |part| part(value))
    }

    /// Whether a value is found by the name of its slot.
    pub fn is_named(&self) -> bool {
        self.named.is_some()
    }

    /// The length of its shortest value, if it is found by the name of its slot.
    pub fn shortest_named(&self) -> Option<usize> {
        self.named
    }

    /// The provider that a credential of this rule carries.
    pub fn attributed(&self) -> Option<Provider> {
        (!self.provider.is_general()).then(|| self.provider.id.clone())
    }

    /// `Stripe live secret key`: the title with the environment behind the provider's name.
    pub fn title_for(&self, environment: Environment) -> String {
        if environment == Environment::Unknown {
            return self.title.to_string();
        }
        match self.title.strip_prefix(&*self.provider.name) {
            Some(rest) => format!("{} {environment}{rest}", self.provider.name),
            None => format!("{environment} {}", self.title),
        }
    }
}

/// All rules of a run.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<Arc<Rule>>,
    providers: Vec<Arc<ProviderFacts>>,
    /// The digests of the files, one after the other.
    digests: String,
    /// The digest of all; made when somebody asks, as the next four are.
    digest: OnceLock<String>,
    by_id: OnceLock<HashMap<RuleId, usize>>,
    by_provider: OnceLock<HashMap<Provider, usize>>,
    /// Providers by the words that name them.
    by_name: OnceLock<ProviderNames>,
    published: OnceLock<HashSet<[u8; 32]>>,
}

impl RuleSet {
    /// The rules that are part of the program.
    ///
    /// # Panics
    ///
    /// If the generated form of a file is broken, which the tests rule out.
    pub fn builtin() -> Self {
        let builtin = compact::read(builtin::RULES);
        // Whoever changes a rule file sees the change at once, not only when the tests have run.
        let is_old = |digests: &str| BUILTIN_FILES.iter().map(|(_, text)| digest_of(text)).collect::<String>() != *digests;
        if cfg!(debug_assertions) && builtin.as_ref().map_or(true, |(_, digests)| is_old(digests)) {
            return Self::load(BUILTIN_FILES).unwrap_or_else(|errors| panic!("built-in rules are broken: {}", errors[0]));
        }
        let (rules, digests) = builtin.expect("the built-in rules were written by a test");
        Self::of(rules, digests)
    }

    /// Reads rule files, given as name and text. All their mistakes are reported at once.
    pub fn load<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)]) -> Result<Self, Vec<RuleError>> {
        Self::of(Vec::new(), String::new()).with(files)
    }

    /// The same rules and those of more files. All their mistakes are reported at once.
    pub fn with<N: AsRef<str>, T: AsRef<str>>(self, files: &[(N, T)]) -> Result<Self, Vec<RuleError>> {
        if files.is_empty() {
            return Ok(self);
        }
        let Self { mut rules, mut digests, .. } = self;
        let mut known: HashSet<RuleId> = rules.iter().map(|rule| rule.id.clone()).collect();
        let mut errors = Vec::new();
        for (file, text) in files {
            digests.push_str(&digest_of(text.as_ref()));
            for rule in file::read(file.as_ref(), text.as_ref(), &mut errors) {
                if !known.insert(rule.id.clone()) {
                    let why = "another rule has the same id".to_owned();
                    let (file, rule) = (file.as_ref().to_owned(), Some(rule.id.to_string()));
                    errors.push(RuleError { file, rule, field: Some("id"), why });
                }
                rules.push(rule);
            }
        }
        if errors.is_empty() { Ok(Self::of(rules, digests)) } else { Err(errors) }
    }

    /// The rules in the form that is part of the program, for the test that writes it.
    #[doc(hidden)]
    pub fn compact(&self) -> Result<Vec<u8>, postcard::Error> {
        compact::write(self)
    }

    fn of(rules: Vec<Arc<Rule>>, digests: String) -> Self {
        let providers = providers_of(&rules);
        let (digest, by_id, by_provider) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let (by_name, published) = (OnceLock::new(), OnceLock::new());
        Self { rules, providers, digests, digest, by_id, by_provider, by_name, published }
    }

    /// Adds what a team knows of providers. The error names what is wrong.
    ///
    /// To be called before the rules are shared: what somebody else holds stays as it is.
    pub fn add(&mut self, additions: &[Addition]) -> Result<(), String> {
        for addition in additions {
            let of = |rule: &Arc<Rule>| rule.provider.id.as_str() == addition.provider;
            let Some(facts) = self.rules.iter().find(|rule| of(rule)).map(|rule| ProviderFacts::clone(&rule.provider)) else {
                return Err(format!("no provider is called {:?}", addition.provider));
            };
            let facts = Arc::new(facts.with(addition));
            let patterns = addition.payout_slots.iter().map(|slot| NamePattern::parse(slot));
            let mut patterns = patterns.collect::<Result<Vec<_>, _>>()?;
            for rule in self.rules.iter_mut().filter(|rule| of(rule)).filter_map(Arc::get_mut) {
                rule.provider = Arc::clone(&facts);
                if rule.class == Class::PayoutKey && rule.is_named() {
                    rule.names.append(&mut patterns);
                }
            }
            if let Some(left) = patterns.first() {
                return Err(format!("no rule of {} finds payout keys by name: {}", addition.provider, left.source()));
            }
        }
        self.providers = providers_of(&self.rules);
        self.by_name = OnceLock::new();
        Ok(())
    }

    /// The same rules without those that `keep` refuses.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&Rule) -> bool) -> Self {
        // What a provider has published is no secret, whichever of its rules are wanted.
        let published = OnceLock::from(self.published().clone());
        let rules = self.rules.iter().filter(|rule| keep(rule)).cloned().collect();
        Self { published, ..Self::of(rules, self.digests.clone()) }
    }

    /// Every rule, in the order of the files.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// The rule of that id.
    pub fn get(&self, id: &str) -> Option<&Arc<Rule>> {
        let all = || self.rules.iter().enumerate().map(|(at, rule)| (rule.id.clone(), at)).collect();
        self.by_id.get_or_init(all).get(id).map(|&at| &self.rules[at])
    }

    /// Every provider once, in the order of the files.
    pub fn providers(&self) -> &[Arc<ProviderFacts>] {
        &self.providers
    }

    /// The provider of that id.
    pub fn provider(&self, id: &str) -> Option<&Arc<ProviderFacts>> {
        let all = || self.providers.iter().enumerate().rev().map(|(at, provider)| (provider.id.clone(), at)).collect();
        self.by_provider.get_or_init(all).get(id).map(|&at| &self.providers[at])
    }

    /// The provider of payments that a name of a few words names: by a marker anywhere, or by what
    /// its variables begin with.
    pub fn named(&self, name: &[u8]) -> Option<&Arc<ProviderFacts>> {
        self.named_in(&name::NameWords::of(name))
    }

    /// The provider that these words name.
    pub fn named_in(&self, words: &name::NameWords) -> Option<&Arc<ProviderFacts>> {
        const LONGEST: usize = 4;
        const WORDS: usize = 12;
        let by_name = self.by_name.get_or_init(|| ProviderNames::of(&self.providers));
        let count = words.len().min(WORDS);
        (0..count).find_map(|from| {
            let end = count.min(from + LONGEST);
            let lengths = by_name.lengths(words.joined(from..end));
            if lengths == 0 {
                return None;
            }
            let found = (from + 1..=end).rev().map(|to| words.joined(from..to)).find_map(|name| {
                let fits = lengths >> name.len().min(ProviderNames::LONG) & 1 == 1;
                if fits { by_name.get(name, from == 0) } else { None }
            });
            found.map(|at| &self.providers[at])
        })
    }

    /// Whether a provider prints this value in its documentation: never a leak.
    pub fn is_published(&self, value: &[u8]) -> bool {
        let digest: [u8; 32] = Sha256::digest(value).into();
        self.published().contains(&digest)
    }

    fn published(&self) -> &HashSet<[u8; 32]> {
        self.published.get_or_init(|| self.providers.iter().flat_map(|provider| provider.published.iter().copied()).collect())
    }

    /// Tells one set of rule files from another.
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| digest_of(&self.digests))
    }
}

/// Tells one text from another.
fn digest_of(text: &str) -> String {
    Sha256::digest(text)[..compact::DIGEST / 2].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn providers_of(rules: &[Arc<Rule>]) -> Vec<Arc<ProviderFacts>> {
    let mut all: Vec<_> = rules.iter().map(|rule| Arc::clone(&rule.provider)).collect();
    all.dedup_by(|a, b| Arc::ptr_eq(a, b));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [provider]
        id = "acme"
        name = "Acme"
        [[rule]]
        id = "acme-key"
        title = "Acme secret key"
        class = "standard-api-key"
        environment = { live = "live", sandbox = ["test", "demo"] }
        format = 'acme_(?<env>live|test|demo)_[0-9a-f]{32}'
        remediation = "Roll it."
        examples = [{ text = "{hex:32}" }]
        counter_examples = [{ text = "x", because = "no" }]
    "#;

    fn errors(text: &str) -> Vec<String> {
        RuleSet::load(&[("rules/acme.toml", text)]).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_becomes_rules() {
        let set = RuleSet::load(&[("rules/acme.toml", GOOD)]).unwrap();
        let rule = set.get("acme-key").unwrap();
        assert_eq!(rule.tell.read(Some("demo")), Environment::Sandbox);
        assert_eq!(rule.title_for(Environment::Live), "Acme live secret key");
        assert_eq!(rule.attributed(), Some("acme".into()));
        assert_eq!(set.providers().len(), 1);
        assert_eq!(set.digest().len(), 16);
        assert!(set.filtered(|_| false).rules().is_empty());
    }

    #[test]
    fn providers_are_known_by_their_words() {
        let set = RuleSet::builtin();
        for (name, provider) in [
            ("STRIPE_SECRET_KEY", Some("stripe")),
            ("payments.PayPal", Some("paypal")),
            ("PAYCHAIN_API_KEY", Some("paychain")),
            ("mercado_pago", Some("mercadopago")),
            ("square", Some("square")),
            ("least_square", None),
            ("github", None),
            ("PAYCARD", None),
            ("", None),
        ] {
            assert_eq!(set.named(name.as_bytes()).map(|found| found.id.as_str()), provider, "{name}");
        }
    }

    #[test]
    fn a_team_adds_hosts_networks_and_slots() {
        let mut set = RuleSet::builtin();
        let addition = Addition {
            provider: "payca".into(),
            live_hosts: vec!["API.Tenant.Example".into(), "api.actisas.ee".into()],
            networks: [("acme-chain".to_owned(), Environment::Live)].into(),
            ..Addition::default()
        };
        set.add(&[addition]).unwrap();
        let payca = set.providers().iter().find(|provider| provider.id.as_str() == "payca").unwrap();
        assert_eq!(payca.live_hosts, ["api.tenant.example", "api.actisas.ee"]);
        assert!(!payca.neutral_hosts.contains(&"api.actisas.ee".to_owned().into()) && payca.networks.len() == 1);
        let slots = |provider: &str| Addition {
            provider: provider.into(),
            payout_slots: vec!["BOT_TOKEN".into()],
            ..Addition::default()
        };
        set.add(&[slots("paychain")]).unwrap();
        assert!(set.get("paychain-payout-key").unwrap().names.iter().any(|name| name.source() == "BOT_TOKEN"));
        assert!(set.add(&[slots("nobody")]).unwrap_err().contains("nobody"));
        assert!(set.add(&[slots("mollie")]).unwrap_err().contains("BOT_TOKEN"));
    }

    #[test]
    fn errors_name_file_rule_and_field() {
        let error = |from: &str, to: &str| errors(&GOOD.replace(from, to)).join("\n");
        assert_eq!(
            error("{ live", "{ life"),
            "rules/acme.toml: line 9: data did not match any variant of untagged enum TellShape"
        );
        assert_eq!(
            error("remediation =", "checks = [\"lunh\"]\nremediation ="),
            "rules/acme.toml: acme-key: checks: no check is named \"lunh\""
        );
        assert_eq!(
            error("\"acme-key\"", "\"other-key\""),
            "rules/acme.toml: other-key: id: it must be kebab-case and begin with \"acme-\""
        );
        assert_eq!(error("|demo)", "|demo|qa)"), "rules/acme.toml: acme-key: environment: neither live nor sandbox is \"qa\"");
        assert!(error("{32}'", "+'").starts_with("rules/acme.toml: acme-key: format: a repetition"));
        assert!(error("acme_(?<env>live|test|demo)_", "ac_").contains("no literal of four bytes"));
        assert!(error("title =", "titel =").contains("unknown field `titel`"));
        let twice = GOOD.to_owned() + &GOOD[GOOD.find("[[rule]]").unwrap()..];
        assert_eq!(errors(&twice), ["rules/acme.toml: acme-key: id: another rule has the same id"]);
    }
}
