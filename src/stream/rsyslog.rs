//! The two protocols of rsyslog: it asks about a message and waits for the answer.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use super::decide::{Decided, Decider, Hit, Outcome, context_of, moved};
use super::filter::Filter;
use super::hub::{At, Blocked, Hub, OnError, line_end};
use super::lines::open_known;
use super::lines::{Lines, truncated};
use super::mask::Mask;
use super::open::named_tail;
use crate::credential::Class;
use crate::finding::{Fact, Stage};
use crate::record::framing::string_of;
use crate::span::Span;

/// What a reply may change, the raw message first: everything else is derived from it.
const FIELDS: [&[u8]; 6] = [b"rawmsg", b"structured-data", b"syslogtag", b"procid", b"msgid", b"hostname"];

/// Limits of the length of a message are whole kibibytes: one of such a length may have been cut.
const CUT: usize = 1024;
/// What rsyslog says of a message that it cuts, before it quotes what comes behind the cut.
const SPLIT: &[u8] = b"message will be split starting at: \"";

/// `mmexternal`: one JSON object about each message, one JSON object with what is to be changed.
///
/// Every answer about a message that was scanned carries `$!keyfence!ok`: a rule set that writes only
/// those loses nothing and leaks nothing when the filter dies.
#[derive(Debug)]
pub struct MessageModification {
    name: String,
    buffer: Vec<u8>,
    /// The messages before, as context.
    text: Vec<u8>,
    decider: Decider,
    /// What the last start-up banner said.
    banner: Option<Stage>,
    line: u64,
    offset: u64,
}

/// A string of a message: decoded, and whether something in it was replaced.
struct Change {
    key: &'static [u8],
    value: Vec<u8>,
}

impl MessageModification {
    /// A stream of that name.
    pub fn new(name: &str) -> Self {
        let (buffer, text) = (Vec::new(), Vec::new());
        Self { name: name.to_owned(), buffer, text, decider: Decider::default(), banner: None, line: 0, offset: 0 }
    }

    fn answer(&mut self, request: &[u8], hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        hub.counters.lines += 1;
        if let Some((changes, secrets)) = self.changes(request, hub) {
            write_reply(&changes, Some(secrets), out);
        } else {
            hub.fail(request, &mut Vec::new())?;
            // Without the mark the message goes to the quarantine of the rule set.
            let marked = (hub.settings.on_error == OnError::Pass).then_some(0);
            write_reply(&[], marked, out);
        }
        self.line += 1;
        self.offset += request.len() as u64;
        Ok(())
    }

    /// What is to be changed, and how many secrets that are; none if a rule gave up.
    fn changes(&mut self, request: &[u8], hub: &mut Hub) -> Option<(Vec<Change>, usize)> {
        let raw = string_of(request, b"rawmsg");
        let mut changes = Vec::new();
        let mut secrets = 0;
        let Some(raw) = raw else {
            // `interface.input="msg"` or `"rawmsg"`: the line is the message.
            let text = &request[..request.len() - line_end(request)];
            let (value, found) = self.message(text, hub)?;
            if found > 0 {
                changes.push(Change { key: b"msg", value });
            }
            return Some((changes, found));
        };
        let decoded = unescape(&request[raw]);
        let (value, found) = self.message(&decoded, hub)?;
        if found > 0 {
            changes.push(Change { key: FIELDS[0], value });
        }
        secrets += found;
        let extra = string_of(request, b"msg").map(|msg| unescape(&request[msg]));
        let extra = extra.filter(|msg| memchr::memmem::find(&decoded, msg).is_none());
        let others = FIELDS[1..].iter().filter_map(|&key| Some((key, unescape(&request[string_of(request, key)?]))));
        for (key, text) in others.chain(extra.map(|msg| (&b"msg"[..], msg))) {
            let (value, found) = Self::value(&text, hub)?;
            if found > 0 {
                secrets += found;
                changes.push(Change { key, value });
            }
        }
        Some((changes, secrets))
    }

    /// The message itself, after those before it.
    fn message(&mut self, text: &[u8], hub: &mut Hub) -> Option<(Vec<u8>, usize)> {
        let from = self.text.len();
        self.text.extend_from_slice(text);
        self.text.push(b'\n');
        self.banner = hub.banners(text, self.banner).last();
        let Decided { outcomes, facts } = self.decider.lines(&hub.eye.clone(), &mut self.text, from);
        let hits = hits(outcomes, hub);
        let floor = context_of(&self.text, self.text.len());
        self.text.drain(..floor);
        let mut hits: Vec<Hit> = hits?.into_iter().map(|hit| shifted_back(hit, from)).collect();
        hits.extend(cut_off(text, &hits, hub));
        let spans: Vec<Span> = hits.iter().map(|hit| hit.span).collect();
        let facts: Vec<Fact> =
            facts.into_iter().map(|fact| moved(fact, |span| Span::new(span.start - from, span.end - from))).collect();
        let at = |span: Span| At {
            stream: &self.name,
            record: text,
            span,
            line: self.line,
            offset: self.offset,
            column: span.start as u64,
            facts: &facts,
            banner: self.banner,
        };
        for hit in &hits {
            hub.alert(hit, at(hit.span), &spans);
        }
        if let Some(first) = facts.first() {
            hub.facts(at(first.span), &spans);
        }
        Some((masked(text, &hits, hub), spans.iter().filter(|span| !span.is_empty()).count()))
    }

    /// A string beside the message: nothing but its own text says what it is.
    fn value(text: &[u8], hub: &mut Hub) -> Option<(Vec<u8>, usize)> {
        let hits = hits(Decider::default().lines(&hub.eye.clone(), &mut text.to_vec(), 0).outcomes, hub)?;
        let value = masked(text, &hits, hub);
        Some((value, hits.len()))
    }
}

/// The hits, unless a line could not be looked at.
fn hits(outcomes: Vec<Outcome>, hub: &mut Hub) -> Option<Vec<Hit>> {
    let hit = |outcome| match outcome {
        Outcome::Hit(hit) => Some(hit),
        Outcome::Failed(_, fault) => {
            hub.overworked(fault);
            None
        }
    };
    outcomes.into_iter().map(hit).collect()
}

/// The part of a secret that stands before a cut, at the end of a message; or behind it, where rsyslog quotes
/// what it has cut off: nothing says what that is, so that it is not shown.
fn cut_off(text: &[u8], hits: &[Hit], hub: &Hub) -> Option<Hit> {
    let last = hits.last().map_or(0, |hit| hit.span.end);
    if let Some(at) = memchr::memmem::find(text, SPLIT) {
        let start = at + SPLIT.len();
        let word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+/=.".contains(&byte);
        let length = text[start..].iter().take_while(|&&byte| word(byte)).count();
        let rest = Span::new(start, start + length);
        return (length > 0 && last <= start).then(|| Hit { class: Class::General, ..Hit::key_part(rest) });
    }
    if text.is_empty() || !text.len().is_multiple_of(CUT) {
        return None;
    }
    let rules = hub.eye.rules();
    let tail = hub.heads.tail(text, 0).map(|tail| (Span::new(tail.start, text.len()), tail.rule));
    let hit = match tail.or_else(|| named_tail(rules, text, 0)) {
        Some((span, rule)) => truncated(rules, rule, &text[span.range()], span),
        None => open_known(text, 0, hub)?.0,
    };
    (last <= hit.span.start).then_some(hit)
}

fn shifted_back(mut hit: Hit, by: usize) -> Hit {
    hit.span = Span::new(hit.span.start - by, hit.span.end - by);
    hit
}

/// The text with its secrets replaced by as many bytes: rsyslog keeps offsets into the raw message.
fn masked(text: &[u8], hits: &[Hit], hub: &mut Hub) -> Vec<u8> {
    let style = std::mem::replace(&mut hub.settings.mask, Mask::SameLength);
    let mut out = Vec::with_capacity(text.len());
    let mut done = 0;
    for hit in hits.iter().filter(|hit| !hit.span.is_empty()) {
        let end = hit.span.end.min(text.len());
        if hit.span.start < done || hit.span.start >= end {
            continue;
        }
        out.extend_from_slice(&text[done..hit.span.start]);
        hub.redact(hit, &text[hit.span.start..end], &mut out);
        done = end;
    }
    out.extend_from_slice(&text[done..]);
    hub.settings.mask = style;
    out
}

/// One line of JSON.
fn write_reply(changes: &[Change], secrets: Option<usize>, out: &mut Vec<u8>) {
    out.push(b'{');
    for change in changes {
        out.push(b'"');
        out.extend_from_slice(change.key);
        out.extend_from_slice(b"\":\"");
        escape(&change.value, out);
        out.extend_from_slice(b"\",");
    }
    match secrets {
        Some(0) => out.extend_from_slice(b"\"$!\":{\"keyfence\":{\"ok\":1}}"),
        Some(secrets) => out.extend_from_slice(format!("\"$!\":{{\"keyfence\":{{\"ok\":1,\"redacted\":{secrets}}}}}").as_bytes()),
        None => out.truncate(out.len() - usize::from(out.ends_with(b","))),
    }
    out.extend_from_slice(b"}\n");
}

/// The bytes that a raw JSON string stands for; what is no escape stays as it is.
fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let Some((&kind, behind)) = rest.split_first() else {
            out.push(b'\\');
            break;
        };
        rest = behind;
        match kind {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'u' => {
                let (c, length) = code(rest);
                let mut utf8 = [0; 4];
                out.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
                rest = &rest[length..];
            }
            other => out.push(other),
        }
    }
    out.extend_from_slice(rest);
    out
}

/// The character of four hex digits, or of two such groups.
fn code(rest: &[u8]) -> (char, usize) {
    let unit = |rest: &[u8]| {
        let text = rest.get(..4).and_then(|digits| std::str::from_utf8(digits).ok())?;
        u16::from_str_radix(text, 16).ok()
    };
    let Some(first) = unit(rest) else { return (char::REPLACEMENT_CHARACTER, 0) };
    let second = rest.get(4..6).filter(|next| next == b"\\u").and_then(|_| unit(&rest[6..]));
    let pair = [first, second.unwrap_or_default()];
    let taken = if (0xD800..0xDC00).contains(&first) && second.is_some() { 2 } else { 1 };
    let char = char::decode_utf16(pair[..taken].iter().copied()).next().and_then(Result::ok);
    (char.unwrap_or(char::REPLACEMENT_CHARACTER), if taken == 2 { 10 } else { 4 })
}

/// A JSON string of any bytes. What is no UTF-8 becomes `?`, one for each byte, so that lengths stay.
fn escape(value: &[u8], out: &mut Vec<u8>) {
    for chunk in value.utf8_chunks() {
        for byte in chunk.valid().bytes() {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                b'\n' => out.extend_from_slice(b"\\n"),
                0..=0x1F => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => out.push(byte),
            }
        }
        out.extend(std::iter::repeat_n(b'?', chunk.invalid().len()));
    }
}

impl Filter for MessageModification {
    fn push(&mut self, bytes: &[u8], hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        self.buffer.extend_from_slice(bytes);
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut done = 0;
        while let Some(end) = memchr::memchr(b'\n', &buffer[done..]) {
            self.answer(&buffer[done..=done + end], hub, out)?;
            done += end + 1;
        }
        buffer.drain(..done);
        self.buffer = buffer;
        Ok(())
    }

    fn idle(&mut self, _hub: &mut Hub, _out: &mut Vec<u8>) {}

    fn deadline(&self, _hold: Duration) -> Option<Instant> {
        None
    }

    fn expire(&mut self, _hub: &mut Hub, _out: &mut Vec<u8>) -> Result<(), Blocked> {
        Ok(())
    }

    fn finish(&mut self, _hub: &mut Hub, _out: &mut Vec<u8>) -> Result<(), Blocked> {
        // Half a request is no message; rsyslog sends it again or has gone.
        Ok(())
    }

    fn abandon(&mut self, _hub: &mut Hub, _out: &mut Vec<u8>) -> Result<(), Blocked> {
        Ok(())
    }

    fn replies(&self) -> bool {
        true
    }
}

/// `omprog`: a message a line, written to a file, then `OK`. What is not confirmed is sent again.
#[derive(Debug)]
pub struct OutputProgram {
    lines: Lines,
    buffer: Vec<u8>,
    log: File,
    /// A message that is filtered and could not be written, and what it became.
    unwritten: Option<(Vec<u8>, Vec<u8>)>,
}

impl OutputProgram {
    /// A stream of that name, written to `log`.
    pub fn new(name: &str, log: File) -> Self {
        Self { lines: Lines::new(name), buffer: Vec::new(), log, unwritten: None }
    }

    /// Filters and writes a message; says what rsyslog is told.
    fn take(&mut self, message: &[u8], hub: &mut Hub) -> Result<Result<(), io::Error>, Blocked> {
        let filtered = match self.unwritten.take() {
            // Sent again: it was filtered and told of before.
            Some((same, filtered)) if same == message => filtered,
            _ => {
                let mut filtered = Vec::new();
                self.lines.push(message, hub, &mut filtered)?;
                filtered
            }
        };
        let result = self.write(&filtered);
        if result.is_err() {
            self.unwritten = Some((message.to_vec(), filtered));
        }
        Ok(result)
    }

    /// Writes a message whole or not at all.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let regular = self.log.metadata().is_ok_and(|metadata| metadata.is_file());
        let end = if regular { self.log.seek(SeekFrom::End(0))? } else { 0 };
        self.log.write_all(bytes).inspect_err(|_| {
            if regular {
                drop(self.log.set_len(end));
            }
        })
    }
}

impl Filter for OutputProgram {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"OK\n");
    }

    fn push(&mut self, bytes: &[u8], hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        self.buffer.extend_from_slice(bytes);
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut done = 0;
        while let Some(end) = memchr::memchr(b'\n', &buffer[done..]) {
            match self.take(&buffer[done..=done + end], hub)? {
                Ok(()) => out.extend_from_slice(b"OK\n"),
                Err(error) => out.extend_from_slice(format!("not written: {error}\n").as_bytes()),
            }
            done += end + 1;
        }
        buffer.drain(..done);
        self.buffer = buffer;
        Ok(())
    }

    fn idle(&mut self, _hub: &mut Hub, _out: &mut Vec<u8>) {}

    fn deadline(&self, _hold: Duration) -> Option<Instant> {
        None
    }

    fn expire(&mut self, _hub: &mut Hub, _out: &mut Vec<u8>) -> Result<(), Blocked> {
        Ok(())
    }

    fn finish(&mut self, hub: &mut Hub, _out: &mut Vec<u8>) -> Result<(), Blocked> {
        let mut rest = Vec::new();
        self.lines.finish(hub, &mut rest)
    }

    fn abandon(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        self.finish(hub, out)
    }

    fn replies(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hub, settings};
    use super::*;
    use crate::rule::examples::expand;

    fn reply(request: &[u8]) -> serde_json::Value {
        let (mut hub, _) = hub(settings());
        let mut filter = MessageModification::new("-");
        let mut out = Vec::new();
        filter.push(request, &mut hub, &mut out).unwrap();
        assert_eq!(memchr::memchr_iter(b'\n', &out).count(), 1);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn a_clean_message_is_marked_and_not_changed() {
        let expected = serde_json::json!({"$!": {"keyfence": {"ok": 1}}});
        assert_eq!(reply(b"{\"msg\":\" hello\",\"rawmsg\":\"<14>x hello\"}\n"), expected);
        assert_eq!(reply(b"just a message\n"), expected);
    }

    #[test]
    fn case_48_every_part_of_a_message_is_clean_and_as_long_as_before() {
        let key = |seed: &str| expand("sk_live_{base62:24}", seed).unwrap();
        let (body, data, process) = (key("a"), key("b"), key("c"));
        let raw = format!("<165>1 2026-03-12T09:11:07Z h app {process} ID1 [x k=\\\"{data}\\\"] k={body}\\t\u{e9}");
        let request = format!(
            "{{\"msg\":\"k={body}\",\"rawmsg\":\"{raw}\",\"structured-data\":\"[x k=\\\"{data}\\\"]\",\
             \"syslogtag\":\"app[{process}]\",\"procid\":\"{process}\",\"hostname\":null,\"$!\":{{}}}}\n"
        );
        let reply = reply(request.as_bytes());
        let text = reply.to_string();
        assert!([&body, &data, &process].iter().all(|key| !text.contains(&key[10..18])), "{text}");
        let length = |key: &str| reply[key].as_str().unwrap().len();
        assert_eq!(length("rawmsg"), raw.replace("\\\"", "\"").replace("\\t", "\t").len());
        assert_eq!(length("structured-data"), format!("[x k=\"{data}\"]").len());
        assert_eq!(length("syslogtag"), format!("app[{process}]").len());
        assert!(reply.get("msg").is_none(), "the raw message is enough: {text}");
        assert_eq!(reply["$!"]["keyfence"]["ok"], 1);
    }

    #[test]
    fn case_47_a_message_that_was_cut() {
        let key = expand("sk_live_{base62:24}", "cut").unwrap();
        let uuid = expand("x-client-secret: {uuid4}", "cut").unwrap();
        for (secret, shown) in [(&key, 10), (&key, 12), (&key, 29), (&uuid, 24), (&uuid, 40)] {
            for limit in [1024, 8192, 65_536] {
                let text = format!("{} {}", "lorem48 ".repeat(limit), &secret[..shown]);
                let text = &text[text.len() - limit..];
                let raw = reply(format!("{{\"rawmsg\":\"{text}\"}}\n").as_bytes())["rawmsg"].as_str().unwrap().to_owned();
                let prefix = secret.find(": ").map_or(0, |at| at + 2);
                assert!(raw.starts_with(&text[..limit - shown + prefix]) && raw.ends_with(']'), "{shown} {limit}");
                assert_eq!(raw.len(), limit);
                // One that is not as long as any limit was not cut: then so little is no secret.
                let short = reply(format!("{{\"rawmsg\":\"{}\"}}\n", &text[1..]).as_bytes());
                assert!(shown > 24 || short.get("rawmsg").is_none(), "{shown} {limit}");
            }
        }
        let head = "imptcp: message received is at least 24 byte larger than max msg size; message will be split starting at: ";
        let warning = format!("{head}\\\"{} end\\\"  [v8.2302.0]", &key[9..]);
        let raw = reply(format!("{{\"rawmsg\":\"{warning}\"}}\n").as_bytes())["rawmsg"].as_str().unwrap().to_owned();
        assert!(raw.starts_with(&format!("{head}\"[REDACTED:general.")), "{raw}");
        assert!(raw.ends_with(".] end\"  [v8.2302.0]") && raw.len() == warning.replace('\\', "").len(), "{raw}");
    }

    #[test]
    fn case_49_invalid_utf8_becomes_valid_json() {
        let key = expand("sk_live_{base62:24}", "d").unwrap();
        let mut request = b"{\"msg\":\"x\",\"rawmsg\":\"\xff\xfe k=".to_vec();
        request.extend_from_slice(key.as_bytes());
        request.extend_from_slice(b" \xff\"}\n");
        let reply = reply(&request);
        let raw = reply["rawmsg"].as_str().unwrap();
        assert!(raw.starts_with("?? k=[REDACTED:") && raw.ends_with(" ?"), "{raw}");
        assert_eq!(raw.len(), 2 + 3 + key.len() + 2);
    }

    #[test]
    fn strings_survive() {
        let value = "a\"b\\c\n\t\u{1F511}\u{e9}\u{7f}";
        let json = serde_json::to_string(value).unwrap();
        assert_eq!(unescape(&json.as_bytes()[1..json.len() - 1]), value.as_bytes());
        assert_eq!(unescape(b"\\ud83d\\udd11\\u00e9\\x"), "\u{1F511}\u{e9}x".as_bytes());
        let mut out = Vec::new();
        escape(value.as_bytes(), &mut out);
        assert_eq!(serde_json::from_slice::<String>(&[b"\"", &out[..], b"\""].concat()).unwrap(), value);
    }
}
