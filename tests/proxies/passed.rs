//! What a browser sends and gets through a proxy, over HTTP/2: the page, a log-in, polls to their end, a stream as it comes, the visitor's address.

use crate::front::Front;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const LOG_IN: &str = "/api/v1/login";

/// A visitor's browser: an address, and a jar of cookies.
struct Visitor<'a> {
    front: &'a Front,
    address: &'static str,
    jar: String,
}

impl<'a> Visitor<'a> {
    fn new(front: &'a Front, address: &'static str, name: &str) -> Self {
        Self { front, address, jar: format!("jar-{name}") }
    }

    fn curl(&self) -> Command {
        self.front.curl(self.address, &self.jar)
    }

    /// Status and body; what a visitor may claim of addresses comes with it.
    fn ask(&self, path: &str, body: Option<&Value>) -> (u16, String) {
        let mut curl = self.curl();
        curl.args(["--write-out", "\n%{http_version} %{http_code}", "--header", "X-Forwarded-For: 192.0.2.99"]);
        curl.args(["--header", "Forwarded: for=192.0.2.98;proto=http"]);
        if path == LOG_IN {
            curl.arg("--cookie-jar").arg(self.front.jar(&self.jar));
        }
        if let Some(body) = body {
            let origin = self.front.url("");
            let origin = origin.trim_end_matches(self.front.below);
            curl.args(["--header", "Content-Type: application/json", "--header", &format!("Origin: {origin}"), "--data-binary"]);
            curl.arg(body.to_string());
        }
        let output = curl.arg(self.front.url(path)).output().expect("curl");
        assert!(output.status.success(), "{path}: {}\n{}", String::from_utf8_lossy(&output.stderr), self.front.log());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, told) = text.rsplit_once('\n').expect("a last line");
        let (version, status) = told.split_once(' ').expect("two words");
        assert_eq!(version, "2", "{path} did not come by HTTP/2");
        (status.parse().expect("a number"), body.to_owned())
    }

    fn json(&self, path: &str, body: Option<&Value>) -> Value {
        let (status, text) = self.ask(path, body);
        assert!(status < 300, "{path}: {status} {text}\n{}", self.front.log());
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    fn log_in(&self) -> (u16, String) {
        self.ask(LOG_IN, Some(&json!({ "network": { "protocol": "prpl-mischief", "username": "a" } })))
    }
}

pub(crate) fn check(front: &Front) {
    let ines = Visitor::new(front, "127.0.0.2", "ines");
    let (status, page) = ines.ask("/", None);
    assert!(status == 200 && page.contains("<html"), "{status} {page}\n{}", front.log());
    assert_eq!(ines.json("/api/v1/site", None)["name"], "Bellflower");
    addresses_are_the_visitors(front);

    let (status, told) = ines.log_in();
    assert_eq!(status, 200, "{told}\n{}", front.log());
    // The proxy says that it speaks TLS: the cookie is for that alone, whichever scheme the visitor claims.
    let jar = std::fs::read_to_string(front.jar(&ines.jar)).expect("cookies");
    assert!(jar.contains("__Host-"), "{jar}");
    let attached = ines.json("/api/v1/attach", Some(&json!({ "client": "tab" })));
    let account = attached["snapshot"]["accounts"][0]["id"].as_str().expect("an account").to_owned();
    let epoch = attached["epoch"].as_str().expect("an epoch").to_owned();
    streams_come_as_they_are_written(front, &ines, &account, &epoch, &attached["seq"]);
    polls_are_held_to_their_end(&ines, &epoch);
    two_people_never_see_each_others_answers(front, &ines);
}

/// Polls until one is answered by nothing but the end of its hold.
fn polls_are_held_to_their_end(ines: &Visitor<'_>, epoch: &str) {
    let attached = ines.json("/api/v1/attach", Some(&json!({ "client": "tab" })));
    let mut after = attached["seq"].as_u64().expect("a number");
    for n in 1..20 {
        let polled = ines.json(&format!("/api/v1/poll?client=tab&epoch={epoch}&after={after}&n={n}"), None);
        let last = polled["events"].as_array().and_then(|events| events.last()).and_then(|event| event["seq"].as_u64());
        match last {
            Some(seq) => after = seq,
            None => return assert_eq!(polled["end"], "hold", "{polled}"),
        }
    }
    panic!("there was always something new");
}

/// What is said is read off a stream that is still open.
fn streams_come_as_they_are_written(front: &Front, ines: &Visitor<'_>, account: &str, epoch: &str, seq: &Value) {
    let mut stream = ines.curl();
    let url = front.url(&format!("/api/v1/stream?client=tab&epoch={epoch}&after={seq}"));
    let mut stream = stream.arg(url).stdout(Stdio::piped()).spawn().expect("curl");
    let mut lines = BufReader::new(stream.stdout.take().expect("its output")).lines();
    let mut read_until = |wanted: &str| {
        let found = lines.by_ref().map_while(Result::ok).find(|line| line.contains(wanted));
        found.unwrap_or_else(|| panic!("the stream ended without {wanted}\n{}", front.log()))
    };
    read_until("\"online\"");
    let command = |id: &str, rest: Value| {
        let mut command = json!({ "id": id });
        command.as_object_mut().expect("an object").extend(rest.as_object().cloned().unwrap_or_default());
        ines.json("/api/v1/commands", Some(&json!({ "client": "tab", "commands": [command] })))
    };
    command("1", json!({ "type": "conversation.open", "account": account, "name": "imp" }));
    let done = read_until("\"command.done\"");
    let done: Value = serde_json::from_str(done.trim_start_matches("data:").trim()).expect("JSON");
    let conversation = done["result"]["conversation"].as_str().unwrap_or_else(|| panic!("no conversation in {done}")).to_owned();
    command("2", json!({ "type": "message.send", "conversation": conversation, "text": "said through a proxy" }));
    read_until("said through a proxy");
    assert!(stream.try_wait().expect("its state").is_none(), "the stream had ended");
    stream.kill().expect("to end it");
    stream.wait().expect("its end");
}

/// Log-ins are counted by the visitor's address, whatever the visitor claims.
fn addresses_are_the_visitors(front: &Front) {
    let (one, other) = (Visitor::new(front, "127.0.0.3", "one"), Visitor::new(front, "127.0.0.4", "other"));
    let mut refused = 0;
    for _ in 0..8 {
        if one.log_in().0 == 429 {
            refused += 1;
        }
    }
    assert!(refused > 0, "nobody counted\n{}", front.log());
    let (status, told) = other.log_in();
    assert_eq!(status, 200, "one visitor's log-ins were counted against another: {told}\n{}", front.log());
}

/// Many answers at once, over the connections that the proxy shares between visitors.
fn two_people_never_see_each_others_answers(front: &Front, ines: &Visitor<'_>) {
    let bob = Visitor::new(front, "127.0.0.5", "bob");
    let (status, told) = bob.log_in();
    assert_eq!(status, 200, "{told}");
    let me = |visitor: &Visitor<'_>, tab: &str| -> Value {
        visitor.json("/api/v1/attach", Some(&json!({ "client": tab })))["user"]["id"].clone()
    };
    let (hers, his) = (me(ines, "again"), me(&bob, "again"));
    assert_ne!(hers, his);
    std::thread::scope(|scope| {
        for (tab, visitor, own) in [("1", ines, &hers), ("2", &bob, &his), ("3", ines, &hers), ("4", &bob, &his)] {
            scope.spawn(move || {
                for _ in 0..10 {
                    assert_eq!(&me(visitor, tab), own);
                }
            });
        }
    });
}
