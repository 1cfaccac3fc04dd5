//! The instructions of aarch64.

use std::arch::aarch64::{
    uint8x16_t, uint8x16x4_t, vandq_u8, vdupq_n_u8, vdupq_n_u64, veorq_u8, vgetq_lane_u64, vld1q_u8, vorrq_u8, vpaddq_u8,
    vqtbl4q_u8, vqtbx4q_u8, vreinterpretq_u8_u64, vreinterpretq_u64_u8, vshrq_n_u8, vtstq_u8,
};

use std::array;

use super::super::buckets::{BYTES, Eight, PLACES, SYMBOLS};
use super::super::windows::WINDOW;
use super::BLOCK;

/// Looks up all symbols of sixteen places at once.
#[target_feature(enable = "neon")]
pub(super) fn mark_quarter(few: &[Eight], bytes: &[u8], marks: &mut [u64]) {
    for (mark, bytes) in marks.iter_mut().zip(bytes.windows(BYTES).step_by(PLACES)) {
        let symbols: [[uint8x16_t; 4]; WINDOW] = array::from_fn(|position| {
            let places: &[u8; PLACES] = bytes[position..].first_chunk().expect("a window at each place");
            quarters(places).map(|bytes| {
                let high = vandq_u8(vshrq_n_u8::<1>(bytes), vdupq_n_u8(0x20));
                vorrq_u8(vandq_u8(bytes, vdupq_n_u8(0x1F)), high)
            })
        });
        let mut any = [vdupq_n_u8(0); 4];
        for eight in few {
            let mut allowed = [vdupq_n_u8(u8::MAX); 4];
            for (symbols, buckets) in symbols.iter().zip(eight) {
                let buckets = table(buckets);
                for (allowed, &symbols) in allowed.iter_mut().zip(symbols) {
                    *allowed = vandq_u8(*allowed, vqtbl4q_u8(buckets, symbols));
                }
            }
            any = array::from_fn(|at| vorrq_u8(any[at], allowed[at]));
        }
        *mark = bits(any, u8::MAX);
    }
}

/// Looks up half of ASCII at once: what is not in a table gives zero, or what was there before.
#[target_feature(enable = "neon")]
pub(super) fn classify_quarter<const N: usize>(classes: &[u8; 128], blocks: &[[u8; BLOCK]], masks: &mut [[u64; N]]) {
    let (halves, _) = classes.as_chunks();
    let (low, high) = (table(&halves[0]), table(&halves[1]));
    for (masks, block) in masks.iter_mut().zip(blocks) {
        let classes = quarters(block).map(|bytes| vqtbx4q_u8(vqtbl4q_u8(low, bytes), high, veorq_u8(bytes, vdupq_n_u8(0x40))));
        *masks = array::from_fn(|class| bits(classes, 1 << class));
    }
}

/// A bit for each byte that has one of these bits.
#[inline]
#[target_feature(enable = "neon")]
fn bits(bytes: [uint8x16_t; 4], wanted: u8) -> u64 {
    let places = u64::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128]);
    let places = vreinterpretq_u8_u64(vdupq_n_u64(places));
    let [a, b, c, d] = bytes.map(|bytes| vandq_u8(vtstq_u8(bytes, vdupq_n_u8(wanted)), places));
    // Each sum of two neighbours halves the bytes: three of them make one byte of eight.
    let sums = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
    vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(sums, sums)))
}

#[inline]
#[target_feature(enable = "neon")]
fn table(bytes: &[u8; SYMBOLS]) -> uint8x16x4_t {
    let [a, b, c, d] = quarters(bytes);
    uint8x16x4_t(a, b, c, d)
}

#[inline]
#[target_feature(enable = "neon")]
fn quarters(bytes: &[u8; 64]) -> [uint8x16_t; 4] {
    let (quarters, _) = bytes.as_chunks::<16>();
    array::from_fn(|at| {
        #[expect(unsafe_code, reason = "a load takes an address")]
        // SAFETY: sixteen bytes can be read there.
        unsafe {
            vld1q_u8(quarters[at].as_ptr())
        }
    })
}
