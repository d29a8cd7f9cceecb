// SPDX-License-Identifier: Apache-2.0
//! The page's script and style: in the program, compressed, named by their content, so kept by browsers for ever.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A file of the page.
#[derive(Clone, Copy)]
pub(super) struct Asset {
    /// Where it is served.
    pub(super) path: &'static str,
    kind: &'static str,
    plain: &'static [u8],
    compressed: &'static [u8],
}

/// uPlot and our own scripts.
pub(super) const PAGE_SCRIPT: Asset = Asset {
    path: SCRIPT,
    kind: "text/javascript; charset=utf-8",
    plain: include_bytes!(concat!(env!("OUT_DIR"), "/page.js")),
    compressed: include_bytes!(concat!(env!("OUT_DIR"), "/page.js.gz")),
};

/// Their styles.
pub(super) const PAGE_STYLE: Asset = Asset {
    path: STYLE,
    kind: "text/css; charset=utf-8",
    plain: include_bytes!(concat!(env!("OUT_DIR"), "/page.css")),
    compressed: include_bytes!(concat!(env!("OUT_DIR"), "/page.css.gz")),
};

fn takes_gzip(asked: &HeaderMap) -> bool {
    let accepted = asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|encodings| {
        encodings.split(',').any(|one| one.split(';').next().map(str::trim) == Some("gzip"))
    })
}

/// HTML that was just made, compressed where the client can read that.
pub(super) fn html(page: String, asked: &HeaderMap) -> Response {
    let vary = (header::VARY, "accept-encoding");
    if takes_gzip(asked) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        // Writing to memory cannot fail; if it did, the page goes as it is.
        let packed = encoder.write_all(page.as_bytes()).and_then(|()| encoder.finish());
        if let Ok(packed) = packed {
            let kind = (header::CONTENT_TYPE, "text/html; charset=utf-8");
            return ([kind, vary, (header::CONTENT_ENCODING, "gzip")], packed).into_response();
        }
    }
    ([vary], Html(page)).into_response()
}

impl Asset {
    /// Compressed where the client can read that.
    pub(super) fn answer(self, asked: &HeaderMap) -> Response {
        // Its name has the content's mark in it.
        let tag = format!("\"{}\"", self.path);
        let known = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        if known.is_some_and(|tags| tags.split(',').any(|one| one.trim() == tag)) {
            return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
        }
        let takes_gzip = takes_gzip(asked);
        let body = if takes_gzip { self.compressed } else { self.plain };
        let mut response = (
            [
                (header::CONTENT_TYPE, self.kind),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                (header::VARY, "accept-encoding"),
                (header::ETAG, tag.as_str()),
            ],
            body,
        )
            .into_response();
        if takes_gzip {
            let gzip = HeaderValue::from_static("gzip");
            response.headers_mut().insert(header::CONTENT_ENCODING, gzip);
        }
        response
    }
}
