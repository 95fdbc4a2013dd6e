//! Table "store": what the database takes and gives, on SQLite and on servers, at a population of messages. It measures the store alone: no
//! daemon runs.

pub(crate) mod load;
pub(crate) mod work;

use crate::Outcome;
use crate::child::Scratch;
use crate::table::{Table, megabytes, target};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{MariaDb, Postgres};
pub(crate) use work::Figures;

/// What a database is to be asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Messages that are there before anything but appending is measured.
    pub(crate) messages: usize,
    /// Seconds of 20 000 messages each.
    pub(crate) seconds: u64,
}

/// Runs the plan in a process of its own, whose memory is the store's, and kills it while it writes.
fn run(url: &str, plan: Plan) -> Outcome<Figures> {
    child("store", url, plan)
}

/// Runs a subcommand of this program with a plan until it tells its figures.
pub(crate) fn child<T: serde::de::DeserializeOwned>(what: &str, url: &str, plan: Plan) -> Outcome<T> {
    use std::io::BufRead;
    let mut child = Command::new(std::env::current_exe()?)
        .args([what, "--url", url, "--messages", &plan.messages.to_string(), "--seconds", &plan.seconds.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or("no output")?;
    let mut line = String::new();
    for next in std::io::BufReader::new(output).lines() {
        let next = next?;
        // It writes on from then on.
        if next.starts_with('{') {
            line = next;
            break;
        }
        eprintln!("  {next}");
    }
    child.kill()?;
    child.wait()?;
    if line.is_empty() {
        return Err("its process ended before its figures".into());
    }
    Ok(serde_json::from_str(&line)?)
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |file| file.len())
}

fn ms(value: f64) -> String {
    format!("{value:.1}")
}

pub(crate) async fn table(sqlite: Plan, servers: Plan) -> Outcome<()> {
    let mut table = Table::new(&[
        "store",
        "messages",
        "unpaced/s",
        "p50",
        "p99 ms",
        "20k/s: p50",
        "p99 ms",
        "kept up",
        "back p50",
        "p99 ms",
        "cold p50",
        "p99 ms",
        "B each",
        "memory",
    ]);
    let mut add = |name: &str, plan: Plan, figures: &Figures, bytes: Option<f64>| {
        table.row(vec![
            name.to_owned(),
            plan.messages.to_string(),
            format!("{:.0}", figures.unpaced),
            ms(figures.unpaced_commit.0),
            ms(figures.unpaced_commit.1),
            ms(figures.paced_commit.0),
            ms(figures.paced_commit.1),
            format!("{:.0} %", figures.kept_up * 100.0),
            ms(figures.back.0),
            ms(figures.back.1),
            figures.cold.map_or_else(|| "-".to_owned(), |cold| ms(cold.0)),
            figures.cold.map_or_else(|| "-".to_owned(), |cold| ms(cold.1)),
            bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{bytes:.0}")),
            megabytes(figures.memory as f64),
        ]);
    };
    let directory = Scratch::new("store")?;
    let file: PathBuf = directory.0.join("a.sqlite");
    let url = format!("sqlite:{}", file.display());
    let figures = run(&url, sqlite)?;
    let log = size(&directory.0.join("a.sqlite-wal"));
    let (opened, cold) = work::reopen(&url, &file, sqlite.messages).await?;
    let bytes = size(&file) as f64 / work::count(&url).await? as f64;
    let figures = Figures { cold: Some(cold), ..figures };
    add("SQLite", sqlite, &figures, Some(bytes));
    let postgres = Postgres::start();
    postgres.database("bench");
    let asked = run(&postgres.socket_url("bench"), servers)?;
    let held: f64 = postgres.sql("bench", "select pg_total_relation_size('messages')::float8/count(*) from messages").parse()?;
    add("PostgreSQL", servers, &asked, Some(held));
    drop(postgres);
    let mariadb = MariaDb::start();
    mariadb.database("bench");
    let asked = run(&mariadb.socket_url("bench"), servers)?;
    mariadb.sql("bench", "analyze table messages");
    let held =
        mariadb.sql("bench", "select (data_length+index_length)/table_rows from information_schema.tables where table_name='messages'");
    add("MariaDB", servers, &asked, held.parse().ok());
    drop(mariadb);
    table.print();
    println!("SQLite after kill -9: log of {}, opened with a first page in {opened:.0} ms", megabytes(log as f64));
    println!("append at 20 000/s: {}", target("commit p99 <= 150 ms", figures.paced_commit.1 <= 150.0 && figures.kept_up > 0.99));
    println!("scroll-back, warm: {}", target("p99 <= 10 ms", figures.back.1 <= 10.0));
    println!("scroll-back, cold: {}", target("p99 <= 50 ms", cold.1 <= 50.0));
    println!("open after kill -9: {}", target("<= 200 ms", opened <= 200.0));
    println!("size: {}", target("<= 160 B a message", bytes <= 160.0));
    println!("memory: {}", target("<= 12 MB", figures.memory <= 12 << 20));
    println!();
    Ok(())
}

/// The process that [`run`] starts.
pub(crate) async fn main(url: &str, plan: Plan) -> Outcome<()> {
    work::main(url, plan).await
}
