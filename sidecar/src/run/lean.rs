// SPDX-License-Identifier: Apache-2.0
//! Unmaps code and constants that only the start needed. They stay in the page cache, where whoever needs one again finds it.
//!
//! The start reads a command line, a configuration and a layout, and the kernel maps sixteen pages wherever one is touched:
//! more than half of what a daemon has mapped it never looks at again.

use rustix::mm::{Advice, madvise};
use std::ops::Range;

/// Decisions after which the start is over.
const SETTLED: u64 = 5;
/// Decisions between two times: who looked at a page or reloaded has mapped something anew.
const AGAIN: u64 = 3600;

/// Unmaps what is unused, if it is time for it after so many decisions.
pub(super) fn settle(decided: u64) {
    if decided % AGAIN != SETTLED {
        return;
    }
    let Ok(smaps) = std::fs::read_to_string("/proc/self/smaps") else { return };
    for range in mere_files(&smaps) {
        let start = std::ptr::with_exposed_provenance_mut(range.start);
        #[expect(unsafe_code, reason = "no safe call unmaps pages")]
        // SAFETY: nobody can write to this range, and none of its pages differs from its file, so whoever reads it next
        // finds the same bytes.
        let done = unsafe { madvise(start, range.len(), Advice::LinuxDontNeed) };
        if let Err(error) = done {
            tracing::debug!(%error, ?range, "stays mapped");
        }
    }
}

/// Mappings that cannot be written to and have no page that is not their file's own; relocated constants have.
fn mere_files(smaps: &str) -> Vec<Range<usize>> {
    let (mut found, mut last) = (Vec::new(), None);
    for line in smaps.lines() {
        let mut words = line.split_ascii_whitespace();
        match (words.next(), words.next()) {
            (Some("Anonymous:"), Some("0")) => found.extend(last.take()),
            (Some(addresses), Some("r--p" | "r-xp")) => {
                // Behind offset, device and inode stands the path, of a file or in brackets.
                let path = words.nth(3).filter(|path| path.starts_with('/'));
                last = path.and_then(|_| range(addresses));
            }
            (Some(addresses), Some(_)) if range(addresses).is_some() => last = None,
            (_, _) => {}
        }
    }
    found
}

fn range(addresses: &str) -> Option<Range<usize>> {
    let (start, end) = addresses.split_once('-')?;
    let number = |text| usize::from_str_radix(text, 16).ok();
    Some(number(start)?..number(end)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_a_files_own_is_found() {
        let smaps = "\
55d000000000-55d000001000 r--p 00000000 fe:00 1 /usr/bin/gleaner
Size:                  4 kB
Anonymous:             0 kB
55d000001000-55d000003000 r-xp 00001000 fe:00 1 /usr/bin/gleaner (deleted)
Anonymous:             0 kB
55d000003000-55d000004000 r--p 00003000 fe:00 1 /usr/bin/gleaner
Anonymous:             4 kB
55d000004000-55d000005000 rw-p 00004000 fe:00 1 /usr/bin/gleaner
Anonymous:             0 kB
55d000005000-55d000006000 r--p 00000000 00:00 0
Anonymous:             0 kB
7ffe00000000-7ffe00001000 r-xp 00000000 00:00 0 [vdso]
Anonymous:             0 kB
";
        let found = [0x55d0_0000_0000..0x55d0_0000_1000, 0x55d0_0000_1000..0x55d0_0000_3000];
        assert_eq!(mere_files(smaps), found);
        assert!(mere_files("garbage\n-\nff r-xp\nAnonymous: 0 kB\n").is_empty());
    }

    /// KiB mapped of files, and what some constants say.
    fn mapped() -> (u64, String) {
        let status = std::fs::read_to_string("/proc/self/status").expect("the kernel tells it");
        let line = status.lines().find_map(|line| line.strip_prefix("RssFile:"));
        let number = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok());
        (number.expect("a number"), crate::exit::Exit::ALL.map(|exit| format!("{exit:?}")).concat())
    }

    #[test]
    fn what_was_unmapped_reads_as_before() {
        let (before, said) = mapped();
        settle(SETTLED - 1);
        settle(SETTLED + AGAIN);
        let (after, says) = mapped();
        assert_eq!(said, says);
        assert!(after < before, "{before} KiB before, {after} KiB after");
    }
}
