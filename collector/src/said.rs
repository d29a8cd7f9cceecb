// SPDX-License-Identifier: Apache-2.0
//! What an agent says of its containers, which it knows and weights can only hint at.

use crate::layout::{Description, base};
use gleaner_estimator::sample::{Allocation, Class};
use std::collections::BTreeMap;

/// What is said of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saying {
    /// Class.
    pub class: Class,
    /// What it was given.
    pub allocation: Allocation,
    /// Higher is more important.
    pub priority: i32,
    /// Owner.
    pub tenant: Option<String>,
}

/// What is said of all containers, by the last name of their cgroup's path: the container id.
pub type Said = BTreeMap<String, Saying>;

/// Puts what is said over what the cgroup's own settings seem to say.
pub(crate) fn amend(said: &Said, path: &str, description: &mut Description) {
    match said.get(base(path)) {
        Some(saying) => {
            description.class = saying.class;
            description.allocation = saying.allocation;
            description.priority = saying.priority;
            description.tenant.clone_from(&saying.tenant);
            "the agent says so".clone_into(&mut description.why);
        }
        None => {
            description.class = Class::System;
            "the agent does not name it".clone_into(&mut description.why);
        }
    }
}
