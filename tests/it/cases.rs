//! Labelled cases: texts as real software prints them, and what must be found in each.

use std::path::Path;

use keyfence::credential::Credential;
use keyfence::detect::{Form, Scanner};
use keyfence::finding::Sighting;
use keyfence::rule::RuleSet;
use serde::Deserialize;

use crate::plant::expand;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    text: String,
    /// How the text becomes bytes, if not as UTF-8.
    encoding: Option<String>,
    /// Bytes before the text, in hex.
    #[serde(default)]
    head: String,
    path: Option<String>,
    skip: Option<String>,
    expect: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    rule: Option<String>,
    provider: Option<String>,
    class: Option<String>,
    environment: Option<String>,
    #[serde(default)]
    public: bool,
}

impl Case {
    fn bytes(&self) -> Vec<u8> {
        let text = expand(&self.text, &self.name);
        let digits = |at: usize| u8::from_str_radix(&self.head[at..at + 2], 16).unwrap();
        let mut bytes: Vec<u8> = (0..self.head.len()).step_by(2).map(digits).collect();
        match self.encoding.as_deref() {
            None => bytes.extend(text.bytes()),
            Some("utf-16le") => bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Some("utf-16be") => bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            Some("utf-32le") => bytes.extend(text.chars().flat_map(|c| u32::from(c).to_le_bytes())),
            Some("utf-32be") => bytes.extend(text.chars().flat_map(|c| u32::from(c).to_be_bytes())),
            Some(other) => panic!("{}: no encoding is named {other}", self.name),
        }
        bytes
    }
}

impl Expected {
    fn is(&self, found: &Credential) -> bool {
        let same = |expected: &Option<String>, found: &str| expected.as_ref().is_none_or(|expected| expected == found);
        let provider = found.provider.as_ref().map_or("", |provider| provider.as_str());
        same(&self.rule, found.rule.as_str())
            && same(&self.provider, provider)
            && same(&self.class, found.class.name())
            && same(&self.environment, found.environment.name())
    }
}

/// What the program would make of the case: the scanner's credentials, narrowed by path and file.
fn found(scanner: &Scanner, case: &Case) -> Vec<Credential> {
    let bytes = case.bytes();
    let path = case.path.as_deref().unwrap_or("case.txt");
    let mut sightings = scanner.scan(&bytes);
    if let Some(form) = Form::of(path) {
        let filed = scanner.scan_form(form, &bytes, &sightings);
        sightings.extend(filed);
    }
    let credentials = sightings.into_iter().filter_map(|sighting| match sighting {
        Sighting::Credential(credential) => Some(credential),
        _ => None,
    });
    let naming = keyfence::environment::Naming::new(scanner, Some(Path::new(path)), &bytes);
    let narrowed = credentials.map(|mut credential| {
        naming.narrow(&mut credential);
        credential
    });
    narrowed.collect()
}

/// Whether the credentials are those expected, in order; public ones may be missing or unlabelled.
fn agrees(expected: &[Expected], found: &[Credential]) -> bool {
    let Some((first, rest)) = found.split_first() else {
        return expected.iter().all(|expected| expected.public);
    };
    let next = expected.iter().position(|expected| !expected.public).unwrap_or(expected.len());
    let labelled = expected.iter().take(next + 1).position(|expected| expected.is(first));
    match labelled {
        Some(at) => agrees(&expected[at + 1..], rest),
        None => first.class.is_public() && agrees(expected, rest),
    }
}

fn describe(found: &[Credential]) -> String {
    let rows = found.iter().map(|credential| {
        let provider = credential.provider.as_ref().map_or("", |provider| provider.as_str());
        format!("{} {provider:?} {} {}", credential.rule, credential.class, credential.environment)
    });
    rows.collect::<Vec<_>>().join(" | ")
}

fn run(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases").join(file);
    let cases: File = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let scanner = Scanner::new(RuleSet::builtin().into());
    let mut wrong = Vec::new();
    let mut ran = 0;
    for case in cases.case.iter().filter(|case| case.skip.is_none()) {
        ran += 1;
        let found = found(&scanner, case);
        if !agrees(&case.expect, &found) {
            let labels: Vec<_> = case.expect.iter().map(|expected| expected.rule.as_deref().unwrap_or("any")).collect();
            wrong.push(format!("{}: {} instead of [{}]", case.name, describe(&found), labels.join(" | ")));
        }
    }
    assert!(ran > 0, "{file} holds no case");
    assert!(wrong.is_empty(), "{} of {ran} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn whatever_follows_a_key() {
    run("followers.toml");
}

#[test]
fn whatever_stands_before_a_key() {
    run("lefts.toml");
}

#[test]
fn the_shapes_that_software_prints() {
    run("shapes.toml");
}

#[test]
fn the_files_that_programs_keep_credentials_in() {
    run("files.toml");
}

#[test]
fn what_calls_are_given() {
    run("calls.toml");
}

#[test]
fn what_programs_print() {
    run("printed.toml");
}

#[test]
fn what_is_no_secret() {
    run("silent.toml");
}

#[test]
fn what_is_encoded() {
    run("encoded.toml");
}
