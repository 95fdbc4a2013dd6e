//! Every setting of the daemon, with its default and its check; it reads no file and starts nothing (that is `load`).

mod keys;
mod load;
mod parts;
#[cfg(test)]
mod sample;
mod values;

pub(crate) use keys::{Key, Kind, keys, sections};
pub(crate) use load::{ConfigError, Override, load};
pub(crate) use values::{AdminListen, Listen, Number, Span};

use crate::fleet::Isolation;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use values::{AddressText, GatewayText, HostText, OriginText, RangeText, ServerText, TrustedText};
use web::wire::Registration;

/// The settings. The doc comments are the help texts of the flags.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Where the page is served: `ADDRESS:PORT` or `unix:PATH`. Port 0 takes a free one and prints it.
    pub(crate) listen: Listen,
    /// Where /metrics and /stats are served: `ADDRESS:PORT`, `unix:PATH` or `off`. Unset: loopback, the port after that of `listen`.
    pub(crate) admin_listen: Option<AdminListen>,
    /// Where lasting data is kept. Unset: $STATE_DIRECTORY; without either nothing is, unless `database` says where.
    pub(crate) data_dir: Option<PathBuf>,
    /// Where users and what they have are stored: `sqlite:PATH`, `mysql://USER@HOST/NAME`, `postgres://USER@HOST/NAME`, or `none`, for guests only. Unset: bellflower.sqlite in `data_dir`.
    pub(crate) database: Option<String>,
    /// A file with the password for `database`; else $CREDENTIALS_DIRECTORY/bellflower-database-password, if there is one.
    pub(crate) database_password_file: Option<PathBuf>,
    /// A PEM file with the site's certificate and its chain: `listen` speaks TLS. SIGHUP reads it again. Unset: a proxy does.
    pub(crate) https_certificate: Option<PathBuf>,
    /// A PEM file with the key of `https_certificate`.
    pub(crate) https_key: Option<PathBuf>,
    /// What the site calls itself.
    pub(crate) name: String,
    /// A line for the front page.
    pub(crate) notice: Option<String>,
    /// How long a poll is held, in milliseconds.
    pub(crate) hold_ms: Number<10_000, 55_000>,
    /// How often a stream says that it lives, in milliseconds; at most `hold_ms`.
    pub(crate) heartbeat_ms: Number<1_000, 55_000>,
    /// How long after the hold a silent user counts as away from the page, in milliseconds.
    pub(crate) grace_ms: Number<1_000, 600_000>,
    /// How long after the hold a silent user whose page last said it was hidden counts as away, in milliseconds.
    pub(crate) hidden_grace_ms: Number<1_000, 3_600_000>,
    /// How long the accounts of a user without a page stay signed on.
    pub(crate) linger: Span,
    /// How long the accounts of a guest without a page stay signed on.
    pub(crate) guest_linger: Span,
    /// How long a guest without a page is kept whose only account failed for good.
    pub(crate) failed_guest_linger: Span,
    /// Whether one may sign in straight with an IM account.
    pub(crate) guests: bool,
    /// Who may make a user of this site: `open`, `invite` or `closed`.
    pub(crate) registration: Registration,
    /// After so many days without use a browser is signed out; 0 means never.
    pub(crate) session_days: u32,
    /// Whether messages are stored, where the user does not say otherwise.
    pub(crate) history: bool,
    /// After so many days messages are deleted; 0 means never.
    pub(crate) history_days: u32,
    /// A file with the site's key (32 bytes, raw or base64), with which accounts sign on again by themselves after a restart; else $CREDENTIALS_DIRECTORY/bellflower-site-key, if there is one.
    pub(crate) site_key_file: Option<PathBuf>,
    /// A header in which a trusted proxy names the user, as `X-Remote-User`; it takes a site key.
    pub(crate) header_sign_in: Option<String>,
    /// The names at which the site answers, as `chat.example.org`; other hosts get 421. Empty: any, which DNS rebinding can make use of.
    pub(crate) hosts: Vec<HostText>,
    /// Further origins that may use the site, as `https://chat.example.org`.
    pub(crate) origins: Vec<OriginText>,
    /// Whose word on the visitor's address is taken: addresses, ranges, or `unix` for all who come by the Unix socket.
    pub(crate) trusted_proxies: Vec<TrustedText>,
    /// Where libpurple may connect to.
    pub(crate) egress: Egress,
    /// Which networks are offered.
    pub(crate) protocols: Protocols,
    /// Plugins of libpurple.
    pub(crate) plugins: Plugins,
    /// How accounts sign on.
    pub(crate) accounts: Accounts,
    /// Trust in IM servers.
    pub(crate) tls: Tls,
    /// How many worker processes run libpurple, at least 1. Unset: one a processor. More are started when these are full.
    pub(crate) workers: Option<Number<1, 65_535>>,
    /// Who shares a worker: `shared`, `protocol` (protocols of third parties apart from libpurple's own) or `user` (each user alone).
    pub(crate) isolation: Isolation,
    /// What a worker process may take.
    pub(crate) worker: Worker,
    /// Caps; 0 means none.
    pub(crate) limits: Limits,
    /// How long a peer may dawdle; 0 means for ever.
    pub(crate) timeouts: Timeouts,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Listen::default(),
            admin_listen: None,
            data_dir: None,
            database: None,
            database_password_file: None,
            https_certificate: None,
            https_key: None,
            name: "Bellflower".to_owned(),
            notice: None,
            hold_ms: Number(25_000),
            heartbeat_ms: Number(10_000),
            grace_ms: Number(20_000),
            hidden_grace_ms: Number(90_000),
            linger: Span::hours(12),
            guest_linger: Span::minutes(10),
            failed_guest_linger: Span::seconds(60),
            guests: true,
            registration: Registration::Closed,
            session_days: 30,
            history: true,
            history_days: 0,
            site_key_file: None,
            header_sign_in: None,
            hosts: Vec::new(),
            origins: Vec::new(),
            trusted_proxies: vec![TrustedText(web::server::peer::Trusted::Unix)],
            egress: Egress::default(),
            protocols: Protocols::default(),
            plugins: Plugins::default(),
            accounts: Accounts::default(),
            tls: Tls::default(),
            workers: None,
            isolation: Isolation::default(),
            worker: Worker::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// `[egress]`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Egress {
    /// Private address ranges that may be reached all the same, as `10.0.0.0/8`.
    pub(crate) allow: Vec<RangeText>,
    /// Name servers to ask instead of the system's: `ADDRESS` or `ADDRESS:PORT`.
    pub(crate) dns_servers: Vec<ServerText>,
    /// Addresses of this machine that connections are made from, each user always from the same one. Empty: the system chooses. Networks count connections by address.
    pub(crate) source: Vec<AddressText>,
    /// IRC networks that are told by WEBIRC where users are, as `irc.example.org=FILE` or `HOST:PORT=FILE`; the file holds the network's password.
    pub(crate) webirc: Vec<GatewayText>,
    /// Whether protocols may listen for connections on every interface, for file transfers.
    pub(crate) listen: bool,
}

/// `[protocols]`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Protocols {
    /// Protocol ids to offer, as `prpl-jabber`. Empty: all that are installed.
    pub(crate) allow: Vec<String>,
    /// Protocol ids never to load.
    pub(crate) deny: Vec<String>,
}

/// `[plugins]`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Plugins {
    /// Further directories with protocol plugins.
    pub(crate) paths: Vec<PathBuf>,
    /// Ids of plugins that are not protocols and are to be loaded.
    pub(crate) load: Vec<String>,
    /// Options that users see though they name a file, a program, a socket or the host of this machine, as `prpl-sipe/rdp_client`.
    pub(crate) show_options: Vec<String>,
}

/// `[accounts]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Accounts {
    /// First wait before a lost account is tried again; it doubles.
    pub(crate) reconnect_first: Span,
    /// Longest wait before a lost account is tried again.
    pub(crate) reconnect_most: Span,
    /// A sign-on without progress is given up after this.
    pub(crate) sign_on_timeout: Span,
    /// A connection to an IRC server that has said nothing for so long, though it was asked, is given up and tried again. XMPP's own limit is 150 s.
    pub(crate) silence: Span,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            reconnect_first: Span::seconds(2),
            reconnect_most: Span::minutes(5),
            sign_on_timeout: Span::seconds(60),
            silence: Span::seconds(150),
        }
    }
}

/// `[tls]`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tls {
    /// A PEM file with further trust roots for IM servers.
    pub(crate) extra_roots: Option<PathBuf>,
    /// Use libpurple's own TLS (for measurement only: it asks nobody about certificates).
    pub(crate) native: bool,
}

/// `[worker]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Worker {
    /// Accounts in one worker; 0 means any number.
    pub(crate) accounts: u32,
    /// Buddies in one worker above which it takes no further account; 0 means any number.
    pub(crate) buddies: u32,
    /// Resident memory of a worker, in MiB, above which it takes no further account and is emptied in quiet moments; 0 means none.
    pub(crate) memory_mb: u32,
    /// Resident memory of a worker, in MiB, above which it is ended and replaced; 0 means none.
    pub(crate) memory_most_mb: u32,
    /// Files in a worker's own directory, in MiB, above which it is ended and replaced; 0 means any number.
    pub(crate) home_most_mb: u32,
    /// Worker processes at once.
    pub(crate) most: Number<1, 10_000>,
    /// A worker whose libpurple does nothing else for so long is ended and replaced.
    pub(crate) hang: Span,
    /// So many crashes within `crash_window` set the account aside, and those of as many people their server or protocol; 0 means never.
    pub(crate) crashes: u32,
    /// The time within which `crashes` are counted, and after which a server without one is known to others than those who were there.
    pub(crate) crash_window: Span,
    /// Accounts of a worker that is to be emptied are moved when nothing was said for so long.
    pub(crate) quiet: Span,
    /// Whether workers keep themselves to what they need with Landlock and seccomp.
    pub(crate) sandbox: bool,
    /// Further files and directories that workers may read, for plugins that need them.
    pub(crate) read: Vec<PathBuf>,
    /// Further files and directories that workers may write, for plugins that need them.
    pub(crate) write: Vec<PathBuf>,
    /// Local sockets that workers may connect to, for plugins that speak to a service of this machine.
    pub(crate) sockets: Vec<PathBuf>,
    /// Whether workers may start programs, for plugins that need it.
    pub(crate) exec: bool,
    /// Whether a worker that crashes or hangs leaves a core file. It holds passwords.
    pub(crate) core: bool,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            accounts: 250,
            buddies: 25_000,
            memory_mb: 256,
            memory_most_mb: 1024,
            home_most_mb: 64,
            most: Number(64),
            hang: Span::seconds(10),
            crashes: 3,
            crash_window: Span::minutes(10),
            quiet: Span::minutes(5),
            sandbox: true,
            read: Vec::new(),
            write: Vec::new(),
            sockets: Vec::new(),
            exec: false,
            core: false,
        }
    }
}

/// `[limits]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Users at once, guests included.
    pub(crate) users: u32,
    /// Guests at once from one address.
    pub(crate) guests_per_address: u32,
    /// People that a guest may be the first to write to within an hour; ten times as many for all guests of a neighbourhood.
    pub(crate) strangers_per_hour: u32,
    /// Log-ins and registrations a minute from one address.
    pub(crate) logins_per_minute: u32,
    /// Wrong passwords an hour for one name, a quarter of them from one neighbourhood; each browser in which its user has signed in has as many.
    pub(crate) guesses_per_hour: u32,
    /// New users a minute from one address.
    pub(crate) registrations_per_minute: u32,
    /// MiB of messages and pictures that are stored of one user.
    pub(crate) storage_mb_per_user: u32,
    /// MiB of writes that may wait for the database; what comes then is a gap.
    pub(crate) store_queue_mb: Number<1, 65_536>,
    /// Accounts of one user.
    pub(crate) accounts_per_user: u32,
    /// Open conversations of one user.
    pub(crate) conversations_per_user: u32,
    /// Browsers and tabs of one user; the longest unpolled one goes.
    pub(crate) clients_per_user: u32,
    /// Connections at once.
    pub(crate) connections: u32,
    /// Connections at once from one address, trusted proxies aside.
    pub(crate) connections_per_address: u32,
    /// Bytes of one request's body.
    pub(crate) body_bytes: u32,
    /// Uploads on their way at once.
    pub(crate) uploads: u32,
    /// Uploads on their way at once from one address.
    pub(crate) uploads_per_address: u32,
    /// Uploads of one user on their way at once.
    pub(crate) uploads_per_user: u32,
    /// MiB of one file that is to be sent.
    pub(crate) file_mb: u32,
    /// MiB of one user's files that wait to be sent.
    pub(crate) files_mb_per_user: u32,
    /// MiB of all files that wait to be sent.
    pub(crate) files_mb: u32,
    /// Bytes of requests whose bodies are on their way, uploads aside.
    pub(crate) receiving_bytes: u32,
    /// Bytes of such requests from one address.
    pub(crate) receiving_bytes_per_address: u32,
    /// Attaches a minute by one user.
    pub(crate) attaches_per_minute: u32,
    /// Buddies that one user may add; lists that networks bring may be longer.
    pub(crate) buddies_per_user: u32,
    /// Commands a second by one user. Much work counts for several: each 2 KiB, a sign-on for 10, a list of rooms for 50.
    pub(crate) commands_per_second: u32,
    /// Requests a second by one user, each 16 KiB of body or answer counted as another.
    pub(crate) requests_per_second: u32,
    /// Settings that the page may keep for a user.
    pub(crate) settings_keys: u32,
    /// Bytes of settings that the page may keep for a user.
    pub(crate) settings_bytes: u32,
    /// Events kept for a user's clients to catch up with.
    pub(crate) log_events: Number<100, 1_000_000>,
    /// Bytes of events kept for a user's clients to catch up with.
    pub(crate) log_bytes: Number<65_536, 1_073_741_824>,
    /// Sign-ons begun a second by each worker, at most; 0: as many as the networks and the machine bear.
    pub(crate) sign_ons_per_second: u32,
    /// Commands that may wait for libpurple.
    pub(crate) mailbox: Number<1, 1_000_000>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            users: 5_000,
            guests_per_address: 20,
            strangers_per_hour: 10,
            logins_per_minute: 30,
            guesses_per_hour: 40,
            registrations_per_minute: 5,
            storage_mb_per_user: 0,
            store_queue_mb: Number(64),
            accounts_per_user: 20,
            conversations_per_user: 200,
            clients_per_user: 16,
            connections: 20_000,
            connections_per_address: 100,
            body_bytes: 256 * 1024,
            uploads: 64,
            uploads_per_address: 8,
            uploads_per_user: 4,
            file_mb: 512,
            files_mb_per_user: 1024,
            files_mb: 8192,
            receiving_bytes: 64 << 20,
            receiving_bytes_per_address: 4 << 20,
            attaches_per_minute: 60,
            buddies_per_user: 10_000,
            commands_per_second: 50,
            requests_per_second: 200,
            settings_keys: 1_000,
            settings_bytes: 64 * 1024,
            log_events: Number(2_000),
            log_bytes: Number(1024 * 1024),
            sign_ons_per_second: 0,
            mailbox: Number(4096),
        }
    }
}

/// `[timeouts]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Timeouts {
    /// For the head of a request, from its first byte (or from connecting) to its last.
    pub(crate) head: Span,
    /// For the body of a request; of an upload, for its next part.
    pub(crate) body: Span,
    /// For an upload as a whole.
    pub(crate) upload: Span,
    /// For a peer to take the next part of an answer.
    pub(crate) write: Span,
    /// For a connection without a request.
    pub(crate) idle: Span,
    /// For what is under way when the daemon is stopped.
    pub(crate) stop: Span,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Span::seconds(10),
            body: Span::seconds(20),
            upload: Span::minutes(5),
            write: Span::seconds(20),
            idle: Span::seconds(75),
            stop: Span::seconds(5),
        }
    }
}
