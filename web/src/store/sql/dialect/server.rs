//! Holds what a connection begins with, what is asked of a database as a whole, and the mark of the one process that uses it, where these differ.

use super::Dialect;

/// A setting that a server must have.
#[derive(Debug)]
pub(in crate::store::sql) struct Duty {
    /// Asks how it is set, in words.
    pub(in crate::store::sql) asked: &'static str,
    /// The answer that is wanted.
    pub(in crate::store::sql) wanted: &'static str,
    /// The consequence of another answer.
    pub(in crate::store::sql) otherwise: Otherwise,
}

/// The consequence of an answer that is not wanted. `{}` in the words stands for that answer.
#[derive(Debug)]
pub(in crate::store::sql) enum Otherwise {
    /// The database is not used.
    Refuse(&'static str),
    /// The log warns of it.
    Warn(&'static str),
}

/// Statements of the mark that one process alone uses a database. The mark belongs to the session that set it, and ends with that.
#[derive(Debug)]
pub(in crate::store::sql) struct MarkSql {
    /// Makes the server end this session by itself, should its client be gone without a word: after a minute at most.
    pub(in crate::store::sql) begin: &'static str,
    /// Answers with 1: the mark is set.
    pub(in crate::store::sql) set: &'static str,
    /// Answers with 1: this session has the mark. Asked again and again, so that the session stays.
    pub(in crate::store::sql) is_set: &'static str,
}

impl Dialect {
    /// Statements for every new connection that writes.
    pub(in crate::store::sql) fn connected(self) -> &'static str {
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

    /// Gives the settings that a server must have so that every text fits, and every commit that it has confirmed stays.
    pub(in crate::store::sql) fn duties(self) -> &'static [Duty] {
        match self {
            Self::Sqlite => &[],
            Self::MySql => &[Duty {
                asked: "select cast(@@innodb_flush_log_at_trx_commit as char)",
                wanted: "1",
                otherwise: Otherwise::Warn(
                    "the database server may lose the last second when the power goes: innodb_flush_log_at_trx_commit is {}, not 1",
                ),
            }],
            Self::Postgres => &[
                Duty {
                    asked: "show server_encoding",
                    wanted: "UTF8",
                    otherwise: Otherwise::Refuse(
                        "the database's encoding is {}: make one with UTF8 (create database … encoding 'UTF8' template template0)",
                    ),
                },
                Duty {
                    asked: "show fsync",
                    wanted: "on",
                    otherwise: Otherwise::Warn("the database server may lose everything when the power goes: fsync is {}"),
                },
            ],
        }
    }

    /// Looks for damage of the file, where that is the database's to know: a row for each fault, or one that is [`SOUND`].
    pub(in crate::store::sql) fn integrity(self) -> Option<&'static str> {
        (self == Self::Sqlite).then_some("pragma integrity_check(20)")
    }

    /// Copies the whole database into an empty file of SQLite's, whose path is the parameter, where a statement can.
    pub(in crate::store::sql) fn copy_into(self) -> Option<&'static str> {
        (self == Self::Sqlite).then_some("vacuum into ?")
    }

    /// The mark of the one process that uses a database of a server's.
    pub(in crate::store::sql) fn mark(self) -> Option<MarkSql> {
        match self {
            // A lock of a file's (see `mark`).
            Self::Sqlite => None,
            // A name has 64 characters at most, and a database's may have as many. Names are for the whole server.
            Self::MySql => Some(MarkSql {
                begin: "set session wait_timeout=60",
                set: "select cast(get_lock(concat('bellflower use ',left(sha2(database(),256),32)),0) as signed)",
                is_set: "select cast(is_used_lock(concat('bellflower use ',left(sha2(database(),256),32)))=connection_id() as signed)",
            }),
            // Keys are for one database, where each schema may be a site's. Version 13 has no `idle_session_timeout`. A socket has no keep-alives, and
            // needs none.
            Self::Postgres => Some(MarkSql {
                begin: "set tcp_keepalives_idle=20; set tcp_keepalives_interval=10; set tcp_keepalives_count=3; \
                        select set_config('idle_session_timeout','60s',false) \
                        where exists (select 1 from pg_settings where name='idle_session_timeout')",
                set: "select cast(pg_try_advisory_lock(7163384,hashtext(current_schema())) as int)::bigint",
                is_set: "select count(*) from pg_locks where locktype='advisory' and classid=7163384 and granted and pid=pg_backend_pid()",
            }),
        }
    }
}

/// The answer of [`Dialect::integrity`] about a file without damage.
pub(in crate::store::sql) const SOUND: &str = "ok";
