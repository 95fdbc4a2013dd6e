//! How connections end: politely, rudely, broken, or closed from our side in any state.

use super::client::{Client, CloseIn};
use super::peer::{BOTH, HOST, Shows, Tls, config, drain, reset, serve, serve_plain};
use super::{on_purple, turn_until};
use crate::purple::alone;
use purple_sys::PurpleSslErrorType;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::sync::mpsc;

/// Connects, lets the server do `end` after one byte each way, and gives how reading ended.
fn ending(end: impl FnOnce(&mut Tls) + Send + 'static) -> std::rc::Rc<Client> {
    let (socket, server) = serve(&config(Shows::Good, BOTH[1]), move |tls| {
        tls.read_exact(&mut [0]).unwrap();
        tls.write_all(b"!").unwrap();
        end(tls);
    });
    let client = Client::prepared(socket, Some(HOST), |client| drop(client.greeting.replace(b"?".to_vec())));
    client.wait_ended().err();
    assert_eq!(*client.received.borrow(), b"!");
    client.close();
    server.join().unwrap();
    client
}

#[test]
fn a_polite_end_and_a_hang_up_are_both_an_end() {
    on_purple(|_| {
        let polite = ending(|tls| {
            tls.conn.send_close_notify();
            tls.flush().unwrap();
            tls.sock.shutdown(Shutdown::Write).unwrap();
            drain(tls);
        });
        assert_eq!(polite.ended.get(), Some(Ok(())));
        let rude = ending(|tls| tls.sock.shutdown(Shutdown::Both).unwrap());
        assert_eq!(rude.ended.get(), Some(Ok(())));
    });
}

#[test]
fn a_reset_is_an_error_of_the_sockets() {
    on_purple(|_| {
        let (go, wait) = mpsc::channel::<()>();
        let (socket, server) = serve(&config(Shows::Good, BOTH[1]), move |tls| {
            tls.write_all(b"!").unwrap();
            wait.recv().unwrap();
            reset(&tls.sock);
        });
        let client = Client::connect(socket, Some(HOST));
        client.wait_received(1);
        go.send(()).unwrap();
        assert_eq!(client.wait_ended(), Err(libc::ECONNRESET));
        server.join().unwrap();
        let written = client.write(b"?").unwrap_err();
        assert!(written == libc::EPIPE || written == libc::ECONNRESET, "{written}");
        client.close();
    });
}

#[test]
fn an_end_in_one_packet_with_data_is_told_once() {
    on_purple(|_| {
        let (socket, server) = serve(&config(Shows::Good, BOTH[1]), |tls| {
            tls.read_exact(&mut [0]).unwrap();
            tls.conn.writer().write_all(&pattern()).unwrap();
            tls.conn.send_close_notify();
            tls.flush().unwrap();
            // No FIN: only TLS says that this is the end.
            drain(tls)
        });
        let client = Client::prepared(socket, Some(HOST), |client| {
            client.sips.set(Some(10));
            client.greeting.replace(b"?".to_vec());
        });
        assert_eq!(client.wait_ended(), Ok(()));
        assert_eq!(*client.received.borrow(), pattern());
        // The connection is half closed, not gone.
        assert_eq!(client.write(b"last words"), Ok(10));
        assert_eq!(client.ends.get(), 1);
        client.close();
        assert_eq!(server.join().unwrap(), b"last words");
    });
}

fn pattern() -> Vec<u8> {
    super::peer::pattern(1000)
}

#[test]
fn rubbish_after_the_handshake_is_told_in_words() {
    on_purple(|_| {
        let client = ending(|tls| {
            tls.sock.write_all(b"\x17\x03\x03\x00\x20this is not what was agreed on ..").unwrap();
            drain(tls);
        });
        assert_eq!(client.ended.get(), Some(Err(libc::EPROTO)));
        let (code, message) = client.failure.take().unwrap();
        assert_eq!(code, "encryption");
        assert!(message.contains(HOST), "{message}");
    });
}

/// What becomes of a handshake with a server that only knows this.
fn handshake_with(answer: &'static [u8]) -> (PurpleSslErrorType, String, String) {
    let (socket, server) = serve_plain(move |mut socket| {
        socket.read_exact(&mut [0; 64]).unwrap();
        socket.write_all(answer).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let _ = socket.read_to_end(&mut Vec::new());
    });
    let failed = Client::connect(socket, Some(HOST)).wait_failed();
    server.join().unwrap();
    failed
}

#[test]
fn servers_that_cannot_be_talked_to_are_told_apart() {
    on_purple(|_| {
        let refused = PurpleSslErrorType::PURPLE_SSL_HANDSHAKE_FAILED;
        for (answer, kind, code, words) in [
            (&b":irc.example.org NOTICE AUTH :*** Looking up your hostname\r\n"[..], refused, "encryption", "is not TLS"),
            (b"", PurpleSslErrorType::PURPLE_SSL_CONNECT_FAILED, "network", "hung up"),
            // The alerts protocol_version and handshake_failure.
            (b"\x15\x03\x01\x00\x02\x02\x46", refused, "encryption", "older than 1.2"),
            (b"\x15\x03\x03\x00\x02\x02\x28", refused, "encryption", "no encryption that is still safe"),
            // A ServerHello of TLS 1.0.
            (
                b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01\
                  0123456789abcdef0123456789abcdef\x00\x00\x2f\x00",
                refused,
                "encryption",
                "older than 1.2",
            ),
        ] {
            let (was, code_was, message) = handshake_with(answer);
            assert_eq!((was, code_was.as_str()), (kind, code), "{message}");
            assert!(message.contains(words) && message.contains(HOST), "{message}");
        }
    });
}

#[test]
fn a_reset_during_the_handshake_is_a_network_failure() {
    on_purple(|_| {
        let (socket, server) = serve_plain(|mut socket| {
            socket.read_exact(&mut [0; 64]).unwrap();
            reset(&socket);
        });
        let (kind, code, _) = Client::connect(socket, Some(HOST)).wait_failed();
        assert_eq!((kind, code.as_str()), (PurpleSslErrorType::PURPLE_SSL_CONNECT_FAILED, "network"));
        server.join().unwrap();
    });
}

#[test]
fn a_protocol_that_closes_in_its_error_callback_is_not_closed_again() {
    on_purple(|_| {
        let (socket, server) = serve_plain(|mut socket| {
            socket.read_exact(&mut [0; 64]).unwrap();
            reset(&socket);
        });
        let client = Client::prepared(socket, Some(HOST), |client| client.close_in.set(Some(CloseIn::Error)));
        client.wait_failed();
        server.join().unwrap();
    });
}

#[test]
fn the_descriptor_is_left_to_libpurple() {
    on_purple(|_| {
        let (socket, server) = serve(&config(Shows::Good, BOTH[1]), drain);
        let fd = socket.as_raw_fd();
        let client = Client::connect(socket, Some(HOST));
        client.wait_connected();
        // SAFETY: an open connection, which may be told twice that it is closed: it is forgotten after the first time.
        unsafe { super::super::on_close(client.gsc.get()) };
        // SAFETY: no memory is involved.
        assert!(unsafe { libc::fcntl(fd, libc::F_GETFD) } >= 0, "closed twice, it may be another's by then");
        client.close();
        // SAFETY: as above.
        assert!(unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0);
        server.join().unwrap();
    });
}

#[test]
fn writing_to_who_is_gone_raises_no_signal() {
    // Rust ignores SIGPIPE; a plugin may not.
    alone::run("purple::tls::tests::endings::writing_to_who_is_gone_raises_no_signal", |_| {
        // SAFETY: the process has this one test.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        on_purple(|_| {
            let (socket, server) = serve(&config(Shows::Good, BOTH[1]), |tls| tls.write_all(b"!").unwrap());
            let client = Client::prepared(socket, Some(HOST), |client| client.listens.set(false));
            client.wait_connected();
            server.join().unwrap();
            // The first is answered with a reset, which makes the next ones fail.
            let written = std::iter::repeat_with(|| client.write(b"?")).find_map(Result::err);
            assert_eq!(written, Some(libc::EPIPE));
            client.close();
        });
    });
}

#[test]
fn closing_is_possible_in_every_state() {
    on_purple(|site| {
        // Before the first turn of the loop.
        let (socket, server) = serve_plain(|mut socket| socket.read(&mut [0; 1]).unwrap());
        let client = Client::connect(socket, Some(HOST));
        client.close();
        assert_eq!(server.join().unwrap(), 0, "something was sent");

        // In the middle of the handshake.
        let (told, hello) = mpsc::channel();
        let (socket, server) = serve_plain(move |mut socket| {
            socket.read_exact(&mut [0; 64]).unwrap();
            told.send(()).unwrap();
            let _ = socket.read_to_end(&mut Vec::new());
        });
        let client = Client::connect(socket, Some(HOST));
        turn_until("hello", || hello.try_recv().is_ok());
        client.close();
        server.join().unwrap();
        assert!(!client.connected.get() && client.error.get().is_none());

        // In its callbacks.
        for at in [CloseIn::Connect, CloseIn::Receive] {
            let (socket, server) = serve(&config(Shows::Good, BOTH[1]), |tls| {
                let _ = tls.write_all(&pattern());
                drain(tls)
            });
            let client = Client::prepared(socket, Some(HOST), |client| client.close_in.set(Some(at)));
            turn_until("closing", || client.connected.get() && client.gsc.get().is_null());
            assert_eq!(server.join().unwrap(), b"");
        }

        // In a callback that is fired for what is still pending.
        let (socket, server) = serve(&config(Shows::Good, BOTH[1]), |tls| {
            let _ = tls.write_all(&pattern());
            drain(tls)
        });
        let client = Client::prepared(socket, Some(HOST), |client| client.sips.set(Some(100)));
        client.wait_received(200);
        client.close_in.set(Some(CloseIn::Receive));
        turn_until("closing", || client.gsc.get().is_null());
        assert!(client.received.borrow().len() < pattern().len());
        server.join().unwrap();

        // While its user thinks.
        let (socket, server) = serve(&config(Shows::SelfSigned, BOTH[1]), drain);
        let client = Client::connect(socket, Some(HOST));
        turn_until("question", || site.asked.borrow().len() == 1);
        client.close();
        assert_eq!(site.withdrawn.borrow().len(), 1);
        assert_eq!(server.join().unwrap(), b"");
    });
}
