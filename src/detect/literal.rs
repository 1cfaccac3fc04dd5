//! Whether a value is a literal: all of a quoted text, of a line or of a field, and no expression of a program.

use super::command::Command;
use super::slot::{self, INDENT, SCHEMES, Slot, is_name};
use super::{fallback, notation};

/// Whether a value is all of a quoted text, all that follows a name that begins its line, or all of a field: a name,
/// a number or a call in a program is neither.
pub(super) fn is_literal(bytes: &[u8], slot: Slot, end: usize) -> bool {
    let behind = &bytes[end..];
    let quote = |byte: &u8| matches!(byte, b'"' | b'\'' | b'`');
    let between = &bytes[slot.name.end..slot.value];
    // `name "v"` may be prose, `:name "v"` and `#define name "v"` are none.
    let head = &bytes[..slot.name.start];
    if notation::is_quoted_scheme(bytes, slot.name, slot.value) {
        return behind.first().is_some_and(quote);
    }
    if is_form_token(head, &bytes[slot.name.range()], between) {
        return false;
    }
    if let Some(literal) = told_by_notation(bytes, slot, end) {
        return literal;
    }
    let option = is_option(head) && between.iter().all(|&byte| bare_or_blank(byte) || byte == b'-');
    let keyword = head.ends_with(b":")
        || LISP.iter().any(|open| head.ends_with(open)) && between == b" \""
        || head.ends_with(b"#define ")
        || option
        || is_in_sql(head)
        || is_statement(&bytes[slot.name.range()])
        || is_directive_value(bytes, slot, end);
    // Of a command to a database, both are in quotes.
    let quoted = between == b"\" \"";
    let method = takes_value(&bytes[slot.name.range()]) || head.ends_with(b".") && BUILT.contains(&&bytes[slot.name.range()]);
    if between.starts_with(b"(") && !(method && between.len() == 2)
        || !keyword && !quoted && between.iter().copied().all(bare_or_blank)
        || !is_typed_text(between)
            && !is_text_as_another(between)
            && between.windows(2).any(|pair| is_name(pair[0]) && pair[1] == b'(')
    {
        return false;
    }
    if keyword && is_directive_value(bytes, slot, end) {
        return true;
    }
    if Command::named(&bytes[slot.name.range()]).is_some() {
        return behind.first().is_none_or(|next| next.is_ascii_whitespace() || quote(next));
    }
    // `arn:aws:secretsmanager:region:account:secret:name`, and what Helm notes of a file.
    if between == b":" && head.ends_with(b":") || head.ends_with(b"checksum/") {
        return false;
    }
    let opened = slot.value.checked_sub(1).map(|before| bytes[before]).filter(quote);
    if let Some(opened) = opened.or_else(|| quote_before_scheme(&bytes[..slot.value])) {
        let escapes = behind.iter().take_while(|&&byte| byte == b'\\').count();
        return behind.get(escapes) == Some(&opened);
    }
    if option || is_exported(head, between) {
        return behind.first().is_none_or(|next| next.is_ascii_whitespace() || option && quote(next));
    }
    // `<name>v</name>`, `<key>name</key> <string>v</string>`.
    let element = between.ends_with(b">") && behind.trim_ascii_start().starts_with(b"</")
        || between.ends_with(b"<![CDATA[") && behind.starts_with(b"]]>");
    if element || is_field(between, &bytes[slot.value..end], behind) {
        return true;
    }
    ends_its_line(bytes, slot, end)
}

/// What some notations say for themselves, whatever else stands there.
fn told_by_notation(bytes: &[u8], slot: Slot, end: usize) -> Option<bool> {
    let (name, between, behind) = (&bytes[slot.name.range()], &bytes[slot.name.end..slot.value], &bytes[end..]);
    // `PASS: name-12`: a test that passed.
    if between == b": " && name == b"PASS" {
        return Some(false);
    }
    if between.ends_with(b": Str(") {
        return Some(behind.starts_with(b")"));
    }
    if between == slot::COLUMN {
        return Some(behind.starts_with(b")"));
    }
    if let Some(quote) = ENTITIES.iter().find(|quote| between.ends_with(quote)) {
        return Some(behind.starts_with(quote));
    }
    if notation::is_told(bytes, slot.name, slot.value) {
        return Some(behind.first().is_none_or(|next| next.is_ascii_whitespace() || b"\"'`,;.)".contains(next)));
    }
    // A long text of Lua.
    if between.ends_with(b"[[") {
        return Some(behind.starts_with(b"]]"));
    }
    // Oracle needs no quotes.
    if between == b" " && name.eq_ignore_ascii_case(b"identified by") {
        return Some(behind.first().is_none_or(|next| next.is_ascii_whitespace() || *next == b';'));
    }
    let closes = || behind.first().is_some_and(|next| b"\"'`}".contains(next));
    fallback::leads(bytes, slot.name.end, slot.value).then(closes)
}

/// Quotes of HTML.
const ENTITIES: &[&[u8]] = &[b"&#x27;", b"&#39;", b"&quot;", b"&#34;"];

/// Whether a name begins its line, or what may stand before one, and the value ends it.
fn ends_its_line(bytes: &[u8], slot: Slot, end: usize) -> bool {
    let (between, behind) = (&bytes[slot.name.end..slot.value], &bytes[end..]);
    let floor = slot.name.start.saturating_sub(INDENT);
    let head = bytes[floor..slot.name.start].rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    let whole = floor == 0 || head.len() < slot.name.start - floor;
    let head = head.trim_ascii_start();
    let blanks = behind.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
    let ends = matches!(behind.get(blanks), None | Some(b'\n')) || blanks > 0 && behind.get(blanks) == Some(&b'#');
    // `API key: v` is no code, wherever it stands.
    let alone = matches!(head, b"" | b"export " | b"- " | b"@")
        || COMMENTS.contains(&head.trim_ascii_end())
        || is_log_head(head)
        || bytes[slot.name.range()].contains(&b' ');
    let operator = between.trim_ascii();
    // The first of a list below its name.
    let listed = operator.strip_suffix(b"-").is_some_and(|name| name.trim_ascii_end() == b":");
    let assigned = alone && matches!(operator, b"=" | b":") || head.is_empty() && (operator == b"|" || listed);
    whole && ends && assigned
}

/// What makes a comment of a line: what was, or was to be.
const COMMENTS: &[&[u8]] = &[b"#", b"//", b";", b"--", b"rem", b"REM"];

/// What opens a form of Lisp whose first word, or the one behind it, is a name.
const LISP: &[&[u8]] = &[b"(", b"(def ", b"(defconst ", b"(define ", b"(defparameter ", b"(defvar ", b"(setf ", b"(setq "];

/// `[DEBUG]   (s) ` and its like: what stands before a name on a line of a log.
fn is_log_head(head: &[u8]) -> bool {
    head.ends_with(b") ") || head.ends_with(b"] ")
}

/// `RUN export NAME=v && make`.
fn is_exported(head: &[u8], between: &[u8]) -> bool {
    between == b"=" && (head.ends_with(b"export ") || head.ends_with(b"ENV ") || head.ends_with(b"ARG "))
}

/// The token against forged requests that Laravel puts into its forms: in the page, and in what is sent.
fn is_form_token(head: &[u8], name: &[u8], between: &[u8]) -> bool {
    name == b"_token" && (between == b"=" || head.last().is_some_and(|before| b"\"'?&".contains(before)))
}

/// What may stand between a name and a value in quotes that no operator assigns.
fn bare_or_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'')
}

/// Whether what follows is an option of a command: `--requirepass v`, `-Password "v"`.
fn is_option(head: &[u8]) -> bool {
    let dashes = head.iter().rev().take_while(|byte| **byte == b'-').count();
    (1..=2).contains(&dashes) && head[..head.len() - dashes].last().is_none_or(|before| b" \t\"'".contains(before))
}

/// The quote that opens `"Bearer v"`.
fn quote_before_scheme(before: &[u8]) -> Option<u8> {
    let (blank, word) = before.split_last()?;
    let scheme = SCHEMES.iter().find(|scheme| {
        let at = word.len().checked_sub(scheme.len());
        at.is_some_and(|at| word[at..].eq_ignore_ascii_case(scheme))
    })?;
    let quote = word[..word.len() - scheme.len()].last().copied()?;
    (*blank == b' ' && b"\"'`".contains(&quote)).then_some(quote)
}

/// Calls that only change the type of a text: what stands in them is all of the value.
const TYPES: &[&[u8]] = &[
    b".fill(",
    b".sendKeys(",
    b".send_keys(",
    b".setValue(",
    b".set_value(",
    b".type(",
    b".unwrap_or(",
    b"[]byte(",
    b"JSON.stringify(",
    b"SecretStr(",
    b"SecretString::new(",
    b"Some(",
    b"String::from(",
    b"new String(",
];

/// `[]byte("`, `String::from("`.
fn is_text_as_another(between: &[u8]) -> bool {
    let call = between.split_last().map_or(between, |(_, call)| call.trim_ascii_end());
    TYPES.iter().any(|known| call.ends_with(known))
}

/// Words of a statement behind which a value in quotes is no prose: `IDENTIFIED BY 'v'`, `ConvertTo-SecureString "v"`.
fn is_statement(name: &[u8]) -> bool {
    name.contains(&b' ') || name.eq_ignore_ascii_case(b"ConvertTo-SecureString")
}

/// `requirepass v`, `storePassword "v"`, `proxy_set_header X-Api-Key v;`: all of a line, and nothing but blanks between.
fn is_directive_value(bytes: &[u8], slot: Slot, end: usize) -> bool {
    let between = &bytes[slot.name.end..slot.value];
    let (blanks, quote) = match between.split_last() {
        Some((quote @ (b'"' | b'\''), blanks)) => (blanks, Some(quote)),
        _ => (between, None),
    };
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let behind = bytes[end..].strip_prefix(quote.map_or(&[][..], std::slice::from_ref));
    !blanks.is_empty()
        && blanks.iter().all(blank)
        && behind.is_some_and(notation::ends_line)
        && (notation::opens_line(bytes, slot.name.start) || notation::is_directive(bytes, slot.name.start))
}

/// `ALTER USER name WITH PASSWORD 'v'`.
fn is_in_sql(head: &[u8]) -> bool {
    // And `: PSK "v"` of VPNs.
    // And `, password 'v'` among the options of a foreign server.
    [&b" WITH "[..], b", ", b": ", b" with ", b" ENCRYPTED ", b" LOGIN ", b" login ", b" SET "]
        .iter()
        .any(|word| head.ends_with(word))
}

/// Methods of builders that take what they are called after.
const BUILT: &[&[u8]] = &[b"accessToken", b"apiKey", b"apiSecret", b"clientSecret", b"password", b"secretKey"];

/// `setPassword`, `builder.withApiKey`: a method that takes a value, and no call that makes one of it. `PASSWORD('v')`
/// is that of databases.
fn takes_value(name: &[u8]) -> bool {
    let last = name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    if name == b"PASSWORD" || BUILT.contains(&last) && last.len() < name.len() {
        return true;
    }
    let rest = last.strip_prefix(b"set").or_else(|| last.strip_prefix(b"with")).unwrap_or_default();
    rest.first().is_some_and(|next| next.is_ascii_uppercase() || *next == b'_')
}

/// `string(40) "`, as PHP dumps texts: no call.
fn is_typed_text(between: &[u8]) -> bool {
    let typed = memchr::memmem::find(between, b"string(").map(|at| &between[at + 7..]);
    typed.is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit) && rest.ends_with(b") \""))
}

/// Whether what stands before and behind a value without quotes makes it a field of what programs print: `?name=v&`,
/// `{name=v, `, `name=v name=`, `(name: v)`, `Name = v }`.
fn is_field(between: &[u8], value: &[u8], behind: &[u8]) -> bool {
    const GLUED: &[&[u8]] = &[b"=", b":", b"::", b":-", b"|", b"=>", b"->", b"] =>", b"%3d", b"%3a"];
    const ENDS: &[&[u8]] = &[b"\\n", b"\\r", b"\\t", b"\\\"", b"\\u0026", b"%26", b"%2c", b"%3b", b"%22", b"%7d", b"%20"];
    let begins = |text: &[u8], head: &&[u8]| text.len() >= head.len() && text[..head.len()].eq_ignore_ascii_case(head);
    let scheme = SCHEMES.iter().find(|scheme| {
        between.len() > scheme.len() && {
            let tail = between.trim_ascii_end();
            tail.len() > scheme.len() && tail[tail.len() - scheme.len()..].eq_ignore_ascii_case(scheme)
        }
    });
    // `Authorization: Bearer v`.
    let operator = between.trim_ascii_end();
    let operator = operator[..operator.len() - scheme.map_or(0, |scheme| scheme.len())].trim_ascii();
    let ends_line = |text: &[u8]| matches!(text, [] | [b'\n', ..] | [b'\r', b'\n', ..]);
    // An entry of a list in YAML, over two lines or in braces.
    if operator == b"value:" && ends_line(behind) || operator == b", value:" && behind.trim_ascii_start().starts_with(b"}") {
        return true;
    }
    // A list of one, and a row of a table.
    if matches!(operator, b":[" | b"=[") {
        return behind.starts_with(b"]");
    }
    if between == b"," {
        return ends_line(behind) || behind.starts_with(b",");
    }
    // `[name:protected] => v` and `$_SERVER['NAME'] => v`.
    let member = operator.ends_with(b"] =>") && b":'\"".contains(&operator[0]);
    if !member && !GLUED.iter().any(|glue| operator.eq_ignore_ascii_case(glue)) {
        return false;
    }
    let next = behind.trim_ascii_start();
    let closes = |text: &[u8]| matches!(text.first(), None | Some(b',' | b'}' | b')' | b']' | b'|' | b'\x1b'));
    match behind.first() {
        Some(b'&') => behind.get(1) != Some(&b'&'),
        Some(b'"' | b'\'' | b'<' | b'#') => true,
        Some(b';') => between == b"=",
        // What a program assigns has blanks on both sides; what other fields follow is not all of the line.
        _ if ends_line(behind) => !between.starts_with(b" ") && !value.iter().any(|byte| b"&%;,|<>".contains(byte)),
        Some(b' ' | b'\t') => {
            // `-passin pass:v -in file`.
            let option =
                matches!(between, b":" | b"=") && matches!(next, [b'-', word, ..] if word.is_ascii_alphabetic() || *word == b'-');
            closes(next) || option || between != b" = " && next[0].is_ascii_alphanumeric() || between == b"=" && next[0] == b'('
        }
        // Line ends in a log of the wire.
        Some(b'[') => behind.starts_with(b"[\\r]"),
        Some(b'\\' | b'%') => ENDS.iter().any(|end| begins(behind, end)),
        _ => closes(behind),
    }
}

#[cfg(test)]
mod tests {
    use super::super::slot::value_of;
    use super::*;
    use crate::span::Span;

    /// Whether the value of the text is all of a field.
    fn field(text: &str) -> bool {
        let stem = text.to_ascii_lowercase().find("key").unwrap();
        let slot = value_of(text.as_bytes(), Span::new(stem, stem + 3)).unwrap_or_else(|| panic!("{text}"));
        let value = text.find("V4LUE").unwrap();
        assert_eq!(slot.value, value, "{text}");
        is_literal(text.as_bytes(), slot, value + 5)
    }

    #[test]
    fn fields_end_where_others_begin() {
        for text in [
            "a ?x=1&name_key=V4LUE&b=2",
            "{a=1, name_key=V4LUE, b=2}",
            "at Client(name_key=V4LUE)",
            "{ Id = 12, NameKey = V4LUE }",
            "level=info name_key=V4LUE took=3ms",
            "{Name:x NameKey:V4LUE Timeout:3s}",
            "x%26name_key%3DV4LUE%26scope",
            "Server=tcp:x;NameKey=V4LUE;Encrypt=True",
            "(name-key: V4LUE)",
            "'a: b\\nname-key: V4LUE\\r\\n'",
            "{:name-key \"V4LUE\"}",
            "name_key = [[V4LUE]],",
            "if (nameKey === 'V4LUE') {",
            "if name_key != \"V4LUE\":",
            "\"X-Name-Key\" to \"V4LUE\",",
            "tool -name-key V4LUE -alias x",
            "; name_key = V4LUE\n",
            "  # name_key: V4LUE\n",
            "[\"name_key\"]=>\n  string(5) \"V4LUE\"\n",
            "level=info name_key=V4LUE",
            "level=info name_key=V4LUE\r\n",
            "D/Http: x-name-key: V4LUE\n",
            "    [name_key] => V4LUE\n",
            "Name:Key=V4LUE (Provider)\n",
            "<a/><nameKey>V4LUE</nameKey>",
            "name-key:V4LUE ",
            "{name-key:V4LUE \t",
            "<nameKey><![CDATA[V4LUE]]></nameKey>",
            "<NameKey encoding=\"base64\">V4LUE</NameKey>",
            "  nameKey \"V4LUE\"\n",
            "proxy_set_header X-Name-Key V4LUE;\n",
            "-H \"Name-Key: Bearer V4LUE\" https",
            "@key = V4LUE\n",
            "  NameKey: (string) (len=5) \"V4LUE\",\n",
            "- name: NAME_KEY\n  value: V4LUE\n",
            "\"HSET\" \"name_key\" \"V4LUE\" \"b\" \"2\"",
            "name_key -> V4LUE, b -> 2",
        ] {
            assert!(field(text), "{text}");
        }
        for text in [
            "let key = V4LUE + 1",
            "let key = V4LUE.len()",
            "let key = V4LUE[0];",
            "if (key = V4LUE && x)",
            "let key = V4LUE == 2",
            "let key = V4LUE;",
            "arn:aws:x:key:V4LUE\n",
            "checksum/key: V4LUE\n",
            "let key = V4LUE\n",
            "apiKey(\"V4LUE\")",
            "let key = hash(\"V4LUE\")",
            "a --key V4LUE[0]",
        ] {
            assert!(!field(text), "{text}");
        }
        let passed = b"PASS: V4LUE\n";
        assert!(!is_literal(passed, value_of(passed, Span::new(0, 4)).unwrap(), 11));
    }

    #[test]
    fn texts_options_and_calls_are_values() {
        for text in [
            "{\"x\": {\"name-key\": \"Bearer V4LUE\"}}",
            "headers['name-key'] = `Bearer V4LUE`;",
            "- {name: NAME_KEY, value: V4LUE}",
            "run --name-key V4LUE --other",
            "Invoke-It -NameKey 'V4LUE' -Other",
            "nameKey := []byte(\"V4LUE\")",
            "let name_key = String::from(\"V4LUE\");",
            "a.apiKey(\"V4LUE\").build()",
            "openssl pkcs12 -in name-key:V4LUE -out x",
        ] {
            assert!(field(text), "{text}");
        }
    }
}
