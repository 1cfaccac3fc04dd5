//! The keys of the test vectors of wallet standards are never found: derived here as the standards say, for no file
//! may hold one.

use bip39::{Language, Mnemonic};
use hmac::{Hmac, KeyInit, Mac};
use keyfence::detect::Scanner;
use keyfence::finding::Sighting;
use keyfence::rule::RuleSet;
use sha2::{Digest, Sha256, Sha512};

const DIGITS: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The root of BIP-32 that a seed leads to, as `xprv`.
fn root(seed: &[u8]) -> String {
    let mut mac = <Hmac<Sha512> as KeyInit>::new_from_slice(b"Bitcoin seed").unwrap();
    mac.update(seed);
    let both = mac.finalize().into_bytes();
    let (key, chain) = both.split_at(32);
    // Version; depth, parent and number are zero.
    let bytes = [&[0x04, 0x88, 0xAD, 0xE4, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], chain, &[0], key].concat();
    let check = Sha256::digest(Sha256::digest(&bytes));
    base58(&[&bytes, &check[..4]].concat())
}

fn base58(bytes: &[u8]) -> String {
    let mut digits: Vec<u8> = Vec::new();
    for &byte in bytes {
        let mut carry = u32::from(byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = u8::try_from(carry % 58).unwrap();
            carry /= 58;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 58).unwrap());
            carry /= 58;
        }
    }
    digits.iter().rev().map(|&digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn is_found(scanner: &Scanner, name: &str, value: &str) -> bool {
    let sightings = scanner.scan(format!("{name} = \"{value}\"\n").as_bytes());
    sightings.iter().any(|sighting| matches!(sighting, Sighting::Credential(_)))
}

#[test]
fn the_vectors_of_the_standards_are_published() {
    let scanner = Scanner::new(RuleSet::builtin().into());
    let mut found: Vec<String> = Vec::new();
    for (byte, length) in [0x00, 0x7F, 0x80, 0xFF].into_iter().flat_map(|byte| [16, 24, 32].map(|length| (byte, length))) {
        let phrase = Mnemonic::from_entropy_in(Language::English, &vec![byte; length]).unwrap();
        let name = format!("BIP-39, {length} times {byte:02x}");
        if is_found(&scanner, "root_key", &root(&phrase.to_seed_normalized("TREZOR"))) {
            found.push(format!("{name}: its root"));
        }
        if is_found(&scanner, "wallet_mnemonic", &phrase.to_string()) {
            found.push(format!("{name}: the phrase"));
        }
    }
    let seeds = [(0..16).collect::<Vec<u8>>(), (0..64).map(|at| 255 - 3 * at).collect()];
    found.extend(seeds.iter().filter(|seed| is_found(&scanner, "root_key", &root(seed))).map(|seed| format!("BIP-32, {seed:?}")));
    assert!(found.is_empty(), "{}", found.join("\n"));
    // Those of everybody else are.
    assert!(is_found(&scanner, "root_key", &root(&[7; 64])));
}
