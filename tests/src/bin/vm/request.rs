// SPDX-License-Identifier: Apache-2.0
//! What the host half asks of the guest half, as the JSON file that travels in the initramfs.

use anyhow::{Context, Result, anyhow};
use gleaner_tests::cgroup_rig::Layout;
use serde_json::{Value, json};

/// Where the request lies in the guest.
pub(crate) const FILE: &str = "/request.json";
/// Added to the test's exit code, so that QEMU's own 1 is never taken for an answer.
pub(crate) const CODE_BASE: u32 = 16;
/// The largest exit code that fits: the device answers `(code << 1) | 1`, and a status has eight bits.
pub(crate) const CODE_MAX: u32 = 127 - CODE_BASE;

/// One run of one test binary.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The cgroup layout to mount.
    pub(crate) layout: Layout,
    /// Program and arguments.
    pub(crate) command: Vec<String>,
    /// Environment, whole.
    pub(crate) environment: Vec<(String, String)>,
    /// Working directory; made if it does not exist.
    pub(crate) directory: String,
}

impl Request {
    pub(crate) fn to_json(&self) -> String {
        json!({
            "layout": self.layout.word(),
            "command": self.command,
            "environment": self.environment,
            "directory": self.directory,
        })
        .to_string()
    }

    pub(crate) fn from_json(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).context(FILE)?;
        let word = text_of(&value["layout"])?;
        Ok(Self {
            layout: Layout::from_word(&word).ok_or_else(|| anyhow!("unknown layout {word:?}"))?,
            command: list_of(&value["command"], text_of)?,
            environment: list_of(&value["environment"], |pair| {
                Ok((text_of(&pair[0])?, text_of(&pair[1])?))
            })?,
            directory: text_of(&value["directory"])?,
        })
    }
}

fn text_of(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| anyhow!("{FILE}: not a text: {value}"))
}

fn list_of<T>(value: &Value, item: impl Fn(&Value) -> Result<T>) -> Result<Vec<T>> {
    let list = value.as_array().ok_or_else(|| anyhow!("{FILE}: not a list: {value}"))?;
    list.iter().map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_survives_the_journey() {
        let request = Request {
            layout: Layout::Hybrid,
            command: vec!["/a b/test".into(), "--exact".into(), "quote\"s and ünïcode".into()],
            environment: vec![("RUST_BACKTRACE".into(), "1".into())],
            directory: "/a b".into(),
        };
        assert_eq!(Request::from_json(&request.to_json()).unwrap(), request);
    }

    #[test]
    fn a_damaged_request_is_refused() {
        assert!(Request::from_json("{").is_err());
        assert!(Request::from_json(r#"{"layout":"v3"}"#).is_err());
    }
}
