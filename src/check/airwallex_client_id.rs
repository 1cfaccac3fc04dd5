//! The 16 bytes of a random UUID as 22 digits of base64url: Airwallex's client ids.

use super::{Check, decode};

pub(super) const CHECK: Check = Check::new("airwallex-client-id", "a random UUID in base64url", is_client_id).mended_by(mended);

fn is_client_id(value: &[u8]) -> bool {
    let bytes = decode::base64(value).filter(|bytes| value.len() == 22 && bytes.len() == 16);
    bytes.is_some_and(|bytes| bytes[6] >> 4 == 4 && bytes[8] >> 6 == 2)
}

fn mended(value: Vec<u8>) -> Vec<u8> {
    let Some(mut bytes) = decode::base64(&value).filter(|bytes| bytes.len() == 16) else { return value };
    bytes[6] = bytes[6] & 15 | 0x40;
    bytes[8] = bytes[8] & 63 | 0x80;
    let digit = |byte| match byte {
        b'+' => b'-',
        b'/' => b'_',
        byte => byte,
    };
    decode::to_base64(&bytes).into_iter().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_version_and_variant() {
        let id = mended(b"0123456789-abcdefghi_A".to_vec());
        assert!(is_client_id(&id) && !is_client_id(&id[..21]));
        for (at, right) in [(6, 4..5), (8, 8..12)] {
            for nibble in 0..16 {
                let mut bytes = decode::base64(&id).unwrap();
                bytes[at] = nibble << 4 | 7;
                assert_eq!(is_client_id(&decode::to_base64(&bytes)), right.contains(&nibble), "{at} {nibble}");
            }
        }
    }
}
