// SPDX-License-Identifier: Apache-2.0
//! The keys of `[qos]`: when lent resource is taken back, and from whom. Reasons and measurements stand in `gleaner_qos::config`.

use super::Config;
use super::key::{Key, key, read};
use super::mistake::Fault;
use super::setting::{Setting, Stored as _, unfit};
use gleaner_estimator::units::{Bytes, MilliCpus, Ratio, Span};
use gleaner_qos::compat::Compat;
use gleaner_qos::config::Standing;
use toml::de::DeValue;

impl Setting for Standing {
    fn form() -> String {
        "one of \"always\", \"on_harm\"".to_owned()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, Fault> {
        match value.as_str() {
            Some("always") => Ok(Self::Always),
            Some("on_harm") => Ok(Self::OnHarm),
            Some(_) | None => Err(unfit::<Self>(value)),
        }
    }
    fn show(&self) -> String {
        match self {
            Self::Always => "\"always\"".to_owned(),
            Self::OnHarm => "\"on_harm\"".to_owned(),
        }
    }
}

/// A key of the thresholds that another controller used; they exist as soon as one of them is written.
macro_rules! compat_key {
    ($path:expr, [$($place:tt)+] : $type:ty = $default:expr, $limits:expr, $meaning:expr) => {
        Key {
            path: $path,
            default: $default,
            limits: $limits,
            meaning: $meaning,
            form: <$type as Setting>::form,
            read: |config, value, limits| {
                let setting = read::<$type>(value, limits)?;
                config.engine.qos.compat.get_or_insert_default().$($place)+ = setting;
                Ok(())
            },
            show: |config| config.engine.qos.compat.unwrap_or_default().$($place)+.show(),
        }
    };
}

/// Thresholds of which none is set are the same as having none.
pub(super) fn forget_idle_compat(config: &mut Config) {
    config.engine.qos.compat = config.engine.qos.compat.filter(|set| *set != Compat::default());
}

/// The keys below `[qos]`.
pub(super) const QOS_KEYS: &[Key<Config>] = &[
    key!("qos.standing", [engine.qos.standing]: Standing = Some("\"always\""), None,
        "When best-effort tasks are put into the lowest CPU class. `always` costs them 5 % of the idle CPU and needs no reaction; `on_harm` is for who cannot have that."),
    key!("qos.protected", [engine.qos.protected]: Vec<String> = Some("[]"), None,
        "Names of best-effort tasks (as `gleaner layout` shows them) that are never corrected; a name covers everything below it."),
    key!("qos.cpu.window", [engine.qos.cpu.window]: Span = Some("\"1s\""), Some(("100ms", "1min")),
        "Length of the judged window. Measured: half a second to a second is the knee."),
    key!("qos.cpu.run_wait_enter", [engine.qos.cpu.run_wait.enter]: f64 = Some("1.2"), Some(("0", "1000")),
        "Harm: run-queue wait per CPU time of a guaranteed task, times the cores that best-effort uses. Measured: 1 % false, 18 % missed."),
    key!("qos.cpu.run_wait_leave", [engine.qos.cpu.run_wait.leave]: f64 = Some("0.5"), Some(("0", "1000")),
        "No harm below this. Judgement."),
    key!("qos.cpu.stall_excess_enter", [engine.qos.cpu.stall_excess.enter]: Ratio = Some("\"20%\""), Some(("0%", "100%")),
        "Harm: stall time above what the task shows by itself. Measured: at most 1 % false, 5 to 11 % missed."),
    key!("qos.cpu.stall_excess_leave", [engine.qos.cpu.stall_excess.leave]: Ratio = Some("\"5%\""), Some(("0%", "100%")),
        "No harm below this. Judgement."),
    key!("qos.cpu.gross", [engine.qos.cpu.gross]: f64 = Some("2.0"), Some(("1", "1000")),
        "Harm this many times over is critical at once. Judgement."),
    key!("qos.cpu.min_cpu", [engine.qos.cpu.min_cpu]: MilliCpus = Some("\"0.05 cores\""), Some(("0 cores", "1000 cores")),
        "CPU a guaranteed task must use before its waiting means anything. Judgement."),
    key!("qos.cpu.best_effort_min", [engine.qos.cpu.best_effort_min]: MilliCpus = Some("\"0.05 cores\""), Some(("0 cores", "1000 cores")),
        "CPU that best-effort must use before it can be the cause. Judgement."),
    key!("qos.cpu.steal", [engine.qos.cpu.steal]: Ratio = Some("\"5%\""), Some(("0%", "100%")),
        "No verdict in a window in which the hypervisor took more. Judgement."),
    key!("qos.cpu.confirm", [engine.qos.cpu.level.confirm]: Span = Some("\"500ms\""), Some(("0s", "1min")),
        "Harm must be seen twice at least this far apart, unless the signal acts at once."),
    key!("qos.cpu.lasts", [engine.qos.cpu.level.lasts]: Option<Span> = Some("\"5s\""), Some(("0s", "1h")),
        "Harm that lasts this long is critical."),
    key!("qos.cpu.dwell", [engine.qos.cpu.level.dwell]: Span = Some("\"5s\""), Some(("0s", "1h")),
        "Quiet that is needed before a step down. Measured: 5 s gave the fewest changes."),
    key!("qos.cpu.dwell_max", [engine.qos.cpu.level.dwell_max]: Span = Some("\"1min\""), Some(("0s", "1d")),
        "What `dwell` grows to when harm keeps coming back. Judgement."),
    key!("qos.cpu.relapse", [engine.qos.cpu.level.relapse]: Span = Some("\"30s\""), Some(("0s", "1h")),
        "Harm within this time of the last return to calm is a relapse: `dwell` doubles. Judgement."),
    key!("qos.memory.low", [engine.qos.memory.low]: Ratio = Some("\"2%\""), Some(("0%", "100%")),
        "Share of the node below which headroom is short. Judgement."),
    key!("qos.memory.strained_ahead", [engine.qos.memory.strained_ahead]: Span = Some("\"2s\""), Some(("0s", "1h")),
        "… or what is lost in this time at the present rate of fall, if more. Judgement."),
    key!("qos.memory.critical_ahead", [engine.qos.memory.critical_ahead]: Span = Some("\"1s\""), Some(("0s", "1h")),
        "Critical below what is lost in this time. Judgement."),
    key!("qos.memory.evict_ahead", [engine.qos.memory.evict_ahead]: Span = Some("\"500ms\""), Some(("0s", "1h")),
        "Evicts below what is lost in this time and the time a kill takes. Judgement."),
    key!("qos.memory.kill_per_gib", [engine.qos.memory.kill_per_gib]: Span = Some("\"80ms\""), Some(("0s", "1min")),
        "Time until the memory of a killed task is back, for each GiB. Measured."),
    key!("qos.memory.leave_factor", [engine.qos.memory.leave_factor]: f64 = Some("2.0"), Some(("1", "1000")),
        "Headroom is enough again at this many times what was short. Judgement."),
    key!("qos.memory.floor", [engine.qos.memory.floor]: Ratio = Some("\"0.5%\""), Some(("0%", "100%")),
        "Share of the node below which a slow fall is as bad as a fast one. Judgement."),
    key!("qos.memory.stall_enter", [engine.qos.memory.stall.enter]: Ratio = Some("\"1%\""), Some(("0%", "100%")),
        "Harm: a guaranteed task's own memory stall time. Measured: 0.0 % without shortage."),
    key!("qos.memory.stall_leave", [engine.qos.memory.stall.leave]: Ratio = Some("\"0.1%\""), Some(("0%", "100%")),
        "No harm below this."),
    key!("qos.memory.major_faults_enter", [engine.qos.memory.major_faults.enter]: f64 = Some("50.0"), Some(("0", "1000000")),
        "Harm: major faults a second of a guaranteed task while best-effort holds memory. Measured."),
    key!("qos.memory.major_faults_leave", [engine.qos.memory.major_faults.leave]: f64 = Some("10.0"), Some(("0", "1000000")),
        "No harm below this."),
    key!("qos.memory.ample", [engine.qos.memory.ample]: Ratio = Some("\"10%\""), Some(("0%", "100%")),
        "With more headroom than this share of the node a stall cannot come from a shortage on it. Judgement."),
    key!("qos.memory.best_effort_min", [engine.qos.memory.best_effort_min]: Ratio = Some("\"1%\""), Some(("0%", "100%")),
        "Share of the node that best-effort must hold before giving it back would help. Judgement."),
    key!("qos.memory.confirm", [engine.qos.memory.level.confirm]: Span = Some("\"500ms\""), Some(("0s", "1min")),
        "Harm must be seen twice at least this far apart, unless the signal acts at once."),
    key!("qos.memory.dwell", [engine.qos.memory.level.dwell]: Span = Some("\"5s\""), Some(("0s", "1h")),
        "Quiet that is needed before a step down. Measured: 5 s gave the fewest changes."),
    key!("qos.memory.dwell_max", [engine.qos.memory.level.dwell_max]: Span = Some("\"1min\""), Some(("0s", "1d")),
        "What `dwell` grows to when harm keeps coming back. Judgement."),
    key!("qos.memory.relapse", [engine.qos.memory.level.relapse]: Span = Some("\"30s\""), Some(("0s", "1h")),
        "Harm within this time of the last return to calm is a relapse: `dwell` doubles. Judgement."),
    key!("qos.io.window", [engine.qos.io.window]: Span = Some("\"1s\""), Some(("100ms", "1min")),
        "Length of the judged window."),
    key!("qos.io.stall_excess_enter", [engine.qos.io.stall_excess.enter]: Ratio = Some("\"20%\""), Some(("0%", "100%")),
        "Harm: IO stall time above what the task shows by itself."),
    key!("qos.io.stall_excess_leave", [engine.qos.io.stall_excess.leave]: Ratio = Some("\"5%\""), Some(("0%", "100%")),
        "No harm below this."),
    key!("qos.io.gross", [engine.qos.io.gross]: f64 = Some("2.0"), Some(("1", "1000")),
        "Harm this many times over is critical at once."),
    key!("qos.io.keep", [engine.qos.io.keep]: Ratio = Some("\"50%\""), Some(("1%", "100%")),
        "Share of its throughput that a limited best-effort task keeps."),
    key!("qos.io.confirm", [engine.qos.io.level.confirm]: Span = Some("\"500ms\""), Some(("0s", "1min")),
        "Harm must be seen twice at least this far apart, unless the signal acts at once."),
    key!("qos.io.lasts", [engine.qos.io.level.lasts]: Option<Span> = Some("\"5s\""), Some(("0s", "1h")),
        "Harm that lasts this long is critical."),
    key!("qos.io.dwell", [engine.qos.io.level.dwell]: Span = Some("\"5s\""), Some(("0s", "1h")),
        "Quiet that is needed before a step down. Measured: 5 s gave the fewest changes."),
    key!("qos.io.dwell_max", [engine.qos.io.level.dwell_max]: Span = Some("\"1min\""), Some(("0s", "1d")),
        "What `dwell` grows to when harm keeps coming back. Judgement."),
    key!("qos.io.relapse", [engine.qos.io.level.relapse]: Span = Some("\"30s\""), Some(("0s", "1h")),
        "Harm within this time of the last return to calm is a relapse: `dwell` doubles. Judgement."),
    key!("qos.probe.length", [engine.qos.probe.length]: Span = Some("\"200ms\""), Some(("50ms", "2s")),
        "How long the suspects are frozen. Measured: 200 ms separates the cases."),
    key!("qos.probe.every", [engine.qos.probe.every]: Span = Some("\"10s\""), Some(("1s", "1d")),
        "Least time between two probes; at 10 s they cost best-effort 2 %."),
    key!("qos.probe.every_max", [engine.qos.probe.every_max]: Span = Some("\"1min\""), Some(("1s", "1d")),
        "What `every` grows to while probes say that best-effort is not the cause. Judgement."),
    key!("qos.probe.fall", [engine.qos.probe.fall]: Ratio = Some("\"30%\""), Some(("0%", "100%")),
        "Fall of the wait per CPU above which best-effort is the cause. Judgement; 10 to 60 % separated the measured cases."),
    key!("qos.probe.proof", [engine.qos.probe.proof]: Span = Some("\"1min\""), Some(("0s", "1d")),
        "How long a proof stands. Judgement."),
    key!("qos.probe.suspects", [engine.qos.probe.suspects]: usize = Some("64"), Some(("1", "10000")),
        "Most tasks frozen for one probe."),
    key!("qos.budget.freeze", [engine.qos.budget.freeze]: Span = Some("\"10s\""), Some(("100ms", "10min")),
        "Longest freeze: heartbeats and locks of the frozen wait with it. Judgement."),
    key!("qos.budget.recur", [engine.qos.budget.recur]: u32 = Some("3"), Some(("1", "1000")),
        "Harm that needed this many freezes within `recur_window` is answered by eviction. Judgement."),
    key!("qos.budget.recur_window", [engine.qos.budget.recur_window]: Span = Some("\"5min\""), Some(("1s", "1d")),
        "See `recur`."),
    key!("qos.budget.starve", [engine.qos.budget.starve]: Span = Some("\"30s\""), Some(("100ms", "1d")),
        "A task frozen for longer than this within `recur_window` is evicted instead of frozen again. Judgement."),
    key!("qos.budget.evictions", [engine.qos.budget.evictions]: u32 = Some("10"), Some(("0", "1000")),
        "Most evictions within `evict_window`: stops a runaway controller. Judgement."),
    key!("qos.budget.evict_window", [engine.qos.budget.evict_window]: Span = Some("\"1min\""), Some(("1s", "1d")),
        "See `evictions`."),
    key!("qos.budget.settle", [engine.qos.budget.settle]: Span = Some("\"500ms\""), Some(("0s", "10min")),
        "Wait after a victim is gone before the next is chosen. Measured."),
    key!("qos.budget.settle_per_gib", [engine.qos.budget.settle_per_gib]: Span = Some("\"100ms\""), Some(("0s", "1min")),
        "… and this for each GiB it held. Measured."),
    key!("qos.budget.gone_within", [engine.qos.budget.gone_within]: Span = Some("\"10s\""), Some(("100ms", "1h")),
        "A victim that is not gone by then has ignored its eviction: it is decided again. Judgement."),
    key!("qos.budget.hold_off", [engine.qos.budget.hold_off]: Span = Some("\"30s\""), Some(("0s", "1d")),
        "After a correction the resource lends nothing for this long. Judgement."),
    key!("qos.budget.tenant", [engine.qos.budget.tenant]: Span = Some("\"5min\""), Some(("0s", "1d")),
        "An owner who was hit within this time is spared while another could be hit. Judgement."),
    compat_key!("qos.compat.offer_load_1min", [offer.load_1]: Option<f64> = Some("\"none\""), Some(("0", "1000000")),
        "While the node's load average over 1 min, and every shorter one, is at least this, nothing is offered."),
    compat_key!("qos.compat.offer_load_5min", [offer.load_5]: Option<f64> = Some("\"none\""), Some(("0", "1000000")),
        "While the node's load average over 5 min, and every shorter one, is at least this, nothing is offered."),
    compat_key!("qos.compat.offer_load_15min", [offer.load_15]: Option<f64> = Some("\"none\""), Some(("0", "1000000")),
        "While the node's load average over 15 min, and every shorter one, is at least this, nothing is offered."),
    compat_key!("qos.compat.offer_memory_used", [offer.memory]: Option<Bytes> = Some("\"none\""), None,
        "While this much of the node's memory is in use (MemTotal − MemAvailable), nothing is offered."),
    compat_key!("qos.compat.evict_load_1min", [evict.load_1]: Option<f64> = Some("\"none\""), Some(("0", "1000000")),
        "While the node's load average over 1 min, and every shorter one, is at least this, one task is evicted."),
    compat_key!("qos.compat.evict_load_5min", [evict.load_5]: Option<f64> = Some("\"none\""), Some(("0", "1000000")),
        "While the node's load average over 5 min, and every shorter one, is at least this, one task is evicted."),
    compat_key!("qos.compat.evict_load_15min", [evict.load_15]: Option<f64> = Some("\"none\""), Some(("0", "1000000")),
        "While the node's load average over 15 min, and every shorter one, is at least this, one task is evicted."),
    compat_key!("qos.compat.evict_memory_used", [evict.memory]: Option<Bytes> = Some("\"none\""), None,
        "While this much of the node's memory is in use (MemTotal − MemAvailable), one task is evicted."),
    compat_key!("qos.compat.wait", [wait]: Span = Some("\"1min\""), Some(("0s", "1d")),
        "Wait after an eviction for load: load averages lag by minutes. Judgement."),
];
