//! A real MariaDB in a directory of its own. It must not use the system's configuration or data.

use std::path::PathBuf;
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
pub struct MariaDb {
    process: Option<Process>,
    directory: TempDir,
    port: u16,
    tls: Option<Certificate>,
}

impl MariaDb {
    /// Makes a data directory, starts the server and waits until it answers.
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
        let directory = tempfile::Builder::new().prefix("bellflower-mariadb-").tempdir().expect("a directory");
        give(directory.path());
        let mut server =
            Self { process: None, tls: tls.map(|flaw| owned_certificate(directory.path(), flaw)), directory, port: free_port() };
        // The kernel's places for asynchronous reads and writes are few, and other servers may have them for a moment.
        let install = || {
            let _ = std::fs::remove_dir_all(server.data());
            let mut command = Command::new("mariadb-install-db");
            command.arg("--no-defaults").arg(format!("--datadir={}", server.data().display()));
            command.args(["--skip-test-db", "--auth-root-authentication-method=normal", "--innodb-log-file-size=32M"]);
            unprivileged(&mut command).output().expect("mariadb-install-db; is it installed? make deps-test")
        };
        let mut output = install();
        if !output.status.success() {
            output = install();
        }
        let [said, complained] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        assert!(output.status.success(), "{said}\n{complained}");
        let begin = format!("create user {USER}@'127.0.0.1' identified by '{PASSWORD}'; create user {USER}@localhost;");
        server.restart();
        server.sql("mysql", &begin);
        server
    }

    /// Makes a database. Returns the URL of it, over TCP, without the password.
    pub fn database(&self, name: &str) -> String {
        self.sql(
            "mysql",
            &format!("create database {name}; grant all on {name}.* to {USER}@'127.0.0.1'; grant all on {name}.* to {USER}@localhost"),
        );
        self.url(name)
    }

    /// The URL of a database, over TCP, without the password.
    pub fn url(&self, name: &str) -> String {
        format!("mysql://{USER}@127.0.0.1:{}/{name}", self.port)
    }

    /// The URL of a database over the server's socket, which asks for no password.
    pub fn socket_url(&self, name: &str) -> String {
        format!("mysql://{USER}@localhost/{name}?socket={}", self.socket().display())
    }

    /// The password of [`MariaDb::database`]'s URL.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Carries out SQL as the server's owner. Returns what it answers.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let mut command = Command::new("mariadb");
        command.arg("--no-defaults").arg(format!("--socket={}", self.socket().display()));
        command.args(["-u", "root", "-N", "-B", "-D", database, "-e", sql]);
        let output = command.output().expect("mariadb; is it installed? make deps-test");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// All of a database as statements.
    pub fn dump(&self, database: &str) -> Vec<u8> {
        let mut command = Command::new("mariadb-dump");
        command.arg("--no-defaults").arg(format!("--socket={}", self.socket().display())).args(["-u", "root", "--skip-hex-blob", database]);
        let output = command.output().expect("mariadb-dump; is it installed? make deps-test");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Ends it as an administrator would.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.stop(Duration::from_secs(20));
        }
    }

    /// Starts it again, on the same port.
    pub fn restart(&mut self) {
        let log = self.directory.path().join("log");
        let mut command = Command::new(if PathBuf::from("/usr/sbin/mariadbd").exists() { "/usr/sbin/mariadbd" } else { "mariadbd" });
        command.arg("--no-defaults").arg(format!("--datadir={}", self.data().display()));
        command.arg(format!("--socket={}", self.socket().display())).arg(format!("--port={}", self.port));
        command.arg(format!("--pid-file={}", self.directory.path().join("pid").display()));
        command.args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M"]);
        if let Some(tls) = &self.tls {
            command.arg(format!("--ssl-cert={}", tls.chain.display())).arg(format!("--ssl-key={}", tls.key.display()));
        }
        let mut process = Process::start("mariadbd", unprivileged(&mut command), &log, false);
        process.wait_for_port(self.port);
        self.process = Some(process);
        wait_until("MariaDB to answer", Duration::from_secs(30), || {
            let mut command = Command::new("mariadb");
            command.arg("--no-defaults").arg(format!("--socket={}", self.socket().display())).args(["-u", "root", "-e", "select 1"]);
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

    fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.kill();
    }
}
