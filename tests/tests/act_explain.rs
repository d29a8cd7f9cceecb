// SPDX-License-Identifier: Apache-2.0
//! `gleaner explain` on an audit file that the engine and the actor wrote while a node ran out of memory.

use gleaner_act::actor::{Actor, ActorConfig};
use gleaner_act::audit::{AuditConfig, AuditFile};
use gleaner_act::clock::Clock;
use gleaner_engine::Engine;
use gleaner_engine::audit;
use gleaner_engine::config::Config;
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::sample::TaskId;
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_qos::verdict::Mode;
use gleaner_tests::acting::{LONG, hands, id, places};
use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::gleaner::Gleaner;
use gleaner_tests::load::{Load, Work};
use gleaner_tests::programs::built;
use gleaner_tests::shortage::{ManualClock, Shortage};
use gleaner_tests::wait_until;
use std::path::Path;
use std::process::Command;

/// Runs a node into a shortage and through an eviction; the audit file tells of it.
fn story(rig: &CgroupRig, path: &Path) -> TaskId {
    let group = rig.group("batch").expect("a group");
    let _load = Load::start(&Work::Idle, &group).expect("a load starts");
    let clock = ManualClock::default();
    let other = TaskId { name: "made-up/other".into(), inode: 5 };
    let mut node = Shortage::new(&clock, &[id(&group), other]);
    let open =
        || AuditFile::open(AuditConfig { path: path.to_owned(), max_bytes: 1 << 20, keep: 1 });
    let mut lines = open();
    let (boxed, config) = (Box::new(clock.clone()), ActorConfig::default());
    let (mut actor, _) = Actor::start(places(rig), hands(), boxed, config, Some(Box::new(open())));
    let mut config = Config::default().engine;
    config.mode = Mode::Evict;
    let mut engine = Engine::new(config);
    // The same on every layout.
    let works = |can: Capabilities, actuator| can.with(actuator, Ability::Works);
    let can = [Actuator::StandingClass, Actuator::Evict];
    engine.set_capabilities(can.into_iter().fold(Capabilities::none(), works));
    for available in [400, 300, 200, 20, 20] {
        let sample = node.sample_after_a_second(available);
        let (at, wall_ms) = (sample.at, clock.wall_ms());
        let decision = engine.tick(Reading { at, wall_ms, body: Body::Fresh(&sample) });
        assert!(lines.append(&audit::line(&decision)));
        let mut reports =
            actor.apply(decision.tick, &sample, &decision.verdict, decision.mode, sample.at);
        while actor.next_poll().is_some() {
            reports.extend(wait_until("a report", LONG, || {
                let reports = actor.poll();
                (!reports.is_empty() || actor.next_poll().is_none()).then_some(reports)
            }));
        }
        for report in &reports {
            engine.report(report);
        }
    }
    id(&group)
}

/// What the program says, with names of this run's own groups and measured numbers made the same.
fn explained(path: &Path, victim: &TaskId, arguments: &[&str]) -> String {
    let output = Command::new(built("gleaner").expect("it is built"))
        .arg("explain")
        .args(arguments)
        .arg("--file")
        .arg(path)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let text = text.replace(&*victim.name, "batch");
    let lines = text.lines().map(|line| match (line.split_once("; "), line.split_once(" by ")) {
        // How much came back and which means this kernel has differ from run to run.
        (Some((before, _)), _) => {
            format!("{}; … came back", before.split(" by ").next().unwrap_or(before))
        }
        (None, Some((before, _))) => format!("{before} by …"),
        // The width of a column depends on the length of names.
        (None, None) => line
            .split("  ")
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("  "),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_eviction_is_explained_from_measurement_to_relief() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("audit.jsonl");
    let victim = story(&rig, &path);
    let last = explained(&path, &victim, &["last"]);
    insta::assert_snapshot!(last);
    assert_eq!(explained(&path, &victim, &[]), last, "last is what is meant");
    assert_eq!(explained(&path, &victim, &["4"]), last, "by its number");
    let end = victim.name.rsplit('/').next().expect("a name has an end");
    assert_eq!(explained(&path, &victim, &[end]), last, "by the cgroup");
    assert!(explained(&path, &victim, &["1"]).contains("standing_class batch, for cpu: standing"));
}

#[test]
fn what_is_not_in_the_file_is_said() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("audit.jsonl");
    std::fs::write(&path, "{\"tick\":1,\"wa").expect("room");
    for (which, expected) in
        [("last", "no decision at all"), ("7", "no decision 7"), ("x", "\"x\"")]
    {
        let output = Command::new(built("gleaner").expect("it is built"))
            .args(["explain", which, "--file"])
            .arg(&path)
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(66), "{which}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(expected) && said.contains("audit.jsonl"), "{said}");
    }
}

#[test]
fn without_an_audit_file_the_daemon_is_asked() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let top = rig.group("run").expect("a group");
    let [_service, batch] = ["svc", "be-one"].map(|name| top.child(name).expect("a group"));
    let _load = Load::start(&Work::Idle, &batch).expect("a load starts");
    let daemon = Gleaner::start(&top, "squeeze", "");
    daemon.wait_for("standing_class", "/be-one", "done");
    let address = daemon.address().to_string();
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(built("gleaner").expect("it is built"));
        let output = command.arg("explain").args(arguments).args(["--url", &address]).output();
        let output = output.expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).expect("text"))
    };
    let (code, told) = wait_until("it tells of it", LONG, || {
        let (code, told) = ask(&[]);
        told.contains("done by").then_some((code, told))
    });
    let (story, from) = told.rsplit_once("\n\n").expect("a last paragraph");
    assert_eq!(code, Some(0));
    assert!(from.contains(&address) && from.contains("audit.file"), "{from}");
    let first = daemon.explain("last");
    assert_eq!(story.trim_end(), first.trim_end(), "the same as from the file");
    assert_eq!(ask(&["be-one"]).1, told, "by the cgroup");
    let json: serde_json::Value =
        serde_json::from_str(&ask(&["be-one", "--json"]).1).expect("JSON");
    let number = json["tick"].as_u64().expect("a number").to_string();
    assert_eq!(ask(&[&number]).1, told, "by its number");
    for (which, expected) in [("be-two", "\"be-two\""), ("99999", "99999")] {
        let (code, said) = ask(&[which]);
        assert_eq!(code, Some(66), "{said}");
        assert!(said.contains(expected) && said.contains("audit.file"), "{said}");
    }
}
