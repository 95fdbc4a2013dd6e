//! TLS of the site's own: reads certificate and key, and makes connections of sockets. Knows no HTTP; what IM servers show is `bridge`'s affair.

use super::stream::Socket;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsAcceptor;

/// For a handshake, where no time is set for heads.
const PATIENCE: Duration = Duration::from_secs(30);

/// Certificate and key for handshakes. Cheap to clone.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls(…)")
    }
}

impl Tls {
    /// Reads a certificate with its chain, and its key: both PEM.
    ///
    /// # Errors
    /// In words, with the file at fault.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, String> {
        let unreadable = |file: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let chain = CertificateDer::pem_file_iter(certificate).map_err(|error| unreadable(certificate, &error))?;
        let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|error| unreadable(certificate, &error))?;
        if chain.is_empty() {
            return Err(unreadable(certificate, &"there is no certificate in it (PEM)"));
        }
        let key_of = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_single_cert(chain, key_of)
            .map_err(|error| format!("{} does not fit {}: {error}", key.display(), certificate.display()))?;
        let mut config = config;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// A connection of a socket that has just come. Of a Unix socket it is the socket itself: whoever may open it is on this machine.
    pub(super) async fn accept(&self, socket: Socket, patience: Option<Duration>) -> std::io::Result<Socket> {
        let Socket::Tcp(socket) = socket else { return Ok(socket) };
        let handshake = TlsAcceptor::from(Arc::clone(&self.0)).accept(socket);
        let accepted = tokio::time::timeout(patience.unwrap_or(PATIENCE), handshake).await;
        accepted.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?.map(|stream| Socket::Tls(Box::new(stream)))
    }
}
