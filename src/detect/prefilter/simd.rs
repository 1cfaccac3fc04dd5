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

/// What each byte of ASCII is: a bit for each of eight classes. Other bytes are of none.
#[derive(Debug)]
pub(in crate::detect) struct Classes([u8; 128]);

impl Classes {
    /// Classes by the bytes that belong to them.
    pub(in crate::detect) const fn new(classes: &[&[u8]]) -> Self {
        let mut table = [0; 128];
        let mut class = 0;
        while class < classes.len() {
            let mut at = 0;
            while at < classes[class].len() {
                table[classes[class][at] as usize] |= 1 << class;
                at += 1;
            }
            class += 1;
        }
        Self(table)
    }

    /// Which bytes of each block belong to the first `N` classes. Bytes behind the end belong to none.
    pub(in crate::detect) fn classify<const N: usize>(&self, bytes: &[u8], masks: &mut [[u64; N]]) {
        self.classify_at(Level::best(), bytes, masks);
    }

    fn classify_at<const N: usize>(&self, level: Level, bytes: &[u8], masks: &mut [[u64; N]]) {
        let (blocks, rest) = bytes.as_chunks();
        let (whole, others) = masks.split_at_mut(blocks.len().min(masks.len()));
        self.blocks(level, blocks, whole);
        others.fill([0; N]);
        if let Some(last) = others.first_mut().filter(|_| !rest.is_empty()) {
            let mut block = [0x80; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            self.blocks(level, &[block], std::slice::from_mut(last));
        }
    }

    fn blocks<const N: usize>(&self, level: Level, blocks: &[[u8; BLOCK]], masks: &mut [[u64; N]]) {
        match level {
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "instructions that the processor of this level has")]
            // SAFETY: the level was made because the processor has them.
            Level::Wide => unsafe { x86::classify_wide(&self.0, blocks, masks) },
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "instructions that the processor of this level has")]
            // SAFETY: the level was made because the processor has them.
            Level::Half => unsafe { x86::classify_half(&self.0, blocks, masks) },
            _ => self.blocks_plain(blocks, masks),
        }
    }

    fn blocks_plain<const N: usize>(&self, blocks: &[[u8; BLOCK]], masks: &mut [[u64; N]]) {
        for (masks, block) in masks.iter_mut().zip(blocks) {
            *masks = [0; N];
            for (at, byte) in block.iter().enumerate() {
                let classes = self.0.get(usize::from(*byte)).copied().unwrap_or(0);
                for (class, mask) in masks.iter_mut().enumerate() {
                    *mask |= u64::from(classes >> class & 1) << at;
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, __m512i, _mm_loadu_si128, _mm256_add_epi8, _mm256_adds_epu8, _mm256_and_si256, _mm256_broadcastsi128_si256,
        _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256,
        _mm256_shuffle_epi8, _mm256_slli_epi16, _mm256_srli_epi16, _mm256_xor_si256, _mm512_and_si512, _mm512_loadu_si512,
        _mm512_maskz_permutex2var_epi8, _mm512_movepi8_mask, _mm512_or_si512, _mm512_permutexvar_epi8, _mm512_set1_epi8,
        _mm512_setzero_si512, _mm512_srli_epi16, _mm512_test_epi8_mask,
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

    /// Looks up all of ASCII at once.
    #[target_feature(enable = "avx512bw,avx512vbmi")]
    pub(super) fn classify_wide<const N: usize>(table: &[u8; 128], blocks: &[[u8; BLOCK]], masks: &mut [[u64; N]]) {
        let (halves, _) = table.as_chunks();
        let (low, high) = (load_wide(&halves[0]), load_wide(&halves[1]));
        for (masks, block) in masks.iter_mut().zip(blocks) {
            let bytes = load_wide(block);
            let classes = _mm512_maskz_permutex2var_epi8(!_mm512_movepi8_mask(bytes), low, bytes, high);
            *masks = array::from_fn(|class| _mm512_test_epi8_mask(classes, _mm512_set1_epi8(1 << class)));
        }
    }

    /// Looks up sixteen bytes of ASCII at a time: what is not among them has its highest bit set, which gives zero.
    #[target_feature(enable = "avx2")]
    pub(super) fn classify_half<const N: usize>(table: &[u8; 128], blocks: &[[u8; BLOCK]], masks: &mut [[u64; N]]) {
        let (sixteens, _) = table.as_chunks::<16>();
        let tables: [__m256i; 8] = array::from_fn(|at| twice(&sixteens[at]));
        for (masks, block) in masks.iter_mut().zip(blocks) {
            let (halves, _) = block.as_chunks::<32>();
            let classes: [__m256i; 2] = array::from_fn(|half| {
                let bytes = load_half(&halves[half]);
                let mut classes = _mm256_setzero_si256();
                for (first, &table) in [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70].into_iter().zip(&tables) {
                    let moved = _mm256_xor_si256(bytes, _mm256_set1_epi8(first));
                    let place = _mm256_adds_epu8(moved, _mm256_set1_epi8(0x70));
                    classes = _mm256_or_si256(classes, _mm256_shuffle_epi8(table, place));
                }
                classes
            });
            *masks = array::from_fn(|class| {
                // The bit of the class becomes the highest of its byte: others come with it, and are not looked at.
                let bits = classes.map(|classes| {
                    let (fours, twos, ones) = (class & 4 == 0, class & 2 == 0, class & 1 == 0);
                    let classes = if fours { _mm256_slli_epi16::<4>(classes) } else { classes };
                    let classes = if twos { _mm256_slli_epi16::<2>(classes) } else { classes };
                    let classes = if ones { _mm256_slli_epi16::<1>(classes) } else { classes };
                    _mm256_movemask_epi8(classes).cast_unsigned()
                });
                u64::from(bits[1]) << 32 | u64::from(bits[0])
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_puts_every_byte_into_its_classes() {
        let classes = Classes::new(&[b"aB9", b"\0\x1f\x7f", b"abc", b"", b"~", b"/:@[`{", b"0", b"xyz"]);
        let mut bytes: Vec<u8> = (0..=u8::MAX).chain((0..=u8::MAX).rev()).collect();
        bytes.extend([b'a'; 7]);
        for level in Level::all() {
            for start in 0..BLOCK {
                let mut masks = [[7; 8]; 12];
                classes.classify_at(level, &bytes[start..], &mut masks);
                for at in 0..12 * BLOCK {
                    let byte = bytes.get(start + at).copied();
                    let expected = byte.and_then(|byte| classes.0.get(usize::from(byte))).copied().unwrap_or(0);
                    for (class, mask) in masks[at / BLOCK].iter().enumerate() {
                        let bit = mask >> (at % BLOCK) & 1;
                        assert_eq!(bit, u64::from(expected >> class & 1), "{byte:?} in {class} at {level:?}");
                    }
                }
            }
        }
    }
}
