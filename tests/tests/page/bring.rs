// SPDX-License-Identifier: Apache-2.0
//! Brings a node into each of the states that the page can show, behind the real engine and the real server.

use crate::watch_server::Server;
use crate::watch_support::{Node, about, config};
use gleaner_engine::config::EngineConfig;
use gleaner_engine::decision::Mode;
use gleaner_estimator::units::Span;
use gleaner_qos::level::Level;
use gleaner_tests::browser::{Browser, Tab};
use gleaner_watch::snapshot::Trouble;
use serde_json::Value;

/// Tasks of the node.
pub(crate) const TASKS: usize = 6;

/// One state, and the words that say it.
pub(crate) struct Shown {
    pub(crate) name: &'static str,
    /// The title of the tab, without the node's name.
    pub(crate) title: &'static str,
    /// The word of CPU.
    pub(crate) cpu: &'static str,
    /// What the banner says, line by line.
    pub(crate) banner: &'static [&'static str],
    /// What the sentence about CPU contains.
    pub(crate) sentence: &'static str,
}

const CALM: Shown = Shown {
    name: "calm",
    title: "● CALM",
    cpu: "calm",
    banner: &[],
    sentence: "Offering 12.800 more cores",
};

pub(crate) const STATES: [Shown; 9] = [
    Shown {
        name: "observing",
        banner: &["Observing: decides, touches nothing."],
        sentence: "Would offer 12.800 more cores",
        ..CALM
    },
    CALM,
    Shown {
        name: "strained",
        title: "▲ STRAINED",
        cpu: "strained",
        sentence: "Offering 0: CPU is strained",
        ..CALM
    },
    Shown {
        name: "critical",
        title: "■ CRITICAL",
        cpu: "critical",
        sentence: "Offering 0: CPU is critical",
        ..CALM
    },
    Shown {
        name: "cold",
        title: "○ COLD",
        cpu: "cold",
        sentence: "warming up, 212 of 600 s seen",
        ..CALM
    },
    Shown {
        name: "stale",
        title: "✕ STALE",
        cpu: "stale",
        banner: &["Stale: no good reading. Nothing is offered."],
        sentence: "last good reading 1.0 s ago, limit 60 min: /proc/stat: Input/output error",
    },
    Shown {
        name: "degraded",
        title: "○ DEGRADED",
        banner: &[
            "cannot see wait for a CPU: no schedstat gleaner layout",
            "freezer was tried and does not work here gleaner selftest",
            "the new configuration was refused: line 12 gleaner check-config",
        ],
        ..CALM
    },
    Shown {
        name: "poisoned",
        title: "✕ POISONED",
        cpu: "stale",
        banner: &["Stopped itself after a bug; lends nothing."],
        sentence: ": stopped itself after a bug",
    },
    Shown {
        name: "disconnected",
        title: "✕ DISCONNECTED",
        banner: &["Disconnected: no news for N s, retrying. What is shown is of 22:16:30 UTC."],
        ..CALM
    },
];

/// The state of this name.
pub(crate) fn state(name: &str) -> &'static Shown {
    STATES.iter().find(|state| state.name == name).expect("it is one of the nine")
}

/// A node that stands so, as far as a node can; disconnected is the page's own trouble.
pub(crate) fn node(state: &Shown) -> Node {
    let mode = if state.name == "observing" { Mode::Observe } else { Mode::Evict };
    let mut config = EngineConfig { mode, ..config() };
    let mut seconds = 90;
    if state.name == "cold" {
        (config.warm_up, seconds) = (Span::from_secs(600), 213);
    }
    let mut node = Node::configured(about(), config);
    tick(&mut node, seconds);
    match state.name {
        "strained" => harm(&mut node, Level::Strained),
        "critical" => harm(&mut node, Level::Critical),
        "stale" => node.fail("/proc/stat: Input/output error"),
        "degraded" => {
            let trouble = |(what, command): (&str, &str)| Trouble {
                what: what.to_owned(),
                command: command.to_owned(),
            };
            let all = [
                ("cannot see wait for a CPU: no schedstat", "gleaner layout"),
                ("freezer was tried and does not work here", "gleaner selftest"),
                ("the new configuration was refused: line 12", "gleaner check-config"),
            ];
            node.host.troubles = all.map(trouble).into();
            node.host.reload_ok = false;
            tick(&mut node, 1);
        }
        "poisoned" => {
            node.host.poisoned = true;
            tick(&mut node, 1);
        }
        _ => {}
    }
    node
}

pub(crate) fn tick(node: &mut Node, seconds: usize) {
    (0..seconds).for_each(|_| node.tick(TASKS));
}

/// Owners wait longer and longer, until it shows.
fn harm(node: &mut Node, until: Level) {
    let level = |node: &Node| node.publisher.published().load().map(|shot| shot.decision.cpu.level);
    for _ in 0..100 {
        if level(node) == Some(until) {
            return tick(node, 1);
        }
        node.waits = node.waits * 6 / 5;
        tick(node, 1);
    }
    panic!("never {until:?}");
}

/// Opens the page of a server and waits until it shows the state.
pub(crate) fn open<'a>(
    browser: &'a Browser,
    server: &mut Server,
    state: &Shown,
    options: Value,
) -> Tab<'a> {
    let tab = browser.open(&format!("http://{}/", server.address), options);
    live(&tab);
    tab.until("document.querySelectorAll('#charts canvas').length === 5");
    tab.until("document.querySelectorAll('#tasks tbody tr').length > 0");
    if state.name == "disconnected" {
        server.end().expect("serving ends well");
        tab.until("document.getElementById('link').textContent === 'disconnected'");
    }
    tab
}

/// Waits until the page hears its server.
pub(crate) fn live(tab: &Tab<'_>) {
    tab.until("document.getElementById('link').textContent === 'live'");
}
