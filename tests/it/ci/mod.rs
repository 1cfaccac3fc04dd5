//! Reports for pipelines: SARIF by its official schema, annotations and job summaries of GitHub, files
//! that are replaced in one step; and docs/ci.md and action.yml, whose commands do what they say.

mod schema;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::git::{Repo, key};

fn sarif(repo: &Repo, args: &[&str]) -> (Option<i32>, Value) {
    let output = repo.tree.keyfence(&[args, &["-f", "sarif"]].concat());
    let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let official = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/ci/sarif-schema-2.1.0.json");
    let official: Value = serde_json::from_str(&fs::read_to_string(official).unwrap()).unwrap();
    let errors = schema::errors(&official, &document);
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
    (output.status.code(), document)
}

/// Keys of every sort: reported, allowed on the line, by the configuration and by the baseline, in a file
/// of an odd name, in an archive's stead a damaged one, shared by two environments.
fn rich() -> Repo {
    let repo = Repo::new();
    repo.write("src/a b#ü.py", &format!("é = 1; stripeKey = \"{}\"\n", key("a")));
    repo.write("src/inline.py", &format!("stripeKey = \"{}\"  # gitleaks:allow\n", key("inline")));
    repo.write("src/config.py", &format!("stripeKey = \"{}\"\n", key("config")));
    repo.write("src/base.py", &format!("stripeKey = \"{}\"\n", key("base")));
    let hook = crate::plant::expand("whsec_{base62:32}", "shared");
    repo.write(".env.production", &format!("STRIPE_WEBHOOK_SECRET={hook}\n"));
    repo.write(".env.sandbox", &format!("STRIPE_WEBHOOK_SECRET={hook}\n"));
    repo.write(
        ".keyfence.toml",
        "[[environment.allow]]\nkind = \"live-key-in-source-control\"\npath = \"src/config.py\"\nreason = \"drill\"\nuntil = \"2099-01-01\"\n",
    );
    repo.bytes("broken.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03broken");
    repo.git(&["add", "-f", "."]);
    repo
}

fn with_baseline() -> Repo {
    let repo = rich();
    let all: Vec<(String, String)> = ["src/a b#ü.py", "src/inline.py"]
        .iter()
        .map(|path| ((*path).to_owned(), fs::read_to_string(repo.path().join(path)).unwrap()))
        .collect();
    // Only the key of src/base.py is to be accepted.
    let env = [".env.production", ".env.sandbox", "broken.gz"].map(|path| (path, fs::read(repo.path().join(path)).unwrap()));
    for (path, _) in &all {
        fs::remove_file(repo.path().join(path)).unwrap();
    }
    for (path, _) in &env {
        fs::remove_file(repo.path().join(path)).unwrap();
    }
    let output = repo.tree.keyfence(&["baseline", "create", "--reason", "keys of the tutorial"]);
    assert!(output.status.success(), "{output:?}");
    for (path, text) in &all {
        repo.write(path, text);
    }
    for (path, bytes) in &env {
        repo.bytes(path, bytes);
    }
    repo
}

fn results(document: &Value) -> Vec<&Value> {
    document["runs"][0]["results"].as_array().unwrap().iter().collect()
}

fn of<'a>(document: &'a Value, uri: &str) -> Vec<&'a Value> {
    let at = |result: &&Value| result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri;
    results(document).into_iter().filter(at).collect()
}

#[test]
fn sarif_fits_the_official_schema() {
    let repo = with_baseline();
    let (code, document) = sarif(&repo, &["scan", "."]);
    assert_eq!(code, Some(1));
    let run = &document["runs"][0];
    let invocation = &run["invocations"][0];
    assert_eq!((&invocation["exitCode"], &invocation["executionSuccessful"]), (&1.into(), &false.into()));
    let skipped = invocation["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!(skipped.len(), 1, "{invocation:#}");
    assert_eq!(skipped[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "broken.gz");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results(&document) {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["text"].as_str().is_some_and(|help| help.len() > 20), "{rule:#}");
        assert!(rule["properties"]["tags"].as_array().unwrap().contains(&"security".into()), "{rule:#}");
    }
    let [one] = of(&document, "src/a%20b%23%C3%BC.py")[..] else { panic!("{document:#}") };
    let region = &one["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&region["startLine"], &region["startColumn"]), (&1.into(), &21.into()), "columns are UTF-16 code units");
    assert_eq!((&one["level"], one["suppressions"].as_array().unwrap().len()), (&"error".into(), 0));
    let shared = results(&document).into_iter().find(|result| result["ruleId"] == "shared-webhook-secret").unwrap();
    let related = shared["relatedLocations"].as_array().unwrap();
    assert!(related.iter().any(|place| place["physicalLocation"]["artifactLocation"]["uri"] == ".env.sandbox"), "{shared:#}");
}

/// Code scanning reads how bad an alert is from its rule, as a number in a string.
#[test]
fn a_rule_of_sarif_is_as_bad_as_its_worst_finding() {
    let repo = Repo::new();
    let score = |repo: &Repo, kind: &str| {
        let (_, document) = sarif(repo, &["scan", "."]);
        let rules = document["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().clone();
        let rule = rules.into_iter().find(|rule| rule["id"] == kind).unwrap_or_else(|| panic!("{kind}: {document:#}"));
        let of_it = results(&document).into_iter().filter(|result| result["ruleId"] == kind);
        let worst = of_it.filter(|result| result["suppressions"] == Value::Array(Vec::new()));
        let levels: Vec<String> = worst.map(|result| result["properties"]["severity"].as_str().unwrap().to_owned()).collect();
        let score = rule["properties"]["security-severity"].as_str().expect("a string").to_owned();
        assert!(score.parse::<f64>().is_ok_and(|score| (0.1..=10.0).contains(&score)), "{score}");
        (score, rule["defaultConfiguration"]["level"].as_str().unwrap().to_owned(), levels)
    };
    let webhook = |seed: &str| crate::plant::expand("whsec_{base62:32}", seed);
    repo.write("docs/example.md", &format!("STRIPE_WEBHOOK_SECRET={}\n", webhook("doc")));
    repo.git(&["add", "-A"]);
    let (low, level, levels) = score(&repo, "hardcoded-secret");
    assert_eq!((&*low, &*level, &levels[..]), ("3.0", "note", &["low".to_owned()][..]));
    repo.stage("src/pay.py", &format!("STRIPE_WEBHOOK_SECRET = \"{}\"\n", webhook("source")));
    let (high, level, levels) = score(&repo, "hardcoded-secret");
    assert_eq!((&*high, &*level, levels.len()), ("8.0", "error", 2), "{levels:?}");
    // What is allowed says nothing of what is left.
    repo.stage("src/pay.py", &format!("STRIPE_WEBHOOK_SECRET = \"{}\"  # gitleaks:allow\n", webhook("source")));
    assert_eq!(score(&repo, "hardcoded-secret").0, "3.0");
}

#[test]
fn sarif_tells_what_is_allowed_and_where_it_says_so() {
    let repo = with_baseline();
    let (_, document) = sarif(&repo, &["scan", "."]);
    for (uri, kind, why) in [
        ("src/inline.py", "inSource", "gitleaks:allow"),
        ("src/config.py", "external", "drill"),
        ("src/base.py", "external", "keys of the tutorial"),
    ] {
        let [one] = of(&document, uri)[..] else { panic!("{uri}: {document:#}") };
        let suppression = &one["suppressions"][0];
        assert_eq!((&suppression["kind"], &suppression["justification"]), (&kind.into(), &why.into()), "{uri}");
    }
}

#[test]
fn sarif_holds_no_byte_of_a_secret_and_fingerprints_only_under_a_kept_key() {
    let repo = rich();
    let (_, without) = sarif(&repo, &["scan", "."]);
    let prints = |document: &Value| -> Vec<Option<String>> {
        let print = |result: &&Value| result["partialFingerprints"]["keyfence/v1"].as_str().map(ToOwned::to_owned);
        results(document).iter().map(print).collect()
    };
    assert!(prints(&without).iter().all(Option::is_none));
    fs::write(repo.path().join("../fp.key"), "sixteen bytes or more of a key").unwrap();
    let (_, with) = sarif(&repo, &["scan", ".", "--fp-key-file", "../fp.key"]);
    assert!(prints(&with).iter().all(Option::is_some), "{with:#}");
    for text in [without.to_string(), with.to_string()] {
        for seed in ["a", "inline", "config", "base"] {
            let body = key(seed);
            assert!(!body.as_bytes()[8..].windows(8).any(|eight| text.contains(std::str::from_utf8(eight).unwrap())), "{seed}");
        }
    }
    // The hash of a line survives a shift, and does not tell two values apart.
    let hash = |document: &Value| of(document, "src/base.py")[0]["partialFingerprints"]["primaryLocationLineHash"].clone();
    let before = hash(&with);
    repo.write("src/base.py", &format!("\n\nstripeKey = \"{}\"\n", key("another")));
    assert_eq!(hash(&sarif(&repo, &["scan", "."]).1), before);
}

#[test]
fn sarif_of_every_road_fits_the_schema() {
    let repo = rich();
    sarif(&repo, &["staged"]);
    repo.git(&["rm", "-q", "--cached", "broken.gz"]);
    fs::remove_file(repo.path().join("broken.gz")).unwrap();
    repo.commit("everything");
    repo.git(&["commit", "-q", "--allow-empty", "-m", &format!("a key in a message: {}", key("message"))]);
    let (code, document) = sarif(&repo, &["history"]);
    assert_eq!(code, Some(1));
    let message = results(&document).into_iter().find(|result| result["locations"][0].get("logicalLocations").is_some());
    assert!(message.unwrap().to_string().contains("(commit message)"));
    let clean = Repo::new();
    let (code, document) = sarif(&clean, &["scan", "."]);
    assert_eq!((code, results(&document).len()), (Some(0), 0));
}

#[test]
fn paths_of_sarif_count_from_the_root_of_the_repository() {
    let repo = rich();
    let mut command = repo.tree.command(env!("CARGO_BIN_EXE_keyfence"));
    let output = command.current_dir(repo.path().join("src")).args(["scan", "base.py", "-f", "sarif"]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(of(&document, "src/base.py").len(), 1, "{document:#}");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let repo = with_baseline();
    for format in ["sarif", "github", "markdown"] {
        let run = |threads: &str| repo.tree.keyfence(&["scan", ".", "-j", threads, "-f", format]).stdout;
        let first = run("1");
        assert!(!first.is_empty());
        for threads in ["1", "2", "7"] {
            assert_eq!(run(threads), first, "{format}, {threads} threads");
        }
    }
}

#[test]
fn a_report_file_is_replaced_in_one_step() {
    let repo = rich();
    repo.write("out/report.sarif", "the old report");
    let output = repo.tree.keyfence(&["scan", "src", "-f", "sarif:out/report.sarif"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let document: Value = serde_json::from_str(&fs::read_to_string(repo.path().join("out/report.sarif")).unwrap()).unwrap();
    assert_eq!(document["version"], "2.1.0");
    let left: Vec<_> = fs::read_dir(repo.path().join("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["report.sarif"], "nothing is left beside it");
    let output = repo.tree.keyfence(&["scan", "src", "-f", "sarif:nowhere/report.sarif"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    // A scan that fails before it has a report leaves the old one.
    repo.write("out/report.sarif", "the old report");
    let output = repo.tree.keyfence(&["scan", "src", "--exclude", "[", "-f", "sarif:out/report.sarif"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(fs::read_to_string(repo.path().join("out/report.sarif")).unwrap(), "the old report");
    assert_eq!(fs::read_dir(repo.path().join("out")).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_written_and_not_replaced() {
    let repo = rich();
    let mut command = repo.tree.command("sh");
    let script = "\"$0\" scan src -f sarif:/dev/fd/3 3>&1 >/dev/null; test -c /dev/null";
    let output = command.args(["-c", script, env!("CARGO_BIN_EXE_keyfence")]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok(), "{output:?}");
}

#[test]
fn github_gets_annotations_and_a_summary() {
    let repo = rich();
    let summary = repo.path().join("../summary.md");
    fs::write(&summary, "of an earlier step\n").unwrap();
    let mut command = repo.tree.command(env!("CARGO_BIN_EXE_keyfence"));
    let output = command.env("GITHUB_STEP_SUMMARY", &summary).args(["scan", ".", "-f", "github"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("::error file="), "{text}");
    assert!(text.contains("::error file=src/a b#ü.py,line=1,endLine=1,col="), "{text}");
    assert!(
        text.contains("::warning file=broken.gz,title=Not scanned::broken.gz%3A")
            || text.contains("title=Not scanned::broken.gz: "),
        "{text}"
    );
    assert!(text.lines().all(|line| line.starts_with("::") || line.starts_with("keyfence: ")), "{text}");
    let told = fs::read_to_string(&summary).unwrap();
    assert!(told.starts_with("of an earlier step\n### keyfence: "), "{told}");
    assert!(told.contains("<code>src/a b&#35;ü.py:1</code>") && told.contains("Not scanned:"), "{told}");
    // Without the annotations nothing is written there.
    let before = told.len();
    let mut command = repo.tree.command(env!("CARGO_BIN_EXE_keyfence"));
    command.env("GITHUB_STEP_SUMMARY", &summary).args(["scan", ".", "-q"]).output().unwrap();
    assert_eq!(fs::read_to_string(&summary).unwrap().len(), before);
}

/// The commands of a block of docs/ci.md behind `<!-- name -->`.
fn commands(name: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci.md")).unwrap();
    let (_, behind) = text.split_once(&format!("<!-- {name} -->")).unwrap_or_else(|| panic!("docs/ci.md has no {name}"));
    let block = behind.split_once("```sh\n").unwrap().1.split_once("```").unwrap().0;
    block.lines().map(ToOwned::to_owned).collect()
}

/// Runs a line as a shell would, with our program on the path.
fn shell(repo: &Repo, line: &str) -> (Option<i32>, String) {
    let mut command = repo.tree.command("sh");
    let program = Path::new(env!("CARGO_BIN_EXE_keyfence"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let output = command.env("PATH", path).args(["-c", line]).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

#[cfg(unix)]
#[test]
fn the_commands_of_the_guide_do_what_it_says() {
    let repo = Repo::new();
    repo.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    repo.write("docs/tutorial.md", &format!("stripeKey = \"{}\"\n", key("tutorial")));
    repo.commit("a key");
    let run = |name: &str| commands(name).iter().map(|line| shell(&repo, line)).collect::<Vec<_>>();
    let github = run("github");
    assert!(
        github[0].1.contains("::error file=docs/tutorial.md") || github[0].1.contains("::notice file=docs/tutorial.md"),
        "{github:?}"
    );
    assert!(repo.path().join("keyfence.sarif").is_file());
    fs::remove_file(repo.path().join("keyfence.sarif")).unwrap();
    assert!(run("range")[0].1.contains("docs/tutorial.md:1"));
    assert!(run("create").iter().all(|(code, _)| *code == Some(0)));
    let entry = fs::read_to_string(repo.path().join(".keyfence-baseline")).unwrap();
    assert!(entry.contains("live-key-in-source-control docs/tutorial.md # keys of the tutorial, revoked"), "{entry}");
    assert_eq!(repo.git(&["status", "--short"]).lines().collect::<Vec<_>>()[..2], ["A  .gitattributes", "A  .keyfence-baseline"]);
    assert_eq!(run("check")[0].0, Some(0));
    assert_eq!(run("github")[0].0, Some(0));
    repo.write(".gitleaksignore", "docs/tutorial.md:stripe-access-token:1\n");
    assert_eq!(run("migrate")[0].0, Some(0));
    repo.write("docs/tutorial.md", "nothing\n");
    assert_eq!(run("check")[0].0, Some(1));
}

/// What the guide names is there: formats, flags, commands and links.
#[test]
fn the_guide_names_what_there_is() {
    const OF_OTHERS: &[&str] = &["--continue", "--git", "--locked", "--no-verify"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/ci.md")).unwrap();
    let hooks = fs::read_to_string(root.join(".pre-commit-hooks.yaml")).unwrap();
    for id in ["keyfence", "keyfence-system", "keyfence-push"] {
        assert!(hooks.contains(&format!("- id: {id}\n")) && text.contains(id), "{id}");
    }
    let repo = Repo::new();
    let help: String = ["scan", "history", "baseline update", "baseline create", "hook install"]
        .iter()
        .map(|command| shell(&repo, &format!("keyfence {command} --help")).1)
        .collect();
    for flag in text
        .split('`')
        .flat_map(str::split_whitespace)
        .filter(|word| word.starts_with("--") && word.len() > 4 && !OF_OTHERS.contains(word))
    {
        assert!(help.contains(flag), "{flag}");
    }
}

/// The script of the action, run as the runner runs it.
#[cfg(unix)]
#[test]
fn the_action_runs_and_tells_its_exit_code() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml")).unwrap();
    let script =
        text.rsplit_once("      run: |\n").unwrap().1.lines().fold(String::new(), |all, line| all + line.trim_start() + "\n");
    let repo = Repo::new();
    let run = |command: &str, incomplete: &str| {
        let output = repo.path().join("../output");
        fs::write(&output, "").unwrap();
        let path = Path::new(env!("CARGO_BIN_EXE_keyfence")).parent().unwrap().to_owned();
        let mut bash = repo.tree.command("bash");
        bash.env("PATH", format!("{}:{}", path.display(), std::env::var("PATH").unwrap())).env("GITHUB_OUTPUT", &output);
        bash.env("COMMAND", command).env("SARIF", "../k.sarif").env("FAIL_ON", "").env("ALLOW_INCOMPLETE", incomplete);
        let status = bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script]).output().unwrap().status;
        (status.code(), fs::read_to_string(&output).unwrap())
    };
    assert_eq!(run("scan .", "false"), (Some(0), "exit-code=0\n".to_owned()));
    repo.bytes("broken.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03broken");
    assert_eq!(run("scan .", "false"), (Some(3), "exit-code=3\n".to_owned()));
    assert_eq!(run("scan .", "true"), (Some(0), "exit-code=0\n".to_owned()));
    repo.write("a.py", &format!("stripeKey = \"{}\"\n", key("action")));
    assert_eq!(run("scan .", "false"), (Some(1), "exit-code=1\n".to_owned()));
    for script in ["scan . ; touch ../run", "scan $(touch ../run) .", "scan `touch ../run` .", "scan . \"; touch ../run #"] {
        assert!(run(script, "false").0.is_some_and(|code| code != 0), "{script}");
        assert!(!repo.path().join("../run").exists(), "a word of an input is run: {script}");
    }
    assert_eq!(run("scan\n  --fail-on\n  critical\n  README.md\n", "false").0, Some(0), "all lines of an input count");
    assert!(!repo.path().join("../run").exists() && repo.path().join("../k.sarif").is_file());
}
