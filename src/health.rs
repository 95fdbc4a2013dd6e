//! The `healthcheck` subcommand: asks the running daemon over its own port or socket; it starts nothing.

use crate::config::{Config, Listen};
use crate::error::Failure;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);

/// Ends well when `/readyz` of the daemon says so.
pub(crate) fn check(config: &Config) -> Result<(), Failure> {
    let place = &config.listen;
    let answer = ask(place).map_err(|error| Failure::Unwell(format!("no answer from {place}: {error}")))?;
    let first = answer.lines().next().unwrap_or_default();
    if first.split(' ').nth(1) == Some("200") {
        Ok(())
    } else {
        Err(Failure::Unwell(format!("the daemon at {place} is not ready: {first}")))
    }
}

fn ask(place: &Listen) -> std::io::Result<String> {
    match place {
        Listen::Tcp(address) => {
            let mut address: SocketAddr = *address;
            // "Everywhere" is no place to connect to.
            match address {
                SocketAddr::V4(v4) if v4.ip().is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
                SocketAddr::V6(v6) if v6.ip().is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
                _ => {}
            }
            let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            exchange(stream)
        }
        Listen::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            exchange(stream)
        }
    }
}

fn exchange(mut stream: impl Read + Write) -> std::io::Result<String> {
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
