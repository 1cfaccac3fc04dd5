//! `keyfence env`: what is told of a place, and the inventory of all of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Output;

use keyfence::finding::Kind;
use keyfence::policy::Config;

use serde_json::Value;

use crate::plant::{Tree, expand};

const LIVE: &str = "sk_live_{base62:24}";
const SANDBOX: &str = "sk_test_{base62:24}";
const HOOK: &str = "whsec_{base62:32}";

/// What was printed, if the program ended well.
fn told(output: Output) -> String {
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn env(tree: &Tree, args: &[&str]) -> String {
    told(tree.keyfence(&[&["env"], args].concat()))
}

fn env_json(tree: &Tree, args: &[&str]) -> Value {
    let text = env(tree, &[args, &["-f", "jsonl"]].concat());
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The text without its line ends.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// No line is wider than 80 columns, and none ends in blanks.
fn fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80 && !line.ends_with(' '), "{line:?}");
    }
}

/// No eight bytes of a key's body.
fn keeps(text: &str, key: &str) {
    let body = &key[key.rfind('_').map_or(0, |at| at + 1)..];
    for part in body.as_bytes().windows(8) {
        let part = std::str::from_utf8(part).unwrap();
        assert!(!text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_line_is_told_whole() {
    let tree = Tree::new();
    tree.git(&["init", "-q"]);
    let text = format!("NODE_ENV=production\nSTRIPE_SECRET_KEY={SANDBOX}\n");
    tree.file("deploy/production.env", &text);
    tree.git(&["add", "."]);
    let told = env(&tree, &["deploy/production.env:2"]);
    assert_eq!(
        told,
        r#"deploy/production.env:2

  place        production, strong
  kind         dotenv: variables of one environment
  git          tracked

Evidence  inside out: the first scope with an opinion decides
  file deploy/production.env
  →  P30  production    90  file name segment "production"          decides
     P34  production    45  NODE_ENV=production (line 1)            agrees

Line 2  Stripe sandbox secret key
     2 | STRIPE_SECRET_KEY=sk_test_…(32)

  money        sandbox
  →  C1   sandbox      100  value prefix sk_test_ (line 2)          decides
  what         standard-api-key of stripe
  written      in the slot STRIPE_SECRET_KEY
  row          D30 of the table
  verdict      high sandbox-key-in-production, strong, blocks
               Payments made by this deployment will not settle.
"#
    );
    fits(&told);
    keeps(&told, &expand(SANDBOX, "deploy/production.env"));
    // As findings are printed, with a column.
    assert_eq!(env(&tree, &["deploy/production.env:2:19"]), told);
}

#[test]
fn a_file_is_told_with_all_its_credentials() {
    let tree = Tree::new();
    let text = format!("stripe:\n  key: {SANDBOX}\n  hook: {HOOK}\n");
    tree.file("config/staging/pay.yml", &text);
    let told = env(&tree, &["config/staging/pay.yml"]);
    fits(&told);
    assert!(told.contains("place        staging, strong"), "{told}");
    assert!(told.contains("    2  sk_test_…(32)  sandbox  in staging"), "{told}");
    assert!(told.contains("    3  whsec_…(38)    "), "{told}");
}

#[test]
fn every_scope_says_what_became_of_its_evidence() {
    let tree = Tree::new();
    tree.file("values-prod.yaml", &format!("app:\n  staging:\n    key: {SANDBOX}\n"));
    let told = env_json(&tree, &["values-prod.yaml:3"]);
    assert_eq!(told["place"]["environment"], "staging");
    let fates: Vec<(&str, &str, &str)> = told["scopes"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|scope| scope["clues"].as_array().unwrap())
        .map(|clue| (clue["id"].as_str().unwrap(), clue["environment"].as_str().unwrap(), clue["fate"].as_str().unwrap()))
        .collect();
    assert_eq!(fates, [("P20", "staging", "decides"), ("P30", "production", "not asked")]);
    assert_eq!(told["credentials"][0]["quiet"], "a sandbox key in a lower environment, where it belongs");
}

#[test]
fn facts_that_contradict_each_other_are_both_told() {
    let tree = Tree::new();
    tree.file(".env.staging", &format!("APP_ENV=production\nSTRIPE_SECRET_KEY={SANDBOX}\n"));
    let told = env(&tree, &[".env.staging"]);
    fits(&told);
    assert!(told.contains("place        unknown"), "{told}");
    assert!(flat(&told).contains("contradict each other"), "{told}");
    assert_eq!(told.matches("contradicted").count(), 2, "{told}");
    assert!(told.contains("[[environment.place]] glob = \".env.staging\""), "{told}");
    // What is said on purpose settles it.
    let forced = env(&tree, &[".env.staging", "--force-env", "production"]);
    assert!(forced.contains("place        production, declared"), "{forced}");
    let mapped = env_json(&tree, &[".env.staging", "--env-map", "**/.env.*=staging"]);
    assert_eq!(mapped["place"]["confidence"], "declared");
}

#[test]
fn what_is_set_aside_is_told() {
    let tree = Tree::new();
    tree.file(".env.production.example", "STRIPE_SECRET_KEY=your_key_here\nPAYSTACK_SECRET_KEY=${{PAYSTACK_SECRET_KEY}}\n");
    tree.file("prod/eu/staging/app.yml", &format!("key: {SANDBOX}\n"));
    let template = env(&tree, &[".env.production.example:1"]);
    fits(&template);
    assert!(template.contains("Set aside") && template.contains("G5: an example to copy"), "{template}");
    assert!(template.contains("STRIPE_SECRET_KEY holds a placeholder or words (G3)"), "{template}");
    let reference = env_json(&tree, &[".env.production.example:2"]);
    assert_eq!(reference["slots"][0]["name"], "PAYSTACK_SECRET_KEY");
    assert_eq!(reference["slots"][0]["holds"], "a reference (variable), no credential (G2)");
    let outer = env_json(&tree, &["prod/eu/staging/app.yml"]);
    assert_eq!(outer["aside"][0]["environment"], "production");
    assert_eq!(outer["aside"][0]["why"], "a nearer folder is named after an environment");
}

#[test]
fn a_record_of_a_log_says_where_it_comes_from() {
    let tree = Tree::new();
    let record = |env: &str| format!("{{{{\"level\":\"info\",\"env\":\"{env}\",\"msg\":\"key {SANDBOX}\"}}}}\n");
    tree.file("app.log", &format!("{}{}", record("staging"), record("production")));
    let first = env_json(&tree, &["app.log:1"]);
    assert_eq!((&first["place"]["environment"], &first["place"]["kind"]), (&"staging".into(), &"log".into()));
    let second = env_json(&tree, &["app.log:2"]);
    assert_eq!(second["scopes"][0]["clues"][0]["id"], "P10");
    assert_eq!(second["credentials"][0]["row"], "D13");
}

#[test]
fn what_is_not_reported_says_why() {
    let tree = Tree::new();
    tree.git(&["init", "-q"]);
    let inline = "# keyfence:allow[sandbox-key-in-production] reason=\"a demo\"";
    tree.file("a/production.env", &format!("STRIPE_SECRET_KEY={SANDBOX} {inline}\n"));
    tree.file("b/production.env", &format!("STRIPE_SECRET_KEY={SANDBOX}\n"));
    tree.write(
        ".keyfence.toml",
        "[[environment.allow]]\nkind = \"sandbox-key-in-production\"\npath = \"b/**\"\nreason = \"launch\"\nuntil = \"2099-01-01\"\n",
    );
    for (path, why) in [
        ("a/production.env:1", "keyfence:allow on its line: a demo"),
        ("b/production.env:1", "[[environment.allow]] until 2099-01-01: launch"),
    ] {
        let told = env_json(&tree, &[path]);
        let finding = &told["credentials"][0]["findings"][0];
        assert_eq!((finding["suppressed"].as_str(), finding["blocks"].as_bool()), (Some(why), Some(false)));
    }
    tree.write(".keyfence.toml", "[environment.policy]\noff = [\"sandbox-key-in-production\"]\n");
    let off = env(&tree, &["b/production.env:1"]);
    assert!(flat(&off).contains("not reported: off by [environment.policy]"), "{off}");
}

/// A tree with something of most kinds.
fn shop() -> (Tree, Vec<String>) {
    let tree = Tree::new();
    tree.git(&["init", "-q"]);
    let hook = expand(HOOK, "both");
    let live = format!(
        "STRIPE_SECRET_KEY=${{STRIPE_SECRET_KEY}}\nSTRIPE_WEBHOOK_SECRET={hook}\nPAYCA_BASE_URL=https://api.tenant.example\n\
         PAYCA_CLIENT_SECRET={}\nPAYCHAIN_NETWORK=base-mainnet\nPAYCHAIN_WEBHOOK_URL=https://shop.example/hooks?t=1\n",
        expand("{uuid4}", "live")
    );
    let staging = format!(
        "STRIPE_SECRET_KEY={}\nSTRIPE_WEBHOOK_SECRET={hook}\nSTRIPE_CONNECT_WEBHOOK_SECRET={}\nPAYCA_BASE_URL=https://api.sandbox.payca.io\n\
         PAYCA_CLIENT_SECRET={}\nPAYCHAIN_NETWORK=base-sepolia\nPAYCHAIN_WEBHOOK_URL=https://shop.example/hooks?t=1\n",
        expand(SANDBOX, "staging"),
        expand(HOOK, "connect"),
        expand("{uuid4}", "staging"),
    );
    tree.write("deploy/production.env", &live);
    tree.write("deploy/staging.env", &staging);
    tree.file("src/pay.ts", &format!("export const key = '{LIVE}';\n"));
    tree.file("tests/pay.test.ts", &format!("const key = '{SANDBOX}';\n"));
    tree.write("README.md", "See https://dashboard.stripe.com and https://docs.stripe.com.\n");
    tree.git(&["add", "."]);
    let secrets = vec![hook, expand(LIVE, "src/pay.ts"), expand(SANDBOX, "staging"), expand("{uuid4}", "live")];
    (tree, secrets)
}

#[test]
fn explanations_and_scans_agree() {
    let (tree, _) = shop();
    let scan = tree.keyfence(&["scan", "-f", "jsonl", "."]);
    let scan = lines(&String::from_utf8(scan.stdout).unwrap());
    let findings: Vec<&Value> = scan.iter().filter(|line| line["type"] == "finding" && line.get("class").is_some()).collect();
    assert!(findings.len() >= 5, "{findings:?}");
    for finding in findings {
        let place = format!("{}:{}", finding["path"].as_str().unwrap(), finding["line"]);
        let told = env_json(&tree, &[&place]);
        let credential = &told["credentials"][0];
        for key in ["environment", "masked", "title", "provider", "class", "moves_funds"] {
            assert!(key == "title" || credential[key] == finding[key], "{place}: {key}: {credential} {finding}");
        }
        assert_eq!(credential["place"], finding["place"], "{place}");
        let verdicts = credential["findings"].as_array().unwrap();
        // What is shared with another file is not seen in one.
        let shared = finding["kind"].as_str().unwrap().starts_with("shared-");
        let same = |verdict: &&Value| verdict["kind"] == finding["kind"] && verdict["severity"] == finding["severity"];
        assert!(shared || verdicts.iter().filter(same).count() == 1, "{place}: {verdicts:?} {finding}");
    }
}

#[test]
fn environments_stand_side_by_side() {
    let (tree, secrets) = shop();
    let text = env(&tree, &["report"]);
    fits(&text);
    for secret in &secrets {
        keeps(&text, secret);
    }
    let (matrix, rest) = text.split_once("\n\n").unwrap();
    assert_eq!(
        matrix,
        "                                 production    staging       unknown
PayCA
  PAYCA_CLIENT_SECRET            unknown       sandbox       –
  host api.sandbox.payca.io      –             yes           –
  host api.tenant.example        yes           –             –
PayChain HQ
  webhook PAYCHAIN_WEBHOOK_URL   yes           yes           –
  network PAYCHAIN_NETWORK       base-mainnet  base-sepolia  –
Stripe
  key                            –             –             live
  STRIPE_CONNECT_WEBHOOK_SECRET  –             unknown       –
  STRIPE_SECRET_KEY              reference     sandbox       –
  STRIPE_WEBHOOK_SECRET          unknown       unknown       –"
    );
    for part in [
        "On one side only",
        "STRIPE_CONNECT_WEBHOOK_SECRET  only in staging: deploy/staging.env:3",
        "The same on both sides",
        "production  STRIPE_WEBHOOK_SECRET  deploy/production.env:2",
        "https://shop.example/hooks\n",
        "production  reference: variable       deploy/production.env:1",
        "[[environment.host]] host = \"api.tenant.example\" provider = \"payca\"",
    ] {
        assert!(rest.contains(part), "{part:?} in {text}");
    }
    assert!(!text.contains("docs.stripe.com") && !text.contains("tests/pay"), "{text}");
    assert!(!text.contains("?t="), "a query may be a secret: {text}");
}

#[test]
fn the_inventory_is_the_same_each_time() {
    let (tree, _) = shop();
    for args in [&["report"][..], &["report", "--by", "money"], &["report", "-f", "jsonl", "deploy", "src"]] {
        let one = env(&tree, &[args, &["-j", "1"]].concat());
        assert_eq!(one, env(&tree, &[args, &["-j", "4"]].concat()));
    }
    let money = env(&tree, &["report", "--by", "money"]);
    assert!(money.lines().next().unwrap().trim().starts_with("live"), "{money}");
}

#[test]
fn the_inventory_for_programs() {
    let (tree, secrets) = shop();
    tree.write("fp.key", "a key of sixteen bytes");
    let text = env(&tree, &["report", "-f", "jsonl", "--fp-key-file", "fp.key", "deploy"]);
    for secret in &secrets {
        keeps(&text, secret);
    }
    let lines = lines(&text);
    let row = |name: &str| lines.iter().find(|line| line["name"] == name).unwrap_or_else(|| panic!("{name}: {text}"));
    let hook = row("STRIPE_WEBHOOK_SECRET")["items"].as_array().unwrap();
    assert_eq!(hook[0]["fingerprint"], hook[1]["fingerprint"]);
    assert!(hook[0]["fingerprint"].as_str().unwrap().starts_with("kf1:"));
    assert_eq!(row("STRIPE_CONNECT_WEBHOOK_SECRET")["only"], "sandbox");
    assert_eq!(row("STRIPE_SECRET_KEY")["items"][0]["store"], "variable");
    let summary = lines.last().unwrap();
    assert_eq!((&summary["type"], &summary["complete"]), (&"inventory-summary".into(), &true.into()));
    assert!(!env(&tree, &["report", "-f", "jsonl", "deploy"]).contains("kf1:"), "without a key file, none is printed");
}

#[test]
fn hostile_names_are_made_visible() {
    let tree = Tree::new();
    let name = "pro\u{1b}[31md\u{202e}.env";
    tree.file(name, &format!("STRIPE_SECRET_KEY={SANDBOX}\n"));
    for told in [env(&tree, &[name]), env(&tree, &["report"]), env(&tree, &["report", "-f", "jsonl"])] {
        assert!(!told.contains(['\u{1b}', '\u{202e}']), "{told:?}");
    }
}

#[test]
fn a_line_of_a_large_log_is_found() {
    let tree = Tree::new();
    let mut text = String::new();
    for number in 0..120_000 {
        writeln!(
            text,
            "{{{{\"n\":{number},\"env\":\"staging\",\"msg\":\"nothing to see, nothing to find, nothing at all here\"}}}}"
        )
        .unwrap();
    }
    writeln!(text, "{{{{\"env\":\"production\",\"msg\":\"{SANDBOX}\"}}}}").unwrap();
    tree.file("app.log", &text);
    let told = env_json(&tree, &["app.log:120001"]);
    assert_eq!(told["place"]["environment"], "production");
    assert_eq!((&told["credentials"][0]["line"], &told["credentials"][0]["row"]), (&120_001.into(), &"D13".into()));
}

#[test]
fn mistakes_end_with_their_code() {
    let tree = Tree::new();
    tree.file("deploy/production.env", "A=1\n");
    for (args, code, why) in [
        (&["env", "nope"][..], 3, "nope: missing"),
        (&["env", "deploy"], 2, "`keyfence env report deploy`"),
        (&["env", "deploy/production.env:7"], 2, "has lines 1 to 1"),
        (&["env", "deploy/production.env:0"], 2, "has lines 1 to 1"),
        (&["env"], 2, "required arguments"),
        (&["env", "report", "--by", "colour"], 2, "none of place, money"),
        (&["env", "report", "nope"], 3, ""),
    ] {
        let output = tree.keyfence(args);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(stderr.contains(why), "{args:?}: {stderr}");
    }
}

fn document() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/environments.md")
}

/// Each line of a checklist, and the kinds that falsify it.
fn checklist() -> String {
    let mut items: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for kind in Kind::ALL {
        for item in kind.checklist() {
            items.entry(item).or_default().push(kind.id());
        }
    }
    let mut text = "| line | kinds |\n|---|---|\n".to_owned();
    for (item, kinds) in items {
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        writeln!(text, "| {item} | {} |", kinds.join(", ")).unwrap();
    }
    text
}

#[test]
fn the_document_maps_the_checklists() {
    let text = fs::read_to_string(document()).unwrap();
    let (begin, end) = ("<!-- checklist: written by tests/it/env.rs -->\n", "<!-- /checklist -->");
    let (head, rest) = text.split_once(begin).unwrap();
    let (_, tail) = rest.split_once(end).unwrap();
    let expected = format!("{head}{begin}{}{end}{tail}", checklist());
    if text != expected {
        fs::write(document(), expected).unwrap();
        panic!("docs/environments.md was out of date and has been rewritten: run the tests again");
    }
}

#[test]
fn the_document_names_every_kind_of_this_family() {
    let text = fs::read_to_string(document()).unwrap();
    let others =
        ["hardcoded-secret", "sandbox-key-in-source", "sandbox-key-in-log", "card-number-in-log", "card-number-in-source"];
    for kind in Kind::ALL.iter().map(|kind| kind.id()).filter(|kind| !others.contains(kind) && *kind != "environment-unresolved")
    {
        let row = |line: &str| line.starts_with(&format!("| `{kind}` |")) || line.starts_with(&format!("`{kind}`"));
        assert!(text.lines().any(row), "docs/environments.md says nothing of {kind}");
    }
}

#[test]
fn the_configuration_of_the_document_is_one() {
    let text = fs::read_to_string(document()).unwrap();
    let (_, behind) = text.split_once("<!-- config -->\n```toml\n").unwrap();
    let (config, _) = behind.split_once("```").unwrap();
    let read = Config::parse(".keyfence.toml", config).unwrap();
    assert!(read.policy.allows.len() == 1 && read.additions.len() == 2 && read.branches.len() == 1);
    // What is commented out is right, too.
    let all: String = config.lines().map(|line| line.strip_prefix("# ").unwrap_or(line).to_owned() + "\n").collect();
    assert!(Config::parse(".keyfence.toml", &all).unwrap().declared.place("clusters/eu1/x").unwrap().lock);
    // And a scan takes it.
    let tree = Tree::new();
    tree.write(".keyfence.toml", config);
    tree.file("apps/shop/deploy/prod/app.conf", &format!("STRIPE_SECRET_KEY={SANDBOX}\n"));
    let told = env_json(&tree, &["apps/shop/deploy/prod/app.conf:1"]);
    assert_eq!((&told["place"]["environment"], &told["place"]["confidence"]), (&"production".into(), &"declared".into()));
}
