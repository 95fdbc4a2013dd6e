//! Gives the text of a line a form that survives the plugin: UTF-8, marks in place of formatting (`formats.rs`), and references where the plugin writes a
//! text as the HTML that it is not. Leaves out no line.

use super::{Words, charset, formats, tagged};
use std::borrow::Cow;

/// The form in which the plugin gets a line's text.
#[derive(Clone, Copy, PartialEq)]
enum Text {
    /// Shown with its formatting.
    Said,
    /// Shown as plain words.
    Reason,
    /// The same; the topic of a room in a list.
    Listed,
    /// The same; the plugin takes it for HTML.
    Raw,
}

/// The line in that form, its text still text. `decodes`: nobody has chosen its character set.
pub(super) fn mended(line: &[u8], decodes: bool) -> Cow<'_, [u8]> {
    let line = if decodes { charset::utf8(line) } else { Cow::Borrowed(line) };
    let Some((at, kind)) = place(&line, || None) else { return line };
    let (head, tail) = line.split_at(at.min(line.len()));
    let Ok(text) = std::str::from_utf8(tail) else { return line };
    let text = if kind == Text::Listed { without_modes(text) } else { text };
    if !formats::has_any(text) {
        return if text.len() == tail.len() { line } else { Cow::Owned([head, text.as_bytes()].concat()) };
    }
    let text = if kind == Text::Said { formats::marked(text) } else { formats::plain(text) };
    Cow::Owned([head, text.as_bytes()].concat())
}

/// A topic without the modes that some servers (InspIRCd, UnrealIRCd) put in front of it in a list: `[+nt] A topic`.
fn without_modes(text: &str) -> &str {
    let Some((modes, topic)) = text.strip_prefix("[+").and_then(|rest| rest.split_once(']')) else { return text };
    let letters = modes.split(' ').next().unwrap_or_default();
    let are_modes = letters.bytes().all(|byte| byte.is_ascii_alphabetic()) && (topic.is_empty() || topic.starts_with(' '));
    if are_modes { topic.strip_prefix(' ').unwrap_or(topic) } else { text }
}

/// A line that was mended, for the plugin that takes its text for HTML; `None`: it is good as it is. `own`: the user's nick.
pub(super) fn as_html(line: &[u8], own: impl FnOnce() -> Option<String>) -> Option<Vec<u8>> {
    if !line.iter().any(|byte| matches!(byte, b'&' | b'<' | b'>')) {
        return None;
    }
    let (at, _) = place(line, own).filter(|(_, kind)| *kind == Text::Raw)?;
    let (head, tail) = line.split_at(at.min(line.len()));
    let text = std::str::from_utf8(tail).ok()?;
    let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    (html != text).then(|| [head, html.as_bytes()].concat())
}

/// Where the text of a line begins, and of what kind it is.
fn place(line: &[u8], own: impl FnOnce() -> Option<String>) -> Option<(usize, Text)> {
    let untagged = tagged(line).map_or(line, |(_, rest)| rest);
    let mut words = Words(untagged.strip_prefix(b":")?);
    let (_, command) = (words.word()?, words.word()?);
    let (before, mut kind) = match command.to_ascii_lowercase().as_slice() {
        b"privmsg" | b"notice" => (1, Text::Said),
        b"topic" | b"part" | b"332" | b"301" | b"372" | b"375" | b"376" => {
            (if matches!(command, b"332" | b"301") { 2 } else { 1 }, Text::Reason)
        }
        b"quit" | b"wallops" => (0, Text::Reason),
        b"kick" => (2, Text::Reason),
        b"322" => (3, Text::Listed),
        // A server's refusal of a message or a command in a room.
        b"404" | b"442" | b"482" | b"506" => (2, Text::Raw),
        // The same, as a notice, which is text.
        b"477" => (2, Text::Reason),
        _ => return None,
    };
    let mut last = words.0;
    for _ in 0..before {
        last = words.word()?;
    }
    if command.eq_ignore_ascii_case(b"kick") && own().is_some_and(|own| own.as_bytes().eq_ignore_ascii_case(last)) {
        kind = Text::Raw;
    }
    let start = words.0.iter().position(|byte| *byte != b' ')?;
    let text = words.0.get(start..)?;
    let text = text.strip_prefix(b":").unwrap_or(text);
    // Other requests and answers between programs than an action are none of ours.
    let is_request = kind == Text::Said && text.first() == Some(&1) && !text.starts_with(b"\x01ACTION ");
    (!is_request).then_some((line.len() - text.len(), kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Option<String> {
        Some("Ines".to_owned())
    }

    /// As the plugin gets it.
    fn mend(line: &str) -> String {
        let text = mended(line.as_bytes(), true);
        String::from_utf8(as_html(&text, own).unwrap_or_else(|| text.into_owned())).unwrap()
    }

    #[test]
    fn what_is_told_here_is_text() {
        for number in ["404", "442", "482", "506", "477", "478"] {
            let line = format!(":s {number} ines #a :no <b> & \u{2}more");
            let text = String::from_utf8(mended(line.as_bytes(), true).into_owned()).unwrap();
            assert!(text.starts_with(&format!(":s {number} ines #a :no <b> & ")), "{text:?}");
        }
        // The plugin shows these as notices, or escapes them itself.
        assert_eq!(mend(":s 477 ines #a :no <b>"), ":s 477 ines #a :no <b>");
        assert_eq!(mend(":s 478 ines #a <b>!*@* :full"), ":s 478 ines #a <b>!*@* :full");
    }

    #[test]
    fn texts_are_plain_or_marked_and_requests_are_left_alone() {
        let bold = "\u{fdd0}\u{fde0}\u{fde1}";
        for (line, mended) in [
            ("PING :\u{2}x", "PING :\u{2}x".to_owned()),
            (":b!b@h PRIVMSG #a :a\u{2}b", format!(":b!b@h PRIVMSG #a :a{bold}b")),
            ("@t=1;u :b!b@h PRIVMSG #a  \u{2}b", format!("@t=1;u :b!b@h PRIVMSG #a  {bold}b")),
            (":b!b@h PRIVMSG i :\u{1}ACTION \u{2}b\u{1}", format!(":b!b@h PRIVMSG i :\u{1}ACTION {bold}b\u{1}")),
            (":b!b@h PRIVMSG i :\u{1}DCC SEND \u{2} 1 2\u{1}", ":b!b@h PRIVMSG i :\u{1}DCC SEND \u{2} 1 2\u{1}".to_owned()),
            (":b!b@h TOPIC #a :\u{3}04,05a\u{1e}b", ":b!b@h TOPIC #a :ab".to_owned()),
            (":b!b@h QUIT :\u{2}a", ":b!b@h QUIT :a".to_owned()),
            (":b!b@h KICK #a eva :<b>\u{2}", ":b!b@h KICK #a eva :<b>".to_owned()),
            (":b!b@h KICK #a ines :<b> & \u{2}", ":b!b@h KICK #a ines :&lt;b&gt; &amp; ".to_owned()),
            (":s 404 ines #a :no <b>", ":s 404 ines #a :no &lt;b&gt;".to_owned()),
            (":s 322 ines #a 3 :[+ntl 50] \u{2}A topic [+x]", ":s 322 ines #a 3 :A topic [+x]".to_owned()),
            (":s 322 ines #a 3 :[+nt] ", ":s 322 ines #a 3 :".to_owned()),
            (":s 322 ines #a 3 :[+18] people", ":s 322 ines #a 3 :[+18] people".to_owned()),
            (":s 332 ines #a :\u{2}a <b>", ":s 332 ines #a :a <b>".to_owned()),
            (":b!b@h PRIVMSG", ":b!b@h PRIVMSG".to_owned()),
            (":b!b@h KICK #a", ":b!b@h KICK #a".to_owned()),
        ] {
            assert_eq!(mend(line), mended, "{line:?}");
        }
    }
}
