//! `--cards`: off unless it is asked for, never a published test card, at most the first six digits shown.

use crate::plant::{Tree, expand};

const LINES: &str = "card_number={valid:luhn:4{digit:15}}\ncvv={digit:3}\ntest_card=4242424242424242\n";

#[test]
fn card_data_is_found_when_asked_for_and_masked() {
    let tree = Tree::new();
    tree.file("src/pay.py", LINES);
    let quiet = tree.keyfence(&["scan", "--quiet", "src"]);
    assert_eq!(String::from_utf8_lossy(&quiet.stdout), "clean: no findings\n");
    for format in ["text", "jsonl"] {
        let output = tree.keyfence(&["scan", "--cards", "src", "--format", format, "--fail-on", "medium"]);
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stdout}");
        assert_eq!(stdout.matches("card-number-in-source").count(), if format == "jsonl" { 2 } else { 0 }, "{stdout}");
        let number: String = expand(LINES, "src/pay.py").chars().skip(12).take(16).collect();
        assert!(stdout.contains(&format!("{}…(16)", &number[..6])), "{stdout}");
        assert!(!stdout.contains(&number[..7]) && !stdout.contains(&number[9..]), "{stdout}");
    }
}

#[test]
fn card_data_in_a_log_is_high() {
    let tree = Tree::new();
    tree.file("pay.log", "2026-03-12T09:11:07Z INFO charge pan={valid:luhn:53{digit:14}} ok\n");
    let output = tree.keyfence(&["scan", "--cards", "--quiet", "pay.log"]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(stdout.contains("high: card data in a log"), "{stdout}");
}
