//! What the names of files and folders say.

use std::path::Path;

use crate::finding::PlaceKind;

/// Names of a folder, or of a file without its ending, that hold tests.
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
/// Segments of a file name that make it an example to copy.
const TEMPLATE: &[&str] = &["example", "sample", "template", "tmpl", "tpl", "dist", "defaults", "skel"];
/// Endings of documentation.
const DOC: &[&str] = &["md", "mdx", "rst", "adoc", "asciidoc"];
/// Endings of configuration.
const CONFIG: &[&str] = &[
    "yml",
    "yaml",
    "json",
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
];
/// Endings of source code, which is no log even in a folder called `logs`.
const SOURCE: &[&str] = &[
    "rs", "go", "py", "js", "ts", "jsx", "tsx", "mjs", "cjs", "java", "kt", "rb", "php", "cs", "c", "h", "cpp", "swift", "scala",
    "ex", "exs", "sh", "sql", "vue", "svelte", "html", "css",
];

/// What sort of place a path is. The first that applies, in the order of the environment model.
pub fn kind_of(path: &Path) -> PlaceKind {
    let parts: Vec<String> = path.components().map(|part| part.as_os_str().to_string_lossy().to_ascii_lowercase()).collect();
    let Some((name, folders)) = parts.split_last() else { return PlaceKind::Source };
    let name = Name { whole: name, segments: name.split('.').collect() };
    let in_folder = |names: &[&str]| folders.iter().any(|folder| names.contains(&folder.as_str()));
    if name.is_ciphertext() {
        PlaceKind::Ciphertext
    } else if name.is_rules() || in_folder(&["semgrep", ".semgrep"]) {
        PlaceKind::Rules
    } else if name.is_log() || in_folder(&["log", "logs"]) && !name.ends_in(SOURCE) && !name.ends_in(CONFIG) {
        PlaceKind::Log
    } else if in_folder(TEST) || name.is_test() {
        PlaceKind::Test
    } else if name.is_doc() || in_folder(&["doc", "docs"]) && !name.ends_in(SOURCE) && !name.ends_in(CONFIG) {
        PlaceKind::Doc
    } else if name.is_template() {
        PlaceKind::Template
    } else if name.is_dotenv() {
        PlaceKind::Dotenv
    } else if name.ends_in(CONFIG) {
        PlaceKind::Config
    } else {
        PlaceKind::Source
    }
}

/// A file name and its parts between dots, in lower case.
struct Name<'a> {
    whole: &'a str,
    segments: Vec<&'a str>,
}

impl Name<'_> {
    fn ending(&self) -> &str {
        self.segments.last().copied().unwrap_or_default()
    }

    fn ends_in(&self, endings: &[&str]) -> bool {
        self.segments.len() > 1 && endings.contains(&self.ending())
    }

    fn has_segment(&self, names: &[&str]) -> bool {
        let words = self.segments.iter().flat_map(|segment| segment.split(['-', '_']));
        words.into_iter().any(|word| names.contains(&word))
    }

    fn is_ciphertext(&self) -> bool {
        self.ends_in(&["enc", "age", "gpg", "asc", "pgp"]) || self.whole.ends_with(".sops.yaml")
    }

    fn is_rules(&self) -> bool {
        self.ends_in(&["yar", "yara"])
            || [".gitleaks.toml", "gitleaks.toml", ".betterleaks.toml", ".secrets.baseline", ".gitleaksignore", ".keyfence.toml"]
                .contains(&self.whole)
    }

    /// `app.log`, `app.log.1`, `app.log-20260312`, `error_log`.
    fn is_log(&self) -> bool {
        let rotated = |segment: &&str| *segment == "log" || segment.starts_with("log-");
        self.segments.iter().skip(1).any(rotated) && !self.ends_in(SOURCE) && !self.ends_in(DOC)
            || self.whole.ends_with("_log")
            || self.ends_in(&["out", "err"])
    }

    fn is_test(&self) -> bool {
        let stem = self.segments.first().copied().unwrap_or_default();
        self.segments.iter().skip(1).any(|segment| matches!(*segment, "test" | "spec" | "testing" | "e2e" | "ci"))
            || stem.ends_with("_test")
            || stem.ends_with("_spec")
            || stem.starts_with("test_")
            || stem.ends_with("tests") && self.ends_in(&["java", "kt", "cs"])
            || stem.ends_with("test") && self.ends_in(&["java", "kt", "cs", "php"])
    }

    fn is_doc(&self) -> bool {
        self.ends_in(DOC) || ["readme", "changelog"].iter().any(|name| self.segments[0].starts_with(name))
    }

    /// `dist` counts as a segment between dots only, as in `phpunit.xml.dist`.
    fn is_template(&self) -> bool {
        let words: Vec<&str> = TEMPLATE.iter().copied().filter(|word| *word != "dist").collect();
        self.has_segment(&words) || self.segments.iter().skip(1).any(|segment| *segment == "dist")
    }

    fn is_dotenv(&self) -> bool {
        matches!(self.whole, ".env" | ".envrc" | ".flaskenv" | ".dev.vars")
            || self.whole.starts_with(".env.")
            || self.ends_in(&["env"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        use PlaceKind::{Ciphertext, Config, Doc, Dotenv, Log, Rules, Source, Template, Test};
        for (path, kind) in [
            ("src/pay.rs", Source),
            ("deploy/values-prod.yaml", Config),
            (".env", Dotenv),
            ("apps/web/.env.production", Dotenv),
            ("prod.env", Dotenv),
            (".env.example", Template),
            (".env.production.sample", Template),
            ("phpunit.xml.dist", Template),
            ("dist/app.js", Source),
            (".env.test", Test),
            ("tests/pay.rs", Test),
            ("src/pay.test.ts", Test),
            ("src/test_pay.py", Test),
            ("src/PayTest.java", Test),
            ("src/contest.py", Source),
            ("README.md", Doc),
            ("docs/setup", Doc),
            ("docs/conf.py", Source),
            ("app.log", Log),
            ("var/app.log.3", Log),
            ("var/app.log-20260312", Log),
            ("logs/today", Log),
            ("logs/parser.go", Source),
            ("src/log.rs", Source),
            ("config/secrets.yml.enc", Ciphertext),
            (".gitleaks.toml", Rules),
            ("Dockerfile", Source),
        ] {
            assert_eq!(kind_of(Path::new(path)), kind, "{path}");
        }
    }
}
