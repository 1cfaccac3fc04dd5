//! One block while it is read: what its head and what is assigned in it say.

use super::declare::{self, Told};
use super::entry::Entry;
use super::resolve::{Clue, Level};
use super::structure::{Shape, Structure};
use super::survey::{BlockFacts, NAMES, Survey};
use super::words::{Counts, Words};
use crate::credential::Environment;
use crate::finding::{PlaceKind, Stage};
use crate::rule::name::{NameWords, is_one_of};
use crate::span::Span;

/// What a class is called that holds settings, and what it may be made of.
const SETTINGS: &[&str] = &["config", "configuration", "conf", "settings", "environment", "env"];
const BASES: &[&str] = &["base", "common", "default"];

/// One block while it is read.
pub(super) struct BlockReading<'s, 'a> {
    pub(super) survey: &'s Survey<'a>,
    pub(super) structure: &'s Structure<'a>,
    pub(super) number: usize,
    pub(super) level: Level,
    pub(super) clues: Vec<Clue>,
    pub(super) facts: BlockFacts<'a>,
}

impl BlockReading<'_, '_> {
    fn words(&self) -> &Words {
        self.survey.dictionary()
    }

    fn push(&mut self, id: &'static str, stage: Stage, weight: u8, fact: String) {
        let span = self.structure.blocks[self.number].head;
        self.clues.push(Clue::new(id, stage, weight, fact).at(span));
    }

    /// P20, P23, P26, P27, P28: what introduces the block.
    pub(super) fn head(&mut self) {
        let (structure, number) = (self.structure, self.number);
        let block = structure.blocks[number];
        let (head, key) = (structure.head(number), structure.key(number));
        let shown = || String::from_utf8_lossy(key);
        let call = head.last() == Some(&b'(');
        let said = self.survey.said(key);
        self.facts.provider = said.provider;
        if let Some(arm) = self.survey.arm(structure, number) {
            self.level = Level::Branch;
            let text = String::from_utf8_lossy(head.trim_ascii()).into_owned();
            self.push("P26", arm.stage, arm.weight, format!("branch {text}"));
            return;
        }
        if block.shape == Shape::Paragraph {
            self.heading(head);
            return;
        }
        if call || key.is_empty() || block.shape == Shape::Item {
            return;
        }
        let ci = self.survey.kind() == PlaceKind::Ci;
        let counts = Counts { live: true, stage: !ci, pro: false };
        if matches!(key, b"release" | b"debug") && structure.key(block.parent) == b"buildTypes" {
            let stage = if key == b"release" { Stage::Production } else { Stage::Dev };
            self.push("P28", stage, 60, format!("build type {}", shown()));
        } else if ci {
            let text = if key.len() < 3 { head } else { key };
            let stage = self.words().loose(head_text(text, head), counts);
            if let Some(stage) = stage {
                self.push("P23", stage, 60, format!("job or step {}", shown()));
            }
        } else if let Some(stage) = self.exact_key((key, said.stage), counts) {
            self.push("P20", stage, 85, format!("key {}", shown()));
        } else if let Some((name, stage)) = self.class(head) {
            self.push("P20", stage, 85, format!("class {}", String::from_utf8_lossy(name)));
        }
    }

    /// `class ProductionConfig(Config):` holds the settings of one environment.
    fn class<'b>(&self, head: &'b [u8]) -> Option<(&'b [u8], Stage)> {
        let at = memchr::memmem::find(head, b"class ").filter(|&at| at == 0 || head[at - 1] == b' ')?;
        let name = &head[at + b"class ".len()..];
        let name = &name[..name.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').unwrap_or(name.len())];
        let all = NameWords::of(name);
        let stage = self.words().loose_in(&all, Counts::default())?;
        let is_settings = |word: &[u8]| is_one_of(word, SETTINGS) || self.words().exact(word, Counts::default()).is_some();
        // `class Production:` may produce something; `class Production(Common):` does not.
        let of_settings = |word: &[u8]| is_one_of(word, SETTINGS) || is_one_of(word, BASES);
        (all.iter().all(is_settings) && NameWords::of(head).iter().any(of_settings)).then_some((name, stage))
    }

    /// `production`, `env.production.vars`, `env_production`.
    fn exact_key(&self, (key, stage): (&[u8], Option<Stage>), counts: Counts) -> Option<Stage> {
        let words = self.words();
        // Symfony's.
        if let Some(stage) = key.strip_prefix(b"when@") {
            return words.exact(stage, counts);
        }
        if self.structure.blocks[self.number].shape != Shape::Section
            && !key.starts_with(b"env")
            && memchr::memchr(b'.', key).is_none()
        {
            return stage;
        }
        let key = key.strip_prefix(b"env_").or_else(|| key.strip_prefix(b"env-")).unwrap_or(key);
        let dotted = self.structure.blocks[self.number].shape == Shape::Section || key.contains(&b'.');
        let mut parts = key.split(|byte| dotted && b".:\"' ".contains(byte)).filter(|part| !part.is_empty());
        // Netlify's contexts have names of two words: `context.deploy-preview`.
        let context = dotted && key.starts_with(b"context.");
        parts.find_map(|part| {
            let part = part.strip_prefix(b"deploy-").filter(|_| context).unwrap_or(part);
            words.exact(part, counts)
        })
    }

    /// A heading of at most five words. One that only tells which key follows says nothing of the place.
    fn heading(&mut self, head: &[u8]) {
        let Some(stage) = self.words().loose(head, Counts::KEY) else { return };
        self.facts.side = Some(if stage.is_lower() { Environment::Sandbox } else { Environment::Live });
        let all = NameWords::of(head);
        let about_keys =
            all.has(&["key", "keys", "token", "tokens", "secret", "secrets", "credentials", "card", "cards", "mode"]);
        let mode = all.has(&["live", "test", "sandbox"]);
        if mode && (about_keys || self.survey.provider_of(head).is_some()) {
            return;
        }
        let text = String::from_utf8_lossy(head.trim_ascii()).into_owned();
        self.push("P27", stage, 50, format!("heading {text}"));
    }

    /// P21 to P23, P36 and the modes of providers: what is assigned directly in the block.
    pub(super) fn entries(&mut self) {
        let file = self.number == 0;
        let ci = self.survey.kind() == PlaceKind::Ci;
        let mut own = self.survey.scratch.take();
        let entries = if file {
            self.survey.file_entries(self.structure)
        } else {
            self.structure.entries_into(self.number, &mut own);
            &own[..]
        };
        let paragraph =
            self.structure.blocks[self.number].shape == Shape::Paragraph && self.structure.blocks[self.number].head.is_empty();
        let of_provider = self.facts.provider.is_some() || self.within_provider();
        // `production:` with `environment: sandbox` in it runs in production, and says the mode of a provider.
        let is_told = !ci && self.clues.iter().any(|clue| clue.id == "P20");
        for (at, entry) in entries.iter().enumerate() {
            let said = self.survey.said(entry.name);
            match said.side.filter(|_| at < NAMES) {
                Some(Environment::Live) => self.facts.live.push(entry.name),
                Some(Environment::Sandbox) => self.facts.sandbox.push(entry.name),
                _ => {}
            }
            let own = of_provider || said.provider.is_some();
            let flag = if said.declares.flag { declare::flag(&Told::new(entry)) } else { None };
            let is_mode = flag.as_ref().is_some_and(|flag| flag.plain) && is_told;
            if said.declares.flag {
                self.facts.flags.extend(flag.filter(|flag| own || flag.generic || flag.plain));
            } else if !entry.commented {
                self.facts.flags.extend(declare::constant(entry.value, entry.span));
            }
            // What stands at the top of a file counts as the file's.
            if file || paragraph || own || is_mode {
                continue;
            }
            if !said.declares.of_place() {
                let listed = || entries.iter().any(|entry| entry.name.eq_ignore_ascii_case(b"value"));
                if !entry.commented && entry.name.eq_ignore_ascii_case(b"name") && !listed() {
                    self.named(entry, ci);
                } else if ci && entry.name == b"deployment" {
                    let stage = self.words().exact(entry.value, Counts::KEY);
                    self.clues.extend(stage.map(|stage| declare::clue("P23", (stage, 90), entry)));
                }
                continue;
            }
            let told = Told::new(entry);
            if let Some(said) = declare::runtime(self.words(), &told) {
                self.facts.built.push(declare::clue("P34", said, entry));
            } else if let Some(stage) = declare::deployment(self.words(), &told).filter(|_| !self.survey.is_pipeline_word(&told))
            {
                let named = ci && told.words.normal() == b"environment";
                self.clues.push(declare::clue(if named { "P23" } else { "P21" }, (stage, if named { 90 } else { 85 }), entry));
            } else if let Some(stage) = declare::switch(&told) {
                self.clues.push(declare::clue("P36", (stage, 60), entry));
            } else if ci && !entry.commented && entry.name == b"stage" && self.shape() == Shape::Item {
                // `- stage: Production` holds jobs; `stage: test` of a job names one of them.
                self.named(entry, ci);
            }
        }
        own.clear();
        self.survey.scratch.replace(own);
        self.arguments();
        self.environment_of_job(ci);
    }

    /// An argument without a name that says the mode of a provider: `Configuration(braintree.Environment.Sandbox, …)`.
    fn arguments(&mut self) {
        if self.structure.head(self.number).last() == Some(&b'(') {
            let constants = self.structure.arguments(self.number);
            self.facts.flags.extend(constants.into_iter().filter_map(|(text, span)| declare::constant(text, span)));
        }
    }

    fn within_provider(&self) -> bool {
        let parent = self.structure.blocks[self.number].parent;
        self.number > 0 && parent > 0 && self.survey.block_provider(self.structure, parent).is_some()
    }

    fn shape(&self) -> Shape {
        self.structure.blocks[self.number].shape
    }

    /// P22: an item or an object that is called like an environment; in a pipeline, a step.
    fn named(&mut self, entry: &Entry<'_>, ci: bool) {
        let counts = Counts { live: true, stage: false, pro: false };
        let anonymous = self.structure.key(self.number).is_empty() || self.shape() == Shape::Item;
        let package = self.survey.path.ends_with("package.json");
        if ci {
            if let Some(stage) = self.words().loose(entry.value, counts) {
                self.clues.push(declare::clue("P23", (stage, 60), entry));
            }
        } else if anonymous && !package {
            // What Postman calls an environment may say whose it is, too.
            let postman = self.survey.path.ends_with(".postman_environment.json");
            let loose = || self.words().loose(entry.value, counts).filter(|_| postman);
            let stage = self.words().exact(entry.value, counts).or_else(loose);
            self.clues.extend(stage.map(|stage| declare::clue("P22", (stage, 85), entry)));
        }
    }

    /// P23: `environment:` with a `name:` of its own.
    fn environment_of_job(&mut self, ci: bool) {
        if !ci || self.number == 0 {
            return;
        }
        let children: Vec<usize> = self.structure.children(self.number).collect();
        for child in children.into_iter().filter(|&child| self.structure.key(child) == b"environment") {
            for entry in self.structure.entries(child).iter().filter(|entry| entry.name == b"name") {
                let stage = self.words().exact(entry.value, Counts::KEY).or_else(|| self.words().loose(entry.value, Counts::KEY));
                self.clues.extend(stage.map(|stage| declare::clue("P23", (stage, 90), entry)));
            }
        }
    }

    /// P24 and P25: labels and namespaces of Kubernetes, profiles of Spring.
    pub(super) fn document(&mut self) {
        let children: Vec<usize> = self.structure.children(self.number).collect();
        let kustomization = self.survey.path.ends_with("kustomization.yaml") || self.survey.path.ends_with("kustomization.yml");
        let mut clues = Vec::new();
        if kustomization {
            for entry in self.structure.entries(self.number).iter().filter(|entry| entry.name == b"namespace") {
                clues.extend(self.namespace(entry));
            }
        }
        // Where an application of Argo CD goes to.
        for &child in children.iter().filter(|&&child| self.structure.key(child) == b"spec") {
            for inner in self.structure.children(child).filter(|&inner| self.structure.key(inner) == b"destination") {
                for entry in self.structure.entries(inner).iter().filter(|entry| entry.name == b"namespace") {
                    clues.extend(self.namespace(entry));
                }
            }
        }
        for &child in children.iter().filter(|&&child| self.structure.key(child) == b"metadata") {
            for entry in self.structure.entries(child).iter().filter(|entry| entry.name == b"namespace") {
                clues.extend(self.namespace(entry));
            }
            let labels = self.structure.children(child).filter(|&inner| self.structure.key(inner) == b"labels");
            for entry in labels.flat_map(|inner| self.structure.entries(inner)) {
                let last = entry.name.rsplit(|&byte| byte == b'/').next().map(NameWords::of);
                let known = last.is_some_and(|last| is_one_of(last.normal(), &["environment", "env", "stage", "tier"]));
                let stage = self.words().exact(entry.value, Counts::KEY).filter(|_| known);
                clues.extend(stage.map(|stage| declare::clue("P24", (stage, 80), &entry)));
            }
        }
        clues.extend(self.profile());
        self.clues.extend(clues);
    }

    fn namespace(&self, entry: &Entry<'_>) -> Option<Clue> {
        let exact = self.words().exact(entry.value, Counts::KEY).map(|stage| (stage, 80));
        let said = exact.or_else(|| Some((self.words().loose(entry.value, Counts::KEY)?, 75)))?;
        Some(declare::clue("P24", said, entry))
    }

    fn profile(&self) -> Option<Clue> {
        let span = self.structure.blocks[self.number].span;
        // A file of several documents has no profile of its own.
        let end = self.structure.children(self.number).find(|&child| self.structure.blocks[child].shape == Shape::Document);
        let end = end.map_or(span.end, |child| self.structure.blocks[child].span.start);
        let text = &self.structure.bytes[span.start..end.max(span.start)];
        let at = memchr::memmem::find(text, b"on-profile").map(|at| at + 10).or_else(|| {
            let at = memchr::memmem::find(text, b"profiles:").map(|at| at + 9)?;
            memchr::memmem::find(&text[..at], b"spring").map(|_| at)
        })?;
        let rest = &text[at..];
        let line = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
        let stage = self.words().loose(line, Counts::KEY)?;
        let span = Span::new(span.start + at, span.start + at + line.len());
        Some(
            Clue::new(
                "P25",
                stage,
                85,
                format!("profile {}", String::from_utf8_lossy(line).trim_matches([' ', ':', '=', '"', '\'', '\r'])),
            )
            .at(span),
        )
    }
}

/// The text of a job: its key, or all of a head such as `stage('Deploy prod')`.
fn head_text<'b>(key: &'b [u8], head: &'b [u8]) -> &'b [u8] {
    if head.contains(&b'(') { head } else { key }
}
