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

    /// Who is ignored goes on being so under another name.
    pub(super) fn ignore_renamed(&mut self, env: &Env<'_>, id: ConversationId, renamed: &[(String, String)]) {
        if renamed.iter().all(|(old, _)| !self.ignores(id, old)) {
            return;
        }
        let mut list: Vec<String> = names(&self.settings, id).map(str::to_owned).collect();
        for (old, new) in renamed {
            if let Some(at) = list.iter().position(|known| known == old) {
                list.remove(at);
                if !list.contains(new) {
                    list.insert(at, new.clone());
                }
            }
        }
        let values = [(format!("{IGNORED}{id}"), Value::from(list))].into_iter().collect();
        // Where the settings have no room, the one before stays.
        let _ = self.set_settings(env, None, values);
    }
}
