//! Accounts end well in whatever state they are, and nothing grows with use; run under valgrind too (`make valgrind`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bridge::command::CommandKind;
use bridge::event::{EventKind, Outcome};
use bridge::id::{AccountId, ConversationId};
use bridge::model::AccountState;
use common::{Running, add, heap, xmpp, xmpp_at};
use std::io::Read;
use support::{Flaw, Prosody, XmppPeer, alone};

fn opened(running: &mut Running, kind: CommandKind) -> ConversationId {
    match running.run(1, kind).expect("it opens") {
        Some(Outcome::Conversation(id)) => id,
        other => panic!("no conversation: {other:?}"),
    }
}

fn say(conversation: ConversationId, text: &str) -> CommandKind {
    CommandKind::SendMessage { conversation, text: text.to_owned(), html: text.to_owned() }
}

fn open(account: u64, name: &str) -> CommandKind {
    CommandKind::OpenConversation { account: AccountId(account), name: name.to_owned(), only_open: false }
}

fn join(account: u64, prosody: &Prosody, room: &str) -> CommandKind {
    let jid = prosody.room(room);
    let server = jid.split_once('@').map(|(_, server)| server.to_owned()).unwrap_or_default();
    let fields = [("room", room.to_owned()), ("server", server), ("handle", "Ines".to_owned())];
    let fields = fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    CommandKind::JoinRoom { account: AccountId(account), fields, only_open: false }
}

/// Hazards 2, 7, 31, 33: removed while queued, connecting, asked about, failed, waiting, signed on with everything open.
fn ends_in_every_state(running: &mut Running, prosody: &mut Prosody) {
    // Queued: never begun.
    running.send(1, add(10, xmpp(prosody, "ines", "secret-ines")));
    running.remove(1, 10);

    // Connecting: a server that takes the connection and says nothing.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    running.send(1, add(11, xmpp_at("ines", "x", port, "opportunistic_tls")));
    let (mut stream, _) = silent.accept().unwrap();
    let mut greeting = [0; 16];
    assert!(stream.read(&mut greeting).unwrap() > 0);
    running.remove(1, 11);

    // Connecting: refused at once, then waiting for the next try.
    drop((stream, silent));
    running.send(1, add(12, xmpp_at("ines", "x", port, "opportunistic_tls")));
    running.stands(12, AccountState::Waiting);
    running.remove(1, 12);

    // Failed for good (hazard 2: the timer that would look at freed memory).
    running.send(1, add(13, xmpp(prosody, "ines", "wrong")));
    running.stands(13, AccountState::Error);
    running.remove(1, 13);

    // Asked about a certificate: the answer that never comes.
    let secure = Prosody::builder().users(["vera"]).tls(Flaw::SelfSigned).start();
    running.send(1, add(14, xmpp_at("vera", &secure.password("vera"), secure.port(), "require_tls")));
    let asked = running.wait("the certificate question", |event| matches!(event.kind, EventKind::RequestOpened(_)));
    running.remove(1, 14);
    let EventKind::RequestOpened(request) = asked.kind else { unreachable!() };
    let late = CommandKind::AnswerRequest { request: request.id, button: "accept".to_owned(), values: Default::default() };
    assert!(running.run(1, late).is_err(), "a question outlived its account");

    // Signed on, with buddies, an IM, a room and an open authorization.
    running.send(1, add(15, xmpp(prosody, "ines", &prosody.password("ines"))));
    running.stands(15, AccountState::Online);
    let mut peer = XmppPeer::connect(prosody, "noor");
    let conversation = opened(running, open(15, &prosody.jid("noor")));
    running.run(1, say(conversation, "hello")).unwrap();
    peer.hears("hello");
    opened(running, join(15, prosody, "garden"));
    peer.presence_to(&prosody.jid("ines"), "subscribe");
    running.wait("the authorization", |event| matches!(event.kind, EventKind::AuthorizationOpened(_)));
    running.remove(1, 15);

    // Signed on when its server dies, and again when it is back.
    running.send(1, add(16, xmpp(prosody, "ines", &prosody.password("ines"))));
    running.stands(16, AccountState::Online);
    prosody.kill();
    running.stands(16, AccountState::Waiting);
    prosody.start();
    running.stands(16, AccountState::Online);
    running.run(1, CommandKind::DisableAccount(AccountId(16))).unwrap();
    running.remove(1, 16);
}

/// Hazard 1: the same IM account of two users is two accounts; each hears what its own conversation says, and one's end is not the other's.
fn same_account_twice(running: &mut Running, prosody: &Prosody) {
    let settings = || xmpp(prosody, "ines", &prosody.password("ines"));
    running.send(1, add(21, settings()));
    running.stands(21, AccountState::Online);
    running.send(2, add(22, settings()));
    running.stands(22, AccountState::Online);
    let theirs = running.run(2, CommandKind::RemoveAccount(AccountId(21)));
    assert_eq!(theirs.unwrap_err().code, "no_such_account", "one user reached another's account");
    let conversation = opened(running, open(21, &prosody.jid("noor")));
    let foreign = running.run(2, say(conversation, "not mine"));
    assert_eq!(foreign.unwrap_err().code, "no_such_conversation", "one user wrote in another's conversation");
    running.remove(2, 22);
    let mut peer = XmppPeer::connect(prosody, "noor");
    running.run(1, say(conversation, "still here")).unwrap();
    peer.hears("still here");
    running.remove(1, 21);
}

/// Runs `cycle` until libraries have filled their caches, then measures what each further one leaves, in bytes. What only a timer lets go of may
/// take some seconds to go, so the figure is taken again until it is within `most`.
fn growth(running: &mut Running, warm_up: usize, cycles: usize, most: f64, mut cycle: impl FnMut(&mut Running, usize)) -> f64 {
    for n in 0..warm_up {
        cycle(running, n);
    }
    running.forget();
    let before = heap::in_use();
    for n in warm_up..warm_up + cycles {
        cycle(running, n);
    }
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(15);
    loop {
        running.forget();
        let kept = (heap::in_use() as f64 - before as f64) / cycles as f64;
        if kept < most || std::time::Instant::now() > deadline {
            return kept;
        }
    }
}

/// Hazard 27 and every leak of ours: bytes kept per message, conversation and sign-on.
fn nothing_grows(running: &mut Running, prosody: &Prosody) {
    let password = prosody.password("ines");
    running.send(1, add(31, xmpp(prosody, "ines", &password)));
    running.stands(31, AccountState::Online);
    let mut peer = XmppPeer::connect(prosody, "noor");
    let text = "a line of ordinary length, as people write them to each other all day long";
    let conversation = opened(running, open(31, &prosody.jid("noor")));
    let jid = prosody.jid("ines");
    let per_message = growth(running, 200, 1000, 16.0, |running, _| {
        running.run(1, say(conversation, text)).unwrap();
        peer.say(&jid, text);
        running.wait("the message", |event| matches!(&event.kind, EventKind::MessageAdded { message, .. } if !message.from.own));
        peer.hears(text);
        peer.received();
    });
    let per_conversation = growth(running, 30, 200, 64.0, |running, n| {
        let id = opened(running, open(31, &format!("someone{}@localhost", n % 3)));
        running.run(1, CommandKind::CloseConversation(id)).unwrap();
    });
    running.remove(1, 31);
    let per_sign_on = growth(running, 20, 60, 512.0, |running, _| {
        running.send(1, add(32, xmpp(prosody, "ines", &password)));
        running.stands(32, AccountState::Online);
        running.remove(1, 32);
    });
    // libjabber keeps some kilobytes of each room until its connection ends, so the connection is part of the cycle.
    drop(peer);
    let per_room = growth(running, 5, 30, 1024.0, |running, _| {
        running.send(1, add(33, xmpp(prosody, "ines", &password)));
        running.stands(33, AccountState::Online);
        let id = opened(running, join(33, prosody, "attic"));
        running.run(1, CommandKind::CloseConversation(id)).unwrap();
        running.remove(1, 33);
    });
    println!("kept per message {per_message:.1} B, conversation {per_conversation:.1} B, room {per_room:.1} B, sign-on {per_sign_on:.1} B");
    assert!(per_message < 16.0, "{per_message} bytes stay of each message");
    assert!(per_conversation < 64.0, "{per_conversation} bytes stay of each conversation");
    assert!(per_room < 1024.0, "{per_room} bytes stay of each room");
    assert!(per_sign_on < 512.0, "{per_sign_on} bytes stay of each sign-on");
}

#[test]
fn accounts_end_in_every_state() {
    alone("accounts_end_in_every_state", || {
        let mut running = Running::with(Running::config());
        let mut prosody = Prosody::with_users(["ines", "noor"]);
        ends_in_every_state(&mut running, &mut prosody);
        same_account_twice(&mut running, &prosody);
    });
}

#[test]
fn nothing_grows_with_use() {
    alone("nothing_grows_with_use", || {
        let mut running = Running::with(Running::config());
        nothing_grows(&mut running, &Prosody::with_users(["ines", "noor"]));
    });
}
