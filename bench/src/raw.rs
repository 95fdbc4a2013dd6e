//! A raw XMPP client, as small as one can be: the sender of every measurement, and the floor of its latency.

use crate::Outcome;
use crate::latency::{self, Latencies};
use crate::load::{self, Peer, Sender};
use base64::Engine;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// A signed-on connection.
pub(crate) struct Raw {
    stream: TcpStream,
    unread: String,
    unsent: String,
}

impl Raw {
    /// Signs on as `name` with the password `secret`, and is available.
    pub(crate) async fn sign_on(port: u16, name: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let mut raw = Self { stream, unread: String::new(), unsent: String::new() };
        const OPEN: &str =
            "<stream:stream to='localhost' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
        raw.write(OPEN).await?;
        raw.until("</stream:features>").await?;
        let token = base64::engine::general_purpose::STANDARD.encode(format!("\0{name}\0secret"));
        raw.write(&format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>")).await?;
        raw.until("<success").await?;
        raw.unread.clear();
        raw.write(OPEN).await?;
        raw.until("</stream:features>").await?;
        raw.write("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>").await?;
        raw.until("</iq>").await?;
        raw.write("<presence/>").await?;
        raw.until("<presence").await?;
        Ok(raw)
    }

    async fn write(&mut self, text: &str) -> Outcome<()> {
        Ok(self.stream.write_all(text.as_bytes()).await?)
    }

    /// Reads up to and with `mark`, and gives what was read.
    async fn until(&mut self, mark: &str) -> Outcome<String> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(at) = self.unread.find(mark) {
                let rest = self.unread.split_off(at + mark.len());
                return Ok(std::mem::replace(&mut self.unread, rest));
            }
            let mut buffer = [0; 16384];
            let read = tokio::time::timeout_at(deadline, self.stream.read(&mut buffer))
                .await
                .map_err(|_| format!("no {mark} from the server"))??;
            let bytes = buffer.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                return Err("the XMPP server closed the connection".into());
            }
            self.unread.push_str(&String::from_utf8_lossy(bytes));
        }
    }
}

impl Peer for Raw {
    fn queue_to(&mut self, name: &str) {
        use std::fmt::Write as _;
        // Writing to a String cannot fail.
        let _ = write!(self.unsent, "<message to='{name}@localhost' type='chat'><body>{}</body></message>", latency::stamp());
    }

    async fn hear(&mut self) -> Outcome<String> {
        self.until("<body>").await?;
        self.until("</body>").await
    }
}

impl Sender for Raw {
    fn queue(&mut self, user: usize) {
        self.queue_to(&format!("u{user}"));
    }

    async fn flush(&mut self) -> Outcome<()> {
        self.stream.write_all(self.unsent.as_bytes()).await?;
        self.unsent.clear();
        Ok(())
    }
}

/// What of a latency is Prosody's own, see [`load::floor`].
pub(crate) async fn floor(port: u16, pause: Duration) -> Outcome<Latencies> {
    let receiver = Raw::sign_on(port, "raw").await?;
    load::floor(Raw::sign_on(port, "sender").await?, receiver, pause).await
}

/// The ages of all that the client `raw` hears from now on, until nobody wants them.
pub(crate) async fn listen(port: u16) -> Outcome<mpsc::UnboundedReceiver<Duration>> {
    let mut client = Raw::sign_on(port, "raw").await?;
    let (ages, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok(text) = client.hear().await {
            if latency::age(&text).is_some_and(|age| ages.send(age).is_err()) {
                break;
            }
        }
    });
    Ok(heard)
}

/// What was heard so far.
pub(crate) fn heard(ages: &mut mpsc::UnboundedReceiver<Duration>) -> Latencies {
    Latencies(std::iter::from_fn(|| ages.try_recv().ok()).collect())
}
