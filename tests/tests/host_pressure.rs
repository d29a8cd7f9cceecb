// SPDX-License-Identifier: Apache-2.0
//! Real stalls on this machine: the trigger wakes, and a glance sees what the kernel accounts.

use gleaner_collector::{Hierarchies, PsiTrigger, Roots, Stall, Wake};
use gleaner_estimator::units::Span;
use gleaner_tests::host_cgroup::{HostCgroup, HostProcess, burn};
use gleaner_tests::skip;
use std::path::Path;

/// A cgroup of the unified hierarchy with stall times.
fn stalled(purpose: &str) -> Option<HostCgroup> {
    let unified = Hierarchies::read(&Roots::default()).expect("a mountinfo").unified;
    let cgroup = unified.and_then(|root| HostCgroup::new(&root, purpose));
    let cgroup = cgroup.filter(|cgroup| std::fs::read(cgroup.path().join("cpu.pressure")).is_ok());
    if cgroup.is_none() {
        skip("no cgroup with stall times can be made in a unified hierarchy here");
    }
    cgroup
}

#[test]
fn a_trigger_wakes_when_processes_wait_for_a_cpu() {
    let Some(cgroup) = stalled("trigger") else { return };
    let file = cgroup.path().join("cpu.pressure");
    let (threshold, window) = (Span::from_millis(100), Span::from_millis(1000));
    let trigger = PsiTrigger::register(&file, Stall::Some, threshold, window).unwrap();
    // With CAP_SYS_RESOURCE the window is the one asked for, else the next multiple of two seconds.
    let used = trigger.window();
    assert_eq!(used, if trigger.is_coarse() { Span::from_secs(2) } else { window });
    assert_eq!(trigger.wait(Some(Span(0))).unwrap(), Wake::Quiet);
    let mut burners: Vec<_> = (0..3).map(|_| HostProcess::shell(&burn(u32::MAX))).collect();
    for burner in &mut burners {
        burner.enter(&[&cgroup]);
        burner.pin(0);
        burner.go();
    }
    assert_eq!(trigger.wait(Some(Span::from_secs(60))).unwrap(), Wake::Stalled);
}

#[test]
fn a_trigger_of_a_removed_cgroup_says_so() {
    let Some(cgroup) = stalled("removed") else { return };
    let file = cgroup.path().join("memory.pressure");
    let window = Span::from_secs(2);
    let trigger = PsiTrigger::register(&file, Stall::Full, Span::from_millis(50), window).unwrap();
    assert!(!trigger.is_coarse());
    drop(cgroup);
    assert_eq!(trigger.wait(Some(Span::from_secs(60))).unwrap(), Wake::Gone);
}

#[test]
fn windows_the_kernel_refuses_are_widened_and_files_it_lacks_are_named() {
    let Some(cgroup) = stalled("windows") else { return };
    let file = cgroup.path().join("cpu.pressure");
    let register = |window| PsiTrigger::register(&file, Stall::Some, Span::from_millis(50), window);
    // Half the least and twice the most that any process may ask for.
    let (short, long) = (register(Span::from_millis(250)), register(Span::from_secs(20)));
    assert_eq!(short.unwrap().window(), Span::from_secs(2));
    assert_eq!(long.unwrap().window(), Span::from_secs(10));
    let missing = Path::new("/proc/pressure/nothing");
    let error = PsiTrigger::register(missing, Stall::Some, Span(1), Span(1)).unwrap_err();
    assert!(error.to_string().contains("/proc/pressure/nothing"), "{error}");
}
