//! Keeps bookmarks of rooms, by account, and asks for a join at each sign-on where the user wants it. Joins nothing itself (see `chores`).

use super::perform::error;
use super::state::{Env, State};
use super::translate::unknown;
use super::{Hub, Session, SessionConfig};
use crate::secret::DataKey;
use crate::store::{BOOKMARKS, Sealed, Write};
use crate::wire::{self, BookmarkAdd, BookmarkUpdate, ErrorBody, EventBody};
use bridge::command::{CommandKind, Origin};
use bridge::event::Outcome;
use bridge::id::{AccountId, ConversationId, UserId};
use bridge::model::Protocol;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bookmarks of a user.
const MOST: usize = 200;
/// Fields of a form, and bytes of all of them and of the name.
const FIELDS: usize = 20;
const BYTES: usize = 4 << 10;

/// A room by the form that joins it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bookmark {
    pub(super) id: String,
    pub(super) account: AccountId,
    name: String,
    fields: BTreeMap<String, String>,
    /// Fields that nobody is to read: a room's password.
    secrets: BTreeMap<String, String>,
    pub(super) autojoin: bool,
    conversation: Option<ConversationId>,
}

/// A bookmark as it is stored: secrets are sealed under the user's key, and written in hex.
#[derive(Serialize, Deserialize)]
struct Row {
    id: String,
    name: String,
    fields: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    sealed: BTreeMap<String, String>,
    #[serde(default)]
    autojoin: bool,
    #[serde(default)]
    conversation: Option<ConversationId>,
}

fn at(code: &str, field: &str, message: impl Into<String>) -> ErrorBody {
    ErrorBody { field: Some(field.to_owned()), ..error(code, message) }
}

fn purpose(id: &str, key: &str) -> String {
    format!("bookmark:{id}:{key}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    bytes.collect()
}

impl Bookmark {
    pub(super) fn wire(&self) -> wire::Bookmark {
        let Self { id, account, name, fields, autojoin, conversation, .. } = self.clone();
        wire::Bookmark { id, account, name, fields, autojoin, conversation }
    }

    /// Bytes of the bookmark's texts.
    pub(super) fn bytes(&self) -> usize {
        self.name.len() + self.fields.iter().chain(&self.secrets).map(|(key, value)| key.len() + value.len()).sum::<usize>()
    }

    /// The form that joins the room, secrets included.
    pub(super) fn form(&self) -> BTreeMap<String, String> {
        self.fields.iter().chain(&self.secrets).map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Whether this form joins the bookmark's room: each field of the bookmark has the same value in it.
    fn fits(&self, form: &BTreeMap<String, String>) -> bool {
        !self.fields.is_empty() && self.fields.iter().all(|(key, value)| form.get(key) == Some(value))
    }

    fn row(&self, user: UserId, key: &DataKey) -> Row {
        let seal = |(field, value): (&String, &String)| {
            let sealed = key.seal(user, self.account, &purpose(&self.id, field), value.as_bytes()).ok()?;
            Some((field.clone(), hex(&sealed.0)))
        };
        Row {
            id: self.id.clone(),
            name: self.name.clone(),
            fields: self.fields.clone(),
            sealed: self.secrets.iter().filter_map(seal).collect(),
            autojoin: self.autojoin,
            conversation: self.conversation,
        }
    }

    fn read(row: Row, user: UserId, account: AccountId, key: &DataKey) -> Self {
        let Row { id, name, fields, sealed, autojoin, conversation } = row;
        let open = |(field, text): (String, String)| {
            let plain = key.open(user, account, &purpose(&id, &field), &Sealed(unhex(&text)?))?;
            Some((field, std::str::from_utf8(&plain).ok()?.to_owned()))
        };
        let secrets = sealed.into_iter().filter_map(open).collect();
        Self { id, account, name, fields, secrets, autojoin, conversation }
    }
}

/// Divides a form into the fields that may be shown and the masked ones.
fn divided(protocol: Option<&Protocol>, form: BTreeMap<String, String>) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let open = |key: &String| protocol.is_some_and(|protocol| protocol.room_fields.iter().any(|field| field.key == *key && !field.masked));
    form.into_iter().filter(|(_, value)| !value.is_empty()).partition(|(key, _)| open(key))
}

/// Checks a form that a browser sends.
fn check(protocol: Option<&Protocol>, form: &BTreeMap<String, String>) -> Result<(), ErrorBody> {
    let declared = protocol.map(|protocol| protocol.room_fields.as_slice()).unwrap_or_default();
    if declared.is_empty() {
        return Err(error("not_supported", "This network has no rooms."));
    }
    if let Some(key) = form.keys().find(|key| !declared.iter().any(|field| field.key == **key)) {
        return Err(at("no_such_field", &format!("fields.{key}"), "This network's rooms have no such field."));
    }
    if let Some((key, _)) = form.iter().find(|(_, value)| !bridge::text::is_one_line(value)) {
        return Err(at("bad_field", &format!("fields.{key}"), "Write this on one line, without control characters."));
    }
    let first = declared.iter().find(|field| field.required).or(declared.first());
    match first.filter(|field| form.get(&field.key).is_none_or(|value| value.trim().is_empty())) {
        Some(field) => Err(at("missing_field", &format!("fields.{}", field.key), format!("Please fill in: {}.", field.label))),
        None => Ok(()),
    }
}

impl Hub {
    /// `bookmark.add`: of a room that the user is in, or by a form.
    pub(super) fn add_bookmark(
        &self,
        session: &Session,
        state: &mut State,
        env: &Env<'_>,
        origin: &Origin,
        add: BookmarkAdd,
    ) -> Result<Option<Outcome>, ErrorBody> {
        let (account, form, conversation, title) = match (add.conversation, add.account) {
            (Some(id), _) => {
                let conv = state.open_conversation(id).ok_or_else(|| unknown("conversation"))?;
                let (account, title) = (conv.base.account, conv.base.title.clone());
                let rooms = self.networks().account(session.id(), account).map(|made| made.settings.before.rooms).unwrap_or_default();
                let form = rooms.into_iter().find(|(room, _)| *room == id).map(|(_, form)| form);
                let out = || at("not_in_room", "conversation", "You are not in this room. Join it first.");
                (account, form.ok_or_else(out)?, Some(id), title)
            }
            (None, Some(account)) => (account, add.fields, None, String::new()),
            (None, None) => return Err(at("missing_field", "account", "Give either `conversation`, or `account` and `fields`.")),
        };
        let known = state.accounts.iter().find(|known| known.id == account).ok_or_else(|| unknown("account"))?;
        let protocol = self.networks().catalogue().protocols.iter().find(|protocol| protocol.id == known.protocol);
        if conversation.is_none() {
            check(protocol, &form)?;
        }
        let first = protocol.and_then(|protocol| protocol.room_fields.iter().find(|field| field.required));
        let first = first.and_then(|field| form.get(&field.key)).cloned().unwrap_or_default();
        let name = add.name.filter(|name| !name.trim().is_empty()).unwrap_or(if title.is_empty() { first } else { title });
        let (fields, secrets) = divided(protocol, form);
        let bookmark =
            Bookmark { id: String::new(), account, name, fields, secrets, autojoin: add.autojoin.unwrap_or(false), conversation };
        state.put_bookmark(env, origin, bookmark).map(|id| Some(Outcome::Bookmark(id)))
    }
}

impl State {
    /// Adds a bookmark, or takes it for a change of the one that its room has.
    fn put_bookmark(&mut self, env: &Env<'_>, origin: &Origin, mut new: Bookmark) -> Result<String, ErrorBody> {
        new.name = new.name.trim().to_owned();
        let texts = new.fields.iter().chain(&new.secrets).map(|(key, value)| key.len() + value.len()).sum::<usize>();
        if new.fields.len() + new.secrets.len() > FIELDS || texts + new.name.len() > BYTES {
            return Err(at("too_long", "fields", format!("A bookmark has at most {FIELDS} fields, and {BYTES} bytes in all.")));
        }
        let same = |known: &&mut Bookmark| {
            let room = known.conversation.is_some() && known.conversation == new.conversation;
            known.account == new.account && (room || known.fields == new.fields)
        };
        let account = new.account;
        if let Some(known) = self.bookmarks.iter_mut().find(same) {
            new.id.clone_from(&known.id);
            new.conversation = new.conversation.or(known.conversation);
            *known = new;
            let bookmark = known.wire();
            let id = bookmark.id.clone();
            self.keep_bookmarks(account);
            self.emit(env, Some(origin), EventBody::BookmarkUpdated { account, bookmark });
            return Ok(id);
        }
        if self.bookmarks.len() >= MOST {
            return Err(error("limit", format!("At most {MOST} bookmarks are kept.")));
        }
        let number = getrandom::u64().map_err(|_| error("unavailable", "The server cannot do this right now."))?;
        new.id = format!("b{number:016x}");
        let bookmark = new.wire();
        let id = new.id.clone();
        self.bookmarks.push(new);
        self.keep_bookmarks(account);
        self.emit(env, Some(origin), EventBody::BookmarkAdded { account, bookmark });
        Ok(id)
    }

    /// `bookmark.update`: what is given is changed.
    pub(super) fn update_bookmark(&mut self, env: &Env<'_>, origin: &Origin, update: BookmarkUpdate) -> Result<(), ErrorBody> {
        let known = self.bookmarks.iter_mut().find(|known| known.id == update.bookmark).ok_or_else(|| unknown("bookmark"))?;
        let before = known.wire();
        if let Some(name) = update.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()) {
            if name.len() > BYTES {
                return Err(at("too_long", "name", format!("A name has at most {BYTES} bytes.")));
            }
            known.name = name;
        }
        known.autojoin = update.autojoin.unwrap_or(known.autojoin);
        let (account, bookmark) = (known.account, known.wire());
        if bookmark != before {
            self.keep_bookmarks(account);
        }
        self.emit(env, Some(origin), EventBody::BookmarkUpdated { account, bookmark });
        Ok(())
    }

    /// `bookmark.remove`
    pub(super) fn remove_bookmark(&mut self, env: &Env<'_>, origin: &Origin, id: &str) -> Result<(), ErrorBody> {
        let place = self.bookmarks.iter().position(|known| known.id == id).ok_or_else(|| unknown("bookmark"))?;
        let Bookmark { account, id, .. } = self.bookmarks.remove(place);
        self.keep_bookmarks(account);
        self.emit(env, Some(origin), EventBody::BookmarkRemoved { account, bookmark: id });
        Ok(())
    }

    /// A room is joined by a form: the first bookmark that the form fits is of this room.
    pub(super) fn bookmark_found(&mut self, env: &Env<'_>, account: AccountId, id: ConversationId, form: &BTreeMap<String, String>) {
        let news = |known: &&mut Bookmark| known.account == account && known.conversation != Some(id) && known.fits(form);
        let Some(known) = self.bookmarks.iter_mut().find(news) else { return };
        known.conversation = Some(id);
        let bookmark = known.wire();
        self.keep_bookmarks(account);
        self.emit(env, None, EventBody::BookmarkUpdated { account, bookmark });
    }

    /// An account is signed on: the rooms that are to be joined then.
    pub(super) fn join_bookmarks(&mut self, config: &SessionConfig, account: AccountId) {
        let only_open = self.conversations_full(config);
        let wanted = self.bookmarks.iter().filter(|known| known.account == account && known.autojoin);
        let joins: Vec<_> = wanted.map(|known| CommandKind::JoinRoom { account, fields: known.form(), only_open }).collect();
        self.chores.extend(joins);
    }

    /// Writes down the bookmarks of an account.
    pub(super) fn keep_bookmarks(&mut self, account: AccountId) {
        let Some(keep) = self.keep.as_ref().filter(|keep| !keep.passing.contains(&account)) else { return };
        let mine = self.bookmarks.iter().filter(|known| known.account == account);
        let rows: Vec<Row> = mine.map(|known| known.row(keep.user, &keep.key)).collect();
        let value = if rows.is_empty() { None } else { serde_json::to_string(&rows).ok() };
        self.write(|user| Write::Setting { user, key: format!("{BOOKMARKS}{account}"), value });
    }

    /// Takes in what [`State::keep_bookmarks`] wrote. Does nothing for an account that is not there.
    pub(super) fn restore_bookmarks(&mut self, user: UserId, key: &DataKey, name: &str, value: &str) {
        let Some(account) = name.strip_prefix(BOOKMARKS).and_then(|id| id.parse().ok()).filter(|id| self.has(*id)) else { return };
        let rows: Vec<Row> = serde_json::from_str(value).unwrap_or_default();
        let room = MOST.saturating_sub(self.bookmarks.len());
        self.bookmarks.extend(rows.into_iter().take(room).map(|row| Bookmark::read(row, user, account, key)));
    }
}
