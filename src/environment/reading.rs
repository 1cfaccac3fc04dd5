//! Evidence of a credential: its value, its slot, a mode flag, what stands beside it, a host, its block,
//! a chain; and how it is written.

use std::cell::OnceCell;

use super::branch;
use super::path::Surroundings;
use super::survey::{Quick, Survey};
use crate::credential::{Class, Credential, Environment, Evidence, Provider};
use crate::detect::{is_payout_name, slot_name};
use crate::finding::{Fact, FactKind, PlaceKind, Stage};
use crate::record;
use crate::rule::MAX_LENGTH;
use crate::rule::name::{NameWords, is_one_of};
use crate::span::Span;

/// Where the environment of a credential is known from; the better the source, the greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Nothing says.
    #[default]
    None,
    /// The place; good for nothing but to compare with other places.
    Place,
    /// The id of a chain.
    Network,
    /// A block or a branch that parts it from its pair.
    Parted,
    /// A host of its provider.
    Host,
    /// An identifier of its provider.
    Sibling,
    /// The mode that its provider is used in.
    Flag,
    /// Its slot.
    Slot,
    /// Its own bytes.
    Value,
}

impl Source {
    /// Which of the rules of evidence it is.
    pub const fn id(self) -> &'static str {
        match self {
            Self::None => "-",
            Self::Place => "C8",
            Self::Network => "C7",
            Self::Parted => "C6",
            Self::Host => "C5",
            Self::Sibling => "C4",
            Self::Flag => "C3",
            Self::Slot => "C2",
            Self::Value => "C1",
        }
    }

    /// What it weighs.
    pub const fn weight(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Place => 30,
            Self::Network => 50,
            Self::Parted => 60,
            Self::Host | Self::Sibling | Self::Flag => 70,
            Self::Slot => 80,
            Self::Value => 100,
        }
    }
}

/// How a value is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// As it is.
    #[default]
    Literal,
    /// What is taken if a variable is not set.
    Default,
    /// In a comment.
    Commented,
}

/// One fact about a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// What it follows from.
    pub source: Source,
    /// Which money it speaks of.
    pub environment: Environment,
    /// The fact.
    pub evidence: Evidence,
}

/// What is known of a credential beyond its bytes.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Which money it touches.
    pub environment: Environment,
    /// Where that is known from.
    pub source: Source,
    /// Everything that speaks of it, the best first.
    pub witnesses: Vec<Witness>,
    /// The name of its slot.
    pub slot: Option<String>,
    /// Which money its slot speaks of.
    pub slot_side: Option<Environment>,
    /// How it is written.
    pub form: Form,
    /// Whether it only waits in a slot of its own.
    pub parked: bool,
    /// Whether its slot is published.
    pub public_slot: bool,
    /// Whether its slot says that it pays out.
    pub payout_slot: bool,
}

impl Reading {
    /// The fact from that source.
    pub fn witness(&self, source: Source) -> Option<&Witness> {
        self.witnesses.iter().find(|witness| witness.source == source)
    }
}

/// What was seen in a file.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Credentials, in order.
    pub credentials: &'a [Credential],
    /// Facts, in order.
    pub facts: &'a [Fact],
}

/// Calls that are given a default.
const ASKS: [&[u8]; 10] = [
    b"getenv(",
    b"env.get(",
    b"environ.get(",
    b"env.fetch(",
    b"env(",
    b"config(",
    b"get_env(",
    b"fetch_env(",
    b"getorelse(",
    b"lookup_env(",
];
/// As much before a value as may belong to its statement.
pub(super) const LINE: usize = 2000;
/// The most arms of a switch.
const ARMS: usize = 32;
/// The most neighbours that are asked: the nearest.
const NEIGHBOURS: usize = 64;

/// What was seen, by what is asked for.
#[derive(Debug)]
pub struct Index<'a> {
    pub(super) seen: Seen<'a>,
    /// Of each host and chain, which money its slot speaks of, and whether it stands in a comment; once
    /// somebody asks.
    told: Vec<OnceCell<(Option<Environment>, bool)>>,
    /// Hosts and chains that say an environment, by their provider.
    facts: Quick<(FactKind, Option<&'a Provider>), Vec<usize>>,
    /// Identifiers whose own bytes say it, by their provider.
    identifiers: Quick<&'a Provider, Vec<usize>>,
    peers: Quick<(Option<&'a Provider>, Class), Peers>,
}

/// Credentials of one kind.
#[derive(Debug, Default)]
struct Peers {
    all: Vec<usize>,
    /// The first one whose block or branch is for live, and for sandbox.
    live: Option<usize>,
    sandbox: Option<usize>,
}

impl<'a> Index<'a> {
    /// Sorts what was seen in a survey.
    pub fn new(survey: &Survey<'_>, seen: Seen<'a>) -> Self {
        let mut index = Self {
            seen,
            told: vec![OnceCell::new(); seen.facts.len()],
            facts: Quick::default(),
            identifiers: Quick::default(),
            peers: Quick::default(),
        };
        for (number, fact) in seen.facts.iter().enumerate() {
            if matches!(fact.kind, FactKind::Host | FactKind::Network) && fact.environment != Environment::Unknown {
                index.facts.entry((fact.kind, fact.provider.as_ref())).or_default().push(number);
            }
        }
        for (number, credential) in seen.credentials.iter().enumerate() {
            let told = credential.because.iter().any(|fact| fact.weight == Some(100));
            if let Some(provider) = credential.provider.as_ref().filter(|_| told && credential.class.is_public()) {
                index.identifiers.entry(provider).or_default().push(number);
            }
            let peers = index.peers.entry((credential.provider.as_ref(), credential.class)).or_default();
            peers.all.push(number);
            let called = || survey.statement(credential.span).said.filter(|said| said.is_mode).and_then(|said| said.side);
            match survey.side(credential.span).or_else(called) {
                Some(Environment::Live) => peers.live.get_or_insert(number),
                Some(Environment::Sandbox) => peers.sandbox.get_or_insert(number),
                _ => continue,
            };
        }
        index
    }

    fn peers<'i>(&'i self, of: &'i Credential) -> Option<&'i Peers> {
        self.peers.get(&(of.provider.as_ref(), of.class))
    }
}

/// The part of ascending numbers whose spans begin in `range`; of many the nearest to `site`.
fn nearby(numbers: &[usize], span_of: impl Fn(usize) -> Span, range: Span, site: Span) -> &[usize] {
    let from = numbers.partition_point(|&number| span_of(number).start < range.start);
    let to = numbers.partition_point(|&number| span_of(number).start < range.end);
    let all = &numbers[from..to.max(from)];
    if all.len() <= NEIGHBOURS {
        return all;
    }
    let here = all.partition_point(|&number| span_of(number).start < site.start);
    let from = here.saturating_sub(NEIGHBOURS / 2).min(all.len() - NEIGHBOURS);
    &all[from..from + NEIGHBOURS]
}

/// A scope of a credential: a range, and the block that it is.
type Reach = (Span, Option<usize>);

impl Survey<'_> {
    /// What is known of the credential of that number.
    pub fn reading(&self, number: usize, index: &Index<'_>) -> Reading {
        let credential = &index.seen.credentials[number];
        let bytes = self.input.bytes;
        let slot = self.slot_of(number, index);
        let name: &[u8] = slot.map_or(b"", |slot| &bytes[slot.range()]);
        let said = slot.map(|_| self.said(name));
        let mut reading = Reading {
            slot: slot.map(|_| String::from_utf8_lossy(name).into_owned()),
            // `production: …` is the name of a place, not of a slot.
            slot_side: said.filter(|said| said.stage.is_none() || said.is_mode).and_then(|said| said.side),
            form: self.form(credential.span),
            public_slot: self.is_public(name, credential.span),
            payout_slot: said.is_some_and(|said| said.of_key) && (is_payout_name(name) || self.within_payout(credential.span)),
            ..Reading::default()
        };
        reading.witnesses.extend(credential.because.iter().filter(|fact| fact.weight == Some(100)).map(|evidence| Witness {
            source: Source::Value,
            environment: credential.environment,
            evidence: evidence.clone(),
        }));
        if let (Some(environment), Some(slot)) = (reading.slot_side, slot) {
            let fact = format!("slot {}", String::from_utf8_lossy(name));
            reading.witnesses.push(Witness {
                source: Source::Slot,
                environment,
                evidence: Evidence { fact, weight: Some(80), span: Some(slot) },
            });
        }
        // Of a pair of slots, a flag says which is used.
        let called = || {
            said.and_then(|said| said.stage).map(|stage| if stage.is_lower() { Environment::Sandbox } else { Environment::Live })
        };
        let side = reading
            .slot_side
            .or_else(called)
            .or_else(|| self.has_sibling(name, credential.span, false).then_some(Environment::Live));
        reading.witnesses.extend(self.flag(credential, side).or_else(|| self.flag_aside(number, side, index)));
        reading.witnesses.extend(self.sibling(number, index));
        reading.witnesses.extend(self.nearest(number, index, FactKind::Host, reading.slot_side));
        reading.witnesses.extend(self.pair(number, index));
        reading.witnesses.extend(self.nearest(number, index, FactKind::Network, reading.slot_side));
        reading.witnesses.sort_by_key(|witness| std::cmp::Reverse(witness.source));
        if let Some(best) = reading.witnesses.first() {
            (reading.environment, reading.source) = (best.environment, best.source);
        }
        reading.parked = self.is_parked(&reading, name, credential.span);
        reading
    }

    /// Whether a slot, a block, a branch or a document says which environment a credential is for.
    pub fn parts(&self, reading: &Reading, span: Span) -> bool {
        reading.slot_side.is_some() || self.side(span).is_some() || self.is_otherwise(span)
    }

    /// The name that a credential is assigned to. In an arm of a condition that is the name before the
    /// condition; a value is no name.
    fn slot_of(&self, number: usize, index: &Index<'_>) -> Option<Span> {
        let (bytes, span) = (self.input.bytes, index.seen.credentials[number].span);
        let floor = span.start.saturating_sub(LINE);
        let is_arm = self.kind() != PlaceKind::Log && self.may_be_arm(span);
        let condition = if is_arm { branch::assigned_at(&bytes[floor..span.start]) } else { None };
        let slot = match condition {
            Some(at) => slot_name(bytes, floor + at),
            None => self.statement(span).slot,
        }?;
        let credentials = index.seen.credentials;
        let before = credentials.partition_point(|other| other.span.start < slot.end);
        let is_value = before.checked_sub(1).is_some_and(|last| credentials[last].span.overlaps(slot));
        (!is_value).then_some(slot)
    }

    /// Whether a value stands in the arm for everything else of a switch between environments.
    fn is_otherwise(&self, span: Span) -> bool {
        let (bytes, dictionary) = (self.input.bytes, &self.run.declared.words);
        let Some(structure) = self.structure() else { return false };
        if branch::is_otherwise(dictionary, &bytes[span.start.saturating_sub(LINE)..span.start]) {
            return true;
        }
        if structure.doubtful {
            return false;
        }
        structure.chain(span.start).any(|block| {
            let head = structure.head(block).trim_ascii();
            let head = head.strip_suffix(b"{").or_else(|| head.strip_suffix(b":")).unwrap_or(head).trim_ascii_end();
            let mut before = std::iter::successors(structure.blocks[block].prev, |&prev| structure.blocks[prev].prev).take(ARMS);
            (head.ends_with(b"else") || head == b"default")
                && before.any(|prev| branch::of_head(dictionary, structure.head(prev), None).is_some())
        })
    }

    /// The scopes of a place, from inside out.
    fn reaches(&self, span: Span) -> Vec<Reach> {
        let bytes = self.input.bytes;
        if self.kind() == PlaceKind::Log {
            return vec![(self.record_around(span), None)];
        }
        match self.structure() {
            Some(structure) if !structure.doubtful => {
                structure.chain(span.start).map(|block| (structure.blocks[block].span, Some(block))).collect()
            }
            Some(_) => vec![(super::structure::window(bytes, span), None), (Span::new(0, bytes.len()), Some(0))],
            None => vec![(super::structure::window(bytes, span), None)],
        }
    }

    /// The record of a log that a place stands in, as far as every window is sure to know what stands there.
    pub(super) fn record_around(&self, span: Span) -> Span {
        let record = record::record_around(self.input.bytes, span.start);
        Span::new(record.start.max(span.start.saturating_sub(MAX_LENGTH)), record.end.min(span.end + MAX_LENGTH))
    }

    /// C4: an identifier of the same provider whose own bytes say the environment.
    fn sibling(&self, number: usize, index: &Index<'_>) -> Option<Witness> {
        let credentials = index.seen.credentials;
        let credential = &credentials[number];
        let all = index.identifiers.get(credential.provider.as_ref()?)?;
        for reach in self.reaches(credential.span) {
            let near = nearby(all, |other| credentials[other].span, reach.0, credential.span);
            let apart = |other: &usize| *other != number && !self.is_parted(credentials[*other].span, number, reach, index);
            let here: Vec<&Credential> = near.iter().copied().filter(apart).map(|other| &credentials[other]).collect();
            if let Some(first) = here.first() {
                let agreed = here.iter().all(|other| other.environment == first.environment);
                let prefix = String::from_utf8_lossy(first.secret.public_prefix()).into_owned();
                let evidence = Evidence { fact: format!("beside {prefix}…"), weight: Some(70), span: Some(first.span) };
                return agreed.then_some(Witness { source: Source::Sibling, environment: first.environment, evidence });
            }
        }
        None
    }

    /// C5 and C7: what hosts of the same provider, or chains, say in the innermost scope that has one: the line, a block.
    fn nearest(&self, number: usize, index: &Index<'_>, kind: FactKind, slot_side: Option<Environment>) -> Option<Witness> {
        let (facts, credential) = (index.seen.facts, &index.seen.credentials[number]);
        let provider = credential.provider.as_ref()?;
        if index.facts.is_empty() || kind == FactKind::Network && !self.has_networks(provider) {
            return None;
        }
        let mut ours: Vec<usize> = [Some(provider), None]
            .into_iter()
            .filter_map(|owner| index.facts.get(&(kind, owner)))
            .flat_map(|all| nearby(all, |fact| facts[fact].span, Span::new(0, usize::MAX), credential.span))
            .copied()
            .collect();
        if ours.is_empty() {
            return None;
        }
        ours.sort_unstable();
        // A host in a slot for one environment says nothing of a credential in a slot for the other; nor
        // of one in an unmarked slot, if there are hosts for both.
        let told = |fact: usize| {
            let tell = || (self.side_of_name(facts[fact].name.as_bytes()), self.is_commented(facts[fact].span));
            *index.told[fact].get_or_init(tell)
        };
        let side = |fact: usize| told(fact).0;
        let several = ours.iter().any(|&fact| side(fact) != side(ours[0]));
        ours.retain(|&fact| match (side(fact), slot_side) {
            (Some(one), Some(other)) => one == other,
            (Some(_), None) => !several,
            (None, _) => true,
        });
        let commented = self.is_commented(credential.span);
        let mut reaches = self.reaches(credential.span);
        // A command with its address stands apart from the one below it.
        let line = super::structure::line_of(self.input.bytes, credential.span);
        if let Some(&(first, scope)) = reaches.first().filter(|(first, _)| first.len() > line.len()) {
            reaches.insert(0, (Span::new(line.start.max(first.start), line.end.min(first.end)), scope));
        }
        for reach in reaches {
            let near = nearby(&ours, |fact| facts[fact].span, reach.0, credential.span);
            let here: Vec<&Fact> = near
                .iter()
                .filter(|&&fact| commented || !told(fact).1)
                .map(|&fact| &facts[fact])
                .filter(|fact| !self.is_parted(fact.span, number, reach, index))
                .collect();
            let Some(first) = here.first() else { continue };
            let agreed = here.iter().all(|fact| fact.environment == first.environment);
            let (source, weight) = if kind == FactKind::Host { (Source::Host, 70) } else { (Source::Network, 50) };
            let evidence =
                Evidence { fact: format!("{} {}", kind.name(), first.text), weight: Some(weight), span: Some(first.span) };
            return agreed.then_some(Witness { source, environment: first.environment, evidence });
        }
        None
    }

    fn has_networks(&self, provider: &Provider) -> bool {
        self.run.rules.provider(provider.as_str()).is_some_and(|facts| !facts.networks.is_empty())
    }

    /// Whether a fact belongs to somebody else: to a block for one environment, to another document, or to
    /// a block with a credential of the same kind.
    pub(super) fn is_parted(&self, fact: Span, number: usize, (_, scope): Reach, index: &Index<'_>) -> bool {
        let site = index.seen.credentials[number].span;
        let (Some(structure), Some(scope)) = (self.structure(), scope) else { return false };
        if structure.doubtful {
            return false;
        }
        structure.chain(fact.start).take_while(|&block| block != scope).any(|block| {
            let here = structure.blocks[block];
            let holds = here.span.start <= site.start && site.start < here.span.end;
            let apart = matches!(here.shape, super::structure::Shape::Document | super::structure::Shape::Section);
            !holds && (apart || self.block(structure, block).side.is_some() || holds_peer(here.span, number, index))
        })
    }

    /// Which money the blocks and branches around a place are for.
    pub fn side(&self, span: Span) -> Option<Environment> {
        if let Some(known) = self.sides.borrow().get(&span.start) {
            return *known;
        }
        let side = self.find_side(span);
        self.sides.borrow_mut().insert(span.start, side);
        side
    }

    fn find_side(&self, span: Span) -> Option<Environment> {
        let of = |stage: Stage| if stage.is_lower() { Environment::Sandbox } else { Environment::Live };
        let structure = self.structure()?;
        let statement = self.statement(span);
        if let Some(arm) = statement.arm {
            return Some(of(arm.stage));
        }
        if let Some(stage) = statement.said.filter(|said| !said.is_mode).and_then(|said| said.stage) {
            return Some(of(stage));
        }
        if let Some((_, stage)) = statement.within {
            return Some(of(stage));
        }
        if structure.doubtful {
            return None;
        }
        structure.chain(span.start).find_map(|block| self.block(structure, block).side)
    }

    /// C6: the block or the branch, where the other one of a pair stands on the other side.
    fn pair(&self, number: usize, index: &Index<'_>) -> Option<Witness> {
        let own = &index.seen.credentials[number];
        let peers = index.peers(own)?;
        let (environment, peer) = match self.side(own.span)? {
            Environment::Live => (Environment::Live, peers.sandbox?),
            _ => (Environment::Sandbox, peers.live?),
        };
        let fact = format!("its block is for {environment}, that of its pair is not");
        let span = Some(index.seen.credentials[peer].span);
        Some(Witness { source: Source::Parted, environment, evidence: Evidence { fact, weight: Some(60), span } })
    }

    /// Whether a place stands in a comment.
    pub fn is_commented(&self, span: Span) -> bool {
        self.structure().is_some_and(|structure| structure.is_commented(span.start))
    }

    fn form(&self, span: Span) -> Form {
        if self.kind() == PlaceKind::Log {
            return Form::Literal;
        }
        if self.is_commented(span) {
            return Form::Commented;
        }
        let bytes = self.input.bytes;
        let line = super::structure::line_start(bytes, span.start).max(span.start.saturating_sub(300));
        let before = bytes[line..span.start].trim_ascii_end();
        let unquoted = before
            .strip_suffix(b"\"")
            .or_else(|| before.strip_suffix(b"'"))
            .or_else(|| before.strip_suffix(b"`"))
            .unwrap_or(before)
            .trim_ascii_end();
        let or = || unquoted.len() >= 3 && unquoted[unquoted.len() - 3..].eq_ignore_ascii_case(b" or");
        let asked = || {
            let lower = unquoted.to_ascii_lowercase();
            ASKS.iter().any(|ask| memchr::memmem::rfind(&lower, ask).is_some_and(|at| !lower[at..].contains(&b')')))
        };
        let fallback = [&b":-"[..], b"||", b"??", b"?:"].iter().any(|mark| unquoted.ends_with(mark))
            || or()
            || unquoted.ends_with(b",") && asked();
        // `${NAME:value}`
        let placeholder = unquoted.strip_suffix(b":").is_some_and(|rest| {
            let name = rest.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte)).count();
            name > 0 && rest[..rest.len() - name].ends_with(b"${")
        });
        if fallback || placeholder { Form::Default } else { Form::Literal }
    }

    /// Whether the name of a slot begins with a prefix that bundlers publish, or stands where they inline.
    fn is_public(&self, name: &[u8], span: Span) -> bool {
        self.has_public_prefix(name) || self.inlines(span.start)
    }

    /// Whether a name begins with a public prefix.
    pub fn has_public_prefix(&self, name: &[u8]) -> bool {
        let own = self.run.declared.public_prefixes.iter().map(String::as_str);
        let name = name.rsplit(|&byte| byte == b'.').next().unwrap_or(name);
        crate::detect::PUBLIC_PREFIXES
            .iter()
            .copied()
            .chain(own)
            .any(|prefix| name.starts_with(prefix.as_bytes()) && name.len() > prefix.len())
    }

    /// A key in a block that is called after payouts.
    fn within_payout(&self, span: Span) -> bool {
        let Some(structure) = self.structure().filter(|structure| !structure.doubtful) else { return false };
        structure.chain(span.start).take(2).filter(|&block| block > 0).any(|block| {
            let head = structure.key(block);
            head.len() < 40 && self.names.is_payout_block(head)
        })
    }

    /// Whether a credential only waits for its turn: in a slot for its own environment, or in the unmarked
    /// one of a pair whose other slot is for the other environment.
    fn is_parked(&self, reading: &Reading, name: &[u8], span: Span) -> bool {
        if reading.slot_side.is_some() || name.is_empty() {
            return reading.slot_side == Some(reading.environment) && reading.slot_side.is_some();
        }
        match reading.environment {
            Environment::Sandbox => self.has_sibling(name, span, true),
            Environment::Live => self.has_sibling(name, span, false),
            Environment::Unknown => false,
        }
    }

    /// Whether a slot that is called the same, but for a word for live or for the sandbox, stands in one of the blocks
    /// around a value.
    fn has_sibling(&self, name: &[u8], span: Span, live: bool) -> bool {
        let words = &self.run.declared.words;
        let Some(structure) = self.structure().filter(|structure| !structure.doubtful) else { return false };
        let stem = OnceCell::new();
        // `prod` is no slot with a sibling, it is a place.
        let is_other = |stem: &str, other: &[u8]| !stem.is_empty() && words.stem_of_slot(other) == stem;
        !name.is_empty()
            && structure.chain(span.start).any(|block| {
                let facts = self.block(structure, block);
                let mut others = if live { &facts.live } else { &facts.sandbox }.iter();
                others.any(|other| is_other(stem.get_or_init(|| words.stem_of_slot(name)), other))
            })
    }

    /// Blocks elsewhere in the file that take over a value by an alias and do not set its slot themselves.
    pub fn heirs(&self, span: Span) -> Vec<Span> {
        let Some(structure) = self.structure().filter(|structure| !structure.doubtful) else { return Vec::new() };
        let name = slot_name(self.input.bytes, span.start).map(|slot| &self.input.bytes[slot.range()]);
        let heirs = structure.heirs(span.start).into_iter().filter(|&heir| {
            let end = structure.blocks[heir].span.end;
            let within = (heir..structure.blocks.len()).take_while(|&block| structure.blocks[block].span.start < end);
            !within
                .into_iter()
                .any(|block| structure.entries(block).iter().any(|entry| Some(entry.name) == name && !entry.value.is_empty()))
        });
        heirs
            .map(|heir| Span::new(structure.blocks[heir].head.start, structure.blocks[heir].head.end))
            .map(|head| inside(head, structure.bytes))
            .collect()
    }

    /// The document, section or file that holds a place: what stands in another one is apart.
    pub fn document(&self, at: usize) -> usize {
        let Some(structure) = self.structure().filter(|structure| !structure.doubtful) else { return 0 };
        let apart = |&block: &usize| {
            matches!(structure.blocks[block].shape, super::structure::Shape::Document | super::structure::Shape::Section)
        };
        structure.chain(at).find(apart).unwrap_or(0)
    }

    /// The innermost block that holds both places.
    pub fn share_block(&self, one: Span, other: Span) -> bool {
        let Some(structure) = self.structure().filter(|structure| !structure.doubtful) else { return true };
        let (one, other) = (structure.innermost(one.start), structure.innermost(other.start));
        let common = structure.outward(one).find(|&block| structure.outward(other).any(|outer| outer == block)).unwrap_or(0);
        let apart = |from: usize| {
            structure.outward(from).take_while(|&block| block != common).any(|block| self.block(structure, block).side.is_some())
        };
        !apart(one) && !apart(other)
    }

    /// The items of lists around a place that have a name of their own, from inside out: the list, and
    /// the item.
    pub fn named_items(&self, at: usize) -> Vec<(Span, Span)> {
        let Some(structure) = self.structure().filter(|structure| !structure.doubtful) else { return Vec::new() };
        let is_named = |block: usize| {
            let entries = structure.entries(block);
            // An item between braces is a block in an item, or in the list itself.
            let inner = structure.children(block).next().filter(|_| entries.is_empty()).map(|inner| structure.entries(inner));
            let mut all = entries.iter().chain(inner.iter().flatten());
            all.any(|entry| is_one_of(NameWords::of(entry.name).normal(), &["name", "id", "chainid", "title", "slug"]))
        };
        let items = structure.chain(at).filter(|&block| block > 0 && structure.is_item(block) && is_named(block));
        items.map(|block| (structure.blocks[structure.blocks[block].parent].span, structure.blocks[block].span)).collect()
    }

    /// The blocks around a place that name a provider or payments.
    pub fn is_payment_block(&self, at: usize) -> bool {
        let Some(structure) = self.structure().filter(|structure| !structure.doubtful) else { return false };
        structure
            .chain(at)
            .filter(|&block| block > 0)
            .map(|block| self.said(structure.key(block)))
            .any(|said| said.of_payments || said.provider.is_some())
    }

    /// What the folders around the file say.
    pub fn around(&self) -> Surroundings {
        self.input.around
    }
}

/// Whether a block holds another credential of the same kind.
fn holds_peer(span: Span, number: usize, index: &Index<'_>) -> bool {
    let credentials = index.seen.credentials;
    let Some(peers) = index.peers(&credentials[number]) else { return false };
    let from = peers.all.partition_point(|&other| credentials[other].span.start < span.start);
    peers.all[from..].iter().take_while(|&&other| credentials[other].span.start < span.end).any(|&other| other != number)
}

/// Behind a head: inside of its block.
fn inside(head: Span, bytes: &[u8]) -> Span {
    let at = head.end.min(bytes.len().saturating_sub(1));
    Span::new(at, at)
}

impl Survey<'_> {
    /// Which money a name speaks of.
    pub fn side_of_name(&self, name: &[u8]) -> Option<Environment> {
        self.said_like(name).side
    }

    /// A name without the words for environments.
    pub fn stem_of_name(&self, name: &[u8]) -> String {
        self.run.declared.words.stem_of_slot(name)
    }

    /// Whether in the blocks around a place something is assigned whose name differs from this one in
    /// the word for the environment only, and does not say sandbox.
    pub fn has_live_sibling(&self, span: Span, name: &[u8]) -> bool {
        let Some(structure) = self.structure().filter(|structure| !structure.doubtful) else { return false };
        let stem = self.stem_of_name(name);
        structure.chain(span.start).any(|block| self.stems(structure, block).binary_search(&stem).is_ok())
    }
}
