// SPDX-License-Identifier: Apache-2.0
//! Words that no file says: notes of unfinished work, and the workplace, which is no part of the project.

use crate::tree::{Finding, lines, none, sources};

/// Files that may say them, and why.
const EXEMPT: [(&str, &str); 3] = [
    ("tests/tests/tidy/words.rs", "lists them"),
    ("tests/tests/tidy/source.rs", "lists macros of the same name"),
    ("Cargo.lock", "other people's names"),
];

/// Found as whole words, whatever their case; each with what to do instead.
const WORDS: [(&str, &str); 6] = [
    ("fixme", "mend it, or say in one sentence what the limit is"),
    ("todo", "do it, or say in one sentence what the limit is"),
    ("xxx", "say what is meant"),
    ("session", "the project speaks of itself only; a terminal, a login or a run has its own word"),
    ("helper agent", "the project speaks of itself only"),
    ("/work/", "paths are relative to the repository, or configured"),
];

/// Abort would end the Mesos agent that hosts the library, where unwinding ends one call.
const ABORT: &str = "panic = \"abort\"";

fn banned(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let lower = line.to_lowercase();
        for (word, instead) in WORDS {
            if lower.match_indices(word).any(|(at, _)| stands_alone(&lower, at, word)) {
                found.push(Finding::new(path, number + 1, format!("\"{word}\": {instead}")));
            }
        }
        if line.replace(' ', "").contains(&ABORT.replace(' ', "")) {
            let what = "the library must unwind: a panic may not end its host";
            found.push(Finding::new(path, number + 1, what));
        }
    }
    found
}

/// Not within a longer word, macro call or unit name: `todo!` has a rule of its own, `session-2.scope` is systemd's.
fn stands_alone(line: &str, at: usize, word: &str) -> bool {
    let joined = |c: char| c.is_alphanumeric() || c == '_';
    let before = line[..at].chars().next_back();
    let after = line[at + word.len()..].chars().next();
    if word.starts_with('/') {
        return !before.is_some_and(|c| joined(c) || c == '.' || c == '}');
    }
    !before.is_some_and(joined) && !after.is_some_and(|c| joined(c) || c == '!' || c == '-')
}

#[test]
fn planted_words_are_found() {
    let text = "a FIXME b\nprefixmesuffix\nmktemp XXXXXX\n# XXX\nin this session\nsession-2.scope\n\
        /work/x\ntests/work/x\npanic=\"abort\"\n";
    assert_eq!(lines(&banned("a.md", text)), [1, 4, 5, 7, 9]);
}

#[test]
fn banned_words_do_not_occur() {
    let files = sources();
    let exempt = |path: &str| EXEMPT.iter().any(|(file, _)| *file == path);
    let others = files.iter().filter(|file| !exempt(&file.path));
    none(others.flat_map(|file| banned(&file.path, &file.text)));
}
