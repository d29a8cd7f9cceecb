// SPDX-License-Identifier: Apache-2.0
//! The self-test on this machine's layout: what is there works, what is not is said to be missing, nothing stays.

use gleaner_act::clock::SystemClock;
use gleaner_act::means::Means;
use gleaner_act::outcome::Outcome;
use gleaner_act::selftest::{Row, Selftest};
use gleaner_tests::acting::{disk, places};
use gleaner_tests::cgroup_rig::{CgroupRig, Layout};
use gleaner_tests::programs::built;
use std::process::Command;

fn rows(rig: &CgroupRig) -> Vec<Row> {
    let load = built("load").expect("it is built");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let place = disk(directory.path());
    let spinner = || {
        let mut command = Command::new(&load);
        command.args(["spin", "1"]);
        command
    };
    let cache = || {
        let mut command = Command::new(&load);
        command.arg("cache").arg(place.as_deref().unwrap_or(&load)).arg((16 << 20).to_string());
        command
    };
    let cache: Option<&dyn Fn() -> Command> = place.is_some().then_some(&cache);
    let clock = SystemClock;
    let places = places(rig);
    let below = String::new();
    let test = Selftest { places: &places, below, spinner: &spinner, cache, clock: &clock };
    test.run().expect("cgroups can be made")
}

/// Means that a layout must have, on the kernels that these tests know.
fn expected(layout: Layout) -> &'static [Means] {
    match layout {
        Layout::V2 => &[Means::MemoryHigh, Means::FreezerV2, Means::KillCgroup],
        Layout::V1 => &[Means::FreezerV1],
        Layout::Hybrid => &[Means::FreezerV2, Means::FreezerV1, Means::KillCgroup],
    }
}

#[test]
fn every_means_that_is_there_works_and_nothing_is_left() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let rows = rows(&rig);
    assert_eq!(rows.iter().map(|row| row.means).collect::<Vec<_>>(), Means::ALL);
    let always = [
        Means::CpuIdle,
        Means::CpuWeight,
        Means::CpuQuota,
        Means::IoLimit,
        Means::Terminate,
        Means::KillEach,
    ];
    for row in &rows {
        let must = always.contains(&row.means) || expected(rig.layout()).contains(&row.means);
        match (&row.outcome, &row.file) {
            (Outcome::Done, Some(_)) => {}
            // No file, and said so.
            (Outcome::Failed { errno: 2, .. }, None) if !must => {}
            other => panic!("{:?}: {other:?}", row.means),
        }
    }
    let own = format!("gleaner-selftest-{}", std::process::id());
    for mount in rig.mounts().directories() {
        for entry in std::fs::read_dir(mount).expect("readable").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            assert!(!name.starts_with(&own), "{name} is left in {}", mount.display());
        }
    }
}

#[test]
fn a_place_where_no_cgroup_can_be_made_is_an_error_that_names_it() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let places = places(&rig);
    let nothing = || Command::new("/nonexistent");
    let below = "no/such/cgroup".to_owned();
    let clock = SystemClock;
    let test = Selftest { places: &places, below, spinner: &nothing, cache: None, clock: &clock };
    let error = test.run().expect_err("there is no such cgroup").to_string();
    assert!(error.contains("no/such/cgroup"), "{error}");
}
