// SPDX-License-Identifier: Apache-2.0
//! Checks of what is lent.

use super::{Check, Ticked, Verdict};
use crate::sim::ask::Offered;

/// An offer is made only when warm, fresh, calm and not just corrected, in whole quanta, and never beyond the slack.
#[derive(Default)]
pub(super) struct Offers {
    /// Since when samples have come without a gap, on the clock of readings, and the last of them.
    since: Option<[gleaner_estimator::units::Timestamp; 2]>,
}

fn check(o: &Offered, fresh: bool, warm: bool) -> Verdict {
    if o.amount == 0 {
        return Ok(());
    }
    if !fresh || !warm || !o.calm || o.held_off {
        return Err(format!("offered although fresh {fresh}, warm {warm}: {o:?}"));
    }
    if o.lent + o.amount > o.slack || o.peak + o.reserve + o.lent + o.amount > o.capacity {
        return Err(format!("more than the slack: {o:?}"));
    }
    if o.quantum > 0 && !o.amount.is_multiple_of(o.quantum) {
        return Err(format!("not in quanta: {o:?}"));
    }
    Ok(())
}

impl Check for Offers {
    fn name(&self) -> &'static str {
        "offer"
    }

    fn tick(&mut self, t: &Ticked<'_>) -> Verdict {
        let config = t.config();
        if t.sample.is_some() {
            let went_on =
                |last: &[_; 2]| t.at.since(last[1]).is_some_and(|gap| gap <= config.stale_after);
            let first = self.since.filter(went_on).map_or(t.at, |[first, _]| first);
            self.since = Some([first, t.at]);
        }
        let seen = self.since.and_then(|[first, _]| t.at.since(first)).unwrap_or_default();
        let warm = t.sample.is_some() && seen >= config.warm_up;
        for offer in &t.asked.offers {
            check(offer, t.asked.fresh, warm)?;
        }
        Ok(())
    }
}
