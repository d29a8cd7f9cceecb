// SPDX-License-Identifier: Apache-2.0
//! Whether a target holds the same processes in two hierarchies: a name alone does not make it so on v1 and hybrid.
//!
//! A freeze or a kill works on the processes of one hierarchy. If those are more than the target's, others would be
//! hit; if they are fewer, some would be missed.

use crate::fault::Lost;
use crate::target::{Target, Tree};
use std::collections::BTreeSet;

/// How the processes of a tree compare with the target's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cover {
    /// They are the same.
    Same,
    /// Some of the target are not in that tree, and none there is a stranger.
    Partial(BTreeSet<i32>),
    /// This one is there and is not the target's.
    Foreign(i32),
}

/// Compares the processes of `tree` with those of the identity.
///
/// A fork puts a child into all hierarchies at once, and lists are read one after another. So only a process that is in
/// one list before and after it is missing in the other is believed.
pub(crate) fn cover(target: &Target, tree: Tree) -> Result<Cover, Lost> {
    let there = target.enter(tree)?;
    let own = target.enter(Tree::Identity)?;
    if there.path() == own.path() {
        return Ok(Cover::Same);
    }
    let in_tree = || there.members().map(|m| m.pids).map_err(|fault| there.judge(fault));
    let in_own = || own.members().map(|m| m.pids).map_err(|fault| own.judge(fault));
    let lists = [in_tree()?, in_own()?, in_tree()?, in_own()?];
    Ok(compare(&lists))
}

/// The tree's processes, the target's, and both again.
fn compare([tree, own, tree_again, own_again]: &[BTreeSet<i32>; 4]) -> Cover {
    let stays = |pid: &&i32| tree_again.contains(*pid);
    if let Some(foreign) = tree.difference(own).find(stays) {
        return Cover::Foreign(*foreign);
    }
    let missing: BTreeSet<i32> =
        own.difference(tree_again).filter(|pid| own_again.contains(pid)).copied().collect();
    if missing.is_empty() { Cover::Same } else { Cover::Partial(missing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(lists: [&[i32]; 4]) -> Cover {
        compare(&lists.map(|list| list.iter().copied().collect()))
    }

    #[test]
    fn births_and_deaths_between_two_lists_are_no_difference() {
        assert_eq!(compared([&[1, 2], &[1, 2, 3], &[1, 2, 3], &[1, 2, 3]]), Cover::Same);
        assert_eq!(compared([&[1, 2], &[2], &[2], &[2]]), Cover::Same);
        assert_eq!(compared([&[1, 2], &[1, 2], &[1], &[1]]), Cover::Same);
    }

    #[test]
    fn a_stranger_and_a_missing_one_are_told_apart() {
        assert_eq!(compared([&[1, 9], &[1], &[1, 9], &[1]]), Cover::Foreign(9));
        assert_eq!(compared([&[1], &[1, 4], &[1], &[1, 4]]), Cover::Partial([4].into()));
        assert_eq!(compared([&[], &[4], &[], &[4]]), Cover::Partial([4].into()));
    }
}
