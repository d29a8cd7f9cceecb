// SPDX-License-Identifier: Apache-2.0
//! New and removed cgroups by inotify on their parents: mkdir and rmdir are reported on v1 and v2 alike.
//!
//! kernfs reports what user space does through the watched mount's file system instance; a mount of the
//! same hierarchy in another cgroup namespace is another instance. A full scan now and then covers that.

use crate::health::Trouble;
use crate::trees::{Tree, join};
use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use std::collections::BTreeMap;
use std::mem::MaybeUninit;

/// What happened to a cgroup, by path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Created(String),
    Removed(String),
    /// Events were lost: list everything again.
    Lost,
}

/// The watched directories.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    queue: Option<OwnedFd>,
    dirs: BTreeMap<i32, String>,
}

impl Changes {
    /// An empty set of watches; without `notify`, or where inotify is refused, it stays empty.
    pub(crate) fn new(notify: bool, trouble: &mut Trouble) -> Self {
        if !notify {
            return Self::default();
        }
        match inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK) {
            Ok(queue) => Self { queue: Some(queue), dirs: BTreeMap::new() },
            Err(errno) => {
                trouble
                    .unseen("new cgroups before the next full scan", format!("inotify: {errno}"));
                Self::default()
            }
        }
    }

    /// Watches the directory at `path`; watching it again changes nothing.
    pub(crate) fn watch(&mut self, tree: &Tree, path: &str, trouble: &mut Trouble) {
        let Some(queue) = &self.queue else { return };
        let flags = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR;
        match inotify::add_watch(queue, tree.path.join(path), flags) {
            Ok(watch) => {
                self.dirs.insert(watch, path.to_owned());
            }
            Err(rustix::io::Errno::NOENT) => {}
            Err(errno) => {
                let what = "new cgroups before the next full scan";
                trouble.unseen(what, format!("inotify on {path}: {errno}"));
            }
        }
    }

    /// Takes all events that wait. Allocates only if there are any.
    pub(crate) fn drain(&mut self, changes: &mut Vec<Change>) {
        let Some(queue) = &self.queue else { return };
        let mut space = [MaybeUninit::uninit(); 4096];
        let mut events = Reader::new(queue, &mut space);
        while let Ok(event) = events.next() {
            let kind = event.events();
            if kind.contains(ReadFlags::QUEUE_OVERFLOW) {
                changes.push(Change::Lost);
            } else if kind.contains(ReadFlags::IGNORED) {
                self.dirs.remove(&event.wd());
            } else if kind.contains(ReadFlags::ISDIR) {
                let name = event.file_name().and_then(|name| name.to_str().ok());
                let Some((parent, name)) = self.dirs.get(&event.wd()).zip(name) else { continue };
                let path = join(parent, name);
                let appeared = kind.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
                changes.push(if appeared { Change::Created(path) } else { Change::Removed(path) });
            }
        }
    }
}
