//! Two daemons that run at once on one server and take turns, so that a busy machine costs both the same. Starts no daemon itself.

use crate::Outcome;
use crate::crowd::{Crowd, jabber};
use crate::daemon::Daemon;
use crate::latency::{Latencies, median};
use crate::load::{Load, Sender};
use crate::prosody::Prosody;
use crate::raw::Raw;
use crate::table::{Table, micros, seconds};

/// Users of each daemon.
pub(crate) const USERS: usize = 10;
/// Messages in a turn, per user.
pub(crate) const A_TURN: usize = 20;

/// Sends to accounts from a number on.
struct From {
    raw: Raw,
    first: usize,
}

impl Sender for From {
    fn queue(&mut self, user: usize) {
        self.raw.queue(self.first + user);
    }
    async fn flush(&mut self) -> Outcome<()> {
        self.raw.flush().await
    }
}

/// One daemon with what it gave so far.
pub(crate) struct Side {
    name: &'static str,
    crowd: Crowd,
    load: Load<From>,
    all: Latencies,
    /// p50 of each turn, in us.
    pub(crate) turns: Vec<f64>,
    cpu: f64,
    messages: usize,
    // Last: what uses it goes first.
    _daemon: Daemon,
}

impl Side {
    /// A daemon with [`USERS`] users from account `first` on, whose browsers are such a crowd.
    pub(crate) async fn start(daemon: Daemon, mut crowd: Crowd, prosody: &Prosody, first: usize, name: &'static str) -> Outcome<Self> {
        crowd.join((first..first + USERS).map(|n| jabber(n, prosody.port))).await.map_err(|error| daemon.explain(error))?;
        let raw = Raw::sign_on(prosody.port, &format!("sender{first}")).await?;
        let mut load = Load::new(From { raw, first }, prosody.id());
        load.rounds(&mut crowd, USERS, 20).await?;
        Ok(Self { name, crowd, load, all: Latencies::default(), turns: Vec::new(), cpu: 0.0, messages: 0, _daemon: daemon })
    }

    pub(crate) async fn turn(&mut self) -> Outcome<()> {
        let (latencies, spent) = self.load.paced(&mut self.crowd, USERS, USERS * A_TURN).await?;
        self.turns.push(latencies.median().as_nanos() as f64 / 1000.0);
        self.all.0.extend(latencies.0);
        self.cpu += spent.subject;
        self.messages += USERS * A_TURN;
        Ok(())
    }

    pub(crate) fn median(&self) -> f64 {
        self.all.median().as_nanos() as f64 / 1000.0
    }

    fn cells(&self) -> Vec<String> {
        let cpu = self.cpu * 10_000.0 / self.messages.max(1) as f64;
        vec![
            self.name.to_owned(),
            micros(self.all.median()),
            micros(self.all.at(0.99)),
            format!("{:.0} us", median(&self.turns)),
            seconds(cpu),
        ]
    }
}

/// So many turns of each of two sides, in one table.
pub(crate) async fn turns(sides: &mut [Side; 2], turns: usize, head: &str) -> Outcome<()> {
    for turn in 0..turns {
        // Each goes first as often as second.
        for side in 0..2 {
            if let Some(side) = sides.get_mut((side + turn) % 2) {
                side.turn().await?;
            }
        }
    }
    let mut table = Table::new(&[head, "p50", "p99", "median of the turns' p50", "CPU/10 000"]);
    for side in sides {
        table.add(side.cells());
    }
    table.print();
    Ok(())
}

/// The median of what the second side's turns took more than the first's, in us.
pub(crate) fn more([first, second]: &[Side; 2]) -> f64 {
    let differences: Vec<f64> = first.turns.iter().zip(&second.turns).map(|(first, second)| second - first).collect();
    median(&differences)
}
