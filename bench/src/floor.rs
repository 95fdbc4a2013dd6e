//! The floor: a process with libpurple, the bridge's event loop and nothing else; told what to report over a socket of its own.

use crate::Outcome;
use crate::child::{Process, Scratch, free_port, listening};
use crate::latency::{self, Latencies};
use crate::load::Subject;
use crate::prosody::Prosody;
use bridge::bare::{BareAccount, BareTls};
use bridge::model::Value;
use std::io::{BufRead, BufReader, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[derive(Default)]
struct Seen {
    online: AtomicUsize,
    received: AtomicUsize,
    /// Whether latencies are kept: those of the rounds before would count as libpurple's memory.
    timed: AtomicBool,
    latencies: Mutex<Vec<Duration>>,
}

/// The process itself.
pub(crate) fn main(port: u16, users: usize, tls: &str) -> Outcome<()> {
    bridge::prepare_process()?;
    let roots = std::env::var_os("BELLFLOWER_BENCH_ROOTS").map(std::path::PathBuf::from);
    let tls = match tls {
        "none" => BareTls::None,
        "rustls" => BareTls::Rustls,
        "nss" => BareTls::Nss,
        other => return Err(format!("`{other}`: none, rustls or nss").into()),
    };
    let control: u16 = std::env::var("BELLFLOWER_BENCH_CONTROL")?.parse()?;
    let seen = Arc::new(Seen::default());
    let listener = std::net::TcpListener::bind(("127.0.0.1", control))?;
    let told = seen.clone();
    std::thread::spawn(move || serve(&listener, &told));
    let security = if tls == BareTls::None { "opportunistic_tls" } else { "require_tls" };
    let accounts = (0..users)
        .map(|n| BareAccount {
            protocol: "prpl-jabber".to_owned(),
            username: format!("u{n}@localhost"),
            password: "secret".to_owned(),
            options: [
                ("connect_server".to_owned(), Value::Text("127.0.0.1".to_owned())),
                ("port".to_owned(), Value::Int(i64::from(port))),
                ("connection_security".to_owned(), Value::Text(security.to_owned())),
                ("auth_plain_in_clear".to_owned(), Value::Bool(true)),
            ]
            .into(),
        })
        .collect();
    let (online, received) = (seen.clone(), seen);
    bridge::bare::run(
        accounts,
        tls,
        roots,
        move || {
            online.online.fetch_add(1, Ordering::Relaxed);
        },
        move |text| {
            received.received.fetch_add(1, Ordering::Relaxed);
            if received.timed.load(Ordering::Relaxed) {
                received.latencies.lock().unwrap_or_else(PoisonError::into_inner).extend(latency::age(text));
            }
        },
    )?;
    Ok(())
}

/// One request a line: `counts`, `rest` to give heap back that bursts have left (the daemon does so by itself), or `take` for the latencies since the
/// last one.
fn serve(listener: &std::net::TcpListener, seen: &Seen) {
    for stream in listener.incoming().flatten() {
        let mut line = String::new();
        let mut reader = BufReader::new(&stream);
        if reader.read_line(&mut line).is_err() {
            continue;
        }
        let answer = match line.trim() {
            "take" => {
                seen.timed.store(true, Ordering::Relaxed);
                let taken = std::mem::take(&mut *seen.latencies.lock().unwrap_or_else(PoisonError::into_inner));
                taken.iter().map(|one| one.as_nanos().to_string()).collect::<Vec<_>>().join(" ")
            }
            "rest" => {
                // SAFETY: no requirements.
                unsafe { libc::malloc_trim(0) };
                String::new()
            }
            _ => format!("{} {}", seen.online.load(Ordering::Relaxed), seen.received.load(Ordering::Relaxed)),
        };
        // Whoever asked may have gone.
        let _ = (&stream).write_all(format!("{answer}\n").as_bytes());
    }
}

/// The process as its parent sees it.
pub(crate) struct Floor {
    pub(crate) process: Process,
    control: u16,
    log: std::path::PathBuf,
    _dir: Scratch,
}

impl Floor {
    /// Starts it and waits until all are signed on.
    pub(crate) async fn start(prosody: &Prosody, users: usize, tls: &str) -> Outcome<Self> {
        let port = prosody.port;
        let dir = Scratch::new(&format!("floor-{users}-{tls}"))?;
        let control = free_port()?;
        let log = dir.0.join("log");
        let mut command = std::process::Command::new(std::env::current_exe()?);
        command.arg("floor").args(["--port", &port.to_string(), "--users", &users.to_string(), "--tls", tls]);
        command.env("BELLFLOWER_BENCH_CONTROL", control.to_string());
        if tls != "none" {
            command.env("BELLFLOWER_BENCH_ROOTS", &prosody.certificate);
        }
        let mut process = Process::start(command, &log)?;
        listening(control, &mut process, &log).await?;
        let mut floor = Self { process, control, log, _dir: dir };
        floor.all_online(users).await?;
        Ok(floor)
    }

    async fn ask(&self, what: &str) -> Outcome<String> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.control)).await?;
        stream.write_all(format!("{what}\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    async fn counts(&mut self) -> Outcome<(usize, usize)> {
        if !self.process.running() {
            return Err(format!("the bare libpurple has ended; it said: {}", std::fs::read_to_string(&self.log).unwrap_or_default()).into());
        }
        let answer = self.ask("counts").await?;
        let mut counts = answer.split_whitespace().map(|count| count.parse::<usize>().unwrap_or(0));
        Ok((counts.next().unwrap_or(0), counts.next().unwrap_or(0)))
    }

    /// Waits until all are signed on; gives up when none more is for a minute.
    async fn all_online(&mut self, users: usize) -> Outcome<()> {
        let (mut before, mut since) = (0, tokio::time::Instant::now());
        loop {
            let (online, _) = self.counts().await?;
            if online >= users {
                return Ok(());
            }
            if online > before {
                (before, since) = (online, tokio::time::Instant::now());
            } else if since.elapsed() > Duration::from_secs(60) {
                let said = std::fs::read_to_string(&self.log).unwrap_or_default();
                return Err(format!("the bare libpurple: only {online} of {users} signed on; it said: {said}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Subject for Floor {
    fn root(&self) -> u32 {
        self.process.id()
    }

    async fn count(&mut self) -> Outcome<usize> {
        Ok(self.counts().await?.1)
    }

    async fn rest(&mut self) -> Outcome<()> {
        self.ask("rest").await.map(|_| ())
    }

    async fn take(&mut self) -> Outcome<Latencies> {
        let answer = self.ask("take").await?;
        Ok(Latencies(answer.split_whitespace().filter_map(|nanos| nanos.parse().ok()).map(Duration::from_nanos).collect()))
    }
}
