//! What a stream says of a finding at once: one line, as JSON for a program or as text for a person.

use serde::Serialize;

use super::Options;
use super::jsonl::FindingLine;
use super::redact::masked;
use crate::finding::Finding;

/// A finding of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Alert<'a> {
    /// The finding, as it was first seen.
    pub finding: &'a Finding,
    /// When, in UTC, as RFC 3339.
    pub ts: &'a str,
    /// The name of the stream.
    pub stream: &'a str,
    /// How often so far.
    pub count: u64,
    /// Whether it was redacted.
    pub redacted: bool,
    /// Whether its end was not seen.
    pub truncated: bool,
    /// What the team calls the key.
    pub label: Option<&'a str>,
}

#[derive(Serialize)]
struct AlertLine<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    finding: FindingLine<'a>,
    ts: &'a str,
    stream: String,
    count: u64,
    redacted: bool,
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

impl Alert<'_> {
    /// One JSON object and a line end.
    pub fn to_json(&self, options: &Options<'_>) -> Vec<u8> {
        let redactor = options.redactor;
        let line = AlertLine {
            r#type: "alert",
            finding: FindingLine::new(self.finding, options),
            ts: self.ts,
            stream: redactor.text(self.stream),
            count: self.count,
            redacted: self.redacted,
            truncated: self.truncated,
            label: self.label.map(|label| redactor.text(label)),
        };
        // Strings and numbers only: it cannot fail.
        let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// One line for a person.
    pub fn to_text(&self, options: &Options<'_>) -> Vec<u8> {
        let redactor = options.redactor;
        let finding = self.finding;
        let line = finding.location.lines.map_or(0, |(begin, _)| begin.line);
        let mut text = format!(
            "{} {}:{line} {} {}: {} {}",
            self.ts,
            redactor.text(self.stream),
            finding.severity,
            finding.kind.id(),
            redactor.text(&finding.title),
            masked(&finding.mask),
        );
        let mut add = |more: String| {
            text.push_str(", ");
            text.push_str(&more);
        };
        if let Some(label) = self.label {
            add(format!("known as {}", redactor.text(label)));
        }
        let known = &finding.correlation;
        let known =
            [("request", &known.request_id), ("trace", &known.trace_id), ("service", &known.service), ("time", &known.time)];
        for (name, value) in known {
            if let Some(value) = value {
                add(format!("{name} {}", redactor.text(value)));
            }
        }
        if self.count > 1 {
            add(format!("seen {} times", self.count));
        }
        if !self.redacted {
            add("not redacted".to_owned());
        }
        text.push('\n');
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finding, redactor, secret};
    use super::*;

    #[test]
    fn an_alert_is_a_finding_and_more() {
        let key = secret(1, 24);
        let mut finding = finding(format!("key={key}"));
        finding.correlation.request_id = Some("r-1".to_owned());
        finding.correlation.trace_id = Some(secret(2, 24));
        let alert = Alert {
            finding: &finding,
            ts: "2026-11-22T06:00:00Z",
            stream: "api",
            count: 10,
            redacted: true,
            truncated: false,
            label: Some("payout-eu"),
        };
        let options = Options::new(redactor());
        let json: serde_json::Value = serde_json::from_slice(&alert.to_json(&options)).unwrap();
        assert_eq!(json["type"], "alert");
        assert_eq!(json["rule"], "acme-secret-key");
        assert_eq!((json["count"].as_u64(), json["redacted"].as_bool()), (Some(10), Some(true)));
        assert_eq!(json["correlation"]["request_id"], "r-1");
        assert_eq!(json["correlation"]["trace_id"], "acme_…(24)");
        assert_eq!(json["label"], "payout-eu");
        let text = String::from_utf8(alert.to_text(&options)).unwrap();
        assert!(text.contains("api:14 critical hardcoded-secret") && text.contains("seen 10 times"), "{text}");
        assert!(!text.contains(&key[8..16]));
    }
}
