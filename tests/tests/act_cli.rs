// SPDX-License-Identifier: Apache-2.0
//! `gleaner selftest` and `gleaner victims` on real cgroups.

use gleaner_act::outcome::Outcome;
use gleaner_act::selftest::Row;
use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::load::{Load, Work};
use gleaner_tests::programs::built;
use std::process::{Command, Output};

fn gleaner(arguments: &[&str]) -> Output {
    Command::new(built("gleaner").expect("it is built")).args(arguments).output().expect("it runs")
}

#[test]
fn the_self_test_passes_where_cgroups_can_be_made() {
    if CgroupRig::new_or_skip().is_none() {
        return;
    }
    let output = gleaner(&["selftest", "--json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stdout));
    let rows: Vec<Row> = serde_json::from_slice(&output.stdout).expect("rows");
    assert!(rows.iter().filter(|row| row.outcome == Outcome::Done).count() >= 8, "{rows:?}");
    let nowhere = gleaner(&["selftest", "--below", "no/such/cgroup"]);
    assert_eq!(nowhere.status.code(), Some(71));
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("no/such/cgroup"));
}

#[test]
fn victims_are_ranked_and_live_on() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let [large, small] = ["large", "small"].map(|label| rig.group(label).expect("a group"));
    let hold = |mib: u64| Work::Hold { bytes: mib << 20 };
    let mut loads =
        [(&large, 64), (&small, 4)].map(|(g, mib)| Load::start(&hold(mib), g).expect("a load"));
    gleaner_tests::wait_until("their memory", gleaner_tests::acting::LONG, || {
        (large.memory_current().ok()? > 60 << 20).then_some(())
    });
    let directory = tempfile::tempdir().expect("a temporary directory");
    let config = directory.path().join("gleaner.toml");
    let task = |name: &std::path::Path| {
        format!(
            "[[layout.task]]\npattern = {:?}\nclass = \"best_effort\"\n",
            name.display().to_string()
        )
    };
    let text =
        format!("[layout]\npreset = \"globs\"\n{}{}", task(small.path()), task(large.path()));
    std::fs::write(&config, text).expect("room");
    let file = config.to_str().expect("UTF-8");
    let output = gleaner(&["victims", "--config", file, "--resource", "memory", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ranking: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let names: Vec<&str> = ranking["memory"]
        .as_array()
        .expect("a ranking")
        .iter()
        .filter_map(|candidate| candidate["task"]["name"].as_str())
        .collect();
    let expected = [&large, &small].map(|group| group.path().to_string_lossy().into_owned());
    assert_eq!(names, expected, "the one that would give more comes first");
    let text = gleaner(&["victims", "--config", file]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.starts_with("If cpu ran short, in this order:"), "{text}");
    assert!(loads.iter_mut().all(|load| load.runs().expect("it can be asked")));
}
