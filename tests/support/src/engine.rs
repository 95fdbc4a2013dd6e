//! The browsers that a test can run in, and how each is started and told to reach loopback alone. It must not know any page.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::browser::Scheme;
use crate::marionette::Front;
use crate::process::{Process, free_port};

/// A proxy that nobody listens on: whatever is not loopback goes there.
const NOWHERE: &str = "127.0.0.1:9";

/// The width and the height of the display that WebKit has, in pixels.
const SCREEN: u32 = 2000;

/// A browser engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Chromium's shell without windows of its own where it is installed, by chromedriver: it starts at a third of the cost.
    Chromium,
    /// The whole of Chromium, by chromedriver, for tabs that hide each other and notifications.
    WholeChromium,
    /// Firefox, the extended support release where there is one, by its own Marionette.
    Firefox,
    /// WebKitGTK's MiniBrowser, by WebKitWebDriver, on a display that nobody sees.
    WebKit,
}

/// A running engine.
pub(crate) struct Started {
    /// Where it speaks WebDriver.
    pub(crate) driver: String,
    /// What a session has to ask for.
    pub(crate) capabilities: Value,
    _front: Option<Front>,
    processes: Vec<Process>,
}

impl Started {
    /// What its processes have written.
    pub(crate) fn log(&self) -> String {
        self.processes.iter().map(Process::log).collect()
    }
}

impl Engine {
    /// Where the left upper corner of WebKit's window has to be when it is that wide. Without a window manager the window below the pointer is the
    /// active one, and the pointer rests in the middle of the screen: it has to be on the window, but above the page.
    pub(crate) fn corner(width: u32) -> (u32, u32) {
        ((SCREEN - width) / 2, SCREEN / 2 - 4)
    }

    /// Whether it has the DevTools protocol.
    pub(crate) fn has_devtools(self) -> bool {
        matches!(self, Self::Chromium | Self::WholeChromium)
    }

    /// Starts it with an empty profile below `home`, which is all that it knows of a home.
    pub(crate) async fn start(self, home: &Path, scheme: Scheme) -> Started {
        match self {
            Self::Chromium => chromium(home, Path::new(SHELL).exists()),
            Self::WholeChromium => chromium(home, false),
            Self::Firefox => firefox(home).await,
            Self::WebKit => webkit(home, scheme),
        }
    }
}

/// Chromium without windows of its own, of a Debian package of its own.
const SHELL: &str = "/usr/bin/chromium-headless-shell";

fn chromium(home: &Path, shell: bool) -> Started {
    let port = free_port();
    let mut command = Command::new("chromedriver");
    command.arg(format!("--port={port}")).env("HOME", home).env("TMPDIR", home);
    let mut process = Process::start("chromedriver", &mut command, &home.join("chromedriver.log"), false);
    process.wait_for_port(port);
    let nowhere = format!("--proxy-server=http://{NOWHERE}");
    let profile = format!("--user-data-dir={}", home.join("profile").display());
    let mut arguments = vec![
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
        &nowhere,
        "--proxy-bypass-list=127.0.0.1;localhost;*.test",
        // Names that lead to loopback without being loopback's own: what browsers hold back from pages without TLS, they hold back there.
        "--host-resolver-rules=MAP *.test 127.0.0.1",
    ];
    // The driver does not find the shell's port in another profile than its own, which is below TMPDIR.
    let mut options = if shell {
        json!({ "binary": SHELL })
    } else {
        arguments.push(&profile);
        json!({})
    };
    options["args"] = json!(arguments);
    let capabilities = json!({
        "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" }, "acceptInsecureCerts": true,
    });
    Started { driver: format!("http://127.0.0.1:{port}"), capabilities, _front: None, processes: vec![process] }
}

async fn firefox(home: &Path) -> Started {
    let port = free_port();
    let profile = home.join("profile");
    std::fs::create_dir(&profile).expect("a directory for the profile");
    let (proxy, proxy_port) = NOWHERE.split_once(':').expect("an address and a port");
    // What else a test wants, such as no look for updates, it sets by itself when Marionette is asked for.
    let settings = [
        ("marionette.port", json!(port)),
        ("network.proxy.type", json!(1)),
        ("network.proxy.http", json!(proxy)),
        ("network.proxy.http_port", json!(proxy_port.parse::<u16>().expect("a port"))),
        ("network.proxy.ssl", json!(proxy)),
        ("network.proxy.ssl_port", json!(proxy_port.parse::<u16>().expect("a port"))),
        ("network.proxy.no_proxies_on", json!("127.0.0.1, localhost")),
    ];
    let settings = settings.iter().fold(String::new(), |mut text, (key, value)| {
        writeln!(text, "user_pref({}, {value});", json!(key)).expect("writing to a text");
        text
    });
    std::fs::write(profile.join("user.js"), settings).expect("writing Firefox's settings");
    let mut command = Command::new(on_path(&["firefox-esr", "firefox"]));
    command.args(["--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile"]).arg(&profile);
    command.env("HOME", home).env("TMPDIR", home).env("MOZ_CRASHREPORTER_DISABLE", "1");
    let mut process = Process::start("firefox", &mut command, &home.join("firefox.log"), false);
    process.wait_for_port(port);
    let front = Front::of(port).await;
    Started { driver: front.url().to_owned(), capabilities: json!({}), _front: Some(front), processes: vec![process] }
}

fn webkit(home: &Path, scheme: Scheme) -> Started {
    let mut command = Command::new("Xvfb");
    // The server names the display that it found free, and does not begin anew when nobody looks at it.
    command.args(["-displayfd", "1", "-screen", "0", &format!("{SCREEN}x{SCREEN}x24"), "-nolisten", "tcp", "-noreset"]).env("HOME", home);
    let mut display = Process::start("Xvfb", &mut command, &home.join("xvfb.log"), true);
    let mut number = String::new();
    BufReader::new(display.take_stdout()).read_line(&mut number).expect("the number of a display");
    assert!(!number.trim().is_empty(), "Xvfb has no display:\n{}", display.log());
    // The bar above the page would keep the window from being as narrow as a phone.
    for version in ["gtk-3.0", "gtk-4.0"] {
        let directory = home.join(".config").join(version);
        std::fs::create_dir_all(&directory).expect("a directory for GTK's settings");
        let css = "* { min-width: 0; min-height: 0; padding: 0; margin: 0; }\n";
        std::fs::write(directory.join("gtk.css"), css).expect("writing GTK's settings");
    }
    let port = free_port();
    let mut command = Command::new("WebKitWebDriver");
    command.args(["--host=127.0.0.1", &format!("--port={port}")]);
    command.env("HOME", home).env("TMPDIR", home).env("XDG_RUNTIME_DIR", home).env_remove("DBUS_SESSION_BUS_ADDRESS");
    for directory in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"] {
        command.env_remove(directory);
    }
    command.env("DISPLAY", format!(":{}", number.trim())).env("GDK_BACKEND", "x11");
    // The only way to tell it, and only now.
    command.env("GTK_THEME", if scheme == Scheme::Dark { "Adwaita:dark" } else { "Adwaita" });
    let mut process = Process::start("WebKitWebDriver", &mut command, &home.join("webkit.log"), false);
    process.wait_for_port(port);
    // Not by the capability for a proxy: a MiniBrowser that is told of it so early dies of it now and then.
    let arguments = ["--automation", &format!("--proxy=http://{NOWHERE}"), "--ignore-host=127.0.0.1", "--ignore-host=localhost"];
    let capabilities = json!({ "webkitgtk:browserOptions": { "args": arguments } });
    // The browser before its display.
    Started { driver: format!("http://127.0.0.1:{port}"), capabilities, _front: None, processes: vec![process, display] }
}

/// The first of these programs that is installed; else the first, whose absence is then said.
fn on_path(names: &[&'static str]) -> &'static str {
    let path = std::env::var_os("PATH").unwrap_or_default();
    names.iter().find(|name| std::env::split_paths(&path).any(|directory| directory.join(name).is_file())).unwrap_or(&names[0])
}
