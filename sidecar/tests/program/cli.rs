// SPDX-License-Identifier: Apache-2.0
//! The command line of the real program: help, mistakes, exit codes.

use crate::common::{gleaner, scratch, stderr, stdout};
use std::fs;
use std::net::TcpListener;

#[test]
fn help_says_what_each_command_does() {
    let names = [
        "run",
        "status",
        "top",
        "demo",
        "sample",
        "layout",
        "check-config",
        "explain",
        "victims",
        "selftest",
        "record",
        "export",
        "backtest",
    ];
    let commands: Vec<Vec<&str>> =
        std::iter::once(vec![]).chain(names.map(|name| vec![name])).collect();
    let pages = commands.iter().map(|command| {
        let output = gleaner(command.iter().copied().chain(["--help"]));
        assert!(output.status.success());
        let line = ["gleaner"].iter().chain(command).chain(&["--help"]).copied();
        format!("$ {}\n{}", line.collect::<Vec<_>>().join(" "), stdout(&output))
    });
    insta::assert_snapshot!(pages.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_wrong_command_line_is_64() {
    let wrong: [&[&str]; 6] = [
        &[],
        &["rum"],
        &["run", "--ticks", "0"],
        &["run", "--listen", "localhost"],
        &["sample", "--ticks", "3"],
        &["check-config", "one", "two"],
    ];
    for arguments in wrong {
        let output = gleaner(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("Usage") || stderr(&output).contains("--help"));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_66() {
    let dir = scratch();
    let missing = dir.path().join("missing.toml");
    let binary = dir.path().join("binary.toml");
    fs::write(&binary, b"mode = \"\xff\"").unwrap();
    for (path, why) in [(&missing, "No such file"), (&binary, "not UTF-8 at byte 8")] {
        let output = gleaner(["check-config".as_ref(), path.as_os_str()]);
        assert_eq!(output.status.code(), Some(66));
        let said = stderr(&output);
        assert!(said.contains(&path.display().to_string()) && said.contains(why), "{said}");
    }
}

#[test]
fn mistakes_in_a_file_are_78_for_every_command() {
    let dir = scratch();
    let path = dir.path().join("gleaner.toml");
    fs::write(&path, "mode = \"kill\"\n[sample]\ninterval = 5\n").unwrap();
    let file = path.to_str().unwrap();
    let commands: [&[&str]; 4] = [
        &["check-config", file],
        &["run", "--config", file],
        &["sample", "--config", file],
        &["layout", "--config", file],
    ];
    for arguments in commands {
        let output = gleaner(arguments);
        assert_eq!(output.status.code(), Some(78), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let said = stderr(&output).replace(file, "gleaner.toml");
        insta::allow_duplicates! { insta::assert_snapshot!("mistakes", said) }
    }
}

#[test]
fn check_config_prints_what_is_in_force_and_it_reads_back() {
    let dir = scratch();
    let path = dir.path().join("gleaner.toml");
    fs::write(&path, "[cpu]\nreserve = \"1 core\"\n").unwrap();
    let first = gleaner(["check-config".as_ref(), path.as_os_str()]);
    assert!(first.status.success());
    assert!(
        stdout(&first).contains("reserve = \"1 core\"  # default \"5%\""),
        "{}",
        stdout(&first)
    );
    fs::write(&path, &first.stdout).unwrap();
    let again = gleaner(["check-config".as_ref(), path.as_os_str()]);
    assert_eq!(stdout(&again), stdout(&first));
    assert!(!stdout(&gleaner(["check-config"])).contains('#'), "the defaults are the defaults");
}

#[test]
fn a_port_that_is_taken_is_69_and_names_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = gleaner(["run", "--ticks", "1", "--listen", &address]);
    assert_eq!(output.status.code(), Some(69));
    let said = stderr(&output).replace(&address, "127.0.0.1:PORT");
    insta::assert_snapshot!("port_taken", said);
}

#[test]
fn a_node_without_proc_is_71() {
    let dir = scratch();
    let path = dir.path().join("gleaner.toml");
    let proc = dir.path().join("proc");
    fs::write(&path, format!("[layout]\nproc_root = {:?}\n", proc.display().to_string())).unwrap();
    let output = gleaner(["sample".as_ref(), "--config".as_ref(), path.as_os_str()]);
    assert_eq!(output.status.code(), Some(71));
    assert!(stderr(&output).contains(&proc.display().to_string()), "{}", stderr(&output));
}

#[test]
fn a_full_disk_for_output_is_74() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_gleaner"))
        .arg("check-config")
        .stdout(full)
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(74));
}
