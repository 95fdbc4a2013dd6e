//! Table "crash": a worker with as many accounts as it may have is killed; how long until they are back, and what everybody else saw of it.

use crate::Outcome;
use crate::crowd::{Crowd, jabber};
use crate::daemon::Daemon;
use crate::latency::Latencies;
use crate::load::{Load, PACE, Peer, Sender, Subject};
use crate::prosody::{Buddies, Prosody};
use crate::raw::{self, Raw};
use crate::table::{Table, micros, seconds, target};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// Messages before the crash, to compare with.
const BEFORE: usize = 1000;
/// When an account that is not back is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// What one crash came to.
struct Crash {
    workers: usize,
    lost: usize,
    /// Until the first, half and all of the lost accounts were signed on again.
    back: [Duration; 3],
    /// Messages to those who were in other workers, before and meanwhile.
    before: Latencies,
    meanwhile: Latencies,
    /// Those to a raw client, meanwhile: what the chat server makes of it, to which all come back at once.
    raw: Latencies,
}

async fn crash(binary: &Path, users: usize, buddies: Buddies) -> Outcome<Crash> {
    let prosody = Prosody::start(users, false, buddies).await?;
    let daemon = Daemon::start(binary, &[]).await?;
    let mut crowd = Crowd::of(&daemon);
    crowd.join((0..users).map(|n| jabber(n, prosody.port))).await.map_err(|error| daemon.explain(error))?;
    crowd.rest().await?;
    let mut load = Load::new(Raw::sign_on(prosody.port, "sender").await?, prosody.id());
    let (before, _) = load.paced(&mut crowd, users, BEFORE).await?;
    let workers = daemon.workers().await?;
    let accounts = |worker: &Value| worker.pointer("/load/accounts").and_then(Value::as_u64).unwrap_or(0);
    let fullest = workers.iter().max_by_key(|worker| accounts(worker)).ok_or("no worker to kill")?;
    let lost = usize::try_from(accounts(fullest))?;
    let pid = fullest.get("pid").and_then(Value::as_i64).ok_or("a worker without a pid")?;
    let mut raw = raw::listen(prosody.port).await?;
    // SAFETY: a process of the daemon's.
    unsafe { libc::kill(i32::try_from(pid)?, libc::SIGKILL) };
    let began = Instant::now();
    let mut back = [None; 3];
    let mut next = tokio::time::Instant::now();
    for n in 0.. {
        next += Duration::from_secs(1) / PACE;
        tokio::time::sleep_until(next).await;
        load.sender.queue(n % users);
        load.sender.queue_to("raw");
        load.sender.flush().await?;
        crowd.count().await.map_err(|error| daemon.explain(error))?;
        let (gone, missing) = (crowd.lost(), users - crowd.online());
        for (back, wanted) in back.iter_mut().zip([1, lost.div_ceil(2), lost]) {
            if gone == lost && gone - missing >= wanted {
                back.get_or_insert(began.elapsed());
            }
        }
        if back[2].is_some() {
            break;
        }
        if began.elapsed() > PATIENCE {
            return Err(daemon
                .explain(format!("{gone} of {lost} accounts were told as lost, {missing} were not back in two minutes"))
                .into());
        }
    }
    // What is still on its way.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let meanwhile = crowd.take().await?;
    Ok(Crash { workers: workers.len(), lost, back: back.map(Option::unwrap_or_default), before, meanwhile, raw: raw::heard(&mut raw) })
}

/// With empty lists, and with buddies.
pub(crate) async fn table(binary: &Path, users: usize, each: usize) -> Outcome<()> {
    println!("## crash: the fullest worker of {users} accounts is killed, while {PACE} messages a second go round all\n");
    let mut table = Table::new(&[
        "",
        "workers",
        "lost",
        "back: first",
        "half",
        "all",
        "target",
        "others before p50 p99 most",
        "meanwhile p50 p99 most",
        "raw p50 p99 most",
        "most, beyond raw",
        "target",
    ]);
    let mut result = Ok(());
    for (name, buddies) in [("no buddies".to_owned(), Buddies::None), (format!("{each} buddies, away"), Buddies::Away(each))] {
        match crash(binary, users, buddies).await {
            Ok(crash) => table.row(cells(name, &crash)),
            Err(error) => {
                result = Err(format!("{name}: {error}").into());
                break;
            }
        }
    }
    table.print();
    result
}

fn cells(name: String, crash: &Crash) -> Vec<String> {
    let three = |latencies: &Latencies| [0.5, 0.99, 1.0].map(|share| micros(latencies.at(share))).join(" ");
    let [first, half, all] = crash.back;
    let beyond = crash.meanwhile.at(1.0).saturating_sub(crash.raw.at(1.0));
    vec![
        name,
        crash.workers.to_string(),
        crash.lost.to_string(),
        seconds(first.as_secs_f64()),
        seconds(half.as_secs_f64()),
        seconds(all.as_secs_f64()),
        target("<= 10 s", all <= Duration::from_secs(10)),
        three(&crash.before),
        three(&crash.meanwhile),
        three(&crash.raw),
        micros(beyond),
        target("<= 100 ms", beyond <= Duration::from_millis(100)),
    ]
}
