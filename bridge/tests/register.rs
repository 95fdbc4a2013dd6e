//! An account that does not exist yet is made on the server by libpurple's own form, and signs on afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bridge::command::{AccountSettings, CommandKind};
use bridge::config::BridgeConfig;
use bridge::event::EventKind;
use bridge::id::{AccountId, UserId};
use bridge::model::{AccountState, Value};
use common::{Running, add, xmpp, xmpp_at};
use std::time::Duration;
use support::Prosody;

const ACCOUNT: AccountId = AccountId(10);

#[test]
fn an_account_is_made_and_signs_on() {
    let modules = r#"modules_enabled = { "disco", "roster", "saslauth", "presence", "message", "iq", "c2s", "ping", "posix", "register" }"#;
    let prosody = Prosody::builder().users(["bob"]).config(modules).config("allow_registration = true").start();
    let mut running = Running::with(BridgeConfig { sign_on_timeout: Duration::from_secs(3), ..Running::config() });
    let settings = AccountSettings { enabled: false, ..xmpp(&prosody, "newcomer", "fresh-secret") };
    running.run(1, add(10, settings)).unwrap();
    // It is not there yet.
    running.run(1, CommandKind::EnableAccount(ACCOUNT)).unwrap();
    running.stands(10, AccountState::Error);
    running.run(1, CommandKind::DisableAccount(ACCOUNT)).unwrap();

    assert_eq!(running.run(2, CommandKind::RegisterAccount(ACCOUNT)).unwrap_err().code, "no_such_account", "another user's");
    running.run(1, CommandKind::RegisterAccount(ACCOUNT)).unwrap();
    running.stands(10, AccountState::Connecting);
    // libpurple calls it connected, but nobody is signed on before there is an account.
    let asked = running.wait("the form", |event| matches!(event.kind, EventKind::RequestOpened(_) | EventKind::AccountState { .. }));
    let EventKind::RequestOpened(request) = asked.kind else { panic!("{asked:?}") };
    assert_eq!((asked.user, request.account), (UserId(1), Some(ACCOUNT)));
    let secret = request.fields.iter().find(|field| field.id == "password").expect("a password");
    assert!(secret.masked, "{secret:?}");
    let values = [("username", "newcomer"), ("password", "fresh-secret")];
    let values = values.into_iter().map(|(key, value)| (key.to_owned(), Value::Text(value.to_owned()))).collect();
    running.run(1, CommandKind::AnswerRequest { request: request.id, button: "ok".to_owned(), values }).unwrap();
    // libpurple tells it without an account; it is its user's all the same.
    let told = running.wait("the good news", |event| matches!(event.kind, EventKind::NoticeOpened(_)));
    assert_eq!(told.user, UserId(1));
    let made = running.wait("the end", |event| matches!(event.kind, EventKind::AccountState { .. }));
    let EventKind::AccountState { standing, .. } = made.kind else { unreachable!() };
    assert_eq!((standing.state, standing.error), (AccountState::Offline, None));
    running.run(1, CommandKind::EnableAccount(ACCOUNT)).unwrap();
    running.stands(10, AccountState::Online);
    what_is_not_made_says_so(&mut running, &prosody);
    a_server_that_says_nothing_is_given_up(&mut running);
}

fn what_is_not_made_says_so(running: &mut Running, prosody: &Prosody) {
    running.run(1, add(12, AccountSettings { enabled: false, ..xmpp(prosody, "nobody", "secret") })).unwrap();
    running.run(1, CommandKind::RegisterAccount(AccountId(12))).unwrap();
    let asked = running.wait("the form", |event| matches!(event.kind, EventKind::RequestOpened(_)));
    let EventKind::RequestOpened(request) = asked.kind else { unreachable!() };
    let declined = CommandKind::AnswerRequest { request: request.id, button: "cancel".to_owned(), values: Default::default() };
    running.run(1, declined).unwrap();
    let ended = running.stands(12, AccountState::Offline);
    let EventKind::AccountState { standing, .. } = ended.kind else { unreachable!() };
    assert_eq!(standing.error.map(|error| error.code).as_deref(), Some("not_registered"));
}

fn a_server_that_says_nothing_is_given_up(running: &mut Running) {
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let settings = AccountSettings { enabled: false, ..xmpp_at("newcomer", "fresh-secret", port, "opportunistic_tls") };
    running.run(1, add(11, settings)).unwrap();
    running.run(1, CommandKind::RegisterAccount(AccountId(11))).unwrap();
    let ended = running.stands(11, AccountState::Offline);
    let EventKind::AccountState { standing, .. } = ended.kind else { unreachable!() };
    assert_eq!(standing.error.map(|error| error.code).as_deref(), Some("timeout"));
}
