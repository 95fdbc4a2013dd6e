//! Finds the system's lines that tell a room's topic or who set it; libpurple writes such a line right after the topic itself. Does not
//! tell topics (see `signals.rs`).

use super::super::token::OnPurple;
use super::super::{accounts, timers};
use super::normalize;
use crate::id::{AccountId, ConversationId};
use crate::model::ConversationKind;
use std::cell::Cell;

thread_local! {
    /// The room whose next line of the system is about its topic, within the stanza or line that is being handled.
    static TOLD: Cell<Option<ConversationId>> = const { Cell::new(None) };
}

/// A room's topic was told.
pub(in crate::purple) fn told(token: OnPurple, account: AccountId, conversation: ConversationId) {
    TOLD.set(Some(conversation));
    // The end of a stanza or line is known for some plugins only ([`over`]); for the others the turn's end counts.
    timers::soon(token, Some(account), |_| over());
}

/// A line of the network's is about the topic of a room of this name.
pub(in crate::purple) fn about(token: OnPurple, account: AccountId, room: &str) {
    if let Some(purple) = accounts::read(token, account, |entry| entry.purple) {
        TOLD.set(Some(ConversationId::of(account, ConversationKind::Room, &normalize(token, purple, room))));
    }
}

/// Whether a line of the system in this room is about its topic. The line after it is not.
pub(super) fn takes(conversation: ConversationId) -> bool {
    let is = TOLD.get() == Some(conversation);
    if is {
        over();
    }
    is
}

/// The stanza or line has been handled.
pub(super) fn over() {
    TOLD.set(None);
}
