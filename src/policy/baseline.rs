//! The baseline: findings that a team has accepted, each by the fingerprint of its value. An entry
//! stays true when lines shift and files move, never hides another value, and never a second place of
//! the same one.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

use super::allow::Date;
use crate::credential::{FingerprintKey, Secret};
use crate::finding::{Exception, ExceptionBy, Finding, Kind};

/// Its file, at the root of a repository.
pub const BASELINE: &str = ".keyfence-baseline";
/// What begins the line of a key that the file holds itself.
const OWN: &str = "key kfk1:";
/// What begins the line that says which key of the user's it was.
const APART: &str = "key file:";
/// What begins every baseline.
const TITLE: &str = "# keyfence baseline";
/// What the file says of itself.
const HEAD: &str = "# keyfence baseline: findings that are accepted. Fingerprint, kind, path, reason; keyfence baseline update keeps it.\n\
                    # Both sides of a merge may stay: \".keyfence-baseline merge=union\" in .gitattributes.\n";

/// What is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The key of the fingerprints; a baseline without entries may have none.
    pub key: Option<BaselineKey>,
    /// The findings.
    pub entries: Vec<Entry>,
}

/// The key of a baseline's fingerprints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaselineKey {
    /// It stands in the baseline: fit for what cannot be guessed.
    Own(Vec<u8>),
    /// The user keeps it elsewhere; this tells it from others.
    Apart(String),
}

impl BaselineKey {
    /// What tells a key that the user keeps from others.
    pub fn apart(key: &FingerprintKey) -> Self {
        Self::Apart(key.fingerprint(&Secret::new(TITLE.as_bytes(), 0)).to_string())
    }
}

/// A finding that is accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Of the value.
    pub fingerprint: String,
    /// The kind of finding.
    pub kind: Kind,
    /// Where, from the root of the repository.
    pub path: String,
    /// Whether it is accepted in the history only.
    pub past: bool,
    /// The last day on which it counts.
    pub until: Option<Date>,
    /// Why.
    pub reason: String,
}

/// A baseline that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {why}")]
pub struct BaselineError {
    /// Where.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

/// What a run has looked at.
#[derive(Clone, Copy)]
pub enum Reach<'a> {
    /// Files: whether one of them was looked at, or is gone.
    Files(&'a dyn Fn(&str) -> bool),
    /// The history: a value that is accepted is accepted in its past, too.
    Past,
}

impl fmt::Debug for Reach<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::Past) { "Past" } else { "Files" })
    }
}

/// How findings and entries meet.
#[derive(Debug, Default)]
pub struct Matched {
    /// Findings that nobody has accepted.
    pub new: Vec<Finding>,
    /// Those that are accepted.
    pub accepted: Vec<(Finding, Exception)>,
    /// By the number of the entry: where its finding is now; absent if there is none.
    pub paths: BTreeMap<usize, String>,
}

impl Baseline {
    /// Reads a baseline.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let mut baseline = Self::default();
        for (at, line) in text.lines().enumerate() {
            let wrong = |why: &str| BaselineError { line: at + 1, why: why.to_owned() };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if ["<<<<<<<", "|||||||", ">>>>>>>"].iter().any(|mark| line.starts_with(mark)) || line == "=======" {
                return Err(wrong("a conflict of a merge; both sides may stay, without the marks"));
            }
            if line.starts_with("key ") {
                let key = Self::key_of(line).ok_or_else(|| wrong("a damaged key"))?;
                if baseline.key.as_ref().is_some_and(|other| *other != key) {
                    return Err(wrong("two different keys: entries of the other one mean nothing; take one side and update"));
                }
                baseline.key = Some(key);
            } else {
                baseline.entries.push(Entry::parse(line).map_err(|why| wrong(&why))?);
            }
        }
        if baseline.key.is_none() && !baseline.entries.is_empty() {
            return Err(BaselineError { line: 1, why: "it has entries and no key".to_owned() });
        }
        baseline.settle();
        Ok(baseline)
    }

    fn key_of(line: &str) -> Option<BaselineKey> {
        if let Some(print) = line.strip_prefix(APART) {
            return is_fingerprint(print).then(|| BaselineKey::Apart(print.to_owned()));
        }
        line.strip_prefix(OWN).and_then(bytes_of).filter(|key| key.len() >= 16).map(BaselineKey::Own)
    }

    /// Puts the entries in order. Of two that differ in their reasons only, one stays: after a merge
    /// both sides may have accepted the same.
    pub fn settle(&mut self) {
        self.entries.sort();
        self.entries.dedup_by(|a, b| (&a.fingerprint, a.kind, &a.path, a.past) == (&b.fingerprint, b.kind, &b.path, b.past));
    }

    /// The file: one line for each entry, sorted by fingerprint, so that those of two branches stand
    /// in different places.
    pub fn to_text(&self) -> String {
        let mut text = HEAD.to_owned();
        match &self.key {
            Some(BaselineKey::Own(key)) => {
                text.push_str(OWN);
                text.extend(key.iter().map(|byte| format!("{byte:02x}")));
                text.push('\n');
            }
            Some(BaselineKey::Apart(print)) => text.extend([APART, print, "\n"]),
            None => {}
        }
        let mut lines: Vec<String> = self.entries.iter().map(Entry::to_line).collect();
        lines.sort();
        lines.dedup();
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// Takes the accepted findings out. `path` is that of a finding from the root of the repository.
    pub fn matched(&self, findings: Vec<Finding>, path: &dyn Fn(&Finding) -> String, reach: Reach<'_>, today: Date) -> Matched {
        let mut matched = Matched::default();
        let mut waiting = Vec::new();
        let mut by_value: BTreeMap<(String, Kind), Vec<usize>> = BTreeMap::new();
        for (at, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.counts(reach, today)) {
            by_value.entry((entry.fingerprint.clone(), entry.kind)).or_default().push(at);
        }
        for finding in findings {
            let Some(entries) = by_value.get(&(finding.fingerprint.to_string(), finding.kind)) else {
                matched.new.push(finding);
                continue;
            };
            let here = path(&finding);
            let exact = entries.iter().find(|&&at| self.entries[at].path == here);
            let past = matches!(reach, Reach::Past).then(|| entries.first()).flatten();
            match exact.or(past) {
                Some(&at) => {
                    let entry = &self.entries[at];
                    matched.accept(at, entry, entry.path.clone(), finding);
                }
                None => waiting.push((finding, here, entries)),
            }
        }
        for (finding, here, entries) in waiting {
            // An entry whose place is empty has moved here, to the first place that has its value.
            let moved = entries.iter().find(|&at| {
                let gone = || matches!(reach, Reach::Files(looked_at) if looked_at(&self.entries[*at].path));
                matched.paths.get(at).map_or_else(gone, |path| *path == here)
            });
            match moved {
                Some(&at) => matched.accept(at, &self.entries[at], here, finding),
                None => matched.new.push(finding),
            }
        }
        matched
    }
}

impl Matched {
    fn accept(&mut self, at: usize, entry: &Entry, path: String, finding: Finding) {
        self.paths.insert(at, path);
        self.accepted.push((finding, Exception { by: ExceptionBy::Baseline, reason: entry.reason.clone() }));
    }
}

impl Entry {
    /// The entry for a finding.
    pub fn of(finding: &Finding, path: &str, reason: &str, until: Option<Date>) -> Self {
        let fingerprint = finding.fingerprint.to_string();
        Self { fingerprint, kind: finding.kind, path: path.to_owned(), past: false, until, reason: reason.to_owned() }
    }

    /// Whether its day has passed.
    pub fn has_ended(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }

    fn counts(&self, reach: Reach<'_>, today: Date) -> bool {
        !self.has_ended(today) && (!self.past || matches!(reach, Reach::Past))
    }

    fn parse(line: &str) -> Result<Self, String> {
        let mut words = line.splitn(4, ' ');
        let mut next = || words.next().filter(|word| !word.is_empty());
        let (Some(fingerprint), Some(kind), Some(path)) = (next(), next(), next()) else {
            return Err("wants a fingerprint, a kind, a path and a reason".to_owned());
        };
        let mut rest = next().unwrap_or_default();
        if !is_fingerprint(fingerprint) {
            return Err(format!("{fingerprint:?} is no fingerprint"));
        }
        let kind = Kind::from_id(kind).ok_or_else(|| format!("no kind is named {kind:?}"))?;
        let (mut past, mut until) = (false, None);
        while let Some((word, behind)) = rest.split_once(' ').filter(|(word, _)| *word != "#") {
            match word.split_once('=') {
                Some(("in", "history")) => past = true,
                Some(("until", date)) => {
                    until = Some(Date::parse(date).ok_or("`until` wants a date such as 2027-01-31")?);
                }
                _ => return Err(format!("{word:?} is neither in=history nor until=2027-01-31 nor `# why`")),
            }
            rest = behind;
        }
        let reason = rest.strip_prefix("# ").unwrap_or_default().trim();
        if reason.is_empty() {
            return Err("gives no reason: `# why`".to_owned());
        }
        Ok(Self { fingerprint: fingerprint.to_owned(), kind, path: plain(path), past, until, reason: reason.to_owned() })
    }

    fn to_line(&self) -> String {
        let past = if self.past { "in=history " } else { "" };
        let until = self.until.map_or(String::new(), |until| format!("until={until} "));
        let reason = self.reason.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{} {} {} {past}{until}# {reason}", self.fingerprint, self.kind.id(), escaped(&self.path))
    }
}

fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix("kf1:").is_some_and(|digits| digits.len() == 32 && bytes_of(digits).is_some())
}

/// A path without blanks and line ends.
fn escaped(path: &str) -> String {
    let mut text = String::new();
    for c in path.chars() {
        if c.is_whitespace() || c.is_control() || c == '%' {
            let mut buffer = [0; 4];
            text.extend(c.encode_utf8(&mut buffer).bytes().map(|byte| format!("%{byte:02x}")));
        } else {
            text.push(c);
        }
    }
    text
}

fn plain(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = (first == b'%').then(|| std::str::from_utf8(after.get(..2)?).ok()).flatten();
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.trim();
    let pair = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    digits.len().is_multiple_of(2).then(|| (0..digits.len()).step_by(2).map(pair).collect()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(digit: char, path: &str) -> Entry {
        Entry {
            fingerprint: format!("kf1:{}", String::from(digit).repeat(32)),
            kind: Kind::HardcodedSecret,
            path: path.to_owned(),
            past: false,
            until: None,
            reason: "a drill".to_owned(),
        }
    }

    fn own() -> BaselineKey {
        BaselineKey::Own(vec![7; 32])
    }

    #[test]
    fn what_is_written_is_read() {
        let dated = Entry { until: Date::parse("2027-01-31"), ..entry('a', "with blank/100%/ü\n.py") };
        let old = Entry { past: true, ..entry('c', "#") };
        let mut baseline = Baseline { key: Some(own()), entries: vec![dated, entry('b', "a.py"), old] };
        let text = baseline.to_text();
        assert_eq!(Baseline::parse(&text).unwrap(), baseline, "{text}");
        baseline.key = Some(BaselineKey::apart(&FingerprintKey::kept(b"0123456789abcdef")));
        assert_eq!(Baseline::parse(&baseline.to_text()).unwrap(), baseline);
        assert_eq!(text.lines().filter(|line| line.starts_with("kf1:")).count(), 3);
        assert_eq!(Baseline::parse("").unwrap(), Baseline::default());
    }

    #[test]
    fn the_same_line_of_both_sides_counts_once() {
        let text = Baseline { key: Some(own()), entries: vec![entry('c', "a"), entry('b', "a")] }.to_text();
        let both = format!("{text}{}", text.replace("a drill", "another reason"));
        assert_eq!(Baseline::parse(&both).unwrap().entries.len(), 2);
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let fine = entry('a', "x").to_line();
        for (text, why) in [
            (format!("{fine}\n<<<<<<< HEAD\n"), "conflict"),
            (format!("# x\n{}", fine.replace("# a drill", "")), "reason"),
            (format!("\n{}", fine.replace("hardcoded-secret", "nope")), "nope"),
            (format!("\n{}", fine.replace("kf1:", "kf2:")), "no fingerprint"),
            ("\nkf1:".to_owned(), "wants"),
            ("\nkey kfk1:12".to_owned(), "damaged key"),
            (format!("key kfk1:{}\nkey kfk1:{}", "11".repeat(16), "22".repeat(16)), "two different keys"),
            (format!("\n{}", fine.replace("# a", "until=soon # a")), "until"),
            (format!("\n{}", fine.replace("# a", "for=ever # a")), "for=ever"),
        ] {
            let error = Baseline::parse(&text).unwrap_err();
            assert!(error.line == 2 && error.why.contains(why), "{text}: {error}");
        }
    }
}
