// SPDX-License-Identifier: Apache-2.0
//! The C ABI of Gleaner: `libgleaner.so` and `ffi/include/gleaner.h`.

pub mod abi;
