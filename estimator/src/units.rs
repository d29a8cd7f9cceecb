// SPDX-License-Identifier: Apache-2.0
//! Quantities with their unit in the type: cores, memory, shares of one, instants.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, AddAssign};

/// CPU in thousandths of a core. Mesos scalars have three decimals, so this is exact there.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct MilliCpus(pub u64);

/// Memory in bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Bytes(pub u64);

/// An instant on the host's monotonic clock, in nanoseconds from an arbitrary start.
///
/// Only differences mean anything. The core never reads a clock: hosts stamp their readings.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

/// A length of time in nanoseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Span(pub u64);

/// A finite share of one; negative and above one are possible where a formula allows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ratio(f64);

/// What the estimator computes with: an integer at the borders, a float in its base unit (cores,
/// bytes) inside predictors.
pub trait Amount:
    Copy + Ord + Default + fmt::Debug + fmt::Display + Add<Output = Self> + Serialize
{
    /// Zero of this unit.
    const ZERO: Self;
    /// From the smallest unit (thousandths of a core, bytes).
    fn from_raw(raw: u64) -> Self;
    /// In the smallest unit (thousandths of a core, bytes).
    fn raw(self) -> u64;
    /// In the base unit: cores or bytes.
    fn to_base(self) -> f64;
    /// From the base unit, rounded to the nearest; negative, NaN and infinite become 0 or the largest.
    fn from_base(value: f64) -> Self;
    /// Like [`Amount::from_base`], rounded up: what is promised to somebody is never rounded away.
    fn from_base_up(value: f64) -> Self;

    /// `self − other`, never below zero.
    #[must_use]
    fn less(self, other: Self) -> Self {
        Self::from_raw(self.raw().saturating_sub(other.raw()))
    }

    /// The largest multiple of `quantum` that is not above `self`; a zero quantum changes nothing.
    #[must_use]
    fn quantise(self, quantum: Self) -> Self {
        match quantum.raw() {
            0 => self,
            q => Self::from_raw(self.raw() / q * q),
        }
    }

    /// This share of the amount, rounded up.
    #[must_use]
    fn share_up(self, share: Ratio) -> Self {
        Self::from_base_up(self.to_base() * share.get())
    }
}

/// Converts a float to an integer with every odd case decided: NaN and negatives are 0, too large is the maximum.
fn clamp_to_u64(value: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates: NaN and negatives become 0, larger values u64::MAX (Rust reference, numeric cast)"
    )]
    let whole = value as u64;
    whole
}

impl Amount for MilliCpus {
    const ZERO: Self = Self(0);
    fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
    fn raw(self) -> u64 {
        self.0
    }
    fn to_base(self) -> f64 {
        self.0 as f64 / 1000.0
    }
    fn from_base(value: f64) -> Self {
        Self(clamp_to_u64((value * 1000.0).round()))
    }
    fn from_base_up(value: f64) -> Self {
        // A float a hair above a whole number is that number, not the next one.
        Self(clamp_to_u64((value * 1000.0 - 1e-6).ceil()))
    }
}

impl Amount for Bytes {
    const ZERO: Self = Self(0);
    fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
    fn raw(self) -> u64 {
        self.0
    }
    fn to_base(self) -> f64 {
        self.0 as f64
    }
    fn from_base(value: f64) -> Self {
        Self(clamp_to_u64(value.round()))
    }
    fn from_base_up(value: f64) -> Self {
        Self(clamp_to_u64(value.ceil()))
    }
}

macro_rules! saturating_sum {
    ($t:ty) => {
        impl Add for $t {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }
        impl AddAssign for $t {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }
        impl std::iter::Sum for $t {
            fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
                iter.fold(Self::default(), Add::add)
            }
        }
    };
}
saturating_sum!(MilliCpus);
saturating_sum!(Bytes);
saturating_sum!(Span);

impl fmt::Display for MilliCpus {
    /// `1.5` for 1500: cores with at most three decimals, no trailing zeros but one decimal kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, milli) = (self.0 / 1000, self.0 % 1000);
        if milli.is_multiple_of(100) {
            write!(f, "{whole}.{}", milli / 100)
        } else if milli.is_multiple_of(10) {
            write!(f, "{whole}.{:02}", milli / 10)
        } else {
            write!(f, "{whole}.{milli:03}")
        }
    }
}

impl fmt::Display for Bytes {
    /// `1.5 GiB`: the largest binary unit that leaves a number of at least one, one decimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let mut value = self.0 as f64 / 1024.0;
        let mut unit = 0;
        while value >= 1023.95 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        write!(f, "{value:.1} {}", UNITS[unit])
    }
}

impl Timestamp {
    /// The time from `earlier` to `self`, `None` when `earlier` is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Span> {
        self.0.checked_sub(earlier.0).filter(|ns| *ns > 0).map(Span)
    }

    /// This instant moved later by `span`.
    #[must_use]
    pub fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Span {
    /// A span of whole seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }
    /// A span of whole milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }
    /// A span of seconds with a fraction; negative and NaN become 0.
    #[must_use]
    pub fn from_secs_f64(secs: f64) -> Self {
        Self(clamp_to_u64(secs * 1e9))
    }
    /// In seconds.
    #[must_use]
    pub fn secs(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl fmt::Display for Span {
    /// `250 ms`, `1.5 s`, `12 min`, `3.0 h`: what a person would write.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.secs() {
            s if s < 1.0 => write!(f, "{:.0} ms", s * 1e3),
            s if s < 120.0 => write!(f, "{s:.1} s"),
            s if s < 7200.0 => write!(f, "{:.0} min", s / 60.0),
            s => write!(f, "{:.1} h", s / 3600.0),
        }
    }
}

impl Ratio {
    /// Zero.
    pub const ZERO: Self = Self(0.0);
    /// The whole.
    pub const ONE: Self = Self(1.0);

    /// `None` unless the value is finite.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }
    /// `part ÷ whole`, `None` where that is not a finite number.
    #[must_use]
    pub fn of(part: f64, whole: f64) -> Option<Self> {
        Self::new(part / whole)
    }
    /// From thousandths.
    #[must_use]
    pub const fn from_milli(milli: u32) -> Self {
        Self(milli as f64 / 1000.0)
    }
    /// As a float; always finite.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Ratio {
    /// `12.5%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = format!("{:.2}", self.0 * 100.0);
        let short = percent.trim_end_matches('0').trim_end_matches('.');
        write!(f, "{short}%")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_round_trip_and_saturate() {
        assert_eq!(MilliCpus::from_base(1.5), MilliCpus(1500));
        assert_eq!(MilliCpus::from_base_up(1.2341), MilliCpus(1235));
        assert_eq!(MilliCpus::from_base_up(2.0000000000001), MilliCpus(2000));
        assert_eq!(MilliCpus::from_base(f64::NAN), MilliCpus(0));
        assert_eq!(MilliCpus::from_base(-3.0), MilliCpus(0));
        assert_eq!(Bytes::from_base(f64::INFINITY), Bytes(u64::MAX));
        assert_eq!(Bytes(u64::MAX) + Bytes(1), Bytes(u64::MAX));
        assert_eq!(MilliCpus(5).less(MilliCpus(7)), MilliCpus(0));
        assert_eq!(MilliCpus(1799).quantise(MilliCpus(500)), MilliCpus(1500));
    }

    #[test]
    fn people_read_units() {
        assert_eq!(MilliCpus(19_500).to_string(), "19.5");
        assert_eq!(MilliCpus(250).to_string(), "0.25");
        assert_eq!(MilliCpus(1).to_string(), "0.001");
        assert_eq!(Bytes(3 << 29).to_string(), "1.5 GiB");
        assert_eq!(Bytes(1 << 20).to_string(), "1.0 MiB");
        assert_eq!(Span::from_millis(1500).to_string(), "1.5 s");
        assert_eq!(Ratio::from_milli(10).to_string(), "1%");
    }

    #[test]
    fn time_never_runs_backwards() {
        assert_eq!(Timestamp(5).since(Timestamp(5)), None);
        assert_eq!(Timestamp(5).since(Timestamp(9)), None);
        assert_eq!(Timestamp(9).since(Timestamp(5)), Some(Span(4)));
    }
}
