//! Keeps what is secret: data keys, their wraps, sealed fields, passwords' checks. Knows no database and no HTTP (see `store`, `api`).
//!
//! ```text
//! password --argon2id--> check (stored, hashed)      browser token --HKDF--\
//!                   \--> wrap's key ---------\       site key ------HKDF----+--> wraps of the data key --> data key --> sealed fields
//! recovery code ------HKDF--------------------+-----------------------------/
//! ```

mod code;
mod hash;
mod hasher;
mod key;
mod known;
mod lines;
mod seal;
mod site;
mod veil;

pub use code::RecoveryCode;
pub use hash::Cost;
pub use hasher::{HashError, Hasher, HasherSettings, Opened, by_recovery, new_recovery};
pub use key::DataKey;
pub use known::{is_marked, mark};
pub use site::{CREDENTIAL, SiteKey, SiteKeyError};
pub use veil::{KEY, random, unveil, veil};
