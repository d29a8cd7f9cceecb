// SPDX-License-Identifier: Apache-2.0
//! The daemon's end: a socket of its own, and a thread for each module.

use crate::desk::Desk;
use crate::frame::{self, Deadline, WireError};
use crate::message::{Reply, Request, Role};
use crate::{DEADLINE, VERSION, client, peer};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// An agent has two modules; more connections than this are refused.
const MOST: usize = 8;
/// A module takes a turn at least twice a second; one that is silent for longer is gone.
const SILENCE: Duration = Duration::from_secs(10);

/// The running server. Dropping it ends it, and removes the socket.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Takes the address and serves whoever connects.
    ///
    /// The directory is made where it is missing, for its owner only; a socket that a dead server left
    /// behind is replaced, one that answers is not.
    ///
    /// # Errors
    /// The address cannot be had, or another server has it.
    pub fn start(path: &Path, desk: Arc<Desk>) -> io::Result<Self> {
        let listener = listen(path)?;
        let ending = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&ending);
        let thread = Builder::new()
            .name("gleaner-wire".to_owned())
            .spawn(move || serve(&listener, &desk, &ended))?;
        Ok(Self { path: path.to_owned(), ending, thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        // Wakes it from accepting; where that fails it is gone already.
        let _ = UnixStream::connect(&self.path);
        if let Some(thread) = self.thread.take() {
            // What it did not do any more does not matter now.
            let _ = thread.join();
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    if let Some(directory) = path.parent().filter(|directory| !directory.exists()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if UnixStream::connect(path).is_ok() {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        bound => bound?,
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves until `ending`. For hosts that own the listener and the thread themselves.
pub fn serve(listener: &UnixListener, desk: &Arc<Desk>, ending: &Arc<AtomicBool>) {
    let open = Arc::new(AtomicUsize::new(0));
    while let Ok((stream, _)) = listener.accept() {
        if ending.load(Ordering::Acquire) {
            return;
        }
        if open.fetch_add(1, Ordering::AcqRel) >= MOST {
            open.fetch_sub(1, Ordering::AcqRel);
            let why = format!("{MOST} modules are connected already");
            // It learns no more than that if it does not read.
            let _ = frame::write(&stream, &Reply::Refused { why }, Deadline::after(DEADLINE));
            continue;
        }
        let (desk, ending, here) = (Arc::clone(desk), Arc::clone(ending), Arc::clone(&open));
        let started = Builder::new().name("gleaner-module".to_owned()).spawn(move || {
            // However it ends, the module sees a closed connection and offers nothing.
            let _ = attend(&stream, &desk, &ending);
            here.fetch_sub(1, Ordering::AcqRel);
        });
        if started.is_err() {
            open.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// One module, from its hello to its end.
fn attend(stream: &UnixStream, desk: &Desk, ending: &AtomicBool) -> Result<(), WireError> {
    peer::check(stream)?;
    let say = |reply: &Reply| frame::write(stream, reply, Deadline::after(DEADLINE));
    let role = match frame::read(stream, Deadline::after(DEADLINE)) {
        Ok(Request::Hello { version, role }) if version >> 16 == VERSION >> 16 => role,
        Ok(Request::Hello { version, .. }) => {
            return say(&Reply::Refused { why: client::mismatch(version) });
        }
        Ok(Request::Turn { .. }) => return Err(WireError::Unexpected),
        Err(error) => {
            say(&Reply::Refused { why: error.to_string() })?;
            return Err(error);
        }
    };
    say(&Reply::Welcome { version: VERSION })?;
    let number = desk.arrive(role);
    let ended = turns(stream, desk, ending, role);
    desk.depart(number);
    ended
}

fn turns(
    stream: &UnixStream,
    desk: &Desk,
    ending: &AtomicBool,
    role: Role,
) -> Result<(), WireError> {
    while !ending.load(Ordering::Acquire) {
        let Request::Turn { table, table_age_ms, taken } =
            frame::read(stream, Deadline::after(SILENCE))?
        else {
            return Err(WireError::Unexpected);
        };
        let age = Duration::from_millis(table_age_ms);
        let (offer, corrections) = desk.turn(role, table, age, taken);
        frame::write(stream, &Reply::Answer { offer, corrections }, Deadline::after(DEADLINE))?;
    }
    Ok(())
}
