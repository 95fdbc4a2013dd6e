//! Table "irc": the daemon with N IRC accounts on a real ngircd, beside itself with few.

use crate::Outcome;
use crate::crowd::{self, Crowd};
use crate::daemon::Daemon;
use crate::load::{LIGHT, Load, PACE, Row};
use crate::ngircd::{self, Ngircd, RawIrc};
use crate::proc;
use crate::table::Table;
use crate::workers::flatness;
use crate::xmpp::{HEAD, cells};
use std::path::Path;

async fn row(binary: &Path, users: usize, messages: usize) -> Outcome<Row> {
    let server = Ngircd::start().await?;
    let daemon = Daemon::start(binary, &[]).await?;
    let row = async {
        let mut crowd = Crowd::of(&daemon);
        let before = proc::cpu(daemon.process.id())?;
        crowd.join((0..users).map(|n| crowd::irc(n, server.port))).await?;
        let sign_on = proc::cpu(daemon.process.id())? - before;
        let mut load = Load::new(RawIrc::sign_on(server.port, "sender").await?, server.id());
        let row = load.measure(&mut crowd, users, messages).await?;
        Outcome::Ok(Row { sign_on, raw: ngircd::floor(server.port).await?, ..row })
    };
    row.await.map_err(|error| daemon.explain(error).into())
}

/// IRC, at each population; the last beside the first says what grows with them (this server collects no garbage).
pub(crate) async fn table(binary: &Path, populations: &[usize], messages: usize) -> Outcome<()> {
    println!("## irc: {messages} messages to each user on ngircd, then {LIGHT} at {PACE} a second\n");
    let mut table = Table::new(&HEAD);
    let mut rows: Vec<Row> = Vec::new();
    let result = async {
        for &users in populations {
            let row = row(binary, users, messages).await?;
            let least = rows.first().unwrap_or(&row).clone();
            table.row([vec!["bellflower".to_owned()], cells(&row, &least)].concat());
            rows.push(row);
        }
        Outcome::Ok(())
    }
    .await;
    table.print();
    flatness([("bellflower", rows.as_slice())]);
    result
}
