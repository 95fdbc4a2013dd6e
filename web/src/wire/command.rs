//! The commands a browser sends, and how a JSON object becomes one with the field at fault named; carries nothing out.

use super::command_fields::*;
use super::{ErrorBody, command_fields};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Longest path of a field in an error, in characters.
const PATH: usize = 200;

/// Longest id of a client or a command, in bytes.
pub(crate) const ID_BYTES: usize = 64;

/// What each command has besides its own fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandHead {
    /// Unique per client: 1 to 64 bytes.
    pub id: String,
    /// Its sort.
    #[serde(rename = "type")]
    pub kind: String,
}

macro_rules! commands {
    ($($name:literal $variant:ident($fields:ident);)*) => {
        /// A command, by its `type`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "type")]
        #[allow(missing_docs)] // the names are the wire's own; the fields carry the words
        pub enum Command {
            $(#[serde(rename = $name)] $variant(command_fields::$fields),)*
        }

        impl Command {
            /// Every `type` there is.
            pub const TYPES: &'static [&'static str] = &[$($name),*];

            /// Makes a command of its `type` and the object it came in.
            ///
            /// # Errors
            /// `no_such_command`, `missing_field` and `bad_field`, the latter two with the field's path.
            pub fn parse(kind: &str, object: Map<String, Value>) -> Result<Self, ErrorBody> {
                match kind {
                    $($name => fields::<$fields>(object).map(Self::$variant),)*
                    _ => Err(error("no_such_command", format!("There is no command `{}`.", shorten(kind)), Some("type".to_owned()))),
                }
            }
        }
    };
}

commands! {
    "account.add" AccountAdd(AccountAdd);
    "account.update" AccountUpdate(AccountUpdate);
    "account.remove" AccountRemove(OfAccount);
    "account.enable" AccountEnable(OfAccount);
    "account.disable" AccountDisable(OfAccount);
    "account.connect" AccountConnect(OfAccount);
    "account.alias" AccountAlias(AccountAlias);
    "account.password" AccountPassword(AccountPassword);
    "account.icon" AccountIcon(AccountIcon);
    "account.register" AccountRegister(OfAccount);
    "account.menu" AccountMenu(OfAccount);
    "account.action" AccountAction(AccountAction);
    "status.set" StatusSet(StatusSet);
    "client.state" ClientState(ClientState);
    "buddy.add" BuddyAdd(BuddyAdd);
    "buddy.remove" BuddyRemove(OfBuddy);
    "buddy.alias" BuddyAlias(BuddyAlias);
    "buddy.move" BuddyMove(BuddyMove);
    "buddy.info" BuddyInfo(OfPerson);
    "buddy.menu" BuddyMenu(OfBuddy);
    "buddy.action" BuddyAction(BuddyAction);
    "buddy.block" BuddyBlock(OfPerson);
    "buddy.unblock" BuddyUnblock(OfPerson);
    "buddy.merge" BuddyMerge(Unsupported);
    "buddy.split" BuddySplit(Unsupported);
    "group.rename" GroupRename(GroupRename);
    "group.remove" GroupRemove(GroupRemove);
    "group.order" GroupOrder(GroupOrder);
    "group.collapse" GroupCollapse(GroupCollapse);
    "privacy.set" PrivacySet(PrivacySet);
    "pounce.add" PounceAdd(Unsupported);
    "pounce.remove" PounceRemove(Unsupported);
    "bookmark.add" BookmarkAdd(BookmarkAdd);
    "bookmark.update" BookmarkUpdate(BookmarkUpdate);
    "bookmark.remove" BookmarkRemove(OfBookmark);
    "conversation.open" ConversationOpen(ConversationOpen);
    "conversation.close" ConversationClose(OfConversation);
    "conversation.read" ConversationRead(ConversationRead);
    "message.send" MessageSend(MessageSend);
    "message.cancel" MessageCancel(OfMessage);
    "message.resend" MessageResend(OfMessage);
    "history.set" HistorySet(HistorySet);
    "history.delete" HistoryDelete(HistoryDelete);
    "typing.set" TypingSet(TypingSet);
    "attention.send" AttentionSend(OfConversation);
    "room.join" RoomJoin(RoomJoin);
    "room.leave" RoomLeave(OfConversation);
    "room.invite" RoomInvite(RoomInvite);
    "room.member" RoomMember(RoomMember);
    "room.topic" RoomTopic(RoomTopic);
    "room.nick" RoomNick(RoomNick);
    "room.menu" RoomMenu(RoomMenu);
    "room.action" RoomAction(RoomAction);
    "room.list" RoomList(OfAccount);
    "room.list_stop" RoomListStop(RoomListStop);
    "transfer.send" TransferSend(TransferSend);
    "transfer.accept" TransferAccept(OfTransfer);
    "transfer.cancel" TransferCancel(OfTransfer);
    "request.answer" RequestAnswer(RequestAnswer);
    "authorization.answer" AuthorizationAnswer(AuthorizationAnswer);
    "notice.close" NoticeClose(NoticeClose);
    "notice.action" NoticeAction(NoticeAction);
    "search.open" SearchOpen(SearchOpen);
    "search.close" SearchClose(OfSearch);
    "search.save" SearchSave(SearchSave);
    "search.seen" SearchSeen(OfSearch);
    "search.remove" SearchRemove(OfSearch);
    "settings.set" SettingsSet(SettingsSet);
}

fn error(code: &str, message: String, field: Option<String>) -> ErrorBody {
    ErrorBody { code: code.to_owned(), message, field, retry_ms: None }
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Reads a type from JSON and says which field is at fault when it does not fit.
///
/// # Errors
/// `missing_field` or `bad_field`.
pub(crate) fn fields<T: DeserializeOwned>(object: Map<String, Value>) -> Result<T, ErrorBody> {
    serde_path_to_error::deserialize(Value::Object(object)).map_err(|failure| {
        let path: String = failure.path().to_string().chars().take(PATH).collect();
        let inner = failure.inner().to_string();
        let missing = inner.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()).map(str::to_owned);
        match missing {
            Some(name) => {
                let field = if path == "." { name } else { format!("{path}.{name}") };
                error("missing_field", format!("The field `{field}` is missing."), Some(field))
            }
            None => {
                let field = (path != ".").then_some(path);
                error("bad_field", format!("A field does not fit: {}.", inner.chars().take(200).collect::<String>()), field)
            }
        }
    })
}
