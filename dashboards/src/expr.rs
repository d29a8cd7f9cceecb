// SPDX-License-Identifier: Apache-2.0
//! Short forms of PromQL expressions, what they stand for, and the metrics that an expression names.
//!
//! `{N` is the node that is looked at, `{F` the clusters and pools, `{J` everything of Gleaner; `[RI]` is
//! Grafana's rate interval and `[R]` the range that is shown. Variables of Grafana stand as they are.

/// The scraped job; the rules, the dashboards and the documented scrape configuration agree on it.
pub const JOB: &str = "gleaner";

/// Writes the short forms out.
#[must_use]
pub fn full(short: &str) -> String {
    let node = format!("{{job=\"{JOB}\",cluster=\"$cluster\",instance=\"$instance\"");
    let fleet = "{cluster=~\"$cluster\",pool=~\"$pool\"";
    let job = format!("{{job=\"{JOB}\"");
    short
        .replace("{N", &node)
        .replace("{F", fleet)
        .replace("{J", &job)
        .replace("[RI]", "[$__rate_interval]")
        .replace("[R]", "[$__range]")
}

/// Every metric and recorded series that an expression names, in order, as often as it is named.
#[must_use]
pub fn names(expr: &str) -> Vec<&str> {
    let outside = outside_texts(expr);
    let words = outside.into_iter().flat_map(|part| {
        part.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
    });
    words.filter(|word| is_ours(word)).collect()
}

/// The parts of an expression that are not in quotes.
fn outside_texts(expr: &str) -> Vec<&str> {
    expr.split('"').step_by(2).collect()
}

fn is_ours(word: &str) -> bool {
    ["gleaner_", "process_", "prometheus_rule_"].iter().any(|start| word.starts_with(start))
        || word.contains(":gleaner_")
}

/// A recorded name without its level and operation: `cluster_pool:gleaner_up:sum` is about `gleaner_up`.
#[must_use]
pub fn is_recorded(name: &str) -> bool {
    name.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_are_written_out() {
        assert_eq!(
            full("sum(rate(gleaner_x{N,class=\"a\"}[RI])) / y{F}"),
            "sum(rate(gleaner_x{job=\"gleaner\",cluster=\"$cluster\",instance=\"$instance\",class=\"a\"}\
             [$__rate_interval])) / y{cluster=~\"$cluster\",pool=~\"$pool\"}"
        );
    }

    #[test]
    fn names_are_found_and_texts_are_not() {
        let expr =
            "topk(1, gleaner_a{x=\"gleaner_no\"}) / on (gleaner) a_b:gleaner_c:sum + process_d";
        assert_eq!(names(expr), ["gleaner_a", "a_b:gleaner_c:sum", "process_d"]);
    }
}
