//! Promise: the page of statistics shows what happens, in light and dark, wide and narrow; who wants JSON gets JSON; dashboard and alert rules name
//! figures that exist.
#![allow(clippy::expect_used)]

use std::collections::BTreeSet;
use std::path::Path;
use support::{Browser, Daemon, PATIENCE, Prosody, Scheme, Window, XmppPeer, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Where the figures are, without a slash at the end.
fn admin(daemon: &Daemon) -> String {
    wait_until("the admin listener's address", PATIENCE, || {
        let log = daemon.log();
        let (_, rest) = log.rsplit_once("figures are at ")?;
        rest.split_once("/metrics").map(|(address, _)| address.to_owned())
    })
}

/// Content type and body.
fn get(url: &str, accept: &str) -> (String, String) {
    let mut answer = ureq::get(url).header("Accept", accept).call().unwrap_or_else(|error| panic!("{url}: {error}"));
    let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    (kind, answer.body_mut().read_to_string().expect("a body"))
}

#[test]
fn browsers_get_a_page_and_everybody_else_json() {
    let daemon = Daemon::run(BELLFLOWER);
    let at = admin(&daemon);
    let (kind, page) = get(&format!("{at}/stats"), "text/html,application/xhtml+xml,*/*;q=0.8");
    assert!(kind.starts_with("text/html") && page.contains("stats/stats.js"), "{kind}");
    for (path, accept) in [("/stats", "*/*"), ("/stats", "application/json"), ("/stats.json", "text/html")] {
        let (kind, text) = get(&format!("{at}{path}"), accept);
        assert_eq!(kind, "application/json", "{path} for {accept}");
        let figures: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert!(figures["users"].is_u64() && figures["workers"].is_array() && figures["spreads"]["poll_hold_seconds"]["counts"].is_array());
    }
    assert!(get(&format!("{at}/stats/stats.css"), "*/*").0.starts_with("text/css"));
    assert!(ureq::get(format!("{at}/stats/stats.rs")).call().is_err());
}

#[test]
fn dashboard_and_alert_rules_name_figures_that_exist() {
    let daemon = Daemon::run(BELLFLOWER);
    let (_, metrics) = get(&format!("{}/metrics", admin(&daemon)), "*/*");
    let mut known: BTreeSet<String> = BTreeSet::new();
    for line in metrics.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            if kind == "histogram" {
                known.extend(["_bucket", "_sum", "_count"].map(|ending| format!("{name}{ending}")));
            } else {
                known.insert(name.to_owned());
            }
        }
    }
    assert!(known.contains("bellflower_users") && known.contains("bellflower_poll_hold_seconds_bucket"), "{known:?}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/monitoring");
    for (file, least) in [("bellflower-dashboard.json", 25), ("bellflower-alerts.yml", 10)] {
        let text = std::fs::read_to_string(folder.join(file)).expect("a file");
        let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let words = text.split(|character| !is_name(character)).filter(|word| word.starts_with("bellflower_"));
        let named: BTreeSet<&str> = words.collect();
        assert!(named.len() >= least, "{file}: {named:?}");
        let unknown: Vec<_> = named.into_iter().filter(|name| !known.contains(*name)).collect();
        assert_eq!(unknown, Vec::<&str>::new(), "{file} names figures that do not exist");
    }
    let board = std::fs::read_to_string(folder.join("bellflower-dashboard.json")).expect("a file");
    let board: serde_json::Value = serde_json::from_str(&board).expect("JSON");
    assert!(board["panels"].as_array().is_some_and(|panels| panels.iter().all(|panel| panel["targets"][0]["expr"].is_string())));
}

#[tokio::test]
async fn the_page_shows_what_happens_on_every_screen() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let daemon = Daemon::run(BELLFLOWER);
    let at = admin(&daemon);
    let browser = Browser::start().await;
    browser.window(Window::Desk).await;
    browser.open(&format!("{at}/stats")).await;
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let conversation = ines.open("bob@localhost");
    for number in 0..20 {
        ines.say(&conversation, &format!("message {number}"));
    }
    bob.hears("message 19");
    for (id, wanted) in [
        ("state", "version "),
        ("sign-ons", "prpl-jabberonline1"),
        ("spreads", "Events in an answer"),
        ("workers", "core"),
        ("all", "store_kept"),
    ] {
        browser.wait_true(&format!("document.getElementById({id:?}).textContent.includes({wanted:?})"), PATIENCE).await;
    }
    let lines = "[...document.querySelectorAll('#plots polyline')].filter(line => line.points.length > 2).length >= 10";
    browser.wait_true(lines, PATIENCE).await;
    for (window, name) in [(Window::Desk, "desk"), (Window::Phone, "phone")] {
        browser.window(window).await;
        for scheme in [Scheme::Light, Scheme::Dark] {
            browser.scheme(scheme).await;
            let wide = browser.eval("return document.documentElement.scrollWidth <= innerWidth").await;
            assert_eq!(wide, true, "the page is wider than its {name}");
            browser.screenshot(&format!("statistics/{name}-{scheme:?}")).await;
        }
    }
    assert_eq!(browser.console().await, Vec::<String>::new());
}
