//! Users, browsers, invites, the audit log, changes.

use crate::make::{account, browser, hash, id, keys, new_user, user};
use bridge::id::UserId;
use bridge::time::Timestamp;
use std::sync::Arc;
use web::store::{AuditEntry, Audited, Change, Invite, Limits, Sealed, Store, StoreError, Write};

type S = Arc<dyn Store>;

pub(super) async fn users_are_found_by_name_and_id(store: S) {
    let before = store.count_users().await.unwrap();
    let new = new_user("Ünïcode Ann \u{1f600}");
    store.add_user(&new).await.unwrap();
    let found = store.user_by_name(&new.folded).await.unwrap().unwrap();
    assert_eq!((found.id, &found.name, &found.keys, found.created), (new.id, &new.name, &new.keys, new.created));
    assert_eq!((found.used, found.disabled, &found.limits), (None, false, &Limits::default()));
    assert_eq!(store.user(new.id).await.unwrap(), Some(found));
    assert_eq!(store.user_by_name("nobody of this name").await.unwrap(), None);
    // Compared byte by byte: no database takes one letter for another.
    assert_eq!(store.user_by_name("unicode ann \u{1f600}").await.unwrap(), None);
    assert_eq!(store.user_by_name(&new.folded.to_uppercase()).await.unwrap(), None);
    assert_eq!(store.user(UserId(id())).await.unwrap(), None);
    assert_eq!(store.count_users().await.unwrap(), before + 1);
}

pub(super) async fn names_are_taken_once(store: S) {
    let first = new_user("Taken Name");
    store.add_user(&first).await.unwrap();
    assert_eq!(store.add_user(&new_user("taken  name")).await, Err(StoreError::Taken));
    assert_eq!(store.user_by_name("taken name").await.unwrap().unwrap().id, first.id);
    // It may be had once nobody has it.
    store.delete_user(first.id).await.unwrap();
    store.add_user(&new_user("taken name")).await.unwrap();
}

pub(super) async fn users_are_listed_by_name(store: S) {
    for name in ["list-b", "List-A", "list-ä", "list-c"] {
        store.add_user(&new_user(name)).await.unwrap();
    }
    let names = |users: Vec<web::store::UserRow>| users.into_iter().map(|user| user.name).collect::<Vec<_>>();
    assert_eq!(names(store.users("list-", 3).await.unwrap()), ["List-A", "list-b", "list-c"]);
    assert_eq!(names(store.users("list-c", 1).await.unwrap()), ["list-ä"]);
}

pub(super) async fn keys_change_and_sign_others_out(store: S) {
    let id = user(&*store, "keys").await;
    let (kept, gone) = (browser(id, 5), browser(id, 6));
    for browser in [&kept, &gone] {
        store.add_browser(browser).await.unwrap();
    }
    let wrap = Sealed(vec![9; 61]);
    store.set_keys(id, &keys("other"), &[(kept.token, wrap.clone())]).await.unwrap();
    assert_eq!(store.user(id).await.unwrap().unwrap().keys, keys("other"));
    let left = store.browsers(id).await.unwrap();
    assert_eq!(left, [web::store::Browser { wrap: Some(wrap), ..kept }]);
    assert_eq!(store.set_keys(UserId(1), &keys("x"), &[]).await, Err(StoreError::Gone));
}

pub(super) async fn disabling_signs_out(store: S) {
    let id = user(&*store, "disabled").await;
    let one = browser(id, 5);
    store.add_browser(&one).await.unwrap();
    store.set_disabled(id, true).await.unwrap();
    assert!(store.user(id).await.unwrap().unwrap().disabled);
    assert_eq!(store.browser(&one.token).await.unwrap(), None);
    store.set_disabled(id, false).await.unwrap();
    assert!(!store.user(id).await.unwrap().unwrap().disabled);
    assert_eq!(store.set_disabled(UserId(1), true).await, Err(StoreError::Gone));
}

pub(super) async fn limits_are_kept(store: S) {
    let id = user(&*store, "limits").await;
    let limits = Limits { accounts: Some(3), storage_bytes: Some(u64::MAX), commands_per_second: None };
    store.set_limits(id, &limits).await.unwrap();
    assert_eq!(store.user(id).await.unwrap().unwrap().limits, limits);
    assert_eq!(store.set_limits(UserId(1), &limits).await, Err(StoreError::Gone));
}

pub(super) async fn browsers_are_remembered(store: S) {
    let id = user(&*store, "browsers").await;
    let (old, new) = (browser(id, 100), browser(id, 200));
    store.add_browser(&old).await.unwrap();
    store.add_browser(&new).await.unwrap();
    let (found, of) = store.browser(&old.token).await.unwrap().unwrap();
    assert_eq!((found, of.id, of.used), (old.clone(), id, Some(Timestamp(200))));
    assert_eq!(store.browsers(id).await.unwrap(), [new.clone(), old.clone()]);
    store.touch_browsers(&[(old.token, Timestamp(300)), (new.token, Timestamp(150)), (hash(), Timestamp(9))]).await.unwrap();
    let used: Vec<i64> = store.browsers(id).await.unwrap().iter().map(|browser| browser.used.0).collect();
    assert_eq!(used, [300, 200], "a time never goes back");
    assert_eq!(store.user(id).await.unwrap().unwrap().used, Some(Timestamp(300)));
    // Nobody signs another's browser out.
    let other = user(&*store, "other").await;
    store.remove_browsers(other, &[old.token]).await.unwrap();
    assert_eq!(store.browsers(id).await.unwrap().len(), 2);
    store.remove_browsers(id, &[old.token, new.token]).await.unwrap();
    assert_eq!(store.browsers(id).await.unwrap(), []);
    assert_eq!(store.add_browser(&browser(UserId(1), 1)).await, Err(StoreError::Gone));
}

pub(super) async fn browsers_end_without_use(store: S) {
    let id = user(&*store, "idle").await;
    let (old, new) = (browser(id, -100), browser(id, -50));
    store.add_browser(&old).await.unwrap();
    store.add_browser(&new).await.unwrap();
    assert_eq!(store.expire_browsers(Timestamp(-60)).await.unwrap(), 1);
    assert_eq!(store.browser(&old.token).await.unwrap(), None);
    assert!(store.browser(&new.token).await.unwrap().is_some());
}

pub(super) async fn invites_are_used_up(store: S) {
    let (now, later) = (Timestamp(1000), Timestamp(3000));
    let invite = Invite { code: hash(), note: "for Ann \u{1f600}".to_owned(), created: Timestamp(1), expires: Timestamp(2000), left: 1 };
    store.add_invite(&invite).await.unwrap();
    assert!(store.invites().await.unwrap().contains(&invite));
    assert!(store.invite(&invite.code, now).await.unwrap());
    assert!(!store.invite(&invite.code, later).await.unwrap());
    assert!(!store.invite(&hash(), now).await.unwrap());
    let guest = new_user("invited one");
    assert_eq!(store.add_invited_user(&guest, &invite.code, later).await, Err(StoreError::Gone));
    store.add_user(&new_user("invited two")).await.unwrap();
    // A name that is taken does not use it up.
    assert_eq!(store.add_invited_user(&new_user("invited two"), &invite.code, now).await, Err(StoreError::Taken));
    assert!(store.invite(&invite.code, now).await.unwrap());
    store.add_invited_user(&guest, &invite.code, now).await.unwrap();
    assert!(!store.invite(&invite.code, now).await.unwrap());
    assert_eq!(store.add_invited_user(&new_user("invited three"), &invite.code, now).await, Err(StoreError::Gone));
    assert_eq!(store.user_by_name("invited three").await.unwrap(), None);
    assert!(!store.invites().await.unwrap().iter().any(|left| left.code == invite.code));
    // Somebody of this id who was made at another time is somebody else: a guest who registered again.
    store.unmake_user(guest.id, Timestamp(999), Some(&invite.code)).await.unwrap();
    assert_eq!(store.user(guest.id).await.unwrap().map(|user| user.created), Some(guest.created));
    // Of one who could not come in, it is given back, and so is the name; twice is the same as once.
    for _ in 0..2 {
        store.unmake_user(guest.id, guest.created, Some(&invite.code)).await.unwrap();
    }
    assert_eq!(store.user_by_name("invited one").await.unwrap(), None);
    assert_eq!(store.invites().await.unwrap().iter().find(|left| left.code == invite.code), Some(&invite));
}

pub(super) async fn audit_is_newest_first(store: S) {
    let id = user(&*store, "audited").await;
    let entry = |at, user, act: &str| AuditEntry { at: Timestamp(at), user, act: act.to_owned(), detail: "192.0.2.1 Ünï".to_owned() };
    let (first, second, third) = (entry(1, Some(id), "sign_in"), entry(2, None, "sign_in_failed"), entry(3, Some(id), "sign_out"));
    for entry in [&first, &second, &third] {
        store.audit(std::slice::from_ref(entry)).await.unwrap();
    }
    assert_eq!(store.audited(None, Audited::Acts, 2).await.unwrap(), [third.clone(), first.clone()]);
    assert_eq!(store.audited(None, Audited::Failures, 1).await.unwrap(), [second]);
    assert_eq!(store.audited(Some(id), Audited::Acts, 10).await.unwrap(), [third, first]);
    assert_eq!(store.audited(Some(id), Audited::Failures, 10).await.unwrap(), []);
}

pub(super) async fn failures_push_nothing_else_out(store: S) {
    let id = user(&*store, "remembered").await;
    let entry = |at, act: &str| AuditEntry { at: Timestamp(at), user: Some(id), act: act.to_owned(), detail: at.to_string() };
    store.audit(&[entry(1, "sign_in")]).await.unwrap();
    let many: Vec<_> = (0..11_000).map(|at| entry(at, "sign_in_failed")).collect();
    for part in many.chunks(1000) {
        store.audit(part).await.unwrap();
    }
    store.audit(&[entry(2, "sign_out"), entry(11_000, "recovery_failed"), entry(11_001, "sign_in_refused")]).await.unwrap();
    assert_eq!(store.audited(Some(id), Audited::Acts, 10).await.unwrap(), [entry(2, "sign_out"), entry(1, "sign_in")]);
    let failures = store.audited(Some(id), Audited::Failures, 20_000).await.unwrap();
    assert_eq!((failures.len(), failures.last()), (10_000, Some(&entry(1002, "sign_in_failed"))), "the newest are kept");
}

pub(super) async fn changes_are_told_in_order(store: S) {
    let one = Change::User(UserId(id()));
    let two = Change::Protocol { protocol: "prpl-irc".to_owned(), disabled: true };
    let first = store.announce(&one).await.unwrap();
    let second = store.announce(&two).await.unwrap();
    assert_eq!(store.changes(first - 1).await.unwrap(), [(first, one), (second, two.clone())]);
    assert_eq!(store.changes(first).await.unwrap(), [(second, two)]);
    assert_eq!(store.changes(second).await.unwrap(), []);
}

pub(super) async fn forgotten_secrets_are_gone(store: S) {
    let id = user(&*store, "forgetful").await;
    let row = account(id);
    store.commit(&[Write::Account(Box::new(row.clone()))]).await.unwrap();
    assert!(store.users_with_accounts().await.unwrap().contains(&id));
    store.forget_secrets(id).await.unwrap();
    let stored = store.load(id).await.unwrap();
    assert_eq!(stored.accounts, [web::store::AccountRow { secrets: Vec::new(), ..row }]);
}
