//! Lines of IRC before libpurple's plugin has them (hazard 44): its handlers trust what a server sends. Gives a line a plain form, leaves out what a
//! handler cannot bear, and bounds what the plugin keeps. Knows no rooms, and tells nothing.

mod asked;
mod charset;
pub(super) mod formats;
mod listing;
mod mend;
mod opening;
mod told;

pub(super) use listing::asks_for_list;
pub(super) use opening::set_gateways;

use told::{ban, farewell, no_entry, taken, topic_by, unsent, whole};

use super::conversation::server_id;
use super::ffi::{borrowed, guard_on};
use super::signals;
use super::token::OnPurple;
use crate::model::ConversationKind;
use purple_sys::{PurpleAccount, PurpleConnection};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_void};

/// Names of one list, which the plugin keeps until its end and then adds at once, and their bytes.
const NAMES: usize = 30_000;
const BYTES_OF_NAMES: usize = 1 << 20;
/// Bytes of all else that it keeps: the message of the day, a whois, features.
const KEPT: usize = 1 << 20;

/// How far the log-in by SASL is, which the plugin does not check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Sasl {
    #[default]
    Idle,
    Running,
    Done,
}

/// What is known of one connection.
#[derive(Debug, Default)]
struct Connection {
    sasl: Sasl,
    /// Names since the last end of a list, and their bytes.
    names: (usize, usize),
    /// Bytes kept of the rest.
    kept: usize,
    opening: opening::Opening,
    listing: listing::Known,
    asked: asked::Asked,
    /// What stands in the place of the line that is being read.
    line: CString,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    AsItIs,
    Instead(Vec<u8>),
    Nothing,
}

thread_local! {
    static CONNECTIONS: RefCell<HashMap<*mut PurpleConnection, Connection>> = RefCell::default();
}

/// After plugins are loaded.
pub(super) fn listen(_: OnPurple) {
    // SAFETY: a C string; the plugin lives as long as libpurple.
    let plugin = unsafe { purple_sys::purple_find_prpl(c"prpl-irc".as_ptr()) };
    if plugin.is_null() {
        return;
    }
    type Handler = unsafe extern "C" fn(*mut PurpleConnection, *mut *const c_char, *mut c_void);
    // SAFETY: the signature that the plugin registers for this signal: a connection, and a place with a text.
    unsafe {
        let handler = std::mem::transmute::<Handler, unsafe extern "C" fn()>(on_receiving);
        signals::connect(plugin.cast(), c"irc-receiving-text", handler);
    }
    opening::listen(plugin);
}

/// What a line becomes on a connection that has just begun, and is to log in by SASL.
pub(crate) fn fresh(line: &[u8]) -> Option<Vec<u8>> {
    match Connection::default().judge(line, || true) {
        Verdict::AsItIs => Some(line.to_vec()),
        Verdict::Instead(line) => Some(line),
        Verdict::Nothing => None,
    }
}

/// The connection is no more.
pub(super) fn forget(_: OnPurple, connection: *mut PurpleConnection) {
    CONNECTIONS.with_borrow_mut(|all| all.remove(&connection));
}

#[allow(clippy::disallowed_methods)] // what came from a network goes back to the plugin that read it
unsafe extern "C" fn on_receiving(gc: *mut PurpleConnection, place: *mut *const c_char, _: *mut c_void) {
    guard_on("irc-receiving-text", (), |token| {
        server_id::over();
        // SAFETY: libpurple gives a place with a C string; NULL would be somebody else's doing.
        let Some(place) = (unsafe { place.as_mut() }).filter(|place| !place.is_null()) else { return };
        // SAFETY: the plugin gives a live connection or NULL, which it cannot use itself.
        let (Some(connection), text) = (unsafe { gc.as_ref() }, unsafe { CStr::from_ptr(*place) }) else {
            *place = c"".as_ptr();
            return;
        };
        listing::note(gc, text.to_bytes());
        // SAFETY: a live connection, whose account lives as long; the nick is copied.
        let (decodes, own) = unsafe {
            let own = || borrowed(purple_sys::purple_connection_get_display_name(gc));
            (has_no_character_set(connection.account), own)
        };
        let line = mend::mended(text.to_bytes(), decodes);
        let verdict = match judged(token, gc, connection, &line) {
            Verdict::AsItIs if *line != *text.to_bytes() => Verdict::Instead(line.into_owned()),
            verdict => verdict,
        };
        // The words of a line are text; the plugin takes some for HTML.
        let verdict = match &verdict {
            Verdict::AsItIs => mend::as_html(text.to_bytes(), own).map_or(verdict, Verdict::Instead),
            Verdict::Instead(line) => mend::as_html(line, own).map_or(verdict, Verdict::Instead),
            Verdict::Nothing => verdict,
        };
        match verdict {
            Verdict::AsItIs => {}
            Verdict::Nothing => *place = c"".as_ptr(),
            Verdict::Instead(line) => CONNECTIONS.with_borrow_mut(|all| {
                let known = all.entry(gc).or_default();
                // The line came as a C string: there is no NUL in it.
                known.line = CString::new(line).unwrap_or_default();
                *place = known.line.as_ptr();
            }),
        }
    });
}

/// Whether the account's user has chosen no character set, so that the plugin knows UTF-8 alone.
///
/// # Safety
/// A live account.
unsafe fn has_no_character_set(account: *mut PurpleAccount) -> bool {
    // SAFETY: the caller's promise; the text is copied.
    let chosen = unsafe { borrowed(purple_sys::purple_account_get_string(account, c"encoding".as_ptr(), c"UTF-8".as_ptr())) };
    chosen.is_none_or(|chosen| matches!(chosen.trim().to_ascii_lowercase().as_str(), "" | "utf-8" | "utf8"))
}

/// Tells what a line says that the plugin does not tell, and what becomes of the line.
fn judged(token: OnPurple, gc: *mut PurpleConnection, connection: &PurpleConnection, line: &[u8]) -> Verdict {
    let ends = connection.disconnect_timeout != 0;
    // SAFETY: a live connection, whose account lives as long.
    if let Some(account) = unsafe { super::accounts::id(token, connection.account) } {
        if let Some(room) = topic_by(line) {
            super::conversation::topic::about(token, account, &room);
        }
        if let Some((place, id)) = named(line) {
            // SAFETY: a live connection, as above.
            unsafe { server_id::of_line(token, gc, (place.0, &place.1), &id) };
        }
        if let Some((number, room, said)) = no_entry(line)
            && super::room::by_line(token, account, &room, &number, &said)
        {
            return Verdict::Nothing;
        }
        if super::room::awaits(token, account)
            && let Some((command, words)) = whole(line)
            && super::room::heard(token, account, &command, &words)
        {
            return Verdict::Nothing;
        }
        let is_of_question = asked::answers(gc, line);
        if let Some((target, words)) = unsent(line).filter(|_| !is_of_question)
            && super::conversation::sent::refused(token, account, &target, &words)
        {
            return Verdict::Nothing;
        }
        if let Some(nick) = taken(line).filter(|_| is_signing_on(gc)) {
            if !ends {
                super::connection::refuse_nick(token, account, &nick);
            }
            return Verdict::Nothing;
        }
        if let Some(words) = ban(line).filter(|_| !ends) {
            super::connection::banned(token, account, &words);
            return Verdict::Nothing;
        }
        if let Some(words) = farewell(line).filter(|_| !ends) {
            super::connection::server_said(token, account, &words);
        }
    }
    // A connection that ends already reads on until it is taken down.
    let may_log_in = || !ends && logs_in_by_sasl(gc);
    if ends {
        return Verdict::Nothing;
    }
    CONNECTIONS.with_borrow_mut(|all| all.entry(gc).or_default().judge(line, may_log_in))
}

/// Whether the server has not let it in yet.
fn is_signing_on(gc: *mut PurpleConnection) -> bool {
    // SAFETY: a live connection, which is only looked at.
    unsafe { purple_sys::purple_connection_get_state(gc) != purple_sys::PurpleConnectionState::PURPLE_CONNECTED }
}

/// Whether the plugin has asked for SASL: with a password, and when the user wants it.
fn logs_in_by_sasl(gc: *mut PurpleConnection) -> bool {
    // SAFETY: a live connection, whose account lives as long; the password is only looked at.
    unsafe {
        let account = purple_sys::purple_connection_get_account(gc);
        let password = purple_sys::purple_connection_get_password(gc);
        let has_password = !password.is_null() && *password != 0;
        has_password && purple_sys::purple_account_get_bool(account, c"sasl".as_ptr(), glib_sys::GFALSE) != glib_sys::GFALSE
    }
}

impl Connection {
    fn judge(&mut self, line: &[u8], may_log_in: impl FnOnce() -> bool) -> Verdict {
        if let Some((_, rest)) = tagged(line) {
            // The plugin knows no tags.
            return match self.judge_untagged(rest, may_log_in) {
                Verdict::AsItIs => Verdict::Instead(rest.to_vec()),
                verdict => verdict,
            };
        }
        self.judge_untagged(line, may_log_in)
    }

    fn judge_untagged(&mut self, line: &[u8], may_log_in: impl FnOnce() -> bool) -> Verdict {
        if !line.contains(&b'\r') {
            return self.judge_whole(line, may_log_in);
        }
        // The plugin gets blanks in their place: they divide words, and what the check reads has to be what the plugin reads.
        let line: Vec<u8> = line.iter().map(|byte| if *byte == b'\r' { b' ' } else { *byte }).collect();
        match self.judge_whole(&line, may_log_in) {
            Verdict::AsItIs => Verdict::Instead(line),
            verdict => verdict,
        }
    }

    /// A line without tags and carriage returns.
    fn judge_whole(&mut self, line: &[u8], may_log_in: impl FnOnce() -> bool) -> Verdict {
        let Some(rest) = line.strip_prefix(b":") else {
            // PING and ERROR; the plugin leaves all else without a prefix out.
            return if line.starts_with(b"AUTHENTICATE ") && self.sasl != Sasl::Running { Verdict::Nothing } else { Verdict::AsItIs };
        };
        let mut words = Words(rest);
        let Some(prefix) = words.word() else { return Verdict::Nothing };
        let Some(command) = words.word() else { return Verdict::Nothing };
        // Who has no name is nobody's buddy, and none of libpurple's look-ups takes an empty one; and nobody is called as a room is.
        if !line.get(1).is_some_and(|first| !matches!(first, b' ' | b'!' | b'@')) || is_room(prefix) {
            return Verdict::Nothing;
        }
        let command_name = command.to_ascii_lowercase();
        let (parameters, trailing) = words.parameters();
        let mut all: Vec<&[u8]> = parameters.clone();
        all.extend(trailing);
        let (least, names) = needs(&command_name);
        // Some servers give no reason for these, without which the plugin leaves them out.
        let trailing = if all.len() + 1 == least && matches!(&command_name[..], b"quit" | b"kick") { Some(&b""[..]) } else { trailing };
        let count = parameters.len() + usize::from(trailing.is_some());
        let is_whole = count >= least && all.iter().take(names).all(|name| !name.trim_ascii().is_empty());
        if !is_whole || !self.allows(&command_name, &all, line.len(), may_log_in) {
            return Verdict::Nothing;
        }
        // Without a colon the list is one name.
        if command_name == b"353" && trailing.is_none() && parameters.get(3).is_some_and(|list| members(list).is_empty()) {
            return Verdict::Nothing;
        }
        let mut canonical = [b":", prefix, b" ", command].concat();
        for parameter in &parameters {
            canonical.push(b' ');
            canonical.extend_from_slice(parameter);
        }
        if let Some(trailing) = trailing {
            // The plugin reads the time of a topic as a word, which some servers write behind a colon.
            let is_word = command_name == b"333" && !trailing.is_empty() && !trailing.contains(&b' ') && trailing.first() != Some(&b':');
            canonical.extend_from_slice(if is_word { b" " } else { b" :" });
            if command_name == b"353" { canonical.extend(members(trailing)) } else { canonical.extend_from_slice(trailing) }
        }
        if canonical == line { Verdict::AsItIs } else { Verdict::Instead(canonical) }
    }

    /// Whether the plugin bears it now.
    fn allows(&mut self, command: &[u8], parameters: &[&[u8]], bytes: usize, may_log_in: impl FnOnce() -> bool) -> bool {
        match command {
            b"cap" => {
                let about_sasl = parameters.get(2).is_some_and(|what| what.trim_ascii() == b"sasl");
                let answer = parameters.get(1).copied().unwrap_or_default();
                if !about_sasl {
                    return true;
                }
                let is_answer = self.sasl == Sasl::Idle && matches!(answer, b"ACK" | b"NAK") && may_log_in();
                if is_answer {
                    self.sasl = if answer == b"ACK" { Sasl::Running } else { Sasl::Done };
                }
                is_answer
            }
            b"authenticate" | b"903" | b"904" | b"905" | b"906" | b"907" => {
                let runs = self.sasl == Sasl::Running;
                if runs && !matches!(command, b"authenticate" | b"904") {
                    self.sasl = Sasl::Done;
                }
                runs
            }
            b"353" => {
                let names = parameters.last().map_or(0, |names| names.split(|byte| *byte == b' ').count());
                self.names = (self.names.0 + names, self.names.1 + bytes);
                self.names.0 <= NAMES && self.names.1 <= BYTES_OF_NAMES
            }
            // Without any name before it, the plugin has no list to end; and it takes whoever it talks with for a room.
            b"366" => parameters.get(1).is_some_and(|name| is_room(name)) && std::mem::take(&mut self.names) != (0, 0),
            b"nick" if parameters.first().is_some_and(|name| is_room(name)) => false,
            b"301" if parameters.get(1).is_some_and(|name| is_room(name)) => false,
            b"005" | b"372" | b"301" | b"311" | b"312" | b"314" | b"319" | b"330" => {
                self.kept += bytes;
                self.kept <= KEPT
            }
            b"318" | b"369" | b"375" => {
                self.kept = 0;
                true
            }
            _ => true,
        }
    }
}

fn is_room(name: &[u8]) -> bool {
    matches!(name.first(), Some(b'#' | b'&'))
}

/// The tags of a line that has some, and the rest of it.
fn tagged(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let tags = line.strip_prefix(b"@")?;
    let end = tags.iter().position(|byte| *byte == b' ')?;
    let (tags, rest) = tags.split_at(end);
    Some((tags, rest.trim_ascii_start()))
}

/// Where a message with an id belongs, and that id.
fn named(line: &[u8]) -> Option<((ConversationKind, String), String)> {
    let (tags, rest) = tagged(line)?;
    let id = tags.split(|byte| *byte == b';').find_map(|tag| tag.strip_prefix(b"msgid="))?;
    let mut words = Words(rest.strip_prefix(b":")?);
    let (prefix, command, target) = (words.word()?, words.word()?, words.word()?);
    if !command.eq_ignore_ascii_case(b"privmsg") && !command.eq_ignore_ascii_case(b"notice") {
        return None;
    }
    let nick = prefix.split(|byte| *byte == b'!').next()?;
    let place = if is_room(target) { (ConversationKind::Room, target) } else { (ConversationKind::Im, nick) };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(((place.0, text(place.1)), text(id)))
}

/// How many parameters the plugin wants, and how many of the first are names.
fn needs(command: &[u8]) -> (usize, usize) {
    let is_number = command.len() == 3 && command.iter().all(u8::is_ascii_digit);
    match command {
        b"join" | b"nick" | b"part" => (1, 1),
        b"ping" | b"quit" | b"wallops" | b"authenticate" => (1, 0),
        b"topic" | b"privmsg" | b"notice" | b"mode" => (2, 1),
        b"pong" => (2, 0),
        b"invite" => (2, 2),
        b"cap" => (3, 0),
        b"kick" => (3, 2),
        // The user, and then whom or what it is about.
        b"251" | b"255" | b"372" | b"375" | b"376" | b"422" => (1, 1),
        b"301" | b"317" | b"319" | b"324" | b"331" | b"332" | b"367" | b"391" | b"404" => (3, 2),
        b"438" | b"442" | b"477" | b"478" | b"482" | b"506" | b"515" => (3, 2),
        b"312" | b"322" | b"330" | b"333" => (4, 2),
        b"353" => (4, 3),
        b"311" | b"314" => (6, 2),
        b"352" => (8, 2),
        b"005" | b"303" | b"313" | b"318" | b"320" | b"366" | b"368" | b"369" | b"401" | b"403" | b"406" | b"421" | b"433" => (2, 2),
        b"437" | b"473" | b"474" | b"501" => (2, 2),
        _ if is_number => (0, 2),
        _ => (0, 0),
    }
}

/// Names with their marks, without those that are a mark alone.
fn members(list: &[u8]) -> Vec<u8> {
    let named = |name: &&[u8]| !name.is_empty() && !matches!(name, [b'@' | b'%' | b'+' | b'~' | b'&' | b'!']);
    list.split(|byte| *byte == b' ').filter(named).collect::<Vec<_>>().join(&b' ')
}

/// What is left of a line, without its prefix.
struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    fn word(&mut self) -> Option<&'a [u8]> {
        let start = self.0.iter().position(|byte| *byte != b' ')?;
        let rest = self.0.get(start..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.0 = rest;
        Some(word)
    }

    /// The rest: words, and what comes behind a colon.
    fn parameters(mut self) -> (Vec<&'a [u8]>, Option<&'a [u8]>) {
        let mut words = Vec::new();
        loop {
            let before = self.0;
            match self.word() {
                None => return (words, None),
                Some(word) if word.first() == Some(&b':') => {
                    let start = before.iter().position(|byte| *byte == b':').unwrap_or_default();
                    return (words, before.get(start + 1..));
                }
                Some(word) => words.push(word),
            }
        }
    }
}

#[cfg(test)]
mod tests;
