//! One test for each mistake that was found, named after it.

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use crate::plant::{Tree, expand};

/// Each finding looked for an allow on the whole of its line, which took half a minute here.
#[test]
fn a_long_line_with_many_keys_is_read_once() {
    let tree = Tree::new();
    let mut line = String::new();
    for number in 0..8000 {
        let _ = write!(line, "{} {} ", "x".repeat(900), expand("sk_live_{base62:24}", &number.to_string()));
    }
    fs::write(tree.path().join("app.min.js"), line).unwrap();
    let started = Instant::now();
    let output = tree.keyfence(&["scan", "-q", "app.min.js"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
}

/// `stripe-secret` was answered with `stripe-identity-secret`: as many words in common, and later in the list.
#[test]
fn a_suggestion_is_the_nearest_name() {
    let tree = Tree::new();
    for (typed, meant) in [
        ("stripe-secret", "stripe-secret-key"),
        ("stripe-secert-key", "stripe-secret-key"),
        ("strpe-secret-key", "stripe-secret-key"),
        ("payca-clientsecret", "payca-client-secret"),
        ("hardcoded-secrets", "hardcoded-secret"),
        ("live-key-in-logs", "live-key-in-log"),
    ] {
        let stderr = String::from_utf8(tree.keyfence(&["explain", typed]).stderr).unwrap();
        assert!(stderr.contains(&format!("did you mean {meant}?")), "{typed}: {stderr}");
    }
}

/// Only the first of them was found, and the excerpt of that finding showed the others.
#[test]
fn every_value_of_a_list_is_found_and_none_is_printed() {
    let tree = Tree::new();
    let keys: Vec<String> = (0..3).map(|number| expand("{hex:64}", &format!("list/{number}"))).collect();
    let text = format!(
        "const hardhat = {{\n  networks: {{\n    base: {{ accounts: [\"0x{}\", \"0x{}\",\n      '{}'] }},\n  }},\n}};\n",
        keys[0], keys[1], keys[2]
    );
    fs::write(tree.path().join("hardhat.config.js"), text).unwrap();
    let output = tree.keyfence(&["scan", "hardhat.config.js"]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.matches("[wallet-evm-private-key]").count(), 3, "{stdout}");
    for key in keys {
        assert!(!stdout.contains(&key[..8]), "{stdout}");
    }
}

/// A library of exchanges sends its password in a header, and comes minified: no blank stood behind the comma.
#[test]
fn minified_code_that_fetches_a_value_is_no_value() {
    let tree = Tree::new();
    let text = r#"o={"CB-ACCESS-KEY":this.apiKey,"CB-ACCESS-PASSPHRASE":this.password,"Content-Type":"application/json"};"#;
    fs::write(tree.path().join("ccxt.min.js"), text).unwrap();
    let output = tree.keyfence(&["scan", "ccxt.min.js"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The second report began where the first did and wrote over it.
#[test]
fn two_reports_in_one_file_are_a_mistake() {
    let tree = Tree::new();
    let output = tree.keyfence(&["scan", ".", "-f", "text:out", "-f", "jsonl:out"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!tree.path().join("out").exists());
}

/// The message began with a colon and nothing before it.
#[test]
fn a_format_with_an_empty_path_is_named() {
    let output = Tree::new().keyfence(&["scan", ".", "-f", "jsonl:"]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("\"jsonl:\" has no path"), "{stderr}");
}

/// `-q` said that something was skipped, but not what.
#[test]
fn quiet_names_what_was_skipped() {
    let output = Tree::new().keyfence(&["scan", "-q", "nowhere"]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.starts_with("nowhere: skipped: missing\n"), "{stdout}");
}

/// An excerpt was cut in the middle of a letter, whose half was then shown as `\xc3`.
#[test]
fn an_excerpt_is_cut_between_letters() {
    let tree = Tree::new();
    for (path, letter) in [("a.py", "é"), ("b.py", "xé"), ("c.py", "鍵"), ("d.py", "x鍵"), ("e.py", "xx鍵")] {
        let (first, last) = (&letter[..letter.len() - letter.trim_start_matches('x').len()], letter.trim_start_matches('x'));
        let around = last.repeat(300);
        tree.file(path, &format!("{around}{first} sk_live_{{base62:24}} {first}{around}\n"));
    }
    let stdout = String::from_utf8(tree.keyfence(&["scan", "-f", "jsonl", "."]).stdout).unwrap();
    assert_eq!(stdout.lines().count(), 6, "{stdout}");
    assert!(!stdout.contains(r"\\x"), "{stdout}");
}

/// `./rules/payca.toml` was taken for a second file with the same rules.
#[test]
fn a_built_in_rule_file_can_be_tested_however_it_is_typed() {
    let tree = Tree::new();
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/payca.toml")).unwrap();
    fs::create_dir(tree.path().join("rules")).unwrap();
    fs::write(tree.path().join("rules/payca.toml"), text).unwrap();
    // Listing loads without the long test of every promise, and must still refuse the double.
    assert_eq!(tree.keyfence(&["rules", "list", "--rules", "./rules/payca.toml"]).status.code(), Some(2));
    let output = tree.keyfence(&["rules", "test", "./rules/payca.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The vectors of one algorithm were hundreds of findings.
#[test]
fn a_table_of_test_vectors_is_one_finding() {
    let tree = Tree::new();
    let table = |name: &str, rows: usize| {
        let row = |number: usize| expand("SharedSecret={hex:64}\n", &format!("{name}/{number}"));
        fs::write(tree.path().join(name), (0..rows).map(row).collect::<String>()).unwrap();
        let output = tree.keyfence(&["scan", name, "-f", "jsonl"]);
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .filter(|line| line.contains("\"finding\""))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(table("few_test.txt", 8).len(), 8);
    let many = table("many_test.txt", 300);
    assert!(many.len() == 1 && many[0].contains("the first of 300 such values in this file"), "{many:?}");
    assert_eq!(table("settings.txt", 300).len(), 300, "what is no test is no vector");
}

/// A comment that shows how to call it, and a condition, made a client bundle production.
#[test]
fn what_a_comment_shows_says_nothing_of_where_code_runs() {
    let tree = Tree::new();
    let text = "/**\n * pay({{\n *   env: 'production', // or 'sandbox'\n * }});\n */\n\
        var baseURL = environment === \"production\" ? live : \"https://www.sandbox.paypal.com\";\n";
    fs::create_dir(tree.path().join("dist")).unwrap();
    fs::write(tree.path().join("dist/pay.js"), expand(text, "comment")).unwrap();
    let output = tree.keyfence(&["scan", "dist", "-q"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "clean: no findings\n");
}
