//! The blocks of a file: by braces, by indentation, or by sections and paragraphs. No grammar is parsed
//! in full; whatever cannot be told leaves the file without blocks, and its lines are a window.

use std::cell::OnceCell;
use std::collections::HashMap;

use crate::span::Span;

use super::entry::{self, Entry};

/// Blocks in blocks beyond this depth are not told apart.
const DEPTH: usize = 200;
/// A file with more blocks than this is data.
const BLOCKS: usize = 200_000;
/// The longest string that runs over lines.
const STRING: usize = 16 * 1024;
/// As much of a line as is looked at.
const LINE: usize = 4 * 1024;
/// The longest head of a block.
const HEAD: usize = 400;
/// Lines on either side of a value, where there is no structure.
const WINDOW: usize = 8;
/// Endings of languages whose comments begin with two dashes.
const DASHED: &[&str] = &["sql", "lua", "hs", "elm", "adb", "ads", "vhd", "vhdl"];
/// How many times an anchor may be followed.
const ALIASES: usize = 4;

/// How blocks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grammar {
    /// Between braces, brackets and parentheses.
    Braces {
        /// `#` begins a comment.
        hash: bool,
        /// `'` begins a string.
        single: bool,
    },
    /// By indentation, with items and documents.
    Yaml,
    /// By indentation.
    Indent,
    /// Sections between brackets, paragraphs between blank lines.
    Lines {
        /// Blank lines part what belongs together.
        dotenv: bool,
    },
}

impl Grammar {
    /// The grammar of a file of that name.
    pub(super) fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        match ending {
            "yml" | "yaml" => Self::Yaml,
            _ if name.starts_with(".env") || matches!(ending, "env") || matches!(&*name, ".flaskenv" | ".dev.vars") => {
                Self::Lines { dotenv: true }
            }
            "toml" | "ini" | "cfg" | "conf" | "properties" | "xcconfig" | "service" => Self::Lines { dotenv: false },
            "json" | "jsonc" | "json5" | "js" | "ts" | "jsx" | "tsx" | "mjs" | "cjs" | "java" | "kt" | "kts" | "cs" | "go"
            | "swift" | "scala" | "c" | "cpp" | "h" | "gradle" | "groovy" | "dart" | "css" | "bru" | "jsonl" | "ndjson" => {
                Self::Braces { hash: false, single: true }
            }
            "php" | "tf" | "tfvars" | "hcl" | "nomad" => Self::Braces { hash: true, single: ending == "php" },
            "rs" => Self::Braces { hash: false, single: false },
            _ if name.starts_with("jenkinsfile") => Self::Braces { hash: false, single: true },
            _ => Self::Indent,
        }
    }

    /// What begins a comment that goes to the end of the line.
    pub(super) fn comments(self) -> &'static [&'static str] {
        match self {
            Self::Braces { hash: true, .. } => &["//", "#"],
            Self::Braces { .. } => &["//"],
            Self::Yaml => &["#"],
            Self::Lines { .. } => &["#", ";", "//"],
            Self::Indent => &["#", "//", "--", "<!--", ";"],
        }
    }
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The file.
    File,
    /// A document in a file.
    Document,
    /// A section of a configuration.
    Section,
    /// Lines under a heading, or between blank ones.
    Paragraph,
    /// An item of a list.
    Item,
    /// Everything else.
    Block,
}

/// A block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) parent: usize,
    pub(super) shape: Shape,
    /// What introduces it: a key, a condition, a heading.
    pub(super) head: Span,
    /// With its head.
    pub(super) span: Span,
    /// The one before it in the same parent.
    pub(super) prev: Option<usize>,
    /// The first one that neither it nor anything in it is.
    next: usize,
}

/// The blocks of a file, outer ones before what they hold.
#[derive(Debug)]
pub(super) struct Structure<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) grammar: Grammar,
    pub(super) blocks: Vec<Block>,
    /// The key of each, once somebody asks.
    keys: Vec<OnceCell<&'a [u8]>>,
    /// Blocks with an anchor, and blocks that take over what stands there.
    aliases: Vec<(usize, usize)>,
    /// Comments that run over lines.
    comments: Vec<Span>,
    /// Whether two dashes begin a comment also directly before a word; elsewhere they make it an option.
    dashes: bool,
    /// Braces that do not match, or too much of everything.
    pub(super) doubtful: bool,
}

impl<'a> Structure<'a> {
    /// The blocks of a file of that name.
    pub(super) fn parse(bytes: &'a [u8], path: &str) -> Self {
        let grammar = Grammar::of(path);
        let ending = path.rsplit('.').next().unwrap_or_default();
        let dashes = DASHED.iter().any(|dashed| ending.eq_ignore_ascii_case(dashed));
        let built = Self { dashes, ..Self::build(bytes, grammar) };
        // What braces do not tell, indentation may.
        if built.doubtful
            && matches!(grammar, Grammar::Braces { .. })
            && bytes.iter().filter(|&&byte| byte == b'\n').take(4).count() > 3
        {
            let by_indent = Self::build(bytes, Grammar::Indent);
            return Self { grammar, doubtful: by_indent.doubtful, ..by_indent };
        }
        built
    }

    fn build(bytes: &'a [u8], grammar: Grammar) -> Self {
        let mut builder = Builder::new(bytes);
        match grammar {
            Grammar::Braces { hash, single } => builder.braces(Span::new(0, bytes.len()), (hash, single)),
            Grammar::Yaml => builder.indented(true),
            Grammar::Indent => builder.indented(false),
            Grammar::Lines { dotenv } => builder.lines(dotenv),
        }
        let mut structure = Self {
            bytes,
            grammar,
            keys: vec![OnceCell::new(); builder.blocks.len()],
            blocks: builder.blocks,
            aliases: Vec::new(),
            comments: builder.comments,
            dashes: false,
            doubtful: builder.doubtful,
        };
        if grammar == Grammar::Yaml {
            structure.aliases = structure.find_aliases();
        }
        structure
    }

    /// The innermost block that holds `at`.
    pub(super) fn innermost(&self, at: usize) -> usize {
        let mut block = self.blocks.partition_point(|block| block.span.start <= at).saturating_sub(1);
        while block > 0 && self.blocks[block].span.end <= at {
            block = self.blocks[block].parent;
        }
        block
    }

    /// The blocks that hold `at`, from inside out; the file is the last.
    pub(super) fn chain(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        self.outward(self.innermost(at))
    }

    /// A block and those that it stands in; the file is the last.
    pub(super) fn outward(&self, block: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(block), |&block| (block > 0).then(|| self.blocks[block].parent))
    }

    /// The blocks directly in a block.
    pub(super) fn children(&self, of: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.blocks[of].next.min(self.blocks.len());
        let mut next = of + 1;
        std::iter::from_fn(move || {
            let child = (next < end).then_some(next)?;
            next = self.blocks[child].next;
            Some(child)
        })
        .filter(move |&child| self.blocks[child].parent == of)
    }

    pub(super) fn head(&self, block: usize) -> &'a [u8] {
        let head = self.blocks[block].head;
        &self.bytes[head.start..head.end.min(head.start + HEAD)]
    }

    /// The key that introduces a block: without quotes, operators and anchors.
    pub(super) fn key(&self, block: usize) -> &'a [u8] {
        self.keys[block].get_or_init(|| entry::key_of(self.head(block)))
    }

    /// Whether a block is an item of a list.
    pub(super) fn is_item(&self, block: usize) -> bool {
        let Block { shape, parent, .. } = self.blocks[block];
        shape == Shape::Item || block > 0 && self.head(block) == b"{" && self.head(parent).ends_with(b"[")
    }

    /// What is assigned directly in a block. Lists of names and values count as what they list.
    pub(super) fn entries(&self, block: usize) -> Vec<Entry<'a>> {
        let mut entries = Vec::new();
        self.entries_into(block, &mut entries);
        entries
    }

    /// The same, in room that is there already.
    pub(super) fn entries_into(&self, block: usize, entries: &mut Vec<Entry<'a>>) {
        let braces = matches!(self.grammar, Grammar::Braces { .. });
        let mut start = self.blocks[block].head.end.max(self.blocks[block].span.start);
        let end = self.blocks[block].span.end;
        for child in self.children(block) {
            let span = self.blocks[child].span;
            entry::read(self.bytes, Span::new(start, span.start.max(start)), braces, entries);
            if span.len() <= 2 * HEAD {
                entries.extend(self.listed(child));
            }
            // `N: call(…)` is a call, and an assignment of what it gives.
            if self.bytes[self.blocks[child].head.range()].ends_with(b"(") {
                entry::read(self.bytes, self.blocks[child].head, false, entries);
            }
            start = span.end.max(start);
            if entries.len() > 2000 {
                return;
            }
        }
        entry::read(self.bytes, Span::new(start, end.max(start)), braces, entries);
    }

    /// `{name: N, value: V}` as `N = V`.
    fn listed(&self, child: usize) -> Option<Entry<'a>> {
        let block = self.blocks[child];
        if block.shape != Shape::Item && !self.key(child).is_empty() {
            return None;
        }
        // `- NAME=value`
        let text = self.bytes[block.span.range()].trim_ascii();
        let assigns = text.strip_prefix(b"- ").map(|text| text.trim_ascii().strip_prefix(b"\"").unwrap_or(text.trim_ascii()));
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        if assigns.is_some_and(|text| text.iter().find(|byte| !is_name(byte)) == Some(&b'=')) {
            let mut parts = Vec::new();
            entry::read(self.bytes, block.span, false, &mut parts);
            return parts.into_iter().next();
        }
        // A flow item is a block in an item.
        let inner = self.children(child).next().filter(|_| block.shape == Shape::Item);
        let mut parts = Vec::new();
        let braces = matches!(self.grammar, Grammar::Braces { .. });
        for part in std::iter::once(child).chain(inner) {
            let span = self.blocks[part].span;
            entry::read(self.bytes, Span::new(span.start, span.end), braces, &mut parts);
        }
        let named =
            |names: &[&str]| parts.iter().find(|part| names.iter().any(|name| part.name.eq_ignore_ascii_case(name.as_bytes())));
        let (name, value) = (named(&["name", "key"])?, named(&["value"])?);
        Some(Entry { name: name.value, value: value.value, ..*value })
    }

    /// Blocks that take over, by an alias, what stands at `at`, with the keys of their own that hide it.
    pub(super) fn heirs(&self, at: usize) -> Vec<usize> {
        let mut heirs: Vec<usize> = Vec::new();
        let mut sources: Vec<usize> = self.chain(at).collect();
        for _ in 0..ALIASES {
            let mut more = Vec::new();
            for &(anchor, user) in &self.aliases {
                if sources.contains(&anchor) && !heirs.contains(&user) {
                    heirs.push(user);
                    more.extend(self.chain(self.blocks[user].span.start));
                    more.push(user);
                }
            }
            if more.is_empty() {
                break;
            }
            sources = more;
        }
        heirs
    }

    fn find_aliases(&self) -> Vec<(usize, usize)> {
        // Of several anchors of one name the last.
        let mut anchors: HashMap<&[u8], usize> = HashMap::new();
        for at in 1..self.blocks.len().min(BLOCKS) {
            if let Some(name) = marked(self.head(at), b'&') {
                anchors.insert(name, at);
            }
        }
        let mut aliases = Vec::new();
        if anchors.is_empty() {
            return aliases;
        }
        for star in memchr::memchr_iter(b'*', self.bytes) {
            let Some(name) = marked(&self.bytes[star..(star + HEAD).min(self.bytes.len())], b'*') else { continue };
            let Some(&anchor) = anchors.get(name) else { continue };
            let user = self.innermost(star);
            if user != anchor && user != 0 {
                aliases.push((anchor, user));
            }
            if aliases.len() > 1000 {
                break;
            }
        }
        aliases
    }

    /// Whether `at` stands in a comment of its line.
    pub(super) fn is_commented(&self, at: usize) -> bool {
        let line = line_start(self.bytes, at);
        let before = &self.bytes[line..at];
        let text = before.trim_ascii_start();
        let comments = self.grammar.comments();
        let whole = line == 0 || self.bytes[line - 1] == b'\n';
        let option = !self.dashes && text.starts_with(b"--") && text.get(2).is_some_and(u8::is_ascii_alphanumeric);
        let leads = || !option && comments.iter().any(|mark| text.starts_with(mark.as_bytes()));
        let marked = whole && text.first().is_some_and(|first| b"#/;-<*".contains(first));
        if marked && (leads() || text.starts_with(b"* ") || text.starts_with(b"/*")) {
            return true;
        }
        let behind_mark = |mark: &&str| {
            memchr::memmem::rfind(before, mark.as_bytes()).is_some_and(|at| {
                at > 0
                    && before[at - 1].is_ascii_whitespace()
                    && memchr::memchr_iter(b'"', &before[..at]).count().is_multiple_of(2)
            })
        };
        // Most lines hold no mark of any kind.
        memchr::memchr3(b'#', b'/', b'<', before).is_some()
            && comments.iter().filter(|mark| **mark != ";" && **mark != "--").any(behind_mark)
            || self
                .comments
                .get(self.comments.partition_point(|comment| comment.end <= at))
                .is_some_and(|comment| comment.start < at)
    }

    /// Whether the last `open` before `at` is not closed.
    pub(super) fn is_in(&self, at: usize, open: &[u8], close: &[u8]) -> bool {
        let before = &self.bytes[at.saturating_sub(4 * STRING)..at];
        memchr::memmem::rfind(before, open).is_some_and(|open| memchr::memmem::find(&before[open..], close).is_none())
    }
}

/// Eight lines on either side of a span.
pub(super) fn window(bytes: &[u8], around: Span) -> Span {
    let (floor, ceiling) = (around.start.saturating_sub(STRING), (around.end + STRING).min(bytes.len()));
    let start = memchr::memrchr_iter(b'\n', &bytes[floor..around.start]).nth(WINDOW).map_or(floor, |at| floor + at + 1);
    let end = memchr::memchr_iter(b'\n', &bytes[around.end..ceiling]).nth(WINDOW).map_or(ceiling, |at| around.end + at);
    Span::new(start, end)
}

/// The name behind a mark such as `&` or `*`.
fn marked(text: &[u8], mark: u8) -> Option<&[u8]> {
    let at = memchr::memchr(mark, text)?;
    let fits = at == 0 || text[at - 1] == b' ';
    let length =
        text[at + 1..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')).count();
    (fits && length > 0).then(|| &text[at + 1..at + 1 + length])
}

/// Where the line of `at` begins; of a very long line some of it.
pub(super) fn line_start(bytes: &[u8], at: usize) -> usize {
    let floor = at.saturating_sub(LINE);
    memchr::memrchr(b'\n', &bytes[floor..at]).map_or(floor, |at| floor + at + 1)
}

/// What may begin or end something between braces; most bytes do not.
const MARKS: [bool; 256] = {
    let mut marks = [false; 256];
    let all = b"\"'`/#{[(}]),;\n:";
    let mut at = 0;
    while at < all.len() {
        marks[all[at] as usize] = true;
        at += 1;
    }
    marks
};

/// A line that may head a block: its indentation, and itself.
type Pending = (usize, Span);

/// Puts blocks together.
struct Builder<'a> {
    bytes: &'a [u8],
    blocks: Vec<Block>,
    /// The last block in each open one.
    last: Vec<Option<usize>>,
    comments: Vec<Span>,
    /// There is a comment that does not end, so that none behind it does.
    unended: bool,
    doubtful: bool,
}

/// An open block of the grammar with braces.
struct Open {
    block: usize,
    closer: u8,
    /// Where the next head begins.
    head: usize,
}

impl<'a> Builder<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let span = Span::new(0, bytes.len());
        let file = Block { parent: 0, shape: Shape::File, head: Span::new(0, 0), span, prev: None, next: usize::MAX };
        Self { bytes, blocks: vec![file], last: vec![None], comments: Vec::new(), unended: false, doubtful: false }
    }

    /// Opens a block that ends with the file until it is closed.
    fn open(&mut self, parent: usize, shape: Shape, head: Span) -> usize {
        let block = self.blocks.len();
        if block >= BLOCKS {
            self.doubtful = true;
            return parent;
        }
        let prev = self.last[parent].replace(block);
        let span = Span::new(head.start, self.bytes.len());
        self.blocks.push(Block { parent, shape, head, span, prev, next: usize::MAX });
        self.last.push(None);
        block
    }

    fn close(&mut self, block: usize, at: usize) {
        if block > 0 {
            self.blocks[block].span.end = at.max(self.blocks[block].head.end);
            self.blocks[block].next = self.blocks.len();
        }
    }

    fn trimmed(&self, start: usize, end: usize) -> Span {
        let text = self.bytes[start.min(end)..end].trim_ascii_start();
        let start = end - text.len();
        Span::new(start, start + text.trim_ascii_end().len())
    }

    /// Blocks between braces.
    fn braces(&mut self, within: Span, (hash, single): (bool, bool)) {
        let mut stack = vec![Open { block: 0, closer: 0, head: within.start }];
        let mut at = within.start;
        while let Some(skip) = self.bytes[at..within.end].iter().position(|&byte| MARKS[usize::from(byte)]) {
            at += skip;
            at = match self.bytes[at] {
                b'"' | b'\'' | b'`' => self.string(at, single),
                b'/' | b'#' => self.comment(at, hash),
                b'{' | b'[' | b'(' => self.opener(&mut stack, at),
                b'}' | b']' | b')' => self.closer(&mut stack, at),
                b',' | b';' => {
                    stack.last_mut().expect("the file stays open").head = at + 1;
                    at + 1
                }
                b'\n' => self.newline(&mut stack, at),
                _ => self.label(&mut stack, at),
            };
            at = at.min(within.end);
        }
        self.doubtful |= stack.iter().any(|open| open.closer != 0 && open.closer != b':');
    }

    /// The end of the string that begins at `at`; strings in single and double quotes end with their line.
    fn string(&self, at: usize, single: bool) -> usize {
        let quote = self.bytes[at];
        if quote == b'\'' && !single {
            return at + 1;
        }
        let limit = (at + STRING).min(self.bytes.len());
        let mut from = at + 1;
        while let Some(end) =
            memchr::memchr3(quote, b'\\', b'\n', self.bytes.get(from..limit).unwrap_or_default()).map(|end| from + end)
        {
            from = match self.bytes[end] {
                b'\\' => end + 2,
                b'\n' if quote != b'`' => return at + 1,
                b'\n' => end + 1,
                _ => return end + 1,
            };
        }
        at + 1
    }

    /// The end of the comment that begins at `at`.
    fn comment(&mut self, at: usize, hash: bool) -> usize {
        let rest = &self.bytes[at..];
        let line = || memchr::memchr(b'\n', rest).map_or(self.bytes.len(), |end| at + end);
        match rest {
            [b'#', ..] if hash => line(),
            // Behind a colon it is the rest of a URL.
            [b'/', b'/', ..] if at == 0 || self.bytes[at - 1] != b':' => line(),
            [b'/', b'*', ..] if !self.unended => {
                // Unless it ends it is none.
                let Some(end) = memchr::memmem::find(rest, b"*/").map(|end| at + end + 2) else {
                    self.unended = true;
                    return at + 2;
                };
                self.comments.push(Span::new(at, end));
                end
            }
            _ => at + 1,
        }
    }

    fn opener(&mut self, stack: &mut Vec<Open>, at: usize) -> usize {
        let closer = match self.bytes[at] {
            b'{' => b'}',
            b'[' => b']',
            _ => b')',
        };
        let open = stack.last().expect("the file stays open");
        let head = self.trimmed(open.head, at);
        let block =
            if stack.len() < DEPTH { self.open(open.block, Shape::Block, Span::new(head.start, at + 1)) } else { open.block };
        self.doubtful |= stack.len() >= 10 * DEPTH;
        if stack.len() < 10 * DEPTH {
            stack.push(Open { block, closer, head: at + 1 });
        }
        at + 1
    }

    fn closer(&mut self, stack: &mut Vec<Open>, at: usize) -> usize {
        let closer = self.bytes[at];
        // Labels end with what they stand in.
        while stack.last().is_some_and(|open| open.closer == b':') {
            let open = stack.pop().expect("there is one");
            self.close(open.block, at);
        }
        let matching = stack.iter().rposition(|open| open.closer == closer);
        match matching {
            Some(down) if stack.len() - down <= 3 => {
                self.doubtful |= down + 1 != stack.len();
                for open in stack.drain(down..).rev() {
                    let parent = self.blocks[open.block].parent;
                    if open.block != parent {
                        self.close(open.block, at + 1);
                    }
                }
            }
            _ => self.doubtful = true,
        }
        if stack.is_empty() {
            stack.push(Open { block: 0, closer: 0, head: at + 1 });
        }
        if closer == b'}' {
            stack.last_mut().expect("the file stays open").head = at + 1;
        }
        at + 1
    }

    /// A line ends a statement unless what stands before or behind goes on.
    fn newline(&self, stack: &mut [Open], at: usize) -> usize {
        let open = stack.last_mut().expect("the file stays open");
        let before = self.bytes[open.head.min(at)..at].trim_ascii_end().last();
        let behind = self.bytes[at..].iter().find(|byte| !byte.is_ascii_whitespace());
        let goes_on =
            before.is_none_or(|byte| b"=:?&|+(,[{<".contains(byte)) || behind.is_some_and(|byte| b"{?:.|&".contains(byte));
        if !goes_on && open.closer != b')' {
            open.head = at + 1;
        }
        at + 1
    }

    /// `case "production":` opens a block that ends with the next label.
    fn label(&mut self, stack: &mut Vec<Open>, at: usize) -> usize {
        let open = stack.last().expect("the file stays open");
        // Most colons stand behind a key.
        if !matches!(self.bytes[open.head.min(at)..at].trim_ascii_start().first(), Some(b'c' | b'd')) {
            return at + 1;
        }
        let head = self.trimmed(open.head, at);
        let text = &self.bytes[head.range()];
        if !(text.starts_with(b"case ") || text == b"default") || text.len() > HEAD {
            return at + 1;
        }
        if open.closer == b':' {
            let open = stack.pop().expect("there is one");
            self.close(open.block, head.start);
        }
        let parent = stack.last().expect("the file stays open").block;
        let block = self.open(parent, Shape::Block, Span::new(head.start, at + 1));
        stack.push(Open { block, closer: b':', head: at + 1 });
        at + 1
    }

    /// Blocks by indentation; in a line also by braces.
    fn indented(&mut self, yaml: bool) {
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut pending: Option<Pending> = None;
        let mut document = 0;
        let mut start = 0;
        while start < self.bytes.len() {
            let end = memchr::memchr(b'\n', &self.bytes[start..]).map_or(self.bytes.len(), |at| start + at);
            let line = self.trimmed(start, end);
            let next = end + 1;
            let text = &self.bytes[line.range()];
            let skip = text.is_empty() || text[0] == b'#' && !text.starts_with(b"#{") || text.starts_with(b"//");
            if yaml && (text == b"---" || text.starts_with(b"--- ")) && line.start == start {
                for (_, block) in open.drain(..) {
                    self.close(block, start);
                }
                self.close(document, start);
                document = self.open(0, Shape::Document, Span::new(start, start));
                pending = None;
            } else if !skip {
                let indent = width(&self.bytes[start..line.start]);
                self.line((line, indent), (&mut open, &mut pending), document, yaml);
            }
            start = next;
            if self.doubtful {
                return;
            }
        }
    }

    /// One line of the grammar by indentation.
    fn line(
        &mut self,
        line: (Span, usize),
        state: (&mut Vec<(usize, usize)>, &mut Option<Pending>),
        document: usize,
        yaml: bool,
    ) {
        let ((mut line, mut indent), (open, pending)) = (line, state);
        let is_item = |line: Span| yaml && (self.bytes[line.range()].starts_with(b"- ") || &self.bytes[line.range()] == b"-");
        let parent = |open: &[(usize, usize)]| open.last().map_or(document, |&(_, block)| block);
        // A list may stand at the indentation of its key.
        if let Some((of, head)) = pending.take() {
            let listed = indent == of && is_item(line) && self.bytes[head.range()].ends_with(b":");
            if (indent > of || listed) && open.len() < DEPTH {
                let block = self.open(parent(open), Shape::Block, head);
                open.push((of, block));
            }
        }
        let mut item = is_item(line);
        while let Some(&(of, block)) = open.last() {
            let same = of == indent && item && self.blocks[block].shape != Shape::Item;
            if of < indent || same {
                break;
            }
            open.pop();
            self.close(block, line.start);
        }
        while item && open.len() < DEPTH {
            let block = self.open(parent(open), Shape::Item, Span::new(line.start, line.start + 1));
            open.push((indent, block));
            let inner = self.trimmed(line.start + 1, line.end);
            indent += inner.start - line.start;
            line = inner;
            item = self.bytes[line.range()].starts_with(b"- ");
        }
        *pending = Some((indent, line));
        self.inline(line, parent(open));
    }

    /// Blocks between braces that open and close in one line.
    fn inline(&mut self, line: Span, parent: usize) {
        if memchr::memchr2(b'{', b'[', &self.bytes[line.range()]).is_none() {
            return;
        }
        let mut stack: Vec<(u8, usize, usize)> = Vec::new();
        let mut head = line.start;
        let mut at = line.start;
        while at < line.end {
            match self.bytes[at] {
                b'"' | b'\'' => {
                    at = self.string(at, true);
                    continue;
                }
                byte @ (b'{' | b'[') if stack.len() < DEPTH => {
                    // What opens here and closes elsewhere is no block of this line.
                    let closer = if byte == b'{' { b'}' } else { b']' };
                    if stack.is_empty() && memchr::memchr(closer, &self.bytes[at..line.end]).is_none() {
                        return;
                    }
                    let text = self.trimmed(head, at);
                    let within = stack.last().map_or(parent, |&(_, block, _)| block);
                    let block = self.open(within, Shape::Block, Span::new(text.start, at + 1));
                    stack.push((closer, block, head));
                    head = at + 1;
                }
                byte @ (b'}' | b']') if stack.last().is_some_and(|&(closer, ..)| closer == byte) => {
                    if let Some((_, block, _)) = stack.pop() {
                        self.close(block, at + 1);
                    }
                    head = at + 1;
                }
                b',' | b';' => head = at + 1,
                _ => {}
            }
            at += 1;
        }
        for (_, block, _) in stack {
            self.close(block, line.end);
        }
    }

    /// Sections, and paragraphs with the comments that head them.
    fn lines(&mut self, dotenv: bool) {
        let (mut section, mut paragraph) = (0, 0);
        let (mut heading, mut blank): (Option<Span>, bool) = (None, true);
        let mut start = 0;
        while start < self.bytes.len() && !self.doubtful {
            let end = memchr::memchr(b'\n', &self.bytes[start..]).map_or(self.bytes.len(), |at| start + at);
            let line = self.trimmed(start, end);
            let text = &self.bytes[line.range()];
            let comment = [&b"#"[..], b";", b"//"].iter().any(|mark| text.starts_with(mark));
            if text.is_empty() {
                self.close(paragraph, start);
                (paragraph, blank) = (0, true);
            } else if text.starts_with(b"[") && text.contains(&b']') && !dotenv || text == b"#---" {
                self.close(paragraph, start);
                self.close(section, start);
                let shape = if text == b"#---" { Shape::Document } else { Shape::Section };
                section = self.open(0, shape, line);
                (paragraph, heading, blank) = (0, None, true);
            } else if comment && entry::is_heading(text) {
                self.close(paragraph, start);
                (paragraph, heading) = (0, Some(line));
            } else if !(comment && entry::is_rule(text)) {
                if paragraph == 0 && (heading.is_some() || dotenv && blank) {
                    let head = heading.take().unwrap_or(Span::new(line.start, line.start));
                    paragraph = self.open(section, Shape::Paragraph, head);
                }
                blank = false;
                if matches!(text.last(), Some(b'}' | b']')) {
                    self.inline(line, if paragraph == 0 { section } else { paragraph });
                }
            }
            start = end + 1;
        }
    }
}

/// Columns of white space; a tab goes to the next multiple of four.
fn width(blank: &[u8]) -> usize {
    blank.iter().fold(0, |width, byte| if *byte == b'\t' { width / 4 * 4 + 4 } else { width + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of the blocks around `@`, from inside out.
    fn around(path: &str, text: &str) -> Vec<String> {
        let at = text.find('@').unwrap();
        let structure = Structure::parse(text.as_bytes(), path);
        assert!(!structure.doubtful, "{text}");
        structure.chain(at).map(|block| String::from_utf8_lossy(structure.key(block)).into_owned()).collect()
    }

    #[test]
    fn blocks_between_braces() {
        assert_eq!(around("a.json", r#"{"live": {"key": "@"}, "test": {}}"#), ["live", "", ""]);
        assert_eq!(around("a.json", r#"{"live": {}, "test": {"a": ["@"]}}"#), ["a", "test", "", ""]);
        assert_eq!(around("a.js", "const keys = {\n  live: 'x', // it's\n  test: { k: '@' },\n}"), ["test", "keys", ""]);
        assert_eq!(around("a.tf", "# don't {\nworkspace \"prod\" {\n  k = \"@\"\n}"), ["prod", ""]);
        assert_eq!(around("a.php", "return [\n 'live' => ['k' => '@'],\n];"), ["live", "return", ""]);
        assert_eq!(around("a.gradle", "buildTypes {\n release {\n  k '@'\n }\n}"), ["release", "buildTypes", ""]);
    }

    #[test]
    fn branches_and_labels() {
        let heads = |path: &str, text: &str| {
            let structure = Structure::parse(text.as_bytes(), path);
            structure
                .chain(text.find('@').unwrap())
                .map(|block| String::from_utf8_lossy(structure.head(block)).into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(heads("a.js", "let a = 1\nif (isProd) {\n k = '@' }")[0], "if (isProd) {");
        assert_eq!(heads("a.js", "if (isProd) { a() } else { k = '@' }")[0], "else {");
        let switch = "switch (e) {\n case 'production':\n  k = 'x';\n break;\n case 'staging':\n k = '@';\n}";
        assert_eq!(heads("a.js", switch)[0], "case 'staging':");
        assert_eq!(heads("a.py", "if x == 'prod':\n    a = 1\nelse:\n    k = '@'\n")[0], "else:");
        assert_eq!(
            heads("a.rb", "case env\nwhen 'production'\n  k = 'x'\nwhen 'staging'\n  k = '@'\nend\n")[0],
            "when 'staging'"
        );
    }

    #[test]
    fn blocks_by_indentation() {
        assert_eq!(around("a.yml", "production:\n  stripe:\n    key: @\n"), ["stripe", "production", ""]);
        assert_eq!(around("a.yml", "production:\n  stripe:\n    key: x\nstaging:\n  key: @\n"), ["staging", ""]);
        assert_eq!(around("a.yml", "production: {stripe: x, paypal: {key: @}}\n"), ["paypal", "production", ""]);
        assert_eq!(around("a.yml", "jobs:\n- name: a\n  env:\n    K: @\n"), ["env", "-", "jobs", ""]);
        assert_eq!(around("a.yml", "a: 1\n---\nb:\n  k: @\n"), ["b", "", ""]);
        assert_eq!(around("a.py", "KEYS = {\n    'live': {\n        'k': '@',\n    },\n}\n"), ["live", "KEYS", ""]);
    }

    #[test]
    fn sections_and_paragraphs() {
        assert_eq!(around("a.toml", "[env.prod]\na = 1\n[env.dev.vars]\nk = \"@\"\n"), ["env.dev.vars", ""]);
        assert_eq!(around("a.toml", "keys = { live = { k = \"@\" } }\n"), ["live", "keys", ""]);
        assert_eq!(around(".env", "A=1\n\n# Production\nB=@\n"), ["Production", ""]);
        assert_eq!(around(".env", "# Staging\nA=1\n# Production\nB=@\n"), ["Production", ""]);
        assert_eq!(around(".env", "A=1\nB=@\n"), ["", ""]);
    }

    #[test]
    fn entries_stand_in_their_own_block() {
        let entries = |path: &str, text: &str| {
            let structure = Structure::parse(text.as_bytes(), path);
            let entries = structure.chain(text.find('@').unwrap()).map(|block| structure.entries(block));
            let row =
                |entry: &Entry<'_>| format!("{}={}", String::from_utf8_lossy(entry.name), String::from_utf8_lossy(entry.value));
            entries.map(|all| all.iter().map(row).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        let compose = "services:\n  api:\n    environment:\n      - APP_ENV=production\n      - KEY=@\n";
        assert!(entries("a.yml", compose).concat().contains(&"APP_ENV=production".to_owned()));
        let kubernetes = "env:\n  - name: APP_ENV\n    value: production\n  - name: KEY\n    value: @\n";
        assert!(entries("a.yml", kubernetes)[1].contains(&"APP_ENV=production".to_owned()));
        let task = r#"{"environment":[{"name":"APP_ENV","value":"production"},{"name":"KEY","value":"@"}]}"#;
        assert!(entries("a.json", task).concat().contains(&"APP_ENV=production".to_owned()));
    }

    #[test]
    fn an_option_is_no_comment() {
        let commented = |path: &str, text: &str| Structure::parse(text.as_bytes(), path).is_commented(text.find('@').unwrap());
        assert!(!commented("release.sh", "helm upgrade shop \\\n  --set stripe.secretKey=@\n"));
        assert!(commented("release.sh", "# helm upgrade --set stripe.secretKey=@\n"));
        assert!(commented("pay.sql", "--insert into keys values ('@')\n") && commented("pay.lua", "-- key = '@'\n"));
        assert!(commented("notes", "-- key = @\n"));
    }

    #[test]
    fn what_an_alias_takes_over() {
        let text = "default: &default\n  key: @\nproduction:\n  <<: *default\nstaging:\n  other: 1\n";
        let structure = Structure::parse(text.as_bytes(), "a.yml");
        let heirs = structure.heirs(text.find('@').unwrap());
        assert_eq!(heirs.iter().map(|&heir| structure.key(heir)).collect::<Vec<_>>(), [b"production"]);
        let cyclic = "a: &a\n  k: @\n  <<: *b\nb: &b\n  <<: *a\n";
        let structure = Structure::parse(cyclic.as_bytes(), "a.yml");
        assert!(structure.heirs(cyclic.find('@').unwrap()).len() <= 2);
    }

    #[test]
    fn any_input_is_survived_and_none_takes_long() {
        let hostile: Vec<Vec<u8>> = vec![
            b"{{{{[[[[((((".repeat(50_000),
            b"}}}}".repeat(100_000),
            b"{\"a\":".repeat(100_000),
            b"'\"`".repeat(100_000),
            b"- ".repeat(200_000),
            (0..3000).flat_map(|at| [b" ".repeat(at % 600), b"k:\n".to_vec()].concat()).collect(),
            b"a: &a\n  <<: *a\n".repeat(5_000),
            b"\xef\xbb\xbfa:\r\n\tb:\r\n\t\tc: 1\r\n".repeat(10_000),
            b"case 'a':".repeat(50_000),
            b"# a\n".repeat(100_000),
            b"/*".repeat(200_000),
            b"[a]\n\n".repeat(100_000),
            [0, 255, b'\n', b'{', b':'].repeat(50_000),
            b"a=1,".repeat(500_000),
        ];
        for (at, bytes) in hostile.iter().enumerate() {
            for path in ["a.json", "a.yml", "a.py", ".env", "a.toml", "a.rs", "a.php", "x"] {
                let began = std::time::Instant::now();
                let structure = Structure::parse(bytes, path);
                for place in [0, bytes.len() / 2, bytes.len() - 1] {
                    for block in structure.chain(place) {
                        let span = structure.blocks[block].span;
                        assert!(span.start <= place && place < span.end.max(1), "{at} {path}");
                    }
                    structure.entries(structure.innermost(place));
                    structure.heirs(place);
                    window(bytes, Span::new(place, place + 1));
                    structure.is_commented(place);
                }
                assert!(began.elapsed().as_secs() < 5, "{at} {path}: {:?}", began.elapsed());
            }
        }
    }
}
