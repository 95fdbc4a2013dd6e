//! Table "bitlbee": what people would use instead, with the same users on the same server in the same run.

use crate::Outcome;
use crate::bitlbee::Bitlbee;
use crate::crowd::{Crowd, jabber};
use crate::daemon::Daemon;
use crate::load::{LIGHT, Load, PACE, Row, Subject};
use crate::proc;
use crate::prosody::Prosody;
use crate::raw::Raw;
use crate::table::{Table, target};
use crate::xmpp::{HEAD, cells};
use std::path::Path;

async fn theirs(prosody: &Prosody, users: usize, messages: usize) -> Outcome<(Row, bool)> {
    let mut bitlbee = Bitlbee::start().await?;
    let before = proc::cpu(bitlbee.root())?;
    bitlbee.join(0..users, prosody.port).await?;
    let sign_on = proc::cpu(bitlbee.root())? - before;
    let mut load = Load::new(Raw::sign_on(prosody.port, "sender").await?, prosody.id());
    let row = load.measure(&mut bitlbee, users, messages).await?;
    Ok((Row { sign_on, ..row }, bitlbee.has_libpurple()))
}

async fn ours(binary: &Path, prosody: &Prosody, users: usize, messages: usize) -> Outcome<Row> {
    let daemon = Daemon::start(binary, &[]).await?;
    let mut crowd = Crowd::of(&daemon);
    let before = proc::cpu(crowd.root())?;
    crowd.join((0..users).map(|n| jabber(n, prosody.port))).await.map_err(|error| daemon.explain(error))?;
    let sign_on = proc::cpu(crowd.root())? - before;
    let mut load = Load::new(Raw::sign_on(prosody.port, "sender").await?, prosody.id());
    let row = load.measure(&mut crowd, users, messages).await?;
    Ok(Row { sign_on, ..row })
}

/// Both, at the fewest and the most users.
pub(crate) async fn table(binary: &Path, least: usize, most: usize, messages: usize) -> Outcome<()> {
    println!("## bitlbee: ForkDaemon beside bellflower; {messages} messages to each user, then {LIGHT} at {PACE} a second\n");
    let prosody = Prosody::plain(most).await?;
    let mut table = Table::new(&HEAD);
    let mut rows: [Vec<Row>; 2] = Default::default();
    let mut with = "BitlBee with libpurple";
    let result = async {
        for users in [least, most] {
            let (row, purple) = theirs(&prosody, users, messages).await.map_err(|error| format!("BitlBee at {users} users: {error}"))?;
            if !purple {
                with = "BitlBee WITHOUT libpurple";
            }
            let [before, _] = &rows;
            table.row([vec![with.to_owned()], cells(&row, before.first().unwrap_or(&row))].concat());
            let mine = ours(binary, &prosody, users, messages).await.map_err(|error| format!("the daemon at {users} users: {error}"))?;
            let [_, before] = &rows;
            table.row([vec!["bellflower".to_owned()], cells(&mine, before.first().unwrap_or(&mine))].concat());
            let [theirs, ours] = &mut rows;
            theirs.push(row);
            ours.push(mine);
        }
        Outcome::Ok(())
    }
    .await;
    table.print();
    let [theirs, ours] = &rows;
    if let ([their_least, theirs], [our_least, ours]) = (theirs.as_slice(), ours.as_slice()) {
        let added = theirs.added_since(their_least).unwrap_or(0.0) / ours.added_since(our_least).unwrap_or(1.0);
        let cpu = theirs.cpu / ours.cpu;
        let bursts = theirs.bursts / ours.bursts;
        let total = theirs.memory.bytes as f64 / ours.memory.bytes as f64;
        let p50 = theirs.latencies.median().as_secs_f64() / ours.latencies.median().as_secs_f64();
        println!("BitlBee takes {added:.0}x the memory for a user more (target {})", target(">= 100x", added >= 100.0));
        println!("              {cpu:.0}x the CPU for a message       (target {})", target(">= 20x", cpu >= 20.0));
        println!("              {bursts:.0}x the CPU for a message in bursts");
        println!("              {total:.1}x the memory in all with {most} users, and {p50:.1}x the time (p50)\n");
    }
    result
}
