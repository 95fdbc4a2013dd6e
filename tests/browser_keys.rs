//! Promise: everything the mouse can do, the keyboard can do too; every drag has a key or an entry in a menu.
#![allow(clippy::expect_used)]

use support::{Daemon, Key, Ngircd, Page, Prosody, Window, XmppPeer, key, quoted, with};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Presses keys where the focus is.
async fn press(page: &Page, keys: &str) {
    page.type_into(":focus", keys).await;
}

/// x, y, width, height.
async fn frame(page: &Page, css: &str) -> [i64; 4] {
    page.at_rest().await;
    let script = format!(
        "const b = document.querySelector({}).getBoundingClientRect(); return [b.x, b.y, b.width, b.height].map(Math.round)",
        quoted(css)
    );
    let found = page.browser().eval(&script).await;
    let at = |n: usize| found[n].as_i64().expect("a number");
    [at(0), at(1), at(2), at(3)]
}

#[tokio::test]
async fn a_network_and_a_status_are_chosen_by_arrows() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    // From the first box backwards: one stop for all the tiles, at the chosen one.
    page.see("[data-testid=field-user]:focus").await;
    press(&page, &with(Key::Shift, &key(Key::Tab))).await;
    page.see("[data-testid=tile-prpl-jabber]:focus").await;
    press(&page, &key(Key::Right)).await;
    page.see("[data-testid=tile-prpl-irc][aria-checked=true]:focus").await;
    page.read("[data-testid=network-form] h2", "IRC").await;
    press(&page, &key(Key::Left)).await;
    press(&page, &key(Key::Left)).await;
    page.see("[role=radiogroup] [role=radio]:last-of-type:focus").await;
    page.see("[role=radiogroup] [role=radio]:last-of-type[aria-checked=true]").await;
    press(&page, &key(Key::Tab)).await;
    page.see("[data-testid=field-user]:focus").await;

    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;
    page.click("[data-testid=my-status]").await;
    page.click("[data-testid=menu-status-message]").await;
    page.see("[data-testid=status-available][tabindex='0']").await;
    page.click("[data-testid=status-available]").await;
    press(&page, &key(Key::Down)).await;
    page.see("[data-testid=status-away][aria-checked=true]:focus").await;
    press(&page, &key(Key::Tab)).await;
    page.see("[data-testid=field-status-message]:focus").await;
    press(&page, &format!("gone fishing{}", key(Key::Enter))).await;
    page.see_no("[data-testid=status-dialog]").await;
    page.see("[data-testid=my-status][data-status=away]").await;
    page.read("[data-testid=my-status]", "gone fishing").await;
}

#[tokio::test]
async fn a_conversation_is_found_held_and_left_without_a_mouse() {
    let prosody =
        Prosody::builder().users(["ines", "bob", "carla"]).friends("ines", "bob", "Friends").friends("ines", "carla", "Work").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy][data-name='bob@localhost'][data-presence=online]").await;
    // Found by a part of the name, opened, written in.
    page.type_into("body", &with(Key::Control, "k")).await;
    page.see("[data-testid=search]:focus").await;
    press(&page, &format!("bo{}", key(Key::Enter))).await;
    let talk = support::conversation("bob@localhost");
    page.see(&format!("{talk} [data-testid=composer]:focus")).await;
    press(&page, &format!("one{}two{}", with(Key::Shift, &key(Key::Enter)), key(Key::Enter))).await;
    bob.hears("one\ntwo");
    press(&page, &key(Key::Up)).await;
    page.wait("document.activeElement.value === 'one\\ntwo'").await;
    press(&page, &key(Key::Down)).await;
    page.wait("document.activeElement.value === ''").await;
    // The list: from the search down to somebody else.
    press(&page, &with(Key::Control, "k")).await;
    press(&page, &key(Key::Down)).await;
    page.see("[data-testid=group][data-name=Friends]:focus[aria-expanded=true]").await;
    press(&page, &key(Key::Left)).await;
    page.see("[data-testid=group][data-name=Friends]:focus[aria-expanded=false]").await;
    press(&page, &key(Key::Right)).await;
    press(&page, &format!("{}{}", key(Key::End), key(Key::Enter))).await;
    let other = support::conversation("carla@localhost");
    page.see(&format!("{other} [data-testid=composer]:focus")).await;
    // To and fro, down to the dock and away.
    press(&page, &with(Key::Alt, &key(Key::Up))).await;
    page.see(&format!("{talk} [data-testid=composer]:focus")).await;
    press(&page, &with(Key::Alt, "m")).await;
    page.wait(&format!("!document.querySelector({}).checkVisibility()", quoted(&talk))).await;
    page.see(&format!("{other} [data-testid=composer]:focus")).await;
    press(&page, &with(Key::Alt, "w")).await;
    page.see_no(&other).await;
}

#[tokio::test]
async fn every_drag_has_a_twin() {
    let prosody =
        Prosody::builder().users(["ines", "bob", "carla"]).friends("ines", "bob", "Friends").friends("ines", "carla", "Work").start();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    // A window is moved and resized from its title bar.
    let bar = format!("{talk} .bar");
    let [x, y, width, height] = frame(&page, &talk).await;
    page.type_into(&bar, &format!("{}{}", key(Key::Left).repeat(10), key(Key::Up).repeat(5))).await;
    assert_eq!(frame(&page, &talk).await, [x - 240, y - 120, width, height]);
    page.type_into(&bar, &with(Key::Shift, &format!("{}{}", key(Key::Right).repeat(2), key(Key::Up)))).await;
    assert_eq!(frame(&page, &talk).await, [x - 240, y - 120, width + 48, height - 24]);
    // So is one behind another, which stays where it is meanwhile, and whose box leaves the focus alone.
    let other = page.open_buddy("carla@localhost").await;
    page.see(&format!("{other} [data-testid=composer]:focus")).await;
    let [x, y, width, height] = frame(&page, &talk).await;
    page.type_into(&bar, &key(Key::Right).repeat(3)).await;
    page.see(&format!("{bar}:focus")).await;
    assert_eq!(frame(&page, &talk).await, [x + 72, y, width, height]);
    // By the mouse it leads on to the box.
    page.click(&format!("{other} h2")).await;
    page.see(&format!("{other} [data-testid=composer]:focus")).await;
    page.click(&format!("{other} [data-testid=close]")).await;
    page.see_no(&other).await;
    // Its menu has what dragging it to an edge does.
    let desk = frame(&page, "main").await;
    for (entry, left, share) in [("Left half", true, 0.5), ("Right half", false, 0.5), ("Fill the desk", true, 1.0)] {
        page.type_into(&bar, &with(Key::Shift, &key(Key::F10))).await;
        page.press("[role=menu]", entry).await;
        let [x, _, width, height] = frame(&page, &talk).await;
        assert!((width as f64 - desk[2] as f64 * share).abs() < 30.0 && height > desk[3] - 30, "{entry}: {width} x {height} of {desk:?}");
        assert_eq!(x < desk[0] + 30, left, "{entry}: {x}");
    }
    // A buddy's menu moves them to another group.
    page.click("[data-testid=search]").await;
    press(&page, &key(Key::Down)).await;
    press(&page, &format!("{}{}", key(Key::Home), key(Key::Down))).await;
    page.see("[data-testid=buddy][data-name='bob@localhost']:focus").await;
    press(&page, &with(Key::Shift, &key(Key::F10))).await;
    page.click("[data-testid=menu-move]").await;
    page.press("[role=menu]", "Work").await;
    page.see("[data-testid=buddy][data-name='bob@localhost'][data-group=Work]").await;
    // And the help tells of all of it.
    page.click("[data-testid=my-status]").await;
    page.see("[role=menu] :focus").await;
    page.press_escape().await;
    page.see("[data-testid=my-status]:focus").await;
    press(&page, "?").await;
    page.see("[data-testid=help-dialog]").await;
    let help = page.texts("[data-testid=help-dialog]").await.concat();
    for word in [
        "Ctrl K",
        "Shift Enter",
        "Tab",
        "Alt ↑",
        "Alt U",
        "Alt W",
        "Alt M",
        "Shift F10",
        "Home",
        "Esc",
        "//",
        "/me",
        "halves",
        "resize",
        "group",
    ] {
        assert!(help.contains(word), "nothing about {word:?} in {help}");
    }
    page.press_escape().await;
    page.see_no("[data-testid=help-dialog]").await;
    page.see("[data-testid=my-status]:focus").await;
}

#[tokio::test]
async fn the_focus_is_never_lost() {
    let prosody =
        Prosody::builder().users(["ines", "bob", "carla"]).friends("ines", "bob", "Friends").friends("ines", "carla", "Work").start();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    let search = "[data-testid=search]:focus";
    let carla = "[data-testid=buddy][data-name='carla@localhost']:focus";
    // What is most likely wrong is where one writes.
    page.fill_xmpp(&prosody, "ines", "not-it").await;
    press(&page, &key(Key::Enter)).await;
    page.see("[data-testid=correct-form] [data-testid=field-password]:focus").await;
    press(&page, &format!("{}{}", prosody.password("ines"), key(Key::Enter))).await;
    page.see(search).await;
    // Back to the search from a conversation that was found there, and to its row from one that was opened on it.
    page.see("[data-testid=buddy][data-name='bob@localhost']").await;
    press(&page, &format!("bo{}", key(Key::Enter))).await;
    let bob = support::conversation("bob@localhost");
    page.see(&format!("{bob} [data-testid=composer]:focus")).await;
    press(&page, &with(Key::Alt, "w")).await;
    page.see(search).await;
    press(&page, &key(Key::Down)).await;
    page.see("[data-testid=group]:focus").await;
    press(&page, &key(Key::End)).await;
    page.see(carla).await;
    press(&page, &key(Key::Enter)).await;
    page.see(&format!("{} [data-testid=composer]:focus", support::conversation("carla@localhost"))).await;
    press(&page, &with(Key::Alt, "m")).await;
    page.see(carla).await;
    // From a dialog to the row whose menu opened it, and to the next one when that row is gone.
    for ok in [false, true] {
        press(&page, &with(Key::Shift, &key(Key::F10))).await;
        page.click("[data-testid=menu-remove]").await;
        page.see("[data-testid=confirm-dialog] :focus").await;
        if ok {
            page.click("[data-testid=confirm-ok]").await;
            page.see_no(&carla.replace(":focus", "")).await;
        } else {
            page.press_escape().await;
            page.see(carla).await;
        }
    }
    page.see("[data-testid=buddy-list] [role=treeitem]:focus").await;
    page.sign_out().await;
    page.see("[data-testid=field-user]:focus").await;
    page.click("[data-testid=to-site]").await;
    page.see("[data-testid=field-site-name]:focus").await;
}

#[tokio::test]
async fn on_a_phone_the_focus_raises_no_keyboard() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Phone).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy-list] [role=treeitem]:focus").await;
    let talk = page.open_buddy("bob@localhost").await;
    page.see(&format!("{talk} [role=log]:focus")).await;
    page.click("[data-testid=back]").await;
    page.see("[data-testid=buddy][data-name='bob@localhost']:focus").await;
    page.sign_out().await;
    page.see("h1:focus").await;
}

#[tokio::test]
async fn a_dialog_begins_where_one_writes() {
    let (prosody, ngircd) = (Prosody::with_users(["ines"]), Ngircd::builder().start());
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.add_irc(&ngircd, "ines").await;
    page.wait("document.querySelectorAll('[data-testid=account][data-state=online]').length === 2").await;
    // Which account is the smaller question.
    page.click("[data-testid=list-add]").await;
    page.click("[data-testid=menu-add-buddy]").await;
    page.see("[data-testid=field-account]").await;
    page.see("[data-testid=field-buddy-name]:focus").await;
    page.press_escape().await;
    page.see_no("[data-testid=add-buddy-dialog]").await;
    page.click("[data-testid=list-add]").await;
    page.click("[data-testid=menu-join-room]").await;
    page.see("[data-testid=field-room-room]:focus").await;
}
