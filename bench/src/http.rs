//! One HTTP connection as a browser holds it, as cheap as can be: the load generator runs beside what it measures. It knows no more of HTTP than
//! the daemon's answers use: a length, or chunks.

use crate::Outcome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What an answer's head says of its body.
struct Head {
    length: Option<usize>,
    chunked: bool,
    is_good: bool,
}

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

    /// Another connection of the same browser.
    pub(crate) async fn another(&self) -> Outcome<Self> {
        Ok(Self { cookie: self.cookie.clone(), ..Self::connect(self.port).await? })
    }

    /// Sends a request and gives the answer's body. The path is the whole one.
    pub(crate) async fn ask(&mut self, method: &str, path: &str, body: Option<&str>) -> Outcome<&str> {
        let Head { length, chunked, is_good } = self.begin(method, path, body).await?;
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

    /// Begins a GET whose answer comes in parts.
    pub(crate) async fn open(&mut self, path: &str) -> Outcome<()> {
        match self.begin("GET", path, None).await? {
            Head { chunked: true, is_good: true, .. } => Ok(()),
            _ => Err(format!("{path} is no stream").into()),
        }
    }

    /// Calls `take` with the next part of what was opened; false at its end.
    pub(crate) async fn part(&mut self, take: impl FnOnce(&str) -> Outcome<()>) -> Outcome<bool> {
        let (start, end) = self.chunk(0).await?;
        take(std::str::from_utf8(self.bytes.get(start..end).unwrap_or_default())?)?;
        self.bytes.drain(..end + 2);
        Ok(end > start)
    }

    /// Sends a request and reads the head of its answer.
    async fn begin(&mut self, method: &str, path: &str, body: Option<&str>) -> Outcome<Head> {
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
        Ok(Head { length, chunked, is_good })
    }

    /// Where the bytes of the chunk that begins `at` are; the end of a line is behind them.
    async fn chunk(&mut self, at: usize) -> Outcome<(usize, usize)> {
        let end = loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            if let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
                break at + end;
            }
            self.read().await?;
        };
        let size = usize::from_str_radix(std::str::from_utf8(self.bytes.get(at..end).unwrap_or_default())?, 16)?;
        let start = end + 2;
        while self.bytes.len() < start + size + 2 {
            self.read().await?;
        }
        Ok((start, start + size))
    }

    /// Reads a body in chunks, and leaves it without its chunks' sizes.
    async fn dechunk(&mut self) -> Outcome<()> {
        // Up to here is body.
        let mut at = 0;
        loop {
            let (start, end) = self.chunk(at).await?;
            self.bytes.drain(end..end + 2);
            self.bytes.drain(at..start);
            if end == start {
                return Ok(());
            }
            at += end - start;
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
