// SPDX-License-Identifier: Apache-2.0
//! Parameters: what they mean in either dialect, and that every mistake is found at once.

use super::*;

fn open(dialect: u32, parameters: &[(&str, &str)]) -> Result<Setup, String> {
    let pair = |(key, value): &(&str, &str)| (key.as_bytes().to_vec(), value.as_bytes().to_vec());
    let asked = Asked {
        abi_version: GLEANER_ABI_VERSION,
        role: GLEANER_ROLE_BOTH,
        dialect,
        parameters: parameters.iter().map(pair).collect(),
    };
    read(&asked).map_err(|failure| failure.text())
}

#[test]
fn the_last_of_equal_keys_counts_and_values_need_no_quotes() {
    let given = [
        ("cpu.cap", "10%"),
        ("cpu.cap", "50%"),
        ("memory.enabled", "true"),
        ("layout.containers_root", "my/mesos"),
        ("qos.cpu.run_wait_enter", "1.5"),
    ];
    let setup = open(GLEANER_DIALECT_GLEANER, &given).expect("good");
    assert!(
        matches!(setup.config.engine.cpu.cap, Some(Quota::Share(share)) if share == gleaner_estimator::units::Ratio::from_milli(500))
    );
    assert!(setup.config.engine.memory.enabled);
    assert_eq!(
        setup.config.host.layout.containers_root.given().map(String::as_str),
        Some("my/mesos")
    );
    assert_eq!((setup.config.engine.mode, setup.stand), (Mode::Evict, None));
    assert_eq!(setup.config.host.layout.preset, OrAuto::Given(Preset::Mesos));
}

#[test]
fn all_mistakes_are_told_at_once() {
    let given = [
        ("cpu.cap", "lots"),
        ("cpu.cpa", "1"),
        ("no such", "1"),
        ("load_threshold_1min", " 3"),
        ("mem_threshold", "10MB"),
        ("metrics_listen", "0.0.0.0:9720"),
        ("metrics_textfile", "x.prom"),
        ("push_every", "soon"),
        ("mode", "maybe"),
        ("strict_compatibility", "true"),
        ("resources", "gpus:1"),
    ];
    let text = open(GLEANER_DIALECT_GLEANER, &given).expect_err("bad");
    for (key, _) in given {
        assert!(text.contains(&format!("parameter {key}: ")), "{key} is missing in\n{text}");
    }
    assert!(text.contains("did you mean cap?"), "{text}");
}

#[test]
fn thresholds_are_read_as_the_modules_read_them() {
    let given = [
        ("resources", "cpus:16;mem:96000;gpus:1"),
        ("load_threshold_1min", "64"),
        ("load_threshold_5min", "inf"),
        ("load_threshold_15min", "4.8e1"),
        ("mem_threshold", "200000"),
        ("whatever", "is ignored"),
    ];
    let setup = open(GLEANER_DIALECT_THRESHOLD, &given).expect("good");
    let stand = setup.stand.expect("threshold dialect");
    assert!(!stand.rules.strict);
    let t = stand.rules.thresholds;
    assert_eq!((t.load_1, t.load_5, t.load_15), (Some(64.0), Some(f64::INFINITY), Some(48.0)));
    assert_eq!(t.memory.map(|m| m.0), Some(200_000 << 20));
    assert_eq!(stand.amounts.cpu.map(|c| c.0), Some(16_000));
    assert_eq!(setup.warnings.len(), 2, "{:?}", setup.warnings);
    for (key, bad) in [
        ("mem_threshold", "1.5"),
        ("mem_threshold", "-1"),
        ("mem_threshold", "+1"),
        ("mem_threshold", ""),
        ("mem_threshold", "1 "),
        ("load_threshold_5min", ""),
        ("load_threshold_5min", "4 "),
        ("load_threshold_5min", "four"),
    ] {
        assert!(open(GLEANER_DIALECT_THRESHOLD, &[(key, bad)]).is_err(), "{key}={bad:?}");
    }
    let strict =
        open(GLEANER_DIALECT_THRESHOLD, &[("strict_compatibility", "true")]).expect("good");
    assert!(strict.stand.is_some_and(|stand| stand.rules.strict));
}

#[test]
fn parameters_of_the_threshold_modules_are_limits_in_our_own_dialect() {
    let given = [("resources", "cpus:2"), ("load_threshold_5min", "9")];
    let setup = open(GLEANER_DIALECT_GLEANER, &given).expect("good");
    assert!(setup.config.engine.cpu.enabled && !setup.config.engine.memory.enabled);
    let compat = setup.config.engine.qos.compat.expect("asked for");
    assert_eq!((compat.offer.load_5, compat.evict.load_5), (Some(9.0), Some(9.0)));
}

#[test]
fn a_file_is_named_with_its_lines_and_excludes_inline_keys() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("gleaner.toml");
    std::fs::write(&path, "[cpu]\ncap = 7\n").expect("a file");
    let path = path.to_str().expect("UTF-8");
    let text =
        open(GLEANER_DIALECT_GLEANER, &[("config", path), ("cpu.reserve", "1%")]).expect_err("bad");
    assert!(text.contains("gleaner.toml:2:7: cpu.cap: "), "{text}");
    assert!(text.contains("parameter cpu.reserve: "), "{text}");
    let text = open(GLEANER_DIALECT_GLEANER, &[("config", "/no/such")]).expect_err("bad");
    assert!(text.contains("/no/such"), "{text}");
}

#[test]
fn a_library_that_is_too_old_or_too_new_is_refused() {
    let asked = |abi_version| Asked { abi_version, role: GLEANER_ROLE_BOTH, ..Asked::default() };
    assert!(read(&asked(GLEANER_ABI_VERSION)).is_ok());
    for version in [0, GLEANER_ABI_VERSION + 1, GLEANER_ABI_VERSION + (1 << 16)] {
        assert!(matches!(read(&asked(version)), Err(Failure::BadVersion(_))), "{version:#x}");
    }
}

#[test]
fn with_a_sidecar_policy_is_set_there() {
    let given = [("socket", "/run/gleaner/agent.sock"), ("cpu.cap", "1 cores")];
    assert!(open(GLEANER_DIALECT_GLEANER, &given).expect_err("bad").contains("parameter cpu.cap"));
    assert!(open(GLEANER_DIALECT_THRESHOLD, &given).is_ok());
}
