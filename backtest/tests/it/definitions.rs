// SPDX-License-Identifier: Apache-2.0
//! The fast definitions against a transcription of the formulas that is as plain and slow as they are, on random machines.

use crate::common::{Row, csv, sort, whole, write};
use gleaner_backtest::oracle::Oracle;
use gleaner_backtest::plan::{Depth, Plan, Setting};
use gleaner_backtest::replay::Capacity;
use gleaner_backtest::sweep::{self, Scale};
use gleaner_backtest::trace::{Machine, Trace};
use gleaner_backtest::{policy, run, score};
use gleaner_estimator::predict::{Load, NodeLoad, Observation, PredictorKind, PredictorSpec};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Amount, MilliCpus, Ratio, Span, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;

const STEP: i64 = 300;

/// Tasks as runs: first step and the rows' limits and usages.
fn rows(tasks: &[(i64, Vec<(f64, f64)>)]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (task, (first, values)) in (0..).zip(tasks) {
        for (i, (limit, used)) in (0..).zip(values) {
            let memory = (whole(limit * 1e9), whole(used * 1e9));
            let t = (first + i) * STEP;
            rows.push(Row { machine: 1, t, task, cpu: (*limit, *used), memory });
        }
    }
    sort(&mut rows);
    rows
}

fn machine(rows: &[Row]) -> Machine {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = write(dir.path(), "t.csv", csv(rows));
    let mut trace = Trace::open(&path).expect("a good trace");
    let machine = trace.next().expect("one machine").expect("a good machine");
    assert!(trace.next().is_none(), "only one machine was written");
    machine
}

/// The formulas of predictors' literature, word for word, over the rows themselves.
struct Slow<'a> {
    rows: &'a [Row],
}

impl Slow<'_> {
    fn times(&self) -> Vec<i64> {
        let mut times: Vec<i64> = self.rows.iter().map(|r| r.t).collect();
        times.sort_unstable();
        times.dedup();
        times
    }

    fn at(&self, t: i64) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |r| r.t == t)
    }

    /// S(t), in order of arrival. Tasks here have no holes, so arrival is the first row.
    fn present(&self, t: i64) -> Vec<i64> {
        let arrival = |task| self.rows.iter().filter(|r| r.task == task).map(|r| r.t).min();
        let mut tasks: Vec<i64> = self.at(t).map(|r| r.task).collect();
        tasks.sort_by_key(|task| (arrival(*task), *task));
        tasks
    }

    /// L(t).
    fn limit(&self, t: i64) -> f64 {
        let row = |task| self.at(t).find(|r| r.task == task).expect("present");
        self.present(t).into_iter().map(|task| row(task).cpu.0).sum()
    }

    /// PO(t).
    fn oracle(&self, t: i64, horizon: i64) -> f64 {
        let present = self.present(t);
        let total = |s: i64| -> f64 {
            let used = |task| self.at(s).find(|r| r.task == task).map(|r| r.cpu.1.min(r.cpu.0));
            present.iter().filter_map(|task| used(*task)).sum()
        };
        let later = self.times().into_iter().filter(|s| *s > t && *s <= t + horizon);
        later.map(total).fold(0.0, f64::max)
    }
}

fn tasks() -> impl Strategy<Value = Vec<(i64, Vec<(f64, f64)>)>> {
    let values = prop::collection::vec((0.0..8.0_f64, 0.0..9.0_f64), 1..30);
    prop::collection::vec((0..40_i64, values), 1..9)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_oracle_is_exactly_the_formula(tasks in tasks(), horizon in 1..50_usize) {
        let rows = rows(&tasks);
        let machine = machine(&rows);
        let slow = Slow { rows: &rows };
        let fast = Oracle::new(&machine, &machine.cpu, &[horizon, 1]);
        let limits = score::limits(&machine, &machine.cpu);
        for t in slow.times() {
            let step = usize::try_from((t - machine.start_s) / STEP).expect("after the start");
            let reach = i64::try_from(horizon).expect("small") * STEP;
            prop_assert_eq!(fast.peaks[0][step].to_bits(), slow.oracle(t, reach).to_bits());
            prop_assert_eq!(fast.peaks[1][step].to_bits(), slow.oracle(t, STEP).to_bits());
            prop_assert_eq!(limits[step].map(f64::to_bits), Some(slow.limit(t).to_bits()));
        }
        let times = slow.times().len();
        prop_assert_eq!(limits.iter().flatten().count(), times, "steps without tasks do not count");
    }

    #[test]
    fn the_score_is_the_formula(tasks in tasks(), horizon in 1..20_i64, warm_up in 0..20_i64) {
        let rows = rows(&tasks);
        let machine = machine(&rows);
        let slow = Slow { rows: &rows };
        let plan = Plan {
            horizons: vec![Span::from_secs(u64::try_from(horizon * STEP).expect("positive"))],
            warm_up_s: u32::try_from(warm_up * STEP).expect("small"),
            ..plan(PredictorKind::Ema)
        };
        let outcome = run::machine(&machine, &plan, &|_| {}).expect("the horizon is a step or more");
        let mut predicted = BTreeMap::new();
        run::predict(&machine, &plan, &plan.settings, &|_| {}, |seen| {
            predicted.insert(seen.step, run::peak_of(seen.decision, Resource::Cpu, 0));
        });
        let (mut all, mut violating, mut severity, mut saved, mut limits) = (0, 0, 0.0, 0.0, 0.0);
        for t in slow.times() {
            if t < slow.times()[0] + warm_up * STEP {
                continue;
            }
            let step = usize::try_from((t - slow.times()[0]) / STEP).expect("after the start");
            let l = slow.limit(t);
            let p = predicted[&step].expect("predicted from the first interval on").min(l);
            let po = slow.oracle(t, horizon * STEP);
            all += 1;
            violating += u64::from(po > p * (1.0 + 1e-6) + 1e-6);
            severity += if po > 0.0 { f64::max(0.0, po - p) / po } else { 0.0 };
            saved += l - p;
            limits += l;
        }
        let score = outcome.tally(0, 0, 0).score;
        prop_assert_eq!((score.intervals, score.violations), (all, violating));
        if all > 0 {
            prop_assert!((score.severity() - severity / all as f64).abs() < 1e-12);
            prop_assert!((score.worst - violating as f64 / all as f64).abs() < 1e-12);
        }
        if limits > 0.0 {
            prop_assert!((score.savings() - saved / limits).abs() < 1e-12);
        }
    }

    /// A sweep predicts without the engine around the predictors, and settings learn together: with the same result.
    #[test]
    fn bare_peaks_score_like_the_engine(
        tasks in tasks(),
        kind in 0..PredictorKind::ALL.len(),
        some in 1..40_usize,
    ) {
        let kind = PredictorKind::ALL[kind];
        let scale = Scale { cpu: 8.0, memory: 8e9 };
        let mut settings = vec![Setting::new(kind, Ratio::from_milli(10))];
        settings.extend(sweep::grid(kind, scale).into_iter().step_by(some).take(6));
        let machine = machine(&rows(&tasks));
        let horizons = [300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 86_400].map(Span::from_secs);
        let resources = vec![Resource::Cpu, Resource::Memory];
        let full = Plan { settings, horizons: horizons.to_vec(), resources, ..plan(kind) };
        let bare = Plan { depth: Depth::Peaks, ..full.clone() };
        let run = |plan: &Plan| {
            run::machine(&machine, plan, &|_| {}).expect("the horizons are a step or more")
        };
        let (engine, bank) = (run(&full), run(&bare));
        for (place, setting) in bare.settings.iter().enumerate() {
            for (resource, horizon) in (0..2).flat_map(|r| (0..horizons.len()).map(move |h| (r, h))) {
                let (a, b) = (engine.tally(place, resource, horizon), bank.tally(place, resource, horizon));
                prop_assert_eq!(a.score, b.score, "{} {}", setting.label(), horizon);
                prop_assert_eq!(b.churn_per_hour(), None);
            }
        }
    }

    /// What makes a backtest of the engine one of the predictor: the same loads reach it, in the same order.
    #[test]
    fn the_guaranteed_peak_is_what_the_predictor_says_of_the_trace(tasks in tasks()) {
        let machine = machine(&rows(&tasks));
        let plan = plan(PredictorKind::Calibrated);
        let mut direct = Vec::new();
        let spec = PredictorSpec { horizons: plan.horizons.clone(), ..PredictorSpec::default() };
        let mut predictor = spec.build();
        let ceiling = MilliCpus::from_base_up(machine.largest_limit(&machine.cpu)).to_base();
        machine.walk(|step, present| {
            let end = machine.start_s + (i64::try_from(step).expect("small") + 1) * STEP;
            let load = |run: &usize| {
                let row = machine.runs[*run].row_at(step).expect("present");
                let limit = MilliCpus::from_base(machine.cpu.limit[row]).to_base();
                let usage = machine.cpu.used[row].min(ceiling);
                Load { arrival: *run as u64 + 1, usage, limit: limit.max(usage) }
            };
            let loads: Vec<Load> = present.iter().map(load).collect();
            predictor.observe(&Observation {
                at: Timestamp::default().plus(Span::from_secs(u64::try_from(end).expect("positive"))),
                loads: &loads,
                ceiling,
                calm: true,
                node: NodeLoad::default(),
            });
            direct.push(predictor.peak(0));
        });
        let mut engine = Vec::new();
        run::predict(&machine, &plan, &plan.settings, &|_| {}, |seen| {
            engine.push(run::peak_of(seen.decision, Resource::Cpu, 0));
        });
        for (direct, engine) in direct.into_iter().zip(engine) {
            let (direct, engine) = (direct.expect("observed"), engine.expect("observed"));
            // Decisions hold thousandths of a core, rounded up; counters hold microseconds.
            let near = engine >= direct - 2e-8 && engine <= direct + 0.001 + 2e-8;
            prop_assert!(near, "{engine} is not {direct} rounded up");
        }
    }
}

fn plan(kind: PredictorKind) -> Plan {
    Plan {
        depth: Depth::Offers,
        policy: policy::plain(),
        settings: vec![Setting::new(kind, Ratio::from_milli(10))],
        horizons: vec![Span::from_secs(1800)],
        resources: vec![Resource::Cpu],
        warm_up_s: 0,
        capacity: Capacity::default(),
    }
}

#[test]
fn worst_machine_and_means_are_over_the_right_things() {
    let mut calm = score::Score::default();
    let mut wild = score::Score::default();
    for _ in 0..30 {
        calm.add(10.0, 5.0, 4.0);
    }
    for i in 0..10 {
        wild.add(10.0, 5.0, if i < 5 { 10.0 } else { 4.0 });
    }
    let mut all = score::Score::default();
    all.merge(&calm.of_machine(3));
    all.merge(&wild.of_machine(8));
    assert_eq!((all.machines, all.intervals, all.violations), (2, 40, 5));
    assert!((all.violation_rate() - 5.0 / 40.0).abs() < 1e-15, "the mean is over intervals");
    assert!((all.worst - 0.5).abs() < 1e-15, "the worst machine has a rate of its own");
    assert_eq!(all.worst_machine, Some(8));
    assert!((all.severity() - 5.0 * 0.5 / 40.0).abs() < 1e-15);
    assert!((all.savings() - 0.5).abs() < 1e-15);
    let mut above = score::Score::default();
    above.add(10.0, 12.0, 0.0);
    assert!(above.savings().abs() < 1e-15, "a prediction above the limits saves nothing, not less");
}
