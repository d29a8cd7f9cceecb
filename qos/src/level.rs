// SPDX-License-Identifier: Apache-2.0
//! How bad it is for one resource: Calm, Strained, Critical, and how it moves between them.
//!
//! ```text
//!              enter: twice, ≥ confirm apart,          gross: enter × 2, or
//!              or once from a signal that              Strained harm that lasts ≥ lasts,
//!              acts at once                            or memory that runs out
//!      ┌──────┐ ───────────────────────▶ ┌──────────┐ ───────────────────────▶ ┌──────────┐
//!      │ Calm │                          │ Strained │                          │ Critical │
//!      └──────┘ ◀─────────────────────── └──────────┘ ◀─────────────────────── └──────────┘
//!              leave: beyond every               below every entering edge
//!              leaving edge for ≥ dwell          for ≥ dwell
//!
//!      dwell = 5 s; entering again ≤ 30 s after the last return to Calm doubles it, up to 60 s;
//!      a longer peace sets it back to 5 s. Calm → Critical directly where a signal says so at once.
//! ```
//!
//! * **Why two edges and a dwell**: one threshold at 100 ms made 208 transitions a minute, two and 5 s
//!   of quiet made 5, with the same work done (measured). Doubling and its cap of 60 s are judgement.
//! * **Why twice**: over one second 1 % of windows alarm falsely; two running, apart, rarely (measured: 1 %, 2
//!   windows). Evidence is dated by the end of its window, so one window judged twice is not two.
//! * **No judgement** (steal, missing reading): nothing is confirmed and no quiet accrues; the level stays.
//! * **Any distance of judgements**: at steps of minutes, "twice" is two steps and `dwell` one step of quiet
//!   after the first quiet one; nothing flips on a single reading that does not act at once.

use crate::config::LevelRule;
use crate::signal::{Ignored, Reading};
use gleaner_estimator::units::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// How much guaranteed tasks are harmed over one resource.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nobody guaranteed is harmed.
    #[default]
    Calm,
    /// Harm shows: nothing more is lent.
    Strained,
    /// Harm lasts or is gross: lent resource is taken back.
    Critical,
}

impl Level {
    /// All levels, mildest first; the index is the value of the metric.
    pub const ALL: [Self; 3] = [Self::Calm, Self::Strained, Self::Critical];

    /// The word used in metrics, JSON and text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Strained => "strained",
            Self::Critical => "critical",
        }
    }
}

/// How firmly evidence asks for a level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Asks {
    /// Not at all.
    #[default]
    No,
    /// If it is seen again.
    Twice,
    /// At once.
    Once,
}

/// What all signals of one resource say at one judgement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) strained: Asks,
    pub(crate) critical: Asks,
    /// Harm itself is measured, not a threshold of another controller nor a burst: it may last.
    pub(crate) lasting: bool,
    /// Everything that can be known is beyond its leaving edge, and something is.
    pub(crate) calm: bool,
    /// End of the newest window among those that ask, or among all where none asks.
    pub(crate) at: Option<Timestamp>,
}

impl Evidence {
    /// Gathers readings. Unknown ones say nothing.
    pub(crate) fn of<'a>(readings: impl Iterator<Item = &'a Reading>) -> Self {
        let (mut this, mut calm, mut disturbed) = (Self::default(), false, false);
        let mut stolen = false;
        let (mut asked_at, mut seen_at) = (None, None);
        for reading in readings.filter(|r| r.value.is_some()) {
            let asks = if reading.at_once { Asks::Once } else { Asks::Twice };
            seen_at = seen_at.max(reading.at);
            match reading.over {
                Some(Level::Critical) => {
                    this.critical = this.critical.max(asks);
                    this.strained = this.strained.max(asks);
                }
                Some(Level::Strained) => this.strained = this.strained.max(asks),
                Some(Level::Calm) | None => {}
            }
            if reading.over.is_some() {
                asked_at = asked_at.max(reading.at);
                this.lasting |= !reading.at_once;
            }
            // A burst reading that is switched off by the standing class has no say at all.
            let silent = reading.ignored == Some(Ignored::StandingClass);
            stolen |= reading.ignored == Some(Ignored::Steal);
            calm |= reading.calm;
            disturbed |= !reading.calm && !silent;
        }
        this.calm = calm && !disturbed;
        // Where the guard forbids a verdict, silence is not evidence of anything.
        this.at = asked_at.or(if stolen { None } else { seen_at });
        this
    }
}

impl Evidence {
    /// Whether nothing asks for anything.
    pub(crate) fn is_quiet(&self) -> bool {
        self.strained.max(self.critical) == Asks::No
    }
}

/// The level of one resource and what its moves depend on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LevelState {
    level: Level,
    since: Option<Timestamp>,
    /// First evidence of an unbroken run that asks for Strained, that may last, that asks for Critical.
    strained_from: Option<Timestamp>,
    lasting_from: Option<Timestamp>,
    critical_from: Option<Timestamp>,
    /// Since when nothing has asked for anything.
    unasked_from: Option<Timestamp>,
    /// Since when everything has been calm.
    calm_from: Option<Timestamp>,
    dwell: Option<Span>,
    calmed_at: Option<Timestamp>,
}

fn run(from: &mut Option<Timestamp>, holds: bool, at: Timestamp) -> Option<Span> {
    if !holds {
        *from = None;
        return None;
    }
    at.since(*from.get_or_insert(at))
}

impl LevelState {
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// When the level was entered; `None` before the first judgement.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// The quiet needed now before a step down.
    pub(crate) fn dwell(&self, rule: &LevelRule) -> Span {
        self.dwell.unwrap_or(rule.dwell)
    }

    /// After a gap: the level stays, every run of evidence starts anew.
    pub(crate) fn forget_runs(&mut self) {
        let Self { level, dwell, .. } = *self;
        *self = Self { level, dwell, ..Self::default() };
    }

    /// Moves by one judgement at `now`. Returns whether the level rose.
    pub(crate) fn update(&mut self, now: Timestamp, seen: Evidence, rule: &LevelRule) -> bool {
        self.since.get_or_insert(now);
        let Some(at) = seen.at else {
            self.break_runs();
            return false;
        };
        let asked = seen.strained.max(seen.critical);
        let strained = run(&mut self.strained_from, asked > Asks::No, at);
        let lasting = run(&mut self.lasting_from, seen.lasting, at);
        let critical = run(&mut self.critical_from, seen.critical > Asks::No, at);
        let unasked = run(&mut self.unasked_from, seen.is_quiet(), at);
        let calm = run(&mut self.calm_from, seen.calm, at);
        let confirmed = |span: Option<Span>| span.is_some_and(|s| s >= rule.confirm);
        let lasted = rule.lasts.is_some_and(|lasts| lasting.is_some_and(|s| s >= lasts));
        let to_critical = seen.critical == Asks::Once || confirmed(critical) || lasted;
        let to_strained = asked == Asks::Once || confirmed(strained);
        let before = self.level;
        let dwell = self.dwell(rule);
        let quiet = |span: Option<Span>| span.is_some_and(|s| s >= dwell);
        self.level = match before {
            Level::Calm | Level::Strained if to_critical => Level::Critical,
            Level::Calm if to_strained => Level::Strained,
            Level::Strained if quiet(calm) => Level::Calm,
            Level::Critical if quiet(unasked) => Level::Strained,
            Level::Calm | Level::Strained | Level::Critical => before,
        };
        self.moved(now, before, rule);
        self.level > before
    }

    fn moved(&mut self, now: Timestamp, before: Level, rule: &LevelRule) {
        if self.level == before {
            return;
        }
        self.since = Some(now);
        match (before, self.level) {
            (Level::Calm, Level::Strained | Level::Critical) => {
                let soon = |at| now.since(at).unwrap_or_default() <= rule.relapse;
                let relapse = self.calmed_at.is_some_and(soon);
                let doubled = Span(self.dwell(rule).0.saturating_mul(2)).min(rule.dwell_max);
                self.dwell = Some(if relapse { doubled } else { rule.dwell });
            }
            (_, Level::Calm) => self.calmed_at = Some(now),
            (Level::Strained | Level::Critical, Level::Strained | Level::Critical) => {}
        }
    }

    fn break_runs(&mut self) {
        self.strained_from = None;
        self.lasting_from = None;
        self.critical_from = None;
        self.unasked_from = None;
        self.calm_from = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::QosConfig;
    use Level::{Calm, Critical, Strained};

    fn at(ms: u64) -> Timestamp {
        Timestamp::default().plus(Span::from_millis(ms))
    }

    fn evidence(ms: u64, strained: Asks, critical: Asks) -> Evidence {
        let asked = strained.max(critical);
        let lasting = asked == Asks::Twice;
        Evidence { strained, critical, lasting, calm: asked == Asks::No, at: Some(at(ms)) }
    }

    /// Feeds judgements every `step` ms: `O` asks for Strained twice, `G` for Critical twice, `!` for
    /// Critical at once, `-` is between the edges, `.` calm, `?` unknown. Returns the levels.
    fn levels(script: &str, step: u64) -> Vec<Level> {
        let (mut state, rule) = (LevelState::default(), QosConfig::default().cpu.level);
        let mut feed = |(i, c): (usize, char)| {
            let now = u64::try_from(i).expect("short") * step;
            let seen = match c {
                'O' => evidence(now, Asks::Twice, Asks::No),
                'G' => evidence(now, Asks::Twice, Asks::Twice),
                '!' => evidence(now, Asks::Once, Asks::Once),
                '-' => Evidence { calm: false, ..evidence(now, Asks::No, Asks::No) },
                '.' => evidence(now, Asks::No, Asks::No),
                '?' => Evidence::default(),
                other => panic!("unknown script letter {other}"),
            };
            state.update(at(now), seen, &rule);
            state.level()
        };
        script.chars().enumerate().map(&mut feed).collect()
    }

    fn last(script: &str, step: u64) -> Level {
        *levels(script, step).last().expect("a script has letters")
    }

    #[test]
    fn harm_must_be_seen_twice_apart_and_once_is_enough_where_a_signal_says_so() {
        assert_eq!(last("OOOOO", 100), Calm, "400 ms are not 500");
        assert_eq!(last("OOOOOO", 100), Strained);
        assert_eq!(last("OOO?OOO", 100), Calm, "an unknown judgement breaks the run");
        assert_eq!(last("O.O.O.O.", 1_000), Calm);
        assert_eq!(last(".!", 100), Critical);
        assert_eq!(last("GG", 1_000), Critical);
    }

    #[test]
    fn lasting_harm_is_critical_and_quiet_steps_down_one_at_a_time() {
        assert_eq!(last("OOOOO", 1_000), Strained);
        assert_eq!(last("OOOOOO", 1_000), Critical);
        assert_eq!(last("GG------", 1_000), Strained, "between the edges it never gets calm");
        assert_eq!(last("GG......", 1_000), Strained);
        assert_eq!(last("GG.......", 1_000), Calm);
        assert_eq!(last("OO.....", 1_000), Strained, "4 s of quiet");
        assert_eq!(last("OO......", 1_000), Calm);
        assert_eq!(last("OO...?...", 1_000), Strained, "a gap is not quiet");
    }

    #[test]
    fn relapse_doubles_the_dwell_up_to_its_cap_and_peace_resets_it() {
        let (mut state, rule) = (LevelState::default(), QosConfig::default().cpu.level);
        let mut now = 0;
        let mut dwells = Vec::new();
        let mut cycle = |state: &mut LevelState, peace: u64| {
            now += peace;
            state.update(at(now), evidence(now, Asks::Once, Asks::No), &rule);
            dwells.push(state.dwell(&rule).secs());
            while state.level() != Calm {
                now += 1_000;
                state.update(at(now), evidence(now, Asks::No, Asks::No), &rule);
            }
        };
        for _ in 0..6 {
            cycle(&mut state, 1_000);
        }
        cycle(&mut state, 31_000);
        assert_eq!(dwells, [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 5.0]);
    }

    #[test]
    fn at_steps_of_minutes_nothing_flips_on_one_reading() {
        assert!(levels("O.O.O.O.O.O.", 300_000).iter().all(|l| *l == Calm));
        let mostly_harm = levels("OOO.OO.OOO.OO", 300_000);
        let first = mostly_harm.iter().position(|l| *l > Calm).expect("enters");
        assert!(mostly_harm[first..].iter().all(|l| *l > Calm), "one quiet step is no peace");
        assert_eq!(last("OO..", 300_000), Strained);
        assert_eq!(last("OO...", 300_000), Calm);
    }

    #[test]
    fn the_same_window_judged_again_confirms_nothing() {
        let (mut state, rule) = (LevelState::default(), QosConfig::default().cpu.level);
        for now in (0..3_000).step_by(100) {
            state.update(at(now), evidence(0, Asks::Twice, Asks::Twice), &rule);
        }
        assert_eq!(state.level(), Calm);
    }
}
