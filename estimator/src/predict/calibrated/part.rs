// SPDX-License-Identifier: Apache-2.0
//! Parts of `calibrated` that can be left out, to learn what each buys.

use super::features::Now;

/// One part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Learning from outcomes at all: `k` stays that of the prior.
    Outcomes,
    /// Nudging the quantile until the achieved rate meets the asked one.
    Nudge,
    /// The prior: a hundredth of its weight is left, so that there is something to begin with.
    Prior,
    /// The maxima over half an hour, two hours and a day: what is used now stands for each.
    Maxima,
    /// The maximum over a day: that over two hours stands for it.
    Day,
    /// What happened at this time yesterday: what is used now stands for it.
    Yesterday,
    /// How far tasks peak above their means, in the scale of the risk.
    Spread,
    /// What one task can still add, in the scale of the risk.
    Head,
    /// Both: the scale is a share of the limits.
    Scale,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Outcomes,
        Self::Nudge,
        Self::Prior,
        Self::Maxima,
        Self::Day,
        Self::Yesterday,
        Self::Spread,
        Self::Head,
        Self::Scale,
    ];
}

impl Now {
    /// The features without a part. Those of calibration change none.
    pub(super) fn without(mut self, part: Part) -> Self {
        match part {
            Part::Outcomes | Part::Nudge | Part::Prior => {}
            Part::Maxima => {
                (self.half_hour, self.two_hours, self.day) = (self.total, self.total, self.total);
            }
            Part::Day => self.day = self.two_hours,
            Part::Yesterday => self.yesterday = self.total,
            Part::Spread => (self.spread_day, self.spread_week) = (0.0, 0.0),
            Part::Head => self.head = 0.0,
            Part::Scale => {
                (self.spread_day, self.spread_week, self.head) = (0.0, 0.0, 0.5 * self.limit);
            }
        }
        self
    }
}
