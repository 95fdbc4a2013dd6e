//! Promise: the form of an account shows what the account has, and what was not touched in it is in force.
#![allow(clippy::expect_used)]

use support::{Daemon, Page, Prosody, Window, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

async fn has(page: &Page, field: &str, value: &str) {
    let css = format!("[data-testid={}]", quoted(&format!("field-option-{field}")));
    page.see(&css).await;
    page.wait(&format!("document.querySelector({}).value === {}", quoted(&css), quoted(value))).await;
}

async fn edits(page: &Page) {
    page.click("[data-testid=account]").await;
    page.click("[data-testid=menu-edit]").await;
    page.click("[data-testid=edit-account-dialog] [data-testid=more-options]").await;
}

#[tokio::test]
async fn a_form_shows_what_the_account_has() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;

    // Untouched but for where the server is, it asks for encryption, which this server has not.
    page.click("[data-testid=tile-prpl-jabber]").await;
    page.fill("user", "ines").await;
    page.fill("part-0", "localhost").await;
    page.fill("password", &prosody.password("ines")).await;
    page.click("[data-testid=network-form] [data-testid=more-options]").await;
    page.fill("option-connect_server", "127.0.0.1").await;
    has(&page, "connection_security", "require_tls").await;
    // A port that no server has is said at its box.
    page.fill("option-port", "70000").await;
    page.click("[data-testid=signin]").await;
    page.read(".field-error", "give a number from 1 to 65535").await;
    page.fill("option-port", &prosody.port().to_string()).await;
    page.click("[data-testid=signin]").await;
    page.read("[data-testid=correct-form] [data-testid=problem]", "You require encryption").await;

    // Corrected from what it has.
    page.click("[data-testid=correct-form] [data-testid=more-options]").await;
    has(&page, "connect_server", "127.0.0.1").await;
    has(&page, "connection_security", "require_tls").await;
    page.choose("option-connection_security", "opportunistic_tls").await;
    page.click("[data-testid=correct-form] [data-testid=signin]").await;
    page.see("[data-testid=account][data-state=online]").await;

    // And so is the form inside: what it shows can be set back.
    edits(&page).await;
    has(&page, "port", &prosody.port().to_string()).await;
    has(&page, "connection_security", "opportunistic_tls").await;
    page.choose("option-connection_security", "require_tls").await;
    page.click("[data-testid=account-save]").await;
    page.see("[data-testid=account-error][data-code=encryption]").await;
    edits(&page).await;
    has(&page, "connection_security", "require_tls").await;
}
