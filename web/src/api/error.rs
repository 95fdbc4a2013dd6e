//! What an endpoint answers when it does not do as asked: the one place where errors become HTTP.

use crate::wire::ErrorBody;
use std::borrow::Cow;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

/// An error with its HTTP status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// 4xx or 5xx.
    pub status: StatusCode,
    /// snake_case, for programs.
    pub code: Cow<'static, str>,
    /// A sentence, for the person.
    pub message: String,
    /// The field at fault.
    pub field: Option<String>,
    /// When to try again, in milliseconds from now.
    pub retry_ms: Option<u64>,
}

impl ApiError {
    /// An error without particulars.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code: Cow::Borrowed(code), message: message.into(), field: None, retry_ms: None }
    }

    /// The wire's error with a status.
    pub fn with_status(status: StatusCode, body: ErrorBody) -> Self {
        Self { status, code: Cow::Owned(body.code), message: body.message, field: body.field, retry_ms: body.retry_ms }
    }

    /// 400 with a code of its own.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 401 `not_signed_in`.
    pub fn not_signed_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not_signed_in", "Please sign in.")
    }

    /// 401 `session_ended`.
    pub fn session_ended() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "session_ended", "Your session has ended. Please sign in again.")
    }

    /// 404 `not_found`.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here.")
    }

    /// 429 `rate_limited`.
    pub fn rate_limited(retry_ms: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too much at once. Please wait a moment.").retry_in(retry_ms)
    }

    /// 503 `busy`: the network side takes no more right now.
    pub fn busy(retry_ms: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "The server is busy. Please try again in a moment.").retry_in(retry_ms)
    }

    /// 503 `unavailable`: the network side is gone.
    pub fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The connection to the networks is down. Please try again later.")
    }

    /// The same, blamed on a field.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same, with a time to try again.
    #[must_use]
    pub fn retry_in(mut self, ms: u64) -> Self {
        self.retry_ms = Some(ms);
        self
    }

    /// The error as the wire has it.
    pub fn body(&self) -> ErrorBody {
        ErrorBody { code: self.code.to_string(), message: self.message.clone(), field: self.field.clone(), retry_ms: self.retry_ms }
    }

    /// The error as an answer: `{"error":{…}}`, never cached, with `Retry-After` where there is a time.
    pub fn response(&self) -> Response {
        let mut response = super::answer::json(self.status, &serde_json::json!({ "error": self.body() }));
        if let Some(ms) = self.retry_ms {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1000)));
        }
        response
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for ApiError {}
