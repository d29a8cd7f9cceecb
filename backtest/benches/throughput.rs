// SPDX-License-Identifier: Apache-2.0
//! What a backtest with one predictor costs, against only reading the trace, in one run: rows a second and their ratio.
//!
//! Over the public traces beside the repository, or those in `$GLEANER_TRACES`. Each is measured three times and the
//! quickest counts.
#![expect(clippy::print_stdout, reason = "the ratios are the result")]

use gleaner_backtest::plan::{Depth, Plan, Setting};
use gleaner_backtest::policy;
use gleaner_backtest::prediction::{HORIZONS, PUBLIC};
use gleaner_backtest::replay::Capacity;
use gleaner_backtest::score::WARM_UP_S;
use gleaner_backtest::study::run;
use gleaner_backtest::trace::Trace;
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::Ratio;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Seconds of the quickest of three.
fn quickest(mut work: impl FnMut()) -> f64 {
    let once = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..3).map(once).fold(f64::INFINITY, f64::min)
}

fn plan(depth: Depth, settings: Vec<Setting>) -> Plan {
    Plan {
        depth,
        policy: policy::plain(),
        settings,
        horizons: HORIZONS.to_vec(),
        resources: vec![Resource::Cpu, Resource::Memory],
        warm_up_s: WARM_UP_S,
        capacity: Capacity::default(),
    }
}

fn main() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/traces");
    let place = std::env::var_os("GLEANER_TRACES").map_or(beside, PathBuf::from);
    let files = PUBLIC.map(|name| place.join(format!("{name}.parquet")));
    if let Some(missing) = files.iter().find(|file| !file.exists()) {
        println!("{} is not there: set GLEANER_TRACES to the public traces", missing.display());
        return;
    }
    let mut rows = 0;
    let reading = quickest(|| {
        rows = 0;
        for file in &files {
            let mut trace = Trace::open(file).expect("a good trace");
            trace.by_ref().for_each(|machine| drop(machine.expect("a good machine")));
            rows += trace.rows_read();
        }
    });
    println!("reading {rows} rows: {:.2} million a second", rows as f64 / reading / 1e6);
    for (what, depth) in [("the engine", Depth::Offers), ("as in a sweep", Depth::Peaks)] {
        for kind in [PredictorKind::Calibrated, PredictorKind::Max] {
            let setting = Setting::new(kind, Ratio::from_milli(10));
            let taken = quickest(|| {
                for file in &files {
                    let plan = plan(depth, vec![setting.clone()]);
                    run(file, plan, Vec::new(), None, &()).expect("a good trace");
                }
            });
            println!(
                "{what}, {kind}, {} horizons: {:.2} million rows a second, {:.1} times the time of reading",
                HORIZONS.len(),
                rows as f64 / taken / 1e6,
                taken / reading
            );
        }
    }
}
