//! What unit tests of the libpurple side share: who owns GLib's default context, and the check that libpurple never complained; only compiled for tests.

use super::connection::{self, Pace, Phase};
use super::token::OnPurple;
use super::{account, accounts, blist, conversation, notify, outbox, privacy, protocols, request, roomlist, thread, trust};
use crate::command::{AccountSettings, Username};
use crate::config::BridgeConfig;
use crate::event::{Batch, EventKind};
use crate::id::{AccountId, UserId};
use crate::model::{Status, Value};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

static COMPLAINTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static ALONE: Mutex<()> = Mutex::new(());

/// Notes a CRITICAL or WARNING of libpurple's or GLib's.
pub(super) fn complained(text: &str) {
    COMPLAINTS.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
}

/// The ownership of GLib's default context.
pub(crate) struct Alone {
    _lock: MutexGuard<'static, ()>,
}

impl Drop for Alone {
    fn drop(&mut self) {
        OnPurple::retract();
    }
}

/// Makes this test's thread libpurple's until the guard is dropped; other tests wait. Keep the guard to the end of the test.
pub(crate) fn default_context() -> (OnPurple, Alone) {
    let alone = Alone { _lock: ALONE.lock().unwrap_or_else(PoisonError::into_inner) };
    // SAFETY: whoever runs the default context in a test holds the lock.
    (unsafe { OnPurple::declare() }, alone)
}

/// One turn of the default context; whether anything was dispatched.
pub(crate) fn turn(_: OnPurple, wait: bool) -> bool {
    // SAFETY: the default context, on the one thread that runs it.
    unsafe { glib_sys::g_main_context_iteration(std::ptr::null_mut(), wait.into()) != glib_sys::GFALSE }
}

/// libpurple's core with this crate's parts on it, in a process of its own; nothing here connects anywhere.
pub(super) struct Core {
    pub(super) token: OnPurple,
    events: tokio::sync::mpsc::UnboundedReceiver<Batch>,
}

/// Runs `body` with a core, in a process of its own (see `alone.rs`), and fails the test `name` (its full path) when libpurple or GLib complained.
pub(super) fn with_core(name: &str, body: impl FnOnce(&mut Core)) {
    with_config(name, &BridgeConfig::default(), body);
}

/// The same with the protocol that obeys its user (`tests/support/mischief`): its accounts can be signed on, without any network.
pub(super) fn with_mischief(name: &str, body: impl FnOnce(&mut Core)) {
    with_config(name, &BridgeConfig { plugin_paths: vec![support::mischief_plugins().into()], ..BridgeConfig::default() }, body);
}

/// The same for tests with servers of their own on loopback, where accounts may listen too.
pub(super) fn with_servers(name: &str, body: impl FnOnce(&mut Core)) {
    let egress_allow = vec!["127.0.0.0/8".parse().unwrap()];
    with_config(name, &BridgeConfig { egress_allow, listen: true, ..BridgeConfig::default() }, body);
}

/// The same where accounts may not listen, as by default.
pub(super) fn with_servers_alone(name: &str, body: impl FnOnce(&mut Core)) {
    let egress_allow = vec!["127.0.0.0/8".parse().unwrap()];
    with_config(name, &BridgeConfig { egress_allow, ..BridgeConfig::default() }, body);
}

fn with_config(name: &str, config: &BridgeConfig, body: impl FnOnce(&mut Core)) {
    super::alone::run(name, |token| {
        let dir = thread::bring_up_core(token, config, Box::new(trust::Accounts)).unwrap();
        blist::install(token);
        account::install(token);
        let hour = Duration::from_secs(3600);
        connection::install(
            token,
            Pace { between: Duration::ZERO, first: hour, most: hour, timeout: hour, silence: hour, held: super::connection::HELD },
        );
        conversation::install(token);
        super::icon::install(token);
        super::picture::install(token);
        request::install(token);
        notify::install(token);
        privacy::install(token);
        roomlist::install(token);
        super::transfer::install(token);
        // SAFETY: after core_init.
        unsafe { purple_sys::purple_network_force_online() };
        super::interpose::load_plugins(token);
        super::picture::listen(token);
        super::irc::listen(token);
        super::transfer::listen(token);
        blist::groups::listen(token);
        protocols::catalogue(token, config);
        let (sender, events) = tokio::sync::mpsc::unbounded_channel();
        outbox::open(token, outbox::Way::Channel(sender));
        body(&mut Core { token, events });
        drop(dir);
        let complaints = std::mem::take(&mut *COMPLAINTS.lock().unwrap_or_else(PoisonError::into_inner));
        assert!(complaints.is_empty(), "libpurple complained: {complaints:#?}");
    });
}

impl Core {
    /// What was told so far and not taken yet.
    pub(super) fn events(&mut self) -> Vec<(UserId, EventKind)> {
        blist::flush(self.token);
        outbox::flush(self.token);
        let mut all = Vec::new();
        while let Ok(batch) = self.events.try_recv() {
            all.extend(batch.into_iter().map(|event| (event.user, event.kind)));
        }
        all
    }

    /// An XMPP account of `user` that is not signed on.
    pub(super) fn account(&mut self, user: u64, id: u64) -> *mut purple_sys::PurpleAccount {
        self.add(user, id, settings("prpl-jabber", &format!("user{user}@example.org")))
    }

    /// Adds an account, and drops what that tells.
    pub(super) fn add(&mut self, user: u64, id: u64, settings: AccountSettings) -> *mut purple_sys::PurpleAccount {
        account::add(self.token, UserId(user), AccountId(id), settings).unwrap();
        self.events();
        accounts::pointer(self.token, UserId(user), AccountId(id)).unwrap()
    }

    /// An account of the protocol that obeys, signed on ([`with_mischief`]).
    pub(super) fn online(&mut self, user: u64, id: u64) -> *mut purple_sys::PurpleAccount {
        let purple = self.add(user, id, AccountSettings { enabled: true, ..settings("prpl-mischief", &format!("user{user}")) });
        let token = self.token;
        let online = || accounts::read(token, AccountId(id), |entry| matches!(entry.sign_on.phase, Phase::Online { .. }));
        self.turn_until(|| online() == Some(true));
        // The rest of a sign-on comes a turn later.
        self.turns();
        self.events();
        purple
    }

    /// Has an account of that protocol do something, and gives what was told meanwhile.
    pub(super) fn order(&mut self, user: u64, id: u64, what: &str) -> Vec<(UserId, EventKind)> {
        let opened = conversation::open(self.token, UserId(user), AccountId(id), "someone", false).unwrap();
        let conversation::Ended::Now(Some(crate::event::Outcome::Conversation(conversation))) = opened else { panic!("no conversation") };
        conversation::send(self.token, UserId(user), conversation, what, what).unwrap();
        self.events()
    }

    /// Lets the loop run as long as it finds something to do at once.
    pub(super) fn turns(&self) {
        while turn(self.token, false) {}
    }

    /// Lets the loop run until `done`; fails after a minute.
    pub(super) fn turn_until(&self, mut done: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !done() {
            assert!(Instant::now() < end, "nothing happened for a minute");
            if !turn(self.token, false) {
                std::thread::yield_now();
            }
        }
    }
}

/// An account without a password that is not to be signed on.
pub(super) fn settings(protocol: &str, username: &str) -> AccountSettings {
    AccountSettings {
        person: None,
        visitor: None,
        protocol: protocol.to_owned(),
        username: Username::Whole(username.to_owned()),
        password: None,
        options: BTreeMap::new(),
        stored: BTreeMap::new(),
        pins: Vec::new(),
        alias: String::new(),
        enabled: false,
        status: Status::default(),
        before: crate::command::Before::default(),
    }
}

/// One of the protocol that obeys, which does this while it signs on.
pub(super) fn at_sign_on(what: &str) -> AccountSettings {
    let options = BTreeMap::from([("at_sign_on".to_owned(), Value::Text(what.to_owned()))]);
    AccountSettings { options, enabled: true, ..settings("prpl-mischief", "somebody") }
}
