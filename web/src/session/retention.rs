//! Says what of a conversation's lines is stored, and for how long; deletes a history. Writes no line (see `keep`).

use super::conversation::Conv;
use super::kept::arrival;
use super::state::{Env, State};
use crate::store::{DAY_MS, Write, days_kept};
use crate::wire::{ErrorBody, EventBody, HistorySet};
use bridge::command::{CommandKind, Origin};
use bridge::id::ConversationId;
use bridge::time::Timestamp;

/// A choice of retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Messages are kept.
    pub(crate) keep: bool,
    /// For so many days; 0: for ever.
    pub(crate) days: u32,
}

impl State {
    /// The user's choice, for conversations without one of their own.
    pub(super) fn wanted(&self) -> Wanted {
        let of = self.settings.get("history");
        let keep = of.and_then(|of| of.get("keep")).and_then(serde_json::Value::as_bool);
        let days = of.and_then(|of| of.get("days")).and_then(serde_json::Value::as_u64);
        Wanted { keep: keep.unwrap_or(true), days: days.and_then(|days| u32::try_from(days).ok()).unwrap_or(0) }
    }

    /// Whether the lines of a conversation are kept.
    pub(super) fn keeps_lines(&self, conv: &Conv) -> bool {
        let Some(keep) = &self.keep else { return false };
        keep.site_keeps && !keep.passing.contains(&conv.base.account) && conv.keep.unwrap_or_else(|| self.wanted().keep)
    }

    /// Chooses what is kept of a conversation, or of all that have no choice of their own.
    pub(super) fn set_history(&mut self, env: &Env<'_>, origin: &Origin, mut set: HistorySet) -> Result<(), ErrorBody> {
        // Nobody keeps longer than the site does.
        if let (Some(Some(days)), Some(most)) = (&mut set.days, self.keep.as_ref().map(|keep| keep.site_days).filter(|most| *most > 0)) {
            *days = if *days == 0 { most } else { (*days).min(most) };
        }
        let Some(id) = set.conversation else {
            let wanted = self.wanted();
            let keep = set.keep.map_or(Some(wanted.keep), |keep| keep);
            let days = set.days.map_or(Some(wanted.days), |days| days);
            let value = serde_json::json!({ "keep": keep.unwrap_or(true), "days": days.unwrap_or(0) });
            let value = if keep.is_none_or(|keep| keep) && days.unwrap_or(0) == 0 { serde_json::Value::Null } else { value };
            return self.set_settings(env, Some(origin), [("history".to_owned(), value)].into_iter().collect());
        };
        let Some(conv) = self.conversations.get_mut(&id) else { return Ok(()) };
        conv.keep = set.keep.unwrap_or(conv.keep);
        conv.days = set.days.unwrap_or(conv.days);
        let (account, conversation) = (conv.base.account, conv.wire(false));
        self.keep_conversation(id);
        self.emit(env, Some(origin), EventBody::ConversationUpdated { account, conversation });
        Ok(())
    }

    /// Lets go of lines that are too old to be kept, as the store does. A page that shows them goes on until it is loaded anew.
    pub(super) fn let_age(&mut self, now: Timestamp) {
        let Some(site) = self.keep.as_ref().map(|keep| keep.site_days) else { return };
        let wanted = self.wanted().days;
        let mut freed = 0;
        for conv in self.conversations.values_mut() {
            let days = days_kept(Some(conv.days.unwrap_or(wanted)), site);
            let since = now.0.saturating_sub(i64::from(days) * DAY_MS);
            while days > 0 && conv.kept.oldest().is_some_and(|number| arrival(number) < since) {
                freed += conv.kept.drop_oldest().unwrap_or(0);
            }
        }
        if freed > 0 {
            self.kept_bytes = self.kept_bytes.saturating_sub(freed);
            self.forget_pictures();
        }
    }

    /// Deletes the messages of a conversation; with `whole` it is closed and forgotten, too.
    pub(super) fn delete_history(&mut self, env: &Env<'_>, origin: &Origin, id: ConversationId, whole: bool) {
        let Some(conv) = self.conversations.get_mut(&id) else { return };
        let account = conv.base.account;
        let freed = conv.kept.bytes();
        conv.kept = super::kept::Kept::default();
        conv.gaps.clear();
        conv.dropped = false;
        if let Some(keep) = &mut self.keep {
            // Those that were handed over are told of once more, and then they are gone.
            keep.outbox.retain(|waiting| waiting.conversation != id || waiting.step == super::outbox::Step::Handed);
            keep.missed.messages.remove(&id);
        }
        (conv.unread, conv.mentions) = (0, 0);
        self.kept_bytes = self.kept_bytes.saturating_sub(freed);
        self.forget_pictures();
        self.discovery_forgets_talk();
        if whole {
            self.forget_settings(env, &[id], None);
            self.chores.push(CommandKind::CloseConversation(id));
            self.conversation_closed(env, Some(origin), id);
        }
        self.write(|user| Write::DeleteConversation { user, conversation: id, whole });
        self.emit(env, Some(origin), EventBody::HistoryDeleted { account, conversation: id, whole });
    }
}
