// SPDX-License-Identifier: Apache-2.0
//! `docs/metrics.md`, made from the list.

use super::entry::{Group, Label, Metric, Values};
use super::list;
use std::fmt::Write;

const HEAD: &str = "<!-- Made from watch/src/metrics/list.rs; `BLESS=1 cargo test -p gleaner-tests --test watch_docs` rewrites it. -->
# Metrics

`GET /metrics` serves these in the Prometheus text format. Base units: cores, bytes, seconds, ratios.
Every label has a fixed set of values, so a node has the same number of series whatever its number of
tasks, at most 300. Counters are there at 0 from the start. A gauge whose value is unknown is left out:
unknown is never shown as 0.
";

/// The whole page.
#[must_use]
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for (group, metrics) in &list::ALL {
        page.push_str(&section(*group, metrics));
    }
    page
}

fn section(group: Group, metrics: &[Metric]) -> String {
    let mut text = format!(
        "\n## {}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n",
        group.title()
    );
    for metric in metrics {
        text.push_str(&row(metric));
    }
    text
}

fn row(metric: &Metric) -> String {
    let labels: Vec<String> = metric.labels.iter().map(label).collect();
    let labels = if labels.is_empty() { "–".to_owned() } else { labels.join("<br>") };
    format!("| `{}` | {} | {labels} | {} |\n", metric.name, metric.kind(), metric.help)
}

fn label(label: &Label) -> String {
    let mut text = format!("`{}`: ", label.name);
    match label.values {
        Values::Words(words) => {
            let words: Vec<String> = words().iter().map(|word| format!("`{word}`")).collect();
            text.push_str(&words.join(" "));
        }
        Values::Settings(meaning, _) => {
            // Writing to a String cannot fail.
            let _ = write!(text, "{meaning}");
        }
    }
    text
}
