//! Slots: the name a value is assigned to, in any notation that programs print.
//!
//! Two hand-written parsers, bounded in both directions: [`value_of`] reads from a name to its
//! value, [`name_of`] from a value back to its name. `NAME=v`, `name: v`, `"name":"v"`,
//! `name => v`, `<name>v</name>`, `name: [v]`, `set("name", "v")`, `--name v`,
//! `{"name":"N","value":"v"}`, and all of these with their quotes escaped.

use super::edge::escape_tail;
use super::{fallback, notation, printed};
use crate::span::Span;

/// The longest name.
const NAME: usize = 64;
/// How much of a name may follow the stem that was found in it.
const TAIL: usize = 24;
/// How many blanks may stand on either side of an operator: columns are aligned.
const BLANKS: usize = 40;
/// How long a value is at least, and at most, that an unusual operator assigns.
const SHORTEST_TOKEN: usize = 16;
const TOKEN: usize = 512;
/// How many backslashes stand before a quote at most: seven levels of JSON.
const BACKSLASHES: usize = 63;
/// How far a name may be indented.
pub(super) const INDENT: usize = 48;
/// The shortest name of an option with one dash.
const OPTION: usize = 6;
/// How far back from a value its name is looked for.
const BACK: usize = 160;

/// How long what Go prints of a pointer is, before the text that it leads to.
const POINTER: usize = 64;

/// How far the values of a list may be from its name.
const LIST: usize = 4096;

/// Keys of the value in a list of names and values.
const VALUE_KEYS: &[&[u8]] = &[b"value", b"values", b"arrayvalue", b"stringvalue", b"string_value", b"val"];
/// What the one argument of a call begins with that is a value.
const ARGUMENTS: &[&[u8]] = &[b"\"", b"'", b"\\", b"Uint8Array", b"new Uint8Array", b"bs58.decode("];
/// What stands between a column and its value where `PostgreSQL` says which row there was already: `Key (name)=(v)`.
pub(super) const COLUMN: &[u8] = b")=(";
/// Words between an operator and a value.
pub(super) const SCHEMES: &[&[u8]] = &[b"bearer", b"token", b"basic", b"apikey", b"api-key", b"oauth", b"geniekey"];

/// A name and where its value begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// The name.
    pub(super) name: Span,
    /// The first byte of the value.
    pub(super) value: usize,
    /// Whether the two are neighbours in a list, which may as well be a list of names.
    pub(super) listed: bool,
}

/// The slot whose name holds the bytes from `stem.start` to `stem.end`; what a stem has behind its
/// letters only makes it rarer.
pub(super) fn value_of(bytes: &[u8], stem: Span) -> Option<Slot> {
    let behind = bytes[stem.range()].iter().rev().take_while(|byte| !is_name(**byte)).count();
    let ahead = bytes[stem.range()].iter().take_while(|byte| !is_name(**byte)).count();
    let stem = Span::new(stem.start + ahead, stem.end - behind);
    let tail = bytes[stem.end..].iter().take(TAIL + 1).take_while(|byte| is_name(**byte)).count();
    let end = stem.end + tail;
    // Most names end in prose and code where no value can follow, and are read no further.
    let column = bytes[end..].starts_with(COLUMN);
    if tail > TAIL || !column && !bytes.get(end).is_some_and(|&next| may_follow(next)) {
        return None;
    }
    let mut cursor = Cursor { bytes, at: end };
    let closed = cursor.skip_closers();
    cursor.skip_blanks(false);
    let mut assigned = cursor.skip_operator() || cursor.skip_any(&[COLUMN]);
    let next = bytes.get(cursor.at).copied().unwrap_or_default();
    // `.apiKey("v")`, `fromSecretKey(Uint8Array.from([…]))`: a builder.
    assigned |= next == b'(' && cursor.at == end && ARGUMENTS.iter().any(|begins| bytes[end + 1..].starts_with(begins));
    if !assigned && cursor.at == end && !matches!(next, b'>' | b',' | b'\r' | b'\n' | b'{' | b'}' | b'[' | b'<') {
        return None;
    }
    let name = Span::new(name_start(bytes, stem.start), end);
    assigned |= notation::opens_element(bytes, name.start) && cursor.skip_any(&[b">"]);
    let mut listed = !assigned && closed && cursor.skip_comma();
    // `add_argument("--name", default="v")`.
    if listed && [&b" default=\""[..], b" default='"].iter().any(|default| cursor.rest().starts_with(default)) {
        cursor.at += b" default=".len();
        (assigned, listed) = (true, false);
    }
    let flag = is_flag(bytes, name) && cursor.at > name.end;
    if !(assigned || listed || flag || cursor.skip_value_key()) {
        cursor.at = notation::value_behind(bytes, name, cursor.at)?;
    }
    if assigned {
        cursor.skip_fallback();
    }
    cursor.skip_openers();
    if assigned && cursor.rest().starts_with(b"${") {
        cursor.skip_fallback();
    }
    let labelled = || notation::behind_type(bytes, cursor.at).or_else(|| printed::behind_label(bytes, name, cursor.at));
    if let Some(behind) = labelled() {
        cursor.at = behind;
        cursor.skip_openers();
    } else if let Some(behind) = notation::default_of(bytes, cursor.at) {
        cursor.at = behind;
        listed = false;
        cursor.skip_openers();
    }
    let is_told = || is_header(&bytes[name.range()]) && is_token(&bytes[cursor.at.min(bytes.len())..]);
    listed = listed && !(flag || is_argument(bytes, name) || is_pair(bytes, name, cursor.at) || is_told());
    (cursor.at < bytes.len()).then_some(Slot {
        name: if assigned || notation::is_told(bytes, name, cursor.at) { printed::with_word_before(bytes, name) } else { name },
        value: cursor.at,
        listed: listed && !printed::is_row(bytes, name, cursor.at),
    })
}

/// The next value of a list, behind one that ends at `end`: `["v", "v"]`.
pub(super) fn next_in_list(bytes: &[u8], slot: Slot, end: usize) -> Option<Slot> {
    // What a plan would change.
    if bytes[end..].starts_with(b"\" -> \"") {
        return Some(Slot { value: end + 6, ..slot });
    }
    let listed = bytes[slot.name.end..slot.value].contains(&b'[');
    let mut cursor = Cursor { bytes, at: end };
    cursor.skip_closers();
    if !listed || bytes[end..cursor.at].contains(&b']') || end - slot.name.end > LIST || !cursor.skip_any(&[b","]) {
        return None;
    }
    cursor.skip_blanks(true);
    cursor.skip_closers();
    (cursor.at < bytes.len()).then_some(Slot { value: cursor.at, ..slot })
}

/// Whether a word stands here that no path of a program and no list of words has: long, with a digit, at the end of its
/// field. `name::v` and `name|v|` are rare, `mod::Name` and `a|b` are not.
pub(super) fn is_token(rest: &[u8]) -> bool {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_+/=.".contains(byte);
    let word = &rest[..rest.iter().take(TOKEN).take_while(is_part).count()];
    let ends = rest.get(word.len()).is_none_or(|next| next.is_ascii_whitespace() || b"|,;\"'})]".contains(next));
    ends && word.len() >= SHORTEST_TOKEN && word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic)
}

/// `{` and a UUID and `}`, as .NET prints one.
fn is_braced_uuid(rest: &[u8]) -> bool {
    let is_part = |(at, byte): (usize, &u8)| if [8, 13, 18, 23].contains(&at) { *byte == b'-' } else { byte.is_ascii_hexdigit() };
    rest.len() >= 38 && rest[0] == b'{' && rest[37] == b'}' && rest[1..37].iter().enumerate().all(is_part)
}

/// The slot of a value that begins at `value`.
pub(super) fn name_of(bytes: &[u8], value: usize) -> Option<Slot> {
    let floor = value.saturating_sub(BACK);
    let mut at = value;
    let mut assigned = false;
    for _ in 0..5 {
        let (before, operator) = skip_back(bytes, at, floor);
        assigned |= operator;
        let start = name_start(bytes, before);
        let name = &bytes[start..before];
        if name.is_empty() {
            return None;
        }
        let is_one_of = |words: &[&[u8]]| words.iter().any(|word| name.eq_ignore_ascii_case(word));
        let behind = bytes[before..].first();
        let constructor = !assigned && matches!(behind, Some(b'(' | b'{' | b'['));
        let literal_prefix = !assigned && name.len() <= 2 && matches!(behind, Some(b'"' | b'\''));
        // `token: v` is a name and its value, `Authorization: token v` is not.
        let glue = constructor || literal_prefix || (is_one_of(SCHEMES) || name == b"new") && !operator || is_one_of(VALUE_KEYS);
        if !glue {
            let flag = is_flag(bytes, Span::new(start, before));
            return (assigned || flag).then_some(Slot { name: Span::new(start, before), value, listed: false });
        }
        at = start;
    }
    None
}

/// The quote, bracket or ampersand on the line that a value stands in, looking back a little.
pub(super) fn opener(bytes: &[u8], value: usize) -> Option<u8> {
    let before = &bytes[value.saturating_sub(BACK)..value];
    let decides = |byte: &&u8| b"\"'`[({<?&])}>\n".contains(*byte);
    match before.iter().rev().find(decides) {
        Some(b'?' | b'&') => Some(b'&'),
        Some(b']' | b')' | b'}' | b'>' | b'\n') | None => None,
        opener => opener.copied(),
    }
}

/// Whether a name with this byte behind it may have a value: a quote or bracket that closes it, a
/// blank, an operator, or what stands before the key of a value.
fn may_follow(byte: u8) -> bool {
    /// What a [`Cursor`] skips behind a name.
    const FOLLOWERS: &[u8] = b"\\\"'`]&%* \t=!-:|?>,\r\n{}[(<";
    const SET: [bool; 256] = {
        let mut set = [false; 256];
        let mut at = 0;
        while at < FOLLOWERS.len() {
            set[FOLLOWERS[at] as usize] = true;
            at += 1;
        }
        set
    };
    SET[usize::from(byte)]
}

pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Where the name that holds or precedes `at` begins: not inside an escape, not with a dash.
pub(super) fn name_start(bytes: &[u8], at: usize) -> usize {
    let floor = at.saturating_sub(NAME);
    let mut start = at;
    while start > floor && (is_name(bytes[start - 1]) || bytes[start - 1] == b'.') {
        start -= 1;
    }
    start = (start + escape_tail(bytes, start)).min(at);
    while start < at && matches!(bytes[start], b'-' | b'.') {
        start += 1;
    }
    start
}

/// Whether a quoted name is the first argument of a call: `set("name", …`.
fn is_argument(bytes: &[u8], name: Span) -> bool {
    if [&b"\"String\", \""[..], b"'String', '", b"\"string\", \"", b"'string', '"]
        .iter()
        .any(|typed| bytes[..name.start].ends_with(typed))
    {
        return true;
    }
    let before = bytes[..name.start].iter().rev().take(8);
    before.copied().find(|byte| !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b' ')) == Some(b'(')
}

/// Whether a name and its value, which is no other name, are all of a list: `["name", "value"]`, `{ "name", "value" }`.
fn is_pair(bytes: &[u8], name: Span, value: usize) -> bool {
    let before = &bytes[name.start.saturating_sub(3)..name.start];
    let quote = before.last().filter(|_| {
        let opener = before[..before.len() - 1].trim_ascii_end();
        opener.ends_with(b"[") || opener.ends_with(b"{")
    });
    let is_other = |byte: &&u8| Some(*byte) != quote && **byte != b'\n';
    let end = value + bytes[value..].iter().take(TOKEN).take_while(is_other).count();
    quote.is_some_and(|quote| b"\"'".contains(quote))
        && bytes[..value].last() == quote
        && bytes[(end + 1).min(bytes.len())..].trim_ascii_start().first().is_some_and(|close| b"]}".contains(close))
        && is_token(&bytes[value..])
}

/// Whether a name is that of a header of HTTP, which programs print in one list with their values: `X-Api-Key`.
fn is_header(name: &[u8]) -> bool {
    name.len() > 2 && name[..2].eq_ignore_ascii_case(b"x-")
}

fn is_flag(bytes: &[u8], name: Span) -> bool {
    let dash = name.len() >= OPTION && bytes[..name.start].ends_with(b" -");
    dash || bytes[..name.start].ends_with(b"--") || is_user_option(&bytes[name.range()])
}

/// Whether what follows is who somebody is, and the secret that proves it.
pub(super) fn is_user_option(name: &[u8]) -> bool {
    matches!(name, b"-u" | b"--user")
}

/// Goes back over what may stand between a name and its value; says whether it holds an operator.
fn skip_back(bytes: &[u8], value: usize, floor: usize) -> (usize, bool) {
    let mut at = value;
    let mut assigned = false;
    while at > floor {
        let before = &bytes[floor..at];
        if let Some((length, operator)) = encoded_back(before) {
            at -= length;
            assigned |= operator;
            continue;
        }
        match before[before.len() - 1] {
            b'=' | b':' | b'>' | b',' | b'|' | b'?' => assigned = true,
            b'-' if before.ends_with(b":-") => {}
            b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'`' | b'\\' | b'[' | b']' | b'(' | b'{' | b'}' | b'<' => {}
            _ => break,
        }
        at -= 1;
    }
    (at, assigned)
}

/// An encoded quote or operator at the end of the bytes: its length, and whether it is an operator.
fn encoded_back(before: &[u8]) -> Option<(usize, bool)> {
    const ENCODED: &[(&[u8], bool)] = &[
        (b"%3d", true),
        (b"%3a", true),
        (b"%253d", true),
        (b"\\u003d", true),
        (b"%22", false),
        (b"%20", false),
        (b"%5b", false),
        (b"%7b", false),
        (b"&quot;", false),
        (b"&#34;", false),
        (b"&#39;", false),
        (b"&#x27;", false),
        (b"\\u0022", false),
        (b"\\n", false),
    ];
    // All of them end with a letter, a digit or a semicolon.
    let last = before.last().filter(|last| last.is_ascii_alphanumeric() || **last == b';')?;
    let found = ENCODED
        .iter()
        .filter(|(text, _)| text.last().is_some_and(|end| end.eq_ignore_ascii_case(last)))
        .find(|(text, _)| before.len() >= text.len() && before[before.len() - text.len()..].eq_ignore_ascii_case(text));
    found.map(|(text, operator)| (text.len(), *operator))
}

/// Reads forward over what stands between a name and its value.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.at.min(self.bytes.len())..]
    }

    /// Skips the first of the texts that stands here, in any case.
    fn skip_any(&mut self, texts: &[&[u8]]) -> bool {
        let rest = self.rest();
        let found = texts.iter().find(|text| rest.len() >= text.len() && rest[..text.len()].eq_ignore_ascii_case(text));
        self.at += found.map_or(0, |text| text.len());
        found.is_some()
    }

    /// What closes a quoted or bracketed name. Says whether there was a quote.
    fn skip_closers(&mut self) -> bool {
        let start = self.at;
        for _ in 0..10 {
            match self.rest().first().copied() {
                Some(b'\\') => self.skip_backslashes(),
                Some(b'"' | b'\'' | b'`' | b']' | b'*') => self.at += 1,
                Some(b'&' | b'%') if self.skip_any(&[b"&quot;", b"&#34;", b"&#39;", b"&#x27;", b"%22", b"%5D"]) => {}
                _ => break,
            }
        }
        self.at > start
    }

    /// A quote of JSON in JSON in JSON has one before it, then three, seven, fifteen.
    fn skip_backslashes(&mut self) {
        self.at += self.rest().iter().take(BACKSLASHES).take_while(|byte| **byte == b'\\').count();
    }

    fn skip_blanks(&mut self, newline: bool) {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t') || newline && matches!(byte, b'\r' | b'\n');
        self.at += self.rest().iter().take(BLANKS).take_while(|byte| blank(byte)).count();
    }

    fn skip_operator(&mut self) -> bool {
        let length = match self.rest() {
            // The last two are `{name,<<"v">>}` of Erlang.
            [b',', b' ', b'<', b'<', b'"', ..] => 4,
            // `<- "v"` is that of R; what a channel of Go gives stands in no quotes.
            [b'|', b'|', b'=', ..]
            | [b'?', b'?', b'=', ..]
            | [b',', b'<', b'<', b'"', ..]
            // What a program compares with.
            | [b'=' | b'!', b'=', b'=', ..]
            | [b't', b'o', b' ', b'"', ..]
            | [b'<', b'-', b' ', b'"' | b'\'', ..] => 3,
            [b'=', b'>' | b'=', ..] | [b'!', b'=', ..] | [b':', b'=' | b'-' | b'?', ..] | [b'-', b'>', ..] | [b'|', b'|', ..] | [b'?', b'?', ..] => {
                2
            }
            [b':', b':', rest @ ..] if is_token(rest) => 2,
            [b'|', rest @ ..] if is_token(rest.strip_prefix(b" ").unwrap_or(rest)) => 1,
            [b'=' | b':', ..] => 1,
            [b'%' | b'\\' | b'&', ..] => return self.skip_any(&[b"%3D", b"%3A", b"%253D", b"\\u003d", b"&#61;"]),
            _ => return false,
        };
        self.at += length;
        true
    }

    /// `set("name", "value")`; but `"name", "value": …` is a list of names and values.
    fn skip_comma(&mut self) -> bool {
        let start = self.at;
        if !self.skip_any(&[b","]) {
            return false;
        }
        if self.next_key().is_some() {
            self.at = start;
            return false;
        }
        true
    }

    /// `,"value":` and `\n  value:` behind a name that is itself a value; nested as in OTLP.
    fn skip_value_key(&mut self) -> bool {
        let mut any = false;
        while let Some(end) = self.next_key() {
            let start = std::mem::replace(&mut self.at, end);
            self.skip_closers();
            self.skip_blanks(false);
            if !self.skip_any(&[b"=>", b"=", b":", b", \""]) {
                self.at = start;
                break;
            }
            any = true;
        }
        any
    }

    /// The end of a key such as `value`, if one is next.
    fn next_key(&self) -> Option<usize> {
        let rest = self.rest();
        let glue = |byte: &u8| matches!(byte, b',' | b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'\\' | b'{' | b'}' | b'[');
        let start = rest.iter().take(BLANKS).take_while(|byte| glue(byte)).count();
        if !matches!(rest.get(start)? | 0x20, b'v' | b'a' | b's') {
            return None;
        }
        let length = rest[start..].iter().take(TAIL).take_while(|byte| is_name(**byte)).count();
        let key = &rest[start..start + length];
        VALUE_KEYS.iter().any(|known| key.eq_ignore_ascii_case(known)).then_some(self.at + start + length)
    }

    /// Blanks, one line end, quotes, brackets, a scheme, a constructor.
    fn skip_openers(&mut self) {
        self.skip_value_key();
        self.skip_block_scalar();
        self.skip_blanks(true);
        for _ in 0..12 {
            let opened = self.skip_opener() || self.skip_brace() || self.skip_prefix();
            let before = self.at;
            // A list may begin on a line of its own, and an argument.
            self.skip_blanks(opened && b"[(".contains(&self.bytes[before - 1]));
            if !opened && self.at == before {
                break;
            }
        }
    }

    /// What is looked up first, to the quote of what is taken if nothing is found.
    fn skip_fallback(&mut self) {
        let blanks = self.rest().iter().take(BLANKS).take_while(|byte| **byte == b' ').count();
        if let Some(behind) = fallback::of(self.bytes, self.at + blanks) {
            self.at = behind + usize::from(fallback::is_text(&self.bytes[behind..]));
        }
    }

    /// `>-` and `|`, behind which YAML has its text on lines of its own.
    fn skip_block_scalar(&mut self) {
        self.skip_blanks(false);
        if !matches!(self.rest().first(), Some(b'>' | b'|')) {
            return;
        }
        self.skip_any(&[b">\n", b">-\n", b"|\n", b"|-\n", b">\r\n", b">-\r\n", b"|\r\n", b"|-\r\n"]);
    }

    /// One quote or bracket, escaped or not.
    fn skip_opener(&mut self) -> bool {
        match self.rest() {
            [b'\\', ..] => {
                self.skip_backslashes();
                self.at += usize::from(matches!(self.rest(), [b'n' | b'"' | b'\'', ..]));
            }
            [b'"' | b'\'' | b'`' | b'[' | b']' | b'(', ..] | [b'@', b'"', ..] => self.at += 1,
            [b'&' | b'%', ..] => return self.skip_any(&[b"&quot;", b"&#34;", b"&#39;", b"&#x27;", b"%22", b"%20", b"%5B"]),
            [b'<', b'<', b'"', ..] => self.at += 3,
            [b'<', b'!' | b'v' | b'V', ..] => return self.skip_any(&[b"<![CDATA[", b"<value>"]),
            _ => return false,
        }
        true
    }

    /// A brace opens an object or a list; `{name}` alone is a template, and no value.
    fn skip_brace(&mut self) -> bool {
        let opens = is_braced_uuid(self.rest())
            || matches!(self.rest(), [b'{', b'"' | b'\'' | b'`' | b'\\' | b' ' | b'\t' | b'\n' | b'\r' | b'[' | b'{', ..]);
        self.at += usize::from(opens);
        opens
    }

    /// `Bearer `, `b'`, `Str(`: words that open a value.
    fn skip_prefix(&mut self) -> bool {
        let rest = self.rest();
        let word = rest.iter().take(20).take_while(|byte| is_name(**byte)).count();
        let opens = match rest.get(word) {
            Some(b' ' | b'\t') => {
                SCHEMES.iter().any(|scheme| rest[..word].eq_ignore_ascii_case(scheme)) || rest[..word] == *b"new"
            }
            // `(string) (len=40) "v"` of Go.
            Some(b')') if rest.starts_with(b"string) (len=") => {
                let digits = rest[13..].iter().take(8).take_while(|byte| byte.is_ascii_digit()).count();
                let typed = rest[13 + digits..].starts_with(b") \"");
                self.at += if typed { digits + 16 } else { 0 };
                return typed;
            }
            // `(*string)(0xc000010250)((len=40) "v"` of Go.
            Some(b'*') if rest.starts_with(b"*string)(0x") => {
                let end = rest.iter().take(POINTER).position(|&byte| byte == b'"');
                let typed = end.filter(|&end| memchr::memmem::find(&rest[..end], b")((len=").is_some());
                self.at += typed.map_or(0, |end| end + 1);
                return typed.is_some();
            }
            // `string(40) "v"` of PHP.
            Some(b'(') if rest[..word] == *b"string" && rest[word + 1..].first().is_some_and(u8::is_ascii_digit) => {
                let digits = rest[word + 1..].iter().take(8).take_while(|byte| byte.is_ascii_digit()).count();
                let typed = rest[word + 1 + digits..].starts_with(b") \"");
                self.at += if typed { word + digits + 3 } else { 0 };
                return typed;
            }
            // `ENC(…)` is encrypted.
            Some(b'(' | b'{') => {
                let quoted = self.at.checked_sub(1).is_some_and(|before| b"\"'`".contains(&self.bytes[before]));
                word > 0 && rest[..word] != *b"ENC" && !quoted && !is_left_open(&rest[word..])
            }
            // `String::from("…")`, `SecretString::new("…")` of Rust.
            Some(b':') => match [&b"::from(\""[..], b"::new(\""].iter().find(|call| rest[word..].starts_with(call)) {
                Some(call) => {
                    self.at += word + call.len();
                    return true;
                }
                None => false,
            },
            // `Uint8Array.from([…])`, `Buffer.from("…", "hex")`, `bs58.decode("…")`.
            Some(b'.') => {
                match [&b".from("[..], b".decode(", b".stringify("].iter().find(|call| rest[word..].starts_with(call)) {
                    Some(call) => {
                        self.at += word + call.len();
                        return true;
                    }
                    None => false,
                }
            }
            Some(b'"' | b'\'') => (1..=2).contains(&word),
            _ => false,
        };
        if opens {
            self.at += word + 1;
        }
        opens
    }
}

/// Whether nothing closes the bracket before the line ends, and neither a blank nor a quote comes first: a value in no
/// quotes that holds a bracket, not a call. What closes a call has no letter or digit behind it.
fn is_left_open(rest: &[u8]) -> bool {
    let goes_on = |at: usize| rest.get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
    let stops = |(at, byte): (usize, &u8)| b" \t\"'`\\\r\n".contains(byte) || matches!(byte, b')' | b'}') && !goes_on(at);
    let stop = rest.iter().take(TOKEN).enumerate().position(stops);
    let end = stop.unwrap_or_else(|| rest.len().min(TOKEN));
    let ends = rest.get(end).is_none_or(|byte| matches!(byte, b'\r' | b'\n'));
    ends && !b"({[,".contains(&rest[end - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTATIONS: &[&str] = &[
        "NAME_KEY=V4LUE",
        "export NAME_KEY=V4LUE",
        "name_key: V4LUE",
        "name_key   :   \"V4LUE\"",
        "\"name-key\":\"V4LUE\"",
        "{\\\"name-key\\\":\\\"V4LUE\\\"}",
        "{\\\\\\\"name-key\\\\\\\":\\\\\\\"V4LUE\\\\\\\"}",
        "'name-key' => 'V4LUE'",
        "name_key := V4LUE",
        "<NameKey>V4LUE</NameKey>",
        "Name-Key:[V4LUE]",
        "{name-key=V4LUE, other=1}",
        "headers.set(\"name-key\", \"V4LUE\")",
        "--name-key V4LUE",
        "--name-key=V4LUE",
        "?a=1&name_key=V4LUE&b=2",
        "?a%3D1%26name_key%3DV4LUE%26b",
        "\\nname-key: V4LUE\\r\\n",
        "\\u0026name_key=V4LUE",
        "&quot;name-key&quot;:&quot;V4LUE&quot;",
        "-H 'name-key: V4LUE'",
        "{\"name\":\"Name-Key\",\"value\":\"V4LUE\"}",
        "- name: NAME_KEY\n  value: V4LUE",
        "{\"key\":\"http.name_key\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"V4LUE\"}]}}}",
        "name-key:\n  V4LUE",
        "b'name-key': b'V4LUE'",
        "[name_key] => V4LUE",
        "http.name_key: Slice([\"V4LUE\"])",
        "name.key: Str(V4LUE)",
        "${NAME_KEY:-V4LUE}",
        "process.env.NAME_KEY || 'V4LUE'",
        "os.getenv(\"NAME_KEY\", \"V4LUE\")",
        "name_key: Bearer V4LUE",
        "NameKey:V4LUE Timeout:30s",
        "config['name_key'] = 'V4LUE'",
        "nameKey = new Spec('V4LUE')",
        "nameKey = Buffer.from('V4LUE', 'hex')",
    ];

    #[test]
    fn the_argument_of_a_builder_is_a_value() {
        for (text, value) in [(".nameKey(\"V4LUE\")", 10), ("{\\\"x\\\": name_key(\\\"V4LUE\\\")", 19)] {
            let stem = text.to_ascii_lowercase().find("key").unwrap();
            let slot = value_of(text.as_bytes(), Span::new(stem, stem + 3)).unwrap();
            assert_eq!(slot.value, value, "{text}");
        }
        for text in ["nameKey(V4LUE)", "nameKey()", "nameKey (\"V4LUE\")"] {
            let stem = text.find("Key").unwrap();
            assert_eq!(value_of(text.as_bytes(), Span::new(stem, stem + 3)), None, "{text}");
        }
    }

    #[test]
    fn a_list_has_more_than_one_value() {
        for (text, expected) in [
            ("keys: [\"aaa\", 'bbb',\n  \"ccc\"]", 3),
            ("\\\"keys\\\":[\\\"aaa\\\",\\\"bbb\\\"],\\\"ccc\\\"", 2),
            ("keys = [\n  \"aaa\",\n]", 1),
            ("keys: \"aaa\", b: \"bbb\"", 1),
        ] {
            let stem = text.find("key").unwrap();
            let mut next = value_of(text.as_bytes(), Span::new(stem, stem + 3));
            let mut values = String::new();
            while let Some(slot) = next.filter(|slot| text.as_bytes()[slot.value].is_ascii_alphabetic()) {
                values.push(char::from(text.as_bytes()[slot.value]));
                next = next_in_list(text.as_bytes(), slot, slot.value + 3);
            }
            assert_eq!(values, "abc"[..expected], "{text}");
        }
    }

    #[test]
    fn every_notation_is_read_from_the_name_to_the_value() {
        for text in NOTATIONS {
            let before = &text[..text.find("V4LUE").unwrap()];
            let stem = before.to_ascii_lowercase().rfind("key").unwrap();
            let slot = value_of(text.as_bytes(), Span::new(stem, stem + 3)).unwrap_or_else(|| panic!("{text}"));
            assert!(text[slot.value..].starts_with("V4LUE"), "{text}: {}", &text[slot.value..]);
            let name = crate::rule::name::normalise(&text.as_bytes()[slot.name.range()]);
            assert!(name.ends_with("namekey"), "{text}: {name}");
        }
    }

    #[test]
    fn every_notation_is_read_from_the_value_to_the_name() {
        for text in NOTATIONS {
            let value = text.find("V4LUE").unwrap();
            let slot = name_of(text.as_bytes(), value).unwrap_or_else(|| panic!("{text}"));
            let name = crate::rule::name::normalise(&text.as_bytes()[slot.name.range()]);
            assert!(name.ends_with("namekey"), "{text}: {name}");
        }
    }

    #[test]
    fn prose_has_no_slots() {
        for text in ["the key V4LUE is", "key", "a key, V4LUE", "keys are fine"] {
            let stem = text.find("key").unwrap();
            let slot = value_of(text.as_bytes(), Span::new(stem, stem + 3));
            assert!(slot.is_none(), "{text}: {slot:?}");
        }
        assert_eq!(name_of(b"the key V4LUE is", 8), None);
        assert_eq!(name_of(b"V4LUE", 0), None);
    }

    #[test]
    fn a_pair_is_no_list_of_names() {
        let listed = |text: &str| {
            let stem = text.find("key").unwrap();
            value_of(text.as_bytes(), Span::new(stem, stem + 3)).unwrap_or_else(|| panic!("{text}")).listed
        };
        assert!(!listed("[[\"name_key\", \"0123456789abcdef\"], [\"b\", \"2\"]]"));
        assert!(listed("names = [\"name_key\", \"vendor_name_key\"]"));
        assert!(listed("[\"name_key\", \"0123456789abcdef\", \"c\"]"));
    }
}
