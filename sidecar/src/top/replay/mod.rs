// SPDX-License-Identifier: Apache-2.0
//! A recording shown in the place of a node: decided anew by the engine, forwards as it was recorded and back again.
//!
//! One decision is always made ahead: when it is due it is told to a publisher, as the daemon tells its own, and shown
//! through the same answers. To go back, a mark is taken from before that moment, and what lies between is played again.

mod marks;
mod reel;
mod when;

pub(super) use reel::{Order, Played, Reel};
pub(super) use when::{Moment, moment};

use super::source::{Frame, frame};
use crate::exit::{Exit, Failure};
use crate::{config, run, settings};
use gleaner_act::outcome::Outcome;
use gleaner_backtest::playback::{Mark, Playback};
use gleaner_backtest::recording::{Damage, RecordingError};
use gleaner_engine::decision::Decision;
use gleaner_estimator::units::Span;
use gleaner_watch::correction::{Ended, Ending};
use gleaner_watch::printable::printable;
use gleaner_watch::publisher::{Memory, Publisher, Told};
use gleaner_watch::snapshot::HostState;
use gleaner_watch::story::End;
use marks::Marks;
use reel::Used;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the viewer waits for a sign of life while much is played.
const SLICE: Duration = Duration::from_millis(100);
/// While nothing is to be done; an order ends it.
const IDLE: Duration = Duration::from_secs(3600);
/// Looks that the small pictures show.
const KEPT: usize = 600;

/// Where it is to go.
#[derive(Clone, Copy, Debug)]
enum Goal {
    Number(u64),
    At(u64),
    Last,
    BeforeEnd(Span),
}

/// What is needed to go back to a moment.
struct Moments {
    mark: Mark,
    memory: Memory,
    past: VecDeque<Used>,
    at_ms: u64,
}

/// A recording, the engine that it is told to, and what is shown of both.
pub(super) struct Replay {
    playback: Playback,
    publisher: Publisher,
    host: HostState,
    file: String,
    lends: String,
    /// A gap is waited for no longer than this.
    patience: Duration,
    marks: Marks<Moments>,
    past: VecDeque<Used>,
    /// Decided, and not shown yet.
    ahead: Option<Decision>,
    due: Instant,
    /// When the sample that is shown was taken, and when it was shown.
    at_ms: u64,
    begins_ms: u64,
    shown: Option<Frame>,
    goal: Option<Goal>,
    running: bool,
    ended: bool,
}

impl Replay {
    /// Opens a recording, to be decided by the rules of a configuration, and decides its first sample.
    pub(super) fn open(path: &Path, config: Option<&Path>) -> Result<Self, Failure> {
        let (config, places) = config::load(config)?;
        let (lend, lends) =
            settings::recorded_lend(&config, path).map_err(crate::record::failure)?;
        let mut rules = config.engine.clone();
        rules.lend = lend;
        let playback = Playback::open(path, &rules).map_err(crate::record::failure)?;
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let about = run::about_recording(&config, places, &file);
        let publisher = Publisher::new(about)
            .map_err(|error| Failure::new(Exit::Software, format_args!("metrics: {error}")))?;
        let mut replay = Self::of(playback, publisher, file, lends).ok_or_else(|| {
            Failure::new(Exit::Software, "a recording has no beginning to go back to")
        })?;
        replay.patience = Duration::from_nanos(rules.stale_after.0);
        match replay.step() {
            Ok(true) => Ok(replay),
            Ok(false) => {
                let mut why = format!("{}: no sample in it", path.display());
                for damage in replay.damage() {
                    why.push_str(&format!("; {damage}"));
                }
                Err(Failure::new(Exit::Data, why))
            }
            Err(error) => Err(crate::record::failure(error)),
        }
    }

    fn of(
        mut playback: Playback,
        publisher: Publisher,
        file: String,
        lends: String,
    ) -> Option<Self> {
        let beginning = Moments {
            mark: playback.mark()?,
            memory: publisher.remember(),
            past: VecDeque::new(),
            at_ms: 0,
        };
        Some(Self {
            playback,
            publisher,
            host: HostState::default(),
            file,
            lends,
            patience: Duration::ZERO,
            marks: Marks::new(beginning),
            past: VecDeque::new(),
            ahead: None,
            due: Instant::now(),
            at_ms: 0,
            begins_ms: 0,
            shown: None,
            goal: None,
            running: false,
            ended: false,
        })
    }

    /// Who tells the stories of what it shows.
    pub(super) fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// Time to wait before it is asked to go on.
    pub(super) fn pause(&self) -> Duration {
        match (self.goal, self.running) {
            (Some(_), _) => Duration::ZERO,
            (None, true) => self.due.saturating_duration_since(Instant::now()),
            (None, false) => IDLE,
        }
    }

    /// Takes an order; what comes of it is shown by the next [`Replay::play`].
    pub(super) fn obey(&mut self, order: Order) -> Played {
        let number = self.playback.number() - u64::from(self.ahead.is_some());
        let goal = match order {
            Order::Toggle => {
                (self.running, self.due) = (!self.running && !self.ended, Instant::now());
                self.goal = None;
                return self.picture();
            }
            Order::Next => Goal::Number(number + 1),
            Order::Previous => Goal::Number(number.saturating_sub(1).max(1)),
            Order::To(Moment::First) => Goal::Number(1),
            Order::To(Moment::Last) => Goal::Last,
            Order::To(Moment::BeforeEnd(span)) => Goal::BeforeEnd(span),
            Order::To(Moment::At(ms)) => Goal::At(ms),
            Order::To(Moment::OfDay(ms)) => Goal::At(when::of_day_of(self.at_ms, ms)),
        };
        self.running = false;
        match self.aim(goal, number) {
            Ok(()) => self.play(),
            Err(error) => self.fail(&error),
        }
    }

    /// Goes back as far as a goal asks for it.
    fn aim(&mut self, goal: Goal, number: u64) -> Result<(), RecordingError> {
        self.goal = Some(goal);
        match goal {
            Goal::Number(wanted) if wanted < number => {
                self.back(|known, _| known < wanted)?;
                self.marks.again(self.playback.number(), wanted);
            }
            Goal::At(ms) if ms <= self.at_ms => {
                self.back(|_, moment| moment.at_ms < ms)?;
                self.marks.again(self.playback.number(), number);
            }
            Goal::Number(_) | Goal::At(_) | Goal::Last | Goal::BeforeEnd(_) => {}
        }
        Ok(())
    }

    fn back(&mut self, fits: impl Fn(u64, &Moments) -> bool) -> Result<(), RecordingError> {
        let (_, moment) = self.marks.last(fits);
        self.playback.go_to(&moment.mark)?;
        self.publisher.recall(&moment.memory);
        self.past.clone_from(&moment.past);
        (self.at_ms, self.ahead, self.ended) = (moment.at_ms, None, false);
        self.shown = None;
        Ok(())
    }

    /// Goes on towards its goal for a moment, or shows what is due.
    pub(super) fn play(&mut self) -> Played {
        let result = match (self.goal, self.running) {
            (Some(goal), _) => self.approach(goal),
            (None, true) => self.run(),
            (None, false) => return Played::Nothing,
        };
        match result {
            Ok(true) => self.picture(),
            Ok(false) if self.goal.is_some() => Played::Working(self.playback.progress()),
            Ok(false) => Played::Nothing,
            Err(error) => self.fail(&error),
        }
    }

    /// Plays without waiting until the goal is reached, and shows what is there.
    pub(super) fn arrive(&mut self, at: Moment) -> Result<Frame, String> {
        let mut played = self.obey(Order::To(at));
        loop {
            match played {
                Played::Shown(look) => return *look,
                Played::Working(_) | Played::Nothing => played = self.play(),
            }
        }
    }

    /// What is shown, as it stands.
    pub(super) fn look(&mut self) -> Result<Frame, String> {
        match self.picture() {
            Played::Shown(look) => *look,
            Played::Nothing | Played::Working(_) => Err("nothing to show yet".to_owned()),
        }
    }

    /// True when the goal is reached.
    fn approach(&mut self, goal: Goal) -> Result<bool, RecordingError> {
        let until = Instant::now() + SLICE;
        while !self.reached(goal) {
            if !self.step()? {
                // Behind the last sample there is no other to be reached.
                self.goal = None;
                if let Goal::BeforeEnd(span) = goal {
                    let (number, ms) = (self.playback.number(), span.0 / 1_000_000);
                    self.aim(Goal::At(self.at_ms.saturating_sub(ms)), number)?;
                }
                return Ok(self.goal.is_none());
            }
            if Instant::now() >= until {
                return Ok(false);
            }
        }
        self.goal = None;
        Ok(true)
    }

    fn reached(&self, goal: Goal) -> bool {
        let number = self.playback.number() - u64::from(self.ahead.is_some());
        match goal {
            Goal::Number(wanted) => number >= wanted,
            Goal::At(ms) => number > 0 && self.at_ms >= ms,
            Goal::Last | Goal::BeforeEnd(_) => false,
        }
    }

    /// True when there was something due to be shown.
    fn run(&mut self) -> Result<bool, RecordingError> {
        if self.ahead.is_none() && !self.look_ahead()? {
            self.running = false;
            return Ok(true);
        }
        if Instant::now() < self.due {
            return Ok(false);
        }
        self.step()
    }

    /// Decides the next sample and says when it is due: as long after the one that is shown as it was recorded.
    fn look_ahead(&mut self) -> Result<bool, RecordingError> {
        self.ahead = self.playback.advance()?;
        let Some(next) = &self.ahead else {
            self.ended = true;
            return Ok(false);
        };
        let distance = Duration::from_millis(next.wall_ms.saturating_sub(self.at_ms));
        self.due = Instant::now() + distance.min(self.patience);
        Ok(true)
    }

    /// Tells the next decision to who shows it; false at the end.
    fn step(&mut self) -> Result<bool, RecordingError> {
        if self.ahead.is_none() && !self.look_ahead()? {
            return Ok(false);
        }
        let Some(decision) = self.ahead.take() else { return Ok(false) };
        let (sample, engine) = (self.playback.sample(), self.playback.engine());
        let weights = sample.map(|sample| Arc::new(engine.weigh(sample)));
        self.publisher.tell(Told {
            decision: &decision,
            seen: sample.map(|sample| (sample, engine.usage())),
            weights: weights.as_ref(),
            sample_took: None,
            tick_took: Duration::ZERO,
            host: &self.host,
        });
        self.shown = None;
        self.tell_corrections(&decision);
        self.at_ms = decision.wall_ms;
        if self.begins_ms == 0 {
            self.begins_ms = self.at_ms;
        }
        let (cpu, memory) = (&decision.cpu.usage, &decision.memory.usage);
        self.past.push_back((cpu.guaranteed.map(|c| c.0), memory.guaranteed.map(|b| b.0 / 1024)));
        if self.past.len() > KEPT {
            self.past.pop_front();
        }
        self.keep_mark();
        Ok(true)
    }

    /// As of a daemon that observes: what it would do is told to be only shown.
    fn tell_corrections(&self, decision: &Decision) {
        for correction in &decision.verdict.corrections {
            self.publisher.tell_ended(&Ended {
                task: correction.task().clone(),
                action: correction.action(),
                resource: correction.resource(),
                reason: correction.why().reason,
                ending: Ending::Observed,
                wall_ms: decision.wall_ms,
                tick: Some(decision.tick),
                end: End { outcome: Outcome::Observed.to_string(), ..End::default() },
            });
        }
    }

    fn keep_mark(&mut self) {
        let number = self.playback.number();
        if !self.marks.wants(number) {
            return;
        }
        let Some(mark) = self.playback.mark() else { return };
        self.marks.allow_for(self.playback.sample().map_or(0, |sample| sample.tasks.len()));
        let (memory, past) = (self.publisher.remember(), self.past.clone());
        self.marks.keep(number, Moments { mark, memory, past, at_ms: self.at_ms });
    }

    fn picture(&mut self) -> Played {
        let reel = self.reel();
        let made = match self.shown.take() {
            // Asked for again it would be stale: its age counts from when it was decided here.
            Some(shown) => Ok(shown),
            None => frame(&self.publisher.published()),
        };
        let look = made.map(|frame| Frame { reel: Some(reel), ..frame });
        self.shown = look.as_ref().ok().cloned();
        Played::Shown(Box::new(look))
    }

    fn fail(&mut self, error: &RecordingError) -> Played {
        (self.goal, self.running) = (None, false);
        Played::Shown(Box::new(Err(error.to_string())))
    }

    fn reel(&self) -> Reel {
        Reel {
            file: self.file.clone(),
            number: self.playback.number() - u64::from(self.ahead.is_some()),
            begins_ms: self.begins_ms,
            percent: self.playback.progress(),
            running: self.running,
            ended: self.ended,
            lends: self.lends.clone(),
            damage: self.damage(),
            past: self.past.clone(),
        }
    }

    fn damage(&self) -> Vec<String> {
        let line = |gap: &Damage| {
            let why = if gap.torn { "torn off by a crash" } else { "damaged" };
            let file = printable(&gap.file.display().to_string());
            format!("{file}: {} bytes at {} are {why}", gap.bytes, gap.offset)
        };
        self.playback.damage().iter().map(line).collect()
    }
}
