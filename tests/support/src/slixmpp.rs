//! A foreign XMPP client (slixmpp) as the other end of file transfers. It must not know the daemon: it is told what to do, and tells what happens.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use serde_json::{Value, json};

use crate::prosody::Prosody;
use crate::wait::PATIENCE;

/// The system's Python, for which the distribution has slixmpp.
const PYTHON: &str = "/usr/bin/python3";

/// A signed-on slixmpp. Events that a wait did not match stay for later waits.
pub struct Slixmpp {
    child: Child,
    orders: ChildStdin,
    events: Receiver<Value>,
    kept: VecDeque<Value>,
    jid: String,
}

impl Slixmpp {
    /// Signs `name` on with a resource, and waits until it is there.
    pub fn connect(prosody: &Prosody, name: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/slixmpp/peer.py");
        let mut child = Command::new(PYTHON)
            .args([script, "127.0.0.1", &prosody.port().to_string(), &format!("{name}@localhost/slixmpp"), &prosody.password(name)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("slixmpp (python3-slixmpp)");
        let stdout = child.stdout.take().expect("its output");
        let orders = child.stdin.take().expect("its input");
        let (sender, events) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        let mut peer = Self { child, orders, events, kept: VecDeque::new(), jid: String::new() };
        let online = peer.wait("its own sign-on", |event| event["event"] == "online");
        online["jid"].as_str().expect("an address").clone_into(&mut peer.jid);
        peer
    }

    /// The full address.
    pub fn jid(&self) -> &str {
        &self.jid
    }

    /// Has it do something.
    pub fn order(&mut self, what: &str, mut fields: Value) {
        fields["do"] = what.into();
        writeln!(self.orders, "{fields}").expect("telling slixmpp");
    }

    /// Offers a file by `ibb`, `s5b` or `both`.
    pub fn offer(&mut self, to: &str, sid: &str, name: &str, size: u64, method: &str) {
        self.order("offer", json!({ "to": to, "sid": sid, "name": name, "size": size, "method": method }));
    }

    /// The first event, of those kept and those to come, that `wanted` accepts; panics with what came instead.
    #[track_caller]
    pub fn wait(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(found) = self.kept.iter().position(&wanted).and_then(|index| self.kept.remove(index)) {
            return found;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) if event["event"] == "failed" && !wanted(&event) => panic!("slixmpp waited for {what}, and failed: {event}"),
                Ok(event) if wanted(&event) => return event,
                Ok(event) => {
                    self.kept.push_back(event);
                    // Progress alone is much.
                    if self.kept.len() > 1000 {
                        self.kept.pop_front();
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("slixmpp waited {PATIENCE:?} in vain for {what}; kept: {:#?}", self.kept),
                Err(RecvTimeoutError::Disconnected) => panic!("slixmpp ended, which waited for {what}; kept: {:#?}", self.kept),
            }
        }
    }

    /// The last event of this sort that has come; of those kept it and the ones before are forgotten.
    pub fn last(&mut self, sort: &str) -> Option<Value> {
        self.kept.extend(self.events.try_iter());
        let last = self.kept.iter().rev().find(|event| event["event"] == sort).cloned();
        self.kept.retain(|event| event["event"] != sort);
        last
    }
}

impl Drop for Slixmpp {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
