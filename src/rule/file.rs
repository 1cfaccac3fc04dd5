//! The shape of a rule file, and its way into a [`Rule`]. Every mistake is reported, each with
//! file, rule and field.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use thiserror::Error;

use super::format::{Edge, Format};
use super::name::NamePattern;
use super::{AboutProvider, AboutRule, Detector, Fact, Late, Pack, ProviderFacts, Rule, Tell, Text};
use crate::check;
use crate::credential::{Class, Environment};
use crate::finding::Severity;

/// A mistake in a rule file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}: {}{}{why}", rule.as_ref().map(|rule| format!("{rule}: ")).unwrap_or_default(), field.map(|field| format!("{field}: ")).unwrap_or_default())]
pub struct RuleError {
    /// The file.
    pub file: String,
    /// The rule, where one is concerned.
    pub rule: Option<String>,
    /// The field, where one is concerned.
    pub field: Option<&'static str>,
    /// What is wrong.
    pub why: String,
}

/// A rule file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    provider: ProviderShape,
    #[serde(default, rename = "rule")]
    rules: Vec<RuleShape>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderShape {
    id: String,
    name: String,
    #[serde(default)]
    region: String,
    #[serde(default)]
    pack: Pack,
    #[serde(default)]
    live_hosts: Vec<String>,
    #[serde(default)]
    sandbox_hosts: Vec<String>,
    #[serde(default)]
    neutral_hosts: Vec<String>,
    #[serde(default)]
    markers: Vec<String>,
    #[serde(default)]
    slots: Vec<String>,
    #[serde(default)]
    headers: Vec<String>,
    #[serde(default)]
    sandbox_paths: Vec<String>,
    #[serde(default)]
    networks: BTreeMap<String, Environment>,
    #[serde(default)]
    published: Vec<String>,
    #[serde(default)]
    references: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleShape {
    id: String,
    title: String,
    class: Class,
    #[serde(default)]
    also: Vec<Class>,
    #[serde(default)]
    moves_funds: bool,
    environment: TellShape,
    format: String,
    #[serde(default)]
    fact: Fact,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    near: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    paths: Vec<String>,
    needs: Option<Needs>,
    detector: Option<Detector>,
    #[serde(default)]
    edge: EdgeShape,
    #[serde(default)]
    default_for: bool,
    #[serde(default)]
    shared_with: Vec<String>,
    #[serde(default)]
    checks: Vec<String>,
    #[serde(default)]
    supports: Vec<String>,
    severity: Option<Severity>,
    remediation: String,
    #[serde(default)]
    references: Vec<String>,
    examples: Vec<Example>,
    counter_examples: Vec<CounterExample>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum TellShape {
    Fixed(Environment),
    ByGroup(GroupShape),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupShape {
    live: Option<Texts>,
    sandbox: Option<Texts>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

impl Texts {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Several(texts) => texts,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Needs {
    Marker,
    Literal,
    Quotes,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum EdgeShape {
    #[default]
    Alphabet,
    Delimiter,
}

/// A text that the rule must find exactly one credential in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The template.
    pub text: String,
    /// The environment that must come out; the rule's own where it is absent.
    pub environment: Option<Environment>,
    /// The class that must come out; the rule's own where it is absent.
    pub class: Option<Class>,
}

/// A text that looks alike and must give no credential of the rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterExample {
    /// The template.
    pub text: String,
    /// Why it is none.
    pub because: String,
}

/// Collects the mistakes of one file.
pub(super) struct Mistakes<'a> {
    file: &'a str,
    rule: Option<String>,
    all: &'a mut Vec<RuleError>,
}

impl Mistakes<'_> {
    fn add(&mut self, field: &'static str, why: impl Into<String>) {
        self.all.push(RuleError { file: self.file.to_owned(), rule: self.rule.clone(), field: Some(field), why: why.into() });
    }

    /// The value, or a mistake in its place.
    fn take<T>(&mut self, field: &'static str, result: Result<T, String>) -> Option<T> {
        result.map_err(|why| self.add(field, why)).ok()
    }

    fn patterns(&mut self, field: &'static str, sources: &[String]) -> Vec<NamePattern> {
        sources.iter().filter_map(|source| self.take(field, NamePattern::parse(source))).collect()
    }

    fn checks(&mut self, field: &'static str, names: &[String]) -> Vec<&'static check::Check> {
        let find = |name: &String| check::named(name).ok_or_else(|| format!("no check is named {name:?}"));
        names.iter().filter_map(|name| self.take(field, find(name))).collect()
    }
}

/// Reads a rule file; its mistakes go to `errors`.
pub(super) fn read(file: &str, text: &str, errors: &mut Vec<RuleError>) -> Vec<Arc<Rule>> {
    let shape: RuleFile = match toml::from_str(text) {
        Ok(shape) => shape,
        Err(error) => {
            let line = error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            let why = format!("line {line}: {}", error.message().trim());
            errors.push(RuleError { file: file.to_owned(), rule: None, field: None, why });
            return Vec::new();
        }
    };
    let mut mistakes = Mistakes { file, rule: None, all: errors };
    let provider = Arc::new(provider(shape.provider, &mut mistakes));
    let rules = shape.rules.into_iter().filter_map(|shape| {
        mistakes.rule = Some(shape.id.clone());
        rule(shape, &provider, &mut mistakes).map(Arc::new)
    });
    rules.collect()
}

fn provider(shape: ProviderShape, mistakes: &mut Mistakes<'_>) -> ProviderFacts {
    if !is_kebab_case(&shape.id) {
        mistakes.add("provider.id", format!("{:?} is not kebab-case", shape.id));
    }
    let published = shape.published.iter().filter_map(|hash| mistakes.take("provider.published", sha256(hash))).collect();
    let about = AboutProvider {
        slots: mistakes.patterns("provider.slots", &shape.slots),
        headers: mistakes.patterns("provider.headers", &shape.headers),
        name: shape.name.into(),
        region: shape.region.into(),
        pack: shape.pack,
        markers: lower(shape.markers),
        published,
        references: texts(shape.references),
    };
    ProviderFacts {
        id: shape.id.as_str().into(),
        live_hosts: lower(shape.live_hosts),
        sandbox_hosts: lower(shape.sandbox_hosts),
        neutral_hosts: lower(shape.neutral_hosts),
        sandbox_paths: texts(shape.sandbox_paths),
        networks: shape.networks.into_iter().map(|(id, environment)| (id.into(), environment)).collect(),
        rest: Late::new(about),
    }
}

fn rule(shape: RuleShape, provider: &Arc<ProviderFacts>, mistakes: &mut Mistakes<'_>) -> Option<Rule> {
    if !is_kebab_case(&shape.id) || !shape.id.starts_with(&format!("{}-", provider.id)) {
        mistakes.add("id", format!("it must be kebab-case and begin with \"{}-\"", provider.id));
    }
    let names = mistakes.patterns("names", &shape.names);
    let near = mistakes.patterns("near", &shape.near);
    let except = mistakes.patterns("except", &shape.except);
    let checks = mistakes.checks("checks", &shape.checks);
    let supports = mistakes.checks("supports", &shape.supports);
    let format = mistakes.take("format", Format::parse(&shape.format))?;
    if format.literals().is_empty() && names.is_empty() && near.is_empty() && shape.detector.is_none() {
        mistakes.add("format", "it begins with no literal of four bytes or more, and the rule declares no names");
    }
    if !shape.paths.is_empty() && near.is_empty() {
        mistakes.add("paths", "they go with `near`");
    }
    let tell = tell(shape.environment, &format, mistakes);
    let about = AboutRule {
        title: shape.title.into(),
        class: shape.class,
        also: shape.also,
        moves_funds: shape.moves_funds,
        tell,
        format,
        fact: shape.fact,
        paths: texts(shape.paths),
        needs_marker: matches!(shape.needs, Some(Needs::Marker)),
        needs_literal: matches!(shape.needs, Some(Needs::Literal | Needs::Quotes)),
        needs_quotes: matches!(shape.needs, Some(Needs::Quotes)),
        detector: shape.detector,
        edge: match shape.edge {
            EdgeShape::Alphabet => Edge::Alphabet,
            EdgeShape::Delimiter => Edge::Delimiter,
        },
        default_for: shape.default_for,
        shared_with: shape.shared_with.iter().map(|id| id.as_str().into()).collect(),
        checks,
        supports,
        ceiling: shape.severity,
        remediation: shape.remediation.into(),
        references: texts(shape.references),
        examples: shape.examples,
        counter_examples: shape.counter_examples,
    };
    Some(Rule::new(shape.id.as_str().into(), Arc::clone(provider), [names, near, except], about))
}

fn tell(shape: TellShape, format: &Format, mistakes: &mut Mistakes<'_>) -> Tell {
    let (live, sandbox) = match shape {
        TellShape::Fixed(environment) => return Tell::Fixed(environment),
        TellShape::ByGroup(group) => (group.live, group.sandbox),
    };
    let tell = Tell::ByGroup {
        live: live.map(Texts::into_vec).unwrap_or_default(),
        sandbox: sandbox.map(Texts::into_vec).unwrap_or_default(),
    };
    let texts = format.environments();
    if texts.is_empty() {
        mistakes.add("environment", "the format has no group named env, as in (?<env>live|test)");
    }
    let mut unread: Vec<_> = texts.iter().filter(|text| tell.read(Some(text)) == Environment::Unknown).collect();
    unread.dedup();
    for text in unread {
        mistakes.add("environment", format!("neither live nor sandbox is {text:?}"));
    }
    tell
}

fn texts(texts: Vec<String>) -> Vec<Text> {
    texts.into_iter().map(Text::from).collect()
}

fn lower(names: Vec<String>) -> Vec<Text> {
    names.into_iter().map(|name| name.to_ascii_lowercase().into()).collect()
}

fn is_kebab_case(id: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    id.split('-').all(word)
}

fn sha256(hex: &str) -> Result<[u8; 32], String> {
    let wrong = || format!("{hex:?} is not 64 hex digits");
    let mut bytes = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return Err(wrong());
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}
