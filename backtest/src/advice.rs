// SPDX-License-Identifier: Apache-2.0
//! What to write into the configuration, and what to expect of it, as plain sentences.

use crate::report::{cheapest, percent};
use crate::study::{Line, TraceResult};
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Ratio, Span};

/// Fewer violations than this expected at the target, and the achieved rate says little.
const FEW: f64 = 5.0;
/// A rate above this multiple of the target is a promise not kept.
const BROKEN: f64 = 2.0;

/// The advice for one trace, resource and horizon; `None` where nothing was judged.
#[must_use]
pub fn advice(
    result: &TraceResult,
    resource: Resource,
    horizon: Span,
    target: Ratio,
) -> Option<String> {
    let all: Vec<Line<'_>> = result.curve(resource, horizon).collect();
    let (ours, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|line| line.setting.kind == PredictorKind::Calibrated);
    let Some(best) = cheapest(&ours, target).or_else(|| calmest(&ours)) else {
        return cheapest(&others, target).or_else(|| calmest(&others)).map(|line| plainly(&line));
    };
    let mut text =
        format!("Set `{}.risk = \"{}\"`: {}", resource.word(), best.risk, expected(&best));
    if best.tally.score.violation_rate() > target.get() {
        text.push_str(&format!(" No risk that was tried keeps {target} here."));
    }
    if let Some(other) = cheapest(&others, target) {
        let (mine, theirs) = (best.tally.score.savings(), other.tally.score.savings());
        let than = if theirs > mine { "more, but only with hindsight" } else { "less" };
        text.push_str(&format!(
            " The best other setting, `{}`, would have lent {than}: {}.",
            other.setting.label(),
            percent(theirs, 1)
        ));
    }
    text.push_str(&doubts(&best, target));
    Some(text)
}

/// The line that violates least; of equal ones the one that saves most.
fn calmest<'a>(lines: &[Line<'a>]) -> Option<Line<'a>> {
    let key = |line: &Line<'_>| {
        let score = &line.tally.score;
        (score.violation_rate(), -score.savings())
    };
    let order = |a: &&Line<'a>, b: &&Line<'a>| {
        let ((a, more), (b, less)) = (key(a), key(b));
        a.total_cmp(&b).then(more.total_cmp(&less))
    };
    lines.iter().min_by(order).copied()
}

fn plainly(line: &Line<'_>) -> String {
    format!("With `{}`: {}", line.setting.label(), expected(line))
}

/// What would have come of a line.
fn expected(line: &Line<'_>) -> String {
    let score = &line.tally.score;
    let mut text = format!(
        "{} of the {} that was promised could have been lent, and the peak within {} would have exceeded the \
         prediction in {} of the intervals",
        percent(score.savings(), 1),
        noun(line.resource),
        line.horizon,
        percent(score.violation_rate(), 2),
    );
    if let Some(worst) = score.worst_machine.filter(|_| score.machines > 1) {
        text.push_str(&format!(
            " ({} on the worst machine, number {worst})",
            percent(score.worst, 2)
        ));
    }
    if score.violations > 0 {
        let each = score.severity() * score.intervals as f64 / score.violations as f64;
        text.push_str(&format!(", by {} of the peak when it did", percent(each, 0)));
    }
    text.push('.');
    text
}

const fn noun(resource: Resource) -> &'static str {
    match resource {
        Resource::Cpu => "CPU",
        Resource::Memory => "memory",
        Resource::Io => "IO",
    }
}

/// Reasons not to rely on it.
fn doubts(line: &Line<'_>, target: Ratio) -> String {
    let score = &line.tally.score;
    let mut text = String::new();
    if score.worst > BROKEN * target.get() && score.machines > 1 {
        text.push_str(&format!(
            " On the worst machine that is more than twice the {target} aimed at: ask for a smaller risk where \
             nodes like it matter."
        ));
    }
    // Predictions whose horizons overlap share their peak: only one a horizon counts as an outcome of its own.
    let outcomes = line.tally.seconds as f64 / line.horizon.secs().max(1.0);
    if outcomes.min(score.intervals as f64) * target.get() < FEW {
        text.push_str(&format!(
            " With {outcomes:.0} independent outcomes this says little about a risk of {target}: record for longer."
        ));
    }
    text
}
