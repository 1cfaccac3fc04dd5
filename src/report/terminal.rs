//! Findings for a person at a terminal: where, what, why we think so, what to do; and what was
//! read and what was not. Colours are written as ANSI codes, which the caller strips where nobody
//! sees them; every line must read as well without.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::redact::{Room, columns, masked};
use super::{Options, Redactor, Report, Sites, Skipped, Summary};
use crate::credential::{Confidence, Environment};
use crate::finding::{Finding, Kept, KeptAs, Origin, Severity};

/// How many of a credential's possible owners are named.
const NAMED: usize = 3;
/// Columns before the text of a line: its number and a bar.
const GUTTER: usize = 9;
/// Columns before a reason or a remedy.
const INDENT: usize = 7;
/// Narrower than this nothing can be laid out.
pub(super) const NARROWEST: usize = 40;

pub(super) const STRONG: Style = Style::new().bold();
pub(super) const FAINT: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const DOUBT: Style = AnsiColor::Yellow.on_default().bold();

pub(super) fn start<'a>(out: Box<dyn Write + 'a>, options: Options<'a>) -> Box<dyn Report + 'a> {
    let options = Options { width: options.width.max(NARROWEST), ..options };
    Box::new(Terminal { out, options, last: None, skipped: Vec::new() })
}

struct Terminal<'a> {
    out: Box<dyn Write + 'a>,
    options: Options<'a>,
    /// Of the last finding: what the next one in the same file need not repeat as loudly.
    last: Option<Printed>,
    /// Kept to the end, where they stand beside the verdict.
    skipped: Vec<String>,
}

/// What was printed of a finding.
struct Printed {
    origin: Origin,
    path: String,
    /// What to do, as its rule says it, and fit to print: findings of one rule follow each other.
    remediation: String,
    remedy: String,
}

impl Report for Terminal<'_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let origin = &finding.location.origin;
        let before = self.last.take().filter(|last| last.origin == *origin);
        let path = before.as_ref().map_or_else(|| self.path(origin), |last| last.path.clone());
        let remediation = finding.remediation.clone();
        let same = before.as_ref().filter(|last| last.remediation == remediation);
        let remedy = same.map_or_else(|| self.options.redactor.prose(&remediation), |last| last.remedy.clone());
        let now = Printed { origin: origin.clone(), path, remediation, remedy };
        let lines =
            if self.options.quiet { vec![self.one_line(&now.path, finding)] } else { self.block(&now, before.as_ref(), finding) };
        self.last = Some(now);
        self.write(&lines)
    }

    fn skipped(&mut self, skipped: &Skipped) -> io::Result<()> {
        let why = self.options.redactor.prose(&skipped.why);
        let path = self.path(&skipped.origin);
        self.skipped.push(if self.options.quiet {
            format!("{path}: {DOUBT}skipped{DOUBT:#}: {why}")
        } else {
            format!("  {path}: {FAINT}{why}{FAINT:#}")
        });
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        let mut lines = Vec::new();
        if self.options.quiet {
            lines.append(&mut self.skipped);
        } else if !self.skipped.is_empty() {
            lines.push(format!("{DOUBT}skipped{DOUBT:#}"));
            lines.append(&mut self.skipped);
            lines.push(String::new());
        }
        lines.push(verdict(summary));
        if !self.options.quiet {
            lines.extend(account(summary));
        }
        self.write(&lines)
    }
}

impl Terminal<'_> {
    fn write(&mut self, lines: &[String]) -> io::Result<()> {
        let mut text = lines.join("\n");
        text.push('\n');
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    fn path(&self, origin: &Origin) -> String {
        match origin {
            Origin::Stdin(None) => "stdin".to_owned(),
            Origin::Member { container, name } => {
                format!("{}!{}", self.path(container), self.path(&Origin::File(name.clone())))
            }
            named => self.options.redactor.text(&named.to_string()).replace('\t', " "),
        }
    }

    /// A finding in one line, in the form that editors and problem matchers know from compilers.
    fn one_line(&self, path: &str, finding: &Finding) -> String {
        let level = style(finding.severity);
        let (severity, kind) = (finding.severity, finding.kind.title());
        let what = in_words(self.options.redactor, finding);
        let mask = masked(&finding.mask);
        format!("{path}{}: {level}{severity}{level:#}: {kind}: {what}: {mask}", position(finding))
    }

    /// A finding in full; `before` is what was printed of the one before it in the same file.
    fn block(&self, now: &Printed, before: Option<&Printed>, finding: &Finding) -> Vec<String> {
        // A new file catches the eye, the next finding in it does not have to.
        let heading = if before.is_some() { FAINT } else { STRONG };
        let level = style(finding.severity);
        let (severity, kind, rule) = (finding.severity, finding.kind.title(), &finding.rule);
        let weak = if finding.confidence == Confidence::Weak { ", weak" } else { "" };
        let remedy = if before.is_some_and(|before| before.remedy == now.remedy) { "as above" } else { &now.remedy };
        let mut lines = vec![
            format!("{heading}{}{heading:#}{FAINT}{}{FAINT:#}", now.path, position(finding)),
            format!("  {level}{severity}{level:#}: {STRONG}{kind}{STRONG:#} {FAINT}[{rule}{weak}]{FAINT:#}"),
        ];
        lines.extend(self.excerpt(finding));
        if let Some(kept) = finding.location.origin.kept() {
            lines.extend(self.row("in", &self.kept(kept)));
        }
        lines.extend(self.row("why", &self.reasons(finding)));
        lines.extend(self.row("and", &self.others(finding)));
        lines.extend(self.row("fix", remedy));
        lines.push(String::new());
        lines
    }

    /// The line of the finding, and below it, marked, what it is.
    fn excerpt(&self, finding: &Finding) -> Vec<String> {
        let what = in_words(self.options.redactor, finding);
        let width = self.options.width - GUTTER;
        let remark = columns(&masked(&finding.mask)) + 1 + columns(&what);
        let cut = self.options.redactor.cut(&finding.excerpt, finding.excerpt.focus(), Room { width, remark });
        let number = finding.location.lines.map_or(String::new(), |(start, _)| start.line.to_string());
        let level = style(finding.severity);
        let (before, mark, after) = (&cut.before, &cut.mark, &cut.after);
        let mut lines =
            vec![format!("{FAINT}{number:>6} |{FAINT:#} {before}{level}{mark}{level:#}{after}").trim_end().to_owned()];

        let (start, length) = (columns(before), columns(mark));
        let beside = start + remark <= width;
        let below = |text: &str| format!("{FAINT}{:>6} |{FAINT:#} {level}{text}{level:#}", "");
        if beside && length > 0 {
            lines.push(below(&format!("{:start$}{:^<length$} {what}", "", "")));
            return lines;
        }
        if length > 0 {
            lines.push(below(&format!("{:start$}{:^<length$}", "", "")));
        }
        let wrapped = wrap(&what, width);
        let widest = wrapped.iter().map(|line| columns(line)).max().unwrap_or(0);
        let indent = start.min(width.saturating_sub(widest));
        lines.extend(wrapped.iter().map(|line| below(&format!("{:indent$}{line}", ""))));
        lines
    }

    /// The facts, each with its line unless that is the line just shown.
    fn reasons(&self, finding: &Finding) -> String {
        let here = finding.location.lines.map(|(start, _)| start.line);
        let facts = finding.because.iter().map(|(evidence, line)| {
            let fact = self.options.redactor.prose(&evidence.fact);
            match line {
                Some(line) if Some(*line) != here => format!("{fact} (line\u{a0}{line})"),
                _ => fact,
            }
        });
        facts.collect::<Vec<_>>().join("; ")
    }

    /// What a finding is related to in other files: `.env.sandbox:4 on the sandbox side`.
    fn others(&self, finding: &Finding) -> String {
        let elsewhere = finding.related.iter().filter(|related| related.origin != finding.location.origin);
        let places = elsewhere.map(|related| {
            let line = related.line.map_or(String::new(), |line| format!(":{line}"));
            format!("{}{line} {}", self.path(&related.origin), self.options.redactor.prose(&related.why))
        });
        places.collect::<Vec<_>>().join("; ")
    }

    /// `commit 1a2b3c4d5e6f by A Tester, 2026-03-12; no longer in HEAD`.
    fn kept(&self, kept: &Kept) -> String {
        let state = match (kept.in_head, kept.unreachable, kept.commit.is_some()) {
            (true, ..) => "still in HEAD",
            (_, true, _) => "no branch or tag leads to it",
            (.., false) if matches!(kept.what, KeptAs::Blob | KeptAs::TagMessage) => "a tag keeps it",
            (.., false) => "staged",
            _ => "no longer in HEAD",
        };
        let Some(commit) = &kept.commit else { return format!("no commit; {state}") };
        let author = self.options.redactor.prose(&commit.author);
        let day = commit.time.get(..10).unwrap_or_default();
        format!("commit\u{a0}{} by {author}, {day}; {state}", commit.short())
    }

    /// A labelled paragraph; no-break spaces have done their work when it is wrapped.
    fn row(&self, label: &str, text: &str) -> Vec<String> {
        let wrapped = wrap(text, self.options.width - INDENT);
        let labels = std::iter::once(label).chain(std::iter::repeat(""));
        let lines = wrapped.iter().map(|line| line.replace('\u{a0}', " ")).zip(labels);
        lines.map(|(line, label)| format!("  {FAINT}{label:3}{FAINT:#}  {line}")).collect()
    }
}

/// `:14:31`, nothing for a file name.
fn position(finding: &Finding) -> String {
    finding.location.lines.map_or(String::new(), |(start, _)| format!(":{}:{}", start.line, start.column))
}

pub(super) const fn style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::BrightRed.on_default().bold(),
        Severity::High => AnsiColor::Red.on_default(),
        Severity::Medium => AnsiColor::Yellow.on_default(),
        Severity::Low => AnsiColor::Cyan.on_default(),
        Severity::Notice => Style::new(),
    }
}

/// What was found, in words: whose, which environment, and whether money moves.
pub(super) fn in_words(redactor: Redactor<'_>, finding: &Finding) -> String {
    let words = redactor.prose(&finding.title);
    let mut notes = Vec::new();
    if finding.environment == Environment::Unknown {
        notes.push("environment unknown".to_owned());
    }
    if !finding.candidates.is_empty() {
        let mut others: Vec<_> = finding.candidates.iter().take(NAMED).map(ToString::to_string).collect();
        if finding.candidates.len() > NAMED {
            others.push(format!("{} others", finding.candidates.len() - NAMED));
        }
        notes.push(format!("or {}", others.join(", ")));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
    // A sandbox key moves no money that anybody would miss.
    let moves = finding.moves_funds && finding.environment != Environment::Sandbox;
    let funds = if moves { ", can move funds" } else { "" };
    format!("{words}{notes}{funds}")
}

/// One line that says how it went. It says "clean" of nothing that was not read to the end.
fn verdict(summary: &Summary) -> String {
    let Some(worst) = summary.findings.worst() else {
        return if summary.complete {
            format!("{GOOD}clean{GOOD:#}: no findings")
        } else {
            format!("no findings, but {}", incomplete(summary))
        };
    };
    let level = style(worst).bold();
    let counts: Vec<_> = Severity::ALL
        .into_iter()
        .filter(|&severity| summary.findings.of(severity) > 0)
        .map(|severity| format!("{} {severity}", thousands(summary.findings.of(severity))))
        .collect();
    let findings = count(summary.findings.total(), "finding");
    let rest = if summary.complete { String::new() } else { format!("; {}", incomplete(summary)) };
    format!("{level}{findings}{level:#}: {}{rest}", counts.join(", "))
}

fn incomplete(summary: &Summary) -> String {
    let skipped = if summary.skipped > 0 { format!(" ({} skipped)", thousands(summary.skipped)) } else { String::new() };
    format!("{DOUBT}incomplete{DOUBT:#}: not clean{skipped}")
}

/// What was read and what was not.
fn account(summary: &Summary) -> Vec<String> {
    let time = summary.elapsed.map_or(String::new(), |elapsed| format!(" in {}", seconds(elapsed)));
    let mut rows = vec![("read", format!("{}, {}{time}", count(summary.files, "file"), size(summary.bytes)))];
    if summary.unpacked > 0 {
        let members = if summary.members > 0 { format!("{}, ", count(summary.members, "member")) } else { String::new() };
        rows.push(("unpacked", format!("{members}{}", size(summary.unpacked))));
    }
    if summary.excluded > 0 {
        rows.push(("excluded", format!("{}, ignored by git or not regular", count(summary.excluded, "file"))));
    }
    if summary.suppressed > 0 {
        rows.push(("suppressed", format!("{}, allowed or in the baseline", count(summary.suppressed, "finding"))));
    }
    // Said once places are told apart at all.
    if summary.sites.resolved + summary.sites.conflicting > 0 {
        rows.push(("environments", environments(&summary.sites)));
    }
    let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    rows.iter().map(|(label, text)| format!("  {FAINT}{label:width$}{FAINT:#}  {text}")).collect()
}

fn environments(sites: &Sites) -> String {
    let parts = [
        (sites.place_unknown, "place unknown"),
        (sites.credential_unknown, "credential unknown"),
        (sites.conflicting, "conflicting"),
    ];
    let unresolved = parts.iter().filter(|(number, _)| *number > 0);
    let resolved = format!("{} of {} resolved", thousands(sites.resolved), thousands(sites.total()));
    let parts = unresolved.map(|(number, what)| format!("{} {what}", thousands(*number)));
    std::iter::once(resolved).chain(parts).collect::<Vec<_>>().join(", ")
}

/// Breaks at spaces; a word that is longer than a line keeps its own, so that it can be copied.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `1 file`, `1,204 files`.
pub(super) fn count(number: u64, what: &str) -> String {
    format!("{} {what}{}", thousands(number), if number == 1 { "" } else { "s" })
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `512 bytes`, `18.3 MiB`.
fn size(bytes: u64) -> String {
    let units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", thousands(bytes / unit), bytes % unit * 10 / unit),
        None => count(bytes, "byte"),
    }
}

/// `42 ms`, `1.5 s`, `2 min 5 s`.
fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        whole @ 1..60 => format!("{whole}.{} s", time.subsec_millis() / 100),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use unicode_width::UnicodeWidthStr;

    use super::super::testing::{excerpt, finding, redactor, secret, written};
    use super::*;
    use crate::finding::{Excerpt, Kind, Related};
    use crate::report::Counts;
    use crate::span::Span;

    fn options(width: usize) -> Options<'static> {
        Options { width, ..Options::new(redactor()) }
    }

    /// Without colours.
    fn plain(text: &str) -> String {
        let mut parts = text.split("\x1b[");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |plain, part| plain + part.split_once('m').unwrap().1)
    }

    fn shown(width: usize, findings: &[Finding]) -> String {
        let all = written("text", options(width), |report| {
            for finding in findings {
                report.finding(finding).unwrap();
            }
        });
        plain(&all)
    }

    fn finished(options: Options<'_>, skipped: &[(&str, &str)], summary: &Summary) -> String {
        plain(&written("text", options, |report| {
            for (path, why) in skipped {
                let origin = Origin::File(PathBuf::from(path));
                report.skipped(&Skipped { origin, why: (*why).to_owned() }).unwrap();
            }
            report.finish(summary).unwrap();
        }))
    }

    fn typed() -> Finding {
        finding(format!("    const acme = new Acme(\"{}\");\n", secret(1, 32)))
    }

    #[test]
    fn a_report_at_80_columns() {
        let first = typed();
        let mut second = finding(format!("hook: {}", secret(2, 24)));
        second.severity = Severity::Low;
        second.kind = Kind::SandboxKeyInSource;
        second.confidence = Confidence::Weak;
        second.environment = Environment::Unknown;
        second.title = "Acme secret key".to_owned();
        second.moves_funds = false;
        second.candidates = vec!["umbrella".into(), "initech".into()];
        let mut third = second.clone();
        third.location.origin = Origin::File(PathBuf::from("src/refund.ts"));
        third.environment = Environment::Sandbox;
        third.title = "Acme sandbox secret key".to_owned();
        third.candidates.clear();
        third.remediation = "Delete it.".into();
        let here = Related { origin: third.location.origin.clone(), line: Some(3), why: "beside a live key".into() };
        let there = Origin::File(PathBuf::from(".env.sandbox"));
        third.related = vec![here, Related { origin: there, line: Some(4), why: "on the sandbox side".into() }];
        let expected = r#"src/pay.ts:14:28
  critical: secret written into a file [acme-secret-key]
    14 | const acme = new Acme("acme_…(32)");
       |                        ^^^^^^^^^^ Acme live secret key, can move funds
  why  value prefix acme_; host api.acme.example (line 9)
  fix  Roll the key in the dashboard (Developers, API keys), then read the new
       one from your secret manager.

src/pay.ts:14:7
  low: sandbox key written into a file [acme-secret-key, weak]
    14 | hook: acme_…(24)
       |       ^^^^^^^^^^
       |       Acme secret key (environment unknown; or umbrella, initech)
  why  value prefix acme_; host api.acme.example (line 9)
  fix  as above

src/refund.ts:14:7
  low: sandbox key written into a file [acme-secret-key, weak]
    14 | hook: acme_…(24)
       |       ^^^^^^^^^^ Acme sandbox secret key
  why  value prefix acme_; host api.acme.example (line 9)
  and  .env.sandbox:4 on the sandbox side
  fix  Delete it.

"#;
        assert_eq!(shown(80, &[first, second, third]), expected);
    }

    #[test]
    fn a_summary_in_full() {
        let mut summary = Summary {
            files: 1204,
            bytes: 19_203_000,
            excluded: 31,
            suppressed: 1,
            skipped: 2,
            elapsed: Some(Duration::from_millis(420)),
            sites: Sites { resolved: 12, place_unknown: 3, credential_unknown: 1, conflicting: 0 },
            ..Summary::default()
        };
        summary.findings = Counts { critical: 1, low: 2, ..Counts::default() };
        let skipped = [("old.zip", "encrypted"), ("a\tb.pem", "unreadable:\npermission denied")];
        let expected = "\
skipped
  old.zip: encrypted
  a b.pem: unreadable: permission denied

3 findings: 1 critical, 2 low; incomplete: not clean (2 skipped)
  read          1,204 files, 18.3 MiB in 420 ms
  excluded      31 files, ignored by git or not regular
  suppressed    1 finding, allowed or in the baseline
  environments  12 of 16 resolved, 3 place unknown, 1 credential unknown
";
        assert_eq!(finished(options(80), &skipped, &summary), expected);
    }

    #[test]
    fn only_a_complete_run_without_findings_is_clean() {
        let verdict = |complete, found: &[Severity]| {
            let mut summary = Summary { complete, ..Summary::default() };
            for &severity in found {
                summary.findings.add(severity);
            }
            finished(Options { quiet: true, ..options(80) }, &[], &summary)
        };
        assert_eq!(verdict(true, &[]), "clean: no findings\n");
        assert_eq!(verdict(false, &[]), "no findings, but incomplete: not clean\n");
        assert_eq!(verdict(true, &[Severity::Notice]), "1 finding: 1 notice\n");
        assert_eq!(verdict(false, &[Severity::High]), "1 finding: 1 high; incomplete: not clean\n");
    }

    #[test]
    fn quiet_is_one_line_a_finding_or_a_gap_and_the_verdict() {
        let text = written("text", Options { quiet: true, ..options(80) }, |report| {
            report.finding(&typed()).unwrap();
            report.skipped(&Skipped { origin: Origin::Stdin(None), why: "damaged".into() }).unwrap();
            let mut summary = Summary { skipped: 1, ..Summary::default() };
            summary.findings.add(Severity::Critical);
            report.finish(&summary).unwrap();
        });
        let expected = "\
src/pay.ts:14:28: critical: secret written into a file: Acme live secret key, can move funds: acme_…(32)
stdin: skipped: damaged
1 finding: 1 critical; incomplete: not clean (1 skipped)
";
        assert_eq!(plain(&text), expected);
    }

    #[test]
    fn nothing_but_locations_is_wider_than_the_terminal() {
        let long = format!("{} \"{}\" {}", "let 日本 = ".repeat(20), secret(1, 32), "/* later */ ".repeat(20));
        for width in [40, 80, 120] {
            for text in [&long, &format!("{:60}{}", "", secret(2, 64)), &secret(3, 32)] {
                let shown = shown(width, &[finding(text)]);
                let laid_out = shown.lines().skip(2);
                assert!(laid_out.into_iter().all(|line| line.width() <= width), "{width}:\n{shown}");
                assert!(shown.lines().all(|line| line == line.trim_end()), "white space at an end:\n{shown}");
            }
        }
    }

    #[test]
    fn the_mark_stands_below_the_credential_in_columns() {
        let shown = shown(80, &[finding(format!("\"日本\": e\u{301} {}", secret(1, 32)))]);
        let lines: Vec<_> = shown.lines().collect();
        let (key, _) = lines[2].split_once("acme_").unwrap();
        let (mark, _) = lines[3].split_once('^').unwrap();
        assert_eq!(key.width(), mark.width(), "{shown}");
    }

    #[test]
    fn of_credentials_that_look_alike_the_right_one_is_marked() {
        let text = format!("a={} b={} c={}", secret(1, 32), secret(2, 32), secret(3, 32));
        let masks = super::super::testing::find(text.as_bytes());
        for (focus, (span, _)) in masks.iter().enumerate() {
            let mut one = finding(&text);
            one.excerpt = Excerpt::new(text.as_bytes(), masks.clone(), focus);
            let shown = shown(80, &[one]);
            let lines: Vec<_> = shown.lines().collect();
            let caret = lines[3].find('^').unwrap() - lines[2].find("a=").unwrap();
            let masked_before = focus * (32 - "acme_…(32)".width());
            assert_eq!(caret, span.start - masked_before, "{shown}");
        }
    }

    #[test]
    fn a_file_name_has_no_line() {
        let name = format!("dump-{}.csv", secret(1, 32));
        let mut one = finding(&name);
        one.location.origin = Origin::File(PathBuf::from(format!("out/{name}")));
        one.location.lines = None;
        one.location.span = Span::new(9, 41);
        let shown = shown(80, &[one]);
        assert!(shown.starts_with("out/dump-acme_…(32).csv\n  critical: "), "{shown}");
        assert!(shown.contains("\n       | dump-acme_…(32).csv\n       |      ^^^^^^^^^^ Acme live"), "{shown}");
        assert!(shown.contains("value prefix acme_ (line 14)"), "{shown}");
    }

    #[test]
    fn standard_input_has_a_name_for_people() {
        let mut one = typed();
        one.location.origin = Origin::Stdin(None);
        assert!(shown(80, &[one]).starts_with("stdin:14:28\n"));
    }

    #[test]
    fn an_excerpt_without_its_credential_still_says_what_it_is() {
        let mut one = typed();
        one.excerpt = excerpt("elsewhere");
        assert!(shown(80, &[one]).contains("    14 | elsewhere\n       | Acme live secret key, can move funds\n"));
    }

    #[test]
    fn no_string_gives_a_secret_away_or_commands_the_terminal() {
        let leak = secret(5, 32);
        let hostile = format!("{leak}\u{1b}[2J\t\u{202e}\u{9b}\n{leak}");
        let mut one = finding(&leak);
        one.location.origin = Origin::File(PathBuf::from(&hostile));
        one.because[0].0.fact.clone_from(&hostile);
        one.remediation.clone_from(&hostile);
        one.title.clone_from(&hostile);
        one.excerpt = excerpt(&hostile);
        for quiet in [false, true] {
            let text = plain(&written("text", Options { quiet, ..options(80) }, |report| {
                report.finding(&one).unwrap();
                report.skipped(&Skipped { origin: one.location.origin.clone(), why: hostile.clone() }).unwrap();
                report.finish(&Summary::default()).unwrap();
            }));
            assert!(!text.contains(&leak[8..16]), "{text}");
            assert!(!text.contains(|char: char| char.is_control() && char != '\n' || char == '\u{202e}'), "{text}");
        }
    }

    #[test]
    fn numbers_read_easily() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0, 1, 1023, 1024, 1536, 5 << 30].map(size),
            ["0 bytes", "1 byte", "1,023 bytes", "1.0 KiB", "1.5 KiB", "5.0 GiB"]
        );
        let times = [7, 999, 1540, 59_999, 125_000].map(|millis| seconds(Duration::from_millis(millis)));
        assert_eq!(times, ["7 ms", "999 ms", "1.5 s", "59.9 s", "2 min 5 s"]);
    }

    #[test]
    fn wrapping_breaks_at_spaces_only() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("see https://docs.acme.example/keys now", 10), ["see", "https://docs.acme.example/keys", "now"]);
        assert_eq!(wrap("", 10), Vec::<String>::new());
    }
}
