//! Gives lines up that wait or failed, and sends them again where that is wanted. One that memory has no more is looked for in the store, which the
//! command waits for and nobody else.

use super::keep;
use super::outbox::too_late;
use super::perform::error;
use super::state::{Env, State};
use super::translate::unknown;
use super::until::within;
use super::{Hub, Session, stored};
use crate::store::Place;
use crate::wire::{self, ErrorBody};
use bridge::command::Origin;
use bridge::event::Outcome;
use bridge::id::ConversationId;
use std::sync::Arc;
use std::time::Duration;

/// How long what was just written may take to be there.
const FRESH: Duration = Duration::from_millis(900);
/// Lines of a user that are looked for at once.
const MOST: usize = 16;

/// A line that is given up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GivenUp {
    pub(crate) conversation: ConversationId,
    pub(crate) number: u64,
    /// To be sent anew.
    pub(crate) again: bool,
}

impl Hub {
    /// Gives a line up of which this is known.
    pub(super) fn give_up(
        &self,
        session: &Session,
        state: &mut State,
        env: &Env<'_>,
        origin: &Origin,
        of: GivenUp,
        message: &wire::Message,
    ) -> Result<Option<Outcome>, ErrorBody> {
        if !of.again {
            return state.cancel(env, origin, of.conversation, of.number, message).map(|()| None);
        }
        let Some((again, kind)) = state.resend(env, origin, of.conversation, of.number, message)? else { return Ok(None) };
        let account = state.account_of(&kind);
        self.send(session.id, again.clone(), kind, account).map_err(|_| error("busy", "The server is busy. Please try again."))?;
        state.resent(env, &again);
        Ok(None)
    }

    /// Looks for a line in the store. `None`: the command ends by itself.
    pub(super) fn seek_line(
        self: &Arc<Self>,
        session: &Arc<Session>,
        state: &mut State,
        origin: &Origin,
        of: GivenUp,
    ) -> Option<Result<Option<Outcome>, ErrorBody>> {
        let Some(keep) = &mut state.keep else { return Some(Err(unknown("message"))) };
        if keep.sought.len() >= MOST {
            return Some(Err(error("busy", "Too many messages are looked for. Please wait.")));
        }
        if !keep.sought.insert(of.number) {
            // Twice would send it twice.
            return Some(Err(too_late()));
        }
        let (hub, session, origin, last) = (Arc::clone(self), Arc::clone(session), origin.clone(), keep.last());
        tokio::spawn(async move {
            let found = hub.stored_line(&session, of, last).await;
            let env = hub.env();
            let mut state = session.lock();
            if let Some(keep) = &mut state.keep {
                keep.sought.remove(&of.number);
            }
            if state.ended.is_some() {
                return;
            }
            let outcome = found.and_then(|message| hub.give_up(&session, &mut state, &env, &origin, of, &message));
            state.command_ended(&env, Some(&origin), outcome);
            hub.do_chores(session.id, &mut state);
            state.deliver(&env);
        });
        None
    }

    async fn stored_line(&self, session: &Session, of: GivenUp, last: u64) -> Result<wire::Message, ErrorBody> {
        let memory = self.memory.as_ref().ok_or_else(|| unknown("message"))?;
        // Earlier writes about the line must be there: the line may have been given up already.
        if !memory.journal.reached(last, FRESH).await {
            return Err(keep::unavailable());
        }
        let around = memory.store().page(session.id, of.conversation, Place::Around(of.number), 2);
        let page = within(around).await.map_err(|_| keep::unavailable())?;
        let found = page.messages.into_iter().find(|message| message.number == of.number && stored::is_there(message));
        found.map(stored::wire_message).ok_or_else(|| unknown("message"))
    }
}
