//! A format, taken apart: which literals it begins with, and what follows them.
//!
//! Most formats are a few *branches*, each a row of literals and of runs over an alphabet. They are
//! matched as they are. What does not come apart is compiled to a regular expression when its
//! literal is first seen.

use std::sync::OnceLock;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Class, Hir, HirKind};
use serde::{Deserialize, Serialize};

use super::alphabet::Alphabet;
use super::outline::Outline;

/// The longest credential, in bytes. Windows overlap by twice as much.
pub const MAX_LENGTH: usize = 8 * 1024;
/// A literal shorter than this is no prefilter.
const MIN_LITERAL: usize = 4;
/// Words up to this length stand everywhere, a digit behind them does not.
const WORD: usize = 5;
/// More branches than this are left to a regular expression.
const MAX_BRANCHES: usize = 64;
/// A short class inside a prefix is spelled out while it gives at most this many literals.
const MAX_PREFIXES: usize = 256;
/// So much of what a value begins with is looked for.
const PREFIX: usize = 8;
/// So many bytes of a text tell at a glance that no value begins there.
const GLANCE: usize = 12;

/// What a credential looks like.
#[derive(Debug, Serialize, Deserialize)]
pub struct Format {
    source: String,
    shape: Shape,
    min: usize,
    max: usize,
    edge: Alphabet,
    /// What the first bytes of a value may be.
    #[serde(skip)]
    glance: Glance,
}

/// The bytes that may stand at each of the first places of a value, made when it is first asked.
#[derive(Debug, Default)]
struct Glance(OnceLock<[Alphabet; GLANCE]>);

#[derive(Debug, Serialize, Deserialize)]
enum Shape {
    Branches(Vec<Branch>),
    Regex {
        literals: Vec<Box<[u8]>>,
        /// What values begin with, one of them, as far as that is simple: most of what begins with a literal does not
        /// go on like this, and needs no expression, which takes milliseconds to make.
        heads: Vec<Branch>,
        #[serde(skip)]
        regex: OnceLock<Regex>,
    },
}

/// One way to spell a credential.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Branch {
    segments: Vec<Segment>,
    environment: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Segment {
    Literal(Vec<u8>),
    Run { set: Alphabet, min: usize, max: usize },
}

/// A format that cannot be used, and why.
pub type FormatError = String;

/// Where a value ends, and how well it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Length of the value in bytes.
    pub length: usize,
    /// Whether its last run is longer than the format allows.
    pub too_long: bool,
}

/// A value and the text of its `env` group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matched<'a> {
    /// How it fits.
    pub fit: Fit,
    /// The text of the group named `env`.
    pub environment: Option<&'a str>,
}

/// How the last run of a format ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Edge {
    /// Where the alphabet ends.
    #[default]
    Alphabet,
    /// At the quote or bracket that opened the value, or at white space.
    Delimiter,
}

impl Format {
    /// Takes a format apart.
    pub fn parse(source: &str) -> Result<Self, FormatError> {
        let config = syntax::Config::new().unicode(false).utf8(false);
        let hir = syntax::parse_with(source, &config).map_err(|error| first_line(&error.to_string()))?;
        if !hir.properties().look_set().is_empty() {
            return Err("anchors and `\\b` are not allowed: both edges are checked for every rule".to_owned());
        }
        let max = hir.properties().maximum_len().ok_or("a repetition has no upper bound")?;
        if max > MAX_LENGTH {
            return Err(format!("it may be {max} bytes long, the limit is {MAX_LENGTH}"));
        }
        let (shape, edge) = if let Some(branches) = expand(&hir) {
            let branches: Vec<_> = branches.into_iter().map(Branch::merged).collect();
            let edge = branches.iter().fold(Alphabet::ALPHANUMERIC, |edge, branch| edge.union(branch.last_set()));
            (Shape::Branches(branches), edge)
        } else {
            let (literals, heads) = (prefixes_of(&hir), heads_of(&hir));
            (Shape::Regex { literals, heads, regex: OnceLock::new() }, Alphabet::ALPHANUMERIC)
        };
        let min = hir.properties().minimum_len().unwrap_or(0);
        Ok(Self { source: source.to_owned(), shape, min, max, edge, glance: Glance::default() })
    }

    /// The format as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The shortest value, in bytes.
    pub fn min_length(&self) -> usize {
        self.min
    }

    /// The longest value, in bytes.
    pub fn max_length(&self) -> usize {
        self.max
    }

    /// The bytes that must not follow a value.
    pub fn edge(&self) -> Alphabet {
        self.edge
    }

    /// What a value goes on with, wherever it was cut: every letter of it, but none that ends a word.
    pub fn letters(&self) -> Alphabet {
        let mut all = self.edge;
        if let Shape::Branches(branches) = &self.shape {
            for segment in branches.iter().flat_map(|branch| &branch.segments) {
                match segment {
                    Segment::Literal(bytes) => bytes.iter().for_each(|&byte| all.insert(byte, byte)),
                    Segment::Run { set, .. } => all = all.union(*set),
                }
            }
        }
        let inside = b"-_:.+/=~$".iter().copied().collect::<Alphabet>().union(Alphabet::ALPHANUMERIC);
        self.edge.union(all.intersection(inside))
    }

    /// The texts of the group named `env`.
    pub fn environments(&self) -> Vec<&str> {
        let Shape::Branches(branches) = &self.shape else { return Vec::new() };
        branches.iter().filter_map(|branch| branch.environment.as_deref()).collect()
    }

    /// Literals of which every value begins with one; empty where none is long enough.
    pub fn literals(&self) -> Vec<Box<[u8]>> {
        let mut literals: Vec<Box<[u8]>> = match &self.shape {
            Shape::Branches(branches) => branches.iter().flat_map(Branch::prefixes).collect(),
            Shape::Regex { literals, .. } => literals.clone(),
        };
        if literals.iter().any(|literal| literal.len() < MIN_LITERAL) {
            return Vec::new();
        }
        literals.sort();
        literals.dedup();
        literals
    }

    /// The longest beginning that every value with this text of the `env` group shares: it says
    /// what the credential is, and nothing of its body.
    pub fn public_prefix(&self, environment: Option<&str>) -> usize {
        let Shape::Branches(branches) = &self.shape else {
            return common_prefix(self.literals().iter().map(|literal| &literal[..]));
        };
        let same = branches.iter().filter(|branch| branch.environment.as_deref() == environment);
        common_prefix(same.map(|branch| match branch.segments.first() {
            Some(Segment::Literal(bytes)) => &bytes[..],
            _ => &[],
        }))
    }

    /// What a body is drawn from: the format without the literal that it begins with, the same for
    /// formats that differ in nothing else.
    pub fn body_source(&self) -> String {
        let Shape::Branches(branches) = &self.shape else { return self.source.clone() };
        let public = branches.iter().map(|branch| self.public_prefix(branch.environment.as_deref()));
        let body = |(branch, public): (&Branch, usize)| match &branch.segments[..] {
            [Segment::Literal(bytes), rest @ ..] => format!("{:?}{rest:?}", bytes[public.min(bytes.len())..].escape_ascii()),
            segments => format!("{segments:?}"),
        };
        let mut bodies: Vec<String> = branches.iter().zip(public).map(body).collect();
        bodies.sort();
        bodies.dedup();
        bodies.join("|")
    }

    /// How many different bytes a body is drawn from.
    pub fn alphabet_size(&self) -> usize {
        let Shape::Branches(branches) = &self.shape else { return Alphabet::ALPHANUMERIC.len() };
        let sets = branches.iter().flat_map(|branch| &branch.segments).filter_map(|segment| match segment {
            Segment::Run { set, max, .. } if *max > 1 => Some(set.len()),
            _ => None,
        });
        sets.max().unwrap_or(0)
    }

    /// Whether a value may begin at the start of `bytes`, by its first few. Where this is wrong, none does.
    pub fn may_begin(&self, bytes: &[u8]) -> bool {
        let glance = self.glance.0.get_or_init(|| glance_of(self.heads()));
        bytes.len() >= self.min && bytes.iter().take(self.min).zip(glance).all(|(&byte, set)| set.contains(byte))
    }

    /// What kinds of bytes a value begins with.
    pub fn outline(&self) -> Outline {
        Outline::of_sets(&glance_of(self.heads()))
    }

    fn heads(&self) -> &[Branch] {
        match &self.shape {
            Shape::Branches(branches) => branches,
            Shape::Regex { heads, .. } => heads,
        }
    }

    /// The value that begins at the start of `bytes`, if one does. `opened_by` is the byte before it.
    pub fn match_at<'a>(&'a self, bytes: &[u8], edge: Edge, opened_by: Option<u8>) -> Option<Matched<'a>> {
        if !self.may_begin(bytes) {
            return None;
        }
        match &self.shape {
            Shape::Branches(branches) => {
                let fits = branches.iter().filter_map(|branch| {
                    let fit = branch.fit(bytes, &self.edge, edge, opened_by)?;
                    Some(Matched { fit, environment: branch.environment.as_deref() })
                });
                fits.max_by_key(|matched| (!matched.fit.too_long, matched.fit.length))
            }
            Shape::Regex { heads, regex, .. } => {
                if !heads.iter().any(|head| begins(&head.segments, bytes)) {
                    return None;
                }
                let regex = regex.get_or_init(|| compile(&self.source));
                let window = &bytes[..bytes.len().min(self.max)];
                let found = regex.search(&Input::new(window).anchored(Anchored::Yes))?;
                let clear = bytes.get(found.end()).is_none_or(|&next| !self.edge.contains(next));
                clear.then_some(Matched { fit: Fit { length: found.end(), too_long: false }, environment: None })
            }
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().last().unwrap_or(text).trim().trim_start_matches("error: ").to_owned()
}

fn compile(source: &str) -> Regex {
    let config = syntax::Config::new().unicode(false).utf8(false);
    let meta = Regex::config().utf8_empty(false);
    Regex::builder().configure(meta).syntax(config).build(source).expect("the format was parsed when it was loaded")
}

/// What every value begins with, one of them: of each alternative by itself, so that none cuts those of the others short.
fn prefixes_of(hir: &Hir) -> Vec<Box<[u8]>> {
    if let HirKind::Alternation(parts) = hir.kind() {
        return parts.iter().flat_map(prefixes_of).collect();
    }
    let mut extractor = Extractor::new();
    extractor.limit_class(16).limit_total(MAX_PREFIXES);
    let mut literals = extractor.extract(hir);
    literals.keep_first_bytes(PREFIX);
    literals.dedup();
    literals.literals().unwrap_or_default().iter().map(|literal| literal.as_bytes().into()).collect()
}

fn common_prefix<'a>(mut all: impl Iterator<Item = &'a [u8]>) -> usize {
    let Some(first) = all.next() else { return 0 };
    all.fold(first.len(), |length, other| {
        let same = first.iter().zip(other).take_while(|(a, b)| a == b).count();
        length.min(same)
    })
}

/// What each alternative begins with, as far as it is made of literals and runs.
fn heads_of(hir: &Hir) -> Vec<Branch> {
    let parts = match hir.kind() {
        HirKind::Alternation(parts) => return parts.iter().flat_map(heads_of).collect(),
        HirKind::Concat(parts) => &parts[..],
        _ => std::slice::from_ref(hir),
    };
    let mut heads = vec![Branch::default()];
    for part in parts {
        let Some(longer) = expand(part).and_then(|part| product(&heads, &part)) else { break };
        heads = longer;
    }
    heads.into_iter().map(Branch::merged).collect()
}

/// The bytes at each of the first places of what begins with one of these branches.
fn glance_of<const PLACES: usize>(branches: &[Branch]) -> [Alphabet; PLACES] {
    let mut glance = [Alphabet::default(); PLACES];
    let mut add = |places: std::ops::Range<usize>, set: Alphabet| {
        glance.iter_mut().take(places.end).skip(places.start).for_each(|place| *place = place.union(set));
    };
    for branch in branches {
        // A segment may begin behind the shortest or the longest of what is before it.
        let (mut first, mut last) = (0, 0);
        for segment in &branch.segments {
            match segment {
                Segment::Literal(bytes) => {
                    for &byte in bytes {
                        add(first..last + 1, Alphabet::default().with(byte));
                        (first, last) = (first + 1, last + 1);
                    }
                }
                Segment::Run { set, min, max } => {
                    add(first..last + max, *set);
                    (first, last) = (first + min, last + max);
                }
            }
        }
        // Whatever comes behind its end.
        add(first..PLACES, Alphabet::ALL);
    }
    glance
}

/// Whether the bytes begin with the segments, whatever follows.
fn begins(segments: &[Segment], bytes: &[u8]) -> bool {
    match segments {
        [] => true,
        [Segment::Literal(literal), more @ ..] => bytes.strip_prefix(&literal[..]).is_some_and(|rest| begins(more, rest)),
        [Segment::Run { set, min, max }, more @ ..] => {
            (*min..=set.run(bytes, *max)).rev().any(|length| begins(more, &bytes[length..]))
        }
    }
}

/// The branches of a format, or nothing where there are too many.
fn expand(hir: &Hir) -> Option<Vec<Branch>> {
    let branches = match hir.kind() {
        HirKind::Empty => vec![Branch::default()],
        HirKind::Literal(literal) => vec![Branch::of(Segment::Literal(literal.0.to_vec()))],
        HirKind::Class(class) => vec![Branch::of(Segment::Run { set: set_of(class), min: 1, max: 1 })],
        HirKind::Capture(capture) => {
            let mut branches = expand(&capture.sub)?;
            if capture.name.as_deref() == Some("env") {
                for branch in &mut branches {
                    branch.environment = branch.text();
                }
            }
            branches
        }
        HirKind::Concat(parts) => {
            parts.iter().try_fold(vec![Branch::default()], |before, part| product(&before, &expand(part)?))?
        }
        HirKind::Alternation(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(expand).collect();
            parts?.into_iter().flatten().collect()
        }
        HirKind::Repetition(repetition) => {
            let (min, max) = (repetition.min as usize, repetition.max? as usize);
            match repetition.sub.kind() {
                HirKind::Class(class) => vec![Branch::of(Segment::Run { set: set_of(class), min, max })],
                HirKind::Literal(literal) if literal.0.len() == 1 => {
                    vec![Branch::of(Segment::Run { set: literal.0.iter().copied().collect(), min, max })]
                }
                _ => repeated(&expand(&repetition.sub)?, min, max)?,
            }
        }
        HirKind::Look(_) => return None,
    };
    (branches.len() <= MAX_BRANCHES).then_some(branches)
}

fn repeated(once: &[Branch], min: usize, max: usize) -> Option<Vec<Branch>> {
    let mut all = Vec::new();
    let mut row = vec![Branch::default()];
    for count in 0..=max {
        if count >= min {
            all.extend(row.iter().cloned());
        }
        if count < max {
            row = product(&row, once)?;
        }
    }
    (all.len() <= MAX_BRANCHES).then_some(all)
}

fn product(before: &[Branch], after: &[Branch]) -> Option<Vec<Branch>> {
    if before.len() * after.len() > MAX_BRANCHES {
        return None;
    }
    let join = |a: &Branch, b: &Branch| Branch {
        segments: a.segments.iter().chain(&b.segments).cloned().collect(),
        environment: a.environment.clone().or_else(|| b.environment.clone()),
    };
    Some(before.iter().flat_map(|a| after.iter().map(move |b| join(a, b))).collect())
}

fn set_of(class: &Class) -> Alphabet {
    let bytes = match class {
        Class::Bytes(class) => Some(class.clone()),
        Class::Unicode(class) => class.to_byte_class(),
    };
    let ranges = bytes.iter().flat_map(regex_syntax::hir::ClassBytes::ranges);
    ranges.flat_map(|range| range.start()..=range.end()).collect()
}

impl Branch {
    fn of(segment: Segment) -> Self {
        Self { segments: vec![segment], environment: None }
    }

    /// The text of a branch that is nothing but literals.
    fn text(&self) -> Option<String> {
        let mut text = String::new();
        for segment in &self.segments {
            let Segment::Literal(bytes) = segment else { return None };
            text.push_str(std::str::from_utf8(bytes).ok()?);
        }
        Some(text)
    }

    /// Joins neighbouring literals and drops empty ones.
    fn merged(self) -> Self {
        let mut segments: Vec<Segment> = Vec::with_capacity(self.segments.len());
        for segment in self.segments {
            match (segments.last_mut(), segment) {
                (Some(Segment::Literal(before)), Segment::Literal(bytes)) => before.extend(bytes),
                (_, segment) => segments.push(segment),
            }
        }
        Self { segments, environment: self.environment }
    }

    fn last_set(&self) -> Alphabet {
        match self.segments.last() {
            Some(Segment::Run { set, .. }) => *set,
            _ => Alphabet::default(),
        }
    }

    /// The literals that this branch can begin with. A class of one byte between two literals is
    /// spelled out while the literals are still too short to be looked for, and a digit behind a word.
    fn prefixes(&self) -> Vec<Box<[u8]>> {
        let mut prefixes: Vec<Vec<u8>> = vec![Vec::new()];
        for segment in &self.segments {
            let length = prefixes[0].len();
            match segment {
                Segment::Literal(bytes) => prefixes.iter_mut().for_each(|prefix| prefix.extend(bytes)),
                Segment::Run { set, min: 1, max: 1 }
                    if ((1..MIN_LITERAL).contains(&length) || (MIN_LITERAL..=WORD).contains(&length) && set.len() <= 10)
                        && prefixes.len() * set.len() <= MAX_PREFIXES =>
                {
                    let longer = |prefix: &Vec<u8>, byte| [&prefix[..], &[byte]].concat();
                    prefixes = prefixes.iter().flat_map(|prefix| set.bytes().map(move |byte| longer(prefix, byte))).collect();
                }
                Segment::Run { .. } => break,
            }
        }
        prefixes.into_iter().map(Vec::into_boxed_slice).collect()
    }

    /// How the bytes fit this branch, edges included.
    fn fit(&self, bytes: &[u8], edge: &Alphabet, mode: Edge, opened_by: Option<u8>) -> Option<Fit> {
        let literal = match self.segments.first() {
            Some(Segment::Literal(bytes)) => bytes.len(),
            _ => 0,
        };
        let rest = Rest { bytes, edge, mode, opened_by, literal };
        rest.fit(&self.segments, 0)
    }
}

/// What stays the same while the segments of a branch are matched one after the other.
struct Rest<'a> {
    bytes: &'a [u8],
    edge: &'a Alphabet,
    mode: Edge,
    opened_by: Option<u8>,
    literal: usize,
}

impl Rest<'_> {
    /// The longest first, so that a run before another run gives back what that one needs.
    fn fit(&self, segments: &[Segment], at: usize) -> Option<Fit> {
        let rest = self.bytes.get(at..)?;
        match segments {
            [] => self.is_clear(at).then_some(Fit { length: at, too_long: false }),
            [Segment::Literal(literal), more @ ..] => rest.starts_with(literal).then(|| self.fit(more, at + literal.len()))?,
            [Segment::Run { set, min, max }] => match self.mode {
                Edge::Alphabet => self.fit_last(at, set, *min, *max),
                Edge::Delimiter => self.fit_delimited(at, set, *min, *max),
            },
            [Segment::Run { set, min, max }, more @ ..] => {
                let run = set.run(rest, *max);
                (*min..=run).rev().find_map(|length| self.fit(more, at + length))
            }
        }
    }

    fn is_clear(&self, at: usize) -> bool {
        self.bytes.get(at).is_none_or(|&next| !self.edge.contains(next))
    }

    /// The last run is the maximal one. A run longer than the format allows is no match where the
    /// length is fixed, and a doubtful one behind a literal of eight bytes.
    fn fit_last(&self, at: usize, set: &Alphabet, min: usize, max: usize) -> Option<Fit> {
        let holds = |at: usize| self.bytes.get(at).is_some_and(|&byte| set.contains(byte));
        // Where the length is fixed, two bytes tell most runs of another length.
        if min == max && max > 0 && (!holds(at + max - 1) || holds(at + max)) {
            return None;
        }
        let run = set.run(&self.bytes[at..], MAX_LENGTH);
        let too_long = run > max;
        let allowed = !too_long || min < max && self.literal >= 8 && run < MAX_LENGTH;
        (run >= min && allowed && self.is_clear(at + run)).then_some(Fit { length: at + run, too_long })
    }

    /// A run with punctuation in it ends at the quote or bracket that opened the value, or at
    /// white space; failing that, at the last byte that usually follows a value.
    fn fit_delimited(&self, at: usize, set: &Alphabet, min: usize, max: usize) -> Option<Fit> {
        let rest = &self.bytes[at..];
        let closing = match self.opened_by {
            Some(quote @ (b'"' | b'\'' | b'`' | b'&')) => Some(quote),
            Some(b'[') => Some(b']'),
            Some(b'<') => Some(b'>'),
            Some(b'(') => Some(b')'),
            Some(b'{') => Some(b'}'),
            _ => None,
        };
        let run = set.run(rest, max + 1);
        let found = closing.and_then(|byte| memchr::memchr(byte, &rest[..run]));
        let length = found.or_else(|| (run <= max).then_some(run)).or_else(|| {
            let usual = |&byte: &u8| b"\"'`,;&|<>)]} \\".contains(&byte);
            rest[..=max.min(run - 1)].iter().rposition(usual)
        })?;
        let escaped = rest[..length].iter().rev().take_while(|&&byte| byte == b'\\').count();
        let length = if found.is_some() { length - escaped } else { length };
        (min..=max).contains(&length).then_some(Fit { length: at + length, too_long: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(format: &str, text: &str) -> Option<(usize, bool)> {
        let format = Format::parse(format).unwrap();
        let matched = format.match_at(text.as_bytes(), Edge::Alphabet, None)?;
        Some((matched.fit.length, matched.fit.too_long))
    }

    #[test]
    fn a_glance_refuses_what_no_value_begins_with() {
        let may_begin = |format: &str, text: &str| Format::parse(format).unwrap().may_begin(text.as_bytes());
        let runs = "k(?:_[0-9]{2,3}|-a[0-9]{0,2})[x-z]{4}";
        for (format, text, may) in [
            ("[0-9a-f]{32}", "sk_00000000000000000000000000000000", false),
            ("[0-9a-f]{32}", "00000000000000000000000000000000", true),
            ("[0-9a-f]{32}", "0000000000000000000000000000000", false),
            (runs, "k_12xxxx", true),
            (runs, "k_1qxxxx", false),
            (runs, "k-axxxxx", true),
            (runs, "k-a1xxxx", true),
            (runs, "k-xaxxxx", false),
            ("(?:ab){2,9}(?:c|d){1,200}", "ababc", true),
            ("(?:ab){2,9}(?:c|d){1,200}", "abacc", false),
            ("[a-z]{0,3}", "9", true),
            ("a|bc", "x", false),
        ] {
            assert_eq!(may_begin(format, text), may, "{format} at {text}");
        }
    }

    #[test]
    fn formats_come_apart() {
        let format = Format::parse("k_(?<env>live|test)_(?:51[0-9a-z]{4}|[0-9a-z]{3})").unwrap();
        assert!(matches!(&format.shape, Shape::Branches(branches) if branches.len() == 4));
        assert_eq!(format.environments(), ["live", "live", "test", "test"]);
        assert_eq!(format.public_prefix(Some("live")), 7);
        assert_eq!(format.literals().len(), 4);
        assert_eq!(format.alphabet_size(), 36);
        assert_eq!((format.min_length(), format.max_length()), (10, 13));
    }

    #[test]
    fn lengths_and_edges() {
        assert_eq!(fit("abcd_[0-9a-f]{4}", "abcd_0a1b"), Some((9, false)));
        assert_eq!(fit("abcd_[0-9a-f]{4}", "abcd_0a1b,"), Some((9, false)));
        assert_eq!(fit("abcd_[0-9a-f]{4}", "abcd_0a1b2"), None);
        assert_eq!(fit("abcd_[0-9a-f]{4}", "abcd_0a1bz"), None);
        assert_eq!(fit("abcd_[0-9a-f]{4}-X", "abcd_0a1b-X\""), Some((11, false)));
        assert_eq!(fit("abcd_[0-9a-f]{4}-X", "abcd_0a1b-Xy"), None);
        assert_eq!(fit("abcd_[0-9]{2,4}[0-9a-f]{2}", "abcd_1234"), Some((9, false)));
    }

    #[test]
    fn a_longer_run_is_doubtful_only_behind_a_long_literal() {
        assert_eq!(fit("abcdefg_[a-z]{3,4}", "abcdefg_abcde"), Some((13, true)));
        assert_eq!(fit("abcd_[a-z]{3,4}", "abcd_abcde"), None);
        assert_eq!(fit("abcdefg_[a-z]{4}", "abcdefg_abcde"), None);
    }

    #[test]
    fn classes_inside_a_short_prefix_are_spelled_out() {
        let format = Format::parse("AB[0-9]cd[a-z]{9}").unwrap();
        assert_eq!(format.literals().len(), 10);
        assert_eq!(&*format.literals()[3], b"AB3cd");
        assert!(Format::parse("[0-9a-f]{32}").unwrap().literals().is_empty());
    }

    #[test]
    fn a_delimited_run_ends_where_it_was_opened() {
        let format = Format::parse("abcd-[!-~]{4,10}").unwrap();
        let length = |text: &str, by| format.match_at(text.as_bytes(), Edge::Delimiter, by).map(|matched| matched.fit.length);
        assert_eq!(length("abcd-x(y\"z", Some(b'"')), None);
        assert_eq!(length("abcd-x(y'z\",", Some(b'"')), Some(10));
        assert_eq!(length("abcd-x(y'z\\\",", Some(b'"')), Some(10));
        assert_eq!(length("abcd-x(y'z and", None), Some(10));
        assert_eq!(length("abcd-x{yz]more", Some(b'[')), Some(9));
        assert_eq!(length("abcd-x{yz&page=2&limit=100", Some(b'=')), Some(9));
    }

    #[test]
    fn what_does_not_come_apart_is_a_regex() {
        let format = Format::parse("abcd-(?:[a-z]{2,5}-[0-9]{1,3}x){1,70}").unwrap();
        assert!(matches!(format.shape, Shape::Regex { .. }));
        assert!(format.literals().iter().all(|literal| literal.starts_with(b"abcd-")));
        let fit = format.match_at(b"abcd-ab-1xcde-22x;", Edge::Alphabet, None).unwrap().fit;
        assert_eq!(fit, Fit { length: 17, too_long: false });
    }

    #[test]
    fn unusable_formats_say_why() {
        assert!(Format::parse("abcd[0-9]+").unwrap_err().contains("upper bound"));
        assert!(Format::parse(r"\babcd[0-9]{3}").unwrap_err().contains("edges"));
        assert!(Format::parse("abcd[0-9").unwrap_err().contains("unclosed"));
        assert!(Format::parse("abcd[0-9]{9000}").unwrap_err().contains("8192"));
    }
}
