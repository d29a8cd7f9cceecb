// SPDX-License-Identifier: Apache-2.0
//! Real stalls on this machine: the trigger wakes, and a glance sees what the kernel accounts.

use gleaner_collector::{PsiTrigger, Stall, Wake};
use gleaner_estimator::units::Span;
use gleaner_tests::cgroup_rig::{CgroupRig, Group};
use gleaner_tests::shell::{Shell, burn};
use gleaner_tests::skip;
use std::path::{Path, PathBuf};

/// A group with stall times, and its directory in the unified hierarchy.
fn stalled(purpose: &str) -> Option<(Group, PathBuf)> {
    let group = CgroupRig::new_or_skip()?.group(purpose).expect("a group");
    let unified = group.unified().filter(|at| std::fs::read(at.join("cpu.pressure")).is_ok());
    if unified.is_none() {
        skip("there is no unified hierarchy with stall times here");
    }
    Some((group, unified?))
}

#[test]
fn a_trigger_wakes_when_processes_wait_for_a_cpu() {
    let Some((group, unified)) = stalled("trigger") else { return };
    let file = unified.join("cpu.pressure");
    let (threshold, window) = (Span::from_millis(100), Span::from_millis(1000));
    let trigger = PsiTrigger::register(&file, Stall::Some, threshold, window).unwrap();
    // With CAP_SYS_RESOURCE the window is the one asked for, else the next multiple of two seconds.
    let used = trigger.window();
    assert_eq!(used, if trigger.is_coarse() { Span::from_secs(2) } else { window });
    assert_eq!(trigger.wait(Some(Span(0))).unwrap(), Wake::Quiet);
    let mut burners: Vec<_> = (0..3).map(|_| Shell::new(&burn(u32::MAX))).collect();
    for burner in &mut burners {
        burner.enter(&group);
        burner.pin(0);
        burner.go();
    }
    assert_eq!(trigger.wait(Some(Span::from_secs(60))).unwrap(), Wake::Stalled);
}

#[test]
fn a_trigger_of_a_removed_cgroup_says_so() {
    let Some((group, unified)) = stalled("removed") else { return };
    let file = unified.join("memory.pressure");
    let window = Span::from_secs(2);
    let trigger = PsiTrigger::register(&file, Stall::Full, Span::from_millis(50), window).unwrap();
    assert!(!trigger.is_coarse());
    drop(group);
    assert_eq!(trigger.wait(Some(Span::from_secs(60))).unwrap(), Wake::Gone);
}

#[test]
fn windows_the_kernel_refuses_are_widened_and_files_it_lacks_are_named() {
    let Some((_group, unified)) = stalled("windows") else { return };
    let file = unified.join("cpu.pressure");
    let register = |window| PsiTrigger::register(&file, Stall::Some, Span::from_millis(50), window);
    // Half the least and twice the most that any process may ask for.
    let (short, long) = (register(Span::from_millis(250)), register(Span::from_secs(20)));
    assert_eq!(short.unwrap().window(), Span::from_secs(2));
    assert_eq!(long.unwrap().window(), Span::from_secs(10));
    let missing = Path::new("/proc/pressure/nothing");
    let error = PsiTrigger::register(missing, Stall::Some, Span(1), Span(1)).unwrap_err();
    assert!(error.to_string().contains("/proc/pressure/nothing"), "{error}");
}
