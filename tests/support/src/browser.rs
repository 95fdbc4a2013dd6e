//! A browser that nobody sees, with a new profile each. It must not reach anything but what the test names.

use std::path::PathBuf;
use std::time::Duration;

use fantoccini::wd::{Capabilities, WindowHandle};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::engine::{Engine, Started};
use crate::wait::PATIENCE;

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

/// A running browser with one window. Dropping it ends every process of it.
pub struct Browser {
    client: Client,
    engine: Engine,
    started: Started,
    profile: TempDir,
}

impl Browser {
    /// Starts Chromium with an empty profile.
    pub async fn start() -> Self {
        Self::start_in(Engine::Chromium, Scheme::Light).await
    }

    /// Starts a browser with an empty profile, whose user prefers these colours.
    pub async fn start_in(engine: Engine, scheme: Scheme) -> Self {
        let profile = tempfile::Builder::new().prefix("bellflower-browser-").tempdir().expect("a directory");
        let mut started = engine.start(profile.path(), scheme).await;
        let Value::Object(mut capabilities) = started.capabilities.take() else { unreachable!("capabilities are an object") };
        // Waits in the page end before these do, and say what they waited for.
        capabilities.insert("timeouts".to_owned(), json!({ "script": 180_000, "pageLoad": 120_000 }));
        let capabilities: Capabilities = capabilities;
        let mut session = ClientBuilder::new(HttpConnector::new());
        let session = session.capabilities(capabilities).connect(&started.driver);
        // A driver whose browser has ended at its start may wait for it for ever.
        let client = match tokio::time::timeout(PATIENCE, session).await {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => panic!("{engine:?}: {error}\n{}", started.log()),
            Err(_) => panic!("{engine:?}: no session within {PATIENCE:?}\n{}", started.log()),
        };
        let browser = Self { client, engine, started, profile };
        browser.window(Window::Desk).await;
        if engine != Engine::WebKit {
            browser.scheme(scheme).await;
        }
        browser
    }

    /// Which it is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The WebDriver client, for everything that a page can be asked.
    pub fn page(&self) -> &Client {
        &self.client
    }

    /// The tab that everything is asked of, to be shown again.
    pub async fn tab(&self) -> WindowHandle {
        self.client.window().await.expect("a tab")
    }

    /// Opens an empty tab of the same size, and shows it.
    pub async fn new_tab(&self, window: Window) -> WindowHandle {
        let tab = self.client.new_window(true).await.expect("another tab").handle;
        self.show(&tab).await;
        self.window(window).await;
        tab
    }

    /// Shows a tab: from now on everything is asked of this one.
    pub async fn show(&self, tab: &WindowHandle) {
        self.client.switch_to_window(tab.clone()).await.expect("the tab is there");
    }

    /// Closes the tab that is shown. Another is to be shown next.
    pub async fn close_tab(&self) {
        self.client.close_window().await.expect("a tab to close");
    }

    /// Opens an address and waits until it has loaded.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|e| panic!("cannot open {url}: {e}"));
    }

    /// Makes the page exactly this big, whatever the window's frame.
    pub async fn window(&self, window: Window) {
        let (width, height) = window.size();
        match self.engine {
            Engine::Chromium | Engine::WholeChromium => {
                let phone = window == Window::Phone;
                self.devtools(
                    "Emulation.setDeviceMetricsOverride",
                    json!({ "width": width, "height": height, "deviceScaleFactor": if phone { 2 } else { 1 }, "mobile": phone }),
                )
                .await;
                self.devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": phone })).await;
            }
            // The window itself is never narrower than 450.
            Engine::Firefox => {
                self.around(&format!(
                    "Object.assign(gBrowser.selectedBrowser.style,
                         {{ flex: 'none', width: '{width}px', minHeight: '{height}px', height: '{height}px' }})"
                ))
                .await;
            }
            Engine::WebKit => {
                let frame = self.eval("return [outerWidth - innerWidth, outerHeight - innerHeight]").await;
                let frame = [0, 1].map(|n| u32::try_from(frame[n].as_u64().unwrap_or_default()).unwrap_or_default());
                let (x, y) = Engine::corner(width + frame[0]);
                let set = self.client.set_window_rect(x, y, width + frame[0], height + frame[1]).await;
                set.unwrap_or_else(|e| panic!("{window:?}: {e}"));
            }
        }
        // In Chromium it is so at once, and a phone has another idea of the width of an empty page.
        if !self.engine.has_devtools() {
            self.wait_true(&format!("innerWidth === {width} && innerHeight === {height}"), PATIENCE).await;
        }
    }

    /// Tells the page which colours the user prefers. WebKit takes no other than those that it was started with.
    pub async fn scheme(&self, scheme: Scheme) {
        let dark = scheme == Scheme::Dark;
        match self.engine {
            Engine::Chromium | Engine::WholeChromium => {
                let value = if dark { "dark" } else { "light" };
                self.devtools("Emulation.setEmulatedMedia", json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] }))
                    .await;
            }
            Engine::Firefox => {
                let number = u8::from(!dark);
                self.around(&format!("Services.prefs.setIntPref('layout.css.prefers-color-scheme.content-override', {number})")).await;
            }
            Engine::WebKit => panic!("WebKit takes no other colours than those that it was started with"),
        }
    }

    /// Tells the page that the user prefers these colours, and perhaps more contrast. Chromium alone.
    pub async fn looks(&self, scheme: Scheme, contrast: bool) {
        let dark = if scheme == Scheme::Dark { "dark" } else { "light" };
        let more = if contrast { "more" } else { "no-preference" };
        let features = json!([{ "name": "prefers-color-scheme", "value": dark }, { "name": "prefers-contrast", "value": more }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Cuts the page off the network, or lets it back. Chromium alone; a [`Line`](crate::Line) can be cut for any.
    pub async fn offline(&self, offline: bool) {
        self.devtools("Network.enable", json!({})).await;
        let conditions = json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.devtools("Network.emulateNetworkConditions", conditions).await;
    }

    /// Runs JavaScript in Firefox itself, and not in the page.
    async fn around(&self, script: &str) -> Value {
        self.ask("moz/context", json!({ "context": "chrome" })).await;
        let value = self.eval(script).await;
        self.ask("moz/context", json!({ "context": "content" })).await;
        value
    }

    /// Runs a command of the DevTools protocol, which Chromium alone has, and gives its result.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.ask("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// What the page has written to its console since the last call: warnings, errors and refused requests among it. Nothing from WebKit, whose
    /// driver does not tell.
    pub async fn console(&self) -> Vec<String> {
        let entries = match self.engine {
            Engine::Chromium | Engine::WholeChromium => self.ask("se/log", json!({ "type": "browser" })).await,
            Engine::Firefox => {
                let told =
                    "const told = Services.console.getMessageArray().filter(one => one instanceof Ci.nsIScriptError && one.sourceName.startsWith('http'));
                    Services.console.reset();
                    return told.map(one => ({ level: one.flags & Ci.nsIScriptError.warningFlag ? 'WARNING' : 'SEVERE',
                        message: `${one.category} ${one.sourceName}:${one.lineNumber} ${one.errorMessage}` }));";
                self.around(told).await
            }
            Engine::WebKit => Value::Null,
        };
        entries.as_array().into_iter().flatten().map(|entry| format!("{} {}", entry["level"], entry["message"])).collect()
    }

    /// Writes a picture of the page to `target/screenshots/NAME.png`.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let picture = self.client.screenshot().await.expect("a screenshot");
        let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/screenshots"));
        let file = directory.join(format!("{name}.png"));
        std::fs::create_dir_all(file.parent().expect("a file is in a directory")).expect("a directory for screenshots");
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
                .eval("return document.body.innerText + '\\n(the focus is on ' + document.activeElement?.outerHTML.slice(0, 300) + ' ' + JSON.stringify(document.activeElement?.value) + ')'")
                .await;
            panic!("waited {patience:?} in vain for {expression}; the page shows:\n{}", text.as_str().unwrap_or_default());
        }
    }

    /// Asks the driver something that WebDriver itself has no words for.
    async fn ask(&self, command: &str, body: Value) -> Value {
        let session = self.client.session_id().await.expect("a session").expect("a session has an id");
        let url = format!("{}/session/{session}/{command}", self.started.driver);
        let asked = command.to_owned();
        let answer = tokio::task::spawn_blocking(move || {
            let mut answer = ureq::post(&url).send_json(body)?;
            answer.body_mut().read_json::<Value>()
        });
        let answer = answer.await.expect("the question does not panic");
        answer.unwrap_or_else(|e| panic!("{asked}: {e}"))["value"].take()
    }

    /// The directory of the browser's profile. Chromium's shell has none that could be named.
    pub fn profile(&self) -> PathBuf {
        assert_ne!(self.engine, Engine::Chromium, "the shell keeps its profile elsewhere");
        self.profile.path().join("profile")
    }

    /// Ends the session in good order; dropping does without.
    pub async fn close(self) {
        // The process group is ended by the drop in any case.
        let _ = self.client.clone().close().await;
    }
}
