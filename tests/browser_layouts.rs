//! Promise: the page suits the screen it is on, in light and dark, and outlives a lost connection and a daemon that restarts.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, Page, Prosody, Scheme, Window, XmppPeer, free_port};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob", "carla"]).friends("ines", "bob", "Friends").friends("ines", "carla", "Work").start()
}

#[tokio::test]
async fn the_front_page_fits_every_screen() {
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.click("[data-testid=tile-prpl-jabber]").await;
    for window in [Window::Desk, Window::Panes, Window::Phone] {
        page.browser().window(window).await;
        page.see("[data-testid=network-form]").await;
        page.assert_fits(&format!("{window:?}, folded")).await;
        page.click("[data-testid=more-options]").await;
        page.see("[data-testid=field-option-port]").await;
        page.assert_fits(&format!("{window:?}, unfolded")).await;
        page.click("[data-testid=more-options]").await;
    }
}

#[tokio::test]
async fn dialogs_fit_small_screens() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Panes).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    // All of the options scroll in their frame, and the button below them needs no scrolling.
    page.click("[data-testid=account]").await;
    page.click("[data-testid=menu-edit]").await;
    page.click("[data-testid=edit-account-dialog] [data-testid=more-options]").await;
    page.see("[data-testid=field-option-port]").await;
    page.at_rest().await;
    let inside = "const body = document.querySelector('.dialog-body').getBoundingClientRect();
        return document.querySelector('[data-testid=account-save]').getBoundingClientRect().bottom <= body.bottom";
    assert_eq!(page.browser().eval(inside).await, json!(true), "the button is cut off");
    page.press_escape().await;
    page.see_no("[data-testid=edit-account-dialog]").await;
    // The buttons of a dialog stand in one row.
    page.browser().window(Window::Phone).await;
    page.click("[data-testid=list-add]").await;
    page.click("[data-testid=menu-join-room]").await;
    page.see("[data-testid=join-ok]").await;
    page.assert_fits("joining a room").await;
    let rows = "return new Set([...document.querySelectorAll('.dialog-actions button')].map(one => one.offsetTop)).size";
    assert_eq!(page.browser().eval(rows).await, json!(1), "rows of buttons");
}

#[tokio::test]
async fn each_screen_has_its_arrangement() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.open_buddy("bob@localhost").await;
    let talk = page.open_buddy("carla@localhost").await;
    page.say(&talk, "a-word-without-any-gap-".repeat(12).as_str()).await;
    assert_eq!((page.seen("conversation").await, page.seen("buddy-list").await), (2, 1), "windows and the list");
    page.assert_fits("desk").await;

    page.browser().window(Window::Panes).await;
    page.wait("document.querySelectorAll('[data-testid=conversation]').length === 1").await;
    assert_eq!((page.seen("conversation").await, page.seen("buddy-list").await), (1, 1), "the list beside one conversation");
    assert_eq!(page.seen("dock-tile").await, 2, "a tab each");
    page.assert_fits("panes").await;

    page.browser().window(Window::Phone).await;
    page.see("[data-testid=back]").await;
    assert_eq!((page.seen("conversation").await, page.seen("buddy-list").await), (1, 0), "the conversation alone");
    page.assert_fits("phone, conversation").await;
    page.click("[data-testid=back]").await;
    page.see("[data-testid=buddy-list]").await;
    assert_eq!((page.seen("conversation").await, page.seen("buddy-list").await), (0, 1), "the list alone");
    page.assert_fits("phone, list").await;

    page.browser().window(Window::Desk).await;
    page.wait("document.querySelectorAll('[data-testid=conversation]').length === 2").await;
    page.assert_fits("desk again").await;
}

#[tokio::test]
async fn colours_follow_the_system_and_the_menu() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy-name]").await;
    for (scheme, dark) in [(Scheme::Dark, true), (Scheme::Light, false)] {
        page.browser().scheme(scheme).await;
        assert_readable(&page, dark).await;
    }
    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=theme-dark]").await;
    assert_readable(&page, true).await;
}

/// Waits until the list is dark or light, with names that stand out by 4.5:1 (WCAG 2.2, 1.4.3).
async fn assert_readable(page: &Page, dark: bool) {
    let expression = format!(
        "(() => {{
             const brush = document.createElement('canvas').getContext('2d', {{ willReadFrequently: true }});
             const light = colour => {{ brush.clearRect(0, 0, 1, 1); brush.fillStyle = colour; brush.fillRect(0, 0, 1, 1);
                 const [r, g, b] = [...brush.getImageData(0, 0, 1, 1).data].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
                 return 0.2126 * r + 0.7152 * g + 0.0722 * b; }};
             const name = document.querySelector('[data-testid=buddy-name]');
             const ink = light(getComputedStyle(name).color);
             const paper = light(getComputedStyle(name.closest('[data-testid=buddy-list]')).backgroundColor);
             const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
             return (paper < 0.2) === {dark} && (paper > 0.6) !== {dark} && contrast >= 4.5;
         }})()"
    );
    page.wait(&expression).await;
}

#[tokio::test]
async fn a_lost_connection_comes_back_by_itself() {
    let prosody = friends();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    page.see("[data-testid=link][data-state=live]").await;
    page.browser().eval("window.mark = 'not loaded anew'").await;
    page.browser().offline(true).await;
    page.see("[data-testid=link][data-state=offline]").await;
    page.read("[data-testid=link]", "offline since").await;
    bob.say("ines@localhost", "while you were away");
    page.say(&talk, "written meanwhile").await;
    page.shows(&format!("{talk} [data-testid=message][data-state=pending] [data-testid=message-text]"), "written meanwhile").await;
    page.browser().offline(false).await;
    page.see("[data-testid=link][data-state=live]").await;
    page.hears(&talk, "while you were away").await;
    page.sent(&talk, "written meanwhile").await;
    bob.hears("written meanwhile");
    assert_eq!(page.texts(&format!("{talk} [data-testid=message-text]")).await.len(), 2, "each once");
    assert_eq!(page.browser().eval("return window.mark").await, json!("not loaded anew"));
}

#[tokio::test]
async fn a_guest_whose_daemon_restarts_is_told_and_signs_in_again() {
    let prosody = friends();
    let mut daemon = Daemon::builder(BELLFLOWER).listen(&format!("127.0.0.1:{}", free_port())).start();
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=link][data-state=live]").await;
    page.browser().eval("window.mark = 'not loaded anew'").await;
    daemon.kill();
    page.see("[data-testid=link][data-state=offline]").await;
    daemon.start();
    page.see("[data-testid=network-form]").await;
    page.see("main [role=status]").await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=link][data-state=live]").await;
    page.see("[data-testid=buddy][data-name='bob@localhost']").await;
    assert_eq!(page.browser().eval("return window.mark").await, json!("not loaded anew"));
}
