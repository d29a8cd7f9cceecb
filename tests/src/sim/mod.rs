// SPDX-License-Identifier: Apache-2.0
//! A seeded closed-loop simulator of the whole engine: offers get used, corrections take effect, things go wrong, and
//! every moment is checked against what really happens.
//!
//! ```text
//!            ┌── glances, samples (faults.rs spoils them) ──┐
//!  kernel.rs │                                              ▼
//!  cpu.rs    │                                           Engine ── Decision ──▶ checks/ (and the truth)
//!  memory.rs ◀── host.rs acts, reports, thaws ◀─── asks ────┘ │
//!  disk.rs   ◀── scheduler.rs uses offers ◀────── offers ─────┘
//! ```
//!
//! One seed is one node, its workloads and its faults; a seed replays to the byte. [`Sabotage`] breaks one promise
//! for each check, to prove that none of them is blind. All that is simulated was measured on two cores or is a guess,
//! and says which: what passes here is consistent, it is not thereby true of a kernel.

mod ask;
mod checks;
mod cpu;
mod dice;
mod disk;
mod faults;
mod host;
mod kernel;
mod knob;
mod memory;
mod run;
mod sabotage;
mod scene;
mod scheduler;
mod story;
mod task;
mod workload;

pub use knob::Knob;
pub use run::{Failure, Plan, Summary, run};
pub use sabotage::Sabotage;
pub use scene::Weather;
