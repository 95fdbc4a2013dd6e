//! Command -> the one room that performs it, and how it ended; nothing is decided here.

use super::conversation::{self, Ended};
use super::token::OnPurple;
use super::{
    account, accounts, authorization, blist, icon, menu, notify, outbox, owner, privacy, request, room, roomlist, status, teardown,
    transfer,
};
use crate::command::{Command, CommandKind, Origin};
use crate::error::CommandError;
use crate::event::{EventKind, Outcome};
use crate::id::UserId;
use crate::model::TypingState;
use purple_sys::PurpleTypingState;

/// Performs a command and tells its outcome, exactly once.
pub(super) fn perform(token: OnPurple, command: Command) {
    let Command { user, origin, kind } = command;
    perform_by(token, user, origin, || run(token, user, kind));
}

fn perform_by(token: OnPurple, user: UserId, origin: Option<Origin>, run: impl FnOnce() -> Result<Ended, CommandError>) {
    let cause = origin.clone().map(|origin| (user, origin));
    let broken = || Err(CommandError::new("internal", "Something went wrong inside the server. It was not done, or only in part."));
    let ended = outbox::caused_by(token, cause, || owner::with(None, || super::ffi::guard("a command", None, || Some(run()))));
    let ended = ended.unwrap_or_else(broken);
    let outcome = match ended {
        Ok(Ended::Later) => return,
        Ok(Ended::Now(result)) => EventKind::CommandDone { result },
        Err(error) => EventKind::CommandFailed { error },
    };
    if origin.is_some() {
        // What the command did to the buddy list is told before its outcome.
        blist::flush(token);
        outbox::emit_caused(token, user, origin, outcome);
    }
}

fn run(token: OnPurple, user: UserId, kind: CommandKind) -> Result<Ended, CommandError> {
    use CommandKind as C;
    let done = |result: Result<(), CommandError>| result.map(|()| Ended::Now(None));
    let gives = |outcome: Outcome| Ok(Ended::Now(Some(outcome)));
    match kind {
        C::AddAccount { account: id, settings } => {
            account::add(token, user, id, *settings)?;
            gives(Outcome::Account(id))
        }
        C::UpdateAccount { account: id, username, password, options } => {
            done(account::update(token, user, id, username.as_ref(), password, options))
        }
        C::RestoreAccount { .. } => Err(CommandError::new("not_supported", "Accounts are made anew by a fleet only.")),
        C::SetVisitor { account: id, visitor } => done(account::set_visitor(token, user, id, visitor)),
        C::RemoveAccount(id) => done(teardown::remove(token, user, id)),
        C::EnableAccount(id) => done(account::enable(token, user, id, true)),
        C::DisableAccount(id) => done(account::enable(token, user, id, false)),
        C::ConnectAccount(id) => done(account::connect_now(token, user, id)),
        C::SetAccountAlias { account: id, alias } => done(account::set_alias(token, user, id, &alias)),
        C::ChangePassword { account: id, old, new } => done(account::change_password(token, user, id, &old, new)),
        C::SetAccountIcon { account: id, image } => done(icon::set_own(token, user, id, image)),
        C::RegisterAccount(id) => done(account::register(token, user, id)),
        C::ShowAccountMenu(id) => gives(Outcome::Items(menu::of_account(token, user, id)?)),
        C::RunAccountAction { account: id, action } => done(menu::run_account(token, user, id, &action)),
        C::SetStatus { status, attributes, accounts } => done(status::set(token, user, &status, &attributes, accounts)),
        C::SetIdle { since } => {
            status::set_idle(token, user, since);
            Ok(Ended::Now(None))
        }
        C::SetFocus { conversation } => {
            accounts::change_person(token, user, |person| person.focus = conversation);
            Ok(Ended::Now(None))
        }
        C::AddBuddy { account: id, name, group, alias, message } => {
            done(blist::add(token, user, id, &name, group.as_deref(), &alias, &message))
        }
        C::RemoveBuddy(id) => done(blist::remove(token, user, id)),
        C::SetBuddyAlias { buddy, alias } => done(blist::set_alias(token, user, buddy, &alias)),
        C::MoveBuddy { buddy, group } => done(blist::move_to(token, user, buddy, &group)),
        C::ShowBuddyInfo { account: id, name } => done(show_info(token, user, id, &name)),
        C::ShowBuddyMenu(id) => gives(Outcome::Items(menu::of_buddy(token, user, id)?)),
        C::RunBuddyAction { buddy, action } => done(menu::run_buddy(token, user, buddy, &action)),
        C::Block { account: id, name, block } => done(privacy::block(token, user, id, &name, block)),
        C::RenameGroup { from, to } => done(blist::rename_group(token, user, &from, &to)),
        C::RemoveGroup { name } => done(blist::remove_group(token, user, &name)),
        C::SetPrivacy { account: id, mode, list } => done(privacy::set(token, user, id, &mode, &list)),
        C::OpenConversation { account: id, name, only_open } => conversation::open(token, user, id, &name, only_open),
        C::CloseConversation(id) => done(conversation::close(token, user, id)),
        C::SendMessage { conversation: id, text, html } => conversation::send(token, user, id, &text, &html),
        C::SetTyping { conversation: id, state } => done(set_typing(token, user, id, state)),
        C::SendAttention(id) => done(send_attention(token, user, id)),
        C::JoinRoom { account: id, fields, only_open } => room::join(token, user, id, fields, only_open),
        C::LeaveRoom(id) => done(room::leave(token, user, id)),
        C::ResolveMember { conversation: id, nick } => gives(Outcome::Member(room::address(token, user, id, &nick)?)),
        C::InviteToRoom { conversation: id, name, message } => done(room::invite(token, user, id, &name, &message)),
        C::SetTopic { conversation: id, topic } => done(room::set_topic(token, user, id, &topic)),
        C::SetNick { conversation: id, nick } => done(room::set_nick(token, user, id, &nick)),
        C::ShowRoomMenu { conversation: id, name } => gives(Outcome::Items(room::menu(token, user, id, name.as_deref())?)),
        C::RunRoomAction { conversation: id, name, action, reason } => room::act(token, user, id, name.as_deref(), &action, &reason),
        C::ListRooms(id) => gives(Outcome::List(roomlist::list(token, user, id)?)),
        C::FindRooms(id) => done(roomlist::find_rooms(token, user, id)),
        C::DescribeRooms { account: id, rooms } => done(roomlist::describe(token, user, id, rooms)),
        C::StopRoomList(id) => done(roomlist::stop(token, user, id)),
        C::AnswerRequest { request: id, button, values } => done(request::answer(token, user, id, &button, &values)),
        C::AnswerAuthorization { authorization: id, allow, add } => done(authorization::answer(token, user, id, allow, add)),
        C::CloseNotice(id) => done(notify::close(token, user, id)),
        C::RunNoticeAction { notice, button, row } => done(notify::action(token, user, notice, &button, row)),
        C::SendFile { conversation, name, size } => gives(Outcome::Transfer(transfer::send(token, user, conversation, &name, size)?)),
        C::AcceptTransfer(id) => done(transfer::accept(token, user, id)),
        C::CancelTransfer(id) => done(transfer::cancel(token, user, id)),
        C::TakeTransfer { transfer: id, bytes } => done(transfer::take(token, user, id, bytes)),
        C::FeedTransfer(piece) => done(transfer::feed(token, user, piece)),
        C::RemoveUser => {
            teardown::remove_user(token, user);
            Ok(Ended::Now(None))
        }
    }
}

fn show_info(token: OnPurple, user: UserId, id: crate::id::AccountId, name: &str) -> Result<(), CommandError> {
    accounts::pointer(token, user, id)?;
    let gc = conversation::connected(token, id)?;
    let name = super::outgoing::Name::on(token, id, name, "bad_name", "name")?;
    // SAFETY: a live connection and a C string; plugins without profiles do nothing.
    owner::with(Some(id), || unsafe { purple_sys::serv_get_info(gc, name.as_ptr()) });
    Ok(())
}

fn set_typing(token: OnPurple, user: UserId, id: crate::id::ConversationId, state: TypingState) -> Result<(), CommandError> {
    let (purple, account) = conversation::live(token, user, id)?;
    let im = conversation::read(token, id, |open| open.kind == crate::model::ConversationKind::Im).unwrap_or(false);
    if !im {
        return Ok(());
    }
    let state = match state {
        TypingState::Typing => PurpleTypingState::PURPLE_TYPING,
        TypingState::Paused => PurpleTypingState::PURPLE_TYPED,
        TypingState::None => PurpleTypingState::PURPLE_NOT_TYPING,
    };
    // SAFETY: a live IM of a connected account.
    owner::with(Some(account), || unsafe {
        let gc = (*(*purple).account).gc;
        purple_sys::serv_send_typing(gc, purple_sys::purple_conversation_get_name(purple), state);
    });
    Ok(())
}

fn send_attention(token: OnPurple, user: UserId, id: crate::id::ConversationId) -> Result<(), CommandError> {
    let (purple, account) = conversation::live(token, user, id)?;
    let able = accounts::read(token, account, |entry| entry.features.has("attention")).unwrap_or(false);
    if !able {
        return Err(CommandError::new("not_supported", "This network has no nudges."));
    }
    // SAFETY: a live conversation of a connected account whose protocol has the function.
    owner::with(Some(account), || unsafe {
        let gc = (*(*purple).account).gc;
        purple_sys::purple_prpl_send_attention(gc, purple_sys::purple_conversation_get_name(purple), 0);
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AccountId;
    use crate::purple::testing::with_core;

    #[test]
    fn a_command_that_panics_fails_with_its_account_and_no_other() {
        with_core("purple::dispatch::tests::a_command_that_panics_fails_with_its_account_and_no_other", |core| {
            let token = core.token;
            core.account(1, 10);
            core.account(2, 20);
            let origin = Origin { client: "tab".to_owned(), command: "c1".to_owned() };
            perform_by(token, UserId(1), Some(origin), || owner::with(Some(AccountId(10)), || panic!("on purpose")));
            let told = core.events();
            assert!(matches!(told.as_slice(), [(UserId(1), EventKind::CommandFailed { error })] if error.code == "internal"), "{told:?}");
            assert_eq!(owner::take_blamed(), [AccountId(10)]);
            assert_eq!((owner::current(), outbox::cause(UserId(1))), (None, None), "the next command is not taken for this one");
            // The next one is performed.
            perform(token, Command { user: UserId(2), origin: None, kind: CommandKind::RemoveAccount(AccountId(20)) });
            assert!(matches!(core.events().last(), Some((UserId(2), EventKind::AccountRemoved { .. }))));
        });
    }
}
