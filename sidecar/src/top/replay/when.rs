// SPDX-License-Identifier: Apache-2.0
//! Moments of a recording as people write them: `10 min ago`, `2026-01-31T14:03:07Z`, `14:03`, `first`, `last`.

use gleaner_engine::config::parse_time;
use gleaner_estimator::units::Span;
use gleaner_watch::civil::wall_ms;
use toml::value::{Datetime, Offset, Time};

const DAY_MS: u64 = 86_400_000;

/// A moment of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Its first sample.
    First,
    /// Its last sample.
    Last,
    /// So long before its last sample.
    BeforeEnd(Span),
    /// Milliseconds since 1970-01-01 UTC.
    At(u64),
    /// Milliseconds since the midnight (UTC) before the sample that is shown.
    OfDay(u64),
}

/// Reads a moment.
///
/// # Errors
/// One sentence: what can be written.
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    let text = text.trim();
    match (text, text.strip_suffix("ago")) {
        ("first", _) => Ok(Moment::First),
        ("last", _) => Ok(Moment::Last),
        (_, Some(span)) => parse_time(span.trim()).map(Moment::BeforeEnd),
        (_, None) => text.parse().ok().and_then(|time| instant(&time)).ok_or_else(|| {
            format!(
                "{text:?} is no moment: write \"10 min ago\" (before the last sample), \
                 \"2026-01-31T14:03:07Z\", \"14:03\" (UTC), \"first\" or \"last\""
            )
        }),
    }
}

/// Without an offset it is UTC, as all times that are shown.
fn instant(time: &Datetime) -> Option<Moment> {
    let of_day = time.time.map_or(Some(0), |time| of_day(&time))?;
    let Some(date) = time.date else { return Some(Moment::OfDay(of_day)) };
    let day = wall_ms(date.year.into(), date.month.into(), date.day.into())?;
    let east: i64 = match time.offset {
        Some(Offset::Custom { minutes }) => i64::from(minutes) * 60_000,
        Some(Offset::Z) | None => 0,
    };
    day.checked_add(of_day)?.checked_add_signed(-east).map(Moment::At)
}

fn of_day(time: &Time) -> Option<u64> {
    let secs = u64::from(time.hour) * 3600
        + u64::from(time.minute) * 60
        + u64::from(time.second.unwrap_or(0));
    let millis = u64::from(time.nanosecond.unwrap_or(0)) / 1_000_000;
    // A leap second counts as the midnight after it.
    Some(secs * 1000 + millis).filter(|ms| *ms <= DAY_MS)
}

/// That time of the day in which another moment lies.
pub(super) const fn of_day_of(shown_ms: u64, of_day: u64) -> u64 {
    shown_ms - shown_ms % DAY_MS + of_day
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let noon = 1_767_268_800_000;
        for (text, expected) in [
            ("first", Moment::First),
            (" last ", Moment::Last),
            ("10 min ago", Moment::BeforeEnd(Span::from_secs(600))),
            ("90s ago", Moment::BeforeEnd(Span::from_secs(90))),
            ("2026-01-01T12:00:00Z", Moment::At(noon)),
            ("2026-01-01T12:00:00.250Z", Moment::At(noon + 250)),
            ("2026-01-01T14:00:00+02:00", Moment::At(noon)),
            ("2026-01-01 12:00:00", Moment::At(noon)),
            ("2026-01-01", Moment::At(noon - DAY_MS / 2)),
            ("14:03:07", Moment::OfDay(50_587_000)),
        ] {
            assert_eq!(moment(text), Ok(expected), "{text}");
        }
        for text in ["", "yesterday", "10 parsecs ago", "ago", "25:00:00", "2026-02-30T00:00:00Z"] {
            assert!(moment(text).is_err(), "{text}");
        }
        assert_eq!(of_day_of(noon + 5, 1), noon - DAY_MS / 2 + 1);
    }
}
