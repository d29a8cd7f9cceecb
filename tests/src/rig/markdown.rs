// SPDX-License-Identifier: Apache-2.0
//! The document of a run: `docs/colocation.md`.

use super::judged::{Judged, Split};
use super::report::{About, Calm, GuestRun, Impact, MemoryRun, Percentiles, Reaction, Report, Row};
use super::stats::{Spread, spread};
use std::fmt::Write;

/// What does not depend on the numbers.
const HOW: &str = "\
The words are those of resctl-bench: *isolation* (the guaranteed service keeps the latency that it has alone),
*latency impact* (the ratio to alone), *work conservation* (best-effort work gets the CPU that nobody else wants).

* The service is open-loop: Poisson arrivals drawn from a seed, 1 to 2 ms of CPU each, threads that take them in order.
  A latency counts from the intended arrival, so a server that is held up hides nothing (no coordinated omission).
  Its load is a share of what it can serve alone on this machine.
* Slices of a few seconds, in an order drawn anew for each round: alone, beside best-effort work at equal weights,
  beside it in the kernel's lowest class put there by hand, beside it under `gleaner run` in mode `evict` (everything
  else at its default), best-effort work alone. A ratio compares a slice with the one alone of the same round; the
  table has the median of the rounds and, in brackets, the least and the greatest. p99.9 is over all slices together: one has too few requests for it.
* What was still queued at the end of a slice is worked off and counted.
* *Kept* is the CPU that best-effort work used, as share of what the machine had less what all others used and the
  hypervisor took.
";

/// What the rig cannot say, whatever the numbers.
const LIMITS: &str = "\
* One small machine that others share: neighbours and hypervisor move the service alone from slice to slice by what
  the column *alone* says, and that is the noise of every ratio here. Nothing is known of many cores or SMT.
* Guests run under emulation (TCG): a guest's processor is a thread of the host, and far slower. Their ratios and
  times are indicative, and none is promised from them.
* Memory is run out of in guests only: nobody should do that to a machine that others use.
* systemd-oomd was not compared. It is told which cgroups it may kill by systemd as process 1, over
  `/run/systemd/io.system.ManagedOOM`; process 1 of these guests is the rig's own, so it would watch nothing. With
  systemd it acts on units that ask for it, on swap that is 90 % full or on pressure that lasts 20 s by Debian's
  defaults: no such time is left when memory falls by 150 MiB a second without swap.
* earlyoom knows no cgroups and no classes: it ends the process with the highest `oom_score`. Here that is the
  grower; on a node whose service is larger than it, it is the service.
* Interference in caches and memory bandwidth is not seen by Gleaner and not told apart here: the machine has no
  counters for it. A ratio beside the streamers that stays above that beside the spinners is that.
";

/// What remains judgement, and why the rig does not answer it.
const JUDGEMENT: &str = "\
Still judgement: what heartbeats and locks of the frozen bear (the rig sees how long a queue needs), three recurrences in
five minutes, the cap of a minute on doubled dwell times, the hold-off, the growth multipliers of memory (only that they
sufficed above), and every number for IO. What each of them pulls at is simulated:
[colocation-judgement.md](colocation-judgement.md).
";

/// The document of a report.
#[must_use]
pub fn document(report: &Report) -> String {
    let mut text = String::from(
        "<!-- Written by the rig itself: see the command below. -->\n# Co-location\n\n",
    );
    text += "What best-effort work does to a latency-critical service on the same node, and what Gleaner changes.\n\n";
    text += &about(&report.about);
    text += "\n## How it is measured\n\n";
    text += HOW;
    text += "\n## Isolation, latency impact, work conservation\n\n";
    text += &rows(&report.table);
    text += "\n## From contention to the act\n\n";
    text += "Best-effort work is not in its lowest class here (`qos.standing = \"on_harm\"`), and begins to spin at a \
             random moment. *Seen*: the decision that orders the squeeze begins. *Written*: it is in force, read \
             back. Milliseconds from the onset on the rig's clock, median [least–greatest]. A service that answers \
             requests is harmed grossly, and a tenth of a second shows it. Guaranteed spinners only lose half of each \
             processor: on two, one of them waits 75 % of the time, less than a burst must show \
             (`stall_burst`, 80 %), so most often the signals of a second answer.\n\n";
    let guests = report.guests.iter().flat_map(|guest| &guest.reactions);
    text += &reactions(&report.reactions.iter().chain(guests).cloned().collect::<Vec<_>>());
    text += "\n## Memory runs out, or only seems to\n\n";
    text += &memory(&report.memory);
    text += "\n## Other kernels and layouts, in virtual machines\n\n";
    text += &guests_table(&report.guests);
    text += "\n## Nothing is wrong: false evictions\n\n";
    text += &report.calm.as_ref().map_or_else(|| "Not run.\n".to_owned(), calm);
    text += "\n## Numbers that the design took from judgement\n\n";
    text += &report.judged.as_ref().map_or_else(|| "Not measured.\n\n".to_owned(), judged);
    text += JUDGEMENT;
    text += "\n## What this cannot say\n\n";
    text += LIMITS;
    for missing in &report.missing {
        text += &format!("* Not measured in this run: {missing}.\n");
    }
    text
}

fn about(about: &About) -> String {
    let stolen = about.stolen.map_or_else(String::new, |stolen| {
        format!("; the hypervisor took {} of it", percent_spread(Some(stolen)))
    });
    let built = if about.optimised {
        ""
    } else {
        " **Built without optimisation: no figure here counts.**"
    };
    format!(
        "```sh\ncargo build --release -p gleaner -p gleaner-tests --bins\n{}\n```\n\n\
         {} UTC, Linux {}, {} processors, cgroups {}; load average before the run {}{stolen}. The service has {} \
         threads and serves {:.0} requests a second alone; {} slices of {} s, seed {}.{built}\n",
        about.command,
        about.date,
        about.kernel,
        about.cores,
        about.layout,
        about.load_before,
        about.threads,
        about.capacity,
        about.slices,
        about.slice_s,
        about.seed,
    )
}

fn rows(rows: &[Row]) -> String {
    let mut text = String::from(
        "| load | best-effort | alone p50 / p99 / p99.9 ms | alone, slice p99 against median | without Gleaner: p50 × | p99 × | p99.9 × | kept \
         | lowest class by hand: p50 × | p99 × | p99.9 × | kept | with Gleaner: p50 × | p99 × | p99.9 × | kept | freezes, evictions |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let Percentiles { p50_ms, p99_ms, p999_ms, .. } = row.alone;
        let impact = |of: &Impact| {
            format!(
                "{} | {} | {} | {}",
                ratio_spread(of.p50_ratio),
                ratio_spread(of.p99_ratio),
                ratio(of.p999_ratio),
                percent_spread(of.conserved)
            )
        };
        let _ = writeln!(
            text,
            "| {} % | {} | {p50_ms:.1} / {p99_ms:.1} / {p999_ms:.1} | {} | {} | {} | {} | {} |",
            row.load,
            row.kind.word(),
            ratio_spread(row.alone_p99_spread),
            impact(&row.without),
            impact(&row.class),
            impact(&row.with),
            row.harsh_acts,
        );
    }
    text += "\nCores that best-effort work used alone: ";
    let mut kinds: Vec<(&str, Option<Spread>)> =
        rows.iter().map(|row| (row.kind.word(), row.best_effort_alone_cores)).collect();
    kinds.dedup_by_key(|(word, _)| *word);
    let words = kinds.iter().map(|(word, cores)| format!("{word} {}", ratio_spread(*cores)));
    text + &words.collect::<Vec<_>>().join(", ") + ".\n"
}

fn reactions(all: &[Reaction]) -> String {
    let mut text = String::from(
        "| where | guaranteed group | signal that led | onsets | seen | written | of which ours |\n\
         |---|---|---|---|---|---|---|\n",
    );
    let mut groups: Vec<(&str, &str, &str)> =
        all.iter().map(|r| (&*r.place, &*r.guaranteed, &*r.signal)).collect();
    groups.sort_unstable();
    groups.dedup();
    for (place, guaranteed, signal) in groups {
        let own =
            |r: &&Reaction| (&*r.place, &*r.guaranteed, &*r.signal) == (place, guaranteed, signal);
        let times = |of: fn(&Reaction) -> Option<f64>| {
            let values: Vec<f64> = all.iter().filter(own).filter_map(of).collect();
            ms_spread(spread(&values))
        };
        let _ = writeln!(
            text,
            "| {place} | {guaranteed} | {} | {} | {} | {} | {} |",
            if signal == "none" { "none: not answered" } else { signal },
            all.iter().filter(own).count(),
            times(|r| r.seen_ms),
            times(|r| r.written_ms),
            times(|r| r.ours_ms),
        );
    }
    text
}

fn memory(runs: &[MemoryRun]) -> String {
    if runs.is_empty() {
        return "Not run.\n".to_owned();
    }
    let mut text = String::from(
        "A guest of 768 MiB without swap. The service lives on 128 MiB of page cache, at 30 % of what it can serve; \
         beside it best-effort work takes 150 MiB a second (*growth*) or fills memory with page cache (*cache*). \
         *Late*: requests slower than five times the p99 before. Times from the beginning.\n\n\
         | layout | scenario | watched by | p99 before → after, slowest ms | late | first late | seen | written \
         | gone | signal | ended by | least available, fall, least free | service lives |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let ms = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.0} ms"));
    for run in runs {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.0} → {:.0}, {:.0} | {} of {} | {} | {} | {} | {} | {} | {} | {} MiB, {:.0} MiB/s, {} MiB | {} |",
            run.layout,
            run.scenario,
            run.guard,
            run.before_p99_ms,
            run.after_p99_ms,
            run.after_max_ms,
            run.late,
            run.requests,
            ms(run.first_late_ms),
            ms(run.seen_ms),
            ms(run.written_ms),
            ms(run.gone_ms),
            run.signal.as_deref().unwrap_or("–"),
            run.killer,
            run.least_available_mib,
            run.fall_mib_s,
            run.least_free_mib,
            if run.service_lived { "yes" } else { "**no**" },
        );
    }
    text
}

fn guests_table(guests: &[GuestRun]) -> String {
    if guests.is_empty() {
        return "Not run.\n".to_owned();
    }
    let mut text =
        String::from("Emulated, so only the direction counts. Spinners at one load.\n\n");
    for guest in guests {
        let _ =
            write!(text, "{}, Linux {}:\n\n{}\n", guest.layout, guest.kernel, rows(&guest.table));
    }
    text
}

fn calm(calm: &Calm) -> String {
    let kinds: Vec<&str> = calm.kinds.iter().map(|kind| kind.word()).collect();
    format!(
        "{:.1} minutes, {} decisions, mode `evict`, a service whose load moves between 20 and 70 % beside {}, all at \
         once: **{} evictions**, {} freezes, {} probes. The service: p50 {:.1}, p99 {:.1}, p99.9 {:.1} ms over {} \
         requests. Best-effort work: {}.\n",
        calm.minutes,
        calm.decisions,
        kinds.join(", "),
        calm.evictions,
        calm.freezes,
        calm.probes,
        calm.latency.p50_ms,
        calm.latency.p99_ms,
        calm.latency.p999_ms,
        calm.latency.count,
        if calm.all_lived {
            "all of it still there"
        } else {
            "**not all of it was there in the end**"
        },
    )
}

fn judged(judged: &Judged) -> String {
    let mut text = format!(
        "From the slices above with best-effort work, with and without Gleaner: {} harmed ones (p99 at least twice \
         that alone) and {} unharmed ones (at most 1.4 times). A good threshold has all of the first above it and \
         none of the second.\n\n| number | threshold: harmed above it / unharmed above it |\n|---|---|\n",
        judged.harmed, judged.unharmed
    );
    let parts: [(&str, &[Split]); 3] = [
        ("fall of wait per CPU in a 200 ms probe (`qos.probe.fall`, 30 %)", &judged.probe),
        ("`D` over a slice (`qos.cpu.run_wait_enter` 1.2, `_leave` 0.75)", &judged.run_wait),
        (
            "`E` over a slice (`qos.cpu.stall_excess_enter` 20 %, `_leave` 5 %)",
            &judged.stall_excess,
        ),
    ];
    for (name, splits) in parts {
        let words = splits.iter().map(|split| {
            let (harmed, unharmed) = (share(split.harmed_above), share(split.unharmed_above));
            format!("{:.2}: {harmed} / {unharmed}", split.threshold)
        });
        let _ = writeln!(text, "| {name} | {} |", words.collect::<Vec<_>>().join("; "));
    }
    text += "\nSteal (`qos.cpu.steal`, 5 %): the service alone, by how much of the machine the hypervisor took.\n\n\
             | taken | slices | wait per CPU | p99 against the median of its load |\n|---|---|---|---|\n";
    for stolen in judged.steal.iter().filter(|stolen| stolen.p99_ratio.is_some()) {
        let _ = writeln!(
            text,
            "| {:.0}–{:.0} % | {} | {} | {} |",
            stolen.from * 100.0,
            stolen.to * 100.0,
            stolen.p99_ratio.map_or(0, |spread| spread.count),
            ratio_spread(stolen.wait_per_cpu),
            ratio_spread(stolen.p99_ratio),
        );
    }
    text += "\nFreeze (`qos.budget.freeze`, 10 s): for how long best-effort work would have to stop until the queue \
             that a slice at equal weights left behind is worked off, requests still arriving.\n\n\
             | load | seconds |\n|---|---|\n";
    for backlog in &judged.backlog {
        let _ = writeln!(text, "| {} % | {} |", backlog.load, ratio_spread(backlog.freeze_s));
    }
    text + "\n"
}

fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{:.0} %", value * 100.0))
}

fn ratio(value: f64) -> String {
    match value {
        value if !value.is_finite() => "–".to_owned(),
        value if value >= 10.0 => format!("{value:.0}"),
        value => format!("{value:.2}"),
    }
}

fn ratio_spread(value: Option<Spread>) -> String {
    shown(value, ratio)
}

fn percent_spread(value: Option<Spread>) -> String {
    shown(value, |share| format!("{:.0} %", share * 100.0))
}

fn ms_spread(value: Option<Spread>) -> String {
    shown(value, |ms| format!("{ms:.0}"))
}

fn shown(value: Option<Spread>, number: fn(f64) -> String) -> String {
    value.map_or_else(
        || "–".to_owned(),
        |Spread { median, least, most, .. }| {
            format!("{} [{}–{}]", number(median), number(least), number(most))
        },
    )
}
