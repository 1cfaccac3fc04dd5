//! Vector instructions, where the processor has them.

use super::buckets::Eight;

/// Which instructions look for windows. A level is made by [`Level::best`] and [`Level::all`] alone: the processor
/// has what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// 64 places at a time: AVX-512 with VBMI.
    Wide,
    /// 32 places at a time, with half as many buckets: AVX2.
    Half,
    /// One place at a time.
    Plain,
}

impl Level {
    /// The fastest that this processor has.
    pub(super) fn best() -> Self {
        Self::all().next().unwrap_or(Self::Plain)
    }

    /// Every level that this processor has, the fastest first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        [Self::Wide, Self::Half, Self::Plain].into_iter().filter(|level| level.is_present())
    }

    #[cfg(target_arch = "x86_64")]
    fn is_present(self) -> bool {
        match self {
            Self::Wide => is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vbmi"),
            Self::Half => is_x86_feature_detected!("avx2"),
            Self::Plain => true,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_present(self) -> bool {
        self == Self::Plain
    }
}

/// [`Buckets::mark`](super::buckets::Buckets::mark) at [`Level::Wide`].
#[cfg(target_arch = "x86_64")]
pub(super) fn mark_wide(eights: &[Eight], bytes: &[u8], marks: &mut [u64]) {
    #[expect(unsafe_code, reason = "instructions that the processor of this level has")]
    // SAFETY: the level was made because the processor has them.
    unsafe {
        x86::mark_wide(eights, bytes, marks);
    }
}

/// [`Buckets::mark`](super::buckets::Buckets::mark) at [`Level::Half`].
#[cfg(target_arch = "x86_64")]
pub(super) fn mark_half(halves: &[Eight], bytes: &[u8], marks: &mut [u64]) {
    #[expect(unsafe_code, reason = "instructions that the processor of this level has")]
    // SAFETY: the level was made because the processor has them.
    unsafe {
        x86::mark_half(halves, bytes, marks);
    }
}

/// No processor has this level.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn mark_wide(_: &[Eight], _: &[u8], marks: &mut [u64]) {
    marks.fill(u64::MAX);
}

/// No processor has this level.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn mark_half(_: &[Eight], _: &[u8], marks: &mut [u64]) {
    marks.fill(u64::MAX);
}

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
        __m128i, __m256i, __m512i, _mm_add_epi8, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_loadu_si128, _mm_movemask_epi8,
        _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8, _mm256_add_epi8, _mm256_and_si256, _mm256_broadcastsi128_si256,
        _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256,
        _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_xor_si256, _mm512_and_si512, _mm512_loadu_si512, _mm512_or_si512,
        _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_setzero_si512, _mm512_srli_epi16, _mm512_test_epi8_mask,
    };

    use std::array;

    use super::super::buckets::{BYTES, Eight, PLACES, SYMBOLS};
    use super::super::windows::WINDOW;
    use super::BLOCK;

    #[target_feature(enable = "avx512bw,avx512vbmi")]
    pub(super) fn mark_wide(eights: &[Eight], bytes: &[u8], marks: &mut [u64]) {
        for (mark, bytes) in marks.iter_mut().zip(bytes.windows(BYTES).step_by(PLACES)) {
            let symbols: [__m512i; WINDOW] = array::from_fn(|position| {
                let bytes = load_wide(bytes[position..].first_chunk().expect("a window at each place"));
                let high = _mm512_and_si512(_mm512_srli_epi16::<1>(bytes), _mm512_set1_epi8(0x20));
                _mm512_or_si512(_mm512_and_si512(bytes, _mm512_set1_epi8(0x1F)), high)
            });
            let mut any = _mm512_setzero_si512();
            for eight in eights {
                let allow = |position: usize| _mm512_permutexvar_epi8(symbols[position], load_wide(&eight[position]));
                let (front, back) = (_mm512_and_si512(allow(0), allow(1)), _mm512_and_si512(allow(2), allow(3)));
                any = _mm512_or_si512(any, _mm512_and_si512(front, back));
            }
            *mark = _mm512_test_epi8_mask(any, any);
        }
    }

    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn load_wide(bytes: &[u8; SYMBOLS]) -> __m512i {
        #[expect(unsafe_code, reason = "a load takes an address")]
        // SAFETY: 64 bytes can be read there.
        unsafe {
            _mm512_loadu_si512(bytes.as_ptr().cast())
        }
    }

    /// Looks up sixteen symbols at a time: what is not among them has its highest bit set, which gives zero.
    #[target_feature(enable = "avx2")]
    pub(super) fn mark_half(halves: &[Eight], bytes: &[u8], marks: &mut [u64]) {
        for (mark, bytes) in marks.iter_mut().zip(bytes.windows(BYTES).step_by(PLACES)) {
            let low = mark_32(halves, bytes);
            *mark = u64::from(mark_32(halves, &bytes[PLACES / 2..])) << 32 | u64::from(low);
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn mark_32(halves: &[Eight], bytes: &[u8]) -> u32 {
        let symbols: [[__m256i; 4]; WINDOW] = array::from_fn(|position| {
            let bytes = load_half(bytes[position..].first_chunk().expect("a window at each place"));
            let high = _mm256_and_si256(_mm256_srli_epi16::<1>(bytes), _mm256_set1_epi8(0x20));
            let symbols = _mm256_or_si256(_mm256_and_si256(bytes, _mm256_set1_epi8(0x1F)), high);
            [0x00, 0x10, 0x20, 0x30]
                .map(|sixteen| _mm256_add_epi8(_mm256_xor_si256(symbols, _mm256_set1_epi8(sixteen)), _mm256_set1_epi8(0x70)))
        });
        let mut any = _mm256_setzero_si256();
        for half in halves {
            let allow = |position: usize| {
                let (sixteens, _) = half[position].as_chunks::<16>();
                let parts: [__m256i; 4] = array::from_fn(|at| _mm256_shuffle_epi8(twice(&sixteens[at]), symbols[position][at]));
                _mm256_or_si256(_mm256_or_si256(parts[0], parts[1]), _mm256_or_si256(parts[2], parts[3]))
            };
            let (front, back) = (_mm256_and_si256(allow(0), allow(1)), _mm256_and_si256(allow(2), allow(3)));
            any = _mm256_or_si256(any, _mm256_and_si256(front, back));
        }
        !_mm256_movemask_epi8(_mm256_cmpeq_epi8(any, _mm256_setzero_si256())).cast_unsigned()
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load_half(bytes: &[u8; 32]) -> __m256i {
        #[expect(unsafe_code, reason = "a load takes an address")]
        // SAFETY: 32 bytes can be read there.
        unsafe {
            _mm256_loadu_si256(bytes.as_ptr().cast())
        }
    }

    /// The same sixteen bytes in both halves.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn twice(bytes: &[u8; 16]) -> __m256i {
        #[expect(unsafe_code, reason = "a load takes an address")]
        // SAFETY: sixteen bytes can be read there.
        let half = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
        _mm256_broadcastsi128_si256(half)
    }

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
