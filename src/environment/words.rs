//! Words that name environments: whole tokens only, and not beside words that make them mean something
//! else (`live view`, `prod id`, `test utils`).

use std::collections::BTreeMap;

use crate::credential::Environment;
use crate::finding::Stage;
use crate::rule::name::words;

/// Which of the words that mean other things as well count here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// `live`: a folder of streams, a view.
    pub live: bool,
    /// `stage`: a step of a pipeline, a theatre.
    pub stage: bool,
    /// `pro`: an edition, unless it is the last part of the name of a known file.
    pub pro: bool,
}

impl Counts {
    /// All but `pro`: keys, slots, values.
    pub const KEY: Self = Self { live: true, stage: true, pro: false };
}

const PRODUCTION: &[&str] = &["production", "prod", "prd", "prodn", "producao", "produccion", "produktion"];
const STAGING: &[&str] = &[
    "staging",
    "stg",
    "preprod",
    "preproduction",
    "uat",
    "qa",
    "acceptance",
    "acc",
    "sit",
    "integration",
    "integ",
    "perf",
    "hml",
    "hmlg",
    "homolog",
    "homologacao",
    "nonprod",
    "nonproduction",
    "prelive",
];
const PREVIEW: &[&str] = &["preview", "review"];
const SANDBOX: &[&str] = &["sandbox", "sbx", "sbox", "playground", "demo", "training"];
const TEST: &[&str] = &["test", "testing", "tst"];
const DEV: &[&str] = &["dev", "devel", "develop", "development"];
const LOCAL: &[&str] = &["local", "localhost"];

/// Before a word for production these make it staging.
const BEFORE: &[&str] = &["pre", "non", "not", "no", "quasi", "near"];
/// Behind it, these do.
const COPIES: &[&str] = &["like", "clone", "copy", "mirror", "shadow", "replica"];

/// Words, and what may follow them so that they name no environment.
const OTHERWISE: &[(&[&str], &[&str])] = &[
    (&["prod"], &["id", "ids", "name", "sku", "code", "price", "desc", "image", "list", "cat", "type"]),
    (
        &["live"],
        &[
            "view", "wire", "reload", "server", "stream", "chat", "search", "update", "data", "preview", "edit", "code", "event",
            "blog", "score", "socket", "editor", "kit", "share", "probe",
        ],
    ),
    (
        &["dev"],
        &["tools", "tool", "deps", "dependencies", "container", "server", "null", "shm", "ops", "rel", "kit", "guide", "docs"],
    ),
    (&["development"], &["guide", "docs", "team"]),
    (&["test"], &["utils", "helpers", "suite", "kit", "cards", "card", "clock", "id", "mode", "data"]),
    (&["production"], &["order", "line", "plan", "cost", "notes", "ready", "readiness", "checklist", "guide"]),
    (&["stage"], &["id", "name", "number", "gate"]),
    (&["sandbox"], &["attr", "iframe", "image", "docker", "permissions", "entitlements"]),
];

/// The dictionary, with a team's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    aliases: BTreeMap<String, Stage>,
}

impl Words {
    /// The dictionary with these words added.
    pub fn new(aliases: BTreeMap<String, Stage>) -> Self {
        Self { aliases: aliases.into_iter().map(|(word, stage)| (word.to_ascii_lowercase(), stage)).collect() }
    }

    /// Every environment that a text names.
    pub fn stages(&self, text: &[u8], counts: Counts) -> Vec<Stage> {
        self.read(&words(text), counts).named()
    }

    /// The environments that words name, each with the words that do.
    pub(super) fn spots(&self, all: &[String], counts: Counts) -> Vec<(Stage, std::ops::Range<usize>)> {
        self.read(all, counts).spots
    }

    /// The environment that a text names in any of its words; none where it names several sides.
    pub fn loose(&self, text: &[u8], counts: Counts) -> Option<Stage> {
        let stages = self.stages(text, counts);
        let first = *stages.first()?;
        stages.iter().all(|stage| stage.is_lower() == first.is_lower()).then_some(first)
    }

    /// The environment that a text is the word for, and nothing else.
    pub fn exact(&self, text: &[u8], counts: Counts) -> Option<Stage> {
        let read = self.read(&words(text), counts);
        match read.spots[..] {
            [(stage, _)] if read.rest == 0 && text.len() <= 40 => Some(stage),
            _ => None,
        }
    }

    /// Which money the name of a slot speaks of: `PAYCHAIN_SANDBOX_API_KEY`, not the flag `LIVE_MODE`.
    pub fn side_of_slot(&self, name: &[u8]) -> Option<Environment> {
        let mut all = words(name);
        if all.last().is_some_and(|word| matches!(word.as_str(), "mode" | "env" | "environment" | "livemode" | "testmode")) {
            return None;
        }
        // `test_mode_api_key` is a slot of the test mode.
        let mode = all.iter().position(|word| word == "mode");
        if let Some(at) = mode.filter(|&at| at > 0 && matches!(all[at - 1].as_str(), "live" | "test")) {
            all.remove(at);
        }
        let stages = self.read(&all, Counts::KEY).named();
        let live = stages.contains(&Stage::Production);
        let sandbox = stages.iter().any(|stage| stage.is_lower());
        match (live, sandbox) {
            (true, false) => Some(Environment::Live),
            (false, true) => Some(Environment::Sandbox),
            _ => None,
        }
    }

    /// The name of a slot without the words for environments and numbers: what a pair has in common.
    pub fn stem_of_slot(&self, name: &[u8]) -> String {
        let all = words(name);
        let kept = all.iter().filter(|word| {
            let single = self.read(std::slice::from_ref(*word), Counts::KEY);
            single.spots.is_empty() && !word.bytes().all(|byte| byte.is_ascii_digit()) && word.as_str() != "mode"
        });
        kept.map(String::as_str).collect()
    }

    /// The environments that words name, and how many words are left over.
    fn read(&self, all: &[String], counts: Counts) -> Read {
        let (mut spots, mut rest, mut at) = (Vec::new(), 0, 0);
        while at < all.len() {
            let word = all[at].as_str();
            let next = all.get(at + 1).map(String::as_str);
            let number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
            let (stage, taken) = match next {
                _ if number(word) => {
                    at += 1;
                    continue;
                }
                Some(next) if BEFORE.contains(&word) && (PRODUCTION[..2].contains(&next) || next == "live") => {
                    (Some(Stage::Staging), 2)
                }
                Some(next) if PRODUCTION[..2].contains(&word) && COPIES.contains(&next) => (Some(Stage::Staging), 2),
                Some(next) if means_otherwise(word, next) => {
                    rest += 2;
                    (None, 2)
                }
                Some(next) if word == "pr" && number(next) => (Some(Stage::Preview), 2),
                Some("2") if word == "e" && all.get(at + 2).is_some_and(|third| third == "e") => (Some(Stage::Test), 3),
                _ => (self.word(word, counts), 1),
            };
            rest += usize::from(stage.is_none() && taken == 1);
            spots.extend(stage.map(|stage| (stage, at..at + taken)));
            at += taken;
        }
        Read { spots, rest }
    }

    fn word(&self, word: &str, counts: Counts) -> Option<Stage> {
        if let Some(&stage) = self.aliases.get(word) {
            return Some(stage);
        }
        match word {
            _ if PRODUCTION.contains(&word) => Some(Stage::Production),
            "live" if counts.live => Some(Stage::Production),
            "pro" if counts.pro => Some(Stage::Production),
            _ if STAGING.contains(&word) => Some(Stage::Staging),
            "stage" if counts.stage => Some(Stage::Staging),
            _ if PREVIEW.contains(&word) => Some(Stage::Preview),
            _ if SANDBOX.contains(&word) => Some(Stage::Sandbox),
            _ if TEST.contains(&word) => Some(Stage::Test),
            "ci" => Some(Stage::Ci),
            _ if DEV.contains(&word) => Some(Stage::Dev),
            _ if LOCAL.contains(&word) => Some(Stage::Local),
            _ => None,
        }
    }
}

/// What a text says.
struct Read {
    /// The environments, each with the words that name it.
    spots: Vec<(Stage, std::ops::Range<usize>)>,
    /// How many words say something else.
    rest: usize,
}

impl Read {
    fn named(self) -> Vec<Stage> {
        self.spots.into_iter().map(|(stage, _)| stage).collect()
    }
}

fn means_otherwise(word: &str, next: &str) -> bool {
    OTHERWISE.iter().any(|(words, followers)| words.contains(&word) && followers.contains(&next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loose(text: &str) -> Option<Stage> {
        Words::default().loose(text.as_bytes(), Counts { live: true, stage: true, pro: true })
    }

    #[test]
    fn never() {
        for word in [
            "product",
            "reproduce",
            "producer",
            "prodigy",
            "deliver",
            "delivery",
            "alive",
            "livewire",
            "lively",
            "contest",
            "latest",
            "testimonial",
            "attest",
            "protest",
            "latency",
            "staged",
            "stagehand",
            "sandboxed",
            "device",
            "devour",
            "locale",
            "locality",
            "circle",
            "canary",
            "beta",
            "edge",
            "next",
            "blue",
            "green",
            "dr",
            "main",
            "master",
            "int",
            "pilot",
        ] {
            assert_eq!(loose(word), None, "{word}");
            for name in [format!("{word}-api-1"), format!("shop_{word}"), format!("{word}Service"), format!("my.{word}.yml")] {
                assert_eq!(loose(&name), None, "{name}");
            }
        }
    }

    #[test]
    fn every_word() {
        let all: [(&[&str], Stage); 7] = [
            (PRODUCTION, Stage::Production),
            (STAGING, Stage::Staging),
            (PREVIEW, Stage::Preview),
            (SANDBOX, Stage::Sandbox),
            (TEST, Stage::Test),
            (DEV, Stage::Dev),
            (LOCAL, Stage::Local),
        ];
        let more = [
            ("live", Stage::Production),
            ("pro", Stage::Production),
            ("stage", Stage::Staging),
            ("ci", Stage::Ci),
            ("e2e", Stage::Test),
        ];
        let words = all.iter().flat_map(|(words, stage)| words.iter().map(|word| (*word, *stage))).chain(more);
        for (word, stage) in words {
            let title = word[..1].to_uppercase() + &word[1..];
            for text in [
                word.to_owned(),
                word.to_uppercase(),
                format!("values-{word}"),
                format!("{word}_eu_2"),
                format!("api{title}"),
                format!("{word}1"),
            ] {
                // Digits inside the word cannot follow a hump.
                if word != "e2e" || !text.starts_with("api") {
                    assert_eq!(loose(&text), Some(stage), "{text}");
                }
            }
            let counts = Counts { live: true, stage: true, pro: true };
            assert_eq!(Words::default().exact(word.as_bytes(), counts), Some(stage));
            assert_eq!(Words::default().exact(format!("{word}-eu").as_bytes(), counts), None);
        }
        assert_eq!(loose("pr-1234"), Some(Stage::Preview));
        assert_eq!(loose("pr"), None);
    }

    #[test]
    fn neighbours_change_the_meaning() {
        for before in BEFORE {
            for word in ["prod", "production", "live"] {
                assert_eq!(loose(&format!("{before}-{word}")), Some(Stage::Staging));
            }
        }
        for behind in COPIES {
            assert_eq!(loose(&format!("prod_{behind}")), Some(Stage::Staging));
        }
        for (words, followers) in OTHERWISE {
            for word in *words {
                for follower in *followers {
                    assert_eq!(loose(&format!("{word}-{follower}")), None, "{word} {follower}");
                    assert_eq!(loose(&format!("{word}_{follower}_x")), None);
                }
            }
        }
        assert_eq!(loose("prod-to-staging"), None, "both sides");
        assert_eq!(loose("staging-test"), Some(Stage::Staging));
    }

    #[test]
    fn words_that_count_in_some_places_only() {
        let words = Words::default();
        for word in ["live", "stage", "pro"] {
            assert_eq!(words.loose(word.as_bytes(), Counts::default()), None);
        }
        let own = Words::new([("blue".to_owned(), Stage::Production), ("HML2".to_owned(), Stage::Staging)].into());
        assert_eq!(own.exact(b"Blue", Counts::default()), Some(Stage::Production));
    }

    #[test]
    fn slots_speak_of_money() {
        use Environment::{Live, Sandbox};
        let words = Words::default();
        for (slot, side) in [
            ("PAYCHAIN_SANDBOX_API_KEY", Some(Sandbox)),
            ("testApiKey", Some(Sandbox)),
            ("STRIPE_LIVE_SECRET_KEY", Some(Live)),
            ("stripe.prod.key", Some(Live)),
            ("test_mode_api_key", Some(Sandbox)),
            ("live_mode_api_key", Some(Live)),
            ("LIVE_MODE", None),
            ("STRIPE_TEST_MODE", None),
            ("PROD_ID", None),
            ("PAYPAL_ENV", None),
            ("STRIPE_SECRET_KEY", None),
            ("LIVE_OR_TEST_KEY", None),
            ("STRIPE_LATEST_KEY", None),
        ] {
            assert_eq!(words.side_of_slot(slot.as_bytes()), side, "{slot}");
        }
        assert_eq!(words.stem_of_slot(b"STRIPE_LIVE_SECRET_KEY"), words.stem_of_slot(b"stripe.secretKey"));
        assert_ne!(words.stem_of_slot(b"STRIPE_KEY"), words.stem_of_slot(b"STRIPE_SECRET_KEY"));
    }
}
