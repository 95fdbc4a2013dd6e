//! Table "roster": many accounts with long buddy lists sign on at once; how long a loop stood still, and what it cost.

use crate::Outcome;
use crate::crowd::{Crowd, jabber};
use crate::daemon::Daemon;
use crate::latency::Latencies;
use crate::load::{Peer, Sender, Subject};
use crate::proc;
use crate::prosody::{Buddies, Prosody};
use crate::raw::{self, Raw};
use crate::table::{Table, kilobytes, micros, seconds, target};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a message goes to the account that is signed on already, to see who waits.
const CANARY: Duration = Duration::from_millis(70);
/// CPU seconds in half a second, below which everything is done.
const SETTLED: f64 = 0.02;

/// What one sign-on of all came to.
struct Signed {
    wall: f64,
    cpu: f64,
    /// The longest turn of any worker's loop; none is known of libpurple in the daemon itself.
    stall: Option<Duration>,
    /// From the raw sender to the poll of an account that was there before.
    canary: Latencies,
    /// The same to a raw client: what of it is the chat server's.
    raw: Latencies,
    memory: proc::Memory,
    workers: usize,
}

async fn sign_on(binary: &Path, flags: &[&str], users: usize, buddies: Buddies) -> Outcome<Signed> {
    let prosody = Prosody::start(users + 1, false, buddies).await?;
    let daemon = Daemon::start(binary, flags).await?;
    let root = daemon.process.id();
    let mut canary = Crowd::of(&daemon);
    canary.join([jabber(users, prosody.port)]).await?;
    let mut sender = Raw::sign_on(prosody.port, "sender").await?;
    let mut raw = raw::listen(prosody.port).await?;
    let (before, began) = (proc::cpu(root)?, Instant::now());
    let mut crowd = Crowd::of(&daemon);
    crowd.begin((0..users).map(|n| jabber(n, prosody.port)));
    let mut stall = None;
    let (mut wall, mut cpu) = (0.0, before);
    let mut calm = 0;
    let mut next = tokio::time::Instant::now();
    for n in 0u32.. {
        next += CANARY;
        tokio::time::sleep_until(next).await;
        sender.queue(users);
        sender.queue_to("raw");
        sender.flush().await?;
        if n % 7 != 6 {
            continue;
        }
        stall = stall.max(longest_turn(&daemon).await?);
        // It gives the first failure, too.
        crowd.count().await.map_err(|error| daemon.explain(error))?;
        let now = proc::cpu(root)?;
        if crowd.online() == users {
            if wall == 0.0 {
                wall = began.elapsed().as_secs_f64();
            }
            // The buddies come after an account is online; the canary's own messages cost a little.
            calm = if now - cpu < SETTLED { calm + 1 } else { 0 };
        } else if began.elapsed() > Duration::from_secs(900) {
            return Err(daemon.explain(format!("only {} of {users} signed on in 15 minutes", crowd.online())).into());
        }
        cpu = now;
        if calm == 3 {
            break;
        }
    }
    let canary = canary.take().await?;
    let raw = raw::heard(&mut raw);
    let workers = daemon.workers().await?.len();
    Ok(Signed { wall, cpu: cpu - before, stall, canary, raw, memory: proc::memory(root)?, workers })
}

/// The longest turn of any worker.
async fn longest_turn(daemon: &Daemon) -> Outcome<Option<Duration>> {
    let turn = |worker: &serde_json::Value| worker.pointer("/load/longest_turn_us").and_then(serde_json::Value::as_u64);
    Ok(daemon.workers().await?.iter().filter_map(turn).max().map(Duration::from_micros))
}

/// Empty rosters, buddies who are away, buddies who see each other come; and, if wanted, all in one libpurple.
pub(crate) async fn table(binary: &Path, users: usize, each: usize, shared: bool) -> Outcome<()> {
    println!("## roster: {users} accounts with {each} buddies each sign on\n");
    let one: &[&str] = &["--workers", "0"];
    let mut runs = vec![
        ("no buddies", &[][..], Buddies::None),
        ("buddies away", &[][..], Buddies::Away(each)),
        ("buddies of each other", &[][..], Buddies::Each(each)),
    ];
    if shared {
        runs.push(("away, one libpurple", one, Buddies::Away(each)));
    }
    let mut table = Table::new(&[
        "",
        "workers",
        "all online",
        "CPU",
        "target",
        "an account",
        "longest stall",
        "target",
        "canary p50",
        "p99",
        "most",
        "raw p50 p99 most",
        "memory a user",
    ]);
    let mut result = Ok(());
    for (name, flags, buddies) in runs {
        match sign_on(binary, flags, users, buddies).await {
            Ok(signed) => table.row(cells(name, users, &signed)),
            Err(error) => {
                result = Err(format!("{name}: {error}").into());
                break;
            }
        }
    }
    table.print();
    result
}

fn cells(name: &str, users: usize, signed: &Signed) -> Vec<String> {
    vec![
        name.to_owned(),
        signed.workers.to_string(),
        seconds(signed.wall),
        seconds(signed.cpu),
        target("<= 12 s", signed.cpu <= 12.0),
        format!("{:.1} ms", signed.cpu * 1000.0 / users as f64),
        signed.stall.map_or("-".to_owned(), micros),
        signed.stall.map_or("-".to_owned(), |stall| target("<= 100 ms", stall <= Duration::from_millis(100))),
        micros(signed.canary.median()),
        micros(signed.canary.at(0.99)),
        micros(signed.canary.at(1.0)),
        [0.5, 0.99, 1.0].map(|share| micros(signed.raw.at(share))).join(" "),
        kilobytes(signed.memory.bytes as f64 / users as f64),
    ]
}
