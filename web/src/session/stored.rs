//! Turns messages and gaps of the wire into those of the store, and back. Pure.

use crate::body;
use crate::store::{Gap, StoredMessage};
use crate::wire::{self, GapWhy, MessageState};
use bridge::id::{ConversationId, UserId};
use bridge::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A message as it is kept.
pub(super) fn stored(
    user: UserId,
    conversation: ConversationId,
    number: u64,
    counts: bool,
    message: &wire::Message,
    server_id: Option<String>,
) -> StoredMessage {
    type M = StoredMessage;
    let flag = |is: bool, flag: u32| if is { flag } else { 0 };
    let state: u32 = match message.state {
        None if message.topic => M::TOPIC,
        None => 0,
        Some(MessageState::Pending) => 1,
        Some(MessageState::Sent) => 2,
        Some(MessageState::Failed) => 3,
        Some(MessageState::Unknown) => 4,
        Some(MessageState::Delivered) => M::DELIVERED,
    };
    StoredMessage {
        user,
        conversation,
        number,
        time: message.time,
        flags: flag(counts, M::COUNTS)
            | flag(message.highlight, M::HIGHLIGHT)
            | flag(message.delayed, M::DELAYED)
            | flag(message.auto_reply, M::AUTO_REPLY)
            | flag(message.remote, M::REMOTE)
            | flag(message.system, M::SYSTEM)
            | flag(message.from.own, M::OWN)
            | state << M::STATE,
        author: message.from.name.clone(),
        alias: message.from.alias.clone(),
        buddy: message.from.buddy,
        text: message.text.clone(),
        spans: body_of(message),
        server_id,
    }
}

/// The body of a message that its text alone does not say: the spans, or more where more became of it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Body {
    Spans(Vec<wire::Span>),
    More {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        spans: Vec<wire::Span>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edited_at: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
}

fn body_of(message: &wire::Message) -> Option<String> {
    let spans = if message.is_plain() { Vec::new() } else { message.spans.clone() };
    if message.edited_at.is_none() && message.error.is_none() {
        return if spans.is_empty() { None } else { serde_json::to_string(&spans).ok() };
    }
    serde_json::to_string(&Body::More { spans, edited_at: message.edited_at, error: message.error.clone() }).ok()
}

/// Whether a kept message was taken back.
pub(super) fn is_there(stored: &StoredMessage) -> bool {
    stored.flags & StoredMessage::REMOVED == 0
}

/// A kept message with what a session has to know of it.
pub(super) struct Opened {
    pub(super) number: u64,
    pub(super) counts: bool,
    pub(super) message: wire::Message,
    pub(super) server_id: Option<String>,
}

/// A kept message with what a session has to know of it.
pub(super) fn opened(mut stored: StoredMessage) -> Opened {
    let (number, counts) = (stored.number, stored.flags & StoredMessage::COUNTS != 0);
    let server_id = stored.server_id.take();
    Opened { number, counts, message: wire_message(stored), server_id }
}

/// A kept message as the wire has it.
pub(super) fn wire_message(stored: StoredMessage) -> wire::Message {
    type M = StoredMessage;
    let is = |flag: u32| stored.flags & flag != 0;
    let (spans, edited_at, error) = match stored.spans.as_deref().and_then(|body| serde_json::from_str::<Body>(body).ok()) {
        Some(Body::Spans(spans)) => (spans, None, None),
        Some(Body::More { spans, edited_at, error }) => (spans, edited_at, error),
        None => (Vec::new(), None, None),
    };
    let spans = if spans.is_empty() { vec![wire::Span { text: stored.text.clone(), ..wire::Span::default() }] } else { spans };
    wire::Message {
        id: super::conversation::message_id(stored.number),
        time: stored.time,
        text: body::text(&spans),
        delayed: is(M::DELAYED),
        highlight: is(M::HIGHLIGHT),
        auto_reply: is(M::AUTO_REPLY),
        remote: is(M::REMOTE),
        system: is(M::SYSTEM),
        topic: stored.flags >> M::STATE == M::TOPIC,
        state: match stored.flags >> M::STATE {
            1 => Some(MessageState::Pending),
            2 => Some(MessageState::Sent),
            3 => Some(MessageState::Failed),
            4 => Some(MessageState::Unknown),
            M::DELIVERED => Some(MessageState::Delivered),
            _ => None,
        },
        edited_at,
        error,
        from: crate::store::stored_author(&stored),
        spans,
    }
}

/// A gap as the wire has it. `before`: number of the first message after it, when there is one.
pub(super) fn wire_gap(gap: &Gap, before: Option<u64>) -> wire::Gap {
    wire::Gap {
        after: (gap.after > 0).then(|| super::conversation::message_id(gap.after)),
        before: before.map(super::conversation::message_id),
        from: gap.from,
        to: gap.to,
        why: match gap.why.as_str() {
            "restart" => GapWhy::Restart,
            "store" => GapWhy::Store,
            "worker" => GapWhy::Worker,
            _ => GapWhy::Offline,
        },
    }
}
