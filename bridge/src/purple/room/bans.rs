//! Reads lists of bans: a stanza of XMPP's (XEP-0045, 9.2), a line of IRC's (RFC 2812, 5.1, RPL_BANLIST). Does not ask for them (see `ask.rs`).

use super::super::ffi::{borrowed, owned};
use super::ask::MOST_BANS;
use crate::model::MenuItem;
use purple_sys::xmlnode;

/// Characters of the words about a ban.
const WORDS: usize = 200;

fn item(whom: &str, note: &str) -> MenuItem {
    let note = crate::text::line(note).trim().chars().take(WORDS).collect();
    MenuItem { id: Some(whom.to_owned()), label: whom.to_owned(), note, ..MenuItem::default() }
}

/// The people that an answer names, with the reasons.
///
/// # Safety
/// A live stanza.
pub(super) unsafe fn of_stanza(iq: *mut xmlnode) -> Vec<MenuItem> {
    let mut bans = Vec::new();
    // SAFETY: the caller's promise; C strings; texts are copied, or made for us.
    unsafe {
        let query = purple_sys::xmlnode_get_child(iq, c"query".as_ptr());
        let mut node = if query.is_null() { query } else { purple_sys::xmlnode_get_child(query, c"item".as_ptr()) };
        while !node.is_null() && bans.len() < MOST_BANS {
            let reason = purple_sys::xmlnode_get_child(node, c"reason".as_ptr());
            let said = if reason.is_null() { None } else { owned(purple_sys::xmlnode_get_data(reason)) };
            if let Some(whom) = borrowed(purple_sys::xmlnode_get_attrib(node, c"jid".as_ptr())).filter(|whom| !whom.is_empty()) {
                bans.push(item(&whom, &said.unwrap_or_default()));
            }
            node = purple_sys::xmlnode_get_next_twin(node);
        }
    }
    bans
}

/// The mask of a line, with what follows it: who has set it, where the server says so.
pub(super) fn of_line(mask: &str, rest: &[String]) -> MenuItem {
    let by = rest.first().map(|who| who.split('!').next().unwrap_or_default()).filter(|who| !who.is_empty());
    item(mask, &by.map_or_else(String::new, |by| format!("Set by {by}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_the_mask_and_who_has_set_it() {
        let rest = ["nadia!n@host".to_owned(), "1700000000".to_owned()];
        let read = |rest: &[String]| {
            let item = of_line("*!*@bad.example", rest);
            (item.id.unwrap_or_default(), item.note)
        };
        assert_eq!(read(&rest), ("*!*@bad.example".to_owned(), "Set by nadia".to_owned()));
        assert_eq!(read(&[]), ("*!*@bad.example".to_owned(), String::new()));
    }
}
