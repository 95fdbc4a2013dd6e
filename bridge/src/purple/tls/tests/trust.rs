//! Whom to believe: roots, pins and the account's own user, and nothing is said before.

use super::client::Client;
use super::peer::{BOTH, HOST, Shows, config, confirm, drain, impostor, serve};
use super::{ACCOUNT, Site, on_purple, turn_until};
use crate::purple::owner;
use purple_sys::PurpleSslErrorType;
use rustls::{HandshakeKind, ServerConfig};
use std::sync::Arc;

/// Connects to a server that tells what it heard before the end.
fn connect(config: &Arc<ServerConfig>, host: Option<&str>) -> (std::rc::Rc<Client>, std::thread::JoinHandle<Vec<u8>>) {
    let (socket, server) = serve(config, |tls| confirm(tls, 6));
    (Client::prepared(socket, host, |client| drop(client.greeting.replace(b"secret".to_vec()))), server)
}

fn wait_question(site: &Site, count: usize) {
    turn_until("question", || site.asked.borrow().len() >= count);
}

#[test]
fn each_doubt_has_its_name() {
    on_purple(|site| {
        site.at_once.set(Some(false));
        for (shows, reason) in [
            (Shows::SelfSigned, "self_signed"),
            (Shows::SelfSignedCa, "self_signed"),
            (Shows::Expired, "expired"),
            (Shows::NotYet, "not_yet_valid"),
            (Shows::OtherName, "wrong_host"),
            (Shows::StrangeCa, "unknown_issuer"),
            (Shows::FalseCa, "unknown_issuer"),
        ] {
            for version in BOTH {
                let (client, server) = connect(&config(shows, version), Some(HOST));
                let (kind, code, message) = client.wait_failed();
                assert_eq!((kind, code.as_str()), (PurpleSslErrorType::PURPLE_SSL_CERTIFICATE_INVALID, "certificate"), "{message}");
                assert_eq!(server.join().unwrap(), b"", "{shows:?} was told something");
                let asked = site.asked.borrow_mut().pop().unwrap();
                site.answers.borrow_mut().clear();
                assert_eq!((asked.reason.as_str(), asked.host.as_str()), (reason, HOST));
                let name = if shows == Shows::OtherName { "other.example.net" } else { HOST };
                assert_eq!(asked.names, [name]);
                assert!(asked.not_before.is_some() && asked.not_after.is_some() && asked.fingerprint.len() == 95);
            }
        }
        assert!(site.pins.borrow().is_empty());
    });
}

#[test]
fn who_has_not_the_certificates_key_is_refused() {
    on_purple(|site| {
        for version in BOTH {
            let (client, server) = connect(&impostor(version), Some(HOST));
            let (kind, _, message) = client.wait_failed();
            assert_eq!(kind, PurpleSslErrorType::PURPLE_SSL_HANDSHAKE_FAILED, "{message}");
            assert_eq!(server.join().unwrap(), b"", "it was told something");
        }
        assert!(site.asked.borrow().is_empty(), "nobody can vouch for that");
    });
}

#[test]
fn no_connection_resumes_another() {
    on_purple(|_| {
        for version in BOTH {
            let config = config(Shows::Good, version);
            for _ in 0..2 {
                let (socket, server) = serve(&config, |tls| {
                    confirm(tls, 6);
                    tls.conn.handshake_kind()
                });
                let client = Client::prepared(socket, Some(HOST), |client| drop(client.greeting.replace(b"secret".to_vec())));
                client.wait_received(2);
                client.close();
                // Another account's, for all that the server can tell.
                assert_eq!(server.join().unwrap(), Some(HandshakeKind::Full));
            }
        }
    });
}

#[test]
fn yes_pins_for_the_account_and_the_pin_is_enough() {
    on_purple(|site| {
        for version in BOTH {
            let config = config(Shows::SelfSigned, version);
            site.pins.borrow_mut().clear();
            let before = site.asked.borrow().len();
            let (client, server) = connect(&config, Some(HOST));
            wait_question(site, before + 1);
            assert_eq!(client.write(b"too early"), Err(libc::ENOTCONN));
            assert!(!client.connected.get());
            site.answer(before, true);
            assert!(!client.connected.get(), "called back from inside the answer");
            client.wait_connected();
            let fingerprint = site.asked.borrow()[before].fingerprint.clone();
            assert_eq!(*site.pins.borrow(), [fingerprint]);
            client.wait_received(2);
            client.close();
            assert_eq!(server.join().unwrap(), b"secret");

            let (client, server) = connect(&config, Some(HOST));
            client.wait_received(2);
            client.close();
            assert_eq!(server.join().unwrap(), b"secret");
            assert_eq!(site.asked.borrow().len(), before + 1);
        }
        assert!(site.withdrawn.borrow().is_empty());
    });
}

#[test]
fn another_certificate_than_the_pinned_one_has_changed() {
    on_purple(|site| {
        site.domain.replace(Some(HOST.to_owned()));
        site.pins.borrow_mut().push("AB:CD".to_owned());
        let (client, server) = connect(&config(Shows::SelfSigned, BOTH[1]), Some("203.0.113.9"));
        wait_question(site, 1);
        assert_eq!(site.asked.borrow()[0].reason, "changed");
        site.answer(0, false);
        client.wait_failed();
        assert_eq!(server.join().unwrap(), b"");
        // One that needs no pin is no change.
        let (client, server) = connect(&config(Shows::Good, BOTH[1]), Some(HOST));
        client.wait_connected();
        client.close();
        server.join().unwrap();
    });
}

#[test]
fn an_answer_may_never_come_or_be_dropped_or_be_impossible() {
    on_purple(|site| {
        let config = config(Shows::SelfSigned, BOTH[1]);
        // Never: closed before. What comes then is for nobody.
        let (client, server) = connect(&config, Some(HOST));
        wait_question(site, 1);
        let late = site.answers.borrow_mut()[0].take().unwrap();
        client.close();
        late(true);
        assert_eq!(server.join().unwrap(), b"");
        assert!(site.pins.borrow().is_empty() && !client.connected.get());

        // Dropped: a no.
        let (client, server) = connect(&config, Some(HOST));
        wait_question(site, 2);
        let dropped = site.answers.borrow_mut()[1].take();
        drop(dropped);
        assert_eq!(client.wait_failed().0, PurpleSslErrorType::PURPLE_SSL_CERTIFICATE_INVALID);
        assert_eq!(server.join().unwrap(), b"");

        // Nobody to ask: a no that says why.
        site.deaf.set(true);
        let (client, server) = connect(&config, Some(HOST));
        let (_, code, message) = client.wait_failed();
        assert!(code == "certificate" && message.contains("self_signed"), "{message}");
        assert_eq!(server.join().unwrap(), b"");
        site.deaf.set(false);

        // While being asked: a yes like any other.
        site.at_once.set(Some(true));
        let (client, server) = connect(&config, Some(HOST));
        client.wait_received(2);
        client.close();
        assert_eq!(server.join().unwrap(), b"secret");
    });
}

#[test]
fn one_yes_is_for_all_connections_of_the_account_that_wait_for_it() {
    on_purple(|site| {
        let config = config(Shows::SelfSigned, BOTH[1]);
        let (first, first_server) = connect(&config, Some(HOST));
        let (second, second_server) = connect(&config, Some(HOST));
        wait_question(site, 2);
        site.answer(1, true);
        first.wait_received(2);
        second.wait_received(2);
        assert_eq!(site.withdrawn.borrow().len(), 1);
        assert_eq!(site.pins.borrow().len(), 1, "{:?}", site.pins.borrow());
        first.close();
        second.close();
        assert_eq!(first_server.join().unwrap(), b"secret");
        assert_eq!(second_server.join().unwrap(), b"secret");
    });
}

#[test]
fn without_an_account_nobody_is_asked() {
    on_purple(|site| {
        owner::with(None, || {
            let (client, server) = connect(&config(Shows::SelfSigned, BOTH[1]), Some(HOST));
            turn_until("failure", || client.error.get().is_some());
            assert_eq!(client.error.get(), Some(PurpleSslErrorType::PURPLE_SSL_CERTIFICATE_INVALID));
            assert_eq!(server.join().unwrap(), b"");
            // The roots are believed all the same.
            let (client, server) = connect(&config(Shows::Good, BOTH[1]), Some(HOST));
            client.wait_received(2);
            client.close();
            assert_eq!(server.join().unwrap(), b"secret");
        });
        // An account that is not in our table (any more) is nobody's either, whoever's callback is running.
        let mut stranger = purple_sys::PurpleAccount::default();
        let (socket, server) = serve(&config(Shows::SelfSigned, BOTH[1]), drain);
        let client = Client::named(&raw mut stranger, socket, Some(HOST), |_| {});
        turn_until("failure", || client.error.get().is_some());
        assert_eq!(server.join().unwrap(), b"");
        assert!(site.asked.borrow().is_empty());
    });
}

#[test]
fn the_accounts_domain_is_what_is_proved_and_asked_for() {
    on_purple(|site| {
        // Connected by the name of a machine, the domain is what counts.
        site.domain.replace(Some(HOST.to_owned()));
        let (socket, server) = serve(&config(Shows::Good, BOTH[1]), |tls| {
            drain(tls);
            tls.conn.server_name().map(str::to_owned)
        });
        let client = Client::connect(socket, Some("xmpp1.hosting.example"));
        client.wait_connected();
        client.close();
        assert_eq!(server.join().unwrap().as_deref(), Some(HOST));

        // And the machine's own certificate does not prove the domain.
        site.at_once.set(Some(false));
        let (client, server) = connect(&config(Shows::OtherName, BOTH[1]), Some("other.example.net"));
        client.wait_failed();
        server.join().unwrap();
        let asked = site.asked.borrow().last().cloned().unwrap();
        assert_eq!((asked.reason.as_str(), asked.host.as_str()), ("wrong_host", HOST));
    });
}

#[test]
fn no_name_at_all_is_proved_by_nothing() {
    on_purple(|site| {
        site.at_once.set(Some(true));
        let (socket, server) = serve(&config(Shows::Good, BOTH[1]), |tls| {
            drain(tls);
            tls.conn.server_name().map(str::to_owned)
        });
        let client = Client::connect(socket, None);
        client.wait_connected();
        client.close();
        assert_eq!(server.join().unwrap(), None);
        assert_eq!(site.asked.borrow()[0].reason, "wrong_host");
        assert_eq!(owner::current(), Some(ACCOUNT));
    });
}
