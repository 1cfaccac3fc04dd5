//! The baseline: what is accepted stays accepted through edits, moves and merges, and nothing else is;
//! comments of other scanners; what was accepted with gitleaks.

use std::collections::BTreeSet;
use std::fs;
use std::process::Output;

use super::{Repo, key};

const BASELINE: &str = ".keyfence-baseline";

impl Repo {
    fn keyfence(&self, args: &[&str]) -> (Option<i32>, String) {
        said(&self.tree.keyfence(args))
    }

    fn accept(&self) -> String {
        let (code, said) = self.keyfence(&["baseline", "create", "--reason", "keys of the tutorial"]);
        assert_eq!(code, Some(0), "{said}");
        self.baseline()
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    fn baseline(&self) -> String {
        self.read(BASELINE)
    }

    fn entries(&self) -> Vec<String> {
        self.baseline().lines().filter(|line| line.starts_with("kf1:")).map(ToOwned::to_owned).collect()
    }
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("panicked"), "{text}");
    (output.status.code(), text)
}

fn line(key: &str) -> String {
    format!("stripeKey = \"{key}\"\n")
}

/// A repository with one accepted key in `src/a.py`.
fn accepted() -> Repo {
    let repo = Repo::new();
    repo.write("src/a.py", &line(&key("one")));
    repo.commit("a key");
    repo.accept();
    repo
}

#[test]
fn an_entry_has_a_fingerprint_a_place_and_a_reason_and_no_secret() {
    let repo = accepted();
    let entries = repo.entries();
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert!(entries[0].ends_with("src/a.py # keys of the tutorial"), "{entries:?}");
    let body = &key("one")[8..];
    assert!(!body.as_bytes().windows(8).any(|eight| repo.baseline().contains(std::str::from_utf8(eight).unwrap())));
    let report = repo.run(&["scan", "."]);
    assert_eq!((report.code, report.findings().len(), &report.summary()["suppressed"]), (Some(0), 0, &1.into()), "{report:?}");
    let shown = repo.run(&["scan", ".", "--no-baseline"]);
    assert_eq!((shown.code, shown.findings().len()), (Some(1), 1), "{shown:?}");
}

#[test]
fn it_survives_shifts_moves_and_renames() {
    let repo = accepted();
    repo.write("src/a.py", &format!("# one\n# two\n\n{}", line(&key("one"))));
    assert_eq!(repo.run(&["scan", "."]).places(), [""; 0], "lines were put above it");
    repo.git(&["add", "-A"]);
    repo.git(&["mv", "src/a.py", "src/b.py"]);
    assert_eq!(repo.run(&["scan", "."]).places(), [""; 0], "the file was renamed");
    assert_eq!(repo.staged().places(), [""; 0], "the rename is staged");
    let (code, said) = repo.keyfence(&["baseline", "update"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("1 kept, 1 moved, 0 added, 0 dropped"), "{said}");
    assert!(repo.entries()[0].contains(" src/b.py # "), "{:?}", repo.entries());
}

#[test]
fn another_value_in_its_place_is_found() {
    let repo = accepted();
    repo.write("src/a.py", &line(&key("another")));
    assert_eq!(repo.run(&["scan", "."]).places(), ["src/a.py:1"]);
    repo.git(&["add", "-A"]);
    assert_eq!(repo.staged().places(), ["src/a.py:1"]);
}

#[test]
fn a_second_place_of_the_same_value_is_found() {
    let repo = accepted();
    repo.stage("deploy/b.py", &line(&key("one")));
    assert_eq!(repo.run(&["scan", "."]).places(), ["deploy/b.py:1"]);
    assert_eq!(repo.staged().places(), ["deploy/b.py:1"]);
    assert_eq!(repo.run(&["scan", "deploy"]).places(), ["deploy/b.py:1"], "the first place was not looked at and is there");
}

#[test]
fn another_kind_of_finding_of_the_same_value_is_found() {
    let repo = accepted();
    repo.git(&["rm", "-q", "--cached", "src/a.py"]);
    fs::remove_file(repo.path().join("src/a.py")).unwrap();
    repo.write(".env.production.log", &format!("2026-03-12T09:11:07Z INFO key={}\n", key("one")));
    let report = repo.run(&["scan", "."]);
    assert_eq!(report.findings().len(), 1, "{report:?}");
}

#[test]
fn paths_count_from_the_root_wherever_it_is_run() {
    let repo = accepted();
    assert_eq!(repo.run_in("src", &["scan", "."]).places(), [""; 0]);
    assert_eq!(repo.run_in("src", &["scan", "a.py"]).places(), [""; 0]);
    let whole = repo.path().join("src/a.py");
    assert_eq!(repo.run(&["scan", whole.to_str().unwrap()]).places(), [""; 0]);
    let report = repo.run(&["scan", "--baseline", BASELINE, "./src"]);
    assert_eq!(report.places(), [""; 0]);
}

#[test]
fn what_is_accepted_is_accepted_in_its_past() {
    let repo = accepted();
    repo.commit("the baseline");
    assert_eq!(repo.run(&["history"]).places(), [""; 0]);
    repo.git(&["mv", "src/a.py", "src/b.py"]);
    repo.commit("a rename");
    repo.keyfence(&["baseline", "update"]);
    let report = repo.run(&["history"]);
    assert_eq!(report.places(), [""; 0], "both names of the file are in the past");
    repo.write("src/c.py", &line(&key("later")));
    repo.commit("another");
    assert_eq!(repo.run(&["history"]).places(), ["src/c.py:1"]);
}

#[test]
fn what_is_only_in_the_past_is_accepted_there_only() {
    let repo = Repo::new();
    repo.write("old.py", &line(&key("old")));
    repo.commit("a key");
    fs::remove_file(repo.path().join("old.py")).unwrap();
    repo.commit("gone");
    let (code, said) = repo.keyfence(&["baseline", "create", "--history", "--reason", "rotated on 2026-03-12"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(repo.entries()[0].contains(" in=history # rotated"), "{:?}", repo.entries());
    assert_eq!(repo.run(&["history"]).places(), [""; 0]);
    repo.write("old.py", &line(&key("old")));
    assert_eq!(repo.run(&["scan", "."]).places(), ["old.py:1"], "it is back");
    fs::remove_file(repo.path().join("old.py")).unwrap();
    let (code, said) = repo.keyfence(&["baseline", "update"]);
    assert!(code == Some(0) && said.contains("1 kept"), "a look at the files says nothing of the past: {said}");
    assert_eq!(repo.keyfence(&["baseline", "check", "--history"]).0, Some(0));
}

#[test]
fn what_is_not_used_is_listed_and_dropped() {
    let repo = accepted();
    assert_eq!(repo.keyfence(&["baseline", "check"]).0, Some(0));
    repo.write("src/a.py", "stripeKey = os.environ[\"STRIPE_KEY\"]\n");
    let (code, said) = repo.keyfence(&["baseline", "check"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("not used: its finding is gone:\n  src/a.py: "), "{said}");
    let (code, said) = repo.keyfence(&["baseline", "update"]);
    assert!(code == Some(0) && said.contains("0 kept, 0 moved, 0 added, 1 dropped"), "{said}");
    assert_eq!(repo.entries(), [""; 0]);
}

#[test]
fn what_is_new_is_accepted_with_a_reason_only() {
    let repo = accepted();
    repo.write("src/b.py", &line(&key("two")));
    let before = repo.baseline();
    let (code, said) = repo.keyfence(&["baseline", "update"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("not accepted:\n  src/b.py:1: ") && repo.baseline() == before, "{said}");
    let (code, said) = repo.keyfence(&["baseline", "update", "--reason", "drills", "--until", "2099-01-31"]);
    assert!(code == Some(0) && said.contains("1 kept, 0 moved, 1 added"), "{said}");
    assert!(repo.entries().iter().any(|entry| entry.ends_with("src/b.py until=2099-01-31 # drills")), "{:?}", repo.entries());
    assert_eq!(repo.run(&["scan", "."]).places(), [""; 0]);
    for args in
        [&["baseline", "create"][..], &["baseline", "create", "--reason", "again"], &["baseline", "update", "--until", "soon"]]
    {
        assert_eq!(repo.keyfence(args).0, Some(2), "{args:?}");
    }
}

#[test]
fn an_entry_ends_on_its_day() {
    let repo = accepted();
    let ended = repo.baseline().replace("src/a.py #", "src/a.py until=2020-01-01 #");
    repo.write(BASELINE, &ended);
    assert_eq!(repo.run(&["scan", "."]).places(), ["src/a.py:1"]);
    let (code, said) = repo.keyfence(&["baseline", "check"]);
    assert!(code == Some(1) && said.contains("ended:\n  src/a.py"), "{said}");
}

/// Two branches of which each accepts keys of its own, and a merge of them as anybody makes it.
#[test]
fn both_sides_of_a_merge_stay() {
    for round in 0..4 {
        let repo = accepted();
        assert_eq!(repo.read(".gitattributes"), format!("{BASELINE} merge=union\n"));
        repo.commit("the baseline");
        for branch in ["left", "right"] {
            repo.git(&["switch", "-q", "-c", branch, "main"]);
            for at in 0..=round {
                repo.write(&format!("src/{branch}{at}.py"), &line(&key(&format!("{branch} {at} {round}"))));
            }
            repo.git(&["add", "-A"]);
            let (code, said) = repo.keyfence(&["baseline", "update", "--reason", branch]);
            assert_eq!(code, Some(0), "{said}");
            repo.commit(branch);
        }
        repo.git(&["merge", "-q", "left", "-m", "both"]);
        let entries = 1 + 2 * (round + 1);
        // Git may keep a line of both sides twice; it counts once, and the next update takes it out.
        let lines: BTreeSet<String> = repo.entries().into_iter().collect();
        assert_eq!(lines.len(), entries, "{}", repo.baseline());
        assert_eq!(repo.run(&["scan", "."]).places(), [""; 0]);
        let (code, said) = repo.keyfence(&["baseline", "update"]);
        assert!(code == Some(0) && said.contains(&format!("{entries} kept, 0 moved, 0 added, 0 dropped")), "{said}");
        assert_eq!(repo.entries(), lines.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn what_attributes_say_of_the_baseline_stays() {
    for (before, after) in [
        (".keyfence-baseline merge=ours\n", ".keyfence-baseline merge=ours\n".to_owned()),
        ("/.keyfence-baseline -text", "/.keyfence-baseline -text".to_owned()),
        ("*.py text", format!("*.py text\n{BASELINE} merge=union\n")),
    ] {
        let repo = Repo::new();
        repo.write("src/a.py", &line(&key("one")));
        repo.write(".gitattributes", before);
        repo.commit("a key");
        repo.accept();
        assert_eq!(repo.read(".gitattributes"), after);
    }
    // A baseline elsewhere is nobody's business but its own.
    let repo = Repo::new();
    repo.write("src/a.py", &line(&key("one")));
    let (code, said) = repo.keyfence(&["baseline", "create", "--reason", "drill", "--baseline", "../other"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!repo.path().join(".gitattributes").exists());
}

#[test]
fn a_damaged_baseline_is_a_mistake_with_its_line() {
    let repo = accepted();
    let text = repo.baseline();
    for (damaged, why) in [
        (format!("<<<<<<< HEAD\n{text}"), "line 1: a conflict of a merge"),
        (text.replace(" # keys of the tutorial", ""), "gives no reason"),
        (text.lines().filter(|line| !line.starts_with("key ")).fold(String::new(), |all, line| all + line + "\n"), "no key"),
    ] {
        repo.write(BASELINE, &damaged);
        for args in [&["scan", "."][..], &["staged"], &["history"], &["baseline", "check"]] {
            let (code, said) = repo.keyfence(args);
            assert!(code == Some(2) && said.contains(why), "{args:?}: {said}");
        }
    }
    let (code, _) = repo.keyfence(&["scan", ".", "--baseline", "nowhere"]);
    assert_eq!(code, Some(2));
}

#[test]
fn what_could_be_guessed_wants_a_key_apart() {
    let repo = Repo::new();
    repo.tree.file("db.env", "DATABASE_URL=postgres://app:{base62:20}@db.internal:5432/pay\n");
    repo.write("src/a.py", &line(&key("one")));
    let (code, said) = repo.keyfence(&["baseline", "create", "--reason", "drill"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("1 entry accepted") && said.contains("could be guessed") && said.contains("db.env:1"), "{said}");
    let report = repo.run(&["scan", "."]);
    assert_eq!(report.places(), ["db.env:1"]);
    assert!(report.findings()[0].get("fingerprint").is_none(), "the key of the baseline is known: {report:?}");
    fs::remove_file(repo.path().join(BASELINE)).unwrap();
    let file = repo.path().join("../fp.key");
    fs::write(&file, "sixteen bytes or more of a key").unwrap();
    let file = file.to_str().unwrap();
    let (code, said) = repo.keyfence(&["baseline", "create", "--reason", "drill", "--fp-key-file", file]);
    assert!(code == Some(0) && said.contains("2 entries accepted"), "{said}");
    assert_eq!(repo.run(&["scan", ".", "--fp-key-file", file]).places(), [""; 0]);
    let (code, said) = repo.keyfence(&["scan", "."]);
    assert!(code == Some(2) && said.contains("made under a key file"), "{said}");
    fs::write(repo.path().join("../other.key"), "another key of sixteen bytes").unwrap();
    let (code, said) = repo.keyfence(&["scan", ".", "--fp-key-file", "../other.key"]);
    assert!(code == Some(2) && said.contains("another key file"), "{said}");
}

#[test]
fn comments_of_other_scanners_count_in_code_and_never_in_logs() {
    let repo = Repo::new();
    let above = ["// secretlint-disable-next-line", "# pragma: allowlist nextline secret"];
    let marks = [
        "gitleaks:allow",
        "betterleaks:allow",
        "kingfisher:ignore",
        "trufflehog:ignore",
        "ggignore",
        "secretlint-disable-line",
        "pragma: allowlist secret",
        "pragma: whitelist secret",
    ];
    for (at, mark) in marks.iter().enumerate() {
        let text = format!("stripeKey = \"{}\"  # {mark}\n", key(mark));
        repo.write(&format!("code{at}.py"), &text);
        repo.write(&format!("app{at}.log"), &format!("2026-03-12T09:11:07Z INFO {text}"));
    }
    for (at, mark) in above.iter().enumerate() {
        repo.write(&format!("above{at}.py"), &format!("{mark}\n{}", line(&key(mark))));
    }
    repo.write("nosec.py", &format!("stripeKey = \"{}\"  # nosec\n", key("nosec")));
    let mut expected: Vec<String> = (0..marks.len()).map(|at| format!("app{at}.log:1")).collect();
    expected.push("nosec.py:1".to_owned());
    let report = repo.run(&["scan", "."]);
    assert_eq!(report.places(), expected);
    assert_eq!(report.summary()["suppressed"], marks.len() + above.len());
    let all = repo.run(&["scan", ".", "--no-inline-allow"]);
    assert_eq!(all.findings().len(), 2 * marks.len() + above.len() + 1);
    repo.git(&["add", "-f", "."]);
    assert_eq!(repo.staged().places(), expected);
    repo.commit("all of it");
    assert_eq!(repo.run(&["history"]).places(), expected);
    let (code, _) = repo.keyfence(&["history", "--no-inline-allow", "--quiet"]);
    assert_eq!(code, Some(1));
}

#[test]
fn comments_on_standard_input_never_count() {
    let repo = Repo::new();
    for command in ["cat a.py | \"$0\" scan - --name a.py -q", "\"$0\" scan - -q < a.py"] {
        repo.write("a.py", &format!("stripeKey = \"{}\"  # gitleaks:allow\n", key("stdin")));
        let output = repo.tree.command("sh").args(["-c", command, env!("CARGO_BIN_EXE_keyfence")]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}: {output:?}");
    }
}

#[test]
fn positions_of_gitleaks_become_fingerprints() {
    let repo = Repo::new();
    repo.write("src/a.py", &format!("# first\n{}", line(&key("a"))));
    repo.write("src/b c:d.py", &line(&key("b")));
    repo.write("gone.py", &line(&key("gone")));
    repo.commit("keys");
    let commit = repo.git(&["rev-parse", "HEAD"]).trim().to_owned();
    fs::remove_file(repo.path().join("gone.py")).unwrap();
    repo.commit("without one");
    let none = "0123456789012345678901234567890123456789";
    repo.write(
        ".gitleaksignore",
        &format!(
            "# accepted\nsrc/a.py:stripe-access-token:2\n\nsrc/b c:d.py:generic-api-key:1\n{commit}:gone.py:stripe-access-token:1\n\
             src/a.py:generic-api-key:1\nsrc/nowhere.py:x:1\n{none}:gone.py:x:1\nnot a line\n"
        ),
    );
    let (code, said) = repo.keyfence(&["migrate"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with(".keyfence-baseline: 3 added from 6 accepted with gitleaks\nnot taken over:\n"), "{said}");
    for left in [
        ".gitleaksignore:9: neither file:rule:line nor commit:file:rule:line",
        ".gitleaksignore:6: src/a.py:generic-api-key:1: keyfence finds nothing there",
        ".gitleaksignore:7: src/nowhere.py:x:1: there is no such file",
        &format!(".gitleaksignore:8: {none}:gone.py:x:1: "),
    ] {
        assert_eq!(said.matches(left).count(), 1, "{left}: {said}");
    }
    assert_eq!(said.lines().count(), 6, "{said}");
    assert!(
        repo.entries().iter().any(|entry| entry.ends_with(" gone.py in=history # accepted with gitleaks as stripe-access-token"))
    );
    assert_eq!(repo.run(&["scan", "."]).places(), [""; 0]);
    assert_eq!(repo.run(&["history"]).places(), [""; 0]);
    let before = repo.baseline();
    repo.keyfence(&["migrate"]);
    assert_eq!(repo.baseline(), before, "a second time changes nothing");
    repo.write("src/a.py", &format!("# first\n{}", line(&key("another"))));
    assert_eq!(repo.run(&["scan", "."]).places(), ["src/a.py:2"], "the position means nothing any more");
}

#[test]
fn reports_of_gitleaks_become_fingerprints() {
    let repo = Repo::new();
    repo.write("src/a.py", &format!("# shifted since\n\n\n{}", line(&key("a"))));
    repo.write("src/b.py", &line(&key("changed since")));
    repo.write("src/c.py", &line(&key("c")));
    let finding = |file: &str, secret: &str| serde_json::json!({ "RuleID": "stripe-access-token", "File": file, "StartLine": 1, "EndLine": 1, "Commit": "", "Secret": secret });
    let report = serde_json::json!([
        finding("src/a.py", &key("a")),
        finding("src/b.py", &key("b")),
        finding("src/c.py", "REDACTED"),
        { "File": "src/c.py" },
    ]);
    let file = repo.path().join("../report.json");
    fs::write(&file, report.to_string()).unwrap();
    let (code, said) = repo.keyfence(&["migrate", "../report.json", "--reason", "accepted in 2025"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("2 added from 3"), "{said}");
    assert!(
        said.contains("report.json[1]: src/b.py:stripe-access-token:1: what keyfence finds on that line is another value"),
        "{said}"
    );
    assert!(said.contains("report.json[3]: no finding of gitleaks"), "{said}");
    assert!(repo.entries().iter().all(|entry| entry.ends_with("# accepted in 2025")));
    assert_eq!(repo.run(&["scan", "."]).places(), ["src/b.py:1"]);
    assert_eq!(repo.keyfence(&["migrate", "../nothing.json"]).0, Some(2));
    assert_eq!(repo.keyfence(&["migrate"]).0, Some(2), "there is no .gitleaksignore");
}
