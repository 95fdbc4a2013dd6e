//! Holds the SQL that makes and changes tables, where it differs.

use super::super::tables::{Column, Kind, MESSAGES, Table};
use super::Dialect;

/// The statements of a lock.
#[derive(Debug, Clone, Copy)]
pub(in crate::store::sql) struct Lock {
    /// Takes it.
    pub(in crate::store::sql) take: &'static str,
    /// `take` has the seconds to wait as its parameter, and answers with 1 where it has the lock.
    pub(in crate::store::sql) answers: bool,
    /// Gives it back after what was done under it.
    pub(in crate::store::sql) give: &'static str,
    /// Gives it back after what failed.
    pub(in crate::store::sql) undo: &'static str,
}

impl Dialect {
    /// Statements that make a table.
    pub(in crate::store::sql) fn create(self, table: &Table) -> String {
        let columns: Vec<String> = table.columns.iter().map(|column| self.column(table, column)).collect();
        let whole = matches!(table.key, [only] if table.columns.iter().any(|column| column.name == *only && column.kind == Kind::Int));
        let key = if self == Self::Sqlite && whole { String::new() } else { format!(", primary key({})", table.key.join(",")) };
        let end = match self {
            Self::Sqlite if table.in_key => " without rowid",
            // Compares names byte by byte.
            Self::MySql => " engine=InnoDB default character set utf8mb4 collate utf8mb4_bin",
            Self::Sqlite | Self::Postgres => "",
        };
        format!("create table if not exists {}({}{key}){end}", table.name, columns.join(", "))
    }

    fn column(self, table: &Table, column: &Column) -> String {
        let kind = match (self, column.kind) {
            // Another name for the row's own number.
            (Self::Sqlite, Kind::Int) if table.key == [column.name] => "integer primary key",
            (Self::Sqlite, Kind::Int) => "integer",
            (Self::Sqlite, Kind::Text | Kind::Name) => "text",
            (Self::Sqlite, Kind::Bytes | Kind::Hash) => "blob",
            (Self::MySql | Self::Postgres, Kind::Int) => "bigint",
            (Self::MySql, Kind::Text) => "longtext",
            (Self::MySql, Kind::Name) => "varchar(255)",
            (Self::MySql, Kind::Bytes) => "longblob",
            (Self::MySql, Kind::Hash) => "varbinary(64)",
            (Self::Postgres, Kind::Text | Kind::Name) => "text collate \"C\"",
            (Self::Postgres, Kind::Bytes | Kind::Hash) => "bytea",
        };
        format!("{} {kind}{}", column.name, if column.null { "" } else { " not null" })
    }

    /// Statements of schema 1 besides its tables, but for the index of messages, which schema 2 has otherwise. MariaDB cannot undo half of it: each
    /// statement may be repeated.
    pub(in crate::store::sql) fn first_indexes(self) -> Vec<String> {
        let exists = if self == Self::MySql { "" } else { "if not exists " };
        let mut all: Vec<String> = vec![
            format!("create unique index {exists}users_folded on users(folded)"),
            format!("create index {exists}browsers_owner on browsers(owner)"),
            format!("create index {exists}blob_uses_hash on blob_uses(hash)"),
        ];
        if self == Self::Sqlite {
            all.extend([
                "create virtual table if not exists fts using fts5(t, content='', columnsize=0, detail=none, tokenize='ascii')".to_owned(),
                "insert into fts(fts,rank) values('automerge',8)".to_owned(),
                "insert into fts(fts,rank) values('hashsize',1048576)".to_owned(),
            ]);
        }
        all
    }

    /// The index of schema 2, and how the one of schema 1 is dropped; not on SQLite, where FTS5 is the index.
    pub(in crate::store::sql) fn index_of_messages(self) -> Option<[(&'static str, bool, String); 2]> {
        let drop = match self {
            Self::Sqlite => return None,
            Self::MySql => format!("drop index messages_conversation on {MESSAGES}"),
            Self::Postgres => "drop index if exists messages_conversation".to_owned(),
        };
        let exists = if self == Self::MySql { "" } else { "if not exists " };
        let make = format!("create index {exists}messages_owner on {MESSAGES}(owner,conversation,number)");
        Some([("messages_owner", false, make), ("messages_conversation", true, drop)])
    }

    /// Counts the tables of these names that are there.
    pub(in crate::store::sql) fn tables_there(self, tables: &[&str]) -> String {
        let names: Vec<String> = tables.iter().map(|name| format!("'{name}'")).collect();
        let names = names.join(",");
        match self {
            Self::Sqlite => format!("select count(*) from sqlite_master where type='table' and name in ({names})"),
            Self::MySql => {
                format!("select count(*) from information_schema.tables where table_schema=database() and table_name in ({names})")
            }
            Self::Postgres => {
                format!("select count(*) from information_schema.tables where table_schema=current_schema() and table_name in ({names})")
            }
        }
    }

    /// Whether an index is there: only MariaDB has to be asked before it is made or dropped.
    pub(in crate::store::sql) fn index_there(self) -> Option<&'static str> {
        (self == Self::MySql).then_some("select count(*) from information_schema.statistics where table_schema=database() and index_name=?")
    }

    /// The lock under which schemas are changed.
    pub(in crate::store::sql) fn schema_lock(self) -> Lock {
        match self {
            // A single transaction: all statements count, or none.
            Self::Sqlite => Lock { take: "begin immediate", answers: false, give: "commit", undo: "rollback" },
            Self::MySql => {
                let give = "do release_lock(concat('bellflower.',database()))";
                Lock { take: "select cast(get_lock(concat('bellflower.',database()),?) as signed)", answers: true, give, undo: give }
            }
            Self::Postgres => {
                Lock { take: "begin; select pg_advisory_xact_lock(7163384)", answers: false, give: "commit", undo: "rollback" }
            }
        }
    }
}
