// SPDX-License-Identifier: Apache-2.0
//! Checks of harm: nothing harsh without it, and none that lasts.

use super::{Check, Moment, Ticked, Verdict, is_clean};
use crate::sim::ask::Ask;
use crate::sim::scene::Weather;
use gleaner_engine::decision::Mode;
use gleaner_estimator::reason::Resource;
use gleaner_qos::capability::Actuator;
use gleaner_qos::verdict::Action;

/// How long a harm may have been over when it is answered, seconds: it was measured, judged and proved first.
const PROVED_WITHIN: f64 = 15.0;
/// The same for memory, which is judged at once.
const FELT_WITHIN: f64 = 3.0;

/// Freezes and evictions answer a harm that is really there, or memory that really runs out.
pub(super) struct Justified;

impl Justified {
    fn is_just(t: &Ticked<'_>, ask: &Ask) -> bool {
        let (now, truth) = (t.now(), &t.kernel.truth);
        match ask.resource {
            Resource::Cpu => truth.cpu.ago(now) <= PROVED_WITHIN,
            Resource::Io => truth.io.ago(now) <= PROVED_WITHIN,
            Resource::Memory => {
                let runs_out = Self::room(t) < Self::soon(t);
                runs_out || truth.memory.ago(now) <= FELT_WITHIN || Self::thaws_to_the_edge(t, ask)
            }
        }
    }

    /// A grower whose freeze is about to end while little is left: it stands still only because it is held.
    fn thaws_to_the_edge(t: &Ticked<'_>, ask: &Ask) -> bool {
        let held =
            t.kernel.tasks.iter().any(|x| x.task.id == ask.task && x.carried.frozen.is_some());
        let ample = t.config().qos.memory.ample * t.kernel.size.memory;
        held && ask.action == Action::Evict && t.kernel.truth.room < ample
    }

    /// MiB that are taken before a victim's memory can be back, and a little.
    fn soon(t: &Ticked<'_>) -> f64 {
        let batch = t.kernel.tasks.iter().filter(|x| x.is_best_effort());
        let largest = batch.map(|x| x.held).fold(0.0, f64::max);
        let kill = t.config().qos.memory.kill_per_gib.secs() * largest / 1_024.0;
        let growth = t.kernel.truth.growth.max(0.005 * t.kernel.size.memory);
        growth * (1.0 + kill)
    }

    /// MiB that can be taken before a service loses what it needs. Nobody but the truth knows which of its cache it needs:
    /// only in calm weather must that have been found out.
    fn room(t: &Ticked<'_>) -> f64 {
        let services = t.kernel.tasks.iter().filter(|x| x.is_guaranteed());
        let cold: f64 = services.map(|x| x.cold).sum();
        t.kernel.truth.room - if t.scene.weather == Weather::Calm { 0.0 } else { cold }
    }
}

impl Check for Justified {
    fn name(&self) -> &'static str {
        "only measured harm"
    }

    fn tick(&mut self, t: &Ticked<'_>) -> Verdict {
        let harsh = |ask: &&Ask| ask.action == Action::Evict || ask.is_long_freeze();
        for ask in t.asked.asks.iter().filter(harsh) {
            if !Self::is_just(t, ask) {
                let truth = &t.kernel.truth;
                return Err(format!(
                    "{} of {} over {} for nothing ({}, {:?}); in truth room {:.0} MiB, growth {:.0} MiB/s",
                    ask.action.word(),
                    ask.task.name,
                    ask.resource.word(),
                    ask.reason.word(),
                    ask.value,
                    truth.room,
                    truth.growth,
                ));
            }
        }
        Ok(())
    }
}

/// Longest gross harm while everything works, seconds, CPU, memory, IO: at least, and for each best-effort task. They
/// are taken one after another, each after three freezes that were each proved; memory waits for nobody.
const LASTS: [(f64, f64); 3] = [(45.0, 20.0), (5.0, 2.0), (45.0, 20.0)];

/// Gross harm by best-effort ends, where anything can be known about it.
#[derive(Default)]
pub(super) struct Answered {
    /// Since when it can be, seconds.
    known: [Option<f64>; 3],
    /// Most best-effort tasks so far.
    crowd: usize,
}

impl Check for Answered {
    fn name(&self) -> &'static str {
        "harm is answered"
    }

    fn moment(&mut self, m: &Moment<'_>) -> Verdict {
        let needs = [Actuator::StandingClass, Actuator::Freeze, Actuator::Evict];
        let works = needs.iter().all(|a| m.host.really_works(*a));
        if !works || !is_clean(m.scene) || m.scene.config.mode != Mode::Evict {
            return Ok(());
        }
        let (now, truth) = (m.kernel.now(), &m.kernel.truth);
        let harms = [&truth.cpu, &truth.memory, &truth.io];
        self.crowd = self.crowd.max(m.kernel.tasks.iter().filter(|t| t.is_best_effort()).count());
        let crowd = self.crowd as f64;
        for (i, (harm, (least, each))) in harms.iter().zip(LASTS).enumerate() {
            let since = harm.gross_since.zip(self.known[i]).map(|(a, b)| a.max(b));
            let lasted = since.map_or(0.0, |since| now - since);
            if lasted > least + each * crowd {
                let word = Resource::ALL[i].word();
                return Err(format!("gross {word} harm for {lasted:.1} s"));
            }
        }
        Ok(())
    }

    fn tick(&mut self, t: &Ticked<'_>) -> Verdict {
        for (known, unknown) in self.known.iter_mut().zip(t.asked.unknown) {
            *known = if unknown { None } else { known.or(Some(t.now())) };
        }
        Ok(())
    }
}
