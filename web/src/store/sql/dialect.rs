//! Holds the SQL that differs between SQLite, MariaDB/MySQL and PostgreSQL. Sends none of it (see `link`). SQL that is the same everywhere stands
//! where it is used; `?` marks a parameter.

use super::link::{Arg, args};
use super::tables::{Column, Kind, MESSAGES, META, Table};
use bridge::id::{ConversationId, UserId};
use sha2::{Digest, Sha256};

/// Which SQL a database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    MySql,
    Postgres,
}

/// The columns of a message as [`super::history`] reads them.
pub(super) const MESSAGE: &str = "m.number,m.conversation,m.owner,m.late,m.flags,m.author,m.alias,m.buddy,m.body,m.spans,m.server_id";

/// Rows of one statement that inserts many. Few sizes, so that few statements are prepared.
pub(super) const ROWS: [usize; 3] = [128, 16, 1];

impl Dialect {
    /// Begins a transaction that writes.
    pub(super) fn begin(self) -> &'static str {
        match self {
            // At once a writer: a reader that becomes one fails where it should wait.
            Self::Sqlite => "begin immediate",
            Self::MySql | Self::Postgres => "begin",
        }
    }

    /// Begins a transaction that sees the database as it is now, however long it reads.
    pub(super) fn begin_snapshot(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &["begin"],
            Self::MySql => &["set transaction isolation level repeatable read", "start transaction with consistent snapshot, read only"],
            Self::Postgres => &["begin isolation level repeatable read read only"],
        }
    }

    /// Statements for every new connection that writes.
    pub(super) fn connected(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::MySql => {
                "set session sql_mode=concat(@@sql_mode,',STRICT_ALL_TABLES'), innodb_lock_wait_timeout=5; \
                 set session transaction isolation level read committed"
            }
            Self::Postgres => {
                "set synchronous_commit=on; set lock_timeout='5s'; set idle_in_transaction_session_timeout='60s'; set standard_conforming_strings=on"
            }
        }
    }

    /// `insert into TABLE(…) values (…),…` for so many rows.
    pub(super) fn insert(self, table: &Table, rows: usize) -> String {
        format!("insert into {}({}) values {}", table.name, table.list(), places(table.columns.len(), rows))
    }

    /// The end of an insert that leaves a row with the same key as it is.
    pub(super) fn or_keep(self, table: &Table) -> String {
        match self {
            // `insert ignore` would also swallow what is wrong.
            Self::MySql => table.key.first().map_or_else(String::new, |key| format!(" on duplicate key update {key}={key}")),
            Self::Sqlite | Self::Postgres => " on conflict do nothing".to_owned(),
        }
    }

    /// The end of an insert that locks a row with the same key, and leaves it as it is.
    pub(super) fn or_touch(self, table: &Table) -> String {
        let key = table.key.join(",");
        match self {
            Self::MySql => format!(" on duplicate key update {key}={key}"),
            Self::Sqlite | Self::Postgres => format!(" on conflict({key}) do update set {key}=excluded.{key}"),
        }
    }

    /// The end of an insert that changes a row with the same key.
    pub(super) fn or_change(self, table: &Table) -> String {
        let changed: Vec<String> = table
            .columns
            .iter()
            .filter(|column| !table.key.contains(&column.name))
            .map(|column| match self {
                Self::MySql => format!("{0}=values({0})", column.name),
                Self::Sqlite | Self::Postgres => format!("{0}=excluded.{0}", column.name),
            })
            .collect();
        match self {
            Self::MySql => format!(" on duplicate key update {}", changed.join(",")),
            Self::Sqlite | Self::Postgres => format!(" on conflict({}) do update set {}", table.key.join(","), changed.join(",")),
        }
    }

    /// The greater of two values.
    pub(super) fn greatest(self, one: &str, other: &str) -> String {
        match self {
            Self::Sqlite => format!("max({one},{other})"),
            Self::MySql | Self::Postgres => format!("greatest({one},{other})"),
        }
    }

    /// Bytes of a text or of bytes.
    pub(super) fn length(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("length(cast({column} as blob))"),
            Self::MySql | Self::Postgres => format!("octet_length({column})"),
        }
    }

    /// A sum as a whole number of 64 bits.
    pub(super) fn sum(self, of: &str) -> String {
        match self {
            Self::Sqlite => format!("coalesce(sum({of}),0)"),
            Self::MySql => format!("cast(coalesce(sum({of}),0) as signed)"),
            Self::Postgres => format!("cast(coalesce(sum({of}),0) as bigint)"),
        }
    }

    /// Keeps a row from being changed by another transaction until the end of this one.
    pub(super) fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::MySql | Self::Postgres => " for update",
        }
    }

    /// Messages of a conversation of a user above one number and below another: `newest` of them first, or the oldest. The index knows the user,
    /// too: what another user has under the same id is neither read nor counted. The parameters are [`Dialect::range_args`].
    pub(super) fn range(self, columns: &str, newest: bool) -> String {
        let order = if newest { "desc" } else { "asc" };
        match self {
            // The full-text index is also the index by conversation: a tree of its own would cost more than all the rest (see `terms`).
            Self::Sqlite => format!(
                "select {columns} from (select rowid r from fts where fts match ? and rowid>? and rowid<? order by rowid {order} limit ?) \
                 join messages m on m.number=r where m.owner=? and m.conversation=? order by m.number {order}"
            ),
            Self::MySql | Self::Postgres => format!(
                "select {columns} from messages m where m.owner=? and m.conversation=? and m.number>? and m.number<? \
                 order by m.owner {order}, m.conversation {order}, m.number {order} limit ?"
            ),
        }
    }

    /// The parameters of [`Dialect::range`].
    pub(super) fn range_args(self, owner: UserId, conversation: ConversationId, above: u64, below: u64, most: u32) -> Vec<Arg<'static>> {
        match self {
            Self::Sqlite => args![phrase(owner, conversation), above, below, most, owner.0, conversation.0].to_vec(),
            Self::MySql | Self::Postgres => args![owner.0, conversation.0, above, below, most].to_vec(),
        }
    }

    /// How many messages of a conversation of a user there are. The parameters are [`Dialect::count_args`].
    pub(super) fn count(self) -> &'static str {
        match self {
            Self::Sqlite => "select count(*) from fts where fts match ?",
            Self::MySql | Self::Postgres => "select count(*) from messages where owner=? and conversation=?",
        }
    }

    /// The parameters of [`Dialect::count`].
    pub(super) fn count_args(self, owner: UserId, conversation: ConversationId) -> Vec<Arg<'static>> {
        match self {
            Self::Sqlite => args![phrase(owner, conversation)].to_vec(),
            Self::MySql | Self::Postgres => args![owner.0, conversation.0].to_vec(),
        }
    }

    /// Statements that make a table.
    pub(super) fn create(self, table: &Table) -> String {
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
    pub(super) fn first_indexes(self) -> Vec<String> {
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
    pub(super) fn index_of_messages(self) -> Option<[(&'static str, bool, String); 2]> {
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
    pub(super) fn tables_there(self, tables: &[&str]) -> String {
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
    pub(super) fn index_there(self) -> Option<&'static str> {
        (self == Self::MySql).then_some("select count(*) from information_schema.statistics where table_schema=database() and index_name=?")
    }

    /// Takes and gives back the lock under which schemas are changed. MariaDB's has the seconds to wait for it as its parameter, and answers with 1.
    pub(super) fn schema_lock(self) -> (&'static str, &'static str) {
        match self {
            // One transaction; it is all or nothing there.
            Self::Sqlite => ("begin immediate", "commit"),
            Self::MySql => {
                ("select cast(get_lock(concat('bellflower.',database()),?) as signed)", "do release_lock(concat('bellflower.',database()))")
            }
            Self::Postgres => ("begin; select pg_advisory_xact_lock(7163384)", "commit"),
        }
    }

    /// Adds to a counter, which is made when it is not there. The parameters are its name and how many.
    pub(super) fn count_up(self) -> String {
        let insert = format!("insert into {}(name,value) values (?,?)", META.name);
        match self {
            Self::MySql => format!("{insert} on duplicate key update value=value+values(value)"),
            Self::Sqlite | Self::Postgres => format!("{insert} on conflict(name) do update set value={}.value+excluded.value", META.name),
        }
    }
}

/// The words by which FTS5 finds a conversation, in quotation marks.
struct Phrase(String);

impl From<Phrase> for Arg<'static> {
    fn from(phrase: Phrase) -> Self {
        Self::Text(Some(phrase.0.into()))
    }
}

/// `(?,?),(?,?)`: so many rows of so many parameters.
pub(super) fn places(columns: usize, rows: usize) -> String {
    let one = format!("({})", vec!["?"; columns].join(","));
    vec![one; rows].join(",")
}

fn phrase(owner: UserId, conversation: ConversationId) -> Phrase {
    Phrase(format!("\"{}\"", token(owner, conversation)))
}

/// The word of a user's conversation in the full-text index: `c` and 64 bits of the SHA-256 of both ids, to the base of 36.
pub(super) fn token(owner: UserId, conversation: ConversationId) -> String {
    let mut hash = Sha256::new();
    hash.update(owner.0.to_be_bytes());
    hash.update(conversation.0.to_be_bytes());
    word(hash.finalize().iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte)))
}

fn word(mut rest: u64) -> String {
    let mut digits = Vec::with_capacity(14);
    loop {
        digits.push(char::from_digit(u32::try_from(rest % 36).unwrap_or_default(), 36).unwrap_or('0'));
        rest /= 36;
        if rest == 0 {
            break;
        }
    }
    digits.push('c');
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_of_a_users_conversation() {
        assert_eq!([word(0), word(35), word(36), word(u64::MAX)], ["c0", "cz", "c10", "c3w5e11264sgsf"]);
        let of = |owner, id| token(UserId(owner), ConversationId(id));
        assert_eq!(of(1, 2), of(1, 2));
        assert!(of(1, 2) != of(2, 1) && of(1, 2) != of(1, 3) && of(1, 2) != of(3, 2));
        assert!(of(1, 2).len() <= 14 && of(1, 2).starts_with('c'));
    }
}
