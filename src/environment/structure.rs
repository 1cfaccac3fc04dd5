//! The blocks of a file: by braces, by indentation, or by sections and paragraphs. No grammar is parsed
//! in full; whatever cannot be told leaves the file without blocks, and its lines are a window.

use std::cell::OnceCell;
use std::collections::HashMap;

use crate::span::Span;

use super::build::Builder;
use super::entry::{self, Entry};

/// A file with more blocks than this is data.
pub(super) const BLOCKS: usize = 200_000;
/// The longest string that runs over lines.
pub(super) const STRING: usize = 16 * 1024;
/// As much of a line as is looked at.
const LINE: usize = 4 * 1024;
/// The longest head of a block.
pub(super) const HEAD: usize = 400;
/// Lines on either side of a value, where there is no structure.
const WINDOW: usize = 8;
/// Endings of languages whose comments begin with two dashes.
const DASHED: &[&str] = &["sql", "lua", "hs", "elm", "adb", "ads", "vhd", "vhdl"];
/// What a method is called that sets the environment of a client.
const ENVIRONMENT: &[u8] = b"environment";
/// The most arguments of a call that are looked at.
const ARGUMENTS: usize = 32;
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

    /// `.conf` is what everybody calls configuration: with lines that open braces, and none in brackets, it is HOCON's,
    /// or nginx's.
    fn or_braces(self, bytes: &[u8], path: &str) -> Self {
        let conf = path.len() >= 5 && path.as_bytes()[path.len() - 5..].eq_ignore_ascii_case(b".conf");
        if self != (Self::Lines { dotenv: false }) || !conf {
            return self;
        }
        let mut lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.starts_with(b"#"));
        let first = lines.find(|line| line.starts_with(b"[") || line.ends_with(b"{"));
        if first.is_some_and(|line| line.ends_with(b"{")) { Self::Braces { hash: true, single: false } } else { self }
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
    pub(super) next: usize,
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
        let grammar = Grammar::of(path).or_braces(bytes, path);
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
        entry::attributes(self.bytes, self.blocks[block].head, entries);
        for child in self.children(block) {
            let span = self.blocks[child].span;
            entry::read(self.bytes, Span::new(start, span.start.max(start)), braces, entries);
            if span.len() <= 2 * HEAD {
                entries.extend(self.listed(child).or_else(|| self.defined(child)).or_else(|| self.set(child)));
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

    /// What stands between the commas of a call, blocks left out.
    pub(super) fn arguments(&self, block: usize) -> Vec<(&'a [u8], Span)> {
        let Block { head, span, .. } = self.blocks[block];
        let mut arguments = Vec::new();
        let mut start = head.end;
        let ends = self.children(block).map(|child| self.blocks[child].span);
        for part in ends.chain([Span::new(span.end.saturating_sub(1), span.end)]) {
            let text = &self.bytes[start.min(part.start)..part.start];
            let here = Span::new(start.min(part.start), part.start);
            arguments.extend(text.split(|&byte| byte == b',').take(ARGUMENTS).map(|text| (text.trim_ascii(), here)));
            start = part.end;
            if arguments.len() > ARGUMENTS {
                break;
            }
        }
        arguments
    }

    /// `define('N', V)` as `N = V`.
    fn defined(&self, child: usize) -> Option<Entry<'a>> {
        let Block { head, span, .. } = self.blocks[child];
        if !self.bytes[head.range()].ends_with(b"define(") || self.children(child).next().is_some() {
            return None;
        }
        let text = self.bytes[head.end..span.end].strip_suffix(b")")?;
        let comma = memchr::memchr(b',', text)?;
        let unquoted = |text: &'a [u8]| match text.trim_ascii() {
            [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
            other => other,
        };
        let (name, value) = (unquoted(&text[..comma]), unquoted(&text[comma + 1..]));
        Some(Entry { name, value, commented: false, span: Span::new(head.start, span.end) })
    }

    /// `Configuration::environment('V')` as `Configuration::environment = V`.
    fn set(&self, child: usize) -> Option<Entry<'a>> {
        let Block { head, span, .. } = self.blocks[child];
        let called = self.bytes[head.range()].strip_suffix(b"(")?;
        let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_:\\$.->".contains(byte);
        let name = &called[called.len() - called.iter().rev().take_while(is_name).count()..];
        let before = name.len().checked_sub(ENVIRONMENT.len() + 1)?;
        let text = self.bytes[head.end..span.end].strip_suffix(b")")?.trim_ascii();
        let ([b'"', value @ .., b'"'] | [b'\'', value @ .., b'\'']) = text else { return None };
        let sets = name[before + 1..].eq_ignore_ascii_case(ENVIRONMENT) && matches!(name[before], b':' | b'>' | b'.' | b't');
        sets.then_some(Entry { name, value, commented: false, span: Span::new(head.start, span.end) })
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

/// The line that a place stands on, as far as both its ends are near.
pub(super) fn line_of(bytes: &[u8], place: Span) -> Span {
    let ceiling = (place.end + LINE).min(bytes.len());
    let end = memchr::memchr(b'\n', &bytes[place.end..ceiling]).map_or(ceiling, |at| place.end + at);
    Span::new(line_start(bytes, place.start), end)
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
