// SPDX-License-Identifier: Apache-2.0
//! The safety invariants over random readings, random hosts, missing numbers, resets and clock jumps.

mod chaos;

use chaos::{World, steps};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Class, TaskId};
use gleaner_estimator::units::{Span, Timestamp};
use gleaner_qos::capability::Actuator;
use gleaner_qos::config::QosConfig;
use gleaner_qos::verdict::{Action, Correction, Mode};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Each case is a run of up to 120 readings, so a quarter of the usual number; PROPTEST_CASES scales it.
fn runs() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases / 4, failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(runs())]

    /// 1: who is not best-effort in the sample being judged is never named.
    #[test]
    fn only_best_effort_of_the_judged_sample_is_ever_corrected(steps in steps()) {
        let mut world = World::new(QosConfig::default());
        for step in &steps {
            let Some(tick) = world.step(step) else { continue };
            for c in &tick.verdict.corrections {
                let found = tick.sample.tasks.iter().find(|t| t.task.id == *c.task());
                prop_assert_eq!(found.map(|t| t.task.class), Some(Class::BestEffort));
            }
            for c in &tick.verdict.candidates {
                prop_assert_eq!(tick.sample.tasks[c.index].task.class, Class::BestEffort);
            }
        }
    }

    /// 2: after a failed reading, and with nothing readable, nobody is frozen or evicted.
    #[test]
    fn missing_readings_and_gaps_take_nothing_from_anybody(steps in steps()) {
        let mut world = World::new(QosConfig::default());
        for step in &steps {
            world.step(step);
        }
        world.controller.gap();
        world.blind = true;
        for step in &steps {
            let Some(tick) = world.step(step) else { continue };
            let harsh = tick.verdict.corrections.iter().find(|c| {
                !c.action().releases() && c.action() != Action::StandingClass && c.action() != Action::IoWeight
            });
            prop_assert!(harsh.is_none(), "{:?}", harsh);
            let calm = Resource::ALL.iter().find(|r| tick.assessment.gate(**r).is_none());
            prop_assert!(calm.is_none(), "{:?} is lent while nothing can be known", calm);
        }
    }

    /// 3: promises are estimates of need: whatever they are, without measured harm nobody is corrected.
    #[test]
    fn without_measured_harm_no_promise_and_no_demand_is_a_reason(steps in steps(), cpu in 0_u64..1_000_000, share in 0_u32..100) {
        let mut world = World::new(QosConfig::default());
        world.unharmed = true;
        world.promise(cpu, share);
        for step in &steps {
            let Some(tick) = world.step(step) else { continue };
            for c in &tick.verdict.corrections {
                prop_assert!(
                    c.action().releases() || matches!(c.action(), Action::StandingClass | Action::IoWeight),
                    "{:?}", c
                );
            }
        }
    }

    /// 4: identity is name and inode: what was asked of one task is never undone on, or counted for, another.
    #[test]
    fn what_is_undone_was_done_to_the_same_task(steps in steps()) {
        let mut world = World::new(QosConfig::default());
        let mut done: BTreeMap<(TaskId, Actuator), u32> = BTreeMap::new();
        for step in &steps {
            let Some(tick) = world.step(step) else { continue };
            for c in &tick.verdict.corrections {
                let key = (c.task().clone(), c.action().actuator());
                if c.action().releases() {
                    prop_assert!(done.contains_key(&key), "{:?}", c);
                } else {
                    *done.entry(key).or_default() += 1;
                }
            }
        }
    }

    /// 5: evictions per window are limited, and there is one victim at a time until it is gone or late.
    #[test]
    fn evictions_stay_within_the_budget(steps in steps(), limit in 0_u32..4) {
        let mut config = QosConfig::default();
        config.budget.evictions = limit;
        let (window, deadline) = (config.budget.evict_window, config.budget.gone_within);
        let mut world = World::new(config);
        let mut evicted: Vec<Timestamp> = Vec::new();
        let mut open: Option<(TaskId, Timestamp)> = None;
        for step in &steps {
            if world.jumps(step) {
                // A clock that jumped has no window to count in.
                (evicted, open) = (Vec::new(), None);
            }
            let Some(tick) = world.step(step) else { continue };
            open = open.filter(|(id, at)| {
                !tick.reported.contains(id) && tick.sample.at.since(*at).is_none_or(|s| s <= deadline)
            });
            for c in tick.verdict.corrections.iter().filter(|c| c.action() == Action::Evict) {
                prop_assert!(open.is_none(), "{:?} while {:?} is leaving", c.task(), open);
                evicted.push(tick.sample.at);
                open = Some((c.task().clone(), tick.sample.at));
            }
            let recent = evicted.iter().filter(|at| {
                tick.sample.at.since(**at).is_none_or(|s| s <= window)
            });
            prop_assert!(recent.count() <= usize::try_from(limit).expect("small"));
        }
    }

    /// 6: same readings, same decisions, byte for byte; names decide nothing but ties.
    #[test]
    fn decisions_repeat_to_the_byte_and_do_not_depend_on_order(steps in steps()) {
        let run = |names: [&'static str; 6]| {
            let mut world = World::named(QosConfig::default(), names);
            let (mut text, mut acts) = (Vec::new(), Vec::new());
            for step in &steps {
                if let Some(tick) = world.step(step) {
                    text.push(serde_json::to_string(&(&tick.assessment, &tick.verdict)).expect("plain data"));
                    let act = |c: &Correction| (c.task().inode, format!("{:?}", c.action()));
                    let mut these: Vec<_> = tick.verdict.corrections.iter().map(act).collect();
                    these.sort();
                    acts.push(these);
                }
            }
            (text, acts)
        };
        let names = ["a", "b", "c", "d", "e", "f"];
        prop_assert_eq!(run(names).0, run(names).0);
        let (_, forward) = run(names);
        let (_, backward) = run(["f", "e", "d", "c", "b", "a"]);
        prop_assert_eq!(forward, backward, "renaming turns the order of tasks around");
    }

    /// 7: nothing stays behind: once the node is calm, only the standing class is left, and no freeze outlives its end.
    #[test]
    fn after_harm_everything_but_the_standing_class_is_taken_back(steps in steps()) {
        let mut world = World::new(QosConfig::default());
        for step in &steps {
            world.step(step);
        }
        world.settle(Span::from_secs(240));
        prop_assert_eq!(world.carried(), Vec::<(String, Actuator)>::new());
    }

    /// Squeeze freezes for probes only and never evicts; observe marks everything as would-do.
    #[test]
    fn a_mode_is_never_exceeded(steps in steps(), observe in any::<bool>()) {
        let mut world = World::new(QosConfig::default());
        world.mode = if observe { Mode::Observe } else { Mode::Squeeze };
        for step in &steps {
            let Some(tick) = world.step(step) else { continue };
            for c in &tick.verdict.corrections {
                match (observe, c.action()) {
                    (true, _) => prop_assert!(c.is_would()),
                    (false, Action::Evict) => prop_assert!(false, "{:?}", c),
                    (false, Action::Freeze { until }) => {
                        let length = until.since(tick.now).unwrap_or_default();
                        prop_assert!(length <= Span::from_millis(200), "{:?}", c);
                    }
                    (false, _) => {}
                }
            }
        }
    }

    /// No reading, however odd, gives a number that is not one.
    #[test]
    fn every_reading_is_a_finite_number_or_unknown(steps in steps()) {
        let mut world = World::new(QosConfig::default());
        for step in &steps {
            let Some(tick) = world.step(step) else { continue };
            for r in &tick.assessment.readings {
                prop_assert!(r.value.is_none_or(|v| v.is_finite() && v >= 0.0), "{:?}", r);
            }
        }
    }
}
