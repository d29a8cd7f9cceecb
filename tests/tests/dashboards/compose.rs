// SPDX-License-Identifier: Apache-2.0
//! The compose file and what it mounts agree with each other: files, paths inside the containers, addresses, intervals,
//! names of dashboards. Neither image can be had where tests run, so this is read and not run.

use crate::{dashboards, root};
use gleaner_dashboards::{Places, boards};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

fn read(path: &str) -> String {
    let path = dashboards(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Lines of a service of the compose file: those below `  name:` that are indented deeper.
fn service(name: &str) -> Vec<String> {
    let text = read("compose.yml");
    let below = text.lines().skip_while(|line| *line != format!("  {name}:")).skip(1);
    let lines: Vec<String> =
        below.take_while(|line| line.starts_with("    ")).map(|line| line.trim().into()).collect();
    assert!(!lines.is_empty(), "the compose file has no service {name}");
    lines
}

/// What is mounted where: the path inside the container, and what of this repository is there.
fn mounts(lines: &[String]) -> BTreeMap<PathBuf, PathBuf> {
    let mount = |line: &String| {
        let (from, to) = line.strip_prefix("- ")?.strip_suffix(":ro")?.split_once(':')?;
        Some((PathBuf::from(to), plain(&dashboards(from))))
    };
    lines.iter().filter_map(mount).collect()
}

/// Without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
        plain
    })
}

/// What a path inside a container is of this repository.
fn inside(mounts: &BTreeMap<PathBuf, PathBuf>, path: &str) -> PathBuf {
    let path = Path::new(path);
    let here = mounts.iter().find_map(|(to, from)| {
        let rest = path.strip_prefix(to).ok()?;
        // `join("")` would add a slash, and a file has none.
        Some(if rest.as_os_str().is_empty() { from.clone() } else { from.join(rest) })
    });
    here.unwrap_or_else(|| panic!("{} is not mounted: {mounts:#?}", path.display()))
}

/// The value behind the first `key` of some lines: `key: value`, `--key=value` or `- key: value`.
fn value<'a>(mut lines: impl Iterator<Item = &'a str>, key: &str) -> &'a str {
    let found = lines.find_map(|line| line.trim().trim_start_matches("- ").strip_prefix(key));
    found.unwrap_or_else(|| panic!("no {key}")).trim().trim_matches('"')
}

#[test]
fn every_mount_is_there_and_everything_named_is_mounted() {
    for name in ["prometheus", "grafana"] {
        let lines = service(name);
        for from in mounts(&lines).values() {
            assert!(from.exists(), "{name} mounts {}, which is not there", from.display());
        }
        // On a network of its own it could not reach what listens on the loopback interface.
        assert!(lines.iter().any(|line| line == "network_mode: host"), "{name}");
    }
    let prometheus = service("prometheus");
    let mounted = mounts(&prometheus);
    let config = value(prometheus.iter().map(String::as_str), "--config.file=");
    assert_eq!(inside(&mounted, config), dashboards("prometheus/prometheus.yml"));
    let text = read("prometheus/prometheus.yml");
    let rules: Vec<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("- gleaner.")).collect();
    assert_eq!(rules, ["rules.yml", "alerts.yml"]);
    for rule in rules {
        let beside = Path::new(config).with_file_name(format!("gleaner.{rule}"));
        let file = inside(&mounted, &beside.to_string_lossy());
        assert_eq!(file, dashboards(&format!("prometheus/gleaner.{rule}")));
    }
}

#[test]
fn grafana_finds_its_dashboards_and_documents() {
    let grafana = service("grafana");
    let mounted = mounts(&grafana);
    let home =
        value(grafana.iter().map(String::as_str), "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH:");
    assert!(inside(&mounted, home).is_file(), "{home}");
    for kind in ["datasources", "dashboards"] {
        // Where Grafana looks by default, one folder for each kind.
        let folder = inside(&mounted, &format!("/etc/grafana/provisioning/{kind}"));
        let files = fs::read_dir(&folder).expect("a folder").flatten();
        assert!(files.count() > 0, "{} is empty", folder.display());
    }
    let provider = read("grafana/provisioning/dashboards/gleaner.yml");
    let folder = inside(&mounted, value(provider.lines(), "path:"));
    for board in boards(&Places::default()) {
        assert!(folder.join(format!("{}.json", board.uid)).is_file(), "{}", board.uid);
    }
    // Grafana serves its folder `public` under that name.
    let places = Places::default();
    let (_, path) = places.docs.split_once("/public/").expect("documents are served by Grafana");
    let docs = inside(&mounted, &format!("/usr/share/grafana/public/{path}"));
    assert_eq!(docs, root().join("docs"));
}

#[test]
fn addresses_and_intervals_agree() {
    let (prometheus, grafana) = (service("prometheus"), service("grafana"));
    let listens = value(prometheus.iter().map(String::as_str), "--web.listen-address=");
    let source = read("grafana/provisioning/datasources/prometheus.yml");
    assert_eq!(value(source.lines(), "url:"), format!("http://{listens}"));
    let config = read("prometheus/prometheus.yml");
    let targets: Vec<&str> =
        config.lines().filter_map(|line| line.trim().strip_prefix("- targets: ")).collect();
    let itself = format!("['{listens}']");
    let node = format!("['{}']", gleaner_watch::http::DEFAULT_ADDRESS);
    assert_eq!(targets, [node.as_str(), itself.as_str()]);
    assert_eq!(value(config.lines(), "scrape_interval:"), value(source.lines(), "timeInterval:"));
    let address = value(grafana.iter().map(String::as_str), "GF_SERVER_HTTP_ADDR:");
    assert_eq!(address, "127.0.0.1", "nobody outside may look");
    let port = grafana.iter().any(|line| line.starts_with("GF_SERVER_HTTP_PORT"));
    assert!(!port && Places::default().grafana.ends_with(":3000"), "3000 is what links name");
}

/// Every `uid` and link in a dashboard, and the texts that may be in them.
fn strings<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                found.extend(inner.as_str().filter(|_| name == key));
                strings(inner, key, found);
            }
        }
        Value::Array(all) => all.iter().for_each(|inner| strings(inner, key, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn dashboards_name_only_each_other_and_the_chosen_source() {
    let all = boards(&Places::default());
    let known: BTreeSet<&str> = all.iter().map(|board| board.uid).collect();
    assert_eq!(known.len(), all.len(), "every dashboard has a name of its own");
    let mut linked = 0;
    for board in &known {
        let text = read(&format!("grafana/{board}.json"));
        let json: Value = serde_json::from_str(&text).expect("a dashboard is JSON");
        assert_eq!(json["uid"], **board, "a dashboard is found by the name of its file");
        let (mut uids, mut urls) = (Vec::new(), Vec::new());
        strings(&json, "uid", &mut uids);
        strings(&json, "url", &mut urls);
        let foreign = uids.iter().find(|uid| *uid != board && **uid != "${datasource}");
        assert_eq!(foreign, None, "{board} would need a data source of that very name");
        for url in urls.iter().filter_map(|url| url.strip_prefix("/d/")) {
            let to = url.split('?').next().unwrap_or_default();
            assert!(known.contains(to), "{board} links to {to}");
            linked += 1;
        }
    }
    assert!(linked > 0, "the fleet links to its nodes");
}
