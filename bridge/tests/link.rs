//! A worker's side of its socket: frames in any pieces, more commands than there is room for, events that nobody takes, and every way in which
//! the other side can end it; run under valgrind too (`make valgrind`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bridge::command::Origin;
use bridge::config::BridgeConfig;
use bridge::event::Outcome;
use bridge::frame::{self, Confine, Down, Frames, Up};
use bridge::handle::BLAME_BYTES;
use bridge::id::{AccountId, ConversationId, UserId};
use bridge::model::AccountState;
use bridge::report::Load;
use bridge::{Command, CommandKind, Event, EventKind};
use common::{add, xmpp};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::Duration;
use support::{Prosody, XmppPeer, alone};

const PATIENCE: Duration = Duration::from_secs(60);
const INES: u64 = 1;

/// A served libpurple, and the other end of its socket.
struct Worker {
    socket: UnixStream,
    frames: Frames,
    unseen: VecDeque<Event>,
    blame: File,
    served: JoinHandle<io::Result<()>>,
    commands: u64,
}

fn memory_file() -> File {
    // SAFETY: a C string; a new descriptor or -1 comes back.
    let raw = unsafe { libc::memfd_create(c"blame".as_ptr(), libc::MFD_CLOEXEC) };
    assert!(raw >= 0, "{}", io::Error::last_os_error());
    // SAFETY: just opened, and nobody else's.
    let file = unsafe { File::from_raw_fd(raw) };
    file.set_len(BLAME_BYTES).unwrap();
    file
}

fn framed(content: &Down) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, content).unwrap();
    bytes
}

/// Serves on a thread of its own, as libpurple's.
fn served(socket: UnixStream, blame: Option<OwnedFd>) -> JoinHandle<io::Result<()>> {
    let body = move || bridge::handle::serve(socket.into(), blame, |_, _| Ok(()));
    std::thread::Builder::new().name("libpurple".to_owned()).spawn(body).unwrap()
}

impl Worker {
    /// Starts it, its first frame in two pieces, with room for `mailbox` commands.
    fn start(mailbox: usize) -> Self {
        let (socket, theirs) = UnixStream::pair().unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let blame = memory_file();
        let served = served(theirs, Some(blame.try_clone().unwrap().into()));
        let mut worker = Self { socket, frames: Frames::default(), unseen: VecDeque::new(), blame, served, commands: 0 };
        let config = BridgeConfig {
            egress_allow: vec!["127.0.0.0/8".parse().unwrap()],
            sign_ons_per_second: 1000,
            mailbox,
            number: 7,
            ..BridgeConfig::default()
        };
        let start = framed(&Down::Start { version: frame::VERSION, config: Box::new(config), confine: Confine::default() });
        let (one, other) = start.split_at(start.len() / 2);
        worker.write(one);
        worker.write(other);
        match worker.next("that it is up") {
            Up::Ready { version, catalogue } => {
                assert_eq!(version, frame::VERSION);
                assert!(catalogue.protocols.iter().any(|protocol| protocol.id == "prpl-jabber"), "{catalogue:?}");
            }
            other => panic!("it did not come up: {other:?}"),
        }
        worker
    }

    fn write(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("the worker reads");
    }

    /// The next frame.
    fn next(&mut self, what: &str) -> Up {
        let mut bytes = [0; 4096];
        loop {
            if let Some(up) = self.frames.take().expect("whole frames") {
                return up;
            }
            let count = self.socket.read(&mut bytes).unwrap_or_else(|error| panic!("waiting for {what}: {error}"));
            assert!(count > 0, "the worker ended before {what}");
            self.frames.push(bytes.get(..count).unwrap());
        }
    }

    /// A command of the one user, as the bytes of its frame, and what its end will be called.
    fn command(&mut self, kind: CommandKind) -> (String, Vec<u8>) {
        self.commands += 1;
        let command = format!("k{}", self.commands);
        let origin = Some(Origin { client: "test".to_owned(), command: command.clone() });
        (command, framed(&Down::Command(Command { user: UserId(INES), origin, kind })))
    }

    /// The first wanted event; those before it are dropped.
    fn wait(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        loop {
            while let Some(event) = self.unseen.pop_front() {
                if wanted(&event) {
                    return event;
                }
            }
            if let Up::Events(batch) = self.next(what) {
                self.unseen.extend(batch);
            }
        }
    }

    /// The outcome of a command.
    fn done(&mut self, command: &str) -> Option<Outcome> {
        let ended = self.wait("a command's end", |event| {
            let ours = event.origin.as_ref().is_some_and(|origin| origin.command == command);
            ours && matches!(event.kind, EventKind::CommandDone { .. } | EventKind::CommandFailed { .. })
        });
        match ended.kind {
            EventKind::CommandDone { result } => result,
            other => panic!("refused: {other:?}"),
        }
    }

    fn run(&mut self, kind: CommandKind) -> Option<Outcome> {
        let (command, bytes) = self.command(kind);
        self.write(&bytes);
        self.done(&command)
    }

    fn sign_on(&mut self, prosody: &Prosody) {
        let (_, bytes) = self.command(add(5, xmpp(prosody, "ines", &prosody.password("ines"))));
        self.write(&bytes);
        self.wait(
            "the sign-on",
            |event| matches!(&event.kind, EventKind::AccountState { standing, .. } if standing.state == AccountState::Online),
        );
    }

    fn open(&mut self, name: &str) -> ConversationId {
        match self.run(CommandKind::OpenConversation { account: AccountId(5), name: name.to_owned(), only_open: false }) {
            Some(Outcome::Conversation(id)) => id,
            other => panic!("no conversation: {other:?}"),
        }
    }

    /// The next line that somebody else wrote.
    fn heard(&mut self) -> String {
        let added = self.wait("a message", |event| matches!(&event.kind, EventKind::MessageAdded { message, .. } if !message.from.own));
        match added.kind {
            EventKind::MessageAdded { message, .. } => message.html,
            _ => unreachable!(),
        }
    }

    fn ping(&mut self, number: u64) -> Load {
        self.write(&framed(&Down::Ping(number)));
        loop {
            match self.next("a pong") {
                Up::Pong { number: answered, load } => {
                    assert_eq!(answered, number);
                    return load;
                }
                Up::Events(batch) => self.unseen.extend(batch),
                other => panic!("not a pong: {other:?}"),
            }
        }
    }

    /// Reads to the end of the stream and gives what serving came to.
    fn ended(mut self) -> io::Result<()> {
        let mut rest = Vec::new();
        // A worker that was cut off may reset.
        let _ = self.socket.read_to_end(&mut rest);
        self.frames.push(&rest);
        while let Some(up) = self.frames.take::<Up>().expect("whole frames to the end") {
            drop(up);
        }
        assert!(!self.frames.is_ready());
        self.served.join().expect("the libpurple thread does not panic")
    }
}

fn say(conversation: ConversationId, text: &str) -> CommandKind {
    CommandKind::SendMessage { conversation, text: text.to_owned(), html: text.to_owned() }
}

#[test]
fn commands_in_single_bytes_are_performed_and_answered() {
    alone("commands_in_single_bytes_are_performed_and_answered", || {
        let prosody = Prosody::with_users(["ines", "noor"]);
        let mut worker = Worker::start(64);
        worker.sign_on(&prosody);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        let conversation = worker.open(&prosody.jid("noor"));
        let (command, bytes) = worker.command(say(conversation, "bit by bit"));
        for byte in bytes {
            worker.write(&[byte]);
        }
        worker.done(&command);
        peer.hears("bit by bit");
        peer.say(&prosody.jid("ines"), "and back");
        assert_eq!(worker.heard(), "and back");

        let load = worker.ping(77);
        assert_eq!((load.accounts, load.commands), (1, 0), "{load:?}");
        let mut last = [0; 8];
        worker.blame.read_exact_at(&mut last, 8).unwrap();
        assert_eq!(u64::from_le_bytes(last), 5, "whose callback ran last");

        worker.write(&framed(&Down::Quit));
        worker.ended().unwrap();
    });
}

#[test]
fn more_commands_than_there_is_room_for_wait_in_order() {
    alone("more_commands_than_there_is_room_for_wait_in_order", || {
        let prosody = Prosody::with_users(["ines", "noor"]);
        let mut worker = Worker::start(2);
        worker.sign_on(&prosody);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        let conversation = worker.open(&prosody.jid("noor"));
        let mut all = Vec::new();
        let mut last = String::new();
        for n in 0..200 {
            let (command, bytes) = worker.command(say(conversation, &format!("number {n}")));
            all.extend(bytes);
            last = command;
        }
        worker.write(&all);
        worker.done(&last);
        for n in 0..200 {
            let heard = peer.wait_for("the next line", |stanza| stanza.name == "message" && stanza.child("body").is_some());
            assert_eq!(heard.child_text("body"), Some(format!("number {n}").as_str()));
        }
        worker.write(&framed(&Down::Quit));
        worker.ended().unwrap();
    });
}

#[test]
fn what_is_not_taken_waits_and_comes_whole_and_in_order() {
    alone("what_is_not_taken_waits_and_comes_whole_and_in_order", || {
        let prosody = Prosody::with_users(["ines", "noor"]);
        let mut worker = Worker::start(64);
        worker.sign_on(&prosody);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        // More than a socket holds, so that the worker has to keep the rest.
        let long = "all of it ".repeat(400);
        for n in 0..200 {
            peer.say(&prosody.jid("ines"), &format!("{n} {long}"));
        }
        // Prosody has handed on all of that once it answers what was asked after it.
        peer.request("get", "localhost", "<query xmlns='jabber:iq:version'/>");
        for n in 0..200 {
            let heard = worker.heard();
            assert!(heard.starts_with(&format!("{n} ")) && heard.len() > 4000, "{n}: {heard:.40}");
        }
        worker.run(CommandKind::RemoveAccount(AccountId(5)));
        assert_eq!(worker.ping(1).accounts, 0);
        worker.write(&framed(&Down::Quit));
        worker.ended().unwrap();
    });
}

/// Signed on, with a conversation, when the other side does `last` to the link.
fn ends_signed_on(last: impl FnOnce(&mut Worker)) {
    let prosody = Prosody::with_users(["ines", "noor"]);
    let mut worker = Worker::start(64);
    worker.sign_on(&prosody);
    worker.open(&prosody.jid("noor"));
    last(&mut worker);
    worker.ended().unwrap();
}

#[test]
fn an_end_within_a_frame_signs_off_and_ends_it() {
    alone("an_end_within_a_frame_signs_off_and_ends_it", || {
        ends_signed_on(|worker| {
            let (_, bytes) = worker.command(CommandKind::RemoveAccount(AccountId(5)));
            worker.write(bytes.get(..bytes.len() / 2).unwrap());
            worker.socket.shutdown(std::net::Shutdown::Write).unwrap();
        });
    });
}

#[test]
fn rubbish_instead_of_a_frame_signs_off_and_ends_it() {
    alone("rubbish_instead_of_a_frame_signs_off_and_ends_it", || {
        ends_signed_on(|worker| worker.write(&[0xff; 64]));
    });
}

#[test]
fn a_second_start_signs_off_and_ends_it() {
    alone("a_second_start_signs_off_and_ends_it", || {
        ends_signed_on(|worker| {
            let config = Box::new(BridgeConfig::default());
            worker.write(&framed(&Down::Start { version: frame::VERSION, config, confine: Confine::default() }));
        });
    });
}

#[test]
fn what_is_no_start_never_starts() {
    alone("what_is_no_start_never_starts", || {
        let config = || Box::new(BridgeConfig::default());
        let newer = Down::Start { version: frame::VERSION + 1, config: config(), confine: Confine::default() };
        for (bytes, told) in [
            (framed(&Down::Quit), "not a start"),
            (framed(&newer), "version"),
            (vec![0xff; 8], "at most"),
            (vec![4, 0, 0, 0, 0xc1, 0xc1, 0xc1, 0xc1], "cannot be read"),
            (vec![9, 0, 0], "end"),
        ] {
            let (mut socket, theirs) = UnixStream::pair().unwrap();
            let served = served(theirs, None);
            socket.write_all(&bytes).unwrap();
            drop(socket);
            let error = served.join().unwrap().unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    });
}
