// SPDX-License-Identifier: Apache-2.0
//! One step: `Engine::tick(Reading) -> Decision`.
//!
//! Pure, like the crates below it. Read [`Engine::tick`] first and follow the names in it.

pub mod audit;
pub mod config;
pub mod decision;
pub mod demand;
pub mod learned;
mod lender;
pub mod reading;
pub mod shadows;
mod view;

use config::EngineConfig;
use decision::{Decision, Health, PerClass};
use gleaner_estimator::glance::Glance;
use gleaner_estimator::sample::{Class, Sample};
use gleaner_estimator::units::{Bytes, MilliCpus, Span, Timestamp};
use gleaner_estimator::usage::{Known, Usage, UsageTracker};
use gleaner_qos::capability::Capabilities;
use gleaner_qos::report::{Report, Settlement};
use gleaner_qos::verdict::Verdict;
use gleaner_qos::weights::Weights;
use gleaner_qos::{Alarm, Controller};
use lender::{Lender, Tick};
use reading::{Body, Reading};

/// All that is remembered between two readings of one node. A clone told the same decides the same: whoever wants to go
/// back to a moment keeps one of it.
#[derive(Clone)]
pub struct Engine {
    config: EngineConfig,
    tracker: UsageTracker,
    /// The tracker as it stood after the last sample that came at the usual pace, while samples come early.
    paced: Option<UsageTracker>,
    cpu: Lender<MilliCpus>,
    memory: Lender<Bytes>,
    qos: Controller,
    /// What the host can do here; nothing until it says so.
    capabilities: Capabilities,
    /// When the unbroken run of good samples began.
    since: Option<Timestamp>,
    /// The state it resumed from was warm, and no sample has come yet.
    resumed_warm: bool,
    last_good: Option<Timestamp>,
    /// The last sample that came at the usual pace.
    last_paced: Option<Timestamp>,
    last: Decision,
}

impl Engine {
    /// A cold engine.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        let cpu = Lender::new(config.cpu.clone(), &config);
        let memory = Lender::new(config.memory.clone(), &config);
        let last = Decision {
            tick: 0,
            at: Timestamp::default(),
            wall_ms: 0,
            mode: config.mode,
            health: Health::Cold { seen: Span::default(), needed: config.warm_up },
            cpu: cpu.unknown(&config),
            memory: memory.unknown(&config),
            assessment: None,
            verdict: Verdict::default(),
            tasks: PerClass::default(),
            vanished: 0,
        };
        Self {
            tracker: UsageTracker::default(),
            paced: None,
            cpu,
            memory,
            qos: Controller::new(config.qos.clone()),
            capabilities: Capabilities::none(),
            since: None,
            resumed_warm: false,
            last_good: None,
            last_paced: None,
            last,
            config,
        }
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// Says what the host can do here; a broken actuator means that the next rung is taken.
    pub fn set_capabilities(&mut self, capabilities: Capabilities) {
        self.capabilities = capabilities;
    }

    /// Takes a fast reading between two samples and says whether the next tick should come at once.
    pub fn glance(&mut self, glance: &Glance) -> Alarm {
        self.qos.glance(glance)
    }

    /// Takes what became of a correction. An eviction that is over is settled.
    pub fn report(&mut self, report: &Report) -> Option<Settlement> {
        self.qos.report(report)
    }

    /// The rates behind the last good decision, in the order of that sample's tasks.
    #[must_use]
    pub fn usage(&self) -> &Usage {
        self.tracker.usage()
    }

    /// Weighs who would be evicted if somebody had to be now: for those who look.
    ///
    /// `sample` must be the one that was decided last.
    #[must_use]
    pub fn weigh(&self, sample: &Sample) -> Weights {
        self.qos.weigh(sample, self.tracker.usage())
    }

    /// Folds one reading into what is remembered and decides what to lend.
    ///
    /// Deterministic: the same readings in the same order give the same decisions, byte for byte.
    /// Never fails: a bad reading yields a decision that offers nothing and evicts nobody.
    pub fn tick(&mut self, reading: Reading<'_>) -> Decision {
        let decision = match self.admit(&reading) {
            Ok(sample) => self.decide(sample, &reading),
            Err(why) => self.abstain(why, &reading),
        };
        self.last.clone_from(&decision);
        decision
    }

    /// The sample, or why it cannot be used.
    fn admit<'a>(&self, reading: &Reading<'a>) -> Result<&'a Sample, String> {
        let sample = match reading.body {
            Body::Fresh(sample) => sample,
            Body::Failed(why) => return Err(why.to_owned()),
        };
        sample.validate(self.config.max_tasks).map_err(|e| e.to_string())?;
        match self.last_good {
            Some(last) if sample.at.since(last).is_none() => {
                Err("the clock did not advance since the last sample".to_owned())
            }
            Some(_) | None => Ok(sample),
        }
    }

    fn decide(&mut self, sample: &Sample, reading: &Reading<'_>) -> Decision {
        let early = self.notice_distance(sample.at);
        let rates = self.track(sample, early);
        let seen = self.since.and_then(|since| sample.at.since(since)).unwrap_or_default();
        let warm = rates && seen >= self.config.warm_up;
        let usage = self.tracker.usage();
        let assessment = self.qos.assess(sample, usage);
        let tick = Tick {
            sample,
            usage,
            rates,
            early,
            task_warm_up: self.config.task_warm_up,
            warm,
            assessment: &assessment,
            lend_blind: self.config.lend_blind,
        };
        let cpu = self.cpu.decide(&tick, &view::Cpu, &self.config);
        let memory = self.memory.decide(&tick, &view::Memory, &self.config);
        let (mode, can) = (self.config.mode, &self.capabilities);
        let verdict = self.qos.decide(sample, usage, &assessment, mode, can);
        Decision {
            tick: self.last.tick + 1,
            at: reading.at,
            wall_ms: reading.wall_ms,
            mode: self.config.mode,
            health: match warm {
                true => Health::Fresh,
                false => Health::Cold { seen, needed: self.config.warm_up },
            },
            cpu,
            memory,
            assessment: Some(assessment),
            verdict,
            tasks: count(sample),
            vanished: sample.vanished,
        }
    }

    /// Derives the rates. Predictors learn from the tracker of paced samples: a rate over a few milliseconds is no usage
    /// that anybody predicts, and would raise every peak.
    fn track(&mut self, sample: &Sample, early: bool) -> bool {
        if early {
            self.paced.get_or_insert_with(|| self.tracker.clone());
        } else if let Some(paced) = self.paced.take() {
            self.tracker = paced;
        }
        self.tracker.update(sample).is_some()
    }

    /// Starts over cold when the distance to the last good sample is too long to know what lay between, and says whether
    /// this one came before its time: an alarm asked for it.
    fn notice_distance(&mut self, at: Timestamp) -> bool {
        let distance = |last| at.since(last);
        if self.last_good.and_then(distance).is_some_and(|span| span > self.config.stale_after) {
            self.tracker.forget_counters();
            self.paced = None;
            self.last_paced = None;
            self.qos.gap();
            self.since = None;
        }
        // Half: a sample that follows a late one at its own time is not early.
        let least = Span(self.config.interval.0 / 2);
        let early = self.last_paced.and_then(distance).is_some_and(|span| span < least);
        if !early {
            self.last_paced = Some(at);
        }
        let warm_up =
            if std::mem::take(&mut self.resumed_warm) { self.config.warm_up.0 } else { 0 };
        self.since.get_or_insert(Timestamp(at.0.saturating_sub(warm_up)));
        self.last_good = Some(at);
        early
    }

    fn is_warm(&self) -> bool {
        matches!(self.last.health, Health::Fresh)
    }

    fn recall(&mut self, known: Known, warm: bool) {
        self.tracker = UsageTracker::recall(known);
        self.resumed_warm = warm;
    }

    fn abstain(&mut self, why: String, reading: &Reading<'_>) -> Decision {
        self.qos.gap();
        let since_good = self.last_good.map(|good| reading.at.since(good).unwrap_or_default());
        Decision {
            tick: self.last.tick + 1,
            at: reading.at,
            wall_ms: reading.wall_ms,
            mode: self.config.mode,
            health: Health::Failed { why, since_good },
            cpu: self.cpu.abstain(&self.last.cpu),
            memory: self.memory.abstain(&self.last.memory),
            assessment: None,
            verdict: Verdict::default(),
            tasks: self.last.tasks,
            vanished: 0,
        }
    }
}

fn count(sample: &Sample) -> PerClass<u32> {
    PerClass::from_fn(|class: Class| {
        u32::try_from(sample.of_class(class).count()).unwrap_or(u32::MAX)
    })
}
