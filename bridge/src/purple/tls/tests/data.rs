//! Data over TLS: all of it, in order, in both directions, however it comes.

use super::client::Client;
use super::peer::{BOTH, HOST, Shows, config, confirm, drain, pair, pattern, serve};
use super::{on_purple, turn_until};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;

const MEGABYTE: usize = 1 << 20;

/// Writes as protocols do: what is not taken is tried again later.
fn write_all(client: &Client, data: &[u8]) {
    let sent = std::cell::Cell::new(0);
    turn_until("writing", || {
        while sent.get() < data.len() {
            match client.write(&data[sent.get()..]) {
                Ok(count) => sent.set(sent.get() + count),
                Err(errno) => {
                    assert_eq!(errno, libc::EAGAIN);
                    return false;
                }
            }
        }
        true
    });
}

#[test]
fn a_megabyte_each_way() {
    on_purple(|site| {
        for version in BOTH {
            let (socket, server) = serve(&config(Shows::Good, version), |tls| {
                let mut got = vec![0; MEGABYTE];
                tls.read_exact(&mut got).unwrap();
                tls.write_all(&got).unwrap();
                drain(tls)
            });
            let client = Client::connect(socket, Some(HOST));
            client.wait_connected();
            write_all(&client, &pattern(MEGABYTE));
            client.wait_received(MEGABYTE);
            assert!(*client.received.borrow() == pattern(MEGABYTE));
            client.close();
            assert_eq!(server.join().unwrap(), b"");
        }
        assert!(site.asked.borrow().is_empty());
    });
}

#[test]
fn small_reads_get_everything_although_the_socket_is_silent() {
    on_purple(|_| {
        let (socket, server) = serve(&config(Shows::Good, BOTH[1]), |tls| {
            tls.write_all(&pattern(100_000)).unwrap();
            drain(tls)
        });
        let client = Client::prepared(socket, Some(HOST), |client| client.sips.set(Some(1000)));
        client.wait_received(100_000);
        assert!(*client.received.borrow() == pattern(100_000));
        client.close();
        server.join().unwrap();
    });
}

#[test]
fn what_comes_with_the_handshake_waits_for_the_listener() {
    on_purple(|_| {
        for version in BOTH {
            let (socket, server) = serve(&config(Shows::Good, version), |tls| {
                // With TLS 1.3 the server may speak before it has the client's Finished.
                tls.conn.writer().write_all(b"NOTICE").unwrap();
                tls.flush().unwrap();
                drain(tls)
            });
            let client = Client::prepared(socket, Some(HOST), |client| {
                client.listens.set(false);
                client.greeting.replace(b"hello".to_vec());
            });
            client.wait_connected();
            client.listen();
            client.wait_received(6);
            assert_eq!(*client.received.borrow(), b"NOTICE");
            client.close();
            assert_eq!(server.join().unwrap(), b"hello");
        }
    });
}

#[test]
fn what_the_socket_does_not_take_is_sent_later_by_itself() {
    on_purple(|_| {
        let (go, wait) = mpsc::channel();
        let (socket, server) = serve(&config(Shows::Good, BOTH[1]), move |tls| {
            tls.write_all(b"!").unwrap();
            wait.recv().unwrap();
            drain(tls)
        });
        let client = Client::connect(socket, Some(HOST));
        client.wait_received(1);
        let (mut taken, all) = (0, pattern(32 * MEGABYTE));
        loop {
            match client.write(&all[taken..]) {
                Ok(count) => taken += count,
                Err(errno) => {
                    assert_eq!(errno, libc::EAGAIN);
                    break;
                }
            }
        }
        assert!(taken > 0 && taken < all.len());
        // No write of the protocol's pushes it on; only the loop does.
        go.send(()).unwrap();
        let connection = super::super::all().pop().unwrap();
        turn_until("flushing", || connection.stream.borrow().as_ref().is_some_and(|stream| !stream.wants_write()));
        drop(connection);
        client.close();
        let got = server.join().unwrap();
        assert_eq!(got.len(), taken);
        assert!(got == all[..taken]);
    });
}

#[test]
fn a_flood_lets_the_loop_breathe() {
    on_purple(|_| {
        let (socket, server) = serve(&config(Shows::Good, BOTH[1]), |tls| {
            tls.write_all(&pattern(4 * MEGABYTE)).unwrap();
            drain(tls)
        });
        let client = Client::connect(socket, Some(HOST));
        client.wait_received(4 * MEGABYTE);
        assert!(*client.received.borrow() == pattern(4 * MEGABYTE));
        assert!(client.most.get() <= MEGABYTE / 4 + 4096, "{} bytes in one callback", client.most.get());
        client.close();
        server.join().unwrap();
    });
}

/// Passes bytes on one at a time.
fn dribble(mut from: TcpStream, mut to: TcpStream) {
    let mut byte = [0];
    while let Ok(1) = from.read(&mut byte) {
        if to.write_all(&byte).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[test]
fn a_handshake_in_single_bytes() {
    on_purple(|_| {
        for version in BOTH {
            let (far, server) = serve(&config(Shows::Good, version), |tls| confirm(tls, 5));
            let (ours, near) = pair();
            far.set_nonblocking(false).unwrap();
            far.set_nodelay(true).unwrap();
            let (far_too, near_too) = (far.try_clone().unwrap(), near.try_clone().unwrap());
            let relays = [std::thread::spawn(move || dribble(near, far)), std::thread::spawn(move || dribble(far_too, near_too))];
            let client = Client::prepared(ours, Some(HOST), |client| drop(client.greeting.replace(b"hello".to_vec())));
            client.wait_received(2);
            client.close();
            assert_eq!(server.join().unwrap(), b"hello");
            relays.into_iter().for_each(|relay| relay.join().unwrap());
        }
    });
}
