// SPDX-License-Identifier: Apache-2.0
//! One boot of QEMU: its command line, its output streamed to ours, and what its exit status means.

use crate::request::{CODE_BASE, CODE_MAX};
use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const QEMU: &str = "qemu-system-x86_64";
/// Lines of the guest's console that are worth showing after a failure.
const TAIL_LINES: usize = 40;
/// The guest's disk: sparse, so it costs the host only what a test writes.
const DISK_BYTES: u64 = 1 << 30;
/// What the guest's second disk moves: little enough that one writer keeps it busy.
const SLOW_BYTES_PER_SEC: u64 = 16 << 20;
/// Same kernel, same timing as far as can be: no mitigations (slow under emulation), no calibration of
/// timers, no address randomisation; pressure information is off in Debian unless asked for.
const KERNEL_ARGUMENTS: &str = "console=ttyS0 quiet panic=-1 psi=1 rdinit=/init mitigations=off \
    tsc=reliable no_timer_check nokaslr audit=0 random.trust_cpu=on";

/// What a boot came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) ending: Ending,
    /// The last lines of the kernel's console.
    pub(crate) console_tail: String,
    /// What tests in the guest recorded as skipped, one line each.
    pub(crate) skipped: String,
}

/// How the machine ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The test ran and ended with this exit code.
    Answered(u8),
    /// The machine ended without an answer.
    Died(ExitStatus),
    /// It was still running at the deadline and was killed.
    TimedOut,
}

/// Why no machine can be booted here, if so.
pub(crate) fn missing(kernel: &Path) -> Option<String> {
    if gleaner_tests::programs::installed(QEMU).is_none() {
        return Some(format!("{QEMU} is not installed (tests/run installs it)"));
    }
    if !kernel.exists() {
        let kernel = kernel.display();
        return Some(format!("no kernel for the VM at {kernel} (tests/run fetches it)"));
    }
    None
}

/// Boots, streams the test's output to our standard output, waits for the answer.
pub(crate) fn boot(
    kernel: &Path,
    initramfs: &File,
    tsc_khz: u64,
    timeout: Duration,
) -> Result<Outcome> {
    let deadline = Instant::now() + timeout;
    // Nameless files that QEMU opens as /dev/fd/N: nothing to clean up, whoever dies first.
    let (console, skipped) = (nameless("console")?, nameless("skipped")?);
    let (disk, slow) = (nameless("disk")?, nameless("slow")?);
    disk.set_len(DISK_BYTES)?;
    slow.set_len(DISK_BYTES)?;
    // A runner killed from outside must not leave a machine behind, hence the parent-death signal.
    let mut child = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--", QEMU])
        .args(["-machine", "pc,accel=tcg", "-cpu", "max", "-smp", "2", "-m", "768"])
        .args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"])
        .arg("-kernel")
        .arg(kernel)
        .args(["-initrd", &by_number(initramfs)])
        .args(["-append", &format!("{KERNEL_ARGUMENTS} tsc_early_khz={tsc_khz}")])
        .args(["-serial", &format!("file:{}", by_number(&console))])
        .args(["-chardev", "stdio,id=out,signal=off", "-serial", "chardev:out"])
        .args(["-serial", &format!("file:{}", by_number(&skipped))])
        .args([
            "-drive",
            &format!("if=none,id=disk,format=raw,cache=unsafe,file={}", by_number(&disk)),
        ])
        .args(["-device", "nvme,serial=disk,drive=disk"])
        .args([
            "-drive",
            &format!(
                "if=none,id=slow,format=raw,cache=unsafe,throttling.bps-total={SLOW_BYTES_PER_SEC},file={}",
                by_number(&slow)
            ),
        ])
        .args(["-device", "nvme,serial=slow,drive=slow"])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("setpriv")?;
    let in_time = stream(&mut child, deadline)?;
    if !in_time {
        child.kill()?;
    }
    let status = child.wait()?;
    let ending = if in_time { ending(status) } else { Ending::TimedOut };
    Ok(Outcome { ending, console_tail: tail(&text(console)?), skipped: text(skipped)? })
}

/// Copies the child's output until it closes it; false if the deadline came first.
fn stream(child: &mut Child, deadline: Instant) -> Result<bool> {
    let mut output = child.stdout.take().context("the output is piped above")?;
    let mut to = io::stdout().lock();
    let mut buffer = [0; 8192];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut waited = [PollFd::new(&output, PollFlags::IN)];
        if poll(&mut waited, Some(&Timespec::try_from(left)?))? == 0 {
            return Ok(false);
        }
        let count = output.read(&mut buffer)?;
        if count == 0 {
            return Ok(true);
        }
        to.write_all(&buffer[..count])?;
        to.flush()?;
    }
}

/// isa-debug-exit ends QEMU with `(value << 1) | 1`; the guest adds [`CODE_BASE`] to the test's code.
fn ending(status: ExitStatus) -> Ending {
    let value =
        status.code().and_then(|code| u32::try_from(code).ok()).filter(|code| code & 1 == 1);
    let code = value.and_then(|code| (code >> 1).checked_sub(CODE_BASE));
    match code.filter(|code| *code <= CODE_MAX).map(u8::try_from) {
        Some(Ok(code)) => Ending::Answered(code),
        _ => Ending::Died(status),
    }
}

fn nameless(name: &str) -> Result<File> {
    Ok(File::from(memfd_create(name, MemfdFlags::empty())?))
}

fn by_number(file: &File) -> String {
    format!("/dev/fd/{}", file.as_raw_fd())
}

fn text(mut file: File) -> Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).replace('\r', ""))
}

fn tail(console: &str) -> String {
    let lines: Vec<&str> = console.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn exited(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    #[test]
    fn only_the_guest_can_say_success() {
        assert_eq!(ending(exited(33)), Ending::Answered(0));
        assert_eq!(ending(exited(235)), Ending::Answered(101));
        for other in [exited(0), exited(1), exited(32), exited(31), ExitStatus::from_raw(9)] {
            assert_eq!(ending(other), Ending::Died(other));
        }
    }

    #[test]
    fn the_console_is_cut_to_its_end() {
        let long = (0..100).map(|n| format!("{n}\n")).collect::<String>();
        assert!(tail(&long).starts_with("60\n") && tail(&long).ends_with("99"));
        assert_eq!(tail("one"), "one");
    }
}
