//! A real BitlBee with libpurple on loopback, a process for each user (ForkDaemon), and IRC clients that sign on to Jabber through it.

use crate::Outcome;
use crate::child::{Process, Scratch, free_port, listening};
use crate::latency::{self, Latencies};
use crate::load::{Near, Subject};
use crate::proc;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};

/// Sign-ons under way at once.
const AT_ONCE: usize = 5;
/// For the answer to one command; a new process loads every plugin first.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Seen {
    online: AtomicUsize,
    received: AtomicUsize,
    latencies: Mutex<Vec<Duration>>,
    /// Told of each message.
    arrived: Notify,
    failure: Mutex<Option<String>>,
}

/// The gateway with its users; gone when dropped.
pub(crate) struct Bitlbee {
    process: Process,
    port: u16,
    seen: Arc<Seen>,
    clients: Vec<tokio::task::JoinHandle<()>>,
    _dir: Scratch,
}

impl Bitlbee {
    pub(crate) async fn start() -> Outcome<Self> {
        let dir = Scratch::new("bitlbee")?;
        let (users, config) = (dir.0.join("users"), dir.0.join("bitlbee.conf"));
        std::fs::create_dir_all(&users)?;
        let port = free_port()?;
        std::fs::write(&config, "[settings]\nRunMode = ForkDaemon\nAuthMode = Open\nPingInterval = 0\n[defaults]\nprivate = 1\n")?;
        let known = ["/usr/sbin/bitlbee", "/usr/bin/bitlbee"].into_iter().find(|path| Path::new(path).exists());
        let mut command = Command::new(known.unwrap_or("bitlbee"));
        command.args(["-F", "-n", "-i", "127.0.0.1", "-p", &port.to_string(), "-c"]).arg(&config).arg("-d").arg(&users);
        let log = dir.0.join("log");
        let mut process = Process::start(command, &log)?;
        listening(port, &mut process, &log).await?;
        Ok(Self { process, port, seen: Arc::default(), clients: Vec::new(), _dir: dir })
    }

    /// Signs on `u{n}` of the Prosody at that port for each of the numbers, and waits for all.
    pub(crate) async fn join(&mut self, users: std::ops::Range<usize>, jabber: u16) -> Outcome<()> {
        let gate = Arc::new(Semaphore::new(AT_ONCE));
        for n in users {
            let (port, seen, gate) = (self.port, Arc::clone(&self.seen), Arc::clone(&gate));
            self.clients.push(tokio::spawn(async move {
                if let Err(error) = stay(port, n, jabber, &seen, &gate).await {
                    seen.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(format!("user {n} of BitlBee: {error}"));
                }
            }));
        }
        while self.seen.online.load(Relaxed) < self.clients.len() {
            self.check()?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Whether it is the one with libpurple: other distributions build it without.
    pub(crate) fn has_libpurple(&self) -> bool {
        std::fs::read_to_string(format!("/proc/{}/maps", self.process.id())).is_ok_and(|maps| maps.contains("libpurple"))
    }

    fn check(&self) -> Outcome<()> {
        match self.seen.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(failure) => Err(failure.into()),
            None => Ok(()),
        }
    }
}

impl Drop for Bitlbee {
    fn drop(&mut self) {
        // A user's process ends with its client, and would outlive the first one.
        for client in &self.clients {
            client.abort();
        }
        for pid in proc::tree(self.process.id()).unwrap_or_default() {
            if let Ok(pid) = i32::try_from(pid) {
                // SAFETY: a process that descends from ours, which is not waited for yet.
                unsafe { libc::kill(pid, libc::SIGKILL) };
            }
        }
    }
}

impl Subject for Bitlbee {
    fn root(&self) -> u32 {
        self.process.id()
    }

    async fn count(&mut self) -> Outcome<usize> {
        self.check()?;
        Ok(self.seen.received.load(Relaxed))
    }

    async fn take(&mut self) -> Outcome<Latencies> {
        Ok(Latencies(std::mem::take(&mut *self.seen.latencies.lock().unwrap_or_else(PoisonError::into_inner))))
    }
}

impl Near for Bitlbee {
    async fn arrival(&mut self) {
        self.seen.arrived.notified().await;
    }
}

/// An IRC client.
struct Client {
    stream: BufReader<TcpStream>,
    line: String,
}

impl Client {
    async fn say(&mut self, line: &str) -> Outcome<()> {
        Ok(self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).await?)
    }

    /// The next line; pings are answered.
    async fn next(&mut self) -> Outcome<&str> {
        loop {
            self.line.clear();
            if self.stream.read_line(&mut self.line).await? == 0 {
                return Err("BitlBee closed the connection".into());
            }
            if !self.line.starts_with("PING") {
                return Ok(self.line.trim_end());
            }
            let pong = self.line.trim_end().replacen("PING", "PONG", 1);
            self.say(&pong).await?;
        }
    }

    /// Reads until a line has one of the words in it.
    async fn until(&mut self, words: &[&str]) -> Outcome<()> {
        let mut last = String::new();
        let found = async {
            loop {
                let line = self.next().await?;
                if words.iter().any(|word| line.contains(word)) {
                    return Outcome::Ok(());
                }
                last.clear();
                last.push_str(line);
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(found) => found,
            Err(_) => Err(format!("no {words:?}; the last line was: {last}").into()),
        }
    }

    /// A command to the gateway, and a word of its answer.
    async fn command(&mut self, command: &str, answer: &str) -> Outcome<()> {
        self.say(&format!("PRIVMSG &bitlbee :{command}")).await?;
        self.until(&[answer]).await
    }
}

async fn stay(port: u16, n: usize, jabber: u16, seen: &Seen, gate: &Semaphore) -> Outcome<()> {
    let permit = gate.acquire().await?;
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut client = Client { stream: BufReader::with_capacity(1024, stream), line: String::new() };
    client.say(&format!("NICK user{n}")).await?;
    client.say(&format!("USER user{n} 0 * :user{n}")).await?;
    client.until(&[" 376 ", " 422 "]).await?;
    client.command("register secret", "successfully created").await?;
    client.command(&format!("account add jabber u{n}@localhost secret"), "successfully added").await?;
    let settings = [
        ("connect_server", "127.0.0.1"),
        ("port", &jabber.to_string()),
        ("connection_security", "opportunistic_tls"),
        ("auth_plain_in_clear", "true"),
    ];
    for (key, value) in settings {
        client.command(&format!("account jabber set {key} {value}"), key).await?;
    }
    client.command("account jabber on", "Logged in").await?;
    drop(permit);
    seen.online.fetch_add(1, Relaxed);
    loop {
        if let Some(age) = latency::age(client.next().await?) {
            seen.latencies.lock().unwrap_or_else(PoisonError::into_inner).push(age);
            seen.received.fetch_add(1, Relaxed);
            seen.arrived.notify_one();
        }
    }
}
