//! One HTTP connection as a browser holds it, as cheap as can be: the load generator runs beside what it measures. It knows no more of HTTP than
//! the daemon's answers use: a length, or chunks.

use crate::Outcome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection with its cookie.
pub(crate) struct Http {
    stream: TcpStream,
    port: u16,
    cookie: String,
    request: String,
    bytes: Vec<u8>,
}

impl Http {
    pub(crate) async fn connect(port: u16) -> Outcome<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, port, cookie: String::new(), request: String::new(), bytes: Vec::new() })
    }

    /// Sends a request and gives the answer's body. The path is the whole one.
    pub(crate) async fn ask(&mut self, method: &str, path: &str, body: Option<&str>) -> Outcome<&str> {
        use std::fmt::Write as _;
        self.request.clear();
        write!(self.request, "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n", self.port)?;
        if !self.cookie.is_empty() {
            write!(self.request, "Cookie: {}\r\n", self.cookie)?;
        }
        if let Some(body) = body {
            write!(self.request, "Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())?;
        }
        write!(self.request, "\r\n{}", body.unwrap_or_default())?;
        self.stream.write_all(self.request.as_bytes()).await?;
        self.bytes.clear();
        let head = loop {
            self.read().await?;
            if let Some(at) = self.bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let text = std::str::from_utf8(self.bytes.get(..head).unwrap_or_default())?;
        let length: Option<usize> = header(text, "content-length").map(str::parse).transpose()?;
        let chunked = header(text, "transfer-encoding").is_some();
        let is_good = text.get(9..10) == Some("2");
        if let Some(cookie) = header(text, "set-cookie").and_then(|cookie| cookie.split(';').next()) {
            self.cookie = cookie.to_owned();
        }
        self.bytes.drain(..head);
        if chunked {
            self.dechunk().await?;
        } else {
            while self.bytes.len() < length.unwrap_or(0) {
                self.read().await?;
            }
        }
        let body = std::str::from_utf8(&self.bytes)?;
        if is_good { Ok(body) } else { Err(format!("{method} {path}: {body}").into()) }
    }

    /// Reads a body in chunks, and leaves it without its chunks' sizes.
    async fn dechunk(&mut self) -> Outcome<()> {
        // Up to here is body.
        let mut at = 0;
        loop {
            let end = loop {
                let rest = self.bytes.get(at..).unwrap_or_default();
                if let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
                    break at + end;
                }
                self.read().await?;
            };
            let size = std::str::from_utf8(self.bytes.get(at..end).unwrap_or_default())?;
            let size = usize::from_str_radix(size, 16)?;
            self.bytes.drain(at..end + 2);
            while self.bytes.len() < at + size + 2 {
                self.read().await?;
            }
            // The line's end behind the chunk.
            self.bytes.drain(at + size..at + size + 2);
            at += size;
            if size == 0 {
                return Ok(());
            }
        }
    }

    async fn read(&mut self) -> Outcome<()> {
        self.bytes.reserve(2048);
        match self.stream.read_buf(&mut self.bytes).await? {
            0 => Err("the daemon closed a connection".into()),
            _ => Ok(()),
        }
    }
}

fn header<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim()))
}
