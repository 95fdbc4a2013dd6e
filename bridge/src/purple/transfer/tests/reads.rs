//! How the bytes of incoming files come: none at first, more than was offered, in pieces.

use super::*;

/// Runs libpurple until these bytes of a file were told, in pieces of any size; fails when others are, or when it ends before.
fn comes(core: &mut Core, id: TransferId, wanted: &[u8]) {
    let mut come = Vec::new();
    told(core, |kind| {
        match kind {
            EventKind::TransferBytes(piece) if piece.transfer == id => come.extend(piece.bytes),
            EventKind::TransferClosed { transfer, state } if transfer == id => assert_eq!((come.as_slice(), &*state), (wanted, "done")),
            _ => {}
        }
        (come.len() >= wanted.len()).then_some(())
    });
    assert_eq!(come, wanted);
}

#[test]
fn a_block_without_bytes_is_followed_by_others() {
    with_servers("purple::transfer::tests::reads::a_block_without_bytes_is_followed_by_others", |core| {
        let prosody = Prosody::with_users(["ines", "noor"]);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        xmpp(core, &prosody, 10);
        offer(core, &mut peer, 10, "one", 10);
        let id = only(10);
        accept(core.token, UserId(1), id).unwrap();
        take(core.token, UserId(1), id, 1000).unwrap();
        open_stream(&mut peer, "one", "4096");
        for (seq, block) in [" ", "aGVsbG8=", " ", "aGVsbG8="].into_iter().enumerate() {
            send_block(&mut peer, "one", u32::try_from(seq).unwrap(), block);
            let answer = heard(core, |time| peer.next_within(time), |stanza| stanza.is("id", "data"));
            assert!(answer.is("type", "result"), "{answer:?}");
        }
        comes(core, id, b"hellohello");
        none_is_left(core, 10);
        // Nothing, for ever.
        offer(core, &mut peer, 10, "none", 10);
        let id = only(10);
        accept(core.token, UserId(1), id).unwrap();
        take(core.token, UserId(1), id, 1000).unwrap();
        open_stream(&mut peer, "none", "4096");
        let refused = (0..300).find(|seq| {
            send_block(&mut peer, "none", *seq, " ");
            heard(core, |time| peer.next_within(time), |stanza| stanza.is("id", "data")).is("type", "error")
        });
        assert!(refused.is_some(), "it goes on for ever");
        assert_eq!(how_it_ends(core, id), "failed");
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}

/// Two blocks that fit one by one, and not together: libjabber counts only what was fetched.
#[test]
fn more_than_was_offered_is_not_told() {
    with_servers("purple::transfer::tests::reads::more_than_was_offered_is_not_told", |core| {
        let prosody = Prosody::with_users(["ines", "noor"]);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        xmpp(core, &prosody, 10);
        let transfer = offer(core, &mut peer, 10, "one", 8);
        let id = only(10);
        accept(core.token, UserId(1), id).unwrap();
        take(core.token, UserId(1), id, 1000).unwrap();
        open_stream(&mut peer, "one", "4096");
        core.turn_until(|| started(transfer));
        core.events();
        // Both come before either is fetched.
        let block = |seq| {
            let data = format!("<data xmlns='{IBB}' sid='one' seq='{seq}'>aGVsbG8=</data>");
            format!("<iq type='set' id='data' to='ines@localhost/home'>{data}</iq>")
        };
        peer.send(&[block(0), block(1)].concat());
        let mut come = 0;
        let end = told(core, |kind| match kind {
            EventKind::TransferBytes(piece) => {
                come += piece.bytes.len();
                None
            }
            EventKind::TransferClosed { state, .. } => Some(state),
            _ => None,
        });
        assert_eq!(end, "failed");
        assert!(come <= 8, "{come} bytes of 8 were told");
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}

fn started(transfer: *mut PurpleXfer) -> bool {
    at(transfer).and_then(|id| change(id, |open| open.started)) == Some(true)
}

/// The head of a server's answer brings no byte of the file.
#[test]
fn the_file_of_a_link_comes_after_its_head() {
    with_servers("purple::transfer::tests::reads::the_file_of_a_link_comes_after_its_head", |core| {
        let prosody = Prosody::with_users(["ines", "noor"]);
        let mut peer = XmppPeer::connect(&prosody, "noor");
        xmpp(core, &prosody, 10);
        for whole in [true, false] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            peer.send(&format!(
                "<iq type='set' id='oob' to='ines@localhost/home'><query xmlns='jabber:iq:oob'><url>http://{}/b.txt</url></query></iq>",
                listener.local_addr().unwrap()
            ));
            let transfer = transfers(core, 10, 1);
            let id = only(10);
            accept(core.token, UserId(1), id).unwrap();
            take(core.token, UserId(1), id, 1000).unwrap();
            let mut server = None;
            core.turn_until(|| {
                server = server.take().or_else(|| listener.accept().ok());
                server.is_some()
            });
            let mut server = server.unwrap().0;
            core.turn_until(|| started(transfer));
            if whole {
                server.write_all(b"HTTP/1.1 200 OK\r\nContent-").unwrap();
                server.flush().unwrap();
                core.turn_until(|| change(id, |open| open.empty_reads) > Some(0));
                server.write_all(b"Length: 5\r\n\r\n").unwrap();
                // SAFETY: an open transfer. Libjabber reads it by itself up to the end of the head.
                core.turn_until(|| unsafe { (*transfer).ops.read.is_none() });
                server.write_all(b"hello").unwrap();
                comes(core, id, b"hello");
            } else {
                // The server closes the connection before it has sent a head.
                drop(server);
                assert_eq!(how_it_ends(core, id), "failed");
            }
            none_is_left(core, 10);
        }
        teardown::remove(core.token, UserId(1), AccountId(10)).unwrap();
        nothing_is_left(core, 10);
    });
}
