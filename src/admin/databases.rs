//! `bellflower db`: back-ups, damage, and moving from one kind of database to another. Knows no table (see `web::store`).

use super::{failed, note, say};
use crate::config::Config;
use crate::error::Failure;
use std::path::Path;
use std::sync::Arc;
use web::store::{Copied, Setting, Sql, Store, copy as copy_all, restore as put_back};

fn told(copied: &Copied) -> String {
    format!("{} rows, of them {} messages", copied.rows, copied.messages)
}

pub(super) async fn backup(store: &dyn Store, file: &Path) -> Result<(), Failure> {
    store.backup(file).await.map_err(failed)?;
    note(store, None, "backup", &file.display().to_string()).await?;
    say(&format!("Everything is in {}, a database of SQLite's that `bellflower db restore` puts back into any kind.", file.display()));
    Ok(())
}

pub(super) async fn check(store: &dyn Store) -> Result<(), Failure> {
    let wrong = store.check().await.map_err(failed)?;
    for line in &wrong {
        say(line);
    }
    if wrong.is_empty() {
        say("The database is as it should be.");
        Ok(())
    } else {
        Err(Failure::Unwell(format!("the database has {} faults; `bellflower db restore` puts a back-up into an empty one", wrong.len())))
    }
}

pub(super) async fn reindex(database: &Arc<Sql>) -> Result<(), Failure> {
    const EVERY: u64 = 100_000;
    database.claim().await.map_err(failed)?;
    let mut said = 0;
    let count = database.reindex(|count| {
        if count / EVERY > said / EVERY {
            say(&format!("{count} messages so far."));
        }
        said = count;
    });
    let count = count.await.map_err(failed)?;
    say(&format!("The index of {count} messages is made anew."));
    Ok(())
}

pub(super) async fn restore(database: &Arc<Sql>, file: &Path) -> Result<(), Failure> {
    let copied = put_back(file, database).await.map_err(failed)?;
    note(&**database, None, "restore", &file.display().to_string()).await?;
    say(&format!("{} is put back: {}.", file.display(), told(&copied)));
    Ok(())
}

pub(super) async fn copy(database: &Arc<Sql>, config: &Config, to: &str) -> Result<(), Failure> {
    // Before the target is made.
    database.claim().await.map_err(failed)?;
    let password = crate::store::password(config)?;
    let setting = Setting::parse(to, password).map_err(failed)?;
    let target = Sql::open_in_use(&setting).await.map_err(failed)?;
    let copied = copy_all(database, &target).await.map_err(failed)?;
    note(&*target, None, "move", &format!("from {}", database.setting())).await?;
    target.close().await.map_err(failed)?;
    say(&format!("Everything is in {setting}: {}. Set `database` to it and start the daemon; the old one is as it was.", told(&copied)));
    Ok(())
}
