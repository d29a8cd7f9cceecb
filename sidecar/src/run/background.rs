// SPDX-License-Identifier: Apache-2.0
//! The thread for HTTP, on a runtime that never meets the engine.

use crate::clock::Wake;
use crate::exit::{Exit, Failure};
use gleaner_engine::config::HttpConfig;
use gleaner_watch::http::{self, Surface};
use gleaner_watch::publisher::Publisher;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// A server that has not ended by then hangs, and is left to the end of the process.
const PATIENCE: Duration = Duration::from_secs(2);

/// An address that was taken, and what is shown there.
struct Door {
    listener: TcpListener,
    surface: Surface,
}

/// The addresses that are listened on, before anything is served.
pub(super) struct Doors {
    list: Vec<Door>,
    allowed_hosts: Vec<String>,
    /// Where everything is served; `None` where nothing is.
    pub(super) address: Option<SocketAddr>,
}

impl Doors {
    /// Takes the addresses of the configuration; `named` is what stated the first of them.
    pub(super) fn open(config: &HttpConfig, named: &str) -> Result<Self, Failure> {
        let wanted = [
            (config.listen, named, Surface::All),
            (config.metrics_listen, "http.metrics_listen", Surface::Metrics),
        ];
        let mut list = Vec::new();
        let mut address = None;
        for (asked, key, surface) in wanted {
            let Some(asked) = asked else { continue };
            let listener = take(asked).map_err(|error| busy(asked, key, &error))?;
            if surface == Surface::All {
                address = listener.local_addr().ok();
            }
            list.push(Door { listener, surface });
        }
        Ok(Self { list, allowed_hosts: config.allowed_hosts.clone(), address })
    }
}

fn take(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The ways out of each reason why an address cannot be had.
const WAYS_OUT: [(io::ErrorKind, &str); 3] = [
    (
        io::ErrorKind::AddrInUse,
        "another program has it, perhaps another gleaner: see `ss -ltnp`, or take a free port with `--listen 127.0.0.1:0`",
    ),
    (io::ErrorKind::PermissionDenied, "ports below 1024 need CAP_NET_BIND_SERVICE"),
    (io::ErrorKind::AddrNotAvailable, "no interface of this node has that address"),
];

/// Says why an address cannot be had, and the way out.
fn busy(address: SocketAddr, key: &str, error: &io::Error) -> Failure {
    let known = WAYS_OUT.iter().find(|(kind, _)| *kind == error.kind());
    let hint = known.map_or("give another address", |(_, hint)| hint);
    Failure::new(
        Exit::Unavailable,
        format_args!("cannot listen on {address} ({key}): {error}; {hint}"),
    )
}

/// The running thread; dropping it ends the server and waits for it.
pub(super) struct Background {
    end: watch::Sender<()>,
    /// Closed when the thread is over.
    over: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Serves what the publisher publishes.
    pub(super) fn start(
        doors: Doors,
        publisher: &Publisher,
        wake: Sender<Wake>,
    ) -> Result<Self, Failure> {
        let fail = |error: io::Error| {
            Failure::new(Exit::Os, format_args!("cannot start the thread for HTTP: {error}"))
        };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(fail)?;
        let (end, ended) = watch::channel(());
        let tasks: Vec<_> = doors
            .list
            .into_iter()
            .map(|door| Task {
                config: http::HttpConfig {
                    allowed_hosts: doors.allowed_hosts.clone(),
                    surface: door.surface,
                    ..http::HttpConfig::default()
                },
                listener: door.listener,
                published: publisher.published(),
                metrics: publisher.metrics(),
                ended: ended.clone(),
            })
            .collect();
        let (running, over) = sync_channel(0);
        let thread = std::thread::Builder::new()
            .name("gleaner-http".to_owned())
            .spawn(move || {
                let _farewell = (Farewell(wake), running);
                serve(&runtime, tasks, ended);
            })
            .map_err(fail)?;
        Ok(Self { end, over, thread: Some(thread) })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.end.send_replace(());
        if self.over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            tracing::error!("the thread for HTTP hangs");
        } else if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread for HTTP panicked");
        }
    }
}

/// Tells the loop when this thread is gone, also when it panicked: others hold the mailbox open.
struct Farewell(Sender<Wake>);

impl Drop for Farewell {
    fn drop(&mut self) {
        // At the end nobody listens any more.
        let _ = self.0.send(Wake::Alone);
    }
}

/// One listener to be served.
struct Task {
    listener: TcpListener,
    published: std::sync::Arc<gleaner_watch::published::Published>,
    metrics: std::sync::Arc<gleaner_watch::metrics::Metrics>,
    config: http::HttpConfig,
    ended: watch::Receiver<()>,
}

impl Task {
    async fn serve(mut self) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let shutdown = async move {
            // An error means that the sender is gone, which is the end too.
            let _ = self.ended.changed().await;
        };
        http::serve(listener, self.published, self.metrics, self.config, shutdown).await
    }
}

fn serve(runtime: &Runtime, tasks: Vec<Task>, mut ended: watch::Receiver<()>) {
    runtime.block_on(async {
        let served: Vec<_> = tasks.into_iter().map(|task| tokio::spawn(task.serve())).collect();
        // An error means that the sender is gone, which is the end too.
        let _ = ended.changed().await;
        for task in served {
            match task.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the HTTP server ended"),
                Err(error) => tracing::error!(%error, "the HTTP server panicked"),
            }
        }
    });
}
