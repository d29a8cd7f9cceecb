// SPDX-License-Identifier: Apache-2.0
//! One means, tried: the order, and its effect on real processes where one can be seen within a second or two.

use super::ground::{Ground, PAUSE, Worker};
use super::{Row, Selftest};
use crate::evict::Eviction;
use crate::freezer::{Freeze, Frozen};
use crate::means::Means;
use crate::memory::{self, Reclaim};
use crate::outcome::Outcome;
use crate::setting::{Deed, Hands};
use crate::standing::{self, Weights};
use crate::target::Target;
use crate::usage::{cpu_usec, memory_bytes};
use crate::{io, quota};
use gleaner_estimator::units::{Bytes, MilliCpus, Span, Timestamp};
use rustix::io::Errno;

/// How long an effect is waited for.
const PATIENCE: Span = Span::from_secs(5);
/// CPU time of the neighbour in which the one in the lowest class is watched.
const CONTEST_USEC: u64 = 300_000;
/// More CPU time than a program needs to begin.
const START_USEC: u64 = 50_000;
/// A grace that nobody uses up.
const LONG_GRACE: Span = Span::from_secs(60);

/// One means on fresh ground.
pub(super) struct Trial<'a> {
    pub(super) test: &'a Selftest<'a>,
    pub(super) ground: &'a Ground<'a>,
    pub(super) hands: &'a mut Hands,
    pub(super) means: Means,
    /// When the order was given.
    pub(super) ordered: Timestamp,
}

impl Trial<'_> {
    pub(super) fn run(mut self) -> Row {
        let (means, target) = (self.means, self.ground.target());
        let file = target.as_ref().ok().and_then(|target| means.file(target));
        let outcome = match (target, file) {
            (Err(lost), _) => Err(lost.into()),
            (Ok(_), None) => Err(absent(means)),
            (Ok(target), Some(_)) => self.attempt(&target),
        };
        let (outcome, took) = match outcome {
            Ok(at) => (Outcome::Done, at.since(self.ordered)),
            Err(outcome) => (outcome, self.now().since(self.ordered)),
        };
        Row { means, file: file.map(str::to_owned), outcome, took: took.unwrap_or_default() }
    }

    /// When the effect was seen, or what came instead.
    fn attempt(&mut self, target: &Target) -> Result<Timestamp, Outcome> {
        match self.means {
            Means::CpuIdle | Means::CpuWeight => self.contest(target),
            Means::CpuQuota => self.cap(target),
            Means::MemoryHigh => {
                let deed = memory::high(self.hands, target, Bytes(64 << 20), self.now());
                self.judge(deed)
            }
            Means::MemoryReclaim => self.reclaim(target),
            Means::IoWeight => {
                let deed = standing::io(self.hands, target, self.now());
                self.judge(deed)
            }
            Means::IoLimit => {
                let outcome = io::try_limit(self.hands, target);
                self.judge(Deed { means: Some(Means::IoLimit), outcome })
            }
            Means::FreezerV2 | Means::FreezerV1 => self.freeze(target),
            Means::Terminate => self.evict(target, LONG_GRACE),
            Means::KillCgroup | Means::KillEach => self.evict(target, Span::default()),
        }
    }

    /// Two that want the same processor: the one in the lowest class gets next to nothing.
    fn contest(&mut self, target: &Target) -> Result<Timestamp, Outcome> {
        self.only_this();
        let deed = standing::cpu(self.hands, target, Weights::Ours, None, self.now());
        let written = self.judge(deed)?;
        let neighbour = self.ground.neighbour()?;
        let workers = self.ground.contest(self.test.spinner).map_err(cannot_start)?;
        // From when the neighbour spins: before, the other has the processor for itself.
        let use_of = |target: &Target| cpu_usec(target).unwrap_or(0);
        self.wait("the neighbour's start", || use_of(&neighbour) > START_USEC)?;
        let before = [use_of(target), use_of(&neighbour)];
        self.wait("the neighbour's turn", || use_of(&neighbour) >= before[1] + CONTEST_USEC)?;
        let used = [use_of(target) - before[0], use_of(&neighbour) - before[1]];
        drop(workers);
        if used[0] * 4 < used[1] {
            return Ok(written);
        }
        let [own, others] = used.map(|usec| usec / 1000);
        Err(Outcome::NoEffect {
            found: format!("it used {own} ms while its neighbour used {others} ms"),
        })
    }

    fn cap(&mut self, target: &Target) -> Result<Timestamp, Outcome> {
        let cap = MilliCpus(200);
        let _spinner = self.spinner()?;
        self.wait("its start", || cpu_usec(target).is_ok_and(|used| used > 0))?;
        self.ordered = self.now();
        let deed = quota::cap(self.hands, target, cap, self.ordered);
        let written = self.judge(deed)?;
        let watch = quota::Watch::begin(target, cap, self.now()).ok_or(Outcome::Vanished)?;
        let judged = self.until(|hands, now| watch.poll(hands, now))?;
        done(judged).map(|()| written)
    }

    fn reclaim(&mut self, target: &Target) -> Result<Timestamp, Outcome> {
        let Some(cache) = self.test.cache else {
            return Err(Outcome::NoEffect { found: "nothing to take: no place for cache".into() });
        };
        let _worker = self.ground.work(cache()).map_err(cannot_start)?;
        self.wait("its cache", || memory_bytes(target).is_ok_and(|held| held > 12 << 20))?;
        self.ordered = self.now();
        let began = Reclaim::begin(self.hands, target.clone(), Bytes(8 << 20));
        let mut reclaim = began.map_err(|deed| deed.outcome)?;
        let deed = self.until(|hands, now| reclaim.poll(hands, now))?;
        self.judge(deed)
    }

    fn freeze(&mut self, target: &Target) -> Result<Timestamp, Outcome> {
        self.only_this();
        let spinner = self.spinner()?;
        self.wait("its start", || cpu_usec(target).is_ok_and(|used| used > 0))?;
        let frozen = self.freeze_and_thaw(target);
        // Thawed before its process is told to end: on v1 it could not.
        self.hands.put_back_all(target);
        drop(spinner);
        frozen
    }

    fn freeze_and_thaw(&mut self, target: &Target) -> Result<Timestamp, Outcome> {
        self.ordered = self.now();
        let ordered = Freeze::order(self.hands, target, self.ordered);
        let freeze = ordered.map_err(|deed| deed.outcome)?;
        let judged = self.until(|hands, now| match freeze.poll(hands, now) {
            Frozen::Pending => None,
            Frozen::Judged(outcome) => Some(outcome),
        })?;
        done(judged)?;
        let at = self.now();
        let before = cpu_usec(target)?;
        done(freeze.thaw(self.hands))?;
        self.wait("it to run again", || cpu_usec(target).is_ok_and(|used| used > before + 5000))?;
        Ok(at)
    }

    fn evict(&mut self, target: &Target, grace: Span) -> Result<Timestamp, Outcome> {
        self.only_this();
        let mut spinner = self.spinner()?;
        self.wait("its start", || cpu_usec(target).is_ok_and(|used| used > 0))?;
        self.ordered = self.now();
        let begun = Eviction::begin(self.hands, target.clone(), grace, PATIENCE, self.ordered);
        let mut eviction = begun.map_err(|deed| deed.outcome)?;
        let deed = self.until(|hands, now| eviction.poll(hands, now))?;
        let at = self.judge(deed)?;
        // A process leaves its cgroup a moment before it can be waited for (exit_notify).
        self.wait("its process to end", || !spinner.runs())?;
        Ok(at)
    }

    fn spinner(&self) -> Result<Worker, Outcome> {
        self.ground.work((self.test.spinner)()).map_err(cannot_start)
    }

    /// Makes the others of its kind unusable, so that none stands in for it.
    fn only_this(&mut self) {
        let stand_ins: &[Means] = match self.means {
            Means::CpuWeight => &[Means::CpuIdle],
            Means::FreezerV2 => &[Means::FreezerV1],
            Means::FreezerV1 => &[Means::FreezerV2],
            Means::KillEach => &[Means::KillCgroup],
            Means::CpuIdle
            | Means::CpuQuota
            | Means::MemoryHigh
            | Means::MemoryReclaim
            | Means::IoWeight
            | Means::IoLimit
            | Means::Terminate
            | Means::KillCgroup => &[],
        };
        let now = self.now();
        for means in stand_ins {
            self.hands.means.rule_out(*means, now);
        }
    }

    /// Whether it was done, and by this means.
    fn judge(&self, deed: Deed) -> Result<Timestamp, Outcome> {
        done(deed.outcome)?;
        match deed.means {
            Some(means) if means != self.means => {
                let why = self.hands.means.of(self.means).last_failure.clone();
                Err(why.unwrap_or_else(|| absent(self.means)))
            }
            Some(_) | None => Ok(self.now()),
        }
    }

    /// Asks again and again until there is an answer.
    fn until<T>(
        &mut self,
        mut look: impl FnMut(&mut Hands, Timestamp) -> Option<T>,
    ) -> Result<T, Outcome> {
        let began = self.now();
        loop {
            let now = self.now();
            if let Some(answer) = look(self.hands, now) {
                return Ok(answer);
            }
            // Longer than every judgement takes by itself.
            if now.since(began).is_some_and(|waited| waited > PATIENCE + PATIENCE) {
                return Err(Outcome::NoEffect { found: format!("no end within {PATIENCE}") });
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn wait(&self, what: &str, mut reached: impl FnMut() -> bool) -> Result<(), Outcome> {
        let began = self.now();
        while !reached() {
            if self.now().since(began).is_some_and(|waited| waited > PATIENCE) {
                return Err(Outcome::NoEffect { found: format!("waited {PATIENCE} for {what}") });
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.test.clock.now()
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if let Ok(target) = self.ground.target() {
            self.hands.put_back_all(&target);
        }
    }
}

fn done(outcome: Outcome) -> Result<(), Outcome> {
    if outcome == Outcome::Done { Ok(()) } else { Err(outcome) }
}

fn absent(means: Means) -> Outcome {
    let what = format!("{} is not there on this node", means.word());
    Outcome::Failed { errno: Errno::NOENT.raw_os_error(), what }
}

fn cannot_start(error: std::io::Error) -> Outcome {
    let errno = error.raw_os_error().unwrap_or(Errno::IO.raw_os_error());
    Outcome::Failed { errno, what: format!("start a process of our own: {error}") }
}
