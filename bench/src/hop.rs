//! Table "hop": what the way through a worker costs beside libpurple in the daemon itself. Both daemons run at once on one server, and take turns.

use crate::Outcome;
use crate::crowd::{Crowd, jabber};
use crate::daemon::Daemon;
use crate::latency::{Latencies, median};
use crate::load::{Load, Sender};
use crate::prosody::Prosody;
use crate::raw::Raw;
use crate::table::{Table, micros, seconds, target};
use std::path::Path;

/// Users of each daemon.
const USERS: usize = 10;
/// Messages in a turn, per user.
const A_TURN: usize = 20;

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
struct Side {
    name: &'static str,
    crowd: Crowd,
    load: Load<From>,
    all: Latencies,
    /// p50 of each turn, in us.
    turns: Vec<f64>,
    cpu: f64,
    messages: usize,
    // Last: what uses it goes first.
    _daemon: Daemon,
}

impl Side {
    async fn start(binary: &Path, prosody: &Prosody, first: usize, name: &'static str, workers: &str) -> Outcome<Self> {
        let daemon = Daemon::start(binary, &["--workers", workers]).await?;
        let mut crowd = Crowd::of(&daemon);
        crowd.join((first..first + USERS).map(|n| jabber(n, prosody.port))).await.map_err(|error| daemon.explain(error))?;
        let raw = Raw::sign_on(prosody.port, &format!("sender{first}")).await?;
        let mut load = Load::new(From { raw, first }, prosody.id());
        load.rounds(&mut crowd, USERS, 20).await?;
        Ok(Self { name, crowd, load, all: Latencies::default(), turns: Vec::new(), cpu: 0.0, messages: 0, _daemon: daemon })
    }

    async fn turn(&mut self) -> Outcome<()> {
        let (latencies, spent) = self.load.paced(&mut self.crowd, USERS, USERS * A_TURN).await?;
        self.turns.push(latencies.median().as_nanos() as f64 / 1000.0);
        self.all.0.extend(latencies.0);
        self.cpu += spent.subject;
        self.messages += USERS * A_TURN;
        Ok(())
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

/// So many turns of each.
pub(crate) async fn table(binary: &Path, turns: usize) -> Outcome<()> {
    println!("## hop: {USERS} users each, {turns} turns of {} messages, one daemon after the other\n", USERS * A_TURN);
    let prosody = Prosody::plain(2 * USERS).await?;
    let mut sides = [
        Side::start(binary, &prosody, 0, "in the daemon (workers = 0)", "0").await?,
        Side::start(binary, &prosody, USERS, "in a worker (workers = 1)", "1").await?,
    ];
    for turn in 0..turns {
        // Each goes first as often as second.
        for side in 0..2 {
            if let Some(side) = sides.get_mut((side + turn) % 2) {
                side.turn().await?;
            }
        }
    }
    let mut table = Table::new(&["libpurple", "p50", "p99", "median of the turns' p50", "CPU/10 000"]);
    for side in &sides {
        table.add(side.cells());
    }
    table.print();
    let [here, there] = &sides;
    let differences: Vec<f64> = here.turns.iter().zip(&there.turns).map(|(here, there)| there - here).collect();
    let more = median(&differences);
    println!("the hop: {more:+.0} us of p50 (median of the turns' differences), target {}\n", target("<= +60 us", more <= 60.0));
    Ok(())
}
