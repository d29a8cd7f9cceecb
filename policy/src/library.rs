// SPDX-License-Identifier: Apache-2.0
//! Loading a policy from a shared library, and calling it: the one place of a host that meets foreign code.

#![expect(unsafe_code, reason = "what a library's functions are cannot be checked by a compiler")]

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::ffi::{CStr, c_char, c_void};
use std::path::{Path, PathBuf};

/// The version of the interface that this host speaks: major << 16 | minor.
pub const POLICY_ABI_VERSION: u32 = 1 << 16;
/// Bytes for the reason why a policy cannot start.
const WHY: usize = 4096;
/// A longer answer than this is nonsense.
const ANSWER: usize = 64 << 20;

type Version = unsafe extern "C" fn() -> u32;
type New = unsafe extern "C" fn(*const u8, usize, *mut c_char, usize, *mut *mut c_void) -> u32;
type Step = unsafe extern "C" fn(*mut c_void, *const u8, usize, *mut *const u8, *mut usize) -> u32;
type Free = unsafe extern "C" fn(*mut c_void) -> u32;

/// Why a library cannot be used as a policy, or a step of it failed.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It is not there, or no shared library.
    #[error("cannot load {path}: {why}", path = .path.display())]
    Load {
        /// The library.
        path: PathBuf,
        /// What the loader says.
        why: String,
    },
    /// It does not export the interface.
    #[error("{path} is no policy: it does not export {symbol}; see docs/ffi.md", path = .path.display())]
    Symbol {
        /// The library.
        path: PathBuf,
        /// What is missing.
        symbol: &'static str,
    },
    /// It speaks another version.
    #[error(
        "{path} speaks version {}.{} of the policy interface, this program {}.{}: rebuild it against this version's gleaner.h",
        .found >> 16, .found & 0xffff, POLICY_ABI_VERSION >> 16, POLICY_ABI_VERSION & 0xffff,
        path = .path.display()
    )]
    Version {
        /// The library.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// It refuses to start.
    #[error("{path} refuses to start: {why} (status {status})", path = .path.display())]
    Refused {
        /// The library.
        path: PathBuf,
        /// Its status.
        status: u32,
        /// Its reason.
        why: String,
    },
    /// A step failed.
    #[error("a step of {path} failed with status {status}", path = .path.display())]
    Step {
        /// The library.
        path: PathBuf,
        /// Its status.
        status: u32,
    },
    /// It says that it succeeded, and gave nothing, or too much.
    #[error("{path} gave an answer of {length} bytes", path = .path.display())]
    Answer {
        /// The library.
        path: PathBuf,
        /// What it says of its length.
        length: usize,
    },
}

/// A policy that was loaded. One thread at a time uses it.
#[derive(Debug)]
pub struct LoadedPolicy {
    path: PathBuf,
    policy: *mut c_void,
    step: Step,
    free: Free,
    /// Dropped last: the functions are in it.
    _library: Library,
}

// SAFETY: the interface demands one thread at a time and any thread; `&mut self` gives the former.
unsafe impl Send for LoadedPolicy {}

impl LoadedPolicy {
    /// Loads a library and starts its policy; `start` is a [`crate::built_in::Start`] as JSON.
    ///
    /// # Errors
    /// It cannot be loaded, exports something else, speaks another version, or refuses the start.
    pub fn open(path: &Path, start: &[u8]) -> Result<Self, PolicyError> {
        let owned = || path.to_owned();
        // SAFETY: an operator names a library that he trusts: its constructors run here.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
            .map_err(|error| PolicyError::Load { path: owned(), why: error.to_string() })?;
        let version: Version = symbol(&library, path, "gleaner_policy_abi_version")?;
        // SAFETY: the header gives it this type.
        let found = unsafe { version() };
        let (ours, theirs) = (POLICY_ABI_VERSION, found);
        // An older minor knows fewer events, and says so at each.
        if theirs >> 16 != ours >> 16 {
            return Err(PolicyError::Version { path: owned(), found });
        }
        let new: New = symbol(&library, path, "gleaner_policy_new")?;
        let step: Step = symbol(&library, path, "gleaner_policy_step")?;
        let free: Free = symbol(&library, path, "gleaner_policy_free")?;
        let (mut why, mut policy): ([c_char; WHY], _) = ([0; WHY], std::ptr::null_mut());
        // SAFETY: the header gives it this type; all lengths are those of what is pointed to.
        let status =
            unsafe { new(start.as_ptr(), start.len(), why.as_mut_ptr(), WHY - 1, &raw mut policy) };
        if status != 0 || policy.is_null() {
            // SAFETY: the last byte was 0 and the policy was not told of it.
            let why = unsafe { CStr::from_ptr(why.as_ptr()) }.to_string_lossy().into_owned();
            return Err(PolicyError::Refused { path: owned(), status, why });
        }
        Ok(Self { path: owned(), policy, step, free, _library: library })
    }

    /// One step: an event in, its answer out.
    ///
    /// # Errors
    /// The policy reports a failure, or an answer that cannot be one.
    pub fn step(&mut self, event: &[u8]) -> Result<Vec<u8>, PolicyError> {
        let (mut answer, mut length) = (std::ptr::null(), 0);
        let (at, size) = (event.as_ptr(), event.len());
        // SAFETY: the header gives it this type; the policy was made by the same library.
        let status =
            unsafe { (self.step)(self.policy, at, size, &raw mut answer, &raw mut length) };
        if status != 0 {
            return Err(PolicyError::Step { path: self.path.clone(), status });
        }
        if answer.is_null() || length > ANSWER {
            return Err(PolicyError::Answer { path: self.path.clone(), length });
        }
        // SAFETY: the interface promises that many bytes until the next step.
        Ok(unsafe { std::slice::from_raw_parts(answer, length) }.to_vec())
    }
}

impl Drop for LoadedPolicy {
    fn drop(&mut self) {
        // SAFETY: made by the same library, and freed once.
        unsafe { (self.free)(self.policy) };
    }
}

fn symbol<T: Copy>(library: &Library, path: &Path, name: &'static str) -> Result<T, PolicyError> {
    // SAFETY: the header gives each name its type, and an operator trusts the library to keep to it.
    let found = unsafe { library.get::<T>(name.as_bytes()) };
    match found {
        Ok(function) => Ok(*function),
        Err(_) => Err(PolicyError::Symbol { path: path.to_owned(), symbol: name }),
    }
}
