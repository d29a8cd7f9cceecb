// SPDX-License-Identifier: Apache-2.0
//! The file `libgleaner.so`: where the build put it, what loading it does, and that a panic stays inside.

use gleaner_tests::skip;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW, Symbol};
use std::ffi::{CStr, c_char};
use std::path::PathBuf;

/// The library that belongs to this test's build.
pub(crate) fn path() -> Option<PathBuf> {
    let test = std::env::current_exe().expect("this program");
    let built = test.ancestors().skip(1).take(2).map(|place| place.join("libgleaner.so"));
    built.into_iter().find(|path| path.exists())
}

#[test]
fn loading_a_thousand_times_leaves_nothing_and_starts_nothing() {
    let Some(path) = path() else { return skip("libgleaner.so was not built") };
    let count =
        |what: &str| std::fs::read_dir(format!("/proc/self/{what}")).expect("procfs").count();
    let load = || {
        // SAFETY: loading runs nothing of ours.
        let library =
            unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }.expect("it loads");
        // SAFETY: the header says that this is its type.
        let version: Symbol<unsafe extern "C" fn() -> u32> =
            unsafe { library.get(b"gleaner_abi_version\0") }.expect("the function");
        // SAFETY: as above.
        assert_eq!(unsafe { version() }, gleaner::abi::GLEANER_ABI_VERSION);
        // SAFETY: as above.
        let text: Symbol<unsafe extern "C" fn(u32) -> *const c_char> =
            unsafe { library.get(b"gleaner_status_text\0") }.expect("the function");
        // SAFETY: never NULL, whatever the number.
        assert!(!unsafe { CStr::from_ptr(text(u32::MAX)) }.is_empty());
        library.close().expect("it unloads");
    };
    load();
    let before = (count("task"), count("fd"));
    (0..1000).for_each(|_| load());
    // Tests beside this one come and go; a leak of one a load would be a thousand.
    assert!(count("task") < before.0 + 100 && count("fd") < before.1 + 100);
}
