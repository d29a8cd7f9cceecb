// SPDX-License-Identifier: Apache-2.0
//! A PSI trigger: the kernel wakes whoever sleeps when stall time passes a threshold. Only to wake up.
//!
//! What it says is late and coarse (one event a window), so it decides nothing: who is woken reads the
//! totals. Registering one is the only thing this crate ever writes: the kernel takes the threshold by
//! a write to the pressure file and forgets it when the descriptor closes.

use crate::error::Error;
use gleaner_estimator::units::Span;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, write};
use std::path::{Path, PathBuf};

/// Windows of a process without CAP_SYS_RESOURCE must be a multiple of this.
const COARSE: Span = Span::from_secs(2);

/// Which line of a pressure file counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stall {
    /// At least one task waits.
    Some,
    /// All tasks that are not idle wait.
    Full,
}

/// Why [`PsiTrigger::wait`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The threshold was passed.
    Stalled,
    /// The time was up, or a signal came.
    Quiet,
    /// The cgroup was removed: register another.
    Gone,
}

/// A registered trigger; dropping it takes it back.
#[derive(Debug)]
pub struct PsiTrigger {
    fd: OwnedFd,
    path: PathBuf,
    window: Span,
    asked: Span,
}

impl PsiTrigger {
    /// Registers on a pressure file: wake when stall time in any `window` passes `threshold`.
    ///
    /// Where the kernel refuses the window (0.5 to 10 s are allowed, and without CAP_SYS_RESOURCE only
    /// multiples of 2 s) the next larger multiple of 2 s is used, see [`PsiTrigger::window`].
    ///
    /// # Errors
    /// The file is absent, unsupported (`psi=0`) or not writable, or no window is accepted.
    pub fn register(
        path: &Path,
        stall: Stall,
        threshold: Span,
        window: Span,
    ) -> Result<Self, Error> {
        let refused = |errno: Errno| Error::unreadable(path, errno);
        // A second write to one descriptor is EBUSY only after a first that was accepted.
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = openat(CWD, path, flags, Mode::empty()).map_err(refused)?;
        let mut used = window;
        let written = match ask(fd.as_fd(), stall, threshold, window) {
            Err(Errno::INVAL) => {
                used = coarser(window);
                ask(fd.as_fd(), stall, threshold, used)
            }
            other => other,
        };
        written.map_err(refused)?;
        if used != window {
            tracing::info!(path = %path.display(), %window, %used, "the kernel wakes us more rarely than asked: shorter windows need CAP_SYS_RESOURCE");
        }
        Ok(Self { fd, path: path.to_owned(), window: used, asked: window })
    }

    /// The window in force.
    #[must_use]
    pub fn window(&self) -> Span {
        self.window
    }

    /// Whether the window in force is not the one asked for: events then come up to two seconds late.
    #[must_use]
    pub fn is_coarse(&self) -> bool {
        self.window != self.asked
    }

    /// The file it is registered on.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for the trigger, at most `timeout`; without one, for ever.
    ///
    /// # Errors
    /// The kernel refuses to wait.
    pub fn wait(&self, timeout: Option<Span>) -> Result<Wake, Error> {
        let timeout = timeout.map(|span| Timespec {
            tv_sec: i64::try_from(span.0 / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(span.0 % 1_000_000_000).unwrap_or(0),
        });
        let mut fds = [PollFd::new(&self.fd, PollFlags::PRI)];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => Ok(Wake::Quiet),
            Ok(_) if fds[0].revents().contains(PollFlags::ERR) => Ok(Wake::Gone),
            Ok(_) => Ok(Wake::Stalled),
            Err(errno) => Err(Error::unreadable(&self.path, errno)),
        }
    }
}

impl AsFd for PsiTrigger {
    /// For an epoll set of the host: the event is `EPOLLPRI`.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn ask(fd: BorrowedFd<'_>, stall: Stall, threshold: Span, window: Span) -> Result<(), Errno> {
    let line = match stall {
        Stall::Some => "some",
        Stall::Full => "full",
    };
    // The kernel wants the final NUL.
    let text = format!("{line} {} {}\0", threshold.0 / 1000, window.0 / 1000);
    write(fd, text.as_bytes()).map(drop)
}

/// The next multiple of two seconds, from two to ten.
fn coarser(window: Span) -> Span {
    let steps = window.0.div_ceil(COARSE.0).clamp(1, 5);
    Span(steps * COARSE.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_windows_become_multiples_of_two_seconds() {
        for (asked, used) in
            [(0, 2_000), (500, 2_000), (2_000, 2_000), (2_001, 4_000), (60_000, 10_000)]
        {
            assert_eq!(coarser(Span::from_millis(asked)), Span::from_millis(used));
        }
    }
}
