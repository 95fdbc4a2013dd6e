//! `/me` and what is below: what a user of the site may know and change of themself. Stores nothing itself (see `session::people`).

use super::login::{cookie, from, known};
use super::session::signed_in;
use super::{ApiError, answer, settle};
use crate::server::peer::Visitor;
use crate::session::{By, Hub, Which};
use crate::wire::{Confirmed, PasswordChange, RecoveryCode, SignOut};
use std::sync::Arc;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, StatusCode, header};
use warp::reply::Response;

/// Largest body.
const BODY_BYTES: usize = 8 << 10;

type Body = bytes::Bytes;

/// The routes below `/api/v1/me`.
pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    let hub = Arc::clone(hub);
    let with = move || {
        let hub = Arc::clone(&hub);
        warp::any().map(move || Arc::clone(&hub))
    };
    let get = || warp::get().and(with()).and(warp::header::headers_cloned());
    let post = || {
        warp::post()
            .and(with())
            .and(warp::ext::get::<Visitor>())
            .and(warp::header::headers_cloned())
            .and(warp::body::content_length_limit(BODY_BYTES as u64).and(warp::body::bytes()))
    };
    let me = warp::path!("me").and(get()).then(|hub: Arc<Hub>, headers: HeaderMap| async move {
        let me = async {
            let (session, token, _) = signed_in(&hub, &headers).await?;
            hub.admit(&session, 0)?;
            Ok(answer::json(StatusCode::OK, &hub.me(&session, &token).await?))
        };
        settle(me.await)
    });
    let password =
        warp::path!("me" / "password").and(post()).then(|hub: Arc<Hub>, visitor: Visitor, headers: HeaderMap, body: Body| async move {
            let change = async {
                let (session, hash, token) = signed_in(&hub, &headers).await?;
                hub.admit_secret(&session)?;
                let PasswordChange { old, new } = read(&headers, &body)?;
                let by = By { token: &hash, from: &from(&visitor, &headers) };
                let (code, marks) = hub.change_password(&session, &by, token, &old.0, &new.0).await?;
                let mut response = answer::json(StatusCode::OK, &RecoveryCode { recovery: code.show().to_string() });
                if let Some(marks) = marks {
                    response.headers_mut().append(header::SET_COOKIE, known(&visitor, &marks)?);
                }
                Ok(response)
            };
            settle(change.await)
        });
    let recovery =
        warp::path!("me" / "recovery").and(post()).then(|hub: Arc<Hub>, visitor: Visitor, headers: HeaderMap, body: Body| async move {
            let change = async {
                let (session, hash, _) = signed_in(&hub, &headers).await?;
                hub.admit_secret(&session)?;
                let Confirmed { password } = read(&headers, &body)?;
                let by = By { token: &hash, from: &from(&visitor, &headers) };
                let code = hub.change_recovery(&session, &by, &password.0).await?;
                Ok(answer::json(StatusCode::OK, &RecoveryCode { recovery: code.show().to_string() }))
            };
            settle(change.await)
        });
    let sign_out =
        warp::path!("me" / "sign-out").and(post()).then(|hub: Arc<Hub>, visitor: Visitor, headers: HeaderMap, body: Body| async move {
            let sign_out = async {
                let (session, token, _) = signed_in(&hub, &headers).await?;
                hub.admit(&session, 0)?;
                let which: SignOut = read(&headers, &body)?;
                let which = match (&which.browser, which.others, which.all) {
                    (Some(browser), false, false) => Which::One(browser),
                    (None, true, false) => Which::Others,
                    (None, false, true) => Which::All,
                    _ => return Err(ApiError::bad_request("bad_field", "Give one of `browser`, `others` and `all`.").at("browser")),
                };
                hub.sign_out_browsers(&session, &token, which).await?;
                let mut response = answer::nothing();
                if hub.holder(&token).is_none() {
                    response.headers_mut().append(header::SET_COOKIE, cookie(&visitor, None, false)?);
                }
                Ok(response)
            };
            settle(sign_out.await)
        });
    let delete =
        warp::path!("me" / "delete").and(post()).then(|hub: Arc<Hub>, visitor: Visitor, headers: HeaderMap, body: Body| async move {
            let delete = async {
                let (session, hash, _) = signed_in(&hub, &headers).await?;
                hub.admit_secret(&session)?;
                let Confirmed { password } = read(&headers, &body)?;
                let by = By { token: &hash, from: &from(&visitor, &headers) };
                hub.delete_user(&session, &by, &password.0).await?;
                let mut response = answer::nothing();
                response.headers_mut().append(header::SET_COOKIE, cookie(&visitor, None, false)?);
                Ok(response)
            };
            settle(delete.await)
        });
    me.or(password).unify().or(recovery).unify().or(sign_out).unify().or(delete).unify().boxed()
}

fn read<T: serde::de::DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, ApiError> {
    if !answer::is_json(headers) {
        return Err(answer::not_json());
    }
    answer::parse(body)
}
