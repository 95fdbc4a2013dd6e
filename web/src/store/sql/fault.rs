//! Sorts what a database answers into what may be tried again and what may not. Retries nothing.

use crate::store::StoreError;
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Database(fault) => of_database(&**fault),
            E::PoolTimedOut => Self::Unavailable("it does not answer in time".to_owned()),
            E::Io(_) | E::Tls(_) | E::Protocol(_) | E::PoolClosed | E::WorkerCrashed | E::BeginFailed => {
                Self::Unavailable(error.to_string())
            }
            E::Configuration(_) => Self::Setting(error.to_string()),
            _ => Self::Broken(error.to_string()),
        }
    }
}

fn of_database(fault: &(dyn DatabaseError + 'static)) -> StoreError {
    let passes = if let Some(fault) = fault.try_downcast_ref::<MySqlDatabaseError>() {
        mysql_passes(fault.number())
    } else if let Some(fault) = fault.try_downcast_ref::<PgDatabaseError>() {
        postgres_passes(fault.code())
    } else {
        sqlite_passes(fault.code().and_then(|code| code.parse().ok()).unwrap_or_default())
    };
    // Of the message alone: the rest of PostgreSQL's answer quotes the row.
    let why = fault.message().to_owned();
    if passes { StoreError::Unavailable(why) } else { StoreError::Broken(why) }
}

/// Of the extended code, the primary one: busy, locked, no memory, read-only, interrupted, input/output, full, cannot open, locking protocol.
fn sqlite_passes(code: i32) -> bool {
    matches!(code & 0xff, 5 | 6 | 7 | 8 | 9 | 10 | 13 | 14 | 15)
}

fn postgres_passes(state: &str) -> bool {
    // Connection, credentials, transaction rollback, resources (disk full is one), operator intervention, system error.
    let class = state.get(..2).unwrap_or_default();
    matches!(class, "08" | "28" | "40" | "53" | "57" | "58") || matches!(state, "25006" | "55P03" | "3D000")
}

fn mysql_passes(number: u16) -> bool {
    matches!(
        number,
        // Files, disk full, engine, memory.
        1020..=1026 | 1028 | 1030 | 1033 | 1037 | 1038 | 1041 | 1114 | 1180 | 1181
        // Connections, credentials, shutdown.
        | 1040 | 1042..=1045 | 1047 | 1049 | 1053 | 1077 | 1079 | 1129 | 1130 | 1135 | 1152 | 1154..=1161 | 1184 | 1203 | 1226 | 1698 | 1927
        // Locks, deadlocks, time.
        | 1205 | 1206 | 1213 | 1317 | 1969 | 3024
        // Read-only.
        | 1290 | 1792 | 1836
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_passes_and_a_constraint_does_not() {
        assert!(sqlite_passes(13) && sqlite_passes(778) && sqlite_passes(5) && sqlite_passes(261));
        assert!(!sqlite_passes(19) && !sqlite_passes(1555) && !sqlite_passes(11) && !sqlite_passes(1));
        assert!(postgres_passes("53100") && postgres_passes("57P01") && postgres_passes("40001"));
        assert!(!postgres_passes("23505") && !postgres_passes("42P01") && !postgres_passes("22021"));
        assert!(mysql_passes(1021) && mysql_passes(1114) && mysql_passes(1205) && mysql_passes(1213));
        assert!(!mysql_passes(1062) && !mysql_passes(1406) && !mysql_passes(1146));
    }
}
