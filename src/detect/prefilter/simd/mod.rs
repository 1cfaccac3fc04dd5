//! Vector instructions, where the processor has them.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
use aarch64 as arch;
#[cfg(target_arch = "x86_64")]
use x86_64 as arch;

use super::buckets::Buckets;

/// Which instructions look for windows. A level is made by [`Level::best`] and [`Level::all`] alone: the processor
/// has what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// 64 places at a time: AVX-512 with VBMI.
    #[cfg(target_arch = "x86_64")]
    Wide,
    /// 32 places at a time, with half as many buckets: AVX2.
    #[cfg(target_arch = "x86_64")]
    Half,
    /// 16 places at a time, with half as many buckets: SSSE3 or NEON.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    Quarter,
    /// One place at a time.
    Plain,
}

impl Level {
    /// The fastest that this processor has.
    pub(super) fn best() -> Self {
        Self::all().next().unwrap_or(Self::Plain)
    }

    /// Every level that this processor has, the fastest first.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let is_present = |level: &Self| match level {
            Self::Wide => is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vbmi"),
            Self::Half => is_x86_feature_detected!("avx2"),
            Self::Quarter => is_x86_feature_detected!("ssse3"),
            Self::Plain => true,
        };
        [Self::Wide, Self::Half, Self::Quarter, Self::Plain].into_iter().filter(is_present)
    }

    /// Every level that this processor has, the fastest first.
    #[cfg(target_arch = "aarch64")]
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let is_present = |level: &Self| *level == Self::Plain || std::arch::is_aarch64_feature_detected!("neon");
        [Self::Quarter, Self::Plain].into_iter().filter(is_present)
    }

    /// Every level that this processor has, the fastest first.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub(super) fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Plain)
    }

    /// [`Buckets::mark_plain`] with the instructions of the level.
    pub(super) fn mark(self, buckets: &Buckets, bytes: &[u8], marks: &mut [u64]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "instructions that the processor of this level has")]
            // SAFETY: the level was made because the processor has them.
            Self::Wide => unsafe { arch::mark_wide(&buckets.eights, bytes, marks) },
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "instructions that the processor of this level has")]
            // SAFETY: the level was made because the processor has them.
            Self::Half => unsafe { arch::mark_half(&buckets.few, bytes, marks) },
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            #[expect(unsafe_code, reason = "instructions that the processor of this level has")]
            // SAFETY: the level was made because the processor has them.
            Self::Quarter => unsafe { arch::mark_quarter(&buckets.few, bytes, marks) },
            Self::Plain => buckets.mark_plain(bytes, marks),
        }
    }
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

    /// The classes of a byte: a bit for each.
    pub(in crate::detect) fn of(&self, byte: u8) -> u8 {
        self.0.get(usize::from(byte)).copied().unwrap_or(0)
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
            Level::Wide => unsafe { arch::classify_wide(&self.0, blocks, masks) },
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "instructions that the processor of this level has")]
            // SAFETY: the level was made because the processor has them.
            Level::Half => unsafe { arch::classify_half(&self.0, blocks, masks) },
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            #[expect(unsafe_code, reason = "instructions that the processor of this level has")]
            // SAFETY: the level was made because the processor has them.
            Level::Quarter => unsafe { arch::classify_quarter(&self.0, blocks, masks) },
            Level::Plain => self.blocks_plain(blocks, masks),
        }
    }

    fn blocks_plain<const N: usize>(&self, blocks: &[[u8; BLOCK]], masks: &mut [[u64; N]]) {
        for (masks, block) in masks.iter_mut().zip(blocks) {
            *masks = [0; N];
            for (at, byte) in block.iter().enumerate() {
                let classes = self.of(*byte);
                for (class, mask) in masks.iter_mut().enumerate() {
                    *mask |= u64::from(classes >> class & 1) << at;
                }
            }
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
