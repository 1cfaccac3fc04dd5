//! `keyfence:allow[rule-or-kind] reason="…" until=2027-01-01` on the line of a finding.

use std::fmt;

use thiserror::Error;

/// What introduces an inline allow.
const MARK: &str = "keyfence:allow";

/// An exception that is written on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// A rule or a kind.
    pub what: String,
    /// Why.
    pub reason: String,
}

impl Allow {
    /// Whether it is about this finding.
    pub fn covers(&self, rule: &str, kind: &str) -> bool {
        self.what == rule || self.what == kind
    }
}

/// An inline allow that does not count.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AllowError {
    /// No rule or kind in brackets.
    #[error("an inline allow names its rule or kind: keyfence:allow[rule-or-kind] reason=\"…\"")]
    What,
    /// No reason.
    #[error("an inline allow gives a reason: keyfence:allow[rule-or-kind] reason=\"…\"")]
    Reason,
    /// A date that is none.
    #[error("`until` wants a date such as 2027-01-31")]
    Until,
    /// The date is past.
    #[error("the inline allow ended on {0}")]
    Expired(Date),
}

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(jiff::civil::Date);

impl Date {
    /// The day that it is, in UTC.
    pub fn today() -> Self {
        Self(jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date())
    }

    /// Reads `2027-01-31`.
    pub fn parse(text: &str) -> Option<Self> {
        let is_date =
            text.bytes().enumerate().all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
        text.parse().ok().filter(|_| is_date && text.len() == 10).map(Self)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Every inline allow on a line, good or not.
pub fn allows_on(line: &[u8], today: Date) -> Vec<Result<Allow, AllowError>> {
    let text = String::from_utf8_lossy(line);
    let mut parts = text.split(MARK);
    parts.next();
    parts.map(|rest| parse(rest, today)).collect()
}

/// Comments of other scanners that allow everything on their line, and where in each the byte stands
/// by which it is found.
const PEERS: &[(&str, usize)] = &[
    ("gitleaks:allow", 8),
    ("betterleaks:allow", 11),
    ("kingfisher:ignore", 10),
    ("trufflehog:ignore", 10),
    ("ggignore", 0),
    ("secretlint-disable-line", 10),
    ("pragma: allowlist secret", 6),
    ("pragma: whitelist secret", 6),
];
/// Comments of other scanners that allow everything on the line below.
const PEERS_ABOVE: &[(&str, usize)] =
    &[("secretlint-disable-next-line", 10), ("pragma: allowlist nextline secret", 6), ("pragma: whitelist nextline secret", 6)];

/// The comment of another scanner that allows what stands on a line. `above` is the line before it.
pub fn peers_allow(line: &[u8], above: &[u8]) -> Option<&'static str> {
    mark_on(line, PEERS).or_else(|| mark_on(above, PEERS_ABOVE))
}

/// The first of the marks that stands on a line as words of its own: `loggignored` is none. One pass for
/// all of them, because a long line is asked anew for each of its findings.
fn mark_on(line: &[u8], marks: &[(&'static str, usize)]) -> Option<&'static str> {
    let joins = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let stands = |mark: &[u8], hit: usize, anchor: usize| {
        let Some(start) = hit.checked_sub(anchor) else { return false };
        let before = start.checked_sub(1).and_then(|at| line.get(at));
        line[start..].starts_with(mark) && !joins(before) && !joins(line.get(start + mark.len()))
    };
    memchr::memchr3_iter(b':', b'-', b'g', line).find_map(|hit| {
        let here = marks.iter().find(|(mark, anchor)| {
            let mark = mark.as_bytes();
            mark[*anchor] == line[hit] && stands(mark, hit, *anchor)
        });
        here.map(|(mark, _)| *mark)
    })
}

/// Reads what stands behind the mark.
fn parse(rest: &str, today: Date) -> Result<Allow, AllowError> {
    let (what, rest) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).ok_or(AllowError::What)?;
    let what = what.trim();
    if what.is_empty() || what.contains(char::is_whitespace) {
        return Err(AllowError::What);
    }
    let reason = value(rest, "reason").map(str::trim).filter(|reason| !reason.is_empty()).ok_or(AllowError::Reason)?;
    if let Some(until) = value(rest, "until") {
        let until = Date::parse(until).ok_or(AllowError::Until)?;
        if until < today {
            return Err(AllowError::Expired(until));
        }
    }
    Ok(Allow { what: what.to_owned(), reason: reason.to_owned() })
}

/// The value of `key="…"`, or of `key=…` up to a blank. A key inside another key's quotes is none.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut rest = text.trim_start();
    loop {
        let (name, after) = rest.split_once('=')?;
        let (found, behind) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(char::is_whitespace).unwrap_or(after.len())),
        };
        if name.trim() == key {
            return Some(found);
        }
        rest = behind.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(line: &str) -> Result<Allow, AllowError> {
        allows_on(line.as_bytes(), Date::parse("2026-11-22").unwrap()).remove(0)
    }

    #[test]
    fn dates_are_read_strictly() {
        for date in ["1970-01-01", "2000-02-29", "2026-11-22"] {
            assert_eq!(Date::parse(date).unwrap().to_string(), date);
        }
        for none in ["2026-02-29", "2026-13-01", "2026-1-1", "2026-01-01-01", "tomorrow", "2026-00-10"] {
            assert_eq!(Date::parse(none), None, "{none}");
        }
    }

    #[test]
    fn comments_of_other_scanners() {
        assert!(PEERS.iter().chain(PEERS_ABOVE).all(|(mark, anchor)| b":-g".contains(&mark.as_bytes()[*anchor])));
        for (mark, _) in PEERS {
            let line = format!("k = 1  # {mark} because");
            assert_eq!(peers_allow(line.as_bytes(), b""), Some(*mark));
            assert_eq!(peers_allow(b"k = 1", line.as_bytes()), None, "{mark}");
        }
        for (mark, _) in PEERS_ABOVE {
            let line = format!("// {mark}");
            assert_eq!(peers_allow(b"k = 1", line.as_bytes()), Some(*mark));
            assert_eq!(peers_allow(line.as_bytes(), b""), None, "{mark}");
        }
        for line in ["allow", "gitleaks: allow", "k = 'secret' # ignore", "loggignored", "x-ggignore", "# nosec", ""] {
            assert_eq!(peers_allow(line.as_bytes(), line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn an_allow_names_its_rule_and_its_reason() {
        let allow = only("KEY=1 # keyfence:allow[stripe-secret-key] reason=\"rotated, until=never\" until=2027-01-01").unwrap();
        assert_eq!(allow, Allow { what: "stripe-secret-key".into(), reason: "rotated, until=never".into() });
        assert!(allow.covers("stripe-secret-key", "x") && !allow.covers("x", "y"));
        assert!(only("// keyfence:allow[hardcoded-secret] until=2026-11-22 reason=\"last day\"").is_ok());
        assert_eq!(only("keyfence:allow reason=\"x\""), Err(AllowError::What));
        assert_eq!(only("keyfence:allow[] reason=\"x\""), Err(AllowError::What));
        assert_eq!(only("keyfence:allow[a-b]"), Err(AllowError::Reason));
        assert_eq!(only("keyfence:allow[a-b] reason=\"\""), Err(AllowError::Reason));
        assert_eq!(only("keyfence:allow[a-b] reason=\"x\" until=soon"), Err(AllowError::Until));
        assert_eq!(
            only("keyfence:allow[a-b] reason=\"x\" until=2026-11-21"),
            Err(AllowError::Expired(Date::parse("2026-11-21").unwrap()))
        );
        assert_eq!(allows_on(b"keyfence:allow[a] reason=\"1\" keyfence:allow[b] reason=\"2\"", Date::today()).len(), 2);
    }
}
