// SPDX-License-Identifier: Apache-2.0
//! `layout` and `sample` on a node made of files: what they show, and that a name cannot drive the terminal.

use crate::common::{gleaner, scratch, stderr, stdout, write};
use std::path::{Path, PathBuf};

/// Four cores, 8 GiB, cgroup v2, a web service and a batch job with a rude name.
const FILES: [(&str, &str); 12] = [
    (
        "proc/stat",
        "cpu  100 0 100 1000 0 0 0 0 0 0\ncpu0 25 0 25 250 0 0 0 0 0 0\ncpu1 25 0 25 250 0 0 0 0 0 0\ncpu2 25 0 25 250 0 0 0 0 0 0\ncpu3 25 0 25 250 0 0 0 0 0 0\n",
    ),
    (
        "proc/meminfo",
        "MemTotal:        8388608 kB\nMemFree:         1048576 kB\nMemAvailable:    6291456 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n",
    ),
    ("proc/loadavg", "0.50 0.40 0.30 1/100 1234\n"),
    ("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"),
    ("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n"),
    ("sys/fs/cgroup/cpuset.cpus.effective", "0-3\n"),
    ("sys/fs/cgroup/web/cpu.stat", "usage_usec 5000000\nuser_usec 4000000\nsystem_usec 1000000\n"),
    ("sys/fs/cgroup/web/memory.current", "1073741824\n"),
    (
        "sys/fs/cgroup/web/memory.stat",
        "inactive_anon 402653184\nactive_anon 134217728\ninactive_file 436207616\nactive_file 100663296\nunevictable 0\nkernel 4194304\nslab_reclaimable 1048576\npgmajfault 0\n",
    ),
    (
        "sys/fs/cgroup/batch/\u{1b}[31mjob/cpu.stat",
        "usage_usec 9000000\nuser_usec 9000000\nsystem_usec 0\n",
    ),
    ("sys/fs/cgroup/batch/\u{1b}[31mjob/memory.current", "268435456\n"),
    ("sys/fs/cgroup/batch/\u{1b}[31mjob/memory.stat", "what is this\n"),
];

const TASKS: &str = "
[[layout.task]]
pattern = \"web\"
class = \"guaranteed\"
cpu = \"2 cores\"
memory = \"2GiB\"

[[layout.task]]
pattern = \"batch/*\"
class = \"best_effort\"
";

/// Writes the node below `root` and a configuration that looks there.
pub(crate) fn node(root: &Path) -> PathBuf {
    for (name, content) in FILES {
        write(&root.join(name), content);
    }
    let config = root.join("gleaner.toml");
    let (proc, prefix) = (root.join("proc"), root.display().to_string());
    let layout = format!(
        "[sample]\ninterval = \"100ms\"\n[layout]\nproc_root = {:?}\nmount_prefix = {prefix:?}\n{TASKS}",
        proc.display().to_string()
    );
    write(&config, &layout);
    config
}

fn shown(command: &str) -> String {
    let root = scratch();
    let config = node(root.path());
    let output = gleaner([command.as_ref(), "--config".as_ref(), config.as_os_str()]);
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output).replace(&root.path().display().to_string(), "")
}

#[test]
fn layout_shows_each_task_with_its_class_and_why() {
    insta::assert_snapshot!(shown("layout"));
}

#[test]
fn sample_shows_what_each_task_uses() {
    let text = shown("sample");
    // The time between the two readings is real.
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("over ")).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn sample_as_json_has_every_counter_that_was_read() {
    let root = scratch();
    let config = node(root.path());
    let output =
        gleaner(["sample".as_ref(), "--json".as_ref(), "--config".as_ref(), config.as_os_str()]);
    let value: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let tasks = value["sample"]["tasks"].as_array().unwrap();
    let web = tasks.iter().find(|task| task["task"]["id"]["name"] == "web").unwrap();
    assert_eq!(web["counters"]["cpu_usage_usec"], 5_000_000);
    assert_eq!(web["task"]["allocation"]["cpu"], 2000);
    assert_eq!(value["usage"]["tasks"].as_array().unwrap().len(), tasks.len());
    assert!(web["counters"]["psi"]["cpu"].is_null(), "what is not there is unknown, not 0");
}
