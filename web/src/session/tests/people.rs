//! Users of the site against a real SQLite: who is in and who is not, whatever comes at the same time; and what of theirs is written.

use super::*;
use crate::secret::{Cost, DataKey, Hasher, HasherSettings};
use crate::session::keys::Others;
use crate::session::people::Origin as From;
use crate::session::token;
use crate::session::until::Until;
use crate::store::{Audited, Limits, Setting, Sql, Store, UserRow, Write};
use bridge::command::Secret;

pub(super) const PASSWORD: &str = "a long enough password";
const PATIENCE: Duration = Duration::from_secs(30);

/// A site that remembers, with one user, who is signed in.
pub(super) struct Home {
    pub(super) hub: Arc<Hub>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) bridge: Detached,
    pub(super) store: Arc<Sql>,
    pub(super) session: Arc<Session>,
    pub(super) token: String,
    _directory: tempfile::TempDir,
}

pub(super) fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// A visitor of an address in this neighbourhood.
pub(super) fn comes_from(address: &str, person: u64) -> From {
    let (address, device) = (address.to_owned(), "Firefox".to_owned());
    From { group: address.clone(), address, person: PersonId(person), device, marks: Marks::default() }
}

pub(super) fn from() -> From {
    comes_from("192.0.2.1", 1)
}

impl Home {
    pub(super) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Sql::open(&Setting::file(&directory.path().join("site.sqlite"))).await.unwrap();
        let cost = Cost { kib: 8, passes: 1, lanes: 1 };
        let hasher = Hasher::start(HasherSettings { cost, ..HasherSettings::default() }).unwrap();
        let memory = Memory::new(store.clone(), 1 << 20, hasher, None, MemoryConfig::default());
        let (handle, bridge) = BridgeHandle::detached(1000, catalogue());
        let clock = Arc::new(ManualClock::default());
        let hub = Hub::with(Arc::new(handle), SessionConfig::default(), clock.clone(), Some(memory));
        tokio::spawn(Arc::clone(&hub).remember());
        let entered = hub.register("Ines", &secret(PASSWORD), None, None, &from()).await.unwrap();
        Self { hub, clock, bridge, store, session: entered.session, token: entered.token, _directory: directory }
    }

    pub(super) fn memory(&self) -> &Memory {
        self.hub.memory().unwrap()
    }

    pub(super) async fn row(&self) -> UserRow {
        self.store.user(self.session.id()).await.unwrap().unwrap()
    }

    /// Waits until what was written so far is durable.
    pub(super) async fn commits(&self) {
        let journal = self.hub.journal().unwrap();
        assert!(journal.reached(journal.last(), PATIENCE).await);
    }

    /// The user has an account, with a line in a conversation; both are stored.
    pub(super) async fn talks(&self) {
        let user = self.session.id();
        self.tell(vec![EventKind::AccountAdded(account(1)), opened(1), said(1, "one")]);
        let settings = "{}".to_owned();
        let row =
            crate::store::AccountRow { user, account: AccountId(1), created: Timestamp(1), settings, secrets: Vec::new(), icon: None };
        self.hub.journal().unwrap().push(Write::Account(Box::new(row))).unwrap();
        self.commits().await;
    }

    pub(super) fn tell(&self, kinds: Vec<EventKind>) {
        let user = self.session.id();
        self.hub.take_batch(kinds.into_iter().map(|kind| BridgeEvent { user, origin: None, kind }).collect());
    }

    pub(super) async fn find(&self, token: &str) -> Option<Arc<Session>> {
        self.hub.find(&[token]).await.ok().map(|(session, _)| session)
    }

    pub(super) async fn sign_in(&self) -> String {
        self.hub.sign_in("ines", &secret(PASSWORD), &from()).await.unwrap().token
    }

    pub(super) async fn change_password(&self, old: &str, new: &str) -> Result<Option<String>, crate::api::ApiError> {
        let (hash, from) = (token::hash(&self.token), from());
        let by = By { token: &hash, from: &from };
        let changed = self.hub.change_password(&self.session, &by, &self.token, &secret(old), &secret(new)).await;
        changed.map(|(_, marks)| marks)
    }

    pub(super) async fn stored_accounts(&self) -> usize {
        self.store.load(self.session.id()).await.unwrap().accounts.len()
    }

    pub(super) fn command(&self, command: Json) {
        self.hub.attach(&self.session, "c").unwrap();
        let body = json!({ "client": "c", "commands": [command] }).to_string();
        let (_, answer) = self.hub.perform(&self.session, body.as_bytes()).unwrap();
        assert_eq!(answer.rejected.len(), 0, "{:?}", serde_json::to_value(&answer));
    }
}

#[tokio::test]
async fn what_is_stored_of_an_account_goes_when_its_user_says_so_and_not_otherwise() {
    let home = Home::new().await;
    home.talks().await;
    // What is left of a session before this one, or a worker that is not what it should be.
    home.tell(vec![EventKind::AccountRemoved { account: AccountId(1) }]);
    home.commits().await;
    assert_eq!(home.stored_accounts().await, 1);
    let page = home.store.page(home.session.id(), ConversationId(1), Place::Newest, 10).await.unwrap();
    assert_eq!(page.messages.len(), 1);
    home.tell(vec![EventKind::AccountAdded(account(1))]);
    home.command(json!({ "id": "1", "type": "account.remove", "account": AccountId(1) }));
    home.tell(vec![EventKind::AccountRemoved { account: AccountId(1) }]);
    home.commits().await;
    assert_eq!(home.stored_accounts().await, 0);
}

#[tokio::test]
async fn the_end_of_a_session_goes_before_the_accounts_of_the_next() {
    let (handle, bridge) = BridgeHandle::detached(1, catalogue());
    let hub = Hub::new(Arc::new(handle), SessionConfig::default(), Arc::new(ManualClock::default()));
    let user = UserId(7);
    assert!(hub.tell(UserId(1), CommandKind::SetIdle { since: None }));
    hub.tell_for_sure(user, CommandKind::RemoveUser, None);
    // There is room again, and the session before is not gone.
    assert_eq!(bridge.take().len(), 1);
    hub.tell_for_sure(user, CommandKind::ConnectAccount(AccountId(1)), Some(AccountId(1)));
    let mut seen = Vec::new();
    for _ in 0..2 {
        hub.tick();
        seen.extend(bridge.take().into_iter().map(|command| command.kind));
    }
    assert_eq!(seen, [CommandKind::RemoveUser, CommandKind::ConnectAccount(AccountId(1))]);
}

#[tokio::test]
async fn a_session_ends_once_and_the_next_one_stays() {
    let home = Home::new().await;
    let (first, hash) = (home.session.clone(), token::hash(&home.token));
    home.hub.end(&first, true);
    let second = home.find(&home.token).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &second));
    let _ = home.bridge.take();
    // Logged out while it lingered out.
    home.hub.end(&first, false);
    assert!(home.bridge.take().is_empty(), "the accounts are the second's");
    assert!(home.hub.session(first.id()).is_some_and(|known| Arc::ptr_eq(&known, &second)));
    assert!(home.hub.holder(&hash).is_some_and(|known| Arc::ptr_eq(&known, &second)));
}

#[tokio::test]
async fn who_was_signed_out_meanwhile_does_not_come_back() {
    let home = Home::new().await;
    let (hash, row) = (token::hash(&home.token), home.row().await);
    let (_, wrap) = (row.id, home.store.browser(&hash).await.unwrap().unwrap().0.wrap.unwrap());
    let key = DataKey::unwrap_by_token(row.id, &home.token, &wrap).unwrap();
    home.hub.end(&home.session, true);
    // What was read of the browser is not true any more.
    home.store.remove_browsers(row.id, &[hash]).await.unwrap();
    assert!(home.hub.come_back(home.memory(), &row, key.clone(), hash, Until::soon()).await.is_err());
    assert!(home.hub.holder(&hash).is_none() && home.hub.session(row.id).is_none());
    home.store.set_disabled(row.id, true).await.unwrap();
    assert!(home.hub.session_of(home.memory(), &row, key, Until::soon()).await.is_err(), "not even by the site's key");
}

#[tokio::test]
async fn a_password_that_was_right_before_it_was_changed_opens_nothing() {
    let home = Home::new().await;
    let before = home.row().await;
    let key = home.session.lock().keep.as_ref().unwrap().key.clone();
    home.change_password(PASSWORD, "another password").await.unwrap();
    // Checked before, and carried on now.
    assert!(home.hub.enter_user(home.memory(), &before, key, &from()).await.is_err());
    assert!(home.hub.store_keys(before.clone(), before.keys.clone(), Others::Stay, None).await.is_err(), "the old keys are not put back");
    assert_ne!(home.row().await.keys, before.keys);
    assert_eq!(home.store.browsers(before.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_browser_whose_key_does_not_open_is_signed_out() {
    let home = Home::new().await;
    let hash = token::hash(&home.token);
    home.hub.end(&home.session, true);
    let (browser, _) = home.store.browser(&hash).await.unwrap().unwrap();
    let wrap = DataKey::create().unwrap().wrap_by_token(home.session.id(), "another token").ok();
    home.store.add_browser(&crate::store::Browser { wrap, ..browser }).await.unwrap();
    assert!(home.find(&home.token).await.is_none(), "accounts would be written without their secrets");
    let token = home.sign_in().await;
    assert!(home.find(&token).await.is_some());
}

#[tokio::test]
async fn who_may_not_be_here_is_gone_also_without_a_browser() {
    let home = Home::new().await;
    let row = home.row().await;
    // As after a start, when the site's key brings everybody back.
    home.session.lock().tokens.clear();
    home.store.set_disabled(row.id, true).await.unwrap();
    home.hub.user_changed(home.memory(), row.id).await.unwrap();
    assert!(home.hub.session(row.id).is_none());
    assert!(home.bridge.take().iter().any(|command| command.kind == CommandKind::RemoveUser));
}

#[tokio::test]
async fn a_guests_token_ends_after_a_minute_or_with_a_sign_out() {
    for signs_out in [true, false] {
        let home = Home::new().await;
        let guest = home.hub.open_guest(network(), PersonId(1)).unwrap();
        let session = home.hub.authenticate(&guest.token).unwrap();
        let entered = home.hub.register("Bob", &secret(PASSWORD), None, Some(session.clone()), &from()).await.unwrap();
        assert!(home.hub.authenticate(&guest.token).is_some(), "requests are on their way with it");
        if signs_out {
            home.hub.logout(&session, &token::hash(&entered.token)).await;
            assert!(home.hub.session(session.id()).is_none(), "it was the last browser");
        } else {
            home.clock.advance(60_000);
            home.hub.note_alive(home.memory()).await;
            assert!(home.hub.authenticate(&entered.token).is_some());
        }
        assert!(home.find(&guest.token).await.is_none());
    }
}

#[tokio::test]
async fn a_sign_out_holds_while_the_database_is_away() {
    let home = Home::new().await;
    let hash = token::hash(&home.token);
    home.memory().note_leaving(home.session.id(), hash);
    home.hub.sign_out(&home.session, &hash);
    assert!(home.find(&home.token).await.is_none());
    home.memory().tell_leaving().await;
    assert!(home.store.browser(&hash).await.unwrap().is_none());
}

#[tokio::test]
async fn another_key_takes_the_place_of_the_one_before() {
    let home = Home::new().await;
    home.talks().await;
    let key = DataKey::create().unwrap();
    let session = home.hub.session_of(home.memory(), &home.row().await, key.clone(), Until::soon()).await.unwrap();
    assert!(session.lock().keep.as_ref().unwrap().key.is(&key));
    let mut state = session.lock();
    assert!(!state.takes_key(key));
    assert!(state.takes_key(DataKey::create().unwrap()));
    let changed: Vec<_> = state.keep.as_mut().unwrap().take_changed().into_iter().collect();
    assert_eq!(changed, [AccountId(1)], "sealed anew");
}

#[tokio::test]
async fn an_account_that_comes_and_goes_leaves_one_gap_where_nothing_is_said() {
    let home = Home::new().await;
    home.talks().await;
    let flap = || {
        let mut away = account(1);
        away.standing.state = AccountState::Offline;
        for standing in [AccountStanding::plain(AccountState::Online), away.standing] {
            home.clock.advance(1000);
            home.tell(vec![EventKind::AccountState { account: AccountId(1), standing }]);
        }
    };
    (0..10).for_each(|_| flap());
    home.tell(vec![said(1, "two")]);
    (0..10).for_each(|_| flap());
    home.commits().await;
    let page = home.store.page(home.session.id(), ConversationId(1), Place::Newest, 10).await.unwrap();
    assert_eq!(page.gaps.len(), 2, "{:?}", page.gaps);
    // And whoever comes back is told of them.
    home.hub.end(&home.session, true);
    let token = home.sign_in().await;
    let session = home.find(&token).await.unwrap();
    assert!(session.lock().conversations.get(&ConversationId(1)).is_none_or(|conv| conv.gaps.len() == 2));
}

#[tokio::test]
async fn what_waits_goes_with_the_history_that_is_deleted() {
    let home = Home::new().await;
    home.talks().await;
    let standing = AccountStanding::plain(AccountState::Offline);
    home.tell(vec![EventKind::AccountState { account: AccountId(1), standing }]);
    home.command(json!({ "id": "1", "type": "message.send", "conversation": ConversationId(1), "text": "later" }));
    assert_eq!(home.session.lock().keep.as_ref().unwrap().outbox.len(), 1);
    home.command(json!({ "id": "2", "type": "history.delete", "conversation": ConversationId(1) }));
    assert!(home.session.lock().keep.as_ref().unwrap().outbox.is_empty());
    let standing = AccountStanding::plain(AccountState::Online);
    home.tell(vec![EventKind::AccountState { account: AccountId(1), standing }]);
    home.commits().await;
    let sent = home.bridge.take().into_iter().any(|command| matches!(command.kind, CommandKind::SendMessage { .. }));
    assert!(!sent, "it was taken back");
}

#[tokio::test]
async fn exports_are_written_one_after_the_other() {
    let home = Home::new().await;
    let first = home.hub.export(&home.session, Form::Json).await.unwrap();
    assert_eq!(home.hub.export(&home.session, Form::Html).await.err().map(|error| error.code), Some("rate_limited".into()));
    drop(first);
    assert!(home.hub.export(&home.session, Form::Html).await.is_ok());
    let acts = home.store.audited(Some(home.session.id()), Audited::Acts, 10).await.unwrap();
    assert_eq!(acts.iter().filter(|entry| entry.act == "export").count(), 2);
}

#[tokio::test]
async fn nobody_has_more_browsers_than_a_hundred() {
    let home = Home::new().await;
    for _ in 0..100 {
        home.sign_in().await;
    }
    assert_eq!(home.store.browsers(home.session.id()).await.unwrap().len(), 100);
    assert_eq!(home.session.lock().tokens.len(), 100);
}

#[tokio::test]
async fn a_browser_whose_page_was_open_for_a_moment_was_used() {
    let home = Home::new().await;
    let hash = token::hash(&home.token);
    let used = async || home.store.browser(&hash).await.unwrap().unwrap().0.used;
    let before = used().await;
    home.clock.advance(5000);
    home.hub.attach_from(&home.session, Some(hash), "c").unwrap();
    home.hub.detach(&home.session, "c");
    home.hub.note_alive(home.memory()).await;
    assert_eq!(used().await, Timestamp(before.0 + 5000));
    // The use is noted once.
    home.clock.advance(60_000);
    home.hub.note_alive(home.memory()).await;
    assert_eq!(used().await, Timestamp(before.0 + 5000));
}

#[tokio::test]
async fn passwords_of_rooms_are_sealed() {
    let home = Home::new().await;
    let form = [("room", "den"), ("password", "canary")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut settings = bridge::command::AccountSettings {
        person: None,
        visitor: None,
        protocol: "prpl-jabber".to_owned(),
        username: bridge::command::Username::Whole("ines@example.org".to_owned()),
        password: None,
        options: Default::default(),
        stored: Default::default(),
        pins: Vec::new(),
        alias: String::new(),
        enabled: true,
        status: Status::default(),
        before: Default::default(),
    };
    settings.before.rooms.push((ConversationId(5), form.into_iter().collect()));
    let catalogue = catalogue();
    let keep = &mut home.memory().keep(home.session.id(), DataKey::create().unwrap(), Limits::default());
    let made = bridge::handle::Made { settings: settings.clone(), icon: None };
    keep.write_account(AccountId(1), made, catalogue.protocols.first(), Timestamp(1));
    home.commits().await;
    let row = home.store.load(home.session.id()).await.unwrap().accounts.remove(0);
    assert!(row.settings.contains("den") && !row.settings.contains("canary"), "{}", row.settings);
    let mut read = serde_json::from_str(&row.settings).unwrap();
    super::sealing::put_secrets(&mut read, &row, &keep.key);
    assert_eq!(read, settings);
}

#[tokio::test]
async fn what_is_too_old_is_not_in_memory_either() {
    let home = Home::new().await;
    home.talks().await;
    home.tell(vec![opened(2), said(2, "of another conversation")]);
    let day = u64::try_from(crate::store::DAY_MS).unwrap();
    home.command(json!({ "id": "1", "type": "history.set", "conversation": ConversationId(1), "days": 7 }));
    home.clock.advance(6 * day);
    home.tell(vec![said(1, "six days later")]);
    home.clock.advance(day + 1);
    home.commits().await;
    home.hub.expire_messages(home.memory()).await;
    let attached: Json = serde_json::from_slice(&home.hub.attach(&home.session, "looker").unwrap()).unwrap();
    let texts = |id: usize| {
        let messages = attached["snapshot"]["conversations"][id]["messages"].as_array().unwrap();
        messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((texts(0), texts(1)), (vec!["six days later".to_owned()], vec!["of another conversation".to_owned()]));
    let kept = home.session.lock().kept_bytes;
    let of_all: usize = home.session.lock().conversations.values().map(|conv| conv.kept.bytes()).sum();
    assert_eq!(kept, of_all);
}
