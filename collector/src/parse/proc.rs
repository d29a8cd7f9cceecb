// SPDX-License-Identifier: Apache-2.0
//! The files of `/proc` that are read: stat, meminfo, loadavg, uptime, and of a process its stat and schedstat.

use super::{Fault, Parsed, keyed_as, lines, number};
use gleaner_estimator::sample::{CpuTimes, LoadAverage, MemoryInfo};
use gleaner_estimator::units::{Bytes, Span};

/// Length of a tick of `/proc/stat` and `/proc/<pid>/stat`, microseconds: `USER_HZ` is 100 on every
/// architecture that Rust's standard library supports on Linux.
const TICK_USEC: u64 = 10_000;

/// The first line of `/proc/stat`: all CPUs together.
///
/// # Errors
/// Another first line, fewer than eight numbers (Linux before 2.6.11), or a sum that does not fit.
pub fn cpu_times(text: &[u8]) -> Parsed<CpuTimes> {
    let fault = Fault { line: 1, expected: "`cpu ` and at least eight numbers of ticks" };
    let (_, row) = lines(text).next().ok_or(fault)?;
    let mut ticks = [0_u64; 8];
    let mut words = row.strip_prefix(b"cpu ").ok_or(fault)?.trim_ascii().split(|b| *b == b' ');
    for tick in &mut ticks {
        *tick = words.next().and_then(number).ok_or(fault)?;
    }
    let [user, nice, system, idle, iowait, irq, softirq, steal] = ticks;
    let usec = |parts: &[u64]| {
        parts
            .iter()
            .try_fold(0_u64, |sum, part| sum.checked_add(*part))
            .and_then(|sum| sum.checked_mul(TICK_USEC))
            .ok_or(fault)
    };
    Ok(CpuTimes {
        busy_usec: usec(&[user, nice, system, irq, softirq])?,
        idle_usec: usec(&[idle, iowait])?,
        steal_usec: usec(&[steal])?,
    })
}

/// Number of CPUs that `/proc/stat` lists: those online.
///
/// # Errors
/// None listed.
pub fn online_cpus(text: &[u8]) -> Parsed<u64> {
    let cpus = lines(text)
        .filter(|(_, row)| row.starts_with(b"cpu") && row.get(3).is_some_and(u8::is_ascii_digit));
    match u64::try_from(cpus.count()).unwrap_or(u64::MAX) {
        0 => Err(Fault { line: 1, expected: "lines `cpu0`, `cpu1`, …" }),
        count => Ok(count),
    }
}

/// Number of CPUs in a list such as `0-3,8,10-11`.
///
/// # Errors
/// Anything else, an empty list, or a range that runs backwards.
pub fn cpu_list(text: &[u8]) -> Parsed<u64> {
    let fault = Fault { line: 1, expected: "a list of CPUs such as `0-3,8`" };
    text.trim_ascii().split(|byte| *byte == b',').try_fold(0_u64, |count, range| {
        let mut ends = range.split(|byte| *byte == b'-').map(number);
        let first = ends.next().flatten().ok_or(fault)?;
        let last = ends.next().unwrap_or(Some(first)).ok_or(fault)?;
        let length = last.checked_sub(first).and_then(|gap| gap.checked_add(1)).ok_or(fault)?;
        if ends.next().is_some() {
            return Err(fault);
        }
        count.checked_add(length).ok_or(fault)
    })
}

/// `/proc/meminfo`, in kB there.
///
/// # Errors
/// MemTotal or MemFree missing, or a bad number. No swap lines mean no swap.
pub fn memory_info(text: &[u8]) -> Parsed<MemoryInfo> {
    let [total, free, available, swap_total, swap_free] = keyed_as(
        text,
        &[b"MemTotal:", b"MemFree:", b"MemAvailable:", b"SwapTotal:", b"SwapFree:"],
        "a number of kB",
        |value| number(value.strip_suffix(b" kB")?.trim_ascii())?.checked_mul(1024).map(Bytes),
    )?;
    Ok(MemoryInfo {
        total: total.ok_or(Fault { line: 1, expected: "a line `MemTotal:`" })?,
        available,
        free: free.ok_or(Fault { line: 1, expected: "a line `MemFree:`" })?,
        swap_total: swap_total.unwrap_or_default(),
        swap_free: swap_free.unwrap_or_default(),
    })
}

/// `/proc/loadavg`.
///
/// # Errors
/// Fewer than three numbers with a fraction.
pub fn load_average(text: &[u8]) -> Parsed<LoadAverage> {
    let fault = Fault { line: 1, expected: "three load averages such as `0.42`" };
    let mut words = text.split(|byte| *byte == b' ');
    let mut next = || words.next().and_then(|word| decimal(word, 3)).ok_or(fault);
    Ok(LoadAverage { one_milli: next()?, five_milli: next()?, fifteen_milli: next()? })
}

/// `/proc/uptime`: time since boot, time asleep included.
///
/// # Errors
/// No number at its beginning.
pub fn uptime(text: &[u8]) -> Parsed<Span> {
    let word = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    decimal(word.trim_ascii(), 9)
        .map(Span)
        .ok_or(Fault { line: 1, expected: "seconds since boot such as `1253.13`" })
}

/// `12.34` with `places` decimals kept → the integer of that many decimals.
fn decimal(word: &[u8], places: u32) -> Option<u64> {
    let mut parts = word.splitn(2, |byte| *byte == b'.');
    let whole = number(parts.next()?)?.checked_mul(10_u64.pow(places))?;
    let fraction = parts.next()?;
    let kept = &fraction[..fraction.len().min(usize::try_from(places).ok()?)];
    let missing = places.checked_sub(u32::try_from(kept.len()).ok()?)?;
    whole.checked_add(number(kept)?.checked_mul(10_u64.pow(missing))?)
}

/// When a process started, since boot with time asleep: field 22 of `/proc/<pid>/stat`.
///
/// The command, field 2, is in parentheses and may hold any byte, so fields are counted from its end.
///
/// # Errors
/// No such field.
pub fn process_start(text: &[u8]) -> Parsed<Span> {
    let fault = Fault { line: 1, expected: "a start time as field 22" };
    let end = memchr::memrchr(b')', text).ok_or(fault)?;
    let field = text[end + 1..].trim_ascii().split(|byte| *byte == b' ').nth(22 - 3);
    let ticks = field.and_then(number).ok_or(fault)?;
    ticks.checked_mul(TICK_USEC * 1000).map(Span).ok_or(fault)
}

/// `/proc/<tid>/schedstat`: CPU time and run-queue wait of one thread, both in nanoseconds; `None`
/// where the kernel does not account for them (it then writes zeros, which no thread that ever ran has).
///
/// # Errors
/// Fewer than two numbers.
pub fn schedstat(text: &[u8]) -> Parsed<Option<(u64, u64)>> {
    let fault = Fault { line: 1, expected: "CPU time and run-queue wait in nanoseconds" };
    let mut words = text.trim_ascii().split(|byte| *byte == b' ');
    let run = words.next().and_then(number).ok_or(fault)?;
    let wait = words.next().and_then(number).ok_or(fault)?;
    Ok((run > 0).then_some((run, wait)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_all_cpus_are_summed_by_kind() {
        let text = b"cpu  100 10 50 800 20 3 4 7 60 0\ncpu0 1 1 1 1 1 1 1 1 0 0\nintr 1 0\n";
        let times = cpu_times(text).unwrap();
        assert_eq!(times.busy_usec, 167 * TICK_USEC);
        assert_eq!(times.idle_usec, 820 * TICK_USEC);
        assert_eq!(times.steal_usec, 7 * TICK_USEC);
        assert_eq!(online_cpus(text), Ok(1));
        assert!(cpu_times(b"cpu  1 2 3 4\n").is_err());
        assert!(cpu_times(b"cpu0 1 2 3 4 5 6 7 8\n").is_err());
        let huge = format!("cpu  {0} {0} 0 0 0 0 0 0\n", u64::MAX);
        assert!(cpu_times(huge.as_bytes()).is_err());
    }

    #[test]
    fn cpu_lists_count_cpus() {
        assert_eq!(cpu_list(b"0-3,8,10-11\n"), Ok(7));
        assert_eq!(cpu_list(b"0\n"), Ok(1));
        for bad in [&b""[..], b"\n", b"3-1\n", b"0-\n", b"0-1-2\n", b"a\n", b"0,\n"] {
            assert!(cpu_list(bad).is_err(), "{bad:?}");
        }
        assert!(cpu_list(format!("0-{}", u64::MAX).as_bytes()).is_err());
    }

    #[test]
    fn meminfo_is_in_bytes_and_swap_may_be_absent() {
        let info =
            memory_info(b"MemTotal:  100 kB\nMemFree:  40 kB\nMemAvailable: 60 kB\n").unwrap();
        assert_eq!(info.total, Bytes(102_400));
        assert_eq!(info.available, Some(Bytes(61_440)));
        assert_eq!(info.swap_total, Bytes(0));
        assert!(memory_info(b"MemFree: 40 kB\n").is_err());
        assert!(memory_info(b"MemTotal: 100\nMemFree: 40 kB\n").is_err());
    }

    #[test]
    fn decimals_keep_their_places() {
        let load = load_average(b"0.05 12.40 100.123456 1/200 999\n").unwrap();
        assert_eq!((load.one_milli, load.five_milli, load.fifteen_milli), (50, 12_400, 100_123));
        assert_eq!(uptime(b"1253.13 2158.84\n"), Ok(Span(1_253_130_000_000)));
        assert!(uptime(b"-1.0 2\n").is_err());
    }

    #[test]
    fn a_command_may_look_like_fields() {
        let text = b"42 (a) R 1 (b) S 1 1 1 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 777 1000 2\n";
        assert_eq!(process_start(text), Ok(Span(777 * 10_000_000)));
        assert!(process_start(b"42 (a) S 1\n").is_err());
    }

    #[test]
    fn a_thread_that_never_ran_says_nothing() {
        assert_eq!(schedstat(b"93520 78217 2\n"), Ok(Some((93_520, 78_217))));
        assert_eq!(schedstat(b"0 0 0\n"), Ok(None));
        assert!(schedstat(b"93520\n").is_err());
    }
}
