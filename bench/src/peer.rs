//! Table "bitlbee": what people would use instead, with the same users on the same server in the same run.

use crate::Outcome;
use crate::bitlbee::Bitlbee;
use crate::crowd::{By, Crowd, jabber};
use crate::daemon::Daemon;
use crate::latency::Latencies;
use crate::load::{LIGHT, Load, Near, PACE, Row, Subject};
use crate::proc;
use crate::prosody::Prosody;
use crate::raw::{self, Raw};
use crate::table::{Table, micros, seconds, target};
use crate::xmpp::{HEAD, cells};
use std::path::Path;
use std::time::Duration;

/// Messages on their way when as many come as go through, and how long that goes on.
const AHEAD: usize = 1000;
const FLOOD: Duration = Duration::from_secs(5);

/// Either of the two with some users.
struct Side {
    row: Row,
    /// Messages one by one: latencies, and CPU seconds of 10 000.
    one: (Latencies, f64),
    /// As many as go through: messages a second, and CPU seconds of 10 000.
    most: (f64, f64),
}

impl Side {
    async fn of(subject: &mut impl Near, sign_on: f64, prosody: &Prosody, users: usize, messages: usize) -> Outcome<Self> {
        let mut load = Load::new(Raw::sign_on(prosody.port, "sender").await?, prosody.id());
        let row = load.measure(subject, users, messages).await?;
        let one = load.one_by_one(subject, users).await?;
        let (rate, spent) = load.flood(subject, users, AHEAD, FLOOD).await?;
        let most = (rate, spent.subject * 10_000.0 / (rate * spent.wall).max(1.0));
        Ok(Self { row: Row { sign_on, ..row }, one, most })
    }

    fn cells(&self, name: &str, least: &Self) -> Vec<String> {
        let (latencies, cpu) = &self.one;
        let one = [micros(latencies.median()), micros(latencies.at(0.99)), seconds(*cpu)];
        let most = [format!("{:.0}/s", self.most.0), seconds(self.most.1)];
        [vec![name.to_owned()], cells(&self.row, &least.row), one.to_vec(), most.to_vec()].concat()
    }
}

async fn theirs(prosody: &Prosody, users: usize, messages: usize) -> Outcome<(Side, bool)> {
    let mut bitlbee = Bitlbee::start().await?;
    let before = proc::cpu(bitlbee.root())?;
    bitlbee.join(0..users, prosody.port).await?;
    let sign_on = proc::cpu(bitlbee.root())? - before;
    let side = Side::of(&mut bitlbee, sign_on, prosody, users, messages).await?;
    Ok((side, bitlbee.has_libpurple()))
}

async fn ours(binary: &Path, by: By, prosody: &Prosody, users: usize, messages: usize) -> Outcome<Side> {
    let daemon = Daemon::start(binary, &[]).await?;
    let mut crowd = Crowd::following(&daemon, by);
    let before = proc::cpu(daemon.process.id())?;
    crowd.join((0..users).map(|n| jabber(n, prosody.port))).await.map_err(|error| daemon.explain(error))?;
    let sign_on = proc::cpu(daemon.process.id())? - before;
    Side::of(&mut crowd, sign_on, prosody, users, messages).await
}

/// All, at the fewest and the most users.
pub(crate) async fn table(binary: &Path, least: usize, most: usize, messages: usize) -> Outcome<()> {
    println!(
        "## bitlbee: ForkDaemon beside bellflower; {messages} messages to each user, then {LIGHT} at {PACE} a second, then one by one, then as many as go through\n"
    );
    let prosody = Prosody::plain(most).await?;
    let mut table = Table::new(&[HEAD.as_slice(), &["one by one: p50", "p99", "CPU/10 000", "at most", "CPU/10 000"]].concat());
    let mut theirs_all = Vec::new();
    let mut ours_all = [(By::Polls, "by polls", Vec::new()), (By::Streams, "by streams", Vec::new())];
    let mut with = "BitlBee with libpurple";
    let result = async {
        for users in [least, most] {
            let (side, purple) = theirs(&prosody, users, messages).await.map_err(|error| format!("BitlBee at {users} users: {error}"))?;
            if !purple {
                with = "BitlBee WITHOUT libpurple";
            }
            table.row(side.cells(with, theirs_all.first().unwrap_or(&side)));
            theirs_all.push(side);
            for (by, name, all) in &mut ours_all {
                let mine = ours(binary, *by, &prosody, users, messages).await;
                let mine = mine.map_err(|error| format!("the daemon {name} at {users} users: {error}"))?;
                table.row(mine.cells(&format!("bellflower {name}"), all.first().unwrap_or(&mine)));
                all.push(mine);
            }
        }
        let raw = raw::floor(prosody.port, Duration::ZERO).await?;
        println!("raw client to raw client, one by one: p50 {}, p99 {}", micros(raw.median()), micros(raw.at(0.99)));
        Outcome::Ok(())
    }
    .await;
    table.print();
    for (_, name, ours_all) in &ours_all {
        if let ([their_least, theirs], [our_least, ours]) = (theirs_all.as_slice(), ours_all.as_slice()) {
            println!("beside bellflower {name}:");
            compare([&their_least.row, &our_least.row], theirs, ours);
        }
    }
    result
}

/// Theirs beside ours, beside the targets.
fn compare([their_least, our_least]: [&Row; 2], theirs: &Side, ours: &Side) {
    let added = theirs.row.added_since(their_least).unwrap_or(0.0) / ours.row.added_since(our_least).unwrap_or(1.0);
    println!("BitlBee takes {added:.0}x the memory for a user more (target {})", target(">= 100x", added >= 100.0));
    for (theirs, ours, how) in [
        (theirs.one.1, ours.one.1, "when they come one by one"),
        (theirs.most.1, ours.most.1, "when as many come as go through"),
        (theirs.row.bursts, ours.row.bursts, "in bursts"),
        (theirs.row.cpu, ours.row.cpu, "at the pace that finds everybody asleep"),
    ] {
        let times = theirs / ours;
        println!("              {times:.1}x the CPU for a message {how} (target {})", target(">= 20x", times >= 20.0));
    }
    let total = theirs.row.memory.bytes as f64 / ours.row.memory.bytes as f64;
    let p50 = theirs.row.latencies.median().as_secs_f64() / ours.row.latencies.median().as_secs_f64();
    println!("              {total:.1}x the memory in all with {} users, and {p50:.1}x the time (p50)\n", ours.row.users);
}
