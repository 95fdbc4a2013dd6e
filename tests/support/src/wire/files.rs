//! Files of a browser session: what is uploaded and what is fetched, as streams. It must not keep a whole file unless asked.

use std::io::Read;
use std::sync::LazyLock;

use ureq::SendBody;

use super::{Answer, WireClient};

/// An incoming file as it comes.
pub struct Download {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    body: Box<dyn Read + Send>,
}

impl Download {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Reads so many bytes; fewer when it breaks off.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        // What came before the end is what is asked for.
        let _ = (&mut self.body).take(count as u64).read_to_end(&mut bytes);
        bytes
    }

    /// Reads the rest.
    ///
    /// # Errors
    /// The answer breaks off.
    pub fn rest(&mut self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.body.read_to_end(&mut bytes).map(|_| bytes)
    }

    /// Reads the rest, and gives how many bytes of it were those of the file from this place on; panics at the first that is another.
    ///
    /// # Errors
    /// The answer breaks off.
    pub fn check(&mut self, at: usize) -> std::io::Result<usize> {
        check(&mut self.body, at)
    }
}

/// Reads a stream to its end, and gives how many bytes of it were those of the file from this place on; panics at the first that is another.
///
/// # Errors
/// The stream breaks off.
pub fn check(stream: &mut impl Read, mut at: usize) -> std::io::Result<usize> {
    let (start, mut bytes) = (at, vec![0; 1 << 16]);
    loop {
        let count = stream.read(&mut bytes)?;
        if count == 0 {
            return Ok(at - start);
        }
        assert!(bytes[..count] == piece(at, count), "the bytes after {at} are others");
        at += count;
    }
}

/// The file repeats after so many bytes.
const PERIOD: usize = 65_521;
static BLOCK: LazyLock<Vec<u8>> = LazyLock::new(|| (0..PERIOD).map(|at| ((at * 31 + at / 256) & 255) as u8).collect());

/// Bytes of the one file that all tests send, from a place in it: the same as slixmpp's.
pub fn piece(start: usize, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let rest = &BLOCK[(start + bytes.len()) % PERIOD..];
        bytes.extend_from_slice(&rest[..rest.len().min(length - bytes.len())]);
    }
    bytes
}

/// So many bytes of it, as a stream.
pub struct Bytes {
    at: usize,
    end: usize,
}

impl Bytes {
    /// From its beginning.
    pub fn new(count: usize) -> Self {
        Self { at: 0, end: count }
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.end - self.at).min(1 << 16);
        buffer[..count].copy_from_slice(&piece(self.at, count));
        self.at += count;
        Ok(count)
    }
}

impl WireClient {
    /// Uploads so many bytes of the file under this name (percent-encoded).
    pub fn upload(&mut self, name: &str, count: usize) -> Answer {
        self.upload_from(name, count, Bytes::new(count))
    }

    /// The same, as so many bytes from a stream.
    pub fn upload_from(&mut self, name: &str, count: usize, bytes: impl Read + 'static) -> Answer {
        let mut request = self.agent.post(format!("{}/api/v1/uploads", self.base)).header("x-filename", name);
        if let Some(cookie) = self.cookies.all() {
            request = request.header("cookie", cookie);
        }
        let request = request.header("content-length", count.to_string());
        let sent = request.send(SendBody::from_owned_reader(bytes));
        sent.and_then(|answer| self.taken(answer)).unwrap_or_else(|error| panic!("POST /uploads: {error}"))
    }

    /// Uploads these bytes under this name (percent-encoded).
    pub fn upload_bytes(&mut self, name: &str, bytes: &[u8]) -> Answer {
        let mut request = self.agent.post(format!("{}/api/v1/uploads", self.base)).header("x-filename", name);
        if let Some(cookie) = self.cookies.all() {
            request = request.header("cookie", cookie);
        }
        request.send(bytes).and_then(|answer| self.taken(answer)).unwrap_or_else(|error| panic!("POST /uploads: {error}"))
    }

    /// Uploads a picture, and gives what a command names it by.
    pub fn upload_picture(&mut self, bytes: &[u8]) -> String {
        let answer = self.upload_bytes("picture", bytes).ok();
        answer["upload"].as_str().expect("an upload").to_owned()
    }

    /// Fetches an incoming file.
    pub fn fetch(&self, transfer: &str) -> Download {
        let mut request = self.agent.get(format!("{}/api/v1/transfers/{transfer}", self.base));
        if let Some(cookie) = self.cookies.all() {
            request = request.header("cookie", cookie);
        }
        let answer = request.call().unwrap_or_else(|error| panic!("GET /transfers/{transfer}: {error}"));
        let headers = answer.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect();
        Download { status: answer.status().as_u16(), headers, body: Box::new(answer.into_body().into_reader()) }
    }
}
