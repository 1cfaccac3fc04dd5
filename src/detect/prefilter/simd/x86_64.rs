//! The instructions of x86-64.

use std::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm_add_epi8, _mm_adds_epu8, _mm_and_si128, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8,
    _mm_or_si128, _mm_set1_epi8, _mm_setzero_si128, _mm_shuffle_epi8, _mm_srli_epi16, _mm_storeu_si128, _mm_xor_si128,
    _mm256_add_epi8, _mm256_adds_epu8, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256,
    _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
    _mm256_storeu_si256, _mm256_xor_si256, _mm512_and_si512, _mm512_loadu_si512, _mm512_maskz_permutex2var_epi8,
    _mm512_movepi8_mask, _mm512_or_si512, _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_setzero_si512, _mm512_srli_epi16,
    _mm512_test_epi8_mask,
};

use std::array;

use super::super::buckets::{BUCKETS, BYTES, Eight, EightByKind, PLACES, SYMBOLS};
use super::super::chosen::KINDS;
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

/// Bytes whose kinds are looked up before the windows are.
const STEP: usize = 16 * PLACES;
/// The kind of each symbol, as it is looked up among sixteen: the highest bit is set for the upper sixteen kinds, whose
/// places it gives once it is changed.
const PLACED: [u8; SYMBOLS] = {
    let mut placed = KINDS;
    let mut at = 0;
    while at < SYMBOLS {
        placed[at] += 0x70;
        at += 1;
    }
    placed
};

/// Where it stands on the stack, everything else does as well: vectors that lie across two lines of the cache are loaded at
/// half the speed, and whether they do would depend on who calls.
#[repr(align(64))]
struct Aligned([u8; STEP + WINDOW - 1]);

/// Looks up the kind of each byte, and then the buckets of its kind at the four positions of a window.
#[target_feature(enable = "avx2")]
pub(super) fn mark_half(few: &[EightByKind], bytes: &[u8], marks: &mut [u64]) {
    match few {
        [] => marks.fill(0),
        [a] => mark_halves(&[a], bytes, marks),
        [a, b] => mark_halves(&[a, b], bytes, marks),
        [a, b, c] => mark_halves(&[a, b, c], bytes, marks),
        [a, b, c, d, ..] => mark_halves(&[a, b, c, d], bytes, marks),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn mark_halves<const N: usize>(few: &[&EightByKind; N], bytes: &[u8], marks: &mut [u64]) {
    let mut kinds = Aligned([0; STEP + WINDOW - 1]);
    for (marks, bytes) in marks.chunks_mut(STEP / PLACES).zip((0..).step_by(STEP).map(|start| &bytes[start..])) {
        let kinds = &mut kinds.0[..marks.len() * PLACES + WINDOW - 1];
        kinds_32(&bytes[..kinds.len()], kinds);
        for (mark, kinds) in marks.iter_mut().zip(kinds.windows(BYTES).step_by(PLACES)) {
            let low = mark_32(few, kinds);
            *mark = u64::from(mark_32(few, &kinds[PLACES / 2..])) << 32 | u64::from(low);
        }
    }
}

/// The kinds of as many bytes as there are, which are no fewer than 32.
#[inline]
#[target_feature(enable = "avx2")]
fn kinds_32(bytes: &[u8], kinds: &mut [u8]) {
    let (table, _) = PLACED.as_chunks::<16>();
    let last = bytes.len() - 32;
    for start in (0..last).step_by(32).chain([last]) {
        let bytes = load_half(bytes[start..].first_chunk().expect("32 bytes"));
        let high = _mm256_and_si256(_mm256_srli_epi16::<1>(bytes), _mm256_set1_epi8(0x20));
        let symbols = _mm256_or_si256(_mm256_and_si256(bytes, _mm256_set1_epi8(0x1F)), high);
        let mut all = _mm256_setzero_si256();
        for (first, sixteen) in [0x00, 0x10, 0x20, 0x30].into_iter().zip(table) {
            // What is not among the sixteen has its highest bit set, which gives zero.
            let places = _mm256_add_epi8(_mm256_xor_si256(symbols, _mm256_set1_epi8(first)), _mm256_set1_epi8(0x70));
            all = _mm256_or_si256(all, _mm256_shuffle_epi8(twice(sixteen), places));
        }
        store_half(kinds[start..].first_chunk_mut().expect("32 bytes"), all);
    }
}

/// One position after the other, so that what is in registers stays there.
#[inline]
#[target_feature(enable = "avx2")]
fn mark_32<const N: usize>(few: &[&EightByKind; N], kinds: &[u8]) -> u32 {
    let mut allowed = [_mm256_set1_epi8(-1); N];
    for position in 0..WINDOW {
        let low = load_half(kinds[position..].first_chunk().expect("a window at each place"));
        let high = _mm256_xor_si256(low, _mm256_set1_epi8(i8::MIN));
        for (allowed, eight) in allowed.iter_mut().zip(few) {
            let (halves, _) = eight[position].as_chunks::<16>();
            let first = _mm256_shuffle_epi8(twice(&halves[0]), low);
            let second = _mm256_shuffle_epi8(twice(&halves[1]), high);
            *allowed = _mm256_and_si256(*allowed, _mm256_or_si256(first, second));
        }
    }
    let mut any = _mm256_setzero_si256();
    for allowed in allowed {
        any = _mm256_or_si256(any, allowed);
    }
    !_mm256_movemask_epi8(_mm256_cmpeq_epi8(any, _mm256_setzero_si256())).cast_unsigned()
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_half(to: &mut [u8; 32], bytes: __m256i) {
    #[expect(unsafe_code, reason = "a store takes an address")]
    // SAFETY: 32 bytes can be written there.
    unsafe {
        _mm256_storeu_si256(to.as_mut_ptr().cast(), bytes);
    }
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
    for (masks, block) in masks.iter_mut().zip(blocks) {
        let (halves, _) = block.as_chunks::<32>();
        *masks = [0; N];
        for half in halves.iter().rev() {
            let bytes = load_half(half);
            let mut classes = _mm256_setzero_si256();
            for (first, sixteen) in [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70].into_iter().zip(sixteens) {
                let place = _mm256_adds_epu8(_mm256_xor_si256(bytes, _mm256_set1_epi8(first)), _mm256_set1_epi8(0x70));
                classes = _mm256_or_si256(classes, _mm256_shuffle_epi8(twice(sixteen), place));
            }
            // The bit of each class becomes the highest of its byte, from the last class on.
            for _ in N..8 {
                classes = _mm256_add_epi8(classes, classes);
            }
            for mask in masks.iter_mut().rev() {
                *mask = *mask << 32 | u64::from(_mm256_movemask_epi8(classes).cast_unsigned());
                classes = _mm256_add_epi8(classes, classes);
            }
        }
    }
}

/// As [`mark_half`], sixteen places at a time.
#[target_feature(enable = "ssse3")]
pub(super) fn mark_quarter(few: &[EightByKind], bytes: &[u8], marks: &mut [u64]) {
    let mut kinds = Aligned([0; STEP + WINDOW - 1]);
    for (marks, bytes) in marks.chunks_mut(STEP / PLACES).zip((0..).step_by(STEP).map(|start| &bytes[start..])) {
        let kinds = &mut kinds.0[..marks.len() * PLACES + WINDOW - 1];
        kinds_16(&bytes[..kinds.len()], kinds);
        for (mark, kinds) in marks.iter_mut().zip(kinds.windows(BYTES).step_by(PLACES)) {
            *mark = 0;
            for at in (0..PLACES).step_by(16).rev() {
                *mark = *mark << 16 | u64::from(mark_16(few, &kinds[at..]));
            }
        }
    }
}

/// As [`kinds_32`], sixteen bytes at a time.
#[inline]
#[target_feature(enable = "ssse3")]
fn kinds_16(bytes: &[u8], kinds: &mut [u8]) {
    let (table, _) = PLACED.as_chunks::<16>();
    let last = bytes.len() - 16;
    for start in (0..last).step_by(16).chain([last]) {
        let bytes = load_quarter(bytes[start..].first_chunk().expect("sixteen bytes"));
        let high = _mm_and_si128(_mm_srli_epi16::<1>(bytes), _mm_set1_epi8(0x20));
        let symbols = _mm_or_si128(_mm_and_si128(bytes, _mm_set1_epi8(0x1F)), high);
        let mut all = _mm_setzero_si128();
        for (first, sixteen) in [0x00, 0x10, 0x20, 0x30].into_iter().zip(table) {
            let places = _mm_add_epi8(_mm_xor_si128(symbols, _mm_set1_epi8(first)), _mm_set1_epi8(0x70));
            all = _mm_or_si128(all, _mm_shuffle_epi8(load_quarter(sixteen), places));
        }
        store_quarter(kinds[start..].first_chunk_mut().expect("sixteen bytes"), all);
    }
}

#[inline]
#[target_feature(enable = "ssse3")]
fn mark_16(few: &[EightByKind], kinds: &[u8]) -> u16 {
    let mut allowed = [_mm_set1_epi8(-1); BUCKETS / 16];
    for position in 0..WINDOW {
        let low = load_quarter(kinds[position..].first_chunk().expect("a window at each place"));
        let high = _mm_xor_si128(low, _mm_set1_epi8(i8::MIN));
        for (allowed, eight) in allowed.iter_mut().zip(few) {
            let (halves, _) = eight[position].as_chunks::<16>();
            let first = _mm_shuffle_epi8(load_quarter(&halves[0]), low);
            let second = _mm_shuffle_epi8(load_quarter(&halves[1]), high);
            *allowed = _mm_and_si128(*allowed, _mm_or_si128(first, second));
        }
    }
    let mut any = _mm_setzero_si128();
    for &allowed in allowed.iter().take(few.len()) {
        any = _mm_or_si128(any, allowed);
    }
    !bits_16(_mm_cmpeq_epi8(any, _mm_setzero_si128()))
}

#[inline]
#[target_feature(enable = "ssse3")]
fn store_quarter(to: &mut [u8; 16], bytes: __m128i) {
    #[expect(unsafe_code, reason = "a store takes an address")]
    // SAFETY: sixteen bytes can be written there.
    unsafe {
        _mm_storeu_si128(to.as_mut_ptr().cast(), bytes);
    }
}

/// As [`classify_half`], sixteen bytes at a time.
#[target_feature(enable = "ssse3")]
pub(super) fn classify_quarter<const N: usize>(table: &[u8; 128], blocks: &[[u8; BLOCK]], masks: &mut [[u64; N]]) {
    let (sixteens, _) = table.as_chunks::<16>();
    for (masks, block) in masks.iter_mut().zip(blocks) {
        let (quarters, _) = block.as_chunks::<16>();
        *masks = [0; N];
        for quarter in quarters.iter().rev() {
            let bytes = load_quarter(quarter);
            let mut classes = _mm_setzero_si128();
            for (first, sixteen) in [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70].into_iter().zip(sixteens) {
                let place = _mm_adds_epu8(_mm_xor_si128(bytes, _mm_set1_epi8(first)), _mm_set1_epi8(0x70));
                classes = _mm_or_si128(classes, _mm_shuffle_epi8(load_quarter(sixteen), place));
            }
            for _ in N..8 {
                classes = _mm_add_epi8(classes, classes);
            }
            for mask in masks.iter_mut().rev() {
                *mask = *mask << 16 | u64::from(bits_16(classes));
                classes = _mm_add_epi8(classes, classes);
            }
        }
    }
}

#[inline]
#[target_feature(enable = "ssse3")]
fn load_quarter(bytes: &[u8; 16]) -> __m128i {
    #[expect(unsafe_code, reason = "a load takes an address")]
    // SAFETY: sixteen bytes can be read there.
    unsafe {
        _mm_loadu_si128(bytes.as_ptr().cast())
    }
}

/// The highest bit of each byte.
#[inline]
#[target_feature(enable = "ssse3")]
fn bits_16(bytes: __m128i) -> u16 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sixteen bits are set, if at all")]
    let bits = _mm_movemask_epi8(bytes) as u16;
    bits
}
