//! The built daemon on a free loopback port with a generated configuration. It must not know more of it than its command line, its
//! configuration keys and its log.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::Process;
use crate::wait::{PATIENCE, wait_until};
use crate::wire::WireClient;

/// How to start it.
pub struct DaemonBuilder {
    binary: PathBuf,
    listen: String,
    hold_ms: u32,
    egress: Vec<String>,
    top: String,
    limits: Vec<(String, u64)>,
    tables: String,
    environment: Vec<(String, String)>,
    trusted: Option<String>,
    listens: bool,
}

impl DaemonBuilder {
    /// Where it listens; a free loopback port unless set.
    pub fn listen(mut self, place: &str) -> Self {
        place.clone_into(&mut self.listen);
        self
    }

    /// How long polls are held; the shortest that the daemon allows, 10 s, unless set.
    pub fn hold_ms(mut self, hold_ms: u32) -> Self {
        self.hold_ms = hold_ms;
        self
    }

    /// Replaces the networks that IM connections may go to; loopback unless set.
    pub fn egress(mut self, networks: &[&str]) -> Self {
        self.egress = networks.iter().map(|network| (*network).to_owned()).collect();
        self
    }

    /// Lets protocols listen for connections, for files.
    pub fn listening(mut self) -> Self {
        self.listens = true;
        self
    }

    /// A top-level line of the configuration.
    pub fn config(mut self, line: &str) -> Self {
        self.top.push_str(line);
        self.top.push('\n');
        self
    }

    /// A key of `[limits]`; those that count addresses are off unless set, since every test comes from one.
    pub fn limit(mut self, key: &str, value: u64) -> Self {
        self.limits.retain(|(known, _)| known != key);
        self.limits.push((key.to_owned(), value));
        self
    }

    /// A whole table of the configuration, with its header.
    pub fn table(mut self, toml: &str) -> Self {
        self.tables.push_str(toml);
        self.tables.push('\n');
        self
    }

    /// Loads the protocol that does harm on command, `prpl-mischief`, with these further lines of `[worker]`.
    pub fn mischief(self, worker: &str) -> Self {
        self.table(&format!("[plugins]\npaths = [{:?}]\n\n[worker]\n{worker}\n", crate::mischief_plugins()))
    }

    /// An environment variable.
    pub fn environment(mut self, key: &str, value: &str) -> Self {
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Trusts this authority, in PEM, in place of the system's.
    pub fn trust(mut self, authority: String) -> Self {
        self.trusted = Some(authority);
        self
    }

    /// Starts it and waits for the address that it prints.
    pub fn start(self) -> Daemon {
        let directory = tempfile::Builder::new().prefix("bellflower-daemon-").tempdir().expect("a directory");
        let path = directory.path();
        std::fs::create_dir_all(path.join("data")).expect("a data directory");
        let egress: Vec<_> = self.egress.iter().map(|network| format!("{network:?}")).collect();
        let limits: String = self.limits.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let config = format!(
            "listen = {:?}\nadmin_listen = \"127.0.0.1:0\"\ndata_dir = {:?}\nhold_ms = {}\nguests = true\n{}\n[egress]\nallow = [{}]\nlisten = {}\n\n\
             [limits]\n{limits}\n{}",
            self.listen,
            path.join("data"),
            self.hold_ms,
            self.top,
            egress.join(", "),
            self.listens,
            self.tables,
        );
        std::fs::write(path.join("bellflower.toml"), config).expect("writing the daemon's configuration");
        let mut environment = self.environment;
        if let Some(pem) = self.trusted {
            let file = path.join("trusted.pem");
            std::fs::write(&file, pem).expect("writing the trusted authority");
            environment.push(("SSL_CERT_FILE".to_owned(), file.display().to_string()));
        }
        let mut daemon = Daemon { process: None, binary: self.binary, directory, environment, url: String::new(), allowed: Vec::new() };
        daemon.start();
        daemon
    }
}

/// The running daemon. Dropping it asks it to end, and fails the test when it does not end well or has logged a libpurple warning.
pub struct Daemon {
    process: Option<Process>,
    binary: PathBuf,
    directory: TempDir,
    environment: Vec<(String, String)>,
    url: String,
    allowed: Vec<String>,
}

impl Daemon {
    /// How to start the binary, before it is started. Integration tests pass `env!("CARGO_BIN_EXE_bellflower")`.
    pub fn builder(binary: impl AsRef<Path>) -> DaemonBuilder {
        let limits = ["guests_per_address", "strangers_per_hour", "logins_per_minute", "connections_per_address"]
            .map(|key| (key.to_owned(), 0))
            .into();
        DaemonBuilder {
            binary: binary.as_ref().to_owned(),
            listen: "127.0.0.1:0".to_owned(),
            hold_ms: 10_000,
            egress: vec!["127.0.0.0/8".to_owned(), "::1/128".to_owned()],
            top: String::new(),
            limits,
            tables: String::new(),
            environment: Vec::new(),
            trusted: None,
            listens: false,
        }
    }

    /// The binary as it comes, allowed to reach loopback.
    pub fn run(binary: impl AsRef<Path>) -> Self {
        Self::builder(binary).start()
    }

    /// The address of the page, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A browser session without a browser. `client` is the id of its tab.
    pub fn client(&self, client: &str) -> WireClient {
        WireClient::new(&self.url, client)
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.as_ref().map_or(0, Process::id)
    }

    /// Sends it a signal, by its name without SIG.
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args([format!("-{name}"), self.id().to_string()]).status().expect("kill");
        assert!(done.success());
    }

    /// Whether the process still runs.
    pub fn runs(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.ended().is_none())
    }

    /// The figures of its admin listener (`GET /stats`).
    pub fn stats(&self) -> Value {
        let address = wait_until("the admin listener's address", PATIENCE, || {
            let log = self.log();
            let (_, rest) = log.rsplit_once("figures are at http://")?;
            rest.split_once('/').map(|(address, _)| address.to_owned())
        });
        let mut answer = ureq::get(format!("http://{address}/stats")).call().unwrap_or_else(|e| panic!("GET /stats: {e}"));
        answer.body_mut().read_json().expect("figures in JSON")
    }

    /// Its processes that run libpurple, as its figures show them.
    pub fn workers(&self) -> Vec<Value> {
        self.stats()["workers"].as_array().expect("workers").clone()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    /// Names a part of a libpurple warning that this test provokes.
    pub fn allow_log(&mut self, part: &str) {
        self.allowed.push(part.to_owned());
    }

    /// Ends it without a word, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Asks it to end, and checks that it ends with 0.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let status = process.stop(Duration::from_secs(20));
            assert!(status.success(), "the daemon ended with {status}:\n{}", tail(&self.log()));
        }
    }

    /// Starts it again with the same data, on a new port.
    pub fn start(&mut self) {
        let mut command = Command::new(&self.binary);
        command.arg("serve").arg("--config").arg(self.directory.path().join("bellflower.toml")).env("RUST_LOG", "info,libpurple=warn");
        command
            .env("RUST_BACKTRACE", "1")
            .env("HOME", self.directory.path())
            .envs(self.environment.iter().map(|(key, value)| (key, value)));
        let mut process = Process::start("bellflower", &mut command, &self.log_path(), true);
        let (sender, address) = channel();
        let stdout = process.take_stdout();
        std::thread::spawn(move || {
            // Read to the end, so that the daemon never finds the pipe full or closed.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let is_place = |word: &&str| ["http://", "https://", "unix:"].iter().any(|scheme| word.starts_with(scheme));
                if let Some(url) = line.split_ascii_whitespace().find(is_place) {
                    // The receiver has left when it has its address.
                    let _ = sender.send(url.trim_end_matches('/').to_owned());
                }
            }
        });
        match address.recv_timeout(PATIENCE) {
            Ok(url) => self.url = url,
            Err(RecvTimeoutError::Timeout) => panic!("the daemon printed no address:\n{}", tail(&self.log())),
            Err(RecvTimeoutError::Disconnected) => panic!("the daemon ended at its start:\n{}", tail(&self.log())),
        }
        self.process = Some(process);
    }

    /// Runs a command that ends by itself, within a minute, with the daemon's settings; `input` is its standard input. Gives whether it went well, and all
    /// it said.
    pub fn admin(&self, arguments: &[&str], input: &str) -> (bool, String) {
        use std::io::Write;
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=10", "60"])
            .arg(&self.binary)
            .args(arguments)
            .arg("--config")
            .arg(self.directory.path().join("bellflower.toml"));
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().expect("the administrator's command");
        // One that reads nothing may have ended.
        let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("its end");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), said)
    }

    /// The directory of users, history and uploads.
    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("daemon.log")
    }

    /// The lines that fail a test: warnings and errors of libpurple and GLib, and panics anywhere.
    fn complaints(&self) -> Vec<String> {
        let log = self.log();
        log.lines()
            .filter(|line| {
                let grave = line.contains("WARN") || line.contains("ERROR") || line.contains("CRITICAL");
                let theirs = ["libpurple", "glib", "GLib", "gobject"].iter().any(|target| line.contains(target));
                (grave && theirs) || line.contains("panicked at")
            })
            .filter(|line| !self.allowed.iter().any(|part| line.contains(part)))
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let status = self.process.take().map(|mut process| process.stop(Duration::from_secs(20)));
        if std::thread::panicking() {
            eprintln!("the daemon's log:\n{}", tail(&self.log()));
            return;
        }
        if let Some(status) = status {
            assert!(status.success(), "the daemon ended with {status}:\n{}", tail(&self.log()));
        }
        let complaints = self.complaints();
        assert!(complaints.is_empty(), "the daemon's log has complaints:\n{}", complaints.join("\n"));
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(80)..].join("\n")
}
