// SPDX-License-Identifier: Apache-2.0
//! `gleaner top --replay`: a recording in the place of a node, at any moment of it, and what is no recording.

mod tape;

use gleaner_tests::programs::built;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tape::{record, small_files};
use tempfile::TempDir;

const SECONDS: u64 = 400;

/// A recording of [`SECONDS`] in several files, with harm from 200 to 240, and a configuration beside it.
fn recording() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("node.rec");
    record(&file, SECONDS, 200..240, small_files());
    assert!(directory.path().join("node.rec.2").exists(), "it rotated");
    let keys = "[lend]\nwarm_up = \"10s\"\ntask_warm_up = \"0s\"\n";
    fs::write(directory.path().join("gleaner.toml"), keys).expect("writable");
    (directory, file)
}

/// What one picture says, its exit code, and what it complains of.
fn top(file: &Path, more: &[&str]) -> (String, Option<i32>, String) {
    let config = file.with_file_name("gleaner.toml");
    let output = Command::new(built("gleaner").expect("built"))
        .args([Path::new("top"), Path::new("--replay"), file])
        .args(["--once", "--size", "110x30"])
        .args(more)
        .args(if config.exists() { vec![Path::new("--config"), &config] } else { Vec::new() })
        .stdin(Stdio::null())
        .output()
        .expect("gleaner starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (text(output.stdout), output.status.code(), text(output.stderr))
}

fn at(file: &Path, moment: &str) -> String {
    let (picture, code, said) = top(file, &["-t", moment]);
    assert_eq!(code, Some(0), "{moment}: {said}");
    picture
}

#[test]
fn every_moment_of_a_recording_can_be_seen() {
    let (_directory, file) = recording();
    let (first, _, _) = top(&file, &[]);
    assert!(
        first.contains("replay  2026-01-01 12:00:01 UTC  stands, ") && first.contains("  node.rec"),
        "{first}"
    );
    assert_eq!(at(&file, "first"), first);
    let calm = at(&file, "12:02:00");
    assert!(calm.contains("12:02:00 UTC") && calm.contains("CPU CALM"), "{calm}");
    assert!(calm.contains("\\u{1b}[2J<img") && !calm.contains('\u{1b}'), "{calm}");
    let harmed = at(&file, "2026-01-01T12:03:40Z");
    assert!(harmed.contains("CPU CRITICAL") && harmed.contains("run_wait"), "{harmed}");
    // The same moment from the end on: the way there is another one, what is decided is not.
    assert_eq!(at(&file, "3 min ago"), harmed, "three minutes before the last sample");
    assert_eq!(at(&file, "2026-01-01 14:03:40+02:00"), harmed);
    let last = at(&file, "last");
    assert!(last.contains("12:06:40 UTC") && last.contains("the end"), "{last}");
    assert_eq!(at(&file, "2027-01-01"), last, "nothing lies behind the last one");
    assert_eq!(at(&file, "1 h ago"), first, "nor before the first");
}

#[test]
fn what_is_damaged_is_passed_over_and_said() {
    let (directory, file) = recording();
    let rotated = directory.path().join("node.rec.1");
    let mut bytes = fs::read(&rotated).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 20].fill(0);
    fs::write(&rotated, bytes).expect("writable");
    let last = at(&file, "last");
    let said = format!("! {}: ", rotated.display());
    assert!(last.contains(&said[..60.min(said.len())]), "{last}");
    assert!(last.contains("12:06:40 UTC"), "{last}");
}

#[test]
fn what_is_no_recording_is_refused_with_its_reason() {
    let (directory, file) = recording();
    let refused = |file: &Path, code: i32, wanted: &str| {
        let (picture, ended, said) = top(file, &[]);
        assert_eq!((ended, picture.as_str()), (Some(code), ""), "{said}");
        assert!(said.contains(wanted) && said.contains("gleaner: /"), "no {wanted:?} in {said}");
    };
    let foreign = directory.path().join("foreign");
    fs::write(&foreign, "GIF89a\u{1}").expect("writable");
    refused(&foreign, 65, "not a recording of `gleaner record`: its first bytes are [47, 49,");
    refused(&directory.path().join("missing"), 74, "No such file");
    let whole = fs::read(&file).expect("readable");
    let newer = [b"GLNRREC\xff", &whole[8..]].concat();
    fs::write(&foreign, newer).expect("writable");
    refused(&foreign, 65, "use a newer gleaner");
    fs::write(&foreign, &whole[..20]).expect("writable");
    refused(&foreign, 65, "no sample in it; ");
    // One foreign file among those that were rotated: nobody would want to find out in the middle.
    fs::write(directory.path().join("node.rec.1"), "GIF89a").expect("writable");
    refused(&file, 65, "node.rec.1: not a recording");
    for (arguments, wanted) in [
        (["-t", "yesterday"], "\"yesterday\" is no moment: write \"10 min ago\""),
        (["--url", "127.0.0.1:1"], "cannot be used with"),
    ] {
        let (_, code, said) = top(&file, &arguments);
        assert!(code == Some(64) && said.contains(wanted), "{said}");
    }
}
