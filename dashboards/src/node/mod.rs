// SPDX-License-Identifier: Apache-2.0
//! The Node dashboard: is this node all right, what is lent, why not more, what was taken back and why?

mod glance;
mod itself;
mod resource;
mod work;

use crate::Places;
use crate::board::{Annotation, Board, Row, Variable};
use gleaner_watch::metrics::look;

/// The dashboard.
#[must_use]
pub fn board(places: &Places) -> Board {
    Board {
        uid: "gleaner-node",
        title: "Gleaner / Node",
        description: "Is this node all right, how much of it is lent, why not more, and what was taken back?",
        refresh: "10s",
        from: "now-1h",
        variables: variables(),
        annotations: annotations(),
        links: vec![
            ("This node's own page", places.page.clone()),
            ("Runbooks", format!("{}/operating.md", places.docs)),
        ],
        rows: vec![
            Row { title: "Is this node all right?", open: true, panels: glance::panels(places) },
            Row { title: "CPU", open: true, panels: resource::cpu(places) },
            Row { title: "What did it do?", open: true, panels: work::panels(places) },
            Row { title: "Memory", open: false, panels: resource::memory(places) },
            Row { title: "IO", open: false, panels: vec![resource::io()] },
            Row { title: "Does the risk hold?", open: false, panels: work::risk() },
            Row { title: "Is Gleaner itself well?", open: false, panels: itself::panels() },
        ],
    }
}

fn variables() -> Vec<Variable> {
    vec![
        Variable::one("cluster", "Cluster", "label_values(gleaner_build_info, cluster)"),
        Variable::one("pool", "Pool", "label_values(gleaner_build_info{cluster=\"$cluster\"}, pool)"),
        Variable::one(
            "instance",
            "Node",
            "label_values(gleaner_build_info{cluster=\"$cluster\",pool=\"$pool\"}, instance)",
        ),
        Variable::one(
            "horizon",
            "Horizon",
            "label_values(gleaner_predicted_peak_cpu_cores{cluster=\"$cluster\",instance=\"$instance\"}, horizon)",
        )
        .usual("30m"),
    ]
}

fn annotations() -> Vec<Annotation> {
    vec![
        Annotation::new(
            "Evicted",
            "max by (action, reason) (gleaner_last_correction_timestamp_seconds{N,action=\"evict\"}) * 1000",
            "{{action}}: {{reason}}",
            look::CRITICAL,
        )
        .at_value(),
        // Many a minute while something is wrong: not shown until asked for.
        Annotation::new(
            "Squeezed",
            "max by (action, reason) (gleaner_last_correction_timestamp_seconds{N,action!=\"evict\"}) * 1000",
            "{{action}}: {{reason}}",
            look::STRAINED,
        )
        .at_value()
        .hidden(),
        Annotation::new(
            "Critical",
            "max by (resource) (gleaner_level{N} == 2)",
            "{{resource}} was critical",
            look::CRITICAL,
        ),
        Annotation::new(
            "Alert",
            "max by (alertname) (ALERTS{alertname=~\"Gleaner.+\",alertstate=\"firing\",instance=\"$instance\"})",
            "{{alertname}}",
            look::STRAINED,
        ),
        Annotation::new(
            "Started",
            "max(process_start_time_seconds{N}) * 1000",
            "Gleaner started",
            look::SYSTEM,
        )
        .at_value()
        .hidden(),
    ]
}
