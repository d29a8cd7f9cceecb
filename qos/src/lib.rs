// SPDX-License-Identifier: Apache-2.0
//! When to take lent resource back, and from whom.

pub mod level;
