//! Findings as a table of Markdown: the summary of a job, a comment on a merge request.

use std::io::{self, Write};

use super::redact::masked;
use super::terminal::{count, in_words};
use super::{Options, Report, Skipped, Summary};
use crate::finding::{Finding, Severity};

/// More rows than this nobody reads, and a job summary has a limit.
const ROWS: usize = 200;

pub(super) fn start<'a>(out: Box<dyn Write + 'a>, options: Options<'a>) -> Box<dyn Report + 'a> {
    Box::new(Markdown { out, options, rows: Vec::new(), skipped: Vec::new() })
}

struct Markdown<'a> {
    out: Box<dyn Write + 'a>,
    options: Options<'a>,
    rows: Vec<(Severity, String)>,
    skipped: Vec<String>,
}

impl Report for Markdown<'_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let redactor = self.options.redactor;
        let line = finding.location.lines.map_or(String::new(), |(start, _)| format!(":{}", start.line));
        let place = code(&format!("{}{line}", redactor.text(&self.options.path(&finding.location.origin))));
        let what = format!("{}: {}", finding.kind.title(), in_words(redactor, finding));
        let (mask, fix) = (code(&masked(&finding.mask)), redactor.prose(&finding.remediation));
        let row = format!("| {} | {place} | {} {mask} | {} |", finding.severity, plain(&what), plain(&fix));
        self.rows.push((finding.severity, row));
        Ok(())
    }

    fn skipped(&mut self, skipped: &Skipped) -> io::Result<()> {
        let redactor = self.options.redactor;
        let path = code(&redactor.text(&self.options.path(&skipped.origin)));
        self.skipped.push(format!("- {path}: {}", plain(&redactor.prose(&skipped.why))));
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        self.rows.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
        let mut lines = vec![format!("### keyfence: {}", verdict(summary)), String::new()];
        if !self.rows.is_empty() {
            lines.extend(["| severity | where | what | what to do |", "|---|---|---|---|"].map(str::to_owned));
            lines.extend(self.rows.iter().take(ROWS).map(|(_, row)| row.clone()));
            lines.push(String::new());
        }
        if let Some(more) = self.rows.len().checked_sub(ROWS).filter(|&more| more > 0) {
            lines.extend([format!("{} more are not shown.", count(more as u64, "finding")), String::new()]);
        }
        if !self.skipped.is_empty() {
            lines.extend(["Not scanned:", ""].map(str::to_owned));
            lines.extend(self.skipped.iter().take(ROWS).cloned());
            lines.push(String::new());
        }
        let suppressed =
            if summary.suppressed > 0 { format!(", {} allowed or in the baseline", summary.suppressed) } else { String::new() };
        lines.push(format!("{} read{suppressed}.", count(summary.files, "file")));
        writeln!(self.out, "{}", lines.join("\n"))?;
        self.out.flush()
    }
}

/// The result in a few words.
pub(super) fn verdict(summary: &Summary) -> String {
    let levels = Severity::ALL.into_iter().filter(|&severity| summary.findings.of(severity) > 0);
    let levels: Vec<String> = levels.map(|severity| format!("{} {severity}", summary.findings.of(severity))).collect();
    let found = match (levels.is_empty(), summary.complete) {
        (true, true) => "clean: no findings".to_owned(),
        (true, false) => "no findings, but incomplete: not clean".to_owned(),
        (false, _) => format!("{}: {}", count(summary.findings.total(), "finding"), levels.join(", ")),
    };
    if summary.skipped == 0 { found } else { format!("{found}; {} skipped", summary.skipped) }
}

/// A text in the font of code, whatever is in it.
fn code(text: &str) -> String {
    format!("<code>{}</code>", plain(text))
}

/// A text in which nothing is a mark.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            // Mentions of people, and links to issues.
            '@' | '#' | '|' | '`' | '*' | '_' | '~' | '[' | ']' | '\\' => plain.extend(["&#", &u32::from(c).to_string(), ";"]),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::testing::{finding, redactor, secret, written};
    use super::*;
    use crate::finding::Origin;

    #[test]
    fn a_row_stays_a_row() {
        let mut one = finding(secret(1, 32));
        one.location.origin = Origin::File(PathBuf::from("a|b`<img>@all"));
        let text = written("markdown", Options::new(redactor()), |report| {
            report.finding(&one).unwrap();
            report.finish(&Summary { files: 1, complete: true, ..Summary::default() }).unwrap();
        });
        let row = text.lines().find(|line| line.starts_with("| critical")).unwrap();
        assert_eq!(row.matches('|').count(), 5, "{row}");
        assert!(row.contains("<code>a&#124;b&#96;&lt;img&gt;&#64;all:14</code>"), "{row}");
    }

    #[test]
    fn a_long_table_is_cut_and_says_so() {
        let text = written("markdown", Options::new(redactor()), |report| {
            (0..ROWS + 3).for_each(|_| report.finding(&finding(secret(1, 32))).unwrap());
            report.finish(&Summary { complete: false, skipped: 1, ..Summary::default() }).unwrap();
        });
        assert_eq!(text.matches("| critical |").count(), ROWS);
        assert!(text.contains("3 findings more are not shown.") && text.contains("no findings, but incomplete"), "{text}");
    }
}
