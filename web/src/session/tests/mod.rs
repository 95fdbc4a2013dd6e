//! The rules of a session, against an injected clock and a bridge that is only its two channels.

mod again;
mod arranged;
mod commands;
mod content;
mod crowds;
mod delivery;
mod door;
mod floods;
mod forged;
pub(crate) mod kept;
mod lifetime;
mod locks;
mod owed;
mod past;
mod people;
mod pictures;
mod polls;
mod profiles;
mod protocols;
mod replay;
mod rooms;
mod searches;
mod streams;

use super::clock::tests::ManualClock;
use super::*;
use crate::store::Place;
use bridge::command::{Command as BridgeCommand, CommandKind, Origin};
use bridge::event::{Event as BridgeEvent, EventKind};
use bridge::handle::{BridgeHandle, Catalogue, Detached};
use bridge::id::*;
use bridge::model::*;
use bridge::time::Timestamp;
use futures_util::FutureExt;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;

/// A hub with one guest, and the other ends of everything.
pub(crate) struct Site {
    pub(crate) hub: Arc<Hub>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) bridge: Detached,
    pub(crate) login: Login,
    pub(crate) session: Arc<Session>,
}

pub(crate) fn catalogue() -> Catalogue {
    let option = |key: &str, kind, default, choices: &[&str]| ProtocolOption {
        key: key.into(),
        label: key.into(),
        kind,
        default,
        masked: false,
        choices: choices.iter().map(|value| Choice { value: (*value).into(), label: (*value).into() }).collect(),
    };
    let protocol = Protocol {
        id: "prpl-jabber".into(),
        name: "XMPP".into(),
        icon: "jabber".into(),
        username: UsernameForm {
            label: "Username".into(),
            splits: vec![
                Split { label: "Domain".into(), default: "example.org".into(), separator: "@".into() },
                Split { label: "Resource".into(), default: String::new(), separator: "/".into() },
            ],
        },
        password: PasswordNeed::Required,
        options: vec![
            option("port", OptionType::Int, Value::Int(5222), &[]),
            option("connection_security", OptionType::Choice, Value::Text("require_tls".into()), &["require_tls", "none"]),
            option("auth_plain_in_clear", OptionType::Bool, Value::Bool(false), &[]),
        ],
        room_fields: [("room", "Room", false), ("server", "Server", false), ("password", "Password", true)]
            .map(|(key, label, masked)| RoomField {
                key: key.into(),
                label: label.into(),
                kind: "string".into(),
                required: !masked,
                masked,
                default: String::new(),
            })
            .to_vec(),
        statuses: Vec::new(),
        features: Default::default(),
        icon_spec: None,
    };
    Catalogue { protocols: vec![protocol], plugins: Vec::new(), version: "2.14".into() }
}

pub(crate) fn network() -> Network {
    serde_json::from_value(json!({ "protocol": "prpl-jabber", "username": "ines@example.org", "password": "secret" })).unwrap()
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(SessionConfig { hold_ms: 60, ..SessionConfig::default() })
    }

    pub(crate) fn with(config: SessionConfig) -> Self {
        Self::with_room(config, 1000)
    }

    pub(crate) fn with_room(config: SessionConfig, capacity: usize) -> Self {
        let (handle, bridge) = BridgeHandle::detached(capacity, catalogue());
        let clock = Arc::new(ManualClock::default());
        let hub = Hub::new(Arc::new(handle), config, clock.clone());
        let mut login = hub.open_guest(network(), bridge::id::PersonId(1)).unwrap();
        let session = hub.authenticate(&login.token).unwrap();
        assert!(matches!(bridge.take().as_slice(), [BridgeCommand { kind: CommandKind::AddAccount { .. }, .. }]));
        // The account that everything here belongs to.
        login.account = AccountId(1);
        session.lock().accounts.iter_mut().for_each(|account| account.id = login.account);
        Self { hub, clock, bridge, login, session }
    }

    /// Signs out by this token. Of guests that waits for nothing.
    pub(crate) fn logout(&self, token: &str) {
        let (session, hash) = self.hub.recognise(token).unwrap();
        self.hub.logout(&session, &hash).now_or_never().unwrap();
    }

    /// A page of history. Of guests that waits for nothing.
    pub(crate) fn history(&self, conversation: &str, place: Place, limit: usize) -> Result<bytes::Bytes, crate::api::ApiError> {
        self.hub.history(&self.session, conversation, place, limit).now_or_never().unwrap()
    }

    pub(crate) fn attach(&self, client: &str) -> Json {
        serde_json::from_slice(&self.hub.attach(&self.session, client).unwrap()).unwrap()
    }

    pub(crate) fn snapshot(&self) -> Json {
        self.attach("looker")["snapshot"].take()
    }

    /// The bridge tells.
    pub(crate) fn tell(&self, kinds: impl IntoIterator<Item = EventKind>) {
        self.tell_from(None, kinds);
    }

    pub(crate) fn tell_from(&self, origin: Option<Origin>, kinds: impl IntoIterator<Item = EventKind>) {
        let user = self.session.id();
        self.hub.take_batch(kinds.into_iter().map(|kind| BridgeEvent { user, origin: origin.clone(), kind }).collect());
    }

    pub(crate) fn query(&self, client: &str, after: u64, n: Option<u64>) -> PollQuery {
        PollQuery { client: client.into(), epoch: self.session.epoch.to_string(), after, n }
    }

    pub(crate) async fn poll(&self, client: &str, after: u64) -> Json {
        let query = self.query(client, after, None);
        let polled = tokio::time::timeout(Duration::from_secs(10), self.hub.poll(&self.session, &query)).await;
        serde_json::from_slice(&polled.expect("the poll hangs").unwrap().0).unwrap()
    }

    /// Begins a poll in the background and waits until it is parked.
    pub(crate) async fn park(&self, client: &str, after: u64, n: Option<u64>) -> tokio::task::JoinHandle<Json> {
        let (hub, session, query) = (self.hub.clone(), self.session.clone(), self.query(client, after, n));
        let before = self.hub.counters().polls_parked.get();
        let task = tokio::spawn(async move { serde_json::from_slice(&hub.poll(&session, &query).await.unwrap().0).unwrap() });
        let parked = async {
            while self.hub.counters().polls_parked.get() == before {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), parked).await.expect("the poll does not park");
        task
    }

    pub(crate) fn post(&self, client: &str, commands: Json) -> (u16, Json) {
        let body = json!({ "client": client, "commands": commands }).to_string();
        match self.hub.perform(&self.session, body.as_bytes()) {
            Ok((status, answer)) => (status.as_u16(), serde_json::to_value(answer).unwrap()),
            Err(error) => (error.status.as_u16(), json!({ "error": error.body() })),
        }
    }

    /// One command that has to be taken; what the bridge gets of it.
    pub(crate) fn accept(&self, client: &str, id: &str, command: Json) -> Option<CommandKind> {
        let (status, answer) = self.post_one(client, id, command);
        assert_eq!((status, &answer["accepted"]), (202, &json!([id])), "{answer}");
        self.bridge.take().pop().map(|command| command.kind)
    }

    /// One command that has to be refused; the error.
    pub(crate) fn refuse(&self, client: &str, id: &str, command: Json) -> Json {
        let (_, mut answer) = self.post_one(client, id, command);
        assert_eq!(answer["rejected"][0]["id"], id, "{answer}");
        assert!(self.bridge.take().is_empty(), "a refused command reached the bridge");
        answer["rejected"][0]["error"].take()
    }

    fn post_one(&self, client: &str, id: &str, mut command: Json) -> (u16, Json) {
        command["id"] = id.into();
        self.post(client, json!([command]))
    }
}

pub(crate) fn account(id: u64) -> Account {
    let standing = AccountStanding::plain(AccountState::Online);
    guest::new_account(AccountId(id), "prpl-jabber".into(), format!("user{id}@example.org"), standing, &Status::default())
}

pub(crate) fn conversation(id: u64, kind: ConversationKind) -> Conversation {
    Conversation {
        id: ConversationId(id),
        account: AccountId(1),
        kind,
        name: format!("name{id}"),
        title: format!("Name {id}"),
        buddy: None,
        topic: None,
        members: (kind == ConversationKind::Room).then(Vec::new),
        joined: None,
        nick: None,
        blocked: false,
    }
}

pub(crate) fn message(kind: MessageKind, html: &str) -> Message {
    Message {
        kind,
        from: Author { name: "joe@example.org".into(), alias: None, buddy: None, own: kind == MessageKind::Sent },
        time: Timestamp(1_795_377_600_000),
        html: html.into(),
        delayed: false,
        highlight: false,
        auto_reply: false,
        remote: false,
        topic: false,
        server_id: None,
        reference: None,
        pictures: Vec::new(),
    }
}

pub(crate) fn said(conversation: u64, html: &str) -> EventKind {
    EventKind::MessageAdded { conversation: ConversationId(conversation), message: message(MessageKind::Received, html) }
}

pub(crate) fn opened(id: u64) -> EventKind {
    EventKind::ConversationOpened(conversation(id, ConversationKind::Im))
}

pub(crate) fn typing(conversation: u64, state: TypingState) -> EventKind {
    EventKind::Typing { conversation: ConversationId(conversation), who: "joe@example.org".into(), state }
}

pub(crate) fn buddy(id: u64, group: &str) -> Buddy {
    Buddy {
        id: BuddyId(id),
        account: AccountId(1),
        name: format!("buddy{id}@example.org"),
        alias: String::new(),
        server_alias: None,
        group: group.into(),
        contact: BuddyId(id).to_string(),
        status: StatusKind::Available,
        status_message: None,
        idle_since: None,
        icon: None,
        blocked: false,
        features: Vec::new(),
    }
}

/// The `type`s of an answer's events.
pub(crate) fn types(answer: &Json) -> Vec<&str> {
    answer["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
}
