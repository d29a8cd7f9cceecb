// SPDX-License-Identifier: Apache-2.0
//! The built-in policies that hosts have open, by number, as handles are.

use crate::abi::Policy;
use crate::border::Failure;
use crate::handle::registry::STEP;
use gleaner_policy::built_in::BuiltIn;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A policy, and its last answer, which lives until the next.
struct Open {
    /// Gone while a step is made: a panic leaves none behind, and all further steps are refused.
    policy: Option<BuiltIn>,
    answer: String,
}

type Shelf = BTreeMap<usize, Arc<Mutex<Open>>>;

static OPEN: Mutex<Shelf> = Mutex::new(BTreeMap::new());
static NEXT: AtomicUsize = AtomicUsize::new(STEP);

fn shelf() -> MutexGuard<'static, Shelf> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn insert(start: Vec<u8>) -> Result<*mut Policy, Failure> {
    let policy = BuiltIn::new(&start).map_err(Failure::BadConfig)?;
    let number = NEXT.fetch_add(STEP, Ordering::Relaxed);
    let open = Open { policy: Some(policy), answer: String::new() };
    shelf().insert(number, Arc::new(Mutex::new(open)));
    Ok(std::ptr::without_provenance_mut(number))
}

pub(crate) fn step(policy: *mut Policy, event: Vec<u8>) -> Result<(*const u8, usize), Failure> {
    if policy.is_null() {
        return Err(Failure::Null);
    }
    let open = shelf().get(&policy.addr()).cloned().ok_or(Failure::BadHandle)?;
    let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
    let mut policy = open.policy.take().ok_or(Failure::Poisoned)?;
    let answer = policy.step(&event);
    open.policy = Some(policy);
    open.answer = answer.map_err(Failure::BadValue)?;
    Ok((open.answer.as_ptr(), open.answer.len()))
}

pub(crate) fn remove(policy: *mut Policy) -> Result<(), Failure> {
    shelf().remove(&policy.addr()).map(drop).ok_or(Failure::BadHandle)
}
