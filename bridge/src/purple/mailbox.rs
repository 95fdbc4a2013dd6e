//! The command queue and its wake-up: bounded, never waits, at most 64 commands a turn of the loop; it performs nothing itself.

use crate::command::Command;
use crate::handle::Rejected;
use std::collections::VecDeque;
use std::ffi::c_int;
use std::mem::size_of;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Commands performed in one turn of the loop, so that sockets and timers keep their share.
const A_TURN: usize = 64;

/// What may lie in the mailbox.
pub(crate) enum Item {
    /// To be performed.
    Command(Box<Command>),
    /// To be answered.
    Ping(oneshot::Sender<()>),
    /// To be answered with this number, by the process that this one works for.
    Echo(u64),
    /// To end the thread.
    Quit,
}

struct Queue {
    items: VecDeque<Item>,
    commands: usize,
    open: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    capacity: usize,
}

/// The sending end; any thread.
#[derive(Clone)]
pub(crate) struct MailboxSender(Arc<Shared>);

impl MailboxSender {
    pub(crate) fn new(capacity: usize) -> Self {
        let queue = Queue { items: VecDeque::new(), commands: 0, open: true };
        Self(Arc::new(Shared { queue: Mutex::new(queue), capacity: capacity.max(1) }))
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic cannot happen while this is held (only pushes and pops), so a poisoned queue would be a whole one.
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake() {
        // SAFETY: NULL is the default context, which lives for ever; this call is made for other threads.
        unsafe { glib_sys::g_main_context_wakeup(std::ptr::null_mut()) };
    }

    pub(crate) fn send(&self, command: Command) -> Result<(), Rejected> {
        self.send_here(command)?;
        Self::wake();
        Ok(())
    }

    /// As [`MailboxSender::send`], on the loop's own thread, which looks before it sleeps.
    pub(crate) fn send_here(&self, command: Command) -> Result<(), Rejected> {
        let mut queue = self.lock();
        if !queue.open {
            return Err(Rejected::Closed);
        }
        if queue.commands >= self.0.capacity {
            return Err(Rejected::Busy(Box::new(command)));
        }
        queue.commands += 1;
        queue.items.push_back(Item::Command(Box::new(command)));
        Ok(())
    }

    /// Commands in it.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().commands
    }

    pub(crate) fn room(&self) -> usize {
        let queue = self.lock();
        if queue.open { self.0.capacity.saturating_sub(queue.commands) } else { 0 }
    }

    pub(crate) fn ping(&self) -> oneshot::Receiver<()> {
        let (answer, answered) = oneshot::channel();
        let mut queue = self.lock();
        if queue.open {
            queue.items.push_back(Item::Ping(answer));
        }
        drop(queue);
        Self::wake();
        answered
    }

    /// A ping of the process that this one works for. It is answered in its turn, so that a loop that performs no commands is found out.
    pub(crate) fn echo(&self, number: u64) {
        let mut queue = self.lock();
        if queue.open {
            queue.items.push_back(Item::Echo(number));
        }
    }

    pub(crate) fn quit(&self) {
        let mut queue = self.lock();
        if queue.open {
            queue.items.push_back(Item::Quit);
            queue.open = false;
        }
        drop(queue);
        Self::wake();
    }

    fn is_empty(&self) -> bool {
        self.lock().items.is_empty()
    }

    fn take(&self) -> Vec<Item> {
        let mut queue = self.lock();
        let count = queue.items.len().min(A_TURN);
        let taken: Vec<Item> = queue.items.drain(..count).collect();
        queue.commands -= taken.iter().filter(|item| matches!(item, Item::Command(_))).count();
        taken
    }
}

impl MailboxSender {
    /// All commands that wait, for an end that is no loop.
    pub(crate) fn take_commands(&self) -> Vec<Command> {
        let mut queue = self.lock();
        queue.commands = 0;
        let mut commands = Vec::new();
        for item in queue.items.drain(..) {
            match item {
                Item::Command(command) => commands.push(*command),
                Item::Ping(answer) => _ = answer.send(()),
                Item::Echo(_) | Item::Quit => {}
            }
        }
        commands
    }
}

/// The loop's end: a GSource that is ready while the queue holds something, and that says when a turn is over.
#[repr(C)]
struct MailboxSource {
    base: glib_sys::GSource,
    ends: *const Ends,
}

struct Ends {
    mailbox: MailboxSender,
    perform: Box<dyn Fn(Item)>,
    turn_ended: Box<dyn Fn()>,
}

/// Attaches the mailbox to GLib's default context. `perform` gets each item; `turn_ended` is called before the loop looks for work again.
pub(super) fn attach(_: super::token::OnPurple, mailbox: MailboxSender, perform: impl Fn(Item) + 'static, turn_ended: impl Fn() + 'static) {
    static FUNCS: super::Ops<glib_sys::GSourceFuncs> = super::Ops(glib_sys::GSourceFuncs {
        prepare: Some(on_prepare),
        check: Some(on_check),
        dispatch: Some(on_dispatch),
        finalize: Some(on_finalize),
        closure_callback: None,
        closure_marshal: None,
    });
    let ends = Box::new(Ends { mailbox, perform: Box::new(perform), turn_ended: Box::new(turn_ended) });
    let size = u32::try_from(size_of::<MailboxSource>()).unwrap_or(u32::MAX);
    // SAFETY: GLib only reads the functions, for as long as the source lives; they are static.
    let source = unsafe { glib_sys::g_source_new(FUNCS.pointer(), size) };
    // SAFETY: g_source_new made it that large, and nobody else has seen it yet.
    unsafe { (*source.cast::<MailboxSource>()).ends = Box::into_raw(ends) };
    // SAFETY: a new source, and the default context.
    unsafe { glib_sys::g_source_attach(source, std::ptr::null_mut()) };
    // SAFETY: the context holds its own reference now.
    unsafe { glib_sys::g_source_unref(source) };
}

/// # Safety
/// `source` is a live [`MailboxSource`], on the libpurple thread.
unsafe fn ends<'a>(source: *mut glib_sys::GSource) -> &'a Ends {
    // SAFETY: set in `attach` and freed in `on_finalize` only; shared, since a nested loop may come here again.
    unsafe { &*(*source.cast::<MailboxSource>()).ends }
}

unsafe extern "C" fn on_prepare(source: *mut glib_sys::GSource, timeout: *mut c_int) -> glib_sys::gboolean {
    super::ffi::guard("mailbox prepare", 0, || {
        // SAFETY: GLib gives a place for the answer.
        unsafe { *timeout = -1 };
        // SAFETY: our own source.
        let ends = unsafe { ends(source) };
        (ends.turn_ended)();
        i32::from(!ends.mailbox.is_empty())
    })
}

unsafe extern "C" fn on_check(source: *mut glib_sys::GSource) -> glib_sys::gboolean {
    super::ffi::guard("mailbox check", 0, || {
        // SAFETY: our own source.
        i32::from(!unsafe { ends(source) }.mailbox.is_empty())
    })
}

unsafe extern "C" fn on_dispatch(source: *mut glib_sys::GSource, _: glib_sys::GSourceFunc, _: glib_sys::gpointer) -> glib_sys::gboolean {
    super::ffi::guard("mailbox dispatch", (), || {
        // SAFETY: our own source.
        let ends = unsafe { ends(source) };
        for item in ends.mailbox.take() {
            super::ffi::guard("a command", (), || (ends.perform)(item));
        }
    });
    glib_sys::GTRUE
}

unsafe extern "C" fn on_finalize(source: *mut glib_sys::GSource) {
    // SAFETY: the last call for this source.
    let ends = unsafe { (*source.cast::<MailboxSource>()).ends };
    // SAFETY: the box came from `attach`.
    drop(unsafe { Box::from_raw(ends.cast_mut()) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::CommandKind;
    use crate::id::UserId;

    fn command(user: u64) -> Command {
        Command { user: UserId(user), origin: None, kind: CommandKind::RemoveUser }
    }

    #[test]
    fn full_says_busy_and_gives_the_command_back() {
        let mailbox = MailboxSender::new(2);
        assert_eq!(mailbox.room(), 2);
        mailbox.send(command(1)).unwrap();
        mailbox.send(command(2)).unwrap();
        assert_eq!(mailbox.send(command(3)), Err(Rejected::Busy(Box::new(command(3)))));
        assert_eq!(mailbox.take().len(), 2);
        assert_eq!(mailbox.room(), 2);
    }

    #[test]
    fn a_turn_takes_64_and_keeps_the_order() {
        let mailbox = MailboxSender::new(1000);
        for user in 0..100 {
            mailbox.send(command(user)).unwrap();
        }
        let users: Vec<u64> = mailbox.take().iter().map(|item| if let Item::Command(c) = item { c.user.0 } else { u64::MAX }).collect();
        assert_eq!(users, (0..64).collect::<Vec<_>>());
        assert_eq!(mailbox.take().len(), 36);
    }

    #[test]
    fn after_quit_nothing_is_taken_and_pings_are_dropped() {
        let mailbox = MailboxSender::new(2);
        mailbox.quit();
        mailbox.quit();
        assert_eq!(mailbox.send(command(1)), Err(Rejected::Closed));
        assert!(mailbox.ping().try_recv().is_err());
        assert!(matches!(mailbox.take().as_slice(), [Item::Quit]));
    }
}
