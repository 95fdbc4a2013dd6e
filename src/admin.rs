//! The administrator's commands: users, invites, protocols, the audit log, the database. They open the database themselves; a running daemon
//! learns of each change within a second. They serve nothing.

mod audit;
mod databases;
mod people;
mod protocols;

use crate::config::Config;
use crate::error::Failure;
use bridge::model::Protocol;
use std::sync::Arc;
use web::store::{AuditEntry, Sql, Store, StoreError};

/// The administrator's commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admin {
    /// Make a user.
    Add { name: String },
    /// Users by name.
    List,
    /// All that is known of one.
    Show { name: String },
    /// Forbid or allow to sign in.
    Disable { name: String, disabled: bool },
    /// Another password.
    Password { name: String, lose_secrets: bool },
    /// Delete with everything.
    Remove { name: String, yes: bool },
    /// Other limits.
    Limit { name: String, limits: Vec<(String, Option<u64>)> },
    /// Make an invite.
    Invite { note: String, uses: u32, days: u32 },
    /// Invites that are not used up.
    Invites,
    /// Protocols, and whether they are switched off.
    Protocols,
    /// Switch a protocol off or on.
    Protocol { id: String, disabled: bool },
    /// The newest entries of the audit log.
    Audit { name: Option<String>, most: u32 },
    /// Copy the database into a file.
    Backup { file: std::path::PathBuf },
    /// Look for damage.
    Check,
    /// Make the index of words anew.
    Reindex,
    /// Put a back-up into the empty database of the settings.
    Restore { file: std::path::PathBuf },
    /// Copy everything into the empty database of another place.
    Move { to: String },
}

/// Carries it out.
pub(crate) fn run(admin: &Admin, config: &Config) -> Result<(), Failure> {
    // As the daemon finds them, in a worker of its own.
    let offered = match admin {
        Admin::Protocol { .. } | Admin::Protocols => crate::report::catalogue(config)?.protocols,
        _ => Vec::new(),
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| Failure::System("the event loop", error))?;
    runtime.block_on(async {
        let database = crate::store::database(config, crate::store::By::Command).await?;
        let database = database.ok_or_else(|| {
            Failure::Store("there is no database: set `data_dir` or `database`, as for the daemon (--config FILE)".to_owned())
        })?;
        let result = carry_out(admin, config, &database, &offered).await;
        // What is left open is closed with the process.
        let _ = database.close().await;
        result
    })
}

async fn carry_out(admin: &Admin, config: &Config, database: &Arc<Sql>, offered: &[Protocol]) -> Result<(), Failure> {
    let store: &dyn Store = &**database;
    match admin {
        Admin::Add { name } => people::add(store, config, name).await,
        Admin::List => people::list(store).await,
        Admin::Show { name } => people::show(store, name).await,
        Admin::Disable { name, disabled } => people::disable(store, name, *disabled).await,
        Admin::Password { name, lose_secrets } => people::password(store, config, name, *lose_secrets).await,
        Admin::Remove { name, yes } => people::remove(store, name, *yes).await,
        Admin::Limit { name, limits } => people::limit(store, name, limits).await,
        Admin::Invite { note, uses, days } => people::invite(store, note, *uses, *days).await,
        Admin::Invites => people::invites(store).await,
        Admin::Protocols => protocols::list(store, offered).await,
        Admin::Protocol { id, disabled } => protocols::set(store, offered, id, *disabled).await,
        Admin::Audit { name, most } => audit::print(store, name.as_deref(), *most).await,
        Admin::Backup { file } => databases::backup(store, file).await,
        Admin::Check => databases::check(store).await,
        Admin::Reindex => databases::reindex(database).await,
        Admin::Restore { file } => databases::restore(database, file).await,
        Admin::Move { to } => databases::copy(database, config, to).await,
    }
}

/// The failure of a command.
fn failed(error: StoreError) -> Failure {
    Failure::Store(format!("cannot use the database: {error}"))
}

fn now() -> bridge::time::Timestamp {
    bridge::time::Timestamp::now()
}

/// Notes an act, by whom the system says did it.
async fn note(store: &dyn Store, user: Option<bridge::id::UserId>, act: &str, detail: &str) -> Result<(), Failure> {
    let by = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "an administrator".to_owned());
    let entry = AuditEntry { at: now(), user, act: act.to_owned(), detail: format!("by {by}: {detail}") };
    store.audit(&[entry]).await.map_err(failed)
}

/// Writes a line for people and scripts.
fn say(line: &str) {
    use std::io::Write as _;
    // Nobody may be listening; that is their choice.
    let _ = writeln!(std::io::stdout(), "{line}");
}
