// SPDX-License-Identifier: Apache-2.0
//! The open handles by number: what a caller holds is a number, so a stale one is refused and never followed.

use super::Handle;
use crate::abi::Gleaner;
use crate::border::Failure;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

static OPEN: RwLock<BTreeMap<usize, Arc<Handle>>> = RwLock::new(BTreeMap::new());
static NEXT: AtomicUsize = AtomicUsize::new(STEP);

/// Numbers look like aligned pointers and are never given twice.
pub(crate) const STEP: usize = 16;

pub(crate) fn insert(handle: Handle) -> *mut Gleaner {
    let number = NEXT.fetch_add(STEP, Ordering::Relaxed);
    OPEN.write().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::new(handle));
    std::ptr::without_provenance_mut(number)
}

pub(crate) fn find(handle: *mut Gleaner) -> Result<Arc<Handle>, Failure> {
    if handle.is_null() {
        return Err(Failure::Null);
    }
    let open = OPEN.read().unwrap_or_else(PoisonError::into_inner);
    open.get(&handle.addr()).cloned().ok_or(Failure::BadHandle)
}

pub(crate) fn remove(handle: *mut Gleaner) -> Result<Arc<Handle>, Failure> {
    let mut open = OPEN.write().unwrap_or_else(PoisonError::into_inner);
    open.remove(&handle.addr()).ok_or(Failure::BadHandle)
}
