//! The rule files: their promises, and the table that embeds them.

use std::fs;
use std::path::Path;

use keyfence::rule::{AREAS, BUILTIN_FILES, RuleSet};
use keyfence::rule_check::{Effort, check};

#[test]
fn every_rule_file_keeps_its_promises() {
    let errors: Vec<_> = check(BUILTIN_FILES, Effort::FULL).iter().map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{} errors:\n{}", errors.len(), errors.join("\n"));
}

/// A rule file with these two formats in it, and what the check says of it.
fn mistakes(formats: [&str; 2], extra: &str) -> Vec<String> {
    let rule = |name: &str, format: &str, extra: &str| {
        format!(
            "[[rule]]\nid = \"acme-{name}\"\ntitle = \"Acme {name}\"\nclass = \"standard-api-key\"\nenvironment = \"unknown\"\n\
             format = '{format}'\n{extra}\nremediation = \"Roll it.\"\nexamples = []\ncounter_examples = []\n"
        )
    };
    let text = format!(
        "[provider]\nid = \"acme\"\nname = \"Acme\"\nmarkers = [\"acme\"]\n{}{}",
        rule("one", formats[0], extra),
        rule("two", formats[1], "")
    );
    let errors = check(&[("rules/acme.toml", text)], Effort { values: 3, bodies: 100 });
    errors.iter().map(ToString::to_string).filter(|error| error.contains(": format: ")).collect()
}

#[test]
fn rules_that_read_the_same_values_say_who_goes_first() {
    let same = ["acme_[0-9a-f]{32}", "acme_[0-9A-Za-z]{32}"];
    let both = mistakes(same, "");
    assert!(
        both.iter().any(|error| error.starts_with("rules/acme.toml: acme-one: format: acme-two reads the same values")),
        "{both:?}"
    );
    assert!(mistakes(same, "default_for = true").iter().all(|error| !error.contains("reads the same values")));
    assert_eq!(mistakes(["acme_[0-9a-f]{32}", "acme_[0-9A-Za-z]{40}"], ""), [""; 0]);
}

#[test]
fn a_beginning_that_stands_everywhere_is_refused() {
    let common = mistakes(["test_[0-9a-f]{32}", "acme_[0-9A-Za-z]{40}"], "");
    assert!(common[0].contains("\"test_\" stands everywhere"), "{common:?}");
    assert_eq!(mistakes(["test_[0-9a-f]{32}", "acme_[0-9A-Za-z]{40}"], "needs = \"marker\""), [""; 0]);
}

/// A rule that keeps every promise; each of the tests below breaks one.
const GOOD: &str = r#"
[provider]
id = "acme"
name = "Acme"
markers = ["acmepay"]
[[rule]]
id = "acme-key"
title = "Acme key"
class = "standard-api-key"
environment = { live = "live", sandbox = "test" }
format = 'acmk_(?<env>live|test)_[0-9A-Za-z]{32}'
remediation = "Roll the key."
examples = [
    { text = 'ACME_KEY=acmk_live_{base62:32}', environment = "live" },
    { text = 'key: acmk_test_{base62:32}', environment = "sandbox" },
]
counter_examples = [
    { text = 'acmk_live_{base62:20}', because = "too short" },
    { text = 'acmk_prod_{base62:32}', because = "no such environment" },
]
[[rule]]
id = "acme-hook"
title = "Acme webhook secret"
class = "webhook-secret"
environment = "unknown"
names = ["ACME_HOOK_SECRET"]
format = '[0-9a-f]{40}'
remediation = "Roll the secret."
examples = [{ text = 'ACME_HOOK_SECRET={hex:40}' }, { text = 'acme_hook_secret: "{hex:40}"' }]
counter_examples = [{ text = 'HOOK_ID={hex:40}', because = "an id" }, { text = 'ACME_HOOK_SECRET={hex:20}', because = "too short" }]
"#;

fn complaints(file: &str) -> Vec<String> {
    let errors = check(&[("rules/acme.toml", file)], Effort { values: 5, bodies: 2_000 });
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn every_lint_fails_on_a_rule_that_breaks_it() {
    assert_eq!(complaints(GOOD), [""; 0]);
    let broken = [
        ("[0-9A-Za-z]{32}'", "[0-9A-Za-z]{32,}'", "no upper bound"),
        ("[0-9A-Za-z]{32}'", "[0-9A-Za-z]{9000}'", "the limit is 8192"),
        ("'acmk_(?<env>live|test)_", "'(?<env>live|test)_", "stands everywhere"),
        ("'acmk_(?<env>live|test)_", r"'\bacmk_(?<env>live|test)_", "both edges are checked"),
        ("'acmk_(?<env>live|test)_", "'ak_[0-9]{8}(?<env>live|test)_", "no literal of four bytes"),
        ("'acmk_(?<env>live|test)_", "'payment[\\x21-\\x7e]{3}(?<env>live|test)_", "\"payment\" stands"),
        ("(?<env>live|test)", "(?:live|test)", "no group named env"),
        ("sandbox = \"test\"", "sandbox = \"sandbox\"", "neither live nor sandbox"),
        ("names = [\"ACME_HOOK_SECRET\"]", "", "declares no names"),
        ("[\"ACME_HOOK_SECRET\"]", "[\"ACME_HOOK\"]", "none of the stems"),
        ("[\"ACME_HOOK_SECRET\"]", "[\"ACME_HOOK_SECRET\", \"STRIPE_SIGNIFYD_KEY\"]\nsize = 3", "unknown field"),
        ("names = [\"ACME_HOOK_SECRET\"]", "names = [\"PAYHIP_X_SECRET\"]", "read as general-named-secret"),
        ("markers = [\"acmepay\"]", "markers = []", "no markers and no slots"),
        ("id = \"acme-hook\"", "id = \"other-hook\"", "begin with"),
        ("id = \"acme-hook\"", "id = \"acme-key\"", "acme-key"),
        ("environment = \"sandbox\" }", "environment = \"live\" }", "environment sandbox"),
        ("acmk_prod_{base62:32}", "acmk_live_{base62:32}", "found, although"),
        ("{base62:20}', because", "{base99:20}', because", "no generator"),
        ("    { text = 'acmk_live_{base62:20}', because = \"too short\" },\n", "", "1, two are needed"),
        ("_[0-9A-Za-z]{32}'", "_(?:example|demo-demo|your-key)[0-9A-Za-z]{4}'", "dropped as placeholders"),
        ("remediation = \"Roll the secret.\"", "checks = [\"luck\"]\nremediation = \"Roll the secret.\"", "no check is named"),
        ("remediation = \"Roll the secret.\"", "checks = [\"jwt\"]\nremediation = \"Roll the secret.\"", "can be drawn"),
        (
            "'acmk_(?<env>live|test)_[0-9A-Za-z]{32}'",
            "'xnd_(?<env>live|test)_[0-9A-Za-z]{32}|shpat_[0-9a-f]{32}'",
            "reads the same values",
        ),
        ("[\"ACME_HOOK_SECRET\"]", "[\"SPREEDLY_ACCESS_SECRET\", \"QUICKPAY_API_KEY\"]", "under the same name"),
    ];
    let mut silent = Vec::new();
    for (from, to, why) in broken {
        assert!(GOOD.contains(from), "{from}");
        let mut file = GOOD.replacen(from, to, 1);
        if why.starts_with("no markers") {
            file = file.replacen("names =", "near =", 1);
        }
        if why.ends_with("same name") {
            file = file.replace("[0-9a-f]{40}", "[0-9a-f]{64}");
        }
        let all = complaints(&file);
        if !all.iter().any(|complaint| complaint.contains(why)) {
            silent.push(format!("{to}: {why:?} is not among {all:#?}"));
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

#[test]
fn every_provider_is_at_home_somewhere() {
    let set = RuleSet::builtin();
    let lost = set.providers().iter().filter(|facts| !facts.is_general() && !AREAS.contains(&facts.area()));
    let lost: Vec<String> = lost.map(|facts| format!("{}: {}", facts.id, facts.region)).collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

/// Adding a provider is adding a file, and changing a rule is changing a file: this test writes what
/// the program holds of them, and then fails once.
#[test]
fn every_rule_file_is_part_of_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = fs::read_dir(root.join("rules"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "toml"))
        .collect();
    names.sort();
    let row = |name: &String| format!("    (\"rules/{name}\", include_str!(\"../../rules/{name}\")),\n");
    let rows = names.iter().map(row).collect::<Vec<_>>().concat();
    let table = root.join("src/rule/builtin.rs");
    let text = fs::read_to_string(&table).unwrap();
    let (head, _) = text.split_once("&[\n").unwrap();
    let expected = format!("{head}&[\n{rows}];\n");
    if text != expected {
        fs::write(&table, expected).unwrap();
        panic!("src/rule/builtin.rs was out of date and has been rewritten: run the tests again");
    }
    let read = |name: &String| (format!("rules/{name}"), fs::read_to_string(root.join("rules").join(name)).unwrap());
    let set = RuleSet::load(&names.iter().map(read).collect::<Vec<_>>());
    let set = set.unwrap_or_else(|errors| panic!("{}", errors[0]));
    let compact = root.join("src/rule/builtin.postcard");
    let expected = set.compact().unwrap();
    if fs::read(&compact).unwrap_or_default() != expected {
        fs::write(&compact, expected).unwrap();
        panic!("src/rule/builtin.postcard was out of date and has been rewritten: run the tests again");
    }
}
