// SPDX-License-Identifier: Apache-2.0
//! The rig inside a virtual machine: what may be done to a machine only where it is nobody's, and other cgroup layouts.
//!
//! The guest prints one line for each thing that it measured, so that a machine that dies has told what it had.

use super::kind::Kind;
use super::machine::kernel;
use super::memory::{self, Guard, Scenario};
use super::reaction::{self, Guaranteed};
use super::report::{GuestRun, MemoryRun, Reaction, Row};
use super::schedule::Random;
use super::serve::Server;
use super::service::{Node, Service};
use super::slice::Bench;
use super::table;
use crate::cgroup_rig::{CgroupRig, Layout};
use crate::programs::built;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Seconds that a guest may take, where nothing else is said: six memory runs take some three minutes.
const TIMEOUT_S: &str = "420";

/// What a guest is booted for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    /// How long it may measure CPU; nothing for none.
    pub cpu_s: Option<f64>,
    /// Whether memory is run out of.
    pub memory: bool,
    /// earlyoom, where it is to be compared with.
    pub earlyoom: Option<PathBuf>,
    /// From which everything random is drawn.
    pub seed: u64,
}

/// One line of a guest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Kernel(String),
    Rows(Vec<Row>),
    Reaction(Reaction),
    Memory(MemoryRun),
}

/// The guest's half.
///
/// # Errors
/// Something cannot be started.
pub fn serve(task: &Task) -> Result<()> {
    tell(&Told::Kernel(kernel()))?;
    let rig = CgroupRig::new()?;
    let mut random = Random::new(task.seed);
    if let Some(seconds) = task.cpu_s {
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        for guaranteed in [Guaranteed::Spinners, Guaranteed::Service] {
            let place = rig.layout().word();
            tell(&Told::Reaction(reaction::trial(&rig, place, guaranteed, &mut random)?))?;
        }
        tell(&Told::Rows(isolation(&rig, until, &mut random)?))?;
    }
    if task.memory {
        // What ends with the kernel's killer comes last: it may take the machine with it.
        let mut guards = vec![Guard::Gleaner];
        guards.extend(task.earlyoom.clone().map(Guard::Earlyoom));
        guards.push(Guard::Nobody);
        for guard in guards {
            let both = [Scenario::Cache, Scenario::Growth];
            // What nobody watches cannot be ended falsely.
            let scenarios = if guard == Guard::Nobody { &both[1..] } else { &both };
            for scenario in scenarios.iter().copied() {
                let run = memory::run(&rig, scenario, &guard, random.next_u64())?;
                tell(&Told::Memory(run))?;
            }
        }
    }
    Ok(())
}

fn isolation(rig: &CgroupRig, until: Instant, random: &mut Random) -> Result<Vec<Row>> {
    let node = Node::new(rig)?;
    let mut service = Service::start(&Server { threads: 8, pages: None }, &node.guaranteed)?;
    let capacity = service.capacity(300)?;
    let mut bench = Bench {
        node: &node,
        service: &mut service,
        capacity,
        directory: Path::new("/tmp"),
        length: Duration::from_secs(4),
    };
    let cells = table::cells(&[40], &[Kind::Spin]);
    Ok(table::rows(&table::run(&mut bench, &cells, until, random, |_| {})?))
}

fn tell(told: &Told) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{}", serde_json::to_string(told)?)?;
    Ok(out.flush()?)
}

/// Boots a guest of this layout for a task, and collects what it tells. What it did not tell is in the text.
///
/// # Errors
/// It cannot be started, or told nothing.
pub fn boot(layout: Layout, task: &Task) -> Result<(GuestRun, Option<String>)> {
    let kernel = match std::env::var_os("GLEANER_VM_KERNEL") {
        Some(kernel) => PathBuf::from(kernel),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/vm/vmlinuz"),
    };
    let timeout = std::env::var_os("GLEANER_VM_TIMEOUT_S").unwrap_or_else(|| TIMEOUT_S.into());
    let mut child = Command::new(built("vm")?)
        .arg(std::env::current_exe()?)
        .args(["guest", &serde_json::to_string(task)?])
        .env("GLEANER_VM_KERNEL", kernel)
        .env("GLEANER_VM_TIMEOUT_S", timeout)
        .env("GLEANER_VM_LAYOUT", layout.word())
        .env("GLEANER_VM_PACK", task.earlyoom.clone().unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("vm")?;
    let output = child.stdout.take().context("it is piped above")?;
    let mut run = GuestRun {
        layout: layout.word().to_owned(),
        kernel: String::new(),
        table: Vec::new(),
        reactions: Vec::new(),
        memory: Vec::new(),
    };
    for line in BufReader::new(output).lines() {
        // Other lines are messages of programs in the guest.
        match serde_json::from_str(&line?) {
            Ok(Told::Kernel(release)) => run.kernel = release,
            Ok(Told::Rows(rows)) => run.table = rows,
            Ok(Told::Reaction(reaction)) => run.reactions.push(reaction),
            Ok(Told::Memory(memory)) => run.memory.push(memory),
            Err(_) => {}
        }
    }
    let status = child.wait()?;
    if run.kernel.is_empty() {
        bail!("{} guest: it told nothing ({status})", layout.word());
    }
    let died = (!status.success()).then(|| format!("{} guest: ended with {status}", layout.word()));
    Ok((run, died))
}
