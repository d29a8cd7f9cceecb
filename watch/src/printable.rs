// SPDX-License-Identifier: Apache-2.0
//! Foreign text made safe to look at: names of tasks come from whoever made the cgroup.

/// The text with every control character escaped, and those that turn the direction of writing, so
/// that a name can neither drive the terminal nor look like another.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            true => shown.extend(c.escape_unicode()),
            false => shown.push(c),
        }
    }
    shown
}
