// SPDX-License-Identifier: Apache-2.0
//! Policies beside the live one: each decides as if it were live, none touches it, and none acts.

mod common;

use common::{Script, config, scripted, tick};
use gleaner_engine::config::{EngineConfig, ShadowConfig};
use gleaner_engine::reading::{Body, Reading};
use gleaner_engine::shadows::{ShadowScore, Shadows};
use gleaner_engine::{Engine, audit};
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Class, Sample};
use gleaner_estimator::units::Ratio;
use gleaner_qos::verdict::Mode;

/// Two days of five-minute samples with a burst now and then, and best-effort work beside it.
fn samples() -> Vec<Sample> {
    let mut script = Script::new();
    let sample = |n: u64| {
        let burst = if n.is_multiple_of(97) { 6_000 } else { 0 };
        let web = scripted("web", Class::Guaranteed, 8_000, 1_000 + 137 * (n % 7) + burst);
        let batch = scripted("batch", Class::BestEffort, 2_000, 900);
        script.advance(300, 300, &[web, batch])
    };
    (0..2 * 288).map(sample).collect()
}

fn reading(sample: &Sample) -> Reading<'_> {
    Reading { at: sample.at, wall_ms: 0, body: Body::Fresh(sample) }
}

fn live() -> EngineConfig {
    let mut live = config(PredictorKind::Calibrated);
    live.mode = Mode::Evict;
    live.stale_after = gleaner_estimator::units::Span::from_secs(900);
    live
}

fn shadow(name: &str, change: impl Fn(&mut EngineConfig)) -> ShadowConfig {
    let mut engine = live();
    change(&mut engine);
    ShadowConfig { name: name.to_owned(), engine }
}

fn policies() -> Vec<ShadowConfig> {
    let bold = |engine: &mut EngineConfig| {
        engine.cpu.predictor.risk = Ratio::from_milli(100);
    };
    let sigma = |engine: &mut EngineConfig| {
        engine.cpu.predictor.kind = PredictorKind::NSigma;
        engine.cpu.predictor.parameters.sigma = 0.5;
    };
    vec![shadow("bold", bold), shadow("sigma", sigma)]
}

#[test]
fn a_shadow_scores_as_if_it_were_live() {
    let (policies, live) = (policies(), live());
    let mut shadows = Shadows::new(&policies, &live);
    assert_eq!(shadows.scores().count(), 0, "nothing before the first reading");
    let mut as_live: Vec<Engine> =
        policies.iter().map(|shadow| Engine::new(shadow.engine.clone())).collect();
    let mut last = Vec::new();
    for sample in samples() {
        shadows.tick(reading(&sample));
        last = as_live.iter_mut().map(|engine| tick(engine, &sample)).collect();
    }
    let scores: Vec<ShadowScore> = shadows.scores().collect();
    let horizons = live.cpu.predictor.horizons.len();
    assert_eq!(scores.len(), policies.len() * 2 * horizons);
    for (policy, decision) in policies.iter().zip(&last) {
        let cpu =
            |score: &&ShadowScore| score.policy == policy.name && score.resource == Resource::Cpu;
        let told: Vec<_> = scores.iter().filter(cpu).map(|score| Some(score.score)).collect();
        assert_eq!(told, decision.cpu.scores[..horizons]);
        assert!(told.iter().flatten().any(|score| score.since_start.predictions > 100));
    }
    let violations = |name: &str| -> u64 {
        let of = scores.iter().filter(|score| score.policy == name);
        of.map(|score| score.score.since_start.violations).sum()
    };
    assert!(violations("sigma") > violations("bold"), "they are told apart");
    assert_eq!(shadows.names().collect::<Vec<_>>(), ["bold", "sigma"]);
}

#[test]
fn a_shadow_never_acts_and_the_live_policy_does_not_notice_it() {
    let mut shadows = Shadows::new(&policies(), &live());
    let (mut beside, mut alone) = (Engine::new(live()), Engine::new(live()));
    for sample in samples() {
        let with = tick(&mut beside, &sample);
        shadows.tick(reading(&sample));
        assert_eq!(audit::line(&with), audit::line(&tick(&mut alone, &sample)));
        for (name, decision) in shadows.decisions() {
            assert_eq!(decision.mode, Mode::Observe, "{name}");
            assert!(decision.verdict.corrections.iter().all(|one| one.is_would()), "{name}");
        }
    }
}

#[test]
fn a_reload_keeps_what_an_unchanged_policy_has_learned() {
    let live = live();
    let mut shadows = Shadows::new(&policies(), &live);
    for sample in samples() {
        shadows.tick(reading(&sample));
    }
    let before: Vec<ShadowScore> = shadows.scores().collect();
    let mut changed = policies();
    changed.reverse();
    changed[1].engine.cpu.predictor.risk = Ratio::from_milli(20);
    changed.push(shadow("third", |_| {}));
    let after = shadows.follow(&changed, &live);
    assert_eq!(after.names().collect::<Vec<_>>(), ["sigma", "bold", "third"]);
    let kept: Vec<ShadowScore> = after.scores().collect();
    let sigma: Vec<ShadowScore> =
        before.into_iter().filter(|score| score.policy == "sigma").collect();
    assert_eq!(kept, sigma, "and who changed starts cold");
}
