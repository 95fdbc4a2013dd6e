//! A real ngircd on loopback without limits, and a raw IRC client that sends; the counterpart of `prosody` and `raw`.

use crate::Outcome;
use crate::child::{Process, Scratch, free_port, listening};
use crate::latency::{self, Latencies};
use crate::load::{self, Peer, Sender};
use std::process::Command;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The server; gone when dropped.
pub(crate) struct Ngircd {
    pub(crate) port: u16,
    process: Process,
    _dir: Scratch,
}

impl Ngircd {
    pub(crate) async fn start() -> Outcome<Self> {
        let dir = Scratch::new("ngircd")?;
        let port = free_port()?;
        let file = dir.0.join("ngircd.conf");
        let config = format!(
            "[Global]\nName = irc.localhost\nInfo = bench\nListen = 127.0.0.1\nPorts = {port}\nMotdPhrase = hello\n\
             ServerUID = root\nServerGID = root\n\
             [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxNickLength = 20\nMaxPenaltyTime = 0\nPingTimeout = 600\n\
             [Options]\nDNS = no\nIdent = no\nPAM = no\n"
        );
        std::fs::write(&file, config)?;
        let log = dir.0.join("log");
        // Debian keeps it out of the paths of ordinary users.
        let known = ["/usr/sbin/ngircd", "/usr/bin/ngircd"].into_iter().find(|path| std::path::Path::new(path).exists());
        let mut command = Command::new(known.unwrap_or("ngircd"));
        command.args(["-n", "-f"]).arg(&file);
        let mut process = Process::start(command, &log)?;
        listening(port, &mut process, &log).await?;
        Ok(Self { port, process, _dir: dir })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

/// A signed-on client.
pub(crate) struct RawIrc {
    stream: BufReader<TcpStream>,
    unsent: String,
}

impl RawIrc {
    /// Signs on as `nick`, and waits for the end of the message of the day.
    pub(crate) async fn sign_on(port: u16, nick: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let mut raw = Self { stream: BufReader::new(stream), unsent: format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\n") };
        raw.flush().await?;
        while !matches!(raw.line().await?.split(' ').nth(1), Some("376" | "422")) {}
        Ok(raw)
    }

    async fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line).await? {
            0 => Err("the IRC server closed the connection".into()),
            _ => Ok(line),
        }
    }
}

impl Peer for RawIrc {
    fn queue_to(&mut self, name: &str) {
        use std::fmt::Write as _;
        // Writing to a String cannot fail.
        let _ = write!(self.unsent, "PRIVMSG {name} :{}\r\n", latency::stamp());
    }

    async fn hear(&mut self) -> Outcome<String> {
        loop {
            let line = self.line().await?;
            if line.contains("PRIVMSG") {
                return Ok(line);
            }
        }
    }
}

impl Sender for RawIrc {
    fn queue(&mut self, user: usize) {
        self.queue_to(&format!("u{user}"));
    }

    async fn flush(&mut self) -> Outcome<()> {
        self.stream.get_mut().write_all(self.unsent.as_bytes()).await?;
        self.unsent.clear();
        Ok(())
    }
}

/// What of a latency is ngircd's own, see [`load::floor`].
pub(crate) async fn floor(port: u16) -> Outcome<Latencies> {
    let receiver = RawIrc::sign_on(port, "raw").await?;
    load::floor(RawIrc::sign_on(port, "rawsender").await?, receiver, load::EVEN).await
}
