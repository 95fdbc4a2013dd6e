//! The daemon with N IRC accounts on a real ngircd.

use crate::Outcome;
use crate::child::{Process, Scratch, free_port, listening};
use crate::daemon::Daemon;
use crate::wire::{self, Seen};
use crate::{latency, proc};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

async fn ngircd(dir: &Scratch) -> Outcome<(Process, u16)> {
    let port = free_port()?;
    let file = dir.0.join("ngircd.conf");
    let config = format!(
        "[Global]\nName = irc.localhost\nInfo = bench\nListen = 127.0.0.1\nPorts = {port}\nMotdPhrase = hello\nServerUID = root\nServerGID = root\n\
         [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxNickLength = 20\nMaxPenaltyTime = 0\nPingTimeout = 600\n\
         [Options]\nDNS = no\nIdent = no\nPAM = no\n"
    );
    std::fs::write(&file, config)?;
    let log = dir.0.join("ngircd.log");
    let mut command = Command::new("ngircd");
    command.args(["-n", "-f"]).arg(&file);
    let mut process = Process::start(command, &log)?;
    listening(port, &mut process, &log).await?;
    Ok((process, port))
}

/// IRC, one population.
pub(crate) async fn table(binary: &Path, users: usize, messages: usize) -> Outcome<()> {
    println!("## IRC: {users} accounts, {messages} messages each\n");
    let dir = Scratch::new("irc")?;
    let (_server, port) = ngircd(&dir).await?;
    let daemon = Daemon::start(binary).await?;
    let pid = daemon.process.id();
    let seen = Arc::new(Seen::default());
    let sign_on_least = 10.min(users);
    for n in 0..sign_on_least {
        tokio::spawn(wire::browse(daemon.port, network(n, port), seen.clone()));
    }
    seen.wait(&seen.online, sign_on_least, "signed on").await?;
    let mut stream = BufReader::new(tokio::net::TcpStream::connect(("127.0.0.1", port)).await?);
    stream.get_mut().write_all(b"NICK sender\r\nUSER sender 0 * :sender\r\n").await?;
    let mut line = String::new();
    while !line.contains(" 376 ") && !line.contains(" 422 ") {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Err("ngircd closed the connection".into());
        }
    }
    let mut sent = 0;
    round(&mut stream, &seen, sign_on_least, messages, &mut sent).await?;
    let least = proc::memory(pid)?;
    for n in sign_on_least..users {
        tokio::spawn(wire::browse(daemon.port, network(n, port), seen.clone()));
    }
    seen.wait(&seen.online, users, "signed on").await?;
    round(&mut stream, &seen, users, messages, &mut sent).await?;
    let memory = proc::memory(pid)?;
    seen.take();
    let before = proc::cpu(pid)?;
    let mut next = tokio::time::Instant::now();
    const LIGHT: usize = 2000;
    for n in 0..LIGHT {
        next += Duration::from_millis(4);
        tokio::time::sleep_until(next).await;
        say(&mut stream, n % users, &mut sent).await?;
    }
    seen.wait(&seen.received, sent, "received").await?;
    let cpu = (proc::cpu(pid)? - before) * 10_000.0 / LIGHT as f64;
    let each = (memory as f64 - least as f64) / users.saturating_sub(sign_on_least).max(1) as f64 / 1024.0;
    println!("bellflower {users:>5} users  {}  CPU/10 000 {cpu:>6.2} s  memory per added user {each:.1} KB\n", seen.take().words());
    Ok(())
}

fn network(n: usize, port: u16) -> serde_json::Value {
    json!({ "protocol": "prpl-irc", "username": format!("u{n}@127.0.0.1"), "options": { "port": port } })
}

async fn say(stream: &mut BufReader<tokio::net::TcpStream>, to: usize, sent: &mut usize) -> Outcome<()> {
    *sent += 1;
    Ok(stream.get_mut().write_all(format!("PRIVMSG u{to} :{}\r\n", latency::stamp()).as_bytes()).await?)
}

async fn round(stream: &mut BufReader<tokio::net::TcpStream>, seen: &Seen, users: usize, messages: usize, sent: &mut usize) -> Outcome<()> {
    for n in 0..users * messages {
        say(stream, n % users, sent).await?;
        if (*sent).is_multiple_of(500) {
            seen.wait(&seen.received, *sent, "received").await?;
        }
    }
    seen.wait(&seen.received, *sent, "received").await
}
