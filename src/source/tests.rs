//! Walks over real trees, with repositories that the real git made.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use tempfile::TempDir;

use super::ignored::Rules;
use super::walk::walk_with;
use super::*;

/// A folder of its own for a test.
struct Tree {
    _temp: TempDir,
    top: PathBuf,
}

impl Tree {
    fn new() -> Self {
        let temp = TempDir::new().unwrap();
        let top = fs::canonicalize(temp.path()).unwrap();
        Self { _temp: temp, top }
    }

    /// A tree with a repository at its top.
    fn repository() -> Self {
        let tree = Self::new();
        tree.git("", &["init", "-q", "-b", "main"]);
        tree
    }

    fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.top.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn write_all(&self, paths: &[&str]) {
        for path in paths {
            self.write(path, "x");
        }
    }

    /// Runs git in a folder of the tree, without the configuration of whoever runs the test.
    fn git(&self, folder: &str, arguments: &[&str]) -> Vec<u8> {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
            command.env_remove(name);
        }
        let output = command
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"])
            .args(["-c", "core.excludesFile=/dev/null", "-c", "commit.gpgSign=false"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(self.top.join(folder))
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn commit(&self, folder: &str) {
        self.git(folder, &["add", "-A"]);
        self.git(folder, &["commit", "-q", "-m", "c"]);
    }

    fn walk(&self, roots: &[&str]) -> Seen {
        self.walk_with(roots, &WalkOptions::default())
    }

    fn walk_with(&self, roots: &[&str], options: &WalkOptions) -> Seen {
        let roots: Vec<_> = roots.iter().map(|root| self.top.join(root)).collect();
        let mut seen = seen(&roots, options, None, 2);
        let short = |path: &mut PathBuf| *path = path.strip_prefix(&self.top).unwrap_or(path).to_owned();
        seen.files.iter_mut().for_each(|(path, _)| short(path));
        seen.skipped.iter_mut().for_each(|(path, _)| short(path));
        seen
    }
}

/// What a walk met, in order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    files: Vec<(PathBuf, Tracked)>,
    pipes: Vec<PathBuf>,
    skipped: Vec<(PathBuf, String)>,
    excluded: usize,
}

impl Seen {
    fn names(&self) -> Vec<&str> {
        self.files.iter().map(|(path, _)| path.to_str().unwrap()).collect()
    }

    fn tracked(&self, path: &str) -> Option<Tracked> {
        self.files.iter().find(|(file, _)| file == Path::new(path)).map(|(_, tracked)| *tracked)
    }

    /// Without `.git/config` of the top, and without counting its `.git`.
    fn without_git(mut self) -> Self {
        let before = self.files.len();
        self.files.retain(|(path, _)| path != Path::new(".git/config"));
        self.excluded -= before - self.files.len();
        self
    }
}

fn seen(roots: &[PathBuf], options: &WalkOptions, global: Option<std::sync::Arc<Rules>>, threads: usize) -> Seen {
    let all = Mutex::new(Vec::new());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| walk_with(Box::new(move || global), roots, options, &|met| all.lock().unwrap().push(met))).unwrap();
    let mut seen = Seen::default();
    for met in all.into_inner().unwrap() {
        match met {
            Met::File(file) if file.kind == HaystackKind::Pipe => seen.pipes.push(file.path().to_owned()),
            Met::File(file) => seen.files.push((file.path().to_owned(), file.tracked)),
            Met::Excluded => seen.excluded += 1,
            Met::Skipped(error) => seen.skipped.push((error.origin.path().unwrap().to_owned(), error.why)),
        }
    }
    seen.files.sort();
    seen.pipes.sort();
    seen.skipped.sort();
    seen
}

fn excluding(globs: &[&str]) -> WalkOptions {
    WalkOptions { exclude: globs.iter().map(|&glob| glob.to_owned()).collect(), ..WalkOptions::default() }
}

const NO_IGNORE: WalkOptions = WalkOptions { no_ignore: true, exclude: Vec::new() };

#[test]
fn outside_a_work_tree_nothing_is_ignored() {
    let tree = Tree::new();
    tree.write(".gitignore", "*");
    tree.write_all(&["a", ".hidden/.b", "node_modules/c"]);
    let seen = tree.walk(&[""]);
    assert_eq!(seen.names(), [".gitignore", ".hidden/.b", "a", "node_modules/c"]);
    assert!(seen.files.iter().all(|(_, tracked)| *tracked == Tracked::Unknown));
    assert_eq!(seen.excluded, 0);
}

#[test]
fn an_empty_folder_has_nothing() {
    assert_eq!(Tree::new().walk(&[""]), Seen::default());
}

#[test]
fn rules_come_from_every_folder_up_to_the_top_of_the_work_tree() {
    let tree = Tree::repository();
    tree.write(".gitignore", "*.log\n/sub/deep/only-here\n");
    tree.write("sub/.gitignore", "!keep.log\n*.tmp\n");
    tree.write("sub/deep/.gitignore", "own\n");
    tree.write(".git/info/exclude", "mine\n");
    tree.write_all(&["sub/deep/a.log", "sub/deep/keep.log", "sub/deep/b.tmp", "sub/deep/own", "sub/deep/mine"]);
    tree.write_all(&["sub/deep/only-here", "sub/deep/theirs", "sub/deep/x", "sub/deep/dir.log/y", "sub/deep/dir.log/z"]);
    let global = tree.top.join("global");
    fs::write(&global, "theirs\n").unwrap();
    let seen = seen(&[tree.top.join("sub/deep")], &WalkOptions::default(), Rules::read(&global, 0, None), 2);
    let names: Vec<_> = seen.files.iter().map(|(path, _)| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, [".gitignore", "keep.log", "x"]);
    assert!(seen.files.iter().all(|(_, tracked)| *tracked == Tracked::No));
    // a.log, b.tmp, own, mine, only-here, theirs, and dir.log once.
    assert_eq!(seen.excluded, 7);
}

#[test]
fn what_git_tracks_is_read_though_a_rule_ignores_it() {
    let tree = Tree::repository();
    tree.write_all(&["out/kept/a", "out/kept/b", "out/gone/c", "x.log"]);
    tree.git("", &["add", "out/kept/a", "x.log"]);
    tree.write(".gitignore", "/out\n*.log\n");
    tree.write_all(&["out/.env", "y.log"]);
    let seen = tree.walk(&[""]).without_git();
    assert_eq!(seen.names(), [".gitignore", "out/kept/a", "x.log"]);
    assert_eq!(seen.tracked("out/kept/a"), Some(Tracked::Yes));
    assert_eq!(seen.tracked("x.log"), Some(Tracked::Yes));
    assert_eq!(seen.tracked(".gitignore"), Some(Tracked::No));
    // out/kept/b, out/gone, out/.env, y.log
    assert_eq!(seen.excluded, 4);
}

#[test]
fn dotenv_files_are_read_though_git_ignores_them() {
    let tree = Tree::repository();
    tree.write(".gitignore", "*\n!.gitignore\n!/ok\n");
    tree.write_all(&[".env", ".env.local", "prod.env", ".envrc", ".dev.vars", "ok/.env", "no/.env", "other"]);
    tree.write_all(&["ok/.env.d/x"]);
    let seen = tree.walk(&[""]).without_git();
    assert_eq!(seen.names(), [".dev.vars", ".env", ".env.local", ".envrc", ".gitignore", "ok/.env", "prod.env"]);
    assert_eq!(seen.tracked("ok/.env"), Some(Tracked::Ignored));
    assert_eq!(seen.tracked(".gitignore"), Some(Tracked::No));
    assert_eq!(seen.excluded, 3);
}

#[test]
fn a_named_file_is_read_whatever_git_says() {
    let tree = Tree::repository();
    tree.write(".gitignore", "out/\n*.log\n");
    tree.write_all(&["out/a", "x.log", "plain", "known"]);
    tree.git("", &["add", "known"]);
    let seen = tree.walk(&["out/a", "x.log", "plain", "known"]);
    assert_eq!(seen.names(), ["known", "out/a", "plain", "x.log"]);
    assert_eq!(seen.tracked("known"), Some(Tracked::Yes));
    assert_eq!(seen.tracked("plain"), Some(Tracked::No));
    assert_eq!(seen.tracked("out/a"), Some(Tracked::Ignored));
    assert_eq!(seen.tracked("x.log"), Some(Tracked::Ignored));
    assert_eq!(seen.excluded, 0);
    assert_eq!(tree.walk_with(&["x.log"], &excluding(&["*.log"])).names(), ["x.log"]);
}

#[test]
fn a_named_folder_is_read_and_the_rules_inside_it_apply() {
    for rule in ["/out", "out/", "/out/*", "out/**", "**/out/**", "*"] {
        let tree = Tree::repository();
        tree.write(".gitignore", &format!("{rule}\n*.o\n"));
        tree.write("out/.gitignore", "inner\n");
        tree.write_all(&["out/a", "out/a.o", "out/inner", "out/sub/b", "out/sub/b.o", "out/sub/inner/c"]);
        let seen = tree.walk(&["out"]);
        assert_eq!(seen.names(), ["out/.gitignore", "out/a", "out/sub/b"], "{rule}");
        assert_eq!(seen.tracked("out/a"), Some(Tracked::Ignored), "{rule}");
        assert_eq!(seen.tracked("out/sub/b"), Some(Tracked::Ignored), "{rule}");
        assert_eq!(seen.excluded, 4, "{rule}");
        let seen = tree.walk(&["out/sub"]);
        assert_eq!(seen.names(), ["out/sub/b"], "{rule}");
    }
}

#[test]
fn without_ignore_rules_everything_but_git_is_read() {
    let tree = Tree::repository();
    tree.write(".gitignore", "*\n");
    tree.write_all(&["a/b", ".env"]);
    let seen = tree.walk_with(&[""], &NO_IGNORE);
    assert_eq!(seen.names(), [".env", ".git/config", ".gitignore", "a/b"]);
    assert!(seen.files.iter().all(|(_, tracked)| *tracked == Tracked::No));
    assert_eq!(seen.excluded, 1);
    assert_eq!(tree.walk_with(&["a/b"], &NO_IGNORE).tracked("a/b"), Some(Tracked::No));
}

#[test]
fn of_the_git_folder_only_its_configuration_is_read() {
    let tree = Tree::repository();
    tree.write_all(&["a"]);
    let seen = tree.walk(&[""]);
    assert_eq!(seen.names(), [".git/config", "a"]);
    assert_eq!(seen.tracked(".git/config"), Some(Tracked::No));
    assert_eq!(seen.excluded, 1);
    assert_eq!(tree.walk(&["", ".git/config"]), seen);
    assert_eq!(tree.walk_with(&[""], &excluding(&[".git/config"])).names(), ["a"]);
    let named = tree.walk(&["", ".git"]);
    assert!(named.names().contains(&".git/HEAD"));
    assert_eq!(named.names().iter().filter(|&&name| name == ".git/config").count(), 1);
}

#[test]
fn a_git_folder_that_is_no_repository_changes_nothing() {
    let tree = Tree::repository();
    tree.write(".gitignore", "*.log\n");
    fs::create_dir_all(tree.top.join("sub/.git")).unwrap();
    tree.write_all(&["sub/a.log", "sub/b"]);
    let seen = tree.walk(&[""]).without_git();
    assert_eq!(seen.names(), [".gitignore", "sub/b"]);
    assert_eq!(seen.excluded, 2);
}

#[test]
fn nothing_is_known_of_a_work_tree_whose_repository_is_elsewhere() {
    let tree = Tree::repository();
    tree.write(".gitignore", "*.log\n");
    tree.write("sub/.git", "gitdir: ../.git/modules/sub\n");
    tree.write_all(&["sub/a.log"]);
    for roots in [&[""][..], &["sub"]] {
        let seen = tree.walk(roots);
        assert_eq!(seen.tracked("sub/a.log"), Some(Tracked::Unknown));
        assert_eq!(seen.skipped, []);
    }
}

#[test]
fn submodules_and_nested_repositories_have_their_own_index_and_rules() {
    let tree = Tree::new();
    for name in ["lib", "app", "app/nested"] {
        fs::create_dir_all(tree.top.join(name)).unwrap();
        tree.git(name, &["init", "-q", "-b", "main"]);
    }
    tree.write_all(&["lib/in-lib", "app/in-app", "app/nested/in-nested"]);
    tree.write("lib/.gitignore", "*.o\n");
    tree.commit("lib");
    tree.git("app", &["submodule", "--quiet", "add", "../lib", "sub"]);
    tree.write("app/.gitignore", "*.log\nsub\n");
    tree.git("app", &["add", ".gitignore", "in-app"]);
    tree.write_all(&["app/sub/a.o", "app/sub/a.log", "app/sub/new", "app/nested/a.log", "app/nested/a.o"]);
    tree.git("app/nested", &["add", "in-nested"]);
    let seen = tree.walk(&["app"]);
    assert_eq!(seen.tracked("app/in-app"), Some(Tracked::Yes));
    assert_eq!(seen.tracked("app/sub/in-lib"), Some(Tracked::Yes), "the outer rule `sub` does not hold for a submodule");
    assert_eq!(seen.tracked("app/sub/a.o"), None);
    assert_eq!(seen.tracked("app/sub/a.log"), Some(Tracked::No), "outer rules end at the submodule");
    assert_eq!(seen.tracked("app/sub/new"), Some(Tracked::No));
    assert_eq!(seen.tracked("app/nested/in-nested"), Some(Tracked::Yes));
    assert_eq!(seen.tracked("app/nested/a.log"), Some(Tracked::No));
    assert_eq!(seen.tracked("app/nested/.git/config"), Some(Tracked::No));
    // a.o, and .git three times
    assert_eq!(seen.excluded, 4);
    assert_eq!(tree.walk(&["app/sub/in-lib"]).tracked("app/sub/in-lib"), Some(Tracked::Yes));
    assert_eq!(tree.walk(&["app", "app/sub"]), seen);
}

#[test]
fn an_ignored_repository_is_left_out() {
    let tree = Tree::repository();
    tree.write(".gitignore", "/vendor\n");
    fs::create_dir_all(tree.top.join("vendor/x")).unwrap();
    tree.git("vendor/x", &["init", "-q"]);
    let seen = tree.walk(&[""]).without_git();
    assert_eq!((seen.names(), seen.excluded), (vec![".gitignore"], 1));
}

#[test]
fn a_linked_work_tree_has_its_own_index_and_the_common_rules() {
    let tree = Tree::new();
    fs::create_dir(tree.top.join("main")).unwrap();
    tree.git("main", &["init", "-q", "-b", "main"]);
    tree.write_all(&["main/a"]);
    tree.commit("main");
    tree.git("main", &["worktree", "add", "-q", "../linked"]);
    tree.write("main/.git/info/exclude", "ignored\n");
    tree.write_all(&["linked/b", "linked/c", "linked/ignored"]);
    tree.git("linked", &["add", "b"]);
    let seen = tree.walk(&["linked"]);
    assert_eq!(seen.names(), ["linked/a", "linked/b", "linked/c"]);
    assert_eq!(seen.tracked("linked/b"), Some(Tracked::Yes));
    assert_eq!(seen.tracked("linked/c"), Some(Tracked::No));
    assert_eq!(seen.excluded, 2);
    assert_eq!(tree.walk(&["main"]).names(), ["main/.git/config", "main/a"]);
}

#[test]
fn links_are_followed_only_when_named() {
    let tree = Tree::new();
    tree.write_all(&["in/real", "in/sub/x", "out/y"]);
    symlink("real", tree.top.join("in/to-file")).unwrap();
    symlink("..", tree.top.join("in/sub/loop")).unwrap();
    symlink("self", tree.top.join("in/self")).unwrap();
    symlink("nowhere", tree.top.join("in/dangling")).unwrap();
    symlink("../out", tree.top.join("in/out")).unwrap();
    symlink("/dev/null", tree.top.join("in/device")).unwrap();
    symlink("../in", tree.top.join("out/in")).unwrap();
    let seen = tree.walk(&["in"]);
    assert_eq!(seen.names(), ["in/real", "in/sub/x"]);
    assert_eq!(seen.excluded, 4);
    let seen = tree.walk(&["out/in"]);
    assert_eq!(seen.names(), ["out/in/real", "out/in/sub/x"]);
    assert_eq!(tree.walk(&["in/to-file"]).names(), ["in/to-file"]);
    let both = tree.walk(&["in", "out"]);
    assert_eq!(both.names(), ["in/real", "in/sub/x", "out/y"]);
    assert_eq!(both.excluded, 3);
    assert_eq!(tree.walk(&["in/dangling"]).skipped, [("in/dangling".into(), "missing".into())]);
}

#[test]
fn a_named_link_is_tracked_as_what_it_leads_to() {
    let tree = Tree::repository();
    tree.write_all(&["repo-file"]);
    tree.git("", &["add", "repo-file"]);
    let other = Tree::new();
    symlink(&tree.top, other.top.join("link")).unwrap();
    assert_eq!(other.walk(&["link/repo-file"]).tracked("link/repo-file"), Some(Tracked::Yes));
    assert_eq!(other.walk(&["link"]).tracked("link/repo-file"), Some(Tracked::Yes));
}

#[test]
fn each_file_is_met_once() {
    let tree = Tree::repository();
    tree.write(".gitignore", "/ignored\n");
    tree.write_all(&["a", "sub/b", "sub/deep/c", "ignored/d"]);
    symlink("sub/deep", tree.top.join("again")).unwrap();
    let once = tree.walk(&[""]);
    assert_eq!(tree.walk(&["", ".", "./sub/..", "sub", "sub/deep", "a", "sub/b"]).names(), once.names());
    let seen = tree.walk(&["", "ignored"]);
    assert_eq!(seen.tracked("ignored/d"), Some(Tracked::Ignored));
    assert_eq!(seen.excluded, 1, "what is named itself is not excluded, .git is");
    let names = tree.walk(&["sub", "again"]);
    assert_eq!(names.names(), ["again/c", "sub/b"]);
}

#[test]
fn missing_files_devices_and_sockets_are_skipped_when_named() {
    let tree = Tree::new();
    let _socket = std::os::unix::net::UnixListener::bind(tree.top.join("socket")).unwrap();
    let seen = tree.walk(&["missing", "missing", "socket", "/dev/null", "missing/below"]);
    let skipped: Vec<_> = seen.skipped.iter().map(|(path, why)| (path.to_str().unwrap(), why.as_str())).collect();
    let expected = [("/dev/null", "a device"), ("missing", "missing"), ("missing/below", "missing"), ("socket", "a socket")];
    assert_eq!(skipped, expected);
    assert_eq!((seen.files.len(), seen.excluded), (0, 0));
}

#[test]
fn a_pipe_is_read_when_named_and_excluded_when_met() {
    let tree = Tree::new();
    assert!(Command::new("mkfifo").arg(tree.top.join("fifo")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(tree.top.join("socket")).unwrap();
    assert_eq!(tree.walk(&["fifo", "fifo"]).pipes, [tree.top.join("fifo")]);
    let seen = tree.walk(&[""]);
    assert_eq!((seen.pipes.len(), seen.files.len(), seen.excluded), (0, 0, 2));
    let file = fs::File::open("/dev/null").unwrap();
    let descriptor = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
    assert_eq!(tree.walk(&[&descriptor]).pipes, [PathBuf::from(&descriptor)]);
    assert_eq!(tree.walk(&["/dev/fd/987654"]).skipped, [("/dev/fd/987654".into(), "missing".into())]);
}

#[test]
fn a_folder_that_cannot_be_read_is_skipped_and_the_rest_goes_on() {
    let tree = Tree::new();
    tree.write_all(&["a", "z/b"]);
    // Too deep to be opened by its path, even for root.
    let name = "n".repeat(250);
    let deep = format!("for i in $(seq 20); do mkdir {name} && cd -P {name}; done");
    assert!(Command::new("sh").args(["-c", &deep]).current_dir(&tree.top).status().unwrap().success());
    let seen = tree.walk(&[""]);
    assert_eq!(seen.names(), ["a", "z/b"]);
    assert_eq!(seen.skipped.len(), 1);
    assert_eq!(seen.skipped[0].1, "unreadable: file name too long");
    assert!(seen.skipped[0].0.to_str().unwrap().ends_with(&name));
}

#[test]
fn a_folder_without_permission_is_skipped() {
    use std::os::unix::fs::PermissionsExt;
    let tree = Tree::new();
    tree.write_all(&["a", "shut/b"]);
    let shut = tree.top.join("shut");
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
    let everything_is_open_to_root = fs::read_dir(&shut).is_ok();
    let seen = tree.walk(&["", "shut/b"]);
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o700)).unwrap();
    if !everything_is_open_to_root {
        let why = || "unreadable: permission denied".to_owned();
        assert_eq!(seen.skipped, [("shut".into(), why()), ("shut/b".into(), why())]);
        assert_eq!(seen.names(), ["a"]);
    }
}

#[test]
fn globs_exclude_what_is_below_a_named_folder() {
    let tree = Tree::repository();
    tree.write_all(&["app/logs/a", "app/x.log", "app/sub/logs/b", "app/#c", "app/known.log"]);
    tree.git("", &["add", "app/known.log"]);
    let names = |globs: &[&str]| {
        let seen = tree.walk_with(&["app"], &excluding(globs));
        (seen.names().join(" "), seen.excluded)
    };
    assert_eq!(names(&["*.log"]), ("app/#c app/logs/a app/sub/logs/b".into(), 2));
    assert_eq!(names(&["/logs", "*.log"]), ("app/#c app/sub/logs/b".into(), 3));
    assert_eq!(names(&["logs/", "#c"]), ("app/known.log app/x.log".into(), 3));
    assert_eq!(names(&["sub/logs", "!known.log", "*.log"]).1, 3);
    assert_eq!(names(&["*.log", "!known.log"]), ("app/#c app/known.log app/logs/a app/sub/logs/b".into(), 1));
    let typed = format!("{}/app/logs", tree.top.display());
    assert_eq!(names(&[&typed]).1, 1);
    let bad = walk(&[], &excluding(&["a", "{b"]), &|_| {}).unwrap_err();
    assert!(bad.to_string().starts_with("{b: "), "{bad}");
}

#[test]
fn names_that_are_no_text_survive() {
    use std::os::unix::ffi::OsStringExt;
    let tree = Tree::repository();
    let name = |bytes: &[u8]| PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec()));
    for bytes in [&b"dir\xff/known\xfe"[..], b"dir\xff/new\xfe", b"dir\xff/a\xfe.log"] {
        tree.write(name(bytes), "x");
    }
    tree.git("", &["add", "--", ":(glob)*/known*"]);
    tree.write(".gitignore", "*.log\n");
    let seen = tree.walk(&[""]).without_git();
    let dir =
        [(".gitignore".into(), Tracked::No), (name(b"dir\xff/known\xfe"), Tracked::Yes), (name(b"dir\xff/new\xfe"), Tracked::No)];
    assert_eq!(seen.files, dir);
    assert_eq!(seen.excluded, 1);
}

#[test]
fn paths_begin_as_the_argument_did() {
    let paths = |root: &str| seen(&[PathBuf::from(root)], &WalkOptions::default(), None, 2).files;
    assert!(paths(".").iter().any(|(path, _)| path == Path::new("Cargo.toml")));
    assert!(paths("./src/").iter().any(|(path, _)| path == Path::new("./src/source/mod.rs")));
    assert!(paths("src/../src").iter().all(|(path, _)| path.starts_with("src/../src")));
}

#[test]
fn what_is_met_does_not_depend_on_the_number_of_threads() {
    let tree = Tree::repository();
    tree.write(".gitignore", "*.log\n/gone\n");
    for at in 0..1500 {
        tree.write(format!("wide/{at}.{}", if at % 5 == 0 { "log" } else { "txt" }), "");
        tree.write(format!("{}/d{}/{at}", at % 17, at % 41), "");
        tree.write(format!("gone/{at}"), "");
    }
    tree.git("", &["add", "-f", "gone/7", "wide/5.log", "wide/6.txt"]);
    let walk = |threads| seen(std::slice::from_ref(&tree.top), &WalkOptions::default(), None, threads);
    let one = walk(1);
    assert_eq!(one.files.len(), 1500 + 1200 + 1 + 2 + 1);
    for threads in [2, 3, 8] {
        assert_eq!(walk(threads), one, "{threads} threads");
    }
}

/// An index that cannot be had leaves everything unknown, is named once, and never panics.
#[test]
fn a_bad_index_is_skipped_and_nothing_is_ignored() {
    let tree = Tree::repository();
    tree.write(".gitignore", "*.log\n");
    tree.write_all(&["a.log", "sub/b"]);
    tree.git("", &["add", "sub/b"]);
    let index = tree.top.join(".git/index");
    let good = fs::read(&index).unwrap();
    let mut future = good.clone();
    future[7] = 9;
    let mut flipped = good.clone();
    flipped[80] ^= 1;
    for bad in [&b""[..], b"DIRC", &good[..good.len() / 2], &future, &flipped] {
        fs::write(&index, bad).unwrap();
        for roots in [&[""][..], &["sub", "a.log"]] {
            let seen = tree.walk(roots);
            assert_eq!(seen.skipped.len(), 1);
            assert!(seen.skipped[0].0.ends_with(".git/index"));
            assert_eq!(seen.skipped[0].1, "a damaged git index, or one of a format that is not supported");
            assert_eq!(seen.tracked("a.log"), Some(Tracked::Unknown));
            assert_eq!(seen.tracked("sub/b"), Some(Tracked::Unknown));
        }
    }
    fs::remove_file(&index).unwrap();
    assert!(Command::new("mkfifo").arg(&index).status().unwrap().success());
    assert_eq!(tree.walk(&[""]).skipped, [(".git/index".into(), "not a file".into())]);
    fs::remove_file(&index).unwrap();
    let seen = tree.walk(&[""]);
    assert_eq!((seen.skipped.len(), seen.tracked("sub/b")), (0, Some(Tracked::No)));
}

#[test]
fn an_index_with_sha256_is_skipped() {
    let tree = Tree::new();
    tree.git("", &["init", "-q", "--object-format=sha256"]);
    tree.write_all(&["a"]);
    tree.git("", &["add", "a"]);
    let seen = tree.walk(&[""]);
    assert_eq!(seen.skipped[0].0, Path::new(".git/index"));
    assert_eq!(seen.tracked("a"), Some(Tracked::Unknown));
    tree.git("", &["-c", "index.skipHash=true", "update-index", "--force-write-index"]);
    assert_eq!(tree.walk(&[""]), seen);
}

#[test]
fn other_forms_of_the_index_are_read() {
    let tree = Tree::repository();
    tree.write_all(&["a/b", "a/c", "d", "e/f/g"]);
    tree.commit("");
    let plain = tree.walk(&[""]);
    assert_eq!(plain.tracked("e/f/g"), Some(Tracked::Yes));
    for version in ["3", "4", "2"] {
        tree.git("", &["update-index", "--index-version", version]);
        assert_eq!(tree.walk(&[""]), plain, "version {version}");
    }
    tree.git("", &["update-index", "--split-index"]);
    tree.write_all(&["late"]);
    tree.git("", &["add", "late"]);
    tree.git("", &["rm", "-q", "--cached", "d"]);
    let split = tree.walk(&[""]);
    assert_eq!(split.tracked("late"), Some(Tracked::Yes));
    assert_eq!(split.tracked("d"), Some(Tracked::No));
    assert_eq!(split.tracked("a/b"), Some(Tracked::Yes));
    tree.git("", &["update-index", "--no-split-index"]);
    tree.git("", &["add", "d"]);
    tree.git("", &["add", "-N", "."]);
    tree.commit("");
    tree.git("", &["sparse-checkout", "set", "--cone", "--sparse-index", "a"]);
    tree.write(".git/info/exclude", "*.log\n");
    tree.write_all(&["e/f/g", "e/x.log", "a/x.log"]);
    let sparse = tree.walk(&[""]);
    assert_eq!(sparse.skipped, []);
    assert_eq!(sparse.tracked("a/b"), Some(Tracked::Yes));
    assert_eq!(sparse.tracked("e/f/g"), Some(Tracked::Unknown), "the index says of the folder only that it is there");
    assert_eq!(sparse.tracked("e/x.log"), Some(Tracked::Unknown));
    assert_eq!(sparse.tracked("a/x.log"), None);
}

#[test]
fn a_file_in_conflict_is_tracked() {
    let tree = Tree::repository();
    tree.write("a", "1\n");
    tree.commit("");
    tree.git("", &["checkout", "-q", "-b", "other"]);
    tree.write("a", "2\n");
    tree.commit("");
    tree.git("", &["checkout", "-q", "main"]);
    tree.write("a", "3\n");
    tree.commit("");
    let merge = Command::new("git").args(["merge", "-q", "other"]).current_dir(&tree.top).output().unwrap();
    assert!(!merge.status.success());
    assert_eq!(tree.walk(&[""]).tracked("a"), Some(Tracked::Yes));
}

/// Damage of every kind, with a checksum that does not tell: an answer or an error, no panic.
#[test]
fn a_damaged_index_never_panics() {
    let tree = Tree::repository();
    for at in 0..20 {
        tree.write(format!("some/folder{}/file{at}", at % 3), "");
    }
    tree.commit("");
    let index = tree.top.join(".git/index");
    let mut random = Random(7);
    for version in ["2", "4"] {
        tree.git("", &["update-index", "--index-version", version]);
        let mut good = fs::read(&index).unwrap();
        let hash = good.len() - 20;
        good[hash..].fill(0);
        for _ in 0..400 {
            let mut bad = good.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(hash);
                bad[at] = u8::try_from(random.below(256)).unwrap();
            }
            if random.below(4) == 0 {
                bad.truncate(random.below(bad.len()));
            }
            fs::write(&index, &bad).unwrap();
            let seen = tree.walk(&[""]);
            assert_eq!(seen.files.len(), 21);
        }
        fs::write(&index, &good).unwrap();
    }
}

/// Git itself says what is tracked and what is not ignored, over random trees and rules.
#[test]
fn the_walk_agrees_with_git() {
    let mut random = Random(42);
    for round in 0..12 {
        let tree = Tree::repository();
        random_tree(&mut random, &tree, "", 3);
        for (path, _) in tree.walk_with(&[""], &NO_IGNORE).without_git().files {
            if random.below(4) == 0 {
                tree.git("", &["add", "-f", path.to_str().unwrap()]);
            }
        }
        let list = |arguments: &[&str]| -> BTreeSet<String> {
            let output = tree.git("", &[&["ls-files", "-z"], arguments].concat());
            let paths = output.split(|&byte| byte == 0).filter(|path| !path.is_empty());
            paths.map(|path| String::from_utf8(path.to_vec()).unwrap()).collect()
        };
        let seen = tree.walk(&[""]).without_git();
        let mut expected: Vec<_> = list(&["-c"]).into_iter().map(|path| (PathBuf::from(path), Tracked::Yes)).collect();
        expected.extend(list(&["-o", "--exclude-standard"]).into_iter().map(|path| (PathBuf::from(path), Tracked::No)));
        expected.sort();
        assert_eq!(seen.files, expected, "round {round}");
    }
}

fn random_tree(random: &mut Random, tree: &Tree, folder: &str, depth: usize) {
    const NAMES: [&str; 7] = ["a", "b", "lib", "a.log", "b.log", "out", "x y"];
    const RULES: [&str; 18] = [
        "*.log", "!a.log", "/a", "out/", "lib/*", "!lib/b", "**/out", "a/**", "!a/b", "/lib/a", "b*", "[ab]", "x\\ y", "# a",
        "!out", "lib/**/a", "*", "!*/",
    ];
    let joined = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    for name in NAMES {
        match random.below(4) {
            0 => {}
            1 if depth > 0 => random_tree(random, tree, &joined(name), depth - 1),
            _ => tree.write(joined(name), "x"),
        }
    }
    if random.below(2) == 0 {
        let rules: Vec<_> = (0..=random.below(4)).map(|_| RULES[random.below(RULES.len())]).collect();
        tree.write(joined(".gitignore"), &rules.join("\n"));
    }
}

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % bound
    }
}

#[test]
fn errors_are_plain_words() {
    let why = |kind: i32| SourceError::io(Origin::File("a/b".into()), &io::Error::from_raw_os_error(kind)).to_string();
    assert_eq!(why(2), "a/b: missing");
    assert_eq!(why(13), "a/b: unreadable: permission denied");
    assert_eq!(why(5), "a/b: unreadable: input/output error");
}
