//! Log records: whether bytes are a log, where a record begins and ends, and what its fields say of
//! where it comes from.

mod fields;
pub mod framing;
mod plain;

pub use fields::{Field, Meaning, fields, is_plain};
pub(crate) use plain::AnyOf;
pub use plain::{BANNER, banner, banners};

use crate::span::Span;

/// How much of the beginning of an input decides whether it is a log.
pub const HEAD: usize = 64 * 1024;

/// How far on either side a record may reach.
pub const RECORD: usize = 16 * 1024;

/// The record that holds `at`: its line, and the lines that go on with it.
pub fn record_around(bytes: &[u8], at: usize) -> Span {
    let (floor, ceiling) = (at.saturating_sub(RECORD), (at + RECORD).min(bytes.len()));
    let mut start = memchr::memrchr(b'\n', &bytes[floor..at.min(bytes.len())]).map_or(floor, |newline| floor + newline + 1);
    while start > floor && goes_on(&bytes[start..ceiling]) {
        let before = start - 1;
        let line = memchr::memrchr(b'\n', &bytes[floor..before]).map_or(floor, |newline| floor + newline + 1);
        if bytes[line..before].trim_ascii().is_empty() {
            break;
        }
        start = line;
    }
    let line_end = |from: usize| memchr::memchr(b'\n', &bytes[from..ceiling]).map_or(ceiling, |newline| from + newline);
    let mut end = line_end(at.min(ceiling));
    while end + 1 < ceiling && goes_on(&bytes[end + 1..ceiling]) {
        end = line_end(end + 1);
    }
    Span::new(start, end)
}

/// Whether a line goes on with the record before it: indented, closing, or part of a stack trace.
fn goes_on(line: &[u8]) -> bool {
    match line {
        [b' ' | b'\t', next, ..] => *next != b'\n' && *next != b'\r',
        [b'}' | b']', ..] => true,
        _ => [&b"Caused by"[..], b"Traceback", b"at ", b"..."].iter().any(|mark| line.starts_with(mark)),
    }
}

/// Lines that are looked at.
const LINES: usize = 60;

/// Whether most of the first lines are log records: a time stamp near the beginning, or a JSON
/// object with a time, a level or a message.
pub fn looks_like_log(head: &[u8]) -> bool {
    let head = &head[..head.len().min(HEAD)];
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\n', head).chain([head.len()]);
    let lines = ends.map(|end| &head[std::mem::replace(&mut start, end + 1)..end]);
    let lines = lines.filter(|line| !line.iter().all(u8::is_ascii_whitespace)).take(LINES);
    let (mut records, mut others) = (0, 0);
    for line in lines {
        // The rest of a record: a stack trace, a dump.
        if line.first().is_some_and(u8::is_ascii_whitespace) {
            continue;
        }
        if is_record(line) { records += 1 } else { others += 1 }
    }
    records > others && records > 0
}

fn is_record(line: &[u8]) -> bool {
    let start = &line[..line.len().min(96)];
    if line.first() == Some(&b'{') {
        const KEYS: [&[u8]; 9] = [
            b"\"time\"",
            b"\"ts\"",
            b"\"timestamp\"",
            b"\"@timestamp\"",
            b"\"level\"",
            b"\"severity\"",
            b"\"msg\"",
            b"\"message\"",
            b"\"log\"",
        ];
        return KEYS.iter().filter(|key| memchr::memmem::find(line, key).is_some()).count() >= 2;
    }
    let mut colons = memchr::memchr_iter(b':', start);
    let has_clock = colons.any(|colon| colon >= 2 && start.get(colon - 2..colon + 3).is_some_and(is_clock));
    has_clock && start.windows(4).any(|four| is_year(four) || is_month(four))
}

/// `09:11` with digits on both sides of a colon.
fn is_clock(five: &[u8]) -> bool {
    matches!(five, [b'0'..=b'2', b'0'..=b'9', b':', b'0'..=b'5', b'0'..=b'9'])
}

fn is_year(four: &[u8]) -> bool {
    matches!(four, [b'1', b'9', b'7'..=b'9', b'0'..=b'9'] | [b'2', b'0', b'0'..=b'9', b'0'..=b'9'])
}

/// `Mar `, `/Mar` and the like.
fn is_month(four: &[u8]) -> bool {
    const MONTHS: &str = "jan feb mar apr may jun jul aug sep oct nov dec ";
    let lower = four.to_ascii_lowercase();
    let named = |three: &[u8]| MONTHS.as_bytes().chunks(4).any(|month| &month[..3] == three);
    named(&lower[..3]) && matches!(lower[3], b' ' | b'/') || matches!(lower[0], b'/' | b' ') && named(&lower[1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Meaning, name and value of the fields that concern `@`.
    fn told(text: &str) -> Vec<String> {
        let at = text.find('@').unwrap_or(0);
        let record = record_around(text.as_bytes(), at);
        let fields = fields(text.as_bytes(), record, at, &["ctx.tier_name".to_owned()]);
        let all = fields.iter().filter(|field| field.meaning != Meaning::Time);
        all.map(|field| format!("{:?} {}={}", field.meaning, field.name, field.value)).collect()
    }

    #[test]
    fn fields_of_every_container() {
        for (text, expected) in [
            (r#"{"env":"prod","msg":"@"}"#, "Environment env=prod"),
            (r#"{"msg":"@","context":{"environment":"staging"}}"#, "Environment context.environment=staging"),
            (
                r#"{"msg":"@","resource":{"attributes":{"deployment.environment":"prod"}}}"#,
                "Environment resource.attributes.deployment.environment=prod",
            ),
            (r#"{"msg":"@","deployment":{"environment":{"name":"prod"}}}"#, "Environment deployment.environment.name=prod"),
            (r#"{"msg":"@","service":{"name":"pay-prod"}}"#, "Service service.name=pay-prod"),
            (r#"{"msg":"@","user":{"name":"prod"},"items":[{"name":"prod"}]}"#, ""),
            (r#"{"msg":"@","dd":{"env":"prod"}}"#, "Environment dd.env=prod"),
            (r#"{"msg":"@","tags":["team:pay","env:prod"]}"#, "Tag tag env=prod"),
            (r#"{"msg":"@","ddtags":"team:pay,env:prod"}"#, "Tag tag env=prod"),
            (r#"{"msg":"@","labels":{"environment":"prod"}}"#, "Tag labels.environment=prod"),
            (r#"{"log":"@","kubernetes":{"namespace_name":"pay-prod"}}"#, "Namespace kubernetes.namespace_name=pay-prod"),
            (r#"{"logGroup":"/ecs/prod","logEvents":[{"message":"@"}]}"#, "Group logGroup=/ecs/prod"),
            (
                r#"{"attributes":[{"key":"deployment.environment","value":{"stringValue":"prod"}}],"body":"@"}"#,
                "Environment attributes.deployment.environment=prod",
            ),
            (r#"{"log":"{\"env\":\"prod\",\"msg\":\"@\"}","stream":"stdout"}"#, "Environment env=prod"),
            (r#"{"message":"{\"ctx\":{\"env\":\"prod\"},\"msg\":\"@\"}"}"#, "Environment ctx.env=prod"),
            (r#"2026-03-12T09:11:07Z stdout F {"env":"prod","m":"@"}"#, "Environment env=prod"),
            (r#"time=x level=info env=prod msg="@""#, "Environment env=prod"),
            ("[2026-03-12 09:11:07] production.ERROR: @", "Channel channel=production"),
            ("12:00 [env=prod,user=1] @", "Environment env=prod"),
            ("shop_prod-api-1  | @", "Host compose prefix=shop_prod-api-1"),
            ("<14>Mar 12 09:11:07 prod-pay-2 app[1]: @", "Host syslog host=prod-pay-2"),
            ("<165>1 2026-03-12T09:11:07Z prod-pay-2 app - - @", "Host syslog host=prod-pay-2"),
            (
                "at=info method=GET host=staging.shop.example request_id=1 @",
                "Host host=staging.shop.example|Request request_id=1",
            ),
            (r#"{"payload":{"environment":"Sandbox"},"msg":"@"}"#, ""),
            (r#"{"payload":{"environment":"Sandbox","key":"@"}}"#, ""),
            (r#"{"receipt":{"env":"Sandbox"},"msg":"@","env":"prod"}"#, "Environment env=prod"),
            (r#"{"other":{"env":"staging"},"msg":"@"}"#, ""),
            (r#"{"tier":"gold","msg":"@"}"#, "MaybeEnvironment tier=gold"),
            (r#"{"ctx":{"tier_name":"prod"},"msg":"@"}"#, "Environment ctx.tier_name=prod"),
            ("GET /x?env=prod @", ""),
            ("{\n  \"env\": \"prod\",\n  \"key\": \"@\"\n}\n", "Environment env=prod"),
            (r#"{"env":"prod","cut":"@"#, "Environment env=prod"),
        ] {
            assert_eq!(told(text).join("|"), expected, "{text}");
        }
        let two = r#"{"items":[{"env":"staging","m":"x"},{"env":"prod","m":"@"}]}"#;
        assert_eq!(told(two), ["Environment env=prod"]);
    }

    #[test]
    fn records_and_what_goes_on() {
        let text = "a\nb boom\n  at x\n  at @y\nc\n";
        let record = record_around(text.as_bytes(), text.find('@').unwrap());
        assert_eq!(&text[record.range()], "b boom\n  at x\n  at @y");
        assert_eq!(record_around(text.as_bytes(), 0), Span::new(0, 1));
        let long = b"x".repeat(100_000);
        assert!(record_around(&long, 50_000).len() <= 2 * RECORD);
    }

    #[test]
    fn start_up_banners() {
        for (line, word) in [
            ("* Environment: production", Some("production")),
            ("Hosting environment: Production", Some("Production")),
            ("The following 1 profile is active: \"prod\"", Some("prod")),
            ("The following 1 profile is active: profile=prod", Some("prod")),
            ("boot profile=prod", Some("prod")),
            ("INFO Spring profiles active: prod", Some("prod")),
            ("=> Rails 7.1 application starting in production", Some("production")),
            ("{\"environment\":\"production\"}", None),
            ("nothing", None),
        ] {
            assert_eq!(banner(line.as_bytes()).map(|word| String::from_utf8_lossy(word).into_owned()).as_deref(), word, "{line}");
        }
        assert_eq!(banners(b"a\n* Environment: x\nprofile=y\n").len(), 2);
    }

    #[test]
    fn logs_of_several_kinds() {
        for log in [
            "2026-03-12T09:11:07Z INFO started\n2026-03-12T09:11:08Z WARN retry\n",
            "{\"level\":30,\"time\":1731629823803,\"msg\":\"ok\"}\n{\"level\":50,\"time\":1731629823803,\"msg\":\"no\"}\n",
            "10.0.0.1 - - [12/Mar/2026:04:11:07 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"curl\"\n",
            "<14>Mar 12 09:11:07 node2 pay[1956]: hello\n",
            "2026-03-12 09:11:07,123 ERROR boom\nTraceback (most recent call last):\n  File \"x\"\n    y\n2026-03-12 09:11:07,123 ok\n2026-03-12 09:11:08,123 ok\n",
        ] {
            assert!(looks_like_log(log.as_bytes()), "{log}");
        }
    }

    #[test]
    fn other_text() {
        for text in [
            "",
            "fn main() {}\n",
            "STRIPE_KEY=abc\n",
            "{\"name\":\"x\",\"version\":\"1\"}\n",
            "# Changelog\n\n## 2026-03-12\n- fix\n",
            "{\n  \"level\": 1\n}\n",
        ] {
            assert!(!looks_like_log(text.as_bytes()), "{text}");
        }
    }
}
