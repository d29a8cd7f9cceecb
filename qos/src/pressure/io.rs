// SPDX-License-Identifier: Apache-2.0
//! IO harm: IO stall of a guaranteed task beyond what it shows by itself at its CPU use.

use super::{Readings, Scene, put};
use crate::signal::{Ignored, Reading, Signal, Worst};
use crate::track::field;

pub(super) fn judge(scene: &mut Scene<'_>, readings: &mut Readings) {
    let (config, now) = (scene.config, scene.now);
    let view = scene.node.cpu(config.io.window, now);
    let stolen = view.stolen(&config.cpu);
    let away = scene.best_effort.active == 0;
    let cores = scene.node.cores;
    let mut worst = Worst::default();
    if scene.tracks.len() == 0 {
        // Nobody was promised anything, so nobody is harmed.
        worst.take(0.0, now, None);
    }
    for track in scene.tracks.iter_mut() {
        let Some(d) = track.over(config.io.window, now, &[field::STALL_IO, field::CPU]) else {
            continue;
        };
        let (Some(stall), Some(used)) = (d.share(field::STALL_IO), d.share(field::CPU)) else {
            continue;
        };
        let scale = track.scale(cores);
        if away {
            let due =
                track.learned[1].is_none_or(|at| d.at().since(at).is_some_and(|s| s >= d.span));
            if due && !stolen {
                track.io_alone.learn(used, scale, stall.min(1.0));
                track.learned[1] = Some(d.at());
            }
            worst.take(0.0, d.at(), None);
        } else if let Some(alone) = track.io_alone.at(used, scale) {
            worst.take((stall - alone).max(0.0), d.at(), Some(&track.task.id));
        }
    }
    if view.steal.is_none() {
        // Without the guard a number means nothing.
        return;
    }
    let ignored = stolen.then_some(Ignored::Steal);
    put(readings, Reading::judged(Signal::IoStallExcess, worst, config, ignored));
}
