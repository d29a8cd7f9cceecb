// SPDX-License-Identifier: Apache-2.0
//! A panel as Grafana's classic JSON, schema version 39.

use crate::panel::{Kind, Panel, Style, Target, Unit};
use crate::table;
use gleaner_watch::metrics::entry::Values;
use gleaner_watch::metrics::{list, look};
use serde_json::{Value, json};

/// Shown where a query finds nothing and that is not good.
const NO_DATA: &str = "no data: is Gleaner up?";

/// The data source that the reader chose.
pub(crate) fn source() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

/// A link as dashboards, panels and values have it.
pub(crate) fn link(title: &str, url: &str) -> Value {
    json!({
        "title": title, "type": "link", "icon": "external link", "tooltip": "", "url": url, "tags": [],
        "asDropdown": false, "targetBlank": false, "includeVars": false, "keepTime": false,
    })
}

/// The panel at that place of the grid.
pub(crate) fn panel(panel: &Panel, id: u32, x: u32, y: u32) -> Value {
    let (w, h) = panel.size;
    let mut made = json!({
        "id": id,
        "type": kind(panel.kind),
        "title": panel.title,
        "description": panel.says,
        "gridPos": { "x": x, "y": y, "w": w, "h": h },
        "datasource": source(),
        "fieldConfig": { "defaults": defaults(panel), "overrides": overrides(panel) },
        "options": options(panel),
        "targets": targets(panel),
    });
    if let Some((title, url)) = &panel.link {
        if panel.kind == Kind::Table {
            made["fieldConfig"]["defaults"]["links"] = json!([link(title, url)]);
        } else {
            made["links"] = json!([link(title, url)]);
        }
    }
    if panel.kind == Kind::Table {
        made["transformations"] = table::transformations(panel);
    } else if panel.kind != Kind::Text {
        made["interval"] = json!("30s");
    }
    made
}

/// Grafana's name of the kind.
#[must_use]
pub(crate) const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Stat | Kind::Name => "stat",
        Kind::Lines | Kind::Bars | Kind::Shares => "timeseries",
        Kind::States => "state-timeline",
        Kind::Heat => "heatmap",
        Kind::Table => "table",
        Kind::Text => "text",
    }
}

fn targets(panel: &Panel) -> Value {
    let instant = matches!(panel.kind, Kind::Stat | Kind::Name | Kind::Table);
    let format = match panel.kind {
        Kind::Heat => "heatmap",
        Kind::Table => "table",
        Kind::Stat
        | Kind::Name
        | Kind::Lines
        | Kind::Bars
        | Kind::Shares
        | Kind::States
        | Kind::Text => "time_series",
    };
    let one = |(index, target): (usize, &Target)| {
        json!({
            "refId": ref_id(index),
            "datasource": source(),
            "expr": target.expr,
            "legendFormat": target.legend,
            "editorMode": "code",
            "format": format,
            "instant": instant,
            "range": !instant,
        })
    };
    panel.targets.iter().enumerate().map(one).collect()
}

/// `A` for the first query.
fn ref_id(index: usize) -> String {
    let letter = u8::try_from(index).unwrap_or(25).min(25);
    char::from(b'A' + letter).to_string()
}

/// Grafana's unit; a number of something is named on its axis, or behind the number of a stat.
pub(crate) fn unit(panel: &Panel) -> String {
    let unit = match panel.unit {
        Unit::Of(thing) | Unit::Count(thing) if panel.kind == Kind::Stat => {
            return format!("suffix:{thing}");
        }
        Unit::Of(_) | Unit::Count(_) | Unit::Mixed => "none",
        Unit::Bytes => "bytes",
        Unit::Share | Unit::ShareLog => "percentunit",
        Unit::Seconds => "s",
        // Grafana's own say "ops/s" and "c/m".
        Unit::PerSecond => "suffix:/s",
        Unit::PerMinute => "suffix:/min",
        Unit::Moment => "dateTimeAsIsoNoDateIfToday",
    };
    unit.to_owned()
}

fn defaults(panel: &Panel) -> Value {
    let steps: Vec<Value> = match panel.steps.is_empty() {
        true => vec![json!({ "value": null, "color": look::GUARANTEED })],
        false => {
            let step = |s: &crate::panel::Step| json!({ "value": s.from, "color": s.colour });
            panel.steps.iter().map(step).collect()
        }
    };
    // A column of words would be read as that unit: a word is no moment.
    let unit = if panel.kind == Kind::Table { "none".to_owned() } else { unit(panel) };
    let mut made = json!({
        "unit": unit,
        "color": colour(panel.kind),
        "thresholds": { "mode": "absolute", "steps": steps },
        "mappings": mappings(panel),
        "custom": custom(panel),
    });
    // Grafana would write it beside every line of a logarithmic grid that has no number, and make a gap between
    // states a state of that name.
    if panel.unit != Unit::ShareLog && panel.kind != Kind::States {
        made["noValue"] = json!(panel.quiet.unwrap_or(NO_DATA));
    }
    if panel.unit != Unit::ShareLog && matches!(panel.kind, Kind::Lines | Kind::Bars) {
        made["min"] = json!(0);
    }
    if panel.kind == Kind::Shares {
        made["max"] = json!(1);
    }
    if panel.kind == Kind::Stat && matches!(panel.unit, Unit::Of(_) | Unit::Count(_)) {
        made["decimals"] = json!(u8::from(matches!(panel.unit, Unit::Of(_))));
    }
    made
}

/// How values or series get their colour where no override gives them one.
fn colour(kind: Kind) -> Value {
    match kind {
        Kind::Stat | Kind::Name => json!({ "mode": "thresholds" }),
        // By thresholds Grafana would merge states that lie between the same two, whatever they are called.
        Kind::States => fixed(look::SYSTEM),
        // By name the legend has other colours than the lines (grafana/grafana#73275).
        Kind::Lines | Kind::Bars | Kind::Shares | Kind::Heat | Kind::Table | Kind::Text => {
            json!({ "mode": "palette-classic" })
        }
    }
}

fn mappings(panel: &Panel) -> Value {
    if panel.states.is_empty() {
        return json!([]);
    }
    let named = panel.states.iter().enumerate().map(|(index, (value, text, colour))| {
        (value.to_string(), json!({ "text": text, "color": colour, "index": index }))
    });
    json!([{ "type": "value", "options": named.collect::<serde_json::Map<_, _>>() }])
}

fn custom(panel: &Panel) -> Value {
    match panel.kind {
        Kind::Lines | Kind::Bars | Kind::Shares => graph(panel),
        Kind::States => json!({ "lineWidth": 0, "fillOpacity": 85, "spanNulls": false }),
        Kind::Heat => json!({ "scaleDistribution": { "type": "linear" } }),
        Kind::Table => json!({
            "align": "auto", "cellOptions": { "type": "auto" }, "inspect": false, "filterable": true,
            // A third of a row has room for four words.
            "minWidth": 90,
        }),
        Kind::Stat | Kind::Name | Kind::Text => json!({}),
    }
}

fn graph(panel: &Panel) -> Value {
    let bars = panel.kind != Kind::Lines;
    let stacking = match panel.kind {
        Kind::Bars => "normal",
        Kind::Shares => "percent",
        Kind::Lines
        | Kind::Stat
        | Kind::Name
        | Kind::States
        | Kind::Heat
        | Kind::Table
        | Kind::Text => "none",
    };
    let scale = match panel.unit == Unit::ShareLog {
        true => json!({ "type": "log", "log": 10 }),
        false => json!({ "type": "linear" }),
    };
    let label = if let Unit::Of(thing) | Unit::Count(thing) = panel.unit { thing } else { "" };
    let lines = if panel.steps.is_empty() { "off" } else { "dashed" };
    let mut made = json!({
        "drawStyle": if bars { "bars" } else { "line" },
        "lineInterpolation": "linear",
        "lineWidth": if bars { 0 } else { 2 },
        "fillOpacity": if bars { 80 } else { 0 },
        "gradientMode": "none",
        "spanNulls": false,
        "insertNulls": false,
        "showPoints": "never",
        "pointSize": 5,
        "barAlignment": 0,
        "stacking": { "mode": stacking, "group": "A" },
        "axisPlacement": "auto",
        "axisLabel": label,
        "axisColorMode": "text",
        "axisBorderShow": false,
        "axisCenteredZero": false,
        "scaleDistribution": scale,
        "hideFrom": { "tooltip": false, "viz": false, "legend": false },
        "thresholdsStyle": { "mode": lines },
    });
    let limits = panel.steps.iter().filter_map(|step| step.from);
    if let Some(highest) = limits.max_by(f64::total_cmp) {
        // How far it is to the limit can be seen from below, too.
        made["axisSoftMax"] = json!(highest * 1.05);
    }
    made
}

fn overrides(panel: &Panel) -> Value {
    let mut made = table::overrides(panel);
    for (index, target) in panel.targets.iter().enumerate() {
        let properties = styled(target.style);
        if !properties.is_empty() {
            let matcher = json!({ "id": "byFrameRefID", "options": ref_id(index) });
            made.push(json!({ "matcher": matcher, "properties": properties }));
        }
        if matches!(target.style, Style::Plain | Style::Stacked) && panel.kind != Kind::States {
            made.extend(words_of(target.legend).into_iter().map(|(word, colour)| {
                let properties = json!([property("color", &fixed(colour))]);
                let matcher = json!({ "id": "byName", "options": word });
                json!({ "matcher": matcher, "properties": properties })
            }));
        }
    }
    Value::Array(made)
}

fn styled(style: Style) -> Vec<Value> {
    match style {
        Style::Plain => Vec::new(),
        Style::Stacked => vec![
            property("custom.stacking", &json!({ "mode": "normal", "group": "use" })),
            property("custom.fillOpacity", &json!(60)),
            property("custom.lineWidth", &json!(0)),
        ],
        Style::Line(colour) => vec![property("color", &fixed(colour))],
        Style::Dashed(colour) => vec![
            property("color", &fixed(colour)),
            property("custom.lineStyle", &json!({ "fill": "dash", "dash": [8, 6] })),
        ],
        Style::Steps(colour) => vec![
            property("color", &fixed(colour)),
            property("custom.lineInterpolation", &json!("stepAfter")),
        ],
    }
}

pub(crate) fn property(id: &str, value: &Value) -> Value {
    json!({ "id": id, "value": value })
}

fn fixed(colour: &str) -> Value {
    json!({ "mode": "fixed", "fixedColor": colour })
}

/// The words that a legend such as `{{class}}` can show, those that have a colour.
fn words_of(legend: &str) -> Vec<(&'static str, &'static str)> {
    let label = legend.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    // A mode may be called like an action, and is not good or bad.
    let Some(name) = label.filter(|label| *label != "mode") else { return Vec::new() };
    let labels = list::all().flat_map(|metric| metric.labels).filter(|label| label.name == name);
    let mut words: Vec<&str> = labels
        .flat_map(|label| match label.values {
            Values::Words(words) => words(),
            Values::Settings(..) => Vec::new(),
        })
        .collect();
    words.sort_unstable();
    words.dedup();
    words.into_iter().filter_map(|word| Some((word, look::colour(word)?))).collect()
}

fn options(panel: &Panel) -> Value {
    let legend =
        json!({ "displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": [] });
    match panel.kind {
        Kind::Stat | Kind::Name => json!({
            "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            "textMode": if panel.kind == Kind::Name { "name" } else { "auto" },
            "colorMode": "value", "graphMode": "none", "justifyMode": "center", "orientation": "auto",
            "wideLayout": true, "showPercentChange": false, "percentChangeColorMode": "standard",
        }),
        Kind::Lines | Kind::Bars | Kind::Shares => json!({
            "legend": legend, "tooltip": { "mode": "multi", "sort": "none" },
        }),
        Kind::States => json!({
            "showValue": "never", "rowHeight": 0.9, "mergeValues": true, "alignValue": "left",
            "legend": legend, "tooltip": { "mode": "single", "sort": "none" },
        }),
        Kind::Heat => heat(panel),
        Kind::Table => table::options(panel),
        Kind::Text => json!({ "mode": "markdown", "content": panel.says }),
    }
}

fn heat(panel: &Panel) -> Value {
    json!({
        "calculate": false,
        "color": {
            "mode": "scheme", "scheme": "Blues", "fill": look::GUARANTEED, "scale": "exponential",
            "exponent": 0.5, "steps": 32, "reverse": false,
        },
        "filterValues": { "le": 1e-9 },
        "rowsFrame": { "layout": "auto" },
        "showValue": "never",
        "cellGap": 1,
        "yAxis": { "unit": unit(panel), "axisPlacement": "left" },
        "legend": { "show": true },
        "tooltip": { "mode": "single", "yHistogram": false },
        "exemplars": { "color": look::CRITICAL },
    })
}
