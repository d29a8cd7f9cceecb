// SPDX-License-Identifier: Apache-2.0
//! One calm tick, what is weighed beside it for those who look, the rankings where somebody does, and one glance over 10 to 5,000 tasks, half of them best-effort: the cost must grow linearly.

#[path = "../tests/rig/mod.rs"]
mod rig;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::Span;
use gleaner_qos::verdict::Mode;
use rig::{Rig, best_effort, everything, guaranteed};
use std::hint::black_box;

fn warm(tasks: usize) -> Rig {
    let job = |i: usize| match i % 2 {
        0 => guaranteed(&format!("kubepods/burstable/pod{i:04}"), 0.06, 1.0),
        _ => best_effort(&format!("kubepods/besteffort/pod{i:04}"), 0.06, 1.0),
    };
    let mut rig = Rig::new((0..tasks).map(job).collect());
    (rig.cores, rig.total) = (640.0, 1e6);
    rig.run(4_000);
    rig
}

fn tick(c: &mut Criterion) {
    let mut group = c.benchmark_group("calm");
    for tasks in [10, 100, 1_000, 5_000] {
        let mut rig = warm(tasks);
        let can = everything();
        group.throughput(Throughput::Elements(u64::try_from(tasks).expect("small")));
        let mut sample = rig.sample();
        rig.tracker.update(&sample);
        let usage = rig.tracker.usage().clone();
        group.bench_function(BenchmarkId::new("tick", tasks), |b| {
            b.iter(|| {
                sample.at = sample.at.plus(Span::from_secs(1));
                let assessment = rig.controller.assess(&sample, &usage);
                black_box(rig.controller.decide(&sample, &usage, &assessment, Mode::Evict, &can))
            });
        });
        group.bench_function(BenchmarkId::new("weigh", tasks), |b| {
            b.iter(|| black_box(rig.controller.weigh(&sample, &usage)));
        });
        let weights = rig.controller.weigh(&sample, &usage);
        group.bench_function(BenchmarkId::new("rankings", tasks), |b| {
            b.iter(|| black_box(Resource::ALL.map(|r| weights.ranking(r))));
        });
        let mut glance = rig.glance();
        glance.at = sample.at;
        group.bench_function(BenchmarkId::new("glance", tasks), |b| {
            b.iter(|| {
                glance.at = glance.at.plus(Span::from_millis(100));
                black_box(rig.controller.glance(&glance))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, tick);
criterion_main!(benches);
