//! `.keyfence.toml`: facts that a team states, and what it has decided. Unknown keys and kinds are errors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex_automata::meta::Regex;
use serde::Deserialize;
use thiserror::Error;

use super::allow::Date;
use super::{Policy, Standing, Target};
use crate::credential::{Confidence, Environment};
use crate::environment::declared::{Declared, DeclaredPlace, Globs};
use crate::environment::words::Words;
use crate::finding::{Kind, PlaceKind, Severity, Stage};
use crate::rule::Addition;

/// The name of the file.
pub const CONFIG: &str = ".keyfence.toml";

/// A mistake in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}: {}{why}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct ConfigError {
    /// The file.
    pub file: String,
    /// The line, where one is concerned.
    pub line: Option<usize>,
    /// What is wrong.
    pub why: String,
}

/// What a configuration says.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Facts about places, words and logs.
    pub declared: Declared,
    /// What blocks, what warns, what is off, what is allowed.
    pub policy: Policy,
    /// Facts about providers.
    pub additions: Vec<Addition>,
    /// Facts about git branches: a glob, and where its code runs.
    pub branches: Vec<(Globs, Stage)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    environment: EnvironmentShape,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EnvironmentShape {
    unresolved: Option<String>,
    min_confidence: Option<Confidence>,
    scan_ignored_env_files: Option<bool>,
    place: Vec<PlaceShape>,
    branch: Vec<BranchShape>,
    host: Vec<HostShape>,
    alias: BTreeMap<String, Stage>,
    log: LogShape,
    provider: Vec<ProviderShape>,
    client: ClientShape,
    backend: BackendShape,
    policy: PolicyShape,
    allow: Vec<AllowShape>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceShape {
    glob: OneOrMany,
    env: Option<Stage>,
    kind: Option<String>,
    #[serde(default)]
    lock: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BranchShape {
    name: String,
    env: Stage,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostShape {
    host: String,
    provider: String,
    env: Environment,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LogShape {
    fields: Vec<String>,
    hosts: Vec<LogHostShape>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogHostShape {
    pattern: String,
    env: Stage,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderShape {
    name: String,
    #[serde(default)]
    payout_slots: Vec<String>,
    #[serde(default)]
    live_hosts: Vec<String>,
    #[serde(default)]
    sandbox_hosts: Vec<String>,
    #[serde(default)]
    networks: BTreeMap<String, Environment>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ClientShape {
    public_prefixes: Vec<String>,
    paths: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct BackendShape {
    paths: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PolicyShape {
    block: Option<Vec<String>>,
    warn: Option<Vec<String>>,
    off: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowShape {
    kind: Option<String>,
    path: Option<OneOrMany>,
    fingerprint: Option<String>,
    reason: Option<String>,
    until: Option<String>,
}

impl OneOrMany {
    fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl Config {
    /// Reads a configuration; the error names the file as `file`.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        let shape: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            ConfigError { file: file.to_owned(), line, why: suggested(error.message().trim()) }
        })?;
        shape.environment.decided().map_err(|why| ConfigError { file: file.to_owned(), line: None, why })
    }

    /// The configuration that counts for a folder: in it, or above it up to the root of the repository.
    pub fn find(folder: &Path) -> Option<PathBuf> {
        let whole = std::path::absolute(folder).ok()?;
        for above in whole.ancestors() {
            let file = above.join(CONFIG);
            if file.is_file() {
                return Some(file);
            }
            if above.join(".git").exists() {
                return None;
            }
        }
        None
    }

    /// The root of the repository that holds a folder; the folder of its configuration without one.
    pub fn root(folder: &Path) -> Option<PathBuf> {
        let whole = std::path::absolute(folder).ok()?;
        whole.ancestors().find(|above| above.join(".git").exists() || above.join(CONFIG).is_file()).map(Path::to_owned)
    }
}

/// `unknown field `x`, expected …` with the nearest known word.
fn suggested(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let (Some(unknown), known) = (quoted.next(), quoted.collect::<Vec<_>>()) else { return message.to_owned() };
    match nearest(unknown, known.iter().copied()).filter(|_| message.starts_with("unknown")) {
        Some(near) => format!("unknown key or value {unknown:?}; did you mean {near:?}?"),
        None => message.to_owned(),
    }
}

/// The known word that is nearest to a wrong one: most parts in common, then the fewest letters to change.
pub fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let parts: Vec<&str> = wrong.split(['-', '_']).collect();
    let shared = |other: &str| other.split(['-', '_']).filter(|part| parts.contains(part)).count();
    let begins = |other: &str| other.starts_with(wrong) && wrong.len() > 1;
    known.min_by_key(|other| (!begins(other), std::cmp::Reverse(shared(other)), distance(wrong, other)))
}

/// Letters to insert, delete or change (Levenshtein).
pub fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, left) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (to, right) in b.bytes().enumerate() {
            let changed = diagonal + usize::from(left != right);
            diagonal = row[to + 1];
            row[to + 1] = changed.min(diagonal + 1).min(row[to] + 1);
        }
    }
    row[b.len()]
}

impl EnvironmentShape {
    fn decided(self) -> Result<Config, String> {
        let mut config = Config::default();
        for place in &self.place {
            config.declared.places.push(place.decided()?);
        }
        for branch in &self.branch {
            let name = |why| format!("[[environment.branch]] name: {why}");
            config.branches.push((Globs::new(&[&branch.name]).map_err(name)?, branch.env));
        }
        config.declared.words = Words::new(self.alias.clone());
        config.declared.log_fields.clone_from(&self.log.fields);
        for host in &self.log.hosts {
            let pattern =
                Regex::new(&host.pattern).map_err(|error| format!("[environment.log] hosts: {:?}: {error}", host.pattern))?;
            config.declared.log_hosts.push((pattern, host.env));
        }
        config.declared.public_prefixes.clone_from(&self.client.public_prefixes);
        config.declared.client = Globs::new(&self.client.paths).map_err(|why| format!("[environment.client] paths: {why}"))?;
        config.declared.backend = Globs::new(&self.backend.paths).map_err(|why| format!("[environment.backend] paths: {why}"))?;
        config.additions = self.additions()?;
        config.policy = self.policy()?;
        Ok(config)
    }

    fn additions(&self) -> Result<Vec<Addition>, String> {
        let mut additions: Vec<Addition> = Vec::new();
        for host in &self.host {
            let mut addition = Addition { provider: host.provider.clone(), ..Addition::default() };
            match host.env {
                Environment::Live => addition.live_hosts.push(host.host.clone()),
                Environment::Sandbox => addition.sandbox_hosts.push(host.host.clone()),
                Environment::Unknown => return Err(format!("[[environment.host]] {}: env is live or sandbox", host.host)),
            }
            additions.push(addition);
        }
        additions.extend(self.provider.iter().map(|provider| Addition {
            provider: provider.name.clone(),
            live_hosts: provider.live_hosts.clone(),
            sandbox_hosts: provider.sandbox_hosts.clone(),
            payout_slots: provider.payout_slots.clone(),
            networks: provider.networks.clone(),
        }));
        Ok(additions)
    }

    fn policy(&self) -> Result<Policy, String> {
        let mut policy = Policy::default();
        match self.unresolved.as_deref() {
            None | Some("report") => {}
            Some("ignore") => policy.report_unresolved = false,
            Some("fail") => policy.fail_unresolved = true,
            Some(other) => return Err(format!("unresolved: {other:?} is none of report, ignore, fail")),
        }
        policy.min_confidence = self.min_confidence.unwrap_or(Confidence::Weak);
        policy.ignored_env_files = self.scan_ignored_env_files.unwrap_or(true);
        let targets = |key: &str, names: &[String]| {
            names
                .iter()
                .map(|name| target(name).map_err(|why| format!("[environment.policy] {key}: {why}")))
                .collect::<Result<Vec<_>, _>>()
        };
        if let Some(block) = &self.policy.block {
            policy.block = targets("block", block)?;
        }
        if let Some(warn) = &self.policy.warn {
            policy.warn = targets("warn", warn)?;
        }
        policy.off = targets("off", &self.policy.off)?;
        for allow in &self.allow {
            policy.allows.push(allow.decided()?);
        }
        Ok(policy)
    }
}

impl PlaceShape {
    fn decided(&self) -> Result<DeclaredPlace, String> {
        let source = self.glob.all().join(", ");
        let globs = Globs::new(self.glob.all()).map_err(|why| format!("[[environment.place]] glob: {why}"))?;
        let names = || PlaceKind::ALL.iter().map(|kind| kind.name()).chain(["backend"]);
        let (kind, backend) = match self.kind.as_deref() {
            None => (None, false),
            Some("backend") => (None, true),
            Some(name) => match PlaceKind::ALL.into_iter().find(|kind| kind.name() == name) {
                Some(kind) => (Some(kind), false),
                None => return Err(format!("[[environment.place]] {source}: kind: {}", unknown(name, names()))),
            },
        };
        if self.env.is_none() && self.kind.is_none() {
            return Err(format!("[[environment.place]] {source}: it says neither env nor kind"));
        }
        Ok(DeclaredPlace { globs, source, stage: self.env, kind, backend, lock: self.lock })
    }
}

impl AllowShape {
    fn decided(&self) -> Result<Standing, String> {
        let what = self.kind.as_deref().or(self.fingerprint.as_deref()).unwrap_or("an entry");
        let wrong = |why: String| format!("[[environment.allow]] {what}: {why}");
        let kind = match self.kind.as_deref() {
            None => None,
            Some(name) => Some(Kind::from_id(name).ok_or_else(|| wrong(unknown(name, Kind::ALL.iter().map(|kind| kind.id()))))?),
        };
        if kind.is_none() && self.fingerprint.is_none() {
            return Err(wrong("it names neither kind nor fingerprint".to_owned()));
        }
        let reason = self.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        let reason = reason.ok_or_else(|| wrong("every exception has a `reason`".to_owned()))?;
        let until = self.until.as_deref().ok_or_else(|| wrong("every exception ends: `until = \"2027-01-31\"`".to_owned()))?;
        let until = Date::parse(until).ok_or_else(|| wrong(format!("until: {until:?} is no date such as 2027-01-31")))?;
        let paths = match &self.path {
            None => None,
            Some(globs) => Some(Globs::new(globs.all()).map_err(|why| wrong(format!("path: {why}")))?),
        };
        Ok(Standing { kind, paths, fingerprint: self.fingerprint.clone(), reason: reason.to_owned(), until })
    }
}

fn target(name: &str) -> Result<Target, String> {
    if let Some(severity) = Severity::ALL.into_iter().find(|severity| severity.name() == name) {
        return Ok(Target::Severity(severity));
    }
    let known = Severity::ALL.iter().map(|severity| severity.name()).chain(Kind::ALL.iter().map(|kind| kind.id()));
    Kind::from_id(name).map(Target::Kind).ok_or_else(|| unknown(name, known))
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = nearest(name, known);
    format!("unknown name {name:?}{}", near.map_or(String::new(), |near| format!("; did you mean {near:?}?")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the environment model.
    const WHOLE: &str = r#"
[environment]
unresolved = "report"
min_confidence = "weak"
scan_ignored_env_files = true
[[environment.place]]
glob = ["clusters/eu*/**", "apps/*/deploy/prod/**"]
env  = "production"
kind = "backend"
lock = true
[[environment.branch]]
name = "release/*"
env  = "production"
[[environment.host]]
host = "api.tenant.example"
provider = "payca"
env  = "live"
[environment.alias]
blue = "production"
hml  = "staging"
[environment.log]
fields = ["ctx.tier"]
hosts  = [{ pattern = "^p\\d{3}-", env = "production" }]
[[environment.provider]]
name = "paychain"
payout_slots  = ["TREASURY_BOT_TOKEN"]
sandbox_hosts = ["pc-sbx.partner.example"]
networks = { "acme-chain" = "live", "acme-chain-t" = "sandbox" }
[environment.client]
public_prefixes = ["SHOP_PUBLIC_"]
paths = ["kiosk/**"]
[environment.backend]
paths = ["edge/functions/**"]
[environment.policy]
block = ["critical", "high"]
warn  = ["medium", "mixed-environments-in-file"]
off   = ["network-environment-mismatch"]
[[environment.allow]]
kind   = "test-card-in-production-log"
path   = "logs/**"
reason = "PayCA launch smoke tests"
until  = "2026-12-01"
"#;

    #[test]
    fn the_whole_of_it() {
        let config = Config::parse(CONFIG, WHOLE).unwrap();
        let place = config.declared.place("apps/shop/deploy/prod/x.yml").unwrap();
        assert!(place.lock && place.backend && place.stage == Some(Stage::Production));
        assert!(config.branches[0].0.matches("release/7"));
        assert_eq!(config.additions.len(), 2);
        assert_eq!(config.declared.log_fields, ["ctx.tier"]);
        assert!(config.declared.log_hosts[0].0.is_match(b"p123-web"));
        assert_eq!(config.policy.allows.len(), 1);
        assert_eq!(config.policy.off, [Target::Kind(Kind::NetworkEnvironmentMismatch)]);
        assert!(Config::parse(CONFIG, "").is_ok());
    }

    #[test]
    fn mistakes_name_the_nearest_word() {
        for (from, to, why) in [
            ("unresolved =", "unresolvd =", "did you mean \"unresolved\"?"),
            ("[environment.alias]", "[environment.aliases]", "did you mean \"alias\"?"),
            ("\"high\"]", "\"hihg\"]", "did you mean \"high\"?"),
            ("\"network-environment-mismatch\"", "\"network-mismatch\"", "did you mean \"network-environment-mismatch\"?"),
            ("\"test-card-in-production-log\"", "\"test-card-in-prod-log\"", "did you mean \"test-card-in-production-log\"?"),
            ("reason = \"PayCA launch smoke tests\"", "", "every exception has a `reason`"),
            ("until  = \"2026-12-01\"", "", "every exception ends"),
            ("\"2026-12-01\"", "\"soon\"", "no date"),
            ("env  = \"production\"\nkind", "env  = \"prod\"\nkind", "did you mean \"production\"?"),
            ("\"backend\"", "\"backen\"", "did you mean \"backend\"?"),
            ("^p\\\\d{3}-", "p(", "[environment.log] hosts"),
            ("unresolved = \"report\"", "unresolved = \"reprot\"", "none of report, ignore, fail"),
            ("\"kiosk/**\"", "\"kiosk/[\"", "[environment.client] paths"),
        ] {
            let text = WHOLE.replacen(from, to, 1);
            assert_ne!(text, WHOLE, "{from}");
            let error = Config::parse(CONFIG, &text).unwrap_err().to_string();
            assert!(error.starts_with(".keyfence.toml: ") && error.contains(why), "{from}: {error}");
        }
    }
}
