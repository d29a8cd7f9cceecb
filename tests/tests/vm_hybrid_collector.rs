// SPDX-License-Identifier: Apache-2.0
//! The collector on a real kernel whose cgroups are hybrid.

mod collector_kernel;

use gleaner_collector::Version;

#[test]
fn the_layout_is_detected() {
    collector_kernel::the_layout_is_detected(Version::Hybrid);
}

#[test]
fn usage_under_a_quota_agrees_with_the_kernel() {
    collector_kernel::usage_under_a_quota_agrees_with_the_kernel();
}

#[test]
fn page_cache_is_not_the_working_set() {
    collector_kernel::page_cache_is_not_the_working_set("/dev/nvme0n1");
}

#[test]
fn stall_is_reported_where_the_kernel_has_it() {
    collector_kernel::stall_is_reported(true);
}

#[test]
fn cgroups_come_and_go() {
    collector_kernel::cgroups_come_and_go();
}
