//! Own messages of which more may be heard: the name of each, and the network's later word on it. Sends nothing, and shows nothing.
//!
//! XMPP's stanzas have ids, by which receipts and refusals name them. A server of IRC names the target alone: it answers in the order in which lines
//! came, so that a refusal is of the oldest line that it may be about. Lines that a server passes on get no answer: lines of a while ago count as
//! passed on where there are later ones.

use super::super::ffi::{in_process, owned};
use super::super::outbox;
use super::super::outgoing::is_irc;
use super::super::token::OnPurple;
use super::{change, normalize, read};
use crate::event::EventKind;
use crate::id::{AccountId, ConversationId};
use crate::model::{ConversationKind, Mark};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Messages of an account that are remembered.
const MOST: usize = 200;
/// How long a server of IRC may take to refuse a line.
const REFUSED_WITHIN: Duration = Duration::from_secs(30);
/// How long it takes as a rule.
const REFUSED_SOON: Duration = Duration::from_secs(5);

/// The words of a line, for comparison.
pub(crate) fn words(_: OnPurple, html: &str) -> String {
    let html = in_process(html);
    // SAFETY: a C string; the copy is ours to free.
    let plain = unsafe { owned(purple_sys::purple_markup_strip_html(html.as_ptr())) };
    plain.unwrap_or_default().split_whitespace().collect()
}

struct Sent {
    conversation: ConversationId,
    id: String,
    at: Instant,
    /// Lines of IRC that it became.
    lines: usize,
    told: bool,
}

thread_local! {
    static SENT: RefCell<HashMap<AccountId, VecDeque<Sent>>> = RefCell::default();
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// Makes the `Message::reference` of an own message from the id of its stanza.
pub(super) fn reference(id: &str) -> String {
    format!("own\n{id}")
}

/// An own message is on its way. `stanza`: the id of its stanza, where it is one. Gives the message's `Message::reference`.
pub(super) fn note(
    token: OnPurple,
    account: AccountId,
    conversation: ConversationId,
    html: &str,
    stanza: Option<String>,
) -> Option<String> {
    let id = match stanza {
        Some(id) => id,
        None if is_irc(token, account) => {
            LAST.set(LAST.get() + 1);
            format!("irc {}", LAST.get())
        }
        None => return None,
    };
    let lines = html.split("<br>").flat_map(|part| part.split('\n')).filter(|line| !line.trim().is_empty()).count().max(1);
    SENT.with_borrow_mut(|all| {
        let theirs = all.entry(account).or_default();
        if theirs.len() >= MOST {
            theirs.pop_front();
        }
        theirs.push_back(Sent { conversation, id: id.clone(), at: Instant::now(), lines, told: false });
    });
    Some(reference(&id))
}

/// The connection is no more: what is not answered yet never will be.
pub(super) fn forget(_: OnPurple, account: AccountId) {
    SENT.with_borrow_mut(|all| all.remove(&account));
}

/// Whether a message with this id went into this conversation.
pub(in crate::purple) fn knows(_: OnPurple, account: AccountId, conversation: ConversationId, id: &str) -> bool {
    let is = |sent: &Sent| sent.conversation == conversation && sent.id == id;
    SENT.with_borrow(|all| all.get(&account).is_some_and(|theirs| theirs.iter().any(is)))
}

/// Tells what became of an own message.
pub(in crate::purple) fn mark(token: OnPurple, conversation: ConversationId, id: &str, mark: Mark) {
    if let Some(user) = read(token, conversation, |open| open.user) {
        outbox::emit_caused(token, user, None, EventKind::MessageMarked { conversation, reference: reference(id), mark });
    }
}

/// A server of IRC does not pass a line on that was for this room or person. False: none was.
pub(in crate::purple) fn refused(token: OnPurple, account: AccountId, target: &str, words: &str) -> bool {
    let Some(purple) = super::super::accounts::read(token, account, |entry| entry.purple) else { return false };
    let kind = if target.starts_with(['#', '&', '+', '!']) { ConversationKind::Room } else { ConversationKind::Im };
    let conversation = ConversationId::of(account, kind, &normalize(token, purple, target));
    let found = SENT.with_borrow_mut(|all| refuse_one(all.get_mut(&account)?, conversation));
    let Some((id, first)) = found else { return false };
    if first {
        let words = words.trim().trim_end_matches('.');
        let words = if words.is_empty() { "The server did not pass this on.".to_owned() } else { format!("{words}.") };
        mark(token, conversation, &id, Mark::Failed(words));
    }
    true
}

/// The message that a refusal is about, and whether it is the first for it.
fn refuse_one(sent: &mut VecDeque<Sent>, conversation: ConversationId) -> Option<(String, bool)> {
    sent.retain(|sent| sent.at.elapsed() < REFUSED_WITHIN);
    let may_be = |sent: &Sent| sent.conversation == conversation && sent.lines > 0;
    let soon = sent.iter().position(|sent| may_be(sent) && sent.at.elapsed() < REFUSED_SOON);
    let sent = sent.get_mut(soon.or_else(|| sent.iter().position(may_be))?)?;
    sent.lines -= 1;
    let first = !std::mem::replace(&mut sent.told, true);
    Some((sent.id.clone(), first))
}

/// Notes the words of a line that says that a message was not sent, while the message is sent.
pub(super) fn note_refusal(token: OnPurple, conversation: ConversationId, html: &str) {
    /// Characters that are passed on.
    const WORDS: usize = 300;
    let html = in_process(html);
    // SAFETY: a C string; the copy is ours to free.
    let plain = unsafe { owned(purple_sys::purple_markup_strip_html(html.as_ptr())) }.unwrap_or_default();
    let words: String = plain.trim().chars().take(WORDS).collect();
    change(token, conversation, |open| open.refusal = Some(words).filter(|words| !words.is_empty()));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages of so many seconds ago.
    fn said(ago: &[u64]) -> VecDeque<Sent> {
        let of = |(n, ago): (usize, &u64)| Sent {
            conversation: ConversationId(7),
            id: n.to_string(),
            at: Instant::now().checked_sub(Duration::from_secs(*ago)).unwrap(),
            lines: 1,
            told: false,
        };
        ago.iter().enumerate().map(of).collect()
    }

    #[test]
    fn a_refusal_is_of_what_was_said_just_now() {
        let refused = |sent: &mut VecDeque<Sent>| refuse_one(sent, ConversationId(7)).map(|(id, _)| id);
        // A message that was passed on a while ago, and one that was not.
        let mut sent = said(&[12, 0]);
        assert_eq!(refused(&mut sent).as_deref(), Some("1"));
        // In the order in which they were said.
        let mut sent = said(&[12, 1, 0]);
        assert_eq!([(); 3].map(|()| refused(&mut sent).unwrap()), ["1", "2", "0"]);
        // A slow server's.
        assert_eq!(refused(&mut said(&[20, 10])).as_deref(), Some("0"));
        assert_eq!(refused(&mut said(&[40])), None);
        assert_eq!(refuse_one(&mut said(&[0]), ConversationId(8)), None);
    }
}
