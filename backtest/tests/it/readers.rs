// SPDX-License-Identifier: Apache-2.0
//! Traces in every format, and every way in which a file can be broken: the message names file, row and column.

use crate::common::{self, HEADER, Row, csv, write};
use flate2::Compression;
use flate2::write::GzEncoder;
use gleaner_backtest::trace::{Machine, Trace, name};
use parquet::data_type::{ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

/// A Parquet file of the schema; `fill` writes each row group.
fn parquet(schema: &str, groups: usize, fill: impl Fn(usize, &mut Group<'_>)) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let properties = Arc::new(WriterProperties::default());
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, properties).expect("writing to memory");
    for group in 0..groups {
        let mut into = writer.next_row_group().expect("a row group");
        fill(group, &mut into);
        into.close().expect("all columns written");
    }
    writer.into_inner().expect("writing to memory")
}

fn column<T: DataType>(group: &mut Group<'_>, values: &[T::T], levels: Option<&[i16]>) {
    let mut column = group.next_column().expect("a column").expect("one more in the schema");
    column.typed::<T>().write_batch(values, levels, None).expect("writing to memory");
    column.close().expect("writing to memory");
}

const SCHEMA: &str = "message t {
  REQUIRED INT32 machine_id (INTEGER(16, true)); REQUIRED INT32 t_seconds; REQUIRED INT64 task_id;
  REQUIRED FLOAT cpu_limit_cores; OPTIONAL DOUBLE cpu_used_cores;
  REQUIRED INT64 mem_limit_bytes; OPTIONAL INT64 mem_used_bytes;
}";

/// The rows in two row groups, split in the middle of a machine.
fn whole(rows: &[Row]) -> Vec<u8> {
    let halves: Vec<&[Row]> = rows.chunks(rows.len() / 2 + 1).collect();
    parquet(SCHEMA, halves.len(), |group, into| {
        let rows = halves[group];
        let known = vec![1; rows.len()];
        let int = |v: i64| i32::try_from(v).expect("small");
        let ints = |f: fn(&Row) -> i64| rows.iter().map(|r| int(f(r))).collect::<Vec<i32>>();
        column::<Int32Type>(into, &ints(|r| r.machine), None);
        column::<Int32Type>(into, &ints(|r| r.t), None);
        column::<Int64Type>(into, &rows.iter().map(|r| r.task).collect::<Vec<_>>(), None);
        #[expect(clippy::cast_possible_truncation, reason = "limits here are whole numbers")]
        let limits: Vec<f32> = rows.iter().map(|r| r.cpu.0 as f32).collect();
        column::<FloatType>(into, &limits, None);
        let used: Vec<f64> = rows.iter().map(|r| r.cpu.1).collect();
        column::<DoubleType>(into, &used, Some(&known));
        let bytes =
            |f: fn(&Row) -> u64| rows.iter().map(|r| f(r).cast_signed()).collect::<Vec<_>>();
        column::<Int64Type>(into, &bytes(|r| r.memory.0), None);
        column::<Int64Type>(into, &bytes(|r| r.memory.1), Some(&known));
    })
}

fn machines(path: &Path) -> Result<Vec<Machine>, String> {
    let machines = Trace::open(path).and_then(Iterator::collect);
    machines.map_err(|e| {
        e.to_string().replace(&path.parent().expect("below").display().to_string(), "")
    })
}

fn gzipped(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("writing to memory");
    encoder.finish().expect("writing to memory")
}

#[test]
fn every_format_holds_the_same_machines() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let rows = common::generated(3, 1, 300);
    let text = csv(&rows);
    let plain = machines(&write(dir.path(), "t.csv", &text)).expect("CSV");
    assert_eq!((plain.len(), plain[2].id, plain[0].steps, plain[0].step_s), (3, 2, 288, 300));
    assert_eq!(machines(&write(dir.path(), "t.csv.gz", gzipped(&text))), Ok(plain.clone()));
    assert_eq!(machines(&write(dir.path(), "t.parquet", whole(&rows))), Ok(plain.clone()));
    // What it is called does not matter.
    assert_eq!(machines(&write(dir.path(), "download", whole(&rows))), Ok(plain));
    assert_eq!(name(Path::new("a/b/t.csv.gz")), "t");
    assert_eq!(name(Path::new("bitbrains_5min.parquet")), "bitbrains_5min");
}

#[test]
fn memory_may_be_absent_empty_or_zero_and_other_columns_are_ignored() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let without = "zone,machine_id,t_seconds,task_id,cpu_limit_cores,cpu_used_cores\nx,1,0,1,2,1\nx,1,60,1,2,1.5\n";
    let machine = &machines(&write(dir.path(), "a.csv", without)).expect("no memory")[0];
    assert_eq!((machine.step_s, &machine.memory), (60, &None));
    let empty = format!("{HEADER}\n1,0,1,2,1,,\n1,60,1,2,1.5,0,0\n");
    assert_eq!(&machines(&write(dir.path(), "b.csv", empty)).expect("no memory")[0], machine);
}

/// Text of a CSV file and what is said about it.
fn refused(text: &str) -> String {
    let dir = tempfile::tempdir().expect("a temporary directory");
    machines(&write(dir.path(), "t.csv", text)).expect_err("a broken file")
}

fn assert_refused(cases: &[(&str, &str)]) {
    for (rows, expected) in cases {
        let text = if rows.starts_with(char::is_numeric) {
            format!("{HEADER}\n{rows}")
        } else {
            (*rows).to_owned()
        };
        assert_eq!(refused(&text), format!("/t.csv: {expected}"));
    }
}

#[test]
fn broken_csv_values_are_named() {
    assert_refused(&[
        (
            "1,0,1,2,1,0,0\n1,60,1,2,lots,0,0\n",
            "row 2: column `cpu_used_cores` holds `lots`: a number is needed",
        ),
        ("1,0,1,2,,0,0\n", "row 1: column `cpu_used_cores` holds ``: a number is needed"),
        ("1,0.5,1,2,1,0,0\n", "row 1: column `t_seconds` holds `0.5`: a whole number is needed"),
        (
            "1,0,1,2,-1,0,0\n",
            "row 1: column `cpu_used_cores` holds `-1`: an amount must be a finite number, not below 0",
        ),
        (
            "1,0,1,2,1,0,0\n1,60,1,NaN,1,0,0\n",
            "row 2: column `cpu_limit_cores` holds `NaN`: an amount must be a finite number, not below 0",
        ),
    ]);
    let ragged = refused(&format!("{HEADER}\n1,0,1,2,1,0,0\n1,60,1\n"));
    assert!(ragged.starts_with("/t.csv: row 2: "), "{ragged}");
}

#[test]
fn broken_csv_order_is_named() {
    let unsorted = "row 2: machine 1, task 1, t_seconds 0 does not come after the row before it; \
        sort the file by machine_id, task_id, t_seconds and leave each row in once";
    assert_refused(&[
        ("1,60,1,2,1,0,0\n1,0,1,2,1,0,0\n", unsorted),
        ("1,0,1,2,1,0,0\n1,0,1,2,1,0,0\n", unsorted),
        ("2,0,1,2,1,0,0\n1,0,1,2,1,0,0\n", unsorted),
        (
            "1,0,1,2,1,0,0\n1,1,1,2,1,0,0\n1,9000000000,1,2,1,0,0\n",
            "machine 1 spans 9000000001 steps of 1 s, more than 3155760: is t_seconds in seconds?",
        ),
    ]);
}

#[test]
fn files_that_are_no_trace_are_named() {
    assert_refused(&[
        (
            "machine_id,t_seconds,task_id,cpu_used_cores\n1,0,1,1\n",
            "column `cpu_limit_cores` is missing; the file has: machine_id, t_seconds, task_id, cpu_used_cores",
        ),
        (&format!("{HEADER}\n"), "the trace holds no rows"),
        (
            "",
            "it is shorter than 4 bytes; a trace is a .parquet, .csv, .csv.gz or a recording of `gleaner record`",
        ),
    ]);
}

#[test]
fn broken_parquet_is_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let say = |bytes: Vec<u8>| {
        machines(&write(dir.path(), "t.parquet", bytes)).expect_err("a broken file")
    };
    let missing =
        parquet("message t { REQUIRED INT32 machine_id; REQUIRED INT32 t_seconds; }", 0, |_, _| {});
    assert_eq!(
        say(missing),
        "/t.parquet: column `task_id` is missing; the file has: machine_id, t_seconds"
    );
    let text =
        SCHEMA.replace("REQUIRED FLOAT cpu_limit_cores", "REQUIRED BINARY cpu_limit_cores (UTF8)");
    assert_eq!(
        say(parquet(&text, 0, |_, _| {})),
        "/t.parquet: column `cpu_limit_cores` is BYTE_ARRAY, but must be a number (FLOAT, DOUBLE, INT32 or INT64)"
    );
    let float = SCHEMA.replace("REQUIRED INT32 t_seconds", "REQUIRED DOUBLE t_seconds");
    assert_eq!(
        say(parquet(&float, 0, |_, _| {})),
        "/t.parquet: column `t_seconds` is DOUBLE, but must be an integer (INT32 or INT64)"
    );
    assert_eq!(say(parquet(SCHEMA, 0, |_, _| {})), "/t.parquet: the trace holds no rows");
    let null = parquet(SCHEMA, 1, |_, into| {
        column::<Int32Type>(into, &[1, 1], None);
        column::<Int32Type>(into, &[0, 60], None);
        column::<Int64Type>(into, &[1, 1], None);
        column::<FloatType>(into, &[2.0, 2.0], None);
        column::<DoubleType>(into, &[1.0], Some(&[1, 0]));
        column::<Int64Type>(into, &[0, 0], None);
        column::<Int64Type>(into, &[], Some(&[0, 0]));
    });
    assert_eq!(
        say(null),
        "/t.parquet: row 2: column `cpu_used_cores` holds `null`: a number is needed in every row"
    );
}

#[test]
fn a_binary_column_that_nobody_needs_is_no_mistake() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let schema = SCHEMA.replace("}", "REQUIRED BINARY note (UTF8); }");
    let bytes = parquet(&schema, 1, |_, into| {
        column::<Int32Type>(into, &[1], None);
        column::<Int32Type>(into, &[0], None);
        column::<Int64Type>(into, &[1], None);
        column::<FloatType>(into, &[2.0], None);
        column::<DoubleType>(into, &[1.0], Some(&[1]));
        column::<Int64Type>(into, &[0], None);
        column::<Int64Type>(into, &[], Some(&[0]));
        column::<ByteArrayType>(into, &["hello".into()], None);
    });
    let machine = &machines(&write(dir.path(), "t.parquet", bytes)).expect("a good trace")[0];
    assert_eq!(
        (machine.cpu.used[0].to_bits(), machine.memory.is_none()),
        (1.0_f64.to_bits(), true)
    );
}

#[test]
fn files_cut_short_are_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let rows = common::generated(2, 1, 3600);
    let (parquet, gz) = (whole(&rows), gzipped(&csv(&rows)));
    for cut in (4..parquet.len()).step_by(97) {
        let error = machines(&write(dir.path(), "t.parquet", &parquet[..cut])).expect_err("cut");
        assert!(error.starts_with("/t.parquet: not readable as Parquet: "), "{error}");
    }
    for cut in (4..gz.len()).step_by(97) {
        let error = machines(&write(dir.path(), "t.csv.gz", &gz[..cut])).expect_err("cut");
        assert!(error.starts_with("/t.csv.gz: row "), "{error}");
    }
}

/// Damage that leaves the file's frame whole must be an error or another number, never the end of the program.
#[test]
fn flipped_bits_never_end_the_program() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let rows = common::generated(1, 1, 7200);
    let good = whole(&rows);
    let mut noise = common::Noise(5);
    let mut errors = 0;
    for _ in 0..2000 {
        let mut bytes = good.clone();
        let at =
            usize::try_from(noise.below(u32::try_from(good.len()).expect("small"))).expect("small");
        bytes[at.min(good.len() - 1)] ^= 1 << noise.below(7);
        errors += usize::from(machines(&write(dir.path(), "t.parquet", bytes)).is_err());
    }
    assert!(errors > 100, "{errors} of 2000 were noticed");
    fs::remove_file(dir.path().join("t.parquet")).expect("written last");
}
