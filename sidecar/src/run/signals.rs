// SPDX-License-Identifier: Apache-2.0
//! The thread that waits for signals and for nothing else: a daemon whose server hangs can still be told to end, and puts
//! everything back.

use crate::clock::Wake;
use crate::exit::{Exit, Failure};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use std::io;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

/// Signals reach the loop until this is dropped.
pub(super) struct Listening {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    /// From here on SIGINT and SIGTERM end the loop, and SIGHUP lets it read its configuration again.
    pub(super) fn start(wake: Sender<Wake>) -> Result<Self, Failure> {
        let fail = |error: io::Error| {
            Failure::new(Exit::Os, format_args!("cannot listen for signals: {error}"))
        };
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(fail)?;
        let handle = signals.handle();
        let thread = std::thread::Builder::new()
            .name("gleaner-signals".to_owned())
            .spawn(move || {
                for signal in signals.forever() {
                    let told = if signal == SIGHUP { Wake::Reload } else { Wake::Stop };
                    if wake.send(told).is_err() {
                        break;
                    }
                }
            })
            .map_err(fail)?;
        Ok(Self { handle, thread: Some(thread) })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread for signals panicked");
        }
    }
}
