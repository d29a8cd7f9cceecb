// SPDX-License-Identifier: Apache-2.0
//! `gleaner victims`: who would be taken from first, ranked now, for each resource. Kills nothing.

use crate::cli::ConfigFile;
use crate::clock::boot_time;
use crate::exit::{Exit, Failure};
use crate::table::{Align, Table, known};
use crate::{config, logging, output, settings};
use gleaner_engine::config::{LogConfig, LogLevel};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::Sample;
use gleaner_estimator::units::Span;
use gleaner_estimator::usage::{Usage, UsageTracker};
use gleaner_qos::config::QosConfig;
use gleaner_qos::rank::{Aim, Candidate, Excluded, Past, Relief, rank};
use std::time::Duration;

/// Ranks best-effort tasks by whom an eviction would hit first, and touches nothing
///
/// The ranking is made from two readings one interval apart. A running daemon also remembers how fast each task
/// grows, whose tenant was hit lately, and on whom an eviction has failed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigFile,
    /// Only for this resource: cpu, memory or io
    #[arg(short, long, value_name = "RESOURCE", value_parser = resource)]
    resource: Option<Resource>,
    /// Print the rankings as JSON
    #[arg(short, long)]
    json: bool,
}

fn resource(word: &str) -> Result<Resource, String> {
    let found = Resource::ALL.into_iter().find(|resource| resource.word() == word);
    found.ok_or_else(|| "one of cpu, memory, io".to_owned())
}

pub(crate) fn victims(args: &Args) -> Result<(), Failure> {
    let (config, _) = config::load(args.config.path.as_deref())?;
    logging::start(LogConfig { level: LogLevel::Error, ..config.host.log });
    let mut collector = settings::collector(&config)?;
    let (mut sample, mut tracker) = (Sample::default(), UsageTracker::default());
    let mut read = |into: &mut Sample| {
        collector.sample(boot_time(), into).map_err(|error| Failure::new(Exit::Os, error))
    };
    read(&mut sample)?;
    tracker.update(&sample);
    std::thread::sleep(Duration::from_nanos(config.engine.interval.0));
    read(&mut sample)?;
    tracker.update(&sample);
    let resources =
        Resource::ALL.into_iter().filter(|r| args.resource.is_none_or(|only| only == *r));
    let rankings: Vec<(Resource, Vec<Candidate>)> = resources
        .map(|resource| (resource, ranking(&sample, tracker.usage(), resource, &config.engine.qos)))
        .collect();
    let text = if args.json { as_json(&rankings)? } else { as_text(&rankings) };
    output::print(&text).map(|_| ())
}

fn ranking(sample: &Sample, usage: &Usage, resource: Resource, qos: &QosConfig) -> Vec<Candidate> {
    rank(sample, usage, resource, Aim::Evict, qos, |_| Past::default())
}

fn as_json(rankings: &[(Resource, Vec<Candidate>)]) -> Result<String, Failure> {
    let value: serde_json::Map<String, serde_json::Value> = rankings
        .iter()
        .map(|(resource, all)| (resource.word().to_owned(), serde_json::json!(all)))
        .collect();
    serde_json::to_string_pretty(&value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::new(Exit::Software, error))
}

fn as_text(rankings: &[(Resource, Vec<Candidate>)]) -> String {
    if rankings.iter().all(|(_, all)| all.is_empty()) {
        return "There are no best-effort tasks: nobody could be evicted.\n".to_owned();
    }
    let sections = rankings.iter().map(|(resource, all)| {
        let mut table = Table::new(&[
            ("", Align::Right),
            ("PRIORITY", Align::Right),
            ("WOULD GIVE", Align::Right),
            ("AGE", Align::Right),
            ("CPU SPENT", Align::Right),
            ("TENANT", Align::Left),
            ("TASK", Align::Left),
            ("NEVER BECAUSE", Align::Left),
        ]);
        all.iter().enumerate().for_each(|(place, one)| table.row(cells(place + 1, one)));
        format!("If {} ran short, in this order:\n{}", resource.word(), table.text())
    });
    sections.collect::<Vec<_>>().join("\n")
}

fn cells(place: usize, one: &Candidate) -> [String; 8] {
    let spent = one.cost.cpu_usec.map(|usec| Span(usec.saturating_mul(1000)));
    [
        if one.excluded.is_none() { place.to_string() } else { String::new() },
        one.priority.to_string(),
        known(one.relief.map(relief)),
        known(one.cost.age),
        known(spent),
        known(one.tenant.as_deref()),
        one.task.name.to_string(),
        known(one.excluded.map(Excluded::word)),
    ]
}

fn relief(relief: Relief) -> String {
    match relief {
        Relief::Cpu(cpu) => format!("{cpu} cores"),
        Relief::Memory(bytes) => bytes.to_string(),
        Relief::Io(share) => format!("{share} of the time"),
    }
}
