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
use gleaner_qos::verdict::Mode;
use gleaner_tests::acting::{LONG, hands, id, places};
use gleaner_tests::cgroup_rig::CgroupRig;
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
    let open = || {
        AuditFile::open(AuditConfig { path: path.to_owned(), max_bytes: 1 << 20, keep: 1 })
    };
    let mut lines = open();
    let (boxed, config) = (Box::new(clock.clone()), ActorConfig::default());
    let (mut actor, _) = Actor::start(places(rig), hands(), boxed, config, Some(Box::new(open())));
    let mut config = Config::default().engine;
    config.mode = Mode::Evict;
    let mut engine = Engine::new(config);
    for available in [400, 300, 200, 20, 20] {
        let sample = node.sample_after_a_second(available);
        actor.survey(&sample);
        engine.set_capabilities(actor.capabilities());
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

#[test]
fn dump() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("audit.jsonl");
    story(&rig, &path);
    println!("{}", std::fs::read_to_string(&path).unwrap());
    let _ = (built("gleaner"), Command::new("x"));
}
