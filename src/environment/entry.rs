//! Names and values as configuration and code assign them, in any notation, line by line.

use crate::span::Span;

/// The longest statement that is looked at.
const LONGEST: usize = 600;
/// The longest value that is kept.
const VALUE: usize = 300;
/// The longest name in brackets.
const NAME: usize = 40;
/// Elements of pages.
const PAGE: &[&str] = &[
    "a", "article", "aside", "body", "button", "div", "fieldset", "footer", "form", "frame", "header", "html", "iframe", "input",
    "label", "li", "main", "meta", "nav", "ol", "p", "script", "section", "select", "span", "table", "td", "template",
    "textarea", "th", "tr", "ul",
];

/// A name and what is assigned to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// Without quotes.
    pub(super) name: &'a [u8],
    /// Without quotes and what ends a statement.
    pub(super) value: &'a [u8],
    /// Whether it stands in a comment.
    pub(super) commented: bool,
    /// Name and value.
    pub(super) span: Span,
}

/// The words that a flag may be set to end within so many bytes.
const WORD: usize = 12;

/// How many quotes, blanks and signs stand between a name, its operator and its value.
const GLUE: usize = 4;

/// Assignments of one word in a record of a log, in any notation: `name=v`, `"name": "v"`, `\"name\":v`, `name => v`.
pub(super) fn in_record(bytes: &[u8], record: Span) -> Vec<Entry<'_>> {
    let text = &bytes[record.range()];
    let glue = |byte: &u8| matches!(byte, b' ' | b'"' | b'\'' | b'\\' | b'>' | b':');
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let entry = |at: usize| {
        let head = &text[..at];
        let end = at - head.iter().rev().take(GLUE).take_while(|byte| glue(byte)).count();
        let name = end - text[..end].iter().rev().take(NAME).take_while(|byte| part(byte)).count();
        let value = at + 1 + text[at + 1..].iter().take(GLUE).take_while(|byte| glue(byte)).count();
        let length = text[value..].iter().take(WORD).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let is_word = (1..WORD).contains(&length) && end - name >= 3;
        let span = Span::new(record.start + name, record.start + value + length);
        is_word.then(|| Entry { name: &text[name..end], value: &text[value..value + length], commented: false, span })
    };
    memchr::memchr2_iter(b'=', b':', text).filter_map(entry).collect()
}

/// Reads every assignment in a range; with braces also several in a line.
pub(super) fn read<'a>(bytes: &'a [u8], range: Span, braces: bool, entries: &mut Vec<Entry<'a>>) {
    if !may_assign(&bytes[range.range()], braces) {
        return;
    }
    let mut start = range.start;
    while start < range.end {
        let end = memchr::memchr(b'\n', &bytes[start..range.end]).map_or(range.end, |at| start + at);
        if end - start <= LONGEST {
            statements(bytes, Span::new(start, end), braces, entries);
        } else if braces {
            // A long line of many statements: as many as fit are read.
            let mut from = start;
            for at in memchr::memchr2_iter(b',', b';', &bytes[start..end]).map(|at| start + at).chain([end]) {
                if at - from <= LONGEST {
                    statements(bytes, Span::new(from, at), true, entries);
                }
                from = at + 1;
                if entries.len() > 2000 {
                    return;
                }
            }
        }
        start = end + 1;
        if entries.len() > 2000 {
            return;
        }
    }
}

/// Whether a text may hold an assignment. What stands between blocks mostly does not.
fn may_assign(text: &[u8], braces: bool) -> bool {
    let is_sign = |byte: &u8| matches!(byte, b'=' | b':' | b'>');
    // A searcher would cost more than a few bytes.
    let signed = if text.len() < 16 { text.iter().any(is_sign) } else { memchr::memchr3(b'=', b':', b'>', text).is_some() };
    signed || !braces && memchr::memmem::find(text, b"ENV ").is_some()
}

/// The assignments in a line.
fn statements<'a>(bytes: &'a [u8], line: Span, braces: bool, entries: &mut Vec<Entry<'a>>) {
    let text = &bytes[line.range()];
    if memchr::memchr3(b'=', b':', b'>', text).is_none() && !text.trim_ascii_start().starts_with(b"ENV ") {
        return;
    }
    let mut start = line.start;
    let mut at = line.start;
    while braces && at < line.end {
        match bytes[at] {
            quote @ (b'"' | b'\'' | b'`') => {
                let close = bytes[at + 1..line.end].iter().position(|&byte| byte == quote);
                at += close.map_or(0, |close| close + 1);
            }
            b',' | b';' | b'{' | b'}' => {
                entries.extend(statement(bytes, Span::new(start, at)));
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    entries.extend(statement(bytes, Span::new(start, line.end)));
}

/// One assignment.
fn statement(bytes: &[u8], span: Span) -> Option<Entry<'_>> {
    let whole = bytes[span.range()].trim_ascii();
    let (text, commented) = uncommented(whole);
    let text = text.strip_prefix(b"- ").unwrap_or(text).trim_ascii();
    // `Environment=APP_ENV=production` of systemd.
    let text = text.strip_prefix(b"Environment=").filter(|rest| memchr::memchr(b'=', rest).is_some()).unwrap_or(text);
    // `- "APP_ENV=production"` is quoted as a whole.
    let text = match text {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] if !inner.contains(&text[0]) => inner,
        _ => text,
    };
    let found = tagged(text).or_else(|| assigned(text));
    found.map(|(name, value)| Entry { name, value: ended(value), commented, span })
}

fn uncommented(text: &[u8]) -> (&[u8], bool) {
    if !text.first().is_some_and(|first| b"#/;-*".contains(first)) {
        return (text, false);
    }
    for mark in [&b"#"[..], b"//", b";", b"--", b"/*", b"* "] {
        if let Some(rest) = text.strip_prefix(mark) {
            return (rest.trim_ascii(), true);
        }
    }
    (text, false)
}

/// `<add key="N" value="V"/>`, `<N>V</N>`, `<string name="N">V</string>`.
fn tagged(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if text.first() != Some(&b'<') {
        return None;
    }
    let attribute = |wanted: &[u8]| {
        let at = memchr::memmem::find(text, wanted)? + wanted.len();
        let rest = &text[at..];
        Some(&rest[..memchr::memchr(b'"', rest)?])
    };
    let name = attribute(b"key=\"").or_else(|| attribute(b"name=\""));
    if let (Some(name), Some(value)) = (name, attribute(b"value=\"")) {
        return Some((name, value));
    }
    let close = memchr::memchr(b'>', text)?;
    let value = &text[close + 1..];
    let value = &value[..memchr::memmem::find(value, b"</")?];
    let tag = &text[1..close];
    let tag = &tag[..tag.iter().position(u8::is_ascii_whitespace).unwrap_or(tag.len())];
    Some((name.unwrap_or(tag), value))
}

/// The attributes of a tag: `<gateway name="acme" mode="live">`.
pub(super) fn attributes<'a>(bytes: &'a [u8], head: Span, entries: &mut Vec<Entry<'a>>) {
    let text = &bytes[head.range()];
    if text.first() != Some(&b'<') {
        return;
    }
    let mut from = 0;
    while let Some(open) = memchr::memmem::find(&text[from..], b"=\"").map(|at| from + at) {
        let Some(length) = memchr::memchr(b'"', &text[open + 2..]) else { return };
        let name = text[..open].rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
        from = open + 2 + length + 1;
        let span = Span::new(head.start + open - name.len(), head.start + from);
        entries.push(Entry { name, value: &text[open + 2..open + 2 + length], commented: false, span });
    }
}

/// The names of the tags around a slot in its own line, from inside out: of `<sandbox><secret>` `sandbox`.
pub(super) fn tags_around(bytes: &[u8], slot: Span) -> impl Iterator<Item = &[u8]> {
    let mut text = bytes[..slot.start].strip_suffix(b"<");
    std::iter::from_fn(move || {
        let before = text?.strip_suffix(b">")?;
        let length = before.iter().rev().take(NAME).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let (rest, name) = before.split_at(before.len() - length);
        text = rest.strip_suffix(b"<");
        text.is_some().then_some(name)
    })
}

/// `N=V`, `N: V`, `"N" => V`, `export N=V`, `ENV N V`, `const n = V`, `N := V`.
fn assigned(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(quote) = text.first().copied().filter(|byte| b"\"'`".contains(byte)) {
        let close = 1 + memchr::memchr(quote, &text[1..])?;
        let rest = text[close + 1..].trim_ascii_start();
        let length = operator(rest)?;
        return Some((&text[1..close], &rest[length..]));
    }
    // `ENV NAME value` has no operator that belongs to it.
    let docker = text.strip_prefix(b"ENV ").or_else(|| text.strip_prefix(b"ARG "));
    let docker = docker.filter(|rest| !rest.split(|&byte| byte == b' ').next().is_some_and(|first| first.contains(&b'=')));
    if let Some(rest) = docker {
        let end = rest.iter().position(|&byte| byte == b' ')?;
        return Some((&rest[..end], &rest[end..]));
    }
    let begins = |&at: &usize| operator(&text[at..]).is_some() && (at == 0 || !b"[=!<>:".contains(&text[at - 1]));
    let at = memchr::memchr2_iter(b'=', b':', text).find(begins)?;
    let left = text[..at].trim_ascii_end();
    let name = left.rsplit(|byte| byte.is_ascii_whitespace() || b"(\"'".contains(byte)).next()?;
    // `environ["APP_ENV"] = …`
    let name = if left.ends_with(b"]") { bracketed(left).unwrap_or(name) } else { name };
    let name = name.trim_ascii_end();
    (!name.is_empty() && name.len() <= 80).then(|| (name, &text[at + operator(&text[at..]).unwrap_or(1)..]))
}

/// The names in brackets before that of a slot, from right to left: of `$config['acme']['live']['secret']` `live` and
/// `acme`.
pub(super) fn subscripts(bytes: &[u8], slot: Span) -> impl Iterator<Item = &[u8]> {
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let before = |text: &'_ [u8]| {
        let text =
            text.strip_suffix(b"'").or_else(|| text.strip_suffix(b"\"")).or_else(|| text.strip_suffix(b":")).unwrap_or(text);
        text.strip_suffix(b"[").map(<[u8]>::len)
    };
    let mut end = before(&bytes[..slot.start]);
    std::iter::from_fn(move || {
        let text = bytes[..end?].strip_suffix(b"]")?;
        let text = text.strip_suffix(b"'").or_else(|| text.strip_suffix(b"\"")).unwrap_or(text);
        let name = &text[text.len() - text.iter().rev().take(NAME).take_while(is_name).count()..];
        end = before(&text[..text.len() - name.len()]);
        (end.is_some() && !name.is_empty()).then_some(name)
    })
}

fn bracketed(left: &[u8]) -> Option<&[u8]> {
    let open = memchr::memrchr(b'[', left)?;
    let inner = &left[open + 1..left.len() - 1];
    Some(unquoted(inner.strip_prefix(b":").unwrap_or(inner).trim_ascii()))
}

fn operator(text: &[u8]) -> Option<usize> {
    match text {
        [b'=', b'>', ..] | [b':', b'=', ..] => Some(2),
        [b'=' | b'!', b'=', ..] | [b':', b':', ..] | [b':', b'/', b'/', ..] => None,
        [b'=', ..] | [b':'] => Some(1),
        [b':', next, ..] if next.is_ascii_whitespace() || b"\"'`{[".contains(next) || next.is_ascii_alphanumeric() => Some(1),
        _ => None,
    }
}

/// A value without quotes and without what follows it.
fn ended(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    let value = match value.first() {
        Some(quote @ (b'"' | b'\'' | b'`')) => {
            let inner = &value[1..];
            return &inner[..memchr::memchr(*quote, inner).unwrap_or(inner.len()).min(VALUE)];
        }
        _ => value,
    };
    let begins = |&at: &usize| match value[at] {
        b' ' => value[at + 1..].starts_with(b"#") || value[at + 1..].starts_with(b"//"),
        _ => value[at + 1..].starts_with(b"#"),
    };
    let comment = memchr::memchr2_iter(b' ', b'\t', value).find(begins);
    let value = &value[..comment.unwrap_or(value.len()).min(VALUE)];
    unquoted(value.trim_ascii_end())
        .trim_ascii_end()
        .strip_suffix(b",")
        .map_or_else(|| without_semicolon(value), without_semicolon)
}

fn without_semicolon(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    value.strip_suffix(b";").or_else(|| value.strip_suffix(b",")).unwrap_or(value).trim_ascii()
}

fn unquoted(text: &[u8]) -> &[u8] {
    match text {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] | [b'`', inner @ .., b'`'] => inner,
        _ => text,
    }
}

/// The key of the most common heads: `stripe:`, `"stripe": {`, `stripe(`.
fn plain_key(head: &[u8]) -> Option<&[u8]> {
    let head = match head {
        [rest @ .., b'{' | b'[' | b'('] => rest.trim_ascii_end(),
        _ => head.strip_suffix(b":")?,
    };
    let key = match head.strip_suffix(b":").unwrap_or(head) {
        [b'"', key @ .., b'"'] | key => key,
    };
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (key != b"do" && key.iter().all(is_plain)).then_some(key)
}

/// The key that a head is: `"production": {`, `prod = {`, `[env.prod.vars]`, `workspace "prod" {`.
pub(super) fn key_of(head: &[u8]) -> &[u8] {
    let head = head.trim_ascii();
    if let Some(key) = plain_key(head) {
        return key;
    }
    let head = head
        .strip_suffix(b"{")
        .or_else(|| head.strip_suffix(b"["))
        .or_else(|| head.strip_suffix(b"("))
        .unwrap_or(head)
        .trim_ascii();
    if let Some(section) = head.strip_prefix(b"[") {
        let section = section.strip_prefix(b"[").unwrap_or(section);
        return section[..memchr::memchr(b']', section).unwrap_or(section.len())].trim_ascii();
    }
    // Anchors, tags and types behind the key are not part of it.
    let anchor = memchr::memchr2(b'&', b'!', head).filter(|&at| at > 0 && head[at - 1] == b' ');
    let head = head[..anchor.unwrap_or(head.len())].trim_ascii();
    let head =
        [&b"=>"[..], b":=", b"=", b":", b"do", b"|"].iter().find_map(|end| head.strip_suffix(*end)).unwrap_or(head).trim_ascii();
    if let Some(tag) = head.strip_prefix(b"<") {
        return name_of_tag(tag.strip_suffix(b">").unwrap_or(tag));
    }
    let last = head.rsplit(u8::is_ascii_whitespace).next().unwrap_or(head);
    // `$config['acme'] = [`
    let last = if last.ends_with(b"']") || last.ends_with(b"\"]") { bracketed(last).unwrap_or(last) } else { last };
    unquoted(named_by_call(last).unwrap_or(last))
}

/// What a tag says that it is: by its name or id, else by the tag itself. The names of a page's elements mean nothing here.
fn name_of_tag(tag: &[u8]) -> &[u8] {
    let own = tag.split(u8::is_ascii_whitespace).next().unwrap_or(tag);
    if PAGE.iter().any(|element| own.eq_ignore_ascii_case(element.as_bytes())) {
        return own;
    }
    let said = [&b" name=\""[..], b" id=\""].iter().find_map(|attribute| {
        let rest = &tag[memchr::memmem::find(tag, attribute)? + attribute.len()..];
        Some(&rest[..memchr::memchr(b'"', rest)?])
    });
    said.unwrap_or(own)
}

/// The name in the call that makes or finds a block in Gradle's Kotlin: `create("prod") {`.
fn named_by_call(head: &[u8]) -> Option<&[u8]> {
    const CALLS: [&[u8]; 5] = [b"create(", b"register(", b"getByName(", b"named(", b"maybeCreate("];
    CALLS.iter().find_map(|call| head.strip_prefix(*call))?.strip_suffix(b")")
}

/// Words of a comment, without marks and decoration.
fn words_of(comment: &[u8]) -> Vec<&[u8]> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || byte.is_ascii_graphic() && b"'_&/.".contains(byte) || *byte >= 0x80;
    comment.split(|byte| !is_word(byte)).filter(|word| word.iter().any(u8::is_ascii_alphanumeric)).collect()
}

/// Whether a comment may head what follows: at most five words, no assignment, no sentence.
pub(super) fn is_heading(comment: &[u8]) -> bool {
    let words = words_of(comment);
    let assigns = comment.contains(&b'=') && comment.split(|&byte| byte == b'=').all(|part| !part.trim_ascii().is_empty());
    let decorated = comment.windows(3).any(|three| three == b"===" || three == b"---" || three == b"###");
    (1..=5).contains(&words.len())
        && (!assigns || decorated)
        && (!comment.contains(&b':') || comment.ends_with(b":") || decorated)
        && comment.len() <= 120
}

/// Whether a comment is decoration only.
pub(super) fn is_rule(comment: &[u8]) -> bool {
    words_of(comment).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str, braces: bool) -> Vec<(String, String)> {
        let mut entries = Vec::new();
        read(text.as_bytes(), Span::new(0, text.len()), braces, &mut entries);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        entries.iter().map(|entry| (text(entry.name), text(entry.value))).collect()
    }

    #[test]
    fn assignments_in_every_notation() {
        for (text, name, value) in [
            ("APP_ENV=production", "APP_ENV", "production"),
            ("export APP_ENV=\"production\"  # live", "APP_ENV", "production"),
            ("  environment: production # x", "environment", "production"),
            ("\"environment\": \"production\",", "environment", "production"),
            ("'env' => 'production',", "env", "production"),
            ("- APP_ENV=production", "APP_ENV", "production"),
            ("- \"APP_ENV=production\"", "APP_ENV", "production"),
            ("Environment=APP_ENV=production", "APP_ENV", "production"),
            ("Environment=\"APP_ENV=production\"", "APP_ENV", "production"),
            ("environment=production", "environment", "production"),
            ("ENV APP_ENV production", "APP_ENV", "production"),
            ("ENV APP_ENV=production", "APP_ENV", "production"),
            ("const appEnv = 'production';", "appEnv", "production"),
            ("os.environ[\"APP_ENV\"] = \"production\"", "APP_ENV", "production"),
            ("config[:env] = 'production'", "env", "production"),
            ("app_env := \"production\"", "app_env", "production"),
            ("<add key=\"APP_ENV\" value=\"production\" />", "APP_ENV", "production"),
            ("<environment>production</environment>", "environment", "production"),
            ("<string name=\"app_env\">production</string>", "app_env", "production"),
            ("# APP_ENV=production", "APP_ENV", "production"),
            (" *   env: 'production', // or another", "env", "production"),
            ("url: https://staging.shop.example/x", "url", "https://staging.shop.example/x"),
            ("debug: false,", "debug", "false"),
        ] {
            assert_eq!(entries(text, false), [(name.to_owned(), value.to_owned())], "{text}");
        }
        let many = entries("{ production: false, mode: 'live', x: 1 }", true);
        assert_eq!(many[..2], [("production".into(), "false".into()), ("mode".into(), "live".into())]);
        assert!(entries("if (a == b)", true).is_empty());
        assert!(entries("no assignment", false).is_empty());
    }

    #[test]
    fn names_in_brackets() {
        for text in ["$config['acme']['live']['secret']", "c[\"acme\"][\"live\"][\"secret\"]", "c[:acme][:live][:secret]"] {
            let at = text.find("secret").unwrap();
            let names: Vec<_> = subscripts(text.as_bytes(), Span::new(at, at + 6)).collect();
            assert_eq!(names, [&b"live"[..], b"acme"], "{text}");
        }
        for text in ["config.live.secret", "config['secret']", "[secret", "x] [secret", "list[0].secret"] {
            let at = text.find("secret").unwrap();
            assert_eq!(subscripts(text.as_bytes(), Span::new(at, at + 6)).count(), 0, "{text}");
        }
    }

    #[test]
    fn keys_of_heads() {
        for (head, key) in [
            ("production:", "production"),
            ("\"production\": {", "production"),
            ("'live' => [", "live"),
            ("prod = {", "prod"),
            ("[env.prod.vars]", "env.prod.vars"),
            ("[[env]]", "env"),
            ("workspace \"prod\" {", "prod"),
            ("default: &default", "default"),
            ("staging: !reference", "staging"),
            ("production do", "production"),
            ("release {", "release"),
            ("<production>", "production"),
            ("<gateway name=\"acme\" mode=\"live\">", "acme"),
            ("<gateway mode=\"live\">", "gateway"),
            ("<div class=\"x\" id=\"production\">", "div"),
            ("$config['acme'] = [", "acme"),
            ("const live = {", "live"),
            ("data: |", "data"),
        ] {
            assert_eq!(String::from_utf8_lossy(key_of(head.as_bytes())).trim_end_matches(':'), key, "{head}");
        }
    }

    #[test]
    fn headings() {
        for heading in ["# Production", "# --- Staging ---", "#### LIVE KEYS ####", "; sandbox", "# Production:"] {
            assert!(is_heading(heading.as_bytes()), "{heading}");
        }
        for none in ["# APP_ENV=production", "# this is the key that production uses today", "#####", "# see: docs"] {
            assert!(!is_heading(none.as_bytes()), "{none}");
        }
        assert!(is_rule(b"#######") && !is_rule(b"# a"));
    }
}
