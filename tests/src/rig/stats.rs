// SPDX-License-Identifier: Apache-2.0
//! Order statistics, exact: a slice has thousands of values, not millions.

/// The smallest value that at least this share of the values does not exceed; `None` of nothing.
#[must_use]
pub fn quantile(sorted: &[u64], permille: usize) -> Option<u64> {
    let rank = (sorted.len() * permille).div_ceil(1000).max(1);
    sorted.get(rank - 1).copied()
}

/// Middle, least and greatest of some values; `None` of nothing.
#[must_use]
pub fn spread(values: &[f64]) -> Option<Spread> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    let median =
        if sorted.len() % 2 == 1 { upper } else { f64::midpoint(sorted[middle - 1], upper) };
    Some(Spread { median, least: sorted[0], most: sorted[sorted.len() - 1], count: sorted.len() })
}

/// A median with its spread.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub most: f64,
    /// How many.
    pub count: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let values: Vec<u64> = (1..=1000).collect();
        assert_eq!(quantile(&values, 500), Some(500));
        assert_eq!(quantile(&values, 990), Some(990));
        assert_eq!(quantile(&[7], 999), Some(7));
        assert_eq!(quantile(&[], 999), None);
    }

    #[test]
    fn a_median_lies_between_the_middle_two() {
        let found = spread(&[4.0, 1.0, f64::NAN, 2.0, 8.0]).expect("there are values");
        assert_eq!((found.median, found.least, found.most, found.count), (3.0, 1.0, 8.0, 4));
        assert_eq!(spread(&[]), None);
    }
}
