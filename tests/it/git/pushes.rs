//! What a push brings, and what it does not: the commits that the other side does not have, the tags,
//! and nothing that stood there before.

use std::fs;

use super::hooks::{keyfence, run, with_remote};
use super::{Repo, key};

/// A repository with a remote that has a legacy key, and a hook before each push.
fn guarded() -> Repo {
    let repo = with_remote();
    keyfence(&repo, &["hook", "install", "--hook", "pre-push"]);
    repo
}

#[track_caller]
fn goes_through(repo: &Repo, args: &[&str]) {
    let (success, said) = run(repo, "git", &[&["push", "-q"], args].concat());
    assert!(success, "{args:?}: {said}");
}

#[track_caller]
fn is_stopped(repo: &Repo, args: &[&str], names: &str) {
    let (success, said) = run(repo, "git", &[&["push", "-q"], args].concat());
    assert!(!success && said.contains(names), "{args:?}: {said}");
}

#[test]
fn a_legacy_key_in_a_file_that_changes_is_not_of_this_push() {
    let repo = guarded();
    let old = format!("{}\n", key("old"));
    repo.write("old.py", &format!("one\n{old}two\n"));
    repo.commit("lines around it");
    goes_through(&repo, &[]);
    repo.git(&["mv", "old.py", "new.py"]);
    repo.commit("a rename");
    goes_through(&repo, &[]);
    repo.git(&["mv", "new.py", "newer.py"]);
    repo.write("newer.py", &format!("one\n{old}two\nthree\n"));
    repo.commit("a rename with a change");
    repo.write("newer.py", &format!("one\n{old}two\nthree\nfour\n"));
    repo.commit("one more");
    goes_through(&repo, &[]);
    // A second place of it, another value, and a worse place are.
    repo.write("copy.py", &old);
    repo.commit("a copy");
    is_stopped(&repo, &[], "copy.py:1");
    repo.git(&["reset", "-q", "--hard", "HEAD~"]);
    repo.write("newer.py", &format!("{}\none\n{old}two\n", key("another")));
    repo.commit("another value");
    is_stopped(&repo, &[], "newer.py:1");
    let (_, said) = run(&repo, "git", &["push", "-q"]);
    assert!(!said.contains("newer.py:3"), "the old one is not told again: {said}");
}

#[test]
fn a_key_that_a_push_brings_and_renames_is_told_at_both_places() {
    let repo = guarded();
    repo.write("a.py", &format!("{}\nmore\n", key("new")));
    repo.commit("a key");
    repo.git(&["mv", "a.py", "b.py"]);
    repo.commit("a rename");
    let report = repo.run(&["history", "origin/main.."]);
    assert_eq!(report.places(), ["a.py:1", "b.py:1"], "{report:?}");
    is_stopped(&repo, &[], "b.py:1");
}

#[test]
fn a_merge_of_what_the_remote_has() {
    let repo = guarded();
    repo.git(&["checkout", "-q", "-b", "topic", "HEAD~1"]);
    repo.write("topic.py", "clean\n");
    repo.commit("topic");
    repo.git(&["merge", "-q", "--no-edit", "main"]);
    goes_through(&repo, &["origin", "topic"]);
    repo.write("old.py", &format!("one\n{}\n", key("old")));
    repo.commit("the legacy changes behind the merge");
    goes_through(&repo, &["origin", "topic"]);
}

#[test]
fn messages_of_tags_are_pushed_as_well() {
    let repo = guarded();
    repo.git(&["tag", "-a", "v1", "-m", "clean"]);
    goes_through(&repo, &["origin", "v1"]);
    repo.git(&["tag", "-a", "v2", "-m", &format!("signed with {}", key("tag"))]);
    is_stopped(&repo, &["origin", "v2"], "(tag message)");
    is_stopped(&repo, &["origin", "v2"], "no commit; a tag keeps it");
    is_stopped(&repo, &["--tags", "origin"], "(tag message)");
    repo.git(&["tag", "-a", "v3", "-m", "a tag of a tag", "v2"]);
    is_stopped(&repo, &["origin", "v3"], "(tag message)");
    let report = repo.run(&["history", "HEAD..v3"]);
    let fix = report.findings()[0]["remediation"].as_str().unwrap();
    assert!(fix.starts_with("Rotate it: the message of the tag keeps it"), "{fix}");
}

#[test]
fn tags_of_files_and_folders_have_no_commit() {
    let repo = guarded();
    repo.write("../of/clean.txt", "nothing\n");
    repo.write("../of/pay.py", &key("file"));
    let clean = repo.git(&["hash-object", "-w", "../of/clean.txt"]);
    let leak = repo.git(&["hash-object", "-w", "../of/pay.py"]);
    repo.git(&["tag", "clean", clean.trim()]);
    repo.git(&["tag", "-a", "-m", "a file", "leak", leak.trim()]);
    goes_through(&repo, &["origin", "clean"]);
    is_stopped(&repo, &["origin", "leak"], "(content without a path)");
    goes_through(&repo, &["origin", ":clean"]);
    repo.git(&["tag", "folder", "HEAD~1^{tree}"]);
    goes_through(&repo, &["origin", "folder"]);
    repo.git(&["read-tree", "--empty"]);
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{},x/pay.py", leak.trim())]);
    let tree = repo.git(&["write-tree"]);
    repo.git(&["tag", "leaking-folder", tree.trim()]);
    is_stopped(&repo, &["origin", "leaking-folder"], "(content without a path)");
}

#[test]
fn every_way_to_push() {
    let repo = guarded();
    repo.git(&["checkout", "-q", "-b", "topic"]);
    repo.write("topic.py", "clean\n");
    repo.commit("clean");
    goes_through(&repo, &["origin", "topic"]);
    repo.git(&["commit", "-q", "--amend", "-m", "other words"]);
    goes_through(&repo, &["--force", "origin", "topic"]);
    goes_through(&repo, &["../remote.git", "HEAD:refs/heads/by-url"]);
    goes_through(&repo, &["origin", ":topic"]);
    repo.write("topic.py", &key("topic"));
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-q", "--amend", "-m", "with a key"]);
    for args in [
        &["origin", "topic"][..],
        &["--force-with-lease", "origin", "topic"],
        &["../remote.git", "HEAD:refs/heads/by-url-too"],
        &["--all", "origin"],
        &["--mirror", "origin"],
        &["origin", "HEAD:refs/notes/commits"],
    ] {
        is_stopped(&repo, args, "topic.py:1");
    }
    repo.git(&["checkout", "-q", "--detach"]);
    is_stopped(&repo, &["origin", "HEAD:refs/heads/detached"], "topic.py:1");
}

#[test]
fn a_push_from_a_shallow_clone_stands_on_what_it_has() {
    let repo = with_remote();
    repo.git(&["init", "-q", "--bare", "../remote.git"]);
    let url = format!("file://{}", repo.path().with_file_name("remote.git").display());
    repo.git(&["clone", "-q", "--depth", "1", "--branch", "main", &url, "../shallow"]);
    let shallow = Repo { tree: repo.tree };
    keyfence(&shallow, &["hook", "install", "--hook", "pre-push", "-C", "../shallow"]);
    let commit = |name: &str, text: &str| {
        fs::write(shallow.path().with_file_name("shallow").join(name), text).unwrap();
        shallow.git(&["-C", "../shallow", "add", "-A"]);
        shallow.git(&["-C", "../shallow", "commit", "-q", "-m", name]);
    };
    commit("new.py", "clean\n");
    commit("old.py", &format!("one\n{}\n", key("old")));
    goes_through_in(&shallow, "../shallow");
    // Behind the commit that it begins with nobody can look.
    let report = shallow.run(&["history", "../shallow", "HEAD"]);
    assert_eq!(report.skipped().len(), 1, "{report:?}");
    commit("new.py", &key("new"));
    let (success, said) = run(&shallow, "git", &["-C", "../shallow", "push", "-q"]);
    assert!(!success && said.contains("new.py:1") && !said.contains("old.py"), "{said}");
}

#[track_caller]
fn goes_through_in(repo: &Repo, folder: &str) {
    let (success, said) = run(repo, "git", &["-C", folder, "push", "-q"]);
    assert!(success, "{said}");
}

#[test]
fn a_push_from_a_partial_clone_is_complete() {
    let repo = with_remote();
    repo.git(&["-C", "../remote.git", "config", "uploadpack.allowFilter", "true"]);
    repo.git(&["-C", "../remote.git", "config", "uploadpack.allowAnySHA1InWant", "true"]);
    let url = format!("file://{}", repo.path().with_file_name("remote.git").display());
    for filter in ["blob:none", "tree:0"] {
        let clone = format!("../{}", filter.replace(':', "-"));
        repo.git(&["clone", "-q", &format!("--filter={filter}"), &url, &clone]);
        keyfence(&repo, &["hook", "install", "--hook", "pre-push", "-C", &clone]);
        keyfence(&repo, &["hook", "install", "-C", &clone]);
        fs::write(repo.path().join(&clone).join("old.py"), format!("one\n{}\n", key("old"))).unwrap();
        let (success, said) = run(&repo, "git", &["-C", &clone, "commit", "-q", "-a", "-m", "changed"]);
        assert!(success, "{filter}: {said}");
        let branch = format!("HEAD:refs/heads/{}", filter.replace(':', "-"));
        let (success, said) = run(&repo, "git", &["-C", &clone, "push", "-q", "origin", &branch]);
        assert!(success, "{filter}: {said}");
    }
}

#[test]
fn a_range_tells_what_its_commits_bring() {
    let repo = Repo::new();
    repo.write("old.py", &format!("{}\n", key("old")));
    repo.commit_at(1, "legacy");
    repo.git(&["tag", "v1"]);
    repo.write("old.py", &format!("one\n{}\n{}\n", key("old"), key("new")));
    let second = repo.commit_at(2, "another");
    repo.write("old.py", &format!("one\ntwo\n{}\n{}\n", key("old"), key("new")));
    repo.commit_at(3, "shifted");
    for args in [&["v1.."][..], &["--since", "2026-03-12T09:12:30Z"], &["--max-count", "2"]] {
        let report = repo.run(&[&["history"], args].concat());
        assert_eq!(report.places(), ["old.py:3"], "{args:?}: {report:?}");
        assert_eq!(report.findings()[0]["commit"], second.as_str());
        assert_eq!(report.findings()[0]["in_head"], true);
    }
    assert_eq!(repo.run(&["history", "HEAD"]).findings().len(), 2);
    assert_eq!(repo.run(&["history", "--max-count", "1"]).findings().len(), 0);
}
