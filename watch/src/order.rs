// SPDX-License-Identifier: Apache-2.0
//! Best-effort tasks in the order in which they would go, and why each stands before the next, in words.

use gleaner_estimator::reason::Resource;
use gleaner_qos::rank::{Candidate, Cost, Excluded, Relief, Sooner, sooner};
use gleaner_qos::weights::Weights;
use std::sync::{Arc, OnceLock};

/// For CPU, memory and IO: who would go first, in front.
pub type Order = [Vec<Place>; 3];

/// An order that is made when the first one looks at it: most are never looked at.
#[derive(Clone, Debug, Default)]
pub struct Rank {
    weights: Option<Arc<Weights>>,
    order: OnceLock<Order>,
}

impl Rank {
    /// The order that follows from these weights; `None` for an empty one.
    #[must_use]
    pub fn of(weights: Option<Arc<Weights>>) -> Self {
        Self { weights, order: OnceLock::new() }
    }

    /// The order.
    #[must_use]
    pub fn order(&self) -> &Order {
        let rank = |weights: &Arc<Weights>| Resource::ALL.map(|r| places(&weights.ranking(r)));
        self.order.get_or_init(|| self.weights.as_ref().map(rank).unwrap_or_default())
    }
}

/// One task in an order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Its place among the tasks of the snapshot.
    pub index: usize,
    /// Its priority.
    pub priority: i32,
    /// What would come back.
    pub relief: Option<Relief>,
    /// What would be lost.
    pub cost: Cost,
    /// Why it cannot be chosen.
    pub excluded: Option<Excluded>,
    /// Why it stands before the next; `None` for the last.
    pub sooner: Option<Sooner>,
}

/// The places of ranked candidates.
#[must_use]
pub fn places(ranked: &[Candidate]) -> Vec<Place> {
    let next = ranked.iter().skip(1).map(Some).chain([None]);
    let place = |(this, next): (&Candidate, Option<&Candidate>)| Place {
        index: this.index,
        priority: this.priority,
        relief: this.relief,
        cost: this.cost,
        excluded: this.excluded,
        sooner: next.and_then(|next| sooner(this, next)),
    };
    ranked.iter().zip(next).map(place).collect()
}

/// One task's place: its number, from 1, and why it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// `None` for who cannot be chosen.
    pub number: Option<usize>,
    /// In words.
    pub why: String,
}

/// What is said of each task of a snapshot: by resource, `None` for who is not best-effort.
#[must_use]
pub fn said(order: &Order, tasks: usize) -> Vec<[Option<Said>; 3]> {
    let mut all = vec![[None, None, None]; tasks];
    for (resource, places) in order.iter().enumerate() {
        for (number, place) in places.iter().enumerate() {
            if let Some(of) = all.get_mut(place.index) {
                let free = place.excluded.is_none().then_some(number + 1);
                of[resource] = Some(Said { number: free, why: why(place, places.get(number + 1)) });
            }
        }
    }
    all
}

/// The column of a resource in an [`Order`].
#[must_use]
pub fn column(resource: Resource) -> usize {
    Resource::ALL.iter().position(|known| *known == resource).unwrap_or_default()
}

/// Why a task stands before the next, or why it cannot be chosen.
#[must_use]
pub fn why(this: &Place, next: Option<&Place>) -> String {
    match (this.excluded, this.sooner, next) {
        (Some(excluded), _, _) => never(excluded).to_owned(),
        (None, Some(sooner), Some(next)) => before(sooner, this, next),
        (None, _, _) => "no other can be chosen".to_owned(),
    }
}

fn before(sooner: Sooner, this: &Place, next: &Place) -> String {
    match sooner {
        Sooner::Possible => "no other can be chosen".to_owned(),
        Sooner::NotFailed => "the act failed on the next one lately".to_owned(),
        Sooner::Priority => {
            format!("lower priority: {}, the next has {}", this.priority, next.priority)
        }
        Sooner::TenantSpared => "the tenant of the next one was hit lately".to_owned(),
        Sooner::Relief => {
            format!("gives more for the work lost: {}; the next {}", worth(this), worth(next))
        }
        Sooner::Younger => "the younger of equals".to_owned(),
        Sooner::Name => "equal to the next but for the name".to_owned(),
    }
}

/// `3.9 cores for 2.0 min of life and 7.8 min of CPU`.
fn worth(place: &Place) -> String {
    let gives = place.relief.map_or_else(|| "nothing known".to_owned(), amount);
    let spent = place
        .cost
        .cpu_usec
        .map(|usec| gleaner_estimator::units::Span(usec.saturating_mul(1000)).to_string());
    match place.cost.age.zip(spent) {
        Some((age, spent)) => format!("{gives} for {age} of life and {spent} of CPU"),
        None => format!("{gives} for work that nobody knows"),
    }
}

/// What comes, or came, back.
#[must_use]
pub fn amount(relief: Relief) -> String {
    match relief {
        Relief::Cpu(cpu) => format!("{cpu} cores"),
        Relief::Memory(bytes) => bytes.to_string(),
        Relief::Io(share) => format!("{:.0}% of the time", share.get() * 100.0),
    }
}

const fn never(excluded: Excluded) -> &'static str {
    match excluded {
        Excluded::Protected => "never: it is protected",
        Excluded::Unknown => "not now: what it uses is not known",
        Excluded::TooLittle => "not now: it has too little to give",
        Excluded::Leaving => "it is leaving already",
        Excluded::Frozen => "it is frozen already",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gleaner_estimator::sample::TaskId;
    use gleaner_estimator::units::{MilliCpus, Span};

    fn candidate(index: usize, priority: i32, millis: u64, age: u64) -> Candidate {
        let (secs, cpu_usec) = (Span::from_secs(age), age * 1_000_000);
        let lost = secs.secs() * secs.secs();
        Candidate {
            task: TaskId { name: format!("be/{index}").into(), inode: 7 },
            index,
            priority,
            tenant: None,
            relief: Some(Relief::Cpu(MilliCpus(millis))),
            cost: Cost { age: Some(secs), cpu_usec: Some(cpu_usec), lost: Some(lost) },
            score: millis as f64 / (1.0 + lost),
            tenant_hit: false,
            failed: false,
            since: None,
            excluded: None,
        }
    }

    #[test]
    fn each_place_says_why_it_is_before_the_next() {
        let mut last = candidate(0, -5, 1000, 1);
        last.excluded = Some(Excluded::Protected);
        let ranked =
            [candidate(3, -1, 1000, 60), candidate(1, 0, 2000, 2), candidate(2, 0, 2000, 60), last];
        let order = [places(&ranked), Vec::new(), Vec::new()];
        let said = said(&order, 5);
        let of = |index: usize| said[index][0].clone().expect("it is best-effort");
        assert_eq!(
            (of(3).number, of(3).why.as_str()),
            (Some(1), "lower priority: -1, the next has 0")
        );
        assert_eq!(
            of(1).why,
            "gives more for the work lost: 2.0 cores for 2.0 s of life and 2.0 s of CPU; the next 2.0 \
             cores for 60.0 s of life and 60.0 s of CPU"
        );
        assert_eq!((of(2).number, of(2).why.as_str()), (Some(3), "no other can be chosen"));
        assert_eq!((of(0).number, of(0).why.as_str()), (None, "never: it is protected"));
        assert_eq!(said[4], [None, None, None], "not best-effort");
        assert_eq!(said[1][1], None, "nobody was ranked for memory");
    }
}
