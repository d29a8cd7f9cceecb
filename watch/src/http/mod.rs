// SPDX-License-Identifier: Apache-2.0
//! The read-only server: metrics, liveness and JSON over HTTP/1.1. GET and HEAD, nothing else.

mod acts;
mod assets;
mod banner;
mod connection;
mod explained;
mod frame;
mod guard;
mod html;
mod json;
mod list;
mod live;
mod local;
mod page;
mod routes;
mod stall;
mod well;

pub use local::answer;

use crate::metrics::Metrics;
use crate::published::Published;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Where the server listens unless told otherwise.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:9719";

/// What a listener shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Surface {
    /// Everything.
    #[default]
    All,
    /// `/metrics`, `/live` and `/ready` only: for a second listener that a scraper can reach.
    Metrics,
}

/// How much one listener bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; more wait in the kernel's queue.
    pub connections: usize,
    /// Pages that get a stream of frames at once; more poll every ten seconds.
    pub viewers: usize,
    /// Time for a request's headers to arrive; also how long an idle connection is kept.
    pub header_timeout: Duration,
    /// Bytes of request line and headers.
    pub header_bytes: usize,
    /// Time that a reader may take nothing of an answer before it is cut off.
    pub stall: Duration,
    /// Time that connections are given to end after the shutdown.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A page, a scraper, `top` and a few curious people; each costs some 20 KiB.
            connections: 64,
            viewers: 16,
            header_timeout: Duration::from_secs(5),
            header_bytes: 8 << 10,
            stall: Duration::from_secs(10),
            drain: Duration::from_secs(2),
        }
    }
}

/// How to serve.
#[derive(Clone, Debug, Default)]
pub struct HttpConfig {
    /// Names by which a client may ask, beside `localhost` and the address it reached us by.
    ///
    /// Guards against DNS rebinding: a web page whose name was pointed at this address cannot read it.
    pub allowed_hosts: Vec<String>,
    /// What is shown.
    pub surface: Surface,
    /// How much is borne.
    pub limits: Limits,
}

/// Serves until `shutdown` completes, then lets requests under way end.
///
/// Never touches the engine; a slow or hostile reader cannot hold up a tick.
///
/// # Errors
/// The listener's own address cannot be read. Trouble with single connections is logged at debug level.
pub async fn serve(
    listener: TcpListener,
    published: Arc<Published>,
    metrics: Arc<Metrics>,
    config: HttpConfig,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    tracing::info!(%address, "serving");
    let limits = config.limits;
    let places = Arc::new(Semaphore::new(limits.connections));
    let (ending, end) = watch::channel(());
    let router = routes::router(published, metrics, &config, end.clone());
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let next = async {
            // The semaphore is never closed.
            let place = place.await.ok();
            (place, listener.accept().await)
        };
        tokio::select! {
            () = &mut shutdown => break,
            (place, accepted) = next => match accepted {
                Ok((stream, _)) => {
                    let served = connection::serve(stream, router.clone(), limits, end.clone());
                    connections.spawn(async move {
                        served.await;
                        drop(place);
                    });
                }
                Err(error) => refused(&error).await,
            },
            // Keeps the set from growing with connections that have ended.
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    drop(ending);
    let ended = tokio::time::timeout(limits.drain, async {
        while connections.join_next().await.is_some() {}
    });
    if ended.await.is_err() {
        connections.shutdown().await;
    }
    Ok(())
}

/// Out of descriptors, most likely: waits for some to be given back.
async fn refused(error: &io::Error) {
    tracing::warn!(%error, "cannot accept a connection");
    tokio::time::sleep(Duration::from_millis(100)).await;
}
