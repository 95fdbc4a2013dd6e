//! Times the searches of one database, kind by kind, and measures the cost of searches that wait for messages.

use crate::Outcome;
use crate::latency::Latencies;
use crate::store::Plan;
use crate::store::load::{Load, USERS, rare, talks, user_id};
use crate::store::work::{forget, open};
use bridge::id::{AccountId, UserId};
use bridge::model::Author;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use web::search::live::{Live, Said};
use web::search::{Query, Search};
use web::store::{Sql, Store, Write};

/// Messages a second.
pub(crate) const PACE: u64 = 20_000;
/// Between two commits, as the journal has it; and writes in one, at most.
const GROUP: Duration = Duration::from_millis(25);
const MOST: usize = 4096;
/// Hits of a page.
const PAGE: u32 = 50;
/// Searches that wait, and messages that they hear.
const WAITING: u64 = 1000;
const HEARD: usize = 20_000;
/// Time that one search may wait for its place.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(5);
/// Times that each question is asked cold.
const COLD: usize = 30;

/// A kind of query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Rare,
    Frequent,
    Two,
    Mixed,
    Chinese,
    Beginning,
    Phrase,
}

const KINDS: [Kind; 7] = [Kind::Rare, Kind::Frequent, Kind::Two, Kind::Mixed, Kind::Chinese, Kind::Beginning, Kind::Phrase];

/// How long one user waited for one kind of question: milliseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) user: String,
    pub(crate) kind: Kind,
    pub(crate) hits: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) unpaced: f64,
    pub(crate) kept_up: f64,
    pub(crate) answers: Vec<Answer>,
}

fn question(kind: Kind, load: &mut Load) -> Outcome<Search> {
    let text = match kind {
        Kind::Rare => rare(load.chance()),
        Kind::Frequent => "meeting".to_owned(),
        Kind::Two => "meeting thanks".to_owned(),
        Kind::Mixed => format!("meeting {}", rare(load.chance())),
        Kind::Chinese => load.chinese(2),
        Kind::Beginning => "meet*".to_owned(),
        Kind::Phrase => "\"next week\"".to_owned(),
    };
    Ok(Search::of(Query::parse(&text).map_err(|flaw| format!("{text}: {flaw:?}"))?))
}

/// Collects what one user is answered to one kind of question.
#[derive(Default)]
struct Asked {
    waits: Latencies,
    hits: usize,
}

impl Asked {
    async fn ask(&mut self, sql: &Sql, user: UserId, search: &Search) -> Outcome<()> {
        let began = Instant::now();
        let found = sql.search(user, search, i64::MAX.cast_unsigned(), PAGE, (began + PATIENCE).into()).await?;
        self.waits.0.push(began.elapsed());
        self.hits += found.hits.len();
        Ok(())
    }

    fn answer(&self, user: &str, kind: Kind) -> Answer {
        let ms = |share| self.waits.at(share).as_secs_f64() * 1000.0;
        let hits = self.hits as f64 / self.waits.0.len().max(1) as f64;
        Answer { user: user.to_owned(), kind, hits, p50: ms(0.5), p99: ms(0.99) }
    }
}

/// The largest and the smallest user.
fn users() -> [(&'static str, UserId); 2] {
    [("largest", user_id(0)), ("smallest", user_id(USERS - 1))]
}

/// All questions in turn until it is over.
async fn ask_all(sql: &Sql, over: impl Fn() -> bool) -> Outcome<Vec<Answer>> {
    let mut load = Load::new(5);
    let mut all: Vec<(&str, UserId, Kind, Asked)> = Vec::new();
    for (name, user) in users() {
        all.extend(KINDS.map(|kind| (name, user, kind, Asked::default())));
    }
    while !over() {
        for (_, user, kind, asked) in &mut all {
            let search = question(*kind, &mut load)?;
            tokio::time::sleep(PAUSE).await;
            asked.ask(sql, *user, &search).await?;
        }
    }
    Ok(all.iter().map(|(name, _, kind, asked)| asked.answer(name, *kind)).collect())
}

/// The process of one database.
pub(crate) async fn main(url: &str, plan: Plan) -> Outcome<()> {
    let mut load = Load::new(0);
    let sql = open(url).await?;
    for part in talks().chunks(1000) {
        sql.commit(part).await?;
    }
    let began = Instant::now();
    let mut done = 0;
    while done < plan.messages {
        let batch: Vec<Write> = (0..MOST.min(plan.messages - done)).map(|_| load.message()).collect();
        sql.commit(&batch).await?;
        done += batch.len();
        if done % (MOST * 256) == 0 {
            println!("{done} of {} messages after {:.0} s", plan.messages, began.elapsed().as_secs_f64());
        }
    }
    let unpaced = plan.messages as f64 / began.elapsed().as_secs_f64();
    let stop = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (sql, stop) = (Arc::clone(&sql), Arc::clone(&stop));
        async move { ask_all(&sql, || stop.load(Ordering::Relaxed)).await }
    });
    let (mut said, began) = (0, Instant::now());
    while began.elapsed() < Duration::from_secs(plan.seconds) {
        let at = Instant::now();
        let due = (began.elapsed().as_secs_f64() * PACE as f64) as u64;
        let batch: Vec<Write> = (said..due.min(said + MOST as u64)).map(|_| load.message()).collect();
        said += batch.len() as u64;
        sql.commit(&batch).await?;
        tokio::time::sleep(GROUP.saturating_sub(at.elapsed())).await;
    }
    let kept_up = (said as f64 / (began.elapsed().as_secs_f64() * PACE as f64)).min(1.0);
    stop.store(true, Ordering::Relaxed);
    let figures = Figures { unpaced, kept_up, answers: reader.await?? };
    sql.close().await?;
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// Questions of which everything comes from the disk.
pub(crate) async fn cold(url: &str, file: &Path) -> Outcome<Figures> {
    let mut all: Vec<(String, Kind, Asked)> = Vec::new();
    let mut load = Load::new(9);
    for (name, user) in users() {
        for kind in KINDS {
            let mut asked = Asked::default();
            for _ in 0..COLD {
                let search = question(kind, &mut load)?;
                forget(file)?;
                let sql = open(url).await?;
                forget(file)?;
                asked.ask(&sql, user, &search).await?;
                sql.close().await?;
            }
            all.push((name.to_owned(), kind, asked));
        }
    }
    let answers = all.iter().map(|(name, kind, asked)| asked.answer(name, *kind)).collect();
    Ok(Figures { unpaced: 0.0, kept_up: 0.0, answers })
}

/// Bytes of SQLite's index, that of conversations included.
pub(crate) async fn index_bytes(file: &Path) -> Outcome<u64> {
    use sqlx::{ConnectOptions, Connection, Row};
    let mut link = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await?;
    let row = sqlx::query("select sum(length(block)) from fts_data").fetch_one(&mut link).await?;
    let bytes: i64 = row.try_get(0)?;
    link.close().await?;
    Ok(bytes.unsigned_abs())
}

/// Microseconds that a message costs which 1000 searches of its user wait for.
pub(crate) fn live() -> f64 {
    let mut live = Live::default();
    let mut load = Load::new(3);
    for id in 0..WAITING {
        let kind = KINDS[(id % KINDS.len() as u64) as usize];
        // Of the frequent ones few: a person saves one of a kind.
        let text = match kind {
            Kind::Frequent | Kind::Two | Kind::Beginning | Kind::Phrase => format!("meeting {}", rare(load.chance())),
            Kind::Chinese => load.chinese(2),
            Kind::Rare | Kind::Mixed => rare(load.chance()),
        };
        if let Ok(query) = Query::parse(&text) {
            live.add(id, Search::of(query));
        }
    }
    for (id, kind) in (WAITING..).zip([Kind::Frequent, Kind::Two, Kind::Beginning, Kind::Phrase]) {
        question(kind, &mut load).into_iter().for_each(|search| live.add(id, search));
    }
    let messages: Vec<_> = (0..HEARD).map(|_| load.message()).collect();
    let began = Instant::now();
    let mut hits = 0;
    for write in &messages {
        let Write::Message(message) = write else { continue };
        let author = Author { name: message.author.clone(), alias: None, buddy: None, own: false };
        let said = Said {
            account: AccountId(1),
            conversation: message.conversation,
            author: &author,
            number: message.number,
            text: &message.text,
        };
        hits += live.hear(said).len();
    }
    std::hint::black_box(hits);
    began.elapsed().as_secs_f64() * 1e6 / HEARD as f64
}
