// SPDX-License-Identifier: Apache-2.0
//! Many seeds of the closed-loop simulator, hours of calm, the canaries that every check must catch, and the replay of one seed.
//!
//! `GLEANER_SIM_SEEDS` sets how many seeds are run, `GLEANER_SIM_FROM` the first of them, `GLEANER_SIM_SECS` how long each
//! is; `GLEANER_SIM_HOURS` how many hours of calm; `GLEANER_SIM_SEED` is the one to replay.

use gleaner_tests::sim::{Failure, Plan, Sabotage, Summary, Weather, run};

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(otherwise)
}

/// Runs plans, and shows the first failures of each check in full.
fn run_all(plans: impl Iterator<Item = Plan>) -> Vec<Summary> {
    let mut sums = Vec::new();
    let mut failures: Vec<Box<Failure>> = Vec::new();
    for plan in plans {
        match run(plan) {
            Ok(sum) => sums.push(sum),
            Err(failure) => failures.push(failure),
        }
    }
    if failures.is_empty() {
        return sums;
    }
    let of = |check: &str| failures.iter().filter(|f| f.check == check).collect::<Vec<_>>();
    let mut checks: Vec<&str> = failures.iter().map(|f| f.check).collect();
    checks.sort_unstable();
    checks.dedup();
    for check in &checks {
        let seeds: Vec<u64> = of(check).iter().map(|f| f.seed).collect();
        eprintln!("{check}: {} of {}: {seeds:?}", seeds.len(), sums.len() + failures.len());
        of(check).iter().take(1).for_each(|f| eprintln!("{f}\n"));
    }
    panic!("{} promises broken", failures.len());
}

#[test]
fn every_promise_holds_at_every_moment_of_many_seeds() {
    let (from, seeds) = (setting("GLEANER_SIM_FROM", 0), setting("GLEANER_SIM_SEEDS", 200));
    let secs = setting("GLEANER_SIM_SECS", 150);
    let sums = run_all((from..from + seeds).map(|seed| Plan::new(seed, secs)));
    let sum = |of: fn(&Summary) -> u64| sums.iter().map(of).sum::<u64>();
    println!(
        "{seeds} seeds of {secs} s: {} ticks, {} offering, {} tasks lent to, {} probes, {} freezes, {} evictions, {} limits",
        sum(|s| s.ticks),
        sum(|s| s.offering),
        sum(|s| s.lent_to),
        sum(|s| s.probes),
        sum(|s| s.freezes),
        sum(|s| s.evictions),
        sum(|s| s.limits)
    );
    // A simulator in which nothing happens proves nothing.
    for happens in [
        sum(|s| s.lent_to),
        sum(|s| s.probes),
        sum(|s| s.freezes),
        sum(|s| s.evictions),
        sum(|s| s.limits),
    ] {
        assert!(happens > 0);
    }
}

#[test]
fn replay_the_seed_that_is_asked_for() {
    let Some(seed) = std::env::var("GLEANER_SIM_SEED").ok().and_then(|v| v.parse().ok()) else {
        return;
    };
    let plan = Plan { story: true, ..Plan::new(seed, setting("GLEANER_SIM_SECS", 150)) };
    match run(plan) {
        Ok(sum) => println!("{}{sum:?}", sum.story),
        Err(failure) => panic!("{failure}"),
    }
}
