// SPDX-License-Identifier: Apache-2.0
//! What the caller passes in: options with parameters, and the table of tasks.

/// One `key = value`, both UTF-8 text. Where a key comes twice the last counts.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The key.
    pub key: *const u8,
    /// Its length in bytes.
    pub key_len: usize,
    /// The value; may be NULL with length 0.
    pub value: *const u8,
    /// Its length in bytes.
    pub value_len: usize,
}

/// How to open.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// sizeof(gleaner_options).
    pub size: usize,
    /// GLEANER_ABI_VERSION, as the caller was built with it.
    pub abi_version: u32,
    /// GLEANER_ROLE_*.
    pub role: u32,
    /// GLEANER_DIALECT_*.
    pub dialect: u32,
    /// 0.
    pub reserved: u32,
    /// The parameters; may be NULL where there are none.
    pub parameters: *const Parameter,
    /// How many.
    pub parameter_count: usize,
    /// sizeof(gleaner_parameter).
    pub parameter_size: usize,
}

/// `cpu_allocated_millis` is known.
pub const GLEANER_KNOWS_CPU_ALLOCATED: u32 = 1;
/// `memory_allocated_bytes` is known.
pub const GLEANER_KNOWS_MEMORY_ALLOCATED: u32 = 1 << 1;
/// `cpu_usage_usec` is known.
pub const GLEANER_KNOWS_CPU_USAGE: u32 = 1 << 2;
/// `throttled_usec` is known.
pub const GLEANER_KNOWS_THROTTLED: u32 = 1 << 3;
/// `periods` and `throttled_periods` are known.
pub const GLEANER_KNOWS_PERIODS: u32 = 1 << 4;
/// `memory_usage_bytes` is known.
pub const GLEANER_KNOWS_MEMORY_USAGE: u32 = 1 << 5;
/// `memory_rss_bytes` is known.
pub const GLEANER_KNOWS_MEMORY_RSS: u32 = 1 << 6;
/// `memory_limit_bytes` is known.
pub const GLEANER_KNOWS_MEMORY_LIMIT: u32 = 1 << 7;
/// `processes` is known.
pub const GLEANER_KNOWS_PROCESSES: u32 = 1 << 8;

/// One task, in any order. What is not known has its bit in `known` unset, and 0 as value.
///
/// Counters are cumulative. They are used only for tasks whose cgroup cannot be found.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// The container's id: any bytes, at least one, unique in the table.
    pub id: *const u8,
    /// Its length in bytes.
    pub id_len: usize,
    /// The owner (framework id), so that one owner is not hit twice while another could be; may be NULL.
    pub tenant: *const u8,
    /// Its length in bytes.
    pub tenant_len: usize,
    /// GLEANER_CLASS_*. Best effort is who holds anything revocable.
    pub class_: u32,
    /// GLEANER_KNOWS_*, of the fields below.
    pub known: u32,
    /// Higher is more important; best-effort tasks of the lowest go first. 0 where there are none.
    pub priority: i32,
    /// 0.
    pub reserved: u32,
    /// CPU it was given, in thousandths; of a best-effort task only the revocable part.
    pub cpu_allocated_millis: u64,
    /// Memory it was given; of a best-effort task only the revocable part.
    pub memory_allocated_bytes: u64,
    /// CPU time used, user and system, microseconds.
    pub cpu_usage_usec: u64,
    /// Time throttled by its own quota, microseconds.
    pub throttled_usec: u64,
    /// Enforcement periods that have passed.
    pub periods: u64,
    /// Enforcement periods in which it was throttled.
    pub throttled_periods: u64,
    /// All memory charged to it, page cache included (mem_total_bytes).
    pub memory_usage_bytes: u64,
    /// Memory that cannot be dropped (mem_rss_bytes).
    pub memory_rss_bytes: u64,
    /// Memory limit in force.
    pub memory_limit_bytes: u64,
    /// Processes.
    pub processes: u64,
}
