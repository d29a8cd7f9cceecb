// SPDX-License-Identifier: Apache-2.0
//! Threads of ours: named, and deaf to every signal, which are the host's to handle.

use std::io;
use std::mem::MaybeUninit;
use std::thread::{Builder, JoinHandle};

/// Starts a thread in which all signals are blocked. It inherits that, so there is no moment without.
pub(crate) fn thread(
    name: &str,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let before = block_all()?;
    let started = Builder::new().name(name.to_owned()).spawn(body);
    // SAFETY: `before` was filled by the kernel; restoring it cannot fail.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut()) };
    started
}

/// Blocks every signal in this thread and says which were blocked before.
fn block_all() -> io::Result<libc::sigset_t> {
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: both point to room for a set; the first is filled before it is read.
    let failed = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr())
    };
    match failed {
        // SAFETY: on success it was filled.
        0 => Ok(unsafe { before.assume_init() }),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}
