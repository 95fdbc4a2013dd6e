//! Makes the connections of confined workers, where the address may be reached, and tells what else the sandbox refuses; it moves none of their
//! bytes.
//!
//! libpurple and plugins that use the C library are checked where they call `connect`. One with system calls of its own making, as those
//! written in Go, goes past that: so every connect of a worker stops in the kernel, which asks here. The address is copied out of the
//! worker's memory and the copy used, on the worker's own socket, so that it cannot be changed after it was looked at.

use super::refusals::{self, Refusals};
use super::spawn::Blame;
use bridge::Egress;
use bridge::config::BridgeConfig;
use bridge::seccomp::{self, Question};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of the longest socket address.
const LONGEST: usize = 128;
/// Where name servers listen; the worker's own resolver has to reach them, on whatever network they are.
const DOMAIN: u16 = 53;
/// Connects that wait at once, each on a thread of its own; sockets of libpurple never do.
const WAITING: usize = 64;
/// And of one worker.
const OF_ONE: usize = 16;
/// Between two lines of the log about the same worker.
const A_LINE: Duration = Duration::from_secs(1);

/// Asks the thread for its service. It ends when the last of these is gone.
#[derive(Debug, Clone)]
pub(super) struct Judge(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// New workers.
    wards: Mutex<Vec<Ward>>,
    /// Closed with the last handle; a byte says that there are new ones.
    wake: UnixStream,
    refusals: Arc<Refusals>,
}

/// A worker.
#[derive(Debug)]
struct Ward {
    number: u16,
    /// Where it sends the descriptor at which the kernel asks, and later that.
    place: Place,
    /// When a refusal was logged last.
    told: Option<Instant>,
    refused: refusals::OfWorker,
    /// Connections that wait, on threads.
    waits: Arc<AtomicUsize>,
}

#[derive(Debug)]
enum Place {
    Promised(UnixStream),
    Asks(Arc<OwnedFd>),
}

impl Judge {
    /// Starts the thread.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn start(config: &BridgeConfig) -> io::Result<Self> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let refusals = Arc::new(Refusals::default());
        let inner = Arc::new(Inner { wards: Mutex::default(), wake, refusals: Arc::clone(&refusals) });
        let weak = Arc::downgrade(&inner);
        let rules = Arc::new(Rules {
            egress: Egress::new(&config.egress_allow),
            servers: config.dns_servers.clone(),
            sockets: config.sockets.clone().unwrap_or_default(),
            refusals,
        });
        std::thread::Builder::new().name("judge".to_owned()).spawn(move || {
            let mut wards = Vec::new();
            loop {
                if wait(&woken, &mut wards, &rules) {
                    let Some(inner) = weak.upgrade() else { return };
                    wards.append(&mut inner.wards.lock().unwrap_or_else(PoisonError::into_inner));
                }
            }
        })?;
        Ok(Self(inner))
    }

    /// Takes a worker that was just started into its charge. Gives the socket that it is to have.
    ///
    /// # Errors
    /// This system does not let one process look into another, its own child.
    pub(super) fn watch(&self, number: u16, pid: u32, blame: Blame) -> io::Result<UnixStream> {
        // Better known before the worker has nobody else to ask.
        descriptor(pid, 0)?;
        File::open(format!("/proc/{pid}/mem"))?;
        let (ours, theirs) = UnixStream::pair()?;
        let ward = Ward {
            number,
            place: Place::Promised(ours),
            told: None,
            refused: refusals::OfWorker::new(number, blame),
            waits: Arc::default(),
        };
        self.0.wards.lock().unwrap_or_else(PoisonError::into_inner).push(ward);
        rustix::io::write(&self.0.wake, b"w").or_else(|error| if error == Errno::AGAIN { Ok(0) } else { Err(error) })?;
        Ok(theirs)
    }
}

impl Judge {
    /// Refusals that plugins met while they were opened: the file, and the thing refused, in words.
    pub(super) fn refused(&self) -> Vec<(PathBuf, String)> {
        self.0.refusals.at_opening()
    }
}

/// A descriptor of another process, as a duplicate.
fn descriptor(pid: u32, number: i32) -> rustix::io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
    let process = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    rustix::process::pidfd_getfd(&process, number, PidfdGetfdFlags::empty())
}

/// Waits for questions and answers them. Says whether there may be new workers, or nobody to bring some.
fn wait(woken: &UnixStream, wards: &mut Vec<Ward>, rules: &Arc<Rules>) -> bool {
    let mut polled: Vec<PollFd<'_>> = std::iter::once(woken.as_fd())
        .chain(wards.iter().map(|ward| match &ward.place {
            Place::Promised(socket) => socket.as_fd(),
            Place::Asks(listener) => listener.as_fd(),
        }))
        .map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN))
        .collect();
    if rustix::event::poll(&mut polled, None).is_err() {
        return false;
    }
    let ready: Vec<PollFlags> = polled.iter().map(PollFd::revents).collect();
    let mut new = false;
    if ready.first().is_some_and(|flags| !flags.is_empty()) {
        new = true;
        // One byte or many: all new ones are looked at.
        let _ = rustix::io::read(woken, &mut [0; 64]);
    }
    let mut at = 0;
    wards.retain_mut(|ward| {
        at += 1;
        ready.get(at).is_none_or(|flags| flags.is_empty() || ward.serve(*flags, rules))
    });
    new
}

impl Ward {
    /// Does what its descriptor is ready for. Says whether it is still there.
    fn serve(&mut self, flags: PollFlags, rules: &Arc<Rules>) -> bool {
        match &self.place {
            Place::Promised(socket) => match take_descriptor(socket.as_fd()) {
                Ok(Some(listener)) => {
                    self.place = Place::Asks(Arc::new(listener));
                    true
                }
                // It has ended, or is not confined.
                _ => false,
            },
            Place::Asks(listener) if flags.contains(PollFlags::IN) => {
                let listener = Arc::clone(listener);
                match seccomp::question(listener.as_fd()) {
                    Ok(question) if question.call != libc::SYS_connect => {
                        self.refused.tell(&rules.refusals, &refusals::of_call(question.call, &question.arguments));
                        seccomp::answer(listener.as_fd(), &question, Err(Errno::PERM.raw_os_error()));
                    }
                    Ok(question) => judge(self, &listener, question, rules),
                    // Whoever asked has gone.
                    Err(error) => log::debug!("worker {}: {error}", self.number),
                }
                true
            }
            Place::Asks(_) => false,
        }
    }
}

/// What may be reached.
struct Rules {
    egress: Egress,
    servers: Vec<SocketAddr>,
    /// Local ones that may be reached.
    sockets: Vec<PathBuf>,
    refusals: Arc<Refusals>,
}

/// Where a connection is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
enum To {
    Ip(SocketAddr),
    /// A local socket, by its path; empty for one without a file.
    Local(Vec<u8>),
    /// The address that a socket has is taken away.
    Nowhere,
}

impl Rules {
    fn refusal(&self, to: SocketAddr) -> Option<&'static str> {
        self.egress.refusal(to.ip()).filter(|_| !self.is_name_server(to))
    }

    fn is_named(&self, path: &[u8]) -> bool {
        !path.is_empty() && self.sockets.iter().any(|named| named.as_os_str().as_encoded_bytes() == path)
    }

    fn is_name_server(&self, to: SocketAddr) -> bool {
        let to = SocketAddr::new(to.ip().to_canonical(), to.port());
        if !self.servers.is_empty() {
            return self.servers.contains(&to);
        }
        if to.port() != DOMAIN {
            return false;
        }
        // Without one, it is this machine.
        let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        let servers = || text.lines().filter_map(|line| line.trim().strip_prefix("nameserver")?.trim().parse::<IpAddr>().ok());
        servers().any(|server| server == to.ip()) || servers().next().is_none() && to.ip().is_loopback()
    }
}

/// How many connects wait, on threads.
static WAITS: AtomicUsize = AtomicUsize::new(0);

/// Makes the connection that is asked for, or not.
fn judge(ward: &mut Ward, listener: &Arc<OwnedFd>, question: Question, rules: &Rules) {
    let refuse = |errno: Errno| seccomp::answer(listener.as_fd(), &question, Err(errno.raw_os_error()));
    let (socket, to) = match look(listener.as_fd(), &question) {
        Ok(seen) => seen,
        Err(error) => return refuse(error),
    };
    match &to {
        To::Ip(ip) => {
            if let Some(why) = rules.refusal(*ip) {
                if ward.told.is_none_or(|told| told.elapsed() >= A_LINE) {
                    ward.told = Some(Instant::now());
                    log::warn!("worker {}: a plugin wanted to reach {ip}, {why}, by a call of its own: refused", ward.number);
                }
                return refuse(Errno::ACCESS);
            }
        }
        To::Local(path) if !rules.is_named(path) => {
            ward.refused.tell(&rules.refusals, &refusals::of_socket(path));
            return refuse(Errno::ACCESS);
        }
        To::Local(_) | To::Nowhere => {}
    }
    // A local service may keep everybody waiting, and another thread of the plugin's may change the flag meanwhile.
    let blocks = || rustix::fs::fcntl_getfl(&socket).is_ok_and(|flags| !flags.contains(OFlags::NONBLOCK)) && is_stream(&socket);
    if !matches!(to, To::Local(_)) && !blocks() {
        return seccomp::answer(listener.as_fd(), &question, connect(&socket, &to));
    }
    let (ours, own) = (Arc::clone(listener), Arc::clone(&ward.waits));
    let thread = move || {
        seccomp::answer(ours.as_fd(), &question, connect(&socket, &to));
        own.fetch_sub(1, Ordering::Relaxed);
        WAITS.fetch_sub(1, Ordering::Relaxed);
    };
    let full = ward.waits.fetch_add(1, Ordering::Relaxed) >= OF_ONE;
    let full = WAITS.fetch_add(1, Ordering::Relaxed) >= WAITING || full;
    if full || std::thread::Builder::new().name("connect".to_owned()).spawn(thread).is_err() {
        ward.waits.fetch_sub(1, Ordering::Relaxed);
        WAITS.fetch_sub(1, Ordering::Relaxed);
        refuse(Errno::AGAIN);
    }
}

fn is_stream(socket: &OwnedFd) -> bool {
    rustix::net::sockopt::socket_type(socket).is_ok_and(|kind| kind == rustix::net::SocketType::STREAM)
}

fn connect(socket: &OwnedFd, to: &To) -> Result<(), i32> {
    let done = match to {
        To::Ip(to) => rustix::net::connect(socket, to),
        To::Local(path) => SocketAddrUnix::new(path.as_slice()).and_then(|to| rustix::net::connect(socket, &to)),
        To::Nowhere => rustix::net::connect_unspec(socket),
    };
    done.map_err(Errno::raw_os_error)
}

/// The socket, and where it is to go.
fn look(listener: BorrowedFd<'_>, question: &Question) -> rustix::io::Result<(OwnedFd, To)> {
    let [socket, address, length, ..] = question.arguments;
    // Numbers of 32 bits, whatever stands above them.
    let (socket, length) = ((socket as u32).cast_signed(), length as u32 as usize);
    if !(size_of::<u16>()..=LONGEST).contains(&length) {
        return Err(Errno::INVAL);
    }
    let errno = |error: io::Error| Errno::from_io_error(&error).unwrap_or(Errno::FAULT);
    let status = std::fs::read_to_string(format!("/proc/{}/status", question.thread)).map_err(errno)?;
    let process = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok()).ok_or(Errno::SRCH)?;
    let memory = File::open(format!("/proc/{process}/mem")).map_err(errno)?;
    let socket = descriptor(process, socket)?;
    // Else the number was another's by then.
    if !seccomp::stands(listener, question) {
        return Err(Errno::SRCH);
    }
    let mut bytes = [0; LONGEST];
    let bytes = bytes.get_mut(..length).ok_or(Errno::INVAL)?;
    memory.read_exact_at(bytes, address).map_err(|_| Errno::FAULT)?;
    Ok((socket, parse(bytes)?))
}

fn parse(bytes: &[u8]) -> rustix::io::Result<To> {
    let at = |from: usize| bytes.get(from..).ok_or(Errno::INVAL);
    let short = |from: usize| at(from)?.first_chunk::<2>().copied().ok_or(Errno::INVAL);
    let word = |from: usize| at(from)?.first_chunk::<4>().copied().ok_or(Errno::INVAL);
    match i32::from(u16::from_ne_bytes(short(0)?)) {
        libc::AF_UNSPEC => Ok(To::Nowhere),
        libc::AF_INET if bytes.len() >= size_of::<libc::sockaddr_in>() => {
            Ok(To::Ip(SocketAddrV4::new(Ipv4Addr::from(word(4)?), u16::from_be_bytes(short(2)?)).into()))
        }
        libc::AF_INET6 => {
            let address = at(8)?.first_chunk::<16>().copied().ok_or(Errno::INVAL)?;
            // It may be left out (RFC 2133).
            let scope = word(24).map_or(0, u32::from_ne_bytes);
            let (port, flow) = (u16::from_be_bytes(short(2)?), u32::from_be_bytes(word(4)?));
            Ok(To::Ip(SocketAddrV6::new(Ipv6Addr::from(address), port, flow, scope).into()))
        }
        libc::AF_INET => Err(Errno::INVAL),
        libc::AF_UNIX => Ok(To::Local(at(2)?.split(|byte| *byte == 0).next().unwrap_or_default().to_vec())),
        _ => Err(Errno::ACCESS),
    }
}

/// Sends one byte, and a descriptor with it if there is one.
///
/// # Errors
/// What the system says.
pub(super) fn give_descriptor(socket: &UnixStream, descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<_> = descriptor.into_iter().collect();
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(b"d")], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Waits for one byte, and takes the descriptor that came with it.
///
/// # Errors
/// The other side is gone, or what the system says.
pub(crate) fn take_descriptor(socket: impl AsFd) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let got = rustix::net::recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    if got.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let rights =
        control.drain().find_map(|message| if let RecvAncillaryMessage::ScmRights(mut rights) = message { rights.next() } else { None });
    Ok(rights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_kernel_reads_them() {
        let family = |family: i32| u16::try_from(family).unwrap().to_ne_bytes();
        let four = [&family(libc::AF_INET)[..], &[0x14, 0x66], &[192, 0, 2, 7], &[0; 8]].concat();
        assert_eq!(parse(&four), Ok(To::Ip("192.0.2.7:5222".parse().unwrap())));
        assert_eq!(parse(&four[..15]), Err(Errno::INVAL));
        let mut six = [&family(libc::AF_INET6)[..], &[0x14, 0x66], &[0; 4], &[0; 15], &[1], &3_u32.to_ne_bytes()].concat();
        let expected = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 5222, 0, 3);
        assert_eq!(parse(&six), Ok(To::Ip(expected.into())));
        six.truncate(24);
        assert_eq!(parse(&six), Ok(To::Ip("[::1]:5222".parse().unwrap())));
        assert_eq!(parse(&six[..23]), Err(Errno::INVAL));
        assert_eq!(parse(&family(libc::AF_UNSPEC)), Ok(To::Nowhere));
        for (path, local) in
            [(&b"/run/socket"[..], &b"/run/socket"[..]), (b"/run/socket\0/run/other", b"/run/socket"), (b"\0bus", b""), (b"", b"")]
        {
            assert_eq!(parse(&[&family(libc::AF_UNIX)[..], path].concat()), Ok(To::Local(local.to_vec())));
        }
        assert_eq!(parse(&[&family(libc::AF_VSOCK)[..], b"/run/socket"].concat()), Err(Errno::ACCESS));
        assert_eq!(parse(&[0]), Err(Errno::INVAL));
    }

    #[test]
    fn name_servers_are_reached_on_their_port_only() {
        let rules = |servers: &[&str]| Rules {
            egress: Egress::new(&[]),
            servers: servers.iter().map(|server| server.parse().unwrap()).collect(),
            sockets: vec![PathBuf::from("/run/a"), PathBuf::new()],
            refusals: Arc::default(),
        };
        let refused = |rules: &Rules, to: &str| rules.refusal(to.parse().unwrap()).is_some();
        let own = rules(&["10.0.0.53:5353"]);
        assert!(own.is_named(b"/run/a") && !own.is_named(b"/run/b") && !own.is_named(b""));
        assert!(!refused(&own, "10.0.0.53:5353") && !refused(&own, "[::ffff:10.0.0.53]:5353"));
        assert!(refused(&own, "10.0.0.53:53") && refused(&own, "10.0.0.54:5353") && refused(&own, "127.0.0.1:53"));
        assert!(!refused(&own, "203.0.114.1:22") && refused(&own, "127.0.0.1:22") && refused(&own, "169.254.169.254:80"));
        let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        for server in text.lines().filter_map(|line| line.strip_prefix("nameserver ")?.trim().parse::<IpAddr>().ok()) {
            assert!(!rules(&[]).is_name_server(SocketAddr::new(server, 22)));
            assert!(rules(&[]).is_name_server(SocketAddr::new(server, 53)));
        }
    }
}
