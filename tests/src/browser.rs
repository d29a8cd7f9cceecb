// SPDX-License-Identifier: Apache-2.0
//! A real browser without a window: chromium, driven by `tests/browser/driver.mjs`.

use crate::programs::{installed, installed_or_skip};
use crate::skip;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What is waited for comes within this on a busy machine, milliseconds.
const LONG_MS: u32 = 60_000;
/// One of the fonts that `tests/browser/fonts.conf` names: the browser has no others.
const FONT: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

/// A running browser; dropping it ends it. Whatever it cannot do fails the test.
pub struct Browser {
    driver: Child,
    input: RefCell<Option<ChildStdin>>,
    output: RefCell<BufReader<ChildStdout>>,
    opened: Cell<u64>,
}

impl Browser {
    /// Starts one; says that the calling test is skipped where what it needs is not installed.
    #[must_use]
    pub fn start_or_skip() -> Option<Self> {
        Self::with_or_skip(&[])
    }

    /// Like [`Self::start_or_skip`], with more of chromium's own flags.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn with_or_skip(flags: &[&str]) -> Option<Self> {
        let Some(chromium) = installed("chromium").or_else(|| installed("chromium-browser")) else {
            skip("chromium is not installed (tests/run installs it)");
            return None;
        };
        let node = installed_or_skip("node")?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let modules = root.join("../target/tools/browser");
        let there = |name| modules.join("node_modules").join(name).is_dir();
        if !["playwright-core", "axe-core"].into_iter().all(there) {
            skip("playwright-core and axe-core are not installed (tests/run installs them)");
            return None;
        }
        if !Path::new(FONT).is_file() {
            skip("the font DejaVu Sans is not installed (tests/run installs it)");
            return None;
        }
        let mut driver = Command::new(node)
            .env("FONTCONFIG_FILE", root.join("browser/fonts.conf"))
            .arg(root.join("browser/driver.mjs"))
            .args([&modules, &chromium])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let input = RefCell::new(driver.stdin.take());
        let output = RefCell::new(BufReader::new(driver.stdout.take().expect("piped")));
        Some(Self { driver, input, output, opened: Cell::new(0) })
    }

    /// Opens an address in a tab that shares nothing with others.
    ///
    /// `options` are those of Playwright's `newContext`: `{"colorScheme": "dark"}`.
    ///
    /// # Panics
    /// It does not load.
    #[expect(clippy::needless_pass_by_value, reason = "callers make it where they call")]
    pub fn open(&self, url: &str, options: Value) -> Tab<'_> {
        let number = self.opened.get();
        self.opened.set(number + 1);
        self.tell(&json!(["open", number, url, options]));
        Tab { browser: self, number }
    }

    fn tell(&self, line: &Value) -> Value {
        self.asked(line).unwrap_or_else(|why| panic!("{line}: {why}"))
    }

    fn asked(&self, line: &Value) -> Result<Value, String> {
        let mut input = self.input.borrow_mut();
        let input = input.as_mut().ok_or("it was ended")?;
        writeln!(input, "{line}").map_err(|error| error.to_string())?;
        let mut answer = String::new();
        self.output.borrow_mut().read_line(&mut answer).map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_str(&answer)
            .map_err(|error| format!("{error}: the driver said {answer:?}"))?;
        answer["bad"].as_str().map_or(Ok(()), |why| Err(why.to_owned()))?;
        Ok(answer["ok"].take())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // At the end of its input the driver closes the browser.
        self.input.borrow_mut().take();
        let _ = self.driver.wait();
    }
}

/// One page of a browser; dropping it closes the page.
pub struct Tab<'a> {
    browser: &'a Browser,
    number: u64,
}

impl Tab<'_> {
    /// Calls a method of Playwright's page: `call("keyboard.press", json!(["t"]))`.
    ///
    /// # Panics
    /// The method fails.
    #[expect(clippy::needless_pass_by_value, reason = "callers make it where they call")]
    pub fn call(&self, method: &str, arguments: Value) -> Value {
        let mut line = vec![json!("call"), json!(self.number), json!(method)];
        line.extend(arguments.as_array().expect("a list of arguments").iter().cloned());
        self.browser.tell(&Value::Array(line))
    }

    /// What an expression, or the promise that it is, comes to in the page.
    ///
    /// # Panics
    /// It throws.
    #[must_use]
    pub fn eval(&self, expression: &str) -> Value {
        self.call("evaluate", json!([expression]))
    }

    /// Waits until an expression is true in the page.
    ///
    /// # Panics
    /// It stays false.
    pub fn until(&self, expression: &str) {
        let held = self.holds_within(expression, LONG_MS);
        assert!(held, "never true: {expression}\n{}", self.text("body"));
    }

    /// Whether an expression becomes true within so many milliseconds.
    #[must_use]
    pub fn holds_within(&self, expression: &str, most_ms: u32) -> bool {
        !self.browser.tell(&json!(["until", self.number, expression, most_ms])).is_null()
    }

    /// The text of the first element of this selector.
    #[must_use]
    pub fn text(&self, selector: &str) -> String {
        self.call("textContent", json!([selector])).as_str().unwrap_or_default().to_owned()
    }

    /// Presses these keys, one after the other.
    pub fn press(&self, keys: &[&str]) {
        for key in keys {
            self.call("keyboard.press", json!([key]));
        }
    }

    /// Clicks the first element of this selector.
    pub fn click(&self, selector: &str) {
        self.call("click", json!([selector]));
    }

    /// Saves a picture of the page, all of it or what the window shows.
    pub fn picture(&self, path: &Path, whole: bool) {
        self.call(
            "screenshot",
            json!([{ "path": path, "fullPage": whole, "animations": "disabled" }]),
        );
    }

    /// What axe-core finds wrong.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.list("violations")
    }

    /// Everything that the console was told: errors, refused policies, our own words.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        self.list("said")
    }

    /// Addresses that the page asked for.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.list("asked")
    }

    /// A command of the Chrome DevTools Protocol.
    ///
    /// # Panics
    /// The command fails.
    #[expect(clippy::needless_pass_by_value, reason = "callers make it where they call")]
    pub fn devtools(&self, method: &str, arguments: Value) -> Value {
        self.browser.tell(&json!(["devtools", self.number, method, arguments]))
    }

    fn list(&self, verb: &str) -> Vec<String> {
        let answer = self.browser.tell(&json!([verb, self.number]));
        serde_json::from_value(answer).expect("a list of texts")
    }
}

impl Drop for Tab<'_> {
    fn drop(&mut self) {
        // A browser that is gone has closed it.
        let _ = self.browser.asked(&json!(["close", self.number]));
    }
}
