//! Headless Chromium under chromedriver, with a new profile each. It must not reach anything but what the test names.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, free_port};

/// The size of the page's window, in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// 1440 x 900: the desk.
    Desk,
    /// 900 x 700: two panes.
    Panes,
    /// 390 x 844: one thing at a time.
    Phone,
}

impl Window {
    fn size(self) -> (u32, u32) {
        match self {
            Self::Desk => (1440, 900),
            Self::Panes => (900, 700),
            Self::Phone => (390, 844),
        }
    }
}

/// What the page is told of the user's preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `prefers-color-scheme: light`
    Light,
    /// `prefers-color-scheme: dark`
    Dark,
}

/// A running browser with one window. Dropping it ends chromedriver and every process of the browser.
pub struct Browser {
    client: Client,
    driver: String,
    _process: Process,
    profile: TempDir,
}

impl Browser {
    /// Starts chromedriver and a browser with an empty profile.
    pub async fn start() -> Self {
        let profile = tempfile::Builder::new().prefix("bellflower-browser-").tempdir().expect("a directory");
        let port = free_port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).env("HOME", profile.path()).env("TMPDIR", profile.path());
        let mut process = Process::start("chromedriver", &mut command, &profile.path().join("chromedriver.log"), false);
        process.wait_for_port(port);
        let driver = format!("http://127.0.0.1:{port}");
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--disable-features=OptimizationHints,MediaRouter,Translate",
            "--proxy-server=http://127.0.0.1:9",
            "--proxy-bypass-list=127.0.0.1;localhost",
            &format!("--user-data-dir={}", profile.path().join("profile").display()),
        ];
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".to_owned(), json!({ "args": arguments }));
        // Waits in the page end before these do, and say what they waited for.
        capabilities.insert("timeouts".to_owned(), json!({ "script": 180_000, "pageLoad": 120_000 }));
        capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        let client = ClientBuilder::new(HttpConnector::new()).capabilities(capabilities).connect(&driver).await.expect("a browser");
        let browser = Self { client, driver, _process: process, profile };
        browser.window(Window::Desk).await;
        browser
    }

    /// The WebDriver client, for everything that a page can be asked.
    pub fn page(&self) -> &Client {
        &self.client
    }

    /// Opens an address and waits until it has loaded.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|e| panic!("cannot open {url}: {e}"));
    }

    /// Makes the page exactly this big, whatever the window's frame.
    pub async fn window(&self, window: Window) {
        let (width, height) = window.size();
        let phone = window == Window::Phone;
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": if phone { 2 } else { 1 }, "mobile": phone }),
        )
        .await;
        self.devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": phone })).await;
    }

    /// Tells the page which colours the user prefers.
    pub async fn scheme(&self, scheme: Scheme) {
        let value = if scheme == Scheme::Dark { "dark" } else { "light" };
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] })).await;
    }

    /// Cuts the page off the network, or lets it back.
    pub async fn offline(&self, offline: bool) {
        self.devtools("Network.enable", json!({})).await;
        let conditions = json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.devtools("Network.emulateNetworkConditions", conditions).await;
    }

    /// Runs a command of the DevTools protocol and gives its result.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.ask("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// What the page has written to its console since the last call: warnings, errors and refused requests among it.
    pub async fn console(&self) -> Vec<String> {
        let entries = self.ask("se/log", json!({ "type": "browser" })).await;
        entries.as_array().into_iter().flatten().map(|entry| format!("{} {}", entry["level"], entry["message"])).collect()
    }

    /// Writes a picture of the page to `target/screenshots/NAME.png`.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let picture = self.client.screenshot().await.expect("a screenshot");
        let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/screenshots"));
        std::fs::create_dir_all(&directory).expect("a directory for screenshots");
        let file = directory.join(format!("{name}.png"));
        std::fs::write(&file, picture).expect("writing a screenshot");
        file
    }

    /// Runs JavaScript in the page, whose `return`ed value comes back.
    pub async fn eval(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap_or_else(|e| panic!("{script}: {e}"))
    }

    /// Waits until a JavaScript expression is true in the page.
    pub async fn wait_true(&self, expression: &str, patience: Duration) {
        let script = format!(
            "const done = arguments[arguments.length - 1], end = performance.now() + {};
             const ask = () => {{ let value; try {{ value = {expression}; }} catch (e) {{ value = false; }}
               if (value) done(true); else if (performance.now() > end) done(false); else setTimeout(ask, 20); }}; ask();",
            patience.as_millis()
        );
        let found = self.client.execute_async(&script, Vec::new()).await.unwrap_or_else(|e| panic!("{expression}: {e}"));
        if found != Value::Bool(true) {
            let text = self
                .eval("return document.body.innerText + '\\n(the focus is on ' + document.activeElement?.outerHTML.slice(0, 300) + ')'")
                .await;
            panic!("waited {patience:?} in vain for {expression}; the page shows:\n{}", text.as_str().unwrap_or_default());
        }
    }

    /// Asks chromedriver something that WebDriver itself has no words for.
    async fn ask(&self, command: &str, body: Value) -> Value {
        let session = self.client.session_id().await.expect("a session").expect("a session has an id");
        let url = format!("{}/session/{session}/{command}", self.driver);
        let asked = command.to_owned();
        let answer = tokio::task::spawn_blocking(move || {
            let mut answer = ureq::post(&url).send_json(body)?;
            answer.body_mut().read_json::<Value>()
        });
        let answer = answer.await.expect("the question does not panic");
        answer.unwrap_or_else(|e| panic!("{asked}: {e}"))["value"].take()
    }

    /// The directory of the browser's profile.
    pub fn profile(&self) -> PathBuf {
        self.profile.path().join("profile")
    }

    /// Ends the session in good order; dropping does without.
    pub async fn close(self) {
        // The process group is ended by the drop in any case.
        let _ = self.client.clone().close().await;
    }
}
