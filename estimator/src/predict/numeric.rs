// SPDX-License-Identifier: Apache-2.0
//! The two narrowing conversions that predictors need, with every odd case decided.

/// The bin that `value` falls into when bins are one wide: NaN and negatives are 0, too large is the last.
pub(super) fn bin(value: f64, bins: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates: NaN and negatives become 0, larger values usize::MAX (Rust reference, numeric cast)"
    )]
    let whole = value as usize;
    whole.min(bins.saturating_sub(1))
}

/// To half the memory: rings hold values that are compared with each other, 24 bits are enough.
pub(super) fn narrow(value: f64) -> f32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounds to the nearest; amounts are at most 1e30, below the largest f32"
    )]
    let short = value as f32;
    short
}

/// What is left of a weight after `steps` slots when half of it is left after `half_life` slots.
pub(super) fn fade(steps: u64, half_life: f64) -> f64 {
    (-(steps as f64) / half_life).exp2()
}
