// SPDX-License-Identifier: Apache-2.0
//! Names replaced by keyed hashes: a recording can leave the house without saying what runs in it.
//!
//! SipHash-2-4 with 128 bits, key and output: without the key a guessed name cannot be tried. Each part of a
//! path is replaced by itself, so that the tree stays visible; the same name gives the same hash as long as
//! the key is the same.

use gleaner_estimator::sample::{Task, TaskId};
use siphasher::sip128::{Hasher128, SipHasher24};
use std::hash::Hasher;

/// Replaces names.
#[derive(Clone)]
pub struct Pseudonyms {
    key: [u8; 16],
}

impl Pseudonyms {
    /// With a key of the caller: random, and thrown away or kept outside of the recording.
    #[must_use]
    pub const fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// A name or path, part by part; empty parts stay empty.
    #[must_use]
    pub fn path(&self, path: &str) -> String {
        path.split('/').map(|part| self.part(part)).collect::<Vec<_>>().join("/")
    }

    /// A sentence that may hold names: replaced as a whole.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        format!("hidden {}", self.part(text))
    }

    /// Who a task is, with its name replaced.
    #[must_use]
    pub fn id(&self, id: &TaskId) -> TaskId {
        TaskId { name: self.path(&id.name).into(), inode: id.inode }
    }

    /// The facts of a task with its name, owner, the words on its class and the values of its labels replaced.
    #[must_use]
    pub fn task(&self, task: &Task) -> Task {
        Task {
            id: self.id(&task.id),
            why: self.text(&task.why),
            tenant: task.tenant.as_deref().map(|tenant| self.path(tenant)),
            labels: task.labels.iter().map(|(k, v)| (k.clone(), self.path(v))).collect(),
            class: task.class,
            allocation: task.allocation,
            priority: task.priority,
            started: task.started,
        }
    }

    fn part(&self, part: &str) -> String {
        if part.is_empty() {
            return String::new();
        }
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write(part.as_bytes());
        format!("{:032x}", hasher.finish128().as_u128())
    }
}
