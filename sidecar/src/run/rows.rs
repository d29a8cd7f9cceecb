// SPDX-License-Identifier: Apache-2.0
//! Decisions as rows in columns, and the introduction above them.

use crate::table::{known, printable};
use gleaner_collector::LayoutReport;
use gleaner_engine::config::{Config, EngineConfig, LendRule};
use gleaner_engine::decision::{Decision, Mode, ResourceDecision};
use gleaner_estimator::reason::Bound;
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::{Amount, Bytes, MilliCpus};
use gleaner_watch::about::About;
use gleaner_watch::why::why;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// Decisions between two headings.
const PAGE: u64 = 20;
const HEADING: &str =
    "UTC           guaranteed  best-effort  system    peak   slack    lent   offer  why not more";

/// Decisions as rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    shown: u64,
}

impl Rows {
    /// The rows of one decision: CPU, and memory where it is lent.
    ///
    /// A row that is wider than the terminal is cut: the numbers stand in front, and the whole
    /// sentence in `/v1/decision`.
    pub(super) fn text(
        &mut self,
        decision: &Decision,
        about: &About,
        columns: Option<usize>,
    ) -> String {
        let [cpu, memory] = why(decision, about);
        let time = time_of_day(decision.wall_ms);
        let heading = self.shown.is_multiple_of(PAGE).then(|| HEADING.to_owned());
        let lent = decision.memory.offer.bound != Bound::Off;
        let rows = [
            heading,
            Some(row(&time, "cpu", &decision.cpu, &cpu.line)),
            lent.then(|| row("", "mem", &decision.memory, &memory.line)),
        ];
        self.shown += 1;
        rows.into_iter().flatten().map(|row| cut(row, columns) + "\n").collect()
    }
}

/// How an amount stands in a column: cores with two decimals, memory in GiB with one.
trait Cell: Amount {
    fn cell(self) -> String;
}

impl Cell for MilliCpus {
    fn cell(self) -> String {
        format!("{:.2}", self.to_base())
    }
}

impl Cell for Bytes {
    fn cell(self) -> String {
        format!("{:.1}G", self.to_base() / (1_u64 << 30) as f64)
    }
}

fn row<Q: Cell>(time: &str, name: &str, r: &ResourceDecision<Q>, why: &str) -> String {
    let usage = |used: Option<Q>| known(used.map(Cell::cell));
    format!(
        "{time:<8} {name}  {:>10}  {:>11}  {:>6}  {:>6}  {:>6}  {:>6}  {:>6}  {}",
        usage(r.usage.guaranteed),
        usage(r.usage.best_effort),
        usage(r.usage.system),
        known(r.peak.map(|peak| peak.node.cell())),
        r.slack.cell(),
        r.lent.cell(),
        r.offer.amount.cell(),
        printable(why),
    )
}

/// At most this many columns, with a sign where something was cut off.
fn cut(row: String, columns: Option<usize>) -> String {
    match columns {
        Some(columns) if row.chars().count() > columns => {
            let mut short: String = row.chars().take(columns.saturating_sub(1)).collect();
            short.push('…');
            short
        }
        Some(_) | None => row,
    }
}

/// `14:03:07`, in UTC.
fn time_of_day(wall_ms: u64) -> String {
    let secs = wall_ms / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}

/// What was found and where to look, above the first row.
pub(super) fn introduction(
    config: &Config,
    engine: &EngineConfig,
    layout: &LayoutReport,
    decision: &Decision,
    address: Option<SocketAddr>,
) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let written = writeln!(text, "{name:<9} {}", printable(&value));
        debug_assert!(written.is_ok(), "a String takes everything");
    };
    let node = super::facts::node_name();
    line(
        "gleaner",
        format!("{} on {node}: {}", env!("CARGO_PKG_VERSION"), doing(config.engine.mode)),
    );
    let (cpu, memory) = (decision.cpu.capacity, decision.memory.capacity);
    line("node", format!("{cpu} cores, {memory} of memory"));
    line("layout", format!("{}: {}", layout.preset.word(), layout.why));
    let [guaranteed, best_effort, system] = layout.tasks;
    let hint = match guaranteed + best_effort + system {
        0 => "name yours with [[layout.task]], see docs/config.md",
        _ => "`gleaner layout` lists them",
    };
    line(
        "tasks",
        format!("{guaranteed} guaranteed, {best_effort} best-effort, {system} other; {hint}"),
    );
    for unseen in &layout.unseen {
        line("unseen", format!("{}: {}", unseen.what, unseen.why));
    }
    line("cpu", lending(&engine.cpu, engine));
    line("memory", lending(&engine.memory, engine));
    line(
        "look at",
        match address {
            Some(address) => format!("http://{address}/metrics, http://{address}/v1/decision"),
            None => "nothing is served (http.listen = \"none\")".to_owned(),
        },
    );
    text.push('\n');
    text
}

const fn doing(mode: Mode) -> &'static str {
    match mode {
        Mode::Observe => "observing; decides and shows, touches nothing",
        Mode::Squeeze => "squeezing; limits best-effort work, kills nothing",
        Mode::Evict => "acting; limits best-effort work and evicts it in need",
    }
}

fn lending<Q>(rule: &LendRule<Q>, engine: &EngineConfig) -> String {
    let what = match (rule.enabled, engine.lend) {
        (false, _) => return "not lent".to_owned(),
        (true, Lend::Allocated) => "what guaranteed tasks were promised and leave unused",
        (true, Lend::Headroom) => "what guaranteed and system work leaves unused",
    };
    let predictor = &rule.predictor;
    let from = match engine.warm_up.0 {
        0 => String::new(),
        _ => format!(", once {} were seen", engine.warm_up),
    };
    format!("lends {what}{from}; predictor {}, risk {}", predictor.kind, predictor.risk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_never_wider_than_the_terminal() {
        assert_eq!(cut("cores − reserve".to_owned(), Some(8)), "cores −…");
        assert_eq!(cut("cores − reserve".to_owned(), Some(15)), "cores − reserve");
        assert_eq!(cut("cores".to_owned(), None), "cores");
    }

    #[test]
    fn the_time_of_day_is_utc() {
        assert_eq!(time_of_day(0), "00:00:00");
        assert_eq!(time_of_day(1_767_225_599_999), "23:59:59");
        assert_eq!(time_of_day(1_767_225_600_000 + 3_723_000), "01:02:03");
    }
}
