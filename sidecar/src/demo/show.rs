// SPDX-License-Identifier: Apache-2.0
//! What the audience sees: a line each second, what happens as it happens, and a table at the end.

use super::troupe::{Service, Told};
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::output::{self, Reader};
use crate::shown::{Event, Shown, Task, Tasks};
use crate::table::{Align, Table, cores, printable};
use gleaner_estimator::units::{Amount as _, Bytes};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The daemon may miss so many questions in a row, one a second.
const MISSES: u32 = 5;
/// Over the line of each second.
const HEADER: &str =
    "     TIME  SERVICE P99     USES     LENT  OFFERED MORE   CPU      MEMORY LEFT";
/// Between two looks at whether to end.
const PAUSE: Duration = Duration::from_millis(50);

/// Why an act ended before its time.
pub(super) enum Stop {
    /// Somebody asked for it, or nobody reads any more.
    Asked,
    /// It cannot go on.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// How one act went.
pub(super) struct Score {
    pub(super) name: &'static str,
    pub(super) p99: Option<Duration>,
    service: Option<f64>,
    pub(super) best_effort: Option<f64>,
    /// Whether something was offered in its last second.
    pub(super) offered: bool,
}

impl Score {
    /// Whether the service waited for others most of the time: a request takes 2 ms of CPU.
    pub(super) fn is_slow(&self) -> bool {
        self.p99.is_some_and(|p99| p99 > Duration::from_millis(50))
    }
}

/// The stage as the audience sees it.
pub(super) struct Show {
    pub(super) client: Client,
    pub(super) ended: Arc<AtomicBool>,
    started: Instant,
    /// The last event that was told.
    told: u64,
    /// What the names of all tasks begin with.
    top: String,
}

impl Show {
    pub(super) fn new(client: Client, ended: Arc<AtomicBool>, top: &str) -> Self {
        Self { client, ended, started: Instant::now(), told: 0, top: format!("{top}/") }
    }

    /// Says something.
    pub(super) fn say(&self, text: &str) -> Result<(), Stop> {
        match output::print(&format!("{text}\n"))? {
            Reader::Present => Ok(()),
            Reader::Gone => Err(Stop::Asked),
        }
    }

    /// Waits, unless somebody wants to end.
    pub(super) fn wait(&self, time: Duration) -> Result<(), Stop> {
        let start = Instant::now();
        while start.elapsed() < time {
            if self.ended.load(Ordering::Relaxed) {
                return Err(Stop::Asked);
            }
            std::thread::sleep(PAUSE.min(time));
        }
        Ok(())
    }

    /// Lets an act run for so many seconds, or until `over` says that it has reached its end, and tells each second.
    pub(super) fn act(
        &mut self,
        name: &'static str,
        seconds: u64,
        service: &mut Service,
        mut over: impl FnMut(&[Event]) -> bool,
    ) -> Result<Score, Stop> {
        let (mut slowest, mut served, mut spare) = (Vec::new(), Vec::new(), Vec::new());
        let mut missed = 0;
        // What lies between two acts belongs to neither.
        service.tell()?;
        self.say(HEADER)?;
        let (mut why, mut offered) = (None, false);
        for second in 0..seconds {
            self.wait(Duration::from_secs(1))?;
            let told = service.tell()?;
            let seen = self.look();
            missed = if seen.is_some() { 0 } else { missed + 1 };
            if missed == MISSES {
                return Err(Stop::Failed(Failure::new(Exit::Unavailable, "its daemon has ended")));
            }
            let events = self.events();
            self.line(told, seen.as_ref())?;
            self.tell_events(&events)?;
            if let Some((shown, _)) = &seen {
                why = Some(shown.why.cpu.line.clone());
                offered = shown.decision.cpu.offer.amount.to_base() > 0.0;
            }
            // The first second settles.
            if second > 0 || seconds == 1 {
                slowest.extend((told.requests > 0).then_some(told.p99));
                if let Some((_, tasks)) = &seen {
                    served.extend(used(tasks, "guaranteed"));
                    spare.extend(used(tasks, "best_effort"));
                }
            }
            if over(&events) {
                break;
            }
        }
        if let Some(why) = why {
            self.say(&printable(&format!("   Why not more? {why}")))?;
        }
        slowest.sort_unstable();
        let p99 = slowest.get(slowest.len() / 2).copied();
        Ok(Score { name, p99, service: mean(&served), best_effort: mean(&spare), offered })
    }

    fn look(&self) -> Option<(Shown, Vec<Task>)> {
        let shown = self.client.get("/v1/decision").ok()?;
        let Tasks { tasks } = self.client.get("/v1/tasks").ok()?;
        Some((shown, tasks))
    }

    /// What happened since the last call, the oldest first.
    fn events(&mut self) -> Vec<Event> {
        let mut events: Vec<Event> = self.client.get("/v1/events").unwrap_or_default();
        events.retain(|event| event.number > self.told);
        events.reverse();
        self.told = events.last().map_or(self.told, |event| event.number);
        events
    }

    fn line(&self, told: Told, seen: Option<&(Shown, Vec<Task>)>) -> Result<(), Stop> {
        let time = self.started.elapsed().as_secs();
        let head = format!("{time:>5} s {:>12}", millis(told.p99));
        let Some((shown, tasks)) = seen else { return self.say(&head) };
        let cpu = &shown.decision.cpu;
        self.say(&printable(&format!(
            "{head} {:>8} {:>8} {:>13}   {:<9}{:>10}",
            cores(used(tasks, "guaranteed")),
            cores(Some(cpu.lent.to_base())),
            cores(Some(cpu.offer.amount.to_base())),
            shown.why.cpu.state().word(),
            left(shown, tasks),
        )))
    }

    fn tell_events(&self, events: &[Event]) -> Result<(), Stop> {
        // The weight of IO goes with the class of CPU, and nothing is said of it here.
        for event in events.iter().filter(|event| !event.text.starts_with("io_weight")) {
            let time = crate::civil::time(event.at_ms);
            let text = event.text.replace(&self.top, "");
            self.say(&printable(&format!("        {time} {}", in_words(&text))))?;
        }
        Ok(())
    }
}

/// What was done, as somebody says it who has not read the manual; the manual's own words stand behind it.
fn in_words(text: &str) -> String {
    let Some((act, outcome)) = text.split_once(": ") else { return text.to_owned() };
    let Some((action, task)) = act.split_once(' ') else { return text.to_owned() };
    let (verb, what) = match action {
        "standing_class" => ("put", format!("{task} into the lowest CPU class")),
        "freeze" => ("stop", format!("{task} for a moment")),
        "thaw" => ("let", format!("{task} go on")),
        "memory_high" => ("limit", format!("the memory of {task}")),
        "evict" => ("end", task.to_owned()),
        _ => return text.to_owned(),
    };
    match outcome {
        "observed" => format!("Gleaner would {verb} {what} ({text})"),
        _ => format!("Gleaner {verb}s {what} ({text})"),
    }
}

/// Memory that is left below the limit of the demonstration, in MiB.
fn left(shown: &Shown, tasks: &[Task]) -> String {
    let held: Option<Bytes> = tasks.iter().map(|task| task.working_set_bytes).sum();
    held.map_or_else(String::new, |held| {
        format!("{} MiB", shown.decision.memory.capacity.less(held).0 >> 20)
    })
}

/// Cores that the tasks of a class use; `None` while nothing is known of them.
fn used(tasks: &[Task], class: &str) -> Option<f64> {
    let known: Vec<f64> = tasks
        .iter()
        .filter(|task| task.class == class)
        .filter_map(|task| task.used_cores)
        .collect();
    (!known.is_empty()).then(|| known.iter().sum())
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

pub(super) fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// The acts beside each other.
pub(super) fn table(scores: &[Score]) -> String {
    let mut table = Table::new(&[
        ("", Align::Left),
        ("SERVICE P99", Align::Right),
        ("SERVICE CORES", Align::Right),
        ("BEST-EFFORT CORES", Align::Right),
    ]);
    for score in scores {
        table.row([
            score.name.to_owned(),
            score.p99.map_or_else(|| "–".to_owned(), millis),
            cores(score.service),
            cores(score.best_effort),
        ]);
    }
    table.text()
}
