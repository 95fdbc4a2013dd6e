//! A wire between a browser and the daemon, to be cut. It must not know what is said over it.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// A loopback port whose connections lead to another one. Nothing passes while it is cut: whoever connects is refused by a reset.
pub struct Line {
    port: u16,
    ends: Arc<Mutex<Ends>>,
}

struct Ends {
    whole: bool,
    over: bool,
    open: Vec<TcpStream>,
}

impl Line {
    /// Lays a line to an address of loopback, `http://127.0.0.1:PORT`.
    pub fn to(url: &str) -> Self {
        let target = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or_else(|| panic!("{url} has no port"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let ends = Arc::new(Mutex::new(Ends { whole: true, over: false, open: Vec::new() }));
        let shared = Arc::clone(&ends);
        std::thread::spawn(move || {
            for visitor in listener.incoming() {
                let Ok(visitor) = visitor else { continue };
                let mut ends = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if ends.over {
                    return;
                }
                if ends.whole {
                    // Nobody listens there any more, or no descriptor is left: the visitor sees the end of its connection.
                    let _ = join(visitor, target, &mut ends.open);
                }
            }
        });
        Self { port, ends }
    }

    /// The address of a page over it, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends every connection and lets none through, until it is mended.
    pub fn cut(&self) {
        self.end(false);
    }

    /// Ends every connection, and lets new ones through.
    pub fn nick(&self) {
        self.end(true);
    }

    fn end(&self, whole: bool) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.whole = whole;
        for end in ends.open.drain(..) {
            // It may have been ended by its owner.
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).whole = true;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.cut();
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).over = true;
        // The thread looks up at its next visitor.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Has two threads carry bytes both ways until either side ends.
fn join(visitor: TcpStream, target: u16, open: &mut Vec<TcpStream>) -> io::Result<()> {
    let host = TcpStream::connect((Ipv4Addr::LOCALHOST, target))?;
    for (from, to) in [(&visitor, &host), (&host, &visitor)] {
        from.set_nodelay(true)?;
        open.push(from.try_clone()?);
        let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
        std::thread::spawn(move || {
            // However it ends, the other side learns that nothing more comes.
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
    Ok(())
}
