// SPDX-License-Identifier: Apache-2.0
//! Configuration: what is refused and in which words, what the defaults are, and that every text it writes reads back.

use gleaner_engine::config::{self, Config, OrAuto, Preset, Quota};
use gleaner_estimator::predict::{Parameters, PredictorKind, PredictorSpec};
use gleaner_estimator::sample::Class;
use gleaner_estimator::units::{Bytes, MilliCpus, Ratio, Span};
use gleaner_qos::compat::{Compat, Thresholds};
use gleaner_qos::config::QosConfig;
use proptest::prelude::*;

fn parse(text: &str) -> Config {
    Config::parse(text, "gleaner.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn mistakes(text: &str) -> String {
    Config::parse(text, "gleaner.toml").expect_err("a mistake").to_string()
}

#[test]
fn one_of_each_kind_of_mistake() {
    let kinds = [
        ("not toml", "[sample\ninterval = \"1s\""),
        ("value without quotes", "[sample]\ninterval = 1s"),
        ("written twice", "[cpu]\nenabled = true\nenabled = false"),
        ("bare time", "[sample]\ninterval = 1"),
        ("bare cpu", "[cpu]\nthreshold = 0.5"),
        ("bare memory", "[memory]\nquantum = 64"),
        ("bare share", "[cpu]\nrisk = 0.01"),
        ("unknown unit", "[sample]\ninterval = \"1 sec\""),
        ("ambiguous unit", "[memory]\nquantum = \"64M\""),
        ("negative", "[sample]\ninterval = \"-1s\""),
        ("negative number", "[sample]\ninterval = -1"),
        ("wrong type", "[cpu]\nenabled = \"yes\""),
        ("wrong word", "mode = \"kill\""),
        ("out of range", "[sample]\ninterval = \"5ms\""),
        ("share out of range", "[cpu]\nrisk = \"50%\""),
        ("misspelt key", "[sample]\nintervall = \"1s\""),
        ("hyphen for underscore", "[sample]\nstale-after = \"4s\""),
        ("key of another section", "interval = \"1s\""),
        ("key of two sections", "reserve = \"5%\""),
        ("unknown key", "[http]\ncertificate = \"x\""),
        ("misspelt section", "[layuot]\npreset = \"auto\""),
        ("section as value", "sample = \"1s\""),
        ("relative path", "[audit]\nfile = \"audit.jsonl\""),
        ("host name", "[http]\nlisten = \"localhost:9719\""),
        ("empty text", "[layout]\nbest_effort_slice = \"\""),
        ("task rule without class", "[[layout.task]]\npattern = \"batch/*\""),
        ("task rule as table", "[layout.task]\npattern = \"batch/*\""),
        (
            "task rule with unknown key",
            "[[layout.task]]\npattern = \"b\"\nclass = \"system\"\nprio = 1",
        ),
        ("stale before the next reading", "[sample]\ninterval = \"5s\"\nstale_after = \"4s\""),
        ("threshold above cap", "[cpu]\ncap = \"1 core\"\nthreshold = \"2 cores\""),
        ("quantum above cap", "[memory]\ncap = \"1GiB\"\nquantum = \"2GiB\""),
        ("everything reserved", "[cpu]\nreserve = \"100%\""),
        ("too many horizons", "[predict]\nother_horizons = [\"1min\", \"5min\", \"1h\", \"1d\"]"),
        ("a horizon without unit", "[predict]\nother_horizons = [300]"),
        ("one address twice", "[http]\nmetrics_listen = \"127.0.0.1:9719\""),
        ("harm that ends above its beginning", "[qos.cpu]\nrun_wait_leave = 2.0"),
        ("a maximum below the minimum", "[qos.probe]\nevery = \"5min\""),
        ("a number with a unit", "[qos.cpu]\ngross = \"2x\""),
        ("a mode that is not carried out yet", "mode = \"evict\""),
        ("a fraction of a count", "[qos.budget]\nevictions = 1.5"),
        ("globs without tasks", "[layout]\npreset = \"globs\""),
    ];
    insta::assert_snapshot!(report(&kinds));
}

/// What is said of each text.
fn report(kinds: &[(&str, &str)]) -> String {
    let one = |(kind, text): &(&str, &str)| format!("# {kind}\n{}", mistakes(text));
    kinds.iter().map(one).collect::<Vec<String>>().join("\n\n")
}

#[test]
fn one_of_each_kind_of_mistake_in_a_shadow() {
    let kinds = [
        ("a shadow as table", "[shadow]\nname = \"a\""),
        ("a shadow without name", "[[shadow]]\ncpu.risk = \"2%\""),
        ("a shadow named like the live policy", "[[shadow]]\nname = \"calibrated\""),
        ("two shadows of one name", "[[shadow]]\nname = \"a\"\n[[shadow]]\nname = \"a\""),
        ("a shadow's name with a blank", "[[shadow]]\nname = \"two words\""),
        ("a shadow that reads more often", "[[shadow]]\nname = \"a\"\nsample.interval = \"2s\""),
        ("a shadow of another horizon", "[[shadow]]\nname = \"a\"\npredict.horizon = \"5min\""),
        ("a shadow that acts", "[[shadow]]\nname = \"a\"\nmode = \"observe\""),
        ("a shadow's key misspelt", "[[shadow]]\nname = \"a\"\ncpu.rsik = \"2%\""),
        ("a shadow's value without unit", "[[shadow]]\nname = \"a\"\ncpu.risk = 0.02"),
        (
            "a shadow that contradicts the live policy",
            "[cpu]\ncap = \"1 core\"\n[[shadow]]\nname = \"a\"\ncpu.threshold = \"2 cores\"",
        ),
    ];
    insta::assert_snapshot!(report(&kinds));
}

#[test]
fn every_mistake_of_a_file_is_reported_at_once() {
    let text = "\
# a newcomer's first try
mode = evict
warm-up = \"5min\"

[sample]
interval = 1
stale_after = \"500ms\"

[cpu]
reserve = 0.05
threshhold = \"500m\"
risk = \"1\"

[[layout.task]]
pattern = \"batch/*\"
class = \"besteffort\"
memory = 512
";
    insta::assert_snapshot!(mistakes(text));
}

#[test]
fn the_defaults_are_what_the_documents_promise() {
    let Config { engine, host, shadows } = Config::default();
    assert_eq!(shadows, []);
    assert_eq!(engine.interval, Span::from_secs(1));
    assert_eq!(engine.stale_after, Span::from_secs(3));
    assert_eq!(engine.cpu.reserve, Quota::Share(Ratio::from_milli(50)));
    assert_eq!(engine.cpu.threshold, MilliCpus(100));
    assert_eq!(engine.cpu.cap, None);
    assert_eq!(engine.cpu.predictor, PredictorSpec::default());
    assert_eq!(engine.memory.predictor.parameters, Parameters::memory());
    assert_eq!(engine.cpu.predictor.horizons[engine.offer_horizon], Span::from_secs(1800));
    assert_eq!(engine.cpu.predictor.mistakes(), []);
    assert_eq!(engine.qos, QosConfig::default(), "the table and the code agree");
    assert!(engine.cpu.enabled && !engine.memory.enabled);
    assert_eq!(engine.memory.quantum, Bytes(64 << 20));
    assert_eq!(host.layout.preset, OrAuto::Auto);
    assert!(host.http.listen.is_some_and(|address| address.ip().is_loopback()));
    assert_eq!(Config::parse("", "empty").as_ref(), Ok(&Config::default()));
}

#[test]
fn defaults_are_written_as_the_program_writes_them() {
    let written = config::effective(&Config::default());
    assert!(!written.contains('#'), "no key differs from its default:\n{written}");
}

#[test]
fn staleness_follows_a_longer_interval() {
    assert_eq!(parse("[sample]\ninterval = \"5s\"").engine.stale_after, Span::from_secs(15));
    assert_eq!(parse("[sample]\ninterval = \"250ms\"").engine.stale_after, Span::from_secs(3));
}

#[test]
fn the_sample_file_is_the_default_commented_or_not() {
    let sample = config::sample();
    assert_eq!(parse(&sample), Config::default());
    let uncommented: String = sample
        .lines()
        .filter_map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with("[[") => None,
            Some(rest) if rest.contains(" = ") && !rest.contains(". ") => Some(rest),
            Some(_) => None,
            None => Some(line),
        })
        .filter(|line| !TASK_KEYS.iter().any(|key| line.starts_with(key)))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(uncommented.contains("interval = \"1s\""), "{uncommented}");
    assert_eq!(parse(&uncommented), Config::default());
}

/// The keys of the commented `[[layout.task]]` and `[[shadow]]` in the sample, which are examples and no defaults.
const TASK_KEYS: [&str; 8] = [
    "pattern = ",
    "class = ",
    "priority = ",
    "tenant = ",
    "cpu = ",
    "memory = ",
    "name = ",
    "cpu.risk = ",
];

#[test]
fn a_full_file_is_understood_and_reads_back() {
    let text = "\
mode = \"observe\"
[cpu]
reserve = \"1.5 cores\"
cap = \"50%\"
rise = \"none\"
[layout]
preset = \"globs\"
[[layout.task]]
pattern = \"batch/*\"
class = \"best_effort\"
tenant = \"ads\"
cpu = \"2 cores\"
memory = \"1GiB\"
[http]
listen = \"none\"
";
    let config = parse(text);
    assert_eq!(config.engine.cpu.rise, None);
    assert_eq!(config.engine.cpu.cap, Some(Quota::Share(Ratio::from_milli(500))));
    assert_eq!(config.host.layout.preset, OrAuto::Given(Preset::Globs));
    assert_eq!(config.host.layout.tasks[0].class, Class::BestEffort);
    assert_eq!(config.host.layout.tasks[0].memory, Some(Bytes(1 << 30)));
    assert_eq!(config.host.http.listen, None);
    let written = config::effective(&config);
    assert_eq!(parse(&written), config, "{written}");
    insta::assert_snapshot!(written);
}

/// Written anywhere, a shadow is the live policy but for its own keys, wherever those of the live one stand.
#[test]
fn a_shadow_is_the_live_policy_but_for_its_keys() {
    let text = "\
[[shadow]]
name = \"careful\"
cpu.risk = \"0.5%\"

[[shadow]]
name = \"five-sigma\"
[shadow.predict]
predictor = \"n-sigma\"
sigma = 4.0

[cpu]
risk = \"2%\"
reserve = \"10%\"
";
    let config = parse(text);
    let [careful, sigma] = config.shadows.as_slice() else { panic!("{:?}", config.shadows) };
    let mut expected = config.engine.clone();
    expected.cpu.predictor.risk = Ratio::from_milli(5);
    assert_eq!((careful.name.as_str(), &careful.engine), ("careful", &expected));
    assert_eq!(sigma.engine.cpu.predictor.risk, Ratio::from_milli(20), "as the live one");
    assert_eq!(sigma.engine.memory.predictor.kind, PredictorKind::NSigma);
    assert_eq!(sigma.engine.memory.predictor.horizons, config.engine.memory.predictor.horizons);
    let written = config::effective(&config);
    assert_eq!(parse(&written), config, "{written}");
    let shadows = written.split_once("[[shadow]]").map(|(_, rest)| rest);
    insta::assert_snapshot!(shadows.unwrap_or_default());
}

#[test]
fn shadows_are_limited() {
    let many = |count: usize| -> String {
        (0..count).map(|i| format!("[[shadow]]\nname = \"p{i}\"\n")).collect()
    };
    assert_eq!(parse(&many(config::MAX_SHADOWS)).shadows.len(), config::MAX_SHADOWS);
    let refused = mistakes(&many(config::MAX_SHADOWS + 1));
    assert!(refused.contains("write at most 16"), "{refused}");
}

#[test]
fn thresholds_of_another_controller_exist_once_one_is_written() {
    let config = parse("[qos.compat]\nevict_load_5min = 8\noffer_memory_used = \"12GiB\"");
    let evict = Thresholds { load_5: Some(8.0), ..Thresholds::default() };
    let offer = Thresholds { memory: Some(Bytes(12 << 30)), ..Thresholds::default() };
    assert_eq!(config.engine.qos.compat, Some(Compat { offer, evict, ..Compat::default() }));
    assert_eq!(parse(&config::effective(&config)), config);
    assert_eq!(parse("[qos.compat]\nwait = \"1min\"").engine.qos.compat, None);
}

#[test]
fn what_was_written_is_known_by_its_line() {
    let text = "mode = \"observe\"\n\n[cpu]\ncap = \"50%\"\n";
    let (_, places) = Config::parse_placed(text, "gleaner.toml").expect("a valid file");
    assert_eq!(places.get("cpu.cap").map(String::as_str), Some("gleaner.toml:4"));
    assert_eq!(places.len(), 2, "{places:?}");
}

proptest! {
    #[test]
    fn no_text_panics(text in "(\\[?\\[?(cpu|sample|layout.task|http|shadow)\\]?\\]?\n|(interval|cap|listen|x|name|cpu.risk) ?= ?[\"0-9a-z%\\-é:. ]{0,12}\n|.{0,20}){0,12}") {
        let _ = Config::parse(&text, "any");
    }

    #[test]
    fn any_valid_amounts_read_back(milli in 1_u64..1_000_000, mib in 1_u64..1_000_000, ms in 200_u64..60_000) {
        let mut config = Config::default();
        config.engine.cpu.threshold = MilliCpus(milli);
        config.engine.cpu.reserve = Quota::Exactly(MilliCpus(milli));
        config.engine.memory.cap = Some(Quota::Exactly(Bytes((mib << 20) + (64 << 20))));
        config.engine.memory.threshold = Bytes(mib << 20);
        config.engine.interval = Span::from_millis(ms);
        config.engine.stale_after = Span::from_millis(ms * 3);
        prop_assert_eq!(Config::parse(&config::effective(&config), "any"), Ok(config));
    }
}
