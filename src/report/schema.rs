//! The JSON Schema of JSON Lines: what `--format jsonl` and the alerts of a stream may hold.

use serde_json::{Map, Value, json};

use super::jsonl::SCHEMA;
use crate::credential::{Class, Confidence, Environment};
use crate::finding::{Kind, PlaceKind, Severity, Stage, Trust};

/// The JSON Schema (2020-12) of a line, made from the same names as the lines.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("keyfence JSON Lines, version {SCHEMA}"),
        "description": "Each line is one object. Fields that are not required are absent where nothing is known.",
        "oneOf": [
            object("finding", finding(), &FINDING_REQUIRED),
            object("alert", alert(), &[&FINDING_REQUIRED[..], &ALERT_REQUIRED].concat()),
            object("alerts-limited", fields(&[("ts", text()), ("counts", counts())]), &["ts", "counts"]),
            object("skipped", fields(&[("path", text()), ("why", text())]), &["path", "why"]),
            object("summary", summary(), &SUMMARY_REQUIRED),
        ],
    })
}

const FINDING_REQUIRED: [&str; 16] = [
    "kind",
    "severity",
    "confidence",
    "rule",
    "environment",
    "moves_funds",
    "masked",
    "path",
    "offset",
    "length",
    "view",
    "place",
    "because",
    "excerpt",
    "remediation",
    "type",
];
const ALERT_REQUIRED: [&str; 5] = ["ts", "stream", "count", "redacted", "truncated"];
const SUMMARY_REQUIRED: [&str; 11] =
    ["schema", "version", "rules", "files", "bytes", "excluded", "skipped", "findings", "suppressed", "sites", "complete"];

fn text() -> Value {
    json!({ "type": "string" })
}

fn number() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn truth() -> Value {
    json!({ "type": "boolean" })
}

fn list(of: &Value) -> Value {
    json!({ "type": "array", "items": of })
}

fn one_of(names: impl IntoIterator<Item = &'static str>) -> Value {
    json!({ "enum": names.into_iter().collect::<Vec<_>>() })
}

fn fields(all: &[(&str, Value)]) -> Map<String, Value> {
    all.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn object(name: &str, mut properties: Map<String, Value>, required: &[&str]) -> Value {
    properties.insert("type".to_owned(), json!({ "const": name }));
    let mut required = required.to_vec();
    required.push("type");
    required.sort_unstable();
    required.dedup();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn part(properties: &[(&str, Value)], required: &[&str]) -> Value {
    json!({ "type": "object", "properties": fields(properties), "required": required, "additionalProperties": false })
}

fn finding() -> Map<String, Value> {
    let place = [
        ("environment", one_of(Stage::ALL.iter().map(|stage| stage.name()))),
        ("kind", one_of(PlaceKind::ALL.iter().map(|kind| kind.name()))),
        ("confidence", one_of([Trust::Declared, Trust::Strong, Trust::Weak, Trust::None].map(Trust::name))),
    ];
    let because = [("fact", text()), ("line", number()), ("weight", number())];
    let related = [("path", text()), ("line", number()), ("why", text())];
    let correlation = [("request_id", text()), ("trace_id", text()), ("service", text()), ("time", text())];
    let mut all = fields(&[
        ("kind", one_of(Kind::ALL.iter().map(|kind| kind.id()))),
        ("severity", one_of(Severity::ALL.iter().map(|severity| severity.name()))),
        ("confidence", one_of([Confidence::Weak, Confidence::Strong].map(Confidence::name))),
        ("rule", text()),
        ("provider", text()),
        ("candidates", list(&text())),
        ("class", one_of(Class::ALL.iter().map(|class| class.name()))),
        ("environment", one_of([Environment::Live, Environment::Sandbox, Environment::Unknown].map(Environment::name))),
        ("moves_funds", truth()),
        ("masked", text()),
        ("fingerprint", text()),
        ("path", text()),
        ("offset", number()),
        ("length", number()),
        ("view", text()),
        ("tracked", truth()),
        ("place", part(&place, &["environment", "kind", "confidence"])),
        ("because", list(&part(&because, &["fact"]))),
        ("related", list(&part(&related, &["path", "why"]))),
        ("correlation", part(&correlation, &[])),
        ("excerpt", text()),
        ("remediation", text()),
        ("checklist", list(&text())),
    ]);
    all.extend(["line", "column", "end_line", "end_column"].map(|name| (name.to_owned(), number())));
    all.extend(["object", "commit", "author", "author_time"].map(|name| (name.to_owned(), text())));
    all.extend(["in_head", "unreachable"].map(|name| (name.to_owned(), truth())));
    all
}

fn alert() -> Map<String, Value> {
    let mut all = finding();
    all.extend(fields(&[
        ("ts", text()),
        ("stream", text()),
        ("count", number()),
        ("redacted", truth()),
        ("truncated", truth()),
        ("label", text()),
    ]));
    all
}

/// How many alerts of each class, or of each kind that is about no secret alone, were not told.
fn counts() -> Value {
    let names = Class::ALL.iter().map(|class| class.name()).chain(Kind::ALL.iter().map(|kind| kind.id()));
    let rows: Vec<_> = names.map(|name| (name, number())).collect();
    part(&rows, &[])
}

fn summary() -> Map<String, Value> {
    let severities: Vec<_> = Severity::ALL.iter().map(|severity| (severity.name(), number())).collect();
    let sites = ["resolved", "place_unknown", "credential_unknown", "conflicting"];
    let mut all = fields(&[
        ("schema", json!({ "const": SCHEMA })),
        ("version", text()),
        ("rules", text()),
        ("findings", part(&severities, &[])),
        ("sites", part(&sites.map(|name| (name, number())), &sites)),
        ("complete", truth()),
    ]);
    let counts = ["files", "bytes", "members", "unpacked", "excluded", "skipped", "suppressed"];
    all.extend(counts.map(|name| (name.to_owned(), number())));
    all
}
