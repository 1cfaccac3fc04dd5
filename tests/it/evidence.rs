//! Every rule of evidence of the environment model and every guard, each by a text that shows it alone.

use std::path::Path;
use std::sync::LazyLock;

use keyfence::assess::{self, Exposed, Side};
use keyfence::detect::Scanner;
use keyfence::environment::declared::{Declared, DeclaredPlace, Globs};
use keyfence::environment::path::{Surroundings, kind_of};
use keyfence::environment::resolve::Clue;
use keyfence::environment::{Input, Run, Seen, Source, Survey};
use keyfence::finding::{PlaceKind, Sighting, Stage, Tracked};
use keyfence::rule::RuleSet;
use keyfence::span::Span;

use crate::plant::{Tree, expand};

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::new(RuleSet::builtin().into()));

pub(crate) fn survey<'a>(declared: &'a Declared, path: &'a str, text: &'a str) -> Survey<'a> {
    let log = kind_of(path, declared) == PlaceKind::Log;
    let input = Input {
        path: Some(Path::new(path)),
        bytes: text.as_bytes(),
        kind: log.then_some(PlaceKind::Log),
        around: Surroundings::default(),
        whole: true,
        banner: None,
    };
    Survey::new(Run { declared, rules: SCANNER.rules() }, input)
}

/// All clues for the place that is marked `@@`, as `P30 production 90`.
fn clues(declared: &Declared, path: &str, text: &str) -> Vec<String> {
    let at = text.find("@@").unwrap();
    let survey = survey(declared, path, text);
    let situation = survey.situation(Span::new(at, at + 2));
    let row = |clue: &Clue| format!("{} {} {}", clue.id, clue.stage, clue.weight);
    situation.scopes.iter().flat_map(|scope| &scope.clues).map(row).collect()
}

/// What nobody declared: the evidence, where it stands, and the text that shows it.
const PLACES: &[(&str, &str, &str)] = &[
    ("P01 dev 100", "x.yml", "# keyfence: env=dev\nkey: @@\n"),
    ("P10 production 90", "a.log", "{\"env\":\"production\",\"msg\":\"@@\"}\n"),
    ("P10 staging 90", "a.log", "{\"resource\":{\"attributes\":{\"deployment.environment.name\":\"staging\"}},\"msg\":\"@@\"}\n"),
    ("P11 production 85", "a.log", "[2026-03-12 09:11:07] production.ERROR: refused @@\n"),
    ("P12 production 80", "a.log", "{\"ddtags\":\"env:prod,team:pay\",\"message\":\"@@\"}\n"),
    ("P13 staging 70", "a.log", "{\"kubernetes\":{\"namespace_name\":\"shop-staging\"},\"log\":\"@@\"}\n"),
    ("P14 production 60", "a.log", "{\"logGroup\":\"/ecs/shop-prod\",\"message\":\"@@\"}\n"),
    ("P15 staging 55", "a.log", "{\"host\":\"staging-api-1\",\"msg\":\"@@\"}\n"),
    ("P16 production 50", "a.log", "{\"service\":\"shop-prod-api\",\"msg\":\"@@\"}\n"),
    ("P17 production 45", "a.log", "* Environment: production\nrefused @@\n"),
    ("P20 staging 85", "x.yml", "staging:\n  key: @@\n"),
    ("P20 production 85", "x.toml", "[env.production.vars]\nkey = \"@@\"\n"),
    ("P20 production 85", "x.tf", "keys = {\n  prod = \"@@\"\n}\n"),
    ("P21 production 85", "x.yml", "web:\n  environment:\n    APP_ENV: production\n    KEY: @@\n"),
    ("P21 staging 85", "x.yml", "env:\n  - name: DEPLOY_ENV\n    value: staging\n  - name: KEY\n    value: @@\n"),
    ("P22 production 85", "x.json", "[{\"name\": \"production\", \"key\": \"@@\"}]\n"),
    ("P23 production 90", ".github/workflows/a.yml", "jobs:\n  ship:\n    environment: production\n    env:\n      KEY: @@\n"),
    ("P23 staging 60", ".github/workflows/a.yml", "jobs:\n  deploy-staging:\n    env:\n      KEY: @@\n"),
    ("P24 staging 80", "x.yml", "kind: Secret\nmetadata:\n  labels:\n    environment: staging\nstringData:\n  key: @@\n"),
    ("P24 production 80", "x.yml", "metadata:\n  namespace: production\nstringData:\n  key: @@\n"),
    ("P24 production 75", "x.yml", "metadata:\n  namespace: shop-production\nstringData:\n  key: @@\n"),
    ("P25 staging 85", "application.yml", "spring:\n  config:\n    activate:\n      on-profile: staging\nkey: @@\n"),
    ("P26 staging 85", "server/x.js", "if (process.env.APP_ENV === 'staging') {\n  k = '@@';\n}\n"),
    ("P26 production 80", "server/x.js", "if (isProd) {\n  k = '@@';\n}\n"),
    ("P26 dev 80", "server/x.js", "const k = isProd ? 'x' : '@@'\n"),
    ("P27 production 50", ".env", "# Production\nKEY=@@\n"),
    ("P28 production 60", "x.gradle", "android {\n  buildTypes {\n    release {\n      key '@@'\n    }\n  }\n}\n"),
    ("P28 production 60", "Release.xcconfig", "KEY = @@\n"),
    ("P30 production 90", "config/production.yml", "key: @@\n"),
    ("P31 staging 75", "deploy/staging/x.yml", "key: @@\n"),
    ("P32 production 60", "bin/deploy-prod.sh", "KEY=@@\n"),
    ("P32 staging 50", "shop-staging/x.yml", "key: @@\n"),
    ("P33 staging 85", ".env", "APP_ENV=staging\nKEY=@@\n"),
    ("P34 production 45", ".env", "NODE_ENV=production\nKEY=@@\n"),
    ("P34 dev 60", ".env", "NODE_ENV=development\nKEY=@@\n"),
    ("P35 local 80", ".vscode/launch.json", "{ \"key\": \"@@\" }\n"),
    ("P35 local 70", "docker-compose.override.yml", "key: @@\n"),
    ("P36 dev 60", "x.json", "{ \"production\": false, \"key\": \"@@\" }\n"),
    ("P37 staging 50", ".env", "APP_URL=https://staging.shop.example\nKEY=@@\n"),
];

#[test]
fn every_evidence_of_a_place() {
    for (expected, path, text) in PLACES {
        let found = clues(&Declared::default(), path, text);
        assert!(found.iter().any(|row| row == expected), "{path}: {text}{found:?} has no {expected}");
    }
}

#[test]
fn every_declaration_of_a_place() {
    let place = DeclaredPlace {
        globs: Globs::new(&["apps/**"]).unwrap(),
        source: "apps/**".into(),
        stage: Some(Stage::Production),
        kind: None,
        backend: false,
        lock: false,
    };
    let none = Declared::default;
    for (expected, declared) in [
        ("P01 staging 100", Declared { forced: Some(Stage::Staging), ..none() }),
        ("P02 production 100", Declared { places: vec![place.clone()], ..none() }),
        ("P02 production 100", Declared { places: vec![DeclaredPlace { lock: true, ..place }], ..none() }),
        ("P02 production 100", Declared { branch: Some(("release/1".into(), Some(Stage::Production))), ..none() }),
        ("P03 staging 100", Declared { default: Some(Stage::Staging), ..none() }),
        ("P40 staging 20", Declared { branch: Some(("deploy/staging".into(), None)), ..none() }),
    ] {
        let found = clues(&declared, "apps/a/x.yml", "key: @@\n");
        assert!(found.iter().any(|row| row == expected), "{found:?} has no {expected}");
    }
}

/// C1 to C7: what the first credential of a file is told by.
#[test]
fn every_evidence_of_a_credential() {
    for (expected, path, template) in [
        ("C1 live", "x.yml", "key: sk_live_{base62:24}\n"),
        ("C2 sandbox", ".env", "PAYCHAIN_SANDBOX_API_KEY={base62:40}\n"),
        ("C3 live", ".env", "PAYPAL_CLIENT_SECRET=E{base62:79}\nPAYPAL_MODE=live\n"),
        ("C4 live", ".env", "RAZORPAY_KEY_SECRET={base62:24}\nRAZORPAY_KEY_ID=rzp_live_{base62:14}\n"),
        ("C5 sandbox", ".env", "PAYCA_CLIENT_SECRET={uuid4}\nPAYCA_BASE_URL=https://api.sandbox.payca.io\n"),
        ("C6 live", "x.yml", "production:\n  payca_client_secret: {uuid4}\nstaging:\n  payca_client_secret: {uuid4}\n"),
        ("C7 sandbox", ".env", "PAYCHAIN_API_KEY={base62:40}\nPAYCHAIN_NETWORK=base-sepolia\n"),
    ] {
        let (declared, text) = (Declared::default(), expand(template, expected));
        let survey = survey(&declared, path, &text);
        let judgement = judged(&survey, &text);
        let reading = &judgement.sites[0].reading;
        let found: Vec<_> =
            reading.witnesses.iter().map(|witness| format!("{} {}", witness.source.id(), witness.environment)).collect();
        assert!(found.iter().any(|row| row == expected), "{template}: {found:?} has no {expected}");
        assert_eq!(format!("{} {}", reading.source.id(), reading.environment), found[0], "the best goes first");
    }
}

pub(crate) fn judged(survey: &Survey<'_>, text: &str) -> assess::Judgement {
    let (mut credentials, mut facts) = (Vec::new(), Vec::new());
    for sighting in SCANNER.scan(text.as_bytes()) {
        match sighting {
            Sighting::Credential(credential) => credentials.push(credential),
            Sighting::Fact(fact) => facts.push(fact),
            _ => {}
        }
    }
    assess::judge(survey, Seen { credentials: &credentials, facts: &facts }, SCANNER.rules(), Tracked::Yes)
}

/// C8: the place names a side for comparisons, and never an environment.
#[test]
fn a_place_is_a_side_and_no_environment() {
    let (declared, text) = (Declared::default(), expand("PAYCA_CLIENT_SECRET={uuid4}\n", "a"));
    for (path, side) in [(".env.production", Some(Side::Live)), (".env.staging", Some(Side::Sandbox)), (".env", None)] {
        let judgement = judged(&survey(&declared, path, &text), &text);
        assert_eq!(judgement.sites[0].reading.source, Source::None, "{path}");
        let trace = judgement.traces.iter().find(|trace| trace.as_what == Exposed::Credential).unwrap();
        assert_eq!(trace.side, side, "{path}");
    }
}

/// G1 to G8: what each guard lets through, in one repository.
#[test]
fn every_guard() {
    let (live, test) = ("STRIPE_SECRET_KEY=sk_live_{base62:24}\n", "STRIPE_SECRET_KEY=sk_test_{base62:24}\n");
    let yaml = "STRIPE_SECRET_KEY: sk_live_{base62:24}\n";
    let rows: [(&str, String, &[&str]); 22] = [
        // Without a guard.
        (".env.production", test.into(), &["sandbox-key-in-production"]),
        // G1
        ("g1/production.yml.enc", yaml.into(), &[]),
        ("g1/vault.yml", format!("$ANSIBLE_VAULT;1.1;AES256\n{yaml}"), &[]),
        ("g1/sealed.yml", format!("apiVersion: v1\nkind: SealedSecret\n{yaml}"), &[]),
        ("g1/production/sops.yml", "STRIPE_SECRET_KEY: ENC[AES256_GCM,data:{base64:44},type:str]\n".into(), &[]),
        ("g1/.env.production", "STRIPE_SECRET_KEY=\"encrypted:{base64:88}\"\n".into(), &[]),
        // G2
        (".github/workflows/a.yml", "env:\n  STRIPE_SECRET_KEY: ${{{{ secrets.STRIPE_SECRET_KEY_LIVE }}}}\n".into(), &[]),
        ("g2/.env.staging", "STRIPE_SECRET_KEY=${{STRIPE_LIVE_SECRET_KEY}}\n".into(), &[]),
        // G3
        ("g3/.env.production", "STRIPE_SECRET_KEY=sk_test_your_key_goes_here\n".into(), &[]),
        ("g3/.env.staging", "STRIPE_SECRET_KEY=sk_live_{base62:4}****{base62:4}\n".into(), &[]),
        // G4
        ("g4/.gitleaks.toml", format!("# {live}"), &[]),
        // G5
        ("g5/.env.production.example", test.into(), &[]),
        ("g5/.env.example", live.into(), &["live-key-in-committed-env"]),
        // G6
        ("docs/production.md", format!("{test}PAYCA_BASE_URL=https://api.sandbox.payca.io\n"), &[]),
        ("docs/live.md", live.into(), &["live-key-in-source-control"]),
        // G7
        ("tests/production.py", format!("{test}PAYCA_BASE_URL=https://api.sandbox.payca.io\n"), &[]),
        ("tests/live.py", "STRIPE_SECRET_KEY = 'sk_live_{base62:24}'\n".into(), &["live-key-in-test"]),
        // G8
        ("g8/.env.production", test.replace('\n', " # keyfence:allow[sandbox-key-in-production] reason=\"x\"\n"), &[]),
        (
            "g8/other/.env.production",
            test.replace('\n', " # keyfence:allow[live-key-in-ci] reason=\"x\"\n"),
            &["sandbox-key-in-production"],
        ),
        ("g8/allowed/.env.production", test.into(), &[]),
        ("g8/off/.env.production", "STRIPE_WEBHOOK_URL=http://pay.shop.example/stripe\n".into(), &[]),
        ("g8/off/.env.staging", live.into(), &["live-key-in-nonproduction"]),
    ];
    let tree = Tree::new();
    tree.write(
        ".keyfence.toml",
        "[environment.policy]\noff = [\"insecure-webhook-endpoint\"]\n\n[[environment.allow]]\nkind = \"sandbox-key-in-production\"\n\
         path = \"g8/allowed/**\"\nreason = \"a demonstration\"\nuntil = \"2999-12-31\"\n",
    );
    for (path, template, _) in &rows {
        tree.file(path, template);
    }
    tree.git(&["init", "--quiet"]);
    tree.git(&["add", "-f", "."]);
    let output = tree.keyfence(&["scan", ".", "-f", "jsonl"]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let found: Vec<serde_json::Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (path, _, expected) in rows {
        let here = found
            .iter()
            .filter(|row| row["type"] == "finding" && row["path"].as_str().is_some_and(|at| at.trim_start_matches("./") == path));
        let kinds: Vec<&str> = here.filter_map(|row| row["kind"].as_str()).collect();
        assert_eq!(kinds, expected, "{path}");
    }
}
