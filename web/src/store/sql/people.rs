//! Keeps users, browsers, invites, the audit log and the table of changes. Checks no password.

use super::link::{Link, Work, args};
use super::remove;
use super::rows::{self, read_audit, read_browser, read_invite, read_user};
use super::tables::{Table, named};
use super::writes::insert_all;
use crate::session::TokenHash;
use crate::store::{AuditEntry, Audited, Browser, Change, Invite, Limits, NewUser, Sealed, StoreError, UserKeys, UserRow};
use bridge::id::UserId;
use bridge::time::Timestamp;

/// Entries of the audit log that are kept.
const MOST_AUDITED: i64 = 100_000;
/// Entries of what failed that are kept: strangers cause them.
const MOST_FAILURES: i64 = 10_000;
/// Ids of what failed begin above this, so that each kind is found and let go by the key.
const FAILURES: i64 = 1 << 62;
/// Changes that are kept, for whoever has not read them yet.
const MOST_CHANGES: i64 = 1000;

/// Settings of no user: their names begin so, before the id of a protocol that is switched off.
const CLOSED: &str = ".closed.";

fn columns(table: &Table, of: &str) -> String {
    let names: Vec<String> = table.columns.iter().map(|column| format!("{of}.{}", column.name)).collect();
    names.join(",")
}

/// Inserts a user whose name nobody has. False: somebody has it.
pub(super) async fn insert_user(link: &mut Link, user: &NewUser) -> Result<bool, StoreError> {
    if link.row("select id from users where folded=?", &args![&user.folded]).await?.is_some() {
        return Ok(false);
    }
    insert_all(link, named("users"), "", vec![rows::user(user)]).await?;
    Ok(true)
}

pub(super) async fn add(mut work: Work, user: &NewUser) -> Result<(), StoreError> {
    if insert_user(work.link()?, user).await? {
        return work.commit().await;
    }
    work.undo().await?;
    Err(StoreError::Taken)
}

pub(super) async fn add_invited(mut work: Work, user: &NewUser, code: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
    let link = work.link()?;
    let sql = "update invites set uses=uses-1 where code=? and uses>0 and expires>?";
    let fault = if link.run(sql, &args![code.as_slice(), now.0]).await? == 0 {
        StoreError::Gone
    } else if insert_user(link, user).await? {
        return work.commit().await;
    } else {
        StoreError::Taken
    };
    work.undo().await?;
    Err(fault)
}

pub(super) async fn unmake(mut work: Work, user: UserId, created: Timestamp, code: Option<&TokenHash>) -> Result<(), StoreError> {
    let link = work.link()?;
    // A guest who registered again meanwhile has the same id, and was made later.
    if by_id(link, user).await?.is_some_and(|row| row.created == created) {
        remove::user(link, user).await?;
        if let Some(code) = code {
            link.run("update invites set uses=uses+1 where code=?", &args![code.as_slice()]).await?;
        }
    }
    work.commit().await
}

pub(super) async fn by_name(link: &mut Link, folded: &str) -> Result<Option<UserRow>, StoreError> {
    let sql = format!("select {} from users where folded=?", named("users").list());
    link.row(&sql, &args![folded]).await?.map(|row| read_user(&row, 0)).transpose()
}

pub(super) async fn by_id(link: &mut Link, user: UserId) -> Result<Option<UserRow>, StoreError> {
    let sql = format!("select {} from users where id=?", named("users").list());
    link.row(&sql, &args![user.0]).await?.map(|row| read_user(&row, 0)).transpose()
}

pub(super) async fn list(link: &mut Link, after: &str, most: u32) -> Result<Vec<UserRow>, StoreError> {
    let sql = format!("select {} from users where folded>? order by folded limit ?", named("users").list());
    link.rows(&sql, &args![after, most]).await?.iter().map(|row| read_user(row, 0)).collect()
}

pub(super) async fn set_keys(mut work: Work, user: UserId, keys: &UserKeys, browsers: &[(TokenHash, Sealed)]) -> Result<(), StoreError> {
    let link = work.link()?;
    let bytes = |sealed: &Option<Sealed>| sealed.as_ref().map(|sealed| sealed.0.clone());
    let (password, recovery, site) = (bytes(&keys.by_password), bytes(&keys.by_recovery), bytes(&keys.by_site));
    let sql = "update users set password_check=?,by_password=?,by_recovery=?,by_site=? where id=?";
    let of = args![&keys.check, password.as_deref(), recovery.as_deref(), site.as_deref(), user.0];
    if link.run(sql, &of).await? == 0 {
        work.undo().await?;
        return Err(StoreError::Gone);
    }
    for row in link.rows("select token from browsers where owner=?", &args![user.0]).await? {
        let token = row.bytes(0)?;
        match browsers.iter().find(|(kept, _)| kept.as_slice() == token) {
            Some((_, wrap)) => link.run("update browsers set wrap=? where token=?", &args![wrap.0.as_slice(), token.as_slice()]).await?,
            None => link.run("delete from browsers where token=?", &args![token.as_slice()]).await?,
        };
    }
    work.commit().await
}

/// Carries out a change of one user, who must be there.
async fn change(mut work: Work, result: u64) -> Result<(), StoreError> {
    if result > 0 {
        return work.commit().await;
    }
    work.link()?;
    work.undo().await?;
    Err(StoreError::Gone)
}

pub(super) async fn set_disabled(mut work: Work, user: UserId, disabled: bool) -> Result<(), StoreError> {
    let link = work.link()?;
    let there = link.run("update users set disabled=? where id=?", &args![disabled, user.0]).await?;
    if disabled {
        link.run("delete from browsers where owner=?", &args![user.0]).await?;
    }
    change(work, there).await
}

pub(super) async fn set_limits(mut work: Work, user: UserId, limits: &Limits) -> Result<(), StoreError> {
    let limits = serde_json::to_string(limits).map_err(|error| StoreError::Broken(error.to_string()))?;
    let there = work.link()?.run("update users set limits=? where id=?", &args![&limits, user.0]).await?;
    change(work, there).await
}

pub(super) async fn add_browser(mut work: Work, browser: &Browser) -> Result<(), StoreError> {
    let link = work.link()?;
    let there = used(link, browser.user, browser.used).await?;
    if there > 0 {
        let end = link.dialect().or_change(named("browsers"));
        insert_all(link, named("browsers"), &end, vec![rows::browser(browser)]).await?;
    }
    change(work, there).await
}

/// Notes that a user's browser was used.
async fn used(link: &mut Link, user: UserId, at: Timestamp) -> Result<u64, StoreError> {
    let later = link.dialect().greatest("coalesce(used,0)", "?");
    link.run(&format!("update users set used={later} where id=?"), &args![at.0, user.0]).await
}

pub(super) async fn browser(link: &mut Link, token: &TokenHash) -> Result<Option<(Browser, UserRow)>, StoreError> {
    let (browsers, users) = (named("browsers"), named("users"));
    let sql =
        format!("select {},{} from browsers b join users u on u.id=b.owner where b.token=?", columns(browsers, "b"), columns(users, "u"));
    let Some(row) = link.row(&sql, &args![token.as_slice()]).await? else { return Ok(None) };
    Ok(Some((read_browser(&row)?, read_user(&row, browsers.columns.len())?)))
}

pub(super) async fn browsers(link: &mut Link, user: UserId) -> Result<Vec<Browser>, StoreError> {
    let sql = format!("select {} from browsers where owner=? order by used desc, created desc", named("browsers").list());
    link.rows(&sql, &args![user.0]).await?.iter().map(read_browser).collect()
}

pub(super) async fn touch(mut work: Work, all: &[(TokenHash, Timestamp)]) -> Result<(), StoreError> {
    let link = work.link()?;
    for (token, at) in all {
        let later = link.dialect().greatest("used", "?");
        link.run(&format!("update browsers set used={later} where token=?"), &args![at.0, token.as_slice()]).await?;
        if let Some(row) = link.row("select owner from browsers where token=?", &args![token.as_slice()]).await? {
            used(link, UserId(row.id(0)?), *at).await?;
        }
    }
    work.commit().await
}

pub(super) async fn remove_browsers(mut work: Work, user: UserId, tokens: &[TokenHash]) -> Result<(), StoreError> {
    for token in tokens {
        work.link()?.run("delete from browsers where owner=? and token=?", &args![user.0, token.as_slice()]).await?;
    }
    work.commit().await
}

pub(super) async fn put_invite(mut work: Work, invite: &Invite) -> Result<(), StoreError> {
    let link = work.link()?;
    let end = link.dialect().or_change(named("invites"));
    insert_all(link, named("invites"), &end, vec![rows::invite(invite)]).await?;
    work.commit().await
}

pub(super) async fn invite(link: &mut Link, code: &TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "select uses from invites where code=? and uses>0 and expires>?";
    Ok(link.row(sql, &args![code.as_slice(), now.0]).await?.is_some())
}

pub(super) async fn invites(link: &mut Link) -> Result<Vec<Invite>, StoreError> {
    let sql = format!("select {} from invites where uses>0 order by created,code", named("invites").list());
    link.rows(&sql, &[]).await?.iter().map(read_invite).collect()
}

/// The last of the next numbers of a counter. Whoever has taken some lets nobody else have one until its transaction ends: numbers are seen in
/// order.
async fn next(link: &mut Link, counter: &str, count: usize) -> Result<i64, StoreError> {
    link.run(&link.dialect().count_up(), &args![counter, count as u64]).await?;
    link.number("select value from bellflower where name=?", &args![counter]).await
}

pub(super) async fn audit(mut work: Work, entries: &[AuditEntry]) -> Result<(), StoreError> {
    let link = work.link()?;
    for (failures, counter, base, most) in [(false, "audit", 0, MOST_AUDITED), (true, "failures", FAILURES, MOST_FAILURES)] {
        let entries: Vec<&AuditEntry> = entries.iter().filter(|entry| entry.is_failure() == failures).collect();
        if entries.is_empty() {
            continue;
        }
        let last = base + next(link, counter, entries.len()).await?;
        let numbers = (last - i64::try_from(entries.len()).unwrap_or(0) + 1)..=last;
        let mut rows = Vec::with_capacity(entries.len());
        for (number, entry) in numbers.zip(entries) {
            let owner = entry.user.map(|user| user.0.cast_signed());
            rows.push(args![number, entry.at.0, owner, &entry.act, &entry.detail].to_vec());
        }
        insert_all(link, named("audit"), "", rows).await?;
        link.run("delete from audit where id>? and id<=?", &args![base, last - most]).await?;
    }
    work.commit().await
}

pub(super) async fn audited(link: &mut Link, user: Option<UserId>, which: Audited, most: u32) -> Result<Vec<AuditEntry>, StoreError> {
    let (above, below) = match which {
        Audited::Acts => (0, FAILURES),
        Audited::Failures => (FAILURES, i64::MAX),
    };
    let rows = match user {
        Some(user) => {
            let sql = "select id,at,owner,act,detail from audit where id>? and id<? and owner=? order by id desc limit ?";
            link.rows(sql, &args![above, below, user.0, most]).await?
        }
        None => {
            let sql = "select id,at,owner,act,detail from audit where id>? and id<? order by id desc limit ?";
            link.rows(sql, &args![above, below, most]).await?
        }
    };
    rows.iter().map(read_audit).collect()
}

pub(super) async fn announce(mut work: Work, change: &Change) -> Result<i64, StoreError> {
    let number = tell(work.link()?, change).await?;
    work.commit().await?;
    Ok(number)
}

async fn tell(link: &mut Link, change: &Change) -> Result<i64, StoreError> {
    let body = serde_json::to_string(change).map_err(|error| StoreError::Broken(error.to_string()))?;
    let number = next(link, "changes", 1).await?;
    insert_all(link, named("changes"), "", vec![args![number, &body].to_vec()]).await?;
    link.run("delete from changes where id<=?", &args![number - MOST_CHANGES]).await?;
    Ok(number)
}

pub(super) async fn set_protocol(mut work: Work, protocol: &str, disabled: bool) -> Result<i64, StoreError> {
    let link = work.link()?;
    let key = format!("{CLOSED}{protocol}");
    if disabled {
        let end = link.dialect().or_change(named("settings"));
        insert_all(link, named("settings"), &end, vec![args![0_u64, rows::digest(&key), &key, "true"].to_vec()]).await?;
    } else {
        link.run("delete from settings where owner=? and digest=?", &args![0_u64, rows::digest(&key)]).await?;
    }
    let number = tell(link, &Change::Protocol { protocol: protocol.to_owned(), disabled }).await?;
    work.commit().await?;
    Ok(number)
}

pub(super) async fn closed_protocols(link: &mut Link) -> Result<Vec<String>, StoreError> {
    let mut all = Vec::new();
    for row in link.rows("select name from settings where owner=?", &args![0_u64]).await? {
        all.extend(row.text(0)?.strip_prefix(CLOSED).map(str::to_owned));
    }
    all.sort();
    Ok(all)
}

/// Reads a change; a text of a newer version is left out.
pub(super) async fn changes(link: &mut Link, after: i64) -> Result<Vec<(i64, Change)>, StoreError> {
    let mut all = Vec::new();
    for row in link.rows("select id,body from changes where id>? order by id", &args![after]).await? {
        if let Ok(change) = serde_json::from_str(&row.text(1)?) {
            all.push((row.int(0)?, change));
        }
    }
    Ok(all)
}
