// SPDX-License-Identifier: Apache-2.0
//! IO stories: what a service waits for by itself is learned, and what best-effort adds is answered.

mod rig;

use gleaner_estimator::reason::Resource;
use gleaner_qos::level::Level;
use gleaner_qos::probe::ProbeVerdict;
use gleaner_qos::verdict::Reason;
use rig::{Job, Rig, best_effort, guaranteed};

/// A service that stalls a tenth of its time by itself, and most of it while anybody else is at the disk.
fn one_disk(jobs: &mut [Job]) {
    let at_disk = |j: &Job| j.is_best_effort() && !j.is_frozen() && j.stall_io > 0.0;
    let busy = jobs.iter().any(at_disk);
    for job in jobs.iter_mut().filter(|j| !j.is_best_effort()) {
        job.stall_io = if busy { 0.7 } else { 0.1 };
    }
}

/// A best-effort task that is at the disk nearly all the time.
fn copier() -> Job {
    let mut copier = best_effort("copier", 0.1, 20.0);
    copier.stall_io = 0.9;
    copier
}

fn reasons(rig: &Rig) -> Vec<Reason> {
    let harsh = |e: &&rig::Entry| {
        e.correction.resource() == Resource::Io && !e.correction.action().releases()
    };
    rig.log.iter().filter(harsh).map(|e| e.correction.why().reason).collect()
}

#[test]
fn io_harm_is_limited_then_proved_then_frozen() {
    let mut rig = Rig::new(vec![guaranteed("db", 0.5, 300.0)]);
    rig.physics = one_disk;
    rig.run(30_000);
    rig.add(copier());
    rig.run(20_000);
    let want = [Reason::Standing, Reason::Strained, Reason::Probe, Reason::Proved];
    assert_eq!(reasons(&rig)[..4], want, "\n{}", rig.story());
    let frozen = rig.log.iter().find(|e| e.correction.why().reason == Reason::Proved);
    let proof = frozen.and_then(|e| e.correction.why().proof.clone());
    assert_eq!(proof.map(|p| p.verdict), Some(ProbeVerdict::Caused));
}

#[test]
fn a_service_that_is_never_alone_is_known_from_when_nobody_else_is_at_the_disk() {
    let mut rig = Rig::new(vec![best_effort("spinner", 0.1, 20.0), guaranteed("db", 0.5, 300.0)]);
    rig.physics = one_disk;
    rig.run(30_000);
    assert_eq!(rig.assessment().of(Resource::Io).level, Level::Calm, "\n{}", rig.story());
    rig.add(copier());
    rig.run(20_000);
    assert!(reasons(&rig).contains(&Reason::Strained), "\n{}", rig.story());
    let on_spinner = |e: &rig::Entry| {
        e.correction.task().name.as_ref() == "spinner"
            && e.correction.why().reason != Reason::Standing
    };
    assert!(
        !rig.log.iter().any(on_spinner),
        "who is not at the disk is left alone\n{}",
        rig.story()
    );
}

#[test]
fn what_a_service_shows_beside_a_busy_disk_is_not_learned_as_its_own() {
    let mut rig = Rig::new(vec![copier(), guaranteed("db", 0.5, 300.0)]);
    rig.physics = one_disk;
    rig.run(60_000);
    let io = rig.assessment().reading(gleaner_qos::signal::Signal::IoStallExcess);
    assert_eq!(io.value, None, "\n{}", rig.story());
}
