// SPDX-License-Identifier: Apache-2.0
//! Writes `docs/colocation-judgement.md`: what the numbers that nobody measured are worth in the simulator.
//!
//! `cargo run -p gleaner-tests --example judgement [SEEDS]`

use gleaner_tests::sim::{Knob, Plan, Summary, Weather, run};
use std::fmt::Write as _;

/// Simulated seconds of a seed.
const SECS: u64 = 150;

/// What one value came to.
#[derive(Default)]
struct Row {
    false_acts: usize,
    freezes: u64,
    evictions: u64,
    probes: u64,
    lasted: [Vec<f64>; 3],
    frozen: f64,
    lent_used: f64,
    lent_to: u64,
    broken: usize,
}

impl Row {
    fn add(&mut self, sum: Summary) {
        let named = |name| sum.broken.iter().filter(move |b| **b == name).count();
        self.false_acts += named("only measured harm");
        // A check goes on to notice with every moment: once a run is enough.
        self.broken += usize::from(named("harm is answered") > 0);
        self.freezes += sum.freezes;
        self.evictions += sum.evictions;
        self.probes += sum.probes;
        self.frozen += sum.frozen;
        self.lent_used += sum.lent_used;
        self.lent_to += sum.lent_to;
        for (all, these) in self.lasted.iter_mut().zip(sum.lasted) {
            all.extend(these);
        }
    }

    fn line(&mut self, value: &str) -> String {
        let [cpu, memory] = [0, 1].map(|i| {
            let list = &mut self.lasted[i];
            list.sort_by(f64::total_cmp);
            let at = |percent: usize| list.get(list.len() * percent / 100).copied().unwrap_or(0.0);
            format!("{:.1} / {:.1}", at(50), at(95))
        });
        format!(
            "| {value} | {} | {} | {} | {} | {cpu} | {memory} | {:.0} | {} | {} |",
            self.false_acts,
            self.probes,
            self.freezes,
            self.evictions,
            self.frozen,
            self.lent_to,
            self.broken
        )
    }
}

/// Runs storms and calm nodes alike; nothing is broken but by the number itself.
fn measure(knob: Option<(Knob, f64)>, seeds: u64) -> Row {
    let mut row = Row::default();
    for seed in 0..seeds {
        let weather = if seed % 2 == 0 { Weather::Calm } else { Weather::Storm };
        let plan = Plan { weather, knob, lenient: true, ..Plan::new(2_000_000 + seed, SECS) };
        if let Ok(sum) = run(plan) {
            row.add(sum);
        }
    }
    row
}

const HEAD: &str = "# What the numbers that nobody measured are worth, simulated

**Simulated, not measured.** Written by `cargo run -p gleaner-tests --example judgement`. The simulator's shapes come from
measurements on two cores; its noise and its disks are guesses. Read it for which way a number pulls and for cliffs,
not for seconds. The default stands in the first table; each other table changes one number.

Columns: *false*: freezes beyond probes and evictions that answered no real harm. *Gross harm*: how long CPU or memory harm far above
the entering edge lasted once begun, seconds, median / 95 %. *Frozen*: task-seconds. *Lent to*: best-effort tasks started
on an offer. *Unanswered*: runs in which gross harm outlasted the simulator's bound.
";

const COLUMNS: &str = "| value | false | probes | freezes | evictions | gross CPU harm | gross memory harm | frozen | lent to | unanswered |\n|---|---|---|---|---|---|---|---|---|---|";

fn main() -> std::io::Result<()> {
    let seeds = std::env::args().nth(1).and_then(|v| v.parse().ok()).unwrap_or(300);
    let mut text = String::from(HEAD);
    let hours = seeds as f64 * SECS as f64 / 3_600.0;
    let _ = writeln!(
        text,
        "\nEach line: {seeds} seeds, half of them calm, {hours:.1} simulated hours.\n\n## Defaults\n\n{COLUMNS}"
    );
    let _ = writeln!(text, "{}", measure(None, seeds).line("as they are"));
    for (knob, name, values) in Knob::ALL {
        let _ = writeln!(text, "\n## {name}\n\n{COLUMNS}");
        for value in values {
            let _ =
                writeln!(text, "{}", measure(Some((knob, *value)), seeds).line(&value.to_string()));
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/colocation-judgement.md");
    std::fs::write(path, text)
}
