//! Promise: files go both ways, over XMPP (in-band and SOCKS5, with a foreign client) and IRC, as fast as their receiver takes them; either side ends a
//! transfer at any stage; nothing is left behind, and nobody else gets any of it.
#![allow(clippy::expect_used)]

mod ends;
mod hostile;
mod incoming;
mod irc;
mod outgoing;
mod pictures;
mod upload;

use serde_json::{Value, json};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use support::{Bytes, Daemon, Prosody, Slixmpp, WireClient};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Bytes of a large file: 10 MiB, or as many MiB as `BELLFLOWER_FILE_MB` says (`make chaos`: 500).
fn large() -> usize {
    std::env::var("BELLFLOWER_FILE_MB").ok().and_then(|mb| mb.parse::<usize>().ok()).unwrap_or(10) << 20
}

/// The address of Ines as others see it.
const INES: &str = "ines@localhost/web";

/// Resident bytes of daemon and worker: before a file goes, and at most while it goes.
#[derive(Clone)]
struct Memory {
    processes: [u64; 2],
    before: [u64; 2],
    most: Arc<[AtomicU64; 2]>,
}

impl Memory {
    /// Begins with the resident bytes of a daemon that has one account.
    fn of(daemon: &Daemon) -> Self {
        let workers = daemon.workers();
        let worker = workers.iter().find(|worker| worker["load"]["accounts"] == 1).expect("a worker")["pid"].as_u64().expect("its id");
        let processes = [daemon.id().into(), worker];
        let before = processes.map(resident);
        Self { processes, before, most: Arc::new(before.map(AtomicU64::new)) }
    }

    fn look(&self) {
        for (most, now) in self.most.iter().zip(self.processes.map(resident)) {
            most.fetch_max(now, Ordering::Relaxed);
        }
    }

    /// So many bytes of the tests' file, with a look at each part of it that is read.
    fn over(&self, count: usize) -> impl Read + use<> {
        Watched { bytes: Bytes::new(count), memory: self.clone() }
    }

    /// Neither has grown by more than 6 MiB.
    fn is_flat(&self) {
        let grown: Vec<u64> = self.most.iter().zip(self.before).map(|(most, before)| most.load(Ordering::Relaxed) - before).collect();
        println!("daemon and worker began with {:?} bytes and grew by {grown:?}", self.before);
        assert!(grown.iter().all(|grown| *grown < 6 << 20), "daemon and worker grew by {grown:?} bytes");
    }
}

struct Watched {
    bytes: Bytes,
    memory: Memory,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.memory.look();
        self.bytes.read(buffer)
    }
}

/// Resident bytes of a process.
fn resident(id: u64) -> u64 {
    let statm = std::fs::read_to_string(format!("/proc/{id}/statm")).expect("a process");
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("pages") * 4096
}

/// Ines in her browser, and Bob, who uses another program.
struct Stage {
    ines: WireClient,
    bob: Slixmpp,
    // Ends before the server that it would be signed on to.
    daemon: Daemon,
    prosody: Prosody,
}

impl Stage {
    fn new() -> Self {
        let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").file_proxy().start();
        let mut daemon = Daemon::run(BELLFLOWER);
        // Libpurple says so of each SOCKS5 connection, and of a session that its peer has closed.
        daemon.allow_log("proxy: Connect Data is");
        daemon.allow_log("jabber_ibb_session_close called on a session that has not been");
        let mut ines = daemon.client("ines-tab");
        ines.sign_in_xmpp(&prosody, "ines");
        let bob = Slixmpp::connect(&prosody, "bob");
        ines.wait_event("Bob's coming", |event| event["type"] == "buddy.updated" && event["buddy"]["status"] == "available");
        Self { ines, bob, daemon, prosody }
    }

    /// Bob offers a file; gives the transfer's id.
    fn offered(&mut self, sid: &str, size: u64, method: &str) -> String {
        self.bob.offer(INES, sid, "a picture.png", size, method);
        let event = self.ines.wait_event("the offer", |event| event["type"] == "transfer.opened");
        event["transfer"]["id"].as_str().expect("an id").to_owned()
    }

    /// The same, and Ines accepts it.
    fn accepted(&mut self, sid: &str, size: u64, method: &str) -> String {
        let id = self.offered(sid, size, method);
        self.ines.carry_out("transfer.accept", json!({ "transfer": id }));
        self.bob.wait("Ines's yes", |event| event["event"] == "accepted" && event["sid"] == sid);
        id
    }

    /// Ines sends a file of so many bytes; gives the transfer's id, and what Bob is offered.
    fn sent(&mut self, size: usize) -> (String, Value) {
        let upload = self.ines.upload("a%20picture.png", size).ok();
        self.offers(&upload)
    }

    /// The same, and memory is looked at during the upload.
    fn sent_watched(&mut self, size: usize, memory: &Memory) -> (String, Value) {
        let upload = self.ines.upload_from("a%20picture.png", size, memory.over(size)).ok();
        self.offers(&upload)
    }

    /// Ines sends what she has uploaded.
    fn offers(&mut self, upload: &Value) -> (String, Value) {
        let conversation = self.ines.open("bob@localhost");
        let sent = self.ines.carry_out("transfer.send", json!({ "conversation": conversation, "upload": upload["upload"] }));
        let offer = self.bob.wait("Ines's offer", |event| event["event"] == "offered");
        (sent["transfer"].as_str().expect("an id").to_owned(), offer)
    }

    /// How the transfer ended, by the events.
    fn ended(&mut self, id: &str) -> String {
        let event = self.ines.wait_event("the end of the transfer", |event| event["type"] == "transfer.closed" && event["transfer"] == id);
        event["state"].as_str().expect("a state").to_owned()
    }

    /// Files in the daemon's directory of uploads.
    fn staged(&self) -> usize {
        std::fs::read_dir(self.daemon.data_dir().join("uploads")).map_or(0, Iterator::count)
    }

    /// Waits until nothing is staged any more.
    fn nothing_is_staged(&self) {
        support::wait_until("an empty directory of uploads", support::PATIENCE, || (self.staged() == 0).then_some(()));
    }
}
