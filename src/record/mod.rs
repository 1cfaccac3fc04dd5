//! Log records.

/// How much of the beginning of an input decides whether it is a log.
pub const HEAD: usize = 64 * 1024;

/// Lines that are looked at.
const LINES: usize = 60;

/// Whether most of the first lines are log records: a time stamp near the beginning, or a JSON
/// object with a time, a level or a message.
pub fn looks_like_log(head: &[u8]) -> bool {
    let head = &head[..head.len().min(HEAD)];
    let lines = head.split(|&byte| byte == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace)).take(LINES);
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
    start.windows(5).any(is_clock) && start.windows(4).any(|four| is_year(four) || is_month(four))
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
    use super::looks_like_log;

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
