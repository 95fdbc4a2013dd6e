//! Lets users of the site change what is theirs: password, recovery code, browsers, deletion. Lets nobody in (see `people`).

use super::failures::Act as Failing;
use super::guesses::Who;
use super::keys::Others;
use super::people::{Origin, check_password, hash_failed};
use super::register::DURABLE;
use super::until::{unavailable, within};
use super::{Hub, Session, TokenHash, token};
use crate::api::ApiError;
use crate::secret::{DataKey, RecoveryCode, new_recovery};
use crate::store::{Browser, UserKeys, UserRow};
use crate::wire::{Me, MeLimits, SignedIn};
use bridge::command::Secret;
use std::sync::Arc;
use warp::http::StatusCode;

impl Hub {
    /// Signs out all browsers here but one; the store does not have them any more.
    pub(super) fn drop_browsers(&self, session: &Session, but: Option<&TokenHash>) {
        let gone: Vec<TokenHash> = session.lock().tokens.iter().filter(|token| Some(*token) != but).copied().collect();
        gone.iter().for_each(|token| self.sign_out(session, token));
    }

    /// The user of a session, and their key by the password. Each browser has tries of its own, and waits for no strangers.
    async fn confirmed(
        &self,
        session: &Session,
        by: &By<'_>,
        password: &Secret,
        field: &'static str,
    ) -> Result<(UserRow, DataKey), ApiError> {
        let memory = self.memory()?;
        let row = self.row(session).await?;
        let who = Who::Browser(row.id, by.token);
        let tried = self.may_try(memory, who, Some(row.id), by.from, "Too many wrong passwords. Please wait.")?;
        let opened = memory.hasher.of(row.id).check(Some((row.id, &row.keys)), password).await;
        if !matches!(&opened, Ok(None)) {
            memory.guesses.give_back(tried);
        }
        let Some(opened) = opened.map_err(hash_failed)? else {
            memory.failures.note(Failing::Password, Some(row.id), None, &by.from.group, &by.from.device);
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, "bad_credentials", "This is not your password.").at(field));
        };
        let key = opened.key.or_else(|| session.lock().keep.as_ref().map(|keep| keep.key.clone()));
        let key = key.map_or_else(|| DataKey::create().map_err(|_| ApiError::unavailable()), Ok)?;
        Ok((row, key))
    }

    pub(super) async fn row(&self, session: &Session) -> Result<UserRow, ApiError> {
        let memory = self.memory()?;
        if session.is_guest() {
            let message = "A guest has no account of this site. Choose a name and a password first.";
            return Err(ApiError::new(StatusCode::FORBIDDEN, "guests_have_no_account", message));
        }
        within(memory.store().user(session.id)).await?.ok_or_else(ApiError::session_ended)
    }

    /// Answer of `GET /me`.
    ///
    /// # Errors
    /// 403 `guests_have_no_account`, 503.
    pub async fn me(&self, session: &Session, current: &TokenHash) -> Result<Me, ApiError> {
        let memory = self.memory()?;
        let row = self.row(session).await?;
        let browsers = within(memory.store().browsers(row.id)).await?;
        let usage = within(memory.store().usage(row.id)).await?;
        let accounts = session.lock().accounts.len() as u64;
        let shown = |browser: Browser| SignedIn {
            id: browser_id(&browser.token),
            device: browser.device,
            created: browser.created,
            used: browser.used,
            current: browser.token == *current,
        };
        let limits = MeLimits {
            accounts: row.limits.accounts.map_or(self.config.accounts_per_user as u64, u64::from),
            storage_bytes: row.limits.storage_bytes.unwrap_or(memory.config.storage_bytes),
        };
        Ok(Me {
            user: session.user(),
            created: row.created,
            browsers: browsers.into_iter().map(shown).collect(),
            recovery: row.keys.by_recovery.is_some(),
            accounts,
            usage,
            limits,
        })
    }

    /// Another password; the browser of `token` stays signed in, all others do not. With the recovery code comes what the browser is known by from
    /// now on.
    ///
    /// # Errors
    /// 401 `bad_credentials`, 400 `bad_field`, 503.
    pub async fn change_password(
        self: &Arc<Self>,
        session: &Session,
        by: &By<'_>,
        token: &str,
        old: &Secret,
        new: &Secret,
    ) -> Result<(RecoveryCode, Option<String>), ApiError> {
        let memory = self.memory()?;
        check_password(new, "new")?;
        let (row, key) = self.confirmed(session, by, old, "old").await?;
        let (keys, recovery) = memory.hasher.of(row.id).make(row.id, new, &key, memory.site_key.as_ref()).await.map_err(hash_failed)?;
        let wrap = key.wrap_by_token(row.id, token).map_err(|_| ApiError::unavailable())?;
        let current = token::hash(token);
        let row = self.store_keys(row, keys, Others::Leave(Some((current, wrap))), Some(("password", String::new()))).await?;
        Ok((recovery, by.from.marks.with(row.id, &row.keys)))
    }

    /// Another recovery code; the one before is worth nothing any more.
    ///
    /// # Errors
    /// 401 `bad_credentials`, 503.
    pub async fn change_recovery(self: &Arc<Self>, session: &Session, by: &By<'_>, password: &Secret) -> Result<RecoveryCode, ApiError> {
        let (row, key) = self.confirmed(session, by, password, "password").await?;
        let (wrap, recovery) = new_recovery(row.id, &key).map_err(|_| ApiError::unavailable())?;
        let keys = UserKeys { by_recovery: Some(wrap), ..row.keys.clone() };
        self.store_keys(row, keys, Others::Stay, Some(("recovery", "a new code".to_owned()))).await?;
        Ok(recovery)
    }

    /// Signs out one browser by its id, all others than `current`, or all.
    ///
    /// # Errors
    /// 404 `no_such_browser`, 503.
    pub async fn sign_out_browsers(&self, session: &Session, current: &TokenHash, which: Which<'_>) -> Result<(), ApiError> {
        let memory = self.memory()?;
        let row = self.row(session).await?;
        let browsers = within(memory.store().browsers(row.id)).await?;
        let wanted = |token: &TokenHash| match which {
            Which::One(id) => browser_id(token) == id,
            Which::Others => token != current,
            Which::All => true,
        };
        let gone: Vec<TokenHash> = browsers.iter().map(|browser| browser.token).filter(wanted).collect();
        if gone.is_empty() && matches!(which, Which::One(_)) {
            return Err(ApiError::new(StatusCode::NOT_FOUND, "no_such_browser", "This browser is not signed in (any more).").at("browser"));
        }
        if !gone.is_empty() {
            within(memory.store().remove_browsers(row.id, &gone)).await?;
            self.audit(memory, Some(row.id), "sign_out", format!("{} browsers", gone.len())).await;
        }
        for token in &gone {
            self.sign_out(session, token);
        }
        // Also those that are in no list: the token of the guest that the user was.
        match which {
            Which::One(_) => {}
            Which::Others => self.drop_browsers(session, Some(current)),
            Which::All => self.drop_browsers(session, None),
        }
        Ok(())
    }

    /// Signs out the browser of this token. A guest's session is over with that, and a user's with the last browser.
    pub async fn logout(&self, session: &Session, token: &TokenHash) {
        if session.is_guest() {
            return self.end(session, false);
        }
        if let Some(memory) = &self.memory {
            if let Err(error) = within(memory.store().remove_browsers(session.id, &[*token])).await {
                log::warn!("a browser is signed out, and the database is told later: {}", error.message);
                memory.note_leaving(session.id, *token);
            }
            self.audit(memory, Some(session.id), "sign_out", String::new()).await;
        }
        self.sign_out(session, token);
    }

    /// Whether this is the token of the guest that a user was: it ends by itself.
    pub fn was_guest(&self, session: &Session, token: &TokenHash) -> bool {
        session.lock().keep.as_ref().is_some_and(|keep| keep.guest_tokens.iter().any(|(known, _)| known == token))
    }

    /// Deletes a user with everything.
    ///
    /// # Errors
    /// 401 `bad_credentials`, 503.
    pub async fn delete_user(&self, session: &Session, by: &By<'_>, password: &Secret) -> Result<(), ApiError> {
        let memory = self.memory()?;
        let (row, _) = self.confirmed(session, by, password, "password").await?;
        // Whoever comes back waits until it is done, and finds nobody.
        let _turn = memory.turn(row.id).await;
        let last = session.lock().keep.as_ref().map_or(0, |keep| keep.last());
        if !memory.journal.reached(last, DURABLE).await {
            // What is on its way would come after it.
            return Err(unavailable());
        }
        let last = session.lock().keep.take().map_or(0, |keep| keep.last());
        self.end(session, false);
        memory.journal.reached(last, DURABLE).await;
        memory.store().delete_user(row.id).await.map_err(|error| {
            log::warn!("user {} is not deleted: {error}", row.id);
            unavailable()
        })?;
        self.audit(memory, None, "delete", row.name.clone()).await;
        Ok(())
    }
}

/// The browser that asks.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// The hash of its token.
    pub token: &'a TokenHash,
    /// Where it is.
    pub from: &'a Origin,
}

/// Which browsers are to be signed out.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// The one of this id.
    One(&'a str),
    /// All but the one that asks.
    Others,
    /// All.
    All,
}

/// The id of a browser: tells nothing of its token.
fn browser_id(token: &TokenHash) -> String {
    token.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
