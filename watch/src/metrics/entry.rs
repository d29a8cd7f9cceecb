// SPDX-License-Identifier: Apache-2.0
//! What one entry of the list of metrics says: name, help, labels with all their values, and where its number comes from.

use super::own::Own;
use crate::about::About;
use crate::snapshot::Snapshot;
use gleaner_engine::decision::Decision;
use gleaner_estimator::units::Amount;
use gleaner_qos::assessment::Assessment;

/// The sections of `docs/metrics.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What the node has, what is used and promised.
    Node,
    /// What could be lent, is lent, is offered, and what binds.
    Lending,
    /// How predictions turn out.
    Prediction,
    /// Harm to guaranteed tasks.
    Harm,
    /// What was taken back, and whether it helped.
    Correction,
    /// Whether Gleaner itself is well.
    Itself,
}

impl Group {
    /// The heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Node => "The node",
            Self::Lending => "Lending",
            Self::Prediction => "Prediction",
            Self::Harm => "Harm",
            Self::Correction => "Taking back",
            Self::Itself => "Gleaner itself",
        }
    }
}

/// Where the values of a label come from. Always a set that is known beforehand, never a task or a path.
#[derive(Clone, Copy)]
pub enum Values {
    /// The words of an enumeration.
    Words(fn() -> Vec<&'static str>),
    /// Settings, with what is said of them in the documentation.
    Settings(&'static str, fn(&About) -> Vec<String>),
}

/// A label and all values that it can take.
#[derive(Clone, Copy)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub values: Values,
}

impl Label {
    /// All values under these settings.
    #[must_use]
    pub fn values(&self, about: &About) -> Vec<String> {
        match self.values {
            Values::Words(words) => words().into_iter().map(str::to_owned).collect(),
            Values::Settings(_, settings) => settings(about),
        }
    }
}

/// Where the numbers of a metric come from.
#[derive(Clone, Copy)]
pub enum Source {
    /// A gauge of the host's lasting facts; there from the start.
    About(fn(&About, &mut Series)),
    /// A gauge of the decision; not there before the first one.
    Decision(fn(&Decision, &mut Series)),
    /// A gauge of the whole snapshot; not there before the first one.
    Snapshot(fn(&Snapshot, &mut Series)),
    /// A gauge of what was found of contention; not there while nobody judges that.
    Harm(fn(&Assessment, &mut Series)),
    /// A gauge that is kept here: when something last happened, seconds since 1970-01-01 UTC.
    /// Not there before it happens.
    Stamp,
    /// A gauge of the host's state; at its healthy value before the first snapshot.
    Host(fn(&crate::snapshot::HostState, &mut Series)),
    /// A counter that somebody else keeps; every series at 0 before the first snapshot.
    Total(fn(&Snapshot, &mut Series)),
    /// A counter that is kept here; every series at 0 from the start.
    Counter,
    /// A histogram that is kept here, with these upper bounds, in seconds.
    Histogram(&'static [f64]),
    /// A gauge of this process, read when asked.
    OwnGauge(fn(&Own) -> Option<f64>),
    /// A counter of this process, read when asked.
    OwnCounter(fn(&Own) -> Option<f64>),
}

/// One metric.
pub struct Metric {
    /// Its name, with the base unit at its end.
    pub name: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Its labels, in order.
    pub labels: &'static [Label],
    /// Which combinations of label values occur; `None` where all do.
    pub only: Option<fn(&About, &[&str]) -> bool>,
    /// Where its numbers come from.
    pub source: Source,
    /// Why no dashboard shows it; `None` where one does.
    pub unshown: Option<&'static str>,
}

impl Metric {
    /// The word of the Prometheus text format.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.source {
            Source::About(_)
            | Source::Decision(_)
            | Source::Snapshot(_)
            | Source::Harm(_)
            | Source::Stamp
            | Source::Host(_)
            | Source::OwnGauge(_) => "gauge",
            Source::Total(_) | Source::Counter | Source::OwnCounter(_) => "counter",
            Source::Histogram(_) => "histogram",
        }
    }

    /// Every combination of label values that can occur under these settings.
    #[must_use]
    pub fn combinations(&self, about: &About) -> Vec<Vec<String>> {
        let mut all = vec![Vec::new()];
        for label in self.labels {
            let values = label.values(about);
            all = all
                .iter()
                .flat_map(|row: &Vec<String>| {
                    values.iter().map(move |value| {
                        let mut longer = row.clone();
                        longer.push(value.clone());
                        longer
                    })
                })
                .collect();
        }
        if let Some(only) = self.only {
            all.retain(|row| only(about, &row.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        all
    }
}

/// The series of one metric while they are collected: label values and number.
#[derive(Debug, Default)]
pub struct Series(pub(super) Vec<(Vec<String>, f64)>);

impl Series {
    /// Adds a series; one whose number is unknown is left out, it is never shown as 0.
    pub fn put(&mut self, labels: &[&str], number: Option<f64>) {
        if let Some(number) = number {
            self.0.push((labels.iter().map(|value| (*value).to_owned()).collect(), number));
        }
    }

    /// Adds an amount in its base unit.
    pub fn amount<Q: Amount>(&mut self, labels: &[&str], amount: Option<Q>) {
        self.put(labels, amount.map(Amount::to_base));
    }

    /// Adds 1 or 0.
    pub fn flag(&mut self, labels: &[&str], set: bool) {
        self.put(labels, Some(f64::from(u8::from(set))));
    }

    /// Adds a whole number.
    pub fn count(&mut self, labels: &[&str], count: u64) {
        self.put(labels, Some(count as f64));
    }
}
