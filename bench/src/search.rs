//! Table "search": how long people wait for what they search, at a population of messages, while 20 000 more a second arrive; what the index takes; and
//! what a message costs that 1000 searches wait for. The store and the searches are measured alone: no daemon runs.

mod ask;

use crate::Outcome;
use crate::child::Scratch;
use crate::store::{Plan, child};
use crate::table::{Table, target};
pub(crate) use ask::main;
use ask::{Figures, Kind};
use support::{MariaDb, Postgres};

/// Bounds of the hundredth part, in milliseconds: of most questions, and of the largest user's frequent word.
struct Bounds {
    most: f64,
    frequent: f64,
}

fn rows(table: &mut Table, name: &str, figures: &Figures, cold: bool) {
    for answer in &figures.answers {
        table.row(vec![
            name.to_owned(),
            answer.user.clone(),
            format!("{:?}", answer.kind).to_lowercase(),
            if cold { "cold" } else { "warm" }.to_owned(),
            format!("{:.1}", answer.hits),
            format!("{:.1}", answer.p50),
            format!("{:.1}", answer.p99),
        ]);
    }
}

fn within(figures: &Figures, bounds: &Bounds) -> bool {
    figures.answers.iter().all(|answer| {
        let frequent = answer.user == "largest" && answer.kind == Kind::Frequent;
        answer.p99 <= if frequent { bounds.frequent } else { bounds.most }
    })
}

pub(crate) async fn table(sqlite: Plan, servers: Plan) -> Outcome<()> {
    let mut table = Table::new(&["search", "user", "words", "", "hits", "p50", "p99 ms"]);
    let directory = Scratch::new("search")?;
    let file = directory.0.join("a.sqlite");
    let url = format!("sqlite:{}", file.display());
    let warm: Figures = child("search", &url, sqlite)?;
    let cold = ask::cold(&url, &file).await?;
    rows(&mut table, "SQLite", &warm, false);
    rows(&mut table, "SQLite", &cold, true);
    let all = sqlite.messages as f64 + warm.kept_up * (sqlite.seconds * ask::PACE) as f64;
    let each = ask::index_bytes(&file).await? as f64 / all;
    let postgres = Postgres::start();
    postgres.database("bench");
    let asked: Figures = child("search", &postgres.socket_url("bench"), servers)?;
    rows(&mut table, "PostgreSQL", &asked, false);
    let size = postgres.sql("bench", "select pg_total_relation_size('message_terms')::float8/count(*) from messages");
    drop(postgres);
    let mariadb = MariaDb::start();
    mariadb.database("bench");
    let other: Figures = child("search", &mariadb.socket_url("bench"), servers)?;
    rows(&mut table, "MariaDB", &other, false);
    mariadb.sql("bench", "analyze table message_terms, messages");
    let bytes =
        "select (data_length+index_length)/(select count(*) from messages) from information_schema.tables where table_name='message_terms'";
    let held = mariadb.sql("bench", bytes);
    drop(mariadb);
    table.print();
    for (name, figures) in [("SQLite", &warm), ("PostgreSQL", &asked), ("MariaDB", &other)] {
        println!(
            "{name}: {:.0} messages a second unpaced; kept up with {} a second by {:.0} %",
            figures.unpaced,
            ask::PACE,
            figures.kept_up * 100.0
        );
    }
    println!("PostgreSQL's index: {} B a message; MariaDB's: {} B", size.trim(), held.trim());
    println!("SQLite, warm: {}", target("p99 <= 25 ms", within(&warm, &Bounds { most: 25.0, frequent: 25.0 })));
    println!("SQLite, cold: {}", target("p99 <= 60 ms", within(&cold, &Bounds { most: 60.0, frequent: 60.0 })));
    println!("SQLite's index, {each:.0} B a message: {}", target("<= 60 B", each <= 60.0));
    println!("PostgreSQL: {}", target("p99 <= 20 ms", within(&asked, &Bounds { most: 20.0, frequent: 20.0 })));
    println!(
        "MariaDB: {}",
        target("p99 <= 50 ms, largest user's frequent word <= 200 ms", within(&other, &Bounds { most: 50.0, frequent: 200.0 }))
    );
    let live = ask::live();
    println!("1000 searches that wait, {live:.1} us a message: {}", target("<= 20 us", live <= 20.0));
    println!();
    Ok(())
}
