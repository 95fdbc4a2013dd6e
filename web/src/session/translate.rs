//! From a browser's command to the bridge's: ids are looked up among the user's own things, so that those of others do not exist; sends nothing.

use super::SessionConfig;
use super::local::Local;
use super::perform::{add_account, error};
use super::state::State;
use super::transfers::FileUpload;
use crate::body;
use crate::wire::{Command, ErrorBody, MessageSend, OfMessage, OfPerson, RoomJoin};
use bridge::command::CommandKind;
use bridge::command::slash::{self, Typed};
use bridge::handle::Catalogue;
use bridge::id::{AccountId, BuddyId, ConversationId, TransferId};
use bridge::model::{Account, Buddy, ConversationKind, IconSpec, Status};
use bridge::text::prose;

/// Where a command goes.
pub(crate) enum Act {
    Bridge(CommandKind),
    /// The same, which sends a file.
    File(CommandKind, FileUpload),
    Local(Local),
}

pub(super) fn at(code: &str, field: &str, message: impl Into<String>) -> ErrorBody {
    ErrorBody { field: Some(field.to_owned()), ..error(code, message) }
}

pub(super) fn unknown(what: &str) -> ErrorBody {
    at(&format!("no_such_{what}"), what, format!("There is no such {what} (any more)."))
}

fn filled<'a>(text: &'a str, field: &str) -> Result<&'a str, ErrorBody> {
    if text.trim().is_empty() { Err(at("missing_field", field, "Please fill this in.")) } else { Ok(text) }
}

impl State {
    fn known_account(&self, id: AccountId) -> Result<&Account, ErrorBody> {
        self.accounts.iter().find(|account| account.id == id).ok_or_else(|| unknown("account"))
    }

    fn known_buddy(&self, id: BuddyId) -> Result<&Buddy, ErrorBody> {
        self.buddies.get(&id).map(|buddy| &**buddy).ok_or_else(|| unknown("buddy"))
    }

    fn known_conversation(&self, id: ConversationId) -> Result<ConversationId, ErrorBody> {
        self.conversations.get(&id).filter(|conv| conv.open).map(|_| id).ok_or_else(|| unknown("conversation"))
    }

    fn known_room(&self, id: ConversationId) -> Result<ConversationId, ErrorBody> {
        let conv = self.conversations.get(&id).filter(|conv| conv.open).ok_or_else(|| unknown("conversation"))?;
        if conv.base.kind == ConversationKind::Room { Ok(id) } else { Err(at("not_a_room", "conversation", "This is not a room.")) }
    }

    fn known_transfer(&self, id: TransferId) -> Result<TransferId, ErrorBody> {
        self.transfers.iter().find(|transfer| transfer.id == id).map(|_| id).ok_or_else(|| unknown("transfer"))
    }

    fn known_group(&self, name: &str) -> Result<(), ErrorBody> {
        let known = self.groups.iter().any(|group| *group.name == *name && group.buddies > 0);
        if known { Ok(()) } else { Err(unknown("group")) }
    }

    fn person(&self, of: OfPerson) -> Result<(AccountId, String), ErrorBody> {
        match of {
            OfPerson { buddy: Some(buddy), .. } => self.known_buddy(buddy).map(|buddy| (buddy.account, buddy.name.clone())),
            OfPerson { account: Some(account), name: Some(name), .. } => {
                self.known_account(account)?;
                filled(&name, "name")?;
                Ok((account, name))
            }
            OfPerson { account: None, .. } => Err(at("missing_field", "buddy", "Give either `buddy`, or `account` and `name`.")),
            OfPerson { name: None, .. } => Err(at("missing_field", "name", "Please give a name.")),
        }
    }

    /// Only what is open already may be opened; the bridge knows which names mean that.
    pub(super) fn conversations_full(&self, config: &SessionConfig) -> bool {
        let most = config.conversations_per_user;
        most > 0 && self.conversations.values().filter(|conv| conv.open).count() >= most
    }

    /// What a command comes to.
    pub(crate) fn translate(
        &mut self,
        config: &SessionConfig,
        catalogue: &Catalogue,
        client: &str,
        command: Command,
    ) -> Result<Act, ErrorBody> {
        use Command as C;
        use CommandKind as K;
        let account = |id: AccountId| self.known_account(id).map(|account| account.id);
        let kind = match command {
            C::AccountAdd(add) => {
                let own = self.keep.as_ref().and_then(|keep| keep.limits.accounts);
                let most = own.map_or(config.accounts_per_user, |most| most as usize);
                if most > 0 && self.accounts.len() + self.adding.len() >= most {
                    return Err(error("limit", format!("At most {most} accounts are allowed (limits.accounts_per_user).")));
                }
                let passing = add.remember == Some(false);
                let kind = add_account(catalogue, &self.status, add)?;
                if let (true, CommandKind::AddAccount { account, .. }, Some(keep)) = (passing, &kind, &mut self.keep) {
                    keep.passing.insert(*account);
                }
                kind
            }
            C::AccountUpdate(update) => {
                let known = self.known_account(update.account)?;
                let protocol = super::account::protocol(catalogue, &known.protocol)?;
                let options = super::account::changed_options(protocol, update.options)?;
                super::account::one_line(update.password.as_ref())?;
                K::UpdateAccount {
                    account: update.account,
                    username: super::account::username(protocol, update.username, update.splits)?.map(|(username, _)| username),
                    password: update.password.map(|password| password.0),
                    options,
                }
            }
            C::AccountRemove(of) => K::RemoveAccount(account(of.account)?),
            C::AccountEnable(of) => K::EnableAccount(account(of.account)?),
            C::AccountDisable(of) => K::DisableAccount(account(of.account)?),
            C::AccountConnect(of) => K::ConnectAccount(account(of.account)?),
            C::AccountAlias(alias) => K::SetAccountAlias { account: account(alias.account)?, alias: alias.alias },
            C::AccountPassword(change) => {
                filled(change.new.0.expose(), "new")?;
                K::ChangePassword { account: account(change.account)?, old: change.old.0, new: change.new.0 }
            }
            C::AccountIcon(icon) => {
                let known = self.known_account(icon.account)?;
                let spec = super::account::protocol(catalogue, &known.protocol).ok().and_then(|protocol| protocol.icon_spec.as_ref());
                K::SetAccountIcon { account: known.id, image: self.icon(config, spec, icon.upload.as_deref())? }
            }
            C::AccountRegister(of) => K::RegisterAccount(account(of.account)?),
            C::AccountMenu(of) => K::ShowAccountMenu(account(of.account)?),
            C::AccountAction(run) => K::RunAccountAction { account: account(run.account)?, action: run.action },
            C::StatusSet(mut set) => {
                // Each account once: a network is told for each that stands here.
                if let Some(accounts) = &mut set.accounts {
                    accounts.sort_unstable();
                    accounts.dedup();
                }
                for id in set.accounts.iter().flatten() {
                    account(*id).map_err(|error| ErrorBody { field: Some("accounts".to_owned()), ..error })?;
                }
                let message = set.message.map(|message| prose(&message).into_owned()).filter(|message| !message.is_empty());
                let status = Status { status: set.status, message };
                K::SetStatus { status, attributes: set.attributes, accounts: set.accounts }
            }
            C::BuddyAdd(add) => {
                let most = config.buddies_per_user;
                if most > 0 && self.buddies.len() >= most {
                    return Err(error("limit", format!("At most {most} buddies may be added (limits.buddies_per_user).")));
                }
                K::AddBuddy {
                    account: account(add.account)?,
                    name: filled(&add.name, "name")?.trim().to_owned(),
                    group: add.group.filter(|group| !group.trim().is_empty()),
                    alias: add.alias.unwrap_or_default(),
                    message: add.message.unwrap_or_default(),
                }
            }
            C::BuddyRemove(of) => K::RemoveBuddy(self.known_buddy(of.buddy)?.id),
            C::BuddyAlias(alias) => K::SetBuddyAlias { buddy: self.known_buddy(alias.buddy)?.id, alias: alias.alias },
            C::BuddyMove(to) => K::MoveBuddy { buddy: self.known_buddy(to.buddy)?.id, group: filled(&to.group, "group")?.to_owned() },
            C::BuddyInfo(of) => self.person(of).map(|(account, name)| K::ShowBuddyInfo { account, name })?,
            C::BuddyMenu(of) => K::ShowBuddyMenu(self.known_buddy(of.buddy)?.id),
            C::BuddyAction(run) => K::RunBuddyAction { buddy: self.known_buddy(run.buddy)?.id, action: run.action },
            C::BuddyBlock(of) => self.person(of).map(|(account, name)| K::Block { account, name, block: true })?,
            C::BuddyUnblock(of) => self.person(of).map(|(account, name)| K::Block { account, name, block: false })?,
            C::GroupRename(rename) => {
                self.known_group(&rename.group)?;
                K::RenameGroup { from: rename.group, to: filled(&rename.name, "name")?.to_owned() }
            }
            C::GroupRemove(of) => {
                self.known_group(&of.group)?;
                K::RemoveGroup { name: of.group }
            }
            C::PrivacySet(set) => {
                const MODES: [&str; 5] = ["allow_all", "deny_all", "allow_users", "deny_users", "allow_buddies"];
                if !MODES.contains(&set.mode.as_str()) {
                    return Err(at("bad_field", "mode", format!("The mode is one of {}.", MODES.join(", "))));
                }
                K::SetPrivacy { account: account(set.account)?, mode: set.mode, list: set.list }
            }
            C::ConversationOpen(open) => K::OpenConversation {
                account: account(open.account)?,
                name: filled(&open.name, "name")?.trim().to_owned(),
                only_open: self.conversations_full(config),
            },
            C::ConversationClose(of) => K::CloseConversation(self.known_conversation(of.conversation)?),
            C::MessageSend(send) => self.message(config, send)?,
            C::TypingSet(set) => K::SetTyping { conversation: self.known_conversation(set.conversation)?, state: set.state },
            C::AttentionSend(of) => K::SendAttention(self.known_conversation(of.conversation)?),
            C::RoomJoin(RoomJoin { bookmark: Some(bookmark), .. }) => {
                let known = self.bookmarks.iter().find(|known| known.id == bookmark).ok_or_else(|| unknown("bookmark"))?;
                K::JoinRoom { account: known.account, fields: known.form(), only_open: self.conversations_full(config) }
            }
            C::RoomJoin(join) => {
                let id =
                    join.account.ok_or_else(|| at("missing_field", "account", "Give either `account` and `fields`, or `bookmark`."))?;
                let known = self.known_account(id)?;
                if let Ok(protocol) = super::account::protocol(catalogue, &known.protocol) {
                    // The first one names the room; for the others the protocol may have defaults that only the network side knows.
                    if let Some(field) = protocol.room_fields.iter().find(|field| field.required) {
                        let given = join.fields.get(&field.key).is_some_and(|value| !value.trim().is_empty());
                        if !given && field.default.is_empty() {
                            let field_path = format!("fields.{}", field.key);
                            return Err(at("missing_field", &field_path, format!("Please fill in: {}.", field.label)));
                        }
                    }
                }
                K::JoinRoom { account: id, fields: join.fields, only_open: self.conversations_full(config) }
            }
            C::RoomLeave(of) => K::LeaveRoom(self.known_room(of.conversation)?),
            C::RoomInvite(invite) => K::InviteToRoom {
                conversation: self.known_room(invite.conversation)?,
                name: filled(&invite.name, "name")?.trim().to_owned(),
                message: invite.message.unwrap_or_default(),
            },
            C::RoomMember(of) => {
                K::ResolveMember { conversation: self.known_room(of.conversation)?, nick: filled(&of.member, "member")?.to_owned() }
            }
            C::RoomTopic(set) => K::SetTopic { conversation: self.known_room(set.conversation)?, topic: set.topic },
            C::RoomNick(set) => {
                K::SetNick { conversation: self.known_room(set.conversation)?, nick: filled(&set.nick, "nick")?.trim().to_owned() }
            }
            C::RoomMenu(of) => K::ShowRoomMenu { conversation: self.known_room(of.conversation)?, name: of.name },
            C::RoomAction(run) => K::RunRoomAction {
                conversation: self.known_room(run.conversation)?,
                name: run.name,
                action: run.action,
                reason: run.reason.map(|reason| prose(&reason).trim().to_owned()).unwrap_or_default(),
            },
            C::BookmarkAdd(add) => return Ok(Act::Local(Local::AddBookmark(add))),
            C::BookmarkUpdate(update) => return Ok(Act::Local(Local::UpdateBookmark(update))),
            C::BookmarkRemove(of) => return Ok(Act::Local(Local::RemoveBookmark(of.bookmark))),
            C::RoomList(of) => K::ListRooms(account(of.account)?),
            C::RoomListStop(stop) => K::StopRoomList(stop.list),
            C::TransferSend(send) => {
                let conversation = self.known_conversation(send.conversation)?;
                let file = self.moving.upload(&send.upload).cloned().ok_or_else(|| unknown("upload"))?;
                let kind = K::SendFile { conversation, name: file.name.to_string(), size: file.staged.size() };
                return Ok(Act::File(kind, file));
            }
            C::TransferAccept(of) => K::AcceptTransfer(self.known_transfer(of.transfer)?),
            C::TransferCancel(of) => K::CancelTransfer(self.known_transfer(of.transfer)?),
            C::RequestAnswer(answer) => {
                let request = self.requests.iter().find(|request| request.id == answer.request).ok_or_else(|| unknown("request"))?;
                if !request.buttons.iter().any(|button| button.id == answer.button) {
                    return Err(unknown("button"));
                }
                if let Some(key) = answer.values.keys().find(|key| !request.fields.iter().any(|field| field.id == **key)) {
                    return Err(at("bad_field", &format!("values.{key}"), "The question has no such field."));
                }
                K::AnswerRequest { request: answer.request, button: answer.button, values: answer.values }
            }
            C::AuthorizationAnswer(answer) => {
                let known = self.authorizations.iter().any(|authorization| authorization.id == answer.authorization);
                if !known {
                    return Err(unknown("authorization"));
                }
                K::AnswerAuthorization { authorization: answer.authorization, allow: answer.allow, add: answer.add }
            }
            C::NoticeClose(of) => {
                self.notices.iter().find(|notice| notice.id == of.notice).ok_or_else(|| unknown("notice"))?;
                if super::questions::is_own(of.notice) {
                    return Ok(Act::Local(Local::OwnNotice(of.notice)));
                }
                K::CloseNotice(of.notice)
            }
            C::NoticeAction(run) => {
                let notice = self.notices.iter().find(|notice| notice.id == run.notice).ok_or_else(|| unknown("notice"))?;
                if !notice.buttons.iter().any(|button| button.id == run.button) {
                    return Err(unknown("button"));
                }
                if run.row >= notice.rows.len() {
                    return Err(at("no_such_row", "row", "There is no such row."));
                }
                K::RunNoticeAction { notice: run.notice, button: run.button, row: run.row }
            }
            C::ClientState(state) => {
                return Ok(Act::Local(Local::ClientState { client: client.to_owned(), state }));
            }
            C::ConversationRead(read) => {
                let conversation = self.known_conversation(read.conversation)?;
                let upto = match &read.upto {
                    None => None,
                    Some(id) => Some(
                        super::conversation::message_number(id)
                            .ok_or_else(|| at("bad_field", "upto", "This is not the id of a message."))?,
                    ),
                };
                return Ok(Act::Local(Local::Read { conversation, upto }));
            }
            C::GroupOrder(set) => {
                self.known_group(&set.group)?;
                return Ok(Act::Local(Local::Group { name: set.group, order: Some(set.order), collapsed: None }));
            }
            C::GroupCollapse(set) => {
                self.known_group(&set.group)?;
                return Ok(Act::Local(Local::Group { name: set.group, order: None, collapsed: Some(set.collapsed) }));
            }
            C::SearchOpen(open) => return Ok(Act::Local(Local::OpenSearch(open))),
            C::SearchClose(of) => return Ok(Act::Local(Local::CloseSearch(of.search))),
            C::SearchSave(save) => return Ok(Act::Local(Local::SaveSearch(save))),
            C::SearchSeen(of) => return Ok(Act::Local(Local::SeeSearch(of.search))),
            C::SearchRemove(of) => return Ok(Act::Local(Local::RemoveSearch(of.search))),
            C::SettingsSet(set) => {
                // The daemon's own begin so.
                if let Some(key) = set.values.keys().find(|key| key.starts_with('.')) {
                    return Err(at("bad_field", "values", format!("The name of a setting does not begin with a dot: {key:.64}.")));
                }
                return Ok(Act::Local(Local::Settings(set.values)));
            }
            C::MessageCancel(of) => return self.own_message(of, false),
            C::MessageResend(of) => return self.own_message(of, true),
            C::HistorySet(set) => {
                set.conversation.map(|id| self.known_conversation(id)).transpose()?;
                return Ok(Act::Local(Local::History(set)));
            }
            C::HistoryDelete(delete) => {
                let conversation = self.known_conversation(delete.conversation)?;
                return Ok(Act::Local(Local::DeleteHistory { conversation, whole: delete.whole }));
            }
            C::BuddyMerge(_) | C::BuddySplit(_) | C::PounceAdd(_) | C::PounceRemove(_) => {
                return Err(error("not_supported", "This server cannot do that yet."));
            }
        };
        Ok(Act::Bridge(kind))
    }

    fn own_message(&self, of: OfMessage, again: bool) -> Result<Act, ErrorBody> {
        let conversation = self.known_conversation(of.conversation)?;
        let number = super::conversation::message_number(&of.message);
        let number = number.ok_or_else(|| at("bad_field", "message", "This is not the id of a message."))?;
        Ok(Act::Local(Local::Cancel(super::again::GivenUp { conversation, number, again })))
    }

    fn icon(&self, config: &SessionConfig, spec: Option<&IconSpec>, upload: Option<&str>) -> Result<Option<Vec<u8>>, ErrorBody> {
        let Some(id) = upload else { return Ok(None) };
        // It stays: a repeat after `busy` needs it again. The shelf is bounded.
        let bytes = match self.shelf.uploaded(id) {
            Some(known) => known.bytes.to_vec(),
            None => self.moving.small_upload(id, config.upload_bytes).ok_or_else(|| unknown("upload"))?,
        };
        if !matches!(super::sniff(&bytes), Some("image/png" | "image/gif" | "image/jpeg")) {
            return Err(at("bad_picture", "upload", "An icon is a PNG, GIF or JPEG picture."));
        }
        if let Some(spec) = spec {
            bridge::icons::check(spec, &bytes).map_err(|message| at("bad_picture", "upload", message))?;
        }
        Ok(Some(bytes))
    }

    fn message(&self, config: &SessionConfig, send: MessageSend) -> Result<CommandKind, ErrorBody> {
        let conversation = self.known_conversation(send.conversation)?;
        let bounded = |length: usize, field: &str| match length {
            0 => Err(at("missing_field", field, "There is nothing to send.")),
            length if length > config.text_bytes => {
                Err(at("too_long", field, format!("A message has at most {} bytes; this one has {length}.", config.text_bytes)))
            }
            _ => Ok(()),
        };
        match (send.text, send.spans) {
            (Some(text), None) => {
                let text = prose(&text);
                bounded(text.len(), "text")?;
                let (slash, said) = match slash::read(&text) {
                    Typed::Words => (String::new(), &*text),
                    Typed::Escaped => (String::new(), text.get(1..).unwrap_or_default()),
                    Typed::Command { .. } => (text.clone().into_owned(), &*text),
                };
                Ok(CommandKind::SendMessage { conversation, text: slash, html: body::html_of_text(said) })
            }
            (None, Some(mut spans)) => {
                for span in &mut spans {
                    span.text = prose(&span.text).into_owned();
                }
                let text = body::text(&spans);
                bounded(text.len(), "spans")?;
                if spans.len() > 4096 {
                    return Err(at("too_long", "spans", "A message has at most 4096 spans."));
                }
                let slash = match slash::read(&text) {
                    Typed::Words => String::new(),
                    Typed::Escaped => {
                        if let Some(span) = spans.iter_mut().find(|span| !span.text.is_empty()) {
                            span.text.remove(0);
                        }
                        String::new()
                    }
                    Typed::Command { .. } => text,
                };
                Ok(CommandKind::SendMessage { conversation, text: slash, html: body::html_of_spans(&spans) })
            }
            (None, None) => Err(at("missing_field", "text", "Give either `text` or `spans`.")),
            (Some(_), Some(_)) => Err(at("bad_field", "spans", "Give either `text` or `spans`.")),
        }
    }
}
