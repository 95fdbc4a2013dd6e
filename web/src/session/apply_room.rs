//! From what the bridge tells to the user's conversations: opening, lines, members; keeps the last messages within their bounds.

use super::bounds::{MOST_MEMBER_BYTES, member_bytes};
use super::conversation::{Conv, message_id};
use super::members::Members;
use super::state::{Env, State};
use crate::body;
use crate::wire::{self, EventBody, MessageState};
use bridge::command::Origin;
use bridge::id::{ConversationId, ConversationKind};
use bridge::model::{Conversation, Member, Message, MessageKind};

/// Conversations beyond those that a user may have open, until the network side has closed as many. Rooms are never closed.
const A_FLOOD: usize = 1000;
/// A message that is so much older than its arrival was delayed on its way. Clocks may differ by less.
const DELAYED_MS: i64 = 2 * 60_000;

/// Who is in a room changed.
pub(super) struct Change {
    pub(super) joined: Vec<Member>,
    pub(super) left: Vec<String>,
    pub(super) changed: Vec<Member>,
    pub(super) renamed: Vec<(String, String)>,
    pub(super) initial: bool,
}

impl State {
    /// It, when it is shown.
    pub(crate) fn open_conversation(&mut self, id: ConversationId) -> Option<&mut Conv> {
        self.conversations.get_mut(&id).map(|conv| &mut **conv).filter(|conv| conv.open)
    }

    pub(super) fn conversation_opened(&mut self, env: &Env<'_>, origin: Option<&Origin>, mut conversation: Conversation) {
        let (id, account) = (conversation.id, conversation.account);
        let most = env.config.conversations_per_user;
        if most > 0 && self.conversations.len() >= most + A_FLOOD && !self.conversations.contains_key(&id) {
            return self.leave_out(env, 1);
        }
        if let Some(members) = &mut conversation.members {
            let mut room = self.room_for_members(id);
            let before = members.len();
            members.retain(|member| take_room(&mut room, member));
            let left_out = before - members.len();
            self.leave_out(env, left_out);
        }
        let conv = self.conversations.entry(id).or_insert_with(|| Box::new(Conv::new(conversation.clone(), env.now)));
        conv.base = conversation;
        conv.members = conv.base.members.take().map(Members::of);
        conv.open = true;
        conv.recent.begins(env.wall);
        (conv.touched, conv.given_up) = (env.now, None);
        let conversation = conv.wire(true);
        self.keep_conversation(id);
        self.emit(env, origin, EventBody::ConversationOpened { account, conversation });
    }

    pub(super) fn conversation_updated(&mut self, env: &Env<'_>, origin: Option<&Origin>, conversation: Conversation) {
        // What the user closed stays closed: libpurple still tells of a room that is being left.
        let Some(conv) = self.open_conversation(conversation.id) else { return };
        let account = conversation.account;
        // They come by events of their own.
        let id = conversation.id;
        let renamed = conv.base.name != conversation.name || conv.base.title != conversation.title;
        if conversation.joined == Some(true) && conv.base.joined != Some(true) {
            conv.recent.begins(env.wall);
            conv.visited |= !conv.kept.is_empty();
        }
        conv.base = Conversation { members: None, ..conversation };
        let conversation = conv.wire(false);
        if renamed {
            self.keep_conversation(id);
        }
        self.send_waiting();
        self.emit(env, origin, EventBody::ConversationUpdated { account, conversation });
    }

    pub(super) fn conversation_closed(&mut self, env: &Env<'_>, origin: Option<&Origin>, id: ConversationId) {
        self.take_back(id);
        let Some(conv) = self.open_conversation(id) else { return };
        conv.open = false;
        conv.members = None;
        let account = conv.base.account;
        let empty = conv.kept.is_empty();
        self.keep_conversation(id);
        if empty {
            self.conversations.remove(&id);
        }
        for client in &mut self.clients {
            if client.focused == Some(id) {
                client.focused = None;
            }
        }
        self.emit(env, origin, EventBody::ConversationClosed { account, conversation: id });
    }

    /// Bytes that members of a room may take, beside those of all others.
    fn room_for_members(&self, id: ConversationId) -> usize {
        let others = self.conversations.iter().filter(|(other, _)| **other != id).map(|(_, conv)| conv.member_bytes()).sum();
        MOST_MEMBER_BYTES.saturating_sub(others)
    }

    pub(super) fn members_changed(&mut self, env: &Env<'_>, origin: Option<&Origin>, id: ConversationId, change: Change) {
        let most = self.room_for_members(id);
        let Some(conv) = self.open_conversation(id) else { return };
        let account = conv.base.account;
        let members = conv.members.get_or_insert_default();
        let Change { mut joined, left, mut changed, renamed, initial } = change;
        if initial {
            *members = Members::default();
        }
        // Nothing here may walk all of them: in a large room somebody comes or goes all the time.
        left.iter().for_each(|name| members.remove(name));
        let mut left_out = 0;
        let mut place = |member: &Member| {
            let fits = members.put(member, most);
            left_out += usize::from(!fits);
            fits
        };
        joined.retain(&mut place);
        changed.retain(&mut place);
        self.leave_out(env, left_out);
        self.ignored_left(env, id, (!initial).then_some(left.as_slice()));
        self.ignore_renamed(env, id, &renamed);
        self.emit(env, origin, EventBody::RoomMembers { account, conversation: id, joined, left, changed, renamed, initial });
    }

    pub(super) fn message_added(&mut self, env: &Env<'_>, origin: Option<&Origin>, id: ConversationId, mut message: Message) {
        let reference = message.reference.take();
        if let Some(number) = super::outbox::number(origin) {
            self.note_reference(id, number, message.kind, reference.as_deref());
        }
        if message.kind != MessageKind::System && self.waited(env, origin, Self::fate_of(&message)) {
            // It is shown already.
            return;
        }
        if message.kind != MessageKind::System {
            self.takes_the_place(env, origin);
        }
        let number = env.next_message();
        let Some(conv) = self.conversations.get_mut(&id) else {
            // Or for one that there was no room for.
            return self.leave_out(env, 1);
        };
        let account = conv.base.account;
        if message.from.own && message.from.name.is_empty() {
            // Of unknown fate: whoever had the account is not there any more to say what the user is called.
            let name = conv.base.nick.clone();
            let name = name.or_else(|| self.accounts.iter().find(|known| known.id == account).map(|known| known.username.clone()));
            message.from.name = name.unwrap_or_default();
        }
        let Some(conv) = self.conversations.get_mut(&id) else { return };
        if !conv.open {
            // A closed one that is only kept for its messages: it comes back.
            conv.open = true;
            let conversation = conv.wire(true);
            self.keep_conversation(id);
            self.emit(env, None, EventBody::ConversationOpened { account, conversation });
        }
        let Some(conv) = self.conversations.get_mut(&id) else { return };
        let room = conv.base.kind == ConversationKind::Room;
        let kind = message.kind;
        conv.touched = env.now;
        // Not every protocol flags what its server kept for the user. Rooms flag what they replay.
        let comes_from_elsewhere = kind == MessageKind::Received || message.remote;
        message.delayed |= !room && comes_from_elsewhere && message.time.0.saturating_add(DELAYED_MS) < env.wall.0;
        // What a room replays to whoever comes for the first time was said to others, some time ago. What was said since the last visit counts.
        let counts = kind == MessageKind::Received && !(room && message.delayed && !conv.visited);
        conv.visited |= room && !message.delayed;
        // Who answers has read what is above.
        let answers = kind == MessageKind::Sent && message.from.own && !message.delayed;
        if room && kind == MessageKind::Received && self.ignores(id, &message.from.name) {
            return;
        }
        let server_id = message.server_id.take();
        let mut message = wire_message(message, number, env.config.text_bytes);
        message.highlight |= room && kind == MessageKind::Received && super::highlight::calls(&self.settings, &message.text);
        self.check_pictures(&mut message);
        let Some(conv) = self.conversations.get_mut(&id) else { return };
        if conv.recent.knows(&message, server_id.as_deref(), env.wall) {
            return;
        }
        let change = conv.keep(number, counts, &message, env.config.kept_messages.max(1));
        if let Some(reference) = reference {
            conv.references.note(&reference, number);
        }
        let read = answers && conv.unread > 0 && conv.mark_read(None);
        self.kept_bytes = self.kept_bytes.saturating_add_signed(change);
        self.await_pictures(id, number, &message, server_id.as_deref());
        self.keep_message(env, id, number, counts, &message, server_id);
        self.bound_kept(env.config.kept_bytes);
        let said = counts || !message.delayed && matches!(kind, MessageKind::Sent | MessageKind::Unknown);
        let hits = if said { self.heard(id, number, &message, counts) } else { Vec::new() };
        let body = match kind {
            MessageKind::Received => {
                env.counters.messages_received.one();
                EventBody::MessageReceived { account, conversation: id, message }
            }
            MessageKind::Sent | MessageKind::Unknown => {
                env.counters.messages_sent.one();
                EventBody::MessageSent { account, conversation: id, message }
            }
            MessageKind::System => EventBody::MessageSystem { account, conversation: id, message },
            MessageKind::Failed => EventBody::MessageFailed { account, conversation: id, message },
        };
        self.emit(env, origin, body);
        hits.into_iter().for_each(|hit| self.emit(env, None, hit));
        if read {
            self.emit_read(env, None, id);
        }
    }

    /// Logs how much of a conversation is read.
    pub(crate) fn emit_read(&mut self, env: &Env<'_>, origin: Option<&Origin>, id: ConversationId) {
        self.keep_read(id);
        let Some(conv) = self.conversations.get(&id) else { return };
        let (account, read_upto, unread, mentions) = (conv.base.account, conv.read_upto(), conv.unread, conv.mentions);
        self.emit(env, origin, EventBody::ConversationRead { account, conversation: id, read_upto, unread, mentions });
    }

    /// Lets go of the oldest messages of all conversations until the rest fits.
    pub(super) fn bound_kept(&mut self, most: usize) {
        while self.kept_bytes > most {
            let oldest = |conv: &&mut Box<Conv>| conv.kept.oldest().unwrap_or(u64::MAX);
            let Some(conv) = self.conversations.values_mut().filter(|conv| !conv.kept.is_empty()).min_by_key(oldest) else { break };
            let id = conv.base.id;
            let freed = conv.kept.drop_oldest().unwrap_or(0);
            conv.dropped = true;
            let forgotten = conv.kept.is_empty() && !conv.open;
            self.kept_bytes = self.kept_bytes.saturating_sub(freed);
            if forgotten {
                self.conversations.remove(&id);
            }
        }
    }
}

/// Takes a member's bytes out of what room there is. False: it is not enough.
fn take_room(room: &mut usize, member: &Member) -> bool {
    let rest = room.checked_sub(member_bytes(member));
    *room = rest.unwrap_or(*room);
    rest.is_some()
}

pub(super) fn wire_message(message: Message, number: u64, limit: usize) -> wire::Message {
    let spans = body::spans_with(&message.html, limit, &message.pictures);
    let state = match message.kind {
        MessageKind::Sent => Some(MessageState::Sent),
        MessageKind::Failed => Some(MessageState::Failed),
        MessageKind::Unknown => Some(MessageState::Unknown),
        MessageKind::Received | MessageKind::System => None,
    };
    wire::Message {
        id: message_id(number),
        from: message.from,
        time: message.time,
        text: body::text(&spans),
        spans,
        delayed: message.delayed,
        highlight: message.highlight,
        auto_reply: message.auto_reply,
        remote: message.remote,
        system: message.kind == MessageKind::System,
        topic: message.topic && message.kind == MessageKind::System,
        state,
        edited_at: None,
        error: None,
    }
}
