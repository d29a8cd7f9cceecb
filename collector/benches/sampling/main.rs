// SPDX-License-Identifier: Apache-2.0
//! What reading one task costs, against the bare system calls for the same files, `read_to_string` and cgroups-rs.
//!
//! On real v1 cgroups that it makes and removes. The ratios come from one run in which the ways take
//! turns, in CPU time, so that a busy machine is busy for all of them; criterion's own figures, in
//! time that passed, follow. `-- ratios` leaves those out, `-- 100` takes only that size.
#![expect(clippy::print_stdout, reason = "a benchmark reports on its standard output")]

mod farm;
mod ways;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use farm::Farm;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;
use ways::Way;

/// Numbers of cgroups.
const SIZES: [usize; 3] = [100, 1000, 5000];

/// Rounds of each way; a multiple of 60, after which every file has been read as often as it should.
const ROUNDS: u32 = 120;

/// Rounds of the ways that are many times slower.
const SLOW_ROUNDS: u32 = 10;

/// CPU time of this thread: time in which somebody else had the CPU is nobody's price.
fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(now).expect("a clock that started at zero")
}

fn ratios(ways: &mut [Box<dyn Way>], tasks: usize) {
    let mut spent = vec![Vec::new(); ways.len()];
    for round in 0..ROUNDS {
        for (way, spent) in ways.iter_mut().zip(&mut spent) {
            if way.is_slow() && round >= SLOW_ROUNDS {
                continue;
            }
            let start = cpu_time();
            way.round();
            spent.push(cpu_time() - start);
        }
    }
    let per_task = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1e6 / tasks as f64
    };
    let medians: Vec<f64> = spent.iter_mut().map(per_task).collect();
    for ((way, median), times) in ways.iter().zip(&medians).zip(&spent) {
        let mean =
            times.iter().sum::<Duration>().as_secs_f64() * 1e6 / (times.len() * tasks) as f64;
        println!(
            "{tasks:>5} cgroups  {:<34} {median:>8.2} µs a task, mean {mean:>8.2}  {:>6.2} × bare",
            way.name(),
            median / medians[0],
        );
    }
}

fn sampling(criterion: &mut Criterion) {
    // A filter that names a size, such as `100`, leaves the others out altogether.
    let filter = std::env::args().collect::<Vec<_>>().join(" ");
    let words: Vec<&str> = filter.split(|c: char| !c.is_ascii_digit()).collect();
    let named = |size: &usize| words.contains(&size.to_string().as_str());
    let any = SIZES.iter().any(named);
    for tasks in SIZES.into_iter().filter(|size| !any || named(size)) {
        let Some(farm) = Farm::new(tasks) else {
            println!("SKIPPED: v1 cgroups for cpu, cpuacct, memory and pids cannot be made here");
            return;
        };
        let mut ways = ways::all(&farm);
        ratios(&mut ways, tasks);
        let mut group = criterion.benchmark_group(format!("sample {tasks} tasks"));
        group.sample_size(10).warm_up_time(Duration::from_millis(200));
        group.measurement_time(Duration::from_secs(1));
        group.throughput(Throughput::Elements(u64::try_from(tasks).expect("a few thousand")));
        for way in ways.iter_mut().filter(|way| !way.is_slow()) {
            let name = way.name();
            group.bench_function(name, |bencher| bencher.iter(|| way.round()));
        }
        group.finish();
    }
}

criterion_group!(benches, sampling);
criterion_main!(benches);
