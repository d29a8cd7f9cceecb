// SPDX-License-Identifier: Apache-2.0
//! What Grafana's own frontend did not show as meant, though its types accepted it: it must not come back.

use gleaner_dashboards::{Places, boards};
use serde_json::{Value, json};

/// Every panel of every dashboard, and where it stands.
fn panels() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for board in boards(&Places::default()) {
        let json = board.json();
        let top = json["panels"].as_array().expect("panels").iter();
        let inside = top.clone().filter_map(|row| row["panels"].as_array()).flatten();
        for panel in top.chain(inside).filter(|panel| panel["type"] != "row") {
            all.push((format!("{}: {}", board.uid, panel["title"]), panel.clone()));
        }
    }
    all
}

#[test]
fn states_keep_their_names_and_colours() {
    let mut seen = 0;
    for (place, panel) in panels().iter().filter(|(_, panel)| panel["type"] == "state-timeline") {
        let fields = &panel["fieldConfig"]["defaults"];
        // Merged by thresholds, states lose their mappings; with a text for no value, a gap is a state.
        assert_eq!(fields["color"]["mode"], "fixed", "{place}");
        assert!(fields.get("noValue").is_none(), "{place}");
        let names = fields["mappings"][0]["options"].as_object().expect("names of values");
        assert!(names.values().all(|state| state["color"].is_string()), "{place}");
        seen += 1;
    }
    assert!(seen >= 3, "{seen} panels of states");
}

#[test]
fn legends_have_the_colours_of_their_lines() {
    for (place, panel) in panels() {
        // By name, lines and legend are coloured by two different names (grafana/grafana#73275).
        let mode = panel["fieldConfig"]["defaults"]["color"]["mode"].as_str().expect("a mode");
        assert!(!mode.ends_with("by-name"), "{place}: {mode}");
    }
}

#[test]
fn logarithmic_axes_are_free_of_words() {
    let mut seen = 0;
    for (place, panel) in panels() {
        let fields = &panel["fieldConfig"]["defaults"];
        if fields["custom"]["scaleDistribution"]["type"] == "log" {
            // Each line of the grid without a number would get the text.
            assert!(fields.get("noValue").is_none(), "{place}");
            seen += 1;
        }
    }
    assert!(seen >= 2, "{seen} logarithmic axes");
}

#[test]
fn units_of_tables_are_those_of_their_numbers() {
    for (place, panel) in panels().iter().filter(|(_, panel)| panel["type"] == "table") {
        let fields = &panel["fieldConfig"];
        // Columns of words have the default unit too, and no word is a moment.
        assert_eq!(fields["defaults"]["unit"], "none", "{place}");
        let organized = panel["transformations"].as_array().expect("transformations").iter();
        let organized = organized.clone().find(|one| one["id"] == "organize").expect("columns");
        let renamed = organized["options"]["renameByName"].as_object().expect("names of columns");
        for over in fields["overrides"].as_array().expect("overrides") {
            assert_eq!(over["matcher"]["id"], "byName", "{place}");
            let column = &over["matcher"]["options"];
            assert!(renamed.values().any(|name| name == column), "{place}: no column {column}");
        }
    }
}

#[test]
fn variables_are_ordered_by_letters() {
    for board in boards(&Places::default()) {
        for variable in board.json()["templating"]["list"].as_array().expect("variables") {
            // What is first is chosen first; by numbers and naturally, scenes leave no order.
            assert!(variable["type"] != "query" || variable["sort"] == 5, "{variable}");
        }
    }
}

#[test]
fn no_link_hands_all_to_a_board_that_shows_one() {
    let jsons: Vec<Value> = boards(&Places::default()).iter().map(|board| board.json()).collect();
    let chosen = |board: &Value, name: &Value| {
        let list = board["templating"]["list"].as_array().expect("variables").iter();
        list.clone().find(|variable| variable["name"] == *name).map(|one| one["includeAll"] == true)
    };
    for from in &jsons {
        let links = from["links"].as_array().expect("links").iter();
        let mut reached = vec![from["uid"].clone()];
        for link in links.filter(|link| link["type"] == "dashboards") {
            let has = |board: &&Value| {
                let tags = board["tags"].as_array().expect("tags");
                board["uid"] != from["uid"] && tags.contains(&link["tags"][0])
            };
            for to in jsons.iter().filter(has) {
                assert_eq!(link["keepTime"], json!(true), "{link}");
                reached.push(to["uid"].clone());
                let handed = from["templating"]["list"].as_array().expect("variables").iter();
                let all = handed.filter(|one| one["includeAll"] == true);
                for variable in all.filter(|_| link["includeVars"] == true) {
                    let known = chosen(to, &variable["name"]);
                    assert!(known != Some(false), "{} to {}: {variable}", from["uid"], to["uid"]);
                }
            }
        }
        reached.sort_by_key(ToString::to_string);
        reached.dedup();
        assert_eq!(reached.len(), 3, "from {} one comes to {reached:?}", from["uid"]);
    }
}
