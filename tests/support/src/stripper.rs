//! A man in the middle between the daemon and an XMPP server, who takes the server's offer of TLS away and reads what is sent in clear. Never
//! breaks TLS that was begun.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const OFFER: &str = "<starttls";

/// A loopback port whose connections lead to the server's.
pub struct Stripper {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    strips: AtomicBool,
    over: AtomicBool,
    heard: Mutex<Vec<u8>>,
}

impl Stripper {
    /// Stands before the server on this port. Passes everything on until told to [`Stripper::strip`].
    pub fn before(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let shared = Arc::new(Shared::default());
        let ours = Arc::clone(&shared);
        std::thread::spawn(move || {
            for visitor in listener.incoming().map_while(Result::ok) {
                if ours.over.load(Ordering::SeqCst) {
                    return;
                }
                // A server that is gone: the visitor sees the end of its connection.
                let _ = stand_between(visitor, server, &ours);
            }
        });
        Self { port, shared }
    }

    /// Where the daemon is to connect.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Takes the offer of TLS away, for connections made from now on.
    pub fn strip(&self) {
        self.shared.strips.store(true, Ordering::SeqCst);
    }

    /// What clients have sent, as far as it is text.
    pub fn heard(&self) -> String {
        String::from_utf8_lossy(&self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Drop for Stripper {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // The thread looks up at its next visitor.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn stand_between(visitor: TcpStream, server: u16, shared: &Arc<Shared>) -> io::Result<()> {
    let host = TcpStream::connect((Ipv4Addr::LOCALHOST, server))?;
    visitor.set_nodelay(true)?;
    host.set_nodelay(true)?;
    let (mut from, mut to, ears) = (visitor.try_clone()?, host.try_clone()?, Arc::clone(shared));
    std::thread::spawn(move || {
        let heard = |bytes: &[u8]| {
            ears.heard.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            bytes.to_vec()
        };
        carry(&mut from, &mut to, heard);
    });
    let (mut from, mut to) = (host, visitor);
    let strips = shared.strips.load(Ordering::SeqCst);
    std::thread::spawn(move || {
        let mut held = Vec::new();
        carry(&mut from, &mut to, |bytes| if strips { without_offer(&mut held, bytes) } else { bytes.to_vec() });
    });
    Ok(())
}

fn carry(from: &mut TcpStream, to: &mut TcpStream, mut change: impl FnMut(&[u8]) -> Vec<u8>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = change(buffer.get(..count).unwrap_or_default());
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    // However it ends, the other side learns that nothing more comes.
    let _ = to.shutdown(Shutdown::Write);
}

/// The bytes without an offer of TLS. What may be the beginning of one is held until the rest is there.
fn without_offer(held: &mut Vec<u8>, bytes: &[u8]) -> Vec<u8> {
    held.extend_from_slice(bytes);
    let mut text = String::from_utf8_lossy(held).into_owned();
    while let Some(start) = text.find(OFFER) {
        let Some(end) = text[start..].find('>').map(|at| start + at) else { return split(held, text, start) };
        let end = if text[..end].ends_with('/') {
            end + 1
        } else {
            let Some(closing) = text[start..].find("</starttls>") else { return split(held, text, start) };
            start + closing + "</starttls>".len()
        };
        text.replace_range(start..end, "");
    }
    let begun = (1..OFFER.len()).rev().find(|length| text.ends_with(&OFFER[..*length])).unwrap_or(0);
    let keep = text.len() - begun;
    split(held, text, keep)
}

fn split(held: &mut Vec<u8>, text: String, at: usize) -> Vec<u8> {
    let mut passed = text.into_bytes();
    *held = passed.split_off(at);
    passed
}

#[cfg(test)]
mod tests {
    use super::without_offer;

    #[test]
    fn an_offer_goes_however_it_is_cut() {
        for offer in ["<starttls xmlns='tls'/>", "<starttls xmlns='tls'><required/></starttls>"] {
            let whole = format!("<features>{offer}<mechanisms/></features>");
            for at in 0..whole.len() {
                let mut held = Vec::new();
                let mut passed = without_offer(&mut held, &whole.as_bytes()[..at]);
                passed.extend(without_offer(&mut held, &whole.as_bytes()[at..]));
                assert_eq!(String::from_utf8(passed).unwrap(), "<features><mechanisms/></features>", "{offer} cut at {at}");
            }
        }
    }
}
