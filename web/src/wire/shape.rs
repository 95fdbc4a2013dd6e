//! The things a browser shows: as in `bridge::model`, plus what only the hub knows (unread counts, kept messages, spans); data only.

use bridge::id::{AccountId, ConversationId, ConversationKind, NoticeId, PictureId};
use bridge::model::{Account, Author, Authorization, Buddy, Button, Member, NoticeKind, ProfileKind, Request, Status, Transfer};
use bridge::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

fn no(value: &bool) -> bool {
    !*value
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Opaque.
    pub id: bridge::id::UserId,
    /// To be shown.
    pub name: String,
    /// Signed in straight with an IM account: ends with the session.
    pub guest: bool,
}

/// A run of text in one style. A message body is a list of these; its text is their concatenation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// The characters; newlines are line breaks.
    pub text: String,
    /// Bold.
    #[serde(default, skip_serializing_if = "no")]
    pub bold: bool,
    /// Italic.
    #[serde(default, skip_serializing_if = "no")]
    pub italic: bool,
    /// Underlined.
    #[serde(default, skip_serializing_if = "no")]
    pub underline: bool,
    /// Struck through.
    #[serde(default, skip_serializing_if = "no")]
    pub strike: bool,
    /// Fixed width.
    #[serde(default, skip_serializing_if = "no")]
    pub code: bool,
    /// Quoted.
    #[serde(default, skip_serializing_if = "no")]
    pub quote: bool,
    /// `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// An address with a harmless scheme (see `body::links`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// A media hash; the text is what to show in its stead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// A picture that is to come; not on the wire. The text is shown until then.
    #[serde(skip)]
    pub awaited: Option<PictureId>,
}

/// What became of a message of the user's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// On its way, or waiting in the outbox for its account to be online.
    Pending,
    /// Handed to the network, or reflected by the room.
    Sent,
    /// A device of the other one's says that it has it (XMPP, XEP-0184).
    Delivered,
    /// Not delivered.
    Failed,
    /// Nobody knows: the daemon lost the network side, or went down itself, while it was on its way.
    Unknown,
}

/// A line of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Unique in its conversation; ids sort (as text) by time of arrival.
    pub id: String,
    /// Who wrote it.
    pub from: Author,
    /// When it was written, by the network's word.
    pub time: Timestamp,
    /// The concatenation of the spans' texts.
    pub text: String,
    /// The body.
    #[serde(default, skip_serializing_if = "is_plain")]
    pub spans: Vec<Span>,
    /// Delivered later than written.
    #[serde(default, skip_serializing_if = "no")]
    pub delayed: bool,
    /// The user's nick is in it.
    #[serde(default, skip_serializing_if = "no")]
    pub highlight: bool,
    /// Sent by a machine on someone's behalf.
    #[serde(default, skip_serializing_if = "no")]
    pub auto_reply: bool,
    /// The user's own, from another device.
    #[serde(default, skip_serializing_if = "no")]
    pub remote: bool,
    /// A line of the network's or libpurple's, not of a person.
    #[serde(default, skip_serializing_if = "no")]
    pub system: bool,
    /// Such a line that says the room's topic, or who set it.
    #[serde(default, skip_serializing_if = "no")]
    pub topic: bool,
    /// For the user's own messages and for failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<MessageState>,
    /// The time at which the author put this text in the place of an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// The reason for which the message was not delivered, in plain words, where that was told later than `message.sent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The text says it all.
fn is_plain(spans: &[Span]) -> bool {
    match spans {
        [] => true,
        [only] => only.is_plain(),
        _ => false,
    }
}

impl Span {
    /// Shows a picture, now or later.
    pub(crate) fn is_picture(&self) -> bool {
        self.image.is_some() || self.awaited.is_some()
    }

    /// Has no form of its own.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self { text: self.text.clone(), ..Self::default() }
    }
}

impl Message {
    /// Whether the text says it all.
    pub(crate) fn is_plain(&self) -> bool {
        is_plain(&self.spans)
    }
}

/// Why messages may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapWhy {
    /// The account was signed off.
    Offline,
    /// The daemon was down.
    Restart,
    /// Nothing could be stored.
    Store,
    /// The network side ended and was started anew.
    Worker,
}

/// A time in which messages of a conversation may have been missed, or were not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// Id of the last message before it; null at the beginning.
    #[serde(default)]
    pub after: Option<String>,
    /// Id of the first message after it; null when there is none yet.
    #[serde(default)]
    pub before: Option<String>,
    /// When it began.
    pub from: Timestamp,
    /// When it ended; null while it goes on.
    #[serde(default)]
    pub to: Option<Timestamp>,
    /// The cause.
    pub why: GapWhy,
}

/// A group of the buddy list. Groups are one list over all accounts, named by the networks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Its name, which is its id.
    pub name: String,
    /// Lower comes first; equal ones sort by name.
    pub order: i64,
    /// Folded up.
    pub collapsed: bool,
}

/// A conversation. `messages` and `members` are absent where they did not change (`conversation.updated`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// The account of the conversation.
    pub account: AccountId,
    /// With one or many.
    pub kind: ConversationKind,
    /// The network's name.
    pub name: String,
    /// The name to show.
    pub title: String,
    /// For an IM with a buddy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buddy: Option<bridge::id::BuddyId>,
    /// Messages received since `read_upto`.
    pub unread: u32,
    /// Of these, those that name the user.
    pub mentions: u32,
    /// Id of the last message that the user has seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_upto: Option<String>,
    /// Rooms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Rooms: everyone, the user included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<Member>>,
    /// Rooms: in it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<bool>,
    /// Rooms: the user's nick there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nick: Option<String>,
    /// The last ones, newest last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<Message>>,
    /// Whether its messages are stored; absent: as the user's setting `history` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<bool>,
    /// Days after which its messages are deleted, 0 for never; absent: as the user's setting `history` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// IMs: blocked by this user.
    #[serde(default, skip_serializing_if = "no")]
    pub blocked: bool,
    /// Gaps among and after `messages`, oldest first; absent where there are none, and in `conversation.updated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaps: Option<Vec<Gap>>,
    /// Messages before those that the daemon holds in memory were let go of: only the history may have them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dropped: bool,
}

/// A room to come back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bookmark {
    /// Unique among the user's bookmarks; set by the daemon.
    pub id: String,
    /// The account that joins the room.
    pub account: AccountId,
    /// Name in the list; set by the user, else as `bookmark.add` says.
    pub name: String,
    /// The form that joins the room, without masked fields (`room_fields`): `room.join` with `bookmark` knows those, too.
    pub fields: std::collections::BTreeMap<String, String>,
    /// Whether the room is joined at each sign-on.
    #[serde(default)]
    pub autojoin: bool,
    /// The conversation of the room, once known; open or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
}

/// A message that a search found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hit {
    /// The whole.
    pub message: Message,
    /// The conversation of the message, which need not be open.
    pub conversation: ConversationId,
    /// The account of the conversation.
    pub account: AccountId,
    /// The kind of the conversation.
    pub kind: ConversationKind,
    /// The network's name of the conversation.
    pub name: String,
    /// The name of the conversation to show.
    pub title: String,
    /// The places of the words in `message.text`: `[from, to]`, in order, counted in UTF-16 units as JavaScript's strings are.
    pub ranges: Vec<(usize, usize)>,
}

/// A search that is kept with the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SavedSearch {
    /// Unique among the user's searches; set by the daemon.
    pub id: String,
    /// Name in the list.
    pub name: String,
    /// The query.
    #[serde(flatten)]
    pub search: super::SearchOpen,
    /// Hits by others since `search.seen`.
    pub new: u32,
    /// Id of the newest message when the search was saved or seen last: hits with greater ids are the new ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
}

/// Something told to the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// The account it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// What sort.
    pub kind: NoticeKind,
    /// Plain text.
    pub title: String,
    /// What it says.
    pub body: Vec<Span>,
    /// For `search`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// For `search`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Vec<String>>,
    /// For `search`: what can be done with a row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// For `uri` and `mail`; its scheme is a harmless one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// For `search`: there were more rows than are kept.
    #[serde(default, skip_serializing_if = "no")]
    pub cut: bool,
    /// For `userinfo`; `body` has the same as one text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
}

/// A profile, as its network tells it. Everything in it may be made up by the person whom it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    /// The person whom the profile is about, by the network's name.
    pub name: String,
    /// The entries, in the network's order.
    pub entries: Vec<ProfileEntry>,
    /// A picture among them: a media hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// There were more entries than are kept.
    #[serde(default, skip_serializing_if = "no")]
    pub cut: bool,
}

/// An entry of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProfileEntry {
    /// Pair, heading, or break between parts.
    pub kind: ProfileKind,
    /// Label of a pair, or a heading; plain text, may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// Value of a pair; may be empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub value: Vec<Span>,
}

/// The whole state of a user as of a sequence number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// IM accounts.
    pub accounts: Vec<Account>,
    /// Groups that have buddies.
    pub groups: Vec<Group>,
    /// Buddies of all accounts.
    pub buddies: Vec<Buddy>,
    /// Open conversations.
    pub conversations: Vec<Conversation>,
    /// Open questions.
    pub requests: Vec<Request>,
    /// Open authorizations.
    pub authorizations: Vec<Authorization>,
    /// Open notices.
    pub notices: Vec<Notice>,
    /// Transfers that are not over.
    pub transfers: Vec<Transfer>,
    /// Rooms to come back to.
    pub bookmarks: Vec<Bookmark>,
    /// Searches that are kept, in the order of their making.
    #[serde(default)]
    pub searches: Vec<SavedSearch>,
    /// What the user shows.
    pub status: Status,
    /// What `settings.set` kept.
    pub settings: Map<String, Value>,
    /// Messages are being stored; false for guests.
    #[serde(default)]
    pub kept: bool,
}
