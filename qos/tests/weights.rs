// SPDX-License-Identifier: Apache-2.0
//! What is shown to those who look is what is decided by: the order made from the weights is that of the verdict.

mod rig;

use gleaner_estimator::reason::Resource;
use gleaner_qos::rank::Candidate;
use gleaner_qos::verdict::{Action, Verdict};
use gleaner_qos::weights::Weights;
use rig::{Rig, best_effort, guaranteed};

/// A tick whose weights are taken between the readings and the decision.
fn tick(rig: &mut Rig) -> (Weights, Verdict) {
    let sample = rig.sample();
    rig.tracker.update(&sample);
    let usage = rig.tracker.usage().clone();
    let assessment = rig.controller.assess(&sample, &usage);
    let weights = rig.controller.weigh(&sample, &usage);
    let verdict = rig.controller.decide(&sample, &usage, &assessment, rig.mode, &rig.can);
    (weights, verdict)
}

#[test]
fn who_is_shown_first_is_evicted_first_and_everybody_stands_where_the_verdict_has_them() {
    let named = |name: &str, priority: i32, tenant: &str, grows: f64| {
        let mut job = best_effort(name, 0.2, 200.0).started(1).task(|t| {
            (t.priority, t.tenant) = (priority, Some(tenant.to_owned()));
        });
        job.grows = grows;
        job
    };
    let mut rig = Rig::new(vec![
        guaranteed("web", 0.4, 300.0),
        named("a", 0, "one", 400.0),
        named("b", 0, "two", 40.0),
        named("c", -1, "one", 4.0),
        named("d", 0, "one", 300.0),
    ]);
    let mut evicted = 0;
    for _ in 0..60 {
        rig.advance(250);
        let (weights, verdict) = tick(&mut rig);
        for c in verdict.corrections.iter().filter(|c| c.action() == Action::Evict) {
            let ranking = weights.ranking(c.resource());
            assert_eq!(ranking, verdict.candidates);
            assert_eq!(ranking.first().map(|first: &Candidate| &first.task), Some(c.task()));
            rig.jobs.retain(|job| job.task.id != *c.task());
            evicted += 1;
        }
    }
    assert!(evicted > 0, "memory ran out and nobody went");
    let (weights, _) = tick(&mut rig);
    let best_effort = rig.jobs.iter().filter(|job| job.is_best_effort()).count();
    for resource in Resource::ALL {
        assert_eq!(weights.ranking(resource).len(), best_effort);
    }
}
