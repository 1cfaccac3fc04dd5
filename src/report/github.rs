//! Annotations of a GitHub workflow: a command on a line of its own for each finding, the worst first,
//! because only the first few of a step are shown.

use std::cmp::Reverse;
use std::io::{self, Write};

use super::redact::masked;
use super::sarif::capital;
use super::terminal::in_words;
use super::{Options, Report, Skipped, Summary};
use crate::finding::{Finding, Severity};

pub(super) fn start<'a>(out: Box<dyn Write + 'a>, options: Options<'a>) -> Box<dyn Report + 'a> {
    Box::new(Annotations { out, options, found: Vec::new(), skipped: Vec::new() })
}

struct Annotations<'a> {
    out: Box<dyn Write + 'a>,
    options: Options<'a>,
    found: Vec<(Severity, String)>,
    skipped: Vec<String>,
}

impl Report for Annotations<'_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let redactor = self.options.redactor;
        let path = redactor.text(&self.options.path(&finding.location.origin));
        let mut properties = vec![("file", path)];
        if let Some((start, end)) = finding.location.lines {
            properties.push(("line", start.line.to_string()));
            properties.push(("endLine", end.line.to_string()));
            // A column makes sense on one line only.
            if start.line == end.line {
                properties.push(("col", start.column.to_string()));
                properties.push(("endColumn", end.column.to_string()));
            }
        }
        properties.push(("title", format!("{} ({})", capital(finding.kind.title()), finding.severity)));
        let what = in_words(redactor, finding);
        let message = format!("{what}: {}\n{}", masked(&finding.mask), redactor.prose(&finding.remediation));
        self.found.push((finding.severity, command(level(finding.severity), &properties, &message)));
        Ok(())
    }

    fn skipped(&mut self, skipped: &Skipped) -> io::Result<()> {
        let redactor = self.options.redactor;
        let path = redactor.text(&self.options.path(&skipped.origin));
        let properties = [("file", path.clone()), ("title", "Not scanned".to_owned())];
        let message = format!("{path}: {}", redactor.prose(&skipped.why));
        self.skipped.push(command("warning", &properties, &message));
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        // Of the same severity, in the order of the files.
        self.found.sort_by_key(|(severity, _)| Reverse(*severity));
        let lines = self.found.iter().map(|(_, line)| line).chain(&self.skipped);
        let verdict = format!("keyfence: {}", super::markdown::verdict(summary));
        let text: Vec<&str> = lines.chain([&verdict]).map(String::as_str).collect();
        writeln!(self.out, "{}", text.join("\n"))?;
        self.out.flush()
    }
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Notice => "notice",
    }
}

/// `::error file=…,line=…::…`
fn command(name: &str, properties: &[(&str, String)], message: &str) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let properties: Vec<String> = properties.iter().map(|(key, value)| format!("{key}={}", property(value))).collect();
    format!("::{name} {}::{}", properties.join(","), data(message))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::testing::{finding, redactor, secret, written};
    use super::*;
    use crate::finding::Origin;

    #[test]
    fn a_command_cannot_be_left() {
        let mut one = finding(secret(1, 32));
        one.location.origin = Origin::File(PathBuf::from("a,b:100%\n::set-output name=x::y"));
        one.remediation = "one\r\n::error::two".to_owned();
        let text = written("github", Options::new(redactor()), |report| {
            report.finding(&one).unwrap();
            report.finish(&Summary { complete: true, ..Summary::default() }).unwrap();
        });
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(
            lines[0].starts_with("::error file=a%2Cb%3A100%25\\n%3A%3Aset-output name=x%3A%3Ay,line=14,endLine=14,col=1,"),
            "{text}"
        );
        assert!(lines[0].ends_with("acme_…(32)%0Aone ::error::two"), "{text}");
    }

    #[test]
    fn the_worst_stands_first() {
        let of = |severity| Finding { severity, ..finding(secret(1, 32)) };
        let text = written("github", Options::new(redactor()), |report| {
            for severity in [Severity::Low, Severity::Critical, Severity::Medium] {
                report.finding(&of(severity)).unwrap();
            }
            report.skipped(&Skipped { origin: Origin::File("x".into()), why: "encrypted".into() }).unwrap();
            report.finish(&Summary::default()).unwrap();
        });
        let names: Vec<&str> = text.lines().map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(names, ["::error", "::warning", "::notice", "::warning", "keyfence:"], "{text}");
    }
}
