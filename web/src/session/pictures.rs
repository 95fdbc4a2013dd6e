//! Pictures that messages show: which of them a page gets, those that come after their message, and how they are stored. Fetches none.

use super::media::Blob;
use super::state::{Env, State};
use super::stored;
use crate::store::Write;
use crate::wire::{self, EventBody};
use bridge::id::{ConversationId, PictureId, UserId};
use std::collections::HashSet;
use std::sync::Arc;

/// Pictures that a user's messages wait for. The oldest is given up for a new one.
const MOST: usize = 200;

/// A picture that a message waits for.
#[derive(Debug)]
pub(crate) struct Awaited {
    picture: PictureId,
    conversation: ConversationId,
    /// The message, and the place of the picture among its spans.
    number: u64,
    span: usize,
    server_id: Option<Box<str>>,
}

/// A picture that a message shows, as it is written.
pub(super) fn stored(user: UserId, conversation: ConversationId, number: u64, picture: &Blob) -> Write {
    Write::Blob { user, conversation, number, hash: picture.hash.to_string(), bytes: picture.bytes.clone() }
}

impl State {
    /// The pictures that a message shows, each once, as far as their bytes are at hand.
    pub(super) fn pictures_of(&self, message: &wire::Message) -> Vec<Arc<Blob>> {
        let mut pictures: Vec<Arc<Blob>> = Vec::new();
        for hash in message.spans.iter().filter_map(|span| span.image.as_deref()) {
            if pictures.iter().all(|known| &*known.hash != hash) {
                pictures.extend(self.shelf.blob(hash));
            }
        }
        pictures
    }

    /// Whether the user was sent these bytes, and they are a picture that a page shows.
    fn is_picture(&self, hash: &str) -> bool {
        self.shelf.blob(hash).is_some_and(|blob| blob.kind.is_some())
    }

    /// Takes pictures out of a message that its user was not sent: their words stay.
    pub(super) fn check_pictures(&self, message: &mut wire::Message) {
        for span in &mut message.spans {
            span.image = span.image.take().filter(|hash| self.is_picture(hash));
        }
    }

    /// Messages are deleted: what nothing shows any more is fetched from the session no more. The store has what stored messages show.
    pub(super) fn forget_pictures(&mut self) {
        let icons = self.buddies.values().map(|buddy| &buddy.icon).chain(self.accounts.iter().map(|account| &account.icon));
        let asked = self.requests.iter().flat_map(|request| &request.fields).map(|field| &field.image);
        let cards = self.notices.iter().filter_map(|notice| notice.profile.as_ref()).map(|profile| &profile.picture);
        let mut shown: HashSet<String> = icons.chain(asked).chain(cards).flatten().cloned().collect();
        for line in self.conversations.values().flat_map(|conv| conv.kept.lines()) {
            shown.extend(line.message().spans.into_iter().filter_map(|span| span.image));
        }
        self.shelf.forget_others(|hash| shown.contains(hash));
    }

    /// Notes which pictures a message waits for.
    pub(super) fn await_pictures(&mut self, conversation: ConversationId, number: u64, message: &wire::Message, server_id: Option<&str>) {
        let waits = message.spans.iter().enumerate().filter_map(|(span, of)| Some((span, of.awaited?)));
        for (span, picture) in waits {
            let all = &mut self.seldom.get_or_insert_default().awaited;
            if all.len() >= MOST {
                all.pop_front();
            }
            let server_id = server_id.map(Box::from);
            all.push_back(Awaited { picture, conversation, number, span, server_id });
        }
    }

    /// A picture is there, or is not to come: messages that wait for it show it.
    pub(super) fn picture_came(&mut self, env: &Env<'_>, picture: PictureId, hash: Option<&str>) {
        let Some(seldom) = &mut self.seldom else { return };
        let (those, others) = std::mem::take(&mut seldom.awaited).into_iter().partition(|awaited: &Awaited| awaited.picture == picture);
        seldom.awaited = others;
        let those: std::collections::VecDeque<Awaited> = those;
        let Some(hash) = hash.filter(|hash| self.is_picture(hash)) else { return };
        for Awaited { conversation, number, span, server_id, .. } in those {
            self.show_picture(env, conversation, number, span, hash, server_id.map(String::from));
        }
    }

    /// Others may have pushed the message out of memory meanwhile: then its words stay.
    fn show_picture(&mut self, env: &Env<'_>, id: ConversationId, number: u64, span: usize, hash: &str, server_id: Option<String>) {
        let Some(conv) = self.conversations.get_mut(&id) else { return };
        let account = conv.base.account;
        let line = conv.kept.lines().find(|line| line.number == number).map(|line| (line.counts(), line.message()));
        let Some((counts, mut message)) = line else { return };
        let Some(place) = message.spans.get_mut(span) else { return };
        place.image = Some(hash.to_owned());
        let before = conv.kept.bytes();
        conv.kept.replace(number, &message);
        let change = conv.kept.bytes().cast_signed() - before.cast_signed();
        self.kept_bytes = self.kept_bytes.saturating_add_signed(change);
        self.keep_shown(id, number, counts, &message, hash, server_id);
        self.emit(env, None, EventBody::MessageUpdated { account, conversation: id, message });
    }

    /// Writes a message down that shows one more picture, when there is room for it.
    fn keep_shown(
        &mut self,
        id: ConversationId,
        number: u64,
        counts: bool,
        message: &wire::Message,
        hash: &str,
        server_id: Option<String>,
    ) {
        let Some(picture) = self.shelf.blob(hash) else { return };
        if !self.conversations.get(&id).is_some_and(|conv| self.keeps_lines(conv)) {
            return;
        }
        let Some(keep) = &mut self.keep else { return };
        let usage = keep.usage.saturating_add(picture.bytes.len() as u64);
        if keep.quota > 0 && usage > keep.quota {
            return;
        }
        keep.usage = usage;
        let user = keep.user;
        if keep.write(Write::MessageChanged(stored::stored(user, id, number, counts, message, server_id))) {
            keep.write(stored(user, id, number, &picture));
        }
    }
}
