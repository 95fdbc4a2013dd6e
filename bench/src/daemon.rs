//! The daemon and the floor with the same N accounts on the same server, one after the other, and the table of both.

use crate::Outcome;
use crate::child::{Process, Scratch, free_port, listening};
use crate::floor::Floor;
use crate::latency::Latencies;
use crate::prosody::Prosody;
use crate::raw::{self, Raw};
use crate::wire::{self, Seen};
use crate::{latency, proc};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What one population gave.
#[derive(Default, Clone)]
pub(crate) struct Row {
    pub(crate) users: usize,
    pub(crate) memory: u64,
    pub(crate) latencies: Latencies,
    /// CPU seconds for 10 000 messages.
    pub(crate) cpu: f64,
    /// CPU seconds for all sign-ons.
    pub(crate) sign_on: f64,
}

/// A daemon without limits that may reach loopback.
pub(crate) struct Daemon {
    pub(crate) process: Process,
    pub(crate) port: u16,
    _dir: Scratch,
}

impl Daemon {
    pub(crate) async fn start(binary: &Path) -> Outcome<Self> {
        let dir = Scratch::new("daemon")?;
        let port = free_port()?;
        let config = dir.0.join("bellflower.toml");
        let limits = [
            "users",
            "guests_per_address",
            "logins_per_minute",
            "connections_per_address",
            "connections",
            "attaches_per_minute",
            "commands_per_second",
        ];
        let limits: String = limits.iter().map(|limit| format!("{limit} = 0\n")).collect();
        let text = format!(
            "listen = \"127.0.0.1:{port}\"\ndata_dir = \"{}\"\nguests = true\n[egress]\nallow = [\"127.0.0.0/8\"]\n[limits]\n{limits}",
            dir.0.display()
        );
        std::fs::write(&config, text)?;
        let log = dir.0.join("log");
        let mut command = Command::new(binary);
        command.arg("serve").arg("--config").arg(&config);
        let mut process = Process::start(command, &log)?;
        listening(port, &mut process, &log).await?;
        Ok(Self { process, port, _dir: dir })
    }
}

/// `network` of a log-in for user `n`.
fn network(n: usize, xmpp: u16) -> serde_json::Value {
    json!({ "protocol": "prpl-jabber", "username": format!("u{n}@localhost"), "password": "secret",
        "options": { "connect_server": "127.0.0.1", "port": xmpp, "connection_security": "opportunistic_tls", "auth_plain_in_clear": true } })
}

/// Messages at a light, even pace.
const LIGHT: usize = 2000;

/// 250 messages a second, and at most 10 to one user: from 20 on, answers are grouped on purpose.
fn pause(users: usize) -> Duration {
    Duration::from_millis(4).max(Duration::from_millis(100) / u32::try_from(users).unwrap_or(u32::MAX).max(1))
}
/// Sent before the sender waits for the receivers.
const A_BURST: usize = 500;

async fn light(sender: &mut Raw, users: usize) -> Outcome<()> {
    let mut next = tokio::time::Instant::now();
    for n in 0..LIGHT {
        next += pause(users);
        tokio::time::sleep_until(next).await;
        sender.send(&format!("u{}", n % users)).await?;
    }
    Ok(())
}

/// The floor at one population.
async fn floor(users: usize, messages: usize) -> Outcome<Row> {
    let prosody = Prosody::start(users, false).await?;
    let mut floor = Floor::start(&prosody, users, "none").await?;
    let pid = floor.process.id();
    let sign_on = proc::cpu(pid)?;
    let mut sender = Raw::sign_on(prosody.port, "sender").await?;
    let mut sent = 0;
    for n in 0..users * messages {
        sender.send(&format!("u{}", n % users)).await?;
        sent += 1;
        if sent % A_BURST == 0 || sent == users * messages {
            floor.wait(|_, received| received >= sent, Duration::from_secs(120)).await?;
        }
    }
    let memory = proc::memory(pid)?;
    floor.take().await?;
    let before = proc::cpu(pid)?;
    light(&mut sender, users).await?;
    floor.wait(|_, received| received >= sent + LIGHT, Duration::from_secs(60)).await?;
    let cpu = (proc::cpu(pid)? - before) * 10_000.0 / LIGHT as f64;
    Ok(Row { users, memory, latencies: floor.take().await?, cpu, sign_on })
}

async fn ours(binary: &Path, users: usize, messages: usize) -> Outcome<Row> {
    let prosody = Prosody::start(users, false).await?;
    let daemon = Daemon::start(binary).await?;
    let pid = daemon.process.id();
    let seen = Arc::new(Seen::default());
    let before = proc::cpu(pid)?;
    for n in 0..users {
        tokio::spawn(wire::browse(daemon.port, network(n, prosody.port), seen.clone()));
    }
    seen.wait(&seen.online, users, "signed on").await?;
    let sign_on = proc::cpu(pid)? - before;
    let mut sender = Raw::sign_on(prosody.port, "sender").await?;
    let mut sent = 0;
    for n in 0..users * messages {
        sender.send(&format!("u{}", n % users)).await?;
        sent += 1;
        if sent % A_BURST == 0 || sent == users * messages {
            seen.wait(&seen.received, sent, "received").await?;
        }
    }
    let memory = proc::memory(pid)?;
    seen.take();
    let before = proc::cpu(pid)?;
    light(&mut sender, users).await?;
    seen.wait(&seen.received, sent + LIGHT, "received").await?;
    let cpu = (proc::cpu(pid)? - before) * 10_000.0 / LIGHT as f64;
    Ok(Row { users, memory, latencies: seen.take(), cpu, sign_on })
}

fn kilobytes(bytes: f64) -> String {
    format!("{:.1} KB", bytes / 1024.0)
}

/// Memory of each user added since the smallest population.
fn added(row: &Row, least: &Row) -> Option<f64> {
    (row.users > least.users).then(|| (row.memory as f64 - least.memory as f64) / (row.users - least.users) as f64)
}

/// XMPP, all populations.
pub(crate) async fn table(binary: &Path, populations: &[usize], messages: usize) -> Outcome<()> {
    println!("## XMPP: {messages} messages to each user, then {LIGHT} at 250 a second (10 a second and user at most)\n");
    {
        let prosody = Prosody::start(0, false).await?;
        println!("raw client to raw client            {}\n", raw::floor(prosody.port, LIGHT).await?.words());
    }
    let (mut floors, mut rows): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
    for users in populations {
        let started = Instant::now();
        let base = floor(*users, messages).await.map_err(|error| format!("the floor at {users} users: {error}"))?;
        let row = ours(binary, *users, messages).await.map_err(|error| format!("the daemon at {users} users: {error}"))?;
        for (name, row) in [("bare libpurple", &base), ("bellflower    ", &row)] {
            let (cpu, signing) = (row.cpu, row.sign_on * 1000.0 / *users as f64);
            let total = kilobytes(row.memory as f64);
            println!(
                "{name} {users:>5} users  {}  CPU/10 000 {cpu:>6.2} s  sign-on {signing:>6.2} ms  memory {total}",
                row.latencies.words()
            );
        }
        floors.push(base);
        rows.push(row);
        println!("                      ({:.0} s)", started.elapsed().as_secs_f64());
    }
    println!("\nmemory per added user (since the smallest population), and what ours has beyond the floor's:");
    if let (Some(least_floor), Some(least)) = (floors.first(), rows.first()) {
        for (base, row) in floors.iter().zip(&rows) {
            if let (Some(base_added), Some(row_added)) = (added(base, least_floor), added(row, least)) {
                let beyond = kilobytes(row_added - base_added);
                println!(
                    "{:>5} users  bare {}  bellflower {}  beyond {beyond}  (target 32 KB)",
                    row.users,
                    kilobytes(base_added),
                    kilobytes(row_added)
                );
            }
        }
        println!("\nbeyond the floor:");
        for (base, row) in floors.iter().zip(&rows) {
            let beyond = row.latencies.at(0.5).as_micros() as i64 - base.latencies.at(0.5).as_micros() as i64;
            println!(
                "{:>5} users  p50 {beyond:+} us (target +500)  CPU per message {:.2}x (target 3x)",
                row.users,
                row.cpu / base.cpu.max(0.01)
            );
        }
    }
    println!("clock: {} ns\n", latency::now());
    Ok(())
}
