//! SARIF 2.1.0, one document with one run, for code scanning. Kinds of findings are its rules. The same
//! input gives the same bytes: there is no time and no machine in it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::redact::masked;
use super::terminal::in_words;
use super::{Options, Report, Skipped, Summary};
use crate::finding::{Exception, ExceptionBy, Finding, Kind, Location, Origin, Piece, Severity};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const HOME: &str = "https://github.com/keyfence/keyfence";
/// What paths are relative to.
const ROOT: &str = "%SRCROOT%";

pub(super) fn start<'a>(out: Box<dyn Write + 'a>, options: Options<'a>) -> Box<dyn Report + 'a> {
    Box::new(Sarif { out, options, kinds: BTreeMap::new(), results: Vec::new(), skipped: Vec::new() })
}

struct Sarif<'a> {
    out: Box<dyn Write + 'a>,
    options: Options<'a>,
    /// The kinds that were found, each with its worst finding: whether it still counts, and how bad it is.
    kinds: BTreeMap<Kind, (bool, Severity)>,
    results: Vec<(Kind, String, Value)>,
    skipped: Vec<Value>,
}

impl Report for Sarif<'_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.push(finding, &json!([]));
        Ok(())
    }

    fn allowed(&mut self, finding: &Finding, exception: &Exception) -> io::Result<()> {
        let kind = if exception.by == ExceptionBy::Inline { "inSource" } else { "external" };
        let reason = self.options.redactor.prose(&exception.reason);
        self.push(finding, &json!([{ "kind": kind, "status": "accepted", "justification": reason }]));
        Ok(())
    }

    fn skipped(&mut self, skipped: &Skipped) -> io::Result<()> {
        let why = self.options.redactor.prose(&skipped.why);
        let path = self.options.redactor.text(&self.options.path(&skipped.origin));
        self.skipped.push(json!({
            "descriptor": { "id": "not-scanned" },
            "level": "error",
            "message": { "text": format!("not scanned: {path}: {why}") },
            "locations": [self.place(&skipped.origin, None)],
        }));
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        let document = json!({
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": self.driver(summary) },
                "columnKind": "utf16CodeUnits",
                "originalUriBaseIds": { ROOT: { "description": { "text": "The root of the repository." } } },
                "invocations": [self.invocation(summary)],
                "results": self.results(),
            }],
        });
        let mut bytes = serde_json::to_vec_pretty(&document)?;
        bytes.push(b'\n');
        self.out.write_all(&bytes)?;
        self.out.flush()
    }
}

impl Sarif<'_> {
    fn push(&mut self, finding: &Finding, suppressions: &Value) {
        let counts = suppressions.as_array().is_none_or(Vec::is_empty);
        let worst = self.kinds.entry(finding.kind).or_insert((counts, finding.severity));
        *worst = (*worst).max((counts, finding.severity));
        let path = self.options.path(&finding.location.origin);
        let redactor = self.options.redactor;
        let message = format!(
            "{}: {}: {}. {}",
            capital(finding.kind.title()),
            in_words(redactor, finding),
            masked(&finding.mask),
            redactor.prose(&finding.remediation)
        );
        let mut result = json!({
            "ruleId": finding.kind.id(),
            "level": level(finding.severity),
            "message": { "text": message.trim_end() },
            "locations": [self.place(&finding.location.origin, region(finding))],
            "suppressions": suppressions,
            "properties": self.properties(finding),
        });
        let related = self.related(finding);
        if !related.is_empty() {
            result["relatedLocations"] = related.into();
        }
        let mut prints = Map::new();
        if let Some(print) = self.options.fingerprint(finding) {
            prints.insert("keyfence/v1".to_owned(), format!("{}/{print}", finding.kind.id()).into());
        }
        if finding.location.lines.is_some() {
            prints.insert("primaryLocationLineHash".to_owned(), line_hash(&redactor.line(&finding.excerpt)).into());
        }
        if !prints.is_empty() {
            result["partialFingerprints"] = prints.into();
        }
        self.results.push((finding.kind, path, result));
    }

    /// The results with what only all of them together say: the number of their rule, and which of the
    /// lines of a file that are the same each stands on.
    fn results(&mut self) -> Vec<Value> {
        let mut same: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut results = Vec::with_capacity(self.results.len());
        for (kind, path, mut result) in std::mem::take(&mut self.results) {
            result["ruleIndex"] = self.kinds.keys().position(|other| *other == kind).into();
            if let Some(hash) = result.pointer_mut("/partialFingerprints/primaryLocationLineHash") {
                let text = hash.as_str().unwrap_or_default().to_owned();
                let count = same.entry((path, text.clone())).or_default();
                *count += 1;
                *hash = format!("{text}:{count}").into();
            }
            results.push(result);
        }
        results
    }

    fn driver(&self, summary: &Summary) -> Value {
        json!({
            "name": "keyfence",
            "version": summary.version,
            "semanticVersion": summary.version,
            "informationUri": HOME,
            "rules": self.kinds.iter().map(|(kind, (_, worst))| rule(*kind, *worst)).collect::<Vec<_>>(),
            "notifications": [{
                "id": "not-scanned",
                "shortDescription": { "text": "Something that was wanted could not be scanned." },
            }],
            "properties": { "rulesDigest": summary.rules },
        })
    }

    fn invocation(&mut self, summary: &Summary) -> Value {
        let mut invocation = json!({
            "executionSuccessful": summary.complete,
            "toolExecutionNotifications": std::mem::take(&mut self.skipped),
        });
        if let Some(code) = summary.exit {
            invocation["exitCode"] = code.into();
        }
        invocation
    }

    /// Where something is. What a repository keeps without a path has only a name.
    fn place(&self, origin: &Origin, region: Option<Value>) -> Value {
        let path = self.options.redactor.text(&self.options.path(origin));
        if origin.path().is_none() {
            return json!({ "logicalLocations": [{ "fullyQualifiedName": path }] });
        }
        let mut physical = json!({ "artifactLocation": { "uri": uri(&path), "uriBaseId": ROOT } });
        if let Some(region) = region {
            physical["region"] = region;
        }
        json!({ "physicalLocation": physical })
    }

    /// What else it is about, and what speaks for it on other lines.
    fn related(&self, finding: &Finding) -> Vec<Value> {
        let own = finding.location.lines.map(|(start, _)| start.line);
        let evidence = finding.because.iter().filter(|(_, line)| line.is_some() && *line != own);
        let evidence = evidence.map(|(evidence, line)| (&finding.location.origin, *line, &evidence.fact));
        let related = finding.related.iter().map(|related| (&related.origin, related.line, &related.why));
        let mut all: Vec<Value> = Vec::new();
        for (origin, line, why) in related.chain(evidence) {
            let mut place = self.place(origin, line.map(|line| json!({ "startLine": line })));
            place["message"] = json!({ "text": self.options.redactor.prose(why) });
            if !all.contains(&place) {
                all.push(place);
            }
        }
        all.iter_mut().enumerate().for_each(|(at, place)| place["id"] = at.into());
        all
    }

    fn properties(&self, finding: &Finding) -> Value {
        let redactor = self.options.redactor;
        let mut properties = json!({
            "severity": finding.severity.name(),
            "confidence": finding.confidence.name(),
            "rule": finding.rule.as_str(),
            "environment": finding.environment.name(),
            "movesFunds": finding.moves_funds,
            "place": finding.place.environment.name(),
            "placeKind": finding.place.kind.name(),
            "excerpt": redactor.line(&finding.excerpt),
            "because": finding.because.iter().map(|(evidence, _)| redactor.prose(&evidence.fact)).collect::<Vec<_>>(),
        });
        if let Some(provider) = &finding.provider {
            properties["provider"] = provider.to_string().into();
        }
        if let Some(class) = finding.class {
            properties["class"] = class.name().into();
        }
        if let Some(kept) = finding.location.origin.kept() {
            properties["inHead"] = kept.in_head.into();
            if let Some(commit) = &kept.commit {
                properties["commit"] = redactor.text(&commit.id).into();
                properties["authorTime"] = redactor.text(&commit.time).into();
            }
        }
        properties
    }
}

/// A kind of findings as a rule of SARIF. It is as bad as the worst finding of this report: code scanning
/// sorts and gates by the rule.
fn rule(kind: Kind, worst: Severity) -> Value {
    let cwe = weakness(kind);
    let title = format!("{}.", capital(kind.title()));
    let follows = if kind.consequence().is_empty() { "Whoever reads it can use it." } else { kind.consequence() };
    let remedy = if kind.remedy().is_empty() {
        "Replace the credential where it was issued; taking the line out is not enough."
    } else {
        kind.remedy()
    };
    json!({
        "id": kind.id(),
        "name": kind.id(),
        "shortDescription": { "text": title },
        "fullDescription": { "text": format!("{title} {follows}") },
        "help": {
            "text": format!("{follows} {remedy}"),
            "markdown": format!("{follows}\n\n**What to do**: {remedy}\n\n`keyfence explain {}` says more.", kind.id()),
        },
        "helpUri": format!("https://cwe.mitre.org/data/definitions/{cwe}.html"),
        "defaultConfiguration": { "level": level(worst) },
        "properties": {
            "tags": ["security", "secrets", format!("external/cwe/cwe-{cwe}")],
            "security-severity": score(worst),
        },
    })
}

/// The entry of the Common Weakness Enumeration that a kind is a case of.
fn weakness(kind: Kind) -> u16 {
    let id = kind.id();
    match () {
        // Insertion of sensitive information into a log file.
        () if id.ends_with("-log") => 532,
        // Exposure of sensitive information to an unauthorized actor.
        () if id.contains("client") || id.ends_with("public") => 200,
        // Cleartext transmission of sensitive information.
        () if kind == Kind::InsecureWebhookEndpoint => 319,
        // Use of hard-coded credentials.
        () if id.contains("key") || id.contains("secret") || id.contains("credential") => 798,
        // Improper isolation or compartmentalization.
        () => 653,
    }
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Notice => "note",
    }
}

/// A number in a string, as code scanning wants it: above 9 is critical, from 7 high, from 4 medium, below low.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Notice => "1.0",
    }
}

/// Lines, and columns in UTF-16 code units as editors count them. Our own columns are bytes: what the
/// excerpt shows before the finding says how many fewer those units are.
fn region(finding: &Finding) -> Option<Value> {
    let Location { lines: Some((start, end)), .. } = &finding.location else { return None };
    let focus = finding.excerpt.focus();
    let mut masks = 0;
    let mut fewer = 0;
    for piece in finding.excerpt.pieces() {
        match piece {
            Piece::Masked(_) if Some(masks) == focus => break,
            Piece::Masked(_) => masks += 1,
            Piece::Text(bytes) => {
                let line = bytes.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
                fewer = if line.len() < bytes.len() { 0 } else { fewer };
                let units = String::from_utf8_lossy(line).encode_utf16().count();
                fewer += (line.len() as u64).saturating_sub(units as u64);
            }
        }
    }
    let fewer = if focus.is_some() { fewer } else { 0 };
    let column = start.column.saturating_sub(fewer).max(1);
    let end_column = if end.line == start.line { end.column.saturating_sub(fewer).max(column) } else { end.column };
    Some(json!({ "startLine": start.line, "startColumn": column, "endLine": end.line, "endColumn": end_column }))
}

/// The hash of a line by the algorithm of GitHub's upload, so that a result is known again when lines
/// shift. It is computed over the masked line, and over that line only: the bytes of a secret never
/// take part, for anybody could test guesses against a hash without a key.
fn line_hash(line: &str) -> String {
    const BLOCK: usize = 100;
    const END: u16 = 0xFFFF;
    let shown = line.encode_utf16().filter(|unit| ![u16::from(b' '), u16::from(b'\t')].contains(unit));
    let units = shown.chain([u16::from(b'\n'), END]).chain(std::iter::repeat(0)).take(BLOCK);
    let hash = units.fold(0u64, |hash, unit| hash.wrapping_mul(37).wrapping_add(u64::from(unit)));
    format!("{hash:x}")
}

/// A path as a relative URI reference.
pub(super) fn uri(path: &str) -> String {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut uri = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,=@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.extend(['%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
    uri
}

pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finding, redactor, secret, written};
    use super::*;

    fn document(steps: impl FnOnce(&mut dyn Report)) -> Value {
        let options = Options { fingerprints: super::super::Fingerprints::All, ..Options::new(redactor()) };
        let text = written("sarif", options, |report| {
            steps(report);
            report.finish(&Summary { version: "1.2.3".into(), complete: true, exit: Some(1), ..Summary::default() }).unwrap();
        });
        serde_json::from_str(&text).unwrap()
    }

    /// Two lines of a file and what the uploading action computes for the last of them, by its own rules:
    /// blanks do not count, the end is 0xFFFF, then zeros.
    #[test]
    fn the_hash_of_a_line_is_that_of_github() {
        assert_eq!(line_hash("a b"), line_hash("\tab"));
        assert_ne!(line_hash("ab"), line_hash("ba"));
        let mut by_hand = 0u64;
        let mut power = 1u64;
        let units = [u64::from(b'a'), u64::from(b'\n'), 0xFFFF];
        for at in (0..100).rev() {
            by_hand = by_hand.wrapping_add(units.get(at).copied().unwrap_or(0).wrapping_mul(power));
            power = power.wrapping_mul(37);
        }
        assert_eq!(line_hash("a"), format!("{by_hand:x}"));
    }

    #[test]
    fn the_hash_knows_nothing_of_the_secret() {
        let hash = |seed: usize| {
            let text = format!("key: {}", secret(seed, 32));
            let document = document(|report| report.finding(&finding(&text)).unwrap());
            document.pointer("/runs/0/results/0/partialFingerprints/primaryLocationLineHash").unwrap().clone()
        };
        assert_eq!(hash(1), hash(5));
    }

    #[test]
    fn lines_that_are_the_same_are_counted() {
        let one = finding(secret(1, 32));
        let document = document(|report| (0..2).for_each(|_| report.finding(&one).unwrap()));
        let hash = |at: usize| document["runs"][0]["results"][at]["partialFingerprints"]["primaryLocationLineHash"].to_string();
        assert!(hash(0).ends_with(":1\"") && hash(1).ends_with(":2\""), "{document:#}");
    }

    #[test]
    fn columns_are_those_of_editors() {
        let text = format!("ü=\u{1f511} {}", secret(1, 32));
        let document = document(|report| report.finding(&finding(&text)).unwrap());
        let region = &document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"];
        assert_eq!((&region["startColumn"], &region["endColumn"]), (&json!(6), &json!(38)), "{region}");
    }

    #[test]
    fn what_is_allowed_is_suppressed_and_nothing_else() {
        let exception = Exception { by: ExceptionBy::Baseline, reason: format!("rotated {}", secret(2, 32)) };
        let document = document(|report| {
            report.finding(&finding(secret(1, 32))).unwrap();
            report.allowed(&finding(secret(2, 32)), &exception).unwrap();
        });
        let suppressions = |at: usize| &document["runs"][0]["results"][at]["suppressions"];
        assert_eq!(suppressions(0), &json!([]));
        assert_eq!(
            suppressions(1),
            &json!([{ "kind": "external", "status": "accepted", "justification": "rotated acme_…(32)" }])
        );
        assert!(!document.to_string().contains(&secret(2, 32)[8..16]));
    }

    #[test]
    fn paths_are_uris() {
        assert_eq!(uri("a b/ü#1?.zip!x:y"), "a%20b/%C3%BC%231%3F.zip!x%3Ay");
    }
}
