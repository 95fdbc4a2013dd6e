//! Lines that wait until their account is signed on: kept, sent once and in order. Asks nobody about a line whose fate is unknown (the page does).

use super::conversation::message_id;
use super::keep;
use super::perform::error;
use super::state::{Env, State};
use super::stored;
use crate::body;
use crate::store::{OutboxRow, StoredMessage, Write};
use crate::wire::{self, ErrorBody, EventBody, MessageState};
use bridge::command::{CommandKind, Origin};
use bridge::id::{AccountId, ConversationId};
use bridge::model::{AccountState, Author, ConversationKind, Message};
use bridge::time::Timestamp;
use std::collections::VecDeque;

/// Lines of one user that wait.
const MOST: usize = 500;
/// Their bytes: they are in memory.
const MOST_BYTES: usize = 1 << 20;
/// The origin of a line that waited, before its number; no client has an empty id.
pub(super) const OUTBOX: &str = "outbox ";

/// The origin of a line that is sent again and not kept, before the place of the old line.
const AGAIN: &str = "again ";

/// A line that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(super) number: u64,
    pub(super) conversation: ConversationId,
    /// HTML for libpurple.
    pub(super) html: String,
    pub(super) step: Step,
}

/// How far a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Its account is not signed on, or others are before it.
    Waits,
    /// The line goes once the write of this number is durable: after a restart it must not go again.
    Noted(u64),
    /// The network side has it.
    Handed,
}

pub(super) fn too_late() -> ErrorBody {
    error("too_late", "It is on its way, or was sent, and cannot be taken back.")
}

/// The number of a line that waited, in the origin of its command.
pub(super) fn number(origin: Option<&Origin>) -> Option<u64> {
    let origin = origin.filter(|origin| origin.client.is_empty())?;
    origin.command.strip_prefix(OUTBOX)?.parse().ok()
}

/// The place of the line that a command sends again.
fn old_place(origin: Option<&Origin>) -> Option<(ConversationId, u64)> {
    let origin = origin.filter(|origin| origin.client.is_empty())?;
    let (conversation, number) = origin.command.strip_prefix(AGAIN)?.split_once(' ')?;
    Some((conversation.parse().ok()?, number.parse().ok()?))
}

impl State {
    fn can_send(&self, conversation: ConversationId) -> bool {
        let Some(conv) = self.conversations.get(&conversation) else { return false };
        let online = self.accounts.iter().any(|known| known.id == conv.base.account && known.standing.state == AccountState::Online);
        online && (conv.base.kind == ConversationKind::Im || conv.base.joined == Some(true))
    }

    /// Whether a line has to wait: its account is not signed on, or earlier lines wait. Those wait for the store, too, while it is away: they were
    /// noted, and would go twice if the daemon ended before it is noted that they went. Nothing overtakes them.
    pub(super) fn has_to_wait(&self, kind: &CommandKind) -> bool {
        let CommandKind::SendMessage { conversation, text, .. } = kind else { return false };
        let Some(keep) = &self.keep else { return false };
        let passing = self.conversations.get(conversation).is_none_or(|conv| keep.passing.contains(&conv.base.account));
        let others = keep.outbox.iter().any(|waiting| waiting.conversation == *conversation);
        text.is_empty() && !passing && (others || keep.is_kept() && !self.can_send(*conversation))
    }

    /// Keeps a line until it can be sent.
    pub(super) fn queue(&mut self, env: &Env<'_>, origin: &Origin, kind: CommandKind) -> Result<(), ErrorBody> {
        let CommandKind::SendMessage { conversation, html, .. } = kind else { return Ok(()) };
        let is_full = |keep: &keep::Keep| {
            keep.outbox.len() >= MOST || keep.outbox.iter().map(|waiting| waiting.html.len()).sum::<usize>() + html.len() > MOST_BYTES
        };
        if self.keep.as_deref().is_none_or(is_full) {
            return Err(error("limit", format!("At most {MOST} messages may wait to be sent, of {} KiB together.", MOST_BYTES >> 10)));
        }
        let number = env.next_message();
        let Some(message) = self.own_line(env, conversation, number, &html, MessageState::Pending) else { return Ok(()) };
        // First: what waits only in memory is not what was promised.
        let text = html.clone();
        if !self.write(|user| Write::Outbox(OutboxRow { user, number, conversation, text, handed_over: false })) {
            return Err(keep::unavailable());
        }
        let Some(conv) = self.conversations.get_mut(&conversation) else { return Ok(()) };
        let account = conv.base.account;
        let change = conv.keep(number, false, &message, env.config.kept_messages.max(1));
        self.kept_bytes = self.kept_bytes.saturating_add_signed(change);
        self.keep_message(env, conversation, number, false, &message, None);
        if let Some(keep) = &mut self.keep {
            keep.outbox.push_back(Waiting { number, conversation, html, step: Step::Waits });
        }
        self.bound_kept(env.config.kept_bytes);
        self.emit(env, Some(origin), EventBody::MessageSent { account, conversation, message });
        self.send_waiting();
        Ok(())
    }

    /// An own line that waits or has waited. Its number tells when it was said.
    fn own_line(&self, env: &Env<'_>, id: ConversationId, number: u64, html: &str, state: MessageState) -> Option<wire::Message> {
        let conv = self.conversations.get(&id)?;
        let account = || self.accounts.iter().find(|known| known.id == conv.base.account).map(|known| known.username.clone());
        let name = conv.base.nick.clone().or_else(account).unwrap_or_default();
        let spans = body::spans(html, env.config.text_bytes);
        Some(wire::Message {
            id: message_id(number),
            from: Author { name, alias: None, buddy: None, own: true },
            time: Timestamp((number >> 16).cast_signed()).min(env.wall),
            text: body::text(&spans),
            spans,
            delayed: false,
            highlight: false,
            auto_reply: false,
            remote: false,
            system: false,
            topic: false,
            state: Some(state),
            edited_at: None,
            error: None,
        })
    }

    /// Sends what can be sent, the first line of each conversation: noted first, handed over once that is durable.
    pub(super) fn send_waiting(&mut self) {
        let Some(keep) = &self.keep else { return };
        let done = keep.done();
        let mut seen = Vec::new();
        let mut steps = Vec::new();
        for (at, waiting) in keep.outbox.iter().enumerate() {
            if seen.contains(&waiting.conversation) {
                continue;
            }
            seen.push(waiting.conversation);
            if self.can_send(waiting.conversation) {
                match waiting.step {
                    Step::Waits => steps.push((at, false)),
                    Step::Noted(number) if number <= done => steps.push((at, true)),
                    Step::Noted(_) | Step::Handed => {}
                }
            }
        }
        for (at, hand) in steps {
            let Some(keep) = &mut self.keep else { return };
            let Some(waiting) = keep.outbox.get(at).cloned() else { continue };
            let step = if hand {
                self.chores_from.push((
                    Origin { client: String::new(), command: format!("{OUTBOX}{}", waiting.number) },
                    CommandKind::SendMessage { conversation: waiting.conversation, text: String::new(), html: waiting.html },
                ));
                Step::Handed
            } else {
                let (number, conversation, text) = (waiting.number, waiting.conversation, waiting.html);
                if !self.write(|user| Write::Outbox(OutboxRow { user, number, conversation, text, handed_over: true })) {
                    // No room to note it: it waits on, as it must not go twice.
                    continue;
                }
                Step::Noted(self.keep.as_ref().map_or(0, |keep| keep.last()))
            };
            if let Some(waiting) = self.keep.as_mut().and_then(|keep| keep.outbox.get_mut(at)) {
                waiting.step = step;
            }
        }
    }

    /// Notes the fate of a line that waited. False: the origin is of no such line.
    pub(super) fn waited(&mut self, env: &Env<'_>, origin: Option<&Origin>, state: MessageState) -> bool {
        let Some(number) = number(origin) else { return false };
        let Some(keep) = &mut self.keep else { return false };
        let Some(at) = keep.outbox.iter().position(|waiting| waiting.number == number) else { return true };
        let Some(waiting) = keep.outbox.remove(at) else { return true };
        if keep.outbox.is_empty() {
            keep.outbox = VecDeque::new();
        }
        self.write(|user| Write::OutboxDone { user, number });
        self.set_fate(env, waiting.conversation, number, &waiting.html, state);
        self.send_waiting();
        true
    }

    /// The message that the network side tells of one that waited: the fate of a line that is shown already.
    pub(super) fn fate_of(message: &Message) -> MessageState {
        match message.kind {
            bridge::model::MessageKind::Failed => MessageState::Failed,
            bridge::model::MessageKind::Unknown => MessageState::Unknown,
            _ => MessageState::Sent,
        }
    }

    /// Others may have pushed the line out of memory meanwhile.
    fn set_fate(&mut self, env: &Env<'_>, id: ConversationId, number: u64, html: &str, state: MessageState) {
        let Some(message) = self.own_line(env, id, number, html, state) else { return };
        let Some(conv) = self.conversations.get_mut(&id) else { return };
        let account = conv.base.account;
        let before = conv.kept.bytes();
        conv.kept.replace(number, &message);
        let change = conv.kept.bytes().cast_signed() - before.cast_signed();
        self.kept_bytes = self.kept_bytes.saturating_add_signed(change);
        self.write(|user| Write::MessageChanged(stored::stored(user, id, number, false, &message, None)));
        self.emit(env, None, EventBody::MessageUpdated { account, conversation: id, message });
    }

    /// A line that is in memory, or waits.
    pub(super) fn line(&self, env: &Env<'_>, id: ConversationId, number: u64) -> Option<wire::Message> {
        let conv = self.conversations.get(&id)?;
        if let Some(line) = conv.kept.lines().find(|line| line.number == number) {
            return Some(line.message());
        }
        let waits = self.keep.as_ref()?.outbox.iter().find(|waiting| waiting.number == number && waiting.conversation == id)?;
        self.own_line(env, id, number, &waits.html, MessageState::Pending)
    }

    /// Whether a line can be given up: it waits, or its fate is bad or unknown. `message`: what is known of it.
    fn may_cancel(&self, number: u64, message: &wire::Message) -> Result<(), ErrorBody> {
        let waits = |keep: &keep::Keep| keep.outbox.iter().any(|waiting| waiting.number == number && waiting.step == Step::Waits);
        match message.state {
            Some(MessageState::Failed | MessageState::Unknown) if message.from.own => Ok(()),
            Some(MessageState::Pending) if self.keep.as_deref().is_some_and(waits) => Ok(()),
            _ => Err(too_late()),
        }
    }

    /// Takes a line back that waits, or gives one up whose fate is bad or unknown.
    pub(super) fn cancel(
        &mut self,
        env: &Env<'_>,
        origin: &Origin,
        id: ConversationId,
        number: u64,
        message: &wire::Message,
    ) -> Result<(), ErrorBody> {
        self.may_cancel(number, message)?;
        if !self.conversations.contains_key(&id) {
            return Err(super::translate::unknown("message"));
        }
        if message.state == Some(MessageState::Pending) {
            if let Some(keep) = &mut self.keep {
                keep.outbox.retain(|waiting| waiting.number != number);
            }
            self.write(|user| Write::OutboxDone { user, number });
        }
        self.take_away(env, Some(origin), id, number, message);
        self.send_waiting();
        Ok(())
    }

    /// Removes a line from memory, the store and pages.
    fn take_away(&mut self, env: &Env<'_>, origin: Option<&Origin>, id: ConversationId, number: u64, message: &wire::Message) {
        let Some(conv) = self.conversations.get_mut(&id) else { return };
        let account = conv.base.account;
        let before = conv.kept.bytes();
        conv.kept.remove(number);
        let change = conv.kept.bytes().cast_signed() - before.cast_signed();
        self.kept_bytes = self.kept_bytes.saturating_add_signed(change);
        let removed = wire::Message { text: String::new(), spans: Vec::new(), state: None, error: None, ..message.clone() };
        self.write(|user| {
            let mut stored = stored::stored(user, id, number, false, &removed, None);
            stored.flags |= StoredMessage::REMOVED;
            Write::MessageChanged(stored)
        });
        self.emit(env, origin, EventBody::MessageRemoved { account, conversation: id, message: message.id.clone() });
    }

    /// Sends a line anew. The old one goes once the new one is kept, so that no refusal loses it.
    ///
    /// # Errors
    /// `too_late`, `limit`, `store_unavailable`; the line stays as it is.
    pub(super) fn resend(
        &mut self,
        env: &Env<'_>,
        origin: &Origin,
        id: ConversationId,
        number: u64,
        message: &wire::Message,
    ) -> Result<Option<(Origin, CommandKind)>, ErrorBody> {
        self.may_cancel(number, message)?;
        let Some(conv) = self.conversations.get(&id) else { return Err(super::translate::unknown("message")) };
        let html = body::html_of_spans(&message.spans);
        let kind = CommandKind::SendMessage { conversation: id, text: String::new(), html };
        if self.keep.as_ref().is_some_and(|keep| keep.is_kept() && !keep.passing.contains(&conv.base.account)) || self.has_to_wait(&kind) {
            self.queue(env, origin, kind)?;
            return self.cancel(env, origin, id, number, message).map(|()| None);
        }
        Ok(Some((Origin { client: String::new(), command: format!("{AGAIN}{id} {number}") }, kind)))
    }

    /// A line that is sent again is on its way.
    pub(super) fn resent(&mut self, env: &Env<'_>, origin: &Origin) {
        self.set_state(env, old_place(Some(origin)), MessageState::Pending);
    }

    /// The new line of one that is sent again is told, and takes the place of the old one.
    pub(super) fn takes_the_place(&mut self, env: &Env<'_>, origin: Option<&Origin>) {
        let Some((id, number)) = old_place(origin) else { return };
        let old = self.conversations.get(&id).and_then(|conv| conv.kept.lines().find(|line| line.number == number));
        if let Some(old) = old.map(|line| line.message()) {
            self.take_away(env, None, id, number, &old);
        }
    }

    /// The command that sends a line again has ended. False: the origin is of no such command.
    pub(super) fn resend_ended(&mut self, env: &Env<'_>, origin: &Origin, state: MessageState) -> bool {
        let place = old_place(Some(origin));
        self.set_state(env, place, state);
        place.is_some()
    }

    /// A line that memory has is in another state.
    fn set_state(&mut self, env: &Env<'_>, place: Option<(ConversationId, u64)>, state: MessageState) {
        let Some((id, number)) = place else { return };
        let Some(conv) = self.conversations.get_mut(&id) else { return };
        let Some(mut message) = conv.kept.lines().find(|line| line.number == number).map(|line| line.message()) else { return };
        (message.state, message.error) = (Some(state), None);
        conv.kept.replace(number, &message);
        let account = conv.base.account;
        self.emit(env, None, EventBody::MessageUpdated { account, conversation: id, message });
    }

    /// Puts the lines back that waited when the daemon ended. Those that were handed over are of unknown fate.
    pub(super) fn restore_outbox(&mut self, env: &Env<'_>, rows: Vec<OutboxRow>) {
        for row in rows {
            if row.handed_over {
                self.write(|user| Write::OutboxDone { user, number: row.number });
                self.set_fate(env, row.conversation, row.number, &row.text, MessageState::Unknown);
            } else if let Some(keep) = &mut self.keep {
                keep.outbox.push_back(Waiting { number: row.number, conversation: row.conversation, html: row.text, step: Step::Waits });
            }
        }
    }

    /// An account is removed: what waited for it goes with it.
    pub(super) fn forget_waiting(&mut self, account: AccountId) {
        let theirs: Vec<ConversationId> =
            self.conversations.iter().filter(|(_, conv)| conv.base.account == account).map(|(id, _)| *id).collect();
        if let Some(keep) = &mut self.keep {
            keep.outbox.retain(|waiting| !theirs.contains(&waiting.conversation));
        }
    }
}
