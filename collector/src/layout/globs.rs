// SPDX-License-Identifier: Apache-2.0
//! Patterns of the operator: they define tasks, or override what another layout says of them.

use super::{Description, Visit};
use crate::error::Error;
use crate::facts::Facts;
use crate::settings::Glob;
use gleaner_estimator::sample::{Allocation, Class};
use globset::{GlobBuilder, GlobMatcher};

/// Names in the deepest path that a pattern with `**` can match: `**` must not walk a whole hierarchy
/// that somebody nested on purpose.
const DEEPEST: usize = 12;

/// The operator's patterns, ready to match.
#[derive(Clone, Debug, Default)]
pub(crate) struct Globs {
    list: Vec<(Vec<Part>, Glob)>,
}

/// One name of a pattern.
#[derive(Clone, Debug)]
enum Part {
    /// `**`: any number of names.
    Any,
    Name(GlobMatcher),
}

impl Globs {
    /// # Errors
    /// A pattern that cannot be understood.
    pub(crate) fn new(globs: &[Glob]) -> Result<Self, Error> {
        let list = globs.iter().map(|glob| Ok((parts(&glob.pattern)?, glob.clone())));
        Ok(Self { list: list.collect::<Result<_, Error>>()? })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The outermost match is the task: what is below it belongs to it.
    pub(super) fn visit(&self, path: &str) -> Visit {
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        if !names.is_empty() && self.list.iter().any(|(parts, _)| matches(parts, &names)) {
            return Visit::Task;
        }
        let deeper =
            names.len() < DEEPEST && self.list.iter().any(|(p, _)| may_match_below(p, &names));
        if deeper { Visit::Descend } else { Visit::Skip }
    }

    /// What is known of a task before its pattern is applied.
    pub(super) fn plain(facts: &Facts) -> Description {
        Description {
            class: Class::System,
            why: String::new(),
            allocation: Allocation { cpu: None, memory: facts.memory_min.or(facts.memory_soft) },
            priority: 0,
            tenant: None,
            labels: Vec::new(),
        }
    }

    /// Applies the first pattern that matches.
    pub(super) fn amend(&self, path: &str, description: &mut Description) {
        if self.list.is_empty() {
            return;
        }
        let names: Vec<&str> = path.split('/').collect();
        let Some((_, glob)) = self.list.iter().find(|(parts, _)| matches(parts, &names)) else {
            return;
        };
        description.class = glob.class;
        description.why = format!("matches the configured pattern {}", glob.pattern);
        description.priority = glob.priority;
        description.allocation.cpu = glob.cpu.or(description.allocation.cpu);
        description.allocation.memory = glob.memory.or(description.allocation.memory);
        if glob.tenant.is_some() {
            description.tenant.clone_from(&glob.tenant);
        }
    }
}

fn parts(pattern: &str) -> Result<Vec<Part>, Error> {
    let bad = |why: String| Error::Pattern { pattern: pattern.to_owned(), why };
    let names: Vec<&str> = pattern.trim_matches('/').split('/').collect();
    if names.iter().any(|name| name.is_empty()) {
        return Err(bad("an empty name".to_owned()));
    }
    if names.len() > DEEPEST {
        return Err(bad(format!("more than {DEEPEST} names")));
    }
    let part = |name: &&str| match *name {
        "**" => Ok(Part::Any),
        name => GlobBuilder::new(name)
            .build()
            .map(|glob| Part::Name(glob.compile_matcher()))
            .map_err(|error| bad(error.kind().to_string())),
    };
    names.iter().map(part).collect()
}

fn matches(parts: &[Part], names: &[&str]) -> bool {
    match (parts.split_first(), names.split_first()) {
        (None, rest) => rest.is_none(),
        (Some((Part::Any, after)), None) => matches(after, names),
        (Some((Part::Any, after)), Some((_, rest))) => {
            matches(after, names) || matches(parts, rest)
        }
        (Some((Part::Name(_), _)), None) => false,
        (Some((Part::Name(glob), after)), Some((name, rest))) => {
            glob.is_match(name) && matches(after, rest)
        }
    }
}

/// Whether something below `names` could match.
fn may_match_below(parts: &[Part], names: &[&str]) -> bool {
    match (parts.split_first(), names.split_first()) {
        (None, _) => false,
        (Some((Part::Any, _)), _) | (Some((Part::Name(_), _)), None) => true,
        (Some((Part::Name(glob), after)), Some((name, rest))) => {
            glob.is_match(name) && may_match_below(after, rest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gleaner_estimator::units::{Bytes, MilliCpus};

    fn glob(pattern: &str, class: Class) -> Glob {
        Glob {
            pattern: pattern.to_owned(),
            class,
            priority: 3,
            tenant: None,
            cpu: None,
            memory: None,
        }
    }

    fn globs(patterns: &[&str]) -> Globs {
        let list: Vec<_> = patterns.iter().map(|p| glob(p, Class::BestEffort)).collect();
        Globs::new(&list).unwrap()
    }

    #[test]
    fn stars_stay_within_a_name_and_the_outermost_match_is_the_task() {
        let globs = globs(&["docker/*", "a/**/job-?"]);
        let (d, t, s) = (Visit::Descend, Visit::Task, Visit::Skip);
        for (path, expected) in [
            ("", d),
            ("docker", d),
            ("docker/abc", t),
            ("docker/abc/def", s),
            ("dockerx", s),
            ("a", d),
            ("a/x/y", d),
            ("a/job-1", t),
            ("a/x/y/job-2", t),
            ("a/x/job-22", d),
        ] {
            assert_eq!(globs.visit(path), expected, "{path}");
        }
        let deep = format!("a/{}", "x/".repeat(DEEPEST));
        assert_eq!(globs.visit(deep.trim_end_matches('/')), Visit::Skip);
    }

    #[test]
    fn the_first_match_overrides() {
        let promise = Glob { cpu: Some(MilliCpus(500)), ..glob("a/b", Class::Guaranteed) };
        let globs = Globs::new(&[promise, glob("a/*", Class::BestEffort)]).unwrap();
        let facts = Facts { memory_min: Some(Bytes(9)), ..Facts::default() };
        let mut said = Globs::plain(&facts);
        globs.amend("a/b", &mut said);
        assert_eq!((said.class, said.priority), (Class::Guaranteed, 3));
        assert_eq!(
            said.allocation,
            Allocation { cpu: Some(MilliCpus(500)), memory: Some(Bytes(9)) }
        );
        let mut other = Globs::plain(&facts);
        globs.amend("b", &mut other);
        assert_eq!(other.class, Class::System);
    }

    #[test]
    fn bad_patterns_are_named() {
        for bad in ["", "a//b", "a/[", "a/{b"] {
            let error = Globs::new(&[glob(bad, Class::System)]).unwrap_err().to_string();
            assert!(error.contains(&format!("pattern {bad:?}")), "{error}");
        }
    }
}
