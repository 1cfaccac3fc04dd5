//! What goes wrong between sandbox and live, told from beginning to end: trees and logs as teams have
//! them, the program, and what it must say.

use serde::Deserialize;

use crate::plant::Tree;

/// A finding, as far as the stories ask.
#[derive(Debug, Deserialize)]
struct Row {
    r#type: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    path: String,
    line: Option<u64>,
}

/// `kind severity path:line` of every finding.
fn told(tree: &Tree, args: &[&str]) -> Vec<String> {
    let all: Vec<&str> = ["scan", "-f", "jsonl"].into_iter().chain(args.iter().copied()).collect();
    let output = tree.keyfence(&all);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.is_empty(), "{stderr}");
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Row>(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    let findings = rows.filter(|row| row.r#type == "finding");
    findings.map(|row| format!("{} {} {}:{}", row.kind, row.severity, row.path, row.line.unwrap_or(0))).collect()
}

fn committed(tree: &Tree) {
    tree.git(&["init", "-q"]);
    tree.git(&["add", "-A"]);
    tree.git(&["commit", "-qm", "all"]);
}

/// `PayChain`: what a go-live check would ask first.
#[test]
fn paychain_goes_live() {
    let tree = Tree::new();
    tree.file(".env.production", "PAYCHAIN_API_KEY=pk_test_{base62:32}\nPAYCHAIN_NETWORK=base-mainnet\n");
    tree.file(".env", "APP_NAME=shop\nPAYCHAIN_API_KEY=pk_live_{base62:32}\n");
    tree.file("package.json", "{{\"dependencies\":{{\"next\":\"15\",\"react\":\"19\"}}}}\n");
    tree.file("src/lib/payout.ts", "const url = 'https://api.paychainhq.io';\nexport const paychainPayoutKey = '{base62:48}';\n");
    std::fs::create_dir_all(tree.path().join("config")).unwrap();
    let secret = crate::plant::expand("{hex:64}", "one webhook secret for both modes");
    for stage in ["production", "staging"] {
        let text = format!("payments:\n  paychain_webhook_secret: {secret}\n  webhook_url: http://shop.example/hooks/paychain\n");
        std::fs::write(tree.path().join(format!("config/{stage}.yml")), text).unwrap();
    }
    committed(&tree);
    let found = told(&tree, &["."]);
    for expected in [
        "sandbox-key-in-production high .env.production:1",
        "network-environment-mismatch medium .env.production:1",
        "live-key-in-committed-env critical .env:2",
        "payout-key-exposed-to-client critical src/lib/payout.ts:2",
        "shared-webhook-secret high config/production.yml:2",
        "shared-webhook-endpoint medium config/production.yml:3",
        "insecure-webhook-endpoint high config/production.yml:3",
        "insecure-webhook-endpoint medium config/staging.yml:3",
    ] {
        assert!(found.iter().any(|row| row == expected), "{expected} is not in\n{}", found.join("\n"));
    }
}

/// `PayCA`: two UUIDs that only their surroundings can tell apart.
#[test]
fn payca_goes_live() {
    let tree = Tree::new();
    let pair = crate::plant::expand("{uuid4}", "a pair for all");
    let write = |path: &str, text: String| {
        let path = tree.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    tree.file("deploy/values-prod.yaml", "payca:\n  base_url: https://api.sandbox.payca.io\n  client_secret: {uuid4}\n");
    write("env/sandbox.env", format!("PAYCA_CLIENT_SECRET={pair}\n"));
    write("env/live.env", format!("PAYCA_CLIENT_SECRET={pair}\n"));
    tree.file("jobs/production.yml", "jobs:\n  settle:\n    run: curl -X POST $PAYCA_BASE_URL/sandbox/transactions\n");
    let secret = crate::plant::expand("{uuid4}", "a secret in a log");
    let card = "4111".to_owned() + &"1".repeat(12);
    write(
        "logs/app.log",
        format!(
            "{{\"time\":\"2026-03-12T09:11:07Z\",\"env\":\"production\",\"msg\":\"charge {card}\"}}\n\
         {{\"time\":\"2026-03-12T09:11:08Z\",\"env\":\"production\",\"msg\":\"call\",\"headers\":{{\"x-client-secret\":\"{secret}\",\"host\":\"api.sandbox.payca.io\"}}}}\n"
        ),
    );
    let found = told(&tree, &["--tracked", "all", "."]);
    for expected in [
        "sandbox-key-in-production high deploy/values-prod.yaml:3",
        "shared-credential-across-environments high env/live.env:1",
        "sandbox-endpoint-in-production high jobs/production.yml:3",
        "test-card-in-production-log medium logs/app.log:1",
        "sandbox-key-in-production-log high logs/app.log:2",
        "sandbox-endpoint-in-production-log high logs/app.log:2",
    ] {
        assert!(found.iter().any(|row| row == expected), "{expected} is not in\n{}", found.join("\n"));
    }
    assert!(!found.iter().any(|row| row.contains("endpoint-in-production ") && row.contains("values-prod")), "{found:?}");
}
