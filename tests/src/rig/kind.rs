// SPDX-License-Identifier: Apache-2.0
//! Kinds of best-effort work: what each uses most.

use super::machine::cores;
use crate::load::Work;
use serde::{Deserialize, Serialize};
use std::path::Path;

const MIB: u64 = 1 << 20;

/// One kind.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Two spinning threads a core.
    Spin,
    /// A thread a core that reads through 64 MiB: memory bandwidth and the last cache.
    Stream,
    /// Fills page cache and reads it again and again.
    Cache,
    /// Takes memory up to a bound and writes to all of it.
    Memory,
    /// Two chains a core of processes that fork and end.
    Fork,
    /// Writes and waits for the disk.
    Disk,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Spin, Self::Stream, Self::Cache, Self::Memory, Self::Fork, Self::Disk];

    /// The word for tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Spin => "spinners",
            Self::Stream => "memory streamers",
            Self::Cache => "page-cache filler",
            Self::Memory => "memory writer",
            Self::Fork => "fork storm",
            Self::Disk => "disk writers",
        }
    }

    /// What is started for it; files go to `directory`. Sizes leave a machine of 4 GiB its memory.
    #[must_use]
    pub fn works(self, directory: &Path) -> Vec<Work> {
        let file = |name: &str| directory.join(name);
        match self {
            Self::Spin => vec![Work::Spin { threads: 2 * cores() }],
            Self::Stream => vec![Work::Stream { threads: cores(), bytes: 64 * MIB }],
            Self::Cache => vec![Work::Cache { path: file("cache"), bytes: 256 * MIB }],
            Self::Memory => vec![Work::Churn { bytes: 256 * MIB }],
            Self::Fork => vec![Work::Chain { chains: 2 * cores() }],
            Self::Disk => {
                ["one", "two"].map(|name| Work::Disk { path: file(name), bytes: 64 * MIB }).to_vec()
            }
        }
    }
}
