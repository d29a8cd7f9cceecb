// SPDX-License-Identifier: Apache-2.0
//! The binary interface, listed: symbols and layouts change only on purpose. `BLESS=1` writes the lists anew.

use gleaner::abi::table::{Options, Parameter, Task};
use gleaner::abi::told::{Correction, LogLine, Offer, Pace};
use std::fmt::Write as _;
use std::mem::{align_of, offset_of, size_of};
use std::path::{Path, PathBuf};
use std::process::Command;

fn list(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("abi").join(name)
}

/// Compares with a committed list, or writes it.
fn compare(name: &str, now: &str) {
    let path = list(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, now).expect("a writable list");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == now,
        "ffi/abi/{name} differs; if that is wanted: BLESS=1 cargo test -p gleaner-ffi --test abi\n{now}"
    );
}

macro_rules! layout {
    ($text:ident, $name:literal, $type:ty { $($field:ident),+ $(,)? }) => {{
        let _ = writeln!($text, "{} size {} align {}", $name, size_of::<$type>(), align_of::<$type>());
        let mut sum = 0;
        $(
            let size = {
                // Only its type is asked for.
                fn of<T, F>(_: impl Fn(&T) -> &F) -> usize { size_of::<F>() }
                of(|value: &$type| &value.$field)
            };
            let _ = writeln!($text, "  {} {} {}", offset_of!($type, $field), size, stringify!($field));
            sum += size;
        )+
        assert_eq!(sum, size_of::<$type>(), "{} has padding, or a field is not listed", $name);
    }};
}

#[rustfmt::skip]
fn passed_in() -> String {
    let mut text = String::new();
    layout!(text, "gleaner_parameter", Parameter { key, key_len, value, value_len });
    layout!(text, "gleaner_options", Options {
        size, abi_version, role, dialect, reserved, parameters, parameter_count, parameter_size
    });
    layout!(text, "gleaner_task", Task {
        id, id_len, tenant, tenant_len, class_, known, priority, reserved, cpu_allocated_millis,
        memory_allocated_bytes, cpu_usage_usec, throttled_usec, periods, throttled_periods,
        memory_usage_bytes, memory_rss_bytes, memory_limit_bytes, processes
    });
    text
}

#[rustfmt::skip]
fn handed_out() -> String {
    let mut text = String::new();
    layout!(text, "gleaner_offer", Offer {
        size, cpu_millis, memory_bytes, flags, level, generation, age_ms
    });
    layout!(text, "gleaner_pace", Pace {
        size, push_every_ms, push_timeout_ms, table_max_age_ms, poll_every_ms
    });
    layout!(text, "gleaner_correction", Correction {
        generation, index, action, resource, flags, id, id_len, reason, reason_len
    });
    layout!(text, "gleaner_log_line", LogLine {
        size, level, reserved, wall_ms, text, text_len, lost
    });
    text
}

#[test]
fn layouts_are_as_listed() {
    compare("layout.txt", &(passed_in() + &handed_out()));
}

/// The library that belongs to this test's build.
fn library() -> Option<PathBuf> {
    let test = std::env::current_exe().expect("this program");
    let places = test.ancestors().skip(1).take(2).map(|place| place.join("libgleaner.so"));
    places.into_iter().find(|path| path.exists())
}

fn output(program: &str, arguments: &[&str], library: &Path) -> Option<String> {
    let output = Command::new(program).args(arguments).arg(library).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn only_the_listed_symbols_are_exported() {
    let Some(library) = library() else {
        eprintln!("SKIPPED: libgleaner.so was not built");
        return;
    };
    let Some(symbols) = output("nm", &["-D", "--defined-only"], &library) else {
        eprintln!("SKIPPED: nm is not installed");
        return;
    };
    let mut names: Vec<&str> =
        symbols.lines().filter_map(|line| line.split_whitespace().last()).collect();
    names.sort_unstable();
    compare("symbols.txt", &(names.join("\n") + "\n"));
}

#[test]
fn the_soname_has_the_major_version_and_the_library_stays_loaded() {
    let Some(library) = library() else {
        eprintln!("SKIPPED: libgleaner.so was not built");
        return;
    };
    let Some(dynamic) = output("readelf", &["-d", "-W"], &library) else {
        eprintln!("SKIPPED: readelf is not installed");
        return;
    };
    let soname = format!("[libgleaner.so.{}]", gleaner::abi::GLEANER_ABI_MAJOR);
    assert!(dynamic.contains(&soname), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
}
