// SPDX-License-Identifier: Apache-2.0
//! Runs one test binary inside a virtual machine: on the host it boots the machine, as process 1 it is the machine.
//!
//! The host half packs itself, the test and the programs that tests start into an initramfs, each at its
//! path on the host, so that whatever a test finds by path it finds in the guest too.

mod boot;
mod guest;
mod initramfs;
mod qemu;
mod request;
mod tsc;

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::process::id() == 1 {
        return guest::run();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match boot::run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("virtual machine: {error:#}");
            ExitCode::FAILURE
        }
    }
}
