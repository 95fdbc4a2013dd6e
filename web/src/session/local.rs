//! Commands that need no network: how tabs are looked at, what is read, how groups are arranged, settings; all take effect at once.

use super::again::GivenUp;
use super::perform::error;
use super::state::{Env, State};
use super::{Hub, Session};
use crate::store::Write;
use crate::wire::{BookmarkAdd, BookmarkUpdate, ClientState, ErrorBody, EventBody, HistorySet, SearchOpen, SearchSave};
use bridge::command::{CommandKind, Origin};
use bridge::event::Outcome;
use bridge::id::{ConversationId, NoticeId};
use serde_json::{Map, Value};
use std::sync::Arc;

/// What is to be done here.
pub(crate) enum Local {
    ClientState {
        client: String,
        state: ClientState,
    },
    Read {
        conversation: ConversationId,
        upto: Option<u64>,
    },
    Group {
        name: String,
        order: Option<i64>,
        collapsed: Option<bool>,
    },
    Settings(Map<String, Value>),
    /// A notice of the server's own is closed.
    OwnNotice(NoticeId),
    /// Bookmarks.
    AddBookmark(BookmarkAdd),
    UpdateBookmark(BookmarkUpdate),
    RemoveBookmark(String),
    /// Searches that wait for what is said.
    OpenSearch(SearchOpen),
    CloseSearch(String),
    SaveSearch(SearchSave),
    SeeSearch(String),
    RemoveSearch(String),
    /// Retention of messages.
    History(HistorySet),
    /// A line that waits, or whose fate is bad or unknown, is given up.
    Cancel(GivenUp),
    /// Messages are deleted.
    DeleteHistory {
        conversation: ConversationId,
        whole: bool,
    },
}

impl Local {
    /// Makes no sense while nothing can be stored.
    pub(super) fn needs_store(&self) -> bool {
        let bookmark = matches!(self, Self::AddBookmark(_) | Self::UpdateBookmark(_) | Self::RemoveBookmark(_));
        let search = matches!(self, Self::SaveSearch(_) | Self::RemoveSearch(_));
        bookmark || search || matches!(self, Self::Group { .. } | Self::Settings(_) | Self::History(_) | Self::DeleteHistory { .. })
    }
}

impl Hub {
    /// Does it; events tell the other tabs. `None`: the store is asked first, and the command ends by itself.
    pub(crate) fn run_local(
        self: &Arc<Self>,
        session: &Arc<Session>,
        state: &mut State,
        env: &Env<'_>,
        origin: &Origin,
        local: Local,
    ) -> Option<Result<Option<Outcome>, ErrorBody>> {
        if local.needs_store() && state.lacks_store() {
            return Some(Err(super::keep::unavailable()));
        }
        let outcome = match local {
            Local::History(set) => state.set_history(env, origin, set).map(|()| None),
            Local::Cancel(of) => match state.line(env, of.conversation, of.number) {
                Some(message) => self.give_up(session, state, env, origin, of, &message),
                None => return self.seek_line(session, state, origin, of),
            },
            Local::DeleteHistory { conversation, whole } => {
                state.delete_history(env, origin, conversation, whole);
                self.do_chores(session.id, state);
                Ok(None)
            }
            Local::ClientState { client, state: report } => {
                state.tab_reported(env, &client, &report);
                let focus = state.focus(&client);
                if state.life.focus_told != focus && self.tell(session.id, CommandKind::SetFocus { conversation: focus }) {
                    state.life.focus_told = focus;
                }
                Ok(None)
            }
            Local::Read { conversation, upto } => {
                if state.conversations.get_mut(&conversation).is_some_and(|conv| conv.mark_read(upto)) {
                    state.emit_read(env, Some(origin), conversation);
                }
                Ok(None)
            }
            Local::Group { name, order, collapsed } => {
                state.arrange(env, origin, &name, order, collapsed);
                Ok(None)
            }
            Local::OwnNotice(notice) => {
                state.notice_closed(env, Some(origin), notice);
                Ok(None)
            }
            Local::AddBookmark(add) => self.add_bookmark(session, state, env, origin, add),
            Local::UpdateBookmark(update) => state.update_bookmark(env, origin, update).map(|()| None),
            Local::RemoveBookmark(id) => state.remove_bookmark(env, origin, &id).map(|()| None),
            Local::OpenSearch(asked) => match (state.expect_search(origin, &asked), state.lacks(&asked)) {
                (Ok(number), Some(id)) => {
                    let outcome =
                        self.seek_conversation(session, state, origin, id, move |state, _, _, found| state.open_search(number, found));
                    // Refused at once: the place is given up.
                    state.open_search(number, outcome?.map(|_| ()))
                }
                (Ok(number), None) => state.open_search(number, Ok(())),
                (Err(error), _) => Err(error),
            },
            Local::CloseSearch(id) => state.close_search(&id).map(|()| None),
            Local::SaveSearch(save) => match state.lacks(&save.search) {
                Some(id) => {
                    return self.seek_conversation(session, state, origin, id, move |state, env, origin, found| {
                        found.and_then(|()| state.save_search(env, origin, save))
                    });
                }
                None => state.save_search(env, origin, save),
            },
            Local::SeeSearch(id) => state.see_search(env, origin, &id).map(|()| None),
            Local::RemoveSearch(id) => state.remove_search(env, origin, &id).map(|()| None),
            Local::Settings(values) => state.set_settings(env, Some(origin), values).map(|()| None),
        };
        Some(outcome)
    }
}

impl State {
    fn tab_reported(&mut self, env: &Env<'_>, client: &str, report: &ClientState) {
        let idle_ms = report.idle_seconds.saturating_mul(1000);
        let idle = env.config.idle_after_ms > 0 && idle_ms >= env.config.idle_after_ms;
        let focused = report.focused.filter(|id| self.conversations.get(id).is_some_and(|conv| conv.open));
        let Some(client) = self.client(client) else { return };
        client.hidden = report.hidden;
        client.focused = focused;
        let was_idle = client.idle_since.is_some();
        client.idle_since = idle.then(|| env.now.saturating_sub(idle_ms));
        if was_idle != idle {
            // Each account may have to tell its network.
            self.commands.charge(self.accounts.len() as u64);
        }
    }

    /// What the user looks at: in the tab that spoke last, or else in any other that can be seen.
    fn focus(&self, speaker: &str) -> Option<ConversationId> {
        let seen = || self.clients.iter().filter(|client| !client.hidden);
        seen().find(|client| &*client.id == speaker).and_then(|client| client.focused).or_else(|| seen().find_map(|client| client.focused))
    }

    fn arrange(&mut self, env: &Env<'_>, origin: &Origin, name: &str, order: Option<i64>, collapsed: Option<bool>) {
        let Some(at) = self.groups.iter().position(|group| *group.name == *name) else { return };
        let Some(group) = self.groups.get_mut(at) else { return };
        group.order = order.unwrap_or(group.order);
        group.collapsed = collapsed.unwrap_or(group.collapsed);
        let group = group.wire();
        self.keep_group(at);
        self.emit(env, Some(origin), EventBody::GroupUpdated { group });
    }

    /// Merges settings by key; `null` takes one away. All or nothing, and one event.
    pub(super) fn set_settings(&mut self, env: &Env<'_>, origin: Option<&Origin>, mut values: Map<String, Value>) -> Result<(), ErrorBody> {
        let size = |key: &str, value: &Value| if value.is_null() { 0 } else { key.len() + value.to_string().len() };
        let (most_keys, most_bytes) = (env.config.settings_keys, env.config.settings_bytes);
        let refused = |code, message: String| ErrorBody { field: Some("values".to_owned()), ..error(code, message) };
        if most_keys > 0 && values.len() > most_keys {
            return Err(refused("limit", format!("At most {most_keys} settings at once (limits.settings_keys).")));
        }
        values.retain(|key, value| self.settings.get(key).unwrap_or(&Value::Null) != value);
        let (mut keys, mut bytes) = (self.settings.len(), self.settings_bytes);
        for (key, value) in &values {
            let old = self.settings.get(key);
            keys = keys + usize::from(!value.is_null()) - usize::from(old.is_some());
            bytes = bytes + size(key, value) - old.map_or(0, |old| size(key, old));
        }
        if most_keys > 0 && keys > most_keys && keys > self.settings.len() {
            return Err(refused("limit", format!("At most {most_keys} settings are kept (limits.settings_keys).")));
        }
        if most_bytes > 0 && bytes > most_bytes {
            return Err(refused("too_large", format!("Settings take at most {most_bytes} bytes in all (limits.settings_bytes).")));
        }
        if values.is_empty() {
            return Ok(());
        }
        self.settings_bytes = bytes;
        for (key, value) in &values {
            if value.is_null() {
                self.settings.remove(key);
            } else {
                self.settings.insert(key.clone(), value.clone());
            }
            let stored = (!value.is_null()).then(|| value.to_string());
            if stored.is_none() || !self.is_passing_setting(key) {
                self.write(|user| Write::Setting { user, key: key.clone(), value: stored });
            }
        }
        self.emit(env, origin, EventBody::Settings { values });
        Ok(())
    }
}
