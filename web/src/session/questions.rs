//! What the networks ask and tell a user: requests, authorizations, notices, each within its bounds; answers nothing for the user, but lets go of what is too much.

use super::apply::{put, take};
use super::bounds;
use super::state::{Env, State};
use crate::body;
use crate::wire::{EventBody, Notice, Profile, ProfileEntry};
use bridge::command::{CommandKind, Origin};
use bridge::id::{AuthorizationId, NoticeId, RequestId};
use bridge::model::{Authorization, NoticeKind, ProfileKind, Request};
use std::collections::BTreeMap;

/// Open ones of one sort; a stranger can cause any number of them.
pub(super) const MOST_OPEN: usize = 200;
/// Texts of all open ones of one sort: bytes.
const MOST_BYTES: usize = 1 << 20;

/// The notices of the server's own: answers that a network did not take, and things of one that a session has no room for. No worker has this
/// number in the upper bits.
const LEFT_OUT: NoticeId = NoticeId(1 << 47);
const TOO_MUCH: NoticeId = NoticeId(1 << 47 | 1);
const STORE_FULL: NoticeId = NoticeId(1 << 47 | 2);

/// Whether a notice is the server's own.
pub(super) fn is_own(notice: NoticeId) -> bool {
    [LEFT_OUT, TOO_MUCH, STORE_FULL].contains(&notice)
}

/// Whether a user was told that things were left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TooMuch {
    #[default]
    Never,
    ToSay,
    Said,
}

/// How many of the oldest have to go, so that another one of so many bytes has room.
fn too_many<T>(open: &[T], bytes: impl Fn(&T) -> usize, another: usize) -> usize {
    let mut all = another + open.iter().map(&bytes).sum::<usize>();
    let mut gone = 0;
    for one in open {
        if open.len() - gone < MOST_OPEN && all <= MOST_BYTES {
            break;
        }
        all -= bytes(one);
        gone += 1;
    }
    gone
}

impl State {
    pub(super) fn request_opened(&mut self, env: &Env<'_>, origin: Option<&Origin>, mut request: Request) {
        bounds::clip_request(&mut request);
        let gone = too_many(&self.requests, bounds::request_bytes, bounds::request_bytes(&request));
        env.counters.things_left_out.add(gone as u64);
        for (request, cancelling) in self.requests.iter().take(gone).map(|old| (old.id, old.buttons.last().cloned())).collect::<Vec<_>>() {
            self.request_closed(env, None, request);
            // The network side still waits for an answer.
            self.chores.extend(cancelling.map(|button| CommandKind::AnswerRequest { request, button: button.id, values: BTreeMap::new() }));
        }
        put(&mut self.requests, request.clone(), |known| known.id);
        self.emit(env, origin, EventBody::RequestOpened { account: request.account, request });
    }

    pub(super) fn request_closed(&mut self, env: &Env<'_>, origin: Option<&Origin>, request: RequestId) {
        if take(&mut self.requests, &request, |known| known.id) {
            self.emit(env, origin, EventBody::RequestClosed { request });
        }
    }

    pub(super) fn authorization_opened(&mut self, env: &Env<'_>, origin: Option<&Origin>, mut authorization: Authorization) {
        if self.authorizations.len() >= MOST_OPEN && self.authorizations.iter().all(|known| known.id != authorization.id) {
            // Whoever asked before a flood keeps their place; who comes with it may ask again later.
            env.counters.things_left_out.one();
            self.chores.push(CommandKind::AnswerAuthorization { authorization: authorization.id, allow: false, add: false });
            return;
        }
        bounds::clip_authorization(&mut authorization);
        put(&mut self.authorizations, authorization.clone(), |known| known.id);
        self.emit(env, origin, EventBody::AuthorizationOpened { account: authorization.account, authorization });
    }

    pub(super) fn authorization_closed(&mut self, env: &Env<'_>, origin: Option<&Origin>, authorization: AuthorizationId) {
        if take(&mut self.authorizations, &authorization, |known| known.id) {
            self.emit(env, origin, EventBody::AuthorizationClosed { authorization });
        }
    }

    pub(super) fn notice_opened(&mut self, env: &Env<'_>, origin: Option<&Origin>, notice: bridge::model::Notice) {
        let mut notice = wire_notice(notice, env.config.text_bytes);
        bounds::clip_notice(&mut notice);
        let gone = too_many(&self.notices, bounds::notice_bytes, bounds::notice_bytes(&notice));
        env.counters.things_left_out.add(gone as u64);
        // What the server itself says stays through the flood that it is about.
        let theirs = |id: &NoticeId| !is_own(*id);
        for notice in self.notices.iter().take(gone).map(|old| old.id).filter(theirs).collect::<Vec<_>>() {
            self.notice_closed(env, None, notice);
            self.chores.push(CommandKind::CloseNotice(notice));
        }
        put(&mut self.notices, notice.clone(), |known| known.id);
        self.emit(env, origin, EventBody::NoticeOpened { account: notice.account, notice });
    }

    /// Some of what a network was to be told in the user's name was left out. True when the user does not know yet.
    pub(super) fn left_out(&mut self, env: &Env<'_>) -> bool {
        if self.notices.iter().any(|known| known.id == LEFT_OUT) {
            return false;
        }
        let text = "It sends more than the server can answer, and takes no answers. Some questions, notices and conversations could not be \
                    closed there, and contacts who asked for permission may have to ask again. Sign its account off and on again.";
        self.say(env, LEFT_OUT, "One of your networks does not answer", text);
        true
    }

    /// So many things of a network found no room.
    pub(super) fn leave_out(&mut self, env: &Env<'_>, count: usize) {
        if count > 0 {
            env.counters.things_left_out.add(count as u64);
            self.too_much = self.too_much.max(TooMuch::ToSay);
        }
    }

    /// Says once in a session that something was left out. True when that is now.
    pub(super) fn say_too_much(&mut self, env: &Env<'_>) -> bool {
        if self.too_much != TooMuch::ToSay {
            return false;
        }
        self.too_much = TooMuch::Said;
        let text = "Some of its contacts, conversations, people in rooms or file offers are not shown here: there are too many of them, or \
                    their names are too long. What is shown goes on as before.";
        self.say(env, TOO_MUCH, "One of your networks sends more than fits here", text);
        true
    }

    /// Says that what the user may store is used up.
    pub(super) fn say_full(&mut self, env: &Env<'_>) {
        if self.notices.iter().any(|known| known.id == STORE_FULL) {
            return;
        }
        let text = "You have stored as much as this site lets you. What is said from now on is shown, and not kept. Delete the history of \
                    conversations that you do not need, or let it be deleted by age.";
        self.say(env, STORE_FULL, "Your storage is full", text);
    }

    fn say(&mut self, env: &Env<'_>, id: NoticeId, title: &str, text: &str) {
        let notice = bridge::model::Notice {
            id,
            account: None,
            kind: NoticeKind::Message,
            title: title.to_owned(),
            html: text.to_owned(),
            columns: Vec::new(),
            rows: Vec::new(),
            buttons: Vec::new(),
            url: None,
            profile: None,
        };
        self.notice_opened(env, None, notice);
    }

    pub(super) fn notice_rows(&mut self, env: &Env<'_>, origin: Option<&Origin>, id: NoticeId, rows: Vec<Vec<String>>) {
        let Some(notice) = self.notices.iter_mut().find(|known| known.id == id) else { return };
        if notice.cut {
            // Rows count from the first: none may be passed over.
            return;
        }
        let before = notice.rows.len();
        let cut = bounds::add_rows(&mut notice.rows, rows) > 0;
        notice.cut = cut;
        let rows = notice.rows.get(before..).unwrap_or_default().to_vec();
        self.emit(env, origin, EventBody::NoticeRows { notice: id, rows, cut });
    }

    pub(super) fn notice_closed(&mut self, env: &Env<'_>, origin: Option<&Origin>, notice: NoticeId) {
        if take(&mut self.notices, &notice, |known| known.id) {
            self.emit(env, origin, EventBody::NoticeClosed { notice });
        }
    }
}

fn wire_notice(notice: bridge::model::Notice, limit: usize) -> Notice {
    Notice {
        id: notice.id,
        account: notice.account,
        kind: notice.kind,
        title: notice.title,
        body: body::spans(&notice.html, limit),
        columns: notice.columns,
        rows: notice.rows,
        buttons: notice.buttons,
        url: notice.url.as_deref().and_then(body::safe_link),
        cut: false,
        profile: notice.profile.map(|profile| wire_profile(profile, limit)),
    }
}

/// Reads the entries of a profile up to `limit` bytes in all.
fn wire_profile(profile: bridge::model::Profile, limit: usize) -> Profile {
    let bridge::model::Profile { mut name, entries: told, picture } = profile;
    bounds::clip_short(&mut name);
    let (mut entries, mut room, mut cut) = (Vec::new(), limit, false);
    for entry in told {
        // A label's markup is dropped.
        let label = body::plain(&entry.label, bounds::A_LABEL).trim().trim_end_matches(':').to_owned();
        let value = body::spans(&entry.html, bounds::A_VALUE);
        // The picture has a field of its own.
        if body::text(&value).trim() == body::PICTURE {
            continue;
        }
        let bytes = label.len() + value.iter().map(bounds::span_bytes).sum::<usize>() + bounds::A_LABEL / 16;
        if bytes > room {
            cut = true;
            break;
        }
        room -= bytes;
        let is_empty = label.is_empty() && value.iter().all(|span| span.text.trim().is_empty());
        if entry.kind == ProfileKind::Break || !is_empty {
            entries.push(ProfileEntry { kind: entry.kind, label, value });
        }
    }
    Profile { name, entries, picture, cut }
}
