// SPDX-License-Identifier: Apache-2.0
//! Limiting a target's disk throughput to a share of what it does now.

use crate::fault::{Fault, Lost};
use crate::held::Held;
use crate::means::Means;
use crate::outcome::Outcome;
use crate::place::Version;
use crate::setting::{Deed, Hands, Setting, outcome};
use crate::slot::Slot;
use crate::target::{Target, Tree};
use gleaner_collector::Controller;
use gleaner_estimator::units::{Ratio, Span, Timestamp};
use std::collections::BTreeMap;

const TREE: Tree = Tree::Of(Controller::Blkio);
/// Throughput is measured over this long before it is limited: shorter than a reader's read-ahead bursts would mislead.
const MEASURE: Span = Span::from_millis(250);
/// No limit is lower: a task that gets nothing cannot end either.
const LEAST_BYTES_PER_SEC: u64 = 1 << 20;
/// Without a limit.
const UNLIMITED: &str = "rbps=max wbps=max riops=max wiops=max";
/// v1 counts the bytes of a cgroup only where it has a limit (6.18), so it gets one that no disk reaches.
const COUNTING: &str = "1099511627776";
/// At most so many disks get one.
const MOST_DISKS: usize = 64;
/// v1: one file a direction.
const V1_FILES: [&str; 2] = ["blkio.throttle.read_bps_device", "blkio.throttle.write_bps_device"];

/// Bytes read and written so far, by device as `major:minor`.
type Totals = BTreeMap<String, [u64; 2]>;

/// A limit that is being measured for.
#[derive(Clone, Debug)]
pub struct Limit {
    target: Target,
    version: Version,
    keep: Ratio,
    since: Timestamp,
    before: Totals,
}

impl Limit {
    /// Begins to measure; the target then keeps the share `keep` of its throughput on each disk that it uses.
    ///
    /// # Errors
    /// What came of it, where it cannot begin.
    pub fn begin(
        hands: &mut Hands,
        target: Target,
        keep: Ratio,
        now: Timestamp,
    ) -> Result<Self, Deed> {
        let lost = |outcome| Deed { means: None, outcome };
        let version = target.version(TREE);
        let version = version.ok_or_else(|| lost(Lost::Unplaced("blkio").into()))?;
        if version == Version::V1 {
            let counting = count(hands, &target);
            hands.means.note(Means::IoLimit, &counting, now);
            if counting != Outcome::Done {
                return Err(Deed { means: Some(Means::IoLimit), outcome: counting });
            }
        }
        let held = hands.enter(&target, TREE).map_err(lost)?;
        let before = totals(&held, version).map_err(|fault| lost(outcome(&held, fault)))?;
        Ok(Self { target, version, keep, since: now, before })
    }

    /// Whom it limits.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// Sets the limits when enough has been measured. `NoEffect` if the target used no disk.
    pub fn poll(&self, hands: &mut Hands, now: Timestamp) -> Option<Deed> {
        let passed = now.since(self.since).filter(|passed| *passed >= MEASURE)?;
        let held = match self.target.enter(TREE) {
            Ok(held) => held,
            Err(lost) => return Some(Deed { means: None, outcome: lost.into() }),
        };
        drop(release(hands, &self.target));
        let rates = match totals(&held, self.version) {
            Ok(after) => rates(&self.before, &after, passed, self.keep),
            Err(fault) => return Some(Deed { means: None, outcome: outcome(&held, fault) }),
        };
        if rates.is_empty() {
            let found = format!("it used no disk for {passed}");
            return Some(Deed { means: None, outcome: Outcome::NoEffect { found } });
        }
        Some(hands.attempt(Means::IoLimit, now, |hands| {
            let settings = rates.iter().flat_map(|(device, rates)| self.settings(device, *rates));
            let outcomes = settings.map(|setting| tighten(hands, &self.target, setting));
            outcomes.reduce(|a, b| if a == Outcome::Done { b } else { a }).unwrap_or(Outcome::Done)
        }))
    }

    fn settings(&self, device: &str, [read, write]: [u64; 2]) -> Vec<Setting> {
        let of = |slot, value| Setting { tree: TREE, slot, value, also: &[] };
        match self.version {
            Version::V2 => {
                let value = format!("rbps={read} wbps={write} riops=max wiops=max");
                vec![of(Slot::line("io.max", device, UNLIMITED), value)]
            }
            Version::V1 => {
                let slots = V1_FILES.map(|file| Slot::line(file, device, "0"));
                slots.into_iter().zip([read, write]).map(|(s, v)| of(s, v.to_string())).collect()
            }
        }
    }
}

/// Sets a limit that no disk reaches on the first disk, to see whether that can be done.
pub(crate) fn try_limit(hands: &mut Hands, target: &Target) -> Outcome {
    match target.version(TREE) {
        None => Lost::Unplaced("blkio").into(),
        Some(Version::V1) => count(hands, target),
        Some(Version::V2) => {
            let Some(disk) = disks().into_iter().next() else {
                return Outcome::NoEffect { found: "this node has no disk".to_owned() };
            };
            let value = format!("rbps={COUNTING} wbps={COUNTING} riops=max wiops=max");
            let slot = Slot::line("io.max", disk, UNLIMITED);
            hands.set(target, &Setting { tree: TREE, slot, value, also: &[] })
        }
    }
}

/// Makes v1 count what a target reads and writes on every disk.
fn count(hands: &mut Hands, target: &Target) -> Outcome {
    let settings = disks().into_iter().flat_map(|disk| {
        V1_FILES.map(|file| Setting {
            tree: TREE,
            slot: Slot::line(file, disk.clone(), "0"),
            value: COUNTING.to_owned(),
            also: &[],
        })
    });
    let outcomes = settings.map(|setting| tighten(hands, target, setting));
    outcomes.reduce(|a, b| if a == Outcome::Done { b } else { a }).unwrap_or(Outcome::Done)
}

/// Every disk of the node that holds anything, as `major:minor`.
fn disks() -> Vec<String> {
    let read = |path: std::path::PathBuf| {
        std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
    };
    let entries = std::fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let used =
        entries.map(|e| e.path()).filter(|disk| read(disk.join("size")).is_some_and(|s| s != "0"));
    used.filter_map(|disk| read(disk.join("dev"))).take(MOST_DISKS).collect()
}

/// Puts back the IO limits that a target had before us, on every device.
pub fn release(hands: &mut Hands, target: &Target) -> Outcome {
    let held = match target.enter(TREE) {
        Ok(held) => held,
        Err(lost) => return lost.into(),
    };
    let limits = |slot: &&Slot| slot.file == "io.max" || V1_FILES.contains(&slot.file.as_ref());
    let here = hands.journal.spots().filter(|(spot, _)| spot.inode == held.inode());
    let slots: Vec<Slot> = here.map(|(spot, _)| &spot.slot).filter(limits).cloned().collect();
    let outcomes = slots.iter().map(|slot| hands.put_back_in(target, TREE, slot));
    outcomes.reduce(|a, b| if a == Outcome::Done { b } else { a }).unwrap_or(Outcome::Done)
}

/// Sets a limit unless the one that somebody else gave it is lower already: of each number the lower counts.
fn tighten(hands: &mut Hands, target: &Target, mut setting: Setting) -> Outcome {
    let held = match hands.enter(target, TREE) {
        Ok(held) => held,
        Err(outcome) => return outcome,
    };
    let found = match setting.slot.read(&held) {
        Ok(found) => found,
        Err(fault) => return outcome(&held, fault),
    };
    let ours = hands.journal.change(&held, &setting.slot).filter(|change| change.is_ours(&found));
    let own = ours.map_or(found.as_str(), |change| change.before.as_str());
    setting.value = lower(own, &setting.value);
    if setting.value == own {
        return hands.put_back_in(target, TREE, &setting.slot);
    }
    hands.set(target, &setting)
}

/// The lower of two limits, number by number: `rbps=1 wbps=max …`, or on v1 one number where 0 is no limit.
fn lower(own: &str, wanted: &str) -> String {
    let number = |word: &str| match word {
        "max" | "0" => u64::MAX,
        digits => digits.parse().unwrap_or(u64::MAX),
    };
    let of = |text: &str, key: &str| -> Option<String> {
        text.split(' ').find_map(|word| word.strip_prefix(key)).map(str::to_owned)
    };
    let words = wanted.split(' ').map(|word| {
        let (key, value) = word.split_at(word.find('=').map_or(0, |at| at + 1));
        let own = of(own, key).unwrap_or_default();
        if number(&own) < number(value) { format!("{key}{own}") } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Bytes a second to keep, by device, for those that were used at all.
fn rates(before: &Totals, after: &Totals, passed: Span, keep: Ratio) -> Totals {
    let kept = |then: u64, now: u64| {
        let micros = (passed.0 / 1000).max(1);
        let per_sec = u128::from(now.saturating_sub(then)) * 1_000_000 / u128::from(micros);
        let per_sec = u64::try_from(per_sec).unwrap_or(u64::MAX);
        gleaner_estimator::units::Amount::share_up(gleaner_estimator::units::Bytes(per_sec), keep)
            .0
            .max(LEAST_BYTES_PER_SEC)
    };
    let zero = [0, 0];
    after
        .iter()
        .map(|(device, now)| (device, before.get(device).unwrap_or(&zero), now))
        .filter(|(_, then, now)| then != now)
        .map(|(device, then, now)| (device.clone(), [kept(then[0], now[0]), kept(then[1], now[1])]))
        .collect()
}

fn totals(held: &Held, version: Version) -> Result<Totals, Fault> {
    Ok(match version {
        Version::V2 => parse_v2(&held.read("io.stat")?),
        Version::V1 => parse_v1(&held.read("blkio.throttle.io_service_bytes_recursive")?),
    })
}

/// `8:0 rbytes=1 wbytes=2 rios=3 …`
fn parse_v2(text: &str) -> Totals {
    let line = |line: &str| {
        let (device, rest) = line.split_once(' ')?;
        let of = |key| rest.split(' ').find_map(|word| word.strip_prefix(key)?.parse().ok());
        Some((device.to_owned(), [of("rbytes=")?, of("wbytes=")?]))
    };
    text.lines().filter_map(line).collect()
}

/// `8:0 Read 1`, `8:0 Write 2`, …, `Total 3`
fn parse_v1(text: &str) -> Totals {
    let mut totals = Totals::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let (Some(device), Some(kind), Some(value)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let place = match kind {
            "Read" => 0,
            "Write" => 1,
            _ => continue,
        };
        if let Ok(value) = value.parse() {
            totals.entry(device.to_owned()).or_default()[place] = value;
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_report_the_same() {
        let v2 = parse_v2("8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n254:1 \n");
        let v1 = parse_v1("8:0 Read 10\n8:0 Write 20\n8:0 Sync 30\n8:0 Total 30\nTotal 30\n");
        assert_eq!(v2, Totals::from([("8:0".to_owned(), [10, 20])]));
        assert_eq!(v1, v2);
    }

    #[test]
    fn half_of_the_throughput_is_kept_and_never_nothing() {
        let totals = |read, write| Totals::from([("8:0".to_owned(), [read, write])]);
        let half = Ratio::from_milli(500);
        let second = Span::from_secs(2);
        let kept = rates(&totals(0, 7), &totals(80 << 20, 7), second, half);
        assert_eq!(kept, totals(20 << 20, LEAST_BYTES_PER_SEC));
        assert!(rates(&totals(5, 7), &totals(5, 7), second, half).is_empty());
    }

    #[test]
    fn a_lower_limit_of_its_own_stays() {
        let wanted = "rbps=100 wbps=100 riops=max wiops=max";
        assert_eq!(lower(UNLIMITED, wanted), wanted);
        let own = "rbps=5 wbps=max riops=max wiops=7";
        assert_eq!(lower(own, wanted), "rbps=5 wbps=100 riops=max wiops=7");
        assert_eq!(lower("0", "100"), "100");
        assert_eq!(lower("50", "100"), "50");
    }
}
