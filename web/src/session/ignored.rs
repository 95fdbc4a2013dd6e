//! People in rooms of whom the user wants to hear nothing: a setting of the room, read here before a line counts. Pure but for the setting.

use super::state::{Env, State};
use crate::store::IGNORED;
use bridge::id::ConversationId;
use serde_json::{Map, Value};

/// People of one room.
const MOST: usize = 500;

fn names(settings: &Map<String, Value>, id: ConversationId) -> impl Iterator<Item = &str> {
    let list = settings.get(&format!("{IGNORED}{id}")).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().take(MOST).filter_map(Value::as_str)
}

impl State {
    /// Whether the user wants to hear nothing of somebody in a room.
    pub(super) fn ignores(&self, id: ConversationId, name: &str) -> bool {
        // Nearly nobody ignores anybody.
        !name.is_empty() && names(&self.settings, id).any(|known| known == name)
    }

    /// Somebody who is ignored stays so under another name.
    pub(super) fn ignore_renamed(&mut self, env: &Env<'_>, id: ConversationId, renamed: &[(String, String)]) {
        if renamed.iter().all(|(old, _)| !self.ignores(id, old)) {
            return;
        }
        let mut list: Vec<String> = names(&self.settings, id).map(str::to_owned).collect();
        let ignored_as = &mut self.seldom.get_or_insert_default().ignored_as;
        for (old, new) in renamed {
            if let Some(at) = list.iter().position(|known| known == old) {
                let chosen = ignored_as.remove(&(id, old.clone())).unwrap_or_else(|| old.clone());
                list.remove(at);
                if !list.contains(new) {
                    list.insert(at, new.clone());
                    if chosen != *new {
                        ignored_as.insert((id, new.clone()), chosen);
                    }
                }
            }
        }
        self.set_ignored(env, id, list);
    }

    /// People who are ignored under another name have left: the list has the name that the user chose again, since somebody else may take
    /// the other one. `None`: all have left, and the room tells its people anew.
    pub(super) fn ignored_left(&mut self, env: &Env<'_>, id: ConversationId, left: Option<&[String]>) {
        let Some(seldom) = self.seldom.as_mut().filter(|seldom| !seldom.ignored_as.is_empty()) else { return };
        let is_gone = |name: &String| left.is_none_or(|left| left.contains(name));
        let gone: Vec<_> = seldom.ignored_as.extract_if(.., |(room, name), _| *room == id && is_gone(name)).collect();
        let mut list: Vec<String> = names(&self.settings, id).map(str::to_owned).collect();
        let before = list.clone();
        for ((_, name), chosen) in gone {
            if let Some(at) = list.iter().position(|known| *known == name) {
                list.remove(at);
                if !list.contains(&chosen) {
                    list.insert(at, chosen);
                }
            }
        }
        if list != before {
            self.set_ignored(env, id, list);
        }
    }

    fn set_ignored(&mut self, env: &Env<'_>, id: ConversationId, list: Vec<String>) {
        let values = [(format!("{IGNORED}{id}"), Value::from(list))].into_iter().collect();
        // Where the settings have no room, the one before stays.
        let _ = self.set_settings(env, None, values);
    }
}
