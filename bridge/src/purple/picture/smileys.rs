//! Custom smileys: a plugin names a text, and gives the picture for it before or after the message that has the text. A text stands for a picture in
//! the next message of its conversation only: whoever writes must not choose how the words of others look.

use super::super::conversation;
use super::super::token::OnPurple;
use super::{TOGETHER, awaited, offer};
use crate::id::{ConversationId, PictureId};
use crate::model::{PICTURES, Picture, PicturePlace, PictureState};
use std::cell::RefCell;
use std::collections::HashMap;

/// Bytes of a text that stands for a picture.
const LONGEST: usize = 200;

struct Smiley {
    text: String,
    bytes: Vec<u8>,
    /// There are no more bytes to come.
    is_whole: bool,
    /// The next message has it.
    is_next: bool,
    /// Messages before that wait for it.
    awaited: Option<PictureId>,
}

thread_local! {
    static SMILEYS: RefCell<HashMap<ConversationId, Vec<Smiley>>> = RefCell::default();
}

/// Runs `with` for the smiley of this text, when there is one.
fn change<T>(conversation: ConversationId, text: &str, with: impl FnOnce(&mut Smiley) -> T) -> Option<T> {
    SMILEYS.with_borrow_mut(|all| all.get_mut(&conversation)?.iter_mut().find(|known| known.text == text).map(with))
}

/// The plugin will give a picture for this text. False: it is not wanted, or on its way already.
pub(in crate::purple) fn add(token: OnPurple, conversation: ConversationId, text: &str) -> bool {
    let fits = !text.trim().is_empty() && text.len() <= LONGEST;
    if !fits
        || conversation::read(token, conversation, |_| ()).is_none()
        || change(conversation, text, |known| known.is_next = true).is_some()
    {
        return false;
    }
    let given_up = SMILEYS.with_borrow_mut(|all| {
        let theirs = all.entry(conversation).or_default();
        let given_up = (theirs.len() >= PICTURES).then(|| theirs.remove(0));
        theirs.push(Smiley { text: text.to_owned(), bytes: Vec::new(), is_whole: false, is_next: true, awaited: None });
        given_up
    });
    if let Some(picture) = given_up.and_then(|given_up| given_up.awaited) {
        awaited::came(token, picture, None);
    }
    true
}

/// More bytes of its picture. Those of a conversation together have a bound; what is cut is no picture any more.
pub(in crate::purple) fn write(_: OnPurple, conversation: ConversationId, text: &str, bytes: &[u8]) {
    let held =
        SMILEYS.with_borrow(|all| all.get(&conversation).map_or(0, |theirs| theirs.iter().map(|known| known.bytes.len()).sum::<usize>()));
    change(conversation, text, |known| {
        if held + bytes.len() > TOGETHER {
            known.bytes = Vec::new();
            known.is_whole = true;
        } else if !known.is_whole {
            known.bytes.extend_from_slice(bytes);
        }
    });
}

/// Its picture is complete.
pub(in crate::purple) fn close(token: OnPurple, conversation: ConversationId, text: &str) {
    let told = change(conversation, text, |known| {
        known.is_whole = true;
        known.awaited.take().map(|picture| (picture, known.bytes.clone()))
    });
    if let Some((picture, bytes)) = told.flatten() {
        awaited::came(token, picture, Some(&bytes));
    }
    tidy(conversation);
}

/// Lets go of those that no message waits for.
fn tidy(conversation: ConversationId) {
    SMILEYS.with_borrow_mut(|all| {
        if let Some(theirs) = all.get_mut(&conversation) {
            theirs.retain(|known| known.is_next || !known.is_whole);
            if theirs.is_empty() {
                all.remove(&conversation);
            }
        }
    });
}

/// The smileys of the message that is being written.
pub(super) fn take(token: OnPurple, conversation: ConversationId) -> Vec<Picture> {
    let Some((user, account)) = conversation::read(token, conversation, |open| (open.user, open.account)) else { return Vec::new() };
    let next: Vec<String> = SMILEYS.with_borrow(|all| {
        let theirs = all.get(&conversation).into_iter().flatten();
        theirs.filter(|known| known.is_next).map(|known| known.text.clone()).collect()
    });
    let mut room = TOGETHER;
    let mut pictures = Vec::new();
    for text in next {
        let found = change(conversation, &text, |known| {
            known.is_next = false;
            (known.is_whole.then(|| std::mem::take(&mut known.bytes)), known.awaited)
        });
        let state = match found {
            Some((Some(bytes), _)) => offer(token, user, &bytes, &mut room),
            Some((None, Some(picture))) => Some(PictureState::Awaited(picture)),
            Some((None, None)) => awaited::begin(token, user, account).map(|picture| {
                change(conversation, &text, |known| known.awaited = Some(picture));
                PictureState::Awaited(picture)
            }),
            None => None,
        };
        pictures.extend(state.map(|state| Picture { place: PicturePlace::Text(text), state }));
    }
    tidy(conversation);
    pictures
}

/// The conversation is gone.
pub(in crate::purple) fn forget(token: OnPurple, conversation: ConversationId) {
    let left = SMILEYS.with_borrow_mut(|all| all.remove(&conversation)).unwrap_or_default();
    for picture in left.into_iter().filter_map(|known| known.awaited) {
        awaited::came(token, picture, None);
    }
}
