//! Tests the ends of transfers within their account's life: by their user at each stage, by the last byte, by time.

use super::super::patience::{self, Limits};
use super::*;

/// Ends of transfers that were told.
fn ends(core: &mut Core) -> Vec<String> {
    let ends = core.events().into_iter().filter_map(|(_, kind)| match kind {
        EventKind::TransferClosed { state, .. } => Some(state),
        _ => None,
    });
    ends.collect()
}

/// Libjabber would use the freed transfer when the answer comes: valgrind sees that.
#[test]
fn a_file_that_is_cancelled_before_its_offer_is_never_offered() {
    with_servers("purple::transfer::tests::ends::a_file_that_is_cancelled_before_its_offer_is_never_offered", |core| {
        let prosody = Prosody::with_users(["ines", "noor"]);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        xmpp(core, &prosody, 10);
        send_to(core, 10, peer.jid(), 1);
        let asked = heard(core, |time| peer.next_within(time), asks_features);
        cancel(core.token, UserId(1), only(10)).unwrap();
        assert_eq!(ends(core), ["cancelled"]);
        assert_eq!(of(10), []);
        // Answered twice: libjabber still waits for what it did not get.
        for _ in 0..2 {
            tell_features(&mut peer, &asked, &[SI, FILE, IBB]);
        }
        is_through(core, &mut peer);
        assert!(ends(core).is_empty(), "its end was told");
        assert_eq!(of(10), []);
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}

#[test]
fn a_question_about_a_transfer_ends_with_it() {
    with_servers("purple::transfer::tests::ends::a_question_about_a_transfer_ends_with_it", |core| {
        let prosody = Prosody::builder().users(["ines", "noor"]).friends("ines", "noor", "Friends").start();
        xmpp(core, &prosody, 10);
        let mut peers = ["desk", "phone"].map(|resource| XmppPeer::connect_as(&prosody, "noor", resource));
        // A device's ping comes after its presence: the answer shows that the account has handled both.
        for peer in &mut peers {
            peer.send("<iq type='get' id='there' to='ines@localhost/home'><ping xmlns='urn:xmpp:ping'/></iq>");
            heard(core, |time| peer.next_within(time), |stanza| stanza.is("id", "there"));
        }
        core.events();
        send_to(core, 10, "noor@localhost", 1);
        let asked = core.events().into_iter().find_map(|(_, kind)| match kind {
            EventKind::RequestOpened(request) => Some(request.id),
            _ => None,
        });
        let asked = asked.expect("the question to which device it goes");
        cancel(core.token, UserId(1), only(10)).unwrap();
        none_is_left(core, 10);
        let told = core.events();
        assert!(told.iter().any(|(_, kind)| *kind == EventKind::RequestClosed { request: asked }), "{told:?}");
        drop(peers);
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}

/// Libjabber goes on using the session of a file that the call has ended: valgrind sees that.
#[test]
fn a_file_in_one_block_ends_after_libjabber_has_counted_it() {
    with_servers("purple::transfer::tests::ends::a_file_in_one_block_ends_after_libjabber_has_counted_it", |core| {
        let prosody = Prosody::with_users(["ines", "noor"]);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        xmpp(core, &prosody, 10);
        for (sid, size, end) in [("whole", 5, "done"), ("more", 3, "failed")] {
            offer(core, &mut peer, 10, sid, size);
            let id = only(10);
            accept(core.token, UserId(1), id).unwrap();
            take(core.token, UserId(1), id, 1000).unwrap();
            peer.send(&format!(
                "<iq type='set' id='open' to='ines@localhost/home'><open xmlns='{IBB}' sid='{sid}' block-size='4096'/></iq>\
                 <iq type='set' id='data' to='ines@localhost/home'><data xmlns='{IBB}' sid='{sid}' seq='0'>aGVsbG8=</data></iq>"
            ));
            none_is_left(core, 10);
            heard(core, |time| peer.next_within(time), |stanza| stanza.is("id", "data") && stanza.is("type", "result"));
            let told = core.events();
            let bytes = told.iter().any(|(_, kind)| matches!(kind, EventKind::TransferBytes(piece) if piece.bytes == b"hello"));
            assert_eq!(bytes, end == "done", "{told:?}");
            assert!(told.iter().any(|(_, kind)| *kind == EventKind::TransferClosed { transfer: id, state: end.to_owned() }), "{told:?}");
        }
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}

/// Limits in milliseconds; a whole file whose sender does not end the connection gets 50.
fn limits(offered: u64, unfetched: u64, stalled: u64) -> Limits {
    Limits {
        offered: Duration::from_millis(offered),
        unfetched: Duration::from_millis(unfetched),
        stalled: Duration::from_millis(stalled),
        unended: Duration::from_millis(50),
    }
}

const LONG: u64 = 3_600_000;

/// Puts the timer of a transfer, which must be there, under other limits, and returns how the transfer ends.
fn hurried(core: &mut Core, id: TransferId, hurry: Limits) -> String {
    assert_eq!(change(id, |open| open.watch.is_some()), Some(true), "nothing ends it");
    patience::set(hurry);
    patience::watch(core.token, id);
    let end = how_it_ends(core, id);
    patience::set(limits(LONG, LONG, LONG));
    end
}

#[test]
fn what_comes_no_further_ends() {
    with_servers("purple::transfer::tests::ends::what_comes_no_further_ends", |core| {
        let prosody = Prosody::with_users(["ines", "noor", "omar"]);
        let [mut peer, mut other] = ["noor", "omar"].map(|name| XmppPeer::connect(&prosody, name));
        xmpp(core, &prosody, 10);
        patience::set(limits(LONG, LONG, LONG));
        // Offers that nobody answers, either way.
        offer(core, &mut peer, 10, "never", 1000);
        let id = only(10);
        assert_eq!(hurried(core, id, limits(50, LONG, LONG)), "failed");
        heard(core, |time| peer.next_within(time), |stanza| stanza.is("id", "offer") && stanza.is("type", "error"));
        none_is_left(core, 10);
        sent_over_xmpp(core, &mut peer, 10, false);
        let id = only(10);
        assert_eq!(hurried(core, id, limits(50, LONG, LONG)), "failed");
        none_is_left(core, 10);
        // Accepted, and no browser comes.
        offer(core, &mut peer, 10, "unfetched", 5);
        let id = only(10);
        accept(core.token, UserId(1), id).unwrap();
        assert_eq!(hurried(core, id, limits(LONG, 50, LONG)), "failed");
        none_is_left(core, 10);
        // The browser that fetched some of it is gone, and the rest of the file is there.
        offer(core, &mut peer, 10, "half", 5);
        let id = only(10);
        accept(core.token, UserId(1), id).unwrap();
        open_stream(&mut peer, "half", "4096");
        send_block(&mut peer, "half", 0, "aGVsbG8=");
        take(core.token, UserId(1), id, 2).unwrap();
        none_is_left(core, 10);
        assert!(ends(core).is_empty(), "its end was told before its last byte");
        assert_eq!(hurried(core, id, limits(LONG, LONG, 50)), "failed");
        // The other side takes the file, and then nothing.
        sent_over_xmpp(core, &mut other, 10, true);
        let id = only(10);
        assert_eq!(hurried(core, id, limits(LONG, LONG, 50)), "failed");
        none_is_left(core, 10);
        assert_eq!(count(AccountId(10)), 0);
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}

/// Progress that a protocol reports after the last byte does not put off the end, though the sender leaves the connection open.
#[test]
fn a_whole_file_ends_whatever_comes_after_it() {
    with_servers("purple::transfer::tests::ends::a_whole_file_ends_whatever_comes_after_it", |core| {
        let prosody = Prosody::with_users(["ines", "noor"]);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        xmpp(core, &prosody, 10);
        patience::set(limits(LONG, LONG, LONG));
        let transfer = offer(core, &mut peer, 10, "whole", 5);
        let id = only(10);
        accept(core.token, UserId(1), id).unwrap();
        take(core.token, UserId(1), id, 1000).unwrap();
        // SAFETY: an open transfer, which a protocol may write to as a whole.
        unsafe { purple_sys::purple_xfer_write_file(transfer, b"hello".as_ptr(), 5) };
        core.turn_until(|| {
            if is_open(transfer) {
                // SAFETY: an open transfer.
                unsafe { purple_sys::purple_xfer_update_progress(transfer) };
            }
            !is_open(transfer)
        });
        assert_eq!(how_it_ends(core, id), "done");
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}
