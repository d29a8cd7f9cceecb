// SPDX-License-Identifier: Apache-2.0
//! Templates filled with text that was made safe: names of tasks come from whoever made the cgroup.

/// Text as HTML, in an element or a quoted attribute.
pub(super) use html_escape::encode_quoted_attribute as escape;

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
            "&lt;img src=&#x27;x&#x27; onerror=&quot;a&amp;b&quot;&gt;"
        );
        let page = fill("a {{x}} b {{y}} c", &[("x", "{{y}}".to_owned())]);
        assert_eq!(page, "a {{y}} b  c", "values are not templates");
    }
}
