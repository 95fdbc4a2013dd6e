//! One TLS connection of libpurple's from its socket to its end: handshake, decision, then data; it calls back from the event loop only.

use super::policy::{AskId, Reference};
use super::stream::{Stop, Stream};
use super::words::Failure;
use super::{Shared, by_id};
use crate::id::AccountId;
use crate::purple::ffi::guard_on;
use crate::purple::owner;
use purple_sys::{PurpleInputCondition, PurpleSslConnection, guint};
use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::rc::Rc;
use std::sync::Arc;

/// How soon a protocol that does not listen is looked at again, in milliseconds.
const LATER: guint = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Handshaking,
    /// Nothing goes out or in until the certificate is believed.
    Deciding,
    Open,
    Over,
}

/// Lives in the table until libpurple closes it; a callback that is running holds it longer.
pub(super) struct Connection {
    pub(super) id: usize,
    /// libpurple's side; NULL once closed.
    gsc: Cell<*mut PurpleSslConnection>,
    fd: c_int,
    pub(super) account: Option<AccountId>,
    pub(super) name: Reference,
    pub(super) shared: Rc<Shared>,
    /// From the first turn of the loop on. Never borrowed across a call out.
    pub(super) stream: RefCell<Option<Stream>>,
    pub(super) phase: Cell<Phase>,
    read_watch: Cell<guint>,
    write_watch: Cell<guint>,
    timer: Cell<guint>,
    timer_delay: Cell<guint>,
    pub(super) question: Cell<Option<AskId>>,
    pub(super) answer: Cell<Option<bool>>,
    pub(super) fingerprint: RefCell<String>,
    bytes_read: Cell<u64>,
}

impl Connection {
    pub(super) fn new(
        id: usize,
        gsc: *mut PurpleSslConnection,
        fd: c_int,
        account: Option<AccountId>,
        host: Option<&str>,
        shared: Rc<Shared>,
    ) -> Self {
        let domain = account.and_then(|account| shared.hooks.domain(account, host));
        Self {
            id,
            gsc: Cell::new(gsc),
            fd,
            account,
            name: Reference::new(host, domain),
            shared,
            stream: RefCell::new(None),
            phase: Cell::new(Phase::Handshaking),
            read_watch: Cell::new(0),
            write_watch: Cell::new(0),
            timer: Cell::new(0),
            timer_delay: Cell::new(0),
            question: Cell::new(None),
            answer: Cell::new(None),
            fingerprint: RefCell::default(),
            bytes_read: Cell::new(0),
        }
    }

    /// libpurple closes: nothing of ours may call it again, and the descriptor is its own to close.
    pub(super) fn close(&self) {
        self.gsc.set(std::ptr::null_mut());
        let phase = self.phase.replace(Phase::Over);
        self.silence();
        if let Some(question) = self.question.take() {
            self.shared.hooks.withdraw(question);
        }
        if matches!(phase, Phase::Deciding | Phase::Open)
            && let Some(stream) = self.stream.borrow_mut().as_mut()
        {
            stream.close();
        }
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> Result<usize, c_int> {
        match self.phase.get() {
            Phase::Handshaking | Phase::Deciding => return Err(libc::EAGAIN),
            Phase::Over => return Err(libc::ENOTCONN),
            Phase::Open => {}
        }
        let (outcome, failure) = {
            let mut stream = self.stream.borrow_mut();
            let stream = stream.as_mut().ok_or(libc::ENOTCONN)?;
            (stream.read(buffer), stream.take_failure())
        };
        if let Ok(count) = outcome {
            self.bytes_read.set(self.bytes_read.get() + count as u64);
        }
        if let Some(failure) = failure {
            super::note_failure(self.account, self.id, &Failure::of_tls(&failure, &self.name.shown));
        }
        self.settle();
        outcome
    }

    pub(super) fn write(&self, data: &[u8]) -> Result<usize, c_int> {
        if self.phase.get() != Phase::Open {
            return Err(libc::ENOTCONN);
        }
        let outcome = self.stream.borrow_mut().as_mut().ok_or(libc::ENOTCONN)?.write(data);
        self.settle();
        outcome
    }

    /// One step, from the loop: a watch or the timer fired.
    fn turn(&self, timer: bool) {
        match self.phase.get() {
            Phase::Handshaking => self.handshake(),
            Phase::Deciding => {
                if timer && let Some(yes) = self.answer.take() {
                    self.decided(yes);
                } else {
                    self.settle();
                }
            }
            Phase::Open => {
                if let Some(stream) = self.stream.borrow_mut().as_mut() {
                    // A socket that is gone is told to the reader.
                    let _ = stream.flush();
                }
                if timer { self.deliver() } else { self.settle() }
            }
            Phase::Over => self.silence(),
        }
    }

    fn handshake(&self) {
        let outcome = self.begin().and_then(|()| self.stream.borrow_mut().as_mut().map_or(Err(Stop::Closed), Stream::handshake));
        match outcome {
            Ok(true) => {
                // The socket is not listened to before the decision: what the server says, it says to somebody it may not know yet.
                self.watch(&self.read_watch, PurpleInputCondition::PURPLE_INPUT_READ, false);
                self.phase.set(Phase::Deciding);
                self.settle();
                self.decide();
            }
            Ok(false) => {
                self.watch(&self.read_watch, PurpleInputCondition::PURPLE_INPUT_READ, true);
                self.settle();
            }
            Err(stop) => self.fail(&Failure::of_handshake(&stop, self.name.host())),
        }
    }

    fn begin(&self) -> Result<(), Stop> {
        let mut stream = self.stream.borrow_mut();
        if stream.is_none() {
            let begun = Stream::new(Arc::clone(&self.shared.policy.client), self.name.server.clone(), self.fd);
            *stream = Some(begun.map_err(Stop::Tls)?);
        }
        Ok(())
    }

    pub(super) fn open(&self) {
        let Some((callback, data)) = self.look(|gsc| (gsc.connect_cb, gsc.connect_cb_data)) else { return };
        self.phase.set(Phase::Open);
        if let Some(callback) = callback {
            // SAFETY: as libpurple's own back ends call it.
            unsafe { callback(data, self.gsc.get(), PurpleInputCondition::PURPLE_INPUT_READ) };
        }
        self.settle();
    }

    /// Tells the protocol what the socket will not tell it again.
    fn deliver(&self) {
        let Some((callback, data, listening)) = self.look(|gsc| (gsc.recv_cb, gsc.recv_cb_data, gsc.inpa != 0)) else { return };
        if !self.pending() {
            return self.settle();
        }
        let before = self.bytes_read.get();
        if let Some(callback) = callback.filter(|_| listening) {
            // SAFETY: as libpurple's own watch calls it.
            unsafe { callback(data, self.gsc.get(), PurpleInputCondition::PURPLE_INPUT_READ) };
        }
        if self.pending() {
            self.schedule(if self.bytes_read.get() == before { LATER } else { 0 });
        }
        self.settle();
    }

    fn pending(&self) -> bool {
        self.phase.get() == Phase::Open && self.stream.borrow_mut().as_mut().is_some_and(Stream::readable)
    }

    /// Watches for what is waiting: ciphertext that the socket did not take, plaintext that nobody read.
    pub(super) fn settle(&self) {
        let blocked = self.phase.get() != Phase::Over && self.stream.borrow().as_ref().is_some_and(Stream::wants_write);
        self.watch(&self.write_watch, PurpleInputCondition::PURPLE_INPUT_WRITE, blocked);
        if self.timer.get() == 0 && self.pending() {
            self.schedule(0);
        }
    }

    pub(super) fn fail(&self, failure: &Failure) {
        let Some((callback, data)) = self.look(|gsc| (gsc.error_cb, gsc.connect_cb_data)) else { return };
        self.phase.set(Phase::Over);
        self.silence();
        super::note_failure(self.account, self.id, failure);
        if let Some(callback) = callback {
            // SAFETY: as libpurple's own back ends call it.
            unsafe { callback(self.gsc.get(), failure.kind, data) };
        }
        if !self.gsc.get().is_null() {
            // SAFETY: the callback did not close it; after a failure the back end does.
            unsafe { purple_sys::purple_ssl_close(self.gsc.get()) };
        }
    }

    /// What libpurple's side says now; `None` once closed.
    fn look<T>(&self, body: impl FnOnce(&PurpleSslConnection) -> T) -> Option<T> {
        // SAFETY: NULL, or alive: libpurple frees it only after `close`. The reference ends before anything is called.
        unsafe { self.gsc.get().as_ref() }.map(body)
    }

    pub(super) fn silence(&self) {
        self.watch(&self.read_watch, PurpleInputCondition::PURPLE_INPUT_READ, false);
        self.watch(&self.write_watch, PurpleInputCondition::PURPLE_INPUT_WRITE, false);
        self.stop_timer();
    }

    fn watch(&self, watch: &Cell<guint>, condition: PurpleInputCondition, wanted: bool) {
        let data = std::ptr::without_provenance_mut::<c_void>(self.id);
        match (watch.get(), wanted) {
            // SAFETY: the descriptor is open until libpurple closes us, and the number outlives everything.
            (0, true) => watch.set(self.owned(|| unsafe { purple_sys::purple_input_add(self.fd, condition, Some(on_watch), data) })),
            (id, false) if id != 0 => {
                watch.set(0);
                // SAFETY: a watch of ours that was not removed yet.
                unsafe { purple_sys::purple_input_remove(id) };
            }
            _ => {}
        }
    }

    /// The timer in `delay` milliseconds, or earlier when it was to fire earlier anyway.
    pub(super) fn schedule(&self, delay: guint) {
        if self.timer.get() != 0 {
            if self.timer_delay.get() <= delay {
                return;
            }
            self.stop_timer();
        }
        let data = std::ptr::without_provenance_mut::<c_void>(self.id);
        self.timer_delay.set(delay);
        // SAFETY: the number outlives everything.
        self.timer.set(self.owned(|| unsafe { purple_sys::purple_timeout_add(delay, Some(on_timer), data) }));
    }

    fn stop_timer(&self) {
        let timer = self.timer.replace(0);
        if timer != 0 {
            // SAFETY: a timer of ours that has not fired yet.
            unsafe { purple_sys::purple_timeout_remove(timer) };
        }
    }

    /// Runs `body` in the account's name, where it has one.
    fn owned<T>(&self, body: impl FnOnce() -> T) -> T {
        owner::with(self.account.or_else(owner::current), body)
    }
}

unsafe extern "C" fn on_watch(data: *mut c_void, _: c_int, _: PurpleInputCondition) {
    guard_on("ssl watch", (), |_| {
        if let Some(connection) = by_id(data.addr()) {
            connection.owned(|| connection.turn(false));
        }
    });
}

unsafe extern "C" fn on_timer(data: *mut c_void) -> glib_sys::gboolean {
    guard_on("ssl timer", (), |_| {
        if let Some(connection) = by_id(data.addr()) {
            connection.timer.set(0);
            connection.owned(|| connection.turn(true));
        }
    });
    glib_sys::GFALSE
}
