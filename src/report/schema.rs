//! The JSON Schema of JSON Lines: what `--format jsonl` of every command and the alerts of a stream may hold.

use serde_json::{Map, Value, json};

use super::jsonl::SCHEMA;
use crate::credential::{Class, Confidence, Environment};
use crate::environment::explanation::Fate;
use crate::environment::inventory::What;
use crate::environment::resolve::Level;
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
            object("explanation", explanation(), &["path", "place", "scopes", "credentials"]),
            object("inventory-row", inventory_row(), &["what", "name", "items"]),
            object("inventory-same", fields(&[("items", list(&item()))]), &["items"]),
            object("unresolved", unresolved(), &["path", "line", "why", "declare"]),
            object("inventory-summary", inventory_summary(), &INVENTORY_REQUIRED),
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

const INVENTORY_REQUIRED: [&str; 6] = ["rows", "items", "unresolved", "files", "skipped", "complete"];
const ACCOUNT_REQUIRED: [&str; 14] = [
    "line",
    "column",
    "masked",
    "title",
    "class",
    "confidence",
    "moves_funds",
    "environment",
    "evidence",
    "form",
    "parked",
    "published",
    "place",
    "findings",
];

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

fn stage() -> Value {
    one_of(Stage::ALL.iter().map(|stage| stage.name()))
}

fn money() -> Value {
    one_of([Environment::Live, Environment::Sandbox, Environment::Unknown].map(Environment::name))
}

fn class() -> Value {
    one_of(Class::ALL.iter().map(|class| class.name()))
}

fn confidence() -> Value {
    one_of([Confidence::Weak, Confidence::Strong].map(Confidence::name))
}

fn severity() -> Value {
    one_of(Severity::ALL.iter().map(|severity| severity.name()))
}

fn kind() -> Value {
    one_of(Kind::ALL.iter().map(|kind| kind.id()))
}

fn place() -> Value {
    let trusts = one_of([Trust::Declared, Trust::Strong, Trust::Weak, Trust::None].map(Trust::name));
    let kinds = one_of(PlaceKind::ALL.iter().map(|kind| kind.name()));
    part(&[("environment", stage()), ("kind", kinds), ("confidence", trusts)], &["environment", "kind", "confidence"])
}

fn finding() -> Map<String, Value> {
    let because = [("fact", text()), ("line", number()), ("weight", number())];
    let related = [("path", text()), ("line", number()), ("why", text())];
    let correlation = [("request_id", text()), ("trace_id", text()), ("service", text()), ("time", text())];
    let mut all = fields(&[
        ("kind", kind()),
        ("severity", severity()),
        ("confidence", confidence()),
        ("rule", text()),
        ("provider", text()),
        ("candidates", list(&text())),
        ("class", class()),
        ("environment", money()),
        ("moves_funds", truth()),
        ("masked", text()),
        ("fingerprint", text()),
        ("path", text()),
        ("offset", number()),
        ("length", number()),
        ("view", text()),
        ("tracked", truth()),
        ("place", place()),
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

/// What `keyfence env PATH[:LINE]` prints.
fn explanation() -> Map<String, Value> {
    let fate = one_of(Fate::ALL.map(Fate::name));
    let clue = [
        ("id", text()),
        ("environment", stage()),
        ("weight", number()),
        ("fact", text()),
        ("line", number()),
        ("fate", fate.clone()),
    ];
    let clues = list(&part(&clue, &["id", "environment", "fact", "fate"]));
    let level = one_of(Level::ALL.map(Level::name));
    let scope = part(&[("level", level), ("name", text()), ("clues", clues)], &["level", "name", "clues"]);
    let aside = [("id", text()), ("environment", stage()), ("fact", text()), ("why", text())];
    let slot = part(&[("name", text()), ("holds", text())], &["name", "holds"]);
    fields(&[
        ("path", text()),
        ("line", number()),
        ("tracked", truth()),
        ("place", place()),
        ("conflict", list(&text())),
        ("scopes", list(&scope)),
        ("aside", list(&part(&aside, &["id", "environment", "fact", "why"]))),
        ("credentials", list(&account(fate))),
        ("slots", list(&slot)),
    ])
}

/// A credential in an explanation.
fn account(fate: Value) -> Value {
    let witness =
        [("id", text()), ("environment", money()), ("weight", number()), ("fact", text()), ("line", number()), ("fate", fate)];
    let verdict =
        [("kind", kind()), ("severity", severity()), ("confidence", confidence()), ("blocks", truth()), ("suppressed", text())];
    let properties = [
        ("line", number()),
        ("column", number()),
        ("masked", text()),
        ("title", text()),
        ("provider", text()),
        ("candidates", list(&text())),
        ("class", class()),
        ("confidence", confidence()),
        ("moves_funds", truth()),
        ("environment", money()),
        ("evidence", list(&part(&witness, &["id", "environment", "weight", "fact", "fate"]))),
        ("slot", text()),
        ("form", one_of(["literal", "default", "commented"])),
        ("parked", truth()),
        ("published", truth()),
        ("place", place()),
        ("row", text()),
        ("quiet", text()),
        ("findings", list(&part(&verdict, &["kind", "severity", "confidence", "blocks"]))),
    ];
    part(&properties, &ACCOUNT_REQUIRED)
}

/// A row of what `keyfence env report` prints.
fn inventory_row() -> Map<String, Value> {
    let what = one_of(What::ALL.map(What::name));
    fields(&[("what", what), ("provider", text()), ("name", text()), ("only", money()), ("items", list(&item()))])
}

/// One thing at one place.
fn item() -> Value {
    let holds = ["credential", "value", "reference", "ciphertext", "placeholder", "empty"];
    let properties = [
        ("place", stage()),
        ("money", money()),
        ("name", text()),
        ("holds", one_of(holds)),
        ("store", text()),
        ("value", text()),
        ("environment", money()),
        ("class", class()),
        ("masked", text()),
        ("fingerprint", text()),
        ("path", text()),
        ("line", number()),
    ];
    part(&properties, &["place", "money", "name", "holds", "path", "line"])
}

fn unresolved() -> Map<String, Value> {
    fields(&[("path", text()), ("line", number()), ("why", text()), ("declare", text())])
}

fn inventory_summary() -> Map<String, Value> {
    let counts = ["rows", "items", "unresolved", "files", "skipped"];
    let mut all: Map<String, Value> = counts.map(|name| (name.to_owned(), number())).into_iter().collect();
    all.insert("complete".to_owned(), truth());
    all
}
