// SPDX-License-Identifier: Apache-2.0
//! Real cgroups of this machine: what is burnt in them is what is reported of them.

use gleaner_collector::parse::schedstat;
use gleaner_collector::{Controller, Hierarchies, Preset, Roots, Settings};
use gleaner_estimator::sample::{Class, Sample, TaskCounters};
use gleaner_estimator::units::{Bytes, Timestamp};
use gleaner_tests::cgroup_rig::{CgroupRig, Group};
use gleaner_tests::shell::{Shell, burn};
use gleaner_tests::skip;
use std::time::{Duration, Instant};

/// A containers' root, and where hierarchies are mounted.
struct Host {
    hierarchies: Hierarchies,
    root: Group,
}

/// The v1 controllers that are read of a container.
const CONTROLLERS: [Controller; 4] =
    [Controller::Cpu, Controller::Cpuacct, Controller::Memory, Controller::Pids];

impl Host {
    /// `None`, with the reason, where this machine has no writable v1 hierarchies.
    fn or_skip(purpose: &str) -> Option<Self> {
        let rig = CgroupRig::new_or_skip()?;
        let hierarchies = Hierarchies::read(&Roots::default()).expect("a mountinfo");
        if !CONTROLLERS.iter().all(|c| hierarchies.controllers.contains_key(c)) {
            skip("cpu, cpuacct, memory and pids are not all in v1 hierarchies here");
            return None;
        }
        Some(Self { hierarchies, root: rig.group(purpose).expect("a group") })
    }

    /// A container in every hierarchy.
    fn container(&self, name: &str) -> Group {
        self.root.child(name).expect("a group below our own")
    }

    fn settings(&self) -> Settings {
        Settings {
            preset: Preset::Mesos,
            containers_root: Some(self.root.path().to_string_lossy().into()),
            memory_stat_every: 1,
            ..Settings::default()
        }
    }
}

/// Writes a file of a container.
fn set(group: &Group, controller: &str, file: &str, value: &str) {
    group.write(controller, file, value).expect("a file of our own group");
}

/// A collector on the real clock.
struct Watch {
    collector: gleaner_collector::Collector,
    sample: Sample,
    start: Instant,
}

impl Watch {
    fn new(settings: Settings) -> Self {
        let collector = gleaner_collector::Collector::open(settings).expect("a node");
        Self { collector, sample: Sample::default(), start: Instant::now() }
    }

    fn take(&mut self) -> &Sample {
        // An hour, so that starts of processes are not before the clock's zero.
        let at = self.start.elapsed() + Duration::from_secs(3600);
        let at = Timestamp(u64::try_from(at.as_nanos()).expect("under 500 years"));
        self.collector.sample(at, &mut self.sample).expect("a sample");
        self.sample.validate(100).expect("a valid sample");
        &self.sample
    }

    fn counters(&self, name: &str) -> TaskCounters {
        let task = self.sample.tasks.iter().find(|task| task.task.id.name.ends_with(name));
        task.unwrap_or_else(|| panic!("no {name}: {:?}", self.sample.tasks)).counters
    }
}

/// CPU time of a process of one thread, by the scheduler's own account and not the cgroup's, in µs.
fn cpu_of(process: &Shell) -> u64 {
    let text =
        std::fs::read(format!("/proc/{}/schedstat", process.pid())).expect("a living process");
    let (run, _wait) = schedstat(&text).expect("two numbers").expect("an accounting kernel");
    run / 1000
}

#[test]
fn usage_agrees_with_what_was_burnt_under_a_quota() {
    let Some(host) = Host::or_skip("quota") else { return };
    let (promised, revocable) = (host.container("promised"), host.container("revocable"));
    set(&revocable, "cpu", "cpu.shares", "10");
    // 20 ms of each 100 ms.
    set(&promised, "cpu", "cpu.cfs_quota_us", "20000");
    let (mut a, mut b) = (Shell::new(&burn(400_000)), Shell::new(&burn(100_000)));
    a.enter(&promised);
    b.enter(&revocable);
    let mut watch = Watch::new(host.settings());
    watch.take();
    let first = (watch.counters("promised"), watch.counters("revocable"));
    let (before, start) = ((cpu_of(&a), cpu_of(&b)), Instant::now());
    a.go();
    b.go();
    assert_eq!((a.hear().as_str(), b.hear().as_str()), ("done", "done"));
    let (after, passed) = ((cpu_of(&a), cpu_of(&b)), start.elapsed());
    watch.take();
    let last = (watch.counters("promised"), watch.counters("revocable"));
    for (name, ours, its) in [
        ("promised", grown(first.0, last.0), after.0 - before.0),
        ("revocable", grown(first.1, last.1), after.1 - before.1),
    ] {
        assert!(its > 20_000, "{name} burnt only {its} µs");
        // The shells go on for a moment between the two readings.
        assert!(
            ours.abs_diff(its) <= 3_000 + its / 50,
            "{name}: {ours} µs, the scheduler {its} µs"
        );
    }
    // No more than its quota allows: a fifth of the time, and one period's share at each end.
    let most = u64::try_from(passed.as_micros()).unwrap() / 5 + 2 * 20_000;
    assert!(grown(first.0, last.0) <= most, "{:?} in {passed:?}, a fifth is allowed", last.0);
    assert!(last.0.throttled_periods > first.0.throttled_periods);
    assert!(last.0.throttled_usec > first.0.throttled_usec);
    assert_eq!(last.0.pids, Some(1));
}

fn grown(first: TaskCounters, last: TaskCounters) -> u64 {
    let usage = |counters: TaskCounters| counters.cpu_usage_usec.expect("cpuacct.usage");
    usage(last) - usage(first)
}

#[test]
fn classes_ages_and_memory_are_the_kernels() {
    let Some(host) = Host::or_skip("facts") else { return };
    let (promised, revocable) = (host.container("promised"), host.container("revocable"));
    set(&promised, "cpu", "cpu.shares", "512");
    set(&promised, "memory", "memory.limit_in_bytes", "268435456");
    set(&revocable, "cpu", "cpu.shares", "15");
    // 32 MiB that stay: a shell variable is anonymous memory.
    let mut hog = Shell::new("x=$(head -c 33554432 /dev/zero | tr '\\0' x)");
    hog.enter(&promised);
    hog.go();
    assert_eq!(hog.hear(), "done");
    let mut watch = Watch::new(host.settings());
    let sample = watch.take();
    let task = |name: &str| {
        let task = sample.tasks.iter().find(|task| task.task.id.name.ends_with(name)).unwrap();
        (task.task.class, task.task.allocation.cpu.map(|cpu| cpu.0), task.task.started)
    };
    let (class, cpu, started) = task("promised");
    assert_eq!((class, cpu), (Class::Guaranteed, Some(500)));
    let age = sample.at.since(started.unwrap()).unwrap().secs();
    assert!(age < 600.0, "the shell is {age} s old");
    assert_eq!(task("revocable"), (Class::BestEffort, Some(1500), None));
    let now = watch.counters("promised");
    assert_eq!(now.memory_limit, Some(Bytes(268_435_456)));
    assert!(now.working_set >= Some(Bytes(32 << 20)) && now.working_set < Some(Bytes(128 << 20)));
    assert!(now.memory_current >= now.working_set);
}

#[test]
fn waiting_for_a_cpu_shows_in_run_wait_and_in_stall_times() {
    let Some(host) = Host::or_skip("stalls") else { return };
    let (promised, _empty) = (host.container("promised"), host.container("empty"));
    let mut burners: Vec<_> = (0..4).map(|_| Shell::new(&burn(200_000))).collect();
    burners.iter().for_each(|burner| burner.enter(&promised));
    burners.iter().for_each(|burner| burner.pin(0));
    let mut watch = Watch::new(host.settings());
    watch.take();
    let before = watch.counters("promised");
    burners.iter_mut().for_each(Shell::go);
    burners.iter_mut().for_each(|burner| assert_eq!(burner.hear(), "done"));
    watch.take();
    let after = watch.counters("promised");
    let wait = after.run_wait_ns.unwrap() - before.run_wait_ns.unwrap();
    let run = after.run_cpu_ns.unwrap() - before.run_cpu_ns.unwrap();
    assert!(run > 50_000_000 && wait > run, "four on one CPU: {run} ns run, {wait} ns waited");
    let used = grown(before, after);
    assert!((run / 1000).abs_diff(used) <= 5_000 + used / 50, "threads {run} ns, cgroup {used} µs");
    let psi = |counters: TaskCounters| counters.psi.cpu.map(|psi| psi.some_usec);
    assert_eq!(host.hierarchies.unified.is_some(), psi(after).is_some());
    assert!(psi(after) >= psi(before).map(|usec| usec + run / 2000), "{before:?} {after:?}");
    // The stall times of a cgroup of the same path that holds no process are nobody's.
    assert_eq!(watch.counters("empty").psi.cpu, None);
    let health = watch.collector.health();
    assert_eq!((health.malformed, health.signals.guaranteed, health.signals.run_wait), (0, 2, 1));
}

#[test]
fn real_cgroups_come_go_and_vanish() {
    let Some(host) = Host::or_skip("churn") else { return };
    let first = host.container("first");
    for notify in [true, false] {
        let settings = Settings { notify, rescan_every: 1_000, ..host.settings() };
        let mut watch = Watch::new(settings);
        watch.take();
        let second = host.container("second");
        watch.take();
        let seen = watch.sample.tasks.len();
        assert_eq!(seen, if notify { 2 } else { 1 });
        drop(second);
        assert_eq!(watch.take().vanished, 0);
        assert_eq!(watch.sample.tasks.len(), 1);
        let health = watch.collector.health();
        assert_eq!((health.scans, health.vanished), (1, 0));
    }
    // Without events a removed cgroup is met by the kernel's ENODEV on the kept descriptor.
    let mut watch = Watch::new(Settings { notify: false, rescan_every: 1_000, ..host.settings() });
    let third = host.container("third");
    watch.take();
    let before = watch.sample.tasks.iter().map(|task| task.task.id.clone()).max().unwrap();
    let kept = watch.collector.health().descriptors;
    drop(third);
    assert_eq!(watch.take().vanished, 1);
    assert!(watch.collector.health().descriptors < kept);
    // Made again under the same name it is another task, found because the old one vanished.
    let _third = host.container("third");
    watch.take();
    let after = watch.sample.tasks.iter().map(|task| task.task.id.clone()).max().unwrap();
    assert_eq!(before.name, after.name);
    assert_ne!(before.inode, after.inode);
    drop(first);
}

#[test]
fn this_machine_can_be_read_whatever_it_is() {
    let mut watch = Watch::new(Settings::default());
    let sample = watch.take().clone();
    let cpus = std::thread::available_parallelism().unwrap().get();
    assert!(sample.node.capacity_cpu.0 >= 1000 * u64::try_from(cpus).unwrap());
    let (cpu, memory) = (sample.node.cpu.unwrap(), sample.node.memory.unwrap());
    assert!(cpu.busy_usec > 0 && memory.total.0 > memory.free.0);
    assert_eq!(std::fs::exists("/proc/pressure/cpu").unwrap(), sample.node.psi.cpu.is_some());
    let later = watch.take().node.cpu.unwrap();
    assert!(later.busy_usec >= cpu.busy_usec);
    let text = watch.collector.layout().to_string();
    assert!(text.starts_with("cgroups: ") && text.contains("layout: "), "{text}");
}
