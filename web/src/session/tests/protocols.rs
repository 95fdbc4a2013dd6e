//! Protocols that an administrator switches off and on again: what becomes of accounts, also after a restart. Against a real SQLite.

use super::people::{Home, PASSWORD, from, secret};
use super::*;
use crate::store::{Store, Write};
use bridge::command::{AccountSettings, Username};

const JABBER: &str = "prpl-jabber";

fn settings(enabled: bool) -> AccountSettings {
    AccountSettings {
        person: None,
        visitor: None,
        protocol: JABBER.to_owned(),
        username: Username::Whole("ines@example.org".to_owned()),
        password: None,
        options: Default::default(),
        stored: Default::default(),
        pins: Vec::new(),
        alias: String::new(),
        enabled,
        status: Status::default(),
        before: Default::default(),
    }
}

impl Home {
    async fn switch(&self, disabled: bool) {
        self.store.set_protocol(JABBER, disabled).await.unwrap();
        self.hub.read_protocols(self.memory()).await.unwrap();
    }

    /// How accounts stand: the id, whether their user wants them, the state, and the error's code.
    fn stand(&self) -> Vec<(u64, bool, AccountState, Option<String>)> {
        let state = self.session.lock();
        let of = |account: &Account| {
            let error = account.standing.error.as_ref().map(|error| error.code.clone());
            (account.id.0, account.enabled, account.standing.state, error)
        };
        state.accounts.iter().map(of).collect()
    }

    fn told(&self) -> Vec<CommandKind> {
        self.bridge.take().into_iter().map(|command| command.kind).collect()
    }

    fn refused(&self, id: &str, command: Json) -> String {
        self.hub.attach(&self.session, "c").unwrap();
        let mut command = command;
        command["id"] = id.into();
        let body = json!({ "client": "c", "commands": [command] }).to_string();
        let (_, answer) = self.hub.perform(&self.session, body.as_bytes()).unwrap();
        answer.rejected.first().map(|refused| refused.error.code.clone()).unwrap_or_default()
    }
}

fn off(id: u64, enabled: bool) -> Account {
    Account { enabled, standing: AccountStanding::plain(AccountState::Offline), ..account(id) }
}

#[tokio::test]
async fn accounts_are_signed_off_with_a_clear_word_and_come_back() {
    let home = Home::new().await;
    home.tell(vec![EventKind::AccountAdded(account(1)), EventKind::AccountAdded(off(2, false))]);
    let _ = home.told();
    home.switch(true).await;
    assert_eq!(home.told(), [CommandKind::DisableAccount(AccountId(1))]);
    let code = || Some("protocol_disabled".to_owned());
    let closed = [(1, true, AccountState::Error, code()), (2, false, AccountState::Offline, None)];
    assert_eq!(home.stand(), closed);
    // What its worker tells then changes nothing, and its user's wish stays.
    home.tell(vec![
        EventKind::AccountUpdated(off(1, false)),
        EventKind::AccountState { account: AccountId(1), standing: AccountStanding::plain(AccountState::Offline) },
        EventKind::AccountLost { account: AccountId(1), standing: AccountStanding::plain(AccountState::Connecting) },
    ]);
    assert_eq!(home.stand(), closed);
    let _ = home.told();
    // Nobody signs on: neither an account that is there, nor a new one, nor a guest.
    for (number, kind) in ["account.enable", "account.connect", "account.register"].into_iter().enumerate() {
        let account = AccountId(1 + number as u64 % 2);
        assert_eq!(home.refused(kind, json!({ "type": kind, "account": account })), "protocol_disabled", "{kind}");
    }
    let add = json!({ "type": "account.add", "protocol": JABBER, "username": "ines@example.org", "password": "x" });
    assert_eq!(home.refused("add", add), "protocol_disabled");
    let guest = home.hub.open_guest(network(), PersonId(1)).err().unwrap();
    assert_eq!((guest.status.as_u16(), &*guest.code), (403, "protocol_disabled"));
    // One that was on its way.
    home.tell(vec![EventKind::AccountAdded(account(3))]);
    assert_eq!(home.told(), [CommandKind::DisableAccount(AccountId(3))]);
    home.switch(false).await;
    assert_eq!(home.told(), [CommandKind::EnableAccount(AccountId(1)), CommandKind::EnableAccount(AccountId(3))]);
    let states: Vec<_> = home.stand().into_iter().map(|(id, enabled, state, error)| (id, enabled, state, error.is_some())).collect();
    let on = AccountState::Connecting;
    assert_eq!(states, [(1, true, on, false), (2, false, AccountState::Offline, false), (3, true, on, false)]);
    assert_eq!(home.refused("again", json!({ "type": "account.enable", "account": AccountId(2) })), "");
}

#[tokio::test]
async fn who_signs_off_meanwhile_stays_so() {
    let home = Home::new().await;
    home.tell(vec![EventKind::AccountAdded(account(1))]);
    home.switch(true).await;
    home.command(json!({ "id": "1", "type": "account.disable", "account": AccountId(1) }));
    home.tell(vec![EventKind::AccountUpdated(off(1, false))]);
    assert_eq!(home.stand(), [(1, false, AccountState::Offline, None)]);
    let _ = home.told();
    home.switch(false).await;
    assert_eq!(home.told(), []);
}

#[tokio::test]
async fn what_is_switched_off_is_so_after_a_restart() {
    let home = Home::new().await;
    let user = home.session.id();
    for (number, enabled) in [(1, true), (2, false)] {
        let settings = serde_json::to_string(&settings(enabled)).unwrap();
        let row = crate::store::AccountRow {
            user,
            account: AccountId(number),
            created: Timestamp(number.cast_signed()),
            settings,
            secrets: Vec::new(),
            icon: None,
        };
        home.hub.journal().unwrap().push(Write::Account(Box::new(row))).unwrap();
    }
    home.commits().await;
    home.store.set_protocol(JABBER, true).await.unwrap();
    home.hub.end(&home.session, false);
    let _ = home.told();
    home.hub.prepare_memory().await.unwrap();
    let entered = home.hub.sign_in("ines", &secret(PASSWORD), &from()).await.unwrap();
    let made = home.told();
    let signs_on: Vec<bool> = made
        .iter()
        .filter_map(|kind| match kind {
            CommandKind::AddAccount { settings, .. } => Some(settings.enabled),
            _ => None,
        })
        .collect();
    assert_eq!((signs_on, made.len()), (vec![false, false], 2), "{made:?}");
    let of = |state: &mut crate::session::state::State, id| {
        let account = state.account(AccountId(id)).unwrap();
        (account.enabled, account.standing.error.as_ref().map(|error| error.code.clone()))
    };
    assert_eq!(of(&mut entered.session.lock(), 1), (true, Some("protocol_disabled".to_owned())));
    assert_eq!(of(&mut entered.session.lock(), 2), (false, None));
    home.switch(false).await;
    assert_eq!(home.told(), [CommandKind::EnableAccount(AccountId(1))]);
}
