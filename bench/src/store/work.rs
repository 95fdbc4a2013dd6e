//! What is done to one database, with a clock beside it.

use super::Plan;
use super::load::{Load, number, talk_id, talks, user_id};
use crate::Outcome;
use crate::latency::Latencies;
use crate::proc;
use serde::{Deserialize, Serialize};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use web::store::{Place, Store, Write};
use web::store::{Setting, Sql};

/// Messages a second.
const PACE: u64 = 20_000;
/// Between two commits, as the journal has it; and writes in one, at most.
const GROUP: Duration = Duration::from_millis(25);
const MOST: usize = 4096;
/// Messages of a page.
const PAGE: u32 = 50;

/// The median and the hundredth part's bound, in milliseconds.
type Both = (f64, f64);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) unpaced: f64,
    pub(crate) unpaced_commit: Both,
    pub(crate) paced_commit: Both,
    pub(crate) kept_up: f64,
    /// Scroll-back while the paced messages come.
    pub(crate) back: Both,
    pub(crate) cold: Option<Both>,
    pub(crate) memory: u64,
}

fn both(latencies: &Latencies) -> Both {
    let ms = |share| latencies.at(share).as_secs_f64() * 1000.0;
    (ms(0.5), ms(0.99))
}

pub(crate) async fn open(url: &str) -> Outcome<Arc<Sql>> {
    Ok(Sql::open(&Setting::parse(url, None)?).await?)
}

async fn back(sql: &Sql, load: &mut Load, place: u64) -> Outcome<Duration> {
    let (user, talk) = (load.user(), load.talk());
    let began = Instant::now();
    let page = sql.page(user_id(user), talk_id(user, talk), Place::Before(number(place)), PAGE).await?;
    let took = began.elapsed();
    std::hint::black_box(page);
    Ok(took)
}

pub(crate) async fn main(url: &str, plan: Plan) -> Outcome<()> {
    let mut load = Load::new(0);
    // What the messages themselves take before they are given to the store is not the store's.
    drop((0..MOST).map(|_| Load::new(1).message()).collect::<Vec<Write>>());
    let before = proc::memory(std::process::id())?.bytes;
    let sql = open(url).await?;
    for part in talks().chunks(1000) {
        sql.commit(part).await?;
    }
    let mut unpaced = Latencies::default();
    let began = Instant::now();
    let mut done = 0;
    while done < plan.messages {
        let batch: Vec<Write> = (0..MOST.min(plan.messages - done)).map(|_| load.message()).collect();
        let at = Instant::now();
        sql.commit(&batch).await?;
        unpaced.0.push(at.elapsed());
        done += batch.len();
        if done % (MOST * 256) == 0 {
            println!("{done} of {} messages after {:.0} s", plan.messages, began.elapsed().as_secs_f64());
        }
    }
    let rate = plan.messages as f64 / began.elapsed().as_secs_f64();

    let last = Arc::new(AtomicU64::new(done as u64));
    let stop = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (sql, last, stop) = (Arc::clone(&sql), Arc::clone(&last), Arc::clone(&stop));
        async move {
            let mut load = Load::new(7);
            let mut all = Latencies::default();
            while !stop.load(Ordering::Relaxed) {
                let place = last.load(Ordering::Relaxed) / 8 * (load.talk() as u64 % 8 + 1);
                all.0.push(back(&sql, &mut load, place).await?);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Outcome::Ok(all)
        }
    });
    let mut paced = Latencies::default();
    let (mut said, began) = (0, Instant::now());
    let until = Duration::from_secs(plan.seconds);
    while began.elapsed() < until {
        let at = Instant::now();
        let due = (began.elapsed().as_secs_f64() * PACE as f64) as u64;
        let batch: Vec<Write> = (said..due.min(said + MOST as u64)).map(|_| load.message()).collect();
        said += batch.len() as u64;
        let commit = Instant::now();
        sql.commit(&batch).await?;
        paced.0.push(commit.elapsed());
        last.store(done as u64 + said, Ordering::Relaxed);
        tokio::time::sleep(GROUP.saturating_sub(at.elapsed())).await;
    }
    let kept_up = said as f64 / (began.elapsed().as_secs_f64() * PACE as f64);
    stop.store(true, Ordering::Relaxed);
    let reads = reader.await??;
    let figures = Figures {
        unpaced: rate,
        unpaced_commit: both(&unpaced),
        paced_commit: both(&paced),
        kept_up: kept_up.min(1.0),
        back: both(&reads),
        cold: None,
        memory: proc::memory(std::process::id())?.bytes.saturating_sub(before),
    };
    println!("{}", serde_json::to_string(&figures)?);
    // To be killed while it writes.
    loop {
        let batch: Vec<Write> = (0..MOST).map(|_| load.message()).collect();
        sql.commit(&batch).await?;
    }
}

/// How long opening takes with a first page, and pages that come from the disk.
pub(crate) async fn reopen(url: &str, file: &Path, messages: usize) -> Outcome<(f64, Both)> {
    let mut load = Load::new(11);
    let began = Instant::now();
    let sql = open(url).await?;
    back(&sql, &mut load, messages as u64).await?;
    let opened = began.elapsed().as_secs_f64() * 1000.0;
    sql.close().await?;
    let mut cold = Latencies::default();
    for _ in 0..100 {
        forget(file)?;
        let sql = open(url).await?;
        forget(file)?;
        cold.0.push(back(&sql, &mut load, messages as u64).await?);
        sql.close().await?;
    }
    Ok((opened, both(&cold)))
}

/// Takes a file out of the kernel's memory.
pub(crate) fn forget(file: &Path) -> Outcome<()> {
    let file = std::fs::File::open(file)?;
    file.sync_all()?;
    // SAFETY: an open file, and figures.
    unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    Ok(())
}

/// Messages that are there.
pub(crate) async fn count(url: &str) -> Outcome<u64> {
    let sql = open(url).await?;
    let last = sql.last_number().await?;
    sql.close().await?;
    Ok(((last >> 16) - (number(0) >> 16)) / ((number(1) >> 16) - (number(0) >> 16)) + 1)
}
