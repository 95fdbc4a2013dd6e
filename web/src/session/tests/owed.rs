//! Debts to the store, and changes there whose answer is lost: nobody stays in, nobody is deleted, and the end waits for nothing.
//! Against a real SQLite.

use super::people::{Home, PASSWORD, from, secret};
use super::*;
use crate::session::owed::Made;
use crate::session::token;
use crate::session::until::Until;
use crate::store::{Audited, NewUser, Store};
use futures_util::poll;

const PATIENCE: Duration = Duration::from_secs(60);

impl Home {
    async fn owe_unmaking(&self, earlier: i64) {
        let row = self.row().await;
        self.memory().owe_unmaking(Made { user: row.id, created: Timestamp(row.created.0 - earlier), code: None }, None);
    }

    /// Whether the user is there after everything was told that is owed.
    async fn is_there_at_last(&self) -> bool {
        self.hub.tell_owed(self.memory(), true).await;
        self.store.user(self.session.id()).await.unwrap().is_some()
    }
}

#[tokio::test]
async fn signing_nobody_out_is_not_written_down() {
    let home = Home::new().await;
    let hash = token::hash(&home.token);
    let other = home.sign_in().await;
    for _ in 0..3 {
        home.hub.sign_out_browsers(&home.session, &hash, Which::Others).await.unwrap();
    }
    let acts = home.store.audited(Some(home.session.id()), Audited::Acts, 10).await.unwrap();
    assert_eq!(acts.iter().filter(|entry| entry.act == "sign_out").count(), 1, "{acts:?}");
    assert!(home.find(&other).await.is_none() && home.find(&home.token).await.is_some());
}

#[tokio::test]
async fn a_change_of_keys_that_nobody_heard_of_signs_browsers_out() {
    let home = Home::new().await;
    let other = home.sign_in().await;
    // The store has made a change whose answer is lost.
    home.store.remove_browsers(home.session.id(), &[token::hash(&other)]).await.unwrap();
    assert!(home.find(&other).await.is_some());
    home.memory().note_changed(home.session.id(), home.clock.now());
    home.hub.tell_owed(home.memory(), false).await;
    assert!(home.find(&other).await.is_none() && home.find(&home.token).await.is_some());
    // The change may come later than the first look.
    let third = home.sign_in().await;
    home.store.remove_browsers(home.session.id(), &[token::hash(&third)]).await.unwrap();
    home.clock.advance(60_000);
    home.hub.tell_owed(home.memory(), false).await;
    assert!(home.find(&third).await.is_none());
    // A minute later nobody looks for the change any more.
    let fourth = home.sign_in().await;
    home.store.remove_browsers(home.session.id(), &[token::hash(&fourth)]).await.unwrap();
    home.hub.tell_owed(home.memory(), false).await;
    assert!(home.find(&fourth).await.is_some());
}

#[tokio::test]
async fn who_registered_again_or_came_in_is_not_deleted() {
    let home = Home::new().await;
    home.owe_unmaking(1).await;
    assert!(home.is_there_at_last().await, "it was another who could not come in");
    // By the password, which is right: a browser that waits for its turn goes before what is owed.
    let (row, key) = (home.row().await, home.session.lock().keep.as_ref().unwrap().key.clone());
    let turn = home.memory().turn(row.id).await;
    home.owe_unmaking(0).await;
    let origin = from();
    let mut entering = Box::pin(home.hub.enter_user(home.memory(), &row, key, &origin));
    assert!(poll!(&mut entering).is_pending());
    drop(turn);
    assert!(entering.await.is_ok());
    assert!(home.is_there_at_last().await);
    home.hub.end(&home.session, false);
    home.owe_unmaking(0).await;
    assert!(!home.is_there_at_last().await, "who could not come in is deleted");
}

#[tokio::test]
async fn a_guest_who_could_not_become_a_user_is_handed_out_to_nobody() {
    let home = Home::new().await;
    let guest = home.hub.open_guest(network(), PersonId(1)).unwrap();
    let session = home.hub.authenticate(&guest.token).unwrap();
    let key = crate::secret::DataKey::create().unwrap();
    let (keys, _) = home.memory().hasher.make(session.id(), &secret(PASSWORD), &key, None).await.unwrap();
    let user = NewUser { id: session.id(), name: "Bob".to_owned(), folded: "bob".to_owned(), keys, created: Timestamp(1) };
    home.store.add_user(&user).await.unwrap();
    let row = home.store.user(session.id()).await.unwrap().unwrap();
    let result = home.hub.session_of(home.memory(), &row, key, Until::soon()).await;
    assert_eq!(result.err().map(|error| error.code), Some("busy".into()));
    let result = home.hub.sign_in("bob", &secret(PASSWORD), &from()).await;
    assert_eq!(result.err().map(|error| error.code), Some("busy".into()));
    assert_eq!(home.store.browsers(row.id).await.unwrap(), []);
    assert!(home.hub.session(row.id).is_some_and(|known| Arc::ptr_eq(&known, &session) && known.is_guest()));
}

#[tokio::test]
async fn a_registration_comes_to_its_end_without_its_browser() {
    let home = Home::new().await;
    let guest = home.hub.open_guest(network(), PersonId(1)).unwrap();
    let session = home.hub.authenticate(&guest.token).unwrap();
    let (password, origin) = (secret(PASSWORD), from());
    let mut registering = Box::pin(home.hub.register("Bob", &password, None, Some(session.clone()), &origin));
    while home.store.user_by_name("bob").await.unwrap().is_none() {
        assert!(poll!(&mut registering).is_pending());
    }
    drop(registering);
    let adopted = async {
        while session.is_guest() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, adopted).await.is_ok(), "the name is taken, and the guest has nothing of it");
}

#[tokio::test]
async fn the_end_waits_for_nothing_that_is_owed() {
    let home = Home::new().await;
    let _turn = home.memory().turn(home.session.id()).await;
    home.owe_unmaking(0).await;
    assert!(tokio::time::timeout(PATIENCE, home.hub.note_end()).await.is_ok(), "it would wait for ever");
}

#[tokio::test]
async fn passwords_are_checked_so_many_a_minute_of_one_user() {
    let home = Home::new().await;
    let asks = || home.hub.admit_secret(&home.session).map_err(|error| (error.code.into_owned(), error.retry_ms));
    for _ in 0..5 {
        assert_eq!(asks(), Ok(()));
    }
    assert_eq!(asks(), Err(("rate_limited".to_owned(), Some(6000))));
    assert!(home.hub.admit(&home.session, 0).is_ok(), "other requests go on");
    home.clock.advance(6000);
    assert_eq!(asks(), Ok(()));
    assert!(asks().is_err());
}
