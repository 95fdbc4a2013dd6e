//! Checks and makes what stands for passwords, on threads of its own: so many runs at once and no more, so many that wait. Keeps nothing.

use super::code::RecoveryCode;
use super::hash::{Check, Cost, NoRun};
use super::key::{By, DataKey};
use super::lines::{Job, Line, Lines};
use super::site::SiteKey;
use crate::store::{Sealed, UserKeys};
use bridge::command::Secret;
use bridge::id::UserId;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tokio::sync::oneshot;

/// How passwords are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HasherSettings {
    /// Of a run for a new password. Old ones are checked with what they were made with.
    pub cost: Cost,
    /// Runs at once, each with the memory of its cost.
    pub threads: usize,
    /// How many strangers may wait, and how many users; whoever comes then is told to come again.
    pub waiting: usize,
}

impl Default for HasherSettings {
    fn default() -> Self {
        Self { cost: Cost::default(), threads: 2, waiting: 32 }
    }
}

/// Why a password was not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashError {
    /// Too many wait, or there is no memory now: try again in a moment.
    Busy,
    /// The daemon ends, or its threads could not go on.
    Ended,
    /// The system has no randomness.
    Randomness,
    /// The password is right, and the wrap of the key does not open: the database is damaged, or was meddled with.
    Damaged,
}

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "too many passwords are being checked",
            Self::Ended => "passwords are no longer checked",
            Self::Randomness => "the system has no randomness",
            Self::Damaged => "the key of this user cannot be opened by the right password",
        })
    }
}

impl std::error::Error for HashError {}

impl From<getrandom::Error> for HashError {
    fn from(_: getrandom::Error) -> Self {
        Self::Randomness
    }
}

/// Result of a right password.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The data key. A user without one (it was lost with the password) gets a new one from whoever reads this.
    pub key: Option<DataKey>,
    /// The record was made at another cost than today's: store what [`Hasher::rehash`] makes of it.
    pub needs_rehash: bool,
}

/// The lines of a hasher; they are closed with the last of its clones.
struct Open(Arc<Lines>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Threads that run argon2id. A clone is the same; the threads end with the last.
#[derive(Clone)]
pub struct Hasher {
    cost: Cost,
    line: Line,
    lines: Arc<Open>,
    #[cfg(test)]
    runs: Arc<std::sync::atomic::AtomicU64>,
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("cost", &self.cost).finish_non_exhaustive()
    }
}

impl Hasher {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system gives none.
    pub fn start(settings: HasherSettings) -> std::io::Result<Self> {
        // Closed when a thread is lacking, too.
        let lines = Arc::new(Open(Lines::new(settings.waiting)));
        for number in 0..settings.threads.max(1) {
            let lines = Arc::clone(&lines.0);
            std::thread::Builder::new().name(format!("hasher {number}")).stack_size(512 << 10).spawn(move || work(&lines))?;
        }
        Ok(Self {
            cost: settings.cost,
            line: Line::Strangers,
            lines,
            #[cfg(test)]
            runs: Arc::default(),
        })
    }

    /// The same hasher for a user who is signed in: they wait in a line of their own, that strangers cannot fill, and the two lines take turns.
    #[must_use]
    pub fn of(&self, user: UserId) -> Self {
        Self { line: Line::Users(user), ..self.clone() }
    }

    /// The same hasher for somebody who comes from a browser of a user's: they wait with the users, or with the strangers where users leave no place.
    #[must_use]
    pub fn of_browser(&self, user: UserId) -> Self {
        Self { line: Line::Known(user), ..self.clone() }
    }

    /// Keys for a new password, and a recovery code that is shown once. Wraps that `data` had before are void.
    ///
    /// # Errors
    /// See [`HashError`].
    pub async fn make(
        &self,
        user: UserId,
        password: &Secret,
        data: &DataKey,
        site: Option<&SiteKey>,
    ) -> Result<(UserKeys, RecoveryCode), HashError> {
        let (check, by_password) = self.hash(user, password, data).await?;
        let (by_recovery, code) = new_recovery(user, data)?;
        let by_site = site.map(|site| data.wrap_by_site(user, site)).transpose()?;
        Ok((UserKeys { check, by_password: Some(by_password), by_recovery: Some(by_recovery), by_site }, code))
    }

    /// The same password at today's cost; the other wraps stay.
    ///
    /// # Errors
    /// See [`HashError`].
    pub async fn rehash(&self, user: UserId, keys: &UserKeys, password: &Secret, data: &DataKey) -> Result<UserKeys, HashError> {
        let (check, by_password) = self.hash(user, password, data).await?;
        Ok(UserKeys { check, by_password: Some(by_password), ..keys.clone() })
    }

    /// Whether this is the password of a user. `None`: it is not, or there is no such user, which takes as long.
    ///
    /// # Errors
    /// See [`HashError`].
    pub async fn check(&self, user: Option<(UserId, &UserKeys)>, password: &Secret) -> Result<Option<Opened>, HashError> {
        let cost = self.cost;
        // Someone without a password, too: nobody shall find out by a watch who that is.
        let read = user.and_then(|(id, keys)| Some((id, Check::read(&keys.check)?, keys.by_password.clone())));
        let (id, check, wrap) = read.unwrap_or_else(|| (UserId(0), Check::dummy(cost), None));
        let password = password.clone();
        self.run(move || {
            let Some(run) = check.passes(id, password.expose())? else { return Ok(None) };
            let key = match wrap {
                None => None,
                Some(wrap) => Some(run.unwrap(id, &wrap).ok_or(HashError::Damaged)?),
            };
            Ok(Some(Opened { key, needs_rehash: check.cost != cost }))
        })
        .await
    }

    async fn hash(&self, user: UserId, password: &Secret, data: &DataKey) -> Result<(String, Sealed), HashError> {
        let (cost, password, data) = (self.cost, password.clone(), data.clone());
        self.run(move || {
            let (check, run) = Check::make(cost, user, password.expose())?;
            Ok((check.to_string(), run.wrap(user, &data)?))
        })
        .await
    }

    /// Runs one on a thread for it. Nobody waits for what was given up before it began.
    async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> Result<T, HashError> + Send + 'static) -> Result<T, HashError> {
        let (answer, answered) = oneshot::channel();
        #[cfg(test)]
        let runs = Arc::clone(&self.runs);
        let job: Job = Box::new(move || {
            if answer.is_closed() {
                return;
            }
            #[cfg(test)]
            runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            // Whoever asked may have gone.
            let _ = answer.send(job());
        });
        if !self.lines.0.push(self.line, job) {
            return Err(HashError::Busy);
        }
        answered.await.map_err(|_| HashError::Ended)?
    }
}

impl From<NoRun> for HashError {
    fn from(error: NoRun) -> Self {
        match error {
            NoRun::Memory => Self::Busy,
            NoRun::Cost => Self::Damaged,
        }
    }
}

/// A new recovery code and the wrap under it. It is shown once; the code before opens nothing from now on.
///
/// # Errors
/// The system has no randomness.
pub fn new_recovery(user: UserId, data: &DataKey) -> Result<(Sealed, RecoveryCode), getrandom::Error> {
    let code = RecoveryCode::create()?;
    Ok((data.wrap(By::Recovery, user, code.bytes())?, code))
}

/// The data key of a user by the recovery code as it was typed. A code is too long to be tried, so this needs no argon2id; nor does it differ by
/// more than microseconds between a wrong code and a wrong name.
pub fn by_recovery(user: Option<(UserId, &UserKeys)>, typed: &str) -> Option<DataKey> {
    let code = RecoveryCode::read(typed)?;
    let (user, wrap) = match user {
        Some((user, UserKeys { by_recovery: Some(wrap), .. })) => (user, wrap.clone()),
        _ => (UserId(0), Sealed(vec![1; super::seal::OVERHEAD + 32])),
    };
    DataKey::unwrap(By::Recovery, user, code.bytes(), &wrap)
}

fn work(lines: &Lines) {
    while let Some(job) = lines.next() {
        // It tells whoever waits by being dropped.
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            log::error!("a thread that hashes passwords went on after a panic");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    const LITTLE: Cost = Cost { kib: 8, passes: 1, lanes: 1 };
    const INES: UserId = UserId(0x1e5);

    fn hasher() -> Hasher {
        Hasher::start(HasherSettings { cost: LITTLE, threads: 2, waiting: 4 }).unwrap()
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn is(opened: Option<Opened>, data: &DataKey) -> bool {
        opened.is_some_and(|opened| opened.key.is_some_and(|key| key.is(data)))
    }

    #[tokio::test]
    async fn a_password_a_code_and_the_site_open_the_same_key() {
        let (hasher, data) = (hasher(), DataKey::create().unwrap());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [7; 32]).unwrap();
        let site = SiteKey::read(file.path()).unwrap();
        let (keys, code) = hasher.make(INES, &secret("correct horse"), &data, Some(&site)).await.unwrap();
        assert!(is(hasher.check(Some((INES, &keys)), &secret("correct horse")).await.unwrap(), &data));
        assert!(hasher.check(Some((INES, &keys)), &secret("correct  horse")).await.unwrap().is_none());
        assert!(by_recovery(Some((INES, &keys)), &code.show().to_lowercase()).is_some_and(|key| key.is(&data)));
        assert!(by_recovery(Some((UserId(2), &keys)), &code.show()).is_none());
        assert!(by_recovery(None, &code.show()).is_none());
        let by_site = keys.by_site.as_ref().unwrap();
        assert!(DataKey::unwrap_by_site(INES, &site, by_site).is_some_and(|key| key.is(&data)));
        // A new code takes the place of the old.
        let (by_recovery_now, next) = new_recovery(INES, &data).unwrap();
        let keys = UserKeys { by_recovery: Some(by_recovery_now), ..keys };
        assert!(by_recovery(Some((INES, &keys)), &code.show()).is_none());
        assert!(by_recovery(Some((INES, &keys)), &next.show()).is_some_and(|key| key.is(&data)));
    }

    #[tokio::test]
    async fn a_wrong_name_costs_as_much_as_a_wrong_password() {
        let hasher = hasher();
        let (keys, _) = hasher.make(INES, &secret("correct horse"), &DataKey::create().unwrap(), None).await.unwrap();
        let without = UserKeys { check: String::new(), by_password: None, by_recovery: None, by_site: None };
        let damaged = UserKeys { check: "$argon2id$".to_owned(), ..keys.clone() };
        for user in [Some((INES, &keys)), None, Some((INES, &without)), Some((INES, &damaged))] {
            let before = hasher.runs.load(Ordering::Relaxed);
            assert!(hasher.check(user, &secret("wrong")).await.unwrap().is_none());
            assert_eq!(hasher.runs.load(Ordering::Relaxed), before + 1);
        }
        assert_eq!(Check::dummy(LITTLE).cost, Check::read(&keys.check).unwrap().cost);
    }

    #[tokio::test]
    async fn a_record_of_another_cost_is_checked_and_renewed() {
        let data = DataKey::create().unwrap();
        let (keys, code) = hasher().make(INES, &secret("correct horse"), &data, None).await.unwrap();
        let cost = Cost { kib: 16, passes: 2, lanes: 1 };
        let today = Hasher::start(HasherSettings { cost, ..Default::default() }).unwrap();
        let opened = today.check(Some((INES, &keys)), &secret("correct horse")).await.unwrap().unwrap();
        assert!(opened.needs_rehash && opened.key.as_ref().is_some_and(|key| key.is(&data)));
        let renewed = today.rehash(INES, &keys, &secret("correct horse"), &data).await.unwrap();
        assert!(renewed.check.contains("$m=16,t=2,p=1$"), "{}", renewed.check);
        let opened = today.check(Some((INES, &renewed)), &secret("correct horse")).await.unwrap().unwrap();
        assert!(!opened.needs_rehash && opened.key.is_some_and(|key| key.is(&data)));
        assert!(by_recovery(Some((INES, &renewed)), &code.show()).is_some(), "the code goes on");
    }

    #[tokio::test]
    async fn another_users_keys_open_nothing() {
        let hasher = hasher();
        let (mine, theirs) = (DataKey::create().unwrap(), DataKey::create().unwrap());
        let (keys, _) = hasher.make(INES, &secret("correct horse"), &mine, None).await.unwrap();
        let (others, _) = hasher.make(UserId(2), &secret("correct horse"), &theirs, None).await.unwrap();
        // A check of my own beside somebody else's wrap.
        let mixed = UserKeys { by_password: others.by_password, ..keys.clone() };
        let error = hasher.check(Some((INES, &mixed)), &secret("correct horse")).await.unwrap_err();
        assert_eq!(error, HashError::Damaged);
        // The whole record in somebody else's place.
        assert!(hasher.check(Some((UserId(2), &keys)), &secret("correct horse")).await.unwrap().is_none());
        let lost = UserKeys { by_password: None, ..keys };
        assert!(hasher.check(Some((INES, &lost)), &secret("correct horse")).await.unwrap().unwrap().key.is_none());
    }

    #[tokio::test]
    async fn who_comes_when_too_many_wait_is_told_so() {
        let hasher = Hasher::start(HasherSettings { cost: LITTLE, threads: 1, waiting: 1 }).unwrap();
        let (go, held) = std::sync::mpsc::channel::<()>();
        let (begun, begins) = oneshot::channel();
        let hold = move || {
            let _ = begun.send(());
            let _ = held.recv();
            Ok(())
        };
        let running = tokio::spawn({
            let hasher = hasher.clone();
            async move { hasher.run(hold).await }
        });
        begins.await.unwrap();
        let one = hasher.clone();
        let mut waiting = Box::pin(async move { one.check(None, &secret("any")).await });
        assert!(futures_util::poll!(&mut waiting).is_pending());
        assert_eq!(hasher.check(None, &secret("any")).await.unwrap_err(), HashError::Busy);
        go.send(()).unwrap();
        running.await.unwrap().unwrap();
        assert!(waiting.await.unwrap().is_none());
        assert!(hasher.check(None, &secret("any")).await.unwrap().is_none(), "there is room again");
    }

    #[tokio::test]
    async fn a_user_does_not_wait_for_all_strangers() {
        let hasher = Hasher::start(HasherSettings { cost: LITTLE, threads: 1, waiting: 8 }).unwrap();
        let (go, held) = std::sync::mpsc::channel::<()>();
        let (begun, begins) = oneshot::channel();
        let mut running = Box::pin(hasher.run(move || {
            let _ = begun.send(());
            let _ = held.recv();
            Ok(())
        }));
        assert!(futures_util::poll!(&mut running).is_pending());
        begins.await.unwrap();
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        let run = |hasher: Hasher, who: &'static str| {
            let order = Arc::clone(&order);
            async move {
                let note = move || {
                    order.lock().unwrap().push(who);
                    Ok(())
                };
                hasher.run(note).await
            }
        };
        let mut all = Box::pin(futures_util::future::join_all((0..8).map(|_| run(hasher.clone(), "stranger"))));
        assert!(futures_util::poll!(&mut all).is_pending());
        assert_eq!(hasher.check(None, &secret("any")).await.unwrap_err(), HashError::Busy, "there is no room for strangers");
        let mut user = Box::pin(run(hasher.of(INES), "user"));
        assert!(futures_util::poll!(&mut user).is_pending(), "there is for a user");
        go.send(()).unwrap();
        running.await.unwrap();
        user.await.unwrap();
        assert!(all.await.into_iter().all(|result| result.is_ok()));
        let order = order.lock().unwrap();
        assert_eq!((order[0], order.len()), ("user", 9));
    }

    #[tokio::test]
    async fn what_was_given_up_is_not_run_and_a_panic_ends_no_thread() {
        let hasher = Hasher::start(HasherSettings { cost: LITTLE, threads: 1, waiting: 4 }).unwrap();
        let (go, held) = std::sync::mpsc::channel::<()>();
        let mut first = Box::pin(hasher.run(move || {
            let _ = held.recv();
            if true { panic!("on purpose") } else { Ok(()) }
        }));
        assert!(futures_util::poll!(&mut first).is_pending());
        let mut given_up = Box::pin(hasher.run(|| Ok(())));
        assert!(futures_util::poll!(&mut given_up).is_pending());
        drop(given_up);
        go.send(()).unwrap();
        assert_eq!(first.await.unwrap_err(), HashError::Ended);
        assert!(hasher.check(None, &secret("any")).await.unwrap().is_none());
        assert_eq!(hasher.runs.load(Ordering::Relaxed), 2, "the panic and the check");
    }
}
