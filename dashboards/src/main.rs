// SPDX-License-Identifier: Apache-2.0
//! Writes the dashboards, rules and alerts, for the places that are named.

use anyhow::Context;
use clap::Parser;
use gleaner_dashboards::{Places, files};
use std::path::PathBuf;

/// Write the Grafana dashboards, Prometheus rules and alerts.
#[derive(Parser)]
struct Arguments {
    /// Write into this directory
    #[arg(long, value_name = "DIR", default_value = "dashboards")]
    out: PathBuf,

    /// Link to a copy of docs/ at this URL
    #[arg(long, value_name = "URL")]
    docs: Option<String>,

    /// Link from alerts to Grafana at this URL
    #[arg(long, value_name = "URL")]
    grafana: Option<String>,

    /// Link from the Node dashboard to the node's own page at this URL; ${instance} is the scraped address
    #[arg(long, value_name = "URL")]
    page: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let usual = Places::default();
    let places = Places {
        docs: arguments.docs.unwrap_or(usual.docs),
        grafana: arguments.grafana.unwrap_or(usual.grafana),
        page: arguments.page.unwrap_or(usual.page),
    };
    for made in files(&places) {
        let path = arguments.out.join(&made.path);
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        written
            .and_then(|()| std::fs::write(&path, &made.text))
            .with_context(|| format!("{}: cannot be written", path.display()))?;
    }
    Ok(())
}
