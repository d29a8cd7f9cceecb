// SPDX-License-Identifier: Apache-2.0
//! The step on a scripted node: what is lent, what binds, and what a newcomer would check by hand.

mod common;

use common::{Script, best_effort, config, guaranteed, tick};
use gleaner_engine::Engine;
use gleaner_engine::decision::Health;
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::reason::Bound;
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::{MilliCpus, Span};

fn steady(
    config: gleaner_engine::config::EngineConfig,
    secs: u64,
) -> gleaner_engine::decision::Decision {
    let mut engine = Engine::new(config);
    let mut script = Script::new();
    let tasks = [guaranteed("web", 8_000, 2_000), best_effort("batch", 1_500, 3_000)];
    let mut last = None;
    for _ in 0..secs {
        last = Some(tick(&mut engine, &script.advance(1, 500, &tasks)));
    }
    last.expect("at least one second")
}

/// `borg` predicts 0.9 of the limits, so every number can be checked on paper.
#[test]
fn the_formula_adds_up() {
    let d = steady(config(PredictorKind::Borg), 10);
    assert_eq!(d.health, Health::Fresh);
    assert_eq!(d.cpu.usage.guaranteed, Some(MilliCpus(2_000)));
    assert_eq!(d.cpu.usage.best_effort, Some(MilliCpus(3_000)));
    assert_eq!(d.cpu.usage.system, Some(MilliCpus(500)));
    assert_eq!(d.cpu.allocated.guaranteed, MilliCpus(8_000));
    assert_eq!(d.cpu.lent, MilliCpus(1_500));
    assert_eq!(d.cpu.reserve, MilliCpus(800));
    let peak = d.cpu.peak.expect("borg needs no warm-up");
    assert_eq!(peak.guaranteed, MilliCpus(7_200));
    assert_eq!(d.cpu.headroom.0, 16_000 - 800 - peak.node.0);
    assert_eq!(d.cpu.offer.amount.0, (d.cpu.slack.0 - 1_500) / 100 * 100);
}

#[test]
fn only_what_was_promised_is_lent_where_the_rest_is_offered_anyway() {
    let mut c = config(PredictorKind::Borg);
    c.lend = Lend::Allocated;
    c.cpu.threshold = MilliCpus(0);
    let d = steady(c, 10);
    assert_eq!(d.cpu.usage_slack, Some(MilliCpus(800)));
    assert_eq!((d.cpu.slack, d.cpu.slack_bound), (MilliCpus(800), Bound::UsageSlack));
    assert_eq!(d.cpu.offer.amount, MilliCpus(0), "more is lent than may be");
}

#[test]
fn nothing_is_offered_before_it_is_warm() {
    let d = steady(config(PredictorKind::Max), 3);
    assert!(matches!(d.health, Health::Cold { .. }));
    assert_eq!((d.cpu.offer.amount, d.cpu.offer.bound), (MilliCpus(0), Bound::Cold));
}

#[test]
fn a_young_guaranteed_task_counts_at_its_allocation() {
    let mut c = config(PredictorKind::Max);
    c.task_warm_up = Span::from_secs(3_600);
    let d = steady(c, 10);
    let peak = d.cpu.peak.expect("rates exist");
    assert!(peak.guaranteed >= MilliCpus(8_000), "{peak:?}");
}

#[test]
fn a_resource_switched_off_says_so() {
    let mut c = config(PredictorKind::Max);
    c.memory.enabled = false;
    let d = steady(c, 10);
    assert_eq!((d.memory.offer.amount.0, d.memory.offer.bound), (0, Bound::Off));
}
