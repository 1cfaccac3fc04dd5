//! The blocks that a slot stands in, by name: `wise` of `wise:\n  token: …`, `"wise": {"token": …}`, `[wise]`,
//! `'wise' => ['token' => …]`. Only what stands before the slot is read, and little of it.

use crate::span::Span;

/// Names of blocks that say which environment they are for, or that they hold keys.
const NEUTRAL: &[&str] = &[
    "auth",
    "config",
    "credentials",
    "default",
    "dev",
    "development",
    "keys",
    "live",
    "options",
    "params",
    "prod",
    "production",
    "sandbox",
    "secrets",
    "settings",
    "staging",
    "test",
];

/// How many lines above a slot are read, and how many bytes: what a live log keeps.
const LINES: usize = 8;
const BACK: usize = 2048;
/// How many bytes are asked at once whether one is a bracket.
const STRETCH: usize = 32;
/// The longest name of a block.
const NAME: usize = 40;

/// The name of the block that holds the slot whose name begins at `at`.
pub(super) fn name_of(bytes: &[u8], at: usize) -> Option<Span> {
    let floor = at.saturating_sub(BACK);
    let start = memchr::memrchr(b'\n', &bytes[floor..at]).map_or(floor, |end| floor + end + 1);
    if let Some(opener) = unclosed(bytes, start, at) {
        return last_name(bytes, Span::new(start, opener));
    }
    let indent = indent_of(&bytes[start..at]);
    let mut end = start;
    for _ in 0..LINES {
        let line = end.checked_sub(1).filter(|&last| last > floor)?;
        let start = memchr::memrchr(b'\n', &bytes[floor..line]).map_or(floor, |end| floor + end + 1);
        end = start;
        let text = bytes[start..line].trim_ascii_start();
        if indent == 0 {
            // Only the head of a section is above all others.
            if text.starts_with(b"[") && text.trim_ascii_end().ends_with(b"]") {
                return last_name(bytes, Span::new(start, line));
            }
            continue;
        }
        let text = text.trim_ascii_end();
        let comment = text.is_empty() || text.starts_with(b"#") || text.starts_with(b"//") || text.starts_with(b";");
        if !comment && indent_of(&bytes[start..line]) < indent {
            let opens = matches!(text.last(), Some(b':' | b'{' | b'['));
            return if opens { last_name(bytes, Span::new(start, line)) } else { None };
        }
    }
    None
}

/// The block that says whose a slot is: not one that says which environment it is for, or that it holds keys.
pub(super) fn owner_of(bytes: &[u8], name: usize) -> Option<Span> {
    let holder = name_of(bytes, name)?;
    let is_neutral = NEUTRAL.iter().any(|word| bytes[holder.range()].eq_ignore_ascii_case(word.as_bytes()));
    let outer = if is_neutral { name_of(bytes, holder.start) } else { None };
    Some(outer.unwrap_or(holder))
}

/// The names of all blocks that a name at the beginning of its line stands in, from inside out, as far as they are told
/// by lines: `acme:` or `"acme": {`, each indented less than the one before.
pub(super) fn names_of(bytes: &[u8], name: usize) -> Vec<Span> {
    let start = memchr::memrchr(b'\n', &bytes[name.saturating_sub(BACK)..name]).map(|end| name.saturating_sub(BACK) + end + 1);
    let start = start.unwrap_or(if name <= BACK { 0 } else { name });
    let mut indent = indent_of(&bytes[start..name]);
    let mut found = Vec::new();
    if indent == 0 || bytes[start + indent..name].iter().any(|byte| !b"\"'- ".contains(byte)) {
        return found;
    }
    let floor = start.saturating_sub(BACK);
    let lines = bytes[floor..start].rsplit(|&byte| byte == b'\n').skip(1).take(LINES);
    let mut end = start;
    for line in lines {
        let from = end - 1 - line.len();
        end = from;
        let depth = indent_of(line);
        let text = line.trim_ascii();
        if text.is_empty() || depth >= indent {
            continue;
        }
        indent = depth;
        let head = text.strip_suffix(b"{").unwrap_or(text).trim_ascii_end();
        let quote = usize::from(head.first().is_some_and(|byte| b"\"'".contains(byte)));
        let part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'_' | b'-' | b'.');
        let length = head[quote..].iter().take_while(part).count();
        let opens = matches!(&head[quote + length..], b":" | b"\":" | b"':" | b"=" | b"\"") || head.len() < text.len();
        if opens && length > 0 {
            found.push(Span::new(from + depth + quote, from + depth + quote + length));
        }
        if indent == 0 {
            break;
        }
    }
    found
}

fn indent_of(line: &[u8]) -> usize {
    line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// The last bracket of a part of a line that nothing behind it closes.
fn unclosed(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    let mut closed = 0usize;
    let mut end = end;
    while end > start {
        // Most stretches of a line have no bracket, and that is asked of many bytes at once.
        let from = end.saturating_sub(STRETCH).max(start);
        if bytes[from..end].iter().fold(false, |any, &byte| any | is_bracket(byte)) {
            for at in (from..end).rev().filter(|&at| is_bracket(bytes[at])) {
                match bytes[at] {
                    b'}' | b']' => closed += 1,
                    _ if closed == 0 => return Some(at),
                    _ => closed -= 1,
                }
            }
        }
        end = from;
    }
    None
}

/// One of `[]{}`: of each pair, one bit tells the two apart.
fn is_bracket(byte: u8) -> bool {
    matches!(byte | 0x20, b'{' | b'}')
}

/// The last name of a part of a line, if nothing but quotes, blanks, brackets and operators stands behind it.
fn last_name(bytes: &[u8], part: Span) -> Option<Span> {
    let glue = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'"' | b'\'' | b'\\' | b':' | b'=' | b'>' | b'{' | b'[' | b']');
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let text = &bytes[part.range()];
    let end = part.start + text.iter().rposition(|byte| !glue(byte))? + 1;
    let length = bytes[part.start..end].iter().rev().take_while(|byte| name(byte)).count();
    (1..=NAME).contains(&length).then(|| Span::new(end - length, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(text: &str) -> Option<&str> {
        let at = text.find("leaf").unwrap();
        name_of(text.as_bytes(), at).map(|span| &text[span.range()])
    }

    #[test]
    fn blocks_in_every_notation() {
        for text in [
            "wise:\n  url: x\n  leaf: v",
            "  wise:\n\n    # it\n    leaf: v",
            "{\"wise\": {\"url\": {\"a\": 1}, \"leaf\": \"v\"}}",
            "{\n  \"wise\": {\n    \"leaf\": \"v\"\n",
            "'wise' => ['leaf' => 'v']",
            "'wise' => [\n    'leaf' => 'v'",
            "[wise]\nurl = x\nleaf = v",
            "[payments.wise]\nleaf = v",
            "wise {\n  leaf = v",
            "const wise = { leaf: 'v' }",
        ] {
            let name = holder(text).unwrap_or_else(|| panic!("{text}")).to_ascii_lowercase();
            assert!(name.ends_with("wise"), "{text}: {name}");
        }
    }

    #[test]
    fn what_is_in_no_block_has_no_holder() {
        for text in ["leaf: v", "a = 1\nleaf = v", "wise: x\nleaf: v", "  a b\n    leaf: v", "{ leaf: v"] {
            assert_eq!(holder(text), None, "{text}");
        }
        let far = ["wise:\n", &"  a: 1\n".repeat(LINES), "  leaf: v"].concat();
        assert_eq!(holder(&far), None);
    }
}
