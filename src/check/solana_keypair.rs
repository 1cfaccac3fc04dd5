//! A key pair as Solana's tools write it: 64 numbers of one byte each, the second half being the public key.

use sha2::{Digest, Sha512};

use super::Check;

/// Numbers are no random text: how many of them differ says whether they are random bytes.
pub(super) const CHECK: Check = Check::new("solana-keypair", "64 random bytes", is_keypair).mended_by(mended).random_in(|_| &[]);

const NUMBERS: usize = 64;
/// Of 64 random bytes, 57 differ on average; fewer than 45 in one case of ten million.
const DIFFERENT: usize = 45;

fn is_keypair(value: &[u8]) -> bool {
    let number = |part: &[u8]| std::str::from_utf8(part.trim_ascii()).ok()?.parse::<u8>().ok();
    let Some(bytes) = value.split(|&byte| byte == b',').map(number).collect::<Option<Vec<u8>>>() else { return false };
    let mut seen = [false; 256];
    for &byte in &bytes {
        seen[usize::from(byte)] = true;
    }
    bytes.len() == NUMBERS && seen.iter().filter(|&&seen| seen).count() >= DIFFERENT && !counts(&bytes)
}

fn mended(mut value: Vec<u8>) -> Vec<u8> {
    let numbers: Vec<String> = Sha512::digest(&value).iter().map(u8::to_string).collect();
    value.clear();
    value.extend(numbers.join(",").bytes());
    value
}

/// `1, 2, 3, 4, …`: bytes that somebody has typed or made in a loop.
fn counts(bytes: &[u8]) -> bool {
    let steps = bytes.windows(3).filter(|three| three[1].wrapping_sub(three[0]) == three[2].wrapping_sub(three[1]));
    steps.count() * 4 > bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], between: &str) -> Vec<u8> {
        bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(between).into_bytes()
    }

    #[test]
    fn random_bytes_pass_however_they_are_set() {
        for seed in 0..100_u8 {
            let bytes = Sha512::digest([seed]);
            assert!(is_keypair(&text(&bytes, ",")) && is_keypair(&text(&bytes, ", ")) && is_keypair(&text(&bytes, ",\n  ")));
            assert!(!is_keypair(&text(&bytes[..63], ",")), "63 numbers");
        }
    }

    #[test]
    fn what_is_not_random_or_no_byte_does_not() {
        let counted: Vec<u8> = (1..=64).collect();
        assert!(!is_keypair(&text(&counted, ",")));
        assert!(!is_keypair(&text(&[0; 64], ",")));
        let big = String::from_utf8(text(&Sha512::digest([1]), ",")).unwrap().replacen(',', "0,", 60);
        assert!(!is_keypair(big.as_bytes()));
        assert!(!is_keypair(b"") && !is_keypair(b"1,,2"));
    }
}
