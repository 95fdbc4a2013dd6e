//! Promise: behind a proxy that leaves something out the page works, or says in words what an administrator has to do, and so does the log.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Browser, Daemon, Nginx, Page, Prosody, Scheme, Window, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

const STUCK: &str = "[data-testid=stuck]";

async fn open(url: &str) -> Page {
    Page::open_in(Browser::start().await, url, Window::Desk).await
}

#[tokio::test]
async fn nothing_but_proxy_pass_is_enough_where_the_browser_says_whose_page_it_is() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let proxy = Nginx::bare_tls(daemon.url());
    let page = open(proxy.url()).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.open_buddy("bob@localhost").await;
    // It works; what is left unsaid is in the log all the same.
    let line = wait_until("a line in the log", support::PATIENCE, || {
        daemon.log().lines().find(|line| line.contains("X-Forwarded-Proto")).map(str::to_owned)
    });
    assert!(line.contains("WARN") && line.contains("trusted_proxies"), "{line}");
    page.load().await;
    page.see("[data-testid=buddy-list]").await;
    assert!(!daemon.log().contains("was refused"), "{}", daemon.log());
}

#[tokio::test]
async fn a_page_that_is_refused_for_want_of_the_host_says_so_and_stops() {
    let daemon = Daemon::run(BELLFLOWER);
    let proxy = Nginx::bare(daemon.url());
    let page = open(proxy.url()).await;
    page.read(&format!("{STUCK}[data-code=cross_origin] [data-testid=problem]"), "proxy_set_header Host $http_host;").await;
    page.read(&format!("{STUCK} [data-testid=problem]"), proxy.url()).await;
    for (window, name) in [(Window::Desk, "desk"), (Window::Phone, "phone")] {
        page.browser().window(window).await;
        for scheme in [Scheme::Light, Scheme::Dark] {
            page.browser().scheme(scheme).await;
            page.assert_fits("the refusal").await;
            page.browser().screenshot(&format!("proxy/{name}-{scheme:?}")).await;
        }
    }
    let attaches = "return performance.getEntriesByType('resource').filter(one => one.name.endsWith('/attach')).length";
    assert_eq!(page.browser().eval(attaches).await, json!(1), "it does not try again by itself");
    page.click("[data-testid=stuck-again]").await;
    page.wait("performance.getEntriesByType('resource').filter(one => one.name.endsWith('/attach')).length === 2").await;
    page.see(STUCK).await;
    let log = daemon.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("was refused")).collect();
    assert!(lines.len() == 1 && lines[0].contains("WARN") && lines[0].contains("proxy_set_header Host"), "{lines:?}");
    assert!(lines[0].contains(proxy.url()), "{lines:?}");
}

#[tokio::test]
async fn with_the_host_passed_on_a_page_without_tls_works_below_a_path() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::builder(BELLFLOWER).config("hosts = [\"bellflower.test\"]").start();
    let lines = format!("location /chat/ {{ proxy_pass {}/; proxy_set_header Host $http_host; }}", daemon.url());
    let proxy = Nginx::with(&lines);
    let page = open(&format!("{}/chat", proxy.url())).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    // Nothing is at the daemon's own address, and nothing is learnt from that.
    let refused = daemon.client("tab").get("/site");
    assert_eq!((refused.status, refused.code()), (421, "wrong_host"));
    assert!(daemon.log().lines().any(|line| line.contains("WARN") && line.contains("`hosts` does not list")), "{}", daemon.log());
    page.load().await;
    page.see("[data-testid=buddy-list]").await;
}

#[tokio::test]
async fn answers_of_the_proxys_own_are_told_in_words() {
    let daemon = Daemon::run(BELLFLOWER);
    let pass = format!("location / {{ proxy_pass {}; proxy_set_header Host $http_host; }}", daemon.url());
    let missing = Nginx::with(&format!("{pass} location /api/ {{ return 404; }}"));
    let page = open(missing.url()).await;
    page.read(&format!("{STUCK}[data-code=http_404] [data-testid=problem]"), "everything below the page's address").await;
    // Nobody is behind it: that may change, so the page goes on trying, and says so.
    let broken = Nginx::with(&format!("{pass} location /api/ {{ proxy_pass http://127.0.0.1:9; }}"));
    page.browser().open(&format!("{}/", broken.url())).await;
    page.read(&format!("{STUCK}[data-code=http_502]"), "tries again by itself").await;
    // A page in the place of the daemon's answers, as from a network that wants a log-in first.
    let portal = Nginx::with(&format!("{pass} location /api/ {{ default_type text/html; return 200 '<p>Welcome'; }}"));
    page.browser().open(&format!("{}/", portal.url())).await;
    page.read(&format!("{STUCK}[data-code=bad_answer]"), "Something else answers in the server's place").await;
    // The files of the page do not come through.
    let bare = Nginx::with(&format!("location = /chat {{ proxy_pass {}/; proxy_set_header Host $http_host; }}", daemon.url()));
    page.browser().open(&format!("{}/chat", bare.url())).await;
    page.wait("document.querySelector('.unstarted').checkVisibility()").await;
    page.read(".unstarted", "If the address has no slash at its end, add one").await;
}

#[tokio::test]
async fn a_browser_without_cookies_says_so_and_odd_cookies_do_no_harm() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::run(BELLFLOWER);
    let lines = |more: &str| format!("location / {{ proxy_pass {}; proxy_set_header Host $http_host; {more} }}", daemon.url());
    let without = Nginx::with(&lines("proxy_hide_header Set-Cookie;"));
    let page = open(without.url()).await;
    page.fill_xmpp(&prosody, "ines", &prosody.password("ines")).await;
    page.click("[data-testid=signin]").await;
    page.read("[data-testid=problem]", "did not keep this site's cookie").await;
    page.see("[data-testid=signin]:not([disabled])").await;
    // Another application on the same host: bytes beyond ASCII, and one of our own name that nobody is signed in by.
    page.browser().open(&format!("{}/", daemon.url())).await;
    page.see("[data-testid=tile-prpl-jabber]").await;
    page.browser().eval("document.cookie = 'utf=\u{fc}'; document.cookie = 'bellflower=stale; path=/api'; document.cookie = 'x'").await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.browser().open(&format!("{}/", daemon.url())).await;
    page.see("[data-testid=buddy-list]").await;
}

#[tokio::test]
async fn the_next_try_is_counted_down_whatever_the_browsers_clock_says() {
    let mut daemon = Daemon::builder(BELLFLOWER).table("[accounts]\nreconnect_first = \"40s\"").start();
    daemon.allow_log("Connection refused");
    let prosody = Prosody::with_users(["ines"]);
    let page = Page::open(&daemon, Window::Desk).await;
    let shift = |hours: i64| format!("const now = Date.now; Date.now = () => now() + {hours} * 3600000;");
    for hours in [1, -1] {
        page.browser().devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": shift(hours) })).await;
        page.load().await;
        page.fill_xmpp(&prosody, "ines", &prosody.password("ines")).await;
        page.fill("option-port", "9").await;
        page.click("[data-testid=signin]").await;
        let counted = "/\\b([1-9]|[1-5][0-9]) s/.test(document.querySelector('.countdown')?.textContent)";
        page.wait(counted).await;
        page.click("[data-testid=start-over]").await;
        page.see("[data-testid=signin]").await;
        // The second shift comes on top of the first.
        page.browser().devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": shift(-hours) })).await;
    }
}

#[tokio::test]
async fn whom_the_proxy_names_is_signed_in_without_a_word() {
    let folder = tempfile::tempdir().expect("a directory");
    let key = folder.path().join("key");
    std::fs::write(&key, [7_u8; 32]).expect("a key");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("its mode");
    let config = format!("header_sign_in = \"X-Remote-User\"\nsite_key_file = {key:?}\ntrusted_proxies = [\"127.0.0.1\"]");
    let daemon = Daemon::builder(BELLFLOWER).config(&config).start();
    let named = |name: &str| {
        let pass = format!("proxy_pass {}; proxy_set_header Host $http_host;", daemon.url());
        Nginx::with(&format!("location / {{ {pass} proxy_set_header X-Remote-User \"{name}\"; }}"))
    };
    let proxy = named("Ines");
    let page = open(proxy.url()).await;
    page.read(".me", "Ines").await;
    // Who signs out stays so, until they go on.
    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=sign-out]").await;
    page.click("[data-testid=header-signin]").await;
    page.read(".me", "Ines").await;
    let silent = named("");
    let stranger = open(silent.url()).await;
    stranger.read("[data-testid=header-form] [data-testid=problem]", "does not say who you are").await;
}
