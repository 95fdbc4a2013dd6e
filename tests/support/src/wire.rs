//! A browser session without a browser: cookie, attach, polls with a cursor, commands with ids. It must not smooth over what the wire's
//! rules forbid: it panics on it.

mod cookies;
mod enter;
mod files;
mod talk;

pub use files::{Bytes, Download, check, piece};
pub use talk::joins;

use std::collections::{BTreeSet, VecDeque};
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::http::Response;
use ureq::{Agent, Body};

use self::cookies::Cookies;
use crate::stream::{Block, Stream};
use crate::wait::PATIENCE;

/// What the daemon answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; null when there is none or it is not JSON.
    pub body: Value,
}

impl Answer {
    /// The body of an answer that must be a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "a success was expected: {self:?}");
        self.body
    }

    /// The `error.code`, or an empty text.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// One tab of one browser. Events that a wait did not match stay for later waits.
pub struct WireClient {
    base: String,
    agent: Agent,
    cookies: Cookies,
    address: Option<String>,
    header: Option<(String, String)>,
    client: String,
    epoch: String,
    after: u64,
    n: u64,
    commands: u64,
    kept: VecDeque<Value>,
    /// Accounts whose state in the snapshot a wait has used.
    used: BTreeSet<String>,
    /// The whole state as of the last attach; events are not applied to it.
    pub snapshot: Value,
}

impl WireClient {
    /// A tab with this id, not yet signed in. `base` has no slash at its end.
    pub fn new(base: &str, client: &str) -> Self {
        let agent = Agent::new_with_config(Agent::config_builder().http_status_as_error(false).build());
        Self {
            base: base.to_owned(),
            agent,
            cookies: Cookies::default(),
            address: None,
            header: None,
            client: client.to_owned(),
            epoch: String::new(),
            after: 0,
            n: 0,
            commands: 0,
            kept: VecDeque::new(),
            used: BTreeSet::new(),
            snapshot: Value::Null,
        }
    }

    /// Another tab of the same browser: the same cookie, an id of its own, not attached.
    pub fn tab(&self, client: &str) -> Self {
        Self { cookies: self.cookies.clone(), address: self.address.clone(), ..Self::new(&self.base, client) }
    }

    /// Comes from this address, for a daemon that trusts the loopback's word (`trusted_proxies`).
    #[must_use]
    pub fn at(mut self, address: &str) -> Self {
        self.address = Some(address.to_owned());
        self
    }

    /// Sends this header with every POST.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.header = Some((name.to_owned(), value.to_owned()));
        self
    }

    /// Points the client at a daemon that has come back elsewhere; cookie, cursor and kept events stay.
    pub fn moved_to(&mut self, base: &str) {
        base.clone_into(&mut self.base);
    }

    /// The cookie of its session, as a browser sends it.
    pub fn cookie(&self) -> Option<&str> {
        self.cookies.session()
    }

    /// The last sequence number processed.
    pub fn after(&self) -> u64 {
        self.after
    }

    /// GET below `/api/v1`.
    pub fn get(&mut self, path: &str) -> Answer {
        self.get_within(path, PATIENCE).unwrap_or_else(|e| panic!("GET {path}: {e}"))
    }

    /// The same, as bytes.
    pub fn get_bytes(&mut self, path: &str) -> Vec<u8> {
        let mut request = self.agent.get(format!("{}/api/v1{path}", self.base));
        if let Some(cookie) = self.cookies.all() {
            request = request.header("cookie", cookie);
        }
        let mut answer = request.call().unwrap_or_else(|e| panic!("GET {path}: {e}"));
        answer.body_mut().read_to_vec().expect("bytes")
    }

    /// The same, as a text.
    pub fn get_text(&mut self, path: &str) -> String {
        String::from_utf8(self.get_bytes(path)).expect("a text")
    }

    fn get_within(&mut self, path: &str, patience: Duration) -> Result<Answer, ureq::Error> {
        let mut request = self.agent.get(format!("{}/api/v1{path}", self.base));
        if let Some(address) = &self.address {
            request = request.header("x-forwarded-for", address);
        }
        if let Some(cookie) = self.cookies.all() {
            request = request.header("cookie", cookie);
        }
        let answer = request.config().timeout_global(Some(patience)).build().call()?;
        self.taken(answer)
    }

    /// POST of JSON below `/api/v1`.
    pub fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.try_post(path, body).unwrap_or_else(|e| panic!("POST {path}: {e}"))
    }

    /// The same of a daemon that may not answer.
    ///
    /// # Errors
    /// No answer came.
    pub fn try_post(&mut self, path: &str, body: &Value) -> Result<Answer, String> {
        let mut request = self.agent.post(format!("{}/api/v1{path}", self.base));
        if let Some(address) = &self.address {
            request = request.header("x-forwarded-for", address);
        }
        if let Some(cookie) = self.cookies.all() {
            request = request.header("cookie", cookie);
        }
        if let Some((name, value)) = &self.header {
            request = request.header(name, value);
        }
        let sent = request.config().timeout_global(Some(PATIENCE)).build().send_json(body);
        sent.and_then(|answer| self.taken(answer)).map_err(|error| error.to_string())
    }

    fn taken(&mut self, mut answer: Response<Body>) -> Result<Answer, ureq::Error> {
        let headers: Vec<_> = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        self.cookies.take(&headers);
        let bytes = answer.body_mut().read_to_vec()?;
        Ok(Answer { status: answer.status().as_u16(), headers, body: serde_json::from_slice(&bytes).unwrap_or_default() })
    }

    /// Attaches, takes the snapshot and sets the cursor to it. Kept events are forgotten.
    pub fn attach(&mut self) -> Value {
        let answer = self.post("/attach", &json!({ "client": self.client }));
        self.attached(answer)
    }

    /// The same of a daemon that may not answer, or not let in.
    ///
    /// # Errors
    /// No answer came, or another one.
    pub fn try_attach(&mut self) -> Result<Value, String> {
        let answer = self.try_post("/attach", &json!({ "client": self.client }))?;
        if answer.status == 200 { Ok(self.attached(answer)) } else { Err(format!("{} {}", answer.status, answer.code())) }
    }

    fn attached(&mut self, answer: Answer) -> Value {
        let attached = answer.ok();
        self.epoch = match &attached["epoch"] {
            Value::String(epoch) => epoch.clone(),
            other => other.to_string(),
        };
        self.after = attached["seq"].as_u64().expect("attach gives a seq");
        self.kept.clear();
        self.used.clear();
        self.snapshot = attached["snapshot"].clone();
        attached
    }

    /// The id of the only, or the first, account of the snapshot.
    pub fn account(&self) -> String {
        self.snapshot["accounts"][0]["id"].as_str().unwrap_or_else(|| panic!("no account in {}", self.snapshot)).to_owned()
    }

    /// Waits until the first account is online; an account that fails panics with its error.
    pub fn wait_online(&mut self) {
        let account = self.account();
        self.wait_account_online(&account);
    }

    /// Waits until this account is online; an account that fails panics with its error. Each wait needs news of its own: the snapshot serves the
    /// first one after an attach, later ones take an `account.state`.
    pub fn wait_account_online(&mut self, account: &str) {
        let accounts = self.snapshot["accounts"].as_array().into_iter().flatten();
        let state = match accounts.into_iter().find(|known| known["id"] == *account && !self.used.contains(account)) {
            Some(known) if known["state"] == "online" || known["state"] == "error" => known.clone(),
            _ => self.wait_account_state(account, &["online", "error"]),
        };
        assert_eq!(state["state"], "online", "the account has failed: {state}");
        self.used.insert(account.to_owned());
    }

    /// Waits for an `account.state` with one of these states.
    pub fn wait_account_state(&mut self, account: &str, states: &[&str]) -> Value {
        self.wait_event(&format!("account.state {states:?}"), |event| {
            event["type"] == "account.state"
                && names(&event["account"], account)
                && event["state"].as_str().is_some_and(|state| states.contains(&state))
        })
    }

    /// The query of the next poll, counting `n` up.
    pub fn poll_query(&mut self) -> String {
        self.n += 1;
        format!("client={}&epoch={}&after={}&n={}", self.client, self.epoch, self.after, self.n)
    }

    /// One poll with the present cursor, which moves over what came. Events are checked against the rules, and given and not kept.
    pub fn poll(&mut self) -> Answer {
        self.poll_within(Duration::from_secs(70)).expect("an answer to a poll")
    }

    /// The same, cut after a while: `None`.
    pub fn poll_within(&mut self, patience: Duration) -> Option<Answer> {
        self.try_poll_within(patience).unwrap_or_else(|error| panic!("a poll failed: {error}"))
    }

    /// The same of a daemon that may not answer.
    ///
    /// # Errors
    /// The connection failed.
    pub fn try_poll_within(&mut self, patience: Duration) -> Result<Option<Answer>, String> {
        let query = self.poll_query();
        match self.get_within(&format!("/poll?{query}"), patience) {
            Ok(answer) => {
                self.advance(&answer);
                Ok(Some(answer))
            }
            Err(ureq::Error::Timeout(_)) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn advance(&mut self, answer: &Answer) {
        for event in answer.body["events"].as_array().into_iter().flatten() {
            let seq = event["seq"].as_u64().unwrap_or_else(|| panic!("an event without a seq: {event}"));
            assert!(seq > self.after, "seq {seq} came after {}: {event}", self.after);
            assert!(event["type"].is_string() && event["time"].is_string(), "an event without type or time: {event}");
            self.after = seq;
        }
    }

    /// A poll from an older cursor: what a browser does that lost the answer. The cursor does not move.
    pub fn replay_from(&mut self, after: u64) -> Answer {
        let present = std::mem::replace(&mut self.after, after);
        let query = self.poll_query();
        self.after = present;
        self.get_within(&format!("/poll?{query}"), Duration::from_secs(70)).expect("an answer to a poll")
    }

    /// Sends a poll and cuts the connection before any answer: the cursor stays.
    pub fn cut_poll(&mut self) {
        let query = self.poll_query();
        let address = self.base.trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(&address).expect("a connection to the daemon");
        let cookie = self.cookies.session().unwrap_or_default();
        write!(stream, "GET /api/v1/poll?{query} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n").expect("sending a poll");
    }

    /// Opens a stream from the present cursor, which [`Self::take_block`] moves.
    #[track_caller]
    pub fn stream(&mut self) -> Stream {
        let query = self.poll_query();
        self.stream_of(&format!("/stream?{query}"), "").unwrap_or_else(|head| panic!("no stream: {head}"))
    }

    /// Opens what is a stream, below `/api/v1`, with further header lines; the head of another answer is the error.
    ///
    /// # Errors
    /// Any other answer.
    pub fn stream_of(&self, path: &str, headers: &str) -> Result<Stream, String> {
        let cookie = self.cookies.session().map_or_else(String::new, |cookie| format!("Cookie: {cookie}\r\n"));
        Stream::open(self.base.trim_start_matches("http://"), &format!("/api/v1{path}"), &format!("{cookie}{headers}"))
    }

    /// Processes a block of a stream: an event moves the cursor, and is given.
    #[track_caller]
    pub fn take_block(&mut self, block: &Block) -> Option<Value> {
        if !block.name.is_empty() {
            assert!(block.id.is_empty(), "{block:?}");
            return None;
        }
        let seq = block.data["seq"].as_u64().unwrap_or_else(|| panic!("an event without a seq: {block:?}"));
        assert_eq!(block.id, format!("{}:{seq}", self.epoch));
        assert!(seq > self.after, "seq {seq} came after {}: {block:?}", self.after);
        self.after = seq;
        Some(block.data.clone())
    }

    /// Acknowledges everything up to the cursor, apart from polls.
    pub fn acknowledge(&mut self) -> Answer {
        let body = json!({ "client": self.client, "commands": [], "epoch": self.epoch, "after": self.after });
        self.post("/commands", &body)
    }

    /// Everything that has come and that no wait has taken.
    pub fn kept(&self) -> impl Iterator<Item = &Value> {
        self.kept.iter()
    }

    /// The first event, of those kept and those to come, that `wanted` accepts; panics after [`PATIENCE`] with what came instead.
    #[track_caller]
    pub fn wait_event(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(found) = self.kept.iter().position(&wanted).and_then(|index| self.kept.remove(index)) {
            return found;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let answer = if left.is_zero() { None } else { self.poll_within(left) };
            let Some(answer) = answer else { panic!("{} waited {PATIENCE:?} in vain for {what}; kept:\n{}", self.client, self.listing()) };
            assert!(
                answer.status == 200 && answer.body["reset"].is_null(),
                "{} waited for {what}, but the poll said {answer:?}",
                self.client
            );
            self.kept.extend(answer.body["events"].as_array().into_iter().flatten().cloned());
            if let Some(found) = self.kept.iter().position(&wanted).and_then(|index| self.kept.remove(index)) {
                return found;
            }
        }
    }

    fn listing(&self) -> String {
        self.kept.iter().map(|event| format!("  {event}\n")).collect()
    }

    /// Waits for a `message.received` with this text and gives its `message`.
    #[track_caller]
    pub fn hears(&mut self, text: &str) -> Value {
        let event = self
            .wait_event(&format!("the message {text:?}"), |event| event["type"] == "message.received" && event["message"]["text"] == text);
        event["message"].clone()
    }

    /// Posts one command and gives its id; a rejection panics.
    #[track_caller]
    pub fn command(&mut self, kind: &str, fields: Value) -> String {
        let id = self.new_id();
        let answer = self.post_command(&id, kind, fields);
        assert_eq!((answer.status, answer.body["accepted"][0].as_str()), (202, Some(id.as_str())), "{kind} was not accepted: {answer:?}");
        id
    }

    /// An id that no command of this client has had.
    pub fn new_id(&mut self) -> String {
        self.commands += 1;
        format!("{}-{}", self.client, self.commands)
    }

    /// Posts one command under an id of one's own and gives the answer as it is.
    pub fn post_command(&mut self, id: &str, kind: &str, fields: Value) -> Answer {
        self.try_command(id, kind, fields).unwrap_or_else(|error| panic!("POST /commands: {error}"))
    }

    /// The same of a daemon that may not answer.
    ///
    /// # Errors
    /// No answer came.
    pub fn try_command(&mut self, id: &str, kind: &str, mut fields: Value) -> Result<Answer, String> {
        fields["id"] = id.into();
        fields["type"] = kind.into();
        self.try_post("/commands", &json!({ "client": self.client, "commands": [fields] }))
    }

    /// Waits for what became of a command: its result, or its error.
    #[track_caller]
    pub fn outcome(&mut self, id: &str) -> Result<Value, Value> {
        let event = self.wait_event(&format!("the outcome of command {id}"), |event| {
            (event["type"] == "command.done" || event["type"] == "command.failed") && event["origin"]["command"] == id
        });
        if event["type"] == "command.done" { Ok(event["result"].clone()) } else { Err(event["error"].clone()) }
    }

    /// Carries a command out and gives its result; a failure panics.
    #[track_caller]
    pub fn carry_out(&mut self, kind: &str, fields: Value) -> Value {
        let id = self.command(kind, fields);
        self.outcome(&id).unwrap_or_else(|error| panic!("{kind} failed: {error}"))
    }
}

/// Whether an event's `account` is this id, be it the bare id or the whole object.
fn names(value: &Value, account: &str) -> bool {
    value == account || value["id"] == account
}
