// SPDX-License-Identifier: Apache-2.0
//! One run of one seed: time passes, readings are taken, ticks are made and checked, the host acts, the scheduler lends.

use super::ask::Asked;
use super::checks::{self, Check, Moment, Ticked};
use super::dice::Dice;
use super::faults::Fault;
use super::host::Host;
use super::kernel::Kernel;
use super::knob::Knob;
use super::sabotage::{Sabotage, Saboteur};
use super::scene::{Scene, Weather};
use super::scheduler::Scheduler;
use super::story::Story;
use gleaner_engine::Engine;
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::sample::{Sample, TaskId};
use gleaner_estimator::units::Timestamp;
use gleaner_qos::verdict::{Action, Reason};

/// What is run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// Simulated seconds.
    pub secs: u64,
    /// How rough it gets.
    pub weather: Weather,
    /// Names that sort the other way round, so that every list of tasks is in another order.
    pub reversed: bool,
    /// A promise that the engine breaks.
    pub sabotage: Option<Sabotage>,
    /// A number of the configuration that is set to another value.
    pub knob: Option<(Knob, f64)>,
    /// Whether broken promises are only counted.
    pub lenient: bool,
    /// Whether every decision is hashed.
    pub digest: bool,
    /// Whether the whole story is kept, or only its end.
    pub story: bool,
}

impl Plan {
    /// A run of this seed.
    #[must_use]
    pub fn new(seed: u64, secs: u64) -> Self {
        Self {
            seed,
            secs,
            weather: Weather::of(seed),
            reversed: false,
            sabotage: None,
            knob: None,
            lenient: false,
            digest: false,
            story: false,
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Ticks, and those that offered CPU.
    pub ticks: u64,
    /// Ticks that offered CPU.
    pub offering: u64,
    /// Best-effort tasks started because something was offered.
    pub lent_to: u64,
    /// Freezes for a probe, tasks counted.
    pub probes: u64,
    /// Freezes beyond probes.
    pub freezes: u64,
    /// Evictions.
    pub evictions: u64,
    /// Quotas, `memory.high`, IO limits, reclaims.
    pub limits: u64,
    /// Seconds in which best-effort harmed a guaranteed task: over CPU, memory, IO.
    pub harmed: [f64; 3],
    /// Seconds that best-effort tasks stood frozen.
    pub frozen: f64,
    /// Core-seconds that best-effort got, and that nobody used.
    pub lent_used: f64,
    /// Core-seconds that nobody used.
    pub idle: f64,
    /// Guaranteed processes that the kernel killed for want of memory.
    pub oom_kills: u64,
    /// How long each gross harm lasted that is over: over CPU, memory, IO.
    pub lasted: [Vec<f64>; 3],
    /// Checks that noticed something, where that is only counted.
    pub broken: Vec<&'static str>,
    /// Every decision, hashed (FNV-1a over its audit line), where asked for.
    pub digest: u64,
    /// Who was corrected how and when, in order of starts instead of names: the same for every order of names.
    pub acts: u64,
    /// What happened.
    pub story: String,
}

/// A promise that was broken.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// How long the run was to be, simulated seconds.
    pub secs: u64,
    /// Simulated seconds since the start.
    pub at: f64,
    /// The check that noticed.
    pub check: &'static str,
    /// By what the promise was broken.
    pub what: String,
    /// What happened before.
    pub story: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed, secs, at, check, what, story } = self;
        writeln!(f, "seed {seed} after {at:.1} s, {check}: {what}\n{story}")?;
        write!(
            f,
            "replay: GLEANER_SIM_SEED={seed} GLEANER_SIM_SECS={secs} cargo nextest run -p gleaner-tests --test sim --no-capture replay"
        )
    }
}

const FNV_OFFSET: u64 = 0xCBF2_9CE4_8422_2325;

/// Folds bytes into a hash (FNV-1a).
fn fold(hash: &mut u64, bytes: &[u8]) {
    for byte in bytes {
        *hash = (*hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    }
}

/// The first broken promise; a lenient run goes on and counts them.
fn judge(
    mut found: impl Iterator<Item = Result<(), Broken>>,
    lenient: bool,
    sum: &mut Summary,
) -> Result<(), Broken> {
    if lenient {
        sum.broken.extend(found.filter_map(Result::err).map(|(check, _)| check));
        return Ok(());
    }
    found.find(Result::is_err).unwrap_or(Ok(()))
}

/// One run under way.
struct Run {
    plan: Plan,
    scene: Scene,
    dice: Dice,
    kernel: Kernel,
    host: Host,
    scheduler: Scheduler,
    engine: Engine,
    checks: Vec<Box<dyn Check>>,
    saboteur: Saboteur,
    story: Story,
    sum: Summary,
    last_sample: Option<Sample>,
    /// Time of the last sample that could be used.
    last_good: Option<Timestamp>,
    steal_until: f64,
    unread_until: f64,
}

/// The check that noticed, and what.
type Broken = (&'static str, String);

/// Runs a seed and checks every moment of it.
///
/// # Errors
/// The first promise that was broken.
pub fn run(plan: Plan) -> Result<Summary, Box<Failure>> {
    let mut run = Run::new(plan);
    let steps = plan.secs * 1_000 / run.scene.glance_ms;
    let per_second = 1_000 / run.scene.glance_ms;
    for step in 1..=steps {
        if let Err((check, what)) = run.step(step.is_multiple_of(per_second)) {
            let Plan { seed, secs, .. } = plan;
            let (at, story) = (run.kernel.now(), run.story.tell(&run.kernel));
            return Err(Box::new(Failure { seed, secs, at, check, what, story }));
        }
    }
    Ok(run.finish())
}

impl Run {
    fn new(plan: Plan) -> Self {
        let mut dice = Dice::new(plan.seed);
        let mut scene = Scene::draw(&mut dice, plan.weather);
        if let Some((knob, value)) = plan.knob {
            knob.turn(&mut scene.config, value);
        }
        let mut kernel = Kernel::new(&mut dice, scene.size);
        let mut scheduler = Scheduler::new(&mut dice, plan.reversed);
        scheduler.begin(&scene, &mut kernel);
        Self {
            host: Host::new(&mut dice, scene.host.clone()),
            engine: Engine::new(scene.config.clone()),
            dice,
            plan,
            scene,
            kernel,
            scheduler,
            checks: checks::all(),
            saboteur: Saboteur::default(),
            story: Story::new(plan.story),
            sum: Summary { digest: FNV_OFFSET, acts: FNV_OFFSET, ..Summary::default() },
            last_sample: None,
            last_good: None,
            steal_until: 0.0,
            unread_until: 0.0,
        }
    }

    fn finish(self) -> Summary {
        let truth = &self.kernel.truth;
        Summary {
            lent_to: self.scheduler.lent_to,
            harmed: [truth.cpu.secs, truth.memory.secs, truth.io.secs],
            frozen: truth.frozen,
            lent_used: truth.lent_used,
            idle: truth.idle,
            oom_kills: truth.oom_kills,
            lasted: [&truth.cpu, &truth.memory, &truth.io].map(|h| h.lasted.clone()),
            story: self.story.tell(&self.kernel),
            ..self.sum
        }
    }

    fn note(&mut self, what: &str) {
        self.story.note(self.kernel.now(), what);
    }

    fn step(&mut self, whole_second: bool) -> Result<(), Broken> {
        let died = self.kernel.advance(self.scene.glance_ms);
        died.iter().for_each(|id| self.note(&format!("{} #{} is gone", id.name, id.inode)));
        for report in self.host.poll(&mut self.kernel) {
            let _ = self.engine.report(&report);
        }
        self.look()?;
        let fault = if whole_second { self.second() } else { None };
        if self.kernel.now() < self.unread_until {
            return Ok(());
        }
        let mut glance = self.kernel.glance();
        self.scene.faults.spoil_glance(&mut glance, fault);
        let rings = self.engine.glance(&glance).rings();
        if rings || whole_second { self.tick(fault) } else { Ok(()) }
    }

    /// Lets the checks look at the node as it is.
    fn look(&mut self) -> Result<(), Broken> {
        let m = Moment { kernel: &self.kernel, host: &self.host, scene: &self.scene };
        let found = self.checks.iter_mut().map(|c| c.moment(&m).map_err(|what| (c.name(), what)));
        judge(found, self.plan.lenient, &mut self.sum)
    }

    /// What happens once a second: tasks come and go, and something may go wrong.
    fn second(&mut self) -> Option<Fault> {
        self.scheduler.second(&mut self.kernel);
        let fault = self.scene.faults.roll(&mut self.dice, self.kernel.tasks.len());
        // Other guests disturb calm nodes as well.
        if fault == Some(Fault::Steal) || self.dice.happens(0.003) {
            self.steal_until = self.kernel.now() + self.dice.between(1.0, 15.0);
        }
        let stolen = self.kernel.now() < self.steal_until;
        self.kernel.steal = if stolen { self.dice.between(0.0, 0.3) } else { 0.0 };
        if let Some(fault) = fault {
            self.note(&format!("{fault:?}"));
            self.strike(fault);
        }
        fault
    }

    /// Faults of the node, not of a reading.
    fn strike(&mut self, fault: Fault) {
        let ms = |secs: u64| i64::try_from(secs * 1_000).unwrap_or(0);
        match fault {
            Fault::Late(secs) => {
                self.unread_until = self.kernel.now() + secs as f64;
            }
            Fault::Suspended(secs) => self.kernel.jump(ms(secs)),
            Fault::ClockBack(secs) => self.kernel.jump(-ms(secs)),
            Fault::Promoted => self.scheduler.promote(&mut self.kernel),
            Fault::Recreated => self.scheduler.recreate(&mut self.kernel),
            Fault::Overwritten => self.host.overwritten(&mut self.kernel),
            Fault::Failed
            | Fault::Repeated
            | Fault::Vanished(_)
            | Fault::Unreadable(_)
            | Fault::Partial(..)
            | Fault::Reset(_)
            | Fault::Garbage(..)
            | Fault::NodeUnreadable
            | Fault::NodeEmpty
            | Fault::NodeGarbage(_)
            | Fault::Unsorted
            | Fault::Blind
            | Fault::BlurredGlance(..)
            | Fault::Steal => {}
        }
        if matches!(fault, Fault::Late(_) | Fault::Suspended(_) | Fault::ClockBack(_)) {
            self.checks.iter_mut().for_each(|c| c.jumped());
        }
    }

    /// Reads, ticks, checks, acts, lends: in the order in which a host must.
    fn tick(&mut self, fault: Option<Fault>) -> Result<(), Broken> {
        let mut sample = self.kernel.sample();
        self.scene.faults.spoil(&mut sample, fault);
        if fault == Some(Fault::Repeated) {
            sample = self.last_sample.take().unwrap_or(sample);
        }
        let failed = fault == Some(Fault::Failed);
        let usable = !failed && self.is_usable(&sample);
        self.host.survey(&sample);
        let can = self.host.capabilities();
        self.engine.set_capabilities(can);
        let body = if failed { Body::Failed("a fault") } else { Body::Fresh(&sample) };
        let decision = self.engine.tick(Reading { at: self.kernel.at(), wall_ms: 0, body });
        let mut asked = Asked::of(&decision);
        let seen = usable.then_some(&sample);
        if let Some(how) = self.plan.sabotage {
            self.saboteur.spoil(how, &mut asked, seen, &self.kernel);
        }
        self.story.tick(&self.kernel, &decision, &asked);
        if self.plan.digest {
            fold(&mut self.sum.digest, gleaner_engine::audit::line(&decision).as_bytes());
        }
        self.count(&asked);
        let ticked = Ticked {
            kernel: &self.kernel,
            host: &self.host,
            scene: &self.scene,
            sample: seen,
            asked: &asked,
            can: &can,
            at: self.kernel.at(),
        };
        let found = self.checks.iter_mut().map(|c| c.tick(&ticked).map_err(|w| (c.name(), w)));
        judge(found, self.plan.lenient, &mut self.sum)?;
        for report in self.host.apply(&asked.asks, &asked.let_go, &mut self.kernel) {
            let _ = self.engine.report(&report);
        }
        if self.scheduler.take(&asked, &self.scene, &mut self.kernel) {
            self.note("a best-effort task starts on what was offered");
        }
        self.last_good = if usable { Some(sample.at) } else { self.last_good };
        self.last_sample = Some(sample);
        Ok(())
    }

    /// Whether an engine may use this sample.
    fn is_usable(&self, sample: &Sample) -> bool {
        let newer = |last| sample.at.since(last).is_some();
        sample.validate(usize::MAX).is_ok() && self.last_good.is_none_or(newer)
    }

    fn count(&mut self, asked: &Asked) {
        let sum = &mut self.sum;
        sum.ticks += 1;
        sum.offering += u64::from(asked.offers[0].amount > 0);
        let mut acts: Vec<(u64, &str)> = Vec::new();
        for ask in &asked.asks {
            acts.push((birth(&ask.task), ask.action.word()));
            match ask.action {
                Action::Evict => sum.evictions += 1,
                Action::Freeze { .. } if ask.reason == Reason::Probe => sum.probes += 1,
                Action::Freeze { .. } => sum.freezes += 1,
                Action::CpuQuota { .. }
                | Action::MemoryHigh { .. }
                | Action::Reclaim { .. }
                | Action::IoLimit { .. } => sum.limits += 1,
                Action::StandingClass | Action::IoWeight | Action::Thaw | Action::Undo { .. } => {}
            }
        }
        acts.sort_unstable();
        for (birth, word) in acts {
            fold(&mut sum.acts, &sum.ticks.to_le_bytes());
            fold(&mut sum.acts, &birth.to_le_bytes());
            fold(&mut sum.acts, word.as_bytes());
        }
    }
}

/// The number of a task's start, whichever way names run.
fn birth(id: &TaskId) -> u64 {
    if id.inode > 500_000 { 1_000_000 - id.inode } else { id.inode - 1_000 }
}
