//! Notations in which neither `=` nor `:` stands between a name and its value, or in which a type does.

use super::command::Command;
use super::{fallback, printed};
use crate::span::Span;

/// How far behind a name its value is looked for.
const REACH: usize = 64;

/// The shortest word that is the value of the one before it.
const SHORTEST: usize = 8;

/// The longest token that is looked at behind its scheme.
const TOKEN: usize = 4096;

/// What a value stands in that has a default.
const FIELD: &[u8] = b"Field(default=";

/// What begins a line on which a name and its value follow, with blanks between them.
const DIRECTIVES: &[&[u8]] =
    &[b"#define", b"add_header", b"arg", b"env", b"fastcgi_param", b"proxy_set_header", b"set", b"setenv", b"setq", b"setx"];

/// Options of commands that take the value of a name: `gh secret set NAME --body v`.
const OPTIONS: &[&[u8]] = &[b"--body", b"--secret-string", b"--string-value", b"--value", b"-String", b"-b", b"-v"];

/// What stands in a declaration whose default is the value.
const DECLARED: &[&[u8]] =
    &[b"default", b"value", b"description", b"generator", b"noecho", b"nullable", b"required", b"sensitive", b"type"];
/// How many of them are what the value stands behind: `value` is that of Heroku's `app.json`.
const VALUES: usize = 2;
/// How far a declaration reaches, and how many lines of it are read.
const DECLARATION: usize = 512;
const LINES: usize = 8;

/// Where the value of a name begins behind `at`, where quotes and blanks behind the name end.
pub(super) fn value_behind(bytes: &[u8], name: Span, at: usize) -> Option<usize> {
    let rest = &bytes[at..bytes.len().min(at + REACH)];
    let glued = at == name.end;
    if let Some(command) = Command::named(&bytes[name.range()]).filter(|_| !glued) {
        return command.password(bytes, at);
    }
    if let Some(value) = printed::value_behind(bytes, name, at) {
        return Some(value);
    }
    let found = match rest {
        _ if is_quoted_scheme(bytes, name, at) => Some(0),
        // A constant among the arguments of a call, a symbol of Ruby as the first.
        [b',', b' ', b'"' | b'\'', ..] if glued && takes_next(bytes, name) => Some(2),
        [b')', ..] if !glued => fallback::behind(rest).or_else(|| typed_into(rest)),
        [b'{', b'"' | b'\'', ..] if glued => Some(1),
        // A tuple of Erlang.
        [b',', b' ', b'"', ..] if glued && bytes[..name.start].ends_with(b"{") => Some(2),
        [b',', b'"', ..] if glued && bytes[..name.start].ends_with(b"{") => Some(1),
        // A pair of Lisp.
        [b'.', b' ', b'"', ..] if !glued => Some(2),
        [b'<', ..] if glued => property(rest),
        [b'[', ..] if glued => array(rest),
        [b'"' | b'\'', ..] | [b'@', b'"', ..] if !glued => Some(0),
        [b'|', next, ..] if *next != b'|' && is_cell(bytes, name.start) => Some(1),
        _ if is_named_element(bytes, name.start) || !glued && opens_element(bytes, name.start) => element(rest),
        _ if glued => None,
        [b'{', ..] => return initialised(bytes, at).or_else(|| default_of(bytes, at)),
        [b'-', ..] => option(rest),
        _ => typed(rest, 24)
            .or_else(|| by(rest))
            .or_else(|| of_account(&bytes[name.range()], rest))
            .or_else(|| {
                (is_directive(bytes, name.start) || is_word_alone(&bytes[at..]) && opens_line(bytes, name.start)).then_some(0)
            })
            .or_else(|| told(bytes, name, rest)),
    };
    found.map(|length| at + length)
}

/// Whether a name is the scheme of a header that is written as one text: `"Bearer v"`.
pub(super) fn is_quoted_scheme(bytes: &[u8], name: Span, at: usize) -> bool {
    let quote = bytes[..name.start].last().copied().filter(|byte| b"\"'`".contains(byte));
    let is_value = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
    at == name.end + 1
        && bytes[name.range()].eq_ignore_ascii_case(b"bearer")
        && quote.is_some_and(|quote| bytes[at..].iter().take(TOKEN).find(|byte| !is_value(byte)) == Some(&quote))
}

/// Whether the next argument is the value of a name: `CURLOPT_PASSWORD, "v"`, `set_preference(:api_key, 'v')`.
fn takes_next(bytes: &[u8], name: Span) -> bool {
    bytes[name.range()].starts_with(b"CURLOPT_") || bytes[..name.start].ends_with(b"(:")
}

/// What a property of C# has between its name and its value.
const ACCESSORS: &[&[u8]] = &[b"{ get; set; } = \"", b"{ get; } = \"", b"{ get; init; } = \"", b"{ get; private set; } = \""];

/// Calls that fill a field which was looked for by its name: `find(By.id("name")).sendKeys("v")`.
const TYPED: &[&[u8]] = &[b".sendKeys(", b".send_keys(", b".setValue(", b".set_value(", b".type(", b".fill("];

/// The length of what stands between such a name and the text of the call.
fn typed_into(rest: &[u8]) -> Option<usize> {
    let call = rest.len() - rest.iter().position(|&byte| byte != b')').map(|at| &rest[at..])?.len();
    let length = TYPED.iter().find(|typed| rest[call..].starts_with(typed))?.len();
    matches!(rest.get(call + length), Some(b'"' | b'\'')).then_some(call + length)
}

/// Where the first value of a property begins.
fn initialised(bytes: &[u8], at: usize) -> Option<usize> {
    ACCESSORS.iter().find(|accessors| bytes[at..].starts_with(accessors)).map(|accessors| at + accessors.len())
}

/// Where a value begins that was taken for its type: `: &str = "v"`, `: str = Field(default="v")`.
pub(super) fn behind_type(bytes: &[u8], value: usize) -> Option<usize> {
    let before = bytes[..value].trim_ascii_end();
    let rest = &bytes[value..bytes.len().min(value + REACH)];
    if !before.ends_with(b":") {
        return None;
    }
    let end = value + typed(rest, 40)?;
    let blanks = bytes[end..].iter().take_while(|byte| **byte == b' ').count();
    Some(if bytes[end + blanks..].starts_with(FIELD) { end + blanks + FIELD.len() } else { end })
}

/// Where the default of a declaration begins: `Name:\n  Type: String\n  Default: v`, `variable "name" { default = "v" }`.
pub(super) fn default_of(bytes: &[u8], from: usize) -> Option<usize> {
    let bytes = &bytes[..bytes.len().min(from + DECLARATION)];
    let mut at = from;
    let skip = |at: usize, blank: fn(&u8) -> bool| at + bytes[at..].iter().take_while(|byte| blank(byte)).count();
    for _ in 0..LINES {
        at = skip(at, |byte| byte.is_ascii_whitespace() || b"{\"',".contains(byte));
        let end = skip(at, u8::is_ascii_alphabetic);
        let key = &bytes[at..end];
        if !DECLARED.iter().any(|known| key.eq_ignore_ascii_case(known)) {
            return None;
        }
        let operator = skip(end, |byte| b"\"' \t".contains(byte));
        if !matches!(bytes.get(operator), Some(b'=' | b':')) {
            return None;
        }
        let value = skip(operator + 1, |byte| matches!(byte, b' ' | b'\t'));
        if DECLARED[..VALUES].iter().any(|known| key.eq_ignore_ascii_case(known)) {
            return Some(value);
        }
        // Objects go on behind a comma, everything else on the next line.
        let rest = &bytes[value..];
        let next: &[u8] = match (bytes[end..].first(), rest.first()) {
            (Some(b'"'), Some(b'"')) => b"\",",
            (Some(b'"'), _) => b",",
            _ => b"\n",
        };
        at = value + memchr::memmem::find(rest, next)? + next.len();
    }
    None
}

/// Words that may stand between a name and the value that a sentence tells: `the token is v`, `using secret v`.
const VERBS: &[&[u8]] = &[b"", b"is ", b"was ", b"set to "];
/// Names that sentences tell the value of.
const TOLD: &[&[u8]] = &[b"token", b"secret", b"apikey", b"api_key", b"api-key"];
/// Words before `token` that make it something else.
const OTHERWISE: &[&[u8]] = &[
    b"antiforgery",
    b"cancellation",
    b"continuation",
    b"csrf",
    b"cursor",
    b"delta",
    b"device",
    b"fencing",
    b"next",
    b"page",
    b"pagination",
    b"paging",
    b"push",
    b"registration",
    b"request",
    b"resume",
    b"sync",
    b"unexpected",
    b"verification",
    b"xsrf",
];
/// How long such a value is at least.
const SENTENCE: usize = 20;

/// The length of what stands before a value that a sentence tells.
fn told(bytes: &[u8], name: Span, rest: &[u8]) -> Option<usize> {
    let is_named = TOLD.iter().any(|told| bytes[name.range()].eq_ignore_ascii_case(told))
        || bytes[name.range()].eq_ignore_ascii_case(b"key") && printed::with_word_before(bytes, name) != name
        || bytes[name.range()].to_ascii_lowercase().ends_with(b" key");
    let before = bytes[..name.start].trim_ascii_end();
    let before = &before[before.len() - before.iter().rev().take(16).take_while(|byte| byte.is_ascii_alphabetic()).count()..];
    let is_other = OTHERWISE.iter().any(|other| before.eq_ignore_ascii_case(other));
    let verb = VERBS.iter().rev().find(|verb| rest.starts_with(verb)).filter(|_| is_named && !is_other)?;
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_+/=".contains(byte);
    let value = &rest[verb.len()..];
    let value = &value[..value.iter().take_while(is_part).count()];
    let mixed = [u8::is_ascii_digit as fn(&u8) -> bool, u8::is_ascii_lowercase, u8::is_ascii_uppercase];
    (value.len() >= SENTENCE && mixed.iter().all(|kind| value.iter().any(kind))).then_some(verb.len())
}

/// Whether what stands between a name and a value is what [`told`] reads.
pub(super) fn is_told(bytes: &[u8], name: Span, value: usize) -> bool {
    let between = &bytes[name.end..value];
    between.strip_prefix(b" ").is_some_and(|verb| VERBS.contains(&verb)) && told(bytes, name, &bytes[name.end + 1..]).is_some()
}

/// `BY` of `IDENTIFIED WITH mysql_native_password BY 'v'`.
fn by(rest: &[u8]) -> Option<usize> {
    let begins = rest.len() > 4 && rest[..3].eq_ignore_ascii_case(b"by ") && matches!(rest[3], b'\'' | b'"');
    begins.then_some(3)
}

/// `SET PASSWORD FOR 'user'@'%' = 'v'`.
fn of_account(name: &[u8], rest: &[u8]) -> Option<usize> {
    let whose = rest.get(..4)?.eq_ignore_ascii_case(b"for ") && name.eq_ignore_ascii_case(b"password");
    if whose { memchr::memmem::find(rest, b" = '").map(|at| at + 3) } else { None }
}

/// Whether a name begins its line, or follows who logs in: `requirepass v`, `machine h login u password v`.
pub(super) fn opens_line(bytes: &[u8], name: usize) -> bool {
    let before = &bytes[name.saturating_sub(REACH)..name];
    let line = match memchr::memrchr(b'\n', before) {
        Some(end) => &before[end + 1..],
        None if before.len() == name => before,
        None => return false,
    };
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).rev();
    words.next().is_none() || line.ends_with(b" ") && words.next().is_some_and(|word| matches!(word, b"login" | b"user"))
}

/// Whether one word follows on the line, and nothing but a comment behind it.
fn is_word_alone(rest: &[u8]) -> bool {
    let length = rest.iter().take(8 * REACH).take_while(|byte| byte.is_ascii_graphic()).count();
    let word = &rest[..length];
    // Prose and calls are no values.
    let mixed = word.iter().any(u8::is_ascii_digit)
        || word.windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    // `secret santa2023`.
    let letters = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let numbered = (1..=4).contains(&(length - letters)) && word[letters..].iter().all(u8::is_ascii_digit);
    if !mixed || numbered || b"\"'`([{<=:,;".contains(&word[0]) {
        return false;
    }
    length >= SHORTEST && ends_line(&rest[length..])
}

/// Whether nothing follows on a line but what ends a statement or a comment.
pub(super) fn ends_line(behind: &[u8]) -> bool {
    let behind = behind.strip_prefix(b";").unwrap_or(behind);
    let blanks = behind.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
    matches!(behind.get(blanks), None | Some(b'\n')) || blanks > 0 && behind[blanks] == b'#'
}

/// The length of the options behind a name up to the one that takes its value.
fn option(rest: &[u8]) -> Option<usize> {
    let line = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let mut at = 0;
    while line.get(at) == Some(&b'-') {
        let word = line[at..].iter().take_while(|byte| !matches!(byte, b' ' | b'=')).count();
        let value = at + word + 1;
        if OPTIONS.contains(&&line[at..at + word]) {
            return (value < line.len()).then_some(value);
        }
        // Of another option, its value.
        let other = line.get(value..)?.iter().take_while(|byte| **byte != b' ').count();
        at = value + other + 1;
    }
    None
}

/// The length of a type and the `=` behind it, if a text or a call with one follows.
fn typed(rest: &[u8], longest: usize) -> Option<usize> {
    let is_type = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_<>&'[]?.,| *".contains(byte);
    let length = rest.iter().take(longest).take_while(is_type).count();
    let behind = rest.get(length..)?.strip_prefix(b"=")?.trim_ascii_start();
    let word = behind.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'@')).count();
    let call = word > 0 && matches!(behind.get(word..)?, [b'(', ..]);
    let text = word <= 2 && matches!(behind.get(word), Some(b'"' | b'\'' | b'`'));
    let begins = rest[0].is_ascii_alphabetic() || matches!(rest[0], b'&' | b'*');
    // Without a blank it is the padding of a value in quotes.
    let apart = length > 0 && rest[length - 1] == b' ';
    (apart && begins && (call || text)).then_some(length + 1)
}

/// Elements that hold a name, and those behind them that hold its value: a property list, a configuration of Java.
const ELEMENTS: &[(&[u8], &[u8])] = &[
    (b"</key>", b"<string>"),
    (b"</key>", b"<value>"),
    (b"</name>", b"<value>"),
    (b"</Name>", b"<Value>"),
    (b"</param-name>", b"<param-value>"),
    (b"</env-entry-name>", b"<env-entry-value>"),
];

/// `</key><string>` and its like.
fn property(rest: &[u8]) -> Option<usize> {
    let behind = ELEMENTS.iter().find_map(|(name, value)| rest.strip_prefix(*name)?.trim_ascii_start().strip_prefix(*value))?;
    Some(rest.len() - behind.len())
}

/// `[] =` and `[80] =` of C.
fn array(rest: &[u8]) -> Option<usize> {
    let digits = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let behind = rest[1 + digits..].strip_prefix(b"]")?.trim_ascii_start().strip_prefix(b"=")?;
    Some(rest.len() - behind.len())
}

/// Whether a name stands in `<string name="…"`, `<entry key="…"` or in the head of a part of a form.
fn is_named_element(bytes: &[u8], name: usize) -> bool {
    [&b"name=\""[..], b"name='", b"<entry key=\""].iter().any(|head| bytes[..name].ends_with(head))
}

/// What stands between the name of an element and its text.
fn element(rest: &[u8]) -> Option<usize> {
    if let Some(lines) = [&b"\r\n\r\n"[..], b"\n\n"].iter().find(|lines| rest.starts_with(lines)) {
        return Some(lines.len());
    }
    let end = rest.iter().position(|byte| matches!(byte, b'>' | b'<' | b'/' | b'\n'))?;
    // `<property name="…"><value>v</value></property>`.
    let inner = &rest[end + 1..];
    let inner = inner.len() - inner.trim_ascii_start().strip_prefix(b"<value>").unwrap_or(inner).len();
    (rest[end] == b'>').then_some(end + 1 + inner)
}

/// Whether a name begins an element, also one with a prefix: `<wsse:Password`.
pub(super) fn opens_element(bytes: &[u8], name: usize) -> bool {
    match bytes[..name].last() {
        Some(b'<') => true,
        Some(b':') => {
            let prefix = bytes[..name - 1].iter().rev().take(16).take_while(|byte| byte.is_ascii_alphanumeric()).count();
            prefix > 0 && bytes[..name - 1 - prefix].ends_with(b"<")
        }
        _ => false,
    }
}

/// Whether a name is all of a cell of a table.
fn is_cell(bytes: &[u8], name: usize) -> bool {
    let before = bytes[name.saturating_sub(REACH)..name].iter().rev();
    before.copied().find(|byte| !matches!(byte, b' ' | b'`' | b'*')) == Some(b'|')
}

/// Whether the word before a name begins its line and says that a value follows.
pub(super) fn is_directive(bytes: &[u8], name: usize) -> bool {
    let before = &bytes[name.saturating_sub(REACH)..name];
    let line = before.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    let word = line.trim_ascii();
    // `aws configure set name v`.
    line.ends_with(b" configure set ")
        || line.len() > word.len() && DIRECTIVES.iter().any(|directive| word.eq_ignore_ascii_case(directive))
}

#[cfg(test)]
mod tests {
    use crate::detect::slot::value_of;
    use crate::span::Span;

    const NOTATIONS: &[&str] = &[
        "const nameKey: string = 'V4LUE';",
        "const NAME_KEY: &'static str = \"V4LUE\";",
        "let nameKey: String? = \"V4LUE\"",
        "name_key: SecretStr = SecretStr(\"V4LUE\")",
        "name_key: str = Field(default=\"V4LUE\")",
        "var nameKey string = \"V4LUE\"",
        "Const NameKey As String = \"V4LUE\"",
        "#define NAME_KEY \"V4LUE\"",
        "static const char name_key[] = \"V4LUE\";",
        "static const char name_key[80] = \"V4LUE\";",
        "NSString *const kNameKey = @\"V4LUE\";",
        "std::string name_key{\"V4LUE\"};",
        "ENV NAME_KEY V4LUE",
        "  SetEnv NAME_KEY V4LUE",
        "setx NAME_KEY \"V4LUE\"",
        "proxy_set_header X-Name-Key V4LUE;",
        "name_key 'V4LUE'",
        "{:name-key \"V4LUE\"}",
        "[{name_key, \"V4LUE\"}]",
        "[{name_key,<<\"V4LUE\">>},{id,1}]",
        "[{name_key, <<\"V4LUE\">>}, {id, 1}]",
        "[\"name_key\"]=>\n  string(40) \"V4LUE\"\n",
        "name_key: >-\n  V4LUE\n",
        "name_key: |\n  V4LUE\n",
        "<key>NameKey</key>\n\t<string>V4LUE</string>",
        "<property><name>pay.name.key</name>\n  <value>V4LUE</value></property>",
        "<param-name>nameKey</param-name><param-value>V4LUE</param-value>",
        "<property name=\"nameKey\"><value>V4LUE</value></property>",
        "<string name=\"name_key\">V4LUE</string>",
        "<string name=\"name_key\" translatable=\"false\">V4LUE</string>",
        "Content-Disposition: form-data; name=\"name_key\"\r\n\r\nV4LUE\r\n",
        "| `NAME_KEY` | `V4LUE` |",
        "ENV['NAME_KEY'] ||= 'V4LUE'",
        "buildConfigField(\"String\", \"NAME_KEY\", \"\\\"V4LUE\\\"\")",
        "gh secret set NAME_KEY --body V4LUE",
        "gh secret set NAME_KEY --repo acme/pay --body \"V4LUE\"",
        "gh secret set NAME_KEY -b 'V4LUE'",
        "aws ssm put-parameter --name /pay/name_key --value V4LUE --type SecureString",
        "az keyvault secret set --vault-name pay --name name-key --value='V4LUE'",
        "NameKey:\n    Type: String\n    NoEcho: true\n    Default: V4LUE\n",
        "\"NameKey\": {\"Type\": \"String\", \"NoEcho\": true, \"Default\": \"V4LUE\"}\n",
        "\"NAME_KEY\": { \"description\": \"a, b\", \"required\": true, \"value\": \"V4LUE\" }\n",
        "  name_key V4LUE1234\n",
        "machine api.acme.example login me@acme.example name_key V4LUE1234 # mine",
        "Name-Key -String 'V4LUE' -AsPlainText",
        "IDENTIFIED WITH native_key BY 'V4LUE'",
        "name_key <- \"V4LUE\"",
        "let name_key = String::from(\"V4LUE\");",
        "System.getenv(\"NAME_KEY\") ?: \"V4LUE\"",
        "Environment.GetEnvironmentVariable(\"NAME_KEY\") ?? \"V4LUE\"",
        "os.getenv('NAME_KEY') or 'V4LUE'",
        "env::var(\"NAME_KEY\").unwrap_or(\"V4LUE\".to_string())",
        "parser.add_argument(\"--name-key\", default=\"V4LUE\")",
        "public string NameKey { get; set; } = \"V4LUE\";",
        "gateway.set_preference(:name_key, 'V4LUE')",
        "curl_setopt($ch, CURLOPT_NAME_KEY, \"V4LUE\");",
        "variable \"name_key\" {\n  type      = string\n  sensitive = true\n  default   = \"V4LUE\"\n}",
    ];

    #[test]
    fn every_notation_is_read() {
        for text in NOTATIONS {
            let before = &text[..text.find("V4LUE").unwrap()];
            let stem = before.to_ascii_lowercase().rfind("key").unwrap();
            // Of a property list, the name is meant and not the tag behind it.
            let stem = if text.starts_with("<key>") { "<key>Name".len() } else { stem };
            let slot = value_of(text.as_bytes(), Span::new(stem, stem + 3)).unwrap_or_else(|| panic!("{text}"));
            assert!(text[slot.value..].starts_with("V4LUE"), "{text}: {}", &text[slot.value..]);
            assert!(!slot.listed, "{text}");
        }
    }

    #[test]
    fn code_and_prose_have_no_values() {
        for text in [
            "let key = map[key];",
            "the key of it",
            "key of",
            "key attributes of it",
            "key attributes.",
            "key <b>bold</b>",
            "if (key > 3) {",
            "set the key to something",
            "fn key(a: &str) -> bool",
            "keys | sort",
            "<link crossorigin=\"use-key\"><script nonce=\"V4LUE\">",
        ] {
            let stem = text.rfind("key").unwrap();
            let slot = value_of(text.as_bytes(), Span::new(stem, stem + 3));
            assert_eq!(slot, None, "{text}");
        }
        let slot = value_of(b"-H 'X-Key: V4LUE=' -d a=1", Span::new(6, 9)).unwrap();
        assert_eq!(slot.value, 11, "padding");
        let slot = value_of(b"token: string == 'x'", Span::new(0, 5)).unwrap();
        assert_eq!(slot.value, 7);
    }
}
