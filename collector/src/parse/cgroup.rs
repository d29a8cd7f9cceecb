// SPDX-License-Identifier: Apache-2.0
//! The files of one cgroup, both versions.

use super::{Fault, Parsed, keyed, lines, number, required, unless_unlimited};
use gleaner_estimator::sample::{MemoryEvents, Psi};
use gleaner_estimator::units::{Bytes, MilliCpus};
use memchr::memmem;

/// `cpu.stat`. What the file does not have is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuStat {
    /// CPU time used, microseconds (v2 only).
    pub usage_usec: Option<u64>,
    /// Enforcement periods.
    pub periods: Option<u64>,
    /// Periods in which it was throttled.
    pub throttled_periods: Option<u64>,
    /// Time throttled, microseconds.
    pub throttled_usec: Option<u64>,
}

/// v1 `cpu.stat`: throttling only, in nanoseconds.
///
/// # Errors
/// A bad number, or no `nr_periods`.
pub fn cpu_stat_v1(text: &[u8]) -> Parsed<CpuStat> {
    let [periods, throttled, time] =
        keyed(text, &[b"nr_periods", b"nr_throttled", b"throttled_time"])?;
    Ok(CpuStat {
        usage_usec: None,
        periods: Some(required(periods, "a line `nr_periods`")?),
        throttled_periods: throttled,
        throttled_usec: time.map(|ns| ns / 1000),
    })
}

/// v2 `cpu.stat`. Without the cpu controller it has the usage but no throttling.
///
/// # Errors
/// A bad number, or no `usage_usec`.
pub fn cpu_stat_v2(text: &[u8]) -> Parsed<CpuStat> {
    let [usage, periods, throttled, time] =
        keyed(text, &[b"usage_usec", b"nr_periods", b"nr_throttled", b"throttled_usec"])?;
    Ok(CpuStat {
        usage_usec: Some(required(usage, "a line `usage_usec`")?),
        periods,
        throttled_periods: throttled,
        throttled_usec: time,
    })
}

/// What `memory.stat` says that we use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryStat {
    /// Memory that cannot be dropped.
    pub working_set: Bytes,
    /// Page cache that could be dropped.
    pub file_cache: Bytes,
    /// Major page faults since the cgroup was made.
    pub major_faults: Option<u64>,
    /// The tightest limit of the cgroup and its ancestors (v1 only; `None` on v2 and where unlimited).
    pub limit: Option<Bytes>,
}

/// v1 `memory.stat`, the `total_` lines: this cgroup and all below it.
///
/// `working_set = total_inactive_anon + total_active_anon + total_unevictable`. The anon lists hold
/// anonymous *and* shmem pages, and a locked page is on the unevictable list instead, never on both:
/// so nothing is counted twice, as it would be in `rss + shmem + unevictable`. Kernel memory is left
/// out: v1 does not say which part of it could be dropped.
/// `file_cache = total_inactive_file + total_active_file`: without shmem and locked pages.
///
/// # Errors
/// A bad number, or one of the list sizes missing.
pub fn memory_stat_v1(text: &[u8]) -> Parsed<MemoryStat> {
    // This cgroup's own lines come first, as long again, and are not wanted.
    let skipped = memmem::find(text, b"hierarchical_memory_limit").unwrap_or(0);
    let (own, total) = text.split_at(skipped);
    let [limit, faults, inactive_anon, active_anon, inactive_file, active_file, unevictable] =
        keyed(
            total,
            &[
                b"hierarchical_memory_limit",
                b"total_pgmajfault",
                b"total_inactive_anon",
                b"total_active_anon",
                b"total_inactive_file",
                b"total_active_file",
                b"total_unevictable",
            ],
        )
        .map_err(|fault| Fault { line: fault.line.saturating_add(newlines(own)), ..fault })?;
    let anon =
        lists(inactive_anon, active_anon, "lines `total_inactive_anon`, `total_active_anon`")?;
    let file =
        lists(inactive_file, active_file, "lines `total_inactive_file`, `total_active_file`")?;
    Ok(MemoryStat {
        working_set: anon + Bytes(required(unevictable, "a line `total_unevictable`")?),
        file_cache: file,
        major_faults: faults,
        limit: limit.and_then(unless_unlimited).map(Bytes),
    })
}

/// v2 `memory.stat`.
///
/// `working_set = inactive_anon + active_anon + unevictable + sock + kernel − slab_reclaimable`,
/// with `kernel = slab_reclaimable + slab_unreclaimable + kernel_stack + pagetables + percpu` before
/// Linux 5.18, which has no `kernel` line. The lists are disjoint, see [`memory_stat_v1`].
/// `file_cache = inactive_file + active_file`.
///
/// # Errors
/// A bad number, or one of the list sizes missing.
pub fn memory_stat_v2(text: &[u8]) -> Parsed<MemoryStat> {
    let [inactive_anon, active_anon, unevictable, inactive_file, active_file, faults] = keyed(
        text,
        &[
            b"inactive_anon",
            b"active_anon",
            b"unevictable",
            b"inactive_file",
            b"active_file",
            b"pgmajfault",
        ],
    )?;
    let anon = lists(inactive_anon, active_anon, "lines `inactive_anon`, `active_anon`")?;
    let file = lists(inactive_file, active_file, "lines `inactive_file`, `active_file`")?;
    let locked = Bytes(required(unevictable, "a line `unevictable`")?);
    Ok(MemoryStat {
        working_set: anon + locked + unreclaimable_kernel(text)?,
        file_cache: file,
        major_faults: faults,
        limit: None,
    })
}

fn newlines(text: &[u8]) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', text).count()).unwrap_or(u32::MAX)
}

fn lists(inactive: Option<u64>, active: Option<u64>, expected: &'static str) -> Parsed<Bytes> {
    Ok(Bytes(required(inactive, expected)?) + Bytes(required(active, expected)?))
}

fn unreclaimable_kernel(text: &[u8]) -> Parsed<Bytes> {
    let [kernel, droppable, slab, stack, tables, percpu, sock] = keyed(
        text,
        &[
            b"kernel",
            b"slab_reclaimable",
            b"slab_unreclaimable",
            b"kernel_stack",
            b"pagetables",
            b"percpu",
            b"sock",
        ],
    )?;
    let parts = || [slab, stack, tables, percpu].into_iter().flatten().map(Bytes).sum();
    let held = kernel.map_or_else(parts, |all| Bytes(all.saturating_sub(droppable.unwrap_or(0))));
    Ok(held + Bytes(sock.unwrap_or(0)))
}

/// v2 `memory.events`.
///
/// # Errors
/// A bad number, or one of the keys missing (`oom_kill` since Linux 4.13).
pub fn memory_events(text: &[u8]) -> Parsed<MemoryEvents> {
    let [high, max, oom, oom_kill] = keyed(text, &[b"high", b"max", b"oom", b"oom_kill"])?;
    Ok(MemoryEvents {
        high: required(high, "a line `high`")?,
        max: required(max, "a line `max`")?,
        oom: required(oom, "a line `oom`")?,
        oom_kill: required(oom_kill, "a line `oom_kill`")?,
    })
}

/// `oom_kill` of v1 `memory.oom_control`; `None` before Linux 4.13.
///
/// # Errors
/// A bad number, or no `under_oom`, which every kernel writes.
pub fn oom_kills(text: &[u8]) -> Parsed<Option<u64>> {
    let [under, kills] = keyed(text, &[b"under_oom", b"oom_kill"])?;
    required(under, "a line `under_oom`")?;
    Ok(kills)
}

/// `populated` of `cgroup.events`: whether any process lives in it or below.
///
/// # Errors
/// No such line, or a bad number.
pub fn populated(text: &[u8]) -> Parsed<bool> {
    let [populated] = keyed(text, &[b"populated"])?;
    Ok(required(populated, "a line `populated`")? != 0)
}

/// `*.pressure` and `/proc/pressure/*`: the `total` of both lines.
///
/// # Errors
/// No `some` line, or a total that is not a number.
pub fn pressure(text: &[u8]) -> Parsed<Psi> {
    const EXPECTED: &str = "`some … total=` in microseconds";
    let (mut some, mut full) = (None, None);
    for (line, row) in lines(text) {
        let slot = match row {
            [b's', b'o', b'm', b'e', b' ', ..] => &mut some,
            [b'f', b'u', b'l', b'l', b' ', ..] => &mut full,
            _ => continue,
        };
        let total = memmem::find(row, b"total=").and_then(|at| number(row[at + 6..].trim_ascii()));
        *slot = Some(total.ok_or(Fault { line, expected: EXPECTED })?);
    }
    Ok(Psi { some_usec: required(some, EXPECTED)?, full_usec: full })
}

/// v2 `cpu.max` (`max 100000`, `50000 100000`) as CPU; `None` where unlimited.
///
/// # Errors
/// Anything else in it, or a period of 0.
pub fn cpu_max(text: &[u8]) -> Parsed<Option<MilliCpus>> {
    let fault = Fault { line: 1, expected: "`max` or a quota, then a period, in microseconds" };
    let mut words = text.trim_ascii().split(|byte| *byte == b' ');
    let (quota, period) = (words.next().unwrap_or_default(), words.next().and_then(number));
    let period = period.filter(|usec| *usec > 0).ok_or(fault)?;
    match quota {
        b"max" => Ok(None),
        digits => Ok(Some(quota_cpus(number(digits).ok_or(fault)?, period))),
    }
}

/// A quota per period as CPU, rounded to the nearest thousandth of a core.
pub(crate) fn quota_cpus(quota_usec: u64, period_usec: u64) -> MilliCpus {
    let milli = (u128::from(quota_usec) * 1000 + u128::from(period_usec / 2))
        .checked_div(u128::from(period_usec))
        .unwrap_or_default();
    MilliCpus(u64::try_from(milli).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttling_is_in_microseconds_on_both_versions() {
        let v1 = cpu_stat_v1(b"nr_periods 10\nnr_throttled 4\nthrottled_time 5000000\n").unwrap();
        let v2 = cpu_stat_v2(
            b"usage_usec 7\nuser_usec 3\nnr_periods 10\nnr_throttled 4\nthrottled_usec 5000\n",
        )
        .unwrap();
        assert_eq!((v1.throttled_usec, v1.usage_usec), (Some(5000), None));
        assert_eq!(v2, CpuStat { usage_usec: Some(7), ..v1 });
        assert_eq!(cpu_stat_v2(b"usage_usec 7\n").unwrap().periods, None);
    }

    #[test]
    fn v1_counts_each_resident_page_once() {
        // 3 pages anon of which one is locked, 1 page shmem, 2 pages file of which one is locked.
        let text = b"cache 12288\nrss 12288\nshmem 4096\n\
            hierarchical_memory_limit 65536\ntotal_cache 12288\ntotal_rss 12288\n\
            total_shmem 4096\ntotal_pgmajfault 9\n\
            total_inactive_anon 8192\ntotal_active_anon 4096\ntotal_inactive_file 4096\n\
            total_active_file 0\ntotal_unevictable 8192\n";
        let stat = memory_stat_v1(text).unwrap();
        assert_eq!(stat.working_set, Bytes(5 * 4096));
        assert_eq!(stat.file_cache, Bytes(4096));
        assert_eq!((stat.major_faults, stat.limit), (Some(9), Some(Bytes(65536))));
        let bad =
            memory_stat_v1(b"cache 1\nrss 1\nhierarchical_memory_limit 5\ntotal_pgmajfault x\n");
        assert_eq!(bad.unwrap_err().line, 4);
    }

    #[test]
    fn v2_leaves_out_slab_that_can_be_dropped() {
        let lists = "inactive_anon 10\nactive_anon 20\nunevictable 5\ninactive_file 7\n\
            active_file 8\npgmajfault 3\nslab_reclaimable 1000\nslab_unreclaimable 100\n\
            kernel_stack 10\npagetables 20\npercpu 30\nsock 40\n";
        let old = memory_stat_v2(lists.as_bytes()).unwrap();
        let new = memory_stat_v2(format!("{lists}kernel 1175\n").as_bytes()).unwrap();
        assert_eq!(old.working_set, Bytes(35 + 100 + 10 + 20 + 30 + 40));
        assert_eq!(new.working_set, Bytes(35 + 175 + 40));
        assert_eq!(new.file_cache, Bytes(15));
    }

    #[test]
    fn pressure_without_a_full_line_is_old_cpu_pressure() {
        let some = b"some avg10=0.00 avg60=0.12 avg300=0.00 total=123\n";
        assert_eq!(pressure(some).unwrap(), Psi { some_usec: 123, full_usec: None });
        let both = [&some[..], b"full avg10=0.00 avg60=0.00 avg300=0.00 total=45\n"].concat();
        assert_eq!(pressure(&both).unwrap().full_usec, Some(45));
        assert_eq!(pressure(b"some avg10=0.00\n").unwrap_err().line, 1);
        assert!(pressure(b"").is_err());
    }

    #[test]
    fn quotas_become_cpus() {
        assert_eq!(cpu_max(b"max 100000\n"), Ok(None));
        assert_eq!(cpu_max(b"50000 100000\n"), Ok(Some(MilliCpus(500))));
        assert!(cpu_max(b"50000 0\n").is_err() && cpu_max(b"50000\n").is_err());
        assert_eq!(quota_cpus(u64::MAX, 1), MilliCpus(u64::MAX));
        assert_eq!(quota_cpus(1, 0), MilliCpus(0));
    }
}
