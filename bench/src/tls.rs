//! Table "tls": what TLS costs an account in memory: the bare libpurple with rustls under PurpleSslOps beside libpurple's own NSS.

use crate::Outcome;
use crate::floor::Floor;
use crate::proc;
use crate::prosody::{Buddies, Prosody};
use crate::table::{Table, kilobytes, target};

/// The smaller population of each pair.
const LEAST: usize = 50;

/// Memory and sign-on CPU seconds per added account of one kind.
async fn per_account(kind: &str, users: usize) -> Outcome<(f64, f64)> {
    let mut figures = Vec::new();
    for population in [LEAST, users] {
        let prosody = Prosody::start(population, kind != "none", Buddies::None).await?;
        let floor = Floor::start(&prosody, population, kind).await?;
        figures.push((proc::memory(floor.process.id())?.bytes as f64, proc::cpu(floor.process.id())?));
    }
    let [least, most] = figures.as_slice() else { return Err("two figures were to be had".into()) };
    let more = users.saturating_sub(LEAST).max(1) as f64;
    Ok(((most.0 - least.0) / more, (most.1 - least.1) / more))
}

/// The three kinds side by side.
pub(crate) async fn table(users: usize) -> Outcome<()> {
    println!("## tls: {LEAST} to {users} accounts in a bare libpurple\n");
    let mut table = Table::new(&["", "memory an account", "beyond none", "target", "sign-on CPU"]);
    let result = async {
        let mut plain = None;
        for kind in ["none", "rustls", "nss"] {
            let (memory, cpu) = per_account(kind, users).await.map_err(|error| format!("TLS by {kind}: {error}"))?;
            let beyond = memory - *plain.get_or_insert(memory);
            table.row(vec![
                kind.to_owned(),
                kilobytes(memory),
                kilobytes(beyond),
                if kind == "rustls" { target("<= 12 KB", beyond <= 12.0 * 1024.0) } else { String::new() },
                format!("{:.2} ms", cpu * 1000.0),
            ]);
        }
        Outcome::Ok(())
    }
    .await;
    table.print();
    result
}
