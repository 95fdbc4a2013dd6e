//! Ignored people of a room do not count, and bookmarks are kept, joined and removed; in memory and in a real SQLite.

use super::people::Home;
use super::*;
use crate::store::Store;
use bridge::command::CommandKind;
use std::collections::BTreeMap;

const ROOM: ConversationId = ConversationId(7);

fn room() -> EventKind {
    EventKind::ConversationOpened(conversation(7, ConversationKind::Room))
}

fn by(name: &str, html: &str, highlight: bool) -> EventKind {
    let plain = message(MessageKind::Received, html);
    let from = Author { name: name.to_owned(), alias: None, buddy: None, own: false };
    EventKind::MessageAdded { conversation: ROOM, message: bridge::model::Message { from, highlight, ..plain } }
}

fn renamed(old: &str, new: &str) -> EventKind {
    let member = bridge::model::Member { name: new.to_owned(), alias: None, buddy: None, flags: Vec::new() };
    let renamed = vec![(old.to_owned(), new.to_owned())];
    let (joined, left, changed) = (vec![member], vec![old.to_owned()], Vec::new());
    EventKind::RoomMembers { conversation: ROOM, joined, left, changed, renamed, initial: false }
}

fn form(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

impl Home {
    fn counts(&self) -> (u32, u32, Vec<String>) {
        let state = self.session.lock();
        let conv = &state.conversations[&ROOM];
        (conv.unread, conv.mentions, conv.kept.lines().map(|line| line.text().into_owned()).collect())
    }

    fn bookmarks(&self) -> Json {
        let answer = self.hub.attach(&self.session, "c").unwrap();
        let answer: Json = serde_json::from_slice(&answer).unwrap();
        answer["snapshot"]["bookmarks"].clone()
    }

    /// Sends a command, and gives the error code of its outcome.
    fn refused_bookmark(&self, id: &str, command: Json) -> String {
        self.command(command);
        let state = self.session.lock();
        let fates = serde_json::to_value(state.clients[0].fates()).unwrap();
        let fate = fates.as_array().unwrap().iter().find(|fate| fate["id"] == id).unwrap().clone();
        fate["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    async fn stored_bookmarks(&self) -> String {
        self.commits().await;
        let settings = self.store.load(self.session.id()).await.unwrap().settings;
        settings.into_iter().find(|(name, _)| name == ".bookmarks.a1").map(|(_, value)| value).unwrap_or_default()
    }

    fn joins(&self) -> Vec<BTreeMap<String, String>> {
        let fields = |command: bridge::command::Command| match command.kind {
            CommandKind::JoinRoom { fields, .. } => Some(fields),
            _ => None,
        };
        self.bridge.take().into_iter().filter_map(fields).collect()
    }
}

#[tokio::test]
async fn who_is_ignored_is_not_heard_nor_counted_under_any_name_and_can_be_heard_again() {
    let home = Home::new().await;
    home.tell(vec![EventKind::AccountAdded(account(1)), room(), by("Bob", "one", false)]);
    home.command(json!({ "id": "1", "type": "settings.set", "values": { "ignore.c7": ["Bob"] } }));
    home.tell(vec![by("Bob", "two", true), by("Eva", "three", false), by("bob", "four", false)]);
    assert_eq!(home.counts(), (3, 0, vec!["one".to_owned(), "three".to_owned(), "four".to_owned()]));
    home.tell(vec![renamed("Bob", "Robert"), by("Robert", "five", true)]);
    assert_eq!(home.session.lock().settings["ignore.c7"], json!(["Robert"]));
    // Somebody else takes the name that is free.
    home.tell(vec![by("Bob", "six", true)]);
    assert_eq!((home.counts().0, home.counts().1), (4, 1));
    // Once they are gone, they are known by the name that the user chose: the other one may be anybody's.
    let (joined, changed, renamed) = (Vec::new(), Vec::new(), Vec::new());
    let left = vec!["Robert".to_owned()];
    home.tell(vec![EventKind::RoomMembers { conversation: ROOM, joined, left, changed, renamed, initial: false }]);
    assert_eq!(home.session.lock().settings["ignore.c7"], json!(["Bob"]));
    home.command(json!({ "id": "2", "type": "settings.set", "values": { "ignore.c7": null } }));
    home.tell(vec![by("Robert", "seven", false)]);
    assert_eq!(home.counts().2.last().unwrap(), "seven");
    // Not what the network says, and not in another room or with one person.
    home.command(json!({ "id": "3", "type": "settings.set", "values": { "ignore.c7": ["Eva"], "ignore.c1": ["joe@example.org"] } }));
    home.tell(vec![opened(1), said(1, "heard")]);
    assert_eq!(home.session.lock().conversations[&ConversationId(1)].unread, 1);
    home.commits().await;
    let page = home.store.page(home.session.id(), ROOM, crate::store::Place::Newest, 50).await.unwrap();
    assert!(page.messages.iter().all(|message| message.text != "two" && message.text != "five"), "it is stored");
}

#[tokio::test]
async fn a_bookmark_is_kept_without_its_password_in_sight_and_comes_back() {
    let home = Home::new().await;
    home.talks().await;
    let fields = json!({ "room": "garden", "server": "rooms.example.org", "password": "open sesame" });
    home.command(json!({ "id": "1", "type": "bookmark.add", "account": "a1", "fields": fields, "name": "The garden", "autojoin": true }));
    let shown = home.bookmarks();
    assert_eq!(shown[0]["fields"], json!({ "room": "garden", "server": "rooms.example.org" }), "{shown}");
    assert_eq!((&shown[0]["name"], &shown[0]["autojoin"]), (&json!("The garden"), &json!(true)));
    let stored = home.stored_bookmarks().await;
    assert!(stored.contains("The garden") && !stored.contains("sesame"), "{stored}");
    // The same room once more is a change.
    home.command(json!({ "id": "2", "type": "bookmark.add", "account": "a1", "fields": fields, "name": "Garden" }));
    assert_eq!((home.bookmarks().as_array().unwrap().len(), &home.bookmarks()[0]["autojoin"]), (1, &json!(false)));
    let id = home.bookmarks()[0]["id"].clone();
    home.command(json!({ "id": "3", "type": "bookmark.update", "bookmark": id, "autojoin": true }));
    // As a restart has it.
    let (user, value) = (home.session.id(), home.stored_bookmarks().await);
    let key = home.session.lock().keep.as_ref().unwrap().key.clone();
    let whole = form(&[("password", "open sesame"), ("room", "garden"), ("server", "rooms.example.org")]);
    {
        let mut state = home.session.lock();
        state.bookmarks.clear();
        state.restore_bookmarks(user, &key, ".bookmarks.a9", &value);
        assert!(state.bookmarks.is_empty(), "of an account that there is not");
        state.restore_bookmarks(user, &key, ".bookmarks.a1", &value);
        assert_eq!(state.bookmarks[0].form(), whole);
    }
    // Each sign-on joins it, and nothing else does.
    home.bridge.take();
    let stands = |state| EventKind::AccountState { account: AccountId(1), standing: AccountStanding::plain(state) };
    home.tell(vec![stands(AccountState::Connecting), stands(AccountState::Online), stands(AccountState::Online)]);
    assert_eq!(home.joins(), std::slice::from_ref(&whole));
    // The room that a form turns out to join.
    let full = form(&[("handle", "Ines"), ("password", "open sesame"), ("room", "garden"), ("server", "rooms.example.org")]);
    home.tell(vec![EventKind::RoomRemembered { conversation: ROOM, account: AccountId(1), fields: Some(full) }]);
    assert_eq!(home.bookmarks()[0]["conversation"], "c7");
    home.command(json!({ "id": "4", "type": "room.join", "bookmark": id }));
    assert_eq!(home.joins(), [whole]);
    home.command(json!({ "id": "5", "type": "bookmark.remove", "bookmark": id }));
    assert_eq!((home.bookmarks(), home.stored_bookmarks().await), (json!([]), String::new()));
}

#[tokio::test]
async fn bookmarks_are_checked_bounded_and_go_with_their_account() {
    let home = Home::new().await;
    home.talks().await;
    home.tell(vec![EventKind::AccountAdded(account(2))]);
    let add = |id: &str, account: &str, fields: Json| json!({ "id": id, "type": "bookmark.add", "account": account, "fields": fields });
    for (id, command, code) in [
        ("a", add("a", "a9", json!({ "room": "x" })), "no_such_account"),
        ("b", add("b", "a1", json!({ "evil": "x" })), "no_such_field"),
        ("c", add("c", "a1", json!({ "room": " " })), "missing_field"),
        ("d", add("d", "a1", json!({ "room": "x\r\nQUIT" })), "bad_field"),
        ("e", add("e", "a1", json!({ "room": "x".repeat(4000), "server": "y".repeat(4000) })), "too_long"),
        ("f", json!({ "id": "f", "type": "bookmark.add" }), "missing_field"),
        ("g", json!({ "id": "g", "type": "bookmark.add", "conversation": "c1" }), "not_in_room"),
        ("h", json!({ "id": "h", "type": "bookmark.remove", "bookmark": "b0" }), "no_such_bookmark"),
    ] {
        assert_eq!(home.refused_bookmark(id, command.clone()), code, "{command}");
    }
    for number in 0..200 {
        home.clock.advance(1000);
        let account = if number % 2 == 0 { "a1" } else { "a2" };
        home.command(add(&number.to_string(), account, json!({ "room": format!("r{number}") })));
        home.commits().await;
    }
    assert_eq!(home.refused_bookmark("i", add("i", "a1", json!({ "room": "one more" }))), "limit");
    assert!(!home.stored_bookmarks().await.is_empty());
    home.command(json!({ "id": "away", "type": "account.remove", "account": "a1" }));
    home.tell(vec![EventKind::AccountRemoved { account: AccountId(1) }]);
    assert_eq!((home.bookmarks().as_array().unwrap().len(), home.stored_bookmarks().await), (100, String::new()));
}
