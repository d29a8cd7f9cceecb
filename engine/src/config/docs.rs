// SPDX-License-Identifier: Apache-2.0
//! What people read, made from the key table: the reference page, the sample file, and the configuration in force.

use super::key::Key;
use super::keys::{SECTIONS, SHADOWS, TASK_KEYS, TASK_RULES, keys};
use super::{Config, shadow};
use std::fmt::Write as _;

/// Longest line of a comment in the sample file.
const WIDTH: usize = 98;

/// `docs/config.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(PREAMBLE);
    for (section, about) in SECTIONS {
        match section.is_empty() {
            true => page.push_str("\n## Top level\n\n"),
            false => put(&mut page, format_args!("\n## `[{section}]`\n\n")),
        }
        put(&mut page, format_args!("{about}\n\n"));
        table(&mut page, keys().filter(|key| key.section() == *section));
        if TASK_RULES.starts_with(&format!("{section}.")) {
            put(&mut page, format_args!("\n### `[[{TASK_RULES}]]`\n\n{TASKS_ABOUT}\n\n"));
            table(&mut page, TASK_KEYS.iter());
        }
    }
    put(&mut page, format_args!("\n## `[[{SHADOWS}]]`\n\n{SHADOWS_ABOUT}\n{SHADOW_EXAMPLE}"));
    page
}

const SHADOWS_ABOUT: &str = "A policy that decides beside the live one, from the same readings, and never acts: what it would have offered and how often it would have been wrong is told under its name (`policy` in `gleaner_predictions_total` and `gleaner_prediction_violations_total`). Up to 16; each costs as much as the live one. `name` must be written. All keys of `[cpu]`, `[memory]`, `[predict]` and `[qos]` but the horizons may be written in it; what is not is as in the live policy.";

const SHADOW_EXAMPLE: &str = "
```toml
[[shadow]]
name = \"careful\"
cpu.risk = \"0.5%\"

[[shadow]]
name = \"five-sigma\"
predict.predictor = \"n-sigma\"
predict.sigma = 5.0
```
";

const PREAMBLE: &str = "<!-- Generated from engine/src/config/keys.rs: `BLESS=1 cargo test -p gleaner --test docs` writes it. -->
# Configuration

One TOML file, given with `--config FILE`. Every key has a default, so an empty file, or none, is a
valid configuration; `docs/gleaner.toml` has every key at its default. `gleaner check-config FILE`
prints what is in force, or every mistake with its line.

* A quantity has a unit: `\"250ms\"`, `\"0.5 cores\"`, `\"512MiB\"`, `\"5%\"`. A bare number is a mistake.
* A key that does not exist is a mistake, never ignored.
* `SIGHUP` reads the file again; where it has a mistake the old configuration stays in force.
";

const TASKS_ABOUT: &str = "Names tasks by the path of their cgroup. The first that matches counts. With `preset = \"globs\"` it makes tasks; with any other it overrides what the preset says of a task.";

fn table<'k, C: 'k>(page: &mut String, keys: impl Iterator<Item = &'k Key<C>>) {
    page.push_str("| key | write | default | limits | meaning |\n|---|---|---|---|---|\n");
    for key in keys {
        let default = key.default.map_or("must be written".to_owned(), |text| format!("`{text}`"));
        let limits = key.limits.map_or(String::new(), |(low, high)| format!("{low} to {high}"));
        let (name, form, meaning) = (key.name(), (key.form)(), key.meaning);
        put(page, format_args!("| `{name}` | {form} | {default} | {limits} | {meaning} |\n"));
    }
}

/// `docs/gleaner.toml`: every key at its default, commented out.
#[must_use]
pub fn sample() -> String {
    let mut file = String::from(
        "# Gleaner, every key at its default. Remove a `#` to change one; docs/config.md explains them.\n",
    );
    for (section, about) in SECTIONS {
        if !section.is_empty() {
            put(&mut file, format_args!("\n# {about}\n[{section}]\n"));
        }
        for key in keys().filter(|key| key.section() == *section) {
            wrap(&mut file, key.meaning);
            put(
                &mut file,
                format_args!("# {} = {}\n", key.name(), key.default.unwrap_or_default()),
            );
        }
        if TASK_RULES.starts_with(&format!("{section}.")) {
            wrap(&mut file, TASKS_ABOUT);
            put(
                &mut file,
                format_args!(
                    "# [[{TASK_RULES}]]\n# pattern = \"batch/*\"\n# class = \"best_effort\"\n"
                ),
            );
            for key in TASK_KEYS {
                if let Some(default) = key.default {
                    put(&mut file, format_args!("# {} = {default}\n", key.name()));
                }
            }
        }
    }
    wrap(&mut file, SHADOWS_ABOUT);
    put(&mut file, format_args!("# [[{SHADOWS}]]\n# name = \"careful\"\n# cpu.risk = \"0.5%\"\n"));
    file
}

/// Writes a text as comment lines.
fn wrap(file: &mut String, text: &str) {
    let mut line = String::from("\n#");
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            put(file, format_args!("{line}\n"));
            "#".clone_into(&mut line);
        }
        put(&mut line, format_args!(" {word}"));
    }
    put(file, format_args!("{line}\n"));
}

/// The configuration in force as TOML; reads back to the same, and says which defaults were changed.
#[must_use]
pub fn effective(config: &Config) -> String {
    let mut file = String::new();
    for (section, _) in SECTIONS {
        if !section.is_empty() {
            put(&mut file, format_args!("\n[{section}]\n"));
        }
        for key in keys().filter(|key| key.section() == *section) {
            assignment(&mut file, key, config);
        }
        if TASK_RULES.starts_with(&format!("{section}.")) {
            for rule in &config.host.layout.tasks {
                put(&mut file, format_args!("\n[[{TASK_RULES}]]\n"));
                TASK_KEYS.iter().for_each(|key| assignment(&mut file, key, rule));
            }
        }
    }
    shadow::show(&mut file, config);
    file
}

fn assignment<C>(file: &mut String, key: &Key<C>, config: &C) {
    let value = (key.show)(config);
    match key.default {
        Some(default) if default != value => {
            put(file, format_args!("{} = {value}  # default {default}\n", key.name()));
        }
        Some(_) | None => put(file, format_args!("{} = {value}\n", key.name())),
    }
}

/// Appends to a text, which cannot fail.
fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let written = text.write_fmt(arguments);
    debug_assert!(written.is_ok(), "a String takes everything");
}
