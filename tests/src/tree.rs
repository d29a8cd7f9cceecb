// SPDX-License-Identifier: Apache-2.0
//! `.tree` text ⇄ directory: a captured or invented node as one readable file.
//!
//! ```text
//! # whatever a reader should know
//! -- proc/loadavg
//! 0.50 0.40 0.30 1/100 999
//! -- sys/fs/cgroup/empty/
//! ```
//! A line `-- path` begins a file, whose content is every line up to the next one; a path that ends with
//! `/` is an empty directory. Lines before the first `--` are comments. Content is text that ends with a
//! newline, or nothing: so are the kernel's files.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// Files of a tree by path; a path that ends with `/` is a directory.
pub type Files = BTreeMap<String, String>;

/// Parses the text of a `.tree` file. Of two sections with one path the later counts.
#[must_use]
pub fn parse(text: &str) -> Files {
    let mut files = Files::new();
    let mut current: Option<String> = None;
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("-- ") {
            files.insert(path.to_owned(), String::new());
            current = Some(path.to_owned());
        } else if let Some(content) = current.as_ref().and_then(|path| files.get_mut(path)) {
            content.push_str(line);
            content.push('\n');
        }
    }
    files
}

/// The text of a tree.
#[must_use]
pub fn render(files: &Files) -> String {
    files.iter().map(|(path, content)| format!("-- {path}\n{content}")).collect()
}

/// Writes files below `root`, making the directories on the way.
///
/// # Errors
/// The directory cannot be written.
pub fn write(files: &Files, root: &Path) -> io::Result<()> {
    for (path, content) in files {
        let target = root.join(path);
        if path.ends_with('/') {
            fs::create_dir_all(&target)?;
            continue;
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&target, content)?;
    }
    Ok(())
}

/// Reads what is below `root` back.
///
/// # Errors
/// A file cannot be read or is not text.
pub fn capture(root: &Path) -> io::Result<Files> {
    let mut files = Files::new();
    capture_below(root, "", &mut files)?;
    Ok(files)
}

fn capture_below(root: &Path, below: &str, files: &mut Files) -> io::Result<()> {
    let mut empty = true;
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        empty = false;
        let name = entry.file_name();
        let path = format!("{below}{}", name.to_string_lossy());
        if entry.file_type()?.is_dir() {
            capture_below(root, &format!("{path}/"), files)?;
        } else {
            files.insert(path, fs::read_to_string(entry.path())?);
        }
    }
    if empty && !below.is_empty() {
        files.insert(below.to_owned(), String::new());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_survives_the_way_to_disk_and_back() {
        let text = "-- a/b\nsome 1\n\nlines\n-- a/empty\n-- a/none/\n-- z\n0\n";
        let files = parse(&format!("# comment\nmore of it\n{text}"));
        assert_eq!(files["a/b"], "some 1\n\nlines\n");
        let dir = tempfile::tempdir().unwrap();
        write(&files, dir.path()).unwrap();
        assert!(dir.path().join("a/none").is_dir());
        assert_eq!(render(&capture(dir.path()).unwrap()), text);
    }
}
