// SPDX-License-Identifier: Apache-2.0
//! What a row of the key table is, and the two ways in which it is written.

use super::mistake::Fault;
use super::setting::Setting;
use toml::de::DeValue;

/// The least and the most that a value may be, as one writes them.
pub(super) type Limits = Option<(&'static str, &'static str)>;

/// One key of a table that is read into a `C`.
pub(super) struct Key<C> {
    /// Dotted path from the top of the file, or from its own table in a list of tables.
    pub(super) path: &'static str,
    /// The default as a TOML literal; `None` where it must be written.
    pub(super) default: Option<&'static str>,
    /// Limits of the value, both allowed.
    pub(super) limits: Limits,
    /// What it does, for an operator, with the reason for the default.
    pub(super) meaning: &'static str,
    /// What to write.
    pub(super) form: fn() -> String,
    /// Reads a value into its place.
    pub(super) read: fn(&mut C, &DeValue<'_>, Limits) -> Result<(), Fault>,
    /// The value in force, as a TOML literal.
    pub(super) show: fn(&C) -> String,
}

impl<C> Key<C> {
    /// Reads a value into its place, or says what is wrong with it.
    pub(super) fn apply(&self, config: &mut C, value: &DeValue<'_>) -> Result<(), Fault> {
        (self.read)(config, value, self.limits)
    }

    /// The name without its section.
    pub(super) fn name(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, name)| name)
    }

    /// The section; empty at the top.
    pub(super) fn section(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }
}

/// Reads a value and keeps it within its limits.
pub(super) fn read<T: Setting>(value: &DeValue<'_>, limits: Limits) -> Result<T, Fault> {
    let setting = T::read(value)?;
    match limits {
        Some((low, high)) if !setting.within(low, high) => {
            let wrong = format!("{} is out of range", setting.show().trim_matches('"'));
            Err(Fault::new(wrong, format!("write a value from {low} to {high}")))
        }
        Some(_) | None => Ok(setting),
    }
}

/// A key whose setting is of type `$type`, kept in a place as itself or as what [`Stored`] makes of it.
macro_rules! key {
    ($path:expr, [$($place:tt)+] : $type:ty = $default:expr, $limits:expr, $meaning:expr) => {
        $crate::config::key::Key {
            path: $path,
            default: $default,
            limits: $limits,
            meaning: $meaning,
            form: <$type as $crate::config::setting::Setting>::form,
            read: |config, value, limits| {
                config.$($place)+ = $crate::config::key::read::<$type>(value, limits)?.store();
                Ok(())
            },
            show: |config| <$type as $crate::config::setting::Stored<_>>::load(&config.$($place)+).show(),
        }
    };
}

/// A key that sets the same place in the predictors of both resources.
macro_rules! predictor_key {
    ($path:expr, [$($place:tt)+] : $type:ty = $default:expr, $limits:expr, $meaning:expr) => {
        $crate::config::key::Key {
            path: $path,
            default: $default,
            limits: $limits,
            meaning: $meaning,
            form: <$type as $crate::config::setting::Setting>::form,
            read: |config, value, limits| {
                let setting = $crate::config::key::read::<$type>(value, limits)?;
                config.engine.cpu.predictor.$($place)+ = setting.store();
                config.engine.memory.predictor.$($place)+ = setting.store();
                Ok(())
            },
            show: |config| {
                <$type as $crate::config::setting::Stored<_>>::load(&config.engine.cpu.predictor.$($place)+).show()
            },
        }
    };
}

pub(super) use {key, predictor_key};
