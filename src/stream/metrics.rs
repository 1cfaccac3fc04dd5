//! Counters, and the text in which Prometheus reads them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::credential::Environment;
use crate::finding::Severity;

/// Upper bounds of the histogram of hold times, in seconds.
const HOLDS: [f64; 6] = [0.001, 0.01, 0.1, 0.5, 1.0, 2.0];

/// What a run counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counters {
    /// Complete lines read.
    pub lines: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Redactions written.
    pub redactions: u64,
    /// Findings by class (or by kind, where none is about a secret alone), severity and environment.
    pub findings: BTreeMap<(&'static str, Severity, Environment), u64>,
    /// Alerts written.
    pub alerts: u64,
    /// Findings that were counted in the alert of an earlier one.
    pub deduplicated: u64,
    /// Alerts held back because there were too many.
    pub limited: u64,
    /// Entries that the table of alerts forgot.
    pub evicted: u64,
    /// Parts of lines that were too long to be held whole.
    pub windows: u64,
    /// Records that would have taken more work than a record may.
    pub overworked: u64,
    /// Records replaced by a stub.
    pub quarantined: u64,
    /// Records passed without a look.
    pub passed: u64,
    /// Bytes that were not looked at, whatever became of them.
    pub unscanned_bytes: u64,
    /// Records that were put together from parts.
    pub joined: u64,
    /// Records that were released before all their parts had come.
    pub unjoined: u64,
    /// Secrets whose end was not seen.
    pub truncated: u64,
    /// New rules taken, and refused.
    pub reloads: [u64; 2],
    /// When input was last read.
    pub last_input: Option<SystemTime>,
    holds: [u64; 6],
    held: (u64, Duration),
}

impl Counters {
    pub(super) fn hold(&mut self, time: Duration) {
        for (count, bound) in self.holds.iter_mut().zip(HOLDS) {
            *count += u64::from(time.as_secs_f64() <= bound);
        }
        self.held.0 += 1;
        self.held.1 += time;
    }

    /// Whether something was let through or held back without a look.
    pub fn is_complete(&self) -> bool {
        self.quarantined == 0 && self.passed == 0
    }

    /// The text exposition format.
    pub fn to_prometheus(&self, rules: &str, drops: (u64, u64)) -> String {
        let mut text = String::new();
        let mut counter = |name: &str, help: &str, rows: &[(String, u64)]| {
            let _ = writeln!(text, "# HELP keyfence_{name} {help}\n# TYPE keyfence_{name} counter");
            for (labels, value) in rows {
                let _ = writeln!(text, "keyfence_{name}{labels} {value}");
            }
        };
        let one = |value: u64| [(String::new(), value)];
        let found = self.findings.iter().map(|((class, severity, environment), count)| {
            (format!("{{class=\"{class}\",severity=\"{severity}\",environment=\"{environment}\"}}"), *count)
        });
        counter("lines_total", "Lines read.", &one(self.lines));
        counter("bytes_total", "Bytes read.", &one(self.bytes));
        counter("redactions_total", "Secrets replaced.", &one(self.redactions));
        counter("findings_total", "Secrets found.", &found.collect::<Vec<_>>());
        counter("alerts_total", "Alerts written.", &one(self.alerts));
        counter("deduplicated_total", "Findings counted in an earlier alert.", &one(self.deduplicated));
        counter("alerts_limited_total", "Alerts held back by the rate limit.", &one(self.limited));
        counter("alerts_dropped_total", "Alerts dropped because the sink was slow.", &one(drops.0));
        counter("alert_errors_total", "Alerts that could not be written.", &one(drops.1));
        counter("dedupe_evicted_total", "Findings forgotten by the table of alerts.", &one(self.evicted));
        counter("windows_total", "Parts of lines too long to be held.", &one(self.windows));
        counter("work_budget_hits_total", "Records that would have taken too much work.", &one(self.overworked));
        let errors = [("quarantine", self.quarantined), ("pass", self.passed)];
        counter(
            "errors_total",
            "Records that could not be scanned.",
            &errors.map(|(name, n)| (format!("{{action=\"{name}\"}}"), n)),
        );
        counter("unscanned_bytes_total", "Bytes that could not be scanned.", &one(self.unscanned_bytes));
        counter("joined_total", "Records put together from parts.", &one(self.joined));
        counter("unjoined_total", "Records released before all parts came.", &one(self.unjoined));
        counter("truncated_total", "Secrets whose end was not seen.", &one(self.truncated));
        let reloads = [("ok", self.reloads[0]), ("refused", self.reloads[1])];
        counter("reloads_total", "Reloads of the rules.", &reloads.map(|(name, n)| (format!("{{result=\"{name}\"}}"), n)));
        self.gauges(&mut text, rules);
        text
    }

    fn gauges(&self, text: &mut String, rules: &str) {
        let last = self.last_input.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default().as_secs_f64();
        let _ = writeln!(text, "# HELP keyfence_last_input_seconds When input was last read.");
        let _ = writeln!(text, "# TYPE keyfence_last_input_seconds gauge\nkeyfence_last_input_seconds {last:.3}");
        let _ = writeln!(text, "# HELP keyfence_rules_info The rules in use.");
        let _ = writeln!(text, "# TYPE keyfence_rules_info gauge\nkeyfence_rules_info{{digest=\"{rules}\"}} 1");
        let _ = writeln!(text, "# HELP keyfence_hold_seconds How long unfinished lines were held.");
        let _ = writeln!(text, "# TYPE keyfence_hold_seconds histogram");
        for (bound, count) in HOLDS.iter().zip(self.holds) {
            let _ = writeln!(text, "keyfence_hold_seconds_bucket{{le=\"{bound}\"}} {count}");
        }
        let (count, sum) = (self.held.0, self.held.1.as_secs_f64());
        let _ = writeln!(text, "keyfence_hold_seconds_bucket{{le=\"+Inf\"}} {count}");
        let _ = writeln!(text, "keyfence_hold_seconds_sum {sum:.6}\nkeyfence_hold_seconds_count {count}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_has_a_type_and_a_number() {
        let mut counters = Counters { lines: 3, ..Counters::default() };
        counters.findings.insert(("payout-key", Severity::Critical, Environment::Live), 2);
        counters.hold(Duration::from_millis(5));
        let text = counters.to_prometheus("abc", (0, 0));
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let family = name.split('{').next().unwrap();
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| family.strip_suffix(end)).unwrap_or(family);
            assert!(text.contains(&format!("# TYPE {family} ")), "{line}");
        }
        assert!(text.contains("keyfence_findings_total{class=\"payout-key\",severity=\"critical\",environment=\"live\"} 2"));
        assert!(text.contains("keyfence_hold_seconds_bucket{le=\"0.01\"} 1"));
    }
}
