//! `keyfence hook`: installed beside what is there, proven to block, taken out again.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::{Repo, key};
use crate::plant::Tree;

/// A command in the repository that finds keyfence on its path.
fn command(repo: &Repo, program: &str) -> Command {
    let mut command = repo.tree.command(program);
    let folder = Path::new(env!("CARGO_BIN_EXE_keyfence")).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(folder).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(paths).unwrap());
    command
}

pub(super) fn run(repo: &Repo, program: &str, args: &[&str]) -> (bool, String) {
    let Output { status, stdout, stderr } = command(repo, program).args(args).output().unwrap();
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[track_caller]
pub(super) fn keyfence(repo: &Repo, args: &[&str]) -> String {
    let (success, said) = run(repo, env!("CARGO_BIN_EXE_keyfence"), args);
    assert!(success, "{args:?}: {said}");
    said
}

pub(super) fn commit(repo: &Repo) -> (bool, String) {
    run(repo, "git", &["commit", "-q", "-m", "x"])
}

#[track_caller]
pub(super) fn blocks(repo: &Repo) {
    let before = repo.git(&["rev-parse", "HEAD"]);
    repo.stage("pay.py", &key("blocked"));
    let (success, said) = commit(repo);
    assert!(!success && said.contains("pay.py"), "{said}");
    assert!(!said.contains(&key("blocked")[8..]), "{said}");
    assert_eq!(before, repo.git(&["rev-parse", "HEAD"]));
    repo.stage("pay.py", &format!("clean, after {before}"));
    let (success, said) = commit(repo);
    assert!(success, "{said}");
}

pub(super) fn executable(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn installed_proven_and_removed() {
    let repo = Repo::new();
    let hook = repo.path().join(".git/hooks/pre-commit");
    keyfence(&repo, &["hook", "install"]);
    assert!(keyfence(&repo, &["hook", "install"]).contains("already"));
    assert!(keyfence(&repo, &["hook", "status"]).contains("pre-commit   "), "one line for each");
    assert!(keyfence(&repo, &["hook", "verify"]).contains("blocked"));
    blocks(&repo);
    keyfence(&repo, &["hook", "uninstall"]);
    assert!(!hook.exists());
    repo.stage("pay.py", &key("a"));
    assert!(commit(&repo).0);
    let (success, _) = run(&repo, env!("CARGO_BIN_EXE_keyfence"), &["hook", "status"]);
    assert!(!success);
}

#[test]
fn verify_leaves_the_repository_as_it_is() {
    let repo = Repo::new();
    keyfence(&repo, &["hook", "install"]);
    repo.stage("half.py", "staged\n");
    repo.write("half.py", "staged\nand not\n");
    repo.write("untracked.py", "x\n");
    let state = || {
        let files = repo.tree.command("find").args([".", "-type", "f", "-printf", "%p %s %T@\n"]).output().unwrap().stdout;
        (files, repo.git(&["--no-optional-locks", "status", "--porcelain=v2"]), repo.git(&["for-each-ref"]))
    };
    repo.git(&["status"]);
    let before = state();
    keyfence(&repo, &["hook", "verify"]);
    assert_eq!(before, state());
}

#[test]
fn verify_sees_a_hook_that_does_not_block() {
    let repo = Repo::new();
    let hook = repo.path().join(".git/hooks/pre-commit");
    let verify = || run(&repo, env!("CARGO_BIN_EXE_keyfence"), &["hook", "verify", "--hook", "pre-commit"]);
    let (success, said) = verify();
    assert!(!success && said.contains("went through"), "no hook: {said}");
    executable(&hook, "#!/bin/sh\nkeyfence staged || true\n");
    let (success, said) = verify();
    assert!(!success && said.contains("went through"), "{said}");
    executable(&hook, "#!/bin/sh\necho no >&2; exit 1\n");
    let (success, said) = verify();
    assert!(!success && said.contains("not by keyfence"), "{said}");
    executable(&hook, "#!/bin/sh\nexec keyfence staged\n");
    assert!(verify().0);
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let (success, said) = verify();
    assert!(!success && said.contains("went through"), "{said}");
}

#[test]
fn an_existing_hook_still_runs_behind_ours() {
    for text in [
        "#!/bin/sh\ntouch ran\nexit 0\n",
        "#!/usr/bin/env bash\nset -euo pipefail\ntouch ran\n",
        "#!/usr/bin/env python3\nopen('ran', 'w')\n",
    ] {
        let repo = Repo::new();
        let hook = repo.path().join(".git/hooks/pre-commit");
        executable(&hook, text);
        keyfence(&repo, &["hook", "install"]);
        keyfence(&repo, &["hook", "verify"]);
        let ran = repo.path().join("ran");
        repo.stage("pay.py", &key("blocked"));
        assert!(!commit(&repo).0);
        assert!(!ran.exists(), "nothing runs behind a block");
        repo.stage("pay.py", "clean\n");
        let (success, said) = commit(&repo);
        assert!(success && ran.exists(), "{said}");
        keyfence(&repo, &["hook", "uninstall"]);
        assert_eq!(fs::read_to_string(&hook).unwrap(), text);
    }
}

#[test]
fn a_hook_that_is_a_link_is_not_written_through() {
    let repo = Repo::new();
    let script = repo.path().join("scripts/hook.sh");
    executable(&script, "#!/bin/sh\ntouch ran\n");
    let hook = repo.path().join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("../../scripts/hook.sh", &hook).unwrap();
    keyfence(&repo, &["hook", "install"]);
    assert_eq!(fs::read_to_string(&script).unwrap(), "#!/bin/sh\ntouch ran\n");
    blocks(&repo);
    assert!(repo.path().join("ran").exists());
    keyfence(&repo, &["hook", "uninstall"]);
    assert!(fs::symlink_metadata(&hook).unwrap().is_symlink());
}

#[test]
fn hooks_in_a_folder_of_the_projects_own() {
    for path in ["tools/hooks", "/absolute"] {
        let repo = Repo::new();
        let folder = if path == "/absolute" { repo.path().with_file_name("home").join("hooks") } else { repo.path().join(path) };
        let named = if path == "/absolute" { folder.to_str().unwrap().to_owned() } else { path.to_owned() };
        repo.git(&["config", "core.hooksPath", &named]);
        keyfence(&repo, &["hook", "install"]);
        assert!(folder.join("pre-commit").exists());
        keyfence(&repo, &["hook", "verify"]);
        blocks(&repo);
    }
}

#[test]
fn a_linked_work_tree_and_a_sub_directory() {
    let repo = Repo::new();
    repo.git(&["worktree", "add", "-q", "../linked"]);
    keyfence(&repo, &["hook", "install", "-C", "../linked"]);
    assert!(repo.path().join(".git/hooks/pre-commit").exists());
    keyfence(&repo, &["hook", "verify", "-C", "../linked"]);
    fs::create_dir_all(repo.path().join("../linked/sub")).unwrap();
    fs::write(repo.path().join("../linked/sub/pay.py"), key("a")).unwrap();
    repo.git(&["-C", "../linked", "add", "-A"]);
    let (success, said) = run(&repo, "git", &["-C", "../linked/sub", "commit", "-q", "-m", "x"]);
    assert!(!success && said.contains("sub/pay.py"), "{said}");
}

#[test]
fn settings_that_break_others() {
    let repo = Repo::new();
    for (key, value) in [("color.ui", "always"), ("diff.noprefix", "true"), ("status.short", "true"), ("commit.verbose", "true")]
    {
        repo.git(&["config", key, value]);
    }
    repo.write(".gitattributes", "* -diff\n");
    repo.commit("attributes");
    keyfence(&repo, &["hook", "install"]);
    keyfence(&repo, &["hook", "verify"]);
    blocks(&repo);
}

#[test]
fn what_git_hands_to_a_hook_when_it_commits_a_file_or_everything() {
    let repo = Repo::new();
    repo.write("a.py", "one\n");
    repo.write("b.py", "one\n");
    repo.commit("two files");
    keyfence(&repo, &["hook", "install"]);
    repo.write("a.py", "two\n");
    repo.write("b.py", &key("b"));
    // Only a.py is committed: the index that git names says so.
    assert!(run(&repo, "git", &["commit", "-q", "-m", "x", "a.py"]).0);
    let (success, said) = run(&repo, "git", &["commit", "-q", "-a", "-m", "x"]);
    assert!(!success && said.contains("b.py"), "{said}");
    let (success, said) = run(&repo, "git", &["commit", "-q", "-m", "x", "b.py"]);
    assert!(!success && said.contains("b.py"), "{said}");
}

#[test]
fn an_absent_program_lets_nothing_through() {
    let repo = Repo::new();
    keyfence(&repo, &["hook", "install"]);
    let hook = repo.path().join(".git/hooks/pre-commit");
    let text = fs::read_to_string(&hook).unwrap().replace(env!("CARGO_BIN_EXE_keyfence"), "/nowhere/keyfence");
    fs::write(&hook, text).unwrap();
    repo.stage("a.py", "clean\n");
    let output = repo.tree.command("git").args(["commit", "-q", "-m", "x"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("not installed"));
    assert!(run(&repo, "git", &["commit", "-q", "--no-verify", "-m", "x"]).0);
}

/// A repository with a remote, its branch pushed.
pub(super) fn with_remote() -> Repo {
    let repo = Repo::new();
    repo.git(&["init", "-q", "--bare", "-b", "main", "../remote.git"]);
    repo.git(&["remote", "add", "origin", "../remote.git"]);
    repo.write("old.py", &key("old"));
    repo.commit("a legacy");
    repo.git(&["push", "-q", "-u", "origin", "main"]);
    repo
}

#[test]
fn a_push_is_scanned_from_what_the_remote_has() {
    let repo = with_remote();
    keyfence(&repo, &["hook", "install", "--hook", "pre-push"]);
    repo.write("new.py", "clean\n");
    repo.commit("clean");
    let (success, said) = run(&repo, "git", &["push", "-q"]);
    assert!(success, "the legacy is there already: {said}");
    // Added and removed again: the commit between them would be pushed.
    repo.write("new.py", &key("between"));
    repo.commit("oops");
    repo.write("new.py", "clean\n");
    repo.commit("removed");
    let (success, said) = run(&repo, "git", &["push", "-q"]);
    assert!(!success && said.contains("new.py") && !said.contains("old.py"), "{said}");
    // A new branch from what is there.
    repo.git(&["checkout", "-q", "-b", "topic", "origin/main"]);
    assert!(run(&repo, "git", &["push", "-q", "origin", "topic"]).0);
    repo.write("topic.py", &key("topic"));
    repo.commit("topic");
    assert!(!run(&repo, "git", &["push", "-q", "origin", "topic"]).0);
    // Taking a branch away pushes nothing.
    assert!(run(&repo, "git", &["push", "-q", "origin", ":topic"]).0);
    keyfence(&repo, &["hook", "verify"]);
}

#[test]
fn a_push_hook_that_was_there_gets_its_input() {
    let repo = with_remote();
    let hook = repo.path().join(".git/hooks/pre-push");
    executable(&hook, "#!/bin/sh\necho \"$1\" > told\ncat >> told\n");
    keyfence(&repo, &["hook", "install", "--hook", "pre-push"]);
    repo.write("new.py", "clean\n");
    repo.commit("clean");
    let (success, said) = run(&repo, "git", &["push", "-q"]);
    assert!(success, "{said}");
    let told = fs::read_to_string(repo.path().join("told")).unwrap();
    assert!(told.starts_with("origin\nrefs/heads/main "), "{told}");
}

#[test]
fn a_server_refuses_a_push() {
    let repo = with_remote();
    keyfence(&repo, &["hook", "install", "--hook", "pre-receive", "-C", "../remote.git"]);
    keyfence(&repo, &["hook", "verify", "-C", "../remote.git"]);
    repo.write("new.py", "clean\n");
    repo.commit("clean");
    let (success, said) = run(&repo, "git", &["push", "-q"]);
    assert!(success, "{said}");
    repo.write("new.py", &key("a"));
    repo.commit("oops");
    let (success, said) = run(&repo, "git", &["push", "-q"]);
    assert!(!success && said.contains("new.py"), "{said}");
    assert_eq!(repo.git(&["-C", "../remote.git", "rev-parse", "main"]), repo.git(&["rev-parse", "HEAD~1"]));
    // In the message of a tag, and what nothing leads to but a tag.
    repo.git(&["tag", "-a", "v1", "-m", &key("tag"), "HEAD~1"]);
    let (success, said) = run(&repo, "git", &["push", "-q", "origin", "v1"]);
    assert!(!success && said.contains("(tag message)"), "{said}");
    let input = repo.path().join("../blob");
    fs::write(&input, key("blob")).unwrap();
    let blob = repo.git(&["hash-object", "-w", "../blob"]);
    repo.git(&["tag", "of-a-file", blob.trim()]);
    let (success, said) = run(&repo, "git", &["push", "-q", "origin", "of-a-file"]);
    assert!(!success && said.contains("(content without a path)"), "{said}");
    // Packs in quarantine are read as well as loose objects.
    repo.git(&["-C", "../remote.git", "config", "receive.unpackLimit", "1"]);
    let (success, said) = run(&repo, "git", &["push", "-q", "origin", "main:refs/heads/new"]);
    assert!(!success && said.contains("new.py"), "{said}");
    assert!(run(&repo, "git", &["push", "-q", "origin", "HEAD~1:refs/heads/new"]).0);
    assert!(run(&repo, "git", &["push", "-q", "origin", ":new"]).0, "taking a branch away");
}

#[test]
fn a_project_with_husky() {
    let repo = Repo::new();
    // As husky 9 lays it out: its own scripts run those of the project.
    let wrapper = "#!/usr/bin/env sh\n. \"$(dirname \"$0\")/h\"\n";
    executable(&repo.path().join(".husky/_/pre-commit"), wrapper);
    let h =
        "n=$(basename \"$0\")\ns=$(dirname \"$(dirname \"$0\")\")/$n\n[ ! -f \"$s\" ] && exit 0\nsh -e \"$s\" \"$@\"\nexit $?\n";
    executable(&repo.path().join(".husky/_/h"), h);
    repo.write(".husky/pre-commit", "touch ran\n");
    repo.git(&["config", "core.hooksPath", ".husky/_"]);
    keyfence(&repo, &["hook", "install"]);
    assert_eq!(fs::read_to_string(repo.path().join(".husky/_/pre-commit")).unwrap(), wrapper);
    assert!(keyfence(&repo, &["hook", "status"]).contains(".husky/pre-commit runs keyfence"));
    keyfence(&repo, &["hook", "verify"]);
    blocks(&repo);
    assert!(repo.path().join("ran").exists());
    keyfence(&repo, &["hook", "uninstall"]);
    assert_eq!(fs::read_to_string(repo.path().join(".husky/pre-commit")).unwrap(), "touch ran\n");
}

#[test]
fn hooks_that_a_tool_writes_are_left_to_it() {
    let repo = Repo::new();
    repo.write("lefthook.yml", "pre-commit:\n  commands: {}\n");
    let (success, said) = run(&repo, env!("CARGO_BIN_EXE_keyfence"), &["hook", "install"]);
    assert!(!success && said.contains("lefthook.yml") && said.contains("keyfence hook run pre-commit"), "{said}");
    repo.write("lefthook.yml", "pre-commit:\n  commands:\n    keyfence:\n      run: keyfence hook run pre-commit\n");
    assert!(keyfence(&repo, &["hook", "install"]).contains("already"));
    let repo = Repo::new();
    executable(
        &repo.path().join(".git/hooks/pre-commit"),
        "#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\n",
    );
    let (success, said) = run(&repo, env!("CARGO_BIN_EXE_keyfence"), &["hook", "install"]);
    assert!(!success && said.contains(".pre-commit-config.yaml") && said.contains("id: keyfence"), "{said}");
}

#[test]
fn outside_of_a_repository_and_bad_input() {
    let tree = Tree::new();
    for command in ["install", "uninstall", "status", "verify"] {
        assert_eq!(tree.keyfence(&["hook", command]).status.code(), Some(2), "{command}");
    }
    let repo = Repo::new();
    let mut child = command(&repo, env!("CARGO_BIN_EXE_keyfence"));
    let output = child.args(["hook", "run", "pre-push"]).stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "nothing is pushed");
    let input = repo.path().join("input");
    fs::write(&input, "nonsense\n").unwrap();
    let stdin = fs::File::open(&input).unwrap();
    let output = command(&repo, env!("CARGO_BIN_EXE_keyfence")).args(["hook", "run", "pre-push"]).stdin(stdin).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// The real framework; it is no part of the gate, because it comes from another registry.
/// What is clean is pushed, and a key that no commit was asked about is not.
fn pushes_are_asked(repo: &Repo) {
    let (success, said) = run(repo, "git", &["push", "-q"]);
    assert!(success, "{said}");
    repo.write("new.py", &key("pushed"));
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-q", "--no-verify", "-m", "oops"]);
    let (success, said) = run(repo, "git", &["push", "-q"]);
    assert!(!success && said.contains("new.py"), "{said}");
}

#[test]
#[ignore = "wants pre-commit on the path"]
fn the_pre_commit_framework() {
    let hooks = Repo::new();
    let ours = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml")).unwrap();
    // The program is there: what would be built is taken from the path.
    hooks.write(".pre-commit-hooks.yaml", &ours.replace("language: rust", "language: system"));
    hooks.commit("hooks");
    let rev = hooks.git(&["rev-parse", "HEAD"]);
    let repo = with_remote();
    let config = format!(
        "default_install_hook_types: [pre-commit, pre-push]\nrepos:\n- repo: {}\n  rev: {}\n  hooks:\n  - id: keyfence\n  - id: keyfence-system\n  - id: keyfence-push\n",
        hooks.path().display(),
        rev.trim()
    );
    repo.write(".pre-commit-config.yaml", &config);
    repo.commit("config");
    let (success, said) = run(&repo, "pre-commit", &["install"]);
    assert!(success, "{said}");
    blocks(&repo);
    // Staged, and not in the file any more.
    repo.stage("half.py", &key("staged"));
    repo.write("half.py", "clean\n");
    let (success, said) = commit(&repo);
    assert!(!success && said.contains("half.py"), "{said}");
    repo.git(&["rm", "-q", "-f", "--cached", "half.py"]);
    // A new file, unstaged: not of this commit.
    repo.write("half.py", &key("unstaged"));
    repo.stage("other.py", "clean\n");
    let (success, said) = commit(&repo);
    assert!(success, "{said}");
    fs::remove_file(repo.path().join("half.py")).unwrap();
    pushes_are_asked(&repo);
    keyfence(&repo, &["hook", "verify"]);
}

/// The real lefthook; it is no part of the gate, because it comes from another registry.
#[test]
#[ignore = "wants lefthook on the path"]
fn lefthook_from_its_registry() {
    let repo = with_remote();
    repo.write("lefthook.yml", "pre-commit:\n  commands:\n    lint:\n      run: touch ran\n");
    assert!(run(&repo, "lefthook", &["install"]).0);
    // What we say is to be added is what works.
    let mut config = String::new();
    for hook in ["pre-commit", "pre-push"] {
        let (success, said) = run(&repo, env!("CARGO_BIN_EXE_keyfence"), &["hook", "install", "--hook", hook]);
        assert!(!success && said.contains("lefthook.yml"), "{said}");
        config += said.split_once("\n\n").unwrap().1.trim_end();
        config.push('\n');
    }
    repo.write("lefthook.yml", &config);
    repo.git(&["add", "-A"]);
    assert!(commit(&repo).0);
    let (success, said) = run(&repo, "lefthook", &["install", "--force"]);
    assert!(success, "{said}");
    assert!(keyfence(&repo, &["hook", "install"]).contains("already"));
    blocks(&repo);
    pushes_are_asked(&repo);
    let said = keyfence(&repo, &["hook", "verify"]);
    assert_eq!(said.matches("was blocked").count(), 2, "{said}");
}

/// The real husky; it is no part of the gate, because it comes from another registry.
#[test]
#[ignore = "wants npm and its registry"]
fn husky_from_its_registry() {
    let repo = Repo::new();
    repo.write(
        "package.json",
        "{\"name\":\"shop\",\"private\":true,\"scripts\":{\"prepare\":\"husky\",\"test\":\"touch ran\"}}\n",
    );
    repo.write(".gitignore", "node_modules\n");
    let (success, said) = run(&repo, "npm", &["install", "--save-dev", "husky@9"]);
    assert!(success, "{said}");
    // What `prepare` does, where scripts of packages are not run.
    assert!(run(&repo, "npx", &["husky"]).0);
    repo.write(".husky/pre-commit", "npm test\n");
    keyfence(&repo, &["hook", "install"]);
    keyfence(&repo, &["hook", "verify"]);
    blocks(&repo);
    assert!(repo.path().join("ran").exists());
    // Installing the packages anew takes nothing away.
    assert!(run(&repo, "npm", &["install"]).0 && run(&repo, "npx", &["husky"]).0);
    blocks(&repo);
}

#[test]
fn a_hook_that_was_switched_off_stays_off() {
    let repo = Repo::new();
    let hook = repo.path().join(".git/hooks/pre-commit");
    executable(&hook, "#!/bin/sh\ntouch ran\n");
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    keyfence(&repo, &["hook", "install"]);
    keyfence(&repo, &["hook", "verify"]);
    blocks(&repo);
    assert!(!repo.path().join("ran").exists(), "nobody switched it on");
    keyfence(&repo, &["hook", "uninstall"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&hook).unwrap().permissions());
    assert_eq!((fs::read_to_string(&hook).unwrap().as_str(), mode & 0o111), ("#!/bin/sh\ntouch ran\n", 0));
}

#[test]
fn an_older_hook_that_is_kept_is_not_written_over() {
    let repo = Repo::new();
    let hook = repo.path().join(".git/hooks/pre-commit");
    let kept = repo.path().join(".git/hooks/pre-commit.before-keyfence");
    let script = repo.path().join("scripts/hook.py");
    executable(&script, "#!/usr/bin/env python3\n# first\n");
    std::os::unix::fs::symlink("../../scripts/hook.py", &hook).unwrap();
    keyfence(&repo, &["hook", "install"]);
    // Another tool writes its own over ours, and we are installed again.
    executable(&hook, "#!/usr/bin/env python3\n# second\n");
    let (success, said) = run(&repo, env!("CARGO_BIN_EXE_keyfence"), &["hook", "install"]);
    assert!(!success && said.contains("pre-commit.before-keyfence is in the way"), "{said}");
    assert_eq!(fs::read_to_string(&script).unwrap(), "#!/usr/bin/env python3\n# first\n");
    assert!(fs::symlink_metadata(&kept).unwrap().is_symlink());
    fs::remove_file(&kept).unwrap();
    // The same hook twice is what somebody left who was stopped in between.
    fs::copy(&hook, &kept).unwrap();
    keyfence(&repo, &["hook", "install"]);
    blocks(&repo);
    keyfence(&repo, &["hook", "uninstall"]);
    assert_eq!(fs::read_to_string(&hook).unwrap(), "#!/usr/bin/env python3\n# second\n");
}

/// Proven with what this very repository has: its staged files, its scripts, its settings.
#[test]
fn verify_stands_on_this_very_repository() {
    let repo = Repo::new();
    // A hook that needs other files of the project before it comes to keyfence.
    executable(&repo.path().join("scripts/lint.sh"), "#!/bin/sh\n. ./scripts/common.sh\ncheck\n");
    repo.write("scripts/common.sh", "check() { test \"$(git show :README.md)\" = 'nothing here'; }\n");
    repo.write("tools/hooks/lib.sh", "run() { keyfence staged; }\n");
    executable(
        &repo.path().join("tools/hooks/pre-commit"),
        "#!/bin/sh\nset -e\n./scripts/lint.sh\n. \"$(dirname \"$0\")/lib.sh\"\nrun\n",
    );
    repo.commit("hooks in files");
    repo.git(&["config", "core.hooksPath", "tools/hooks"]);
    keyfence(&repo, &["hook", "verify"]);
    // What is staged decides: with it the hook fails before it comes to us.
    repo.stage("README.md", "something else\n");
    let (success, said) = run(&repo, env!("CARGO_BIN_EXE_keyfence"), &["hook", "verify"]);
    assert!(!success && said.contains("not by keyfence"), "{said}");
}

#[test]
fn verify_wherever_a_repository_keeps_what() {
    let inner = Repo::new();
    let url = inner.path().to_str().unwrap();
    let prove = |repo: &Repo, folder: &str| {
        keyfence(repo, &["hook", "install", "-C", folder]);
        let said = keyfence(repo, &["hook", "verify", "-C", folder]);
        assert!(said.contains("was blocked"), "{folder}: {said}");
    };
    let repo = Repo::new();
    repo.git(&["-c", "protocol.file.allow=always", "submodule", "add", "-q", url, "lib"]);
    prove(&repo, "lib");
    repo.git(&["init", "-q", "--ref-format=reftable", "../tables"]);
    prove(&repo, "../tables");
    repo.git(&["init", "-q", "--object-format=sha256", "../longer"]);
    prove(&repo, "../longer");
    repo.git(&["init", "-q", "--separate-git-dir", "../apart.git", "../apart"]);
    prove(&repo, "../apart");
    repo.git(&["clone", "-q", "--depth", "1", &format!("file://{url}"), "../shallow"]);
    prove(&repo, "../shallow");
    repo.git(&["config", "extensions.worktreeConfig", "true"]);
    repo.git(&["worktree", "add", "-q", "../linked"]);
    repo.git(&["-C", "../linked", "config", "--worktree", "core.hooksPath", "own hooks"]);
    prove(&repo, "../linked");
    assert!(repo.path().with_file_name("linked").join("own hooks/pre-commit").exists());
    inner.git(&["config", "uploadpack.allowFilter", "true"]);
    repo.git(&["clone", "-q", "--sparse", "--filter=tree:0", &format!("file://{url}"), "../partial"]);
    prove(&repo, "../partial");
}
