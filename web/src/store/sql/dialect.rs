//! Holds the SQL that differs between SQLite, MariaDB/MySQL and PostgreSQL. Sends none of it (see `link`). SQL that is the same everywhere stands
//! where it is used; `?` marks a parameter.

mod schema;
mod server;
mod words;

pub(super) use schema::Lock;
pub(super) use server::{MarkSql, Otherwise, SOUND};
pub(super) use words::{GOES, token};

use super::link::{Arg, args};
use super::tables::{META, Table};
use bridge::id::{ConversationId, UserId};
use words::phrase;

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

    /// The end of an insert that leaves a row with the same key as it is, and lets nobody delete it before this transaction ends.
    pub(super) fn or_hold(self, table: &Table) -> String {
        let key = table.key.join(",");
        match self {
            // Nobody else writes meanwhile.
            Self::Sqlite => self.or_keep(table),
            // Changes it, of nothing.
            Self::MySql => format!(" on duplicate key update {key}={key}"),
            Self::Postgres => format!(" on conflict({key}) do update set {key}=excluded.{key}"),
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
            // The full-text index is also the index by conversation: a tree of its own would cost more than all the rest (see `words`).
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

    /// Adds to a counter, which is made when it is not there. The parameters are its name and how many.
    pub(super) fn count_up(self) -> String {
        let insert = format!("insert into {}(name,value) values (?,?)", META.name);
        match self {
            Self::MySql => format!("{insert} on duplicate key update value=value+values(value)"),
            Self::Sqlite | Self::Postgres => format!("{insert} on conflict(name) do update set value={}.value+excluded.value", META.name),
        }
    }
}

/// `(?,?),(?,?)`: so many rows of so many parameters.
pub(super) fn places(columns: usize, rows: usize) -> String {
    let one = format!("({})", vec!["?"; columns].join(","));
    vec![one; rows].join(",")
}
