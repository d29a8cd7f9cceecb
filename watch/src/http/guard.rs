// SPDX-License-Identifier: Apache-2.0
//! What every request must pass and every answer must carry: known host, GET or HEAD, security headers.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;

/// The address of ours by which a client reached us.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached(pub(super) IpAddr);

/// Scripts and styles of our own, nothing inline, nothing from elsewhere, no frame around us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const ALWAYS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Refuses what is not meant for us, passes the rest on, and adds the headers to either answer.
pub(super) async fn guard(
    State(names): State<Arc<[String]>>,
    Extension(Reached(reached)): Extension<Reached>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match refusal(&names, reached, &request) {
        None => next.run(request).await,
        Some(refusal) => refusal,
    };
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn refusal(names: &[String], reached: IpAddr, request: &Request) -> Option<Response> {
    let Some(host) = host(request.headers(), request.uri()) else {
        let why = "the request must have exactly one Host\n";
        return Some((StatusCode::BAD_REQUEST, why).into_response());
    };
    if !is_ours(&host, names, reached) {
        let why = format!("{host} is not a name of this server; `http.allowed_hosts` can add it\n");
        return Some((StatusCode::MISDIRECTED_REQUEST, why).into_response());
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let allow = [(header::ALLOW, "GET, HEAD")];
        let why = "this server only shows; nothing can be changed through it\n";
        return Some((StatusCode::METHOD_NOT_ALLOWED, allow, why).into_response());
    }
    None
}

/// The one host that the request names, without its port. The port says nothing: tunnels change it.
fn host(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let mut fields = headers.get_all(header::HOST).iter();
    let field = fields.next().map(|value| value.to_str().unwrap_or_default());
    if fields.next().is_some() {
        return None;
    }
    // RFC 9112, section 3.2.2: an absolute target counts and the field does not.
    let named = uri.authority().map(|authority| authority.as_str()).or(field)?;
    let name = match named.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => named.split(':').next()?,
    };
    Some(name.trim_end_matches('.').to_ascii_lowercase())
}

fn is_ours(host: &str, names: &[String], reached: IpAddr) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical() == reached.to_canonical(),
        Err(_) => host == "localhost" || names.iter().any(|name| name.eq_ignore_ascii_case(host)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(host_field: &str, target: &str) -> Option<bool> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host_field).expect("a header value"));
        let uri: Uri = target.parse().expect("a target");
        let names = ["node-1.example".to_owned()];
        host(&headers, &uri).map(|name| is_ours(&name, &names, IpAddr::from([127, 0, 0, 1])))
    }

    #[test]
    fn only_our_own_names_pass() {
        assert_eq!(ours("127.0.0.1:9719", "/"), Some(true));
        assert_eq!(ours("127.0.0.1", "/"), Some(true));
        assert_eq!(ours("[::ffff:127.0.0.1]:80", "/"), Some(true));
        assert_eq!(ours("LocalHost:8080", "/"), Some(true));
        assert_eq!(ours("Node-1.Example.:9719", "/"), Some(true));
        assert_eq!(ours("evil.example", "/"), Some(false));
        assert_eq!(ours("127.0.0.1.evil.example", "/"), Some(false));
        assert_eq!(ours("192.168.0.7", "/"), Some(false));
        assert_eq!(ours("[::1]:9719", "/"), Some(false), "we were reached by another address");
        assert_eq!(ours("", "/"), Some(false));
        assert_eq!(ours("127.0.0.1", "http://evil.example/metrics"), Some(false));
        assert_eq!(ours("[::1", "/"), None);
    }
}
