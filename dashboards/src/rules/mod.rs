// SPDX-License-Identifier: Apache-2.0
//! Recording rules and alerts, and their YAML.

mod alerts;
mod recording;

pub use alerts::{Alert, Severity, alerts, all as every_alert};
pub use recording::recording;

use std::fmt::Write;

/// A group of rules that Prometheus evaluates together, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// How often.
    pub interval: &'static str,
    /// In this order.
    pub rules: Vec<Rule>,
}

/// What a rule yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Yields {
    /// A recorded series of that name.
    Record(String),
    /// An alert of that name.
    Alert(String),
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it yields.
    pub yields: Yields,
    /// PromQL.
    pub expr: String,
    /// How long the expression must hold, and how long the alert lingers.
    pub times: Vec<(&'static str, &'static str)>,
    /// Added labels.
    pub labels: Vec<(&'static str, String)>,
    /// Annotations.
    pub annotations: Vec<(&'static str, String)>,
}

const HEAD: &str = "# SPDX-License-Identifier: Apache-2.0\n\
    # Made by gleaner-dashboards from dashboards/src/rules; `cargo run -p gleaner-dashboards` rewrites it.\n";

/// The rule file that Prometheus loads.
#[must_use]
pub fn yaml(groups: &[Group]) -> String {
    let mut text = format!("{HEAD}groups:\n");
    for group in groups {
        line(&mut text, 2, &format!("- name: {}", group.name));
        line(&mut text, 4, &format!("interval: {}", group.interval));
        line(&mut text, 4, "rules:");
        for rule in &group.rules {
            write_rule(&mut text, rule);
        }
    }
    text
}

fn write_rule(text: &mut String, rule: &Rule) {
    let head = match &rule.yields {
        Yields::Record(name) => format!("- record: {name}"),
        Yields::Alert(name) => format!("- alert: {name}"),
    };
    line(text, 6, &head);
    // A folded block: quotes and colons of PromQL mean nothing in it.
    line(text, 8, "expr: >-");
    for part in rule.expr.lines() {
        line(text, 10, part.trim());
    }
    for (key, value) in &rule.times {
        line(text, 8, &format!("{key}: {value}"));
    }
    for (title, pairs) in [("labels", &rule.labels), ("annotations", &rule.annotations)] {
        if !pairs.is_empty() {
            line(text, 8, &format!("{title}:"));
        }
        for (key, value) in pairs {
            line(text, 10, &format!("{key}: '{}'", value.replace('\'', "''")));
        }
    }
}

fn line(text: &mut String, indent: usize, content: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{:indent$}{content}", "");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_survive_yaml() {
        let rule = Rule {
            yields: Yields::Alert("A".to_owned()),
            expr: "up{job=\"x\"} == 0\nand up".to_owned(),
            times: vec![("for", "1m")],
            labels: Vec::new(),
            annotations: vec![("summary", "it's {{ $value }}".to_owned())],
        };
        let text = yaml(&[Group { name: "g", interval: "30s", rules: vec![rule] }]);
        let wanted = "      - alert: A\n        expr: >-\n          up{job=\"x\"} == 0\n          and up\n        \
                      for: 1m\n        annotations:\n          summary: 'it''s {{ $value }}'\n";
        assert!(text.ends_with(wanted), "{text}");
    }
}
