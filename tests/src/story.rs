// SPDX-License-Identifier: Apache-2.0
//! What the explanation of a decision says, as JSON has it.

use serde_json::Value;

/// All texts of a story: its title, headings, cells of tables and lines.
#[must_use]
pub fn texts(story: &Value) -> Vec<String> {
    let list = |of: &Value| of.as_array().cloned().unwrap_or_default();
    let mut all = vec![story["title"].clone()];
    for section in list(&story["sections"]) {
        all.push(section["heading"].clone());
        all.extend(list(&section["rows"]).iter().flat_map(list));
        all.extend(list(&section["lines"]).iter().map(|line| line["text"].clone()));
    }
    all.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}
