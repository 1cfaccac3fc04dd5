//! Card numbers that providers publish for tests: they move nothing, wherever they are used.

/// What is published, ascending.
const PUBLISHED: &[u64] = &[
    4_007_000_000_027,
    4_012_888_818_888,
    4_222_222_222_222,
    30_000_000_000_004,
    30_123_456_789_019,
    30_569_309_025_904,
    36_006_666_333_344,
    36_227_206_271_667,
    36_259_600_000_004,
    38_000_000_000_006,
    38_520_000_023_237,
    340_000_000_000_009,
    345_678_901_234_564,
    370_000_000_000_002,
    371_260_714_673_002,
    371_449_635_398_431,
    371_544_868_764_018,
    374_245_455_400_126,
    374_251_018_720_018,
    378_267_515_471_109,
    378_282_246_310_005,
    378_734_493_671_000,
    2_221_000_000_000_009,
    2_222_400_070_000_005,
    2_222_410_740_360_010,
    2_223_000_010_309_703,
    2_223_000_048_400_011,
    2_223_003_122_003_222,
    2_223_016_768_739_313,
    3_056_930_009_020_004,
    3_088_000_000_000_017,
    3_530_111_333_300_000,
    3_566_002_020_360_505,
    3_569_990_010_095_841,
    4_000_000_000_000_002,
    4_000_000_000_000_069,
    4_000_000_000_000_077,
    4_000_000_000_000_119,
    4_000_000_000_000_127,
    4_000_000_000_000_259,
    4_000_000_000_000_341,
    4_000_000_000_003_063,
    4_000_000_000_003_220,
    4_000_000_000_009_979,
    4_000_000_000_009_987,
    4_000_000_000_009_995,
    4_000_000_760_000_002,
    4_000_001_240_000_000,
    4_000_002_500_003_155,
    4_000_002_760_003_184,
    4_000_003_800_000_446,
    4_000_008_260_000_000,
    4_000_008_400_001_629,
    4_000_056_655_665_556,
    4_000_111_111_111_115,
    4_000_111_111_111_511,
    4_000_620_000_000_007,
    4_005_519_200_000_004,
    4_009_348_888_881_881,
    4_012_000_033_330_026,
    4_012_000_077_777_777,
    4_012_888_888_881_881,
    4_023_898_493_988_028,
    4_032_039_317_984_658,
    4_035_501_000_000_008,
    4_111_111_111_111_111,
    4_111_111_111_111_210,
    4_111_111_111_112_101,
    4_111_111_111_121_102,
    4_111_111_111_131_010,
    4_111_111_111_310_101,
    4_111_111_114_101_010,
    4_111_111_141_010_101,
    4_111_111_145_551_142,
    4_111_111_510_101_010,
    4_111_161_010_101_010,
    4_117_101_010_101_010,
    4_166_676_667_666_746,
    4_212_345_678_901_237,
    4_212_345_678_910_006,
    4_217_651_111_111_119,
    4_229_989_100_000_000,
    4_229_989_500_000_006,
    4_229_989_700_000_004,
    4_229_989_800_000_003,
    4_229_989_900_000_002,
    4_242_424_242_424_242,
    4_360_000_001_000_005,
    4_386_289_407_660_153,
    4_484_070_000_035_519,
    4_500_600_000_000_061,
    4_543_474_002_249_996,
    4_646_464_646_464_644,
    4_659_105_569_051_157,
    4_871_049_999_999_910,
    4_917_610_000_000_000,
    4_988_438_843_884_305,
    5_063_516_945_005_047,
    5_066_991_111_111_118,
    5_104_015_555_555_558,
    5_105_105_105_105_100,
    5_136_333_333_333_335,
    5_199_992_312_641_465,
    5_200_828_282_828_210,
    5_201_281_505_129_736,
    5_267_318_187_975_449,
    5_424_000_000_000_015,
    5_425_233_430_109_903,
    5_436_031_030_606_378,
    5_454_545_454_545_454,
    5_531_886_652_142_950,
    5_555_341_244_441_115,
    5_555_555_555_554_444,
    5_577_000_055_770_004,
    5_585_558_555_855_583,
    5_610_591_081_018_250,
    6_011_000_000_000_004,
    6_011_000_000_000_012,
    6_011_000_990_139_424,
    6_011_000_991_300_009,
    6_011_111_111_111_117,
    6_011_601_160_116_611,
    6_011_981_111_111_113,
    6_062_820_524_845_321,
    6_200_000_000_000_005,
    6_200_000_000_000_047,
    6_243_030_000_000_001,
    6_304_000_000_000_000,
    6_370_950_000_000_005,
    6_445_644_564_456_445,
    6_555_900_000_604_105,
    6_703_444_444_444_449,
    6_731_012_345_678_906,
    6_759_649_826_438_453,
    8_171_999_927_660_000,
    6_205_500_000_000_000_004,
];

/// Digits of the shortest and of the longest card number.
const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// The first four digits of every published number, each once.
pub fn test_card_heads() -> Vec<[u8; 4]> {
    let heads = PUBLISHED.iter().filter_map(|card| card.to_string().as_bytes()[..4].try_into().ok());
    let mut heads: Vec<[u8; 4]> = heads.collect();
    heads.sort_unstable();
    heads.dedup();
    heads
}

/// The length of the published number that begins here: digits with single blanks or hyphens between
/// groups of them. No digit may follow.
pub fn test_card(bytes: &[u8]) -> Option<usize> {
    let (mut number, mut digits, mut length) = (0u64, 0, 0);
    for (at, &byte) in bytes.iter().enumerate().take(2 * DIGITS.end()) {
        match byte {
            b'0'..=b'9' => {
                number = number.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
                digits += 1;
                length = at + 1;
            }
            // What stands behind a whole number is another number.
            b' ' | b'-' if length == at && !is_published(number, digits) => {}
            _ => break,
        }
    }
    is_published(number, digits).then_some(length)
}

/// Whether the bytes are a published number and nothing else.
pub fn is_published_test_card(bytes: &[u8]) -> bool {
    test_card(bytes) == Some(bytes.len())
}

fn is_published(number: u64, digits: usize) -> bool {
    DIGITS.contains(&digits) && PUBLISHED.binary_search(&number).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luhn(number: u64) -> bool {
        let digits = number.to_string().into_bytes().into_iter().rev().map(|digit| u64::from(digit - b'0'));
        let sum: u64 = digits
            .enumerate()
            .map(|(at, digit)| match (at % 2, digit * 2) {
                (0, _) => digit,
                (_, twice @ 10..) => twice - 9,
                (_, twice) => twice,
            })
            .sum();
        sum.is_multiple_of(10)
    }

    #[test]
    fn the_list_is_ascending_and_every_number_is_valid() {
        assert!(PUBLISHED.is_sorted_by(|a, b| a < b));
        for &card in PUBLISHED {
            assert!(luhn(card) && DIGITS.contains(&card.to_string().len()), "{card}");
        }
        assert!(test_card_heads().is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn every_number_is_found_in_three_notations() {
        for &card in PUBLISHED {
            let plain = card.to_string();
            for between in ["", " ", "-"] {
                let groups: Vec<&str> = plain.as_bytes().chunks(4).map(|four| std::str::from_utf8(four).unwrap()).collect();
                let text = groups.join(between);
                assert_eq!(test_card(text.as_bytes()), Some(text.len()), "{text}");
            }
        }
    }

    #[test]
    fn other_numbers_are_none() {
        let card = PUBLISHED[PUBLISHED.len() / 2].to_string();
        assert_eq!(test_card(format!("{card}7").as_bytes()), None, "a digit touches the end");
        assert_eq!(test_card(format!("{card} 12").as_bytes()), Some(card.len()), "another number follows");
        assert_eq!(test_card(&card.as_bytes()[..6]), None, "a bank's number only");
        assert!(is_published_test_card(card.as_bytes()) && !is_published_test_card(format!("{card} 12").as_bytes()));
        assert_eq!(test_card(b"4111  1111"), None);
        assert_eq!(test_card(b""), None);
    }
}
