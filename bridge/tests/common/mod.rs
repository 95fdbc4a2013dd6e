//! A started bridge for the tests of this crate: sends commands as users, waits for their events. libpurple is a singleton: one a process.
// A fixture fails its test by panicking. Each test uses a part of what is here.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

pub(crate) mod heap;

use bridge::command::{AccountSettings, Origin, Secret, Username};
use bridge::config::BridgeConfig;
use bridge::id::{AccountId, UserId};
use bridge::model::{AccountState, Status, Value};
use bridge::{BridgeHandle, Command, CommandKind, Event, EventKind, Networks as _};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use support::Prosody;

/// A wait that is longer fails the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// libpurple running, and what came out of it and was not waited for yet.
pub(crate) struct Running {
    pub(crate) handle: BridgeHandle,
    events: bridge::handle::Events,
    thread: Option<std::thread::JoinHandle<Result<(), bridge::error::StartError>>>,
    runtime: tokio::runtime::Runtime,
    unseen: VecDeque<Event>,
    commands: u64,
}

// As the daemon does it.
support::before_main!(bridge::prepare_process);

impl Running {
    /// Loopback allowed, and short waits.
    pub(crate) fn config() -> BridgeConfig {
        BridgeConfig {
            egress_allow: vec!["127.0.0.0/8".parse().unwrap()],
            sign_ons_per_second: 1000,
            reconnect_first: Duration::from_millis(50),
            reconnect_most: Duration::from_millis(200),
            ..BridgeConfig::default()
        }
    }

    /// Starts it.
    pub(crate) fn with(config: BridgeConfig) -> Self {
        let bridge = bridge::start(config).expect("libpurple starts");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { handle: bridge.handle, events: bridge.events, thread: Some(bridge.thread), runtime, unseen: VecDeque::new(), commands: 0 }
    }

    /// Sends a command and gives its origin's command id.
    pub(crate) fn send(&mut self, user: u64, kind: CommandKind) -> String {
        self.commands += 1;
        let command = format!("k{}", self.commands);
        let origin = Some(Origin { client: "test".to_owned(), command: command.clone() });
        self.handle.send(Command { user: UserId(user), origin, kind }).expect("the mailbox has room");
        command
    }

    /// Sends a command and waits for its good or bad end.
    pub(crate) fn run(&mut self, user: u64, kind: CommandKind) -> Result<Option<bridge::event::Outcome>, bridge::error::CommandError> {
        let id = self.send(user, kind);
        let ended = self.wait("a command's end", |event| {
            let ours = event.origin.as_ref().is_some_and(|origin| origin.command == id);
            ours && matches!(event.kind, EventKind::CommandDone { .. } | EventKind::CommandFailed { .. })
        });
        match ended.kind {
            EventKind::CommandDone { result } => Ok(result),
            EventKind::CommandFailed { error } => Err(error),
            other => panic!("not an end: {other:?}"),
        }
    }

    /// The next batch into the unseen ones; false when none came in time.
    fn more(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let (runtime, events) = (&self.runtime, &mut self.events);
        match runtime.block_on(async { tokio::time::timeout(left, events.recv()).await }) {
            Ok(Some(batch)) => {
                self.unseen.extend(batch);
                true
            }
            Ok(None) | Err(_) => false,
        }
    }

    /// The first event, seen from where the last wait ended, that is wanted; those before it are dropped.
    pub(crate) fn wait(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        let deadline = Instant::now() + PATIENCE;
        let mut passed = Vec::new();
        loop {
            while let Some(event) = self.unseen.pop_front() {
                if wanted(&event) {
                    return event;
                }
                passed.push(event);
            }
            assert!(self.more(deadline), "{what} did not come; what came: {passed:#?}");
        }
    }

    /// Waits until an account stands so.
    pub(crate) fn stands(&mut self, account: u64, state: AccountState) -> Event {
        self.wait(&format!("account {account} {state:?}"), |event| match &event.kind {
            EventKind::AccountState { account: which, standing } => which.0 == account && standing.state == state,
            _ => false,
        })
    }

    /// Removes an account and waits until it is gone.
    pub(crate) fn remove(&mut self, user: u64, account: u64) {
        self.run(user, CommandKind::RemoveAccount(AccountId(account))).expect("the account is there");
    }

    /// One full turn of the libpurple loop.
    pub(crate) fn turn(&mut self) {
        let ping = self.handle.ping();
        self.runtime.block_on(ping).expect("the loop turns");
    }

    /// Drops what has come so far.
    pub(crate) fn forget(&mut self) {
        self.turn();
        while let Some(batch) = self.events.try_recv() {
            drop(batch);
        }
        self.unseen.clear();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.quit();
        let ended = self.thread.take().map(std::thread::JoinHandle::join);
        if !std::thread::panicking() {
            assert!(matches!(ended, Some(Ok(Ok(())))), "the libpurple thread panicked");
        }
    }
}

/// An XMPP account on that server.
pub(crate) fn xmpp(prosody: &Prosody, name: &str, password: &str) -> AccountSettings {
    xmpp_at(name, password, prosody.port(), "opportunistic_tls")
}

/// An XMPP account on whatever listens on that port.
pub(crate) fn xmpp_at(name: &str, password: &str, port: u16, security: &str) -> AccountSettings {
    AccountSettings {
        person: None,
        visitor: None,
        protocol: "prpl-jabber".to_owned(),
        username: Username::Whole(format!("{name}@localhost")),
        password: Some(Secret::new(password.to_owned())),
        options: [
            ("connect_server".to_owned(), Value::Text("127.0.0.1".to_owned())),
            ("port".to_owned(), Value::Int(i64::from(port))),
            ("connection_security".to_owned(), Value::Text(security.to_owned())),
            ("auth_plain_in_clear".to_owned(), Value::Bool(true)),
        ]
        .into(),
        stored: std::collections::BTreeMap::new(),
        pins: Vec::new(),
        alias: String::new(),
        enabled: true,
        status: Status::default(),
        before: bridge::command::Before::default(),
    }
}

/// The command that adds it.
pub(crate) fn add(account: u64, settings: AccountSettings) -> CommandKind {
    CommandKind::AddAccount { account: AccountId(account), settings: Box::new(settings) }
}
