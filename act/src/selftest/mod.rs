// SPDX-License-Identifier: Apache-2.0
//! Tries every means on cgroups of our own, with small processes of our own, and says which work here.
//!
//! Nothing else on the node is touched, and what was made is removed whatever happens. A means that fails here need not
//! be tried on anybody's work to find out.

mod ground;
mod trial;

use crate::clock::Clock;
use crate::journal::Journal;
use crate::means::Means;
use crate::outcome::Outcome;
use crate::place::Places;
use crate::protect::Protected;
use crate::setting::Hands;
use gleaner_estimator::units::Span;
use ground::Ground;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use std::process::Command;

/// What a self-test needs.
pub struct Selftest<'a> {
    /// Where the hierarchies are.
    pub places: &'a Places,
    /// The cgroup below which the test's own are made, relative to each mount point; empty is the top.
    ///
    /// Never one that an agent owns: it would take ours for containers and destroy them.
    pub below: String,
    /// Makes a process that keeps one processor busy until its standard input closes.
    pub spinner: &'a dyn Fn() -> Command,
    /// Makes a process that fills page cache with 16 MiB at the start, then waits until its standard input closes; and
    /// where the file is. Without it reclaiming cannot be tried.
    pub cache: Option<&'a dyn Fn() -> Command>,
    /// Time.
    pub clock: &'a dyn Clock,
}

/// What came of one means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The means.
    pub means: Means,
    /// The file or call that was used; `None` where this node has none.
    pub file: Option<String>,
    /// What came of it. `Failed` with ENOENT or EOPNOTSUPP: this node does not have it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// From the order to its effect.
    pub took: Span,
}

impl Selftest<'_> {
    /// Tries everything. Takes some seconds.
    ///
    /// # Errors
    /// If no cgroup can be made below `below`, with the path.
    pub fn run(&self) -> io::Result<Vec<Row>> {
        let rows = Means::ALL.into_iter().map(|means| {
            // Fresh ground for each, so that one that leaves a mess does not spoil the next.
            let ground = Ground::make(self.places, &self.below)?;
            let mut hands = Hands::new(Protected::new(&[], &[]), Journal::volatile());
            let ordered = self.clock.now();
            let trial =
                trial::Trial { test: self, ground: &ground, hands: &mut hands, means, ordered };
            Ok(trial.run())
        });
        rows.collect()
    }
}

/// What the trials say to each other and to nobody else: a directory that could not be made.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
