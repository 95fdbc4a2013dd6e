//! Promise: while a conversation is lively the page follows it by a stream, which loses and doubles nothing; where streams do not get
//! through, the page goes on by polls, and nobody notices.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Browser, Daemon, Engine, Hoarder, Line, PATIENCE, Page, Prosody, Scheme, Window, XmppPeer, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

#[tokio::test]
async fn a_lively_talk_goes_over_a_stream_in_chromium() {
    a_lively_talk_goes_over_a_stream(Engine::WholeChromium).await;
}

#[tokio::test]
async fn a_lively_talk_goes_over_a_stream_in_firefox() {
    a_lively_talk_goes_over_a_stream(Engine::Firefox).await;
}

#[tokio::test]
async fn a_lively_talk_goes_over_a_stream_in_webkit() {
    a_lively_talk_goes_over_a_stream(Engine::WebKit).await;
}

async fn a_lively_talk_goes_over_a_stream(engine: Engine) {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let line = Line::to(daemon.url());
    let mut talk = Talk::begin(&prosody, engine, &line.url()).await;
    talk.until_a_stream(&daemon, 1).await;

    // Both ways, without a single poll.
    let before = figure(&daemon, "polls");
    let sent = figure(&daemon, "stream_parts");
    for _ in 0..5 {
        talk.both_ways().await;
    }
    assert_eq!((figure(&daemon, "polls"), figure(&daemon, "streams_ended")), (before, 0));
    assert!(figure(&daemon, "stream_parts") >= sent + 10);
    assert!(figure(&daemon, "acknowledgements") > 0);

    // Broken off: a poll finds what the stream did not bring, and nobody is told of it.
    talk.say("before");
    line.nick();
    talk.say("after");
    talk.all_heard().await;
    talk.both_ways().await;
    wait_until("the daemon to notice", PATIENCE, || (figure(&daemon, "streams_ended") > 0).then_some(()));
    assert_eq!(talk.page.browser().eval("return window.states.includes('offline')").await, json!(false));
    talk.until_a_stream(&daemon, 2).await;

    // Cut, the page is offline, until the line is mended.
    talk.say("before the cut");
    line.cut();
    talk.page.see("[data-testid=link][data-state=offline]").await;
    talk.say("meanwhile");
    line.mend();
    talk.all_heard().await;
    talk.page.see("[data-testid=link][data-state=live]").await;
    talk.both_ways().await;
    talk.assert_each_once().await;
    talk.page.assert_no_mishap().await;
    talk.page.assert_kept_to_itself().await;
}

#[tokio::test]
async fn a_proxy_that_keeps_the_probe_gets_no_streams() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let proxy = Hoarder::before(daemon.url(), "/probe");
    let mut talk = Talk::begin(&prosody, Engine::Chromium, &proxy.url()).await;
    wait_until("the end of the probe", PATIENCE, || (proxy.given_up() > 0).then_some(()));
    for _ in 0..5 {
        talk.both_ways().await;
    }
    // A second probe, some seconds later, is the last one.
    assert!(proxy.given_up() <= 2, "{} probes", proxy.given_up());
    assert_eq!(figure(&daemon, "streams"), 0);
    talk.assert_unnoticed().await;
}

#[tokio::test]
async fn a_proxy_that_keeps_a_stream_is_left_for_polls() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let proxy = Hoarder::before(daemon.url(), "/stream");
    let mut talk = Talk::begin(&prosody, Engine::Chromium, &proxy.url()).await;
    talk.until_a_stream(&daemon, 1).await;
    talk.say("into the void");
    wait_until("the page to give the stream up", PATIENCE, || (proxy.given_up() > 0).then_some(()));
    for _ in 0..5 {
        talk.both_ways().await;
    }
    assert_eq!(figure(&daemon, "streams"), 1);
    talk.assert_unnoticed().await;
}

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start()
}

fn figure(daemon: &Daemon, name: &str) -> u64 {
    let figures = daemon.stats();
    figures[name].as_u64().unwrap_or_else(|| panic!("no {name} in {figures}"))
}

/// Ines at the page and Bob, who talk.
struct Talk {
    page: Page,
    bob: XmppPeer,
    /// The selector of their conversation.
    shown: String,
    /// Everything that was said, in order.
    said: Vec<String>,
    /// What Bob said that may not be shown yet.
    unheard: Vec<String>,
}

impl Talk {
    async fn begin(prosody: &Prosody, engine: Engine, url: &str) -> Self {
        let bob = XmppPeer::connect(prosody, "bob");
        let page = Page::open_in(Browser::start_in(engine, Scheme::Light).await, url, Window::Desk).await;
        page.sign_in_xmpp(prosody, "ines").await;
        let shown = page.open_buddy("bob@localhost").await;
        let watch = "window.states = [];
            new MutationObserver(() => window.states.push(document.querySelector('[data-testid=link]')?.dataset.state))
                .observe(document.body, { subtree: true, childList: true, attributes: true });";
        page.browser().eval(watch).await;
        let mut talk = Self { page, bob, shown, said: Vec::new(), unheard: Vec::new() };
        for _ in 0..3 {
            talk.both_ways().await;
        }
        talk
    }

    /// Bob says something.
    fn say(&mut self, what: &str) {
        let text = format!("{}: {what}", self.said.len());
        self.bob.say("ines@localhost", &text);
        self.said.push(text.clone());
        self.unheard.push(text);
    }

    /// Waits until the page shows what Bob said.
    async fn all_heard(&mut self) {
        for text in self.unheard.drain(..) {
            self.page.hears(&self.shown, &text).await;
        }
    }

    /// Bob says something, and Ines answers.
    async fn both_ways(&mut self) {
        self.say("in");
        self.all_heard().await;
        let text = format!("{}: out", self.said.len());
        self.page.say(&self.shown, &text).await;
        self.bob.hears(&text);
        self.page.sent(&self.shown, &text).await;
        self.said.push(text);
    }

    /// Talks until the page has asked for so many streams altogether.
    async fn until_a_stream(&mut self, daemon: &Daemon, number: u64) {
        let deadline = std::time::Instant::now() + PATIENCE;
        while figure(daemon, "streams") < number {
            assert!(std::time::Instant::now() < deadline, "no stream: {}", daemon.stats());
            self.both_ways().await;
        }
    }

    async fn assert_each_once(&self) {
        assert_eq!(self.page.texts(&format!("{} [data-testid=message-text]", self.shown)).await, self.said);
    }

    async fn assert_unnoticed(&self) {
        self.assert_each_once().await;
        assert_eq!(self.page.browser().eval("return window.states.includes('offline')").await, json!(false));
        self.page.assert_no_mishap().await;
    }
}
