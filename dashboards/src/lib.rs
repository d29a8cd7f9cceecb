// SPDX-License-Identifier: Apache-2.0
//! Grafana dashboards, Prometheus recording rules and alerts, made from the one list of metrics and words of `gleaner-watch`.
//!
//! [`files`] makes every file; the program `gleaner-dashboards` writes them. Read in this order: [`expr`] (the
//! short forms of expressions), [`panel`], [`board`], [`node`], [`fleet`], [`decisions`], [`rules`].

pub mod board;
pub mod decisions;
pub mod expr;
pub mod fleet;
mod json;
pub mod node;
pub mod panel;
pub mod rules;
mod table;

use board::Board;

/// Where the things are that dashboards and alerts link to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Where the folder `docs/` can be read, without a slash at the end.
    pub docs: String,
    /// Where Grafana is, as alerts link to it, without a slash at the end.
    pub grafana: String,
    /// A node's own page, in terms of the variables of the Node dashboard.
    pub page: String,
}

impl Default for Places {
    /// What the compose file brings up.
    fn default() -> Self {
        Self {
            docs: "http://localhost:3000/public/gleaner".to_owned(),
            grafana: "http://localhost:3000".to_owned(),
            page: "http://${instance}/".to_owned(),
        }
    }
}

/// A file that is made: its path below `dashboards/`, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Below `dashboards/`, with `/`.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// The three dashboards.
#[must_use]
pub fn boards(places: &Places) -> [Board; 3] {
    [node::board(places), fleet::board(places), decisions::board(places)]
}

/// Every file.
#[must_use]
pub fn files(places: &Places) -> Vec<Made> {
    let board = |board: &Board| Made {
        path: format!("grafana/{}.json", board.uid),
        text: format!("{:#}\n", board.json()),
    };
    let mut made: Vec<Made> = boards(places).iter().map(board).collect();
    made.push(Made {
        path: "prometheus/gleaner.rules.yml".to_owned(),
        text: rules::yaml(&rules::recording()),
    });
    made.push(Made {
        path: "prometheus/gleaner.alerts.yml".to_owned(),
        text: rules::yaml(&rules::alerts(places)),
    });
    made
}
