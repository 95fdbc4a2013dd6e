//! A real PostgreSQL in a directory of its own. It must not use the system's clusters.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::certs::{Certificate, Flaw};
use crate::process::{Process, free_port};
use crate::unprivileged::{give, owned_certificate, unprivileged};
use crate::wait::wait_until;

/// The user of the tests, and the password.
const USER: &str = "bellflower";
const PASSWORD: &str = "pa ss:wo@rd/1";

/// The running server. Dropping it ends it.
pub struct Postgres {
    process: Option<Process>,
    directory: TempDir,
    port: u16,
    tls: Option<Certificate>,
}

impl Postgres {
    /// Makes a cluster, starts it and waits until it answers.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// The same, with TLS over TCP and a certificate for `localhost` that has this flaw. Returns it with the file of the authority that signed.
    pub fn start_with_tls(flaw: Flaw) -> (Self, PathBuf) {
        let server = Self::start_with(Some(flaw));
        let authority = server.directory.path().join("authority.pem");
        (server, authority)
    }

    fn start_with(tls: Option<Flaw>) -> Self {
        let directory = tempfile::Builder::new().prefix("bellflower-postgres-").tempdir().expect("a directory");
        give(directory.path());
        let password = directory.path().join("password");
        std::fs::write(&password, PASSWORD).expect("a file with the password");
        give(&password);
        let mut server =
            Self { process: None, tls: tls.map(|flaw| owned_certificate(directory.path(), flaw)), directory, port: free_port() };
        let mut command = Command::new(program("initdb"));
        command.arg("-D").arg(server.data()).arg("--pwfile").arg(&password);
        command.args(["-U", USER, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]);
        command.args(["--auth-local=trust", "--auth-host=scram-sha-256"]);
        let output = unprivileged(&mut command).output().expect("initdb; is it installed? make deps-test");
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        server.restart();
        server
    }

    /// Makes a database. Returns the URL of it, over TCP, without the password.
    pub fn database(&self, name: &str) -> String {
        self.sql("postgres", &format!("create database {name}"));
        self.url(name)
    }

    /// The URL of a database, over TCP, without the password.
    pub fn url(&self, name: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{name}", self.port)
    }

    /// The URL of a database over the server's socket, which asks for no password.
    pub fn socket_url(&self, name: &str) -> String {
        let directory = self.directory.path().display();
        format!("postgres://localhost:{}/{name}?host={directory}&user={USER}", self.port)
    }

    /// The password of [`Postgres::database`]'s URL.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Carries out SQL as the server's owner. Returns what it answers.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let mut command = Command::new(program("psql"));
        command.arg("-h").arg(self.directory.path()).arg("-p").arg(self.port.to_string());
        command.args(["-U", USER, "-d", database, "-Atqc", sql]);
        let output = command.output().expect("psql; is it installed? make deps-test");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// All of a database as statements.
    pub fn dump(&self, database: &str) -> Vec<u8> {
        let mut command = Command::new(program("pg_dump"));
        command.arg("-h").arg(self.directory.path()).arg("-p").arg(self.port.to_string()).args(["-U", USER, database]);
        let output = command.output().expect("pg_dump; is it installed? make deps-test");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Lets all of it hang: connections stay, and nothing answers.
    pub fn hang(&self) {
        self.signal_all(libc::SIGSTOP);
    }

    /// Lets it go on after [`Postgres::hang`].
    pub fn go_on(&self) {
        self.signal_all(libc::SIGCONT);
    }

    fn signal_all(&self, signal: i32) {
        let process = self.process.as_ref().expect("the server runs");
        process.signal(signal);
        for child in children(process.id()) {
            // SAFETY: kill takes no pointers. The ids were those of the server's children an instant ago.
            unsafe { libc::kill(child, signal) };
        }
    }

    /// Ends all of it at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let children = children(process.id());
            process.kill();
            for child in children {
                // SAFETY: kill takes no pointers. The ids were those of the server's children an instant ago.
                unsafe { libc::kill(child, libc::SIGKILL) };
                wait_until("the end of a session", Duration::from_secs(10), || {
                    (!Path::new(&format!("/proc/{child}")).exists()).then_some(())
                });
            }
        }
    }

    /// Ends it as an administrator would who does not wait for those who are connected.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal(libc::SIGINT);
            process.stop(Duration::from_secs(10));
        }
    }

    /// Starts it again, on the same port.
    pub fn restart(&mut self) {
        let log = self.directory.path().join("log");
        let mut command = Command::new(program("postgres"));
        command.arg("-D").arg(self.data()).arg("-k").arg(self.directory.path()).arg("-p").arg(self.port.to_string());
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=40"]);
        if let Some(tls) = &self.tls {
            command.args(["-c", "ssl=on"]).arg("-c").arg(format!("ssl_cert_file={}", tls.chain.display()));
            command.arg("-c").arg(format!("ssl_key_file={}", tls.key.display()));
        }
        let mut process = Process::start("postgres", unprivileged(&mut command), &log, false);
        process.wait_for_port(self.port);
        self.process = Some(process);
        // The port is open while it still puts things right after a kill.
        wait_until("PostgreSQL to answer", Duration::from_secs(30), || {
            let mut command = Command::new(program("pg_isready"));
            command.arg("-h").arg(self.directory.path()).arg("-p").arg(self.port.to_string());
            command.output().is_ok_and(|output| output.status.success()).then_some(())
        });
    }

    /// The id of the server's process.
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("the server runs").id()
    }

    /// Where it keeps its databases and their logs.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Each session of PostgreSQL's is a process, in a group of its own.
fn children(process: u32) -> Vec<libc::pid_t> {
    let listed = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// Debian keeps the server's programs out of the way, in a directory for each version.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").map(|all| all.flatten().map(|one| one.path()).collect()).unwrap_or_default();
    let mut versions: Vec<PathBuf> = versions;
    versions.sort();
    let found = versions.iter().rev().map(|version| version.join("bin").join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| PathBuf::from(name))
}
