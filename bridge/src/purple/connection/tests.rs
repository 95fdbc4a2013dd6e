//! Sign-ons by the rules: paced, watched, begun by us alone; of a protocol that obeys its user and needs no network.

use super::reason::{Known, explain};
use super::turns::pause;
use super::*;
use crate::command::Secret;
use crate::id::UserId;
use crate::purple::testing::{Core, at_sign_on, settings, with_mischief};
use std::time::Instant;

#[test]
fn a_busy_loop_signs_on_more_slowly_but_goes_on() {
    let ms = Duration::from_millis;
    assert_eq!(pause(ms(20), ms(3), ms(3), ms(1)), ms(20), "as configured");
    assert_eq!(pause(ms(20), ms(70), ms(70), ms(1)), ms(140), "half the time is left to others");
    assert_eq!(pause(ms(20), ms(300), ms(10), ms(1)), ms(300), "it was held up");
    assert_eq!(pause(ms(20), ms(9_000), ms(9_000), ms(1)), ms(1_000));
    assert_eq!(pause(ms(20), ms(10), ms(10), ms(4)), ms(32), "everybody waits");
    assert_eq!(pause(ms(20), ms(10), ms(10), ms(800)), ms(100), "and may wait for ever");
}

#[test]
fn waits_grow_to_the_longest_and_are_spread() {
    let pace = Pace { first: Duration::from_secs(2), most: Duration::from_secs(300), ..pace() };
    assert_eq!(wait_before(pace, 1, 1.0), Duration::from_secs(2));
    assert_eq!(wait_before(pace, 1, 0.0), Duration::from_secs(1));
    assert_eq!(wait_before(pace, 4, 1.0), Duration::from_secs(16));
    assert_eq!(wait_before(pace, 4000, 1.0), Duration::from_secs(300));
    let spread: std::collections::HashSet<u64> = (0..50).map(|_| chance().to_bits()).collect();
    assert!(spread.len() > 40);
}

fn phase(core: &Core, id: u64, is: impl FnOnce(&Phase) -> bool) -> bool {
    accounts::read(core.token, AccountId(id), |entry| is(&entry.sign_on.phase)).unwrap_or(false)
}

fn connecting(phase: &Phase) -> bool {
    matches!(phase, Phase::Connecting { .. })
}

fn set_pace(change: impl FnOnce(&mut Pace)) {
    let mut pace = pace();
    change(&mut pace);
    turns::set_pace(pace);
}

#[test]
fn nothing_but_our_own_step_connects_an_account() {
    with_mischief("purple::connection::tests::nothing_but_our_own_step_connects_an_account", |core| {
        let account = core.online(1, 10);
        disconnect(core.token, AccountId(10));
        // What libpurple and plugins do by themselves, and what would sign on an account that is enabled.
        // SAFETY: a live account and C strings; a list that ends.
        unsafe {
            for status in [c"away", c"available"] {
                purple_sys::purple_account_set_status_list(account, status.as_ptr(), glib_sys::GTRUE, ptr::null_mut());
                assert!((*account).gc.is_null(), "a status signed the account on, past its turn");
            }
            purple_sys::purple_accounts_restore_current_statuses();
            assert!((*account).gc.is_null());
        }
        core.turns();
        assert!(phase(core, 10, |phase| matches!(phase, Phase::Idle)));
        // The user's own wish takes its turn, too.
        status::set(core.token, UserId(1), &crate::model::Status::default(), &std::collections::BTreeMap::new(), None).unwrap();
        // SAFETY: a live account.
        assert!(unsafe { (*account).gc.is_null() } && phase(core, 10, |phase| matches!(phase, Phase::Queued)));
    });
}

#[test]
fn each_sign_on_brings_its_password() {
    with_mischief("purple::connection::tests::each_sign_on_brings_its_password", |core| {
        let password = Some(Secret::new("sesame".to_owned()));
        let mut with = settings("prpl-mischief", "ines");
        (with.password, with.enabled) = (password, true);
        let account = core.add(1, 10, with);
        for _ in 0..2 {
            core.turn_until(|| phase(core, 10, |phase| matches!(phase, Phase::Online { .. })));
            // SAFETY: a live account.
            assert_eq!(unsafe { borrowed(purple_sys::purple_account_get_password(account)) }.as_deref(), Some("sesame"));
            disconnect(core.token, AccountId(10));
            // SAFETY: a live account. This is why.
            assert!(unsafe { purple_sys::purple_account_get_password(account) }.is_null());
            connect(core.token, AccountId(10), true);
        }
    });
}

#[test]
fn sign_ons_take_turns() {
    with_mischief("purple::connection::tests::sign_ons_take_turns", |core| {
        let between = Duration::from_millis(40);
        set_pace(|pace| pace.between = between);
        let begun = Instant::now();
        for id in 10..15 {
            core.add(1, id, at_sign_on("hang"));
        }
        let count = |core: &Core| (10..15).filter(|id| phase(core, *id, connecting)).count();
        core.turn_until(|| count(core) > 0);
        assert!(count(core) < 5, "all at once");
        core.turn_until(|| count(core) == 5);
        assert!(begun.elapsed() >= between * 4, "{:?}", begun.elapsed());
    });
}

#[test]
fn a_server_gets_so_many_at_a_time() {
    with_mischief("purple::connection::tests::a_server_gets_so_many_at_a_time", |core| {
        set_pace(|pace| (pace.between, pace.held) = (Duration::ZERO, Duration::from_secs(3600)));
        for id in 10..19 {
            core.add(1, id, at_sign_on("hang"));
        }
        core.turn_until(|| (10..18).all(|id| phase(core, id, connecting)));
        core.turn_until(turns::waits_for_servers);
        assert!(phase(core, 18, |phase| matches!(phase, Phase::Queued)));
        disconnect(core.token, AccountId(10));
        core.turn_until(|| phase(core, 18, connecting));
    });
}

#[test]
fn a_sign_on_without_progress_ends_but_not_while_its_user_is_asked() {
    with_mischief("purple::connection::tests::a_sign_on_without_progress_ends_but_not_while_its_user_is_asked", |core| {
        let timeout = Duration::from_millis(150);
        set_pace(|pace| pace.timeout = timeout);
        core.add(1, 10, at_sign_on("hang"));
        core.add(2, 20, at_sign_on("hang ask"));
        let begun = Instant::now();
        core.turn_until(|| phase(core, 10, |phase| matches!(phase, Phase::Waiting { .. })));
        let standing = accounts::read(core.token, AccountId(10), |entry| entry.standing.clone()).unwrap();
        assert_eq!(standing.error.map(|error| (error.code, error.fatal)), Some(("timeout".to_owned(), false)));
        core.turn_until(|| begun.elapsed() > timeout * 6);
        assert!(phase(core, 20, connecting), "its user has not answered yet");
        let asked = core.events().into_iter().find_map(|(_, kind)| match kind {
            EventKind::RequestOpened(request) => Some(request.id),
            _ => None,
        });
        request::answer(core.token, UserId(2), asked.unwrap(), "cancel", &std::collections::BTreeMap::new()).unwrap();
        core.turn_until(|| phase(core, 20, |phase| matches!(phase, Phase::Waiting { .. })));
    });
}

#[test]
fn a_server_without_the_encryption_that_was_asked_for_is_not_tried_again() {
    let said = explain(
        AccountId(10),
        PurpleConnectionError::PURPLE_CONNECTION_ERROR_ENCRYPTION_ERROR,
        "You require encryption, but it is not available on this server.".to_owned(),
        false,
        Known::default(),
    );
    assert!(said.fatal && said.code == "encryption", "{said:?}");
    assert!(said.message.starts_with("You require encryption") && said.message.contains("settings"), "{said:?}");
    let lost =
        explain(AccountId(10), PurpleConnectionError::PURPLE_CONNECTION_ERROR_NETWORK_ERROR, "Lost".to_owned(), false, Known::default());
    assert!(!lost.fatal && lost.message == "Lost", "{lost:?}");
    let why = "There is no server called “nowhere.test”.".to_owned();
    let nowhere = explain(
        AccountId(10),
        PurpleConnectionError::PURPLE_CONNECTION_ERROR_NETWORK_ERROR,
        "Unable to connect".to_owned(),
        false,
        Known { unresolved: Some(why), not_made: None },
    );
    assert!(!nowhere.fatal && nowhere.code == "network" && nowhere.message.contains("nowhere.test"), "{nowhere:?}");
    let refused = |message: &str| {
        let known = Known { unresolved: None, not_made: Some("Connection refused".to_owned()) };
        explain(AccountId(10), PurpleConnectionError::PURPLE_CONNECTION_ERROR_NETWORK_ERROR, message.to_owned(), false, known).message
    };
    assert!(refused("SSL Connection Failed").contains("refuses the connection"));
    assert!(refused("Unable to connect: Connection refused").contains("refuses the connection"));
    assert_eq!(refused("The server closed the connection."), "The server closed the connection.", "one of several addresses was reached");
}
