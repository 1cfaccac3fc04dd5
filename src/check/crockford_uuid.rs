//! Four groups of seven Crockford digits that hold a random UUID, as `uuid-apikey` and
//! `NOWPayments` write it. Each group is 32 bits of the UUID and three bits of parity.

use super::Check;

pub(super) const CHECK: Check =
    Check::new("crockford-uuid", "a random UUID in Crockford's alphabet", is_crockford_uuid).mended_by(mended);

const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUPS: usize = 4;
const LENGTH: usize = 7;

fn is_crockford_uuid(value: &[u8]) -> bool {
    let words: Option<Vec<u32>> = value.split(|&byte| byte == b'-').map(word).collect();
    // Version 4, variant 1.
    words.is_some_and(|words| words.len() == GROUPS && words[1] >> 12 & 15 == 4 && words[2] >> 30 == 2)
}

/// The 32 bits of a group whose parity is right.
fn word(group: &[u8]) -> Option<u32> {
    let bits = bits(group).filter(|_| group.len() == LENGTH)?;
    (bits & 7 == parity(bits >> 3)).then(|| u32::try_from(bits >> 3).ok())?
}

fn bits(group: &[u8]) -> Option<u64> {
    let value = |byte: &u8| DIGITS.iter().position(|digit| digit == byte);
    group.iter().try_fold(0u64, |bits, byte| Some(bits << 5 | value(byte)? as u64))
}

/// All groups of three bits, from the low end, exclusive-or.
fn parity(bits: u64) -> u64 {
    (0..12).fold(0, |parity, at| parity ^ bits >> (3 * at)) & 7
}

fn mended(value: Vec<u8>) -> Vec<u8> {
    let groups: Option<Vec<u64>> = value.split(|&byte| byte == b'-').map(bits).collect();
    let Some(groups) = groups.filter(|groups| groups.len() == GROUPS) else { return value };
    let written = groups.iter().enumerate().map(|(at, bits)| {
        let word = match at {
            1 => bits >> 3 & 0xFFFF_0FFF | 0x4000,
            2 => bits >> 3 & 0x3FFF_FFFF | 0x8000_0000,
            _ => bits >> 3,
        };
        let bits = word << 3 | parity(word);
        (0..LENGTH).rev().map(|digit| DIGITS[(bits >> (5 * digit) & 31) as usize]).collect::<Vec<u8>>()
    });
    written.collect::<Vec<_>>().join(&b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in the documentation of `uuid-apikey`.
    #[test]
    fn the_published_vector() {
        let groups = ["GWN6YSX", "FP9MX73", "HPD4CDY", "MFZFYSC"];
        let key = groups.join("-");
        assert!(is_crockford_uuid(key.as_bytes()));
        let words: Vec<u32> = groups.iter().map(|group| word(group.as_bytes()).unwrap()).collect();
        assert_eq!(words, [0x872a_6f67, 0x7d93_4e9c, 0x8d9a_4637, 0xa3fe_ff65]);
        for (at, digit) in key.bytes().enumerate().filter(|(_, digit)| *digit != b'-') {
            let changed = DIGITS.iter().filter(|&&other| other != digit).filter(|&&other| {
                let mut key = key.clone().into_bytes();
                key[at] = other;
                is_crockford_uuid(&key)
            });
            // Three bits of parity for the five of a digit.
            assert!(changed.count() <= 3, "{at}");
        }
        assert!(!is_crockford_uuid(groups[..3].join("-").as_bytes()));
        assert!(!is_crockford_uuid(key.to_lowercase().as_bytes()));
        assert!(!is_crockford_uuid(groups.concat().as_bytes()));
    }

    #[test]
    fn what_is_mended_passes() {
        assert!(is_crockford_uuid(&mended(b"0123456-789ABCD-EFGHJKM-NPQRSTV".to_vec())));
    }
}
