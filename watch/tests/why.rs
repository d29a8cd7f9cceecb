// SPDX-License-Identifier: Apache-2.0
//! The sentence: its words for every bound, and its arithmetic recomputed from its own text.

mod common;

use common::{Numbers, about, decision};
use gleaner_engine::decision::{Health, Mode, ResourceDecision};
use gleaner_estimator::reason::Bound;
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::{Amount, Bytes, MilliCpus, Span};
use gleaner_qos::level::Level;
use gleaner_watch::why::{Why, why};
use proptest::prelude::*;

/// The sentence about CPU.
fn cpu(numbers: Numbers) -> String {
    let [cpu, _] = why(&decision(numbers, Numbers::MEMORY_OFF), &about());
    cpu.sentence
}

#[test]
fn the_terms_of_the_slack() {
    let wireframe = Numbers::WIREFRAME;
    assert_eq!(
        cpu(wireframe),
        "Offering 0.5 more cores; 19.0 are lent. Limit: headroom. 64.0 capacity − 3.2 reserve − 41.3 \
         predicted peak (next 30 min, risk 1%) = 19.5 cores; 19.0 are lent already; 0.5 are left."
    );
    let allocated = Numbers { lend: Lend::Allocated, lent: 9_600, ..wireframe };
    assert_eq!(
        cpu(allocated),
        "Offering 0.5 more cores; 9.6 are lent. Limit: what owners leave unused. 48.0 reserved by \
         owners − 37.9 predicted peak of theirs (next 30 min, risk 1%) = 10.1 cores; 9.6 are lent \
         already; 0.5 are left."
    );
    let capped = Numbers { cap: Some(16_000), lent: 15_550, ..wireframe };
    assert_eq!(
        cpu(capped),
        "Offering 0.400 more cores; 15.550 are lent. Limit: your cap of 16.000 cores \
         (gleaner.toml:12); 15.550 are lent already; 0.450 are left, offered in steps of 0.1. \
         Without it: 19.5."
    );
}

#[test]
fn more_is_taken_than_there_is() {
    let wireframe = Numbers::WIREFRAME;
    assert_eq!(
        cpu(Numbers { lent: 21_000, ..wireframe }),
        "Offering 0; 21.0 cores are lent. Limit: headroom. 64.0 capacity − 3.2 reserve − 41.3 \
         predicted peak (next 30 min, risk 1%) = 19.5 cores; 21.0 are lent already, 1.5 too many."
    );
    assert_eq!(
        cpu(Numbers { peak_system: 30_000, ..wireframe }),
        "Offering 0; 19.0 cores are lent. Limit: headroom. 64.0 capacity − 3.2 reserve − 67.9 \
         predicted peak (next 30 min, risk 1%) = −7.1 cores; 19.0 are lent already, 19.0 too many."
    );
}

#[test]
fn the_ways_of_the_offer() {
    let wireframe = Numbers::WIREFRAME;
    let left = Numbers { lent: 19_200, threshold: 500, ..wireframe };
    assert_eq!(
        cpu(left),
        "Offering 0: 0.3 cores are left, below the threshold of 0.5. 19.2 cores are lent."
    );
    let step = Numbers { lent: 19_300, quantum: 1_000, ..wireframe };
    assert_eq!(
        cpu(step),
        "Offering 0: 0.2 cores are left, less than one step of 1.0. 19.3 cores are lent."
    );
    let rising = Numbers { lent: 0, rise: Some(2_000), ..wireframe };
    assert_eq!(
        cpu(rising),
        "Offering 2.0 of 19.5 more cores; 0.0 are lent. Limit: the rise. The total rises by at most \
         2.0 every 10.0 s, all of it within 90.0 s."
    );
}

#[test]
fn gates_say_why_they_are_closed() {
    let closed = |bound| cpu(Numbers { lent: 0, gate: Some(bound), ..Numbers::WIREFRAME });
    assert_eq!(closed(Bound::Off), "Offering 0: CPU lending is off.");
    assert_eq!(
        closed(Bound::NoSignal),
        "Offering 0: no contention signal for CPU, so calm cannot be known."
    );
    assert_eq!(closed(Bound::HoldOff), "Offering 0: something was just taken back.");
    let mut strained =
        decision(Numbers { gate: Some(Bound::Level), ..Numbers::WIREFRAME }, Numbers::MEMORY_OFF);
    strained.cpu.level = Level::Strained;
    let [cpu, memory] = why(&strained, &about());
    assert_eq!(cpu.sentence, "Offering 0: CPU is strained. 19.0 cores are lent.");
    assert_eq!(memory.sentence, "Offering 0: memory lending is off (gleaner.toml:31).");
}

#[test]
fn cold_stale_and_observing_are_said() {
    let gated = |bound| Numbers { lent: 0, gate: Some(bound), ..Numbers::WIREFRAME };
    let mut said = decision(gated(Bound::Cold), Numbers::MEMORY_OFF);
    said.mode = Mode::Observe;
    said.health = Health::Cold { seen: Span::from_millis(212_900), needed: Span::from_secs(600) };
    let sentence = |d: &_| why(d, &about())[0].sentence.clone();
    assert_eq!(sentence(&said), "Would offer 0: warming up, 212 of 600 s seen.");
    let mut said = decision(gated(Bound::Stale), Numbers::MEMORY_OFF);
    let failed = |since_good| Health::Failed { why: "/proc/stat: EIO".to_owned(), since_good };
    said.health = failed(Some(Span::from_millis(4_200)));
    assert_eq!(
        sentence(&said),
        "Offering 0: last good reading 4.2 s ago, limit 3.0 s: /proc/stat: EIO."
    );
    said.health = failed(None);
    assert_eq!(sentence(&said), "Offering 0: no good reading yet: /proc/stat: EIO.");
}

/// The numbers of a text in thousandths, brackets left out; `−` before a number is its sign.
fn numbers(text: &str) -> Vec<i64> {
    let mut outside = String::new();
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 => outside.push(c),
            _ => {}
        }
    }
    outside.split_whitespace().filter_map(thousandths).collect()
}

fn thousandths(word: &str) -> Option<i64> {
    let word = word.trim_end_matches(['.', ',', ';']);
    let (sign, digits) = word.strip_prefix('−').map_or((1, word), |rest| (-1, rest));
    let (whole, decimals) = digits.split_once('.')?;
    let padded = format!("{decimals:0<3}");
    Some(sign * (whole.parse::<i64>().ok()? * 1000 + padded.parse::<i64>().ok()?))
}

/// Checks `text`'s sum against itself, and each of its numbers against the truth.
fn adds_up<Q: Amount>(text: &str, r: &ResourceDecision<Q>, terms: &[Q], one: f64) {
    let found = numbers(text);
    assert!(found.len() >= terms.len() + 2, "{text}");
    let (printed, rest) = found.split_at(terms.len());
    let minus: i64 = printed[1..].iter().sum();
    let (result, rest) = match terms.len() {
        1 => (printed[0], rest),
        _ => (rest[0], &rest[1..]),
    };
    assert_eq!(printed[0] - minus, result, "{text}");
    let (lent, left) = (rest[0], rest[1]);
    let left = if text.contains("too many") { -left } else { left };
    assert_eq!(result.max(0) - lent, left, "{text}");
    // One decimal may be off by half a tenth; three by the two thousandths that rounding moves.
    let short = text.split_whitespace().any(|word| {
        thousandths(word).is_some()
            && word.trim_end_matches(['.', ',', ';']).split('.').next_back().map(str::len)
                == Some(1)
    });
    let within = if short { 51.0 } else { 2.001 };
    let close = |printed: i64, raw: f64| {
        assert!(
            (printed as f64 - raw / one * 1000.0).abs() <= within,
            "{printed} of {raw}: {text}"
        );
    };
    for (printed, term) in printed.iter().zip(terms) {
        close(*printed, term.raw() as f64);
    }
    close(lent, r.lent.raw() as f64);
    let truth = terms[1..].iter().fold(terms[0].raw() as f64, |rest, q| rest - q.raw() as f64);
    close(left, truth.max(0.0) - r.lent.raw() as f64);
}

fn check<Q: Amount>(why: &Why, r: &ResourceDecision<Q>, one: f64) {
    let peak = r.peak.expect("always predicted here");
    let sums = [
        (Bound::Headroom, vec![r.capacity, r.reserve, peak.node]),
        (Bound::UsageSlack, vec![r.allocated.guaranteed, peak.guaranteed]),
        (Bound::Cap, vec![r.slack]),
    ];
    let Some((_, terms)) = sums.into_iter().find(|(bound, _)| Some(*bound) == why.bound) else {
        return check_comparison(why, r);
    };
    let sum = why.limit.split(" Without it").next().expect("there is always a first");
    let sum = sum.split(", offered in steps").next().expect("there is always a first");
    adds_up(sum, r, &terms, one);
    let line = why.line.split(", offered in steps").next().expect("there is always a first");
    adds_up(line, r, &terms, one);
    // The headline and the sum print the same number for what is lent.
    let headline = numbers(&why.headline);
    assert!(numbers(sum).contains(headline.last().expect("lent")), "{}", why.sentence);
    if r.offer.amount.raw() > 0 && r.offer.amount == r.slack.less(r.lent) {
        assert_eq!(numbers(sum).last(), headline.first(), "{}", why.sentence);
    }
}

/// What is said to be less also prints less.
fn check_comparison<Q: Amount>(why: &Why, r: &ResourceDecision<Q>) {
    let compares = why.bound == Some(Bound::Rise)
        || why.bound == Some(Bound::Threshold) && r.slack.less(r.lent) < r.threshold;
    let found = numbers(&why.headline);
    assert!(!compares || found[0] < found[1], "{}", why.headline);
}

fn any_numbers(most: u64) -> impl Strategy<Value = Numbers> {
    // Round numbers as operators write them, and odd ones as predictors make them.
    let amount = move || prop_oneof![0..=most, (0..=100_u64).prop_map(move |p| most / 100 * p)];
    let lend = prop_oneof![Just(Lend::Allocated), Just(Lend::Headroom)];
    let first = (amount(), amount(), proptest::option::of(amount()), lend, amount(), amount());
    let then = (amount(), amount(), 0..=most / 64, 0..=most / 64, proptest::option::of(amount()));
    (first, then).prop_map(|(a, b)| Numbers {
        capacity: a.0,
        reserve: a.1 / 10,
        cap: a.2,
        lend: a.3,
        allocated: a.4,
        peak_guaranteed: a.5 / 2,
        peak_system: b.0 / 4,
        lent: b.1 / 4,
        threshold: b.2,
        quantum: b.3,
        rise: b.4,
        gate: None,
    })
}

proptest! {
    #[test]
    fn every_sentence_adds_up_as_printed(cpu in any_numbers(256_000), memory in any_numbers(2 << 40)) {
        let decision = decision(cpu, memory);
        let [cpu, memory] = why(&decision, &about());
        check::<MilliCpus>(&cpu, &decision.cpu, 1e3);
        check::<Bytes>(&memory, &decision.memory, f64::from(1 << 30));
    }

    #[test]
    fn every_sentence_speaks_of_every_bound(gate in 0..Bound::ALL.len(), n in any_numbers(256_000)) {
        let gated = Numbers { gate: Some(Bound::ALL[gate]), ..n };
        for said in why(&decision(gated, gated), &about()) {
            prop_assert!(said.sentence.ends_with('.'), "{}", said.sentence);
            prop_assert!(!said.line.is_empty());
            for word in ["gleaner_", "usage_slack", "NaN", "inf"] {
                prop_assert!(!said.sentence.contains(word), "{}", said.sentence);
            }
        }
    }
}
