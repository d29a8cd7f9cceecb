// SPDX-License-Identifier: Apache-2.0
//! The demonstration's files: the daemon's configuration, journal, audit and log. Removed when dropped, and what a
//! killed demonstration left at the next start.

use super::ground::{PREFIX, is_leftover};
use crate::exit::{Exit, Failure};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// A directory of our own.
pub(super) struct Files(PathBuf);

impl Files {
    pub(super) fn make() -> Result<Self, Failure> {
        let place = std::env::temp_dir();
        for entry in fs::read_dir(&place).into_iter().flatten().flatten() {
            if is_leftover(&entry.file_name().to_string_lossy()) {
                // Another's of such a name stays theirs: what cannot be removed is not ours.
                drop(fs::remove_dir_all(entry.path()));
            }
        }
        let path = place.join(format!("{PREFIX}{}", std::process::id()));
        // Fails where it exists, so nobody can put a directory of theirs in its place.
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| failed(&path, &error))?;
        Ok(Self(path))
    }

    /// The daemon's audit file.
    pub(super) fn audit(&self) -> PathBuf {
        self.0.join("audit.jsonl")
    }

    /// The daemon's configuration.
    pub(super) fn config(&self) -> PathBuf {
        self.0.join("gleaner.toml")
    }

    /// A file for the daemon's log.
    pub(super) fn log(&self) -> Result<File, Failure> {
        let path = self.0.join("log");
        File::create(&path).map_err(|error| failed(&path, &error))
    }

    /// The last lines of that log.
    pub(super) fn end_of_log(&self) -> String {
        let text = fs::read_to_string(self.0.join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }

    /// Writes the configuration: nothing but the cgroups below `top` is a task, so nothing else can be acted on.
    pub(super) fn configure(
        &self,
        mode: &str,
        top: &str,
        listen: SocketAddr,
    ) -> Result<(), Failure> {
        let text = configuration(mode, top, listen, &self.audit(), &self.0.join("journal"));
        let path = self.config();
        fs::write(&path, text).map_err(|error| failed(&path, &error))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("gleaner: {}: {error}", self.0.display());
        }
    }
}

fn configuration(
    mode: &str,
    top: &str,
    listen: SocketAddr,
    audit: &Path,
    journal: &Path,
) -> String {
    format!(
        r#"# The configuration of a demonstration: everything goes faster than it should on a real node.
mode = "{mode}"

[sample]
interval = "500ms"
memory_stat_every = "500ms"
rescan_every = "1s"

[lend]
warm_up = "3s"
task_warm_up = "3s"

[cpu]
rise = "none"

[predict]
start_ramp = false

[qos.memory]
# As early as anything: the last rung at once, because who waits for the others has no memory left to tell of it.
strained_ahead = "2s"
critical_ahead = "2s"
evict_ahead = "2s"

[http]
listen = "{listen}"

[audit]
file = {audit:?}

[act]
journal = {journal:?}
grace = "0s"

[layout]
preset = "globs"
containers_root = "{top}"

[[layout.task]]
pattern = "{top}/web"
class = "guaranteed"
cpu = "2 cores"
memory = "64MiB"

[[layout.task]]
pattern = "{top}/batch-*"
class = "best_effort"
"#
    )
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Os, format_args!("{}: {error}", path.display()))
}
