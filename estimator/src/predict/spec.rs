// SPDX-License-Identifier: Apache-2.0
//! Which predictor, at what risk, with which parameters.

use super::Predictor;
use super::borg::Borg;
use super::calibrated::{Calibrated, Part};
use super::decaying::Decaying;
use super::ema::Ema;
use super::fixed::Fixed;
use super::max::Max;
use super::n_sigma::NSigma;
use super::percentile::Percentile;
use super::scored::Scored;
use super::state::{self, StateError};
use super::threshold::Threshold;
use crate::units::{Ratio, Span};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The predictors by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PredictorKind {
    /// All but a constant is needed (Mesos' stock estimator).
    Fixed,
    /// All but a constant, until the host's load or memory reaches a threshold (blue-yonder).
    Threshold,
    /// A constant share of the limits (Borg).
    Borg,
    /// The sum of each task's percentile over a window (Resource Central).
    Percentile,
    /// Mean and N standard deviations of the group's ratio of usage to limits over a window.
    NSigma,
    /// The larger of `percentile` and `n-sigma`.
    Max,
    /// Percentile of histograms that fade (Koordinator, Kubernetes VPA).
    Decaying,
    /// A multiple of an exponential moving average (Serenity).
    Ema,
    /// Meets a stated risk by learning from its own outcomes. The default.
    #[default]
    Calibrated,
}

impl PredictorKind {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 9] = [
        Self::Fixed,
        Self::Threshold,
        Self::Borg,
        Self::Percentile,
        Self::NSigma,
        Self::Max,
        Self::Decaying,
        Self::Ema,
        Self::Calibrated,
    ];

    /// Its name in configuration, metrics and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Threshold => "threshold",
            Self::Borg => "borg",
            Self::Percentile => "percentile",
            Self::NSigma => "n-sigma",
            Self::Max => "max",
            Self::Decaying => "decaying",
            Self::Ema => "ema",
            Self::Calibrated => "calibrated",
        }
    }
}

impl fmt::Display for PredictorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no predictor has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown predictor `{0}`: choose one of fixed, threshold, borg, percentile, n-sigma, max, decaying, ema, calibrated"
)]
pub struct UnknownPredictor(pub String);

impl FromStr for PredictorKind {
    type Err = UnknownPredictor;
    fn from_str(name: &str) -> Result<Self, UnknownPredictor> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| UnknownPredictor(name.to_owned()))
    }
}

/// Parameters of single predictors. Amounts are in base units (cores or bytes).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parameters {
    /// `fixed`, `threshold`: what is never needed, and so may be lent. Default 0.
    pub amount: f64,
    /// `threshold`: load averages over 1, 5 and 15 minutes that close it. Default none.
    pub load_thresholds: [Option<f64>; 3],
    /// `threshold`: host memory in use (MemTotal − MemAvailable), in bytes, that closes it. Default none.
    pub memory_threshold: Option<u64>,
    /// `borg`: share of the limits that is needed. Default 0.9.
    pub phi: f64,
    /// `percentile`, `max`: which one, as a share. Default 0.99.
    pub percentile: f64,
    /// `percentile`, `n-sigma`, `max`: how far back they look. Default 10 h.
    pub window: Span,
    /// `percentile`, `n-sigma`, `max`: a younger task counts at its limit. Default 2 h.
    pub warm_up: Span,
    /// `n-sigma`, `max`: N. Default 5.
    pub sigma: f64,
    /// `decaying`: which percentile, as a share. Default 0.95; 0.98 for memory.
    pub decaying_percentile: f64,
    /// `decaying`: after this an observation counts half. Default 12 h; 24 h for memory.
    pub decaying_half_life: Span,
    /// `decaying`: the first bucket's size. Default 0.025 cores; 5 MiB for memory.
    pub decaying_bucket: f64,
    /// `decaying`: factor on the percentile. Default 1.1.
    pub decaying_margin: f64,
    /// `decaying`: a younger task, or group, counts at its limit. Default 24 h.
    pub decaying_warm_up: Span,
    /// `ema`: weight of the newest slot. Default 0.2.
    pub ema_weight: f64,
    /// `ema`: factor on the average. Default 1.5.
    pub ema_factor: f64,
    /// `calibrated`: whether a new group starts at its limits and comes down over the longer of 2 h and
    /// the horizon. Default yes; without it the first day violates 2 to 4 times as often as asked.
    pub start_ramp: bool,
    /// `calibrated`: whether a group forgets at the end of its first day what that day's outcomes taught it, with half as
    /// much prior. Its features look back a day, so that day's scores are larger than any later ones and make
    /// the node's own scale look too large for days. Default yes: with it every public trace achieves at 5 and
    /// 30 min between 0.5 and 1.2 times the asked risk; without it, 0.2 times on the calmest at 30 min.
    pub forget_first_day: bool,
    /// `calibrated`: a part that is left out, to learn what it buys; never kept in saved state. Default none.
    #[serde(skip)]
    pub without: Option<Part>,
}

impl Parameters {
    /// Defaults for CPU, in cores.
    #[must_use]
    pub const fn cpu() -> Self {
        Self {
            amount: 0.0,
            load_thresholds: [None; 3],
            memory_threshold: None,
            phi: 0.9,
            percentile: 0.99,
            window: Span::from_secs(10 * 3600),
            warm_up: Span::from_secs(2 * 3600),
            sigma: 5.0,
            decaying_percentile: 0.95,
            decaying_half_life: Span::from_secs(12 * 3600),
            decaying_bucket: 0.025,
            decaying_margin: 1.1,
            decaying_warm_up: Span::from_secs(24 * 3600),
            ema_weight: 0.2,
            ema_factor: 1.5,
            start_ramp: true,
            forget_first_day: true,
            without: None,
        }
    }

    /// Defaults for memory, in bytes.
    #[must_use]
    pub const fn memory() -> Self {
        Self {
            decaying_percentile: 0.98,
            decaying_half_life: Span::from_secs(24 * 3600),
            decaying_bucket: 5.0 * 1024.0 * 1024.0,
            ..Self::cpu()
        }
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self::cpu()
    }
}

/// Which predictor, at what risk, for which horizons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PredictorSpec {
    /// By name.
    pub kind: PredictorKind,
    /// The share of intervals in which the peak may exceed the prediction. `calibrated` keeps to it, the others
    /// are only measured against it. Default 1 %.
    pub risk: Ratio,
    /// How far ahead. Default 5 min, 30 min (the one for offers) and 24 h (a hint for admission).
    pub horizons: Vec<Span>,
    /// Parameters of single predictors.
    pub parameters: Parameters,
}

impl Default for PredictorSpec {
    fn default() -> Self {
        Self {
            kind: PredictorKind::Calibrated,
            risk: Ratio::from_milli(10),
            horizons: [300, 1800, 86_400].map(Span::from_secs).to_vec(),
            parameters: Parameters::cpu(),
        }
    }
}

/// A setting that is out of bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is {value}, it must be {bound}")]
pub struct SpecError {
    /// The field.
    pub field: &'static str,
    /// What it holds.
    pub value: String,
    /// What it may hold.
    pub bound: String,
}

const DAY: u64 = 86_400;
/// Slots of any window or horizon: bounds memory per task and per group.
const LONGEST: Span = Span::from_secs(7 * DAY);
const SHORTEST: Span = Span::from_secs(1);

/// Brings fields into bounds and notes which were not.
struct Bounds(Vec<SpecError>);

impl Bounds {
    fn number(&mut self, field: &'static str, value: &mut f64, low: f64, high: f64, default: f64) {
        if !(low..=high).contains(value) {
            let bound = format!("between {low} and {high}");
            self.0.push(SpecError { field, value: value.to_string(), bound });
            *value = if value.is_nan() { default } else { value.clamp(low, high) };
        }
    }

    fn span(&mut self, field: &'static str, value: &mut Span) {
        if !(SHORTEST..=LONGEST).contains(value) {
            let bound = format!("between {SHORTEST} and {LONGEST}");
            self.0.push(SpecError { field, value: value.to_string(), bound });
            *value = (*value).clamp(SHORTEST, LONGEST);
        }
    }
}

impl PredictorSpec {
    /// Most horizons of one predictor.
    pub const MAX_HORIZONS: usize = 8;

    /// Every setting that is out of bounds.
    #[must_use]
    pub fn mistakes(&self) -> Vec<SpecError> {
        self.bounded().1
    }

    fn bounded(&self) -> (Self, Vec<SpecError>) {
        let (mut spec, mut bounds) = (self.clone(), Bounds(Vec::new()));
        let mut risk = spec.risk.get();
        bounds.number("risk", &mut risk, 0.0001, 0.5, 0.01);
        spec.risk = Ratio::new(risk).unwrap_or_default();
        if !(1..=Self::MAX_HORIZONS).contains(&spec.horizons.len()) {
            let bound = format!("a list of 1 to {} spans", Self::MAX_HORIZONS);
            let value = format!("a list of {}", spec.horizons.len());
            bounds.0.push(SpecError { field: "horizons", value, bound });
            spec.horizons.truncate(Self::MAX_HORIZONS);
            if spec.horizons.is_empty() {
                spec.horizons = Self::default().horizons;
            }
        }
        for horizon in &mut spec.horizons {
            bounds.span("horizons", horizon);
        }
        let p = &mut spec.parameters;
        bounds.number("amount", &mut p.amount, 0.0, 1e30, 0.0);
        bounds.number("phi", &mut p.phi, 0.0, 1.0, 0.9);
        bounds.number("percentile", &mut p.percentile, 0.0, 1.0, 0.99);
        bounds.span("window", &mut p.window);
        bounds.span("warm_up", &mut p.warm_up);
        bounds.number("sigma", &mut p.sigma, 0.0, 1000.0, 5.0);
        bounds.number("decaying_percentile", &mut p.decaying_percentile, 0.0, 1.0, 0.95);
        bounds.span("decaying_half_life", &mut p.decaying_half_life);
        bounds.number("decaying_bucket", &mut p.decaying_bucket, 1e-6, 1e30, 0.025);
        bounds.number("decaying_margin", &mut p.decaying_margin, 0.0, 1000.0, 1.1);
        bounds.span("decaying_warm_up", &mut p.decaying_warm_up);
        bounds.number("ema_weight", &mut p.ema_weight, 0.001, 1.0, 0.2);
        bounds.number("ema_factor", &mut p.ema_factor, 0.0, 1000.0, 1.5);
        (spec, bounds.0)
    }

    /// A predictor that has seen nothing. A setting out of bounds is brought to the nearest bound: configuration
    /// should refuse it before ([`PredictorSpec::mistakes`]).
    #[must_use]
    pub fn build(&self) -> Box<dyn Predictor> {
        let spec = self.bounded().0;
        let p = &spec.parameters;
        match spec.kind {
            PredictorKind::Fixed => Box::new(Scored::new(spec.clone(), Fixed::new(p))),
            PredictorKind::Threshold => Box::new(Scored::new(spec.clone(), Threshold::new(p))),
            PredictorKind::Borg => Box::new(Scored::new(spec.clone(), Borg::new(p))),
            PredictorKind::Percentile => Box::new(Scored::new(spec.clone(), Percentile::new(p))),
            PredictorKind::NSigma => Box::new(Scored::new(spec.clone(), NSigma::new(p))),
            PredictorKind::Max => Box::new(Scored::new(spec.clone(), Max::new(p))),
            PredictorKind::Decaying => Box::new(Scored::new(spec.clone(), Decaying::new(p))),
            PredictorKind::Ema => Box::new(Scored::new(spec.clone(), Ema::new(p))),
            PredictorKind::Calibrated => {
                Box::new(Scored::new(spec.clone(), Calibrated::new(&spec)))
            }
        }
    }

    /// A predictor that continues where [`Predictor::save`] left off, bit for bit.
    ///
    /// The risk may differ from the saved one: `calibrated` keeps its scores and aims at the new risk. Whether the
    /// state is fresh and of this node is for the host to know.
    ///
    /// # Errors
    /// Bytes that are not a state, of another version, damaged, or learned under other settings.
    pub fn restore(&self, saved: &[u8]) -> Result<Box<dyn Predictor>, StateError> {
        let spec = self.bounded().0;
        let (before, body) = state::open(saved)?;
        if (Self { risk: spec.risk, ..before.clone() }) != spec {
            let (saved, asked) = (before.kind.to_string(), spec.kind.to_string());
            return Err(StateError::OtherSettings { saved, asked });
        }
        Ok(match spec.kind {
            PredictorKind::Fixed => Box::new(Scored::<Fixed>::restore(spec, body)?),
            PredictorKind::Threshold => Box::new(Scored::<Threshold>::restore(spec, body)?),
            PredictorKind::Borg => Box::new(Scored::<Borg>::restore(spec, body)?),
            PredictorKind::Percentile => Box::new(Scored::<Percentile>::restore(spec, body)?),
            PredictorKind::NSigma => Box::new(Scored::<NSigma>::restore(spec, body)?),
            PredictorKind::Max => Box::new(Scored::<Max>::restore(spec, body)?),
            PredictorKind::Decaying => Box::new(Scored::<Decaying>::restore(spec, body)?),
            PredictorKind::Ema => Box::new(Scored::<Ema>::restore(spec, body)?),
            PredictorKind::Calibrated => Box::new(Scored::<Calibrated>::restore(spec, body)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for kind in PredictorKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        let error = "nsigma".parse::<PredictorKind>().expect_err("no such name").to_string();
        for kind in PredictorKind::ALL {
            assert!(error.contains(kind.name()), "{error}");
        }
    }

    #[test]
    fn every_mistake_is_named_and_none_breaks_the_build() {
        assert_eq!(PredictorSpec::default().mistakes(), []);
        let spec = PredictorSpec {
            risk: Ratio::from_milli(900),
            horizons: vec![],
            parameters: Parameters {
                phi: f64::NAN,
                window: Span(u64::MAX),
                sigma: -1.0,
                ..Parameters::memory()
            },
            ..PredictorSpec::default()
        };
        let fields: Vec<_> = spec.mistakes().iter().map(|m| m.field).collect();
        assert_eq!(fields, ["risk", "horizons", "phi", "window", "sigma"]);
        for kind in PredictorKind::ALL {
            let built = PredictorSpec { kind, ..spec.clone() }.build();
            assert_eq!(built.horizons().len(), 3);
        }
    }
}
