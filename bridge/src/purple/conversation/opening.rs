//! Opens and closes conversations for their user, and opens those again that an account had in another libpurple. Says nothing in them (see `send.rs`).

use super::super::outgoing::Name;
use super::super::token::OnPurple;
use super::super::{accounts, blist, outbox, owner, room};
use super::{Ended, announce, connected, id, normalize, pointer, read};
use crate::error::CommandError;
use crate::event::{EventKind, Outcome};
use crate::id::{AccountId, ConversationId, UserId};
use crate::model::ConversationKind;
use purple_sys::PurpleConversationType;
use std::collections::BTreeMap;

/// The user has as many conversations as may be.
pub(in crate::purple) fn no_room() -> CommandError {
    CommandError::new("limit", "As many conversations as may be are open. Close one first.")
}

/// `conversation.open`
pub(in crate::purple) fn open(
    token: OnPurple,
    user: UserId,
    account: AccountId,
    name: &str,
    only_open: bool,
) -> Result<Ended, CommandError> {
    let purple = accounts::pointer(token, user, account)?;
    let gc = connected(token, account)?;
    if name.trim().is_empty() {
        return Err(CommandError::new("bad_name", "Say with whom.").at("name"));
    }
    let name = &*blist::name::as_written(token, account, name);
    let existing = ConversationId::of(account, ConversationKind::Im, &normalize(token, purple, name.trim()));
    let existed = read(token, existing, |_| ()).is_some();
    if only_open && !existed {
        return Err(no_room());
    }
    // An open conversation has a name that its network gave.
    let name = if existed {
        Name::on(token, account, name, "bad_name", "name")?
    } else {
        blist::name::of_person(token, account, (purple, gc), name)?
    };
    // SAFETY: a live, connected account and a C string, copied. Finds the conversation when there is one.
    let conversation = owner::with(Some(account), || unsafe {
        purple_sys::purple_conversation_new(PurpleConversationType::PURPLE_CONV_TYPE_IM, purple, name.as_ptr())
    });
    // SAFETY: NULL or live.
    let Some(id) = (unsafe { id(conversation) }) else {
        return Err(CommandError::new("bad_name", "The network does not know such a name.").at("name"));
    };
    if existed {
        announce(token, id);
    }
    Ok(Ended::Now(Some(Outcome::Conversation(id))))
}

/// The IMs that an account had elsewhere, to be opened once it is signed on.
pub(in crate::purple) fn unopened(
    token: OnPurple,
    account: AccountId,
    purple: *const purple_sys::PurpleAccount,
    names: Vec<String>,
) -> BTreeMap<ConversationId, String> {
    let id = |name: &str| ConversationId::of(account, ConversationKind::Im, &normalize(token, purple, name));
    names.into_iter().map(|name| (id(&name), name)).collect()
}

/// After a sign-on: the IMs that the account had elsewhere.
pub(in crate::purple) fn reopen(token: OnPurple, account: AccountId) {
    let Some((purple, names)) = accounts::change(token, account, |entry| (entry.purple, std::mem::take(&mut entry.unopened))) else {
        return;
    };
    for name in names.values() {
        if connected(token, account).is_err() {
            return;
        }
        let Ok(name) = Name::on(token, account, name, "bad_name", "name") else { continue };
        // SAFETY: a live, connected account and a C string, copied.
        owner::with(Some(account), || unsafe {
            purple_sys::purple_conversation_new(PurpleConversationType::PURPLE_CONV_TYPE_IM, purple, name.as_ptr())
        });
    }
}

/// `conversation.close`: lets go of it; a room is left for good.
pub(in crate::purple) fn close(token: OnPurple, user: UserId, conversation: ConversationId) -> Result<(), CommandError> {
    let (purple, account) = match pointer(token, user, conversation) {
        Ok(found) => found,
        Err(error) => return close_awaited(token, user, conversation).ok_or(error),
    };
    room::keep(token, account, conversation, None);
    // SAFETY: a live conversation.
    owner::with(Some(account), || unsafe { purple_sys::purple_conversation_destroy(purple) });
    Ok(())
}

/// The same for one that libpurple has not open yet.
fn close_awaited(token: OnPurple, user: UserId, conversation: ConversationId) -> Option<()> {
    let account = accounts::awaiting(token, user, conversation)?;
    accounts::change(token, account, |entry| entry.unopened.remove(&conversation));
    room::keep(token, account, conversation, None);
    outbox::emit(token, user, EventKind::ConversationClosed { conversation });
    Some(())
}
