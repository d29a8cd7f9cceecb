// SPDX-License-Identifier: Apache-2.0
//! One dashboard: rows of panels, variables, annotations and links, as Grafana's classic JSON.

use crate::expr::full;
use crate::json::{self, source};
use crate::panel::Panel;
use serde_json::{Value, json};

/// Tags that the dashboards find each other by.
const POOLS: &str = "gleaner-pools";
const NODE: &str = "gleaner-node";
/// Columns of Grafana's grid.
const COLUMNS: u32 = 24;

/// A row and its panels.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// A question.
    pub title: &'static str,
    /// Whether it is open at first; a closed row asks nothing.
    pub open: bool,
    /// From left to right, then down.
    pub panels: Vec<Panel>,
}

/// Something that the reader chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// Its values: `label_values(…)`, or the words themselves, with commas.
    pub values: &'static str,
    /// Whether several can be chosen, and all.
    pub many: bool,
    /// The value at first; empty for the first that is found.
    pub usual: &'static str,
}

impl Variable {
    /// One value is chosen.
    #[must_use]
    pub const fn one(name: &'static str, label: &'static str, values: &'static str) -> Self {
        Self { name, label, values, many: false, usual: "" }
    }

    /// Several values can be chosen, and all are at first.
    #[must_use]
    pub const fn many(name: &'static str, label: &'static str, values: &'static str) -> Self {
        Self { name, label, values, many: true, usual: "" }
    }

    /// The value at first.
    #[must_use]
    pub const fn usual(self, usual: &'static str) -> Self {
        Self { usual, ..self }
    }
}

/// Marks over all graphs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// What it is called.
    pub name: &'static str,
    /// Each sample above 0 is a mark.
    pub expr: String,
    /// What a mark says.
    pub says: &'static str,
    /// Its colour.
    pub colour: &'static str,
    /// Whether it is shown at first.
    pub shown: bool,
    /// Whether the value is the time, in milliseconds; otherwise the mark lasts as long as the samples.
    pub at_value: bool,
}

impl Annotation {
    /// A mark that is shown at first and lasts as long as its samples.
    #[must_use]
    pub fn new(name: &'static str, short: &str, says: &'static str, colour: &'static str) -> Self {
        Self { name, expr: full(short), says, colour, shown: true, at_value: false }
    }

    /// A mark at the time that is the value.
    #[must_use]
    pub fn at_value(mut self) -> Self {
        self.at_value = true;
        self
    }

    /// Not shown until asked for.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.shown = false;
        self
    }
}

/// A dashboard.
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    /// Never changes: links and bookmarks use it.
    pub uid: &'static str,
    /// Its name.
    pub title: &'static str,
    /// The question that it answers.
    pub description: &'static str,
    /// How often it asks again.
    pub refresh: &'static str,
    /// Start of the time range at first.
    pub from: &'static str,
    /// What the reader chooses, beside the data source.
    pub variables: Vec<Variable>,
    /// Marks over all graphs.
    pub annotations: Vec<Annotation>,
    /// Links beside those to the other dashboards: title and URL.
    pub links: Vec<(&'static str, String)>,
    /// From top to bottom.
    pub rows: Vec<Row>,
}

impl Board {
    /// Every panel.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.rows.iter().flat_map(|row| &row.panels)
    }

    /// Grafana's classic JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut variables = vec![json!({
            "type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus",
            "hide": 0, "multi": false, "includeAll": false, "skipUrlSync": false,
        })];
        variables.extend(self.variables.iter().map(variable));
        json!({
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["gleaner", self.tag()],
            "editable": false,
            "graphTooltip": 1,
            "schemaVersion": 39,
            "version": 1,
            "timezone": "browser",
            "refresh": self.refresh,
            "time": { "from": self.from, "to": "now" },
            "timepicker": { "refresh_intervals": ["10s", "30s", "1m", "5m"] },
            "templating": { "list": variables },
            "annotations": { "list": self.annotations.iter().map(annotation).collect::<Vec<_>>() },
            "links": self.links(),
            "panels": self.grid(),
        })
    }

    /// Whether all pools, or one node, are looked at.
    fn tag(&self) -> &'static str {
        if self.variables.iter().any(|variable| variable.many) { POOLS } else { NODE }
    }

    /// A node is one of one pool: "All" is no value of its variables, so it takes none from a board of pools.
    fn links(&self) -> Vec<Value> {
        let others = |(title, tag, variables): (&str, &str, bool)| {
            let mut link = json::link(title, "");
            link["type"] = json!("dashboards");
            link["tags"] = json!([tag]);
            link["includeVars"] = json!(variables);
            link["keepTime"] = json!(true);
            link
        };
        let mut links = vec![others(("Gleaner's pools", POOLS, true))];
        if self.tag() == POOLS {
            links.push(others(("Gleaner's nodes", NODE, false)));
        }
        links.extend(self.links.iter().map(|(title, url)| json::link(title, url)));
        links
    }

    fn grid(&self) -> Vec<Value> {
        let mut made = Vec::new();
        let (mut id, mut y) = (1, 0);
        for row in &self.rows {
            let mut head = json!({
                "id": id, "type": "row", "title": row.title, "collapsed": !row.open, "panels": [],
                "gridPos": { "x": 0, "y": y, "w": COLUMNS, "h": 1 },
            });
            id += 1;
            y += 1;
            let below = y;
            let panels = flow(&row.panels, &mut id, &mut y);
            if row.open {
                made.push(head);
                made.extend(panels);
            } else {
                // A closed row holds its panels, and takes one line.
                head["panels"] = Value::Array(panels);
                made.push(head);
                y = below;
            }
        }
        made
    }
}

/// Puts panels side by side until a line is full.
fn flow(panels: &[Panel], id: &mut u32, y: &mut u32) -> Vec<Value> {
    let (mut x, mut tallest) = (0, 0);
    let mut made = Vec::new();
    for panel in panels {
        let (width, height) = panel.size;
        if x + width > COLUMNS {
            *y += tallest;
            (x, tallest) = (0, 0);
        }
        made.push(json::panel(panel, *id, x, *y));
        *id += 1;
        x += width;
        tallest = tallest.max(height);
    }
    *y += tallest;
    made
}

fn variable(variable: &Variable) -> Value {
    let mut made = json!({
        "name": variable.name, "label": variable.label, "hide": 0, "skipUrlSync": false,
        "multi": variable.many, "includeAll": variable.many,
    });
    if variable.values.starts_with("label_values(") {
        made["type"] = json!("query");
        made["datasource"] = source();
        made["definition"] = json!(variable.values);
        made["query"] = json!({ "query": variable.values, "refId": "values" });
        // Asked again when the time range changes: nodes come and go.
        made["refresh"] = json!(2);
        // By letters: by numbers and naturally Grafana's scenes put them in no order.
        made["sort"] = json!(5);
        if !variable.usual.is_empty() {
            made["current"] = json!({ "text": variable.usual, "value": variable.usual });
        }
        if variable.many {
            made["allValue"] = json!(".+");
            made["current"] = json!({ "text": ["All"], "value": ["$__all"] });
        }
    } else {
        made["type"] = json!("custom");
        made["query"] = json!(variable.values);
        let chosen = |(index, word): (usize, &str)| json!({ "text": word, "value": word, "selected": index == 0 });
        let options: Vec<Value> = variable.values.split(',').enumerate().map(chosen).collect();
        made["current"] = options.first().cloned().unwrap_or_default();
        made["options"] = Value::Array(options);
    }
    made
}

fn annotation(annotation: &Annotation) -> Value {
    json!({
        "name": annotation.name,
        "datasource": source(),
        "enable": annotation.shown,
        "hide": false,
        "iconColor": annotation.colour,
        "expr": annotation.expr,
        "step": "30s",
        "titleFormat": annotation.name,
        "textFormat": annotation.says,
        "tagKeys": "action,reason,resource,alertname",
        "useValueForTime": annotation.at_value,
        "target": { "refId": "Anno", "expr": annotation.expr, "interval": "30s" },
    })
}
