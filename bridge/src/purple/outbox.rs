//! The way out: collects what one turn of the loop produced and sends it as one batch; it never waits and decides nothing.

use super::token::OnPurple;
use crate::command::Origin;
use crate::event::{Batch, Event, EventKind};
use crate::id::UserId;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::mpsc::UnboundedSender;

/// Where batches go.
pub(super) enum Way {
    /// To the same process.
    Channel(UnboundedSender<Batch>),
    /// To the process that this one works for.
    Link,
}

/// Above this many bytes of events that nobody has taken yet, the networks are not listened to (flow control reaches the servers by TCP).
const HIGH: u64 = 8 << 20;
/// Below this many they are listened to again.
const LOW: u64 = 2 << 20;

static BACKLOG: AtomicU64 = AtomicU64::new(0);
static HELD: AtomicBool = AtomicBool::new(false);

/// About what a batch takes while it waits.
fn weight(batch: &Batch) -> u64 {
    batch.iter().map(|event| 256 + event.kind.bytes() as u64).sum()
}

/// Bytes of events that wait to be taken. Any thread.
pub(crate) fn backlog() -> u64 {
    BACKLOG.load(Ordering::Relaxed)
}

/// So many bytes wait now.
pub(super) fn set_backlog(bytes: u64) {
    BACKLOG.store(bytes, Ordering::Relaxed);
}

/// Whether the networks are not to be listened to for now. Between the marks it stays as it was.
pub(super) fn is_held() -> bool {
    let waiting = backlog();
    let held = if HELD.load(Ordering::Relaxed) { waiting > LOW } else { waiting > HIGH };
    HELD.store(held, Ordering::Relaxed);
    held
}

/// A batch has been taken out of the channel. Any thread.
pub(crate) fn taken(batch: &Batch) {
    let weight = weight(batch);
    let before =
        BACKLOG.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| Some(waiting.saturating_sub(weight))).unwrap_or_default();
    if before > LOW && before.saturating_sub(weight) <= LOW {
        // SAFETY: the default context lives for ever; this call is made for other threads.
        unsafe { glib_sys::g_main_context_wakeup(std::ptr::null_mut()) };
    }
}

struct Outbox {
    way: Option<Way>,
    batch: Batch,
    cause: Option<(UserId, Origin)>,
}

thread_local! {
    static OUTBOX: RefCell<Outbox> = const { RefCell::new(Outbox { way: None, batch: Vec::new(), cause: None }) };
}

/// Where batches are to go from now on.
pub(super) fn open(_: OnPurple, way: Way) {
    OUTBOX.with_borrow_mut(|outbox| outbox.way = Some(way));
}

/// Sends what is left, and closes the channel.
pub(super) fn close(token: OnPurple) {
    flush(token);
    OUTBOX.with_borrow_mut(|outbox| outbox.way = None);
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
        match &outbox.way {
            Some(Way::Channel(sender)) => {
                BACKLOG.fetch_add(weight(&batch), Ordering::Relaxed);
                // Nobody listens any more only while the program ends.
                let _ = sender.send(batch);
            }
            Some(Way::Link) => super::link::write(batch),
            None => {}
        }
    });
}
