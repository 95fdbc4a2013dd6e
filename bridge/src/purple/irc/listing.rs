//! How much of its list of channels an IRC server is asked for by discovery: all of a short list, and of a long one the channels with people, where the
//! server can tell them apart (`ELIST` of RPL_ISUPPORT). A person's own `LIST` goes as it is. Reads no list.

use super::super::token::OnPurple;
use super::super::{accounts, roomlist};
use super::{CONNECTIONS, Words, tagged};
use crate::error::CommandError;
use purple_sys::PurpleConnection;

/// Channels of a network whose list is asked for whole.
const WHOLE: u32 = 2_000;
/// Channels of a network that neither selects by people nor promises to send a long list without closing the connection (`SAFELIST`).
const UNSAFE: u32 = 10_000;

/// Facts that a server has told about its list.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// Channels of the network (RFC 2812, 254).
    channels: u32,
    /// `ELIST` has `U`: channels can be selected by their people.
    by_people: bool,
    safe: bool,
    /// The next `LIST` is discovery's.
    finding: bool,
}

/// The request that goes in the place of discovery's `LIST`.
#[derive(Debug, PartialEq, Eq)]
enum Ask {
    Whole,
    /// Channels with more people than this.
    Above(u32),
    Not,
}

impl Known {
    fn read(&mut self, line: &[u8]) {
        let Some((is_count, words)) = about(line) else { return };
        let (parameters, _) = words.parameters();
        if is_count {
            let count = parameters.get(1).and_then(|count| std::str::from_utf8(count).ok()?.parse().ok());
            self.channels = count.unwrap_or(self.channels);
            return;
        }
        for feature in parameters {
            self.safe |= feature == b"SAFELIST";
            self.by_people |=
                feature.strip_prefix(b"ELIST=").is_some_and(|kinds| kinds.iter().any(|kind| kind.eq_ignore_ascii_case(&b'U')));
        }
    }

    fn ask(self) -> Ask {
        match self.channels {
            0..=WHOLE => Ask::Whole,
            _ if self.by_people => Ask::Above(match self.channels {
                0..=5_000 => 2,
                5_001..=20_000 => 9,
                _ => 19,
            }),
            channels if self.safe || channels <= UNSAFE => Ask::Whole,
            _ => Ask::Not,
        }
    }
}

/// The rest of a line that says how many channels there are (true), or what the server can do.
fn about(line: &[u8]) -> Option<(bool, Words<'_>)> {
    let line = tagged(line).map_or(line, |(_, rest)| rest);
    let mut words = Words(line.strip_prefix(b":")?);
    words.word()?;
    match words.word()? {
        b"254" => Some((true, words)),
        b"005" => Some((false, words)),
        _ => None,
    }
}

/// A line has come.
pub(super) fn note(gc: *mut PurpleConnection, line: &[u8]) {
    if about(line).is_some() {
        CONNECTIONS.with_borrow_mut(|all| all.entry(gc).or_default().listing.read(line));
    }
}

/// Discovery is about to ask for the list. The plugin may keep its line for a while.
pub(in crate::purple) fn asks_for_list(_: OnPurple, gc: *mut PurpleConnection) {
    CONNECTIONS.with_borrow_mut(|all| all.entry(gc).or_default().listing.finding = true);
}

/// Gives the line to send instead of discovery's `LIST`. `Some(None)`: nothing is sent. `None`: the line goes as it is.
pub(super) fn instead(token: OnPurple, gc: *mut PurpleConnection, line: &[u8]) -> Option<Option<String>> {
    if line.trim_ascii_end() != b"LIST" {
        return None;
    }
    let known = CONNECTIONS.with_borrow_mut(|all| {
        let known = &mut all.get_mut(&gc)?.listing;
        std::mem::take(&mut known.finding).then_some(*known)
    })?;
    match known.ask() {
        Ask::Whole => None,
        Ask::Above(people) => Some(Some(format!("LIST >{people}\r\n"))),
        Ask::Not => {
            // SAFETY: a live connection, whose account lives as long.
            let account = unsafe { accounts::id(token, (*gc).account) };
            let too_many = CommandError::new("too_many_rooms", "This network has too many rooms to ask it for all of them.");
            if let Some(account) = account {
                roomlist::withhold(token, account, too_many);
            }
            Some(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(lines: &[&str]) -> Known {
        let mut known = Known::default();
        lines.iter().for_each(|line| known.read(line.as_bytes()));
        known
    }

    #[test]
    fn a_long_list_is_asked_for_in_part_or_not_at_all() {
        let channels = |count: u32| format!(":irc.test 254 ines {count} :channels formed");
        let elist = ":irc.test 005 ines CHANTYPES=# ELIST=CMNTU SAFELIST :are supported by this server";
        let safe = ":irc.test 005 ines SAFELIST :are supported by this server";
        assert_eq!(known(&[]).ask(), Ask::Whole);
        assert_eq!(known(&[&channels(40), elist]).ask(), Ask::Whole);
        assert_eq!(known(&[&channels(3_000), elist]).ask(), Ask::Above(2));
        assert_eq!(known(&[elist, &format!("@time=1 {}", channels(20_000))]).ask(), Ask::Above(9));
        assert_eq!(known(&[&channels(60_000), elist]).ask(), Ask::Above(19));
        assert_eq!(known(&[&channels(60_000), safe]).ask(), Ask::Whole);
        assert_eq!(known(&[&channels(9_000)]).ask(), Ask::Whole);
        assert_eq!(known(&[&channels(60_000)]).ask(), Ask::Not);
        assert_eq!(known(&[":irc.test 005 ines ELIST=CMT :are", &channels(60_000)]).ask(), Ask::Not, "no selection by people");
        let odd =
            [":irc.test 254", ":irc.test 254 ines many :x", "254 ines 60000", ":bob PRIVMSG #a :irc 254 ines 60000", ":a 005 SAFELIST"];
        assert_eq!(known(&odd), Known { safe: true, ..Known::default() });
    }
}
