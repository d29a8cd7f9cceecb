// SPDX-License-Identifier: Apache-2.0
//! Test cgroups as targets of acts, on whatever layout this machine has.

use crate::cgroup_rig::{CgroupRig, Group};
use crate::load::{Load, Work};
use gleaner_act::clock::{Clock, SystemClock};
use gleaner_act::evict::Eviction;
use gleaner_act::journal::Journal;
use gleaner_act::place::Places;
use gleaner_act::protect::Protected;
use gleaner_act::setting::{Deed, Hands};
use gleaner_act::target::Target;
use gleaner_collector::{Hierarchies, Roots};
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::{Span, Timestamp};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Long enough for anything that happens at all, also in a guest without hardware help.
pub const LONG: Duration = Duration::from_secs(60);

/// Where tasks are on this machine; they are listed where the CPU controller is.
///
/// # Panics
/// If nothing is mounted, which the rig has checked before.
#[must_use]
pub fn places(rig: &CgroupRig) -> Places {
    let hierarchies = Hierarchies::read(&Roots::default()).expect("mountinfo is readable");
    let listing = rig.mounts().of("cpu").expect("the rig needs it").to_owned();
    Places { hierarchies, listing }
}

/// The identity of a group as a sample would have it.
///
/// # Panics
/// If the group is gone.
#[must_use]
pub fn id(group: &Group) -> TaskId {
    let directory = group.directory("cpu").expect("the rig needs it");
    let inode = directory.metadata().expect("the group is there").ino();
    TaskId { name: group.path().to_string_lossy().into(), inode }
}

/// A group as a target.
///
/// # Panics
/// If the group is gone.
#[must_use]
pub fn target(rig: &CgroupRig, group: &Group) -> Target {
    Target::find(&places(rig), &id(group)).expect("the group is there")
}

/// Hands that protect only what is always protected, and remember in memory.
#[must_use]
pub fn hands() -> Hands {
    Hands::new(Protected::new(&[], &[]), Journal::volatile())
}

/// The time.
#[must_use]
pub fn now() -> Timestamp {
    SystemClock.now()
}

/// Evicts a target and waits for the end of it.
///
/// # Panics
/// If it does not end.
pub fn evict(hands: &mut Hands, target: Target, grace: Span) -> Deed {
    match Eviction::begin(hands, target, grace, Span::from_secs(30), now()) {
        Ok(mut eviction) => {
            crate::wait_until("the end of the eviction", LONG, || eviction.poll(hands, now()))
        }
        Err(deed) => deed,
    }
}

/// Starts a load that SIGTERM does not end, and waits until it is so: before, it would hear.
///
/// # Panics
/// If it cannot be started.
#[must_use]
pub fn deaf(group: &Group) -> Load {
    /// SIGTERM is signal 15, and masks begin with signal 1.
    const SIGTERM: u64 = 1 << 14;
    let load = Load::start(&Work::Deaf, group).expect("a load starts");
    let status = format!("/proc/{}/status", load.pid());
    crate::wait_until("deafness", LONG, || {
        let status = std::fs::read_to_string(&status).expect("it runs");
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        let ignored = u64::from_str_radix(ignored.trim(), 16).expect("a mask");
        (ignored & SIGTERM != 0).then_some(())
    });
    load
}

/// A place for page cache: a file on a disk, or the guest's disk itself; a tmpfs has no cache that could be dropped.
#[must_use]
pub fn disk(directory: &Path) -> Option<PathBuf> {
    const TMPFS: u64 = 0x0102_1994;
    const RAMFS: u64 = 0x8584_58f6;
    let kind = rustix::fs::statfs(directory).ok()?.f_type;
    let in_memory = [TMPFS, RAMFS].contains(&u64::try_from(kind).unwrap_or(0));
    let guest = PathBuf::from("/dev/nvme0n1");
    match (in_memory, guest.exists()) {
        (false, _) => Some(directory.join("cache")),
        (true, true) => Some(guest),
        (true, false) => {
            crate::skip("there is no disk here, and so no cache that could be dropped");
            None
        }
    }
}
