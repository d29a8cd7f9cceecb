// SPDX-License-Identifier: Apache-2.0
//! Metrics of a handle that was asked for them: the sidecar's, over loopback HTTP or in a file for node_exporter.

use crate::measure::PATIENCE;
use crate::setup::Setup;
use crate::spawn;
use gleaner_act::clock::{Clock as _, SystemClock};
use gleaner_engine::decision::Decision;
use gleaner_estimator::sample::Sample;
use gleaner_estimator::usage::Usage;
use gleaner_watch::about::About;
use gleaner_watch::correction::Ended;
use gleaner_watch::http::{self, Surface};
use gleaner_watch::metrics::Metrics;
use gleaner_watch::published::Published;
use gleaner_watch::publisher::{Publisher, Told};
use gleaner_watch::snapshot::HostState;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Between two writings of the file; node_exporter's own interval is rarely shorter.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// Told every decision by the thread that decides.
pub(crate) struct Teller {
    publisher: Publisher,
    host: HostState,
    last: Option<Decision>,
}

impl Teller {
    pub(crate) fn tell(
        &mut self,
        decision: &Decision,
        seen: Option<(&Sample, &Usage)>,
        sample_took: Duration,
        tick_took: Duration,
        malformed: u64,
    ) {
        self.host.files_malformed = malformed;
        let (host, sample_took) = (&self.host, Some(sample_took));
        // Metrics have no place for an order.
        let weights = None;
        self.publisher.tell(Told { decision, seen, weights, sample_took, tick_took, host });
        self.last = Some(decision.clone());
    }

    pub(crate) fn ended(&self, ended: &Ended) {
        self.publisher.tell_ended(ended);
    }

    /// Says that this handle has stopped itself.
    pub(crate) fn poison(&mut self) {
        self.host.poisoned = true;
        if let Some(decision) = self.last.take() {
            let tick_took = Duration::default();
            let (decision, host) = (&decision, &self.host);
            let (seen, weights, sample_took) = (None, None, None);
            self.publisher.tell(Told { decision, seen, weights, sample_took, tick_took, host });
        }
    }
}

/// The thread that shows them; closed with the handle.
pub(crate) struct Show {
    end: watch::Sender<()>,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

/// The two ends: one for the deciding thread, one for the handle. `None` where nothing was asked for.
pub(crate) fn start(setup: &Setup) -> Result<Option<(Teller, Show)>, String> {
    if setup.metrics_listen.is_none() && setup.metrics_textfile.is_none() {
        return Ok(None);
    }
    let listener = setup.metrics_listen.map(|address| {
        let taken = TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        taken.map_err(|error| {
            format!(
                "cannot listen on {address} (metrics_listen): {error}; is another module there?"
            )
        })
    });
    let listener = listener.transpose()?;
    let publisher = Publisher::new(about(setup)).map_err(|error| error.to_string())?;
    let (end, ending) = watch::channel(());
    let (done, ended) = channel();
    let shown = Shown {
        listener,
        file: setup.metrics_textfile.clone(),
        published: publisher.published(),
        metrics: publisher.metrics(),
        ending,
    };
    let body = move || {
        shown.run();
        // Nobody may be waiting any more.
        let _ = done.send(());
    };
    let thread = spawn::thread("gleaner-metrics", body)
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    let teller = Teller { publisher, host: HostState::default(), last: None };
    Ok(Some((teller, Show { end, ended, thread })))
}

impl Show {
    /// Ends the thread, waiting for a while.
    pub(crate) fn close(self) {
        self.end.send_replace(());
        if self.ended.recv_timeout(PATIENCE).is_ok() {
            // It is about to return.
            drop(self.thread.join());
        }
    }
}

struct Shown {
    listener: Option<TcpListener>,
    file: Option<PathBuf>,
    published: Arc<Published>,
    metrics: Arc<Metrics>,
    ending: watch::Receiver<()>,
}

impl Shown {
    fn run(self) {
        // Without a runtime nothing is shown, and what is decided is the same.
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            runtime.block_on(self.serve());
        }
    }

    async fn serve(self) {
        let mut ending = self.ending.clone();
        let server = async {
            let Some(listener) = self.listener else { return std::future::pending().await };
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            let mut end = self.ending.clone();
            let shutdown = async move {
                // An error means that the handle is gone, which is the end too.
                let _ = end.changed().await;
            };
            let config = http::HttpConfig { surface: Surface::Metrics, ..Default::default() };
            let metrics = Arc::clone(&self.metrics);
            // It fails only where the listener has no address.
            let _ = http::serve(listener, self.published, metrics, config, shutdown).await;
        };
        let writer = async {
            let Some(file) = &self.file else { return std::future::pending().await };
            loop {
                // A full disk or a missing directory is tried again; the old numbers age visibly.
                let _ = write(file, &self.metrics);
                tokio::time::sleep(WRITE_EVERY).await;
            }
        };
        tokio::select! {
            () = server => {}
            () = writer => {}
            _ = ending.changed() => {}
        }
        if let Some(file) = &self.file {
            // Numbers of a module that is gone would look like those of one that lives.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Replaces the file as a whole: a reader sees the old one or the new one.
fn write(file: &Path, metrics: &Metrics) -> io::Result<()> {
    let text = metrics.render().map_err(io::Error::other)?;
    let mut name = file.file_name().unwrap_or_default().to_owned();
    // The collector reads only what ends in .prom.
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = file.with_file_name(name);
    let written = std::fs::write(&temporary, text).and_then(|()| std::fs::rename(&temporary, file));
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

fn about(setup: &Setup) -> About {
    let engine = &setup.config.engine;
    let policy = match setup.stand {
        Some(_) => "threshold",
        None => engine.cpu.predictor.kind.name(),
    };
    About {
        node: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: option_env!("GLEANER_REVISION").unwrap_or_default().to_owned(),
        started_ms: SystemClock.wall_ms(),
        interval: engine.interval,
        stale_after: engine.stale_after,
        horizons: engine.cpu.predictor.horizons.clone(),
        policy: policy.to_owned(),
        shadows: Vec::new(),
        places: setup.places.clone(),
        layout: serde_json::Value::Null,
    }
}
