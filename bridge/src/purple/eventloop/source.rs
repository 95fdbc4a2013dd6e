//! The three GSources that GLib's main loop sees: the epoll set, the timer heap, and the idle calls; they make the callbacks and hold no lock meanwhile.

use super::counters::{EVENTS, TIMERS, TURNS, turn_took};
use super::epoll::Event;
use super::state::{lock, now};
use super::timers::{Call, Pass, Timers};
use super::watchers::Hit;
use crate::id::AccountId;
use crate::purple::Ops;
use crate::purple::ffi::guard;
use crate::purple::{cost, link, outbox, pulse};
use glib_sys::{GFALSE, GSource, GSourceFunc, GSourceFuncs, GTRUE, gboolean, gpointer};
use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

/// Events taken from the kernel at once, at most; the others are asked for in the next turn.
const BATCH: usize = 256;
/// After so long a turn is broken off, so that timers, commands and whoever asks whether this loop is alive are served in between.
const LONG: Duration = Duration::from_millis(10);

#[repr(C)]
struct Source {
    base: GSource,
    /// GLib's handle of the polled descriptor; NULL when there is none.
    polled: gpointer,
}

const fn funcs(
    prepare: unsafe extern "C" fn(*mut GSource, *mut c_int) -> gboolean,
    check: unsafe extern "C" fn(*mut GSource) -> gboolean,
    dispatch: unsafe extern "C" fn(*mut GSource, GSourceFunc, gpointer) -> gboolean,
) -> Ops<GSourceFuncs> {
    Ops(GSourceFuncs {
        prepare: Some(prepare),
        check: Some(check),
        dispatch: Some(dispatch),
        finalize: None,
        closure_callback: None,
        closure_marshal: None,
    })
}

static WATCHERS: Ops<GSourceFuncs> = funcs(watchers_prepare, watchers_check, watchers_dispatch);
static DUE: Ops<GSourceFuncs> = funcs(timers_prepare, timers_check, timers_dispatch);
static IDLE: Ops<GSourceFuncs> = funcs(idle_prepare, idle_check, idle_dispatch);

/// Attaches the sources to GLib's default context; `epoll` is the descriptor to poll.
pub(super) fn attach(epoll: RawFd) -> [*mut GSource; 3] {
    [
        attach_one(&WATCHERS, glib_sys::G_PRIORITY_DEFAULT, Some(epoll)),
        attach_one(&DUE, glib_sys::G_PRIORITY_DEFAULT, None),
        attach_one(&IDLE, glib_sys::G_PRIORITY_DEFAULT_IDLE, None),
    ]
}

fn attach_one(funcs: &'static Ops<GSourceFuncs>, priority: c_int, fd: Option<RawFd>) -> *mut GSource {
    let size = u32::try_from(size_of::<Source>()).unwrap_or(u32::MAX);
    // SAFETY: GLib only reads the functions, which are static.
    let source = unsafe { glib_sys::g_source_new(funcs.pointer(), size) };
    if let Some(fd) = fd {
        // SAFETY: a new source; the descriptor stays open until the source is destroyed.
        let polled = unsafe { glib_sys::g_source_add_unix_fd(source, fd, glib_sys::G_IO_IN) };
        // SAFETY: g_source_new made it that large.
        unsafe { (*source.cast::<Source>()).polled = polled };
    }
    // SAFETY: a live source.
    unsafe { glib_sys::g_source_set_priority(source, priority) };
    // SAFETY: a live source. Callbacks run loops of their own, in which the other watchers are to be served.
    unsafe { glib_sys::g_source_set_can_recurse(source, GTRUE) };
    // SAFETY: a live source, and the default context.
    unsafe { glib_sys::g_source_attach(source, std::ptr::null_mut()) };
    source
}

/// Ends what [`attach`] began.
pub(super) fn detach(sources: [*mut GSource; 3]) {
    for source in sources {
        // SAFETY: attached by us, and the reference from g_source_new is still ours.
        unsafe { glib_sys::g_source_destroy(source) };
        // SAFETY: the last use of that reference.
        unsafe { glib_sys::g_source_unref(source) };
    }
}

thread_local! {
    /// The descriptors are not looked at for now: what they brought has not been taken yet.
    static HELD: Cell<bool> = const { Cell::new(false) };
    static TURN: Cell<Option<Instant>> = const { Cell::new(None) };
    /// Events to take at once now: as many as are done in time. The kernel puts what it has told of behind what it has not, so that taking few and
    /// doing all of them is fair, while taking many and doing the first would starve the last.
    static AT_ONCE: Cell<usize> = const { Cell::new(BATCH) };
    /// Lent to one dispatch at a time, so that none allocates; a nested one makes its own.
    static ROOM: RefCell<(Vec<Event>, Vec<Hit>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

unsafe extern "C" fn watchers_prepare(source: *mut GSource, timeout: *mut c_int) -> gboolean {
    guard("watchers prepare", GFALSE, || {
        if let Some(start) = TURN.take() {
            turn_took(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        // SAFETY: GLib gives a place for the answer.
        unsafe { *timeout = -1 };
        let held = outbox::is_held();
        if HELD.replace(held) != held {
            // SAFETY: our own source; the handle was set before it was attached.
            let polled = unsafe { (*source.cast::<Source>()).polled };
            let conditions = if held { 0 } else { glib_sys::G_IO_IN };
            // SAFETY: the handle is this source's.
            unsafe { glib_sys::g_source_modify_unix_fd(source, polled, conditions) };
        }
        if held { GFALSE } else { lock().live.as_ref().map_or(GFALSE, |live| live.watchers.always_ready().into()) }
    })
}

unsafe extern "C" fn watchers_check(source: *mut GSource) -> gboolean {
    guard("watchers check", GFALSE, || {
        TURN.set(Some(Instant::now()));
        cost::turn_begins();
        TURNS.add(1);
        // SAFETY: our own source; the handle was set before it was attached.
        let polled = unsafe { (*source.cast::<Source>()).polled };
        // SAFETY: the handle is this source's.
        let conditions = unsafe { glib_sys::g_source_query_unix_fd(source, polled) };
        if HELD.get() {
            return GFALSE;
        }
        if conditions & glib_sys::G_IO_NVAL != 0 {
            link::descriptors_gone();
        }
        let always = || lock().live.as_ref().is_some_and(|live| live.watchers.always_ready());
        (conditions != 0 || always()).into()
    })
}

unsafe extern "C" fn watchers_dispatch(_: *mut GSource, _: GSourceFunc, _: gpointer) -> gboolean {
    guard("watchers dispatch", (), || {
        let (mut events, mut hits) = ROOM.take();
        let at_once = AT_ONCE.get();
        events.resize(at_once, Event { events: 0, u64: 0 });
        hits.clear();
        let Some(batch) = lock().live.as_mut().map(|live| {
            live.watchers.collect(&mut events, &mut hits);
            live.batch += 1;
            live.batch
        }) else {
            return;
        };
        let began = Instant::now();
        for (done, (id, conditions)) in hits.iter().enumerate() {
            if done > 0 && began.elapsed() > LONG {
                // What was not done is told of again.
                AT_ONCE.set(done);
                break;
            }
            let mut state = lock();
            // The rest is outdated when a callback ran a nested loop: whoever is still ready is reported again.
            let Some(live) = state.live.as_mut().filter(|live| live.batch == batch) else { break };
            let Some(callback) = live.watchers.start(*id) else { continue };
            drop(state);
            EVENTS.add(1);
            if conditions.0 & purple_sys::PurpleInputCondition::PURPLE_INPUT_READ.0 != 0 {
                pulse::came(callback.owner);
            }
            // SAFETY: libpurple's promise to purple_input_add: function and data are good until the watcher is removed, and `start` has found it. Another thread
            // that removes it from here on keeps both good until this call returns, as g_source_remove() asks of it, too.
            cost::counted(callback.owner, || unsafe { (callback.function)(callback.data, callback.fd, *conditions) });
            if let Some(live) = lock().live.as_mut() {
                live.watchers.ran(*id);
            }
        }
        if hits.len() >= at_once && began.elapsed() < LONG / 2 {
            AT_ONCE.set((at_once * 2).min(BATCH));
        }
        ROOM.set((events, hits));
    });
    GTRUE
}

/// Milliseconds to sleep, rounded up, so that nothing wakes early and spins.
fn sleep(at: i64, now: i64) -> c_int {
    c_int::try_from((at - now).max(0).saturating_add(999) / 1000).unwrap_or(c_int::MAX)
}

unsafe extern "C" fn timers_prepare(_: *mut GSource, timeout: *mut c_int) -> gboolean {
    guard("timers prepare", GFALSE, || {
        let next = lock().live.as_mut().and_then(|live| live.timers.next_at());
        let wait = next.map_or(-1, |at| sleep(at, now()));
        // SAFETY: GLib gives a place for the answer.
        unsafe { *timeout = wait };
        (wait == 0).into()
    })
}

unsafe extern "C" fn timers_check(_: *mut GSource) -> gboolean {
    guard("timers check", GFALSE, || {
        let next = lock().live.as_mut().and_then(|live| live.timers.next_at());
        next.is_some_and(|at| at <= now()).into()
    })
}

unsafe extern "C" fn timers_dispatch(_: *mut GSource, _: GSourceFunc, _: gpointer) -> gboolean {
    guard("timers dispatch", (), || run_all(Timers::next_due));
    GTRUE
}

unsafe extern "C" fn idle_prepare(_: *mut GSource, timeout: *mut c_int) -> gboolean {
    // SAFETY: GLib gives a place for the answer.
    unsafe { *timeout = -1 };
    idle_ready()
}

unsafe extern "C" fn idle_check(_: *mut GSource) -> gboolean {
    idle_ready()
}

fn idle_ready() -> gboolean {
    guard("idle", GFALSE, || lock().live.as_mut().is_some_and(|live| live.timers.idle_waits()).into())
}

unsafe extern "C" fn idle_dispatch(_: *mut GSource, _: GSourceFunc, _: gpointer) -> gboolean {
    guard("idle dispatch", (), || run_all(Timers::next_idle));
    GTRUE
}

type Next = fn(&mut Timers, Pass) -> Option<(u32, Call, Option<AccountId>)>;

/// One pass: everything that is due and was queued before its start.
fn run_all(next: Next) {
    let Some(pass) = lock().live.as_ref().map(|live| live.timers.begin(now())) else { return };
    loop {
        let Some((id, call, owner)) = lock().live.as_mut().and_then(|live| next(&mut live.timers, pass)) else { return };
        TIMERS.add(1);
        // SAFETY: the promise of whoever added it: function and data are good until it is removed or says FALSE, and it did not.
        let again = cost::counted(owner, || unsafe { (call.function)(call.data) != GFALSE });
        if let Some(live) = lock().live.as_mut() {
            live.timers.ran(id, again, pass);
        }
    }
}
