//! Servers of IRC and XMPP that let everybody in and then say what a test writes, byte by byte. They must not mend it.

use crate::wait::PATIENCE;
use crate::xml::{Element, Incoming, quoted, read_stream};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The other end of one connection; what the client says comes line by line (IRC) or element by element (XMPP).
pub struct RawConnection<T> {
    /// Whoever writes has it until all is written: the server answers beside the test.
    stream: Arc<Mutex<TcpStream>>,
    heard: Receiver<T>,
}

impl<T> RawConnection<T> {
    /// Sends this. An error means that the client has gone.
    ///
    /// # Errors
    /// Of the socket.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        write(&self.stream, bytes)
    }

    /// What the client says next; nothing once it has gone, or when `patience` is over.
    pub fn next_within(&self, patience: Duration) -> Option<T> {
        self.heard.recv_timeout(patience).ok()
    }

    /// Whether the client answers: asked again and again until it does, or has gone.
    pub fn answers(&mut self, question: &str, is_answer: impl Fn(&T) -> bool) -> bool {
        let deadline = std::time::Instant::now() + PATIENCE;
        while std::time::Instant::now() < deadline {
            if self.write(question).is_err() {
                return false;
            }
            loop {
                match self.heard.recv_timeout(Duration::from_millis(200)) {
                    Ok(heard) if is_answer(&heard) => return true,
                    Ok(_) => {}
                    Err(std::sync::mpsc::RecvTimeoutError::Timeout) => break,
                    Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return false,
                }
            }
        }
        panic!("neither an answer to {question:?} within {PATIENCE:?}, nor an end");
    }
}

/// A server that a test speaks for.
pub struct RawServer<T> {
    port: u16,
    connections: Receiver<RawConnection<T>>,
}

impl<T: Send + 'static> RawServer<T> {
    fn start(serve: impl Fn(TcpStream, Sender<RawConnection<T>>) + Send + Sync + Clone + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let (sender, connections) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A lost client shows at the next write.
                let _ = stream.set_nodelay(true);
                let (serve, sender) = (serve.clone(), sender.clone());
                std::thread::spawn(move || serve(stream, sender));
            }
        });
        Self { port, connections }
    }

    /// The next client that was let in.
    pub fn connection(&self) -> RawConnection<T> {
        self.connections.recv_timeout(PATIENCE).expect("nobody connected")
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl RawServer<String> {
    /// One of IRC: a connection is given away once its client has said who it is. The test welcomes it.
    pub fn irc() -> Self {
        Self::start(|stream, connections| {
            let Ok(reading) = stream.try_clone() else { return };
            let (sender, heard) = channel();
            let mut connection = Some(RawConnection { stream: Arc::new(Mutex::new(stream)), heard });
            for line in BufReader::new(reading).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if line.starts_with("USER ")
                    && let Some(connection) = connection.take()
                    && connections.send(connection).is_err()
                {
                    return;
                }
                if sender.send(line).is_err() {
                    return;
                }
            }
        })
    }

    /// The `network` of a log-in that leads here.
    pub fn irc_network(&self, nick: &str) -> Value {
        json!({ "protocol": "prpl-irc", "username": format!("{nick}@127.0.0.1"), "options": { "port": self.port, "ratelimit-interval": 0 } })
    }
}

impl RawServer<Element> {
    /// One of XMPP: a connection is given away once its client has its list, which has these items.
    pub fn xmpp(roster: &str) -> Self {
        Self::xmpp_leaving(roster, &[])
    }

    /// The same, which leaves requests with payloads of these namespaces to the test.
    pub fn xmpp_leaving(roster: &str, spaces: &'static [&'static str]) -> Self {
        let roster = roster.to_owned();
        Self::start(move |stream, connections| {
            // Its client may go at any time.
            let _ = serve_xmpp(stream, &roster, (spaces, None), &connections);
        })
    }

    /// A server of XMPP that lets nobody in: `says` is its answer to each log-in. The test gets no connections of it.
    pub fn xmpp_refusing(says: String) -> Self {
        Self::start(move |stream, connections| {
            // Its client may go at any time.
            let _ = serve_xmpp(stream, "", (&[], Some(&says)), &connections);
        })
    }

    /// The `network` of a log-in that leads here.
    pub fn xmpp_network(&self, name: &str) -> Value {
        json!({
            "protocol": "prpl-jabber", "username": format!("{name}@localhost"), "password": "secret",
            "options": {
                "connect_server": "127.0.0.1", "port": self.port, "connection_security": "opportunistic_tls", "auth_plain_in_clear": true,
            },
        })
    }
}

fn write(stream: &Mutex<TcpStream>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    stream.lock().unwrap_or_else(PoisonError::into_inner).write_all(bytes.as_ref())
}

fn asks(element: &Element) -> bool {
    element.name == "iq" && (element.is("type", "get") || element.is("type", "set"))
}

fn payload(element: &Element, space: &str) -> bool {
    element.children.iter().any(|child| child.is("xmlns", space))
}

fn serve_xmpp(
    stream: TcpStream,
    roster: &str,
    (left, refusal): (&[&str], Option<&str>),
    connections: &Sender<RawConnection<Element>>,
) -> io::Result<()> {
    let reading = stream.try_clone()?;
    let (sender, heard) = channel();
    let stream = Arc::new(Mutex::new(stream));
    let mut connection = Some(RawConnection { stream: Arc::clone(&stream), heard });
    let mut authenticated = false;
    read_stream(BufReader::new(reading), |incoming| {
        let answered = match incoming {
            Incoming::Opened => {
                let features = if authenticated {
                    "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
                } else {
                    "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
                };
                let header = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
                              id='1' from='localhost' version='1.0'>";
                write(&stream, format!("{header}<stream:features>{features}</stream:features>"))
            }
            Incoming::Element(element) if element.name == "auth" && refusal.is_some() => write(&stream, refusal.unwrap_or_default()),
            Incoming::Element(element) if element.name == "auth" => {
                authenticated = true;
                write(&stream, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
            }
            Incoming::Element(element) if asks(&element) && !left.iter().any(|space| payload(&element, space)) => {
                let payload = |space: &str| payload(&element, space);
                let (content, has_list) = match () {
                    () if payload("urn:ietf:params:xml:ns:xmpp-bind") => {
                        ("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>ines@localhost/raw</jid></bind>".to_owned(), false)
                    }
                    () if payload("jabber:iq:roster") => (format!("<query xmlns='jabber:iq:roster'>{roster}</query>"), true),
                    // Whatever it asks for, there is nothing of it.
                    () => {
                        let empty =
                            |child: &Element| format!("<{} xmlns='{}'/>", child.name, quoted(child.attr("xmlns").unwrap_or_default()));
                        (element.children.first().map(empty).unwrap_or_default(), false)
                    }
                };
                let id = quoted(element.attr("id").unwrap_or_default()).into_owned();
                let from = element.attr("to").map(|to| format!(" from='{}'", quoted(to))).unwrap_or_default();
                let written = write(&stream, format!("<iq type='result' id='{id}'{from}>{content}</iq>"));
                if has_list && let Some(connection) = connection.take() {
                    // The test may be over.
                    let _ = connections.send(connection);
                }
                written.and_then(|()| sender.send(element).map_err(io::Error::other))
            }
            Incoming::Element(element) => sender.send(element).map_err(io::Error::other),
            Incoming::Closed(_) => return false,
        };
        answered.is_ok()
    });
    Ok(())
}
