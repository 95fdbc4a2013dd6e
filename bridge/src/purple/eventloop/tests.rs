//! The event loop's contract on a real GLib main loop, a test a line.

use super::*;
use crate::purple::testing;
use std::cell::{Cell, RefCell};
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

const READ: PurpleInputCondition = PurpleInputCondition::PURPLE_INPUT_READ;
const WRITE: PurpleInputCondition = PurpleInputCondition::PURPLE_INPUT_WRITE;

type OnInput = Box<dyn Fn(RawFd, u32)>;
type OnTimer = Box<dyn Fn() -> bool>;

/// An installed loop that nobody else runs; keeps the closures that C calls.
struct Loop {
    token: OnPurple,
    inputs: RefCell<Vec<*mut OnInput>>,
    timers: RefCell<Vec<*mut OnTimer>>,
    _alone: testing::Alone,
}

unsafe extern "C" fn call_input(data: gpointer, fd: c_int, condition: PurpleInputCondition) {
    // SAFETY: a closure kept by the Loop.
    unsafe { (*data.cast::<OnInput>())(fd, condition.0) }
}

unsafe extern "C" fn call_timer(data: gpointer) -> gboolean {
    // SAFETY: a closure kept by the Loop.
    unsafe { (*data.cast::<OnTimer>())() }.into()
}

impl Loop {
    fn new() -> Rc<Self> {
        let (token, alone) = testing::default_context();
        install(token).unwrap();
        Rc::new(Self { token, inputs: RefCell::default(), timers: RefCell::default(), _alone: alone })
    }

    fn watch(&self, fd: RawFd, wants: PurpleInputCondition, body: impl Fn(RawFd, u32) + 'static) -> u32 {
        let body = Box::into_raw(Box::new(Box::new(body) as OnInput));
        self.inputs.borrow_mut().push(body);
        // SAFETY: the closure lives as long as the loop.
        let id = unsafe { purple_sys::purple_input_add(fd, wants, Some(call_input), body.cast()) };
        assert!(id >= FIRST);
        id
    }

    fn on_timer(&self, body: impl Fn() -> bool + 'static) -> gpointer {
        let body = Box::into_raw(Box::new(Box::new(body) as OnTimer));
        self.timers.borrow_mut().push(body);
        body.cast()
    }

    fn timer(&self, milliseconds: u32, body: impl Fn() -> bool + 'static) -> u32 {
        let data = self.on_timer(body);
        // SAFETY: the closure lives as long as the loop.
        unsafe { purple_sys::purple_timeout_add(milliseconds, Some(call_timer), data) }
    }

    /// One turn without waiting; whether anything was dispatched.
    fn turn(&self) -> bool {
        testing::turn(self.token, false)
    }

    fn until(&self, done: impl Fn() -> bool) {
        let start = Instant::now();
        let heartbeat = self.timer(20, || true);
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(10), "it never happened");
            testing::turn(self.token, true);
        }
        assert!(remove_timeout(heartbeat));
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        uninstall(self.token);
        for body in self.inputs.take() {
            // SAFETY: from Box::into_raw, and no loop calls it any more.
            drop(unsafe { Box::from_raw(body) });
        }
        for body in self.timers.take() {
            // SAFETY: from Box::into_raw, and no loop calls it any more.
            drop(unsafe { Box::from_raw(body) });
        }
    }
}

fn remove_input(id: u32) -> bool {
    // SAFETY: any id is allowed.
    unsafe { purple_sys::purple_input_remove(id) != GFALSE }
}

fn remove_timeout(id: u32) -> bool {
    // SAFETY: any id is allowed.
    unsafe { purple_sys::purple_timeout_remove(id) != GFALSE }
}

fn pair() -> (UnixStream, UnixStream) {
    let (one, two) = UnixStream::pair().unwrap();
    one.set_nonblocking(true).unwrap();
    two.set_nonblocking(true).unwrap();
    (one, two)
}

/// The same file under a number that no other test's file gets by itself.
fn high(file: &impl AsRawFd, number: RawFd) -> OwnedFd {
    // SAFETY: an open descriptor.
    let fd = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, number) };
    assert_eq!(fd, number);
    // SAFETY: new, and ours alone.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn count() -> (Rc<Cell<u32>>, Rc<Cell<u32>>) {
    let cell = Rc::new(Cell::new(0));
    (cell.clone(), cell)
}

mod foreign;
mod repeats;
mod watching;
