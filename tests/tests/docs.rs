// SPDX-License-Identifier: Apache-2.0
//! Documents are executed: every command in them is one that exists, every configuration one that is accepted.

use cargo_metadata::{Metadata, MetadataCommand};
use gleaner_tests::programs::built;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A fenced block of a document.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    place: String,
    language: String,
    text: String,
}

/// First words of commands that change the machine, need the network or have a test of their own: read, never run.
const NOT_RUN: [&str; 7] = ["git", "cd", "curl", "systemctl", "journalctl", "apt-get", "jq"];
/// Cargo's options that name a part of the workspace.
const TARGETS: [(&str, &str); 4] =
    [("--test", "test"), ("--bench", "bench"), ("--bin", "bin"), ("--example", "example")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies one below the root")
}

/// The documents that speak to users and developers; a changelog speaks of the past.
fn documents() -> Vec<PathBuf> {
    let places = ["", "docs", "dashboards", "ffi", "ffi/mesos"];
    let directories = places.iter().filter_map(|place| fs::read_dir(root().join(place)).ok());
    let mut found: Vec<PathBuf> =
        directories.flatten().flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.extension().is_some_and(|end| end == "md"));
    found.retain(|path| !path.ends_with("CHANGELOG.md"));
    found.sort();
    found
}

fn blocks(place: &str, text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            inside = !inside;
            if inside {
                let place = format!("{place}:{}", number + 1);
                found.push(Block { place, language: language.trim().into(), text: String::new() });
            }
        } else if let Some(block) = found.last_mut().filter(|_| inside) {
            block.text.push_str(line);
            block.text.push('\n');
        }
    }
    found
}

fn blocks_of(language: &str) -> Vec<Block> {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("just listed");
        blocks(&path.to_string_lossy(), &text)
    };
    documents().into_iter().flat_map(read).filter(|block| block.language == language).collect()
}

/// The commands of a shell block: continued lines joined, prompts, comments and variables left out.
fn commands(text: &str) -> Vec<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(|line| line.split(" #").next().unwrap_or_default().trim());
    let lines = lines.map(|line| line.strip_prefix("$ ").unwrap_or(line));
    let commands = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let words = |line: &str| {
        let words =
            line.split_whitespace().skip_while(|word| word.contains('=')).map(str::to_owned);
        words.skip_while(|word| word == "sudo").collect()
    };
    commands.map(words).collect()
}

/// What is wrong with a command, if anything.
fn wrong(words: &[String], metadata: &Metadata) -> Option<String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["cargo", "run", ..] => {
            let own = words.iter().position(|word| *word == "--").map_or(words.len(), |at| at + 1);
            if let Some(at) = words.iter().position(|word| *word == "--example") {
                return unknown_to_cargo(&words[..=(at + 1).min(words.len() - 1)], metadata);
            }
            let package = words[..own].windows(2).find(|pair| pair[0] == "-p").map(|pair| pair[1]);
            refused_by(package.unwrap_or("gleaner"), &words[own..])
        }
        ["gleaner" | "./target/release/gleaner" | "target/release/gleaner", ..] => {
            refused_by("gleaner", &words[1..])
        }
        ["target/release/colocate", ..] => refused_by("colocate", &words[1..]),
        ["cargo", ..] => unknown_to_cargo(&words, metadata),
        ["install", .., source, _] => (!source.starts_with("target/release/")
            && !root().join(source).is_file())
        .then(|| format!("no such file: {source}")),
        [script, ..] if script.contains('/') => {
            (!root().join(script).is_file()).then(|| format!("no such file: {script}"))
        }
        [program, ..] => (!NOT_RUN.contains(&program))
            .then(|| format!("a command that this test does not know: {program}")),
        [] => None,
    }
}

/// The command line parser reads up to `--help` and refuses what it does not know; nothing is run.
fn refused_by(program: &str, arguments: &[&str]) -> Option<String> {
    let words = arguments.iter().take_while(|word| !["|", ">", "&", "&&", ";"].contains(*word));
    let path = built(program).expect("the program");
    let output = Command::new(path).args(words).arg("--help").output().expect("it starts");
    let answered = String::from_utf8_lossy(&output.stdout).contains("Usage");
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    (!output.status.success() || !answered).then(|| format!("{program} refuses it: {messages}"))
}

fn unknown_to_cargo(words: &[&str], metadata: &Metadata) -> Option<String> {
    let packages = metadata.workspace_packages();
    for pair in words.windows(2) {
        let (option, name) = (pair[0], pair[1]);
        if option == "-p" && !packages.iter().any(|package| package.name == name) {
            return Some(format!("no such package: {name}"));
        }
        let Some((_, kind)) = TARGETS.iter().find(|(of_kind, _)| *of_kind == option) else {
            continue;
        };
        let mut targets = packages.iter().flat_map(|package| &package.targets);
        let of_kind = |target: &cargo_metadata::Target| {
            target.kind.iter().any(|found| found.to_string() == **kind)
        };
        if !targets.any(|target| target.name == name && of_kind(target)) {
            return Some(format!("no such {kind}: {name}"));
        }
    }
    None
}

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).no_deps().exec().expect("cargo metadata")
}

#[test]
fn blocks_and_commands_are_read() {
    let text = "a\n```sh\n$ X=1 sudo gleaner run \\\n  --ticks 3 # a comment\n# no command\n```\nb\n```\nc\n```\n";
    let found = blocks("x.md", text);
    let languages: Vec<&str> = found.iter().map(|block| block.language.as_str()).collect();
    assert_eq!(languages, ["sh", ""]);
    assert_eq!(found[0].place, "x.md:2");
    assert_eq!(commands(&found[0].text), [["gleaner", "run", "--ticks", "3"]]);
}

#[test]
fn planted_commands_are_refused() {
    let metadata = metadata();
    let wrong = |line: &str| wrong(&commands(line)[0], &metadata);
    for bad in [
        "cargo test -p gleaner-nothing",
        "cargo test -p gleaner-tests --test no_such_test",
        "tests/no-such-script",
        "rm -rf everything",
    ] {
        assert!(wrong(bad).is_some(), "{bad}");
    }
    for good in ["cargo test -p gleaner-tests --test docs", "tests/run", "git clone x", "cargo fmt"]
    {
        assert_eq!(wrong(good), None, "{good}");
    }
}

#[test]
fn commands_in_documents_exist() {
    let metadata = metadata();
    let mut found = Vec::new();
    for block in blocks_of("sh") {
        for command in commands(&block.text) {
            if let Some(what) = wrong(&command, &metadata) {
                found.push(format!("{}: {}: {what}", block.place, command.join(" ")));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn configurations_in_documents_are_accepted() {
    let mut found = Vec::new();
    for block in blocks_of("toml") {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("gleaner.toml");
        fs::write(&file, &block.text).expect("a file in it");
        let program = built("gleaner").expect("the program");
        let output =
            Command::new(program).arg("check-config").arg(&file).output().expect("it starts");
        let said = [output.stdout, output.stderr].concat();
        if !output.status.success() {
            found.push(format!("{}: {}", block.place, String::from_utf8_lossy(&said)));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_readme_begins_with_two_commands() {
    let text = fs::read_to_string(root().join("README.md")).expect("README.md");
    let of_shell = blocks("README.md", &text).into_iter().filter(|block| block.language == "sh");
    let lines: Vec<String> =
        of_shell.flat_map(|block| commands(&block.text)).map(|words| words.join(" ")).collect();
    for wanted in ["cargo run --release -- run", "tests/run"] {
        assert!(lines.iter().any(|line| line == wanted), "{wanted} is not in a ```sh block");
    }
}

/// What a unit states for a key, in words.
fn stated<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let value = unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {key}= in the unit")).split_whitespace().collect()
}

#[test]
fn what_is_installed_fits_together() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect(path);
    let (unit, config) = (read("sidecar/gleaner.service"), read("sidecar/gleaner.service.toml"));
    let page = read("docs/operating.md");
    let installed: Vec<(&str, &str)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("install ")?.rsplit_once(' '))
        .map(|(rest, to)| (rest.rsplit(' ').next().unwrap_or_default(), to))
        .collect();
    let to = |file: &str| {
        let found = installed.iter().find(|(from, _)| *from == file);
        found.unwrap_or_else(|| panic!("{file} is not installed: {installed:?}")).1
    };
    let started = stated(&unit, "ExecStart");
    let wanted =
        [to("target/release/gleaner"), "run", "--config", to("sidecar/gleaner.service.toml")];
    assert_eq!(started, wanted, "the unit starts what was installed");
    assert!(to("sidecar/gleaner.service").starts_with("/etc/systemd/system/"));
    // The directories that systemd makes and lets the unit write, which is confined otherwise.
    let made = [
        ("LogsDirectory", "/var/log"),
        ("StateDirectory", "/var/lib"),
        ("RuntimeDirectory", "/run"),
    ];
    let files = config.lines().filter_map(|line| line.strip_prefix("file = "));
    let journal = "\"/run/gleaner/journal\"";
    for file in files.chain([journal]) {
        let file = Path::new(file.trim_matches('"'));
        let writable = made.iter().any(|(key, place)| {
            let name = stated(&unit, key)[0];
            file.parent() == Some(&Path::new(place).join(name))
        });
        assert!(writable, "{} is in no directory of the unit", file.display());
    }
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("gleaner.toml");
    fs::write(&path, &config).expect("writable");
    let program = built("gleaner").expect("the program");
    let output = Command::new(program).arg("check-config").arg(&path).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(&format!("journal = {journal}")), "{said}");
}
