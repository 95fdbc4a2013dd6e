//! Writes everything of a user but secrets, page by page: as JSON, or as HTML to read, with the pictures in it. Holds one page and one picture at a
//! time.

use super::stored;
use super::until::within;
use super::{Hub, Session, sniff};
use crate::api::ApiError;
use crate::store::{AuditEntry, ConversationRow, Place, Store, Stored};
use crate::wire;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bridge::id::UserId;
use bridge::model::Protocol;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Messages of a page.
const PAGE: u32 = 500;
/// Bytes after which a part is handed over.
const A_PART: usize = 64 << 10;
/// Different pictures of an export; further ones are words.
const MOST_PICTURES: usize = 10_000;

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For programs.
    Json,
    /// For people.
    Html,
}

/// A part of a page.
enum Part {
    Text(String),
    /// A picture, and the words that stand for it.
    Picture(String, String),
}

/// An export that is being written.
pub struct Export {
    store: Arc<dyn Store>,
    user: UserId,
    form: Form,
    /// The beginning of the document, until it is written.
    head: Option<String>,
    conversations: std::vec::IntoIter<ConversationRow>,
    /// The conversation that is being written, and the number of its last message that is.
    current: Option<(ConversationRow, u64)>,
    /// No conversation is written yet.
    first: bool,
    /// A message of the current one is.
    begun: bool,
    /// Parts of the page that are not written yet.
    parts: VecDeque<Part>,
    /// Pictures that were looked for, by hash, and whether the document has them.
    pictures: HashMap<String, bool>,
    ended: bool,
    /// No other one of the user's begins before it is dropped.
    _turn: Arc<()>,
}

impl Hub {
    /// Begins an export of everything of a user but secrets.
    ///
    /// # Errors
    /// 403 `guests_have_no_account`, 429 `rate_limited` while another one is being written, 503 `store_unavailable`.
    pub async fn export(&self, session: &Session, form: Form) -> Result<Export, ApiError> {
        let memory = self.memory()?;
        self.row(session).await?;
        let (turn, last) = {
            let state = session.lock();
            let keep = state.keep.as_ref().ok_or_else(ApiError::session_ended)?;
            if Arc::strong_count(&keep.exporting) > 1 {
                // Each holds the list of all conversations, and asks the store for as long as it is read.
                return Err(ApiError::rate_limited(5000));
            }
            (Arc::clone(&keep.exporting), keep.last())
        };
        let entry = AuditEntry { at: self.env().wall, user: Some(session.id), act: "export".to_owned(), detail: String::new() };
        within(memory.store().audit(&[entry])).await?;
        memory.journal.reached(last, std::time::Duration::from_secs(1)).await;
        let stored = within(memory.store().load(session.id)).await?;
        let head = match form {
            Form::Json => json_head(&session.user(), &stored),
            Form::Html => html_head(&session.user(), &stored, &self.networks().catalogue().protocols),
        };
        Ok(Export {
            store: Arc::clone(memory.journal.store()),
            user: session.id,
            form,
            head: Some(head),
            conversations: stored.conversations.into_iter(),
            current: None,
            first: true,
            begun: false,
            parts: VecDeque::new(),
            pictures: HashMap::new(),
            ended: false,
            _turn: turn,
        })
    }
}

impl Export {
    /// The next part; `None` at the end, or when the store goes away: then the end is missing, and a reader of JSON sees that it is.
    pub async fn next(&mut self) -> Option<Bytes> {
        if let Some(head) = self.head.take() {
            return Some(head.into());
        }
        loop {
            let mut text = String::new();
            while text.len() < A_PART
                && let Some(part) = self.parts.pop_front()
            {
                match part {
                    Part::Text(more) => text.push_str(&more),
                    Part::Picture(hash, words) => text.push_str(&self.picture(hash, &words).await?),
                }
            }
            if !text.is_empty() {
                return Some(text.into());
            }
            if self.ended {
                return None;
            }
            let Some((row, after)) = self.current.take() else {
                let Some(row) = self.conversations.next() else {
                    self.ended = true;
                    return Some(Bytes::from_static(match self.form {
                        Form::Json => b"]}\n",
                        Form::Html => b"</main></body></html>\n",
                    }));
                };
                let opening = self.open(&row);
                self.current = Some((row, 0));
                return Some(opening.into());
            };
            let page = self.store.page(self.user, row.id, Place::After(after), PAGE).await.ok()?;
            let last = page.messages.last().map(|message| message.number);
            let messages: Vec<wire::Message> = page.messages.into_iter().filter(stored::is_there).map(stored::wire_message).collect();
            self.lines(&messages);
            match last {
                Some(last) if page.more_after => self.current = Some((row, last)),
                _ => self.parts.push_back(Part::Text(self.close().to_owned())),
            }
        }
    }

    fn open(&mut self, row: &ConversationRow) -> String {
        let comma = if std::mem::take(&mut self.first) { "" } else { "," };
        self.begun = false;
        match self.form {
            Form::Json => {
                let head = json!({ "account": row.account, "kind": row.kind, "name": row.name, "title": row.title, "open": row.open });
                let head = head.to_string();
                // Its messages come as the last member.
                format!("{comma}{},\"messages\":[", head.strip_suffix('}').unwrap_or(&head))
            }
            Form::Html => format!("<section><h2>{}</h2><p>{}</p>", escape(&row.title), escape(&row.name)),
        }
    }

    fn close(&self) -> &'static str {
        match self.form {
            Form::Json => "]}",
            Form::Html => "</section>",
        }
    }

    fn lines(&mut self, messages: &[wire::Message]) {
        let mut text = String::new();
        for message in messages {
            match self.form {
                Form::Json => {
                    if std::mem::replace(&mut self.begun, true) {
                        text.push(',');
                    }
                    text.push_str(&serde_json::to_string(message).unwrap_or_else(|_| "null".to_owned()));
                }
                Form::Html => {
                    let who = message.from.alias.as_ref().unwrap_or(&message.from.name);
                    text.push_str(&format!("<p><time>{}</time> <b>{}</b> ", message.time, escape(who)));
                    if message.spans.is_empty() {
                        text.push_str(&escape(&message.text));
                    }
                    for span in &message.spans {
                        match &span.image {
                            Some(hash) => {
                                self.parts.push_back(Part::Text(std::mem::take(&mut text)));
                                self.parts.push_back(Part::Picture(hash.clone(), span.text.clone()));
                            }
                            None => text.push_str(&escape(&span.text)),
                        }
                    }
                    text.push_str("</p>\n");
                }
            }
        }
        self.parts.push_back(Part::Text(text));
    }

    /// A picture where it is shown first, a link to it where it is shown again, and its words where it is not there. `None`: the store has gone.
    async fn picture(&mut self, hash: String, words: &str) -> Option<String> {
        let words = escape(words);
        match self.pictures.get(&hash) {
            Some(true) => return Some(format!("<a href=\"#{hash}\">{words}</a>")),
            Some(false) => return Some(words),
            None if self.pictures.len() >= MOST_PICTURES => return Some(words),
            None => {}
        }
        let bytes = self.store.blob(self.user, &hash).await.ok()?;
        let kind = bytes.as_deref().and_then(sniff);
        let text = match (bytes, kind) {
            (Some(bytes), Some(kind)) => {
                format!("<img id=\"{hash}\" alt=\"{words}\" src=\"data:{kind};base64,{}\">", STANDARD.encode(bytes))
            }
            _ => words,
        };
        self.pictures.insert(hash, kind.is_some());
        Some(text)
    }
}

/// An account's settings as they are stored: without secrets.
fn accounts(stored: &Stored) -> Vec<Value> {
    let account = |row: &crate::store::AccountRow| {
        let settings: Value = serde_json::from_str(&row.settings).unwrap_or_default();
        json!({ "id": row.account, "made": row.created, "settings": settings })
    };
    stored.accounts.iter().map(account).collect()
}

/// Bookmarks as they are stored, without what is sealed.
fn bare_bookmarks(value: &str) -> Value {
    let mut all: Vec<serde_json::Map<String, Value>> = serde_json::from_str(value).unwrap_or_default();
    all.iter_mut().for_each(|bookmark| _ = bookmark.remove("sealed"));
    json!(all)
}

fn json_head(user: &wire::User, stored: &Stored) -> String {
    let buddies: Vec<Value> = stored
        .buddies
        .iter()
        .map(|row| json!({ "account": row.account, "name": row.name, "group": row.group, "alias": row.alias }))
        .collect();
    let settings: serde_json::Map<String, Value> = stored
        .settings
        .iter()
        .filter(|(key, _)| !key.starts_with('.'))
        .map(|(key, value)| (key.clone(), serde_json::from_str(value).unwrap_or_default()))
        .collect();
    let bookmarks: serde_json::Map<String, Value> = stored
        .settings
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(crate::store::BOOKMARKS)?.to_owned(), bare_bookmarks(value))))
        .collect();
    let searches: Vec<Value> = stored
        .settings
        .iter()
        .filter(|(key, _)| key.starts_with(super::searches::SEARCHES))
        .filter_map(|(_, value)| serde_json::from_str(value).ok())
        .collect();
    let waiting: Vec<Value> = stored.outbox.iter().map(|row| json!({ "conversation": row.conversation, "html": row.text })).collect();
    let head =
        json!({ "user": user, "accounts": accounts(stored), "buddies": buddies, "settings": settings, "bookmarks": bookmarks, "searches": searches, "waiting": waiting }).to_string();
    format!("{},\"conversations\":[", head.strip_suffix('}').unwrap_or(&head))
}

fn html_head(user: &wire::User, stored: &Stored, protocols: &[Protocol]) -> String {
    let mut text = format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><title>{name}</title><style>body{{font:16px/1.5 sans-serif;max-width:50em;margin:2em \
         auto;padding:0 1em}}time{{color:#666;font-size:80%}}p{{margin:.2em 0;white-space:pre-wrap}}img{{max-width:100%;max-height:20em;vertical-align:top}}</style></head><body><h1>{name}</h1><main>",
        name = escape(&user.name)
    );
    text.push_str("<section><h2>Accounts</h2>");
    for row in &stored.accounts {
        let Some(settings) = super::restored::stored_settings(row) else { continue };
        let protocol = protocols.iter().find(|protocol| protocol.id == settings.protocol).map_or(&settings.protocol, |found| &found.name);
        text.push_str(&format!("<p>{}: {}</p>", escape(protocol), escape(&super::restored::joined(&settings.username))));
    }
    text.push_str("</section><section><h2>People</h2>");
    for row in &stored.buddies {
        text.push_str(&format!("<p>{} {} ({})</p>", escape(&row.name), escape(&row.alias), escape(&row.group)));
    }
    text.push_str("</section>");
    text
}

/// A text as HTML that says it and nothing else.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
