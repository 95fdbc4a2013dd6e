//! What a user costs the web side in heap, counted byte by byte: signed in, a hundred messages received, one poll held on a real socket. It
//! fails when somebody makes that half as large again; how large the whole daemon is, `make bench` says.
#![allow(clippy::unwrap_used)]

use bridge::command::{Command, CommandKind};
use bridge::event::{Event, EventKind};
use bridge::handle::{BridgeHandle, Catalogue, Events};
use bridge::id::{AccountId, ConversationId, ConversationKind, UserId};
use bridge::model::{Author, Conversation, Message, MessageKind, PasswordNeed, Protocol, UsernameForm};
use bridge::time::Timestamp;
use serde_json::{Value, json};
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use web::server::{Settings, listen::Listener};
use web::session::{Hub, SessionConfig, SystemClock};

/// Pieces of heap in use by their size, as asked for; the last stands for all that are larger.
static IN_USE: [AtomicUsize; 1 << 15] = [const { AtomicUsize::new(0) }; 1 << 15];

fn pieces(size: usize) -> &'static AtomicUsize {
    &IN_USE[size.min(IN_USE.len() - 1)]
}

fn in_use() -> Vec<usize> {
    IN_USE.iter().map(|pieces| pieces.load(Ordering::Relaxed)).collect()
}

struct Counting;

// SAFETY: everything is the system allocator's; only sizes are added up.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        pieces(layout.size()).fetch_add(1, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        pieces(layout.size()).fetch_sub(1, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const LONG: Duration = Duration::from_secs(60);
/// Users that are there before anything is counted: whatever is made once is made then.
const BEFORE: usize = 28;
/// Users that are counted; tables that double then have room for a few more, as they have on average.
const COUNTED: usize = 160;
const ROUNDS: usize = 20;
const A_ROUND: usize = 5;

fn catalogue() -> Catalogue {
    let protocol = Protocol {
        id: "prpl-jabber".into(),
        name: "XMPP".into(),
        icon: "jabber".into(),
        username: UsernameForm { label: "Username".into(), splits: Vec::new() },
        password: PasswordNeed::Required,
        options: Vec::new(),
        room_fields: Vec::new(),
        statuses: Vec::new(),
        features: Default::default(),
        icon_spec: None,
    };
    Catalogue { protocols: vec![protocol], plugins: Vec::new(), version: String::new() }
}

struct Browser {
    stream: BufReader<TcpStream>,
    cookie: String,
    user: UserId,
    account: AccountId,
    epoch: String,
    after: u64,
}

impl Browser {
    fn ask(&mut self, method: &str, path: &str, body: &str) {
        let head = format!("{method} /api/v1{path} HTTP/1.1\r\nHost: here\r\nCookie: bellflower={}\r\n", self.cookie);
        let kind = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.stream.get_mut().write_all((head + &kind).as_bytes()).unwrap();
    }

    fn answer(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    fn poll(&mut self) {
        self.ask("GET", &format!("/poll?client=tab&epoch={}&after={}", self.epoch, self.after), "");
    }

    fn hear(&mut self) -> usize {
        let answer = self.answer();
        let events = answer["events"].as_array().unwrap();
        self.after = events.last().unwrap()["seq"].as_u64().unwrap();
        events.iter().filter(|event| event["type"] == "message.received").count()
    }

    /// What libpurple would tell of so many messages.
    fn news(&self, first: bool, count: usize) -> Vec<Event> {
        let id = ConversationId(self.account.0);
        let author = Author { name: "sender@localhost".into(), alias: None, buddy: None, own: false };
        let conversation = Conversation {
            id,
            account: self.account,
            kind: ConversationKind::Im,
            name: author.name.clone(),
            title: author.name.clone(),
            buddy: None,
            topic: None,
            members: None,
            joined: None,
            nick: None,
            blocked: false,
        };
        let message = Message {
            kind: MessageKind::Received,
            from: author,
            time: Timestamp::now(),
            html: "twenty letters of it".into(),
            delayed: false,
            highlight: false,
            auto_reply: false,
            remote: false,
            topic: false,
            server_id: None,
            reference: None,
            pictures: Vec::new(),
        };
        let opened = first.then_some(EventKind::ConversationOpened(conversation));
        let said = (0..count).map(|_| EventKind::MessageAdded { conversation: id, message: message.clone() });
        opened.into_iter().chain(said).map(|kind| Event { user: self.user, origin: None, kind }).collect()
    }
}

struct Site {
    hub: Arc<Hub>,
    address: SocketAddr,
    networks: bridge::handle::Detached,
    events: tokio::sync::mpsc::Sender<bridge::handle::Held>,
    parked: u64,
}

impl Site {
    fn enter(&self, number: usize) -> Browser {
        let network = json!({ "protocol": "prpl-jabber", "username": format!("u{number}@localhost"), "password": "secret" });
        let login = self.hub.open_guest(serde_json::from_value(network).unwrap(), bridge::id::PersonId(1)).unwrap();
        let user = match self.networks.take().as_slice() {
            [Command { user, kind: CommandKind::AddAccount { .. }, .. }] => *user,
            other => panic!("{other:?}"),
        };
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let stream = BufReader::with_capacity(1, stream);
        let mut browser = Browser { stream, cookie: login.token, user, account: login.account, epoch: String::new(), after: 0 };
        browser.ask("POST", "/attach", r#"{"client":"tab"}"#);
        let attached = browser.answer();
        browser.epoch = attached["epoch"].as_str().unwrap().to_owned();
        browser.after = attached["seq"].as_u64().unwrap();
        browser
    }

    /// Polls for all, until every poll is held.
    fn park(&mut self, browsers: &mut [Browser]) {
        self.parked += browsers.len() as u64;
        browsers.iter_mut().for_each(Browser::poll);
        let deadline = Instant::now() + LONG;
        while self.hub.counters().polls_parked.get() < self.parked {
            assert!(Instant::now() < deadline, "not every poll is held");
            std::thread::yield_now();
        }
    }

    /// So many users, each with a hundred messages received and a poll held.
    fn users(&mut self, numbers: std::ops::Range<usize>) -> Vec<Browser> {
        let mut browsers: Vec<Browser> = numbers.map(|number| self.enter(number)).collect();
        self.park(&mut browsers);
        for round in 0..ROUNDS {
            for browser in &browsers {
                self.events.blocking_send((browser.news(round == 0, A_ROUND), None)).unwrap();
            }
            for browser in &mut browsers {
                assert_eq!(browser.hear(), A_ROUND);
            }
            self.park(&mut browsers);
        }
        browsers
    }
}

#[test]
fn a_user_costs_little() {
    let (handle, networks) = BridgeHandle::detached(1000, catalogue());
    let config = SessionConfig { hold_ms: 600_000, ..SessionConfig::default() };
    let hub = Hub::new(Arc::new(handle), config, Arc::new(SystemClock::default()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (events, received) = tokio::sync::mpsc::channel(64);
    runtime.spawn(Arc::clone(&hub).run(Events::of(received)));
    let listener = runtime.block_on(async { Listener::tcp(([127, 0, 0, 1], 0).into()).unwrap() });
    let address = listener.local().unwrap().unwrap();
    let settings = Settings { connections_per_address: 0, ..Settings::default() };
    runtime.spawn(web::server::serve(
        listener,
        web::api::session_routes(&hub),
        tokio::sync::watch::channel(settings).1,
        Arc::default(),
        std::future::pending(),
    ));

    let mut site = Site { hub, address, networks, events, parked: 0 };
    let before = site.users(0..BEFORE);
    let least = in_use();
    let counted = site.users(BEFORE..BEFORE + COUNTED);
    let mut more: Vec<(isize, usize)> = Vec::new();
    for (size, (now, then)) in in_use().into_iter().zip(least).enumerate() {
        more.push(((now.cast_signed() - then.cast_signed()) * size.cast_signed(), size));
    }
    more.sort();
    let each = more.iter().map(|(bytes, _)| *bytes).sum::<isize>() / COUNTED.cast_signed();
    let largest = more.iter().rev().take(24).map(|(bytes, size)| format!("{size}: {:.1}", *bytes as f64 / COUNTED as f64));
    println!("{each} bytes each; by the size of the pieces: {}", largest.collect::<Vec<_>>().join(", "));
    drop((before, counted));
    runtime.shutdown_background();
    assert!(each < 8000, "{each} bytes each");
}
