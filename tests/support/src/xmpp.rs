//! A raw XMPP client (RFC 6120, 6121, XEP-0045, XEP-0085): the person at the other end. It must not hide a stanza from the test.

use std::collections::VecDeque;
use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::wait::PATIENCE;
use crate::xml::{Element, Incoming, quoted, read_stream};

/// A server of XMPP on loopback, for the domain `localhost`, whose rooms are at `rooms.localhost`.
pub trait XmppServer {
    /// The port for clients that begin without TLS.
    fn port(&self) -> u16;

    /// The password of an account.
    fn password(&self, name: &str) -> String;
}

/// A signed-on client. Stanzas that a wait did not match stay for later waits.
pub struct XmppPeer {
    stream: TcpStream,
    incoming: Receiver<Incoming>,
    kept: VecDeque<Element>,
    jid: String,
    next_id: u32,
}

impl XmppPeer {
    /// Signs `name` on with resource `peer`, fetches the roster and becomes available.
    pub fn connect(server: &dyn XmppServer, name: &str) -> Self {
        Self::connect_as(server, name, "peer")
    }

    /// As [`XmppPeer::connect`], with a resource of one's own.
    pub fn connect_as(server: &dyn XmppServer, name: &str, resource: &str) -> Self {
        let mut peer = Self::bind(server, name, resource);
        peer.request("get", "", "<query xmlns='jabber:iq:roster'/>");
        peer.send("<presence/>");
        let own = peer.jid.clone();
        peer.wait_for("its own presence", |s| s.name == "presence" && s.is("from", &own));
        peer
    }

    /// Authenticates and binds, without roster or presence: the server counts it as not available.
    pub fn bind(server: &dyn XmppServer, name: &str, resource: &str) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).expect("a connection to the server");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        let reading = stream.try_clone().expect("a second handle");
        let (sender, incoming) = channel();
        std::thread::spawn(move || read_stream(BufReader::new(reading), |stanza| sender.send(stanza).is_ok()));
        let mut peer = Self { stream, incoming, kept: VecDeque::new(), jid: format!("{name}@localhost/{resource}"), next_id: 0 };
        let opening = "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' \
                       xmlns:stream='http://etherx.jabber.org/streams'>";
        peer.send(opening);
        peer.wait_for("the features before SASL", |s| s.name == "stream:features");
        let credentials = STANDARD.encode(format!("\0{name}\0{}", server.password(name)));
        peer.send(&format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{credentials}</auth>"));
        let verdict = peer.wait_for("SASL's verdict", |s| s.name == "success" || s.name == "failure");
        assert_eq!(verdict.name, "success", "{name} may not sign on: {verdict:?}");
        peer.send(opening);
        peer.wait_for("the features after SASL", |s| s.name == "stream:features");
        let bound =
            peer.request("set", "", &format!("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{resource}</resource></bind>"));
        peer.jid = bound.child("bind").and_then(|bind| bind.child_text("jid")).expect("a bound address").to_owned();
        peer
    }

    /// The full address.
    pub fn jid(&self) -> &str {
        &self.jid
    }

    /// Sends XML as it is.
    pub fn send(&mut self, xml: &str) {
        self.stream.write_all(xml.as_bytes()).unwrap_or_else(|e| panic!("{} cannot send: {e}", self.jid));
    }

    /// Sends an IQ and waits for its result; an error panics.
    pub fn request(&mut self, kind: &str, to: &str, payload: &str) -> Element {
        let answer = self.ask(kind, to, payload);
        assert!(answer.is("type", "result"), "{} asked {payload} and got {answer:?}", self.jid);
        answer
    }

    /// Sends an IQ and waits for what answers it, be it an error.
    pub fn ask(&mut self, kind: &str, to: &str, payload: &str) -> Element {
        let id = self.new_id();
        let to = if to.is_empty() { String::new() } else { format!(" to='{}'", quoted(to)) };
        self.send(&format!("<iq type='{kind}' id='{id}'{to}>{payload}</iq>"));
        self.wait_for("an answer to its request", |s| s.name == "iq" && s.is("id", &id))
    }

    /// Refuses the next question of this namespace, as clients do that do not know it.
    pub fn refuse(&mut self, namespace: &str) {
        let asks = |s: &Element| s.name == "iq" && s.is("type", "get") && s.children.iter().any(|child| child.is("xmlns", namespace));
        let asked = self.wait_for(&format!("a question of {namespace}"), asks);
        let [from, id] = ["from", "id"].map(|key| quoted(asked.attr(key).expect("who asks, and which question")));
        let error = "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
        self.send(&format!("<iq type='error' to='{from}' id='{id}'>{error}</iq>"));
    }

    /// Sends a chat message with this body.
    pub fn say(&mut self, to: &str, body: &str) {
        let id = self.new_id();
        self.send(&format!("<message type='chat' id='{id}' to='{}'><body>{}</body></message>", quoted(to), quoted(body)));
    }

    /// Sends a chat state alone: `composing`, `paused`, `active`, `inactive` or `gone` (XEP-0085).
    pub fn chat_state(&mut self, to: &str, state: &str) {
        self.send(&format!("<message type='chat' to='{}'><{state} xmlns='http://jabber.org/protocol/chatstates'/></message>", quoted(to)));
    }

    /// Changes its presence: `show` is `away`, `chat`, `dnd`, `xa` or nothing.
    pub fn show(&mut self, show: &str, status: &str) {
        let show = if show.is_empty() { String::new() } else { format!("<show>{show}</show>") };
        self.send(&format!("<presence>{show}<status>{}</status></presence>", quoted(status)));
    }

    /// Sends a presence of a type (`subscribe`, `subscribed`, `unsubscribe`, `unsubscribed`, `unavailable`) to somebody.
    pub fn presence_to(&mut self, to: &str, kind: &str) {
        self.send(&format!("<presence to='{}' type='{kind}'/>", quoted(to)));
    }

    /// Puts a contact on its roster, in a group.
    pub fn roster_set(&mut self, jid: &str, name: &str, group: &str) {
        let item = format!(
            "<query xmlns='jabber:iq:roster'><item jid='{}' name='{}'><group>{}</group></item></query>",
            quoted(jid),
            quoted(name),
            quoted(group)
        );
        self.request("set", "", &item);
    }

    /// Enters a room and waits until it is in (status 110).
    pub fn join(&mut self, room: &str, nick: &str) {
        let place = format!("{room}/{nick}");
        self.send(&format!("<presence to='{}'><x xmlns='http://jabber.org/protocol/muc'/></presence>", quoted(&place)));
        // Not what came of leaving it before.
        let entered = |s: &Element| s.is("type", "error") || is_self(s) && !s.is("type", "unavailable");
        let answer = self.wait_for("its entry into the room", |s| s.name == "presence" && s.is("from", &place) && entered(s));
        assert!(!answer.is("type", "error"), "{} may not enter {place}: {answer:?}", self.jid);
    }

    /// Leaves a room.
    pub fn leave(&mut self, room: &str, nick: &str) {
        self.presence_to(&format!("{room}/{nick}"), "unavailable");
    }

    /// Says something in a room.
    pub fn say_in(&mut self, room: &str, body: &str) {
        let id = self.new_id();
        self.send(&format!("<message type='groupchat' id='{id}' to='{}'><body>{}</body></message>", quoted(room), quoted(body)));
    }

    /// Sets a room's subject.
    pub fn topic(&mut self, room: &str, topic: &str) {
        self.send(&format!("<message type='groupchat' to='{}'><subject>{}</subject></message>", quoted(room), quoted(topic)));
    }

    /// The first stanza, of those kept and those to come, that `wanted` accepts; panics after [`PATIENCE`] with what came instead.
    pub fn wait_for(&mut self, what: &str, wanted: impl Fn(&Element) -> bool) -> Element {
        self.wait_within(what, PATIENCE, wanted)
    }

    /// As [`XmppPeer::wait_for`], with a patience of one's own.
    pub fn wait_within(&mut self, what: &str, patience: Duration, wanted: impl Fn(&Element) -> bool) -> Element {
        if let Some(found) = self.kept.iter().position(&wanted).and_then(|index| self.kept.remove(index)) {
            return found;
        }
        let deadline = Instant::now() + patience;
        loop {
            match self.incoming.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Incoming::Element(stanza)) if wanted(&stanza) => return stanza,
                Ok(Incoming::Element(stanza)) => self.kept.push_back(stanza),
                Ok(Incoming::Opened) => {}
                Ok(Incoming::Closed(why)) => panic!("{} waited for {what}, but its stream ended: {why}; kept: {:#?}", self.jid, self.kept),
                Err(RecvTimeoutError::Timeout) => panic!("{} waited {patience:?} in vain for {what}; kept: {:#?}", self.jid, self.kept),
                Err(RecvTimeoutError::Disconnected) => panic!("{} waited for {what}, but nothing can come any more", self.jid),
            }
        }
    }

    /// The next stanza, kept ones first, or nothing after `patience`; an ended stream panics.
    pub fn next_within(&mut self, patience: Duration) -> Option<Element> {
        if let Some(stanza) = self.kept.pop_front() {
            return Some(stanza);
        }
        match self.incoming.recv_timeout(patience) {
            Ok(Incoming::Element(stanza)) => Some(stanza),
            Ok(Incoming::Opened) | Err(RecvTimeoutError::Timeout) => None,
            Ok(Incoming::Closed(_)) | Err(RecvTimeoutError::Disconnected) => panic!("{}: the stream ended", self.jid),
        }
    }

    /// Waits for a message with this body and gives it.
    pub fn hears(&mut self, body: &str) -> Element {
        self.wait_for(&format!("the message {body:?}"), |s| s.says(body))
    }

    /// Every stanza that came and that no wait has taken, after a round trip to the server: what was sent before it has arrived.
    pub fn received(&mut self) -> Vec<Element> {
        self.request("get", "localhost", "<ping xmlns='urn:xmpp:ping'/>");
        self.kept.iter().cloned().collect()
    }

    /// Cuts the connection without a word.
    pub fn cut(self) {
        // Nobody cares whether the peer had closed first.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn new_id(&mut self) -> String {
        self.next_id += 1;
        format!("peer-{}", self.next_id)
    }
}

impl Drop for XmppPeer {
    fn drop(&mut self) {
        // The reader thread holds a handle of its own: it ends when the connection does.
        let _ = self.stream.write_all(b"</stream:stream>");
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn is_self(stanza: &Element) -> bool {
    stanza.children.iter().any(|x| x.name == "x" && x.children.iter().any(|status| status.name == "status" && status.is("code", "110")))
}
