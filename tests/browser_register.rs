//! Promise: who has no account yet makes one from the page, where the network lets them, and is signed on with it.

use support::{Daemon, Page, Prosody, Window};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

const FORM: &str = "[data-testid=request-fields]";
const OK: &str = "[data-testid=request-fields] [data-testid=request-button-ok]";
const ONLINE: &str = "[data-testid=account][data-state=online]";

/// A server that takes newcomers.
fn open_to_all() -> Prosody {
    let modules = r#"modules_enabled = { "disco", "roster", "saslauth", "presence", "message", "iq", "c2s", "ping", "posix", "register" }"#;
    Prosody::builder().users(["ines", "bob"]).config(modules).config("allow_registration = true").start()
}

async fn closes_what_libpurple_says(page: &Page) {
    page.click("[data-testid=notice-close]").await;
    page.see_no("[data-testid=notice-close]").await;
}

#[tokio::test]
async fn a_guest_comes_in_with_an_account_made_on_the_spot() {
    let prosody = open_to_all();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;

    // The name is taken: said, and another one is tried from there.
    page.fill_xmpp(&prosody, "bob", "not-bobs").await;
    page.click("[data-testid=make-account]").await;
    page.click("[data-testid=signin]").await;
    page.see(FORM).await;
    page.wait("document.querySelector('[data-testid=field-request-username]').value === 'bob'").await;
    page.click(OK).await;
    closes_what_libpurple_says(&page).await;
    page.read("[data-testid=correct-form] [data-testid=problem]", "The server did not create this account.").await;
    page.fill("user", "newcomer").await;
    page.click("[data-testid=correct-form] [data-testid=signin]").await;

    // Put off, the form waits behind a pill; another password in it is the one that counts.
    page.see(FORM).await;
    page.wait("document.querySelector('[data-testid=field-request-username]').value === 'newcomer'").await;
    page.press_escape().await;
    page.see_no(FORM).await;
    page.click("[data-testid=arriving] [data-testid=prompts-waiting]").await;
    page.fill("request-password", &prosody.password("newcomer")).await;
    page.click(OK).await;
    page.see("[data-testid=buddy-list]").await;
    page.see(&format!("{ONLINE}[data-username='newcomer@localhost']")).await;
    closes_what_libpurple_says(&page).await;

    // It is there to stay.
    page.sign_out().await;
    page.sign_in_xmpp(&prosody, "newcomer").await;
    page.see(ONLINE).await;
}

#[tokio::test]
async fn an_account_is_made_from_inside_or_not_after_all() {
    let prosody = open_to_all();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see(ONLINE).await;
    page.click("[data-testid=add-account]").await;
    page.fill("user", "second").await;
    page.fill("part-0", "localhost").await;
    page.fill("password", "another-secret").await;
    page.click("[data-testid=add-account-dialog] [data-testid=more-options]").await;
    page.fill("option-connect_server", "127.0.0.1").await;
    page.fill("option-port", &prosody.port().to_string()).await;
    page.choose("option-connection_security", "opportunistic_tls").await;
    page.check("option-auth_plain_in_clear", true).await;
    page.check("make", true).await;
    page.click("[data-testid=account-save]").await;

    // Declined: nothing is made, and that stands at the account.
    page.click("[data-testid=request-fields] [data-testid=request-button-cancel]").await;
    page.see("[data-testid=account-error][data-code=not_registered]").await;
    closes_what_libpurple_says(&page).await;
    page.see("[data-testid=account][data-username='second@localhost'][data-state=offline]").await;

    page.click("[data-testid=account][data-username='second@localhost']").await;
    page.click("[data-testid=menu-make]").await;
    page.fill("request-password", "another-secret").await;
    page.click(OK).await;
    page.see(&format!("{ONLINE}[data-username='second@localhost']")).await;
}
