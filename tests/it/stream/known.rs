//! The team's own keys by fingerprint, and the proof that an old one is used no more.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use super::{keeps, key_file, stream_in};
use crate::plant::{Tree, expand};

/// A list with one opaque key in it.
fn known(tree: &Tree) -> (String, String, String) {
    let key = expand("{base62:44}", "opaque");
    let keys = key_file(tree, "fp.key");
    let add = ["known", "add", "--known", "known.list", "--label", "payout-eu", "--environment", "live", "--class", "payout-key"];
    let run = stream_in(tree, &[&add[..], &["--fp-key-file", &keys]].concat(), format!("{key}\n"));
    assert_eq!(run.code(), Some(0), "{}", run.stderr);
    run.keeps(&key);
    let list = tree.path().join("known.list");
    assert_eq!(fs::metadata(&list).unwrap().permissions().mode() & 0o777, 0o600);
    keeps(&fs::read_to_string(list).unwrap(), &key);
    (key, keys, run.out())
}

#[test]
fn an_opaque_key_is_found_by_its_fingerprint() {
    let tree = Tree::new();
    let (key, keys, told) = known(&tree);
    let args = ["stream", "--redact", "--known", "known.list", "--fp-key-file", &keys];
    let run = stream_in(&tree, &args, format!("an id {key} in no slot at all\n"));
    assert_eq!(run.code(), Some(0), "{}", run.stderr);
    assert!(run.out().starts_with("an id [REDACTED:payout-key:"), "{}", run.out());
    run.keeps(&key);
    let alert = &run.alerts()[0];
    assert_eq!([&alert["label"], &alert["environment"], &alert["kind"]], ["payout-eu", "live", "payout-key-in-log"]);
    assert!(told.contains(alert["fingerprint"].as_str().unwrap()));
    let list = stream_in(&tree, &["known", "list", "--known", "known.list", "--fp-key-file", &keys], "");
    assert!(list.out().starts_with("payout-eu  live"), "{}", list.out());
    let without = stream_in(&tree, &["stream", "--redact", "--known", "known.list"], "x\n");
    assert_eq!(without.code(), Some(2));
}

#[test]
fn half_of_an_opaque_key_waits_in_vain_for_the_other_half() {
    let tree = Tree::new();
    let (key, keys, _) = known(&tree);
    let args = ["stream", "--redact", "--hold", "100ms", "--known", "known.list", "--fp-key-file", &keys];
    for cut in [6, 9, 20, 43] {
        let mut child = super::command(&tree, &args).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        for piece in [&*format!("an id {}", &key[..cut]), &format!("{} seen\nDownloading", &key[cut..]), " ended\n"] {
            stdin.write_all(piece.as_bytes()).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let (out, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        keeps(&out, &key);
        assert!(out.contains("[REDACTED:payout-key") && out.ends_with("] seen\nDownloading ended\n"), "{cut}: {out}");
        let alerts = super::alerts(&said);
        assert!(alerts.len() == 1 && alerts[0]["label"] == "payout-eu", "{cut}: {said}");
    }
}

#[test]
fn a_new_key_for_fingerprints_is_private_and_never_overwritten() {
    let tree = Tree::new();
    let value = || format!("{}\n", expand("{base62:30}", "new"));
    let args = ["known", "add", "--known", "k", "--label", "a", "--environment", "live", "--new-key", "fp.key"];
    assert_eq!(stream_in(&tree, &args, value()).code(), Some(0));
    assert_eq!(fs::metadata(tree.path().join("fp.key")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(stream_in(&tree, &args, value()).code(), Some(2));
    let again = ["known", "add", "--known", "k", "--label", "b", "--environment", "live", "--fp-key-file", "fp.key"];
    let run = stream_in(&tree, &again, value());
    assert!(run.code() == Some(2) && run.stderr.contains("known already, as a"), "{}", run.stderr);
}

#[test]
fn rotation_is_proven_or_not() {
    let tree = Tree::new();
    let (key, keys, _) = known(&tree);
    let logs = tree.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let before = format!("2026-03-12T09:00:00Z used {key}\n2026-03-12T10:00:00Z rotated\n");
    fs::write(logs.join("a.log"), &before).unwrap();
    fs::write(logs.join("b.log"), "2026-03-12T11:00:00Z quiet\n").unwrap();
    let verify = |since: &str| {
        let args = [
            "rotation",
            "verify",
            "--known",
            "known.list",
            "--fp-key-file",
            &keys,
            "--old",
            "payout-eu",
            "--since",
            since,
            "logs",
        ];
        stream_in(&tree, &args, "")
    };
    let run = verify("2026-03-12T09:30:00Z");
    assert_eq!(run.code(), Some(0), "{}{}", run.out(), run.stderr);
    assert!(run.out().contains(&format!("2 files, {} bytes", before.len() + 27)), "{}", run.out());
    assert!(run.out().contains("last seen     2026-03-12T09:00:00Z in logs/a.log:1"), "{}", run.out());
    assert_eq!(verify("2026-03-12").code(), Some(1));
    // A dump without a time of its own belongs to the record before it.
    let dump = format!("2026-03-12T12:00:00Z failed\n  headers:\n    k: {key}\n");
    fs::write(logs.join("c.log"), dump).unwrap();
    let run = verify("2026-03-12T09:30:00Z");
    assert_eq!(run.code(), Some(1));
    assert!(run.out().contains("1 of them since") && run.out().contains("logs/c.log:3"), "{}", run.out());
    run.keeps(&key);
    fs::remove_file(logs.join("c.log")).unwrap();
    // What is compressed is searched, and what is damaged is no proof.
    let gzip = tree.command("gzip").args(["-k", "a.log"]).current_dir(&logs).status().unwrap();
    assert!(gzip.success());
    let run = verify("2026-03-12T09:30:00Z");
    assert!(run.code() == Some(0) && run.out().contains("seen          2 times, 0 of them since"), "{}", run.out());
    fs::write(logs.join("d.log.gz"), b"\x1f\x8b\x08\x00rest").unwrap();
    let run = verify("2026-03-12T09:30:00Z");
    assert_eq!(run.code(), Some(3), "{}", run.out());
    assert!(run.out().contains("not proven"), "{}", run.out());
    assert_eq!(verify("soon").code(), Some(2));
}

#[test]
fn rotation_is_proven_in_a_history() {
    let tree = Tree::new();
    let (key, keys, _) = known(&tree);
    let folder = tree.path().join("repository");
    fs::create_dir(&folder).unwrap();
    let git = |args: &[&str], day: &str| {
        let mut git = tree.command("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@acme.example"]).args(args).current_dir(&folder);
        git.env("GIT_COMMITTER_DATE", format!("{day}T12:00:00Z")).env("GIT_AUTHOR_DATE", "2026-01-01T12:00:00Z");
        let output = git.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let commit = |text: &str, message: &str, day: &str| {
        fs::write(folder.join("app.conf"), text).unwrap();
        git(&["add", "-A"], day);
        git(&["commit", "-q", "-m", message], day);
    };
    let verify = |args: &[&str]| verified(&tree, &keys, args);
    git(&["init", "-q"], "2026-01-01");
    commit(&format!("a = 1\nkey = {key}\n"), "one", "2026-03-01");
    commit("a = 1\n", "two", "2026-03-11");
    // What is checked out does not hold it, and what was before is not asked about.
    let run = verify(&["repository"]);
    assert!(run.code() == Some(0) && run.out().contains("seen          0 times"), "{}{}", run.out(), run.stderr);
    let run = verify(&["--history", "repository"]);
    assert_eq!(run.code(), Some(0), "{}{}", run.out(), run.stderr);
    assert!(run.out().contains("2 files, 4 objects of history, "), "{}", run.out());
    assert!(run.out().contains("last seen     2026-03-01T12:00:00Z in app.conf in commit "), "{}", run.out());
    assert!(run.out().contains(":2, by the time of the commit"), "{}", run.out());
    // The same file again is seen again; so is a message.
    commit(&format!("a = 1\nkey = {key}\n"), "three", "2026-03-13");
    commit("a = 1\n", "four", "2026-03-14");
    let run = verify(&["--history", "repository"]);
    assert!(run.code() == Some(1) && run.out().contains("2 times, 1 of them since"), "{}", run.out());
    commit("a = 2\n", &format!("five\n\nno more {key}"), "2026-03-15");
    let run = verify(&["--history", "repository/app.conf"]);
    assert!(run.code() == Some(1) && run.out().contains("2026-03-15T12:00:00Z in the message in commit "), "{}", run.out());
    run.keeps(&key);
}

#[test]
fn what_no_commit_says_is_no_proof_of_a_rotation() {
    let tree = Tree::new();
    let (key, keys, _) = known(&tree);
    let verify = |args: &[&str]| verified(&tree, &keys, args);
    let lost = tree.path().join("lost");
    fs::create_dir(&lost).unwrap();
    fs::write(lost.join("app.conf"), &key).unwrap();
    let git = |args: &[&str]| tree.command("git").args(args).current_dir(&lost).status().unwrap().success();
    assert!(git(&["init", "-q"]) && git(&["add", "app.conf"]));
    fs::remove_file(lost.join("app.conf")).unwrap();
    fs::write(lost.join("b.conf"), "a").unwrap();
    let run = verify(&["--history", "lost"]);
    assert_eq!(run.code(), Some(3), "{}{}", run.out(), run.stderr);
    assert!(run.out().contains("an object that no commit has holds the key"), "{}", run.out());
    // Without a repository there is no history.
    let run = verify(&["--history", "known.list"]);
    assert!(run.code() == Some(2) && run.stderr.contains("not in a git repository"), "{}{}", run.out(), run.stderr);
}

/// Asks whether the key was seen since the day on which it was replaced.
fn verified(tree: &Tree, keys: &str, args: &[&str]) -> super::Run {
    let since = ["--old", "payout-eu", "--since", "2026-03-12"];
    let all = ["rotation", "verify", "--known", "known.list", "--fp-key-file", keys];
    stream_in(tree, &[&all[..], &since, args].concat(), "")
}
