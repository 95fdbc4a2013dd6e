//! Table "busy": as many messages as go through, and which processes the processors are busy with meanwhile. On IRC, whose server costs least.

use crate::Outcome;
use crate::crowd::{self, Crowd};
use crate::daemon::Daemon;
use crate::load::Load;
use crate::ngircd::{Ngircd, RawIrc};
use crate::table::Table;
use std::path::Path;
use std::time::Duration;

/// Messages on their way at once, per user.
const AHEAD_EACH: usize = 10;

/// With each number of workers; `None` is as many as the daemon takes by itself.
pub(crate) async fn table(binary: &Path, users: usize, workers: &[u32], time: Duration) -> Outcome<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "## busy: {users} users on ngircd get what goes through in {} s; {cores} processors; target: all of them busy\n",
        time.as_secs()
    );
    let mut table =
        Table::new(&["", "messages/s", "daemon (cores)", "its web process", "its workers", "server", "load", "others", "all busy"]);
    let mut result = Ok(());
    for workers in workers {
        match run(binary, users, *workers, time, cores).await {
            Ok(cells) => table.row(cells),
            Err(error) => {
                result = Err(error);
                break;
            }
        }
    }
    table.print();
    result
}

async fn run(binary: &Path, users: usize, workers: u32, time: Duration, cores: usize) -> Outcome<Vec<String>> {
    let server = Ngircd::start().await?;
    let daemon = Daemon::start(binary, &["--workers", &workers.to_string()]).await?;
    let mut crowd = Crowd::of(&daemon);
    crowd.join((0..users).map(|n| crowd::irc(n, server.port))).await.map_err(|error| daemon.explain(error))?;
    let mut load = Load::new(RawIrc::sign_on(server.port, "sender").await?, server.id());
    load.rounds(&mut crowd, users, 5).await?;
    let (rate, spent) = load.flood(&mut crowd, users, users * AHEAD_EACH, time).await.map_err(|error| daemon.explain(error))?;
    let of = |seconds: f64| format!("{:.2}", seconds / spent.wall);
    let busy = (spent.subject + spent.server + spent.load + spent.others) / spent.wall / cores as f64;
    Ok(vec![
        format!("workers = {workers}"),
        format!("{rate:.0}"),
        of(spent.subject),
        of(spent.root),
        of(spent.subject - spent.root),
        of(spent.server),
        of(spent.load),
        of(spent.others),
        format!("{:.0} %", busy * 100.0),
    ])
}
