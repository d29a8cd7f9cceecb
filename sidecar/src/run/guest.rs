// SPDX-License-Identifier: Apache-2.0
//! A policy from a library in the place of the built-in one (`policy.library`).
//!
//! The built-in engine goes on beside it: it says what is usable and how much slack there is, and whatever the guest
//! answers is cut to that. Nonsense offers nothing and corrects nobody.

use crate::exit::{Exit, Failure};
use gleaner_engine::decision::{Decision, Mode};
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::glance::Glance;
use gleaner_estimator::slack::Lend;
use gleaner_policy::built_in::Start;
use gleaner_policy::event::Event;
use gleaner_policy::library::LoadedPolicy;
use gleaner_policy::proposal::Proposal;
use gleaner_qos::capability::Capabilities;
use gleaner_qos::report::Report;
use std::borrow::Cow;
use std::path::Path;

/// The guest, and what was wrong with its last answer.
pub(super) struct Guest {
    policy: LoadedPolicy,
    wrong: Option<String>,
}

impl Guest {
    /// Loads it; `config` is the text of the configuration file.
    ///
    /// # Errors
    /// It cannot be loaded, speaks another version, or refuses the configuration.
    pub(super) fn open(library: &Path, config: &str, lend: Lend) -> Result<Self, Failure> {
        let start = Start { config: config.to_owned(), file: String::new(), lend: Some(lend) };
        let start =
            serde_json::to_vec(&start).map_err(|error| Failure::new(Exit::Software, error))?;
        let policy = LoadedPolicy::open(library, &start)
            .map_err(|error| Failure::new(Exit::Config, format_args!("policy.library: {error}")))?;
        tracing::info!(library = %library.display(), "another policy decides");
        Ok(Self { policy, wrong: None })
    }

    /// Puts the guest's offers and evictions in the place of the built-in ones.
    pub(super) fn decide(&mut self, reading: Reading<'_>, decision: &mut Decision) {
        let answer = self.tell(&Event::of(&reading));
        let Body::Fresh(sample) = reading.body else { return };
        let proposal = answer.and_then(|answer| Proposal::read(&answer).map_err(|e| e.to_string()));
        let would = decision.mode != Mode::Evict;
        let (proposal, mut wrong) = match proposal {
            Ok(proposal) => (proposal, None),
            Err(why) => (Proposal::default(), Some(why)),
        };
        if let Err(nonsense) = proposal.apply(decision, sample, would) {
            wrong = Some(nonsense.to_string());
        }
        if let Some(why) = wrong.as_ref().filter(|_| wrong != self.wrong) {
            tracing::warn!(why, "the loaded policy is not followed: nothing is lent");
        }
        self.wrong = wrong;
    }

    /// Passes on a fast reading; true where the guest wants to decide at once.
    pub(super) fn glance(&mut self, glance: &Glance) -> bool {
        let answer = self.tell(&Event::Glance(Cow::Borrowed(glance))).unwrap_or_default();
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap_or_default();
        answer["alarm"] == true
    }

    /// Passes on what became of an eviction.
    pub(super) fn report(&mut self, report: &Report) {
        // It is told again by the next sample, where the task is gone.
        let _ = self.tell(&Event::Report(report.clone()));
    }

    /// Passes on what can be done.
    pub(super) fn set_capabilities(&mut self, can: Capabilities) {
        if let Err(why) = self.tell(&Event::Can(can)) {
            tracing::warn!(why, "the loaded policy was not told what can be done");
        }
    }

    fn tell(&mut self, event: &Event<'_>) -> Result<Vec<u8>, String> {
        self.policy.step(&event.to_json()).map_err(|error| error.to_string())
    }

    /// What a person should know of it.
    pub(super) fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }
}
