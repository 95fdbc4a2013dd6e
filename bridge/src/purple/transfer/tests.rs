//! Transfers of every kind, in every state that an account can end in: offered to it, offered by it, running; over XMPP and IRC, on real servers.
//! `ends.rs` has what ends a transfer within its account's life, `hostile.rs` what a contact may try, `reads.rs` how bytes come.

mod ends;
mod hostile;
mod reads;

use super::*;
use crate::command::{AccountSettings, Secret};
use crate::event::Outcome;
use crate::id::UserId;
use crate::model::Piece;
use crate::model::Value;
use crate::purple::connection::Phase;
use crate::purple::conversation::Ended;
use crate::purple::testing::{Core, settings, with_servers, with_servers_alone};
use crate::purple::{ffi, teardown};
use std::io::Write;
use std::time::{Duration, Instant};
use support::{Element, IrcPeer, Ngircd, Prosody, XmppPeer};

const SI: &str = "http://jabber.org/protocol/si";
const IBB: &str = "http://jabber.org/protocol/ibb";
const FILE: &str = "http://jabber.org/protocol/si/profile/file-transfer";
const NEG: &str = "http://jabber.org/protocol/feature-neg";

type PurpleXferPointer = *mut PurpleXfer;

fn online(core: &mut Core, id: u64, protocol: &str, name: &str, options: &[(&str, Value)]) -> *mut purple_sys::PurpleAccount {
    let options = options.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    // An ngircd that asks for none takes none.
    let password = (protocol == "prpl-jabber").then(|| Secret::new("secret-ines".to_owned()));
    let account = core.add(1, id, AccountSettings { options, password, enabled: true, ..settings(protocol, name) });
    let token = core.token;
    let is_online = || accounts::read(token, AccountId(id), |entry| matches!(entry.sign_on.phase, Phase::Online { .. }));
    core.turn_until(|| is_online() == Some(true));
    core.turns();
    account
}

fn xmpp(core: &mut Core, prosody: &Prosody, id: u64) -> *mut purple_sys::PurpleAccount {
    let text = |text: &str| Value::Text(text.to_owned());
    let options = [
        ("connect_server", text("127.0.0.1")),
        ("port", Value::Int(prosody.port().into())),
        ("connection_security", text("opportunistic_tls")),
        ("auth_plain_in_clear", Value::Bool(true)),
    ];
    online(core, id, "prpl-jabber", "ines@localhost/home", &options)
}

fn irc(core: &mut Core, server: &Ngircd, id: u64) -> *mut purple_sys::PurpleAccount {
    online(core, id, "prpl-irc", "ines@127.0.0.1", &[("port", Value::Int(server.port().into()))])
}

fn of(account: u64) -> Vec<*mut PurpleXfer> {
    // SAFETY: libpurple's own list, the newest first.
    let all = unsafe { ffi::list::<PurpleXfer>(purple_sys::purple_xfers_get_all()) };
    let is_theirs = |xfer: PurpleXferPointer| {
        OPEN.with_borrow(|open| open.values().any(|known| known.xfer == xfer && known.account == AccountId(account)))
    };
    all.into_iter().rev().filter(|xfer| is_theirs(*xfer)).collect()
}

/// Runs libpurple until the account has so many transfers; the newest of them.
fn transfers(core: &Core, account: u64, count: usize) -> *mut PurpleXfer {
    core.turn_until(|| of(account).len() == count);
    of(account)[count - 1]
}

/// Runs libpurple until bytes went through.
fn runs(core: &Core, transfer: *mut PurpleXfer) {
    // SAFETY: an open transfer.
    core.turn_until(|| unsafe { (*transfer).bytes_sent > 0 });
    assert!(is_open(transfer));
}

/// Offers a file of 100 000 bytes to somebody.
fn send_to(core: &Core, account: u64, to: &str, count: usize) -> *mut PurpleXfer {
    offers(core, account, to, 100_000).unwrap();
    transfers(core, account, count)
}

/// Offers a file to somebody.
fn offers(core: &Core, account: u64, to: &str, size: u64) -> Result<TransferId, CommandError> {
    let opened = crate::purple::conversation::open(core.token, UserId(1), AccountId(account), to, false).unwrap();
    let Ended::Now(Some(Outcome::Conversation(conversation))) = opened else { panic!("no conversation") };
    send(core.token, UserId(1), conversation, "sent.txt", size)
}

/// Runs libpurple until it wants all bytes of a file, gives them, and runs it until some went.
fn feeds(core: &mut Core, transfer: *mut PurpleXfer) {
    assert_eq!(feeds_what_is_wanted(core), 100_000);
    runs(core, transfer);
}

/// Runs libpurple until it wants bytes of a file, and gives them.
fn feeds_what_is_wanted(core: &mut Core) -> u32 {
    let token = core.token;
    let (transfer, bytes) = told(core, |kind| match kind {
        EventKind::TransferWanted { transfer, bytes } => Some((transfer, bytes)),
        _ => None,
    });
    feed(token, UserId(1), Piece { transfer, bytes: vec![b'x'; bytes as usize] }).unwrap();
    bytes
}

/// Runs libpurple until something was told; what came before it is dropped.
fn told<T>(core: &mut Core, mut wanted: impl FnMut(EventKind) -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        core.turns();
        if let Some(found) = core.events().into_iter().find_map(|(_, kind)| wanted(kind)) {
            return found;
        }
        let open = || OPEN.with_borrow(|open| open.values().map(state).collect::<Vec<_>>());
        assert!(Instant::now() < end, "it was not told; there are {:?}", open());
        std::thread::yield_now();
    }
}

/// Runs libpurple until the end of a transfer is told.
fn how_it_ends(core: &mut Core, id: TransferId) -> String {
    told(core, |kind| match kind {
        EventKind::TransferClosed { transfer, state } if transfer == id => Some(state),
        _ => None,
    })
}

/// What one side hears while libpurple runs.
fn heard<T>(core: &Core, mut next: impl FnMut(Duration) -> Option<T>, wanted: impl Fn(&T) -> bool) -> T {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        core.turns();
        if let Some(found) = next(Duration::from_millis(5)).filter(&wanted) {
            return found;
        }
        assert!(Instant::now() < end, "it was not heard");
    }
}

fn is_get(stanza: &Element, child: &str) -> bool {
    stanza.name == "iq" && stanza.child(child).is_some() && !stanza.is("type", "result")
}

/// Whether a device is asked what it can do.
fn asks_features(stanza: &Element) -> bool {
    is_get(stanza, "query") && stanza.child("query").is_some_and(|query| query.is("xmlns", "http://jabber.org/protocol/disco#info"))
}

/// XMPP: a file is offered to the account by a stream, and another by a link.
fn offered_over_xmpp(core: &Core, peer: &mut XmppPeer, account: u64) -> *mut PurpleXfer {
    let before = of(account).len();
    let sid = format!("s{account}");
    peer.send(
        "<iq type='set' id='oob' to='ines@localhost/home'><query xmlns='jabber:iq:oob'><url>http://127.0.0.1:9/b.txt</url></query></iq>",
    );
    transfers(core, account, before + 1);
    offer(core, peer, account, &sid, 1000)
}

/// XMPP: a file is offered to the account by a stream, in-band.
fn offer(core: &Core, peer: &mut XmppPeer, account: u64, sid: &str, size: usize) -> *mut PurpleXfer {
    let before = of(account).len();
    peer.send(&format!(
        "<iq type='set' id='offer' to='ines@localhost/home'><si xmlns='{SI}' id='{sid}' profile='{FILE}'>\
         <file xmlns='{FILE}' name='a.txt' size='{size}'/><feature xmlns='{NEG}'><x xmlns='jabber:x:data' type='form'>\
         <field var='stream-method' type='list-single'><option><value>{IBB}</value></option></field></x></feature></si></iq>"
    ));
    transfers(core, account, before + 1)
}

/// XMPP: the peer opens the stream of its offer with blocks of a size.
fn open_stream(peer: &mut XmppPeer, sid: &str, block: &str) {
    peer.send(&format!("<iq type='set' id='open' to='ines@localhost/home'><open xmlns='{IBB}' sid='{sid}' block-size='{block}'/></iq>"));
}

/// XMPP: the peer sends a block of the file, in base64.
fn send_block(peer: &mut XmppPeer, sid: &str, seq: u32, base64: &str) {
    peer.send(&format!(
        "<iq type='set' id='data' to='ines@localhost/home'><data xmlns='{IBB}' sid='{sid}' seq='{seq}'>{base64}</data></iq>"
    ));
}

/// XMPP: the peer tells what it can do, as it was asked to.
fn tell_features(peer: &mut XmppPeer, asked: &Element, features: &[&str]) {
    let features: String = features.iter().map(|feature| format!("<feature var='{feature}'/>")).collect();
    peer.send(&format!(
        "<iq type='result' id='{}' to='ines@localhost/home'><query xmlns='http://jabber.org/protocol/disco#info'>\
         <identity category='client' type='pc'/>{features}</query></iq>",
        asked.attr("id").unwrap()
    ));
}

/// XMPP: the peer takes a file that it is offered, by one of these ways.
fn take_offer(peer: &mut XmppPeer, offered: &Element, way: &str) {
    peer.send(&format!(
        "<iq type='result' id='{}' to='ines@localhost/home'><si xmlns='{SI}'><feature xmlns='{NEG}'><x xmlns='jabber:x:data' type='submit'>\
         <field var='stream-method'><value>{way}</value></field></x></feature></si></iq>",
        offered.attr("id").unwrap()
    ));
}

/// Libpurple has handled all that the peer sent before.
fn is_through(core: &Core, peer: &mut XmppPeer) {
    peer.send("<iq type='get' id='through' to='ines@localhost/home'><ping xmlns='urn:xmpp:ping'/></iq>");
    heard(core, |time| peer.next_within(time), |stanza| stanza.is("id", "through"));
}

/// The same, and the one by a stream is taken and under way.
fn taken_over_xmpp(core: &Core, peer: &mut XmppPeer, account: u64) {
    let transfer = offered_over_xmpp(core, peer, account);
    accept(core.token, UserId(1), at(transfer).unwrap()).unwrap();
    peer.send(&format!(
        "<iq type='set' id='open' to='ines@localhost/home'><open xmlns='{IBB}' sid='s{account}' block-size='4096'/></iq>\
         <iq type='set' id='data' to='ines@localhost/home'><data xmlns='{IBB}' sid='s{account}' seq='0'>aGVsbG8=</data></iq>"
    ));
    runs(core, transfer);
}

/// XMPP: the account offers a file; the peer is asked what it can do, then offered it, then takes it.
fn sent_over_xmpp(core: &mut Core, peer: &mut XmppPeer, account: u64, take: bool) {
    let before = of(account).len();
    let transfer = send_to(core, account, peer.jid(), before + 1);
    let asked = heard(core, |time| peer.next_within(time), asks_features);
    tell_features(peer, &asked, &[SI, FILE, IBB]);
    let offered = heard(core, |time| peer.next_within(time), |stanza| is_get(stanza, "si"));
    if !take {
        return;
    }
    take_offer(peer, &offered, IBB);
    let opened = heard(core, |time| peer.next_within(time), |stanza| is_get(stanza, "open"));
    peer.send(&format!("<iq type='result' id='{}' to='ines@localhost/home'/>", opened.attr("id").unwrap()));
    feeds(core, transfer);
}

/// IRC: a file is offered to the account from this port.
fn offered_over_irc(core: &Core, peer: &mut IrcPeer, account: u64, port: u16) -> *mut PurpleXfer {
    let before = of(account).len();
    peer.say("ines", &format!("\u{1}DCC SEND a.txt 2130706433 {port} 1000\u{1}"));
    transfers(core, account, before + 1)
}

/// The same, and taken: it runs.
fn taken_over_irc(core: &Core, peer: &mut IrcPeer, account: u64) -> std::net::TcpStream {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let transfer = offered_over_irc(core, peer, account, listener.local_addr().unwrap().port());
    accept(core.token, UserId(1), at(transfer).unwrap()).unwrap();
    let mut sender = None;
    core.turn_until(|| {
        sender = sender.take().or_else(|| listener.accept().ok());
        sender.is_some()
    });
    let mut sender = sender.unwrap().0;
    sender.write_all(b"hello").unwrap();
    runs(core, transfer);
    sender
}

/// IRC: the account offers a file, and the peer fetches some of it.
fn sent_over_irc(core: &mut Core, peer: &mut IrcPeer, account: u64, take: bool) -> Option<std::net::TcpStream> {
    let before = of(account).len();
    let transfer = send_to(core, account, peer.nick(), before + 1);
    let offer = heard(core, |time| peer.next_within(time), |line| line.params.get(1).is_some_and(|text| text.contains("DCC SEND")));
    if !take {
        return None;
    }
    let port = offer.params[1].split_ascii_whitespace().nth(4).unwrap().parse().unwrap();
    let fetching = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    feeds(core, transfer);
    Some(fetching)
}

/// Nothing of libpurple's names the account, and accounts that come to lie where it lay end well.
fn nothing_is_left(core: &mut Core, account: u64) {
    assert_eq!(of(account), []);
    // SAFETY: libpurple's own list.
    assert!(unsafe { purple_sys::purple_xfers_get_all() }.is_null(), "a transfer outlived its account");
    for again in 0..8 {
        core.account(1, 900 + again);
    }
    core.turns();
    for again in 0..8 {
        teardown::remove(core.token, UserId(1), AccountId(900 + again)).unwrap();
    }
}

#[test]
fn transfers_of_xmpp_end_with_their_account() {
    with_servers("purple::transfer::tests::transfers_of_xmpp_end_with_their_account", |core| {
        let mut prosody = Prosody::with_users(["ines", "noor"]);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        for (account, take) in [(10, false), (11, true)] {
            xmpp(core, &prosody, account);
            if take {
                taken_over_xmpp(core, &mut peer, account);
            } else {
                offered_over_xmpp(core, &mut peer, account);
            }
            sent_over_xmpp(core, &mut peer, account, take);
            assert_eq!(of(account).len(), 3);
            teardown::remove(core.token, UserId(1), AccountId(account)).unwrap();
            nothing_is_left(core, account);
        }
        // The connection goes first.
        xmpp(core, &prosody, 12);
        taken_over_xmpp(core, &mut peer, 12);
        prosody.kill();
        core.turn_until(|| of(12).is_empty());
        core.turn_until(|| {
            accounts::read(core.token, AccountId(12), |entry| matches!(entry.sign_on.phase, Phase::Waiting { .. })) == Some(true)
        });
        teardown::remove(core.token, UserId(1), AccountId(12)).unwrap();
        nothing_is_left(core, 12);
    });
}

#[test]
fn transfers_of_irc_end_with_their_account() {
    with_servers("purple::transfer::tests::transfers_of_irc_end_with_their_account", |core| {
        let mut server = Ngircd::builder().start();
        let mut peer = IrcPeer::connect(&server, "noor");
        for (account, take) in [(10, false), (11, true)] {
            irc(core, &server, account);
            let taken = take.then(|| taken_over_irc(core, &mut peer, account));
            if !take {
                offered_over_irc(core, &mut peer, account, 9);
            }
            let fetching = sent_over_irc(core, &mut peer, account, take);
            assert_eq!(of(account).len(), 2);
            teardown::remove(core.token, UserId(1), AccountId(account)).unwrap();
            nothing_is_left(core, account);
            drop((taken, fetching));
        }
        // Taken, and not connected yet.
        irc(core, &server, 13);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let transfer = offered_over_irc(core, &mut peer, 13, listener.local_addr().unwrap().port());
        accept(core.token, UserId(1), at(transfer).unwrap()).unwrap();
        teardown::remove(core.token, UserId(1), AccountId(13)).unwrap();
        nothing_is_left(core, 13);
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "the connection of a transfer outlived it");
        irc(core, &server, 12);
        let taken = taken_over_irc(core, &mut peer, 12);
        server.kill();
        core.turn_until(|| of(12).is_empty());
        teardown::remove(core.token, UserId(1), AccountId(12)).unwrap();
        nothing_is_left(core, 12);
        drop(taken);
    });
}

#[test]
fn one_accounts_end_leaves_anothers_transfers_alone() {
    with_servers("purple::transfer::tests::one_accounts_end_leaves_anothers_transfers_alone", |core| {
        let prosody = Prosody::with_users(["ines", "noor"]);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        let server = Ngircd::builder().start();
        let mut sender = IrcPeer::connect(&server, "noor");
        xmpp(core, &prosody, 10);
        irc(core, &server, 11);
        offered_over_xmpp(core, &mut peer, 10);
        offered_over_irc(core, &mut sender, 11, 9);
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        assert_eq!((of(10).len(), of(11).len()), (0, 1));
        teardown::remove(core.token, UserId(1), AccountId(11)).unwrap();
        nothing_is_left(core, 11);
    });
}

fn only(account: u64) -> TransferId {
    OPEN.with_borrow(|open| open.iter().find(|(_, known)| known.account == AccountId(account)).map(|(id, _)| *id)).unwrap()
}

fn state(open: &Open) -> String {
    format!(
        "accepted {}, started {}, over {:?}, told {}, {} bytes, ready {}, pending {}, window {}, gone {}",
        open.accepted,
        open.started,
        open.over,
        open.told_end,
        open.bytes.len(),
        open.ready,
        open.pending,
        open.window,
        open.xfer.is_null()
    )
}

/// Runs libpurple until it has no transfer of the account, and nothing is held of one whose end was told.
fn none_is_left(core: &Core, account: u64) {
    let end = Instant::now() + Duration::from_secs(60);
    core.turn_until(|| {
        let left = || OPEN.with_borrow(|open| open.values().map(state).collect::<Vec<_>>());
        assert!(Instant::now() < end - Duration::from_secs(1), "{:?}", left());
        of(account).is_empty() && OPEN.with_borrow(|open| open.values().all(|known| known.account != AccountId(account) || !known.told_end))
    });
}
