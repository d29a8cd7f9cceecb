// SPDX-License-Identifier: Apache-2.0
//! The committed header is what the sources say.

use std::path::Path;

fn generated() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let bindings = cbindgen::Builder::new().with_crate(root).with_config(config).generate();
    let mut text = Vec::new();
    bindings.expect("sources that cbindgen understands").write(&mut text);
    String::from_utf8(text).expect("UTF-8")
}

/// With BLESS=1 the header is written anew.
#[test]
fn the_header_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/gleaner.h");
    let text = generated();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).expect("a writable header");
    }
    let committed = std::fs::read_to_string(&path).expect("a header");
    assert!(
        committed == text,
        "ffi/include/gleaner.h is stale: BLESS=1 cargo test -p gleaner-ffi --test header"
    );
}
