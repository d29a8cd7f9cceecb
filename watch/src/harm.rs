// SPDX-License-Identifier: Apache-2.0
//! The words for contention: which signal shows it, how far beyond its limit, and when lending returns.

use gleaner_engine::decision::Decision;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Ratio, Timestamp};
use gleaner_qos::assessment::ResourceAssessment;
use gleaner_qos::level::Level;
use gleaner_qos::signal::{Reading, Signal};

/// `CPU is strained for 12.0 s: owners' wait for a CPU is 1.53, limit 1.20. Lending returns …`, without the full stop.
pub(crate) fn of_level(decision: &Decision, resource: Resource, name: &str) -> Option<String> {
    let assessment = decision.assessment.as_ref()?;
    let this = assessment.of(resource);
    let word = this.level.word();
    let lasts = decision.at.since(this.since).unwrap_or_default();
    let shows = match this.leading {
        Some(signal) => shown(assessment.reading(signal)),
        None => "harm shows no longer".to_owned(),
    };
    Some(format!("{name} is {word} for {lasts}: {shows}; calm again after {} without", this.dwell))
}

/// The time until something just taken back may be lent again.
pub(crate) fn until(decision: &Decision, resource: Resource) -> Option<String> {
    let end: Timestamp = decision.assessment.as_ref()?.of(resource).hold_off?;
    let left = end.since(decision.at).unwrap_or_default();
    Some(format!("something was just taken back; lending returns in {left}"))
}

/// What is said of IO, which is never lent; `None` where nobody judges it.
pub(crate) fn of_io(decision: &Decision) -> Option<String> {
    let this: &ResourceAssessment = decision.assessment.as_ref()?.of(Resource::Io);
    Some(match (this.no_signal, this.level) {
        (true, _) => "Not lent; no contention signal, so harm would not be seen.".to_owned(),
        (false, Level::Calm) => "Not lent; guarded.".to_owned(),
        (false, Level::Strained | Level::Critical) => {
            let level = of_level(decision, Resource::Io, "IO").unwrap_or_default();
            format!("Not lent; {level}.")
        }
    })
}

/// A signal that led, its value and the edge it passed, as they were noted.
pub(crate) fn beyond(signal: Signal, value: Option<f64>, edge: Option<f64>) -> String {
    let what = phrase(signal);
    let Some((value, edge)) = value.zip(edge) else { return what.to_owned() };
    let (value, edge) = pair(signal, value, edge);
    format!("{what} {value}, limit {edge}")
}

/// A signal, its value and the edge it is beyond.
fn shown(reading: &Reading) -> String {
    let edges = match reading.over {
        Some(Level::Critical) => reading.critical,
        Some(Level::Strained | Level::Calm) | None => reading.strained.or(reading.critical),
    };
    beyond(reading.signal, reading.value, edges.map(|edges| edges.enter))
}

/// Both numbers with the fewest decimals that keep them apart.
fn pair(signal: Signal, value: f64, edge: f64) -> (String, String) {
    let write = |number: f64, decimals: usize| match is_share(signal) {
        true => Ratio::new(number)
            .map_or_else(String::new, |r| format!("{:.decimals$}%", r.get() * 100.0)),
        false => format!("{number:.decimals$}"),
    };
    let apart = (1..4).map(|decimals| (write(value, decimals), write(edge, decimals)));
    apart
        .into_iter()
        .find(|(value, edge)| value != edge)
        .unwrap_or_else(|| (write(value, 4), write(edge, 4)))
}

/// Whether its number is a share of something; the others are multiples or counts.
fn is_share(signal: Signal) -> bool {
    match signal {
        Signal::StallExcess
        | Signal::StallBurst
        | Signal::Headroom
        | Signal::MemoryStall
        | Signal::IoStallExcess => true,
        Signal::RunWait
        | Signal::RunWaitBurst
        | Signal::LoadAverage
        | Signal::MajorFaults
        | Signal::OomKills
        | Signal::MemoryUsed => false,
    }
}

fn phrase(signal: Signal) -> &'static str {
    match signal {
        Signal::RunWait => "owners' wait for a CPU, times what best-effort uses,",
        Signal::StallExcess => "owners' CPU stall beyond what they show alone",
        Signal::RunWaitBurst => "owners' wait for a CPU within a tenth of a second",
        Signal::StallBurst => "owners' CPU stall within a tenth of a second",
        Signal::LoadAverage => "load average as multiple of its threshold",
        Signal::Headroom => "memory left beside what owners keep hot",
        Signal::MemoryStall => "owners' memory stall",
        Signal::MajorFaults => "owners' major faults a second",
        Signal::OomKills => "owners' processes killed for want of memory",
        Signal::MemoryUsed => "memory in use as multiple of its threshold",
        Signal::IoStallExcess => "owners' IO stall beyond what they show alone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_beyond_its_limit_does_not_print_as_equal() {
        let print = |signal, value, edge| pair(signal, value, edge);
        let text = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(print(Signal::StallExcess, 0.312, 0.2), text("31.2%", "20.0%"));
        assert_eq!(print(Signal::RunWait, 1.204, 1.2), text("1.204", "1.200"));
        assert_eq!(print(Signal::Headroom, 0.0199, 0.02), text("1.99%", "2.00%"));
    }
}
