// SPDX-License-Identifier: Apache-2.0
//! The VM runner itself: what happens in the guest is what the host reports, and nothing else is success.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;
use tempfile::TempDir;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A shell under the name of a VM test, beside the program that boots the machine.
struct Probe {
    directory: TempDir,
    program: PathBuf,
}

impl Probe {
    fn new(layout: &str) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let programs = directory.path().join("deps");
        std::fs::create_dir(&programs)?;
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_vm"), directory.path().join("vm"))?;
        let program = programs.join(format!("vm_{layout}_probe-0123abcd"));
        std::fs::copy("/bin/sh", &program)?;
        Ok(Self { directory, program })
    }

    /// Runs a shell command in a guest; `None`, and the caller is skipped, where none can be booted.
    fn run(&self, script: &str, environment: &[(&str, &str)]) -> Result<Option<Output>> {
        let output = self.command(script).envs(environment.iter().copied()).output()?;
        let messages = text(&output.stderr);
        let Some(why) = messages.lines().find_map(|line| line.strip_prefix("SKIPPED: ")) else {
            return Ok(Some(output));
        };
        assert!(output.status.success() && self.skipped().starts_with(why));
        gleaner_tests::skip(why);
        Ok(None)
    }

    fn command(&self, script: &str) -> Command {
        let runner = Path::new(env!("CARGO_MANIFEST_DIR")).join("vm/runner");
        let mut command = Command::new(runner);
        command.arg(&self.program).args(["-c", script]);
        command.env("GLEANER_SKIPPED", self.directory.path().join("skipped"));
        command
    }

    fn skipped(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("skipped")).unwrap_or_default()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_guest_answers_with_output_and_exit_code() -> Result<()> {
    let probe = Probe::new("v2")?;
    let script =
        r#"printf 'one\ntwo\n'; printf 'no kernel\tprobe\n' >> $GLEANER_SKIPPED; exit 101"#;
    let Some(output) = probe.run(script, &[])? else { return Ok(()) };
    assert_eq!(output.status.code(), Some(101), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "one\ntwo\n");
    assert_eq!(probe.skipped(), "no kernel\tprobe\n");
    Ok(())
}

#[test]
fn a_test_that_is_killed_has_failed() -> Result<()> {
    let Some(output) = Probe::new("v1")?.run("kill -9 $$", &[])? else { return Ok(()) };
    assert_eq!(output.status.code(), Some(111), "{}", text(&output.stderr));
    Ok(())
}

#[test]
fn a_machine_that_dies_has_failed() -> Result<()> {
    let script = "echo b > /proc/sysrq-trigger";
    let Some(output) = Probe::new("hybrid")?.run(script, &[])? else { return Ok(()) };
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("the machine died"), "{}", text(&output.stderr));
    Ok(())
}

#[test]
fn a_machine_that_hangs_has_failed() -> Result<()> {
    let probe = Probe::new("v2")?;
    let Some(output) = probe.run("while :; do :; done", &[("GLEANER_VM_TIMEOUT_S", "5")])? else {
        return Ok(());
    };
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no answer within 5 s"), "{}", text(&output.stderr));
    Ok(())
}

#[test]
fn the_guests_clock_keeps_the_hosts_pace() -> Result<()> {
    let probe = Probe::new("v2")?;
    let Some(_) = probe.run("exit 0", &[])? else { return Ok(()) };
    let script = "read start rest < /proc/uptime; echo $start; \
        while read now rest < /proc/uptime; [ ${now%.*} -lt $((${start%.*} + 4)) ]; do :; done; echo $now";
    let mut child = probe.command(script).stdout(Stdio::piped()).spawn()?;
    let mut moments = Vec::new();
    for line in BufReader::new(child.stdout.take().ok_or("piped above")?).lines() {
        moments.push((line?.parse::<f64>()?, Instant::now()));
    }
    assert!(child.wait()?.success());
    let [(guest_start, host_start), (guest_end, host_end)] = moments[..] else {
        return Err(format!("two lines: {moments:?}").into());
    };
    // Output may be late on a busy host; an untold counter is wrong by a factor of 3 to 60.
    let ratio = (guest_end - guest_start) / (host_end - host_start).as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "{ratio}");
    Ok(())
}
