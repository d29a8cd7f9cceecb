// SPDX-License-Identifier: Apache-2.0
//! What must hold at every moment of a simulated run: one check for each promise, each with its name.

mod acts;
mod harm;
mod holds;
mod lending;

use super::ask::Asked;
use super::host::Host;
use super::kernel::Kernel;
use super::scene::{Scene, Weather};
use gleaner_engine::config::EngineConfig;
use gleaner_estimator::sample::Sample;
use gleaner_estimator::units::Timestamp;
use gleaner_qos::capability::Capabilities;

/// A moment between two ticks.
pub(super) struct Moment<'a> {
    pub(super) kernel: &'a Kernel,
    pub(super) host: &'a Host,
    pub(super) scene: &'a Scene,
}

/// One tick, before the host acts on it.
pub(super) struct Ticked<'a> {
    pub(super) kernel: &'a Kernel,
    pub(super) host: &'a Host,
    pub(super) scene: &'a Scene,
    /// What the engine could use; `None` when reading failed or was refused.
    pub(super) sample: Option<&'a Sample>,
    pub(super) asked: &'a Asked,
    pub(super) can: &'a Capabilities,
    /// The clock of readings.
    pub(super) at: Timestamp,
}

impl Ticked<'_> {
    pub(super) fn now(&self) -> f64 {
        self.kernel.now()
    }

    pub(super) fn config(&self) -> &EngineConfig {
        &self.scene.config
    }
}

/// What has gone wrong, in one sentence.
pub(super) type Verdict = Result<(), String>;

/// One promise.
pub(super) trait Check {
    fn name(&self) -> &'static str;

    /// Looks at the node between ticks.
    fn moment(&mut self, _: &Moment<'_>) -> Verdict {
        Ok(())
    }

    /// Looks at a tick.
    fn tick(&mut self, _: &Ticked<'_>) -> Verdict {
        Ok(())
    }

    /// The clock of readings has jumped, or time has passed unseen: what is counted in time starts over.
    fn jumped(&mut self) {}
}

/// All checks of a run.
pub(super) fn all() -> Vec<Box<dyn Check>> {
    vec![
        Box::new(acts::OnlyBestEffort),
        Box::new(acts::Identity),
        Box::new(acts::NoReading),
        Box::new(acts::Possible),
        Box::new(acts::Moded),
        Box::new(acts::Budgeted::default()),
        Box::new(harm::Justified),
        Box::new(harm::Answered::default()),
        Box::new(holds::Thawed::default()),
        Box::new(holds::LetGo::default()),
        Box::new(holds::Standing::default()),
        Box::new(holds::Undone::default()),
        Box::new(lending::Offers::default()),
    ]
}

/// Whether nothing goes wrong in this run but what best-effort does.
fn is_clean(scene: &Scene) -> bool {
    scene.weather != Weather::Faulty
}
