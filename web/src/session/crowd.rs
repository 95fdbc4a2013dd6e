//! How many conversations strangers can open: above the bound, the longest-quiet IM is closed, and nothing that the user is in the middle of; opens none.

use super::SessionConfig;
use super::conversation::Conv;
use super::state::{Env, State};
use bridge::command::CommandKind;
use bridge::id::ConversationId;
use bridge::model::ConversationKind;

/// How long the network side may take to close one that was given up.
const CLOSED_WITHIN_MS: u64 = 10_000;

/// A conversation that was given up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GivenUp {
    /// When.
    at: u64,
    /// Its newest message by then.
    newest: u64,
}

/// The setting in which a page keeps what is written in a conversation and not sent.
pub(crate) fn draft_setting(id: ConversationId) -> String {
    format!("draft.{id}")
}

impl State {
    /// Gives up as many IMs as there are too many. They are closed when the network side says so.
    pub(crate) fn bound_conversations(&mut self, env: &Env<'_>, config: &SessionConfig) {
        let most = config.conversations_per_user;
        if most == 0 || self.conversations.len() <= most {
            return;
        }
        let mut open = 0;
        let mut late = Vec::new();
        for (id, conv) in self.conversations.iter().filter(|(_, conv)| conv.open) {
            match conv.given_up {
                Some(given_up) if given_up.at + CLOSED_WITHIN_MS <= env.now => late.push(*id),
                Some(_) => {}
                None => open += 1,
            }
        }
        for id in late {
            // The network side does not know it any more.
            self.conversation_closed(env, None, id);
        }
        if open <= most {
            return;
        }
        let focused: Vec<ConversationId> = self.clients.iter().filter_map(|client| client.focused).collect();
        let candidate = |(id, conv): &(&ConversationId, &Conv)| {
            conv.open && conv.given_up.is_none() && conv.base.kind == ConversationKind::Im && !focused.contains(id)
        };
        let mut quiet: Vec<(bool, u64, ConversationId)> = self
            .conversations
            .iter()
            .map(|(id, conv)| (id, conv.as_ref()))
            .filter(candidate)
            .map(|(id, conv)| (conv.unread > 0 || self.settings.contains_key(&draft_setting(*id)), conv.touched, *id))
            .collect();
        quiet.sort_unstable();
        // The one that has just come stays, even where rooms take all the room there is.
        quiet.pop();
        for (_, _, id) in quiet.into_iter().take(open - most) {
            let Some(conv) = self.conversations.get_mut(&id) else { continue };
            conv.given_up = Some(GivenUp { at: env.now, newest: conv.kept.newest().unwrap_or(0) });
            self.chores.push(CommandKind::CloseConversation(id));
        }
    }

    /// The network side closed a conversation. One that had been given up, and in which somebody wrote since, comes back.
    pub(super) fn take_back(&mut self, id: ConversationId) {
        let Some(conv) = self.conversations.get_mut(&id) else { return };
        if conv.given_up.take().is_some_and(|given_up| given_up.newest < conv.kept.newest().unwrap_or(0)) {
            let (account, name) = (conv.base.account, conv.base.name.clone());
            self.chores.push(CommandKind::OpenConversation { account, name, only_open: false });
        }
    }
}
