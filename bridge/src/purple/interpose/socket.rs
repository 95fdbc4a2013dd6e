//! `connect` and the calls that send to an address, for all the code in this process: every address is checked here; what is allowed is `egress.rs`.

use super::super::token::OnPurple;
use super::super::{accounts, egress, ffi, owner, refused};
use super::next::Next;
use libc::{c_int, c_uint, c_void, mmsghdr, msghdr, size_t, sockaddr, sockaddr_storage, socklen_t, ssize_t};
use std::cell::Cell;
use std::mem::{offset_of, size_of};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

pub(super) type Connect = unsafe extern "C" fn(c_int, *const sockaddr, socklen_t) -> c_int;
pub(super) type SendTo = unsafe extern "C" fn(c_int, *const c_void, size_t, c_int, *const sockaddr, socklen_t) -> ssize_t;
pub(super) type SendMsg = unsafe extern "C" fn(c_int, *const msghdr, c_int) -> ssize_t;
pub(super) type SendMmsg = unsafe extern "C" fn(c_int, *mut mmsghdr, c_uint, c_int) -> c_int;

// SAFETY: connect(2).
static CONNECT: Next<Connect> = unsafe { Next::new(c"connect") };
// SAFETY: sendto(2).
static SENDTO: Next<SendTo> = unsafe { Next::new(c"sendto") };
// SAFETY: sendmsg(2).
static SENDMSG: Next<SendMsg> = unsafe { Next::new(c"sendmsg") };
// SAFETY: sendmmsg(2).
static SENDMMSG: Next<SendMmsg> = unsafe { Next::new(c"sendmmsg") };

/// Local sockets that libraries may speak to: logging, start-up notices and the host name cache. No bus, no display, no database.
const LOCAL: &[&[u8]] = &[
    b"/dev/log",
    b"/run/nscd/socket",
    b"/run/systemd/journal/dev-log",
    b"/run/systemd/journal/socket",
    b"/run/systemd/journal/stdout",
    b"/run/systemd/notify",
    b"/var/run/nscd/socket",
];

static ARMED: AtomicBool = AtomicBool::new(false);
/// Local sockets that the administrator allows besides [`LOCAL`]; `None`: any.
static NAMED: RwLock<Option<Vec<PathBuf>>> = RwLock::new(Some(Vec::new()));

thread_local! {
    static TRUSTED: Cell<bool> = const { Cell::new(false) };
    static ALWAYS_REFUSED: Cell<Option<IpAddr>> = const { Cell::new(None) };
}

/// Lets the calling thread connect wherever it likes, for its lifetime. For threads that never run libpurple's code: tokio's (in
/// `on_thread_start`), a database's, a test's own.
pub fn trust_this_thread() {
    TRUSTED.set(true);
}

/// Sets the local sockets that may be connected to besides [`LOCAL`]; `None`: any, and other families than IP, too.
pub(super) fn let_connect(sockets: Option<Vec<PathBuf>>) {
    *NAMED.write().unwrap_or_else(PoisonError::into_inner) = sockets;
}

/// Starts checking, for good. Until then no code of libpurple's has run, and a process that never starts one is left alone.
pub(super) fn arm() {
    ARMED.store(true, Ordering::Release);
}

fn is_trusted() -> bool {
    // This crate's tests are checked from their first thread on, whatever the order they run in.
    let armed = cfg!(test) || ARMED.load(Ordering::Acquire);
    // While a thread ends nothing is known of it any more: not trusted.
    !armed || TRUSTED.try_with(Cell::get).unwrap_or(false)
}

/// Runs `body` with `address` refused on this thread whatever is configured, for the self-test.
pub(super) fn refusing<T>(address: IpAddr, body: impl FnOnce() -> T) -> T {
    let before = ALWAYS_REFUSED.replace(Some(address));
    let result = body();
    ALWAYS_REFUSED.set(before);
    result
}

fn refusal(address: IpAddr) -> Option<&'static str> {
    if ALWAYS_REFUSED.try_with(Cell::get).unwrap_or(None) == Some(address) {
        return Some("as a self-test");
    }
    let why = egress::refusal(address)?;
    egress::note_refusal(address, why);
    Some(why)
}

/// The address, copied so that no other thread changes it after the check, when it may be used; else the errno.
///
/// # Safety
/// `address` is NULL or points to `length` readable bytes.
unsafe fn checked(address: *const sockaddr, length: socklen_t) -> Result<sockaddr_storage, c_int> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if address.is_null() {
        return Err(libc::EFAULT);
    }
    if !(size_of::<libc::sa_family_t>()..=size_of::<sockaddr_storage>()).contains(&length) {
        return Err(libc::EINVAL);
    }
    // SAFETY: a plain C struct, for which all zeroes are a value.
    let mut copy: sockaddr_storage = unsafe { std::mem::zeroed() };
    // SAFETY: `length` bytes are readable, says the caller, and fit, as was just seen.
    unsafe { std::ptr::copy_nonoverlapping(address.cast::<u8>(), (&raw mut copy).cast::<u8>(), length) };
    match ip_of(&copy, length)? {
        Some(ip) if refusal(ip).is_some() => Err(libc::EACCES),
        Some(_) => Ok(copy),
        None => match local_path(&copy, length) {
            path if may_be_reached(path) => Ok(copy),
            Some(path) => {
                refused::a_socket(path);
                Err(libc::EACCES)
            }
            None => Err(libc::EACCES),
        },
    }
}

/// The IP address in a socket address; `None` for other families, an errno for one that is cut short.
fn ip_of(address: &sockaddr_storage, length: usize) -> Result<Option<IpAddr>, c_int> {
    match c_int::from(address.ss_family) {
        libc::AF_INET if length >= size_of::<libc::sockaddr_in>() => {
            // SAFETY: the storage is larger, aligned for every family, and any bytes are a value.
            let four = unsafe { (*std::ptr::from_ref(address).cast::<libc::sockaddr_in>()).sin_addr };
            Ok(Some(IpAddr::V4(Ipv4Addr::from(four.s_addr.to_ne_bytes()))))
        }
        // Without the scope id it is still taken by Linux (RFC 2133).
        libc::AF_INET6 if length >= offset_of!(libc::sockaddr_in6, sin6_scope_id) => {
            // SAFETY: as above.
            let six = unsafe { (*std::ptr::from_ref(address).cast::<libc::sockaddr_in6>()).sin6_addr };
            Ok(Some(IpAddr::V6(Ipv6Addr::from(six.s6_addr))))
        }
        libc::AF_INET | libc::AF_INET6 => Err(libc::EINVAL),
        _ => Ok(None),
    }
}

/// The path of a local socket's address, which is empty for one without a file; `None` for other families.
fn local_path(address: &sockaddr_storage, length: usize) -> Option<&[u8]> {
    if c_int::from(address.ss_family) != libc::AF_UNIX {
        return None;
    }
    // SAFETY: a view of initialised bytes, no longer than the storage.
    let bytes = unsafe { std::slice::from_raw_parts(std::ptr::from_ref(address).cast::<u8>(), length) };
    let path = bytes.get(offset_of!(libc::sockaddr_un, sun_path)..).unwrap_or_default();
    path.split(|byte| *byte == 0).next()
}

fn may_be_reached(path: Option<&[u8]>) -> bool {
    let named = NAMED.read().unwrap_or_else(PoisonError::into_inner);
    match (named.as_ref(), path) {
        (None, _) => true,
        (Some(named), Some(path)) => {
            let is_named = || !path.is_empty() && named.iter().any(|one| one.as_os_str().as_encoded_bytes() == path);
            LOCAL.contains(&path) || is_named()
        }
        (Some(_), None) => false,
    }
}

fn fail<T: From<i8>>(errno: c_int) -> T {
    // SAFETY: the calling thread's own errno.
    unsafe { *libc::__errno_location() = errno };
    T::from(-1)
}

/// What every socket of libpurple's wants: no 40 ms wait for more to send (hazard 28), and not to be inherited by a child.
fn prepare(socket: c_int) {
    let on: c_int = 1;
    let length = size_of::<c_int>() as socklen_t;
    // SAFETY: `on` lives through the call. On datagram sockets this fails, which is right.
    unsafe { libc::setsockopt(socket, libc::IPPROTO_TCP, libc::TCP_NODELAY, (&raw const on).cast(), length) };
    // SAFETY: no memory is involved.
    unsafe { libc::fcntl(socket, libc::F_SETFD, libc::FD_CLOEXEC) };
}

/// Gives a new TCP socket the address that its user's connections come from, where the configuration has some. A port is chosen when it connects.
fn come_from_the_users_address(socket: c_int, to: &sockaddr_storage, length: socklen_t) {
    let to = ip_of(to, usize::try_from(length).unwrap_or(usize::MAX)).ok().flatten();
    let user = OnPurple::here().and_then(|token| accounts::user(token, owner::current()?));
    let (Some(to), Some(user)) = (to, user) else { return };
    let Some(source) = egress::source(user, to) else { return };
    if let Err(error) = bind(socket, source) {
        super::super::debug::paced(log::Level::Warn, format_args!("egress.source: cannot connect from {source}: {error}"));
    }
}

/// bind(2) to an address, and to no port yet. Leaves datagram sockets, and those that are bound, as they are.
fn bind(socket: c_int, source: IpAddr) -> std::io::Result<()> {
    // SAFETY: borrowed for this call only; a number that is no descriptor makes the calls below fail.
    let socket = unsafe { BorrowedFd::borrow_raw(socket) };
    if rustix::net::sockopt::socket_type(socket)? != rustix::net::SocketType::STREAM {
        return Ok(());
    }
    let bound = rustix::net::getsockname(socket)?;
    if std::net::SocketAddr::try_from(bound).is_ok_and(|bound| bound.port() != 0 || !bound.ip().is_unspecified()) {
        return Ok(());
    }
    let on: c_int = 1;
    // SAFETY: `on` lives through the call. Without it each address has only some 28 000 ports in all.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const on).cast(),
            size_of::<c_int>() as socklen_t,
        )
    };
    rustix::net::bind(socket, &std::net::SocketAddr::new(source, 0))?;
    Ok(())
}

/// connect(2) in libc's stead: EACCES for what the egress rules refuse.
///
/// # Safety
/// As connect(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn connect(socket: c_int, address: *const sockaddr, length: socklen_t) -> c_int {
    ffi::guard_or(
        "connect",
        || fail(libc::EACCES),
        || {
            let Some(real) = CONNECT.get() else { return fail(libc::ENOSYS) };
            if is_trusted() {
                // SAFETY: the caller's own arguments.
                return unsafe { real(socket, address, length) };
            }
            // SAFETY: connect's contract.
            match unsafe { checked(address, length) } {
                Ok(copy) => {
                    prepare(socket);
                    come_from_the_users_address(socket, &copy, length);
                    // SAFETY: the copy lives through the call and is at least `length` long.
                    unsafe { real(socket, (&raw const copy).cast(), length) }
                }
                Err(errno) => fail(errno),
            }
        },
    )
}

/// sendto(2) in libc's stead: EACCES for what the egress rules refuse; without an address it is send(2).
///
/// # Safety
/// As sendto(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn sendto(
    socket: c_int,
    data: *const c_void,
    size: size_t,
    flags: c_int,
    address: *const sockaddr,
    length: socklen_t,
) -> ssize_t {
    ffi::guard_or(
        "sendto",
        || fail(libc::EACCES),
        || {
            let Some(real) = SENDTO.get() else { return fail(libc::ENOSYS) };
            if address.is_null() || is_trusted() {
                // SAFETY: the caller's own arguments.
                return unsafe { real(socket, data, size, flags, address, length) };
            }
            // SAFETY: sendto's contract.
            match unsafe { checked(address, length) } {
                // SAFETY: the copy lives through the call; the rest is the caller's.
                Ok(copy) => unsafe { real(socket, data, size, flags, (&raw const copy).cast(), length) },
                Err(errno) => fail(errno),
            }
        },
    )
}

/// sendmsg(2) in libc's stead: what GLib's sockets send with.
///
/// # Safety
/// As sendmsg(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn sendmsg(socket: c_int, message: *const msghdr, flags: c_int) -> ssize_t {
    ffi::guard_or(
        "sendmsg",
        || fail(libc::EACCES),
        || {
            let Some(real) = SENDMSG.get() else { return fail(libc::ENOSYS) };
            if message.is_null() || is_trusted() {
                // SAFETY: the caller's own arguments.
                return unsafe { real(socket, message, flags) };
            }
            // SAFETY: sendmsg's contract: a readable header. Copied, so that what is checked is what is sent.
            let mut header = unsafe { *message };
            if header.msg_name.is_null() {
                // SAFETY: as the caller's, without an address.
                return unsafe { real(socket, &raw const header, flags) };
            }
            // SAFETY: sendmsg's contract for the name.
            match unsafe { checked(header.msg_name.cast(), header.msg_namelen) } {
                Ok(mut copy) => {
                    header.msg_name = (&raw mut copy).cast();
                    // SAFETY: the copy lives through the call; the rest is the caller's.
                    unsafe { real(socket, &raw const header, flags) }
                }
                Err(errno) => fail(errno),
            }
        },
    )
}

/// sendmmsg(2) in libc's stead, one message after the other.
///
/// # Safety
/// As sendmmsg(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn sendmmsg(socket: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int {
    ffi::guard_or(
        "sendmmsg",
        || fail(libc::EACCES),
        || {
            if messages.is_null() || is_trusted() {
                // SAFETY: the caller's own arguments.
                return SENDMMSG.get().map_or_else(|| fail(libc::ENOSYS), |real| unsafe { real(socket, messages, count, flags) });
            }
            let mut sent = 0;
            for index in 0..count.min(1024) as usize {
                // SAFETY: sendmmsg's contract: `count` headers.
                let message = unsafe { &mut *messages.add(index) };
                // SAFETY: a header of the caller's.
                match unsafe { sendmsg(socket, &raw const message.msg_hdr, flags) } {
                    ..0 if sent == 0 => return -1,
                    ..0 => break,
                    length => message.msg_len = c_uint::try_from(length).unwrap_or(c_uint::MAX),
                }
                sent += 1;
            }
            sent
        },
    )
}

#[cfg(test)]
mod tests;
