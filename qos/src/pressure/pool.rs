// SPDX-License-Identifier: Apache-2.0
//! What runs out first: the node's available memory, or what the limit of the containers' root leaves.
//!
//! Each has a rate of fall of its own. A node may build a kernel outside the containers while what is left below their
//! limit does not move, and below a tight limit memory may run out while the node's rate of fall shows nothing of it.

use super::Scene;
use gleaner_estimator::units::{Amount, Bytes, Span, Timestamp};

/// Memory that guaranteed tasks may still need, and how it falls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pool {
    /// When it was read.
    pub(super) at: Timestamp,
    /// Less the cache that guaranteed tasks live on; 0 when nothing is left.
    pub(super) headroom: f64,
    /// The part of that cache that was taken off.
    pub(super) hot: f64,
    /// Bytes lost a second over the short window.
    pub(super) growth: Option<f64>,
    /// Bytes lost over the long window.
    pub(super) lost: Option<f64>,
    /// How long the reading may be behind what is left now.
    pub(super) behind: Span,
    /// What was lost may have been cache that nobody needs.
    pub(super) unclear: bool,
}

/// The one with less headroom; `None` where neither is known.
pub(super) fn nearest(scene: &Scene<'_>) -> Option<Pool> {
    let (node, below) = (of_node(scene)?, below_root(scene));
    Some(below.filter(|below| below.headroom < node.headroom).unwrap_or(node))
}

fn of_node(scene: &Scene<'_>) -> Option<Pool> {
    let (memory, node) = (&scene.config.memory, scene.node);
    let (at, available) = node.available_since(scene.now, scene.config.stale)?;
    let reclaimed = node.cache.reclaimed(available);
    let hot = (scene.tracks.hot_cache().to_base() - reclaimed).max(0.0);
    Some(Pool {
        at,
        headroom: (available.to_base() - hot).max(0.0),
        hot,
        growth: node.memory.growth(memory),
        lost: node.memory.lost(memory),
        behind: Span::default(),
        // Free memory is gone and guaranteed cache is being reclaimed: whether that hurts is for its
        // stall to say, which is seen at once, and what was cold is known with the next sample.
        unclear: reclaimed > 0.0,
    })
}

/// Seen with samples only, so it lags behind by the age of the last one.
fn below_root(scene: &Scene<'_>) -> Option<Pool> {
    let (memory, node) = (&scene.config.memory, scene.node);
    let (at, left) =
        node.room.filter(|(at, _)| scene.now.since(*at) <= Some(scene.config.stale))?;
    let hot = scene.tracks.hot_cache().to_base();
    Some(Pool {
        at,
        headroom: (left.to_base() - hot).max(0.0),
        hot,
        growth: node.below_root.growth(memory),
        lost: node.below_root.lost(memory),
        behind: scene.now.since(at).unwrap_or_default(),
        unclear: false,
    })
}

/// What the limit of the containers' root leaves beside these working sets; `None` where the node is the limit. Page
/// cache is not usage.
pub(crate) fn room(capacity: Bytes, total: Option<Bytes>, used: Option<Bytes>) -> Option<Bytes> {
    let used = used.filter(|_| total.is_some_and(|total| capacity < total))?;
    Some(capacity.less(used))
}
