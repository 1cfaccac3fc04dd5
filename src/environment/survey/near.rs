//! What is nearer to a value than its block: a pragma, an arm of a condition, its statement, its command.

use std::rc::Rc;

use super::Survey;
use crate::environment::branch::{self, Arm};
use crate::environment::declare::{self, Told};
use crate::environment::entry::{self, Entry};
use crate::environment::names::Said;
use crate::environment::resolve::{Clue, Level, Scope};
use crate::environment::structure::{self, line_start};
use crate::environment::words::Counts;
use crate::finding::{PlaceKind, Stage};
use crate::span::Span;

/// The longest line whose words are read.
const LINE: usize = 2000;

/// What a statement says of a value in it.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::environment) struct Statement<'a> {
    /// The arm of a condition that the value is.
    pub(in crate::environment) arm: Option<Arm>,
    /// The name that it is assigned to.
    pub(in crate::environment) slot: Option<Span>,
    /// What this name says.
    pub(in crate::environment) said: Option<Said<'a>>,
    /// The environment that a name in brackets before it is the word for: `$config['live']['secret']`.
    pub(in crate::environment) within: Option<(&'a [u8], Stage)>,
}

/// The assignments and options of a shell command: names, values, and the command.
pub(super) type Command<'a> = Vec<(&'a [u8], &'a [u8], Span)>;

impl<'a> Survey<'a> {
    /// What is nearer than a block: pragma, branch, line.
    pub(super) fn near(&self, span: Span, command: &Command<'_>) -> Vec<Rc<Scope>> {
        let mut scopes = Vec::new();
        if let Some(pragma) = self.pragma(span.start) {
            scopes.push(Rc::new(Scope { clues: vec![pragma], ..Scope::new(Level::Record, "pragma") }));
        }
        if self.structure().is_none() {
            return scopes;
        }
        let statement = self.statement(span);
        if let Some(arm) = statement.arm {
            let clue = Clue::new("P26", arm.stage, arm.weight, format!("arm of a condition for {}", arm.stage)).at(span);
            scopes.push(Rc::new(Scope { clues: vec![clue], ..Scope::new(Level::Branch, "condition") }));
        }
        scopes.extend(self.line(statement, command).map(Rc::new));
        scopes
    }

    /// What the statement around a value says of it.
    pub(in crate::environment) fn statement(&self, span: Span) -> Statement<'a> {
        let key = (span.start, span.end);
        if let Some(known) = self.statements.borrow().get(&key) {
            return *known;
        }
        let bytes = self.input.bytes;
        let (before, behind) =
            (&bytes[span.start.saturating_sub(LINE)..span.start], &bytes[span.end..(span.end + LINE).min(bytes.len())]);
        let arm = if self.may_be_arm(span) { branch::inline(self.dictionary(), before, behind) } else { None };
        let arm = arm.or_else(|| self.directive(span.start));
        let slot = crate::detect::slot_name(bytes, span.start).filter(|slot| !is_question(&bytes[slot.end..span.start]));
        let said = slot.map(|slot| self.said(&bytes[slot.range()]));
        let stage_of = |name: &'a [u8]| self.said(name).stage.map(|stage| (name, stage));
        let within =
            slot.and_then(|slot| entry::subscripts(bytes, slot).chain(entry::tags_around(bytes, slot)).find_map(stage_of));
        let statement = Statement { arm, slot, said, within };
        self.statements.borrow_mut().insert(key, statement);
        statement
    }

    /// Whether a sign of a condition is near enough for a value to be an arm of it. Most files have none.
    pub(in crate::environment) fn may_be_arm(&self, span: Span) -> bool {
        let signs = self.conditions.get_or_init(|| branch::signs(self.input.bytes));
        let from = signs.partition_point(|&sign| sign + branch::LONGEST < span.start);
        signs.get(from).is_some_and(|&sign| sign <= span.end + branch::LONGEST)
    }

    /// The arm of a condition of the preprocessor that a place stands in.
    fn directive(&self, at: usize) -> Option<Arm> {
        if self.kind == PlaceKind::Log {
            return None;
        }
        let directives = self.directives.get_or_init(|| branch::directives(self.dictionary(), self.input.bytes));
        let before = directives.partition_point(|(directive, _)| *directive <= at);
        directives[before.checked_sub(1)?].1
    }

    /// P01: the last pragma before, if its block holds the place.
    fn pragma(&self, at: usize) -> Option<Clue> {
        let pragmas = self.pragmas.get_or_init(|| self.find_pragmas());
        let before = pragmas.partition_point(|(pragma, _)| *pragma <= at);
        let &(pragma, stage) = &pragmas[before.checked_sub(1)?];
        let structure = self.structure()?;
        let span = structure.blocks[structure.innermost(pragma)].span;
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
    fn line(&self, statement: Statement<'a>, command: &Command<'_>) -> Option<Scope> {
        let bytes = self.input.bytes;
        let mut clues = Vec::new();
        if let (Some(slot), Some(said)) = (statement.slot, statement.said)
            && said.stage.is_some()
            && !said.is_mode
        {
            let name = &bytes[slot.range()];
            let stage = self.dictionary().exact(name, Counts::default());
            let text = || format!("key {}", String::from_utf8_lossy(name));
            clues.extend(stage.map(|stage| Clue::new("P20", stage, 85, text()).at(slot)));
        }
        if let (Some((name, stage)), Some(slot)) = (statement.within, statement.slot) {
            let text = format!("key {}", String::from_utf8_lossy(name));
            clues.push(Clue::new("P20", stage, 85, text).at(slot));
        }
        for &(name, value, span) in command {
            let entry = Entry { name, value, commented: false, span };
            if let Some(stage) = declare::deployment(self.dictionary(), &Told::new(&entry)) {
                clues.push(declare::clue("P21", (stage, 85), &entry));
            } else if matches!(name, b"-n" | b"--namespace") {
                let stage = self.dictionary().loose(value, Counts::KEY);
                clues.extend(stage.map(|stage| declare::clue("P24", (stage, 75), &entry)));
            } else if matches!(name, b"--env" | b"--environment" | b"--stage") {
                let stage = self.dictionary().exact(value, Counts::KEY);
                clues.extend(stage.map(|stage| declare::clue("P21", (stage, 85), &entry)));
            }
        }
        (!clues.is_empty()).then(|| Scope { clues, ..Scope::new(Level::Block, "line") })
    }

    /// The assignments and options of the shell command that holds `span`, its continued lines included.
    pub(super) fn command(&self, span: Span) -> Command<'a> {
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
        let text = &bytes[start..end];
        let parts = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'');
        let begins = |&at: &usize| text[at] == b'=' || at == 0 || parts(text[at - 1]);
        if memchr::memchr2_iter(b'=', b'-', text).filter(begins).take(2).count() < 2 {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut last: &[u8] = b"";
        for word in text.split(|&byte| parts(byte)).filter(|word| !word.is_empty()) {
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
    pub(super) fn window(&self, span: Span) -> Option<Scope> {
        let bytes = self.input.bytes;
        let window = structure::window(bytes, span);
        let mut entries = Vec::new();
        entry::read(bytes, window, true, &mut entries);
        let mut scope = Scope::new(Level::Block, "eight lines around");
        for entry in &entries {
            let stage = declare::deployment(self.dictionary(), &Told::new(entry));
            scope.clues.extend(stage.map(|stage| declare::clue("P21", (stage, 85), entry)));
        }
        Some(scope).filter(|scope| !scope.clues.is_empty())
    }

    /// P34 in the command that holds the place: it counts for the file.
    pub(super) fn built_by(&self, command: &Command<'_>) -> Vec<Clue> {
        let said = command.iter().filter_map(|&(name, value, span)| {
            let entry = Entry { name, value, commented: false, span };
            let said = declare::runtime(self.dictionary(), &Told::new(&entry))?;
            Some(declare::clue("P34", said, &entry))
        });
        said.collect()
    }
}

/// Whether what stands between a name and a value makes the name a question: `if production?`.
fn is_question(between: &[u8]) -> bool {
    matches!(between, [b'?', next, ..] if next.is_ascii_whitespace())
}
