//! A real ngircd in a directory of its own. It must not look anything up or slow anybody down.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::certs::{Authority, Flaw};
use crate::process::{Process, free_port};

/// What to start.
#[derive(Default)]
pub struct NgircdBuilder {
    channels: Vec<(String, String)>,
    password: Option<String>,
    tls: Option<Flaw>,
    port: Option<u16>,
    gateways: Option<String>,
    per_address: u32,
    operator: bool,
}

impl NgircdBuilder {
    /// `OPER root secret` makes an operator of the server.
    pub fn operator(mut self) -> Self {
        self.operator = true;
        self
    }

    /// The loopback port to listen on; a free one unless set.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// A channel that is there from the start, with its topic.
    pub fn channel(mut self, name: &str, topic: &str) -> Self {
        self.channels.push((name.to_owned(), topic.to_owned()));
        self
    }

    /// Lets nobody in without this password.
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// Gateways that know this password say for whom they connect (WEBIRC).
    pub fn gateways(mut self, password: &str) -> Self {
        self.gateways = Some(password.to_owned());
        self
    }

    /// Connections at once from one address, all others being turned away; any number unless set.
    pub fn per_address(mut self, connections: u32) -> Self {
        self.per_address = connections;
        self
    }

    /// A second port that speaks TLS from the first byte, with a certificate for `localhost` that has this flaw.
    pub fn tls(mut self, flaw: Flaw) -> Self {
        self.tls = Some(flaw);
        self
    }

    /// Starts it and waits until it accepts connections.
    pub fn start(self) -> Ngircd {
        let directory = tempfile::Builder::new().prefix("bellflower-ngircd-").tempdir().expect("a directory");
        let mut server = Ngircd {
            process: None,
            directory,
            authority: Authority::new(),
            port: self.port.unwrap_or_else(free_port),
            tls_port: self.tls.map(|_| free_port()),
            password: self.password.clone(),
        };
        let mut config = format!(
            "[Global]\nName = irc.localhost.test\nInfo = A server for tests\nListen = 127.0.0.1\nPorts = {}\nMotdPhrase = Be kind.\n\
             {}{}\n[Limits]\nMaxConnections = 0\nMaxConnectionsIP = {}\nMaxJoins = 0\nMaxNickLength = 30\nMaxPenaltyTime = 0\n\
             PingTimeout = 120\n\n[Options]\nDNS = no\nIdent = no\nPAM = no\nIncludeDir = {}\n{}\n",
            server.port,
            // As root, ngircd becomes nobody by itself, which could not reach this directory for a reload.
            "ServerUID = 0\nServerGID = 0\n",
            self.password.map(|password| format!("Password = {password}\n")).unwrap_or_default(),
            self.per_address,
            server.path("none").display(),
            self.gateways.map(|password| format!("WebircPassword = {password}\n")).unwrap_or_default(),
        );
        if let (Some(flaw), Some(port)) = (self.tls, server.tls_port) {
            let certificate = server.authority.issue(server.directory.path(), "server", "localhost", flaw);
            let _ = write!(
                config,
                "[SSL]\nCertFile = {}\nKeyFile = {}\nPorts = {port}\n\n",
                certificate.chain.display(),
                certificate.key.display()
            );
        }
        if self.operator {
            config.push_str("[Operator]\nName = root\nPassword = secret\n\n");
        }
        for (name, topic) in &self.channels {
            let _ = write!(config, "[Channel]\nName = {name}\nTopic = {topic}\n\n");
        }
        std::fs::create_dir_all(server.path("none")).expect("an empty directory");
        std::fs::write(server.path("ngircd.conf"), config).expect("writing ngircd's configuration");
        server.start();
        server
    }
}

/// The running server. Dropping it ends it.
pub struct Ngircd {
    process: Option<Process>,
    directory: TempDir,
    authority: Authority,
    port: u16,
    tls_port: Option<u16>,
    password: Option<String>,
}

impl Ngircd {
    /// What to start, before it is started.
    pub fn builder() -> NgircdBuilder {
        NgircdBuilder::default()
    }

    /// The loopback port; the same over a restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The loopback port that speaks TLS.
    pub fn tls_port(&self) -> u16 {
        self.tls_port.expect("the server was built with tls()")
    }

    /// The password it asks for, when it asks.
    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The authority that signed the server's certificate, in PEM.
    pub fn authority_pem(&self) -> String {
        self.authority.pem()
    }

    /// Ends it without a word to its clients.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Ends it as an administrator would.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.stop(Duration::from_secs(10));
        }
    }

    /// Starts it again on the same port.
    pub fn start(&mut self) {
        let program = if std::path::Path::new("/usr/sbin/ngircd").exists() { "/usr/sbin/ngircd" } else { "ngircd" };
        let mut command = Command::new(program);
        command.arg("-n").arg("-f").arg(self.path("ngircd.conf"));
        let mut process = Process::start("ngircd", &mut command, &self.path("ngircd.log"), false);
        // The ports begin to listen one after the other.
        [Some(self.port), self.tls_port].into_iter().flatten().for_each(|port| process.wait_for_port(port));
        self.process = Some(process);
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.path("ngircd.log")).unwrap_or_default()).into_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}
