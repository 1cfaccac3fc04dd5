//! What the names of files and folders say: what sort of place, and which environment.

mod clues;

use std::sync::LazyLock;

use memchr::memmem::Finder;

pub use self::clues::clues;
use super::declared::Declared;
use crate::finding::PlaceKind;

/// Names of a folder that hold tests. `features` holds them too, unless it stands below code.
const TEST: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "spec",
    "specs",
    "e2e",
    "cypress",
    "playwright",
    "fixtures",
    "__fixtures__",
    "testdata",
    "cassettes",
    "mocks",
    "__mocks__",
    "features",
];
/// Settings of what runs tests, by how their names begin.
const TEST_SETTINGS: &[&str] = &[
    "phpunit.xml",
    "pytest.ini",
    "conftest.py",
    "jest.config.",
    "jest.setup.",
    "vitest.config.",
    "vitest.setup.",
    "karma.conf.",
    "cypress.config.",
    "playwright.config.",
];
/// Segments of a file name that make it an example to copy.
const TEMPLATE: &[&str] = &["example", "sample", "template", "tmpl", "tpl", "defaults", "skel"];
/// Endings of documentation.
const DOC: &[&str] = &["md", "mdx", "rst", "adoc", "asciidoc"];
/// Endings of configuration.
const CONFIG: &[&str] = &[
    "yml",
    "yaml",
    "json",
    "jsonc",
    "json5",
    "toml",
    "ini",
    "cfg",
    "conf",
    "properties",
    "tfvars",
    "tf",
    "hcl",
    "xml",
    "plist",
    "xcconfig",
    "config",
    "bru",
    "service",
    "gradle",
    "cnf",
    "nomad",
    "bicep",
    "cue",
    "jsonnet",
    "libsonnet",
    "dhall",
];
/// Endings of source code, which is no log even in a folder called `logs`.
const SOURCE: &[&str] = &[
    "rs", "go", "py", "js", "ts", "jsx", "tsx", "mjs", "cjs", "java", "kt", "kts", "rb", "php", "cs", "c", "h", "cpp", "swift",
    "scala", "ex", "exs", "sh", "sql", "vue", "svelte", "html", "css", "ps1", "bat", "pl", "lua", "dart", "erb", "ejs", "hbs",
    "twig", "ipynb", "groovy", "clj", "erl", "hs", "r", "m", "mm", "htm",
];
/// Endings of scripts that are configuration where their folder or their name says so.
const SCRIPT: &[&str] = &["js", "ts", "mjs", "cjs", "rb", "py", "php", "exs", "kts", "groovy", "jl", "lua"];
/// Endings of JavaScript and TypeScript.
const JS: &[&str] = &["js", "ts", "mjs", "cjs", "mts", "cts"];
/// Folders of configuration.
const CONFIG_FOLDERS: &[&str] = &[
    "env",
    "envs",
    "environment",
    "environments",
    "config",
    "configs",
    "conf",
    "configuration",
    "settings",
    "deploy",
    "deployment",
    "deployments",
    "overlays",
    "inventories",
    "inventory",
    "group_vars",
    "host_vars",
    "infra",
    "infrastructure",
    "terraform",
    "secrets",
    "vars",
    "helm",
    "charts",
    "k8s",
    "kubernetes",
    "clusters",
    "initializers",
];
/// First words of the names of configuration that is written as code.
const CONFIG_STEMS: &[&str] = &[
    "env",
    "environment",
    "environments",
    "config",
    "settings",
    "application",
    "appsettings",
    "secrets",
    "credentials",
    "values",
    "database",
    "wp-config",
    "wp",
    "ecosystem",
    "serverless",
];
/// Folders of a trusted back end.
const BACKEND: &[&str] = &["api", "server", "functions", "workers", "services", "backend"];
/// Names of tools that keep their environments in files of their own.
const API_TOOLS: &[&str] = &[".postman_environment.json", ".postman_collection.json", "http-client.env.json", ".bru"];

/// So much of a file is read to tell what it is; a comment may stand before the first statement of a module.
const HEADER: usize = 4096;

/// What the folders around a file say that its own path cannot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Surroundings {
    /// The nearest `package.json` depends on a framework for browsers or apps.
    pub front_end: bool,
    /// It depends on Electron.
    pub electron: bool,
    /// The nearest `pubspec.yaml` is a Flutter app's.
    pub flutter: bool,
    /// The nearest `manifest.json` is a browser extension's.
    pub extension: bool,
    /// The nearest `build.gradle` builds an Android app, or a folder above holds an `AndroidManifest.xml`.
    pub android: bool,
    /// A folder called `live` on the path has a neighbour that is called sandbox, test or staging.
    pub live_beside: bool,
    /// It holds folders that are named after environments, and is none itself.
    pub live_container: bool,
}

/// What sort of place a path is, by its names alone. The first that applies, in the order of the
/// environment model.
pub fn kind_of(path: &str, declared: &Declared) -> PlaceKind {
    kind_with(path, declared, Surroundings::default())
}

/// What sort of place a path is.
pub fn kind_with(path: &str, declared: &Declared, around: Surroundings) -> PlaceKind {
    let place = declared.place(path);
    if let Some(kind) = place.and_then(|place| place.kind) {
        return kind;
    }
    let lower = path.to_ascii_lowercase();
    let name = Name::of(&lower);
    let Some(kind) = name.kind() else {
        let backend = place.is_some_and(|place| place.backend) || declared.backend.matches(path) || name.is_backend(path);
        let client = declared.client.matches(path) || name.is_client(around);
        return match () {
            () if client && !backend => PlaceKind::Client,
            () if name.is_config() => PlaceKind::Config,
            () => PlaceKind::Source,
        };
    };
    kind
}

/// Whether a path is that of a file that configures where tests run: `.env.test`, in whatever folder.
pub fn is_test_dotenv(path: &str) -> bool {
    Name::of(&path.to_ascii_lowercase()).is_test_dotenv()
}

/// A path in lower case: folders, and the name of the file in parts.
struct Name<'a> {
    folders: Vec<&'a str>,
    whole: &'a str,
    segments: Vec<&'a str>,
}

impl<'a> Name<'a> {
    fn of(path: &'a str) -> Self {
        let mut folders: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let whole = folders.pop().unwrap_or_default();
        Self { folders, whole, segments: whole.split('.').collect() }
    }

    /// Everything that goes before client, configuration and source.
    fn kind(&self) -> Option<PlaceKind> {
        match () {
            () if self.is_ciphertext() => Some(PlaceKind::Ciphertext),
            () if self.is_rules() => Some(PlaceKind::Rules),
            () if self.is_log() => Some(PlaceKind::Log),
            () if self.is_test() => Some(PlaceKind::Test),
            () if self.is_doc() => Some(PlaceKind::Doc),
            () if self.is_template() => Some(PlaceKind::Template),
            () if self.is_ci() => Some(PlaceKind::Ci),
            () if self.is_dotenv() => Some(PlaceKind::Dotenv),
            () => None,
        }
    }

    fn ending(&self) -> &str {
        self.segments.last().copied().unwrap_or_default()
    }

    fn ends_in(&self, endings: &[&str]) -> bool {
        self.segments.len() > 1 && endings.contains(&self.ending())
    }

    fn in_folder(&self, names: &[&str]) -> bool {
        self.folders.iter().any(|folder| names.contains(folder))
    }

    /// Whether the folders stand on the path, one directly in the other.
    fn below(&self, run: &[&str]) -> bool {
        self.folders.windows(run.len()).any(|part| part == run)
    }

    /// `app/src/debug/res/…`: what Gradle puts into builds of one type only.
    fn is_of_build_type(&self, build: &str) -> bool {
        ["res", "java", "kotlin", "assets"].iter().any(|set| self.below(&["src", build, set]))
    }

    fn is_ciphertext(&self) -> bool {
        self.ends_in(&["enc", "age", "gpg", "pgp"]) || self.whole.contains(".sops.")
    }

    fn is_rules(&self) -> bool {
        self.ends_in(&["yar", "yara"])
            || self.in_folder(&["semgrep", ".semgrep"])
            || [
                ".gitleaks.toml",
                "gitleaks.toml",
                ".betterleaks.toml",
                ".secrets.baseline",
                ".gitleaksignore",
                ".keyfence.toml",
                ".keyfence-baseline",
                "package-lock.json",
                "yarn.lock",
                "pnpm-lock.yaml",
                "cargo.lock",
                "composer.lock",
                "gemfile.lock",
                "poetry.lock",
                "go.sum",
            ]
            .contains(&self.whole)
    }

    /// `app.log`, `app.log.1`, `app.log-20260312`, `error_log`, `app.jsonl`, `syslog`, `logs/today`.
    fn is_log(&self) -> bool {
        let rotated = |segment: &&str| *segment == "log" || segment.starts_with("log-");
        let by_name =
            self.segments.iter().skip(1).any(rotated) && !self.ends_in(SOURCE) && !self.ends_in(DOC) && !self.ends_in(CONFIG);
        by_name
            || self.whole.ends_with("_log")
            || self.ends_in(&["json", "txt"]) && is_dated_log(self.segments[0])
            || self.ends_in(&["out", "err", "jsonl", "ndjson", "journal"])
            || self.segments[0] == "syslog"
            || self.in_folder(&["log", "logs"]) && !self.ends_in(SOURCE) && !self.ends_in(CONFIG) && !self.ends_in(DOC)
    }

    fn is_test_dotenv(&self) -> bool {
        let of_tests = |segment: &&str| matches!(*segment, "test" | "testing" | "ci" | "e2e");
        self.whole.starts_with(".env") && self.segments.iter().any(of_tests)
    }

    fn is_test(&self) -> bool {
        let stem = self.segments[0];
        let features = self.folders.iter().position(|folder| *folder == "features");
        let code = |at: usize| self.folders[..at].iter().any(|folder| ["src", "app", "lib", "packages"].contains(folder));
        let folder = self.folders.iter().any(|folder| *folder != "features" && TEST.contains(folder))
            || features.is_some_and(|at| !code(at));
        folder
            || self.segments.iter().skip(1).any(|segment| matches!(*segment, "test" | "spec"))
            || self.is_test_dotenv()
            || self.whole == "cypress.env.json"
            || TEST_SETTINGS.iter().any(|name| self.whole.starts_with(name)) && !self.ends_in(&["dist"])
            || self.segments.len() > 1 && (stem.ends_with("_test") || stem.ends_with("_spec") || stem.ends_with("-spec"))
            || stem.starts_with("test_") && self.ends_in(&["py"])
            || stem.ends_with("tests") && self.ends_in(&["java", "kt", "cs", "swift"])
            || stem.ends_with("test")
                && stem != "contest"
                && stem != "latest"
                && self.ends_in(&["java", "kt", "cs", "php", "swift"])
    }

    fn is_doc(&self) -> bool {
        let tool = API_TOOLS.iter().any(|end| self.whole.ends_with(end)) || self.whole.contains("insomnia");
        self.ends_in(DOC)
            || ["readme", "changelog"].iter().any(|name| self.segments[0].starts_with(name))
            || self.in_folder(&["doc", "docs"]) && !tool
            || ["openapi", "swagger"].iter().any(|name| self.segments[0].starts_with(name))
                && self.ends_in(&["yml", "yaml", "json"])
    }

    /// `dist` counts as a segment between dots only, as in `app.ini.dist`. What `CloudFormation` deploys is
    /// called `template.yaml`.
    fn is_template(&self) -> bool {
        if self.segments.len() == 2 && self.segments[0] == "template" && self.ends_in(&["yaml", "yml", "json"]) {
            return false;
        }
        let mut words = self.segments.iter().flat_map(|segment| segment.split(['-', '_']));
        words.any(|word| TEMPLATE.contains(&word)) || self.segments.iter().skip(1).any(|segment| *segment == "dist")
    }

    fn is_ci(&self) -> bool {
        let yaml = self.ends_in(&["yml", "yaml"]);
        let folders = [[".github", "workflows"], [".github", "actions"], [".gitea", "workflows"]];
        let tool = |folder: &&str| [".circleci", ".buildkite", ".woodpecker"].contains(folder);
        let below = folders.iter().any(|folders| self.below(folders)) || self.folders.last().is_some_and(tool);
        yaml && (below || self.in_folder(&[".gitlab"]))
            || [
                ".gitlab-ci.yml",
                ".gitlab-ci.yaml",
                ".travis.yml",
                ".drone.yml",
                ".woodpecker.yml",
                "bitbucket-pipelines.yml",
                "appveyor.yml",
                ".cirrus.yml",
            ]
            .contains(&self.whole)
            || self.whole.ends_with(".gitlab-ci.yml")
            || self.whole.starts_with("jenkinsfile")
            || yaml && ["azure-pipelines", "cloudbuild", "buildspec"].iter().any(|stem| self.whole.starts_with(stem))
            || yaml && self.segments[0] == "buildkite"
    }

    fn is_dotenv(&self) -> bool {
        matches!(self.whole, ".env" | ".envrc" | ".flaskenv" | ".dev.vars")
            || self.whole.starts_with(".env.")
            || self.whole.starts_with(".env-")
            || self.whole.starts_with(".env_")
            || self.ends_in(&["env"])
            || self.segments.len() == 2 && self.segments[0] == "env" && !self.ends_in(SOURCE) && !self.ends_in(CONFIG)
    }

    /// Where code is trusted, whatever else its path looks like. Route and module names count in their
    /// own case.
    fn is_backend(&self, path: &str) -> bool {
        let file = path.rsplit('/').next().unwrap_or(path);
        self.in_folder(BACKEND)
            || self.whole.starts_with("+server.")
            || self.whole.starts_with("+page.server.")
            || self.whole.starts_with("+layout.server.")
            || self.whole.starts_with("hooks.server.")
            || self.segments.len() > 2 && self.segments[1..self.segments.len() - 1].contains(&"server")
            || self.segments[0] == "middleware" && self.ends_in(JS)
            || self.below(&["$lib", "server"])
            || file.starts_with("route.") && self.below(&["app", "api"])
    }

    fn is_client(&self, around: Surroundings) -> bool {
        let js = self.ends_in(JS);
        let page = self.ends_in(&["html", "htm", "tsx", "jsx", "vue", "svelte"]);
        let built = self.ends_in(&["js", "mjs", "html", "map"])
            && (self.in_folder(&["dist", "public", "static", "static.dist", "staticfiles", "assets", "www"])
                || self.below(&["build", "static"]));
        let android = (around.android || self.below(&["android", "app"])) && self.ends_in(&["kt", "java"])
            || self.in_folder(&["android"]) && self.in_folder(&["res"])
            || ["androidmanifest.xml", "google-services.json"].contains(&self.whole)
            || self.in_folder(&["res"]) && self.in_folder(&["values"]) && self.ends_in(&["xml"]);
        let apple = self.in_folder(&["ios"]) || self.ends_in(&["plist", "xcconfig"]);
        page || built
            || android
            || apple
            || self.whole == "app.json"
            || around.front_end && js && self.in_folder(&["src"])
            || around.flutter && self.in_folder(&["lib"]) && self.ends_in(&["dart"])
            || around.extension && (js || self.ends_in(&["json"]))
            || around.electron && js && self.in_folder(&["main", "renderer", "preload", "electron", "src"])
    }

    /// Configuration by its ending; scripts by their folder or their first word.
    fn is_config(&self) -> bool {
        let stem = self.segments[0].split(['-', '_']).next().unwrap_or_default();
        self.ends_in(CONFIG)
            || self.ends_in(SCRIPT)
                && (self.in_folder(CONFIG_FOLDERS) || CONFIG_STEMS.contains(&stem) || self.segments.contains(&"config"))
            || ["dockerfile", "procfile", "fly", "makefile"].contains(&self.segments[0])
            || self.whole.starts_with("dockerfile")
            || self.ends_in(&["dockerfile"])
    }
}

/// The kind of a place whose path is like that of another kind, where its content tells them apart.
pub(super) fn kind_by_content(by_path: PlaceKind, bytes: &[u8]) -> PlaceKind {
    let head = &bytes[..bytes.len().min(HEADER)];
    let holds = |part: &[u8]| memchr::memmem::find(head, part).is_some();
    match by_path {
        PlaceKind::Client if is_for_server(bytes) => PlaceKind::Source,
        // The `app.json` of Heroku; that of Expo has none of these.
        PlaceKind::Client
            if head.starts_with(b"{")
                && [&b"\"buildpacks\""[..], b"\"formation\"", b"\"addons\""].iter().any(|key| holds(key)) =>
        {
            PlaceKind::Config
        }
        // `payments.template.yaml` of CloudFormation is what is deployed.
        PlaceKind::Template if holds(b"AWSTemplateFormatVersion") || holds(b"AWS::Serverless-") => PlaceKind::Config,
        kind => kind,
    }
}

/// Whether a module says in its first statement that it runs on the server; comments may stand before it.
fn is_for_server(bytes: &[u8]) -> bool {
    let mut rest = bytes[..bytes.len().min(HEADER)].trim_ascii_start();
    loop {
        let end: &[u8] = match rest {
            [b'/', b'/', ..] => b"\n",
            [b'/', b'*', ..] => b"*/",
            _ => return [&b"\"use server\""[..], b"'use server'"].iter().any(|said| rest.starts_with(said)),
        };
        let Some(at) = memchr::memmem::find(rest, end) else { return false };
        rest = rest[at + end.len()..].trim_ascii_start();
    }
}

/// What stands in lists of rules for scanners: the first, with one of the next two; or the last two.
static IN_RULES: LazyLock<[Finder<'static>; 5]> =
    LazyLock::new(|| [&b"\n[[rule"[..], b"\nregex = ", b"\nformat = ", b"\nrules:\n", b"pattern-regex:"].map(Finder::new));

/// Whether the beginning of a file is that of a list of rules for scanners.
pub fn holds_rules(head: &[u8]) -> bool {
    let [table, regex, format, rules, pattern] = &*IN_RULES;
    let has = |finder: &Finder<'_>| finder.find(head).is_some();
    let is_table = |at: usize| [&b"s]]"[..], b"]]"].iter().any(|end| head[at + table.needle().len()..].starts_with(end));
    table.find_iter(head).any(is_table) && (has(regex) || has(format))
        || has(rules) && has(pattern)
        || head.starts_with(b"# keyfence baseline")
}

/// Whether the beginning of a file says that the rest is encrypted.
pub fn ciphertext(head: &[u8]) -> Option<PlaceKind> {
    let begins = [
        &b"$ANSIBLE_VAULT"[..],
        b"\0GITCRYPT",
        b"-----BEGIN AGE ENCRYPTED FILE",
        b"age-encryption.org/v1",
        b"-----BEGIN PGP MESSAGE",
    ];
    let sealed = memchr::memmem::find(&head[..head.len().min(4096)], b"\nkind: SealedSecret").is_some()
        || head.starts_with(b"kind: SealedSecret");
    (sealed || begins.iter().any(|begin| head.starts_with(begin))).then_some(PlaceKind::Ciphertext)
}

/// `log-20260312` of Serilog, `app_log_20260312`.
fn is_dated_log(stem: &str) -> bool {
    let date = stem.trim_end_matches(|char: char| char.is_ascii_digit());
    let name = date.trim_end_matches(['-', '_']);
    stem.len() - date.len() >= 6 && name.split(['-', '_']).next_back() == Some("log")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(path: &str) -> PlaceKind {
        kind_of(path, &Declared::default())
    }

    #[test]
    fn kinds() {
        use PlaceKind::{Ciphertext, Client, Config, Doc, Dotenv, Log, Source, Template, Test};
        for (path, expected) in [
            ("src/pay.rs", Source),
            ("deploy/values-prod.yaml", Config),
            (".env", Dotenv),
            ("apps/web/.env.production", Dotenv),
            ("prod.env", Dotenv),
            (".envrc", Dotenv),
            (".dev.vars", Dotenv),
            (".env.example", Template),
            (".env.production.sample", Template),
            ("phpunit.xml.dist", Template),
            ("config.tpl.yml", Template),
            ("dist/app.js", Client),
            ("public/index.html", Client),
            ("shop/static.dist/pay.018b.js", Client),
            ("staticfiles/pay.js", Client),
            ("src/App.tsx", Client),
            ("ios/App/Info.plist", Client),
            ("android/app/src/main/res/values/strings.xml", Client),
            ("app/api/pay/route.tsx", Source),
            ("src/routes/+page.server.ts", Source),
            ("server/page.html", Source),
            ("components/Pay.server.tsx", Source),
            (".env.test", Test),
            (".env.ci", Test),
            ("tests/pay.rs", Test),
            ("features/pay.feature", Test),
            ("src/features/pay.ts", Source),
            ("src/pay.test.ts", Test),
            ("src/test_pay.py", Test),
            ("src/PayTest.java", Test),
            ("cypress.env.json", Test),
            ("src/contest.py", Source),
            ("config/test.yml", Config),
            ("README.md", Doc),
            ("docs/setup", Doc),
            ("docs/conf.py", Doc),
            ("docs/shop.postman_environment.json", Config),
            ("openapi.yaml", Doc),
            ("app.log", Log),
            ("var/app.log.3", Log),
            ("var/app.log-20260312", Log),
            ("log-20260312.json", Log),
            ("var/pay-log20260312.txt", Log),
            ("events.ndjson", Log),
            ("var/syslog", Log),
            ("logs/today", Log),
            ("logs/parser.go", Source),
            ("logs/config.yml", Config),
            ("src/log.rs", Source),
            ("config/secrets.yml.enc", Ciphertext),
            ("secrets.sops.yaml", Ciphertext),
        ] {
            assert_eq!(kind(path), expected, "{path}");
        }
    }

    #[test]
    fn kinds_of_configuration() {
        use PlaceKind::{Ci, Config, Log, Rules};
        for (path, expected) in [
            (".gitleaks.toml", Rules),
            ("package-lock.json", Rules),
            ("Dockerfile", Config),
            (".github/workflows/deploy-prod.yml", Ci),
            (".gitlab-ci.yml", Ci),
            ("Jenkinsfile.prod", Ci),
            ("azure-pipelines-prod.yml", Ci),
            ("config/environments/production.rb", Config),
            ("settings_prod.py", Config),
            ("backup.zip/logs/app.log", Log),
        ] {
            assert_eq!(kind(path), expected, "{path}");
        }
    }

    #[test]
    fn content_tells_rules_and_ciphertext() {
        assert!(holds_rules(b"title = 1\n[[rules]]\nid = 'x'\nregex = 'a'\n"));
        assert!(!holds_rules(b"\n[[rules]]\nname = 'ingress'\n"));
        for text in
            ["$ANSIBLE_VAULT;1.1;AES256\n", "-----BEGIN AGE ENCRYPTED FILE-----\n", "apiVersion: v1\nkind: SealedSecret\n"]
        {
            assert_eq!(ciphertext(text.as_bytes()), Some(PlaceKind::Ciphertext), "{text}");
        }
        assert_eq!(ciphertext(b"a: ENC[x]\n"), None);
    }

    #[test]
    fn surroundings_make_clients() {
        let with = |path: &str, around: Surroundings| kind_with(path, &Declared::default(), around);
        let front = Surroundings { front_end: true, ..Surroundings::default() };
        assert_eq!(with("src/pay.ts", front), PlaceKind::Client);
        assert_eq!(with("src/pay.ts", Surroundings::default()), PlaceKind::Source);
        assert_eq!(with("src/services/pay.ts", front), PlaceKind::Source);
        assert_eq!(with("next.config.js", front), PlaceKind::Config);
        assert_eq!(with("lib/pay.dart", Surroundings { flutter: true, ..front }), PlaceKind::Client);
        assert_eq!(with("popup.js", Surroundings { extension: true, ..Surroundings::default() }), PlaceKind::Client);
        assert_eq!(with("electron/main.js", Surroundings { electron: true, ..Surroundings::default() }), PlaceKind::Client);
    }
}
