// SPDX-License-Identifier: Apache-2.0
//! Milliseconds since 1970 as a date and time of day, UTC.

/// `2026-01-31 12:00:05.123`.
#[must_use]
pub fn date_time(wall_ms: u64) -> String {
    let (days, millis) = (wall_ms / 86_400_000, wall_ms % 86_400_000);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02} {}", time(millis))
}

/// `12:00:05.123` of any day.
#[must_use]
pub fn time(wall_ms: u64) -> String {
    let millis = wall_ms % 86_400_000;
    let (secs, millis) = (millis / 1000, millis % 1000);
    format!("{:02}:{:02}:{:02}.{millis:03}", secs / 3600, secs / 60 % 60, secs % 60)
}

/// Milliseconds from 1970 to the beginning of a day; `None` where there is no such day since then.
#[must_use]
pub fn wall_ms(year: u64, month: u64, day: u64) -> Option<u64> {
    // The same eras, the other way round (`days_from_civil`).
    let from_march = year.checked_sub(u64::from(month <= 2))?;
    let (era, of_era) = (from_march / 400, from_march % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    let days = days.checked_sub(719_468)?;
    (date(days) == (year, month, day)).then_some(days * 86_400_000)
}

/// Year, month and day of a day since 1970, by counting in eras of 400 years that begin on the first of March
/// (Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`).
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        for (wall_ms, text) in [
            (0, "1970-01-01 00:00:00.000"),
            (951_782_400_000, "2000-02-29 00:00:00.000"),
            (1_709_164_799_999, "2024-02-28 23:59:59.999"),
            (1_767_225_600_001, "2026-01-01 00:00:00.001"),
            (4_107_542_400_000, "2100-03-01 00:00:00.000"),
        ] {
            assert_eq!(date_time(wall_ms), text);
            let (year, month, day) = date(wall_ms / 86_400_000);
            assert_eq!(super::wall_ms(year, month, day), Some(wall_ms / 86_400_000 * 86_400_000));
        }
        for (year, month, day) in
            [(2026, 2, 29), (2026, 13, 1), (2026, 4, 31), (1969, 12, 31), (2026, 1, 0)]
        {
            assert_eq!(super::wall_ms(year, month, day), None, "{year}-{month}-{day}");
        }
    }
}
