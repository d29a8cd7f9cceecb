// SPDX-License-Identifier: Apache-2.0
//! One connection from its first byte to its last, with a limit on everything a client may take.

use super::Limits;
use super::guard::Reached;
use super::stall::StallGuard;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::pin::pin;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Serves requests until the client leaves, misbehaves, or `end`'s sender is dropped.
pub(super) async fn serve(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    mut end: watch::Receiver<()>,
) {
    let Ok(reached) = stream.local_addr() else { return };
    let service = TowerToHyperService::new(router.layer(Extension(Reached(reached.ip()))));
    let io = TokioIo::new(StallGuard::new(stream, limits.stall));
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_header_size(limits.header_bytes)
        // hyper's least is 8 KiB; twice the headers leaves room to see that they are too long.
        .max_buf_size((2 * limits.header_bytes).max(8 << 10));
    let mut connection = pin!(protocol.serve_connection(io, service));
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        _ = end.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended badly");
    }
}
