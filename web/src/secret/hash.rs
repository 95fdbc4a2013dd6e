//! Runs argon2id once: half of the output checks a password, half wraps the data key. Runs on the caller's thread and takes long (see `hasher`).
//!
//! The 64 bytes of a run are split. What is stored for the check is derived from the first half, the wrap's key from the second: whoever has the
//! database has to run argon2id for each password to be tried, and the check opens no wrap.

use super::key::{By, DataKey};
use super::seal::{self, Purpose};
use crate::store::Sealed;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bridge::id::UserId;
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const SALT: usize = 16;
/// The name of the form, which is argon2's PHC string with another check in it.
const NAME: &str = "argon2id-split";
/// Highest cost that a check from the database may ask for: KiB and passes. A writer of the database must not end the daemon.
const MOST_KIB: u32 = 1 << 20;
const MOST_PASSES: u32 = 64;
const MOST_LANES: u32 = 16;

/// Cost of a run of argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory.
    pub kib: u32,
    /// How often the memory is gone through.
    pub passes: u32,
    /// Lanes, one after the other here.
    pub lanes: u32,
}

impl Default for Cost {
    /// RFC 9106's second recommendation (64 MiB, three passes), which is more than the least that OWASP names (19 MiB, two passes). With one lane
    /// instead of four: a run has one thread here, and lanes would only help who tries passwords on many.
    fn default() -> Self {
        Self { kib: 64 << 10, passes: 3, lanes: 1 }
    }
}

/// Output of a run, wiped when dropped.
pub(super) struct Run(Zeroizing<[u8; 64]>);

/// A check as it is stored: `$argon2id-split$v=19$m=65536,t=3,p=1$SALT$CHECK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) cost: Cost,
    salt: [u8; SALT],
    check: [u8; 32],
}

/// Why there was no run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRun {
    /// No memory for it.
    Memory,
    /// Nobody can run that.
    Cost,
}

impl Run {
    fn of(cost: Cost, salt: &[u8; SALT], password: &str) -> Result<Self, NoRun> {
        let mut out = Zeroizing::new([0; 64]);
        let params = Params::new(cost.kib, cost.passes, cost.lanes, Some(out.len())).map_err(|_| NoRun::Cost)?;
        let mut memory = Zeroizing::new(Vec::new());
        memory.try_reserve_exact(params.block_count()).map_err(|_| NoRun::Memory)?;
        memory.resize(params.block_count(), Block::default());
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut *out, &mut *memory).map_err(|_| NoRun::Cost)?;
        Ok(Self(out))
    }

    fn check(&self, user: UserId) -> [u8; 32] {
        let half = self.0.get(..32).unwrap_or_default();
        *seal::derive(half, &Purpose::of(&[b"check", &user.0.to_be_bytes()]))
    }

    fn wrapping(&self) -> &[u8] {
        self.0.get(32..).unwrap_or_default()
    }

    /// Puts a data key under it.
    pub(super) fn wrap(&self, user: UserId, data: &DataKey) -> Result<Sealed, getrandom::Error> {
        data.wrap(By::Password, user, self.wrapping())
    }

    /// Takes the data key out.
    pub(super) fn unwrap(&self, user: UserId, wrap: &Sealed) -> Option<DataKey> {
        DataKey::unwrap(By::Password, user, self.wrapping(), wrap)
    }
}

impl Check {
    /// A check of a new password, and the run that it came from.
    pub(super) fn make(cost: Cost, user: UserId, password: &str) -> Result<(Self, Run), NoRun> {
        let mut salt = [0; SALT];
        // Without randomness there is no salt, and no check.
        getrandom::fill(&mut salt).map_err(|_| NoRun::Memory)?;
        let run = Run::of(cost, &salt, password)?;
        Ok((Self { cost, salt, check: run.check(user) }, run))
    }

    /// A check that no password passes, for names that nobody has.
    pub(super) fn dummy(cost: Cost) -> Self {
        Self { cost, salt: [0; SALT], check: [0; 32] }
    }

    /// Runs argon2id on a password. `None`: it is another.
    pub(super) fn passes(&self, user: UserId, password: &str) -> Result<Option<Run>, NoRun> {
        let run = Run::of(self.cost, &self.salt, password)?;
        Ok(bool::from(run.check(user).ct_eq(&self.check)).then_some(run))
    }

    /// Reads a stored one; `None`: it is none, or asks for too much.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix('$')?.split('$');
        let named = parts.next() == Some(NAME) && parts.next() == Some("v=19");
        let (costs, salt, check) = (parts.next()?, parts.next()?, parts.next()?);
        if !named || parts.next().is_some() {
            return None;
        }
        let mut numbers = costs.split(',');
        let mut number = |name: &str, most: u32| {
            let number: u32 = numbers.next()?.strip_prefix(name)?.parse().ok()?;
            (1..=most).contains(&number).then_some(number)
        };
        let cost = Cost { kib: number("m=", MOST_KIB)?, passes: number("t=", MOST_PASSES)?, lanes: number("p=", MOST_LANES)? };
        Some(Self { cost, salt: bytes(salt)?, check: bytes(check)? })
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { kib, passes, lanes } = self.cost;
        let (salt, check) = (STANDARD_NO_PAD.encode(self.salt), STANDARD_NO_PAD.encode(self.check));
        write!(f, "${NAME}$v=19$m={kib},t={passes},p={lanes}${salt}${check}")
    }
}

fn bytes<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    STANDARD_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LITTLE: Cost = Cost { kib: 8, passes: 1, lanes: 1 };
    const INES: UserId = UserId(0x1e5);

    #[test]
    fn the_right_password_of_the_right_user_passes() {
        let (check, _) = Check::make(LITTLE, INES, "correct horse").unwrap();
        assert!(check.passes(INES, "correct horse").unwrap().is_some());
        assert!(check.passes(INES, "correct hors").unwrap().is_none());
        assert!(check.passes(UserId(2), "correct horse").unwrap().is_none(), "another's record in its place");
        assert!(Check::dummy(LITTLE).passes(INES, "correct horse").unwrap().is_none());
        let (again, _) = Check::make(LITTLE, INES, "correct horse").unwrap();
        assert_ne!(check, again, "each has its salt");
    }

    #[test]
    fn neither_the_check_nor_its_half_opens_the_wrap() {
        let (check, run) = Check::make(LITTLE, INES, "correct horse").unwrap();
        let data = DataKey::create().unwrap();
        let wrap = run.wrap(INES, &data).unwrap();
        assert!(run.unwrap(INES, &wrap).is_some_and(|key| key.is(&data)));
        for guess in [&check.check[..], &run.0[..32], &run.0[..]] {
            assert!(DataKey::unwrap(By::Password, INES, guess, &wrap).is_none());
        }
        assert_ne!(check.check, run.0[..32], "what is stored is not what argon2id gave");
        assert_ne!(check.check, run.0[32..]);
    }

    #[test]
    fn the_run_is_argon2id_as_others_have_it() {
        // Of the reference library: 64 KiB, two passes, one lane.
        let run = Run::of(Cost { kib: 64, passes: 2, lanes: 1 }, b"somesaltsomesalt", "password").unwrap();
        let hex: String = run.0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "3129e97c4e48114f59c1562e65960222c2ab5a5dd0bf043c6420d712a5f6048f2a5a84c85790e50c54bcf1ffe47f962a5eae434b498dd9ac03483ee0f1e3c070"
        );
    }

    #[test]
    fn a_stored_check_is_read_back() {
        let (check, _) = Check::make(LITTLE, INES, "correct horse").unwrap();
        let text = check.to_string();
        assert!(text.starts_with("$argon2id-split$v=19$m=8,t=1,p=1$"), "{text}");
        assert_eq!(Check::read(&text), Some(check));
    }

    #[test]
    fn what_asks_for_too_much_is_none() {
        let text = Check::dummy(LITTLE).to_string();
        for cost in
            ["m=1048577,t=1,p=1", "m=8,t=65,p=1", "m=8,t=1,p=17", "m=0,t=1,p=1", "m=8,t=0,p=1", "t=1,m=8,p=1", "m=8,t=1", "m=-8,t=1,p=1"]
        {
            assert_eq!(Check::read(&text.replace("m=8,t=1,p=1", cost)), None, "{cost}");
        }
        for other in ["", "$", &text[1..], &format!("{text}$"), &text.replace("split", "whole"), &text[..text.len() - 1]] {
            assert_eq!(Check::read(other), None, "{other}");
        }
        // What reads and cannot be run says so.
        let odd = Check::read(&text.replace("m=8", "m=1")).unwrap();
        assert!(matches!(odd.passes(INES, "any"), Err(NoRun::Cost)));
    }

    proptest! {
        #[test]
        fn whatever_is_stored_is_read_or_refused(text in "\\$?argon2id-split\\$v=19\\$[$a-z0-9=,+/A-Z]{0,90}|.{0,40}") {
            if let Some(check) = Check::read(&text) {
                prop_assert_eq!(Check::read(&check.to_string()), Some(check));
            }
        }
    }
}
