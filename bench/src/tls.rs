//! What TLS costs an account in memory: the bare libpurple with rustls under PurpleSslOps beside libpurple's own NSS.

use crate::Outcome;
use crate::floor::Floor;
use crate::proc;
use crate::prosody::Prosody;

/// The smaller population of each pair.
const LEAST: usize = 50;

/// Memory per added account of one kind.
async fn per_account(kind: &str, users: usize) -> Outcome<f64> {
    let mut memory = Vec::new();
    for population in [LEAST, users] {
        let prosody = Prosody::start(population, kind != "none").await?;
        let floor = Floor::start(&prosody, population, kind).await?;
        memory.push(proc::memory(floor.process.id())? as f64);
    }
    let (least, most) = (memory.first().copied().unwrap_or(0.0), memory.last().copied().unwrap_or(0.0));
    Ok((most - least) / (users.saturating_sub(LEAST)).max(1) as f64)
}

/// The three kinds side by side.
pub(crate) async fn table(users: usize) -> Outcome<()> {
    println!("## TLS: memory per account, {LEAST} to {users} accounts in a bare libpurple\n");
    let plain = per_account("none", users).await?;
    for kind in ["rustls", "nss"] {
        let with = per_account(kind, users).await.map_err(|error| format!("TLS by {kind}: {error}"))?;
        println!("{kind:<7} {:.1} KB beyond the {:.1} KB without TLS  (target for rustls 12 KB)", (with - plain) / 1024.0, plain / 1024.0);
    }
    println!();
    Ok(())
}
