//! Lets users of the site in: by password, by the word of a proxy, by the recovery code. Makes no user but a proxy's (see `register`), and
//! sends no cookie (see `api`).

use super::failures::Act as Failing;
use super::guesses::{Try, Who};
use super::keys::Others;
use super::memory::Memory;
use super::until::{Until, unavailable, within};
use super::{Hub, Marks, Session, TokenHash, token};
use crate::api::ApiError;
use crate::secret::{DataKey, HashError, RecoveryCode, by_recovery};
use crate::store::{AuditEntry, Browser, NewUser, StoreError, UserKeys, UserRow, fold};
use bridge::command::Secret;
use bridge::id::{PersonId, UserId};
use std::sync::Arc;
use warp::http::StatusCode;

/// Bytes of a password of this site.
const PASSWORD: std::ops::RangeInclusive<usize> = 8..=1024;
/// Browsers of a user that are signed in.
const MOST_BROWSERS: usize = 100;

/// From where somebody comes.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The address, for the audit log.
    pub address: String,
    /// The same for what is counted by address.
    pub group: String,
    /// The neighbourhood.
    pub person: PersonId,
    /// The browser in words.
    pub device: String,
    /// Users who have signed in in this browser before.
    pub marks: Marks,
}

/// Somebody who is in.
pub struct Entered {
    /// For the cookie.
    pub token: String,
    /// The session of the user.
    pub session: Arc<Session>,
    /// To be shown once.
    pub recovery: Option<RecoveryCode>,
    /// For the cookie by which the browser is known.
    pub marks: Option<String>,
}

fn no_memory() -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "no_users", "This site keeps no users.")
}

fn too_many(wait: u64, message: &str) -> ApiError {
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message).retry_in(wait.max(1))
}

fn bad_credentials() -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "bad_credentials", "Nobody has this name with this password.")
}

pub(super) fn hash_failed(error: HashError) -> ApiError {
    match error {
        HashError::Busy => ApiError::busy(2000),
        other => {
            crate::pace::paced!(error, "a password was not checked: {other}");
            ApiError::unavailable()
        }
    }
}

pub(super) fn random() -> Result<u64, ApiError> {
    // Ids are stored as signed numbers, and 0 is the site.
    getrandom::u64().map(|number| number.max(1)).map_err(|_| ApiError::unavailable())
}

/// Fails when a text is no password of this site.
pub(super) fn check_password(password: &Secret, field: &'static str) -> Result<(), ApiError> {
    if PASSWORD.contains(&password.expose().len()) {
        return Ok(());
    }
    let message = format!("A password has {} to {} characters.", PASSWORD.start(), PASSWORD.end());
    Err(ApiError::bad_request("bad_field", message).at(field))
}

pub(super) fn check_name(name: &str) -> Result<String, ApiError> {
    let message = "A name has 1 to 64 characters, no colon and no control characters.";
    fold(name).ok_or_else(|| ApiError::bad_request("bad_field", message).at("name"))
}

impl Hub {
    pub(super) fn memory(&self) -> Result<&Memory, ApiError> {
        self.memory.as_ref().ok_or_else(no_memory)
    }

    pub(super) async fn audit(&self, memory: &Memory, user: Option<UserId>, act: &str, detail: String) {
        let entry = AuditEntry { at: self.env().wall, user, act: act.to_owned(), detail };
        if let Err(error) = memory.store().audit(&[entry]).await {
            crate::pace::paced!(warn, "the audit log lacks an entry ({act}): {error}");
        }
    }

    /// Signs a user in by name and password.
    ///
    /// # Errors
    /// 401 `bad_credentials`, 403 `user_disabled`, 503 `store_unavailable`, `busy`, `restarting`, `full`.
    pub async fn sign_in(self: &Arc<Self>, name: &str, password: &Secret, from: &Origin) -> Result<Entered, ApiError> {
        let memory = self.memory()?;
        // What can be no name is counted as one that nobody has.
        let folded = fold(name).unwrap_or_default();
        let row = within(memory.store().user_by_name(&folded)).await?;
        let user = row.as_ref().map(|row| row.id);
        let mark = row.as_ref().and_then(|row| Some((row.id, from.marks.of(row.id, &row.keys)?)));
        let (who, hasher) = match mark {
            Some((user, mark)) => (Who::Browser(user, mark.as_bytes()), memory.hasher.of_browser(user)),
            None => (Who::Stranger { name: &folded, from: from.person }, memory.hasher.clone()),
        };
        let message = "Too many wrong passwords for this name. Wait, sign in where you have done so before, or use your recovery code.";
        let tried = self.may_try(memory, who, user, from, message)?;
        let opened = match hasher.check(row.as_ref().map(|row| (row.id, &row.keys)), password).await {
            Ok(opened) => opened,
            Err(error) => {
                memory.guesses.give_back(tried);
                return Err(hash_failed(error));
            }
        };
        let (Some(mut row), Some(opened)) = (row, opened) else {
            memory.failures.note(Failing::SignIn, user, user.is_none().then_some(&folded), &from.group, &from.device);
            return Err(bad_credentials());
        };
        memory.guesses.give_back(tried);
        if row.disabled {
            return Err(ApiError::new(StatusCode::FORBIDDEN, "user_disabled", "This user may not sign in. Please ask who runs this site."));
        }
        let key = match opened.key {
            Some(key) => {
                if opened.needs_rehash {
                    let keys = memory.hasher.of(row.id).rehash(row.id, &row.keys, password, &key).await.map_err(hash_failed)?;
                    row = self.store_keys(row, keys, Others::Stay, None).await?;
                }
                key
            }
            None => {
                // The password was set without the key: what it sealed is gone, and a new one begins.
                let key = DataKey::create().map_err(|_| ApiError::unavailable())?;
                let hasher = memory.hasher.of(row.id);
                let (keys, _) = hasher.make(row.id, password, &key, memory.site_key.as_ref()).await.map_err(hash_failed)?;
                row = self.store_keys(row, keys, Others::Leave(None), None).await?;
                key
            }
        };
        let entered = self.enter_user(memory, &row, key, from).await?;
        self.audit(memory, Some(row.id), "sign_in", format!("from {} ({})", from.address, from.device)).await;
        Ok(Entered { marks: from.marks.with(row.id, &row.keys), ..entered })
    }

    /// Takes a try at a password, which counts unless it is given back.
    pub(super) fn may_try(
        &self,
        memory: &Memory,
        who: Who<'_>,
        user: Option<UserId>,
        from: &Origin,
        message: &str,
    ) -> Result<Try, ApiError> {
        memory.guesses.take(who, self.env().now).map_err(|wait| {
            memory.failures.note(Failing::Refused, user, None, &from.group, &from.device);
            too_many(wait, message)
        })
    }

    /// So many wrong passwords an hour from now on.
    pub fn set_guesses(&self, per_hour: u32) {
        if let Some(memory) = &self.memory {
            memory.guesses.set(per_hour);
        }
    }

    /// A user whose key is there comes in with another browser.
    pub(super) async fn enter_user(
        self: &Arc<Self>,
        memory: &Memory,
        row: &UserRow,
        key: DataKey,
        from: &Origin,
    ) -> Result<Entered, ApiError> {
        let token = token::create().map_err(|_| ApiError::unavailable())?;
        let hash = token::hash(&token);
        {
            let _turn = within(async { Ok(memory.turn(row.id).await) }).await?;
            self.is_as_read(memory, row).await?;
            if self.session(row.id).is_some_and(|session| session.is_guest()) {
                // The guest could not become this user, who is deleted as soon as the store answers.
                return Err(ApiError::busy(1000));
            }
            memory.came_in(row.id);
            self.add_browser(memory, row.id, &key, &token, from).await?;
        }
        let session = self.come_back(memory, row, key, hash, Until::soon()).await?;
        self.bound_browsers(memory, &session).await;
        Ok(Entered { token, session, recovery: None, marks: None })
    }

    /// Signs out whoever was not used for longest when there are too many.
    async fn bound_browsers(&self, memory: &Memory, session: &Session) {
        let Ok(browsers) = within(memory.store().browsers(session.id)).await else { return };
        let gone: Vec<TokenHash> = browsers.iter().skip(MOST_BROWSERS).map(|browser| browser.token).collect();
        if !gone.is_empty() && within(memory.store().remove_browsers(session.id, &gone)).await.is_ok() {
            gone.iter().for_each(|token| self.sign_out(session, token));
        }
    }

    pub(super) async fn add_browser(
        &self,
        memory: &Memory,
        user: UserId,
        key: &DataKey,
        token: &str,
        from: &Origin,
    ) -> Result<(), ApiError> {
        let now = self.env().wall;
        let wrap = key.wrap_by_token(user, token).map_err(|_| ApiError::unavailable())?;
        let (token, device) = (token::hash(token), from.device.clone());
        let browser = Browser { token, user, device, created: now, used: now, wrap: Some(wrap) };
        within(memory.store().add_browser(&browser)).await
    }

    /// Signs in whom a trusted proxy names; makes the user when there is none of this name.
    ///
    /// # Errors
    /// As [`Hub::sign_in`]; 400 `bad_field` for what is no name.
    pub async fn sign_in_by_proxy(self: &Arc<Self>, name: &str, from: &Origin) -> Result<Entered, ApiError> {
        let memory = self.memory()?;
        let site = memory.site_key.as_ref().ok_or_else(no_memory)?;
        let folded = check_name(name)?;
        let failed = |_| ApiError::unavailable();
        let row = match within(memory.store().user_by_name(&folded)).await? {
            Some(row) => row,
            None => {
                let id = UserId(random()?);
                let key = DataKey::create().map_err(failed)?;
                let by_site = Some(key.wrap_by_site(id, site).map_err(failed)?);
                let keys = UserKeys { check: String::new(), by_password: None, by_recovery: None, by_site };
                let user = NewUser { id, name: name.trim().to_owned(), folded: folded.clone(), keys, created: self.env().wall };
                match within(async { Ok(memory.store().add_user(&user).await) }).await? {
                    Ok(()) => self.audit(memory, Some(id), "register", format!("by the proxy, from {}", from.address)).await,
                    // Another request was first.
                    Err(StoreError::Taken) => {}
                    Err(_) => return Err(unavailable()),
                }
                within(memory.store().user_by_name(&folded)).await?.ok_or_else(unavailable)?
            }
        };
        if row.disabled {
            return Err(ApiError::new(StatusCode::FORBIDDEN, "user_disabled", "This user may not sign in. Please ask who runs this site."));
        }
        let key = row.keys.by_site.as_ref().and_then(|wrap| DataKey::unwrap_by_site(row.id, site, wrap));
        let key = key.ok_or_else(|| {
            let message = "What is stored for this user cannot be opened with the site's key. Please ask who runs this site.";
            ApiError::new(StatusCode::FORBIDDEN, "no_site_key", message)
        })?;
        let entered = self.enter_user(memory, &row, key, from).await?;
        self.audit(memory, Some(row.id), "sign_in", format!("by the proxy, from {} ({})", from.address, from.device)).await;
        Ok(entered)
    }

    /// Signs in by the recovery code, with a new password.
    ///
    /// # Errors
    /// As [`Hub::sign_in`]; 400 `bad_field`.
    pub async fn recover(self: &Arc<Self>, name: &str, code: &Secret, password: &Secret, from: &Origin) -> Result<Entered, ApiError> {
        let memory = self.memory()?;
        check_password(password, "password")?;
        let row = match fold(name) {
            Some(folded) => within(memory.store().user_by_name(&folded)).await?,
            None => None,
        };
        let user = row.as_ref().map(|row| row.id);
        let key = by_recovery(row.as_ref().map(|row| (row.id, &row.keys)), code.expose());
        let (Some(row), Some(key)) = (row, key) else {
            memory.failures.note(Failing::Recovery, user, user.is_none().then_some(name), &from.group, &from.device);
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, "bad_credentials", "Nobody has this name with this recovery code."));
        };
        if row.disabled {
            return Err(ApiError::new(StatusCode::FORBIDDEN, "user_disabled", "This user may not sign in. Please ask who runs this site."));
        }
        let hasher = memory.hasher.of(row.id);
        let (keys, recovery) = hasher.make(row.id, password, &key, memory.site_key.as_ref()).await.map_err(hash_failed)?;
        let note = ("recovery", format!("from {} ({})", from.address, from.device));
        let row = self.store_keys(row, keys, Others::Leave(None), Some(note)).await?;
        let entered = self.enter_user(memory, &row, key, from).await?;
        Ok(Entered { recovery: Some(recovery), marks: from.marks.with(row.id, &row.keys), ..entered })
    }
}
