//! Ports and Unix sockets: binding with an error that says what to do, accepting, and what to do when accepting fails; no HTTP here.

use super::peer::Address;
use super::stream::Socket;
use std::fs::Permissions;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, UnixListener};

/// Connections that may wait to be accepted; the kernel cuts it to its own limit.
const BACKLOG: u32 = 4096;
/// How long to wait when the process or the machine is out of something that connections need.
const PAUSE: Duration = Duration::from_millis(100);

/// Something that accepts connections. A Unix socket's file goes with it.
#[derive(Debug)]
pub enum Listener {
    /// A port.
    Tcp(TcpListener),
    /// A socket in the file system; its file stays when it is somebody else's.
    Unix(UnixListener, Option<SocketFile>),
}

/// Removes the file of a Unix socket when dropped.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0)
            && error.kind() != ErrorKind::NotFound
        {
            log::warn!("cannot remove {}: {error}", self.0.display());
        }
    }
}

impl Listener {
    /// Binds a port; port 0 takes a free one.
    ///
    /// # Errors
    /// As the system says: in use, not allowed, no such address.
    pub fn tcp(address: SocketAddr) -> Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self::Tcp(socket.listen(BACKLOG)?))
    }

    /// Binds a socket in the file system, for owner and group (mode 0660). One that a dead daemon left behind is replaced.
    ///
    /// # Errors
    /// As the system says; `AddrInUse` when somebody listens there, `AlreadyExists` when it is no socket.
    pub fn unix(path: &Path) -> Result<Self> {
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_socket() => match std::os::unix::net::UnixStream::connect(path) {
                Ok(_) => return Err(Error::new(ErrorKind::AddrInUse, "somebody listens there already")),
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
                Err(error) => return Err(error),
            },
            Ok(_) => return Err(Error::new(ErrorKind::AlreadyExists, "there is a file of that name that is not a socket")),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = UnixListener::bind(path)?;
        let file = SocketFile(path.to_owned());
        std::fs::set_permissions(path, Permissions::from_mode(0o660))?;
        Ok(Self::Unix(listener, Some(file)))
    }

    /// Takes over a stream socket that listens already, of IP or Unix. The socket goes on listening when this process ends, and its file
    /// stays.
    ///
    /// # Errors
    /// As the system says; another kind of socket.
    pub fn inherited(socket: OwnedFd) -> Result<Self> {
        let socket = std::net::TcpListener::from(socket);
        socket.set_nonblocking(true)?;
        // The address of a Unix socket is none of IP's.
        if socket.local_addr().is_ok() {
            return TcpListener::from_std(socket).map(Self::Tcp);
        }
        let socket = std::os::unix::net::UnixListener::from(OwnedFd::from(socket));
        socket.local_addr()?;
        Ok(Self::Unix(UnixListener::from_std(socket)?, None))
    }

    /// The place to listen, for people: `ADDRESS:PORT` or `unix:PATH`.
    pub fn place(&self) -> String {
        match self {
            Self::Tcp(listener) => listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string()),
            Self::Unix(listener, _) => {
                let address = listener.local_addr().ok();
                let path = address.as_ref().and_then(|address| address.as_pathname());
                format!("unix:{}", path.unwrap_or(Path::new("?")).display())
            }
        }
    }

    /// The port's address, with the real port; `None` for a Unix socket.
    ///
    /// # Errors
    /// As the system says.
    pub fn local(&self) -> Result<Option<SocketAddr>> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Some),
            Self::Unix(..) => Ok(None),
        }
    }

    pub(super) async fn accept(&self) -> Result<(Socket, Address)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Without it small answers wait for the peer's delayed acknowledgement: 40 ms.
                if let Err(error) = stream.set_nodelay(true) {
                    log::debug!("TCP_NODELAY: {error}");
                }
                Ok((Socket::Tcp(stream), Address::from(peer.ip())))
            }
            Self::Unix(listener, _) => Ok((Socket::Unix(listener.accept().await?.0), Address::Local)),
        }
    }
}

/// Waits where trying again at once would only spin: out of descriptors or memory. A peer that left already costs nothing.
pub(super) async fn after_error(error: &Error) {
    match error.kind() {
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => {}
        _ => {
            crate::pace::paced!(error, "cannot accept connections: {error}; a higher LimitNOFILE or a lower limits.connections may help");
            tokio::time::sleep(PAUSE).await;
        }
    }
}
