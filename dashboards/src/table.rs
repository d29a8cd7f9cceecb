// SPDX-License-Identifier: Apache-2.0
//! Tables: which columns, in which order, and what the column of numbers counts.

use crate::json::{property, unit};
use crate::panel::{Kind, Panel, Unit};
use serde_json::{Map, Value, json};

/// Prometheus' column of numbers.
const VALUE: &str = "Value";
/// Pixels that a date with its time needs.
const MOMENT_WIDTH: u32 = 170;

/// What the columns of a table say beyond words.
pub(crate) fn overrides(panel: &Panel) -> Vec<Value> {
    if panel.kind != Kind::Table || panel.unit == Unit::Mixed {
        return Vec::new();
    }
    let named = panel.columns.iter().find(|(column, _)| *column == VALUE);
    let shown = named.map_or(VALUE, |(_, name)| name);
    let mut properties = vec![property("unit", &json!(unit(panel)))];
    match panel.unit {
        Unit::Moment => properties.push(property("custom.width", &json!(MOMENT_WIDTH))),
        Unit::Count(_) => properties.push(property("decimals", &json!(0))),
        Unit::Of(_)
        | Unit::Bytes
        | Unit::Share
        | Unit::ShareLog
        | Unit::Seconds
        | Unit::PerSecond
        | Unit::PerMinute
        | Unit::Mixed => {}
    }
    vec![json!({ "matcher": { "id": "byName", "options": shown }, "properties": properties })]
}

/// How it is drawn.
pub(crate) fn options(panel: &Panel) -> Value {
    let order = panel.sorted.iter();
    let sorted: Vec<Value> = order
        .map(|(column, smallest)| json!({ "displayName": column, "desc": !smallest }))
        .collect();
    json!({ "frameIndex": 0, "showHeader": true, "cellHeight": "sm", "sortBy": sorted })
}

/// The columns that are named come first, in that order.
pub(crate) fn transformations(panel: &Panel) -> Value {
    let mut hidden = Map::from_iter([("Time".to_owned(), json!(true))]);
    let (mut renamed, mut place) = (Map::new(), Map::new());
    for (column, name) in panel.columns {
        if name.is_empty() {
            hidden.insert((*column).to_owned(), json!(true));
        } else {
            place.insert((*column).to_owned(), json!(renamed.len()));
            renamed.insert((*column).to_owned(), json!(name));
        }
    }
    let organized =
        json!({ "excludeByName": hidden, "renameByName": renamed, "indexByName": place });
    json!([
        { "id": "merge", "options": {} },
        { "id": "organize", "options": organized },
    ])
}
