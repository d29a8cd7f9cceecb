// SPDX-License-Identifier: Apache-2.0
//! The dashboards' JSON against the types of Grafana's own SDK, checked by the TypeScript compiler.

use crate::root;
use gleaner_dashboards::{Places, boards};
use gleaner_tests::programs::installed_or_skip;
use gleaner_tests::skip;
use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;
use std::process::Command;

/// Types as they are in JSON: an enumeration is one of its values, and nothing has methods.
const HEAD: &str = r#"
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import * as heatmap from "@grafana/grafana-foundation-sdk/heatmap";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as statetimeline from "@grafana/grafana-foundation-sdk/statetimeline";
import * as table from "@grafana/grafana-foundation-sdk/table";
import * as text from "@grafana/grafana-foundation-sdk/text";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";

type Plain<T> =
    0 extends 1 & T ? any :
    T extends string ? (string extends T ? string : `${T}`) :
    T extends number ? (`${T}` extends `${infer N extends number}` ? N : never) :
    T extends (infer U)[] ? Plain<U>[] :
    T extends object ? { [K in keyof T as T[K] extends (...a: any[]) => any ? never : K]: Plain<T[K]> } :
    T;
type Board = Plain<dashboard.Dashboard>;
type Panel = Plain<dashboard.Panel>;
type Queries = Plain<prometheus.Dataquery>[];
"#;

/// What must be refused, or the check would be worth nothing. Each is one wrong word in something right.
const PLANTED: &str = r#"
// @ts-expect-error
export const wrong1: Plain<timeseries.FieldConfig> = { "lineInterpolation": "curly" };
// @ts-expect-error
export const wrong2: Plain<stat.Options>["textMode"] = "names";
// @ts-expect-error
export const wrong3: Queries = [{ "refId": "A", "expr": "up", "legend": "x" }];
// @ts-expect-error
export const wrong4: Board["graphTooltip"] = 3;
// @ts-expect-error
export const wrong5: Panel = { "type": "stat", "gridPos": { "x": 0, "y": 0, "w": 24, "height": 1 } };
// @ts-expect-error
export const wrong6: Plain<dashboard.VariableModel> = { "type": "custom", "name": "a", "includeAny": true };
"#;

/// The module of the SDK for a type of panel, and whether it says what fields may be given.
fn module(kind: &str) -> (&'static str, bool) {
    match kind {
        "timeseries" => ("timeseries", true),
        "state-timeline" => ("statetimeline", true),
        "heatmap" => ("heatmap", true),
        "table" => ("table", true),
        "stat" => ("stat", false),
        "text" => ("text", false),
        other => panic!("{other}: a type of panel that this test does not know"),
    }
}

fn declare(text: &mut String, name: &str, of: &str, value: &Value) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "export const {name}: {of} = {value};");
}

fn source() -> (String, usize) {
    let mut text = HEAD.to_owned();
    let mut count = 0;
    for board in boards(&Places::default()) {
        let name = board.uid.replace('-', "_");
        let json = board.json();
        declare(&mut text, &name, "Board", &json);
        let top = json["panels"].as_array().expect("panels");
        let inside = top.iter().filter_map(|row| row["panels"].as_array()).flatten();
        for panel in top.iter().chain(inside).filter(|panel| panel["type"] != "row") {
            count += 1;
            let name = format!("{name}_{}", panel["id"]);
            let (module, has_fields) = module(panel["type"].as_str().expect("a type"));
            declare(&mut text, &name, "Panel", panel);
            declare(&mut text, &format!("{name}_queries"), "Queries", &panel["targets"]);
            let options = format!("Plain<{module}.Options>");
            declare(&mut text, &format!("{name}_options"), &options, &panel["options"]);
            let custom = &panel["fieldConfig"]["defaults"]["custom"];
            if has_fields {
                let fields = format!("Plain<{module}.FieldConfig>");
                declare(&mut text, &format!("{name}_fields"), &fields, custom);
            } else {
                assert_eq!(*custom, json!({}), "{name}: fields that nobody reads");
            }
        }
    }
    text.push_str(PLANTED);
    (text, count)
}

#[test]
fn grafanas_own_types_accept_every_panel() {
    let Some(node) = installed_or_skip("node") else { return };
    let modules = root().join("target/tools/dashboards/node_modules");
    let compiler = modules.join("typescript/lib/tsc.js");
    if !compiler.is_file() || !modules.join("@grafana/grafana-foundation-sdk").is_dir() {
        return skip("the Grafana SDK and typescript are not installed (tests/run installs them)");
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::os::unix::fs::symlink(&modules, directory.path().join("node_modules")).expect("a link");
    let (text, count) = source();
    assert!(count > 50, "{count} panels");
    fs::write(directory.path().join("boards.ts"), text).expect("a writable directory");
    let output = Command::new(node)
        .arg(compiler)
        .args(["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022"])
        .args(["--module", "es2022", "--moduleResolution", "bundler", "boards.ts"])
        .current_dir(directory.path())
        .output()
        .expect("the compiler starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
}
