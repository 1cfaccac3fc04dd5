//! Words that name environments: whole tokens only, and not beside words that make them mean something
//! else (`live view`, `prod id`, `test utils`).

use std::collections::BTreeMap;

use super::lexicon;
use crate::credential::Environment;
use crate::finding::Stage;
use crate::rule::name::{NameWords, is_one_of};

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

pub(super) const PRODUCTION: &[&str] = &["production", "prod", "prd", "prodn", "producao", "produccion", "produktion"];
pub(super) const STAGING: &[&str] = &[
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
pub(super) const PREVIEW: &[&str] = &["preview", "review"];
pub(super) const SANDBOX: &[&str] = &["sandbox", "sbx", "sbox", "playground", "demo", "training"];
pub(super) const TEST: &[&str] = &["test", "testing", "tst"];
pub(super) const DEV: &[&str] = &["dev", "devel", "develop", "development"];
pub(super) const LOCAL: &[&str] = &["local", "localhost"];
/// Words that count in some places only, or with the one behind them.
pub(super) const OTHER: &[&str] = &["live", "pro", "stage", "ci", "pr", "e"];

/// The longest text that is a word for an environment and nothing else.
const EXACT: usize = 40;
/// Before a word for production these make it staging.
pub(super) const BEFORE: &[&str] = &["pre", "non", "not", "no", "quasi", "near"];
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
    // What some providers call their keys: `OPAYO_INTEGRATION_KEY`, `EBANX_INTEGRATION_KEY`.
    (&["integration"], &["id", "key", "password", "secret", "token", "type", "url", "name"]),
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
        self.read(&NameWords::of(text), counts).named()
    }

    /// The environments that words name, each with the words that do.
    pub(super) fn spots(&self, all: &NameWords, counts: Counts) -> Vec<(Stage, std::ops::Range<usize>)> {
        self.read(all, counts).spots
    }

    /// The environment that a text names in any of its words; none where it names several sides.
    pub fn loose(&self, text: &[u8], counts: Counts) -> Option<Stage> {
        self.loose_in(&NameWords::of(text), counts)
    }

    /// The same for words.
    pub(super) fn loose_in(&self, all: &NameWords, counts: Counts) -> Option<Stage> {
        let spots = self.read(all, counts).spots;
        let (first, _) = *spots.first()?;
        spots.iter().all(|(stage, _)| stage.is_lower() == first.is_lower()).then_some(first)
    }

    /// The environment that a text is the word for, and nothing else.
    pub fn exact(&self, text: &[u8], counts: Counts) -> Option<Stage> {
        if text.len() > EXACT { None } else { self.exact_word(text, &NameWords::of(text), counts) }
    }

    /// The same for a text and its words.
    fn exact_word(&self, text: &[u8], all: &NameWords, counts: Counts) -> Option<Stage> {
        if text.len() > EXACT {
            return None;
        }
        let read = self.read(all, counts);
        match read.spots[..] {
            [(stage, _)] if read.rest == 0 => Some(stage),
            _ => None,
        }
    }

    /// Which money the name of a slot speaks of: `PAYCHAIN_SANDBOX_API_KEY`, not the flag `LIVE_MODE`.
    pub fn side_of_slot(&self, name: &[u8]) -> Option<Environment> {
        self.side_in(&NameWords::of(name))
    }

    /// Which money a name speaks of, and the environment that it is the word for.
    pub(super) fn side_and_stage(
        &self,
        name: &[u8],
        (all, traits): (&NameWords, lexicon::NameTraits),
    ) -> (Option<Environment>, Option<Stage>) {
        // Most names say nothing at all.
        if traits.has(lexicon::STAGE) || !self.aliases.is_empty() {
            (self.side_in(all), self.exact_word(name, all, Counts::KEY))
        } else {
            (None, None)
        }
    }

    /// The same for words.
    fn side_in(&self, all: &NameWords) -> Option<Environment> {
        if all.last().is_some_and(|word| is_one_of(word, &["mode", "env", "environment", "livemode", "testmode"])) {
            return None;
        }
        // `test_mode_api_key` is a slot of the test mode.
        let mode = all.iter().position(|word| word == b"mode");
        let mode = mode.filter(|&at| at > 0 && all.get(at - 1).is_some_and(|word| is_one_of(word, &["live", "test"])));
        let spots = match mode {
            Some(at) => self.read(&all.without(at), Counts::KEY).spots,
            None => self.read(all, Counts::KEY).spots,
        };
        let live = spots.iter().any(|(stage, _)| *stage == Stage::Production);
        let sandbox = spots.iter().any(|(stage, _)| stage.is_lower());
        match (live, sandbox) {
            (true, false) => Some(Environment::Live),
            (false, true) => Some(Environment::Sandbox),
            _ => None,
        }
    }

    /// The name of a slot without the words for environments and numbers: what a pair has in common.
    pub fn stem_of_slot(&self, name: &[u8]) -> String {
        let all = NameWords::of(name);
        let kept = all.iter().filter(|word| !is_number(word) && *word != b"mode" && self.word(word, Counts::KEY).is_none());
        kept.flatten().copied().map(char::from).collect()
    }

    /// The environments that words name, and how many words are left over.
    fn read(&self, all: &NameWords, counts: Counts) -> Read {
        // Most names say nothing at all.
        if !all.iter().any(|word| self.may_say(word)) {
            return Read { spots: Vec::new(), rest: all.iter().filter(|word| !is_number(word)).count() };
        }
        let (mut spots, mut rest, mut at) = (Vec::new(), 0, 0);
        while let Some(word) = all.get(at) {
            if is_number(word) {
                at += 1;
                continue;
            }
            let (stage, taken) = if self.may_say(word) { self.word_at(all, at, counts) } else { (None, 1) };
            let otherwise = stage.is_none() && taken == 2;
            rest += if otherwise { 2 } else { usize::from(stage.is_none()) };
            spots.extend(stage.map(|stage| (stage, at..at + taken)));
            at += taken;
        }
        Read { spots, rest }
    }

    /// Whether a word is in the dictionary, or changes what the next one means.
    pub(super) fn may_say(&self, word: &[u8]) -> bool {
        lexicon::traits_of(word) & lexicon::STAGE != 0 || !self.aliases.is_empty()
    }

    /// What a word says with those behind it, and how many words that takes. Two words without an
    /// environment mean something else together.
    fn word_at(&self, all: &NameWords, at: usize, counts: Counts) -> (Option<Stage>, usize) {
        let word = all.get(at).unwrap_or_default();
        let produces = |word: &[u8]| is_one_of(word, &PRODUCTION[..2]);
        match all.get(at + 1) {
            Some(next) if is_one_of(word, BEFORE) && (produces(next) || next == b"live") => (Some(Stage::Staging), 2),
            Some(next) if produces(word) && is_one_of(next, COPIES) => (Some(Stage::Staging), 2),
            Some(next) if means_otherwise(word, next) => (None, 2),
            Some(next) if word == b"pr" && is_number(next) => (Some(Stage::Preview), 2),
            // dLocal is a provider.
            _ if word == b"local" && at > 0 && all.get(at - 1) == Some(b"d") => (None, 1),
            Some(b"2") if word == b"e" && all.get(at + 2) == Some(b"e") => (Some(Stage::Test), 3),
            _ => (self.word(word, counts), 1),
        }
    }

    fn word(&self, word: &[u8], counts: Counts) -> Option<Stage> {
        if !self.may_say(word) {
            return None;
        }
        if let Some(&stage) = std::str::from_utf8(word).ok().and_then(|word| self.aliases.get(word)) {
            return Some(stage);
        }
        match word {
            _ if is_one_of(word, PRODUCTION) => Some(Stage::Production),
            b"live" if counts.live => Some(Stage::Production),
            b"pro" if counts.pro => Some(Stage::Production),
            _ if is_one_of(word, STAGING) => Some(Stage::Staging),
            b"stage" if counts.stage => Some(Stage::Staging),
            _ if is_one_of(word, PREVIEW) => Some(Stage::Preview),
            _ if is_one_of(word, SANDBOX) => Some(Stage::Sandbox),
            _ if is_one_of(word, TEST) => Some(Stage::Test),
            b"ci" => Some(Stage::Ci),
            _ if is_one_of(word, DEV) => Some(Stage::Dev),
            _ if is_one_of(word, LOCAL) => Some(Stage::Local),
            _ => None,
        }
    }
}

/// Words are split where digits begin.
fn is_number(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_digit)
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

fn means_otherwise(word: &[u8], next: &[u8]) -> bool {
    OTHERWISE.iter().any(|(words, followers)| is_one_of(word, words) && is_one_of(next, followers))
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
