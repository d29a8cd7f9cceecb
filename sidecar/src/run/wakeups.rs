// SPDX-License-Identifier: Apache-2.0
//! The kernel's own alarm clock: PSI triggers that end a wait. What woke us decides nothing; a glance does.

use crate::clock::Wake;
use gleaner_collector::{PsiTrigger, Stall};
use gleaner_estimator::units::Span;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

/// Stall in a window that is worth a look. The windows are the shortest that the kernel allows; events come at most once
/// in each.
const WORTH: [(&str, Span); 3] = [
    ("memory", Span::from_millis(10)),
    ("cpu", Span::from_millis(100)),
    ("io", Span::from_millis(100)),
];
const WINDOW: Span = Span::from_millis(500);

/// The thread that sleeps on the triggers; dropping it ends it.
pub(super) struct Wakeups {
    end: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Wakeups {
    /// Starts it where the kernel has PSI. Without it, nothing is lost but an earlier look.
    pub(super) fn start(proc: &Path, wake: Sender<Wake>) -> Option<Self> {
        let triggers: Vec<PsiTrigger> = WORTH
            .into_iter()
            .filter_map(|(name, stall)| {
                let path = proc.join("pressure").join(name);
                let trigger = PsiTrigger::register(&path, Stall::Some, stall, WINDOW);
                trigger.inspect_err(|error| tracing::debug!(%error, "no wake-up")).ok()
            })
            .collect();
        if triggers.is_empty() {
            return None;
        }
        let end = Arc::new(eventfd(0, EventfdFlags::CLOEXEC).ok()?);
        let ended = Arc::clone(&end);
        let thread = std::thread::Builder::new()
            .name("gleaner-psi".to_owned())
            .spawn(move || sleep_on(triggers, &ended, &wake))
            .inspect_err(|error| tracing::warn!(%error, "no thread for wake-ups"))
            .ok()?;
        Some(Self { end, thread: Some(thread) })
    }
}

impl Drop for Wakeups {
    fn drop(&mut self) {
        // An eventfd takes eight bytes unless it is full, which is an end too.
        let _ = rustix::io::write(&*self.end, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread for wake-ups panicked");
        }
    }
}

fn sleep_on(mut triggers: Vec<PsiTrigger>, end: &OwnedFd, wake: &Sender<Wake>) {
    while !triggers.is_empty() {
        let mut fds = vec![PollFd::new(end, PollFlags::IN)];
        fds.extend(
            triggers
                .iter()
                .map(|trigger| PollFd::from_borrowed_fd(trigger.as_fd(), PollFlags::PRI)),
        );
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return tracing::warn!(%error, "no wake-ups any more"),
        }
        if !fds[0].revents().is_empty() {
            return;
        }
        let events: Vec<PollFlags> = fds[1..].iter().map(PollFd::revents).collect();
        drop(fds);
        if events.iter().any(|event| event.contains(PollFlags::PRI))
            && wake.send(Wake::Pressed).is_err()
        {
            return;
        }
        // Its file is gone: it would end every sleep.
        let mut gone = events.iter().map(|event| event.contains(PollFlags::ERR));
        triggers.retain(|_| !gone.next().unwrap_or_default());
    }
}
