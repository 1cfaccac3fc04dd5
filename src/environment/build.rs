//! Puts the blocks of a file together, from its braces, its indentation or its sections. Nothing is parsed in
//! full, and no input is too broken: what cannot be told is in doubt.

use super::entry;
use super::structure::{BLOCKS, Block, HEAD, STRING, Shape};
use crate::span::Span;

/// Blocks in blocks beyond this depth are not told apart.
const DEPTH: usize = 200;
/// The longest name in brackets.
const SUBSCRIPT: usize = 80;

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
pub(super) struct Builder<'a> {
    bytes: &'a [u8],
    pub(super) blocks: Vec<Block>,
    /// The last block in each open one.
    last: Vec<Option<usize>>,
    pub(super) comments: Vec<Span>,
    /// There is a comment that does not end, so that none behind it does.
    unended: bool,
    pub(super) doubtful: bool,
}

/// An open block of the grammar with braces.
struct Open {
    block: usize,
    closer: u8,
    /// Where the next head begins.
    head: usize,
}

impl<'a> Builder<'a> {
    /// Nothing is built yet but the file.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
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
    pub(super) fn braces(&mut self, within: Span, (hash, single): (bool, bool)) {
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
        if let Some(end) = self.subscript(at) {
            return end;
        }
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

    /// The end of a name in brackets behind a word: `$config['acme']` is no block.
    fn subscript(&self, at: usize) -> Option<usize> {
        let before = *self.bytes.get(at.checked_sub(1)?)?;
        let rest = self.bytes[at..].strip_prefix(b"[")?;
        let quote = *rest.first().filter(|quote| matches!(quote, b'\'' | b'"'))?;
        let is_word = before.is_ascii_alphanumeric() || matches!(before, b'_' | b']');
        let length = rest[1..].iter().take(SUBSCRIPT).position(|&byte| byte == quote).filter(|_| is_word)?;
        (rest.get(length + 2) == Some(&b']')).then_some(at + length + 4)
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
    pub(super) fn indented(&mut self, yaml: bool) {
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
    pub(super) fn lines(&mut self, dotenv: bool) {
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
