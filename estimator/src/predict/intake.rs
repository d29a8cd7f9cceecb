// SPDX-License-Identifier: Apache-2.0
//! Makes any observation one that arithmetic is safe on; what that does to bad input is said in the module's head.

use super::{Load, Observation};

/// Largest amount: its square is finite, and so is its nearest single.
const MOST: f64 = 1e30;

/// Copies the loads, bounded, sorted and unique; returns the ceiling, not negative, perhaps infinite.
pub(super) fn take_in(into: &mut Vec<Load>, seen: &Observation<'_>) -> f64 {
    let ceiling = if seen.ceiling.is_nan() { f64::INFINITY } else { seen.ceiling.max(0.0) };
    into.clear();
    into.extend(seen.loads.iter().map(|load| bounded(load, ceiling)));
    if into.windows(2).any(|pair| pair[0].arrival >= pair[1].arrival) {
        into.sort_unstable_by(|a, b| {
            let arrival = a.arrival.cmp(&b.arrival);
            arrival.then(b.usage.total_cmp(&a.usage)).then(b.limit.total_cmp(&a.limit))
        });
        into.dedup_by_key(|load| load.arrival);
    }
    ceiling
}

fn bounded(load: &Load, ceiling: f64) -> Load {
    let usage = if load.usage.is_nan() { MOST } else { load.usage.clamp(0.0, MOST) };
    let limit = if load.limit.is_finite() {
        load.limit.max(0.0)
    } else if ceiling.is_finite() {
        ceiling
    } else {
        usage
    };
    let limit = limit.min(ceiling).min(MOST);
    Load { arrival: load.arrival, usage: usage.min(limit), limit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::NodeLoad;
    use crate::units::Timestamp;

    fn taken(ceiling: f64, loads: &[(u64, f64, f64)]) -> Vec<(u64, f64, f64)> {
        let loads: Vec<_> =
            loads.iter().map(|&(arrival, usage, limit)| Load { arrival, usage, limit }).collect();
        let at = Timestamp::default();
        let seen =
            Observation { at, loads: &loads, ceiling, calm: true, node: NodeLoad::default() };
        let mut out = Vec::new();
        take_in(&mut out, &seen);
        out.iter().map(|l| (l.arrival, l.usage, l.limit)).collect()
    }

    #[test]
    fn odd_amounts_have_a_meaning() {
        let inf = f64::INFINITY;
        assert_eq!(taken(inf, &[(1, 3.0, 2.0)]), [(1, 2.0, 2.0)]);
        assert_eq!(taken(inf, &[(1, -3.0, 2.0), (2, 1.0, -1.0)]), [(1, 0.0, 2.0), (2, 0.0, 0.0)]);
        assert_eq!(taken(inf, &[(1, f64::NAN, 2.0)]), [(1, 2.0, 2.0)]);
        assert_eq!(taken(4.0, &[(1, 1.0, f64::NAN)]), [(1, 1.0, 4.0)]);
        assert_eq!(taken(4.0, &[(1, 1.0, 64.0)]), [(1, 1.0, 4.0)]);
        assert_eq!(taken(inf, &[(1, 1.0, inf)]), [(1, 1.0, 1.0)]);
        assert_eq!(taken(inf, &[(1, f64::MAX, f64::MAX)]), [(1, 1e30, 1e30)]);
        assert_eq!(taken(f64::NAN, &[(1, f64::NAN, f64::NAN)]), [(1, 1e30, 1e30)]);
    }

    #[test]
    fn order_and_repeats_do_not_matter() {
        let sorted = [(1, 2.0, 4.0), (3, 1.0, 2.0)];
        assert_eq!(taken(8.0, &[(3, 1.0, 2.0), (1, 1.0, 4.0), (1, 2.0, 4.0)]), sorted);
    }
}
