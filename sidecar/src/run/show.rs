// SPDX-License-Identifier: Apache-2.0
//! What goes to standard output at each decision: a row for people, a line of JSON for programs, or nothing.

use super::rows::Rows;
use crate::exit::Failure;
use crate::output::{self, Reader};
use gleaner_engine::audit;
use gleaner_engine::decision::Decision;
use gleaner_watch::about::About;

/// The form of the output.
pub(super) enum Show {
    /// A row for each resource that is lent.
    Rows(Rows),
    /// The decision as a line of JSON.
    Json,
    /// Nothing: the log tells what changes.
    Nothing,
}

impl Show {
    /// Rows on a terminal, JSON where asked for, else nothing.
    pub(super) fn new(json: bool, terminal: bool) -> Self {
        match (json, terminal) {
            (true, _) => Self::Json,
            (false, true) => Self::Rows(Rows::default()),
            (false, false) => Self::Nothing,
        }
    }

    /// Says once what was found and where to look, where people read.
    pub(super) fn begin(&self, introduction: impl FnOnce() -> String) -> Result<Reader, Failure> {
        match self {
            Self::Rows(_) => output::print(&introduction()),
            Self::Json | Self::Nothing => Ok(Reader::Present),
        }
    }

    /// Shows one decision.
    pub(super) fn decision(
        &mut self,
        decision: &Decision,
        about: &About,
    ) -> Result<Reader, Failure> {
        match self {
            Self::Rows(rows) => output::print(&rows.text(decision, about, output::columns())),
            Self::Json => output::print(&(audit::line(decision) + "\n")),
            Self::Nothing => Ok(Reader::Present),
        }
    }
}
