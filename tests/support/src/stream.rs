//! A stream as a browser reads it: server-sent events, block by block. It must not smooth over what the wire's rules forbid: it panics on it.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::wait::PATIENCE;

/// One block of a stream.
#[derive(Debug, Clone)]
pub struct Block {
    /// `heartbeat`, `end` or `reset`; empty for an event of the log.
    pub name: String,
    /// `epoch:seq`, as it stands there; empty when there is none.
    pub id: String,
    /// The JSON of its data.
    pub data: Value,
}

/// A stream that is being read.
pub struct Stream {
    reader: Box<dyn BufRead>,
    socket: TcpStream,
}

impl Stream {
    /// Sends a GET for a path with these header lines, and reads the head of the answer; the status and header lines of one that is no
    /// stream are the error.
    pub(crate) fn open(address: &str, path: &str, headers: &str) -> Result<Self, String> {
        let mut socket = TcpStream::connect(address).expect("a connection to the daemon");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket takes a timeout");
        std::io::Write::write_all(&mut socket, format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n").as_bytes())
            .expect("sending a request");
        let mut reader = BufReader::new(socket.try_clone().expect("a socket twice"));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut head).expect("the head of an answer"), 0, "closed after {head:?}");
        }
        let lower = head.to_ascii_lowercase();
        if !head.starts_with("HTTP/1.1 200 ") || !lower.contains("\r\ncontent-type: text/event-stream\r\n") {
            return Err(head);
        }
        assert!(lower.contains("\r\ntransfer-encoding: chunked\r\n"), "{head}");
        Ok(Self { reader: Box::new(BufReader::new(Chunks { inner: reader, left: 0 })), socket })
    }

    /// Waits no longer than this for each block from now on; when it is over, that counts as the end.
    pub fn patience(&self, patience: Duration) {
        self.socket.set_read_timeout(Some(patience)).expect("a socket takes a timeout");
    }

    /// The next line, without its end; `None` at the end of the stream, or when the connection is cut or patience over.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.reader.read_line(&mut line).ok()?;
        (read > 0).then(|| line.trim_end_matches('\n').to_owned())
    }

    /// The next block; `None` at the end.
    pub fn block(&mut self) -> Option<Block> {
        let mut block = Block { name: String::new(), id: String::new(), data: Value::Null };
        loop {
            let line = self.line()?;
            match line.split_once(": ") {
                None if line.is_empty() => {
                    assert!(!block.data.is_null(), "a block without data: {block:?}");
                    return Some(block);
                }
                Some(("event", name)) => name.clone_into(&mut block.name),
                Some(("id", id)) => id.clone_into(&mut block.id),
                Some(("data", data)) => {
                    assert!(block.data.is_null(), "two lines of data in {block:?}");
                    block.data = serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data:?}"));
                }
                Some(("retry", ms)) => assert!(ms.parse::<u64>().is_ok(), "{line:?}"),
                _ => panic!("not a line of server-sent events: {line:?}"),
            }
        }
    }
}

/// The bytes of a body in chunks.
struct Chunks {
    inner: BufReader<TcpStream>,
    left: usize,
}

impl std::io::Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            let mut size = String::new();
            self.inner.read_line(&mut size)?;
            self.left = usize::from_str_radix(size.trim_end(), 16).map_err(std::io::Error::other)?;
            if self.left == 0 {
                return Ok(0);
            }
        }
        let most = buffer.len().min(self.left);
        let read = std::io::Read::read(&mut self.inner, buffer.get_mut(..most).unwrap_or_default())?;
        self.left -= read;
        if self.left == 0 {
            let mut end = [0; 2];
            std::io::Read::read_exact(&mut self.inner, &mut end)?;
        }
        Ok(read)
    }
}
