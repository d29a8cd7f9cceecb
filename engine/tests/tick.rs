// SPDX-License-Identifier: Apache-2.0
//! The step on a scripted node: what is lent, what binds, and what a newcomer would check by hand.

mod common;

use common::{Script, config, scripted, tick};
use gleaner_engine::Engine;
use gleaner_engine::config::Quota;
use gleaner_engine::decision::Health;
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::reason::Bound;
use gleaner_estimator::sample::Class;
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::{MilliCpus, Span};

fn steady(
    config: gleaner_engine::config::EngineConfig,
    secs: u64,
) -> gleaner_engine::decision::Decision {
    let mut engine = Engine::new(config);
    let mut script = Script::new();
    let web = scripted("web", Class::Guaranteed, 8_000, 2_000);
    let tasks = [web, scripted("batch", Class::BestEffort, 1_500, 3_000)];
    let mut last = None;
    for _ in 0..secs {
        last = Some(tick(&mut engine, &script.advance(1, 500, &tasks)));
    }
    last.expect("at least one second")
}

/// `fixed` leaves five cores of what may be used at most, so every number can be checked on paper.
fn five_cores_left() -> gleaner_engine::config::EngineConfig {
    let mut c = config(PredictorKind::Fixed);
    c.cpu.predictor.parameters.amount = 5.0;
    c
}

#[test]
fn the_formula_adds_up() {
    let d = steady(five_cores_left(), 10);
    assert_eq!(d.health, Health::Fresh);
    assert_eq!(d.cpu.usage.guaranteed, Some(MilliCpus(2_000)));
    assert_eq!(d.cpu.usage.best_effort, Some(MilliCpus(3_000)));
    assert_eq!(d.cpu.usage.system, Some(MilliCpus(500)));
    assert_eq!(d.cpu.allocated.guaranteed, MilliCpus(8_000));
    assert_eq!(d.cpu.lent, MilliCpus(1_500));
    assert_eq!(d.cpu.reserve, MilliCpus(800));
    let peak = d.cpu.peak.expect("fixed needs no warm-up");
    assert_eq!((peak.guaranteed, peak.node), (MilliCpus(3_000), MilliCpus(11_000)));
    assert_eq!(d.cpu.headroom, MilliCpus(16_000 - 800 - 11_000));
    assert_eq!((d.cpu.offer.amount, d.cpu.offer.bound), (MilliCpus(2_700), Bound::Headroom));
}

#[test]
fn only_what_was_promised_is_lent_where_the_rest_is_offered_anyway() {
    let mut c = five_cores_left();
    c.lend = Lend::Allocated;
    c.cpu.reserve = Quota::Exactly(MilliCpus(0));
    c.cpu.predictor.parameters.amount = 6.5;
    let d = steady(c, 10);
    assert_eq!(d.cpu.usage_slack, Some(MilliCpus(6_000)), "usage is the floor of a prediction");
    assert_eq!((d.cpu.slack, d.cpu.slack_bound), (MilliCpus(6_000), Bound::UsageSlack));
    assert_eq!(d.cpu.offer.amount, MilliCpus(4_500));
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

/// A service that bursts for a twentieth of a second in every second, read each second, and again in the midst of the
/// burst where an alarm asks for it.
fn bursting(alarms: bool) -> MilliCpus {
    let mut engine = Engine::new(config(PredictorKind::Calibrated));
    let mut script = Script::new();
    let node = |used| [scripted("web", Class::Guaranteed, 8_000, used)];
    let mut last = None;
    tick(&mut engine, &script.advance(1, 0, &node(0)));
    for _ in 0..900 {
        let quiet = script.advance_millis(100, 0, &node(0));
        let burst = script.advance_millis(50, 0, &node(8_000));
        if alarms {
            tick(&mut engine, &quiet);
            tick(&mut engine, &burst);
        }
        last = Some(tick(&mut engine, &script.advance_millis(850, 0, &node(0))));
    }
    last.and_then(|decision| decision.cpu.peak).expect("15 minutes were seen").guaranteed
}

#[test]
fn a_tick_before_its_time_teaches_the_predictor_nothing() {
    assert_eq!(bursting(true), bursting(false));
}

#[test]
fn a_tick_before_its_time_has_the_rates_of_its_moment() {
    let mut engine = Engine::new(five_cores_left());
    let mut script = Script::new();
    for used in [0, 0] {
        tick(&mut engine, &script.advance(1, 0, &[scripted("a", Class::BestEffort, 0, used)]));
    }
    let burst = [scripted("a", Class::BestEffort, 0, 4_000)];
    let early = tick(&mut engine, &script.advance_millis(100, 0, &burst));
    assert_eq!(early.cpu.usage.best_effort, Some(MilliCpus(4_000)));
    let idle = [scripted("a", Class::BestEffort, 0, 0)];
    let paced = tick(&mut engine, &script.advance_millis(900, 0, &idle));
    assert_eq!(paced.cpu.usage.best_effort, Some(MilliCpus(400)), "over the whole second");
}
