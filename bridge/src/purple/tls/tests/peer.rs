//! Servers for the tests: rustls on threads of their own, with certificates of every kind, and plain sockets for what no TLS library would do.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

pub(super) const HOST: &str = "chat.example.org";
pub(super) const BOTH: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

/// What the server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    Good,
    OtherName,
    Expired,
    NotYet,
    SelfSigned,
    SelfSignedCa,
    StrangeCa,
    /// Its issuer bears the name of the trusted one.
    FalseCa,
}

fn ca() -> &'static CertifiedIssuer<'static, KeyPair> {
    static CA: OnceLock<CertifiedIssuer<'static, KeyPair>> = OnceLock::new();
    CA.get_or_init(|| new_ca("Test CA"))
}

fn new_ca(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

pub(super) fn ca_pem() -> String {
    ca().pem()
}

pub(super) fn config(shows: Shows, version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
    let name = if shows == Shows::OtherName { "other.example.net" } else { HOST };
    let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
    match shows {
        Shows::Expired => parameters.not_after = rcgen::date_time_ymd(2020, 1, 1),
        Shows::NotYet => parameters.not_before = rcgen::date_time_ymd(2090, 1, 1),
        Shows::SelfSignedCa => parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
        _ => {}
    }
    let key = KeyPair::generate().unwrap();
    let certificate = match shows {
        Shows::SelfSigned | Shows::SelfSignedCa => parameters.self_signed(&key),
        Shows::StrangeCa => parameters.signed_by(&key, &new_ca("Another CA")),
        Shows::FalseCa => parameters.signed_by(&key, &new_ca("Test CA")),
        _ => parameters.signed_by(&key, ca()),
    };
    let chain: Vec<CertificateDer<'static>> = vec![certificate.unwrap().der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider())).with_protocol_versions(&[version]).unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap())
}

/// A server with a certificate that is good, and a key that is not its own.
pub(super) fn impostor(version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
    let parameters = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    let chain = vec![parameters.signed_by(&KeyPair::generate().unwrap(), ca()).unwrap().der().clone()];
    let key = PrivateKeyDer::try_from(KeyPair::generate().unwrap().serialize_der()).unwrap();
    let key = ring::sign::any_supported_type(&key).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider())).with_protocol_versions(&[version]).unwrap();
    Arc::new(builder.with_no_client_auth().with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key)))))
}

/// Two ends of a TCP connection over loopback; the first one is for libpurple.
pub(super) fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Not by `connect`: in this program that symbol is the guard against connections like this one.
    // SAFETY: no requirements.
    let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
    assert!(fd >= 0);
    // SAFETY: all zero is an address, if a useless one.
    let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    address.sin_port = port.to_be();
    address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
    // SAFETY: the address is as long as said.
    assert_eq!(unsafe { libc::syscall(libc::SYS_connect, fd, &raw const address, size_of_val(&address)) }, 0);
    // SAFETY: a new descriptor.
    let ours = unsafe { TcpStream::from_raw_fd(fd) };
    ours.set_nonblocking(true).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    theirs.set_nodelay(true).unwrap();
    theirs.set_read_timeout(Some(super::DEADLINE)).unwrap();
    (ours, theirs)
}

pub(super) type Tls = StreamOwned<ServerConnection, TcpStream>;

/// A TLS server that does `script`; the handshake happens with the script's first read or write.
pub(super) fn serve<T: Send + 'static>(
    config: &Arc<ServerConfig>,
    script: impl FnOnce(&mut Tls) -> T + Send + 'static,
) -> (TcpStream, JoinHandle<T>) {
    let config = Arc::clone(config);
    serve_plain(move |socket| script(&mut StreamOwned::new(ServerConnection::new(config).unwrap(), socket)))
}

/// A server without TLS.
pub(super) fn serve_plain<T: Send + 'static>(script: impl FnOnce(TcpStream) -> T + Send + 'static) -> (TcpStream, JoinHandle<T>) {
    let (ours, theirs) = pair();
    (ours, std::thread::spawn(move || script(theirs)))
}

/// Reads until the end, whichever kind of end that is.
pub(super) fn drain(tls: &mut Tls) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = std::io::Read::read_to_end(tls, &mut all);
    all
}

/// Confirms `count` bytes, then reads on; gives everything. Who closes with something unread resets the connection, and what it sent may
/// be lost on the way; so clients wait for the confirmation.
pub(super) fn confirm(tls: &mut Tls, count: usize) -> Vec<u8> {
    let mut got = vec![0; count];
    if std::io::Read::read_exact(tls, &mut got).is_err() {
        return Vec::new();
    }
    std::io::Write::write_all(tls, b"ok").unwrap();
    got.extend(drain(tls));
    got
}

/// The next `close` of the socket is a reset.
pub(super) fn reset(socket: &TcpStream) {
    let now = libc::linger { l_onoff: 1, l_linger: 0 };
    let size = size_of_val(&now) as libc::socklen_t;
    // SAFETY: the option is as long as said.
    let outcome = unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, (&raw const now).cast(), size) };
    assert_eq!(outcome, 0);
}

/// Bytes that show when something is missing or out of order.
pub(super) fn pattern(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at % 251) as u8).collect()
}
