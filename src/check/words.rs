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

/// The unit of [`PAIRS`], and the level that speaks for neither (natural logarithms).
const STEP: f64 = 0.75;
const NEITHER: f64 = 4.0;
/// The vote of a change between letters, digits and cases.
const CHANGE: f64 = -1.8;

/// The sum from which a body reads like words: one random body of 16 letters and digits in 10^5
/// comes here.
const WORDS: f64 = 8.0;

/// The votes of all pairs of neighbours.
pub(super) fn score(body: &[u8]) -> f64 {
    body.windows(2).map(|pair| vote(pair[0], pair[1])).sum()
}

pub(super) fn reads_like_words(body: &[u8]) -> bool {
    score(body) > WORDS
}

fn vote(first: u8, second: u8) -> f64 {
    let letters = || {
        let at = |letter: u8| usize::from(letter.to_ascii_lowercase() - b'a');
        f64::from(PAIRS[at(first)][at(second)] - b'0') * STEP - NEITHER
    };
    match (first, second) {
        // The hump of camel case is a pair like any other.
        (b'a'..=b'z', b'a'..=b'z') | (b'A'..=b'Z', b'A'..=b'Z' | b'a'..=b'z') => letters(),
        (b'_' | b'-' | b'.' | b' ' | b'*', _) | (_, b'_' | b'-' | b'.' | b' ' | b'*') | (b'0'..=b'9', b'0'..=b'9') => 0.0,
        _ => CHANGE,
    }
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
