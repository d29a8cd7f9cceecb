// SPDX-License-Identifier: Apache-2.0
//! Keeping what was learned: the same later decisions as never having stopped, or a cold start with a reason.

mod common;

use common::{Script, config, scripted, tick};
use gleaner_engine::Engine;
use gleaner_engine::decision::Health;
use gleaner_engine::learned::{LearnedError, Origin};
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::reason::Bound;
use gleaner_estimator::sample::{Class, Sample};
use gleaner_estimator::units::Span;

const HOUR: Span = Span::from_secs(3600);

fn origin(node: &str, wall_s: u64) -> Origin {
    Origin { node: node.to_owned(), wall_ms: wall_s * 1000 }
}

fn next(script: &mut Script, n: u64) -> Sample {
    let web = scripted("web", Class::Guaranteed, 8_000, 1_000 + 137 * (n % 7));
    script.advance(1, 300, &[web, scripted("old", Class::Guaranteed, 2_000, 900)])
}

fn warm() -> (Engine, Script) {
    let (mut engine, mut script) = (Engine::new(config(PredictorKind::Calibrated)), Script::new());
    for n in 0..700 {
        tick(&mut engine, &next(&mut script, n));
    }
    (engine, script)
}

#[test]
fn a_restart_predicts_as_if_it_had_never_stopped() {
    let (mut running, mut script) = warm();
    let saved = running.learned(origin("n1", 1_000));
    let mut resumed =
        Engine::resume(config(PredictorKind::Calibrated), &saved, &origin("n1", 1_003), HOUR)
            .expect("fresh state of this node");
    for n in 700..1_400 {
        let sample = next(&mut script, n);
        let (a, b) = (tick(&mut running, &sample), tick(&mut resumed, &sample));
        if n == 700 {
            assert_eq!(b.cpu.offer.bound, Bound::Cold, "the first sample has no rates");
            continue;
        }
        assert_eq!(b.health, Health::Fresh, "the warm-up is skipped");
        // The missed rate of the first sample may differ inside the open slot only.
        if n >= 1_100 {
            assert_eq!(a.cpu.peaks, b.cpu.peaks, "tick {n}");
            assert_eq!(a.memory.peaks, b.memory.peaks, "tick {n}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_with_its_reason() {
    let (engine, _) = warm();
    let saved = engine.learned(origin("n1", 100_000));
    let resume = |bytes: &[u8], here: Origin, kind| {
        Engine::resume(config(kind), bytes, &here, HOUR).err().expect("refused")
    };
    let same = PredictorKind::Calibrated;
    let other = resume(&saved, origin("n2", 100_001), same);
    assert!(matches!(other, LearnedError::OtherNode { .. }), "{other}");
    let old = resume(&saved, origin("n1", 103_601), same);
    assert_eq!(old.to_string(), "the state is 60 min old, more than the 60 min allowed");
    let future = resume(&saved, origin("n1", 99_000), same);
    assert!(matches!(future, LearnedError::Future { .. }), "{future}");
    let settings = resume(&saved, origin("n1", 100_001), PredictorKind::Max);
    assert!(matches!(settings, LearnedError::Predictor(_)), "{settings}");
    for cut in [0, 3, 10, saved.len() / 2, saved.len() - 1] {
        let torn = resume(&saved[..cut], origin("n1", 100_001), same);
        assert!(matches!(torn, LearnedError::Envelope(_)), "{torn}");
    }
    let mut flipped = saved.clone();
    flipped[saved.len() / 2] ^= 1;
    assert!(matches!(resume(&flipped, origin("n1", 100_001), same), LearnedError::Envelope(_)));
}
