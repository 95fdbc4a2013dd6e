//! Saying something: slash commands where the protocol knows them, else messages, and how each ends; what libpurple writes back is `lines.rs`'s.

use super::super::ffi::c_string;
use super::super::token::OnPurple;
use super::super::{outbox, owner, room, timers};
use super::lines::own_author;
use super::refused;
use super::{Ended, Unreflected, Written, change, connected, live, unknown_fate, words};
use crate::command::Origin;
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::{AccountId, ConversationId, UserId};
use crate::model::{ConversationKind, Message, MessageKind};
use crate::time::Timestamp;
use purple_sys::{PurpleConversation, PurpleMessageFlags};
use std::borrow::Cow;
use std::ffi::c_char;
use std::time::Duration;

/// `message.send`: a slash command where the protocol knows it, else a message.
pub(in crate::purple) fn send(
    token: OnPurple,
    user: UserId,
    conversation: ConversationId,
    text: &str,
    html: &str,
) -> Result<Ended, CommandError> {
    let (purple, account) = live(token, user, conversation)?;
    let html = &*without_pictures(html);
    if let Some(line) = text.strip_prefix('/').filter(|line| !line.is_empty())
        && let Some(result) = run_slash_command(purple, account, line, html)
    {
        return result.map(|()| Ended::Now(None));
    }
    let kind = change(token, conversation, |open| {
        open.written = Some(Written::Nothing);
        open.kind
    });
    // SAFETY: a live room.
    if kind == Some(ConversationKind::Room) && unsafe { room::has_left(purple) } {
        change(token, conversation, |open| open.written = None);
        return Err(CommandError::new("not_in_room", "You are not in this room. Join it first.").at("conversation"));
    }
    let body = c_string(html);
    let ((), stanza) = refused::noting(|| {
        // SAFETY: a live conversation of a connected account, of that kind; the text is copied.
        owner::with(Some(account), || unsafe {
            match kind {
                Some(ConversationKind::Room) => {
                    purple_sys::purple_conv_chat_send(purple_sys::purple_conversation_get_chat_data(purple), body.as_ptr())
                }
                _ => purple_sys::purple_conv_im_send_with_flags(im(purple), body.as_ptr(), PurpleMessageFlags(0)),
            }
        })
    });
    let origin = outbox::cause(user);
    let written = change(token, conversation, |open| open.written.take()).flatten();
    match (written, kind) {
        (Some(Written::Echo), _) => Ok(Ended::Now(None)),
        (Some(Written::Error), _) => {
            Err(CommandError::new("not_sent", "The network did not take this message. The conversation says why."))
        }
        (None, _) => Ok(Ended::Now(None)),
        (_, Some(ConversationKind::Room)) => {
            // The room will reflect it.
            if let Some(origin) = origin {
                let words = words(token, html);
                change(token, conversation, |open| open.unreflected.push_back(Unreflected { origin: origin.clone(), words, stanza }));
                // It looks by itself whether it is still wanted.
                std::mem::forget(timers::after(token, REFLECTED_WITHIN, Some(account), move |token| give_up(token, conversation, &origin)));
            }
            Ok(Ended::Later)
        }
        _ if connected(token, account).is_err() => Err(CommandError::new("not_sent", "The connection ended before this message was sent.")),
        _ => {
            // The protocol took it and echoes nothing: this is the echo.
            let from = own_author(token, account);
            let message = Message {
                kind: MessageKind::Sent,
                from,
                time: Timestamp::now(),
                html: html.to_owned(),
                delayed: false,
                highlight: false,
                auto_reply: false,
                remote: false,
            };
            outbox::emit(token, user, EventKind::MessageAdded { conversation, message });
            Ok(Ended::Now(None))
        }
    }
}

/// Plugins look pictures up by the number in their tag, in a store that all users of a libpurple share: no tag gets that far.
fn without_pictures(html: &str) -> Cow<'_, str> {
    if html.contains('\0') {
        // C would not see it, and a tag that it cuts in two would be whole again.
        return Cow::Owned(without_pictures(&html.replace('\0', "")).into_owned());
    }
    let begins = |at: usize| html.get(at + 1..at + 4).is_some_and(|name| name.eq_ignore_ascii_case("img"));
    let mut rest = 0;
    let mut plain = String::new();
    for (at, _) in html.match_indices('<').filter(|(at, _)| begins(*at)) {
        plain.push_str(html.get(rest..at).unwrap_or_default());
        plain.push_str("&lt;");
        rest = at + 1;
    }
    if rest == 0 {
        return Cow::Borrowed(html);
    }
    plain.push_str(html.get(rest..).unwrap_or_default());
    Cow::Owned(plain)
}

/// A room that refuses a message need not say which one: it is of unknown fate after this time.
const REFLECTED_WITHIN: Duration = Duration::from_secs(60);

fn give_up(token: OnPurple, conversation: ConversationId, origin: &Origin) {
    let late = change(token, conversation, |open| {
        let at = open.unreflected.iter().position(|waiting| waiting.origin == *origin)?;
        open.unreflected.remove(at).map(|late| (open.user, late.origin))
    });
    if let Some((user, origin)) = late.flatten() {
        unknown_fate(token, user, origin);
    }
}

/// # Safety
/// A live IM conversation.
unsafe fn im(purple: *mut PurpleConversation) -> *mut purple_sys::PurpleConvIm {
    // SAFETY: the caller's promise; libpurple's own check of the kind.
    unsafe { purple_sys::purple_conversation_get_im_data(purple) }
}

/// `None`: no such command; the text is a message.
fn run_slash_command(purple: *mut PurpleConversation, account: AccountId, line: &str, html: &str) -> Option<Result<(), CommandError>> {
    type Status = purple_sys::PurpleCmdStatus;
    let (line, markup) = (c_string(line), c_string(html.strip_prefix('/').unwrap_or(html)));
    let mut error: *mut c_char = std::ptr::null_mut();
    // SAFETY: a live conversation; the error text is ours to free.
    let (status, error) = owner::with(Some(account), || unsafe {
        let status = purple_sys::purple_cmd_do_command(purple, line.as_ptr(), markup.as_ptr(), &raw mut error);
        (status, super::super::ffi::owned(error))
    });
    match status {
        Status::PURPLE_CMD_STATUS_OK => Some(Ok(())),
        Status::PURPLE_CMD_STATUS_FAILED => {
            Some(Err(CommandError::new("command_failed", error.unwrap_or_else(|| "The command did not work.".to_owned()))))
        }
        Status::PURPLE_CMD_STATUS_WRONG_ARGS => {
            Some(Err(CommandError::new("wrong_arguments", "The command needs other words after it.").at("text")))
        }
        _ => None,
    }
}

/// Runs a slash command and sends nothing when the protocol does not know it (`None`).
pub(in crate::purple) fn send_command_only(
    token: OnPurple,
    user: UserId,
    conversation: ConversationId,
    text: &str,
) -> Option<Result<(), CommandError>> {
    match live(token, user, conversation) {
        Ok((purple, account)) => run_slash_command(purple, account, text.strip_prefix('/')?, text),
        Err(error) => Some(Err(error)),
    }
}
