// SPDX-License-Identifier: Apache-2.0
//! The host half: packs the test with what it needs, boots the machine, and answers as the test answered.

use crate::initramfs::Archive;
use crate::qemu::{self, Ending};
use crate::request::{self, Request};
use crate::tsc::Moment;
use anyhow::{Context, Result, bail};
use gleaner_tests::cgroup_rig::Layout;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

/// Programs of the workspace that tests start, packed where they are built: beside `deps/`.
const PROGRAMS: [&str; 3] = ["load", "squeeze", "gleaner"];
/// Variables of the host that reach the test; the rest says things that are not true in the guest.
const ENVIRONMENT: [&str; 6] = ["CARGO", "RUST", "PROPTEST_", "INSTA_", "GLEANER_", "NEXTEST"];
/// Seconds from boot to answer, where `GLEANER_VM_TIMEOUT_S` says nothing else. A boot takes 3 s on a quiet
/// machine, and a test inside is expected to take seconds, not minutes.
const TIMEOUT_S: u64 = 240;

/// Runs `arguments` (a test binary and what it is to be told) in a guest.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let start = Moment::now();
    let Some(program) = arguments.first() else { bail!("usage: vm TEST-BINARY [ARGUMENT]…") };
    let kernel = PathBuf::from(std::env::var_os("GLEANER_VM_KERNEL").unwrap_or_default());
    if let Some(missing) = qemu::missing(&kernel) {
        let (binary, rest) = (program.rsplit('/').next(), arguments[1..].join(" "));
        // tests/run looks for these words: libtest never ran, so this is in no count of passed tests.
        let test = format!("{} (not booted) {rest}", binary.unwrap_or_default());
        gleaner_tests::skip::skip_as(&test, &missing);
        return Ok(ExitCode::SUCCESS);
    }
    let program = std::fs::canonicalize(program).with_context(|| program.clone())?;
    let request = Request {
        layout: layout_of(&program)?,
        command: std::iter::once(program.to_string_lossy().into_owned())
            .chain(arguments[1..].iter().cloned())
            .collect(),
        environment: environment(),
        directory: std::env::current_dir()?.to_string_lossy().into_owned(),
    };
    let initramfs = pack(&program, &request).context("packing the initramfs")?;
    let timeout = timeout()?;
    // Packing took long enough to time the counter by.
    let tsc_khz = Moment::now().khz_since(start).context("no time has passed")?;
    let outcome = qemu::boot(&kernel, &initramfs, tsc_khz, timeout)?;
    gleaner_tests::skip::record(&outcome.skipped);
    let (code, problem) = match outcome.ending {
        Ending::Answered(0) => return Ok(ExitCode::SUCCESS),
        Ending::Answered(code) => (code, None),
        Ending::Died(status) => (1, Some(format!("the machine died with {status}"))),
        Ending::TimedOut => (1, Some(format!("no answer within {} s", timeout.as_secs()))),
    };
    eprintln!("--- end of the guest's console ---\n{}", outcome.console_tail);
    if let Some(problem) = problem {
        eprintln!("virtual machine: {problem}");
    }
    Ok(ExitCode::from(code))
}

/// The layout that the test binary's name asks for: `vm_v2_memory-1a2b…` wants v2. `GLEANER_VM_LAYOUT` asks for
/// programs of other names.
fn layout_of(program: &Path) -> Result<Layout> {
    if let Ok(word) = std::env::var("GLEANER_VM_LAYOUT") {
        return Layout::from_word(&word).with_context(|| format!("GLEANER_VM_LAYOUT={word:?}"));
    }
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let word = name.strip_prefix("vm_").and_then(|rest| rest.split('_').next());
    match word.and_then(Layout::from_word) {
        Some(layout) => Ok(layout),
        None => bail!("{name}: the name of a VM test begins with vm_v1_, vm_v2_ or vm_hybrid_"),
    }
}

fn timeout() -> Result<Duration> {
    match std::env::var("GLEANER_VM_TIMEOUT_S") {
        Ok(text) => Ok(Duration::from_secs(text.parse().context("GLEANER_VM_TIMEOUT_S")?)),
        Err(_) => Ok(Duration::from_secs(TIMEOUT_S)),
    }
}

fn environment() -> Vec<(String, String)> {
    let wanted = |name: &String| ENVIRONMENT.iter().any(|prefix| name.starts_with(prefix));
    std::env::vars().filter(|(name, _)| wanted(name)).collect()
}

/// Packs this program as process 1, the test, its helpers, and the libraries of them all.
fn pack(test: &Path, request: &Request) -> Result<File> {
    let own = std::env::current_exe()?;
    let mut programs = vec![test.to_owned()];
    if let Some(built) = own.parent() {
        programs.extend(PROGRAMS.iter().map(|name| built.join(name)).filter(|path| path.exists()));
    }
    // A program from elsewhere that the test starts, where there is one.
    let more = std::env::var_os("GLEANER_VM_PACK").map(PathBuf::from);
    programs.extend(more.filter(|path| path.is_file()));
    let mut libraries = libraries(&own)?;
    for program in &programs {
        libraries.extend(self::libraries(program)?);
    }
    // In memory and without a name: nothing is left behind, however this process ends. It must
    // stay open across exec, for QEMU reads it as /dev/fd/N.
    let file = rustix::fs::memfd_create("initramfs", rustix::fs::MemfdFlags::empty())?;
    let mut archive = Archive::new(BufWriter::with_capacity(1 << 20, File::from(file)));
    archive.file("init", &std::fs::read(own)?)?;
    archive.file(request::FILE, request.to_json().as_bytes())?;
    archive.directory(&request.directory)?;
    for path in libraries.iter().chain(&programs) {
        archive.copy(path).with_context(|| path.display().to_string())?;
    }
    Ok(archive.finish()?.into_inner()?)
}

/// The shared libraries of a program and its loader, as the loader itself resolves them.
fn libraries(program: &Path) -> Result<BTreeSet<PathBuf>> {
    let output = Command::new("ldd").arg(program).output().context("ldd")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("ldd {}: {}", program.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    // `libc.so.6 => /lib/…/libc.so.6 (0x…)`, and the loader alone: `/lib64/ld-linux-x86-64.so.2 (0x…)`
    Ok(text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect())
}
