//! Room lists that workers have under way, so that they end for whoever reads them when their worker does; pure, and it tells nobody.

use bridge::error::CommandError;
use bridge::event::{EventKind, Outcome};
use bridge::id::{RoomListId, UserId};
use std::collections::BTreeSet;

/// Lists under way of one user in one worker. libpurple's side has one for each account; a worker that claims more is not followed further.
const MOST: usize = 64;

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Lists(BTreeSet<(u16, UserId, RoomListId)>);

impl Lists {
    /// What a worker has told, which it may.
    pub(crate) fn note(&mut self, number: u16, user: UserId, event: &EventKind) {
        match event {
            EventKind::CommandDone { result: Some(Outcome::List(list)) } => self.open(number, user, *list),
            EventKind::RoomList(rows) if rows.more => self.open(number, user, rows.list),
            EventKind::RoomList(rows) => _ = self.0.remove(&(number, user, rows.list)),
            _ => {}
        }
    }

    fn open(&mut self, number: u16, user: UserId, list: RoomListId) {
        let theirs = (number, user, RoomListId(0))..=(number, user, RoomListId(u64::MAX));
        if list.0 >> 48 == u64::from(number) && self.0.range(theirs).count() < MOST {
            self.0.insert((number, user, list));
        }
    }

    /// A user is gone.
    pub(crate) fn forget_user(&mut self, user: UserId) {
        self.0.retain(|(_, theirs, _)| *theirs != user);
    }

    /// A worker is gone: what to tell of its lists.
    pub(crate) fn lose(&mut self, number: u16) -> Vec<(UserId, EventKind)> {
        let lost = |(at, ..): &(u16, UserId, RoomListId)| *at == number;
        let message = "The server lost a part of itself before the list was complete. Ask for it again.";
        let told = |(_, user, list): (u16, UserId, RoomListId)| {
            (user, EventKind::RoomListFailed { list, error: CommandError::new("list_lost", message) })
        };
        self.0.extract_if(.., lost).map(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge::model::RoomListRows;

    const ONE: UserId = UserId(1);
    const TWO: UserId = UserId(2);

    fn list(number: u64, id: u64) -> RoomListId {
        RoomListId(number << 48 | id)
    }

    fn rows(list: RoomListId, more: bool) -> EventKind {
        EventKind::RoomList(RoomListRows { list, rows: Vec::new(), more })
    }

    fn begun(list: RoomListId) -> EventKind {
        EventKind::CommandDone { result: Some(Outcome::List(list)) }
    }

    fn lost(lists: &mut Lists, number: u16) -> Vec<(UserId, RoomListId)> {
        let which = |(user, kind)| match kind {
            EventKind::RoomListFailed { list, error } if error.code == "list_lost" => (user, list),
            other => panic!("{other:?}"),
        };
        lists.lose(number).into_iter().map(which).collect()
    }

    #[test]
    fn what_is_under_way_in_a_worker_ends_with_it_once() {
        let mut lists = Lists::default();
        // One without rows yet, one with some, one that has ended, and one elsewhere.
        lists.note(1, ONE, &begun(list(1, 1)));
        lists.note(1, TWO, &begun(list(1, 2)));
        lists.note(1, TWO, &rows(list(1, 2), true));
        lists.note(1, ONE, &begun(list(1, 3)));
        lists.note(1, ONE, &rows(list(1, 3), false));
        lists.note(2, ONE, &begun(list(2, 1)));
        assert_eq!(lost(&mut lists, 1), [(ONE, list(1, 1)), (TWO, list(1, 2))]);
        assert_eq!(lost(&mut lists, 1), []);
        assert_eq!(lost(&mut lists, 2), [(ONE, list(2, 1))]);
    }

    #[test]
    fn the_gone_are_not_told_and_a_worker_that_claims_too_much_is_not_followed() {
        let mut lists = Lists::default();
        lists.note(1, ONE, &begun(list(1, 1)));
        lists.forget_user(ONE);
        for id in 0..1000 {
            lists.note(1, TWO, &rows(list(1, id), true));
            lists.note(1, TWO, &begun(list(2, id)));
        }
        lists.note(1, UserId(3), &begun(list(1, 5000)));
        let all = lost(&mut lists, 1);
        assert_eq!((all.len(), all.last()), (MOST + 1, Some(&(UserId(3), list(1, 5000)))));
        assert_eq!(lost(&mut lists, 2), []);
    }
}
