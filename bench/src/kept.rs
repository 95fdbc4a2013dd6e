//! Table "kept": what it costs that lines are stored: users of the site beside guests, of whom nothing is. Both daemons run at once on one
//! server, and take turns.

use crate::Outcome;
use crate::crowd::{self, Crowd, jabber};
use crate::daemon::Daemon;
use crate::http::Http;
use crate::load::{Load, Subject};
use crate::proc;
use crate::prosody::Prosody;
use crate::raw::Raw;
use crate::sides::{A_TURN, Side, USERS, more, turns};
use crate::table::{Table, kilobytes, megabytes, target};
use serde_json::{Value, json};
use std::path::Path;
use tokio::task::JoinSet;

/// Messages to the first users before memory is read. The database then holds more than fits into the page caches of SQLite's connections, 2 MB each:
/// they are full with any number of users.
const FILL: usize = 40_000;
/// Browsers that read all of it back at once: as many as connections of the store that read.
const READERS: usize = 4;

/// So many turns of the way of a message; memory with the fewest and the most users, after so many messages to each.
pub(crate) async fn table(binary: &Path, count: usize, least: usize, most: usize, messages: usize) -> Outcome<()> {
    way(binary, count).await?;
    println!("## kept: memory after {messages} messages to each user\n");
    let mut table = Table::new(&["", "users", "memory", "a user more"]);
    let mut added = Vec::new();
    for (name, kept) in [("guests", false), ("users of the site", true)] {
        let measured = async |users| {
            let bytes = memory(binary, kept, least, users, messages).await;
            bytes.map_err(|error| format!("{users} {name}: {error}"))
        };
        let few = measured(least).await?;
        table.row(vec![name.to_owned(), least.to_string(), megabytes(few), "-".to_owned()]);
        let many = measured(most).await?;
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

/// Bytes of the daemon with its workers, after so many messages to each, and [`FILL`] to the first `least` of them, which users of the site read again.
async fn memory(binary: &Path, kept: bool, least: usize, users: usize, messages: usize) -> Outcome<f64> {
    let prosody = Prosody::plain(users).await?;
    let daemon = Daemon::start(binary, &[]).await?;
    let measured = async {
        let mut crowd = if kept { Crowd::kept(&daemon) } else { Crowd::of(&daemon) };
        crowd.join((0..users).map(|n| jabber(n, prosody.port))).await?;
        let mut load = Load::new(Raw::sign_on(prosody.port, "sender").await?, prosody.id());
        load.rounds(&mut crowd, users, messages).await?;
        load.rounds(&mut crowd, least, FILL / least.max(1)).await?;
        if kept {
            read_back(daemon.port, least).await?;
        }
        crowd.rest().await?;
        Outcome::Ok(proc::memory(daemon.process.id())?.bytes as f64)
    };
    measured.await.map_err(|error| daemon.explain(error).into())
}

/// Reads everything that was said to the first users, by several browsers of each at once.
async fn read_back(port: u16, users: usize) -> Outcome<()> {
    let mut browsers = Vec::new();
    for n in 0..users {
        let mut http = Http::connect(port).await?;
        let name = crowd::name(n);
        let body = json!({ "name": name, "password": crowd::password(&name) });
        http.ask("POST", "/api/v1/login", Some(&body.to_string())).await?;
        let state = http.ask("POST", "/api/v1/attach", Some(&json!({ "client": "reader" }).to_string())).await?;
        let state: Value = serde_json::from_str(state)?;
        let all = state.pointer("/snapshot/conversations").and_then(Value::as_array).ok_or("no conversations in the attach answer")?;
        let ids: Vec<String> = all.iter().filter_map(|one| one.get("id")?.as_str().map(str::to_owned)).collect();
        browsers.push((http, ids));
    }
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let mut mine = Vec::new();
        for (http, ids) in &browsers {
            mine.push((http.another().await?, ids.clone()));
        }
        readers.spawn(async move {
            for (mut http, ids) in mine {
                for id in ids {
                    read_all(&mut http, &id).await?;
                }
            }
            Outcome::Ok(())
        });
    }
    while let Some(read) = readers.join_next().await {
        read??;
    }
    Ok(())
}

/// Pages through a conversation to its beginning.
async fn read_all(http: &mut Http, conversation: &str) -> Outcome<()> {
    let mut before = String::new();
    loop {
        let page = http.ask("GET", &format!("/api/v1/history?conversation={conversation}&limit=100{before}"), None).await?;
        let page: Value = serde_json::from_str(page)?;
        let first = page.pointer("/messages/0/id").and_then(Value::as_str);
        match (first, page.get("more")) {
            (Some(first), Some(Value::Bool(true))) => before = format!("&before={first}"),
            _ => return Ok(()),
        }
    }
}
