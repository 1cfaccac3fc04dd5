//! Who is meant: rules by the names of their slots; providers by the names of theirs, and by the hosts,
//! markers and headers that stand in a text. One look-up each, however many rules there are.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use super::BLOCK;
use super::near::is_word;
use super::prefilter::{Bytes, Candidate, Prefilter, WORDS, Windows};
use crate::rule::name::{self, NameWords, each_word, normalise};
use crate::rule::{NamePattern, Outline, ProviderFacts, RuleSet};

/// Bits of the hash that lists are kept under.
const LISTS: u32 = 12;
/// The shortest word that tells a variable.
const WORD: usize = 3;
/// How many hashes of three letters are told apart before a list is looked at.
const KNOWN: usize = 1 << 15;

/// What stands in rule files, by what stands in a text: each part made when it is first asked, because most files ask
/// for none and a few names ask for one. Numbers are places in [`RuleSet::rules`] and [`RuleSet::providers`].
#[derive(Debug)]
pub(super) struct Index {
    set: Arc<RuleSet>,
    /// The outlines of their formats, each made when it is first asked: together, so that asking many is quick.
    outlines: Box<[OnceLock<Outline>]>,
    /// Names of rules.
    names: OnceLock<Names<(usize, Role)>>,
    /// Names of providers: the provider, and whether it is one of its slots, not one of its headers.
    slots: OnceLock<Names<(usize, bool)>>,
    /// How names of providers' own rules end.
    leaves: OnceLock<Leaves>,
    words: OnceLock<Words>,
    /// Providers by where their facts are kept.
    numbers: OnceLock<HashMap<usize, usize>>,
}

/// Words that say something of providers.
#[derive(Debug)]
struct Words {
    windows: Windows,
    /// What each of them says.
    meanings: Vec<Vec<Meaning>>,
}

/// What a word says of a provider; the number is its place in the list of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meaning {
    /// Live, sandbox and neutral hosts are counted through; `below` means every host below it.
    Host {
        provider: usize,
        rank: usize,
        below: bool,
    },
    Marker {
        provider: usize,
        rank: usize,
    },
    Header {
        provider: usize,
        rank: usize,
    },
    /// The first word of one of its variables, which tells the routes of its sandbox.
    Variable {
        provider: usize,
    },
    Environment,
    Mode,
}

impl Meaning {
    /// Whom it means.
    pub(super) fn provider(self) -> Option<usize> {
        match self {
            Self::Host { provider, .. } | Self::Marker { provider, .. } | Self::Header { provider, .. } => Some(provider),
            Self::Variable { .. } | Self::Environment | Self::Mode => None,
        }
    }
}

/// What a name is to its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Own,
    Near,
    Except,
}

/// A rule whose name was seen, and how long a pattern of it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) rule: usize,
    /// One of its own names, from one of the words on.
    pub(super) own: Option<usize>,
    /// One of the names that need a marker, as a whole.
    pub(super) near: Option<usize>,
}

impl Words {
    fn new(set: &RuleSet) -> Self {
        let mut said: Vec<(Bytes, Meaning)> = Vec::with_capacity(4 * 1024);
        let mut say = |word: Bytes, meaning| {
            let is_lower = !word.iter().any(u8::is_ascii_uppercase);
            said.push((if is_lower { word } else { word.to_ascii_lowercase().into() }, meaning));
        };
        for (provider, facts) in set.providers().iter().enumerate() {
            for (rank, (host, _)) in facts.hosts().enumerate() {
                let below = host.starts_with("*.");
                say(host.bytes_from(if below { 2 } else { 0 }), Meaning::Host { provider, rank, below });
            }
            for (rank, marker) in facts.markers.iter().enumerate() {
                say(marker.bytes_from(0), Meaning::Marker { provider, rank });
            }
            for (rank, header) in facts.headers.iter().enumerate().filter(|(_, header)| !header.is_open()) {
                say(header.source().bytes_from(0), Meaning::Header { provider, rank });
            }
            let slots = facts.slots.iter().filter(|_| !facts.sandbox_paths.is_empty());
            let first = |slot: &NamePattern| name::words(slot.source().as_bytes()).into_iter().find(|word| word.len() >= WORD);
            for word in slots.filter_map(first).collect::<BTreeSet<_>>() {
                say(word.into_bytes().into(), Meaning::Variable { provider });
            }
        }
        say(b"env".into(), Meaning::Environment);
        say(b"mode".into(), Meaning::Mode);
        said.sort_by(|(one, _), (other, _)| one.cmp(other));
        let same = || said.chunk_by(|(one, _), (other, _)| one == other);
        let windows = Windows::new(same().map(|same| same[0].0.clone()).collect(), WORDS);
        let meanings = same().map(|same| same.iter().map(|&(_, meaning)| meaning).collect()).collect();
        Self { windows, meanings }
    }
}

impl Index {
    /// Everything that the rules name.
    pub(super) fn new(set: &Arc<RuleSet>) -> Self {
        Self {
            set: Arc::clone(set),
            outlines: set.rules().iter().map(|_| OnceLock::new()).collect(),
            names: OnceLock::new(),
            slots: OnceLock::new(),
            leaves: OnceLock::new(),
            words: OnceLock::new(),
            numbers: OnceLock::new(),
        }
    }

    fn names(&self) -> &Names<(usize, Role)> {
        self.names.get_or_init(|| {
            let rules = self.set.rules().iter().enumerate();
            Names::new(rules.flat_map(|(at, rule)| {
                let own = rule.names.iter().map(move |pattern| (pattern, (at, Role::Own)));
                let near = rule.near.iter().map(move |pattern| (pattern, (at, Role::Near)));
                own.chain(near).chain(rule.except.iter().map(move |pattern| (pattern, (at, Role::Except))))
            }))
        })
    }

    fn slots(&self) -> &Names<(usize, bool)> {
        self.slots.get_or_init(|| {
            let providers = self.set.providers().iter().enumerate();
            Names::new(providers.flat_map(|(at, provider)| {
                let slots = provider.slots.iter().map(move |pattern| (pattern, (at, true)));
                slots.chain(provider.headers.iter().map(move |pattern| (pattern, (at, false))))
            }))
        })
    }

    fn told(&self) -> &Words {
        self.words.get_or_init(|| Words::new(&self.set))
    }

    /// What is looked for.
    #[cfg(test)]
    pub(super) fn literals(&self) -> Vec<Bytes> {
        self.told().windows.literals()
    }

    /// Whether a value of a rule may begin where this stands.
    pub(super) fn may_begin(&self, rule: usize, there: &Outline) -> bool {
        self.outlines[rule].get_or_init(|| self.set.rules()[rule].format.outline()).holds(there)
    }

    /// The number of a provider of the set.
    pub(super) fn number(&self, provider: &ProviderFacts) -> Option<usize> {
        let numbers = self.numbers.get_or_init(|| {
            let providers = self.set.providers().iter().enumerate();
            providers.map(|(at, provider)| (Arc::as_ptr(provider).addr(), at)).collect()
        });
        numbers.get(&std::ptr::from_ref(provider).addr()).copied()
    }

    /// What a literal of `words` says.
    pub(super) fn meanings(&self, word: Candidate) -> &[Meaning] {
        &self.told().meanings[word.literal]
    }

    /// How long a literal of `words` is.
    pub(super) fn length(&self, word: Candidate) -> usize {
        self.told().windows.literal(word.literal).len()
    }

    /// Every word that begins in the range, in order.
    pub(super) fn words(&self, bytes: &[u8], range: std::ops::Range<usize>, found: &mut Vec<Candidate>) {
        let before = found.len();
        self.told().windows.candidates(bytes, range, found);
        found[before..].sort_unstable();
    }

    /// Where each marker first stands as a whole word.
    pub(super) fn first_markers(&self, bytes: &[u8]) -> HashMap<&[u8], usize> {
        let (mut first, mut found) = (HashMap::new(), Vec::new());
        for start in (0..bytes.len()).step_by(BLOCK) {
            self.words(bytes, start..(start + BLOCK).min(bytes.len()), &mut found);
            for word in found.drain(..) {
                let is_marker = self.meanings(word).iter().any(|meaning| matches!(meaning, Meaning::Marker { .. }));
                let text = self.told().windows.literal(word.literal);
                if is_marker && !first.contains_key(text) && is_word(bytes, word.at, text.len()) {
                    first.insert(text, word.at);
                }
            }
        }
        first
    }

    /// The rules that know a name, in order.
    pub(super) fn rules(&self, name: &[u8]) -> Vec<Known> {
        let Keys { name, inner, whole } = &Keys::of(name);
        let mut known: Vec<Known> = Vec::new();
        let mut others: Vec<usize> = Vec::new();
        self.names().each(name, inner, &mut |pattern, &(rule, role)| match role {
            Role::Own => known.push(Known { rule, own: Some(pattern.specificity()), near: None }),
            Role::Except => others.push(rule),
            Role::Near => {}
        });
        self.names().each(name, whole, &mut |pattern, &(rule, role)| {
            if role == Role::Near {
                known.push(Known { rule, own: None, near: Some(pattern.specificity()) });
            }
        });
        known.retain(|known| !others.contains(&known.rule));
        known.sort_unstable_by_key(|known| known.rule);
        known.dedup_by(|next, kept| {
            let same = next.rule == kept.rule;
            if same {
                kept.own = kept.own.max(next.own);
                kept.near = kept.near.max(next.near);
            }
            same
        });
        known
    }

    /// The providers that a name of a slot means, in order, each once.
    pub(super) fn providers_named(&self, name: &[u8]) -> Vec<usize> {
        let mut named = Vec::new();
        self.slots().each(&normalise(name), &[0], &mut |_, &(provider, _)| named.push(provider));
        let mut words = Vec::new();
        self.told().windows.candidates(name, 0..name.len(), &mut words);
        for word in words {
            for &meaning in self.meanings(word) {
                if let Meaning::Marker { provider, .. } = meaning
                    && is_word(name, word.at, self.length(word))
                {
                    named.push(provider);
                }
            }
        }
        named.sort_unstable();
        named.dedup();
        named
    }

    /// The providers one of whose slots has this name.
    pub(super) fn owners_of_slot(&self, name: &[u8]) -> Vec<usize> {
        let mut owners = Vec::new();
        self.slots().each(&normalise(name), &[0], &mut |_, &(provider, is_slot)| {
            if is_slot {
                owners.push(provider);
            }
        });
        owners
    }

    /// The payment provider that a name speaks of: `NOWPAYMENTS_API_KEY`, whether or not a rule knows that slot.
    pub(super) fn spoken_of(&self, name: &[u8]) -> Option<&Arc<ProviderFacts>> {
        self.set.named_in(&NameWords::of(name))
    }

    /// Whether a rule of a provider has a name that ends with this one, and is longer.
    pub(super) fn is_leaf(&self, name: &[u8]) -> bool {
        self.leaves.get_or_init(|| Leaves::new(&self.set)).holds(&normalise(name))
    }

    /// The provider of that number.
    pub(super) fn provider(&self, number: usize) -> &Arc<ProviderFacts> {
        &self.set.providers()[number]
    }
}

/// How names end: backwards, in order.
#[derive(Debug)]
struct Leaves {
    backwards: Vec<Vec<u8>>,
    /// What stands behind the last `*` within patterns: a name that ends so may be longer than the pattern says.
    behind: BTreeSet<Box<str>>,
}

impl Leaves {
    fn new(set: &RuleSet) -> Self {
        let own = set.rules().iter().filter(|rule| !rule.provider.is_general()).flat_map(|rule| &rule.names);
        let own = own.map(|pattern| pattern.normal().trim_end_matches('*'));
        let mut backwards: Vec<Vec<u8>> = own.clone().map(|name| name.bytes().rev().collect()).collect();
        backwards.sort_unstable();
        let behind = own.filter_map(|name| Some(name.rsplit_once('*')?.1.into())).collect();
        Self { backwards, behind }
    }

    fn holds(&self, name: &str) -> bool {
        let wanted: Vec<u8> = name.bytes().rev().collect();
        // What begins with it stands directly behind it.
        let from = self.backwards.partition_point(|end| *end <= wanted);
        self.backwards.get(from).is_some_and(|end| end.starts_with(&wanted))
            || self.behind.iter().any(|end| name.ends_with(&**end))
    }
}

/// Patterns of names: those without `*` by how they begin and end, the others by three letters of theirs.
#[derive(Debug)]
struct Names<T> {
    patterns: Vec<(NamePattern, T)>,
    exact: Lists,
    grams: Lists,
    /// Hashes of the three letters that patterns are kept under: most letters of most names are not among them.
    known: Box<[u64; KNOWN / 64]>,
    /// Patterns without three letters in a row.
    rest: Vec<usize>,
}

impl<T: Copy> Names<T> {
    fn new<'a>(patterns: impl Iterator<Item = (&'a NamePattern, T)>) -> Self {
        let patterns: Vec<_> = patterns.map(|(pattern, meaning)| (pattern.clone(), meaning)).collect();
        let open = patterns.iter().enumerate().filter(|(_, (pattern, _))| pattern.is_open());
        // The three letters that the fewest patterns hold.
        let mut counts = vec![0_u16; KNOWN];
        let grams_of = |pattern: &NamePattern| -> Vec<usize> { pattern.normal().split('*').flat_map(grams).collect() };
        for (_, (pattern, _)) in open.clone() {
            for gram in grams_of(pattern) {
                counts[gram] += 1;
            }
        }
        let (mut rows, mut rest) = (Vec::new(), Vec::new());
        for (at, (pattern, _)) in open {
            match grams_of(pattern).into_iter().min_by_key(|&gram| counts[gram]) {
                Some(gram) => rows.push((gram, at)),
                None => rest.push(at),
            }
        }
        let exact = patterns.iter().enumerate().filter(|(_, (pattern, _))| !pattern.is_open());
        let exact = Lists::new(exact.map(|(at, (pattern, _))| (ends(pattern.normal()), at)).collect());
        let mut known = Box::new([0; KNOWN / 64]);
        for (gram, _) in &rows {
            known[gram / 64] |= 1 << (gram % 64);
        }
        let rows = rows.into_iter().map(|(gram, at)| (gram & ((1 << LISTS) - 1), at)).collect();
        Self { grams: Lists::new(rows), exact, known, patterns, rest }
    }

    /// Every pattern that fits a normalised name from one of `starts` on; some of them more than once.
    fn each(&self, name: &str, starts: &[usize], act: &mut dyn FnMut(&NamePattern, &T)) {
        for name in starts.iter().map(|&start| &name[start..]) {
            for (pattern, meaning) in self.exact.of(ends(name)).iter().map(|&at| &self.patterns[at]) {
                if pattern.normal() == name {
                    act(pattern, meaning);
                }
            }
        }
        let known = grams(name).filter(|gram| self.known[gram / 64] >> (gram % 64) & 1 == 1);
        let open = known.flat_map(|gram| self.grams.of(gram & ((1 << LISTS) - 1))).chain(&self.rest);
        for &at in open {
            let (pattern, meaning) = &self.patterns[at];
            if starts.iter().any(|&start| pattern.matches(&name[start..])) {
                act(pattern, meaning);
            }
        }
    }
}

/// Three letters or digits in a row, as five bits each: letters are told apart, digits nearly so.
fn grams(text: &str) -> impl Iterator<Item = usize> + '_ {
    let bits = |byte: u8| usize::from(if byte.is_ascii_digit() { 0x1B + (byte & 3) } else { byte & 0x1F });
    text.as_bytes().windows(3).map(move |three| bits(three[0]) | bits(three[1]) << 5 | bits(three[2]) << 10)
}

/// The first and last letters and the length, as the hash that lists are kept under.
fn ends(text: &str) -> usize {
    let four = |bytes: [Option<&u8>; 4]| u32::from_le_bytes(bytes.map(|byte| byte.copied().unwrap_or(0)));
    let bytes = text.as_bytes();
    let (mut first, mut last) = (bytes.iter(), bytes.iter().rev());
    let first = four(std::array::from_fn(|_| first.next()));
    let last = four(std::array::from_fn(|_| last.next()));
    let length = u32::try_from(bytes.len()).unwrap_or(0);
    hash(first ^ last.rotate_left(13) ^ length.rotate_left(25))
}

fn hash(number: u32) -> usize {
    (number.wrapping_mul(0x9E37_79B1) >> (32 - LISTS)) as usize
}

/// Short lists by a small number.
#[derive(Debug)]
struct Lists {
    begins: Box<[u32]>,
    items: Vec<usize>,
}

impl Lists {
    fn new(mut rows: Vec<(usize, usize)>) -> Self {
        rows.sort_unstable();
        let mut begins = vec![0_u32; (1 << LISTS) + 1];
        for (list, _) in &rows {
            begins[list + 1] += 1;
        }
        for at in 1..begins.len() {
            begins[at] += begins[at - 1];
        }
        Self { begins: begins.into(), items: rows.into_iter().map(|(_, item)| item).collect() }
    }

    fn of(&self, list: usize) -> &[usize] {
        &self.items[self.begins[list] as usize..self.begins[list + 1] as usize]
    }
}

/// A name as rules may know it: normalised, without words for environments and trailing numbers.
#[derive(Debug, Default)]
struct Keys {
    name: String,
    /// Where each of its words begins: applications put their own words in front.
    inner: Vec<usize>,
    /// Its beginning, and what follows each dot: for names that mean something only beside a marker.
    whole: Vec<usize>,
}

/// So many words may stand in front.
const IN_FRONT: usize = 12;

impl Keys {
    fn of(name: &[u8]) -> Self {
        let mut keys = Self { name: String::with_capacity(name.len()), ..Self::default() };
        let mut dot = true;
        each_word(name, |before, word| {
            dot |= before.contains(&b'.');
            let start = keys.name.len();
            keys.name.extend(word.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
            // dLocal is a provider.
            let provider =
                &keys.name[start..] == "local" && keys.inner.last().is_some_and(|&last| &keys.name[last..start] == "d");
            if is_environment(&keys.name[start..]) && !provider {
                return keys.name.truncate(start);
            }
            keys.inner.push(start);
            if std::mem::take(&mut dot) {
                keys.whole.push(start);
                // `setApiKey` is a method for what is called `apiKey`.
                dot = matches!(&keys.name[start..], "set" | "with");
            }
        });
        while keys.inner.last().is_some_and(|&last| keys.name[last..].bytes().all(|byte| byte.is_ascii_digit())) {
            keys.name.truncate(keys.inner.pop().unwrap_or(0));
        }
        keys.whole.retain(|&start| start < keys.name.len());
        keys.inner.truncate(IN_FRONT);
        keys
    }
}

/// Whether a word says which environment a slot is for: that is not part of what it is.
fn is_environment(word: &str) -> bool {
    matches!(
        word,
        "live"
            | "prod"
            | "production"
            | "prd"
            | "test"
            | "testing"
            | "sandbox"
            | "sbx"
            | "staging"
            | "stage"
            | "stg"
            | "dev"
            | "development"
            | "demo"
            | "local"
            | "uat"
            | "qa"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_leave_out_environments_and_what_stands_in_front() {
        let keys = |name: &str| {
            let Keys { name, inner, whole } = Keys::of(name.as_bytes());
            let from = |starts: Vec<usize>| starts.iter().map(|&start| name[start..].to_owned()).collect::<Vec<_>>();
            (from(inner), from(whole))
        };
        assert_eq!(
            keys("MY_PAYCA_SANDBOX_CLIENT_SECRET_2").0,
            ["mypaycaclientsecret", "paycaclientsecret", "clientsecret", "secret"]
        );
        assert_eq!(keys("config.payca.clientSecret").0.last().unwrap(), "secret");
        assert_eq!(keys("http.request.X-Client-Secret").1, ["httprequestxclientsecret", "requestxclientsecret", "xclientsecret"]);
        assert_eq!(keys("MY_CLIENT_SECRET").1, ["myclientsecret"]);
        assert_eq!(keys("test.live.KEY_7").1, ["key"]);
        assert_eq!(keys("live"), (vec![], vec![]));
        assert_eq!(keys("dLocalSecretKey").0[0], "dlocalsecretkey");
        assert_eq!(keys("gateway.setApiKey").1, ["gatewaysetapikey", "setapikey", "apikey"]);
    }

    #[test]
    fn a_leaf_is_the_end_of_a_name_that_a_provider_has_for_itself() {
        let set = RuleSet::builtin();
        let leaves = Leaves::new(&set);
        for (name, is_one) in [("token", true), ("secretkey", true), ("apitoken", true), ("cursor", false), ("amount", false)] {
            assert_eq!(leaves.holds(name), is_one, "{name}");
        }
        // What the rules say one after the other.
        let slowly = |name: &str| {
            let own = set.rules().iter().filter(|rule| !rule.provider.is_general()).flat_map(|rule| &rule.names);
            own.map(|pattern| pattern.normal().trim_end_matches('*')).any(|own| {
                own.len() > name.len() && own.ends_with(name)
                    || own.contains('*') && name.ends_with(own.rsplit('*').next().unwrap())
            })
        };
        for name in set.rules().iter().flat_map(|rule| &rule.names).map(|pattern| pattern.normal().replace('*', "")) {
            for name in (0..name.len()).map(|start| &name[start..]) {
                assert_eq!(leaves.holds(name), slowly(name), "{name}");
            }
        }
    }
}
