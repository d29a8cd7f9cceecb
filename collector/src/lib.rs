// SPDX-License-Identifier: Apache-2.0
//! The only reader of the kernel: cgroup v1, v2 and hybrid, /proc, PSI.
//!
//! `mountinfo → Hierarchies → layout → tasks → Sample`. It never writes (but see [`PsiTrigger`]) and has
//! no policy: what is to be done, and when, is decided elsewhere, from its samples alone.
//! Between samples [`Collector::glance`] reads what shows harm, up to 100 times a second.
//!
//! Read in this order: [`Settings`], [`Collector`], then `layout/` for which cgroups are tasks, `plan`
//! for which file answers what, `task` and `node` for the reading itself, [`parse`] for the files.
//!
//! # What it costs
//! Files that matter within a second are read at every sample by `pread` over kept descriptors; the
//! others (`memory.stat`, limits) at a slower rate, staggered over the tasks. New and removed cgroups
//! are reported by inotify. Once warm a sample allocates nothing.

mod age;
mod budget;
mod changes;
mod collector;
mod detect;
mod error;
mod facts;
mod glance;
mod health;
mod layout;
mod mounts;
mod node;
pub mod parse;
mod plan;
mod psi_trigger;
mod reader;
mod report;
mod roster;
mod said;
mod settings;
mod task;
mod threads;
mod trees;

pub use collector::Collector;
pub use detect::Considered;
pub use error::Error;
pub use health::{Health, Signals, Unseen};
pub use mounts::{Controller, Hierarchies, Version};
pub use psi_trigger::{PsiTrigger, Stall, Wake};
pub use report::LayoutReport;
pub use said::{Said, Saying};
pub use settings::{Glob, Preset, Roots, Settings};
