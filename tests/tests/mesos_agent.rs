// SPDX-License-Identifier: Apache-2.0
//! A real master and a real agent with the module: revocable offers, a task that takes one, and its end when that must be.

use gleaner_tests::http::{free_address, get};
use gleaner_tests::mesos::{
    Agent, Framework, Held, Master, Module, Modules, Programs, prefix_or_skip,
};
use gleaner_tests::programs::built;
use gleaner_tests::{poll_until, skip};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// For what a busy machine takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Beyond what is in use at the start the thresholds begin: more than what else runs on the machine comes and goes by.
const ROOM_MIB: u64 = 2500;
/// And this is taken to exceed them.
const TAKEN_MIB: u64 = 3500;

/// What the task that was promised it holds.
const REGULAR: Held<'_> = Held { cpus: 0.5, mem: 64, revocable: &[] };

/// A master and the module, or skips.
fn ready_or_skip() -> Option<(Master, Module)> {
    let prefix = prefix_or_skip()?;
    let programs = Programs::or_skip(&prefix)?;
    let module = Module::built_or_skip(&prefix, Path::new(env!("CARGO_TARGET_TMPDIR")))?;
    Some((Master::start(&programs), module))
}

/// MiB of this machine that are in use, and that are not.
fn memory() -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/meminfo").expect("procfs");
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)).expect("a key of meminfo");
        let digits = line.trim_matches(|c: char| !c.is_ascii_digit());
        digits.parse::<u64>().expect("kB") / 1024
    };
    let available = value("MemAvailable:");
    (value("MemTotal:") - available, available)
}

/// Memory that is held until this is dropped.
struct Taken(Child);

impl Taken {
    fn mib(count: u64) -> Self {
        let mut child = Command::new(built("load").expect("the load is built with its tests"))
            .args(["hold", &(count << 20).to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the load starts");
        let input = child.stdin.as_mut().expect("a piped input");
        std::io::Write::write_all(input, b"go\n").expect("a living load");
        Self(child)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn expect_preempted(task: &Framework) {
    task.wait_for("TASK_GONE");
    let said = task.said();
    for word in ["SOURCE_AGENT", "REASON_CONTAINER_PREEMPTED"] {
        assert!(said.contains(word), "no {word}:\n{said}");
    }
}

/// In the place of blue-yonder's module, at its path.
fn drop_in(strict: &str) {
    let Some((master, module)) = ready_or_skip() else { return };
    let (used, available) = memory();
    if available < TAKEN_MIB + 1500 {
        return skip(&format!("{available} MiB of free memory are too little for a Mesos agent"));
    }
    let threshold = (used + ROOM_MIB).to_string();
    let both = [
        ("mem_threshold", threshold.as_str()),
        ("push_every", "1s"),
        ("strict_compatibility", strict),
    ];
    let estimator = [("resources", "cpus:1;mem:256"), both[0], both[1], both[2]];
    let modules = Modules {
        file: &module.directory.join("libthreshold_oversubscription.so"),
        estimator: ("com_blue_yonder_ThresholdResourceEstimator", &estimator),
        controller: ("com_blue_yonder_ThresholdQoSController", &both),
        flags: &[],
    };
    let Some(mut agent) = Agent::start_or_skip(&master, &modules) else { return };
    agent.wait_for_registration(&master);
    agent.wait_for_metric("slave/cpus_revocable_total", 1.0);
    agent.wait_for_metric("slave/mem_revocable_total", 256.0);
    let known = master.ask("/slaves");
    assert_eq!(known["slaves"][0]["resources"]["cpus_revocable"], 1.0, "{known}");

    let held = Held { cpus: 0.5, mem: 64, revocable: &["cpus", "mem"] };
    let mut regular = Framework::start(&master, "prod", REGULAR, "sleep 1000");
    let batch = Framework::start(&master, "batch", held, "sleep 1000");
    regular.wait_for("TASK_RUNNING");
    batch.wait_for("TASK_RUNNING");
    agent.wait_for_metric("slave/cpus_revocable_used", 0.5);
    // What is lent comes back into the total by the agent's own sum.
    agent.wait_for_metric("slave/cpus_revocable_total", 1.0);

    let taken = Taken::mib(TAKEN_MIB);
    expect_preempted(&batch);
    agent.wait_for_metric("slave/executors_preempted", 1.0);
    agent.wait_for_metric("slave/cpus_revocable_total", 0.0);
    regular.expect_running();
    agent.wait_for_metric("slave/tasks_running", 1.0);
    drop(taken);
    agent.wait_for_metric("slave/cpus_revocable_total", 1.0);
    let (status, log) = agent.shut_down();
    assert!(status.success(), "{status}\n{log}");
}

#[test]
fn the_drop_in_lends_and_ends_one_where_memory_is_used_up() {
    drop_in("false");
}

#[test]
fn strictly_compatible_it_does_the_same_without_a_container_id() {
    drop_in("true");
}

/// The value of a series in a scrape.
fn series(address: SocketAddr, name: &str) -> Option<f64> {
    let text = get(address, "/metrics")?;
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

/// Of memory there is slack however busy the machine is.
const LENDS_MEMORY: [(&str, &str); 8] = [
    ("lend.rule", "headroom"),
    ("lend.warm_up", "2s"),
    ("predict.predictor", "fixed"),
    ("memory.enabled", "true"),
    ("memory.reserve", "1%"),
    ("memory.rise", "none"),
    ("memory.cap", "512MiB"),
    ("predict.memory.amount", "1GiB"),
];

#[test]
fn our_own_names_end_who_makes_a_regular_task_wait() {
    let Some((master, module)) = ready_or_skip() else { return };
    let [offers, corrections] = [free_address(), free_address()];
    let [offers_text, corrections_text] = [offers, corrections].map(|address| address.to_string());
    let pace = ("push_every", "1s");
    let estimator = [&[pace, ("metrics_listen", offers_text.as_str())], &LENDS_MEMORY[..]].concat();
    // A freeze is what the agent cannot do; as long as three of them the harm must last.
    let controller = [
        pace,
        ("metrics_listen", corrections_text.as_str()),
        ("lend.warm_up", "2s"),
        ("qos.budget.freeze", "2s"),
    ];
    let modules = Modules {
        file: &module.directory.join("libgleaner_mesos.so"),
        estimator: ("org_gleaner_ResourceEstimator", &estimator),
        controller: ("org_gleaner_QoSController", &controller),
        flags: &[],
    };
    let Some(mut agent) = Agent::start_or_skip(&master, &modules) else { return };
    agent.wait_for_registration(&master);
    let spin = "for i in $(seq $(nproc)); do while :; do :; done & done; wait";
    let mut regular = Framework::start(&master, "prod", REGULAR, spin);
    regular.wait_for("TASK_RUNNING");
    agent.wait_for_metric("slave/mem_revocable_total", 512.0);
    let offered = series(offers, "gleaner_offer_memory_bytes ");
    assert!(offered.is_some_and(|bytes| (bytes - 536_870_912.0).abs() < 0.5), "{offered:?}");
    // CPU that is not revocable has its full weight: with the usual one nobody would have to wait.
    let held = Held { cpus: 1.0, mem: 64, revocable: &["mem"] };
    let batch = Framework::start(&master, "batch", held, spin);
    expect_preempted(&batch);
    agent.wait_for_metric("slave/executors_preempted", 1.0);
    regular.expect_running();
    agent.wait_for_metric("slave/tasks_running", 1.0);
    let done = "gleaner_corrections_total{action=\"evict\",outcome=\"done\",resource=\"cpu\"} ";
    let counted = poll_until(PATIENCE, || series(corrections, done).filter(|count| *count >= 1.0));
    assert!(counted.is_some(), "{}", get(corrections, "/metrics").unwrap_or_default());
    let (status, log) = agent.shut_down();
    assert!(status.success(), "{status}\n{log}");
    assert!(log.contains(" is to be ended: cpu is critical: recurs"), "{log}");
}

#[test]
fn a_mistake_in_the_parameters_stops_the_agent_with_its_reason() {
    let Some((master, module)) = ready_or_skip() else { return };
    let modules = Modules {
        file: &module.directory.join("libgleaner_mesos.so"),
        estimator: ("org_gleaner_ResourceEstimator", &[("cpu.cap", "much"), ("cpu.cup", "1")]),
        controller: ("org_gleaner_QoSController", &[]),
        flags: &[],
    };
    let Some(mut agent) = Agent::start_or_skip(&master, &modules) else { return };
    let status = agent.wait_for_end();
    let log = agent.log();
    assert_eq!(status.code(), Some(1), "{log}");
    for words in ["cpu.cap", "cpu.cup", "Error creating Module instance"] {
        assert!(log.contains(words), "no {words}:\n{log}");
    }
}
