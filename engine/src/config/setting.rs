// SPDX-License-Identifier: Apache-2.0
//! How each type of setting is read from TOML, kept within limits, and written back.

use super::host::{LogFormat, LogLevel, OrAuto, Preset};
use super::mistake::Fault;
use super::units::{self, Bare};
use super::{Mode, Quota};
use core::net::SocketAddr;
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::sample::Class;
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::{Amount, Bytes, MilliCpus, Ratio, Span};
use std::path::PathBuf;
use std::sync::Arc;
use toml::de::DeValue;

/// A type that a key can have.
pub(super) trait Setting: Sized {
    /// What to write, for people.
    fn form() -> String;
    /// Reads a TOML value.
    fn read(value: &DeValue<'_>) -> Result<Self, Fault>;
    /// As a TOML literal; reads back to the same value.
    fn show(&self) -> String;
    /// Whether it lies between two limits written as in the configuration.
    fn within(&self, _low: &str, _high: &str) -> bool {
        true
    }
}

/// How a setting is kept in the configuration where that is not as itself.
pub(super) trait Stored<S>: Sized {
    /// What is kept.
    fn store(self) -> S;
    /// The setting again.
    fn load(kept: &S) -> Self;
}

impl<T: Clone> Stored<T> for T {
    fn store(self) -> T {
        self
    }
    fn load(kept: &T) -> Self {
        kept.clone()
    }
}

/// As a float, one being the whole.
impl Stored<f64> for Ratio {
    fn store(self) -> f64 {
        self.get()
    }
    fn load(kept: &f64) -> Self {
        Self::new(*kept).unwrap_or_default()
    }
}

/// In cores.
impl Stored<f64> for MilliCpus {
    fn store(self) -> f64 {
        self.to_base()
    }
    fn load(kept: &f64) -> Self {
        Self::from_base(*kept)
    }
}

/// In bytes.
impl Stored<f64> for Bytes {
    fn store(self) -> f64 {
        self.to_base()
    }
    fn load(kept: &f64) -> Self {
        Self::from_base(*kept)
    }
}

impl Stored<Option<u64>> for Option<Bytes> {
    fn store(self) -> Option<u64> {
        self.map(|bytes| bytes.0)
    }
    fn load(kept: &Option<u64>) -> Self {
        kept.map(Bytes)
    }
}

impl Stored<Vec<Arc<str>>> for Vec<String> {
    fn store(self) -> Vec<Arc<str>> {
        self.into_iter().map(Arc::from).collect()
    }
    fn load(kept: &Vec<Arc<str>>) -> Self {
        kept.iter().map(|text| text.as_ref().to_owned()).collect()
    }
}

/// A TOML value as a mistake names it.
fn named(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// What to say to a value of another kind.
pub(super) fn unfit<T: Setting>(value: &DeValue<'_>) -> Fault {
    Fault::new(format!("{} does not fit here", named(value)), format!("write {}", T::form()))
}

/// Reads a quantity: a text with a unit; a bare number is told which unit it lacks.
fn quantity<T: Setting>(
    value: &DeValue<'_>,
    bare: Bare,
    read: fn(&str) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let number = match value {
        DeValue::String(text) => return read(text),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
            return Err(unfit::<T>(value));
        }
    };
    Err(units::bare(&number, bare))
}

/// Whether `value` lies between two limits that are read like it.
fn between<T: PartialOrd>(value: &T, low: &str, high: &str, read: fn(&str) -> Option<T>) -> bool {
    match (read(low), read(high)) {
        (Some(low), Some(high)) => (low..=high).contains(value),
        _ => false,
    }
}

macro_rules! quantities {
    ($($type:ty, $bare:expr, $read:path, $show:path, $form:literal;)+) => {$(
        impl Setting for $type {
            fn form() -> String {
                $form.to_owned()
            }
            fn read(value: &DeValue<'_>) -> Result<Self, Fault> {
                quantity(value, $bare, $read)
            }
            fn show(&self) -> String {
                format!("{:?}", $show(*self))
            }
            fn within(&self, low: &str, high: &str) -> bool {
                between(self, low, high, |text| $read(text).ok())
            }
        }
    )+};
}
quantities! {
    Span, Bare::Time, units::span, units::write_span, "a time such as \"250ms\" or \"5min\"";
    MilliCpus, Bare::Cpu, units::cpu, units::write_cpu, "CPU such as \"0.5 cores\" or \"500m\"";
    Bytes, Bare::Memory, units::memory, units::write_memory, "memory such as \"512MiB\"";
    Ratio, Bare::Share, units::ratio, units::write_ratio, "a share such as \"5%\"";
}

macro_rules! quotas {
    ($($type:ty, $bare:expr, $read:path, $show:path, $form:literal;)+) => {$(
        impl Setting for Quota<$type> {
            fn form() -> String {
                $form.to_owned()
            }
            fn read(value: &DeValue<'_>) -> Result<Self, Fault> {
                quantity(value, $bare, |text| match text.trim_end().ends_with('%') {
                    true => units::ratio(text).map(Self::Share),
                    false => $read(text).map(Self::Exactly),
                })
            }
            fn show(&self) -> String {
                match self {
                    Self::Exactly(amount) => format!("{:?}", $show(*amount)),
                    Self::Share(share) => share.show(),
                }
            }
            /// Limits are shares; an exact amount can only be judged on the node.
            fn within(&self, low: &str, high: &str) -> bool {
                match self {
                    Self::Exactly(_) => true,
                    Self::Share(share) => share.within(low, high),
                }
            }
        }
    )+};
}
quotas! {
    MilliCpus, Bare::CpuOrShare, units::cpu, units::write_cpu,
        "a share such as \"5%\" or CPU such as \"0.5 cores\"";
    Bytes, Bare::MemoryOrShare, units::memory, units::write_memory,
        "a share such as \"5%\" or memory such as \"512MiB\"";
}

macro_rules! words {
    ($word:ident: $($type:ty),+) => {$(
        impl Setting for $type {
            fn form() -> String {
                let words = <$type>::ALL.map(|choice| format!("{:?}", choice.$word()));
                format!("one of {}", words.join(", "))
            }
            fn read(value: &DeValue<'_>) -> Result<Self, Fault> {
                let written = value.as_str();
                <$type>::ALL
                    .into_iter()
                    .find(|choice| Some(choice.$word()) == written)
                    .ok_or_else(|| unfit::<Self>(value))
            }
            fn show(&self) -> String {
                format!("{:?}", self.$word())
            }
        }
    )+};
}
words!(word: Mode, Class, Lend, Preset, LogLevel, LogFormat);
words!(name: PredictorKind);

macro_rules! counts {
    ($($type:ty),+) => {$(
        impl Setting for $type {
            fn form() -> String {
                "a whole number".to_owned()
            }
            fn read(value: &DeValue<'_>) -> Result<Self, Fault> {
                let number = value.as_integer();
                let parsed = number.map(|n| i128::from_str_radix(n.as_str(), n.radix()));
                match parsed {
                    Some(Ok(whole)) => Self::try_from(whole).map_err(|_| unfit::<Self>(value)),
                    Some(Err(_)) | None => Err(unfit::<Self>(value)),
                }
            }
            fn show(&self) -> String {
                self.to_string()
            }
            fn within(&self, low: &str, high: &str) -> bool {
                between(self, low, high, |text| text.parse().ok())
            }
        }
    )+};
}
counts!(u32, i32, usize);

impl Setting for f64 {
    fn form() -> String {
        "a number such as 1.5".to_owned()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, Fault> {
        let text = match value {
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::String(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => return Err(unfit::<Self>(value)),
        };
        text.parse().ok().filter(|n: &Self| n.is_finite()).ok_or_else(|| unfit::<Self>(value))
    }
    fn show(&self) -> String {
        format!("{self:?}")
    }
    fn within(&self, low: &str, high: &str) -> bool {
        between(self, low, high, |text| text.parse().ok())
    }
}

impl Setting for bool {
    fn form() -> String {
        "true or false".to_owned()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, Fault> {
        value.as_bool().ok_or_else(|| unfit::<Self>(value))
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for String {
    fn form() -> String {
        "a text in quotes".to_owned()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, Fault> {
        match value.as_str() {
            Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
            Some(_) => Err(Fault::new("it is empty".into(), format!("write {}", Self::form()))),
            None => Err(unfit::<Self>(value)),
        }
    }
    fn show(&self) -> String {
        toml::Value::from(self.as_str()).to_string()
    }
}

impl Setting for PathBuf {
    fn form() -> String {
        "an absolute path, from \"/\" on".to_owned()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, Fault> {
        let path = value.as_str().map(Self::from);
        path.filter(|path| path.is_absolute()).ok_or_else(|| unfit::<Self>(value))
    }
    fn show(&self) -> String {
        self.to_string_lossy().into_owned().show()
    }
}

impl Setting for SocketAddr {
    fn form() -> String {
        "an address and port such as \"127.0.0.1:9719\" or \"[::1]:9719\"".to_owned()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, Fault> {
        value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| unfit::<Self>(value))
    }
    fn show(&self) -> String {
        format!("{:?}", self.to_string())
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn form() -> String {
        format!("a list in brackets, each {}", T::form())
    }
    fn read(value: &DeValue<'_>) -> Result<Self, Fault> {
        let list = value.as_array().ok_or_else(|| unfit::<Self>(value))?;
        list.iter().map(|item| T::read(item.get_ref())).collect()
    }
    fn show(&self) -> String {
        let items: Vec<String> = self.iter().map(Setting::show).collect();
        format!("[{}]", items.join(", "))
    }
}

/// Implements a setting that is either a fixed word or a value.
macro_rules! or_word {
    ($type:ident, $word:literal, $without:path, $with:path) => {
        impl<T: Setting> Setting for $type<T> {
            fn form() -> String {
                format!("{}, or {:?}", T::form(), $word)
            }
            fn read(value: &DeValue<'_>) -> Result<Self, Fault> {
                match value.as_str() {
                    Some($word) => Ok($without),
                    Some(_) | None => T::read(value).map($with),
                }
            }
            fn show(&self) -> String {
                match self {
                    $without => format!("{:?}", $word),
                    $with(value) => value.show(),
                }
            }
            fn within(&self, low: &str, high: &str) -> bool {
                match self {
                    $without => true,
                    $with(value) => value.within(low, high),
                }
            }
        }
    };
}
or_word!(Option, "none", None, Some);
or_word!(OrAuto, "auto", OrAuto::Auto, OrAuto::Given);
