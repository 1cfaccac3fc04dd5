//! `keyfence staged`: the index is read, the whole of each changed file is judged, and what a
//! changed line takes part in is reported.

use std::fs;

use super::{LIVE, Repo, Report, key};
use crate::plant::{Tree, expand};

/// One line of harmless code for each number.
fn filler(lines: usize) -> String {
    (0..lines).map(|line| format!("call_{line}()\n")).collect::<Vec<_>>().concat()
}

#[track_caller]
fn blocks(report: &Report, places: &[&str]) {
    assert_eq!(report.places(), places, "{report:?}");
    assert_eq!(report.code, Some(1), "{report:?}");
}

#[track_caller]
fn is_clean(report: &Report) {
    assert_eq!(report.places(), [""; 0], "{report:?}");
    assert_eq!((report.code, report.skipped().len()), (Some(0), 0), "{report:?}");
}

#[test]
fn nothing_is_staged() {
    let repo = Repo::new();
    repo.write("a.py", &key("a"));
    let report = repo.staged();
    is_clean(&report);
    assert_eq!(report.summary()["files"], 0);
    is_clean(&Repo::empty().staged());
}

#[test]
fn the_first_commit_of_a_repository() {
    let repo = Repo::empty();
    repo.stage("pay.py", &key("a"));
    let report = repo.staged();
    blocks(&report, &["pay.py:1"]);
    assert_eq!(report.findings()[0]["tracked"], true);
}

#[test]
fn a_key_that_is_staged_and_no_longer_in_the_file() {
    let repo = Repo::new();
    repo.stage("pay.py", &key("a"));
    repo.write("pay.py", "");
    blocks(&repo.staged(), &["pay.py:1"]);
}

#[test]
fn a_key_that_is_in_the_file_and_not_staged() {
    let repo = Repo::new();
    repo.stage("pay.py", "clean = 1\n");
    repo.write("pay.py", &key("a"));
    is_clean(&repo.staged());
}

#[test]
fn a_file_that_is_partly_staged() {
    let repo = Repo::new();
    let (staged, unstaged) = (key("a"), key("b"));
    repo.stage("pay.py", &format!("one\n{staged}\n"));
    repo.write("pay.py", &format!("one\n{staged}\ntwo\n{unstaged}\n"));
    blocks(&repo.staged(), &["pay.py:2"]);
    blocks(&repo.run(&["staged", "--uncommitted"]), &["pay.py:2", "pay.py:4"]);
}

#[test]
fn an_ignored_file_that_is_forced_in() {
    let repo = Repo::new();
    repo.write(".gitignore", ".env\n");
    repo.commit("ignore");
    repo.stage(".env", &format!("STRIPE={}\n", key("a")));
    blocks(&repo.staged(), &[".env:1"]);
}

#[test]
fn a_known_key_on_an_unchanged_line_does_not_block() {
    let repo = Repo::new();
    let old = format!("{}{}\n{}", filler(20), key("a"), filler(20));
    repo.write("pay.py", &old);
    repo.commit("legacy");
    repo.stage("pay.py", &format!("{old}more()\n"));
    is_clean(&repo.staged());
    // A changed line of its own, and a second copy of it, are this commit's.
    repo.stage("pay.py", &old.replace(&key("a"), &format!("{}  # prod", key("a"))));
    blocks(&repo.staged(), &["pay.py:21"]);
    repo.stage("pay.py", &format!("{old}{}\n", key("a")));
    blocks(&repo.staged(), &["pay.py:42"]);
}

#[test]
fn a_changed_line_that_gives_an_old_value_its_meaning() {
    let repo = Repo::new();
    let value = expand("{uuid4}", "pair");
    repo.write("app.yaml", &format!("service:\n  x-client-secret-of-what: {value}\n"));
    repo.commit("a uuid");
    let host = "https://api.sandbox.payca.io/v1";
    repo.stage("app.yaml", &format!("service:\n  url: {host}\n  x-client-secret: {value}\n"));
    let report = repo.staged();
    assert_eq!(report.places(), ["app.yaml:3"], "{report:?}");
}

#[test]
fn a_renamed_file_is_not_new() {
    let repo = Repo::new();
    repo.write("old.py", &format!("{}{}\n", filler(30), key("a")));
    repo.commit("legacy");
    repo.git(&["mv", "old.py", "new.py"]);
    is_clean(&repo.staged());
}

#[test]
fn a_renamed_file_with_a_new_key() {
    let repo = Repo::new();
    let old = format!("{}{}\n", filler(30), key("a"));
    repo.write("old.py", &old);
    repo.commit("legacy");
    repo.git(&["mv", "old.py", "sub_new.py"]);
    repo.stage("sub_new.py", &format!("{old}{}\n", key("b")));
    blocks(&repo.staged(), &["sub_new.py:32"]);
}

#[test]
fn a_file_that_moves_out_of_the_tests() {
    let repo = Repo::new();
    let hook = expand("whsec_{base62:32}", "hook");
    repo.write("tests/fixtures/hook.py", &format!("{}{hook}\n", filler(9)));
    repo.commit("a fixture");
    fs::create_dir(repo.path().join("src")).unwrap();
    repo.git(&["mv", "tests/fixtures/hook.py", "src/hook.py"]);
    // Its place makes it worse, although no line changed.
    blocks(&repo.staged(), &["src/hook.py:10"]);
}

#[test]
fn a_deletion_and_a_change_of_mode_are_clean() {
    let repo = Repo::new();
    repo.write("a.sh", &key("a"));
    repo.write("b.sh", &key("b"));
    repo.commit("legacy");
    repo.git(&["rm", "-q", "a.sh"]);
    is_clean(&repo.staged());
    repo.git(&["update-index", "--chmod=+x", "b.sh"]);
    is_clean(&repo.staged());
}

#[test]
fn an_intent_to_add_is_not_staged() {
    let repo = Repo::new();
    repo.write("new.py", &key("a"));
    repo.git(&["add", "-N", "new.py"]);
    is_clean(&repo.staged());
    blocks(&repo.run(&["staged", "--uncommitted"]), &["new.py:1"]);
}

#[test]
fn what_is_uncommitted() {
    let repo = Repo::new();
    repo.write(".gitignore", "*.log\n.env\n");
    repo.write("tracked.py", &format!("one\n{}\n", key("old")));
    repo.commit("legacy");
    repo.write("untracked.py", &key("a"));
    repo.write("tracked.py", &format!("{}\none\n{}\n", key("new"), key("old")));
    repo.write("debug.log", &key("b"));
    repo.write(".env", &key("c"));
    repo.stage("staged.py", &key("d"));
    blocks(&repo.staged(), &["staged.py:1"]);
    let report = repo.run(&["staged", "--uncommitted"]);
    blocks(&report, &["staged.py:1", "tracked.py:1", "untracked.py:1"]);
    assert_eq!(report.findings()[2]["tracked"], false);
}

#[test]
fn line_ends_of_windows() {
    let repo = Repo::new();
    repo.stage("pay.py", &format!("one\r\n{}\r\n", key("a")));
    blocks(&repo.staged(), &["pay.py:2"]);
    repo.commit("with a key");
    // Only the line ends change.
    repo.git(&["config", "core.autocrlf", "false"]);
    repo.stage("pay.py", &format!("one\n{}\n", key("a")));
    is_clean(&repo.staged());
}

#[test]
fn a_file_in_utf_16() {
    let repo = Repo::new();
    for (name, mark) in [("le.txt", true), ("bare.txt", false)] {
        let text = format!("key = {}\r\n", key(name));
        let mut bytes: Vec<u8> = if mark { vec![0xFF, 0xFE] } else { Vec::new() };
        bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        repo.bytes(name, &bytes);
    }
    repo.git(&["add", "-A"]);
    blocks(&repo.staged(), &["bare.txt:1", "le.txt:1"]);
}

#[test]
fn attributes_and_text_conversion_hide_nothing() {
    let repo = Repo::new();
    repo.write(".gitattributes", "*.conf -diff\n*.bin diff=none\n*.lock binary\n");
    repo.git(&["config", "diff.none.textconv", "true"]);
    repo.commit("attributes");
    for path in ["a.conf", "b.bin", "c.lock"] {
        repo.stage(path, &format!("{}\n", key(path)));
    }
    blocks(&repo.staged(), &["a.conf:1", "b.bin:1", "c.lock:1"]);
}

#[test]
fn colours_and_other_tastes_change_nothing() {
    let repo = Repo::new();
    for setting in ["color.ui=always", "color.diff=always", "diff.noprefix=true", "diff.external=true", "core.pager=cat"] {
        let (key, value) = setting.split_once('=').unwrap();
        repo.git(&["config", key, value]);
    }
    repo.stage("pay.py", &key("a"));
    blocks(&repo.staged(), &["pay.py:1"]);
}

#[test]
fn a_clean_filter_is_what_is_committed() {
    let repo = Repo::new();
    repo.git(&["config", "filter.hide.clean", "sed s/sk_live_.*/hidden/"]);
    repo.write(".gitattributes", "*.py filter=hide\n");
    repo.stage("pay.py", &format!("{}\n", key("a")));
    is_clean(&repo.staged());
}

#[test]
fn odd_file_names() {
    let repo = Repo::new();
    let names = ["a b.py", "-rf.py", "new\nline.py", "quote\".py", "tab\t.py", "ünïcode.py", "*.py", "\u{1b}[31m.py"];
    for name in names {
        repo.stage(name, &key(name));
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        repo.bytes(std::ffi::OsStr::from_bytes(b"latin-\xfc.py"), key("latin").as_bytes());
        repo.git(&["add", "-A"]);
    }
    let report = repo.staged();
    assert_eq!((report.code, report.findings().len()), (Some(1), names.len() + 1), "{report:?}");
}

#[test]
fn a_file_that_is_named_like_a_key() {
    let repo = Repo::new();
    let name = format!("dumps/{}.txt", key("a"));
    repo.stage(&name, "nothing\n");
    let report = repo.staged();
    assert_eq!((report.code, report.findings().len()), (Some(1), 1), "{report:?}");
    let body = &key("a")[8..];
    assert!(!format!("{:?}", report.lines).contains(body));
}

#[test]
fn from_a_sub_directory_everything_is_seen() {
    let repo = Repo::new();
    repo.stage("other/pay.py", &key("a"));
    repo.write("here/x", "");
    blocks(&repo.run_in("here", &["staged"]), &["other/pay.py:1"]);
}

#[test]
fn a_linked_work_tree() {
    let repo = Repo::new();
    repo.git(&["worktree", "add", "-q", "../linked"]);
    let linked = repo.path().with_file_name("linked");
    fs::write(linked.join("pay.py"), key("a")).unwrap();
    repo.git(&["-C", "../linked", "add", "pay.py"]);
    blocks(&repo.run_in("../linked", &["staged"]), &["pay.py:1"]);
    is_clean(&repo.staged());
    blocks(&repo.run(&["staged", "-C", "../linked"]), &["pay.py:1"]);
}

#[test]
fn a_submodule_is_its_own_repository() {
    let inner = Repo::new();
    let repo = Repo::new();
    let url = inner.path().to_str().unwrap();
    repo.git(&["-c", "protocol.file.allow=always", "submodule", "add", "-q", url, "lib"]);
    let report = repo.staged();
    is_clean(&report);
    assert_eq!(report.summary()["excluded"], 1, "the submodule's commit");
    repo.write("lib/pay.py", &key("a"));
    repo.git(&["-C", "lib", "add", "pay.py"]);
    is_clean(&repo.staged());
    blocks(&repo.run_in("lib", &["staged"]), &["pay.py:1"]);
}

#[test]
fn what_a_merge_brings_is_not_ours() {
    let repo = Repo::new();
    repo.write("shared.py", "one\ntwo\nthree\n");
    repo.commit("base");
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.write("theirs.py", &key("theirs"));
    repo.write("shared.py", &format!("one\ntwo\nthree\n{}\n", key("four")));
    repo.commit("theirs");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("shared.py", "zero\none\ntwo\nthree\n");
    repo.commit("ours");
    repo.git(&["merge", "-q", "--no-commit", "--no-ff", "side"]);
    is_clean(&repo.staged());
    // What is added while merging is.
    let merged = fs::read_to_string(repo.path().join("shared.py")).unwrap();
    repo.stage("shared.py", &format!("{}\n{merged}", key("evil")));
    blocks(&repo.staged(), &["shared.py:1"]);
}

#[test]
fn a_conflict_is_not_called_clean() {
    let repo = Repo::new();
    repo.write("a.py", "one\n");
    repo.commit("base");
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.write("a.py", "two\n");
    repo.commit("side");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("a.py", "three\n");
    repo.commit("main");
    let merge = repo.tree.command("git").args(["merge", "-q", "side"]).output().unwrap();
    assert!(!merge.status.success());
    let report = repo.staged();
    assert_eq!((report.code, report.skipped().len()), (Some(3), 1), "{report:?}");
}

#[test]
fn an_index_that_git_names_for_a_hook() {
    let repo = Repo::new();
    repo.write("pay.py", &key("a"));
    repo.git(&["add", "pay.py"]);
    fs::copy(repo.path().join(".git/index"), repo.path().join(".git/next-index")).unwrap();
    repo.git(&["reset", "-q"]);
    is_clean(&repo.staged());
    let mut command = repo.tree.command(env!("CARGO_BIN_EXE_keyfence"));
    command.env("GIT_INDEX_FILE", ".git/next-index").env("GIT_DIR", ".git");
    blocks(&Report::new(&command.args(["staged", "-f", "jsonl"]).output().unwrap()), &["pay.py:1"]);
}

#[test]
fn outside_of_a_repository() {
    let tree = Tree::new();
    let run = |args: &[&str]| Report::new(&tree.keyfence(args));
    let report = run(&["staged"]);
    assert_eq!(report.code, Some(2), "{report:?}");
    assert!(report.stderr.contains("not in a git repository"), "{report:?}");
    tree.git(&["init", "-q", "--bare", "bare.git"]);
    let report = run(&["staged", "-C", "bare.git"]);
    assert_eq!(report.code, Some(2), "{report:?}");
    assert!(report.stderr.contains("bare"), "{report:?}");
    assert_eq!(run(&["staged", "-C", "nowhere"]).code, Some(2));
}

#[test]
fn objects_named_by_sha_256() {
    let tree = Tree::new();
    tree.git(&["init", "-q", "--object-format=sha256"]);
    let repo = Repo { tree };
    repo.write("a.py", &format!("{}\n", key("old")));
    repo.commit("legacy");
    repo.stage("b/pay.py", &key("a"));
    repo.stage("a.py", &format!("{}\n{}\n", key("old"), key("new")));
    blocks(&repo.staged(), &["a.py:2", "b/pay.py:1"]);
}

#[test]
fn every_kind_of_index() {
    for setup in [
        &["config", "index.version", "4"][..],
        &["config", "core.splitIndex", "true"],
        &["config", "core.untrackedCache", "true"],
        &["config", "feature.manyFiles", "true"],
        &["config", "index.threads", "4"],
    ] {
        let repo = Repo::new();
        repo.git(setup);
        for folder in 0..8 {
            for file in 0..8 {
                repo.write(&format!("d{folder}/e/f{file}.py"), &key(&format!("{folder}.{file}")));
            }
        }
        repo.commit("legacy");
        repo.git(&["status"]);
        repo.stage("d3/e/new.py", &key("new"));
        repo.git(&["rm", "-q", "d4/e/f1.py"]);
        blocks(&repo.staged(), &["d3/e/new.py:1"]);
    }
}

#[test]
fn a_sparse_index() {
    let repo = Repo::new();
    for folder in ["in", "out", "far/deep"] {
        repo.write(&format!("{folder}/a.py"), &key(folder));
    }
    repo.commit("legacy");
    repo.git(&["sparse-checkout", "init", "--cone", "--sparse-index"]);
    repo.git(&["sparse-checkout", "set", "in"]);
    is_clean(&repo.staged());
    repo.stage("in/new.py", &key("new"));
    blocks(&repo.staged(), &["in/new.py:1"]);
    // A whole folder that is not checked out changes: the tree of another commit.
    let main = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["commit", "-q", "-m", "with a key"]);
    repo.git(&["reset", "-q", "--soft", main.trim()]);
    blocks(&repo.staged(), &["in/new.py:1"]);
}

#[test]
fn folders_and_files_of_like_names() {
    let repo = Repo::new();
    for path in ["a/x.py", "a-b/x.py", "a.b", "a0/x.py", "ab"] {
        repo.write(path, &key(path));
    }
    repo.commit("legacy");
    is_clean(&repo.staged());
    // A file becomes a folder, a folder becomes a file.
    repo.git(&["rm", "-q", "-r", "ab", "a"]);
    repo.stage("ab/x.py", &key("new folder"));
    repo.stage("a", &key("new file"));
    blocks(&repo.staged(), &["a:1", "ab/x.py:1"]);
}

#[test]
fn objects_of_an_alternate_and_packs() {
    let repo = Repo::new();
    repo.write("a/old.py", &key("old"));
    repo.commit("legacy");
    repo.git(&["repack", "-q", "-a", "-d"]);
    repo.git(&["clone", "-q", "--shared", ".", "../copy"]);
    fs::write(repo.path().with_file_name("copy").join("a/new.py"), key("new")).unwrap();
    repo.git(&["-C", "../copy", "add", "a/new.py"]);
    blocks(&repo.run_in("../copy", &["staged"]), &["a/new.py:1"]);
}

#[test]
fn a_link_whose_target_is_a_key() {
    let repo = Repo::new();
    std::os::unix::fs::symlink(key("a"), repo.path().join("link")).unwrap();
    repo.git(&["add", "link"]);
    blocks(&repo.staged(), &["link:1"]);
}

#[test]
fn an_archive_that_is_staged() {
    let repo = Repo::new();
    repo.write("logs/app.py", &key("a"));
    let tar = repo.tree.command("tar").args(["czf", "logs.tgz", "logs"]).output().unwrap();
    assert!(tar.status.success());
    repo.git(&["add", "logs.tgz"]);
    let report = repo.staged();
    assert_eq!((report.code, report.places()), (Some(1), vec!["logs.tgz!logs/app.py:1".to_owned()]), "{report:?}");
    repo.git(&["commit", "-q", "-m", "archive"]);
    // The same member in an archive that changes.
    repo.write("logs/other.py", "nothing\n");
    assert!(repo.tree.command("tar").args(["czf", "logs.tgz", "logs"]).status().unwrap().success());
    repo.git(&["add", "logs.tgz"]);
    is_clean(&repo.staged());
}

#[test]
fn many_files_come_in_order() {
    let repo = Repo::new();
    let paths: Vec<String> = (10..60).map(|number| format!("src/f{number}.py")).collect();
    for path in &paths {
        repo.write(path, &key(path));
    }
    repo.git(&["add", "-A"]);
    let expected: Vec<String> = paths.iter().map(|path| format!("{path}:1")).collect();
    assert_eq!(repo.staged().places(), expected);
    assert_eq!(repo.run(&["staged", "-j", "1"]).places(), expected);
}

#[test]
fn an_allow_on_the_line() {
    let repo = Repo::new();
    let allow = "# keyfence:allow[stripe-secret-key] reason=\"a drill\"";
    repo.stage("pay.py", &format!("{} {allow}\n", key("a")));
    let report = repo.staged();
    is_clean(&report);
    assert_ne!(report.summary()["suppressed"], 0);
    blocks(&repo.run(&["staged", "--no-inline-allow"]), &["pay.py:1"]);
}

#[test]
fn a_damaged_index_and_a_missing_object_are_not_clean() {
    let repo = Repo::new();
    repo.stage("pay.py", &key("a"));
    let id = repo.git(&["rev-parse", ":pay.py"]);
    fs::remove_file(repo.path().join(".git/objects").join(&id[..2]).join(id[2..].trim())).unwrap();
    let report = repo.staged();
    assert_eq!((report.code, report.skipped().len()), (Some(3), 1), "{report:?}");
    let index = repo.path().join(".git/index");
    let bytes = fs::read(&index).unwrap();
    fs::write(&index, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(repo.staged().code, Some(3));
}

#[test]
fn a_key_of_every_severity_blocks_as_the_gate_says() {
    let repo = Repo::new();
    repo.stage("pay.py", &expand("sk_test_{base62:24}", "sandbox"));
    let report = repo.staged();
    assert_eq!((report.code, report.findings().len()), (Some(0), 1), "{report:?}");
    assert_eq!(repo.run(&["staged", "--fail-on", "low", "--exit-code", "9"]).code, Some(9));
    assert!(LIVE.starts_with("sk_live_"));
}

#[test]
fn work_trees_of_a_bare_repository() {
    let tree = Tree::new();
    tree.git(&["init", "-q", "--bare", "-b", "main", ".bare"]);
    fs::write(tree.path().join(".git"), "gitdir: ./.bare\n").unwrap();
    tree.git(&["worktree", "add", "-q", "--orphan", "-b", "main", "main"]);
    let repo = Repo { tree };
    repo.write("main/pay.py", &key("a"));
    repo.git(&["-C", "main", "add", "-A"]);
    blocks(&repo.run_in("main", &["staged"]), &["pay.py:1"]);
    // As git calls its hooks there.
    let own = repo.path().join(".bare/worktrees/main");
    for settings in [&["config", "core.bare", "true"][..], &["config", "extensions.worktreeConfig", "true"]] {
        repo.git(&[&["-C", "main"], settings].concat());
        let mut command = repo.tree.command(env!("CARGO_BIN_EXE_keyfence"));
        command.current_dir(repo.path().join("main")).env("GIT_DIR", &own).env("GIT_INDEX_FILE", own.join("index"));
        blocks(&Report::new(&command.args(["staged", "-f", "jsonl"]).output().unwrap()), &["pay.py:1"]);
    }
    assert_eq!(repo.run(&["history"]).findings().len(), 1);
}

#[test]
fn a_work_tree_elsewhere_by_its_own_settings() {
    let repo = Repo::new();
    repo.git(&["config", "extensions.worktreeConfig", "true"]);
    repo.git(&["worktree", "add", "-q", "../linked"]);
    fs::create_dir(repo.path().with_file_name("elsewhere")).unwrap();
    let elsewhere = repo.path().with_file_name("elsewhere");
    repo.git(&["-C", "../linked", "config", "--worktree", "core.worktree", elsewhere.to_str().unwrap()]);
    fs::write(elsewhere.join("pay.py"), key("a")).unwrap();
    let own = repo.path().join(".git/worktrees/linked");
    repo.git(&["--git-dir", own.to_str().unwrap(), "add", "pay.py"]);
    let mut command = repo.tree.command(env!("CARGO_BIN_EXE_keyfence"));
    command.env("GIT_DIR", &own);
    blocks(&Report::new(&command.args(["staged", "-f", "jsonl"]).output().unwrap()), &["pay.py:1"]);
}

/// A new file against configuration that is committed and does not change; and nothing else of the repository.
#[test]
fn a_webhook_secret_that_a_committed_file_has_as_well() {
    let repo = Repo::new();
    let (hook, other) = (expand("whsec_{base62:32}", "shared"), expand("whsec_{base62:32}", "other"));
    repo.stage(".env.sandbox", &format!("STRIPE_WEBHOOK_SECRET={hook}\n"));
    repo.stage("notes/old.txt", &format!("STRIPE_WEBHOOK_SECRET={other}\n"));
    repo.git(&["commit", "-q", "-m", "sandbox"]);
    let shared = |report: &Report| {
        let kind = |finding: &&&serde_json::Value| finding["kind"] == "shared-webhook-secret";
        report.findings().iter().filter(kind).map(ToString::to_string).collect::<Vec<_>>()
    };
    repo.stage(".env.production", &format!("STRIPE_WEBHOOK_SECRET={hook}\n"));
    // Only the index counts, on both sides.
    fs::remove_file(repo.path().join(".env.sandbox")).unwrap();
    fs::remove_file(repo.path().join(".env.production")).unwrap();
    let report = repo.staged();
    let told = shared(&report);
    assert!(told.len() == 1 && told[0].contains(".env.sandbox") && told[0].contains(".env.production"), "{report:?}");
    repo.stage(".env.production", &format!("STRIPE_WEBHOOK_SECRET={other}\n"));
    assert!(shared(&repo.staged()).is_empty(), "notes configure nothing");
    // Both committed: a change elsewhere in one of them tells nothing again.
    repo.stage(".env.sandbox", &format!("STRIPE_WEBHOOK_SECRET={hook}\n"));
    repo.stage(".env.production", &format!("STRIPE_WEBHOOK_SECRET={hook}\n"));
    repo.git(&["commit", "-q", "--no-verify", "-m", "both"]);
    repo.stage(".env.production", &format!("DEBUG=0\nSTRIPE_WEBHOOK_SECRET={hook}\n"));
    assert!(shared(&repo.staged()).is_empty());
}

#[test]
fn files_whose_name_says_what_they_hold() {
    let repo = Repo::new();
    repo.stage("config/master.key", &expand("{hex:32}\n", "master"));
    repo.stage(".pgpass", &expand("db.corp.example:5432:shop:app:{base62:24}\n", "pgpass"));
    repo.stage(".git-credentials", &expand("https://app:{base62:24}@git.corp.example\n", "git"));
    repo.stage("docs/pgpass.md", &expand("db.corp.example:5432:shop:app:{base62:24}\n", "doc"));
    blocks(&repo.staged(), &[".git-credentials:1", ".pgpass:1", "config/master.key:1"]);
}
