//! Keeps what the user has arranged around things of networks: groups, drafts, mutes; and forgets it with them. Sends nothing to networks.

use super::bounds::MOST_GROUPS;
use super::state::{Env, GroupPlace, State};
use crate::store::{GroupRow, Write, id_in_key, keys_of};
use crate::wire::EventBody;
use bridge::command::CommandKind;
use bridge::id::{AccountId, ConversationId};
use serde_json::{Map, Value};

/// Groups without buddies that are remembered.
const MOST_EMPTY_GROUPS: usize = 200;

impl State {
    /// Writes down how the user arranged a group, by its place in the list. One that nobody arranged has no row.
    pub(super) fn keep_group(&mut self, at: usize) {
        let Some(group) = self.groups.get(at) else { return };
        let (name, plain) = (group.name.to_string(), group.is_plain());
        let (order, collapsed) = (group.order, group.collapsed);
        self.write(|user| if plain { Write::GroupRemoved { user, name } } else { Write::Group(user, GroupRow { name, order, collapsed }) });
    }

    /// Writes down all groups.
    pub(super) fn keep_groups(&mut self) {
        (0..self.groups.len()).for_each(|at| self.keep_group(at));
    }

    /// A group is gone for good.
    pub(super) fn forget_group(&mut self, at: usize) {
        if at >= self.groups.len() {
            return;
        }
        let group = self.groups.swap_remove(at);
        if !group.is_plain() {
            self.write(|user| Write::GroupRemoved { user, name: group.name.into() });
        }
    }

    fn forget_groups(&mut self, mut wanted: impl FnMut(&GroupPlace) -> bool) {
        for at in (0..self.groups.len()).rev() {
            if self.groups.get(at).is_some_and(&mut wanted) {
                self.forget_group(at);
            }
        }
    }

    /// No more groups without buddies are remembered than may be.
    pub(super) fn bound_groups(&mut self) {
        let mut over = self.groups.iter().filter(|group| group.buddies == 0).count().saturating_sub(MOST_EMPTY_GROUPS);
        self.forget_groups(|group| {
            let goes = over > 0 && group.buddies == 0;
            over -= usize::from(goes);
            goes
        });
    }

    /// The account of groups is gone for good: nobody comes back to those that have no buddies.
    pub(super) fn forget_empty_groups(&mut self) {
        self.forget_groups(|group| group.buddies == 0);
    }

    /// A command is taken that takes groups away, or names them otherwise: their arrangement goes with them, or along.
    pub(super) fn groups_go(&mut self, kind: &CommandKind) {
        let (from, to) = match kind {
            CommandKind::RemoveGroup { name } => (name, None),
            CommandKind::RenameGroup { from, to } if from != to => (from, Some(to)),
            _ => return,
        };
        let Some(group) = self.groups.iter_mut().find(|group| *group.name == **from) else { return };
        group.goes = true;
        let (order, collapsed, plain) = (group.order, group.collapsed, group.is_plain());
        if let Some(to) = to
            && !plain
            && self.groups.len() < MOST_GROUPS
            && !self.groups.iter().any(|group| *group.name == **to)
        {
            self.groups.push(GroupPlace::arranged(to, order, collapsed));
            self.keep_group(self.groups.len() - 1);
        }
    }

    /// Conversations, and an account, are gone for good, and the settings about them.
    pub(super) fn forget_settings(&mut self, env: &Env<'_>, conversations: &[ConversationId], account: Option<AccountId>) {
        let mut values = Map::new();
        for key in conversations.iter().flat_map(keys_of).chain(account.into_iter().flat_map(keys_of)) {
            if let Some(old) = self.settings.remove(&key) {
                self.settings_bytes = self.settings_bytes.saturating_sub(key.len() + old.to_string().len());
                self.write(|user| Write::Setting { user, key: key.clone(), value: None });
                values.insert(key, Value::Null);
            }
        }
        if !values.is_empty() {
            self.emit(env, None, EventBody::Settings { values });
        }
    }

    /// Whether a setting is about an account that is not to be remembered, or a conversation of one.
    pub(super) fn is_passing_setting(&self, key: &str) -> bool {
        let Some(keep) = self.keep.as_ref().filter(|keep| !keep.passing.is_empty()) else { return false };
        let Some(id) = id_in_key(key) else { return false };
        let of = id.parse::<ConversationId>().ok().and_then(|id| self.conversations.get(&id)).map(|conv| conv.base.account);
        of.or_else(|| id.parse().ok()).is_some_and(|account| keep.passing.contains(&account))
    }
}
