// SPDX-License-Identifier: Apache-2.0
//! Bytes of kernel files → values. Pure, without allocation, and total: any bytes give a value or a [`Fault`].

mod cgroup;
mod proc;

pub(crate) use cgroup::quota_cpus;
pub use cgroup::{
    CpuStat, MemoryStat, cpu_max, cpu_stat_v1, cpu_stat_v2, memory_events, memory_stat_v1,
    memory_stat_v2, oom_kills, populated, pressure,
};
pub use proc::{
    cpu_list, cpu_times, load_average, memory_info, online_cpus, process_start, schedstat, uptime,
};

use crate::Error;
use memchr::memchr;
use std::path::Path;

/// Where a file is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line, counted from 1.
    pub line: u32,
    /// What was expected there.
    pub expected: &'static str,
}

/// A parsed value, or the place that could not be parsed.
pub type Parsed<T> = Result<T, Fault>;

/// Longest excerpt of a bad line that is kept.
const EXCERPT: usize = 80;

impl Fault {
    /// The error of this fault in the file that held `text`.
    #[must_use]
    pub fn in_file(self, path: &Path, text: &[u8]) -> Error {
        let index = usize::try_from(self.line.saturating_sub(1)).unwrap_or(usize::MAX);
        let row = text.split(|byte| *byte == b'\n').nth(index).unwrap_or_default();
        let content = String::from_utf8_lossy(&row[..row.len().min(EXCERPT)]).into_owned();
        Error::Malformed {
            path: path.to_owned(),
            line: self.line,
            expected: self.expected,
            content,
        }
    }
}

/// Decimal digits and nothing else; `None` also where the number does not fit.
#[must_use]
pub fn number(text: &[u8]) -> Option<u64> {
    // No number of so many digits is too large.
    const SAFE: usize = 19;
    let (first, rest) = text.split_at(text.len().min(SAFE));
    let mut sum = 0_u64;
    for byte in first {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        sum = sum * 10 + u64::from(digit);
    }
    let sum = rest.iter().try_fold(sum, |sum, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    })?;
    (!text.is_empty()).then_some(sum)
}

/// A file of one number.
///
/// # Errors
/// Anything else in it.
pub fn single(text: &[u8]) -> Parsed<u64> {
    number(text.trim_ascii()).ok_or(Fault { line: 1, expected: "a number" })
}

/// A file of one number or `max`; `max`, −1, and the kernel's largest page count mean no limit.
///
/// # Errors
/// Anything else in it.
pub fn limit(text: &[u8]) -> Parsed<Option<u64>> {
    match text.trim_ascii() {
        b"max" | b"-1" => Ok(None),
        digits => number(digits)
            .map(unless_unlimited)
            .ok_or(Fault { line: 1, expected: "a number or `max`" }),
    }
}

/// v1 has no word for "no limit": it shows the largest number of whole pages that fits a `long`.
fn unless_unlimited(bytes: u64) -> Option<u64> {
    (bytes < 1 << 62).then_some(bytes)
}

/// The lines of a text with their numbers, counted from 1.
fn lines(text: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut rest = text;
    let mut line = 0_u32;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let row = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        line = line.saturating_add(1);
        Some((line, row))
    })
}

/// Values of the given keys in a file of `key value` lines; other keys are skipped.
fn keyed<const N: usize>(text: &[u8], keys: &[&[u8]; N]) -> Parsed<[Option<u64>; N]> {
    keyed_as(text, keys, "a number after the key", |value| number(value.trim_ascii()))
}

/// Like [`keyed`] with a value of any kind. Of two lines with one key the first counts.
fn keyed_as<T: Copy, const N: usize>(
    text: &[u8],
    keys: &[&[u8]; N],
    expected: &'static str,
    parse: impl Fn(&[u8]) -> Option<T>,
) -> Parsed<[Option<T>; N]> {
    let mut values = [None; N];
    let mut missing = N;
    for (line, row) in lines(text) {
        let Some(gap) = memchr(b' ', row) else { continue };
        let Some(index) = keys.iter().position(|key| *key == &row[..gap]) else { continue };
        if values[index].is_none() {
            values[index] = Some(parse(&row[gap + 1..]).ok_or(Fault { line, expected })?);
            missing -= 1;
            if missing == 0 {
                break;
            }
        }
    }
    Ok(values)
}

/// A key that every supported kernel writes.
fn required(value: Option<u64>, expected: &'static str) -> Parsed<u64> {
    value.ok_or(Fault { line: 1, expected })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_is_digits_and_fits() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(number(b"18446744073709551616"), None);
        for bad in [&b""[..], b"-1", b"+1", b" 1", b"1 ", b"1.5", b"0x1", b"\xff"] {
            assert_eq!(number(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn no_limit_has_three_spellings() {
        for none in [&b"max\n"[..], b"-1\n", b"9223372036854771712\n"] {
            assert_eq!(limit(none), Ok(None));
        }
        assert_eq!(limit(b"4096\n"), Ok(Some(4096)));
        assert!(limit(b"").is_err() && limit(b"4096 0\n").is_err() && limit(b"-2\n").is_err());
    }

    #[test]
    fn a_fault_shows_the_line_it_means() {
        let text = b"usage_usec 1\nnr_periods \xff\xfe\n";
        let fault = keyed(text, &[b"nr_periods"]).unwrap_err();
        let shown = fault.in_file(Path::new("/x/cpu.stat"), text).to_string();
        assert!(
            shown.starts_with("/x/cpu.stat, line 2: expected a number after the key"),
            "{shown}"
        );
        assert!(shown.contains("nr_periods"), "{shown}");
    }

    proptest! {
        #[test]
        fn numbers_round_trip(value: u64) {
            prop_assert_eq!(number(value.to_string().as_bytes()), Some(value));
        }

        #[test]
        fn any_bytes_are_a_value_or_a_fault_within_the_text(text: Vec<u8>) {
            let rows = u32::try_from(text.split(|b| *b == b'\n').count()).expect("short text");
            for fault in faults(&text) {
                prop_assert!(fault.line >= 1 && fault.line <= rows, "{fault:?} in {rows} lines");
                prop_assert!(fault.in_file(Path::new("f"), &text).to_string().len() < 1000);
            }
        }

        /// Close to the real grammar: the interesting bytes, so that parsers get past their first check.
        #[test]
        fn nearly_right_text_never_panics(text in "(some |full |total=|cpu |MemTotal: |usage_usec |[0-9]{1,22}|max|kB|[ \n.:=(),/-]){0,60}") {
            let rows = u32::try_from(text.split('\n').count()).expect("short text");
            for fault in faults(text.as_bytes()) {
                prop_assert!(fault.line >= 1 && fault.line <= rows);
            }
        }
    }

    /// Runs every parser over the text and collects what each complains of.
    fn faults(text: &[u8]) -> Vec<Fault> {
        [
            single(text).err(),
            limit(text).err(),
            cpu_stat_v1(text).err(),
            cpu_stat_v2(text).err(),
            memory_stat_v1(text).err(),
            memory_stat_v2(text).err(),
            memory_events(text).err(),
            oom_kills(text).err(),
            populated(text).err(),
            pressure(text).err(),
            cpu_max(text).err(),
            cpu_list(text).err(),
            cpu_times(text).err(),
            online_cpus(text).err(),
            load_average(text).err(),
            memory_info(text).err(),
            process_start(text).err(),
            schedstat(text).err(),
            uptime(text).err(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
