// SPDX-License-Identifier: Apache-2.0
//! The server in a thread of its own, asked over real sockets.

use crate::watch_support::Node;
use gleaner_watch::http::{HttpConfig, serve};
use gleaner_watch::publisher::Publisher;
use serde_json::Value;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A server on a free port of the loopback interface; stopped when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Server {
    pub(crate) fn start(publisher: &Publisher, config: HttpConfig) -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), publisher, config)
    }

    /// A server on this address, which nobody may listen on.
    pub(crate) fn at(address: SocketAddr, publisher: &Publisher, config: HttpConfig) -> Self {
        let (published, metrics) = (publisher.published(), publisher.metrics());
        let (stop, stopped) = oneshot::channel();
        let (found, bound) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let listener = TcpListener::bind(address).await?;
                found.send(listener.local_addr()?).expect("the test waits for it");
                let shutdown = async {
                    // The sender is dropped only with the server.
                    let _ = stopped.await;
                };
                serve(listener, published, metrics, config, shutdown).await
            })
        });
        let address = bound.recv().expect("the server can listen there");
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn of(node: &Node) -> Self {
        Self::start(&node.publisher, HttpConfig::default())
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server listens");
        // A server that never answers fails the test instead of hanging it.
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout above zero");
        stream
    }

    /// One request on a connection of its own; the whole answer.
    pub(crate) fn ask(&self, request: &str) -> String {
        String::from_utf8(self.ask_bytes(request)).expect("the answer is text")
    }

    /// Like `ask`, of an answer that may be no text.
    pub(crate) fn ask_bytes(&self, request: &str) -> Vec<u8> {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("the server reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the server answers and closes");
        answer
    }

    pub(crate) fn get(&self, path: &str) -> String {
        self.ask(&request("GET", path, "localhost"))
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        serde_json::from_str(body(&self.get(path))).expect("JSON")
    }

    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.stop.take();
        self.thread
            .take()
            .map_or(Ok(()), |thread| thread.join().expect("the server does not panic"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.end();
        assert!(ended.is_ok() || std::thread::panicking(), "{ended:?}");
    }
}

pub(crate) fn request(method: &str, path: &str, host: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}
