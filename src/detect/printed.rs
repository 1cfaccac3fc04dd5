//! Notations of what programs print for people and for other programs: texts that PHP serialized, members with their
//! visibility, cells of HTML, rows that hold a name and its value, arguments in YAML, names of two words.

use super::slot::{Slot, is_token};
use crate::span::Span;

/// How far apart a name and its value are in a table of HTML.
const CELL: usize = 200;
/// How far back a row begins, and the longest visibility of a member.
const ROW: usize = 160;
const MEMBER: usize = 96;

/// Where the value of a name begins that its row, its cell or the length of a text leads to.
pub(super) fn value_behind(bytes: &[u8], name: Span, at: usize) -> Option<usize> {
    let rest = &bytes[at..bytes.len().min(at + CELL)];
    let length = match rest.first()? {
        b';' => serialized(rest),
        b'<' => cell(rest),
        b',' => (at == name.end && is_token(&rest[1..]) && begins_row(bytes, name.start)).then_some(1),
        b'\r' | b'\n' => argument(bytes, name, rest),
        _ => None,
    };
    length.map(|length| at + length)
}

/// Behind a name that PHP serialized: `;s:40:"v"`, also with quotes escaped or doubled.
fn serialized(rest: &[u8]) -> Option<usize> {
    let length = rest.strip_prefix(b";s:")?;
    let digits = length.iter().take(5).take_while(|byte| byte.is_ascii_digit()).count();
    let text = length[digits..].strip_prefix(b":")?;
    let quotes = text.iter().take(4).take_while(|byte| b"\\\"".contains(byte)).count();
    (digits > 0 && quotes > 0).then_some(4 + digits + quotes)
}

/// What stands between a cell with a name and the text of the next one: `</td><td class="v">`.
fn cell(rest: &[u8]) -> Option<usize> {
    const ENDS: &[&[u8]] = &[b"</td>", b"</th>", b"</dt>"];
    const INNER: &[&[u8]] = &[b"b", b"code", b"em", b"i", b"p", b"pre", b"span", b"strong", b"tt"];
    let mut at = ENDS.iter().find(|end| rest.starts_with(end))?.len();
    let mut opened = false;
    loop {
        at += rest[at..].iter().take_while(|byte| byte.is_ascii_whitespace() || b"\"'".contains(byte)).count();
        let Some(tag) = rest[at..].strip_prefix(b"<") else { break };
        let word = &tag[..tag.iter().take_while(|byte| byte.is_ascii_alphabetic()).count()];
        let is_cell = matches!(word, b"td" | b"dd");
        if !(is_cell && !opened || INNER.contains(&word)) {
            return None;
        }
        opened |= is_cell;
        at += memchr::memchr(b'>', tag)? + 2;
    }
    opened.then_some(at)
}

/// What begins the value of a name in a line of code above, where tracebacks of Python are explained: `└ 'v'`.
pub(super) const EXPLAINED: &str = "└ '";
/// How many lines are between them at most, and how long they are.
const ABOVE: usize = 12;
const LINE: usize = 512;

/// The slot of the value behind the arrow at `at`: what begins in the same column of the code above.
pub(super) fn explained(bytes: &[u8], at: usize) -> Option<Slot> {
    let line_before = |end: usize| {
        let floor = end.saturating_sub(LINE);
        memchr::memrchr(b'\n', &bytes[floor..end]).map_or(floor, |line| floor + line + 1)
    };
    let mut start = line_before(at);
    let column = String::from_utf8_lossy(&bytes[start..at]).chars().count();
    for _ in 0..ABOVE {
        let end = start.checked_sub(1)?;
        start = line_before(end);
        let line = std::str::from_utf8(&bytes[start..end]).ok()?;
        let (offset, here) = line.char_indices().nth(column)?;
        if here == '│' {
            continue;
        }
        let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
        let length = line.as_bytes()[offset..].iter().take_while(is_name).count();
        let name = Span::new(start + offset, start + offset + length);
        return (length > 0).then_some(Slot { name, value: at + EXPLAINED.len(), listed: false });
    }
    None
}

/// The next argument of a command in YAML: `- --name` and below it `- v`.
fn argument(bytes: &[u8], name: Span, rest: &[u8]) -> Option<usize> {
    let head = bytes[..name.start].strip_suffix(b"--")?;
    let head = head.strip_suffix(b"\"").or_else(|| head.strip_suffix(b"'")).unwrap_or(head);
    let next = rest.trim_ascii_start().strip_prefix(b"- ").filter(|_| head.ends_with(b"- "))?;
    Some(rest.len() - next.len())
}

/// Whether all before a name on its line are cells of a table: `12,gateway_secret,v`.
fn begins_row(bytes: &[u8], name: usize) -> bool {
    let before = &bytes[name.saturating_sub(ROW)..name];
    let head = match memchr::memrchr(b'\n', before) {
        Some(end) => &before[end + 1..],
        None if before.len() == name => before,
        None => return false,
    };
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b",\"'._/-".contains(byte);
    let cell = head.strip_suffix(b"\"").unwrap_or(head);
    head.iter().all(is_part) && (cell.is_empty() || cell.ends_with(b","))
}

/// Whether a name and the text behind it stand in one row of values: `VALUES (3, 'gateway_secret', 'v')`, `3,"name","v"`.
pub(super) fn is_row(bytes: &[u8], name: Span, value: usize) -> bool {
    let Some(quote) = bytes[..value].last().copied().filter(|byte| b"\"'".contains(byte)) else { return false };
    // A name may stand below others: `payment/adyen/api_key`.
    let is_path = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-./".contains(byte);
    let start = name.start - bytes[..name.start].iter().rev().take(ROW).take_while(is_path).count();
    let is_text = bytes[..start].last() == Some(&quote) && bytes.get(name.end) == Some(&quote);
    is_text && is_token(&bytes[value..]) && (quote == b'"' && begins_row(bytes, start) || is_in_values(bytes, start))
}

/// Whether a text is one of the values of an `INSERT`.
fn is_in_values(bytes: &[u8], start: usize) -> bool {
    let before = &bytes[start.saturating_sub(ROW)..start];
    let Some(open) = memchr::memrchr(b'(', before).filter(|&open| !before[open..].contains(&b')')) else { return false };
    let head = before[..open].trim_ascii_end();
    head.ends_with(b"),") || head.len() >= 6 && head[head.len() - 6..].eq_ignore_ascii_case(b"values")
}

/// Where a value begins that was taken for what says of which kind it is: `chr "v"` of R, `&anchor "v"` and `!!str v` of
/// YAML, the first of a list below its name, `protected] => v` of PHP.
pub(super) fn behind_label(bytes: &[u8], name: Span, value: usize) -> Option<usize> {
    let rest = &bytes[value..bytes.len().min(value + MEMBER)];
    let length = match rest.first()? {
        b'-' if bytes[name.end..value].contains(&b'\n') => rest.starts_with(b"- ").then_some(2),
        b'c' => rest.starts_with(b"chr \"").then_some(4),
        b'k' | b'\r' | b'\n' => entry(rest),
        b'!' if rest.starts_with(b"!!str ") => Some(6),
        b'!' | b'&' => {
            let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_/!&-".contains(byte);
            let length = rest.iter().take(32).take_while(is_part).count();
            matches!(rest.get(length..), Some([b' ', b'"' | b'\'', ..])).then_some(length + 1)
        }
        _ => visibility(bytes, name, rest),
    };
    length.map(|length| value + length)
}

/// `key":"value","value":"` of a list that Postman keeps what authorizes a request in.
fn entry(rest: &[u8]) -> Option<usize> {
    let mut behind = rest.trim_ascii_start();
    behind = behind.strip_prefix(b"\"").unwrap_or(behind);
    for part in [&b"key\""[..], b":", b"\"value\"", b",", b"\"value\"", b":", b"\""] {
        behind = behind.trim_ascii_start().strip_prefix(part)?;
    }
    Some(rest.len() - behind.len())
}

/// `protected] => `, `Pay\Config":private]=>` and the line end behind it.
fn visibility(bytes: &[u8], name: Span, rest: &[u8]) -> Option<usize> {
    let head = &bytes[..name.start];
    if !(head.ends_with(b"[") || head.ends_with(b"[\"")) {
        return None;
    }
    let close = memchr::memchr(b']', rest)?;
    let behind = rest[close + 1..].trim_ascii_start().strip_prefix(b"=>")?.trim_ascii_start();
    let is_member = rest[..close].ends_with(b"private") || rest[..close].ends_with(b"protected");
    (is_member && !rest[..close].contains(&b'\n')).then_some(rest.len() - behind.len())
}

/// A name with the word before it, where both together are one: `API key: v`, `access token: v`.
pub(super) fn with_word_before(bytes: &[u8], name: Span) -> Span {
    const LAST: &[&[u8]] = &[b"key", b"secret", b"token"];
    const FIRST: &[&[u8]] = &[
        b"access",
        b"api",
        b"app",
        b"auth",
        b"bearer",
        b"client",
        b"encryption",
        b"merchant",
        b"private",
        b"secret",
        b"shared",
        b"signing",
        b"webhook",
    ];
    let is_one_of = |words: &[&[u8]], word: &[u8]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    if bytes[..name.start].last() != Some(&b' ') || !is_one_of(LAST, &bytes[name.range()]) {
        return name;
    }
    let end = name.start - 1;
    let start = end - bytes[..end].iter().rev().take(12).take_while(|byte| byte.is_ascii_alphabetic()).count();
    if is_one_of(FIRST, &bytes[start..end]) { Span::new(start, name.end) } else { name }
}

#[cfg(test)]
mod tests {
    use super::super::literal::is_literal;
    use super::super::slot::{next_in_list, value_of};
    use super::*;

    /// A value that no word is.
    const VALUE: &str = "q7Zp2LxW9vKc4TgR8sYb";

    /// Whether the value of the text is found behind its name, is of no list, and is all of a text or of a field.
    fn stands(text: &str) -> bool {
        let text = text.replace("V4LUE", VALUE);
        let value = text.find(VALUE).unwrap();
        let stem = text[..value].to_ascii_lowercase().rfind("key").unwrap();
        let slot = value_of(text.as_bytes(), Span::new(stem, stem + 3));
        slot.is_some_and(|slot| slot.value == value && !slot.listed && is_literal(text.as_bytes(), slot, value + VALUE.len()))
    }

    #[test]
    fn what_programs_print_is_read() {
        for text in [
            // PHP: serialized, also in dumps of databases and in CSV; members.
            "a:1:{s:7:\"app_key\";s:20:\"V4LUE\";}",
            "'a:1:{s:7:\\\"app_key\\\";s:20:\\\"V4LUE\\\";}'",
            "\"a:1:{s:7:\"\"app_key\"\";s:20:\"\"V4LUE\"\";}\"",
            "    [appKey:protected] => V4LUE\n",
            "    [appKey:Acme\\Config:private] => V4LUE\n",
            "  [\"appKey\":\"Acme\\Config\":private]=>\n  string(20) \"V4LUE\"\n",
            "  [\"appKey\":protected]=>\n  string(20) \"V4LUE\"\n",
            "$_SERVER['APP_KEY'] => V4LUE\n",
            // Tables.
            "<tr><td>app_key</td><td class=\"code\"><pre>V4LUE</pre></td></tr>",
            "<tr><th>APP_KEY</th>\n <td class=\"x\">\"V4LUE\"</td></tr>",
            "<tr><td class=\"e\">APP_KEY </td><td class=\"v\">V4LUE </td></tr>",
            "INSERT INTO t VALUES (1,'a'),\n(2,'app_key','V4LUE','yes');",
            "INSERT INTO t (a, b, c) VALUES ('default', 'payment/acme/app_key', 'V4LUE');",
            "4,acme_app_key,V4LUE,2026-01-01\n",
            "\"4\",\"acme_app_key\",\"V4LUE\",\"x\"\n",
            "app_key        | V4LUE\n",
            // YAML and what tests record in it.
            "X-App-Key:\n      - V4LUE\n",
            "X-App-Key:\n- \"V4LUE\"\n",
            "app_key: !ruby/string 'V4LUE'\n",
            "app_key: &anchor \"V4LUE\"\n",
            "args:\n  - --app-key\n  - V4LUE\n  - --port\n",
            "args:\n  - \"--app-key\"\n  - \"V4LUE\"\n",
            "CMD [\"server\", \"--app-key\", \"V4LUE\", \"--port\", \"1\"]",
            // Other languages.
            "$ app_key   : chr \"V4LUE\"\n",
            "{app_key,\"V4LUE\"}",
            "#{app_key => <<\"V4LUE\">>}",
            "(app-key \"V4LUE\")",
            "((name . \"x\") (app-key . \"V4LUE\"))",
            "(setq app-key \"V4LUE\" other 1)",
            "app_key: Some(\n    \"V4LUE\",\n)",
            "map[Accept:[x] X-App-Key:[V4LUE]]",
            "{app_key=[V4LUE], other=[x]}",
            "-> acme.app_key: Str(V4LUE)\n",
            // Logs and commands.
            ">> \"X-App-Key: V4LUE[\\r][\\n]\"",
            "[DEBUG]   (s) app_key = V4LUE\n",
            "java -Dacme.app.key=V4LUE -jar acme.jar",
            "RUN export APP_KEY=V4LUE && make",
            "aws configure set app_key V4LUE\n",
            "{\"key\":\"app_key\",\"type\":\"string\",\"value\":\"V4LUE\"}",
            "[[\"name\", \"app_key\"], [\"value\", \"V4LUE\"]]",
            "rawHeaders: [\n  'Host',\n  'x.io',\n  'X-App-Key',\n  'V4LUE',\n  'Accept',\n  '*'\n]",
            "<tr><td>app_key</td><td class=\"code\"><pre>&#x27;V4LUE&#x27;</pre></td></tr>",
            "  AppKey: (*string)(0xc000010250)((len=20) \"V4LUE\"),\n",
            "DETAIL:  Key (app_key)=(V4LUE) already exists.\n",
            "page.locator(\"#app_key\").fill(\"V4LUE\");",
            "using api_key V4LUE for it\n",
            "your API key is V4LUE.\n",
            "<ns:AppKey>V4LUE</ns:AppKey>",
            "<ns:AppKey Type=\"#text\">V4LUE</ns:AppKey>",
            "Your API key: V4LUE\n",
        ] {
            assert!(stands(text), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_not() {
        for text in [
            "names = ['app_key', 'V4LUE', 'b']",
            "the foreign key is V4LUE\n",
            "next api_key V4LUE\n",
            "page.locator(\"#app_key\").fill(V4LUE);",
            "DETAIL:  Key (app_key, id)=(V4LUE, 1) already exists.\n",
            "f(a, b), 'app_key', 'V4LUE', 'b'",
            "see the app_key,V4LUE in it\n",
            "<td>app_key</td><script>V4LUE</script>",
            "<td>app_key</td></tr><tr>V4LUE</tr>",
            "{\"_token_key\":1,\"app_key\",V4LUE",
            "X-App-Key:\n      - V4LUE: x\n",
            "key = f(V4LUE) + 1\n",
        ] {
            assert!(!stands(text), "{text}");
        }
    }

    #[test]
    fn tracebacks_say_what_names_of_the_code_above_hold() {
        let text = "    get(url, auth=(user, app_key))\n    │        │     │     └ 'V4LUE'\n    │        │     └ 'ops'\n";
        let column = text.lines().next().unwrap().find("app_key").unwrap();
        let arrow = text.lines().nth(1).unwrap().chars().position(|c| c == '└').unwrap();
        let text = text.replacen("└", &format!("{}└", " ".repeat(column - arrow)), 1);
        let slot = explained(text.as_bytes(), text.find(EXPLAINED).unwrap()).unwrap();
        assert_eq!(&text[slot.name.range()], "app_key");
        assert!(text[slot.value..].starts_with("V4LUE'"));
        for text in ["└ 'V4LUE'", "x = y\n └ 'V4LUE'", "x\n    └ 'V4LUE'"] {
            assert_eq!(explained(text.as_bytes(), text.find(EXPLAINED).unwrap()), None, "{text}");
        }
    }

    #[test]
    fn postman_keeps_what_authorizes_in_a_list() {
        let text = "\"apikey\": [\n {\n  \"key\": \"value\",\n  \"value\": \"V4LUE\",\n  \"type\": \"string\"\n }]";
        let slot = value_of(text.as_bytes(), Span::new(4, 7)).unwrap();
        assert!(text[slot.value..].starts_with("V4LUE\""));
        assert!(is_literal(text.as_bytes(), slot, slot.value + 5));
        let other = text.replace("\"value\",\n", "\"in\",\n");
        let slot = value_of(other.as_bytes(), Span::new(4, 7)).unwrap();
        assert!(!other[slot.value..].starts_with("V4LUE"));
    }

    #[test]
    fn a_plan_shows_what_was_and_what_will_be() {
        let text = b"~ app_key = \"aaaa\" -> \"bbbb\"\n";
        let slot = value_of(text, Span::new(6, 9)).unwrap();
        let next = next_in_list(text, slot, slot.value + 4).unwrap();
        assert!(text[next.value..].starts_with(b"bbbb"));
        assert!(is_literal(text, next, next.value + 4));
    }

    #[test]
    fn words_before_a_name_belong_to_it() {
        for (text, name) in [("API Key: x", "API Key"), ("the access token: x", "access token"), ("foreign key: x", "key")] {
            let end = text.find(':').unwrap();
            let start = text[..end].rfind(' ').unwrap() + 1;
            assert_eq!(&text[with_word_before(text.as_bytes(), Span::new(start, end)).range()], name, "{text}");
        }
    }

    #[test]
    fn tokens_of_forms_are_no_secrets() {
        for text in ["name=\"_token\" value=\"V4LUE\"", "\"_token\" => \"V4LUE\"", "a=1&_token=V4LUE&b=2"] {
            let text = text.replace("V4LUE", VALUE);
            let stem = text.find("token").unwrap();
            let slot = value_of(text.as_bytes(), Span::new(stem, stem + 5));
            let literal = slot.is_some_and(|slot| is_literal(text.as_bytes(), slot, slot.value + VALUE.len()));
            assert!(!literal, "{text}");
        }
        let text = format!("self._token = \"{VALUE}\"");
        let slot = value_of(text.as_bytes(), Span::new(6, 11)).unwrap();
        assert!(is_literal(text.as_bytes(), slot, slot.value + VALUE.len()));
    }
}
