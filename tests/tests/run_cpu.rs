// SPDX-License-Identifier: Apache-2.0
//! The daemon on contended processors: the lowest class at once, nothing harsher than needed, nothing left behind.

use gleaner_tests::acting::{LONG, class};
use gleaner_tests::cgroup_rig::{CgroupRig, Group};
use gleaner_tests::gleaner::Gleaner;
use gleaner_tests::load::{Load, Work};
use gleaner_tests::wait_until;

/// A service that wants both processors, and two best-effort groups that want more.
struct Node {
    top: Group,
    service: Group,
    batch: [Group; 2],
    loads: Vec<Load>,
}

impl Node {
    fn new(rig: &CgroupRig) -> Self {
        let top = rig.group("run").expect("a group");
        let [service, one, two] =
            ["svc", "be-one", "be-two"].map(|name| top.child(name).expect("a group"));
        Self { top, service, batch: [one, two], loads: Vec::new() }
    }

    fn spin(&mut self, group: usize, threads: u32) {
        let group = if group == 0 { &self.service } else { &self.batch[group - 1] };
        let load = Load::start(&Work::Spin { threads }, group).expect("a load starts");
        self.loads.push(load);
    }

    fn all_run(&mut self) -> bool {
        self.loads.iter_mut().all(|load| load.runs().expect("it can be asked"))
    }

    /// The service's part of the next half second of CPU time that the three groups use; others may use the machine too.
    fn share(&self) -> f64 {
        let used = || [&self.service, &self.batch[0], &self.batch[1]].map(cpu_seconds);
        let before = used();
        wait_until("half a second of work", LONG, || {
            let grew: Vec<f64> =
                used().iter().zip(before).map(|(after, before)| after - before).collect();
            let all: f64 = grew.iter().sum();
            (all >= 0.5).then(|| grew[0] / all)
        })
    }
}

/// CPU time that a group has used.
fn cpu_seconds(group: &Group) -> f64 {
    if let Ok(text) = group.read("cpuacct", "cpuacct.usage") {
        return text.trim().parse::<f64>().expect("a number") / 1e9;
    }
    let text = group.read("cpu", "cpu.stat").expect("the rig needs it");
    let usec = text.lines().find_map(|line| line.strip_prefix("usage_usec ")).expect("usage");
    usec.parse::<f64>().expect("a number") / 1e6
}

#[test]
fn best_effort_stands_in_the_lowest_class_and_nothing_else_is_done() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut node = Node::new(&rig);
    let before = node.batch.each_ref().map(class);
    for group in 0..3 {
        node.spin(group, 2);
    }
    let gleaner = Gleaner::start(&node.top, "evict", "");
    for name in ["be-one", "be-two"] {
        gleaner.wait_for("standing_class", name, "done");
    }
    let held = node.batch.each_ref().map(class);
    assert!(before.iter().zip(&held).all(|(before, held)| before != held), "{held:?}");
    gleaner.let_decide(5);
    let harsh = |act: &String| ["freeze", "evict", "cpu_quota"].contains(&act.as_str());
    assert!(!gleaner.acts().iter().any(harsh), "{}", gleaner.story());
    let (status, _files) = gleaner.stop();
    assert!(status.success(), "{status}");
    assert_eq!(node.batch.each_ref().map(class), before, "put back at the end");
    assert!(node.all_run());
}

#[test]
fn who_takes_its_class_only_on_harm_takes_it_when_harm_shows() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut node = Node::new(&rig);
    (1..3).for_each(|group| node.spin(group, 2));
    let gleaner = Gleaner::start(&node.top, "squeeze", "[qos]\nstanding = \"on_harm\"");
    gleaner.let_decide(3);
    assert!(!gleaner.acts().contains(&"standing_class".to_owned()), "{}", gleaner.story());
    node.spin(0, 2);
    let act = gleaner.wait_for("standing_class", "be-one", "done");
    gleaner.wait_for("standing_class", "be-two", "done");
    // By weight it would be a third.
    wait_until("the service to have nearly all", LONG, || (node.share() > 0.9).then_some(()));
    let story = gleaner.explain(&act["tick"].to_string());
    assert!(story.contains("standing_class") && story.contains("svc"), "{story}");
    assert!(node.all_run());
}

#[test]
fn what_a_killed_daemon_left_behind_is_swept_by_the_next() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut node = Node::new(&rig);
    let before = node.batch.each_ref().map(class);
    node.spin(1, 1);
    let gleaner = Gleaner::start(&node.top, "evict", "");
    gleaner.wait_for("standing_class", "be-one", "done");
    gleaner.wait_for("standing_class", "be-two", "done");
    let held = node.batch.each_ref().map(class);
    let files = gleaner.kill();
    assert_eq!(node.batch.each_ref().map(class), held, "nobody was there to put it back");
    let observer = Gleaner::start_in(files, &node.top, "observe", "");
    assert_eq!(node.batch.each_ref().map(class), before, "also by one that only observes");
    observer.let_decide(2);
    assert_eq!(node.batch.each_ref().map(class), before, "and touched no more");
}

#[test]
fn two_daemons_do_not_act_on_one_node() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let node = Node::new(&rig);
    let first = Gleaner::start(&node.top, "evict", "");
    first.let_decide(1);
    let (second, said) = first.rival();
    assert!(!second.success() && said.contains("act.journal"), "{said}");
}
