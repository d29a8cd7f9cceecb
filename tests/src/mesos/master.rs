// SPDX-License-Identifier: Apache-2.0
//! The programs of an installed Mesos, and a master on loopback.

use super::text;
use crate::http::{free_address, get};
use crate::{skip, wait_until};
use serde_json::Value;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// For what an unoptimised Mesos does on a busy machine.
pub(super) const LONG: Duration = Duration::from_secs(120);

/// Where the programs of an installed Mesos are.
#[derive(Clone, Debug)]
pub struct Programs {
    prefix: PathBuf,
}

impl Programs {
    /// Those below `prefix`, or skips: headers alone are enough to compile against.
    #[must_use]
    pub fn or_skip(prefix: &Path) -> Option<Self> {
        let needed = ["sbin/mesos-master", "sbin/mesos-agent", "bin/mesos-execute"];
        let missing = needed.into_iter().find(|name| !prefix.join(name).exists());
        if let Some(name) = missing {
            skip(&format!("Mesos programs are not installed: no {}", prefix.join(name).display()));
            return None;
        }
        Some(Self { prefix: prefix.to_owned() })
    }

    /// The programs that an agent starts itself.
    pub(super) fn launchers(&self) -> PathBuf {
        self.prefix.join("libexec/mesos")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.prefix.join(name)
    }

    /// What they need of the environment: their library, and no address but loopback.
    pub(super) fn environment(&self) -> [(&'static str, String); 2] {
        [
            ("LD_LIBRARY_PATH", text(&self.prefix.join("lib"))),
            ("LIBPROCESS_IP", "127.0.0.1".to_owned()),
        ]
    }
}

/// A child that is killed and waited for when dropped, and what it printed.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) child: Child,
    log: PathBuf,
}

impl Running {
    /// # Panics
    /// It does not start.
    pub(super) fn start(command: &mut Command, log: PathBuf) -> Self {
        let file = File::create(&log).expect("a log");
        let copy = file.try_clone().expect("a descriptor");
        let child = command.stdin(Stdio::null()).stdout(file).stderr(copy).spawn();
        Self { child: child.unwrap_or_else(|error| panic!("{command:?}: {error}")), log }
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Fails with what it printed where it has ended.
    pub(super) fn expect_running(&mut self) {
        let ended = self.child.try_wait().expect("a child of ours");
        assert!(ended.is_none(), "{ended:?}\n{}", self.log());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A master that forgets everything when it ends.
#[derive(Debug)]
pub struct Master {
    process: Running,
    address: SocketAddr,
    programs: Programs,
    files: TempDir,
}

impl Master {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// It does not.
    #[must_use]
    pub fn start(programs: &Programs) -> Self {
        let files = tempfile::tempdir().expect("a directory");
        let address = free_address();
        let process = Running::start(
            Command::new(programs.path("sbin/mesos-master"))
                .envs(programs.environment())
                .args(["--ip=127.0.0.1", "--hostname=127.0.0.1", "--no-hostname_lookup"])
                .args(["--registry=in_memory", "--allocation_interval=1secs"])
                .arg(format!("--port={}", address.port()))
                .arg(format!("--work_dir={}", files.path().join("work").display())),
            files.path().join("master.log"),
        );
        let mut master = Self { process, address, programs: programs.clone(), files };
        wait_until("the master answers", LONG, || {
            master.process.expect_running();
            get(address, "/health").map(drop)
        });
        master
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it answers, as JSON.
    ///
    /// # Panics
    /// It answers something else.
    #[must_use]
    pub fn ask(&self, path: &str) -> Value {
        json(self.address, path)
    }

    pub(super) const fn programs(&self) -> &Programs {
        &self.programs
    }

    pub(super) fn directory(&self) -> &Path {
        self.files.path()
    }
}

pub(super) fn json(address: SocketAddr, path: &str) -> Value {
    let text = get(address, path).unwrap_or_else(|| panic!("{address}{path}: no answer"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
}
