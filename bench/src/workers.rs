//! Table "workers": the same users on one process and on 1, 4 and 16 workers, and on as many as the daemon takes by itself.

use crate::Outcome;
use crate::crowd::{Crowd, jabber};
use crate::daemon::{Daemon, HOLD_MS};
use crate::load::{LIGHT, PACE, Row};
use crate::proc::Meter;
use crate::prosody::Prosody;
use crate::table::{Table, micros, seconds, target, times};
use crate::xmpp::{self, HEAD, cells};
use std::path::Path;
use std::time::Duration;

/// Sign-ons begun a second, over all workers.
const SIGN_ONS: u32 = 160;

/// One way to run libpurple.
struct Kind {
    name: String,
    flags: Vec<String>,
}

impl Kind {
    /// Exactly so many workers, however many users they get.
    fn fixed(workers: u32) -> Self {
        let pace = (SIGN_ONS / workers.max(1)).to_string();
        let flags = [
            ["--workers", &workers.to_string()],
            ["--limits-sign-ons-per-second", &pace],
            ["--worker-accounts", "0"],
            ["--worker-buddies", "0"],
            ["--worker-memory-mb", "0"],
        ];
        let name = match workers {
            0 => "one process".to_owned(),
            1 => "1 worker".to_owned(),
            more => format!("{more} workers"),
        };
        Self { name, flags: flags.concat().into_iter().map(str::to_owned).collect() }
    }

    /// As the daemon comes.
    fn by_itself() -> Self {
        Self { name: "by itself".to_owned(), flags: Vec::new() }
    }
}

/// All kinds at all populations.
pub(crate) async fn table(binary: &Path, populations: &[usize], workers: &[u32], messages: usize) -> Outcome<()> {
    println!(
        "## workers: {messages} messages to each user, then {LIGHT} at {PACE} a second; by itself: a worker a processor, 250 accounts each\n"
    );
    let kinds: Vec<Kind> = workers.iter().copied().map(Kind::fixed).chain([Kind::by_itself()]).collect();
    let mut table = Table::new(&HEAD);
    let mut series: Vec<Vec<Row>> = kinds.iter().map(|_| Vec::new()).collect();
    let result = async {
        // All kinds of one population in a row: whatever the machine is like at the time, it is for all of them.
        for &users in populations {
            for (kind, rows) in kinds.iter().zip(&mut series) {
                let flags: Vec<&str> = kind.flags.iter().map(String::as_str).collect();
                let row = xmpp::ours(binary, &flags, users, messages)
                    .await
                    .map_err(|error| format!("{} at {users} users: {error}", kind.name))?;
                let least = rows.first().unwrap_or(&row).clone();
                table.row([vec![kind.name.clone()], cells(&row, &least)].concat());
                rows.push(row);
            }
        }
        Outcome::Ok(())
    }
    .await;
    table.print();
    flatness(kinds.iter().map(|kind| kind.name.as_str()).zip(series.iter().map(Vec::as_slice)));
    result
}

/// What the most users have beside the fewest.
pub(crate) fn flatness<'a>(series: impl IntoIterator<Item = (&'a str, &'a [Row])>) {
    let mut table = Table::new(&["growth", "users", "p50", "target", "p99", "target", "raw p99", "CPU/10 000", "target"]);
    for (name, rows) in series {
        let [least, .., most] = rows else { continue };
        let mut cells = vec![name.to_owned(), format!("{} -> {}", least.users, most.users)];
        for at in [0.5, 0.99] {
            let [before, after] = [least, most].map(|row| row.latencies.at(at));
            cells.push(format!("{} -> {} {}", before.as_micros(), micros(after), times(after.as_secs_f64(), before.as_secs_f64())));
            cells.push(target("<= 1.5x", after <= before.mul_f64(1.5)));
        }
        let [before, after] = [least, most].map(|row| row.raw.at(0.99));
        let raw = if most.raw.0.is_empty() { "-".to_owned() } else { format!("{} -> {}", before.as_micros(), micros(after)) };
        cells.push(raw);
        cells.push(format!("{:.2} -> {} {}", least.cpu, seconds(most.cpu), times(most.cpu, least.cpu)));
        cells.push(target("<= 1.5x", most.cpu <= least.cpu * 1.5));
        table.add(cells);
    }
    table.print();
}

/// What users cost who do nothing: their polls are answered and asked again.
pub(crate) async fn idle(binary: &Path, users: usize) -> Outcome<()> {
    let prosody = Prosody::plain(users).await?;
    let daemon = Daemon::start(binary, &[]).await?;
    let mut crowd = Crowd::of(&daemon);
    crowd.join((0..users).map(|n| jabber(n, prosody.port))).await.map_err(|error| daemon.explain(error))?;
    let meter = Meter::start(daemon.process.id(), prosody.id())?;
    tokio::time::sleep(Duration::from_millis(HOLD_MS)).await;
    let spent = meter.stop()?;
    println!(
        "idle: {users} users with polls held for {} s cost {:.3} ms of CPU each a minute ({:.3} cores in all)\n",
        HOLD_MS / 1000,
        spent.subject * 1000.0 / users as f64 / (spent.wall / 60.0),
        spent.subject / spent.wall
    );
    Ok(())
}
