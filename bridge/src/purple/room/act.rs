//! Carries out what operators do to people in a room: the menu, and each of its entries in the network's own way. Does not judge who may do
//! what (see `powers.rs`), nor read answers (see `ask.rs`).

use super::super::conversation::{self, Ended};
use super::super::ffi::{borrowed, in_process, list, owned};
use super::super::outgoing::{Html, Line, Name, is_irc};
use super::super::token::OnPurple;
use super::super::{accounts, owner};
use super::ask::{self, By, Item};
use super::powers::{self, Affiliation, Rules, Standing};
use super::{affiliation, inside, protocol};
use crate::error::CommandError;
use crate::id::{AccountId, ConversationId, UserId};
use crate::model::MenuItem;
use purple_sys::{PurpleConnection, PurpleConvChat, PurpleConvChatBuddy, PurpleConvChatBuddyFlags as Flags, PurpleConversation};
use std::ffi::CStr;

/// Bytes of a reason: IRC's line has room for so many.
const REASON: usize = 300;

/// Somebody in a room by their very name; libpurple's own look-up may fold case. NULL: nobody.
///
/// # Safety
/// A live room.
pub(super) unsafe fn exactly(chat: *mut PurpleConvChat, name: &str) -> *mut PurpleConvChatBuddy {
    let text = in_process(name);
    // SAFETY: the caller's promise; people live as long as the room has them.
    unsafe {
        let is = |one: *mut PurpleConvChatBuddy| !one.is_null() && borrowed((*one).name).as_deref() == Some(name);
        let found = purple_sys::purple_conv_chat_cb_find(chat, text.as_ptr());
        if found.is_null() || is(found) {
            return found;
        }
        let all = list::<PurpleConvChatBuddy>(purple_sys::purple_conv_chat_get_users(chat));
        all.into_iter().find(|one| is(*one)).unwrap_or(std::ptr::null_mut())
    }
}

/// # Safety
/// A live person of a room.
unsafe fn standing(person: *const PurpleConvChatBuddy) -> Standing {
    // SAFETY: the caller's promise.
    unsafe {
        let has = |flag: Flags| (*person).flags.0 & flag.0 != 0;
        let founder = has(Flags::PURPLE_CBFLAGS_FOUNDER);
        let known = affiliation::of(person);
        Standing {
            affiliation: if founder { Affiliation::Owner } else { known },
            operator: founder || has(Flags::PURPLE_CBFLAGS_OP),
            half: has(Flags::PURPLE_CBFLAGS_HALFOP),
            voice: has(Flags::PURPLE_CBFLAGS_VOICE),
        }
    }
}

/// A room that the user is in, with their standing there.
struct Scene {
    token: OnPurple,
    user: UserId,
    id: ConversationId,
    account: AccountId,
    gc: *mut PurpleConnection,
    purple: *mut PurpleConversation,
    chat: *mut PurpleConvChat,
    number: i32,
    rules: Rules,
    own_nick: String,
    own: Standing,
}

impl Scene {
    fn of(token: OnPurple, user: UserId, id: ConversationId) -> Result<Self, CommandError> {
        let (purple, account, gc, number) = inside(token, user, id)?;
        let rules = match accounts::read(token, account, |entry| entry.protocol == "prpl-jabber") {
            _ if is_irc(token, account) => Rules::Irc,
            Some(true) => Rules::Xmpp,
            _ => Rules::Other,
        };
        // SAFETY: a live room; strings are copied.
        let (chat, nick) = unsafe {
            let chat = purple_sys::purple_conversation_get_chat_data(purple);
            (chat, borrowed(purple_sys::purple_conv_chat_get_nick(chat)))
        };
        let own_nick = conversation::read(token, id, |open| open.own_nick.clone()).flatten().or(nick).unwrap_or_default();
        // SAFETY: a live room, and its own person.
        let own = unsafe {
            let own = exactly(chat, &own_nick);
            if own.is_null() { Standing::default() } else { standing(own) }
        };
        Ok(Self { token, user, id, account, gc, purple, chat, number, rules, own_nick, own })
    }

    /// Somebody in the room, by their very name.
    fn other(&self, name: &str) -> Result<*mut PurpleConvChatBuddy, CommandError> {
        // SAFETY: a live room.
        let found = unsafe { exactly(self.chat, name) };
        if found.is_null() {
            return Err(CommandError::new("no_such_person", "They are not in this room (any more).").at("name"));
        }
        Ok(found)
    }

    /// The real address of somebody, where the room tells it.
    fn address(&self, name: &str) -> Option<String> {
        let text = in_process(name);
        // SAFETY: a live connection, a room of it, a C string; the answer is ours to free.
        let (real, room) = unsafe {
            let real = (*protocol(self.gc)).get_cb_real_name?;
            (owned(real(self.gc, self.number, text.as_ptr()))?, borrowed(purple_sys::purple_conversation_get_name(self.purple))?)
        };
        let bare = real.split('/').next().unwrap_or_default();
        (!bare.is_empty() && !bare.eq_ignore_ascii_case(&room)).then(|| bare.to_owned())
    }

    /// Ids of what the user may do to somebody.
    fn allowed(&self, name: &str) -> Result<Vec<&'static str>, CommandError> {
        let other = self.other(name)?;
        if name == self.own_nick {
            return Ok(Vec::new());
        }
        // SAFETY: just found.
        let other = unsafe { standing(other) };
        let known = self.rules == Rules::Xmpp && self.address(name).is_some();
        let mut ids = powers::over(self.rules, self.own, other, known);
        if self.rules != Rules::Xmpp {
            // By slash commands that the plugin has; some take words apart at blanks.
            let there = conversation::commands(self.purple);
            let has =
                |id: &&'static str| there.iter().any(|known| known == if self.rules == Rules::Irc && *id == "ban" { "mode" } else { id });
            ids.retain(|id| has(id) && !name.contains(char::is_whitespace));
        }
        Ok(ids)
    }

    /// Ids of the actions on the room itself.
    fn of_room(&self) -> Vec<&'static str> {
        let mut ids = powers::over_room(self.rules, self.own);
        if self.rules == Rules::Irc && !conversation::commands(self.purple).iter().any(|known| known == "mode") {
            ids.clear();
        }
        ids
    }

    /// Asks for the list of bans.
    fn bans(&self) -> Result<Ended, CommandError> {
        if self.rules == Rules::Irc {
            self.slash("mode", "+b")?;
            return Ok(self.awaiting(By::Bans(Vec::new()), 1));
        }
        let room = self.room()?;
        // SAFETY: a live connection of XMPP's plugin.
        let by = owner::with(Some(self.account), || unsafe { ask::send_bans(self.token, self.gc, &room) });
        Ok(self.awaiting(by, 1))
    }

    /// Lifts a ban, by the mask or address of the list.
    fn unban(&self, whom: &str) -> Result<Ended, CommandError> {
        if self.rules == Rules::Irc {
            if whom.contains(char::is_whitespace) || whom.starts_with(':') {
                return Err(CommandError::new("bad_name", "A mask has no blanks in it.").at("name"));
            }
            self.slash("mode", &format!("-b {whom}"))?;
            return Ok(self.awaiting(By::Mode("-b".to_owned(), whom.to_owned()), 1));
        }
        let (room, reason) = (self.room()?, Line::of(""));
        let item = Item { whom: (c"jid", whom), to_be: (c"affiliation", c"none"), reason: &reason };
        // SAFETY: a live connection of XMPP's plugin.
        let by = owner::with(Some(self.account), || unsafe { ask::send(self.token, self.gc, &room, &item) });
        Ok(self.awaiting(by, 1))
    }

    /// The room's address.
    fn room(&self) -> Result<String, CommandError> {
        // SAFETY: a live conversation; copied.
        unsafe { borrowed(purple_sys::purple_conversation_get_name(self.purple)) }.ok_or_else(gone)
    }

    fn slash(&self, name: &str, words: &str) -> Result<(), CommandError> {
        conversation::send_command(self.purple, self.account, name, words, Html::of_prose(words).text())
    }

    fn awaiting(&self, by: By, refusals: u32) -> Ended {
        ask::begin(self.token, self.user, self.account, self.id, by, refusals)
    }

    fn on_irc(&self, name: &str, action: &str, reason: &str) -> Result<Ended, CommandError> {
        let mode = |mode: &str| By::Mode(mode.to_owned(), name.to_owned());
        let by = match action {
            "op" => mode("+o"),
            "deop" => mode("-o"),
            "voice" => mode("+v"),
            "devoice" => mode("-v"),
            _ => By::Kick(name.to_owned()),
        };
        if !matches!(by, By::Kick(_)) {
            self.slash(action, name)?;
            return Ok(self.awaiting(by, 1));
        }
        if action == "ban" {
            let person = self.other(name)?;
            // SAFETY: just found; copied.
            let userhost = unsafe { borrowed(purple_sys::purple_conv_chat_cb_get_attribute(person, c"userhost".as_ptr())) };
            self.slash("mode", &format!("+b {}", powers::mask(name, userhost.as_deref())))?;
        }
        self.slash("kick", format!("{name} {reason}").trim_end())?;
        Ok(self.awaiting(by, if action == "ban" { 2 } else { 1 }))
    }

    fn on_xmpp(&self, name: &str, action: &str, reason: &str) -> Result<Ended, CommandError> {
        let role = |role: &'static CStr| (c"role", role);
        let affiliation = |affiliation: &'static CStr| (c"affiliation", affiliation);
        let to_be = match action {
            "voice" | "deop" => role(c"participant"),
            "devoice" => role(c"visitor"),
            "op" => role(c"moderator"),
            "kick" => role(c"none"),
            "ban" => affiliation(c"outcast"),
            "member" => affiliation(c"member"),
            "admin" => affiliation(c"admin"),
            "owner" => affiliation(c"owner"),
            _ => affiliation(c"none"),
        };
        let address = if to_be.0 == c"role" { None } else { Some(self.address(name).ok_or_else(gone)?) };
        let whom = address.as_deref().map_or((c"nick", name), |address| (c"jid", address));
        let (room, reason) = (self.room()?, Line::of(reason));
        // SAFETY: a live connection of XMPP's plugin.
        let by =
            owner::with(Some(self.account), || unsafe { ask::send(self.token, self.gc, &room, &Item { whom, to_be, reason: &reason }) });
        Ok(self.awaiting(by, 1))
    }
}

fn gone() -> CommandError {
    CommandError::new("no_such_action", "You may not do that here (any more). Open the menu again.").at("action")
}

/// `room.menu`
pub(in super::super) fn menu(token: OnPurple, user: UserId, id: ConversationId, name: Option<&str>) -> Result<Vec<MenuItem>, CommandError> {
    let scene = Scene::of(token, user, id)?;
    let ids = match name {
        Some(name) => scene.allowed(name)?,
        None => scene.of_room(),
    };
    Ok(ids.into_iter().map(|id| powers::item(scene.rules, id)).collect())
}

/// `room.action`: what the menu offers, and nothing else.
pub(in super::super) fn act(
    token: OnPurple,
    user: UserId,
    id: ConversationId,
    name: Option<&str>,
    action: &str,
    reason: &str,
) -> Result<Ended, CommandError> {
    let scene = Scene::of(token, user, id)?;
    let Some(name) = name else {
        if !scene.of_room().contains(&action) {
            return Err(gone());
        }
        if action == "bans" {
            ask::has_room(token, scene.account)?;
            return scene.bans();
        }
        return scene.slash(action, "").map(|()| Ended::Now(None));
    };
    if action == "unban" {
        if !scene.of_room().contains(&"bans") {
            return Err(gone());
        }
        Name::on(token, scene.account, name, "bad_name", "name")?;
        ask::has_room(token, scene.account)?;
        return scene.unban(name.trim());
    }
    if !scene.allowed(name)?.contains(&action) {
        return Err(gone());
    }
    if reason.len() > REASON {
        return Err(CommandError::new("too_long", format!("A reason has at most {REASON} bytes.")).at("reason"));
    }
    // As the network has it; nothing in it may end a line or begin a further word.
    Name::on(token, scene.account, name, "bad_name", "name")?;
    ask::has_room(token, scene.account)?;
    match scene.rules {
        Rules::Irc => scene.on_irc(name, action, reason),
        Rules::Xmpp => scene.on_xmpp(name, action, reason),
        Rules::Other => scene.slash(action, format!("{name} {reason}").trim_end()).map(|()| Ended::Now(None)),
    }
}
