//! Card numbers: the ranges of the networks, their lengths, and the Luhn digit.

use super::{Check, luhn, test_card};

pub(super) const CHECK: Check = Check::new("card-number", "a number in the range of a card network", is_card_number);

/// A network: its name, the first six digits of its numbers, and their lengths.
struct Network {
    name: &'static str,
    ranges: &'static [(u32, u32)],
    lengths: &'static [usize],
}

/// The networks in order: of two that claim a range the first gives the name. From the tables of ISO/IEC
/// 7812 as vendors print them. Lengths that are hardly used, and look like other numbers, are left out.
const NETWORKS: &[Network] = &[
    Network { name: "Elo", ranges: ELO, lengths: &[16] },
    Network {
        name: "Hipercard",
        ranges: &[(606_282, 606_282), (384_100, 384_100), (637_095, 637_095), (637_568, 637_612)],
        lengths: &[16],
    },
    Network { name: "Verve", ranges: &[(506_099, 506_198), (507_865, 507_964)], lengths: &[16, 18, 19] },
    Network { name: "Mir", ranges: &[(220_000, 220_499)], lengths: &[16] },
    Network { name: "Troy", ranges: &[(979_200, 979_299)], lengths: &[16] },
    Network { name: "Visa", ranges: &[(400_000, 499_999)], lengths: &[16, 19] },
    Network { name: "Mastercard", ranges: &[(510_000, 559_999), (222_100, 272_099)], lengths: &[16] },
    Network { name: "American Express", ranges: &[(340_000, 349_999), (370_000, 379_999)], lengths: &[15] },
    Network {
        name: "Diners Club",
        ranges: &[(300_000, 305_999), (309_500, 309_599), (360_000, 369_999), (380_000, 399_999)],
        lengths: &[14, 16],
    },
    Network { name: "JCB", ranges: &[(352_800, 358_999)], lengths: &[16] },
    Network { name: "Discover", ranges: &[(601_100, 601_199), (644_000, 659_999)], lengths: &[16] },
    Network {
        name: "RuPay",
        ranges: &[(508_000, 508_999), (606_000, 608_999), (817_200, 820_199), (353_000, 353_999), (356_000, 356_999)],
        lengths: &[16],
    },
    Network { name: "UnionPay", ranges: &[(620_000, 629_999), (810_000, 817_199)], lengths: &[16, 17, 18, 19] },
    Network {
        name: "Maestro",
        ranges: &[
            (501_800, 501_899),
            (502_000, 502_099),
            (503_800, 503_899),
            (589_300, 589_399),
            (630_400, 630_499),
            (675_900, 675_999),
            (676_100, 676_399),
        ],
        lengths: &[16, 18, 19],
    },
];

const ELO: &[(u32, u32)] = &[
    (401_178, 401_179),
    (431_274, 431_274),
    (438_935, 438_935),
    (451_416, 451_416),
    (457_631, 457_632),
    (504_175, 504_175),
    (506_699, 506_778),
    (509_000, 509_999),
    (627_780, 627_780),
    (636_297, 636_297),
    (636_368, 636_368),
];

/// As many equal digits in a row, and so few different ones, are made up.
const RUN: usize = 6;
const DISTINCT: usize = 4;

fn is_card_number(value: &[u8]) -> bool {
    network(value).is_some() && !test_card::is_published_test_card(value)
}

/// The network of a number that may be on a card: range, length and Luhn digit fit, and nobody made it up.
pub(crate) fn network(digits: &[u8]) -> Option<&'static str> {
    let head =
        digits.get(..6)?.iter().try_fold(0, |head, byte| byte.is_ascii_digit().then(|| head * 10 + u32::from(byte - b'0')))?;
    let within = |network: &&Network| {
        network.lengths.contains(&digits.len()) && network.ranges.iter().any(|&(first, last)| (first..=last).contains(&head))
    };
    let found = NETWORKS.iter().find(within)?;
    (luhn::passes(digits) && !is_made_up(digits)).then_some(found.name)
}

fn is_made_up(digits: &[u8]) -> bool {
    let mut seen = [false; 256];
    for &digit in digits {
        seen[usize::from(digit)] = true;
    }
    let distinct = seen.iter().filter(|&&seen| seen).count();
    let longest = |same: fn(u8, u8) -> bool| digits.chunk_by(|&a, &b| same(a, b)).map(<[u8]>::len).max().unwrap_or(0);
    let steps = longest(|a, b| b == a + 1).max(longest(|a, b| a == b + 1));
    distinct < DISTINCT || longest(|a, b| a == b) >= RUN || steps >= 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(head: &str, length: usize) -> Vec<u8> {
        let body: String = head.chars().chain("7381940265184739201".chars()).take(length).collect();
        let mend = luhn::CHECK.mend.unwrap();
        mend(body.into_bytes())
    }

    #[test]
    fn ranges_and_lengths() {
        for (head, length, name) in [
            ("4", 16, "Visa"),
            ("51", 16, "Mastercard"),
            ("2221", 16, "Mastercard"),
            ("2720", 16, "Mastercard"),
            ("34", 15, "American Express"),
            ("36", 14, "Diners Club"),
            ("6011", 16, "Discover"),
            ("3528", 16, "JCB"),
            ("62", 19, "UnionPay"),
            ("2200", 16, "Mir"),
            ("506699", 16, "Elo"),
            ("606282", 16, "Hipercard"),
            ("9792", 16, "Troy"),
        ] {
            assert_eq!(network(&card(head, length)), Some(name), "{head} {length}");
        }
        for (head, length) in [("4", 15), ("2220", 16), ("2721", 16), ("34", 16), ("1", 16), ("0", 16), ("36", 13), ("9", 16)] {
            assert_eq!(network(&card(head, length)), None, "{head} {length}");
        }
    }

    #[test]
    fn the_luhn_digit_and_what_is_made_up() {
        let mut number = card("4", 16);
        number[15] = if number[15] == b'9' { b'0' } else { number[15] + 1 };
        assert_eq!(network(&number), None);
        assert_eq!(network(b"4000000000000002"), None);
        assert_eq!(network(b"4111111111111111"), None);
        assert_eq!(network(b"4123456789012349"), None);
        assert_eq!(network(b""), None);
    }
}
