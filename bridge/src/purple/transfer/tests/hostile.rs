//! Tests what a contact may try: streams that nobody has accepted, answers that come too late, ends in the middle of libjabber's work.
//! Valgrind sees uses of freed memory.

use super::*;
use std::os::fd::{AsRawFd, IntoRawFd};

const S5B: &str = "http://jabber.org/protocol/bytestreams";
const NOT_NOW: &str = "not-acceptable";

/// The peer hears that its stream is refused, and why.
fn refused(core: &Core, peer: &mut XmppPeer, id: &str) -> String {
    let answer = heard(core, |time| peer.next_within(time), |stanza| stanza.is("id", id) && stanza.name == "iq");
    assert!(answer.is("type", "error"), "{answer:?}");
    answer.child("error").unwrap().children[0].name.clone()
}

fn started(id: TransferId) -> bool {
    change(id, |open| open.started).unwrap()
}

#[test]
fn a_stream_begins_once_and_when_it_was_accepted() {
    with_servers("purple::transfer::tests::hostile::a_stream_begins_once_and_when_it_was_accepted", |core| {
        let prosody = Prosody::with_users(["ines", "noor"]);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        xmpp(core, &prosody, 10);
        offer(core, &mut peer, 10, "one", 10);
        let id = only(10);
        // A host that takes connections, and says nothing.
        let host = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let hosts = format!(
            "<iq type='set' id='hosts' to='ines@localhost/home'><query xmlns='{S5B}' sid='one'>\
             <streamhost jid='noor@localhost' host='127.0.0.1' port='{}'/></query></iq>",
            host.local_addr().unwrap().port()
        );
        open_stream(&mut peer, "one", "4096");
        assert_eq!(refused(core, &mut peer, "open"), NOT_NOW);
        peer.send(&hosts);
        assert_eq!(refused(core, &mut peer, "hosts"), NOT_NOW);
        // Libjabber does not look at what kind of stanza it is.
        peer.send(&format!("<iq type='result' id='odd' to='ines@localhost/home'><open xmlns='{IBB}' sid='one' block-size='4096'/></iq>"));
        is_through(core, &mut peer);
        assert!(!started(id));
        accept(core.token, UserId(1), id).unwrap();
        for block in ["-1", "0", "65536", "4294967295", "many", ""] {
            open_stream(&mut peer, "one", block);
            assert_eq!(refused(core, &mut peer, "open"), NOT_NOW, "blocks of {block:?}");
        }
        open_stream(&mut peer, "other", "4096");
        assert_eq!(refused(core, &mut peer, "open"), "item-not-found");
        // No second way while the first is tried.
        peer.send(&hosts);
        peer.send(&hosts.replace("'hosts'", "'again'"));
        assert_eq!(refused(core, &mut peer, "again"), NOT_NOW);
        open_stream(&mut peer, "one", "4096");
        assert_eq!(refused(core, &mut peer, "open"), NOT_NOW);
        drop(host);
        assert_eq!(refused(core, &mut peer, "hosts"), "item-not-found");
        take(core.token, UserId(1), id, 1000).unwrap();
        open_stream(&mut peer, "one", "4096");
        heard(core, |time| peer.next_within(time), |stanza| stanza.is("id", "open") && stanza.is("type", "result"));
        open_stream(&mut peer, "one", "4096");
        assert_eq!(refused(core, &mut peer, "open"), NOT_NOW);
        peer.send(&format!("<iq type='set' id='none' to='ines@localhost/home'><data xmlns='{IBB}' sid='one' seq='0'/></iq>"));
        assert_eq!(refused(core, &mut peer, "none"), "bad-request");
        for seq in 0..2 {
            send_block(&mut peer, "one", seq, "aGVsbG8=");
        }
        assert_eq!(how_it_ends(core, id), "done");
        // A file that the account offers and nobody has taken yet.
        sent_over_xmpp(core, &mut peer, 10, false);
        let id = only(10);
        let sid = change(id, |open| open.stream.as_ref().map(|stream| stream.sid().to_owned())).flatten().unwrap();
        open_stream(&mut peer, &sid, "4096");
        assert_eq!(refused(core, &mut peer, "open"), NOT_NOW);
        assert!(!started(id));
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}

/// A transfer that starts before its user has accepted it ends, whatever the protocol: the test starts it as a plugin would.
#[test]
fn what_was_not_accepted_ends_when_it_starts() {
    with_servers("purple::transfer::tests::hostile::what_was_not_accepted_ends_when_it_starts", |core| {
        let prosody = Prosody::with_users(["ines", "noor"]);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        xmpp(core, &prosody, 10);
        let transfer = offer(core, &mut peer, 10, "one", 10);
        let id = only(10);
        core.events();
        // SAFETY: an open transfer.
        unsafe { purple_sys::purple_xfer_start(transfer, -1, std::ptr::null(), 0) };
        let end = told(core, |kind| match kind {
            EventKind::TransferProgress(shown) => Some(format!("reported: {}", shown.state)),
            EventKind::TransferClosed { transfer, state } if transfer == id => Some(state),
            _ => None,
        });
        assert_eq!(end, "failed");
        none_is_left(core, 10);
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}

#[test]
fn an_answer_after_the_end_is_not_heard() {
    with_servers_alone("purple::transfer::tests::hostile::an_answer_after_the_end_is_not_heard", |core| {
        let prosody = Prosody::with_users(["ines", "noor", "omar"]);
        xmpp(core, &prosody, 10);
        for (by_peer, name) in [(true, "noor"), (false, "omar")] {
            let mut peer = XmppPeer::connect(&prosody, name);
            sent_over_xmpp_until_it_opens(core, &mut peer, 10, &[SI, FILE, IBB], IBB);
            let id = only(10);
            let opened = heard(core, |time| peer.next_within(time), |stanza| is_get(stanza, "open"));
            if by_peer {
                let sid = opened.child("open").unwrap().attr("sid").unwrap();
                peer.send(&format!("<iq type='set' id='close' to='ines@localhost/home'><close xmlns='{IBB}' sid='{sid}'/></iq>"));
                assert_eq!(how_it_ends(core, id), "cancelled");
            } else {
                cancel(core.token, UserId(1), id).unwrap();
            }
            none_is_left(core, 10);
            for kind in ["result", "error"] {
                peer.send(&format!("<iq type='{kind}' id='{}' to='ines@localhost/home'/>", opened.attr("id").unwrap()));
            }
            is_through(core, &mut peer);
        }
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}

/// The account offers a file, and the peer takes it.
fn sent_over_xmpp_until_it_opens(core: &Core, peer: &mut XmppPeer, account: u64, features: &[&str], way: &str) {
    send_to(core, account, peer.jid(), of(account).len() + 1);
    let asked = heard(core, |time| peer.next_within(time), asks_features);
    tell_features(peer, &asked, features);
    let offered = heard(core, |time| peer.next_within(time), |stanza| is_get(stanza, "si"));
    take_offer(peer, &offered, way);
}

/// Libjabber goes on with what it has cancelled itself.
#[test]
fn a_contact_without_a_way_ends_a_file() {
    with_servers_alone("purple::transfer::tests::hostile::a_contact_without_a_way_ends_a_file", |core| {
        let prosody = Prosody::with_users(["ines", "noor"]);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        xmpp(core, &prosody, 10);
        sent_over_xmpp_until_it_opens(core, &mut peer, 10, &[SI, FILE, S5B], S5B);
        let id = only(10);
        assert_eq!(how_it_ends(core, id), "failed");
        none_is_left(core, 10);
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}

/// A descriptor that cannot be written to.
fn broken() -> i32 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.shutdown(std::net::Shutdown::Both).unwrap();
    stream.set_nonblocking(true).unwrap();
    stream.into_raw_fd()
}

#[test]
fn a_link_whose_connection_breaks_at_once_ends() {
    with_servers("purple::transfer::tests::hostile::a_link_whose_connection_breaks_at_once_ends", |core| {
        let prosody = Prosody::with_users(["ines", "noor"]);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        xmpp(core, &prosody, 10);
        peer.send(
            "<iq type='set' id='oob' to='ines@localhost/home'><query xmlns='jabber:iq:oob'><url>http://127.0.0.1:9/b.txt</url></query></iq>",
        );
        let transfer = transfers(core, 10, 1);
        let id = only(10);
        change(id, |open| open.accepted = true);
        // SAFETY: an open transfer, and a descriptor that is libpurple's from here on.
        unsafe { purple_sys::purple_xfer_start(transfer, broken(), std::ptr::null(), 0) };
        assert_eq!(how_it_ends(core, id), "failed");
        none_is_left(core, 10);
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}

/// Libpurple takes a first write that fails for the last one, and uses its data of a transfer after the end.
#[test]
fn a_file_whose_first_write_fails_is_not_done() {
    with_servers("purple::transfer::tests::hostile::a_file_whose_first_write_fails_is_not_done", |core| {
        let prosody = Prosody::with_users(["ines", "noor", "omar"]);
        xmpp(core, &prosody, 10);
        for (size, name) in [(1000, "noor"), (100_000, "omar")] {
            let peer = XmppPeer::connect(&prosody, name);
            let id = offers(core, 10, peer.jid(), size).unwrap();
            // SAFETY: an open transfer, and a descriptor that is libpurple's from here on.
            unsafe { purple_sys::purple_xfer_start(transfers(core, 10, 1), broken(), std::ptr::null(), 0) };
            assert_eq!(u64::from(feeds_what_is_wanted(core)), size);
            assert_eq!(how_it_ends(core, id), "failed", "{size} bytes");
            none_is_left(core, 10);
        }
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}

#[test]
fn a_receiver_that_says_too_soon_that_it_has_all_has_nothing() {
    with_servers("purple::transfer::tests::hostile::a_receiver_that_says_too_soon_that_it_has_all_has_nothing", |core| {
        let server = Ngircd::builder().start();
        let mut peer = IrcPeer::connect(&server, "noor");
        irc(core, &server, 10);
        let id = offers(core, 10, peer.nick(), 1 << 20).unwrap();
        let offer = heard(core, |time| peer.next_within(time), |line| line.params.get(1).is_some_and(|text| text.contains("DCC SEND")));
        let port: u16 = offer.params[1].split_ascii_whitespace().nth(4).unwrap().parse().unwrap();
        let mut fetching = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        fetching.write_all(&(1u32 << 20).to_be_bytes()).unwrap();
        assert_eq!(how_it_ends(core, id), "failed");
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}

/// Libjabber closes a connection, and libpurple closes its number once more.
#[test]
fn the_end_of_a_file_closes_nothing_of_others() {
    with_servers("purple::transfer::tests::hostile::the_end_of_a_file_closes_nothing_of_others", |core| {
        let prosody = Prosody::with_users(["ines", "noor"]);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        xmpp(core, &prosody, 10);
        sent_over_xmpp_until_it_opens(core, &mut peer, 10, &[SI, FILE, S5B], S5B);
        let transfer = of(10)[0];
        let hosts = heard(core, |time| peer.next_within(time), |stanza| is_get(stanza, "query"));
        let port: u16 = hosts.child("query").unwrap().child("streamhost").unwrap().attr("port").unwrap().parse().unwrap();
        let mut guest = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        // Not SOCKS5.
        guest.write_all(&[4, 1, 0]).unwrap();
        // Another descriptor takes the number as soon as it is free.
        let another = std::fs::File::open("/dev/null").unwrap();
        let (mut number, mut taken) = (-1, -1);
        core.turn_until(|| {
            // SAFETY: an open transfer; numbers of descriptors.
            unsafe {
                if is_open(transfer) && number == -1 {
                    number = (*transfer).fd;
                }
                if number != -1 && taken == -1 && libc::fcntl(number, libc::F_GETFD) == -1 {
                    taken = libc::fcntl(another.as_raw_fd(), libc::F_DUPFD, number);
                }
            }
            of(10).is_empty()
        });
        assert!(taken == number && taken != -1, "{taken}, {number}");
        // SAFETY: as above; nobody else uses it.
        assert_eq!(unsafe { libc::close(taken) }, 0, "it was closed");
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}

#[test]
fn two_files_to_one_contact_are_two() {
    with_servers("purple::transfer::tests::hostile::two_files_to_one_contact_are_two", |core| {
        // Of strangers libjabber takes one file at a time.
        let all = Prosody::builder().users(["ines", "noor", "omar"]);
        let prosody = all.friends("ines", "noor", "Friends").friends("ines", "omar", "Friends").start();
        xmpp(core, &prosody, 10);
        let [mut peer, mut other] = ["noor", "omar"].map(|name| XmppPeer::connect(&prosody, name));
        is_through(core, &mut peer);
        is_through(core, &mut other);
        let first = offers(core, 10, peer.jid(), 100_000).unwrap();
        let first_asked = heard(core, |time| peer.next_within(time), asks_features);
        let second = offers(core, 10, peer.jid(), 200_000).unwrap();
        let second_asked = heard(core, |time| peer.next_within(time), asks_features);
        tell_features(&mut peer, &second_asked, &[SI, FILE, IBB]);
        let offered = heard(core, |time| peer.next_within(time), |stanza| is_get(stanza, "si"));
        assert_eq!(offered.child("si").unwrap().child("file").unwrap().attr("size"), Some("200000"));
        cancel(core.token, UserId(1), first).unwrap();
        assert_eq!((only(10), of(10).len()), (second, 1));
        tell_features(&mut peer, &first_asked, &[SI, FILE, IBB]);
        is_through(core, &mut peer);
        assert_eq!((only(10), count(AccountId(10))), (second, 1));
        // Cancelled files count no more. Libjabber goes on waiting for an answer about each, and the number of those is limited.
        let refused = (0..300).find_map(|_| match offers(core, 10, other.jid(), 1000) {
            Ok(id) => {
                cancel(core.token, UserId(1), id).unwrap();
                assert_eq!(count(AccountId(10)), 1);
                None
            }
            Err(error) => Some(error.code),
        });
        assert_eq!(refused.as_deref(), Some("limit"));
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}
