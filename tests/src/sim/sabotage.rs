// SPDX-License-Identifier: Apache-2.0
//! An engine that breaks one promise: what is asked and offered is changed before the host and the checks see it.
//!
//! One canary for each check. A check that lets its canary live is blind.

use super::ask::{Ask, Asked};
use super::kernel::Kernel;
use super::task::SimTask;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Sample, TaskId};
use gleaner_estimator::units::Span;
use gleaner_qos::verdict::{Action, Reason};

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Evicts a guaranteed task.
    EvictsService,
    /// Names a task that had the name of one of the sample, and is another.
    MistakesIdentity,
    /// Goes on as before when a reading fails.
    ActsBlindly,
    /// Evicts somebody although nothing is wrong.
    EvictsForNothing,
    /// Evicts one after the other without waiting.
    EvictsWithoutEnd,
    /// Freezes for an hour.
    FreezesForLong,
    /// Leaves what it did on a task that is best-effort no more.
    KeepsHold,
    /// Sees harm and does nothing.
    LooksOn,
    /// Offers more than there is.
    OffersTooMuch,
    /// Offers while a resource is not calm.
    OffersInTrouble,
    /// Leaves best-effort in the class of equals.
    ForgetsStanding,
    /// Never takes a limit off.
    NeverUndoes,
    /// Goes further than its mode allows.
    IgnoresMode,
    /// Asks for what the host cannot do.
    AsksImpossible,
    /// Decides by the order of names.
    DependsOnOrder,
}

impl Sabotage {
    /// All of them, and the check that must notice.
    pub const ALL: [(Self, &'static str); 15] = [
        (Self::EvictsService, "only best-effort"),
        (Self::MistakesIdentity, "identity"),
        (Self::ActsBlindly, "no reading, no act"),
        (Self::EvictsForNothing, "only measured harm"),
        (Self::EvictsWithoutEnd, "budget"),
        (Self::FreezesForLong, "freezes end"),
        (Self::KeepsHold, "let go"),
        (Self::LooksOn, "harm is answered"),
        (Self::OffersTooMuch, "offer"),
        (Self::OffersInTrouble, "offer"),
        (Self::ForgetsStanding, "standing class"),
        (Self::NeverUndoes, "undone when calm"),
        (Self::IgnoresMode, "mode"),
        (Self::AsksImpossible, "possible"),
        (Self::DependsOnOrder, "order"),
    ];
}

/// What the saboteur remembers.
#[derive(Clone, Debug, Default)]
pub(super) struct Saboteur {
    last: Option<Asked>,
}

fn evict(task: &TaskId) -> Ask {
    Ask {
        task: task.clone(),
        resource: Resource::Memory,
        action: Action::Evict,
        reason: Reason::RunsOut,
        value: None,
        would: false,
    }
}

fn harsh(ask: &Ask) -> bool {
    ask.is_long_freeze() || ask.action == Action::Evict
}

impl Saboteur {
    /// Breaks what was asked.
    pub(super) fn spoil(
        &mut self,
        how: Sabotage,
        asked: &mut Asked,
        sample: Option<&Sample>,
        kernel: &Kernel,
    ) {
        let Asked { asks, offers, .. } = asked;
        match how {
            Sabotage::EvictsService
            | Sabotage::EvictsForNothing
            | Sabotage::EvictsWithoutEnd
            | Sabotage::AsksImpossible => {
                if kernel.now() > 20.0 && sample.is_some() {
                    add(how, asks, kernel);
                }
            }
            Sabotage::MistakesIdentity => asks.iter_mut().for_each(|a| a.task.inode += 7),
            Sabotage::ActsBlindly => self.go_on(asked, sample.is_some()),
            Sabotage::FreezesForLong => {
                for ask in asks.iter_mut() {
                    if let Action::Freeze { until } = &mut ask.action {
                        *until = until.plus(Span::from_secs(3_600));
                    }
                }
            }
            Sabotage::KeepsHold => asked.let_go.clear(),
            Sabotage::LooksOn => asks.retain(|a| !harsh(a)),
            Sabotage::OffersTooMuch => {
                for offer in offers.iter_mut().filter(|o| o.amount > 0) {
                    offer.amount += offer.slack + offer.quantum;
                }
            }
            Sabotage::OffersInTrouble => {
                offers.iter_mut().for_each(|o| o.amount = o.slack.saturating_sub(o.lent));
            }
            Sabotage::ForgetsStanding => asks.retain(|a| a.action != Action::StandingClass),
            Sabotage::NeverUndoes => asks.retain(|a| !matches!(a.action, Action::Undo { .. })),
            Sabotage::IgnoresMode => asks.iter_mut().for_each(|a| a.would = false),
            Sabotage::DependsOnOrder => {
                let first = kernel.tasks.iter().map(SimTask::id).min();
                asks.retain(|a| a.action != Action::IoWeight || Some(&a.task) != first);
            }
        }
    }

    /// Repeats the last tick that offered something when a reading fails.
    fn go_on(&mut self, asked: &mut Asked, read: bool) {
        match &self.last {
            Some(last) if !read => *asked = last.clone(),
            Some(_) | None if read && asked.offers[0].amount > 0 => self.last = Some(asked.clone()),
            Some(_) | None => {}
        }
    }
}

/// Asks for something more.
fn add(how: Sabotage, asks: &mut Vec<Ask>, kernel: &Kernel) {
    let mut best_effort = kernel.tasks.iter().filter(|t| t.is_best_effort()).map(SimTask::id);
    match how {
        Sabotage::EvictsService => {
            let service = kernel.tasks.iter().find(|t| t.is_guaranteed()).map(SimTask::id);
            asks.extend(service.map(evict));
        }
        Sabotage::EvictsWithoutEnd => {
            let first = asks.iter().find(|a| a.action == Action::Evict).cloned();
            if let Some(first) = first {
                let others = best_effort.filter(|id| **id != first.task);
                asks.extend(others.map(|id| Ask { task: id.clone(), ..first.clone() }));
            }
        }
        Sabotage::AsksImpossible => {
            let ask = |id| Ask { action: Action::StandingClass, ..evict(id) };
            asks.extend(best_effort.next().map(ask));
        }
        Sabotage::EvictsForNothing
        | Sabotage::MistakesIdentity
        | Sabotage::ActsBlindly
        | Sabotage::FreezesForLong
        | Sabotage::KeepsHold
        | Sabotage::LooksOn
        | Sabotage::OffersTooMuch
        | Sabotage::OffersInTrouble
        | Sabotage::ForgetsStanding
        | Sabotage::NeverUndoes
        | Sabotage::IgnoresMode
        | Sabotage::DependsOnOrder => asks.extend(best_effort.next().map(evict)),
    }
}
