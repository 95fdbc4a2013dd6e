//! Pictures that messages show: finds the bytes behind what the HTML of a message names, for the user alone whose account has them. Decodes no
//! picture and changes no HTML.
//!
//! Plugins name pictures in 3 ways: by a number of libpurple's store (`numbers.rs`), by a text that stands for one (custom smileys, `smileys.rs`), and
//! in XMPP by a content id (`bob.rs`). What is named otherwise is shown by its words.

mod awaited;
mod bob;
mod numbers;
mod smileys;

pub(super) use bob::{QUESTION, heard};
pub(super) use numbers::added;
pub(super) use smileys::{add as add_smiley, close as close_smiley, forget as forget_conversation, write as write_smiley};

use super::icon;
use super::token::OnPurple;
use crate::id::{AccountId, ConversationId, UserId};
use crate::model::{MessageKind, PICTURES, Picture, PicturePlace, PictureState};
use purple_sys::PurpleMessageFlags;

/// Bytes of a picture that is passed on: half of what fits into a frame.
const LARGEST: usize = 4 << 20;
/// Bytes of all pictures of one message.
const TOGETHER: usize = 6 << 20;

/// After `purple_core_init`.
pub(super) fn install(token: OnPurple) {
    numbers::install(token);
}

/// After the plugins were loaded.
pub(super) fn listen(token: OnPurple) {
    bob::listen(token);
}

/// The stanza is handled: no message can name pictures of it any more.
pub(super) fn over() {
    bob::over();
}

/// The connection has ended: nothing more comes over it.
pub(super) fn went(token: OnPurple, account: AccountId) {
    awaited::forget(token, account);
}

/// The account is about to be freed.
pub(super) fn forget(token: OnPurple, account: AccountId) {
    awaited::forget(token, account);
    numbers::forget(token, account);
}

/// A message that libpurple writes.
pub(super) struct Written<'a> {
    pub(super) user: UserId,
    pub(super) account: AccountId,
    pub(super) conversation: ConversationId,
    pub(super) kind: MessageKind,
    pub(super) flags: PurpleMessageFlags,
    pub(super) html: &'a str,
}

/// The pictures of a message; bytes are sent ahead of it.
pub(super) fn of_message(token: OnPurple, message: &Written<'_>) -> Vec<Picture> {
    let mut all = Vec::new();
    // A contact may write any number: it counts where the plugin says that it wrote numbers itself, and for pictures of this account.
    if message.flags.0 & PurpleMessageFlags::PURPLE_MESSAGE_IMAGES.0 != 0 {
        let mut room = TOGETHER;
        for id in numbers::named(message.html) {
            let state = numbers::read(token, message.account, id, |bytes| offer(token, message.user, bytes, &mut room)).flatten();
            all.extend(state.map(|state| Picture { place: PicturePlace::Id(id), state }));
        }
    }
    if matches!(message.kind, MessageKind::Received | MessageKind::Sent) {
        all.extend(bob::take(message.account, message.html));
        all.extend(smileys::take(token, message.conversation));
    }
    all.truncate(PICTURES);
    all
}

/// The hash of the first picture that an entry of a profile names; its bytes are sent ahead. The account has to have it: anybody may write a number.
pub(super) fn of_profile(token: OnPurple, user: UserId, account: AccountId, html: &str) -> Option<String> {
    numbers::named(html).into_iter().find_map(|id| {
        let state = numbers::read(token, account, id, |bytes| offer(token, user, bytes, &mut LARGEST.clone())).flatten()?;
        if let PictureState::Here(hash) = state { Some(hash) } else { None }
    })
}

/// Sends a picture's bytes to the user, when there is room for them. `None`: no picture that a page shows.
fn offer(token: OnPurple, user: UserId, bytes: &[u8], room: &mut usize) -> Option<PictureState> {
    if !is_shown(bytes) {
        return None;
    }
    if bytes.len() > LARGEST.min(*room) {
        return Some(PictureState::TooLarge(bytes.len() as u64));
    }
    *room -= bytes.len();
    Some(PictureState::Here(icon::store(token, user, bytes)))
}

/// Whether these are the first bytes of a PNG, GIF, JPEG or WebP file: what a page shows, and no markup.
fn is_shown(bytes: &[u8]) -> bool {
    icon::is_picture(bytes) || (bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP".as_slice()))
}

#[cfg(test)]
mod tests;
