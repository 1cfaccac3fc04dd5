//! The project is clean by its own measure: nothing in its tree looks like a key.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use keyfence::detect::Scanner;
use keyfence::finding::Sighting;
use keyfence::rule::{Rule, RuleSet};
use keyfence::source::{Met, WalkOptions, walk};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn our_own_tree_is_clean_and_complete() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyfence"));
    let output = command.args(["scan", "--quiet", ".", "-f", "jsonl"]).current_dir(root()).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    assert_eq!(stdout.lines().count(), 1, "only the summary is printed:\n{stdout}");
    assert!(
        stdout.contains(r#""skipped":0,"findings":{"critical":0,"high":0,"medium":0,"low":0,"notice":0},"suppressed":0"#),
        "{stdout}"
    );
    assert!(stdout.contains(r#""complete":true"#) && stderr.is_empty(), "{stdout}{stderr}");
}

/// Stricter than a scan, which is silent in tests and about public keys: no rule at all may match, but those that
/// know the names of public test accounts, which are words.
#[test]
fn no_file_holds_a_token_shaped_string() {
    let scanner = Scanner::new(RuleSet::builtin().into());
    let found = Mutex::new(Vec::new());
    let is_word = |rule: &Rule| rule.class.is_public() && rule.format.alphabet_size() == 0;
    let visit = |met: Met| {
        let Met::File(haystack) = met else { return };
        let bytes = std::fs::read(haystack.path()).unwrap();
        let sightings = scanner.scan(&bytes);
        let named = sightings.iter().filter_map(|sighting| match sighting {
            Sighting::Credential(credential)
                if !scanner.rules().get(credential.rule.as_str()).is_some_and(|rule| is_word(rule)) =>
            {
                Some(format!("{}: {} at {}", haystack.path().display(), credential.rule, credential.span.start))
            }
            _ => None,
        });
        found.lock().unwrap().extend(named);
    };
    walk(&[PathBuf::from(root())], &WalkOptions::default(), &visit).unwrap();
    let found = found.into_inner().unwrap();
    assert!(found.is_empty(), "{} token-shaped strings:\n{}", found.len(), found.join("\n"));
}
