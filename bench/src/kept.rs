//! Table "kept": what it costs that lines are stored: users of the site beside guests, of whom nothing is. Both daemons run at once on one
//! server, and take turns.

use crate::Outcome;
use crate::crowd::{Crowd, jabber};
use crate::daemon::Daemon;
use crate::load::{Load, Subject};
use crate::proc;
use crate::prosody::Prosody;
use crate::raw::Raw;
use crate::sides::{A_TURN, Side, USERS, more, turns};
use crate::table::{Table, kilobytes, megabytes, target};
use std::path::Path;

/// So many turns of the way of a message; memory with the fewest and the most users, after so many messages to each.
pub(crate) async fn table(binary: &Path, count: usize, least: usize, most: usize, messages: usize) -> Outcome<()> {
    way(binary, count).await?;
    println!("## kept: memory after {messages} messages to each user\n");
    let mut table = Table::new(&["", "users", "memory", "a user more"]);
    let mut added = Vec::new();
    for (name, crowd) in [("guests", Crowd::of as fn(&Daemon) -> Crowd), ("users of the site", Crowd::kept)] {
        let few = memory(binary, crowd, least, messages).await.map_err(|error| format!("{least} {name}: {error}"))?;
        table.row(vec![name.to_owned(), least.to_string(), megabytes(few), "-".to_owned()]);
        let many = memory(binary, crowd, most, messages).await.map_err(|error| format!("{most} {name}: {error}"))?;
        let each = (many - few) / most.saturating_sub(least).max(1) as f64;
        table.row(vec![name.to_owned(), most.to_string(), megabytes(many), kilobytes(each)]);
        added.push(each);
    }
    table.print();
    if let [guests, users] = added.as_slice() {
        let more = users - guests;
        println!("a user of the site: {} more than a guest, target {}\n", kilobytes(more), target("<= 4 KB", more <= 4096.0));
    }
    Ok(())
}

async fn way(binary: &Path, count: usize) -> Outcome<()> {
    println!("## kept: {USERS} users each, {count} turns of {} messages, one daemon after the other\n", USERS * A_TURN);
    let prosody = Prosody::plain(2 * USERS).await?;
    let start = async |first, name, crowd: fn(&Daemon) -> Crowd| {
        let daemon = Daemon::start(binary, &[]).await?;
        let crowd = crowd(&daemon);
        Side::start(daemon, crowd, &prosody, first, name).await
    };
    let mut sides = [start(0, "guests", Crowd::of).await?, start(USERS, "users of the site", Crowd::kept).await?];
    turns(&mut sides, count, "").await?;
    let part = more(&sides) * 100.0 / sides[0].median();
    println!("stored: {part:+.1} % of p50 (median of the turns' differences), target {}\n", target("<= +5 %", part <= 5.0));
    Ok(())
}

/// Bytes of the daemon with its workers.
async fn memory(binary: &Path, crowd: fn(&Daemon) -> Crowd, users: usize, messages: usize) -> Outcome<f64> {
    let prosody = Prosody::plain(users).await?;
    let daemon = Daemon::start(binary, &[]).await?;
    let measured = async {
        let mut crowd = crowd(&daemon);
        crowd.join((0..users).map(|n| jabber(n, prosody.port))).await?;
        let mut load = Load::new(Raw::sign_on(prosody.port, "sender").await?, prosody.id());
        load.rounds(&mut crowd, users, messages).await?;
        crowd.rest().await?;
        Outcome::Ok(proc::memory(daemon.process.id())?.bytes as f64)
    };
    measured.await.map_err(|error| daemon.explain(error).into())
}
