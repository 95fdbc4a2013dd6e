//! Why a room was not joined: what the network says of it as a notice goes into the error of the command. Joins nothing, and tells no other notice.

use super::super::token::OnPurple;
use super::super::{accounts, notify, timers};
use super::{JOINING, keep, take_joining, tell_failed};
use crate::error::CommandError;
use crate::id::{AccountId, ConversationId, UserId};
use crate::model::{ConversationKind, Notice};
use std::cell::RefCell;

/// A notice that may say why.
struct Held {
    user: UserId,
    account: AccountId,
    words: String,
    notice: Notice,
}

thread_local! {
    static HELD: RefCell<Vec<Held>> = const { RefCell::new(Vec::new()) };
}

/// Keeps a message of an account that joins a room back until the turn is over, when it is known whether the room was refused; plugins say why before
/// or after they say that. Gives the notice back while nobody joins one.
pub(in super::super) fn hold(token: OnPurple, user: UserId, words: &[Option<String>], notice: Notice) -> Option<Notice> {
    let account = notice.account?;
    if !JOINING.with_borrow(|all| all.iter().any(|joining| joining.account == account && joining.origin.is_some())) {
        return Some(notice);
    }
    let mut said: Vec<&str> = words.iter().flatten().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    said.dedup();
    let held = Held { user, account, words: said.join(": "), notice };
    HELD.with_borrow_mut(|all| all.push(held));
    timers::soon(token, Some(account), move |token| settle(token, account));
    None
}

/// The network refused a join of the account: told at the end of the turn, when the network has said why.
pub(super) fn mark(token: OnPurple, account: AccountId, id: Option<ConversationId>) {
    JOINING.with_borrow_mut(|all| {
        let refused = all.iter_mut().filter(|joining| joining.account == account && id.is_none_or(|id| id == joining.conversation));
        refused.for_each(|joining| joining.refused = true);
    });
    timers::soon(token, Some(account), move |token| settle(token, account));
}

/// Ends the refused joins of an account with what the network said. Words that are about none are shown as the notices that they were.
fn settle(token: OnPurple, account: AccountId) {
    let held: Vec<Held> = HELD.with_borrow_mut(|all| all.extract_if(.., |held| held.account == account).collect());
    let refused = take_joining(|joining| joining.account == account && joining.refused);
    if refused.iter().all(|joining| joining.origin.is_none()) {
        for held in held.into_iter().filter(|_| accounts::user(token, account).is_some()) {
            notify::show(token, held.user, account, held.notice);
        }
        return;
    }
    let words: Vec<String> = held.into_iter().map(|held| held.words).filter(|words| !words.is_empty()).collect();
    let message = if words.is_empty() { "The network did not let you into this room.".to_owned() } else { words.join(" ") };
    tell_failed(token, refused, &CommandError::new("join_failed", message));
}

/// The meaning of a line of IRC for a room that is being joined (RFC 2812, 5.2): the plugin tells some as notices, some not at all, and none as the end of
/// the join. False: nobody joins it.
pub(in super::super) fn by_line(token: OnPurple, account: AccountId, room: &str, number: &str, said: &str) -> bool {
    let Some(purple) = accounts::read(token, account, |entry| entry.purple) else { return false };
    let of = |room: &str| ConversationId::of(account, ConversationKind::Room, &super::conversation::normalize(token, purple, room));
    let id = of(room);
    if number == FORWARDED && said.starts_with(['#', '&', '+', '!']) {
        return leads_to(token, account, id, of(said));
    }
    let failed = take_joining(|joining| joining.conversation == id && joining.origin.is_some());
    if failed.is_empty() {
        return false;
    }
    keep(token, account, id, None);
    let said = said.trim().trim_end_matches('.');
    let error = match number {
        "471" => CommandError::new("join_failed", format!("{room} is full.")),
        "473" => CommandError::new("join_failed", format!("{room} takes only people who were invited.")),
        "474" => CommandError::new("join_failed", format!("You are banned from {room}.")),
        "475" => CommandError::new("join_failed", format!("{room} has another password.")).at("fields.password"),
        "477" => CommandError::new("join_failed", format!("{room} takes only registered nicks.")),
        _ if said.is_empty() => CommandError::new("join_failed", format!("The server refuses {room}.")),
        _ => CommandError::new("join_failed", format!("{room}: {said}.")),
    };
    tell_failed(token, failed, &error);
    true
}

/// The number by which a server of IRC leads a join to another room.
const FORWARDED: &str = "470";

/// Makes the joins that wait for one room wait for another. False: none waits.
fn leads_to(token: OnPurple, account: AccountId, from: ConversationId, to: ConversationId) -> bool {
    let waits = JOINING.with_borrow_mut(|all| {
        let mut found = false;
        for joining in all.iter_mut().filter(|joining| joining.conversation == from) {
            (joining.conversation, found) = (to, true);
        }
        found
    });
    if waits {
        keep(token, account, from, None);
    }
    waits
}
