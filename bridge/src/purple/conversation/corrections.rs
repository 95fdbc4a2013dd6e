//! Corrections of messages (XEP-0308): who may put another text in the place of which message. Shows nothing.
//!
//! Only the last message of a sender can be corrected, by the very address that it came from: the same device in a conversation with one, the same nick
//! in a room, and there only by whoever has had it without a break.

use super::super::token::OnPurple;
use crate::id::{AccountId, ConversationId};
use std::cell::RefCell;
use std::collections::HashMap;

/// Senders of one conversation that are remembered.
const MOST: usize = 500;

/// The last message of a sender: its id, and that of its last correction, by which some programs name it.
struct Last {
    account: AccountId,
    id: String,
    corrected: Option<String>,
    /// Told by a room of the time before: whoever has the nick now may be another.
    historic: bool,
}

thread_local! {
    static LAST: RefCell<HashMap<ConversationId, HashMap<String, Last>>> = RefCell::default();
}

/// Makes the `Message::reference` of a message of another's: from the sender's address, and the id that the sender gave it.
pub(super) fn reference(from: &str, id: &str) -> String {
    format!("{from}\n{id}")
}

/// A message came from this address.
pub(super) fn said(_: OnPurple, account: AccountId, conversation: ConversationId, (from, id): (&str, Option<&str>), historic: bool) {
    LAST.with_borrow_mut(|all| {
        let senders = all.entry(conversation).or_default();
        match id {
            Some(id) if senders.len() < MOST || senders.contains_key(from) => {
                senders.insert(from.to_owned(), Last { account, id: id.to_owned(), corrected: None, historic });
            }
            // A message without an id cannot be corrected, and the one before it is the last no more.
            _ => _ = senders.remove(from),
        }
    });
}

/// Takes a correction, which its sender calls `by`, of the message that they call `id`. Gives what the first message is called; `None`: the sender may not.
pub(super) fn replaced(
    _: OnPurple,
    conversation: ConversationId,
    (from, by): (&str, Option<&str>),
    id: &str,
    historic: bool,
) -> Option<String> {
    LAST.with_borrow_mut(|all| {
        let last = all.get_mut(&conversation)?.get_mut(from)?;
        if last.historic != historic || last.id != id && last.corrected.as_deref() != Some(id) {
            return None;
        }
        last.corrected = by.map(str::to_owned);
        Some(reference(from, &last.id))
    })
}

/// Somebody has left a room: whoever takes the nick is another.
pub(in crate::purple) fn left(_: OnPurple, conversation: ConversationId, nicks: &[String]) {
    LAST.with_borrow_mut(|all| {
        if let Some(senders) = all.get_mut(&conversation) {
            senders.retain(|from, _| from.split_once('/').is_none_or(|(_, nick)| !nicks.iter().any(|gone| gone == nick)));
        }
    });
}

/// The conversation is gone.
pub(super) fn forget(_: OnPurple, conversation: ConversationId) {
    LAST.with_borrow_mut(|all| all.remove(&conversation));
}

/// The connection is no more: nobody knows who is who in its rooms when it is back.
pub(super) fn forget_account(_: OnPurple, account: AccountId) {
    LAST.with_borrow_mut(|all| all.retain(|_, senders| senders.values().any(|last| last.account != account)));
}
