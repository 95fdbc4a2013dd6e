//! Saying something: messages, and how each ends. Slash commands are `slash.rs`'s, what libpurple writes back is `lines.rs`'s.

use super::super::outgoing::{Html, is_irc};
use super::super::token::OnPurple;
use super::super::{outbox, owner, room, timers};
use super::lines::own_author;
use super::refused;
use super::slash::{self, Done};
use super::{Ended, Unreflected, Written, change, connected, live, sent, unknown_fate, words};
use crate::command::Origin;
use crate::command::slash::{Typed, read as read_slash};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::{ConversationId, UserId};
use crate::model::{ConversationKind, Message, MessageKind};
use crate::time::Timestamp;
use purple_sys::{PurpleConversation, PurpleMessageFlags};
use std::time::Duration;

/// `message.send`: a slash command, which is never said, or a message.
pub(in crate::purple) fn send(
    token: OnPurple,
    user: UserId,
    conversation: ConversationId,
    text: &str,
    html: &str,
) -> Result<Ended, CommandError> {
    let (purple, account) = live(token, user, conversation)?;
    let mut body = Html::of(html);
    let kind = super::read(token, conversation, |open| open.kind);
    if let (Typed::Command { name, words }, Some(kind)) = (read_slash(text), kind) {
        match slash::run(token, purple, account, kind, (name, words), &body)? {
            Done::Ran => return Ok(Ended::Now(None)),
            Done::Say(words) => body = words,
        }
    }
    if is_irc(token, account) {
        body = Html::of(&slash::without_empty_lines(body.text()));
    }
    if body.text().is_empty() {
        return Err(CommandError::new("missing_field", "There is nothing to send.").at("text"));
    }
    let html = body.text();
    change(token, conversation, |open| open.written = Some(Written::Nothing));
    // SAFETY: a live room.
    if kind == Some(ConversationKind::Room) && unsafe { room::has_left(purple) } {
        change(token, conversation, |open| open.written = None);
        return Err(CommandError::new("not_in_room", "You are not in this room. Join it first.").at("conversation"));
    }
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
            let words = change(token, conversation, |open| open.refusal.take()).flatten();
            Err(CommandError::new("not_sent", words.as_deref().unwrap_or("The network did not take this message.")))
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
                topic: false,
                server_id: None,
                reference: sent::note(token, account, conversation, html, stanza),
                pictures: Vec::new(),
            };
            outbox::emit(token, user, EventKind::MessageAdded { conversation, message });
            Ok(Ended::Now(None))
        }
    }
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
