//! Table "xmpp": the daemon, and a bare libpurple with the same N accounts on the same kind of server, one after the other in one run.

use crate::Outcome;
use crate::crowd::{Crowd, jabber};
use crate::daemon::Daemon;
use crate::floor::Floor;
use crate::load::{EVEN, LIGHT, Load, PACE, Row};
use crate::proc;
use crate::prosody::Prosody;
use crate::raw::{self, Raw};
use crate::table::{Table, kilobytes, megabytes, micros, seconds, target, times};
use std::path::Path;

/// The floor at one population.
async fn floor(users: usize, messages: usize) -> Outcome<Row> {
    let prosody = Prosody::plain(users).await?;
    let mut floor = Floor::start(&prosody, users, "none").await?;
    let sign_on = proc::cpu(floor.process.id())?;
    let mut load = Load::new(Raw::sign_on(prosody.port, "sender").await?, prosody.id());
    let row = load.measure(&mut floor, users, messages).await?;
    Ok(Row { sign_on, raw: raw::floor(prosody.port, EVEN).await?, ..row })
}

/// The daemon at one population, with these flags besides.
pub(crate) async fn ours(binary: &Path, flags: &[&str], users: usize, messages: usize) -> Outcome<Row> {
    let prosody = Prosody::plain(users).await?;
    let daemon = Daemon::start(binary, flags).await?;
    let row = async {
        let mut crowd = Crowd::of(&daemon);
        let before = proc::cpu(daemon.process.id())?;
        crowd.join((0..users).map(|n| jabber(n, prosody.port))).await?;
        let sign_on = proc::cpu(daemon.process.id())? - before;
        let mut load = Load::new(Raw::sign_on(prosody.port, "sender").await?, prosody.id());
        let row = load.measure(&mut crowd, users, messages).await?;
        Outcome::Ok(Row { sign_on, raw: raw::floor(prosody.port, EVEN).await?, ..row })
    };
    row.await.map_err(|error| daemon.explain(error).into())
}

/// The cells that all tables of populations share, after the name.
pub(crate) fn cells(row: &Row, least: &Row) -> Vec<String> {
    vec![
        row.users.to_string(),
        row.memory.processes.to_string(),
        megabytes(row.memory.bytes as f64),
        row.added_since(least).map_or("-".to_owned(), kilobytes),
        micros(row.latencies.median()),
        micros(row.latencies.at(0.99)),
        if row.raw.0.is_empty() { "-".to_owned() } else { format!("{} {}", micros(row.raw.median()), micros(row.raw.at(0.99))) },
        seconds(row.cpu),
        seconds(row.bursts),
        row.sign_on_each(),
        row.beside(),
    ]
}

/// What stands above [`cells`].
pub(crate) const HEAD: [&str; 12] = [
    "",
    "users",
    "processes",
    "memory",
    "a user more",
    "p50",
    "p99",
    "raw p50 p99",
    "CPU/10 000",
    "in bursts",
    "sign-on CPU",
    "load, others (cores)",
];

/// XMPP, all populations.
pub(crate) async fn table(binary: &Path, populations: &[usize], messages: usize) -> Outcome<()> {
    println!("## xmpp: {messages} messages to each user, then {LIGHT} at {PACE} a second, from a raw sender to the poll's answer\n");
    let mut table = Table::new(&HEAD);
    let mut pairs: Vec<(Row, Row)> = Vec::new();
    let mut result = Ok(());
    for &users in populations {
        let pair = async {
            let base = floor(users, messages).await.map_err(|error| format!("the bare libpurple at {users} users: {error}"))?;
            let least = pairs.first().map_or(base.clone(), |(base, _)| base.clone());
            table.row([vec!["bare libpurple".to_owned()], cells(&base, &least)].concat());
            let row = ours(binary, &[], users, messages).await.map_err(|error| format!("the daemon at {users} users: {error}"))?;
            let least = pairs.first().map_or(row.clone(), |(_, row)| row.clone());
            table.row([vec!["bellflower".to_owned()], cells(&row, &least)].concat());
            Outcome::Ok((base, row))
        };
        match pair.await {
            Ok(pair) => pairs.push(pair),
            Err(error) => {
                result = Err(error);
                break;
            }
        }
    }
    table.print();
    compare(&pairs);
    result
}

/// What ours has beyond the floor, beside the targets.
fn compare(pairs: &[(Row, Row)]) {
    let Some((least_base, least_row)) = pairs.first() else { return };
    let beyond = |base: &Row, row: &Row| row.latencies.median().as_micros() as f64 - base.latencies.median().as_micros() as f64;
    let smallest = beyond(least_base, least_row);
    let mut table = Table::new(&[
        "beyond the floor",
        "a user more",
        "target",
        "p50",
        "target",
        "CPU a message",
        "target",
        "in bursts",
        "p50 beyond, to the smallest's",
        "target",
    ]);
    for (base, row) in pairs {
        let memory = row.added_since(least_row).zip(base.added_since(least_base)).map(|(ours, floor)| ours - floor);
        let (p50, cpu) = (beyond(base, row), row.cpu / base.cpu.max(0.001));
        table.add(vec![
            format!("{} users", row.users),
            memory.map_or("-".to_owned(), kilobytes),
            memory.map_or("-".to_owned(), |bytes| target("<= 32 KB", bytes <= 32.0 * 1024.0)),
            format!("{p50:+.0} us"),
            target("<= +500 us", p50 <= 500.0),
            format!("{cpu:.2}x"),
            target("<= 3x", cpu <= 3.0),
            times(row.bursts, base.bursts),
            times(p50, smallest),
            target("<= 2x", p50 <= 2.0 * smallest),
        ]);
    }
    table.print();
}
