//! A key block of payment HSMs (ANSI TR-31, X9.143): its head says how long it is, what the key inside
//! is for, and by what it may be used.

use super::Check;

pub(super) const CHECK: Check =
    Check::new("tr31", "a key block of its own length", is_key_block).mended_by(mended).random_in(wrapped);

/// Version, length, usage, algorithm, mode, version of the key, export, count of optional blocks, reserved.
const HEAD: usize = 16;
/// Of the end, which is the wrapped key and its code, this much is looked at.
const TAIL: usize = 32;

fn is_key_block(value: &[u8]) -> bool {
    value.len() >= HEAD + TAIL && value[1..5] == length(value)
}

fn length(value: &[u8]) -> [u8; 4] {
    let digit = |unit: usize| b'0' + u8::try_from(value.len() / unit % 10).unwrap_or_default();
    [digit(1000), digit(100), digit(10), digit(1)]
}

fn wrapped(value: &[u8]) -> &[u8] {
    &value[value.len().saturating_sub(TAIL)..]
}

fn mended(mut value: Vec<u8>) -> Vec<u8> {
    if value.len() >= HEAD {
        let length = length(&value);
        value[1..5].copy_from_slice(&length);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_says_the_length() {
        let block = |head: &str, body: usize| [head.as_bytes(), &b"0A1B2C3D".repeat(body / 8)].concat();
        assert!(is_key_block(&block("B0096P0TE00N0000", 80)));
        assert!(!is_key_block(&block("B0096P0TE00N0000", 88)) && !is_key_block(&block("B0096P0TE00N0000", 72)));
        assert!(!is_key_block(b"B0016P0TE00N0000") && !is_key_block(b""));
        assert!(is_key_block(&mended(block("D0000D0AB00E0000", 128))));
        assert_eq!(wrapped(&block("B0096P0TE00N0000", 80)), b"0A1B2C3D".repeat(4));
    }
}
