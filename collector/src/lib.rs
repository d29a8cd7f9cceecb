// SPDX-License-Identifier: Apache-2.0
//! The only reader of the kernel: cgroup v1, v2 and hybrid, /proc, PSI.
