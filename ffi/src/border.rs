// SPDX-License-Identifier: Apache-2.0
//! Reading what a caller's pointers point to, and writing to them: every size is checked before a byte is touched.

use crate::abi::code::{
    GLEANER_BAD_CONFIG, GLEANER_BAD_HANDLE, GLEANER_BAD_SIZE, GLEANER_BAD_STATE, GLEANER_BAD_VALUE,
    GLEANER_BAD_VERSION, GLEANER_NOTHING, GLEANER_NULL_ARGUMENT, GLEANER_OS, GLEANER_POISONED,
    Status,
};
use crate::abi::table::{Options, Parameter, Task};
use crate::abi::told::{Correction, LogLine, Offer, Pace};
use std::ffi::c_char;
use std::mem::MaybeUninit;

/// Larger than any structure will ever be: a size above it is a caller's mistake.
const LARGEST: usize = 4096;
/// More parameters or tasks than this are a caller's mistake.
const MOST: usize = 1 << 20;

/// Why a call failed, with the details that a person needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Null,
    BadSize,
    BadValue(String),
    BadConfig(String),
    BadState(&'static str),
    BadVersion(String),
    Os(String),
    Nothing,
    BadHandle,
    Poisoned,
}

impl Failure {
    pub(crate) const fn status(&self) -> Status {
        match self {
            Self::Null => GLEANER_NULL_ARGUMENT,
            Self::BadSize => GLEANER_BAD_SIZE,
            Self::BadValue(_) => GLEANER_BAD_VALUE,
            Self::BadConfig(_) => GLEANER_BAD_CONFIG,
            Self::BadState(_) => GLEANER_BAD_STATE,
            Self::BadVersion(_) => GLEANER_BAD_VERSION,
            Self::Os(_) => GLEANER_OS,
            Self::Nothing => GLEANER_NOTHING,
            Self::BadHandle => GLEANER_BAD_HANDLE,
            Self::Poisoned => GLEANER_POISONED,
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::BadValue(why) | Self::BadConfig(why) | Self::BadVersion(why) | Self::Os(why) => {
                why.clone()
            }
            Self::BadState(why) => (*why).to_owned(),
            Self::Null | Self::BadSize | Self::Nothing | Self::BadHandle | Self::Poisoned => {
                crate::abi::code::text(self.status()).to_string_lossy().into_owned()
            }
        }
    }
}

/// The caller's buffer for the reason of a failure.
pub(crate) struct Why {
    at: *mut c_char,
    size: usize,
}

impl Why {
    /// # Safety
    /// `at` is NULL or has room for `size` bytes until this value is dropped.
    pub(crate) const unsafe fn new(at: *mut c_char, size: usize) -> Self {
        Self { at, size }
    }

    /// For calls without such a buffer.
    pub(crate) const fn nowhere() -> Self {
        Self { at: std::ptr::null_mut(), size: 0 }
    }

    /// Writes as much as fits, cut at a character, and a NUL.
    pub(crate) fn write(&mut self, text: &str) {
        let Some(room) = self.size.checked_sub(1).filter(|_| !self.at.is_null()) else { return };
        let mut length = text.len().min(room);
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        // SAFETY: `new` was promised room for `size` bytes, and `length` is at most one less.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr(), self.at.cast(), length);
            self.at.add(length).write(0);
        }
    }
}

/// Structures of integers and pointers, for which any bytes are a value.
///
/// # Safety
/// All bytes, also zeros, are a valid value, and there is no padding.
pub(crate) unsafe trait Plain: Copy {
    /// Size of the first version that was ever released.
    const FIRST: usize;
}
// SAFETY: integers and raw pointers only; ffi/tests/abi.rs shows that there is no padding.
unsafe impl Plain for Parameter {
    const FIRST: usize = 32;
}
// SAFETY: as above.
unsafe impl Plain for Options {
    const FIRST: usize = 48;
}
// SAFETY: as above.
unsafe impl Plain for Task {
    const FIRST: usize = 128;
}
// SAFETY: as above.
unsafe impl Plain for Offer {
    const FIRST: usize = 48;
}
// SAFETY: as above.
unsafe impl Plain for Pace {
    const FIRST: usize = 40;
}
// SAFETY: as above.
unsafe impl Plain for LogLine {
    const FIRST: usize = 48;
}
// SAFETY: as above.
unsafe impl Plain for Correction {
    const FIRST: usize = 56;
}

pub(crate) fn not_null<T>(pointer: *const T) -> Result<(), Failure> {
    if pointer.is_null() { Err(Failure::Null) } else { Ok(()) }
}

/// Whether a structure of `T` may have this size.
pub(crate) fn check_size<T: Plain>(size: usize) -> Result<(), Failure> {
    let fits = (T::FIRST..=LARGEST).contains(&size) && size.is_multiple_of(8);
    if fits { Ok(()) } else { Err(Failure::BadSize) }
}

/// A structure of a caller who knows `size` bytes of it.
///
/// # Safety
/// `size` bytes can be read at `at`.
unsafe fn read<T: Plain>(at: *const u8, size: usize) -> Result<T, Failure> {
    check_size::<T>(size)?;
    let ours = size_of::<T>();
    // SAFETY: promised by the caller, and nothing writes there during the call.
    let given = unsafe { std::slice::from_raw_parts(at, size) };
    if given.iter().skip(ours).any(|byte| *byte != 0) {
        return Err(Failure::BadSize);
    }
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: at most the size of `T` is copied, out of `size` readable bytes.
    unsafe { std::ptr::copy_nonoverlapping(at, value.as_mut_ptr().cast(), size.min(ours)) };
    // SAFETY: any bytes are a value of a `Plain` type, and all were set.
    Ok(unsafe { value.assume_init() })
}

/// The elements of a caller's array.
///
/// # Safety
/// `count` elements of `size` bytes can be read at `first`.
unsafe fn array<T: Plain>(first: *const T, count: usize, size: usize) -> Result<Vec<T>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    not_null(first)?;
    check_size::<T>(size)?;
    if count > MOST {
        return Err(Failure::BadValue(format!("{count} elements are more than {MOST}")));
    }
    // SAFETY: the element lies within the array that the caller promised.
    (0..count).map(|i| unsafe { read(first.cast::<u8>().add(i * size), size) }).collect()
}

/// So many bytes of the caller's, copied. NULL only without length.
///
/// # Safety
/// `length` bytes can be read at `first`.
pub(crate) unsafe fn bytes(first: *const u8, length: usize) -> Result<Vec<u8>, Failure> {
    if length == 0 {
        return Ok(Vec::new());
    }
    not_null(first)?;
    if isize::try_from(length).is_err() {
        return Err(Failure::BadValue(format!("a length of {length} bytes")));
    }
    // SAFETY: promised by the caller; not NULL, and not longer than an object can be.
    Ok(unsafe { std::slice::from_raw_parts(first, length) }.to_vec())
}

/// What is asked for at the opening.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) abi_version: u32,
    pub(crate) role: u32,
    pub(crate) dialect: u32,
    /// In the caller's order; the last of equals counts.
    pub(crate) parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The options and everything that they point to.
///
/// # Safety
/// `at` is NULL or points to options of the size that they say, and these to what they say.
pub(crate) unsafe fn options(at: *const Options) -> Result<Asked, Failure> {
    not_null(at)?;
    // SAFETY: the first field can be read, whatever the size.
    let size = unsafe { at.cast::<usize>().read_unaligned() };
    // SAFETY: the caller promises as many bytes as that field says.
    let options: Options = unsafe { read(at.cast(), size) }?;
    if options.reserved != 0 {
        return Err(Failure::BadValue("options.reserved is not 0".to_owned()));
    }
    let (count, size) = (options.parameter_count, options.parameter_size);
    // SAFETY: the caller promises that the array can be read.
    let given = unsafe { array(options.parameters, count, size) }?;
    let pair = |p: Parameter| {
        // SAFETY: the caller promises that keys and values can be read.
        unsafe { Ok((bytes(p.key, p.key_len)?, bytes(p.value, p.value_len)?)) }
    };
    Ok(Asked {
        abi_version: options.abi_version,
        role: options.role,
        dialect: options.dialect,
        parameters: given.into_iter().map(pair).collect::<Result<_, Failure>>()?,
    })
}

/// One task, with its texts copied; the pointers in `task` are not followed any more.
pub(crate) struct Row {
    pub(crate) task: Task,
    pub(crate) id: Vec<u8>,
    pub(crate) tenant: Vec<u8>,
}

/// The rows of a table.
///
/// # Safety
/// `count` elements of `size` bytes can be read at `first`, and what these point to.
pub(crate) unsafe fn tasks(
    first: *const Task,
    count: usize,
    size: usize,
) -> Result<Vec<Row>, Failure> {
    // SAFETY: promised by the caller.
    let given = unsafe { array(first, count, size) }?;
    let row = |task: Task| {
        // SAFETY: the caller promises that ids and tenants can be read.
        let (id, tenant) =
            unsafe { (bytes(task.id, task.id_len)?, bytes(task.tenant, task.tenant_len)?) };
        Ok(Row { task, id, tenant })
    };
    given.into_iter().map(row).collect()
}

/// A caller's structure that is to be filled.
pub(crate) struct Place<T> {
    at: *mut T,
    size: usize,
}

impl<T: Plain> Place<T> {
    /// # Safety
    /// `at` is NULL or points to a structure of the size that its first field says, until it is written.
    pub(crate) unsafe fn new(at: *mut T) -> Result<Self, Failure> {
        not_null(at)?;
        // SAFETY: the first field can be read, whatever the size.
        let size = unsafe { at.cast::<usize>().read_unaligned() };
        check_size::<T>(size)?;
        Ok(Self { at, size })
    }

    /// Fills as much as the caller knows, and zeros where he knows more. `value` is made for his size.
    ///
    /// # Safety
    /// As for `new`.
    pub(crate) unsafe fn write(self, value: impl FnOnce(usize) -> T) {
        let value = value(self.size);
        // SAFETY: the caller promised room for `size` bytes; from `value` no more are read than it has.
        unsafe { store(&value, self.at.cast(), self.size) };
    }
}

/// Copies a structure into `size` bytes, cut or filled up with zeros.
///
/// # Safety
/// There is room for `size` bytes at `at`.
pub(crate) unsafe fn store<T: Plain>(value: &T, at: *mut u8, size: usize) {
    // SAFETY: promised by the caller; `Plain` has no padding, so all bytes of `value` are set.
    unsafe {
        std::ptr::write_bytes(at, 0, size);
        std::ptr::copy_nonoverlapping(
            std::ptr::from_ref(value).cast(),
            at,
            size.min(size_of::<T>()),
        );
    }
}
