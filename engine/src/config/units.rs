// SPDX-License-Identifier: Apache-2.0
//! Quantities as people write them, `"512MiB"`, `"0.5 cores"`, `"5%"`, `"1s"`: read exactly, written back in the same words.

use super::mistake::Fault;
use gleaner_estimator::units::{Bytes, MilliCpus, Ratio, Span};

/// A unit and how many of the smallest unit it is.
type Unit = (&'static str, u128);

const TIME: &[Unit] = &[
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];
/// Days, hours, minutes, seconds, milliseconds: the units a time is written back in.
const TIME_OUT: &[&str] = &["d", "h", "min", "s", "ms"];
const CPU: &[Unit] = &[("cores", 1000), ("core", 1000), ("m", 1)];
const MEMORY: &[Unit] = &[
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];
const MEMORY_OUT: &[&str] = &["TiB", "GiB", "MiB", "KiB"];
/// What systemd reads as powers of 1024 and Kubernetes as powers of 1000.
const AMBIGUOUS: [&str; 5] = ["k", "K", "M", "G", "T"];

/// A decimal number exactly as written.
#[derive(Clone, Copy)]
struct Decimal {
    digits: u128,
    decimals: u32,
}

impl Decimal {
    /// Longest number that is read; keeps every product below 2^128.
    const MAX_DIGITS: usize = 18;

    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{fraction}");
        let plain = digits.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !plain || digits.len() > Self::MAX_DIGITS || text.ends_with('.') {
            return None;
        }
        Some(Self { digits: digits.parse().ok()?, decimals: u32::try_from(fraction.len()).ok()? })
    }

    /// The number times `unit`, rounded to the nearest whole; `None` when too large or rounded away.
    fn times(self, unit: u128) -> Option<u64> {
        let divisor = 10_u128.checked_pow(self.decimals)?;
        let product = self.digits.checked_mul(unit)?;
        let whole = u64::try_from((product + divisor / 2) / divisor).ok()?;
        (whole > 0 || self.digits == 0).then_some(whole)
    }
}

/// Splits `"12.5 MiB"` into number and unit.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// What one kind of quantity is called and how it is written.
struct Family {
    noun: &'static str,
    units: &'static [Unit],
    /// Shown to who wrote none.
    usual: &'static str,
    example: &'static str,
    listed: &'static str,
}

const TIMES: Family = Family {
    noun: "a time",
    units: TIME,
    usual: "s",
    example: "\"5s\"",
    listed: "ms, s, min, h, d",
};
const CPUS: Family = Family {
    noun: "an amount of CPU",
    units: CPU,
    usual: " cores",
    example: "\"0.5 cores\" or \"500m\"",
    listed: "cores, m (thousandths of a core)",
};
const MEMORIES: Family = Family {
    noun: "an amount of memory",
    units: MEMORY,
    usual: "MiB",
    example: "\"512MiB\"",
    listed: "B, KiB, MiB, GiB, TiB (of 1024) and kB, MB, GB, TB (of 1000)",
};

fn quantity(text: &str, family: &Family) -> Result<u64, Fault> {
    let (number, unit) = split(text);
    let Family { noun, units, usual, example, listed } = family;
    let Some(decimal) = Decimal::parse(number) else {
        let wrong = match text.trim().starts_with('-') {
            true => format!("{text:?} is negative"),
            false => format!("{text:?} is not {noun}"),
        };
        return Err(Fault::new(wrong, format!("write {example}")));
    };
    if unit.is_empty() {
        return Err(no_unit(number, usual));
    }
    if AMBIGUOUS.contains(&unit) && *noun == MEMORIES.noun {
        let prefix = unit.to_uppercase();
        return Err(Fault::new(
            format!("{text:?} may mean {number}{prefix}iB or {number}{prefix}B"),
            format!("write \"{number}{prefix}iB\" for powers of 1024"),
        ));
    }
    match units.iter().find(|(name, _)| *name == unit) {
        Some((_, multiple)) => decimal.times(*multiple).ok_or_else(|| {
            Fault::new(format!("{text:?} is too large or too small"), format!("write {example}"))
        }),
        None => Err(Fault::new(
            format!("{unit:?} is not a unit of {noun}"),
            format!("write {example}; the units are {listed}"),
        )),
    }
}

/// The mistake of a bare number, with what was probably meant.
fn no_unit(number: &str, usual: &str) -> Fault {
    Fault::new(format!("{number} has no unit"), format!("write \"{number}{usual}\""))
}

/// Reads a time.
pub(super) fn span(text: &str) -> Result<Span, Fault> {
    quantity(text, &TIMES).map(Span)
}

/// Reads an amount of CPU.
pub(super) fn cpu(text: &str) -> Result<MilliCpus, Fault> {
    quantity(text, &CPUS).map(MilliCpus)
}

/// Reads an amount of memory.
pub(super) fn memory(text: &str) -> Result<Bytes, Fault> {
    quantity(text, &MEMORIES).map(Bytes)
}

/// Reads a share: a percentage.
pub(super) fn ratio(text: &str) -> Result<Ratio, Fault> {
    let (number, unit) = split(text);
    let parsed = Decimal::parse(number).and_then(|_| number.parse::<f64>().ok());
    match (parsed, unit) {
        (Some(percent), "%") => Ratio::new(percent / 100.0)
            .ok_or_else(|| Fault::new(format!("{text:?} is not finite"), "write \"5%\"".into())),
        (Some(_), "") => Err(bare_share(number)),
        _ if text.trim().starts_with('-') => {
            Err(Fault::new(format!("{text:?} is negative"), "write a share such as \"5%\"".into()))
        }
        _ => Err(Fault::new(format!("{text:?} is not a share"), "write \"5%\"".into())),
    }
}

/// A time as people write it, for command lines.
///
/// # Errors
/// What is wrong with the text and what to write instead.
pub fn parse_time(text: &str) -> Result<Span, String> {
    span(text).map_err(Fault::sentence)
}

/// An amount of CPU as people write it, for command lines.
///
/// # Errors
/// What is wrong with the text and what to write instead.
pub fn parse_cpu(text: &str) -> Result<MilliCpus, String> {
    cpu(text).map_err(Fault::sentence)
}

/// An amount of memory as people write it, for command lines.
///
/// # Errors
/// What is wrong with the text and what to write instead.
pub fn parse_memory(text: &str) -> Result<Bytes, String> {
    memory(text).map_err(Fault::sentence)
}

/// A share as people write it, a percentage, for command lines.
///
/// # Errors
/// What is wrong with the text and what to write instead.
pub fn parse_share(text: &str) -> Result<Ratio, String> {
    ratio(text).map_err(Fault::sentence)
}

/// What to say to a number without a unit where `noun` was expected.
pub(super) fn bare(number: &str, kind: Bare) -> Fault {
    if number.starts_with('-') {
        return Fault::new(
            format!("{number} is negative"),
            "write a positive value with its unit".into(),
        );
    }
    match kind {
        Bare::Time => no_unit(number, TIMES.usual),
        Bare::Cpu => no_unit(number, CPUS.usual),
        Bare::Memory => no_unit(number, MEMORIES.usual),
        Bare::Share => bare_share(number),
        Bare::CpuOrShare | Bare::MemoryOrShare => {
            let amount = bare(
                number,
                if matches!(kind, Bare::CpuOrShare) { Bare::Cpu } else { Bare::Memory },
            );
            let share = bare_share(number).instead;
            let instead = format!("{} or {}", amount.instead, share.trim_start_matches("write "));
            Fault::new(amount.wrong, instead)
        }
    }
}

/// The quantity that was expected where a bare number stands.
#[derive(Clone, Copy)]
pub(super) enum Bare {
    /// A time.
    Time,
    /// CPU.
    Cpu,
    /// Memory.
    Memory,
    /// A share.
    Share,
    /// CPU or a share of it.
    CpuOrShare,
    /// Memory or a share of it.
    MemoryOrShare,
}

/// A number below one was probably meant as a fraction, a larger one as a percentage.
fn bare_share(number: &str) -> Fault {
    let percent = match number.parse::<f64>() {
        Ok(value) if value < 1.0 => decimals(value * 100.0),
        Ok(_) | Err(_) => number.to_owned(),
    };
    Fault::new(format!("{number} has no unit"), format!("write \"{percent}%\""))
}

/// At most six decimals, no trailing zeros.
fn decimals(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The largest of `out` that divides `raw` exactly.
fn written(raw: u64, units: &[Unit], out: &[&'static str]) -> Option<String> {
    out.iter().find_map(|name| {
        let (_, multiple) = units.iter().find(|(unit, _)| unit == name)?;
        let raw = u128::from(raw);
        (raw > 0 && raw.is_multiple_of(*multiple)).then(|| format!("{}{name}", raw / multiple))
    })
}

/// `5min`.
pub(super) fn write_span(span: Span) -> String {
    written(span.0, TIME, TIME_OUT).unwrap_or_else(|| match span.0 {
        0 => "0s".to_owned(),
        ns => format!("{}ms", decimals(Span(ns).secs() * 1e3)),
    })
}

/// `0.5 cores`, `1 core`.
pub(super) fn write_cpu(cpu: MilliCpus) -> String {
    match cpu.0 {
        1000 => "1 core".to_owned(),
        _ => format!("{} cores", cpu.to_string().trim_end_matches(".0")),
    }
}

/// `256MiB`.
pub(super) fn write_memory(memory: Bytes) -> String {
    written(memory.0, MEMORY, MEMORY_OUT).unwrap_or_else(|| format!("{}B", memory.0))
}

/// `0.1%`.
pub(super) fn write_ratio(ratio: Ratio) -> String {
    format!("{}%", decimals(ratio.get() * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wrong(result: Result<impl std::fmt::Debug, Fault>) -> String {
        let fault = result.expect_err("a mistake");
        format!("{}; {}", fault.wrong, fault.instead)
    }

    #[test]
    fn people_write_units_in_several_ways() {
        assert_eq!(span("250ms"), Ok(Span::from_millis(250)));
        assert_eq!(span(" 1.5 s "), Ok(Span::from_millis(1500)));
        assert_eq!(span("5m"), span("5min"));
        assert_eq!(cpu("0.5 cores"), cpu("500m"));
        assert_eq!(cpu("1 core"), Ok(MilliCpus(1000)));
        assert_eq!(memory("512MiB"), memory("512Mi"));
        assert_eq!(memory("1.5GiB"), Ok(Bytes(3 << 29)));
        assert_eq!(memory("100MB"), Ok(Bytes(100_000_000)));
        assert_eq!(ratio("0.1%").map(write_ratio).as_deref(), Ok("0.1%"));
    }

    #[test]
    fn a_mistake_says_what_to_write() {
        assert_eq!(wrong(span("5")), "5 has no unit; write \"5s\"");
        assert_eq!(wrong(cpu("0.5")), "0.5 has no unit; write \"0.5 cores\"");
        assert_eq!(wrong(ratio("0.05")), "0.05 has no unit; write \"5%\"");
        assert_eq!(wrong(ratio("7")), "7 has no unit; write \"7%\"");
        assert_eq!(
            wrong(memory("512M")),
            "\"512M\" may mean 512MiB or 512MB; write \"512MiB\" for powers of 1024"
        );
        assert_eq!(
            wrong(span("5 sec")),
            "\"sec\" is not a unit of a time; write \"5s\"; the units are ms, s, min, h, d"
        );
        assert_eq!(wrong(span("-5s")), "\"-5s\" is negative; write \"5s\"");
        assert_eq!(wrong(span("soon")), "\"soon\" is not a time; write \"5s\"");
        assert!(wrong(memory("99999999999TiB")).contains("too large"));
        assert!(wrong(cpu("0.0001 cores")).contains("too small"));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(raw in 0..u64::MAX / 2_000_000) {
            let millis = Span::from_millis(raw);
            prop_assert_eq!(span(&write_span(millis)), Ok(millis));
            prop_assert_eq!(cpu(&write_cpu(MilliCpus(raw))), Ok(MilliCpus(raw)));
            prop_assert_eq!(memory(&write_memory(Bytes(raw))), Ok(Bytes(raw)));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = (span(&text), cpu(&text), memory(&text), ratio(&text));
        }
    }
}
