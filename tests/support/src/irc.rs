//! A raw IRC client (RFC 2812): the person at the other end. It must not hide a line from the test, pings aside.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::ngircd::Ngircd;
use crate::wait::PATIENCE;

/// A line from the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IrcLine {
    /// Who it is from: `nick!user@host` or a server.
    pub prefix: String,
    /// The command or the three-digit number.
    pub command: String,
    /// The parameters, the trailing one without its colon.
    pub params: Vec<String>,
}

impl IrcLine {
    fn parse(line: &str) -> Self {
        let (prefix, rest) = match line.strip_prefix(':') {
            Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
            None => ("", line),
        };
        let (front, trailing) = match rest.split_once(" :") {
            Some((front, trailing)) => (front, Some(trailing)),
            None => (rest, None),
        };
        let mut words = front.split_ascii_whitespace().map(str::to_owned);
        let command = words.next().unwrap_or_default();
        Self { prefix: prefix.to_owned(), command, params: words.chain(trailing.map(str::to_owned)).collect() }
    }

    /// The nick it is from.
    pub fn nick(&self) -> &str {
        self.prefix.split('!').next().unwrap_or_default()
    }

    /// Whether it is a `PRIVMSG` with that text.
    pub fn says(&self, text: &str) -> bool {
        self.command == "PRIVMSG" && self.params.get(1).is_some_and(|said| said == text)
    }
}

/// A registered client. Lines that a wait did not match stay for later waits.
pub struct IrcPeer {
    stream: TcpStream,
    incoming: Receiver<IrcLine>,
    kept: VecDeque<IrcLine>,
    nick: String,
}

impl IrcPeer {
    /// Connects and registers under this nick.
    pub fn connect(server: &Ngircd, nick: &str) -> Self {
        Self::connect_to(server.port(), server.password(), nick)
    }

    /// The same to any server on loopback.
    pub fn connect_to(port: u16, password: Option<&str>, nick: &str) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a connection to the server");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        let reading = stream.try_clone().expect("a second handle");
        let mut answering = stream.try_clone().expect("a third handle");
        let (sender, incoming) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(reading).split(b'\n').map_while(Result::ok) {
                let line = IrcLine::parse(String::from_utf8_lossy(&line).trim_end());
                let sent = if line.command == "PING" {
                    answering.write_all(format!("PONG :{}\r\n", line.params.join(" ")).as_bytes()).is_ok()
                } else {
                    sender.send(line).is_ok()
                };
                if !sent {
                    return;
                }
            }
        });
        let mut peer = Self { stream, incoming, kept: VecDeque::new(), nick: nick.to_owned() };
        if let Some(password) = password {
            peer.send(&format!("PASS :{password}"));
        }
        peer.send(&format!("NICK {nick}"));
        peer.send(&format!("USER {nick} 0 * :{nick}"));
        peer.wait_for("the welcome", |line| line.command == "001");
        peer
    }

    /// The nick it registered under.
    pub fn nick(&self) -> &str {
        &self.nick
    }

    /// Sends one line.
    pub fn send(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).unwrap_or_else(|e| panic!("{} cannot send: {e}", self.nick));
    }

    /// Says something to a nick or a channel.
    pub fn say(&mut self, to: &str, text: &str) {
        self.send(&format!("PRIVMSG {to} :{text}"));
    }

    /// Joins a channel and waits until it is in.
    pub fn join(&mut self, channel: &str) {
        self.send(&format!("JOIN {channel}"));
        self.wait_for("the end of the list of names", |line| {
            line.command == "366" && line.params.get(1).is_some_and(|name| name == channel)
        });
    }

    /// Leaves a channel.
    pub fn part(&mut self, channel: &str, why: &str) {
        self.send(&format!("PART {channel} :{why}"));
    }

    /// Sets a channel's topic.
    pub fn topic(&mut self, channel: &str, topic: &str) {
        self.send(&format!("TOPIC {channel} :{topic}"));
    }

    /// The address that the server shows for a nick that is there.
    pub fn whois(&mut self, nick: &str) -> String {
        self.send(&format!("WHOIS {nick}"));
        let line = self.wait_for("whom it is", |line| line.command == "311" && line.params.get(1).is_some_and(|who| who == nick));
        line.params.get(3).cloned().unwrap_or_else(|| panic!("no address in {line:?}"))
    }

    /// Waits until the nick is there, or is not.
    pub fn wait_nick(&mut self, nick: &str, there: bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.send(&format!("ISON {nick}"));
            let line = self.wait_for("who is there", |line| line.command == "303");
            let is_there = line.params.last().is_some_and(|names| names.split_whitespace().any(|name| name == nick));
            if is_there == there {
                return;
            }
            assert!(Instant::now() < deadline, "{nick} is {} after {PATIENCE:?}", if there { "not there" } else { "there" });
        }
    }

    /// The first line, of those kept and those to come, that `wanted` accepts; panics after [`PATIENCE`] with what came instead.
    pub fn wait_for(&mut self, what: &str, wanted: impl Fn(&IrcLine) -> bool) -> IrcLine {
        if let Some(found) = self.kept.iter().position(&wanted).and_then(|index| self.kept.remove(index)) {
            return found;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.incoming.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if wanted(&line) => return line,
                Ok(line) => self.kept.push_back(line),
                Err(RecvTimeoutError::Timeout) => panic!("{} waited {PATIENCE:?} in vain for {what}; kept: {:#?}", self.nick, self.kept),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("{} waited for {what}, but its connection ended; kept: {:#?}", self.nick, self.kept)
                }
            }
        }
    }

    /// The next line, kept ones first, or nothing after `patience`; an ended connection panics.
    pub fn next_within(&mut self, patience: Duration) -> Option<IrcLine> {
        if let Some(line) = self.kept.pop_front() {
            return Some(line);
        }
        match self.incoming.recv_timeout(patience) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("{}: the connection ended", self.nick),
        }
    }

    /// Waits for a `PRIVMSG` with this text and gives it.
    pub fn hears(&mut self, text: &str) -> IrcLine {
        self.wait_for(&format!("the message {text:?}"), |line| line.says(text))
    }
}

impl Drop for IrcPeer {
    fn drop(&mut self) {
        // The reader thread holds handles of its own: it ends when the connection does.
        let _ = self.stream.write_all(b"QUIT :bye\r\n");
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::IrcLine;

    #[test]
    fn lines_fall_into_parts() {
        let line = IrcLine::parse(":ines!i@host PRIVMSG #lounge :two words : here");
        assert_eq!(line.nick(), "ines");
        assert!(line.says("two words : here"));
        assert_eq!(line.params[0], "#lounge");
        assert_eq!(IrcLine::parse("PING :x").params, ["x"]);
    }
}
