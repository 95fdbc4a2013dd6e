//! The way out: collects what one turn of the loop produced and sends it as one batch; it never waits and decides nothing.

use super::token::OnPurple;
use crate::command::Origin;
use crate::event::{Batch, Event, EventKind};
use crate::id::UserId;
use std::cell::RefCell;
use tokio::sync::mpsc::UnboundedSender;

struct Outbox {
    sender: Option<UnboundedSender<Batch>>,
    batch: Batch,
    cause: Option<(UserId, Origin)>,
}

thread_local! {
    static OUTBOX: RefCell<Outbox> = const { RefCell::new(Outbox { sender: None, batch: Vec::new(), cause: None }) };
}

/// Where batches are to go from now on.
pub(super) fn open(_: OnPurple, sender: UnboundedSender<Batch>) {
    OUTBOX.with_borrow_mut(|outbox| outbox.sender = Some(sender));
}

/// Sends what is left, and closes the channel.
pub(super) fn close(token: OnPurple) {
    flush(token);
    OUTBOX.with_borrow_mut(|outbox| outbox.sender = None);
}

/// Tells `user` of something. While a command of theirs is performed, it is named as the cause.
pub(crate) fn emit(_: OnPurple, user: UserId, kind: EventKind) {
    OUTBOX.with_borrow_mut(|outbox| {
        let origin = outbox.cause.as_ref().filter(|(whose, _)| *whose == user).map(|(_, origin)| origin.clone());
        outbox.batch.push(Event { user, origin, kind });
    });
}

/// Tells `user` of something that an earlier command caused (or none did).
pub(crate) fn emit_caused(_: OnPurple, user: UserId, origin: Option<Origin>, kind: EventKind) {
    OUTBOX.with_borrow_mut(|outbox| outbox.batch.push(Event { user, origin, kind }));
}

/// The command that is performed right now, if it is one of `user`'s.
pub(crate) fn cause(user: UserId) -> Option<Origin> {
    OUTBOX.with_borrow(|outbox| outbox.cause.as_ref().filter(|(whose, _)| *whose == user).map(|(_, origin)| origin.clone()))
}

/// Runs `body` as the doing of a command.
pub(super) fn caused_by<T>(_: OnPurple, cause: Option<(UserId, Origin)>, body: impl FnOnce() -> T) -> T {
    struct Restore(Option<(UserId, Origin)>);
    impl Drop for Restore {
        fn drop(&mut self) {
            OUTBOX.with_borrow_mut(|outbox| outbox.cause = self.0.take());
        }
    }
    let before = OUTBOX.with_borrow_mut(|outbox| std::mem::replace(&mut outbox.cause, cause));
    let _restore = Restore(before);
    body()
}

/// The end of a turn: sends the batch, if there is one.
pub(super) fn flush(_: OnPurple) {
    OUTBOX.with_borrow_mut(|outbox| {
        if outbox.batch.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut outbox.batch);
        if let Some(sender) = &outbox.sender {
            // Nobody listens any more only while the program ends.
            let _ = sender.send(batch);
        }
    });
}
