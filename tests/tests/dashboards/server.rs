// SPDX-License-Identifier: Apache-2.0
//! A real Prometheus on a free port of the loopback interface, and what it answers. Ended by its process id when dropped.

use gleaner_tests::wait_until;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Generous: a machine may be busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// A child process that does not outlive the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) struct Prometheus {
    pub(crate) address: SocketAddr,
    _running: Running,
}

/// An address that nobody listens on now.
pub(crate) fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound")
}

impl Prometheus {
    /// Starts on the data in `directory/data` with `directory/prometheus.yml`, and waits until it is ready.
    pub(crate) fn start(program: &Path, directory: &Path) -> Self {
        let address = free();
        let config = directory.join("prometheus.yml");
        let text = fs::read_to_string(&config).expect("a configuration");
        // It scrapes itself too.
        let text = text.replace("127.0.0.1:9090", &address.to_string());
        fs::write(&config, text).expect("a writable directory");
        let child = Command::new(program)
            .current_dir(directory)
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg("--storage.tsdb.retention.time=10y")
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error")
            .stdout(Stdio::null())
            .spawn()
            .expect("prometheus starts");
        let this = Self { address, _running: Running(child) };
        wait_until("prometheus is ready", DEADLINE, || {
            get(address, "/-/ready").filter(|answer| answer.contains("Ready"))
        });
        this
    }

    /// The series of an instant query; the error where Prometheus refuses it.
    pub(crate) fn query(&self, expr: &str, at: Option<f64>) -> Result<Vec<Value>, String> {
        let time = at.map_or_else(String::new, |at| format!("&time={at}"));
        self.result(&format!("/api/v1/query?query={}{time}", encoded(expr)))
    }

    /// The series of a range query over the time before `end`, all in seconds.
    pub(crate) fn range(&self, expr: &str, end: f64, before: f64) -> Result<Vec<Value>, String> {
        let start = end - before;
        let query = encoded(expr);
        self.result(&format!("/api/v1/query_range?query={query}&start={start}&end={end}&step=30"))
    }

    fn result(&self, path: &str) -> Result<Vec<Value>, String> {
        let data = self.api(path)?;
        Ok(data["result"].as_array().cloned().unwrap_or_default())
    }

    /// The `data` of an answer.
    pub(crate) fn api(&self, path: &str) -> Result<Value, String> {
        let text = get(self.address, path).ok_or("no answer")?;
        let answer: Value =
            serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        match answer["status"].as_str() {
            Some("success") => Ok(answer["data"].clone()),
            Some(_) | None => Err(answer["error"].to_string()),
        }
    }
}

/// The body of an answer; `None` where nobody listens yet.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).ok()?;
    // HTTP/1.0: the answer comes in one piece and ends with the connection.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

/// For a URL.
pub(crate) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}
