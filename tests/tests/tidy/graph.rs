// SPDX-License-Identifier: Apache-2.0
//! Who may depend on whom: the table of ARCHITECTURE.md against `cargo metadata`.

use crate::tree::root;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::BTreeMap;

/// Workspace crates, and the workspace crates that each may use.
const MAY_USE: [(&str, &[&str]); 14] = [
    ("gleaner-estimator", &[]),
    ("gleaner-qos", &["gleaner-estimator"]),
    ("gleaner-engine", &["gleaner-estimator", "gleaner-qos"]),
    ("gleaner-collector", &["gleaner-estimator"]),
    ("gleaner-act", &["gleaner-estimator", "gleaner-qos", "gleaner-collector"]),
    ("gleaner-watch", &["gleaner-estimator", "gleaner-qos", "gleaner-engine"]),
    ("gleaner-backtest", &["gleaner-estimator", "gleaner-qos", "gleaner-engine"]),
    ("gleaner-policy", &["gleaner-estimator", "gleaner-qos", "gleaner-engine"]),
    ("gleaner-wire", &[]),
    (
        "gleaner-host",
        &[
            "gleaner-estimator",
            "gleaner-qos",
            "gleaner-engine",
            "gleaner-collector",
            "gleaner-watch",
        ],
    ),
    ("gleaner-dashboards", &["gleaner-estimator", "gleaner-qos", "gleaner-watch"]),
    ("gleaner-ffi", ALL_BUT_HOSTS),
    ("gleaner", ALL_BUT_HOSTS),
    ("gleaner-tests", ALL),
];
const ALL_BUT_HOSTS: &[&str] = &[
    "gleaner-estimator",
    "gleaner-qos",
    "gleaner-engine",
    "gleaner-collector",
    "gleaner-act",
    "gleaner-watch",
    "gleaner-backtest",
    "gleaner-policy",
    "gleaner-wire",
    "gleaner-host",
];
const ALL: &[&str] = &[
    "gleaner-estimator",
    "gleaner-qos",
    "gleaner-engine",
    "gleaner-collector",
    "gleaner-act",
    "gleaner-watch",
    "gleaner-backtest",
    "gleaner-policy",
    "gleaner-wire",
    "gleaner-host",
    "gleaner-dashboards",
    "gleaner-ffi",
    "gleaner",
];
/// The pure crates, and all that they may use from elsewhere.
pub(crate) const PURE: [(&str, &[&str]); 3] = [
    ("gleaner-estimator", &["serde", "thiserror", "postcard", "crc32fast"]),
    ("gleaner-qos", &["serde", "thiserror"]),
    ("gleaner-engine", &["serde", "thiserror", "toml", "serde_json", "postcard", "strsim"]),
];

/// One edge: who, on whom, and whether only for its tests.
type Edge<'a> = (&'a str, &'a str, bool);

fn forbidden(edges: &[Edge<'_>]) -> Vec<String> {
    let tables: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    let pure: BTreeMap<&str, &[&str]> = PURE.into_iter().collect();
    let mut found = Vec::new();
    for (from, to, for_tests) in edges {
        let Some(allowed) = tables.get(from) else {
            found.push(format!("{from}: a crate that the table in {} does not know", file!()));
            continue;
        };
        let internal = tables.contains_key(to);
        if internal && !allowed.contains(to) {
            found.push(format!("{from} may not depend on {to}"));
        }
        let outside = !internal && !for_tests;
        if outside && pure.get(from).is_some_and(|allowed| !allowed.contains(to)) {
            found.push(format!("{from} is pure and may not depend on {to}"));
        }
    }
    found
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        // Other platforms' crates are not downloaded, and a test must not start to.
        .other_options(
            ["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(String::from),
        )
        .exec()
        .expect("cargo metadata")
}

fn edges<'a>(packages: &[&'a Package]) -> Vec<Edge<'a>> {
    let edge = |package: &'a Package| {
        package.dependencies.iter().map(|dependency| {
            let for_tests = dependency.kind == DependencyKind::Development;
            (package.name.as_str(), dependency.name.as_str(), for_tests)
        })
    };
    packages.iter().copied().flat_map(edge).collect()
}

/// Whether an SPDX expression can be met with these licences.
fn licensed(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    any(&mut words, allowed) && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

/// `all { OR all }`; every part is read to its end, met or not.
fn any(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    let mut met = all(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all(words, allowed);
    }
    met
}

/// `one { AND one }`.
fn all(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

/// `( any )`, or a licence `[ WITH exception ]`; an exception only ever permits more.
fn one(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    if words.next_if_eq(&"(").is_some() {
        return any(words, allowed) & (words.next() == Some(")"));
    }
    let met = words.next().is_some_and(|licence| allowed.contains(&licence));
    if words.next_if_eq(&"WITH").is_some() {
        words.next();
    }
    met
}

#[test]
fn planted_edges_are_found() {
    let good = [("gleaner-engine", "gleaner-qos", false), ("gleaner-engine", "proptest", true)];
    assert_eq!(forbidden(&good), Vec::<String>::new());
    for bad in [
        ("gleaner-qos", "gleaner-collector", false),
        ("gleaner-estimator", "rustix", false),
        ("gleaner", "gleaner-ffi", false),
        ("gleaner-watch", "gleaner-tests", true),
        ("gleaner-new", "serde", false),
    ] {
        assert_eq!(forbidden(&[bad]).len(), 1, "{bad:?}");
    }
}

#[test]
fn licence_expressions_are_read() {
    let allowed = ["MIT", "Apache-2.0", "Unicode-3.0"];
    for good in ["MIT", "MIT/Apache-2.0", "GPL-2.0 OR MIT", "(X OR MIT) AND Unicode-3.0"] {
        assert!(licensed(good, &allowed), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR X) AND GPL-3.0", "", "(MIT"] {
        assert!(!licensed(bad, &allowed), "{bad}");
    }
}

#[test]
fn crates_depend_downwards_only() {
    let metadata = metadata();
    let found = forbidden(&edges(&metadata.workspace_packages()));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn dependencies_come_from_the_registry_under_an_allowed_licence() {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    let deny: toml::Table = text.parse().expect("deny.toml");
    let allowed = deny["licenses"]["allow"].as_array().expect("deny.toml: licenses.allow");
    let allowed: Vec<&str> = allowed.iter().filter_map(toml::Value::as_str).collect();
    let excepted = |name: &str| {
        let list = deny["licenses"].get("exceptions").and_then(toml::Value::as_array);
        let of = |one: &&toml::Value| one["crate"].as_str() == Some(name);
        let more =
            list.and_then(|list| list.iter().find(of)).and_then(|one| one["allow"].as_array());
        more.into_iter().flatten().filter_map(toml::Value::as_str).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for package in metadata().packages.iter().filter(|package| package.source.is_some()) {
        let licence = package.license.as_deref().unwrap_or_default();
        let allowed = [allowed.as_slice(), &excepted(package.name.as_str())].concat();
        if !licensed(licence, &allowed) {
            found.push(format!("{} {}: licence {licence:?}", package.name, package.version));
        }
        let source = package.source.as_ref().map(ToString::to_string).unwrap_or_default();
        if source != "registry+https://github.com/rust-lang/crates.io-index" {
            found.push(format!("{}: from {source}", package.name));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
