// SPDX-License-Identifier: Apache-2.0
//! Policies in libraries: our own loaded from a file decides byte for byte as in process; others are bounded.

use crate::c::{repository, run};
use crate::library;
use gleaner_engine::config::EngineConfig;
use gleaner_engine::decision::Decision;
use gleaner_engine::reading::{Body, Reading};
use gleaner_engine::{Engine, audit};
use gleaner_estimator::glance::{Glance, GlanceTask};
use gleaner_estimator::sample::{
    Allocation, Class, CpuTimes, LoadAverage, MemoryInfo, NodeSample, Sample, Task, TaskCounters,
    TaskId, TaskSample,
};
use gleaner_estimator::units::{Bytes, MilliCpus, Timestamp};
use gleaner_policy::built_in::Start;
use gleaner_policy::event::Event;
use gleaner_policy::library::{LoadedPolicy, PolicyError};
use gleaner_policy::proposal::{Nonsense, Proposal};
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_tests::skip;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const CONFIG: &str = "lend.warm_up = \"2s\"\nlend.task_warm_up = \"0s\"\nlend.rule = \"headroom\"\n\
    predict.predictor = \"borg\"\npredict.borg_share = \"40%\"\ncpu.rise = \"none\"\nqos.compat.evict_load_1min = 9.0\n";

fn task(name: &str, class: Class) -> Arc<Task> {
    Arc::new(Task {
        id: TaskId { name: name.into(), inode: 3 },
        class,
        why: "a test".to_owned(),
        allocation: Allocation { cpu: Some(MilliCpus(2000)), memory: Some(Bytes(1 << 30)) },
        priority: 0,
        tenant: Some("a \"tenant\" \u{e4}".to_owned()),
        labels: vec![("key".to_owned(), "value".to_owned())],
        started: Some(Timestamp(5)),
    })
}

fn at(tick: u64) -> Timestamp {
    Timestamp(1_000_000_000 * (1000 + tick))
}

/// A node under growing load: calm, then beyond the threshold of the configuration.
fn sample(tick: u64) -> Sample {
    let used = |share: u64| TaskCounters {
        cpu_usage_usec: Some(tick * share),
        working_set: Some(Bytes(1 << 28)),
        run_wait_ns: Some(tick * 1000),
        run_cpu_ns: Some(tick * share * 1000),
        ..TaskCounters::default()
    };
    let tasks = vec![
        TaskSample { task: task("be", Class::BestEffort), counters: used(900_000) },
        TaskSample { task: task("web", Class::Guaranteed), counters: used(1_100_000) },
    ];
    let info = MemoryInfo {
        total: Bytes(8 << 30),
        available: Some(Bytes(6 << 30)),
        free: Bytes(4 << 30),
        ..MemoryInfo::default()
    };
    let cpu = CpuTimes { busy_usec: tick * 2_100_000, idle_usec: tick * 1_900_000, steal_usec: 0 };
    let one_milli = if tick > 6 { 12_000 } else { 1_000 };
    let node = NodeSample {
        capacity_cpu: MilliCpus(4000),
        capacity_memory: Bytes(8 << 30),
        cpu: Some(cpu),
        memory: Some(info),
        load: Some(LoadAverage { one_milli, five_milli: 500, fifteen_milli: 500 }),
        ..NodeSample::default()
    };
    Sample { at: at(tick), node, tasks, vanished: 0 }
}

fn glance(tick: u64) -> Glance {
    let task = GlanceTask {
        task: task("web", Class::Guaranteed),
        cpu_usage_usec: Some(tick * 1_100_000 + 1),
        throttled_usec: None,
        psi: Default::default(),
        run_wait_ns: Some(tick * 1000 + 900_000_000),
        run_cpu_ns: Some(tick * 1_100_000_000 + 5),
        major_faults: None,
    };
    Glance {
        at: Timestamp(at(tick).0 + 100_000_000),
        cpu: None,
        memory_available: Some(Bytes(6 << 30)),
        best_effort_cpu_usec: Some(tick * 900_000),
        tasks: vec![task],
    }
}

fn can() -> Capabilities {
    Capabilities::none().with(Actuator::Evict, Ability::Works)
}

fn engine() -> Engine {
    let config = gleaner_engine::config::Config::parse(CONFIG, "test").expect("good");
    let lend = config.host.lend.given().copied().expect("stated");
    let mut engine = Engine::new(EngineConfig { lend, ..config.engine });
    engine.set_capabilities(can());
    engine
}

fn start() -> Vec<u8> {
    let start = Start { config: CONFIG.to_owned(), file: "test".to_owned(), lend: None };
    serde_json::to_vec(&start).expect("plain data")
}

#[test]
fn the_built_in_policy_loaded_from_the_library_decides_byte_for_byte_as_in_process() {
    let Some(path) = library::path() else { return skip("libgleaner.so was not built") };
    let mut loaded = LoadedPolicy::open(&path, &start()).expect("a policy");
    let mut engine = engine();
    let step = |loaded: &mut LoadedPolicy, event: &Event<'_>| {
        String::from_utf8(loaded.step(&event.to_json()).expect("a step")).expect("UTF-8")
    };
    step(&mut loaded, &Event::Can(can()));
    let mut evictions = 0;
    for tick in 0..20 {
        let sample = sample(tick);
        let body = match tick {
            9 => Body::Failed("a \"failed\" reading\nof two lines"),
            _ => Body::Fresh(&sample),
        };
        let reading = Reading { at: sample.at, wall_ms: 7_000 + tick, body };
        let decision = engine.tick(reading);
        evictions += decision.verdict.corrections.len();
        assert_eq!(step(&mut loaded, &Event::of(&reading)), audit::line(&decision), "tick {tick}");
        let glance = glance(tick);
        let rings = engine.glance(&glance).rings();
        let answer = step(&mut loaded, &Event::Glance(std::borrow::Cow::Owned(glance)));
        assert_eq!(answer, format!("{{\"alarm\":{rings}}}"), "tick {tick}");
    }
    assert!(evictions > 0, "the comparison saw a correction");
}

/// Compiles the example, with other words than its own where asked, by the command in its head.
fn example(into: &Path, defines: &[&str]) -> Option<PathBuf> {
    let source = repository().join("ffi/examples/constant_policy.c");
    let text = std::fs::read_to_string(source).expect("the example");
    let line = text.lines().find_map(|line| line.split_once("Build: cc ")).expect("a build line").1;
    if Command::new("cc").arg("--version").output().is_err() {
        return None;
    }
    let library = into.join("libconstant_policy.so");
    let arguments = line.split_whitespace().map(|word| match word {
        "libconstant_policy.so" => library.clone().into_os_string(),
        word => word.into(),
    });
    run(Command::new("cc").args(arguments).args(defines).current_dir(repository()));
    Some(library)
}

/// The engine's decision at the fifth tick: warm and calm.
fn decided() -> (Decision, Sample) {
    let mut engine = engine();
    let mut last = None;
    for tick in 0..5 {
        let sample = sample(tick);
        let reading = Reading { at: sample.at, wall_ms: 0, body: Body::Fresh(&sample) };
        last = Some((engine.tick(reading), sample));
    }
    last.expect("five ticks")
}

#[test]
fn the_example_in_c_decides_within_the_slack() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(path) = example(directory.path(), &[]) else { return skip("cc is not installed") };
    let mut policy = LoadedPolicy::open(&path, &start()).expect("a policy");
    assert_eq!(policy.step(&Event::Can(can()).to_json()).expect("a step"), b"{}");
    let (mut decision, sample) = decided();
    let reading = Reading { at: sample.at, wall_ms: 0, body: Body::Fresh(&sample) };
    let answer = policy.step(&Event::of(&reading).to_json()).expect("a step");
    let most = decision.cpu.slack.0.saturating_sub(decision.cpu.lent.0);
    let proposal = Proposal::read(&answer).expect("a decision");
    proposal.apply(&mut decision, &sample, false).expect("sense");
    assert_eq!(decision.cpu.offer.target.0, 1000);
    assert_eq!(decision.cpu.offer.amount.0, most.min(1000));
    assert!(decision.verdict.corrections.is_empty());
}

#[test]
fn another_version_and_what_is_no_policy_are_refused_with_the_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(path) = example(directory.path(), &["-DPOLICY_VERSION=0x20000u"]) else {
        return skip("cc is not installed");
    };
    let error = LoadedPolicy::open(&path, b"{}").expect_err("another version");
    assert!(matches!(error, PolicyError::Version { found: 0x2_0000, .. }), "{error}");
    assert!(error.to_string().contains("speaks version 2.0"), "{error}");
    let none = directory.path().join("libnone.so");
    let error = LoadedPolicy::open(&none, b"{}").expect_err("nothing there");
    assert!(error.to_string().contains("libnone.so"), "{error}");
    let source = directory.path().join("none.c");
    std::fs::write(&source, "int nothing;\n").expect("a file");
    run(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&none).arg(&source));
    let error = LoadedPolicy::open(&none, b"{}").expect_err("no policy");
    assert!(matches!(error, PolicyError::Symbol { symbol: "gleaner_policy_abi_version", .. }));
    let Some(ours) = library::path() else { return skip("libgleaner.so was not built") };
    let error = LoadedPolicy::open(&ours, br#"{"config": "cpu.cap = 7"}"#).expect_err("refused");
    assert!(error.to_string().contains("cpu.cap"), "{error}");
}

fn answer(cpu: u64, corrections: &str) -> Vec<u8> {
    format!(
        "{{\"cpu\":{{\"offer\":{{\"amount\":{cpu}}}}},\"memory\":{{\"offer\":{{\"amount\":99}}}},\
         \"verdict\":{{\"corrections\":[{corrections}]}}}}"
    )
    .into_bytes()
}

#[test]
fn nonsense_offers_nothing_and_corrects_nobody() {
    let evict = |name: &str, inode| {
        format!(
            "{{\"task\":{{\"name\":\"{name}\",\"inode\":{inode}}},\"resource\":\"cpu\",\"action\":\"evict\"}}"
        )
    };
    let tried = |answer: &[u8]| {
        let (mut decision, sample) = decided();
        let done = Proposal::read(answer).and_then(|p| p.apply(&mut decision, &sample, false));
        (done, decision)
    };
    let (done, decision) = tried(&answer(u64::MAX, &evict("be", 3)));
    assert_eq!(done, Ok(()));
    assert_eq!(decision.cpu.offer.amount.0, decision.cpu.slack.0 - decision.cpu.lent.0);
    let victim = &decision.verdict.corrections[0];
    assert!(&*victim.task().name == "be" && !victim.is_would(), "{victim:?}");
    for (corrections, expected) in [
        (evict("web", 3), Nonsense::Victim("web".to_owned())),
        (evict("nobody", 3), Nonsense::Victim("nobody".to_owned())),
        (evict("be", 4), Nonsense::Victim("be".to_owned())),
        (evict("be", 3).replace("evict", "thaw"), Nonsense::Action("\"thaw\"".to_owned())),
    ] {
        let (done, decision) = tried(&answer(500, &corrections));
        assert_eq!(done, Err(expected));
        assert_eq!((decision.cpu.offer.amount.0, decision.verdict.corrections.len()), (0, 0));
    }
    let many = vec![evict("be", 3); 101].join(",");
    assert_eq!(tried(&answer(1, &many)).0, Err(Nonsense::TooMany(101)));
    for text in ["", "[]", "{}", "{\"cpu\":{\"offer\":{\"amount\":-1}}}"] {
        assert!(matches!(Proposal::read(text.as_bytes()), Err(Nonsense::Malformed(_))), "{text}");
    }
}
