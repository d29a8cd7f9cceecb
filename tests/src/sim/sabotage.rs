// SPDX-License-Identifier: Apache-2.0
//! An engine that breaks one promise: what is asked and offered is changed before the host and the checks see it.
//!
//! One canary for each check. A check that lets its canary live is blind.

use super::ask::{Ask, Asked};
use super::kernel::Kernel;
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
        let best_effort = kernel.tasks.iter().find(|t| t.is_best_effort()).map(|t| t.id().clone());
        let later = kernel.now() > 20.0 && sample.is_some();
        match how {
            Sabotage::EvictsService => {
                let service = kernel.tasks.iter().find(|t| t.is_guaranteed()).map(|t| t.id());
                asked.asks.extend(service.filter(|_| later).map(evict));
            }
            Sabotage::MistakesIdentity => {
                for ask in &mut asked.asks {
                    ask.task.inode += 7;
                }
            }
            Sabotage::ActsBlindly => match (sample, &self.last) {
                (None, Some(last)) => *asked = last.clone(),
                (None, None) => {}
                (Some(_), _) if asked.offers[0].amount > 0 => self.last = Some(asked.clone()),
                (Some(_), _) => {}
            },
            Sabotage::EvictsForNothing => {
                asked.asks.extend(best_effort.as_ref().filter(|_| later).map(evict));
            }
            Sabotage::EvictsWithoutEnd => {
                let first = asked.asks.iter().find(|a| a.action == Action::Evict).cloned();
                let others = kernel.tasks.iter().filter(|t| t.is_best_effort());
                let also = |ask: &Ask| -> Vec<Ask> {
                    let others = others.filter(|t| *t.id() != ask.task);
                    others.map(|t| Ask { task: t.id().clone(), ..ask.clone() }).collect()
                };
                asked.asks.extend(first.as_ref().map(also).unwrap_or_default());
            }
            Sabotage::FreezesForLong => {
                for ask in &mut asked.asks {
                    if let Action::Freeze { until } = &mut ask.action {
                        *until = until.plus(Span::from_secs(3_600));
                    }
                }
                asked.asks.retain(|a| a.action != Action::Thaw);
            }
            Sabotage::KeepsHold => asked.let_go.clear(),
            Sabotage::LooksOn => asked.asks.retain(|a| !harsh(a)),
            Sabotage::OffersTooMuch => {
                for offer in &mut asked.offers {
                    let more = offer.amount > 0;
                    offer.amount += if more { offer.slack + offer.quantum } else { 0 };
                }
            }
            Sabotage::OffersInTrouble => {
                for offer in &mut asked.offers {
                    offer.amount = offer.slack.saturating_sub(offer.lent);
                }
            }
            Sabotage::ForgetsStanding => {
                asked.asks.retain(|a| a.action != Action::StandingClass);
            }
            Sabotage::NeverUndoes => {
                asked.asks.retain(|a| !matches!(a.action, Action::Undo { .. }));
            }
            Sabotage::IgnoresMode => {
                asked.asks.iter_mut().filter(|a| a.would).for_each(|a| a.would = false);
            }
            Sabotage::AsksImpossible => {
                let ask = |task| Ask { action: Action::StandingClass, ..evict(&task) };
                asked.asks.extend(best_effort.filter(|_| later).map(ask));
            }
            Sabotage::DependsOnOrder => {
                let first = kernel.tasks.iter().map(|t| t.id()).min();
                let is_first = |a: &Ask| a.action == Action::IoWeight && Some(&a.task) == first;
                asked.asks.retain(|a| !is_first(a));
            }
        }
    }
}
