//! Promise: a desk stands twenty conversations: windows find a place when they are first shown, stand side by side without covering each other,
//! follow the size of the browser, and come back as they were, here and elsewhere.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{
    Daemon, DaemonBuilder, Key, PATIENCE, Page, Prosody, ProsodyBuilder, Window, XmppPeer, conversation, free_port, quoted, wait_until,
};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a sentence that nobody guesses";
const NAMES: [&str; 20] = [
    "anna", "bob", "carla", "dora", "emil", "freya", "gita", "hana", "ivo", "jonas", "karin", "liwei", "mei", "noor", "otto", "priya",
    "ruth", "samir", "tomas", "wren",
];

fn crowd(count: usize) -> ProsodyBuilder {
    let names = NAMES.iter().take(count);
    names.clone().fold(Prosody::builder().users(["ines"]).users(names.copied()), |server, name| server.friends("ines", name, "Friends"))
}

fn jid(name: &str) -> String {
    format!("{name}@localhost")
}

/// A page of exactly this size, which is none of a phone.
async fn resize(page: &Page, width: u32, height: u32) {
    let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
    page.browser().devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    page.wait(&format!("innerWidth === {width} && innerHeight === {height}")).await;
}

/// The windows that show: name, x, y, width, height, each on the desk.
async fn windows(page: &Page) -> Value {
    page.at_rest().await;
    let script = "const desk = document.querySelector('main').getBoundingClientRect();
        return [...document.querySelectorAll('[data-testid=window]')].filter(one => one.checkVisibility()).map(one => {
            const box = one.getBoundingClientRect();
            return [one.querySelector('[data-testid=conversation]').dataset.name, box.x - desk.x, box.y - desk.y, box.width, box.height].map(part => typeof part === 'number' ? Math.round(part) : part);
        }).sort();";
    page.browser().eval(script).await
}

/// The frame of somebody's window in such a list.
fn frame(all: &Value, name: &str) -> [i64; 4] {
    let found =
        all.as_array().into_iter().flatten().find(|one| one[0] == jid(name)).unwrap_or_else(|| panic!("no window of {name} in {all}"));
    [1, 2, 3, 4].map(|at| found[at].as_i64().expect("a number"))
}

/// Panics when one of these covers another, or a part of it is outside of the desk.
async fn assert_apart(page: &Page, all: &Value) {
    let desk = page
        .browser()
        .eval("const { clientWidth, clientHeight } = document.querySelector('main'); return [clientWidth, clientHeight]")
        .await;
    let frames: Vec<[i64; 4]> =
        all.as_array().expect("a list").iter().map(|one| [1, 2, 3, 4].map(|at| one[at].as_i64().expect("a number"))).collect();
    for (number, [x, y, w, h]) in frames.iter().enumerate() {
        let (wide, high) = (desk[0].as_i64().expect("a width"), desk[1].as_i64().expect("a height"));
        assert!(*x >= 0 && *y >= 0 && x + w <= wide && y + h <= high, "{} is not on the desk of {wide} x {high}", all[number]);
        for (other, [x2, y2, w2, h2]) in frames.iter().enumerate().skip(number + 1) {
            let over = x < &(x2 + w2) && x2 < &(x + w) && y < &(y2 + h2) && y2 < &(y + h);
            assert!(!over, "{} covers {}", all[number], all[other]);
        }
    }
}

#[tokio::test]
async fn a_window_finds_its_place_when_it_is_first_shown() {
    let prosody = crowd(6).start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut peers: Vec<_> = NAMES.iter().take(6).map(|name| XmppPeer::connect(&prosody, name)).collect();
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.wait("document.querySelectorAll('[data-testid=buddy][data-presence=online]').length === 6").await;
    for (number, peer) in peers.iter_mut().enumerate() {
        peer.say("ines@localhost", "Good morning");
        page.wait(&format!("document.querySelectorAll('[data-testid=dock-tile]').length === {}", number + 1)).await;
    }
    // Three show by themselves, none over another; those that came later wait in the dock.
    let first = windows(&page).await;
    assert_eq!(first.as_array().map(Vec::len), Some(3), "{first}");
    assert_apart(&page, &first).await;
    for name in NAMES.iter().take(6).skip(3) {
        page.click(&format!("[data-testid=dock-tile][data-name={}]", quoted(&jid(name)))).await;
        let talk = conversation(&jid(name));
        page.see(&format!("{talk} [data-testid=composer]:focus")).await;
        let high = page
            .browser()
            .eval(&format!("return document.querySelector({}).clientHeight", quoted(&format!("{talk} [data-testid=composer]"))))
            .await;
        assert!(high.as_i64().is_some_and(|high| (30..=50).contains(&high)), "the box of {name} is {high} pixels high");
        page.hears(&talk, "Good morning").await;
    }
    let all = windows(&page).await;
    let places: std::collections::HashSet<_> = NAMES.iter().take(6).map(|name| frame(&all, name)).map(|[x, y, ..]| (x, y)).collect();
    assert_eq!(places.len(), 6, "two in one place: {all}");
    for name in NAMES.iter().take(3) {
        assert_eq!(frame(&all, name), frame(&first, name), "{name} was moved");
    }
    page.assert_no_mishap().await;
}

#[tokio::test]
async fn twenty_windows_stand_side_by_side() {
    let prosody = crowd(20).start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut peers: Vec<_> = NAMES.iter().map(|name| XmppPeer::connect(&prosody, name)).collect();
    let page = Page::open(&daemon, Window::Desk).await;
    resize(&page, 1400, 900).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.wait("document.querySelectorAll('[data-testid=buddy][data-presence=online]').length >= 10").await;
    for (number, name) in NAMES.iter().enumerate() {
        page.type_into("[data-testid=search]", &format!("{name}{}", char::from(Key::Enter))).await;
        page.see(&format!("{} [data-testid=composer]:focus", conversation(&jid(name)))).await;
        // Offered at the fifth, and once refused not again.
        match number + 1 {
            4 => assert_eq!(page.seen("tile-offer").await, 0, "offered too early"),
            5 => {
                page.read("[data-testid=tile-offer]", "5 windows are open.").await;
                page.click("[data-testid=tile-no]").await;
                page.see_no("[data-testid=tile-offer]").await;
            }
            _ => {}
        }
    }
    assert_eq!(page.seen("tile-offer").await, 0, "offered again");
    // The dock shows what has room, and says how many more there are.
    let dock = "const dock = document.querySelector('[data-testid=dock]'), rest = dock.querySelector('[data-testid=dock-rest]'), box = dock.getBoundingClientRect();
        return { all: dock.querySelectorAll('[data-testid=dock-tile]').length + Number(rest.dataset.count), cut: dock.scrollWidth > dock.clientWidth + 1,
            inside: box.left >= 0 && box.right <= document.querySelector('[data-testid=buddy-list]').getBoundingClientRect().left };";
    page.see("[data-testid=dock-rest]").await;
    assert_eq!(page.browser().eval(dock).await, json!({ "all": 20, "cut": false, "inside": true }));

    page.click(".foremost [data-testid=conversation-menu]").await;
    page.press("[role=menu]", "Tile all windows").await;
    page.wait("document.querySelectorAll('[data-testid=window][data-stand=tile]').length === 20").await;
    let tiled = windows(&page).await;
    assert_eq!(tiled.as_array().map(Vec::len), Some(20));
    assert_apart(&page, &tiled).await;
    // One can write in the smallest of them.
    let smallest = conversation(&jid("anna"));
    page.say(&smallest, "from a tile").await;
    peers[0].hears("from a tile");
    // A smaller browser shows as many as have room; a larger one all of them again, where they were.
    resize(&page, 1150, 720).await;
    let fewer = windows(&page).await;
    assert!(fewer.as_array().is_some_and(|all| all.len() >= 6 && all.len() < 20), "{fewer}");
    assert_apart(&page, &fewer).await;
    resize(&page, 1400, 900).await;
    assert_eq!(windows(&page).await, tiled);

    // News of those without a tile in the dock are counted on its button, which leads to them.
    for (peer, name) in peers.iter_mut().zip(NAMES).skip(1) {
        peer.say("ines@localhost", &format!("{name} says hello"));
    }
    let counted = "[...document.querySelectorAll('[data-testid=dock-tile] [data-testid=unread]')].reduce((sum, one) => sum + Number(one.textContent), 0)
        + Number(document.querySelector('[data-testid=dock-rest]').dataset.unread)";
    page.wait(&format!("{counted} === 19 && Number(document.querySelector('[data-testid=dock-rest]').dataset.unread) > 0")).await;
    page.click("[data-testid=dock-rest]").await;
    let chosen = page.texts("[data-testid=dock-rest-item] .menu-label").await.remove(0);
    page.click("[data-testid=dock-rest-item]").await;
    page.see("[data-testid=window].foremost [data-testid=composer]:focus").await;
    assert_eq!(page.texts(".foremost h2").await, [chosen]);
    page.assert_no_mishap().await;
}

fn site() -> DaemonBuilder {
    let address = format!("127.0.0.1:{}", free_port());
    Daemon::builder(BELLFLOWER).listen(&address).config("registration = \"open\"").limit("registrations_per_minute", 0)
}

/// Waits until the daemon has a desk on which `name` stands so.
fn wait_kept(daemon: &Daemon, name: &str, stand: &str, minimised: i64) {
    let mut client = daemon.client("looker");
    client.sign_in("ines", PASSWORD);
    wait_until("the desk to be kept", PATIENCE, || {
        client.attach();
        let talks = client.snapshot["conversations"].as_array().cloned().unwrap_or_default();
        let id = talks.iter().find(|one| one["name"] == jid(name))?["id"].clone();
        let wins = client.snapshot["settings"]["layout"]["wins"].as_array().cloned()?;
        wins.iter().any(|win| win[0] == id && win[1] == stand && win[2] == minimised).then_some(())
    });
}

#[tokio::test]
async fn the_desk_comes_back_as_it_was() {
    let prosody = crowd(4).start();
    let daemon = site().start();
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.keep_things("ines", PASSWORD).await;
    let talks = [0, 1, 2, 3].map(|at| conversation(&jid(NAMES[at])));
    for name in NAMES.iter().take(4) {
        page.open_buddy(&jid(name)).await;
    }
    // Moved by hand, half, all of the desk, and minimised.
    let before = frame(&windows(&page).await, "bob");
    page.type_into(&format!("{} .bar", talks[0]), &char::from(Key::Left).to_string().repeat(3)).await;
    for (name, entry) in [("carla", "Left half"), ("bob", "Fill the desk")] {
        page.click(&format!("[data-testid=dock-tile][data-name={}]", quoted(&jid(name)))).await;
        page.see(&format!(".foremost:has({}) [data-testid=composer]:focus", conversation(&jid(name)))).await;
        page.click(".foremost [data-testid=conversation-menu]").await;
        page.press("[role=menu]", entry).await;
    }
    page.click("[data-testid=dock-tile][data-name='dora@localhost']").await;
    page.click(&format!("{} [data-testid=minimise]", talks[3])).await;
    page.wait(&format!("!document.querySelector({}).checkVisibility()", quoted(&talks[3]))).await;
    let arranged = windows(&page).await;
    let fills = format!("[data-testid=window][data-stand=full]:has({})", talks[1]);
    page.see(&fills).await;

    // States follow the browser's size, and nothing is lost by a smaller one.
    resize(&page, 1150, 720).await;
    let smaller = windows(&page).await;
    let desk = page
        .browser()
        .eval("const { clientWidth, clientHeight } = document.querySelector('main'); return [clientWidth, clientHeight]")
        .await;
    assert_eq!(frame(&smaller, "bob"), [10, 10, desk[0].as_i64().expect("a width") - 20, desk[1].as_i64().expect("a height") - 20]);
    assert!(frame(&smaller, "carla")[2] < frame(&arranged, "carla")[2], "half of less");
    page.browser().window(Window::Desk).await;
    page.wait("innerWidth === 1440").await;
    assert_eq!(windows(&page).await, arranged);
    wait_kept(&daemon, "dora", "normal", 1);
    wait_kept(&daemon, "bob", "full", 0);

    page.load().await;
    page.see(&talks[0]).await;
    assert_eq!(windows(&page).await, arranged, "after loading anew");
    let other = Page::open(&daemon, Window::Desk).await;
    other.sign_in_site("ines", PASSWORD).await;
    other.see(&talks[0]).await;
    assert_eq!(windows(&other).await, arranged, "in another browser");
    // What was all of the desk still knows where it was before.
    other.click("[data-testid=dock-tile][data-name='bob@localhost']").await;
    other.click(&format!("{} [data-testid=maximise]", talks[1])).await;
    other.see_no(&fills).await;
    assert_eq!(frame(&windows(&other).await, "bob"), before);
    // And the minimised one is where it was.
    other.see_no(&talks[3]).await;
    other.click("[data-testid=dock-tile][data-name='dora@localhost']").await;
    other.see(&format!("{} [data-testid=composer]:focus", talks[3])).await;
    wait_kept(&daemon, "dora", "normal", 0);
    other.at_rest().await;
    // A page that is left at once says first what it still had to say.
    other.click(&format!("{} [data-testid=minimise]", talks[3])).await;
    other.load().await;
    wait_kept(&daemon, "dora", "normal", 1);
    page.assert_no_mishap().await;
    other.assert_no_mishap().await;
}
