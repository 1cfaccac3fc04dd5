//! Base58 that ends in four bytes of the double SHA-256 of the rest: Bitcoin's private keys (WIF) and
//! extended keys (`xprv` and its like).

use sha2::{Digest, Sha256};

use super::Check;

pub(super) const CHECK: Check = Check::new("base58check", "base58 whose checksum is right", is_base58check).mended_by(mended);

const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const CHECKSUM: usize = 4;
/// Nobody writes more than an extended key, and decoding is quadratic.
const LONGEST: usize = 128;

fn is_base58check(value: &[u8]) -> bool {
    decode(value).is_some_and(|bytes| {
        let Some((payload, sum)) = bytes.split_last_chunk::<CHECKSUM>() else { return false };
        payload.len() > 16 && checksum(payload) == *sum
    })
}

fn checksum(payload: &[u8]) -> [u8; CHECKSUM] {
    let digest = Sha256::digest(Sha256::digest(payload));
    std::array::from_fn(|at| digest[at])
}

fn decode(value: &[u8]) -> Option<Vec<u8>> {
    if value.len() > LONGEST {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::new();
    for byte in value {
        let mut carry = DIGITS.iter().position(|digit| digit == byte)?;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry & 255).unwrap_or_default();
            carry >>= 8;
        }
        if carry > 0 {
            bytes.insert(0, u8::try_from(carry).unwrap_or_default());
        }
    }
    let zeros = value.iter().take_while(|&&digit| digit == DIGITS[0]).count();
    Some([vec![0; zeros], bytes].concat())
}

fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut digits: Vec<u8> = Vec::new();
    for &byte in bytes {
        let mut carry = usize::from(byte);
        for digit in &mut digits {
            carry += usize::from(*digit) << 8;
            *digit = u8::try_from(carry % 58).unwrap_or_default();
            carry /= 58;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 58).unwrap_or_default());
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    let digits = digits.iter().rev().map(|&digit| DIGITS[usize::from(digit)]);
    std::iter::repeat_n(DIGITS[0], zeros).chain(digits).collect()
}

fn mended(value: Vec<u8>) -> Vec<u8> {
    let Some(mut bytes) = decode(&value) else { return value };
    if let Some((payload, sum)) = bytes.split_last_chunk_mut::<CHECKSUM>() {
        *sum = checksum(payload);
    }
    encode(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base58_there_and_back() {
        // From the draft that describes base58.
        assert_eq!(encode(b"Hello World!"), b"2NEpo7TZRRrLZSi2U");
        assert_eq!(encode(&[0, 0, 0x28, 0x7f, 0xb4, 0xcd]), b"11233QC4");
        assert_eq!(decode(b"11233QC4").unwrap(), [0, 0, 0x28, 0x7f, 0xb4, 0xcd]);
        assert_eq!(decode(b"0OIl"), None);
    }

    /// The address that the first block of Bitcoin pays to.
    #[test]
    fn a_known_address_passes_and_no_neighbour_does() {
        let address = ["1A1zP1eP5QGefi2", "DMPTfTL5SLmv7DivfNa"].concat();
        assert!(is_base58check(address.as_bytes()));
        for at in 0..address.len() {
            let mut other = address.clone().into_bytes();
            other[at] = if other[at] == b'a' { b'b' } else { b'a' };
            assert!(!is_base58check(&other), "{at}");
        }
        assert!(!is_base58check(b"") && !is_base58check(&[b'z'; 200]));
    }

    /// The private key of 1, as WIF: published everywhere, and made here from its bytes.
    #[test]
    fn a_private_key_in_wif() {
        let mut bytes = vec![0x80];
        bytes.extend([0; 31]);
        bytes.push(1);
        let sum = checksum(&bytes);
        bytes.extend(sum);
        let wif = encode(&bytes);
        assert!(wif.len() == 51 && wif.starts_with(b"5Hp") && wif.ends_with(b"AnchuDf"));
        assert!(is_base58check(&wif));
        let mut cut = wif.clone();
        cut[50] = b'1';
        assert!(!is_base58check(&cut));
        assert_eq!(mended(cut), wif);
    }
}
