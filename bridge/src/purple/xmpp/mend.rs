//! Stanzas of XMPP that libjabber reads otherwise than their writers mean: mended before it has them. Answers nothing.

use super::super::conversation::{self, normalize};
use super::super::ffi::{borrowed, in_process};
use super::super::room;
use super::super::token::OnPurple;
use super::node;
use crate::id::{AccountId, ConversationId};
use crate::model::ConversationKind;
use purple_sys::{PurpleAccount, PurpleConversation, PurpleMessageFlags, xmlnode};
use std::ffi::CStr;

const XHTML: &CStr = c"http://jabber.org/protocol/xhtml-im";
const MUC_USER: &CStr = c"http://jabber.org/protocol/muc#user";
/// Characters of a reason that are shown.
const WORDS: usize = 500;

/// A message. A formatted body without anything to be seen hides the plain one, and a subject that comes with something else is no topic (XEP-0045, 8.1).
///
/// # Safety
/// A live stanza.
pub(super) unsafe fn message(stanza: *mut xmlnode) {
    // SAFETY: the caller's promise.
    unsafe {
        let html = node::child(stanza, c"html", XHTML);
        if !html.is_null() && node::is_blank(html) {
            purple_sys::xmlnode_free(html);
        }
        let body = node::named(stanza, c"body");
        let has_more = !body.is_null() || !node::named(stanza, c"thread").is_null();
        if has_more && node::attribute(stanza, c"type").as_deref() == Some("groupchat") {
            node::remove(stanza, c"subject");
        }
        if !body.is_null() && node::is_blank(body) {
            purple_sys::xmlnode_free(body);
        }
    }
}

/// A presence of somebody in a room: the user's own nick as the room has it, and why somebody is out.
///
/// # Safety
/// A live stanza, and a live account.
pub(super) unsafe fn presence(token: OnPurple, account: AccountId, purple: *const PurpleAccount, stanza: *mut xmlnode) {
    // SAFETY: the caller's promise.
    unsafe {
        let x = node::child(stanza, c"x", MUC_USER);
        let Some(from) = node::attribute(stanza, c"from").filter(|_| !x.is_null()) else { return };
        let Some((address, nick)) = from.split_once('/') else { return };
        let id = ConversationId::of(account, ConversationKind::Room, &normalize(token, purple, address));
        let Some((open, own)) = conversation::read(token, id, |open| (open.purple, open.own_nick.clone())) else { return };
        let codes: Vec<String> =
            node::elements(x).filter(|one| node::is(*one, c"status")).filter_map(|one| node::attribute(one, c"code")).collect();
        let has = |code: &str| codes.iter().any(|one| one == code);
        match node::attribute(stanza, c"type").as_deref() {
            None if has("110") && !is_known(token, purple, open, own.as_deref(), nick) => is_called(token, account, id, open, nick),
            Some("unavailable") if !has("303") => {
                let item = node::named(x, c"item");
                let to = node::attribute(stanza, c"to");
                let is_others = |jid: String| jid.contains('/') && to.as_ref() != Some(&jid);
                let is_of_another_device = !item.is_null() && node::attribute(item, c"jid").is_some_and(is_others);
                // The own nick is settled a moment after the first presence: until then libpurple's is taken.
                let is_called_so = own.as_deref() == Some(nick) || own.is_none() && is_known(token, purple, open, own.as_deref(), nick);
                let is_own = has("110") || is_called_so && !is_of_another_device;
                let gone = Gone::read(x, &has);
                if let Some(to) = to.filter(|_| is_own && is_of_another_device && gone.way != Way::Left) {
                    // A device that shares its nick with another one is out with it; libjabber goes by the address, which may be the other's.
                    node::set_attribute(item, c"jid", &to);
                }
                gone.tell(stanza, is_own.then_some(open));
            }
            _ => {}
        }
    }
}

/// Whether libpurple knows the user by this nick.
///
/// # Safety
/// A live room and account.
unsafe fn is_known(token: OnPurple, purple: *const PurpleAccount, open: *mut PurpleConversation, own: Option<&str>, nick: &str) -> bool {
    // SAFETY: the caller's promise; the text is copied.
    let folded = unsafe { borrowed(purple_sys::purple_conv_chat_get_nick(purple_sys::purple_conversation_get_chat_data(open))) };
    own.is_none_or(|own| own == nick) && folded == Some(normalize(token, purple, nick))
}

/// The room calls the user so, whatever they asked for (XEP-0045, status 110 and 210).
///
/// # Safety
/// A live room.
unsafe fn is_called(token: OnPurple, account: AccountId, id: ConversationId, open: *mut PurpleConversation, nick: &str) {
    let name = in_process(nick);
    // SAFETY: the caller's promise, and a C string, copied.
    unsafe { purple_sys::purple_conv_chat_set_nick(purple_sys::purple_conversation_get_chat_data(open), name.as_ptr()) };
    conversation::change(token, id, |open| open.own_nick = Some(nick.to_owned()));
    super::super::timers::soon(token, Some(account), move |token| room::settle_nick(token, id));
}

/// The end of somebody's presence in a room.
struct Gone {
    way: Way,
    actor: Option<String>,
    reason: String,
    x: *mut xmlnode,
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Left,
    Kicked,
    Banned,
    NotMember,
    MembersOnly,
    ShutDown,
    Failed,
    Destroyed,
}

impl Gone {
    /// # Safety
    /// A live element, as long as this is used.
    unsafe fn read(x: *mut xmlnode, has: &impl Fn(&str) -> bool) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let destroyed = node::named(x, c"destroy");
            let item = node::named(x, c"item");
            let way = match () {
                () if !destroyed.is_null() => Way::Destroyed,
                () if has("301") => Way::Banned,
                () if has("307") && has("333") => Way::Failed,
                () if has("307") => Way::Kicked,
                () if has("321") => Way::NotMember,
                () if has("322") => Way::MembersOnly,
                () if has("332") => Way::ShutDown,
                () if has("333") => Way::Failed,
                () => Way::Left,
            };
            let of = if way == Way::Destroyed { destroyed } else { item };
            let (mut actor, mut reason) = (None, String::new());
            if !of.is_null() {
                reason = node::text(node::named(of, c"reason")).trim().chars().take(WORDS).collect();
                let by = node::named(of, c"actor");
                actor = if way == Way::Destroyed {
                    node::attribute(of, c"jid")
                } else if by.is_null() {
                    None
                } else {
                    node::attribute(by, c"nick").or_else(|| node::attribute(by, c"jid"))
                };
            }
            Self { way, actor: actor.filter(|actor| !actor.trim().is_empty()), reason, x }
        }
    }

    /// In words, of the user or of another person.
    fn words(&self, own: bool) -> String {
        let by = self.actor.as_ref().map_or_else(String::new, |actor| format!(" by {actor}"));
        let words = match (self.way, own) {
            (Way::Destroyed, _) => {
                let place = self.actor.as_ref().map_or_else(String::new, |place| format!(" People go on in {place}."));
                let reason = if self.reason.is_empty() { ".".to_owned() } else { format!(": {}", self.reason) };
                return format!("This room was closed{reason}{place}");
            }
            (Way::Banned, true) => format!("You were banned from this room{by}"),
            (Way::Banned, false) => format!("Banned{by}"),
            (Way::Kicked, true) => format!("You were removed from this room{by}"),
            (Way::Kicked, false) => format!("Removed{by}"),
            (Way::NotMember | Way::MembersOnly, true) => {
                "You are out of this room: it is for members only now, and you are none".to_owned()
            }
            (Way::NotMember | Way::MembersOnly, false) => "No member of this room".to_owned(),
            (Way::ShutDown, _) => "This room's server shuts down".to_owned(),
            (Way::Failed, true) => "You are out of this room: your server could not be reached".to_owned(),
            (Way::Failed, false) => "Not reached any more".to_owned(),
            (Way::Left, _) => String::new(),
        };
        match self.reason.as_str() {
            "" => format!("{words}."),
            reason => format!("{words}: {reason}"),
        }
    }

    /// Has the reason shown: the user's own in a line of the room, others' in the line of their leaving, which libpurple makes of the status.
    ///
    /// # Safety
    /// A live stanza, and NULL or the live room that the user is out of.
    unsafe fn tell(&self, stanza: *mut xmlnode, own: Option<*mut PurpleConversation>) {
        if self.way == Way::Left {
            return;
        }
        // SAFETY: the caller's promise; C strings, copied.
        unsafe {
            // Libjabber's own line is in other words, and takes the reason for HTML.
            for one in node::elements(self.x).collect::<Vec<_>>() {
                if node::is(one, c"status") && node::attribute(one, c"code").as_deref() == Some("307") {
                    purple_sys::xmlnode_free(one);
                }
            }
            let words = self.words(own.is_some());
            let Some(open) = own else { return node::set_text(stanza, c"status", words.trim_end_matches('.')) };
            let html = in_process(&words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
            let chat = purple_sys::purple_conversation_get_chat_data(open);
            let now = crate::time::Timestamp::now().0 / 1000;
            purple_sys::purple_conv_chat_write(chat, c"".as_ptr(), html.as_ptr(), PurpleMessageFlags::PURPLE_MESSAGE_SYSTEM, now);
        }
    }
}
