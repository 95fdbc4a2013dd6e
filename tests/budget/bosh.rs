//! An XMPP server over BOSH (XEP-0124, XEP-0206) that lets everybody in, and stanzas over it. It reads no more of its client than it must.

use crate::flood;
use crate::stage::{Stage, Step, Wire};
use crate::xmpp;
use serde_json::json;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What the next answer contains.
    waiting: Vec<u8>,
    /// What the client has sent, from its log-in on.
    heard: String,
    requests: u64,
    /// The client has its list.
    is_in: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server.
pub(crate) struct Server {
    port: u16,
    shared: Arc<Shared>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let shared = Arc::<Shared>::default();
        let server = Self { port, shared: Arc::clone(&shared) };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                // Its client may go at any time.
                std::thread::spawn(move || serve(&stream, &shared));
            }
        });
        server
    }

    /// What the next answer contains.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.shared.lock().waiting.extend_from_slice(bytes);
        self.shared.changed.notify_all();
        Ok(())
    }

    /// Whether the client has sent this.
    pub(crate) fn has_heard(&self, text: &str) -> bool {
        self.shared.lock().heard.contains(text)
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let inside = answer(&String::from_utf8_lossy(&body), shared);
        let front = "<body xmlns='http://jabber.org/protocol/httpbind' xmlns:stream='http://etherx.jabber.org/streams' sid='s' wait='60' \
                     hold='1' requests='2' ver='1.6' xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh' from='localhost'>";
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n", front.len() + inside.len() + 7);
        let mut stream = stream;
        stream.write_all(&[head.as_bytes(), front.as_bytes(), &inside, b"</body>"].concat())?;
    }
}

/// What is in the answer to this request; it is held until there is something, or another request comes.
fn answer(body: &str, shared: &Shared) -> Vec<u8> {
    let mut state = shared.lock();
    state.requests += 1;
    let number = state.requests;
    shared.changed.notify_all();
    if !body.contains("sid=") {
        let mechanism = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>";
        return format!("<stream:features>{mechanism}</stream:features>").into();
    }
    if body.contains("<auth") {
        return b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>".to_vec();
    }
    if body.contains("restart=") {
        return b"<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>".to_vec();
    }
    state.heard.push_str(body);
    for request in body.split("<iq ").skip(1) {
        let value = |key: &str| request.split_once(&format!("{key}='")).and_then(|(_, rest)| rest.split('\'').next()).unwrap_or_default();
        if !matches!(value("type"), "get" | "set") {
            continue;
        }
        let content = if request.contains("xmpp-bind") {
            "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>ines@localhost/raw</jid></bind>".to_owned()
        } else if request.contains("jabber:iq:roster") {
            state.is_in = true;
            format!("<query xmlns='jabber:iq:roster'>{}</query>", xmpp::BOB)
        } else {
            String::new()
        };
        let from = request.split('>').next().unwrap_or_default().split_once("to='").and_then(|(_, rest)| rest.split('\'').next());
        let from = from.map(|from| format!(" from='{from}'")).unwrap_or_default();
        let result = format!("<iq xmlns='jabber:client' type='result' id='{}'{from}>{content}</iq>", value("id"));
        state.waiting.extend_from_slice(result.as_bytes());
    }
    while state.waiting.is_empty() && state.requests == number {
        let (next, timeout) = shared.changed.wait_timeout(state, Duration::from_secs(50)).unwrap_or_else(PoisonError::into_inner);
        state = next;
        if timeout.timed_out() {
            break;
        }
    }
    std::mem::take(&mut state.waiting)
}

/// At such a server.
pub(crate) fn stage() -> Stage {
    let server = Server::start();
    let network = json!({
        "protocol": "prpl-jabber", "username": "ines@localhost", "password": "secret",
        "options": {
            "bosh_url": format!("http://127.0.0.1:{}/http-bind", server.port),
            "connection_security": "opportunistic_tls", "auth_plain_in_clear": true,
        },
    });
    Stage::begin(&network, || Wire::Bosh(server))
}

/// Those at their bounds, and some thousand messages in one answer.
pub(crate) const STEPS: &[Step] = &[
    ("63 attributes on each of 1 700 elements, over BOSH", |stage| (xmpp::STANZAS[0].1)(stage)),
    ("elements in each other, over BOSH", |stage| (xmpp::STANZAS[2].1)(stage)),
    ("5 000 elements, over BOSH", |stage| (xmpp::STANZAS[3].1)(stage)),
    ("20 000 messages in one answer, over BOSH", |stage| {
        let one = |n: usize| xmpp::message("bob@localhost/x", &format!("<body>hello {n}</body>"));
        stage.send(xmpp::many(flood(20_000), |all, n| all.push_str(&one(n))));
    }),
    // Libpurple looks a resource up among all of its contact's, and an answer is one callback: 10 000 take 0.6 s.
    ("2 000 resources in one answer, over BOSH", |stage| {
        stage.send(xmpp::many(2_000, |all, n| {
            use std::fmt::Write;
            _ = write!(all, "<presence xmlns='jabber:client' from='bob@localhost/r{n}'><status>s{n}</status></presence>");
        }));
    }),
];
