//! Knows since when accounts are away and what found no room in the store, and marks it in their conversations. Shows no gap (see `browse`).

use super::conversation::Conv;
use super::keep::Keep;
use super::memory::AWAY;
use super::state::{Env, State};
use super::stored::wire_gap;
use crate::store::{Gap, Write};
use crate::wire::{EventBody, GapWhy};
use bridge::id::{AccountId, ConversationId};
use bridge::model::AccountState;
use bridge::time::Timestamp;
use std::collections::BTreeMap;

/// Small writes that are tried again once there is room.
const MOST_AGAIN: usize = 1000;

/// Since when accounts are away, and why.
pub(super) type Away = BTreeMap<AccountId, (Timestamp, GapWhy)>;

/// Writes that found no room.
#[derive(Debug, Default)]
pub(super) struct Missed {
    /// Conversations with messages that found none: the last one that did, and since when.
    pub(super) messages: BTreeMap<ConversationId, (u64, Timestamp)>,
    /// Writes that are tried again as they are.
    again: Vec<Write>,
    /// Something that the session has as it is now.
    state: bool,
}

impl Missed {
    /// Notes what is to be done about a write that found no room.
    pub(super) fn note(&mut self, write: Write) {
        match write {
            // A gap tells of it.
            Write::Message(_) | Write::Blob { .. } => {}
            // Nothing was promised: the line is refused, or waits on as it was. Written later it would go after a restart all the same.
            Write::Outbox(_) => {}
            Write::Conversation(_)
            | Write::Read { .. }
            | Write::Account(_)
            | Write::Buddy(_)
            | Write::Group(..)
            | Write::Setting { .. } => self.state = true,
            // Later it would delete what came since.
            Write::DeleteConversation { .. } => {
                crate::pace::paced!(error, "a conversation stays: there was no room to note that it is deleted")
            }
            Write::MessageChanged(_)
            | Write::Gap(..)
            | Write::AccountRemoved { .. }
            | Write::BuddyRemoved { .. }
            | Write::GroupRemoved { .. }
            | Write::OutboxDone { .. } => {
                if self.again.len() < MOST_AGAIN {
                    self.again.push(write);
                }
            }
        }
    }
}

/// The name of a reason in the store.
pub(super) fn why_name(why: GapWhy) -> &'static str {
    match why {
        GapWhy::Offline => "offline",
        GapWhy::Restart => "restart",
        GapWhy::Store => "store",
        GapWhy::Worker => "worker",
    }
}

/// Reads what [`State::keep_away`] wrote.
pub(super) fn read_away(value: &str) -> Away {
    let all: Vec<(u64, i64, GapWhy)> = serde_json::from_str(value).unwrap_or_default();
    all.into_iter().map(|(account, from, why)| (AccountId(account), (Timestamp(from), why))).collect()
}

fn away_setting(away: &Away) -> Option<String> {
    let all: Vec<(u64, i64, GapWhy)> = away.iter().map(|(account, (from, why))| (account.0, from.0, *why)).collect();
    if all.is_empty() { None } else { serde_json::to_string(&all).ok() }
}

impl State {
    /// An account stands otherwise: notes since when it is away, and marks what is missing once it is back.
    pub(super) fn note_presence(&mut self, env: &Env<'_>, account: AccountId, state: AccountState) {
        let Some(keep) = &mut self.keep else { return };
        if state != AccountState::Online {
            if keep.online.remove(&account) {
                keep.away.entry(account).or_insert((env.wall, GapWhy::Offline));
                self.keep_away();
            }
            return;
        }
        keep.online.insert(account);
        if let Some((from, why)) = keep.away.remove(&account) {
            self.keep_gaps(env, account, from, why);
            self.keep_away();
        }
        self.send_waiting();
    }

    /// A worker fell silent or ended with an account: what came since then may be missing.
    pub(super) fn note_silence(&mut self, account: AccountId, since: Timestamp) -> bool {
        let Some(keep) = &mut self.keep else { return false };
        keep.online.remove(&account);
        keep.away.entry(account).and_modify(|(from, _)| *from = (*from).min(since)).or_insert((since, GapWhy::Worker));
        self.keep_away();
        true
    }

    /// Writes down since when accounts are away: a daemon that ends before they are back does not know otherwise.
    pub(super) fn keep_away(&mut self) {
        let Some(value) = self.keep.as_ref().map(|keep| away_setting(&keep.away)) else { return };
        self.write(|user| Write::Setting { user, key: AWAY.to_owned(), value });
    }

    /// A time of which messages may be missing is over: marks it in an account's open conversations.
    pub(super) fn keep_gaps(&mut self, env: &Env<'_>, account: AccountId, from: Timestamp, why: GapWhy) {
        let theirs = |conv: &Conv| conv.open && conv.base.account == account && self.keeps_lines(conv);
        let open = self.conversations.iter().filter(|(_, conv)| theirs(conv));
        let open: Vec<_> = open.map(|(id, conv)| (*id, conv.kept.newest().unwrap_or(0))).collect();
        for (conversation, after) in open {
            // While nothing is said it is one gap, however often an account comes and goes.
            let last = self.conversations.get(&conversation).and_then(|conv| conv.gaps.last());
            let from = last.filter(|last| last.after == after && last.why == why_name(why)).map_or(from, |last| last.from.min(from));
            let gap = Gap { conversation, after, from, to: Some(env.wall), why: why_name(why).to_owned() };
            self.write(|user| Write::Gap(user, gap.clone()));
            self.emit_gap(env, account, &gap);
        }
    }

    /// The gap of messages that found no room, which ends now.
    pub(super) fn end_of_gap(keep: &Keep, env: &Env<'_>, conversation: ConversationId) -> Option<Gap> {
        let (after, from) = keep.missed.messages.get(&conversation).copied()?;
        Some(Gap { conversation, after, from, to: Some(env.wall), why: why_name(GapWhy::Store).to_owned() })
    }

    pub(super) fn emit_gap(&mut self, env: &Env<'_>, account: AccountId, gap: &Gap) {
        let conversation = gap.conversation;
        if let Some(conv) = self.conversations.get_mut(&conversation) {
            conv.note_gap(gap.clone());
        }
        self.emit(env, None, EventBody::ConversationGap { account, conversation, gap: wire_gap(gap, None) });
    }

    /// There is room in the store's queue again: writes down what found none, and marks where messages are missing.
    pub(super) fn make_up(&mut self, env: &Env<'_>) {
        let Some(keep) = &mut self.keep else { return };
        let Missed { messages, again, state } = std::mem::take(&mut keep.missed);
        for write in again {
            keep.write(write);
        }
        if state {
            self.write_state();
        }
        for (conversation, (after, from)) in messages {
            let Some(account) = self.conversations.get(&conversation).map(|conv| conv.base.account) else { continue };
            let gap = Gap { conversation, after, from, to: Some(env.wall), why: why_name(GapWhy::Store).to_owned() };
            self.write(|user| Write::Gap(user, gap.clone()));
            self.emit_gap(env, account, &gap);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_refused_is_not_written_later() {
        let (user, conversation) = (bridge::id::UserId(1), ConversationId(2));
        let mut missed = Missed::default();
        missed.note(Write::Outbox(crate::store::OutboxRow { user, number: 3, conversation, text: "hm".into(), handed_over: false }));
        assert!(missed.again.is_empty() && !missed.state);
        missed.note(Write::OutboxDone { user, number: 4 });
        assert_eq!(missed.again.len(), 1, "what went must not go again");
    }

    #[test]
    fn since_when_accounts_are_away_is_read_as_it_was_written() {
        let away: Away = [(AccountId(u64::MAX), (Timestamp(7), GapWhy::Restart)), (AccountId(2), (Timestamp(-1), GapWhy::Worker))].into();
        assert_eq!(read_away(&away_setting(&away).unwrap()), away);
        assert_eq!(away_setting(&Away::default()), None);
        assert_eq!(read_away("of another version"), Away::default());
    }
}
