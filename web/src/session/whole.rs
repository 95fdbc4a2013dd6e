//! Writes down everything of a session at once: of a guest who has become a user, and after the store was away. Decides nothing of what is kept.

use super::TokenHash;
use super::pictures;
use super::state::{Env, State};
use super::stored::stored;
use crate::store::Write;
use crate::wire::{self, EventBody};
use bridge::model::{AccountState, Buddy};

impl State {
    /// A guest has become a user: writes down everything, and tells the tabs, which are in the browser of `token` now.
    pub(super) fn write_everything(&mut self, env: &Env<'_>, token: TokenHash, user: wire::User) {
        for client in &mut self.clients {
            client.browser = Some(token);
        }
        let online = self.accounts.iter().filter(|account| account.standing.state == AccountState::Online);
        let online: Vec<_> = online.map(|account| account.id).collect();
        if let Some(keep) = &mut self.keep {
            keep.online.extend(online);
        }
        self.write_state();
        for id in self.conversations.keys().copied().collect::<Vec<_>>() {
            let Some(conv) = self.conversations.get(&id).filter(|conv| self.keeps_lines(conv)) else { continue };
            let lines: Vec<_> = conv.kept.lines().map(|line| (line.number, line.counts(), line.message())).collect();
            for (number, counts, message) in lines {
                let pictures = self.pictures_of(&message);
                self.write(|user| Write::Message(stored(user, id, number, counts, &message, None)));
                for picture in pictures {
                    self.write(|user| pictures::stored(user, id, number, &picture));
                }
            }
        }
        let kept = self.is_being_kept();
        self.emit(env, None, EventBody::User { user });
        self.emit(env, None, EventBody::Kept { kept });
    }

    /// Writes down everything but messages, as it is now.
    pub(super) fn write_state(&mut self) {
        for account in self.accounts.iter().map(|account| account.id).collect::<Vec<_>>() {
            self.account_changed(account);
        }
        for (key, value) in self.settings.clone() {
            if self.is_passing_setting(&key) {
                continue;
            }
            self.write(|user| Write::Setting { user, key, value: Some(value.to_string()) });
        }
        for account in self.accounts.iter().map(|account| account.id).collect::<Vec<_>>() {
            self.keep_bookmarks(account);
        }
        self.keep_searches();
        self.keep_status();
        self.keep_away();
        self.keep_groups();
        for buddy in self.buddies.values().map(|buddy| Buddy::clone(buddy)).collect::<Vec<_>>() {
            self.keep_buddy(None, &buddy);
        }
        for id in self.conversations.keys().copied().collect::<Vec<_>>() {
            self.keep_conversation(id);
        }
    }
}
