// SPDX-License-Identifier: Apache-2.0
//! The Mesos module, built against an installed Mesos: its own tests over real libprocess, and what it exports.

use gleaner_tests::programs::{built, installed_or_skip};
use gleaner_tests::skip;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Mesos is, for those who have it elsewhere than a package puts it.
const PREFIX_VARIABLE: &str = "GLEANER_MESOS_PREFIX";

const EXPORTS: [&str; 4] = [
    "com_blue_yonder_ThresholdQoSController",
    "com_blue_yonder_ThresholdResourceEstimator",
    "org_gleaner_QoSController",
    "org_gleaner_ResourceEstimator",
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ffi/mesos")
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// What a program prints; fails with all of it if the program does.
fn output<S: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = S>) -> String {
    let output = Command::new(program).args(arguments).output().expect("a program that starts");
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let text = text.concat();
    assert!(output.status.success(), "{}: {}\n{text}", program.display(), output.status);
    text
}

/// The Mesos that is to be built against, or skips.
fn prefix_or_skip() -> Option<PathBuf> {
    let named = std::env::var_os(PREFIX_VARIABLE).map(PathBuf::from);
    let places = named.into_iter().chain(["/usr", "/usr/local"].map(PathBuf::from));
    let found = places.into_iter().find(|place| place.join("include/mesos/version.hpp").exists());
    if found.is_none() {
        skip(&format!("Mesos headers are not installed (set {PREFIX_VARIABLE} to where Mesos is)"));
    }
    found
}

#[test]
fn without_mesos_the_build_says_that_it_is_skipped_and_why() {
    let Some(cmake) = installed_or_skip("cmake") else { return };
    let empty = tempfile::tempdir().expect("a temporary directory");
    let (build, root) =
        (empty.path().join("build"), format!("-DMESOS_ROOT={}", empty.path().display()));
    let said = output(&cmake, ["-S", &text(&source()), "-B", &text(&build), &root]);
    assert!(said.contains("SKIPPED: want of Mesos headers"), "{said}");
}

#[test]
fn the_module_exports_its_objects_alone_and_passes_its_tests() {
    let Some(mesos) = prefix_or_skip() else { return };
    let Some(cmake) = installed_or_skip("cmake") else { return };
    let Some(ctest) = installed_or_skip("ctest") else { return };
    let library = built("libgleaner.so").expect("the library is built with its tests");
    // Kept, because compiling against these headers takes minutes.
    let build = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mesos-module");
    let mesos_root = format!("-DMESOS_ROOT={}", mesos.display());
    let gleaner = format!("-DGLEANER_LIBRARY={}", library.display());
    let said = output(
        &cmake,
        [
            "-S",
            &text(&source()),
            "-B",
            &text(&build),
            &mesos_root,
            &gleaner,
            "-DCMAKE_CXX_STANDARD=17",
        ],
    );
    if let Some(line) = said.lines().find(|line| line.contains("SKIPPED")) {
        return skip(&format!("Mesos headers: {}", line.trim_start_matches("-- ")));
    }
    output(&cmake, ["--build", &text(&build), "--parallel", "2"]);

    let exports = output(
        Path::new("nm"),
        ["-D", "--defined-only", &text(&build.join("libgleaner_mesos.so"))],
    );
    let mut names: Vec<&str> =
        exports.lines().filter_map(|line| line.split(' ').next_back()).collect();
    names.sort_unstable();
    assert_eq!(names, EXPORTS);

    let said =
        output(&ctest, ["--test-dir", &text(&build), "--output-on-failure", "--no-tests=error"]);
    assert!(said.contains("100% tests passed"), "{said}");
}
