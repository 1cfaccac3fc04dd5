//! The Luhn digit of card numbers: one in ten random numbers passes.

use super::Check;

pub(super) const CHECK: Check = Check::new("luhn", "a number with a valid Luhn digit", passes).mended_by(mended);

/// Whether digits, between which blanks and dashes may stand, end in their Luhn digit.
pub(crate) fn passes(value: &[u8]) -> bool {
    let numeric = value.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-'));
    numeric && value.iter().filter(|byte| byte.is_ascii_digit()).count() > 1 && sum(value).is_multiple_of(10)
}

fn sum(value: &[u8]) -> u32 {
    let digits = value.iter().rev().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'));
    let weigh = |(at, digit)| if at % 2 == 1 { digit * 2 - if digit > 4 { 9 } else { 0 } } else { digit };
    digits.enumerate().map(weigh).sum()
}

fn mended(mut value: Vec<u8>) -> Vec<u8> {
    if let Some(at) = value.iter().rposition(u8::is_ascii_digit) {
        value[at] = b'0';
        value[at] = b'0' + u8::try_from((10 - sum(&value) % 10) % 10).unwrap_or(0);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_digit_and_most_swaps_are_seen() {
        let number = mended(b"79927398710".to_vec());
        assert_eq!(number, b"79927398713", "the number by which the algorithm is usually explained");
        assert!(passes(&number) && passes(b"7992-7398 713"));
        for at in 0..number.len() {
            for digit in (b'0'..=b'9').filter(|&digit| digit != number[at]) {
                let mut other = number.clone();
                other[at] = digit;
                assert!(!passes(&other));
            }
            if at > 0 && number[at] != number[at - 1] {
                let mut other = number.clone();
                other.swap(at, at - 1);
                assert_eq!(passes(&other), number[at].abs_diff(number[at - 1]) == 9);
            }
        }
        assert!(!passes(b"7992739871x") && !passes(b"") && !passes(b"0"));
    }
}
