// SPDX-License-Identifier: Apache-2.0
//! The daemon of `run_*.rs` on a hybrid kernel, and on a machine whose memory may run out.

#[path = "run_calm.rs"]
mod calm;
#[path = "run_cpu.rs"]
mod cpu;
#[path = "scenarios/demo.rs"]
mod demo;
#[path = "scenarios/disk.rs"]
mod disk;
#[path = "scenarios/memory.rs"]
mod memory;
