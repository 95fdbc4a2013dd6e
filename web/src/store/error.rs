//! Says why the store did not do something. Holds no text that a browser is shown (see `api`).

use std::fmt;

/// Why the store did not do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// The database does not answer, is full or is being restarted. May be tried again.
    Unavailable(String),
    /// The name belongs to somebody else.
    Taken,
    /// The row to be changed is not there any more.
    Gone,
    /// The database was made by a newer Bellflower, with this schema.
    Newer(i64),
    /// The database is of an earlier Bellflower, with this schema, and only the daemon brings it up to date.
    Earlier(i64),
    /// Another process uses the database, which is named here, and no two can.
    InUse(String),
    /// The database does what it must not: a fault of ours, or damage.
    Broken(String),
    /// The setting `database` cannot be used; says what to do.
    Setting(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the database cannot be used now: {why}"),
            Self::Taken => f.write_str("the name is taken"),
            Self::Gone => f.write_str("it is not there any more"),
            Self::Newer(schema) => {
                write!(f, "the database was made by a newer version (schema {schema}): install that version, or restore a back-up")
            }
            Self::Earlier(schema) => {
                write!(f, "the database is of an earlier version (schema {schema}): start the daemon once, which brings it up to date")
            }
            Self::InUse(database) => write!(
                f,
                "{database} is in use by another process: stop the daemon that uses it (systemctl stop bellflower), or wait for the end of \
                 `bellflower db restore` or `bellflower db move`"
            ),
            Self::Broken(why) => write!(f, "the database is not as it should be: {why}"),
            Self::Setting(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for StoreError {}
