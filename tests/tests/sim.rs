// SPDX-License-Identifier: Apache-2.0
//! Many seeds of the closed-loop simulator, hours of calm, a canary for every check, and the replay of one seed.
//!
//! `GLEANER_SIM_SEEDS` sets how many seeds are run, `GLEANER_SIM_FROM` the first of them, `GLEANER_SIM_SECS` how long each
//! is; `GLEANER_SIM_HOURS` how many hours of calm; `GLEANER_SIM_SEED` is the one to replay.

use gleaner_tests::sim::{Failure, Plan, Sabotage, Summary, Weather, run};
use std::collections::BTreeMap;

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(otherwise)
}

/// Simulated seconds of a seed: freezes, proofs and an eviction fit into them.
fn secs() -> u64 {
    setting("GLEANER_SIM_SECS", 120)
}

/// Runs plans; of each broken promise the first failure is shown in full.
fn run_all(plans: impl Iterator<Item = Plan>) -> Vec<Summary> {
    let mut sums = Vec::new();
    let mut failures: BTreeMap<&str, Vec<Box<Failure>>> = BTreeMap::new();
    for plan in plans {
        match run(plan) {
            Ok(sum) => sums.push(sum),
            Err(failure) => failures.entry(failure.check).or_default().push(failure),
        }
    }
    for (check, of_it) in &failures {
        let seeds: Vec<u64> = of_it.iter().map(|f| f.seed).collect();
        eprintln!("{check}: {seeds:?}\n{}\n", of_it[0]);
    }
    assert!(failures.is_empty(), "promises broken: {:?}", failures.keys());
    sums
}

/// Every fourth of the seeds, so that they can run side by side.
fn quarter(of: u64) {
    let (from, seeds) = (setting("GLEANER_SIM_FROM", 0), setting("GLEANER_SIM_SEEDS", 2_400));
    let mine = (from..from + seeds).filter(|seed| seed / 4 % 4 == of);
    let sums = run_all(mine.map(|seed| Plan::new(seed, secs())));
    let sum = |of: fn(&Summary) -> u64| sums.iter().map(of).sum::<u64>();
    let acts = [sum(|s| s.probes), sum(|s| s.freezes), sum(|s| s.evictions), sum(|s| s.limits)];
    let lent = [sum(|s| s.offering), sum(|s| s.lent_to)];
    eprintln!(
        "{} seeds, {} ticks; offering, tasks lent to: {lent:?}; probes, freezes, evictions, limits: {acts:?}",
        sums.len(),
        sum(|s| s.ticks),
    );
    // A simulator in which nothing happens proves nothing.
    assert!(seeds < 100 || acts.iter().chain(&lent).all(|n| *n > 0));
}

#[test]
fn every_promise_holds_at_every_moment_of_many_seeds_first_quarter() {
    quarter(0);
}

#[test]
fn every_promise_holds_at_every_moment_of_many_seeds_second_quarter() {
    quarter(1);
}

#[test]
fn every_promise_holds_at_every_moment_of_many_seeds_third_quarter() {
    quarter(2);
}

#[test]
fn every_promise_holds_at_every_moment_of_many_seeds_last_quarter() {
    quarter(3);
}

#[test]
fn hours_of_calm_mixed_load_freeze_and_evict_nobody() {
    let hours = setting("GLEANER_SIM_HOURS", 12);
    let from = setting("GLEANER_SIM_FROM", 0) + 1_000_000;
    let calm = |seed| Plan { weather: Weather::Calm, ..Plan::new(seed, 1_800) };
    let sums = run_all((from..from + 2 * hours).map(calm));
    let sum = |of: fn(&Summary) -> f64| sums.iter().map(of).sum::<f64>();
    let (used, idle) = (sum(|s| s.lent_used), sum(|s| s.idle));
    eprintln!("{hours} h: best-effort used {:.1} % of what was idle", 100.0 * used / (used + idle));
    assert!(sums.iter().map(|s| s.lent_to).sum::<u64>() > 0, "offers get used");
}

#[test]
fn a_seed_replays_to_the_byte_and_the_order_of_names_does_not_matter() {
    for seed in 0..60 {
        let plan = Plan { digest: true, ..Plan::new(seed, 60) };
        let once = run(plan).unwrap_or_else(|f| panic!("{f}"));
        let again = run(plan).unwrap_or_else(|f| panic!("{f}"));
        assert_eq!(once, again, "seed {seed}: {}", again.story);
        let other = run(Plan { reversed: true, ..plan }).unwrap_or_else(|f| panic!("{f}"));
        assert_eq!(once.acts, other.acts, "seed {seed}:\n{}\n{}", once.story, other.story);
    }
}

/// The check that notices this sabotage first, in the first seed in which one does.
fn noticed(sabotage: Sabotage) -> Option<&'static str> {
    (0..400).find_map(|seed| {
        let plan = Plan { sabotage: Some(sabotage), ..Plan::new(seed, 100) };
        run(plan).err().map(|f| f.check)
    })
}

#[test]
fn no_check_is_blind_to_its_canary() {
    for (sabotage, check) in Sabotage::ALL {
        if sabotage == Sabotage::DependsOnOrder {
            continue;
        }
        assert_eq!(noticed(sabotage), Some(check), "{sabotage:?}");
    }
}

#[test]
fn an_engine_that_depends_on_order_is_noticed() {
    let differs = (0..20).any(|seed| {
        let plan = Plan { sabotage: Some(Sabotage::DependsOnOrder), ..Plan::new(seed, 30) };
        let acts = |reversed| run(Plan { reversed, ..plan }).map(|s| s.acts).ok();
        acts(false) != acts(true)
    });
    assert!(differs);
}

#[test]
fn replay_the_seed_that_is_asked_for() {
    let Some(seed) = std::env::var("GLEANER_SIM_SEED").ok().and_then(|v| v.parse().ok()) else {
        return;
    };
    let plan = Plan { story: true, ..Plan::new(seed, secs()) };
    let calm = Plan { weather: Weather::Calm, ..plan };
    match run(if seed < 1_000_000 { plan } else { calm }) {
        Ok(sum) => eprintln!("{}", sum.story),
        Err(failure) => panic!("{failure}"),
    }
}
