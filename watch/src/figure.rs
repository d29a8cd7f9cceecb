// SPDX-License-Identifier: Apache-2.0
//! Amounts as people read them, rounded so that the arithmetic of a sentence holds as it is printed.
//!
//! One decimal, unless that breaks a sum, a comparison or hides something that is not zero; then three.
//! Cores have three decimals in all, so three are exact. GiB are not: there each printed figure is
//! within 0.002 GiB of the truth, and what is left over by rounding goes into the results.

use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Amount, Bytes, MilliCpus};
use std::fmt;

/// An amount that sentences can hold.
pub(crate) trait Figure: Amount {
    /// What follows the number.
    const UNIT: &'static str;
    /// The resource, at the start of a sentence or within one.
    const NAME: &'static str;
    /// Which resource it is.
    const RESOURCE: Resource;
    /// The section of the configuration that has its settings.
    const SECTION: &'static str;
    /// Raw units in one unit of the sentence.
    const ONE: i128;
}

impl Figure for MilliCpus {
    const UNIT: &'static str = "cores";
    const NAME: &'static str = "CPU";
    const RESOURCE: Resource = Resource::Cpu;
    const SECTION: &'static str = "cpu";
    const ONE: i128 = 1000;
}

impl Figure for Bytes {
    const UNIT: &'static str = "GiB";
    const NAME: &'static str = "memory";
    const RESOURCE: Resource = Resource::Memory;
    const SECTION: &'static str = "memory";
    const ONE: i128 = 1 << 30;
}

/// Decimals that are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digits {
    One,
    Three,
}

impl Digits {
    const fn per_unit(self) -> i128 {
        match self {
            Self::One => 10,
            Self::Three => 1000,
        }
    }
}

/// A number as it is printed: so many tenths or thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    parts: i128,
    digits: Digits,
}

impl Number {
    /// The nearest number with these digits.
    fn nearest<Q: Figure>(raw: i128, digits: Digits) -> Self {
        let doubled = 2 * raw * digits.per_unit() + Q::ONE;
        Self { parts: doubled.div_euclid(2 * Q::ONE), digits }
    }

    pub(crate) fn is_zero(self) -> bool {
        self.parts == 0
    }

    pub(crate) fn is_negative(self) -> bool {
        self.parts < 0
    }

    pub(crate) fn magnitude(self) -> Self {
        Self { parts: self.parts.abs(), ..self }
    }

    fn less(self, other: Self) -> Self {
        Self { parts: self.parts - other.parts, ..self }
    }

    fn plus(self, other: Self) -> Self {
        Self { parts: self.parts + other.parts, ..self }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.parts < 0 { "−" } else { "" };
        let (whole, rest) =
            (self.parts.abs() / self.digits.per_unit(), self.parts.abs() % self.digits.per_unit());
        match self.digits {
            Digits::One => write!(f, "{sign}{whole}.{rest}"),
            Digits::Three => write!(f, "{sign}{whole}.{rest:03}"),
        }
    }
}

/// One amount by itself: one decimal unless that says nothing, then three.
pub(crate) fn alone<Q: Figure>(amount: Q) -> Number {
    let raw = i128::from(amount.raw());
    let short = Number::nearest::<Q>(raw, Digits::One);
    match raw != 0 && short.is_zero() {
        true => Number::nearest::<Q>(raw, Digits::Three),
        false => short,
    }
}

/// A smaller and a larger amount that also print as smaller and larger.
pub(crate) fn ordered<Q: Figure>(small: Q, large: Q) -> (Number, Number) {
    let (low, high) = (i128::from(small.raw()), i128::from(large.raw()));
    for digits in [Digits::One, Digits::Three] {
        let pair = (Number::nearest::<Q>(low, digits), Number::nearest::<Q>(high, digits));
        let hidden = low != 0 && pair.0.is_zero();
        if pair.0.parts < pair.1.parts && !hidden {
            return pair;
        }
    }
    // Closer than a thousandth: one is rounded down and the other up.
    let per_unit = Digits::Three.per_unit();
    let down = (low * per_unit).div_euclid(Q::ONE);
    let up = -(-high * per_unit).div_euclid(Q::ONE);
    (Number { parts: down, digits: Digits::Three }, Number { parts: up, digits: Digits::Three })
}

/// `first − less[0] − less[1] … = result; lent; left`, as printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) first: Number,
    pub(crate) less: Vec<Number>,
    /// Below zero where more is taken away than there is.
    pub(crate) result: Number,
    pub(crate) lent: Number,
    /// `result − lent`, where a result below zero counts as zero; below zero where too much is lent.
    pub(crate) left: Number,
    pub(crate) offer: Number,
}

impl Sum {
    /// The fewest digits with which everything adds up.
    pub(crate) fn of<Q: Figure>(first: Q, less: &[Q], lent: Q, offer: Q) -> Self {
        Self::exact::<Q>(first, less, lent, offer, Digits::One)
            .unwrap_or_else(|| Self::adjusted::<Q>(first, less, lent, offer))
    }

    /// Every number is the nearest one; `None` where that breaks a sum or hides something.
    fn exact<Q: Figure>(first: Q, less: &[Q], lent: Q, offer: Q, digits: Digits) -> Option<Self> {
        let sum = Self::derived::<Q>(first, less, lent, offer, digits);
        let (result, left) = truth(first, less, lent);
        let mut printed = vec![(sum.first, raw(first)), (sum.lent, raw(lent))];
        printed.extend(sum.less.iter().copied().zip(less.iter().map(|q| raw(*q))));
        printed.extend([(sum.result, result), (sum.left, left), (sum.offer, raw(offer))]);
        printed
            .iter()
            .all(|(number, raw)| {
                *number == Number::nearest::<Q>(*raw, digits) && (*raw == 0) == number.is_zero()
            })
            .then_some(sum)
    }

    /// Three digits; results are made from the printed terms and have the sign of the truth.
    fn adjusted<Q: Figure>(first: Q, less: &[Q], lent: Q, offer: Q) -> Self {
        let mut sum = Self::derived::<Q>(first, less, lent, offer, Digits::Three);
        let (result, left) = truth(first, less, lent);
        if opposite(sum.result, result) {
            sum.first = sum.first.less(sum.result);
            sum.result = sum.result.less(sum.result);
            sum.left = floor_at_zero(sum.result).less(sum.lent);
        }
        if opposite(sum.left, left) {
            sum.lent = sum.lent.plus(sum.left);
            sum.left = sum.left.less(sum.left);
        }
        let all = raw(offer) == left;
        if all || sum.offer.parts > sum.left.parts && !sum.left.is_negative() {
            sum.offer = sum.left;
        }
        sum
    }

    fn derived<Q: Figure>(first: Q, less: &[Q], lent: Q, offer: Q, digits: Digits) -> Self {
        let number = |q: Q| Number::nearest::<Q>(raw(q), digits);
        let (first, lent, offer) = (number(first), number(lent), number(offer));
        let less: Vec<Number> = less.iter().map(|q| number(*q)).collect();
        let result = less.iter().fold(first, |rest, term| rest.less(*term));
        let left = floor_at_zero(result).less(lent);
        Self { first, less, result, lent, left, offer }
    }
}

fn raw<Q: Figure>(amount: Q) -> i128 {
    i128::from(amount.raw())
}

/// Result and what is left of it, in raw units.
fn truth<Q: Figure>(first: Q, less: &[Q], lent: Q) -> (i128, i128) {
    let result = raw(first) - less.iter().map(|q| raw(*q)).sum::<i128>();
    (result, result.max(0) - raw(lent))
}

fn opposite(number: Number, truth: i128) -> bool {
    number.parts < 0 && truth >= 0 || number.parts > 0 && truth <= 0
}

fn floor_at_zero(number: Number) -> Number {
    Number { parts: number.parts.max(0), ..number }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cores(first: u64, less: &[u64], lent: u64) -> String {
        let less: Vec<MilliCpus> = less.iter().copied().map(MilliCpus).collect();
        let s = Sum::of(MilliCpus(first), &less, MilliCpus(lent), MilliCpus(0));
        format!("{} {:?} {} {} {}", s.first, s.less, s.result, s.lent, s.left)
            .replace("Number { parts: ", "")
            .replace(", digits: One }", "")
            .replace(", digits: Three }", "")
    }

    #[test]
    fn one_decimal_where_it_adds_up_and_three_where_not() {
        assert_eq!(cores(64_000, &[3_200, 41_300], 19_000), "64.0 [32, 413] 19.5 19.0 0.5");
        assert_eq!(cores(64_000, &[3_240, 41_330], 0), "64.000 [3240, 41330] 19.430 0.000 19.430");
        assert_eq!(cores(2_000, &[20], 0), "2.000 [20] 1.980 0.000 1.980", "0.02 is not 0.0");
        assert_eq!(cores(1_000, &[3_000], 500), "1.0 [30] −2.0 0.5 −0.5");
    }

    #[test]
    fn what_is_smaller_prints_smaller() {
        let print = |a, b| {
            let (low, high) = ordered(Bytes(a), Bytes(b));
            format!("{low} {high}")
        };
        assert_eq!(print(1 << 29, 1 << 30), "0.5 1.0");
        assert_eq!(print((1 << 29) - 4096, 1 << 29), "0.499 0.500");
        assert_eq!(print((1 << 29) + 1, (1 << 29) + 2), "0.500 0.501");
        assert_eq!(print(0, 1), "0.000 0.001");
        assert_eq!(alone(MilliCpus(40)).to_string(), "0.040");
        assert_eq!(alone(MilliCpus(0)).to_string(), "0.0");
    }

    proptest! {
        /// Where all but nothing is left, rounding three terms could turn the result's sign.
        #[test]
        fn rounding_never_turns_a_sign(
            first in 1_u64 << 30..1 << 42,
            cut in 0.0..1.0_f64,
            left in -3_i64 << 20..3 << 20,
            lent in 0_u64..1 << 30,
        ) {
            let first = Bytes(first);
            let peak = Bytes::from_base(first.to_base() * cut);
            let result = first.less(peak);
            let near = |q: Bytes| Bytes(q.0.saturating_add_signed(left));
            for (less, lent) in [([peak, Bytes(0)], near(result)), ([peak, near(result)], Bytes(lent))] {
                let offer = first.less(less[0]).less(less[1]).less(lent);
                let sum = Sum::of(first, &less, lent, offer);
                let (true_result, true_left) = truth(first, &less, lent);
                prop_assert!(!opposite(sum.result, true_result), "{sum:?} {true_result}");
                prop_assert!(!opposite(sum.left, true_left), "{sum:?} {true_left}");
                prop_assert_eq!(sum.first.less(sum.less[0]).less(sum.less[1]), sum.result);
                prop_assert_eq!(floor_at_zero(sum.result).less(sum.lent), sum.left);
                prop_assert!(true_left < 0 || sum.offer == sum.left, "{sum:?}");
            }
        }
    }
}
