//! The check digits and the length of an IBAN.

use super::Check;

pub(super) const CHECK: Check = Check::new("iban", "an IBAN whose check digits are right", is_iban).mended_by(mended);

/// How long an IBAN of a country is.
const LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"NO", 15),
    (b"BE", 16),
    (b"DK", 18),
    (b"FI", 18),
    (b"FO", 18),
    (b"GL", 18),
    (b"NL", 18),
    (b"MK", 19),
    (b"SI", 19),
    (b"AT", 20),
    (b"BA", 20),
    (b"EE", 20),
    (b"KZ", 20),
    (b"LT", 20),
    (b"LU", 20),
    (b"XK", 20),
    (b"CH", 21),
    (b"HR", 21),
    (b"LI", 21),
    (b"LV", 21),
    (b"BG", 22),
    (b"BH", 22),
    (b"CR", 22),
    (b"DE", 22),
    (b"GB", 22),
    (b"GE", 22),
    (b"IE", 22),
    (b"ME", 22),
    (b"RS", 22),
    (b"AE", 23),
    (b"GI", 23),
    (b"IL", 23),
    (b"AD", 24),
    (b"CZ", 24),
    (b"ES", 24),
    (b"MD", 24),
    (b"PK", 24),
    (b"RO", 24),
    (b"SA", 24),
    (b"SE", 24),
    (b"SK", 24),
    (b"TN", 24),
    (b"VG", 24),
    (b"PT", 25),
    (b"IS", 26),
    (b"TR", 26),
    (b"FR", 27),
    (b"GR", 27),
    (b"IT", 27),
    (b"MC", 27),
    (b"MR", 27),
    (b"SM", 27),
    (b"AL", 28),
    (b"AZ", 28),
    (b"BR", 28),
    (b"CY", 28),
    (b"DO", 28),
    (b"GT", 28),
    (b"HU", 28),
    (b"LB", 28),
    (b"PL", 28),
    (b"JO", 30),
    (b"KW", 30),
    (b"MU", 30),
    (b"QA", 30),
    (b"MT", 31),
];

fn is_iban(value: &[u8]) -> bool {
    let plain: Vec<u8> = value.iter().copied().filter(|&byte| byte != b' ').collect();
    let [country @ .., _, _] = &plain[..plain.len().min(4)] else { return false };
    let known = LENGTHS.iter().find(|(code, _)| code[..] == *country);
    known.is_some_and(|(_, length)| *length == plain.len())
        && plain[2..4].iter().all(u8::is_ascii_digit)
        && remainder(&plain) == Some(1)
}

/// The number that an IBAN stands for, modulo 97.
fn remainder(plain: &[u8]) -> Option<u32> {
    plain[4..].iter().chain(&plain[..4]).try_fold(0, |rest, byte| match byte {
        b'0'..=b'9' => Some((rest * 10 + u32::from(byte - b'0')) % 97),
        b'A'..=b'Z' => Some((rest * 100 + u32::from(byte - b'A') + 10) % 97),
        _ => None,
    })
}

fn mended(mut value: Vec<u8>) -> Vec<u8> {
    if value.len() > 4 {
        value[2..4].copy_from_slice(b"00");
        let digits = 98 - remainder(&value).unwrap_or(0);
        value[2..4].copy_from_slice(format!("{digits:02}").as_bytes());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that banks and providers print as examples.
    const PUBLISHED: [&str; 12] = [
        "DE89370400440532013000",
        "AT611904300234573201",
        "BE62510007547061",
        "NL39RABO0300065264",
        "NL91ABNA0417164300",
        "NL13TEST0123456789",
        "FR1420041010050500013M02606",
        "IT40S0542811101000000123456",
        "ES0700120345030000067890",
        "IE29AIBK93115212345678",
        "GB82WEST12345698765432",
        "GB29NWBK60161331926819",
    ];

    #[test]
    fn published_numbers_pass_and_no_neighbour_does() {
        for iban in PUBLISHED {
            assert!(is_iban(iban.as_bytes()), "{iban}");
            assert_eq!(mended(iban.as_bytes().to_vec()), iban.as_bytes());
            for at in 4..iban.len() {
                let mut other = iban.as_bytes().to_vec();
                other[at] = if other[at] == b'9' {
                    b'8'
                } else if other[at].is_ascii_digit() {
                    other[at] + 1
                } else {
                    b'7'
                };
                assert!(!is_iban(&other), "{iban} {at}");
            }
            assert!(!is_iban(&iban.as_bytes()[..iban.len() - 1]));
        }
        assert!(is_iban(b"DE89 3704 0044 0532 0130 00"));
        assert!(!is_iban(b"ZZ89370400440532013000") && !is_iban(b"DE") && !is_iban(b""));
    }
}
