// SPDX-License-Identifier: Apache-2.0
//! A daemon's recording told to another engine gives the same decisions, byte for byte.

use gleaner_backtest::recording::{Event, RecordingReader};
use gleaner_engine::config::{Config, EngineConfig};
use gleaner_engine::{Engine, audit};
use gleaner_estimator::slack::Lend;
use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::gleaner::configuration;
use gleaner_tests::load::{Load, Work};
use gleaner_tests::programs::built;
use std::process::{Command, Stdio};

#[test]
fn what_a_daemon_recorded_replays_to_the_same_decisions() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let top = rig.group("record").expect("a group");
    let [service, batch] = ["svc", "be"].map(|name| top.child(name).expect("a group"));
    let spin = |group| Load::start(&Work::Spin { threads: 2 }, group).expect("a load starts");
    let _loads = [spin(&service), spin(&batch)];
    let files = tempfile::tempdir().expect("a directory");
    let keys = "[lend]\nrule = \"headroom\"\nwarm_up = \"2s\"\n[qos]\nstanding = \"on_harm\"";
    let text = configuration(files.path(), top.path(), "squeeze", keys);
    let (config, tape) = (files.path().join("gleaner.toml"), files.path().join("tape"));
    std::fs::write(&config, &text).expect("writable");
    let output = Command::new(built("gleaner").expect("built"))
        .args(["run", "--json", "--ticks", "12", "--config"])
        .arg(&config)
        .arg("--record")
        .arg(&tape)
        .stdin(Stdio::null())
        .output()
        .expect("gleaner starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let config = Config::parse(&text, "gleaner.toml").expect("valid");
    let rules = EngineConfig { lend: Lend::Headroom, ..config.engine };
    let mut engine = Engine::new(rules);
    let (mut decisions, mut glances, mut reports) = (Vec::new(), 0, 0);
    for event in RecordingReader::open(&tape).expect("a recording") {
        let event = event.expect("whole");
        match event.event() {
            Event::Glance(_) => glances += 1,
            Event::Report(_) => reports += 1,
            Event::Reading(_) | Event::Capabilities(..) => {}
        }
        decisions.extend(event.tell(&mut engine).map(|decision| audit::line(&decision)));
    }
    assert!(glances > 5 && reports > 0, "{glances} glances, {reports} reports");
    let told = String::from_utf8(output.stdout).expect("text");
    assert_eq!(decisions, told.lines().collect::<Vec<_>>());
}
