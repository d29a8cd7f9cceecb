// SPDX-License-Identifier: Apache-2.0
//! What a panel, an annotation or a variable asks, with Grafana's variables replaced as Grafana does.

use gleaner_dashboards::board::{Board, Variable};
use gleaner_dashboards::expr;
use gleaner_dashboards::panel::{Kind, Panel};

/// What the reader chose, and what follows from it.
pub(crate) struct Chosen {
    pub(crate) instance: String,
    pub(crate) cluster: String,
    pub(crate) pool: String,
    pub(crate) horizon: &'static str,
    /// Distance of the samples that rates are taken over.
    pub(crate) rate: &'static str,
    /// The time range that is shown, seconds.
    pub(crate) range: u32,
}

impl Chosen {
    /// The expression as Prometheus gets it.
    pub(crate) fn in_place(&self, expr: &str) -> String {
        let range = self.range.to_string();
        let with = [
            ("$__rate_interval", self.rate),
            ("$__range_s", range.as_str()),
            ("$__range", &format!("{range}s")),
            ("$instance", self.instance.as_str()),
            ("$cluster", self.cluster.as_str()),
            ("$pool", self.pool.as_str()),
            ("$horizon", self.horizon),
            ("$resource", "cpu"),
        ];
        with.iter().fold(expr.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

/// One question, where it stands, and whether an empty answer is a good one.
pub(crate) struct Question {
    pub(crate) place: String,
    pub(crate) expr: String,
    /// Asked once at the end of the time range, not over all of it.
    pub(crate) instant: bool,
    pub(crate) quiet: bool,
}

/// All that a dashboard asks: its panels, annotations and variables.
pub(crate) fn questions(board: &Board) -> Vec<Question> {
    let mut all: Vec<Question> = board.panels().flat_map(|panel| of_panel(board, panel)).collect();
    all.extend(board.annotations.iter().map(|annotation| Question {
        place: format!("{}: annotation {}", board.uid, annotation.name),
        expr: annotation.expr.clone(),
        instant: false,
        quiet: true,
    }));
    all.extend(board.variables.iter().filter_map(|variable| of_variable(board, variable)));
    all
}

fn of_panel(board: &Board, panel: &Panel) -> Vec<Question> {
    let instant = matches!(panel.kind, Kind::Stat | Kind::Name | Kind::Table);
    let ask = |target: &gleaner_dashboards::panel::Target| Question {
        place: format!("{}: {}", board.uid, panel.title),
        expr: target.expr.clone(),
        instant,
        quiet: panel.quiet.is_some(),
    };
    panel.targets.iter().map(ask).collect()
}

/// `label_values(series, label)` asks for series that have this label.
fn of_variable(board: &Board, variable: &Variable) -> Option<Question> {
    let inside = variable.values.strip_prefix("label_values(")?.strip_suffix(')')?;
    let (series, label) = inside.rsplit_once(", ").expect("a series and a label");
    Some(Question {
        place: format!("{}: variable {}", board.uid, variable.name),
        expr: format!("count by ({label}) ({})", expr::full(series)),
        instant: true,
        quiet: false,
    })
}
