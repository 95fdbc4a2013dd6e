//! A wire between a browser and the daemon, or the daemon and its database, to be cut or made slow; it must not know what is said over it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A loopback port whose connections lead to another one. Nothing passes while it is cut: whoever connects is refused by a reset.
pub struct Line {
    port: u16,
    ends: Arc<Mutex<Ends>>,
    /// Milliseconds that each answer takes longer.
    slow: Arc<AtomicU64>,
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
        let slow = Arc::new(AtomicU64::new(0));
        let slowed = Arc::clone(&slow);
        std::thread::spawn(move || {
            for visitor in listener.incoming() {
                let Ok(visitor) = visitor else { continue };
                let mut ends = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if ends.over {
                    return;
                }
                if ends.whole {
                    // Nobody listens there any more, or no descriptor is left: the visitor sees the end of its connection.
                    let _ = join(visitor, target, &slowed, &mut ends.open);
                }
            }
        });
        Self { port, ends, slow }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on each answer of the far side takes so much longer.
    pub fn slow(&self, by: Duration) {
        self.slow.store(u64::try_from(by.as_millis()).expect("a short time"), Ordering::Relaxed);
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
fn join(visitor: TcpStream, target: u16, slow: &Arc<AtomicU64>, open: &mut Vec<TcpStream>) -> io::Result<()> {
    let host = TcpStream::connect((Ipv4Addr::LOCALHOST, target))?;
    for (from, to, slow) in [(&visitor, &host, None), (&host, &visitor, Some(slow))] {
        from.set_nodelay(true)?;
        open.push(from.try_clone()?);
        let (mut from, mut to, slow) = (from.try_clone()?, to.try_clone()?, slow.cloned());
        std::thread::spawn(move || {
            // However it ends, the other side learns that nothing more comes.
            let _ = carry(&mut from, &mut to, slow.as_deref());
            let _ = to.shutdown(Shutdown::Write);
        });
    }
    Ok(())
}

fn carry(from: &mut TcpStream, to: &mut TcpStream, slow: Option<&AtomicU64>) -> io::Result<()> {
    let mut bytes = [0; 16 << 10];
    loop {
        let count = from.read(&mut bytes)?;
        if count == 0 {
            return Ok(());
        }
        let pause = slow.map_or(0, |slow| slow.load(Ordering::Relaxed));
        if pause > 0 {
            std::thread::sleep(Duration::from_millis(pause));
        }
        to.write_all(&bytes[..count])?;
    }
}
