// SPDX-License-Identifier: Apache-2.0
//! Templates filled with text that was made safe: names of tasks come from whoever made the cgroup.

/// Replaces each `{{name}}`; a name without a value becomes nothing.
pub(super) fn fill(template: &str, parts: &[(&str, String)]) -> String {
    let mut page = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        page.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        if let Some((_, value)) = parts.iter().find(|(known, _)| *known == name) {
            page.push_str(value);
        }
        rest = after;
    }
    page.push_str(rest);
    page
}

/// Text as HTML.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

/// One piece of HTML for each.
pub(super) fn each<T>(all: impl IntoIterator<Item = T>, one: impl Fn(T) -> String) -> String {
    all.into_iter().map(one).collect()
}

/// A moment that the script writes in the reader's zone; without one it stays in UTC.
pub(super) fn moment(at_ms: u64) -> String {
    let utc = crate::civil::time(at_ms);
    let utc = utc.split('.').next().unwrap_or_default();
    format!("<time data-ms=\"{at_ms}\">{utc} UTC</time>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_and_unknown_parts_are_nothing() {
        assert_eq!(
            escape("<img src='x' onerror=\"a&b\">"),
            "&lt;img src=&#39;x&#39; onerror=&quot;a&amp;b&quot;&gt;"
        );
        let page = fill("a {{x}} b {{y}} c", &[("x", "{{y}}".to_owned())]);
        assert_eq!(page, "a {{y}} b  c", "values are not templates");
    }
}
