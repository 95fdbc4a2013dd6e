//! Keeps what is secret: data keys, their wraps, sealed fields, passwords' checks. Knows no database and no HTTP (see `store`, `api`).

mod key;

pub use key::{DataKey, SiteKey};
