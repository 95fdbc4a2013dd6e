//! Looks whether a server keeps what it says that it has kept. Changes no setting of it.

use super::dialect::Dialect;
use super::link::Link;
use crate::store::StoreError;

/// Refuses a server that cannot hold every text, and warns of one that may lose what it has committed.
pub(super) async fn check(link: &mut Link) -> Result<(), StoreError> {
    match link.dialect() {
        Dialect::Sqlite => {}
        Dialect::MySql => {
            let level = link.number("select cast(@@innodb_flush_log_at_trx_commit as signed)", &[]).await?;
            if level != 1 {
                log::warn!(
                    "the database server may lose the last second when the power goes: innodb_flush_log_at_trx_commit is {level}, not 1"
                );
            }
        }
        Dialect::Postgres => {
            let encoding = said(link, "show server_encoding").await?;
            if encoding != "UTF8" {
                return Err(StoreError::Setting(format!(
                    "the database's encoding is {encoding}: make one with UTF8 (create database … encoding 'UTF8' template template0)"
                )));
            }
            if said(link, "show fsync").await? != "on" {
                log::warn!("the database server may lose everything when the power goes: fsync is off");
            }
        }
    }
    Ok(())
}

async fn said(link: &mut Link, sql: &str) -> Result<String, StoreError> {
    match link.row(sql, &[]).await? {
        Some(row) => row.text(0),
        None => Ok(String::new()),
    }
}
