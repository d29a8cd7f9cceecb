// SPDX-License-Identifier: Apache-2.0
//! What must hold for every engine, predictor and history: never lend what is not there, never guess.

mod common;

use common::{Script, Scripted, config, scripted, tick};
use gleaner_engine::audit;
use gleaner_engine::decision::{Decision, ResourceDecision};
use gleaner_engine::{Engine, reading::Body, reading::Reading};
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::sample::{Class, Sample};
use gleaner_estimator::units::{Amount, MilliCpus, Span};
use proptest::prelude::*;

/// A few seconds of a few tasks: class, allocation, and usage per second; tasks may be absent.
fn history() -> impl Strategy<Value = Vec<Vec<(usize, u64)>>> {
    let tick = prop::collection::btree_map(0_usize..6, 0_u64..9_000, 0..6)
        .prop_map(|m| m.into_iter().collect::<Vec<_>>());
    prop::collection::vec(tick, 4..20)
}

fn kinds() -> impl Strategy<Value = PredictorKind> {
    prop::sample::select(PredictorKind::ALL.to_vec())
}

fn task(who: usize, used_milli: u64) -> Scripted {
    let class = if who % 3 == 2 { Class::BestEffort } else { Class::Guaranteed };
    let allocated = (who != 1).then_some(1_000 * (who as u64 + 1));
    scripted(&format!("task-{who}"), class, allocated, used_milli)
}

fn samples(history: &[Vec<(usize, u64)>], system: u64) -> Vec<Sample> {
    let mut script = Script::new();
    history
        .iter()
        .map(|tasks| {
            let tasks: Vec<_> = tasks.iter().map(|(who, used)| task(*who, *used)).collect();
            script.advance(1, system, &tasks)
        })
        .collect()
}

fn run(kind: PredictorKind, samples: &[Sample]) -> Vec<Decision> {
    let mut engine = Engine::new(config(kind));
    samples.iter().map(|s| tick(&mut engine, s)).collect()
}

fn lends_only_what_is_there<Q: Amount>(d: &ResourceDecision<Q>) {
    assert!(d.offer.amount + d.lent <= d.slack || d.offer.amount == Q::ZERO, "{d:?}");
    assert!(d.slack <= d.capacity.less(d.reserve), "{d:?}");
    if let (Some(peak), false) = (d.peak, d.offer.amount == Q::ZERO) {
        let promised = peak.node + d.lent + d.offer.amount + d.reserve;
        assert!(promised <= d.capacity, "{d:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn offer_is_never_above_slack(kind in kinds(), h in history(), system in 0_u64..4_000) {
        for decision in run(kind, &samples(&h, system)) {
            lends_only_what_is_there(&decision.cpu);
            lends_only_what_is_there(&decision.memory);
        }
    }

    #[test]
    fn same_readings_same_bytes(kind in kinds(), h in history()) {
        let samples = samples(&h, 500);
        let lines = |ds: Vec<Decision>| ds.iter().map(audit::line).collect::<Vec<_>>();
        prop_assert_eq!(lines(run(kind, &samples)), lines(run(kind, &samples)));
    }

    #[test]
    fn more_guaranteed_load_never_raises_the_offer(
        kind in kinds(),
        h in history(),
        extra in 1_u64..4_000,
    ) {
        let mut more = h.clone();
        let Some((_, used)) = more.last_mut().and_then(|tasks| {
            tasks.iter_mut().find(|(who, _)| who % 3 != 2)
        }) else {
            return Ok(());
        };
        *used += extra;
        let (less, more) = (run(kind, &samples(&h, 500)), run(kind, &samples(&more, 500)));
        let offer = |ds: &[Decision]| ds.last().map(|d| d.cpu.offer.amount).unwrap_or_default();
        prop_assert!(offer(&more) <= offer(&less));
    }

    #[test]
    fn a_failed_or_stale_reading_offers_nothing(kind in kinds(), h in history()) {
        let samples = samples(&h, 0);
        let mut engine = Engine::new(config(kind));
        for sample in &samples {
            tick(&mut engine, sample);
        }
        let last = samples.last().map(|s| s.at).unwrap_or_default();
        let at = last.plus(Span::from_secs(1));
        let failed = engine.tick(Reading { at, wall_ms: 0, body: Body::Failed("EIO on /proc/stat") });
        prop_assert_eq!(failed.cpu.offer.amount, MilliCpus(0));
        prop_assert_eq!(failed.memory.offer.amount.raw(), 0);
        // A sample after a long gap starts over cold.
        let mut late = samples[samples.len() - 1].clone();
        late.at = last.plus(Span::from_secs(3_600));
        prop_assert_eq!(tick(&mut engine, &late).cpu.offer.amount, MilliCpus(0));
        // Time that stands still is refused.
        prop_assert_eq!(tick(&mut engine, &late).cpu.offer.amount, MilliCpus(0));
    }

    #[test]
    fn counters_that_go_back_never_break_a_number(
        kind in kinds(),
        h in history(),
        garbage in prop::collection::vec(any::<u64>(), 20),
    ) {
        let mut samples = samples(&h, 0);
        for (sample, value) in samples.iter_mut().zip(&garbage) {
            for task in &mut sample.tasks {
                task.counters.cpu_usage_usec = Some(*value);
                task.counters.working_set = Some(gleaner_estimator::units::Bytes(*value));
            }
            if let Some(cpu) = &mut sample.node.cpu {
                cpu.busy_usec = *value;
            }
        }
        for decision in run(kind, &samples) {
            lends_only_what_is_there(&decision.cpu);
            lends_only_what_is_there(&decision.memory);
            prop_assert!(!audit::line(&decision).contains("NaN"));
        }
    }
}
