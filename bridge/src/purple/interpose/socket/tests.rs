//! The socket calls as libpurple makes them: through the C symbol, on threads that nobody marked.

use super::*;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};

/// The harness reuses no thread for another test, but this says what is meant: an unmarked thread.
fn unmarked<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::spawn(body).join().unwrap()
}

fn marked<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    unmarked(|| {
        trust_this_thread();
        body()
    })
}

#[test]
fn an_unmarked_thread_is_refused_and_a_marked_one_is_not() {
    // std's own connect lands in ours: it is the symbol that is answered, not a call of this crate.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let refused = unmarked(move || TcpStream::connect(address)).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::EACCES));
    assert_eq!(marked(move || TcpStream::connect(address)).unwrap().peer_addr().unwrap(), address);
}

#[test]
fn errno_stays_as_it_was_when_all_goes_well() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (stream, datagram) = (listener.local_addr().unwrap().port(), target.local_addr().unwrap().port());
    marked(move || {
        // SAFETY: a new descriptor, which ends with the process.
        let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) };
        let (to, length) = (v4([127, 0, 0, 1], stream), size_of::<libc::sockaddr_in>() as socklen_t);
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        // SAFETY: the calling thread's errno, live addresses of that length, one byte.
        let (errno, results) = unsafe {
            *libc::__errno_location() = 0;
            let connected = libc::connect(socket, (&raw const to).cast(), length);
            let to = v4([127, 0, 0, 1], datagram);
            let sent = libc::sendto(sender.as_raw_fd(), b"x".as_ptr().cast(), 1, 0, (&raw const to).cast(), length);
            (*libc::__errno_location(), (connected, sent))
        };
        assert_eq!((errno, results), (0, (0, 1)));
    });
}

#[test]
fn the_account_can_say_what_it_was_refused() {
    use crate::purple::owner;
    let account = crate::id::AccountId(u64::MAX - 9);
    unmarked(move || owner::with(Some(account), || raw_connect(&v4([10, 9, 8, 7], 5222), 16)));
    assert_eq!(egress::take_refusal(account), Some("10.9.8.7".parse().unwrap()));
    assert_eq!(egress::take_refusal(account), None);
}

#[test]
fn datagrams_are_checked_by_every_call_that_names_an_address() {
    let target = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = target.local_addr().unwrap();
    let refused = unmarked(move || UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"x", address)).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::EACCES));
    let connected = unmarked(move || UdpSocket::bind("127.0.0.1:0").unwrap().connect(address)).unwrap_err();
    assert_eq!(connected.raw_os_error(), Some(libc::EACCES));
    for many in [false, true] {
        assert_eq!(unmarked(move || send_message(address.port(), many)), Err(libc::EACCES));
        assert_eq!(marked(move || send_message(address.port(), many)), Ok(1));
    }
}

fn v4(octets: [u8; 4], port: u16) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(octets) },
        sin_zero: [0; 8],
    }
}

fn send_message(port: u16, many: bool) -> Result<i64, i32> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut name = v4([127, 0, 0, 1], port);
    let mut part = libc::iovec { iov_base: b"x".as_ptr().cast_mut().cast(), iov_len: 1 };
    // SAFETY: zeroes are a header without anything.
    let mut message: mmsghdr = unsafe { std::mem::zeroed() };
    message.msg_hdr.msg_name = (&raw mut name).cast();
    message.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as socklen_t;
    message.msg_hdr.msg_iov = &raw mut part;
    message.msg_hdr.msg_iovlen = 1;
    let sent = if many {
        // SAFETY: one live header.
        i64::from(unsafe { libc::sendmmsg(socket.as_raw_fd(), &raw mut message, 1, 0) })
    } else {
        // SAFETY: a live header.
        unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message.msg_hdr, 0) as i64 }
    };
    if sent < 0 { Err(std::io::Error::last_os_error().raw_os_error().unwrap()) } else { Ok(sent) }
}

fn raw_connect<T>(address: &T, length: usize) -> i32 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    // SAFETY: as long as it says.
    let result = unsafe { libc::connect(socket.as_raw_fd(), std::ptr::from_ref(address).cast(), length as socklen_t) };
    if result == 0 { 0 } else { std::io::Error::last_os_error().raw_os_error().unwrap() }
}

#[test]
fn odd_addresses_are_refused() {
    let errors = unmarked(|| {
        let loopback = v4([127, 0, 0, 1], 9);
        let any = libc::sockaddr_in { sin_family: libc::AF_UNSPEC as libc::sa_family_t, ..loopback };
        let link = libc::sockaddr_in { sin_family: libc::AF_NETLINK as libc::sa_family_t, ..loopback };
        // SAFETY: zeroes are a value.
        let mut mapped: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
        mapped.sin6_family = libc::AF_INET6 as libc::sa_family_t;
        mapped.sin6_addr.s6_addr = Ipv4Addr::LOCALHOST.to_ipv6_mapped().octets();
        // SAFETY: NULL is one of the arguments to be survived.
        let nothing = unsafe { libc::connect(-1, std::ptr::null(), 16) };
        assert_eq!(nothing, -1);
        [
            raw_connect(&any, 16),
            raw_connect(&link, 16),
            raw_connect(&mapped, 28),
            raw_connect(&mapped, 24),
            raw_connect(&loopback, 8),
            raw_connect(&loopback, 1),
        ]
    });
    use libc::{EACCES, EINVAL};
    assert_eq!(errors, [EACCES, EACCES, EACCES, EACCES, EINVAL, EINVAL]);
}

#[test]
fn local_sockets_are_refused_but_for_the_list() {
    let directory = std::env::temp_dir().join(format!("bellflower-socket-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("bus");
    let _listener = UnixListener::bind(&path).unwrap();
    let target = path.clone();
    assert_eq!(unmarked(move || UnixStream::connect(target)).unwrap_err().raw_os_error(), Some(libc::EACCES));
    let target = path.clone();
    assert!(marked(move || UnixStream::connect(target)).is_ok());
    std::fs::remove_dir_all(&directory).unwrap();

    let local = |path: &[u8]| {
        // SAFETY: zeroes are a value.
        let mut storage: sockaddr_storage = unsafe { std::mem::zeroed() };
        storage.ss_family = libc::AF_UNIX as libc::sa_family_t;
        // SAFETY: a view of the same bytes.
        let bytes = unsafe { std::slice::from_raw_parts_mut((&raw mut storage).cast::<u8>(), size_of::<sockaddr_storage>()) };
        bytes[2..2 + path.len()].copy_from_slice(path);
        may_be_reached(local_path(&storage, 2 + path.len()))
    };
    assert!(local(b"/dev/log") && local(b"/run/systemd/journal/socket\0"));
    assert!(!local(b"\0/dev/log") && !local(b"/dev/log2") && !local(b"") && !local(b"/run/dbus/system_bus_socket"));
}

#[test]
fn local_sockets_are_reached_by_name_or_without_the_sandbox() {
    crate::purple::alone::run("purple::interpose::socket::tests::local_sockets_are_reached_by_name_or_without_the_sandbox", |_| {
        let directory = std::env::temp_dir().join(format!("bellflower-named-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let (named, other) = (directory.join("named"), directory.join("other"));
        let _listeners = [UnixListener::bind(&named).unwrap(), UnixListener::bind(&other).unwrap()];
        let reached = |path: &std::path::Path| {
            let path = path.to_owned();
            unmarked(move || UnixStream::connect(path)).is_ok()
        };
        assert!(!reached(&named) && !reached(&other));
        let_connect(Some(vec![named.clone(), PathBuf::new()]));
        assert!(reached(&named) && !reached(&other));
        // A socket without a file has an empty path, which names none.
        assert!(!may_be_reached(Some(b"")));
        let_connect(None);
        assert!(reached(&named) && reached(&other));
        std::fs::remove_dir_all(&directory).unwrap();
    });
}

#[test]
fn what_passes_gets_no_delay_and_is_not_inherited() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    // SAFETY: no memory is involved.
    unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_SETFD, 0) };
    prepare(socket.as_raw_fd());
    let (mut on, mut length) = (0_i32, size_of::<i32>() as socklen_t);
    // SAFETY: both places are live and sized.
    unsafe { libc::getsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_NODELAY, (&raw mut on).cast(), &raw mut length) };
    assert_eq!(on, 1);
    // SAFETY: no memory is involved.
    assert_eq!(unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_GETFD) } & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
}

#[test]
fn an_allowed_address_is_forwarded_with_its_options_set() {
    // TEST-NET needs no route here: what is seen is that the real connect was asked, and what it was asked with.
    let outcome = unmarked(|| {
        refusing(IpAddr::V4(Ipv4Addr::new(9, 9, 9, 9)), || {
            let refused = raw_connect(&v4([9, 9, 9, 9], 9), 16);
            let passed = raw_connect(&v4([9, 9, 9, 8], 9), 16);
            (refused, passed)
        })
    });
    assert_eq!(outcome.0, libc::EACCES);
    assert_ne!(outcome.1, libc::EACCES);
}
