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
    let asked = running.wait("the form", |event| matches!(event.kind, EventKind::RequestOpened(_)));
    let EventKind::RequestOpened(request) = asked.kind else { unreachable!() };
    assert_eq!((asked.user, request.account), (UserId(1), Some(ACCOUNT)));
    let secret = request.fields.iter().find(|field| field.id == "password").expect("a password");
    assert!(secret.masked, "{secret:?}");
    let values = [("username", "newcomer"), ("password", "fresh-secret")];
    let values = values.into_iter().map(|(key, value)| (key.to_owned(), Value::Text(value.to_owned()))).collect();
    running.run(1, CommandKind::AnswerRequest { request: request.id, button: "ok".to_owned(), values }).unwrap();
    // libpurple tells it without an account; it is its user's all the same.
    let told = running.wait("the good news", |event| matches!(event.kind, EventKind::NoticeOpened(_)));
    assert_eq!(told.user, UserId(1));
    running.stands(10, AccountState::Offline);
    running.run(1, CommandKind::EnableAccount(ACCOUNT)).unwrap();
    running.stands(10, AccountState::Online);
    a_server_that_says_nothing_is_given_up(&mut running);
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
