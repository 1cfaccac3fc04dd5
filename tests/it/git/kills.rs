//! Killed at any moment: the repository and the baseline are as they were, or as they were to be; never
//! half of it, never a file that nobody asked for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::hooks::executable;
use super::{Repo, key};

/// Moments in which each command is killed.
const MOMENTS: u32 = 24;

/// Files by their paths.
type State = BTreeMap<PathBuf, Vec<u8>>;

/// Every file outside of git's own folder with its bytes, and those of git's that a commit or a hook is made of.
fn state(repo: &Repo) -> State {
    fn add(top: &Path, folder: &Path, files: &mut State) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(top).unwrap().to_owned();
            if path.is_symlink() {
                files.insert(name, fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes());
            } else if path.is_dir() {
                add(top, &path, files);
            } else if !(name.starts_with(".git") && path.extension().is_some_and(|end| end == "tmp" || end == "new")) {
                // What is left of a file that was being written in git's own folder is nobody's.
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    add(repo.path(), repo.path(), &mut files);
    files
}

/// Runs a command once to its end, then kills it at many moments of that time. `between` are states
/// that may be seen besides those before and after.
fn killed(make: &dyn Fn() -> Repo, args: &[&str], between: &dyn Fn(&State) -> bool) -> (u32, u32) {
    let repo = make();
    let started = Instant::now();
    let output = repo.tree.start(args, Stdio::null()).wait_with_output().unwrap();
    let whole = started.elapsed().max(Duration::from_millis(20));
    assert!(matches!(output.status.code(), Some(0 | 1)), "{args:?}: {output:?}");
    let after = state(&repo);
    let comparable = |state: &State| {
        // A new baseline has a random key: what counts is that it is whole.
        let text = state.get(Path::new(".keyfence-baseline")).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let entries = text.map(|text| text.lines().filter(|line| line.starts_with("kf1:")).count());
        // The index holds times and inodes, which are those of one repository alone.
        let own = [Path::new(".keyfence-baseline"), Path::new(".git/index")];
        let others: BTreeMap<_, _> = state.iter().filter(|(path, _)| !own.contains(&path.as_path())).collect();
        format!("{entries:?} {others:?}")
    };
    let (mut as_before, mut as_after) = (0, 0);
    for moment in 0..MOMENTS {
        let repo = make();
        let before = state(&repo);
        let mut child = repo.tree.start(args, Stdio::null());
        thread::sleep(whole * moment / (MOMENTS - 6));
        child.kill().unwrap();
        child.wait_with_output().unwrap();
        let now = state(&repo);
        if now == before {
            as_before += 1;
        } else if comparable(&now) == comparable(&after) {
            as_after += 1;
        } else {
            let changed: Vec<_> =
                now.iter().filter(|(path, bytes)| before.get(*path) != Some(bytes)).map(|(path, _)| path).collect();
            assert!(between(&now), "{args:?}, moment {moment}: {changed:?}");
        }
        repo.git(&["fsck", "--strict"]);
    }
    (as_before, as_after)
}

/// A repository with a few keys.
fn with_keys() -> Repo {
    let repo = Repo::new();
    for at in 0..12 {
        repo.write(&format!("src/f{at}.py"), &format!("stripeKey = \"{}\"\n", key(&format!("kill {at}"))));
    }
    repo.commit("keys");
    repo
}

fn with_baseline() -> Repo {
    let repo = with_keys();
    let output = repo.tree.keyfence(&["baseline", "create", "--reason", "drill"]);
    assert!(output.status.success(), "{output:?}");
    repo.write("src/more.py", &format!("stripeKey = \"{}\"\n", key("kill more")));
    repo
}

const NOTHING: &dyn Fn(&State) -> bool = &|_| false;

#[test]
fn a_kill_while_a_baseline_is_made_or_changed() {
    // The attribute that makes it mergeable may be there before it.
    let only_attributes = |state: &State| {
        !state.contains_key(Path::new(".keyfence-baseline"))
            && state.get(Path::new(".gitattributes")).is_some_and(|text| text == b".keyfence-baseline merge=union\n")
    };
    let (before, after) = killed(&with_keys, &["baseline", "create", "--reason", "drill"], &only_attributes);
    assert!(before > 0 && after > 0, "{before} before, {after} after");
    let (before, after) = killed(&with_baseline, &["baseline", "update", "--reason", "drill"], NOTHING);
    assert!(before > 0 && after > 0, "{before} before, {after} after");
}

#[test]
fn a_kill_while_a_hook_is_installed_or_taken_out() {
    let (before, after) = killed(&Repo::new, &["hook", "install"], NOTHING);
    assert!(before > 0 && after > 0, "{before} before, {after} after");
    let with_ours = || {
        let repo = Repo::new();
        assert!(repo.tree.keyfence(&["hook", "install"]).status.success());
        repo
    };
    let (before, after) = killed(&with_ours, &["hook", "uninstall"], NOTHING);
    assert!(before > 0 && after > 0, "{before} before, {after} after");
    // Beside a hook that is no shell script, and is kept under another name: it is there twice before ours comes.
    let text = "#!/usr/bin/env python3\nopen('ran', 'w')\n";
    let with_theirs = || {
        let repo = Repo::new();
        executable(&repo.path().join(".git/hooks/pre-commit"), text);
        repo
    };
    let twice = |state: &State| {
        let is = |name: &str| state.get(&Path::new(".git/hooks").join(name)).is_some_and(|bytes| bytes == text.as_bytes());
        is("pre-commit") && is("pre-commit.before-keyfence")
    };
    let (before, after) = killed(&with_theirs, &["hook", "install"], &twice);
    assert!(before > 0 && after > 0, "{before} before, {after} after");
}

#[test]
fn a_kill_while_it_only_reads() {
    let staged = || {
        let repo = with_keys();
        repo.stage("src/new.py", &key("staged"));
        repo
    };
    for args in [&["staged", "--uncommitted"][..], &["history"], &["hook", "verify"]] {
        let guarded = || {
            let repo = staged();
            assert!(repo.tree.keyfence(&["hook", "install"]).status.success());
            repo
        };
        let (before, _) = killed(&guarded, args, NOTHING);
        assert_eq!(before, MOMENTS, "{args:?} writes nothing");
    }
}
