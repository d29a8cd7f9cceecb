// SPDX-License-Identifier: Apache-2.0
//! A real daemon beside the library: it decides for a thin module, and lets a loaded policy decide for itself.

use crate::host::{PATIENCE, best_effort, guaranteed, open};
use crate::policy::example;
use gleaner::abi::code::{GLEANER_DIALECT_GLEANER, GLEANER_OK, GLEANER_ROLE_BOTH};
use gleaner::abi::told::GLEANER_OFFER_FRESH;
use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::gleaner::{Gleaner, configuration};
use gleaner_tests::load::{Load, Work};
use gleaner_tests::programs::built;
use gleaner_tests::{poll_until, skip};
use serde_json::Value;
use std::process::{Command, Stdio};

/// Memory is lent too: of it there is slack however busy the machine is.
const SLACK: &str = "[lend]\nrule = \"headroom\"\nwarm_up = \"1s\"\ntask_warm_up = \"0s\"\n\
    [memory]\nenabled = true\nreserve = \"1%\"\n\
    [predict]\npredictor = \"fixed\"\nmemory.amount = \"2GiB\"\n";

/// The example in C, offering 512 MiB.
const HALF: &str = "-DPOLICY_DECISION=\"{\\\"cpu\\\":{\\\"offer\\\":{\\\"amount\\\":0}},\
    \\\"memory\\\":{\\\"offer\\\":{\\\"amount\\\":536870912}}}\"";

#[test]
fn a_loaded_policy_decides_within_the_slack() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let top = rig.group("policy").expect("a group");
    let files = tempfile::tempdir().expect("a directory");
    let Some(library) = example(files.path(), &[HALF]) else { return skip("cc is not installed") };
    let run = |keys: &str| {
        let config = files.path().join("gleaner.toml");
        let text = configuration(files.path(), top.path(), "observe", keys);
        std::fs::write(&config, text).expect("writable");
        Command::new(built("gleaner").expect("built"))
            .args(["run", "--json", "--ticks", "4", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .output()
            .expect("gleaner starts")
    };
    let output = run(&format!("{SLACK}[policy]\nlibrary = \"{}\"\n", library.display()));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let told = String::from_utf8(output.stdout).expect("text");
    let last: Value = serde_json::from_str(told.lines().last().expect("a decision")).expect("JSON");
    assert_eq!(last["health"]["state"], "fresh", "{last}");
    // The built-in policy would begin with a tenth of the node.
    assert_eq!(last["memory"]["offer"]["amount"], 512 << 20, "{last}");
    let output = run(&format!("{SLACK}[policy]\nlibrary = \"/proc/self/exe\"\n"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("policy.library"), "{said}");
}

#[test]
fn a_thin_module_gets_the_daemons_offer_and_carries_out_its_evictions() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let top = rig.group("thin").expect("a group");
    // By their names both would be guaranteed: the agent says who is not.
    let [service, batch] = ["svc-1", "svc-2"].map(|name| top.child(name).expect("a group"));
    let hold = |group| Load::start(&Work::Hold { bytes: 64 << 20 }, group).expect("a load starts");
    let mut loads = [hold(&service), hold(&batch)];
    let files = tempfile::tempdir().expect("a directory");
    let path = files.path().join("agent.sock");
    let socket = path.to_str().expect("UTF-8");
    let host =
        open(GLEANER_ROLE_BOTH, GLEANER_DIALECT_GLEANER, &[("socket", socket)]).expect("open");
    host.start().expect("a daemon that is not there yet is no mistake");
    host.push(&[guaranteed("svc-1", 1000), best_effort("svc-2", 100)]).expect("a table");
    let agent = format!("[agent]\nsocket = \"{socket}\"\n");
    let lender = Gleaner::start(&top, "evict", &format!("{SLACK}{agent}"));
    let offer =
        host.offer_when("an offer", |o| o.flags == GLEANER_OFFER_FRESH && o.memory_bytes > 0);
    assert!(offer.memory_bytes <= 2 << 30, "{}", offer.memory_bytes);
    assert!(!host.is_called());
    let (status, _) = lender.stop();
    assert!(status.success());
    host.offer_when("nothing without a daemon", |offer| offer.flags == 0);
    let full = "[qos.compat]\nevict_memory_used = \"1MiB\"\n";
    let evictor = Gleaner::start(&top, "evict", &format!("{SLACK}{agent}{full}"));
    let called = poll_until(PATIENCE, || host.is_called().then_some(()));
    assert!(called.is_some(), "no correction:\n{}", evictor.story());
    let taken = host.take().expect("corrections");
    assert_eq!(taken.iter().map(|one| one.index).collect::<Vec<_>>(), [1], "{taken:?}");
    evictor.let_decide(2);
    assert!(!evictor.acts().contains(&"evict".to_owned()), "{}", evictor.story());
    assert!(loads.iter_mut().all(|load| load.runs().expect("it can be asked")), "the agent's part");
    assert_eq!(host.close(), GLEANER_OK);
}
