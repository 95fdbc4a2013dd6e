//! rustls over a socket that never waits: handshake, reading and writing as libpurple expects them; it knows neither libpurple nor trust.

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use std::ffi::c_int;
use std::io::{self, BufRead, IoSlice, Read, Write};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Plaintext that is handed out between two returns to the loop; protocols read until there is nothing more, and a peer that sends faster than
/// they read would have the thread for itself. One record of TLS: what a stanza costs grows with rooms and lists, and a record holds a hundred.
const A_TURN: usize = 16 * 1024;

/// Why a handshake ended without a connection.
pub(super) enum Stop {
    /// The server hung up.
    Closed,
    /// The socket failed.
    Io(io::Error),
    /// TLS failed.
    Tls(rustls::Error),
}

/// One TLS connection and the descriptor below it, which is not its own.
pub(super) struct Stream {
    tls: ClientConnection,
    socket: Socket,
    /// What writing ended with.
    out_broken: Option<c_int>,
    /// What reading ended with.
    in_broken: Option<c_int>,
    /// The reader has seen the end.
    end_told: bool,
    turn: usize,
    /// What TLS failed with after the handshake, until somebody asks.
    failure: Option<rustls::Error>,
}

impl Stream {
    /// Sends nothing yet. Without a server name no SNI is sent.
    pub(super) fn new(config: Arc<ClientConfig>, server: Option<ServerName<'static>>, fd: c_int) -> Result<Self, rustls::Error> {
        // rustls wants a name, but an address is never sent.
        let server = server.unwrap_or(ServerName::IpAddress(Ipv4Addr::UNSPECIFIED.into()));
        let tls = ClientConnection::new(config, server)?;
        Ok(Self { tls, socket: Socket(fd), out_broken: None, in_broken: None, end_told: false, turn: 0, failure: None })
    }

    pub(super) fn chain(&self) -> &[rustls::pki_types::CertificateDer<'static>] {
        self.tls.peer_certificates().unwrap_or_default()
    }

    pub(super) fn take_failure(&mut self) -> Option<rustls::Error> {
        self.failure.take()
    }

    /// Goes on with the handshake as far as the socket lets it; true when it is complete.
    pub(super) fn handshake(&mut self) -> Result<bool, Stop> {
        loop {
            let sent = self.flush().map_err(|errno| Stop::Io(io::Error::from_raw_os_error(errno)));
            if !self.tls.is_handshaking() {
                return sent.map(|_| true);
            }
            match self.tls.read_tls(&mut self.socket) {
                // What could not be sent is told only after what the server may have said about it.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return sent.map(|_| false),
                Err(error) => return Err(Stop::Io(error)),
                Ok(0) => return Err(Stop::Closed),
                Ok(_) => {}
            }
            if let Err(error) = self.tls.process_new_packets() {
                let _ = self.flush();
                return Err(Stop::Tls(error));
            }
        }
    }

    /// Ciphertext waits for the socket.
    pub(super) fn wants_write(&self) -> bool {
        self.out_broken.is_none() && self.tls.wants_write()
    }

    /// Sends what is there; true when nothing is left. An errno that is not EAGAIN is final.
    pub(super) fn flush(&mut self) -> Result<bool, c_int> {
        if let Some(errno) = self.out_broken {
            return Err(errno);
        }
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => {
                    let errno = error.raw_os_error().unwrap_or(libc::EIO);
                    self.out_broken = Some(errno);
                    return Err(errno);
                }
            }
        }
        Ok(true)
    }

    /// A read would find something although the socket may stay silent: plaintext, or an end that was not told yet.
    pub(super) fn readable(&mut self) -> bool {
        if self.end_told {
            return false;
        }
        match self.tls.reader().fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.in_broken.is_some() || self.out_broken.is_some(),
            _ => true,
        }
    }

    /// As POSIX `read`: plaintext first, then the socket. 0 is the end, with or without close_notify (many servers just hang up, and the
    /// protocols above have ends of their own). Otherwise an errno, EAGAIN among them.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, c_int> {
        if self.turn >= A_TURN {
            self.turn = 0;
            return Err(libc::EAGAIN);
        }
        loop {
            match self.tls.reader().read(buffer) {
                Ok(0) => return self.end(Ok(0)),
                Ok(count) => {
                    self.turn += count;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return self.end(Ok(0)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return self.end(Err(libc::EIO)),
            }
            if let Some(errno) = self.in_broken {
                return self.end(Err(errno));
            }
            match self.tls.read_tls(&mut self.socket) {
                Ok(_) => {
                    if let Err(error) = self.tls.process_new_packets() {
                        self.in_broken = Some(libc::EPROTO);
                        self.failure = Some(error);
                    }
                    // Answers of TLS's own: key updates, alerts.
                    let _ = self.flush();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.turn = 0;
                    return match self.out_broken {
                        Some(errno) => self.end(Err(errno)),
                        None => Err(libc::EAGAIN),
                    };
                }
                Err(error) => self.in_broken = Some(error.raw_os_error().unwrap_or(libc::EIO)),
            }
        }
    }

    fn end<T>(&mut self, outcome: T) -> T {
        self.end_told = true;
        outcome
    }

    /// As POSIX `write`: how much was taken (part of it may still wait for the socket), or an errno.
    pub(super) fn write(&mut self, data: &[u8]) -> Result<usize, c_int> {
        self.flush()?;
        let mut taken = 0;
        while let Some(rest) = data.get(taken..).filter(|rest| !rest.is_empty()) {
            // Takes as much as the buffer's limit allows.
            let count = self.tls.writer().write(rest).map_err(|_| libc::EIO)?;
            taken += count;
            if count == 0 || !self.flush()? {
                break;
            }
        }
        if taken == 0 && !data.is_empty() { Err(libc::EAGAIN) } else { Ok(taken) }
    }

    /// Says goodbye, as far as the socket takes it at once.
    pub(super) fn close(&mut self) {
        self.tls.send_close_notify();
        let _ = self.flush();
    }
}

/// The descriptor of a connected socket, borrowed. No call on it waits, no call raises SIGPIPE.
struct Socket(c_int);

fn counted(outcome: isize) -> io::Result<usize> {
    usize::try_from(outcome).map_err(|_| io::Error::last_os_error())
}

/// Again, when a signal came in between.
fn uninterrupted(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the buffer is as long as said.
        uninterrupted(|| counted(unsafe { libc::recv(self.0, buffer.as_mut_ptr().cast(), buffer.len(), libc::MSG_DONTWAIT) }))
    }
}

impl Write for Socket {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(data)])
    }

    /// All records in one packet.
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        // SAFETY: all zero is a message without address and control data.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        // An IoSlice has the layout of an iovec, says std.
        message.msg_iov = slices.as_ptr().cast_mut().cast();
        message.msg_iovlen = slices.len().min(64) as _;
        // SAFETY: the slices outlive the call, which only reads them.
        uninterrupted(|| counted(unsafe { libc::sendmsg(self.0, &raw const message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) }))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
