//! Servers that mean harm: whatever the test writes to whoever connects. They must not be of use to anybody else.

use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::xml::{Element, Incoming, quoted, read_stream};

/// A server on a free loopback port. Dropping it closes every connection.
pub struct Hostile {
    port: u16,
    ended: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    served: Arc<AtomicUsize>,
}

impl Hostile {
    /// Gives each connection to `serve`, on a thread of its own.
    pub fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let server = Self { port, ended: Arc::default(), streams: Arc::default(), served: Arc::default() };
        let (ended, streams, served) = (Arc::clone(&server.ended), Arc::clone(&server.streams), Arc::clone(&server.served));
        let serve = Arc::new(serve);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::Acquire) {
                    return;
                }
                served.fetch_add(1, Ordering::AcqRel);
                // What is not taken is not waited for for ever.
                let _ = stream.set_write_timeout(Some(Duration::from_secs(20)));
                streams.lock().unwrap_or_else(PoisonError::into_inner).extend(stream.try_clone());
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || serve(stream));
            }
        });
        server
    }

    /// An XMPP server that lets everybody in, gives them the roster of `script`, and then does what it says.
    pub fn xmpp(script: XmppScript) -> Self {
        Self::start(move |stream| script.serve(&stream))
    }

    /// An IRC server that welcomes everybody, or not, and then writes `lines`.
    pub fn irc(welcome: bool, lines: Vec<u8>) -> Self {
        Self::start(move |mut stream| {
            let Ok(reading) = stream.try_clone() else { return };
            if welcome && !irc_welcome(&mut stream) {
                return;
            }
            // Whoever has gone takes no more.
            let _ = stream.write_all(&lines);
            drain(reading);
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections there were.
    pub fn served(&self) -> usize {
        self.served.load(Ordering::Acquire)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        // It wakes who accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        for stream in self.streams.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn drain(mut stream: TcpStream) {
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).is_ok_and(|count| count > 0) {}
}

/// Waits for the nick, and says the first lines of any server.
fn irc_welcome(stream: &mut TcpStream) -> bool {
    let (mut all, mut bytes) = (String::new(), [0; 1024]);
    let nick = loop {
        match stream.read(&mut bytes) {
            Ok(count) if count > 0 => all.push_str(&String::from_utf8_lossy(&bytes[..count])),
            _ => return false,
        }
        if let (Some((_, rest)), true) = (all.split_once("NICK "), all.contains("USER ")) {
            break rest.split_ascii_whitespace().next().unwrap_or("x").trim_start_matches(':').to_owned();
        }
    };
    let first = format!(":harm 001 {nick} :welcome\r\n:harm 376 {nick} :end\r\n");
    stream.write_all(first.as_bytes()).is_ok()
}

/// What a hostile XMPP server sends.
#[derive(Default)]
pub struct XmppScript {
    /// After the stream's opening, instead of features: raw.
    pub instead: Option<Vec<u8>>,
    /// Items of everybody's roster.
    pub roster: String,
    /// Once they are in: raw.
    pub then: Vec<u8>,
    /// What comes again and again after that, until nobody takes it.
    pub forever: Vec<u8>,
}

impl XmppScript {
    fn serve(&self, stream: &TcpStream) {
        let Ok(reading) = stream.try_clone() else { return };
        let write = |text: &[u8]| {
            let mut stream = stream;
            stream.write_all(text).is_ok()
        };
        let mut authenticated = false;
        read_stream(BufReader::new(reading), |incoming| match incoming {
            Incoming::Opened => {
                let opening = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
                               id='1' from='harm.localhost' version='1.0'>";
                let features = if authenticated {
                    "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>"
                } else {
                    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>\
                     </stream:features>"
                };
                write(opening.as_bytes()) && write(self.instead.as_deref().unwrap_or(features.as_bytes()))
            }
            Incoming::Element(element) if element.name == "auth" => {
                authenticated = true;
                write(b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
            }
            Incoming::Element(iq) if iq.name == "iq" && (iq.is("type", "get") || iq.is("type", "set")) => {
                let is_roster = iq.child("query").is_some_and(|query| query.is("xmlns", "jabber:iq:roster"));
                write(self.answer(&iq).as_bytes()) && (!is_roster || self.harm(&write))
            }
            Incoming::Element(_) => true,
            Incoming::Closed(_) => false,
        });
    }

    fn answer(&self, iq: &Element) -> String {
        let from = iq.attr("to").map_or_else(String::new, |to| format!(" from='{}'", quoted(to)));
        let result = |body: &str| format!("<iq type='result' id='{}'{from}>{body}</iq>", quoted(iq.attr("id").unwrap_or_default()));
        match (iq.child("bind"), iq.child("query").and_then(|query| query.attr("xmlns"))) {
            (Some(_), _) => result("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>victim@harm.localhost/web</jid></bind>"),
            (_, Some("jabber:iq:roster")) => result(&format!("<query xmlns='jabber:iq:roster'>{}</query>", self.roster)),
            (_, Some(other)) => result(&format!("<query xmlns='{}'/>", quoted(other))),
            _ => result(""),
        }
    }

    fn harm(&self, write: &impl Fn(&[u8]) -> bool) -> bool {
        let mut goes_on = write(&self.then);
        while goes_on && !self.forever.is_empty() {
            goes_on = write(&self.forever);
        }
        goes_on
    }
}
