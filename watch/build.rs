// SPDX-License-Identifier: Apache-2.0
//! Puts the page's scripts and styles together, compresses them, and names them by their content.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// In the order in which they are put together.
const SCRIPTS: [&str; 6] =
    ["uplot/uPlot.iife.min.js", "state.js", "charts.js", "words.js", "keys.js", "main.js"];
const STYLES: [&str; 2] = ["uplot/uPlot.min.css", "page.css"];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=page");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    let script = asset(&out, "js", &SCRIPTS)?;
    let style = asset(&out, "css", &STYLES)?;
    fs::write(
        out.join("assets.rs"),
        format!("const SCRIPT: &str = \"{script}\";\nconst STYLE: &str = \"{style}\";\n"),
    )
}

/// Writes `page.EXTENSION` and its gzip; returns the path under which it is served.
fn asset(out: &Path, extension: &str, parts: &[&str]) -> io::Result<String> {
    let mut whole = Vec::new();
    for part in parts {
        let path = Path::new("page").join(part);
        let text = fs::read(&path).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        whole.extend_from_slice(&text);
        whole.push(b'\n');
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&whole)?;
    let compressed = encoder.finish()?;
    fs::write(out.join(format!("page.{extension}")), &whole)?;
    fs::write(out.join(format!("page.{extension}.gz")), &compressed)?;
    Ok(format!("/assets/page-{:016x}.{extension}", fnv(&whole)))
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): a name that changes with the content; nobody attacks it.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
