//! What each part of the daemon is told of the settings.

use super::Config;
use super::values::GatewayText;
use crate::fleet::{self, Caps};
use bridge::config::{BridgeConfig, Gateway, Range};
use bridge::frame::Confine;
use std::path::PathBuf;

/// As seen from where the daemon was started; workers stand elsewhere.
fn absolute(path: &PathBuf) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.clone())
}

/// The directory of the package for plugins, where there is one.
fn packaged_plugins() -> Option<PathBuf> {
    crate::plugins::FOLDER.map(PathBuf::from).filter(|path| path.is_dir())
}

impl Config {
    /// What libpurple's side has to know.
    pub(crate) fn bridge(&self) -> BridgeConfig {
        let ranges: Vec<Range> = self.egress.allow.iter().map(|r| r.0).collect();
        BridgeConfig {
            egress_allow: ranges,
            dns_servers: self.egress.dns_servers.iter().map(|s| s.0).collect(),
            egress_source: self.egress.source.iter().map(|source| source.0).collect(),
            gateways: self.gateways().unwrap_or_default(),
            sockets: self.worker.sandbox.then(|| self.worker.sockets.iter().map(absolute).collect()),
            listen: self.egress.listen,
            protocols_allow: self.protocols.allow.clone(),
            protocols_deny: self.protocols.deny.clone(),
            plugin_paths: self.plugins.paths.iter().map(absolute).chain(packaged_plugins()).collect(),
            plugins_load: self.plugins.load.clone(),
            options_shown: self.plugins.show_options.clone(),
            plugins_left_out: Vec::new(),
            plugins_only: None,
            private_dir: None,
            names: None,
            mailbox: usize::try_from(self.limits.mailbox.0).unwrap_or(usize::MAX),
            sign_ons_per_second: if self.limits.sign_ons_per_second == 0 { u32::MAX } else { self.limits.sign_ons_per_second },
            reconnect_first: self.accounts.reconnect_first.0,
            reconnect_most: self.accounts.reconnect_most.0,
            sign_on_timeout: self.accounts.sign_on_timeout.0,
            silence: self.accounts.silence.0,
            extra_roots: self.tls.extra_roots.as_ref().map(absolute),
            native_tls: self.tls.native,
            lean: true,
            number: 0,
        }
    }

    /// The IRC networks that know this site as a gateway, with the passwords in their files.
    ///
    /// # Errors
    /// In words, with the file at fault.
    pub(crate) fn gateways(&self) -> Result<Vec<Gateway>, String> {
        self.egress.webirc.iter().map(GatewayText::read).collect()
    }

    /// How many workers run from the start on.
    fn workers(&self) -> u16 {
        let cores = || std::thread::available_parallelism().map_or(1, |cores| u16::try_from(cores.get()).unwrap_or(u16::MAX));
        self.workers.map_or_else(cores, |workers| u16::try_from(workers.0).unwrap_or(u16::MAX))
    }

    /// What the fleet has to know.
    pub(crate) fn fleet(&self) -> fleet::Settings {
        let worker = &self.worker;
        let mib = |mib: u32| u64::from(mib) << 20;
        let most = u16::try_from(worker.most.0).unwrap_or(u16::MAX);
        fleet::Settings {
            workers: self.workers().clamp(1, most),
            most,
            isolation: self.isolation,
            caps: Caps { accounts: worker.accounts, buddies: worker.buddies, memory: mib(worker.memory_mb) },
            memory_most: mib(worker.memory_most_mb),
            home_most: mib(worker.home_most_mb),
            hang: worker.hang.0,
            crashes: worker.crashes as usize,
            crash_window: worker.crash_window.0,
            quiet: worker.quiet.0,
            bridge: self.bridge(),
            confine: Confine {
                sandbox: worker.sandbox,
                read: worker.read.iter().map(absolute).collect(),
                write: worker.write.iter().map(absolute).collect(),
                exec: worker.exec,
                // Beyond what is resident: stacks and mappings that are never touched.
                address_space: mib(worker.memory_most_mb) * 4,
                core: worker.core,
            },
        }
    }

    /// What the accept loop has to know.
    pub(crate) fn server(&self) -> web::server::Settings {
        web::server::Settings {
            trusted: self.trusted_proxies.iter().map(|t| t.0.clone()).collect(),
            hosts: web::server::hosts::Hosts { names: self.hosts.iter().map(|host| host.0.clone()).collect(), addresses: false },
            origins: self.origins.iter().map(|o| o.0.clone()).collect(),
            connections: self.limits.connections,
            connections_per_address: self.limits.connections_per_address,
            body_bytes: self.limits.body_bytes as usize,
            uploads: self.limits.uploads,
            uploads_per_address: self.limits.uploads_per_address,
            receiving_bytes: self.limits.receiving_bytes,
            receiving_bytes_per_address: self.limits.receiving_bytes_per_address,
            head: self.timeouts.head.limit(),
            body: self.timeouts.body.limit(),
            upload: self.timeouts.upload.limit(),
            write: self.timeouts.write.limit(),
            idle: self.timeouts.idle.limit(),
            stop: self.timeouts.stop.0,
            tls: None,
        }
    }

    /// TLS of the site's own, read from its files now.
    ///
    /// # Errors
    /// In words, with the file at fault.
    pub(crate) fn https(&self) -> Result<Option<web::server::tls::Tls>, String> {
        match (&self.https_certificate, &self.https_key) {
            (Some(certificate), Some(key)) => web::server::tls::Tls::read(certificate, key).map(Some),
            _ => Ok(None),
        }
    }

    /// What anybody may know.
    pub(crate) fn site(&self) -> web::wire::Site {
        web::wire::Site {
            name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            guests: self.guests,
            // Names are for the proxy to give then.
            registration: if self.header_sign_in.is_some() { web::wire::Registration::Closed } else { self.registration },
            notice: self.notice.clone(),
            store: self.database().is_some(),
            sign_in: if self.header_sign_in.is_some() { web::wire::SignIn::Header } else { web::wire::SignIn::Password },
        }
    }

    /// What log-ins are held to.
    pub(crate) fn logins(&self) -> web::api::login::LoginLimits {
        web::api::login::LoginLimits {
            guests: self.guests,
            registration: self.registration,
            logins_per_minute: self.limits.logins_per_minute,
            guesses_per_hour: self.limits.guesses_per_hour,
            guests_per_address: self.limits.guests_per_address,
            registrations_per_minute: self.limits.registrations_per_minute,
            header: self.header_sign_in.as_ref().and_then(|name| name.parse().ok()),
            trusted: self.trusted_proxies.iter().map(|t| t.0.clone()).collect(),
        }
    }

    /// Where lasting data is kept, if anywhere.
    pub(crate) fn data_dir(&self) -> Option<PathBuf> {
        let state = || std::env::var_os("STATE_DIRECTORY").filter(|path| !path.is_empty()).map(PathBuf::from);
        self.data_dir.clone().or_else(state)
    }

    /// The database, as the settings have it; `None`: there are only guests.
    pub(crate) fn database(&self) -> Option<String> {
        match &self.database {
            Some(none) if none == "none" => None,
            Some(database) => Some(database.clone()),
            None => self.data_dir().map(|folder| format!("sqlite:{}", folder.join("bellflower.sqlite").display())),
        }
    }

    /// Settings of sessions that are stored.
    pub(crate) fn memory(&self) -> web::session::MemoryConfig {
        web::session::MemoryConfig {
            session_days: self.session_days,
            history: self.history,
            history_days: self.history_days,
            storage_bytes: u64::from(self.limits.storage_mb_per_user) << 20,
            guesses_per_hour: self.limits.guesses_per_hour,
        }
    }

    /// What sessions are held to.
    pub(crate) fn sessions(&self) -> web::session::SessionConfig {
        let limits = &self.limits;
        web::session::SessionConfig {
            hold_ms: self.hold_ms.0,
            heartbeat_ms: self.heartbeat_ms.0,
            grace_ms: self.grace_ms.0,
            hidden_grace_ms: self.hidden_grace_ms.0,
            linger_ms: self.linger.ms(),
            guest_linger_ms: self.guest_linger.ms(),
            failed_guest_linger_ms: self.failed_guest_linger.ms(),
            log_events: limits.log_events.0 as usize,
            log_bytes: limits.log_bytes.0 as usize,
            clients_per_user: limits.clients_per_user as usize,
            accounts_per_user: limits.accounts_per_user as usize,
            conversations_per_user: limits.conversations_per_user as usize,
            buddies_per_user: limits.buddies_per_user as usize,
            commands_per_second: limits.commands_per_second,
            requests_per_second: limits.requests_per_second,
            settings_keys: limits.settings_keys as usize,
            settings_bytes: limits.settings_bytes as usize,
            uploads_per_user: limits.uploads_per_user,
            uploads_dir: self.data_dir().map(|directory| directory.join("uploads")),
            files: web::session::StagingLimits {
                file: u64::from(limits.file_mb) << 20,
                user: u64::from(limits.files_mb_per_user) << 20,
                all: u64::from(limits.files_mb) << 20,
            },
            attaches_per_minute: limits.attaches_per_minute,
            users: limits.users as usize,
            strangers_per_hour: limits.strangers_per_hour,
            tells_addresses: !self.egress.webirc.is_empty(),
            ..web::session::SessionConfig::default()
        }
    }
}
