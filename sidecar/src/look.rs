// SPDX-License-Identifier: Apache-2.0
//! `gleaner layout` and `gleaner sample`: what is seen on this node, once, without deciding anything.

use crate::cli::ConfigFile;
use crate::clock::boot_time;
use crate::exit::{Exit, Failure};
use crate::table::{Align, Table, cores, known, printable};
use crate::{config, logging, output, settings};
use gleaner_collector::Collector;
use gleaner_engine::config::{Config, LogConfig, LogLevel};
use gleaner_estimator::sample::{Class, Sample, TaskSample};
use gleaner_estimator::usage::{TaskUsage, Usage, UsageTracker};
use std::time::Duration;

/// The class as a person says it.
pub(crate) const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Guaranteed => "guaranteed",
        Class::BestEffort => "best-effort",
        Class::System => "system",
    }
}

/// Opens the collector for a look: what it would log is in the report.
fn open(file: &ConfigFile) -> Result<(Config, Collector), Failure> {
    let (config, _) = config::load(file.path.as_deref())?;
    logging::start(LogConfig { level: LogLevel::Error, ..config.host.log });
    let collector = settings::collector(&config)?;
    Ok((config, collector))
}

fn read(collector: &mut Collector, into: &mut Sample) -> Result<(), Failure> {
    collector.sample(boot_time(), into).map_err(|error| Failure::new(Exit::Os, error))
}

/// Shows what was detected, and each task with its class and why it has that class.
pub(crate) fn layout(file: &ConfigFile) -> Result<(), Failure> {
    let (_, mut collector) = open(file)?;
    let mut sample = Sample::default();
    read(&mut collector, &mut sample)?;
    let mut tasks = Table::new(&[
        ("CLASS", Align::Left),
        ("CPU", Align::Right),
        ("MEMORY", Align::Right),
        ("TASK", Align::Left),
        ("WHY", Align::Left),
    ]);
    for TaskSample { task, .. } in in_order(&sample) {
        tasks.row([
            class_name(task.class).to_owned(),
            known(task.allocation.cpu),
            known(task.allocation.memory),
            task.id.name.to_string(),
            task.why.clone(),
        ]);
    }
    let mut text = format!("{}", collector.layout());
    if !sample.tasks.is_empty() {
        text.push_str("\nWhat each task was promised (CPU in cores), and why it has its class:\n");
        text.push_str(&tasks.text());
    }
    output::print(&text).map(|_| ())
}

/// Takes two readings, one interval apart, and shows what each task used in between.
pub(crate) fn sample(file: &ConfigFile, json: bool) -> Result<(), Failure> {
    let (config, mut collector) = open(file)?;
    let (mut sample, mut tracker) = (Sample::default(), UsageTracker::default());
    read(&mut collector, &mut sample)?;
    tracker.update(&sample);
    std::thread::sleep(Duration::from_nanos(config.engine.interval.0));
    read(&mut collector, &mut sample)?;
    tracker.update(&sample);
    let text = match json {
        true => as_json(&sample, tracker.usage())?,
        false => as_text(&sample, tracker.usage()) + &not_seen(&collector),
    };
    output::print(&text).map(|_| ())
}

fn as_json(sample: &Sample, usage: &Usage) -> Result<String, Failure> {
    let value = serde_json::json!({ "sample": sample, "usage": usage });
    serde_json::to_string_pretty(&value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::new(Exit::Software, error))
}

/// Guaranteed tasks first, then best-effort, then the rest, each by name.
fn in_order(sample: &Sample) -> impl Iterator<Item = &TaskSample> {
    Class::ALL.into_iter().flat_map(|class| sample.of_class(class))
}

fn as_text(sample: &Sample, usage: &Usage) -> String {
    let mut text = node_lines(sample, usage);
    let mut table = Table::new(&[
        ("CLASS", Align::Left),
        ("CPU", Align::Right),
        ("WORKING SET", Align::Right),
        ("CACHE", Align::Right),
        ("WAIT CPU", Align::Right),
        ("WAIT MEM", Align::Right),
        ("WAIT IO", Align::Right),
        ("TASK", Align::Left),
        ("WHY", Align::Left),
    ]);
    for class in Class::ALL {
        let rows = sample.tasks.iter().zip(&usage.tasks);
        for (task, used) in rows.filter(|(task, _)| task.task.class == class) {
            table.row(cells(task, used));
        }
    }
    if !sample.tasks.is_empty() {
        text.push('\n');
        text.push_str(&table.text());
    }
    text
}

/// What could not be read or understood, a line each; empty where all is well.
fn not_seen(collector: &Collector) -> String {
    let health = collector.health();
    let unseen = collector.layout().unseen;
    let mut lines: Vec<String> =
        unseen.iter().map(|unseen| format!("unseen     {}: {}", unseen.what, unseen.why)).collect();
    if let Some(last) = health.last_malformed {
        let count = health.malformed;
        lines.push(format!("unclear    left out so far: {count}; the latest: {last}"));
    }
    lines.iter().map(|line| format!("\n{}\n", printable(line))).collect()
}

/// Capacity, what each class used, and the node's own waiting, on a line each.
fn node_lines(sample: &Sample, usage: &Usage) -> String {
    let node = &sample.node;
    let [guaranteed, best_effort, system] =
        Class::ALL.map(|class| cores(usage.cpu_of(sample, class)));
    let stalls = &usage.node.stalls;
    format!(
        "over       {}\ncpu        {} cores: guaranteed {guaranteed}, best-effort {best_effort}, system {system}\n\
         memory     {}: {} in use\nwaiting    cpu {}, memory {}, io {}\ntasks      {} read, {} vanished\n",
        usage.span,
        node.capacity_cpu,
        node.capacity_memory,
        known(usage.node.memory_used),
        known(stalls.cpu.some),
        known(stalls.memory.some),
        known(stalls.io.some),
        sample.tasks.len(),
        sample.vanished,
    )
}

fn cells(sample: &TaskSample, used: &TaskUsage) -> [String; 9] {
    [
        class_name(sample.task.class).to_owned(),
        cores(used.cpu),
        known(used.working_set),
        known(used.file_cache),
        known(used.stalls.cpu.some),
        known(used.stalls.memory.some),
        known(used.stalls.io.some),
        sample.task.id.name.to_string(),
        sample.task.why.clone(),
    ]
}
