// SPDX-License-Identifier: Apache-2.0
//! What may happen in one step: any reading, any accident, any answer of the host.

use super::TASKS;
use proptest::prelude::*;

/// What one step does to one task.
#[derive(Clone, Copy, Debug)]
pub struct Shake {
    /// Busy, waiting, stalled, in per mille of the step.
    pub(super) busy: u16,
    pub(super) wait: u16,
    pub(super) stall: u16,
    /// Change of the working set, MiB.
    pub(super) grow: i16,
    /// 0: a counter resets; 1, 2: something is unreadable; 3: it is missing from this reading.
    pub(super) odd: u8,
}

/// One reading, or one accident.
#[derive(Clone, Debug)]
pub struct Step {
    pub(super) ms: u64,
    /// 0 to 5: sample; 6 to 11: glance; 12: gap; 13: the clock goes back.
    pub(super) kind: u8,
    pub(super) steal: u8,
    pub(super) shakes: [Shake; TASKS],
    /// How the host answers: 0 to 5 done, 6 no effect, 7 failed, 8 silence.
    pub(super) host: u8,
    pub(super) gone: bool,
    pub(super) reborn: u8,
}

fn shake() -> impl Strategy<Value = Shake> {
    let part = prop_oneof![0_u16..50, 0_u16..1_500];
    (part.clone(), part.clone(), part, -200_i16..400, 0_u8..40)
        .prop_map(|(busy, wait, stall, grow, odd)| Shake { busy, wait, stall, grow, odd })
}

fn step() -> impl Strategy<Value = Step> {
    let ms = prop_oneof![Just(100_u64), Just(1_000), 1_u64..3_000, 1_u64..400_000];
    let shakes = prop::array::uniform6(shake());
    (ms, 0_u8..14, 0_u8..12, shakes, 0_u8..9, any::<bool>(), 0_u8..40).prop_map(
        |(ms, kind, steal, shakes, host, gone, reborn)| Step {
            ms,
            kind,
            steal,
            shakes,
            host,
            gone,
            reborn,
        },
    )
}

/// A run.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..120)
}
