// SPDX-License-Identifier: Apache-2.0
//! How the program ends: one code for each kind of failure, as in `sysexits.h`, so that a supervisor can tell them apart.

use std::fmt;
use std::process::ExitCode;

/// Why the program ended, other than as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// `status`: the daemon works, with a limitation.
    Limited,
    /// `status`: the daemon cannot do what it is there for.
    Failing,
    /// `status`: nobody answers.
    Unanswered,
    /// The command line cannot be understood.
    Usage,
    /// A trace or recording cannot be used.
    Data,
    /// The configuration file or the audit file cannot be read.
    NoInput,
    /// The address to listen on cannot be had, or a self-test failed.
    Unavailable,
    /// A defect of this program.
    Software,
    /// The node cannot be read: no `/proc`, no cgroups, no permission.
    Os,
    /// Output could not be written.
    Io,
    /// The configuration has mistakes.
    Config,
}

impl Exit {
    /// Every failure, by code.
    pub(crate) const ALL: [Self; 11] = [
        Self::Limited,
        Self::Failing,
        Self::Unanswered,
        Self::Usage,
        Self::Data,
        Self::NoInput,
        Self::Unavailable,
        Self::Software,
        Self::Os,
        Self::Io,
        Self::Config,
    ];

    /// The exit status.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Limited => 1,
            Self::Failing => 2,
            Self::Unanswered => 3,
            Self::Usage => 64,
            Self::Data => 65,
            Self::NoInput => 66,
            Self::Unavailable => 69,
            Self::Software => 70,
            Self::Os => 71,
            Self::Io => 74,
            Self::Config => 78,
        }
    }

    /// What it means, for `--help`.
    const fn meaning(self) -> &'static str {
        match self {
            Self::Limited => "`status` only: strained or degraded",
            Self::Failing => "`status` only: critical, blind, stale or poisoned",
            Self::Unanswered => "`status` only: no daemon answers",
            Self::Usage => "the command line is wrong",
            Self::Data => "a trace or recording cannot be used",
            Self::NoInput => "the configuration or audit file cannot be read",
            Self::Unavailable => "the address to listen on cannot be had, or a self-test failed",
            Self::Software => "a defect of gleaner; please report it",
            Self::Os => "this node cannot be read",
            Self::Io => "output cannot be written",
            Self::Config => "the configuration has mistakes",
        }
    }

    /// The list of codes below `--help`.
    pub(crate) fn table() -> String {
        let failures = Self::ALL.map(|exit| format!("\n  {:>3}  {}", exit.code(), exit.meaning()));
        format!(
            "Exit codes:\n    0  ended as asked (SIGINT, SIGTERM, --ticks){}",
            failures.concat()
        )
    }
}

/// A failure that ends the program: its kind, and what to tell whoever started it.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string() }
    }

    /// One of which everything has been told already.
    pub(crate) const fn told(exit: Exit) -> Self {
        Self { exit, message: String::new() }
    }

    /// Whether it is of this kind.
    pub(crate) fn is(&self, exit: Exit) -> bool {
        self.exit == exit
    }

    /// Says why on standard error and gives the exit status.
    pub(crate) fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            eprintln!("gleaner: {}", self.message);
        }
        ExitCode::from(self.exit.code())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
