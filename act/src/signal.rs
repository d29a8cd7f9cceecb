// SPDX-License-Identifier: Apache-2.0
//! Signals to every process of a target, and to no other: a process id may pass to a stranger at any moment.

use crate::fault::Lost;
use crate::target::Target;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// Descriptors held at once, far below the usual limit of 1024.
const BATCH: usize = 128;

/// What came of signalling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signalled {
    /// Processes that got it.
    pub(crate) sent: usize,
    /// The last refusal of the kernel, a process that was gone aside.
    pub(crate) refused: Option<Errno>,
}

/// Sends `signal` to the target's processes.
///
/// A descriptor is opened for each (pidfd, 5.3), then the list is read again: who is still in it is the one whose
/// descriptor we hold, or its descriptor is dead and takes no signal. Before 5.3 the id alone must do; the time between
/// list and signal is then some microseconds.
pub(crate) fn signal_all(target: &Target, signal: Signal) -> Result<Signalled, Lost> {
    let listed: Vec<Pid> = target.members()?.pids.into_iter().filter_map(addressee).collect();
    let mut result = Signalled::default();
    for batch in listed.chunks(BATCH) {
        let aims: Vec<(Pid, Aim)> = batch.iter().filter_map(|pid| aim(*pid)).collect();
        let still = target.members()?.pids;
        for (pid, aim) in aims.iter().filter(|(pid, _)| still.contains(&pid.as_raw_pid())) {
            match aim.send(*pid, signal) {
                Ok(()) => result.sent += 1,
                Err(Errno::SRCH) => {}
                Err(errno) => result.refused = Some(errno),
            }
        }
    }
    Ok(result)
}

/// Never ourselves and never PID 1, whatever a list says.
fn addressee(pid: i32) -> Option<Pid> {
    let own = u32::try_from(pid).is_ok_and(|pid| pid == std::process::id());
    if own || pid <= 1 { None } else { Pid::from_raw(pid) }
}

enum Aim {
    Descriptor(OwnedFd),
    /// The kernel has no descriptors of processes.
    Number,
    Refused(Errno),
}

fn aim(pid: Pid) -> Option<(Pid, Aim)> {
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(fd) => Some((pid, Aim::Descriptor(fd))),
        Err(Errno::SRCH) => None,
        Err(Errno::NOSYS) => Some((pid, Aim::Number)),
        Err(errno) => Some((pid, Aim::Refused(errno))),
    }
}

impl Aim {
    fn send(&self, pid: Pid, signal: Signal) -> Result<(), Errno> {
        match self {
            Self::Descriptor(fd) => pidfd_send_signal(fd, signal),
            Self::Number => kill_process(pid, signal),
            Self::Refused(errno) => Err(*errno),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_never_addressed() {
        let own = i32::try_from(std::process::id()).expect("a pid is small");
        assert_eq!([0, 1, -1, own].map(addressee), [None; 4]);
        assert!(addressee(own + 1).is_some());
    }
}
