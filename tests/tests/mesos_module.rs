// SPDX-License-Identifier: Apache-2.0
//! The Mesos module, built against an installed Mesos: its own tests over real libprocess, and what it exports.

use gleaner_tests::mesos::{Module, output, prefix_or_skip, sources, text};
use gleaner_tests::programs::installed_or_skip;
use std::path::Path;

const EXPORTS: [&str; 4] = [
    "com_blue_yonder_ThresholdQoSController",
    "com_blue_yonder_ThresholdResourceEstimator",
    "org_gleaner_QoSController",
    "org_gleaner_ResourceEstimator",
];

#[test]
fn without_mesos_the_build_says_that_it_is_skipped_and_why() {
    let Some(cmake) = installed_or_skip("cmake") else { return };
    let empty = tempfile::tempdir().expect("a temporary directory");
    let (build, root) =
        (empty.path().join("build"), format!("-DMESOS_ROOT={}", empty.path().display()));
    let said = output(&cmake, ["-S", &text(&sources()), "-B", &text(&build), &root]);
    assert!(said.contains("SKIPPED: want of Mesos headers"), "{said}");
}

#[test]
fn the_module_exports_its_objects_alone_and_passes_its_tests() {
    let Some(mesos) = prefix_or_skip() else { return };
    let Some(ctest) = installed_or_skip("ctest") else { return };
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(module) = Module::built_or_skip(&mesos, place) else { return };
    let file = module.directory.join("libgleaner_mesos.so");
    let exports = output(Path::new("nm"), ["-D", "--defined-only", &text(&file)]);
    let mut names: Vec<&str> =
        exports.lines().filter_map(|line| line.split(' ').next_back()).collect();
    names.sort_unstable();
    assert_eq!(names, EXPORTS);

    let build = text(&module.build);
    let said = output(&ctest, ["--test-dir", &build, "--output-on-failure", "--no-tests=error"]);
    assert!(said.contains("100% tests passed"), "{said}");
}
