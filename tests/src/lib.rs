// SPDX-License-Identifier: Apache-2.0
//! Fakes, scenarios and the tests that see the whole product.

pub mod cgroup_rig;
pub mod load;
pub mod poll;
pub mod skip;

pub use poll::wait_until;
pub use skip::skip;
