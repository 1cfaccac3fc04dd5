//! How containers and system loggers wrap a line, and how they cut one in pieces.

use std::ops::Range;

/// What wraps a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `{"log":"…\n","stream":"stdout","time":"…"}`: the text does not end in a line end where the line
    /// goes on in the next record.
    DockerJson,
    /// `2026-03-12T09:11:07.491060044Z stderr P …`: `P` goes on, `F` does not.
    Cri,
    /// `<14>Mar 12 09:11:07 host tag[1]: …`: a record of exactly the largest size goes on.
    Syslog,
}

/// A record, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What keeps the pieces of one line apart from those of another.
    pub stream: Range<usize>,
    /// The piece of the line.
    pub text: Range<usize>,
    /// Whether the line goes on in the next record of the same stream.
    pub partial: bool,
}

/// Sizes at which syslog daemons cut, line end left out.
const CUTS: [usize; 4] = [1024, 2048, 4096, 8192];

impl Framing {
    /// Takes a record apart; nothing if it is not wrapped like this.
    pub fn part(self, record: &[u8]) -> Option<Part> {
        let end = record.len() - record.iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let record = &record[..end];
        match self {
            Self::DockerJson => docker(record),
            Self::Cri => cri(record),
            Self::Syslog => syslog(record),
        }
    }
}

fn docker(record: &[u8]) -> Option<Part> {
    if record.first() != Some(&b'{') {
        return None;
    }
    let text = string_of(record, b"log")?;
    let stream = string_of(record, b"stream").unwrap_or(0..0);
    let ended = record[text.clone()].ends_with(b"\\n") && !is_escaped(record, text.end - 2);
    let text = if ended { text.start..text.end - 2 } else { text };
    Some(Part { stream, text, partial: !ended })
}

/// Whether the byte at `at` is itself escaped: an odd number of backslashes stands before it.
fn is_escaped(bytes: &[u8], at: usize) -> bool {
    bytes[..at].iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

/// The raw string value of a key of the outermost object.
pub fn string_of(object: &[u8], key: &[u8]) -> Option<Range<usize>> {
    Fields::new(object).find_map(|(name, value)| {
        let text = object[value.clone()].first() == Some(&b'"');
        (&object[name] == key && text).then(|| value.start + 1..value.end - 1)
    })
}

/// Keys, without their quotes, and raw values of a JSON object, whose strings may hold any bytes.
#[derive(Debug)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// The fields of an object.
    pub fn new(bytes: &'a [u8]) -> Self {
        let open = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let at = if bytes.get(open) == Some(&b'{') { open + 1 } else { bytes.len() };
        Self { bytes, at }
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        self.at += self.bytes[self.at..].iter().take_while(|&&byte| wanted(byte)).count();
    }

    /// The string at the cursor, quotes included.
    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        if self.bytes.get(start) != Some(&b'"') {
            return None;
        }
        self.at += 1;
        loop {
            self.at += memchr::memchr2(b'"', b'\\', &self.bytes[self.at.min(self.bytes.len())..])?;
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return Some(start..self.at);
            }
            self.at += 2;
        }
    }

    /// The value at the cursor, whatever it is.
    fn value(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.bytes.get(self.at)? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' | b',' if depth == 0 => return Some(start..self.at),
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
            if depth == 0 && matches!(self.bytes[self.at - 1], b'"' | b'}' | b']') {
                return Some(start..self.at);
            }
        }
    }
}

impl Iterator for Fields<'_> {
    type Item = (Range<usize>, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        self.skip(|byte| byte.is_ascii_whitespace() || byte == b',');
        let key = self.string()?;
        self.skip(|byte| byte.is_ascii_whitespace());
        if self.bytes.get(self.at) != Some(&b':') {
            return None;
        }
        self.at += 1;
        self.skip(|byte| byte.is_ascii_whitespace());
        let value = self.value()?;
        Some((key.start + 1..key.end - 1, value))
    }
}

/// The length of the first word, and of the blank behind it.
fn word(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    let length = memchr::memchr(b' ', bytes.get(from..)?)?;
    (length > 0).then_some(from..from + length)
}

fn cri(record: &[u8]) -> Option<Part> {
    let time = word(record, 0).filter(|time| time.len() >= 20 && record[10] == b'T' && record[0].is_ascii_digit())?;
    let stream = word(record, time.end + 1).filter(|stream| matches!(&record[stream.clone()], b"stdout" | b"stderr"))?;
    let tags = stream.end + 1;
    let end = memchr::memchr(b' ', &record[tags..]).map_or(record.len(), |at| tags + at);
    // `P`, `F`, or more of them with colons between.
    let partial = match record.get(tags) {
        Some(b'P') => true,
        Some(b'F') => false,
        _ => return None,
    };
    Some(Part { stream, text: (end + 1).min(record.len())..record.len(), partial })
}

fn syslog(record: &[u8]) -> Option<Part> {
    let rest = record.strip_prefix(b"<")?;
    let digits = rest.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0 && rest.get(digits) == Some(&b'>')).then_some(())?;
    let head = digits + 2;
    let partial = CUTS.contains(&record.len());
    // RFC 5424: version, time, host, app, procid, msgid.
    if record[head..].starts_with(b"1 ") {
        let time = word(record, head + 2)?;
        let host = word(record, time.end + 1)?;
        let app = word(record, host.end + 1)?;
        let process = word(record, app.end + 1)?;
        let id = word(record, process.end + 1)?;
        return Some(Part { stream: host.start..process.end, text: id.end + 1..record.len(), partial });
    }
    // RFC 3164: `Mar 12 09:11:07 host tag:`.
    let month = word(record, head).filter(|month| month.len() == 3)?;
    let day = month.end + 1 + record[month.end + 1..].iter().take_while(|&&byte| byte == b' ').count();
    let day = word(record, day)?;
    let time = word(record, day.end + 1).filter(|time| record[time.clone()].contains(&b':'))?;
    let host = word(record, time.end + 1)?;
    let tag = word(record, host.end + 1)?;
    Some(Part { stream: host.start..tag.end, text: tag.end + 1..record.len(), partial })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(framing: Framing, record: &str) -> Option<(&str, &str, bool)> {
        let part = framing.part(record.as_bytes())?;
        Some((&record[part.stream], &record[part.text], part.partial))
    }

    #[test]
    fn docker_records() {
        let part = |record| parts(Framing::DockerJson, record);
        assert_eq!(
            part("{\"log\":\"a \\\"b\\\"\\n\",\"stream\":\"stderr\",\"time\":\"x\"}\n"),
            Some(("stderr", "a \\\"b\\\"", false))
        );
        assert_eq!(part("{\"log\":\"a\",\"stream\":\"stdout\"}"), Some(("stdout", "a", true)));
        assert_eq!(part("{\"attrs\":{\"log\":\"no\",\"a\":[1,{}]},\"log\":\"a\\\\n\"}"), Some(("", "a\\\\n", true)));
        assert_eq!(part("{\"msg\":\"a\"}"), None);
        assert_eq!(part("{\"log\":\"a"), None);
        assert_eq!(part("plain"), None);
    }

    #[test]
    fn cri_records() {
        let part = |record| parts(Framing::Cri, record);
        assert_eq!(part("2026-03-12T09:11:07.491060044Z stderr P half\n"), Some(("stderr", "half", true)));
        assert_eq!(part("2026-03-12T09:11:07.491060044Z stdout F \n"), Some(("stdout", "", false)));
        assert_eq!(part("2026-03-12T09:11:07.491060044+01:00 stdout F:x a b"), Some(("stdout", "a b", false)));
        assert_eq!(part("2026-03-12T09:11:07.491060044Z INFO F x"), None);
        assert_eq!(part("hello world"), None);
    }

    #[test]
    fn syslog_records() {
        let part = |record| parts(Framing::Syslog, record);
        assert_eq!(part("<14>Mar 12 09:11:07 node2 pay[1956]: hello\n"), Some(("node2 pay[1956]:", "hello", false)));
        assert_eq!(part("<14>Mar  2 09:11:07 node2 pay: hello"), Some(("node2 pay:", "hello", false)));
        let modern = "<165>1 2026-03-12T09:11:07Z host app 12 ID1 [a b=\"c\"] hello";
        assert_eq!(part(modern), Some(("host app 12", "[a b=\"c\"] hello", false)));
        let cut = format!("{:x<1024}", "<14>Mar 12 09:11:07 node2 pay: ");
        assert!(parts(Framing::Syslog, &cut).unwrap().2);
        assert_eq!(part("<14>hello"), None);
        assert_eq!(part("hello"), None);
    }

    #[test]
    fn fields_of_an_object_with_any_bytes() {
        let object = b" {\"a\":1, \"b\" : \"x\\\"\xff\", \"c\":[{\"a\":\"]\"}],\"d\":null}";
        let fields: Vec<_> = Fields::new(object).map(|(key, value)| (&object[key], &object[value])).collect();
        let expected: [(&[u8], &[u8]); 4] = [(b"a", b"1"), (b"b", b"\"x\\\"\xff\""), (b"c", b"[{\"a\":\"]\"}]"), (b"d", b"null")];
        assert_eq!(fields, expected);
        assert_eq!(Fields::new(b"[1]").count(), 0);
        assert_eq!(Fields::new(b"{\"a\":\"").count(), 0);
        assert_eq!(Fields::new(b"{\"a\\").count(), 0);
    }
}
