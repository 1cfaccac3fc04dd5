//! `keyfence history`: everything that a repository ever held, where it came from and whether it is
//! still there; equal to a slow walk over every commit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::{Repo, Report, key};
use crate::plant::{Tree, expand};

fn history(repo: &Repo) -> Report {
    repo.run(&["history"])
}

/// The one finding.
#[track_caller]
fn only(report: &Report) -> &Value {
    assert_eq!((report.findings().len(), report.code), (1, Some(1)), "{report:?}");
    report.findings()[0]
}

#[test]
fn a_key_that_a_later_commit_removed() {
    let repo = Repo::new();
    repo.write("src/pay.py", &format!("one\n{}\n", key("a")));
    let first = repo.commit_at(1, "oops");
    repo.write("src/pay.py", "one\n");
    repo.commit_at(2, "removed");
    let report = history(&repo);
    let finding = only(&report);
    assert_eq!(report.places(), ["src/pay.py:2"]);
    assert_eq!((finding["commit"].as_str(), finding["author"].as_str()), (Some(&*first), Some("A Tester")));
    assert_eq!(finding["author_time"], "2026-03-12T09:12:07Z");
    assert_eq!((&finding["in_head"], finding.get("unreachable")), (&Value::Bool(false), None));
    let fix = finding["remediation"].as_str().unwrap();
    assert!(fix.starts_with("Rotate it: history keeps it") && fix.contains(&first[..12]), "{fix}");
    assert!(fix.contains("deleting the line does not help"), "{fix}");
}

#[test]
fn a_key_in_many_versions_is_told_once() {
    let repo = Repo::new();
    let mut text = format!("{}\n", key("a"));
    let mut first = String::new();
    for minute in 1..8 {
        text.push_str("more()\n");
        repo.write("pay.py", &text);
        let id = repo.commit_at(minute, "more");
        if minute == 1 {
            first = id;
        }
    }
    let report = history(&repo);
    let finding = only(&report);
    assert_eq!((finding["commit"].as_str(), &finding["in_head"]), (Some(&*first), &Value::Bool(true)));
    // In another file it is another place.
    repo.write("copy.py", &text);
    repo.commit_at(9, "copy");
    assert_eq!(history(&repo).places(), ["copy.py:1", "pay.py:1"]);
}

#[test]
fn a_moved_file_has_two_places() {
    let repo = Repo::new();
    repo.write("old/pay.py", &key("a"));
    repo.commit_at(1, "old");
    repo.git(&["mv", "old", "new"]);
    repo.commit_at(2, "moved");
    let report = history(&repo);
    assert_eq!(report.places(), ["new/pay.py:1", "old/pay.py:1"]);
    let heads: Vec<_> = report.findings().iter().map(|finding| finding["in_head"].as_bool().unwrap()).collect();
    assert_eq!(heads, [true, false]);
}

#[test]
fn a_key_that_only_a_merge_holds() {
    let repo = Repo::new();
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.write("side.py", "x\n");
    repo.commit_at(1, "side");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("main.py", "x\n");
    repo.commit_at(2, "main");
    repo.git(&["merge", "-q", "--no-commit", "--no-ff", "side"]);
    repo.write("merge.py", &key("a"));
    let merge = repo.commit_at(3, "merge");
    let report = history(&repo);
    assert_eq!(only(&report)["commit"], merge.as_str());
}

#[test]
fn messages_of_commits_and_tags() {
    let repo = Repo::new();
    let id = repo.commit_at(1, &format!("rotated {}", key("message")));
    repo.git(&["tag", "-a", "v1", "-m", &format!("signed with {}", key("tag"))]);
    repo.commit_at(2, "later");
    let report = history(&repo);
    let paths: BTreeSet<String> = report.places().into_iter().collect();
    let expected = format!("{} (commit message):1", &id[..12]);
    assert!(paths.contains(&expected), "{paths:?}");
    assert!(paths.iter().any(|path| path.ends_with("(tag message):1")), "{paths:?}");
    assert_eq!(paths.len(), 2);
}

#[test]
fn stashes_and_notes() {
    let repo = Repo::new();
    for stash in ["one", "two"] {
        repo.write("README.md", &format!("nothing here\n{}\n", key(stash)));
        repo.git(&["stash", "-q"]);
    }
    repo.write("new.py", &key("untracked"));
    repo.git(&["stash", "-q", "-u"]);
    repo.git(&["notes", "add", "-m", &key("note")]);
    let report = history(&repo);
    assert_eq!((report.findings().len(), report.code), (4, Some(1)), "{report:?}");
    for finding in report.findings() {
        assert_eq!((&finding["in_head"], finding.get("unreachable")), (&Value::Bool(false), None), "{finding}");
    }
}

#[test]
fn what_nothing_leads_to_is_labelled() {
    let repo = Repo::new();
    repo.write("pay.py", &key("amended"));
    repo.commit_at(1, "oops");
    repo.write("pay.py", "clean\n");
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-q", "--amend", "-m", "better"]);
    let report = history(&repo);
    let finding = only(&report);
    assert_eq!((&finding["unreachable"], &finding["in_head"]), (&Value::Bool(true), &Value::Bool(false)));
    assert_eq!(finding["path"], "pay.py");
    assert!(finding["remediation"].as_str().unwrap().contains("the repository still keeps it"));
    // It is not called unreachable where a branch leads to it.
    repo.git(&["branch", "kept", finding["commit"].as_str().unwrap()]);
    assert_eq!(only(&history(&repo)).get("unreachable"), None);
}

#[test]
fn content_that_no_commit_holds() {
    let repo = Repo::new();
    repo.stage("staged.py", &key("staged"));
    repo.stage("gone.py", &key("gone"));
    repo.git(&["rm", "-q", "-f", "--cached", "gone.py"]);
    let report = history(&repo);
    assert_eq!(report.findings().len(), 2, "{report:?}");
    let (gone, staged) = (report.findings()[0], report.findings()[1]);
    assert!(gone["path"].as_str().unwrap().contains("content without a path"), "{gone}");
    assert_eq!(gone["unreachable"], true);
    assert_eq!((&staged["path"], staged.get("commit"), staged.get("unreachable")), (&"staged.py".into(), None, None));
    assert!(staged["remediation"].as_str().unwrap().starts_with("It is staged"), "{staged}");
}

#[test]
fn a_name_that_is_a_key() {
    let repo = Repo::new();
    repo.write(&format!("dumps/{}", key("file")), "x\n");
    repo.write(&format!("{}/x.txt", key("folder")), "x\n");
    let id = repo.commit_at(1, "names");
    repo.git(&["rm", "-q", "-r", "dumps"]);
    repo.commit_at(2, "gone");
    let report = history(&repo);
    assert_eq!(report.findings().len(), 2, "{report:?}");
    for finding in report.findings() {
        assert_eq!((finding["view"].as_str(), finding["commit"].as_str()), (Some("path"), Some(&*id)));
    }
    let heads: BTreeSet<bool> = report.findings().iter().map(|finding| finding["in_head"].as_bool().unwrap()).collect();
    assert_eq!(heads.len(), 2);
}

#[test]
fn revisions_and_ranges() {
    let repo = Repo::new();
    let mut ids = Vec::new();
    for minute in 1..5 {
        repo.write(&format!("f{minute}.py"), &key(&minute.to_string()));
        ids.push(repo.commit_at(minute, &minute.to_string()));
    }
    repo.git(&["tag", "-a", "v2", "-m", "two", &ids[1]]);
    repo.git(&["checkout", "-q", "-b", "side", &ids[1]]);
    repo.write("side.py", &key("side"));
    repo.commit_at(9, "side");
    repo.git(&["checkout", "-q", "main"]);
    let places = |args: &[&str]| {
        let report = repo.run(&[&["history"], args].concat());
        assert!(matches!(report.code, Some(0 | 1)), "{report:?}");
        report.places().iter().map(|place| place.trim_end_matches(".py:1").to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(places(&[]), "f1 f2 f3 f4 side");
    assert_eq!(places(&["--all"]), "f1 f2 f3 f4 side");
    assert_eq!(places(&["main"]), "f1 f2 f3 f4");
    assert_eq!(places(&["v2"]), "f1 f2");
    assert_eq!(places(&["v2..main"]), "f3 f4");
    assert_eq!(places(&["v2.."]), "f3 f4");
    assert_eq!(places(&["main", "^v2"]), "f3 f4");
    assert_eq!(places(&["main...side"]), "f3 f4 side");
    assert_eq!(places(&["HEAD~1"]), "f1 f2 f3");
    assert_eq!(places(&["HEAD^^..@"]), "f3 f4");
    assert_eq!(places(&["v2^{commit}..refs/heads/side"]), "side");
    assert_eq!(places(&[&format!("{}..{}", &ids[0][..8], &ids[2])]), "f2 f3");
    assert_eq!(places(&["--max-count", "1", "main"]), "f4");
    assert_eq!(places(&["--since", "2026-03-12T09:14:07Z"]), "f3 f4 side");
    assert_eq!(places(&["--until", "2026-03-12T09:12:07Z"]), "f1");
    assert_eq!(places(&["--log-opts", "v2..main -n 1"]), "f4");
    assert_eq!(places(&["--log-opts=--all ^v2"]), "f3 f4 side");
    assert_eq!(places(&[".", "v2"]), "f1 f2");
    assert_eq!(places(&["-C", ".", "v2..side"]), "side");
}

#[test]
fn a_bad_revision_is_a_mistake() {
    let repo = Repo::new();
    repo.write("pay.py", &key("a"));
    repo.commit("oops");
    for wrong in ["nope..HEAD", "HEAD..nope", "nope", "HEAD~99", "^nope", "HEAD@{1}", "@{u}", "HEAD^{tree}", "main:pay.py", "abc"]
    {
        let report = repo.run(&["history", wrong]);
        assert_eq!(report.code, Some(2), "{wrong}: {report:?}");
        assert!(!report.stderr.is_empty() && report.lines.is_empty(), "{wrong}: {report:?}");
    }
    for wrong in [&["--log-opts", "-p"][..], &["--log-opts", "nope.."], &["--since", "soon"], &["--memory", "1k"]] {
        assert_eq!(repo.run(&[&["history"], wrong].concat()).code, Some(2), "{wrong:?}");
    }
}

#[test]
fn a_shallow_clone_is_incomplete() {
    let repo = Repo::new();
    repo.write("pay.py", &key("a"));
    repo.commit_at(1, "oops");
    repo.write("pay.py", "\n");
    repo.commit_at(2, "removed");
    let url = format!("file://{}", repo.path().display());
    repo.git(&["clone", "-q", "--depth", "1", &url, "../shallow"]);
    let report = repo.run(&["history", "../shallow"]);
    assert_eq!((report.code, report.findings().len()), (Some(3), 0), "{report:?}");
    assert!(report.skipped()[0]["why"].as_str().unwrap().contains("shallow"), "{report:?}");
    assert_eq!(report.summary()["complete"], false);
    assert_eq!(repo.run(&["history", "../shallow", "HEAD"]).code, Some(3));
    assert_eq!(repo.run(&["history", "../shallow", "--allow-incomplete"]).code, Some(0));
}

#[test]
fn a_partial_clone_is_incomplete() {
    let repo = Repo::new();
    repo.write("pay.py", &key("a"));
    repo.commit_at(1, "oops");
    repo.write("pay.py", "\n");
    repo.commit_at(2, "removed");
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", repo.path().display());
    repo.git(&["clone", "-q", "--filter=blob:none", &url, "../partial"]);
    let report = repo.run(&["history", "../partial"]);
    assert_eq!((report.code, report.findings().len()), (Some(3), 0), "{report:?}");
    assert!(report.skipped()[0]["why"].as_str().unwrap().contains("partial clone"), "{report:?}");
}

#[test]
fn a_damaged_repository_is_not_clean() {
    let repo = Repo::new();
    repo.write("pay.py", "one\n");
    repo.commit_at(1, "one");
    let object = |name: &str| {
        let id = repo.git(&["rev-parse", name]);
        repo.path().join(".git/objects").join(&id[..2]).join(id[2..].trim())
    };
    let blob = object("HEAD:pay.py");
    let bytes = fs::read(&blob).unwrap();
    let writable = |path: &std::path::Path| {
        let mut permissions = fs::metadata(path).unwrap().permissions();
        #[expect(clippy::permissions_set_readonly_false, reason = "a test's own file")]
        permissions.set_readonly(false);
        fs::set_permissions(path, permissions).unwrap();
    };
    writable(&blob);
    fs::write(&blob, &bytes[..bytes.len() - 6]).unwrap();
    let report = history(&repo);
    assert_eq!(report.code, Some(3), "{report:?}");
    fs::write(&blob, &bytes).unwrap();
    assert_eq!(history(&repo).code, Some(0));
    // A missing commit.
    let commit = object("HEAD~1");
    fs::remove_file(&commit).unwrap();
    assert_eq!(history(&repo).code, Some(3));
    assert_eq!(repo.run(&["history", "HEAD"]).code, Some(3));
}

#[test]
fn a_damaged_pack_is_not_clean() {
    let repo = Repo::new();
    for minute in 0..9 {
        repo.write("pay.py", &format!("{}{minute}\n", "line\n".repeat(200)));
        repo.commit_at(minute, "more");
    }
    repo.git(&["repack", "-q", "-a", "-d"]);
    let folder = repo.path().join(".git/objects/pack");
    let pack = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.extension().unwrap() == "pack");
    let pack = pack.unwrap();
    let whole = fs::read(&pack).unwrap();
    fs::remove_file(&pack).unwrap();
    for at in (14..whole.len() - 20).step_by(37) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xFF;
        fs::write(&pack, &bytes).unwrap();
        let report = history(&repo);
        assert_eq!(report.code, Some(3), "byte {at}: {report:?}");
    }
    fs::write(&pack, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(history(&repo).code, Some(3));
}

#[test]
fn alternates_work_trees_and_bare_repositories() {
    let repo = Repo::new();
    repo.write("base.py", &key("base"));
    repo.commit_at(1, "base");
    repo.git(&["repack", "-q", "-a", "-d"]);
    repo.git(&["clone", "-q", "--shared", ".", "../copy"]);
    repo.git(&["worktree", "add", "-q", "--detach", "../linked"]);
    fs::write(repo.path().with_file_name("linked").join("linked.py"), key("linked")).unwrap();
    repo.git(&["-C", "../linked", "add", "-A"]);
    repo.git(&["-C", "../linked", "commit", "-q", "-m", "linked"]);
    let mut report = history(&repo);
    assert_eq!(report.places(), ["base.py:1", "linked.py:1"]);
    assert_eq!(report.findings()[1].get("unreachable"), None, "the head of a linked work tree");
    report = repo.run(&["history", "../linked"]);
    assert_eq!(report.findings()[1]["in_head"], true);
    // The same objects, also those that the alternate alone has.
    assert_eq!(repo.run(&["history", "../copy"]).places(), ["base.py:1", "linked.py:1"]);
    let url = format!("file://{}", repo.path().display());
    repo.git(&["clone", "-q", "--bare", &url, "../bare.git"]);
    assert_eq!(repo.run(&["history", "../bare.git"]).places(), ["base.py:1"]);
}

#[test]
fn objects_named_by_sha_256() {
    let tree = Tree::new();
    tree.git(&["init", "-q", "--object-format=sha256", "-b", "main"]);
    let repo = Repo { tree };
    for minute in 1..6 {
        repo.write("pay.py", &format!("{}{}\n", "line\n".repeat(50), key(&minute.to_string())));
        repo.commit_at(minute, "more");
    }
    let loose = history(&repo);
    assert_eq!(loose.findings().len(), 5, "{loose:?}");
    assert_eq!(loose.findings()[0]["commit"].as_str().unwrap().len(), 64);
    repo.git(&["gc", "-q"]);
    assert_eq!(history(&repo).findings(), loose.findings());
    assert_eq!(repo.run(&["history", "HEAD~1.."]).findings().len(), 1);
}

#[test]
fn archives_and_large_blobs_of_the_past() {
    let repo = Repo::new();
    repo.write("logs/app.py", &key("archived"));
    let tar = repo.tree.command("tar").args(["czf", "logs.tgz", "logs"]).output().unwrap();
    assert!(tar.status.success());
    fs::remove_dir_all(repo.path().join("logs")).unwrap();
    // Larger than what is held, and not compressible to nothing.
    let mut large = String::new();
    for line in 0..400_000u64 {
        writeln!(large, "call_{line}_{:x}()", line * 7919 % 65_521).unwrap();
    }
    repo.write("large.py", &format!("{large}{}\n", key("large")));
    repo.commit_at(1, "both");
    repo.write("large.py", &format!("more()\n{large}{}\n", key("large")));
    repo.commit_at(2, "deltas");
    let mut reports = vec![history(&repo)];
    repo.git(&["gc", "-q"]);
    reports.push(history(&repo));
    reports.push(repo.run(&["history", "--memory", "64MiB"]));
    for report in reports {
        assert_eq!(report.places(), ["large.py:400001", "logs.tgz!logs/app.py:1"], "{report:?}");
        assert_eq!(report.code, Some(1));
    }
}

#[test]
fn what_cannot_be_opened_is_told_with_its_path() {
    let repo = Repo::new();
    let tar = |repo: &Repo| repo.tree.command("tar").args(["czf", "a.tgz", "README.md"]).status().unwrap();
    assert!(tar(&repo).success());
    let bytes = fs::read(repo.path().join("a.tgz")).unwrap();
    fs::write(repo.path().join("a.tgz"), &bytes[..bytes.len() - 9]).unwrap();
    repo.commit_at(1, "cut");
    let report = history(&repo);
    assert_eq!(report.code, Some(3), "{report:?}");
    assert!(report.skipped().iter().any(|line| line["path"].as_str().unwrap().starts_with("a.tgz")), "{report:?}");
}

#[test]
fn git_as_gitleaks_is_called() {
    let repo = Repo::new();
    repo.write("past.py", &key("past"));
    repo.commit_at(1, "past");
    repo.stage("now.py", &key("now"));
    assert_eq!(repo.run(&["git", "--pre-commit", "--staged", "--redact", "-v", "--no-banner"]).places(), ["now.py:1"]);
    assert_eq!(repo.run(&["git", "--staged"]).places(), ["now.py:1"]);
    assert_eq!(repo.run(&["git", "--log-opts", "HEAD"]).places(), ["past.py:1"]);
    assert_eq!(repo.run(&["git", ".", "--redact=100", "--log-opts=-n 1 HEAD"]).places(), ["past.py:1"]);
}

#[test]
fn an_allow_in_an_old_commit() {
    let repo = Repo::new();
    repo.write("pay.py", &format!("{} # keyfence:allow[stripe-secret-key] reason=\"a drill\"\n", key("a")));
    repo.commit_at(1, "allowed");
    let report = history(&repo);
    assert_eq!(report.code, Some(0), "{report:?}");
    assert_ne!(report.summary()["suppressed"], 0);
}

#[test]
fn nothing_in_the_repository_is_written() {
    let repo = Repo::new();
    repo.write("pay.py", &key("a"));
    repo.commit_at(1, "oops");
    let state = || {
        let list = |args: &[&str]| Command::new(args[0]).args(&args[1..]).current_dir(repo.path()).output().unwrap().stdout;
        list(&["find", ".", "-type", "f", "-printf", "%p %s %T@\n"])
    };
    let before = state();
    history(&repo);
    repo.staged();
    repo.run(&["staged", "--uncommitted"]);
    assert_eq!(before, state());
}

/// A small generator of random numbers.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn may_fail(repo: &Repo, minute: u64, args: &[&str]) {
    let time = format!("@{} +0000", 1_773_306_667 + 60 * minute + 30);
    let mut command = repo.tree.command("git");
    command.env("GIT_AUTHOR_DATE", &time).env("GIT_COMMITTER_DATE", &time);
    drop(command.args(args).output().unwrap());
}

/// Forty commits on branches that merge: keys come, move, are copied and go.
fn scripted(repo: &Repo, seed: u64) {
    let mut dice = Dice(seed);
    let paths = ["src/pay.py", "src/deep/er/hook.py", ".env", "tests/fixtures/a.py", "docs/x.md", "config/prod.yml"];
    let templates = ["sk_live_{base62:24}", "sk_test_{base62:24}", "whsec_{base62:32}", "nothing", "rk_live_{base62:24}"];
    for minute in 1..40 {
        for _ in 0..=dice.roll(3) {
            let path = paths[usize::try_from(dice.roll(6)).unwrap()];
            let template = templates[usize::try_from(dice.roll(5)).unwrap()];
            let value = expand(template, &dice.roll(6).to_string());
            let old = fs::read_to_string(repo.path().join(path)).unwrap_or_default();
            match dice.roll(4) {
                0 => repo.write(path, &format!("{old}KEY_{minute} = '{value}'\n")),
                1 => repo.write(path, &format!("# {minute}\n{old}")),
                2 => repo.write(path, &format!("KEY_{minute} = '{value}'\n")),
                _ if !old.is_empty() => fs::rename(repo.path().join(path), repo.path().join("moved.py")).unwrap(),
                _ => {}
            }
        }
        repo.commit_at(minute, &minute.to_string());
        match dice.roll(6) {
            0 => may_fail(repo, minute, &["branch", "-q", "side"]),
            1 => may_fail(repo, minute, &["merge", "-q", "--no-ff", "-X", "ours", "-m", "merge", "side"]),
            2 => may_fail(repo, minute, &["checkout", "-q", "side"]),
            3 => may_fail(repo, minute, &["checkout", "-q", "main"]),
            _ => {}
        }
        let unmerged = repo.git(&["ls-files", "-u"]);
        if !unmerged.is_empty() {
            repo.git(&["merge", "--abort"]);
        }
    }
}

/// What a finding is, and what is told of it.
type Told = BTreeMap<(String, String, String, String), (String, u64, bool)>;

fn told(report: &Report) -> Told {
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let told = report.findings().into_iter().map(|finding| {
        let what = (text(finding, "path"), text(finding, "kind"), text(finding, "rule"), text(finding, "fingerprint"));
        (what, (text(finding, "commit"), finding["line"].as_u64().unwrap(), finding["in_head"].as_bool().unwrap()))
    });
    let all: Vec<_> = told.collect();
    let map: Told = all.iter().cloned().collect();
    assert_eq!(all.len(), map.len(), "each once");
    map
}

/// The slow twin: every commit is checked out and scanned as files.
fn walked(repo: &Repo, key_file: &str) -> Told {
    let mut found = Told::new();
    let head = repo.git(&["rev-parse", "HEAD"]);
    let log = repo.git(&["log", "--branches", "--format=%ct %H"]);
    let mut commits: Vec<(u64, String)> =
        log.lines().map(|line| line.split_once(' ').unwrap()).map(|(time, id)| (time.parse().unwrap(), id.to_owned())).collect();
    commits.sort();
    repo.git(&["worktree", "add", "-q", "--detach", "../oracle"]);
    let mut seen_in_head = BTreeSet::new();
    for (_, id) in &commits {
        repo.git(&["-C", "../oracle", "checkout", "-q", "--force", id]);
        let report = repo.run_in("../oracle", &["scan", "--fp-key-file", key_file, "--no-ignore"]);
        let relations = ["shared-webhook-secret", "shared-credential-across-environments", "payout-key-reused-as-standard"];
        for finding in report.findings() {
            // Between files of one day, and about what is no credential: a matter of `scan`.
            if finding.get("class").is_none() || relations.iter().any(|kind| finding["kind"] == *kind) {
                continue;
            }
            let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
            let what = (text("path"), text("kind"), text("rule"), text("fingerprint"));
            if *id == head.trim() {
                seen_in_head.insert(what.clone());
            }
            found.entry(what).or_insert((id.clone(), finding["line"].as_u64().unwrap(), false));
        }
    }
    repo.git(&["worktree", "remove", "--force", "../oracle"]);
    for what in seen_in_head {
        found.get_mut(&what).unwrap().2 = true;
    }
    found
}

#[test]
fn equal_to_a_walk_over_every_commit() {
    let mut histories = 0;
    for seed in 1..20 {
        let repo = Repo::new();
        let key_file = repo.path().with_file_name("home").join("key");
        fs::write(&key_file, expand("{hex:64}", "fingerprints")).unwrap();
        let key_file = key_file.to_str().unwrap().to_owned();
        scripted(&repo, seed);
        if repo.git(&["rev-list", "--merges", "--branches"]).is_empty() {
            continue;
        }
        histories += 1;
        let slow = walked(&repo, &key_file);
        assert!(slow.len() >= 20, "{}", slow.len());
        let fast = |args: &[&str]| told(&repo.run(&[&["history", "--fp-key-file", &key_file], args].concat()));
        assert_eq!(fast(&[]), slow, "loose objects");
        assert_eq!(fast(&["main", "side"]), slow, "by revisions");
        repo.git(&["repack", "-q", "-d"]);
        repo.write("last.py", &key("last"));
        repo.commit_at(99, "last");
        let slow = walked(&repo, &key_file);
        repo.git(&["repack", "-q", "-d"]);
        assert_eq!(fast(&[]), slow, "two packs");
        repo.git(&["gc", "-q", "--aggressive"]);
        assert_eq!(fast(&[]), slow, "one pack");
        assert_eq!(fast(&["-j", "1", "--memory", "64MiB"]), slow, "one thread");
        if histories == 2 {
            return;
        }
    }
    panic!("too few of the histories have merges");
}

/// References in tables, as git keeps them by itself one day: with both hashes, many of them, and a stash.
#[test]
fn references_that_are_kept_in_tables() {
    for hash in ["sha1", "sha256"] {
        let tree = Tree::new();
        tree.git(&["init", "-q", "-b", "main", "--ref-format=reftable", &format!("--object-format={hash}")]);
        let repo = Repo { tree };
        assert_eq!(repo.staged().code, Some(0), "nothing is there");
        repo.stage("first.py", &key("first"));
        assert_eq!(repo.staged().places(), ["first.py:1"]);
        repo.commit_at(1, "first");
        // More than one block of them, in tables that git joins as it likes.
        let names: Vec<String> = (0..600).map(|at| format!("create refs/heads/many/branch-{at:04} HEAD\n")).collect();
        repo.write("../names", &names.concat());
        let stdin = fs::File::open(repo.path().with_file_name("names")).unwrap();
        assert!(repo.tree.command("git").args(["update-ref", "--stdin"]).stdin(stdin).status().unwrap().success());
        repo.git(&["checkout", "-q", "-b", "side"]);
        repo.write("side.py", &key("side"));
        let side = repo.commit_at(2, "side");
        repo.git(&["tag", "-a", "v1", "-m", "a tag"]);
        repo.git(&["checkout", "-q", "main"]);
        repo.git(&["branch", "-q", "-D", "many/branch-0007"]);
        for stash in ["one", "two", "three"] {
            repo.write("first.py", &format!("{}\n{}\n", key("first"), key(stash)));
            repo.git(&["stash", "-q"]);
        }
        repo.git(&["stash", "drop", "-q", "stash@{1}"]);
        repo.git(&["worktree", "add", "-q", "--detach", "../linked", "main"]);
        fs::write(repo.path().with_file_name("linked").join("linked.py"), key("linked")).unwrap();
        repo.git(&["-C", "../linked", "add", "-A"]);
        repo.git(&["-C", "../linked", "commit", "-q", "-m", "linked"]);
        for pack in [false, true] {
            if pack {
                repo.git(&["pack-refs", "--all"]);
            }
            let report = history(&repo);
            let told = |finding: &&Value| {
                let unreachable = finding.get("unreachable").is_some();
                (finding["path"].as_str().unwrap().to_owned(), finding["line"].as_u64().unwrap(), unreachable)
            };
            let told: Vec<_> = report.findings().iter().map(told).collect();
            let expected = [
                ("first.py", 1, false),
                ("first.py", 2, false),
                ("first.py", 2, false),
                ("first.py", 2, true),
                ("linked.py", 1, false),
                ("side.py", 1, false),
            ];
            let mut sorted = told.clone();
            sorted.sort();
            assert_eq!(sorted, expected.map(|(path, line, lost)| (path.to_owned(), line, lost)), "{hash}: {report:?}");
            assert_eq!(repo.run(&["history", "main..v1"]).findings()[0]["commit"], side.as_str());
            assert_eq!(repo.run(&["history", "main..refs/heads/side"]).places(), ["side.py:1"]);
            assert_eq!(repo.run(&["history", "many/branch-0599"]).places(), ["first.py:1"]);
            assert_eq!(repo.run(&["history", "many/branch-0007"]).code, Some(2), "it is gone");
            assert_eq!(repo.run_in("../linked", &["history", "main..HEAD"]).places(), ["linked.py:1"]);
        }
        let table = fs::read_dir(repo.path().join(".git/reftable")).unwrap().map(|entry| entry.unwrap().path());
        let table = table.into_iter().find(|path| path.extension().is_some_and(|end| end == "ref")).unwrap();
        fs::write(&table, &fs::read(&table).unwrap()[..90]).unwrap();
        assert_eq!((repo.staged().code, history(&repo).code), (Some(3), Some(3)), "a damaged table");
    }
}

#[test]
fn files_of_the_past_whose_name_says_what_they_hold() {
    let repo = Repo::new();
    repo.write("config/master.key", &expand("{hex:32}\n", "master"));
    repo.write(".pgpass", &expand("db.corp.example:5432:shop:app:{base62:24}\n", "pgpass"));
    repo.write(".git-credentials", &expand("https://app:{base62:24}@git.corp.example\n", "git"));
    repo.commit_at(1, "oops");
    for path in ["config/master.key", ".pgpass", ".git-credentials"] {
        fs::remove_file(repo.path().join(path)).unwrap();
    }
    repo.commit_at(2, "removed");
    let report = history(&repo);
    assert_eq!(report.places(), [".git-credentials:1", ".pgpass:1", "config/master.key:1"], "{report:?}");
    assert!(report.findings().iter().all(|finding| finding["in_head"] == false), "{report:?}");
}
