//! How large each thing may be that a worker tells a session: texts are cut with a mark, and what has a name longer than names are is left
//! out. Collections are bounded where they are kept; nothing is kept here.

use super::bounds::{self, clip_short, clip_words};
use bridge::error::CommandError;
use bridge::event::{EventKind, Outcome};
use bridge::model::{Account, AccountStanding, Buddy, Certificate, Conversation, Mark, Member, MenuItem, Message, PICTURES, Picture};
use bridge::model::{PicturePlace, PictureState, REFERENCE, RoomRow, SERVER_ID};

/// Bytes of the longest name by which a network knows something. Names are never cut: a part of one is another's.
const NAME: usize = 4 << 10;
/// Entries of a profile.
const ENTRIES: usize = 300;
/// Flags and features of one person; names and addresses in a certificate.
const FEW: usize = 50;
/// Rows of a room list in one event, names in a privacy list.
const MOST_ROWS: usize = 10_000;
/// Bytes of the fields of one row of a room list.
const A_ROW: usize = 16 << 10;
/// Items of a menu, of all its levels, and those levels.
const MOST_ITEMS: usize = 500;
const DEPTH: usize = 4;

fn is_name(text: &str) -> bool {
    text.len() <= NAME
}

/// Cuts an event to size. Returns how much of it is left out; `None`: all.
pub(super) fn admit(kind: &mut EventKind) -> Option<usize> {
    let (mut left_out, mut whole) = (0, true);
    match kind {
        EventKind::AccountAdded(account) | EventKind::AccountUpdated(account) => whole = admit_account(account),
        EventKind::AccountState { standing, .. } | EventKind::AccountLost { standing, .. } => clip_standing(standing),
        EventKind::AccountStatus { message, .. } => message.iter_mut().for_each(clip_words),
        EventKind::BuddiesAdded(buddies) => left_out = keep(buddies, admit_buddy),
        EventKind::BuddyUpdated(buddy) => whole = admit_buddy(buddy),
        EventKind::ConversationOpened(conversation) | EventKind::ConversationUpdated(conversation) => {
            whole = admit_conversation(conversation, &mut left_out);
        }
        EventKind::MessageAdded { message, .. } => left_out = admit_message(message),
        EventKind::MessageReplaced { message, reference, .. } => {
            whole = reference.len() <= REFERENCE;
            left_out = admit_message(message);
        }
        EventKind::MessageMarked { reference, mark, .. } => {
            whole = reference.len() <= REFERENCE;
            if let Mark::Failed(words) = mark {
                clip_words(words);
            }
        }
        EventKind::PictureCame { hash, .. } => *hash = hash.take().filter(|hash| is_hash(hash)),
        EventKind::Typing { who, .. } => clip_short(who),
        EventKind::RoomMembers { joined, left, changed, renamed, .. } => {
            left_out = keep(joined, admit_member) + keep(changed, admit_member);
            left.retain(|name| is_name(name));
            renamed.retain(|(old, new)| is_name(old) && is_name(new));
        }
        EventKind::RoomTopic { who, topic, .. } => {
            who.iter_mut().for_each(clip_short);
            clip_words(topic);
        }
        EventKind::RoomInvited { who, room, message, .. } => {
            [who, room].into_iter().for_each(clip_short);
            message.iter_mut().for_each(clip_words);
        }
        EventKind::RoomList(list) => {
            let over = list.rows.len().saturating_sub(MOST_ROWS);
            list.rows.truncate(MOST_ROWS);
            left_out = over + keep(&mut list.rows, admit_row);
        }
        EventKind::RoomsFound(found) => {
            let over = found.rows.len().saturating_sub(MOST_ROWS);
            found.rows.truncate(MOST_ROWS);
            left_out = over + keep(&mut found.rows, admit_row);
            found.error.iter_mut().for_each(clip_error);
        }
        EventKind::RoomListFailed { error, .. } | EventKind::CommandFailed { error } => clip_error(error),
        EventKind::Attention { who, text, .. } => {
            clip_short(who);
            clip_words(text);
        }
        EventKind::RequestOpened(request) => {
            request.details.iter_mut().for_each(clip_certificate);
            whole = request.buttons.iter().all(|button| is_name(&button.id));
        }
        EventKind::AuthorizationOpened(authorization) => bounds::clip_authorization(authorization),
        EventKind::NoticeOpened(notice) => {
            notice.url = notice.url.take().filter(|url| is_name(url));
            left_out = keep(&mut notice.buttons, |button| is_name(&button.id));
            if let Some(profile) = &mut notice.profile {
                left_out += profile.entries.len().saturating_sub(ENTRIES);
                profile.entries.truncate(ENTRIES);
                profile.picture = profile.picture.take().filter(|hash| is_hash(hash));
            }
        }
        EventKind::TransferOpened(transfer) | EventKind::TransferProgress(transfer) => {
            [&mut transfer.peer, &mut transfer.direction, &mut transfer.name, &mut transfer.state].into_iter().for_each(clip_short);
        }
        EventKind::TransferClosed { state, .. } => clip_short(state),
        EventKind::Privacy { privacy, .. } => {
            clip_short(&mut privacy.mode);
            for list in [&mut privacy.permit, &mut privacy.deny] {
                left_out += list.len().saturating_sub(MOST_ROWS);
                list.truncate(MOST_ROWS);
                left_out += keep(list, |name| is_name(name));
            }
        }
        EventKind::CommandDone { result: Some(Outcome::Items(items)) } => left_out = clip_items(items, &mut MOST_ITEMS.clone(), DEPTH),
        EventKind::CommandDone { result: result @ Some(Outcome::Member(_)) } => {
            *result = result.take().filter(|result| matches!(result, Outcome::Member(member) if is_name(&member.address)));
        }
        // Numbers alone; or for whoever keeps accounts and pictures, who have bounds of their own.
        EventKind::CommandDone { .. }
        | EventKind::AccountRemoved { .. }
        | EventKind::MessagesMissed { .. }
        | EventKind::RoomRemembered { .. }
        | EventKind::AccountPinned { .. }
        | EventKind::AccountPasswordGiven { .. }
        | EventKind::AccountSettingStored { .. }
        | EventKind::BuddiesRemoved { .. }
        | EventKind::ConversationClosed { .. }
        | EventKind::Mail { .. }
        | EventKind::RequestClosed { .. }
        | EventKind::AuthorizationClosed { .. }
        | EventKind::NoticeRows { .. }
        | EventKind::NoticeClosed { .. }
        | EventKind::TransferBytes(_)
        | EventKind::TransferWanted { .. }
        | EventKind::MediaStored(_) => {}
    }
    whole.then_some(left_out)
}

/// Keeps what is wanted. Returns how many are not.
fn keep<T>(list: &mut Vec<T>, wanted: impl FnMut(&mut T) -> bool) -> usize {
    let before = list.len();
    list.retain_mut(wanted);
    before - list.len()
}

/// Gives how many pictures are left out.
fn admit_message(message: &mut Message) -> usize {
    clip_short(&mut message.from.name);
    message.from.alias.iter_mut().for_each(clip_short);
    message.server_id = message.server_id.take().filter(|id| id.len() <= SERVER_ID);
    message.reference = message.reference.take().filter(|reference| reference.len() <= REFERENCE);
    let over = message.pictures.len().saturating_sub(PICTURES);
    message.pictures.truncate(PICTURES);
    over + keep(&mut message.pictures, admit_picture)
}

fn admit_picture(picture: &mut Picture) -> bool {
    let place = match &picture.place {
        PicturePlace::Id(_) => true,
        PicturePlace::Source(text) | PicturePlace::Text(text) => is_name(text),
    };
    place && !matches!(&picture.state, PictureState::Here(hash) if !is_hash(hash))
}

fn admit_account(account: &mut Account) -> bool {
    clip_short(&mut account.alias);
    clip_standing(&mut account.standing);
    account.status_message.iter_mut().for_each(clip_words);
    account.icon = account.icon.take().filter(|hash| is_hash(hash));
    is_name(&account.protocol) && is_name(&account.username)
}

fn is_hash(text: &str) -> bool {
    text.len() <= 128
}

fn clip_standing(standing: &mut AccountStanding) {
    standing.progress.iter_mut().for_each(|progress| clip_short(&mut progress.text));
    if let Some(error) = &mut standing.error {
        clip_short(&mut error.code);
        clip_words(&mut error.message);
    }
}

fn clip_error(error: &mut CommandError) {
    clip_short(&mut error.code);
    clip_words(&mut error.message);
    error.field.iter_mut().for_each(clip_short);
}

fn admit_buddy(buddy: &mut Buddy) -> bool {
    bounds::clip_buddy(buddy);
    clip_short(&mut buddy.alias);
    buddy.icon = buddy.icon.take().filter(|hash| is_hash(hash));
    clip_few(&mut buddy.features);
    [&buddy.name, &buddy.group, &buddy.contact].into_iter().all(|name| is_name(name))
}

fn clip_few(texts: &mut Vec<String>) {
    texts.truncate(FEW);
    texts.iter_mut().for_each(clip_short);
}

fn admit_conversation(conversation: &mut Conversation, left_out: &mut usize) -> bool {
    bounds::clip_conversation(conversation);
    conversation.nick.iter_mut().for_each(clip_short);
    *left_out = conversation.members.as_mut().map_or(0, |members| keep(members, admit_member));
    is_name(&conversation.name)
}

fn admit_member(member: &mut Member) -> bool {
    bounds::clip_member(member);
    clip_few(&mut member.flags);
    is_name(&member.name)
}

fn admit_row(row: &mut RoomRow) -> bool {
    let bytes: usize = row.fields.iter().map(|(key, value)| key.len() + value.len()).sum();
    row.topic.iter_mut().for_each(clip_words);
    bytes <= A_ROW && is_name(&row.name) && row.parent.as_ref().is_none_or(|parent| is_name(parent))
}

fn clip_certificate(certificate: &mut Certificate) {
    let Certificate { host, fingerprint, names, subject, issuer, reason, .. } = certificate;
    [host, fingerprint, subject, issuer, reason].into_iter().for_each(clip_short);
    clip_few(names);
}

/// Cuts the labels of a menu, and what is over its bounds. Returns how many items are left out, not counting those below them.
fn clip_items(items: &mut Vec<MenuItem>, room: &mut usize, depth: usize) -> usize {
    let mut below = 0;
    let gone = keep(items, |item| {
        if *room == 0 || depth == 0 || item.id.as_ref().is_some_and(|id| !is_name(id)) {
            return false;
        }
        *room -= 1;
        clip_short(&mut item.label);
        clip_short(&mut item.note);
        below += clip_items(&mut item.items, room, depth - 1);
        true
    });
    gone + below
}
