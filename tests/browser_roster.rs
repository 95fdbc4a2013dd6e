//! Promise: ten thousand buddies are a list like any other: it scrolls, finds and folds, and the page holds only what is in sight.
#![allow(clippy::expect_used)]

use std::time::Instant;

use serde_json::json;
use support::{Contact, Daemon, Key, Page, Prosody, Window, XmppPeer, conversation};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

const BUDDIES: usize = 10_000;
const GROUPS: usize = 25;
/// Rows that fill the tallest screen of these tests, with a margin above and below.
const MOST_ROWS: u64 = 60;

/// Notes how long each key press takes until what it changed is painted, and tasks of more than 50 ms, by the browser's own clock.
const MEASURE: &str = "window.painted = []; window.long = [];
    document.addEventListener('keydown', key => requestAnimationFrame(() => {
        const after = new MessageChannel();
        after.port1.onmessage = () => window.painted.push(performance.now() - key.timeStamp);
        after.port2.postMessage(0); }), true);
    new PerformanceObserver(list => list.getEntries().forEach(one => window.long.push(one.duration))).observe({ type: 'longtask' });";

/// Scrolls a screen and more with each frame; the answer tells how far apart those were, and what was in the page.
const SCROLL: &str = "const done = arguments[arguments.length - 1], list = document.querySelector('.vlist'), gaps = [];
    let last = 0, frames = 0, most = 0, empty = 0;
    const step = now => {
        if (last) gaps.push(now - last);
        last = now;
        const rows = [...list.querySelectorAll('.vrow')], all = list.getBoundingClientRect();
        most = Math.max(most, rows.length);
        const inSight = row => { const box = row.getBoundingClientRect(); return box.bottom > all.top && box.top < all.bottom; };
        if (!rows.some(inSight)) empty++;
        list.scrollTop += 900;
        if (++frames < 200) return requestAnimationFrame(step);
        gaps.sort((a, b) => a - b);
        const at = part => Math.round(gaps[Math.floor((gaps.length - 1) * part)]);
        done({ p50: at(.5), p95: at(.95), max: at(1), most, empty }); };
    requestAnimationFrame(step);";

async fn rows(page: &Page) -> u64 {
    page.browser().eval("return document.querySelectorAll('.vlist .vrow').length").await.as_u64().expect("a number")
}

fn crowd() -> Vec<Contact> {
    let contact = |n: usize| Contact {
        jid: format!("buddy{n:05}@localhost"),
        name: format!("{} {n:05}", ["Ada", "Béla", "Chloë", "Dvořák", "Émile"][n % 5]),
        group: format!("Group {:02}", n % GROUPS),
    };
    (0..BUDDIES).map(contact).collect()
}

#[tokio::test]
async fn ten_thousand_buddies_are_a_list_like_any_other() {
    let prosody = Prosody::with_users(["ines", "buddy00025"]);
    let mut others = crowd();
    let friend = others.remove(25);
    prosody.set_roster_with("ines", &[friend], &others);
    prosody.set_roster("buddy00025", &[Contact { jid: "ines@localhost".to_owned(), name: "Ines".to_owned(), group: "Friends".to_owned() }]);
    let daemon = Daemon::run(BELLFLOWER);
    let page = Page::open(&daemon, Window::Desk).await;
    let begun = Instant::now();
    page.sign_in_xmpp(&prosody, "ines").await;
    let all = BUDDIES + GROUPS;
    page.wait(&format!("document.querySelector('.vlist .vrow')?.getAttribute('aria-setsize') === '{all}'")).await;
    println!("all {BUDDIES} buddies are on the list {:?} after signing in", begun.elapsed());
    assert!(rows(&page).await <= MOST_ROWS, "{} rows at the top", rows(&page).await);

    // Somebody comes: they are at the top of their group.
    let mut peer = XmppPeer::connect(&prosody, "buddy00025");
    page.see("[data-testid=buddy][data-name='buddy00025@localhost'][data-presence=online]").await;
    let scrolled = page.browser().page().execute_async(SCROLL, Vec::new()).await.expect("the scrolling's end");
    println!("scrolling by 900 pixels a frame, milliseconds from frame to frame: {scrolled}");
    assert!(scrolled["most"].as_u64().is_some_and(|most| most <= MOST_ROWS), "{scrolled}");
    assert_eq!(scrolled["empty"], json!(0), "frames without a row in sight");
    page.type_into(".vlist [tabindex='0']", &char::from(Key::End).to_string()).await;
    page.see("[data-testid=buddy][data-group='Group 24']").await;
    assert!(rows(&page).await <= MOST_ROWS + 1, "{} rows at the end", rows(&page).await);

    // Found as one types, by any part, without the accents, and back again.
    page.browser().eval(MEASURE).await;
    let words = "dvorak 09998";
    for (number, key) in words.chars().enumerate() {
        page.type_into("[data-testid=search]", &key.to_string()).await;
        page.wait(&format!("window.painted.length > {number}")).await;
    }
    page.wait("document.querySelectorAll('[data-testid=buddy]').length === 1").await;
    page.see("[data-testid=buddy][data-name='buddy09998@localhost']").await;
    for number in words.len()..2 * words.len() {
        page.type_into("[data-testid=search]", &char::from(Key::Backspace).to_string()).await;
        page.wait(&format!("window.painted.length > {number}")).await;
    }
    page.wait(&format!("document.querySelector('.vlist .vrow')?.getAttribute('aria-setsize') === '{all}'")).await;
    let painted = page.browser().eval("return [window.painted.map(Math.round).sort((a, b) => a - b), window.long.map(Math.round)]").await;
    println!("milliseconds from key press to paint: {}; tasks over 50: {}", painted[0], painted[1]);
    assert!(rows(&page).await <= MOST_ROWS + 1, "{} rows after the search", rows(&page).await);

    // Folded away, all but the first in sight.
    page.click("[data-testid=group][data-name='Group 00']").await;
    page.wait(&format!("document.querySelector('.vlist .vrow')?.getAttribute('aria-setsize') === '{}'", all - BUDDIES / GROUPS)).await;
    // And talked to.
    page.type_into("[data-testid=search]", &format!("buddy00025{}", char::from(Key::Enter))).await;
    let talk = conversation("buddy00025@localhost");
    page.say(&talk, "hello from among many").await;
    peer.hears("hello from among many");
}
