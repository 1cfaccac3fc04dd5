//! A file or a window of a log, and where each of its places is: gathers the evidence, scope by scope.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use super::branch;
use super::declare::{self, Flag};
use super::declared::Declared;
use super::entry::{self, Entry};
use super::path::{self, Surroundings};
use super::resolve::{Answer, Clue, Level, Scope, resolve};
use super::structure::{self, Shape, Structure, line_start};
use super::words::{Counts, Words};
use crate::credential::{Environment, Provider};
use crate::finding::{Place, PlaceKind, Stage, Trust};
use crate::record::{self, Field, Meaning};
use crate::rule::name::{normalise, words};
use crate::rule::{Pack, RuleSet};
use crate::span::Span;

/// The longest line whose words are read.
const LINE: usize = 2000;
/// Ids of evidence that parts what is live from what is sandbox.
const PARTING: &[&str] = &["P20", "P22", "P24", "P25", "P26", "P27", "P28"];

/// What all files of a run have in common.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What somebody said on purpose.
    pub declared: &'a Declared,
    /// The providers.
    pub rules: &'a RuleSet,
}

/// What is surveyed.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Its name, if it has one.
    pub path: Option<&'a Path>,
    /// Its bytes, or a window of them.
    pub bytes: &'a [u8],
    /// What sort of place it is, where that is known from something else than its name.
    pub kind: Option<PlaceKind>,
    /// What the folders around it say.
    pub around: Surroundings,
    /// Whether the bytes are all there is, so that blocks can be told.
    pub whole: bool,
    /// What the last start-up banner before these bytes said.
    pub banner: Option<Stage>,
}

/// Where something is, and why.
#[derive(Clone, Debug)]
pub struct Situation {
    /// The place.
    pub place: Place,
    /// All evidence, from inside out.
    pub scopes: Vec<Scope>,
    /// What follows from it.
    pub answer: Answer,
}

/// What a block says.
#[derive(Debug, Default)]
pub(super) struct BlockFacts {
    scope: Option<Scope>,
    /// How code was built: counts for the file.
    built: Vec<Clue>,
    /// Which money what stands in it speaks of, where its head says so.
    pub(super) side: Option<Environment>,
    /// The provider that its head names.
    pub(super) provider: Option<Provider>,
    /// Modes of providers that are set directly in it.
    pub(super) flags: Vec<Flag>,
    /// Names of what is assigned directly in it.
    pub(super) names: Vec<Vec<u8>>,
    /// The same names as slots; few files ask.
    slots: OnceCell<Vec<(Option<Environment>, String)>>,
}

impl BlockFacts {
    /// Which money each of its names speaks of, and the name without that word.
    pub(super) fn slots(&self, words: &Words) -> &[(Option<Environment>, String)] {
        let slot = |name: &Vec<u8>| (words.side_of_slot(name), words.stem_of_slot(name));
        self.slots.get_or_init(|| self.names.iter().map(slot).collect())
    }
}

/// A file, surveyed.
#[derive(Debug)]
pub struct Survey<'a> {
    pub(super) run: Run<'a>,
    pub(super) input: Input<'a>,
    path: String,
    kind: PlaceKind,
    structure: OnceCell<Option<Structure<'a>>>,
    blocks: RefCell<HashMap<usize, Rc<BlockFacts>>>,
    situations: RefCell<HashMap<(usize, PlaceKind), Rc<Situation>>>,
    file: OnceCell<Vec<Clue>>,
    /// Whose each name is, and which side each place is on: many ask the same.
    providers: RefCell<HashMap<Vec<u8>, Option<Provider>>>,
    pub(super) sides: RefCell<HashMap<usize, Option<Environment>>>,
    pragmas: OnceCell<Vec<(usize, Stage)>>,
    banners: OnceCell<Vec<(usize, Stage)>>,
}

impl<'a> Survey<'a> {
    /// Surveys bytes; nothing is parsed before somebody asks.
    pub fn new(run: Run<'a>, input: Input<'a>) -> Self {
        let path = input.path.map_or(String::new(), |path| run.declared.relative(path));
        let kind = input.kind.unwrap_or_else(|| path::kind_with(&path, run.declared, input.around));
        Self {
            run,
            input,
            path,
            kind,
            structure: OnceCell::new(),
            blocks: RefCell::default(),
            situations: RefCell::default(),
            file: OnceCell::new(),
            providers: RefCell::default(),
            sides: RefCell::default(),
            pragmas: OnceCell::new(),
            banners: OnceCell::new(),
        }
    }

    /// The path, from the root of the repository.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What sort of place the file is.
    pub fn kind(&self) -> PlaceKind {
        self.kind
    }

    /// What sort of place `at` is: the script in a page is a client's, whatever the page is.
    pub fn kind_at(&self, at: usize) -> PlaceKind {
        if self.is_inline_test(at) {
            return PlaceKind::Test;
        }
        let page =
            [".erb", ".ejs", ".hbs", ".twig", ".blade.php", ".php", ".jinja", ".jinja2", ".liquid", ".j2", ".cshtml", ".jsp"];
        let open = matches!(self.kind, PlaceKind::Source | PlaceKind::Config);
        let scripted = || self.structure().is_some_and(|structure| structure.is_in(at, b"<script", b"</script"));
        if open && page.iter().any(|end| self.path.ends_with(end)) && scripted() { PlaceKind::Client } else { self.kind }
    }

    /// Rust keeps tests beside the code.
    fn is_inline_test(&self, at: usize) -> bool {
        let rust = self.kind == PlaceKind::Source && Path::new(&self.path).extension().is_some_and(|extension| extension == "rs");
        let structure = self.structure().filter(|structure| rust && !structure.doubtful);
        structure.is_some_and(|structure| {
            let heads = structure.chain(at).into_iter().map(|block| structure.head(block));
            heads.into_iter().any(|head| head.ends_with(b"mod tests {") || head.ends_with(b"mod test {"))
        })
    }

    fn dictionary(&self) -> &'a Words {
        &self.run.declared.words
    }

    pub(super) fn structure(&self) -> Option<&Structure<'a>> {
        let parse = || (self.kind != PlaceKind::Log && self.input.whole).then(|| Structure::parse(self.input.bytes, &self.path));
        self.structure.get_or_init(parse).as_ref()
    }

    /// Where `span` is. What stands in one block, with nothing nearer that says more, is in one place.
    pub fn situation(&self, span: Span) -> Rc<Situation> {
        let mut near = Vec::new();
        if self.kind != PlaceKind::Log {
            self.near(span, &mut near);
        }
        let block = self.structure().filter(|structure| !structure.doubtful && near.is_empty() && self.command(span).is_empty());
        let key = block.map(|structure| (structure.innermost(span.start), self.kind_at(span.start)));
        if let Some(known) = key.and_then(|key| self.situations.borrow().get(&key).cloned()) {
            return known;
        }
        let situation = Rc::new(self.look(span, near));
        if let Some(key) = key {
            self.situations.borrow_mut().insert(key, Rc::clone(&situation));
        }
        situation
    }

    fn look(&self, span: Span, near: Vec<Scope>) -> Situation {
        let declared = self.run.declared;
        let place = declared.place(&self.path);
        let said = declared.forced.map(|stage| Clue::declared("P01", stage, format!("--force-env {stage}"))).or_else(|| {
            let locked = place.filter(|place| place.lock)?;
            Some(Clue::declared("P02", locked.stage?, format!("declared for {}, locked", locked.source)))
        });
        let mut scopes = Vec::new();
        if let Some(said) = said {
            scopes.push(Scope { clues: vec![said], ..Scope::new(Level::Record, "declared") });
        }
        if self.kind == PlaceKind::Log {
            scopes.push(self.record(span));
        } else {
            scopes.extend(near);
            self.inner(span, &mut scopes);
        }
        self.settle(scopes, self.built(span), span.start)
    }

    /// Where the file is, whatever its blocks and records say.
    pub fn whole(&self) -> Situation {
        let said = self.run.declared.forced.map(|stage| Clue::declared("P01", stage, format!("--force-env {stage}")));
        let scope = |said| Scope { clues: vec![said], ..Scope::new(Level::Record, "declared") };
        self.settle(said.map(scope).into_iter().collect(), Vec::new(), 0)
    }

    /// Adds the file and the run to the scopes of a place, and resolves them.
    fn settle(&self, mut scopes: Vec<Scope>, built: Vec<Clue>, at: usize) -> Situation {
        let mut file = Scope::new(Level::File, format!("file {}", if self.path.is_empty() { "-" } else { &self.path }));
        let place = self.run.declared.place(&self.path);
        if let Some((stage, source)) = place.and_then(|place| Some((place.stage?, &place.source))) {
            file.clues.push(Clue::declared("P02", stage, format!("declared for {source}")));
        }
        file.clues.extend(self.file_clues().iter().cloned());
        file.clues.extend(built);
        scopes.push(file);
        scopes.push(self.run_scope());
        let answer = resolve(&scopes);
        let because = match (&answer.conflict, answer.stage) {
            (Some((one, other)), Stage::Unknown) => vec![one.evidence(), other.evidence()],
            _ => answer.because.iter().map(Clue::evidence).collect(),
        };
        let place = Place { environment: answer.stage, kind: self.kind_at(at), confidence: answer.trust, because };
        Situation { place, scopes, answer }
    }

    /// P03 and P40.
    fn run_scope(&self) -> Scope {
        let declared = self.run.declared;
        let mut scope = Scope::new(Level::Run, "run");
        scope.clues.extend(declared.default.map(|stage| Clue::declared("P03", stage, format!("--env {stage}"))));
        if let Some((name, said)) = &declared.branch {
            scope.clues.extend(said.map(|stage| Clue::declared("P02", stage, format!("declared for branch {name}"))));
            let named = self.dictionary().loose(name.as_bytes(), Counts::KEY);
            scope.clues.extend(named.map(|stage| Clue::new("P40", stage, 20, format!("branch {name}"))));
        }
        scope
    }

    /// What is nearer than a block: pragma, branch, line.
    fn near(&self, span: Span, scopes: &mut Vec<Scope>) {
        if let Some(pragma) = self.pragma(span.start) {
            scopes.push(Scope { clues: vec![pragma], ..Scope::new(Level::Record, "pragma") });
        }
        if self.structure().is_none() {
            return;
        }
        let bytes = self.input.bytes;
        let (before, behind) =
            (&bytes[span.start.saturating_sub(LINE)..span.start], &bytes[span.end..(span.end + LINE).min(bytes.len())]);
        if let Some(arm) = branch::inline(self.dictionary(), before, behind) {
            let clue = Clue::new("P26", arm.stage, arm.weight, format!("arm of a condition for {}", arm.stage)).at(span);
            scopes.push(Scope { clues: vec![clue], ..Scope::new(Level::Branch, "condition") });
        }
        let line = self.line(span);
        if !line.clues.is_empty() {
            scopes.push(line);
        }
    }

    /// Blocks and documents; where there are none, the lines around.
    fn inner(&self, span: Span, scopes: &mut Vec<Scope>) {
        let Some(structure) = self.structure().filter(|structure| !structure.doubtful) else {
            scopes.extend(self.window(span));
            return;
        };
        for block in structure.chain(span.start) {
            scopes.extend(self.block(block).scope.clone());
        }
    }

    /// P01: the last pragma before, if its block holds the place.
    fn pragma(&self, at: usize) -> Option<Clue> {
        let pragmas = self.pragmas.get_or_init(|| self.find_pragmas());
        let before = pragmas.partition_point(|(pragma, _)| *pragma <= at);
        let &(pragma, stage) = &pragmas[before.checked_sub(1)?];
        let structure = self.structure()?;
        let block = structure.chain(pragma)[0];
        let span = structure.blocks[block].span;
        (span.start <= at && at < span.end)
            .then(|| Clue::declared("P01", stage, format!("keyfence: env={stage}")).at(Span::new(pragma, pragma + 9)))
    }

    fn find_pragmas(&self) -> Vec<(usize, Stage)> {
        let bytes = self.input.bytes;
        let found = memchr::memmem::find_iter(bytes, b"keyfence: env=").filter_map(|at| {
            let line = line_start(bytes, at);
            let before = bytes[line..at].trim_ascii();
            let comment = [&b"#"[..], b"//", b";", b"--", b"<!--", b"/*", b"*"].iter().any(|mark| before.ends_with(mark));
            let value = &bytes[at + b"keyfence: env=".len()..];
            let length = value.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            let stage = Stage::named(&String::from_utf8_lossy(&value[..length]))?;
            comment.then_some((at, stage))
        });
        found.collect()
    }

    /// P20 for a key that is a word for an environment, P21 for what is set in the same command.
    fn line(&self, span: Span) -> Scope {
        let bytes = self.input.bytes;
        let mut scope = Scope::new(Level::Block, "line");
        if let Some(slot) = crate::detect::slot_name(bytes, span.start) {
            let name = &bytes[slot.range()];
            // `live: …` and `test: …` speak of the key, not of the place.
            let mode = matches!(normalise(name).as_str(), "live" | "test" | "sandbox");
            let stage = self.dictionary().exact(name, Counts { live: false, stage: false, pro: false }).filter(|_| !mode);
            scope.clues.extend(
                stage.map(|stage| Clue::new("P20", stage, 85, format!("key {}", String::from_utf8_lossy(name))).at(slot)),
            );
        }
        for (name, value, span) in self.command(span) {
            let entry = Entry { name, value, commented: false, span };
            if let Some(stage) = declare::deployment(self.dictionary(), &entry) {
                scope.clues.push(declare::clue("P21", (stage, 85), &entry));
            } else if matches!(name, b"-n" | b"--namespace") {
                let stage = self.dictionary().loose(value, Counts::KEY);
                scope.clues.extend(stage.map(|stage| declare::clue("P24", (stage, 75), &entry)));
            } else if matches!(name, b"--env" | b"--environment" | b"--stage") {
                let stage = self.dictionary().exact(value, Counts::KEY);
                scope.clues.extend(stage.map(|stage| declare::clue("P21", (stage, 85), &entry)));
            }
        }
        scope
    }

    /// The assignments and options of the shell command that holds `span`, its continued lines included.
    fn command(&self, span: Span) -> Vec<(&'a [u8], &'a [u8], Span)> {
        let bytes = self.input.bytes;
        let mut start = line_start(bytes, span.start);
        if span.start - start > LINE {
            return Vec::new();
        }
        for _ in 0..10 {
            if start == 0
                || !bytes[start.saturating_sub(LINE)..start - 1].trim_ascii_end().ends_with(b"\\")
                || span.start - start > LINE
            {
                break;
            }
            start = line_start(bytes, start - 1);
        }
        let ceiling = (span.end + LINE).min(bytes.len());
        let line_end = |from: usize| memchr::memchr(b'\n', &bytes[from.min(ceiling)..ceiling]).map_or(ceiling, |at| from + at);
        let mut end = line_end(span.end);
        for _ in 0..10 {
            if !bytes[start..end].trim_ascii_end().ends_with(b"\\") || end >= bytes.len() {
                break;
            }
            end = line_end(end + 1);
        }
        if end - start > LINE {
            return Vec::new();
        }
        let signs = memchr::memchr2_iter(b'=', b'-', &bytes[start..end]);
        if signs.take(2).count() < 2 {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut last: &[u8] = b"";
        for word in
            bytes[start..end].split(|byte| byte.is_ascii_whitespace() || b"\"'".contains(byte)).filter(|word| !word.is_empty())
        {
            let here = Span::new(start, end);
            if let Some(equal) = memchr::memchr(b'=', word) {
                found.push((&word[..equal], word[equal + 1..].trim_ascii(), here));
            } else if last.starts_with(b"-") {
                found.push((last, word, here));
            }
            last = word;
        }
        // What stands alone on its line is an entry of its block.
        if found.len() < 2 { Vec::new() } else { found }
    }

    /// Eight lines on either side, where there are no blocks.
    fn window(&self, span: Span) -> Option<Scope> {
        let bytes = self.input.bytes;
        let window = structure::window(bytes, span);
        let mut entries = Vec::new();
        entry::read(bytes, window, true, &mut entries);
        let mut scope = Scope::new(Level::Block, "eight lines around");
        for entry in &entries {
            let stage = declare::deployment(self.dictionary(), entry);
            scope.clues.extend(stage.map(|stage| declare::clue("P21", (stage, 85), entry)));
        }
        Some(scope).filter(|scope| !scope.clues.is_empty())
    }

    /// P34 in the blocks that hold the place: it counts for the file.
    fn built(&self, span: Span) -> Vec<Clue> {
        let Some(structure) = self.structure().filter(|structure| !structure.doubtful) else { return Vec::new() };
        let mut clues: Vec<Clue> = Vec::new();
        for block in structure.chain(span.start) {
            clues.extend(self.block(block).built.iter().cloned());
        }
        for (name, value, span) in self.command(span) {
            let entry = Entry { name, value, commented: false, span };
            clues.extend(declare::runtime(self.dictionary(), &entry).map(|said| declare::clue("P34", said, &entry)));
        }
        clues
    }

    /// What the path says, and what is assigned at the top of the file.
    fn file_clues(&self) -> &[Clue] {
        self.file.get_or_init(|| {
            let mut clues = path::clues(&self.path, self.kind, self.run.declared, self.input.around);
            let Some(structure) = self.structure().filter(|structure| !structure.doubtful) else { return clues };
            for entry in Self::file_entries(structure) {
                if self.provider_of(entry.name).is_some() {
                    continue;
                }
                if let Some(stage) = declare::deployment(self.dictionary(), &entry).filter(|_| !self.is_pipeline_word(&entry)) {
                    clues.push(declare::clue("P33", (stage, 85), &entry));
                } else if let Some(said) = declare::runtime(self.dictionary(), &entry) {
                    clues.push(declare::clue("P34", said, &entry));
                } else if let Some(stage) = declare::switch(&entry) {
                    clues.push(declare::clue("P36", (stage, 60), &entry));
                } else if let Some(stage) = declare::own_url(self.dictionary(), &entry) {
                    clues.push(declare::clue("P37", (stage, 50), &entry));
                }
            }
            clues
        })
    }

    /// Assignments of the file itself, and of paragraphs without a heading.
    fn file_entries(structure: &Structure<'a>) -> Vec<Entry<'a>> {
        let mut entries = structure.entries(0);
        for child in structure.children(0) {
            let block = structure.blocks[child];
            if block.shape == Shape::Paragraph && block.head.is_empty() {
                entries.extend(structure.entries(child));
            }
        }
        entries
    }

    /// In a pipeline, `stage: test` is a step.
    fn is_pipeline_word(&self, entry: &Entry<'_>) -> bool {
        self.kind == PlaceKind::Ci && matches!(normalise(entry.name).as_str(), "stage" | "tier" | "workspace")
    }

    /// The provider that a name or a head names.
    pub(super) fn provider_of(&self, name: &[u8]) -> Option<Provider> {
        if let Some(known) = self.providers.borrow().get(name) {
            return known.clone();
        }
        let provider = self.run.rules.named(name).map(|provider| provider.id.clone());
        self.providers.borrow_mut().insert(name.to_vec(), provider.clone());
        provider
    }

    /// Whether a provider is one of payments.
    pub(super) fn is_payment_provider(&self, id: &Provider) -> bool {
        let facts = self.run.rules.providers().iter().find(|facts| facts.id == *id);
        facts.is_some_and(|facts| facts.pack == Pack::Payments && !facts.is_general())
    }

    pub(super) fn block(&self, number: usize) -> Rc<BlockFacts> {
        if let Some(facts) = self.blocks.borrow().get(&number) {
            return Rc::clone(facts);
        }
        let facts = Rc::new(self.read_block(number));
        self.blocks.borrow_mut().insert(number, Rc::clone(&facts));
        facts
    }

    fn read_block(&self, number: usize) -> BlockFacts {
        let Some(structure) = self.structure() else { return BlockFacts::default() };
        let block = structure.blocks[number];
        let head = String::from_utf8_lossy(structure.head(number).trim_ascii()).into_owned();
        let mut reading = BlockReading {
            survey: self,
            structure,
            number,
            level: Level::Block,
            clues: Vec::new(),
            facts: BlockFacts::default(),
        };
        if number > 0 {
            reading.head();
        }
        reading.entries();
        if matches!(block.shape, Shape::File | Shape::Document) {
            reading.document();
        }
        let BlockReading { level, clues, mut facts, .. } = reading;
        let parting = clues.iter().find(|clue| PARTING.contains(&clue.id));
        facts.side = facts
            .side
            .or_else(|| parting.map(|clue| if clue.stage.is_lower() { Environment::Sandbox } else { Environment::Live }));
        let level = if matches!(block.shape, Shape::Document | Shape::Section | Shape::File) && level == Level::Block {
            Level::Document
        } else {
            level
        };
        let name = match block.shape {
            Shape::File | Shape::Document => "document".to_owned(),
            Shape::Section => format!("section {head}"),
            Shape::Paragraph if head.is_empty() => "paragraph".to_owned(),
            Shape::Paragraph => format!("paragraph {head}"),
            Shape::Item => "list item".to_owned(),
            Shape::Block => format!("block {}", head.chars().take(60).collect::<String>()),
        };
        facts.scope = (!clues.is_empty()).then(|| Scope { clues, ..Scope::new(level, name) });
        facts
    }

    /// P10 to P17: what the record that holds the place says.
    fn record(&self, span: Span) -> Scope {
        let bytes = self.input.bytes;
        let record = record::record_around(bytes, span.start);
        let mut scope = Scope::new(Level::Record, "record");
        for field in self.fields(span) {
            scope.clues.extend(self.field(&field));
        }
        let banners = self.banners.get_or_init(|| banners(bytes, self.dictionary()));
        let before = banners.partition_point(|(at, _)| *at <= record.start);
        let last = before.checked_sub(1).map(|last| banners[last]).map(|(at, stage)| (Some(at), stage));
        if let Some((at, stage)) = last.or(self.input.banner.map(|stage| (None, stage))) {
            let clue = Clue::new("P17", stage, 45, format!("start-up banner says {stage}"));
            scope.clues.push(Clue { span: at.map(|at| Span::new(at, at + 1)), ..clue });
        }
        scope
    }

    /// The fields of the record that holds a place.
    pub fn fields(&self, span: Span) -> Vec<Field> {
        let record = record::record_around(self.input.bytes, span.start);
        record::fields(self.input.bytes, record, span.start, &self.run.declared.log_fields)
    }

    /// What the last start-up banner in these bytes says.
    pub fn last_banner(&self) -> Option<Stage> {
        self.start_ups().last().map(|(_, stage)| *stage).or(self.input.banner)
    }

    /// What start-up banners in these bytes say, and where their lines begin.
    pub fn start_ups(&self) -> &[(usize, Stage)] {
        self.banners.get_or_init(|| banners(self.input.bytes, self.dictionary()))
    }

    fn field(&self, field: &Field) -> Option<Clue> {
        let (words, value) = (self.dictionary(), field.value.as_bytes());
        let loose = |text: &[u8]| words.loose(text, Counts::KEY);
        let (id, stage, weight) = match field.meaning {
            Meaning::Environment => {
                ("P10", words.exact(value, Counts::KEY).or_else(|| loose(value).filter(|_| value.len() <= 40))?, 90)
            }
            Meaning::MaybeEnvironment => ("P10", words.exact(value, Counts::KEY)?, 90),
            Meaning::Tag => ("P12", loose(value)?, 80),
            Meaning::Channel => ("P11", words.exact(value, Counts::KEY)?, 85),
            Meaning::Namespace => ("P13", loose(value)?, 70),
            Meaning::Group => ("P14", loose(value)?, 60),
            Meaning::Host => {
                let said = self.run.declared.log_hosts.iter().find(|(pattern, _)| pattern.is_match(value));
                match said {
                    Some((_, stage)) => ("P15", *stage, 80),
                    None => (
                        "P15",
                        declare::host_stage(words, value).or_else(|| loose(value).filter(|_| !value.contains(&b'.')))?,
                        55,
                    ),
                }
            }
            Meaning::Service => ("P16", loose(value)?, 50),
            Meaning::Request | Meaning::Trace | Meaning::Time => return None,
        };
        Some(Clue::new(id, stage, weight, format!("{}={}", field.name, field.value)).at(field.span))
    }
}

fn banners(bytes: &[u8], words: &Words) -> Vec<(usize, Stage)> {
    let lines = record::banners(bytes).into_iter();
    lines
        .filter_map(|line| {
            let word = record::banner(&bytes[line.range()])?;
            Some((line.start, words.exact(word, Counts::KEY)?))
        })
        .collect()
}

/// One block while it is read.
struct BlockReading<'s, 'a> {
    survey: &'s Survey<'a>,
    structure: &'s Structure<'a>,
    number: usize,
    level: Level,
    clues: Vec<Clue>,
    facts: BlockFacts,
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
    fn head(&mut self) {
        let (structure, number) = (self.structure, self.number);
        let block = structure.blocks[number];
        let (head, key) = (structure.head(number), structure.key(number));
        let shown = String::from_utf8_lossy(key).into_owned();
        let call = head.last() == Some(&b'(');
        self.facts.provider = self.survey.provider_of(key);
        let before = block.prev.map(|prev| structure.head(prev));
        if let Some(arm) = branch::of_head(self.words(), head, before) {
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
        let ci = self.survey.kind == PlaceKind::Ci;
        let counts = Counts { live: true, stage: !ci, pro: false };
        let parent = structure.key(block.parent);
        if matches!(key, b"release" | b"debug") && parent == b"buildTypes" {
            let stage = if key == b"release" { Stage::Production } else { Stage::Dev };
            self.push("P28", stage, 60, format!("build type {shown}"));
        } else if ci {
            let text = if key.len() < 3 { head } else { key };
            let stage = self.words().loose(head_text(text, head), counts);
            if let Some(stage) = stage {
                self.push("P23", stage, 60, format!("job or step {shown}"));
            }
        } else if let Some(stage) = self.exact_key(key, counts) {
            self.push("P20", stage, 85, format!("key {shown}"));
        }
    }

    /// `production`, `env.production.vars`, `env_production`.
    fn exact_key(&self, key: &[u8], counts: Counts) -> Option<Stage> {
        let words = self.words();
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
        let all = words(head);
        let about_keys = all.iter().any(|word| {
            matches!(
                word.as_str(),
                "key" | "keys" | "token" | "tokens" | "secret" | "secrets" | "credentials" | "card" | "cards" | "mode"
            )
        });
        let mode = all.iter().any(|word| matches!(word.as_str(), "live" | "test" | "sandbox"));
        if mode && (about_keys || self.survey.provider_of(head).is_some()) {
            return;
        }
        let text = String::from_utf8_lossy(head.trim_ascii()).into_owned();
        self.push("P27", stage, 50, format!("heading {text}"));
    }

    /// P21 to P23, P36 and the modes of providers: what is assigned directly in the block.
    fn entries(&mut self) {
        let file = self.number == 0;
        let ci = self.survey.kind == PlaceKind::Ci;
        let entries = if file { Survey::file_entries(self.structure) } else { self.structure.entries(self.number) };
        let paragraph =
            self.structure.blocks[self.number].shape == Shape::Paragraph && self.structure.blocks[self.number].head.is_empty();
        let of_provider = self.facts.provider.is_some() || self.within_provider();
        let listed = entries.iter().any(|entry| entry.name.eq_ignore_ascii_case(b"value"));
        for entry in &entries {
            if self.facts.names.len() < 2000 {
                self.facts.names.push(entry.name.to_vec());
            }
            let own = of_provider || self.survey.provider_of(entry.name).is_some();
            if let Some(flag) = declare::flag(entry).filter(|flag| own || flag.generic) {
                self.facts.flags.push(flag);
            }
            // What stands at the top of a file counts as the file's.
            if file || paragraph || own {
                continue;
            }
            if let Some(said) = declare::runtime(self.words(), entry) {
                self.facts.built.push(declare::clue("P34", said, entry));
            } else if let Some(stage) = declare::deployment(self.words(), entry).filter(|_| !self.survey.is_pipeline_word(entry))
            {
                let named = ci && normalise(entry.name) == "environment";
                self.clues.push(declare::clue(if named { "P23" } else { "P21" }, (stage, if named { 90 } else { 85 }), entry));
            } else if let Some(stage) = declare::switch(entry) {
                self.clues.push(declare::clue("P36", (stage, 60), entry));
            } else if !entry.commented && entry.name.eq_ignore_ascii_case(b"name") && !listed {
                self.named(entry, ci);
            }
        }
        self.environment_of_job(ci);
    }

    fn within_provider(&self) -> bool {
        let parent = self.structure.blocks[self.number].parent;
        self.number > 0 && parent > 0 && self.survey.provider_of(self.structure.key(parent)).is_some()
    }

    /// P22: an item or an object that is called like an environment; in a pipeline, a step.
    fn named(&mut self, entry: &Entry<'_>, ci: bool) {
        let counts = Counts { live: true, stage: false, pro: false };
        let anonymous = self.structure.key(self.number).is_empty() || self.structure.blocks[self.number].shape == Shape::Item;
        let package = self.survey.path.ends_with("package.json");
        if ci {
            if let Some(stage) = self.words().loose(entry.value, counts) {
                self.clues.push(declare::clue("P23", (stage, 60), entry));
            }
        } else if let Some(stage) = self.words().exact(entry.value, counts).filter(|_| anonymous && !package) {
            self.clues.push(declare::clue("P22", (stage, 85), entry));
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
    fn document(&mut self) {
        let children: Vec<usize> = self.structure.children(self.number).collect();
        let kustomization = self.survey.path.ends_with("kustomization.yaml") || self.survey.path.ends_with("kustomization.yml");
        let mut clues = Vec::new();
        if kustomization {
            for entry in self.structure.entries(self.number).iter().filter(|entry| entry.name == b"namespace") {
                clues.extend(self.namespace(entry));
            }
        }
        for &child in children.iter().filter(|&&child| self.structure.key(child) == b"metadata") {
            for entry in self.structure.entries(child).iter().filter(|entry| entry.name == b"namespace") {
                clues.extend(self.namespace(entry));
            }
            let labels = self.structure.children(child).filter(|&inner| self.structure.key(inner) == b"labels");
            for entry in labels.flat_map(|inner| self.structure.entries(inner)) {
                let last = entry.name.rsplit(|&byte| byte == b'/').next().map(normalise);
                let known = last.is_some_and(|last| matches!(last.as_str(), "environment" | "env" | "stage" | "tier"));
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

impl Situation {
    /// Whether the environment is known.
    pub fn is_known(&self) -> bool {
        self.answer.trust != Trust::None
    }
}
