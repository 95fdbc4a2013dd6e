//! Runs slash commands: libpurple's own by the name that they are registered with, and those that all networks have. Does not say anything.

use super::super::ffi::{list, owned};
use super::super::outgoing::{Html, Line, is_irc};
use super::super::owner;
use super::super::token::OnPurple;
use crate::command::slash;
use crate::error::CommandError;
use crate::id::AccountId;
use crate::model::ConversationKind;
use purple_sys::{PurpleCmdStatus, PurpleConversation};
use std::ffi::{CStr, c_char};

/// The code of a command that nobody knows.
pub(in crate::purple) const UNKNOWN: &str = "no_such_slash_command";

/// Commands that IRC clients send raw, and that libpurple does not register: services, mostly by their short names, and the protocol's own.
const IRC_RAW: &str = "ns cs ms os hs bs gs ss is rs hostserv botserv helpserv statserv groupserv infoserv rootserv global accept admin helpop info \
    ison knock links lusers map monitor motd oper rules servlist silence squery stats trace userhost users who";

/// IRC's commands about a channel. libpurple registers them for one-to-one conversations too, where they do nothing or send nonsense.
const IRC_ROOM: [&str; 7] = ["deop", "devoice", "kick", "op", "remove", "topic", "voice"];

/// What is to be done about a slash command.
pub(super) enum Done {
    /// It has run.
    Ran,
    /// This is to be said.
    Say(Html),
}

/// Runs a slash command by its typed name and words, or gives what it says. The HTML is the whole of it.
///
/// # Errors
/// `no_such_slash_command`, `wrong_arguments`, `command_failed`.
pub(super) fn run(
    token: OnPurple,
    purple: *mut PurpleConversation,
    account: AccountId,
    kind: ConversationKind,
    (name, words): (&str, &str),
    html: &Html,
) -> Result<Done, CommandError> {
    let markup = after_name(html.text());
    if name.eq_ignore_ascii_case("say") {
        return if words.trim().is_empty() { Err(wrong_arguments()) } else { Ok(Done::Say(Html::of(&markup))) };
    }
    let irc = is_irc(token, account);
    let here = commands(purple);
    let known = here.iter().find(|known| *known == name).or_else(|| here.iter().find(|known| folded(known) == folded(name)));
    match known {
        Some(known) if !(irc && kind == ConversationKind::Im && IRC_ROOM.contains(&known.as_str())) => {
            command(purple, account, known, words, &markup).map(|()| Done::Ran)
        }
        // Where no plugin takes it, the words are the action (XEP-0245).
        None if folded(name) == "me" => Ok(Done::Say(Html::of(&format!("/me {markup}")))),
        None if irc && folded(name) == "raw" => command(purple, account, "quote", words, &markup).map(|()| Done::Ran),
        None if irc && IRC_RAW.split_whitespace().any(|raw| raw == folded(name)) => {
            let line = format!("{} {words}", name.to_ascii_uppercase());
            command(purple, account, "quote", line.trim_end(), &markup).map(|()| Done::Ran)
        }
        _ => Err(no_such(name)),
    }
}

/// Runs a command of libpurple's by its registered name. Its words are one line: a second one would be a command of its own on some networks.
///
/// # Errors
/// As [`run`].
pub(in crate::purple) fn command(
    purple: *mut PurpleConversation,
    account: AccountId,
    name: &str,
    words: &str,
    markup: &str,
) -> Result<(), CommandError> {
    // libpurple counts characters in the one to find its place in the other: both are one line.
    let markup = Html::of(&format!("{name} {}", markup.replace("<br>", " ")));
    let line = Line::of(format!("{name} {words}").trim_end());
    let mut error: *mut c_char = std::ptr::null_mut();
    // SAFETY: a live conversation; the error text is ours to free.
    let (status, error) = owner::with(Some(account), || unsafe {
        let status = purple_sys::purple_cmd_do_command(purple, line.as_ptr(), markup.as_ptr(), &raw mut error);
        (status, owned(error))
    });
    match status {
        PurpleCmdStatus::PURPLE_CMD_STATUS_OK => Ok(()),
        PurpleCmdStatus::PURPLE_CMD_STATUS_FAILED => {
            Err(CommandError::new("command_failed", error.unwrap_or_else(|| "The command did not work.".to_owned())))
        }
        PurpleCmdStatus::PURPLE_CMD_STATUS_WRONG_ARGS => Err(wrong_arguments()),
        _ => Err(no_such(name)),
    }
}

fn wrong_arguments() -> CommandError {
    CommandError::new("wrong_arguments", "The command needs other words after it.").at("text")
}

/// Names the command and not its words, which may be a password.
fn no_such(name: &str) -> CommandError {
    const LONGEST: usize = 40;
    let short: String = name.chars().take(LONGEST).collect();
    CommandError::new(UNKNOWN, format!("There is no command /{short} here; write //{short} to say it.")).at("text")
}

fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// The names of the commands that work in this conversation.
pub(in crate::purple) fn commands(purple: *mut PurpleConversation) -> Vec<String> {
    // SAFETY: a live conversation; the list is ours to free, its texts are the commands'.
    unsafe {
        let all = purple_sys::purple_cmd_list(purple);
        let names = list::<c_char>(all).into_iter().map(|name| CStr::from_ptr(name).to_string_lossy().into_owned()).collect();
        glib_sys::g_list_free(all);
        names
    }
}

/// HTML without the command's name and the blanks around it. Tags stay, so that what is styled stays so.
fn after_name(html: &str) -> String {
    #[derive(PartialEq)]
    enum At {
        Start,
        Name,
        Gap,
        Words,
    }
    let mut kept = String::with_capacity(html.len());
    let (mut rest, mut at) = (html, At::Start);
    while let Some(c) = rest.chars().next() {
        let end = if c == '<' { rest.find('>').map_or(rest.len(), |end| end + 1) } else { c.len_utf8() };
        let (piece, after) = rest.split_at(end);
        rest = after;
        let breaks = is_break(piece);
        if c == '<' && !breaks {
            kept.push_str(piece);
            continue;
        }
        at = match (at, breaks || slash::is_blank(c)) {
            (At::Start, true) => At::Start,
            (At::Start | At::Name, false) => At::Name,
            (At::Name | At::Gap, true) => At::Gap,
            (At::Gap | At::Words, _) => At::Words,
        };
        if at == At::Words {
            kept.push_str(piece);
        }
    }
    kept
}

/// IRC sends each line as a message of its own: lines without a visible character are left out.
pub(super) fn without_empty_lines(html: &str) -> String {
    let mut kept = String::with_capacity(html.len());
    // Blanks of the line so far, which count only before something visible.
    let (mut blanks, mut said, mut broken) = (String::new(), false, false);
    let mut rest = html;
    while let Some(c) = rest.chars().next() {
        let end = if c == '<' { rest.find('>').map_or(rest.len(), |end| end + 1) } else { c.len_utf8() };
        let (piece, after) = rest.split_at(end);
        rest = after;
        if is_break(piece) {
            blanks.clear();
            broken = said;
        } else if c == '<' {
            kept.push_str(piece);
        } else if slash::is_blank(c) {
            blanks.push(c);
        } else {
            if std::mem::take(&mut broken) {
                kept.push_str("<br>");
            }
            kept.push_str(&std::mem::take(&mut blanks));
            kept.push(c);
            said = true;
        }
    }
    kept
}

/// A line's end: a tag, or a line feed, which some write in HTML all the same.
fn is_break(piece: &str) -> bool {
    piece == "\n" || piece.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("<br"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_name_keeps_its_style() {
        for (html, words) in [
            ("/me waves", "waves"),
            ("/me", ""),
            ("<b>/me waves</b> &amp; goes", "<b>waves</b> &amp; goes"),
            ("/m<i>e  wa</i>ves", "<i>wa</i>ves"),
            (" /topic<br>first<br>second", "first<br>second"),
            ("/a&amp;b c", "c"),
            ("\u{feff} /ns x", "x"),
            ("/say 1 <2", "1 <2"),
        ] {
            assert_eq!(after_name(html), words, "{html:?}");
        }
    }

    #[test]
    fn irc_gets_no_empty_line() {
        for (html, sent) in [
            ("one<br><br><br>two", "one<br>two"),
            ("<br> <br>one<br>", "one"),
            ("one<b><br><br>\t<br></b>  two three <br>", "one<b></b><br>  two three"),
            ("one\n\ntwo", "one<br>two"),
            ("<br> <br>", ""),
        ] {
            assert_eq!(without_empty_lines(html), sent, "{html:?}");
        }
    }
}
