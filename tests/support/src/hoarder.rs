//! A proxy that keeps streams to itself: it passes everything on but the bodies of certain answers. It must not know what is in them.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A loopback port whose connections lead to another one.
pub struct Hoarder {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    target: u16,
    /// What the first line of a request has in it whose answer is kept.
    keeps: String,
    given_up: AtomicUsize,
    over: AtomicBool,
}

impl Hoarder {
    /// Lays a line to an address of loopback, `http://127.0.0.1:PORT`. Of the answer to a `GET` with `keeps` in its path the head comes
    /// through, and nothing more.
    pub fn before(url: &str, keeps: &str) -> Self {
        let target = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or_else(|| panic!("{url} has no port"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let (given_up, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        let shared = Arc::new(Shared { target, keeps: keeps.to_owned(), given_up, over });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for visitor in listener.incoming() {
                if own.over.load(Ordering::Relaxed) {
                    return;
                }
                // Nobody listens there any more: the visitor sees the end of its connection.
                let _ = visitor.and_then(|visitor| own.join(visitor));
            }
        });
        Self { port, shared }
    }

    /// The address of a page behind it, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many visitors have left while they were kept waiting.
    pub fn given_up(&self) -> usize {
        self.shared.given_up.load(Ordering::Relaxed)
    }
}

impl Drop for Hoarder {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // The thread looks up at its next visitor.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Shared {
    /// Has two threads carry bytes both ways until either side ends.
    fn join(self: &Arc<Self>, visitor: TcpStream) -> io::Result<()> {
        let host = TcpStream::connect((Ipv4Addr::LOCALHOST, self.target))?;
        visitor.set_nodelay(true)?;
        host.set_nodelay(true)?;
        let keeping = Arc::new(AtomicBool::new(false));
        let (from, to, own, kept) = (visitor.try_clone()?, host.try_clone()?, Arc::clone(self), Arc::clone(&keeping));
        std::thread::spawn(move || {
            // However it ends, the other side learns that nothing more comes.
            let _ = own.ask(&from, &to, &kept);
            let _ = to.shutdown(Shutdown::Both);
            if kept.load(Ordering::Relaxed) {
                own.given_up.fetch_add(1, Ordering::Relaxed);
            }
        });
        std::thread::spawn(move || {
            let _ = answer(&host, &visitor, &keeping);
            let _ = visitor.shutdown(Shutdown::Write);
        });
        Ok(())
    }

    /// Passes requests on. A browser sends none before it has the answer to the one before, and each head in one piece.
    fn ask(&self, mut from: &TcpStream, mut to: &TcpStream, keeping: &AtomicBool) -> io::Result<()> {
        let mut bytes = [0; 16 * 1024];
        loop {
            let length = from.read(&mut bytes)?;
            let part = &bytes[..length];
            if part.is_empty() {
                return Ok(());
            }
            let line = String::from_utf8_lossy(part.split(|byte| *byte == b'\r').next().unwrap_or_default());
            if line.starts_with("GET ") && line.contains(&self.keeps) {
                keeping.store(true, Ordering::SeqCst);
            }
            to.write_all(part)?;
        }
    }
}

/// Passes answers on; of one that is kept the head alone, which is all there is on its connection from then on.
fn answer(mut from: &TcpStream, mut to: &TcpStream, keeping: &AtomicBool) -> io::Result<()> {
    let mut bytes = [0; 16 * 1024];
    let mut kept = Vec::new();
    loop {
        let length = from.read(&mut bytes)?;
        let part = &bytes[..length];
        if part.is_empty() {
            return Ok(());
        }
        if !keeping.load(Ordering::SeqCst) {
            to.write_all(part)?;
            continue;
        }
        let before = end_of_head(&kept).unwrap_or(kept.len());
        kept.extend_from_slice(part);
        let now = end_of_head(&kept).unwrap_or(kept.len());
        to.write_all(&kept[before..now])?;
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}
