//! Asks a MySQL server what it is before a password is given to it. Signs in nowhere.
//!
//! MySQL's `caching_sha2_password` and `sha256_password` encrypt the password with RSA where the connection is not encrypted: that takes the
//! `rsa` crate, which has an open advisory, and a key that anybody on the way may have put there. MariaDB has neither log-in.

use crate::store::StoreError;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// How long a server may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(4);
/// Longest greeting that is read.
const MOST: usize = 512;
/// Bit of a greeting: the server can do TLS.
const CAN_TLS: u16 = 0x0800;

/// Refuses a server where a log-in might need RSA.
pub(super) async fn refuse_rsa(options: &MySqlConnectOptions) -> Result<(), StoreError> {
    let may_be_plain = match options.get_ssl_mode() {
        MySqlSslMode::Disabled | MySqlSslMode::Preferred => options.get_socket().is_none(),
        _ => false,
    };
    if !may_be_plain {
        return Ok(());
    }
    let greeting = tokio::time::timeout(PATIENCE, greeting(options.get_host(), options.get_port())).await;
    let greeting = greeting.map_err(|_| StoreError::Unavailable("the database server does not say what it is".to_owned()))?;
    let greeting = greeting.map_err(|error| StoreError::Unavailable(format!("the database server: {error}")))?;
    let uses_tls = matches!(options.get_ssl_mode(), MySqlSslMode::Preferred) && can_tls(&greeting);
    if uses_tls || is_mariadb(&greeting) {
        return Ok(());
    }
    Err(StoreError::Setting(
        "MySQL over a connection without TLS: its log-ins would need RSA, which Bellflower does not do. Use TLS (…?ssl-mode=REQUIRED, or \
         VERIFY_IDENTITY), a socket (…?socket=/run/mysqld/mysqld.sock), or MariaDB"
            .to_owned(),
    ))
}

/// The first packet of a server, without its head.
async fn greeting(host: &str, port: u16) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((host.trim_start_matches('[').trim_end_matches(']'), port)).await?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let [one, two, three, _] = head;
    let length = usize::from(one) | usize::from(two) << 8 | usize::from(three) << 16;
    let mut body = vec![0; length.min(MOST)];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

/// The server's version is a text after the protocol's number, 10.
fn version(greeting: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = greeting.strip_prefix(&[10])?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    Some((rest.get(..end)?, rest.get(end + 1..)?))
}

fn is_mariadb(greeting: &[u8]) -> bool {
    version(greeting).is_some_and(|(version, _)| String::from_utf8_lossy(version).contains("MariaDB"))
}

/// After the version: thread id (4), nonce (8), a zero, then the lower half of what the server can.
fn can_tls(greeting: &[u8]) -> bool {
    let bits = version(greeting).and_then(|(_, rest)| rest.get(13..15)).and_then(|bits| bits.try_into().ok());
    bits.is_some_and(|bits| u16::from_le_bytes(bits) & CAN_TLS != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    fn packet(version: &str, bits: u16) -> Vec<u8> {
        let mut body = vec![10];
        body.extend(version.as_bytes());
        body.extend([0; 14]);
        body.extend(bits.to_le_bytes());
        let mut all = vec![u8::try_from(body.len()).unwrap(), 0, 0, 0];
        all.append(&mut body);
        all
    }

    async fn answer(version: &str, bits: u16, parameters: &str) -> Result<(), StoreError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let packet = packet(version, bits);
        let server = std::thread::spawn(move || {
            listener.set_nonblocking(false).unwrap();
            listener.accept().unwrap().0.write_all(&packet).unwrap();
        });
        let result = refuse_rsa(&format!("mysql://a@127.0.0.1:{port}/b{parameters}").parse().unwrap()).await;
        server.join().unwrap();
        result
    }

    #[tokio::test]
    async fn a_log_in_that_would_need_rsa_is_refused_in_words() {
        let refused = answer("8.0.36", 0, "").await;
        assert!(matches!(&refused, Err(StoreError::Setting(why)) if why.contains("ssl-mode=REQUIRED")), "{refused:?}");
        assert!(answer("8.0.36", CAN_TLS, "?ssl-mode=DISABLED").await.is_err());
        assert_eq!(answer("8.0.36", CAN_TLS, "").await, Ok(()));
        assert_eq!(answer("5.5.5-10.11.6-MariaDB-1", 0, "").await, Ok(()));
    }
}
