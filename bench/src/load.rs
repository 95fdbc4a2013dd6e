//! The load that all tables share: rounds of messages to everybody, a light and even pace that is timed, and as much as goes through.

use crate::Outcome;
use crate::latency::{Latencies, median};
use crate::proc::{self, Memory, Meter, Spent};
use std::time::Duration;
use tokio::time::Instant;

/// Messages of the light pace.
pub(crate) const LIGHT: usize = 2000;
/// A second, to all together. From 20 answers a second to one browser on the daemon groups on purpose; so with 10 users, and with any number more.
pub(crate) const PACE: u32 = 150;
/// How often messages are sent one by one, and how long everybody rests after each: the daemon groups what comes faster to one browser than
/// [`PACE_EACH`], for a second.
const TURNS: usize = 10;
const BETWEEN: Duration = Duration::from_millis(1500);
/// Messages in such a turn, at most.
const A_TURN: usize = 1500;
/// Messages from raw client to raw client.
const RAW: usize = 1000;
/// To one user a second, at most.
const PACE_EACH: u32 = 15;
/// Sent in one go before the sender waits for the receivers.
const A_BURST: usize = 500;
/// Without a further message for so long, a run is stuck.
const STUCK: Duration = Duration::from_secs(60);

/// A stream is acknowledged ten seconds after the last message at the latest, and the daemon looks every five for heap to give back.
const REST: Duration = Duration::from_secs(16);

/// What is measured: accounts u0 to uN-1 that receive.
pub(crate) trait Subject {
    /// The process whose tree is measured.
    fn root(&self) -> u32;
    /// Messages received so far by all.
    async fn count(&mut self) -> Outcome<usize>;
    /// The latencies since the last call.
    async fn take(&mut self) -> Outcome<Latencies>;

    /// Lets go of what the load has left behind, before memory is read: by itself, in a while.
    async fn rest(&mut self) -> Outcome<()> {
        tokio::time::sleep(REST).await;
        Ok(())
    }

    /// Waits until so many were received.
    async fn reach(&mut self, wanted: usize) -> Outcome<()> {
        let (mut before, mut since) = (0, Instant::now());
        loop {
            let count = self.count().await?;
            if count >= wanted {
                return Ok(());
            }
            if count > before {
                (before, since) = (count, Instant::now());
            } else if since.elapsed() > STUCK {
                return Err(format!("only {count} of {wanted} messages arrived, and none more for a minute").into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A subject whose receivers are in this program.
pub(crate) trait Near: Subject {
    /// Resolves when more was received, now or since it was last asked.
    async fn arrival(&mut self);
}

/// Who sends, over one connection to the chat server.
pub(crate) trait Sender {
    /// Puts a message for account `u{user}` into the next [`Sender::flush`], with the time of now in it.
    fn queue(&mut self, user: usize);
    async fn flush(&mut self) -> Outcome<()>;
}

/// A raw client that hears others, too.
pub(crate) trait Peer: Sender {
    /// Puts a message for the raw client `name` into the next [`Sender::flush`], with the time of now in it.
    fn queue_to(&mut self, name: &str);
    /// The text of the next message.
    async fn hear(&mut self) -> Outcome<String>;
}

/// How long the load waits from one message to the next when [`PACE`] is kept.
pub(crate) const EVEN: Duration = Duration::from_nanos(1_000_000_000 / PACE as u64);

/// Raw client to raw client through the same server, at an even pace or one by one (no pause): what of a latency is the server's own, whatever
/// it has to do besides. `receiver` is called `raw`.
pub(crate) async fn floor(mut sender: impl Peer, mut receiver: impl Peer, pause: Duration) -> Outcome<Latencies> {
    let mut all = Latencies::default();
    let mut next = Instant::now();
    for _ in 0..RAW {
        next += pause;
        tokio::time::sleep_until(next).await;
        sender.queue_to("raw");
        sender.flush().await?;
        all.0.extend(crate::latency::age(&receiver.hear().await?));
    }
    Ok(all)
}

/// What one population gave.
#[derive(Default, Clone)]
pub(crate) struct Row {
    pub(crate) users: usize,
    pub(crate) memory: Memory,
    pub(crate) latencies: Latencies,
    /// Those of raw clients through the same server, right after; empty where they were not measured.
    pub(crate) raw: Latencies,
    /// CPU seconds for 10 000 messages at the light pace: nearly each finds everybody asleep.
    pub(crate) cpu: f64,
    /// CPU seconds for 10 000 messages in bursts.
    pub(crate) bursts: f64,
    /// CPU seconds of all sign-ons.
    pub(crate) sign_on: f64,
    /// Who used what during the light pace.
    pub(crate) spent: Spent,
}

impl Row {
    /// Memory of each user added since a smaller population.
    pub(crate) fn added_since(&self, least: &Self) -> Option<f64> {
        let users = self.users.checked_sub(least.users).filter(|users| *users > 0)?;
        Some((self.memory.bytes as f64 - least.memory.bytes as f64) / users as f64)
    }

    /// CPU seconds of one sign-on, in words.
    pub(crate) fn sign_on_each(&self) -> String {
        format!("{:.2} ms", self.sign_on * 1000.0 / self.users.max(1) as f64)
    }

    /// How many processors this program kept busy meanwhile, and how many everybody who has no part in the run.
    pub(crate) fn beside(&self) -> String {
        let of = |seconds: f64| seconds / self.spent.wall.max(0.001);
        format!("{:.2} {:.2}", of(self.spent.load), of(self.spent.others))
    }
}

/// A sender and how much it has sent to one subject.
pub(crate) struct Load<S> {
    pub(crate) sender: S,
    /// The process id of the chat server.
    server: u32,
    sent: usize,
}

impl<S: Sender> Load<S> {
    pub(crate) fn new(sender: S, server: u32) -> Self {
        Self { sender, server, sent: 0 }
    }

    /// So many messages to each of the users, in bursts.
    pub(crate) async fn rounds(&mut self, subject: &mut impl Subject, users: usize, messages: usize) -> Outcome<()> {
        let all = users * messages;
        for n in 0..all {
            self.sender.queue(n % users);
            self.sent += 1;
            if (n + 1).is_multiple_of(A_BURST) || n + 1 == all {
                self.sender.flush().await?;
                subject.reach(self.sent).await?;
            }
        }
        Ok(())
    }

    /// [`LIGHT`] messages at an even pace.
    pub(crate) async fn light(&mut self, subject: &mut impl Subject, users: usize) -> Outcome<(Latencies, Spent)> {
        self.paced(subject, users, LIGHT).await
    }

    /// So many messages at an even pace, one by one, round the users.
    pub(crate) async fn paced(&mut self, subject: &mut impl Subject, users: usize, messages: usize) -> Outcome<(Latencies, Spent)> {
        let most = PACE_EACH.saturating_mul(u32::try_from(users).unwrap_or(u32::MAX)).clamp(1, PACE);
        let pause = Duration::from_secs(1) / most;
        subject.take().await?;
        let meter = Meter::start(subject.root(), self.server)?;
        let mut next = Instant::now();
        for n in 0..messages {
            next += pause;
            tokio::time::sleep_until(next).await;
            self.sender.queue(n % users);
            self.sender.flush().await?;
            self.sent += 1;
        }
        subject.reach(self.sent).await?;
        Ok((subject.take().await?, meter.stop()?))
    }

    /// Messages of which each is sent as soon as the one before was received, round the users: nobody sleeps for long. Gives the latencies and
    /// the CPU seconds of 10 000, which is the median of the turns.
    pub(crate) async fn one_by_one(&mut self, subject: &mut impl Near, users: usize) -> Outcome<(Latencies, f64)> {
        let a_turn = A_TURN.min(users * PACE_EACH as usize);
        let mut turns = Vec::new();
        subject.take().await?;
        for _ in 0..TURNS {
            tokio::time::sleep(BETWEEN).await;
            let meter = Meter::start(subject.root(), self.server)?;
            for n in 0..a_turn {
                self.sender.queue(n % users);
                self.sender.flush().await?;
                self.sent += 1;
                while subject.count().await? < self.sent {
                    let more = tokio::time::timeout(STUCK, subject.arrival()).await;
                    more.map_err(|_| format!("message {n} of those that were sent one by one did not arrive for a minute"))?;
                }
            }
            turns.push(meter.stop()?.subject * 10_000.0 / a_turn as f64);
        }
        Ok((subject.take().await?, median(&turns)))
    }

    /// As many messages as go through in `time`, with at most `ahead` on their way. Gives messages a second and who used what.
    pub(crate) async fn flood(&mut self, subject: &mut impl Subject, users: usize, ahead: usize, time: Duration) -> Outcome<(f64, Spent)> {
        let meter = Meter::start(subject.root(), self.server)?;
        let (began, start) = (Instant::now(), self.sent);
        while began.elapsed() < time {
            let on_their_way = self.sent - subject.count().await?;
            let more = ahead.saturating_sub(on_their_way).min(A_BURST);
            if more < A_BURST.min(ahead / 4) {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            for _ in 0..more {
                self.sender.queue(self.sent % users);
                self.sent += 1;
            }
            self.sender.flush().await?;
        }
        subject.reach(self.sent).await?;
        let spent = meter.stop()?;
        subject.take().await?;
        Ok(((self.sent - start) as f64 / spent.wall, spent))
    }

    /// Everything of one population that signed on already: rounds, memory, the light pace.
    pub(crate) async fn measure(&mut self, subject: &mut impl Subject, users: usize, messages: usize) -> Outcome<Row> {
        let meter = Meter::start(subject.root(), self.server)?;
        self.rounds(subject, users, messages).await?;
        let bursts = meter.stop()?.subject * 10_000.0 / (users * messages).max(1) as f64;
        subject.rest().await?;
        let memory = proc::memory(subject.root())?;
        let (latencies, spent) = self.light(subject, users).await?;
        Ok(Row { users, memory, latencies, cpu: spent.subject * 10_000.0 / LIGHT as f64, bursts, spent, ..Row::default() })
    }
}
