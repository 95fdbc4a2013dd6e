//! Promise: what one chooses about the page holds in each browser at once, and a guest's choices end with the visit.
#![allow(clippy::expect_used)]

use support::{Audit, Daemon, Page, Prosody, Scheme, Window, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a sentence that nobody guesses";
const SECTIONS: [&str; 6] = ["look", "notify", "talk", "keys", "accounts", "you"];

async fn open(page: &Page, section: &str) {
    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=open-settings]").await;
    page.click(&format!("[data-testid=settings-{section}]")).await;
}

async fn close(page: &Page) {
    page.press_escape().await;
    page.see_no("[data-testid=settings-dialog]").await;
}

async fn themed(page: &Page, theme: &str, contrast: bool) {
    let root = "document.documentElement.dataset";
    page.wait(&format!("{root}.theme === '{theme}' && 'contrast' in {root} === {contrast}")).await;
}

#[tokio::test]
async fn a_choice_holds_in_each_browser_at_once() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").limit("registrations_per_minute", 0).start();
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.keep_things("ines", PASSWORD).await;
    let talk = page.open_buddy("bob@localhost").await;
    page.say(&talk, "what time is it?").await;
    page.sent(&talk, "what time is it?").await;
    let other = Page::open(&daemon, Window::Desk).await;
    other.browser().scheme(Scheme::Dark).await;
    other.sign_in_site("ines", PASSWORD).await;
    other.sent(&talk, "what time is it?").await;
    themed(&other, "dark", false).await;

    open(&page, "look").await;
    page.click("[data-testid=pref-theme-light]").await;
    themed(&other, "light", false).await;
    page.click("[data-testid=pref-theme-contrast]").await;
    themed(&page, "light", true).await;
    themed(&other, "dark", true).await;
    page.click("[data-testid=pref-density-compact]").await;
    other.wait("document.documentElement.dataset.density === 'compact'").await;
    let time = format!("document.querySelector({}).textContent", quoted(&format!("{talk} time")));
    page.click("[data-testid=pref-time-12]").await;
    other.wait(&format!("/^\\d+:\\d\\d [AP]M$/i.test({time})")).await;
    page.click("[data-testid=pref-time-24]").await;
    other.wait(&format!("/^\\d\\d:\\d\\d$/.test({time})")).await;
    page.click("[data-testid=settings-talk]").await;
    page.click("[data-testid=pref-send_key-ctrl-enter]").await;
    close(&page).await;

    // Enter is a line then, there as here.
    let composer = format!("{talk} [data-testid=composer]");
    open(&other, "talk").await;
    other.see("[data-testid=pref-send_key][data-value=ctrl-enter]").await;
    close(&other).await;
    other.type_into(&composer, "one\u{e007}two").await;
    other.type_into(&composer, "\u{e009}\u{e007}").await;
    page.sent(&talk, "one\ntwo").await;

    // And so after a reload, and on the front page of this browser, but not for whoever comes next.
    page.load().await;
    page.see("[data-testid=buddy-list]").await;
    themed(&page, "light", true).await;
    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=sign-out]").await;
    page.see("[data-testid=tile-prpl-jabber]").await;
    themed(&page, "light", true).await;
    page.click("[data-testid=to-network]").await;
    page.sign_in_xmpp(&prosody, "bob").await;
    themed(&page, "light", false).await;
}

#[tokio::test]
async fn a_guests_choices_end_with_the_visit() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    open(&page, "look").await;
    page.read("[data-testid=settings-panel-look]", "You are a guest").await;
    assert_eq!(page.seen("settings-you").await, 0);
    page.click("[data-testid=pref-theme-dark]").await;
    close(&page).await;
    page.load().await;
    page.see("[data-testid=buddy-list]").await;
    themed(&page, "dark", false).await;
    page.sign_out().await;
    themed(&page, "light", false).await;
    assert_eq!(
        page.browser().eval("return Object.keys({ ...sessionStorage, ...localStorage }).filter(key => key.includes('theme'))").await,
        serde_json::json!([])
    );
}

#[tokio::test]
async fn the_settings_are_for_everybody() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").start();
    let mut audit = Audit::of(Page::open(&daemon, Window::Desk).await);
    audit.page.sign_in_xmpp(&prosody, "ines").await;
    audit.page.keep_things("ines", PASSWORD).await;
    let room = prosody.room("garden");
    let garden = audit.page.join(&[("room", "garden"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    audit.look_behind(&[&format!("{garden} [data-testid=close]")], "[data-testid=close-dialog]").await;
    open(&audit.page, "look").await;
    for window in [Window::Desk, Window::Phone] {
        audit.page.browser().window(window).await;
        for section in SECTIONS {
            audit.page.click(&format!("[data-testid=settings-{section}]")).await;
            if section == "you" {
                audit.page.see("[data-testid=usage]").await;
            }
            audit.look(&format!("{section} {window:?}")).await;
            audit.page.assert_fits(section).await;
        }
    }
    audit.assert_nothing(2 * SECTIONS.len() + 1);
}
