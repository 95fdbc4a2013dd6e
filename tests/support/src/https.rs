//! Requests over TLS, trusting one authority. It must not know what answers.

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use crate::wait::PATIENCE;

/// Sends a request to `HOST:PORT` as `localhost`, and gives the whole answer; the peer closes.
///
/// # Errors
/// No TLS comes about: the certificate is not one of the authority's, for example.
pub fn https(place: &str, authority: &str, request: &str) -> std::io::Result<String> {
    https_bytes(place, authority, request).map(|answer| String::from_utf8_lossy(&answer).into_owned())
}

/// The same, as bytes.
///
/// # Errors
/// As [`https`].
pub fn https_bytes(place: &str, authority: &str, request: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = https_stream(place, authority, request)?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // The end of the connection says the same as TLS's own.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof && !answer.is_empty() => {}
        other => _ = other?,
    }
    Ok(answer)
}

/// The same, as a stream.
///
/// # Errors
/// As [`https`].
pub fn https_stream(place: &str, authority: &str, request: &str) -> std::io::Result<impl Read + use<>> {
    let mut stream = connect(place, "localhost", authority, PATIENCE)?;
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

/// Sends any bytes over TLS to `HOST:PORT` as `name`, and gives what is answered until the peer closes, or says nothing for three seconds: it may
/// refuse before it has read everything, and hold a connection open beyond its answer.
pub fn tls_exchange(place: &str, name: &str, authority: &str, bytes: &str) -> String {
    let mut stream = connect(place, name, authority, Duration::from_secs(3)).expect("a connection");
    let _ = stream.write_all(bytes.as_bytes());
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => all.extend_from_slice(&piece[..length]),
            Err(error)
                if [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof]
                    .contains(&error.kind()) =>
            {
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

fn connect(place: &str, name: &str, authority: &str, patience: Duration) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).expect("PEM")).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let socket = TcpStream::connect(place)?;
    socket.set_read_timeout(Some(patience))?;
    Ok(StreamOwned::new(connection, socket))
}
