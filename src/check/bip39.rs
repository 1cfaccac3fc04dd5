//! A seed phrase: 12 to 24 English words of BIP-39, of which the last holds a checksum of the others. So many words of
//! that list behind a name that says so are a phrase, whatever the checksum says: somebody may have mistyped one.

use bip39::{Language, Mnemonic};
use sha2::{Digest, Sha256};

use super::Check;

/// Words are no random text, and the checksum says more: no part of them has to look random.
pub(super) const CHECK: Check = Check::new("bip39", "words of a seed phrase", is_phrase).mended_by(mended).random_in(|_| &[]);

/// Words in the shortest phrase and in the longest; each three more hold four bytes more.
const SHORTEST: usize = 12;
const LONGEST: usize = 24;

/// Phrases of examples repeat a word or two (`test test … junk`): of three random words next to never
/// more than one is there twice. Nor do random words stand in the order of the list.
fn is_phrase(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let numbers: Option<Vec<u16>> = text.split(' ').map(|word| Language::English.find_word(word)).collect();
    let Some(mut words) = numbers.filter(|words| (SHORTEST..=LONGEST).contains(&words.len()) && words.len() % 3 == 0) else {
        return false;
    };
    let count = words.len();
    let sorted = words.is_sorted();
    words.sort_unstable();
    words.dedup();
    words.len() * 3 >= count * 2 && !sorted
}

/// A phrase of as many words as the value has, or as many as its letters if it is only one.
fn mended(value: Vec<u8>) -> Vec<u8> {
    let words = value.split(|&byte| byte == b' ').count();
    let words = if words > 1 { words } else { value.len() };
    let words = words.clamp(SHORTEST, LONGEST) / 3;
    let phrase = Mnemonic::from_entropy_in(Language::English, &Sha256::digest(&value)[..words * 4]);
    phrase.map_or(value, |phrase| phrase.words().collect::<Vec<_>>().join(" ").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrase(words: usize) -> Vec<u8> {
        mended(vec![b'q'; words])
    }

    #[test]
    fn phrases_of_every_length_pass() {
        for words in [12, 15, 18, 21, 24] {
            let phrase = phrase(words);
            assert_eq!(phrase.split(|&byte| byte == b' ').count(), words);
            assert!(is_phrase(&phrase), "{words}");
            let text = String::from_utf8(phrase).unwrap();
            let (head, last) = text.rsplit_once(' ').unwrap();
            assert!(!is_phrase(head.as_bytes()), "one word less");
            assert!(!is_phrase(format!("{head} keyfence").as_bytes()), "not on the list");
            let other = Language::English.word_list().iter().find(|word| **word != last).unwrap();
            assert!(is_phrase(format!("{head} {other}").as_bytes()), "the checksum is not asked for");
        }
    }

    /// What nobody keeps money under: the first vectors of BIP-39, and words in the order of the list.
    #[test]
    fn phrases_of_one_word_or_two_are_examples() {
        let vector = |bytes: [u8; 16]| Mnemonic::from_entropy_in(Language::English, &bytes).unwrap();
        for bytes in [[0; 16], [255; 16]] {
            let words: Vec<_> = vector(bytes).words().collect();
            assert!(Mnemonic::parse_in_normalized(Language::English, &words.join(" ")).is_ok());
            assert!(!is_phrase(words.join(" ").as_bytes()));
        }
        assert!(!is_phrase(&b"test ".repeat(12)[..59]));
        assert!(!is_phrase(b"abandon ability able about above absent absorb abstract absurd abuse access accident"));
        assert!(!is_phrase(b"\xff\xfe") && !is_phrase(b""));
    }
}
