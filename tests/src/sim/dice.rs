// SPDX-License-Identifier: Apache-2.0
//! The dice: numbers that follow from a seed and from nothing else.

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers on every machine and in every version, for a failing
/// seed must replay for ever.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// The dice of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(0x5851_F42D_4C95_7F2D))
    }

    /// Dice whose throws are independent of how often these are thrown.
    pub(super) fn split(&mut self) -> Self {
        Self(self.bits())
    }

    /// Sixty-four bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// At least `low` and below `high`.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        let unit = (self.bits() >> 11) as f64 / (1_u64 << 53) as f64;
        low + (high - low) * unit
    }

    /// Around 0 with a standard deviation of 1, never beyond ± 3.5: the sum of four throws.
    pub(super) fn about(&mut self) -> f64 {
        (0..4).map(|_| self.between(-0.5, 0.5)).sum::<f64>() * 1.732
    }

    /// A whole number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.bits() % end).unwrap_or(0)
    }

    /// Whether something of this probability happens.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.between(0.0, 1.0) < probability
    }

    /// A number between these if it happens at all.
    pub(super) fn maybe(&mut self, probability: f64, low: f64, high: f64) -> Option<f64> {
        let value = self.between(low, high);
        self.happens(probability).then_some(value)
    }

    /// One of these.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}
