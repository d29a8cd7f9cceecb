// SPDX-License-Identifier: Apache-2.0
//! The labels of the metrics. Their words come from the enumerations that decisions are made of.

use super::entry::{Label, Values};
use crate::about::horizon_word;
use crate::correction::{COUNTED, Ending};
use gleaner_engine::decision::Mode;
use gleaner_estimator::reason::{Bound, Resource};
use gleaner_estimator::sample::Class;
use gleaner_qos::capability::Actuator;
use gleaner_qos::level::Level;
use gleaner_qos::signal::Signal;
use gleaner_qos::verdict::Reason;

/// Resources that can be lent. IO never is.
pub(crate) const LENT: [Resource; 2] = [Resource::Cpu, Resource::Memory];

pub(super) const CLASS: Label =
    Label { name: "class", values: Values::Words(|| Class::ALL.map(Class::word).to_vec()) };

pub(super) const LENT_RESOURCE: Label =
    Label { name: "resource", values: Values::Words(|| LENT.map(Resource::word).to_vec()) };

pub(super) const RESOURCE: Label = Label {
    name: "resource",
    values: Values::Words(|| Resource::ALL.map(Resource::word).to_vec()),
};

pub(super) const SIGNAL: Label =
    Label { name: "signal", values: Values::Words(|| Signal::ALL.map(Signal::word).to_vec()) };

/// The levels that have edges.
pub(super) const LEVEL: Label =
    Label { name: "level", values: Values::Words(|| HARM.map(Level::word).to_vec()) };
pub(super) const HARM: [Level; 2] = [Level::Strained, Level::Critical];

pub(super) const EDGE: Label =
    Label { name: "edge", values: Values::Words(|| vec!["enter", "leave"]) };

pub(super) const ACTUATOR: Label = Label {
    name: "actuator",
    values: Values::Words(|| Actuator::ALL.map(Actuator::word).to_vec()),
};

pub(super) const ACTION: Label = Label {
    name: "action",
    values: Values::Words(|| COUNTED.iter().map(|counted| counted.action).collect()),
};

pub(super) const REASON: Label = Label {
    name: "reason",
    values: Values::Words(|| Reason::ALL.iter().map(|reason| reason.word()).collect()),
};

pub(super) const OUTCOME: Label =
    Label { name: "outcome", values: Values::Words(|| Ending::ALL.map(Ending::word).to_vec()) };

pub(super) const HOW: Label =
    Label { name: "how", values: Values::Words(|| vec!["throttled", "frozen"]) };

pub(super) const BOUND: Label =
    Label { name: "bound", values: Values::Words(|| Bound::ALL.map(Bound::word).to_vec()) };

pub(super) const MODE: Label =
    Label { name: "mode", values: Values::Words(|| Mode::ALL.map(Mode::word).to_vec()) };

pub(super) const TO: Label =
    Label { name: "to", values: Values::Words(|| Level::ALL.map(Level::word).to_vec()) };

pub(super) const OF: Label =
    Label { name: "of", values: Values::Words(|| vec!["guaranteed", "node"]) };

pub(super) const HORIZON: Label = Label {
    name: "horizon",
    values: Values::Settings("each horizon of the configuration, such as `30m`", |about| {
        about.horizons.iter().copied().map(horizon_word).collect()
    }),
};

pub(super) const POLICY: Label = Label {
    name: "policy",
    values: Values::Settings("each policy of the configuration", |about| {
        let mut all = vec![about.policy.clone()];
        all.extend(about.shadows.iter().cloned());
        all
    }),
};

pub(super) const ROLE: Label =
    Label { name: "role", values: Values::Words(|| vec!["live", "shadow"]) };

pub(super) const VERSION: Label = Label {
    name: "version",
    values: Values::Settings("version of the program", |about| vec![about.version.clone()]),
};

pub(super) const REVISION: Label = Label {
    name: "revision",
    values: Values::Settings("source revision it was built from", |about| {
        vec![about.revision.clone()]
    }),
};

pub(super) const WINDOW: Label =
    Label { name: "window", values: Values::Words(|| vec!["day", "start"]) };
