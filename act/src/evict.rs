// SPDX-License-Identifier: Apache-2.0
//! Ending a target: SIGTERM and a grace to tidy up, then a kill that is repeated until nothing is left.
//!
//! ```text
//! begin ──► Asking ──grace over──► Killing ──► done: nothing left, or the cgroup is gone
//!    └──────no grace, or frozen──────▲  │ └──► no effect: some are left when patience is over
//!                                    └──┘ every poll, because:
//! ```
//!
//! * a child that was forked but not yet moved joins the cgroup after a kill;
//! * processes frozen by v1 die only when thawed, so all that is killed is thawed, whoever froze it;
//! * without `cgroup.kill` (before 5.14) each process is killed by itself, and a fork bomb is faster than any list: so
//!   the target is frozen for it, struck, and thawed;
//! * on hybrid `cgroup.kill` reaches those that are in the unified hierarchy too; the rest are struck one by one.
//!
//! Dying takes CPU: the lowest class and a quota of ours would make it wait for an idle moment, so they are lifted with
//! the first blow. Nothing here waits: the host polls.

use crate::cover::{Cover, cover};
use crate::fault::Lost;
use crate::freezer::{self, Freeze, Frozen};
use crate::means::Means;
use crate::outcome::Outcome;
use crate::setting::{Deed, Hands, outcome};
use crate::signal::{Signalled, signal_all};
use crate::target::{Target, Tree};
use gleaner_estimator::units::{Span, Timestamp};
use rustix::process::Signal;

/// A freeze that only has to hold still what is being killed is not waited for any longer.
const HOLD: Span = Span::from_millis(100);
/// Time between two blows: those that were struck need some of it to die.
const AGAIN: Span = Span::from_millis(50);
/// `cgroup.kill` empties a cgroup in 2 to 53 ms, several GiB of memory in half a second; after this it is not trusted alone.
const LATE: Span = Span::from_secs(2);

/// An eviction under way.
#[derive(Debug)]
pub struct Eviction {
    target: Target,
    patience: Span,
    stage: Stage,
    /// What killed, for the report: the gentlest that was needed.
    used: Means,
}

#[derive(Debug)]
enum Stage {
    Asking { until: Timestamp },
    Killing { since: Timestamp, hold: Hold },
}

/// Where the killing of single processes stands.
#[derive(Debug)]
enum Hold {
    Free,
    /// A freeze was ordered, so that nobody forks.
    Freezing(Box<Freeze>),
    Struck(Timestamp),
}

impl Eviction {
    /// Begins: asks all processes to end, or kills at once where there is no grace or nobody could hear.
    ///
    /// After the grace the kill has `patience` to work.
    ///
    /// # Errors
    /// The outcome, if the target is protected or gone.
    pub fn begin(
        hands: &mut Hands,
        target: Target,
        grace: Span,
        patience: Span,
        now: Timestamp,
    ) -> Result<Self, Deed> {
        let refuse = |outcome| Deed { means: None, outcome };
        drop(hands.enter(&target, Tree::Identity).map_err(refuse)?);
        let mut stage = Stage::Killing { since: now, hold: Hold::Free };
        if grace > Span::default() {
            drop(freezer::release(hands, &target));
            // What somebody else has frozen cannot hear.
            if !freezer::is_held(&target) && ask(hands, &target, now) == Outcome::Done {
                stage = Stage::Asking { until: now.plus(grace) };
            }
        }
        Ok(Self { target, patience, stage, used: Means::Terminate })
    }

    /// Whom it ends.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// When it is over at the latest: done, or given up.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        match self.stage {
            Stage::Asking { until } => until.plus(self.patience),
            Stage::Killing { since, .. } => since.plus(self.patience),
        }
    }

    /// Drives it on; answers when it is over. Call it every 10 ms or so.
    pub fn poll(&mut self, hands: &mut Hands, now: Timestamp) -> Option<Deed> {
        match left(&self.target) {
            Ok(0) | Err(Lost::Vanished) => return Some(self.end(hands, Outcome::Done, now)),
            Ok(_) => {}
            Err(lost) => return Some(self.end(hands, lost.into(), now)),
        }
        match self.stage {
            Stage::Asking { until } if now < until => return None,
            Stage::Asking { .. } => {
                self.stage = Stage::Killing { since: now, hold: Hold::Free };
            }
            Stage::Killing { since, .. } => {
                if now.since(since).is_some_and(|passed| passed >= self.patience) {
                    let count = left(&self.target).unwrap_or_default();
                    let found = format!("{count} processes left {} after the kill", self.patience);
                    return Some(self.end(hands, Outcome::NoEffect { found }, now));
                }
            }
        }
        match self.kill(hands, now) {
            // That it is gone is for the next poll to see.
            Ok(()) | Err(Outcome::Vanished) => None,
            Err(outcome) => Some(self.end(hands, outcome, now)),
        }
    }

    /// One blow, or the preparation of one.
    fn kill(&mut self, hands: &mut Hands, now: Timestamp) -> Result<(), Outcome> {
        // What is protected may have come in since the eviction began.
        drop(hands.enter(&self.target, Tree::Identity)?);
        let all = kill_cgroup(hands, &self.target, now);
        let Stage::Killing { hold, since } = &mut self.stage else { return Ok(()) };
        if all && now.since(*since).is_none_or(|passed| passed < LATE) {
            self.used = Means::KillCgroup;
            lift(hands, &self.target);
            return Ok(());
        }
        self.used = Means::KillEach;
        match hold {
            Hold::Struck(at) if now.since(*at).is_none_or(|passed| passed < AGAIN) => {}
            Hold::Free | Hold::Struck(_) => match Freeze::order(hands, &self.target, now) {
                Ok(freeze) => *hold = Hold::Freezing(Box::new(freeze)),
                Err(_) => {
                    strike(hands, &self.target)?;
                    *hold = Hold::Struck(now);
                }
            },
            Hold::Freezing(freeze) => {
                let waited = now.since(freeze.ordered()).unwrap_or_default();
                if waited < HOLD && freeze.poll(hands, now) == Frozen::Pending {
                    return Ok(());
                }
                let struck = strike(hands, &self.target);
                drop(freeze.thaw(hands));
                freezer::thaw_to_die(&self.target);
                *hold = Hold::Struck(now);
                struck?;
            }
        }
        Ok(())
    }

    /// Leaves nothing of ours behind, and remembers how well the means worked.
    fn end(&mut self, hands: &mut Hands, outcome: Outcome, now: Timestamp) -> Deed {
        hands.put_back_all(&self.target);
        // What came of asking was noted when it was asked.
        if self.used != Means::Terminate {
            hands.means.note(self.used, &outcome, now);
        }
        Deed { means: Some(self.used), outcome }
    }
}

/// Asks all processes to end; SIGCONT wakes those that were stopped, so that they can.
fn ask(hands: &mut Hands, target: &Target, now: Timestamp) -> Outcome {
    let asked = signal_all(target, Signal::TERM).and_then(|asked| {
        signal_all(target, Signal::CONT)?;
        Ok(asked)
    });
    let outcome = asked.map_or_else(Into::into, |asked| judge(asked, target));
    hands.means.note(Means::Terminate, &outcome, now);
    outcome
}

/// SIGKILL to each, and the end of what would keep them from dying.
fn strike(hands: &mut Hands, target: &Target) -> Result<(), Outcome> {
    let struck = signal_all(target, Signal::KILL)?;
    lift(hands, target);
    match judge(struck, target) {
        failed @ Outcome::Failed { .. } => Err(failed),
        Outcome::Done
        | Outcome::NoEffect { .. }
        | Outcome::Vanished
        | Outcome::Refused { .. }
        | Outcome::Observed => Ok(()),
    }
}

fn judge(signalled: Signalled, target: &Target) -> Outcome {
    match signalled {
        Signalled { sent: 0, refused: Some(errno) } => Outcome::Failed {
            errno: errno.raw_os_error(),
            what: format!("{}: signal its processes: {errno}", target.name()),
        },
        Signalled { .. } => Outcome::Done,
    }
}

/// Kills with `cgroup.kill`; answers whether that reaches all of the target's processes.
fn kill_cgroup(hands: &mut Hands, target: &Target, now: Timestamp) -> bool {
    if target.version(Tree::Unified).is_none() || !hands.means.usable(Means::KillCgroup, now) {
        return false;
    }
    let all = match cover(target, Tree::Unified) {
        Ok(Cover::Same) => true,
        Ok(Cover::Partial(_)) => false,
        // Others would die too, or nobody can tell.
        Ok(Cover::Foreign(_)) | Err(_) => return false,
    };
    let outcome = match target.enter(Tree::Unified) {
        Ok(held) => match held.write("cgroup.kill", "1") {
            Ok(()) => Outcome::Done,
            Err(fault) => outcome(&held, fault),
        },
        Err(lost) => lost.into(),
    };
    if outcome != Outcome::Done {
        hands.means.note(Means::KillCgroup, &outcome, now);
        return false;
    }
    freezer::thaw_to_die(target);
    all
}

/// Takes off what we put on it and what would make dying slow.
fn lift(hands: &mut Hands, target: &Target) {
    drop(crate::standing::release_cpu(hands, target));
    drop(crate::quota::release(hands, target));
}

/// Processes left.
fn left(target: &Target) -> Result<usize, Lost> {
    let members = target.members()?;
    Ok(members.pids.len() + usize::from(members.unseen))
}
