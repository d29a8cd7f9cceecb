// SPDX-License-Identifier: Apache-2.0
//! Asking a running daemon over HTTP: the same answers that its page gets.

use crate::cli::Daemon;
use crate::config;
use crate::exit::{Exit, Failure};
use serde::de::DeserializeOwned;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use ureq::Agent;

/// An answer of the largest node fits many times; more is no gleaner.
const MOST_BYTES: u64 = 32 << 20;

/// A stream is asked for anew after this time, so that one whose other side is gone without a word does not stay.
const STREAM: Duration = Duration::from_secs(60);

/// One daemon, and a connection to it that is kept.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    agent: Agent,
    url: String,
}

impl Client {
    /// The daemon that the command line or the configuration names. Nothing is asked yet.
    pub(crate) fn of(daemon: &Daemon) -> Result<Self, Failure> {
        if let Some(url) = &daemon.url {
            return Ok(Self::new(url));
        }
        let (config, _) = config::load(daemon.config.path.as_deref())?;
        let listen = config.host.http.listen.ok_or_else(|| {
            let why = "this configuration serves nothing (http.listen = \"none\"): there is nobody to ask";
            Failure::new(Exit::Config, why)
        })?;
        Ok(Self::new(&reachable(listen).to_string()))
    }

    /// A daemon at this address, with or without `http://` before it.
    pub(crate) fn new(url: &str) -> Self {
        let bare = url.trim_end_matches('/');
        let url = if bare.contains("://") { bare.to_owned() } else { format!("http://{bare}") };
        let agent = Agent::config_builder()
            // What is asked is this node; a proxy knows it by no name.
            .proxy(None)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(2)))
            .build()
            .into();
        Self { agent, url }
    }

    /// Where it is, as one would type it into a browser.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The body of the answer.
    ///
    /// # Errors
    /// One sentence: no connection, no answer in two seconds, or the refusal that was answered.
    pub(crate) fn text(&self, path: &str) -> Result<String, String> {
        let url = format!("{}{path}", self.url);
        let mut answer = self.agent.get(&url).call().map_err(|error| format!("{url}: {error}"))?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(MOST_BYTES).read_to_string();
        let body = body.map_err(|error| format!("{url}: {error}"))?;
        match status.is_success() {
            true => Ok(body),
            false => Err(format!("{url}: {status}: {}", body.trim())),
        }
    }

    /// The body of an answer that goes on; `None` where the daemon has no place for another (204).
    ///
    /// # Errors
    /// As [`Client::text`].
    pub(crate) fn stream(&self, path: &str) -> Result<Option<Box<dyn Read + Send>>, String> {
        let url = format!("{}{path}", self.url);
        let request = self.agent.get(&url).config().timeout_global(Some(STREAM)).build();
        let answer = request.call().map_err(|error| format!("{url}: {error}"))?;
        match answer.status().as_u16() {
            200 => Ok(Some(Box::new(answer.into_body().into_reader()))),
            204 => Ok(None),
            other => Err(format!("{url}: {other}")),
        }
    }

    /// The answer, understood.
    ///
    /// # Errors
    /// As [`Client::text`], or the answer has another form: a gleaner of another version, or none at all.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, String> {
        serde_json::from_str(&self.text(path)?).map_err(|error| {
            format!(
                "{}{path}: not what gleaner {} says: {error}",
                self.url,
                env!("CARGO_PKG_VERSION")
            )
        })
    }
}

/// Where one that listens there can be reached from this node.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_a_url() {
        assert_eq!(Client::new("127.0.0.1:9719").url(), "http://127.0.0.1:9719");
        assert_eq!(Client::new("http://node-1:80/").url(), "http://node-1:80");
        let everywhere = "[::]:9719".parse().expect("an address");
        assert_eq!(reachable(everywhere).to_string(), "[::1]:9719");
    }
}
