// SPDX-License-Identifier: Apache-2.0
//! Fakes, scenarios and the tests that see the whole product.

pub mod fake_node;
pub mod host_cgroup;
pub mod tree;
