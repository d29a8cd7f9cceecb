// SPDX-License-Identifier: Apache-2.0
//! What every number is where nobody says otherwise; the reasons stand with the fields.

use super::{
    BudgetConfig, CpuConfig, Edges, IoConfig, LevelRule, MemoryConfig, ProbeConfig, QosConfig,
    Standing,
};
use gleaner_estimator::units::Span;

const LEVEL: LevelRule = LevelRule {
    confirm: Span::from_millis(500),
    lasts: Some(Span::from_secs(5)),
    dwell: Span::from_secs(5),
    dwell_max: Span::from_secs(60),
    relapse: Span::from_secs(30),
};

impl Default for CpuConfig {
    fn default() -> Self {
        Self {
            window: Span::from_secs(1),
            burst_window: Span::from_millis(100),
            burst_window_exposed: Span::from_millis(300),
            reference_cpus: 2.0,
            run_wait: Edges { enter: 1.2, leave: 0.75 },
            stall_excess: Edges { enter: 0.20, leave: 0.05 },
            run_wait_burst: Edges { enter: 2.0, leave: 1.2 },
            stall_burst: Edges { enter: 0.8, leave: 0.6 },
            gross: 2.0,
            min_cpu: 0.05,
            best_effort_min: 0.05,
            absent: 0.02,
            steal: 0.05,
            own_quota: 0.05,
            quota_reserve: 0.10,
            quota_least: 0.05,
            level: LEVEL,
        }
    }
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self {
            low: 0.02,
            strained_ahead: Span::from_secs(2),
            critical_ahead: Span::from_secs(1),
            evict_ahead: Span::from_millis(500),
            kill_per_gib: Span::from_millis(80),
            leave_factor: 2.0,
            min_growth: 0.002,
            growth_window: Span::from_secs(1),
            floor: 0.005,
            trend_window: Span::from_secs(30),
            trend: 0.005,
            stall: Edges { enter: 0.01, leave: 0.001 },
            stall_window: Span::from_millis(500),
            major_faults: Edges { enter: 50.0, leave: 10.0 },
            faults_after: Span::from_secs(10),
            ample: 0.10,
            own_limit: 0.97,
            best_effort_min: 0.01,
            cache_settles: Span::from_secs(600),
            grower: 0.0005,
            reclaim: 0.25,
            relief_ahead: Span::from_secs(10),
            level: LevelRule { lasts: None, ..LEVEL },
        }
    }
}

impl Default for IoConfig {
    fn default() -> Self {
        Self {
            window: Span::from_secs(1),
            stall_excess: Edges { enter: 0.20, leave: 0.05 },
            gross: 2.0,
            keep: 0.5,
            suspect: 0.05,
            absent: 0.01,
            level: LEVEL,
        }
    }
}

impl Default for ProbeConfig {
    fn default() -> Self {
        Self {
            length: Span::from_millis(200),
            settle: Span::from_millis(20),
            every: Span::from_secs(10),
            every_max: Span::from_secs(60),
            fall: 0.30,
            proof: Span::from_secs(60),
            suspects: 64,
        }
    }
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self {
            freeze: Span::from_secs(10),
            recur: 3,
            recur_window: Span::from_secs(300),
            starve: Span::from_secs(30),
            rung_wait: Span::from_secs(1),
            undo_wait: Span::from_secs(5),
            evictions: 10,
            evict_window: Span::from_secs(60),
            settle: Span::from_millis(500),
            settle_per_gib: Span::from_millis(100),
            recover: Span::from_millis(700),
            gone_within: Span::from_secs(10),
            retry: Span::from_secs(60),
            report_within: Span::from_secs(2),
            alarm: Span::from_millis(250),
            hold_off: Span::from_secs(30),
            tenant: Span::from_secs(300),
        }
    }
}

impl Default for QosConfig {
    fn default() -> Self {
        Self {
            cpu: CpuConfig::default(),
            memory: MemoryConfig::default(),
            io: IoConfig::default(),
            probe: ProbeConfig::default(),
            budget: BudgetConfig::default(),
            standing: Standing::default(),
            compat: None,
            protected: Vec::new(),
            stale: Span::from_secs(2),
            forget: Span::from_secs(60),
        }
    }
}
