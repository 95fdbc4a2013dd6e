//! Opens what a site that remembers needs: the database, the site's key, the threads that check passwords. Writes nothing into it.

use crate::config::Config;
use crate::error::Failure;
use std::path::Path;
use std::sync::Arc;
use web::secret::{Hasher, HasherSettings, SiteKey};
use web::session::Memory;
use web::store::{Setting, Sql, StoreError};
use zeroize::Zeroizing;

/// The credential of the service manager with the database's password.
const PASSWORD: &str = "bellflower-database-password";
/// Longest password.
const LONGEST: u64 = 4096;

fn failed(error: &StoreError) -> Failure {
    Failure::Store(format!("cannot use the database: {error}"))
}

/// The process that opens a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The daemon, which brings the tables of an earlier version up to date.
    Daemon,
    /// An administrator's command. A daemon of an earlier version may be using the database.
    Command,
}

/// Opens the database of these settings; `None` without one.
///
/// # Errors
/// [`Failure::Store`] says what to do.
pub(crate) async fn database(config: &Config, by: By) -> Result<Option<Arc<Sql>>, Failure> {
    let Some(place) = config.database() else { return Ok(None) };
    let password = password(config)?;
    let setting = Setting::parse(&place, password).map_err(|error| failed(&error))?;
    if let (Some(path), None) = (setting.path(), &config.database) {
        make_folder(path.parent())?;
    }
    let opened = match by {
        By::Daemon => Sql::open_alone(&setting).await,
        By::Command => Sql::open_in_use(&setting).await,
    };
    opened.map(Some).map_err(|error| failed(&error))
}

/// The folder of a database that is where the settings leave it to be.
fn make_folder(folder: Option<&Path>) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| Failure::Store(format!("cannot make the data directory {}: {error}", folder.display())))
}

/// The password of the database.
///
/// # Errors
/// There is one, and it cannot be read.
pub(crate) fn password(config: &Config) -> Result<Option<Zeroizing<String>>, Failure> {
    let credential = || {
        let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
        Some(Path::new(&folder).join(PASSWORD)).filter(|file| file.exists())
    };
    let Some(file) = config.database_password_file.clone().or_else(credential) else { return Ok(None) };
    let read = || {
        use std::io::Read;
        let mut text = Zeroizing::new(String::with_capacity(LONGEST as usize));
        std::fs::File::open(&file)?.take(LONGEST).read_to_string(&mut text)?;
        Ok::<_, std::io::Error>(text)
    };
    let text = read().map_err(|error| Failure::Store(format!("cannot read the database's password from {}: {error}", file.display())))?;
    Ok(Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())))
}

/// The site's key, if it has one.
///
/// # Errors
/// [`Failure::Store`]: there is one, and it cannot be used.
pub(crate) fn site_key(config: &Config) -> Result<Option<SiteKey>, Failure> {
    let found = SiteKey::find(config.site_key_file.as_deref(), std::env::var_os("CREDENTIALS_DIRECTORY"));
    found.map_err(|error| Failure::Store(error.to_string()))
}

/// The threads that check passwords.
///
/// # Errors
/// The system gives none.
pub(crate) fn hasher() -> Result<Hasher, Failure> {
    Hasher::start(HasherSettings::default()).map_err(|error| Failure::System("the threads that check passwords", error))
}

/// Database, site key and hasher of these settings; `None` without a database.
///
/// # Errors
/// [`Failure::Store`] or [`Failure::System`].
pub(crate) async fn memory(config: &Config) -> Result<Option<Memory>, Failure> {
    let site_key = site_key(config)?;
    if config.header_sign_in.is_some() && site_key.is_none() {
        return Err(Failure::Store(
            "`header_sign_in` needs a site key: set `site_key_file`, made by `head -c 32 /dev/urandom | base64 > FILE && chmod 600 FILE`"
                .to_owned(),
        ));
    }
    let Some(database) = database(config, By::Daemon).await? else { return Ok(None) };
    log::info!("users and what they have are stored in {}", database.setting());
    let queue = usize::try_from(config.limits.store_queue_mb.0).unwrap_or(usize::MAX).saturating_mul(1 << 20);
    Ok(Some(Memory::new(database, queue, hasher()?, site_key, config.memory())))
}
