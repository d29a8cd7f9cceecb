// SPDX-License-Identifier: Apache-2.0
//! What does not change from tick to tick: which node, which program, which settings words are made from.

use gleaner_estimator::units::Span;
use serde::Serialize;
use std::collections::BTreeMap;

/// The host's lasting facts. Replaced as a whole when the configuration is reloaded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct About {
    /// Name of the node.
    pub node: String,
    /// Version of the program.
    pub version: String,
    /// Source revision it was built from; empty where unknown.
    pub revision: String,
    /// Start of the program, wall clock, milliseconds since 1970-01-01 UTC.
    pub started_ms: u64,
    /// Nominal distance of two samples.
    #[serde(rename = "interval_ns")]
    pub interval: Span,
    /// A decision older than this offers nothing.
    #[serde(rename = "stale_after_ns")]
    pub stale_after: Span,
    /// Horizons that are predicted, at most [`gleaner_engine::decision::MAX_HORIZONS`] of them.
    #[serde(rename = "horizons_ns")]
    pub horizons: Vec<Span>,
    /// Name of the policy that decides.
    pub policy: String,
    /// Names of the policies that decide beside it and never act.
    pub shadows: Vec<String>,
    /// Where settings stand: `cpu.cap` → `gleaner.toml:12`. Sentences name the place of what binds.
    pub places: BTreeMap<String, String>,
    /// What was detected of the node's layout, as the host shows it; `null` where it hands nothing in.
    #[serde(skip)]
    pub layout: serde_json::Value,
}

impl About {
    /// The place of a setting in brackets, with a space before it; empty where it is not known.
    pub(crate) fn place(&self, key: &str) -> String {
        self.places.get(key).map_or_else(String::new, |place| format!(" ({place})"))
    }
}

/// A horizon as Prometheus writes durations: `30s`, `5m`, `24h`. The largest unit that divides it.
#[must_use]
pub fn horizon_word(horizon: Span) -> String {
    let millis = horizon.0 / 1_000_000;
    match (millis % 1000, millis / 1000 % 60, millis / 60_000 % 60) {
        (0, 0, 0) if millis > 0 => format!("{}h", millis / 3_600_000),
        (0, 0, _) => format!("{}m", millis / 60_000),
        (0, _, _) => format!("{}s", millis / 1000),
        (_, _, _) => format!("{millis}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn horizons_are_prometheus_durations() {
        let word = |millis| horizon_word(Span::from_millis(millis));
        assert_eq!(word(300_000), "5m");
        assert_eq!(word(1_800_000), "30m");
        assert_eq!(word(86_400_000), "24h");
        assert_eq!(word(90_000), "90s");
        assert_eq!(word(5_400_000), "90m");
        assert_eq!(word(1500), "1500ms");
        assert_eq!(word(0), "0m");
    }
}
