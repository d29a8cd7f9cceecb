// SPDX-License-Identifier: Apache-2.0
//! What no source file says: unfinished work, silenced lints without a reason, tests that wait for time.
//!
//! Works on tokens, so that the bodies of macros are seen too and comments and texts are not.

use crate::tree::{Finding, Source, lines, none, sources, sources_of};
use proc_macro2::{TokenStream, TokenTree};

const LICENCE: &str = "SPDX-License-Identifier: Apache-2.0";
/// Macros that mean unfinished work, and what to write instead.
const MACROS: [(&str, &str); 3] = [
    ("todo", "write it, or leave the function out"),
    ("unimplemented", "write it, or make the state unrepresentable"),
    ("dbg", "use a test's assertion, or tracing"),
];
/// Files of test code that may sleep, and why.
const SLEEPERS: [(&str, &str); 4] = [
    ("tests/src/poll.rs", "the one place that waits: it looks again until a deadline"),
    ("tests/src/bin/load.rs", "takes memory at a given rate"),
    ("tests/examples/module_cost.rs", "what is spent is measured over a given time"),
    (
        "tests/src/rig/pause.rs",
        "a measurement lasts as long as it is meant to, and a request comes when it is due",
    ),
];

/// A token with its line; groups are flattened into their delimiters' content.
struct Token {
    text: String,
    line: usize,
    /// Index into the flat list one past a group's content; 0 for other tokens.
    end: usize,
}

fn flatten(stream: TokenStream, flat: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        if let TokenTree::Group(group) = tree {
            let at = flat.len();
            let text = match group.delimiter() {
                proc_macro2::Delimiter::Bracket => "[",
                proc_macro2::Delimiter::Brace => "{",
                proc_macro2::Delimiter::Parenthesis => "(",
                proc_macro2::Delimiter::None => "",
            };
            flat.push(Token { text: text.into(), line, end: 0 });
            flatten(group.stream(), flat);
            flat[at].end = flat.len();
        } else {
            flat.push(Token { text: tree.to_string(), line, end: 0 });
        }
    }
}

fn tokens(path: &str, text: &str) -> Result<Vec<Token>, Finding> {
    let stream: TokenStream =
        text.parse().map_err(|error| Finding::new(path, 1, format!("{error}")))?;
    let mut flat = Vec::new();
    flatten(stream, &mut flat);
    Ok(flat)
}

/// Whether these tokens follow one another at `at`.
fn follows(tokens: &[Token], at: usize, words: &[&str]) -> bool {
    let found = tokens.iter().skip(at).map(|token| token.text.as_str());
    found.take(words.len()).eq(words.iter().copied())
}

fn unfinished(path: &str, tokens: &[Token]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        for (name, instead) in MACROS {
            if follows(tokens, at, &[name, "!"]) {
                found.push(Finding::new(path, token.line, format!("{name}!: {instead}")));
            }
        }
    }
    found
}

/// `#[ignore]`, and `#[expect]` or `#[allow]` without a reason.
fn attributes(path: &str, tokens: &[Token]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let inner = usize::from(follows(tokens, at, &["#", "!"]));
        let bracket = at + 1 + inner;
        if token.text != "#" || !follows(tokens, bracket, &["["]) {
            continue;
        }
        let content = &tokens[bracket + 1..tokens[bracket].end];
        let name = content.first().map_or("", |first| first.text.as_str());
        let has_reason = content.iter().any(|token| token.text == "reason");
        if name == "ignore" {
            let what = "#[ignore]: say gleaner_tests::skip(why) and return, so that it is counted";
            found.push(Finding::new(path, token.line, what));
        }
        if ["allow", "expect"].contains(&name) && !has_reason {
            let what = format!("#[{name}] without reason = \"…\"");
            found.push(Finding::new(path, token.line, what));
        }
    }
    found
}

/// Sleeping in test code: files of a `tests` directory, and what follows `#[cfg(test)]` elsewhere.
fn sleeps(path: &str, tokens: &[Token]) -> Vec<Finding> {
    let is_test = path.starts_with("tests/") || path.contains("/tests/");
    let marker = |at: &usize| follows(tokens, *at, &["#", "[", "cfg", "(", "test"]);
    let from = if is_test { 0 } else { (0..tokens.len()).find(marker).unwrap_or(tokens.len()) };
    let is_sleep = |at: &usize| {
        follows(tokens, *at, &["thread", ":", ":", "sleep"])
            || follows(tokens, *at, &["time", ":", ":", "sleep"])
    };
    let what = "sleep: look for the state with gleaner_tests::wait_until, or pass time in";
    (from..tokens.len())
        .filter(is_sleep)
        .map(|at| Finding::new(path, tokens[at].line, what))
        .collect()
}

fn header(file: &Source) -> Option<Finding> {
    let Source { path, text } = file;
    let rust = path.ends_with(".rs");
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let second = lines.next().unwrap_or_default();
    if rust && first != format!("// {LICENCE}") {
        return Some(Finding::new(path, 1, format!("begins with: // {LICENCE}")));
    }
    if rust && !second.starts_with("//! ") {
        return Some(Finding::new(path, 2, "then one sentence that says what it is: //! …"));
    }
    let code = [".c", ".h", ".cpp", ".hpp", ".sh"].iter().any(|end| path.ends_with(end));
    let licensed = first.contains(LICENCE) || second.contains(LICENCE);
    ((code || first.starts_with("#!/")) && !licensed)
        .then(|| Finding::new(path, 1, format!("says in its first two lines: {LICENCE}")))
}

fn all(path: &str, text: &str, rule: fn(&str, &[Token]) -> Vec<Finding>) -> Vec<Finding> {
    tokens(path, text).map_or_else(|error| vec![error], |tokens| rule(path, &tokens))
}

fn all_files(rule: fn(&str, &[Token]) -> Vec<Finding>) -> Vec<Finding> {
    sources_of(&["rs"]).iter().flat_map(|file| all(&file.path, &file.text, rule)).collect()
}

#[test]
fn planted_unfinished_work_is_found() {
    let text = "fn a() {\n // todo!()\n \"todo!()\";\n todo!()\n}\nm! { fn b() {\n dbg!(1) } }\n";
    assert_eq!(lines(&all("x.rs", text, unfinished)), [4, 7]);
}

#[test]
fn planted_attributes_are_found() {
    let text =
        "#![allow(a)]\n#[expect(b, reason = \"c\")]\n#[test]\n#[ignore]\nm! {\n#[expect(d)]\n}";
    assert_eq!(lines(&all("x.rs", text, attributes)), [1, 4, 6]);
}

#[test]
fn planted_sleeps_are_found_in_tests_only() {
    let text = "fn a() {\n std::thread::sleep(b)\n}\n#[cfg(test)]\nmod tests {\n use std::thread::sleep;\n}";
    assert_eq!(lines(&all("engine/src/x.rs", text, sleeps)), [6]);
    assert_eq!(lines(&all("engine/tests/x.rs", text, sleeps)), [2, 6]);
}

#[test]
fn planted_headers_are_found() {
    let found = |path: &str, text: &str| header(&Source { path: path.into(), text: text.into() });
    assert!(found("a.rs", &format!("// {LICENCE}\nfn a() {{}}")).is_some());
    assert!(found("a.rs", "//! What it is.\n").is_some());
    assert!(found("a.rs", &format!("// {LICENCE}\n//! What it is.\n")).is_none());
    assert!(found("run", "#!/bin/sh\nexit 0\n").is_some());
    assert!(found("run", &format!("#!/bin/sh\n# {LICENCE}\n")).is_none());
}

#[test]
fn nothing_is_left_unfinished() {
    none(all_files(unfinished));
}

#[test]
fn lints_are_silenced_with_a_reason_and_no_test_is_ignored() {
    none(all_files(attributes));
}

#[test]
fn tests_do_not_wait_for_time() {
    let allowed = |path: &str| SLEEPERS.iter().any(|(sleeper, _)| *sleeper == path);
    let files = sources_of(&["rs"]);
    let strict = files.iter().filter(|file| !allowed(&file.path));
    none(strict.flat_map(|file| all(&file.path, &file.text, sleeps)));
}

#[test]
fn files_say_their_licence_and_what_they_are() {
    none(sources().iter().filter_map(header));
}
