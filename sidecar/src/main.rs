// SPDX-License-Identifier: Apache-2.0
//! The daemon and the command line.

fn main() {}
