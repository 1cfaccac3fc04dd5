//! Whether bytes may have been drawn at random from an alphabet of a given size.
//!
//! The statistic is Pearson's chi-square of the byte counts; its bound is far in the tail, so that
//! at most one random body in a million is lost, and what falls is plainly not random.

/// Standard deviations (Wilson–Hilferty) at which a body is called not random. Chosen by drawing
/// 10^6 bodies of 16 to 240 bytes from 10 to 64 letters: short bodies from large alphabets clump,
/// and need more room than the normal tail of one in a million (4.75) would give.
const TAIL: f64 = 9.0;

#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^52")]
pub(super) fn is_random(body: &[u8], alphabet: usize) -> bool {
    let alphabet = alphabet.min(natural_alphabet(body)).min(used_alphabet(body));
    if body.len() < 8 || alphabet < 4 {
        return true;
    }
    !is_periodic(body) && chi_square(body, alphabet as f64) <= bound(alphabet as f64 - 1.0)
}

/// The size of the narrowest alphabet in use that holds the body: a rule that takes letters and
/// digits takes hex, too.
fn natural_alphabet(body: &[u8]) -> usize {
    const DIGIT: u8 = 1;
    const LOWER_HEX: u8 = 2;
    const UPPER_HEX: u8 = 4;
    const LOWER: u8 = 8;
    const UPPER: u8 = 16;
    const JOINT: u8 = 32;
    const OTHER: u8 = 64;
    const CLASS: [u8; 256] = {
        let mut classes = [OTHER; 256];
        let mut byte = 0;
        #[expect(clippy::cast_possible_truncation, reason = "all bytes")]
        while byte < 256 {
            classes[byte] = match byte as u8 {
                b'0'..=b'9' => DIGIT,
                b'a'..=b'f' => LOWER_HEX,
                b'A'..=b'F' => UPPER_HEX,
                b'g'..=b'z' => LOWER,
                b'G'..=b'Z' => UPPER,
                b'-' | b'_' => JOINT,
                _ => OTHER,
            };
            byte += 1;
        }
        classes
    };
    let held = body.iter().fold(0, |held, &byte| held | CLASS[usize::from(byte)]);
    let holds_no_more_than = |classes: u8| held & !classes == 0;
    match () {
        () if holds_no_more_than(DIGIT) => 10,
        () if holds_no_more_than(DIGIT | LOWER_HEX) || holds_no_more_than(DIGIT | UPPER_HEX) => 16,
        () if holds_no_more_than(DIGIT | LOWER_HEX | UPPER_HEX | JOINT) => 18,
        () if holds_no_more_than(DIGIT | LOWER_HEX | LOWER) || holds_no_more_than(DIGIT | UPPER_HEX | UPPER) => 36,
        () => 256,
    }
}

/// A long body shows its alphabet: a format that allows blanks and quotes between the lines of a
/// PEM key takes one without them, too. At least hex, or a few repeated bytes would do.
fn used_alphabet(body: &[u8]) -> usize {
    if body.len() < 256 {
        return 256;
    }
    let mut seen = [false; 256];
    for &byte in body {
        seen[usize::from(byte)] = true;
    }
    seen.iter().filter(|&&seen| seen).count().max(16)
}

#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^52")]
fn chi_square(body: &[u8], alphabet: f64) -> f64 {
    let mut counts = [0_u32; 256];
    let mut squares = 0_u64;
    for &byte in body {
        let count = &mut counts[usize::from(byte)];
        // From one square to the next.
        squares += u64::from(2 * *count + 1);
        *count += 1;
    }
    let length = body.len() as f64;
    alphabet * squares as f64 / length - length
}

fn bound(freedom: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    freedom * (1.0 - spread + TAIL * spread.sqrt()).powi(3)
}

/// A body of 16 bytes or more that repeats its own first half or less.
fn is_periodic(body: &[u8]) -> bool {
    let repeats = |period: usize| body[period] == body[0] && body[period..] == body[..body.len() - period];
    body.len() >= 16 && (1..=body.len() / 2).any(repeats)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetition_is_not_random() {
        assert!(!is_random(&b"a".repeat(24), 62));
        assert!(!is_random(b"abcabcabcabcabcabcabcabc", 62));
        assert!(!is_random(b"0123456701234567", 16));
        assert!(!is_random(b"aaaaaaaaaaaaaaaaaaaaaaab", 62));
        assert!(!is_random(&b"abcdefgh".repeat(40), 62));
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut state = 1u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            digits[(state >> 26) as usize]
        };
        let base64: Vec<u8> = (0..2000).map(|_| draw()).collect();
        assert!(is_random(&base64, 74), "base64 under a format that also allows blanks and quotes");
        assert!(is_random(b"q7Zp2LxW9vKc4TgR8sYbN3mD", 62));
    }
}
