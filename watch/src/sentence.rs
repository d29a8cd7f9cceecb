// SPDX-License-Identifier: Apache-2.0
//! The words for what bound an offer: one template per bound. Says "cores", "GiB" and "owners", no metric names.

use crate::about::About;
use crate::figure::{Figure, Sum, alone, ordered};
use crate::harm;
use gleaner_engine::decision::{Decision, Health, Mode, ResourceDecision};
use gleaner_estimator::reason::Bound;
use gleaner_estimator::units::Span;

/// What is said of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// What is offered, and what is lent.
    pub(crate) headline: String,
    /// The arithmetic behind it; empty where the headline says it all.
    pub(crate) limit: String,
    /// Both on one short line.
    pub(crate) line: String,
}

/// Says why no more of a resource is offered.
pub(crate) fn say<Q: Figure>(
    decision: &Decision,
    resource: &ResourceDecision<Q>,
    about: &About,
) -> Said {
    let verb = match decision.mode {
        Mode::Observe => "Would offer",
        Mode::Squeeze | Mode::Evict => "Offering",
    };
    match resource.offer.bound {
        Bound::Headroom => headroom(verb, resource),
        Bound::UsageSlack => usage_slack(verb, resource),
        Bound::Cap => cap(verb, resource, about),
        Bound::Rise => rise(verb, resource),
        Bound::Threshold => closed(verb, resource, &threshold(resource)),
        Bound::Off => {
            let place = about.place(&format!("{}.enabled", Q::SECTION));
            closed(verb, resource, &format!("{} lending is off{place}", Q::NAME))
        }
        Bound::Cold => closed(verb, resource, &cold(&decision.health)),
        Bound::Stale => closed(verb, resource, &stale(&decision.health, about.stale_after)),
        Bound::NoSignal => {
            let why = format!("no contention signal for {}, so calm cannot be known", Q::NAME);
            closed(verb, resource, &why)
        }
        Bound::Level => {
            let said = harm::of_level(decision, Q::RESOURCE, Q::NAME);
            let plain = || format!("{} is {}", Q::NAME, resource.level.word());
            closed(verb, resource, &said.unwrap_or_else(plain))
        }
        Bound::HoldOff => {
            let said = harm::until(decision, Q::RESOURCE);
            let plain = || "something was just taken back".to_owned();
            closed(verb, resource, &said.unwrap_or_else(plain))
        }
    }
}

/// Nothing is offered for a reason that needs no sum.
fn closed<Q: Figure>(verb: &str, resource: &ResourceDecision<Q>, why: &str) -> Said {
    let lent = match resource.lent.raw() {
        0 => String::new(),
        _ => format!(" {} {} are lent.", alone(resource.lent), Q::UNIT),
    };
    Said {
        headline: format!("{verb} 0: {why}.{lent}"),
        limit: String::new(),
        line: format!("{why}.{lent}"),
    }
}

fn headroom<Q: Figure>(verb: &str, r: &ResourceDecision<Q>) -> Said {
    let Some(peak) = r.peak else {
        return closed(verb, r, "the peak cannot be predicted yet");
    };
    let sum = Sum::of(r.capacity, &[r.reserve, peak.node], r.lent, r.offer.amount);
    let (first, reserve, node) = (sum.first, sum.less[0], sum.less[1]);
    let terms = format!("{first} capacity − {reserve} reserve − {node} predicted peak");
    let horizon = format!("(next {}, risk {})", peak.horizon, r.risk);
    summed(verb, r, &sum, &format!("Limit: headroom. {terms} {horizon}"), &terms)
}

fn usage_slack<Q: Figure>(verb: &str, r: &ResourceDecision<Q>) -> Said {
    let Some(peak) = r.peak else {
        return closed(verb, r, "the peak of owners cannot be predicted yet");
    };
    let sum = Sum::of(r.allocated.guaranteed, &[peak.guaranteed], r.lent, r.offer.amount);
    let terms =
        format!("{} reserved by owners − {} predicted peak of theirs", sum.first, sum.less[0]);
    let horizon = format!("(next {}, risk {})", peak.horizon, r.risk);
    let limit = format!("Limit: what owners leave unused. {terms} {horizon}");
    summed(verb, r, &sum, &limit, &terms)
}

fn cap<Q: Figure>(verb: &str, r: &ResourceDecision<Q>, about: &About) -> Said {
    let sum = Sum::of(r.slack, &[], r.lent, r.offer.amount);
    let place = about.place(&format!("{}.cap", Q::SECTION));
    let without = alone(r.usage_slack.map_or(r.headroom, |slack| slack.min(r.headroom)));
    let limit = format!(
        "Limit: your cap of {} {}{place}; {}. Without it: {without}.",
        sum.first,
        Q::UNIT,
        tail(r, &sum, " are"),
    );
    let line = format!("cap of {}; {}.", sum.first, tail(r, &sum, ""));
    Said { headline: headline(verb, r, &sum), limit, line }
}

fn summed<Q: Figure>(
    verb: &str,
    r: &ResourceDecision<Q>,
    sum: &Sum,
    limit: &str,
    line: &str,
) -> Said {
    Said {
        headline: headline(verb, r, sum),
        limit: format!("{limit} = {} {}; {}.", sum.result, Q::UNIT, tail(r, sum, " are")),
        line: format!("{line} = {}; {}.", sum.result, tail(r, sum, "")),
    }
}

fn headline<Q: Figure>(verb: &str, r: &ResourceDecision<Q>, sum: &Sum) -> String {
    match r.offer.amount.raw() {
        0 => format!("{verb} 0; {} {} are lent.", sum.lent, Q::UNIT),
        _ => format!("{verb} {} more {}; {} are lent.", sum.offer, Q::UNIT, sum.lent),
    }
}

/// What is lent of the result and what is left: `19.0 are lent already; 0.5 are left`.
fn tail<Q: Figure>(r: &ResourceDecision<Q>, sum: &Sum, are: &str) -> String {
    let already = if are.is_empty() { "" } else { " already" };
    let lent = format!("{}{are} lent{already}", sum.lent);
    if sum.left.is_negative() {
        return format!("{lent}, {} too many", sum.left.magnitude());
    }
    let steps = match r.offer.amount < r.slack.less(r.lent) && r.quantum.raw() > 0 {
        true => format!(", offered in steps of {}", step(r.quantum)),
        false => String::new(),
    };
    format!("{lent}; {}{are} left{steps}", sum.left)
}

fn rise<Q: Figure>(verb: &str, r: &ResourceDecision<Q>) -> Said {
    let (amount, target) = ordered(r.offer.amount, r.offer.target);
    let missing = r.offer.target.less(r.offer.amount).raw();
    let pace = r.rise.filter(|rise| rise.raw() > 0).map(|rise| {
        let steps = missing.div_ceil(rise.raw());
        let last = Span(r.rise_every.0.saturating_mul(steps));
        format!("by at most {} every {}, all of it within {last}", step(rise), r.rise_every)
    });
    let pace = pace.unwrap_or_else(|| "in steps".to_owned());
    let (unit, lent) = (Q::UNIT, alone(r.lent));
    Said {
        headline: format!("{verb} {amount} of {target} more {unit}; {lent} are lent."),
        limit: format!("Limit: the rise. The total rises {pace}."),
        line: format!("{amount} of {target}: the total rises {pace}."),
    }
}

fn threshold<Q: Figure>(r: &ResourceDecision<Q>) -> String {
    let free = r.slack.less(r.lent);
    let (bar, word) = match free < r.threshold {
        true => (r.threshold, "below the threshold of"),
        false => (r.quantum, "less than one step of"),
    };
    let (left, bar) = ordered(free, bar);
    format!("{left} {} are left, {word} {bar}", Q::UNIT)
}

fn cold(health: &Health) -> String {
    match health {
        Health::Cold { seen, needed } => {
            format!("warming up, {} of {:.0} s seen", seen.secs().floor(), needed.secs().ceil())
        }
        Health::Fresh | Health::Failed { .. } => "warming up".to_owned(),
    }
}

fn stale(health: &Health, limit: Span) -> String {
    match health {
        Health::Failed { why, since_good: Some(ago) } => {
            format!("last good reading {ago} ago, limit {limit}: {why}")
        }
        Health::Failed { why, since_good: None } => format!("no good reading yet: {why}"),
        Health::Fresh | Health::Cold { .. } => "the last reading is too old".to_owned(),
    }
}

/// An amount that is no term of a sum, in the unit a person would write: `0.1`, `64.0 MiB`.
fn step<Q: Figure>(amount: Q) -> String {
    amount.to_string()
}
