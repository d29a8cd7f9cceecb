// SPDX-License-Identifier: Apache-2.0
//! What an update costs, per node and per task, against copying the predictor's state once (memcpy), in one run.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::print_stdout, reason = "the ratios are the result")]

use criterion::Criterion;
use gleaner_estimator::predict::{
    Load, NodeLoad, Observation, Predictor, PredictorKind, PredictorSpec,
};
use gleaner_estimator::units::{Span, Timestamp};
use std::hint::black_box;
use std::time::Instant;

/// Tasks of a small and of a large node.
const FEW: u64 = 17;
const MANY: u64 = 1000;

/// Nanoseconds an iteration in the quickest batch.
fn measured(criterion: &mut Criterion, name: &str, mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    criterion.bench_function(name, |bencher| {
        bencher.iter_custom(|count| {
            let start = Instant::now();
            for _ in 0..count {
                work();
            }
            let taken = start.elapsed();
            best = best.min(taken.as_secs_f64() * 1e9 / count as f64);
            taken
        });
    });
    best
}

/// Usage that differs from task to task and from time to time.
fn loads(tasks: u64, time: u64) -> Vec<Load> {
    let load = |arrival: u64| {
        let usage = ((arrival * 7919 + time * 104_729) % 1000) as f64 / 1000.0;
        Load { arrival, usage, limit: 1.0 }
    };
    (0..tasks).map(load).collect()
}

struct Node {
    predictor: Box<dyn Predictor>,
    variants: Vec<Vec<Load>>,
    now: Timestamp,
    shown: usize,
}

impl Node {
    /// Two days old: rings are full and outcomes pending.
    fn warm(kind: PredictorKind, tasks: u64) -> Self {
        let predictor = PredictorSpec { kind, ..PredictorSpec::default() }.build();
        let variants = (0..64).map(|time| loads(tasks, time)).collect();
        let mut node = Self { predictor, variants, now: Timestamp::default(), shown: 0 };
        for _ in 0..600 {
            node.show(Span::from_secs(300));
        }
        node
    }

    fn show(&mut self, after: Span) {
        self.now = self.now.plus(after);
        self.shown += 1;
        let loads = &self.variants[self.shown % self.variants.len()];
        let node = NodeLoad::default();
        let seen = Observation { at: self.now, loads, ceiling: f64::INFINITY, calm: true, node };
        self.predictor.observe(&seen);
        black_box(self.predictor.peak(1));
    }
}

/// Nanoseconds of an update that opens a slot, of one within a slot, and of copying the state.
fn node(criterion: &mut Criterion, kind: PredictorKind, tasks: u64) -> [f64; 3] {
    let name = |what: &str| format!("{kind}, {tasks} tasks: {what}");
    let mut warm = Node::warm(kind, tasks);
    let state = warm.predictor.save();
    let slot = measured(criterion, &name("new slot"), || warm.show(Span::from_secs(300)));
    let within = measured(criterion, &name("within a slot"), || warm.show(Span(1)));
    let mut copy = vec![0_u8; state.len()];
    let copied = measured(criterion, &name("memcpy of its state"), || {
        copy.copy_from_slice(black_box(&state));
        black_box(&mut copy);
    });
    [slot, within, copied]
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    println!(
        "ratio to one memcpy of the same state: per node of {FEW} tasks, then per further task"
    );
    for kind in PredictorKind::ALL {
        let few = node(&mut criterion, kind, FEW);
        let many = node(&mut criterion, kind, MANY);
        let further = [0, 1, 2].map(|what| (many[what] - few[what]) / (MANY - FEW) as f64);
        println!(
            "{kind:>10}: node, new slot {:.2} ({:.0} ns), within {:.2} ({:.0} ns); task, new slot {:.2} ({:.0} ns), within {:.2} ({:.1} ns)",
            few[0] / few[2],
            few[0],
            few[1] / few[2],
            few[1],
            further[0] / further[2],
            further[0],
            further[1] / further[2],
            further[1],
        );
    }
    criterion.final_summary();
}
