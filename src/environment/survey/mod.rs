//! A file or a window of a log, and where each of its places is: gathers the evidence, scope by scope.

mod near;

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use foldhash::fast::FixedState;

pub(super) use self::near::Statement;
use super::block::BlockReading;
use super::branch::{self, Arm};
use super::declare::{self, Flag, Told};
use super::declared::Declared;
use super::entry::Entry;
use super::names::{Names, Said};
use super::path::{self, Surroundings};
use super::resolve::{Answer, Clue, Level, Scope, resolve};
use super::structure::{Shape, Structure};
use super::words::{Counts, Words};
use crate::credential::{Environment, Provider};
use crate::finding::{Place, PlaceKind, Stage, Trust};
use crate::record;
use crate::rule::name::is_one_of;
use crate::rule::{Pack, RuleSet};
use crate::span::Span;

/// A map by places of a file, or by what rules name: nobody chooses these keys, and a fast hash is enough.
pub(super) type Quick<K, V> = HashMap<K, V, FixedState>;

/// As many names of one block as are looked at.
pub(super) const NAMES: usize = 2000;
/// A record, and what kind of place it stands in.
type Record = (Span, PlaceKind);
/// Endings of pages that are made on a server.
const PAGES: &[&str] =
    &[".erb", ".ejs", ".hbs", ".twig", ".blade.php", ".php", ".jinja", ".jinja2", ".liquid", ".j2", ".cshtml", ".jsp"];
/// Ids of evidence that parts what is live from what is sandbox.
const PARTING: &[&str] = &["P20", "P22", "P23", "P24", "P25", "P26", "P27", "P28"];

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

impl<'a> Input<'a> {
    /// Bytes of a log, and what the last start-up banner before them said.
    pub fn log(bytes: &'a [u8], banner: Option<Stage>) -> Self {
        Self { path: None, bytes, kind: Some(PlaceKind::Log), around: Surroundings::default(), whole: true, banner }
    }
}

/// Where something is, and why.
#[derive(Clone, Debug)]
pub struct Situation {
    /// The place.
    pub place: Place,
    /// All evidence, from inside out.
    pub scopes: Vec<Rc<Scope>>,
    /// What follows from it.
    pub answer: Answer,
}

/// What a block says.
#[derive(Debug, Default)]
pub(super) struct BlockFacts<'a> {
    scope: Option<Rc<Scope>>,
    /// How code was built: counts for the file.
    pub(super) built: Vec<Clue>,
    /// Which money what stands in it speaks of, where its head says so.
    pub(super) side: Option<Environment>,
    /// The provider that its head names.
    pub(super) provider: Option<&'a Provider>,
    /// Modes of providers that are set directly in it.
    pub(super) flags: Vec<Flag<'a>>,
    /// Slots for live that are assigned directly in it.
    pub(super) live: Vec<&'a [u8]>,
    /// Slots for the sandbox.
    pub(super) sandbox: Vec<&'a [u8]>,
}

/// What is asked of a block, once somebody asks.
#[derive(Debug, Default)]
struct Memo<'a> {
    arm: OnceCell<Option<Arm>>,
    facts: OnceCell<Box<BlockFacts<'a>>>,
    stems: OnceCell<Vec<String>>,
    situation: OnceCell<Rc<Situation>>,
}

/// A file, surveyed.
#[derive(Debug)]
pub struct Survey<'a> {
    pub(super) run: Run<'a>,
    pub(super) input: Input<'a>,
    pub(super) path: String,
    kind: PlaceKind,
    /// Whether the script in it is a client's, and whether tests stand in a part of it.
    page: bool,
    rust: bool,
    structure: OnceCell<Option<Structure<'a>>>,
    blocks: OnceCell<Vec<Memo<'a>>>,
    /// Of the blocks of another kind than the file.
    situations: RefCell<Quick<(usize, PlaceKind), Rc<Situation>>>,
    /// The record of a log that was asked for last.
    last_record: RefCell<Option<(Record, Rc<Situation>)>>,
    pub(super) names: Names<'a>,
    /// Room for the entries of one block.
    pub(super) scratch: RefCell<Vec<Entry<'a>>>,
    entries: OnceCell<Vec<Entry<'a>>>,
    file_scope: OnceCell<Rc<Scope>>,
    run_scope: OnceCell<Rc<Scope>>,
    conditions: OnceCell<Vec<usize>>,
    directives: OnceCell<Vec<(usize, Option<Arm>)>>,
    pub(super) bundler: OnceCell<bool>,
    /// What stands around each place: many ask the same.
    statements: RefCell<Quick<(usize, usize), Statement<'a>>>,
    pub(super) sides: RefCell<Quick<usize, Option<Environment>>>,
    pragmas: OnceCell<Vec<(usize, Stage)>>,
    pub(super) banners: OnceCell<Vec<(usize, Stage)>>,
}

impl<'a> Survey<'a> {
    /// Surveys bytes; nothing is parsed before somebody asks.
    pub fn new(run: Run<'a>, input: Input<'a>) -> Self {
        let path = input.path.map_or(String::new(), |path| run.declared.relative(path));
        let kind = input.kind.unwrap_or_else(|| match path::kind_with(&path, run.declared, input.around) {
            PlaceKind::Client if run.declared.is_client(&path) => PlaceKind::Client,
            kind => path::kind_by_content(kind, input.bytes),
        });
        let page = matches!(kind, PlaceKind::Source | PlaceKind::Config) && PAGES.iter().any(|end| path.ends_with(end));
        let rust = kind == PlaceKind::Source && Path::new(&path).extension().is_some_and(|extension| extension == "rs");
        Self {
            run,
            input,
            path,
            kind,
            page,
            rust,
            structure: OnceCell::new(),
            blocks: OnceCell::new(),
            situations: RefCell::default(),
            last_record: RefCell::default(),
            names: Names::default(),
            scratch: RefCell::default(),
            entries: OnceCell::new(),
            file_scope: OnceCell::new(),
            run_scope: OnceCell::new(),
            conditions: OnceCell::new(),
            directives: OnceCell::new(),
            bundler: OnceCell::new(),
            statements: RefCell::default(),
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
        let scripted = || self.structure().is_some_and(|structure| structure.is_in(at, b"<script", b"</script"));
        match () {
            () if self.rust && self.is_inline_test(at) => PlaceKind::Test,
            () if self.page && scripted() => PlaceKind::Client,
            () => self.kind,
        }
    }

    /// Rust keeps tests beside the code.
    fn is_inline_test(&self, at: usize) -> bool {
        // Most files have none before the place, and need not be parsed.
        let may_be = memchr::memmem::find(&self.input.bytes[..at], b"mod test").is_some();
        may_be
            && self.blocks_told().is_some_and(|structure| {
                let mut heads = structure.chain(at).map(|block| structure.head(block));
                heads.any(|head| head.ends_with(b"mod tests {") || head.ends_with(b"mod test {"))
            })
    }

    pub(super) fn dictionary(&self) -> &'a Words {
        &self.run.declared.words
    }

    pub(super) fn structure(&self) -> Option<&Structure<'a>> {
        let parse = || (self.kind != PlaceKind::Log && self.input.whole).then(|| Structure::parse(self.input.bytes, &self.path));
        self.structure.get_or_init(parse).as_ref()
    }

    /// The structure, where blocks can be told.
    pub(super) fn blocks_told(&self) -> Option<&Structure<'a>> {
        self.structure().filter(|structure| !structure.doubtful)
    }

    /// Where `span` is. What stands in one block, with nothing nearer that says more, is in one place.
    pub fn situation(&self, span: Span) -> Rc<Situation> {
        let kind = self.kind_at(span.start);
        if self.kind == PlaceKind::Log {
            return self.of_record(kind, span);
        }
        let command = self.command(span);
        let near = self.near(span, &command);
        let built = self.built_by(&command);
        match self.blocks_told() {
            Some(structure) if near.is_empty() && built.is_empty() => {
                self.of_block(structure, structure.innermost(span.start), kind)
            }
            Some(structure) => Rc::new(self.look(kind, near, Some(structure.innermost(span.start)), built)),
            None => {
                let scopes = near.into_iter().chain(self.window(span).map(Rc::new)).collect();
                Rc::new(self.look(kind, scopes, None, Vec::new()))
            }
        }
    }

    /// Where a record of a log is. All of one without objects is in one place, however much stands in it.
    fn of_record(&self, kind: PlaceKind, span: Span) -> Rc<Situation> {
        // From wherever in a record the whole of it is within reach, it is the same.
        let bytes = self.input.bytes;
        let whole = |last: Span| {
            (last.start == 0 || bytes[last.start - 1] == b'\n') && bytes.get(last.end).is_none_or(|&byte| byte == b'\n')
        };
        let reach = |last: Span| {
            last.start <= span.start
                && span.start < last.end
                && span.start.saturating_sub(record::RECORD) <= last.start
                && last.end <= span.start + record::RECORD
        };
        let holds = |last: Span| reach(last) && whole(last);
        if let Some((_, known)) = self.last_record.borrow().as_ref().filter(|((last, of), _)| *of == kind && holds(*last)) {
            return Rc::clone(known);
        }
        let record = record::record_around(self.input.bytes, span.start);
        if let Some((_, known)) = self.last_record.borrow().as_ref().filter(|(last, _)| *last == (record, kind)) {
            return Rc::clone(known);
        }
        let situation = Rc::new(self.look(kind, vec![Rc::new(self.record(span))], None, Vec::new()));
        if record::is_plain(&self.input.bytes[record.range()]) {
            *self.last_record.borrow_mut() = Some(((record, kind), Rc::clone(&situation)));
        }
        situation
    }

    /// Where a block is; one that says nothing is where the block around it is.
    fn of_block(&self, structure: &Structure<'a>, block: usize, kind: PlaceKind) -> Rc<Situation> {
        let says = |&block: &usize| {
            let facts = self.block(structure, block);
            block == 0 || facts.scope.is_some() || !facts.built.is_empty()
        };
        let block = structure.outward(block).find(says).unwrap_or_default();
        if kind == self.kind {
            let look = || Rc::new(self.look(kind, Vec::new(), Some(block), Vec::new()));
            return Rc::clone(self.memo(structure, block).situation.get_or_init(look));
        }
        if let Some(known) = self.situations.borrow().get(&(block, kind)) {
            return Rc::clone(known);
        }
        let situation = Rc::new(self.look(kind, Vec::new(), Some(block), Vec::new()));
        self.situations.borrow_mut().insert((block, kind), Rc::clone(&situation));
        situation
    }

    /// Resolves what is near a place, the blocks around it, the file and the run.
    fn look(&self, kind: PlaceKind, near: Vec<Rc<Scope>>, block: Option<usize>, built: Vec<Clue>) -> Situation {
        let declared = self.run.declared;
        let place = declared.place(&self.path);
        let said = declared.forced.map(|stage| Clue::declared("P01", stage, format!("--force-env {stage}"))).or_else(|| {
            let locked = place.filter(|place| place.lock)?;
            Some(Clue::declared("P02", locked.stage?, format!("declared for {}, locked", locked.source)))
        });
        let mut scopes = Vec::new();
        scopes.extend(said.map(|said| Rc::new(Scope { clues: vec![said], ..Scope::new(Level::Record, "declared") })));
        scopes.extend(near);
        let mut clues: Vec<Clue> = Vec::new();
        if let (Some(block), Some(structure)) = (block, self.structure()) {
            for block in structure.outward(block) {
                let facts = self.block(structure, block);
                scopes.extend(facts.scope.clone());
                clues.extend(facts.built.iter().cloned());
            }
        }
        clues.extend(built);
        self.settle(scopes, clues, kind)
    }

    /// Where the file is, whatever its blocks and records say.
    pub fn whole(&self) -> Situation {
        let said = self.run.declared.forced.map(|stage| Clue::declared("P01", stage, format!("--force-env {stage}")));
        let scope = |said| Rc::new(Scope { clues: vec![said], ..Scope::new(Level::Record, "declared") });
        self.settle(said.map(scope).into_iter().collect(), Vec::new(), self.kind_at(0))
    }

    /// Adds the file and the run to the scopes of a place, and resolves them.
    fn settle(&self, mut scopes: Vec<Rc<Scope>>, built: Vec<Clue>, kind: PlaceKind) -> Situation {
        let file = self.file_scope.get_or_init(|| Rc::new(self.file_scope()));
        scopes.push(if built.is_empty() {
            Rc::clone(file)
        } else {
            let clues = file.clues.iter().cloned().chain(built).collect();
            Rc::new(Scope { clues, ..Scope::new(file.level, &*file.name) })
        });
        scopes.push(Rc::clone(self.run_scope.get_or_init(|| Rc::new(self.run_scope()))));
        let answer = resolve(&scopes);
        let because = match (&answer.conflict, answer.stage) {
            (Some((one, other)), Stage::Unknown) => [one.evidence(), other.evidence()].into(),
            _ => answer.because.iter().map(Clue::evidence).collect(),
        };
        let place = Place { environment: answer.stage, kind, confidence: answer.trust, because };
        Situation { place, scopes, answer }
    }

    /// What was declared for the file, what its path says, and what is assigned at its top.
    fn file_scope(&self) -> Scope {
        let mut scope = Scope::new(Level::File, format!("file {}", if self.path.is_empty() { "-" } else { &self.path }));
        let place = self.run.declared.place(&self.path);
        if let Some((stage, source)) = place.and_then(|place| Some((place.stage?, &place.source))) {
            scope.clues.push(Clue::declared("P02", stage, format!("declared for {source}")));
        }
        scope.clues.extend(self.file_clues());
        scope
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

    /// What the path says, and what is assigned at the top of the file.
    fn file_clues(&self) -> Vec<Clue> {
        let mut clues = path::clues(&self.path, self.kind, self.run.declared, self.input.around);
        let Some(structure) = self.blocks_told() else { return clues };
        for entry in self.file_entries(structure) {
            let said = self.said(entry.name);
            if said.provider.is_some() || !(said.declares.of_place() || said.declares.own_url) {
                continue;
            }
            let told = Told::new(entry);
            if let Some(stage) = declare::deployment(self.dictionary(), &told).filter(|_| !self.is_pipeline_word(&told)) {
                clues.push(declare::clue("P33", (stage, 85), entry));
            } else if let Some(said) = declare::runtime(self.dictionary(), &told) {
                clues.push(declare::clue("P34", said, entry));
            } else if let Some(stage) = declare::switch(&told) {
                clues.push(declare::clue("P36", (stage, 60), entry));
            } else if let Some(stage) = declare::own_url(self.dictionary(), &told) {
                clues.push(declare::clue("P37", (stage, 50), entry));
            }
        }
        clues
    }

    /// Assignments of the file itself, and of paragraphs without a heading.
    pub(super) fn file_entries(&self, structure: &Structure<'a>) -> &[Entry<'a>] {
        self.entries.get_or_init(|| {
            let mut entries = structure.entries(0);
            for child in structure.children(0) {
                let block = structure.blocks[child];
                if block.shape == Shape::Paragraph && block.head.is_empty() {
                    entries.extend(structure.entries(child));
                }
            }
            entries
        })
    }

    /// In a pipeline, `stage: test` is a step.
    pub(super) fn is_pipeline_word(&self, told: &Told<'_, '_>) -> bool {
        self.kind == PlaceKind::Ci && is_one_of(told.words.normal(), &["stage", "tier", "workspace"])
    }

    /// The provider that a name or a head names.
    pub(super) fn provider_of(&self, name: &[u8]) -> Option<&'a Provider> {
        self.run.rules.named(name).map(|provider| &provider.id)
    }

    /// Whether a provider is one of payments.
    pub(super) fn is_payment_provider(&self, id: &Provider) -> bool {
        let facts = self.run.rules.provider(id.as_str());
        facts.is_some_and(|facts| facts.pack == Pack::Payments && !facts.is_general())
    }

    fn memo(&self, structure: &Structure<'a>, number: usize) -> &Memo<'a> {
        let memos = || structure.blocks.iter().map(|_| Memo::default()).collect();
        &self.blocks.get_or_init(memos)[number]
    }

    /// What a name in the file says.
    pub(super) fn said(&self, name: &'a [u8]) -> Said<'a> {
        self.names.said(self.run, name)
    }

    /// What a name says that may stand in the file.
    pub(super) fn said_like(&self, name: &[u8]) -> Said<'a> {
        self.names.like(self.run, name)
    }

    /// What the condition in the head of a block says of the block; an `else` has none of its own.
    fn own_arm(&self, structure: &Structure<'a>, number: usize) -> Option<Arm> {
        let read = || branch::of_head(self.dictionary(), structure.head(number), None);
        *self.memo(structure, number).arm.get_or_init(read)
    }

    /// The branch that a block is: an `else` is what the block before it is not.
    pub(super) fn arm(&self, structure: &Structure<'a>, number: usize) -> Option<Arm> {
        self.own_arm(structure, number).or_else(|| {
            let before = structure.blocks[number].prev.filter(|_| branch::is_else(structure.head(number)))?;
            self.own_arm(structure, before)?.inverted()
        })
    }

    /// The names of what is assigned directly in a block and not for sandbox, without their words for
    /// environments, in order.
    pub(super) fn stems(&self, structure: &Structure<'a>, number: usize) -> &[String] {
        self.memo(structure, number).stems.get_or_init(|| {
            let own;
            let entries = if number == 0 {
                self.file_entries(structure)
            } else {
                own = structure.entries(number);
                &own[..]
            };
            let kept = entries.iter().take(NAMES).map(|entry| entry.name);
            let kept = kept.filter(|name| self.said(name).side != Some(Environment::Sandbox));
            let mut stems: Vec<String> = kept.map(|name| self.dictionary().stem_of_slot(name)).collect();
            stems.sort_unstable();
            stems
        })
    }

    /// What a block says.
    pub(super) fn block(&self, structure: &Structure<'a>, number: usize) -> &BlockFacts<'a> {
        self.memo(structure, number).facts.get_or_init(|| Box::new(self.read_block(structure, number)))
    }

    /// The provider that the head of a block names.
    pub(super) fn block_provider(&self, structure: &Structure<'a>, number: usize) -> Option<&'a Provider> {
        self.said(structure.key(number)).provider
    }

    fn read_block(&self, structure: &Structure<'a>, number: usize) -> BlockFacts<'a> {
        let block = structure.blocks[number];
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
        if clues.is_empty() {
            return facts;
        }
        let head = String::from_utf8_lossy(structure.head(number).trim_ascii());
        let name = match block.shape {
            Shape::File | Shape::Document => "document".to_owned(),
            Shape::Section => format!("section {head}"),
            Shape::Paragraph if head.is_empty() => "paragraph".to_owned(),
            Shape::Paragraph => format!("paragraph {head}"),
            Shape::Item => "list item".to_owned(),
            Shape::Block => format!("block {}", &head[..head.char_indices().nth(60).map_or(head.len(), |(at, _)| at)]),
        };
        facts.scope = Some(Rc::new(Scope { clues, ..Scope::new(level, name) }));
        facts
    }
}

impl Situation {
    /// Whether the environment is known.
    pub fn is_known(&self) -> bool {
        self.answer.trust != Trust::None
    }
}
