//! Changes of messages after they were told: delivered, refused, corrected. Adds none, but for a correction of a message that is not known any more.

use super::apply_room::wire_message;
use super::state::{Env, State};
use super::stored;
use crate::store::Write;
use crate::wire::{self, EventBody, MessageState};
use bridge::id::{ConversationId, ConversationKind};
use bridge::model::{Mark, Message, MessageKind};

/// A line that memory has, by what the network calls it.
struct Known {
    number: u64,
    counts: bool,
    message: wire::Message,
}

impl State {
    fn called(&self, id: ConversationId, reference: &str) -> Option<Known> {
        let conv = self.conversations.get(&id)?;
        let number = conv.references.find(reference)?;
        let line = conv.kept.lines().find(|line| line.number == number)?;
        Some(Known { number, counts: line.counts(), message: line.message() })
    }

    /// A message was delivered, or refused after it was sent.
    pub(super) fn message_marked(&mut self, env: &Env<'_>, id: ConversationId, reference: &str, mark: Mark) {
        let Some(Known { number, counts, mut message }) = self.called(id, reference).filter(|known| known.message.from.own) else { return };
        let sent = matches!(message.state, Some(MessageState::Sent | MessageState::Unknown));
        match mark {
            Mark::Delivered if sent => message.state = Some(MessageState::Delivered),
            // A device may refuse a message that another one has: a delivered message stays delivered.
            Mark::Failed(words) if sent => (message.state, message.error) = (Some(MessageState::Failed), Some(words)),
            Mark::Delivered | Mark::Failed(_) => return,
        }
        self.change_line(env, id, number, counts, message, None);
    }

    /// The author of a message has put another text in its place.
    pub(super) fn message_replaced(&mut self, env: &Env<'_>, id: ConversationId, reference: &str, mut message: Message) {
        let Some(Known { number, counts, message: old }) = self.called(id, reference).filter(|known| !known.message.from.own) else {
            // The earlier message is gone, or was never here: the new text is a message as any other.
            return self.message_added(env, None, id, message);
        };
        let server_id = message.server_id.take();
        let mut new = wire_message(message, number, env.config.text_bytes);
        let Some(conv) = self.conversations.get(&id) else { return };
        if conv.base.kind == ConversationKind::Room {
            new.highlight |= super::highlight::calls(&self.settings, &new.text);
        }
        self.check_pictures(&mut new);
        if let Some(conv) = self.conversations.get_mut(&id) {
            // So that it is known when the network tells it again.
            conv.recent.knows(&new, server_id.as_deref(), env.wall);
        }
        let message = wire::Message { edited_at: Some(env.wall), time: old.time, delayed: old.delayed, from: old.from, ..new };
        self.change_line(env, id, number, counts, message, server_id);
    }

    /// Puts a line that memory has in its new form into memory, the store and pages.
    fn change_line(
        &mut self,
        env: &Env<'_>,
        id: ConversationId,
        number: u64,
        counts: bool,
        message: wire::Message,
        server_id: Option<String>,
    ) {
        let Some(conv) = self.conversations.get_mut(&id) else { return };
        let account = conv.base.account;
        let before = conv.kept.bytes();
        conv.kept.replace(number, &message);
        let change = conv.kept.bytes().cast_signed() - before.cast_signed();
        self.kept_bytes = self.kept_bytes.saturating_add_signed(change);
        if self.conversations.get(&id).is_some_and(|conv| self.keeps_lines(conv)) {
            self.write(|user| Write::MessageChanged(stored::stored(user, id, number, counts, &message, server_id)));
        }
        self.bound_kept(env.config.kept_bytes);
        self.emit(env, None, EventBody::MessageUpdated { account, conversation: id, message });
    }

    /// The message with this number is called so by its network.
    pub(super) fn note_reference(&mut self, id: ConversationId, number: u64, kind: MessageKind, reference: Option<&str>) {
        let is_said = matches!(kind, MessageKind::Received | MessageKind::Sent);
        if let (Some(conv), Some(reference)) = (self.conversations.get_mut(&id), reference.filter(|_| is_said)) {
            conv.references.note(reference, number);
        }
    }
}
