// SPDX-License-Identifier: Apache-2.0
//! An installed Mesos: the module built against it, and a master with an agent that loads the module.

mod agent;
mod framework;
mod master;

pub use agent::{Agent, Modules};
pub use framework::{Framework, Held};
pub use master::{Master, Programs};

use crate::programs::{built, installed_or_skip};
use crate::skip;
use rustix::fs::{FlockOperation, flock};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Mesos is, for those who have it elsewhere than a package puts it.
const PREFIX_VARIABLE: &str = "GLEANER_MESOS_PREFIX";

/// The sources of the module.
#[must_use]
pub fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ffi/mesos")
}

/// The Mesos that is to be built against, or skips.
#[must_use]
pub fn prefix_or_skip() -> Option<PathBuf> {
    let named = std::env::var_os(PREFIX_VARIABLE).map(PathBuf::from);
    let places = named.into_iter().chain(["/usr", "/usr/local"].map(PathBuf::from));
    let found = places.into_iter().find(|place| place.join("include/mesos/version.hpp").exists());
    if found.is_none() {
        skip(&format!("Mesos headers are not installed (set {PREFIX_VARIABLE} to where Mesos is)"));
    }
    found
}

/// What a program prints.
///
/// # Panics
/// It does not start, or fails: with all that it printed.
pub fn output<S: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = S>) -> String {
    let output = Command::new(program).args(arguments).output().expect("a program that starts");
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let text = text.concat();
    assert!(output.status.success(), "{}: {}\n{text}", program.display(), output.status);
    text
}

/// A path as an argument or a JSON string.
#[must_use]
pub fn text(path: &Path) -> String {
    path.display().to_string()
}

/// The module, compiled and installed for the tests.
#[derive(Debug)]
pub struct Module {
    /// Where cmake builds it, with its tests.
    pub build: PathBuf,
    /// Holds it under both names, and the library beside it.
    pub directory: PathBuf,
}

impl Module {
    /// Builds it below `place` against the Mesos at `prefix`, or skips.
    ///
    /// The files stay, because compiling against these headers takes minutes; the next time only what has changed is built.
    ///
    /// # Panics
    /// It does not compile.
    #[must_use]
    pub fn built_or_skip(prefix: &Path, place: &Path) -> Option<Self> {
        let cmake = installed_or_skip("cmake")?;
        let library = built("libgleaner.so").expect("the library is built with its tests");
        let (build, root) = (place.join("mesos-module"), place.join("mesos-installed"));
        fs::create_dir_all(&build).expect("a directory");
        // Tests run beside one another.
        let lock = File::create(place.join("mesos-module.lock")).expect("a lock file");
        flock(&lock, FlockOperation::LockExclusive).expect("a lock");
        let options = [
            format!("-DMESOS_ROOT={}", prefix.display()),
            format!("-DGLEANER_LIBRARY={}", library.display()),
            "-DGLEANER_DROP_IN=ON".to_owned(),
            "-DCMAKE_INSTALL_LIBDIR=lib".to_owned(),
            "-DCMAKE_CXX_STANDARD=17".to_owned(),
        ];
        let paths = ["-S".to_owned(), text(&sources()), "-B".to_owned(), text(&build)];
        let said = output(&cmake, paths.iter().chain(&options));
        if let Some(line) = said.lines().find(|line| line.contains("SKIPPED")) {
            skip(&format!("Mesos headers: {}", line.trim_start_matches("-- ")));
            return None;
        }
        output(&cmake, ["--build", &text(&build), "--parallel", "2"]);
        output(&cmake, ["--install", &text(&build), "--prefix", &text(&root)]);
        Some(Self { build, directory: root.join("lib/mesos/modules") })
    }
}
