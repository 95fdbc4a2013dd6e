//! Reads the setting `database`: which kind, where, how connections to it are secured. Connects to nothing (see `pools`).

use crate::store::StoreError;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use zeroize::Zeroizing;

/// Where the database is.
#[derive(Clone)]
pub struct Setting {
    pub(super) place: Place,
    shown: String,
}

/// The kinds of places.
#[derive(Clone)]
pub(super) enum Place {
    Sqlite(PathBuf),
    MySql(Box<MySqlConnectOptions>),
    Postgres(Box<PgConnectOptions>),
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Setting").field(&self.shown).finish()
    }
}

/// Without the password.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Setting {
    /// Reads `sqlite:PATH`, `mysql://…` (`mariadb://…` is the same) or `postgres://…` (`postgresql://…` is the same). `password` goes before
    /// one in the URL.
    ///
    /// # Errors
    /// [`StoreError::Setting`] says what is wrong with it.
    pub fn parse(text: &str, password: Option<Zeroizing<String>>) -> Result<Self, StoreError> {
        let Some((scheme, rest)) = text.split_once(':') else { return Err(unknown()) };
        if scheme != "sqlite" && !rest.starts_with("//") {
            return Err(unknown());
        }
        match scheme {
            "sqlite" => Self::sqlite(rest),
            "mysql" | "mariadb" => {
                let options = MySqlConnectOptions::from_str(&format!("mysql:{rest}")).map_err(wrong)?;
                let mut options = options.charset("utf8mb4");
                let local = options.get_socket().is_some() || is_local(options.get_host());
                if !says(rest, &["sslmode", "ssl-mode"]) && !local {
                    options = options.ssl_mode(MySqlSslMode::VerifyIdentity);
                }
                if let Some(password) = password {
                    options = options.password(&password);
                }
                if options.get_database().is_none() {
                    return Err(StoreError::Setting("the database's URL has no name of a database: mysql://USER@HOST/NAME".to_owned()));
                }
                Ok(Self { shown: shown(text), place: Place::MySql(Box::new(options)) })
            }
            "postgres" | "postgresql" => {
                let mut options = PgConnectOptions::from_str(&format!("postgres:{rest}")).map_err(wrong)?;
                let local = options.get_socket().is_some() || is_local(options.get_host());
                if !says(rest, &["sslmode", "ssl-mode"]) && !local {
                    options = options.ssl_mode(PgSslMode::VerifyFull);
                }
                if let Some(password) = password {
                    options = options.password(&password);
                }
                if options.get_database().is_none() {
                    return Err(StoreError::Setting("the database's URL has no name of a database: postgres://USER@HOST/NAME".to_owned()));
                }
                let options = options.application_name("bellflower");
                Ok(Self { shown: shown(text), place: Place::Postgres(Box::new(options)) })
            }
            _ => Err(unknown()),
        }
    }

    /// A file of SQLite's.
    pub fn file(path: &Path) -> Self {
        Self { shown: format!("sqlite:{}", path.display()), place: Place::Sqlite(path.to_owned()) }
    }

    fn sqlite(rest: &str) -> Result<Self, StoreError> {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.is_empty() || path.starts_with(':') || path.contains('?') {
            return Err(StoreError::Setting(format!("\"{rest}\" is no path of a file: sqlite:PATH, without parameters")));
        }
        Ok(Self::file(Path::new(path)))
    }

    /// The file, when it is SQLite's.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Sqlite(path) => Some(path),
            Place::MySql(_) | Place::Postgres(_) => None,
        }
    }
}

fn unknown() -> StoreError {
    StoreError::Setting("the database is none of sqlite:PATH, mysql://USER@HOST/NAME, postgres://USER@HOST/NAME".to_owned())
}

/// The parser's words never quote the URL, which may hold a password.
fn wrong(error: sqlx::Error) -> StoreError {
    StoreError::Setting(format!("the database's URL cannot be read: {error}"))
}

fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a URL's query has one of these parameters.
fn says(url: &str, names: &[&str]) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| names.contains(&pair.split('=').next().unwrap_or_default()))
}

/// The URL without its password and parameters.
fn shown(url: &str) -> String {
    let front = url.split('?').next().unwrap_or_default();
    match (front.split_once("//"), front.rsplit_once('@')) {
        (Some((scheme, _)), Some((before, host))) => {
            let user = before.split_once("//").map_or("", |(_, who)| who).split(':').next().unwrap_or_default();
            format!("{scheme}//{user}@{host}")
        }
        _ => front.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_server_must_show_its_certificate_unless_the_url_says_otherwise() {
        let mode = |url: &str| match Setting::parse(url, None).unwrap().place {
            Place::MySql(options) => format!("{:?}", options.get_ssl_mode()),
            Place::Postgres(options) => format!("{:?}", options.get_ssl_mode()),
            Place::Sqlite(_) => String::new(),
        };
        assert_eq!(mode("mysql://a@db.example/b"), "VerifyIdentity");
        assert_eq!(mode("mysql://a@db.example/b?ssl-mode=REQUIRED"), "Required");
        assert_eq!(mode("mysql://a@127.0.0.1/b"), "Preferred");
        assert_eq!(mode("postgres://a@db.example/b"), "VerifyFull");
        assert_eq!(mode("postgres://a@db.example/b?sslmode=disable"), "Disable");
        assert_eq!(mode("postgres://a@[::1]/b"), "Prefer");
        assert_eq!(mode("postgres:///b?host=/run/postgresql&user=a"), "Prefer");
    }

    #[test]
    fn what_is_shown_has_no_password() {
        let setting = Setting::parse("postgres://ann:se@cret@db.example:5433/b?sslmode=require", None).unwrap();
        assert_eq!(setting.to_string(), "postgres://ann@db.example:5433/b");
        assert_eq!(format!("{setting:?}"), "Setting(\"postgres://ann@db.example:5433/b\")");
    }

    #[test]
    fn what_cannot_be_used_is_refused_in_words() {
        for wrong in ["", "sqlite", "sqlite:", "sqlite::memory:", "sqlite:a?mode=ro", "oracle://x", "mysql://a@b", "postgres:nothing"] {
            assert!(matches!(Setting::parse(wrong, None), Err(StoreError::Setting(_))), "{wrong}");
        }
        assert_eq!(Setting::parse("sqlite:/var/lib/a.sqlite", None).unwrap().path(), Some(Path::new("/var/lib/a.sqlite")));
        assert_eq!(Setting::parse("sqlite://a/b", None).unwrap().path(), Some(Path::new("a/b")));
    }
}
