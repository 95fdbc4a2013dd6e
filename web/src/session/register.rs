//! Makes users of the site: of visitors, and of guests, who lose nothing by it. Deletes again whom it made and could not let in (see `owed`).

use super::memory::Memory;
use super::owed::Made;
use super::people::{Entered, Origin, check_name, check_password, hash_failed, random};
use super::until::{unavailable, within};
use super::{Hub, Session, TokenHash, token};
use crate::api::ApiError;
use crate::secret::DataKey;
use crate::store::{Invite, Limits, NewUser, StoreError};
use bridge::command::Secret;
use bridge::id::UserId;
use bridge::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use warp::http::StatusCode;

/// How long the token that a guest had is good for requests that are on their way with it.
const ON_THEIR_WAY_MS: u64 = 60_000;
/// How long a new user waits until everything is durable.
pub(super) const DURABLE: Duration = Duration::from_secs(5);

fn bad_invite() -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "bad_invite", "This invite is not valid, or no longer.").at("invite")
}

fn taken() -> ApiError {
    ApiError::new(StatusCode::CONFLICT, "name_taken", "This name is taken. Please choose another.").at("name")
}

impl Hub {
    /// Makes a user, by an invite if the site asks for one; a guest becomes that user.
    ///
    /// # Errors
    /// 400 `bad_field`, 403 `bad_invite`, 409 `name_taken`, 503.
    pub async fn register(
        self: &Arc<Self>,
        name: &str,
        password: &Secret,
        invite: Option<&str>,
        guest: Option<Arc<Session>>,
        from: &Origin,
    ) -> Result<Entered, ApiError> {
        let memory = self.memory()?;
        let folded = check_name(name)?;
        check_password(password, "password")?;
        let now = self.env().wall;
        let code = invite.map(|code| token::hash(code.trim()));
        if let Some(code) = &code
            && !within(memory.store().invite(code, now)).await?
        {
            return Err(bad_invite());
        }
        if within(memory.store().user_by_name(&folded)).await?.is_some() {
            return Err(taken());
        }
        let id = guest.as_ref().map_or_else(|| random().map(UserId), |guest| Ok(guest.id))?;
        let key = DataKey::create().map_err(|_| ApiError::unavailable())?;
        let (keys, recovery) = memory.hasher.make(id, password, &key, memory.site_key.as_ref()).await.map_err(hash_failed)?;
        let marks = from.marks.with(id, &keys);
        let user = NewUser { id, name: name.trim().to_owned(), folded, keys, created: now };
        // Comes to its end also when the browser has gone: a name that is taken and nobody's would stay so.
        let (hub, from) = (Arc::clone(self), from.clone());
        let made = tokio::spawn(async move { hub.make_user(&user, key, code, guest, &from).await });
        let entered = made.await.unwrap_or_else(|_| Err(ApiError::unavailable()))?;
        Ok(Entered { recovery: Some(recovery), marks, ..entered })
    }

    async fn make_user(
        self: &Arc<Self>,
        user: &NewUser,
        key: DataKey,
        code: Option<TokenHash>,
        guest: Option<Arc<Session>>,
        from: &Origin,
    ) -> Result<Entered, ApiError> {
        let memory = self.memory()?;
        let added = match &code {
            Some(code) => memory.store().add_invited_user(user, code, user.created).await,
            None => memory.store().add_user(user).await,
        };
        let made = Made { user: user.id, created: user.created, code };
        match added {
            Ok(()) => {}
            Err(StoreError::Taken) => return Err(taken()),
            Err(StoreError::Gone) => return Err(bad_invite()),
            Err(error) => {
                crate::pace::paced!(warn, "nobody can register: {error}");
                // The store may have made the user all the same.
                memory.owe_unmaking(made, Some(self.env().now));
                return Err(unavailable());
            }
        }
        let entered = match guest {
            Some(guest) => self.adopt(memory, guest, user, key, from).await,
            None => match within(memory.store().user(user.id)).await {
                Ok(Some(row)) => self.enter_user(memory, &row, key, from).await,
                Ok(None) => Err(unavailable()),
                Err(error) => Err(error),
            },
        };
        if entered.is_ok() {
            self.audit(memory, Some(user.id), "register", format!("{} from {} ({})", user.name, from.address, from.device)).await;
        } else {
            // Name and invite are free for the next try, now or as soon as the store answers.
            memory.owe_unmaking(made, None);
            memory.tell_unmade(self.env().now, true).await;
        }
        entered
    }

    /// The guest of a session becomes a user without losing anything.
    async fn adopt(
        &self,
        memory: &Memory,
        session: Arc<Session>,
        user: &NewUser,
        key: DataKey,
        from: &Origin,
    ) -> Result<Entered, ApiError> {
        let token = token::create().map_err(|_| ApiError::unavailable())?;
        let hash = token::hash(&token);
        self.add_browser(memory, user.id, &key, &token, from).await?;
        let _turn = memory.turn(user.id).await;
        let last = {
            let mut state = session.lock();
            if state.ended.is_some() || !session.is_guest() {
                return Err(ApiError::session_ended());
            }
            session.adopt(&user.name);
            self.networks().adopt(user.id);
            let mut keep = memory.keep(user.id, key, Limits::default());
            // The guest's own token stays good for requests that are on their way with it.
            let until = self.env().now + ON_THEIR_WAY_MS;
            keep.guest_tokens = state.tokens.iter().map(|token| (*token, until)).collect();
            state.keep = Some(keep);
            state.tokens.push(hash);
            state.write_everything(&self.env(), hash, session.user());
            self.remember_accounts(user.id, &mut state);
            state.deliver(&self.env());
            self.know_token(hash, &session);
            state.keep.as_ref().map_or(0, |keep| keep.last())
        };
        if !memory.journal.reached(last, DURABLE).await {
            log::warn!("a guest has become user {}, and what is theirs is not stored yet", user.id);
        }
        Ok(Entered { token, session, recovery: None, marks: None })
    }

    /// On a site without users: an invite for the first, good for a day.
    pub async fn first_invite(&self) -> Option<String> {
        const A_DAY: i64 = 86_400_000;
        let memory = self.memory.as_ref()?;
        if within(memory.store().count_users()).await.ok()? > 0 {
            return None;
        }
        let code = token::create().ok()?;
        let now = self.env().wall;
        let expires = Timestamp(now.0 + A_DAY);
        let invite = Invite { code: token::hash(&code), note: "the first user".to_owned(), created: now, expires, left: 1 };
        within(memory.store().add_invite(&invite)).await.ok()?;
        Some(code)
    }
}
