//! Which kinds of bytes stand at the first places of a value: for many formats at once, that tells that no value of
//! theirs begins at a place.

use super::alphabet::Alphabet;

/// How many kinds of bytes are told apart.
const KINDS: usize = 8;

/// The kind of each byte.
const KIND: [u8; 256] = {
    let mut kinds = [7; 256];
    let mut byte = 0;
    #[expect(clippy::cast_possible_truncation, reason = "all bytes")]
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'0'..=b'9' => 0,
            b'a'..=b'f' => 1,
            b'g'..=b'z' => 2,
            b'A'..=b'F' => 3,
            b'G'..=b'Z' => 4,
            b'_' => 5,
            b'-' => 6,
            _ => 7,
        };
        byte += 1;
    }
    kinds
};

/// The bytes of each kind.
const SETS: [Alphabet; KINDS] = {
    let (mut sets, mut byte) = ([Alphabet::NONE; KINDS], 0);
    #[expect(clippy::cast_possible_truncation, reason = "all bytes")]
    while byte < 256 {
        let kind = KIND[byte] as usize;
        sets[kind] = sets[kind].with(byte as u8);
        byte += 1;
    }
    sets
};

/// For each kind of bytes, at which of the first places one may stand: a bit for each place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outline([u32; KINDS]);

impl Outline {
    /// So many places are looked at.
    pub(super) const PLACES: usize = u32::BITS as usize;

    /// What stands at the beginning of the bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut outline = Self::default();
        for (place, &byte) in bytes.iter().take(Self::PLACES).enumerate() {
            outline.0[usize::from(KIND[usize::from(byte)])] |= 1 << place;
        }
        outline
    }

    /// What may stand at each place.
    pub(super) fn of_sets(sets: &[Alphabet; Self::PLACES]) -> Self {
        let mut outline = Self::default();
        for (place, set) in sets.iter().enumerate() {
            for (kind, places) in SETS.iter().zip(&mut outline.0) {
                *places |= u32::from(!set.intersection(*kind).is_empty()) << place;
            }
        }
        outline
    }

    /// Whether what stands somewhere may be what this is the outline of.
    pub fn holds(&self, there: &Self) -> bool {
        self.0.iter().zip(&there.0).fold(0, |others, (may, is)| others | is & !may) == 0
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::RuleSet;
    use crate::rule::examples::Random;

    use super::Outline;

    #[test]
    fn no_value_stands_where_its_outline_does_not() {
        let (set, mut random) = (RuleSet::builtin(), Random::new("outlines"));
        let signs = b"sk_live-09afAFgzGZ./:\"\\ ";
        let (mut held, mut refused) = (0, 0);
        for rule in set.rules() {
            let format = &rule.format;
            let (outline, literals) = (format.outline(), format.literals());
            for _ in 0..200 {
                let head = if literals.is_empty() { &[][..] } else { &literals[random.below(literals.len())] };
                let sign = if random.below(2) == 0 { &signs[..8] } else { &signs[..] };
                let rest = (0..random.below(60)).map(|_| sign[random.below(sign.len())]);
                let text: Vec<u8> = head.iter().copied().chain(rest).collect();
                if outline.holds(&Outline::of(&text)) {
                    held += 1;
                } else {
                    assert!(!format.may_begin(&text) || format.match_at(&text, rule.edge, None).is_none(), "{}", rule.id);
                    refused += 1;
                }
            }
        }
        assert!(held > 1000 && refused > 1000, "{held} {refused}");
    }
}
