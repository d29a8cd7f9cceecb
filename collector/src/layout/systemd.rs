// SPDX-License-Identifier: Apache-2.0
//! Services and scopes of systemd: `system.slice`, `machine.slice`, `user.slice` and a best-effort slice.
//!
//! The task is the outermost service or scope: slices are entered, a unit is not, since what a unit
//! delegates (a user manager, a container engine) is its own affair.
//!
//! # Classes
//! * Everything below the best-effort slice is best-effort. To lend to something is to put it there.
//! * Services and scopes of `system.slice` and `machine.slice` are guaranteed: they are what the node is
//!   for, and only in a guaranteed task can harm be measured. A node whose services counted as "the rest"
//!   would have no signal, and so would never be calm enough to lend anything.
//! * `user.slice` is people at work: it counts as use of the node, is never corrected, and its own
//!   queueing (a compiler at full load) is no harm to anybody else. Class `System`.
//!
//! A pattern of the configuration can say otherwise of any of them.
//!
//! # Promises
//! `MemoryMin=`, else `MemoryLow=`, is a promise of memory. `CPUWeight=` is a share of whatever there is
//! and `CPUQuota=` a limit; neither promises an amount, so CPU is `None` unless a pattern states it.

use super::{Description, Visit, base, leads_to};
use crate::facts::Facts;
use gleaner_estimator::sample::{Allocation, Class};

/// Slices whose units are tasks.
pub(crate) const SLICES: [&str; 3] = ["system.slice", "machine.slice", "user.slice"];

/// The layout of one systemd.
#[derive(Clone, Debug)]
pub(crate) struct Systemd {
    best_effort: String,
}

impl Systemd {
    /// `slice` is a unit name (`batch-low.slice` lies in `batch.slice`) or a path with a `/`.
    pub(crate) fn new(slice: &str) -> Self {
        Self { best_effort: slice_path(slice) }
    }

    /// Path of the best-effort slice.
    pub(crate) fn best_effort(&self) -> &str {
        &self.best_effort
    }

    fn is_best_effort(&self, path: &str) -> bool {
        leads_to(&self.best_effort, path)
    }

    pub(super) fn visit(&self, path: &str) -> Visit {
        if path == self.best_effort || leads_to(path, &self.best_effort) {
            return Visit::Descend;
        }
        let is_slice = base(path).strip_suffix(".slice").is_some();
        let is_unit = [".service", ".scope"].iter().any(|kind| base(path).ends_with(kind));
        let ours = SLICES.iter().any(|slice| path == *slice || leads_to(slice, path));
        match (self.is_best_effort(path), is_slice, is_unit) {
            (true, true, _) => Visit::Descend,
            // Not only units: on a node without systemd people make groups there by hand.
            (true, false, _) => Visit::Task,
            (false, true, _) if ours => Visit::Descend,
            (false, false, true) if ours => Visit::Task,
            (false, ..) => Visit::Skip,
        }
    }

    pub(super) fn describe(&self, path: &str, facts: &Facts) -> Description {
        let slice = path.rsplit_once('/').map_or("", |(slice, _)| slice);
        let (class, why) = if self.is_best_effort(path) {
            (Class::BestEffort, format!("below {}", self.best_effort))
        } else if leads_to("user.slice", path) {
            (Class::System, "below user.slice: use of the node, nobody's promise".to_owned())
        } else {
            (Class::Guaranteed, format!("unit of {slice}"))
        };
        Description {
            class,
            why,
            allocation: Allocation { cpu: None, memory: facts.memory_min.or(facts.memory_soft) },
            priority: 0,
            tenant: Some(base(slice).to_owned()),
            labels: vec![("unit".to_owned(), base(path).to_owned())],
        }
    }
}

/// Where systemd puts a slice: `a-b.slice` is `a.slice/a-b.slice`.
fn slice_path(slice: &str) -> String {
    let Some(name) = slice.strip_suffix(".slice").filter(|name| !name.contains('/')) else {
        return slice.trim_matches('/').to_owned();
    };
    let ends = name.match_indices('-').map(|(at, _)| at).chain([name.len()]);
    ends.map(|end| format!("{}.slice", &name[..end])).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use gleaner_estimator::units::Bytes;

    #[test]
    fn slices_are_entered_and_units_are_tasks() {
        let systemd = Systemd::new("besteffort.slice");
        let (d, t, s) = (Visit::Descend, Visit::Task, Visit::Skip);
        for (path, expected) in [
            ("", d),
            ("system.slice", d),
            ("system.slice/nginx.service", t),
            ("system.slice/nginx.service/worker", s),
            ("system.slice/system-getty.slice", d),
            ("system.slice/system-getty.slice/getty@tty1.service", t),
            ("system.slice/boot.mount", s),
            ("user.slice/user-1000.slice/user@1000.service", t),
            ("machine.slice/machine-vm.scope", t),
            ("besteffort.slice", d),
            ("besteffort.slice/job", t),
            ("besteffort.slice/besteffort-low.slice", d),
            ("besteffort.slice/besteffort-low.slice/job.scope", t),
            ("init.scope", s),
            ("besteffort.slicer", s),
        ] {
            assert_eq!(systemd.visit(path), expected, "{path}");
        }
    }

    #[test]
    fn a_slice_lies_where_its_name_says() {
        assert_eq!(
            slice_path("batch-low-night.slice"),
            "batch.slice/batch-low.slice/batch-low-night.slice"
        );
        assert_eq!(slice_path("batch.slice"), "batch.slice");
        assert_eq!(slice_path("/system.slice/own"), "system.slice/own");
        let nested = Systemd::new("batch-low.slice");
        assert_eq!(nested.visit("batch.slice"), Visit::Descend);
        assert_eq!(nested.visit("batch.slice/other.service"), Visit::Skip);
        assert_eq!(nested.visit("batch.slice/batch-low.slice/x.service"), Visit::Task);
    }

    #[test]
    fn classes_are_an_operators() {
        let systemd = Systemd::new("besteffort.slice");
        let facts = Facts { memory_soft: Some(Bytes(7)), ..Facts::default() };
        let class = |path| systemd.describe(path, &facts).class;
        assert_eq!(class("besteffort.slice/job.service"), Class::BestEffort);
        assert_eq!(class("system.slice/nginx.service"), Class::Guaranteed);
        assert_eq!(class("user.slice/user-0.slice/session-1.scope"), Class::System);
        let said = systemd.describe("system.slice/nginx.service", &facts);
        assert_eq!(said.allocation, Allocation { cpu: None, memory: Some(Bytes(7)) });
        assert_eq!(said.tenant.as_deref(), Some("system.slice"));
    }
}
