//! JSON Lines: one object a line, keys in a fixed order, absent rather than null. The contract is
//! in ARCHITECTURE.md; a consumer may rely on it.

use std::io::{self, Write};

use serde::Serialize;

use super::redact::masked;
use super::{Counts, Options, Redactor, Report, Sites, Skipped, Summary};
use crate::credential::{Class, Confidence, Environment, Provider, RuleId};
use crate::finding::{Commit, Correlation, Finding, Kept, Place, Severity, Tracked};

/// The version of the contract.
pub(super) const SCHEMA: u32 = 1;

pub(super) fn start<'a>(out: Box<dyn Write + 'a>, options: Options<'a>) -> Box<dyn Report + 'a> {
    Box::new(JsonLines { out, options })
}

struct JsonLines<'a> {
    out: Box<dyn Write + 'a>,
    options: Options<'a>,
}

impl JsonLines<'_> {
    fn write(&mut self, line: &Line<'_>) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.out.write_all(&bytes)?;
        self.out.flush()
    }
}

impl Report for JsonLines<'_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let line = FindingLine::new(finding, &self.options);
        self.write(&Line::Finding(Box::new(line)))
    }

    fn skipped(&mut self, skipped: &Skipped) -> io::Result<()> {
        let redactor = self.options.redactor;
        let path = redactor.text(&skipped.origin.to_string());
        self.write(&Line::Skipped { path, why: redactor.text(&skipped.why) })
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        self.write(&Line::Summary(SummaryLine::new(summary)))
    }
}

// The order of fields below is the order of keys in the contract.

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line<'a> {
    Finding(Box<FindingLine<'a>>),
    Skipped { path: String, why: String },
    Summary(SummaryLine<'a>),
}

#[derive(Serialize)]
pub(super) struct FindingLine<'a> {
    kind: &'static str,
    severity: Severity,
    confidence: Confidence,
    rule: &'a RuleId,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a Provider>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    candidates: &'a [Provider],
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<Class>,
    environment: Environment,
    moves_funds: bool,
    masked: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    path: String,
    #[serde(flatten)]
    lines: Option<LinesPart>,
    offset: usize,
    length: usize,
    view: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracked: Option<bool>,
    #[serde(flatten)]
    kept: Option<KeptPart>,
    place: PlacePart,
    because: Vec<BecausePart>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<RelatedPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<Correlation>,
    excerpt: String,
    remediation: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    checklist: &'static [&'static str],
}

#[derive(Serialize)]
struct LinesPart {
    line: u64,
    column: u64,
    end_line: u64,
    end_column: u64,
}

#[derive(Serialize)]
struct KeptPart {
    object: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author_time: Option<String>,
    in_head: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unreachable: bool,
}

impl KeptPart {
    fn new(kept: &Kept, redactor: Redactor<'_>) -> Self {
        let told = |field: fn(&Commit) -> &str| kept.commit.as_ref().map(|commit| redactor.text(field(commit)));
        Self {
            object: kept.object.clone(),
            commit: told(|commit| &commit.id),
            author: told(|commit| &commit.author),
            author_time: told(|commit| &commit.time),
            in_head: kept.in_head,
            unreachable: kept.unreachable,
        }
    }
}

#[derive(Serialize)]
pub(super) struct PlacePart {
    environment: &'static str,
    kind: &'static str,
    confidence: &'static str,
}

impl PlacePart {
    pub(super) const fn new(place: &Place) -> Self {
        Self { environment: place.environment.name(), kind: place.kind.name(), confidence: place.confidence.name() }
    }
}

#[derive(Serialize)]
struct BecausePart {
    fact: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u8>,
}

#[derive(Serialize)]
struct RelatedPart {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    why: String,
}

#[derive(Serialize)]
struct SummaryLine<'a> {
    schema: u32,
    version: &'a str,
    rules: &'a str,
    files: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "is_zero")]
    members: u64,
    #[serde(skip_serializing_if = "is_zero")]
    unpacked: u64,
    excluded: u64,
    skipped: u64,
    findings: Counts,
    suppressed: u64,
    sites: Sites,
    complete: bool,
}

impl<'a> FindingLine<'a> {
    pub(super) fn new(finding: &'a Finding, options: &Options<'_>) -> Self {
        let redactor = options.redactor;
        let location = &finding.location;
        Self {
            kind: finding.kind.id(),
            severity: finding.severity,
            confidence: finding.confidence,
            rule: &finding.rule,
            provider: finding.provider.as_ref(),
            candidates: &finding.candidates,
            class: finding.class,
            environment: finding.environment,
            moves_funds: finding.moves_funds,
            masked: masked(&finding.mask),
            fingerprint: options.fingerprint(finding),
            path: redactor.text(&location.origin.to_string()),
            lines: location.lines.map(|(start, end)| LinesPart {
                line: start.line,
                column: start.column,
                end_line: end.line,
                end_column: end.column,
            }),
            offset: location.span.start,
            length: location.span.len(),
            view: finding.view.name(),
            tracked: match location.tracked {
                Tracked::Yes => Some(true),
                Tracked::No | Tracked::Ignored => Some(false),
                Tracked::Unknown => None,
            },
            kept: location.origin.kept().map(|kept| KeptPart::new(kept, redactor)),
            place: PlacePart::new(&finding.place),
            because: finding
                .because
                .iter()
                .map(|(evidence, line)| BecausePart { fact: redactor.text(&evidence.fact), line: *line, weight: evidence.weight })
                .collect(),
            related: finding
                .related
                .iter()
                .map(|related| RelatedPart {
                    path: redactor.text(&related.origin.to_string()),
                    line: related.line,
                    why: redactor.text(&related.why),
                })
                .collect(),
            correlation: correlation(&finding.correlation, options),
            excerpt: redactor.line(&finding.excerpt),
            remediation: redactor.prose(&finding.remediation),
            checklist: finding.kind.checklist(),
        }
    }
}

fn correlation(correlation: &Correlation, options: &Options<'_>) -> Option<Correlation> {
    let clean = |text: &Option<String>| text.as_deref().map(|text| options.redactor.text(text));
    let clean = Correlation {
        request_id: clean(&correlation.request_id),
        trace_id: clean(&correlation.trace_id),
        service: clean(&correlation.service),
        time: clean(&correlation.time),
    };
    (!clean.is_empty()).then_some(clean)
}

impl<'a> SummaryLine<'a> {
    fn new(summary: &'a Summary) -> Self {
        Self {
            schema: SCHEMA,
            version: &summary.version,
            rules: &summary.rules,
            files: summary.files,
            bytes: summary.bytes,
            members: summary.members,
            unpacked: summary.unpacked,
            excluded: summary.excluded,
            skipped: summary.skipped,
            findings: summary.findings,
            suppressed: summary.suppressed,
            sites: summary.sites,
            complete: summary.complete,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde::Deserialize;

    use super::super::testing::{excerpt, finding, redactor, secret, written};
    use super::*;
    use crate::finding::Origin;

    // The contract as a consumer would write it down: what is not optional must be there, what is
    // not here must not.

    #[derive(Deserialize)]
    #[serde(tag = "type", rename_all = "kebab-case")]
    enum Read {
        Finding(Box<ReadFinding>),
        Skipped(ReadSkipped),
        Summary(ReadSummary),
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "that they are there is the test")]
    struct ReadFinding {
        kind: String,
        severity: Severity,
        confidence: Confidence,
        rule: String,
        provider: Option<String>,
        #[serde(default)]
        candidates: Vec<String>,
        class: Option<Class>,
        environment: Environment,
        moves_funds: bool,
        masked: String,
        fingerprint: Option<String>,
        path: String,
        line: Option<u64>,
        column: Option<u64>,
        end_line: Option<u64>,
        end_column: Option<u64>,
        offset: u64,
        length: u64,
        view: String,
        tracked: Option<bool>,
        place: ReadPlace,
        because: Vec<ReadBecause>,
        #[serde(default)]
        related: Vec<ReadRelated>,
        correlation: Option<std::collections::BTreeMap<String, String>>,
        excerpt: String,
        remediation: String,
        #[serde(default)]
        checklist: Vec<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "that they are there is the test")]
    struct ReadPlace {
        environment: String,
        kind: String,
        confidence: String,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct ReadBecause {
        fact: String,
        line: Option<u64>,
        weight: Option<u8>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "that they are there is the test")]
    struct ReadRelated {
        path: String,
        line: Option<u64>,
        why: String,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct ReadSkipped {
        path: String,
        why: String,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "that they are there is the test")]
    struct ReadSummary {
        schema: u32,
        version: String,
        rules: String,
        files: u64,
        bytes: u64,
        members: Option<u64>,
        unpacked: Option<u64>,
        excluded: u64,
        skipped: u64,
        findings: std::collections::BTreeMap<Severity, u64>,
        suppressed: u64,
        sites: std::collections::BTreeMap<String, u64>,
        complete: bool,
    }

    fn options() -> Options<'static> {
        Options::new(redactor())
    }

    fn lines(options: Options<'_>, findings: &[Finding]) -> Vec<String> {
        let text = written("jsonl", options, |report| findings.iter().for_each(|one| report.finding(one).unwrap()));
        text.lines().map(ToOwned::to_owned).collect()
    }

    fn read(line: &str) -> Box<ReadFinding> {
        match serde_json::from_str(line).unwrap() {
            Read::Finding(finding) => finding,
            _ => panic!("not a finding: {line}"),
        }
    }

    #[test]
    fn a_finding_has_the_keys_of_the_contract_in_their_order() {
        let mut full = finding(format!("  ACME_KEY: {}\r\n", secret(1, 32)));
        full.candidates = vec!["umbrella".into()];
        let lines = lines(Options { fingerprints: super::super::Fingerprints::All, ..options() }, &[full]);
        let expected = concat!(
            r#"{"type":"finding","kind":"hardcoded-secret","severity":"critical","confidence":"strong","#,
            r#""rule":"acme-secret-key","provider":"acme","candidates":["umbrella"],"class":"standard-api-key","#,
            r#""environment":"live","moves_funds":true,"masked":"acme_…(32)","fingerprint":"FP","#,
            r#""path":"src/pay.ts","line":14,"column":13,"end_line":14,"end_column":45,"#,
            r#""offset":412,"length":32,"view":"plain","tracked":true,"#,
            r#""place":{"environment":"unknown","kind":"source","confidence":"none"},"#,
            r#""because":[{"fact":"value prefix acme_","line":14},{"fact":"host api.acme.example","line":9,"weight":90}],"#,
            r#""excerpt":"  ACME_KEY: acme_…(32)","remediation":"Roll the key in the dashboard (Developers, API keys), "#,
            r#"then read the new one from your secret manager.","checklist":["PC-S1","CA-1.2"]}"#,
        );
        let print = finding(secret(1, 32)).fingerprint.to_string();
        assert_eq!(lines, [expected.replace("FP", &print)]);
    }

    #[test]
    fn our_own_output_can_be_read_with_unknown_keys_refused() {
        let text = written("jsonl", options(), |report| {
            report.finding(&finding(secret(1, 32))).unwrap();
            let origin = Origin::File(PathBuf::from("old.zip"));
            report.skipped(&Skipped { origin, why: "encrypted".into() }).unwrap();
            report.finish(&Summary { skipped: 1, rules: "digest".into(), ..Summary::default() }).unwrap();
        });
        let all: Vec<Read> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [Read::Finding(finding), Read::Skipped(skipped), Read::Summary(summary)] = &all[..] else {
            panic!("{text}");
        };
        assert_eq!((&*finding.masked, finding.line, finding.provider.as_deref()), ("acme_…(32)", Some(14), Some("acme")));
        assert_eq!(
            (&*finding.because[1].fact, finding.because[1].line, finding.because[1].weight),
            ("host api.acme.example", Some(9), Some(90))
        );
        assert_eq!((&*skipped.path, &*skipped.why), ("old.zip", "encrypted"));
        assert_eq!((summary.schema, summary.findings.len(), summary.complete), (1, Severity::ALL.len(), false));
    }

    #[test]
    fn a_summary_has_the_keys_of_the_contract_in_their_order() {
        let mut summary = Summary { version: "1.2.3".into(), rules: "digest".into(), files: 4, bytes: 5, ..Summary::default() };
        summary.findings.add(Severity::Low);
        summary.sites = Sites { resolved: 1, place_unknown: 2, credential_unknown: 3, conflicting: 4 };
        summary.complete = true;
        summary.elapsed = Some(std::time::Duration::from_secs(1));
        let expected = concat!(
            r#"{"type":"summary","schema":1,"version":"1.2.3","rules":"digest","files":4,"bytes":5,"excluded":0,"#,
            r#""skipped":0,"findings":{"critical":0,"high":0,"medium":0,"low":1,"notice":0},"suppressed":0,"#,
            r#""sites":{"resolved":1,"place_unknown":2,"credential_unknown":3,"conflicting":4},"complete":true}"#,
            "\n",
        );
        assert_eq!(written("jsonl", options(), |report| report.finish(&summary).unwrap()), expected);
    }

    #[test]
    fn what_is_not_known_is_absent() {
        let mut bare = finding(secret(1, 32));
        bare.provider = None;
        bare.location.lines = None;
        bare.location.tracked = Tracked::Unknown;
        let line = &lines(options(), &[bare])[0];
        for key in ["provider", "candidates", "fingerprint", "line", "column", "end_line", "tracked", "commit", "related"] {
            let known = key == "line" && line.contains(r#""fact":"value prefix acme_","line":14"#);
            assert_eq!(line.matches(&format!("\"{key}\":")).count(), if known { 2 } else { 0 }, "{key} in {line}");
        }
        assert!(!line.contains("null"), "{line}");
        assert_eq!(read(line).tracked, None);
    }

    #[test]
    fn ignored_by_git_is_not_tracked() {
        let tracked = |tracked| {
            let mut one = finding(secret(1, 32));
            one.location.tracked = tracked;
            read(&lines(options(), &[one])[0]).tracked
        };
        let all = [Tracked::Yes, Tracked::No, Tracked::Ignored, Tracked::Unknown].map(tracked);
        assert_eq!(all, [Some(true), Some(false), Some(false), None]);
    }

    #[test]
    fn no_string_gives_a_secret_away_or_commands_a_terminal() {
        let leak = secret(5, 32);
        let hostile = format!("{leak}\u{1b}[2J\u{202e}\u{9b}\n{leak}");
        let mut one = finding(&leak);
        one.location.origin = Origin::File(PathBuf::from(&hostile));
        one.because[0].0.fact.clone_from(&hostile);
        one.remediation.clone_from(&hostile);
        one.title.clone_from(&hostile);
        one.excerpt = excerpt(&hostile);
        let text = written("jsonl", options(), |report| {
            report.finding(&one).unwrap();
            report.skipped(&Skipped { origin: one.location.origin.clone(), why: hostile.clone() }).unwrap();
        });
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains(&leak[8..16]), "{text}");
        let dangerous = |char: char| char.is_control() && char != '\n' || char == '\u{202e}';
        assert!(!text.contains(dangerous) && !text.contains("\\u001b"), "{text}");
        let path = read(text.lines().next().unwrap()).path;
        assert_eq!(path, "acme_…(32)\\x1b[2J\\u{202e}\\u{9b}\\nacme_…(32)");
    }
}
