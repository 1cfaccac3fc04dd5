//! `keyfence schema` against what the program prints.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::plant::Tree;

/// What a value breaks of a schema, for the words that ours uses.
fn broken(schema: &Value, value: &Value, path: &str, wrong: &mut Vec<String>) {
    if let Some(expected) = schema.get("const") {
        if expected != value {
            wrong.push(format!("{path}: {value} is not {expected}"));
        }
        return;
    }
    if let Some(names) = schema["enum"].as_array() {
        if !names.contains(value) {
            wrong.push(format!("{path}: {value} is none of {names:?}"));
        }
        return;
    }
    let fits = match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        other => panic!("{path}: the schema says {other:?}"),
    };
    if !fits {
        wrong.push(format!("{path}: {value}"));
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        broken(&schema["items"], item, &format!("{path}[{at}]"), wrong);
    }
    let Some(object) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !object.contains_key(name.as_str().unwrap()) {
            wrong.push(format!("{path}: no {name}"));
        }
    }
    for (name, value) in object {
        match schema["properties"].get(name) {
            Some(of) => broken(of, value, &format!("{path}.{name}"), wrong),
            None => wrong.push(format!("{path}: {name} is not in the schema")),
        }
    }
}

fn printed(tree: &Tree) -> Value {
    serde_json::from_slice(&tree.keyfence(&["schema"]).stdout).unwrap()
}

fn of_type<'s>(schema: &'s Value, kind: &str) -> &'s Value {
    let all = schema["oneOf"].as_array().unwrap();
    all.iter().find(|one| one["properties"]["type"]["const"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn every_line_is_as_the_schema_says() {
    let tree = Tree::new();
    tree.file("deploy/values-prod.yaml", "stripe:\n  secretKey: sk_test_{base62:24}\n  base: https://api.stripe.com\n");
    tree.file("src/pay.py", "KEY = 'sk_live_{base62:24}'  # keep\nHOOK = 'whsec_{base62:32}'\n");
    tree.file(
        "app.log",
        "2026-03-12T09:11:07Z INFO request_id=req-77 service=pay key=sk_live_{base62:24}\n2026-03-12T09:11:08Z INFO ok\n",
    );
    tree.file("a.7z", "7z\u{bc}");
    let schema = printed(&tree);
    let output = tree.keyfence(&["scan", "--format", "jsonl", ".", "missing"]);
    assert_eq!(kinds_of(&schema, &output.stdout), ["finding", "skipped", "summary"].map(ToOwned::to_owned).into());
}

/// The types of the lines, each of which is as the schema says.
fn kinds_of(schema: &Value, stdout: &[u8]) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for line in std::str::from_utf8(stdout).unwrap().lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        let kind = value["type"].as_str().unwrap();
        kinds.insert(kind.to_owned());
        let mut wrong = Vec::new();
        broken(of_type(schema, kind), &value, kind, &mut wrong);
        assert_eq!(wrong, Vec::<String>::new(), "{line}");
    }
    kinds
}

/// The names of all fields in an object and in what it holds.
fn names_in(value: &Value, names: &mut BTreeSet<String>) {
    for (name, inner) in value.as_object().into_iter().flatten() {
        names.insert(name.clone());
        names_in(inner, names);
    }
    for inner in value.as_array().into_iter().flatten() {
        names_in(inner, names);
    }
}

#[test]
fn every_line_about_environments_is_as_the_schema_says() {
    let tree = Tree::new();
    tree.file(
        "deploy/values-prod.yaml",
        "stripe:\n  secretKey: sk_test_{base62:24}\n  webhook:\n    url: https://shop.example/hooks/stripe\n\
         paypal:\n  mode: live\n  clientSecret: ${{PAYPAL_SECRET}}\n  base: https://api.sandbox.payca.io\n  network: base-sepolia\n",
    );
    tree.file(
        "deploy/values-staging.yaml",
        "stripe:\n  secretKey: sk_live_{base62:24} # keyfence:allow[live-key-in-nonproduction] reason=\"rotated\" until=2999-01-01\n  \
         webhook:\n    url: https://shop.example/hooks/stripe\n",
    );
    tree.file(
        ".env.staging",
        "APP_ENV=production\nSTRIPE_SECRET_KEY=sk_live_{base62:24}\nPAYCA_CLIENT_SECRET={uuid4}\nPAYCA_API_URL=https://api.tenant.example\n",
    );
    tree.file("a.7z", "7z\u{bc}");
    let schema = printed(&tree);
    let report = tree.keyfence(&["env", "report", "--format", "jsonl", ".", "missing"]);
    let expected = ["inventory-row", "inventory-same", "unresolved", "skipped", "inventory-summary"].map(ToOwned::to_owned);
    assert_eq!(kinds_of(&schema, &report.stdout), expected.into());
    let mut seen = BTreeSet::new();
    tree.file("docs/production/pay.yml", "stripe: sk_live_{base62:24}\n");
    for place in [
        "docs/production/pay.yml",
        "deploy/values-prod.yaml",
        "deploy/values-prod.yaml:2",
        "deploy/values-staging.yaml:2",
        ".env.staging",
        ".env.staging:3",
    ] {
        let explained = tree.keyfence(&["env", place, "--format", "jsonl"]);
        assert_eq!(kinds_of(&schema, &explained.stdout), ["explanation".to_owned()].into(), "{place}");
        names_in(&serde_json::from_slice(&explained.stdout).unwrap(), &mut seen);
    }
    // What no line here has shows nothing of the schema.
    for name in ["conflict", "aside", "row", "quiet", "findings", "slot", "fate", "weight"] {
        assert!(seen.contains(name), "no {name} in {seen:?}");
    }
}

#[test]
fn the_schema_can_say_no() {
    let schema = printed(&Tree::new());
    let bad = serde_json::json!({ "type": "skipped", "path": 7, "more": true });
    let mut wrong = Vec::new();
    broken(of_type(&schema, "skipped"), &bad, "skipped", &mut wrong);
    assert_eq!(wrong.len(), 3, "{wrong:?}");
}
