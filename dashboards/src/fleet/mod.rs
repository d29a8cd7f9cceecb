// SPDX-License-Identifier: Apache-2.0
//! The Fleet dashboard: is lending safe, is it worth it, where should a person look?
//!
//! Its panels read recorded series only, so that it costs the same at 10 and at 10,000 nodes.

mod look_here;
mod worth;

use crate::Places;
use crate::board::{Annotation, Board, Row, Variable};
use gleaner_watch::metrics::look;

/// What the reader of Fleet and Decisions chooses.
pub(crate) fn variables() -> Vec<Variable> {
    vec![
        Variable::many(
            "cluster",
            "Cluster",
            "label_values(cluster_pool:gleaner_up:count, cluster)",
        ),
        Variable::many(
            "pool",
            "Pool",
            "label_values(cluster_pool:gleaner_up:count{cluster=~\"$cluster\"}, pool)",
        ),
    ]
}

/// Firing alerts of whole pools.
pub(crate) fn annotations() -> Vec<Annotation> {
    vec![Annotation::new(
        "Alert",
        "max by (alertname) (ALERTS{alertname=~\"Gleaner.+\",alertname!=\"GleanerWatchdog\",alertstate=\"firing\",instance=\"\"})",
        "{{alertname}}",
        look::STRAINED,
    )]
}

/// The dashboard.
#[must_use]
pub fn board(places: &Places) -> Board {
    let mut variables = variables();
    variables.push(Variable::one("resource", "Resource", "cpu,memory"));
    let horizons =
        "label_values(cluster_pool_horizon:gleaner_predicted_peak_cpu_cores:sum, horizon)";
    variables.push(Variable::one("horizon", "Horizon", horizons).usual("30m"));
    Board {
        uid: "gleaner-fleet",
        title: "Gleaner / Fleet",
        description: "Is lending safe, is it worth it, and where should a person look?",
        refresh: "1m",
        from: "now-24h",
        variables,
        annotations: annotations(),
        links: vec![("Runbooks", format!("{}/operating.md", places.docs))],
        rows: vec![
            Row { title: "Is it worth it, is it safe?", open: true, panels: worth::glance() },
            Row {
                title: "Where do the cores go?",
                open: true,
                panels: [worth::panels(), worth::limits(places)].concat(),
            },
            Row {
                title: "Where should a person look?",
                open: true,
                panels: [look_here::panels(), look_here::running()].concat(),
            },
            Row { title: "Where does the memory go?", open: false, panels: worth::memory() },
            Row { title: "Is it calibrated?", open: false, panels: look_here::calibrated() },
            Row { title: "Which nodes evict most?", open: false, panels: look_here::evicting() },
            Row { title: "Do the rules keep up?", open: false, panels: vec![look_here::rules()] },
        ],
    }
}
