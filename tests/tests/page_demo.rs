// SPDX-License-Identifier: Apache-2.0
//! The page of a running demonstration in a real browser: real readings, a real eviction, and its explanation.

use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::demo::Demo;
use gleaner_tests::programs::{built, installed, installed_or_skip};
use gleaner_tests::skip;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// What of a story the terminal does not say of the same decision; nothing where it says it all.
fn unsaid(audit: &Path, asked: &str) -> Option<String> {
    let (tick, story) = asked.split_once(' ').expect("a number and a story");
    let output = Command::new(built("gleaner").expect("built"))
        .args(["explain", tick, "--file"])
        .arg(audit)
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let wanted: Vec<String> = serde_json::from_str(story).expect("texts");
    let missing = wanted.into_iter().find(|one| !text.contains(one.as_str()));
    missing
        .map(|one| format!("{one:?} is not in {text} {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn the_page_shows_and_explains_what_happens() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let Some(chromium) = installed("chromium").or_else(|| installed("chromium-browser")) else {
        return skip("chromium is not installed (tests/run installs it)");
    };
    let Some(node) = installed_or_skip("node") else { return };
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modules = tests.join("../target/tools/browser");
    if !modules.join("node_modules/playwright-core").is_dir() {
        return skip("playwright-core is not installed (tests/run installs it)");
    }
    let mut demo = Demo::start(30);
    let line = demo.hear("http://");
    let (_, rest) = line.split_once("http://").expect("a URL");
    let address = rest.split(',').next().expect("an address").trim();
    let pictures = tempfile::tempdir().expect("a place for pictures");
    let mut script = Command::new(node)
        .arg(tests.join("browser/demo.mjs"))
        .args([&modules, &chromium])
        .arg(format!("http://{address}/"))
        .arg(std::env::var_os("GLEANER_PICTURES").unwrap_or_else(|| pictures.path().into()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut answers = script.stdin.take().expect("piped");
    let (mut found, mut wrong, mut evicted) = (0, Vec::new(), true);
    for line in BufReader::new(script.stdout.take().expect("piped")).lines() {
        let line = line.expect("text");
        if let Some(asked) = line.strip_prefix("do explain ") {
            let files = demo.traces(&rig);
            let audit =
                files.iter().map(|path| path.join("audit.jsonl")).find(|path| path.is_file());
            let missing = unsaid(&audit.expect("the demonstration keeps one"), asked);
            let answer = missing.unwrap_or_else(|| "done".to_owned()).replace('\n', " ");
            writeln!(answers, "{answer}").expect("the script waits for it");
        } else if line.starts_with("ok ") {
            found += 1;
        } else if line == "none" {
            evicted = false;
        } else if line != "end" {
            wrong.push(line);
        }
    }
    assert!(script.wait().expect("it ends").success(), "{wrong:#?}");
    let (status, said) = demo.end();
    assert!(status.success() && wrong.is_empty(), "{wrong:#?}\n{said}");
    if !evicted {
        // Where its shortage would not stay inside, or the kernel was faster.
        assert!(said.contains("Left out") || said.contains("did not evict"), "{said}");
        return skip("the demonstration evicted nobody on this node");
    }
    assert!(found >= 4, "{found} checks were made");
}
