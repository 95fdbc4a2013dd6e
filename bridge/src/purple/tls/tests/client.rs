//! The protocol's side of a connection, as the protocols of libpurple do it: it reads in its callback and closes what is its to close.

use super::turn_until;
use crate::purple::ffi::in_process;
use purple_sys::{PurpleAccount, PurpleInputCondition, PurpleSslConnection, PurpleSslErrorType, gpointer};
use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::net::TcpStream;
use std::os::fd::IntoRawFd;
use std::rc::Rc;

/// Where the protocol closes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CloseIn {
    Connect,
    Receive,
    Error,
}

pub(super) struct Client {
    pub(super) gsc: Cell<*mut PurpleSslConnection>,
    pub(super) connected: Cell<bool>,
    pub(super) error: Cell<Option<PurpleSslErrorType>>,
    /// What `take_failure` says during the error callback or after a failed read.
    pub(super) failure: RefCell<Option<(String, String)>>,
    pub(super) received: RefCell<Vec<u8>>,
    /// How reading ended: 0 bytes, or an errno.
    pub(super) ended: Cell<Option<Result<(), c_int>>>,
    /// How often the end was told.
    pub(super) ends: Cell<u32>,
    /// Most that was read in one callback.
    pub(super) most: Cell<usize>,
    pub(super) close_in: Cell<Option<CloseIn>>,
    /// Reads this much once per callback, instead of everything there is.
    pub(super) sips: Cell<Option<usize>>,
    /// Written in the connect callback.
    pub(super) greeting: RefCell<Vec<u8>>,
    /// Starts to listen in the connect callback.
    pub(super) listens: Cell<bool>,
}

impl Client {
    /// Hands the socket to libpurple. The caller keeps the client until the connection is closed.
    pub(super) fn connect(socket: TcpStream, host: Option<&str>) -> Rc<Self> {
        Self::prepared(socket, host, |_| {})
    }

    pub(super) fn prepared(socket: TcpStream, host: Option<&str>, prepare: impl FnOnce(&Self)) -> Rc<Self> {
        Self::named(std::ptr::null_mut(), socket, host, prepare)
    }

    /// With an account of libpurple's named; NULL leaves it to whose callback is running.
    pub(super) fn named(account: *mut PurpleAccount, socket: TcpStream, host: Option<&str>, prepare: impl FnOnce(&Self)) -> Rc<Self> {
        let client = Rc::new(Self {
            gsc: Cell::new(std::ptr::null_mut()),
            connected: Cell::new(false),
            error: Cell::new(None),
            failure: RefCell::new(None),
            received: RefCell::default(),
            ended: Cell::new(None),
            ends: Cell::new(0),
            most: Cell::new(0),
            close_in: Cell::new(None),
            sips: Cell::new(None),
            greeting: RefCell::default(),
            listens: Cell::new(true),
        });
        prepare(&client);
        let host = host.map(in_process);
        let host = host.as_ref().map_or(std::ptr::null(), |host| host.as_ptr());
        let (data, fd) = (Rc::as_ptr(&client).cast_mut().cast(), socket.into_raw_fd());
        // SAFETY: an open socket that is libpurple's from now on; the client outlives the connection.
        let gsc = unsafe { purple_sys::purple_ssl_connect_with_host_fd(account, fd, Some(on_connected), Some(on_error), host, data) };
        assert!(!gsc.is_null());
        assert!(!client.connected.get() && client.error.get().is_none(), "called back before it had the connection");
        client.gsc.set(gsc);
        client
    }

    pub(super) fn close(&self) {
        let gsc = self.gsc.replace(std::ptr::null_mut());
        assert!(!gsc.is_null());
        // SAFETY: not closed yet.
        unsafe { purple_sys::purple_ssl_close(gsc) };
    }

    pub(super) fn listen(&self) {
        // SAFETY: open, and the client outlives it.
        unsafe { purple_sys::purple_ssl_input_add(self.gsc.get(), Some(on_received), std::ptr::from_ref(self).cast_mut().cast()) };
    }

    /// As `purple_ssl_write` answers: a count or an errno.
    pub(super) fn write(&self, data: &[u8]) -> Result<usize, c_int> {
        // SAFETY: open, and the data is as long as said.
        answer(unsafe { purple_sys::purple_ssl_write(self.gsc.get(), data.as_ptr().cast(), data.len()) })
    }

    fn read(&self, buffer: &mut [u8]) -> Result<usize, c_int> {
        // SAFETY: open, and the buffer is as long as said.
        answer(unsafe { purple_sys::purple_ssl_read(self.gsc.get(), buffer.as_mut_ptr().cast(), buffer.len()) })
    }

    pub(super) fn wait_connected(&self) {
        turn_until("connection", || self.connected.get() || self.error.get().is_some());
        assert_eq!(self.error.get(), None, "{:?}", self.failure.borrow());
    }

    /// Waits for the failure and gives its kind, code and message.
    pub(super) fn wait_failed(&self) -> (PurpleSslErrorType, String, String) {
        turn_until("failure", || self.connected.get() || self.error.get().is_some());
        let (code, message) = self.failure.take().expect("no reason was kept");
        (self.error.get().expect("it connected"), code, message)
    }

    pub(super) fn wait_received(&self, count: usize) {
        turn_until("data", || self.received.borrow().len() >= count);
    }

    pub(super) fn wait_ended(&self) -> Result<(), c_int> {
        turn_until("end", || self.ended.get().is_some());
        self.ended.get().unwrap()
    }

    fn receive(&self) {
        let mut buffer = vec![0; self.sips.get().unwrap_or(4096)];
        let mut count = 0;
        loop {
            match self.read(&mut buffer) {
                Ok(0) => {
                    self.ended.set(Some(Ok(())));
                    self.ends.set(self.ends.get() + 1);
                    break;
                }
                Ok(read) => {
                    count += read;
                    self.received.borrow_mut().extend_from_slice(&buffer[..read]);
                }
                Err(libc::EAGAIN) => break,
                Err(errno) => {
                    self.ended.set(Some(Err(errno)));
                    self.ends.set(self.ends.get() + 1);
                    self.failure.replace(super::super::take_failure(super::ACCOUNT));
                    break;
                }
            }
            if self.sips.get().is_some() {
                break;
            }
        }
        self.most.set(self.most.get().max(count));
        if self.close_in.get() == Some(CloseIn::Receive) {
            self.close();
        }
    }
}

fn answer(outcome: usize) -> Result<usize, c_int> {
    if outcome == usize::MAX { Err(std::io::Error::last_os_error().raw_os_error().unwrap()) } else { Ok(outcome) }
}

/// # Safety
/// `data` is a live client.
unsafe fn of<'a>(data: gpointer) -> &'a Client {
    // SAFETY: the caller's promise.
    unsafe { &*data.cast::<Client>() }
}

unsafe extern "C" fn on_connected(data: gpointer, gsc: *mut PurpleSslConnection, _: PurpleInputCondition) {
    // SAFETY: the test keeps it.
    let client = unsafe { of(data) };
    assert_eq!(gsc, client.gsc.get());
    assert!(!client.connected.replace(true), "connected twice");
    if client.close_in.get() == Some(CloseIn::Connect) {
        return client.close();
    }
    let greeting = client.greeting.borrow().clone();
    if !greeting.is_empty() {
        assert_eq!(client.write(&greeting), Ok(greeting.len()));
    }
    if client.listens.get() {
        client.listen();
    }
}

unsafe extern "C" fn on_error(gsc: *mut PurpleSslConnection, error: PurpleSslErrorType, data: gpointer) {
    // SAFETY: the test keeps it.
    let client = unsafe { of(data) };
    assert_eq!(gsc, client.gsc.get());
    assert!(client.error.replace(Some(error)).is_none(), "failed twice");
    client.failure.replace(super::super::take_failure(super::ACCOUNT));
    if client.close_in.get() == Some(CloseIn::Error) {
        return client.close();
    }
    // It is closed for us.
    client.gsc.set(std::ptr::null_mut());
}

unsafe extern "C" fn on_received(data: gpointer, gsc: *mut PurpleSslConnection, _: PurpleInputCondition) {
    // SAFETY: the test keeps it.
    let client = unsafe { of(data) };
    assert_eq!(gsc, client.gsc.get(), "called after the end");
    client.receive();
}
