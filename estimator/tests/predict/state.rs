// SPDX-License-Identifier: Apache-2.0
//! Saved state: restored, it continues as if it had never stopped; anything else is refused.

use crate::machines::{Step, machine, observation, peaks, spec};
use gleaner_estimator::envelope::EnvelopeError;
use gleaner_estimator::predict::{
    Observation, Predictor, PredictorKind, PredictorSpec, StateError,
};
use gleaner_estimator::units::{Ratio, Span};
use proptest::prelude::*;

fn show(predictor: &mut dyn Predictor, step: &Step, calm: bool) {
    predictor.observe(&Observation { calm, ..observation(step.secs, &step.loads) });
}

fn bits(predictor: &dyn Predictor) -> Vec<u64> {
    peaks(predictor).into_iter().map(f64::to_bits).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn restored_is_as_never_stopped(seed: u64, stop in 1..700_usize, secs in prop_oneof![Just(60_u64), Just(300)]) {
        let steps = machine(seed, 1000, secs, 6);
        for kind in PredictorKind::ALL {
            let spec = spec(kind, 1.0);
            let mut kept = spec.build();
            for (at, step) in steps[..stop].iter().enumerate() {
                show(&mut *kept, step, at % 40 < 37);
            }
            let saved = kept.save();
            let mut restored = spec.restore(&saved).expect("what was just saved");
            prop_assert_eq!(bits(&*kept), bits(&*restored));
            for (at, step) in steps.iter().enumerate().skip(stop) {
                show(&mut *kept, step, at % 40 < 37);
                show(&mut *restored, step, at % 40 < 37);
                prop_assert_eq!(bits(&*kept), bits(&*restored), "{} at {}", kind, at);
                for horizon in 0..3 {
                    prop_assert_eq!(kept.score(horizon), restored.score(horizon));
                    prop_assert_eq!(kept.basis(horizon), restored.basis(horizon));
                }
            }
            prop_assert!(kept.save() == restored.save(), "{kind}: other bytes");
        }
    }

    #[test]
    fn arbitrary_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), head: bool) {
        let mut bytes = bytes;
        if head {
            bytes.splice(0..0, *b"GLPS\x01\x00");
        }
        for kind in PredictorKind::ALL {
            prop_assert!(spec(kind, 1.0).restore(&bytes).is_err());
        }
    }

    #[test]
    fn damage_is_noticed(seed: u64, place: prop::sample::Index, flip in 1..=255_u8) {
        let spec = spec(PredictorKind::Calibrated, 1.0);
        let mut predictor = spec.build();
        for step in machine(seed, 20, 300, 3) {
            show(&mut *predictor, &step, true);
        }
        let mut saved = predictor.save();
        let cut = saved[..place.index(saved.len())].to_vec();
        prop_assert!(spec.restore(&cut).is_err());
        let place = place.index(saved.len());
        saved[place] ^= flip;
        prop_assert!(spec.restore(&saved).is_err());
    }
}

fn learned() -> (PredictorSpec, Vec<u8>) {
    let spec = spec(PredictorKind::Calibrated, 1.0);
    let mut predictor = spec.build();
    for step in machine(1, 600, 300, 6) {
        show(&mut *predictor, &step, true);
    }
    (spec, predictor.save())
}

/// A state whose checksum fits but whose content was made up must not be calculated with, nor panic.
#[test]
fn a_forged_state_is_refused_or_harmless() {
    let (spec, saved) = learned();
    let content = saved.len() - 4;
    let steps = machine(2, 3, 300, 6);
    for place in (6..content).step_by(61) {
        let mut forged = saved.clone();
        forged[place] = forged[place].wrapping_add(101);
        let sum = crc32fast::hash(&forged[..content]).to_le_bytes();
        forged[content..].copy_from_slice(&sum);
        if let Ok(mut predictor) = spec.restore(&forged) {
            for step in &steps {
                show(&mut *predictor, step, true);
            }
            assert!(peaks(&*predictor).iter().all(|p| p.is_finite()), "byte {place}");
        }
    }
}

#[test]
fn each_refusal_says_why() {
    let (spec, saved) = learned();
    let refusal = |spec: &PredictorSpec, bytes: &[u8]| match spec.restore(bytes) {
        Ok(_) => panic!("accepted"),
        Err(why) => why,
    };
    assert_eq!(
        refusal(&spec, b"no"),
        StateError::Envelope(EnvelopeError::NotOurs { len: 2, magic: "GLPS".to_owned() })
    );
    let mut newer = saved.clone();
    newer[4] = 9;
    assert_eq!(
        refusal(&spec, &newer),
        StateError::Envelope(EnvelopeError::Version { found: 9, expected: 2 })
    );
    let mut damaged = saved.clone();
    damaged[100] ^= 1;
    assert!(matches!(
        refusal(&spec, &damaged),
        StateError::Envelope(EnvelopeError::Checksum { .. })
    ));
    let longer = PredictorSpec { horizons: vec![Span::from_secs(600)], ..spec.clone() };
    let other = PredictorSpec { kind: PredictorKind::Ema, ..spec };
    for spec in [longer, other] {
        let why = refusal(&spec, &saved);
        assert!(matches!(why, StateError::OtherSettings { .. }), "{why}");
        assert!(why.to_string().contains("calibrated"), "{why}");
    }
}

#[test]
fn another_risk_keeps_what_was_learned() {
    let (spec, saved) = learned();
    let k = |risk: u32| {
        let spec = PredictorSpec { risk: Ratio::from_milli(risk), ..spec.clone() };
        let restored = spec.restore(&saved).expect("only the risk differs");
        let score = restored.score(1).expect("a score");
        assert_eq!(score.asked, Ratio::from_milli(risk));
        assert!(score.since_start.predictions > 500, "{score:?}");
        score.k.expect("calibrated has one")
    };
    assert!(k(5) > k(10) && k(10) > k(50));
}

#[test]
fn a_restored_group_does_not_start_at_its_limits_again() {
    let (spec, saved) = learned();
    let next = Step { secs: 600 * 300, ..machine(1, 600, 300, 6)[599].clone() };
    let (mut restored, mut cold) = (spec.restore(&saved).expect("just saved"), spec.build());
    show(&mut *restored, &next, true);
    show(&mut *cold, &next, true);
    let limit: f64 = next.loads.iter().map(|l| l.limit).sum();
    assert!((cold.peak(1).expect("a peak") - limit).abs() < 1e-9);
    assert!(restored.peak(1).expect("a peak") < 0.9 * limit);
}

/// After a reboot the monotonic clock starts again: what was learned still holds.
#[test]
fn a_reboot_between_save_and_restore_is_survived() {
    let (spec, saved) = learned();
    let mut restored = spec.restore(&saved).expect("just saved");
    let before = restored.score(1).expect("a score").since_start.predictions;
    for (slot, step) in machine(1, 600, 300, 6).into_iter().enumerate().skip(560) {
        show(&mut *restored, &Step { secs: 30 + (slot as u64 - 560) * 300, ..step }, true);
    }
    let limit: f64 = machine(1, 600, 300, 6)[599].loads.iter().map(|l| l.limit).sum();
    assert!(restored.peak(1).expect("a peak") < 0.95 * limit);
    assert!(restored.score(1).expect("a score").since_start.predictions > before + 30);
}
