//! Vector instructions, where the processor surely has them.

/// Bytes that are classified at a time: a bit for each.
pub(in crate::detect) const BLOCK: usize = 64;

/// A bit for each byte that is a digit of base64, in either alphabet.
#[cfg(target_arch = "x86_64")]
pub(in crate::detect) fn digits_of_base64(block: &[u8; BLOCK]) -> u64 {
    #[expect(unsafe_code, reason = "instructions that every such processor has")]
    // SAFETY: SSE2 is part of x86-64.
    unsafe {
        x86::digits_of_base64(block)
    }
}

/// A bit for each `/` or `+`, and one for each `-` or `_`.
#[cfg(target_arch = "x86_64")]
pub(in crate::detect) fn signs_of_base64(block: &[u8; BLOCK]) -> (u64, u64) {
    #[expect(unsafe_code, reason = "instructions that every such processor has")]
    // SAFETY: SSE2 is part of x86-64.
    unsafe {
        (x86::either(block, [b'/', b'+']), x86::either(block, [b'-', b'_']))
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(in crate::detect) use portable::{digits_of_base64, signs_of_base64};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi8, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    };

    use super::BLOCK;

    #[inline]
    #[target_feature(enable = "sse2")]
    pub(super) fn digits_of_base64(block: &[u8; BLOCK]) -> u64 {
        mask(block, |bytes| {
            let letter = among(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), b'a', 26);
            let signs = _mm_or_si128(is(bytes, b'+'), _mm_or_si128(is(bytes, b'-'), is(bytes, b'_')));
            _mm_or_si128(_mm_or_si128(letter, among(bytes, b'/', 11)), signs)
        })
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    pub(super) fn either(block: &[u8; BLOCK], signs: [u8; 2]) -> u64 {
        mask(block, |bytes| _mm_or_si128(is(bytes, signs[0]), is(bytes, signs[1])))
    }

    /// A bit for each byte, as `test` has it for sixteen at a time.
    #[inline]
    #[target_feature(enable = "sse2")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "two halves; a bit for each of sixteen bytes")]
    fn mask(block: &[u8; BLOCK], test: impl Fn(__m128i) -> __m128i) -> u64 {
        let (quarters, _) = block.as_chunks();
        quarters.iter().rev().fold(0, |all, &quarter| {
            let number = u128::from_le_bytes(quarter);
            let bytes = _mm_set_epi64x((number >> 64) as i64, number as i64);
            all << 16 | u64::from(_mm_movemask_epi8(test(bytes)) as u16)
        })
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn is(bytes: __m128i, byte: u8) -> __m128i {
        _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte.cast_signed()))
    }

    /// Those among `count` bytes from `first` on: moved to the least of signed numbers, they are below a limit.
    #[inline]
    #[target_feature(enable = "sse2")]
    fn among(bytes: __m128i, first: u8, count: u8) -> __m128i {
        let moved = _mm_add_epi8(bytes, _mm_set1_epi8(0x80_u8.wrapping_sub(first).cast_signed()));
        _mm_cmpgt_epi8(_mm_set1_epi8((0x80 + count).cast_signed()), moved)
    }
}

/// Without branches and tables, so that the compiler uses the vectors that it knows.
#[cfg(any(test, not(target_arch = "x86_64")))]
mod portable {
    use super::BLOCK;

    #[expect(clippy::needless_bitwise_bool, reason = "a lazy operator is a branch")]
    pub(in crate::detect) fn digits_of_base64(block: &[u8; BLOCK]) -> u64 {
        mask(block, |byte| {
            let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
            let number_or_slash = byte.wrapping_sub(b'/') < 11;
            letter | number_or_slash | (byte == b'+') | (byte == b'-') | (byte == b'_')
        })
    }

    pub(in crate::detect) fn signs_of_base64(block: &[u8; BLOCK]) -> (u64, u64) {
        (mask(block, |byte| matches!(byte, b'/' | b'+')), mask(block, |byte| matches!(byte, b'-' | b'_')))
    }

    fn mask(block: &[u8; BLOCK], test: impl Fn(u8) -> bool) -> u64 {
        let bytes = block.map(|byte| u8::from(test(byte)));
        let (eights, _) = bytes.as_chunks::<8>();
        // The product moves the lowest bits of eight bytes together.
        let bits = eights.iter().map(|&eight| u64::from_le_bytes(eight).wrapping_mul(0x0102_0408_1020_4080) >> 56);
        bits.rev().fold(0, |mask, bits| mask << 8 | bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_say_what_portable_code_says() {
        for byte in 0..=u8::MAX {
            for at in 0..BLOCK {
                let mut block = [b'.'; BLOCK];
                block[at] = byte;
                assert_eq!(digits_of_base64(&block), portable::digits_of_base64(&block), "{byte} at {at}");
                assert_eq!(signs_of_base64(&block), portable::signs_of_base64(&block), "{byte} at {at}");
                assert_eq!(digits_of_base64(&block) & !(1 << at), 0, "{byte} at {at}");
            }
        }
    }
}
