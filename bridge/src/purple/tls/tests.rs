//! TLS against real peers, through libpurple's public interface, on a GLib loop of each test's own.

mod client;
mod data;
mod endings;
mod peer;
mod trust;

use super::{AskId, TrustHooks};
use crate::config::BridgeConfig;
use crate::id::{AccountId, RequestId};
use crate::model::Certificate;
use crate::purple::owner;
use crate::purple::token::OnPurple;
use purple_sys::{PurpleEventLoopUiOps, PurpleInputCondition, PurpleInputFunction, gpointer, guint};
use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(super) const ACCOUNT: AccountId = AccountId(7);
/// Nothing here takes longer than a second on an idle machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// libpurple has one state per process and no locks: one test at a time.
static ONE: Mutex<()> = Mutex::new(());

thread_local! {
    static CONTEXT: Cell<*mut glib_sys::GMainContext> = const { Cell::new(std::ptr::null_mut()) };
    /// Watches that were added and not removed.
    static WATCHES: Cell<u32> = const { Cell::new(0) };
}

type Answer = Box<dyn FnOnce(bool)>;

/// What the test knows of accounts and users.
#[derive(Default)]
pub(super) struct Site {
    pub(super) domain: RefCell<Option<String>>,
    pub(super) pins: RefCell<Vec<String>>,
    pub(super) asked: RefCell<Vec<Certificate>>,
    pub(super) answers: RefCell<Vec<Option<Answer>>>,
    pub(super) withdrawn: RefCell<Vec<AskId>>,
    /// Answers while being asked.
    pub(super) at_once: Cell<Option<bool>>,
    pub(super) deaf: Cell<bool>,
}

impl Site {
    pub(super) fn answer(&self, question: usize, yes: bool) {
        let answer = self.answers.borrow_mut()[question].take().expect("answered already");
        answer(yes);
    }
}

struct Hooks(Rc<Site>);

impl TrustHooks for Hooks {
    fn domain(&self, account: AccountId, _: Option<&str>) -> Option<String> {
        assert_eq!(account, ACCOUNT);
        self.0.domain.borrow().clone()
    }

    fn pins(&self, account: AccountId) -> Vec<String> {
        assert_eq!(account, ACCOUNT);
        self.0.pins.borrow().clone()
    }

    fn ask(&self, account: AccountId, certificate: Certificate, answer: Box<dyn FnOnce(bool)>) -> Option<AskId> {
        assert_eq!(account, ACCOUNT);
        if self.0.deaf.get() {
            return None;
        }
        self.0.asked.borrow_mut().push(certificate);
        let number = self.0.asked.borrow().len() - 1;
        match self.0.at_once.get() {
            Some(yes) => {
                self.0.answers.borrow_mut().push(None);
                answer(yes);
            }
            None => self.0.answers.borrow_mut().push(Some(answer)),
        }
        Some(RequestId(number as u64))
    }

    fn withdraw(&self, question: AskId) {
        self.0.withdrawn.borrow_mut().push(question);
        let answer = self.0.answers.borrow_mut()[usize::try_from(question.0).unwrap()].take();
        drop(answer);
    }

    fn pin(&self, account: AccountId, fingerprint: String) {
        assert_eq!(account, ACCOUNT);
        self.0.pins.borrow_mut().push(fingerprint);
    }
}

/// Runs one test as the libpurple thread, in the account's name, with rustls installed and the test's CA trusted.
pub(super) fn on_purple(body: impl FnOnce(&Rc<Site>) + Send + 'static) {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let run = std::thread::spawn(move || {
        // SAFETY: the lock makes this the only thread that calls libpurple; the tests' sources live in a context of this thread's.
        let token = unsafe { OnPurple::declare() };
        // SAFETY: a new context, never freed: sources may outlive the test.
        CONTEXT.set(unsafe { glib_sys::g_main_context_new() });
        // SAFETY: static, and libpurple only reads it.
        unsafe { purple_sys::purple_eventloop_set_ui_ops(std::ptr::from_ref(&LOOP).cast_mut()) };
        let site = Rc::new(Site::default());
        let roots = std::env::temp_dir().join(format!("bellflower-tls-{}.pem", std::process::id()));
        std::fs::write(&roots, peer::ca_pem()).unwrap();
        let config = BridgeConfig { extra_roots: Some(roots.clone()), ..BridgeConfig::default() };
        super::install(token, &config, Box::new(Hooks(Rc::clone(&site)))).unwrap();
        std::fs::remove_file(roots).unwrap();
        owner::with(Some(ACCOUNT), || body(&site));
        assert!(super::all().is_empty(), "connections are left");
        assert_eq!(WATCHES.get(), 0, "watches are left of connections that are closed");
        assert!(super::take_failure(ACCOUNT).is_none(), "a failure outlives its connection");
    });
    if let Err(panic) = run.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Turns the loop until `done`.
pub(super) fn turn_until(what: &str, done: impl Fn() -> bool) {
    unsafe extern "C" fn wake(_: gpointer) -> c_int {
        glib_sys::GTRUE
    }
    // The loop must come back for the deadline, and for what other threads report.
    let tick = attach(timeout_source(10), Some(wake), std::ptr::null_mut());
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < DEADLINE, "waited in vain: {what}");
        // SAFETY: this thread's own context.
        unsafe { glib_sys::g_main_context_iteration(CONTEXT.get(), glib_sys::GTRUE) };
    }
    remove(tick);
}

fn timeout_source(milliseconds: guint) -> *mut glib_sys::GSource {
    // SAFETY: no requirements.
    unsafe { glib_sys::g_timeout_source_new(milliseconds) }
}

fn attach(source: *mut glib_sys::GSource, function: glib_sys::GSourceFunc, data: gpointer) -> guint {
    // SAFETY: a new source that nobody else has.
    unsafe { glib_sys::g_source_set_callback(source, function, data, None) };
    // SAFETY: as above, and this thread's own context.
    let id = unsafe { glib_sys::g_source_attach(source, CONTEXT.get()) };
    // SAFETY: the context keeps it.
    unsafe { glib_sys::g_source_unref(source) };
    id
}

fn remove(id: guint) -> c_int {
    // SAFETY: this thread's own context.
    let source = unsafe { glib_sys::g_main_context_find_source_by_id(CONTEXT.get(), id) };
    assert!(!source.is_null(), "a source is removed twice");
    // SAFETY: found just now.
    unsafe { glib_sys::g_source_destroy(source) };
    glib_sys::GTRUE
}

/// The smallest loop that libpurple can run on: GLib's own sources.
static LOOP: PurpleEventLoopUiOps = PurpleEventLoopUiOps {
    timeout_add: Some(timeout_add),
    timeout_remove: Some(source_remove),
    input_add: Some(input_add),
    input_remove: Some(source_remove),
    input_get_error: None,
    timeout_add_seconds: None,
    _purple_reserved2: None,
    _purple_reserved3: None,
    _purple_reserved4: None,
};

unsafe extern "C" fn timeout_add(interval: guint, function: glib_sys::GSourceFunc, data: gpointer) -> guint {
    attach(timeout_source(interval), function, data)
}

unsafe extern "C" fn source_remove(id: guint) -> c_int {
    remove(id)
}

unsafe extern "C" {
    /// glib-unix.h; not among glib-sys's declarations.
    fn g_unix_fd_source_new(fd: c_int, condition: glib_sys::GIOCondition) -> *mut glib_sys::GSource;
}

struct Watch {
    condition: PurpleInputCondition,
    function: PurpleInputFunction,
    data: gpointer,
}

unsafe extern "C" fn input_add(fd: c_int, condition: PurpleInputCondition, function: PurpleInputFunction, data: gpointer) -> guint {
    unsafe extern "C" fn on_ready(fd: c_int, _: glib_sys::GIOCondition, watch: gpointer) -> c_int {
        // SAFETY: freed with the source.
        let Watch { condition, function, data } = unsafe { &*watch.cast::<Watch>() };
        // SAFETY: as whoever added it wants it.
        unsafe { function.unwrap()(*data, fd, *condition) };
        glib_sys::GTRUE
    }
    unsafe extern "C" fn on_gone(watch: gpointer) {
        // SAFETY: from `into_raw` below, and the source is gone.
        drop(unsafe { Box::from_raw(watch.cast::<Watch>()) });
        WATCHES.set(WATCHES.get() - 1);
    }
    let wanted = if condition == PurpleInputCondition::PURPLE_INPUT_WRITE { glib_sys::G_IO_OUT } else { glib_sys::G_IO_IN };
    // SAFETY: an open descriptor.
    let source = unsafe { g_unix_fd_source_new(fd, wanted | glib_sys::G_IO_HUP | glib_sys::G_IO_ERR) };
    let watch = Box::into_raw(Box::new(Watch { condition, function, data })).cast();
    WATCHES.set(WATCHES.get() + 1);
    type OnReady = unsafe extern "C" fn(c_int, glib_sys::GIOCondition, gpointer) -> c_int;
    // SAFETY: descriptor sources call it with these three arguments (GUnixFDSourceFunc).
    let function = unsafe { std::mem::transmute::<OnReady, unsafe extern "C" fn(gpointer) -> c_int>(on_ready) };
    // SAFETY: a new source.
    unsafe { glib_sys::g_source_set_callback(source, Some(function), watch, Some(on_gone)) };
    // SAFETY: as above.
    let id = unsafe { glib_sys::g_source_attach(source, CONTEXT.get()) };
    // SAFETY: the context keeps it.
    unsafe { glib_sys::g_source_unref(source) };
    id
}
