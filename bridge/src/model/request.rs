//! Questions to the user, and what answers them; data only.

use crate::id::{AccountId, RequestId};
use crate::model::Value;
use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Button {
    /// To be given back in `request.answer`.
    pub id: String,
    /// Its text, without mnemonics.
    pub label: String,
    /// The one that Enter takes.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub default: bool,
}

/// One of several values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// To be given back.
    pub value: String,
    /// To be shown.
    pub label: String,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// A text.
    String,
    /// A whole number.
    Int,
    /// A check box.
    Bool,
    /// One of `choices`.
    Choice,
    /// Any of `choices`.
    List,
    /// Nothing to fill in: a text.
    Label,
    /// Nothing to fill in: a picture.
    Image,
    /// One of the user's own accounts.
    Account,
}

/// A field of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// To be given back.
    pub id: String,
    /// Its text, without mnemonics.
    pub label: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// What it starts with.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<Value>,
    /// For `choice`, `list`, `account`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub choices: Vec<Choice>,
    /// Must be filled in.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub required: bool,
    /// A password.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub masked: bool,
    /// More than one line.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub multiline: bool,
    /// For `image`: a media hash.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub image: Option<String>,
}

impl Field {
    /// A field without particulars.
    pub fn plain(id: String, label: String, kind: FieldType) -> Self {
        Self { id, label, kind, value: None, choices: Vec::new(), required: false, masked: false, multiline: false, image: None }
    }
}

/// What sort of question a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// One text.
    Input,
    /// One of several.
    Choice,
    /// One of several buttons.
    Action,
    /// A form.
    Fields,
    /// A file.
    File,
    /// Trust in a server's certificate.
    Certificate,
}

/// An untrusted certificate, for the person who has to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// The name that was to be proved (the account's domain).
    pub host: String,
    /// SHA-256 over the certificate, `AB:CD:…`.
    pub fingerprint: String,
    /// The names in it.
    pub names: Vec<String>,
    /// Distinguished name of the subject.
    pub subject: String,
    /// Distinguished name of the issuer.
    pub issuer: String,
    /// Valid from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_before: Option<Timestamp>,
    /// Valid to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_after: Option<Timestamp>,
    /// What is wrong with it: `self_signed`, `expired`, `not_yet_valid`, `wrong_host`, `unknown_issuer`, `changed`, `unsupported`.
    pub reason: String,
}

/// A question to the user. Answering uses it up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// The account it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<AccountId>,
    /// What sort.
    pub kind: RequestKind,
    /// Window title.
    pub title: String,
    /// The question.
    pub primary: String,
    /// More about it.
    pub secondary: String,
    /// The answers; the last one is the cancelling one where there is one.
    pub buttons: Vec<Button>,
    /// What to fill in.
    pub fields: Vec<Field>,
    /// For `certificate`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub details: Option<Certificate>,
}
