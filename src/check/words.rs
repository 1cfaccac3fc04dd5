//! Whether a body reads like words: `thisisnotarealkey`, `getSecretKeyFromVault`.
//!
//! Each pair of neighbouring bytes votes for "words" or "random" by the logarithm of how much more
//! often it stands in one than in the other. Random bodies end far below zero (24 letters and
//! digits: about -36), words of 14 letters above 8.

/// How much a pair of letters speaks for words, from 0 (never seen) to 9, by first and second
/// letter: the logarithm of its frequency over that in random letters, counted in the identifiers
/// and comments of programs and in licence texts.
const PAIRS: [&[u8; 26]; 26] = [
    b"26773463615878261878554452",
    b"63436122551632531553610152",
    b"72537327606643832657532131",
    b"64458432722533631564532231",
    b"74786653514778565988465752",
    b"51336631700533631644511130",
    b"52327245500535430553521012",
    b"71227211601343610435401031",
    b"66766661323779862678261506",
    b"30004000201000310120400000",
    b"41236221501413321252314010",
    b"73468522803734741366532062",
    b"75348221602453670254511030",
    b"73777683615535741378553141",
    b"45673552525678570866756422",
    b"72447324602723762756523050",
    b"00010000000101001220600000",
    b"84669462815466840677544160",
    b"63648446714544662478633251",
    b"73559527812554751776634263",
    b"55546441501667360767210201",
    b"61107121500022420111021101",
    b"61235215600314511542012201",
    b"32525312400320250226111221",
    b"22324312400344460355123022",
    b"31116001400121301110100011",
];

/// The unit of [`PAIRS`], and the level that speaks for neither: votes are natural logarithms, in twentieths.
const STEP: i16 = 15;
const NEITHER: i16 = 80;
/// The vote of a change between letters, digits and cases.
const CHANGE: i16 = -36;
/// A vote of one.
const ONE: f64 = 20.0;

/// The sum from which a body reads like words: one random body of 16 letters and digits in 10^5
/// comes here.
const WORDS: f64 = 8.0;

/// What a byte may be: a letter in either case, a digit, what joins words, and everything else.
const KINDS: usize = 64;
const DIGIT: usize = 52;
const JOINT: usize = 53;
const OTHER: usize = 54;

/// The kind of each byte.
const KIND: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    #[expect(clippy::cast_possible_truncation, reason = "there are few kinds")]
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            letter @ b'a'..=b'z' => letter - b'a',
            letter @ b'A'..=b'Z' => letter - b'A' + 26,
            b'0'..=b'9' => DIGIT as u8,
            b'_' | b'-' | b'.' | b' ' | b'*' => JOINT as u8,
            _ => OTHER as u8,
        };
        byte += 1;
    }
    kinds
};

/// The vote of each pair of kinds. No branch depends on the bytes: those of a random body can't be foreseen.
static VOTES: [[i16; KINDS]; KINDS] = {
    let mut votes = [[0; KINDS]; KINDS];
    let mut first = 0;
    while first < KINDS {
        let mut second = 0;
        while second < KINDS {
            votes[first][second] = vote(first, second);
            second += 1;
        }
        first += 1;
    }
    votes
};

const fn vote(first: usize, second: usize) -> i16 {
    match (first, second) {
        // The hump of camel case is a pair like any other.
        (0..26, 0..26) | (26..52, 0..=51) => (PAIRS[first % 26][second % 26] - b'0') as i16 * STEP - NEITHER,
        (JOINT, _) | (_, JOINT) | (DIGIT, DIGIT) => 0,
        _ => CHANGE,
    }
}

/// The votes of all pairs of neighbours.
pub(super) fn score(body: &[u8]) -> f64 {
    let kind = |byte: u8| usize::from(KIND[usize::from(byte)]) % KINDS;
    let votes = body.windows(2).map(|pair| i32::from(VOTES[kind(pair[0])][kind(pair[1])]));
    f64::from(votes.sum::<i32>()) / ONE
}

pub(super) fn reads_like_words(body: &[u8]) -> bool {
    score(body) > WORDS
}

#[cfg(test)]
mod tests {
    use super::reads_like_words;

    #[test]
    fn words_and_keys() {
        for words in [
            "thisisnotarealkeyatall",
            "getSecretKeyFromVault",
            "payment-service-secret-name",
            "keyForLocalDevelopment",
            "MERCHANT_WEBHOOK_SECRET",
            "superseceretpassword",
            "misconfiguration",
            "notasecretvalue1",
        ] {
            assert!(reads_like_words(words.as_bytes()), "{words}");
        }
        for key in [
            "q7Zp2LxW9vKc4TgR8sYbN3mD",
            "9f86d081884c7d659a2feaa0c55ad015",
            "kjdhfgqzxwvbnmplkqjhrtzx",
            "mzp4hq2kvt7wlr6xcnb3jd5yga",
        ] {
            assert!(!reads_like_words(key.as_bytes()), "{key}");
        }
    }
}
