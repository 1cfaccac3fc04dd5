//! The words that names are read for, and what each may mean: one look for each word of a name, and most
//! words mean nothing.

use super::words::{BEFORE, DEV, LOCAL, OTHER, PREVIEW, PRODUCTION, SANDBOX, STAGING, TEST};

/// What a word may mean, as bits.
pub(super) type Traits = u16;

/// It names an environment, or changes what the next word means.
pub(super) const STAGE: Traits = 1;
/// It speaks of payments.
pub(super) const PAYMENT: Traits = 1 << 1;
/// It ends the names of URLs and hosts.
pub(super) const ADDRESS: Traits = 1 << 2;
/// It makes an address the application's own.
pub(super) const OWN: Traits = 1 << 3;
/// A flag of that name is about live money.
pub(super) const LIVE: Traits = 1 << 4;
/// A flag of that name is about no money.
pub(super) const SANDBOXED: Traits = 1 << 5;
/// It ends the names of flags that are on or off.
pub(super) const ENDS: Traits = 1 << 6;
/// It begins them.
pub(super) const BEGINS: Traits = 1 << 7;
/// It ends the names of flags that have a word for their value.
pub(super) const MODE: Traits = 1 << 8;

/// It makes a name that of a key.
pub(super) const KEY: Traits = 1 << 9;

/// Which words mean what.
const LISTS: [(&[&str], Traits); 18] = [
    (PRODUCTION, STAGE),
    (STAGING, STAGE),
    (PREVIEW, STAGE),
    (SANDBOX, STAGE),
    (TEST, STAGE),
    (DEV, STAGE),
    (LOCAL, STAGE),
    (BEFORE, STAGE),
    (OTHER, STAGE),
    (&["payment", "payments", "pay", "checkout", "billing", "payout", "payouts", "invoice", "invoices"], PAYMENT),
    (&["url", "host", "domain", "origin", "uri"], ADDRESS),
    (
        &[
            "app",
            "base",
            "site",
            "public",
            "server",
            "web",
            "frontend",
            "backend",
            "root",
            "canonical",
            "domain",
            "api",
            "next",
            "host",
            "nextauth",
        ],
        OWN,
    ),
    (&["production", "prod", "live", "livemode"], LIVE),
    (&["sandbox", "test", "testmode", "testing"], SANDBOXED),
    (&["mode", "production", "prod", "live", "livemode", "sandbox", "test", "testmode", "enabled", "flag"], ENDS),
    (&["is", "use", "enable"], BEGINS),
    (&["mode", "env", "environment"], MODE),
    (&["key", "secret", "token"], KEY),
];

/// Places of the table: several times as many as there are words.
const PLACES: usize = 1 << 9;

/// The words, each at the first free place from its own on.
static TABLE: [(&[u8], Traits); PLACES] = {
    let mut table: [(&[u8], Traits); PLACES] = [(b"", 0); PLACES];
    let mut list = 0;
    while list < LISTS.len() {
        let (words, traits) = LISTS[list];
        let mut at = 0;
        while at < words.len() {
            let word = words[at].as_bytes();
            let mut place = place_of(word);
            while !table[place].0.is_empty() && !is_same(table[place].0, word) {
                place = (place + 1) % PLACES;
            }
            table[place] = (word, table[place].1 | traits);
            at += 1;
        }
        list += 1;
    }
    table
};

/// Where a word stands in the table, or would stand.
const fn place_of(word: &[u8]) -> usize {
    let (first, last) = (word[0] as usize, word[word.len() - 1] as usize);
    let middle = word[word.len() / 2] as usize;
    (first * 31 + middle * 7 + last * 131 + word.len() * 17) % PLACES
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// What a word may mean.
pub(super) fn traits_of(word: &[u8]) -> Traits {
    if word.is_empty() {
        return 0;
    }
    let mut place = place_of(word);
    loop {
        let (known, traits) = TABLE[place];
        if known.is_empty() || known == word {
            return traits;
        }
        place = (place + 1) % PLACES;
    }
}

/// What the words of a name may mean: all of them together, the first and the last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NameTraits {
    pub(super) any: Traits,
    pub(super) first: Traits,
    pub(super) last: Traits,
}

impl NameTraits {
    /// Looks up every word.
    pub(super) fn of<'w>(words: impl Iterator<Item = &'w [u8]>) -> Self {
        let mut traits = Self::default();
        for (at, word) in words.enumerate() {
            traits.last = traits_of(word);
            traits.any |= traits.last;
            if at == 0 {
                traits.first = traits.last;
            }
        }
        traits
    }

    /// Whether some word has a trait.
    pub(super) const fn has(self, trait_: Traits) -> bool {
        self.any & trait_ != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_means_what_its_lists_say_and_others_nothing() {
        let all: Vec<&str> = LISTS.iter().flat_map(|(words, _)| words.iter().copied()).collect();
        for word in &all {
            let expected = LISTS.iter().filter(|(words, _)| words.contains(word)).fold(0, |all, (_, traits)| all | traits);
            assert_eq!(traits_of(word.as_bytes()), expected, "{word}");
            for other in [&word[1..], &word[..word.len() - 1], &format!("{word}x"), &word.to_uppercase()] {
                assert!(all.contains(&other) || traits_of(other.as_bytes()) == 0, "{other}");
            }
        }
        assert_eq!(traits_of(b""), 0);
        let traits = NameTraits::of([&b"use"[..], b"the", b"sandbox"].into_iter());
        assert!(traits.first == BEGINS && traits.last & ENDS > 0 && traits.has(STAGE) && !traits.has(LIVE));
    }
}
