//! `.keyfence.toml`: where it is found, what is wrong in it, and that what it decides is done.

use crate::plant::Tree;

const SANDBOX: &str = "sk_test_{base62:24}";

/// A repository with a sandbox key in production, a high finding.
fn tree(config: &str) -> Tree {
    let tree = Tree::new();
    tree.git(&["init", "-q"]);
    tree.file("services/pay/production.env", &format!("STRIPE_SECRET_KEY={SANDBOX}\n"));
    tree.git(&["add", "."]);
    if !config.is_empty() {
        tree.write(".keyfence.toml", config);
    }
    tree
}

/// The exit code of a scan, and what it said on either stream.
fn scan(tree: &Tree, args: &[&str]) -> (Option<i32>, String, String) {
    let output = tree.keyfence(&[&["scan", "--quiet"], args].concat());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const OFF: &str = "[environment.policy]\noff = [\"sandbox-key-in-production\"]\n";

#[test]
fn it_is_found_above_up_to_the_root_of_the_repository() {
    let tree = tree("");
    assert_eq!(scan(&tree, &["services/pay"]).0, Some(1));
    tree.write("services/.keyfence.toml", OFF);
    assert_eq!(scan(&tree, &["services/pay"]).0, Some(0), "above the folder");
    assert_eq!(scan(&tree, &["services/pay/production.env"]).0, Some(0), "above the file");
    // The nearest one counts, alone.
    tree.write("services/pay/.keyfence.toml", "");
    assert_eq!(scan(&tree, &["services/pay"]).0, Some(1));
    let other = tree.path().join("other.toml");
    std::fs::write(&other, OFF).unwrap();
    assert_eq!(scan(&tree, &["services/pay", "-c", "other.toml"]).0, Some(0), "named");
}

#[test]
fn it_is_not_looked_for_above_the_root() {
    let outer = Tree::new();
    outer.write(".keyfence.toml", OFF);
    outer.file("repo/production.env", &format!("STRIPE_SECRET_KEY={SANDBOX}\n"));
    outer.git(&["init", "-q", "repo"]);
    assert_eq!(scan(&outer, &["repo"]).0, Some(1));
}

#[test]
fn mistakes_end_the_run_before_anything_is_read() {
    for (config, why) in [
        ("[enviroment]\n", "did you mean \"environment\"?"),
        ("[environment]\nunresolvd = \"fail\"\n", "line 2: unknown key or value \"unresolvd\"; did you mean \"unresolved\"?"),
        ("[environment.policy]\nblok = []\n", "did you mean \"block\"?"),
        ("[environment.policy]\noff = [\"sandbox-key-in-prod\"]\n", "did you mean \"sandbox-key-in-production\"?"),
        ("[[environment.place]]\nglob = \"x/**\"\nenv = \"prodution\"\n", "did you mean \"production\"?"),
        ("[[environment.place]]\nglob = \"x/**\"\nkind = \"clent\"\n", "did you mean \"client\"?"),
        ("[[environment.place]]\nglob = \"x/**\"\n", "neither env nor kind"),
        ("[[environment.host]]\nhost = \"a.example\"\nprovider = \"paycaa\"\nenv = \"live\"\n", "did you mean \"payca\"?"),
        ("[[environment.host]]\nhost = \"a.example\"\nprovider = \"payca\"\nenv = \"unknown\"\n", "env is live or sandbox"),
        ("[[environment.provider]]\nname = \"strip\"\n", "did you mean \"stripe\"?"),
        (
            "[[environment.allow]]\nkind = \"hardcoded-secrets\"\nreason = \"x\"\nuntil = \"2099-01-01\"\n",
            "did you mean \"hardcoded-secret\"?",
        ),
        ("[[environment.allow]]\nkind = \"hardcoded-secret\"\nuntil = \"2099-01-01\"\n", "every exception has a `reason`"),
        ("[[environment.allow]]\nkind = \"hardcoded-secret\"\nreason = \"x\"\n", "every exception ends"),
        (
            "[[environment.allow]]\nkind = \"hardcoded-secret\"\nvalue = \"x\"\nreason = \"x\"\nuntil = \"2099-01-01\"\n",
            "\"value\"",
        ),
    ] {
        let (code, stdout, stderr) = scan(&tree(config), &["."]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{config}: {stderr}");
        assert!(stderr.starts_with("error: .keyfence.toml: ") && stderr.contains(why), "{config}: {stderr}");
    }
}

#[test]
fn what_it_decides_is_done() {
    let kind = "sandbox-key-in-production";
    for (policy, code, shown) in [
        (String::new(), 1, true),
        ("[environment.policy]\nblock = []\n".to_owned(), 0, true),
        ("[environment.policy]\nblock = [\"critical\"]\n".to_owned(), 0, true),
        (format!("[environment.policy]\nblock = [\"critical\", \"{kind}\"]\n"), 1, true),
        (format!("[environment.policy]\nwarn = [\"{kind}\"]\n"), 0, true),
        ("[environment.policy]\nwarn = [\"high\"]\n".to_owned(), 0, true),
        (format!("[environment.policy]\noff = [\"{kind}\"]\n"), 0, false),
        ("[environment.policy]\noff = [\"high\"]\n".to_owned(), 0, false),
        ("[environment]\nmin_confidence = \"strong\"\n".to_owned(), 1, true),
        ("[[environment.place]]\nglob = \"services/**\"\nenv = \"staging\"\n".to_owned(), 0, false),
        ("[[environment.place]]\nglob = \"other/**\"\nenv = \"staging\"\n".to_owned(), 1, true),
        // The folder and the file contradict each other then.
        ("[environment.alias]\npay = \"staging\"\n".to_owned(), 0, false),
    ] {
        let (ended, stdout, stderr) = scan(&tree(&policy), &["."]);
        assert_eq!(ended, Some(code), "{policy}: {stdout}{stderr}");
        assert_eq!(stdout.contains("sandbox key in production"), shown, "{policy}: {stdout}");
    }
}

#[test]
fn an_exception_counts_until_its_last_day() {
    let allow = |until: &str, path: &str| {
        format!(
            "[[environment.allow]]\nkind = \"sandbox-key-in-production\"\npath = \"{path}\"\nreason = \"launch\"\nuntil = \"{until}\"\n"
        )
    };
    let (code, _, stderr) = scan(&tree(&allow("2099-01-01", "services/**")), &["."]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(scan(&tree(&allow("2099-01-01", "other/**")), &["."]).0, Some(1), "another path");
    let (code, _, stderr) = scan(&tree(&allow("2020-01-01", "services/**")), &["."]);
    assert_eq!(code, Some(1));
    assert_eq!(stderr, "warning: .keyfence.toml: the allow for sandbox-key-in-production ended on 2020-01-01\n");
}

#[test]
fn what_cannot_be_told_may_block() {
    let config = |unresolved: &str| format!("[environment]\nunresolved = \"{unresolved}\"\n");
    for (unresolved, code) in [("report", 0), ("ignore", 0), ("fail", 1)] {
        let tree = Tree::new();
        tree.file("app.conf", &format!("STRIPE_SECRET_KEY={SANDBOX}\n"));
        tree.write(".keyfence.toml", &config(unresolved));
        assert_eq!(scan(&tree, &["."]).0, Some(code), "{unresolved}");
    }
}
