// SPDX-License-Identifier: Apache-2.0
//! Squeezes and freezes one cgroup, says so, and waits to be killed: `squeeze JOURNAL NAME INODE LISTING`.

use anyhow::{Context, ensure};
use gleaner_act::clock::{Clock, SystemClock};
use gleaner_act::freezer::Freeze;
use gleaner_act::journal::Journal;
use gleaner_act::outcome::Outcome;
use gleaner_act::place::Places;
use gleaner_act::protect::Protected;
use gleaner_act::quota;
use gleaner_act::setting::Hands;
use gleaner_act::standing::{self, Weights};
use gleaner_act::target::Target;
use gleaner_collector::{Hierarchies, Roots};
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::MilliCpus;
use std::io::{Write, copy, sink, stdin, stdout};
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [journal, name, inode, listing] = &arguments[..] else {
        anyhow::bail!("usage: squeeze JOURNAL NAME INODE LISTING");
    };
    let hierarchies = Hierarchies::read(&Roots::default())?;
    let places = Places { hierarchies, listing: listing.into() };
    let id = TaskId { name: name.as_str().into(), inode: inode.parse()? };
    let target = Target::find(&places, &id)?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let journal = Journal::open(Path::new(journal), boot.trim())?;
    let mut hands = Hands::new(Protected::new(&[], &[]), journal);
    let now = SystemClock.now();
    let deed = standing::cpu(&mut hands, &target, Weights::Ours, None, now);
    ensure!(deed.outcome == Outcome::Done, "standing class: {}", deed.outcome);
    let deed = quota::cap(&mut hands, &target, MilliCpus(300), now);
    ensure!(deed.outcome == Outcome::Done, "quota: {}", deed.outcome);
    let frozen = Freeze::order(&mut hands, &target, now).map_err(|deed| deed.outcome.to_string());
    frozen.map_err(anyhow::Error::msg).context("freeze")?;
    let mut out = stdout();
    out.write_all(b"squeezed\n")?;
    out.flush()?;
    copy(&mut stdin(), &mut sink())?;
    // Nothing is undone on this way out: this program stands for one that was killed.
    Ok(())
}
