//! Searches that wait in a conversation that the session does not hold any more: its history is looked for in the store, which the command waits for and
//! nobody else.

use super::keep;
use super::perform::error;
use super::state::{Env, State};
use super::translate::unknown;
use super::until::within;
use super::{Hub, Session};
use crate::store::Place;
use crate::wire::{ErrorBody, SearchOpen};
use bridge::command::Origin;
use bridge::event::Outcome;
use bridge::id::ConversationId;
use std::sync::Arc;
use std::time::Duration;

/// How long what was just written may take to be there.
const FRESH: Duration = Duration::from_millis(900);
/// Conversations of a user that are looked for at once.
const MOST: usize = 16;

impl State {
    /// The conversation of a search, where the session does not hold it.
    pub(super) fn lacks(&self, asked: &SearchOpen) -> Option<ConversationId> {
        asked.conversation.filter(|id| !self.conversations.contains_key(id))
    }
}

impl Hub {
    /// Goes on with a search once the store has said whether it has messages of this conversation. `None`: the command ends by itself.
    pub(super) fn seek_conversation(
        self: &Arc<Self>,
        session: &Arc<Session>,
        state: &mut State,
        origin: &Origin,
        id: ConversationId,
        go_on: impl FnOnce(&mut State, &Env<'_>, &Origin, Result<(), ErrorBody>) -> Result<Option<Outcome>, ErrorBody> + Send + 'static,
    ) -> Option<Result<Option<Outcome>, ErrorBody>> {
        let Some(keep) = &mut state.keep else { return Some(Err(unknown("conversation"))) };
        if keep.seeking >= MOST {
            return Some(Err(error("busy", "Too many conversations are looked for. Please wait.")));
        }
        keep.seeking += 1;
        let (hub, session, origin, last) = (Arc::clone(self), Arc::clone(session), origin.clone(), keep.last());
        tokio::spawn(async move {
            let found = hub.has_messages(&session, id, last).await;
            let env = hub.env();
            let mut state = session.lock();
            if let Some(keep) = &mut state.keep {
                keep.seeking = keep.seeking.saturating_sub(1);
            }
            if state.ended.is_some() {
                return;
            }
            let found = found.and_then(|found| if found { Ok(()) } else { Err(unknown("conversation")) });
            let outcome = go_on(&mut state, &env, &origin, found);
            state.command_ended(&env, Some(&origin), outcome);
            state.deliver(&env);
        });
        None
    }

    /// Whether the store has messages of this conversation of the user's.
    async fn has_messages(&self, session: &Session, id: ConversationId, last: u64) -> Result<bool, ErrorBody> {
        let memory = self.memory.as_ref().ok_or_else(|| unknown("conversation"))?;
        // Its last message may be on the way.
        if !memory.journal.reached(last, FRESH).await {
            return Err(keep::unavailable());
        }
        let page = within(memory.store().page(session.id, id, Place::Newest, 1)).await.map_err(|_| keep::unavailable())?;
        Ok(!page.messages.is_empty())
    }
}
