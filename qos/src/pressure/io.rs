// SPDX-License-Identifier: Apache-2.0
//! IO harm: IO stall of a guaranteed task beyond what it shows by itself at its CPU use.
//!
//! What it shows by itself is learned while best-effort is gone, frozen, or not at a disk: a node that is never without
//! best-effort work would otherwise never know. Who dirties pages waits for nothing until the kernel makes it wait, and its
//! write-back is learned as the service's own until then: that hides harm, it does not invent it.

use super::{Readings, Scene, put};
use crate::baseline::Alone;
use crate::signal::{Ignored, Reading, Signal, Worst};
use crate::track::field;
use crate::window::Delta;

/// CPU use and IO stall of a window.
fn stall(d: &Delta<'_, { field::COUNT }>) -> Option<Alone> {
    let (stall, cores) = (d.stall(field::STALL_IO)?, d.share(field::CPU)?);
    Some(Alone { at: d.at(), span: d.span, cores, stall })
}

pub(super) fn judge(scene: &mut Scene<'_>, readings: &mut Readings) {
    let (config, now) = (scene.config, scene.now);
    let view = scene.node.cpu(config.io.window, now);
    let stolen = view.stolen(&config.cpu);
    let away = scene.best_effort.active == 0;
    let alone = |d: &Alone| {
        let off_disk = scene.best_effort.off_disk.and_then(|since| d.at.since(since));
        !stolen && off_disk.is_some_and(|time| time >= d.span)
    };
    let cores = scene.node.cores;
    let mut worst = Worst::default();
    if scene.tracks.len() == 0 {
        // Nobody was promised anything, so nobody is harmed.
        worst.take(0.0, now, None);
    }
    for track in scene.tracks.iter_mut() {
        let d = track.over(config.io.window, now, &[field::STALL_IO, field::CPU]);
        let Some(seen) = d.as_ref().and_then(stall) else { continue };
        let scale = track.scale(cores);
        if alone(&seen) {
            track.io_alone.learn(seen, scale);
        }
        if away {
            worst.take(0.0, seen.at, None);
        } else if let Some(own) = track.io_alone.at(seen.cores, scale) {
            worst.take((seen.stall - own).max(0.0), seen.at, Some(&track.task.id));
        }
    }
    if view.steal.is_none() {
        // Without the guard a number means nothing.
        return;
    }
    let ignored = stolen.then_some(Ignored::Steal);
    put(readings, Reading::judged(Signal::IoStallExcess, worst, config, ignored));
}
