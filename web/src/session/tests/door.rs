//! Who may try passwords and how often; what of it is noted; and what a failed start leaves behind. Against a real SQLite.

use super::people::{Home, PASSWORD, comes_from, from, secret};
use super::*;
use crate::session::guesses::Marks;
use crate::store::{AuditEntry, Audited, Invite, Store};
use std::sync::Arc;

const WRONG: &str = "not the password";

impl Home {
    /// Tries a password; the code of the refusal, or nothing.
    async fn tries(&self, name: &str, password: &str, from: &crate::session::ComesFrom) -> String {
        let entered = self.hub.sign_in(name, &secret(password), from).await;
        entered.err().map(|error| error.code.into_owned()).unwrap_or_default()
    }

    /// How many wrong passwords are looked at before one is refused unseen.
    async fn wrong(&self, name: &str, from: &crate::session::ComesFrom) -> usize {
        for count in 0..1000 {
            match self.tries(name, WRONG, from).await.as_str() {
                "bad_credentials" => {}
                "rate_limited" => return count,
                other => panic!("{other}"),
            }
        }
        panic!("nothing stops them")
    }

    async fn failures(&self) -> Vec<AuditEntry> {
        self.hub.tell_owed(self.memory(), true).await;
        self.store.audited(None, Audited::Failures, 1000).await.unwrap()
    }

    /// A visitor whose browser has signed in as the user before.
    async fn known(&self, person: u64) -> crate::session::ComesFrom {
        let marks = self.hub.sign_in("ines", &secret(PASSWORD), &comes_from("198.51.100.1", 99)).await.unwrap().marks.unwrap();
        crate::session::ComesFrom { marks: Marks::read(&marks), ..comes_from("198.51.100.9", person) }
    }
}

#[tokio::test]
async fn strangers_have_so_many_tries_for_a_name_and_its_user_has_others() {
    let home = Home::new().await;
    let known = home.known(7).await;
    // A name that nobody has is as any other.
    for name in ["Ines", "nobody"] {
        let counts = [home.wrong(name, &comes_from("192.0.2.1", 1)).await, home.wrong(name, &comes_from("192.0.2.2", 2)).await];
        assert_eq!(counts, [10, 10], "{name}: a neighbourhood has a quarter");
        let rest = home.wrong(name, &comes_from("192.0.2.3", 3)).await + home.wrong(name, &comes_from("192.0.2.4", 4)).await;
        assert_eq!(rest, 20, "{name}");
        assert_eq!(home.wrong(name, &comes_from("192.0.2.5", 5)).await, 0, "{name}: there are no more");
        assert_eq!(home.wrong(&format!("  {} ", name.to_uppercase()), &comes_from("192.0.2.6", 6)).await, 0, "{name} written otherwise");
    }
    assert_eq!(home.tries("ines", PASSWORD, &comes_from("192.0.2.5", 5)).await, "rate_limited", "not even the right one is looked at");
    // The user comes in, from wherever, in a browser that is known, and makes mistakes of their own.
    assert_eq!(home.tries("ines", PASSWORD, &known).await, "");
    assert_eq!(home.wrong("ines", &known).await, 40);
    assert_eq!(home.tries("ines", PASSWORD, &known).await, "rate_limited", "nor is that without end");
}

#[tokio::test]
async fn what_was_right_uses_no_try_up() {
    let home = Home::new().await;
    for _ in 0..50 {
        assert_eq!(home.tries("ines", PASSWORD, &from()).await, "");
    }
    assert_eq!(home.wrong("ines", &from()).await, 10);
    home.clock.advance(3_600_000);
    assert_eq!(home.wrong("ines", &from()).await, 10, "they come back");
}

#[tokio::test]
async fn a_mark_ends_with_the_password_and_is_of_one_user() {
    let home = Home::new().await;
    let known = home.known(7).await;
    let marks = home.change_password(PASSWORD, "another password").await.unwrap().unwrap();
    assert_eq!(home.wrong("ines", &known).await, 10, "as a stranger");
    let own = crate::session::ComesFrom { marks: Marks::read(&marks), ..comes_from("192.0.2.1", 7) };
    assert_eq!(home.tries("ines", "another password", &own).await, "", "whoever changed it stays known");
    // Of another user it is worth nothing, and both are remembered in one browser.
    let bob = home.hub.register("Bob", &secret(PASSWORD), None, None, &own).await.unwrap().marks.unwrap();
    let both = crate::session::ComesFrom { marks: Marks::read(&bob), ..comes_from("192.0.2.1", 7) };
    assert_eq!(home.wrong("bob", &own).await, 10);
    assert_eq!((home.wrong("bob", &both).await, home.wrong("ines", &both).await), (40, 40));
    assert!(Marks::read(&"x".repeat(5000)).with(UserId(1), &home.row().await.keys).is_some_and(|cookie| cookie.len() < 100));
}

#[tokio::test]
async fn who_is_signed_in_has_tries_for_each_browser() {
    let home = Home::new().await;
    for _ in 0..40 {
        assert_eq!(home.change_password(WRONG, "another password").await.unwrap_err().code, "bad_credentials");
    }
    assert_eq!(home.change_password(PASSWORD, "another password").await.unwrap_err().code, "rate_limited");
    assert_eq!(home.wrong("ines", &from()).await, 10, "strangers' are others");
    let failures = home.failures().await;
    let of_user: Vec<_> = failures.iter().filter(|entry| entry.act == "password_failed").collect();
    assert_eq!(
        of_user.iter().map(|entry| (entry.user, entry.detail.as_str())).collect::<Vec<_>>(),
        [(Some(home.session.id()), "40 times from 192.0.2.1 (Firefox)")]
    );
}

#[tokio::test]
async fn the_audit_log_adds_failures_up_and_has_no_name_that_nobody_has() {
    let home = Home::new().await;
    home.wrong("ines", &from()).await;
    for name in ["correct horse battery", "correct horse battery", "staple"] {
        home.tries(name, "ines", &from()).await;
    }
    assert!(home.hub.recover("hunter2 secret", &secret("x"), &secret(PASSWORD), &from()).await.is_err());
    assert!(home.hub.recover("ines", &secret("x"), &secret(PASSWORD), &from()).await.is_err());
    let failures = home.failures().await;
    let mut said: Vec<_> = failures.iter().map(|entry| (entry.user.is_some(), entry.act.as_str(), entry.detail.as_str())).collect();
    said.sort_unstable();
    assert_eq!(
        said,
        [
            (false, "recovery_failed", "1 time from 192.0.2.1 (Firefox), with 1 name that nobody has"),
            (false, "sign_in_failed", "3 times from 192.0.2.1 (Firefox), with 2 names that nobody has"),
            (true, "recovery_failed", "1 time from 192.0.2.1 (Firefox)"),
            (true, "sign_in_failed", "10 times from 192.0.2.1 (Firefox)"),
            (true, "sign_in_refused", "1 time from 192.0.2.1 (Firefox)"),
        ]
    );
    // Nothing of it anywhere.
    let acts = home.store.audited(None, Audited::Acts, 1000).await.unwrap();
    assert!(acts.iter().chain(&failures).all(|entry| !entry.detail.contains("horse") && !entry.detail.contains("staple")), "{acts:?}");
}

#[tokio::test]
async fn an_invite_is_given_back_by_who_could_not_come_in() {
    let home = Home::new().await;
    let code = "an-invite";
    let now = home.clock.wall();
    let invite = Invite { code: token::hash(code), note: String::new(), created: now, expires: Timestamp(now.0 + 60_000), left: 1 };
    home.store.add_invite(&invite).await.unwrap();
    let left = async || home.store.invites().await.unwrap().first().map(|invite| invite.left);
    // A guest whose session ends while the password is hashed.
    let guest = home.hub.open_guest(network(), PersonId(1)).unwrap();
    let session = home.hub.authenticate(&guest.token).unwrap();
    home.hub.end(&session, false);
    let result = home.hub.register("Bob", &secret(PASSWORD), Some(code), Some(session), &from()).await;
    assert_eq!(result.err().map(|error| error.code), Some("session_ended".into()));
    assert_eq!(left().await, Some(1));
    // A daemon that ends meanwhile.
    home.hub.drain();
    let result = home.hub.register("Bob", &secret(PASSWORD), Some(code), None, &from()).await;
    assert_eq!(result.err().map(|error| error.code), Some("restarting".into()));
    assert_eq!(left().await, Some(1));
    assert!(home.store.user_by_name("bob").await.unwrap().is_none(), "the name is free, too");
}

#[tokio::test]
async fn few_of_many_unknown_cookies_are_looked_up() {
    let home = Home::new().await;
    let unknown: Vec<String> = (0..16).map(|number| format!("unknown {number}")).collect();
    let mut all: Vec<&str> = unknown.iter().map(String::as_str).collect();
    assert!(home.hub.find(&all).await.is_err());
    assert_eq!(home.memory().strangers(), 3);
    assert!(home.hub.find(&all).await.is_err());
    assert_eq!(home.memory().strangers(), 6, "what is known to be nobody's is not asked for again");
    // A browser that has an old one for another path, and one of the daemon before.
    home.hub.end(&home.session, true);
    all.truncate(6);
    all.push(&home.token);
    let found = home.hub.find(&all).await.map(|(session, _)| Arc::clone(&session));
    assert!(found.is_ok_and(|session| session.id() == home.session.id()));
}
