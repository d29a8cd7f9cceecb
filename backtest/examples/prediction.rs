// SPDX-License-Identifier: Apache-2.0
//! Writes `docs/prediction.md` from usage traces: those named, else the public ones beside the repository.
#![expect(clippy::print_stdout, reason = "says what was written")]

use gleaner_backtest::prediction::{Figures, PUBLIC, page};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let beside = root.join("../shared/traces");
    let place = std::env::var_os("GLEANER_TRACES").map_or(beside, PathBuf::from);
    let mut traces: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if traces.is_empty() {
        traces = PUBLIC.map(|name| place.join(format!("{name}.parquet"))).to_vec();
    }
    let figures = Figures::new(&traces, &())?;
    let file = root.join("docs/prediction.md");
    fs::write(&file, page(&figures))?;
    println!("{}", file.display());
    Ok(())
}
