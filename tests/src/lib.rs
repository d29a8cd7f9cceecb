// SPDX-License-Identifier: Apache-2.0
//! Fakes, scenarios and the tests that see the whole product.

pub mod acting;
pub mod browser;
pub mod cgroup_rig;
pub mod demo;
pub mod fake_node;
pub mod gleaner;
pub mod http;
pub mod load;
pub mod mesos;
pub mod picture;
pub mod poll;
pub mod programs;
pub mod rig;
pub mod shell;
pub mod shortage;
pub mod sim;
pub mod skip;
pub mod story;
pub mod tree;

pub use poll::{poll_until, wait_until};
pub use skip::skip;
