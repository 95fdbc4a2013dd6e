//! A worker's two channels over one socket, served by the libpurple loop itself: commands in, events out; it never waits, and performs nothing.

use super::ffi::guard;
use super::mailbox::MailboxSender;
use super::outbox::{self, Way};
use super::{load, owner, thread};
use crate::command::Command;
use crate::config::BridgeConfig;
use crate::error::StartError;
use crate::event::Batch;
use crate::frame::{self, Confine, Down, Frames, Up};
use crate::handle::{Catalogue, Rejected};
use crate::id::AccountId;
use glib_sys::{GFALSE, GSource, GSourceFunc, GSourceFuncs, GTRUE, gboolean, gpointer};
use std::cell::RefCell;
use std::ffi::c_int;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Bytes read at once; more are read in the next turn.
const A_READ: usize = 64 << 10;
/// Bytes sent at once; the rest goes in the next turn.
const A_FLUSH: usize = 1 << 20;
/// A process with so much unsent (by a plugin that makes events out of nothing) is given up.
const TOO_MUCH: usize = 512 << 20;
/// For what is unsent at the end, and for the first frame.
const PATIENCE: Duration = Duration::from_secs(5);

struct Link {
    socket: UnixStream,
    frames: Frames,
    out: Vec<u8>,
    /// How much of `out` is sent.
    sent: usize,
    /// A command that the mailbox had no room for.
    held: Option<Command>,
    mailbox: MailboxSender,
    /// GLib's handle of the socket, and what it is polled for.
    polled: gpointer,
    conditions: u32,
    /// The other side is not there any more.
    gone: bool,
}

thread_local! {
    static LINK: RefCell<Option<Link>> = const { RefCell::new(None) };
}

impl Link {
    fn unsent(&self) -> usize {
        self.out.len() - self.sent
    }

    fn lose(&mut self, reason: &str) {
        if !self.gone {
            log::warn!(target: "bridge", "the link to the web process ended: {reason}");
            self.gone = true;
            self.mailbox.quit();
        }
    }

    /// Sends what goes without waiting, and no more than [`A_FLUSH`]: a reader that keeps up must not keep this thread for itself.
    fn flush(&mut self) {
        let mut left = A_FLUSH;
        while !self.gone && self.unsent() > 0 && left > 0 {
            let rest = self.out.get(self.sent..).unwrap_or_default();
            match self.socket.write(rest.get(..left).unwrap_or(rest)) {
                Ok(count) => {
                    self.sent += count;
                    left = left.saturating_sub(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => self.lose(&error.to_string()),
            }
        }
        if self.unsent() == 0 {
            self.sent = 0;
            if self.out.capacity() > 1 << 18 { self.out = Vec::new() } else { self.out.clear() }
        } else if self.sent > 1 << 20 && self.sent > self.unsent() {
            self.out.drain(..self.sent);
            self.sent = 0;
        }
        if self.unsent() > TOO_MUCH {
            log::error!(target: "bridge", "more than {} MiB of events wait to be taken; giving up", TOO_MUCH >> 20);
            std::process::abort();
        }
        outbox::set_backlog(self.unsent() as u64);
    }

    fn read(&mut self) {
        let mut bytes = [0; A_READ];
        match self.socket.read(&mut bytes) {
            Ok(0) => self.lose("it was closed"),
            Ok(count) => self.frames.push(bytes.get(..count).unwrap_or_default()),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => self.lose(&error.to_string()),
        }
    }

    fn hand_over(&mut self, command: Command) {
        if let Err(Rejected::Busy(command)) = self.mailbox.send_here(command) {
            self.held = Some(*command);
        }
    }

    /// Hands on whole frames until one has to wait.
    fn take_in(&mut self) {
        if let Some(command) = self.held.take() {
            self.hand_over(command);
        }
        while self.held.is_none() && !self.gone {
            match self.frames.take::<Down>() {
                Ok(Some(Down::Command(command))) => self.hand_over(command),
                Ok(Some(Down::Ping(number))) => self.mailbox.echo(number),
                Ok(Some(Down::Quit)) => self.mailbox.quit(),
                Ok(Some(Down::Start { .. })) => self.lose("it was started a second time"),
                Ok(None) => break,
                Err(error) => self.lose(&error.to_string()),
            }
        }
    }

    fn has_work(&self) -> bool {
        !self.gone && (self.held.is_some() && self.mailbox.room() > 0 || self.held.is_none() && self.frames.is_ready())
    }

    fn wants(&self) -> u32 {
        let reads = if self.gone || self.held.is_some() { 0 } else { glib_sys::G_IO_IN | glib_sys::G_IO_HUP | glib_sys::G_IO_ERR };
        let writes = if !self.gone && self.unsent() > 0 { glib_sys::G_IO_OUT } else { 0 };
        reads | writes
    }
}

/// Answers a ping.
pub(super) fn answer(number: u64) {
    with(|link| {
        let pong = Up::Pong { number, load: load::load(&link.mailbox) };
        if let Err(error) = frame::write(&mut link.out, &pong) {
            log::error!(target: "bridge", "a ping was not answered: {error}");
        }
        link.flush();
    });
}

/// Tells the fleet of an account that holds the others up.
pub(super) fn tell_heavy(account: AccountId) {
    with(|link| {
        if let Err(error) = frame::write(&mut link.out, &Up::Heavy { account }) {
            log::error!(target: "bridge", "a heavy account was not told of: {error}");
        }
        link.flush();
    });
}

/// Sends a batch, as much of it as goes without waiting.
pub(super) fn write(batch: Batch) {
    LINK.with_borrow_mut(|link| {
        if let Some(link) = link {
            frame::write_batch(&mut link.out, batch);
            link.flush();
        }
    });
}

/// The loop's own descriptor is not open any more: somebody closed what was not theirs. A worker is replaced; there is no going on.
pub(super) fn descriptors_gone() {
    if LINK.try_with(|link| link.try_borrow().is_ok_and(|link| link.is_some())).unwrap_or(false) {
        log::error!(target: "bridge", "the event loop's descriptor was closed by something else; giving up");
        std::process::abort();
    }
}

/// See [`crate::handle::serve`].
pub(crate) fn serve(
    socket: OwnedFd,
    blame: Option<OwnedFd>,
    confine: impl FnOnce(&BridgeConfig, &Confine) -> io::Result<()>,
) -> io::Result<()> {
    let mut socket = UnixStream::from(socket);
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let mut frames = Frames::default();
    let (config, limits) = first_frame(&mut socket, &mut frames)?;
    confine(&config, &limits)?;
    let mailbox = MailboxSender::new(config.mailbox);
    let link_mailbox = mailbox.clone();
    let way = move |token| {
        socket.set_nonblocking(true)?;
        if let Some(file) = &blame {
            owner::share(token, file)?;
        }
        let link = Link {
            socket,
            frames,
            out: Vec::new(),
            sent: 0,
            held: None,
            mailbox: link_mailbox,
            polled: std::ptr::null_mut(),
            conditions: 0,
            gone: false,
        };
        LINK.set(Some(link));
        Ok(Way::Link)
    };
    let started = |result: Result<&Catalogue, &StartError>| {
        let first = match result {
            Ok(catalogue) => Up::Ready { version: frame::VERSION, catalogue: Box::new(catalogue.clone()) },
            Err(error) => Up::Failed(error.to_string()),
        };
        LINK.with_borrow_mut(|link| {
            let Some(link) = link else { return };
            if let Err(error) = frame::write(&mut link.out, &first) {
                link.lose(&error.to_string());
            }
            link.flush();
        });
        attach();
    };
    let ended = thread::run_here(&config, mailbox, way, started);
    finish()?;
    ended.map_err(io::Error::other)
}

/// Waits for the start.
fn first_frame(socket: &mut UnixStream, frames: &mut Frames) -> io::Result<(Box<BridgeConfig>, Confine)> {
    let mut bytes = [0; 4096];
    loop {
        match frames.take::<Down>().map_err(io::Error::other)? {
            Some(Down::Start { version: frame::VERSION, config, confine }) => return Ok((config, confine)),
            Some(Down::Start { version, .. }) => {
                return Err(io::Error::other(format!("the web process speaks version {version}, this worker {}", frame::VERSION)));
            }
            Some(_) => return Err(io::Error::other("the first frame is not a start")),
            None => {}
        }
        let count = socket.read(&mut bytes)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        frames.push(bytes.get(..count).unwrap_or_default());
    }
}

/// Sends the rest, waiting for it, and closes.
fn finish() -> io::Result<()> {
    let Some(mut link) = LINK.take() else { return Ok(()) };
    if link.gone {
        return Ok(());
    }
    link.socket.set_nonblocking(false)?;
    link.socket.write_all(link.out.get(link.sent..).unwrap_or_default())
}

#[repr(C)]
struct LinkSource {
    base: GSource,
}

/// Attaches the socket to GLib's default context, where [`serve`] has put it.
fn attach() {
    static FUNCS: super::Ops<GSourceFuncs> = super::Ops(GSourceFuncs {
        prepare: Some(on_prepare),
        check: Some(on_check),
        dispatch: Some(on_dispatch),
        finalize: None,
        closure_callback: None,
        closure_marshal: None,
    });
    let Some(fd) = with(|link| link.socket.as_raw_fd()) else { return };
    let size = u32::try_from(size_of::<LinkSource>()).unwrap_or(u32::MAX);
    // SAFETY: GLib only reads the functions, which are static.
    let source = unsafe { glib_sys::g_source_new(FUNCS.pointer(), size) };
    let polled = poll(source, fd);
    with(|link| {
        link.polled = polled;
        link.conditions = glib_sys::G_IO_IN;
    });
    // SAFETY: a new source, and the default context, which keeps a reference of its own; ours ends with the process.
    unsafe { glib_sys::g_source_attach(source, std::ptr::null_mut()) };
}

fn poll(source: *mut GSource, fd: RawFd) -> gpointer {
    // SAFETY: a new source; the descriptor stays open until the loop has ended.
    unsafe { glib_sys::g_source_add_unix_fd(source, fd, glib_sys::G_IO_IN) }
}

fn with<T>(body: impl FnOnce(&mut Link) -> T) -> Option<T> {
    LINK.with_borrow_mut(|link| link.as_mut().map(body))
}

unsafe extern "C" fn on_prepare(source: *mut GSource, timeout: *mut c_int) -> gboolean {
    guard("link prepare", GFALSE, || {
        // SAFETY: GLib gives a place for the answer.
        unsafe { *timeout = -1 };
        with(|link| {
            let wants = link.wants();
            if wants != link.conditions {
                link.conditions = wants;
                // SAFETY: our own source, and its own handle.
                unsafe { glib_sys::g_source_modify_unix_fd(source, link.polled, wants) };
            }
            gboolean::from(link.has_work())
        })
        .unwrap_or(GFALSE)
    })
}

unsafe extern "C" fn on_check(source: *mut GSource) -> gboolean {
    guard("link check", GFALSE, || {
        // SAFETY: our own source, and its own handle.
        let ready = with(|link| unsafe { glib_sys::g_source_query_unix_fd(source, link.polled) } != 0 || link.has_work());
        ready.unwrap_or(false).into()
    })
}

unsafe extern "C" fn on_dispatch(source: *mut GSource, _: GSourceFunc, _: gpointer) -> gboolean {
    guard("link dispatch", (), || {
        with(|link| {
            // SAFETY: our own source, and its own handle.
            let ready = unsafe { glib_sys::g_source_query_unix_fd(source, link.polled) };
            if ready & glib_sys::G_IO_NVAL != 0 {
                log::error!(target: "bridge", "the link to the web process was closed by something else; giving up");
                std::process::abort();
            }
            if ready & glib_sys::G_IO_OUT != 0 {
                link.flush();
            }
            if ready & !glib_sys::G_IO_OUT != 0 && link.held.is_none() && !link.gone {
                link.read();
            }
            link.take_in();
        });
    });
    GTRUE
}
