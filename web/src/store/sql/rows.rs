//! Turns the product's rows into parameters and back. Sends no statement.

use super::link::{Arg, Row, args};
use crate::store::{
    AccountRow, AuditEntry, Browser, BuddyRow, ConversationRow, Gap, GroupRow, Invite, NewUser, OutboxRow, Sealed, StoreError,
    StoredMessage, UserKeys, UserRow,
};
use bridge::id::{AccountId, BuddyId, ConversationId, UserId};
use bridge::model::ConversationKind;
use bridge::time::Timestamp;
use sha2::{Digest, Sha256};

/// 64 bits of a name's SHA-256: its key in a table.
pub(super) fn digest(name: &str) -> u64 {
    let digest = Sha256::digest(name.as_bytes());
    digest.iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte))
}

/// The time that a message's number tells, in milliseconds since 1970.
pub(super) fn time_of(number: u64) -> i64 {
    (number >> 16).cast_signed()
}

/// In the order of the table's columns, as all that follow.
pub(super) fn message(message: &StoredMessage) -> Vec<Arg<'_>> {
    args![
        message.number,
        message.conversation.0,
        message.user.0,
        message.time.0.saturating_sub(time_of(message.number)),
        message.flags,
        &message.author,
        message.alias.as_deref(),
        message.buddy.map(|buddy| buddy.0.cast_signed()),
        &message.text,
        message.spans.as_deref(),
        message.server_id.as_deref(),
    ]
    .to_vec()
}

/// A message from [`super::dialect::MESSAGE`].
pub(super) fn read_message(row: &Row) -> Result<StoredMessage, StoreError> {
    let number = row.id(0)?;
    Ok(StoredMessage {
        number,
        conversation: ConversationId(row.id(1)?),
        user: UserId(row.id(2)?),
        time: Timestamp(time_of(number).saturating_add(row.int(3)?)),
        flags: row.small(4)?,
        author: row.text(5)?,
        alias: row.opt_text(6)?,
        buddy: row.opt_id(7)?.map(BuddyId),
        text: row.text(8)?,
        spans: row.opt_text(9)?,
        server_id: row.opt_text(10)?,
    })
}

pub(super) fn conversation(row: &ConversationRow) -> Vec<Arg<'_>> {
    let kind: i64 = match row.kind {
        ConversationKind::Im => 0,
        ConversationKind::Room => 1,
    };
    args![
        row.user.0,
        row.id.0,
        row.account.0,
        kind,
        &row.name,
        &row.title,
        row.open,
        row.read,
        row.keep.map(i64::from),
        row.days.map(i64::from),
    ]
    .to_vec()
}

pub(super) fn read_conversation(row: &Row) -> Result<ConversationRow, StoreError> {
    Ok(ConversationRow {
        user: UserId(row.id(0)?),
        id: ConversationId(row.id(1)?),
        account: AccountId(row.id(2)?),
        kind: if row.flag(3)? { ConversationKind::Room } else { ConversationKind::Im },
        name: row.text(4)?,
        title: row.text(5)?,
        open: row.flag(6)?,
        read: row.id(7)?,
        keep: row.opt_int(8)?.map(|keep| keep != 0),
        days: row.opt_int(9)?.and_then(|days| u32::try_from(days).ok()),
    })
}

pub(super) fn buddy(row: &BuddyRow) -> Vec<Arg<'_>> {
    args![row.user.0, row.account.0, row.buddy.0, &row.name, &row.group, &row.alias].to_vec()
}

pub(super) fn read_buddy(row: &Row) -> Result<BuddyRow, StoreError> {
    Ok(BuddyRow {
        user: UserId(row.id(0)?),
        account: AccountId(row.id(1)?),
        buddy: BuddyId(row.id(2)?),
        name: row.text(3)?,
        group: row.text(4)?,
        alias: row.text(5)?,
    })
}

pub(super) fn group(user: UserId, row: &GroupRow) -> Vec<Arg<'_>> {
    args![user.0, digest(&row.name), &row.name, row.order, row.collapsed].to_vec()
}

pub(super) fn read_group(row: &Row) -> Result<GroupRow, StoreError> {
    Ok(GroupRow { name: row.text(2)?, order: row.int(3)?, collapsed: row.flag(4)? })
}

pub(super) fn outbox(row: &OutboxRow) -> Vec<Arg<'_>> {
    args![row.user.0, row.number, row.conversation.0, &row.text, row.handed_over].to_vec()
}

pub(super) fn read_outbox(row: &Row) -> Result<OutboxRow, StoreError> {
    Ok(OutboxRow {
        user: UserId(row.id(0)?),
        number: row.id(1)?,
        conversation: ConversationId(row.id(2)?),
        text: row.text(3)?,
        handed_over: row.flag(4)?,
    })
}

pub(super) fn gap(user: UserId, gap: &Gap) -> Vec<Arg<'_>> {
    args![user.0, gap.conversation.0, gap.after, gap.from.0, gap.to.map(|to| to.0), &gap.why].to_vec()
}

pub(super) fn read_gap(row: &Row) -> Result<Gap, StoreError> {
    Ok(Gap {
        conversation: ConversationId(row.id(1)?),
        after: row.id(2)?,
        from: Timestamp(row.int(3)?),
        to: row.opt_int(4)?.map(Timestamp),
        why: row.text(5)?,
    })
}

pub(super) fn account(row: &AccountRow) -> Vec<Arg<'_>> {
    args![row.user.0, row.account.0, row.created.0, &row.settings, row.icon.as_deref()].to_vec()
}

/// An account without its secrets.
pub(super) fn read_account(row: &Row) -> Result<AccountRow, StoreError> {
    Ok(AccountRow {
        user: UserId(row.id(0)?),
        account: AccountId(row.id(1)?),
        created: Timestamp(row.int(2)?),
        settings: row.text(3)?,
        icon: row.opt_bytes(4)?,
        secrets: Vec::new(),
    })
}

fn sealed(sealed: Option<&Sealed>) -> Option<&[u8]> {
    sealed.map(|sealed| sealed.0.as_slice())
}

pub(super) fn user(user: &NewUser) -> Vec<Arg<'_>> {
    let keys = &user.keys;
    args![
        user.id.0,
        &user.name,
        &user.folded,
        &keys.check,
        sealed(keys.by_password.as_ref()),
        sealed(keys.by_recovery.as_ref()),
        sealed(keys.by_site.as_ref()),
        user.created.0,
        None::<i64>,
        false,
        "{}",
    ]
    .to_vec()
}

/// A user whose columns begin at `from`.
pub(super) fn read_user(row: &Row, from: usize) -> Result<UserRow, StoreError> {
    let limits = serde_json::from_str(&row.text(from + 10)?).map_err(|error| StoreError::Broken(format!("limits of a user: {error}")))?;
    Ok(UserRow {
        id: UserId(row.id(from)?),
        name: row.text(from + 1)?,
        keys: UserKeys {
            check: row.text(from + 3)?,
            by_password: row.opt_bytes(from + 4)?.map(Sealed),
            by_recovery: row.opt_bytes(from + 5)?.map(Sealed),
            by_site: row.opt_bytes(from + 6)?.map(Sealed),
        },
        created: Timestamp(row.int(from + 7)?),
        used: row.opt_int(from + 8)?.map(Timestamp),
        disabled: row.flag(from + 9)?,
        limits,
    })
}

pub(super) fn browser(row: &Browser) -> Vec<Arg<'_>> {
    args![row.token.as_slice(), row.user.0, &row.device, row.created.0, row.used.0, sealed(row.wrap.as_ref())].to_vec()
}

/// Columns of a browser as [`read_browser`] wants them.
pub(super) fn read_browser(row: &Row) -> Result<Browser, StoreError> {
    Ok(Browser {
        token: read_hash(row, 0)?,
        user: UserId(row.id(1)?),
        device: row.text(2)?,
        created: Timestamp(row.int(3)?),
        used: Timestamp(row.int(4)?),
        wrap: row.opt_bytes(5)?.map(Sealed),
    })
}

fn read_hash(row: &Row, place: usize) -> Result<[u8; 32], StoreError> {
    row.bytes(place)?.try_into().map_err(|_| StoreError::Broken("a hash has the wrong length".to_owned()))
}

pub(super) fn invite(row: &Invite) -> Vec<Arg<'_>> {
    args![row.code.as_slice(), &row.note, row.created.0, row.expires.0, row.left].to_vec()
}

pub(super) fn read_invite(row: &Row) -> Result<Invite, StoreError> {
    Ok(Invite {
        code: read_hash(row, 0)?,
        note: row.text(1)?,
        created: Timestamp(row.int(2)?),
        expires: Timestamp(row.int(3)?),
        left: row.small(4)?,
    })
}

pub(super) fn read_audit(row: &Row) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry { at: Timestamp(row.int(1)?), user: row.opt_id(2)?.map(UserId), act: row.text(3)?, detail: row.text(4)? })
}
