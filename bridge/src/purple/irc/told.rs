//! Reads lines of IRC servers about an account's standing, a room or a nick, which the plugin tells otherwise or not at all. Acts on none of them.

use super::{Words, is_room, tagged};

/// Characters of a farewell that are told.
const FAREWELL: usize = 300;

/// The words of a server's ERROR line, sent before it closes the connection. The plugin has no handler for that line.
pub(super) fn farewell(line: &[u8]) -> Option<String> {
    let (command, words) = line.split_at_checked(6)?;
    if !command.eq_ignore_ascii_case(b"ERROR ") {
        return None;
    }
    words_of(words.strip_prefix(b":").unwrap_or(words))
}

fn words_of(bytes: &[u8]) -> Option<String> {
    let words = super::formats::plain(&String::from_utf8_lossy(bytes));
    let words: String = words.chars().filter(|character| !character.is_control()).take(FAREWELL).collect();
    Some(words.trim().to_owned()).filter(|words| !words.is_empty())
}

/// The nick that a line says is somebody else's (RFC 2812, 433).
pub(super) fn taken(line: &[u8]) -> Option<String> {
    let line = tagged(line).map_or(line, |(_, rest)| rest);
    let mut words = Words(line.strip_prefix(b":")?);
    let (_, command, _, nick) = (words.word()?, words.word()?, words.word()?, words.word()?);
    (command == b"433").then(|| String::from_utf8_lossy(nick.strip_prefix(b":").unwrap_or(nick)).trim().to_owned())
}

/// The room of a line that says who set its topic (333).
pub(super) fn topic_by(line: &[u8]) -> Option<String> {
    let line = tagged(line).map_or(line, |(_, rest)| rest);
    let mut words = Words(line.strip_prefix(b":")?);
    let (_, number, _, room) = (words.word()?, words.word()?, words.word()?, words.word()?);
    (number == b"333").then(|| String::from_utf8_lossy(room).into_owned())
}

/// A join that a line refuses: the number, the room and what the server says. Which errors (RFC 2812, 5.2, and what servers have added) answer a join
/// differs from server to server: it counts when somebody joins the room.
pub(super) fn no_entry(line: &[u8]) -> Option<(String, String, String)> {
    let line = tagged(line).map_or(line, |(_, rest)| rest);
    let mut words = Words(line.strip_prefix(b":")?);
    let (_, number, _, room) = (words.word()?, words.word()?, words.word()?, words.word()?);
    if !matches!(number, [b'4' | b'5', b'0'..=b'9', b'0'..=b'9']) || !(is_room(room) || matches!(room.first(), Some(b'+' | b'!'))) {
        return None;
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\r').to_owned();
    let (more, said) = words.parameters();
    // The room that it leads to stands before the words.
    let said = if number == FORWARDED { more.first().copied() } else { said };
    Some((text(number), text(room), text(said.unwrap_or_default())))
}

/// The number of a join that leads to another room.
const FORWARDED: &[u8] = b"470";

/// The command of a line, in capitals, and all that follows it.
pub(super) fn whole(line: &[u8]) -> Option<(String, Vec<String>)> {
    let line = tagged(line).map_or(line, |(_, rest)| rest);
    let mut words = Words(line.strip_prefix(b":")?);
    let (_, command) = (words.word()?, words.word()?);
    let (parameters, said) = words.parameters();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\r').to_owned();
    Some((text(command).to_ascii_uppercase(), parameters.into_iter().chain(said).map(text).collect()))
}

/// The words by which a server says that it lets the user in no more (RFC 2812, 463 to 466, which the plugin does not know).
pub(super) fn ban(line: &[u8]) -> Option<String> {
    let line = tagged(line).map_or(line, |(_, rest)| rest);
    let mut words = Words(line.strip_prefix(b":")?);
    let (_, number) = (words.word()?, words.word()?);
    if !matches!(number, b"463" | b"465" | b"466") {
        return None;
    }
    let (more, said) = words.parameters();
    said.or(more.last().copied()).and_then(words_of)
}

/// A line that a server has not passed on: for whom it was, and what the server says (RFC 2812, 5.2, and what servers have added).
pub(super) fn unsent(line: &[u8]) -> Option<(String, String)> {
    let line = tagged(line).map_or(line, |(_, rest)| rest);
    let mut words = Words(line.strip_prefix(b":")?);
    let (_, number, _, target) = (words.word()?, words.word()?, words.word()?, words.word()?);
    if !matches!(number, b"401" | b"404" | b"407" | b"408" | b"477" | b"486" | b"492" | b"531" | b"716") {
        return None;
    }
    let (more, said) = words.parameters();
    let target = String::from_utf8_lossy(target).trim_end_matches('\r').to_owned();
    Some((target, said.or(more.last().copied()).and_then(words_of).unwrap_or_default()))
}
