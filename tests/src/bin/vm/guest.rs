// SPDX-License-Identifier: Apache-2.0
//! The guest half, process 1: mounts what a node has, runs the test, and ends the machine with its exit code.

use crate::request::{CODE_BASE, CODE_MAX, FILE, Request};
use anyhow::{Context, Result};
use gleaner_tests::cgroup_rig::Layout;
use rustix::mount::{MountFlags, mount};
use rustix::process::{WaitOptions, wait};
use rustix::termios::{OptionalActions, tcdrain, tcgetattr, tcsetattr};
use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::process::{Command, ExitCode, Stdio};

/// The test's output.
const OUTPUT: &str = "/dev/ttyS1";
/// What tests record as skipped.
const SKIPPED: &str = "/dev/ttyS2";
const CGROUPS: &str = "/sys/fs/cgroup";
/// What the test could not tell by an exit code: killed by a signal, or this program's own trouble.
const NO_CODE: u32 = CODE_MAX;

/// Runs the request and ends the machine; never returns where the exit device works.
pub(crate) fn run() -> ExitCode {
    let code = serve().unwrap_or_else(|error| {
        eprintln!("guest: {error:#}");
        NO_CODE
    });
    // What was said above is the host's only clue, and the machine ends at once.
    let _ = tcdrain(std::io::stderr());
    end_machine(CODE_BASE + code);
    // Process 1 that ends is a kernel panic, and that is no answer: the host reports it with the console.
    ExitCode::FAILURE
}

fn serve() -> Result<u32> {
    mount_basics()?;
    let request = Request::from_json(&fs::read_to_string(FILE)?)?;
    match request.layout {
        Layout::V1 => mount_v1(true)?,
        Layout::V2 => mount_v2(CGROUPS)?,
        Layout::Hybrid => {
            mount_v1(false)?;
            mount_v2(&format!("{CGROUPS}/unified"))?;
        }
    }
    let output = serial_port(OUTPUT)?;
    let skipped = serial_port(SKIPPED)?;
    let child = Command::new(&request.command[0])
        .args(&request.command[1..])
        .env_clear()
        .envs(request.environment)
        .envs([("HOME", "/"), ("TMPDIR", "/tmp"), ("PATH", "/"), ("GLEANER_SKIPPED", SKIPPED)])
        // Under plain `cargo test` one boot runs a whole binary: its tests would disturb each other's pressure.
        .env("RUST_TEST_THREADS", "1")
        .current_dir(request.directory)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .spawn()
        .context(request.command[0].clone())?;
    let code = reap(child.id())?;
    tcdrain(&output)?;
    tcdrain(&skipped)?;
    Ok(code)
}

/// The root is a tmpfs already, and what was packed below /tmp must stay visible.
fn mount_basics() -> Result<()> {
    for (kind, at) in [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")] {
        mount_new(kind, at, "")?;
    }
    fs::create_dir_all("/tmp")?;
    // IFF_UP and IFF_LOOPBACK (linux/if.h); the kernel adds 127.0.0.1 by itself.
    fs::write("/sys/class/net/lo/flags", "0x9").context("bringing up the loopback interface")
}

/// The unified hierarchy, every controller that v1 left over handed down to children.
fn mount_v2(at: &str) -> Result<()> {
    mount_new("cgroup2", at, "")?;
    for controller in fs::read_to_string(format!("{at}/cgroup.controllers"))?.split_whitespace() {
        let file = format!("{at}/cgroup.subtree_control");
        fs::write(&file, format!("+{controller}"))
            .with_context(|| format!("{file}: {controller}"))?;
    }
    Ok(())
}

/// Every v1 controller. `shared` puts them together and links them as systemd does (`cpu` → `cpu,cpuacct`);
/// otherwise each is mounted alone: both are found on real nodes.
fn mount_v1(shared: bool) -> Result<()> {
    mount_new("tmpfs", CGROUPS, "mode=755")?;
    let table = fs::read_to_string("/proc/cgroups")?;
    let enabled = table.lines().filter(|line| !line.starts_with('#') && line.ends_with("\t1"));
    for controller in enabled.filter_map(|line| line.split('\t').next()) {
        let group = match controller {
            "cpu" | "cpuacct" if shared => "cpu,cpuacct",
            "net_cls" | "net_prio" if shared => "net_cls,net_prio",
            alone => alone,
        };
        if !fs::exists(format!("{CGROUPS}/{group}"))? {
            mount_new("cgroup", &format!("{CGROUPS}/{group}"), group)?;
        }
        if group != controller {
            symlink(group, format!("{CGROUPS}/{controller}"))?;
        }
    }
    mount_new("cgroup", &format!("{CGROUPS}/systemd"), "none,name=systemd")
}

fn mount_new(kind: &str, at: &str, data: &str) -> Result<()> {
    fs::create_dir_all(at).with_context(|| at.to_owned())?;
    let data = CString::new(data)?;
    mount(kind, at, kind, MountFlags::empty(), data.as_c_str())
        .with_context(|| format!("mounting {kind} at {at} ({data:?})"))
}

/// Opens a serial port that passes bytes as they are.
fn serial_port(path: &str) -> Result<File> {
    let controlling = rustix::fs::OFlags::NOCTTY.bits().cast_signed();
    let port = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(controlling)
        .open(path)
        .with_context(|| path.to_owned())?;
    let mut settings = tcgetattr(&port)?;
    settings.make_raw();
    tcsetattr(&port, OptionalActions::Now, &settings)?;
    Ok(port)
}

/// Waits for the test, and for every orphan on the way as process 1 must.
fn reap(test: u32) -> Result<u32> {
    loop {
        let Some((pid, status)) = wait(WaitOptions::empty())? else { continue };
        if pid.as_raw_nonzero().get().cast_unsigned() != test {
            continue;
        }
        let code = status.exit_status().and_then(|code| u32::try_from(code).ok());
        if code.is_none() {
            eprintln!("guest: the test ended with {status:?}");
        }
        return Ok(code.filter(|code| *code < NO_CODE).unwrap_or(NO_CODE));
    }
}

/// Tells QEMU's exit device the code, which ends the machine at once.
#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "an x86 port can be reached in no other way: this kernel has no /dev/port"
)]
fn end_machine(code: u32) {
    const PORT: u16 = 0xf4;
    // SAFETY: changes only which ports this process may use, and the port is no memory of ours.
    let allowed = unsafe { libc::ioperm(PORT.into(), 4, 1) };
    if allowed != 0 {
        eprintln!("guest: ioperm: {}", std::io::Error::last_os_error());
        return;
    }
    // SAFETY: the port belongs to isa-debug-exit (see qemu.rs), the permission was just granted, and
    // `out` touches neither memory nor stack.
    unsafe {
        std::arch::asm!("out dx, eax", in("dx") PORT, in("eax") code, options(nomem, nostack));
    }
}

/// There is no such device elsewhere, and the runner is set for x86-64 only (`.cargo/config.toml`).
#[cfg(not(target_arch = "x86_64"))]
fn end_machine(_code: u32) {
    eprintln!("guest: this machine has no exit device");
}
