// SPDX-License-Identifier: Apache-2.0
//! The public traces, machine by machine. Where they are absent, tests say SKIPPED.
#![expect(clippy::disallowed_methods, reason = "tests read the public traces and the environment")]

use crate::machines::Step;
use crate::skip::skip;
use gleaner_estimator::predict::Load;
use parquet::column::reader::{ColumnReader, get_typed_column_reader};
use parquet::data_type::DataType;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The public traces: `$GLEANER_TRACES`, else beside the repository. `None`, said aloud, where they are absent.
pub(crate) fn trace(file: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/traces");
    let path = std::env::var("GLEANER_TRACES").map_or(beside, PathBuf::from).join(file);
    if path.exists() {
        return Some(path);
    }
    skip("the public traces are not in ../shared/traces nor in $GLEANER_TRACES");
    None
}

fn column<T: DataType>(reader: &SerializedFileReader<std::fs::File>, name: &str) -> Vec<T::T> {
    let schema = reader.metadata().file_metadata().schema_descr();
    let index =
        schema.columns().iter().position(|c| c.name() == name).expect("a column of the trace");
    let mut out = Vec::new();
    for group in 0..reader.num_row_groups() {
        let rows = reader.get_row_group(group).expect("a row group");
        let reader: ColumnReader = rows.get_column_reader(index).expect("a column");
        let optional = schema.column(index).max_def_level() > 0;
        let mut levels = Vec::new();
        let mut typed = get_typed_column_reader::<T>(reader);
        let levels = optional.then_some(&mut levels);
        typed.read_records(usize::MAX, levels, None, &mut out).expect("readable pages");
    }
    out
}

/// CPU of all machines of a trace. Arrival numbers follow the first row in time, then the task's id.
pub(crate) fn machines(file: &str) -> Option<BTreeMap<i32, Vec<Step>>> {
    use parquet::data_type::{FloatType, Int32Type};
    let file = std::fs::File::open(trace(file)?).expect("the trace can be opened");
    let reader = SerializedFileReader::new(file).expect("a parquet file");
    let machine = column::<Int32Type>(&reader, "machine_id");
    let secs = column::<Int32Type>(&reader, "t_seconds");
    let task = column::<Int32Type>(&reader, "task_id");
    let floats = |name| -> Vec<f64> {
        column::<FloatType>(&reader, name).into_iter().map(f64::from).collect()
    };
    let (limit, used) = (floats("cpu_limit_cores"), floats("cpu_used_cores"));
    let mut first: BTreeMap<i32, i32> = BTreeMap::new();
    for (task, secs) in task.iter().zip(&secs) {
        let first = first.entry(*task).or_insert(*secs);
        *first = (*first).min(*secs);
    }
    let mut steps: BTreeMap<i32, BTreeMap<i32, Vec<Load>>> = BTreeMap::new();
    for row in 0..machine.len() {
        let arrival = u64::try_from(first[&task[row]]).expect("a time") << 32
            | u64::try_from(task[row]).expect("an id");
        let load = Load { arrival, usage: used[row].min(limit[row]), limit: limit[row] };
        steps.entry(machine[row]).or_default().entry(secs[row]).or_default().push(load);
    }
    let sorted = |steps: BTreeMap<i32, Vec<Load>>| {
        let step = |(secs, mut loads): (i32, Vec<Load>)| {
            loads.sort_by_key(|l| l.arrival);
            Step { secs: u64::try_from(secs).expect("a time"), loads }
        };
        steps.into_iter().map(step).collect()
    };
    Some(steps.into_iter().map(|(machine, steps)| (machine, sorted(steps))).collect())
}
