//! What people do with git all day, with the hook in place: amend, pick lines, stash, rebase, revert,
//! links, line ends, filters, folders elsewhere, programs with a short path.

use std::fs;
use std::thread;
use std::time::Duration;

use super::hooks::{commit, keyfence, run};
use super::{Repo, Report, key};

/// A repository whose commits are looked at.
fn guarded() -> Repo {
    let repo = Repo::new();
    keyfence(&repo, &["hook", "install"]);
    repo
}

#[track_caller]
fn goes_through(repo: &Repo, args: &[&str]) {
    let (success, said) = run(repo, "git", args);
    assert!(success, "{args:?}: {said}");
}

#[track_caller]
fn is_stopped(repo: &Repo, args: &[&str], names: &str) {
    let (success, said) = run(repo, "git", args);
    assert!(!success && said.contains(names), "{args:?}: {said}");
}

/// Commits past the hook.
fn legacy(repo: &Repo, path: &str, text: &str) {
    repo.stage(path, text);
    repo.git(&["commit", "-q", "--no-verify", "-m", "legacy"]);
}

#[test]
fn an_amended_commit() {
    let repo = guarded();
    legacy(&repo, "pay.py", &format!("{}\n", key("a")));
    repo.stage("other.py", "clean\n");
    goes_through(&repo, &["commit", "-q", "--amend", "-m", "other words"]);
    repo.stage("pay.py", "clean\n");
    goes_through(&repo, &["commit", "-q", "--amend", "-m", "without it"]);
    repo.stage("pay.py", &format!("clean\n{}\n", key("b")));
    is_stopped(&repo, &["commit", "--amend", "-m", "with another"], "pay.py:2");
}

#[test]
fn lines_that_are_picked() {
    let repo = guarded();
    let lines = "\n".repeat(12);
    legacy(&repo, "pay.py", &format!("a{lines}b\n"));
    repo.write("pay.py", &format!("{}\na{lines}b and more\n", key("a")));
    let pick = |answers: &str| {
        let script = format!("printf '{answers}' | git commit -q -p -m picked");
        run(&repo, "sh", &["-c", &script])
    };
    let (success, said) = pick("y\\nn\\n");
    assert!(!success && said.contains("pay.py:1"), "{said}");
    let (success, said) = pick("n\\ny\\n");
    assert!(success, "{said}");
    assert!(repo.git(&["status", "--short"]).starts_with(" M pay.py"), "the key stays where it was");
}

#[test]
fn a_stash_comes_back() {
    let repo = guarded();
    repo.stage("pay.py", &key("a"));
    goes_through(&repo, &["stash", "-q"]);
    assert_eq!(repo.staged().code, Some(0));
    goes_through(&repo, &["stash", "pop", "-q", "--index"]);
    is_stopped(&repo, &["commit", "-m", "x"], "pay.py:1");
}

#[test]
fn in_the_middle_of_a_rebase() {
    let repo = guarded();
    for name in ["one", "two", "three"] {
        repo.stage(name, "x\n");
        repo.git(&["commit", "-q", "--no-verify", "-m", name]);
    }
    repo.git(&["-c", "sequence.editor=sed -i 2s/pick/edit/", "rebase", "-q", "-i", "HEAD~3"]);
    repo.stage("pay.py", &key("a"));
    is_stopped(&repo, &["commit", "--amend", "--no-edit"], "pay.py:1");
    repo.git(&["rm", "-q", "-f", "--cached", "pay.py"]);
    repo.stage("clean.py", "x\n");
    goes_through(&repo, &["commit", "-q", "--amend", "--no-edit"]);
    goes_through(&repo, &["rebase", "--continue"]);
}

#[test]
fn a_revert_brings_a_key_back() {
    let repo = guarded();
    legacy(&repo, "pay.py", &key("a"));
    repo.git(&["rm", "-q", "pay.py"]);
    repo.git(&["commit", "-q", "-m", "gone"]);
    repo.git(&["revert", "-n", "HEAD"]);
    is_stopped(&repo, &["commit", "-m", "back"], "pay.py:1");
}

#[test]
fn a_file_becomes_a_link_and_a_link_a_file() {
    let repo = guarded();
    legacy(&repo, "x", "nothing\n");
    let link = |target: &str| {
        fs::remove_file(repo.path().join("x")).unwrap();
        std::os::unix::fs::symlink(target, repo.path().join("x")).unwrap();
        repo.git(&["add", "x"]);
    };
    link(&key("a"));
    is_stopped(&repo, &["commit", "-m", "x"], "x:1");
    link("README.md");
    goes_through(&repo, &["commit", "-q", "-m", "x"]);
    fs::remove_file(repo.path().join("x")).unwrap();
    repo.stage("x", &key("b"));
    is_stopped(&repo, &["commit", "-m", "x"], "x:1");
}

#[test]
fn a_sparse_checkout_with_the_hook() {
    let repo = guarded();
    repo.write("in/a.py", "x\n");
    legacy(&repo, "out/a.py", &key("out"));
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-q", "-m", "both"]);
    for mode in [&["--cone", "in"][..], &["--no-cone", "/*", "!out"]] {
        repo.git(&[&["sparse-checkout", "set"], mode].concat());
        repo.stage("in/a.py", &format!("{mode:?}\n"));
        goes_through(&repo, &["commit", "-q", "-m", "x"]);
        assert_eq!(repo.run(&["staged", "--uncommitted"]).code, Some(0));
        repo.stage("in/new.py", &key("new"));
        is_stopped(&repo, &["commit", "-m", "x"], "in/new.py:1");
        repo.git(&["rm", "-q", "-f", "in/new.py"]);
        keyfence(&repo, &["hook", "verify"]);
    }
}

/// What is on disk is not what is staged: line ends, encodings, filters.
#[test]
fn a_file_that_git_converts_and_nobody_changed() {
    let repo = Repo::new();
    repo.git(&["config", "core.autocrlf", "true"]);
    repo.git(&["config", "filter.hide.clean", "tr a-z n-za-m"]);
    repo.write(".gitattributes", "*.txt working-tree-encoding=UTF-16LE eol=crlf\n*.sec filter=hide\n");
    let text = format!("one\r\n{}\r\n", key("a"));
    repo.write("crlf.py", &text);
    repo.bytes("wide.txt", &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    repo.write("hidden.sec", &text);
    // The clock of the file system stands still for some milliseconds.
    thread::sleep(Duration::from_millis(50));
    repo.commit("converted");
    assert_eq!(repo.run(&["staged", "--uncommitted"]).places(), [""; 0]);
    repo.write("crlf.py", &format!("{text}more\r\n"));
    assert_eq!(repo.run(&["staged", "--uncommitted"]).places(), [""; 0], "only a line was added");
    repo.git(&["add", "-A"]);
    assert_eq!(repo.staged().places(), [""; 0]);
}

#[test]
fn a_folder_of_git_and_a_work_tree_that_variables_name() {
    let repo = Repo::new();
    repo.stage("sub/pay.py", &key("a"));
    let git = repo.path().with_file_name("elsewhere.git");
    fs::rename(repo.path().join(".git"), &git).unwrap();
    let top = repo.path().to_str().unwrap();
    for (folder, dir, tree) in
        [("/", git.to_str().unwrap(), top), ("", "../elsewhere.git", "."), ("sub", "../../elsewhere.git", "..")]
    {
        let mut command = repo.tree.command(env!("CARGO_BIN_EXE_keyfence"));
        command.current_dir(repo.path().join(folder)).env("GIT_DIR", dir).env("GIT_WORK_TREE", tree);
        let report = Report::new(&command.args(["staged", "-f", "jsonl"]).output().unwrap());
        assert_eq!((report.places(), report.code), (vec!["sub/pay.py:1".to_owned()], Some(1)), "{folder}: {report:?}");
    }
}

#[test]
fn settings_at_home_in_a_bare_repository() {
    let repo = Repo::new();
    repo.git(&["init", "-q", "--bare", ".dotfiles"]);
    let git = ["--git-dir=.dotfiles", "--work-tree=."];
    repo.write(".bashrc", &format!("export STRIPE_KEY={}\n", key("a")));
    let mut install = repo.tree.command(env!("CARGO_BIN_EXE_keyfence"));
    install.env("GIT_DIR", ".dotfiles").env("GIT_WORK_TREE", ".");
    assert!(install.args(["hook", "install"]).status().unwrap().success());
    repo.git(&[&git[..], &["add", ".bashrc"]].concat());
    is_stopped(&repo, &[&git[..], &["commit", "-m", "x"]].concat(), ".bashrc:1");
}

#[test]
fn a_program_with_windows_and_a_short_path() {
    let repo = guarded();
    repo.stage("pay.py", &key("a"));
    for path in ["/usr/bin:/bin", ""] {
        let mut command = repo.tree.command("/usr/bin/env");
        command.args(["-u", "HOME"]).env("PATH", path).env("LC_ALL", "C").env("TERM", "dumb");
        let git =
            std::env::split_paths(&std::env::var_os("PATH").unwrap()).map(|folder| folder.join("git")).find(|git| git.is_file());
        let output = command.arg(git.unwrap()).args(["commit", "-q", "-m", "x"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && said.contains("pay.py:1"), "{path:?}: {said}");
    }
}

#[test]
fn what_replaces_an_object_hides_nothing() {
    let repo = Repo::new();
    repo.write("pay.py", &key("a"));
    repo.commit_at(1, "oops");
    repo.write("pay.py", "clean\n");
    repo.commit_at(2, "clean");
    repo.git(&["replace", "--graft", "HEAD"]);
    // The blob with the key is replaced by the clean one, for whoever asks git.
    let leak = repo.git(&["--no-replace-objects", "rev-parse", "HEAD~1:pay.py"]);
    let clean = repo.git(&["rev-parse", "HEAD:pay.py"]);
    repo.git(&["replace", leak.trim(), clean.trim()]);
    assert_eq!(repo.git(&["cat-file", "blob", leak.trim()]), "clean\n");
    for args in [&["history"][..], &["history", "HEAD"]] {
        assert_eq!(repo.run(args).places(), ["pay.py:1"], "{args:?}");
    }
    repo.stage("pay.py", "clean\nmore\n");
    assert_eq!(repo.staged().code, Some(0));
}

#[test]
fn a_partial_clone_with_the_hook() {
    let origin = Repo::new();
    origin.write("d/pay.py", &format!("{}\n", key("old")));
    origin.commit("legacy");
    origin.git(&["config", "uploadpack.allowFilter", "true"]);
    origin.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let url = format!("file://{}", origin.path().display());
    for filter in ["blob:none", "tree:0"] {
        let folder = format!("../{}", filter.replace(':', "-"));
        origin.git(&["clone", "-q", &format!("--filter={filter}"), &url, &folder]);
        keyfence(&origin, &["hook", "install", "-C", &folder]);
        let clone = origin.path().join(&folder);
        fs::write(clone.join("d/pay.py"), format!("{}\nmore\n", key("old"))).unwrap();
        origin.git(&["-C", &folder, "mv", "d/pay.py", "d/moved.py"]);
        let (success, said) = run(&origin, "git", &["-C", &folder, "commit", "-q", "-a", "-m", "x"]);
        assert!(success, "{filter}: {said}");
        fs::write(clone.join("new.py"), key("new")).unwrap();
        origin.git(&["-C", &folder, "add", "-A"]);
        let (success, said) = run(&origin, "git", &["-C", &folder, "commit", "-q", "-m", "x"]);
        assert!(!success && said.contains("new.py:1"), "{filter}: {said}");
    }
}

#[test]
fn a_hook_in_a_submodule() {
    let inner = Repo::new();
    let repo = guarded();
    let url = inner.path().to_str().unwrap();
    goes_through(&repo, &["-c", "protocol.file.allow=always", "submodule", "add", "-q", url, "lib"]);
    assert!(commit(&repo).0, "the commit of a submodule is none of ours");
    keyfence(&repo, &["hook", "install", "-C", "lib"]);
    keyfence(&repo, &["hook", "verify", "-C", "lib"]);
    fs::write(repo.path().join("lib/pay.py"), key("a")).unwrap();
    repo.git(&["-C", "lib", "add", "-A"]);
    is_stopped(&repo, &["-C", "lib", "commit", "-m", "x"], "pay.py:1");
}
