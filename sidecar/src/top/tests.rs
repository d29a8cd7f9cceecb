// SPDX-License-Identifier: Apache-2.0
//! Pictures of every state at several sizes, what keys do, and that no key breaks anything.

use super::keys::{KEYS, press};
use super::model::{Looks, Model};
use super::picture;
use super::source::{Frame, Past};
use crate::shown::Tasks;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

mod replayed;

const PLAIN: Looks = Looks { ascii: false, color: false };

fn lending(gib: bool) -> Value {
    let unit: u64 = if gib { 1 << 30 } else { 1000 };
    let q = |tenths: u64| tenths * unit / 10;
    json!({
        "capacity": q(640), "usage": { "guaranteed": q(312) }, "lent": q(190), "scores": [],
        "peak": { "horizon": 300_000_000_000_u64, "node": q(413) }, "offer": { "amount": q(5) },
    })
}

fn reading(signal: &str, value: Option<f64>, enter: f64, over: Option<&str>) -> Value {
    let edges = json!({ "enter": enter });
    json!({
        "signal": signal, "value": value, "task": { "name": "kubepods/web-7f" }, "over": over,
        "strained": edges, "critical": null, "ignored": null,
    })
}

/// An acting daemon on a busy and healthy node.
fn decision() -> Value {
    let words = |state: &str, bound: Option<&str>, headline: &str, limit: &str| {
        let line = if limit.is_empty() { headline } else { limit };
        json!({ "state": state, "bound": bound, "headline": headline, "limit": limit, "line": line })
    };
    let sum =
        "64.0 capacity − 3.2 reserve − 41.3 predicted peak = 19.5 cores; 19.0 lent; 0.5 left.";
    json!({
        "node": "node-0417", "tick": 86_000, "wall_ms": 1_767_225_787_000_u64, "age_ms": 400,
        "mode": "evict", "state": "calm",
        "about": {
            "version": "0.1.0", "started_ms": 1_767_139_387_000_u64, "policy": "calibrated",
            "interval_ns": 1_000_000_000, "stale_after_ns": 3_000_000_000_u64,
        },
        "why": {
            "cpu": words("calm", Some("headroom"), "Offering 0.5 more cores; 19.0 are lent.", sum),
            "memory": words("calm", Some("off"), "Offering 0: memory lending is off.", ""),
            "io": words("calm", None, "Not lent; guarded.", ""),
        },
        "decision": {
            "cpu": lending(false), "memory": lending(true),
            "assessment": { "readings": [
                reading("run_wait", Some(0.31), 1.2, None),
                reading("stall_excess", Some(0.012), 0.2, None),
                reading("headroom", Some(0.31), 0.02, None),
                reading("io_stall_excess", None, 0.2, None),
            ] },
            "verdict": { "candidates": [] },
        },
        "host": {
            "held": { "throttled": 1, "frozen": 0 }, "audit_lines_dropped": 0, "troubles": [],
        },
        "own": {
            "cpu_seconds": 430.0, "resident_bytes": 8_300_000.0, "threads": 4.0, "open_fds": 211.0,
        },
    })
}

fn task(name: &str, class: &str, cores: Option<f64>, mib: u64, age: f64) -> Value {
    let stall = |some: f64| json!({ "some": some });
    let guaranteed = class == "guaranteed";
    json!({
        "name": name, "class": class, "why": "a rule says so", "priority": 0, "tenant": "team-a",
        "allocation_millicpus": guaranteed.then_some(16_000), "allocation_bytes": null,
        "used_cores": cores, "working_set_bytes": mib << 20, "file_cache_bytes": 5 << 20,
        "throttled_ratio": null, "wait_per_cpu_ratio": 0.02, "pids": 12, "age_seconds": age,
        "stalls": { "cpu": stall(0.012), "memory": stall(0.0), "io": { "some": null } },
    })
}

fn frame(decision: Value) -> Frame {
    let tasks = json!({ "tasks": [
        task("kubepods/besteffort/spark-exec-90", "best_effort", Some(3.8), 2_100, 2_400.0),
        task("kubepods/besteffort/spark-exec-92", "best_effort", Some(3.9), 2_000, 120.0),
        task("kubepods/web-7f", "guaranteed", Some(11.2), 9_300, 3_542_400.0),
        task("system.slice/sshd.service", "system", None, 6, 4_000_000.0),
    ] });
    let event = |number: u64, at_ms: u64, text: &str| json!({ "number": number, "at_ms": at_ms, "resource": "cpu", "text": text });
    let events = json!([
        event(3, 1_767_225_780_214, "evict kubepods/besteffort/spark-exec-91: done"),
        event(2, 1_767_225_779_900, "cpu became critical"),
        event(1, 1_767_139_388_000, "cpu became calm"),
    ]);
    let Tasks { tasks } = serde_json::from_value(tasks).unwrap();
    Frame {
        shown: serde_json::from_value(decision).unwrap(),
        tasks,
        events: serde_json::from_value(events).unwrap(),
        reel: None,
    }
}

fn model(decision: Value) -> Model {
    let past = Past { cpu: (0..90).map(|i| Some(i % 7 * 1000)).collect(), memory: vec![Some(9)] };
    let mut model = Model::new("http://127.0.0.1:9719".to_owned(), PLAIN, &past);
    model.take(Ok(frame(decision)));
    model
}

fn type_in(model: &mut Model, keys: &str) {
    keys.chars().for_each(|c| press(model, KeyEvent::from(KeyCode::Char(c))));
}

/// A node whose state, headline and limit are these.
fn stands(state: &str, headline: &str) -> Value {
    let mut value = decision();
    value["state"] = state.into();
    value["why"]["cpu"]["state"] = state.into();
    value["why"]["cpu"]["headline"] = headline.into();
    value["why"]["cpu"]["line"] = headline.into();
    value
}

#[test]
fn sizes() {
    let mut model = model(decision());
    let sizes = [(80, 24), (130, 20), (59, 15), (60, 15)];
    let all = sizes.map(|(w, h)| format!("{w} x {h}\n{}", picture(&model, w, h)));
    insta::assert_snapshot!(all.concat());
    model.looks.ascii = true;
    let text = picture(&model, 110, 20);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!("ascii", text);
}

#[test]
fn states() {
    let mut observing = stands("calm", "Would offer 0.5 more cores; 19.0 are lent.");
    observing["mode"] = "observe".into();
    let mut critical = stands("critical", "Offering 0: CPU is critical for 2.0 s.");
    critical["decision"]["assessment"]["readings"][0] =
        reading("run_wait", Some(3.1), 1.2, Some("critical"));
    let candidate = |name: &str, excluded: Option<&str>| json!({ "task": { "name": format!("kubepods/besteffort/{name}") }, "excluded": excluded });
    critical["decision"]["verdict"]["candidates"] = json!([
        candidate("spark-exec-91", Some("leaving")),
        candidate("spark-exec-92", None),
        candidate("spark-exec-90", None),
    ]);
    let mut degraded = decision();
    degraded["state"] = "degraded".into();
    degraded["host"]["troubles"] = json!([
        { "what": "reclaim was tried and does not work here", "command": "gleaner selftest" },
        { "what": "cannot see io.pressure: no such file", "command": "gleaner layout" },
    ]);
    let stale = stands("stale", "Offering 0: last good reading 4.2 s ago, limit 3.0 s: EIO.");
    let all = [observing, critical, degraded, stale].map(|value| picture(&model(value), 80, 17));
    insta::assert_snapshot!(all.join("----\n"));
}

#[test]
fn when_the_daemon_is_gone_the_last_picture_stays_and_says_so() {
    let mut gone = model(decision());
    gone.wait(Duration::from_secs(5));
    gone.take(Err("http://127.0.0.1:9719/v1/decision: Connection refused".to_owned()));
    let never = Model::new("http://127.0.0.1:9719".to_owned(), PLAIN, &Past::default());
    insta::assert_snapshot!([picture(&gone, 80, 16), picture(&never, 80, 15)].join("----\n"));
}

#[test]
fn pages() {
    let mut model = model(decision());
    let mut all = Vec::new();
    for keys in ["2", "3", "4", "?", "?1e", "e/spark"] {
        type_in(&mut model, keys);
        all.push(picture(&model, 80, 32));
    }
    press(&mut model, KeyEvent::from(KeyCode::Enter));
    press(&mut model, KeyEvent::from(KeyCode::Enter));
    all.push(picture(&model, 80, 22));
    insta::assert_snapshot!(all.join("----\n"));
}

#[test]
fn the_story_of_a_decision_is_asked_for_scrolled_and_left() {
    let mut model = model(decision());
    if let Some(frame) = &mut model.frame {
        (frame.events[0].tick, frame.events[1].tick) = (Some(8123), None);
    }
    type_in(&mut model, "2");
    press(&mut model, KeyEvent::from(KeyCode::Enter));
    assert_eq!(model.wanted.take(), Some(8123));
    let mut all = vec![picture(&model, 80, 15)];
    model.hear(8122, Err("somebody else asked for it".to_owned()));
    assert!(picture(&model, 80, 15).contains("asking"), "not the one that is waited for");
    let rows: String = (1..40)
        .map(|n| {
            format!("  {n:>8}  2.0 cores  be/task-{n}  its tenant was hit lately, so not now\n")
        })
        .collect();
    model.hear(8123, Ok(format!("Decision 8123, mode evict\n\nWho could be chosen\n{rows}")));
    for (keys, (width, height)) in
        [("", (80, 15)), ("jjG", (60, 15)), ("kg", (130, 16)), ("?", (80, 40))]
    {
        model.area = Rect::new(0, 0, width, height);
        type_in(&mut model, keys);
        all.push(picture(&model, width, height));
    }
    insta::assert_snapshot!(all.join("----\n"));
    let back = |model: &mut Model| press(model, KeyEvent::from(KeyCode::Esc));
    back(&mut model);
    assert!(!model.help && model.story.is_some(), "what lies above all goes first");
    back(&mut model);
    assert!(model.story.is_none() && picture(&model, 80, 15).contains("[2 Decisions]"));
    // One whose decision is not kept has no story to ask for.
    type_in(&mut model, "j");
    press(&mut model, KeyEvent::from(KeyCode::Enter));
    assert!(model.wanted.is_none() && picture(&model, 80, 20).contains("audit file"));
}

#[test]
fn what_goes_on_is_said_with_its_beginning_and_its_end() {
    let mut busy = decision();
    let act = |action: &str, until: Option<u64>| {
        json!({
            "task": { "name": "be/spark\u{1b}[2J-91" }, "action": action, "resource": "cpu",
            "since_ms": 1_767_225_785_000_u64, "until_ms": until,
        })
    };
    busy["host"]["under_way"] =
        json!([act("evict", Some(1_767_225_794_000)), act("cpu_quota", None)]);
    busy["host"]["under_way_more"] = 7.into();
    let mut model = model(busy);
    let tasks = picture(&model, 100, 18);
    type_in(&mut model, "2");
    insta::assert_snapshot!([tasks, picture(&model, 100, 18)].join("----\n"));
}

#[test]
fn tasks_are_sorted_by_the_chosen_column() {
    let mut model = model(decision());
    let names = |model: &Model| -> Vec<String> {
        model.rows().iter().map(|row| row.name.rsplit('/').next().unwrap().to_owned()).collect()
    };
    let by_cpu = ["web-7f", "spark-exec-92", "spark-exec-90", "sshd.service"];
    assert_eq!(names(&model), by_cpu, "unknown comes last");
    type_in(&mut model, ">>");
    assert_eq!(names(&model)[..2], ["web-7f", "spark-exec-90"], "by memory");
    type_in(&mut model, ">>r");
    assert_eq!(names(&model)[0], "sshd.service", "the oldest first");
}

#[test]
fn a_pause_keeps_the_picture_and_a_filter_is_typed() {
    let mut model = model(decision());
    type_in(&mut model, " ");
    model.take(Ok(frame(stands("stale", "gone"))));
    assert!(picture(&model, 80, 24).contains("CALM") && model.paused);
    type_in(&mut model, " /q");
    assert!(!model.ended && model.filter == "q", "a letter of the filter");
    press(&mut model, KeyEvent::new(KeyCode::Char('l'), KeyModifiers::CONTROL));
    assert!(model.filter.is_empty() && !model.typing);
    press(&mut model, KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
    assert!(model.ended);
}

#[test]
fn a_name_cannot_drive_the_terminal() {
    let mut rude = decision();
    rude["node"] = "n\u{1b}[2J".into();
    let mut model = model(rude);
    if let Some(frame) = &mut model.frame {
        frame.tasks[0].name = "a\u{1b}]0;x\u{7}b".to_owned();
        frame.events[0].text = "c\u{9b}31md".to_owned();
    }
    for keys in ["1", "2"] {
        type_in(&mut model, keys);
        let text = picture(&model, 130, 24);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    }
}

#[test]
fn the_keys_are_those_of_the_documents_and_of_the_help() {
    let rows: Vec<String> =
        KEYS.iter().map(|(_, _, keys, what)| format!("| `{keys}` | {what} |")).collect();
    let (_, documented) = include_str!("../../../docs/operating.md")
        .split_once("Keys of `gleaner top`:")
        .expect("the section is there");
    let listed = documented.lines().skip(4).take_while(|line| line.starts_with('|'));
    assert_eq!(listed.collect::<Vec<_>>(), rows);
    let mut model = model(decision());
    model.help = true;
    let help = picture(&model, 120, 40);
    for (_, _, keys, what) in KEYS {
        assert!(help.lines().any(|line| line.contains(keys) && line.contains(what)), "{keys}");
    }
}

#[test]
fn a_help_that_does_not_fit_can_be_scrolled() {
    let mut model = model(decision());
    type_in(&mut model, "?");
    let top = picture(&model, 80, 24);
    assert!(top.contains("j and k show more") && top.contains("this help"), "{top}");
    type_in(&mut model, "G");
    let end = picture(&model, 80, 24);
    assert!(end.contains("replay: last sample") && !end.contains("this help"), "{end}");
    let (first, last) = (&KEYS[0], &KEYS[KEYS.len() - 1]);
    let whole = picture(&model, 120, 40);
    assert!(whole.contains(first.3) && whole.contains(last.3), "there is room for all: {whole}");
    assert_eq!(model.selected, 0, "nothing below it has moved");
}

#[test]
fn a_wider_picture_of_the_past_is_zoomed_out() {
    let mut model = model(decision());
    let narrow = picture(&model, 130, 20);
    type_in(&mut model, "--");
    let wide = picture(&model, 130, 20);
    assert!(wide.contains("5 looks a bar") && !narrow.contains("a bar"), "{wide}");
    let bars = |text: &str| text.chars().filter(|c| ('▁'..='█').contains(c)).count();
    assert!(bars(&wide) < bars(&narrow), "the same looks in fewer bars");
    type_in(&mut model, "++++");
    assert_eq!(picture(&model, 130, 20), narrow);
}

#[test]
fn each_key_has_one_meaning() {
    let codes: Vec<String> =
        KEYS.iter().flat_map(|(_, codes, ..)| codes.iter().map(|c| format!("{c:?}"))).collect();
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
}

#[test]
fn no_row_of_keys_breaks_anything() {
    let mut all: Vec<KeyCode> = KEYS.iter().flat_map(|(_, codes, ..)| codes.to_vec()).collect();
    all.extend([KeyCode::Backspace, KeyCode::Char('x'), KeyCode::Char('ü'), KeyCode::F(5)]);
    let mut model = model(decision());
    model.looks.color = true;
    // A linear congruential generator: any mixed order will do.
    let mut state = 1_usize;
    for turn in 0_u16..600 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        press(&mut model, KeyEvent::from(all[(state >> 33) % all.len()]));
        let area = Rect::new(0, 0, turn % 140, turn % 37);
        super::view::draw(&model, area, &mut Buffer::empty(area));
        if turn % 97 == 0 {
            model.take(Err("gone".to_owned()));
        }
        if turn % 89 == 0 {
            model.take(Ok(frame(decision())));
        }
    }
    assert!(model.frame.is_some());
}
