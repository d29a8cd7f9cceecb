// SPDX-License-Identifier: Apache-2.0
//! From text to [`Config`]: every key is looked up in the table, every mistake is noted, none stops the search for more.

use super::host::{
    ActConfig, AgentConfig, AuditConfig, HostConfig, HttpConfig, LayoutConfig, Limits, LogConfig,
    LogFormat, LogLevel, OfferConfig, OrAuto, PolicyConfig, StateConfig, TaskRule, WatchConfig,
};
use super::key::Key;
use super::keys::{SECTIONS, SHADOWS, TASK_KEYS, TASK_RULES, keys};
use super::mistake::{Fault, Ledger, Mistakes, position};
use super::{Config, EngineConfig, LendRule, Mode, Quota, check, shadow};
use gleaner_estimator::predict::{Parameters, PredictorSpec};
use gleaner_estimator::sample::Class;
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::{Amount, Bytes, Ratio, Span};
use gleaner_qos::config::QosConfig;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use toml::de::{DeTable, DeValue};

/// Where each key that was written stands: the byte range of its value.
pub(super) type Places = BTreeMap<String, Range<usize>>;

impl Config {
    /// Reads a configuration. `file` only names it in mistakes.
    ///
    /// # Errors
    /// Every mistake at once: text that is not TOML, unknown keys, values without unit or out of
    /// range, and values that contradict each other.
    pub fn parse(text: &str, file: &str) -> Result<Self, Mistakes> {
        Self::parse_placed(text, file).map(|(config, _)| config)
    }

    /// Like [`Config::parse`], and where each key that was written stands: `cpu.cap` → `gleaner.toml:12`.
    ///
    /// # Errors
    /// As [`Config::parse`].
    pub fn parse_placed(
        text: &str,
        file: &str,
    ) -> Result<(Self, BTreeMap<String, String>), Mistakes> {
        let mut ledger = Ledger::new(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = error.span().unwrap_or(0..0);
            ledger.note(&at, "", syntax_fault(line_of(text, at.start), error.message()));
        }
        // Below a broken header every key would look misplaced.
        ledger.headers_broken = errors.iter().any(|error| {
            line_of(text, error.span().unwrap_or(0..0).start).trim_start().starts_with('[')
        });
        let mut config = Self::default();
        let mut places = Places::new();
        walk(table.get_ref(), "", &WHOLE, &mut config, &mut places, &mut ledger);
        check::derive(&mut config, &places);
        check::cross_check(&config, "", &places, &mut ledger);
        // Last: a shadow is the live policy but for what it says.
        config.shadows = shadow::read(table.get_ref(), &config, &mut ledger);
        let lines = places.iter().map(|(key, at)| {
            let (line, _) = position(text, at.start);
            (key.clone(), format!("{file}:{line}"))
        });
        let lines = lines.collect();
        ledger.close(file).map(|()| (config, lines))
    }
}

/// Whether there is a key of that path.
#[must_use]
pub fn is_key(path: &str) -> bool {
    keys().any(|key| key.path == path)
}

impl Default for Config {
    /// The defaults of the key table.
    fn default() -> Self {
        let mut config = blank();
        apply_defaults(keys(), &mut config);
        check::derive(&mut config, &Places::new());
        config
    }
}

/// Sets every key that has a default to it.
fn apply_defaults<'k, C: 'k>(keys: impl Iterator<Item = &'k Key<C>>, config: &mut C) {
    for key in keys {
        let Some(literal) = key.default else { continue };
        let applied = DeValue::parse(literal).map(|value| key.apply(config, value.get_ref()));
        debug_assert!(matches!(applied, Ok(Ok(()))), "default of {}: {applied:?}", key.path);
    }
}

/// A starting point in which every field is about to be overwritten from the table.
fn blank() -> Config {
    Config {
        engine: EngineConfig {
            mode: Mode::Observe,
            interval: Span::default(),
            stale_after: Span::default(),
            warm_up: Span::default(),
            task_warm_up: Span::default(),
            max_tasks: 0,
            lend: Lend::Allocated,
            cpu: blank_rule(Parameters::cpu()),
            memory: blank_rule(Parameters::memory()),
            offer_horizon: 0,
            lend_blind: false,
            qos: QosConfig::default(),
        },
        host: HostConfig {
            lend: OrAuto::Auto,
            memory_stat_every: Span::default(),
            rescan_every: Span::default(),
            limits: Limits { descriptors: 0, threads: 0, threads_per_task: 0 },
            layout: LayoutConfig {
                preset: OrAuto::Auto,
                proc_root: PathBuf::new(),
                mount_prefix: PathBuf::new(),
                containers_root: OrAuto::Auto,
                best_effort_slice: String::new(),
                tasks: Vec::new(),
            },
            watch: WatchConfig {
                every: Span::default(),
                every_in_need: Span::default(),
                budget: Ratio::default(),
            },
            act: ActConfig {
                journal: PathBuf::new(),
                grace: Span::default(),
                protected_processes: Vec::new(),
            },
            policy: PolicyConfig { library: None },
            agent: AgentConfig { socket: None },
            http: HttpConfig { listen: None, metrics_listen: None, allowed_hosts: Vec::new() },
            offer: OfferConfig { file: None },
            audit: AuditConfig { file: None, max_size: Bytes::default(), keep: 0 },
            state: StateConfig { file: None, every: Span::default(), max_age: Span::default() },
            log: LogConfig { level: LogLevel::Info, format: LogFormat::Text },
        },
        shadows: Vec::new(),
    }
}

fn blank_rule<Q: Amount>(parameters: Parameters) -> LendRule<Q> {
    LendRule {
        enabled: false,
        reserve: Quota::Exactly(Q::ZERO),
        cap: None,
        threshold: Q::ZERO,
        quantum: Q::ZERO,
        rise: None,
        rise_every: Span::default(),
        predictor: PredictorSpec { parameters, ..PredictorSpec::default() },
    }
}

/// A part of the file that has the keys of the table, or some of them.
pub(super) struct Scope {
    /// Put before a key in mistakes.
    pub(super) label: String,
    /// Whether a key of the table may be written here.
    pub(super) permits: fn(&str) -> bool,
}

/// The file itself.
const WHOLE: Scope = Scope { label: String::new(), permits: |_| true };

/// Reads one table; `prefix` is its path with a trailing dot, or empty at the top.
pub(super) fn walk(
    table: &DeTable<'_>,
    prefix: &str,
    scope: &Scope,
    config: &mut Config,
    places: &mut Places,
    ledger: &mut Ledger<'_>,
) {
    for (name, value) in table {
        let path = format!("{prefix}{}", name.get_ref());
        let shown = format!("{}{path}", scope.label);
        let at = value.span();
        if let Some(key) = keys().find(|key| key.path == path) {
            let read = match (scope.permits)(key.path) {
                true => key.apply(config, value.get_ref()),
                false => Err(shadow::foreign()),
            };
            if let Err(fault) = read {
                ledger.note(&at, shown, fault);
            }
            places.insert(path, at);
        } else if path == TASK_RULES && scope.label.is_empty() {
            config.host.layout.tasks = task_rules(value.get_ref(), &at, ledger);
        } else if path == SHADOWS || path == shadow::NAME && !scope.label.is_empty() {
            // Read by themselves.
        } else if SECTIONS.iter().any(|(section, _)| *section == path) {
            match value.get_ref().as_table() {
                Some(inner) => {
                    walk(inner, &format!("{path}."), scope, config, places, ledger);
                }
                None => {
                    let instead = format!("write [{shown}] and its keys below");
                    ledger.note(&name.span(), shown, Fault::new("it is a section".into(), instead));
                }
            }
        } else if !ledger.headers_broken {
            ledger.note(&name.span(), shown, unknown(&path));
        }
    }
}

/// Reads the list of `[[layout.task]]`.
fn task_rules(value: &DeValue<'_>, at: &Range<usize>, ledger: &mut Ledger<'_>) -> Vec<TaskRule> {
    let mut rules = Vec::new();
    let Some(list) = value.as_array() else {
        let fault = Fault::new("it is a list of tables".into(), format!("write [[{TASK_RULES}]]"));
        ledger.note(at, TASK_RULES, fault);
        return rules;
    };
    for (i, item) in list.iter().enumerate() {
        let path = format!("{TASK_RULES}[{i}]");
        match item.get_ref().as_table() {
            Some(table) => rules.push(task_rule(table, &item.span(), &path, ledger)),
            None => {
                let fault =
                    Fault::new("it is not a table".into(), format!("write [[{TASK_RULES}]]"));
                ledger.note(&item.span(), path, fault);
            }
        }
    }
    rules
}

fn task_rule(
    table: &DeTable<'_>,
    at: &Range<usize>,
    path: &str,
    ledger: &mut Ledger<'_>,
) -> TaskRule {
    let mut rule = TaskRule {
        pattern: String::new(),
        class: Class::System,
        priority: 0,
        tenant: None,
        cpu: None,
        memory: None,
    };
    apply_defaults(TASK_KEYS.iter(), &mut rule);
    for (name, value) in table {
        match TASK_KEYS.iter().find(|key| key.path == name.get_ref()) {
            Some(key) => {
                if let Err(fault) = key.apply(&mut rule, value.get_ref()) {
                    ledger.note(&value.span(), format!("{path}.{}", key.path), fault);
                }
            }
            None => {
                let names = TASK_KEYS.iter().map(|key| key.path);
                let fault = unknown_among(name.get_ref(), names);
                ledger.note(&name.span(), format!("{path}.{}", name.get_ref()), fault);
            }
        }
    }
    for key in TASK_KEYS.iter().filter(|key| key.default.is_none()) {
        if !table.contains_key(key.path) {
            let fault = Fault::new("it is missing".into(), format!("write {}", (key.form)()));
            ledger.note(at, format!("{path}.{}", key.path), fault);
        }
    }
    rule
}

/// What to say about a key that does not exist.
fn unknown(path: &str) -> Fault {
    let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
    let elsewhere: Vec<&str> =
        keys().filter(|key| alike(key.name()) == alike(name)).map(|key| key.path).collect();
    match elsewhere.as_slice() {
        [] => {}
        [only] => return Fault::new("no such key".into(), format!("did you mean {only}?")),
        several => {
            let fault = format!("did you mean {}?", several.join(" or "));
            return Fault::new("no such key".into(), fault);
        }
    }
    let siblings = keys().filter(|key| key.section() == section).map(Key::name);
    let sections = SECTIONS.iter().map(|(section, _)| *section).filter(|s| !s.is_empty());
    let sections = sections.chain([SHADOWS]);
    let inner = section == "layout";
    match section.is_empty() {
        true => unknown_among(name, siblings.chain(sections)),
        false => unknown_among(name, siblings.chain(inner.then_some("task"))),
    }
}

/// Proposes the nearest of `names`, or lists them.
fn unknown_among<'k>(name: &str, names: impl Iterator<Item = &'k str>) -> Fault {
    let names: Vec<&str> = names.collect();
    let nearest = names
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&alike(name), &alike(known)), known))
        .min()
        .filter(|(distance, known)| *distance <= known.len().div_ceil(3));
    Fault::new(
        "no such key".into(),
        match nearest {
            Some((_, known)) => format!("did you mean {known}?"),
            None => format!("the keys here are {}", names.join(", ")),
        },
    )
}

/// The name without what people mix up: case, `-` and `_`.
fn alike(name: &str) -> String {
    name.to_lowercase().replace(['-', '_'], "")
}

/// The line that holds a byte offset.
fn line_of(text: &str, offset: usize) -> &str {
    let start = text[..offset.min(text.len())].rfind('\n').map_or(0, |newline| newline + 1);
    text[start..].lines().next().unwrap_or_default()
}

/// Says what to write where the text is not TOML; a value without quotes is by far the most frequent cause.
fn syntax_fault(line: &str, message: &str) -> Fault {
    let quoted = line.split_once('=').map(|(name, value)| {
        let value = value.split('#').next().unwrap_or_default().trim().trim_matches('"');
        format!("put the value in quotes: {} = \"{value}\"", name.trim())
    });
    let instead = match message {
        text if text.contains("must be quoted") => quoted,
        text if text.contains("duplicate key") => Some("keep one of the two".to_owned()),
        _ => None,
    };
    let see = || "see https://toml.io for the notation".to_owned();
    Fault::new(message.replace('\n', " "), instead.unwrap_or_else(see))
}
